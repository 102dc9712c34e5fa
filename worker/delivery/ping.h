/* ping - the process that asks for one URL, to tell a dead-man's switch that a schedule lives.
 *
 * `agent-delivery --ping` reads the URL from its standard input, where no other user sees it, makes
 * a GET request and prints the outcome as sinkfile does: `delivered` for a status of 2xx, else
 * `failed`.
 *
 * Operators name the URLs, so that hosts of the own network are allowed; what no switch is behind,
 * link-local addresses (the metadata of clouds) and multicast, is not.  request.h
 * says what else is kept from them. */
#ifndef DELIVERY_PING_H
#define DELIVERY_PING_H

#include "common/buf.h"

#define PING_TIMEOUT_MS 8000 /* below that of the lease, so that we can say so */

/* What the process does, as a function; the answer is appended to out, without a newline. */
void ping_send(const char *url, struct buf *out);
/* The process: returns its exit code. */
int ping_main(void);

#endif
