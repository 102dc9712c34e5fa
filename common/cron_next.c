#include "common/cron.h"

#include "common/civil.h"
#include <assert.h>

#define DAY_SECONDS 86400
#define NEVER       INT64_MAX

/* ---- which days of a month ---------------------------------------------------- */

struct month {
    int64_t year;
    int     month;
    int     length;
    int     weekday; /* of the first day */
};

static struct month
month_of(int64_t year, int month)
{
    return (struct month){
        .year = year,
        .month = month,
        .length = civil_month_days(year, month),
        .weekday = civil_weekday(civil_to_days((struct civil){year, month, 1})),
    };
}

/* The weekday (Monday to Friday) of the month that is nearest to a day of it. */
static int
nearest_weekday(const struct month *m, int day)
{
    switch ((m->weekday + day - 1) % 7) {
    case 6: return day > 1 ? day - 1 : day + 2;
    case 0: return day < m->length ? day + 1 : day - 2;
    default: return day;
    }
}

static uint32_t
days_by_date(const struct cron *c, const struct month *m)
{
    uint32_t found = c->days;

    if (!(c->last_days | c->near_days | c->near_last)) return found;
    for (int day = 1; day <= m->length; day++) {
        int      before_last = m->length - day;
        uint32_t is_near = c->near_days >> day | c->near_last >> before_last;

        if (c->last_days >> before_last & 1) found |= UINT32_C(1) << day;
        if (is_near & 1) found |= UINT32_C(1) << nearest_weekday(m, day);
    }
    return found;
}

static uint32_t
days_by_weekday(const struct cron *c, const struct month *m)
{
    uint32_t found = 0;

    for (int day = 1; day <= m->length; day++) {
        uint8_t set = c->weekdays | c->nth[(day - 1) / 7];

        if (day + 7 > m->length) set |= c->last_weekdays;
        found |= (uint32_t)(set >> (m->weekday + day - 1) % 7 & 1) << day;
    }
    return found;
}

/* Bit n: day n of the month matches. */
static uint32_t
matching_days(const struct cron *c, const struct month *m)
{
    uint32_t exist = (uint32_t)(((UINT64_C(1) << m->length) - 1) << 1);
    uint32_t by_date = days_by_date(c, m);
    uint32_t by_weekday = days_by_weekday(c, m);

    return exist & (c->day_star || c->weekday_star ? by_date & by_weekday : by_date | by_weekday);
}

/* ---- local times -------------------------------------------------------------- */

/* The first set bit at or after `from`; -1 when there is none. */
static int
bit_from(uint64_t bits, int from)
{
    return from < 64 && bits >> from ? from + __builtin_ctzll(bits >> from) : -1;
}

/* The first matching second of a day at or after `from`; -1 when there is none. */
static int
next_in_day(const struct cron *c, int from)
{
    int hour = from / 3600, minute = from / 60 % 60;
    int h = bit_from(c->hours, hour), m = 0, s = 0;

    if (h == hour) {
        m = bit_from(c->minutes, minute);
        s = m == minute ? bit_from(c->seconds, from % 60) : bit_from(c->seconds, 0);
        if (s < 0) {
            m = bit_from(c->minutes, minute + 1);
            s = bit_from(c->seconds, 0);
        }
        if (m >= 0) return h * 3600 + m * 60 + s;
        h = bit_from(c->hours, hour + 1);
    }
    if (h < 0) return -1;
    return h * 3600 + bit_from(c->minutes, 0) * 60 + bit_from(c->seconds, 0);
}

static int64_t
floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* The first matching local time at or after `from`, both in seconds as if they were UTC. */
static int64_t
next_local(const struct cron *c, int64_t from)
{
    int64_t      today = floor_div(from, DAY_SECONDS);
    int          in_day = next_in_day(c, (int)(from - today * DAY_SECONDS));
    struct civil date = civil_from_days(today);
    int          first_day = in_day < 0 ? date.day + 1 : date.day;

    /* Dates and weekdays repeat after 400 years, so a whole cycle without a match means never; the
     * rest of the first month comes round again at its end. */
    for (int i = 0; i <= CIVIL_CYCLE_YEARS * 12; i++) {
        if (c->months >> date.month & 1) {
            struct month m = month_of(date.year, date.month);
            int          day = bit_from(matching_days(c, &m), first_day);

            if (day > 0) {
                int64_t at = civil_to_days((struct civil){date.year, date.month, day});

                return at * DAY_SECONDS + (at == today ? in_day : next_in_day(c, 0));
            }
        }
        first_day = 1;
        date.month = date.month % 12 + 1;
        if (date.month == 1) date.year++;
    }
    return NEVER;
}

/* ---- instants ----------------------------------------------------------------- */

/* The latest local time that any instant up to `at` has shown. */
static int64_t
latest_local(const struct tz *z, int64_t at)
{
    int64_t from = at - TZ_OFFSET_SPREAD, latest = INT64_MIN;

    for (;;) {
        struct tz_span span = tz_span_at(z, from);
        int64_t        last = span.until > at ? at : span.until - 1;

        if (last + span.offset > latest) latest = last + span.offset;
        if (last == at) return latest;
        from = span.until;
    }
}

/* The first instant after `after` at which the clock on the wall reaches a time that matches and
 * was not reached before. */
static int64_t
next_fixed(const struct cron *c, const struct tz *z, int64_t after)
{
    int64_t local = next_local(c, latest_local(z, after) + 1);
    int64_t at = after;

    if (local == NEVER) return NEVER;
    for (;;) {
        struct tz_span span = tz_span_at(z, at);

        if (at + span.offset >= local) return at; /* behind a gap */
        if (span.until == INT64_MAX || local - span.offset < span.until) return local - span.offset;
        at = span.until;
    }
}

/* The first instant after `after` whose local time matches. */
static int64_t
next_elapsed(const struct cron *c, const struct tz *z, int64_t after)
{
    int64_t at = after + 1, end = at + (CIVIL_CYCLE_YEARS + 1) * INT64_C(366) * DAY_SECONDS;

    while (at < end) { /* a wildcard may be wholly within a gap that comes each year */
        struct tz_span span = tz_span_at(z, at);
        int64_t        local = next_local(c, at + span.offset);

        if (local == NEVER) return NEVER;
        if (span.until == INT64_MAX || local - span.offset < span.until) return local - span.offset;
        at = span.until;
    }
    return NEVER;
}

static int64_t
next_interval(int64_t every_ms, int64_t anchor_ms, int64_t after_ms)
{
    int64_t n = after_ms < anchor_ms ? 0 : (after_ms - anchor_ms) / every_ms;

    return anchor_ms + (n + 1) * every_ms; /* N29 */
}

int64_t
cron_next(const struct cron *c, const struct tz *z, int64_t anchor_ms, int64_t after_ms)
{
    const int64_t cycle_ms = (CIVIL_CYCLE_YEARS + 1) * 366 * CIVIL_MS_PER_DAY;
    int64_t       after, at;

    if (c->kind == CRON_REBOOT || after_ms > INT64_MAX - 2 * cycle_ms) return -1;
    if (c->kind == CRON_EVERY) return next_interval(c->every_ms, anchor_ms, after_ms);
    assert(c->seconds && c->minutes && c->hours && c->months);
    after = floor_div(after_ms, 1000);
    at = c->is_wildcard ? next_elapsed(c, z, after) : next_fixed(c, z, after);
    return at == NEVER ? -1 : at * 1000;
}
