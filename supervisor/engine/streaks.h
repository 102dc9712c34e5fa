/* streaks - how many firings of a schedule failed in a row, and what comes of it (C8, C9, C15).
 *
 * A streak counts firings that ended, not attempts, by the table of classes (failure.h): generic
 * failures and breaches of the limit of turns have one each, of which a failure lengthens its own
 * and resets the other; a success resets both.  At limits.failure_pause and limits.breach_pause an
 * active schedule is paused, whoever made the firing: by its times, by hand, for the past.  A
 * firing counts at its first end: that it is retried by hand and fails again is no second one.
 *
 * A breach soon after the limit was set is logged and leaves all as it was.
 *
 * A firing that a breaker holds has not ended: it counts, at each nominal time that finds it
 * waiting, once the breaker has been open for a whole firing interval (A6). */
#ifndef ENGINE_STREAKS_H
#define ENGINE_STREAKS_H

#include "supervisor/engine/turn.h"

#define DRIFT_RUNS 3 /* so many runs in a row near the end of their lease are a drift */

/* A job that a schedule made has ended: it is in flight no more, and its firing is judged. */
void streak_job_ended(struct engine *en, const struct job_state *j);
/* A nominal time of the schedule found its last job not ended; before_at: the nominal time before
 * it.  Changes run, which the caller saves. */
void streak_job_waits(struct engine *en, struct schedule *run, int64_t before_at);

/* The limit of turns that its firings have from now on, by whatever declares it; one that differs
 * from the last is set now.  Changes run, which the caller saves. */
void streak_turn_limit(struct engine *en, struct schedule *run, int64_t max_turns);

/* Whether n has come to the limit, which may be NO_LIMIT. */
bool streak_reaches(uint32_t n, int64_t limit);
/* What the breaches of its limit of turns say, and its long runs: a clause with advice. */
void streak_put_breaches(struct objects *o, const struct limits *l, const struct schedule *run,
                         struct buf *b);
void streak_put_drift(const struct schedule *run, struct buf *b);

#endif
