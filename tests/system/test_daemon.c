/* How agentd starts, ends, and comes back. */
#include "common/proc.h"
#include "proto/evidence.h"
#include "tests/system/daemon_case.h"
#include <inttypes.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLEEPER                                                                                \
    "handlers:\n"                                                                              \
    "  writer: {kind: exec, command: [/bin/sh, -c, \"echo $$ >>\\\"$MARK\\\"; sleep 600\"],\n" \
    "           env: [MARK], max_attempts: 9}\n"

static void
start_and_connect(void)
{
    daemon_start(&d, "--set", "workers.count=2", NULL);
    client_open(&c, &d);
}

static void
must_be_in(const struct buf *text, const char *what)
{
    if (!strstr(text->data, what)) daemon_fail(&d, "no '%s' in: %s", what, text->data);
}

/* ---- start --------------------------------------------------------------------------------- */

static void
it_says_ready_once_and_serves(void **state)
{
    char        want[256];
    char        rest;
    struct stat st;

    (void)state;
    start_and_connect();
    (void)snprintf(want, sizeof(want), "ready version=0.1.0 run=%s workers=2", d.run);
    assert_string_equal(d.ready, want);
    (void)must(&c, MSG_PING, "{}");
    assert_string_equal(value_at(&c, "version"), "\"0.1.0\"");
    (void)must(&c, MSG_STATUS, "{}");
    assert_int_equal(number_at(&c, "pid"), d.pid);
    assert_string_equal(value_at(&c, "last_crash_at"), "null");
    assert_int_equal(stat(d.state, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(stat(d.run, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0750);
    int out = dup(d.out);
    daemon_stop(&d);
    assert_int_equal(read(out, &rest, 1), 0); /* nothing behind that line */
    (void)close(out);
    client_close(&c);
}

static void
a_second_start_is_refused_and_told_who_runs(void **state)
{
    BUF_AUTO struct buf text = {0};
    char                pid[32];
    char                other[96];

    (void)state;
    start_and_connect();
    daemon_expect_refusal(&d, 1, &text, NULL);
    (void)snprintf(pid, sizeof(pid), "pid %d, since 20", (int)d.pid);
    must_be_in(&text, pid);
    /* Another run folder does not make the store another one. */
    (void)snprintf(other, sizeof(other), "%s/other", d.folder);
    daemon_expect_refusal(&d, 1, &text, "--run", other, NULL);
    must_be_in(&text, "another agentd uses the state folder");
    (void)must(&c, MSG_PING, "{}");
    client_close(&c);
    daemon_stop(&d);
}

static void
usage_and_bad_configurations_are_refused(void **state)
{
    BUF_AUTO struct buf text = {0};
    char                place[128];

    (void)state;
    daemon_expect_refusal(&d, 2, &text, "--nonsense", NULL);
    daemon_expect_refusal(&d, 2, &text, "argument", NULL);
    daemon_expect_refusal(&d, 0, &text, "--version", NULL);
    must_be_in(&text, "agentd 0.1.0");
    daemon_expect_refusal(&d, 1, &text, "--set", "workers.count=none", NULL);
    daemon_write_config(&d, "workers:\n  count: 2\n  slotz: 1\n");
    daemon_expect_refusal(&d, 1, &text, NULL);
    (void)snprintf(place, sizeof(place), "%s:3:3", d.config);
    must_be_in(&text, place);
    daemon_expect_refusal(&d, 1, &text, "--check", NULL);
    must_be_in(&text, place);
    daemon_write_config(&d, SLEEPER "companies:\n  acme: {}\n");
    daemon_expect_refusal(&d, 0, &text, "--check", NULL);
    (void)snprintf(place, sizeof(place), "%s: ok\n", d.config);
    must_be_in(&text, place);
    must_be_in(&text, "handlers (1): writer");
    must_be_in(&text, "companies (1): acme");
}

static void
without_a_program_that_it_needs_nothing_starts(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    assert_int_equal(setenv("AGENTD_DELIVERY", "/nonexistent/agent-delivery", 1), 0);
    daemon_expect_refusal(&d, 1, &text, NULL);
    must_be_in(&text, "program /nonexistent/agent-delivery");
    must_be_in(&text, "install agent-delivery beside agentd or name it in AGENTD_DELIVERY");
}

static void
folders_of_others_or_open_to_them_are_refused(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    assert_int_equal(mkdir(d.state, 0700), 0);
    assert_int_equal(chmod(d.state, 0777), 0);
    daemon_expect_refusal(&d, 1, &text, NULL);
    must_be_in(&text, "is open to others");
    assert_int_equal(chmod(d.state, 0700), 0);
    if (geteuid() != 0) return;
    assert_int_equal(chown(d.state, 65534, 65534), 0);
    daemon_expect_refusal(&d, 1, &text, NULL);
    must_be_in(&text, "belongs to user 65534");
}

static void
starts_that_never_got_ready_have_the_store_checked(void **state)
{
    char  path[128];
    FILE *file;

    (void)state;
    start_and_connect();
    (void)must_submit(&c, "{\"handler\":\"noop\"}");
    client_close(&c);
    daemon_stop(&d);
    (void)snprintf(path, sizeof(path), "%s/starts", d.state);
    assert_int_equal(access(path, F_OK), -1);
    file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs("3\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    start_and_connect();
    assert_true(daemon_log_has(&d, "the store is checked"));
    assert_int_equal(access(path, F_OK), -1);
    expect_job(&c, 1, "state", "\"completed\"");
    client_close(&c);
    daemon_stop(&d);
}

static void
in_the_background_it_is_ready_when_the_start_returns(void **state)
{
    BUF_AUTO struct buf text = {0};
    char                path[128];
    char                line[32] = "";

    (void)state;
    daemon_expect_refusal(&d, 0, &text, "--daemonize", NULL); /* its parent's end, that is */
    must_be_in(&text, "ready version=");
    client_open(&c, &d);
    (void)must(&c, MSG_STATUS, "{}");
    (void)snprintf(path, sizeof(path), "%s/agentd.pid", d.run);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file));
    assert_int_equal(fclose(file), 0);
    assert_int_equal(atoi(line), number_at(&c, "pid"));
    d.pid = atoi(line); /* ours to wait for: we are a subreaper */
    daemon_expect_refusal(&d, 1, &text, "--daemonize", NULL);
    must_be_in(&text, "running already");
    client_close(&c);
    daemon_stop(&d);
}

/* ---- planned ends -------------------------------------------------------------------------- */

static void
a_stop_while_busy_hands_the_jobs_back(void **state)
{
    (void)state;
    daemon_start(&d, "--set", "daemon.stop_grace=100ms", "--set",
                 "limits.agent_max_concurrent=null", NULL);
    client_open(&c, &d);
    uint64_t running = must_submit(&c, "{\"handler\":\"sleep\",\"payload\":{\"ms\":600000}}");
    uint64_t later = must_submit(&c, "{\"handler\":\"noop\",\"delay_ms\":600000}");
    expect_job(&c, running, "state", "\"running\"");
    client_close(&c);
    daemon_stop(&d);

    start_and_connect();
    (void)must(&c, MSG_STATUS, "{}");
    assert_int_equal(number_at(&c, "unclean_stops"), 0);
    expect_job(&c, running, "state", "\"running\"");
    expect_job(&c, running, "attempt", "2");
    expect_job(&c, running, "failures", "0");
    expect_job(&c, running, "crashes", "0");
    expect_job(&c, later, "state", "\"scheduled\"");
    client_close(&c);
    daemon_stop(&d);
}

static void
short_jobs_are_let_finish_by_a_stop(void **state)
{
    (void)state;
    daemon_start(&d, "--set", "daemon.stop_grace=10s", NULL);
    client_open(&c, &d);
    uint64_t job = must_submit(&c, "{\"handler\":\"sleep\",\"payload\":{\"ms\":300}}");
    expect_job(&c, job, "state", "\"running\"");
    daemon_signal(&d, SIGTERM);
    expect_reply(&c, MSG_STATUS, "{}", "draining", "true");
    must_refuse(&c, MSG_JOB_SUBMIT, "{\"handler\":\"noop\"}", E_DRAINING);
    assert_int_equal(daemon_wait(&d), 0);
    client_close(&c);
    start_and_connect();
    expect_job(&c, job, "state", "\"completed\"");
    expect_job(&c, job, "attempt", "1");
    client_close(&c);
    daemon_stop(&d);
}

static void
a_second_signal_ends_the_grace(void **state)
{
    (void)state;
    daemon_start(&d, "--set", "daemon.stop_grace=1h", NULL);
    client_open(&c, &d);
    uint64_t job = must_submit(&c, "{\"handler\":\"sleep\",\"payload\":{\"ms\":600000}}");
    expect_job(&c, job, "state", "\"running\"");
    daemon_signal(&d, SIGINT);
    daemon_expect_log(&d, "msg=\"stopping\"");
    daemon_signal(&d, SIGTERM);
    assert_int_equal(daemon_wait(&d), 0);
    client_close(&c);
}

static void
signals_reload_and_dump(void **state)
{
    (void)state;
    daemon_write_config(&d, "workers:\n  count: 1\n");
    daemon_start(&d, NULL);
    client_open(&c, &d);
    daemon_signal(&d, SIGUSR1);
    daemon_expect_log(&d, "msg=\"state dump\"");
    daemon_write_config(&d, "workers:\n  count: x\n");
    daemon_signal(&d, SIGHUP);
    daemon_expect_log(&d, "reload refused");
    daemon_write_config(&d, "workers:\n  count: 3\n");
    daemon_signal(&d, SIGHUP);
    expect_reply(&c, MSG_STATUS, "{}", "workers.live", "3");
    client_close(&c);
    daemon_stop(&d);
}

/* ---- kill -9 ------------------------------------------------------------------------------- */

static size_t
count_lines(const char *path)
{
    FILE  *file = fopen(path, "re");
    size_t lines = 0;
    int    ch;

    while (file && (ch = fgetc(file)) != EOF)
        lines += ch == '\n';
    if (file) assert_int_equal(fclose(file), 0);
    return lines;
}

static bool
has_two_lines(void *arg)
{
    return count_lines(arg) == 2;
}

static bool
has_one_line(void *arg)
{
    return count_lines(arg) == 1;
}

static pid_t
first_pid(const char *path)
{
    FILE *file = fopen(path, "re");
    int   pid = 0;

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &pid), 1);
    assert_int_equal(fclose(file), 0);
    return pid;
}

/* The pids of agentd's children. */
static size_t
workers_of(pid_t pid, pid_t out[8])
{
    char   path[64];
    size_t n = 0;

    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (n < 8 && fscanf(file, "%d", &out[n]) == 1)
        n++;
    assert_int_equal(fclose(file), 0);
    return n;
}

/* An orphan becomes our child: dead, it waits for us. */
static bool
is_gone(pid_t pid)
{
    return waitpid(pid, NULL, WNOHANG) == pid || kill(pid, 0) != 0;
}

/* The job's first process must be gone before its second one starts, whoever else was killed. */
static void
crash_and_check(bool kills_workers_too)
{
    char  mark[96];
    pid_t workers[8];

    (void)snprintf(mark, sizeof(mark), "%s/mark", d.folder);
    assert_int_equal(setenv("MARK", mark, 1), 0);
    daemon_write_config(&d, SLEEPER);
    start_and_connect();
    uint64_t job = must_submit(&c, "{\"handler\":\"writer\"}");
    uint64_t queued = must_submit(&c, "{\"handler\":\"noop\",\"delay_ms\":600000}");
    daemon_wait_until(&d, "the handler runs", has_one_line, mark);
    client_close(&c);
    size_t n = workers_of(d.pid, workers);
    assert_int_equal(n, 2);
    if (kills_workers_too) daemon_signal(&d, SIGSTOP); /* it must not clean up behind them */
    for (size_t i = 0; kills_workers_too && i < n; i++)
        assert_int_equal(kill(workers[i], SIGKILL), 0);
    daemon_kill(&d);

    start_and_connect();
    daemon_wait_until(&d, "the handler runs again", has_two_lines, mark);
    assert_true(is_gone(first_pid(mark)));
    assert_int_equal(daemon_log_has(&d, "process of an earlier run killed"), kills_workers_too);
    expect_job(&c, job, "attempt", "2");
    expect_job(&c, job, "crashes", "1");
    expect_job(&c, job, "failures", "0");
    expect_job(&c, queued, "state", "\"scheduled\"");
    (void)must(&c, MSG_STATUS, "{}");
    assert_int_equal(number_at(&c, "unclean_stops"), 1);
    assert_true(number_at(&c, "last_crash_at") > 1600000000000);
    (void)must(&c, MSG_FSCK, "{}");
    assert_string_equal(value_at(&c, "ok"), "true");
    client_close(&c);
    daemon_stop(&d);
}

static void
after_a_kill_nothing_is_lost_and_nothing_runs_twice(void **state)
{
    (void)state;
    crash_and_check(false);
}

static void
orphans_of_killed_workers_are_found_and_killed(void **state)
{
    (void)state;
    crash_and_check(true);
}

/* A record of a process that is long gone, its pid now another's. */
static void
a_process_with_a_pid_used_again_is_let_live(void **state)
{
    struct evidence ev;
    struct err      e;
    char            path[128];

    (void)state;
    start_and_connect();
    client_close(&c);
    daemon_kill(&d);
    pid_t innocent = fork();
    assert_true(innocent >= 0);
    if (innocent == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)pause();
        _exit(0);
    }
    (void)snprintf(path, sizeof(path), "%s/evidence", d.run);
    assert_int_equal(evidence_open(&ev, path, &e), E_OK);
    struct evidence_record *records[] = {&ev.workers[7], &ev.leases[7]};
    for (size_t i = 0; i < 2; i++) {
        *records[i] = (struct evidence_record){.start_time = 1, .boot_id = proc_boot_id()};
        records[i]->pid = (uint64_t)innocent;
    }
    evidence_close(&ev);
    start_and_connect();
    daemon_expect_log(&d, "nothing of an earlier run is left");
    expect_reply(&c, MSG_STATUS, "{}", "workers.live", "2");
    assert_int_equal(waitpid(innocent, NULL, WNOHANG), 0); /* it lives */
    assert_int_equal(kill(innocent, SIGKILL), 0);
    assert_int_equal(waitpid(innocent, NULL, 0), innocent);
    client_close(&c);
    daemon_stop(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_says_ready_once_and_serves, make, clear),
        cmocka_unit_test_setup_teardown(a_second_start_is_refused_and_told_who_runs, make, clear),
        cmocka_unit_test_setup_teardown(usage_and_bad_configurations_are_refused, make, clear),
        cmocka_unit_test_setup_teardown(without_a_program_that_it_needs_nothing_starts, make,
                                        clear),
        cmocka_unit_test_setup_teardown(folders_of_others_or_open_to_them_are_refused, make, clear),
        cmocka_unit_test_setup_teardown(starts_that_never_got_ready_have_the_store_checked, make,
                                        clear),
        cmocka_unit_test_setup_teardown(in_the_background_it_is_ready_when_the_start_returns, make,
                                        clear),
        cmocka_unit_test_setup_teardown(a_stop_while_busy_hands_the_jobs_back, make, clear),
        cmocka_unit_test_setup_teardown(short_jobs_are_let_finish_by_a_stop, make, clear),
        cmocka_unit_test_setup_teardown(a_second_signal_ends_the_grace, make, clear),
        cmocka_unit_test_setup_teardown(signals_reload_and_dump, make, clear),
        cmocka_unit_test_setup_teardown(after_a_kill_nothing_is_lost_and_nothing_runs_twice, make,
                                        clear),
        cmocka_unit_test_setup_teardown(orphans_of_killed_workers_are_found_and_killed, make,
                                        clear),
        cmocka_unit_test_setup_teardown(a_process_with_a_pid_used_again_is_let_live, make, clear),
    };

    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
