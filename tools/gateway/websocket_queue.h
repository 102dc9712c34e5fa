/* websocket_queue - texts on their way to a peer, sent in parts; and how much waits for all peers
 * together. */
#ifndef TOOLS_GATEWAY_WEBSOCKET_QUEUE_H
#define TOOLS_GATEWAY_WEBSOCKET_QUEUE_H

#include "common/buf.h"
#include <libwebsockets.h>

struct websocket_text;

/* All of them.  Zero-initialised is none. */
struct websocket_queues {
    struct websocket_queue *first;
    size_t                  bytes; /* in all together */
};

struct websocket_queue {
    struct websocket_queues *all;
    struct websocket_queue  *next, *previous;
    struct websocket_text   *first, *newest;
    size_t                   bytes; /* of all texts, as they were put */
    size_t                   sent;  /* of the first */
};

/* It is one of them until websocket_queue_done. */
void websocket_queue_init(struct websocket_queue *q, struct websocket_queues *all);
void websocket_queue_put(struct websocket_queue *q, struct view text);
/* The one in which most waits once q, which is one of them, has got `more` bytes. */
struct websocket_queue *websocket_queue_largest(struct websocket_queue *q, size_t more);
/* Sends one part; asks to be called again while something is left.  False: the connection is
 * lost. */
bool websocket_queue_write(struct websocket_queue *q, struct lws *wsi);
void websocket_queue_clear(struct websocket_queue *q);
void websocket_queue_done(struct websocket_queue *q);

#endif
