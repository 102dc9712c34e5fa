#include "common/quiet.h"

#include "common/civil.h"

#define MINUTE_MS INT64_C(60000)
/* No stretch of quiet hours is longer, whatever the clocks of a zone are put to in it. */
#define STRETCH_MAX_MS (3 * CIVIL_MS_PER_DAY)

/* "HH:MM"; -1 for anything else. */
static int
minute_of(struct view v)
{
    int n[5];

    if (v.size != 5 || v.data[2] != ':') return -1;
    for (int i = 0; i < 5; i++) {
        n[i] = v.data[i] - '0';
        if (i != 2 && (n[i] < 0 || n[i] > 9)) return -1;
    }
    if (n[0] * 10 + n[1] > 23 || n[3] > 5) return -1;
    return (n[0] * 10 + n[1]) * 60 + n[3] * 10 + n[4];
}

enum errc
quiet_parse(struct view text, struct quiet *out, struct err *e)
{
    if (text.size != 11 || text.data[5] != '-') return err_set(e, E_BAD_REQUEST, QUIET_ALLOWED);
    out->from = minute_of(view_of(text.data, 5));
    out->to = minute_of(view_of(text.data + 6, 5));
    if (out->from < 0 || out->to < 0) return err_set(e, E_BAD_REQUEST, QUIET_ALLOWED);
    if (out->from == out->to) {
        return err_set(e, E_BAD_REQUEST, "they begin and end at the same time; " QUIET_ALLOWED);
    }
    return E_OK;
}

/* How long the hours last from this millisecond of a day on; 0 when it is not one of them. */
static int64_t
rest_of(const struct quiet *q, int64_t in_day)
{
    int64_t from = q->from * MINUTE_MS, to = q->to * MINUTE_MS;

    if (from < to) return in_day >= from && in_day < to ? to - in_day : 0;
    if (in_day < to) return to - in_day;
    return in_day >= from ? CIVIL_MS_PER_DAY - in_day + to : 0;
}

int64_t
quiet_end(const struct quiet *q, const struct tz *z, int64_t at_ms)
{
    for (;;) {
        int64_t        second = at_ms / 1000 - (at_ms % 1000 < 0);
        struct tz_span span = tz_span_at(z, second);
        int64_t        in_day = (at_ms + span.offset * INT64_C(1000)) % CIVIL_MS_PER_DAY;
        int64_t        rest;

        if (in_day < 0) in_day += CIVIL_MS_PER_DAY;
        rest = rest_of(q, in_day);
        if (rest == 0) return at_ms;
        if (span.until == INT64_MAX || at_ms + rest < span.until * 1000) return at_ms + rest;
        at_ms = span.until * 1000; /* the clocks change before: it may be over, or last longer */
    }
}

int64_t
quiet_bound(const struct quiet *q, const struct tz *z, int64_t at_ms)
{
    int64_t before = at_ms - STRETCH_MAX_MS, end = at_ms;

    while (end - before > 1) { /* quiet_end() never falls */
        int64_t middle = before + (end - before) / 2;

        if (quiet_end(q, z, middle) >= at_ms) {
            end = middle;
        } else {
            before = middle;
        }
    }
    return end;
}
