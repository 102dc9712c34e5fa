#include "common/json.h"
#include "common/mp.h"
#include "tools/agentctl/request.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1795251600000) /* 2026-11-21T09:00:00Z */

static char path[] = "/tmp/test_agentctl_request.XXXXXX";

static void
write_file(const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fputs(text, f) >= 0, 1);
    assert_int_equal(fclose(f), 0);
}

static int
make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    if (fd < 0) return -1;
    FILE *f = fdopen(fd, "w");
    return f ? fclose(f) : -1;
}

static int
remove_file(void **state)
{
    (void)state;
    return remove(path);
}

/* Makes the request of a line whose words are the arguments, ended by NULL. */
static enum errc
make(struct ctl_request *request, struct err *e, va_list list)
{
    char           *words[32] = {(char *)"agentctl"};
    struct ctl_args args;
    int             n = 1;

    while ((words[n] = va_arg(list, char *)))
        assert_true(++n < 32);
    *e = (struct err){0};
    if (ctl_args_parse(n, words, &args, e)) fail_msg("%s", e->msg);
    return ctl_request_make(&args, NOW_MS, request, e);
}

/* The body as JSON must be `expected`. */
__attribute__((sentinel)) static void
must_make(const char *expected, ...)
{
    CTL_REQUEST_AUTO struct ctl_request request = {0};
    BUF_AUTO struct buf                 body = {0};
    BUF_AUTO struct buf                 json = {0};
    struct err                          e;
    va_list                             list;

    va_start(list, expected);
    enum errc code = make(&request, &e, list);
    va_end(list);
    if (code) fail_msg("%s", e.msg);
    ctl_request_pack(&request, &body);
    assert_int_equal(json_from_mp(buf_view(&body), &json, &e), E_OK);
    assert_string_equal(buf_str(&json), expected);
}

__attribute__((sentinel)) static void
must_refuse(const char *message, ...)
{
    CTL_REQUEST_AUTO struct ctl_request request = {0};
    struct err                          e;
    va_list                             list;

    va_start(list, message);
    enum errc code = make(&request, &e, list);
    va_end(list);
    if (!code) fail_msg("taken: %s", message);
    if (!strstr(e.msg, message)) fail_msg("\"%s\" does not say \"%s\"", e.msg, message);
}

/* ---- values ---------------------------------------------------------------- */

static void
each_kind_of_value_is_packed_as_its_field_wants(void **state)
{
    (void)state;
    must_make("{\"handler\":\"echo\",\"priority\":80,\"title\":\"a b\"}", "job", "submit", "echo",
              "--priority", "80", "--title", "a b", NULL);
    must_make("{\"delay_ms\":90000,\"max_run_ms\":5400000}", "job", "submit", "--in", "90",
              "--max-run", "1h30m", NULL);
    must_make("{\"run_at\":1795252200000,\"expires_at\":1795251600000}", "job", "submit", "--at",
              "+10m", "--expires", "2026-11-21T09:00:00Z", NULL);
    must_make("{\"retry\":[1000,120000]}", "job", "submit", "--retry", "1s,2m", NULL);
    must_make("{\"tags\":{\"a\":\"1\",\"b\":\"\",\"c\":\"x=y\"},\"title\":\"t\"}", "job", "submit",
              "--tag", "a=1", "--title", "t", "--tag", "b=", "--tag", "c=x=y", NULL);
    must_make("{\"dry_run\":true}", "reload", "--dry-run", NULL);
    must_make("{}", "status", NULL);
}

static void
none_is_no_limit_where_there_may_be_none(void **state)
{
    (void)state;
    must_make("{\"max_turns\":null}", "job", "submit", "--max-turns", "none", NULL);
    must_refuse("--priority: \"none\" is not a number", "job", "submit", "--priority", "none",
                NULL);
}

static void
a_payload_is_text_or_a_file(void **state)
{
    char at[64];

    (void)state;
    (void)snprintf(at, sizeof(at), "@%s", path);
    write_file(" {\"from\": [\"a\", 1.5, null]}\n");
    must_make("{\"payload\":{\"from\":[\"a\",1.5,null]}}", "job", "submit", "--payload", at, NULL);
    must_make("{\"payload\":\"text\"}", "job", "submit", "--payload", "\"text\"", NULL);
    must_make("{\"payload\":null}", "job", "submit", "--payload", "null", NULL);
    write_file("{\"a\":\n1,,}");
    must_refuse("--payload: not JSON: line 2", "job", "submit", "--payload", at, NULL);
    must_refuse("--payload: cannot read /nowhere/x", "job", "submit", "--payload", "@/nowhere/x",
                NULL);
    must_refuse("--payload: not JSON", "job", "submit", "--payload", "hello", NULL);
    must_refuse("--payload: not JSON", "job", "submit", "--payload", "", NULL);
    must_refuse("--payload: not JSON", "job", "submit", "--payload", "{\"a\":1,\"a\":2}", NULL);
}

static void
standard_input_is_read_where_a_dash_stands(void **state)
{
    (void)state;
    write_file("[1,2]");
    assert_non_null(freopen(path, "r", stdin));
    must_make("{\"payload\":[1,2]}", "job", "submit", "--payload", "-", NULL);
}

static void
a_bad_value_is_an_error_of_its_option(void **state)
{
    (void)state;
    must_refuse("--priority: must be an integer from 0 to 100", "job", "submit", "--priority",
                "101", NULL);
    must_refuse("--priority: must be an integer from 0 to 100", "job", "submit", "--priority", "-1",
                NULL);
    must_refuse("--priority: \"5x\" is not a number", "job", "submit", "--priority", "5x", NULL);
    must_refuse("--priority: \"\" is not a number", "job", "submit", "--priority", "", NULL);
    must_refuse("--priority: \" 5\" is not a number", "job", "submit", "--priority", " 5", NULL);
    must_refuse("ID: \"99999999999999999999\" is not a number", "job", "show",
                "99999999999999999999", NULL);
    must_refuse("ID: must be an integer from 1", "job", "show", "0", NULL);
    must_refuse("--in: ", "job", "submit", "--in", "soon", NULL);
    must_refuse("--retry: ", "job", "submit", "--retry", "1s,", NULL);
    must_refuse("--at: ", "job", "submit", "--at", "tomorrow", NULL);
    must_refuse("--unique-for: must be a duration from 1ms to 36525d", "job", "submit",
                "--unique-for", "0", NULL);
    must_refuse("--every: must be a duration from 1s to 36525d", "schedule", "add", "s", "--every",
                "1ms", NULL);
    must_refuse("--tag: \"novalue\" is not a tag", "job", "submit", "--tag", "novalue", NULL);
    must_refuse("--tag: \"=v\" is not a tag", "job", "submit", "--tag", "=v", NULL);
    must_refuse("--tag: ", "job", "submit", "--tag", "a=1", "--tag", "a=2", NULL);
    must_refuse("--agent: ", "job", "submit", "--agent", "UPPER", NULL);
    must_refuse("HANDLER: ", "job", "submit", "a/b/c", NULL);
    must_refuse("--context: must be an object", "job", "submit", "--context", "[1]", NULL);
    must_refuse("--title: must not contain control characters", "job", "submit", "--title",
                "a\033[31mb", NULL);
    must_refuse("--title: is not valid UTF-8", "job", "submit", "--title", "\xff\xfe", NULL);
    must_refuse("--limit: must be an integer from 1 to 1000", "job", "list", "--limit", "1001",
                NULL);
    must_refuse("N: must be an integer from 1 to 64", "worker", "scale", "65", NULL);
}

static void
expect_named(const char *noun, const char *verb, const char *message, const char *named)
{
    struct err e = {0};

    err_set(&e, E_BAD_REQUEST, "%s", message);
    err_hint(&e, "%s", message);
    ctl_name_options(ctl_command_find(noun, verb), &e);
    assert_string_equal(e.msg, named);
    assert_string_equal(e.hint, named);
    ctl_name_options(ctl_command_find(noun, verb), &e); /* once is enough */
    assert_string_equal(e.msg, named);
}

static void
an_error_of_agentd_speaks_of_the_options(void **state)
{
    (void)state;
    expect_named("job", "submit", "delay_ms: give run_at or delay_ms, not both",
                 "--in: give --at or --in, not both");
    expect_named("job", "submit", "unique_for_ms: needs unique_key",
                 "--unique-for: needs --unique");
    expect_named("job", "submit", "agent: there is no agent \"run_at\"",
                 "--agent: there is no agent \"run_at\"");
    expect_named("job", "submit", "handler: missing, and no agent that names one",
                 "HANDLER: missing, and no agent that names one");
    expect_named("company", "set", "raise limits.max_concurrent, or max_concurrent",
                 "raise limits.max_concurrent, or --max-concurrent");
    expect_named("status", NULL, "name: run_at", "name: run_at");
}

static void
a_hint_about_quotes_is_given_where_they_are_missing(void **state)
{
    static const struct {
        const char *text;
        bool        has_hint;
    } texts[] = {
        {"hello",      true },
        {"{a:1}",      true },
        {"{\"a\":}",   false},
        {"{\"a\":1,}", false},
        {"[1,,2]",     false},
    };
    BUF_AUTO struct buf out = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct err e = {0};

        assert_int_equal(ctl_value_pack(CTL_JSON, NULL, texts[i].text, 0, &out, &e), E_BAD_REQUEST);
        assert_int_equal(e.hint[0] != 0, texts[i].has_hint);
    }
}

static void
what_is_too_large_is_not_sent(void **state)
{
    BUF_AUTO struct buf text = {0};
    char                at[64];

    (void)state;
    (void)snprintf(at, sizeof(at), "@%s", path);
    buf_add_str(&text, "\"");
    for (int i = 0; i < PAYLOAD_MAX; i++)
        buf_add_str(&text, "x");
    buf_add_str(&text, "\"");
    write_file(buf_str(&text));
    must_refuse("--payload: is ", "job", "submit", "--payload", at, NULL);
    while (text.size <= 4 * CLIENT_MESSAGE_MAX)
        buf_add_str(&text, "                                                                ");
    write_file(buf_str(&text));
    must_refuse("is over 8388608 bytes", "job", "submit", "--payload", at, NULL);
}

/* ---- many ------------------------------------------------------------------ */

static void
a_file_of_jobs_becomes_one_request(void **state)
{
    (void)state;
    write_file("{\"handler\":\"a\"}\n\n  \r\n{\"handler\":\"acme/b\",\"company\":\"x\"}");
    must_make("{\"jobs\":[{\"handler\":\"a\"},{\"handler\":\"acme/b\",\"company\":\"x\"}]}", "job",
              "submit-many", path, NULL);
    must_make("{\"jobs\":[{\"company\":\"acme\",\"handler\":\"a\"},"
              "{\"handler\":\"acme/b\",\"company\":\"x\"}]}",
              "job", "submit-many", path, "--company", "acme", NULL);
    write_file("");
    must_make("{\"jobs\":[]}", "job", "submit-many", path, NULL);
}

static void
a_bad_job_is_named_by_its_line(void **state)
{
    (void)state;
    write_file("{\"handler\":\"a\"}\n\n{\"handler\":\"a\",\"priority\":101}\n");
    must_refuse("FILE: line 3: priority: must be", "job", "submit-many", path, NULL);
    write_file("{\"handler\":\"a\"}\nnonsense\n");
    must_refuse("FILE: line 2: ", "job", "submit-many", path, NULL);
    write_file("[1]\n");
    must_refuse("FILE: line 1: ", "job", "submit-many", path, NULL);
    write_file("{\"unknown\":1}\n");
    must_refuse("FILE: line 1: unknown: ", "job", "submit-many", path, NULL);
}

static void
more_jobs_than_a_batch_may_hold_are_refused(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    for (int i = 0; i < BATCH_MAX; i++)
        buf_add_str(&text, "{}\n");
    write_file(buf_str(&text));
    {
        CTL_REQUEST_AUTO struct ctl_request request = {0};
        char *words[] = {(char *)"agentctl", (char *)"job", (char *)"submit-many", path, NULL};
        struct ctl_args args;
        struct err      e;

        assert_int_equal(ctl_args_parse(4, words, &args, &e), E_OK);
        assert_int_equal(ctl_request_make(&args, NOW_MS, &request, &e), E_OK);
    }
    buf_add_str(&text, "{}\n");
    write_file(buf_str(&text));
    must_refuse("more than 1000 jobs", "job", "submit-many", path, NULL);
}

static void
a_batch_over_the_limits_of_a_message_is_refused(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    for (int i = 0; i < 1000; i++) {
        buf_add_str(&text, "{\"payload\":[");
        for (int j = 0; j < 70; j++)
            buf_add_str(&text, "1,");
        buf_add_str(&text, "1]}\n");
    }
    write_file(buf_str(&text));
    must_refuse("too many", "job", "submit-many", path, NULL);
    buf_clear(&text);
    for (int i = 0; i < 3; i++) {
        buf_add_str(&text, "{\"payload\":\"");
        for (int j = 0; j < 900000; j++)
            buf_add_str(&text, "x");
        buf_add_str(&text, "\"}\n");
    }
    write_file(buf_str(&text));
    must_refuse("FILE: is ", "job", "submit-many", path, NULL);
}

/* ---- companies ------------------------------------------------------------- */

static void
a_company_goes_into_its_field_where_there_is_one(void **state)
{
    (void)state;
    must_make("{\"handler\":\"echo\",\"company\":\"acme\"}", "job", "submit", "echo", "--company",
              "acme", NULL);
    must_make("{\"company\":\"acme\"}", "--company", "acme", "agent", "list", NULL);
}

static void
a_company_stands_before_bare_names_elsewhere(void **state)
{
    (void)state;
    must_make("{\"name\":\"acme/nightly\"}", "schedule", "show", "nightly", "--company", "acme",
              NULL);
    must_make("{\"name\":\"other/nightly\"}", "schedule", "show", "other/nightly", "--company",
              "acme", NULL);
    must_make("{\"id\":5}", "job", "show", "5", "--company", "acme", NULL);
}

static void
a_new_name_may_name_its_company(void **state)
{
    (void)state;
    must_make("{\"name\":\"nightly\",\"cron\":\"0 3 * * *\",\"company\":\"acme\"}", "schedule",
              "add", "acme/nightly", "--cron", "0 3 * * *", NULL);
    must_make("{\"name\":\"nightly\",\"company\":\"acme\"}", "schedule", "add", "acme/nightly",
              "--company", "acme", NULL);
    must_refuse("--company x does not fit", "schedule", "add", "acme/nightly", "--company", "x",
                NULL);
    must_refuse("NAME: ", "schedule", "add", "a/b/c", NULL);
    must_refuse("NAME: ", "schedule", "add", "Upper", NULL);
}

static void
a_company_is_a_name(void **state)
{
    (void)state;
    must_refuse("--company: \"A B\" is not a name", "job", "list", "--company", "A B", NULL);
    must_refuse("--company: \"\" is not a name", "job", "list", "--company", "", NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_value_is_packed_as_its_field_wants),
        cmocka_unit_test(none_is_no_limit_where_there_may_be_none),
        cmocka_unit_test(a_payload_is_text_or_a_file),
        cmocka_unit_test(standard_input_is_read_where_a_dash_stands),
        cmocka_unit_test(a_bad_value_is_an_error_of_its_option),
        cmocka_unit_test(an_error_of_agentd_speaks_of_the_options),
        cmocka_unit_test(a_hint_about_quotes_is_given_where_they_are_missing),
        cmocka_unit_test(what_is_too_large_is_not_sent),
        cmocka_unit_test(a_file_of_jobs_becomes_one_request),
        cmocka_unit_test(a_bad_job_is_named_by_its_line),
        cmocka_unit_test(more_jobs_than_a_batch_may_hold_are_refused),
        cmocka_unit_test(a_batch_over_the_limits_of_a_message_is_refused),
        cmocka_unit_test(a_company_goes_into_its_field_where_there_is_one),
        cmocka_unit_test(a_company_stands_before_bare_names_elsewhere),
        cmocka_unit_test(a_new_name_may_name_its_company),
        cmocka_unit_test(a_company_is_a_name),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
