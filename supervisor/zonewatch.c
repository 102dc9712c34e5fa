#include "supervisor/zonewatch.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/tzfile.h"
#include "supervisor/zones.h"
#include <fts.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define CHANGES (IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO)

/* Something has changed: they are read once it has been quiet. */
static void
on_change(void *arg)
{
    struct zonewatch *z = arg;
    char              events[4096];

    while (read(z->changes.fd, events, sizeof(events)) > 0) {
    }
    clock_arm_boot(z->settled.fd, clock_now().boot_ms + ZONEWATCH_SETTLE_MS);
}

static void
on_settled(void *arg)
{
    struct zonewatch *z = arg;
    struct err        e;
    uint64_t          count;

    (void)!read(z->settled.fd, &count, sizeof(count)); /* only that it woke us counts */
    log_info("the system's time zones have changed", "folder=%s", tzfile_folder());
    if (zones_push_known(z->inputs, z->store, &e)) {
        log_warn("they cannot be read again", "error=%s", log_quote(e.msg));
    }
}

/* Each folder below that of the zones; what cannot be watched is not. */
static void
watch_folders(int fd)
{
    char *const roots[] = {(char *)tzfile_folder(), NULL};
    FTS        *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
    FTSENT     *entry;

    if (!tree) return;
    while ((entry = fts_read(tree))) {
        if (entry->fts_info == FTS_D) (void)inotify_add_watch(fd, entry->fts_path, CHANGES);
    }
    (void)fts_close(tree);
}

enum errc
zonewatch_open(struct zonewatch *z, struct poller *p, struct inputs *q, struct store *store,
               struct err *e)
{
    int changes = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    int settled = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);

    *z = (struct zonewatch){.changes.fd = -1, .settled.fd = -1, .inputs = q, .store = store};
    if (changes < 0 || settled < 0) return err_errno(e, "inotify");
    watch_folders(changes);
    if (poller_watch(p, &z->changes, changes, on_change, z, e)) return e->code;
    return poller_watch(p, &z->settled, settled, on_settled, z, e);
}

void
zonewatch_close(struct zonewatch *z, struct poller *p)
{
    int fds[] = {z->changes.fd, z->settled.fd};

    poller_unwatch(p, &z->changes);
    poller_unwatch(p, &z->settled);
    for (int i = 0; i < 2; i++) {
        if (fds[i] >= 0) (void)close(fds[i]);
    }
}
