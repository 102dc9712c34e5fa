/* When the next nominal time of a schedule is decided, and what its row says of that. */
#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>

static const struct msg_schedule *
declared(struct model *m, const struct m_schedule *s)
{
    return &m_object(m, s->object)->declared.schedule;
}

void
m_plan(struct model *m, struct m_schedule *s, int64_t cursor)
{
    s->cursor = cursor;
    s->next_at = m_next_nominal(s, declared(m, s), cursor);
    s->due_at = 0;
    if (s->next_at && s->next_at <= m->now.wall_ms) return;
    s->put_off_from = s->put_off_until = 0;
    s->past_pauses.count = 0;
}

/* ---- decided before the clock went back -------------------------------------------------------
 */

/* The newest row that begins no later than the time, when it stands for it. */
struct m_span *
m_standing(const struct m_schedule *s, int64_t nominal)
{
    struct m_span *newest = NULL;

    for (size_t i = 0; i < s->decided.count; i++) {
        struct m_span *span = &s->decided.items[i];

        if (span->count && span->first <= nominal && (!newest || span->first >= newest->first))
            newest = span;
    }
    return newest && newest->last >= nominal ? newest : NULL;
}

bool
m_is_decided(const struct m_schedule *s, int64_t nominal)
{
    return m_standing(s, nominal) != NULL;
}

bool
m_has_fired(const struct m_schedule *s, int64_t nominal)
{
    const struct m_span *span = m_standing(s, nominal);

    return span && span->outcome == FIRING_FIRED;
}

void
m_pass_over(struct model *m, struct m_schedule *s)
{
    s->span = (int)(m_standing(s, s->next_at) - s->decided.items);
    m_plan(m, s, s->next_at);
}

void
m_take_back(struct model *m, struct m_schedule *s)
{
    struct m_span *span = m_standing(s, s->next_at);
    uint64_t       kept = 0;

    if (!span) return;
    for (int64_t at = span->first; at && at < s->next_at && kept < span->count; kept++) {
        span->last = at;
        at = m_next_nominal(s, declared(m, s), at);
    }
    if (span->is_gated) s->gated -= span->count - kept;
    *(span->outcome == FIRING_MISSED ? &s->missed : &s->suppressed) -= span->count - kept;
    span->count = kept;
}

/* ---- planned --------------------------------------------------------------------------------- */

void
m_add_schedule(struct model *m, int object)
{
    struct m_object   *o = m_object(m, object);
    struct m_schedule *s = LIST_ADD(&m->schedules);

    o->schedule = (int)m->schedules.count - 1;
    s->object = object;
    s->created_at = m->now.wall_ms;
    s->offset = -1;
    s->span = -1;
    s->max_turns_set_at = m->now.wall_ms;
    m_plan(m, s, m->now.wall_ms);
}

bool
m_has_same_times(const struct msg_schedule *a, const struct msg_schedule *b)
{
    return view_eq(a->cron, b->cron) && a->every_ms == b->every_ms && view_eq(a->tz, b->tz) &&
           a->start_at == b->start_at && a->end_at == b->end_at;
}

static bool
is_used_up(const struct m_schedule *s, const struct msg_schedule *d)
{
    return HAS(d, schedule, max_firings) && s->firings - s->by_hand >= d->max_firings;
}

/* The times from `at` to `until` have one row. */
static int64_t
put_span(struct m_schedule *s, const struct msg_schedule *before, int64_t at, int64_t until,
         uint8_t outcome)
{
    struct m_span span = {.first = at, .outcome = outcome};

    for (; at && at <= until; at = m_next_nominal(s, before, at)) {
        span.last = at;
        span.count++;
    }
    *(outcome == FIRING_MISSED ? &s->missed : &s->suppressed) += span.count;
    if (span.count) *LIST_ADD(&s->decided) = span;
    return at;
}

/* Old times that have passed: what a heartbeat left out stays so, what waits until it is due is
 * missed. */
static void
miss_what_waits(struct model *m, struct m_schedule *s, const struct msg_schedule *before)
{
    int64_t now = m->now.wall_ms, idle = s->idle_until - 1, at = s->next_at;

    if (at == 0 || m_is_decided(s, at)) return;
    at = put_span(s, before, at, idle < now ? idle : now, FIRING_SUPPRESSED);
    (void)put_span(s, before, at, now, FIRING_MISSED);
}

/* Other times, and those of one that had ended, count from now on: none of the new ones is overdue.
 */
void
m_schedule_changed(struct model *m, int object, const struct msg_schedule *before)
{
    struct m_schedule         *s = &m->schedules.items[m_object(m, object)->schedule];
    const struct msg_schedule *after = declared(m, s);
    bool                       other = !m_has_same_times(before, after) || is_used_up(s, after);

    if (other) miss_what_waits(m, s, before);
    m_idle_end(m, s);
    s->is_touched = true;
    m_overdue_changed(m, s, before->overdue_ms, after->overdue_ms);
    s->is_promoted = false; /* what was changed has yet to prove itself */
    s->shadow_runs = 0;
    if (before->spread_ms != after->spread_ms) s->offset = -1;
    m_plan(m, s, !other && s->next_at ? s->cursor : m->now.wall_ms);
}

/* What lies ahead is planned anew; what has a row does not come again (N27). */
void
m_replan(struct model *m)
{
    m->catch_up = (struct m_range){0, 0};
    for (size_t i = 0; i < m->schedules.count; i++) {
        struct m_schedule *s = &m->schedules.items[i];

        if (s->cursor <= m->now.wall_ms) continue;
        m_idle_end(m, s);
        m_plan(m, s, m->now.wall_ms);
    }
}

/* ---- when a nominal time is due -------------------------------------------------------------- */

/* What an idle heartbeat leaves out is decided with the first time that it does not. */
static int64_t
with_those_left_out(const struct m_schedule *s, const struct msg_schedule *d, int64_t nominal)
{
    int64_t at = nominal < s->idle_until ? m_next_nominal(s, d, s->idle_until - 1) : 0;

    return at ? at : nominal;
}

/* The offset of a spread is known when it was once seen; a jitter is known of the next time only,
 * when its row has been read. */
struct m_range
m_due(struct model *m, const struct m_schedule *s, int64_t nominal)
{
    const struct msg_schedule *d = declared(m, s);
    int64_t                    low, high;

    if (nominal == s->next_at && s->due_at) return (struct m_range){s->due_at, s->due_at};
    low = high = with_those_left_out(s, d, nominal);
    if (s->offset >= 0) {
        low = high += s->offset;
    } else if (d->spread_ms) {
        high += d->spread_ms - 1;
    }
    if (d->jitter_ms) high += d->jitter_ms - 1;
    low = m_quiet_end(d->quiet_hours, d->tz, low);
    high = m_quiet_end(d->quiet_hours, d->tz, high);
    if (nominal == s->next_at && low < s->put_off_until) low = s->put_off_until;
    return (struct m_range){low, high < low ? low : high};
}

void
m_check_schedule_deadline(struct model *m)
{
    for (size_t i = 0; i < m->schedules.count; i++) {
        const struct m_schedule *s = &m->schedules.items[i];

        claim(m_object(m, s->object)->is_gone || s->pause_until == 0 ||
                  m->turn->deadline.wall_ms <= m->now.wall_ms ||
                  m->turn->deadline.wall_ms <= s->pause_until,
              "the engine sleeps past the end of the pause of schedule %.*s",
              VIEW_ARG(m_object(m, s->object)->name));
        claim(m_object(m, s->object)->is_gone || s->overdue_at == 0 || s->is_overdue ||
                  m->turn->deadline.wall_ms <= m->now.wall_ms ||
                  m->turn->deadline.wall_ms <= s->overdue_at,
              "the engine sleeps past the overdue alarm of schedule %.*s",
              VIEW_ARG(m_object(m, s->object)->name));
        if (m_object(m, s->object)->is_gone || s->next_at == 0 ||
            m_waits_for_crash_loop(m, m_due(m, s, s->next_at).low))
            continue;
        claim(m->turn->deadline.wall_ms <= m->now.wall_ms ||
                  m->turn->deadline.wall_ms <= m_due(m, s, s->next_at).high,
              "the engine sleeps past the next time of schedule %.*s",
              VIEW_ARG(m_object(m, s->object)->name));
    }
}

/* ---- the row --------------------------------------------------------------------------------- */

static void
learn_offset(struct model *m, struct m_schedule *s)
{
    const struct msg_schedule *d = declared(m, s);

    if (s->next_at < s->idle_until || s->due_at <= s->put_off_until) return;
    if (d->spread_ms && d->jitter_ms == 0 && d->quiet_hours.size == 0)
        s->offset = s->due_at - s->next_at;
}

static void
compare_plan(struct model *m, struct m_schedule *s, const struct schedule *row)
{
    struct m_range due;
    struct view    name = m_object(m, s->object)->name;

    while (s->next_at && (row->next_at == 0 || s->next_at < row->next_at) &&
           m_has_fired(s, s->next_at))
        m_pass_over(m, s);
    due = m_due(m, s, s->next_at);
    /* Not all is decided yet. */
    if (s->next_at && due.low <= m->now.wall_ms && row->due_at <= m->now.wall_ms) return;
    if (row->due_at <= m->now.wall_ms && m_is_decided(s, row->next_at)) {
        /* It was, before the clock went back; the engine has still to see that. */
        claim(m->turn->deadline.wall_ms <= m->now.wall_ms,
              "schedule %.*s is due, and the engine sleeps", VIEW_ARG(name));
        return;
    }
    claim(row->next_at == s->next_at, "schedule %.*s fires next at %" PRId64 ", expected %" PRId64,
          VIEW_ARG(name), row->next_at, s->next_at);
    if (s->next_at == 0) {
        claim(row->due_at == 0, "schedule %.*s, which is at its end, is due", VIEW_ARG(name));
        return;
    }
    claim(row->due_at >= due.low && row->due_at <= due.high,
          "schedule %.*s: %" PRId64 " is due at %" PRId64 ", expected %" PRId64 " to %" PRId64,
          VIEW_ARG(name), s->next_at, row->due_at, due.low, due.high);
    claim(row->put_off_from == s->put_off_from,
          "schedule %.*s is put off from %" PRId64 ", expected %" PRId64, VIEW_ARG(name),
          row->put_off_from, s->put_off_from);
    s->due_at = row->due_at;
    if (s->offset < 0) learn_offset(m, s);
}

static void
compare_counters(struct model *m, const struct m_schedule *s, const struct schedule *row)
{
    const struct {
        const char *what;
        uint64_t    stored, expected;
    } counters[] = {
        {"paused",           row->paused,           s->is_paused  },
        {"firing_count",     row->firing_count,     s->firings    },
        {"suppressed_count", row->suppressed_count, s->suppressed },
        {"missed_count",     row->missed_count,     s->missed     },
        {"gated_count",      row->gated_count,      s->gated      },
        {"skips",            row->skips,            s->skips      },
        {"promoted",         row->promoted,         s->is_promoted},
        {"shadow_runs",      row->shadow_runs,      s->shadow_runs},
    };

    for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
        claim(counters[i].stored == counters[i].expected,
              "schedule %.*s: %s is %" PRIu64 ", expected %" PRIu64,
              VIEW_ARG(m_object(m, s->object)->name), counters[i].what, counters[i].stored,
              counters[i].expected);
    }
}

void
m_compare_schedules(struct model *m, bool all)
{
    for (size_t i = 0; i < m->schedules.count; i++) {
        struct m_schedule     *s = &m->schedules.items[i];
        const struct m_object *o = m_object(m, s->object);
        struct schedule        row = {.id = o->id};

        if (o->is_gone || (!all && !s->is_touched && (s->due_at || s->next_at == 0))) continue;
        claim(o->id && schedule_by_id(m->txn, &row) == LOAD_FOUND,
              "schedule %.*s is not in the store", VIEW_ARG(o->name));
        if (s->ends > 1) m_take_over_idle(s, &row);
        compare_plan(m, s, &row);
        m_compare_outcomes(m, s, &row);
        if (all) compare_counters(m, s, &row);
        s->is_touched = false;
    }
}
