/* inside - effects that act within agentd itself (B7): wake_agent, add_schedule, ticket,
 * schedule_timer, cancel_timer.
 *
 * They act in the transaction that completes the job, so they happen exactly as often as the job
 * completes: once.  Each leaves an effect row: delivered, or rejected with the reason.  Those that
 * wait for a person's word (approvals.h) leave their effect row when they are decided. */
#ifndef ENGINE_INSIDE_H
#define ENGINE_INSIDE_H

#include "supervisor/engine/turn.h"

/* The kind of an effect that acts inside, EFFECT_NONE for others. */
enum effect_kind inside_kind(struct view name);
/* What can be said of such an effect without looking at the store. */
enum errc inside_check(struct view effect, struct err *e) MUST_CHECK;
/* An effect of the job that is being completed: done, rejected, or put before a person. */
void inside_commit(struct engine *en, const struct effect *ef, struct view effect,
                   uint32_t ordinal);
/* Does what was asked; a refused one changes nothing. */
enum errc inside_apply(struct engine *en, const struct job_spec *from, enum effect_kind kind,
                       struct view effect, struct err *e) MUST_CHECK;
/* The spec of the job whose effect it is; of one that was purged, what is still known. */
void inside_source(struct engine *en, uint64_t job, uint32_t company, uint32_t agent,
                   struct job_spec *from);

#endif
