/* deadlines - the two timers that the loop sleeps on: one of the wall clock, one of boot time.
 *
 * The wall timer also tells when the wall clock was set (PITFALLS 1.5): then everything that is due
 * by it must be planned again. */
#ifndef SUPERVISOR_DEADLINES_H
#define SUPERVISOR_DEADLINES_H

#include "common/err.h"
#include "supervisor/poller.h"
#include <stdbool.h>
#include <stdint.h>

#define NEVER INT64_MAX

struct deadlines {
    struct watch wall;
    struct watch boot;
    struct watch changed; /* of a test's clock */
    int64_t      wall_ms; /* as armed */
    int64_t      boot_ms;
    bool         is_clock_changed;
};

enum errc deadlines_open(struct deadlines *d, struct poller *p, struct err *e) MUST_CHECK;
void      deadlines_close(struct deadlines *d, struct poller *p);
/* Both absolute; NEVER for none.  Costs nothing when they stand so already. */
void deadlines_arm(struct deadlines *d, int64_t wall_ms, int64_t boot_ms);
/* Whether the wall clock was set since the last call. */
bool deadlines_take_clock_change(struct deadlines *d);

#endif
