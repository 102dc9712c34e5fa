#include "tests/unit/agent_rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define LOG_WATCH "etc/agents/log-watch.sh"

/* The agent watches the file `log` of the rig, which holds `text`, and has run once. */
static void
start_watching(struct agent_rig *r, const char *text)
{
    FREE_AUTO char *path = agent_rig_path(r, "log");

    agent_rig_set_variable(r, 0, "LOG_FILE", path);
    agent_rig_write(r, "log", "we", view_str(text));
    agent_rig_must_complete(r, LOG_WATCH);
    assert_int_equal(r->checkpoints, 1);
    assert_false(r->notify);
}

static void
append(struct agent_rig *r, const char *text)
{
    agent_rig_write(r, "log", "ae", view_str(text));
}

static void
expect_found(struct agent_rig *r, unsigned lines, const char *last)
{
    FREE_AUTO char *path = agent_rig_path(r, "log");
    FREE_AUTO char *message =
        xasprintf("%s: %u new line%s 'error|fail|fatal|critical|panic', the last: %s", path, lines,
                  lines > 1 ? "s match" : " matches", last);
    FREE_AUTO char *output = xasprintf("{\"lines\":%u}", lines);

    agent_rig_must_complete(r, LOG_WATCH);
    assert_true(r->notify);
    assert_string_equal(buf_str(&r->message), message);
    assert_string_equal(buf_str(&r->output), output);
    assert_int_equal(r->checkpoints, 1);
}

static void
expect_quiet(struct agent_rig *r)
{
    agent_rig_must_complete(r, LOG_WATCH);
    assert_false(r->notify);
    assert_string_equal(buf_str(&r->output), "{\"lines\":0}");
}

static void
the_first_run_starts_at_the_end_of_the_file(void **state)
{
    struct agent_rig *r = *state;
    FREE_AUTO char   *path = agent_rig_path(r, "log");
    struct stat       st;

    start_watching(r, "error one\nerror two\n");
    assert_int_equal(stat(path, &st), 0);
    FREE_AUTO char *expected = xasprintf("{\"inode\":%llu,\"offset\":20,\"file\":\"%s\"}",
                                         (unsigned long long)st.st_ino, path);
    assert_string_equal(buf_str(&r->checkpoint), expected);
    expect_quiet(r);
}

static void
new_error_lines_are_counted_once(void **state)
{
    struct agent_rig *r = *state;

    start_watching(r, "error old\n");
    append(r, "all is well\nERROR one\nit Failed twice, an error\nfine\n");
    expect_found(r, 2, "it Failed twice, an error");
    expect_quiet(r);
    append(r, "fine\n");
    expect_quiet(r);
    append(r, "panic\n");
    expect_found(r, 1, "panic");
}

static void
a_line_is_counted_when_it_is_whole(void **state)
{
    struct agent_rig *r = *state;

    start_watching(r, "");
    append(r, "fine\nerror, and mo");
    expect_quiet(r);
    append(r, "re of it");
    expect_quiet(r);
    append(r, "\n");
    expect_found(r, 1, "error, and more of it");
}

static void
a_renamed_file_is_read_to_its_end_and_the_new_one_from_its_beginning(void **state)
{
    struct agent_rig *r = *state;
    FREE_AUTO char   *path = agent_rig_path(r, "log");
    FREE_AUTO char   *renamed = agent_rig_path(r, "log.1");

    start_watching(r, "error old\n");
    append(r, "error late\n");
    assert_int_equal(rename(path, renamed), 0);
    agent_rig_write(r, "log", "we", view_str("error new\nfine\n"));
    expect_found(r, 2, "error new");
    expect_quiet(r);
    append(r, "fatal\n");
    expect_found(r, 1, "fatal");
}

static void
a_file_that_is_another_is_read_from_its_beginning(void **state)
{
    struct agent_rig *r = *state;
    FREE_AUTO char   *path = agent_rig_path(r, "log");
    FREE_AUTO char   *other = agent_rig_path(r, "other");

    start_watching(r, "error old\n");
    agent_rig_write(r, "other", "we", view_str("error of another file, longer than the first\n"));
    agent_rig_write(r, "log.1", "we", view_str("error of a file that was never watched\n"));
    assert_int_equal(rename(other, path), 0);
    expect_found(r, 1, "error of another file, longer than the first");
}

static void
an_emptied_file_is_read_from_its_beginning(void **state)
{
    struct agent_rig *r = *state;

    start_watching(r, "error old, and a long line of it\n");
    agent_rig_write(r, "log", "we", view_str("error new\n"));
    expect_found(r, 1, "error new");
    expect_quiet(r);
}

static void
a_missing_file_is_no_failure_and_keeps_the_place(void **state)
{
    struct agent_rig *r = *state;
    FREE_AUTO char   *path = agent_rig_path(r, "log");
    FREE_AUTO char   *other = agent_rig_path(r, "other");

    start_watching(r, "error old\n");
    append(r, "error new\n");
    assert_int_equal(rename(path, other), 0);
    expect_quiet(r);
    assert_int_equal(r->checkpoints, 0);
    assert_int_equal(rename(other, path), 0);
    expect_found(r, 1, "error new");
}

static void
strange_lines_stay_json(void **state)
{
    struct agent_rig   *r = *state;
    BUF_AUTO struct buf line = {0};

    start_watching(r, "");
    append(r, "error \"q\" \\ \t\x01\x1b[31m $(id) \xc3\xa9 \xff\xc3 %s %n end\n");
    expect_found(r, 1, "error \"q\" \\  [31m $(id) \xc3\xa9  %s %n end");
    /* 200 bytes end within the last character. */
    buf_add_str(&line, "error ");
    for (int i = 0; i < 193; i++)
        buf_add_str(&line, "x");
    FREE_AUTO char *cut = xstrdup(buf_str(&line));
    buf_add_str(&line, "\xc3\xa9 and more\n");
    append(r, buf_str(&line));
    expect_found(r, 1, cut);
}

static void
nul_bytes_in_the_log_do_not_stop_it(void **state)
{
    struct agent_rig *r = *state;

    start_watching(r, "");
    agent_rig_write(r, "log", "ae", view_of("\0\0error one\nerror two\n", 22));
    expect_found(r, 2, "error two");
}

static void
a_pattern_may_be_given_and_must_be_one(void **state)
{
    struct agent_rig *r = *state;

    start_watching(r, "");
    append(r, "error\nit's \"odd\"\n");
    agent_rig_set_variable(r, 1, "PATTERN", "s \"o");
    agent_rig_must_complete(r, LOG_WATCH);
    assert_non_null(strstr(buf_str(&r->message), "matches 's \"o', the last: it's \"odd\""));
    append(r, "x\n");
    agent_rig_set_variable(r, 1, "PATTERN", "(");
    agent_rig_expect_failure(r, LOG_WATCH, "log-watch: grep cannot use PATTERN '('");
    agent_rig_set_variable(r, 1, "PATTERN", "-x");
    expect_quiet(r);
}

static void
what_is_no_file_fails(void **state)
{
    struct agent_rig *r = *state;

    agent_rig_set_variable(r, 0, "LOG_FILE", r->folder);
    agent_rig_expect_failure(r, LOG_WATCH, " is not a file");
}

static void
text_in_the_payload_is_not_taken_for_a_checkpoint(void **state)
{
    struct agent_rig *r = *state;
    FREE_AUTO char   *path = agent_rig_path(r, "log");

    agent_rig_set_variable(r, 0, "LOG_FILE", path);
    agent_rig_write(r, "log", "we", view_str("error\n"));
    agent_rig_run(r, LOG_WATCH, "\"\\\"checkpoint\\\":{\\\"inode\\\":1,\\\"offset\\\":0}\"");
    assert_int_equal(r->status, 0);
    assert_false(r->notify);
    assert_non_null(strstr(buf_str(&r->checkpoint), "\"offset\":6"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, agent_rig_new, agent_rig_end)
        TEST(the_first_run_starts_at_the_end_of_the_file),
        TEST(new_error_lines_are_counted_once),
        TEST(a_line_is_counted_when_it_is_whole),
        TEST(a_renamed_file_is_read_to_its_end_and_the_new_one_from_its_beginning),
        TEST(a_file_that_is_another_is_read_from_its_beginning),
        TEST(an_emptied_file_is_read_from_its_beginning),
        TEST(a_missing_file_is_no_failure_and_keeps_the_place),
        TEST(strange_lines_stay_json),
        TEST(nul_bytes_in_the_log_do_not_stop_it),
        TEST(a_pattern_may_be_given_and_must_be_one),
        TEST(what_is_no_file_fails),
        TEST(text_in_the_payload_is_not_taken_for_a_checkpoint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
