/* report - what this worker tells the supervisor.
 *
 * The socket's queue is not limited, so that a send never blocks and never fails for want of room:
 * what can be queued is bounded by the leases, each of which ends once, reports progress at most
 * ten times a second, and what is said at most twenty times.  The first failure of a send is
 * remembered; report_check gives it. */
#ifndef WORKER_REPORT_H
#define WORKER_REPORT_H

#include "common/buf.h"
#include "common/err.h"
#include "proto/messages.h"
#include "worker/slots.h"

struct report {
    void      *socket; /* a ZeroMQ PUSH */
    uint64_t   worker;
    uint64_t   generation;
    struct buf frame;
    struct err error;
};

void      report_init(struct report *r, void *socket, uint64_t worker, uint64_t generation);
void      report_done(struct report *r);
enum errc report_check(const struct report *r, struct err *e) MUST_CHECK;

void report_hello(struct report *r, uint64_t slots);
void report_heartbeat(struct report *r, const struct slots *s, uint64_t last_seq, uint64_t lag_us);
void report_progress(struct report *r, const struct lease *lease);
/* What was said and not yet reported; there is some. */
void report_delta(struct report *r, const struct lease *lease);
/* m says how it ended; slot, token and the worker's own fields are filled in here.  An end that
 * would not pass as a message (values nested too deep, too many of them) is reported as failed,
 * invalid_output, instead. */
void report_ended(struct report *r, uint64_t slot, uint64_t token, struct msg_ended *m);
void report_failed(struct report *r, uint64_t slot, uint64_t token, const char *class,
                   const char *message);
/* m says what became of the delivery; its texts are cut to what a message takes. */
void report_effect_done(struct report *r, uint64_t slot, uint64_t token, struct msg_effect_done *m);

#endif
