/* http - requests and their answers, one at a time on each connection.
 *
 * A request is judged when its headers are there, its body is read, and it becomes a request to
 * agentd; the answer is written as the peer takes it.  Until then nothing more is read from that
 * connection.  What all of them hold in memory is bounded together. */
#ifndef TOOLS_GATEWAY_HTTP_H
#define TOOLS_GATEWAY_HTTP_H

#include "common/buf.h"
#include "tools/gateway/client.h"
#include "tools/gateway/counters.h"
#include "tools/gateway/feed.h"
#include "tools/gateway/guard.h"
#include "tools/gateway/page.h"
#include "tools/gateway/websocket.h"

#define HTTP_BYTES_MAX (128 << 20) /* bodies and answers of all connections */

/* What requests are served with; all of it outlives them. */
struct http {
    const struct guard      *guard;
    struct client           *client;
    struct feed             *feed;
    const struct page       *page;
    struct counters         *counters;
    struct buf               openapi; /* the text */
    size_t                   bytes;   /* held by bodies and answers */
    const struct websockets *websockets;
    const size_t            *connections;
};

struct exchange;

/* The callbacks of a connection, by their names in lws.  They say false when it is to be closed;
 * *x is NULL while nothing is asked for. */
bool http_on_request(struct http *h, struct exchange **x, struct lws *wsi);
bool http_on_body(struct exchange *x, struct view part);
bool http_on_body_end(struct exchange *x);
bool http_on_writable(struct exchange *x);
bool http_on_timer(struct exchange *x);
void http_on_end(struct exchange **x);

/* Writes a refusal at once and whole. */
struct refusal;
bool http_refuse(struct lws *wsi, const struct refusal *no);

#endif
