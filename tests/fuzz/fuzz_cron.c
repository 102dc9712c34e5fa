/* The first eight bytes are an instant, the next one a zone, the rest an expression: the next time
 * is later and matches what the wall's clock shows there by libc's calendar; in UTC no second of
 * the hours before it does. */
#include "common/cron.h"
#include <assert.h>
#include <string.h>
#include <time.h>

#define LOOK_BACK_SECONDS 7200
#define YEARS_MS          (INT64_C(10000) * 366 * 86400000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct tz utc;
/* Zones that are only a footer. */
static const struct tz kathmandu = {.has_footer = true, .offset = 20700};
static const struct tz new_york = {
    .has_footer = true,
    .has_dst = true,
    .offset = -18000,
    .dst_offset = -14400,
    .start = {TZ_WEEKDAY, .month = 3,  .week = 2, .seconds = 7200},
    .end = {TZ_WEEKDAY, .month = 11, .week = 1, .seconds = 7200},
};
static const struct tz *const zones[] = {&utc, &kathmandu, &new_york};

static int
month_days(const struct tm *tm)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t          year = tm->tm_year + INT64_C(1900);

    if (tm->tm_mon == 1 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) return 29;
    return days[tm->tm_mon];
}

/* Whether nW of some n, or L-nW, may mean this day: a weekday with such an n at most two away. */
static bool
is_near(const struct cron *c, const struct tm *tm)
{
    int length = month_days(tm);

    if (tm->tm_wday == 0 || tm->tm_wday == 6) return false;
    for (int day = tm->tm_mday - 2; day <= tm->tm_mday + 2; day++) {
        if (day < 1 || day > length) continue;
        if (c->near_days >> day & 1 || c->near_last >> (length - day) & 1) return true;
    }
    return false;
}

static bool
matches(const struct cron *c, int64_t local)
{
    time_t    t = local;
    struct tm tm;

    assert(gmtime_r(&t, &tm));
    int  before_last = month_days(&tm) - tm.tm_mday;
    bool day = c->days >> tm.tm_mday & 1 || c->last_days >> before_last & 1 || is_near(c, &tm);
    bool weekday = (c->weekdays | c->nth[(tm.tm_mday - 1) / 7]) >> tm.tm_wday & 1 ||
                   (before_last < 7 && c->last_weekdays >> tm.tm_wday & 1);
    bool date = c->day_star || c->weekday_star ? day && weekday : day || weekday;
    return date && c->seconds >> tm.tm_sec & 1 && c->minutes >> tm.tm_min & 1 &&
           c->hours >> tm.tm_hour & 1 && c->months >> (tm.tm_mon + 1) & 1;
}

static void
check_next(const struct cron *c, const struct tz *z, int64_t after_ms)
{
    int64_t at_ms = cron_next(c, z, 0, after_ms);
    int64_t at = at_ms / 1000, after = after_ms / 1000 - (after_ms % 1000 < 0);
    bool    is_fired = at_ms != -1;

    if (is_fired) {
        bool is_behind_gap =
            z->has_dst && !c->is_wildcard && tz_offset(z, at_ms) != tz_offset(z, at_ms - 1000);

        assert(at_ms > after_ms && at_ms % 1000 == 0);
        assert(is_behind_gap || matches(c, at + tz_offset(z, at_ms)));
    } else {
        at = after + LOOK_BACK_SECONDS;
    }
    if (z->has_dst || c->near_days || c->near_last) return;
    for (int64_t t = at - 1; t > after && t > at - LOOK_BACK_SECONDS; t--)
        assert(!matches(c, t + z->offset));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cron         c;
    struct err          e = {0};
    int64_t             after_ms;
    BUF_AUTO struct buf words = {0};
    const struct tz    *z;

    if (size < sizeof(after_ms) + 1) return 0;
    memcpy(&after_ms, data, sizeof(after_ms));
    z = zones[data[sizeof(after_ms)] % ARRAY_LEN(zones)];
    data += sizeof(after_ms) + 1;
    if (cron_parse(view_of(data, size - sizeof(after_ms) - 1), &c, &e)) {
        assert(e.code == E_BAD_REQUEST && strstr(e.msg, "column "));
        return 0;
    }
    cron_words(&c, &words);
    assert(words.size > 0);
    int64_t at = cron_next(&c, z, 0, after_ms);
    assert(at == -1 || at > after_ms);
    if (c.kind != CRON_FIELDS) return 0;
    assert(c.seconds >> 60 == 0 && c.minutes >> 60 == 0 && c.hours >> 24 == 0);
    assert(!(c.days & 1) && !(c.near_days & 1) && !(c.months & 1) && c.months >> 13 == 0);
    assert(c.weekdays >> 7 == 0 && c.last_weekdays >> 7 == 0);
    check_next(&c, z, after_ms % YEARS_MS);
    return 0;
}
