/* A file sink whose disk is full: a limit on the file's size cuts a write short as it does. */
#include "common/mem.h"
#include "worker/delivery/sinkfile.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#define LINE_1 "{\"effect_id\":1,\"content\":\"hi\"}\n"
#define LINE_2 "{\"effect_id\":2,\"content\":\"hi\"}\n"

static char path[64];

static int
start(void **state)
{
    int fd;

    (void)state;
    (void)snprintf(path, sizeof(path), "/tmp/agentd-sinkfile.XXXXXX"); /* fits */
    fd = mkstemp(path);
    return fd < 0 || close(fd) != 0;
}

static int
stop(void **state)
{
    (void)state;
    return unlink(path);
}

/* No file may be larger than this meanwhile. */
static void
append(const char *line, rlim_t bytes_max, const char *outcome, const char *part)
{
    BUF_AUTO struct buf out = {0};
    struct rlimit       before, limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = bytes_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    sinkfile_append(path, view_str(line), &out);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    if (!strstr(buf_str(&out), outcome) || !strstr(buf_str(&out), part))
        fail_msg("%s has no %s, or no %s", buf_str(&out), outcome, part);
}

static void
expect_file(const char *wanted)
{
    char    text[256];
    int     fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, text, sizeof(text) - 1);

    assert_true(n >= 0);
    assert_int_equal(close(fd), 0);
    text[n] = '\0';
    assert_string_equal(text, wanted);
}

static void
a_part_of_a_line_is_taken_back(void **state)
{
    (void)state;
    append(LINE_1, 1000, "\"delivered\"", "offset 0");
    for (rlim_t room = 1; room < strlen(LINE_2); room++) {
        append(LINE_2, strlen(LINE_1) + room, "\"failed\"", "taken back");
        expect_file(LINE_1);
    }
    append(LINE_2, 1000, "\"delivered\"", "offset 31");
    expect_file(LINE_1 LINE_2);
}

static void
a_torn_line_of_another_is_not_taken_back(void **state)
{
    (void)state;
    append("{\"effect", 1000, "\"delivered\"", "offset 0");
    append(LINE_2, 20, "\"failed\"", "taken back");
    expect_file("{\"effect\n");
}

static void
without_any_room_nothing_is_written(void **state)
{
    (void)state;
    append(LINE_1, 1000, "\"delivered\"", "offset 0");
    append(LINE_2, strlen(LINE_1), "\"failed\"", "write");
    expect_file(LINE_1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
        TEST(a_part_of_a_line_is_taken_back),
        TEST(a_torn_line_of_another_is_not_taken_back),
        TEST(without_any_room_nothing_is_written),
    };

    (void)signal(SIGXFSZ, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
