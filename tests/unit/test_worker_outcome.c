#include "common/json.h"
#include "common/mp.h"
#include "proto/codec.h"
#include "worker/outcome.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Statuses as wait gives them. */
#define EXITED(code)   ((code) << 8)
#define KILLED(signal) (signal)

static struct outcome   o;
static struct msg_ended m;

static int
begin(void **state)
{
    (void)state;
    outcome_init(&o, NO_LIMIT);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    outcome_done(&o);
    return 0;
}

static void
take(const char *text)
{
    BUF_AUTO struct buf scratch = {0};
    struct handler_line line;
    struct err          e;

    if (handler_line_parse(view_str(text), &scratch, &line, &e)) {
        outcome_refuse(&o, e.msg);
    } else {
        outcome_take(&o, &line);
    }
}

/* How it ends, without values: verdict, class, message, after_ms. */
static void
expect(int status, bool is_stopped, const char *wanted)
{
    struct outcome_exit how = {status, is_stopped, 0};

    m = (struct msg_ended){0};
    outcome_end(&o, &how, &m);
    FREE_AUTO char *text =
        xasprintf("%.*s|%.*s|%.*s|%lld", VIEW_ARG(m.verdict), VIEW_ARG(m.class),
                  VIEW_ARG(m.message), HAS(&m, ended, after_ms) ? (long long)m.after_ms : -1LL);
    assert_string_equal(text, wanted);
    if (!view_is(m.verdict, "completed")) {
        assert_false(HAS(&m, ended, output) || HAS(&m, ended, effects) ||
                     HAS(&m, ended, checkpoint));
    }
}

#define RESULT "{\"type\":\"result\"}"
#define FAIL   "{\"type\":\"fail\",\"class\":\"tool_failed\",\"message\":\"m\",\"retry_after_ms\":9}"
#define SNOOZE "{\"type\":\"snooze\",\"ms\":7}"

/* The whole table: what was said × how it exited × whether a stop was asked for. */
static void
every_pair_of_verdict_and_exit_has_its_end(void **state)
{
    static const struct {
        const char *line;
        int         status;
        bool        is_stopped;
        const char *end;
    } rows[] = {
        {NULL,   EXITED(0),       false, "completed|||-1"                                       },
        {NULL,   EXITED(75),      false, "snoozed|||-1"                                         },
        {NULL,   EXITED(1),       false, "failed|handler_error|exit code 1|-1"                  },
        {NULL,   KILLED(SIGKILL), false, "failed|handler_error|killed by signal 9 (Killed)|-1"  },
        {NULL,   EXITED(0),       true,  "failed|handler_error|stopped on request|-1"           },
        {NULL,   EXITED(75),      true,  "failed|handler_error|stopped on request|-1"           },
        {NULL,   KILLED(SIGTERM), true,  "failed|handler_error|stopped on request|-1"           },
        {RESULT, EXITED(0),       false, "completed|||-1"                                       },
        {RESULT, EXITED(75),      false, "failed|handler_error|exit code 75 after its result|-1"},
        {RESULT, EXITED(1),       false, "failed|handler_error|exit code 1 after its result|-1" },
        {RESULT, EXITED(0),       true,  "completed|||-1"                                       },
        {RESULT, KILLED(SIGTERM), true,  "failed|handler_error|stopped on request|-1"           },
        {FAIL,   EXITED(0),       false, "failed|tool_failed|m|9"                               },
        {FAIL,   EXITED(1),       false, "failed|tool_failed|m|9"                               },
        {FAIL,   KILLED(SIGKILL), true,  "failed|tool_failed|m|9"                               },
        {SNOOZE, EXITED(0),       false, "snoozed|||7"                                          },
        {SNOOZE, EXITED(0),       true,  "snoozed|||7"                                          },
        {SNOOZE, EXITED(1),       false, "failed|handler_error|exit code 1 after its snooze|-1" },
        {SNOOZE, EXITED(75),      false, "failed|handler_error|exit code 75 after its snooze|-1"},
        {SNOOZE, KILLED(SIGTERM), true,  "failed|handler_error|stopped on request|-1"           },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].line) take(rows[i].line);
        expect(rows[i].status, rows[i].is_stopped, rows[i].end);
        outcome_done(&o);
        outcome_init(&o, NO_LIMIT);
    }
}

static void
every_second_verdict_dooms(void **state)
{
    static const char *const lines[] = {RESULT, FAIL, SNOOZE};
    static const char *const names[] = {"result", "fail", "snooze"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 3; k++) {
            FREE_AUTO char *wanted =
                xasprintf("failed|invalid_output|%s after %s: a handler gives one verdict|-1",
                          names[k], names[i]);

            take(lines[i]);
            assert_false(outcome_is_doomed(&o));
            take(lines[k]);
            assert_true(outcome_is_doomed(&o));
            expect(EXITED(0), false, wanted);
            outcome_done(&o);
            outcome_init(&o, NO_LIMIT);
        }
    }
}

static void
the_first_doom_counts_and_nothing_after_it(void **state)
{
    (void)state;
    o.max_turns = 1;
    take("{\"type\":\"turn\"}");
    assert_false(outcome_is_doomed(&o));
    take("{\"type\":\"turn\"}");
    assert_true(outcome_is_doomed(&o));
    take("{\"type\":\"turn\"}");
    take("{\"type\":\"progress\",\"percent\":101}");
    take(FAIL);
    expect(EXITED(0), true, "failed|turn_limit_exceeded|turn 2 is beyond max_turns 1|-1");
    assert_int_equal(m.turns, 2);
}

static void
a_fail_that_names_no_class_is_classified_by_its_text(void **state)
{
    (void)state;
    outcome_take_error_text(&o, view_str("  got HTTP 429 \n"));
    outcome_take_error_text(&o, view_str(" \t"));
    take("{\"type\":\"fail\",\"message\":\"the budget is gone\"}");
    expect(EXITED(0), false, "failed|budget_exceeded|the budget is gone|-1");
    outcome_done(&o);
    outcome_init(&o, NO_LIMIT);
    outcome_take_error_text(&o, view_str("got HTTP 429"));
    take("{\"type\":\"fail\"}");
    expect(EXITED(1), false, "failed|rate_limited|got HTTP 429|-1");
}

static void
usage_sums_end_at_the_largest_integer(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        take("{\"type\":\"usage\",\"input_tokens\":9223372036854775807,\"output_tokens\":1,"
             "\"cost_micros\":4611686018427387904}");
    }
    expect(EXITED(0), false, "completed|||-1");
    assert_true(m.input_tokens == INT64_MAX);
    assert_int_equal(m.output_tokens, 3);
    assert_true(m.cost_micros == INT64_MAX);
}

/* Whatever it says can be packed as a message, at the edges of every limit. */
static void
an_end_at_the_limits_can_be_packed(void **state)
{
    BUF_AUTO struct buf line = {0}, frame = {0};
    FREE_AUTO char     *text = xmalloc(HANDLER_LINE_MAX);

    (void)state;
    memset(text, 'x', HANDLER_LINE_MAX);
    buf_printf(&line, "{\"type\":\"effect\",\"kind\":\"a\",\"x\":\"%.*s\"}", 524200, text);
    take(buf_str(&line));
    take(buf_str(&line));
    assert_false(outcome_is_doomed(&o));
    buf_clear(&line);
    buf_printf(&line, "{\"type\":\"result\",\"output\":\"%.*s\"}", OUTPUT_MAX - 5, text);
    take(buf_str(&line));
    expect(EXITED(0), false, "completed|||-1");
    m.worker = 0;
    m.generation = m.token = 1;
    msg_pack(msg_desc(MSG_ENDED), &m, &frame);
    assert_true(frame.size > OUTPUT_MAX + 2 * 524200);

    take("{\"type\":\"notify\",\"message\":\"m\"}");
    assert_false(outcome_is_doomed(&o));
    buf_clear(&line);
    buf_printf(&line, "{\"type\":\"notify\",\"message\":\"%.*s\"}", 200, text);
    take(buf_str(&line));
    assert_true(outcome_is_doomed(&o));

    outcome_done(&o);
    outcome_init(&o, NO_LIMIT);
    buf_clear(&line);
    buf_printf(&line, "{\"type\":\"fail\",\"message\":\"%.*sé\"}", ENDED_MESSAGE_MAX - 1, text);
    take(buf_str(&line));
    outcome_end(&o, &(struct outcome_exit){0}, &m);
    assert_int_equal(m.message.size, ENDED_MESSAGE_MAX - 1); /* not half of the é */
}

static void
a_progress_message_is_cut(void **state)
{
    BUF_AUTO struct buf line = {0};
    char                text[PROGRESS_MESSAGE_MAX + 2];

    (void)state;
    memset(text, 'x', sizeof(text));
    buf_printf(&line, "{\"type\":\"progress\",\"message\":\"%.*s\"}", (int)sizeof(text), text);
    take(buf_str(&line));
    assert_int_equal(o.progress.size, PROGRESS_MESSAGE_MAX);
    assert_true(o.has_news);
}

static void
a_result_with_notify_adds_an_effect(void **state)
{
    BUF_AUTO struct buf json = {0};
    struct err          e;

    (void)state;
    take("{\"type\":\"result\",\"notify\":true,\"message\":\"m\",\"metadata\":{\"a\":1}}");
    expect(EXITED(0), false, "completed|||-1");
    assert_int_equal(json_from_mp(m.effects, &json, &e), E_OK);
    assert_string_equal(buf_str(&json),
                        "[{\"kind\":\"notify\",\"message\":\"m\",\"metadata\":{\"a\":1}}]");
    outcome_done(&o);
    outcome_init(&o, NO_LIMIT);
    take("{\"type\":\"result\",\"notify\":false,\"message\":\"m\"}");
    expect(EXITED(0), false, "completed|||-1");
    assert_false(HAS(&m, ended, effects));
    outcome_done(&o);
    outcome_init(&o, NO_LIMIT);
    take("{\"type\":\"result\",\"notify\":true,\"message\":\"\"}");
    expect(EXITED(0), false, "failed|invalid_output|a result with notify needs a message|-1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_pair_of_verdict_and_exit_has_its_end),
        TEST(every_second_verdict_dooms),
        TEST(the_first_doom_counts_and_nothing_after_it),
        TEST(a_fail_that_names_no_class_is_classified_by_its_text),
        TEST(usage_sums_end_at_the_largest_integer),
        TEST(an_end_at_the_limits_can_be_packed),
        TEST(a_progress_message_is_cut),
        TEST(a_result_with_notify_adds_an_effect),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
