#include "tools/sim/model.h"

#include "tools/sim/verdict.h"

#include <inttypes.h>

#define LATE_MS        1000 /* within it a time is decided when it comes, whatever the window is */
#define STAGGER_MAX_MS 60000
#define PUT_OFF_MAX_MS 300000

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
make_job(struct model *m, const struct m_schedule *s, int handler, int agent, int64_t run_at)
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
    j->run_at = run_at;
    j->nominal_at = s->next_at;
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
    if (run_at > m->now.wall_ms) j->state = JOB_SCHEDULED;
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

    (void)has_references(m, o, &handler, &agent); /* its agent may be there without a handler */
    return m_is_paused(m, o->company, agent);
}

static int64_t
limited(const struct model *m, int64_t at)
{
    if (at < m->now.wall_ms) return m->now.wall_ms;
    return at > m->now.wall_ms + STAGGER_MAX_MS ? m->now.wall_ms + STAGGER_MAX_MS : at;
}

/* The gate asks for tickets of the agent that are not done (C5). */
static bool
has_nothing_to_do(struct model *m, const struct m_object *o, int agent)
{
    if (o->declared.schedule.gate.size == 0) return false;
    for (size_t i = 0; i < m->tickets.count; i++) {
        const struct m_ticket *k = &m->tickets.items[i];

        if (k->assignee == agent && !k->is_gone && k->status != TICKET_DONE) return false;
    }
    return true;
}

/* What was due before it is late: but nothing that was put off for people, while it may be. */
static int64_t
late_before(const struct model *m, const struct m_schedule *s)
{
    int64_t late = m->now.wall_ms - LATE_MS;

    return s->put_off_from && s->put_off_from + PUT_OFF_MAX_MS >= late ? INT64_MIN : late;
}

/* When the job of a firing may start: those that are caught up on come one after the other.  The
 * row tells, when it is not known to the millisecond when the firing was due. */
static int64_t
start_of(struct model *m, const struct m_schedule *s, struct m_range due, uint64_t job)
{
    struct job_state row = {.id = job};
    int64_t          late = late_before(m, s), stagger = m->limits.catch_up_stagger_ms;
    struct m_range   at = {limited(m, m->catch_up.low), limited(m, m->catch_up.high)};

    if (stagger == 0 || due.low >= late) return m->now.wall_ms;
    if (due.high < late && at.low == at.high) {
        m->catch_up.low = m->catch_up.high = at.low + stagger;
        return at.low;
    }
    claim(job_state_load(m->txn, &row) == LOAD_FOUND, "job %" PRIu64 " is not in the store", job);
    if (row.run_at < at.low) row.run_at = at.low; /* a request of this turn wanted it now */
    claim(row.run_at <= at.high,
          "job %" PRIu64 " is caught up on at %" PRId64 ", expected %" PRId64, job, row.run_at,
          at.high);
    if (row.run_at > m->now.wall_ms) m->catch_up.low = row.run_at + stagger;
    if (m->catch_up.high < row.run_at + stagger) m->catch_up.high = row.run_at + stagger;
    return row.run_at;
}

static int64_t
quiet_end(struct model *m, const struct m_schedule *s)
{
    const struct msg_schedule *d = &m_object(m, s->object)->declared.schedule;

    return m_quiet_end(d->quiet_hours, d->tz, m->now.wall_ms);
}

static uint8_t
fire(struct model *m, struct m_schedule *s, struct m_range due, const struct firing *row)
{
    const struct m_object *o = m_object(m, s->object);
    int                    handler, agent;

    claim(quiet_end(m, s) == m->now.wall_ms, "schedule %.*s fires in its quiet hours",
          VIEW_ARG(o->name));
    if (m_admission(m) != E_OK || !has_references(m, o, &handler, &agent)) return FIRING_MISSED;
    if (m_judge_routine(m, &o->declared.schedule, o->company, agent) != E_OK) return FIRING_MISSED;
    if (m_firing_in_flight(m, s->object)) m_firing_waits(m, s, s->cursor);
    if (has_nothing_to_do(m, o, agent)) {
        claim(row->gated, "schedule %.*s does not say that its gate was closed", VIEW_ARG(o->name));
        s->gated++;
        s->suppressed++;
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
    make_job(m, s, handler, agent, start_of(m, s, due, row->job));
    return FIRING_FIRED;
}

/* ---- misfires (C3) --------------------------------------------------------------------------- */

bool
m_waits_for_crash_loop(const struct model *m, int64_t due_at)
{
    return m->now.boot_ms < m->hold_until_boot && due_at < m->started_at;
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
        n.high++;
        n.low += due.high <= m->now.wall_ms;
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
end_pause(struct m_schedule *s)
{
    s->is_paused = false;
    s->pause_until = 0;
    s->is_touched = true;
}

/* Pauses that end by themselves, behind the decisions about the times before. */
static void
end_pauses(struct model *m)
{
    for (size_t i = 0; i < m->schedules.count; i++) {
        struct m_schedule *s = &m->schedules.items[i];

        if (m_object(m, s->object)->is_gone || s->pause_until == 0) continue;
        if (s->pause_until > m->now.wall_ms) continue;
        if (s->next_at && m_due(m, s, s->next_at).low < s->pause_until) continue;
        end_pause(s);
    }
}

/* Whether a nominal time that is due is to be missed by policy, window or pause, which may end
 * before it. */
static bool
is_missed(struct model *m, struct m_schedule *s, int64_t at, const struct firing *row)
{
    const struct m_object     *o = m_object(m, s->object);
    const struct msg_schedule *d = &o->declared.schedule;
    struct m_range             newer, due = m_due(m, s, at);
    int64_t window = HAS(d, schedule, catch_up_ms) ? d->catch_up_ms : m->limits.catch_up_ms;
    int64_t keep = most_that_fire(d);

    int64_t oldest = m->now.wall_ms - (window < LATE_MS ? LATE_MS : window);

    if (view_is(d->misfire, "skip") && late_before(m, s) > oldest) oldest = late_before(m, s);
    if (due.high < oldest) return true;
    if (due.low < oldest && row->outcome == FIRING_MISSED) return true;
    if (s->pause_until && due.high >= s->pause_until &&
        (due.low >= s->pause_until || row->outcome != FIRING_MISSED))
        end_pause(s);
    if (s->is_paused || is_held(m, o)) return true;
    newer = newer_that_are_due(m, s, at, keep);
    return newer.low >= keep || (newer.high >= keep && row->outcome == FIRING_MISSED);
}

static uint8_t
judge(struct model *m, struct m_schedule *s, int64_t at, const struct firing *row)
{
    return is_missed(m, s, at, row) ? FIRING_MISSED : fire(m, s, m_due(m, s, at), row);
}

/* What would fire in quiet hours waits for their end, why ever it comes only now. */
static bool
is_held_by_quiet_hours(struct model *m, struct m_schedule *s)
{
    const struct firing none = {.outcome = FIRING_FIRED};
    struct schedule     row = {.id = m_object(m, s->object)->id};
    int64_t             end = quiet_end(m, s);

    if (end == m->now.wall_ms || schedule_load(m->txn, &row) != LOAD_FOUND) return false;
    if (row.next_at != s->next_at || row.due_at != end) return false;
    claim(m_due(m, s, s->next_at).high > m->now.wall_ms ||
              (row.put_off_from == 0 && !is_missed(m, s, s->next_at, &none)),
          "schedule %.*s: quiet hours hold what is to be missed",
          VIEW_ARG(m_object(m, s->object)->name));
    s->due_at = end;
    s->put_off_from = row.put_off_from;
    return true;
}

/* ---- decisions ------------------------------------------------------------------------------- */

/* The next nominal time was decided, by the row of the span. */
static void
settle(struct model *m, struct m_schedule *s, const struct firing *row)
{
    const struct m_object *o = m_object(m, s->object);
    int64_t                at = s->next_at;
    uint8_t                expected;

    claim(at && m_due(m, s, at).low <= m->now.wall_ms,
          "schedule %.*s: %" PRId64 " was decided before it was due", VIEW_ARG(o->name), at);
    expected = judge(m, s, at, row);
    claim(row->outcome == expected,
          "schedule %.*s, %" PRId64 ": outcome %u (%.*s) for %" PRIu64 " times, expected %u",
          VIEW_ARG(o->name), at, row->outcome, VIEW_ARG(row->reason), row->count, expected);
    m_take_back(m, s);
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
    claim(row->count == 1 || row->outcome == FIRING_MISSED || row->gated,
          "a firing stands for %" PRIu64 " times", row->count);
    claim(row->outcome == FIRING_FIRED || row->reason.size > 0,
          "a firing was missed without a reason");
    if (row->nominal_at == s->next_at) {
        *LIST_ADD(&s->decided) = (struct m_span){.first = s->next_at};
        s->span = (int)s->decided.count - 1;
    }
    while (s->decided.items[s->span].count < row->count)
        settle(m, s, row);
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

    return schedule_load(m->txn, &row) == LOAD_FOUND && row.next_at && row.next_at <= s->next_at;
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
