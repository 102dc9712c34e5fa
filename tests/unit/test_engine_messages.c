/* Messages of sessions: to whom they go, the gates and the quiet hours of those that nobody asked
 * for, and how long they may wait (D4, D6, D7, N23). */
#include "tests/unit/message_world.h"

static void
expect_count(struct rig *r, int64_t autonomous, int64_t last_at)
{
    rig_must_read(r, "session.show", "'key':'chat'");
    assert_int_equal(rig_i64(r, "consecutive_autonomous_msgs"), autonomous);
    if (last_at) {
        assert_int_equal(rig_i64(r, "last_autonomous_at"), last_at);
    } else {
        assert_true(rig_is_nil(r, "last_autonomous_at"));
    }
}

static void
expect_rejected(struct rig *r, uint64_t id, const char *reason, int64_t allowed_at)
{
    expect_effect(r, id, "rejected");
    assert_string_equal(rig_text(r, "reason"), reason);
    if (allowed_at) {
        assert_int_equal(rig_i64(r, "allowed_at"), allowed_at);
    } else {
        assert_true(rig_is_nil(r, "allowed_at"));
    }
    assert_null(rig_delivery(r, id));
}

/* ---- to whom ---- */

static void
a_message_goes_to_the_sink_it_names(void **state)
{
    struct rig *r = *state;
    struct view v;

    declare_sessions(r);
    uint64_t id = to_person(r, "{'kind':'send_message','content':'hi','sink':'other'}");
    expect_effect(r, id, "attempting");
    assert_string_equal(rig_text(r, "sink"), "other");
    assert_string_equal(rig_text(r, "kind"), "send_message");
    assert_int_equal(rig_i64(r, "event"), 1);
    assert_int_equal(count_of(r, "'limit':1000"), 1);
    assert_true(mp_find(rig_delivery(r, id)->body, "document", &v));
    r->reply = v;
    assert_string_equal(rig_text(r, "content"), "hi");
    assert_string_equal(rig_text(r, "session"), "chat");
    assert_int_equal(rig_i64(r, "event"), 1);
}

static void
without_a_sink_of_its_own_a_session_speaks_to_its_readers(void **state)
{
    struct rig *r = *state;

    settle_sinks(r);
    rig_workers(r, 1, 8);
    uint64_t id = to_person(r, SAY("a") "," NOTIFY("b"));
    for (int i = 0; i < 2; i++) {
        expect_effect(r, id + (uint64_t)i, "pending");
        assert_string_equal(rig_text(r, "sink"), "gateway");
        assert_true(rig_is_nil(r, "not_after"));
    }
    rig_advance(r, 1000);
    assert_null(rig_delivery(r, id));
    rig_must_read(r, "effect.why", "'id':%d", (int)id);
    assert_int_equal(rig_len(r, "blockers"), 1);
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "reader");
    rig_must_read(r, "effect.why", "'id':%d", (int)id + 1);
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "order");
    assert_true(rig_is_nil(r, "earliest_at"));
}

static void
what_is_of_no_session_does_not_wait_for_readers(void **state)
{
    struct rig *r = *state;

    set_default_sinks(r, "'gateway'");
    settle_sinks(r);
    rig_workers(r, 1, 8);
    uint64_t id = effects_of(r, "'handler':'noop'", NOTIFY("a"));
    expect_effect(r, id, "suppressed");
    assert_string_equal(rig_text(r, "reason"), "no sink is configured");
}

static void
a_message_says_of_which_checkpoint_it_is_and_its_key(void **state)
{
    struct rig *r = *state;
    char        key[33];

    declare_sessions(r);
    (void)to_person(r, "");
    uint64_t id = to_person(r, SAY("a") "," SAY("a"));
    expect_effect(r, id, "attempting");
    assert_int_equal(rig_i64(r, "checkpoint"), 2);
    assert_int_equal(strlen(rig_text(r, "dedupe_key")), 32);
    (void)snprintf(key, sizeof(key), "%s", rig_text(r, "dedupe_key")); /* fits */
    expect_effect(r, id + 1, "pending");
    assert_string_not_equal(rig_text(r, "dedupe_key"), key); /* the second of two equal ones */
}

/* The key of the message of this place among those that the second event brings. */
static void
key_of(const char *effects, uint64_t place, char key[33])
{
    void       *state = NULL;
    struct rig *r;

    assert_int_equal(rig_begin(&state), 0);
    r = state;
    declare_sessions(r);
    rig_must_read(r, "effect.show", "'id':%d", (int)(to_person(r, effects) + place));
    (void)snprintf(key, 33, "%s", rig_text(r, "dedupe_key")); /* fits */
    assert_int_equal(rig_end(&state), 0);
}

static void
a_message_has_the_same_key_wherever_it_stands_among_others(void **state)
{
    char first[33], last[33];

    (void)state;
    key_of(SAY("a") "," SAY("b"), 0, first);
    key_of(SAY("b") "," SAY("b") "," SAY("a"), 2, last);
    assert_string_equal(first, last);
}

/* ---- the gates ---- */

static void
an_answer_to_a_person_is_never_held_back(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    for (int i = 0; i < 5; i++)
        assert_int_equal(to_person(r, SAY("a") "," SAY("b")), 2 * i + 1);
    assert_int_equal(count_of(r, "'status':'rejected'"), 0);
    expect_count(r, 0, 0);
}

static void
the_gates_judge_each_message_after_the_one_before(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    (void)to_person(r, "");
    uint64_t id = unasked(r, SAY("a") "," SAY("b"));
    int64_t  first_at = r->header.now.wall_ms;

    expect_effect(r, id, "attempting");
    assert_true(rig_bool(r, "autonomous"));
    expect_rejected(r, id + 1, "cooldown_active", first_at + COOL_MS);
    expect_count(r, 1, first_at);
    assert_int_equal(rig_feed_count(r, "effect.rejected"), 1);
}

static void
exactly_the_cool_down_later_is_allowed_and_three_in_a_row(void **state)
{
    struct rig *r = *state;
    int64_t     last_at;

    declare_sessions(r);
    (void)to_person(r, "");
    (void)unasked(r, SAY("a"));
    last_at = r->header.now.wall_ms;
    rig_advance(r, COOL_MS - 1);
    expect_rejected(r, unasked(r, NOTIFY("early")), "cooldown_active", last_at + COOL_MS);
    expect_count(r, 1, last_at);
    rig_advance(r, 1);
    (void)unasked(r, NOTIFY("b"));
    expect_count(r, 2, last_at + COOL_MS);
    rig_advance(r, COOL_MS);
    (void)unasked(r, SAY("c"));
    expect_count(r, 3, last_at + 2 * COOL_MS);
    expect_rejected(r, unasked(r, SAY("d")), "hard_cap_reached", 0); /* tested first */
    rig_advance(r, 24 * HOUR_MS);
    expect_rejected(r, unasked(r, SAY("e")), "hard_cap_reached", 0);
    (void)to_person(r, "");
    expect_count(r, 0, 0);
    uint64_t id = unasked(r, SAY("f"));
    expect_effect(r, id, "pending"); /* behind those that are under way */
    expect_count(r, 1, r->header.now.wall_ms);
}

static void
a_message_to_several_sinks_counts_once_and_is_refused_once(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    rig_must(r, "session.send", "'key':'chat','content':'hello','agent':'two'");
    rig_turn(r);
    (void)process(r, "");
    uint64_t id = unasked(r, SAY("a"));
    assert_int_equal(count_of(r, "'limit':1000"), 2);
    expect_effect(r, id, "attempting");
    assert_int_equal(rig_i64(r, "not_after"), r->header.now.wall_ms + HOUR_MS);
    expect_effect(r, id + 1, "attempting");
    assert_true(rig_is_nil(r, "not_after"));
    expect_count(r, 1, r->header.now.wall_ms);
    expect_rejected(r, unasked(r, SAY("b")), "cooldown_active", r->header.now.wall_ms + COOL_MS);
    assert_int_equal(count_of(r, "'limit':1000"), 3);
}

static void
without_a_person_there_is_no_gate(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    for (int i = 0; i < 5; i++)
        (void)unasked(r, SAY("a"));
    assert_int_equal(count_of(r, "'status':'rejected'"), 0);
    assert_int_equal(count_of(r, "'limit':1000"), 5);
    expect_count(r, 0, 0);
}

static void
disabled_sends_answers_only(void **state)
{
    struct rig *r = *state;

    r->limits.session_enabled = false;
    declare_sessions(r);
    expect_rejected(r, unasked(r, SAY("a")), "disabled", 0); /* no person yet */
    uint64_t answer = to_person(r, SAY("b"));
    expect_effect(r, answer, "attempting");
    expect_rejected(r, unasked(r, SAY("c")), "disabled", 0);
    expect_count(r, 0, 0);
}

static void
what_comes_too_soon_may_be_put_off_instead(void **state)
{
    struct rig *r = *state;
    int64_t     first_at;

    r->limits.session_on_cooldown = view_str("defer");
    declare_sessions(r);
    (void)to_person(r, "");
    uint64_t a = unasked(r, SAY("a") "," SAY("b"));
    first_at = r->header.now.wall_ms;
    done(r, a, "delivered");
    expect_effect(r, a + 1, "pending");
    expect_count(r, 2, first_at + COOL_MS);
    rig_must_read(r, "effect.why", "'id':%d", (int)a + 1);
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "cooldown");
    assert_int_equal(rig_i64(r, "earliest_at"), first_at + COOL_MS);
    rig_advance(r, COOL_MS - 1);
    assert_null(rig_delivery(r, a + 1));
    rig_advance(r, 1);
    assert_non_null(rig_delivery(r, a + 1));
}

static void
a_failed_attempt_counts_nothing(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    (void)to_person(r, "");
    rig_must(r, "session.event", "'key':'chat','type':'tick'");
    rig_turn(r);
    rig_must_read(r, "session.show", "'key':'chat'");
    uint64_t job = (uint64_t)rig_i64(r, "job");
    rig_ended(r, job, "'verdict':'failed','effects':[%s]", SAY("a"));
    rig_turn(r);
    assert_int_equal(count_of(r, "'limit':1000"), 0);
    expect_count(r, 0, 0);
}

/* ---- quiet hours ---- */

static void
in_quiet_hours_what_nobody_asked_for_waits(void **state)
{
    struct rig *r = *state;

    r->limits.session_quiet_hours = view_str("00:00-23:59");
    declare_sessions(r);
    uint64_t answer = to_person(r, SAY("a"));
    expect_effect(r, answer, "attempting");
    done(r, answer, "delivered");
    int64_t end =
        r->header.now.wall_ms - r->header.now.wall_ms % (24 * HOUR_MS) + 24 * HOUR_MS - MINUTE_MS;
    uint64_t id = unasked(r, "{'kind':'send_message','content':'b','sink':'other'}");
    expect_effect(r, id, "pending");
    assert_int_equal(rig_i64(r, "not_after"), end + HOUR_MS); /* from when it might be sent */
    rig_must_read(r, "effect.why", "'id':%d", (int)id);
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "quiet_hours");
    assert_int_equal(rig_i64(r, "earliest_at"), end);
    expect_count(r, 1, r->header.now.wall_ms);
    rig_advance(r, end - r->header.now.wall_ms - 1);
    assert_null(rig_delivery(r, id));
    rig_advance(r, 1);
    assert_non_null(rig_delivery(r, id));
}

/* ---- not_after ---- */

static void
expect_expires(struct rig *r, const char *effects, int64_t after_ms)
{
    int64_t  made_at = r->header.now.wall_ms;
    uint64_t id = to_person(r, effects);

    expect_effect(r, id, "pending");
    assert_int_equal(rig_i64(r, "not_after"), made_at + after_ms);
    assert_true(r->deadline.wall_ms <= made_at + after_ms);
    rig_advance(r, after_ms - 1);
    expect_effect(r, id, "pending");
    rig_advance(r, 1);
    expect_effect(r, id, "expired");
    assert_string_equal(rig_text(r, "reason"), "not sent in time");
    assert_null(rig_delivery(r, id));
}

static void
what_is_not_sent_in_time_expires(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    rig_must(r, "stop", "'scope':'effects'");
    expect_expires(r, "{'kind':'send_message','content':'a','sink':'other'}", HOUR_MS);
    FREE_AUTO char *own =
        xasprintf("{'kind':'send_message','content':'a','sink':'file','not_after':%lld}",
                  (long long)(r->header.now.wall_ms + 5));
    expect_expires(r, own, 5);
    assert_int_equal(rig_feed_count(r, "effect.expired"), 2);
    uint64_t kept = to_person(r, SAY("c")); /* to a sink that lets it wait for ever */
    rig_advance(r, 100 * HOUR_MS);
    expect_effect(r, kept, "pending");
}

static void
one_that_expired_lets_the_next_one_go(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    uint64_t sent = to_person(r, "{'kind':'send_message','content':'a','sink':'other'}");
    uint64_t late = to_person(r, "{'kind':'send_message','content':'b','sink':'other'}");
    rig_advance(r, HOUR_MS - 1);
    uint64_t next = to_person(r, "{'kind':'send_message','content':'c','sink':'other'}");
    rig_advance(r, 1);
    expect_effect(r, sent, "attempting"); /* what is under way is not taken back */
    expect_effect(r, late, "expired");
    expect_effect(r, next, "pending");
    done(r, sent, "delivered");
    expect_effect(r, next, "attempting");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_message_goes_to_the_sink_it_names),
        TEST(without_a_sink_of_its_own_a_session_speaks_to_its_readers),
        TEST(what_is_of_no_session_does_not_wait_for_readers),
        TEST(a_message_says_of_which_checkpoint_it_is_and_its_key),
        cmocka_unit_test(a_message_has_the_same_key_wherever_it_stands_among_others),
        TEST(an_answer_to_a_person_is_never_held_back),
        TEST(the_gates_judge_each_message_after_the_one_before),
        TEST(exactly_the_cool_down_later_is_allowed_and_three_in_a_row),
        TEST(a_message_to_several_sinks_counts_once_and_is_refused_once),
        TEST(without_a_person_there_is_no_gate),
        TEST(disabled_sends_answers_only),
        TEST(what_comes_too_soon_may_be_put_off_instead),
        TEST(a_failed_attempt_counts_nothing),
        TEST(in_quiet_hours_what_nobody_asked_for_waits),
        TEST(what_is_not_sent_in_time_expires),
        TEST(one_that_expired_lets_the_next_one_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
