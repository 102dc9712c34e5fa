/* Jobs as they are submitted: fields, defaults, times, batches, priority (A2, A3). */
#include "tests/unit/job_world.h"

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
        /* The answer is kept for a repeated request, so a long payload is not in it. */
        if (sizes[i] < 1990) assert_string_equal(rig_text(r, "payload"), text);
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

static void
a_tag_is_a_text(void **state)
{
    static const char *const others[] = {"1", "true", "null", "1.5", "[1]", "{'b':'c'}"};
    struct rig              *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        rig_refused(r, E_BAD_REQUEST, "tags", "job.submit",
                    "'handler':'noop','tags':{'k':'v','a':%s}", others[i]);
        rig_refused(r, E_BAD_REQUEST, "tags", "job.submit_many",
                    "'jobs':[{'handler':'noop'},{'handler':'noop','tags':{'a':%s}}]", others[i]);
        rig_refused(r, E_BAD_REQUEST, "tags", "schedule.add",
                    "'name':'s','every_ms':60000,'handler':'noop','tags':{'a':%s}", others[i]);
    }
    rig_must(r, "job.submit", "'handler':'noop','tags':{}");
    rig_must(r, "job.submit", "'handler':'noop','tags':{'a':'','k':'1'}");
    assert_string_equal(rig_text(r, "tags.k"), "1");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_job_has_every_field_of_the_interface),
        TEST(a_tag_is_a_text),
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
