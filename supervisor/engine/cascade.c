#include "supervisor/engine/agents.h"
#include "supervisor/engine/approvals.h"
#include "supervisor/engine/audit.h"
#include "supervisor/engine/feed.h"
#include "supervisor/engine/goal_removal.h"
#include "supervisor/engine/pauses.h"
#include "supervisor/engine/plan.h"
#include "supervisor/engine/readers.h"
#include "supervisor/engine/registry.h"
#include "supervisor/engine/removal.h"
#include "supervisor/engine/session_close.h"
#include "supervisor/engine/tokens.h"

/* ---- what belongs to it ----------------------------------------------------------- */

void
removal_of_schedule(struct engine *en, uint32_t id)
{
    schedule_forget(en, id);
    objects_remove(&en->turn.objects, id);
    en->turn.due_left--;
}

/* Schedules go first, so that nothing new comes; true when none is left. */
static bool
remove_schedules(struct engine *en, const struct object_entry *o)
{
    struct schedule run = {.agent = o->row.id};
    struct scan     s;
    bool            is_agent = o->row.kind == KIND_AGENT;

    scan_open(&s, turn_txn(en), is_agent ? INDEX_schedule_by_agent : INDEX_schedule_by_id, &run,
              is_agent, is_agent);
    while (en->turn.due_left && scan_next(&s, &run)) {
        if (is_agent || run.company == o->row.id) removal_of_schedule(en, run.id);
    }
    scan_close(&s);
    return en->turn.due_left > 0;
}

static bool
clear_assignee(struct engine *en, uint32_t agent)
{
    struct ticket t = {.assignee = agent};
    struct scan   s;

    scan_open(&s, turn_txn(en), INDEX_ticket_by_assignee, &t, 1, 1);
    while (en->turn.due_left && scan_next(&s, &t)) {
        t.assignee = 0;
        if (t.status == TICKET_CLAIMED || t.status == TICKET_IN_PROGRESS) t.status = TICKET_OPEN;
        t.updated_at = en->turn.now.wall_ms;
        ticket_save(turn_txn(en), &t);
        en->turn.due_left--;
    }
    scan_close(&s);
    return en->turn.due_left > 0;
}

static void
forget_object(struct engine *en, const struct object *row)
{
    if (row->kind == KIND_AGENT) agent_forget(en, row->id);
    if (row->kind == KIND_COMPANY) pause_forget(turn_txn(en), row->id);
    if (row->kind == KIND_COMPANY) sessions_end_begin(en);
    if (row->kind == KIND_COMPANY) tokens_forget_company(en, row->id);
    if (row->kind == KIND_COMPANY) readers_forget_company(en, row->id, row->name);
    if (row->kind == KIND_COMPANY) feed_object(en, FEED_COMPANY_REMOVED, row->id, NULL);
    if (row->kind == KIND_AGENT) feed_object(en, FEED_AGENT_REMOVED, row->id, NULL);
    if (row->kind == KIND_PROFILE) feed_object(en, FEED_PROFILE_REMOVED, row->id, NULL);
    objects_remove(&en->turn.objects, row->id);
}

static bool
remove_objects(struct engine *en, uint32_t company)
{
    struct object row = {0};
    struct scan   s;

    scan_open(&s, turn_txn(en), PRIMARY_OBJECT, &row, 0, 0);
    while (en->turn.due_left && scan_next(&s, &row)) {
        if (row.company != company) continue;
        forget_object(en, &row);
        en->turn.due_left--;
    }
    scan_close(&s);
    return en->turn.due_left > 0;
}

static bool
remove_goals_and_tickets(struct engine *en, uint32_t company)
{
    struct goal   g = {.company = company};
    struct ticket t = {.company = company};
    struct scan   s;

    scan_open(&s, turn_txn(en), INDEX_ticket_by_status, &t, 1, 1);
    while (en->turn.due_left && scan_next(&s, &t)) {
        (void)ticket_delete(turn_txn(en), &t);
        en->turn.due_left--;
    }
    scan_close(&s);
    scan_open(&s, turn_txn(en), INDEX_goal_by_parent, &g, 1, 1);
    while (en->turn.due_left && scan_next(&s, &g)) {
        (void)goal_delete(turn_txn(en), &g);
        en->turn.due_left--;
    }
    scan_close(&s);
    return en->turn.due_left > 0;
}

/* ---- a step each turn ------------------------------------------------------------- */

/* True when the object is gone. */
static bool
step(struct engine *en, const struct object_entry *o)
{
    bool is_done;

    if (!remove_schedules(en, o)) return false;
    if (!sessions_close_of(en, &o->row)) return false; /* before their jobs, or others follow */
    if (!removal_cancel_jobs(en, o)) return false;
    if (!approvals_end(en, o)) return false;
    is_done = o->row.kind == KIND_AGENT
                  ? clear_assignee(en, o->row.id)
                  : remove_goals_and_tickets(en, o->row.id) && remove_objects(en, o->row.id);
    if (is_done) forget_object(en, &o->row);
    return is_done;
}

/* A step of each; true when one is left. */
static bool
remove_some_objects(struct engine *en)
{
    struct object row = {0};
    struct scan   s;
    bool          is_left = false;

    scan_open(&s, turn_txn(en), PRIMARY_OBJECT, &row, 0, 0);
    while (scan_next(&s, &row)) {
        const struct object_entry *o = row.removing ? objects_get(&en->turn.objects, row.id) : NULL;

        if (!o) continue;
        if (en->turn.due_left == 0 || !step(en, o)) is_left = true;
    }
    scan_close(&s);
    if (is_left) removal_cancel_waiting(en);
    if (en->turn.due_left == 0 && is_left) en->turn.due_again = true;
    return is_left;
}

void
registry_removals(struct engine *en)
{
    bool is_left;

    if (!en->memory.has_removals) return;
    is_left = remove_some_objects(en);
    is_left |= goal_removals(en);
    en->memory.has_removals = is_left;
}

void
registry_at_boot(struct engine *en)
{
    struct object row = {0};
    struct scan   s;
    bool          is_removing = goal_removals_are_left(en);

    scan_open(&s, turn_txn(en), PRIMARY_OBJECT, &row, 0, 0);
    while (!is_removing && scan_next(&s, &row))
        is_removing = row.removing;
    scan_close(&s);
    if (is_removing) removals_begin(en);
}

void
removals_begin(struct engine *en)
{
    en->memory.has_removals = true;
    en->memory.removal_at = (struct job_state_at){0};
    en->turn.due_again = true; /* for a turn without a dispatch */
}

void
removal_begin(struct engine *en, uint32_t id)
{
    const struct object_entry *o = objects_get(&en->turn.objects, id);
    struct object              row;

    if (!o) return;
    row = o->row;
    row.removing = 1;
    objects_put(&en->turn.objects, &row);
    removals_begin(en);
}

/* ---- requests --------------------------------------------------------------------- */

static enum errc
remove_named(struct engine *en, const struct actor *a, enum object_kind kind, const char *action,
             struct view name, bool cascade, struct buf *reply, struct err *e)
{
    const struct object_entry *o;
    struct mp_open_map         map;
    bool                       is_used;

    if (registry_find(en, a, kind, name, &o, e)) return e->code;
    if (removal_check(en, o, cascade, &is_used, e)) return e->code;
    audit_put(en, a, action, registry_company(o), o->row.name,
              arena_copy(txn_arena(turn_txn(en)), o->row.spec), (struct view){0});
    map = mp_open(reply);
    mp_put_str(reply, &map, "removed", name);
    mp_put_bool(reply, &map, "pending", is_used);
    mp_close(reply, &map);
    if (is_used || kind == KIND_COMPANY) { /* finished goals and tickets go, too */
        removal_begin(en, o->row.id);
    } else {
        forget_object(en, &o->row);
    }
    return E_OK;
}

enum errc
on_company_remove(struct engine *en, const struct actor *a, const struct msg_company_remove *m,
                  struct buf *reply, struct err *e)
{
    return remove_named(en, a, KIND_COMPANY, "company.remove", m->name, m->cascade, reply, e);
}

enum errc
on_agent_remove(struct engine *en, const struct actor *a, const struct msg_agent_remove *m,
                struct buf *reply, struct err *e)
{
    return remove_named(en, a, KIND_AGENT, "agent.remove", m->name, m->cascade, reply, e);
}

enum errc
on_profile_remove(struct engine *en, const struct actor *a, const struct msg_profile_remove *m,
                  struct buf *reply, struct err *e)
{
    return remove_named(en, a, KIND_PROFILE, "profile.remove", m->name, false, reply, e);
}
