/* request - what a connection asks for, read from its head and judged.
 *
 * Its bytes are right (head.h).  All else that can be refused without agentd is refused here,
 * before a body is read: names, origins, forms, and whether there is a token at all. */
#ifndef TOOLS_GATEWAY_REQUEST_H
#define TOOLS_GATEWAY_REQUEST_H

#include "common/name.h"
#include "tools/gateway/auth.h"
#include "tools/gateway/counters.h"
#include "tools/gateway/guard.h"
#include "tools/gateway/head.h"
#include "tools/gateway/routes.h"

#define REQUEST_KEY_MAX 256 /* bytes of a session's key */

/* What is served beside the routes. */
enum own {
    OWN_NONE,
    OWN_HEALTH,
    OWN_READY,
    OWN_METRICS,
    OWN_OPENAPI,
    OWN_FEED,
    OWN_SESSION, /* the WebSocket of one */
    OWN_PAGE     /* any other path, with GET */
};

struct http_request {
    struct route_match match; /* its value is encoded */
    enum own           own;
    bool               is_head;
    char               token_hash[TOKEN_HASH_SIZE + 1]; /* "": none was shown */
    char               session[REQUEST_KEY_MAX + 1];    /* of a WebSocket */
    char               company[NAME_MAX_BYTES + 1];     /* … "": the token's */
};

/* Reads what a connection asks for into *out.  False: it is refused, *no says how. */
bool request_read(const struct head *h, const struct guard *g, struct counters *n,
                  struct http_request *out, struct refusal *no);
/* The same of a request to become a WebSocket, which may show its token later. */
bool request_read_upgrade(const struct head *h, const struct guard *g, struct counters *n,
                          struct http_request *out, struct refusal *no);

#endif
