/* websocket_message - what a WebSocket's peer says, judged: websocket.h lists it. */
#ifndef TOOLS_GATEWAY_WEBSOCKET_MESSAGE_H
#define TOOLS_GATEWAY_WEBSOCKET_MESSAGE_H

#include "common/buf.h"
#include "common/err.h"
#include <stdint.h>

#define WEBSOCKET_ID_MAX 64 /* bytes */

enum websocket_kind { KIND_NONE, KIND_AUTH, KIND_MESSAGE, KIND_ACK, KIND_COUNT };

struct websocket_message {
    enum websocket_kind kind; /* NONE: it is nothing of these */
    struct buf          packed;
    char                id[WEBSOCKET_ID_MAX + 1]; /* "": none */
    struct view         token;                    /* of packed */
    uint64_t            effect;
};

/* Reads one, with the fields of its kind and no others.  E_BAD_REQUEST: nothing of it may be done;
 * kind and id are there as far as they are right.  In either case websocket_message_done. */
enum errc websocket_message_read(struct view text, struct websocket_message *out,
                                 struct err *e) MUST_CHECK;
void      websocket_message_done(struct websocket_message *m);

#endif
