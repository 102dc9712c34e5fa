#include "common/ranks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
a_percentile_is_the_value_of_the_nearest_rank(void **state)
{
    int64_t two[] = {9, 1}, hundred[100];

    (void)state;
    ranks_sort(NULL, 0);
    assert_int_equal(rank_of(NULL, 0, 50), 0);
    ranks_sort(two, 2);
    assert_int_equal(rank_of(two, 2, 50), 1);
    assert_int_equal(rank_of(two, 2, 99), 9);
    for (int i = 0; i < 100; i++)
        hundred[i] = 100 - i;
    ranks_sort(hundred, 100);
    assert_int_equal(rank_of(hundred, 100, 50), 50);
    assert_int_equal(rank_of(hundred, 100, 95), 95);
    assert_int_equal(rank_of(hundred, 100, 100), 100);
    assert_int_equal(rank_of(hundred, 1, 1), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_percentile_is_the_value_of_the_nearest_rank),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
