/* timer_ops - requests that change timers. */
#ifndef ENGINE_TIMER_OPS_H
#define ENGINE_TIMER_OPS_H

#include "supervisor/engine/turn.h"

/* Sets it anew, in a session that is made when it is not there; errors as timer_check() and
 * timer_admit(). */
enum errc on_timer_set(struct engine *en, const struct actor *a, const struct msg_timer_set *m,
                       struct buf *reply, struct err *e) MUST_CHECK;
/* One (E_NOT_FOUND when there is no such timer), or all that are pending, TIMERS_CANCEL_MAX at a
 * time: the reply says how many, and how many are left. */
enum errc on_timer_cancel(struct engine *en, const struct actor *a,
                          const struct msg_timer_cancel *m, struct buf *reply,
                          struct err *e) MUST_CHECK;

#endif
