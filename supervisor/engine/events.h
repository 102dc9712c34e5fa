/* events - what happens in a session, and is processed in order, one after the other (D1, N21).
 *
 *   append ──▶ waiting ──▶ head: a job of the session ──completed──▶ processed
 *                 │                │                  ╰─otherwise──▶ dead (given up)
 *                 ╰────────────────┴──cancelled─────────────────────▶ void
 *
 * A session has at most one unfinished job, for its head event: made in the transaction that
 * appends the event, or that ends the one before.  Consuming an event, the checkpoint and the
 * effects are one transaction (D2).  When an event is given up the session goes on with the next,
 * or, as sessions.on_failure says, is held until an operator resumes it. */
#ifndef ENGINE_EVENTS_H
#define ENGINE_EVENTS_H

#include "supervisor/engine/sessions.h"
#include "supervisor/engine/turn.h"

#define EVENT_MESSAGE "user_message" /* the types that agentd itself knows */
#define EVENT_TIMER   "timer"
#define EVENT_JOB     "job"

/* Where an event comes from. */
struct event_origin {
    struct view actor;        /* "kind:id" */
    uint64_t    parent, root; /* job that caused it, and its chain's root (A15); 0: it begins one */
    uint32_t    depth;        /* of its job in that chain … */
    struct view chain;        /* … and the agents on it, as a job_spec has them */
    struct view timer;        /* of a timer: its timer_id */
    uint64_t    copy_of;      /* sent again: number of the dead event; 0: it is none */
};

/* Whether the session, in which `waiting` events wait, takes one more by a request: E_QUEUE_FULL.
 * Timers' events are appended all the same. */
enum errc event_admit(struct engine *en, struct view session, uint64_t waiting,
                      struct err *e) MUST_CHECK;
/* Appends an event that has passed its checks to a session that is not closed; payload: packed,
 * copied.  When nothing is under way in the session its job is made. */
void event_append(struct engine *en, struct session *s, struct view type, struct view payload,
                  const struct event_origin *from, uint64_t *seq);
/* Cancels an event that is not yet processed (N23): it keeps its number.  False, and nothing
 * changed, when it is processed, given up, or its job runs. */
bool session_void_event(struct engine *en, struct session *s, uint64_t seq);

/* A held session goes on: with the event that holds it, or behind it. */
void session_resume(struct engine *en, struct session *s, bool skip);
/* Everything up to this event is done with: processed, dead or void. */
void session_settle(struct engine *en, struct session *s, uint64_t seq);

/* The event that the completed job of the session processed is consumed, with the checkpoint
 * (empty: the old one stands); before the effects are judged, for a person's message resets what
 * the policy gates count.  Returns the checkpoint's number. */
uint64_t event_consume(struct engine *en, const struct job_state *j, struct view checkpoint);
/* An event's job has reached an end state: the session's next event will be taken. */
void session_job_over(struct engine *en, const struct job_state *j);
/* Takes the next events of those sessions: before the dispatch, and as the turn ends.  Returns
 * whether there were any. */
bool sessions_advance(struct engine *en);

/* The event's payload. */
enum load event_payload(struct txn *t, const struct event *ev, struct view *out) MUST_CHECK;

#endif
