/* schedules - when declared schedules fire, and what becomes of each nominal time (C1–C4).
 *
 * A schedule's cursor is the last nominal time that was decided; it moves only in the transaction
 * that writes the firing row of that time, keyed by (schedule, nominal time), so no time can fire
 * twice.  Which time is next says plan.h, which ones do not fire misfire.h. */
#ifndef ENGINE_SCHEDULES_H
#define ENGINE_SCHEDULES_H

#include "supervisor/engine/turn.h"

/* What a declaration must fulfil beyond its fields: times (see nominal_check and timing_check),
 * references that exist. Fills the ids. */
struct schedule_refs {
    uint32_t company, agent, handler;
};
enum errc schedule_check(struct engine *en, const struct actor *a, const struct msg_schedule *s,
                         struct schedule_refs *refs, struct err *e) MUST_CHECK;
/* The same without what its routine and its gate refer to. */
enum errc schedule_find_refs(struct engine *en, const struct actor *a, const struct msg_schedule *s,
                             struct schedule_refs *refs, struct err *e) MUST_CHECK;

/* Only the company, the agent and the handler; *refs has what was found before an error. */
enum errc schedule_find_objects(struct objects *o, const struct actor *a,
                                const struct msg_schedule *s, struct schedule_refs *refs,
                                struct err *e) MUST_CHECK;

/* Due work: nominal times that have come. */
void            schedules_due(struct engine *en);
struct deadline schedules_deadline(struct engine *en);
/* Jobs in flight: fire() counts a new one, this one that had ended and is to run again. */
void schedule_job_again(struct engine *en, uint32_t id);
/* One has ended: of each, once, by what judges it (streaks.h, gates.h), which saves the row. */
void schedule_job_over(struct schedule *run);

#endif
