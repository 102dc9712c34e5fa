#include "supervisor/doorbell.h"

#include "common/mp.h"
#include "supervisor/sockets.h"
#include <zmq.h>

#define RINGS_QUEUED 16 /* per watcher; only the last one matters */

enum errc
doorbell_open(struct doorbell *d, void *zmq, const char *run_dir, gid_t group, uint64_t incarnation,
              struct err *e)
{
    FREE_AUTO char          *path = xasprintf("%s/feed.sock", run_dir);
    const struct socket_spec spec = {.type = ZMQ_PUB,
                                     .path = path,
                                     .group = group,
                                     .send_high_water = RINGS_QUEUED,
                                     .message_bytes_max = 4096};

    *d = (struct doorbell){.incarnation = incarnation};
    return socket_bind(zmq, &spec, &d->socket, e);
}

void
doorbell_close(struct doorbell *d)
{
    socket_close(&d->socket);
    buf_done(&d->message);
}

void
doorbell_ring(struct doorbell *d, uint64_t feed_seq)
{
    struct mp_open_map map;

    if (d->has_rung && feed_seq == d->last_seq) return;
    d->has_rung = true;
    d->last_seq = feed_seq;
    buf_clear(&d->message);
    map = mp_open(&d->message);
    mp_put_u64(&d->message, &map, "incarnation", d->incarnation);
    mp_put_u64(&d->message, &map, "last_seq", feed_seq);
    mp_close(&d->message, &map);
    (void)zmq_send(d->socket, d->message.data, d->message.size,
                   ZMQ_DONTWAIT); /* who is slow misses it */
}
