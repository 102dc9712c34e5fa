/* mailbox - the two sockets of a worker: its own inbox, and the way to the supervisor's. */
#ifndef WORKER_MAILBOX_H
#define WORKER_MAILBOX_H

#include "common/err.h"
#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

struct mailbox {
    void *zmq;
    void *inbox;   /* PULL, connected to RUN/worker-N.sock */
    void *reports; /* PUSH, connected to RUN/reports.sock; its queue is not limited */
    int   fd;      /* readable when the inbox may have something */
};

enum errc mailbox_open(struct mailbox *m, const char *run_folder, uint64_t worker,
                       struct err *e) MUST_CHECK;
/* Waits at most linger_ms for what is queued to be sent. */
void mailbox_close(struct mailbox *m, int linger_ms);
/* The next message into *frame, which must be an initialised message.  When there is none, *has is
 * false, and the descriptor will tell of the next.  A message of several parts is an error. */
enum errc mailbox_take(struct mailbox *m, zmq_msg_t *frame, bool *has, struct err *e) MUST_CHECK;

#endif
