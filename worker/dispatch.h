/* dispatch - what the supervisor asks of this worker. */
#ifndef WORKER_DISPATCH_H
#define WORKER_DISPATCH_H

#include "common/clock.h"
#include "common/err.h"
#include "worker/exec.h"
#include "worker/sink.h"

struct dispatch {
    struct slots  *slots;
    struct report *report;
    struct exec   *exec;
    struct sink   *sink;
    uint64_t       job_slots; /* how many jobs may run at once; deliveries do not count */
    uint64_t       last_seq;  /* of the last message seen (N32) */
};

/* Acts on one message.  An error means that the message was malformed or against the protocol: the
 * two sides no longer agree, and the worker must end. */
enum errc dispatch_frame(struct dispatch *d, struct view frame, const struct now *now,
                         struct err *e) MUST_CHECK;

#endif
