/* reasons - what held jobs, kept (A10): a row whenever what holds a lane changes, and under lane 0
 * what held everything, so that `why` can say tomorrow why a job started late today. */
#ifndef ENGINE_REASONS_H
#define ENGINE_REASONS_H

#include "supervisor/engine/turn.h"

/* The lane is held by its row's (blocked_by, blocked_on) from now on. */
void reason_lane(struct engine *en, const struct lane *row);
/* All lanes are held by this predicate from now on, 0: by nothing; at most one row a second. */
void reason_all(struct engine *en, uint8_t predicate);
void reasons_at_boot(struct engine *en);

/* How long the predicate held the lane between the two instants; of its newest rows. */
int64_t reasons_held_ms(struct txn *t, uint32_t lane, uint8_t predicate, int64_t from,
                        int64_t until);

/* A list of {at, until_at, predicate, message}: what held the job from when it became ready until
 * its start, its end, or now. */
void reasons_put(struct objects *o, const struct job_state *j, int64_t now_ms, struct buf *b);

#endif
