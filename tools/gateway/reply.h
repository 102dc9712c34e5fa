/* reply - what an HTTP answer consists of, as text. */
#ifndef TOOLS_GATEWAY_REPLY_H
#define TOOLS_GATEWAY_REPLY_H

#include "common/buf.h"
#include "common/err.h"
#include "tools/gateway/refusal.h"
#include <stdint.h>

/* The page may load and reach only what is served here; nothing may frame it. */
#define REPLY_CSP_PAGE                                                          \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " \
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
#define REPLY_CSP_DATA "default-src 'none'; frame-ancestors 'none'"
#define REPLY_JSON     "application/json"

struct reply_head {
    int         status;
    const char *type;
    const char *csp;    /* NULL: REPLY_CSP_DATA */
    int64_t     length; /* of the body; -1: it ends with the connection */
    bool        closes; /* the connection is closed behind it */
    bool        is_cacheable;
    const char *more; /* header lines with their ends, or NULL */
};
/* Appends the status line and all headers. */
void reply_head(struct buf *out, const struct reply_head *h);

/* Appends {"error": {…}}. */
void reply_error(struct buf *out, const struct err *e);
/* Appends the header lines that go with an error's status, to be a reply_head's `more`. */
void reply_error_headers(struct buf *out, int status, const struct err *e);
/* Appends the whole answer that says so; the connection is closed behind it. */
void reply_refusal(struct buf *out, const struct refusal *no);

#endif
