/* While sessions are disabled nothing unasked is sent, also what was made before (D7). */
#include "tests/unit/message_world.h"

static void
disable(struct rig *r)
{
    r->limits.session_enabled = false;
    settle_sinks(r);
}

static void
expect_refused(struct rig *r, uint64_t id)
{
    expect_effect(r, id, "rejected");
    assert_string_equal(rig_text(r, "reason"), "disabled");
    assert_true(rig_is_nil(r, "allowed_at"));
    rig_must_read(r, "effect.why", "'id':%d", (int)id);
    assert_string_equal(rig_text(r, "text"), "it is over: rejected: disabled");
}

static void
what_was_put_off_is_refused_when_its_time_comes(void **state)
{
    struct rig *r = *state;

    r->limits.session_on_cooldown = view_str("defer");
    declare_sessions(r);
    (void)to_person(r, "");
    uint64_t sent = unasked(r, TO_OTHER("a") "," TO_OTHER("b"));
    disable(r);
    expect_effect(r, sent, "attempting"); /* what is under way is not taken back */
    done(r, sent, "delivered");
    rig_must_read(r, "effect.why", "'id':%d", (int)sent + 1);
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "disabled");
    assert_true(rig_is_nil(r, "earliest_at"));
    rig_advance(r, COOL_MS);
    expect_refused(r, sent + 1);
    assert_null(rig_delivery(r, sent + 1));
    assert_int_equal(rig_feed_count(r, "effect.rejected"), 1);
    assert_false(rig_is_due(r));
}

static void
one_that_was_not_sent_is_not_tried_again_and_holds_back_no_answer(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    uint64_t tried = unasked(r, TO_OTHER("a"));
    uint64_t answer = to_person(r, TO_OTHER("b"));
    done(r, tried, "failed");
    disable(r);
    expect_effect(r, tried, "pending");
    rig_advance(r, 2 * MINUTE_MS);
    expect_refused(r, tried);
    expect_effect(r, answer, "attempting");
}

static void
an_operator_may_send_it_all_the_same(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    uint64_t tried = unasked(r, TO_OTHER("a"));
    done(r, tried, "failed");
    disable(r);
    rig_advance(r, 2 * MINUTE_MS);
    rig_must(r, "effect.resend", "'id':%d", (int)tried);
    rig_turn(r);
    expect_effect(r, tried, "attempting");
    done(r, tried, "failed");
    rig_advance(r, 2 * MINUTE_MS);
    expect_effect(r, tried, "attempting");
}

static void
readers_get_answers_only(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    uint64_t waits = unasked(r, "{'kind':'send_message','content':'a','sink':'gateway'}");
    uint64_t answer = to_person(r, "{'kind':'send_message','content':'b','sink':'gateway'}");
    disable(r);
    expect_effect(r, waits, "pending");
    rig_must(r, "gateway.hello", "'version':'1'");
    rig_must(r, "session.attach", "'key':'chat','reader':1000");
    rig_settle(r);
    expect_refused(r, waits);
    expect_effect(r, answer, "attempting");
}

static void
many_are_refused_in_bounded_turns(void **state)
{
    struct rig     *r = *state;
    struct buf many BUF_AUTO = {0};

    declare_sessions(r);
    for (int i = 0; i < 900; i++)
        buf_printf(&many, "%s%s", i ? "," : "", TO_OTHER("a"));
    buf_add(&many, "", 1);
    uint64_t first = unasked(r, many.data);
    disable(r);
    done(r, first, "delivered");
    assert_in_range(count_of(r, "'limit':1000,'status':'rejected'"), 1, 500);
    rig_settle(r);
    assert_int_equal(count_of(r, "'limit':1000,'status':'rejected'"), 899);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_put_off_is_refused_when_its_time_comes),
        TEST(one_that_was_not_sent_is_not_tried_again_and_holds_back_no_answer),
        TEST(an_operator_may_send_it_all_the_same),
        TEST(readers_get_answers_only),
        TEST(many_are_refused_in_bounded_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
