#include "supervisor/sockets.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#define HANDSHAKE_MS 3000 /* idle raw connections hold descriptors */
#define ENDPOINT_MAX 128

static bool
set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof(value)) == 0;
}

static bool
set_options(void *socket, const struct socket_spec *spec)
{
    int64_t bytes = spec->message_bytes_max;

    if (!set_int(socket, ZMQ_LINGER, spec->linger_ms) ||
        !set_int(socket, ZMQ_SNDHWM, spec->send_high_water) ||
        !set_int(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) ||
        zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &bytes, sizeof(bytes)) != 0) {
        return false;
    }
    if (spec->only != 0 &&
        zmq_setsockopt(socket, ZMQ_IPC_FILTER_PID, &spec->only, sizeof(spec->only)) != 0) {
        return false;
    }
    /* A send to a peer that is gone or full must be told, and no peer may take another's place. */
    return spec->type != ZMQ_ROUTER ||
           (set_int(socket, ZMQ_ROUTER_MANDATORY, 1) && set_int(socket, ZMQ_ROUTER_HANDOVER, 0));
}

/* Connecting to a socket takes the right to write to it. */
enum errc
socket_admit(const char *path, gid_t group, struct err *e)
{
    bool is_ours = group == NO_GROUP;

    if (chown(path, (uid_t)-1, is_ours ? getegid() : group) || chmod(path, is_ours ? 0600 : 0660)) {
        return err_errno(e, "socket %s", path);
    }
    return E_OK;
}

static bool
bind_narrowly(void *socket, const struct socket_spec *spec)
{
    char endpoint[ENDPOINT_MAX];
    int  size = snprintf(endpoint, sizeof(endpoint), "ipc://%s", spec->path);

    if (size < 0 || (size_t)size >= sizeof(endpoint)) {
        errno = ENAMETOOLONG;
        return false;
    }
    mode_t before = umask(077); /* nobody gets in before socket_admit */
    int    rc = zmq_bind(socket, endpoint);
    (void)umask(before); /* cannot fail */
    return rc == 0;
}

enum errc
socket_bind(void *zmq, const struct socket_spec *spec, void **out, struct err *e)
{
    void *socket = zmq_socket(zmq, spec->type);

    if (!socket || !set_options(socket, spec) || !bind_narrowly(socket, spec)) {
        (void)err_set(e, E_INTERNAL, "socket %s: %s", spec->path, zmq_strerror(zmq_errno()));
        socket_close(&socket);
        return e->code;
    }
    if (socket_admit(spec->path, spec->group, e)) {
        socket_close(&socket);
        return e->code;
    }
    *out = socket;
    return E_OK;
}

void
socket_close(void **socket)
{
    if (*socket) (void)zmq_close(*socket);
    *socket = NULL;
}

int
socket_fd(void *socket)
{
    int    fd = -1;
    size_t size = sizeof(fd);

    (void)zmq_getsockopt(socket, ZMQ_FD, &fd, &size); /* fails only when the context has ended */
    return fd;
}

static int
events_of(void *socket)
{
    int    events = 0;
    size_t size = sizeof(events);

    (void)zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size); /* likewise */
    return events;
}

bool
socket_has_input(void *socket)
{
    return (events_of(socket) & ZMQ_POLLIN) != 0;
}

bool
socket_can_send(void *socket)
{
    return (events_of(socket) & ZMQ_POLLOUT) != 0;
}
