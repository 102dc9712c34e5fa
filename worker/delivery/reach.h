/* reach - which addresses a request may reach: what keeps a webhook from being turned against the
 * own network (server-side request forgery).
 *
 * Judged is the address itself, after all names are looked up, at the moment of the connection:
 * what a name means may change in between.  Never reached are link-local addresses (the metadata of
 * clouds), multicast and what is reserved.  Loopback and private addresses (RFC 1918, RFC 4193, RFC
 * 6598), and ports other than 80 and 443, need an entry of the list `allow`:
 *
 *     HOST, ADDRESS or ADDRESS/BITS, each with :PORT or without (any port); [ADDRESS]:PORT for IPv6
 *
 * A HOST is compared with the URL's. */
#ifndef DELIVERY_REACH_H
#define DELIVERY_REACH_H

#include "common/mem.h"
#include <stdbool.h>
#include <sys/socket.h>

struct reach {
    struct view allow; /* a packed list of texts; empty: none */
    struct view host;  /* of the URL */
};

/* Link-local, multicast, reserved, or no address of the internet at all. */
bool reach_is_barred(const struct sockaddr *a, socklen_t size);
/* Whether the address and its port may be reached. */
bool reach_allows(const struct reach *r, const struct sockaddr *a, socklen_t size);

#endif
