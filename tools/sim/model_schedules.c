#include "tools/sim/model.h"

#include "tools/sim/verdict.h"

#include <inttypes.h>

/* ---- misfires (C3) --------------------------------------------------------------------------- */

bool
m_waits_for_crash_loop(const struct model *m, int64_t due_at)
{
    return m->now.boot_ms < m->hold_until_boot && due_at < m->started_at;
}

/* When a time came, be it that people put it off. */
static struct m_range
came_at(struct model *m, const struct m_schedule *s, int64_t nominal)
{
    struct m_schedule own = *s;

    if (own.due_at > own.put_off_until) return m_due(m, s, nominal);
    own.due_at = own.put_off_until = 0;
    return m_due(m, &own, nominal);
}

void
m_pause_is_past(struct model *m, struct m_schedule *s, int64_t from, int64_t until)
{
    if (s->next_at && came_at(m, s, s->next_at).low <= m->now.wall_ms)
        *LIST_ADD(&s->past_pauses) = (struct m_pause){from, until};
}

/* Whether it was due in a pause that is over: surely, or perhaps. */
static bool
was_paused(const struct model *m, const struct m_schedule *s, struct m_range due, bool is_sure)
{
    for (size_t i = 0; i < s->past_pauses.count; i++) {
        struct m_pause p = s->past_pauses.items[i];

        if (p.until > m->now.wall_ms) continue; /* from before the clock went back */
        if (is_sure ? due.low >= p.from && due.high < p.until
                    : due.high >= p.from && due.low < p.until)
            return true;
    }
    return false;
}

/* How many of the nominal times behind this one have come, up to `most`: surely, and perhaps. */
static struct m_range
newer_that_are_due(struct model *m, const struct m_schedule *s, int64_t at, int64_t most)
{
    const struct msg_schedule *d = &m_object(m, s->object)->declared.schedule;
    struct m_range             n = {0, 0};

    while (n.high < most && (at = m_next_nominal(s, d, at)) != 0) {
        struct m_range due = m_due(m, s, at);

        if (due.low > m->now.wall_ms) break;
        if (was_paused(m, s, due, true)) continue;
        n.high++;
        n.low += due.high <= m->now.wall_ms && !was_paused(m, s, due, false);
    }
    return n;
}

/* Of those that are overdue, the newest. */
static int64_t
most_that_fire(const struct msg_schedule *d)
{
    if (!view_is(d->misfire, "all")) return 1;
    return HAS(d, schedule, misfire_max) ? (int64_t)d->misfire_max : 10;
}

static void
end_pause(struct model *m, struct m_schedule *s)
{
    m_pause_is_past(m, s, s->paused_at, s->pause_until);
    s->is_paused = false;
    s->pause_until = 0;
    s->is_touched = true;
}

/* Whether the engine left the end of the pause to its next turn, which follows at once. */
static bool
is_pause_left(struct model *m, const struct m_schedule *s)
{
    struct schedule row = {.id = m_object(m, s->object)->id};

    return m->turn->deadline.wall_ms <= m->now.wall_ms &&
           schedule_by_id(m->txn, &row) == LOAD_FOUND && row.pause_until == s->pause_until;
}

/* Pauses that end by themselves. */
static void
end_pauses(struct model *m)
{
    for (size_t i = 0; i < m->schedules.count; i++) {
        struct m_schedule *s = &m->schedules.items[i];

        if (m_object(m, s->object)->is_gone || s->pause_until == 0) continue;
        if (s->pause_until > m->now.wall_ms) continue;
        if (!is_pause_left(m, s)) end_pause(m, s);
    }
}

/* Whether a time was missed for such a reason: asked where the model knows only within which bounds
 * a time is due, and of a row that may have been missed for another. */
static bool
is_missed_as(const struct firing *row, const char *reason)
{
    return row->outcome == FIRING_MISSED &&
           memmem(row->reason.data, row->reason.size, reason, strlen(reason)) != NULL;
}

static bool
is_overtaken(const struct firing *row)
{
    return is_missed_as(row, "overtaken by its next time") || is_missed_as(row, "more newer times");
}

static bool
is_too_old(const struct firing *row)
{
    return is_missed_as(row, "older than the catch-up window") ||
           is_missed_as(row, "(misfire policy skip)");
}

/* Whether a nominal time that is due is to be missed by policy, window or pause, which may end
 * before it. */
static bool
is_missed(struct model *m, struct m_schedule *s, int64_t at, const struct firing *row)
{
    const struct m_object     *o = m_object(m, s->object);
    const struct msg_schedule *d = &o->declared.schedule;
    struct m_range             newer, due = m_due(m, s, at), came = came_at(m, s, at);
    int64_t window = HAS(d, schedule, catch_up_ms) ? d->catch_up_ms : m->limits.catch_up_ms;
    int64_t keep = most_that_fire(d);

    int64_t oldest = m->now.wall_ms - (window < M_LATE_MS ? M_LATE_MS : window);

    if (s->pause_until && s->pause_until <= m->now.wall_ms) end_pause(m, s);
    if (view_is(d->misfire, "skip") && m_late_before(m) > oldest) oldest = m_late_before(m);
    if (due.high < oldest) return true;
    if (due.low < oldest && is_too_old(row)) return true;
    if (s->is_paused || m_is_firing_held(m, o) || was_paused(m, s, came, true)) return true;
    if (was_paused(m, s, came, false) && is_missed_as(row, "paused")) return true;
    newer = newer_that_are_due(m, s, at, keep);
    return newer.low >= keep || (newer.high >= keep && is_overtaken(row));
}

static uint8_t
judge(struct model *m, struct m_schedule *s, int64_t at, const struct firing *row)
{
    if (at < s->idle_until) {
        if (s->pause_until && s->pause_until <= m->now.wall_ms) end_pause(m, s);
        s->suppressed++;
        return FIRING_SUPPRESSED;
    }
    return is_missed(m, s, at, row) ? FIRING_MISSED : m_fire(m, s, m_due(m, s, at), row);
}

/* What would fire in quiet hours waits for their end, why ever it comes only now. */
static bool
is_held_by_quiet_hours(struct model *m, struct m_schedule *s)
{
    const struct firing none = {.outcome = FIRING_FIRED};
    struct schedule     row = {.id = m_object(m, s->object)->id};
    int64_t             end = m_quiet_end_now(m, s);

    if (end == m->now.wall_ms || schedule_by_id(m->txn, &row) != LOAD_FOUND) return false;
    if (row.next_at != s->next_at || row.due_at != end) return false;
    claim(m_due(m, s, s->next_at).high > m->now.wall_ms ||
              (row.put_off_from == 0 && !is_missed(m, s, s->next_at, &none)),
          "schedule %.*s: quiet hours hold what is to be missed",
          VIEW_ARG(m_object(m, s->object)->name));
    s->due_at = end;
    if (row.put_off_from == 0) s->put_off_from = s->put_off_until = 0;
    return true;
}

/* ---- decisions ------------------------------------------------------------------------------- */

/* Whether its next time may be decided: when it is due; one that an idle heartbeat leaves out, with
 * one before it, since a back-off that ends leaves out what has passed. */
static bool
may_be_decided(struct model *m, const struct m_schedule *s)
{
    int64_t now = m->now.wall_ms;

    if (s->next_at == 0) return false;
    return m_due(m, s, s->next_at).low <= now || (s->next_at < s->idle_until && s->next_at <= now);
}

/* The next nominal time was decided, by the row of the span. */
static void
settle(struct model *m, struct m_schedule *s, const struct firing *row)
{
    const struct m_object *o = m_object(m, s->object);
    int64_t                at = s->next_at;
    uint8_t                expected;

    claim(may_be_decided(m, s), "schedule %.*s: %" PRId64 " was decided before it was due",
          VIEW_ARG(o->name), at);
    claim(!is_missed_as(row, "put off for people") || m_due(m, s, at).low <= s->put_off_until,
          "schedule %.*s, %" PRId64 ": that was not put off for people", VIEW_ARG(o->name), at);
    m_take_back(m, s); /* before it may be the last that fires */
    expected = judge(m, s, at, row);
    claim(row->outcome == expected,
          "schedule %.*s, %" PRId64 ": outcome %u (%.*s) for %" PRIu64 " times, expected %u",
          VIEW_ARG(o->name), at, row->outcome, VIEW_ARG(row->reason), row->count, expected);
    s->decided.items[s->span].outcome = expected;
    s->decided.items[s->span].is_gated = row->gated;
    s->decided.items[s->span].last = at;
    s->decided.items[s->span].count++;
    s->missed += expected == FIRING_MISSED;
    m_plan(m, s, at);
}

/* The row that decides s->next_at: one of its own, or that of the time before it, which grew. False
 * when the store has none yet. */
static bool
find_row(struct model *m, const struct m_schedule *s, struct firing *row)
{
    const struct m_span *before = s->span >= 0 ? &s->decided.items[s->span] : NULL;
    uint32_t             id = m_object(m, s->object)->id;

    *row = (struct firing){.schedule = id, .nominal_at = s->next_at};
    if (firing_load(m->txn, row) == LOAD_FOUND)
        return !view_is(row->reason, "its schedule was changed"); /* later in the turn */
    if (!before || before->last != s->cursor) return false;
    *row = (struct firing){.schedule = id, .nominal_at = before->first};
    return firing_load(m->txn, row) == LOAD_FOUND && row->count > before->count;
}

/* The row decides s->next_at, and what else it stands for. */
static void
decide(struct model *m, struct m_schedule *s, const struct firing *row)
{
    int64_t first = s->next_at;

    claim(row->count == 1 || row->outcome == FIRING_MISSED || row->gated ||
              s->next_at < s->idle_until,
          "a firing stands for %" PRIu64 " times", row->count);
    claim(row->outcome == FIRING_FIRED || row->reason.size > 0,
          "a firing was missed without a reason");
    if (row->nominal_at == s->next_at) {
        *LIST_ADD(&s->decided) = (struct m_span){.first = s->next_at};
        s->span = (int)s->decided.count - 1;
    }
    while (s->decided.items[s->span].count < row->count)
        settle(m, s, row);
    m_expect_success(m, s, row, first);
    claim((row->until_at ? row->until_at : row->nominal_at) == s->cursor,
          "schedule %.*s: a row of %" PRIu64 " times ends at %" PRId64 ", expected %" PRId64,
          VIEW_ARG(m_object(m, s->object)->name), row->count, row->until_at, s->cursor);
}

static struct m_schedule *
next_due(struct model *m)
{
    struct m_schedule *best = NULL;
    int64_t            best_at = 0;

    for (size_t i = 0; i < m->schedules.count; i++) {
        struct m_schedule     *s = &m->schedules.items[i];
        const struct m_object *o = m_object(m, s->object);
        int64_t                at;

        if (o->is_gone || s->next_at == 0 || s->waits) continue;
        at = m_due(m, s, s->next_at).low;
        if (at > m->now.wall_ms) continue;
        if (m_waits_for_crash_loop(m, m_due(m, s, s->next_at).high)) continue;
        if (!best || at < best_at || (at == best_at && o->id < m_object(m, best->object)->id)) {
            best = s;
            best_at = at;
        }
    }
    return best;
}

/* Whether the next job is that of another schedule. */
static bool
another_fires_now(struct model *m, const struct m_schedule *s)
{
    for (size_t i = 0; i < m->schedules.count; i++) {
        const struct m_schedule *o = &m->schedules.items[i];
        struct firing row = {.schedule = m_object(m, o->object)->id, .nominal_at = o->next_at};

        if (o == s || m_object(m, o->object)->is_gone || o->next_at == 0) continue;
        if (m_due(m, o, o->next_at).low > m->now.wall_ms) continue;
        if (firing_load(m->txn, &row) == LOAD_FOUND && row.job == m->jobs.count + 1) return true;
    }
    return false;
}

/* A jitter hides which of two was due first: their jobs tell. */
static bool
is_not_its_turn(struct model *m, const struct m_schedule *s, const struct firing *row)
{
    struct m_range due = m_due(m, s, s->next_at);

    if (due.low == due.high) return false;
    if (row->outcome == FIRING_FIRED) return row->job != m->jobs.count + 1;
    return another_fires_now(m, s);
}

/* A time that was decided before the clock went back is passed over when it is due again; the
 * engine may leave that, too, to its next turn. */
static bool
is_still_ahead(struct model *m, const struct m_schedule *s)
{
    struct schedule row = {.id = m_object(m, s->object)->id};

    return schedule_by_id(m->txn, &row) == LOAD_FOUND && row.next_at && row.next_at <= s->next_at;
}

static void
check_is_left(struct model *m, const struct m_schedule *s)
{
    claim(m_due(m, s, s->next_at).high > m->now.wall_ms ||
              m_waits_for_crash_loop(m, m_due(m, s, s->next_at).low) ||
              m->turn->deadline.wall_ms <= m->now.wall_ms,
          "schedule %.*s: nothing was decided about %" PRId64,
          VIEW_ARG(m_object(m, s->object)->name), s->next_at);
}

static void
look_at_all_again(struct model *m)
{
    for (size_t i = 0; i < m->schedules.count; i++)
        m->schedules.items[i].waits = false;
}

/* Every nominal time that has come, the oldest first.  The engine may leave some for its next turn:
 * then it must say that it has something to do at once. */
void
m_schedules_due(struct model *m)
{
    struct m_schedule *s;
    struct firing      row;

    look_at_all_again(m);
    while ((s = next_due(m))) {
        if (m_is_put_off(m, s) || is_held_by_quiet_hours(m, s)) continue;
        s->waits = m_is_decided(s, s->next_at) && is_still_ahead(m, s);
        if (s->waits) {
            check_is_left(m, s);
        } else if (m_has_fired(s, s->next_at)) { /* before the clock went back */
            m_pass_over(m, s);
        } else if (!find_row(m, s, &row)) {
            s->waits = true;
            check_is_left(m, s);
        } else if (is_not_its_turn(m, s, &row)) {
            s->waits = true;
        } else {
            decide(m, s, &row);
            look_at_all_again(m);
        }
    }
    end_pauses(m);
    for (size_t i = 0; i < m->schedules.count; i++) {
        s = &m->schedules.items[i];
        claim(!s->waits || !find_row(m, s, &row) || m_is_decided(s, s->next_at),
              "a firing names job %" PRIu64 ", expected %" PRIu64, row.job,
              (uint64_t)m->jobs.count + 1);
    }
}
