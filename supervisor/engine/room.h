/* room - whether a job that is not made yet could start at once (C10); if not, what holds it and
 * when there is thought to be room. */
#ifndef ENGINE_ROOM_H
#define ENGINE_ROOM_H

#include "supervisor/engine/submit.h"

/* E_OK when the job of the submission would start in this turn.  E_CAPACITY_FULL with slot_eta_ms
 * where somebody knows it: when as many of the jobs that fill what holds it have ended as there are
 * too many, by the measured durations of their schedules, else by the ends of their leases.
 * E_STOPPED, E_DRAINING, E_WRONG_STATE (a pause) for what only a person ends. */
enum errc room_check(struct engine *en, const struct submission *s, struct err *e) MUST_CHECK;
/* E_CAPACITY_FULL while jobs of the schedule that have not ended bar another; slot_eta_ms only when
 * all of them run. */
enum errc room_check_overlap(struct engine *en, const struct schedule *run,
                             struct err *e) MUST_CHECK;

#endif
