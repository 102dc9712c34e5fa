/* connection - a client's socket to one of agentd's, watched: whether it stands is known.
 *
 * libzmq goes on trying in silence, and what was sent into a connection that breaks is lost without
 * a word; so each socket has a monitor, and a client that is told of a break asks once more (N39).
 * No call waits. */
#ifndef TOOLS_CONTROL_CONNECTION_H
#define TOOLS_CONTROL_CONNECTION_H

#include "common/buf.h"
#include "common/err.h"
#include "proto/codec.h"

#define CONNECTION_SENDS_MAX 2 /* of one request */

struct connection {
    void *socket;
    void *monitor;
    bool  is_up;
};

/* Connects a socket of this type (ZMQ_DEALER, ZMQ_SUB to everything) to the socket at `path`, on
 * which nobody need listen yet.  `bytes_max`: of a message. */
enum errc connection_open(struct connection *c, void *zmq, int type, const char *path,
                          int64_t bytes_max, struct err *e) MUST_CHECK;
/* Also of one that is zero or half open. */
void connection_close(struct connection *c);

/* One message's last part, which is the frame, into `out`: an empty delimiter may stand before it.
 * False when none has come. */
bool connection_receive(struct connection *c, struct buf *out);
/* False when it cannot be taken now. */
bool connection_send(struct connection *c, struct view frame);

/* Readable when one of the calls here may have something to tell.  Each of them may take that sign
 * away: they are to be repeated while connection_has_input. */
#define CONNECTION_FDS 2
void connection_fds(const struct connection *c, int fds[CONNECTION_FDS]);
bool connection_has_input(const struct connection *c);

/* What the monitor tells, oldest first; is_up is then true of it. */
enum connection_change { CONNECTION_SAME, CONNECTION_UP, CONNECTION_DOWN };
enum connection_change connection_change(struct connection *c);

/* Whether doing it twice would differ from doing it once: such a request carries a request_id. */
bool connection_op_changes(enum msg_id op);
/* A random request_id. */
#define REQUEST_ID_SIZE 33
enum errc connection_request_id(char out[REQUEST_ID_SIZE], struct err *e) MUST_CHECK;

#endif
