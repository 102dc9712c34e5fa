/* clock - the two clocks, in one place.
 *
 * Wall time (Unix ms) says when things are due; boot time (ms since boot, suspend included)
 * measures leases, heartbeats and time-outs.  The engine never asks: the shell puts both into every
 * input. */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct now {
    int64_t wall_ms;
    int64_t boot_ms;
};

struct now clock_now(void);
int64_t    clock_boot_us(void); /* CLOCK_BOOTTIME in microseconds, for lags */
/* Whether the kernel says that the wall clock is synchronised (adjtimex; N27). */
bool clock_is_synchronised(void);

#endif
