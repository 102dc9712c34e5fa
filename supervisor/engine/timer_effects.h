/* timer_effects - timers that the agent of a session sets and cancels by its effects (D4, B7).
 *
 * They act in the transaction that completes its job.  A timer's event continues the chain of
 * causes of that job; what bounds it is not the chain's depth (N24), but how soon it may fire, how
 * many are pending, and that somebody answers. */
#ifndef ENGINE_TIMER_EFFECTS_H
#define ENGINE_TIMER_EFFECTS_H

#include "supervisor/engine/turn.h"

/* What can be said of a schedule_timer or a cancel_timer without looking at the store. */
enum errc timer_effect_check(enum effect_kind kind, struct view effect, struct err *e) MUST_CHECK;
/* Does what was asked by an effect of the job; *receipt says what came of it.  A refused one
 * changes nothing. */
enum errc timer_effect_apply(struct engine *en, const struct job_spec *from, enum effect_kind kind,
                             struct view effect, struct view *receipt, struct err *e) MUST_CHECK;

#endif
