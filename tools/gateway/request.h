/* request - what a connection asks for, read from its headers and judged.
 *
 * Its bytes are right (head.h).  All else that can be refused without agentd is refused here,
 * before a body is read: names, origins, forms, and whether there is a token at all. */
#ifndef TOOLS_GATEWAY_REQUEST_H
#define TOOLS_GATEWAY_REQUEST_H

#include "tools/gateway/auth.h"
#include "tools/gateway/counters.h"
#include "tools/gateway/guard.h"
#include "tools/gateway/refusal.h"
#include "tools/gateway/routes.h"
#include <libwebsockets.h>

#define REQUEST_PROTOCOL "agentd.v1" /* of WebSockets */
#define REQUEST_TEXT_MAX 512         /* a header that we read, and its NUL */

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
    struct route_match match;
    enum own           own;
    bool               is_head;
    int64_t            length;                          /* of the body */
    char               token_hash[TOKEN_HASH_SIZE + 1]; /* "": none was shown */
    char               host[REQUEST_TEXT_MAX];
    struct view        path; /* lws's own, until the headers go */
};

/* A header's value as a string; false when it is not there, or too long for `out`. */
bool request_header(struct lws *wsi, enum lws_token_indexes header, char *out, size_t size);
/* The same of one that lws does not know, by its name in lower case with the colon. */
bool request_header_named(struct lws *wsi, const char *name, char *out, size_t size);

/* The decoded value of an argument in the query, "" when there is none or it is too long; by its
 * name with the equals sign. */
const char *request_argument(struct lws *wsi, const char *name, char room[REQUEST_TEXT_MAX]);

/* Reads what is asked into *out.  False: it is refused, *no says how. */
bool request_read(struct lws *wsi, const struct guard *g, struct counters *n,
                  struct http_request *out, struct refusal *no);
/* The same of a request to become a WebSocket, which may show its token later. */
bool request_read_upgrade(struct lws *wsi, const struct guard *g, struct counters *n,
                          struct http_request *out, struct refusal *no);

/* The session's key in the path of its WebSocket; empty when it is another path. */
struct view request_session(struct view path);

#endif
