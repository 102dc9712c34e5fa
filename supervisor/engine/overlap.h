/* overlap - what becomes of a nominal time while jobs of the schedule have not ended (C4).
 *
 * skip: it is suppressed.  queue_one: its job waits for the end of the one before; a second one
 * that would wait is suppressed.  allow: its job runs beside the others.  cancel_running: the
 * others are cancelled, and its job waits until their processes are gone.
 *
 * Whoever made the jobs, no two attempts of a schedule run at once unless it says allow: its jobs
 * have a lane of their own, which the dispatch holds while one of them runs (HELD_OVERLAP). */
#ifndef ENGINE_OVERLAP_H
#define ENGINE_OVERLAP_H

#include "supervisor/engine/turn.h"

/* overlap of a declaration is one of these, or not given: skip. */
enum errc overlap_check(const struct msg_schedule *s, struct err *e) MUST_CHECK;
/* What that means for a firing while a job of the schedule is in flight, as a clause. */
const char *overlap_meanwhile(const struct msg_schedule *s);
/* How many jobs of the schedule may run at once: 1 or NO_LIMIT. */
int64_t overlap_limit(struct objects *o, uint32_t schedule);

/* The first of its jobs that have not ended; false when there is none. */
bool overlap_first_job(struct txn *t, uint32_t schedule, struct job_state *j);
/* Whether a nominal time would make no job now. */
bool overlap_holds(const struct msg_schedule *s, const struct schedule *run);
/* Whether the nominal time of *f, which has come, makes no job now: then *f and the counts of *run
 * say so, and so many in a row become an alert.  The caller saves both rows. */
bool overlap_suppresses(struct engine *en, const struct object_entry *o, struct schedule *run,
                        struct firing *f);
/* With cancel_running: whether there are more jobs than one turn cancels. */
bool overlap_is_crowded(struct engine *en, const struct msg_schedule *s,
                        const struct schedule *run);
/* A job is about to be made for such a time: with cancel_running, those before it are cancelled, as
 * many as a turn may.  run is saved before and read anew after it. */
void overlap_make_room(struct engine *en, const struct msg_schedule *s, struct schedule *run);

#endif
