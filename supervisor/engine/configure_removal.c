#include "supervisor/engine/configure_plan.h"
#include "supervisor/engine/lanes.h"
#include "supervisor/engine/refs.h"
#include "supervisor/engine/removal.h"

#include <stdio.h>

static enum errc
judge(struct engine *en, const struct object_entry *o, const struct users *u, struct err *e)
{
    char subject[200];

    snprintf(subject, sizeof(subject), "%s \"%.*s\", gone from the file,",
             object_kind_name(o->row.kind), VIEW_ARG(objects_ref(&en->turn.objects, o->row.id)));
    if (users_judge(u, subject, false, e) == E_OK) return E_OK;
    return err_hint(e, "end, change or remove these first, then reload again");
}

/* What is counted or indexed by the object. */
static enum errc
check_work(struct engine *en, const struct idmap *gone, struct err *e)
{
    for (uint32_t i = 0; i < gone->cap; i++) {
        const struct object_entry *o =
            objects_get(&en->turn.objects, (uint32_t)gone->entries[i].id);
        struct users u = {0};

        if (!o) continue;
        removal_name_work(en, o, &u);
        if (judge(en, o, &u, e)) return e->code;
    }
    return E_OK;
}

static bool
has_handler(struct engine *en, const struct idmap *gone)
{
    for (uint32_t i = 0; i < gone->cap; i++) {
        const struct object_entry *o =
            objects_get(&en->turn.objects, (uint32_t)gone->entries[i].id);

        if (o && o->row.kind == KIND_HANDLER) return true;
    }
    return false;
}

/* ---- handlers: nobody counts their jobs, so that these are looked for when one goes -------------
 */

/* Names the job when it needs the first handler that was found, or one that goes. */
static void
take_job(struct engine *en, const struct idmap *gone, uint64_t job, uint32_t handler,
         const struct object_entry **o, struct users *u)
{
    if (*o ? handler != (*o)->row.id : !idmap_get(gone, handler)) return;
    if (!*o) *o = objects_get(&en->turn.objects, handler);
    if (*o) users_add_id(u, "job", job);
}

static void
name_running(struct engine *en, const struct idmap *gone, const struct object_entry **o,
             struct users *u)
{
    struct job_state j = {0};
    struct scan      s;

    scan_open(&s, turn_txn(en), INDEX_job_running, &j, 0, 0);
    while (u->named < USERS_NAMED_MAX && scan_next_key(&s, &j))
        take_job(en, gone, j.id, j.handler, o, u);
    scan_close(&s);
}

/* A look at each lane, whatever the number of its jobs: the first one is named. */
static void
name_ready(struct engine *en, const struct idmap *gone, const struct object_entry **o,
           struct users *u)
{
    struct job_state j = {0};
    struct scan      s;

    scan_open(&s, turn_txn(en), INDEX_job_ready, &j, 0, 0);
    while (u->named < USERS_NAMED_MAX && scan_next_key(&s, &j)) {
        struct lane l = {.id = j.lane};

        if (lane_load(turn_txn(en), &l) == LOAD_FOUND) take_job(en, gone, j.id, l.handler, o, u);
        j.lane++;
        scan_seek(&s, &j, 1);
    }
    scan_close(&s);
}

static void
name_waiting(struct engine *en, const struct idmap *gone, const struct object_entry **o,
             struct users *u)
{
    struct job_state j = {0};
    struct scan      s;

    scan_open(&s, turn_txn(en), INDEX_job_due, &j, 0, 0);
    while (u->named < USERS_NAMED_MAX && scan_next(&s, &j))
        take_job(en, gone, j.id, j.handler, o, u);
    scan_close(&s);
}

static enum errc
check_handlers(struct engine *en, const struct idmap *gone, struct err *e)
{
    const struct object_entry *o = NULL;
    struct users               u = {0};

    if (!has_handler(en, gone)) return E_OK;
    name_running(en, gone, &o, &u);
    if (!o) name_ready(en, gone, &o, &u);
    if (!o) name_waiting(en, gone, &o, &u);
    return o ? judge(en, o, &u, e) : E_OK;
}

/* ---- goals, of whose agents there is no index
 * ---------------------------------------------------- */

static enum errc
check_goals(struct engine *en, const struct idmap *gone, struct err *e)
{
    const struct object_entry *o = NULL;
    struct goal                g = {0};
    struct users               u = {0};
    struct scan                s;

    scan_open(&s, turn_txn(en), PRIMARY_GOAL, &g, 0, 0);
    while (u.named < USERS_NAMED_MAX && scan_next(&s, &g)) {
        if (g.status != GOAL_OPEN || g.agent == 0) continue;
        if (o ? g.agent != o->row.id : !idmap_get(gone, g.agent)) continue;
        if (!o) o = objects_get(&en->turn.objects, g.agent);
        if (o) users_add_id(&u, "goal", g.id);
    }
    scan_close(&s);
    return o ? judge(en, o, &u, e) : E_OK;
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
judge_objects(struct engine *en, const struct object_entry *o, struct err *e)
{
    struct object row = {0};
    struct users  u = {0};
    struct scan   s;

    scan_open(&s, turn_txn(en), PRIMARY_OBJECT, &row, 0, 0);
    while (scan_next(&s, &row)) {
        if (!is_of_api(&row) || !refs_have(en, &row, o->row.id)) continue;
        users_add(&u, object_kind_name(row.kind), objects_ref(&en->turn.objects, row.id));
    }
    scan_close(&s);
    return judge(en, o, &u, e);
}

/* The references among declarations are checked by the config loader, which sees the file. */
static enum errc
check_objects(struct engine *en, const struct idmap *gone, struct err *e)
{
    const struct object_entry *o = NULL;
    struct object              row = {0};
    struct scan                s;

    scan_open(&s, turn_txn(en), PRIMARY_OBJECT, &row, 0, 0);
    while (!o && scan_next(&s, &row)) {
        struct refs r;

        if (!is_of_api(&row)) continue;
        refs_of(en, &row, &r);
        for (uint32_t i = 0; i < r.count && !o; i++) {
            if (idmap_get(gone, r.ids[i])) o = objects_get(&en->turn.objects, r.ids[i]);
        }
    }
    scan_close(&s);
    return o ? judge_objects(en, o, e) : E_OK;
}

enum errc
plan_check_removals(struct engine *en, const struct plan *p, struct err *e)
{
    struct idmap gone = {0};

    for (struct step *g = p->first; g; g = g->next) {
        if (g->action == ACTION_REMOVE) idmap_put(&gone, txn_arena(turn_txn(en)), g->id, g);
    }
    if (gone.count == 0) return E_OK;
    if (check_work(en, &gone, e) || check_goals(en, &gone, e) || check_objects(en, &gone, e))
        return e->code;
    return check_handlers(en, &gone, e);
}
