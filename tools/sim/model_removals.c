#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>
#include <stdio.h>

/* Removals in steps (N37): how much a turn does is the engine's taste, and taken over from the
 * store; that only what is being removed goes, that nothing of it starts, and that nothing is left
 * when it is gone, is not. */

bool
m_is_in_store(const struct m_object *o)
{
    return !o->is_gone || o->is_removing;
}

bool
m_is_doomed(struct model *m, const struct m_job *j)
{
    return m_object(m, j->company)->is_gone || (j->agent >= 0 && m_object(m, j->agent)->is_gone);
}

/* Its schedules go with it, whether or not they go in this turn. */
void
m_remove(struct model *m, int index, bool in_steps)
{
    for (size_t i = 0; in_steps && i < m->objects.count; i++) {
        struct m_object *o = &m->objects.items[i];

        if (o->kind == KIND_SCHEDULE && !o->is_gone && m_refers_to(m, o, index))
            o->is_removing = true;
    }
    m_object(m, index)->is_gone = true;
    m_object(m, index)->is_removing = in_steps;
}

/* ---- a step ---------------------------------------------------------------------------------- */

static bool
has_row(struct model *m, const struct m_object *o)
{
    struct object row = {.id = o->id};

    return o->id && object_load(m->txn, &row) == LOAD_FOUND;
}

/* Jobs that were cancelled, and attempts that were told to stop. */
static void
take_jobs(struct model *m)
{
    for (size_t i = 0; i < m->active.count; i++) {
        struct m_job    *j = m_job(m, m->active.items[i]);
        struct job_state row = {.id = j->id};

        if (m_is_end(j->state) || !m_is_doomed(m, j)) continue;
        if (job_state_load(m->txn, &row) != LOAD_FOUND) continue;
        if (j->state == JOB_RUNNING ? !j->stop_reason && row.stop_reason : m_is_end(row.state))
            m_cancel(m, j);
    }
}

static void
take_goals_and_tickets(struct model *m)
{
    for (size_t i = 0; i < m->goals.count; i++) {
        struct m_goal *g = &m->goals.items[i];
        struct goal    row = {.id = g->id};

        if (!g->is_gone && m_object(m, g->company)->is_gone)
            g->is_gone = goal_load(m->txn, &row) == LOAD_ABSENT;
    }
    for (size_t i = 0; i < m->tickets.count; i++) {
        struct m_ticket *k = &m->tickets.items[i];
        struct ticket    row = {.id = k->id};

        if (!k->is_gone && m_object(m, k->company)->is_gone)
            k->is_gone = ticket_load(m->txn, &row) == LOAD_ABSENT;
        if (k->is_gone || k->assignee < 0 || !m_object(m, k->assignee)->is_removing) continue;
        if (ticket_load(m->txn, &row) != LOAD_FOUND || row.assignee) continue;
        k->assignee = -1;
        if (k->status == TICKET_CLAIMED || k->status == TICKET_IN_PROGRESS) k->status = TICKET_OPEN;
        k->is_touched = true;
    }
}

static void
take_approvals(struct model *m)
{
    for (size_t i = 0; i < m->approvals.count; i++) {
        struct m_approval *a = &m->approvals.items[i];
        struct approval    row = {.id = a->id};

        if (a->status != APPROVAL_PENDING || approval_load(m->txn, &row) != LOAD_FOUND) continue;
        if (!m_object(m, a->company)->is_removing && !m_object(m, a->agent)->is_removing) continue;
        if (row.status == APPROVAL_DENIED) m_approval_decided(m, a, false);
    }
}

/* Nothing is left of what is gone. */
static void
check_gone(struct model *m, int index)
{
    const struct m_object *gone = m_object(m, index);

    for (size_t i = 0; i < m->active.count; i++) {
        const struct m_job *j = m_job(m, m->active.items[i]);

        claim(m_is_end(j->state) || (j->company != index && j->agent != index),
              "%.*s is gone, its job %" PRIu64 " is not", VIEW_ARG(gone->name), j->id);
    }
    for (size_t i = 0; i < m->tickets.count; i++) {
        const struct m_ticket *k = &m->tickets.items[i];

        claim(k->is_gone || (k->company != index && k->assignee != index),
              "%.*s is gone, its ticket %" PRIu64 " is not", VIEW_ARG(gone->name), k->id);
    }
    for (size_t i = 0; i < m->goals.count; i++) {
        const struct m_goal *g = &m->goals.items[i];

        claim(g->is_gone || g->company != index, "%.*s is gone, its goal %" PRIu64 " is not",
              VIEW_ARG(gone->name), g->id);
    }
    for (size_t i = 0; i < m->approvals.count; i++) {
        const struct m_approval *a = &m->approvals.items[i];

        claim(a->status != APPROVAL_PENDING || (a->company != index && a->agent != index),
              "%.*s is gone, its approval %" PRIu64 " is not", VIEW_ARG(gone->name), a->id);
    }
    for (size_t i = 0; i < m->objects.count; i++) {
        const struct m_object *o = &m->objects.items[i];

        claim(!m_is_in_store(o) || o->company != index, "%.*s is gone, its %.*s is not",
              VIEW_ARG(gone->name), VIEW_ARG(o->name));
    }
}

bool
m_removes_nothing(const struct model *m, char *what, size_t size)
{
    for (size_t i = 0; i < m->objects.count; i++) {
        const struct m_object *o = &m->objects.items[i];

        if (!o->is_removing) continue;
        snprintf(what, size, "the removal of %.*s", VIEW_ARG(o->name));
        return false;
    }
    return true;
}

static bool
goes_with_its_company(struct model *m, const struct m_object *o)
{
    return m_is_in_store(o) && o->company >= 0 && m_object(m, o->company)->is_removing;
}

void
m_removals(struct model *m)
{
    m_sessions_removed(m); /* before their jobs, or others would follow */
    take_jobs(m);
    take_goals_and_tickets(m);
    take_approvals(m);
    for (size_t i = m->objects.count; i-- > 0;) { /* a company was there before what is of it */
        struct m_object *o = &m->objects.items[i];
        bool             goes = o->is_removing || goes_with_its_company(m, o);

        if (!goes || has_row(m, o)) continue;
        if (o->is_removing && o->is_gone) check_gone(m, (int)i);
        o->is_gone = true;
        o->is_removing = false;
    }
}
