#include "tools/control/connection.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <zmq.h>

#define RECONNECT_MS     50
#define RECONNECT_MS_MAX 500

static bool
set_options(void *socket, int64_t bytes_max)
{
    static const struct {
        int name;
        int value;
    } options[] = {
        {ZMQ_LINGER,            0               },
        {ZMQ_IMMEDIATE,         1               }, /* queue nothing for a daemon that is not there */
        {ZMQ_RECONNECT_IVL,     RECONNECT_MS    },
        {ZMQ_RECONNECT_IVL_MAX, RECONNECT_MS_MAX},
    };

    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (zmq_setsockopt(socket, options[i].name, &options[i].value, sizeof(int))) return false;
    }
    return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &bytes_max, sizeof(bytes_max)) == 0;
}

static bool
open_sockets(struct connection *c, void *zmq, int type, const char *path, int64_t bytes_max)
{
    FREE_AUTO char *endpoint = xasprintf("ipc://%s", path);
    FREE_AUTO char *events = xasprintf("inproc://monitor-%p", (void *)c);

    if (!(c->socket = zmq_socket(zmq, type))) return false;
    if (!(c->monitor = zmq_socket(zmq, ZMQ_PAIR))) return false;
    if (!set_options(c->socket, bytes_max)) return false;
    if (type == ZMQ_SUB && zmq_setsockopt(c->socket, ZMQ_SUBSCRIBE, "", 0)) return false;
    if (zmq_socket_monitor(c->socket, events,
                           ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED)) {
        return false;
    }
    return zmq_connect(c->monitor, events) == 0 && zmq_connect(c->socket, endpoint) == 0;
}

enum errc
connection_open(struct connection *c, void *zmq, int type, const char *path, int64_t bytes_max,
                struct err *e)
{
    *c = (struct connection){0};
    if (open_sockets(c, zmq, type, path, bytes_max)) return E_OK;
    err_set(e, E_INTERNAL, "cannot connect to %s: %s", path, zmq_strerror(errno));
    connection_close(c);
    return e->code;
}

void
connection_close(struct connection *c)
{
    /* Each fails only for what is no socket.  The monitoring ends first: its events would block
     * libzmq's thread when nobody is there to take them. */
    if (c->socket) (void)zmq_socket_monitor(c->socket, NULL, 0);
    if (c->monitor) (void)zmq_close(c->monitor);
    if (c->socket) (void)zmq_close(c->socket);
    *c = (struct connection){0};
}

bool
connection_receive(struct connection *c, struct buf *out)
{
    bool has_more = true;

    while (has_more) {
        zmq_msg_t part;
        int       got;

        (void)zmq_msg_init(&part); /* cannot fail */
        got = zmq_msg_recv(&part, c->socket, ZMQ_DONTWAIT);
        if (got >= 0) {
            buf_clear(out);
            buf_add(out, zmq_msg_data(&part), zmq_msg_size(&part));
        }
        has_more = got >= 0 && zmq_msg_more(&part);
        (void)zmq_msg_close(&part);
        if (got < 0) return false;
    }
    return true;
}

bool
connection_send(struct connection *c, struct view frame)
{
    return zmq_send(c->socket, frame.data, frame.size, ZMQ_DONTWAIT) >= 0;
}

void
connection_fds(const struct connection *c, int fds[CONNECTION_FDS])
{
    size_t size = sizeof(int);

    (void)zmq_getsockopt(c->socket, ZMQ_FD, &fds[0], &size); /* of a socket it cannot fail */
    (void)zmq_getsockopt(c->monitor, ZMQ_FD, &fds[1], &size);
}

static bool
is_readable(void *socket)
{
    int    events = 0;
    size_t size = sizeof(events);

    return zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) == 0 && events & ZMQ_POLLIN;
}

bool
connection_has_input(const struct connection *c)
{
    return is_readable(c->socket) || is_readable(c->monitor);
}

enum connection_change
connection_change(struct connection *c)
{
    uint8_t  event[6]; /* number and value; a second part names the endpoint */
    char     endpoint[256];
    uint16_t number;

    if (zmq_recv(c->monitor, event, sizeof(event), ZMQ_DONTWAIT) != (int)sizeof(event)) {
        return CONNECTION_SAME;
    }
    memcpy(&number, event, sizeof(number));
    (void)zmq_recv(c->monitor, endpoint, sizeof(endpoint), 0);
    c->is_up = number == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    return c->is_up ? CONNECTION_UP : CONNECTION_DOWN;
}

bool
connection_op_changes(enum msg_id op)
{
    const struct msg_desc *d = msg_desc(op);

    if (d->how == HOW_READ) return false;
    return d->how == HOW_WRITE || (d->role == ROLE_ADMIN && op != MSG_FSCK);
}

enum errc
connection_request_id(char out[REQUEST_ID_SIZE], struct err *e)
{
    unsigned char bytes[REQUEST_ID_SIZE / 2];

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
        return err_errno(e, "no random number");
    }
    for (size_t i = 0; i < sizeof(bytes); i++)
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    return E_OK;
}
