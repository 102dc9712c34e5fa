/* Limits, from outside: what they hold, what is said about it, and what a reload changes. */
#include "tests/system/e2e.h"
#include <signal.h>

struct limits {
    const char *global, *schedule, *company, *agent, *handler;
};

static const struct limits wide = {"null", "null", "null", "null", "null"};

static void
write_config(const struct limits *l)
{
    FREE_AUTO char *text = xasprintf("workers: {count: 2, slots: 4}\n"
                                     "daemon: {stop_grace: 0s}\n"
                                     "limits: {max_concurrent: %s, schedule_max_concurrent: %s,\n"
                                     "         kill_grace: 200ms}\n"
                                     "companies: {acme: {max_concurrent: %s}}\n"
                                     "agents:\n"
                                     "  - {name: scout, company: acme, handler: rest,\n"
                                     "     max_concurrent: %s}\n"
                                     "handlers:\n"
                                     "  rest: {kind: sleep, max_concurrent: %s}\n",
                                     l->global, l->schedule, l->company, l->agent, l->handler);

    daemon_write_config(&d, text);
}

static int
make(void **state)
{
    (void)state;
    e2e_make();
    return 0;
}

static uint64_t
rest(const char *how)
{
    return ctl_submit(&c, "rest --payload '{\"ms\":600000}' %s", how);
}

static void
expect_held(uint64_t job, const char *reason, const char *change)
{
    ctl_await(&c, job, "parked");
    ctl_expect(&c, "reason", reason);
    ctl_must(&c, "job why %" PRIu64, job);
    ctl_expect(&c, "state", "\"parked\"");
    ctl_expect(&c, "blockers.0.predicate", reason);
    ctl_expect(&c, "blockers.0.holder", "\"job 1\"");
    ctl_expect_text(&c, "text", "1 of 1 running");
    ctl_expect(&c, "blockers.0.change", change);
    assert_true(ctl_number(&c, "blockers.0.until_at") > 1600000000000);
    assert_int_equal(ctl_number(&c, "earliest_at"), ctl_number(&c, "blockers.0.until_at"));
    ctl_must(&c, "job list --state parked");
    assert_int_equal(ctl_count(&c, "items"), 1);
    ctl_expect(&c, "items.0.reason", reason);
}

/* One job fills the limit, another is held; a reload that raises it starts the other at once. */
static void
fill_and_raise(const struct limits *tight, const char *how, const char *reason, const char *change)
{
    write_config(tight);
    daemon_start(&d, NULL);
    uint64_t first = rest(how);
    ctl_await(&c, first, "running");
    uint64_t second = rest(how);
    expect_held(second, reason, change);
    write_config(&wide);
    ctl_must(&c, "reload");
    ctl_expect(&c, "applied", "true");
    ctl_await(&c, second, "running");
    ctl_expect(&c, "reason", "null");
    ctl_must(&c, "job why %" PRIu64, second);
    ctl_expect(&c, "blockers", "[]");
    /* And down again: what runs is let run, what comes is held. */
    write_config(tight);
    ctl_must(&c, "reload");
    uint64_t third = rest(how);
    ctl_await(&c, third, "parked");
    ctl_expect(&c, "reason", reason);
    ctl_must(&c, "job show %" PRIu64, second);
    ctl_expect(&c, "state", "\"running\"");
    ctl_must(&c, "job cancel %" PRIu64, first);
    ctl_await(&c, first, "cancelled");
    ctl_must(&c, "job show %" PRIu64, third);
    ctl_expect(&c, "state", "\"parked\"");
    ctl_must(&c, "job cancel %" PRIu64, second);
    ctl_await(&c, third, "running");
    ctl_must(&c, "fsck");
    ctl_expect(&c, "ok", "true");
}

static void
the_global_cap_holds_and_can_be_raised(void **state)
{
    struct limits tight = wide;

    (void)state;
    tight.global = "1";
    fill_and_raise(&tight, "", "\"global_cap\"", "\"raise limits.max_concurrent from 1 to 2\"");
}

static void
the_cap_of_scheduled_jobs_holds_and_can_be_raised(void **state)
{
    struct limits tight = wide;

    (void)state;
    tight.schedule = "1";
    fill_and_raise(&tight, "--trigger schedule", "\"schedule_cap\"",
                   "\"raise limits.schedule_max_concurrent from 1 to 2\"");
}

static void
a_companys_cap_holds_and_can_be_raised(void **state)
{
    struct limits tight = wide;

    (void)state;
    tight.company = "1";
    fill_and_raise(&tight, "--company acme", "\"company_cap\"",
                   "\"raise company acme's cap from 1 to 2\"");
}

static void
an_agents_cap_holds_and_can_be_raised(void **state)
{
    struct limits tight = wide;

    (void)state;
    tight.agent = "1";
    fill_and_raise(&tight, "--company acme --agent scout", "\"agent_cap\"",
                   "\"raise agent acme/scout's cap from 1 to 2\"");
}

static void
a_handlers_cap_holds_and_can_be_raised(void **state)
{
    struct limits tight = wide;

    (void)state;
    tight.handler = "1";
    fill_and_raise(&tight, "", "\"handler_cap\"", "\"raise handler rest's cap from 1 to 2\"");
}

static void
a_cap_of_zero_holds_everything(void **state)
{
    struct limits none = wide;

    (void)state;
    none.company = "0";
    write_config(&none);
    daemon_start(&d, NULL);
    uint64_t job = ctl_submit(&c, "noop --company acme");
    uint64_t other = ctl_submit(&c, "noop");
    ctl_await(&c, other, "completed");
    ctl_await(&c, job, "parked");
    ctl_must(&c, "job why %" PRIu64, job);
    ctl_expect(&c, "blockers.0.predicate", "\"company_cap\"");
    ctl_expect(&c, "blockers.0.change", "\"raise company acme's cap from 0 to 1\"");
    ctl_expect(&c, "earliest_at", "null");
    write_config(&wide);
    ctl_must(&c, "reload");
    ctl_await(&c, job, "completed");
}

/* Each limit that holds a job is told, not only the first. */
static void
why_names_all_that_hold_a_job(void **state)
{
    const struct limits tight = {"null", "null", "1", "1", "1"};

    (void)state;
    write_config(&tight);
    daemon_start(&d, NULL);
    ctl_await(&c, rest("--company acme --agent scout"), "running");
    uint64_t job = rest("--company acme --agent scout");
    ctl_await(&c, job, "parked");
    ctl_must(&c, "job why %" PRIu64, job);
    assert_int_equal(ctl_count(&c, "blockers"), 3);
    ctl_expect(&c, "blockers.0.predicate", "\"company_cap\"");
    ctl_expect(&c, "blockers.1.predicate", "\"agent_cap\"");
    ctl_expect(&c, "blockers.2.predicate", "\"handler_cap\"");
    /* Another of the same company is not held by more than it must be. */
    uint64_t plain = ctl_submit(&c, "noop --company acme");
    ctl_await(&c, plain, "parked");
    ctl_must(&c, "job why %" PRIu64, plain);
    assert_int_equal(ctl_count(&c, "blockers"), 1);
}

static void
waiting_for_a_slot_is_ready(void **state)
{
    (void)state;
    daemon_write_config(
        &d,
        "workers: {count: 1, slots: 1}\ndaemon: {stop_grace: 0s}\nlimits: {kill_grace: 200ms}\n");
    daemon_start(&d, NULL);
    uint64_t first = ctl_submit(&c, "sleep --payload '{\"ms\":600000}'");
    ctl_await(&c, first, "running");
    uint64_t second = ctl_submit(&c, "noop");
    uint64_t third = ctl_submit(&c, "noop");
    ctl_must(&c, "job show %" PRIu64, second);
    ctl_expect(&c, "state", "\"ready\"");
    ctl_must(&c, "job why %" PRIu64, second);
    assert_int_equal(ctl_count(&c, "blockers"), 1);
    ctl_expect(&c, "blockers.0.predicate", "\"no_slot\"");
    ctl_must(&c, "job why %" PRIu64, third);
    ctl_expect(&c, "blockers.1.predicate", "\"order\"");
    ctl_expect(&c, "blockers.1.holder", "\"job 2\"");
    ctl_must(&c, "job why %" PRIu64, first);
    ctl_expect(&c, "blockers", "[]");
    ctl_must(&c, "worker scale 2");
    ctl_await(&c, third, "completed");
    ctl_must(&c, "job why %" PRIu64, third);
    ctl_expect(&c, "text", "\"it is over: completed\"");
}

static void
a_reload_of_the_same_file_changes_no_setting(void **state)
{
    (void)state;
    daemon_write_config(&d, "limits: {agent_approval: all, agent_unanswered: null}\n"
                            "budgets: {zone: Europe/Berlin}\n"
                            "handlers: {h: {kind: noop}}\n");
    daemon_start(&d, NULL);
    ctl_must(&c, "reload");
    ctl_expect(&c, "settings", "[]");
    daemon_write_config(&d, "limits: {agent_approval: none, agent_unanswered: 1d}\n");
    ctl_must(&c, "reload");
    ctl_expect(&c, "settings.0.from", "\"all\"");
    ctl_expect(&c, "settings.0.to", "\"none\"");
    ctl_expect(&c, "settings.1.from", "null");
    ctl_expect(&c, "settings.1.to", "86400000");
    ctl_expect(&c, "settings.2.from", "\"Europe/Berlin\"");
}

static void
a_bad_reload_changes_nothing(void **state)
{
    struct limits tight = wide;

    (void)state;
    tight.company = "1";
    write_config(&tight);
    daemon_start(&d, NULL);
    uint64_t first = rest("--company acme");
    ctl_await(&c, first, "running");
    uint64_t second = rest("--company acme");
    int64_t  before = ctl_state_hash(&c);
    write_config(&(struct limits){"null", "null", "many", "null", "null"});
    ctl_refused(&c, 1, "bad_request", "agentd.yaml:5:", "reload");
    assert_int_equal(ctl_state_hash(&c), before);
    write_config(&wide);
    ctl_must(&c, "reload --dry-run");
    ctl_expect(&c, "applied", "false");
    ctl_expect(&c, "plan.0.action", "\"change\"");
    ctl_expect(&c, "plan.0.kind", "\"company\"");
    ctl_expect(&c, "plan.0.name", "\"acme\"");
    assert_int_equal(ctl_state_hash(&c), before);
    /* Gone from the file while its jobs have not ended. */
    daemon_write_config(&d, "workers: {count: 2, slots: 4}\n");
    ctl_refused(&c, 1, "in_use", "acme", "reload");
    assert_int_equal(ctl_state_hash(&c), before);
    ctl_must(&c, "job show %" PRIu64, second);
    ctl_expect(&c, "state", "\"parked\"");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, e2e_stop)
    const struct CMUnitTest tests[] = {
        TEST(the_global_cap_holds_and_can_be_raised),
        TEST(the_cap_of_scheduled_jobs_holds_and_can_be_raised),
        TEST(a_companys_cap_holds_and_can_be_raised),
        TEST(an_agents_cap_holds_and_can_be_raised),
        TEST(a_handlers_cap_holds_and_can_be_raised),
        TEST(a_cap_of_zero_holds_everything),
        TEST(why_names_all_that_hold_a_job),
        TEST(waiting_for_a_slot_is_ready),
        TEST(a_reload_of_the_same_file_changes_no_setting),
        TEST(a_bad_reload_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
