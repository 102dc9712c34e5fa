#include "common/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
allocators_take_size_zero(void **state)
{
    void *a = xmalloc(0);
    void *b = xcalloc(0, 8);
    void *c = xrealloc(NULL, 0);

    (void)state;
    assert_non_null(a);
    assert_non_null(b);
    assert_non_null(c);
    free(a);
    free(b);
    free(c);
}

static void
copies_are_copies(void **state)
{
    FREE_AUTO char *whole = xstrdup("text");
    FREE_AUTO char *part = xstrndup("text", 2);
    FREE_AUTO char *printed = xasprintf("%s-%d", "text", 5);

    (void)state;
    assert_string_equal(whole, "text");
    assert_string_equal(part, "te");
    assert_string_equal(printed, "text-5");
}

static void
views_compare_by_bytes(void **state)
{
    (void)state;
    assert_true(view_eq(view_of(NULL, 0), view_str("")));
    assert_true(view_eq(view_of("a\0b", 3), view_of("a\0b", 3)));
    assert_false(view_eq(view_of("a\0b", 3), view_of("a\0c", 3)));
    assert_false(view_eq(view_str("ab"), view_str("abc")));
    assert_true(view_is(view_of("abc", 2), "ab"));
    assert_false(view_is(view_of("ab", 2), "abc"));
    assert_true(view_is(view_str(NULL), ""));
}

static void
view_dup_keeps_nul_bytes_and_ends_with_one(void **state)
{
    FREE_AUTO char *copy = view_dup(view_of("a\0b", 3));
    FREE_AUTO char *empty = view_dup(view_of(NULL, 0));

    (void)state;
    assert_memory_equal(copy, "a\0b", 4);
    assert_string_equal(empty, "");
}

static void
arena_memory_is_aligned_and_stays_where_it_is(void **state)
{
    struct arena a;
    char        *given[600];

    (void)state;
    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(given); i++) {
        given[i] = arena_alloc(&a, i * 7);
        assert_int_equal((uintptr_t)given[i] % 16, 0);
        memset(given[i], (int)(i % 251), i * 7);
    }
    for (size_t i = 0; i < ARRAY_LEN(given); i++) {
        for (size_t j = 0; j < i * 7; j++)
            assert_int_equal((unsigned char)given[i][j], i % 251);
    }
    arena_done(&a);
}

static void
arena_serves_more_than_a_block(void **state)
{
    struct arena a;
    size_t       size = 3 << 20;

    (void)state;
    arena_init(&a);
    char *big = arena_alloc(&a, size);
    memset(big, 1, size);
    char *small = arena_alloc(&a, 1);
    *small = 2;
    assert_int_equal(big[size - 1], 1);
    arena_done(&a);
}

static void
reset_arena_reuses_its_block(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a);
    arena_reset(&a);
    for (int i = 0; i < 100; i++)
        (void)arena_alloc(&a, 1000);
    arena_reset(&a);
    char *first = arena_alloc(&a, 100);
    arena_reset(&a);
    assert_ptr_equal(arena_alloc(&a, 100), first);
    arena_done(&a);
    assert_non_null(arena_alloc(&a, 1));
    arena_done(&a);
}

static void
arena_copies_and_prints(void **state)
{
    struct arena a;
    char         text[] = "borrowed";

    (void)state;
    arena_init(&a);
    struct view copy = arena_copy(&a, view_str(text));
    char       *printed = arena_printf(&a, "%s %d", text, 12345);
    text[0] = 'B';
    assert_true(view_is(copy, "borrowed"));
    assert_string_equal(printed, "borrowed 12345");
    assert_int_equal(arena_copy(&a, view_of(NULL, 0)).size, 0);
    arena_done(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocators_take_size_zero),
        cmocka_unit_test(copies_are_copies),
        cmocka_unit_test(views_compare_by_bytes),
        cmocka_unit_test(view_dup_keeps_nul_bytes_and_ends_with_one),
        cmocka_unit_test(arena_memory_is_aligned_and_stays_where_it_is),
        cmocka_unit_test(arena_serves_more_than_a_block),
        cmocka_unit_test(reset_arena_reuses_its_block),
        cmocka_unit_test(arena_copies_and_prints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
