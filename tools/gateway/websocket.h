/* websocket - a session's WebSocket: what a person sends, what the agent says.
 *
 *     client: auth {token}                          first, within 5 s, unless shown already
 *             message {content, metadata?, agent?, id?}
 *             ack {effect_id}
 *     server: ready {session}
 *             accepted {id?, seq}                   the message is stored
 *             agent_reply, agent_follow_up {effect_id, content, metadata?, seq}
 *             delta {text, piece}
 *             error {code, message, hint, id?}
 *
 * Each is a JSON object, with its name as "type".
 *
 * What a peer may hold of our memory is bounded: its messages, those that wait for it, the requests
 * it has under way. */
#ifndef TOOLS_GATEWAY_WEBSOCKET_H
#define TOOLS_GATEWAY_WEBSOCKET_H

#include "tools/gateway/counters.h"
#include "tools/gateway/guard.h"
#include "tools/gateway/readers.h"
#include "tools/gateway/websocket_queue.h"

#define WEBSOCKET_MESSAGE_MAX 65536
#define WEBSOCKET_QUEUE_MAX   (4 << 20)   /* bytes that wait for one peer */
#define WEBSOCKETS_QUEUE_MAX  (128 << 20) /* … and for all of them */

/* What they work with; all of it outlives them. */
struct websockets {
    const struct guard     *guard;
    struct client          *client;
    struct readers         *readers;
    struct counters        *counters;
    size_t                  count;
    struct websocket_queues queues;
};

struct websocket;

/* The callbacks of a connection.  They say false when it is to be closed. */
bool websocket_on_open(struct websockets *all, struct websocket **w, struct lws *wsi);
bool websocket_on_data(struct websocket *w, struct view part);
bool websocket_on_writable(struct websocket *w);
bool websocket_on_timer(struct websocket *w);
void websocket_on_close(struct websocket **w);

#endif
