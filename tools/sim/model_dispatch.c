#include "tools/sim/model.h"

#include "tools/sim/verdict.h"

#include <inttypes.h>

/* ---- what is held ---------------------------------------------------------------------------- */

static uint32_t
jobs_on(const struct model *m, uint32_t worker)
{
    uint32_t n = 0;

    for (size_t i = 0; i < m->leases.count; i++) {
        const struct m_lease *l = &m->leases.items[i];

        n += !l->is_effect && !l->is_old && l->worker == worker;
    }
    return n;
}

static bool
runs_alone(struct model *m, uint32_t worker)
{
    for (size_t i = 0; i < m->leases.count; i++) {
        const struct m_lease *l = &m->leases.items[i];

        if (!l->is_effect && !l->is_old && l->worker == worker && m_job(m, l->id)->is_alone)
            return true;
    }
    return false;
}

/* Slots that a job may take on this worker. */
static uint32_t
free_on(struct model *m, uint32_t worker, bool alone)
{
    const struct m_worker *w = &m->workers[worker];
    uint32_t               used;

    if (w->state != M_UP || runs_alone(m, worker)) return 0;
    used = jobs_on(m, worker);
    if (alone && used > 0) return 0;
    return w->slots > used ? w->slots - used : 0;
}

/* How many workers have a slot for it. */
static uint32_t
workers_that_take(struct model *m, bool alone)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < WORKERS_MAX; i++)
        n += m->workers[i].state != M_NONE && free_on(m, i, alone) > 0;
    return n;
}

/* One worker may be kept for a job that must run alone; it takes what has a higher priority. */
static bool
one_may_be_kept_from(struct model *m, const struct m_job *j)
{
    for (size_t i = 0; i < m->active.count; i++) {
        const struct m_job *other = m_job(m, m->active.items[i]);

        if (other != j && other->state == JOB_READY && other->is_alone &&
            other->priority >= j->priority) {
            return true;
        }
    }
    return false;
}

/* ---- caps: counted from the leases, those of an earlier agentd included (A8, A12) ---- */

struct counts {
    int64_t all, born, company, agent, handler, schedule;
};

static struct counts
count_beside(struct model *m, const struct m_job *j)
{
    struct counts c = {0};

    for (size_t i = 0; i < m->leases.count; i++) {
        const struct m_job *other;

        if (m->leases.items[i].is_effect) continue;
        other = m_job(m, m->leases.items[i].id);
        c.all++;
        c.born += other->is_born;
        c.company += other->company == j->company;
        c.agent += j->agent >= 0 && other->agent == j->agent;
        c.handler += other->handler == j->handler;
        c.schedule += j->schedule >= 0 && other->schedule == j->schedule;
    }
    return c;
}

static bool
has_room(int64_t count, int64_t limit)
{
    return limit == NO_LIMIT || count < limit;
}

/* Its own cap, else the general one. */
static int64_t
cap(bool is_given, int64_t own, int64_t general)
{
    return is_given ? own : general;
}

enum cap { GLOBAL, SCHEDULE_BORN, COMPANY, AGENT, HANDLER, OVERLAP, CAP_COUNT };

struct capped {
    int64_t limit, used;
};

static struct capped
cap_of(struct model *m, const struct m_job *j, enum cap which, const struct counts *n)
{
    const struct msg_company  *c = &m_object(m, j->company)->declared.company;
    const struct msg_handler  *h = &m_object(m, j->handler)->declared.handler;
    const struct msg_agent    *a = j->agent < 0 ? NULL : &m_object(m, j->agent)->declared.agent;
    const struct msg_limits   *l = &m->limits;
    const struct msg_schedule *s =
        j->schedule < 0 ? NULL : &m_object(m, j->schedule)->declared.schedule;
    const struct capped none = {NO_LIMIT, 0};

    if (j->is_forced && which != GLOBAL) return none;
    switch (which) {
    case GLOBAL: return (struct capped){l->max_concurrent, n->all};
    case SCHEDULE_BORN:
        return j->is_born ? (struct capped){l->schedule_max_concurrent, n->born} : none;
    case COMPANY:
        return (struct capped){
            cap(HAS(c, company, max_concurrent), c->max_concurrent, l->company_max_concurrent),
            n->company};
    case AGENT:
        if (!a) return none;
        return (struct capped){
            cap(HAS(a, agent, max_concurrent), a->max_concurrent, l->agent_max_concurrent),
            n->agent};
    case OVERLAP: /* C4 */
        return s && !view_is(s->overlap, "allow") ? (struct capped){1, n->schedule} : none;
    default:
        return (struct capped){cap(HAS(h, handler, max_concurrent), h->max_concurrent, NO_LIMIT),
                               n->handler};
    }
}

static bool
cap_has_room(struct model *m, const struct m_job *j, enum cap which, const struct counts *n)
{
    struct capped c = cap_of(m, j, which, n);

    return has_room(c.used, c.limit);
}

static bool
caps_have_room(struct model *m, const struct m_job *j)
{
    const struct counts n = count_beside(m, j);

    for (enum cap i = 0; i < CAP_COUNT; i++) {
        if (!cap_has_room(m, j, i, &n)) return false;
    }
    return m_breaker_has_room(m, j);
}

bool
m_is_held_by(struct model *m, const struct m_job *j, const char *predicate)
{
    static const char *const caps[CAP_COUNT] = {
        [GLOBAL] = "global_cap", [SCHEDULE_BORN] = "schedule_cap", [COMPANY] = "company_cap",
        [AGENT] = "agent_cap",   [HANDLER] = "handler_cap",        [OVERLAP] = "overlap"};
    const struct counts n = count_beside(m, j);

    for (enum cap i = 0; i < CAP_COUNT; i++) {
        if (strcmp(predicate, caps[i]) == 0) return !cap_has_room(m, j, i, &n);
    }
    if (strcmp(predicate, "stopped") == 0) return m->held & STOP_NEW;
    if (strcmp(predicate, "draining") == 0) return m->is_draining || m->held & STOP_DRAIN;
    if (strcmp(predicate, "paused") == 0) return m_is_job_paused(m, j) || m_is_doomed(m, j);
    return !m_breaker_has_room(m, j);
}

bool
m_goes_before(const struct m_job *a, const struct m_job *b)
{
    if (a->priority != b->priority) return a->priority > b->priority;
    if (a->run_at != b->run_at) return a->run_at < b->run_at;
    return a->id < b->id;
}

bool
m_is_startable_but_for_budget(struct model *m, const struct m_job *j)
{
    return j->state == JOB_READY && !m_is_job_paused(m, j) && caps_have_room(m, j) &&
           workers_that_take(m, j->is_alone) > (one_may_be_kept_from(m, j) ? 1 : 0);
}

/* Whether one that meets the same limits, goes before it and needs more of a budget keeps it
 * waiting: nothing overtakes inside a lane (N18). */
static bool
is_behind(struct model *m, const struct m_job *j)
{
    for (size_t i = 0; i < m->active.count; i++) {
        const struct m_job *o = m_job(m, m->active.items[i]);
        bool is_same = o->state == JOB_READY && o->company == j->company && o->agent == j->agent &&
                       o->handler == j->handler && o->is_born == j->is_born &&
                       o->schedule == j->schedule && o->is_by_hand == j->is_by_hand &&
                       o->is_forced == j->is_forced && o->is_alone == j->is_alone;

        if (is_same && m_goes_before(o, j) && !m_budget_fits(m, o)) return true;
    }
    return false;
}

/* Whether it must not be left waiting. */
static bool
can_start(struct model *m, const struct m_job *j)
{
    return !m_is_doomed(m, j) && m_is_startable_but_for_budget(m, j) && m_budget_fits(m, j) &&
           !is_behind(m, j);
}

/* ---- order (A4, N19) ------------------------------------------------------------------------- */

/* Whether `other`, which can start, must start before j.  Between companies that were never served
 * any order is right. */
static bool
must_go_before(struct model *m, const struct m_job *other, const struct m_job *j)
{
    if (other->company == j->company) return m_goes_before(other, j);
    if (other->priority != j->priority) return other->priority > j->priority;
    return m_object(m, other->company)->served < m_object(m, j->company)->served;
}

static void
check_order(struct model *m, const struct m_job *j)
{
    for (size_t i = 0; i < m->active.count; i++) {
        const struct m_job *other = m_job(m, m->active.items[i]);

        if (other == j || other->state != JOB_READY || !must_go_before(m, other, j)) continue;
        claim(!can_start(m, other),
              "job %" PRIu64 " (priority %u, run_at %" PRId64
              ", company %d) was started before job "
              "%" PRIu64 " (priority %u, run_at %" PRId64 ", company %d)",
              j->id, j->priority, j->run_at, j->company, other->id, other->priority, other->run_at,
              other->company);
    }
}

/* ---- a start --------------------------------------------------------------------------------- */

static void
check_may_start(struct model *m, const struct m_job *j, uint32_t worker)
{
    claim(m_may_start(m), "job %" PRIu64 " was started while draining or stopped", j->id);
    claim(!m_is_job_paused(m, j), "job %" PRIu64 " was started while paused", j->id);
    claim(!m_is_doomed(m, j), "job %" PRIu64 " of what is being removed was started", j->id);
    claim(j->state == JOB_READY, "job %" PRIu64 " was started in state %u", j->id, j->state);
    claim(j->expires_at == 0 || j->expires_at > m->now.wall_ms || m->turn->header.clock_is_held,
          "job %" PRIu64 " was started after expires_at", j->id);
    claim(caps_have_room(m, j), "job %" PRIu64 " was started over a cap", j->id);
    claim(m_budget_fits(m, j), "job %" PRIu64 " was started over a budget", j->id);
    claim(free_on(m, worker, j->is_alone) > 0,
          "job %" PRIu64 " was sent to worker %u, which has no slot for it", j->id, worker);
}

static void
check_checkpoint(struct model *m, const struct m_job *j, struct view document)
{
    struct view checkpoint;
    uint64_t    expected = 0;

    if (j->schedule >= 0)
        expected = m->schedules.items[m_object(m, j->schedule)->schedule].checkpoint;
    if (j->session) expected = m_session(m, j->session)->checkpoint;
    claim(mp_find(document, "checkpoint", &checkpoint), "a document without checkpoint");
    if (expected == 0) {
        claim(checkpoint.size == 1, "job %" PRIu64 " was given a checkpoint of nobody", j->id);
    } else {
        claim(hash64(checkpoint, 0) == expected,
              "job %" PRIu64 " was not given the checkpoint that was left last", j->id);
    }
}

static void
check_message(struct model *m, const struct m_job *j, const struct msg_job_start *s)
{
    struct view name;

    claim(s->token > m->last_token, "token %" PRIu64 " is not above all before it", s->token);
    claim(s->attempt == j->attempt, "job %" PRIu64 ": attempt %" PRIu64 " was sent, expected %u",
          j->id, s->attempt, j->attempt);
    claim(s->max_turns == j->max_turns, "job %" PRIu64 ": wrong max_turns", j->id);
    claim((s->payload.size ? hash64(s->payload, 0) : 0) == j->payload,
          "job %" PRIu64 " was sent with another payload", j->id);
    claim(mp_find_str(s->handler, "name", &name) && view_eq(name, m_object(m, j->handler)->name),
          "job %" PRIu64 " was sent with another handler", j->id);
    claim(HAS(s, job_start, gate) == m_asks_gate(m, j),
          "job %" PRIu64 " was sent with%s a gate's command", j->id,
          HAS(s, job_start, gate) ? "" : "out");
    check_checkpoint(m, j, s->document);
    m_check_event(m, j, s->document);
}

/* Of this agentd. */
static uint32_t
count_other_jobs(const struct model *m)
{
    uint32_t n = 0;

    for (size_t i = 0; i < m->leases.count; i++)
        n += !m->leases.items[i].is_effect && !m->leases.items[i].is_old;
    return n;
}

static void
started(struct model *m, const struct m_message *msg)
{
    const struct msg_job_start *s = &msg->m.job_start;
    struct m_job               *j = m_job(m, s->job);

    claim(j, "job %" PRIu64 ", which nobody made, was started", s->job);
    claim(msg->generation == m->workers[msg->worker].generation,
          "job %" PRIu64 " was sent to another generation of worker %u", j->id, msg->worker);
    check_may_start(m, j, msg->worker);
    check_order(m, j);
    j->attempt++;
    check_message(m, j, s);
    m->last_token = s->token;
    j->state = JOB_RUNNING;
    j->is_agent_made = false;
    m_ticket_started(m, j);
    j->is_debounced = false;
    j->token = s->token;
    j->claimed_at = m->now.wall_ms;
    if (j->first_claimed_at == 0) {
        j->first_claimed_at = m->now.wall_ms;
        j->concurrent = count_other_jobs(m);
        j->streams = m_streams(m);
    }
    j->lease_end_wall = m->now.wall_ms + m_budget_run_max(m, j);
    j->lease_end_boot = m->now.boot_ms + m_budget_run_max(m, j);
    m_budget_started(m, j);
    m_touch(j);
    m_object(m, j->company)->served = ++m->served;
    *LIST_ADD(&m->leases) = (struct m_lease){.token = s->token,
                                             .id = j->id,
                                             .seq = s->seq,
                                             .slot = s->slot,
                                             .worker = msg->worker,
                                             .is_streaming = m_is_for_person(m, j)};
}

/* ---- by hand (C10) --------------------------------------------------------------------------- */

/* Whether the limit counts the running job. */
static bool
counts_under(const struct m_job *j, enum cap which, const struct m_job *running)
{
    switch (which) {
    case GLOBAL: return true;
    case SCHEDULE_BORN: return running->is_born;
    case COMPANY: return running->company == j->company;
    case AGENT: return running->agent == j->agent;
    case OVERLAP: return running->schedule == j->schedule;
    default: return running->handler == j->handler;
    }
}

/* As long as its schedule's firings took on average, else, or when that is over, its lease. */
static int64_t
thought_to_last(struct model *m, const struct m_job *j)
{
    const struct m_object *o = m_object(m, j->schedule);
    int64_t                lease = j->lease_end_boot - m->now.boot_ms, left = lease;

    if (j->stop_reason) {
        left = m->limits.kill_grace_ms;
    } else if (o && !o->is_gone && m->schedules.items[o->schedule].measured) {
        left = (int64_t)(m->schedules.items[o->schedule].avg_run_milli / 1000) -
               (j->lease_end_wall - j->claimed_at - lease);
        if (left <= 0) left = lease;
    }
    return lease > 0 && lease < left ? lease : left;
}

/* So many of those that count under the limit last no longer. */
static int64_t
count_that_end(struct model *m, const struct m_job *j, enum cap which, int64_t within)
{
    int64_t n = 0;

    for (size_t i = 0; i < m->leases.count; i++) {
        const struct m_lease *l = &m->leases.items[i];
        const struct m_job   *o = l->is_effect ? NULL : m_job(m, l->id);

        n += o && counts_under(j, which, o) && thought_to_last(m, o) <= within;
    }
    return n;
}

/* When the limit has room: as many must have ended as are too many. */
static int64_t
frees_in(struct model *m, const struct m_job *j, enum cap which, struct capped c)
{
    int64_t best = INT64_MAX;

    for (size_t i = 0; i < m->leases.count && c.limit > 0; i++) {
        const struct m_lease *l = &m->leases.items[i];
        const struct m_job   *o = l->is_effect ? NULL : m_job(m, l->id);
        int64_t               ms = o && counts_under(j, which, o) ? thought_to_last(m, o) : best;

        if (ms < best && count_that_end(m, j, which, ms) > c.used - c.limit) best = ms;
    }
    return best;
}

/* The firings in flight; nobody knows of one that has not started. */
static int64_t
firings_end_in(struct model *m, int schedule)
{
    int64_t latest = INT64_MIN;

    for (size_t i = 0; i < m->active.count; i++) {
        const struct m_job *j = m_job(m, m->active.items[i]);
        int64_t             ms;

        if (j->schedule != schedule || m_is_end(j->state)) continue;
        ms = j->state == JOB_RUNNING ? thought_to_last(m, j) : INT64_MAX;
        if (ms > latest) latest = ms;
    }
    return latest;
}

/* When the last of the limits has room, as far as these are caps; 0: nobody knows; -1: others hold
 * it, too. */
static int64_t
slot_eta(struct model *m, const struct m_job *j, bool overlaps)
{
    const struct counts n = count_beside(m, j);
    int64_t             latest = overlaps ? firings_end_in(m, j->schedule) : INT64_MIN;

    if (workers_that_take(m, false) < 2 || !m_breaker_has_room(m, j) || !m_budget_fits(m, j) ||
        is_behind(m, j))
        return -1;
    for (enum cap i = 0; i < CAP_COUNT; i++) {
        struct capped c = cap_of(m, j, i, &n);
        int64_t       ms = has_room(c.used, c.limit) ? INT64_MIN : frees_in(m, j, i, c);

        if (ms > latest) latest = ms;
    }
    return latest == INT64_MAX ? 0 : latest > 0 ? latest : 1;
}

/* One that is not there yet; overlaps: another firing is in its way.  is_unclear: a slot may be
 * kept for a job that runs alone. */
enum errc
m_judge_room(struct model *m, const struct m_job *j, bool overlaps, bool *is_unclear,
             int64_t *eta_ms)
{
    uint32_t workers = workers_that_take(m, false);

    *is_unclear = workers == 1 && one_may_be_kept_from(m, j);
    *eta_ms = slot_eta(m, j, overlaps);
    if (m->held & STOP_NEW) return E_STOPPED;
    if (!m_may_start(m)) return E_DRAINING;
    if (m_is_paused(m, j->company, j->agent)) return E_WRONG_STATE;
    if (overlaps || workers == 0 || !caps_have_room(m, j) || !m_budget_fits(m, j) ||
        is_behind(m, j))
        return E_CAPACITY_FULL;
    return E_OK;
}

/* Every start was the right one, and nothing that could start was left. */
void
m_dispatch(struct model *m)
{
    struct m_message *msg;

    /* one that is not there yet is a firing by hand, behind all others */
    while ((msg = m_next_message(m, MSG_JOB_START)) && m_job(m, msg->m.job_start.job)) {
        msg->is_explained = true;
        started(m, msg);
    }
    if (!m_may_start(m) || workers_that_take(m, false) == 0) return;
    for (size_t i = 0; i < m->active.count; i++) {
        const struct m_job *j = m_job(m, m->active.items[i]);

        claim(!can_start(m, j), "job %" PRIu64 " could start and was left waiting", j->id);
    }
}
