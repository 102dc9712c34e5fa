/* timers - durable timers of sessions: when one is due, its event is appended (D3).
 *
 *   set ──▶ pending ──due──▶ promoted: the event is appended in the same transaction
 *              ╰──cancelled──▶ cancelled ◀── its event is void, if not yet processed (N23)
 *
 * (session, timer_id) is unique: set again, it has a new time and payload and is pending.  Those
 * that are due are promoted in the order of their times.  While sessions.enabled is false, or the
 * wall clock is held (N27), they stay pending. */
#ifndef ENGINE_TIMERS_H
#define ENGINE_TIMERS_H

#include "supervisor/engine/turn.h"

#define TIMER_ID_MAX      128
#define TIMERS_CANCEL_MAX 1000 /* that a request for all of them cancels */

/* A timer as it is to be. */
struct timer_order {
    struct view timer, payload; /* its timer_id; of its event, packed, empty for none */
    int64_t     fire_at;
    struct view actor;        /* "kind:id" */
    uint64_t    parent, root; /* the job that sets it, and its chain's root; 0: none */
};

/* What can be said of an order without looking at the store: E_TOO_LARGE. */
enum errc timer_check(const struct timer_order *o, struct err *e) MUST_CHECK;
/* Whether the session (NULL: one that is yet to be made) takes the timer: E_CAPACITY_FULL when as
 * many as sessions.timers_max are pending. */
enum errc timer_admit(struct engine *en, const struct session *s, struct view timer,
                      struct err *e) MUST_CHECK;
/* Sets what has passed both; *out: its row.  One whose time has passed is promoted by the next
 * timers_due. */
void timer_set(struct engine *en, struct session *s, const struct timer_order *o,
               struct session_timer *out);
/* Cancels a pending timer, or one whose event is not yet processed; false, and nothing changed,
 * when it is neither. */
bool timer_cancel(struct engine *en, struct session *s, struct view timer);
/* Cancels pending timers of the session, the soonest first, at most `max`; returns how many. */
uint32_t timers_cancel(struct engine *en, struct session *s, uint32_t max);

/* The record of a timer of this session was damaged, and is gone: what is pending is counted anew.
 */
void timers_recount(struct engine *en, uint32_t session);

/* Promotes what is due, at most `max` and what the turn may still do. */
void timers_due(struct engine *en, uint32_t max);
/* When the first is due; INT64_MAX while none may be promoted. */
int64_t timers_deadline(struct engine *en);

/* The timer's payload; of one that was promoted, its event has it. */
enum load         timer_payload(struct txn *t, const struct session_timer *row,
                                struct view *out) MUST_CHECK;
const char       *timer_status_name(enum timer_status s);
enum timer_status timer_status_from(struct view name); /* TIMER_NONE for an unknown one */

#endif
