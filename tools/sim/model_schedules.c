#include "tools/sim/model.h"

#include "tools/sim/verdict.h"

#include <inttypes.h>

/* ---- nominal times --------------------------------------------------------------------------- */

#define SECOND_MS 1000
#define MINUTE_MS 60000
#define DAY_MS    86400000

/* The simulation's crons have the form "M H * * D", each a number, "*" or "*" "/N", or "S M H * *
 * D" with a number for S, or "every Ns"; small enough to be told again here, minute by minute. */
struct field {
    int64_t number, step; /* number -1: any multiple of step */
};

static struct field
field_of(struct view cron, unsigned index)
{
    struct field f = {-1, 1};
    size_t       at = 0;

    for (; index > 0; index--) {
        while (cron.data[at++] != ' ') {
        }
    }
    if (cron.data[at] != '*') f.number = 0;
    for (; at < cron.size && cron.data[at] != ' '; at++) {
        char c = cron.data[at];

        if (c == '/') f.step = 0;
        if (c < '0' || c > '9') continue;
        if (f.number >= 0) f.number = f.number * 10 + (c - '0');
        if (f.number < 0) f.step = f.step * 10 + (c - '0');
    }
    return f;
}

static bool
matches(struct field f, int64_t value)
{
    return f.number >= 0 ? f.number == value : value % f.step == 0;
}

static bool
has_seconds(struct view cron)
{
    unsigned blanks = 0;

    for (size_t i = 0; i < cron.size; i++)
        blanks += cron.data[i] == ' ';
    return blanks == 5;
}

/* 0 for a cron of fields. */
static int64_t
interval_of(const struct msg_schedule *d)
{
    if (HAS(d, schedule, every_ms)) return d->every_ms;
    return d->cron.data[0] == 'e' ? field_of(d->cron, 1).number * SECOND_MS : 0;
}

static int64_t
next_of_cron(struct view cron, int64_t after)
{
    unsigned     first = has_seconds(cron);
    struct field minute = field_of(cron, first), hour = field_of(cron, first + 1),
                 weekday = field_of(cron, first + 4);
    int64_t into_ms = first ? field_of(cron, 0).number * SECOND_MS : 0;
    int64_t at = ((after - into_ms) / MINUTE_MS + 1) * MINUTE_MS;
    int64_t end = at + 15 * (int64_t)DAY_MS;

    while (at < end) {
        if (!matches(weekday, (at / DAY_MS + 4) % 7)) { /* the epoch was a Thursday */
            at = (at / DAY_MS + 1) * DAY_MS;
        } else if (!matches(hour, at / (60 * MINUTE_MS) % 24)) {
            at = (at / (60 * MINUTE_MS) + 1) * 60 * MINUTE_MS;
        } else if (!matches(minute, at / MINUTE_MS % 60)) {
            at += MINUTE_MS;
        } else {
            return at + into_ms;
        }
    }
    broken("a cron of the simulation never comes");
}

/* N29: nominal = created_at + n · D. */
int64_t
m_next_nominal(const struct m_schedule *s, const struct msg_schedule *d, int64_t after)
{
    int64_t every = interval_of(d), n;

    if (every == 0) return next_of_cron(d->cron, after);
    n = after < s->created_at ? 1 : (after - s->created_at) / every + 1;
    return s->created_at + n * every;
}

/* ---- schedules ------------------------------------------------------------------------------- */

void
m_add_schedule(struct model *m, int object)
{
    struct m_object   *o = m_object(m, object);
    struct m_schedule *s = LIST_ADD(&m->schedules);

    o->schedule = (int)m->schedules.count - 1;
    s->object = object;
    s->created_at = m->now.wall_ms;
    s->cursor = m->now.wall_ms;
    s->next_at = m_next_nominal(s, &o->declared.schedule, s->cursor);
}

/* The clock went back: what lies ahead is planned anew; what has a row does not come again (N27).
 */
void
m_replan(struct model *m)
{
    for (size_t i = 0; i < m->schedules.count; i++) {
        struct m_schedule *s = &m->schedules.items[i];

        if (s->cursor <= m->now.wall_ms) continue;
        s->cursor = m->now.wall_ms;
        s->next_at = m_next_nominal(s, &m_object(m, s->object)->declared.schedule, s->cursor);
    }
}

/* C4: any job of the schedule that has not ended, be it of the last firing or one that was retried
 * by hand. */
bool
m_firing_in_flight(struct model *m, int object)
{
    for (size_t i = 0; i < m->active.count; i++) {
        const struct m_job *j = m_job(m, m->active.items[i]);

        if (j->schedule == object && !m_is_end(j->state)) return true;
    }
    return false;
}

/* ---- decisions ------------------------------------------------------------------------------- */

static bool
is_decided(const struct m_schedule *s, int64_t nominal)
{
    if (nominal > s->latest) return false;
    for (size_t i = s->decided.count; i-- > 0;) {
        if (s->decided.items[i] == nominal) return true;
    }
    return false;
}

/* A job of a firing, by its declaration at this moment. */
static void
make_job(struct model *m, const struct m_schedule *s, int handler, int agent)
{
    const struct m_object     *o = m_object(m, s->object);
    const struct msg_schedule *d = &o->declared.schedule;
    const struct m_retry       retry = M_RETRY(d, schedule);
    struct m_job              *j = m_add_job(m);

    j->company = o->company;
    j->agent = agent;
    j->handler = handler;
    j->schedule = s->object;
    j->is_born = true;
    j->priority = HAS(d, schedule, priority) ? (uint8_t)d->priority : 50;
    j->run_at = m->now.wall_ms;
    j->max_run_ms = d->max_run_ms;
    j->max_turns = d->max_turns;
    j->token_budget = d->token_budget;
    j->cost_budget = d->cost_budget_micros;
    j->max_attempts = (uint32_t)d->max_attempts;
    if (j->max_attempts == 0 && !retry.has_list && !retry.has_base) j->max_attempts = 1; /* A5 */
    j->payload = d->payload.size ? hash64(d->payload, 0) : 0;
    j->payload_bytes = d->payload.size;
    j->trigger = view_is(d->type, "heartbeat") ? "heartbeat" : "schedule";
    m_ladder(&retry, &j->ladder);
    m_defaults(m, j, HAS(d, schedule, max_turns));
    m_routine_fire(m, d, j);
    m_make_ready(j);
}

/* Whether what it names is there; fills handler and agent. */
static bool
has_references(struct model *m, const struct m_object *o, int *handler, int *agent)
{
    const struct actor         daemon = {.kind = "daemon", .role = ROLE_ADMIN};
    const struct msg_schedule *d = &o->declared.schedule;
    struct view                name = d->handler;
    enum errc                  e = E_OK;
    int                        company = o->company;

    *agent = -1;
    if (m_object(m, company)->is_gone) return false;
    if (d->agent.size) {
        *agent = m_ref(m, &daemon, KIND_AGENT, d->agent, &company, &e);
        if (*agent < 0) return false;
    }
    if (name.size == 0 && *agent >= 0) name = m_agent_handler(m, *agent);
    if (name.size == 0) return false;
    *handler = m_ref(m, &daemon, KIND_HANDLER, name, &company, &e);
    return *handler >= 0;
}

/* Its company or its agent is paused (N37). */
static bool
is_held(struct model *m, const struct m_object *o)
{
    int handler, agent;

    return has_references(m, o, &handler, &agent) ? m_is_paused(m, o->company, agent)
                                                  : m_is_paused(m, o->company, -1);
}

static uint8_t
fire(struct model *m, struct m_schedule *s, const struct firing *row)
{
    const struct m_object *o = m_object(m, s->object);
    int                    handler, agent;

    if (m_admission(m) != E_OK || !has_references(m, o, &handler, &agent)) return FIRING_MISSED;
    if (m_judge_routine(m, &o->declared.schedule, o->company, agent) != E_OK) return FIRING_MISSED;
    if (m_firing_in_flight(m, s->object)) {
        s->suppressed++;
        return FIRING_SUPPRESSED;
    }
    if (m_queue_is_full(m, o->company, 0)) return FIRING_MISSED;
    if (m_budget_is_spent(m, s->object)) return FIRING_MISSED;
    claim(row->outcome == FIRING_FIRED, "schedule %.*s did not fire: outcome %u (%.*s)",
          VIEW_ARG(o->name), row->outcome, VIEW_ARG(row->reason));
    s->firings++;
    claim(row->number == s->firings, "a firing has number %" PRIu64 ", expected %" PRIu64,
          row->number, s->firings);
    claim(row->fired_at == m->now.wall_ms, "a firing says another time than now");
    claim(row->job == m->jobs.count + 1, "a firing names job %" PRIu64 ", expected %" PRIu64,
          row->job, (uint64_t)m->jobs.count + 1);
    make_job(m, s, handler, agent);
    return FIRING_FIRED;
}

/* All nominal times before the catch-up window share one row. */
static uint64_t
skip_old(struct model *m, struct m_schedule *s)
{
    const struct msg_schedule *d = &m_object(m, s->object)->declared.schedule;
    int64_t                    window = m->now.wall_ms - m->limits.catch_up_ms;
    uint64_t                   n = 0;

    for (int64_t at = s->next_at; at <= window; at = m_next_nominal(s, d, at)) {
        s->cursor = at;
        n++;
    }
    return n;
}

/* Decides s->next_at; false when the store has no row of it. */
static bool
decide(struct model *m, struct m_schedule *s)
{
    const struct m_object     *o = m_object(m, s->object);
    const struct msg_schedule *d = &o->declared.schedule;
    struct firing              row = {.schedule = o->id, .nominal_at = s->next_at};
    uint8_t                    expected = FIRING_MISSED;
    uint64_t                   count = 1;

    if (firing_load(m->txn, &row) != LOAD_FOUND) return false;
    *LIST_ADD(&s->decided) = s->next_at;
    if (s->next_at > s->latest) s->latest = s->next_at;
    if (s->next_at < m->now.wall_ms - m->limits.catch_up_ms) {
        count = skip_old(m, s);
    } else {
        s->cursor = s->next_at;
        if (!s->is_paused && !is_held(m, o) && m_next_nominal(s, d, s->next_at) > m->now.wall_ms)
            expected = fire(m, s, &row);
    }
    claim(row.outcome == expected && row.count == count,
          "schedule %.*s, %" PRId64 ": outcome %u (%.*s) for %" PRIu64
          " times, expected %u for %" PRIu64,
          VIEW_ARG(o->name), row.nominal_at, row.outcome, VIEW_ARG(row.reason), row.count, expected,
          count);
    claim(row.outcome == FIRING_FIRED || row.reason.size > 0,
          "a firing was missed without a reason");
    s->next_at = m_next_nominal(s, d, s->cursor);
    return true;
}

static struct m_schedule *
next_due(struct model *m)
{
    struct m_schedule *best = NULL;

    for (size_t i = 0; i < m->schedules.count; i++) {
        struct m_schedule     *s = &m->schedules.items[i];
        const struct m_object *o = m_object(m, s->object);

        if (o->is_gone || s->next_at > m->now.wall_ms) continue;
        if (!best || s->next_at < best->next_at ||
            (s->next_at == best->next_at && o->id < m_object(m, best->object)->id))
            best = s;
    }
    return best;
}

/* Every nominal time that has come, the oldest first.  The engine may leave some for its next turn:
 * then it must say that it has something to do at once. */
void
m_schedules_due(struct model *m)
{
    struct m_schedule *s;

    while ((s = next_due(m))) {
        const struct m_object *o = m_object(m, s->object);

        if (is_decided(s, s->next_at)) { /* before the clock went back */
            s->cursor = s->next_at;
            s->next_at = m_next_nominal(s, &o->declared.schedule, s->next_at);
            continue;
        }
        if (decide(m, s)) continue;
        claim(m->turn->deadline.wall_ms <= m->now.wall_ms,
              "schedule %.*s: nothing was decided about %" PRId64, VIEW_ARG(o->name), s->next_at);
        return;
    }
}
