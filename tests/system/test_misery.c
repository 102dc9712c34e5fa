/* What handlers do to themselves and to their workers: each attempt has one
 * outcome of the right class, nothing is left running, every slot comes back.  All sorts run at
 * once, MISERY (3) times each. */
#include "common/proc.h"
#include "tests/system/marks.h"
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>

#define SLOTS     8
#define TIMES_MAX 10000
#ifdef __has_feature
#define IS_SANITIZED __has_feature(address_sanitizer)
#else
#define IS_SANITIZED 0
#endif
#define GROWTH_KB   8192
#define FLOOD_BYTES "40000000"

static struct daemon d;
static struct client c;

struct misery {
    const char *name;
    const char *script;
    const char *job;          /* more of its submission */
    bool        is_cancelled; /* once it has left a mark */
    const char *state, *class, *output;
    int         signal; /* of its only attempt; 0: none */
};

// clang-format off
static const struct misery miseries[] = {
    {.name = "silent", .script = "exit 0", .state = "completed", .output = "null"},
    {.name = "closed",
     .script = "exec >&- 2>&-; sleep 0.05; exit 0",
     .state = "completed",
     .output = "null"},
    {.name = "twice",
     .script = "echo '{\"type\":\"result\",\"output\":1}'; echo '{\"type\":\"result\",\"output\":2}'",
     .state = "failed",
     .class = "invalid_output",
     .output = "null"},
    {.name = "undecided",
     .script = "echo '{\"type\":\"result\",\"output\":1}'; exit 4",
     .state = "failed",
     .class = "handler_error",
     .output = "null"},
    {.name = "late",
     .script = "trap 'echo \"{\\\"type\\\":\\\"result\\\",\\\"output\\\":3}\"; exit 0' TERM\n"
               "echo here >>$DIR/mark\nwhile :; do sleep 0.02; done",
     .is_cancelled = true,
     .state = "cancelled",
     .class = "aborted",
     .output = "null"},
    {.name = "greedy",
     .script = "x=0123456789abcdef; while :; do x=$x$x; done",
     .state = "failed",
     .class = "handler_error",
     .output = "null"},
    {.name = "daemons",
     .script = "setsid sleep 60 & (setsid setsid sleep 60 </dev/null >/dev/null 2>&1 &)\n"
               "(trap '' TERM HUP; sleep 60 & sleep 60) &\n"
               "echo '{\"type\":\"result\",\"output\":7}'",
     .state = "completed",
     .output = "7"},
    {.name = "flood",
     .script = "head -c " FLOOD_BYTES " /dev/zero | tr '\\0' x\necho\n"
               "head -c " FLOOD_BYTES " /dev/zero | tr '\\0' '\\n'\n"
               "echo '{\"type\":\"result\",\"output\":8}'",
     .state = "completed",
     .output = "8"},
    {.name = "frozen",
     .script = "kill -STOP $$; echo '{\"type\":\"result\",\"output\":9}'",
     .job = ",\"max_run_ms\":200",
     .state = "failed",
     .class = "lease_expired",
     .output = "null"},
    {.name = "crashed",
     .script = "kill -SEGV $$",
     .state = "failed",
     .class = "handler_error",
     .output = "null",
     .signal = SIGSEGV},
    {.name = "killed",
     .script = "kill -KILL $$",
     .state = "failed",
     .class = "handler_error",
     .output = "null",
     .signal = SIGKILL},
};
// clang-format on

#define SORTS (sizeof(miseries) / sizeof(miseries[0]))

static size_t
times(void)
{
    const char   *text = getenv("MISERY");
    unsigned long n = text ? strtoul(text, NULL, 10) : 3;

    assert_in_range(n, 1, TIMES_MAX);
    return n;
}

/* ---- the daemon ------------------------------------------------------------------------------ */

static void
write_handlers(void)
{
    BUF_AUTO struct buf yaml = {0};

    buf_printf(&yaml,
               "workers: {count: 2, slots: %d, heartbeat_interval: 100ms, heartbeat_timeout: 1s}\n"
               "limits: {company_max_concurrent: null, kill_grace: 300ms, max_crashes: 1000000}\n"
               "handlers:\n",
               SLOTS / 2);
    for (size_t i = 0; i < SORTS; i++) {
        script_write(&d, miseries[i].name, miseries[i].script);
        buf_printf(&yaml,
                   "  %s:\n    kind: exec\n    command: [/bin/sh, %s/%s]\n    max_attempts: 1\n"
                   "    log_max: 64K\n    memory_max: 64M\n    set_env: {DIR: %s}\n",
                   miseries[i].name, d.folder, miseries[i].name, d.folder);
    }
    daemon_write_config(&d, buf_str(&yaml));
}

static void
expect_workers(void)
{
    expect_reply(&c, MSG_WORKER_LIST, "{}", "items.0.state", "\"up\"");
    expect_reply(&c, MSG_WORKER_LIST, "{}", "items.1.state", "\"up\"");
}

static int
make(void **state)
{
    (void)state;
    daemon_make(&d);
    write_handlers();
    daemon_start(&d, NULL);
    client_open(&c, &d);
    expect_workers();
    return 0;
}

static int
clear(void **state)
{
    (void)state;
    client_close(&c);
    if (d.pid) daemon_stop(&d);
    daemon_remove(&d);
    return 0;
}

/* ---- what is left ---------------------------------------------------------------------------- */

static bool
count_ours(pid_t pid, void *arg)
{
    char folder[sizeof(d.folder)], lease[64];

    *(size_t *)arg +=
        proc_environ(pid, "DIR", folder, sizeof(folder)) && strcmp(folder, d.folder) == 0 &&
        proc_environ(pid, "AGENTD_LEASE", lease, sizeof(lease)) && !proc_is_zombie(pid);
    return true;
}

/* An attempt ends only when its whole tree is gone: with the last one nothing is left. */
static void
nothing_is_left(void)
{
    size_t count = 0;

    proc_each(count_ours, &count);
    if (count > 0) daemon_fail(&d, "%zu processes outlived their attempts", count);
}

/* As many jobs as there are slots run at once. */
static void
every_slot_is_back(void)
{
    uint64_t jobs[SLOTS];
    char     body[64];

    for (int i = 0; i < SLOTS; i++)
        jobs[i] = must_submit(&c, "{\"handler\":\"sleep\",\"payload\":{\"ms\":3600000}}");
    for (int i = 0; i < SLOTS; i++)
        expect_job(&c, jobs[i], "state", "\"running\"");
    for (int i = 0; i < SLOTS; i++) {
        (void)snprintf(body, sizeof(body), "{\"id\":%" PRIu64 "}", jobs[i]); /* fits */
        (void)must(&c, MSG_JOB_CANCEL, body);
        expect_job(&c, jobs[i], "state", "\"cancelled\"");
    }
}

static int64_t
anonymous_kb(void)
{
    char    path[64], line[256];
    int64_t kb = -1;

    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)d.pid); /* fits */
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (kb < 0 && fgets(line, sizeof(line), file))
        (void)sscanf(line, "RssAnon: %" SCNd64, &kb); /* most lines are others */
    assert_int_equal(fclose(file), 0);
    assert_true(kb >= 0);
    return kb;
}

/* ---- all at once ----------------------------------------------------------------------------- */

static uint64_t
submit(const struct misery *m)
{
    char body[128];

    (void)snprintf(body, sizeof(body), "{\"handler\":\"%s\"%s}", m->name, m->job ? m->job : "");
    return must_submit(&c, body);
}

/* A success has no class: its failure is null, its attempt's class too. */
static void
expect_class(const struct misery *m, const char *path)
{
    char        wanted[64];
    const char *got = value_at(&c, path);

    (void)snprintf(wanted, sizeof(wanted), "\"%s\"", m->class ? m->class : ""); /* fits */
    bool is_right =
        m->class ? strcmp(got, wanted) == 0 : got[0] == '\0' || strcmp(got, "null") == 0;
    if (!is_right) daemon_fail(&d, "%s: %s is %s", m->name, path, got);
}

static void
judge(const struct misery *m, uint64_t job)
{
    char state[32];

    (void)snprintf(state, sizeof(state), "\"%s\"", m->state); /* fits */
    expect_job(&c, job, "state", state);
    assert_int_equal(number_at(&c, "attempt"), 1);
    expect_class(m, "failure.class");
    expect_class(m, "attempts.0.class");
    assert_string_equal(value_at(&c, "attempts.1"), "");
    assert_string_equal(value_at(&c, "output"), m->output);
    if (m->signal) assert_int_equal(number_at(&c, "attempts.0.signal"), m->signal);
}

/* Once it and those before it are there to be stopped. */
static void
cancel(uint64_t job, size_t marks)
{
    BUF_AUTO struct buf text = {0};
    char                body[64];

    (void)marks_wait(&d, "mark", marks, &text);
    (void)snprintf(body, sizeof(body), "{\"id\":%" PRIu64 "}", job); /* fits */
    (void)must(&c, MSG_JOB_CANCEL, body);
}

static void
each_attempt_has_one_outcome_and_leaves_nothing(void **state)
{
    size_t    n = times();
    uint64_t *jobs = calloc(SORTS * n, sizeof(*jobs));

    (void)state;
    assert_non_null(jobs);
    int64_t before_kb = anonymous_kb();
    for (size_t i = 0; i < n; i++) {
        for (size_t s = 0; s < SORTS; s++)
            jobs[s * n + i] = submit(&miseries[s]);
        for (size_t s = 0; s < SORTS; s++) {
            if (miseries[s].is_cancelled) cancel(jobs[s * n + i], i + 1);
        }
    }
    for (size_t s = 0; s < SORTS; s++) {
        for (size_t i = 0; i < n; i++)
            judge(&miseries[s], jobs[s * n + i]);
    }
    nothing_is_left();
    every_slot_is_back();
    int64_t grown_kb = anonymous_kb() - before_kb;
    /* What a sanitizer keeps of freed memory says nothing about agentd. */
    if (!IS_SANITIZED && grown_kb > GROWTH_KB)
        daemon_fail(&d, "agentd grew by %" PRId64 " KiB", grown_kb);
    free(jobs);
}

/* ---- workers --------------------------------------------------------------------------------- */

/* The worker that runs the job is stopped past its time-out; what it says afterwards is late. */
static void
a_frozen_worker_is_replaced_and_says_nothing_more(void **state)
{
    uint64_t job = must_submit(&c, "{\"handler\":\"sleep\",\"payload\":{\"ms\":1500}}");

    (void)state;
    expect_job(&c, job, "state", "\"running\"");
    (void)must(&c, MSG_WORKER_LIST, "{}");
    int   at = strcmp(value_at(&c, "items.0.running"), "1") == 0 ? 0 : 1;
    pid_t worker = (pid_t)number_at(&c, at == 0 ? "items.0.pid" : "items.1.pid");
    assert_int_equal(kill(worker, SIGSTOP), 0);
    expect_job(&c, job, "crashes", "1");
    (void)kill(worker, SIGCONT); /* it is dead: agentd killed what was silent */
    expect_job(&c, job, "state", "\"completed\"");
    assert_int_equal(number_at(&c, "attempt"), 2);
    assert_string_equal(value_at(&c, "attempts.0.class"), "\"worker_lost\"");
    expect_workers();
    nothing_is_left();
    every_slot_is_back();
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)
    const struct CMUnitTest tests[] = {
        TEST(each_attempt_has_one_outcome_and_leaves_nothing),
        TEST(a_frozen_worker_is_replaced_and_says_nothing_more),
    };

    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
