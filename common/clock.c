#include "common/clock.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <time.h>

/* A timer that is never due still has to be armed, else nobody hears of a clock that is set; this
 * is the year 2255, within the kernel's range. */
#define FAR_MS 9000000000000LL

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

static struct itimerspec
at(int64_t ms)
{
    struct itimerspec spec = {0};

    if (ms > FAR_MS) ms = FAR_MS;
    if (ms < 1) ms = 1; /* 0 would disarm */
    spec.it_value = (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    return spec;
}

bool
clock_arm_wall(int timer_fd, int64_t wall_ms)
{
    struct itimerspec spec = at(wall_ms);
    int rc = timerfd_settime(timer_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec, NULL);

    assert(rc == 0 || errno == ECANCELED);
    return rc == 0;
}

void
clock_arm_boot(int timer_fd, int64_t boot_ms)
{
    struct itimerspec spec = at(boot_ms);
    int               rc = timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);

    assert(rc == 0);
}

int
clock_changed_fd(void)
{
    return -1;
}

bool
clock_is_synchronised(void)
{
    struct timex t = {.modes = 0};
    int          state = adjtimex(&t);

    return state >= 0 && state != TIME_ERROR && !(t.status & STA_UNSYNC);
}
