/* What a firing of a schedule comes to when its time is neither missed nor held: what overlaps
 * (C4), its gate, limits and budget, and the job that it makes. */
#include "tools/sim/model.h"

#include "tools/sim/verdict.h"

#include <inttypes.h>

#define STAGGER_MAX_MS 60000

static const struct actor daemon_actor = {.kind = "daemon", .role = ROLE_ADMIN};

/* ---- overlap (C4) ---------------------------------------------------------------------------- */

/* Jobs of the schedule that have not ended, be they of its firings or retried by hand. */
static int
count_in_flight(struct model *m, int object)
{
    int n = 0;

    for (size_t i = 0; i < m->active.count; i++) {
        const struct m_job *j = m_job(m, m->active.items[i]);

        n += j->schedule == object && !m_is_end(j->state);
    }
    return n;
}

bool
m_firing_in_flight(struct model *m, int object)
{
    return count_in_flight(m, object) > 0;
}

static bool
is_in_the_way(const struct m_object *o, int in_flight)
{
    struct view overlap = o->declared.schedule.overlap;

    if (view_is(overlap, "allow") || view_is(overlap, "cancel_running")) return false;
    return in_flight >= (view_is(overlap, "queue_one") ? 2 : 1);
}

static void
cancel_in_flight(struct model *m, int object)
{
    for (size_t i = 0; i < m->active.count; i++) {
        struct m_job *j = m_job(m, m->active.items[i]);

        if (j->schedule == object && !m_is_end(j->state)) m_cancel(m, j);
    }
}

/* ---- what a firing makes --------------------------------------------------------------------- */

/* A job of a firing, by its declaration at this moment. */
static void
fill_job(struct model *m, const struct m_schedule *s, int handler, int agent, struct m_job *j)
{
    const struct m_object     *o = m_object(m, s->object);
    const struct msg_schedule *d = &o->declared.schedule;
    const struct m_retry       retry = M_RETRY(d, schedule);

    j->company = o->company;
    j->agent = agent;
    j->handler = handler;
    j->schedule = s->object;
    j->is_born = true;
    j->priority = HAS(d, schedule, priority) ? (uint8_t)d->priority : 50;
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
}

static void
make_job(struct model *m, struct m_schedule *s, int handler, int agent, int64_t run_at,
         int64_t nominal_at)
{
    struct m_job *j = m_add_job(m);

    fill_job(m, s, handler, agent, j);
    j->run_at = run_at;
    j->nominal_at = nominal_at;
    s->fired_as = ++m->events;
    m_routine_fire(m, &m_object(m, s->object)->declared.schedule, j);
    m_make_ready(j);
    if (run_at > m->now.wall_ms) j->state = JOB_SCHEDULED;
    m_idle_agent_woken(m, j);
}

/* Whether what it names is there; fills handler and agent. */
static bool
has_references(struct model *m, const struct m_object *o, int *handler, int *agent)
{
    const struct msg_schedule *d = &o->declared.schedule;
    struct view                name = d->handler;
    enum errc                  e = E_OK;
    int                        company = o->company;

    *agent = -1;
    if (m_object(m, company)->is_gone) return false;
    if (d->agent.size) {
        *agent = m_ref(m, &daemon_actor, KIND_AGENT, d->agent, &company, &e);
        if (*agent < 0) return false;
    }
    if (name.size == 0 && *agent >= 0) name = m_agent_handler(m, *agent);
    if (name.size == 0) return false;
    *handler = m_ref(m, &daemon_actor, KIND_HANDLER, name, &company, &e);
    return *handler >= 0;
}

int
m_firing_agent(struct model *m, const struct m_object *o)
{
    int handler, agent;

    (void)has_references(m, o, &handler, &agent); /* its agent may be there without a handler */
    return agent;
}

bool
m_is_firing_held(struct model *m, const struct m_object *o)
{
    return m_is_paused(m, o->company, m_firing_agent(m, o));
}

bool
m_is_schedule_of(struct model *m, const struct m_object *o, int object)
{
    int handler, agent;

    (void)has_references(m, o, &handler, &agent);
    return o->company == object || agent == object;
}

static int64_t
limited(const struct model *m, int64_t at)
{
    if (at < m->now.wall_ms) return m->now.wall_ms;
    return at > m->now.wall_ms + STAGGER_MAX_MS ? m->now.wall_ms + STAGGER_MAX_MS : at;
}

int64_t
m_late_before(const struct model *m)
{
    return m->now.wall_ms - M_LATE_MS;
}

static bool
is_any_wanted_now(const struct model *m)
{
    bool is_wanted = false;

    for (size_t i = 0; i < m->turn->after_count; i++) {
        enum msg_id op = m->turn->after[i].op;

        is_wanted |= op == MSG_JOB_RETRY || op == MSG_JOB_RETRY_MANY || op == MSG_JOB_SET;
    }
    return is_wanted;
}

/* When the job of a firing may start: those that are caught up on come one after the other.  The
 * row tells, when it is not known to the millisecond when the firing was due. */
static int64_t
start_of(struct model *m, struct m_range due, uint64_t job)
{
    struct job_state row = {.id = job};
    int64_t          late = m_late_before(m), stagger = m->limits.catch_up_stagger_ms;
    struct m_range   at = {limited(m, m->catch_up.low), limited(m, m->catch_up.high)};

    if (stagger == 0 || due.low >= late) return m->now.wall_ms;
    if (due.high < late && at.low == at.high) {
        m->catch_up.low = m->catch_up.high = at.low + stagger;
        return at.low;
    }
    claim(job_state_load(m->txn, &row) == LOAD_FOUND, "job %" PRIu64 " is not in the store", job);
    if (due.high >= late && row.run_at < at.low && !is_any_wanted_now(m)) return m->now.wall_ms;
    if (row.run_at < at.low) row.run_at = at.low; /* a request of this turn wanted it now */
    claim(row.run_at <= at.high,
          "job %" PRIu64 " is caught up on at %" PRId64 ", expected %" PRId64, job, row.run_at,
          at.high);
    if (row.run_at > m->now.wall_ms) m->catch_up.low = row.run_at + stagger;
    if (m->catch_up.high < row.run_at + stagger) m->catch_up.high = row.run_at + stagger;
    return row.run_at;
}

int64_t
m_quiet_end_now(struct model *m, const struct m_schedule *s)
{
    const struct msg_schedule *d = &m_object(m, s->object)->declared.schedule;

    return m_quiet_end(d->quiet_hours, d->tz, m->now.wall_ms);
}

uint8_t
m_fire(struct model *m, struct m_schedule *s, struct m_range due, const struct firing *row)
{
    const struct m_object *o = m_object(m, s->object);
    int                    handler, agent;

    claim(m_quiet_end_now(m, s) == m->now.wall_ms, "schedule %.*s fires in its quiet hours",
          VIEW_ARG(o->name));
    if (m_admission(m) != E_OK || !has_references(m, o, &handler, &agent)) return FIRING_MISSED;
    if (m_judge_routine(m, &o->declared.schedule, o->company, agent) != E_OK) return FIRING_MISSED;
    if (m_judge_gate(m, &daemon_actor, &o->declared.schedule, o->company, handler, agent) != E_OK)
        return FIRING_MISSED;
    if (m_firing_in_flight(m, s->object)) m_firing_waits(m, s, s->cursor);
    if (m_gate_says_no(m, s, agent, row)) {
        claim(row->gated, "schedule %.*s does not say that its gate was closed", VIEW_ARG(o->name));
        s->gated++;
        s->suppressed++;
        m_idle_found_nothing(m, s, s->next_at);
        return FIRING_SUPPRESSED;
    }
    if (is_in_the_way(o, count_in_flight(m, s->object))) {
        s->suppressed++;
        s->skips++;
        if (m_reaches(s->skips, m->limits.alert_skips)) m_alert(m, s, false);
        return FIRING_SUPPRESSED;
    }
    if (m_queue_is_full(m, o->company, 0)) return FIRING_MISSED;
    if (m_budget_is_spent(m, s->object)) return FIRING_MISSED;
    claim(row->outcome == FIRING_FIRED, "schedule %.*s did not fire: outcome %u (%.*s)",
          VIEW_ARG(o->name), row->outcome, VIEW_ARG(row->reason));
    if (view_is(o->declared.schedule.overlap, "cancel_running")) cancel_in_flight(m, s->object);
    s->firings++;
    s->skips = 0;
    claim(row->number == s->firings, "a firing has number %" PRIu64 ", expected %" PRIu64,
          row->number, s->firings);
    claim(row->fired_at == m->now.wall_ms, "a firing says another time than now");
    claim(row->job == m->jobs.count + 1, "a firing names job %" PRIu64 ", expected %" PRIu64,
          row->job, (uint64_t)m->jobs.count + 1);
    s->last_job = row->job;
    s->is_touched = true;
    make_job(m, s, handler, agent, start_of(m, due, row->job), s->next_at);
    return FIRING_FIRED;
}

/* ---- by hand (C10) --------------------------------------------------------------------------- */

enum errc
m_judge_by_hand(struct model *m, const struct m_schedule *s, bool is_forced, bool *is_unclear,
                int64_t *eta_ms)
{
    const struct m_object     *o = m_object(m, s->object);
    const struct msg_schedule *d = &o->declared.schedule;
    struct m_job               j = {.id = m->jobs.count + 1,
                                    .is_by_hand = true,
                                    .is_forced = is_forced,
                                    .run_at = m->now.wall_ms};
    int                        handler, agent;
    bool                       overlaps;

    *is_unclear = false;
    *eta_ms = -1;
    claim(has_references(m, o, &handler, &agent), "schedule %.*s has no handler",
          VIEW_ARG(o->name));
    fill_job(m, s, handler, agent, &j);
    if (d->ticket.size) j.is_born = false;
    if (m_queue_is_full(m, o->company, 0)) return E_QUEUE_FULL;
    overlaps = !is_forced && !view_is(d->overlap, "allow") && m_firing_in_flight(m, s->object);
    return m_judge_room(m, &j, overlaps, is_unclear, eta_ms);
}

void
m_make_by_hand(struct model *m, struct m_schedule *s, enum firing_kind kind, int64_t nominal,
               bool is_forced)
{
    const struct m_object *o = m_object(m, s->object);
    struct firing          row = {.schedule = o->id, .nominal_at = nominal};
    uint64_t               id = m->jobs.count + 1;
    int                    handler, agent;

    claim(firing_load(m->txn, &row) == LOAD_FOUND && row.kind == kind &&
              row.outcome == FIRING_FIRED && row.job == id && row.count == 1 &&
              row.fired_at == m->now.wall_ms && row.number == s->firings + 1,
          "schedule %.*s: the row of its firing by hand at %" PRId64 " is another",
          VIEW_ARG(o->name), nominal);
    s->firings++;
    s->by_hand++;
    s->skips = 0;
    s->last_job = id;
    s->is_touched = true;
    (void)has_references(m, o, &handler, &agent);
    make_job(m, s, handler, agent, m->now.wall_ms, nominal);
    m_job(m, id)->is_by_hand = m_job(m, id)->is_asked_for = true;
    m_job(m, id)->is_forced = is_forced;
}

void
m_fire_by_hand(struct model *m, struct m_schedule *s, bool is_forced, bool is_unclear)
{
    struct job_spec spec = {.id = m->jobs.count + 1};

    claim(job_spec_load(m->txn, &spec) == LOAD_FOUND, "a firing by hand made no job");
    claim(spec.nominal_at >= m->now.wall_ms, "a firing by hand at a time of the past");
    m_make_by_hand(m, s, FIRING_MANUAL, spec.nominal_at, is_forced);
    *LIST_ADD(&s->by_hand_at) = spec.nominal_at;
    m_dispatch(m);
    claim(is_unclear || m_job(m, spec.id)->state == JOB_RUNNING,
          "job %" PRIu64 " was fired by hand, and waits", spec.id);
}
