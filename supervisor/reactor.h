/* reactor - the loop: sleep until something is to be done, gather it, one turn of the engine, one
 * commit, then say what came of it.
 *
 *     sleep → reports, exits → signals → clients → turn (turns.h) → replies, messages → reads → …
 *
 * Nothing in it polls: it wakes for descriptors, for the first deadline of the engine or of a part
 * of the shell, and for a clock that was set. */
#ifndef SUPERVISOR_REACTOR_H
#define SUPERVISOR_REACTOR_H

#include "supervisor/daemon.h"
#include "supervisor/deadlines.h"
#include "supervisor/doorbell.h"
#include "supervisor/logsweep.h"
#include "supervisor/shell_ops.h"
#include "supervisor/signals.h"
#include "supervisor/stopping.h"

/* The parts; made and ended by main. */
struct reactor {
    struct poller      *poller;
    struct deadlines   *deadlines;
    struct signals     *signals;
    struct inputs      *inputs;
    struct control     *control;
    struct reports     *reports;
    struct pool        *pool;
    struct gateway     *gateway;
    struct survivors   *survivors;
    struct turns       *turns;
    struct reads       *reads;
    struct reload      *reload;
    struct fsck        *fsck;
    struct forecaster  *forecaster;
    struct doorbell    *doorbell;
    struct stopping    *stopping;
    struct shell_ops   *ops;
    struct lag         *lag;
    struct logsweep    *logsweep;
    struct daemon_lock *lock;

    struct watch control_watch;
    struct watch reports_watch;
    struct now   now;
    int64_t      woken_us;           /* boot time */
    int64_t      stall_ms;           /* since the last turn */
    int64_t      suspended_ms;       /* boot time less monotonic time */
    int64_t      held_until_boot_ms; /* the clock is held (N27) no longer than this; 0: it is not */
    bool         is_turn_due;
    struct buf   ended;   /* uint64_t: jobs that ended in this turn */
    struct err   refusal; /* why the configuration of the start was refused */
};

/* Watches the sockets; after all parts are made. */
enum errc reactor_open(struct reactor *r, struct poller *poller, struct err *e) MUST_CHECK;
void      reactor_close(struct reactor *r);
/* The first turns: the engine boots and takes the configuration. */
enum errc reactor_boot(struct reactor *r, const struct input *boot, const struct config *config,
                       struct err *e) MUST_CHECK;
/* Until the planned stop is over.  On failure a commit's outcome is unknown. */
enum errc reactor_run(struct reactor *r, struct err *e) MUST_CHECK;

#endif
