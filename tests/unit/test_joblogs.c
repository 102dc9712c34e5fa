#include "supervisor/joblogs.h"

#include "common/mp.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char       folder[64], file[128];
static struct buf reply;

static int
begin(void **state)
{
    char sub[96];

    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/agentd-joblogs-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(sub, sizeof(sub), "%s/logs", folder);
    assert_int_equal(mkdir(sub, 0700), 0);
    (void)snprintf(sub, sizeof(sub), "%s/logs/2c", folder);
    assert_int_equal(mkdir(sub, 0700), 0);
    (void)snprintf(file, sizeof(file), "%s/logs/2c/300.log", folder);
    return 0;
}

static int
end(void **state)
{
    char sub[96];

    (void)state;
    (void)unlink(file);
    (void)snprintf(sub, sizeof(sub), "%s/logs/2c", folder);
    assert_int_equal(rmdir(sub), 0);
    (void)snprintf(sub, sizeof(sub), "%s/logs", folder);
    assert_int_equal(rmdir(sub), 0);
    assert_int_equal(rmdir(folder), 0);
    buf_done(&reply);
    return 0;
}

static void
write_log(const char *data, size_t size)
{
    FILE *f = fopen(file, "we");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static bool has_ended = true;

static struct view
piece(uint64_t offset, int64_t *next)
{
    struct err  e;
    struct view text;

    buf_clear(&reply);
    if (joblogs_piece(folder, 300, offset, has_ended, &reply, &e)) fail_msg("%s", e.msg);
    assert_null(mp_check_json(buf_view(&reply)));
    assert_true(mp_find_str(buf_view(&reply), "text", &text));
    assert_true(mp_find_i64(buf_view(&reply), "offset", next));
    return text;
}

static void
a_job_that_wrote_nothing_has_an_empty_log(void **state)
{
    int64_t next;

    (void)state;
    assert_int_equal(piece(0, &next).size, 0);
    assert_int_equal(next, 0);
}

static void
pieces_end_between_characters_and_make_the_whole(void **state)
{
    struct buf whole = {0}, got = {0};
    int64_t    next = 0;

    (void)state;
    while (whole.size < 3 * JOBLOGS_PIECE)
        buf_add_str(&whole, "a€ö\xf0\x9f\x99\x82"); /* 1 to 4 bytes each */
    write_log(whole.data, whole.size);
    while (got.size < whole.size) {
        struct view text = piece((uint64_t)next, &next);

        assert_true(text.size > 0 && text.size <= JOBLOGS_PIECE);
        buf_add_view(&got, text);
        assert_int_equal(next, got.size);
    }
    assert_true(view_eq(buf_view(&got), buf_view(&whole)));
    assert_int_equal(piece((uint64_t)next, &next).size, 0); /* more may come */
    assert_int_equal(piece(10 * JOBLOGS_PIECE, &next).size, 0);
    buf_done(&whole);
    buf_done(&got);
}

static void
bytes_that_are_no_text_are_replaced(void **state)
{
    int64_t next;

    (void)state;
    write_log("a\xff"
              "b\x80\xc3(\xed\xa0\x80",
              9);
    assert_true(view_is(piece(0, &next), "a\ufffd"
                                         "b\ufffd\ufffd(\ufffd\ufffd\ufffd"));
    assert_int_equal(next, 9);
    write_log("end\xe2\x82", 5); /* the rest may come, but not behind the end of the job */
    has_ended = false;
    assert_true(view_is(piece(0, &next), "end"));
    assert_int_equal(next, 3);
    has_ended = true;
    assert_true(view_is(piece(0, &next), "end\ufffd\ufffd"));
    assert_int_equal(next, 5);
}

static void
a_link_in_the_place_of_the_log_is_not_followed(void **state)
{
    struct err e;

    (void)state;
    assert_int_equal(symlink("/etc/passwd", file), 0);
    assert_int_equal(joblogs_piece(folder, 300, 0, true, &reply, &e), E_INTERNAL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_job_that_wrote_nothing_has_an_empty_log, begin, end),
        cmocka_unit_test_setup_teardown(pieces_end_between_characters_and_make_the_whole, begin,
                                        end),
        cmocka_unit_test_setup_teardown(bytes_that_are_no_text_are_replaced, begin, end),
        cmocka_unit_test_setup_teardown(a_link_in_the_place_of_the_log_is_not_followed, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
