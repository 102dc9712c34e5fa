#include "supervisor/engine/timing.h"

#include "common/hash.h"

#define MISFIRE_MAX_DEFAULT 10

/* ---- declarations -------------------------------------------------------------------- */

static const char *const misfires[] = {
    [MISFIRE_LATEST] = "latest", [MISFIRE_SKIP] = "skip", [MISFIRE_ALL] = "all"};

/* An empty word is the default. */
static enum misfire
misfire_of(struct view word)
{
    for (enum misfire m = MISFIRE_LATEST; m <= MISFIRE_ALL; m++) {
        if (view_is(word, misfires[m])) return m;
    }
    return MISFIRE_LATEST;
}

static enum errc
check_hours(struct view text, const char *field, struct err *e)
{
    struct quiet q;
    struct err   why;

    if (text.size == 0 || quiet_parse(text, &q, &why) == E_OK) return E_OK;
    return err_field(e, field, "%s", why.msg);
}

enum errc
timing_check(const struct msg_schedule *s, struct err *e)
{
    if (s->misfire.size && !view_is(s->misfire, misfires[misfire_of(s->misfire)]))
        return err_field(e, "misfire", "is skip, latest or all");
    if (HAS(s, schedule, misfire_max) && misfire_of(s->misfire) != MISFIRE_ALL)
        return err_field(e, "misfire_max", "only with misfire all");
    return check_hours(s->quiet_hours, "quiet_hours", e) ||
                   check_hours(s->quiet_sends, "quiet_sends", e)
               ? e->code
               : E_OK;
}

/* ---- due times ----------------------------------------------------------------------- */

/* Of its name: the same in every store. */
static int64_t
offset_of(struct objects *o, const struct object_entry *entry, int64_t spread_ms)
{
    struct view company = objects_name(o, entry->row.company);

    if (spread_ms == 0) return 0;
    return (int64_t)(hash64(entry->row.name, hash64(company, 0)) % (uint64_t)spread_ms);
}

void
timing_open(struct timing *ti, struct objects *o, const struct object_entry *entry)
{
    const struct msg_schedule *s = &entry->spec.schedule;
    struct err                 e = {0};

    (void)nominal_open(o->txn, s, entry->row.created_at, &ti->times);
    ti->schedule = entry->row.id;
    ti->offset_ms = offset_of(o, entry, s->spread_ms);
    ti->jitter_ms = s->jitter_ms;
    if (ti->times.cron.kind == CRON_EVERY && ti->jitter_ms > ti->times.cron.every_ms)
        ti->jitter_ms = ti->times.cron.every_ms;
    ti->has_quiet = s->quiet_hours.size && quiet_parse(s->quiet_hours, &ti->quiet, &e) == E_OK;
    ti->misfire = misfire_of(s->misfire);
    ti->misfire_max = HAS(s, schedule, misfire_max) ? s->misfire_max : MISFIRE_MAX_DEFAULT;
}

/* The same whenever it is asked for, and less than the time to the next one. */
static int64_t
jitter_of(const struct timing *ti, int64_t nominal_ms)
{
    const struct view key = view_of((const char *)&nominal_ms, sizeof(nominal_ms));
    int64_t           below = ti->jitter_ms, next;

    if (below == 0) return 0;
    next = nominal_after(&ti->times, nominal_ms);
    if (next && next - nominal_ms < below) below = next - nominal_ms;
    return (int64_t)(hash64(key, ti->schedule) % (uint64_t)below);
}

int64_t
timing_quiet_end(const struct timing *ti, int64_t at_ms)
{
    return ti->has_quiet ? quiet_end(&ti->quiet, &ti->times.zone, at_ms) : at_ms;
}

int64_t
timing_due(const struct timing *ti, int64_t nominal_ms)
{
    return timing_quiet_end(ti, nominal_ms + ti->offset_ms + jitter_of(ti, nominal_ms));
}

bool
timing_is_quiet(const struct timing *ti, int64_t nominal_ms)
{
    return timing_due(ti, nominal_ms) > nominal_ms + ti->offset_ms + jitter_of(ti, nominal_ms);
}

uint64_t
timing_count(const struct timing *ti, int64_t first_ms, int64_t before_ms, uint64_t most,
             uint32_t *left, int64_t *last_ms)
{
    int64_t  bound = before_ms; /* of nominal times with their jitter */
    uint64_t n;

    if (ti->has_quiet) bound = quiet_bound(&ti->quiet, &ti->times.zone, before_ms);
    bound -= ti->offset_ms;
    n = 1 + nominal_count(&ti->times, first_ms, bound - 1 - ti->jitter_ms, most - 1, left, last_ms);
    while (ti->jitter_ms && n<most && * left> 0) {
        int64_t at = nominal_after(&ti->times, *last_ms);

        if (at == 0 || at + jitter_of(ti, at) >= bound) break;
        (*left)--;
        *last_ms = at;
        n++;
    }
    return n;
}
