#include "common/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
names_are_as_n34_says(void **state)
{
    static const char *const good[] = {"a", "0", "a.b_c-d", "9lives", "a--", "x..y"};
    static const char *const bad[] = {"", ".a", "-a", "_a", "A", "aB", "a b", "a/b", "é", "a\n"};
    char                     text[NAME_MAX_BYTES + 2];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(name_is_valid(view_str(good[i])));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(name_is_valid(view_str(bad[i])));
    assert_false(name_is_valid(view_of("a\0b", 3)));
    assert_false(name_is_valid(view_of(NULL, 0)));
    memset(text, 'x', sizeof(text));
    assert_true(name_is_valid(view_of(text, NAME_MAX_BYTES)));
    assert_false(name_is_valid(view_of(text, NAME_MAX_BYTES + 1)));
}

static void
every_byte_is_allowed_or_not(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char text[2] = {'a', (char)c};
        bool is_listed = c && strchr("abcdefghijklmnopqrstuvwxyz0123456789._-", c);
        assert_int_equal(name_is_valid(view_of(text, 2)), is_listed);
    }
}

static void
split_knows_company_and_bare_name(void **state)
{
    struct view company = view_str("left over");
    struct view name;
    struct err  e;

    (void)state;
    assert_int_equal(name_split(view_str("acme/nightly"), "agent", &company, &name, &e), E_OK);
    assert_true(view_is(company, "acme"));
    assert_true(view_is(name, "nightly"));
    assert_int_equal(name_split(view_str("nightly"), "agent", &company, &name, &e), E_OK);
    assert_int_equal(company.size, 0);
    assert_true(view_is(name, "nightly"));
}

static void
bad_split_names_the_field_and_leaves_outputs(void **state)
{
    static const char *const bad[] = {"", "/", "a/", "/a", "a/b/c", "A/b", "a/B", "a//b", " a"};
    struct view              company = view_str("c");
    struct view              name = view_str("n");
    struct err               e;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        memset(&e, 0, sizeof(e));
        assert_int_equal(name_split(view_str(bad[i]), "agent", &company, &name, &e), E_BAD_REQUEST);
        assert_string_equal(e.field, "agent");
        assert_true(view_is(company, "c"));
        assert_true(view_is(name, "n"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_as_n34_says),
        cmocka_unit_test(every_byte_is_allowed_or_not),
        cmocka_unit_test(split_knows_company_and_bare_name),
        cmocka_unit_test(bad_split_names_the_field_and_leaves_outputs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
