/* What becomes of an attempt: every kind of handler, every verdict. */
#include "common/json.h"
#include "common/mp.h"
#include "tests/system/worker_case.h"
#include <signal.h>
#include <stdio.h>

/* ---- handlers that are no program ----------------------------------------------------------- */

static void
noop_completes_with_null(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++)
        expect_completed(&f, fake_job(&f, &(struct fake_job){.kind = "noop"}), NULL);
}

static void
echo_returns_its_payload(void **state)
{
    uint64_t t;

    (void)state;
    t = fake_job(&f, &(struct fake_job){.kind = "echo", .payload = "{\"a\":[1,\"x\",null]}"});
    expect_completed(&f, t, "{\"a\":[1,\"x\",null]}");
    expect_completed(&f, fake_job(&f, &(struct fake_job){.kind = "echo"}), NULL);
}

static void
sleep_ends_by_itself_or_is_stopped(void **state)
{
    uint64_t a, b, c;

    (void)state;
    a = fake_job(&f, &(struct fake_job){.slot = 0, .kind = "sleep", .payload = "{\"ms\":20}"});
    b = fake_job(&f, &(struct fake_job){.slot = 1, .kind = "sleep", .payload = "{\"ms\":900000}"});
    c = fake_job(&f, &(struct fake_job){.slot = 2, .kind = "sleep", .payload = "{\"ms\":-1}"});
    expect_failed(&f, c, "handler_error", "payload");
    expect_completed(&f, a, NULL);
    fake_stop_job(&f, 1, b, 0);
    expect_failed(&f, b, "handler_error", "stopped on request");
}

static void
heartbeats_name_what_runs_and_the_last_seq(void **state)
{
    uint64_t t, token;

    (void)state;
    t = fake_job(&f, &(struct fake_job){.slot = 4, .kind = "sleep", .payload = "{\"ms\":900000}"});
    do {
        fake_expect(&f, MSG_HEARTBEAT, 0);
    } while (f.m.heartbeat.last_seq != f.seq);
    struct list_iter it = list_iter_of(f.m.heartbeat.running);
    struct view      item;
    assert_int_equal(it.left, 1);
    assert_true(list_next(&it, &item));
    struct mp_reader r = mp_reader_of(item);
    assert_true(mp_read_u64(&r, &token) && token == t);
    assert_true(HAS(&f.m.heartbeat, heartbeat, lag_us));
}

/* ---- starts that fail ----------------------------------------------------------------------- */

static void
a_handler_that_cannot_start_fails_with_the_reason(void **state)
{
    static const struct {
        const char *const command[3];
        const char       *handler;
        const char       *message;
    } cases[] = {
        {{"no-such-program-of-mine"}, "{}",                          "no such program in PATH"   },
        {{"/nowhere/x"},
         "{}",                                                       "cannot start /nowhere/x: "
         "exec: No such file"                                                      },
        {{"/etc/passwd"},             "{}",                          "exec: Permission denied"   },
        {{"/bin/true"},               "{\"cwd\":\"/nowhere\"}",      "chdir to /nowhere: No such"},
        {{"/bin/true"},               "{\"user\":\"no-such-user\"}", "there is no user"          },
        {{"/bin/true"},               "{\"set_env\":{\"A\":1}}",     "set_env"                   },
        {{"/bin/true"},               "{\"env\":[\"A=B\"]}",         "env"                       },
        {{""},                        "{}",                          "command"                   },
        {{NULL},                      "{}",                          "command"                   },
        {{NULL},                      "{\"nonsense\":1}",            "handler"                   },
        {{NULL},                      "{\"command\":[\"a\",1]}",     "command"                   },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *const *command = cases[i].command[0] ? cases[i].command : NULL;
        uint64_t           t =
            fake_job(&f, &(struct fake_job){.command = command, .handler = cases[i].handler});

        expect_failed(&f, t, "handler_error", cases[i].message);
    }
    expect_failed(&f, fake_job(&f, &(struct fake_job){.kind = "dance"}), "handler_error", "dance");
}

/* ---- verdicts ------------------------------------------------------------------------------- */

static void
a_result_completes_with_its_output(void **state)
{
    (void)state;
    expect_completed(&f, job("echo '{\"type\":\"result\",\"output\":{\"n\":1}}'"), "{\"n\":1}");
    expect_completed(&f, job("printf ' {\"type\": \"result\", \"output\": 7}\\r\\n'"), "7");
    expect_completed(&f, job("printf '{\"type\":\"result\",\"output\":7}'"), "7"); /* no newline */
    expect_completed(&f, job("echo '{\"type\":\"result\"}'"), NULL);
    expect_completed(&f, job("true"), NULL);
    expect_completed(&f, job("echo just text; echo '{\"type\":\"dance\"}'"), NULL);
}

static void
success_commits_usage_effects_and_the_last_checkpoint(void **state)
{
    BUF_AUTO struct buf     json = {0};
    const struct msg_ended *m;
    struct err              e;

    (void)state;
    m = fake_end(&f, job("cat <<'X'\n"
                         "{\"type\":\"turn\"}\n"
                         "{\"type\":\"turn\"}\n"
                         "{\"type\":\"usage\",\"input_tokens\":3,\"output_tokens\":4}\n"
                         "{\"type\":\"usage\",\"input_tokens\":5,\"cost_micros\":9}\n"
                         "{\"type\":\"effect\",\"kind\":\"activity\",\"n\":1}\n"
                         "{\"type\":\"notify\",\"message\":\"m\",\"metadata\":{\"k\":2}}\n"
                         "{\"type\":\"checkpoint\",\"data\":1}\n"
                         "{\"type\":\"checkpoint\",\"data\":2}\n"
                         "{\"type\":\"delta\",\"text\":\"...\"}\n"
                         "{\"type\":\"result\",\"notify\":true,\"message\":\"done\"}\n"
                         "X\n"));
    assert_true(view_is(m->verdict, "completed"));
    assert_int_equal(m->turns, 2);
    assert_int_equal(m->input_tokens, 8);
    assert_int_equal(m->output_tokens, 4);
    assert_int_equal(m->cost_micros, 9);
    assert_int_equal(m->exit_code, 0);
    assert_int_equal(json_from_mp(m->effects, &json, &e), E_OK);
    assert_string_equal(buf_str(&json),
                        "[{\"kind\":\"activity\",\"n\":1},"
                        "{\"kind\":\"notify\",\"message\":\"m\",\"metadata\":{\"k\":2}},"
                        "{\"kind\":\"notify\",\"message\":\"done\"}]");
    buf_clear(&json);
    assert_int_equal(json_from_mp(m->checkpoint, &json, &e), E_OK);
    assert_string_equal(buf_str(&json), "2");
}

static void
the_peak_of_memory_is_the_handlers_and_not_the_workers(void **state)
{
    const struct msg_ended *m;

    (void)state;
    m = fake_end(&f, job("sleep 0"));
    assert_true(!HAS(m, ended, rss_kb) || m->rss_kb < 3 << 10);
    m = fake_end(&f, job("head -c 100000000 /dev/zero | tail -c 100000000 | wc -c >&2"));
    assert_in_range(m->rss_kb, 95 << 10, 130 << 10);
}

/* expect_failed and expect_snoozed see to it that neither effects nor checkpoint are there. */
#define DOES                                               \
    "echo '{\"type\":\"effect\",\"kind\":\"activity\"}'; " \
    "echo '{\"type\":\"checkpoint\",\"data\":2}'; echo "   \
    "'{\"type\":\"usage\",\"input_tokens\":3}'; "

static void
only_success_commits_effects(void **state)
{
    (void)state;
    expect_failed(&f, job(DOES "exit 1"), "handler_error", "exit code 1");
    assert_int_equal(f.m.ended.input_tokens, 3);
    expect_snoozed(&f, job(DOES "exit 75"), -1);
    assert_int_equal(f.m.ended.input_tokens, 3);
    expect_failed(&f, job(DOES "echo '{\"type\":\"fail\",\"message\":\"m\"}'"), "handler_error",
                  "m");
    expect_snoozed(&f, job(DOES "echo '{\"type\":\"snooze\",\"ms\":5}'"), 5);
}

static void
a_handler_names_its_failure(void **state)
{
    (void)state;
    expect_failed(&f,
                  job("echo '{\"type\":\"fail\",\"class\":\"tool_failed\",\"message\":\"broke\","
                      "\"retry_after_ms\":1500}'"),
                  "tool_failed", "broke");
    assert_int_equal(f.m.ended.after_ms, 1500);
    expect_failed(&f, job("echo '{\"type\":\"fail\",\"class\":\"auth_failed\"}'; exit 9"),
                  "auth_failed", "");
    assert_false(HAS(&f.m.ended, ended, after_ms));
    expect_failed(&f, job("echo '{\"type\":\"fail\",\"class\":\"worker_lost\"}'"), "handler_error",
                  "");
    expect_failed(&f, job("echo '{\"type\":\"fail\",\"message\":\"rate limit\"}'"), "rate_limited",
                  "rate limit");
    expect_failed(&f, job("echo request timed out >&2; echo '{\"type\":\"fail\"}'"), "timeout",
                  "request timed out");
}

static void
a_silent_failure_is_classified_by_its_last_error_text(void **state)
{
    (void)state;
    expect_failed(&f, job("echo fine; echo 'HTTP 429' >&2; echo >&2; exit 3"), "rate_limited",
                  "exit code 3: HTTP 429");
    expect_failed(&f, job("exit 3"), "handler_error", "exit code 3");
    expect_failed(&f,
                  job("echo '{\"type\":\"log\",\"level\":\"error\",\"message\":\"budget is "
                      "gone\"}'; exit 1"),
                  "budget_exceeded", "budget is gone");
    expect_failed(&f, job("echo '{\"type\":\"log\",\"message\":\"budget\"}'; exit 1"),
                  "handler_error", "exit code 1");
    expect_failed(&f, job("kill -KILL $$"), "handler_error", "killed by signal 9");
    assert_int_equal(f.m.ended.exit_code, -1);
    assert_int_equal(f.m.ended.signal, SIGKILL);
    expect_failed(&f, job("printf 'bad \\377\\001 bytes\\n' >&2; exit 1"), "handler_error",
                  "bad ?? bytes");
}

static void
a_second_verdict_or_a_bad_exit_after_one_is_a_failure(void **state)
{
    (void)state;
    expect_failed(&f, job("echo '{\"type\":\"result\"}'; echo '{\"type\":\"result\"}'"),
                  "invalid_output", "result after result");
    expect_failed(&f, job("echo '{\"type\":\"snooze\",\"ms\":1}'; echo '{\"type\":\"fail\"}'"),
                  "invalid_output", "fail after snooze");
    expect_failed(&f, job("echo '{\"type\":\"result\"}'; exit 1"), "handler_error",
                  "exit code 1 after its result");
    expect_failed(&f, job("echo '{\"type\":\"snooze\"}'; exit 75"), "handler_error",
                  "exit code 75 after its snooze");
}

static void
a_wrong_protocol_line_is_invalid_output_and_stops_the_handler(void **state)
{
    static const char *const lines[][2] = {
        {"{\"type\":\"result\",\"notify\":true}",    "message"     },
        {"{\"type\":\"progress\",\"percent\":101}",  "percent"     },
        {"{\"type\":\"usage\",\"input_tokens\":-1}", "input_tokens"},
        {"{\"type\":\"checkpoint\"}",                "data"        },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        FREE_AUTO char *script = xasprintf("echo '%s'; sleep 1000", lines[i][0]);

        expect_failed(&f, job(script), "invalid_output", lines[i][1]);
    }
}

static void
a_handler_is_stopped_at_its_turn_limit(void **state)
{
    uint64_t t;

    (void)state;
    t = fake_job(&f, &(struct fake_job){.script = "while :; do echo '{\"type\":\"turn\"}'; done",
                                        .max_turns = 3});
    expect_failed(&f, t, "turn_limit_exceeded", "max_turns 3");
    assert_int_equal(f.m.ended.turns, 4);
    t = fake_job(&f, &(struct fake_job){.script = "echo '{\"type\":\"turn\"}'", .max_turns = 1});
    expect_completed(&f, t, NULL);
    t = fake_job(&f, &(struct fake_job){.script = "trap '' TERM; while :; do echo "
                                                  "'{\"type\":\"turn\"}'; done",
                                        .max_turns = 1});
    expect_failed(&f, t, "turn_limit_exceeded", "max_turns 1");
    assert_int_equal(f.m.ended.signal, SIGKILL);
}

/* ---- input ---------------------------------------------------------------------------------- */

static void
the_document_stands_on_stdin_as_one_line(void **state)
{
    uint64_t t;

    (void)state;
    t = fake_job(&f, &(struct fake_job){.script = "cat > doc; wc -l < doc > lines",
                                        .document = "{\"v\":1,\"job\":{\"id\":3}}",
                                        .payload = "[\"p\\n\"]"});
    expect_completed(&f, t, NULL);
    FREE_AUTO char *doc = fake_file(&f, "work/doc");
    assert_string_equal(doc, "{\"v\":1,\"job\":{\"id\":3},\"payload\":[\"p\\n\"]}\n");
    FREE_AUTO char *lines = fake_file(&f, "work/lines");
    assert_int_equal(atoi(lines), 1);
    expect_completed(&f, job("cat > empty"), NULL);
    FREE_AUTO char *empty = fake_file(&f, "work/empty");
    assert_string_equal(empty, "{\"payload\":null}\n");
}

static void
a_payload_may_be_nested_as_deep_as_any(void **state)
{
    uint64_t t;

    (void)state;
    t = fake_job(&f, &(struct fake_job){.script = "cat > deep",
                                        .payload = "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]"});
    expect_completed(&f, t, NULL);
    FREE_AUTO char *deep = fake_file(&f, "work/deep");
    assert_string_equal(deep, "{\"payload\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}\n");
}

static void
a_handler_that_reads_nothing_and_closes_its_output_holds_up_nobody(void **state)
{
    BUF_AUTO struct buf payload = {0};
    FREE_AUTO char     *text = xmalloc(PAYLOAD_MAX);
    uint64_t            a, b;

    (void)state;
    memset(text, 'x', PAYLOAD_MAX);
    mp_str(&payload, view_of(text, PAYLOAD_MAX - 16));
    a = fake_job(&f, &(struct fake_job){.slot = 0,
                                        .script = "exec <&- >&- 2>&-; sleep 1000",
                                        .packed_payload = buf_view(&payload)});
    b = fake_job(&f, &(struct fake_job){.slot = 1,
                                        .script = "wc -c > count",
                                        .packed_payload = buf_view(&payload)});
    expect_completed(&f, b, NULL);
    FREE_AUTO char *count = fake_file(&f, "work/count");
    assert_int_equal(atoi(count), PAYLOAD_MAX - 16 + (int)strlen("{\"payload\":\"\"}\n"));
    fake_stop_job(&f, 0, a, 0);
    expect_failed(&f, a, "handler_error", "stopped");
}

/* ---- what costs the worker its life --------------------------------------------------------- */

static void
nonsense_ends_the_worker(void **state)
{
    (void)state;
    fake_start(&f);
    (void)job("sleep 1000");
    fake_send_bytes(&f, view_str("\xc1"));
    fake_expect_exit(&f, 1);
}

static void
a_job_beyond_the_slots_ends_the_worker(void **state)
{
    (void)state;
    fake_start(&f);
    for (uint64_t i = 0; i <= FAKE_SLOTS; i++) {
        (void)fake_job(
            &f, &(struct fake_job){.slot = i, .kind = "sleep", .payload = "{\"ms\":900000}"});
    }
    fake_expect_exit(&f, 1);
}

static void
a_seq_that_does_not_ascend_ends_the_worker(void **state)
{
    (void)state;
    fake_start(&f);
    expect_completed(&f, fake_job(&f, &(struct fake_job){.kind = "noop"}), NULL);
    f.seq--;
    (void)fake_job(&f, &(struct fake_job){.kind = "noop"});
    fake_expect_exit(&f, 1);
}

static void
a_stop_for_a_lease_that_is_not_there_is_ignored(void **state)
{
    uint64_t t;

    (void)state;
    t = job("true");
    expect_completed(&f, t, NULL);
    fake_stop_job(&f, 0, t, 0);
    fake_stop_job(&f, 9, 4711, 0);
    expect_completed(&f, fake_job(&f, &(struct fake_job){.kind = "noop"}), NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(noop_completes_with_null),
        TEST(echo_returns_its_payload),
        TEST(sleep_ends_by_itself_or_is_stopped),
        TEST(heartbeats_name_what_runs_and_the_last_seq),
        TEST(a_handler_that_cannot_start_fails_with_the_reason),
        TEST(a_result_completes_with_its_output),
        TEST(success_commits_usage_effects_and_the_last_checkpoint),
        TEST(the_peak_of_memory_is_the_handlers_and_not_the_workers),
        TEST(only_success_commits_effects),
        TEST(a_handler_names_its_failure),
        TEST(a_silent_failure_is_classified_by_its_last_error_text),
        TEST(a_second_verdict_or_a_bad_exit_after_one_is_a_failure),
        TEST(a_wrong_protocol_line_is_invalid_output_and_stops_the_handler),
        TEST(a_handler_is_stopped_at_its_turn_limit),
        TEST(the_document_stands_on_stdin_as_one_line),
        TEST(a_payload_may_be_nested_as_deep_as_any),
        TEST(a_handler_that_reads_nothing_and_closes_its_output_holds_up_nobody),
        TEST(a_stop_for_a_lease_that_is_not_there_is_ignored),
        cmocka_unit_test(nonsense_ends_the_worker),
        cmocka_unit_test(a_job_beyond_the_slots_ends_the_worker),
        cmocka_unit_test(a_seq_that_does_not_ascend_ends_the_worker),
    };

    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
