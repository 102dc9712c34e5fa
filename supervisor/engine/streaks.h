/* streaks - how many firings of a schedule failed in a row (C8).
 *
 * A streak counts firings that ended, not attempts, by the table of classes (failure.h).  A firing
 * that a breaker holds has not ended: it counts, at each nominal time that finds it waiting, once
 * the breaker has been open for a whole firing interval (A6). */
#ifndef ENGINE_STREAKS_H
#define ENGINE_STREAKS_H

#include "supervisor/engine/turn.h"

/* A job that a schedule made has ended. */
void streak_job_ended(struct engine *en, const struct job_state *j);
/* A nominal time of the schedule found its last job not ended; before_at: the nominal time before
 * it.  Changes run, which the caller saves. */
void streak_job_waits(struct engine *en, struct schedule *run, int64_t before_at);

#endif
