#include "common/cron.h"

#include "common/civil.h"
#include <assert.h>
#include <string.h>
#include <strings.h>

#define MS_PER_MINUTE   INT64_C(60000)
#define MINUTES_PER_DAY 1440
#define ALL_MINUTES     ((UINT64_C(1) << 60) - 1)
#define ALL_HOURS       ((UINT32_C(1) << 24) - 1)
#define ALL_DAYS        (UINT32_MAX - 1)
#define ALL_MONTHS      0x1ffe
#define ALL_WEEKDAYS    0x7f

enum field { MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELD_COUNT };

static const char *const month_names[] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};
/* Twice Sunday: numbers 0 and 7; words begin with Monday. */
static const char *const weekday_names[] = {"Sunday",   "Monday", "Tuesday",  "Wednesday",
                                            "Thursday", "Friday", "Saturday", "Sunday"};

static const struct {
    const char        *name;
    int                min;
    int                max;
    const char *const *names; /* of min and what follows; their first three letters count */
} fields[FIELD_COUNT] = {
    [MINUTE] = {"minute",       0, 59, NULL         },
    [HOUR] = {"hour",         0, 23, NULL         },
    [DAY] = {"day of month", 1, 31, NULL         },
    [MONTH] = {"month",        1, 12, month_names  },
    [WEEKDAY] = {"day of week",  0, 7,  weekday_names},
};

static const struct {
    const char *name;
    const char *text;
} macros[] = {
    {"@hourly",   "0 * * * *"},
    {"@daily",    "0 0 * * *"},
    {"@midnight", "0 0 * * *"},
    {"@weekly",   "0 0 * * 0"},
    {"@monthly",  "0 0 1 * *"},
    {"@yearly",   "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
};

struct cursor {
    struct view text;
    size_t      at;
    enum field  field;
};

/* The next character; 0 at the end (and for a NUL, which no rule takes). */
static char
peek(const struct cursor *c)
{
    return c->at < c->text.size ? c->text.data[c->at] : '\0';
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void
skip_blanks(struct cursor *c)
{
    while (is_blank(peek(c)))
        c->at++;
}

static enum errc
refuse(const struct cursor *c, size_t at, const char *what, struct err *e)
{
    return err_field(e, fields[c->field].name, "column %zu: %s", at + 1, what);
}

/* Takes a run of digits; false when there is none.  What is over any field's range stays at 1000.
 */
static bool
take_number(struct cursor *c, int *out)
{
    size_t start = c->at;
    int    v = 0;

    for (; peek(c) >= '0' && peek(c) <= '9'; c->at++) {
        v = v * 10 + (peek(c) - '0');
        if (v > 1000) v = 1000;
    }
    *out = v;
    return c->at > start;
}

/* Takes a run of letters when it is one of the field's names, three letters, in either case. */
static bool
take_name(struct cursor *c, int *out)
{
    const char *const *names = fields[c->field].names;
    const char        *start = c->text.data + c->at;
    size_t             size = 0;

    while (c->at + size < c->text.size &&
           ((start[size] | 0x20) >= 'a' && (start[size] | 0x20) <= 'z'))
        size++;
    if (!names || size != 3) return false;
    for (int v = fields[c->field].min; v <= fields[c->field].max; v++) {
        if (strncasecmp(names[v - fields[c->field].min], start, 3) != 0) continue;
        c->at += size;
        *out = v;
        return true;
    }
    return false;
}

static enum errc
take_value(struct cursor *c, int *out, struct err *e)
{
    size_t start = c->at;
    int    v;

    if (!take_number(c, &v) && !take_name(c, &v)) {
        return refuse(c, start,
                      fields[c->field].names ? "expected a number or a name of three letters"
                                             : "expected a number",
                      e);
    }
    if (v < fields[c->field].min || v > fields[c->field].max) {
        return err_field(e, fields[c->field].name, "column %zu: not within %d to %d", start + 1,
                         fields[c->field].min, fields[c->field].max);
    }
    *out = v;
    return E_OK;
}

/* One item of a list: "*", "5" or "1-5", the first and the last also with a step. */
static enum errc
take_item(struct cursor *c, uint64_t *bits, struct err *e)
{
    size_t start = c->at;
    bool   is_range = peek(c) == '*';
    int    low = fields[c->field].min;
    int    high = fields[c->field].max;
    int    step = 1;

    if (is_range) {
        c->at++;
    } else {
        if (take_value(c, &low, e)) return e->code;
        high = low;
        if (peek(c) == '-') {
            is_range = true;
            c->at++;
            if (take_value(c, &high, e)) return e->code;
            if (high < low) return refuse(c, start, "the range ends before it begins", e);
        }
    }
    if (peek(c) == '/') {
        size_t at = c->at++;

        if (!is_range) return refuse(c, at, "a step needs a range (like */5 or 5-59/5)", e);
        if (!take_number(c, &step) || step == 0) {
            return refuse(c, at + 1, "expected a step of 1 or more", e);
        }
    }
    for (int v = low; v <= high; v += step)
        *bits |= UINT64_C(1) << v;
    return E_OK;
}

static enum errc
take_field(struct cursor *c, enum field field, uint64_t *bits, bool *star, struct err *e)
{
    skip_blanks(c);
    c->field = field;
    *bits = 0;
    *star = peek(c) == '*';
    if (c->at == c->text.size) return refuse(c, c->at, "the field is missing", e);
    for (;;) {
        if (take_item(c, bits, e)) return e->code;
        if (peek(c) != ',') break;
        c->at++;
    }
    if (c->at < c->text.size && !is_blank(peek(c))) {
        return refuse(c, c->at, "an unexpected character", e);
    }
    return E_OK;
}

static enum errc
parse_macro(struct cursor *c, struct cron *out, struct err *e)
{
    struct view word = view_of(c->text.data + c->at, c->text.size - c->at);

    while (is_blank(word.data[word.size - 1]))
        word.size--;
    for (size_t i = 0; i < ARRAY_LEN(macros); i++) {
        if (view_is(word, macros[i].name)) return cron_parse(view_str(macros[i].text), out, e);
    }
    return err_set(
        e, E_BAD_REQUEST,
        "column %zu: not one of @hourly @daily @midnight @weekly @monthly @yearly @annually",
        c->at + 1);
}

enum errc
cron_parse(struct view text, struct cron *out, struct err *e)
{
    struct cursor c = {.text = text};
    uint64_t      bits[FIELD_COUNT];
    bool          stars[FIELD_COUNT];

    skip_blanks(&c);
    if (peek(&c) == '@') return parse_macro(&c, out, e);
    for (enum field f = MINUTE; f < FIELD_COUNT; f++) {
        if (take_field(&c, f, &bits[f], &stars[f], e)) return e->code;
    }
    skip_blanks(&c);
    if (c.at < text.size) {
        return err_set(e, E_BAD_REQUEST, "column %zu: more than five fields", c.at + 1);
    }
    *out = (struct cron){
        .minutes = bits[MINUTE],
        .hours = (uint32_t)bits[HOUR],
        .days = (uint32_t)bits[DAY],
        .months = (uint16_t)bits[MONTH],
        .weekdays = (uint8_t)((bits[WEEKDAY] | bits[WEEKDAY] >> 7) & ALL_WEEKDAYS),
        .day_star = stars[DAY],
        .weekday_star = stars[WEEKDAY],
    };
    return E_OK;
}

static bool
day_matches(const struct cron *c, int day, int weekday)
{
    bool is_day = c->days >> day & 1;
    bool is_weekday = c->weekdays >> weekday & 1;

    return c->day_star || c->weekday_star ? is_day && is_weekday : is_day || is_weekday;
}

/* The first matching minute of a day at or after `minute`; -1 when there is none. */
static int
next_in_day(const struct cron *c, int minute)
{
    int hour = minute / 60;

    if (c->hours >> hour & 1 && c->minutes >> minute % 60) {
        return minute + __builtin_ctzll(c->minutes >> minute % 60);
    }
    uint32_t later = c->hours >> (hour + 1);
    if (!later) return -1;
    return (hour + 1 + __builtin_ctz(later)) * 60 + __builtin_ctzll(c->minutes);
}

int64_t
cron_next(const struct cron *c, int64_t after_ms)
{
    const int64_t cycle_ms = (CIVIL_CYCLE_YEARS + 1) * 366 * CIVIL_MS_PER_DAY;

    assert(c->minutes && c->hours && c->days && c->months && c->weekdays);
    if (after_ms > INT64_MAX - cycle_ms) return -1;
    int64_t minute = after_ms / MS_PER_MINUTE - (after_ms % MS_PER_MINUTE < 0) + 1;
    int64_t today = minute / MINUTES_PER_DAY - (minute % MINUTES_PER_DAY < 0);
    int     in_day = (int)(minute - today * MINUTES_PER_DAY);

    struct civil date = civil_from_days(today);
    /* Dates and weekdays repeat after 400 years, so a whole cycle without a match means never; the
     * rest of the first month comes round again at its end. */
    for (int i = 0; i <= CIVIL_CYCLE_YEARS * 12; i++) {
        int last = c->months >> date.month & 1 ? civil_month_days(date.year, date.month) : 0;

        for (; date.day <= last; date.day++) {
            int64_t day = civil_to_days(date);
            int     at = next_in_day(c, day == today ? in_day : 0);

            if (at >= 0 && day_matches(c, date.day, civil_weekday(day))) {
                return (day * MINUTES_PER_DAY + at) * MS_PER_MINUTE;
            }
        }
        date.day = 1;
        date.month = date.month % 12 + 1;
        if (date.month == 1) date.year++;
    }
    return -1;
}

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

/* n when the minutes are every nth of the hour, from 0 on; 0 when they are not. */
static int
minute_step(uint64_t minutes)
{
    for (int n = 2; n <= 30; n++) {
        uint64_t every = 0;

        for (int v = 0; v < 60; v += n)
            every |= UINT64_C(1) << v;
        if (60 % n == 0 && every == minutes) return n;
    }
    return 0;
}

static bool
add_clock_times(const struct cron *c, struct buf *out)
{
    int minute = __builtin_ctzll(c->minutes);
    int left = __builtin_popcount(c->hours);

    if (!is_one(c->minutes) || left > 4) return false;
    buf_add_str(out, "at ");
    for (int hour = 0; hour < 24; hour++) {
        if (!(c->hours >> hour & 1)) continue;
        left--;
        buf_printf(out, "%02d:%02d%s", hour, minute, left > 1 ? ", " : left == 1 ? " and " : "");
    }
    return true;
}

static void
add_minutes_and_hours(const struct cron *c, struct buf *out)
{
    bool is_every_hour = c->hours == ALL_HOURS;
    int  step = minute_step(c->minutes);

    if (c->minutes == ALL_MINUTES) {
        buf_add_str(out, "every minute");
    } else if (step) {
        buf_printf(out, "every %d minutes", step);
    } else {
        add_numbers(out, "at minute", c->minutes);
        if (is_every_hour) buf_add_str(out, " of every hour");
    }
    if (!is_every_hour) add_numbers(out, " of hour", c->hours);
}

static bool
add_days(const struct cron *c, struct buf *out)
{
    bool is_either = !c->day_star && !c->weekday_star;
    bool any_day = c->days == ALL_DAYS;
    bool any_weekday = c->weekdays == ALL_WEEKDAYS;
    /* Sunday as 7, so that the list begins with Monday. */
    uint64_t weekdays = (c->weekdays & ~1u) | (uint64_t)(c->weekdays & 1) << 7;

    if ((any_day && any_weekday) || (is_either && (any_day || any_weekday))) return false;
    if (!any_day) {
        add_numbers(out, " on day", c->days);
        buf_add_str(out, " of the month");
    }
    if (!any_weekday) {
        buf_add_str(out, any_day ? " on " : is_either ? " or on " : " if it is ");
        add_list(out, weekdays, weekday_names);
    }
    return true;
}

void
cron_words(const struct cron *c, struct buf *out)
{
    bool is_clock = add_clock_times(c, out);

    if (!is_clock) add_minutes_and_hours(c, out);
    if (!add_days(c, out) && is_clock) buf_add_str(out, " every day");
    if (c->months != ALL_MONTHS) {
        buf_add_str(out, " in ");
        add_list(out, c->months >> 1, month_names);
    }
}
