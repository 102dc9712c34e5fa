#include "supervisor/link.h"

#include "supervisor/sockets.h"

void
link_init(struct link *l, struct poller *poller, struct inputs *inputs)
{
    l->poller = poller;
    l->inputs = inputs;
    l->watch.fd = -1;
}

void
link_done(struct link *l)
{
    link_end(l);
    socket_close(&l->push);
}

/* Asking takes in what has changed on the socket: a peer that came, or one that went. */
static void
look_whether_connected(void *arg)
{
    struct link *l = arg;

    if (!socket_can_send(l->push)) return;
    l->is_connected = true;
    poller_unwatch(l->poller, &l->watch);
    for (size_t i = 0; i < l->nearly; i++)
        inputs_push_frame(l->inputs, &l->as, &l->early[i]);
    l->nearly = 0;
}

enum errc
link_expect(struct link *l, void *zmq, const char *run_dir, uint32_t worker, struct err *e)
{
    FREE_AUTO char          *path = xasprintf("%s/worker-%u.sock", run_dir, worker);
    const struct socket_spec spec = {.type = ZMQ_PUSH,
                                     .path = path,
                                     .group = NO_GROUP,
                                     .send_high_water = 2 * SLOTS_MAX,
                                     .message_bytes_max = WORKER_MESSAGE_MAX};

    if (!l->push && socket_bind(zmq, &spec, &l->push, e)) return e->code;
    return poller_watch(l->poller, &l->watch, socket_fd(l->push), look_whether_connected, l, e);
}

void
link_begin(struct link *l, uint32_t worker, uint64_t generation)
{
    l->as = (struct input){.kind = INPUT_REPORT, .worker = worker, .generation = generation};
    l->is_connected = false;
}

void
link_end(struct link *l)
{
    poller_unwatch(l->poller, &l->watch);
    while (l->nearly > 0)
        (void)zmq_msg_close(&l->early[--l->nearly]);
}

bool
link_send(struct link *l, struct view message)
{
    return socket_can_send(l->push) &&
           zmq_send(l->push, message.data, message.size, ZMQ_DONTWAIT) >= 0;
}

bool
link_report(struct link *l, zmq_msg_t *frame)
{
    if (!l->is_connected) look_whether_connected(l);
    if (l->is_connected) {
        inputs_push_frame(l->inputs, &l->as, frame);
        return true;
    }
    if (l->nearly == LINK_EARLY_MAX) return false;
    (void)zmq_msg_init(&l->early[l->nearly]); /* cannot fail */
    (void)zmq_msg_move(&l->early[l->nearly++], frame);
    return true;
}
