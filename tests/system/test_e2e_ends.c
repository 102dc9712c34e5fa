/* How attempts end, from outside, and what the job does then. */
#include "tests/system/e2e.h"

#define CONFIG                                                                                    \
    "workers: {count: 1, slots: 1}\n"                                                             \
    "limits: {kill_grace: 200ms}\n"                                                               \
    "handlers:\n"                                                                                 \
    "  fails: {kind: exec, command: [sh, -c, 'echo no luck >&2; exit 3'],\n"                      \
    "          retry: [100ms], max_attempts: 3}\n"                                                \
    "  held: {kind: exec, env: [DIR], command: [sh, -c, 'read x <$DIR/gate'], max_attempts: 1}\n" \
    "  snoozes: {kind: exec, command: [sh, -c,\n"                                                 \
    "           '[ $AGENTD_ATTEMPT != 1 ] || echo ''{\"type\":\"snooze\",\"ms\":100}''']}\n"      \
    "  plays: {kind: exec, max_turns: 3, env: [DIR], command: [sh, -c,\n"                         \
    "         'i=0; while [ $i -lt 9 ]; do echo ''{\"type\":\"turn\"}''; i=$((i+1)); done;\n"     \
    "          read x <$DIR/gate']}\n"

static int
start(void **state)
{
    (void)state;
    e2e_make();
    return e2e_start(CONFIG);
}

static void
a_failing_job_climbs_its_ladder(void **state)
{
    (void)state;
    ctl_ends(&c, 4, "job submit fails --wait");
    ctl_expect(&c, "state", "\"failed\"");
    uint64_t job = (uint64_t)ctl_number(&c, "id");
    ctl_must(&c, "job show %" PRIu64, job);
    ctl_expect(&c, "attempt", "3");
    ctl_expect(&c, "failures", "3");
    ctl_expect(&c, "failure.class", "\"handler_error\"");
    ctl_expect_text(&c, "failure.message", "no luck");
    assert_int_equal(ctl_count(&c, "attempts"), 3);
    for (int i = 0; i < 3; i++) {
        char path[64];

        (void)snprintf(path, sizeof(path), "attempts.%d.exit_code", i);
        ctl_expect(&c, path, "3");
        (void)snprintf(path, sizeof(path), "attempts.%d.class", i);
        ctl_expect(&c, path, "\"handler_error\"");
    }
    /* The step is 100 ms, 25 % more or less. */
    int64_t pause = ctl_number(&c, "attempts.1.claimed_at") - ctl_number(&c, "attempts.0.ended_at");
    assert_true(pause >= 75);
    ctl_must(&c, "job retry %" PRIu64, job);
    ctl_await(&c, job, "failed");
    ctl_expect(&c, "attempt", "6");
    ctl_expect(&c, "failures", "3");
}

static void
a_snooze_comes_back_without_a_failure(void **state)
{
    (void)state;
    uint64_t job = ctl_submit(&c, "snoozes");
    ctl_await(&c, job, "completed");
    ctl_expect(&c, "attempt", "2");
    ctl_expect(&c, "failures", "0");
    ctl_expect(&c, "attempts.0.outcome", "\"snoozed\"");
    ctl_expect(&c, "attempts.1.outcome", "\"completed\"");
    int64_t pause = ctl_number(&c, "attempts.1.claimed_at") - ctl_number(&c, "attempts.0.ended_at");
    assert_true(pause >= 100);
}

static void
the_turn_limit_ends_a_job_for_good(void **state)
{
    (void)state;
    uint64_t job = ctl_submit(&c, "plays");
    ctl_await(&c, job, "failed");
    ctl_expect(&c, "failure.class", "\"turn_limit_exceeded\"");
    ctl_expect(&c, "attempt", "1");
    assert_true(ctl_number(&c, "usage.turns") >= 3);
    job = ctl_submit(&c, "plays --max-turns none");
    gate_pass(gate, 1);
    ctl_await(&c, job, "completed");
    ctl_expect(&c, "usage.turns", "9");
}

static void
a_lease_that_has_run_out_ends_the_process(void **state)
{
    (void)state;
    uint64_t job = ctl_submit(&c, "held --max-run 300ms");
    ctl_await(&c, job, "failed");
    ctl_expect(&c, "failure.class", "\"lease_expired\"");
    ctl_expect(&c, "max_run_ms", "300");
    job = ctl_submit(&c, "held --max-run 300ms --max-attempts 2 --retry 100ms");
    ctl_await(&c, job, "failed");
    ctl_expect(&c, "attempt", "2");
    ctl_expect(&c, "failures", "2");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, e2e_stop)
    const struct CMUnitTest tests[] = {
        TEST(a_failing_job_climbs_its_ladder),
        TEST(a_snooze_comes_back_without_a_failure),
        TEST(the_turn_limit_ends_a_job_for_good),
        TEST(a_lease_that_has_run_out_ends_the_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
