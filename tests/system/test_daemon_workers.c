/* Workers: replaced, scaled, restarted, and what a bad one costs: itself. */
#include "proto/codec.h"
#include "tests/system/daemon_case.h"
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <unistd.h>
#include <zmq.h>

#define JOBS 24

static void
start_and_connect(const char *count)
{
    char setting[64];

    (void)snprintf(setting, sizeof(setting), "workers.count=%s", count);
    daemon_start(&d, "--set", setting, "--set", "workers.heartbeat_interval=50ms", "--set",
                 "workers.heartbeat_timeout=600ms", "--set", "limits.company_max_concurrent=null",
                 NULL);
    client_open(&c, &d);
}

/* Waits until worker 0 is up; its pid. */
static pid_t
pid_of_first(void)
{
    expect_reply(&c, MSG_WORKER_LIST, "{}", "items.0.state", "\"up\"");
    return (pid_t)number_at(&c, "items.0.pid");
}

/* ---- replaced ------------------------------------------------------------------------------ */

/* The job runs again, once, and the crash is counted apart from failures. */
static void
lose_the_worker(int number)
{
    start_and_connect("1");
    pid_t    pid = pid_of_first();
    uint64_t job = must_submit(&c, "{\"handler\":\"sleep\",\"payload\":{\"ms\":600000}}");
    char     body[64];

    expect_job(&c, job, "state", "\"running\"");
    assert_int_equal(kill(pid, number), 0);
    expect_job(&c, job, "crashes", "1");
    expect_job(&c, job, "state", "\"running\"");
    expect_job(&c, job, "attempt", "2");
    expect_job(&c, job, "failures", "0");
    assert_int_not_equal(pid_of_first(), pid);
    (void)must(&c, MSG_STATUS, "{}");
    assert_int_equal(number_at(&c, "workers.died"), 1);
    assert_string_equal(value_at(&c, "workers.degraded"), "false");
    (void)snprintf(body, sizeof(body), "{\"id\":%" PRIu64 "}", job);
    (void)must(&c, MSG_JOB_CANCEL, body);
    expect_job(&c, job, "state", "\"cancelled\"");
    stop_and_leave();
}

static void
a_killed_worker_is_replaced(void **state)
{
    (void)state;
    lose_the_worker(SIGKILL);
}

static void
a_silent_worker_is_killed_and_replaced(void **state)
{
    (void)state;
    lose_the_worker(SIGSTOP);
}

struct past {
    int64_t at_ms;
};

static bool
is_past(void *arg)
{
    const struct past *p = arg;

    return daemon_now_ms() >= p->at_ms;
}

/* It was agentd itself that did not listen: nobody is silent for that. */
static void
workers_outlive_a_pause_of_agentd(void **state)
{
    (void)state;
    start_and_connect("2");
    pid_t       pid = pid_of_first();
    uint64_t    job = must_submit(&c, "{\"handler\":\"sleep\",\"payload\":{\"ms\":2500}}");
    struct past pause = {.at_ms = daemon_now_ms() + 1500}; /* well above the heartbeat time-out */

    expect_job(&c, job, "state", "\"running\"");
    daemon_signal(&d, SIGSTOP);
    daemon_wait_until(&d, "the pause is over", is_past, &pause);
    daemon_signal(&d, SIGCONT);
    expect_job(&c, job, "state", "\"completed\"");
    assert_int_equal(number_at(&c, "attempt"), 1);
    assert_int_equal(pid_of_first(), pid);
    (void)must(&c, MSG_STATUS, "{}");
    assert_int_equal(number_at(&c, "workers.died"), 0);
    stop_and_leave();
}

static void
an_upgrade_of_the_program_does_not_mix_versions(void **state)
{
    char path[128];

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/agent-worker", d.folder);
    file_copy(daemon_program("agent-worker"), path);
    assert_int_equal(setenv("AGENTD_WORKER", path, 1), 0);
    start_and_connect("1");
    pid_t pid = pid_of_first();
    assert_int_equal(unlink(path), 0);
    file_copy("/bin/false", path);
    assert_int_equal(kill(pid, SIGKILL), 0);
    expect_reply(&c, MSG_STATUS, "{}", "workers.started", "2");
    assert_int_not_equal(pid_of_first(), pid);
    uint64_t job = must_submit(&c, "{\"handler\":\"noop\"}");
    expect_job(&c, job, "state", "\"completed\"");
    stop_and_leave();
}

/* ---- bad ones ------------------------------------------------------------------------------ */

/* This program as a worker: it says what no worker may say, and stays. */
static _Noreturn void
talk_nonsense(const char *run_dir)
{
    char  endpoint[128];
    void *zmq = zmq_ctx_new();
    void *push = zmq_socket(zmq, ZMQ_PUSH);
    void *pull = zmq_socket(zmq, ZMQ_PULL);

    (void)snprintf(endpoint, sizeof(endpoint), "ipc://%s/worker-0.sock", run_dir);
    (void)zmq_connect(pull, endpoint);
    (void)snprintf(endpoint, sizeof(endpoint), "ipc://%s/reports.sock", run_dir);
    (void)zmq_connect(push, endpoint);
    (void)zmq_send(push, "nonsense", 8, 0);
    for (;;)
        (void)pause();
}

static void
a_worker_that_talks_nonsense_is_killed_until_the_pool_is_degraded(void **state)
{
    char    self[512];
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);

    (void)state;
    assert_true(size > 0);
    self[size] = '\0';
    assert_int_equal(setenv("AGENTD_WORKER", self, 1), 0);
    start_and_connect("1");
    uint64_t job = must_submit(&c, "{\"handler\":\"noop\"}");
    expect_reply(&c, MSG_STATUS, "{}", "workers.degraded", "true");
    assert_int_equal(number_at(&c, "workers.died"), 5);
    assert_non_null(strstr(value_at(&c, "warnings"), "degraded"));
    assert_true(daemon_log_has(&d, "worker pool degraded"));
    assert_true(daemon_log_has(&d, "malformed report"));
    expect_reply(&c, MSG_WORKER_LIST, "{}", "items.0.state", "\"down\"");
    assert_int_equal(number_at(&c, "items.0.worker"), 0);
    assert_non_null(strstr(value_at(&c, "items.0.reason"), "5 ended within 60 s"));
    assert_true(number_at(&c, "items.0.starts_at") > 0);
    expect_job(&c, job, "state", "\"parked\""); /* for want of a worker; else nothing changed */
    expect_job(&c, job, "attempt", "0");
    stop_and_leave();
}

static void
a_worker_program_that_is_none_degrades_the_pool(void **state)
{
    (void)state;
    assert_int_equal(setenv("AGENTD_WORKER", "/bin/false", 1), 0);
    start_and_connect("2");
    expect_reply(&c, MSG_STATUS, "{}", "workers.degraded", "true");
    (void)must(&c, MSG_PING, "{}");
    stop_and_leave();
}

/* ---- scaled and restarted ------------------------------------------------------------------ */

static void
submit_sleeps(uint64_t jobs[JOBS], int ms)
{
    char body[96];

    (void)snprintf(body, sizeof(body), "{\"handler\":\"sleep\",\"payload\":{\"ms\":%d}}", ms);
    for (int i = 0; i < JOBS; i++)
        jobs[i] = must_submit(&c, body);
}

static void
all_complete_at_the_first_attempt(const uint64_t jobs[JOBS])
{
    for (int i = 0; i < JOBS; i++) {
        expect_job(&c, jobs[i], "state", "\"completed\"");
        assert_int_equal(number_at(&c, "attempt"), 1);
    }
}

static void
scaling_interrupts_nothing(void **state)
{
    uint64_t jobs[JOBS];

    (void)state;
    start_and_connect("2");
    submit_sleeps(jobs, 150);
    (void)must(&c, MSG_WORKER_SCALE, "{\"count\":4}");
    assert_int_equal(number_at(&c, "from"), 2);
    expect_reply(&c, MSG_STATUS, "{}", "workers.live", "4");
    (void)must(&c, MSG_WORKER_SCALE, "{\"count\":1}");
    expect_reply(&c, MSG_STATUS, "{}", "workers.live", "1");
    expect_reply(&c, MSG_WORKER_LIST, "{}", "items.1", "");
    all_complete_at_the_first_attempt(jobs);
    must_refuse(&c, MSG_WORKER_SCALE, "{\"count\":0}", E_BAD_REQUEST);
    must_refuse(&c, MSG_WORKER_SCALE, "{\"count\":65}", E_BAD_REQUEST);
    (void)must(&c, MSG_STATUS, "{}");
    assert_int_equal(number_at(&c, "workers.died"), 0);
    stop_and_leave();
}

static void
a_restart_interrupts_nothing(void **state)
{
    uint64_t jobs[JOBS];

    (void)state;
    start_and_connect("2");
    pid_t pid = pid_of_first();
    submit_sleeps(jobs, 100);
    (void)must(&c, MSG_WORKER_RESTART, "{}");
    assert_int_equal(number_at(&c, "restarting"), 2);
    expect_reply(&c, MSG_STATUS, "{}", "workers.started", "4");
    all_complete_at_the_first_attempt(jobs);
    assert_int_not_equal(pid_of_first(), pid);
    (void)must(&c, MSG_WORKER_RESTART, "{\"worker\":1}");
    expect_reply(&c, MSG_STATUS, "{}", "workers.started", "5");
    must_refuse(&c, MSG_WORKER_RESTART, "{\"worker\":9}", E_NOT_FOUND);
    (void)must(&c, MSG_STATUS, "{}");
    assert_int_equal(number_at(&c, "workers.died"), 0);
    stop_and_leave();
}

static void
a_reload_gives_workers_another_shape(void **state)
{
    (void)state;
    daemon_write_config(&d, "workers:\n  slots: 3\n");
    start_and_connect("2");
    (void)pid_of_first();
    assert_int_equal(number_at(&c, "items.0.slots"), 3);
    daemon_write_config(&d, "workers:\n  slots: 5\n");
    (void)must(&c, MSG_RELOAD, "{}");
    expect_reply(&c, MSG_WORKER_LIST, "{}", "items.0.slots", "5");
    expect_reply(&c, MSG_WORKER_LIST, "{}", "items.1.slots", "5");
    stop_and_leave();
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_killed_worker_is_replaced, make, clear),
        cmocka_unit_test_setup_teardown(a_silent_worker_is_killed_and_replaced, make, clear),
        cmocka_unit_test_setup_teardown(workers_outlive_a_pause_of_agentd, make, clear),
        cmocka_unit_test_setup_teardown(an_upgrade_of_the_program_does_not_mix_versions, make,
                                        clear),
        cmocka_unit_test_setup_teardown(
            a_worker_that_talks_nonsense_is_killed_until_the_pool_is_degraded, make, clear),
        cmocka_unit_test_setup_teardown(a_worker_program_that_is_none_degrades_the_pool, make,
                                        clear),
        cmocka_unit_test_setup_teardown(scaling_interrupts_nothing, make, clear),
        cmocka_unit_test_setup_teardown(a_restart_interrupts_nothing, make, clear),
        cmocka_unit_test_setup_teardown(a_reload_gives_workers_another_shape, make, clear),
    };

    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[0], "agent-worker") == 0 && strcmp(argv[i], "--run") == 0) {
            talk_nonsense(argv[i + 1]);
        }
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
