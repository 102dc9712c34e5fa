#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>

/* Routines (B3): schedules each of whose firings makes a ticket and wakes its assignee. */

static bool
read_routine(const struct msg_schedule *d, struct msg_routine *r)
{
    struct err e = {0};

    if (d->ticket.size == 0) return false;
    claim(msg_unpack(msg_desc(MSG_ROUTINE), d->ticket, r, &e) == E_OK,
          "a routine that nobody can read: %s", e.msg);
    return true;
}

enum errc
m_judge_routine(struct model *m, const struct msg_schedule *d, int company, int agent)
{
    struct msg_routine r;
    enum errc          e;

    if (!read_routine(d, &r)) return E_OK;
    if (agent < 0) return E_BAD_REQUEST;
    if (r.goal && !m_has_goal(m, company, r.goal)) return E_NOT_FOUND;
    if ((e = m_judge_ticket_parent(m, company, 0, r.parent)) != E_OK) return e;
    return r.required & ~m_object(m, agent)->declared.agent.capabilities ? E_BAD_REQUEST : E_OK;
}

void
m_routine_fire(struct model *m, const struct msg_schedule *d, struct m_job *j)
{
    struct job_spec    spec = {.id = j->id};
    struct msg_routine r;
    struct m_ticket   *k;

    if (!read_routine(d, &r)) return;
    k = m_new_ticket(m, j->company, r.parent);
    k->goal = r.goal;
    k->is_of_routine = true;
    j->goal = r.goal;
    j->is_born = false;
    j->trigger = "ticket_assigned";
    j->priority = HAS(d, schedule, priority) ? (uint8_t)d->priority : 70;
    m_claim_ticket(m, k->id, j);
    claim(job_spec_load(m->txn, &spec) == LOAD_FOUND && view_is(spec.source, "routine_execution"),
          "job %" PRIu64 " of a routine has source %.*s", j->id, VIEW_ARG(spec.source));
}

/* ---- requests -------------------------------------------------------------------------------- */

enum errc
m_routine_add(struct model *m, const struct input *in, const struct msg_routine_add *q,
              const struct output *reply)
{
    struct msg_schedule d = {.name = q->name,
                             .company = q->company,
                             .agent = q->assign,
                             .cron = q->cron,
                             .every_ms = q->every_ms,
                             .payload = q->payload,
                             .max_turns = q->max_turns};
    struct msg_routine  r = {.title = q->ticket_title, .goal = q->goal, .required = q->required};
    struct buf ticket   BUF_AUTO = {0};

    if (HAS(q, routine_add, goal)) SET_HAS(&r, routine, goal);
    if (HAS(q, routine_add, required)) SET_HAS(&r, routine, required);
    msg_pack(msg_desc(MSG_ROUTINE), &r, &ticket);
    d.ticket = buf_view(&ticket);
    SET_HAS(&d, schedule, ticket);
    SET_HAS(&d, schedule, agent);
    if (HAS(q, routine_add, company)) SET_HAS(&d, schedule, company);
    if (HAS(q, routine_add, cron)) SET_HAS(&d, schedule, cron);
    if (HAS(q, routine_add, every_ms)) SET_HAS(&d, schedule, every_ms);
    if (HAS(q, routine_add, payload)) SET_HAS(&d, schedule, payload);
    if (HAS(q, routine_add, max_turns)) SET_HAS(&d, schedule, max_turns);
    return m_schedule_add(m, in, &d, reply);
}
