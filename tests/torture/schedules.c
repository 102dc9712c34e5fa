#include "tests/torture/schedules.h"

#include "common/clock.h"
#include "common/mem.h"
#include "tests/torture/dice.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MINUTE_MS   60000
#define MANY        50 /* above it few of the handlers take their time */
#define OFFSET_MS   1500
#define SLEEP_MS    900
#define CATCH_UP_MS 4000
#define START_MS    6000  /* from now, at most */
#define WINDOW_MS   40000 /* a schedule with an end lives half of it to all of it */

#define DECLARED(n, w, h, every, step)                                                   \
    {                                                                                    \
        .name = (n), .when = (w), .handler = (h), .is_every = (every), .step_ms = (step) \
    }

static const struct scheduled declared[] = {
    DECLARED("tick", "every: 1s", "noop", true, 1000),
    DECLARED("tock", "every: 1s", "work", true, 1000),
    DECLARED("slack", "every: 2s", "slow", true, 2000),
    DECLARED("chime", "every: 3s", "tells", true, 3000),
    DECLARED("bell", "every: 2s", "tells", true, 2000),
    DECLARED(CHORE, "every: 2s, agent: maid, ticket: {title: " CHORE "}", "closes", true, 2000),
    DECLARED("cron", "cron: \"* * * * *\"", "noop", false, MINUTE_MS),
};

/* What their local time is ahead by, but for whole hours. */
static const struct {
    const char *name;
    int64_t     ahead_ms;
} zones[] = {
    {"UTC",              0             },
    {"America/New_York", 0             },
    {"Asia/Kolkata",     30 * MINUTE_MS},
    {"Asia/Kathmandu",   45 * MINUTE_MS},
    {"Pacific/Chatham",  45 * MINUTE_MS},
};

static const struct {
    bool         is_every;
    int64_t      step_ms;
    enum minutes minutes;
} times[] = {
    {true,  1000,      MINUTES_ALL },
    {true,  2000,      MINUTES_ALL },
    {true,  3000,      MINUTES_ALL },
    {true,  7000,      MINUTES_ALL },
    {false, 2000,      MINUTES_ALL },
    {false, 5000,      MINUTES_ODD },
    {false, 10000,     MINUTES_EVEN},
    {false, MINUTE_MS, MINUTES_ALL },
};

static const char *const overlaps[] = {"skip", "queue_one", "allow", "cancel_running"};
static const char *const misfires[] = {"latest", "skip", "all"};

struct scheduled schedules[SCHEDULES_MAX];
unsigned         schedules_count;

const char *
overlap_name(enum overlap o)
{
    return overlaps[o];
}

const char *
misfire_name(enum misfire m)
{
    return misfires[m];
}

int64_t
schedule_step(unsigned draw)
{
    static const int64_t steps[] = {1000, 2000, 3000, 5000};

    return steps[draw % ARRAY_LEN(steps)];
}

/* ---- mixed kinds ----------------------------------------------------------------------------- */

static const char *
pick_handler(struct dice *d, unsigned count)
{
    static const char *const programs[] = {"work", "slow", "slow", "spends"};
    static const char *const builtin[] = {"noop", "echo", "noop", "sleep"};

    if (dice_percent(d, count > MANY ? 8 : 35)) {
        return programs[dice_below(d, ARRAY_LEN(programs))];
    }
    return builtin[dice_below(d, count > MANY ? 2 : ARRAY_LEN(builtin))];
}

static void
add_ends(struct scheduled *s, struct dice *d)
{
    int64_t now_ms = clock_now().wall_ms;

    if (dice_percent(d, 15)) s->start_at = now_ms + (int64_t)dice_below(d, START_MS);
    if (s->minutes == MINUTES_ALL && s->step_ms < MINUTE_MS && dice_percent(d, 15)) {
        s->end_at = now_ms + START_MS + WINDOW_MS / 2 + (int64_t)dice_below(d, WINDOW_MS / 2);
    }
    if (dice_percent(d, 15)) s->max_firings = 3 + dice_below(d, 12);
}

static void
mix(struct scheduled *s, unsigned i, unsigned count, struct dice *d)
{
    size_t t = dice_below(d, ARRAY_LEN(times));

    *s = (struct scheduled){.handler = pick_handler(d, count),
                            .is_every = times[t].is_every,
                            .step_ms = times[t].step_ms,
                            .minutes = times[t].minutes,
                            .overlap = (enum overlap)(i % ARRAY_LEN(overlaps)),
                            .misfire = (enum misfire)(i % ARRAY_LEN(misfires))};
    (void)snprintf(s->name, sizeof(s->name), "s%u", i); /* fits */
    if (s->misfire == MISFIRE_ALL) s->misfire_max = 1 + (unsigned)dice_below(d, 20);
    if (!s->is_every) s->zone = (unsigned)dice_below(d, ARRAY_LEN(zones));
    s->is_shadow = dice_percent(d, 10);
    if (dice_percent(d, 15)) s->catch_up_ms = CATCH_UP_MS;
    s->is_variable = s->is_every && !s->is_shadow && dice_percent(d, 30);
    if (s->is_variable) return;
    if (dice_percent(d, 15)) s->spread_ms = 1 + (int64_t)dice_below(d, OFFSET_MS);
    if (dice_percent(d, 15)) s->jitter_ms = 1 + (int64_t)dice_below(d, OFFSET_MS);
    add_ends(s, d);
}

/* chime and bell tell: judged by their checkpoints; chore's jobs serve tickets. */
void
schedules_make(unsigned count, uint64_t seed)
{
    struct dice d = dice_of(seed, 500);

    memcpy(schedules, declared, sizeof(declared));
    schedules_count = ARRAY_LEN(declared);
    for (unsigned i = 0; i < count && schedules_count < SCHEDULES_MAX; i++)
        mix(&schedules[schedules_count++], i, count, &d);
}

unsigned
schedule_number(struct view name)
{
    for (unsigned i = 0; i < schedules_count; i++) {
        if (view_is(name, schedules[i].name)) return i + 1;
    }
    return 0;
}

/* ---- its request ----------------------------------------------------------------------------- */

static void
add_times(const struct scheduled *s, struct buf *out)
{
    static const char *const minutes[] = {"*", "1-59/2", "*/2"};

    if (s->is_every) {
        buf_printf(out, ",\"every_ms\":%" PRId64, s->step_ms);
    } else if (s->step_ms == MINUTE_MS) {
        buf_add_str(out, ",\"cron\":\"* * * * *\"");
    } else {
        buf_printf(out, ",\"cron\":\"*/%" PRId64 " %s * * * *\"", s->step_ms / 1000,
                   minutes[s->minutes]);
    }
    if (s->zone) buf_printf(out, ",\"tz\":\"%s\"", zones[s->zone].name);
}

static void
add_number(struct buf *out, const char *key, int64_t number)
{
    if (number) buf_printf(out, ",\"%s\":%" PRId64, key, number);
}

void
schedule_declare(const struct scheduled *s, struct buf *out)
{
    buf_printf(out,
               "{\"name\":\"%s\",\"handler\":\"%s\",\"max_attempts\":1000,"
               "\"payload\":{\"mark\":\"%s\",\"ms\":%d},\"overlap\":\"%s\",\"misfire\":\"%s\"",
               s->name, s->handler, s->name, SLEEP_MS, overlaps[s->overlap], misfires[s->misfire]);
    add_times(s, out);
    add_number(out, "misfire_max", s->misfire_max);
    add_number(out, "catch_up_ms", s->catch_up_ms);
    add_number(out, "spread_ms", s->spread_ms);
    add_number(out, "jitter_ms", s->jitter_ms);
    add_number(out, "start_at", s->start_at);
    add_number(out, "end_at", s->end_at);
    add_number(out, "max_firings", (int64_t)s->max_firings);
    if (s->is_shadow) buf_add_str(out, ",\"shadow\":true");
    buf_add_str(out, "}");
}

/* ---- its times ------------------------------------------------------------------------------- */

static bool
is_in_minutes(const struct scheduled *s, int64_t at_ms)
{
    bool is_odd = (at_ms + zones[s->zone].ahead_ms) / MINUTE_MS % 2 != 0;

    return s->minutes == MINUTES_ALL || is_odd == (s->minutes == MINUTES_ODD);
}

int64_t
schedule_next(const struct scheduled *s, int64_t created_ms, int64_t step_ms, int64_t after_ms)
{
    int64_t begin = s->is_every ? created_ms : 0, at;

    if (after_ms < s->start_at - 1) after_ms = s->start_at - 1;
    if (after_ms < created_ms) after_ms = created_ms;
    at = begin + ((after_ms - begin) / step_ms + 1) * step_ms;
    while (!is_in_minutes(s, at))
        at += step_ms;
    return s->end_at && at > s->end_at ? INT64_MAX : at;
}

int64_t
schedule_offset(const struct scheduled *s)
{
    return s->spread_ms + s->jitter_ms;
}
