/* What is removed goes with what refers to it (B1, N37). */
#include "tests/unit/removal_world.h"

static void
what_is_finished_goes_along(void **state)
{
    struct rig *r = *state;

    plant(r);
    rig_refused(r, E_IN_USE, "", "goal.remove", "'id':1");
    assert_string_equal(r->error.msg, "goal 1 is in use by goal 2, goal 3, ticket 1, ticket 2");
    assert_non_null(strstr(r->error.hint, "cascade"));
    rig_refused(r, E_IN_USE, "", "ticket.remove", "'id':1");
    assert_string_equal(r->error.msg, "ticket 1 is in use by ticket 2");
    for (int id = 1; id <= 2; id++)
        rig_must(r, "ticket.set", "'id':%d,'status':'done'", id);
    rig_must(r, "goal.set", "'id':2,'status':'done'");
    rig_refused(r, E_IN_USE, "", "goal.remove", "'id':1"); /* below a finished one */
    assert_string_equal(r->error.msg, "goal 1 is in use by goal 3");
    rig_must(r, "goal.set", "'id':3,'status':'cancelled'");
    rig_must(r, "goal.remove", "'id':1");
    assert_int_equal(rig_i64(r, "removed"), 1);
    assert_false(rig_bool(r, "pending"));
    rig_settle(r);
    assert_int_equal(rows(r, "goal"), 0);
    assert_int_equal(rows(r, "ticket"), 0);
    assert_int_equal(rig_feed_count(r, "goal.removed"), 3);
    assert_int_equal(rig_feed_count(r, "ticket.removed"), 2);
    rig_refused(r, E_NOT_FOUND, "", "goal.remove", "'id':1");
    rig_must(r, "goal.add", "'title':'new'");
    assert_int_equal(rig_i64(r, "id"), 4); /* numbers are never used again */
}

static void
jobs_keep_what_they_serve(void **state)
{
    struct rig *r = *state;
    uint64_t    waits, runs;

    declare(r);
    plant(r);
    rig_must(r, "ticket.set", "'id':2,'status':'done'");
    waits = rig_submit(r, "'agent':'a','ticket':1,'delay_ms':3600000");
    rig_refused(r, E_IN_USE, "", "ticket.remove", "'id':1");
    assert_string_equal(r->error.msg, "ticket 1 is in use by job 1");
    rig_must(r, "job.cancel", "'id':%d", (int)waits);
    rig_workers(r, 1, 4);
    runs = rig_submit(r, "'agent':'a','goal':3");
    rig_must(r, "goal.set", "'id':3,'status':'done'");
    rig_must(r, "ticket.set", "'id':1,'status':'done'");
    rig_refused(r, E_IN_USE, "", "goal.remove", "'id':2");
    assert_string_equal(r->error.msg, "goal 2 is in use by goal 3");
    rig_refused(r, E_IN_USE, "", "goal.remove", "'id':3");
    assert_string_equal(r->error.msg, "goal 3 is in use by job 2");
    rig_complete(r, runs);
    rig_must(r, "goal.remove", "'id':2");
    assert_string_equal(rig_job_text(r, runs, "state"), "completed");
    assert_int_equal(rig_i64(r, "goal"), 3); /* history keeps the number */
    rig_must_read(r, "goal.show", "'id':1");
    assert_int_equal(rig_len(r, "children"), 0);
}

static void
a_cascade_cancels_and_waits_for_what_runs(void **state)
{
    struct rig *r = *state;
    uint64_t    waits, ready, runs, other;

    declare(r);
    plant(r);
    rig_workers(r, 1, 4);
    runs = rig_submit(r, "'agent':'a','ticket':1");
    ready = rig_submit(r, "'agent':'a','goal':2");
    waits = rig_submit(r, "'agent':'b','goal':3,'delay_ms':3600000");
    other = rig_submit(r, "'agent':'b'");
    rig_must(r, "goal.remove", "'id':1,'cascade':true");
    assert_true(rig_bool(r, "pending"));
    rig_settle(r);
    expect_state(r, ready, "cancelled");
    assert_string_equal(rig_text(r, "failure.message"), "its goal was removed");
    expect_state(r, waits, "cancelled");
    expect_state(r, other, "running");
    expect_state(r, runs, "running");
    assert_true(rig_lease(r, runs)->is_stopped);
    for (int id = 1; id <= 3; id++)
        expect_gone(r, "goal", id);
    expect_gone(r, "ticket", 1);
    rig_refused(r, E_NOT_FOUND, "ticket", "job.submit", "'agent':'b','ticket':1");
    rig_refused(r, E_NOT_FOUND, "goal", "job.submit", "'agent':'b','goal':3");
    rig_refused(r, E_NOT_FOUND, "parent", "goal.add", "'title':'x','parent':3");
    rig_refused(r, E_NOT_FOUND, "", "ticket.assign", "'id':1,'agent':'b'");
    assert_int_equal(rig_feed_count(r, "ticket.removed"), 1);
    rig_ended(r, runs, "'verdict':'failed','class':'handler_error'");
    rig_turn(r);
    rig_settle(r);
    expect_state(r, runs, "cancelled");
    assert_int_equal(rig_feed_count(r, "ticket.removed"), 2);
    assert_int_equal(rig_feed_count(r, "goal.removed"), 3);
}

static void
a_routine_keeps_its_goal(void **state)
{
    struct rig *r = *state;

    declare(r);
    plant(r);
    for (int id = 1; id <= 2; id++)
        rig_must(r, "ticket.set", "'id':%d,'status':'done'", id);
    for (int id = 2; id <= 3; id++)
        rig_must(r, "goal.set", "'id':%d,'status':'done'", id);
    rig_must(r, "routine.add",
             "'name':'n','every_ms':60000,'ticket_title':'t','assign':'a','goal':3");
    rig_must(r, "schedule.add",
             "'name':'p','every_ms':60000,'agent':'a','ticket':{'title':'t','parent':2}");
    rig_must(r, "schedule.add",
             "'name':'q','every_ms':60000,'agent':'a','ticket':{'title':'t','goal':2,'parent':2}");
    rig_refused(r, E_IN_USE, "", "goal.remove", "'id':3");
    assert_string_equal(r->error.msg, "goal 3 is in use by routine n, routine p, routine q");
    rig_refused(r, E_IN_USE, "", "goal.remove", "'id':1");
    assert_string_equal(r->error.msg, "goal 1 is in use by routine q, routine n, routine p");
    rig_refused(r, E_IN_USE, "", "ticket.remove", "'id':1");
    assert_string_equal(r->error.msg, "ticket 1 is in use by routine p, routine q");
    rig_must(r, "goal.remove", "'id':1,'cascade':true");
    rig_settle(r);
    assert_int_equal(rows(r, "schedule"), 0);
    assert_int_equal(rows(r, "goal"), 0);
}

/* A part that is older than its whole. */
static void
what_was_moved_below_goes_along(void **state)
{
    struct rig *r = *state;

    for (int id = 1; id <= 3; id++) {
        rig_must(r, "goal.add", "'title':'g'");
        rig_must(r, "ticket.add", "'title':'t'");
    }
    for (int id = 1; id < 3; id++) {
        rig_must(r, "goal.set", "'id':%d,'parent':%d", id, id + 1);
        rig_must(r, "ticket.set", "'id':%d,'parent':%d", id, id + 1);
    }
    rig_must(r, "goal.remove", "'id':3,'cascade':true");
    rig_must(r, "ticket.remove", "'id':3,'cascade':true");
    rig_settle(r);
    assert_int_equal(rig_feed_count(r, "goal.removed"), 3);
    assert_int_equal(rig_feed_count(r, "ticket.removed"), 3);
}

static void
what_the_config_file_declares_is_not_taken_along(void **state)
{
    struct rig               *r = *state;
    const struct rig_declared d = {
        .agents = "{'name':'a','handler':'noop'}",
        .schedules = "{'name':'n','agent':'a','every_ms':60000,'ticket':{'title':'t','goal':1}}"};

    rig_must(r, "goal.add", "'title':'g'");
    rig_configure(r, &d);
    rig_refused(r, E_IN_USE, "", "goal.remove", "'id':1,'cascade':true");
    assert_non_null(strstr(r->error.hint, "config file"));
    rig_configure(r, &(struct rig_declared){.agents = d.agents});
    rig_must(r, "goal.remove", "'id':1");
    expect_gone(r, "goal", 1);
}

static void
a_companys_work_keeps_it_and_goes_with_it(void **state)
{
    struct rig *r = *state;

    rig_must(r, "company.add", "'name':'beta'");
    rig_must(r, "goal.add", "'company':'beta','title':'g'");
    rig_must(r, "ticket.add", "'company':'beta','title':'t','goal':1");
    rig_refused(r, E_IN_USE, "", "company.remove", "'name':'beta'");
    assert_string_equal(r->error.msg, "company \"beta\" is in use by goal 1, ticket 1");
    rig_must(r, "goal.set", "'id':1,'status':'done'");
    rig_must(r, "ticket.set", "'id':1,'status':'done'");
    rig_must(r, "company.remove", "'name':'beta'");
    assert_false(rig_bool(r, "pending"));
    rig_settle(r);
    expect_gone(r, "goal", 1);
    rig_must(r, "company.add", "'name':'beta'");
    rig_must_read(r, "goal.list", "'company':'beta'");
    assert_int_equal(rig_len(r, "items"), 0);
}

/* What it was about to send is not sent, what waits for a person is denied. */
static void
a_companys_effects_and_approvals_end_with_it(void **state)
{
    struct rig *r = *state;

    r->limits.session_sinks = arena_copy(&r->kept, rig_pack(r, "['notices']"));
    r->limits.agent_approval = view_str("all");
    rig_configure(r,
                  &(struct rig_declared){.sinks = "{'name':'notices','kind':'file','path':'/n'}"});
    rig_workers(r, 1, 4);
    rig_must(r, "company.add", "'name':'beta'");
    rig_must(r, "agent.add", "'company':'beta','name':'asks','handler':'noop'");
    rig_must(r, "agent.add", "'company':'beta','name':'woken','handler':'noop'");
    rig_must(r, "stop", "'scope':'effects'");
    uint64_t id = rig_submit(r, "'company':'beta','agent':'asks'");
    rig_settle(r);
    rig_ended(r, id,
              "'verdict':'completed','effects':[{'kind':'notify','message':'late'},"
              "{'kind':'wake_agent','agent':'woken'}]");
    rig_settle(r);
    rig_refused(r, E_IN_USE, "", "agent.remove", "'name':'beta/asks'");
    assert_string_equal(r->error.msg, "agent \"beta/asks\" is in use by approval 1");
    rig_refused(r, E_IN_USE, "", "company.remove", "'name':'beta'");
    assert_non_null(strstr(r->error.msg, "approval 1, effect 1"));
    rig_must(r, "company.remove", "'name':'beta','cascade':true");
    rig_settle(r);
    rig_must_read(r, "approval.list", "'status':'denied'");
    assert_string_equal(rig_text(r, "items.0.reason"), "its company was removed");
    assert_string_equal(rig_text(r, "items.0.actor"), "daemon:removal");
    rig_must(r, "resume", " ");
    rig_settle(r);
    rig_must_read(r, "effect.show", "'id':1");
    assert_string_equal(rig_text(r, "status"), "failed");
    assert_string_equal(rig_text(r, "reason"), "its company was removed");
}

static void
what_is_too_much_to_be_looked_at_needs_cascade(void **state)
{
    struct rig *r = *state;

    rig_must(r, "company.add", "'name':'beta'");
    rig_must(r, "goal.add", "'company':'beta','title':'root'");
    r->is_unchecked = true;
    for (int id = 2; id <= READ_ROWS_MAX + 1; id++) {
        (void)rig_queue(r, "goal.add", "'company':'beta','title':'g','parent':1");
        (void)rig_queue(r, "goal.set", "'id':%d,'status':'done'", id);
        if (id % 500 == 0) rig_turn(r);
    }
    rig_must(r, "goal.set", "'id':1,'status':'done'");
    rig_refused(r, E_IN_USE, "", "goal.remove", "'id':1");
    assert_non_null(strstr(r->error.msg, "more goals and tickets than can be looked at"));
    rig_refused(r, E_IN_USE, "", "company.remove", "'name':'beta'");
    assert_non_null(strstr(r->error.msg, "more goals than can be looked at"));
    rig_must(r, "company.remove", "'name':'beta','cascade':true");
    rig_settle(r);
    r->is_unchecked = false;
    assert_int_equal(rows(r, "goal"), 0);
    rig_must(r, "company.add", "'name':'beta'");
}

static void
an_open_goal_keeps_its_agent(void **state)
{
    struct rig *r = *state;

    rig_must(r, "agent.add", "'name':'scout','handler':'noop'");
    rig_must(r, "goal.add", "'title':'g','agent':'scout'");
    rig_refused(r, E_IN_USE, "", "agent.remove", "'name':'scout'");
    assert_string_equal(r->error.msg, "agent \"scout\" is in use by goal 1");
    rig_must(r, "agent.remove", "'name':'scout','cascade':true");
    rig_settle(r);
    rig_must_read(r, "goal.show", "'id':1");
    assert_true(rig_is_nil(r, "agent"));
    rig_must(r, "agent.add", "'name':'scout','handler':'noop'");
}

static void
who_may_not_see_it_cannot_remove_it(void **state)
{
    struct rig *r = *state;

    declare(r);
    plant(r);
    r->actor.company = view_str("acme");
    rig_refused(r, E_NOT_FOUND, "", "goal.remove", "'id':1,'cascade':true");
    rig_refused(r, E_NOT_FOUND, "", "ticket.remove", "'id':1,'cascade':true");
}

/* So much else is due that its jobs are not cancelled in the turn of the request. */
static void
nothing_of_what_is_being_removed_starts(void **state)
{
    struct rig *r = *state;
    uint64_t    job;

    rig_must(r, "agent.add", "'name':'a','handler':'noop'");
    for (int i = 0; i < 300; i++)
        (void)rig_submit(r, "'handler':'noop','delay_ms':1000");
    job = rig_submit(r, "'agent':'a','priority':100");
    rig_wait(r, SECOND_MS);
    rig_worker_started(r, 0, 4);
    rig_hello(r, 0);
    rig_must(r, "agent.remove", "'name':'a','cascade':true");
    rig_settle(r);
    assert_null(rig_lease(r, job));
    expect_state(r, job, "cancelled");
}

static void
what_is_being_removed_says_so(void **state)
{
    struct rig *r = *state;
    uint64_t    a;

    rig_must(r, "agent.add", "'name':'x','handler':'noop'");
    rig_workers(r, 1, 4);
    a = rig_submit(r, "'agent':'x'");
    rig_must(r, "agent.remove", "'name':'x','cascade':true");
    rig_settle(r);
    rig_must_read(r, "agent.show", "'name':'x'");
    assert_string_equal(rig_text(r, "status"), "removing");
    rig_must_read(r, "agent.list", " ");
    assert_string_equal(rig_text(r, "items.0.status"), "removing");
    rig_refused(r, E_CONFLICT, "", "agent.add", "'name':'x','handler':'noop'");
    assert_string_equal(r->error.msg, "agent \"x\" is being removed");
    rig_refused(r, E_NOT_FOUND, "agent", "job.submit", "'agent':'x'");
    rig_ended(r, a, "'verdict':'failed','class':'handler_error'");
    rig_turn(r);
    rig_settle(r);
    assert_int_equal(rig_read(r, "agent.show", "'name':'x'"), E_NOT_FOUND);
    rig_must(r, "agent.add", "'name':'x','handler':'noop'");
    rig_must_read(r, "agent.show", "'name':'x'");
    assert_string_equal(rig_text(r, "status"), "active");
}

static void
a_company_that_is_being_removed_says_so(void **state)
{
    struct rig *r = *state;
    uint64_t    a;

    rig_must(r, "company.add", "'name':'acme2'");
    rig_must(r, "agent.add", "'name':'x','company':'acme2','handler':'noop'");
    rig_workers(r, 1, 4);
    a = rig_submit(r, "'agent':'acme2/x'");
    rig_must(r, "company.remove", "'name':'acme2','cascade':true");
    rig_settle(r);
    rig_must_read(r, "company.show", "'name':'acme2'");
    assert_string_equal(rig_text(r, "status"), "removing");
    rig_must_read(r, "agent.list", " ");
    assert_string_equal(rig_text(r, "items.0.status"), "removing");
    rig_refused(r, E_CONFLICT, "", "company.add", "'name':'acme2'");
    r->actor.company = view_str("default"); /* others do not see it */
    assert_int_equal(rig_read(r, "company.show", "'name':'acme2'"), E_NOT_FOUND);
    r->actor.company = (struct view){0};
    rig_ended(r, a, "'verdict':'failed','class':'handler_error'");
    rig_turn(r);
    rig_settle(r);
    assert_int_equal(rig_read(r, "company.show", "'name':'acme2'"), E_NOT_FOUND);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(nothing_of_what_is_being_removed_starts),
        TEST(what_is_being_removed_says_so),
        TEST(a_company_that_is_being_removed_says_so),
        TEST(what_is_finished_goes_along),
        TEST(jobs_keep_what_they_serve),
        TEST(a_cascade_cancels_and_waits_for_what_runs),
        TEST(a_routine_keeps_its_goal),
        TEST(what_was_moved_below_goes_along),
        TEST(what_the_config_file_declares_is_not_taken_along),
        TEST(a_companys_work_keeps_it_and_goes_with_it),
        TEST(what_is_too_much_to_be_looked_at_needs_cascade),
        TEST(a_companys_effects_and_approvals_end_with_it),
        TEST(an_open_goal_keeps_its_agent),
        TEST(who_may_not_see_it_cannot_remove_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
