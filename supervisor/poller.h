/* poller - what the loop sleeps on: descriptors, each with what to do when it is ready.
 *
 * A watch is part of its owner and must stay where it is until the poller_wait in which it was
 * ended has returned.  Readiness is a level: what is not read is reported again. */
#ifndef SUPERVISOR_POLLER_H
#define SUPERVISOR_POLLER_H

#include "common/err.h"

struct watch {
    int fd; /* -1: not watched */
    void (*on_ready)(void *arg);
    void *arg;
};

struct poller {
    int epoll;
};

enum errc poller_open(struct poller *p, struct err *e) MUST_CHECK;
void      poller_close(struct poller *p);
/* Watches fd for input. */
enum errc poller_watch(struct poller *p, struct watch *w, int fd, void (*on_ready)(void *arg),
                       void *arg, struct err *e) MUST_CHECK;
/* Before fd is closed; does nothing for one that is not watched. */
void poller_unwatch(struct poller *p, struct watch *w);
/* Waits until something is ready and calls what is to be done for it; timeout_ms -1: for ever. */
void poller_wait(struct poller *p, int timeout_ms);

#endif
