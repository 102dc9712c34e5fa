#include "supervisor/engine/routines.h"

#include "supervisor/engine/made.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/schedule_ops.h"
#include "supervisor/engine/tickets.h"
#include "supervisor/engine/views.h"

#include <inttypes.h>
#include <string.h>

/* ---- firings ------------------------------------------------------------------- */

enum errc
routine_check(struct engine *en, const struct msg_schedule *s, const struct schedule_refs *refs,
              struct err *e)
{
    struct msg_routine r;
    struct ticket      k = {.company = refs->company};

    if (s->ticket.size == 0) return E_OK;
    if (msg_unpack(msg_desc(MSG_ROUTINE), s->ticket, &r, e)) return err_wrap(e, "ticket");
    if (refs->agent == 0)
        return err_field(e, "agent", "missing: a routine's tickets are assigned to an agent");
    k.goal = r.goal;
    k.parent = r.parent;
    if (ticket_check_place(en, &k, e)) return e->code;
    return ticket_check_assignee(en, refs->company, r.required, refs->agent, "agent", e);
}

void
routine_take(const struct msg_schedule *s, struct schedule *run)
{
    struct msg_routine r;
    struct err         e = {0};

    if (s->ticket.size == 0 || msg_unpack(msg_desc(MSG_ROUTINE), s->ticket, &r, &e))
        r = (struct msg_routine){0};
    run->goal = r.goal;
    run->ticket = r.parent;
}

void
routine_fire(struct engine *en, const struct object_entry *o, struct submission *s,
             struct ticket *k)
{
    struct msg_routine r;
    struct err         e = {0};

    *k = (struct ticket){0};
    if (o->spec.schedule.ticket.size == 0 ||
        msg_unpack(msg_desc(MSG_ROUTINE), o->spec.schedule.ticket, &r, &e)) {
        return;
    }
    *k = (struct ticket){.company = o->row.company,
                         .goal = r.goal,
                         .parent = r.parent,
                         .title = r.title,
                         .required = r.required,
                         .reward = r.reward,
                         .data = r.data,
                         .schedule = o->row.id};
    if (HAS(&r, routine, deadline_ms)) k->deadline_at = en->turn.now.wall_ms + r.deadline_ms;
    ticket_write_new(en, k);
    s->spec.trigger = TRIGGER_TICKET_ASSIGNED;
    s->spec.source = view_str("routine_execution");
    s->spec.title = k->title;
    s->spec.goal = k->goal;
    s->spec.ticket = k->id;
    s->flags &= ~JOB_FLAG_SCHEDULE_BORN;
    if (!HAS(&o->spec.schedule, schedule, priority))
        s->priority = trigger_priority(TRIGGER_TICKET_ASSIGNED);
}

void
routine_fired(struct engine *en, struct ticket *k, const struct job_state *j)
{
    if (k->id == 0 || ticket_load(turn_txn(en), k) != LOAD_FOUND) return;
    ticket_claimed(en, k, j->agent, j->id);
}

/* ---- requests ------------------------------------------------------------------ */

static void
pack_ticket(const struct msg_routine_add *m, struct buf *out)
{
    struct msg_routine r = {.title = m->ticket_title};

    SET_HAS(&r, routine, title);
#define GIVE(field)                                                  \
    do {                                                             \
        r.field = m->field;                                          \
        if (HAS(m, routine_add, field)) SET_HAS(&r, routine, field); \
    } while (0)
    GIVE(goal);
    GIVE(required);
    GIVE(reward);
    GIVE(deadline_ms);
    GIVE(data);
#undef GIVE
    msg_pack(msg_desc(MSG_ROUTINE), &r, out);
}

enum errc
on_routine_add(struct engine *en, const struct actor *a, const struct msg_routine_add *m,
               struct buf *reply, struct err *e)
{
    struct buf ticket       BUF_AUTO = {0};
    struct msg_schedule_add s = {.name = m->name, .agent = m->assign};

    pack_ticket(m, &ticket);
    s.ticket = buf_view(&ticket);
    SET_HAS(&s, schedule_add, name);
    SET_HAS(&s, schedule_add, agent);
    SET_HAS(&s, schedule_add, ticket);
#define GIVE(field)                                                       \
    do {                                                                  \
        s.field = m->field;                                               \
        if (HAS(m, routine_add, field)) SET_HAS(&s, schedule_add, field); \
    } while (0)
    GIVE(company);
    GIVE(cron);
    GIVE(every_ms);
    GIVE(tz);
    GIVE(payload);
    GIVE(max_turns);
#undef GIVE
    return on_schedule_add(en, a, &s, reply, e);
}

enum errc
on_routine_complete(struct engine *en, const struct actor *a, const struct msg_routine_complete *m,
                    struct buf *reply, struct err *e)
{
    struct wake       w = {.trigger = TRIGGER_ROUTINE,
                           .source = view_str("routine_completion"),
                           .payload = m->payload,
                           .priority = -1};
    struct ticket     k, after;
    struct submission s;
    struct job_state  j;
    struct view       before;

    if (submit_admit(en, e) || ticket_get(turn_txn(en), a, m->ticket, &k, e)) return e->code;
    before = ticket_pack(en, &k);
    if (k.schedule == 0) {
        err_set(e, E_WRONG_STATE, "ticket %" PRIu64 " was not made by a routine", k.id);
        return err_hint(e, "set its status: ticket set %" PRIu64 " --status done", k.id);
    }
    after = k;
    w.agent = k.assignee;
    if (m->agent.size &&
        object_ref(turn_txn(en), a, KIND_AGENT, m->agent, "agent", &k.company, &w.agent, e)) {
        return e->code;
    }
    if (w.agent == 0) return err_field(e, "agent", "missing: nobody is assigned to the ticket");
    w.title = k.title;
    w.goal = k.goal;
    w.ticket = k.id;
    if (submit_prepare_wake(en, &w, &s, e) || submit_check_priority(en, a, &s, e) ||
        ticket_step(&after, TICKET_ON_FINISH, e) ||
        tickets_set_status(en, k.company, k.id, view_str("done"), e)) {
        return e->code;
    }
    submit_write(en, &s, a, &j);
    if (ticket_load(turn_txn(en), &k) == LOAD_FOUND)
        ticket_audit(en, a, "routine.complete", before, &k);
    made_answered(en, j.agent);
    view_job(&en->turn.objects, &en->memory, &j, &s.spec, JOB_VIEW_ANSWER, reply);
    return E_OK;
}
