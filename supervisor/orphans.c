#include "supervisor/orphans.h"

#include "common/proc.h"
#include <signal.h>
#include <unistd.h>

#define CHILDREN_MAX 4096 /* looked at in one pass; the next one sees the rest */

size_t
orphans_kill(bool (*is_ours)(pid_t pid, void *arg), void *arg)
{
    pid_t  children[CHILDREN_MAX];
    size_t count = proc_children(getpid(), children, CHILDREN_MAX);
    size_t orphans = 0;

    for (size_t i = 0; i < count; i++) {
        if (is_ours(children[i], arg)) continue;
        (void)proc_kill_tree(children[i],
                             0); /* what it misses is a child of ours by the next pass */
        /* A child is ours until we reap it, so its pid names no other process. */
        (void)kill(children[i], SIGKILL);
        orphans++;
    }
    return orphans;
}

void
orphans_clear_evidence(const struct evidence *ev, uint32_t worker)
{
    evidence_clear(&ev->workers[worker]);
    for (size_t i = 0; i < SLOTS_MAX; i++) {
        if (ev->leases[i].pid != 0 && ev->leases[i].worker == worker) {
            evidence_clear(&ev->leases[i]);
        }
    }
}
