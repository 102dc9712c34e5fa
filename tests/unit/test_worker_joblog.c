#include "common/mem.h"
#include "worker/joblog.h"
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define T1 1795253400123LL /* 2026-11-21T09:30:00.123Z */

static char folder[64];

static int
begin(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/test_joblog.XXXXXX"); /* fits */
    return mkdtemp(folder) ? 0 : -1;
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

static int
end(void **state)
{
    (void)state;
    return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* The text of the log file; the caller frees. */
static char *
text_of(const char *name)
{
    FREE_AUTO char     *path = xasprintf("%s/%s", folder, name);
    BUF_AUTO struct buf text = {0};
    ssize_t             n;
    int                 fd = open(path, O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    do {
        buf_reserve(&text, 65536);
        n = read(fd, text.data + text.size, text.cap - text.size);
        if (n > 0) text.size += (size_t)n;
    } while (n > 0);
    close(fd);
    return view_dup(buf_view(&text));
}

static void
must_flush(struct joblog *l)
{
    struct err e;

    assert_int_equal(joblog_flush(l, &e), E_OK);
}

static void
a_line_has_time_attempt_stream_and_text(void **state)
{
    struct joblog l;
    struct stat   st;

    (void)state;
    joblog_init(&l, folder, 511, 2, JOBLOG_MAX_DEFAULT);
    joblog_add(&l, T1, "out", view_str("hello"));
    joblog_add(&l, T1 + 1, "err", view_of("a\0b", 3));
    joblog_add(&l, T1 - 123, "warn", view_str(""));
    must_flush(&l);
    joblog_done(&l);
    FREE_AUTO char *text = text_of("ff/511.log");
    assert_string_equal(text, "2026-11-21T09:30:00.123Z 2 out hello\n"
                              "2026-11-21T09:30:00.124Z 2 err a?b\n"
                              "2026-11-21T09:30:00.000Z 2 warn \n");
    FREE_AUTO char *path = xasprintf("%s/ff/511.log", folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void
a_job_that_writes_nothing_has_no_file(void **state)
{
    FREE_AUTO char *path = xasprintf("%s/07", folder);
    struct joblog   l;

    (void)state;
    joblog_init(&l, folder, 7, 1, JOBLOG_MAX_DEFAULT);
    must_flush(&l);
    joblog_done(&l);
    assert_int_not_equal(access(path, F_OK), 0);
}

/* A line that fits to the byte is kept, the next one is the note, and no attempt adds to that. */
static void
the_limit_counts_over_all_attempts(void **state)
{
    static const char *const wanted[] = {
        "2026-11-21T09:30:00.123Z 1 out 12345678\n",
        "2026-11-21T09:30:00.123Z 2 out 12345678\n",
        "2026-11-21T09:30:00.123Z 3 log log limit reached; later lines are discarded\n",
        "",
    };
    BUF_AUTO struct buf all = {0};
    struct joblog       l;

    (void)state;
    for (uint64_t attempt = 1; attempt <= ARRAY_LEN(wanted); attempt++) {
        joblog_init(&l, folder, 1, attempt, 80);
        joblog_add(&l, T1, "out", view_str("12345678")); /* 40 bytes with its newline */
        must_flush(&l);
        joblog_done(&l);
        buf_add_str(&all, wanted[attempt - 1]);
        FREE_AUTO char *text = text_of("01/1.log");
        assert_string_equal(text, buf_str(&all));
    }
}

static void
after_the_limit_nothing_is_kept(void **state)
{
    struct joblog l;

    (void)state;
    joblog_init(&l, folder, 1, 1, 100);
    for (int i = 0; i < 1000; i++)
        joblog_add(&l, T1, "out", view_str("12345678"));
    assert_true(l.pending.size < 200);
    must_flush(&l);
    joblog_done(&l);
    FREE_AUTO char *text = text_of("01/1.log");
    assert_string_equal(text, "2026-11-21T09:30:00.123Z 1 out 12345678\n"
                              "2026-11-21T09:30:00.123Z 1 out 12345678\n"
                              "2026-11-21T09:30:00.123Z 1 log log limit reached; later lines are "
                              "discarded\n");
}

static void
a_broken_log_says_so_once_and_discards(void **state)
{
    FREE_AUTO char *path = xasprintf("%s/01", folder);
    struct joblog   l;
    struct err      e;

    (void)state;
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600); /* a file, where a folder must be */
    assert_true(fd >= 0);
    close(fd);
    joblog_init(&l, folder, 257, 1, JOBLOG_MAX_DEFAULT);
    joblog_add(&l, T1, "out", view_str("x"));
    assert_int_not_equal(joblog_flush(&l, &e), E_OK);
    assert_non_null(strstr(e.msg, "log of job 257"));
    joblog_add(&l, T1, "out", view_str("x"));
    must_flush(&l);
    joblog_done(&l);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_has_time_attempt_stream_and_text), TEST(a_job_that_writes_nothing_has_no_file),
        TEST(the_limit_counts_over_all_attempts),      TEST(after_the_limit_nothing_is_kept),
        TEST(a_broken_log_says_so_once_and_discards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
