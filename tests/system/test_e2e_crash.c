/* Crashes, from outside: what was acknowledged is still there, nothing runs twice at a time, and
 * nothing is sent twice. */
#include "common/clock.h"
#include "common/hash.h"
#include "tests/system/e2e.h"
#include <endian.h>
#include <fcntl.h>
#include <lmdb.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>

#define NOTICES "state/notices.jsonl"

#define CONFIG                                                    \
    "workers: {count: 1, slots: 4}\n"                             \
    "daemon: {stop_grace: 0s}\n"                                  \
    "limits: {kill_grace: 200ms}\n"                               \
    "handlers:\n"                                                 \
    "  lasting: {kind: exec, command: [./lasting], env: [DIR]}\n" \
    "  tells: {kind: exec, command: [./tells]}\n"                 \
    "sinks: {notices: {kind: file, path: notices.jsonl}}\n"       \
    "sessions: {sinks: [notices]}\n"

/* Looks whether any process of an earlier attempt is still there, then leaves one of its own in a
 * session of its own. */
#define LASTING                                                  \
    "#!/bin/sh\n"                                                \
    "for p in $(cat $DIR/pids 2>/dev/null); do\n"                \
    "    case $(cat /proc/$p/stat 2>/dev/null) in\n"             \
    "    '' | *') Z '*) ;;\n"                                    \
    "    *) echo $p >>$DIR/alive ;;\n"                           \
    "    esac\n"                                                 \
    "done\n"                                                     \
    "setsid sleep 600 &\n"                                       \
    "echo $$ $! >>$DIR/pids\n"                                   \
    "echo $AGENTD_ATTEMPT $AGENTD_IDEMPOTENCY_KEY >>$DIR/mark\n" \
    "read x <$DIR/gate\n"

#define TELLS                                            \
    "#!/bin/sh\n"                                        \
    "echo '{\"type\":\"notify\",\"message\":\"one\"}'\n" \
    "echo '{\"type\":\"notify\",\"message\":\"two\"}'\n"

static int
start(void **state)
{
    (void)state;
    e2e_make();
    script_write(&d, "lasting", LASTING);
    script_write(&d, "tells", TELLS);
    return e2e_start(CONFIG);
}

/* Waits until so many attempts of lasting have begun. */
static void
wait_for_attempts(size_t count)
{
    BUF_AUTO struct buf text = {0};

    (void)marks_wait(&d, "mark", count, &text);
    assert_int_equal(marks_count(&d, "mark"), count);
}

static pid_t
worker_pid(void)
{
    ctl_until(&c, "items.0.state", "\"up\"", "worker list");
    return (pid_t)ctl_number(&c, "items.0.pid");
}

static void
expect_sound(void)
{
    ctl_must(&c, "fsck");
    ctl_expect(&c, "ok", "true");
}

/* ---- jobs ---------------------------------------------------------------------------------- */

static void
a_killed_agentd_runs_the_job_again_when_its_processes_are_gone(void **state)
{
    BUF_AUTO struct buf text = {0};
    char                first[128], second[128];

    (void)state;
    ctl_must(&c, "status");
    ctl_expect(&c, "last_crash_at", "null");
    uint64_t job = ctl_submit(&c, "lasting");
    uint64_t done = ctl_submit(&c, "echo --payload '[1]'");
    uint64_t later = ctl_submit(&c, "noop --in 1h");
    ctl_await(&c, done, "completed");
    wait_for_attempts(1);
    daemon_kill(&d);
    daemon_start(&d, NULL);
    wait_for_attempts(2);
    assert_int_equal(marks_count(&d, "alive"), 0);
    ctl_must(&c, "job show %" PRIu64, job);
    ctl_expect(&c, "state", "\"running\"");
    ctl_expect(&c, "attempt", "2");
    ctl_expect(&c, "crashes", "1");
    ctl_expect(&c, "failures", "0");
    ctl_expect(&c, "attempts.0.class", "\"interrupted\"");
    /* The key that keeps the world from being changed twice is the same. */
    const char *marks = marks_wait(&d, "mark", 2, &text);
    assert_int_equal(sscanf(marks, "1 %127s 2 %127s", first, second), 2);
    assert_string_equal(first, second);
    gate_pass(gate, 1);
    ctl_await(&c, job, "completed");
    ctl_expect(&c, "crashes", "0");
    ctl_must(&c, "job show %" PRIu64, done);
    ctl_expect(&c, "output", "[1]");
    ctl_expect(&c, "attempt", "1");
    ctl_must(&c, "job show %" PRIu64, later);
    ctl_expect(&c, "state", "\"scheduled\"");
    ctl_must(&c, "status");
    ctl_expect(&c, "unclean_stops", "1");
    assert_true(ctl_number(&c, "last_crash_at") > 1600000000000);
    expect_sound();
}

/* The worker cannot end what it runs: the next agentd must, before it runs the job again. */
static void
what_a_stopped_worker_ran_is_ended_by_the_next_agentd(void **state)
{
    (void)state;
    uint64_t job = ctl_submit(&c, "lasting");
    wait_for_attempts(1);
    assert_int_equal(kill(worker_pid(), SIGSTOP), 0);
    daemon_kill(&d);
    daemon_start(&d, NULL);
    ctl_await(&c, ctl_submit(&c, "noop"), "completed"); /* others need not wait for that */
    wait_for_attempts(2);
    assert_int_equal(marks_count(&d, "alive"), 0);
    ctl_must(&c, "job show %" PRIu64, job);
    ctl_expect(&c, "attempt", "2");
    ctl_expect(&c, "crashes", "1");
    gate_pass(gate, 1);
    ctl_await(&c, job, "completed");
}

static void
three_crashes_in_a_row_quarantine_a_job(void **state)
{
    (void)state;
    uint64_t job = ctl_submit(&c, "lasting");
    for (size_t crash = 1; crash <= 3; crash++) {
        wait_for_attempts(crash);
        daemon_kill(&d);
        daemon_start(&d, NULL);
    }
    ctl_await(&c, job, "failed");
    ctl_expect(&c, "quarantined", "true");
    ctl_expect(&c, "crashes", "3");
    ctl_expect(&c, "attempt", "3");
    ctl_expect(&c, "failures", "0");
    ctl_expect(&c, "failure.class", "\"interrupted\"");
    assert_int_equal(marks_count(&d, "alive"), 0);
    ctl_must(&c, "status");
    ctl_expect(&c, "unclean_stops", "3");
    /* An operator may try again: from the beginning. */
    ctl_must(&c, "job retry %" PRIu64, job);
    wait_for_attempts(4);
    gate_pass(gate, 1);
    ctl_await(&c, job, "completed");
    ctl_expect(&c, "quarantined", "false");
    expect_sound();
}

static void
a_planned_stop_is_no_crash(void **state)
{
    (void)state;
    uint64_t job = ctl_submit(&c, "lasting");
    for (size_t stops = 1; stops <= 4; stops++) {
        wait_for_attempts(stops);
        daemon_stop(&d);
        daemon_start(&d, NULL);
    }
    wait_for_attempts(5);
    assert_int_equal(marks_count(&d, "alive"), 0);
    ctl_must(&c, "job show %" PRIu64, job);
    ctl_expect(&c, "state", "\"running\"");
    ctl_expect(&c, "attempt", "5");
    ctl_expect(&c, "crashes", "0");
    ctl_expect(&c, "failures", "0");
    ctl_expect(&c, "attempts.0.class", "\"interrupted\"");
    ctl_must(&c, "status");
    ctl_expect(&c, "unclean_stops", "0");
    ctl_expect(&c, "last_crash_at", "null");
}

/* Two jobs lose the one worker; from then on each has it for itself, so that the next one to fall
 * with it is the one to blame. */
static void
a_killed_worker_loses_its_jobs_which_then_run_alone(void **state)
{
    (void)state;
    uint64_t first = ctl_submit(&c, "lasting");
    wait_for_attempts(1);
    uint64_t second = ctl_submit(&c, "lasting");
    wait_for_attempts(2);
    assert_int_equal(marks_count(&d, "alive"), 2); /* those of the other job */
    assert_int_equal(kill(worker_pid(), SIGKILL), 0);
    wait_for_attempts(3);
    assert_int_equal(marks_count(&d, "alive"), 2);
    ctl_await(&c, first, "running");
    ctl_expect(&c, "attempt", "2");
    ctl_expect(&c, "crashes", "1");
    ctl_expect(&c, "failures", "0");
    ctl_expect(&c, "attempts.0.class", "\"worker_lost\"");
    ctl_await(&c, second, "parked");
    ctl_expect(&c, "reason", "\"alone\"");
    ctl_expect(&c, "crashes", "1");
    ctl_must(&c, "job why %" PRIu64, second);
    ctl_expect(&c, "blockers.0.predicate", "\"no_slot\"");
    ctl_expect_text(&c, "blockers.0.message", "1 of 4 run jobs");
    ctl_expect(&c, "blockers.1.predicate", "\"alone\"");
    uint64_t other = ctl_submit(&c, "noop");
    ctl_must(&c, "job show %" PRIu64, other); /* no neighbour for it either */
    assert_string_not_equal(ctl_value(&c, "state"), "\"completed\"");
    gate_pass(gate, 1);
    ctl_await(&c, first, "completed");
    gate_pass(gate, 1);
    ctl_await(&c, second, "completed");
    ctl_await(&c, other, "completed");
    ctl_must(&c, "status");
    ctl_expect(&c, "unclean_stops", "0");
    expect_sound();
}

static void
a_job_that_kills_its_worker_three_times_is_quarantined(void **state)
{
    (void)state;
    uint64_t job = ctl_submit(&c, "lasting");
    for (size_t crash = 1; crash <= 3; crash++) {
        wait_for_attempts(crash);
        assert_int_equal(kill(worker_pid(), SIGKILL), 0);
    }
    ctl_await(&c, job, "failed");
    ctl_expect(&c, "quarantined", "true");
    ctl_expect(&c, "failure.class", "\"worker_lost\"");
    assert_int_equal(marks_count(&d, "alive"), 0);
    ctl_await(&c, ctl_submit(&c, "noop"), "completed");
}

/* ---- effects ------------------------------------------------------------------------------- */

/* Holds the sink's file, so that a delivery to it lasts until we let go. */
static int
hold_sink(void)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/" NOTICES, d.folder); /* fits */
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    return fd;
}

/* A file that was made within a second before a message was sent does not say that it did not come:
 * waits until this one is older. */
static void
wait_until_old(int file)
{
    struct statx st;

    assert_int_equal(statx(file, "", AT_EMPTY_PATH, STATX_BTIME, &st), 0);
    int64_t old_at = (st.stx_btime.tv_sec + 2) * INT64_C(1000);
    while ((st.stx_mask & STATX_BTIME) && clock_now().wall_ms < old_at)
        (void)poll(NULL, 0, 10);
}

static void
expect_two_lines(const char *first, const char *then)
{
    BUF_AUTO struct buf text = {0};

    ctl_until(&c, "status", "\"delivered\"", "effect show 1");
    ctl_until(&c, "status", "\"delivered\"", "effect show 2");
    const char *lines = marks_wait(&d, NOTICES, 2, &text);
    assert_int_equal(marks_count(&d, NOTICES), 2);
    const char *at = strstr(lines, first);
    assert_non_null(at);
    assert_non_null(strstr(at, then));
}

/* The first is being sent, the second waits behind it, when agentd is killed. */
static void
effects_outlive_a_kill_and_are_sent_once(void **state)
{
    (void)state;
    int sink = hold_sink();
    wait_until_old(sink);
    uint64_t job = ctl_submit(&c, "tells");
    ctl_await(&c, job, "completed");
    ctl_until(&c, "status", "\"attempting\"", "effect show 1");
    ctl_must(&c, "effect show 2");
    ctl_expect(&c, "status", "\"pending\"");
    ctl_expect(&c, "attempts", "0");
    daemon_kill(&d);
    daemon_start(&d, NULL);
    /* Nobody knows what became of the first: the sink is asked before it is sent again, and then it
     * goes behind what did not wait for it (N22). */
    ctl_until(&c, "status", "\"unknown\"", "effect show 1");
    ctl_until(&c, "status", "\"attempting\"", "effect show 2");
    assert_int_equal(marks_count(&d, NOTICES), 0);
    assert_int_equal(close(sink), 0);
    expect_two_lines("\"two\"", "\"one\"");
    ctl_must(&c, "effect show 1");
    ctl_expect(&c, "attempts", "2");
    ctl_must(&c, "effect show 2");
    ctl_expect(&c, "attempts", "1");
    ctl_must(&c, "job show %" PRIu64, job);
    ctl_expect(&c, "attempt", "1");
    expect_sound();
}

/* Written to the sink, but agentd is killed before it learns of it. */
static void
a_line_that_was_written_is_found_and_not_written_again(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    int sink = hold_sink();
    ctl_await(&c, ctl_submit(&c, "tells"), "completed");
    ctl_until(&c, "status", "\"attempting\"", "effect show 1");
    assert_int_equal(kill(worker_pid(), SIGSTOP), 0);
    assert_int_equal(close(sink), 0);
    (void)marks_wait(&d, NOTICES, 1, &text);
    ctl_must(&c, "effect show 1");
    ctl_expect(&c, "status", "\"attempting\"");
    daemon_kill(&d);
    daemon_start(&d, NULL);
    expect_two_lines("\"one\"", "\"two\"");
    ctl_must(&c, "effect show 1");
    ctl_expect(&c, "attempts", "1");
    ctl_expect_text(&c, "receipt", "offset 0");
    expect_sound();
}

/* ---- the store ----------------------------------------------------------------------------- */

/* As a later agentd would leave it: the number of the schema is the second word of the store's
 * first row, the last one a checksum. */
static void
age_schema(void)
{
    uint64_t w[5];
    MDB_val  key = {5, (char[]){"store"}}, v;
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi  db;

    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_mapsize(env, 1UL << 30), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 128), 0);
    assert_int_equal(mdb_env_open(env, d.state, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "store", 0, &db), 0);
    assert_int_equal(mdb_get(txn, db, &key, &v), 0);
    assert_int_equal(v.mv_size, sizeof(w));
    memcpy(w, v.mv_data, sizeof(w));
    w[1] = htobe64(be64toh(w[1]) + 1);
    w[4] = htobe64(hash64(view_of(w, sizeof(w) - sizeof(w[0])), 0));
    v = (MDB_val){sizeof(w), w};
    assert_int_equal(mdb_put(txn, db, &key, &v, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void
write_file(const char *folder, const char *name)
{
    FREE_AUTO char *parent = xasprintf("%s/logs/%s", d.state, folder);
    FREE_AUTO char *path = xasprintf("%s/%s", parent, name);
    FILE           *file;

    (void)mkdir(parent, 0700); /* may be there */
    file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

static bool
is_gone(void *arg)
{
    FREE_AUTO char *path = xasprintf("%s/logs/%s", d.state, (const char *)arg);

    return access(path, F_OK) != 0;
}

/* As after a kill between the commit of a purge and the removal of the log. */
static void
a_log_whose_job_is_no_more_goes_with_the_next_start(void **state)
{
    (void)state;
    ctl_await(&c, ctl_submit(&c, "noop"), "completed");
    write_file("01", "1.log");
    write_file("01", "257.log");
    write_file("ff", "255.log");
    write_file("ff", "notes");
    daemon_kill(&d);
    daemon_start(&d, NULL);
    daemon_wait_until(&d, "the log of job 257 is gone", is_gone, "01/257.log");
    daemon_wait_until(&d, "the log of job 255 is gone", is_gone, "ff/255.log");
    assert_false(is_gone("01/1.log"));
    assert_false(is_gone("ff/notes"));
}

static void
a_store_of_a_newer_agentd_is_refused(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    ctl_await(&c, ctl_submit(&c, "noop"), "completed");
    daemon_stop(&d);
    age_schema();
    daemon_expect_refusal(&d, 1, &text, NULL);
    assert_non_null(strstr(text.data, "was written by a newer agentd (schema "));
    ctl_refused(&c, 3, "no_answer", "no agentd", "status");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, e2e_stop)
    const struct CMUnitTest tests[] = {
        TEST(a_killed_agentd_runs_the_job_again_when_its_processes_are_gone),
        TEST(what_a_stopped_worker_ran_is_ended_by_the_next_agentd),
        TEST(three_crashes_in_a_row_quarantine_a_job),
        TEST(a_planned_stop_is_no_crash),
        TEST(a_killed_worker_loses_its_jobs_which_then_run_alone),
        TEST(a_job_that_kills_its_worker_three_times_is_quarantined),
        TEST(effects_outlive_a_kill_and_are_sent_once),
        TEST(a_line_that_was_written_is_found_and_not_written_again),
        TEST(a_log_whose_job_is_no_more_goes_with_the_next_start),
        TEST(a_store_of_a_newer_agentd_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
