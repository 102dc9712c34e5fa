/* web - a little HTTP server in a process of its own, which writes down what it is asked for.
 *
 * By the first part of the path: /ok… 204, /no… 500, /moved… 302 to /ok, /hang… no answer while it
 * lives, /flood… 200 and bytes without end, /busy… 429 with Retry-After: 7, /gone… 410, /odd… 999,
 * /cut… the connection is closed without an answer.  A part of a body: /late… 503 with Retry-After:
 * 7, /quiet… 200, then silence; /short… 200, then the end.  A part of an answer's headers, then the
 * end: /half…, /line…; /interim… a 103 and no more, /second… a 103 and 204; /much… 400 kB of
 * headers. */
#ifndef TESTS_SYSTEM_WEB_H
#define TESTS_SYSTEM_WEB_H

#include "common/buf.h"
#include <sys/types.h>

struct web {
    int   port;
    pid_t pid;
    char *path; /* of the file with a line for each request: METHOD PATH, and of a POST also the
                   values of its webhook-id, webhook-timestamp, webhook-signature, idempotency-key,
                   x-own ("-" for none) and its body */
};

/* On a free port of 127.0.0.1, and its file in this folder. */
void web_start(struct web *w, const char *folder);
void web_stop(struct web *w);
/* What it was asked for until now, "" for nothing; the caller frees. */
char *web_seen(const struct web *w);

#endif
