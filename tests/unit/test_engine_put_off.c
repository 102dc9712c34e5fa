/* Messages that quiet hours or the cool-down put off: each goes when its own time has come, and
 * holds back nobody until then (D6, N22, N23). */
#include "tests/unit/message_world.h"

static int64_t
end_of_quiet(struct rig *r)
{
    return r->header.now.wall_ms - r->header.now.wall_ms % DAY_MS + DAY_MS - MINUTE_MS;
}

static void
an_answer_goes_before_what_quiet_hours_put_off(void **state)
{
    struct rig *r = *state;

    r->limits.session_quiet_hours = view_str("00:00-23:59");
    declare_sessions(r);
    int64_t  end = end_of_quiet(r);
    uint64_t quiet = unasked(r, TO_OTHER("a")), later = unasked(r, TO_OTHER("b"));
    uint64_t answer = to_person(r, TO_OTHER("c"));
    expect_effect(r, answer, "attempting");
    uint64_t second = to_person(r, TO_OTHER("d"));
    expect_effect(r, second, "pending"); /* answers keep their order */
    done(r, answer, "delivered");
    expect_effect(r, second, "attempting");
    rig_advance(r, end - r->header.now.wall_ms);
    expect_effect(r, quiet, "pending"); /* one at a time */
    done(r, second, "delivered");
    expect_effect(r, quiet, "attempting");
    expect_effect(r, later, "pending");
    done(r, quiet, "delivered");
    expect_effect(r, later, "attempting");
}

static void
what_was_put_off_and_is_being_sent_keeps_its_place(void **state)
{
    struct rig *r = *state;

    r->limits.session_on_cooldown = view_str("defer");
    declare_sessions(r);
    (void)to_person(r, "");
    uint64_t first = unasked(r, TO_OTHER("a") "," TO_OTHER("b"));
    done(r, first, "delivered");
    rig_advance(r, COOL_MS);
    expect_effect(r, first + 1, "attempting");
    uint64_t answer = to_person(r, TO_OTHER("c"));
    done(r, first + 1, "failed"); /* it is tried again */
    expect_effect(r, first + 1, "pending");
    expect_effect(r, answer, "pending");
    rig_advance(r, HOUR_MS / 2);
    done(r, first + 1, "delivered");
    expect_effect(r, answer, "attempting");
}

static void
each_says_the_time_that_it_waits_for_itself(void **state)
{
    struct rig *r = *state;

    r->limits.session_on_cooldown = view_str("defer");
    declare_sessions(r);
    (void)to_person(r, "");
    uint64_t first = unasked(r, TO_OTHER("a") "," TO_OTHER("b") "," TO_OTHER("c"));
    int64_t  now = r->header.now.wall_ms;
    done(r, first, "delivered");
    rig_must_read(r, "effect.why", "'id':%d", (int)first + 2);
    assert_int_equal(rig_len(r, "blockers"), 1); /* the one before it will be gone */
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "cooldown");
    assert_int_equal(rig_i64(r, "earliest_at"), now + 2 * COOL_MS);
}

/* A person's word begins the count anew: what is said after it may go before what was put off. */
static void
one_that_is_put_off_holds_back_none_that_is_put_off(void **state)
{
    struct rig *r = *state;

    r->limits.session_on_cooldown = view_str("defer");
    declare_sessions(r);
    (void)to_person(r, "");
    uint64_t a = unasked(r, TO_OTHER("1") "," TO_OTHER("2") "," TO_OTHER("3"));
    done(r, a, "delivered");
    rig_advance(r, 1000);
    (void)to_person(r, "");
    uint64_t b = unasked(r, TO_OTHER("1") "," TO_OTHER("2") "," TO_OTHER("3"));
    done(r, b, "delivered");
    rig_must_read(r, "effect.why", "'id':%d", (int)b + 1);
    assert_int_equal(rig_i64(r, "earliest_at"), r->header.now.wall_ms + COOL_MS);
    rig_advance(r, COOL_MS - 1000);
    done(r, a + 1, "delivered");
    rig_advance(r, 1000);
    expect_effect(r, b + 1, "attempting");
    done(r, b + 1, "delivered");
    rig_advance(r, COOL_MS - 1000);
    expect_effect(r, a + 2, "attempting");
    expect_effect(r, b + 2, "pending");
}

/* Those whose time has come while another was sent wait in the order in which it came. */
static void
what_was_put_off_takes_its_place_when_its_time_has_come(void **state)
{
    struct rig *r = *state;

    r->limits.session_on_cooldown = view_str("defer");
    declare_sessions(r);
    (void)to_person(r, "");
    uint64_t put_off = unasked(r, TO_OTHER("a") "," TO_OTHER("b") "," TO_OTHER("c"));
    done(r, put_off, "delivered");
    uint64_t answer = to_person(r, TO_OTHER("d"));
    rig_advance(r, COOL_MS); /* it is still being sent */
    expect_effect(r, put_off + 1, "pending");
    rig_must_read(r, "effect.why", "'id':%d", (int)put_off + 1);
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "order");
    uint64_t late = to_person(r, TO_OTHER("e"));
    rig_advance(r, COOL_MS);
    const uint64_t order[] = {answer, put_off + 1, late, put_off + 2};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        for (size_t k = i; k < ARRAY_LEN(order); k++)
            expect_effect(r, order[k], k == i ? "attempting" : "pending");
        done(r, order[i], "delivered");
    }
}

static void
what_was_put_off_says_what_is_before_it_beyond_its_time(void **state)
{
    struct rig *r = *state;

    r->limits.session_on_cooldown = view_str("defer");
    declare_sessions(r);
    (void)to_person(r, "");
    uint64_t put_off = unasked(r, TO_OTHER("a") "," TO_OTHER("b"));
    done(r, put_off, "delivered");
    uint64_t answer = to_person(r, TO_OTHER("c"));
    done(r, answer, "failed");
    rig_must_read(r, "effect.why", "'id':%d", (int)answer);
    int64_t again_at = rig_i64(r, "earliest_at");
    assert_true(again_at > r->header.now.wall_ms + COOL_MS);
    rig_must_read(r, "effect.why", "'id':%d", (int)put_off + 1);
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "order");
    assert_string_equal(rig_text(r, "blockers.1.predicate"), "cooldown");
    assert_int_equal(rig_i64(r, "earliest_at"), again_at);
}

/* With `defer` each has the cool-down before it also when they waited for the same hour. */
static void
what_quiet_hours_put_off_goes_a_cool_down_apart(void **state)
{
    struct rig *r = *state;

    r->limits.session_on_cooldown = view_str("defer");
    r->limits.session_quiet_hours = view_str("00:00-23:59");
    declare_sessions(r);
    (void)to_person(r, "");
    uint64_t first = unasked(r, TO_OTHER("a"));
    rig_advance(r, HOUR_MS);
    uint64_t second = unasked(r, TO_OTHER("b"));
    int64_t  end = end_of_quiet(r);
    rig_must_read(r, "effect.why", "'id':%d", (int)second);
    assert_int_equal(rig_i64(r, "earliest_at"), end + COOL_MS);
    rig_advance(r, end - r->header.now.wall_ms);
    done(r, first, "delivered");
    rig_advance(r, COOL_MS - 1);
    expect_effect(r, second, "pending");
    rig_advance(r, 1);
    expect_effect(r, second, "attempting");
}

#define TO_READER(content) "{'kind':'send_message','content':'" content "','sink':'gateway'}"

static void
expect_ack_refused(struct rig *r, uint64_t id, const char *why)
{
    rig_refused(r, E_WRONG_STATE, "", "effect.ack", "'id':%d,'session':'chat'", (int)id);
    if (!strstr(r->error.msg, why)) fail_msg("'%s', not '%s'", r->error.msg, why);
}

static void
what_is_put_off_for_readers_waits_for_its_time_and_for_them(void **state)
{
    struct rig *r = *state;

    r->limits.session_on_cooldown = view_str("defer");
    declare_sessions(r);
    (void)to_person(r, "");
    uint64_t put_off = unasked(r, TO_OTHER("a") "," TO_READER("b") "," TO_READER("c"));
    int64_t  due = r->header.now.wall_ms + COOL_MS;
    rig_must_read(r, "effect.why", "'id':%d", (int)put_off + 1);
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "cooldown");
    assert_string_equal(rig_text(r, "blockers.1.predicate"), "reader");
    assert_int_equal(rig_i64(r, "earliest_at"), due); /* it has none before */
    expect_ack_refused(r, put_off + 1, "is put off by the cool-down until");
    rig_must(r, "gateway.hello", "'version':'1'");
    rig_must(r, "session.attach", "'key':'chat','reader':1000");
    expect_effect(r, put_off + 1, "pending");
    rig_must(r, "session.detach", "'key':'chat'");
    rig_advance(r, 2 * COOL_MS);
    expect_effect(r, put_off + 1, "pending");
    rig_must(r, "session.attach", "'key':'chat','reader':1000");
    expect_effect(r, put_off + 1, "attempting");
    expect_effect(r, put_off + 2, "pending");
    expect_ack_refused(r, put_off + 2, "is not the next of its session");
    rig_must(r, "effect.ack", "'id':%d,'session':'chat'", (int)put_off + 1);
    expect_effect(r, put_off + 2, "attempting");
}

static void
in_quiet_hours_a_reader_would_get_nothing(void **state)
{
    struct rig *r = *state;

    r->limits.session_quiet_hours = view_str("00:00-23:59");
    declare_sessions(r);
    uint64_t quiet = unasked(r, TO_READER("a"));
    rig_must_read(r, "effect.why", "'id':%d", (int)quiet);
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "quiet_hours");
    assert_string_equal(rig_text(r, "text"), rig_text(r, "blockers.0.message"));
    assert_int_equal(rig_i64(r, "blockers.0.until_at"), end_of_quiet(r));
    assert_string_equal(rig_text(r, "blockers.1.predicate"), "reader");
    assert_int_equal(rig_i64(r, "earliest_at"), end_of_quiet(r));
    expect_ack_refused(r, quiet, "is put off by quiet hours until");
    rig_advance(r, end_of_quiet(r) - r->header.now.wall_ms);
    rig_must_read(r, "effect.why", "'id':%d", (int)quiet);
    assert_int_equal(rig_len(r, "blockers"), 1);
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "reader");
    assert_true(rig_is_nil(r, "earliest_at"));
    rig_must(r, "effect.ack", "'id':%d,'session':'chat'", (int)quiet);
}

/* ---- released by hand ---- */

static void
lift_quiet_hours(struct rig *r)
{
    r->limits.session_quiet_hours = (struct view){0};
    settle_sinks(r);
}

static void
expect_change(struct rig *r, uint64_t id, const char *predicate)
{
    FREE_AUTO char *change = xasprintf("agentctl effect resend %d", (int)id);

    rig_must_read(r, "effect.why", "'id':%d", (int)id);
    assert_string_equal(rig_text(r, "blockers.0.predicate"), predicate);
    assert_string_equal(rig_text(r, "change"), change);
}

/* A gate is judged once: the hours hold it although they are gone, and an operator's word goes
 * over them. */
static void
what_hours_that_were_lifted_put_off_is_sent_by_hand(void **state)
{
    struct rig *r = *state;

    r->limits.session_quiet_hours = view_str("00:00-23:59");
    declare_sessions(r);
    uint64_t quiet = unasked(r, TO_OTHER("a")), later = unasked(r, TO_OTHER("b"));
    lift_quiet_hours(r);
    expect_change(r, quiet, "quiet_hours");
    assert_non_null(strstr(rig_text(r, "text"), "the quiet hours that sessions had for messages"));
    assert_int_equal(rig_i64(r, "earliest_at"), end_of_quiet(r));
    uint64_t answer = to_person(r, TO_OTHER("c"));
    rig_must(r, "effect.resend", "'id':%d,'dry_run':true", (int)quiet);
    assert_int_equal(rig_i64(r, "matched"), 1);
    rig_must(r, "effect.resend", "'id':%d", (int)quiet);
    assert_int_equal(rig_i64(r, "done"), 1);
    expect_effect(r, quiet, "pending"); /* behind what is being sent */
    assert_int_equal(rig_i64(r, "resends"), 1);
    assert_int_equal(rig_i64(r, "not_after"), r->header.now.wall_ms + HOUR_MS);
    rig_refused(r, E_WRONG_STATE, "", "effect.resend", "'id':%d", (int)quiet);
    done(r, answer, "delivered");
    expect_effect(r, quiet, "attempting");
    done(r, quiet, "delivered");
    expect_effect(r, later, "pending");
    rig_must_read(r, "audit.list", "'limit':1");
    assert_string_equal(rig_text(r, "items.0.action"), "effect.resend");
    assert_string_equal(rig_text(r, "items.0.before.status"), "pending");
    rig_advance(r, end_of_quiet(r) - r->header.now.wall_ms);
    expect_effect(r, later, "attempting");
}

static void
what_the_cool_down_put_off_is_sent_by_hand(void **state)
{
    struct rig *r = *state;

    r->limits.session_on_cooldown = view_str("defer");
    declare_sessions(r);
    (void)to_person(r, "");
    uint64_t first = unasked(r, TO_OTHER("a") "," TO_OTHER("b") "," TO_OTHER("c"));
    done(r, first, "delivered");
    expect_change(r, first + 2, "cooldown");
    rig_must(r, "effect.resend", "'id':%d", (int)first + 2);
    expect_effect(r, first + 2, "attempting");
    assert_true(rig_is_nil(r, "allowed_at"));
    expect_effect(r, first + 1, "pending");
}

static void
released_by_hand_it_waits_for_a_reader_only(void **state)
{
    struct rig *r = *state;

    r->limits.session_quiet_hours = view_str("00:00-23:59");
    declare_sessions(r);
    uint64_t quiet = unasked(r, TO_READER("a"));
    expect_change(r, quiet, "quiet_hours");
    rig_must(r, "effect.resend", "'id':%d", (int)quiet);
    rig_must_read(r, "effect.why", "'id':%d", (int)quiet);
    assert_int_equal(rig_len(r, "blockers"), 1);
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "reader");
    uint64_t answer = to_person(r, TO_READER("b"));
    rig_must(r, "gateway.hello", "'version':'1'");
    rig_must(r, "session.attach", "'key':'chat','reader':1000");
    expect_effect(r, quiet, "attempting");
    expect_effect(r, answer, "pending"); /* it has the place that it was released to */
}

/* Only who names pending ones means them, and of these only what is put off. */
static void
many_are_released_only_when_pending_ones_are_meant(void **state)
{
    struct rig *r = *state;

    r->limits.session_quiet_hours = view_str("00:00-23:59");
    declare_sessions(r);
    uint64_t quiet = unasked(r, TO_OTHER("a") "," TO_READER("b"));
    uint64_t answer = to_person(r, TO_OTHER("c") "," TO_OTHER("d"));
    rig_must(r, "effect.resend", "'status':'rejected'");
    assert_int_equal(rig_i64(r, "matched"), 0);
    rig_must(r, "effect.resend", "'status':'pending','dry_run':true");
    assert_int_equal(rig_i64(r, "matched"), 2);
    assert_int_equal(rig_i64(r, "done"), 0);
    rig_must(r, "effect.resend", "'status':'pending'");
    assert_int_equal(rig_i64(r, "done"), 2);
    rig_must(r, "effect.resend", "'status':'pending'");
    assert_int_equal(rig_i64(r, "matched"), 0);
    done(r, answer, "delivered");
    done(r, answer + 1, "delivered");
    expect_effect(r, quiet, "attempting");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_answer_goes_before_what_quiet_hours_put_off),
        TEST(what_was_put_off_and_is_being_sent_keeps_its_place),
        TEST(each_says_the_time_that_it_waits_for_itself),
        TEST(one_that_is_put_off_holds_back_none_that_is_put_off),
        TEST(what_was_put_off_takes_its_place_when_its_time_has_come),
        TEST(what_was_put_off_says_what_is_before_it_beyond_its_time),
        TEST(what_quiet_hours_put_off_goes_a_cool_down_apart),
        TEST(what_is_put_off_for_readers_waits_for_its_time_and_for_them),
        TEST(in_quiet_hours_a_reader_would_get_nothing),
        TEST(what_hours_that_were_lifted_put_off_is_sent_by_hand),
        TEST(what_the_cool_down_put_off_is_sent_by_hand),
        TEST(released_by_hand_it_waits_for_a_reader_only),
        TEST(many_are_released_only_when_pending_ones_are_meant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
