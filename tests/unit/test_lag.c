#include "supervisor/lag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
percentiles_are_within_a_power_of_two(void **state)
{
    struct lag l = {0};

    (void)state;
    assert_int_equal(lag_percentile_us(&l, 99), 0);
    for (int i = 0; i < 990; i++)
        lag_note(&l, 100, 1);
    for (int i = 0; i < 10; i++)
        lag_note(&l, 5000, 1);
    assert_in_range(lag_percentile_us(&l, 50), 100, 199);
    assert_in_range(lag_percentile_us(&l, 99), 100, 199);
    assert_int_equal(lag_percentile_us(&l, 100), 5000); /* not above the worst */
    assert_int_equal(lag_worst_us(&l), 5000);
    lag_note(&l, -5, 1); /* clocks may be read out of order */
    lag_note(&l, INT64_MAX, 1);
    assert_int_equal(lag_worst_us(&l), INT64_MAX);
}

static void
what_is_two_windows_old_is_forgotten(void **state)
{
    struct lag l = {0};

    (void)state;
    lag_note(&l, 9000, LAG_WINDOW_MS);
    lag_note(&l, 10, 2 * LAG_WINDOW_MS);
    assert_int_equal(lag_worst_us(&l), 9000);
    lag_note(&l, 10, 3 * LAG_WINDOW_MS);
    assert_int_equal(lag_worst_us(&l), 10);
    assert_in_range(lag_percentile_us(&l, 100), 10, 16);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_within_a_power_of_two),
        cmocka_unit_test(what_is_two_windows_old_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
