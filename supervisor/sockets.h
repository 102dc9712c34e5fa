/* sockets - ZeroMQ sockets bound to paths in the run folder. */
#ifndef SUPERVISOR_SOCKETS_H
#define SUPERVISOR_SOCKETS_H

#include "common/err.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define NO_GROUP ((gid_t)-1)

struct socket_spec {
    int         type;  /* ZMQ_ROUTER, … */
    const char *path;  /* bound to ipc://path; whatever is there is replaced: hold the lock first */
    gid_t       group; /* may connect too; NO_GROUP: only our own user */
    int         linger_ms;         /* how long closing may wait to send what is queued */
    int         send_high_water;   /* messages queued per peer */
    int64_t     message_bytes_max; /* a peer that sends more is cut off */
    pid_t       only;              /* the one process that may connect; 0: any that can */
};

enum errc socket_bind(void *zmq, const struct socket_spec *spec, void **out,
                      struct err *e) MUST_CHECK;
/* Lets another group connect from now on, or none. */
enum errc socket_admit(const char *path, gid_t group, struct err *e) MUST_CHECK;
/* NULL is fine. */
void socket_close(void **socket);
/* The descriptor that becomes ready when something may have happened on the socket. */
int socket_fd(void *socket);
/* Whether a message can be received now.  To be asked before sleeping: the descriptor tells of
 * changes only, and any call on the socket may have taken one in. */
bool socket_has_input(void *socket);
/* Whether a message can be sent now; takes in what has changed on the socket. */
bool socket_can_send(void *socket);

#endif
