#include "common/json.h"
#include "common/mp.h"
#include "proto/handler_line.h"
#include "proto/messages.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct buf scratch;

static struct handler_line
must_parse(const char *text)
{
    struct handler_line line;
    struct err          e;

    assert_int_equal(handler_line_parse(view_str(text), &scratch, &line, &e), E_OK);
    return line;
}

static void
expect_refused(const char *text, const char *field)
{
    struct handler_line line;
    struct handler_line before;
    struct err          e;

    memset(&line, 0x5a, sizeof(line));
    memcpy(&before, &line, sizeof(line));
    assert_int_equal(handler_line_parse(view_str(text), &scratch, &line, &e), E_BAD_REQUEST);
    assert_string_equal(e.field, field);
    assert_memory_equal(&line, &before, sizeof(line));
}

static void
expect_json(struct view value, const char *json)
{
    struct buf BUF_AUTO text = {0};
    struct err          e;

    assert_int_equal(json_from_mp(value, &text, &e), E_OK);
    assert_string_equal(buf_str(&text), json);
}

static void
a_protocol_line_that_is_not_json_is_an_error(void **state)
{
    static const char *const lines[] = {
        "{\"type\":\"turn\"",
        "{\"type\":\"turn\"} and more",
        "{\"type\":\"turn\",\"type\":\"turn\"}",
        "{\"type\": \"result\",\"output\":[1,",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct handler_line line;
        struct err          e;

        assert_int_equal(handler_line_parse(view_str(lines[i]), &scratch, &line, &e),
                         E_BAD_REQUEST);
        assert_non_null(strstr(e.msg, "not JSON"));
    }
}

static void
what_is_no_protocol_is_log_text(void **state)
{
    static const char *const lines[] = {
        "",
        "hello",
        "{",
        "{}",
        "{\"type\":\"no such type\"}",
        "{\"type\":\"Turn\"}",
        "{\"type\":1}",
        "{\"type\":null}",
        "{\"kind\":\"turn\"}",
        "[\"type\",\"turn\"]",
        "\"turn\"",
        " {\"type\":\"turn\"}",
        "{'type':'turn'}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        assert_int_equal(must_parse(lines[i]).kind, LINE_LOG_TEXT);
}

static void
every_kind_gives_its_fields(void **state)
{
    struct handler_line l;

    (void)state;
    assert_int_equal(must_parse("{\"type\":\"turn\"}").kind, LINE_TURN);

    l = must_parse("{\"type\":\"usage\",\"input_tokens\":5,\"output_tokens\":6,\"cost_micros\":7}");
    assert_int_equal(l.kind, LINE_USAGE);
    assert_int_equal(l.input_tokens, 5);
    assert_int_equal(l.output_tokens, 6);
    assert_int_equal(l.cost_micros, 7);

    l = must_parse("{\"message\":\"half\",\"percent\":50,\"type\":\"progress\"}");
    assert_int_equal(l.kind, LINE_PROGRESS);
    assert_int_equal(l.percent, 50);
    assert_true(view_is(l.text, "half"));

    l = must_parse("{\"type\":\"log\",\"level\":\"warn\",\"message\":\"two\\nlines\"}");
    assert_int_equal(l.kind, LINE_LOG);
    assert_true(view_is(l.level, "warn") && view_is(l.text, "two\nlines"));

    l = must_parse("{\"type\":\"notify\",\"message\":\"\",\"metadata\":{\"a\":1}}");
    assert_int_equal(l.kind, LINE_NOTIFY);
    assert_int_equal(l.text.size, 0);
    expect_json(l.metadata, "{\"a\":1}");

    l = must_parse("{\"type\":\"checkpoint\",\"data\":[null,{\"k\":1.5}]}");
    assert_int_equal(l.kind, LINE_CHECKPOINT);
    expect_json(l.value, "[null,{\"k\":1.5}]");
    expect_json(must_parse("{\"type\":\"checkpoint\",\"data\":null}").value, "null");

    l = must_parse("{\"type\":\"delta\",\"text\":\"Hel\"}");
    assert_int_equal(l.kind, LINE_DELTA);
    assert_true(view_is(l.text, "Hel"));

    l = must_parse("{\"type\":\"snooze\",\"ms\":0}");
    assert_int_equal(l.kind, LINE_SNOOZE);
    assert_int_equal(l.after_ms, 0);

    l = must_parse(
        "{\"type\":\"fail\",\"class\":\"timeout\",\"message\":\"m\",\"retry_after_ms\":9}");
    assert_int_equal(l.kind, LINE_FAIL);
    assert_true(view_is(l.fail_class, "timeout") && view_is(l.text, "m"));
    assert_int_equal(l.after_ms, 9);

    l = must_parse(
        "{\"type\":\"result\",\"output\":{\"x\":true},\"notify\":false,\"message\":\"m\","
        "\"metadata\":{}}");
    assert_int_equal(l.kind, LINE_RESULT);
    expect_json(l.value, "{\"x\":true}");
    expect_json(l.metadata, "{}");
    assert_true(l.has_notify && !l.notify);
    assert_true(must_parse("{\"type\":\"result\",\"notify\":true}").notify);
}

static void
an_effect_is_the_map_without_its_type(void **state)
{
    struct handler_line l;
    struct buf BUF_AUTO text = {0};

    (void)state;
    l = must_parse("{\"kind\":\"wake_agent\",\"type\":\"effect\",\"agent\":\"a\",\"payload\":"
                   "{\"type\":\"inner\"}}");
    assert_int_equal(l.kind, LINE_EFFECT);
    expect_json(l.value,
                "{\"kind\":\"wake_agent\",\"agent\":\"a\",\"payload\":{\"type\":\"inner\"}}");
    expect_json(must_parse("{\"type\":\"effect\",\"kind\":\"k\"}").value, "{\"kind\":\"k\"}");

    buf_add_str(&text, "{\"type\":\"effect\",\"kind\":\"k\"");
    for (int i = 0; i < 40; i++)
        buf_printf(&text, ",\"key%d\":\"%0200d\"", i, i);
    buf_add_str(&text, "}");
    l = must_parse(buf_str(&text));
    struct mp_reader r = mp_reader_of(l.value);
    uint32_t         pairs;
    assert_true(mp_read_map(&r, &pairs));
    assert_int_equal(pairs, 41);
    assert_null(mp_check_json(l.value));
}

static void
what_is_optional_may_be_absent_or_null(void **state)
{
    static const char *const lines[] = {
        "{\"type\":\"usage\"}",
        "{\"type\":\"usage\",\"input_tokens\":null}",
        "{\"type\":\"progress\"}",
        "{\"type\":\"log\",\"message\":\"m\"}",
        "{\"type\":\"notify\",\"message\":\"m\",\"metadata\":null}",
        "{\"type\":\"snooze\"}",
        "{\"type\":\"fail\"}",
        "{\"type\":\"fail\",\"retry_after_ms\":null}",
        "{\"type\":\"result\"}",
        "{\"type\":\"result\",\"output\":null,\"notify\":null}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct handler_line l = must_parse(lines[i]);

        assert_int_not_equal(l.kind, LINE_LOG_TEXT);
        assert_int_equal(l.after_ms, -1);
        assert_int_equal(l.value.size + l.metadata.size, 0);
        assert_false(l.has_notify);
    }
}

static void
fields_of_a_newer_protocol_are_ignored(void **state)
{
    (void)state;
    assert_int_equal(must_parse("{\"type\":\"turn\",\"model\":\"x\"}").kind, LINE_TURN);
    assert_int_equal(must_parse("{\"type\":\"snooze\",\"ms\":5,\"why\":{}}").after_ms, 5);
    /* known to another kind, not to this one */
    assert_int_equal(must_parse("{\"type\":\"turn\",\"percent\":\"x\"}").kind, LINE_TURN);
}

static void
a_known_field_that_is_wrong_is_an_error(void **state)
{
    (void)state;
    expect_refused("{\"type\":\"usage\",\"input_tokens\":-1}", "input_tokens");
    expect_refused("{\"type\":\"usage\",\"output_tokens\":1.0}", "output_tokens");
    expect_refused("{\"type\":\"usage\",\"cost_micros\":\"1\"}", "cost_micros");
    expect_refused("{\"type\":\"progress\",\"percent\":101}", "percent");
    expect_refused("{\"type\":\"progress\",\"percent\":-1}", "percent");
    expect_refused("{\"type\":\"progress\",\"message\":{}}", "message");
    expect_refused("{\"type\":\"log\"}", "message");
    expect_refused("{\"type\":\"log\",\"level\":1,\"message\":\"m\"}", "level");
    expect_refused("{\"type\":\"effect\"}", "kind");
    expect_refused("{\"type\":\"effect\",\"kind\":null}", "kind");
    expect_refused("{\"type\":\"effect\",\"kind\":\"\"}", "kind");
    expect_refused("{\"type\":\"effect\",\"kind\":7}", "kind");
    expect_refused("{\"type\":\"notify\"}", "message");
    expect_refused("{\"type\":\"notify\",\"message\":\"m\",\"metadata\":[]}", "metadata");
    expect_refused("{\"type\":\"checkpoint\"}", "data");
    expect_refused("{\"type\":\"delta\"}", "text");
    expect_refused("{\"type\":\"snooze\",\"ms\":-1}", "ms");
    expect_refused("{\"type\":\"snooze\",\"ms\":\"5m\"}", "ms");
    expect_refused("{\"type\":\"snooze\",\"ms\":3155760000001}", "ms");
    expect_refused("{\"type\":\"fail\",\"class\":[]}", "class");
    expect_refused("{\"type\":\"fail\",\"message\":1}", "message");
    expect_refused("{\"type\":\"fail\",\"retry_after_ms\":true}", "retry_after_ms");
    expect_refused("{\"type\":\"result\",\"notify\":1}", "notify");
    expect_refused("{\"type\":\"result\",\"message\":[]}", "message");
    expect_refused("{\"type\":\"result\",\"metadata\":1}", "metadata");
}

/* A line {"type":TYPE,"FIELD":"xxx…"} whose packed value is `packed` bytes (5 of them its header).
 */
static enum errc
parse_sized(const char *type, const char *field, size_t packed, struct handler_line *line,
            struct err *e)
{
    struct buf BUF_AUTO text = {0};

    buf_printf(&text, "{\"type\":\"%s\",\"%s\":\"", type, field);
    buf_reserve(&text, packed);
    memset(text.data + text.size, 'x', packed - 5);
    text.size += packed - 5;
    buf_add_str(&text, "\"}");
    return handler_line_parse(buf_view(&text), &scratch, line, e);
}

static void
values_and_lines_over_their_limits_are_errors(void **state)
{
    struct handler_line line;
    struct err          e;

    (void)state;
    assert_int_equal(parse_sized("checkpoint", "data", CHECKPOINT_MAX, &line, &e), E_OK);
    assert_int_equal(line.value.size, CHECKPOINT_MAX);
    assert_int_equal(parse_sized("checkpoint", "data", CHECKPOINT_MAX + 1, &line, &e),
                     E_BAD_REQUEST);
    assert_string_equal(e.field, "data");
    assert_int_equal(parse_sized("result", "output", OUTPUT_MAX, &line, &e), E_OK);
    assert_int_equal(line.value.size, OUTPUT_MAX);
    assert_int_equal(parse_sized("result", "output", OUTPUT_MAX + 1, &line, &e), E_BAD_REQUEST);
    assert_string_equal(e.field, "output");

    assert_int_equal(parse_sized("delta", "text", HANDLER_LINE_MAX, &line, &e), E_BAD_REQUEST);
    assert_non_null(strstr(e.msg, "1572864"));
    assert_int_equal(parse_sized("note", "text", HANDLER_LINE_MAX, &line, &e), E_OK);
    assert_int_equal(line.kind, LINE_LOG_TEXT);
}

static void
an_effect_over_its_limit_is_an_error(void **state)
{
    struct buf BUF_AUTO text = {0};
    struct handler_line line;
    struct err          e;

    (void)state;
    buf_add_str(&text, "{\"type\":\"effect\",\"kind\":\"send_message\",\"content\":\"");
    buf_reserve(&text, EFFECTS_MAX);
    memset(text.data + text.size, 'x', EFFECTS_MAX);
    text.size += EFFECTS_MAX;
    buf_add_str(&text, "\"}");
    assert_int_equal(handler_line_parse(buf_view(&text), &scratch, &line, &e), E_BAD_REQUEST);
    assert_string_equal(e.field, "effect");
}

static void
failures_are_classified_by_their_text(void **state)
{
    static const struct {
        const char *text;
        const char *class;
    } cases[] = {
        {"Turn LIMIT reached",             "turn_limit_exceeded"},
        {"all turns are exhausted",        "turn_limit_exceeded"},
        {"max number of turns: timeout",   "turn_limit_exceeded"},
        {"turn 3 failed",                  "handler_error"      },
        {"limit exhausted, max",           "handler_error"      },
        {"connection TIMEOUT over budget", "timeout"            },
        {"it timed out",                   "timeout"            },
        {"Budget: authentication",         "budget_exceeded"    },
        {"Authentication failed (429)",    "auth_failed"        },
        {"bad OAuth token",                "auth_failed"        },
        {"Rate Limit hit",                 "rate_limited"       },
        {"HTTP 429",                       "rate_limited"       },
        {"Context length is 9000",         "context_exceeded"   },
        {"rate-limit",                     "handler_error"      },
        {"",                               "handler_error"      },
        {"segmentation fault",             "handler_error"      },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(failure_class_from_text(view_str(cases[i].text)), cases[i].class);
}

static void
a_handler_may_name_only_its_own_classes(void **state)
{
    static const char *const allowed[] = {
        "turn_limit_exceeded", "timeout",          "handler_error",
        "invalid_output",      "context_exceeded", "tool_failed",
        "budget_exceeded",     "auth_failed",      "rate_limited",
    };
    static const char *const others[] = {
        "lease_expired", "aborted", "expired", "worker_lost", "interrupted", "", "Timeout", "bug",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
        assert_string_equal(failure_class_from_handler(view_str(allowed[i])), allowed[i]);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_string_equal(failure_class_from_handler(view_str(others[i])), "handler_error");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_protocol_is_log_text),
        cmocka_unit_test(a_protocol_line_that_is_not_json_is_an_error),
        cmocka_unit_test(every_kind_gives_its_fields),
        cmocka_unit_test(an_effect_is_the_map_without_its_type),
        cmocka_unit_test(what_is_optional_may_be_absent_or_null),
        cmocka_unit_test(fields_of_a_newer_protocol_are_ignored),
        cmocka_unit_test(a_known_field_that_is_wrong_is_an_error),
        cmocka_unit_test(values_and_lines_over_their_limits_are_errors),
        cmocka_unit_test(an_effect_over_its_limit_is_an_error),
        cmocka_unit_test(failures_are_classified_by_their_text),
        cmocka_unit_test(a_handler_may_name_only_its_own_classes),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    buf_done(&scratch);
    return failed;
}
