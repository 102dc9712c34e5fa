/* Firings by hand, from outside: now, over the caps, and for what was missed. */
#include "tests/system/e2e.h"

#define CONFIG                                                                                     \
    "workers: {count: 1, slots: 4}\n"                                                              \
    "daemon: {stop_grace: 0s}\n"                                                                   \
    "limits: {schedule_max_concurrent: 1}\n"                                                       \
    "handlers:\n"                                                                                  \
    "  held: {kind: exec, env: [DIR], command: [sh, -c, 'read x <$DIR/gate; echo >>$DIR/mark']}\n" \
    "  fails: {kind: exec, command: [\"false\"]}\n"                                                \
    "schedules:\n"                                                                                 \
    "  nightly: {cron: \"0 3 * * *\", handler: echo, payload: 7, title: Nightly}\n"                \
    "  slow: {every: 1d, handler: held, max_run: 10m}\n"

static int
start(void **state)
{
    (void)state;
    e2e_make();
    (void)e2e_start(CONFIG);
    ctl_until(&c, "items.0.state", "\"up\"", "worker list");
    return 0;
}

/* `schedule run …`; the job's id. */
static uint64_t
run(const char *what)
{
    ctl_must(&c, "schedule run %s", what);
    return (uint64_t)ctl_number(&c, "job");
}

static void
a_run_leaves_the_next_firing_where_it_was(void **state)
{
    (void)state;
    ctl_must(&c, "schedule pause nightly");
    int64_t  next = ctl_number(&c, "next_fire_at");
    uint64_t job = run("nightly");
    ctl_expect(&c, "forced", "false");
    ctl_await(&c, job, "completed");
    ctl_expect(&c, "title", "\"Nightly — manual firing #1\"");
    ctl_expect(&c, "output", "7");
    ctl_expect(&c, "schedule", "\"nightly\"");
    ctl_must(&c, "schedule show nightly");
    ctl_expect(&c, "status", "\"paused\"");
    ctl_expect(&c, "firing_count", "1");
    assert_int_equal(ctl_number(&c, "next_fire_at"), next);
    ctl_must(&c, "schedule firings nightly");
    assert_int_equal(ctl_count(&c, "items"), 1);
    ctl_expect(&c, "items.0.outcome", "\"fired\"");
}

/* One scheduled job at a time: the second is refused with the time that the first one's lease has
 * left, and runs with --force. */
static void
a_full_cap_is_told_with_the_time_and_forced_over(void **state)
{
    (void)state;
    uint64_t slow = run("slow");
    ctl_await(&c, slow, "running");
    ctl_refused(&c, 1, "capacity_full", "schedule_cap", "schedule run nightly");
    json_int_t eta = json_integer_value(json_object_get(c.error, "slot_eta_ms"));
    assert_in_range((int64_t)eta, 1, 600000);
    ctl_must(&c, "schedule firings nightly");
    assert_int_equal(ctl_count(&c, "items"), 0);
    ctl_refused(&c, 1, "capacity_full", "in flight", "schedule run slow");
    uint64_t forced = run("nightly --force");
    ctl_expect(&c, "forced", "true");
    ctl_await(&c, forced, "completed");
    ctl_expect(&c, "forced", "true");
    ctl_must(&c, "audit --action manual_force_bypass");
    assert_int_equal(ctl_count(&c, "items"), 1);
    ctl_expect(&c, "items.0.subject", "\"nightly\"");
    ctl_must(&c, "job show %" PRIu64, slow);
    ctl_expect(&c, "state", "\"running\"");
    gate_pass(gate, 1);
    ctl_await(&c, slow, "completed");
}

static void
a_failed_job_is_tried_again_over_the_caps(void **state)
{
    (void)state;
    ctl_must(&c, "schedule add bad --every 1d --handler fails");
    uint64_t job = run("bad");
    ctl_await(&c, job, "failed");
    ctl_must(&c, "schedule set bad --handler echo --clear payload");
    uint64_t slow = run("slow");
    ctl_must(&c, "job retry %" PRIu64, job);
    ctl_await(&c, job, "parked");
    ctl_must(&c, "job retry %" PRIu64 " --force", job);
    ctl_await(&c, job, "failed");
    ctl_expect(&c, "attempt", "2");
    gate_pass(gate, 1);
    ctl_await(&c, slow, "completed");
}

/* agentd is away for some seconds of a schedule of each second; what it missed is fired then, over
 * a kill -9 in the midst, each once. */
static void
what_downtime_missed_is_fired_after_all(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    ctl_must(&c, "schedule add tick --every 1s --handler held --overlap skip --misfire skip");
    ctl_must(&c, "schedule pause tick");
    daemon_kill(&d);
    int64_t until = daemon_now_ms() + 4000;
    while (daemon_now_ms() < until)
        daemon_nap();
    daemon_start(&d, NULL);
    ctl_until_least(&c, "missed_count", 3, "schedule show tick");
    ctl_must(&c, "schedule backfill tick --from -1h --to now");
    size_t jobs = ctl_count(&c, "jobs");
    assert_true(jobs >= 3);
    assert_int_equal(ctl_number(&c, "count"), jobs);
    uint64_t first = (uint64_t)ctl_number(&c, "jobs.0");
    ctl_await(&c, first, "running");
    daemon_kill(&d);
    daemon_start(&d, NULL);
    ctl_until(&c, "crashes", "1", "job show %" PRIu64, first);
    for (size_t i = 1; i <= jobs; i++) {
        gate_pass(gate, 1);
        (void)marks_wait(&d, "mark", i, &text);
    }
    for (size_t i = 0; i < jobs; i++)
        ctl_await(&c, first + i, "completed");
    assert_int_equal(marks_count(&d, "mark"), jobs);
    ctl_must(&c, "schedule show tick");
    ctl_expect(&c, "in_flight", "0");
    assert_int_equal(ctl_number(&c, "firing_count"), jobs);
}

static void
ranges_that_cannot_be_are_refused(void **state)
{
    (void)state;
    ctl_must(&c, "schedule add tick --cron '* * * * * *' --handler echo");
    ctl_must(&c, "schedule pause tick");
    ctl_must(&c, "job list"); /* it may have fired before the pause */
    const size_t fired = ctl_count(&c, "items");
    ctl_refused(&c, 1, "not_found", "nobody", "schedule backfill nobody --from -1h --to now");
    ctl_refused(&c, 1, "bad_request", "not after", "schedule backfill tick --from now --to -1h");
    ctl_refused(&c, 1, "bad_request", "future", "schedule backfill tick --from -1h --to +1h");
    ctl_refused(&c, 1, "too_large", "more than 10000",
                "schedule backfill tick --from -12d --to -1h");
    ctl_refused(&c, 1, "too_large", "at most 1000", "schedule backfill tick --from -30m --to -1s");
    ctl_refused(&c, 2, "usage", "--to", "schedule backfill tick --from -1h");
    ctl_refused(&c, 1, "not_found", "nobody", "schedule run nobody");
    ctl_refused(&c, 1, "declared_in_config", "nightly", "schedule set nightly --every 5m");
    ctl_refused(&c, 2, "usage", "whim", "schedule set tick --clear whim");
    ctl_must(&c, "job list");
    assert_int_equal(ctl_count(&c, "items"), fired);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, e2e_stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_run_leaves_the_next_firing_where_it_was),
        TEST(a_full_cap_is_told_with_the_time_and_forced_over),
        TEST(a_failed_job_is_tried_again_over_the_caps),
        TEST(what_downtime_missed_is_fired_after_all),
        TEST(ranges_that_cannot_be_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
