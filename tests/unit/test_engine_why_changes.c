/* Every predicate of caps.h: `why` names it with its holder, how long, and a change; and the change
 * starts the job (A10). */
#include "supervisor/engine/caps.h"
#include "tests/unit/why_world.h"

#define HANDLERS                                    \
    "{'name':'h','kind':'exec','command':['x']%s}," \
    "{'name':'free','kind':'exec','command':['x']}"

/* How a job comes to be held by one predicate alone, and what `why` is to say. */
struct held {
    uint64_t (*hold)(struct rig *r); /* the job */
    const char *holder;              /* RIG_NO_TEXT: nobody in particular */
    bool        is_until_known;
    const char *change; /* of the whole answer */
    /* Does what the change says; n: the number that it ends with. */
    void (*apply)(struct rig *r, int64_t n);
};

static void
resume(struct rig *r, int64_t n)
{
    (void)n;
    rig_must(r, "resume", " ");
}

/* The second of two alike, of which the first runs. */
static uint64_t
second(struct rig *r, const char *job)
{
    (void)rig_submit(r, "%s,'max_run_ms':60000", job);
    return rig_submit(r, "%s", job);
}

static uint64_t
hold_stopped(struct rig *r)
{
    rig_workers(r, 1, 4);
    rig_must(r, "stop", "'scope':'new'");
    return rig_submit(r, "'handler':'noop'");
}

static uint64_t
hold_draining(struct rig *r)
{
    rig_workers(r, 1, 4);
    rig_must(r, "drain", " ");
    return rig_submit(r, "'handler':'noop'");
}

static uint64_t
hold_no_worker(struct rig *r)
{
    return rig_submit(r, "'handler':'noop'");
}

static void
one_more_worker(struct rig *r, int64_t n)
{
    (void)n;
    rig_worker_started(r, 3, 4);
    rig_hello(r, 3);
    rig_turn(r);
}

static uint64_t
hold_no_slot(struct rig *r)
{
    rig_workers(r, 1, 1);
    return second(r, "'handler':'noop'");
}

static uint64_t
hold_global_cap(struct rig *r)
{
    rig_workers(r, 1, 4);
    r->limits.max_concurrent = 1;
    rig_configure(r, &(struct rig_declared){0});
    return second(r, "'handler':'noop'");
}

static void
raise_global_cap(struct rig *r, int64_t n)
{
    r->limits.max_concurrent = n;
    rig_configure(r, &(struct rig_declared){0});
}

static uint64_t
hold_company_paused(struct rig *r)
{
    rig_workers(r, 1, 4);
    rig_must(r, "company.add", "'name':'acme'");
    rig_must(r, "company.pause", "'name':'acme'");
    return rig_submit(r, "'company':'acme','handler':'noop'");
}

static void
resume_company(struct rig *r, int64_t n)
{
    (void)n;
    rig_must(r, "company.resume", "'name':'acme'");
}

static uint64_t
hold_agent_paused(struct rig *r)
{
    add_anna(r, "");
    rig_must(r, "agent.pause", "'name':'acme/anna'");
    return rig_submit(r, "'agent':'acme/anna'");
}

static void
resume_agent(struct rig *r, int64_t n)
{
    (void)n;
    rig_must(r, "agent.resume", "'name':'acme/anna'");
}

static uint64_t
hold_breaker(struct rig *r)
{
    rig_workers(r, 1, 4);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    rig_ended(r, id, "'verdict':'failed','class':'rate_limited','message':'slow','after_ms':60000");
    rig_turn(r);
    return id;
}

static void
reset_breaker(struct rig *r, int64_t n)
{
    (void)n;
    rig_must(r, "breaker.reset", "'name':'noop'");
}

static uint64_t
hold_schedule_cap(struct rig *r)
{
    rig_workers(r, 1, 4);
    r->limits.schedule_max_concurrent = 1;
    rig_configure(r, &(struct rig_declared){0});
    return second(r, "'handler':'noop','trigger':'schedule'");
}

static void
raise_schedule_cap(struct rig *r, int64_t n)
{
    r->limits.schedule_max_concurrent = n;
    rig_configure(r, &(struct rig_declared){0});
}

static uint64_t
hold_company_cap(struct rig *r)
{
    rig_workers(r, 1, 4);
    rig_must(r, "company.add", "'name':'acme','max_concurrent':0");
    return rig_submit(r, "'company':'acme','handler':'noop'");
}

static void
raise_company_cap(struct rig *r, int64_t n)
{
    rig_must(r, "company.set", "'name':'acme','max_concurrent':%d", (int)n);
}

static uint64_t
hold_agent_cap(struct rig *r)
{
    add_anna(r, "");
    return second(r, "'agent':'acme/anna'");
}

static void
raise_agent_cap(struct rig *r, int64_t n)
{
    rig_must(r, "agent.set", "'name':'anna','company':'acme','max_concurrent':%d", (int)n);
}

static void
raise_handler_cap(struct rig *r, int64_t n)
{
    char cap[64], handlers[256];

    (void)snprintf(cap, sizeof(cap), ",'max_concurrent':%d", (int)n); /* fits */
    (void)snprintf(handlers, sizeof(handlers), HANDLERS, cap);        /* fits */
    rig_configure(r, &(struct rig_declared){.handlers = handlers});
}

static uint64_t
hold_handler_cap(struct rig *r)
{
    rig_workers(r, 1, 4);
    raise_handler_cap(r, 1);
    return second(r, "'handler':'h'");
}

static void
set_schedule_budget(struct rig *r, int64_t n)
{
    char schedules[256];

    (void)snprintf(schedules, sizeof(schedules),
                   "{'name':'s','every_ms':60000,'handler':'noop','token_budget':70,"
                   "'daily_tokens':%d}",
                   (int)n); /* fits */
    rig_configure(r, &(struct rig_declared){.schedules = schedules});
}

/* The first firing has used most of it. */
static uint64_t
hold_schedule_budget(struct rig *r)
{
    rig_workers(r, 1, 4);
    set_schedule_budget(r, 100);
    rig_advance(r, MINUTE_MS);
    rig_ended(r, 1, "'verdict':'completed','input_tokens':60");
    rig_turn(r);
    rig_advance(r, MINUTE_MS);
    return 2;
}

static uint64_t
hold_company_budget(struct rig *r)
{
    rig_workers(r, 1, 4);
    rig_must(r, "company.add", "'name':'acme','daily_cost_micros':1000");
    (void)rig_submit(r, "'company':'acme','handler':'noop','cost_budget_micros':600");
    return rig_submit(r, "'company':'acme','handler':'noop','cost_budget_micros':500");
}

static uint64_t
hold_agent_budget(struct rig *r)
{
    add_anna(r, ",'max_concurrent':2,'daily_turns':12");
    (void)rig_submit(r, "'agent':'acme/anna','max_turns':10");
    return rig_submit(r, "'agent':'acme/anna','max_turns':5");
}

/* Both workers have a job; one is lost, and its job must be alone in a worker. */
static uint64_t
hold_alone(struct rig *r)
{
    rig_workers(r, 2, 4);
    uint64_t a = rig_submit(r, "'handler':'noop'");
    (void)rig_submit(r, "'handler':'noop'");
    assert_int_not_equal(rig_lease(r, a)->worker, rig_lease(r, a + 1)->worker);
    rig_worker_gone(r, rig_lease(r, a)->worker);
    rig_turn(r);
    return a;
}

static uint64_t
hold_overlap(struct rig *r)
{
    rig_workers(r, 1, 4);
    rig_must(r, "schedule.add",
             "'name':'s','every_ms':60000,'handler':'noop','overlap':'queue_one'");
    rig_advance(r, MINUTE_MS);
    rig_advance(r, MINUTE_MS);
    return 2;
}

static void
cancel_overlapped(struct rig *r, int64_t n)
{
    rig_must(r, "job.cancel", "'id':%d", (int)n);
    rig_ended(r, (uint64_t)n, "'verdict':'failed','class':'aborted'");
    rig_turn(r);
}

/* The firing before it has ended; its own retry comes while its schedule is paused. */
static uint64_t
hold_schedule_paused(struct rig *r)
{
    rig_workers(r, 1, 4);
    rig_must(r, "schedule.add",
             "'name':'s','every_ms':3600000,'handler':'noop','max_attempts':2,"
             "'retry_base_ms':1000");
    rig_advance(r, HOUR_MS);
    rig_fail(r, 1, "tool_failed");
    rig_must(r, "schedule.pause", "'name':'s'");
    rig_advance(r, MINUTE_MS);
    return 1;
}

static void
resume_schedule(struct rig *r, int64_t n)
{
    (void)n;
    rig_must(r, "schedule.resume", "'name':'s'");
}

// clang-format off
static const struct held cases[HELD_COUNT] = {
    [HELD_STOPPED] = {hold_stopped, RIG_NO_TEXT, false, "agentctl resume", resume},
    [HELD_DRAINING] = {hold_draining, RIG_NO_TEXT, false, "agentctl resume", resume},
    [HELD_NO_WORKER] = {hold_no_worker, RIG_NO_TEXT, false, "agentctl worker list tells why",
                        one_more_worker},
    [HELD_NO_SLOT] = {hold_no_slot, "job 1", true, "agentctl worker scale N with a larger N",
                      one_more_worker},
    [HELD_GLOBAL_CAP] = {hold_global_cap, "job 1", true,
                         "raise limits.max_concurrent from 1 to 2", raise_global_cap},
    [HELD_COMPANY_PAUSED] = {hold_company_paused, RIG_NO_TEXT, false,
                             "agentctl company resume acme", resume_company},
    [HELD_AGENT_PAUSED] = {hold_agent_paused, RIG_NO_TEXT, false,
                           "agentctl agent resume acme/anna", resume_agent},
    [HELD_BREAKER] = {hold_breaker, RIG_NO_TEXT, true, "agentctl breaker reset noop",
                      reset_breaker},
    [HELD_SCHEDULE_CAP] = {hold_schedule_cap, "job 1", true,
                           "raise limits.schedule_max_concurrent from 1 to 2", raise_schedule_cap},
    [HELD_COMPANY_CAP] = {hold_company_cap, RIG_NO_TEXT, false,
                          "raise company acme's cap from 0 to 1", raise_company_cap},
    [HELD_AGENT_CAP] = {hold_agent_cap, "job 1", true,
                        "raise agent acme/anna's cap from 1 to 2", raise_agent_cap},
    [HELD_HANDLER_CAP] = {hold_handler_cap, "job 1", true, "raise handler h's cap from 1 to 2",
                          raise_handler_cap},
    [HELD_SCHEDULE_BUDGET] = {hold_schedule_budget, RIG_NO_TEXT, true,
                              "raise schedule s's daily_tokens from 100 to 130",
                              set_schedule_budget},
    [HELD_COMPANY_BUDGET] = {hold_company_budget, "job 1", true,
                             "raise company acme's daily_cost_micros from 1000 to 1100",
                             raise_company_budget},
    [HELD_AGENT_BUDGET] = {hold_agent_budget, "job 1", true,
                           "raise agent acme/anna's daily_turns from 12 to 15", raise_agent_budget},
    [HELD_ALONE] = {hold_alone, "job 2", true, "agentctl worker scale N with a larger N",
                    one_more_worker},
    [HELD_OVERLAP] = {hold_overlap, "job 1", true, "agentctl job cancel 1", cancel_overlapped},
    [HELD_SCHEDULE_PAUSED] = {hold_schedule_paused, RIG_NO_TEXT, false,
                              "agentctl schedule resume s", resume_schedule},
};
// clang-format on

static int64_t
last_number(const char *text)
{
    const char *space = strrchr(text, ' ');

    return space ? strtoll(space, NULL, 10) : 0;
}

static void
change_starts_it(struct rig *r, enum predicate p, const struct held *c)
{
    char     change[512];
    uint64_t id = c->hold(r);

    rig_must_read(r, "job.why", "'id':%llu", (unsigned long long)id);
    if (rig_len(r, "blockers") != 1) fail_msg("not held by one alone: %s", rig_json(r));
    expect_text(r, "blockers.0.predicate", predicate_name(p));
    expect_text(r, "state", predicate_parks(p) ? "parked" : "ready");
    expect_text(r, "blockers.0.holder", c->holder);
    expect_text(r, "blockers.0.change", c->change);
    expect_text(r, "change", c->change);
    assert_string_equal(rig_text(r, "text"), rig_text(r, "blockers.0.message"));
    if (rig_is_nil(r, "blockers.0.until_at") == c->is_until_known ||
        rig_is_nil(r, "earliest_at") == c->is_until_known) {
        fail_msg("when it ends: %s", rig_json(r));
    }
    if (c->is_until_known) {
        assert_true(rig_i64(r, "earliest_at") > r->header.now.wall_ms);
        assert_int_equal(rig_i64(r, "earliest_at"), rig_i64(r, "blockers.0.until_at"));
    }
    (void)snprintf(change, sizeof(change), "%s", rig_text(r, "change"));
    c->apply(r, last_number(change));
    if (strcmp(rig_job_text(r, id, "state"), "running") != 0) {
        rig_must_read(r, "job.why", "'id':%llu", (unsigned long long)id);
        fail_msg("'%s' did not start it: %s", change, rig_json(r));
    }
    rig_must_read(r, "job.why", "'id':%llu", (unsigned long long)id);
    assert_int_equal(rig_len(r, "blockers"), 0);
    assert_true(rig_is_nil(r, "change"));
}

static void
the_change_that_why_names_starts_the_job_whatever_holds_it(void **state)
{
    (void)state;
    for (enum predicate p = HELD_NOT + 1; p < HELD_COUNT; p++) {
        void *r;

        if (!cases[p].hold) fail_msg("predicate %s is not tried", predicate_name(p));
        print_message("%s\n", predicate_name(p));
        (void)rig_begin(&r); /* fails the test by itself */
        change_starts_it(r, p, &cases[p]);
        (void)rig_end(&r);
    }
}

static void
what_is_not_due_or_not_the_first_has_a_change_too(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t later = rig_submit(r, "'handler':'noop','delay_ms':60000");
    rig_must_read(r, "job.why", "'id':%llu", (unsigned long long)later);
    expect_text(r, "blockers.0.predicate", "due_later");
    expect_text(r, "change", "agentctl job retry 1 starts it now");
    rig_must(r, "job.retry", "'id':%llu", (unsigned long long)later);
    expect_state(r, later, "running");
    (void)rig_submit(r, "'handler':'noop','priority':50");
    uint64_t last = rig_submit(r, "'handler':'noop','priority':50");
    rig_must_read(r, "job.why", "'id':%llu", (unsigned long long)last);
    expect_text(r, "blockers.1.predicate", "order");
    expect_text(r, "blockers.1.holder", "job 2");
    expect_text(r, "change", "agentctl worker scale N with a larger N; and raise its priority");
    rig_must(r, "job.set", "'id':%llu,'priority':51", (unsigned long long)last);
    rig_complete(r, later);
    expect_state(r, last, "running");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_change_that_why_names_starts_the_job_whatever_holds_it),
        cmocka_unit_test_setup_teardown(what_is_not_due_or_not_the_first_has_a_change_too,
                                        rig_begin, rig_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
