#include "common/timetext.h"

#include "common/civil.h"
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define DURATION_MS_MAX   (INT64_C(36525) * CIVIL_MS_PER_DAY) /* 100 years */
#define DECIMAL_SCALE_MAX 1000

static const struct unit {
    const char *name;
    int64_t     ms;
} units[] = {
    {"d",  86400000},
    {"h",  3600000 },
    {"m",  60000   },
    {"s",  1000    },
    {"ms", 1       }
};

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The unit at the front of `text`, which it shortens; NULL when there is none. */
static const struct unit *
take_unit(struct view *text)
{
    size_t n = 0;

    while (n < text->size && text->data[n] >= 'a' && text->data[n] <= 'z')
        n++;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (view_is(view_of(text->data, n), units[i].name)) {
            *text = view_of(text->data + n, text->size - n);
            return &units[i];
        }
    }
    return NULL;
}

/* A decimal number as value / scale. */
struct decimal {
    int64_t value;
    int64_t scale;
};

static bool
take_decimal(struct view *text, struct decimal *out)
{
    struct decimal d = {.scale = 1};
    size_t         n = 0;
    bool           is_fraction = false;

    for (; n < text->size; n++) {
        char c = text->data[n];

        if (c == '.' && !is_fraction && n > 0) {
            is_fraction = true;
            continue;
        }
        if (!is_digit(c) || d.scale == DECIMAL_SCALE_MAX) break;
        /* Beyond this it is too large in any unit and with any scale, and need not grow. */
        if (d.value <= DURATION_MS_MAX * DECIMAL_SCALE_MAX) d.value = d.value * 10 + (c - '0');
        if (is_fraction) d.scale *= 10;
    }
    if (n == 0 || text->data[n - 1] == '.') return false;
    if (n < text->size && is_digit(text->data[n])) return false;
    *text = view_of(text->data + n, text->size - n);
    *out = d;
    return true;
}

static enum errc
refuse_duration(struct err *e, const char *what)
{
    return err_set(e, E_BAD_REQUEST, "not a duration (like 90s or 1h30m): %s", what);
}

enum errc
duration_parse(struct view text, int64_t *ms, struct err *e)
{
    const struct unit *last = NULL;
    int64_t            sum = 0;
    struct view        rest = text;

    if (text.size == 0) return refuse_duration(e, "it is empty");
    while (rest.size > 0) {
        const struct unit *unit = &units[3];
        struct decimal     d;

        if (!take_decimal(&rest, &d)) {
            return refuse_duration(e, "expected a number with at most 3 decimals");
        }
        bool is_plain = !last && rest.size == 0;
        if (!is_plain) unit = take_unit(&rest);
        if (!unit) return refuse_duration(e, "the units are d, h, m, s and ms");
        if (last && unit <= last) {
            return refuse_duration(e, "units go from large to small, each once");
        }
        if (d.value / d.scale > DURATION_MS_MAX / unit->ms) {
            return refuse_duration(e, "it is over 100 years");
        }
        if (d.value * unit->ms % d.scale != 0) {
            return refuse_duration(e, "it is finer than a millisecond");
        }
        sum += d.value * unit->ms / d.scale;
        last = unit;
    }
    if (sum > DURATION_MS_MAX) return refuse_duration(e, "it is over 100 years");
    *ms = sum;
    return E_OK;
}

static bool
take_digits(struct view *text, size_t count, int *out)
{
    int v = 0;

    if (text->size < count) return false;
    for (size_t i = 0; i < count; i++) {
        if (!is_digit(text->data[i])) return false;
        v = v * 10 + (text->data[i] - '0');
    }
    *text = view_of(text->data + count, text->size - count);
    *out = v;
    return true;
}

/* Takes one character of `any`; 0 when there is none. */
static char
take_char(struct view *text, const char *any)
{
    if (text->size == 0 || text->data[0] == '\0' || !strchr(any, text->data[0])) return 0;
    char c = text->data[0];
    *text = view_of(text->data + 1, text->size - 1);
    return c;
}

/* Digits after the third are cut off. */
static bool
take_fraction(struct view *text, int *ms)
{
    int scale = 100;
    int digit;

    *ms = 0;
    if (!take_char(text, ".")) return true;
    if (!take_digits(text, 1, &digit)) return false;
    do {
        *ms += digit * scale;
        scale /= 10;
    } while (take_digits(text, 1, &digit));
    return true;
}

static bool
take_offset(struct view *text, int64_t *ms)
{
    int hours;
    int minutes;

    *ms = 0;
    if (take_char(text, "Zz")) return true;
    char sign = take_char(text, "+-");
    if (!sign || !take_digits(text, 2, &hours) || !take_char(text, ":") ||
        !take_digits(text, 2, &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    *ms = (sign == '-' ? -1 : 1) * (hours * INT64_C(3600000) + minutes * INT64_C(60000));
    return true;
}

static bool
take_date(struct view *text, int64_t *days)
{
    int year;
    int month;
    int day;

    if (!take_digits(text, 4, &year) || !take_char(text, "-") || !take_digits(text, 2, &month) ||
        !take_char(text, "-") || !take_digits(text, 2, &day) || month < 1 || month > 12 ||
        day < 1 || day > civil_month_days(year, month)) {
        return false;
    }
    *days = civil_to_days((struct civil){.year = year, .month = month, .day = day});
    return true;
}

static bool
take_time(struct view *text, int64_t *ms)
{
    int hour;
    int minute;
    int second;
    int fraction;

    if (!take_digits(text, 2, &hour) || !take_char(text, ":") || !take_digits(text, 2, &minute) ||
        !take_char(text, ":") || !take_digits(text, 2, &second) ||
        !take_fraction(text, &fraction) || hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    *ms = ((hour * INT64_C(60) + minute) * 60 + second) * 1000 + fraction;
    return true;
}

enum errc
instant_parse(struct view text, int64_t now_ms, int64_t *at_ms, struct err *e)
{
    struct view rest = text;
    int64_t     days;
    int64_t     ms;
    int64_t     offset_ms;
    char        sign;

    if (view_is(text, "now")) {
        *at_ms = now_ms;
        return E_OK;
    }
    sign = take_char(&rest, "+-");
    if (sign) {
        if (duration_parse(rest, &ms, e)) return err_wrap(e, "after %c", sign);
        if (sign == '-') ms = -ms;
        if (now_ms + ms < 0) return err_set(e, E_BAD_REQUEST, "a time before 1970");
        *at_ms = now_ms + ms;
        return E_OK;
    }
    if (!take_date(&rest, &days)) {
        return err_set(e, E_BAD_REQUEST,
                       "not a time: expected a date like 2026-11-21T09:00:00Z, +10m, -10m or now");
    }
    if (!take_char(&rest, "Tt ") || !take_time(&rest, &ms)) {
        return err_set(e, E_BAD_REQUEST, "not a time: expected T and HH:MM:SS behind the date");
    }
    if (!take_offset(&rest, &offset_ms) || rest.size > 0) {
        return err_set(e, E_BAD_REQUEST,
                       "not a time: expected Z or an offset like +01:00 at the end");
    }
    int64_t at = days * CIVIL_MS_PER_DAY + ms - offset_ms;
    if (at < 0) return err_set(e, E_BAD_REQUEST, "a time before 1970");
    *at_ms = at;
    return E_OK;
}

const char *
duration_text(int64_t ms, char *out, size_t size)
{
    uint64_t left = ms < 0 ? -(uint64_t)ms : (uint64_t)ms;
    size_t   n = 0;

    assert(size >= 32);
    if (ms < 0) out[n++] = '-';
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        uint64_t unit_ms = (uint64_t)units[i].ms;

        if (left >= unit_ms) {
            n += (size_t)snprintf(out + n, size - n, "%llu%s", (unsigned long long)(left / unit_ms),
                                  units[i].name);
        }
        left %= unit_ms;
    }
    if (ms == 0) (void)snprintf(out, size, "0s");
    return out;
}

const char *
instant_text(int64_t at_ms, char *out, size_t size)
{
    int64_t days = at_ms / CIVIL_MS_PER_DAY;
    int     ms = (int)(at_ms % CIVIL_MS_PER_DAY);

    assert(size >= 32);
    if (ms < 0) {
        ms += (int)CIVIL_MS_PER_DAY;
        days--;
    }
    struct civil date = civil_from_days(days);

    if (at_ms == 0) {
        (void)snprintf(out, size, "-");
    } else {
        (void)snprintf(out, size, "%04lld-%02d-%02d %02d:%02d:%02d.%03dZ", (long long)date.year,
                       date.month, date.day, ms / 3600000, ms / 60000 % 60, ms / 1000 % 60,
                       ms % 1000);
    }
    return out;
}
