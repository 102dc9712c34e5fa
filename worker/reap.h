/* reap - who of our descendants has died, and when a lease's whole tree is gone (N1, N31).
 *
 * We are a subreaper: whatever of a tree loses its parent becomes our child.  Such an orphan
 * belongs to the lease whose process group it is in, else to the one named by AGENTD_LEASE in its
 * environment.  It is KILLed when that lease's main process is gone, and at once when it belongs to
 * no lease that we run.  One whose environment says nothing (cleared, or just then being replaced
 * by an exec) is looked at once more after UNKNOWN_GRACE_MS if other handlers run, then KILLed;
 * until it is gone no lease ends that it could have come from, that is, none that began before it
 * was first seen.
 *
 * All waiting is for SIGCHLD: what a tree has left is a child of ours, or below one. */
#ifndef WORKER_REAP_H
#define WORKER_REAP_H

#include "worker/slots.h"

#define UNKNOWN_GRACE_MS 50

struct orphan {
    pid_t         pid;
    struct lease *owner;      /* NULL: unknown */
    uint64_t      seen;       /* slots.order when it was first seen */
    int64_t       kill_at_ms; /* of an unknown one */
    bool          is_killed;
};

struct reaper {
    struct orphan *orphans;
    size_t         count;
    size_t         cap;
    pid_t         *pids; /* scratch of a look at our children */
    size_t         pids_cap;
};

void reaper_done(struct reaper *r);
/* Reaps all that have died and notes it in their leases. */
void reaper_collect(struct reaper *r, struct slots *s, int64_t now_ms);
/* Looks for what is left of the leases whose main process is gone, KILLs what is due, and marks the
 * trees of which nothing is left.  To be called after reaper_collect, and at a deadline of the
 * reaper or of a tree. */
void    reaper_settle(struct reaper *r, struct slots *s, int64_t now_ms);
int64_t reaper_deadline(const struct reaper *r);
/* KILLs all our descendants and waits until none is left. */
void reaper_kill_all(void);

#endif
