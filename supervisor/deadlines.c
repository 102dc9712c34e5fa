#include "supervisor/deadlines.h"

#include <assert.h>
#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* A timer that is never due still has to be armed, else nobody hears of a clock that is set; this
 * is the year 2255, within the kernel's range. */
#define FAR_MS 9000000000000LL

static struct itimerspec
at(int64_t ms)
{
    struct itimerspec spec = {0};

    if (ms > FAR_MS) ms = FAR_MS;
    if (ms < 1) ms = 1; /* 0 would disarm */
    spec.it_value = (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    return spec;
}

/* A step between reading and arming is told by ECANCELED here; the timer is armed all the same. */
static void
arm_wall(struct deadlines *d)
{
    struct itimerspec spec = at(d->wall_ms);
    int               flags = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;

    if (timerfd_settime(d->wall.fd, flags, &spec, NULL)) {
        assert(errno == ECANCELED);
        d->is_clock_changed = true;
    }
}

/* ECANCELED and an empty read both say that the clock was set. */
static void
on_wall(void *arg)
{
    struct deadlines *d = arg;
    uint64_t          count;

    if (read(d->wall.fd, &count, sizeof(count)) != sizeof(count) && errno != EAGAIN) {
        d->is_clock_changed = true;
    }
    d->wall_ms = NEVER;
    arm_wall(d);
}

static void
on_boot(void *arg)
{
    struct deadlines *d = arg;
    uint64_t          count;

    (void)!read(d->boot.fd, &count, sizeof(count)); /* only that it woke us counts */
    d->boot_ms = NEVER;
}

enum errc
deadlines_open(struct deadlines *d, struct poller *p, struct err *e)
{
    int wall = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    int boot = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);

    *d = (struct deadlines){{.fd = -1}, {.fd = -1}, NEVER, NEVER, false};
    if (wall < 0 || boot < 0) return err_errno(e, "timerfd");
    if (poller_watch(p, &d->wall, wall, on_wall, d, e)) return e->code;
    if (poller_watch(p, &d->boot, boot, on_boot, d, e)) return e->code;
    arm_wall(d);
    return E_OK;
}

static void
close_watched(struct watch *w, struct poller *p)
{
    int fd = w->fd;

    poller_unwatch(p, w);
    if (fd >= 0) (void)close(fd);
}

void
deadlines_close(struct deadlines *d, struct poller *p)
{
    close_watched(&d->wall, p);
    close_watched(&d->boot, p);
}

void
deadlines_arm(struct deadlines *d, int64_t wall_ms, int64_t boot_ms)
{
    if (wall_ms != d->wall_ms) {
        d->wall_ms = wall_ms;
        arm_wall(d);
    }
    if (boot_ms != d->boot_ms) {
        struct itimerspec spec = at(boot_ms);

        d->boot_ms = boot_ms;
        int rc = timerfd_settime(d->boot.fd, TFD_TIMER_ABSTIME, &spec, NULL);
        assert(rc == 0);
    }
}

bool
deadlines_take_clock_change(struct deadlines *d)
{
    bool is_changed = d->is_clock_changed;

    d->is_clock_changed = false;
    return is_changed;
}
