#include "common/log.h"

#include "common/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int  pipe_ends[2];
static int  real_stderr;
static char line[65536];

/* A packet pipe in place of stderr: one read gives what one write(2) wrote. */
static int
setup(void **state)
{
    (void)state;
    unsetenv("JOURNAL_STREAM");
    real_stderr = dup(STDERR_FILENO);
    if (pipe2(pipe_ends, O_DIRECT | O_NONBLOCK | O_CLOEXEC) != 0) return -1;
    dup2(pipe_ends[1], STDERR_FILENO);
    log_init("test", LOG_LEVEL_DEBUG);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    return 0;
}

/* The packets written so far, as one string; returns how many. */
static int
take(void)
{
    size_t  n = 0;
    int     packets = 0;
    ssize_t got;

    while ((got = read(pipe_ends[0], line + n, sizeof(line) - 1 - n)) > 0) {
        n += (size_t)got;
        packets++;
    }
    line[n] = '\0';
    return packets;
}

static void
line_is_logfmt_in_one_write(void **state)
{
    int ms;

    (void)state;
    log_info("worker started", "worker=%d pid=%d", 3, 77);
    assert_int_equal(take(), 1);
    assert_int_equal(sscanf(line, "time=%*4d-%*2d-%*2dT%*2d:%*2d:%*2d.%3dZ", &ms), 1);
    assert_string_equal(strchr(line, ' '),
                        " level=info program=test msg=\"worker started\" worker=3 pid=77\n");
}

static void
lines_below_the_level_are_dropped(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_WARN);
    log_debug("no", "a=%d", 1);
    log_info("no", "a=%d", 1);
    assert_int_equal(take(), 0);
    log_warn("yes", "a=%d", 1);
    log_error("yes", "a=%d", 1);
    assert_int_equal(take(), 2);
    assert_non_null(strstr(line, "level=warn"));
    assert_non_null(strstr(line, "level=error"));
}

static void
journald_gets_a_level_and_no_time(void **state)
{
    (void)state;
    setenv("JOURNAL_STREAM", "8:1234", 1);
    log_init("test", LOG_LEVEL_DEBUG);
    log_error("lost", "a=%d", 1);
    take();
    assert_string_equal(line, "<3>program=test msg=\"lost\" a=1\n");
    log_debug("lost", "a=%d", 1);
    take();
    assert_string_equal(line, "<7>program=test msg=\"lost\" a=1\n");
}

static void
text_cannot_forge_a_line(void **state)
{
    (void)state;
    log_info("odd", "raw=%s", "a\nlevel=error\x1b[31m\xff\xc2\x9b");
    assert_int_equal(take(), 1);
    assert_non_null(strstr(line, "raw=a\\nlevel=error\\x1b[31m\\xff\\u009b\n"));
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void
long_line_is_cut_and_ends(void **state)
{
    char text[20000];

    (void)state;
    memset(text, '\x01', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_info("long", "a=%s", text);
    assert_true(take() >= 1);
    assert_int_equal(line[strlen(line) - 1], '\n');
    assert_in_range(strlen(line), 8000, 12000);
}

static void
errno_is_kept_and_printed(void **state)
{
    (void)state;
    errno = ENOENT;
    log_info("failed", "why=\"%m\"");
    assert_int_equal(errno, ENOENT);
    take();
    assert_non_null(strstr(line, "why=\"No such file or directory\""));
}

static void
quote_escapes_what_could_end_it(void **state)
{
    (void)state;
    assert_string_equal(log_quote("plain é"), "\"plain é\"");
    assert_string_equal(log_quote("a\"b\\c"), "\"a\\\"b\\\\c\"");
    assert_string_equal(log_quote("\n\t\r\x7f\xe2\x82"), "\"\\n\\t\\x0d\\x7f\\xe2\\x82\"");
    assert_string_equal(log_quote(""), "\"\"");
    assert_string_equal(log_quote(NULL), "\"\"");
}

static void
quoted_text_is_cut_at_1000_bytes(void **state)
{
    char text[5000];

    (void)state;
    memset(text, 'x', sizeof(text));
    text[1000] = '\0';
    assert_int_equal(strlen(log_quote(text)), 1002);
    text[1000] = 'x';
    text[1001] = '\0';
    const char *cut = log_quote(text);
    assert_int_equal(strlen(cut), 1005);
    assert_string_equal(cut + 1001, "...\"");
    memset(text, '\x01', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(strlen(log_quote(text)), 1005);
}

static void
four_quotes_live_side_by_side(void **state)
{
    (void)state;
    const char *a = log_quote("a");
    const char *b = log_quote("b");
    const char *c = log_quote("c");
    const char *d = log_quote("d");
    assert_string_equal(a, "\"a\"");
    assert_string_equal(b, "\"b\"");
    assert_string_equal(c, "\"c\"");
    assert_string_equal(d, "\"d\"");
}

static void
levels_have_words(void **state)
{
    (void)state;
    assert_int_equal(log_level_from("debug"), LOG_LEVEL_DEBUG);
    assert_int_equal(log_level_from("info"), LOG_LEVEL_INFO);
    assert_int_equal(log_level_from("warn"), LOG_LEVEL_WARN);
    assert_int_equal(log_level_from("error"), LOG_LEVEL_ERROR);
    assert_int_equal(log_level_from("warning"), -1);
    assert_int_equal(log_level_from(""), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(line_is_logfmt_in_one_write, setup, teardown),
        cmocka_unit_test_setup_teardown(lines_below_the_level_are_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(journald_gets_a_level_and_no_time, setup, teardown),
        cmocka_unit_test_setup_teardown(text_cannot_forge_a_line, setup, teardown),
        cmocka_unit_test_setup_teardown(long_line_is_cut_and_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(errno_is_kept_and_printed, setup, teardown),
        cmocka_unit_test(quote_escapes_what_could_end_it),
        cmocka_unit_test(quoted_text_is_cut_at_1000_bytes),
        cmocka_unit_test(four_quotes_live_side_by_side),
        cmocka_unit_test(levels_have_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
