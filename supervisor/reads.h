/* reads - requests that only look: served after the turn from the snapshot of its commit (N8).
 *
 * job.wait and feed.read may wait: they are parked until their job ends, the feed grows, or their
 * time is over, and then asked anew. */
#ifndef SUPERVISOR_READS_H
#define SUPERVISOR_READS_H

#include "supervisor/control.h"
#include "supervisor/parked.h"

struct reads {
    struct store   *store;
    struct engine  *engine;
    struct control *control;
    struct parked   parked;
    uint64_t        feed_seq; /* as of the last look at the feed's readers */
    struct buf      reply;
};

void reads_init(struct reads *r, struct store *store, struct engine *engine,
                struct control *control);
void reads_done(struct reads *r);

/* Replies, or parks. */
void reads_serve(struct reads *r, struct asked *a, const struct now *now);
/* Asks anew those that waited for this job. */
void reads_on_job_ended(struct reads *r, uint64_t job, const struct now *now);
/* Once a turn, after the commit: asks anew whose feed has grown or whose wait is over. */
void reads_after_turn(struct reads *r, const struct now *now);
/* Answers all that wait with what there is: the daemon stops. */
void    reads_end_waits(struct reads *r, const struct now *now);
int64_t reads_deadline(const struct reads *r); /* boot ms */
size_t  reads_waiting(const struct reads *r);

#endif
