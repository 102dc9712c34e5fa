/* head - the head of a request: its line and its headers, judged as bytes, before libwebsockets
 * parses them.
 *
 * libwebsockets 4.1.6 takes what HTTP forbids: bare line feeds, a space before a header's colon,
 * two lengths, a plus in a path as a space.  Where two that read the same bytes disagree about the
 * end of a request, one is smuggled past the first.  What it does refuse it answers with HTML of
 * its own, or hangs up.  So it is given only what is right, and no more of it than it can hold. */
#ifndef TOOLS_GATEWAY_HEAD_H
#define TOOLS_GATEWAY_HEAD_H

#include "common/mem.h"
#include "tools/gateway/refusal.h"
#include <stdint.h>

#define HEAD_BYTES_MAX 8192    /* with all its lines' ends */
#define HEAD_PARTS_MAX 64      /* headers, and arguments in the query */
#define HEAD_BODY_MAX  1572864 /* 1.5 MiB, of the body behind it */

struct head {
    int64_t length;     /* of the body */
    bool    is_upgrade; /* to a WebSocket: what follows is no request */
};

/* Where the head ends that `bytes` begins with, empty line and all; 0: not within them. */
size_t head_end(struct view bytes);
/* Whether what is there of an unfinished head can still become one; else *no says why not. */
bool head_may_go_on(struct view bytes, struct refusal *no);
/* Reads a whole head.  False: it is refused, *no says how; the connection is of no more use. */
bool head_read(struct view bytes, struct head *out, struct refusal *no);

#endif
