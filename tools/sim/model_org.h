/* model_org - what the model's files share about the registry, goals, tickets, wake-ups and what
 * agents make (SPEC section B); a part of model.h. */
#ifndef SIM_MODEL_ORG_H
#define SIM_MODEL_ORG_H

#include "tools/sim/model.h"

/* goals */
enum errc m_goal_add(struct model *m, const struct input *in, const struct msg_goal_add *q,
                     const struct output *reply);
enum errc m_goal_set(struct model *m, const struct input *in, const struct msg_goal_set *q,
                     const struct output *reply);
enum errc m_goal_decompose(struct model *m, const struct input *in,
                           const struct msg_goal_decompose *q, const struct output *reply);
bool      m_has_goal(struct model *m, int company, uint64_t id);
void      m_compare_goals(struct model *m, bool all);

/* tickets */
enum errc m_ticket_add(struct model *m, const struct input *in, const struct msg_ticket_add *q,
                       const struct output *reply);
enum errc m_ticket_assign(struct model *m, const struct input *in,
                          const struct msg_ticket_assign *q, const struct output *reply);
enum errc m_ticket_set(struct model *m, const struct input *in, const struct msg_ticket_set *q,
                       const struct output *reply);
enum errc m_routine_complete(struct model *m, const struct input *in,
                             const struct msg_routine_complete *q, const struct output *reply);
/* Whether a ticket of this company may stand below `parent`; id 0: a new one. */
enum errc        m_judge_ticket_parent(struct model *m, int company, uint64_t id, uint64_t parent);
struct m_ticket *m_new_ticket(struct model *m, int company, uint64_t parent);
/* The job is the wake-up of its assignee. */
void m_claim_ticket(struct model *m, uint64_t id, struct m_job *j);
/* A job that completes says what becomes of its ticket, or of the one that it names. */
enum errc m_ticket_by_effect(struct model *m, const struct m_job *from, struct view effect);
/* A job of the ticket has started. */
void m_ticket_started(struct model *m, const struct m_job *j);
void m_compare_tickets(struct model *m, bool all);

/* registry */
bool m_is_in_store(const struct m_object *o);
/* It goes: at once, or in steps. */
void m_remove(struct model *m, int object, bool in_steps);
/* Whether each removal has ended; else one that has not is named. */
bool m_removes_nothing(const struct model *m, char *what, size_t size);
/* What the turn did of the removals. */
void m_removals(struct model *m);
/* It is, or its company or agent is, being removed: it may not start. */
bool m_is_doomed(struct model *m, const struct m_job *j);
/* What the agent's profile says; NULL: it has none. */
const struct msg_profile *m_profile(struct model *m, int agent);
/* Its own handler or its profile's; empty: none. */
struct view m_agent_handler(struct model *m, int agent);

/* schedules that requests and agents make */
/* Whether a new one may be declared so; *company is its company. */
enum errc m_judge_schedule(struct model *m, const struct actor *a, const struct msg_schedule *s,
                           int *company);
enum errc m_schedule_add(struct model *m, const struct input *in, const struct msg_schedule *s,
                         const struct output *reply);
enum errc m_schedule_set(struct model *m, const struct input *in, const struct msg_schedule_set *q,
                         const struct output *reply);
enum errc m_schedule_pause(struct model *m, const struct input *in,
                           const struct msg_schedule_pause *q, bool pause,
                           const struct output *reply);
enum errc m_schedule_backfill(struct model *m, const struct input *in,
                              const struct msg_schedule_backfill *q, const struct output *reply);
enum errc m_schedule_run(struct model *m, const struct input *in, const struct msg_schedule_run *q,
                         const struct output *reply);
enum errc m_schedule_promote(struct model *m, const struct input *in, struct view name,
                             const struct output *reply);
enum errc m_schedule_remove(struct model *m, const struct input *in, struct view name,
                            const struct output *reply);
/* The one that was judged; made_by: the agent whose effect it is, else -1. */
void m_make_schedule(struct model *m, const struct msg_schedule *s, int company, int made_by);

/* routines */
/* Whether the schedule, if it is a routine, may make its tickets. */
enum errc m_judge_routine(struct model *m, const struct msg_schedule *d, int company, int agent);
/* The ticket of a firing of a routine, whose job this is. */
void      m_routine_fire(struct model *m, const struct msg_schedule *d, struct m_job *j);
enum errc m_routine_add(struct model *m, const struct input *in, const struct msg_routine_add *q,
                        const struct output *reply);

/* wakes */
/* The parent, root, depth and chain of a job that another causes. */
void      m_follow(const struct m_job *parent, struct m_job *j);
enum errc m_take_parent(struct model *m, const struct actor *a, uint64_t id, struct m_job *j);
bool      m_wake_is_valid(struct view effect);
/* Whether the chain that led to the job lets it wake an agent, and which. */
enum errc m_judge_chain(struct model *m, const struct m_job *from, struct view effect, int *to);
/* A job wakes an agent, or is refused.  The list of jobs may move. */
enum errc m_wake(struct model *m, const struct m_job *from, struct view effect);
int64_t   m_made_wakes(struct model *m, int agent); /* that have not started (B7) */
/* What a request wakes an agent by. */
struct m_call {
    int         agent; /* object */
    const char *trigger;
    int64_t     priority;
    struct view payload; /* empty: none */
};
/* Whether it may be made; *j is the job that it makes. */
enum errc m_judge_wake(struct model *m, const struct actor *a, const struct m_call *w,
                       struct m_job *j);
/* The job that was judged; the list of jobs may move. */
struct m_job *m_make_wake(struct model *m, const struct m_job *made);
enum errc     m_agent_wake(struct model *m, const struct input *in, const struct msg_agent_wake *w,
                           const struct output *reply);

/* what agents make */
bool m_is_inside(struct view effect); /* it acts in the commit itself */
bool m_inside_is_valid(struct view effect);
/* Does what the effect asks for, or refuses it. */
enum errc m_act(struct model *m, const struct m_job *from, struct view effect);
enum m_fate { M_DONE, M_REFUSED, M_ASKED };
/* Of an effect, with this id, of a job that completes. */
enum m_fate m_inside(struct model *m, const struct m_job *from, uint64_t id, struct view effect);
int64_t     m_made_schedules(const struct model *m, int agent); /* that are still there */

/* approvals */
bool    m_approval_holds(struct model *m, int agent, bool is_schedule);
int64_t m_asked(const struct model *m, int agent); /* what of its making waits for a person */
void    m_ask(struct model *m, const struct m_job *from, uint64_t effect, struct view request);
/* What a decision does to it and to its effect. */
void      m_approval_decided(struct model *m, struct m_approval *a, bool is_granted);
enum errc m_approval_decide(struct model *m, const struct input *in, uint64_t id, bool is_granted,
                            const struct output *reply);
void      m_compare_approvals(struct model *m, bool all);

#endif
