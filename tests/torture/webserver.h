/* webserver - where the http sinks post to: a process that nobody kills, and the witness of what
 * came.  Each request stands in its record before it is answered, a line each:
 *
 *   PATH KEY EFFECT HASH STATUS
 *
 * The path is the sink's name; KEY its idempotency key; the effect and the hash are of its body;
 * STATUS is the answer, which may come late: WEB_TAKEN, WEB_BUSY, or WEB_CUT for none at all. */
#ifndef TESTS_TORTURE_WEBSERVER_H
#define TESTS_TORTURE_WEBSERVER_H

#include <stdint.h>
#include <sys/types.h>

#define WEBSERVER      "webserver" /* the name of its record */
#define WEB_TIMEOUT_MS 500         /* of the sinks */
#define WEB_TAKEN      204
#define WEB_BUSY       503 /* it is to come again */
#define WEB_CUT        0

struct webserver {
    pid_t pid;
    int   port;
};

/* On a free port of 127.0.0.1. */
void webserver_start(struct webserver *w, const char *folder, uint64_t seed);
void webserver_stop(const struct webserver *w);

#endif
