#include "supervisor/engine/nominal.h"

#include "common/hash.h"
#include "supervisor/engine/zones.h"

static enum errc
cron_of(const struct msg_schedule *s, struct cron *out, struct err *e)
{
    if (!HAS(s, schedule, every_ms)) return cron_parse(s->cron, out, e);
    *out = (struct cron){.kind = CRON_EVERY, .every_ms = s->every_ms};
    return E_OK;
}

enum errc
nominal_check(struct txn *t, const struct msg_schedule *s, struct err *e)
{
    bool        has_hours = s->quiet_hours.size || s->quiet_sends.size;
    struct cron c;
    struct err  why;

    if (HAS(s, schedule, cron) == HAS(s, schedule, every_ms))
        return err_field(e, "cron", "give exactly one of cron and every");
    if (cron_of(s, &c, &why)) return err_field(e, "cron", "%s", why.msg);
    if (s->tz.size && c.kind != CRON_FIELDS && !has_hours) {
        return err_field(e, "tz",
                         "only fields of a cron expression and quiet hours are times of a zone");
    }
    if (HAS(s, schedule, start_at) && HAS(s, schedule, end_at) && s->end_at <= s->start_at)
        return err_field(e, "end_at", "is not after start_at");
    return zone_check(t, s->tz, "tz", e);
}

bool
nominal_open(struct txn *t, const struct msg_schedule *s, int64_t created_at, struct nominal *n)
{
    struct err e = {0};
    bool       is_read = cron_of(s, &n->cron, &e) == E_OK;

    n->created_at = created_at;
    n->start_at = s->start_at;
    n->end_at = HAS(s, schedule, end_at) ? s->end_at : INT64_MAX;
    if (!is_read) n->cron = (struct cron){.kind = CRON_REBOOT}; /* which no clock decides */
    zone_read(t, s->tz, &n->zone);
    return is_read;
}

int64_t
nominal_after(const struct nominal *n, int64_t after_ms)
{
    int64_t from = after_ms < n->start_at - 1 ? n->start_at - 1 : after_ms;
    int64_t at = cron_next(&n->cron, &n->zone, n->created_at, from);

    return at < 0 || at > n->end_at ? 0 : at;
}

int64_t
nominal_next(struct txn *t, const struct msg_schedule *s, int64_t created_at, int64_t after_ms)
{
    struct nominal n;

    (void)nominal_open(t, s, created_at, &n);
    return nominal_after(&n, after_ms);
}

/* Of intervals: worked out. */
static uint64_t
count_intervals(const struct nominal *n, int64_t first, int64_t until_ms, uint64_t most,
                int64_t *last_ms)
{
    uint64_t count = 1 + (uint64_t)((until_ms - first) / n->cron.every_ms);

    if (count > most) count = most;
    *last_ms = first + (int64_t)(count - 1) * n->cron.every_ms;
    return count;
}

uint64_t
nominal_count(const struct nominal *n, int64_t after_ms, int64_t until_ms, uint64_t most,
              uint32_t *left, int64_t *last_ms)
{
    int64_t  at = nominal_after(n, after_ms);
    uint64_t count = 0;

    *last_ms = after_ms;
    if (until_ms > n->end_at) until_ms = n->end_at;
    if (most == 0 || at == 0 || at > until_ms) return 0;
    if (n->cron.kind == CRON_EVERY) return count_intervals(n, at, until_ms, most, last_ms);
    for (; count<most && * left> 0 && at != 0 && at <= until_ms; at = nominal_after(n, at)) {
        *last_ms = at;
        count++;
        (*left)--;
    }
    return count;
}

bool
nominal_is_same(const struct msg_schedule *a, const struct msg_schedule *b)
{
    return view_eq(a->cron, b->cron) && a->every_ms == b->every_ms && view_eq(a->tz, b->tz) &&
           a->start_at == b->start_at && a->end_at == b->end_at;
}

uint32_t
nominal_hash(const struct msg_schedule *s)
{
    return (uint32_t)hash64(s->cron, hash64(s->tz, (uint64_t)s->every_ms));
}

bool
nominal_is_at_boot(const struct msg_schedule *s)
{
    struct cron c;
    struct err  e = {0};

    return cron_of(s, &c, &e) == E_OK && c.kind == CRON_REBOOT;
}
