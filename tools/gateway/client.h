/* client - the gateway as a client of agentd: requests without waiting, and their answers.
 *
 * Many may be under way; those that agentd would refuse as too many wait here.  A request whose
 * connection broke is sent once more (N39).  Answers are given from the event loop: whoever asked
 * may ask again from there, but is to touch no connection of others. */
#ifndef TOOLS_GATEWAY_CLIENT_H
#define TOOLS_GATEWAY_CLIENT_H

#include "common/buf.h"
#include "proto/codec.h"
#include "tools/control/connection.h"
#include <libwebsockets.h>

#define CLIENT_PENDING_MAX 2048 /* requests that have no answer yet … */
#define CLIENT_SENT_MAX    400  /* … and of these, sent: agentd takes 512 of one client */
#define CLIENT_LONG_MAX    100  /* … and of these, such as wait for something to happen */

struct client;

/* E_OK and the body, or the error: agentd's; E_BUSY when agentd was not there; E_OUTCOME_UNKNOWN
 * when it did not answer and may have done it.  Both are good until the return. */
typedef void client_answer(void *arg, const struct err *error, struct view body);

struct question {
    enum msg_id    op;
    struct view    body;
    struct view    request_id; /* empty: one is made when the request needs one */
    struct view    token_hash; /* on whose behalf; empty: the gateway's own */
    bool           is_long;    /* agentd may answer late, on purpose */
    client_answer *on_answer;
    void          *arg;
};

struct client_counts {
    uint64_t asked;
    uint64_t unanswered; /* in time */
    size_t   pending;
    size_t   sent;
};

/* Connects to the run folder's agentd.sock, whether somebody listens or not. */
enum errc client_new(struct client **out, struct lws_context *loop, void *zmq, const char *run_dir,
                     struct err *e) MUST_CHECK;
/* From now on it asks nothing, and needs the loop no more. */
void client_close(struct client *cl);
void client_destroy(struct client **p); /* once closed; without answers */
/* Readable when client_pump has something to do. */
void client_fds(const struct client *cl, int fds[CONNECTION_FDS]);
/* Takes all that has come and sends what can be sent. */
void client_pump(struct client *cl);

/* Asks; the answer comes later, never from within the call.  The id, for client_forget; 0 and
 * E_BUSY when too many are pending. */
uint64_t client_ask(struct client *cl, const struct question *q, struct err *e);
/* Nobody wants that answer any more.  An id that was answered is no error. */
void client_forget(struct client *cl, uint64_t id);

bool                 client_is_up(const struct client *cl);
struct client_counts client_counts(const struct client *cl);
/* Is called each time agentd is there again. */
void client_on_up(struct client *cl, void (*on_up)(void *arg), void *arg);

#endif
