/* websocket_text - what is said to a WebSocket's peer, packed; websocket.h lists it. */
#ifndef TOOLS_GATEWAY_WEBSOCKET_TEXT_H
#define TOOLS_GATEWAY_WEBSOCKET_TEXT_H

#include "common/buf.h"
#include "common/err.h"
#include <stdint.h>

void websocket_text_ready(struct buf *out, const char *key);
/* body: agentd's answer; id: the message's, "" for none. */
void websocket_text_accepted(struct buf *out, const char *id, struct view body);
/* id: of the message that was refused, "" for none. */
void websocket_text_error(struct buf *out, const struct err *e, const char *id);
/* document: what a sink is given of the effect (outbox_document). */
void websocket_text_delivery(struct buf *out, uint64_t effect, struct view document);
void websocket_text_delta(struct buf *out, uint64_t piece, struct view text);

#endif
