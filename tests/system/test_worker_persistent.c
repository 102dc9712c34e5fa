/* Processes that are kept for many jobs (G4): one line in and lines out for each, replaced when
 * they crash, hang or have served their number. */
#include "common/mp.h"
#include "tests/system/worker_case.h"
#include <signal.h>
#include <stdio.h>

/* Answers each line with its own pid and how many lines it has read. */
#define SERVE                                    \
    "n=0; while read -r line; do n=$((n + 1)); " \
    "echo \"{\\\"type\\\":\\\"result\\\",\\\"output\\\":[$$, $n]}\"; done; echo end > ended"

static uint64_t
give(const char *script, const char *handler, uint64_t slot)
{
    return fake_job(&f,
                    &(struct fake_job){
                        .kind = "persistent", .script = script, .handler = handler, .slot = slot});
}

/* The two numbers of the output. */
static void
expect_served(uint64_t token, long *pid, long *count)
{
    const struct msg_ended *m = fake_end(&f, token);
    struct list_iter        it = list_iter_of(m->output);
    struct view             item;
    int64_t                 numbers[2] = {0};

    if (!view_is(m->verdict, "completed")) fail_msg("%.*s", VIEW_ARG(m->message));
    for (size_t i = 0; i < 2 && list_next(&it, &item); i++) {
        struct mp_reader r = mp_reader_of(item);

        assert_true(mp_read_i64(&r, &numbers[i]));
    }
    *pid = (long)numbers[0];
    *count = (long)numbers[1];
}

static void
one_process_serves_job_after_job(void **state)
{
    long first, pid, count;

    (void)state;
    expect_served(give(SERVE, NULL, 0), &first, &count);
    assert_int_equal(count, 1);
    for (long i = 2; i <= 50; i++) {
        expect_served(give(SERVE, NULL, (uint64_t)i % FAKE_SLOTS), &pid, &count);
        assert_int_equal(pid, first);
        assert_int_equal(count, i);
    }
}

static void
a_line_has_the_document_the_payload_and_the_key(void **state)
{
    (void)state;
    uint64_t t =
        fake_job(&f, &(struct fake_job){.kind = "persistent",
                                        .document = "{\"id\": 5}",
                                        .payload = "[1, \"a\\nb\"]",
                                        .script = "read -r line; echo \"$line\" > line; env > env; "
                                                  "echo '{\"type\":\"result\"}'; read -r line"});
    expect_completed(&f, t, NULL);
    FREE_AUTO char *line = fake_file(&f, "work/line");
    FREE_AUTO char *env = fake_file(&f, "work/env");
    assert_non_null(strstr(line, "\"id\":5"));
    assert_non_null(strstr(line, "\"idempotency_key\":\""));
    assert_non_null(strstr(line, "\"lease\":\""));
    assert_non_null(strstr(env, "AGENTD_LEASE="));
    assert_null(strstr(env, "AGENTD_JOB_ID"));
}

static void
jobs_at_once_have_processes_of_their_own(void **state)
{
    const char *script = "while read -r line; do while [ ! -e go ]; do sleep 0.01; done; "
                         "echo \"{\\\"type\\\":\\\"result\\\",\\\"output\\\":[$$, 1]}\"; done";
    char        path[128];
    long        a, b, again, count;

    (void)state;
    uint64_t t1 = give(script, NULL, 0), t2 = give(script, NULL, 1);
    (void)snprintf(path, sizeof(path), "%s/work/go", f.folder);
    FILE *go = fopen(path, "we");
    assert_non_null(go);
    assert_int_equal(fclose(go), 0);
    uint64_t t = 0;
    fake_expect(&f, MSG_ENDED, 0);
    t = f.m.ended.token;
    assert_true(t == t1 || t == t2);
    struct list_iter it = list_iter_of(f.m.ended.output);
    struct view      item;
    int64_t          number = 0;
    assert_true(list_next(&it, &item));
    struct mp_reader r = mp_reader_of(item);
    assert_true(mp_read_i64(&r, &number));
    a = (long)number;
    expect_served(t == t1 ? t2 : t1, &b, &count);
    assert_int_not_equal(a, b);
    expect_served(give(script, NULL, 2), &again, &count);
    assert_true(again == a || again == b);
}

static void
a_process_ends_after_its_number_of_jobs(void **state)
{
    long pids[4], count;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        expect_served(give(SERVE, "{\"jobs_max\": 2}", 0), &pids[i], &count);
    assert_int_equal(pids[0], pids[1]);
    assert_int_equal(pids[2], pids[3]);
    assert_int_not_equal(pids[1], pids[2]);
    free(fake_file(&f, "work/ended")); /* its input was closed */
}

static void
one_that_ends_without_a_verdict_has_failed_and_is_replaced(void **state)
{
    long pid, count;

    (void)state;
    expect_failed(&f, give("read -r line; exit 0", NULL, 0), "handler_error",
                  "exit code 0 without a verdict");
    expect_failed(&f, give("read -r line; exit 75", NULL, 0), "handler_error", "exit code 75");
    expect_failed(&f, give("read -r line; kill -9 $$", NULL, 0), "handler_error", "signal 9");
    expect_failed(&f, give("exec 0<&-; sleep 1; exit 3", NULL, 0), "handler_error", "");
    expect_served(give(SERVE, NULL, 0), &pid, &count);
}

/* Waits for its next line and goes, without having read of it.  Those behind it stay. */
#define LEAVE                                                        \
    "if [ -e left ]; then " SERVE "; exit; fi; "                     \
    "read -r line; echo '{\"type\":\"result\",\"output\":[1, 0]}'; " \
    "python3 -c 'import select; select.select([0], [], [])'; echo > left; "

static void
one_that_leaves_before_it_has_read_its_job_takes_it_not_along(void **state)
{
    long pid, count;

    (void)state;
    expect_served(give(LEAVE "exit 0", NULL, 0), &pid, &count);
    expect_served(give(LEAVE "exit 0", NULL, 0), &pid, &count);
    assert_int_equal(count, 1);
}

static void
nor_does_one_that_is_killed(void **state)
{
    long pid, count;

    (void)state;
    expect_served(give(LEAVE "kill -9 $$", NULL, 0), &pid, &count);
    expect_served(give(LEAVE "kill -9 $$", NULL, 0), &pid, &count);
    assert_int_equal(count, 1);
}

static void
nor_one_that_has_closed_its_input(void **state)
{
    const char *script = "if [ -e closed ]; then " SERVE "; exit; fi; read -r line; exec 0<&-; "
                         "echo '{\"type\":\"result\",\"output\":[1, 0]}'; echo > closed; "
                         "while :; do sleep 0.01; done";
    long        pid, count;

    (void)state;
    expect_served(give(script, NULL, 0), &pid, &count);
    free(fake_file(&f, "work/closed"));
    expect_served(give(script, NULL, 0), &pid, &count);
    assert_int_equal(count, 1);
}

/* It may have done what the job is about. */
static void
one_that_has_read_of_its_job_fails_with_it(void **state)
{
    const char *script = "read -r line; echo '{\"type\":\"result\",\"output\":[1, 0]}'; "
                         "head -c 1 > /dev/null; exit 0";
    long        pid, count;

    (void)state;
    expect_served(give(script, NULL, 0), &pid, &count);
    expect_failed(&f, give(script, NULL, 0), "handler_error", "exit code 0 without a verdict");
}

static void
a_new_one_that_leaves_its_job_unread_is_not_replaced(void **state)
{
    (void)state;
    expect_failed(&f, give("exit 3", NULL, 0), "handler_error", "exit code 3");
}

static void
fail_and_snooze_leave_the_process_as_it_is(void **state)
{
    const char *script =
        "n=0; while read -r line; do n=$((n + 1)); case $n in "
        "1) echo no luck >&2; echo '{\"type\":\"fail\",\"class\":\"tool_failed\"}';; "
        "2) echo '{\"type\":\"snooze\",\"ms\":5000}';; "
        "*) echo \"{\\\"type\\\":\\\"result\\\",\\\"output\\\":[$$, $n]}\";; esac; done";
    long pid, count;

    (void)state;
    uint64_t t = give(script, NULL, 0);
    expect_failed(&f, t, "tool_failed", "no luck");
    FREE_AUTO char *log = fake_log(&f, t);
    assert_non_null(strstr(log, " err no luck"));
    expect_snoozed(&f, give(script, NULL, 0), 5000);
    expect_served(give(script, NULL, 0), &pid, &count);
    assert_int_equal(count, 3);
}

static void
one_that_hangs_is_stopped_with_its_job(void **state)
{
    const char *script = "while read -r line; do echo > hangs; sleep 1000; done";
    long        pid, count;

    (void)state;
    uint64_t t = give(script, NULL, 0);
    free(fake_file(&f, "work/hangs"));
    fake_stop_job(&f, 0, t, 10);
    expect_failed(&f, t, "handler_error", "stopped on request");
    expect_served(give(SERVE, NULL, 0), &pid, &count);
    assert_int_equal(count, 1);
}

static void
invalid_output_costs_it_its_life(void **state)
{
    long pid, count;

    (void)state;
    expect_failed(
        &f,
        give("while read -r line; do echo '{\"type\":\"usage\",\"input_tokens\":-1}'; done", NULL,
             0),
        "invalid_output", "input_tokens");
    expect_served(give(SERVE, NULL, 0), &pid, &count);
    assert_int_equal(count, 1);
}

static void
one_that_speaks_without_a_job_is_stopped(void **state)
{
    const char *script = "trap 'echo term > spoke; exit' TERM; read -r line; "
                         "echo '{\"type\":\"result\",\"output\":[1, 1]}'; echo text is nothing; "
                         "echo '{\"type\":\"result\"}'; read -r line; while :; do sleep 0.01; done";
    long        pid, count;

    (void)state;
    expect_served(give(script, NULL, 0), &pid, &count);
    free(fake_file(&f, "work/spoke"));
    expect_served(give(SERVE, NULL, 0), &pid, &count);
    assert_int_equal(count, 1);
}

static void
another_declaration_has_processes_of_its_own(void **state)
{
    long first, pid, count;

    (void)state;
    expect_served(give(SERVE, NULL, 0), &first, &count);
    expect_served(give(SERVE, "{\"set_env\": {\"A\": \"b\"}}", 0), &pid, &count);
    assert_int_not_equal(pid, first);
    free(fake_file(&f, "work/ended")); /* of the first: nothing needs it any more */
}

static void
a_long_line_and_a_slow_reader_hold_up_nobody(void **state)
{
    const size_t    size = 900000;
    FREE_AUTO char *text = xmalloc(size + 3);
    long            pid, count;

    (void)state;
    memset(text, 'x', size + 2);
    text[0] = text[size + 1] = '"';
    text[size + 2] = '\0';
    uint64_t t = fake_job(
        &f, &(struct fake_job){.kind = "persistent",
                               .payload = text,
                               .script = "while [ ! -e read ]; do sleep 0.01; done; read -r line; "
                                         "echo \"{\\\"type\\\":\\\"result\\\",\\\"output\\\":"
                                         "[${#line}, 1]}\"; read -r line"});
    expect_served(give(SERVE, NULL, 1), &pid, &count);
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/work/read", f.folder);
    FILE *go = fopen(path, "we");
    assert_non_null(go);
    assert_int_equal(fclose(go), 0);
    expect_served(t, &pid, &count);
    assert_true(pid > (long)size);
}

static void
a_gate_runs_before_each_job(void **state)
{
    const char *gate = "echo asked >> asked";
    long        first, pid, count;

    (void)state;
    for (int i = 0; i < 2; i++) {
        uint64_t t =
            fake_job(&f, &(struct fake_job){.kind = "persistent", .script = SERVE, .gate = gate});
        expect_served(t, i == 0 ? &first : &pid, &count);
    }
    assert_int_equal(pid, first);
    assert_int_equal(count, 2);
    uint64_t t =
        fake_job(&f, &(struct fake_job){.kind = "persistent", .script = SERVE, .gate = "exit 1"});
    assert_true(fake_end(&f, t)->gated);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
        TEST(one_process_serves_job_after_job),
        TEST(a_line_has_the_document_the_payload_and_the_key),
        TEST(jobs_at_once_have_processes_of_their_own),
        TEST(a_process_ends_after_its_number_of_jobs),
        TEST(one_that_ends_without_a_verdict_has_failed_and_is_replaced),
        TEST(one_that_leaves_before_it_has_read_its_job_takes_it_not_along),
        TEST(nor_does_one_that_is_killed),
        TEST(nor_one_that_has_closed_its_input),
        TEST(one_that_has_read_of_its_job_fails_with_it),
        TEST(a_new_one_that_leaves_its_job_unread_is_not_replaced),
        TEST(fail_and_snooze_leave_the_process_as_it_is),
        TEST(one_that_hangs_is_stopped_with_its_job),
        TEST(invalid_output_costs_it_its_life),
        TEST(one_that_speaks_without_a_job_is_stopped),
        TEST(another_declaration_has_processes_of_its_own),
        TEST(a_long_line_and_a_slow_reader_hold_up_nobody),
        TEST(a_gate_runs_before_each_job),
#undef TEST
    };

    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
