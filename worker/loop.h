/* loop - the one thread of agent-worker: its sockets, signals, timer and the handlers' streams.
 *
 * A turn waits for something to happen, reads what has come (of each stream and of the inbox a
 * bounded part, so that a flood starves nobody), and ends the leases whose time or processes are
 * gone.  Nothing is polled at intervals: one timer is set to the earliest deadline. */
#ifndef WORKER_LOOP_H
#define WORKER_LOOP_H

#include "common/err.h"
#include <stdint.h>
#include <sys/types.h>

struct loop_options {
    uint64_t    worker;
    uint64_t    generation;
    uint64_t    slots;
    const char *run_folder;
    const char *state_folder; /* absolute */
    int64_t     heartbeat_ms;
    int         evidence_fd;
    int         delivery_fd; /* of agent-delivery */
    uint64_t    incarnation;
    pid_t       supervisor;
};

/* Runs until SIGTERM or SIGINT, or until the supervisor says something malformed, which is an
 * error. All signals must be blocked.  When it returns, no descendant is left and the evidence of
 * all leases is cleared. */
enum errc loop_run(const struct loop_options *o, struct err *e) MUST_CHECK;

#endif
