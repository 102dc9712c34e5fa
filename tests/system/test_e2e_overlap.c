/* Firings that find earlier ones in flight, people who go first, and heartbeats with nothing to do,
 * from outside: with handlers that tell when two of them run at once (C4, C5, C14). */
#include "tests/system/e2e.h"

/* `held` waits at the gate; `stubborn` ends only by force, with a child that does not hear either.
 * Both hold a lock as long as a process of them lives. */
#define CONFIG                                                      \
    "workers: {count: 2, slots: 4}\n"                               \
    "daemon: {stop_grace: 0s}\n"                                    \
    "limits: {kill_grace: 100ms, interactive_delay: 1s}\n"          \
    "alerts: {skips: 2}\n"                                          \
    "handlers:\n"                                                   \
    "  held: {kind: exec, command: [./held], env: [DIR]}\n"         \
    "  stubborn: {kind: exec, command: [./stubborn], env: [DIR]}\n" \
    "agents: [{name: anna, handler: noop}]\n"

#define ALONE                                 \
    "#!/bin/sh\n"                             \
    "exec 9>$DIR/lock\n"                      \
    "flock -n 9 || echo twice >>$DIR/twice\n" \
    "echo run >>$DIR/mark\n"

static int
start(void **state)
{
    (void)state;
    e2e_make();
    script_write(&d, "held", ALONE "read x <$DIR/gate\n");
    script_write(&d, "stubborn", ALONE "trap '' TERM\nsleep 1000\n");
    return e2e_start(CONFIG);
}

/* The last job of the schedule. */
static uint64_t
last_job(const char *name)
{
    ctl_must(&c, "schedule show %s", name);
    return (uint64_t)ctl_number(&c, "last_job");
}

/* ---- policies ------------------------------------------------------------------------------ */

static void
queue_one_lets_one_wait_and_no_second(void **state)
{
    char holder[64];

    (void)state;
    ctl_must(&c, "schedule add s --every 1s --handler held --overlap queue_one");
    ctl_until_least(&c, "suppressed_count", 1, "schedule show s");
    ctl_must(&c, "schedule pause s");
    ctl_expect(&c, "firing_count", "2");
    uint64_t second = last_job("s"), first = second - 1;
    ctl_await(&c, first, "running");
    ctl_await(&c, second, "parked");
    ctl_expect(&c, "reason", "\"overlap\"");
    ctl_must(&c, "job why %" PRIu64, second);
    (void)snprintf(holder, sizeof(holder), "\"job %" PRIu64 "\"", first); /* fits */
    ctl_expect(&c, "blockers.0.holder", holder);
    ctl_expect_text(&c, "change", "agentctl job cancel");
    gate_pass(gate, 1);
    ctl_await(&c, first, "completed");
    ctl_until(&c, "reason", "\"paused\"", "job show %" PRIu64, second);
    ctl_must(&c, "job why %" PRIu64, second);
    ctl_expect_text(&c, "change", "agentctl schedule resume s");
    ctl_must(&c, "schedule resume s");
    ctl_await(&c, second, "running");
    ctl_must(&c, "schedule pause s");
    gate_pass(gate, 1);
    ctl_await(&c, second, "completed");
    assert_int_equal(marks_count(&d, "mark"), 2);
    assert_int_equal(marks_count(&d, "twice"), 0);
}

static void
allow_runs_two_at_once(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    ctl_must(&c, "schedule add s --every 1s --handler held --overlap allow");
    (void)marks_wait(&d, "twice", 1, &text); /* the lock tells of it */
    ctl_must(&c, "schedule pause s");
    gate_pass(gate, 2);
}

static void
cancel_running_waits_until_the_last_process_is_gone(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    ctl_must(&c, "schedule add s --every 1s --handler stubborn --overlap cancel_running");
    (void)marks_wait(&d, "mark", 3, &text);
    ctl_must(&c, "schedule pause s");
    assert_int_equal(marks_count(&d, "twice"), 0);
    ctl_must(&c, "job show 1");
    ctl_expect(&c, "state", "\"cancelled\"");
    ctl_expect_text(&c, "failure.message", "cancel_running");
    ctl_must(&c, "schedule show s");
    ctl_expect(&c, "suppressed_count", "0");
    ctl_expect(&c, "failure_streak", "0");
    ctl_must(&c, "job cancel %" PRIu64, last_job("s"));
}

static void
a_firing_that_is_retried_by_hand_waits_for_the_one_that_runs(void **state)
{
    (void)state;
    ctl_must(&c, "schedule add s --every 1s --handler held");
    ctl_until_least(&c, "firing_count", 1, "schedule show s");
    uint64_t old = (uint64_t)ctl_number(&c, "last_job");
    ctl_must(&c, "job cancel %" PRIu64, old);
    ctl_until_least(&c, "firing_count", 2, "schedule show s");
    uint64_t now = (uint64_t)ctl_number(&c, "last_job");
    ctl_must(&c, "schedule pause s");
    ctl_await(&c, now, "running");
    ctl_must(&c, "job retry %" PRIu64, old);
    ctl_await(&c, old, "parked");
    gate_pass(gate, 1);
    ctl_await(&c, now, "completed");
    ctl_await(&c, old, "running");
    gate_pass(gate, 1);
    ctl_await(&c, old, "completed");
    assert_int_equal(marks_count(&d, "twice"), 0);
}

/* What agentd left behind when it was killed has ended before anything of the schedule starts. */
static void
a_killed_agentd_does_not_make_two_of_one(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    ctl_must(&c, "schedule add s --every 1s --handler stubborn --overlap queue_one");
    ctl_until_least(&c, "firing_count", 2, "schedule show s");
    (void)marks_wait(&d, "mark", 1, &text);
    for (size_t runs = 2; runs <= 3; runs++) {
        daemon_kill(&d);
        daemon_start(&d, NULL);
        (void)marks_wait(&d, "mark", runs, &text);
    }
    assert_int_equal(marks_count(&d, "twice"), 0);
    ctl_must(&c, "schedule pause s");
}

static void
skips_in_a_row_are_warned_of(void **state)
{
    (void)state;
    ctl_must(&c, "schedule add s --every 1s --handler held");
    ctl_until_least(&c, "skips", 2, "schedule show s");
    ctl_must(&c, "status");
    ctl_expect_text(&c, "warnings.0", "found the one before still in flight");
    ctl_must(&c, "schedule pause s");
    gate_pass(gate, 1);
}

/* ---- people first -------------------------------------------------------------------------- */

static void
firings_wait_while_a_job_streams(void **state)
{
    (void)state;
    uint64_t job = ctl_submit(&c, "held --max-run 1h");
    ctl_refused(&c, 1, "not_found", "job 99", "job stream 99");
    ctl_await(&c, job, "running");
    ctl_must(&c, "job stream %" PRIu64, job);
    ctl_expect(&c, "streaming", "true");
    ctl_must(&c, "schedule add s --every 1s --handler noop");
    ctl_until(&c, "put_off", "1", "status");
    ctl_expect(&c, "streams", "1");
    ctl_must(&c, "schedule why s");
    ctl_expect_text(&c, "text", "put off for people");
    ctl_expect_text(&c, "change", "--off");
    ctl_must(&c, "schedule show s");
    ctl_expect(&c, "firing_count", "0");
    ctl_must(&c, "schedule run s"); /* a person's own firing does not wait */
    ctl_await(&c, last_job("s"), "completed");
    ctl_must(&c, "job stream %" PRIu64 " --off", job);
    ctl_until_least(&c, "firing_count", 2, "schedule show s");
    ctl_must(&c, "schedule firings s --limit 100");
    ctl_must(&c, "job stream %" PRIu64, job);
    gate_pass(gate, 1);
    ctl_await(&c, job, "completed");
    ctl_must(&c, "status");
    ctl_expect(&c, "streams", "0");
    ctl_refused(&c, 1, "wrong_state", "completed", "job stream %" PRIu64, job);
}

static void
the_mark_does_not_outlive_agentd(void **state)
{
    (void)state;
    uint64_t job = ctl_submit(&c, "stubborn --max-run 1h");
    ctl_await(&c, job, "running");
    ctl_must(&c, "job stream %" PRIu64, job);
    ctl_must(&c, "schedule add s --every 1s --handler noop");
    ctl_until(&c, "put_off", "1", "status");
    daemon_kill(&d);
    daemon_start(&d, NULL);
    ctl_must(&c, "status");
    ctl_expect(&c, "streams", "0");
    ctl_until_least(&c, "firing_count", 1, "schedule show s");
    ctl_must(&c, "job cancel %" PRIu64, job);
}

/* ---- idle heartbeats ----------------------------------------------------------------------- */

static void
a_heartbeat_with_nothing_to_do_comes_more_seldom_until_its_agent_is_woken(void **state)
{
    (void)state;
    ctl_refused(&c, 1, "bad_request", "idle-max",
                "schedule add s --every 1s --handler noop --idle-max 1h");
    ctl_must(&c, "schedule add s --every 1s --agent anna --type heartbeat --idle-max 1h");
    ctl_until_least(&c, "idle_streak", 3, "schedule show s");
    ctl_must(&c, "schedule why s");
    ctl_expect_text(&c, "blockers.1.message", "found nothing to do");
    ctl_must(&c, "schedule firings s");
    ctl_expect(&c, "items.1.outcome", "\"suppressed\"");
    ctl_expect_text(&c, "items.1.reason", "idle back-off");
    ctl_must(&c, "agent wake anna");
    ctl_must(&c, "schedule show s");
    assert_true(ctl_number(&c, "idle_streak") < 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, e2e_stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(queue_one_lets_one_wait_and_no_second),
        TEST(allow_runs_two_at_once),
        TEST(cancel_running_waits_until_the_last_process_is_gone),
        TEST(a_firing_that_is_retried_by_hand_waits_for_the_one_that_runs),
        TEST(a_killed_agentd_does_not_make_two_of_one),
        TEST(skips_in_a_row_are_warned_of),
        TEST(firings_wait_while_a_job_streams),
        TEST(the_mark_does_not_outlive_agentd),
        TEST(a_heartbeat_with_nothing_to_do_comes_more_seldom_until_its_agent_is_woken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
