/* civil - dates of the proleptic Gregorian calendar as days since 1970-01-01, without time zones.
 */
#ifndef COMMON_CIVIL_H
#define COMMON_CIVIL_H

#include <stdint.h>

#define CIVIL_MS_PER_DAY INT64_C(86400000)
/* After so many years dates and weekdays repeat exactly (146,097 days, a whole number of weeks). */
#define CIVIL_CYCLE_YEARS 400

struct civil {
    int64_t year;
    int     month; /* 1–12 */
    int     day;   /* 1–31 */
};

int64_t      civil_to_days(struct civil date); /* the date must exist */
struct civil civil_from_days(int64_t days);
int          civil_month_days(int64_t year, int month); /* 28–31 */
int          civil_weekday(int64_t days);               /* 0–6, Sunday is 0 */

#endif
