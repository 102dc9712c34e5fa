#include "common/civil.h"

#include <assert.h>
#include <stdbool.h>

#define CYCLE_DAYS 146097
/* From 0000-03-01, where the cycles below begin, to 1970-01-01. */
#define EPOCH_DAYS 719468

static int64_t
floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static bool
is_leap_year(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Years are counted from March, so that the leap day is the last of its year and the months before
 * any other have (153 m + 2) / 5 days together. */
int64_t
civil_to_days(struct civil date)
{
    assert(date.day >= 1 && date.day <= civil_month_days(date.year, date.month));
    int64_t year = date.year - (date.month <= 2);
    int64_t cycle = floor_div(year, CIVIL_CYCLE_YEARS);
    int64_t y = year - cycle * CIVIL_CYCLE_YEARS;
    int64_t m = (date.month + 9) % 12;
    int64_t day_of_year = (153 * m + 2) / 5 + date.day - 1;
    return cycle * CYCLE_DAYS + y * 365 + y / 4 - y / 100 + day_of_year - EPOCH_DAYS;
}

struct civil
civil_from_days(int64_t days)
{
    int64_t cycle = floor_div(days + EPOCH_DAYS, CYCLE_DAYS);
    int64_t d = days + EPOCH_DAYS - cycle * CYCLE_DAYS;
    /* Takes out the leap days before d: one in 1,461 days, but for centuries, but for the last. */
    int64_t y = (d - d / 1460 + d / 36524 - d / (CYCLE_DAYS - 1)) / 365;
    int64_t day_of_year = d - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * day_of_year + 2) / 153;
    int     month = (int)(m < 10 ? m + 3 : m - 9);

    return (struct civil){
        .year = cycle * CIVIL_CYCLE_YEARS + y + (month <= 2),
        .month = month,
        .day = (int)(day_of_year - (153 * m + 2) / 5 + 1),
    };
}

int
civil_month_days(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    assert(month >= 1 && month <= 12);
    return days[month - 1] + (month == 2 && is_leap_year(year));
}

int
civil_weekday(int64_t days)
{
    int64_t since_sunday = (days + 4) % 7; /* 1970-01-01 was a Thursday */

    return (int)(since_sunday < 0 ? since_sunday + 7 : since_sunday);
}
