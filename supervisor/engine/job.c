#include "supervisor/engine/job.h"

#include "supervisor/engine/agents.h"
#include "supervisor/engine/attempt.h"
#include "supervisor/engine/audit.h"
#include "supervisor/engine/budgets.h"
#include "supervisor/engine/debounce.h"
#include "supervisor/engine/events.h"
#include "supervisor/engine/feed.h"
#include "supervisor/engine/lanes.h"
#include "supervisor/engine/leases.h"
#include "supervisor/engine/made.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/pings.h"
#include "supervisor/engine/schedules.h"
#include "supervisor/engine/streaks.h"
#include "supervisor/engine/submit.h"
#include "supervisor/engine/tickets.h"
#include "supervisor/engine/unique.h"
#include "supervisor/engine/views.h"
#include "supervisor/engine/wallclock.h"

#include <assert.h>
#include <inttypes.h>

/* ---- the table ---------------------------------------------------------------- */

// clang-format off
static const struct {
    bool    is_listed;
    uint8_t to;
} edges[JOB_STATE_COUNT][JOB_EVENT_COUNT] = {
#define E(from, event, next) [JOB_##from][JOB_ON_##event] = {true, JOB_##next},
    JOB_EDGES(E)
#undef E
};
// clang-format on

static const char *const state_names[JOB_STATE_COUNT] = {[JOB_NONE] = "none",
#define S(name, text) [JOB_##name] = text,
                                                         JOB_STATES(S)
#undef S
};

// clang-format off
static const struct {
    const char *name;
    uint8_t     priority;
} triggers[TRIGGER_COUNT] = {
    [TRIGGER_NONE] = {"", 50},
#define G(NAME, text, priority) [TRIGGER_##NAME] = {text, priority},
    TRIGGERS(G)
#undef G
};
// clang-format on

const char *
job_state_name(enum job_state_id s)
{
    assert(s < JOB_STATE_COUNT);
    return state_names[s];
}

const char *
trigger_name(enum trigger t)
{
    assert(t < TRIGGER_COUNT);
    return triggers[t].name;
}

uint8_t
trigger_priority(enum trigger t)
{
    assert(t < TRIGGER_COUNT);
    return triggers[t].priority;
}

enum trigger
trigger_from(struct view name)
{
    for (enum trigger t = TRIGGER_NONE + 1; t < TRIGGER_COUNT; t++) {
        if (view_is(name, triggers[t].name)) return t;
    }
    return TRIGGER_NONE;
}

enum job_state_id
job_state_from(struct view name)
{
    for (enum job_state_id s = JOB_NONE + 1; s < JOB_STATE_COUNT; s++) {
        if (view_is(name, state_names[s])) return s;
    }
    return JOB_NONE;
}

bool
job_state_is_end(enum job_state_id s)
{
    return s == JOB_COMPLETED || s == JOB_FAILED || s == JOB_CANCELLED || s == JOB_EXPIRED;
}

enum errc
job_step(struct job_state *j, enum job_event ev, struct err *e)
{
    assert(j->state < JOB_STATE_COUNT);
    assert(ev < JOB_EVENT_COUNT);
    if (!edges[j->state][ev].is_listed) {
        return err_set(e, E_WRONG_STATE, "job %" PRIu64 " is %s", j->id, job_state_name(j->state));
    }
    j->state = edges[j->state][ev].to;
    return E_OK;
}

/* ---- a move and what follows -------------------------------------------------- */

static uint64_t *
counter(struct queue *q, enum job_state_id s)
{
    switch (s) {
    case JOB_SCHEDULED: return &q->scheduled;
    case JOB_READY: return &q->ready;
    case JOB_RUNNING: return &q->running;
    case JOB_COMPLETED: return &q->completed;
    case JOB_FAILED: return &q->failed;
    case JOB_CANCELLED: return &q->cancelled;
    case JOB_EXPIRED: return &q->expired;
    case JOB_NONE:
    case JOB_STATE_COUNT: break;
    }
    return NULL;
}

static void
count_move(struct engine *en, const struct job_state *j, enum job_state_id before)
{
    struct queue *q = company_queue(en, j->company);

    if (before == j->state) return;
    if (before != JOB_NONE) {
        assert(*counter(q, before) > 0);
        --*counter(q, before);
    }
    ++*counter(q, j->state);
}

void
job_uncount(struct engine *en, const struct job_state *j)
{
    uint64_t *n = counter(company_queue(en, j->company), j->state);

    if (*n > 0) --*n;
}

static void
check(const struct job_state *j)
{
    assert((j->state == JOB_RUNNING) == (j->lease_end_boot != 0));
    assert(job_state_is_end(j->state) == (j->ended_at != 0));
    assert(j->state != JOB_RUNNING || j->token != 0);
    assert(j->state != JOB_READY || j->lane != 0);
}

enum errc
job_move(struct engine *en, struct job_state *j, enum job_event ev, struct err *e)
{
    enum job_state_id before = j->state;

    if (job_step(j, ev, e)) return e->code;
    if (j->state == JOB_READY) {
        j->ready_at = en->turn.now.wall_ms;
        lane_of(en, j);
        j->flags &= ~JOB_FLAG_RETRY;
    }
    if (before == JOB_READY || j->state == JOB_READY) lane_touch(en, j->lane);
    if (before == JOB_RUNNING && j->state != JOB_RUNNING) {
        j->lease_end_boot = 0;
        j->lease_expires_at = 0;
        j->stop_reason = FAIL_NONE;
        lease_released(en, j);
    }
    j->ended_at = 0;
    if (job_state_is_end(j->state)) {
        j->ended_at = en->turn.now.wall_ms;
        j->flags &= ~JOB_FLAG_RETRY;
        turn_output(en, OUT_JOB_ENDED)->job = j->id;
        unique_ended(en, j);
    }
    if (j->flags & JOB_FLAG_AGENT_MADE && (j->state == JOB_RUNNING || j->ended_at)) {
        j->flags &= ~JOB_FLAG_AGENT_MADE;
        made_wake_over(en, j->id);
    }
    if (j->state == JOB_RUNNING || job_state_is_end(j->state)) debounce_left(en, j);
    count_move(en, j, before);
    if (j->schedule && job_state_is_end(before) && !job_state_is_end(j->state))
        schedule_job_again(en, j->schedule);
    if (j->agent) agent_job_moved(en, j, before);
    check(j);
    if (before == JOB_NONE) {
        job_state_insert(turn_txn(en), j);
    } else if (en->is_mute && j->ended_at) {
        (void)job_state_delete(turn_txn(en), j);
    } else {
        job_state_save(turn_txn(en), j);
    }
    if (j->goal || j->ticket) tickets_job_moved(en, j, before);
    if (j->flags & JOB_FLAG_EVENT && j->ended_at) session_job_over(en, j);
    return E_OK;
}

void
job_must_move(struct engine *en, struct job_state *j, enum job_event ev)
{
    struct err e = {0};
    enum errc  code = job_move(en, j, ev, &e);

    assert(code == E_OK);
    (void)code;
}

/* ---- loads -------------------------------------------------------------------- */

enum errc
job_get(struct txn *t, const struct actor *a, uint64_t id, struct job_state *j, struct err *e)
{
    struct job_state found = {.id = id};
    enum load        l = job_state_load(t, &found);

    if (l == LOAD_DAMAGED)
        return err_set(e, E_DAMAGED, "job %" PRIu64 ": its record is damaged", id);
    if (l == LOAD_ABSENT || !actor_sees(t, a, found.company)) {
        return err_set(e, E_NOT_FOUND, "there is no job %" PRIu64, id);
    }
    *j = found;
    return E_OK;
}

enum errc
job_get_spec(struct txn *t, uint64_t id, struct job_spec *s, struct err *e)
{
    struct job_spec found = {.id = id};

    if (job_spec_load(t, &found) != LOAD_FOUND) {
        return err_set(e, E_DAMAGED, "job %" PRIu64 ": its declaration cannot be read", id);
    }
    *s = found;
    return E_OK;
}

/* ---- due ---------------------------------------------------------------------- */

static void
expire(struct engine *en, uint64_t id)
{
    struct job_state j = {.id = id};

    if (job_state_load(turn_txn(en), &j) != LOAD_FOUND) return;
    j.failure = FAIL_EXPIRED;
    j.failure_message = view_str("not started in time");
    job_must_move(en, &j, JOB_ON_EXPIRE);
    feed_job(en, FEED_JOB_EXPIRED, &j, NULL);
    if (j.schedule) {
        streak_job_ended(en, &j);
        ping_job_ended(en, &j);
    }
}

/* Of at most `max` jobs; returns how many it were. */
static uint32_t
expiries_due(struct engine *en, uint32_t max)
{
    struct job_state key = {0};
    struct scan      s;
    uint32_t         n = 0;

    scan_open(&s, turn_txn(en), INDEX_job_expiry, &key, 0, 0);
    while (n < max && scan_next_key(&s, &key) && key.expires_at <= en->turn.now.wall_ms) {
        n++;
        expire(en, key.id);
    }
    scan_close(&s);
    return n;
}

static uint32_t
starts_due(struct engine *en, uint32_t max)
{
    struct job_state key = {0};
    struct scan      s;
    uint32_t         n = 0;

    scan_open(&s, turn_txn(en), INDEX_job_due, &key, 0, 0);
    while (n < max && scan_next_key(&s, &key) && key.run_at <= en->turn.now.wall_ms) {
        struct job_state j = {.id = key.id};

        n++;
        if (job_state_load(turn_txn(en), &j) == LOAD_FOUND) job_must_move(en, &j, JOB_ON_DUE);
    }
    scan_close(&s);
    return n;
}

void
jobs_due(struct engine *en, uint32_t max)
{
    uint32_t n;

    if (max > en->turn.due_left) max = en->turn.due_left;
    if (wallclock_is_held(en)) return; /* N27 */
    n = expiries_due(en, max);
    n += starts_due(en, max - n);
    en->turn.due_left -= n;
}

/* ---- requests ----------------------------------------------------------------- */

static enum errc
reply_job(struct engine *en, const struct job_state *j, struct buf *reply, struct err *e)
{
    struct job_spec spec;

    if (job_get_spec(turn_txn(en), j->id, &spec, e)) return e->code;
    view_job(&en->turn.objects, &en->memory, j, &spec, JOB_VIEW_ANSWER, reply);
    return E_OK;
}

enum errc
job_cancel(struct engine *en, struct job_state *j, const char *message, struct err *e)
{
    if (j->state == JOB_RUNNING) {
        attempt_abort(en, j, message);
        return E_OK;
    }
    j->failure = FAIL_ABORTED;
    j->failure_message = view_str(message);
    if (job_move(en, j, JOB_ON_CANCEL, e))
        return err_hint(e, "only a job that has not ended can be cancelled");
    feed_job(en, FEED_JOB_CANCELLED, j, NULL);
    if (j->schedule) streak_job_ended(en, j);
    return E_OK;
}

/* Who cancels a job of his own does nothing administrative. */
static void
audit_cancel(struct engine *en, const struct actor *a, const struct job_state *j,
             enum job_state_id before)
{
    struct job_spec spec = {.id = j->id};
    char           *actor = arena_printf(&en->turn.arena, "%s:%.*s", a->kind, VIEW_ARG(a->id));

    if (job_spec_load(turn_txn(en), &spec) == LOAD_FOUND && view_is(spec.actor, actor)) return;
    audit_put_id(en, a, "job.cancel", j->company, "job", j->id,
                 audit_str(en, "state", view_str(job_state_name(before))), (struct view){0});
}

enum errc
on_job_cancel(struct engine *en, const struct actor *a, const struct msg_job_cancel *m,
              struct buf *reply, struct err *e)
{
    struct job_state  j;
    enum job_state_id before;

    if (job_get(turn_txn(en), a, m->id, &j, e)) return e->code;
    before = j.state;
    if (job_cancel(en, &j, "cancelled by an operator", e)) return e->code;
    audit_cancel(en, a, &j, before);
    return reply_job(en, &j, reply, e);
}

/* It is there, and is not being removed. */
static bool
stays(struct objects *o, uint32_t id)
{
    const struct object_entry *entry = objects_get(o, id);

    return entry && !entry->row.removing;
}

/* What an ended job named may have been taken out of the configuration meanwhile, and its own
 * budget may be used up. */
static enum errc
check_needs(struct engine *en, const struct job_state *j, struct err *e)
{
    struct objects *o = &en->turn.objects;
    const char     *spent;

    if (!stays(o, j->company) || !stays(o, j->handler) || (j->agent && !stays(o, j->agent)) ||
        (j->schedule && !stays(o, j->schedule))) {
        (void)err_set(e, E_NOT_FOUND,
                      "what job %" PRIu64 " needs (handler, agent, company, schedule) was removed",
                      j->id);
        return err_hint(e, "submit it again to one that is there");
    }
    spent = budget_spent(turn_txn(en), j);
    if (!spent) return E_OK;
    (void)err_set(e, E_WRONG_STATE, "job %" PRIu64 ": %s", j->id, spent);
    return err_hint(e, "submit it again with a larger budget");
}

bool
job_is_of_dead_event(const struct job_state *j)
{
    return j->flags & JOB_FLAG_EVENT && job_state_is_end(j->state) && j->state != JOB_COMPLETED;
}

enum errc
job_retry(struct engine *en, struct job_state *j, bool is_forced, struct err *e)
{
    bool           waits = j->state == JOB_SCHEDULED || j->state == JOB_READY;
    enum job_event ev = waits ? JOB_ON_CHANGE : JOB_ON_RETRY;
    bool           runs_again = job_state_is_end(j->state) && j->state != JOB_COMPLETED;

    if (j->state == JOB_READY && !is_forced) {
        return err_set(e, E_WRONG_STATE, "job %" PRIu64 " is ready: it starts as soon as it can",
                       j->id);
    }
    if (job_is_of_dead_event(j)) {
        err_set(e, E_WRONG_STATE, "job %" PRIu64 " was of an event, which its session has given up",
                j->id);
        return err_hint(e, "agentctl session resend KEY SEQ, or session resume KEY if it is held");
    }
    if (runs_again && (check_needs(en, j, e) || unique_judge_again(en, j, e) ||
                       submit_check_queue(en, j->company, 0, e))) {
        return e->code;
    }
    if (runs_again) unique_take_again(en, j);
    j->flags &= ~JOB_FLAG_FORCED;
    if (is_forced) j->flags |= JOB_FLAG_FORCED;
    if (j->schedule) j->flags |= JOB_FLAG_BY_HAND;
    j->failures = 0; /* N2, also when it waits for its next try */
    if (ev == JOB_ON_RETRY) {
        j->crashes = 0;
        j->flags &= ~(JOB_FLAG_QUARANTINED | JOB_FLAG_ALONE);
        j->expires_at = 0; /* its time to start may have passed; the operator wants it now */
    }
    j->run_at = en->turn.now.wall_ms;
    if (job_move(en, j, ev, e)) {
        return err_hint(e, "only a failed, cancelled, expired or waiting job can be retried");
    }
    job_must_move(en, j, JOB_ON_DUE);
    feed_job(en, FEED_JOB_RETRYING, j, NULL);
    return E_OK;
}

enum errc
on_job_retry(struct engine *en, const struct actor *a, const struct msg_job_retry *m,
             struct buf *reply, struct err *e)
{
    struct job_state  j;
    enum job_state_id before;
    struct view       was, is;

    if (job_get(turn_txn(en), a, m->id, &j, e)) return e->code;
    before = j.state;
    if (job_retry(en, &j, m->force, e)) return e->code;
    was = audit_str(en, "state", view_str(job_state_name(before)));
    is = audit_str(en, "state", view_str(job_state_name(j.state)));
    audit_put_id(en, a, "job.retry", j.company, "job", j.id, was, is);
    if (m->force) audit_put_id(en, a, "manual_force_bypass", j.company, "job", j.id, was, is);
    return reply_job(en, &j, reply, e);
}

/* What job.set may change, as the audit keeps it. */
static struct view
place_in_queue(struct engine *en, const struct job_state *j)
{
    struct buf b       BUF_AUTO = {0};
    struct mp_open_map m = mp_open(&b);

    mp_put_u64(&b, &m, "priority", j->priority);
    mp_put_i64(&b, &m, "run_at", j->run_at);
    mp_close(&b, &m);
    return arena_copy(&en->turn.arena, buf_view(&b));
}

enum errc
on_job_set(struct engine *en, const struct actor *a, const struct msg_job_set *m, struct buf *reply,
           struct err *e)
{
    struct job_state j;
    struct view      before;

    if (job_get(turn_txn(en), a, m->id, &j, e)) return e->code;
    before = place_in_queue(en, &j);
    if (!HAS(m, job_set, priority) && !HAS(m, job_set, run_at)) {
        return err_field(e, "priority", "nothing to change: give priority or run_at");
    }
    if (HAS(m, job_set, priority)) j.priority = (uint8_t)m->priority;
    if (HAS(m, job_set, run_at) && j.expires_at && m->run_at >= j.expires_at)
        return err_field(e, "run_at", "is not before its expires_at");
    if (HAS(m, job_set, run_at)) j.run_at = m->run_at;
    if (job_move(en, &j, JOB_ON_CHANGE, e))
        return err_hint(e, "only a job that has not started can be changed");
    if (j.run_at <= en->turn.now.wall_ms) job_must_move(en, &j, JOB_ON_DUE);
    feed_job(en, FEED_JOB_CHANGED, &j, NULL);
    audit_put_id(en, a, "job.set", j.company, "job", j.id, before, place_in_queue(en, &j));
    return reply_job(en, &j, reply, e);
}
