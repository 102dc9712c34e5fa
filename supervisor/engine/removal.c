#include "supervisor/engine/removal.h"

#include "supervisor/engine/agents.h"
#include "supervisor/engine/attempt.h"
#include "supervisor/engine/feed.h"
#include "supervisor/engine/gates.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/lanes.h"
#include "supervisor/engine/refs.h"
#include "supervisor/engine/registry.h"
#include "supervisor/engine/schedules.h"
#include "supervisor/engine/sessions.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum errc
removal_refuse_declared(const struct object_entry *o, struct err *e)
{
    const char *kind = object_kind_name(o->row.kind);

    if (o->row.origin == ORIGIN_BUILTIN) {
        err_set(e, E_WRONG_STATE, "%s \"%.*s\" is built in", kind, VIEW_ARG(o->row.name));
        return o->row.kind == KIND_COMPANY ? err_hint(e, "its limits can be set in the config file")
                                           : e->code;
    }
    if (o->row.origin != ORIGIN_CONFIG) return E_OK;
    err_set(e, E_DECLARED_IN_CONFIG, "%s \"%.*s\" is declared in the config file", kind,
            VIEW_ARG(o->row.name));
    return err_hint(e, "change the file and reload");
}

/* ---- what refers to it ----------------------------------------------------------- */

void
users_add(struct users *u, const char *what, struct view name)
{
    size_t used = strlen(u->text);

    u->count++;
    if (u->named++ >= USERS_NAMED_MAX) return;
    snprintf(u->text + used, sizeof(u->text) - used, "%s%s %.*s", used ? ", " : "", what,
             VIEW_ARG(name));
}

void
users_add_id(struct users *u, const char *what, uint64_t id)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, id);
    users_add(u, what, view_str(text));
}

const char *
users_close_hint(const struct users *u)
{
    return u->has_session ? " (a session: agentctl session close KEY)" : "";
}

enum errc
users_judge(const struct users *u, const char *subject, bool cascade, struct err *e)
{
    char     more[40] = "";
    uint32_t named = u->named < USERS_NAMED_MAX ? u->named : USERS_NAMED_MAX;

    if (u->count == 0 || (cascade && !u->is_declared && !u->is_awaited)) return E_OK;
    if (named == 0) { /* the jobs stand behind more others than are looked at */
        snprintf(more, sizeof(more), "%" PRIu64 " jobs", u->count);
    } else if (u->count > named) {
        snprintf(more, sizeof(more), " and %" PRIu64 " more", u->count - named);
    }
    err_set(e, E_IN_USE, "%s is in use by %s%s", subject, u->text, more);
    if (u->is_declared)
        return err_hint(e, "what the config file declares is taken out of it there");
    if (u->is_awaited)
        return err_hint(e, "take that gate away first: agentctl schedule set NAME --clear gate");
    return err_hint(e, "cancel and remove these first%s, or give --cascade", users_close_hint(u));
}

static uint64_t
open_jobs(struct engine *en, const struct object_entry *o)
{
    struct schedule     run = {.id = o->row.id};
    const struct agent *a;
    const struct queue *q;

    switch ((enum object_kind)o->row.kind) {
    case KIND_AGENT: a = agent_row(en, o->row.id); return a ? a->open_jobs : 0;
    case KIND_COMPANY:
        q = company_queue(en, o->row.id);
        return q->scheduled + q->ready + q->running;
    case KIND_SCHEDULE: return schedule_by_id(turn_txn(en), &run) == LOAD_FOUND ? run.in_flight : 0;
    case KIND_NONE:
    case KIND_HANDLER:
    case KIND_SINK:
    case KIND_LIMITS:
    case KIND_PROFILE: return 0;
    }
    return 0;
}

static bool
is_of(const struct object_entry *o, uint32_t company, uint32_t agent)
{
    return o->row.id == (o->row.kind == KIND_AGENT ? agent : company);
}

static void
name_jobs(struct engine *en, const struct object_entry *o, struct users *u)
{
    const enum index_id indexes[] = {INDEX_job_running, INDEX_job_ready, INDEX_job_due};
    uint64_t            all = open_jobs(en, o);
    uint32_t            examined = 0;

    for (size_t i = 0; i < ARRAY_LEN(indexes) && all; i++) {
        struct job_state j = {0};
        struct scan      s;

        scan_open(&s, turn_txn(en), indexes[i], &j, 0, 0);
        while (u->named < USERS_NAMED_MAX && examined++ < READ_ROWS_MAX && scan_next(&s, &j)) {
            if (is_of(o, j.company, j.agent) || j.schedule == o->row.id)
                users_add_id(u, "job", j.id);
        }
        scan_close(&s);
    }
    if (all > u->count) u->count = all;
}

static void
name_schedules(struct engine *en, const struct object_entry *o, struct users *u)
{
    struct schedule run = {.agent = o->row.id};
    struct scan     s;

    scan_open(&s, turn_txn(en), INDEX_schedule_by_agent, &run, 1, 1);
    while (scan_next(&s, &run)) {
        const struct object_entry *d = objects_get(&en->turn.objects, run.id);

        users_add(u, "schedule", objects_ref(&en->turn.objects, run.id));
        u->is_declared |= d && d->row.origin == ORIGIN_CONFIG;
    }
    scan_close(&s);
}

static void
name_tickets(struct engine *en, const struct object_entry *o, struct users *u)
{
    struct ticket t = {.assignee = o->row.id};
    struct scan   s;

    scan_open(&s, turn_txn(en), INDEX_ticket_by_assignee, &t, 1, 1);
    while (scan_next(&s, &t)) {
        if (t.status != TICKET_DONE) users_add_id(u, "ticket", t.id);
    }
    scan_close(&s);
}

static void
name_approvals(struct engine *en, const struct object_entry *o, struct users *u)
{
    struct approval a = {.status = APPROVAL_PENDING};
    struct scan     s;
    uint32_t        examined = 0;

    scan_open(&s, turn_txn(en), INDEX_approval_by_status, &a, 1, 1);
    while (examined++ < READ_ROWS_MAX && scan_next(&s, &a)) {
        if (is_of(o, a.company, a.agent)) users_add_id(u, "approval", a.id);
    }
    scan_close(&s);
}

/* What the company has yet to send. */
static void
name_effects(struct engine *en, uint32_t company, struct users *u)
{
    struct effect ef = {0};
    struct scan   s;
    uint32_t      examined = 0;

    scan_open(&s, turn_txn(en), INDEX_effect_queue, &ef, 0, 0);
    while (examined++ < READ_ROWS_MAX && scan_next(&s, &ef)) {
        if (ef.company == company) users_add_id(u, "effect", ef.id);
    }
    scan_close(&s);
}

static void
name_goals(struct engine *en, uint32_t company, struct users *u)
{
    struct goal g = {.company = company};
    struct scan s;
    uint32_t    examined = 0;

    scan_open(&s, turn_txn(en), INDEX_goal_by_parent, &g, 1, 1);
    for (; examined < READ_ROWS_MAX && scan_next(&s, &g); examined++) {
        if (g.status == GOAL_OPEN) users_add_id(u, "goal", g.id);
    }
    scan_close(&s);
    if (examined == READ_ROWS_MAX) users_add(u, "more goals", view_str("than can be looked at"));
}

static void
name_unfinished_tickets(struct engine *en, uint32_t company, struct users *u)
{
    uint32_t examined = 0;

    for (enum ticket_status st = TICKET_NONE + 1; st < TICKET_STATUS_COUNT; st++) {
        struct ticket t = {.company = company, .status = (uint8_t)st};
        struct scan   s;

        if (st == TICKET_DONE) continue;
        scan_open(&s, turn_txn(en), INDEX_ticket_by_status, &t, 2, 2);
        for (; examined < READ_ROWS_MAX && scan_next_key(&s, &t); examined++)
            users_add_id(u, "ticket", t.id);
        scan_close(&s);
    }
}

/* What waits for its turn at the sink, or for its answer; a look at each session that has any. */
static void
name_messages(struct engine *en, uint32_t sink, struct users *u)
{
    struct effect key = {0}, unknown = {.status = STATUS_UNKNOWN};
    struct scan   s;

    scan_open(&s, turn_txn(en), INDEX_effect_queue, &key, 0, 0);
    while (u->named < USERS_NAMED_MAX && scan_next(&s, &key)) {
        if (key.sink == sink) {
            users_add_id(u, "effect", key.id);
        } else {
            key.session += key.sink > sink;
            key.sink = sink;
            key.place = 0;
            scan_seek(&s, &key, 3);
        }
    }
    scan_close(&s);
    scan_open(&s, turn_txn(en), INDEX_effect_by_status, &unknown, 1, 1);
    while (u->named < USERS_NAMED_MAX && scan_next(&s, &unknown)) {
        if (unknown.probe && unknown.sink == sink) users_add_id(u, "effect", unknown.id);
    }
    scan_close(&s);
}

/* Open goals that the agent pursues. */
static void
name_pursued(struct engine *en, const struct object_entry *o, struct users *u)
{
    struct goal g = {.company = o->row.company};
    struct scan s;
    uint32_t    examined = 0;

    scan_open(&s, turn_txn(en), INDEX_goal_by_parent, &g, 1, 1);
    while (examined++ < READ_ROWS_MAX && scan_next(&s, &g)) {
        if (g.status == GOAL_OPEN && g.agent == o->row.id) users_add_id(u, "goal", g.id);
    }
    scan_close(&s);
}

/* Sessions that are not closed, but schedules' own. */
static void
name_sessions(struct engine *en, const struct object_entry *o, struct users *u)
{
    bool           is_agent = o->row.kind == KIND_AGENT;
    struct session row = {.agent = is_agent ? o->row.id : 0, .company = o->row.id};
    struct scan    s;
    uint32_t       examined = 0;

    scan_open(&s, turn_txn(en), is_agent ? INDEX_session_by_agent : INDEX_session_by_name, &row, 1,
              1);
    while (examined++ < READ_ROWS_MAX && scan_next(&s, &row)) {
        const struct session *now = session_row(en, row.id);

        if (!now || now->status == SESSION_CLOSED || session_is_schedules(now->name)) continue;
        users_add(u, "session", now->name);
        u->has_session = true;
    }
    scan_close(&s);
}

void
removal_name_work(struct engine *en, const struct object_entry *o, struct users *u)
{
    name_jobs(en, o, u);
    if (o->row.kind == KIND_AGENT || o->row.kind == KIND_COMPANY) name_approvals(en, o, u);
    if (o->row.kind == KIND_AGENT || o->row.kind == KIND_COMPANY) name_sessions(en, o, u);
    if (o->row.kind == KIND_AGENT) name_tickets(en, o, u);
    if (o->row.kind == KIND_SINK) name_messages(en, o->row.id, u);
    if (o->row.kind == KIND_COMPANY) {
        name_effects(en, o->row.id, u);
        name_goals(en, o->row.id, u);
        name_unfinished_tickets(en, o->row.id, u);
    }
}

/* Objects of the company, or that take the profile. */
static void
name_objects(struct engine *en, const struct object_entry *o, struct users *u)
{
    struct object row = {0};
    struct scan   s;

    scan_open(&s, turn_txn(en), PRIMARY_OBJECT, &row, 0, 0);
    while (scan_next(&s, &row)) {
        if (!refs_have(en, &row, o->row.id)) continue;
        users_add(u, object_kind_name(row.kind), objects_ref(&en->turn.objects, row.id));
        u->is_declared |= row.origin == ORIGIN_CONFIG;
    }
    scan_close(&s);
}

enum errc
removal_check(struct engine *en, const struct object_entry *o, bool cascade, bool *is_used,
              struct err *e)
{
    struct users u = {0};
    char         subject[160];

    if (removal_refuse_declared(o, e)) return e->code;
    removal_name_work(en, o, &u);
    if (o->row.kind == KIND_AGENT) {
        gates_name_waiting(en, o, &u);
        name_pursued(en, o, &u);
        name_schedules(en, o, &u);
    } else {
        name_objects(en, o, &u);
    }
    *is_used = u.count > 0;
    snprintf(subject, sizeof(subject), "%s \"%.*s\"", object_kind_name(o->row.kind),
             VIEW_ARG(objects_ref(&en->turn.objects, o->row.id)));
    if (users_judge(&u, subject, cascade, e) == E_OK) return E_OK;
    if (o->row.kind == KIND_PROFILE) return err_hint(e, "change or remove what refers to it first");
    return e->code;
}

/* ---- cascade: the jobs ------------------------------------------------------------ */

/* Its company or its agent is being removed. */
static bool
is_doomed(struct engine *en, const struct job_state *j, const char **message)
{
    const struct object_entry *agent = objects_get(&en->turn.objects, j->agent);
    const struct object_entry *company = objects_get(&en->turn.objects, j->company);

    *message = agent && agent->row.removing ? "its agent was removed" : "its company was removed";
    return (agent && agent->row.removing) || (company && company->row.removing);
}

static void
cancel(struct engine *en, uint64_t id)
{
    struct job_state j = {.id = id};
    struct err       e = {0};
    const char      *message;

    if (job_state_load(turn_txn(en), &j) != LOAD_FOUND) return;
    if (!is_doomed(en, &j, &message) || job_state_is_end(j.state)) return;
    if (j.state == JOB_RUNNING && j.stop_reason != FAIL_NONE) return;
    if (job_cancel(en, &j, message, &e)) return;
    en->turn.due_left--;
}

static void
cancel_running(struct engine *en, const struct object_entry *o)
{
    struct job_state j = {0};
    struct scan      s;

    scan_open(&s, turn_txn(en), INDEX_job_running, &j, 0, 0);
    while (en->turn.due_left && scan_next_key(&s, &j)) {
        if (is_of(o, j.company, j.agent)) cancel(en, j.id);
    }
    scan_close(&s);
}

static void
cancel_ready(struct engine *en, const struct object_entry *o)
{
    struct lane key = {.company = registry_company(o)};
    unsigned    prefix = 1;
    struct scan s;

    if (o->row.kind == KIND_AGENT) {
        key.agent = o->row.id;
        prefix = 2;
    }
    scan_open(&s, turn_txn(en), INDEX_lane_by_limits, &key, prefix, prefix);
    while (en->turn.due_left && scan_next(&s, &key)) {
        struct job_state j = {.lane = key.id};
        struct scan      jobs;

        scan_open(&jobs, turn_txn(en), INDEX_job_ready, &j, 1, 1);
        while (en->turn.due_left && scan_next_key(&jobs, &j))
            cancel(en, j.id);
        scan_close(&jobs);
    }
    scan_close(&s);
}

bool
removal_cancel_jobs(struct engine *en, const struct object_entry *o)
{
    uint32_t left = en->turn.due_left;

    if (open_jobs(en, o) == 0) return true;
    cancel_running(en, o);
    cancel_ready(en, o);
    if (open_jobs(en, o) == 0) return true;
    if (en->turn.due_left < left) en->turn.due_again = true;
    return false;
}

void
removal_cancel_waiting(struct engine *en)
{
    struct job_state_at *at = &en->memory.removal_at;
    struct job_state     j = {.run_at = at->run_at, .id = at->id};
    struct scan          s;
    uint32_t             examined = 0;
    bool                 is_end = false;

    if (at->run_at == INT64_MAX) return;
    scan_open(&s, turn_txn(en), INDEX_job_due, &j, 0, 2);
    while (!is_end && en->turn.due_left && examined++ < READ_ROWS_MAX) {
        is_end = !scan_next_key(&s, &j);
        if (!is_end) cancel(en, j.id);
    }
    scan_close(&s);
    *at = (struct job_state_at){is_end ? INT64_MAX : j.run_at, j.id};
    en->turn.due_again = true; /* for the rest of them, or for whose jobs these were */
}
