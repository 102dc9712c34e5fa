#include "supervisor/engine/nominal.h"

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
    struct cron c;
    struct err  why;

    if (HAS(s, schedule, cron) == HAS(s, schedule, every_ms))
        return err_field(e, "cron", "give exactly one of cron and every");
    if (cron_of(s, &c, &why)) return err_field(e, "cron", "%s", why.msg);
    if (s->tz.size && c.kind != CRON_FIELDS)
        return err_field(e, "tz", "only fields of a cron expression are times of a zone");
    return zone_check(t, s->tz, "tz", e);
}

bool
nominal_open(struct txn *t, const struct msg_schedule *s, int64_t created_at, struct nominal *n)
{
    struct err e = {0};

    if (cron_of(s, &n->cron, &e)) return false;
    zone_read(t, s->tz, &n->zone);
    n->created_at = created_at;
    return true;
}

int64_t
nominal_after(const struct nominal *n, int64_t after_ms)
{
    int64_t at = cron_next(&n->cron, &n->zone, n->created_at, after_ms);

    return at < 0 ? 0 : at;
}

int64_t
nominal_next(struct txn *t, const struct msg_schedule *s, int64_t created_at, int64_t after_ms)
{
    struct nominal n;

    return nominal_open(t, s, created_at, &n) ? nominal_after(&n, after_ms) : 0;
}

uint64_t
nominal_count(struct txn *t, const struct msg_schedule *s, int64_t created_at, int64_t after_ms,
              int64_t until_ms, uint32_t *left, int64_t *last_ms)
{
    struct cron c;
    struct tz   zone;
    struct err  e = {0};
    uint64_t    n = 0;

    *last_ms = after_ms;
    if (cron_of(s, &c, &e)) return 0; /* checked when it was saved */
    if (c.kind == CRON_EVERY) {
        int64_t from = after_ms < created_at ? created_at : after_ms;
        int64_t a = (from - created_at) / c.every_ms, b = (until_ms - created_at) / c.every_ms;

        if (b <= a) return 0;
        *last_ms = created_at + b * c.every_ms;
        return (uint64_t)(b - a);
    }
    zone_read(t, s->tz, &zone);
    while (*left > 0) {
        int64_t at = cron_next(&c, &zone, created_at, *last_ms);

        if (at < 0 || at > until_ms) break;
        *last_ms = at;
        n++;
        (*left)--;
    }
    return n;
}

bool
nominal_is_same(const struct msg_schedule *a, const struct msg_schedule *b)
{
    return view_eq(a->cron, b->cron) && a->every_ms == b->every_ms && view_eq(a->tz, b->tz) &&
           a->start_at == b->start_at && a->end_at == b->end_at;
}

bool
nominal_is_at_boot(const struct msg_schedule *s)
{
    struct cron c;
    struct err  e = {0};

    return cron_of(s, &c, &e) == E_OK && c.kind == CRON_REBOOT;
}
