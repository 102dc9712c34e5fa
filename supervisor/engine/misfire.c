#include "supervisor/engine/misfire.h"

#include "common/timetext.h"
#include "supervisor/engine/fire.h"
#include "supervisor/engine/idle.h"
#include "supervisor/engine/pauses.h"
#include "supervisor/engine/pressure.h"

#define LOOKS_MAX    100                      /* rows of firings by hand that lie between */
#define COUNT_ALL_MS (INT64_C(40) * 86400000) /* a longer stretch is not counted time by time */

/* ---- rows ---------------------------------------------------------------------- */

void
misfire_missed(struct engine *en, const struct object_entry *o, struct schedule *run,
               struct firing *f)
{
    f->outcome = FIRING_MISSED;
    run->missed_count += f->count;
    fire_feed(en, FEED_SCHEDULE_MISSED, o, f);
}

/* The newest row of the schedule that is not after until_ms, in the transaction's memory. */
static bool
newest_row(struct engine *en, uint32_t schedule, int64_t until_ms, struct firing *out)
{
    struct scan s;
    bool        found;

    *out = (struct firing){.schedule = schedule, .nominal_at = until_ms};
    scan_open(&s, turn_txn(en), INDEX_firing_by_schedule, out, 1, 2);
    found = scan_next(&s, out);
    if (found) out->reason = arena_copy(txn_arena(turn_txn(en)), out->reason);
    scan_close(&s);
    return found;
}

static int64_t
last_of(const struct firing *f)
{
    return f->until_at ? f->until_at : f->nominal_at;
}

bool
misfire_seen(struct engine *en, uint32_t schedule, int64_t nominal_at, struct firing *row)
{
    struct scan s;
    bool        found = false;

    *row = (struct firing){.schedule = schedule, .nominal_at = nominal_at};
    scan_open(&s, turn_txn(en), INDEX_firing_by_schedule, row, 1, 2);
    for (int n = 0; n < LOOKS_MAX && !found && scan_next(&s, row); n++)
        found = row->kind != FIRING_MANUAL || row->nominal_at == nominal_at;
    if (found) row->reason = arena_copy(txn_arena(turn_txn(en)), row->reason);
    scan_close(&s);
    return found && last_of(row) >= nominal_at;
}

void
misfire_take_back(struct engine *en, const struct nominal *times, struct schedule *run,
                  struct firing *row, int64_t nominal_at)
{
    uint64_t *count = row->outcome == FIRING_MISSED ? &run->missed_count : &run->suppressed_count;
    uint64_t  kept = 0, gone;
    int64_t   last = row->nominal_at;

    if (row->nominal_at < nominal_at)
        kept = 1 + nominal_count(times, row->nominal_at, nominal_at - 1, row->count - 1,
                                 &en->turn.times_left, &last);
    gone = row->count - kept;
    *count -= gone < *count ? gone : *count;
    if (row->gated) run->gated_count -= gone < run->gated_count ? gone : run->gated_count;
    if (kept == 0) {
        (void)firing_delete(turn_txn(en), row);
        return;
    }
    row->count = kept;
    row->until_at = kept > 1 ? last : 0;
    firing_save(turn_txn(en), row);
}

void
misfire_record(struct engine *en, const struct firing *f, int64_t before_at)
{
    struct firing last;

    if (f->job == 0 && newest_row(en, f->schedule, before_at, &last) &&
        last_of(&last) == before_at && last.job == 0 && last.kind == f->kind &&
        last.outcome == f->outcome && view_eq(last.reason, f->reason)) {
        last.count += f->count;
        last.until_at = last_of(f);
        firing_save(turn_txn(en), &last);
    } else {
        firing_insert(turn_txn(en), f);
    }
}

void
misfire_overtaken_boot(struct engine *en, const struct object_entry *o, struct schedule *run)
{
    struct firing f = {.schedule = run->id,
                       .nominal_at = run->next_at,
                       .count = 1,
                       .reason = view_str("overtaken by the machine's next boot")};

    misfire_missed(en, o, run, &f);
    misfire_record(en, &f, 0);
}

/* ---- policies ------------------------------------------------------------------ */

bool
misfire_is_late(struct engine *en, const struct schedule *run)
{
    return run->due_at < en->turn.now.wall_ms - LATE_MS;
}

/* The oldest row of the schedule that is after first_ms and not ahead: from before the clock went
 * back, or of a firing by hand.  INT64_MAX: there is none. */
static int64_t
oldest_row(struct engine *en, uint32_t schedule, int64_t first_ms)
{
    int64_t       none = first_ms, at; /* up to `none` there is none behind the first */
    struct firing row;

    if (!newest_row(en, schedule, en->turn.now.wall_ms, &row) || row.nominal_at <= first_ms)
        return INT64_MAX;
    for (at = row.nominal_at; at - none > 1;) {
        int64_t middle = none + (at - none) / 2;

        if (newest_row(en, schedule, middle, &row) && row.nominal_at > first_ms) {
            at = row.nominal_at;
        } else {
            none = middle;
        }
    }
    return at;
}

/* How many times from f's on may share its row: one that has a row is decided by itself. */
static uint64_t
room_of(struct engine *en, const struct timing *ti, const struct firing *f)
{
    int64_t  stop = oldest_row(en, ti->schedule, f->nominal_at), last;
    uint32_t left = en->turn.times_left;

    if (stop == INT64_MAX) return UINT64_MAX;
    return 1 + nominal_count(&ti->times, f->nominal_at, stop - 1, UINT64_MAX, &left, &last);
}

/* The first `count` times from f's on are missed. */
static enum misfire_verdict
take(const struct timing *ti, struct firing *f, uint64_t count, const char *reason)
{
    uint32_t any = UINT32_MAX;
    int64_t  last;

    (void)nominal_count(&ti->times, f->nominal_at, INT64_MAX, count - 1, &any, &last);
    f->count = count;
    f->until_at = count > 1 ? last : 0;
    f->reason = view_str(reason);
    return MISFIRE_MISSED;
}

static enum misfire_verdict
take_until(struct engine *en, const struct timing *ti, struct firing *f, int64_t before_ms,
           const char *reason)
{
    int64_t  last;
    uint64_t n =
        timing_count(ti, f->nominal_at, before_ms, room_of(en, ti, f), &en->turn.times_left, &last);

    return take(ti, f, n, reason);
}

/* Before the window.  When that is a long time, as behind a clock that was years back, the times of
 * an expression are not all counted: the row says at least. */
static enum misfire_verdict
take_old(struct engine *en, const struct timing *ti, struct firing *f, int64_t window)
{
    enum misfire_verdict v = take_until(en, ti, f, window, "older than the catch-up window");

    if (ti->times.cron.kind != CRON_FIELDS || window - f->nominal_at < COUNT_ALL_MS) return v;
    f->until_at = window - 1;
    f->reason = view_str("older than the catch-up window: at least so many");
    return v;
}

static int64_t
window_of(struct engine *en, const struct object_entry *o)
{
    const struct msg_schedule *s = &o->spec.schedule;
    int64_t ms = HAS(s, schedule, catch_up_ms) ? s->catch_up_ms : en->memory.limits.catch_up_ms;

    return en->turn.now.wall_ms - (ms > LATE_MS ? ms : LATE_MS);
}

/* By skip: those that are late, be it that nobody was there. */
static enum misfire_verdict
take_late(struct engine *en, const struct timing *ti, const struct schedule *run, int64_t before_ms,
          struct firing *f)
{
    int64_t late = en->turn.now.wall_ms - LATE_MS, start = en->memory.started_at;

    if (late > before_ms) late = before_ms;
    if (run->due_at < start) {
        return take_until(en, ti, f, start < late ? start : late,
                          "agentd was not running at its time (misfire policy skip)");
    }
    return take_until(en, ti, f, late, "late (misfire policy skip)");
}

/* That agentd was down is said, too: else nobody would know why a time could be overtaken. */
static const char *
why_overtaken(struct engine *en, const struct timing *ti, const struct schedule *run)
{
    static const char *const reasons[] = {
        [MISFIRE_LATEST] = "overtaken by its next time (misfire policy latest)",
        [MISFIRE_SKIP] = "overtaken by its next time (misfire policy skip)",
        [MISFIRE_ALL] = "more newer times were missed than misfire_max says (misfire policy all)"};

    if (pressure_is_on(run)) {
        return arena_printf(txn_arena(turn_txn(en)), "put off for people; %s",
                            reasons[ti->misfire]);
    }
    if (ti->misfire == MISFIRE_ALL || run->due_at >= en->memory.started_at)
        return reasons[ti->misfire];
    return arena_printf(txn_arena(turn_txn(en)), "agentd was not running at its time; %s",
                        reasons[ti->misfire]);
}

/* Of the times behind last_ms those that are due and came in no pause, up to `most`. */
static uint64_t
newer_that_count(struct engine *en, const struct timing *ti, const struct schedule *run,
                 int64_t last_ms, uint64_t most, uint32_t *left)
{
    int64_t  now = en->turn.now.wall_ms, at, until;
    uint64_t n = 0;

    while (*left > 0 && n < most && (at = nominal_after(&ti->times, last_ms)) != 0 &&
           timing_due(ti, at) <= now) {
        bool     was_paused = pause_was(en, run, timing_due(ti, at), &until);
        uint64_t more = timing_count(ti, at, until <= now ? until : now + 1,
                                     was_paused ? UINT64_MAX : most - n, left, &last_ms);

        if (!was_paused) n += more;
        if (*left > 0) (*left)--;
    }
    return n;
}

/* All but the newest `keep` that are due and came in no pause; the first ones are due before
 * before_ms. */
static enum misfire_verdict
take_overtaken(struct engine *en, const struct timing *ti, const struct schedule *run,
               int64_t before_ms, struct firing *f)
{
    bool     is_cut = before_ms <= en->turn.now.wall_ms; /* by a pause */
    uint64_t keep = ti->misfire == MISFIRE_ALL ? ti->misfire_max : 1, newer = 0, room;
    uint32_t left = en->turn.times_left;
    int64_t  last;
    uint64_t n = timing_count(ti, f->nominal_at, before_ms, keep + 1, &left, &last);

    if (is_cut && n <= keep) newer = newer_that_count(en, ti, run, last, keep + 1 - n, &left);
    if (n + newer <= keep) { /* as mostly: what room there is does not matter */
        en->turn.times_left = left;
        return left ? MISFIRE_FIRES : MISFIRE_LATER;
    }
    room = pressure_is_on(run) ? 1 : room_of(en, ti, f);
    n = timing_count(ti, f->nominal_at, before_ms, room == UINT64_MAX ? room : room + keep,
                     &en->turn.times_left, &last);
    newer = is_cut ? newer_that_count(en, ti, run, last, keep, &en->turn.times_left) : 0;
    n -= keep - newer;
    if (n > room) n = room;
    return take(ti, f, pressure_is_on(run) ? 1 : n, why_overtaken(en, ti, run));
}

/* While a heartbeat that found nothing to do backs off. */
static enum misfire_verdict
take_idle(struct engine *en, const struct timing *ti, const struct schedule *run, struct firing *f)
{
    int64_t  until = run->idle_until - 1, now = en->turn.now.wall_ms, last;
    uint64_t n = nominal_count(&ti->times, f->nominal_at, until < now ? until : now,
                               room_of(en, ti, f) - 1, &en->turn.times_left, &last);
    char     at[40];

    (void)take(ti, f, 1 + n,
               arena_printf(txn_arena(turn_txn(en)), "idle back-off until %s: it had nothing to do",
                            instant_text(run->idle_until, at, sizeof(at))));
    return MISFIRE_IDLE;
}

enum misfire_verdict
misfire_judge(struct engine *en, const struct timing *ti, const struct schedule *run, bool is_held,
              struct firing *f)
{
    const struct object_entry *o = objects_get(&en->turn.objects, run->id);
    int64_t                    window = window_of(en, o), before = en->turn.now.wall_ms + 1, until;
    bool                       was_paused;

    if (run->next_at < run->idle_until) return take_idle(en, ti, run, f);
    if (run->due_at < window && ti->times.cron.kind != CRON_REBOOT)
        return take_old(en, ti, f, window);
    /* What was put off for people came when it was due, not when it is looked at again. */
    was_paused = pause_was(
        en, run, pressure_is_on(run) ? timing_due(ti, run->next_at) : run->due_at, &until);
    if (!is_held && until < before) before = until;
    if (is_held || was_paused) {
        (void)take_until(en, ti, f, before, "paused");
        return MISFIRE_PAUSED;
    }
    if (ti->misfire == MISFIRE_SKIP && misfire_is_late(en, run))
        return take_late(en, ti, run, before, f);
    return take_overtaken(en, ti, run, before, f);
}

/* ---- other times ---------------------------------------------------------------- */

/* What was left out until now stays so. */
static void
leave_out(struct engine *en, const struct timing *ti, const struct object_entry *o,
          struct schedule *run)
{
    struct firing f = {.schedule = run->id, .nominal_at = run->next_at, .count = 1};

    (void)take_idle(en, ti, run, &f);
    idle_left_out(en, o, run, &f);
    misfire_record(en, &f, run->cursor);
    run->cursor = last_of(&f);
    run->next_at = nominal_after(&ti->times, run->cursor);
}

void
misfire_changed(struct engine *en, const struct object_entry *o, struct schedule *run)
{
    struct firing f = {.schedule = run->id, .count = 1}, seen;
    struct timing ti;
    int64_t       until = en->turn.now.wall_ms, last, next;

    if (run->next_at == 0 || run->next_at > until) return;
    if (misfire_seen(en, run->id, run->next_at, &seen)) return; /* before the clock went back */
    timing_open(&ti, &en->turn.objects, o);
    if (run->next_at < run->idle_until) leave_out(en, &ti, o, run);
    if (run->next_at == 0 || run->next_at > until) return;
    f.nominal_at = run->next_at;
    f.count +=
        nominal_count(&ti.times, run->next_at, until, UINT64_MAX, &en->turn.times_left, &last);
    if (f.count > 1) f.until_at = last;
    f.reason = view_str("its schedule was changed");
    /* No later turn could count the rest: the old times are gone with this one. */
    next = nominal_after(&ti.times, last);
    if (next != 0 && next <= until) {
        f.until_at = earlier(until, ti.times.end_at);
        f.reason = view_str("its schedule was changed: at least so many");
    }
    misfire_missed(en, o, run, &f);
    misfire_record(en, &f, run->cursor);
}
