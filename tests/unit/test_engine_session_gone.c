/* What becomes of a session, and of what it has to say, when its schedule or its agent goes. */
#include "tests/unit/session_world.h"

static void
a_removed_schedules_session_goes_by_age(void **state)
{
    struct rig *r = *state;

    r->limits.keep_events_ms = HOUR_MS;
    declare(r);
    rig_workers(r, 1, 4);
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    rig_advance(r, MINUTE_MS);
    rig_refused(r, E_IN_USE, "", "schedule.remove", "'name':'s'"); /* no firing outlives it */
    rig_ended(r, 1, "'verdict':'completed','checkpoint':{'n':1}");
    rig_turn(r);
    assert_int_equal(session_i64(r, "schedule/s", "checkpoint_id"), 1);
    rig_must(r, "schedule.remove", "'name':'s'");
    show(r, "schedule/s");
    assert_string_equal(rig_text(r, "status"), "closed");
    assert_true(rig_is_nil(r, "checkpoint"));

    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'"); /* knowingly */
    show(r, "schedule/s");
    assert_string_equal(rig_text(r, "status"), "open");
    assert_int_equal(rig_i64(r, "checkpoint_id"), 1); /* the keys of effects rest on it */
    rig_must(r, "schedule.remove", "'name':'s'");
    rig_advance(r, HOUR_MS - 1);
    show(r, "schedule/s");
    rig_advance(r, 1);
    assert_int_equal(rig_read(r, "session.show", "'key':'schedule/s'"), E_NOT_FOUND);
}

static void
unread_messages_of_a_closed_session_end_with_its_agent(void **state)
{
    struct rig *r = *state;

    r->limits.keep_events_ms = HOUR_MS;
    declare(r);
    rig_workers(r, 1, 4);
    rig_must(r, "agent.add", "'name':'gone','handler':'noop'");
    rig_must(r, "session.send", "'key':'s','agent':'gone','content':'hi'");
    rig_ended(r, (uint64_t)rig_i64(r, "job"),
              "'verdict':'completed','effects':[{'kind':'send_message','content':'c'}]");
    rig_turn(r);
    rig_must(r, "session.close", "'key':'s'");
    rig_advance(r, 3 * HOUR_MS);
    rig_must_read(r, "effect.show", "'id':1");
    assert_string_equal(rig_text(r, "status"), "pending"); /* somebody may still read it */
    rig_must(r, "agent.remove", "'name':'gone'");
    rig_advance(r, HOUR_MS);
    rig_must_read(r, "effect.show", "'id':1");
    assert_string_equal(rig_text(r, "status"), "failed");
    assert_non_null(strstr(rig_text(r, "reason"), "with its agent"));
    rig_advance(r, HOUR_MS);
    assert_int_equal(rig_read(r, "session.show", "'key':'s'"), E_NOT_FOUND);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_removed_schedules_session_goes_by_age),
        TEST(unread_messages_of_a_closed_session_end_with_its_agent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
