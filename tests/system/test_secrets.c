/* What a handler is given of the daemon, and where a secret must never stand: descriptors,
 * environment, signals and limits; canaries in logs, feed and answers. */
#include "common/proc.h"
#include "tests/system/marks.h"
#include <dirent.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define IN_OWN_ENVIRONMENT "canary-of-agentd-5c1f" /* never let through */
#define IN_SET_ENV         "canary-of-handler-77aa"
#define IN_PAYLOAD         "canary-of-payload-90b2"
#define IN_OUTPUT          "canary-of-output-e413"

static struct daemon d;
static struct client c;
static int           gate;
static unsigned      standard;   /* which of 0, 1, 2 were seen */
static char          stray[256]; /* a descriptor that should not be there */

static void
write_config(void)
{
    BUF_AUTO struct buf yaml = {0};

    buf_printf(&yaml,
               "workers: {count: 1}\n"
               "log: {level: debug}\n"
               "handlers:\n"
               "  keeper:\n"
               "    kind: exec\n"
               "    command: [/bin/sh, %s/keeper]\n"
               "    env: [LANG, AGENTD_CANARY]\n"
               "    set_env: {DIR: %s, TOKEN: " IN_SET_ENV "}\n"
               "    max_attempts: 1\n"
               "  sleeper:\n"
               "    kind: exec\n"
               "    command: [/bin/sh, -c, \"echo $$ >>$DIR/mark; exec sleep 3600\"]\n"
               "    set_env: {DIR: %s}\n",
               d.folder, d.folder, d.folder);
    daemon_write_config(&d, buf_str(&yaml));
}

static int
make(void **state)
{
    (void)state;
    daemon_make(&d);
    assert_int_equal(setenv("SECRET", IN_OWN_ENVIRONMENT, 1), 0);
    assert_int_equal(setenv("AGENTD_CANARY", IN_OWN_ENVIRONMENT, 1), 0);
    assert_int_equal(setenv("LANG", "C.UTF-8", 1), 0);
    script_write(&d, "keeper",
                 "echo $$ >>$DIR/mark\nread x <$DIR/gate\n"
                 "echo '{\"type\":\"result\",\"output\":\"" IN_OUTPUT "\"}'");
    gate = gate_make(&d, "gate");
    write_config();
    daemon_start(&d, NULL);
    client_open(&c, &d);
    return 0;
}

static int
clear(void **state)
{
    (void)state;
    client_close(&c);
    if (d.pid) daemon_stop(&d);
    (void)close(gate);
    daemon_remove(&d);
    return 0;
}

static uint64_t
submit(pid_t *handler)
{
    BUF_AUTO struct buf text = {0};
    uint64_t            job =
        must_submit(&c, "{\"handler\":\"keeper\",\"payload\":{\"key\":\"" IN_PAYLOAD "\"}}");

    (void)marks_wait(&d, "mark", 1, &text);
    *handler = (pid_t)marks_number(&d, "mark", 0);
    return job;
}

/* ---- what a process has ---------------------------------------------------------------------- */

static void
read_proc(pid_t pid, const char *name, struct buf *text)
{
    char   path[64], piece[4096];
    size_t n;

    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name); /* fits */
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while ((n = fread(piece, 1, sizeof(piece), file)) > 0)
        buf_add(text, piece, n);
    assert_int_equal(fclose(file), 0);
    (void)buf_str(text);
}

/* Calls look for each descriptor of the process. */
static void
each_descriptor(pid_t pid, void (*look)(int fd, const char *target))
{
    char           path[64], link[128], target[256];
    struct dirent *entry;

    (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid); /* fits */
    DIR *dir = opendir(path);
    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.') continue;
        (void)snprintf(link, sizeof(link), "%s/%.16s", path, entry->d_name); /* fits */
        ssize_t n = readlink(link, target, sizeof(target) - 1);
        if (n < 0) continue; /* closed meanwhile */
        target[n] = '\0';
        look((int)strtol(entry->d_name, NULL, 10), target);
    }
    assert_int_equal(closedir(dir), 0);
}

/* The input as a file of its own in memory, and the two streams. */
static void
is_standard(int fd, const char *target)
{
    static const char *const wanted[] = {"/memfd:agentd-input", "pipe:", "pipe:"};

    if (fd > 2 || strncmp(target, wanted[fd], strlen(wanted[fd])) != 0) {
        (void)snprintf(stray, sizeof(stray), "%d: %.200s", fd, target); /* fits */
    } else {
        standard |= 1u << fd;
    }
}

/* The store, the locks and the log's end are agentd's own. */
static void
is_of_a_worker(int fd, const char *target)
{
    if (strstr(target, d.state) || strstr(target, ".pid") || strstr(target, ".lock")) {
        daemon_fail(&d, "a worker has descriptor %d: %s", fd, target);
    }
}

/* What a program opens while it starts it closes again; what it inherited stays. */
static bool
has_only_the_three(void *arg)
{
    stray[0] = '\0';
    standard = 0;
    each_descriptor(*(pid_t *)arg, is_standard);
    return standard == 7 && stray[0] == '\0';
}

static void
descriptors_are_not_inherited(void **state)
{
    BUF_AUTO struct buf text = {0};
    uint64_t            job = must_submit(&c, "{\"handler\":\"sleeper\"}");
    char                body[64];

    (void)state;
    (void)marks_wait(&d, "mark", 1, &text);
    pid_t handler = (pid_t)marks_number(&d, "mark", 0);
    daemon_wait_until(&d, "the handler has its three descriptors only", has_only_the_three,
                      &handler);
    each_descriptor(proc_parent(handler), is_of_a_worker);
    (void)snprintf(body, sizeof(body), "{\"id\":%" PRIu64 "}", job); /* fits */
    (void)must(&c, MSG_JOB_CANCEL, body);
    expect_job(&c, job, "state", "\"cancelled\"");
}

/* ---- environment ----------------------------------------------------------- */

static void
the_environment_is_the_list_and_no_more(void **state)
{
    static const char *const allowed[] = {
        "PATH=",        "HOME=",          "LANG=",           "LC_ALL=",
        "TZ=",          "USER=",          "LOGNAME=",        "DIR=",
        "TOKEN=",       "AGENTD_JOB_ID=", "AGENTD_ATTEMPT=", "AGENTD_IDEMPOTENCY_KEY=",
        "AGENTD_LEASE="};
    BUF_AUTO struct buf text = {0};
    pid_t               handler;
    char                value[64];

    (void)state;
    (void)submit(&handler);
    read_proc(handler, "environ", &text);
    assert_null(memmem(text.data, text.size, IN_OWN_ENVIRONMENT, strlen(IN_OWN_ENVIRONMENT)));
    for (size_t at = 0; at < text.size; at += strlen(text.data + at) + 1) {
        bool is_allowed = false;

        for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
            is_allowed |= strncmp(text.data + at, allowed[i], strlen(allowed[i])) == 0;
        if (!is_allowed) daemon_fail(&d, "the handler has %s", text.data + at);
    }
    assert_true(proc_environ(handler, "LANG", value, sizeof(value)));
    assert_string_equal(value, "C.UTF-8");
    assert_true(proc_environ(handler, "TOKEN", value, sizeof(value)));
    assert_string_equal(value, IN_SET_ENV);
    gate_pass(gate, 1);
}

/* ---- signals, limits, rights ----------------------------------------------- */

static void
must_have_line(const struct buf *text, const char *line)
{
    if (!strstr(text->data, line)) daemon_fail(&d, "no \"%s\" in:\n%s", line, text->data);
}

static void
signals_limits_and_rights_are_those_of_a_new_process(void **state)
{
    BUF_AUTO struct buf status = {0}, limits = {0};
    pid_t               handler;

    (void)state;
    (void)submit(&handler);
    read_proc(handler, "status", &status);
    must_have_line(&status, "SigBlk:\t0000000000000000\n");
    must_have_line(&status, "SigIgn:\t0000000000000000\n");
    must_have_line(&status, "NoNewPrivs:\t1\n");
    must_have_line(&status, "Umask:\t0077\n");
    read_proc(handler, "limits", &limits);
    must_have_line(&limits, "Max core file size        0                    0 ");
    gate_pass(gate, 1);
}

/* ---- canaries -------------------------------------------------------------- */

static void
is_clean(const char *where, struct view text, const char *canary)
{
    if (memmem(text.data, text.size, canary, strlen(canary))) {
        daemon_fail(&d, "%s stands in %s", canary, where);
    }
}

static void
is_clean_of_all(const char *where, struct view text)
{
    is_clean(where, text, IN_OWN_ENVIRONMENT);
    is_clean(where, text, IN_SET_ENV);
    is_clean(where, text, IN_PAYLOAD);
    is_clean(where, text, IN_OUTPUT);
}

static void
file_is_clean(const char *path)
{
    BUF_AUTO struct buf text = {0};
    char                piece[4096];
    size_t              n;
    FILE               *file = fopen(path, "re");

    assert_non_null(file);
    while ((n = fread(piece, 1, sizeof(piece), file)) > 0)
        buf_add(&text, piece, n);
    assert_int_equal(fclose(file), 0);
    assert_true(text.size > 0);
    is_clean_of_all(path, buf_view(&text));
}

/* From its first event on. */
static void
feed_is_clean(void)
{
    char cursor[80];

    (void)must(&c, MSG_FEED_READ, "{}");
    (void)snprintf(cursor, sizeof(cursor), "{\"since\":\"%.16s-0\",\"limit\":1000}",
                   value_at(&c, "next") + 1); /* behind the quote */
    const char *feed = must(&c, MSG_FEED_READ, cursor);
    assert_non_null(strstr(feed, "job.completed"));
    is_clean_of_all("the feed", view_str(feed));
}

static void
answers_are_clean(void)
{
    static const struct {
        enum msg_id op;
        const char *body;
    } answers[] = {
        {MSG_STATUS,        "{}"                },
        {MSG_HANDLER_LIST,  "{}"                },
        {MSG_WORKER_LIST,   "{}"                },
        {MSG_JOB_LIST,      "{}"                },
        {MSG_JOB_STATS,     "{}"                },
        {MSG_RELOAD,        "{\"dry_run\":true}"},
        {MSG_SCHEDULE_LIST, "{}"                },
    };

    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        const char *text = must(&c, answers[i].op, answers[i].body);

        is_clean_of_all(msg_desc(answers[i].op)->op, view_str(text));
    }
}

static void
command_lines_are_clean(pid_t handler)
{
    const pid_t pids[] = {d.pid, proc_parent(handler), handler};

    for (size_t i = 0; i < sizeof(pids) / sizeof(pids[0]); i++) {
        BUF_AUTO struct buf text = {0};

        read_proc(pids[i], "cmdline", &text);
        is_clean_of_all("a command line", buf_view(&text));
    }
}

/* A payload and an output are shown to those who ask for the job, nowhere else. */
static void
secrets_stand_nowhere(void **state)
{
    char     body[64], log[128];
    pid_t    handler;
    uint64_t job = submit(&handler);

    (void)state;
    command_lines_are_clean(handler);
    daemon_signal(&d, SIGUSR1); /* the dump goes into the log */
    gate_pass(gate, 1);
    expect_job(&c, job, "state", "\"completed\"");
    assert_string_equal(value_at(&c, "output"), "\"" IN_OUTPUT "\"");
    feed_is_clean();
    answers_are_clean();
    (void)snprintf(body, sizeof(body), "{\"id\":%" PRIu64 "}", job); /* fits */
    is_clean("job.show", view_str(must(&c, MSG_JOB_SHOW, body)), IN_SET_ENV);
    daemon_expect_log(&d, "msg=\"state dump\"");
    (void)snprintf(log, sizeof(log), "%s", d.log); /* fits */
    file_is_clean(log);
}

/* What holds secrets is closed to others. */
static void
folders_and_files_are_our_own(void **state)
{
    static const struct {
        const char *path;
        mode_t      closed;
    } wanted[] = {
        {"state",           0077},
        {"state/logs",      0077},
        {"state/work",      0077},
        {"state/data.mdb",  0077},
        {"run",             0027},
        {"run/evidence",    0077},
        {"run/agentd.sock", 0007},
        {"run/feed.sock",   0007},
    };
    struct stat st;
    char        path[128];
    pid_t       handler;

    (void)state;
    (void)submit(&handler);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", d.folder, wanted[i].path); /* fits */
        assert_int_equal(stat(path, &st), 0);
        if (st.st_mode & wanted[i].closed) {
            daemon_fail(&d, "%s has mode %03o", path, (unsigned)(st.st_mode & 0777));
        }
    }
    gate_pass(gate, 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)
    const struct CMUnitTest tests[] = {
        TEST(descriptors_are_not_inherited),
        TEST(the_environment_is_the_list_and_no_more),
        TEST(signals_limits_and_rights_are_those_of_a_new_process),
        TEST(secrets_stand_nowhere),
        TEST(folders_and_files_are_our_own),
    };

    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
