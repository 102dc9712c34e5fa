/* websocket_requests - what a peer has asked agentd for and has no answer to yet: few at a time,
 * and forgotten when it goes. */
#ifndef TOOLS_GATEWAY_WEBSOCKET_REQUESTS_H
#define TOOLS_GATEWAY_WEBSOCKET_REQUESTS_H

#include "tools/gateway/client.h"

#define WEBSOCKET_REQUESTS_MAX 8 /* of a peer */

struct websocket_request {
    struct websocket_request  *next;
    struct websocket_requests *all;
    uint64_t                   asked;
    enum msg_id                op;
    char                       id[65]; /* the peer's, "" for none */
    uint64_t                   effect; /* of an ack */
};

/* Embedded in whoever asks.  The request is good until on_answer returns. */
struct websocket_requests {
    struct client            *client;
    struct websocket_request *first;
    unsigned                  count;
    void (*on_answer)(struct websocket_requests *rs, const struct websocket_request *r,
                      const struct err *error, struct view body);
};

/* q: what is asked, without on_answer; its request_id, at most 64 bytes, is the peer's id.  E_BUSY
 * when it has too many without an answer, or all have. */
enum errc websocket_requests_ask(struct websocket_requests *rs, const struct question *q,
                                 uint64_t effect, struct err *e) MUST_CHECK;
/* Nobody wants their answers any more. */
void websocket_requests_done(struct websocket_requests *rs);

#endif
