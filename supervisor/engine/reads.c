#include "supervisor/engine/reads.h"

#include "common/name.h"
#include "supervisor/engine/activity.h"
#include "supervisor/engine/approvals.h"
#include "supervisor/engine/audit.h"
#include "supervisor/engine/breakers.h"
#include "supervisor/engine/effect_walk.h"
#include "supervisor/engine/feed.h"
#include "supervisor/engine/firings.h"
#include "supervisor/engine/goals.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/page.h"
#include "supervisor/engine/read_sessions.h"
#include "supervisor/engine/read_timers.h"
#include "supervisor/engine/sessions.h"
#include "supervisor/engine/tickets.h"
#include "supervisor/engine/tokens.h"
#include "supervisor/engine/usage.h"
#include "supervisor/engine/views.h"
#include "supervisor/engine/why.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* ---- jobs --------------------------------------------------------------------- */

enum errc
reading_job(struct reading *r, uint64_t id, struct job_state *j)
{
    enum errc failed = job_get(r->txn, r->actor, id, j, r->e);

    if (failed == E_NOT_FOUND && id < r->engine->memory.meta.next_job &&
        r->actor->company.size == 0) {
        return err_set(r->e, E_GONE, "job %" PRIu64 " has been purged", id);
    }
    return failed;
}

static enum errc
load_job(struct reading *r, uint64_t id, struct job_state *j, struct job_spec *spec)
{
    if (reading_job(r, id, j)) return r->e->code;
    return job_get_spec(r->txn, id, spec, r->e);
}

static enum errc
read_job_show(struct reading *r, const struct msg_job_show *m)
{
    struct job_state j;
    struct job_spec  spec;

    if (load_job(r, m->id, &j, &spec)) return r->e->code;
    view_job(&r->objects, &r->engine->memory, &j, &spec, JOB_VIEW_HISTORY, r->reply);
    return E_OK;
}

static enum errc
read_job_wait(struct reading *r, const struct msg_job_wait *m, bool *is_pending)
{
    struct job_state   j;
    struct job_spec    spec;
    struct mp_open_map map;

    if (load_job(r, m->id, &j, &spec)) return r->e->code;
    *is_pending = !job_state_is_end(j.state);
    map = mp_open(r->reply);
    view_job_pairs(&r->objects, &r->engine->memory, &j, &spec, JOB_VIEW_FULL, r->reply, &map);
    mp_put_bool(r->reply, &map, "pending", *is_pending);
    mp_close(r->reply, &map);
    return E_OK;
}

/* ---- objects ------------------------------------------------------------------ */

/* All listings of declared objects: by kind, and company when one is asked for. */
static enum errc
list_objects(struct reading *r, enum object_kind kind, const struct msg_company_list *m,
             void (*item)(struct reading *, const struct object_entry *))
{
    struct object row = {0};
    struct page   p;
    uint64_t      after;
    uint32_t      company = 0;

    if (cursor_id(r, m->after, r->engine->memory.meta.next_object, &after) ||
        read_company(r, m->company, &company))
        return r->e->code;
    page_open(r, &p, HAS(m, company_list, limit), m->limit);
    row.id = (uint32_t)after + 1;
    page_scan(r, &p, PRIMARY_OBJECT, &row, 0, 1);
    while (page_next(&p, &row)) {
        const struct object_entry *o;

        page_at(&p, row.id);
        if (row.kind != kind || (company && row.company != company && row.id != company)) continue;
        o = objects_get(&r->objects, row.id);
        if (!o) continue;
        item(r, o);
        p.count++;
    }
    page_close(r, &p);
    return E_OK;
}

static void
object_item(struct reading *r, const struct object_entry *o)
{
    view_object(&r->objects, o, r->reply);
}

static void
schedule_item(struct reading *r, const struct object_entry *o)
{
    struct schedule run = {.id = o->row.id};

    if (schedule_by_id(r->txn, &run) != LOAD_FOUND) run = (struct schedule){.id = o->row.id};
    view_schedule(&r->objects, &r->engine->memory, o, &run, false, r->reply);
}

/* What is being removed is found by no name (N37), but it is shown as long as it is there. */
static uint32_t
find_removing(struct reading *r, enum object_kind kind, struct view ref)
{
    struct view in_company, name;
    uint32_t    company = 0;
    struct err  e = {0};

    if (name_split(ref, "name", &in_company, &name, &e)) return 0;
    if (kind == KIND_COMPANY)
        return r->actor->company.size ? 0 : object_removing(r->txn, kind, 0, ref);
    if (object_company(r->txn, r->actor, in_company, &company, &e)) return 0;
    return object_removing(r->txn, kind, company, name);
}

enum errc
reading_object(struct reading *r, enum object_kind kind, struct view name,
               const struct object_entry **out)
{
    uint32_t  company = 0, id;
    enum errc failed = kind == KIND_COMPANY
                           ? object_company(r->txn, r->actor, name, &id, r->e)
                           : object_ref(r->txn, r->actor, kind, name, "name", &company, &id, r->e);

    if (failed) {
        id = failed == E_NOT_FOUND ? find_removing(r, kind, name) : 0;
        if (id == 0) return failed;
        *r->e = (struct err){0};
    }
    *out = objects_get(&r->objects, id);
    return *out ? E_OK : err_set(r->e, E_DAMAGED, "its record is damaged");
}

static enum errc
read_object_show(struct reading *r, enum object_kind kind, struct view name)
{
    const struct object_entry *o;

    if (reading_object(r, kind, name, &o)) return r->e->code;
    view_object(&r->objects, o, r->reply);
    return E_OK;
}

static enum errc
read_schedule_show(struct reading *r, const struct msg_schedule_show *m)
{
    const struct object_entry *o;
    struct schedule            run = {0};

    if (reading_object(r, KIND_SCHEDULE, m->name, &o)) return r->e->code;
    run.id = o->row.id;
    if (schedule_by_id(r->txn, &run) != LOAD_FOUND)
        return err_set(r->e, E_DAMAGED, "the schedule's record is damaged");
    view_schedule(&r->objects, &r->engine->memory, o, &run, true, r->reply);
    return E_OK;
}

/* ---- workers ------------------------------------------------------------------- */

static enum errc
read_worker_list(struct reading *r)
{
    struct page p;

    page_open(r, &p, false, 0);
    for (uint32_t i = 0; i < WORKERS_MAX; i++) {
        if (r->engine->memory.workers[i].state == WORKER_NONE) continue;
        view_worker(r->txn, r->actor, &r->engine->memory, i, r->now->boot_ms, r->reply);
        p.count++;
    }
    page_close(r, &p);
    return E_OK;
}

/* ---- the table ---------------------------------------------------------------- */

_Static_assert(sizeof(struct msg_company_list) == sizeof(struct msg_agent_list) &&
                   sizeof(struct msg_company_list) == sizeof(struct msg_handler_list) &&
                   sizeof(struct msg_company_list) == sizeof(struct msg_profile_list) &&
                   sizeof(struct msg_company_list) == sizeof(struct msg_schedule_list),
               "the listings share one declaration");

static enum errc
serve(struct reading *r, enum msg_id op, const union msg *m, bool *is_pending)
{
    switch (op) {
    case MSG_JOB_SHOW: return read_job_show(r, &m->job_show);
    case MSG_JOB_WHY: return read_job_why(r, &m->job_why);
    case MSG_JOB_WAIT: return read_job_wait(r, &m->job_wait, is_pending);
    case MSG_JOB_LIST: return read_job_list(r, &m->job_list);
    case MSG_JOB_STATS: return read_job_stats(r, &m->job_stats);
    case MSG_SCHEDULE_SHOW: return read_schedule_show(r, &m->schedule_show);
    case MSG_SCHEDULE_WHY: return read_schedule_why(r, &m->schedule_why);
    case MSG_AGENT_WHY: return read_agent_why(r, &m->agent_why);
    case MSG_SESSION_WHY: return read_session_why(r, &m->session_why);
    case MSG_EFFECT_WHY: return read_effect_why(r, &m->effect_why);
    case MSG_SCHEDULE_LIST: return list_objects(r, KIND_SCHEDULE, &m->company_list, schedule_item);
    case MSG_SCHEDULE_FIRINGS: return read_schedule_firings(r, &m->schedule_firings);
    case MSG_SCHEDULE_STATS: return read_schedule_stats(r, &m->schedule_stats);
    case MSG_COMPANY_LIST: return list_objects(r, KIND_COMPANY, &m->company_list, object_item);
    case MSG_AGENT_LIST: return list_objects(r, KIND_AGENT, &m->company_list, object_item);
    case MSG_AGENT_ACTIVITY: return read_agent_activity(r, &m->agent_activity);
    case MSG_AGENT_SHOW: return read_object_show(r, KIND_AGENT, m->agent_show.name);
    case MSG_COMPANY_SHOW: return read_object_show(r, KIND_COMPANY, m->company_show.name);
    case MSG_PROFILE_SHOW: return read_object_show(r, KIND_PROFILE, m->profile_show.name);
    case MSG_PROFILE_LIST: return list_objects(r, KIND_PROFILE, &m->company_list, object_item);
    case MSG_HANDLER_LIST: return list_objects(r, KIND_HANDLER, &m->company_list, object_item);
    case MSG_SESSION_LIST: return read_session_list(r, &m->session_list);
    case MSG_SESSION_SHOW: return read_session_show(r, &m->session_show);
    case MSG_SESSION_EVENTS: return read_session_events(r, &m->session_events);
    case MSG_TIMER_LIST: return read_timer_list(r, &m->timer_list);
    case MSG_TIMER_WHY: return read_timer_why(r, &m->timer_why);
    case MSG_EFFECT_LIST: return read_effect_list(r, &m->effect_list);
    case MSG_EFFECT_SHOW: return read_effect_show(r, &m->effect_show);
    case MSG_APPROVAL_LIST: return read_approval_list(r, &m->approval_list);
    case MSG_TOKEN_LIST: return read_token_list(r, &m->token_list);
    case MSG_BREAKER_LIST: return read_breaker_list(r, &m->breaker_list);
    case MSG_WORKER_LIST: return read_worker_list(r);
    case MSG_USAGE: return read_usage(r, &m->usage);
    case MSG_AUDIT_LIST: return read_audit_list(r, &m->audit_list);
    case MSG_GOAL_SHOW: return read_goal_show(r, &m->goal_show);
    case MSG_GOAL_LIST: return read_goal_list(r, &m->goal_list);
    case MSG_TICKET_SHOW: return read_ticket_show(r, &m->ticket_show);
    case MSG_TICKET_LIST: return read_ticket_list(r, &m->ticket_list);
    default:
        return err_set(r->e, E_INTERNAL, "%s is not served from the snapshot", msg_desc(op)->op);
    }
}

enum read_result
engine_read(struct engine *en, struct txn *t, const struct now *now, const struct actor *actor,
            enum msg_id op, struct view body, struct buf *reply, uint64_t *wait_on, bool *ok,
            struct err *e)
{
    struct reading r = {.engine = en, .txn = t, .now = now, .actor = actor, .reply = reply, .e = e};
    bool           is_pending = false;
    union msg      m;

    objects_init(&r.objects, t);
    r.objects.is_read = true;
    r.objects.now_ms = now->wall_ms;
    *ok = false;
    if (msg_unpack(msg_desc(op), body, &m, e)) return READ_DONE;
    if (op == MSG_FEED_READ) return feed_read(en, t, actor, &m.feed_read, reply, ok, e);
    *ok = serve(&r, op, &m, &is_pending) == E_OK;
    if (!is_pending) return READ_DONE;
    *wait_on = m.job_wait.id;
    return READ_WAIT_JOB;
}

enum errc
engine_job_ended(struct engine *en, struct txn *t, const struct actor *actor, uint64_t job,
                 bool *ended, struct err *e)
{
    struct job_state j;

    (void)en;
    if (job_get(t, actor, job, &j, e)) return e->code;
    *ended = job_state_is_end(j.state);
    return E_OK;
}
