/* Messages of sessions that are closed with their agent (D4, N37). */
#include "tests/unit/message_world.h"

static void
what_closed_sessions_have_not_sent_ends_with_their_agent(void **state)
{
    struct rig *r = *state;

    r->limits.session_quiet_hours = view_str("00:00-23:59");
    declare_sessions(r);
    rig_must(r, "agent.add", "'name':'guest','handler':'noop'");
    rig_must(r, "session.send", "'key':'chat','content':'hello','agent':'guest'");
    rig_turn(r);
    uint64_t sent = process(r, TO_OTHER("a") "," TO_OTHER("b"));
    uint64_t unread = to_person(r, "{'kind':'send_message','content':'c','sink':'gateway'}");
    uint64_t quiet = unasked(r, TO_OTHER("d"));
    rig_must(r, "agent.remove", "'name':'guest','cascade':true");
    rig_settle(r);
    const uint64_t over[] = {sent + 1, unread, quiet};
    for (size_t i = 0; i < ARRAY_LEN(over); i++) {
        expect_effect(r, over[i], "failed");
        assert_string_equal(rig_text(r, "reason"), "its session was closed with its agent");
    }
    expect_effect(r, sent, "attempting"); /* its worker is at it */
    done(r, sent, "failed");
    rig_advance(r, HOUR_MS / 2);
    expect_effect(r, sent, "failed");
    assert_string_equal(rig_text(r, "reason"), "its session was closed with its agent");
    assert_int_equal(rig_read(r, "agent.show", "'name':'guest'"), E_NOT_FOUND);
}

static void
more_messages_than_a_turn_ends_take_several(void **state)
{
    struct rig     *r = *state;
    struct buf many BUF_AUTO = {0};

    declare_sessions(r);
    rig_must(r, "agent.add", "'name':'guest','handler':'noop'");
    rig_must(r, "session.send", "'key':'chat','content':'hello','agent':'guest'");
    rig_turn(r);
    for (int i = 0; i < 900; i++)
        buf_printf(&many, "%s{'kind':'send_message','content':'a','sink':'gateway'}", i ? "," : "");
    buf_add(&many, "", 1);
    (void)process(r, many.data);
    rig_must(r, "agent.remove", "'name':'guest','cascade':true");
    rig_settle(r);
    assert_int_equal(count_of(r, "'limit':1000,'status':'pending'"), 0);
    assert_int_equal(count_of(r, "'limit':1000,'status':'failed'"), 900);
    assert_int_equal(rig_read(r, "agent.show", "'name':'guest'"), E_NOT_FOUND);
}

/* A person has spoken to it, and it has closed since; what its agent has said waits. */
static void
close_guests(struct rig *r, const char *effects)
{
    declare_sessions(r);
    rig_must(r, "agent.add", "'name':'guest','handler':'noop'");
    rig_must(r, "session.send", "'key':'chat','content':'hello','agent':'guest'");
    rig_turn(r);
    (void)process(r, effects);
    rig_must(r, "session.close", "'key':'chat'");
}

static void
one_that_was_closed_before_sends_until_its_agent_is_removed(void **state)
{
    struct rig *r = *state;

    r->limits.session_on_cooldown = view_str("defer");
    close_guests(r, "{'kind':'send_message','content':'a','sink':'gateway'}," TO_OTHER("b"));
    done(r, 2, "failed"); /* it is tried again */
    rig_settle(r);
    expect_effect(r, 1, "pending");
    rig_must(r, "agent.remove", "'name':'guest'");
    rig_settle(r);
    for (uint64_t id = 1; id <= 2; id++) {
        expect_effect(r, id, "failed");
        assert_string_equal(rig_text(r, "reason"), "its session was closed with its agent");
        rig_must_read(r, "effect.why", "'id':%d", (int)id);
        assert_int_equal(rig_len(r, "blockers"), 0);
    }
    assert_false(rig_is_due(r));
}

static void
a_crash_leaves_none_of_them_waiting(void **state)
{
    struct rig *r = *state;

    close_guests(r, "{'kind':'send_message','content':'a','sink':'gateway'}");
    rig_must(r, "agent.remove", "'name':'guest'");
    expect_effect(r, 1, "pending"); /* the next turn is to end it */
    rig_crash(r);
    rig_settle(r);
    expect_effect(r, 1, "failed");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_closed_sessions_have_not_sent_ends_with_their_agent),
        TEST(more_messages_than_a_turn_ends_take_several),
        TEST(one_that_was_closed_before_sends_until_its_agent_is_removed),
        TEST(a_crash_leaves_none_of_them_waiting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
