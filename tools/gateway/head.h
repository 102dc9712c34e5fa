/* head - the head of a request: its line and its headers, judged as bytes, before libwebsockets
 * parses them.
 *
 * libwebsockets 4.1.6 takes what HTTP forbids: bare line feeds, a space before a header's colon,
 * two lengths, a plus in a path as a space.  Where two that read the same bytes disagree about the
 * end of a request, one is smuggled past the first.  It resolves dots and slashes of a path that
 * were written as escapes, and takes a header whose name begins like one that it knows ("X",
 * "Content") together with the next one.  What it does refuse it answers with HTML of its own, or
 * hangs up.  So none of these bytes reaches it: what a request asks for is read here, and it is
 * given a head that is written here, of the few words that it needs itself. */
#ifndef TOOLS_GATEWAY_HEAD_H
#define TOOLS_GATEWAY_HEAD_H

#include "common/mem.h"
#include "tools/gateway/target.h"
#include <stdint.h>

#define HEAD_BYTES_MAX 8192 /* with all its lines' ends */
#define HEAD_PARTS_MAX 64   /* headers, and arguments in the query */
#define HEAD_GIVEN_MAX 512
#define HEAD_BODY_MAX  1572864 /* 1.5 MiB, of the body behind it */

#define HEAD_PROTOCOL "agentd.v1" /* of WebSockets */

/* The headers that are read, each once at most.  Others are judged, and of no effect. */
#define HEADERS(H)                                      \
    H(AUTHORIZATION, "Authorization")                   \
    H(CONNECTION, "Connection")                         \
    H(CONTENT_ENCODING, "Content-Encoding")             \
    H(CONTENT_LENGTH, "Content-Length")                 \
    H(CONTENT_TYPE, "Content-Type")                     \
    H(EXPECT, "Expect")                                 \
    H(HOST, "Host")                                     \
    H(IDEMPOTENCY_KEY, "Idempotency-Key")               \
    H(LAST_EVENT_ID, "Last-Event-ID")                   \
    H(ORIGIN, "Origin")                                 \
    H(SEC_WEBSOCKET_KEY, "Sec-WebSocket-Key")           \
    H(SEC_WEBSOCKET_PROTOCOL, "Sec-WebSocket-Protocol") \
    H(SEC_WEBSOCKET_VERSION, "Sec-WebSocket-Version")   \
    H(TRANSFER_ENCODING, "Transfer-Encoding")           \
    H(UPGRADE, "Upgrade")

enum header {
#define H(name, text) HEADER_##name,
    HEADERS(H)
#undef H
        HEADER_COUNT
};

/* It borrows from the bytes. */
struct head {
    struct view   method;
    struct target target;
    struct view   headers[HEADER_COUNT]; /* without blanks around it; data NULL: not there */
    int64_t       length;                /* of the body */
    bool          is_upgrade;            /* to a WebSocket: what follows is no request */
    bool          closes;                /* the connection ends with this request */
};

/* Where the head ends that `bytes` begins with, empty line and all; 0: not within them. */
size_t head_end(struct view bytes);
/* Whether what is there of an unfinished head can still become one; else *no says why not. */
bool head_may_go_on(struct view bytes, struct refusal *no);
/* Reads a whole head.  False: it is refused, *no says how; the connection is of no more use. */
bool head_read(struct view bytes, struct head *out, struct refusal *no);
/* Whether it is a Sec-WebSocket-Key: 16 bytes in base64. */
bool head_is_key(struct view value);
/* Adds the head that libwebsockets is given instead: at most HEAD_GIVEN_MAX bytes. */
void head_write(const struct head *h, struct buf *out);

#endif
