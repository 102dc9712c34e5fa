/* The command that is asked before a handler: what its exit makes of the attempt, and that it is
 * held like the handler itself (C5). */
#include "tests/system/worker_case.h"

#define RAN "echo {\\\"type\\\":\\\"result\\\",\\\"output\\\":1}"

static uint64_t
gated(const char *gate)
{
    return fake_job(&f, &(struct fake_job){.gate = gate, .script = "touch ran; " RAN});
}

static void
expect_nothing_to_do(uint64_t token, const char *why)
{
    const struct msg_ended *m = fake_end(&f, token);

    assert_true(view_is(m->verdict, "completed") && m->gated);
    if (!view_is(m->message, why)) fail_msg("%.*s", VIEW_ARG(m->message));
    assert_false(HAS(m, ended, output) || HAS(m, ended, effects) || HAS(m, ended, checkpoint));
}

static void
exit_0_starts_the_handler_in_the_same_attempt(void **state)
{
    uint64_t t;

    (void)state;
    t = gated("echo there is mail; echo '{\"type\":\"fail\"}'; echo bad >&2");
    expect_completed(&f, t, "1");
    assert_false(f.m.ended.gated);
    FREE_AUTO char *log = fake_log(&f, t);
    assert_non_null(strstr(log, " gate there is mail"));
    assert_non_null(strstr(log, " gate {\"type\":\"fail\"}")); /* no verdict of the handler */
    assert_non_null(strstr(log, " gate bad"));
}

static void
what_a_gate_said_is_no_failure_of_the_handler(void **state)
{
    (void)state;
    uint64_t t =
        fake_job(&f, &(struct fake_job){.gate = "echo rate limit >&2", .script = "exit 3"});

    expect_failed(&f, t, "handler_error", "exit code 3");
}

static void
exits_from_1_to_254_say_that_there_is_nothing_to_do(void **state)
{
    (void)state;
    expect_nothing_to_do(gated("exit 1"), "exit code 1");
    expect_nothing_to_do(gated("exit 254"), "exit code 254");
    expect_nothing_to_do(gated("echo first; echo '  no mail '; echo; exit 75"), "no mail");
    expect_nothing_to_do(gated("echo no mail either >&2; exit 1"), "no mail either");
    expect_completed(&f, fake_job(&f, &(struct fake_job){.script = "ls ran 2>&-; " RAN}), "1");
    FREE_AUTO char *log = fake_log(&f, f.token);
    assert_null(strstr(log, "ran")); /* the handler never was */
}

static void
exit_255_and_signals_fail_the_attempt(void **state)
{
    (void)state;
    expect_failed(&f, gated("exit 255"), "handler_error", "the gate failed: exit code 255");
    expect_failed(&f, gated("echo no route >&2; exit 255"), "handler_error",
                  "the gate failed: exit code 255: no route");
    expect_failed(&f, gated("kill -9 $$"), "handler_error", "the gate failed: killed by signal 9");
}

static void
a_program_that_is_not_there_fails_the_attempt(void **state)
{
    (void)state;
    uint64_t t = fake_job(
        &f, &(struct fake_job){
                .gate_command = (const char *const[]){"/no/such/program", NULL},
                    .script = RAN
    });
    expect_failed(&f, t, "handler_error", "the gate: cannot start /no/such/program");
    t = fake_job(&f, &(struct fake_job){.gate = "exit 0", .kind = "noop"});
    expect_failed(&f, t, "handler_error", "needs a handler that is a command");
}

static void
a_gate_is_given_what_the_handler_is_given(void **state)
{
    uint64_t t;

    (void)state;
    t = fake_job(&f, &(struct fake_job){
                         .gate = "cat > asked; pwd >> asked; env | sort >> asked",
                         .script = "cat > given; pwd >> given; env | sort >> given; "
                                   "cmp asked given || exit 9; " RAN,
                         .handler = "{\"set_env\": {\"A\": \"b\"}}",
                         .document = "{\"id\": 5}",
                         .payload = "[1, 2]",
                     });
    expect_completed(&f, t, "1");
}

static void
a_gate_that_hangs_is_stopped_and_the_handler_does_not_start(void **state)
{
    uint64_t t;

    (void)state;
    t = gated("trap 'exit 0' TERM; echo $$ > asking; while :; do sleep 0.01; done");
    free(fake_file(&f, "work/asking"));
    fake_stop_job(&f, 0, t, WAIT_MS);
    expect_failed(&f, t, "handler_error", "stopped on request");
    t = gated("trap '' TERM; echo $$ > deaf; while :; do sleep 0.01; done");
    free(fake_file(&f, "work/deaf"));
    fake_stop_job(&f, 0, t, 10);
    expect_failed(&f, t, "handler_error", "stopped on request");
}

static void
a_handler_behind_a_gate_is_stopped_like_any(void **state)
{
    uint64_t t;

    (void)state;
    t = fake_job(
        &f, &(struct fake_job){.gate = "exit 0", .script = "echo $$ > running; exec sleep 600"});
    free(fake_file(&f, "work/running"));
    fake_stop_job(&f, 0, t, WAIT_MS);
    expect_failed(&f, t, "handler_error", "stopped on request");
}

static void
nothing_of_a_gates_tree_is_left_when_the_handler_starts(void **state)
{
    (void)state;
    uint64_t t =
        fake_job(&f, &(struct fake_job){.gate = "setsid sleep 600 & echo $! > child",
                                        .script = "kill -0 $(cat child) 2>&- && exit 9; " RAN});

    expect_completed(&f, t, "1");
}

static void
a_flood_from_a_gate_is_cut_in_the_log(void **state)
{
    uint64_t t;

    (void)state;
    t = fake_job(&f, &(struct fake_job){
                         .gate = "head -c 20000000 /dev/zero | tr '\\0' x; echo; "
                                 "i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo line $i; done",
                         .script = RAN,
                         .handler = "{\"log_max\": 100000}"});
    expect_completed(&f, t, "1");
    FREE_AUTO char *log = fake_log(&f, t);
    assert_true(strlen(log) < 300000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(exit_0_starts_the_handler_in_the_same_attempt),
        TEST(what_a_gate_said_is_no_failure_of_the_handler),
        TEST(exits_from_1_to_254_say_that_there_is_nothing_to_do),
        TEST(exit_255_and_signals_fail_the_attempt),
        TEST(a_program_that_is_not_there_fails_the_attempt),
        TEST(a_gate_is_given_what_the_handler_is_given),
        TEST(a_gate_that_hangs_is_stopped_and_the_handler_does_not_start),
        TEST(a_handler_behind_a_gate_is_stopped_like_any),
        TEST(nothing_of_a_gates_tree_is_left_when_the_handler_starts),
        TEST(a_flood_from_a_gate_is_cut_in_the_log),
    };

    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
