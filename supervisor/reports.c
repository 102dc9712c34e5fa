#include "supervisor/reports.h"

#include "common/log.h"
#include "supervisor/roles.h"
#include "supervisor/sockets.h"
#include <inttypes.h>

#define MESSAGE_SLACK \
    65536 /* above the limit it costs the worker its life, far above it is cut off */

enum errc
reports_open(struct reports *r, void *zmq, const char *run_dir, struct err *e)
{
    FREE_AUTO char          *path = xasprintf("%s/reports.sock", run_dir);
    const struct socket_spec spec = {.type = ZMQ_PULL,
                                     .path = path,
                                     .group = NO_GROUP,
                                     .send_high_water = 1,
                                     .message_bytes_max = WORKER_MESSAGE_MAX + MESSAGE_SLACK};

    *r = (struct reports){0};
    return socket_bind(zmq, &spec, &r->socket, e);
}

void
reports_close(struct reports *r)
{
    socket_close(&r->socket);
}

int
reports_fd(const struct reports *r)
{
    return socket_fd(r->socket);
}

bool
reports_has_input(const struct reports *r)
{
    return socket_has_input(r->socket);
}

/* The rest of a message of several frames; how many bytes. */
static size_t
skip_frames(struct reports *r)
{
    size_t bytes = 0;
    bool   has_more = true;

    while (has_more) {
        zmq_msg_t frame;

        (void)zmq_msg_init(&frame); /* cannot fail */
        if (zmq_msg_recv(&frame, r->socket, ZMQ_DONTWAIT) < 0) return bytes;
        bytes += zmq_msg_size(&frame);
        has_more = zmq_msg_more(&frame) != 0;
        (void)zmq_msg_close(&frame);
    }
    return bytes;
}

static void
on_report(struct reports *r, struct pool *pool, zmq_msg_t *frame, bool is_single)
{
    struct credentials who = {0};
    bool               is_fine = is_single && zmq_msg_size(frame) <= WORKER_MESSAGE_MAX;
    bool               is_known = credentials_parse(zmq_msg_gets(frame, "Peer-Address"), &who);

    if (is_known) {
        is_known =
            is_fine ? pool_on_report(pool, who.pid, frame) : pool_on_bad_report(pool, who.pid);
    }
    if (is_known) return;
    r->dropped++;
    log_warn("report of an unknown process dropped", "pid=%d dropped=%" PRIu64, (int)who.pid,
             r->dropped);
}

void
reports_gather(struct reports *r, struct pool *pool, struct turn_budget *budget)
{
    while (turn_budget_has(budget)) {
        zmq_msg_t frame;

        (void)zmq_msg_init(&frame); /* cannot fail */
        if (zmq_msg_recv(&frame, r->socket, ZMQ_DONTWAIT) < 0) return;
        bool   is_single = zmq_msg_more(&frame) == 0;
        size_t bytes = zmq_msg_size(&frame);
        if (!is_single) bytes += skip_frames(r);
        turn_budget_use(budget, bytes);
        on_report(r, pool, &frame, is_single);
        (void)zmq_msg_close(&frame);
    }
}
