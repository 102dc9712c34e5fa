/* model_org - what the model's files share about goals, tickets, wake-ups and what agents make
 * (SPEC section B); a part of model.h. */
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
void      m_compare_goals(struct model *m, bool all);

/* tickets */
enum errc m_ticket_add(struct model *m, const struct input *in, const struct msg_ticket_add *q,
                       const struct output *reply);
enum errc m_ticket_assign(struct model *m, const struct input *in,
                          const struct msg_ticket_assign *q, const struct output *reply);
enum errc m_ticket_set(struct model *m, const struct input *in, const struct msg_ticket_set *q,
                       const struct output *reply);
/* A job that completes says what becomes of its ticket, or of the one that it names. */
enum errc m_ticket_by_effect(struct model *m, const struct m_job *from, struct view effect);
/* A job of the ticket has started. */
void m_ticket_started(struct model *m, const struct m_job *j);
void m_compare_tickets(struct model *m, bool all);

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
