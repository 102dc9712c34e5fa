/* The path and the query of a request: a part of a path is one part, whatever it stands for. */
#include "tools/gateway/target.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct target  target;
static struct refusal no;

static bool
is_taken(const char *text)
{
    no = (struct refusal){0};
    return target_read(view_str(text), &target, &no);
}

static void
a_path_ends_at_its_question_mark(void **state)
{
    (void)state;
    assert_true(is_taken("/"));
    assert_true(view_is(target.path, "/") && target.query.size == 0);
    assert_true(is_taken("/a/b?c=/../d?e"));
    assert_true(view_is(target.path, "/a/b") && view_is(target.query, "c=/../d?e"));
    assert_true(is_taken("/a?"));
    assert_true(view_is(target.path, "/a") && target.query.size == 0);
}

static void
what_another_reader_could_make_another_path_of_is_refused(void **state)
{
    static const char *const bad[] = {
        "//",     "/a//b",      "/a/",     "/./a",      "/a/.",   "/a/../b", "/..",
        "/%2e",   "/a/%2E%2e/", "/a/.%2e", "/a/%2e./b", "//?a=b", "a",       "",
        "/a+b",   "/a;b",       "/a&b",    "/a#b",      "/a%",    "/a%2",    "/a%zz",
        "/a%00b", "/a%0d",      "/a%7f",   "/a?b=%0a",  "/a?%",   "/a?b#c"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (is_taken(bad[i])) fail_msg("taken: %s", bad[i]);
        assert_int_equal(no.status, 400);
        assert_string_not_equal(no.error.msg, "");
    }
}

static void
dots_and_slashes_within_a_part_are_of_it(void **state)
{
    static const char *const good[] = {"/...",    "/a/.b",          "/a../b",
                                       "/..%2fx", "/a%2F%2Fb",      "/%2F",
                                       "/a%2f..", "/w%2F..%2Fe/ws", "/%252e%252e"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        if (!is_taken(good[i])) fail_msg("%s: %s", good[i], no.error.msg);
    }
}

static void
a_part_is_decoded_once_and_a_plus_in_it_is_one(void **state)
{
    BUF_AUTO struct buf out = {0};

    (void)state;
    target_decode(view_str("..%2Fx%252F%C3%A4%2b%26~"), &out);
    assert_string_equal(buf_str(&out), "../x%2F\xc3\xa4+&~");
}

static void
arguments_are_taken_one_by_one(void **state)
{
    static const char *const wanted[][2] = {
        {"a",  "1"     },
        {"b",  ""      },
        {"c",  "x y=&;"},
        {"d=", "/../"  }
    };
    struct target_argument a = {0};
    struct view            query = view_str("&a=1&&b&c=x+y%3d%26;&d%3D=/../&");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        assert_true(target_next(&query, &a));
        assert_string_equal(buf_str(&a.name), wanted[i][0]);
        assert_string_equal(buf_str(&a.value), wanted[i][1]);
    }
    assert_false(target_next(&query, &a));
    target_argument_done(&a);
}

static enum errc
take(const char *query, struct err *e)
{
    struct target_wanted wanted[] = {{.name = "since"}, {.name = "topic"}};
    enum errc            failed = target_take(view_str(query), wanted, ARRAY_LEN(wanted), e);

    if (!failed && wanted[0].is_there) assert_string_equal(buf_str(&wanted[0].value), "0");
    assert_true(failed || !wanted[1].is_there || wanted[1].value.size == 0);
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        buf_done(&wanted[i].value);
    return failed;
}

static void
an_argument_that_is_not_asked_for_or_comes_twice_is_refused(void **state)
{
    static const char *const bad[] = {"sinc=0", "since=0&since=0", "topic=&x", "since=%ff", "=0"};
    struct err               e;

    (void)state;
    assert_int_equal(take("", &e), E_OK);
    assert_int_equal(take("topic=&since=0", &e), E_OK);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(take(bad[i], &e), E_BAD_REQUEST);
    assert_int_equal(take("sinc=0", &e), E_BAD_REQUEST);
    assert_string_equal(e.field, "sinc");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_ends_at_its_question_mark),
        cmocka_unit_test(what_another_reader_could_make_another_path_of_is_refused),
        cmocka_unit_test(dots_and_slashes_within_a_part_are_of_it),
        cmocka_unit_test(a_part_is_decoded_once_and_a_plus_in_it_is_one),
        cmocka_unit_test(arguments_are_taken_one_by_one),
        cmocka_unit_test(an_argument_that_is_not_asked_for_or_comes_twice_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
