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

/* Of two instants. */
static inline int64_t
earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

struct now clock_now(void);
int64_t    clock_boot_us(void); /* CLOCK_BOOTTIME in microseconds, for lags */
/* Arm a timerfd of CLOCK_REALTIME or CLOCK_BOOTTIME for an instant; one beyond the year 2255 never
 * comes.  clock_arm_wall: false when the wall clock was set meanwhile; the timer is armed all the
 * same, and when the clock is set later, reading it fails with ECANCELED. */
bool clock_arm_wall(int timer_fd, int64_t wall_ms);
void clock_arm_boot(int timer_fd, int64_t boot_ms);
/* Readable when another than the kernel has set the clocks, as only a test's clock can (N29);
 * -1: there is none. */
int clock_changed_fd(void);
/* Whether the kernel says that the wall clock is synchronised (adjtimex; N27). */
bool clock_is_synchronised(void);

#endif
