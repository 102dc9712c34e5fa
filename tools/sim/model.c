#include "tools/sim/model.h"

#include "tools/sim/verdict.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ANSWER_DAY_MS 86400000

void
model_init(struct model *m)
{
    memset(m, 0, sizeof(*m));
}

void
model_done(struct model *m)
{
    for (size_t i = 0; i < m->objects.count; i++)
        buf_done(&m->objects.items[i].spec);
    for (size_t i = 0; i < m->schedules.count; i++) {
        free(m->schedules.items[i].decided.items);
        free(m->schedules.items[i].by_hand_at.items);
        free(m->schedules.items[i].past_pauses.items);
    }
    free(m->objects.items);
    free(m->schedules.items);
    free(m->jobs.items);
    free(m->active.items);
    free(m->finished.items);
    free(m->purged.items);
    free(m->resent.items);
    free(m->leases.items);
    free(m->effects.items);
    free(m->answers.items);
    free(m->keys.items);
    free(m->breakers.items);
    free(m->ledgers.items);
    free(m->windows.items);
    free(m->tickets.items);
    free(m->goals.items);
    for (size_t i = 0; i < m->approvals.count; i++)
        buf_done(&m->approvals.items[i].request);
    free(m->approvals.items);
    for (size_t i = 0; i < m->sessions.count; i++) {
        struct m_session *s = &m->sessions.items[i];

        for (size_t k = 0; k < s->events.count; k++)
            buf_done(&s->events.items[k].payload);
        for (size_t k = 0; k < s->timers.count; k++)
            buf_done(&s->timers.items[k].payload);
        free(s->events.items);
        free(s->timers.items);
    }
    free(m->sessions.items);
    free(m->readers.items);
    free(m->messages.items);
    free(m->stops.items);
    free(m->attempts.items);
    free(m->ended.items);
    free(m->kills.items);
    buf_done(&m->limits_spec);
}

void
model_crashed(struct model *m)
{
    for (size_t i = 0; i < m->leases.count; i++)
        m->leases.items[i].is_old = true;
    memset(m->workers, 0, sizeof(m->workers));
    m->is_booted = m->has_limits = m->is_draining = m->clock_is_accepted = false;
    memset(m->slow, 0, sizeof(m->slow));
    m->slow_next = 0;
    m->seen = (struct now){0};
    m->hold_until_boot = 0;
    m->catch_up = (struct m_range){0, 0};
    m->behind_from = 0;
}

bool
model_is_drained(struct model *m, char *what, size_t size)
{
    what[0] = '\0';
    if (m->active.count) {
        const struct m_job *j = &m->jobs.items[m->active.items[0] - 1];

        snprintf(what, size, "job %" PRIu64 " is in state %u", j->id, j->state);
    } else if (m->leases.count) {
        snprintf(what, size, "a lease of %" PRIu64 " has not ended", m->leases.items[0].id);
    }
    return what[0] == '\0' && m_effects_rest(m, what, size) && m_sessions_rest(m, what, size) &&
           m_timers_rest(m, what, size) && m_sessions_kept_rightly(m, what, size) &&
           m_removes_nothing(m, what, size);
}

/* ---- outputs --------------------------------------------------------------------------------- */

static void
open_messages(struct model *m)
{
    m->messages.count = 0;
    for (size_t i = 0; i < m->turn->output_count; i++) {
        const struct output   *o = &m->turn->outputs[i];
        struct m_message      *msg;
        const struct msg_desc *d;
        struct err             e = {0};

        if (o->kind != OUT_TO_WORKER) continue;
        msg = LIST_ADD(&m->messages);
        claim(worker_open(GROUP_TO_WORKER, o->body, &d, &msg->m, &e) == E_OK,
              "a message that no worker can read: %s", e.msg);
        msg->op = d->id;
        msg->worker = o->worker;
        msg->generation = o->generation;
    }
}

struct m_message *
m_next_message(struct model *m, enum msg_id op)
{
    for (size_t i = 0; i < m->messages.count; i++) {
        struct m_message *msg = &m->messages.items[i];

        if (msg->op == op && !msg->is_explained) return msg;
    }
    return NULL;
}

static const struct output *
reply_of(const struct turn_facts *t, uint64_t client)
{
    for (size_t i = 0; i < t->output_count; i++) {
        if (t->outputs[i].kind == OUT_REPLY && t->outputs[i].client == client)
            return &t->outputs[i];
    }
    return NULL;
}

/* Every stop that was due went out, with its grace, and no other. */
static void
check_stops(struct model *m)
{
    struct m_message *msg;

    for (size_t i = 0; i < m->stops.count; i++) {
        const struct m_stop *s = &m->stops.items[i];
        bool                 found = false;

        for (size_t k = 0; k < m->messages.count && !found; k++) {
            msg = &m->messages.items[k];
            if (msg->op != MSG_JOB_STOP || msg->is_explained || msg->m.job_stop.token != s->token)
                continue;
            claim(msg->m.job_stop.grace_ms == s->grace_ms, "a stop with a wrong grace");
            msg->is_explained = found = true;
        }
        claim(found, "the lease %" PRIu64 " was not told to stop", s->token);
    }
    msg = m_next_message(m, MSG_JOB_STOP);
    claim(!msg, "the lease %" PRIu64 " was told to stop", msg ? msg->m.job_stop.token : 0);
}

static bool
take_u64(uint64_t *list, size_t *count, uint64_t value)
{
    for (size_t i = 0; i < *count; i++) {
        if (list[i] != value) continue;
        list[i] = list[--*count];
        return true;
    }
    return false;
}

static void
check_kill(struct model *m, const struct output *o)
{
    for (size_t i = 0; i < m->kills.count; i++) {
        if (m->kills.items[i] != o->worker) continue;
        LIST_REMOVE(&m->kills, i);
        return;
    }
    broken("worker %u is to be killed (%s) for no reason", o->worker, o->text);
}

static bool
holds_something(const struct model *m, uint32_t worker)
{
    for (size_t i = 0; i < m->leases.count; i++) {
        if (!m->leases.items[i].is_old && m->leases.items[i].worker == worker) return true;
    }
    return false;
}

static void
check_old_lease(struct model *m, const struct output *o)
{
    const struct m_lease *l = m_lease(m, o->token);

    claim(l && l->is_old, "an old lease %" PRIu64 " that nobody held", o->token);
    claim(l->is_effect || l->id == o->job, "an old lease names another job");
}

static void
check_outputs(struct model *m)
{
    size_t old = 0, expected_old = 0;
    bool   was_boot = m->turn->before_count && m->turn->before[0].kind == INPUT_BOOT;

    for (size_t i = 0; i < m->turn->output_count; i++) {
        const struct output *o = &m->turn->outputs[i];

        if (o->kind == OUT_JOB_ENDED)
            claim(take_u64(m->ended.items, &m->ended.count, o->job),
                  "job %" PRIu64 " was told to have ended", o->job);
        if (o->kind == OUT_WORKER_KILL) check_kill(m, o);
        if (o->kind == OUT_WORKER_IDLE) m->workers[o->worker].was_idle_told = true;
        if (o->kind == OUT_OLD_LEASE) {
            check_old_lease(m, o);
            old++;
        }
    }
    for (size_t i = 0; i < m->leases.count; i++)
        expected_old += m->leases.items[i].is_old;
    claim(m->ended.count == 0, "nobody was told that a job has ended");
    claim(m->kills.count == 0, "a worker should have been given up");
    claim(!was_boot || old == expected_old, "%zu old leases were named, expected %zu", old,
          expected_old);
    for (uint32_t i = 0; i < WORKERS_MAX; i++) {
        const struct m_worker *w = &m->workers[i];

        claim(w->state != M_RETIRING || holds_something(m, i) || w->was_idle_told,
              "worker %u retires, holds nothing, and nobody was told", i);
    }
}

/* The best of a company that only a budget holds starts with the next day. */
static void
check_day_deadline(struct model *m)
{
    for (size_t i = 0; i < m->active.count; i++) {
        const struct m_job *j = m_job(m, m->active.items[i]);
        bool                is_best = j->state == JOB_READY;

        for (size_t k = 0; is_best && k < m->active.count; k++) {
            const struct m_job *o = m_job(m, m->active.items[k]);

            is_best = o->state != JOB_READY || o->company != j->company || !m_goes_before(o, j);
        }
        if (!is_best || m_budget_fits(m, j) || !m_is_startable_but_for_budget(m, j)) continue;
        claim(m->turn->deadline.wall_ms <= m_budget_freed_at(m, j),
              "the engine sleeps past the day that job %" PRIu64 " waits for", j->id);
    }
}

/* The loop sleeps until the engine's deadline: it must not lie behind what comes next. */
static void
check_deadline(struct model *m)
{
    const struct deadline *d = &m->turn->deadline;
    bool                   held = m->turn->header.clock_is_held && !m->clock_is_accepted;

    for (size_t i = 0; i < m->active.count && !m->is_draining && !held; i++) {
        const struct m_job *j = m_job(m, m->active.items[i]);
        bool                waits = j->state == JOB_SCHEDULED || j->state == JOB_READY;

        claim(j->state != JOB_SCHEDULED || d->wall_ms <= j->run_at,
              "the engine sleeps past the time of job %" PRIu64, j->id);
        claim(!waits || j->expires_at == 0 || d->wall_ms <= j->expires_at,
              "the engine sleeps past expires_at of job %" PRIu64, j->id);
    }
    if (!m->is_draining && !held) m_check_schedule_deadline(m);
    if (!m->is_draining && !held) m_check_timer_deadline(m);
    m_check_breaker_deadline(m);
    m_check_effect_deadline(m);
    m_check_readers(m);
    if (!held) m_check_purge_deadline(m);
    if (m_may_start(m)) check_day_deadline(m);
    for (size_t i = 0; i < m->leases.count; i++) {
        const struct m_lease *l = &m->leases.items[i];
        const struct m_job   *j = l->is_old || l->is_effect ? NULL : m_job(m, l->id);

        claim(!j || j->stop_reason || d->boot_ms <= j->lease_end_boot,
              "the engine sleeps past the end of the lease of job %" PRIu64, j ? j->id : 0);
    }
    for (uint32_t i = 0; i < WORKERS_MAX; i++) {
        const struct m_worker *w = &m->workers[i];

        claim(w->state == M_NONE || w->state == M_LOST ||
                  d->boot_ms <= w->seen_boot_ms + m->limits.heartbeat_timeout_ms,
              "the engine sleeps past the time-out of worker %u", i);
    }
}

/* ---- the turn -------------------------------------------------------------------------------- */

/* One that is held is not believed; set right meanwhile, it was never behind. */
void
m_believe_clock(struct model *m)
{
    int64_t from = m->behind_from;

    if (m->turn->header.clock_is_held && !m->clock_is_accepted) return;
    m->behind_from = 0;
    if (from <= m->now.wall_ms) return;
    m->last_wall_ms = m->now.wall_ms;
    m_replan(m);
    m_breakers_replan(m, from - m->now.wall_ms);
}

/* A clock that went back by more than a second is noticed while running (N27). */
static void
notice_clock(struct model *m)
{
    int64_t from = m->seen.wall_ms + (m->now.boot_ms - m->seen.boot_ms);

    m->seen = m->now;
    if (!m->is_booted) return;
    if (m->now.wall_ms + 1000 < from && m->behind_from < from) m->behind_from = from;
    m_believe_clock(m);
}

static void
due(struct model *m)
{
    bool held = m->turn->header.clock_is_held && !m->clock_is_accepted;

    m_fleet_due(m);
    m_breakers_due(m);
    m_sessions_due(m);
    m_readers_due(m);
    if (!held) m_purge_due(m);
    if (m->is_draining || held) return;
    m_jobs_due(m);
    m_schedules_due(m);
    m_overdue_due(m);
    m_keys_due(m);
    m_timers_due(m);
}

static void
begin(struct model *m, const struct turn_facts *t)
{
    m->turn = t;
    m->txn = t->txn;
    m->now = t->header.now;
    if (m->now.wall_ms > m->latest_ms) m->latest_ms = m->now.wall_ms;
    m->turns++;
    m->stops.count = 0;
    m->attempts.count = 0;
    m->ended.count = 0;
    m->kills.count = 0;
    m->resent.count = 0;
    m->bypasses = 0;
    open_messages(m);
    m_purge_begin(m);
    for (size_t i = 0; i < m->answers.count; i++) {
        struct m_answer *a = &m->answers.items[i];

        a->is_doubtful |= m->now.wall_ms >= a->at_ms + ANSWER_DAY_MS;
    }
}

/* Firings by hand come behind the dispatch, as that has left room or not: where there are any,
 * there is one. */
static bool
is_late(const struct input *in)
{
    return in->op == MSG_SCHEDULE_RUN;
}

static bool
serve(struct model *m, const struct turn_facts *t, bool late)
{
    bool any = false;

    for (size_t i = 0; i < t->after_count; i++) {
        any |= is_late(&t->after[i]);
        if (is_late(&t->after[i]) == late)
            m_request(m, &t->after[i], reply_of(t, t->after[i].client));
    }
    return any;
}

void
model_turn(struct model *m, const struct turn_facts *t)
{
    bool has_late;

    begin(m, t);
    notice_clock(m);
    for (size_t i = 0; i < t->before_count; i++) {
        const struct input *in = &t->before[i];

        m_input(m, in);
        if (in->kind == INPUT_CONFIG) m_config(m, in, reply_of(t, in->client));
    }
    if (t->has_due && m->has_limits) due(m);
    has_late = serve(m, t, false);
    if ((t->has_due || has_late) && m->has_limits) {
        m_removals(m);
        m_sessions_advance(m);
        m_dispatch(m);
        (void)serve(m, t, true);
        m_effects_dispatch(m);
    }
    m_sessions_advance(m);
    check_stops(m);
    claim(!m_next_message(m, MSG_JOB_START) && !m_next_message(m, MSG_EFFECT_SEND),
          "something was started outside the dispatch");
    check_outputs(m);
    m_purge_end(m);
    m_compare_turn(m);
    m_compare_audit(m);
    if (t->has_due && m->has_limits) check_deadline(m);
    if (t->was_dirty && m->behind_from == 0) m->last_wall_ms = m->now.wall_ms;
    m->turn = NULL;
    m->txn = NULL;
}
