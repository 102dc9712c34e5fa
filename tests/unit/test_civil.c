#include "common/civil.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

static void
dates_are_those_of_libc(void **state)
{
    (void)state;
    /* Two cycles and a half around 1970: every rule of leap years, and the time before. */
    for (int64_t days = -500 * 366; days < 500 * 366; days++) {
        time_t    t = days * 86400;
        struct tm tm;

        gmtime_r(&t, &tm);
        struct civil date = civil_from_days(days);
        assert_int_equal(date.year, tm.tm_year + 1900);
        assert_int_equal(date.month, tm.tm_mon + 1);
        assert_int_equal(date.day, tm.tm_mday);
        assert_int_equal(civil_weekday(days), tm.tm_wday);
        assert_true(civil_to_days(date) == days);
    }
}

static void
far_dates_come_back(void **state)
{
    const int64_t far = INT64_MAX / CIVIL_MS_PER_DAY;

    (void)state;
    for (int64_t i = 0; i < 1000; i++) {
        assert_true(civil_to_days(civil_from_days(far - i)) == far - i);
        assert_true(civil_to_days(civil_from_days(i - far)) == i - far);
    }
}

static void
months_end_where_the_next_begins(void **state)
{
    (void)state;
    for (int64_t year = -801; year <= 2401; year++) {
        for (int month = 1; month < 12; month++) {
            struct civil this = {year, month, 1};
            struct civil next = {year, month + 1, 1};
            assert_int_equal(civil_month_days(year, month),
                             civil_to_days(next) - civil_to_days(this));
        }
        assert_int_equal(civil_month_days(year, 12), 31);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_those_of_libc),
        cmocka_unit_test(far_dates_come_back),
        cmocka_unit_test(months_end_where_the_next_begins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
