/* What a handler's process is given, and how its whole tree ends. */
#include "common/clock.h"
#include "tests/system/worker_case.h"
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file has a number in it; waits for it. */
static pid_t
pid_in(const char *name)
{
    FREE_AUTO char *text = fake_file(&f, name);
    pid_t           pid = (pid_t)atoi(text);

    assert_true(pid > 1);
    return pid;
}

static bool
is_there(pid_t pid)
{
    return kill(pid, 0) == 0;
}

/* The state letter of proc(5) behind the name in parentheses is T. */
static bool
is_stopped(pid_t pid)
{
    FREE_AUTO char *path = xasprintf("/proc/%d/stat", (int)pid);
    char            line[256] = "";
    FILE           *in = fopen(path, "r");

    assert_non_null(in);
    (void)!fgets(line, sizeof(line), in);
    assert_int_equal(fclose(in), 0);
    return strstr(line, ") T ") != NULL;
}

/* ---- what it is given ----------------------------------------------------------------------- */

/* As a handler, the test's own program prints its descriptors: those that it has, without the one
 * that it looks with. */
static int
print_descriptors(void)
{
    DIR           *dir = opendir("/proc/self/fd");
    struct dirent *entry;

    if (!dir) return 1;
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(dir)) puts(entry->d_name);
    }
    closedir(dir);
    return 0;
}

/* The text behind "out " of each of the log's lines, each with a newline; the caller frees. */
static char *
output_of(uint64_t token)
{
    FREE_AUTO char     *log = fake_log(&f, token);
    BUF_AUTO struct buf out = {0};

    for (char *line = strtok(log, "\n"); line; line = strtok(NULL, "\n")) {
        char *text = strstr(line, " out ");

        if (text) buf_printf(&out, "%s\n", text + strlen(" out "));
    }
    return view_dup(buf_view(&out));
}

static void
expect_output(uint64_t token, const char *wanted)
{
    expect_completed(&f, token, NULL);
    FREE_AUTO char *output = output_of(token);
    assert_string_equal(output, wanted);
}

static void
only_three_descriptors_are_there(void **state)
{
    char own[512] = "";

    (void)state;
    assert_true(readlink("/proc/self/exe", own, sizeof(own) - 1) > 0);
    const char *const command[] = {own, "--descriptors", NULL};
    expect_output(fake_job(&f, &(struct fake_job){.command = command}), "0\n1\n2\n");
}

static void
the_environment_is_the_allow_list(void **state)
{
    struct fake_job j = {
        .job = 12,
        .script = "env | grep -v '^PWD=' | sort",
        .handler = "{\"env\":[\"FAKE_PASSED\",\"FAKE_ABSENT\",\"AGENTD_SECRET\",\"ZSYS_X\"],"
                   "\"set_env\":{\"B\":\"set = b\",\"AGENTD_JOB_ID\":\"0\",\"LANG\":\"xx\"}}"};

    (void)state;
    uint64_t        t = fake_job(&f, &j);
    FREE_AUTO char *wanted = xasprintf(
        "AGENTD_ATTEMPT=1\nAGENTD_IDEMPOTENCY_KEY=77-12\nAGENTD_JOB_ID=12\nAGENTD_LEASE=77-%d\n"
        "B=set = b\nFAKE_PASSED=p\nHOME=/fake/home\nLANG=xx\nPATH=/usr/bin:/bin\n",
        (int)t);
    expect_completed(&f, t, NULL);
    FREE_AUTO char *output = output_of(12);
    assert_string_equal(output, wanted);
}

static void
signals_limits_and_mask_are_reset(void **state)
{
    struct fake_job j = {
        .script = "sed -n '/^Sig[BIC]/p; /^NoNewPrivs/p' /proc/self/status | tr -d '\\t'; umask; "
                  "ulimit -n; ulimit -c; ulimit -t; ulimit -v; cat /proc/self/oom_score_adj; "
                  "sed -n 's/^Max processes *\\([0-9]*\\).*/\\1/p' /proc/self/limits",
        .handler = "{\"files_max\":100,\"cpu_max_ms\":1500,\"memory_max\":1073741824,"
                   "\"processes_max\":4000}"};

    (void)state;
    expect_output(fake_job(&f, &j),
                  "SigBlk:0000000000000000\nSigIgn:0000000000000000\nSigCgt:0000000000000000\n"
                  "NoNewPrivs:1\n0077\n100\n0\n2\n1048576\n500\n4000\n");
    expect_output(fake_job(&f, &(struct fake_job){.script = "ulimit -n"}), "256\n");
}

static void
it_leads_its_own_group_in_the_work_folder(void **state)
{
    FREE_AUTO char *work = xasprintf("%s/work", f.folder);
    FREE_AUTO char *wanted = xasprintf("leader\n%s\n", work);
    struct stat     st;

    (void)state;
    expect_output(job("[ $(cut -d' ' -f5 /proc/$$/stat) = $$ ] && echo leader; pwd"), wanted);
    assert_int_equal(stat(work, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    expect_output(
        fake_job(&f, &(struct fake_job){.script = "pwd", .handler = "{\"cwd\":\"/usr\"}"}),
        "/usr\n");
}

static uint64_t
job_of(const char *handler, const char *script)
{
    return fake_job(&f, &(struct fake_job){.script = script, .handler = handler});
}

static void
a_handler_runs_as_its_user(void **state)
{
    static const char nobody[] = "{\"user\":\"nobody\"}";

    (void)state;
    if (geteuid() != 0) {
        expect_failed(&f, job_of("{\"user\":\"root\"}", "true"), "handler_error",
                      "does not run as root");
        return;
    }
    expect_output(job_of(nobody, "id -un; id -Gn; echo $HOME $USER $LOGNAME; pwd"),
                  "nobody\nnogroup\n/nonexistent nobody nobody\n/\n");
    expect_output(job_of(nobody, "grep CapEff /proc/self/status | tr -d '\\t'"),
                  "CapEff:0000000000000000\n");
    expect_output(job_of(nobody, "cat /dev/stdin > /dev/stdout; echo x > /dev/stderr"),
                  "{\"payload\":null}\n");
    expect_output(job_of("{\"user\":\"root\"}", "id -un; pwd | grep -o '/work$'"), "root\n/work\n");
}

static void
a_program_is_found_by_the_path_of_the_handler(void **state)
{
    const char *const command[] = {"mine", NULL};
    FREE_AUTO char   *folder = xasprintf("%s/bin", f.folder);
    FREE_AUTO char   *file = xasprintf("%s/mine", folder);
    FREE_AUTO char   *handler =
        xasprintf("{\"set_env\":{\"PATH\":\"relative::/nowhere:%s\"}}", folder);

    (void)state;
    assert_int_equal(mkdir(folder, 0700), 0);
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    (void)fputs("#!/bin/sh\necho mine\n", out);
    assert_int_equal(fchmod(fileno(out), 0700), 0);
    assert_int_equal(fclose(out), 0);
    expect_output(fake_job(&f, &(struct fake_job){.command = command, .handler = handler}),
                  "mine\n");
}

static void
evidence_stands_while_it_runs(void **state)
{
    const struct evidence_record *r = &f.evidence.leases[7];
    uint64_t                      t;

    (void)state;
    t = fake_job(&f, &(struct fake_job){.slot = 7, .script = "echo $$ > pid; sleep 1000"});
    pid_t pid = pid_in("work/pid");
    assert_int_equal(r->pid, pid);
    assert_int_equal(r->pgid, pid);
    assert_int_equal(r->token, t);
    assert_int_equal(r->worker, 3);
    assert_int_equal(r->incarnation, INCARNATION);
    assert_true(evidence_is_alive(r));
    fake_stop_job(&f, 7, t, 0);
    expect_failed(&f, t, "handler_error", "stopped");
    assert_int_equal(r->pid, 0);
}

/* ---- how it ends ---------------------------------------------------------------------------- */

/* An attempt that has ended has left no process: each of these leaves one that would sleep on. */
static void
nothing_of_the_tree_is_left_at_its_end(void **state)
{
    static const char *const scripts[] = {
        "sleep 1000 & echo $! > pid",
        "setsid sleep 1000 & echo $! > pid; wait_for() { while ! kill -0 $!; do :; done; }; "
        "wait_for",
        "(setsid sh -c 'echo $$ > pid; exec sleep 1000' &)",
        "(setsid sh -c '(setsid sh -c \"echo \\$\\$ > pid; exec sleep 1000\" &); sleep 1000' &)",
        "trap '' TERM HUP INT; (sh -c 'echo $$ > pid; exec sleep 1000' &)",
        "(env -i setsid sh -c 'echo $$ > pid; exec /bin/sleep 1000' &)",
        "(env -i setsid sh -c '(setsid sh -c \"echo \\$\\$ > pid; exec sleep 1000\" &); sleep "
        "1000' &)",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        FREE_AUTO char *folder = xasprintf("%s/%zu", f.folder, i);
        FREE_AUTO char *handler = xasprintf("{\"cwd\":\"%s\"}", folder);
        FREE_AUTO char *name = xasprintf("%zu/pid", i);
        FREE_AUTO char *script = xasprintf("%s\nwhile [ ! -s pid ]; do :; done", scripts[i]);

        assert_int_equal(mkdir(folder, 0700), 0);
        uint64_t t = fake_job(&f, &(struct fake_job){.script = script, .handler = handler});
        expect_completed(&f, t, NULL);
        if (is_there(pid_in(name))) fail_msg("left by: %s", scripts[i]);
    }
}

/* The stray of one lease must neither end with another nor outlive its own. */
static void
a_stray_belongs_to_its_own_lease(void **state)
{
    uint64_t a, b;

    (void)state;
    a = fake_job(&f, &(struct fake_job){.slot = 0,
                                        .script =
                                            "(setsid sh -c 'echo $$ > stray; exec sleep 1000' &); "
                                            "while [ ! -e go ]; do sleep 0.01; done"});
    pid_t stray = pid_in("work/stray");
    b = fake_job(&f, &(struct fake_job){.slot = 1, .script = "sleep 1000 & true"});
    expect_completed(&f, b, NULL);
    assert_true(is_there(stray));
    FREE_AUTO char *go = xasprintf("%s/work/go", f.folder);
    assert_int_equal(mkdir(go, 0700), 0);
    expect_completed(&f, a, NULL);
    assert_false(is_there(stray));
}

static void
a_stray_without_a_name_is_killed_beside_other_handlers(void **state)
{
    uint64_t a, b;

    (void)state;
    a = fake_job(&f, &(struct fake_job){.slot = 0, .script = "echo $$ > other; sleep 1000"});
    pid_t other = pid_in("work/other");
    b = fake_job(&f,
                 &(struct fake_job){
                     .slot = 1,
                     .script = "(env -i setsid sh -c 'echo $$ > stray; exec /bin/sleep 1000' &); "
                               "while [ ! -s stray ]; do :; done"});
    expect_completed(&f, b, NULL);
    assert_false(is_there(pid_in("work/stray")));
    assert_true(is_there(other));
    fake_stop_job(&f, 0, a, 0);
    expect_failed(&f, a, "handler_error", "stopped");
}

static void
a_stop_is_term_first(void **state)
{
    uint64_t t;

    (void)state;
    t = job("trap 'echo {\\\"type\\\":\\\"result\\\",\\\"output\\\":5}; exit 0' TERM; "
            "echo $$ > pid; while :; do sleep 0.01; done");
    (void)pid_in("work/pid");
    fake_stop_job(&f, 0, t, WAIT_MS);
    expect_completed(&f, t, "5");
}

static void
a_stop_reaches_a_handler_that_was_stopped_by_a_signal(void **state)
{
    uint64_t t;

    (void)state;
    t = job("trap 'exit 5' TERM; echo $$ > pid; kill -STOP $$");
    pid_t pid = pid_in("work/pid");
    for (int64_t end_ms = clock_now().boot_ms + WAIT_MS; !is_stopped(pid);)
        assert_true(clock_now().boot_ms < end_ms);
    fake_stop_job(&f, 0, t, 3600000);
    expect_failed(&f, t, "handler_error", "stopped on request");
    assert_int_equal(f.m.ended.exit_code, 5);
}

static void
a_stop_kills_what_ignores_term(void **state)
{
    uint64_t t;

    (void)state;
    t = job("trap '' TERM; sh -c 'echo $$ > pid; sleep 1000'; sleep 1000");
    pid_t pid = pid_in("work/pid");
    fake_stop_job(&f, 0, t, 50);
    expect_failed(&f, t, "handler_error", "stopped on request");
    assert_int_equal(f.m.ended.signal, SIGKILL);
    assert_false(is_there(pid));
}

/* The shell dies of TERM at once, its child needs a moment. */
static void
the_whole_group_has_the_grace(void **state)
{
    uint64_t t;

    (void)state;
    t = job("sh -c 'trap \"sleep 0.1; echo clean > end; exit 0\" TERM; echo $$ > pid; "
            "while :; do sleep 0.01; done'; :");
    pid_t pid = pid_in("work/pid");
    fake_stop_job(&f, 0, t, WAIT_MS);
    expect_failed(&f, t, "handler_error", "stopped on request");
    FREE_AUTO char *end = fake_file(&f, "work/end");
    assert_string_equal(end, "clean\n");
    assert_false(is_there(pid));
}

static void
a_second_stop_may_shorten_the_grace(void **state)
{
    uint64_t t;

    (void)state;
    t = job("trap '' TERM; echo $$ > pid; while :; do sleep 0.01; done");
    (void)pid_in("work/pid");
    fake_stop_job(&f, 0, t, 3600000);
    fake_stop_job(&f, 0, t, 0);
    expect_failed(&f, t, "handler_error", "stopped on request");
}

static void
the_cpu_limit_ends_it(void **state)
{
    (void)state;
    expect_failed(&f,
                  fake_job(&f, &(struct fake_job){.script = "while :; do :; done",
                                                  .handler = "{\"cpu_max_ms\":1000}"}),
                  "handler_error", "CPU time limit exceeded");
}

/* ---- how the worker ends -------------------------------------------------------------------- */

static const char *const wild = "trap '' TERM; (setsid sh -c '(env -i setsid sh -c \"exec "
                                "/bin/sleep 1000\" &); sleep 1000' &); "
                                "sh -c 'setsid sleep 1000; sleep 1000' & echo $$ > pid; sleep 1000";

static void
term_leaves_no_process(void **state)
{
    (void)state;
    fake_start(&f);
    for (uint64_t i = 0; i < 4; i++)
        (void)fake_job(&f, &(struct fake_job){.slot = i, .script = wild});
    (void)pid_in("work/pid");
    fake_stop(&f); /* and sees to it that nothing is left */
}

/* A process between the test and the worker, its supervisor, dies; we, a subreaper, inherit. */
static void
the_death_of_the_supervisor_leaves_no_process(void **state)
{
    int gate[2];

    (void)state;
    fake_open(&f);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, gate), 0);
    pid_t between = fork();
    assert_true(between >= 0);
    if (between == 0) {
        char byte;

        if (fake_exec_worker(&f) < 0) _exit(1);
        _exit(read(gate[1], &byte, 1) == 1 ? 0 : 1);
    }
    fake_take_hello(&f);
    f.pid = (pid_t)f.m.hello.pid;
    (void)fake_job(&f, &(struct fake_job){.script = wild});
    (void)pid_in("work/pid");
    assert_int_equal(write(gate[0], "x", 1), 1);
    close(gate[0]);
    close(gate[1]);
    fake_expect_child_exit(between, 0);
    fake_expect_exit(&f, 0);
}

/* agentd has died before the worker could ask to be told of it. */
static void
a_worker_of_another_parent_does_not_start(void **state)
{
    (void)state;
    fake_open(&f);
    pid_t between = fork();
    assert_true(between >= 0);
    if (between == 0) fake_become_worker(&f, getpid()); /* who is not its own parent */
    f.pid = between;
    fake_expect_exit(&f, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(only_three_descriptors_are_there),
        TEST(the_environment_is_the_allow_list),
        TEST(signals_limits_and_mask_are_reset),
        TEST(it_leads_its_own_group_in_the_work_folder),
        TEST(a_handler_runs_as_its_user),
        TEST(a_program_is_found_by_the_path_of_the_handler),
        TEST(evidence_stands_while_it_runs),
        TEST(nothing_of_the_tree_is_left_at_its_end),
        TEST(a_stray_belongs_to_its_own_lease),
        TEST(a_stray_without_a_name_is_killed_beside_other_handlers),
        TEST(a_stop_is_term_first),
        TEST(a_stop_reaches_a_handler_that_was_stopped_by_a_signal),
        TEST(a_stop_kills_what_ignores_term),
        TEST(the_whole_group_has_the_grace),
        TEST(a_second_stop_may_shorten_the_grace),
        TEST(the_cpu_limit_ends_it),
        cmocka_unit_test(term_leaves_no_process),
        cmocka_unit_test(the_death_of_the_supervisor_leaves_no_process),
        cmocka_unit_test(a_worker_of_another_parent_does_not_start),
    };

    if (argc == 2 && strcmp(argv[1], "--descriptors") == 0) return print_descriptors();
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return 1;
    /* What the worker inherits, and a handler may or may not have of it. */
    (void)clearenv();
    (void)setenv("PATH", "/usr/bin:/bin", 1);
    (void)setenv("HOME", "/fake/home", 1);
    (void)setenv("FAKE_PASSED", "p", 1);
    (void)setenv("FAKE_WITHHELD", "canary", 1);
    (void)setenv("AGENTD_SECRET", "canary", 1);
    (void)setenv("NOTIFY_SOCKET", "canary", 1);
    (void)setenv("ZSYS_X", "canary", 1);
    /* The signals of a shell's background job: ignored, and so inherited. */
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
