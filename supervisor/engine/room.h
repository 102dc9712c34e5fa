/* room - whether a job that is not made yet could start at once (C10); if not, what holds it and
 * when there is thought to be room. */
#ifndef ENGINE_ROOM_H
#define ENGINE_ROOM_H

#include "supervisor/engine/submit.h"

/* When a running job is thought to end, as wall time: its schedule's jobs take as long as they did
 * on average; one without a measure, or that takes longer, has its lease, and one that is being
 * stopped the grace of it.  Counted by the boot clock, as leases are (N26). */
int64_t room_thought_end(struct objects *o, const struct memory *m, const struct now *now,
                         const struct job_state *j);

/* E_OK when the job of the submission, a firing of the schedule, would start in this turn.
 * E_CAPACITY_FULL with slot_eta_ms where somebody knows it: when as many of the jobs that fill what
 * holds it have ended as there are too many.  E_STOPPED, E_DRAINING, E_WRONG_STATE (a pause),
 * before all else, for what only a person ends. */
enum errc room_check(struct engine *en, const struct submission *s, const struct schedule *run,
                     struct err *e) MUST_CHECK;

#endif
