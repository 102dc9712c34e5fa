#include "supervisor/engine/agents.h"
#include "supervisor/engine/configure_plan.h"
#include "supervisor/engine/lanes.h"

/* The steps that remove an object of the kind, by its id. */
static void
find_removed(struct engine *en, const struct plan *p, enum object_kind kind, struct idmap *out)
{
    for (struct step *g = p->first; g; g = g->next) {
        if (g->action == ACTION_REMOVE && g->kind == kind)
            idmap_put(out, txn_arena(turn_txn(en)), g->id, g);
    }
}

/* A company is not taken away from under the schedules that were made in it through the API: they
 * could no longer be named. */
static enum errc
check_owned(struct engine *en, const struct plan *p, struct err *e)
{
    struct idmap  companies = {0};
    struct object row = {0};
    struct scan   s;

    find_removed(en, p, KIND_COMPANY, &companies);
    scan_open(&s, turn_txn(en), PRIMARY_OBJECT, &row, 0, 0);
    while (e->code == E_OK && companies.count && scan_next(&s, &row)) {
        const struct step *g = idmap_get(&companies, row.company);

        if (!g || (row.origin != ORIGIN_API && row.origin != ORIGIN_AGENT)) continue;
        err_set(e, E_IN_USE, "company %.*s is gone from the file, but %s %.*s belongs to it",
                VIEW_ARG(g->name), object_kind_name(row.kind), VIEW_ARG(row.name));
        (void)err_hint(e, "remove it, then reload again");
    }
    scan_close(&s);
    return e->code;
}

/* ---- objects that unfinished jobs need ------------------------------------------ */

static const struct step *
used_by_running(struct engine *en, const struct idmap *handlers)
{
    const struct step *used = NULL;
    struct job_state   j = {0};
    struct scan        s;

    scan_open(&s, turn_txn(en), INDEX_job_running, &j, 0, 0);
    while (!used && scan_next_key(&s, &j))
        used = idmap_get(handlers, j.handler);
    scan_close(&s);
    return used;
}

/* A look at each lane, whatever the number of its jobs. */
static const struct step *
used_by_ready(struct engine *en, const struct idmap *handlers)
{
    const struct step *used = NULL;
    struct job_state   j = {0};
    struct scan        s;

    scan_open(&s, turn_txn(en), INDEX_job_ready, &j, 0, 0);
    while (!used && scan_next_key(&s, &j)) {
        struct lane l = {.id = j.lane};

        if (lane_load(turn_txn(en), &l) == LOAD_FOUND) used = idmap_get(handlers, l.handler);
        j.lane++;
        scan_seek(&s, &j, 1);
    }
    scan_close(&s);
    return used;
}

static const struct step *
used_by_waiting(struct engine *en, const struct idmap *handlers)
{
    const struct step *used = NULL;
    struct job_state   j = {0};
    struct scan        s;

    scan_open(&s, turn_txn(en), INDEX_job_due, &j, 0, 0);
    while (!used && scan_next(&s, &j))
        used = idmap_get(handlers, j.handler);
    scan_close(&s);
    return used;
}

/* By the counts that are kept of it. */
static bool
has_open_jobs(struct engine *en, const struct step *g)
{
    struct schedule     run = {.id = g->id};
    const struct queue *q;
    const struct agent *a;

    switch (g->kind) {
    case KIND_COMPANY:
        q = company_queue(en, g->id);
        return q->scheduled + q->ready + q->running > 0;
    case KIND_AGENT: a = agent_row(en, g->id); return a && a->open_jobs > 0;
    case KIND_SCHEDULE: return schedule_load(turn_txn(en), &run) == LOAD_FOUND && run.in_flight > 0;
    default: return false;
    }
}

/* Nobody counts the jobs of a handler: when one goes, they are looked for. */
enum errc
plan_check_removals(struct engine *en, const struct plan *p, struct err *e)
{
    const struct step *used = NULL;
    struct idmap       handlers = {0};

    for (const struct step *g = p->first; g && !used; g = g->next) {
        if (g->action == ACTION_REMOVE && has_open_jobs(en, g)) used = g;
    }
    find_removed(en, p, KIND_HANDLER, &handlers);
    if (!used && handlers.count) used = used_by_running(en, &handlers);
    if (!used && handlers.count) used = used_by_ready(en, &handlers);
    if (!used && handlers.count) used = used_by_waiting(en, &handlers);
    if (!used) return check_owned(en, p, e);
    err_set(e, E_IN_USE, "%s %.*s is gone from the file, but a job that has not ended needs it",
            object_kind_name(used->kind), VIEW_ARG(used->name));
    return err_hint(e, "cancel the job or wait for its end, then reload again");
}
