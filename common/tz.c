#include "common/tz.h"

#include "common/civil.h"

#include <string.h>

#define HEADER_BYTES 44
#define TYPE_BYTES   6
#define DAY_SECONDS  INT64_C(86400)
#define OFFSET_MAX   93599 /* seconds; RFC 9636 3.2 allows −24:59:59 to +25:59:59 */
#define OFFSET_MIN   (-89999)
#define HOURS_MAX    167 /* in a rule's time, RFC 9636 3.3.2 */

static uint32_t
read_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t
read_i64(const uint8_t *p)
{
    return (int64_t)((uint64_t)read_u32(p) << 32 | read_u32(p + 4));
}

/* ---- the footer, a POSIX TZ string ----------------------------------------------- */

/* Reads on while *ok; what does not fit clears it. */
struct reader {
    const char *at, *end;
    bool        ok;
};

static bool
take(struct reader *r, char c)
{
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

static int
take_number(struct reader *r, int min, int max)
{
    int         n = 0;
    const char *first = r->at;

    while (r->at < r->end && *r->at >= '0' && *r->at <= '9' && r->at - first < 4)
        n = n * 10 + (*r->at++ - '0');
    if (r->at == first || n < min || n > max) r->ok = false;
    return n;
}

static void
take_name(struct reader *r)
{
    bool        is_quoted = take(r, '<');
    const char *first = r->at;

    while (r->at < r->end) {
        char c = *r->at, lower = (char)(c | 0x20);
        bool is_letter = lower >= 'a' && lower <= 'z';

        if (!is_letter && !(is_quoted && ((c >= '0' && c <= '9') || c == '+' || c == '-'))) break;
        r->at++;
    }
    if (r->at - first < 3 || (is_quoted && !take(r, '>'))) r->ok = false;
}

/* [+-]h[:mm[:ss]] in seconds. */
static int
take_time(struct reader *r, int hours_max)
{
    int sign = take(r, '-') ? -1 : 1, seconds;

    if (sign > 0) (void)take(r, '+');
    seconds = take_number(r, 0, hours_max) * 3600;
    if (take(r, ':')) {
        seconds += take_number(r, 0, 59) * 60;
        if (take(r, ':')) seconds += take_number(r, 0, 59);
    }
    return sign * seconds;
}

static void
take_rule(struct reader *r, struct tz_rule *rule)
{
    if (!take(r, ',')) r->ok = false;
    if (take(r, 'M')) {
        rule->kind = TZ_WEEKDAY;
        rule->month = take_number(r, 1, 12);
        if (!take(r, '.')) r->ok = false;
        rule->week = take_number(r, 1, 5);
        if (!take(r, '.')) r->ok = false;
        rule->day = take_number(r, 0, 6);
    } else if (take(r, 'J')) {
        rule->kind = TZ_JULIAN;
        rule->day = take_number(r, 1, 365);
    } else {
        rule->kind = TZ_DAY;
        rule->day = take_number(r, 0, 365);
    }
    rule->seconds = take(r, '/') ? take_time(r, HOURS_MAX) : 2 * 3600;
}

/* Empty: nothing is known of the time behind the last transition. */
static bool
parse_footer(struct view text, struct tz *z)
{
    struct reader r = {text.data, text.data + text.size, true};

    if (text.size == 0) return true;
    z->has_footer = true;
    take_name(&r);
    z->offset = -take_time(&r, 24);
    if (r.ok && r.at < r.end) {
        z->has_dst = true;
        take_name(&r);
        z->dst_offset = z->offset + 3600;
        if (r.at < r.end && *r.at != ',') z->dst_offset = -take_time(&r, 24);
        take_rule(&r, &z->start);
        take_rule(&r, &z->end);
    }
    return r.ok && r.at == r.end;
}

/* ---- the file -------------------------------------------------------------------- */

struct counts {
    uint64_t ut, std, leap, time, type, chars;
};

static uint64_t
body_bytes(const struct counts *c, uint64_t time_bytes)
{
    return c->time * time_bytes + c->time + c->type * TYPE_BYTES + c->chars +
           c->leap * (time_bytes + 4) + c->std + c->ut;
}

static bool
read_header(const uint8_t *p, size_t size, struct counts *c)
{
    if (size < HEADER_BYTES || memcmp(p, "TZif", 4) != 0 || p[4] < '2') return false;
    c->ut = read_u32(p + 20);
    c->std = read_u32(p + 24);
    c->leap = read_u32(p + 28);
    c->time = read_u32(p + 32);
    c->type = read_u32(p + 36);
    c->chars = read_u32(p + 40);
    return true;
}

/* Every index and offset that is read later. */
static bool
check_tables(const struct tz *z, uint64_t chars)
{
    for (uint32_t i = 0; i < z->time_count; i++) {
        if (z->indexes[i] >= z->type_count) return false;
        if (i && read_i64(z->times + i * 8) <= read_i64(z->times + (i - 1) * 8)) return false;
    }
    for (uint32_t i = 0; i < z->type_count; i++) {
        const uint8_t *type = z->types + i * TYPE_BYTES;
        int32_t        offset = (int32_t)read_u32(type);

        if (offset < OFFSET_MIN || offset > OFFSET_MAX || type[4] > 1 || type[5] >= chars)
            return false;
    }
    return true;
}

enum errc
tz_parse(struct view data, struct tz *out, struct err *e)
{
    const uint8_t *p = (const uint8_t *)data.data, *newline;
    size_t         size = data.size;
    struct counts  c;
    uint64_t       bytes;

    memset(out, 0, sizeof(*out));
    if (!read_header(p, size, &c))
        return err_set(e, E_BAD_REQUEST, "not a TZif file of version 2 or later");
    bytes = HEADER_BYTES + body_bytes(&c, 4);
    if (bytes > size || !read_header(p + bytes, size - bytes, &c))
        return err_set(e, E_BAD_REQUEST, "the TZif file is cut off");
    p += bytes;
    size -= bytes;
    bytes = HEADER_BYTES + body_bytes(&c, 8);
    if (bytes > size) return err_set(e, E_BAD_REQUEST, "the TZif file is cut off");
    if (c.leap) return err_set(e, E_BAD_REQUEST, "the TZif file counts leap seconds");
    out->times = p + HEADER_BYTES;
    out->indexes = out->times + c.time * 8;
    out->types = out->indexes + c.time;
    out->time_count = (uint32_t)c.time;
    out->type_count = (uint32_t)c.type;
    if (c.type == 0 || c.type > 256 || !check_tables(out, c.chars))
        return err_set(e, E_BAD_REQUEST, "the TZif file's tables are wrong");
    p += bytes;
    size -= bytes;
    newline = size > 1 && p[0] == '\n' ? memchr(p + 1, '\n', size - 1) : NULL;
    if (!newline || !parse_footer(view_of(p + 1, (size_t)(newline - p - 1)), out))
        return err_set(e, E_BAD_REQUEST, "the TZif file's footer is wrong");
    return E_OK;
}

/* ---- offsets --------------------------------------------------------------------- */

static int64_t
floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Seconds from 1970 to the rule's local time in a year, as if it were UTC. */
static int64_t
rule_local(const struct tz_rule *r, int64_t year)
{
    int64_t first = civil_to_days((struct civil){year, 1, 1}), day;

    if (r->kind == TZ_WEEKDAY) {
        int64_t month = civil_to_days((struct civil){year, r->month, 1});
        int     length = civil_month_days(year, r->month);
        int     ahead = (r->day - civil_weekday(month) + 7) % 7 + (r->week - 1) * 7;

        day = month + (ahead < length ? ahead : ahead - 7);
    } else if (r->kind == TZ_JULIAN) {
        bool is_leap = civil_month_days(year, 2) == 29;

        day = first + r->day - 1 + (is_leap && r->day >= 60);
    } else {
        day = first + r->day;
    }
    return day * DAY_SECONDS + r->seconds;
}

/* Between the footer's changes around an instant: the last one at or before it and the first behind
 * it. */
static struct tz_span
footer_span(const struct tz *z, int64_t at)
{
    struct tz_span out = {.offset = z->offset, .until = INT64_MAX};
    int64_t        year = civil_from_days(floor_div(at, DAY_SECONDS)).year, last = INT64_MIN;

    if (!z->has_dst) return out;
    for (int64_t y = year - 2; y <= year + 2; y++) {
        int64_t ends = rule_local(&z->end, y) - z->dst_offset;
        int64_t starts = rule_local(&z->start, y) - z->offset;

        if (ends <= at && ends > last) {
            last = ends;
            out.offset = z->offset;
        }
        /* at one instant the start wins: summer time all year is written so */
        if (starts <= at && starts >= last) {
            last = starts;
            out.offset = z->dst_offset;
        }
        if (ends > at && ends < out.until) out.until = ends;
        if (starts > at && starts < out.until) out.until = starts;
    }
    return out;
}

/* How many transitions are at or before an instant. */
static uint32_t
passed(const struct tz *z, int64_t at)
{
    uint32_t low = 0, high = z->time_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (read_i64(z->times + (size_t)middle * 8) <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct tz_span
tz_span_at(const struct tz *z, int64_t at)
{
    struct tz_span out = {.until = INT64_MAX};
    uint32_t       n = passed(z, at), type;

    if (n == z->time_count && z->has_footer) return footer_span(z, at);
    if (z->type_count == 0) return out;
    type = n ? z->indexes[n - 1] : 0;
    out.offset = (int32_t)read_u32(z->types + type * TYPE_BYTES);
    if (n < z->time_count) out.until = read_i64(z->times + (size_t)n * 8);
    return out;
}

int32_t
tz_offset(const struct tz *z, int64_t at_ms)
{
    return tz_span_at(z, floor_div(at_ms, 1000)).offset;
}

int64_t
tz_day(const struct tz *z, int64_t at_ms)
{
    return floor_div(floor_div(at_ms, 1000) + tz_offset(z, at_ms), DAY_SECONDS);
}

int64_t
tz_day_begin(const struct tz *z, int64_t day)
{
    int64_t midnight = day * DAY_SECONDS, at = midnight - OFFSET_MAX - 1;

    for (;;) {
        struct tz_span span = tz_span_at(z, at);

        if (at + span.offset >= midnight) return at * 1000;
        if (span.until == INT64_MAX || midnight - span.offset < span.until)
            return (midnight - span.offset) * 1000;
        at = span.until;
    }
}
