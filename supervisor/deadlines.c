#include "supervisor/deadlines.h"

#include "common/clock.h"
#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* A step between reading and arming is told by ECANCELED here; the timer is armed all the same. */
static void
arm_wall(struct deadlines *d)
{
    if (!clock_arm_wall(d->wall.fd, d->wall_ms)) d->is_clock_changed = true;
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

/* Both timers stand by the clocks as they were. */
static void
on_changed(void *arg)
{
    struct deadlines *d = arg;
    uint64_t          count;

    (void)!read(d->changed.fd, &count, sizeof(count)); /* only that it woke us counts */
    d->is_clock_changed = true;
    arm_wall(d);
    clock_arm_boot(d->boot.fd, d->boot_ms);
}

enum errc
deadlines_open(struct deadlines *d, struct poller *p, struct err *e)
{
    int wall = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    int boot = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    int changed = clock_changed_fd();

    *d = (struct deadlines){{.fd = -1}, {.fd = -1}, {.fd = -1}, NEVER, NEVER, false};
    if (wall < 0 || boot < 0) return err_errno(e, "timerfd");
    if (poller_watch(p, &d->wall, wall, on_wall, d, e)) return e->code;
    if (poller_watch(p, &d->boot, boot, on_boot, d, e)) return e->code;
    if (changed >= 0 && poller_watch(p, &d->changed, changed, on_changed, d, e)) return e->code;
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
    close_watched(&d->changed, p);
}

void
deadlines_arm(struct deadlines *d, int64_t wall_ms, int64_t boot_ms)
{
    if (wall_ms != d->wall_ms) {
        d->wall_ms = wall_ms;
        arm_wall(d);
    }
    if (boot_ms != d->boot_ms) {
        d->boot_ms = boot_ms;
        clock_arm_boot(d->boot.fd, boot_ms);
    }
}

bool
deadlines_take_clock_change(struct deadlines *d)
{
    bool is_changed = d->is_clock_changed;

    d->is_clock_changed = false;
    return is_changed;
}
