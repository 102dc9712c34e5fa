/* cron - cron expressions: parse, next time in a time zone, words.
 *
 * minute hour day-of-month month day-of-week, with seconds before them when there are six fields;
 * names, ranges, steps and lists as in Vixie cron.  When both day fields are restricted (do not
 * begin with '*' or '?') either may match, otherwise both must.
 *
 * Days of the month also: L the last one, L-3 the third before it, 15W the weekday (Monday to
 * Friday) of the same month nearest to the 15th, LW the last weekday.  Days of the week also: 5L or
 * friL the last Friday, fri#2 the second.  '?' is '*' in the day fields.
 *
 * Instead of fields: @hourly @daily @midnight @weekly @monthly @yearly @annually, @reboot, or
 * "every 90s". */
#ifndef COMMON_CRON_H
#define COMMON_CRON_H

#include "common/buf.h"
#include "common/err.h"
#include "common/tz.h"
#include <stdbool.h>
#include <stdint.h>

#define CRON_EVERY_MS_MIN 1000 /* of "every D" */

struct cron {
    enum { CRON_FIELDS, CRON_EVERY, CRON_REBOOT } kind; /* only the first has the fields */
    int64_t every_ms;                                   /* CRON_EVERY */

    uint64_t seconds; /* bit n: second n; of five fields: second 0 */
    uint64_t minutes;
    uint32_t hours;
    uint32_t days;          /* bit 1–31 */
    uint32_t last_days;     /* bit n: L-n, bit 0: L */
    uint32_t near_days;     /* bit n: nW */
    uint32_t near_last;     /* bit n: L-nW, bit 0: LW */
    uint16_t months;        /* bit 1–12 */
    uint8_t  weekdays;      /* bit 0–6, Sunday is 0 (7 is taken as 0) */
    uint8_t  last_weekdays; /* bit n: nL */
    uint8_t  nth[5];        /* bit n of nth[0]: n#1 */
    bool     day_star;      /* day of month begins with '*' or '?' */
    bool     weekday_star;
    bool     is_wildcard; /* the minute or the hour begins with '*' */
};

/* Full English names: January is 0; Sunday is 0 and 7. */
extern const char *const cron_month_names[12];
extern const char *const cron_weekday_names[8];

/* E_BAD_REQUEST names the field ("second", "minute", "hour", "day of month", "month", "day of
 * week", "every") and the column, counted from 1. */
enum errc cron_parse(struct view text, struct cron *out, struct err *e) MUST_CHECK;

/* The first firing strictly after `after_ms` (Unix ms); -1 when there is none within the Gregorian
 * calendar's 400-year cycle ("never"), and for @reboot, which no clock decides.
 *
 * Fields are local time of the zone (C2).  Without a wildcard ('*' at the beginning of the minute
 * or the hour) a local time that does not exist fires at the first instant behind the gap, several
 * of one gap once, and one that occurs twice fires the first time.  With a wildcard every instant
 * that matches fires.  Intervals count from `anchor_ms`: anchor + n·D, n ≥ 1; nothing else uses it.
 * Bounded: it walks months and changes of the zone's offset, not seconds. */
int64_t cron_next(const struct cron *c, const struct tz *z, int64_t anchor_ms, int64_t after_ms);

/* The one minute of the hour at which all times of an expression of fields lie; -1: it has several,
 * or is none of fields. */
int cron_fixed_minute(const struct cron *c);
/* The same expression with another minute (0–59), for one whose minute is fixed: a macro as its
 * fields, these apart by a space each. */
void cron_put_minute(struct view text, int minute, struct buf *out);

/* The expression in words: "at minute 0 of every hour on Monday". */
void cron_words(const struct cron *c, struct buf *out);

#endif
