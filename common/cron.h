/* cron - 5-field cron expressions in UTC: parse, next time, words.
 *
 * The rules are Vixie cron's: minute hour day-of-month month day-of-week; names, ranges, steps and
 * lists; when both day fields are restricted (do not begin with '*') either may match, otherwise
 * both must.  Macros @hourly @daily @midnight @weekly @monthly @yearly @annually. */
#ifndef COMMON_CRON_H
#define COMMON_CRON_H

#include "common/buf.h"
#include "common/err.h"
#include <stdbool.h>
#include <stdint.h>

struct cron {
    uint64_t minutes; /* bit n: minute n */
    uint32_t hours;
    uint32_t days;     /* bit 1–31 */
    uint16_t months;   /* bit 1–12 */
    uint8_t  weekdays; /* bit 0–6, Sunday is 0 (7 is taken as 0) */
    bool     day_star; /* day of month begins with '*' */
    bool     weekday_star;
};

/* E_BAD_REQUEST names the field ("minute", "hour", "day of month", "month", "day of week") and the
 * column, counted from 1. */
enum errc cron_parse(struct view text, struct cron *out, struct err *e) MUST_CHECK;
/* The first matching minute strictly after `after_ms` (Unix ms, UTC); -1 when there is none within
 * the Gregorian calendar's 400-year cycle ("never").  Bounded: it walks days, not minutes. */
int64_t cron_next(const struct cron *c, int64_t after_ms);
/* The expression in words: "at minute 0 of every hour on Monday". */
void cron_words(const struct cron *c, struct buf *out);

#endif
