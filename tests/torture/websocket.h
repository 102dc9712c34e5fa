/* websocket - the gateway as a person's program meets it: a session's WebSocket, byte by byte, and
 * a request by HTTP.  The gateway may be killed at any time. */
#ifndef TESTS_TORTURE_WEBSOCKET_H
#define TESTS_TORTURE_WEBSOCKET_H

#include "common/buf.h"
#include <stdbool.h>
#include <stdint.h>

#define TOKEN "agt_torture"
#define TOKEN_HASH                                                                \
    "6fbd61954f18b969657bb87d5cfec63ca3dc8bc0a2df4d8c950f9465c437fc49" /* SHA-256 \
                                                                        */

/* Of one that the gateway hung up, or that never was one. */
#define NO_CODE 0

struct websocket {
    int        fd;
    int        code; /* that it was closed with */
    struct buf in;   /* what has come and was not yet heard */
    struct buf text; /* the last message, packed */
};

enum heard { HEARD_NOTHING, HEARD_TEXT, HEARD_END };

/* Opens the session's; the token is shown by a header, or as the first message.  False when it is
 * not open in time; closed it must be in any case. */
bool websocket_open(struct websocket *w, int port, const char *session, bool is_shown_later,
                    int64_t wait_ms);
void websocket_close(struct websocket *w);
/* What comes next within wait_ms; after the end nothing does. */
enum heard websocket_hear(struct websocket *w, int64_t wait_ms);
/* JSON of less than 64 KiB; what cannot be sent, the next hear tells of. */
void websocket_say(struct websocket *w, const char *text);

/* Posts JSON, and waits for the status; 0 when there was none in time. */
int websocket_post(int port, const char *path, const char *body, int64_t wait_ms);

#endif
