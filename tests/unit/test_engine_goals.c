/* Goals, tickets, wake-ups and routines (B3, B4, B5). */
#include "tests/unit/engine_rig.h"

static void
a_cycle_of_goals_is_refused(void **state)
{
    struct rig *r = *state;

    rig_must(r, "goal.add", "'title':'root'");
    rig_must(r, "goal.add", "'title':'leaf','parent':1");
    rig_refused(r, E_BAD_REQUEST, "parent", "goal.set", "'id':1,'parent':2");
    rig_refused(r, E_NOT_FOUND, "parent", "goal.add", "'title':'x','parent':9");
    rig_must_read(r, "goal.show", "'id':2");
    assert_int_equal(rig_len(r, "why"), 2);
}

static void
assignment_wakes_and_the_start_moves_the_ticket(void **state)
{
    struct rig               *r = *state;
    const struct rig_declared d = {.agents = "{'name':'a','handler':'noop','capabilities':1}"};

    rig_configure(r, &d);
    rig_workers(r, 1, 4);
    rig_must(r, "goal.add", "'title':'root'");
    rig_must(r, "ticket.add", "'title':'t','goal':1,'required':1");
    rig_must(r, "ticket.add", "'title':'hard','required':2");
    rig_refused(r, E_BAD_REQUEST, "agent", "ticket.assign", "'id':2,'agent':'a'");
    rig_refused(r, E_NOT_FOUND, "agent", "ticket.assign", "'id':1,'agent':'nobody'");
    rig_must(r, "ticket.assign", "'id':1,'agent':'a'");
    uint64_t job = (uint64_t)rig_i64(r, "job");

    rig_settle(r);
    rig_must_read(r, "ticket.show", "'id':1");
    assert_string_equal(rig_text(r, "status"), "in_progress");
    rig_complete(r, job);
    rig_must(r, "ticket.set", "'id':1,'status':'done'");
    assert_string_equal(rig_text(r, "status"), "done");
    assert_int_equal(rig_i64(r, "open_jobs"), 0);
}

static void
a_routine_makes_one_ticket_and_one_wake_up(void **state)
{
    struct rig               *r = *state;
    const struct rig_declared d = {.agents = "{'name':'a','handler':'noop'}"};

    rig_configure(r, &d);
    rig_must(r, "routine.add", "'name':'n','every_ms':60000,'ticket_title':'t','assign':'a'");
    rig_advance(r, MINUTE_MS);
    rig_must_read(r, "ticket.list", "'limit':10");
    assert_int_equal(rig_len(r, "items"), 1);
    assert_string_equal(rig_text(r, "items.0.status"), "claimed");
    assert_string_equal(rig_job_text(r, 1, "source"), "routine_execution");
    assert_int_equal(rig_job_i64(r, 1, "priority"), 70);
    rig_must(r, "routine.complete", "'ticket':1");
    assert_string_equal(rig_text(r, "trigger"), "routine");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_cycle_of_goals_is_refused),
        TEST(assignment_wakes_and_the_start_moves_the_ticket),
        TEST(a_routine_makes_one_ticket_and_one_wake_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
