#include "supervisor/engine/backfill.h"

#include "common/timetext.h"
#include "supervisor/engine/audit.h"
#include "supervisor/engine/fire.h"
#include "supervisor/engine/manual.h"
#include "supervisor/engine/nominal.h"
#include "supervisor/engine/submit.h"

#include <inttypes.h>

#define LOOKS_MAX   10000  /* times that one request looks at */
#define STRETCH_MAX 100000 /* times of an expression that a row may stand for and still be cut */

/* Times that have not fired, ascending. */
struct past {
    struct nominal times;
    int64_t        at[BACKFILL_MAX];
    uint32_t       count;
};

/* ---- which ------------------------------------------------------------------------- */

static enum errc
check_range(struct engine *en, const struct msg_schedule_backfill *m, struct err *e)
{
    int64_t now = en->turn.now.wall_ms, kept_ms = en->memory.limits.keep_firings_ms;
    char    kept[32];

    if (m->to <= m->from) return err_field(e, "to", "is not after from");
    if (m->to > now) return err_field(e, "to", "lies in the future");
    if (kept_ms == NO_LIMIT || m->from >= now - kept_ms) return E_OK;
    err_field(e, "from", "what fired more than %s ago is not known any more",
              duration_text(kept_ms, kept, sizeof(kept)));
    return err_hint(e, "rows of firings are kept for so long: retention.firings");
}

static bool
has_fired(struct engine *en, uint32_t schedule, int64_t at)
{
    struct firing f = {.schedule = schedule, .nominal_at = at};

    return firing_load(turn_txn(en), &f) == LOAD_FOUND && f.outcome == FIRING_FIRED;
}

static enum errc
too_many(uint64_t count, bool is_more, struct err *e)
{
    (void)err_set(e, E_TOO_LARGE,
                  "%s%" PRIu64 " nominal times lie in the range, at most %d at once",
                  is_more ? "more than " : "", count, BACKFILL_MAX);
    return err_hint(e, "give a shorter range, several times");
}

/* Of the range up to the cursor: what comes behind it is still decided by itself. */
static enum errc
find_past(struct engine *en, const struct fire *how, const struct schedule *run,
          const struct msg_schedule_backfill *m, struct past *p, struct err *e)
{
    const struct object_entry *o = how->schedule;
    int64_t                    to = m->to < run->cursor ? m->to : run->cursor, last;
    uint32_t                   left = LOOKS_MAX + 1, count = 0;
    uint64_t                   all;

    if (!nominal_open(turn_txn(en), &o->spec.schedule, o->row.created_at, &p->times)) return E_OK;
    all = nominal_count(&p->times, m->from - 1, to, UINT64_MAX, &left, &last);
    if (all > LOOKS_MAX) return too_many(left ? all : LOOKS_MAX, left == 0, e);
    for (int64_t at = m->from - 1; all > 0; all--) {
        at = nominal_after(&p->times, at);
        if (has_fired(en, run->id, at)) continue;
        if (count < BACKFILL_MAX) p->at[count] = at;
        count++;
    }
    if (count > BACKFILL_MAX) return too_many(count, false, e);
    p->count = count;
    return E_OK;
}

/* ---- rows that stand for several times ----------------------------------------------- */

/* One of them, and for how many times yet to come it stands. */
struct stretch {
    struct firing row;
    uint64_t      left;
};

/* The newest row before `at` that is of no firing by hand. */
static bool
row_before(struct engine *en, uint32_t schedule, int64_t at, struct firing *out)
{
    struct scan s;
    bool        found = false;

    *out = (struct firing){.schedule = schedule, .nominal_at = at - 1};
    scan_open(&s, turn_txn(en), INDEX_firing_by_schedule, out, 1, 2);
    for (uint32_t n = 0; n < LOOKS_MAX && !found && scan_next(&s, out); n++)
        found = out->kind != FIRING_MANUAL;
    out->reason = arena_copy(&en->turn.arena, out->reason); /* the scan's bytes end */
    scan_close(&s);
    return found;
}

/* Whether the expression, as it is now, has just the times that the row stands for. */
static bool
is_of_today(const struct nominal *times, const struct firing *row)
{
    uint32_t left = STRETCH_MAX;
    int64_t  last;

    return nominal_after(times, row->nominal_at - 1) == row->nominal_at &&
           1 + nominal_count(times, row->nominal_at, row->until_at, UINT64_MAX, &left, &last) ==
               row->count &&
           left > 0;
}

/* A row from before the range that reaches into it keeps the times before.  That of an older
 * expression stays: nobody can tell its times. */
static void
cut(struct engine *en, uint32_t schedule, const struct past *p, struct stretch *st)
{
    struct firing row;
    uint32_t      left = STRETCH_MAX;
    uint64_t      before;
    int64_t       last;

    if (!row_before(en, schedule, p->at[0], &row) || row.until_at < p->at[0]) return;
    if (!is_of_today(&p->times, &row)) return;
    before = 1 + nominal_count(&p->times, row.nominal_at, p->at[0] - 1, UINT64_MAX, &left, &last);
    *st = (struct stretch){.row = row, .left = row.count - before};
    row.count = before;
    row.until_at = before > 1 ? last : 0;
    firing_save(turn_txn(en), &row);
}

/* The time is no longer one that was missed or suppressed. */
static void
uncount(struct schedule *run, const struct firing *row)
{
    uint64_t *count = row->outcome == FIRING_MISSED ? &run->missed_count : &run->suppressed_count;

    if (*count > 0) --*count;
    if (row->gated && run->gated_count > 0) run->gated_count--;
}

/* The row of an older expression loses its first time, and is known by the instant behind it. */
static void
keep_rest(struct engine *en, struct firing row)
{
    struct firing seen;

    row.reason = arena_copy(&en->turn.arena, row.reason);
    row.nominal_at++;
    row.count--;
    seen = row;
    if (row.nominal_at <= row.until_at && firing_load(turn_txn(en), &seen) != LOAD_FOUND)
        firing_save(turn_txn(en), &row);
}

/* What stood for the time does so no longer. */
static void
take_out(struct engine *en, struct schedule *run, const struct past *p, int64_t at,
         struct stretch *st)
{
    struct firing row = {.schedule = run->id, .nominal_at = at};

    if (firing_load(turn_txn(en), &row) == LOAD_FOUND) {
        bool is_cut = row.count > 1 && is_of_today(&p->times, &row);

        *st = (struct stretch){.row = row, .left = is_cut ? row.count - 1 : 0};
        st->row.reason = arena_copy(&en->turn.arena, row.reason);
        uncount(run, &row);
        if (row.count > 1 && !is_cut) keep_rest(en, row);
    } else if (st->left > 0) {
        st->left--;
        uncount(run, &st->row);
    }
}

/* The times that are left have a row of their own, from the first on that has none. */
static void
put_rest(struct engine *en, const struct past *p, struct stretch *st)
{
    struct firing seen = st->row;

    if (st->left == 0) return;
    seen.nominal_at = p->at[p->count - 1];
    do {
        seen.nominal_at = st->row.nominal_at = nominal_after(&p->times, seen.nominal_at);
    } while (seen.nominal_at != 0 && firing_load(turn_txn(en), &seen) == LOAD_FOUND);
    if (seen.nominal_at == 0 || seen.nominal_at > st->row.until_at) return;
    st->row.count = st->left;
    if (st->left == 1) st->row.until_at = 0;
    firing_save(turn_txn(en), &st->row);
}

/* ---- firing ------------------------------------------------------------------------- */

static void
fire_past(struct engine *en, const struct fire *how, struct schedule *run, const struct past *p,
          struct buf *reply)
{
    struct stretch st = {0};

    mp_array(reply, p->count);
    if (p->count) cut(en, run->id, p, &st);
    for (uint32_t i = 0; i < p->count; i++) {
        struct firing f = {
            .schedule = run->id, .nominal_at = p->at[i], .kind = FIRING_BACKFILL, .count = 1};

        take_out(en, run, p, f.nominal_at, &st);
        fire(en, how, run, &f);
        firing_save(turn_txn(en), &f);
        mp_u64(reply, f.job);
    }
    schedule_save(turn_txn(en), run);
    if (p->count) put_rest(en, p, &st);
}

static struct view
audit_range(struct engine *en, const struct msg_schedule_backfill *m, uint32_t count)
{
    struct buf b       BUF_AUTO = {0};
    struct mp_open_map map = mp_open(&b);

    mp_put_i64(&b, &map, "from", m->from);
    mp_put_i64(&b, &map, "to", m->to);
    mp_put_u64(&b, &map, "count", count);
    mp_close(&b, &map);
    return arena_copy(&en->turn.arena, buf_view(&b));
}

enum errc
on_schedule_backfill(struct engine *en, const struct actor *a,
                     const struct msg_schedule_backfill *m, struct buf *reply, struct err *e)
{
    struct past       *p = arena_alloc(&en->turn.arena, sizeof(*p));
    struct schedule    run = {0};
    struct fire        how;
    struct mp_open_map map;

    p->count = 0;
    if (manual_prepare(en, a, m->name, m->force, &how, &run, e) || check_range(en, m, e) ||
        find_past(en, &how, &run, m, p, e)) {
        return e->code;
    }
    if (p->count > en->turn.backfill_left)
        return err_set(e, E_BUSY, "other ranges are fired at this moment: ask again");
    if (p->count && submit_check_queue(en, how.refs.company, p->count - 1, e)) return e->code;
    en->turn.backfill_left -= p->count;
    map = mp_open(reply);
    mp_put_u64(reply, &map, "count", p->count);
    mp_put_time(reply, &map, "first_at", p->count ? p->at[0] : 0);
    mp_put_time(reply, &map, "last_at", p->count ? p->at[p->count - 1] : 0);
    mp_put_bool(reply, &map, "forced", m->force);
    mp_key(reply, &map, "jobs");
    fire_past(en, &how, &run, p, reply);
    mp_close(reply, &map);
    if (p->count) manual_done(en, a, &how, "schedule.backfill", audit_range(en, m, p->count));
    return E_OK;
}
