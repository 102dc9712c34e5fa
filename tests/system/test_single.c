/* One agentd at a time, whatever an earlier one left behind; starts at once
 * and kills at any moment are in test_daemon_races. */
#include "common/proc.h"
#include "tests/system/daemon_case.h"
#include "tests/system/marks.h"
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CRASHES 3

static void
start_and_connect(void)
{
    daemon_start(&d, "--set", "workers.count=2", "--set", "limits.max_crashes=1000000", "--set",
                 "daemon.stop_grace=100ms", NULL);
    client_open(&c, &d);
}

static void
write_file(const char *name, const char *text)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", d.run, name); /* fits */
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

static pid_t
start_innocent(void)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)pause();
        _exit(0);
    }
    return pid;
}

static void
end_innocent(pid_t pid)
{
    assert_int_equal(waitpid(pid, NULL, WNOHANG), 0); /* it lives */
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* ---- the PID file ---------------------------------------------------------------------------- */

/* Nobody holds its lock: it is stale, whoever has its pid today. */
static void
a_pid_file_that_names_a_stranger_is_stale(void **state)
{
    pid_t innocent = start_innocent();
    char  pid[32];

    (void)state;
    assert_int_equal(mkdir(d.run, 0750), 0);
    (void)snprintf(pid, sizeof(pid), "%d\n", (int)innocent); /* fits */
    write_file("agentd.pid", pid);
    start_and_connect();
    (void)must(&c, MSG_STATUS, "{}");
    assert_int_equal(number_at(&c, "pid"), d.pid);
    assert_int_equal(number_at(&c, "unclean_stops"), 1);
    stop_and_leave();
    end_innocent(innocent);
}

/* Nor does what stands in it matter. */
static void
a_pid_file_of_nonsense_is_stale(void **state)
{
    static const char *const texts[] = {"", "-1\n", "0\n", "1\n", "nonsense", "99999999999999\n"};

    (void)state;
    assert_int_equal(mkdir(d.run, 0750), 0);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        write_file("agentd.pid", texts[i]);
        start_and_connect();
        (void)must(&c, MSG_STATUS, "{}");
        assert_int_equal(number_at(&c, "pid"), d.pid);
        stop_and_leave();
    }
}

/* A link is not followed: what it points at stays as it is. */
static void
a_pid_file_that_is_a_link_is_refused(void **state)
{
    BUF_AUTO struct buf text = {0};
    char                link[128], target[128];
    struct stat         st;

    (void)state;
    assert_int_equal(mkdir(d.run, 0750), 0);
    (void)snprintf(link, sizeof(link), "%s/agentd.pid", d.run); /* fits */
    (void)snprintf(target, sizeof(target), "%s/target", d.folder);
    script_write(&d, "target", "as it was");
    assert_int_equal(symlink(target, link), 0);
    daemon_expect_refusal(&d, 1, &text, NULL);
    assert_non_null(strstr(text.data, "PID file"));
    assert_int_equal(stat(target, &st), 0);
    assert_int_equal(st.st_size, strlen("as it was"));
}

static void
a_stopped_holder_is_still_the_holder(void **state)
{
    BUF_AUTO struct buf text = {0};
    char                pid[32];

    (void)state;
    start_and_connect();
    (void)must_submit(&c, "{\"handler\":\"sleep\",\"payload\":{\"ms\":3600000}}");
    daemon_signal(&d, SIGSTOP);
    daemon_expect_refusal(&d, 1, &text, NULL);
    (void)snprintf(pid, sizeof(pid), "pid %d,", (int)d.pid); /* fits */
    assert_non_null(strstr(text.data, pid));
    daemon_signal(&d, SIGCONT);
    (void)must(&c, MSG_STATUS, "{}");
    assert_int_equal(number_at(&c, "pid"), d.pid);
    stop_and_leave();
}

/* ---- sockets --------------------------------------------------------------------------------- */

/* Those of a killed agentd, and files that are none in their place. */
static void
stale_sockets_are_replaced(void **state)
{
    static const char *const names[] = {"agentd.sock", "feed.sock"};
    char                     path[128];
    struct stat              st;

    (void)state;
    start_and_connect();
    client_close(&c);
    daemon_kill(&d);
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", d.run, names[i]); /* fits */
        assert_int_equal(stat(path, &st), 0);
        assert_true(S_ISSOCK(st.st_mode));
    }
    start_and_connect();
    (void)must(&c, MSG_PING, "{}");
    client_close(&c);
    daemon_kill(&d);
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", d.run, names[i]); /* fits */
        assert_int_equal(unlink(path), 0);
        write_file(names[i], "not a socket");
    }
    start_and_connect();
    (void)must(&c, MSG_PING, "{}");
    stop_and_leave();
}

/* ---- survivors ------------------------------------------------------------------------------- */

static void
make_holder(void)
{
    BUF_AUTO struct buf yaml = {0};

    /* It lives on when it is asked to end, its child, too, and says so when it finds another. */
    script_write(&d, "holder",
                 "trap '' TERM HUP\nexec 9>>$DIR/lock\n"
                 "flock -n 9 || echo overlap >>$DIR/overlaps\necho $$ >>$DIR/mark\n"
                 "setsid sleep 3600 </dev/null >/dev/null 2>&1 &\nsleep 3600\n");
    buf_printf(&yaml,
               "limits: {kill_grace: 100ms}\nhandlers:\n  holder:\n    kind: exec\n"
               "    command: [/bin/sh, %s/holder]\n    set_env: {DIR: %s}\n",
               d.folder, d.folder);
    daemon_write_config(&d, buf_str(&yaml));
}

/* The workers are frozen: they cannot clean up behind their agentd. */
static void
freeze_workers(void)
{
    for (int i = 0; i < 2; i++) {
        char path[32];

        (void)snprintf(path, sizeof(path), "items.%d.pid", i); /* fits */
        expect_reply(&c, MSG_WORKER_LIST, "{}", i == 0 ? "items.0.state" : "items.1.state",
                     "\"up\"");
        assert_int_equal(kill((pid_t)number_at(&c, path), SIGSTOP), 0);
    }
}

static void
a_survivor_never_runs_beside_the_next_attempt(void **state)
{
    BUF_AUTO struct buf text = {0};
    uint64_t            job;
    char                body[64];

    (void)state;
    make_holder();
    start_and_connect();
    job = must_submit(&c, "{\"handler\":\"holder\",\"max_attempts\":1}");
    for (size_t n = 1; n <= CRASHES; n++) {
        (void)marks_wait(&d, "mark", n, &text);
        if (n % 2 == 0) freeze_workers();
        client_close(&c);
        daemon_kill(&d);
        start_and_connect();
    }
    (void)marks_wait(&d, "mark", CRASHES + 1, &text);
    assert_int_equal(marks_count(&d, "overlaps"), 0);
    expect_job(&c, job, "state", "\"running\"");
    assert_int_equal(number_at(&c, "crashes"), CRASHES);
    assert_int_equal(number_at(&c, "attempt"), CRASHES + 1);
    assert_int_equal(number_at(&c, "failures"), 0);
    (void)snprintf(body, sizeof(body), "{\"id\":%" PRIu64 "}", job); /* fits */
    (void)must(&c, MSG_JOB_CANCEL, body);
    expect_job(&c, job, "state", "\"cancelled\"");
    stop_and_leave();
}

/* Another instance's handlers are not ours to kill, whatever their environment says. */
static void
two_instances_let_each_other_live(void **state)
{
    BUF_AUTO struct buf text = {0};
    struct daemon       other;

    (void)state;
    make_holder();
    start_and_connect();
    (void)must_submit(&c, "{\"handler\":\"holder\",\"max_attempts\":1}");
    (void)marks_wait(&d, "mark", 1, &text);
    pid_t holder = (pid_t)marks_number(&d, "mark", 0);
    daemon_make(&other);
    for (int i = 0; i < 2; i++) {
        daemon_start(&other, NULL);
        daemon_expect_log(&other, "nothing of an earlier run is left");
        daemon_kill(&other);
    }
    daemon_remove(&other);
    assert_int_equal(kill(holder, 0), 0);
    assert_false(proc_is_zombie(holder));
    (void)must(&c, MSG_JOB_SHOW, "{\"id\":1}");
    assert_int_equal(number_at(&c, "attempt"), 1);
    stop_and_leave();
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)
    const struct CMUnitTest tests[] = {
        TEST(a_pid_file_that_names_a_stranger_is_stale),
        TEST(a_pid_file_of_nonsense_is_stale),
        TEST(a_pid_file_that_is_a_link_is_refused),
        TEST(a_stopped_holder_is_still_the_holder),
        TEST(stale_sockets_are_replaced),
        TEST(a_survivor_never_runs_beside_the_next_attempt),
        TEST(two_instances_let_each_other_live),
    };

    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
