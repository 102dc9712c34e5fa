/* shares - how many of the workers' deliveries one sink may have at a time, so that one that hangs
 * holds back no other (D4).
 *
 * A sink takes another delivery only while at least as many are free as it has: alone it gets a bit
 * more than half of them, and the next finds some.  One that was slow last time has one at a time,
 * and all that were slow have half of them together; so several that hang, each for the first time,
 * can have all there are, but not for longer than their time-outs.  Shares are counted from the
 * leases each time (N17).  What is barred waits in an index of its own (effect.held), out of the
 * way of other sinks' effects. */
#ifndef ENGINE_SHARES_H
#define ENGINE_SHARES_H

#include "supervisor/engine/fleet.h"

#define SLOW_MS                                                                       \
    10000 /* a delivery that takes so long is slow, as is one that takes its time-out \
           */

struct share {
    uint32_t sink, count;
};

struct shares {
    uint32_t     room; /* deliveries that the workers that are up make at a time … */
    uint32_t     free; /* … of which so many are free */
    uint32_t     slow; /* are under way to sinks that were slow */
    uint32_t     sink_count;
    struct share sinks[WORKERS_MAX * DELIVERIES_MAX];
};

enum share_bar {
    SHARE_LEFT,  /* the sink may have another one */
    SHARE_TAKEN, /* it has more than are free */
    SHARE_SLOW,  /* it was slow, and has one */
    SHARE_HALF   /* it was slow, and those that were have half of the room */
};

void           shares_count(const struct memory *m, struct shares *s);
uint32_t       shares_of(const struct shares *s, uint32_t sink); /* deliveries that it has */
enum share_bar shares_bar(const struct memory *m, const struct shares *s, uint32_t sink);
/* A delivery is over that took so long.  SLOW_SINKS_MAX are remembered, the latest. */
void shares_judge(struct memory *m, uint32_t sink, int64_t took_ms, int64_t timeout_ms);

#endif
