/* When a schedule is to fire: its expression (C1, C2), its beginning and end, and its quiet hours
 * (C5), told again, minute by minute. */
#include "tools/sim/model.h"
#include "tools/sim/verdict.h"
#include "tools/sim/zones.h"

#define SECOND_MS    1000
#define MINUTE_MS    60000
#define HALF_HOUR_MS (30 * MINUTE_MS)
#define HOUR_MS      3600000
#define DAY_MS       86400000
#define HORIZON_MS   (15 * (int64_t)DAY_MS)

/* ---- fields ---------------------------------------------------------------------------------- */

/* The simulation's crons have the form "M H * * D", each a number, "*" or "*" "/N", or "S M H * *
 * D" with a number for S, or "every Ns". */
struct field {
    int64_t number, step; /* number -1: any multiple of step */
};

struct cron {
    struct field minute, hour, weekday;
    int64_t      into_ms; /* the minute */
    struct view  zone;
};

static struct field
field_of(struct view cron, unsigned index)
{
    struct field f = {-1, 1};
    size_t       at = 0;

    for (; index > 0; index--) {
        while (cron.data[at++] != ' ') {
        }
    }
    if (cron.data[at] != '*') f.number = 0;
    for (; at < cron.size && cron.data[at] != ' '; at++) {
        char c = cron.data[at];

        if (c == '/') f.step = 0;
        if (c < '0' || c > '9') continue;
        if (f.number >= 0) f.number = f.number * 10 + (c - '0');
        if (f.number < 0) f.step = f.step * 10 + (c - '0');
    }
    return f;
}

static bool
has_seconds(struct view cron)
{
    unsigned blanks = 0;

    for (size_t i = 0; i < cron.size; i++)
        blanks += cron.data[i] == ' ';
    return blanks == 5;
}

static struct cron
cron_of(const struct msg_schedule *d)
{
    unsigned first = has_seconds(d->cron);

    return (struct cron){.minute = field_of(d->cron, first),
                         .hour = field_of(d->cron, first + 1),
                         .weekday = field_of(d->cron, first + 4),
                         .into_ms = first ? field_of(d->cron, 0).number * SECOND_MS : 0,
                         .zone = d->tz};
}

static bool
matches(struct field f, int64_t value)
{
    return f.number >= 0 ? f.number == value : value % f.step == 0;
}

/* ---- local time ------------------------------------------------------------------------------ */

static int64_t
local(struct view zone, int64_t at)
{
    return at + zone_offset_at(zone, at);
}

static bool
is_on_day(const struct cron *c, int64_t local_ms)
{
    return matches(c->weekday, (local_ms / DAY_MS + 4) % 7); /* the epoch was a Thursday */
}

static bool
is_in_hour(const struct cron *c, int64_t local_ms)
{
    return is_on_day(c, local_ms) && matches(c->hour, local_ms / HOUR_MS % 24);
}

static bool
is_in_minute(const struct cron *c, int64_t local_ms)
{
    return is_in_hour(c, local_ms) && matches(c->minute, local_ms / MINUTE_MS % 60);
}

/* A fixed local time that the clocks left out just before this minute. */
static bool
was_left_out(const struct cron *c, int64_t at)
{
    int64_t now = local(c->zone, at), before = local(c->zone, at - MINUTE_MS);

    for (int64_t missing = before + MINUTE_MS; missing < now; missing += MINUTE_MS) {
        if (is_in_minute(c, missing)) return true;
    }
    return false;
}

/* The clocks have shown this local time already. */
static bool
is_second_time(const struct cron *c, int64_t at)
{
    return local(c->zone, at - HOUR_MS) == local(c->zone, at);
}

/* A fixed time that does not exist fires right behind the gap, one that comes twice the first time;
 * where the hour or the minute is not fixed, elapsed time counts (C2). */
static int64_t
next_of_cron(const struct cron *c, int64_t after)
{
    bool    is_fixed = c->minute.number >= 0 && c->hour.number >= 0;
    int64_t at = after / MINUTE_MS * MINUTE_MS, end = at + HORIZON_MS;

    while (at < end) {
        int64_t now = local(c->zone, at);

        if (is_fixed && at > after && was_left_out(c, at)) return at;
        if (!is_in_hour(c, now)) {
            at = (at / HALF_HOUR_MS + 1) * HALF_HOUR_MS;
            continue;
        }
        if (at + c->into_ms > after && is_in_minute(c, now) && !(is_fixed && is_second_time(c, at)))
            return at + c->into_ms;
        at += MINUTE_MS;
    }
    broken("a cron of the simulation never comes");
}

/* ---- nominal times --------------------------------------------------------------------------- */

/* 0 for a cron of fields. */
static int64_t
interval_of(const struct msg_schedule *d)
{
    if (HAS(d, schedule, every_ms)) return d->every_ms;
    return d->cron.data[0] == 'e' ? field_of(d->cron, 1).number * SECOND_MS : 0;
}

/* N29: nominal = created_at + n · D. */
static int64_t
next_of_interval(int64_t from, int64_t every, int64_t after)
{
    int64_t n = after < from ? 1 : (after - from) / every + 1;

    return from + n * every;
}

int64_t
m_next_nominal(const struct m_schedule *s, const struct msg_schedule *d, int64_t after)
{
    int64_t every = interval_of(d), at;

    if (HAS(d, schedule, max_firings) && s->firings - s->by_hand >= d->max_firings) return 0;
    if (HAS(d, schedule, start_at) && after < d->start_at) after = d->start_at - 1;
    if (every) {
        at = next_of_interval(s->created_at, every, after);
    } else {
        const struct cron c = cron_of(d);

        at = next_of_cron(&c, after);
    }
    return HAS(d, schedule, end_at) && at > d->end_at ? 0 : at;
}

/* ---- quiet hours ----------------------------------------------------------------------------- */

static int64_t
time_of_day(struct view text, size_t at)
{
    const char *t = text.data + at;

    return ((t[0] - '0') * 10 + (t[1] - '0')) * (int64_t)HOUR_MS +
           ((t[3] - '0') * 10 + (t[4] - '0')) * (int64_t)MINUTE_MS;
}

int64_t
m_quiet_end(struct view hours, struct view zone, int64_t at)
{
    int64_t from, to;

    if (hours.size == 0) return at;
    from = time_of_day(hours, 0);
    to = time_of_day(hours, 6);
    for (;; at = (at / MINUTE_MS + 1) * MINUTE_MS) {
        int64_t now = local(zone, at) % DAY_MS;
        bool    is_quiet = from < to ? now >= from && now < to : now >= from || now < to;

        if (!is_quiet) return at;
    }
}
