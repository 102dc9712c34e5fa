/* breakers - what guards a credential that is limited or refused (A16).
 *
 * A job that ends as rate_limited or auth_failed opens the breaker of its handler's credential: the
 * job comes back at once, not counted as a failure, and the lanes of that credential are held until
 * open_until.  Then it is half open: one job at most runs as its probe; a success closes it, the
 * same classes open it again with a longer delay, any other end leaves it half open.
 *
 * A row's id is that of a handler without a declared credential, or one of its own. */
#ifndef ENGINE_BREAKERS_H
#define ENGINE_BREAKERS_H

#include "supervisor/engine/failure.h"
#include "supervisor/engine/reads.h"
#include "supervisor/engine/turn.h"

/* The id under which the handler's breaker is, or would be; 0 for a credential that never had one.
 */
uint32_t breaker_of(struct objects *o, uint32_t handler);
/* Its row; false when it is closed and was never opened (then *b is a closed one). */
bool breaker_get(struct txn *t, uint32_t id, struct breaker *b);
/* Whether the running job tries the half-open breaker: what started before is not waited for. */
bool breaker_is_tried_by(struct objects *o, const struct breaker *b, const struct job_state *j);
/* The credential's or the handler's name; empty for a handler that is gone. */
struct view breaker_name(struct objects *o, const struct breaker *b);

/* An attempt of the job ended so; after_ms: what the provider asked for, -1: nothing. */
void breaker_failed(struct engine *en, const struct job_state *j, int64_t after_ms);
void breaker_succeeded(struct engine *en, const struct job_state *j);
/* A running job of the handler is over: the next probe may start. */
void breaker_released(struct engine *en, uint32_t handler);

/* Counts those that are open; once, before the first turn of a run. */
void breakers_at_boot(struct engine *en);
/* Due work: those whose time has come are half open; the first such time. */
void    breakers_due(struct engine *en);
int64_t breakers_deadline(struct engine *en);

/* The wall clock went back by so much: those that are open stay so no longer than they would have.
 */
void breakers_replan(struct engine *en, int64_t back_ms);
/* Handlers were declared anew: jobs that wait at a breaker go to that of their handler's credential
 * of now, and breakers that no handler has any more are gone. */
void breakers_declared(struct engine *en);

/* Lines for the warnings of status, one for each that is not closed and that the actor sees. */
void breakers_warn(struct txn *t, const struct actor *a, struct buf *lines);

enum errc on_breaker_reset(struct engine *en, const struct actor *a,
                           const struct msg_breaker_reset *m, struct buf *reply,
                           struct err *e) MUST_CHECK;
enum errc read_breaker_list(struct reading *r, const struct msg_breaker_list *m) MUST_CHECK;

#endif
