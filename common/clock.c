#include "common/clock.h"

#include <assert.h>
#include <sys/timex.h>
#include <time.h>

static int64_t
read_us(clockid_t clock)
{
    struct timespec t;
    int             rc = clock_gettime(clock, &t);

    assert(rc == 0);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

struct now
clock_now(void)
{
    return (struct now){
        .wall_ms = read_us(CLOCK_REALTIME) / 1000,
        .boot_ms = read_us(CLOCK_BOOTTIME) / 1000,
    };
}

int64_t
clock_boot_us(void)
{
    return read_us(CLOCK_BOOTTIME);
}

bool
clock_is_synchronised(void)
{
    struct timex t = {.modes = 0};
    int          state = adjtimex(&t);

    return state >= 0 && state != TIME_ERROR && !(t.status & STA_UNSYNC);
}
