/* Effects that a worker gives to an operator's command: its exit says what became of them (D5). */
#include "tests/system/worker_case.h"

static uint64_t
send_by(const char *script, int64_t max_run_ms)
{
    FREE_AUTO char *sink = xasprintf(
        "{\"name\":\"c\",\"kind\":\"command\",\"command\":[\"/bin/sh\",\"-c\",\"%s\"]}", script);

    return fake_effect(&f, 100, sink, "{\"effect_id\": 7, \"message\": \"hi\"}", 7, false,
                       max_run_ms);
}

static void
exit_0_is_delivered_and_its_first_line_the_receipt(void **state)
{
    (void)state;
    expect_delivery(&f,
                    send_by("cat > got; env > env; echo; echo ' number 5 '; echo more", WAIT_MS),
                    "delivered", "number 5", "");
    FREE_AUTO char *got = fake_file(&f, "work/got");
    FREE_AUTO char *env = fake_file(&f, "work/env");
    assert_string_equal(got, "{\"effect_id\":7,\"message\":\"hi\"}\n");
    assert_non_null(strstr(env, "AGENTD_EFFECT_ID=7\n"));
    assert_non_null(strstr(env, "-e7\n")); /* the idempotency key */
    expect_delivery(&f, send_by("exit 0", WAIT_MS), "delivered", "", "");
}

static void
exit_75_says_that_nothing_was_sent(void **state)
{
    (void)state;
    expect_delivery(&f, send_by("echo no route >&2; exit 75", WAIT_MS), "failed", "",
                    "exit code 75: no route");
    assert_false(f.m.effect_done.final);
}

static void
what_else_goes_wrong_is_unknown(void **state)
{
    (void)state;
    expect_delivery(&f, send_by("echo half; echo oops >&2; exit 1", WAIT_MS), "unknown", "",
                    "exit code 1: oops");
    expect_delivery(&f, send_by("kill -9 $$", WAIT_MS), "unknown", "", "signal 9");
    expect_delivery(&f, send_by("sleep 1000", 100), "unknown", "",
                    "no answer within the time limit");
}

static void
an_outcome_that_it_prints_is_no_answer(void **state)
{
    (void)state;
    expect_delivery(&f, send_by("echo '{\\\"outcome\\\":\\\"delivered\\\"}'; exit 1", WAIT_MS),
                    "unknown", "", "exit code 1");
}

static void
one_that_cannot_be_started_has_failed(void **state)
{
    (void)state;
    uint64_t t =
        fake_effect(&f, 100, "{\"name\":\"c\",\"kind\":\"command\",\"command\":[\"/no/such\"]}",
                    "{}", 7, false, WAIT_MS);
    expect_delivery(&f, t, "failed", "", "/no/such");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
        TEST(exit_0_is_delivered_and_its_first_line_the_receipt),
        TEST(exit_75_says_that_nothing_was_sent),
        TEST(what_else_goes_wrong_is_unknown),
        TEST(an_outcome_that_it_prints_is_no_answer),
        TEST(one_that_cannot_be_started_has_failed),
#undef TEST
    };

    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
