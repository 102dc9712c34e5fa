/* listen - where a server listens, as a text: IPV4:PORT or [IPV6]:PORT.  Names are none: what one
 * resolves to may change, and an interface's may be of any network. */
#ifndef COMMON_LISTEN_H
#define COMMON_LISTEN_H

#include "common/err.h"
#include "common/mem.h"

#define LISTEN_HOSTS_ALLOWED \
    "names and addresses with commas between them, without ports, like agents.example"
#define LISTEN_ORIGINS_ALLOWED \
    "origins with commas between them, without paths, like https://app.example:8443"
#define LISTEN_ALLOWED "ADDRESS:PORT, like 127.0.0.1:8377 or [::1]:8377, the port 1 to 65535"

/* The address without brackets, borrowed from text, and the port, 0 to 65535.  E_BAD_REQUEST says
 * what is allowed. */
enum errc listen_parse(struct view text, struct view *address, int *port, struct err *e) MUST_CHECK;

/* Whether all items of a list with commas are names or addresses as a Host header has them, without
 * port; or origins as a browser sends them, like https://app.example:8443.  An empty one is. */
bool listen_are_hosts(struct view list);
bool listen_are_origins(struct view list);

/* Listens there and lets go at once: what was in the way, with a hint at what to change. */
enum errc listen_try(const char *address, int port, struct err *e) MUST_CHECK;

#endif
