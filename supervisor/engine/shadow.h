/* shadow - schedules whose firings run for real while their effects are kept as suppressed (C5).
 *
 * A schedule declared with `shadow` is in the shadow until it is promoted: by an operator, or by
 * itself after `shadow_runs` firings in a row completed.  A failed one begins the row anew; one
 * that was cancelled, that was not started in time, or whose gate said no leaves it as it is. Saved
 * again with `shadow` it is in the shadow again: what was changed has yet to prove itself.
 * Checkpoints, usage and a routine's tickets are not effects: they are as ever. */
#ifndef ENGINE_SHADOW_H
#define ENGINE_SHADOW_H

#include "supervisor/engine/turn.h"

/* What a declaration says of it; fails with the field that is wrong. */
enum errc shadow_check(const struct msg_schedule *s, struct err *e) MUST_CHECK;
/* The declaration was saved: where its running row begins.  The caller saves the row. */
void shadow_begin(struct schedule *run);
/* Whether what it was declared with and its running row keep it there. */
bool shadow_is_in(const struct msg_schedule *s, const struct schedule *run);
/* Whether the effects of its jobs are suppressed; of schedule 0, or one that is gone, they are not.
 */
bool shadow_suppresses(struct engine *en, uint32_t schedule);
/* A job of a schedule has ended. */
void shadow_job_ended(struct engine *en, const struct job_state *j);
/* Takes one that is in the shadow out of it, and tells the watchers why.  The caller saves the row.
 */
void shadow_promote(struct engine *en, struct schedule *run, const char *reason);

#endif
