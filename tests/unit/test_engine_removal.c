/* What is removed goes with what refers to it, in bounded turns, whatever happens in between (B1,
 * N37). */
#include "tests/unit/engine_rig.h"

static void
declare(struct rig *r)
{
    rig_configure(r, &(struct rig_declared){.companies = "{'name':'acme'}",
                                            .agents = "{'name':'a','handler':'noop'},"
                                                      "{'name':'b','handler':'noop'},"
                                                      "{'name':'far','company':'acme',"
                                                      "'handler':'noop'}"});
}

/* Goal 1 with goals 2 and 3 below it, 3 below 2; ticket 1 of goal 3, ticket 2 below ticket 1. */
static void
plant(struct rig *r)
{
    rig_must(r, "goal.add", "'title':'root'");
    rig_must(r, "goal.add", "'title':'branch','parent':1");
    rig_must(r, "goal.add", "'title':'leaf','parent':2");
    rig_must(r, "ticket.add", "'title':'t','goal':3");
    rig_must(r, "ticket.add", "'title':'part','parent':1");
}

static void
expect_gone(struct rig *r, const char *what, int id)
{
    char op[32];

    snprintf(op, sizeof(op), "%s.show", what);
    assert_int_equal(rig_read(r, op, "'id':%d", id), E_NOT_FOUND);
}

static size_t
rows(struct rig *r, const char *what)
{
    char op[32];

    snprintf(op, sizeof(op), "%s.list", what);
    rig_must_read(r, op, "'limit':1000");
    return rig_len(r, "items");
}

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

/* More than a turn may do: so many goals below the first, each with a waiting job and a ticket. */
#define MANY 150
static void
plant_many(struct rig *r)
{
    r->is_unchecked = true;
    rig_must(r, "goal.add", "'title':'root'");
    for (int i = 0; i < MANY; i++) {
        (void)rig_queue(r, "goal.add", "'title':'g','parent':1");
        (void)rig_queue(r, "ticket.add", "'title':'t','goal':%d", i + 2);
        (void)rig_queue(r, "job.submit", "'handler':'noop','ticket':%d,'delay_ms':3600000", i + 1);
    }
    rig_turn(r);
    r->is_unchecked = false;
    assert_int_equal(rig_feed_count(r, "goal.added"), MANY + 1);
}

static void
expect_nothing_left(struct rig *r)
{
    assert_int_equal(rows(r, "goal"), 0);
    assert_int_equal(rows(r, "ticket"), 0);
    assert_int_equal(rig_feed_count(r, "job.cancelled"), MANY);
    assert_int_equal(rig_feed_count(r, "goal.removed"), MANY + 1);
    assert_int_equal(rig_feed_count(r, "ticket.removed"), MANY);
}

static void
a_big_cascade_takes_turns_and_needs_no_request(void **state)
{
    struct rig *r = *state;
    int         turns = 0;

    plant_many(r);
    rig_refused(r, E_IN_USE, "", "goal.remove", "'id':1");
    assert_non_null(strstr(r->error.msg, "and 295 more"));
    rig_must(r, "goal.remove", "'id':1,'cascade':true");
    for (; rig_is_due(r); turns++)
        rig_turn(r);
    assert_in_range(turns, 3 * MANY / TURN_DUE_MAX, 40);
    expect_nothing_left(r);
}

static void
a_crash_in_a_cascade_loses_nothing(void **state)
{
    struct rig *r = *state;

    plant_many(r);
    rig_must(r, "goal.remove", "'id':1,'cascade':true");
    for (int i = 0; i < 60; i++) { /* each life does a turn of it */
        rig_crash(r);
        rig_turn(r);
    }
    rig_settle(r);
    expect_nothing_left(r);
}

/* A turn of one request, as after a commit that failed: no due work, no dispatch. */
static void
turn_without_dispatch(struct rig *r, enum msg_id op, struct view body)
{
    const struct input in = {.kind = INPUT_REQUEST, .op = op, .body = body, .actor = r->actor};
    struct err         e = {0};
    struct txn        *t = txn_begin_write(r->store, &e);
    bool               outcome_unknown;

    if (!t) fail_msg("%s", e.msg);
    engine_turn_begin(r->engine, t, &r->header);
    engine_apply(r->engine, &in);
    engine_turn_end(r->engine);
    if (txn_commit(&t, &outcome_unknown, &e)) fail_msg("%s", e.msg);
    engine_turn_done(r->engine, true);
}

static void
the_loop_runs_again_for_a_removal(void **state)
{
    struct rig *r = *state;

    rig_must(r, "goal.add", "'title':'g'");
    rig_must(r, "agent.add", "'name':'scout','handler':'noop'");
    rig_submit(r, "'agent':'scout','delay_ms':3600000");
    rig_settle(r);
    assert_true(engine_deadline(r->engine).wall_ms > r->header.now.wall_ms);
    turn_without_dispatch(r, MSG_GOAL_REMOVE, rig_pack(r, "{'id':1}"));
    assert_true(engine_deadline(r->engine).wall_ms <= r->header.now.wall_ms);
    rig_settle(r);
    turn_without_dispatch(r, MSG_AGENT_REMOVE, rig_pack(r, "{'name':'scout','cascade':true}"));
    assert_true(engine_deadline(r->engine).wall_ms <= r->header.now.wall_ms);
    rig_settle(r);
    expect_state(r, 1, "cancelled");
    assert_int_equal(rig_feed_count(r, "agent.removed"), 1);
}

/* As when the commit of a turn failed: each request in a transaction of its own. */
static void
a_removal_without_a_dispatch_is_not_forgotten(void **state)
{
    struct rig *r = *state;

    declare(r);
    plant(r);
    rig_must(r, "agent.add", "'name':'scout','handler':'noop'");
    rig_submit(r, "'agent':'scout','delay_ms':3600000");
    (void)rig_queue(r, "goal.remove", "'id':1,'cascade':true");
    (void)rig_queue(r, "agent.remove", "'name':'scout','cascade':true");
    rig_turn_singly(r);
    rig_settle(r);
    expect_state(r, 1, "cancelled");
    assert_int_equal(rows(r, "goal"), 0);
    rig_must(r, "agent.add", "'name':'scout','handler':'noop'");
}

/* Also when an earlier submit of the same turn found it. */
static void
a_submit_behind_a_removal_finds_the_agent_no_more(void **state)
{
    struct rig *r = *state;
    uint64_t    before, behind;

    rig_must(r, "agent.add", "'name':'scout','handler':'noop'");
    before = rig_queue(r, "job.submit", "'agent':'scout','delay_ms':3600000");
    (void)rig_queue(r, "agent.remove", "'name':'scout','cascade':true");
    behind = rig_queue(r, "job.submit", "'agent':'scout','delay_ms':3600000");
    rig_turn(r);
    assert_int_equal(rig_answer(r, before), E_OK);
    assert_int_equal(rig_answer(r, behind), E_NOT_FOUND);
    rig_settle(r);
    expect_state(r, 1, "cancelled");
}

/* Among more waiting jobs than a turn looks at. */
static void
two_removals_at_once_both_end(void **state)
{
    static const char *const agents[] = {"one", "two", "three"};
    struct rig              *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(agents); i++)
        rig_must(r, "agent.add", "'name':'%s','handler':'noop'", agents[i]);
    r->is_unchecked = true;
    for (int i = 0; i < 2 * READ_ROWS_MAX; i++) {
        bool is_kept = i > 50 && i < 2 * READ_ROWS_MAX - 50;

        (void)rig_queue(r, "job.submit", "'agent':'%s','delay_ms':%d",
                        is_kept ? "three" : agents[i % 2], 3600000 + i);
        if (i % 1000 == 999) rig_turn(r);
    }
    (void)rig_queue(r, "agent.remove", "'name':'one','cascade':true");
    (void)rig_queue(r, "agent.remove", "'name':'two','cascade':true");
    rig_settle(r);
    r->is_unchecked = false;
    rig_must(r, "agent.add", "'name':'one','handler':'noop'");
    rig_must(r, "agent.add", "'name':'two','handler':'noop'");
    rig_must_read(r, "agent.show", "'name':'three'");
    assert_int_equal(rig_i64(r, "open_jobs"), 2 * READ_ROWS_MAX - 101);
}

/* It was stopped for another reason, which leads to a retry. */
static void
what_comes_back_during_a_removal_is_cancelled(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    rig_must(r, "agent.add", "'name':'scout','handler':'noop'");
    uint64_t id = rig_submit(r, "'agent':'scout','max_run_ms':1000");
    rig_settle(r);
    rig_advance(r, 1000);
    rig_must(r, "agent.remove", "'name':'scout','cascade':true");
    rig_settle(r);
    expect_state(r, id, "running"); /* until its processes are gone */
    rig_ended(r, id, "'verdict':'failed'");
    rig_settle(r);
    expect_state(r, id, "cancelled");
    rig_must(r, "agent.add", "'name':'scout','handler':'noop'");
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
        TEST(what_is_being_removed_says_so),
        TEST(a_company_that_is_being_removed_says_so),
        TEST(what_is_finished_goes_along),
        TEST(jobs_keep_what_they_serve),
        TEST(a_cascade_cancels_and_waits_for_what_runs),
        TEST(a_routine_keeps_its_goal),
        TEST(what_was_moved_below_goes_along),
        TEST(what_the_config_file_declares_is_not_taken_along),
        TEST(a_big_cascade_takes_turns_and_needs_no_request),
        TEST(a_crash_in_a_cascade_loses_nothing),
        TEST(the_loop_runs_again_for_a_removal),
        TEST(a_removal_without_a_dispatch_is_not_forgotten),
        TEST(a_submit_behind_a_removal_finds_the_agent_no_more),
        TEST(two_removals_at_once_both_end),
        TEST(what_comes_back_during_a_removal_is_cancelled),
        TEST(a_companys_work_keeps_it_and_goes_with_it),
        TEST(what_is_too_much_to_be_looked_at_needs_cascade),
        TEST(a_companys_effects_and_approvals_end_with_it),
        TEST(an_open_goal_keeps_its_agent),
        TEST(who_may_not_see_it_cannot_remove_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
