/* websocket_queue - texts on their way to a peer, sent in parts.  Zero-initialised is empty. */
#ifndef TOOLS_GATEWAY_WEBSOCKET_QUEUE_H
#define TOOLS_GATEWAY_WEBSOCKET_QUEUE_H

#include "common/buf.h"
#include <libwebsockets.h>

struct websocket_text;

struct websocket_queue {
    struct websocket_text *first, *newest;
    size_t                 bytes; /* of all texts, as they were put */
    size_t                 sent;  /* of the first */
};

void websocket_queue_put(struct websocket_queue *q, struct view text);
/* Sends one part; asks to be called again while something is left.  False: the connection is
 * lost. */
bool websocket_queue_write(struct websocket_queue *q, struct lws *wsi);
void websocket_queue_done(struct websocket_queue *q);

#endif
