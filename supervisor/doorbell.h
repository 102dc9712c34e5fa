/* doorbell - tells watchers of RUN/feed.sock that the feed has grown, not what it holds (N40).
 *
 * A packed map {incarnation, last_seq} at the start and after each turn with events; who is slow
 * misses some and loses nothing. */
#ifndef SUPERVISOR_DOORBELL_H
#define SUPERVISOR_DOORBELL_H

#include "common/buf.h"
#include "common/err.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct doorbell {
    void      *socket;
    uint64_t   incarnation;
    uint64_t   last_seq;
    bool       has_rung;
    struct buf message;
};

enum errc doorbell_open(struct doorbell *d, void *zmq, const char *run_dir, gid_t group,
                        uint64_t incarnation, struct err *e) MUST_CHECK;
void      doorbell_close(struct doorbell *d);
/* Rings when the number is another than at the last ring. */
void doorbell_ring(struct doorbell *d, uint64_t feed_seq);

#endif
