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
a_cycle_of_tickets_is_refused(void **state)
{
    struct rig *r = *state;

    rig_must(r, "ticket.add", "'title':'top'");
    rig_must(r, "ticket.add", "'title':'middle','parent':1");
    rig_must(r, "ticket.add", "'title':'bottom','parent':2");
    rig_refused(r, E_BAD_REQUEST, "parent", "ticket.set", "'id':1,'parent':1");
    rig_refused(r, E_BAD_REQUEST, "parent", "ticket.set", "'id':1,'parent':3");
    rig_refused(r, E_NOT_FOUND, "parent", "ticket.set", "'id':1,'parent':9");
    rig_must(r, "ticket.set", "'id':3,'parent':1");
    rig_must(r, "ticket.set", "'id':3,'parent':0");
    assert_true(rig_is_nil(r, "parent"));
}

static void
trees_have_a_depth(void **state)
{
    struct rig *r = *state;

    rig_must(r, "goal.add", "'title':'root'");
    rig_must(r, "ticket.add", "'title':'top'");
    for (int n = 2; n <= 64; n++) {
        rig_must(r, "goal.add", "'title':'g','parent':%d", n - 1);
        rig_must(r, "ticket.add", "'title':'t','parent':%d", n - 1);
    }
    rig_refused(r, E_BAD_REQUEST, "parent", "goal.add", "'title':'g','parent':64");
    rig_refused(r, E_BAD_REQUEST, "parent", "ticket.add", "'title':'t','parent':64");
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
only_who_may_have_a_ticket_is_assigned(void **state)
{
    struct rig               *r = *state;
    const struct rig_declared d = {.companies = "{'name':'acme'}",
                                   .agents = "{'name':'able','handler':'noop','capabilities':3},"
                                             "{'name':'half','handler':'noop','capabilities':2},"
                                             "{'name':'far','company':'acme','handler':'noop',"
                                             "'capabilities':3}"};

    rig_configure(r, &d);
    rig_must(r, "ticket.add", "'title':'t','required':3");
    rig_refused(r, E_NOT_FOUND, "agent", "ticket.assign", "'id':1,'agent':'acme/far'");
    rig_refused(r, E_NOT_FOUND, "agent", "ticket.assign", "'id':1,'agent':'far'");
    rig_refused(r, E_BAD_REQUEST, "agent", "ticket.assign", "'id':1,'agent':'half'");
    assert_non_null(strstr(r->error.msg, "0x1"));
    rig_refused(r, E_NOT_FOUND, "", "ticket.assign", "'id':2,'agent':'able'");
    rig_refused(r, E_NOT_FOUND, "agent", "ticket.add", "'title':'t','agent':'acme/nobody'");
    rig_refused(r, E_BAD_REQUEST, "agent", "ticket.add", "'title':'t','required':1,'agent':'half'");
    rig_must(r, "ticket.assign", "'id':1,'agent':'able'");
    rig_refused(r, E_BAD_REQUEST, "required", "ticket.set", "'id':1,'required':4");
    rig_must_read(r, "job.list", "'limit':10");
    assert_int_equal(rig_len(r, "items"), 1);
}

static uint64_t
assign(struct rig *r, const char *agent)
{
    rig_must(r, "ticket.assign", "'id':1,'agent':'%s'", agent);
    return (uint64_t)rig_i64(r, "job");
}

static void
another_assignee_takes_the_wake_up_over(void **state)
{
    struct rig               *r = *state;
    const struct rig_declared d = {
        .agents = "{'name':'a','handler':'noop'},{'name':'b','handler':'noop'}"};

    rig_configure(r, &d);
    rig_must(r, "ticket.add", "'title':'t'");
    uint64_t first = assign(r, "a"), again = assign(r, "a");
    expect_state(r, first, "parked"); /* the same agent's are not taken back */
    uint64_t second = assign(r, "b");
    expect_state(r, again, "cancelled");
    assert_string_equal(rig_text(r, "failure.message"), "the ticket was assigned to another agent");
    expect_state(r, second, "parked");
    rig_must(r, "job.cancel", "'id':%d", (int)first);
    rig_workers(r, 1, 4);
    rig_settle(r);
    expect_state(r, second, "running");
    uint64_t third = assign(r, "a");
    expect_state(r, second, "running"); /* what has started goes on */
    rig_must_read(r, "ticket.show", "'id':1");
    assert_string_equal(rig_text(r, "assignee"), "a");
    assert_string_equal(rig_text(r, "status"), "in_progress");
    rig_complete(r, second);
    rig_complete(r, third);
    rig_must_read(r, "ticket.show", "'id':1");
    assert_int_equal(rig_i64(r, "open_jobs"), 0);
}

static void
a_goal_is_decomposed_wholly_or_not_at_all(void **state)
{
    struct rig               *r = *state;
    const struct rig_declared d = {.companies = "{'name':'acme','queue_max':3}",
                                   .agents = "{'name':'a','company':'acme','handler':'noop'},"
                                             "{'name':'b','company':'acme','handler':'noop'}"};

    rig_configure(r, &d);
    rig_must(r, "goal.add", "'company':'acme','title':'whole','agent':'acme/a'");
    rig_submit(r, "'agent':'acme/a'");
    rig_refused(r, E_QUEUE_FULL, "", "goal.decompose",
                "'id':1,'parts':[{'title':'x'},{'title':'y'},{'title':'z'}]");
    rig_refused(r, E_NOT_FOUND, "agent", "goal.decompose",
                "'id':1,'parts':[{'title':'x'},{'title':'y','agent':'nobody'}]");
    rig_refused(r, E_BAD_REQUEST, "parts", "goal.decompose", "'id':1,'parts':[]");
    rig_must(r, "goal.decompose", "'id':1,'parts':[{'title':'x'},{'title':'y','agent':'b'}]");
    assert_int_equal(rig_len(r, "parts"), 2);
    assert_string_equal(rig_text(r, "parts.0.agent"), "a");
    assert_string_equal(rig_text(r, "parts.1.agent"), "b");
    assert_string_equal(rig_job_text(r, 3, "trigger"), "goal_decomposed");
    assert_int_equal(rig_job_i64(r, 3, "priority"), 75);
    assert_int_equal(rig_job_i64(r, 3, "goal"), 3);
    rig_must_read(r, "goal.show", "'id':1");
    assert_int_equal(rig_len(r, "children"), 2);
    rig_refused(r, E_QUEUE_FULL, "", "agent.wake", "'name':'acme/a'");
    rig_refused(r, E_QUEUE_FULL, "", "job.submit", "'agent':'acme/a'");
    rig_must(r, "ticket.add", "'company':'acme','title':'t'");
    rig_refused(r, E_QUEUE_FULL, "", "ticket.assign", "'id':1,'agent':'acme/a'");
    rig_must(r, "goal.set", "'id':1,'status':'done'");
    rig_refused(r, E_WRONG_STATE, "", "goal.decompose", "'id':1,'parts':[{'title':'x'}]");
}

/* The numbers that the next goal and ticket get. */
static void
set_next_numbers(struct rig *r, uint64_t next)
{
    struct err  e = {0};
    struct txn *t = txn_begin_write(r->store, &e);
    struct meta m = {.id = 1};
    bool        outcome_unknown;

    if (!t) fail_msg("%s", e.msg);
    assert_int_equal(meta_load(t, &m), LOAD_FOUND);
    m.next_goal = m.next_ticket = next;
    meta_save(t, &m);
    if (txn_commit(&t, &outcome_unknown, &e)) fail_msg("%s", e.msg);
    rig_crash(r);
    rig_turn(r);
}

static void
numbers_beyond_32_bits_are_counted_apart(void **state)
{
    struct rig              *r = *state;
    const unsigned long long far = (1ULL << 32) + 1; /* its low half is that of the first one */

    rig_must(r, "goal.add", "'title':'near'");
    rig_must(r, "ticket.add", "'title':'near'");
    set_next_numbers(r, far);
    rig_must(r, "goal.add", "'title':'far'");
    rig_must(r, "ticket.add", "'title':'far','goal':%llu", far);
    assert_int_equal(rig_i64(r, "id"), far);
    rig_submit(r, "'handler':'noop','ticket':1,'goal':1");
    rig_submit(r, "'handler':'noop','ticket':%llu", far); /* the rig recounts after every turn */
    rig_must_read(r, "goal.show", "'id':%llu", far);
    assert_int_equal(rig_i64(r, "open_jobs"), 1);
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

static void
a_routine_makes_no_ticket_deeper_than_others(void **state)
{
    struct rig               *r = *state;
    const struct rig_declared d = {.agents = "{'name':'a','handler':'noop'}"};

    rig_configure(r, &d);
    rig_must(r, "ticket.add", "'title':'top'");
    for (int n = 2; n <= 64; n++)
        rig_must(r, "ticket.add", "'title':'t','parent':%d", n - 1);
    rig_refused(r, E_BAD_REQUEST, "parent", "schedule.add",
                "'name':'n','every_ms':60000,'agent':'a','ticket':{'title':'t','parent':64}");
    rig_must(r, "schedule.add",
             "'name':'n','every_ms':60000,'agent':'a','ticket':{'title':'t','parent':63}");
}

static void
a_routine_is_completed_within_the_priority_of_the_company(void **state)
{
    struct rig               *r = *state;
    const struct rig_declared d = {.companies = "{'name':'low','priority_max':59}",
                                   .agents = "{'name':'a','company':'low','handler':'noop'}"};

    rig_configure(r, &d);
    rig_must(r, "routine.add",
             "'name':'n','company':'low','every_ms':60000,'ticket_title':'t','assign':'a'");
    rig_advance(r, MINUTE_MS);
    r->actor.role = ROLE_SUBMIT;
    rig_refused(r, E_BAD_REQUEST, "priority", "routine.complete", "'ticket':1");
    r->actor.role = ROLE_OPERATOR;
    rig_must(r, "routine.complete", "'ticket':1");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_cycle_of_goals_is_refused),
        TEST(a_cycle_of_tickets_is_refused),
        TEST(trees_have_a_depth),
        TEST(assignment_wakes_and_the_start_moves_the_ticket),
        TEST(only_who_may_have_a_ticket_is_assigned),
        TEST(another_assignee_takes_the_wake_up_over),
        TEST(a_goal_is_decomposed_wholly_or_not_at_all),
        TEST(numbers_beyond_32_bits_are_counted_apart),
        TEST(a_routine_makes_one_ticket_and_one_wake_up),
        TEST(a_routine_makes_no_ticket_deeper_than_others),
        TEST(a_routine_is_completed_within_the_priority_of_the_company),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
