/* The first eight bytes are an instant, the rest an expression: the next time is later, on a
 * minute, and matches by libc's calendar; no minute of the day before it does. */
#include "common/cron.h"
#include <assert.h>
#include <string.h>
#include <time.h>

#define MINUTE_MS INT64_C(60000)
#define YEARS_MS  (INT64_C(10000) * 366 * 86400000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
matches(const struct cron *c, int64_t at_ms)
{
    time_t    t = at_ms / 1000;
    struct tm tm;

    assert(gmtime_r(&t, &tm));
    bool day = c->days >> tm.tm_mday & 1;
    bool weekday = c->weekdays >> tm.tm_wday & 1;
    bool date = c->day_star || c->weekday_star ? day && weekday : day || weekday;
    return date && c->minutes >> tm.tm_min & 1 && c->hours >> tm.tm_hour & 1 &&
           c->months >> (tm.tm_mon + 1) & 1;
}

static void
check_next(const struct cron *c, int64_t after_ms)
{
    int64_t at = cron_next(c, after_ms);
    int64_t first = after_ms - after_ms % MINUTE_MS + (after_ms % MINUTE_MS < 0 ? 0 : MINUTE_MS);

    if (at >= 0 || at % MINUTE_MS == 0) {
        assert(at > after_ms && at % MINUTE_MS == 0 && matches(c, at));
    } else {
        assert(at == -1);
        at = first + 1440 * MINUTE_MS;
    }
    for (int64_t t = at - MINUTE_MS; t >= first && t > at - 1440 * MINUTE_MS; t -= MINUTE_MS)
        assert(!matches(c, t));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cron         c;
    struct err          e = {0};
    int64_t             after_ms;
    BUF_AUTO struct buf words = {0};

    if (size < sizeof(after_ms)) return 0;
    memcpy(&after_ms, data, sizeof(after_ms));
    if (cron_parse(view_of(data + sizeof(after_ms), size - sizeof(after_ms)), &c, &e)) {
        assert(e.code == E_BAD_REQUEST && strstr(e.msg, "column "));
        return 0;
    }
    assert(c.minutes >> 60 == 0 && c.hours >> 24 == 0 && !(c.days & 1) && !(c.months & 1));
    assert(c.months >> 13 == 0 && c.weekdays >> 7 == 0);
    cron_words(&c, &words);
    assert(words.size > 0);
    check_next(&c, after_ms % YEARS_MS);
    int64_t at = cron_next(&c, after_ms);
    assert(at == -1 || at > after_ms);
    return 0;
}
