/* Jobs as they are submitted, shown, changed by request, listed and counted (A2, A3, A11). */
#include "tests/unit/engine_rig.h"

static void
declare(struct rig *r)
{
    rig_configure(r,
                  &(struct rig_declared){
                      .companies = "{'name':'acme'},{'name':'low','priority_max':30}",
                      .agents = "{'name':'anna','company':'acme','handler':'slow'},{'name':'bare'}",
                      .handlers = "{'name':'slow','kind':'exec','command':['x'],'max_run_ms':5000,"
                                  "'max_turns':40,'max_attempts':2,'retry':[1000]},"
                                  "{'name':'plain','kind':'exec','command':['x']}",
                  });
}

/* ---- what a job says ---- */

static void
a_job_has_every_field_of_the_interface(void **state)
{
    static const char *const fields[] = {"id",
                                         "state",
                                         "reason",
                                         "trigger",
                                         "company",
                                         "agent",
                                         "handler",
                                         "priority",
                                         "run_at",
                                         "submitted_at",
                                         "claimed_at",
                                         "lease_expires_at",
                                         "ended_at",
                                         "attempt",
                                         "failures",
                                         "crashes",
                                         "max_attempts",
                                         "failure",
                                         "output",
                                         "title",
                                         "source",
                                         "context",
                                         "schedule",
                                         "nominal_at",
                                         "usage.turns",
                                         "usage.tokens",
                                         "usage.input_tokens",
                                         "usage.output_tokens",
                                         "usage.cost_micros",
                                         "unique_key",
                                         "session",
                                         "goal",
                                         "ticket",
                                         "parent",
                                         "root",
                                         "tags",
                                         "payload",
                                         "quarantined",
                                         "stopping",
                                         "worker",
                                         "max_turns",
                                         "max_run_ms",
                                         "expires_at"};
    struct rig              *r = *state;

    uint64_t id = rig_submit(r, "'handler':'noop'");
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (!rig_has(r, fields[i])) fail_msg("submit: no %s in %s", fields[i], rig_json(r));
    rig_must_read(r, "job.show", "'id':%d", (int)id);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (!rig_has(r, fields[i])) fail_msg("show: no %s in %s", fields[i], rig_json(r));
    assert_int_equal(rig_len(r, "attempts"), 0);
}

static void
a_bare_job_has_the_defaults(void **state)
{
    struct rig *r = *state;

    uint64_t id = rig_submit(r, "'handler':'noop'");
    assert_int_equal(id, 1);
    for (int again = 0; again < 2; again++) { /* as answered, and as shown */
        assert_string_equal(rig_text(r, "trigger"), "manual");
        assert_string_equal(rig_text(r, "company"), "default");
        assert_string_equal(rig_text(r, "handler"), "noop");
        assert_int_equal(rig_i64(r, "priority"), 80);
        assert_int_equal(rig_i64(r, "run_at"), RIG_WALL_MS);
        assert_int_equal(rig_i64(r, "submitted_at"), RIG_WALL_MS);
        assert_int_equal(rig_i64(r, "max_attempts"), 5);
        assert_int_equal(rig_i64(r, "max_run_ms"), 20 * MINUTE_MS);
        assert_int_equal(rig_i64(r, "attempt"), 0);
        assert_int_equal(rig_i64(r, "failures"), 0);
        assert_int_equal(rig_i64(r, "crashes"), 0);
        assert_int_equal(rig_i64(r, "root"), (int64_t)id);
        assert_false(rig_bool(r, "quarantined"));
        assert_false(rig_bool(r, "stopping"));
        for (const char *const *f =
                 (const char *const[]){
                     "agent",    "failure",   "output",     "claimed_at", "lease_expires_at",
                     "ended_at", "title",     "source",     "schedule",   "nominal_at",
                     "parent",   "goal",      "ticket",     "unique_key", "session",
                     "worker",   "max_turns", "expires_at", "payload",    NULL};
             *f; f++)
            if (!rig_is_nil(r, *f)) fail_msg("%s is not null: %s", *f, rig_json(r));
        rig_must_read(r, "job.show", "'id':%d", (int)id);
    }
}

static void
what_is_given_is_kept(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t id = rig_submit(
        r,
        "'handler':'plain','agent':'acme/anna','payload':{'list':[1,null,true,-5,'x'],'f':0.5},"
        "'context':{'k':'v'},'title':'a title','source':'a test','trigger':'event','priority':7,"
        "'delay_ms':60000,'max_attempts':9,'retry':[5,6],'max_run_ms':1234,'max_turns':17,"
        "'expires_at':%lld,'tags':{'color':'red'}",
        RIG_WALL_MS + HOUR_MS);
    for (int again = 0; again < 2; again++) {
        assert_string_equal(rig_text(r, "state"), "scheduled");
        assert_string_equal(rig_text(r, "reason"), "due_later");
        assert_string_equal(rig_text(r, "company"), "acme"); /* the agent's */
        assert_string_equal(rig_text(r, "agent"), "anna");
        assert_string_equal(rig_text(r, "handler"), "plain");
        assert_int_equal(rig_i64(r, "payload.list.3"), -5);
        assert_true(rig_is_nil(r, "payload.list.1"));
        assert_string_equal(rig_text(r, "context.k"), "v");
        assert_string_equal(rig_text(r, "title"), "a title");
        assert_string_equal(rig_text(r, "source"), "a test");
        assert_string_equal(rig_text(r, "trigger"), "event");
        assert_int_equal(rig_i64(r, "priority"), 7);
        assert_int_equal(rig_i64(r, "run_at"), RIG_WALL_MS + MINUTE_MS);
        assert_int_equal(rig_i64(r, "max_attempts"), 9);
        assert_int_equal(rig_i64(r, "max_run_ms"), 1234);
        assert_int_equal(rig_i64(r, "max_turns"), 17);
        assert_int_equal(rig_i64(r, "expires_at"), RIG_WALL_MS + HOUR_MS);
        assert_string_equal(rig_text(r, "tags.color"), "red");
        rig_must_read(r, "job.show", "'id':%d", (int)id);
    }
}

static void
the_handlers_defaults_stand_before_the_limits(void **state)
{
    struct rig *r = *state;

    declare(r);
    (void)rig_submit(r, "'agent':'acme/anna'");
    assert_string_equal(rig_text(r, "handler"), "slow"); /* the agent's */
    assert_int_equal(rig_i64(r, "max_run_ms"), 5000);
    assert_int_equal(rig_i64(r, "max_turns"), 40);
    assert_int_equal(rig_i64(r, "max_attempts"), 2);
    (void)rig_submit(r, "'handler':'slow','max_turns':null");
    assert_true(rig_is_nil(r, "max_turns")); /* null says: no limit */
    r->limits.max_turns = 99;
    r->limits.max_attempts = 3;
    r->limits.max_run_ms = 777;
    declare(r);
    (void)rig_submit(r, "'handler':'noop'");
    assert_int_equal(rig_i64(r, "max_turns"), 99);
    assert_int_equal(rig_i64(r, "max_attempts"), 3);
    assert_int_equal(rig_i64(r, "max_run_ms"), 777);
}

static void
each_trigger_has_its_priority(void **state)
{
    static const struct {
        const char *trigger;
        int         priority;
    } triggers[] = {
        {"manual",          80},
        {"goal_decomposed", 75},
        {"ticket_assigned", 70},
        {"routine",         60},
        {"schedule",        50},
        {"timer",           50},
        {"event",           50},
        {"heartbeat",       50},
        {"workflow",        50},
        {"follow_up",       50}
    };
    struct rig *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(triggers); i++) {
        (void)rig_submit(r, "'handler':'noop','trigger':'%s'", triggers[i].trigger);
        assert_int_equal(rig_i64(r, "priority"), triggers[i].priority);
        assert_string_equal(rig_text(r, "trigger"), triggers[i].trigger);
    }
}

static void
payloads_of_every_size_come_back(void **state)
{
    static const size_t sizes[] = {0, 1, 1990, 1998, 2000, 2001, 4000, 8191, 65536, 1048500};
    struct rig         *r = *state;

    rig_workers(r, 1, 16);
    r->limits.company_max_concurrent = NO_LIMIT;
    rig_configure(r, &(struct rig_declared){0});
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        FREE_AUTO char *text = xmalloc(sizes[i] + 1);

        memset(text, 'a' + (int)i, sizes[i]);
        text[sizes[i]] = '\0';
        uint64_t id = rig_submit(r, "'handler':'noop','payload':'%s'", text);
        assert_string_equal(rig_text(r, "payload"), text);
        assert_string_equal(rig_job_text(r, id, "payload"), text);
        struct view started;
        assert_true(mp_find_str(rig_lease(r, id)->body, "payload", &started));
        assert_true(view_is(started, text)); /* what the worker got */
        rig_ended(r, id, "'verdict':'completed','output':'%s'", text);
        rig_turn(r);
        assert_string_equal(rig_job_text(r, id, "output"), text);
    }
}

/* ---- when it runs ---- */

static void
a_time_that_has_passed_means_at_once(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    uint64_t past = rig_submit(r, "'handler':'noop','run_at':1000");
    uint64_t now = rig_submit(r, "'handler':'noop','run_at':%lld", RIG_WALL_MS);
    uint64_t zero = rig_submit(r, "'handler':'noop','delay_ms':0");
    expect_state(r, past, "running");
    expect_state(r, now, "running");
    expect_state(r, zero, "running");
    assert_int_equal(rig_job_i64(r, past, "run_at"), 1000);
}

static void
what_has_not_started_in_time_expires(void **state)
{
    struct rig *r = *state;

    uint64_t ready = rig_submit(r, "'handler':'noop','expires_at':%lld", RIG_WALL_MS + 5000);
    uint64_t later =
        rig_submit(r, "'handler':'noop','delay_ms':3000,'expires_at':%lld", RIG_WALL_MS + 4000);
    assert_int_equal(r->deadline.wall_ms, RIG_WALL_MS + 3000);
    rig_advance(r, 3999);
    expect_state(r, later, "parked"); /* no worker */
    rig_advance(r, 1);
    expect_state(r, later, "expired");
    assert_string_equal(rig_text(r, "failure.class"), "expired");
    assert_int_equal(rig_i64(r, "failures"), 0);
    assert_int_equal(rig_i64(r, "ended_at"), RIG_WALL_MS + 4000);
    expect_state(r, ready, "parked");
    rig_workers(r, 1, 1);
    expect_state(r, ready, "running");
    rig_advance(r, 10000); /* expires_at bars only starting (N4) */
    expect_state(r, ready, "running");
    assert_false(rig_lease(r, ready)->is_stopped);
    rig_complete(r, ready);
    expect_state(r, ready, "completed");
}

static void
a_retry_after_expires_at_does_not_start(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t id =
        rig_submit(r, "'handler':'noop','retry':[60000],'expires_at':%lld", RIG_WALL_MS + 10000);
    rig_fail(r, id, "handler_error");
    expect_state(r, id, "scheduled");
    rig_advance(r, 10000);
    expect_state(r, id, "expired");
    rig_advance(r, HOUR_MS);
    assert_int_equal(rig_lease(r, id)->attempt, 1);
}

/* ---- many at once ---- */

static void
a_batch_gets_ascending_ids(void **state)
{
    struct rig *r = *state;

    rig_must(r, "job.submit_many",
             "'jobs':[{'handler':'noop'},{'handler':'echo'},{'handler':'noop'}]");
    assert_int_equal(rig_len(r, "ids"), 3);
    assert_int_equal(rig_i64(r, "ids.0"), 1);
    assert_int_equal(rig_i64(r, "ids.1"), 2);
    assert_int_equal(rig_i64(r, "ids.2"), 3);
    assert_string_equal(rig_job_text(r, 2, "handler"), "echo");
}

static void
a_batch_is_all_or_nothing(void **state)
{
    struct rig *r = *state;

    rig_refused(r, E_NOT_FOUND, "handler", "job.submit_many",
                "'jobs':[{'handler':'noop'},{'handler':'noop'},{'handler':'nobody'}]");
    assert_non_null(strstr(r->error.msg, "jobs[2]"));
    rig_refused(r, E_BAD_REQUEST, "priority", "job.submit_many",
                "'jobs':[{'handler':'noop'},{'handler':'noop','priority':101}]");
    rig_refused(r, E_BAD_REQUEST, "jobs", "job.submit_many", "'jobs':[]");
    assert_int_equal(rig_submit(r, "'handler':'noop'"), 1); /* not even an id is used up */
}

static void
a_batch_has_at_most_a_thousand_jobs(void **state)
{
    struct rig         *r = *state;
    BUF_AUTO struct buf jobs = {0};

    for (int i = 0; i < 1000; i++)
        buf_add_str(&jobs, "{'handler':'noop'},");
    rig_refused(r, E_TOO_LARGE, "", "job.submit_many", "'jobs':[%s{'handler':'noop'}]",
                buf_str(&jobs));
    jobs.size--;
    rig_must(r, "job.submit_many", "'jobs':[%s]", buf_str(&jobs));
    assert_int_equal(rig_len(r, "ids"), 1000);
    assert_int_equal(rig_i64(r, "ids.999"), 1000);
}

/* ---- priority ---- */

static void
a_companys_priority_max_binds_those_who_submit(void **state)
{
    struct rig *r = *state;

    declare(r);
    r->actor.role = ROLE_SUBMIT;
    rig_refused(r, E_BAD_REQUEST, "priority", "job.submit", "'handler':'noop','priority':81");
    rig_refused(r, E_BAD_REQUEST, "priority", "job.submit",
                "'handler':'noop','company':'low','priority':31");
    (void)rig_submit(r, "'handler':'noop','priority':80");
    (void)rig_submit(r, "'handler':'noop','company':'low','priority':30");
    r->actor.role = ROLE_OPERATOR;
    (void)rig_submit(r, "'handler':'noop','priority':100");
}

/* ---- cancel, retry, set ---- */

static void
cancel_ends_what_waits_and_stops_what_runs(void **state)
{
    struct rig *r = *state;

    uint64_t scheduled = rig_submit(r, "'handler':'noop','delay_ms':1000");
    uint64_t ready = rig_submit(r, "'handler':'noop'");
    rig_must(r, "job.cancel", "'id':%d", (int)scheduled);
    assert_string_equal(rig_text(r, "state"), "cancelled");
    rig_must(r, "job.cancel", "'id':%d", (int)ready);
    assert_string_equal(rig_text(r, "state"), "cancelled");
    assert_string_equal(rig_text(r, "failure.class"), "aborted");
    assert_int_equal(rig_i64(r, "ended_at"), RIG_WALL_MS);
    assert_int_equal(rig_output_count(r, OUT_JOB_ENDED), 1);
    assert_int_equal(rig_output(r, OUT_JOB_ENDED, 0)->job, ready);

    rig_workers(r, 1, 1);
    assert_null(rig_lease(r, ready));
    uint64_t running = rig_submit(r, "'handler':'noop'");
    rig_must(r, "job.cancel", "'id':%d", (int)running);
    assert_string_equal(rig_text(r, "state"), "running");
    assert_true(rig_bool(r, "stopping"));
    assert_true(rig_lease(r, running)->is_stopped);
    rig_ended(r, running, "'verdict':'completed','output':1");
    rig_turn(r);
    expect_state(r, running, "cancelled"); /* after a stop a result is refused (N1) */
    assert_true(rig_is_nil(r, "output"));
    assert_string_equal(rig_text(r, "failure.class"), "aborted");
    rig_refused(r, E_WRONG_STATE, "", "job.cancel", "'id':%d", (int)running);
}

static void
a_second_cancel_of_a_stopping_job_is_no_second_stop(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    rig_must(r, "job.cancel", "'id':%d", (int)id);
    assert_int_equal(rig_output_count(r, OUT_TO_WORKER), 1);
    rig_must(r, "job.cancel", "'id':%d", (int)id);
    assert_true(rig_bool(r, "stopping"));
    assert_int_equal(rig_output_count(r, OUT_TO_WORKER), 0);
    assert_false(r->was_dirty);
}

static void
retry_starts_an_ended_job_again_under_its_id(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t id = rig_submit(r, "'handler':'noop','max_attempts':1");
    rig_fail(r, id, "tool_failed");
    expect_state(r, id, "failed");
    assert_int_equal(rig_i64(r, "failures"), 1);
    rig_must(r, "job.retry", "'id':%d", (int)id);
    assert_int_equal(rig_i64(r, "failures"), 0); /* N2 */
    assert_int_equal(rig_i64(r, "crashes"), 0);
    assert_int_equal(rig_i64(r, "id"), (int64_t)id);
    rig_settle(r);
    expect_state(r, id, "running");
    assert_int_equal(rig_i64(r, "attempt"), 2); /* only grows */
    assert_true(rig_is_nil(r, "ended_at"));
    rig_complete(r, id);
    expect_state(r, id, "completed");
    rig_refused(r, E_WRONG_STATE, "", "job.retry", "'id':%d", (int)id);
}

static void
retry_now_brings_a_waiting_retry_forward(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    rig_fail(r, id, "tool_failed");
    expect_state(r, id, "scheduled");
    rig_must(r, "job.retry", "'id':%d", (int)id);
    rig_settle(r);
    expect_state(r, id, "running");
    assert_int_equal(rig_i64(r, "attempt"), 2);
}

static void
set_changes_priority_and_time_of_what_waits(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t runner = rig_submit(r, "'handler':'noop'");
    uint64_t a = rig_submit(r, "'handler':'noop','priority':10");
    uint64_t b = rig_submit(r, "'handler':'noop','priority':20");
    rig_must(r, "job.set", "'id':%d,'priority':30", (int)a);
    assert_int_equal(rig_i64(r, "priority"), 30);
    rig_settle(r);
    rig_complete(r, runner);
    expect_state(r, a, "running");
    rig_must(r, "job.set", "'id':%d,'run_at':%lld", (int)b, RIG_WALL_MS + HOUR_MS);
    assert_string_equal(rig_text(r, "state"), "scheduled");
    rig_complete(r, a);
    expect_state(r, b, "scheduled");
    rig_must(r, "job.set", "'id':%d,'run_at':%lld", (int)b, RIG_WALL_MS - 5);
    rig_settle(r);
    expect_state(r, b, "running");
    rig_refused(r, E_WRONG_STATE, "", "job.set", "'id':%d,'priority':1", (int)b);
    rig_refused(r, E_WRONG_STATE, "", "job.set", "'id':%d,'priority':1", (int)a);
}

/* ---- lists and counts ---- */

static size_t
listed(struct rig *r, const char *filter)
{
    rig_must_read(r, "job.list", "%s", filter);
    assert_true(rig_is_nil(r, "next"));
    return rig_len(r, "items");
}

static void
lists_are_filtered(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 1);
    uint64_t a = rig_submit(r, "'handler':'noop','tags':{'k':'v','n':'1'}");
    (void)rig_submit(r, "'agent':'acme/anna','trigger':'event'");
    (void)rig_submit(r, "'handler':'echo','delay_ms':5000,'tags':{'k':'w'}");
    rig_advance(r, 1000);
    uint64_t d = rig_submit(r, "'handler':'noop','max_attempts':1");
    assert_int_equal(listed(r, " "), 4);
    assert_int_equal(listed(r, "'state':'running'"), 1);
    assert_int_equal(rig_i64(r, "items.0.id"), (int64_t)a);
    assert_false(rig_has(r, "items.0.payload"));
    assert_int_equal(listed(r, "'state':'scheduled'"), 1);
    assert_int_equal(listed(r, "'state':'failed'"), 0);
    assert_int_equal(listed(r, "'company':'acme'"), 1);
    assert_int_equal(listed(r, "'agent':'acme/anna'"), 1);
    assert_int_equal(listed(r, "'handler':'echo'"), 1);
    assert_int_equal(listed(r, "'trigger':'event'"), 1);
    assert_int_equal(listed(r, "'tag':'k=v'"), 1);
    assert_int_equal(listed(r, "'tag':'k=x'"), 0);
    assert_int_equal(listed(r, "'due':true"), 2);
    assert_int_equal(listed(r, "'older_ms':1000"), 3);
    assert_int_equal(listed(r, "'retrying':true"), 0);
    rig_fail(r, a, "handler_error");
    assert_int_equal(listed(r, "'retrying':true"), 1);
    assert_int_equal(rig_i64(r, "items.0.id"), (int64_t)a);
    rig_fail(r, d, "handler_error"); /* before 2, by its priority */
    rig_fail(r, 2, "handler_error");
    assert_int_equal(listed(r, "'state':'failed'"), 1);
    assert_int_equal(listed(r, "'state':'failed','company':'acme'"), 0);
    assert_int_equal(listed(r, "'due':false"), 4);
}

static void
parked_is_a_state_to_list_by(void **state)
{
    struct rig *r = *state;

    r->limits.company_max_concurrent = 1;
    rig_configure(r, &(struct rig_declared){0});
    rig_workers(r, 1, 4);
    (void)rig_submit(r, "'handler':'noop'");
    uint64_t held = rig_submit(r, "'handler':'noop'");
    assert_int_equal(listed(r, "'state':'parked'"), 1);
    assert_int_equal(rig_i64(r, "items.0.id"), (int64_t)held);
    assert_string_equal(rig_text(r, "items.0.reason"), "company_cap");
}

static size_t
page_through(struct rig *r, const char *filter, unsigned limit, uint64_t *ids, size_t max)
{
    char   after[160] = "";
    size_t count = 0;

    for (int pages = 0; pages < 1000; pages++) {
        rig_must_read(r, "job.list", "%s'limit':%u%s", filter, limit, after);
        size_t n = rig_len(r, "items");
        assert_true(n <= limit);
        for (size_t i = 0; i < n; i++) {
            const char *path = rig_path(r, "items", i, "id");

            assert_true(count < max);
            ids[count++] = (uint64_t)rig_i64(r, path);
        }
        if (rig_is_nil(r, "next")) return count;
        (void)snprintf(after, sizeof(after), ",'after':'%s'", rig_text(r, "next"));
    }
    fail_msg("the pages do not end");
    return 0;
}

static void
pages_show_each_job_once(void **state)
{
    static const char *const filters[] = {"", "'state':'scheduled',", "'handler':'noop',",
                                          "'company':'default',"};
    struct rig              *r = *state;
    uint64_t                 ids[64];

    r->is_unchecked = true;
    for (int i = 0; i < 40; i++)
        (void)rig_submit(r, "'handler':'noop','delay_ms':%d", 100000 - (i % 7) * 10);
    for (size_t f = 0; f < ARRAY_LEN(filters); f++) {
        for (unsigned limit = 1; limit < 45; limit += 6) {
            uint64_t seen = 0;
            size_t   count = page_through(r, filters[f], limit, ids, ARRAY_LEN(ids));

            assert_int_equal(count, 40);
            for (size_t i = 0; i < count; i++) {
                assert_in_range(ids[i], 1, 40);
                assert_false(seen >> ids[i] & 1);
                seen |= UINT64_C(1) << ids[i];
            }
        }
    }
    assert_int_equal(rig_read(r, "job.list", "'after':'nonsense'"), E_BAD_REQUEST);
    assert_string_equal(r->error.field, "after");
}

static void
a_read_examines_at_most_5000_rows(void **state)
{
    struct rig         *r = *state;
    BUF_AUTO struct buf jobs = {0};
    uint64_t            ids[8];

    r->is_unchecked = true;
    for (int i = 0; i < 1000; i++)
        buf_printf(&jobs, "%s{'handler':'noop','delay_ms':1000}", i > 0 ? "," : "");
    for (int i = 0; i < 6; i++)
        rig_must(r, "job.submit_many", "'jobs':[%s]", buf_str(&jobs));
    uint64_t first = rig_submit(r, "'handler':'echo','delay_ms':2000");
    rig_must_read(r, "job.list", "'handler':'echo'");
    if (rig_len(r, "items") == 0) assert_false(rig_is_nil(r, "next")); /* not the end: go on */
    assert_int_equal(page_through(r, "'handler':'echo',", 10, ids, ARRAY_LEN(ids)), 1);
    assert_int_equal(ids[0], first);
}

static void
stats_count_the_states(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 2);
    uint64_t a = rig_submit(r, "'handler':'noop'");
    uint64_t b = rig_submit(r, "'handler':'noop','company':'acme','max_attempts':1");
    (void)rig_submit(r, "'handler':'noop'");
    (void)rig_submit(r, "'handler':'noop','delay_ms':1000");
    uint64_t e = rig_submit(r, "'handler':'noop','delay_ms':1000");
    rig_must(r, "job.cancel", "'id':%d", (int)e);
    rig_must_read(r, "job.stats", " ");
    assert_int_equal(rig_i64(r, "running"), 2);
    assert_int_equal(rig_i64(r, "ready"), 1);
    assert_int_equal(rig_i64(r, "scheduled"), 1);
    assert_int_equal(rig_i64(r, "cancelled"), 1);
    rig_wait(r, 2500);
    rig_ended(r, a, "'verdict':'completed'");
    rig_ended(r, b, "'verdict':'failed'");
    rig_turn(r);
    rig_must_read(r, "job.stats", " ");
    assert_int_equal(rig_i64(r, "completed"), 1);
    assert_int_equal(rig_i64(r, "failed"), 1);
    assert_int_equal(rig_i64(r, "expired"), 0);
    assert_int_equal(rig_i64(r, "recent.run_ms.p50"), 2500);
    rig_must_read(r, "job.stats", "'company':'acme'");
    assert_int_equal(rig_i64(r, "failed"), 1);
    assert_int_equal(rig_i64(r, "completed"), 0);
}

static void
wait_answers_when_the_job_has_ended(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    rig_must_read(r, "job.wait", "'id':%d,'wait_ms':1000", (int)id);
    assert_int_equal(r->read_result, READ_WAIT_JOB);
    assert_int_equal(r->wait_on, id);
    assert_true(rig_bool(r, "pending"));
    rig_complete(r, id);
    assert_int_equal(rig_output(r, OUT_JOB_ENDED, 0)->job, id);
    rig_must_read(r, "job.wait", "'id':%d,'wait_ms':1000", (int)id);
    assert_int_equal(r->read_result, READ_DONE);
    assert_false(rig_bool(r, "pending"));
    assert_string_equal(rig_text(r, "state"), "completed");
    assert_int_equal(rig_read(r, "job.wait", "'id':99"), E_NOT_FOUND);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_job_has_every_field_of_the_interface),
        TEST(a_bare_job_has_the_defaults),
        TEST(what_is_given_is_kept),
        TEST(the_handlers_defaults_stand_before_the_limits),
        TEST(each_trigger_has_its_priority),
        TEST(payloads_of_every_size_come_back),
        TEST(a_time_that_has_passed_means_at_once),
        TEST(what_has_not_started_in_time_expires),
        TEST(a_retry_after_expires_at_does_not_start),
        TEST(a_batch_gets_ascending_ids),
        TEST(a_batch_is_all_or_nothing),
        TEST(a_batch_has_at_most_a_thousand_jobs),
        TEST(a_companys_priority_max_binds_those_who_submit),
        TEST(cancel_ends_what_waits_and_stops_what_runs),
        TEST(a_second_cancel_of_a_stopping_job_is_no_second_stop),
        TEST(retry_starts_an_ended_job_again_under_its_id),
        TEST(retry_now_brings_a_waiting_retry_forward),
        TEST(set_changes_priority_and_time_of_what_waits),
        TEST(lists_are_filtered),
        TEST(parked_is_a_state_to_list_by),
        TEST(pages_show_each_job_once),
        TEST(a_read_examines_at_most_5000_rows),
        TEST(stats_count_the_states),
        TEST(wait_answers_when_the_job_has_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
