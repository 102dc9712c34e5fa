#include "supervisor/engine/caps.h"

#include "supervisor/engine/breakers.h"
#include "supervisor/engine/budgets.h"
#include "supervisor/engine/fleet.h"
#include "supervisor/engine/overlap.h"
#include "supervisor/engine/pauses.h"
#include "supervisor/engine/schedule_ops.h"

#include <assert.h>
#include <stdint.h>

// clang-format off
static const struct {
    const char          *name;
    enum predicate_scope scope;
    bool                 parks;
} predicates[HELD_COUNT] = {
    [HELD_NOT] = {"", LANE, false},
#define P(NAME, text, scope, parks) [HELD_##NAME] = {text, scope, parks},
    PREDICATES(P)
#undef P
};
// clang-format on

const char *
predicate_name(enum predicate p)
{
    assert(p < HELD_COUNT);
    return predicates[p].name;
}

bool
predicate_parks(enum predicate p)
{
    assert(p < HELD_COUNT);
    return predicates[p].parks;
}

static void
count_one(struct snapshot *s, struct idmap *m, uint32_t id)
{
    uint32_t *n;

    if (id == 0) return;
    n = idmap_get(m, id);
    if (!n) {
        n = arena_alloc(txn_arena(s->objects->txn), sizeof(*n));
        *n = 0;
        idmap_put(m, txn_arena(s->objects->txn), id, n);
    }
    ++*n;
}

static uint32_t
counted(const struct idmap *m, uint32_t id)
{
    const uint32_t *n = idmap_get(m, id);

    return n ? *n : 0;
}

static void
count_job(struct snapshot *s, uint32_t company, uint32_t agent, uint32_t handler, uint32_t schedule,
          uint32_t flags)
{
    s->running++;
    if (flags & JOB_FLAG_SCHEDULE_BORN) s->schedule_born++;
    count_one(s, &s->companies, company);
    count_one(s, &s->agents, agent);
    count_one(s, &s->handlers, handler);
    count_one(s, &s->schedules, schedule);
}

void
snapshot_take(struct snapshot *s, const struct memory *m, struct objects *o)
{
    struct job_state j = {0};
    struct scan      scan;

    *s = (struct snapshot){.memory = m, .objects = o};
    scan_open(&scan, o->txn, INDEX_job_running, &j, 0, 0);
    while (scan_next_key(&scan, &j))
        count_job(s, j.company, j.agent, j.handler, j.schedule, j.flags);
    scan_close(&scan);
}

void
snapshot_add(struct snapshot *s, const struct lane *l)
{
    count_job(s, l->company, l->agent, l->handler, l->schedule, l->flags);
}

static int64_t
own_cap(bool has, int64_t own, int64_t general)
{
    return has ? own : general;
}

static int64_t
company_cap(struct snapshot *s, uint32_t id)
{
    const struct object_entry *o = objects_get(s->objects, id);

    return own_cap(o && HAS(&o->spec.company, company, max_concurrent),
                   o ? o->spec.company.max_concurrent : 0,
                   s->memory->limits.company_max_concurrent);
}

static int64_t
agent_cap(struct snapshot *s, uint32_t id)
{
    const struct object_entry *o = objects_get(s->objects, id);

    return own_cap(o && HAS(&o->spec.agent, agent, max_concurrent),
                   o ? o->spec.agent.max_concurrent : 0, s->memory->limits.agent_max_concurrent);
}

static int64_t
handler_cap(struct snapshot *s, uint32_t id)
{
    const struct object_entry *o = objects_get(s->objects, id);

    return own_cap(o && HAS(&o->spec.handler, handler, max_concurrent),
                   o ? o->spec.handler.max_concurrent : 0, NO_LIMIT);
}

/* Open: nothing; half open: one job that tries it. */
static void
breaker_cap(struct snapshot *s, uint32_t id, int64_t *limit, uint32_t *used)
{
    struct job_state j = {0};
    struct breaker   b;
    struct scan      scan;

    if (!breaker_get(s->objects->txn, id, &b) || b.state == BREAKER_CLOSED) return;
    *limit = b.state == BREAKER_OPEN ? 0 : 1;
    if (b.state == BREAKER_OPEN) return;
    scan_open(&scan, s->objects->txn, INDEX_job_running, &j, 0, 0);
    while (scan_next(&scan, &j))
        *used += breaker_is_tried_by(s->objects, &b, &j);
    scan_close(&scan);
}

/* Of a company or an agent: it is paused, or goes with all its jobs, in more turns than this one.
 */
static bool
lets_nothing_start(struct objects *objects, uint32_t id)
{
    const struct object_entry *o = objects_get(objects, id);

    return (o && o->row.removing) || is_paused(objects->txn, id, 0);
}

/* with_kept: for a lane that may use the worker that is kept for a job that must run alone. */
static void
cap_of(struct snapshot *s, enum predicate p, uint32_t on, bool with_kept, int64_t *limit,
       uint32_t *used)
{
    const struct memory *m = s->memory;

    *limit = NO_LIMIT;
    *used = 0;
    switch (p) {
    case HELD_STOPPED: *limit = m->meta.stops & STOP_NEW ? 0 : NO_LIMIT; break;
    case HELD_DRAINING: *limit = m->is_draining || m->meta.stops & STOP_DRAIN ? 0 : NO_LIMIT; break;
    case HELD_NO_WORKER: *limit = m->slot_count == 0 ? 0 : NO_LIMIT; break;
    case HELD_NO_SLOT:
        if (m->slot_count == 0) break; /* that is NO_WORKER */
        *limit = m->slot_count;
        *used = m->slot_count - fleet_free_slots(m, with_kept);
        break;
    case HELD_GLOBAL_CAP:
        *limit = m->limits.max_concurrent;
        *used = s->running;
        break;
    case HELD_SCHEDULE_CAP:
        *limit = m->limits.schedule_max_concurrent;
        *used = s->schedule_born;
        break;
    case HELD_COMPANY_CAP:
        *limit = company_cap(s, on);
        *used = counted(&s->companies, on);
        break;
    case HELD_AGENT_CAP:
        *limit = on ? agent_cap(s, on) : NO_LIMIT;
        *used = counted(&s->agents, on);
        break;
    case HELD_HANDLER_CAP:
        *limit = handler_cap(s, on);
        *used = counted(&s->handlers, on);
        break;
    case HELD_OVERLAP:
        *limit = on && on == m->clearing ? 0 : overlap_limit(s->objects, on);
        *used = counted(&s->schedules, on);
        break;
    case HELD_BREAKER: breaker_cap(s, on, limit, used); break;
    case HELD_ALONE: *limit = fleet_pick(m, true, with_kept) >= 0 ? NO_LIMIT : 0; break;
    case HELD_COMPANY_PAUSED:
    case HELD_AGENT_PAUSED: *limit = lets_nothing_start(s->objects, on) ? 0 : NO_LIMIT; break;
    case HELD_SCHEDULE_PAUSED:
        *limit = schedule_holds_jobs(s->objects->txn, on) ? 0 : NO_LIMIT;
        break;
    case HELD_SCHEDULE_BUDGET:
    case HELD_COMPANY_BUDGET:
    case HELD_AGENT_BUDGET:
    case HELD_NOT:
    case HELD_COUNT: break;
    }
}

void
snapshot_cap(struct snapshot *s, enum predicate p, uint32_t on, int64_t *limit, uint32_t *used)
{
    cap_of(s, p, on, true, limit, used);
}

bool
predicate_is_budget(enum predicate p)
{
    return p == HELD_SCHEDULE_BUDGET || p == HELD_COMPANY_BUDGET || p == HELD_AGENT_BUDGET;
}

static bool
budget_blocks(struct snapshot *s, enum predicate p, uint32_t on, const struct lane *l,
              struct finding *out)
{
    struct budget_finding f;

    if (!budget_holds(s->objects, &s->memory->limits, l->head, on, &f)) return false;
    count_one(s, &s->did_not_fit, on);
    s->misfits++;
    *out = (struct finding){
        .predicate = p, .on = on, .limit = f.limit, .used = f.used, .head = l->head};
    return true;
}

static int64_t
room(int64_t limit, uint32_t used)
{
    if (limit == NO_LIMIT) return INT64_MAX;
    return limit > used ? limit - used : 0;
}

int64_t
snapshot_room(struct snapshot *s, enum predicate p, uint32_t on)
{
    int64_t  limit;
    uint32_t used;

    if (predicate_is_budget(p)) {
        bool may_try = s->misfits < MISFITS_ALL_MAX && counted(&s->did_not_fit, on) < MISFITS_MAX;

        return may_try && budget_has_room(s->objects, on) ? INT64_MAX : 0;
    }
    snapshot_cap(s, p, on, &limit, &used);
    return room(limit, used);
}

static bool
is_overlapped(struct snapshot *s, const struct lane *l)
{
    return l->schedule && !(l->flags & JOB_FLAG_FORCED) &&
           snapshot_room(s, HELD_OVERLAP, l->schedule) == 0;
}

static bool
may_be_paused(const struct lane *l)
{
    return l->schedule && !(l->flags & JOB_FLAG_BY_HAND);
}

/* While an attempt of its schedule runs, or its schedule is paused, no worker is to be kept for the
 * lane. */
static bool
is_held_by_schedule(struct snapshot *s, const struct lane *l)
{
    return is_overlapped(s, l) ||
           (may_be_paused(l) && snapshot_room(s, HELD_SCHEDULE_PAUSED, l->schedule) == 0);
}

/* On whose limit predicate p would hold the lane; false when p does not concern it. */
static bool
concerns(struct snapshot *s, enum predicate p, const struct lane *l, uint32_t *on)
{
    bool is_forced = l && (l->flags & JOB_FLAG_FORCED);

    *on = 0;
    switch (p) {
    case HELD_COMPANY_PAUSED: *on = l->company; return true;
    case HELD_AGENT_PAUSED: *on = l->agent; return l->agent != 0;
    case HELD_SCHEDULE_CAP: return !is_forced && (l->flags & JOB_FLAG_SCHEDULE_BORN);
    case HELD_COMPANY_CAP: *on = l->company; return !is_forced;
    case HELD_AGENT_CAP: *on = l->agent; return !is_forced && l->agent;
    case HELD_HANDLER_CAP: *on = l->handler; return !is_forced;
    case HELD_BREAKER:
        if (s->memory->open_breakers == 0) return false;
        *on = breaker_of(s->objects, l->handler);
        return *on != 0;
    case HELD_SCHEDULE_BUDGET: *on = l->schedule; return l->schedule;
    case HELD_COMPANY_BUDGET: *on = l->company; return true;
    case HELD_AGENT_BUDGET: *on = l->agent; return l->agent;
    case HELD_ALONE: return l->flags & JOB_FLAG_ALONE && !is_held_by_schedule(s, l);
    case HELD_OVERLAP: *on = l->schedule; return l->schedule && !is_forced;
    case HELD_SCHEDULE_PAUSED: *on = l->schedule; return may_be_paused(l);
    default: return true;
    }
}

bool
snapshot_blocks(struct snapshot *s, enum predicate_scope scope, const struct lane *l,
                enum predicate after, struct finding *out)
{
    bool with_kept = !l || fleet_may_use_kept(s->memory, l);

    for (enum predicate p = after + 1; p < HELD_COUNT; p++) {
        int64_t  limit;
        uint32_t on, used;

        if (predicates[p].scope != scope || !concerns(s, p, l, &on)) continue;
        if (predicate_is_budget(p)) {
            if (budget_blocks(s, p, on, l, out)) return true;
            continue;
        }
        cap_of(s, p, on, with_kept, &limit, &used);
        if (room(limit, used) > 0) continue;
        *out = (struct finding){
            .predicate = p, .on = on, .limit = limit, .used = used, .lane = l ? l->id : 0};
        return true;
    }
    return false;
}

bool
finding_counts(struct objects *o, const struct memory *m, const struct finding *f,
               const struct job_state *j)
{
    struct breaker b;

    switch (f->predicate) {
    case HELD_NO_SLOT:
    case HELD_GLOBAL_CAP: return true;
    case HELD_SCHEDULE_CAP: return j->flags & JOB_FLAG_SCHEDULE_BORN;
    case HELD_COMPANY_BUDGET:
    case HELD_COMPANY_CAP: return j->company == f->on;
    case HELD_AGENT_BUDGET:
    case HELD_AGENT_CAP: return j->agent == f->on;
    case HELD_OVERLAP:
    case HELD_SCHEDULE_BUDGET: return j->schedule == f->on;
    case HELD_HANDLER_CAP: return j->handler == f->on;
    case HELD_BREAKER: return breaker_get(o->txn, f->on, &b) && breaker_is_tried_by(o, &b, j);
    case HELD_ALONE: return j->worker == m->kept_worker;
    default: return false;
    }
}
