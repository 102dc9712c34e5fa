#include "proto/handler_line.h"
#include "worker/lines.h"
#include "worker/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct lines l;
static struct buf   got; /* every line, each behind its size: "3:abc " */
static size_t       last_size;

static int
begin(void **state)
{
    (void)state;
    lines_init(&l, true);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    lines_done(&l);
    buf_done(&got);
    return 0;
}

static void
take(void *arg, struct view line)
{
    assert_ptr_equal(arg, &l);
    last_size = line.size;
    buf_printf(&got, "%zu:%.*s ", line.size, line.size < 100 ? (int)line.size : 0,
               line.size ? line.data : "");
}

static void
feed(const char *text)
{
    lines_feed(&l, view_str(text), take, &l);
}

static void
lines_come_whole_however_they_are_cut(void **state)
{
    static const char text[] = "one\n\n  two\n{\"a\":1}\nlast";

    (void)state;
    for (size_t chunk = 1; chunk < sizeof(text); chunk++) {
        for (size_t at = 0; at < sizeof(text) - 1; at += chunk) {
            size_t left = sizeof(text) - 1 - at;

            lines_feed(&l, view_of(text + at, left < chunk ? left : chunk), take, &l);
        }
        lines_end(&l, take, &l);
        assert_string_equal(buf_str(&got), "3:one 0: 5:  two 7:{\"a\":1} 4:last ");
        buf_clear(&got);
    }
    lines_end(&l, take, &l); /* nothing is left */
    assert_int_equal(got.size, 0);
}

static void
feed_many(char c, size_t count)
{
    FREE_AUTO char *text = xmalloc(count);

    memset(text, c, count);
    lines_feed(&l, view_of(text, count), take, &l);
}

static void
a_flood_without_a_newline_is_cut_once(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        feed_many('x', 65536);
    assert_int_equal(last_size, LOG_LINE_MAX);
    assert_true(l.part.cap <= 4 * LOG_LINE_MAX);
    feed("rest\nnext\n");
    assert_string_equal(buf_str(&got), "65536: 4:next ");
}

static void
a_line_that_is_protocol_may_be_longer(void **state)
{
    (void)state;
    feed(" ");
    feed("{");
    feed_many('x', HANDLER_LINE_MAX - 2);
    feed("\n");
    assert_int_equal(last_size, HANDLER_LINE_MAX);
    feed("{");
    feed_many('x', 2 * HANDLER_LINE_MAX);
    feed("\n");
    assert_int_equal(last_size, HANDLER_LINE_MAX + 1); /* so that it can be seen to be too long */

    lines_done(&l);
    lines_init(&l, false);
    feed("{");
    feed_many('x', 100000);
    feed("\nnext\n");
    assert_non_null(strstr(buf_str(&got), " 65536: 4:next "));
}

/* Exactly at the limit nothing is dropped, one byte more is; whole or in parts. */
static void
the_limit_is_exact(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        for (size_t parts = 0; parts < 2; parts++) {
            FREE_AUTO char *line = xmalloc(LOG_LINE_MAX + 2);
            size_t          size = LOG_LINE_MAX + more;

            memset(line, 'y', size);
            line[size] = '\n';
            size_t first = parts ? 1000 : 0;
            lines_feed(&l, view_of(line, first), take, &l);
            lines_feed(&l, view_of(line + first, size + 1 - first), take, &l);
            assert_string_equal(buf_str(&got), "65536: ");
            buf_clear(&got);
            feed("z\n");
            assert_string_equal(buf_str(&got), "1:z ");
            buf_clear(&got);
        }
    }
}

static void
expect_clean(struct view v, const char *wanted)
{
    BUF_AUTO struct buf out = {0};

    text_clean(v, &out);
    assert_string_equal(buf_str(&out), wanted);
    assert_int_equal(out.size, v.size);
}

static void
clean_text_is_utf8_without_control_characters(void **state)
{
    (void)state;
    expect_clean(view_str(""), "");
    expect_clean(view_str("a\tb \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"),
                 "a\tb \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
    expect_clean(view_of("\0\n\r\x1b[1m\x7f", 8), "????[1m?");
    expect_clean(view_str("\xff\xc3"), "??");
    expect_clean(view_str("\xc0\xaf\xed\xa0\x80x"), "?????x"); /* overlong; a surrogate */
    expect_clean(view_str("\xe2\x82x"), "??x");
}

static void
text_is_cut_between_characters(void **state)
{
    struct view v = view_str("ab\xe2\x82\xac");

    (void)state;
    assert_int_equal(text_cut(v, 9).size, 5);
    assert_int_equal(text_cut(v, 5).size, 5);
    assert_int_equal(text_cut(v, 4).size, 2);
    assert_int_equal(text_cut(v, 3).size, 2);
    assert_int_equal(text_cut(v, 2).size, 2);
    assert_int_equal(text_cut(view_str("\x80\x80\x80"), 2).size, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_come_whole_however_they_are_cut),
        TEST(a_flood_without_a_newline_is_cut_once),
        TEST(a_line_that_is_protocol_may_be_longer),
        TEST(the_limit_is_exact),
        TEST(clean_text_is_utf8_without_control_characters),
        TEST(text_is_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
