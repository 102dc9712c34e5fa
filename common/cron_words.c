#include "common/cron.h"

#include "common/timetext.h"
#include <assert.h>
#include <stdio.h>

#define ALL_MINUTES  ((UINT64_C(1) << 60) - 1)
#define ALL_HOURS    ((UINT32_C(1) << 24) - 1)
#define ALL_DAYS     (UINT32_MAX - 1)
#define ALL_MONTHS   0x1ffe
#define ALL_WEEKDAYS 0x7f

/* ---- lists of numbers and names ------------------------------------------------- */

struct run {
    int first;
    int last;
};

/* The set bits as runs: three or more in a row are one, others stand alone.  Returns their number.
 */
static size_t
runs_of(uint64_t bits, struct run out[60])
{
    size_t count = 0;

    for (int v = 0; v < 60; v++) {
        if (!(bits >> v & 1)) continue;
        int last = v;
        while (bits >> (last + 1) & 1)
            last++;
        if (last < v + 2) last = v;
        assert(count < 60);
        out[count++] = (struct run){v, last};
        v = last;
    }
    return count;
}

/* "1, 5 and 7 to 9"; by name when `names` (of the number 0 and what follows) are given. */
static void
add_list(struct buf *out, uint64_t bits, const char *const *names)
{
    struct run runs[60];
    size_t     count = runs_of(bits, runs);

    for (size_t i = 0; i < count; i++) {
        if (i > 0) buf_add_str(out, i + 1 < count ? ", " : " and ");
        if (names) {
            buf_add_str(out, names[runs[i].first]);
        } else {
            buf_printf(out, "%d", runs[i].first);
        }
        if (runs[i].last == runs[i].first) continue;
        if (names) {
            buf_printf(out, " to %s", names[runs[i].last]);
        } else {
            buf_printf(out, " to %d", runs[i].last);
        }
    }
}

static bool
is_one(uint64_t bits)
{
    return (bits & (bits - 1)) == 0;
}

static void
add_numbers(struct buf *out, const char *noun, uint64_t bits)
{
    buf_printf(out, "%s%s ", noun, is_one(bits) ? "" : "s");
    add_list(out, bits, NULL);
}

/* n when the minutes (or seconds) are every nth of the hour, from 0 on; 0 when they are not. */
static int
step_of(uint64_t minutes)
{
    for (int n = 2; n <= 30; n++) {
        uint64_t every = 0;

        for (int v = 0; v < 60; v += n)
            every |= UINT64_C(1) << v;
        if (60 % n == 0 && every == minutes) return n;
    }
    return 0;
}

/* ---- times of the day ------------------------------------------------------------ */

static bool
add_clock_times(const struct cron *c, struct buf *out)
{
    int minute = __builtin_ctzll(c->minutes);
    int second = __builtin_ctzll(c->seconds);
    int left = __builtin_popcount(c->hours);

    if (!is_one(c->seconds) || !is_one(c->minutes) || left > 4) return false;
    buf_add_str(out, "at ");
    for (int hour = 0; hour < 24; hour++) {
        if (!(c->hours >> hour & 1)) continue;
        left--;
        buf_printf(out, "%02d:%02d", hour, minute);
        if (second) buf_printf(out, ":%02d", second);
        buf_add_str(out, left > 1 ? ", " : left == 1 ? " and " : "");
    }
    return true;
}

/* "every minute", "every 5 minutes" or "at minutes 5 and 7"; the same of seconds. */
static void
add_steps(struct buf *out, const char *noun, uint64_t bits)
{
    int step = step_of(bits);

    if (bits == ALL_MINUTES) {
        buf_printf(out, "every %s", noun);
    } else if (step) {
        buf_printf(out, "every %d %ss", step, noun);
    } else {
        buf_add_str(out, "at ");
        add_numbers(out, noun, bits);
    }
}

static void
add_minutes_and_hours(const struct cron *c, struct buf *out)
{
    bool is_every_hour = c->hours == ALL_HOURS;

    if (c->seconds != 1) {
        add_steps(out, "second", c->seconds);
        if (c->minutes == ALL_MINUTES && is_every_hour) {
            if (!step_of(c->seconds) && c->seconds != ALL_MINUTES)
                buf_add_str(out, " of every minute");
            return;
        }
        buf_add_str(out, ", ");
    }
    add_steps(out, "minute", c->minutes);
    if (!is_every_hour) {
        add_numbers(out, " of hour", c->hours);
    } else if (c->minutes != ALL_MINUTES && !step_of(c->minutes)) {
        buf_add_str(out, " of every hour");
    }
}

/* ---- days ------------------------------------------------------------------------ */

/* Phrases joined: the first has `first` before it, the others `next`. */
struct phrases {
    struct buf *out;
    const char *first;
    const char *next;
    bool        has_any;
};

static struct buf *
next_phrase(struct phrases *p)
{
    buf_add_str(p->out, p->has_any ? p->next : p->first);
    p->has_any = true;
    return p->out;
}

static const char *
before_last(int days, char out[48])
{
    if (days == 0) {
        (void)snprintf(out, 48, "last day");
    } else {
        (void)snprintf(out, 48, "day %d before the last one", days);
    }
    return out;
}

static void
add_month_days(const struct cron *c, struct phrases *p)
{
    char text[48];

    if (c->days) {
        add_numbers(next_phrase(p), "day", c->days);
        buf_add_str(p->out, " of the month");
    }
    for (int n = 1; n <= 31; n++) {
        if (c->near_days >> n & 1)
            buf_printf(next_phrase(p), "the weekday nearest to day %d of the month", n);
    }
    for (int n = 0; n <= 30; n++) {
        if (c->last_days >> n & 1)
            buf_printf(next_phrase(p), "the %s of the month", before_last(n, text));
    }
    if (c->near_last & 1) buf_add_str(next_phrase(p), "the last weekday of the month");
    for (int n = 1; n <= 30; n++) {
        if (c->near_last >> n & 1)
            buf_printf(next_phrase(p), "the weekday nearest to the %s of the month",
                       before_last(n, text));
    }
}

/* Sunday as 7, so that a list begins with Monday. */
static uint64_t
from_monday(uint8_t weekdays)
{
    return (weekdays & ~1u) | (uint64_t)(weekdays & 1) << 7;
}

static void
add_weekdays(const struct cron *c, struct phrases *p)
{
    static const char *const ordinals[] = {"first", "second", "third", "fourth", "fifth"};

    if (c->weekdays) add_list(next_phrase(p), from_monday(c->weekdays), cron_weekday_names);
    for (size_t i = 0; i < ARRAY_LEN(ordinals); i++) {
        if (!c->nth[i]) continue;
        buf_printf(next_phrase(p), "the %s ", ordinals[i]);
        add_list(p->out, from_monday(c->nth[i]), cron_weekday_names);
        buf_add_str(p->out, " of the month");
    }
    if (c->last_weekdays) {
        buf_add_str(next_phrase(p), "the last ");
        add_list(p->out, from_monday(c->last_weekdays), cron_weekday_names);
        buf_add_str(p->out, " of the month");
    }
}

/* False when every day matches. */
static bool
add_days(const struct cron *c, struct buf *out)
{
    bool           is_either = !c->day_star && !c->weekday_star;
    bool           any_day = c->days == ALL_DAYS, any_weekday = c->weekdays == ALL_WEEKDAYS;
    struct phrases days = {.out = out, .first = " on ", .next = " and on "};
    struct phrases weekdays = days;

    if ((any_day && any_weekday) || (is_either && (any_day || any_weekday))) return false;
    if (!any_day) add_month_days(c, &days);
    if (any_weekday) return true;
    if (!any_day) {
        weekdays.first = is_either ? " or on " : " if it is ";
        weekdays.next = is_either ? " or on " : " or ";
    }
    add_weekdays(c, &weekdays);
    return true;
}

void
cron_words(const struct cron *c, struct buf *out)
{
    bool is_clock;
    char text[32];

    if (c->kind == CRON_REBOOT) {
        buf_add_str(out, "once after each boot of the machine");
        return;
    }
    if (c->kind == CRON_EVERY) {
        buf_printf(out, "every %s", duration_text(c->every_ms, text, sizeof(text)));
        return;
    }
    is_clock = add_clock_times(c, out);
    if (!is_clock) add_minutes_and_hours(c, out);
    if (!add_days(c, out) && is_clock) buf_add_str(out, " every day");
    if (c->months != ALL_MONTHS) {
        buf_add_str(out, " in ");
        add_list(out, c->months >> 1, cron_month_names);
    }
}
