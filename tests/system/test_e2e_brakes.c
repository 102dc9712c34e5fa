/* Emergency stop, drain and breakers, from outside. */
#include "tests/system/e2e.h"

static int
start(void **state)
{
    (void)state;
    e2e_make();
    return e2e_start(
        "workers: {count: 1, slots: 4}\n"
        "daemon: {stop_grace: 0s}\n"
        "limits: {kill_grace: 200ms, breaker_base: 1h}\n"
        "handlers:\n"
        "  rest: {kind: sleep}\n"
        "  limited: {kind: exec, command: [/bin/sh, -c, 'echo HTTP 429 >&2; exit 1']}\n");
}

static void
a_stop_outlives_kill_9_until_resume(void **state)
{
    (void)state;
    ctl_must(&c, "stop --scope new,effects --reason test");
    ctl_expect(&c, "stops.0", "\"new\"");
    uint64_t job = ctl_submit(&c, "noop");
    ctl_await(&c, job, "parked");
    ctl_expect(&c, "reason", "\"stopped\"");
    daemon_kill(&d);
    daemon_start(&d, NULL);
    ctl_must(&c, "job why %" PRIu64, job);
    ctl_expect(&c, "state", "\"parked\"");
    ctl_expect_text(&c, "change", "agentctl resume");
    ctl_must(&c, "status");
    ctl_expect(&c, "stops.1", "\"effects\"");
    ctl_must(&c, "resume");
    ctl_await(&c, job, "completed");
    ctl_must(&c, "resume"); /* nothing is stopped: fine */
    ctl_expect(&c, "resumed", "false");
}

static void
a_stop_of_running_ends_what_runs(void **state)
{
    (void)state;
    uint64_t job = ctl_submit(&c, "rest --payload '{\"ms\":600000}'");
    ctl_await(&c, job, "running");
    ctl_must(&c, "stop --scope running");
    ctl_await(&c, job, "cancelled");
    ctl_must(&c, "resume");
}

static void
drain_waits_until_nothing_runs(void **state)
{
    (void)state;
    uint64_t job = ctl_submit(&c, "rest --payload '{\"ms\":600000}'");
    ctl_await(&c, job, "running");
    ctl_ends(&c, 3, "drain --timeout 300ms");
    uint64_t held = ctl_submit(&c, "noop");
    ctl_await(&c, held, "parked");
    ctl_must(&c, "job cancel %" PRIu64, job);
    ctl_must(&c, "drain --timeout 20s");
    ctl_expect(&c, "running", "0");
    ctl_must(&c, "resume");
    ctl_await(&c, held, "completed");
}

static void
a_limited_handler_is_held_until_its_breaker_is_reset(void **state)
{
    (void)state;
    uint64_t job = ctl_submit(&c, "limited");
    ctl_await(&c, job, "parked");
    ctl_expect(&c, "reason", "\"breaker\"");
    ctl_must(&c, "job why %" PRIu64, job);
    ctl_expect(&c, "blockers.0.change", "\"agentctl breaker reset limited\"");
    assert_true(ctl_number(&c, "blockers.0.until_at") > 1600000000000);
    ctl_must(&c, "breaker list");
    ctl_expect(&c, "items.0.state", "\"open\"");
    ctl_expect(&c, "items.0.class", "\"rate_limited\"");
    ctl_must(&c, "breaker reset limited");
    ctl_until_least(&c, "attempt", 2, "job show %" PRIu64, job);
}

static void
bad_input_is_refused_with_a_hint(void **state)
{
    (void)state;
    ctl_refused(&c, 1, "bad_request", "scope", "stop --scope everything");
    ctl_refused(&c, 1, "not_found", "nobody", "breaker reset nobody");
    ctl_ends(&c, 2, "stop");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, e2e_stop)
    const struct CMUnitTest tests[] = {
        TEST(a_stop_outlives_kill_9_until_resume),
        TEST(a_stop_of_running_ends_what_runs),
        TEST(drain_waits_until_nothing_runs),
        TEST(a_limited_handler_is_held_until_its_breaker_is_reset),
        TEST(bad_input_is_refused_with_a_hint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
