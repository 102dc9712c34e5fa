#include "common/cron.h"

#include "common/timetext.h"
#include <string.h>
#include <strings.h>

#define ALL_WEEKDAYS 0x7f
#define NTH_MAX      5

enum field { SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELD_COUNT };

const char *const cron_month_names[12] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};
const char *const cron_weekday_names[8] = {"Sunday",   "Monday", "Tuesday",  "Wednesday",
                                           "Thursday", "Friday", "Saturday", "Sunday"};

static const struct {
    const char        *name;
    int                min;
    int                max;
    const char *const *names; /* of min and what follows; their first three letters count */
} fields[FIELD_COUNT] = {
    [SECOND] = {"second",       0, 59, NULL              },
    [MINUTE] = {"minute",       0, 59, NULL              },
    [HOUR] = {"hour",         0, 23, NULL              },
    [DAY] = {"day of month", 1, 31, NULL              },
    [MONTH] = {"month",        1, 12, cron_month_names  },
    [WEEKDAY] = {"day of week",  0, 7,  cron_weekday_names},
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
    struct cron found; /* all but what is in bits */
    uint64_t    bits[FIELD_COUNT];
    bool        stars[FIELD_COUNT]; /* the field begins with '*' or '?' */
};

/* The next character; 0 at the end (and for a NUL, which no rule takes). */
static char
peek(const struct cursor *c)
{
    return c->at < c->text.size ? c->text.data[c->at] : '\0';
}

/* Takes a letter, in either case. */
static bool
take_letter(struct cursor *c, char letter)
{
    if ((peek(c) | 0x20) != letter) return false;
    c->at++;
    return true;
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

/* Takes a run of letters when it is one of the field's names, three letters, in either case; the
 * "L" behind that of a weekday stays. */
static bool
take_name(struct cursor *c, int *out)
{
    const char *const *names = fields[c->field].names;
    const char        *start = c->text.data + c->at;
    size_t             size = 0;

    while (c->at + size < c->text.size &&
           ((start[size] | 0x20) >= 'a' && (start[size] | 0x20) <= 'z'))
        size++;
    if (c->field == WEEKDAY && size == 4 && (start[3] | 0x20) == 'l') size = 3;
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

/* "L", "L-3", "LW" or "L-3W" of the days of the month. */
static enum errc
take_last_days(struct cursor *c, struct err *e)
{
    int before = 0;

    if (peek(c) == '-') {
        size_t at = ++c->at;

        if (!take_number(c, &before) || before < 1 || before > 30) {
            return refuse(c, at, "expected how many days before the last one, 1 to 30", e);
        }
    }
    if (take_letter(c, 'w')) {
        c->found.near_last |= UINT32_C(1) << before;
    } else {
        c->found.last_days |= UINT32_C(1) << before;
    }
    return E_OK;
}

/* What may stand behind a single day: "15W", "friL", "fri#2". */
static enum errc
take_suffix(struct cursor *c, int value, bool *taken, struct err *e)
{
    int nth;

    *taken = true;
    if (c->field == DAY && take_letter(c, 'w')) {
        c->found.near_days |= UINT32_C(1) << value;
    } else if (c->field == WEEKDAY && take_letter(c, 'l')) {
        c->found.last_weekdays |= (uint8_t)(1 << value % 7);
    } else if (c->field == WEEKDAY && peek(c) == '#') {
        size_t at = ++c->at;

        if (!take_number(c, &nth) || nth < 1 || nth > NTH_MAX) {
            return refuse(c, at, "expected which one of the month, 1 to 5", e);
        }
        c->found.nth[nth - 1] |= (uint8_t)(1 << value % 7);
    } else {
        *taken = false;
    }
    return E_OK;
}

/* What may stand behind "*" and "1-5". */
static enum errc
take_step(struct cursor *c, bool is_range, int *step, struct err *e)
{
    size_t at = c->at;

    *step = 1;
    if (peek(c) != '/') return E_OK;
    c->at++;
    if (!is_range) return refuse(c, at, "a step needs a range (like */5 or 5-59/5)", e);
    if (!take_number(c, step) || *step == 0) {
        return refuse(c, at + 1, "expected a step of 1 or more", e);
    }
    return E_OK;
}

/* One item of a list. */
static enum errc
take_item(struct cursor *c, struct err *e)
{
    size_t start = c->at;
    bool   is_range = peek(c) == '*', taken;
    int    low = fields[c->field].min, high = fields[c->field].max, step;

    if (c->field == DAY && take_letter(c, 'l')) return take_last_days(c, e);
    if (is_range) {
        c->at++;
    } else {
        if (take_value(c, &low, e) || take_suffix(c, low, &taken, e)) return e->code;
        if (taken) return E_OK;
        high = low;
        if (peek(c) == '-') {
            is_range = true;
            c->at++;
            if (take_value(c, &high, e)) return e->code;
            if (high < low) return refuse(c, start, "the range ends before it begins", e);
        }
    }
    if (take_step(c, is_range, &step, e)) return e->code;
    for (int v = low; v <= high; v += step)
        c->bits[c->field] |= UINT64_C(1) << v;
    return E_OK;
}

/* "?" alone is no restriction; elsewhere than in the day fields it is no item. */
static bool
take_question_mark(struct cursor *c)
{
    if ((c->field != DAY && c->field != WEEKDAY) || peek(c) != '?') return false;
    c->at++;
    for (int v = fields[c->field].min; v <= fields[c->field].max; v++)
        c->bits[c->field] |= UINT64_C(1) << v;
    return true;
}

static enum errc
take_field(struct cursor *c, enum field field, struct err *e)
{
    skip_blanks(c);
    c->field = field;
    if (c->at == c->text.size) return refuse(c, c->at, "the field is missing", e);
    c->stars[field] = peek(c) == '*' || peek(c) == '?';
    if (!take_question_mark(c)) {
        for (;;) {
            if (take_item(c, e)) return e->code;
            if (peek(c) != ',') break;
            c->at++;
        }
    }
    if (c->at < c->text.size && !is_blank(peek(c))) {
        return refuse(c, c->at, "an unexpected character", e);
    }
    return E_OK;
}

/* The words from the cursor on, without the blanks behind them. */
static struct view
rest_of(const struct cursor *c)
{
    struct view rest = view_of(c->text.data + c->at, c->text.size - c->at);

    while (rest.size > 0 && is_blank(rest.data[rest.size - 1]))
        rest.size--;
    return rest;
}

/* What a macro stands for; empty for what is none, or has no fields. */
static struct view
macro_fields(struct view word)
{
    for (size_t i = 0; i < ARRAY_LEN(macros); i++) {
        if (view_is(word, macros[i].name)) return view_str(macros[i].text);
    }
    return (struct view){0};
}

static enum errc
parse_macro(struct cursor *c, struct cron *out, struct err *e)
{
    struct view word = rest_of(c), same = macro_fields(word);

    if (same.size) return cron_parse(same, out, e);
    if (view_is(word, "@reboot")) {
        *out = (struct cron){.kind = CRON_REBOOT};
        return E_OK;
    }
    return err_set(e, E_BAD_REQUEST,
                   "column %zu: not one of @hourly @daily @midnight @weekly @monthly @yearly "
                   "@annually @reboot",
                   c->at + 1);
}

static bool
begins_with_every(const struct cursor *c)
{
    static const char word[] = "every";
    const size_t      size = sizeof(word) - 1;

    return c->text.size - c->at > size && memcmp(c->text.data + c->at, word, size) == 0 &&
           is_blank(c->text.data[c->at + size]);
}

static enum errc
parse_every(struct cursor *c, struct cron *out, struct err *e)
{
    struct err why = {0};
    int64_t    every_ms;

    c->at += sizeof("every") - 1;
    skip_blanks(c);
    if (duration_parse(rest_of(c), &every_ms, &why))
        return err_field(e, "every", "column %zu: %s", c->at + 1, why.msg);
    if (every_ms < CRON_EVERY_MS_MIN)
        return err_field(e, "every", "column %zu: less than one second", c->at + 1);
    *out = (struct cron){.kind = CRON_EVERY, .every_ms = every_ms};
    return E_OK;
}

static int
count_words(struct cursor c)
{
    int count = 0;

    for (skip_blanks(&c); c.at < c.text.size; skip_blanks(&c)) {
        count++;
        while (c.at < c.text.size && !is_blank(peek(&c)))
            c.at++;
    }
    return count;
}

enum errc
cron_parse(struct view text, struct cron *out, struct err *e)
{
    struct cursor   c = {.text = text};
    const uint64_t *bits = c.bits;
    enum field      first = MINUTE;

    skip_blanks(&c);
    if (peek(&c) == '@') return parse_macro(&c, out, e);
    if (begins_with_every(&c)) return parse_every(&c, out, e);
    if (count_words(c) > 5) {
        first = SECOND;
    } else {
        c.bits[SECOND] = 1;
    }
    for (enum field f = first; f < FIELD_COUNT; f++) {
        if (take_field(&c, f, e)) return e->code;
    }
    skip_blanks(&c);
    if (c.at < text.size) {
        return err_set(e, E_BAD_REQUEST, "column %zu: more than six fields", c.at + 1);
    }
    *out = c.found;
    out->seconds = bits[SECOND];
    out->minutes = bits[MINUTE];
    out->hours = (uint32_t)bits[HOUR];
    out->days = (uint32_t)bits[DAY];
    out->months = (uint16_t)bits[MONTH];
    out->weekdays = (uint8_t)((bits[WEEKDAY] | bits[WEEKDAY] >> 7) & ALL_WEEKDAYS);
    out->day_star = c.stars[DAY];
    out->weekday_star = c.stars[WEEKDAY];
    out->is_wildcard = c.stars[MINUTE] || c.stars[HOUR];
    return E_OK;
}

int
cron_fixed_minute(const struct cron *c)
{
    bool is_one = c->minutes != 0 && (c->minutes & (c->minutes - 1)) == 0;

    return c->kind == CRON_FIELDS && is_one ? __builtin_ctzll(c->minutes) : -1;
}

void
cron_put_minute(struct view text, int minute, struct buf *out)
{
    struct cursor c = {.text = text};
    struct view   same;
    int           words, at;

    skip_blanks(&c);
    same = macro_fields(rest_of(&c));
    if (same.size) c = (struct cursor){.text = same};
    words = count_words(c);
    at = words > 5; /* the seconds are in front of it */
    for (int i = 0; i < words; i++) {
        size_t from;

        skip_blanks(&c);
        from = c.at;
        while (c.at < c.text.size && !is_blank(peek(&c)))
            c.at++;
        if (i > 0) buf_add_str(out, " ");
        if (i == at) {
            buf_printf(out, "%d", minute);
        } else {
            buf_add(out, c.text.data + from, c.at - from);
        }
    }
}
