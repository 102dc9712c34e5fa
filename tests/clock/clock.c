/* The clock module for tests (N29): both clocks, moved by offsets in a mapped file.
 *
 * Linked instead of common/clock.c.  AGENTD_TEST_CLOCK names the file (struct clock_offsets),
 * AGENTD_TEST_CLOCK_EVENT the inherited eventfd that tells agentd that they have changed; without
 * them, or in a process that has no such descriptor, it is the machine's clock.  The machine's
 * clock is taken as synchronised. */
#include "common/clock.h"

#include "tests/clock/offsets.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define FAR_MS 9000000000000LL /* the year 2255 */

static const struct clock_offsets none;

static const struct clock_offsets *
offsets(void)
{
    static const struct clock_offsets *mapped;
    const char                        *path = getenv("AGENTD_TEST_CLOCK");

    if (mapped) return mapped;
    mapped = &none;
    if (!path) return mapped;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert(fd >= 0);
    void *p = mmap(NULL, sizeof(*mapped), PROT_READ, MAP_SHARED, fd, 0);
    assert(p != MAP_FAILED);
    (void)close(fd);
    return mapped = p;
}

static int64_t
read_us(clockid_t clock, const _Atomic int64_t *offset_ms)
{
    struct timespec t;
    int             rc = clock_gettime(clock, &t);

    assert(rc == 0);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 + *offset_ms * 1000;
}

struct now
clock_now(void)
{
    return (struct now){
        .wall_ms = read_us(CLOCK_REALTIME, &offsets()->wall_ms) / 1000,
        .boot_ms = read_us(CLOCK_BOOTTIME, &offsets()->boot_ms) / 1000,
    };
}

int64_t
clock_boot_us(void)
{
    return read_us(CLOCK_BOOTTIME, &offsets()->boot_ms);
}

static struct itimerspec
at(int64_t ms, int64_t offset_ms)
{
    struct itimerspec spec = {0};

    if (ms > FAR_MS) ms = FAR_MS;
    ms -= offset_ms;
    if (ms < 1) ms = 1; /* 0 would disarm */
    spec.it_value = (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    return spec;
}

bool
clock_arm_wall(int timer_fd, int64_t wall_ms)
{
    struct itimerspec spec = at(wall_ms, offsets()->wall_ms);
    int rc = timerfd_settime(timer_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec, NULL);

    assert(rc == 0 || errno == ECANCELED);
    return rc == 0;
}

void
clock_arm_boot(int timer_fd, int64_t boot_ms)
{
    struct itimerspec spec = at(boot_ms, offsets()->boot_ms);
    int               rc = timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);

    assert(rc == 0);
}

int
clock_changed_fd(void)
{
    const char *fd = getenv("AGENTD_TEST_CLOCK_EVENT");

    return fd ? atoi(fd) : -1;
}

bool
clock_is_synchronised(void)
{
    return !offsets()->is_unsynchronised;
}
