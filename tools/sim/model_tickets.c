#include "supervisor/engine/goals.h"
#include "supervisor/engine/tickets.h"
#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>

/* Tickets (B3): a tree of them in each company, and the wake-up that an assignment makes. */

/* What may follow what when a request names the status; claimed comes by assignment only. */
static const struct {
    const char        *asked;
    enum ticket_status to;
    bool               from[TICKET_STATUS_COUNT];
} steps[] = {
    {"open",
     TICKET_OPEN,                       {[TICKET_CLAIMED] = true, [TICKET_IN_PROGRESS] = true, [TICKET_DISPUTED] = true}},
    {"in_progress", TICKET_IN_PROGRESS, {[TICKET_OPEN] = true, [TICKET_CLAIMED] = true}                                 },
    {"done",
     TICKET_DONE,                       {[TICKET_OPEN] = true,
      [TICKET_CLAIMED] = true,
      [TICKET_IN_PROGRESS] = true,
      [TICKET_DISPUTED] = true}                                                                        },
    {"disputed",    TICKET_DISPUTED,    {[TICKET_DONE] = true}                                                          },
};

static struct m_ticket *
ticket(struct model *m, uint64_t id)
{
    struct m_ticket *k = id == 0 || id > m->tickets.count ? NULL : &m->tickets.items[id - 1];

    return k && !k->is_gone ? k : NULL;
}

static struct m_ticket *
seen(struct model *m, const struct input *in, uint64_t id)
{
    struct m_ticket *k = ticket(m, id);

    return k && m_sees(m, &in->actor, k->company) ? k : NULL;
}

/* Whether a ticket of this company may stand below `parent`; id 0: a new one. */
enum errc
m_judge_ticket_parent(struct model *m, int company, uint64_t id, uint64_t parent)
{
    for (uint32_t n = 1; parent; n++) {
        const struct m_ticket *up = ticket(m, parent);

        if (!up || up->company != company) return E_NOT_FOUND;
        if (parent == id || n >= GOAL_DEPTH_MAX) return E_BAD_REQUEST;
        parent = up->parent;
    }
    return E_OK;
}

struct m_ticket *
m_new_ticket(struct model *m, int company, uint64_t parent)
{
    struct m_ticket *k = LIST_ADD(&m->tickets);

    k->id = m->tickets.count;
    k->company = company;
    k->parent = parent;
    k->assignee = -1;
    k->status = TICKET_OPEN;
    k->is_touched = true;
    return k;
}

void
m_claim_ticket(struct model *m, uint64_t id, struct m_job *j)
{
    struct m_ticket *k = ticket(m, id);

    j->ticket = id;
    j->goal = k->goal;
    k->status = TICKET_CLAIMED;
    k->assignee = j->agent;
    k->job = j->id;
    k->is_touched = true;
}

/* Both in one transaction: the ticket is claimed and its assignee is woken. */
static void
assign(struct model *m, uint64_t id, const struct m_job *made)
{
    m_claim_ticket(m, id, m_make_wake(m, made));
}

static void
check_reply(const struct output *reply, const struct m_ticket *k)
{
    int64_t     id;
    struct view status;

    claim(mp_find_i64(reply->body, "id", &id) && id == (int64_t)k->id,
          "a reply names ticket %" PRId64 ", expected %" PRIu64, id, k->id);
    claim(mp_find_str(reply->body, "status", &status) &&
              view_is(status, ticket_status_name(k->status)),
          "the reply about ticket %" PRIu64 " says %.*s", k->id, VIEW_ARG(status));
}

/* ---- requests -------------------------------------------------------------------------------- */

enum errc
m_ticket_add(struct model *m, const struct input *in, const struct msg_ticket_add *q,
             const struct output *reply)
{
    enum errc        e = m_admission(m);
    int              company = -1, agent = -1;
    struct m_call    wake = {.trigger = "ticket_assigned", .priority = 70, .payload = q->payload};
    struct m_job     made;
    struct m_ticket *k;

    if (e == E_OK) company = m_company(m, &in->actor, q->company, &e);
    if (e == E_OK && q->agent.size)
        agent = m_ref(m, &in->actor, KIND_AGENT, q->agent, &company, &e);
    if (e == E_OK) e = m_judge_ticket_parent(m, company, 0, q->parent);
    if (e == E_OK && q->payload.size && agent < 0) e = E_BAD_REQUEST;
    wake.agent = agent;
    if (e == E_OK && agent >= 0) e = m_judge_wake(m, &in->actor, &wake, &made);
    m_check_answer(in, reply, e);
    if (e != E_OK) return e;
    k = m_new_ticket(m, company, q->parent);
    if (agent >= 0) assign(m, k->id, &made);
    check_reply(reply, k);
    return e;
}

/* The wake-up of who had it before has no reason any more, if it has not started. */
static void
take_back(struct model *m, const struct m_ticket *k, int agent)
{
    struct m_job *j = m_job(m, k->job);

    if (!j || k->assignee == agent || (j->state != JOB_SCHEDULED && j->state != JOB_READY)) return;
    j->failure = "aborted";
    m_end_job(m, j, JOB_CANCELLED);
}

enum errc
m_ticket_assign(struct model *m, const struct input *in, const struct msg_ticket_assign *q,
                const struct output *reply)
{
    enum errc        e = m_admission(m);
    struct m_ticket *k = seen(m, in, q->id);
    int              company, agent = -1;
    struct m_call    wake = {.trigger = "ticket_assigned", .priority = 70, .payload = q->payload};
    struct m_job     made;

    if (e == E_OK && !k) e = E_NOT_FOUND;
    if (e == E_OK) {
        company = k->company;
        agent = m_ref(m, &in->actor, KIND_AGENT, q->agent, &company, &e);
    }
    wake.agent = agent;
    if (HAS(q, ticket_assign, priority)) wake.priority = q->priority;
    if (e == E_OK) e = m_judge_wake(m, &in->actor, &wake, &made);
    if (e == E_OK && k->status == TICKET_DONE) e = E_WRONG_STATE;
    m_check_answer(in, reply, e);
    if (e != E_OK) return e;
    take_back(m, k, agent);
    assign(m, k->id, &made);
    check_reply(reply, k);
    return e;
}

static enum errc
judge_status(const struct m_ticket *k, struct view asked, uint8_t *to)
{
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        if (!view_is(asked, steps[i].asked)) continue;
        *to = (uint8_t)steps[i].to;
        return steps[i].from[k->status] ? E_OK : E_WRONG_STATE;
    }
    return E_BAD_REQUEST;
}

static void
take_status(struct m_ticket *k, uint8_t to)
{
    k->status = to;
    if (to == TICKET_OPEN) k->assignee = -1;
    k->is_touched = true;
}

enum errc
m_ticket_set(struct model *m, const struct input *in, const struct msg_ticket_set *q,
             const struct output *reply)
{
    struct m_ticket *k = seen(m, in, q->id);
    enum errc        e = k ? E_OK : E_NOT_FOUND;
    uint64_t         parent = k && !HAS(q, ticket_set, parent) ? k->parent : q->parent;
    uint8_t          to = TICKET_NONE;

    if (e == E_OK && !HAS(q, ticket_set, parent) && !HAS(q, ticket_set, status)) e = E_BAD_REQUEST;
    if (e == E_OK) e = m_judge_ticket_parent(m, k->company, k->id, parent);
    if (e == E_OK && HAS(q, ticket_set, status)) e = judge_status(k, q->status, &to);
    m_check_answer(in, reply, e);
    if (e != E_OK) return e;
    k->parent = parent;
    if (to) take_status(k, to);
    k->is_touched = true;
    check_reply(reply, k);
    return e;
}

enum errc
m_ticket_by_effect(struct model *m, const struct m_job *from, struct view effect)
{
    int64_t          id = (int64_t)from->ticket;
    struct m_ticket *k;
    struct view      status = {0};
    uint8_t          to;
    enum errc        e;

    (void)mp_find_i64(effect, "ticket", &id);
    (void)mp_find_str(effect, "status", &status);
    k = ticket(m, (uint64_t)id);
    if (!k || k->company != from->company) return E_NOT_FOUND;
    if ((e = judge_status(k, status, &to)) != E_OK) return e;
    take_status(k, to);
    return E_OK;
}

/* Done, and whoever had it, or is named, is woken. */
enum errc
m_routine_complete(struct model *m, const struct input *in, const struct msg_routine_complete *q,
                   const struct output *reply)
{
    enum errc        e = m_admission(m);
    struct m_ticket *k = seen(m, in, q->ticket);
    struct m_call    wake = {.trigger = "routine", .priority = 60, .payload = q->payload};
    struct m_job     made, *j;
    int              company;
    uint8_t          to = TICKET_NONE;

    if (e == E_OK && !k) e = E_NOT_FOUND;
    if (e == E_OK && !k->is_of_routine) e = E_WRONG_STATE;
    wake.agent = k ? k->assignee : -1;
    if (e == E_OK && q->agent.size) {
        company = k->company;
        wake.agent = m_ref(m, &in->actor, KIND_AGENT, q->agent, &company, &e);
    }
    if (e == E_OK && wake.agent < 0) e = E_BAD_REQUEST;
    if (e == E_OK) e = m_judge_wake(m, &in->actor, &wake, &made);
    if (e == E_OK) e = judge_status(k, view_str("done"), &to);
    m_check_answer(in, reply, e);
    if (e != E_OK) return e;
    take_status(k, to);
    j = m_make_wake(m, &made);
    j->ticket = k->id;
    j->goal = k->goal;
    m_check_job_reply(reply, j);
    return e;
}

/* ---- its jobs -------------------------------------------------------------------------------- */

/* The start of the assignee's job is the work's beginning. */
void
m_ticket_started(struct model *m, const struct m_job *j)
{
    struct m_ticket *k = ticket(m, j->ticket);

    if (!k || k->assignee != j->agent) return;
    if (k->status != TICKET_OPEN && k->status != TICKET_CLAIMED) return;
    k->status = TICKET_IN_PROGRESS;
    k->is_touched = true;
}

/* Up from each ticket there is a root, and no ticket twice. */
static void
check_ancestry(struct model *m, const struct m_ticket *from)
{
    struct ticket row = {.id = from->id};
    uint32_t      n = 0;

    for (; row.id; row.id = row.parent, n++) {
        claim(n < GOAL_DEPTH_MAX, "ticket %" PRIu64 " is its own ancestor, or too deep", from->id);
        claim(ticket_load(m->txn, &row) == LOAD_FOUND, "ticket %" PRIu64 " is not in the store",
              row.id);
    }
}

static void
compare(struct model *m, struct m_ticket *k)
{
    struct ticket          row = {.id = k->id};
    const struct m_object *assignee = m_object(m, k->assignee);
    uint64_t               open = 0;

    if (m_object(m, k->company)->is_gone) return; /* it goes along, in bounded turns */
    for (size_t i = 0; i < m->active.count; i++) {
        const struct m_job *j = m_job(m, m->active.items[i]);

        open += j->ticket == k->id && !m_is_end(j->state);
    }
    k->is_touched = false;
    check_ancestry(m, k);
    claim(ticket_load(m->txn, &row) == LOAD_FOUND, "ticket %" PRIu64 " is not in the store", k->id);
    claim(row.status == k->status && row.assignee == (assignee ? assignee->id : 0) &&
              row.parent == k->parent && row.job == k->job && row.goal == k->goal &&
              (row.schedule != 0) == k->is_of_routine,
          "ticket %" PRIu64 ": status %u, assignee %u, parent %" PRIu64 ", job %" PRIu64
          ", expected %u, %u, %" PRIu64 ", %" PRIu64,
          k->id, row.status, row.assignee, row.parent, row.job, k->status,
          assignee ? assignee->id : 0, k->parent, k->job);
    claim(row.open_jobs == open,
          "ticket %" PRIu64 ": %" PRIu64 " jobs have not ended, expected %" PRIu64, k->id,
          row.open_jobs, open);
}

void
m_compare_tickets(struct model *m, bool all)
{
    for (size_t i = 0; i < m->tickets.count; i++) {
        struct m_ticket *k = &m->tickets.items[i];

        if (!k->is_gone && (all || k->is_touched)) compare(m, k);
    }
}
