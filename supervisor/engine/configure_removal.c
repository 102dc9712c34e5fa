#include "supervisor/engine/configure_plan.h"
#include "supervisor/engine/lanes.h"
#include "supervisor/engine/refs.h"
#include "supervisor/engine/removal.h"

#include <stdio.h>

/* The steps that remove, by the object's id; `used`: the first that is needed. */
struct removals {
    struct engine             *en;
    struct idmap               steps;
    const struct object_entry *used;
};

static struct step *
step_of(const struct removals *r, uint32_t id)
{
    struct step *s = id ? idmap_get(&r->steps, id) : NULL;

    return s && s->action == ACTION_REMOVE ? s : NULL;
}

static enum errc
judge(struct removals *r, const struct object_entry *o, const struct users *u, struct err *e)
{
    char subject[200];

    snprintf(subject, sizeof(subject), "%s \"%.*s\", gone from the file,",
             object_kind_name(o->row.kind), VIEW_ARG(objects_ref(&r->en->turn.objects, o->row.id)));
    if (users_judge(u, subject, false, e) == E_OK) return E_OK;
    r->used = o;
    return err_hint(e, "end, change or remove these first%s, then reload again",
                    users_close_hint(u));
}

/* What is counted or indexed by the object. */
static enum errc
check_work(struct removals *r, struct err *e)
{
    for (uint32_t i = 0; i < r->steps.cap; i++) {
        const struct step         *gone = r->steps.entries[i].value;
        const struct object_entry *o;
        struct users               u = {0};

        if (!gone || gone->action != ACTION_REMOVE) continue;
        if (!(o = objects_get(&r->en->turn.objects, gone->id))) continue;
        removal_name_work(r->en, o, &u);
        if (judge(r, o, &u, e)) return e->code;
    }
    return E_OK;
}

static bool
has_handler(const struct removals *r)
{
    for (uint32_t i = 0; i < r->steps.cap; i++) {
        const struct step *gone = r->steps.entries[i].value;

        if (gone && gone->action == ACTION_REMOVE && gone->kind == KIND_HANDLER) return true;
    }
    return false;
}

/* ---- handlers: nobody counts their jobs, so that these are looked for when one goes -------------
 */

/* Names the job when it needs the first handler that was found, or one that goes. */
static void
take_job(const struct removals *r, uint64_t job, uint32_t handler, const struct object_entry **o,
         struct users *u)
{
    if (*o ? handler != (*o)->row.id : !step_of(r, handler)) return;
    if (!*o) *o = objects_get(&r->en->turn.objects, handler);
    if (*o) users_add_id(u, "job", job);
}

static void
name_running(const struct removals *r, const struct object_entry **o, struct users *u)
{
    struct job_state j = {0};
    struct scan      s;

    scan_open(&s, turn_txn(r->en), INDEX_job_running, &j, 0, 0);
    while (u->named < USERS_NAMED_MAX && scan_next_key(&s, &j))
        take_job(r, j.id, j.handler, o, u);
    scan_close(&s);
}

/* A look at each lane, whatever the number of its jobs: the first one is named. */
static void
name_ready(const struct removals *r, const struct object_entry **o, struct users *u)
{
    struct job_state j = {0};
    struct scan      s;

    scan_open(&s, turn_txn(r->en), INDEX_job_ready, &j, 0, 0);
    while (u->named < USERS_NAMED_MAX && scan_next_key(&s, &j)) {
        struct lane l = {.id = j.lane};

        if (lane_load(turn_txn(r->en), &l) == LOAD_FOUND) take_job(r, j.id, l.handler, o, u);
        j.lane++;
        scan_seek(&s, &j, 1);
    }
    scan_close(&s);
}

static void
name_waiting(const struct removals *r, const struct object_entry **o, struct users *u)
{
    struct job_state j = {0};
    struct scan      s;

    scan_open(&s, turn_txn(r->en), INDEX_job_due, &j, 0, 0);
    while (u->named < USERS_NAMED_MAX && scan_next(&s, &j))
        take_job(r, j.id, j.handler, o, u);
    scan_close(&s);
}

static enum errc
check_handlers(struct removals *r, struct err *e)
{
    const struct object_entry *o = NULL;
    struct users               u = {0};

    if (!has_handler(r)) return E_OK;
    name_running(r, &o, &u);
    if (!o) name_ready(r, &o, &u);
    if (!o) name_waiting(r, &o, &u);
    return o ? judge(r, o, &u, e) : E_OK;
}

/* ---- goals, of whose agents there is no index
 * ---------------------------------------------------- */

static enum errc
check_goals(struct removals *r, struct err *e)
{
    const struct object_entry *o = NULL;
    struct goal                g = {0};
    struct users               u = {0};
    struct scan                s;

    scan_open(&s, turn_txn(r->en), PRIMARY_GOAL, &g, 0, 0);
    while (u.named < USERS_NAMED_MAX && scan_next(&s, &g)) {
        if (g.status != GOAL_OPEN || g.agent == 0) continue;
        if (o ? g.agent != o->row.id : !step_of(r, g.agent)) continue;
        if (!o) o = objects_get(&r->en->turn.objects, g.agent);
        if (o) users_add_id(&u, "goal", g.id);
    }
    scan_close(&s);
    return o ? judge(r, o, &u, e) : E_OK;
}

/* ---- what was made through the API --------------------------------------------------------------
 */

static bool
is_of_api(const struct object *row)
{
    return row->origin == ORIGIN_API || row->origin == ORIGIN_AGENT;
}

/* What was made through the API and refers to it. */
static enum errc
judge_objects(struct removals *r, const struct object_entry *o, struct err *e)
{
    struct object row = {0};
    struct users  u = {0};
    struct scan   s;

    scan_open(&s, turn_txn(r->en), PRIMARY_OBJECT, &row, 0, 0);
    while (scan_next(&s, &row)) {
        if (!is_of_api(&row) || !refs_have(r->en, &row, o->row.id)) continue;
        users_add(&u, object_kind_name(row.kind), objects_ref(&r->en->turn.objects, row.id));
    }
    scan_close(&s);
    return judge(r, o, &u, e);
}

/* The references among declarations are checked by the config loader, which sees the file. */
static enum errc
check_objects(struct removals *r, struct err *e)
{
    const struct object_entry *o = NULL;
    struct object              row = {0};
    struct scan                s;

    scan_open(&s, turn_txn(r->en), PRIMARY_OBJECT, &row, 0, 0);
    while (!o && scan_next(&s, &row)) {
        struct refs refs;

        if (!is_of_api(&row)) continue;
        refs_of(r->en, &row, &refs);
        for (uint32_t i = 0; i < refs.count && !o; i++) {
            if (step_of(r, refs.ids[i])) o = objects_get(&r->en->turn.objects, refs.ids[i]);
        }
    }
    scan_close(&s);
    return o ? judge_objects(r, o, e) : E_OK;
}

static enum errc
check(struct removals *r, struct err *e)
{
    if (check_work(r, e) || check_goals(r, e) || check_objects(r, e)) return e->code;
    return check_handlers(r, e);
}

static struct removals
removals_of(struct engine *en, const struct plan *p)
{
    struct removals r = {.en = en};

    for (struct step *s = p->first; s; s = s->next) {
        if (s->action == ACTION_REMOVE) idmap_put(&r.steps, txn_arena(turn_txn(en)), s->id, s);
    }
    return r;
}

enum errc
plan_check_removals(struct engine *en, const struct plan *p, struct err *e)
{
    struct removals r = removals_of(en, p);

    return r.steps.count ? check(&r, e) : E_OK;
}

/* ---- a start, at which what is needed stays
 * ------------------------------------------------------
 */

/* With what it refers to, and so on: an agent's profile, and the handler of that. */
static void
leave(struct removals *r, const struct object_entry *o, struct view why)
{
    struct step *s = step_of(r, o->row.id);
    struct refs  refs;

    if (!s) return;
    s->action = ACTION_LEAVE;
    s->why = why;
    refs_of(r->en, &o->row, &refs);
    for (uint32_t i = 0; i < refs.count; i++) {
        const struct object_entry *other = objects_get(&r->en->turn.objects, refs.ids[i]);

        if (other) leave(r, other, why);
    }
}

void
plan_leave_needed(struct engine *en, const struct plan *p)
{
    struct removals r = removals_of(en, p);
    struct err      e = {0};

    while (r.steps.count && check(&r, &e)) { /* ends: each time there is one step less */
        leave(&r, r.used, arena_copy(txn_arena(turn_txn(en)), view_str(e.msg)));
    }
}
