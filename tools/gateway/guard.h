/* guard - by which names the gateway may be spoken to, and by pages of which origins.
 *
 * A page of another site can make a browser send requests here, and by DNS rebinding under a name
 * of its own; so Host must be a name that is known, and what may change something, and each
 * upgrade, must come from a page that was served here or from a listed origin. */
#ifndef TOOLS_GATEWAY_GUARD_H
#define TOOLS_GATEWAY_GUARD_H

#include "common/mem.h"

struct guard {
    char **hosts; /* names and addresses, without port, in lower case */
    size_t nhosts;
    char **origins; /* in lower case */
    size_t norigins;
};

/* `address` is that which is listened on; localhost and the loopback addresses are always known.
 * The lists have commas between their items. */
void guard_init(struct guard *g, const char *address, const char *hosts, const char *origins);
void guard_done(struct guard *g);

/* Whether a Host header ("name", "name:port", "[::1]:port") names us; the port is not looked at,
 * for a proxy may have another one. */
bool guard_knows_host(const struct guard *g, struct view host);
/* Whether an Origin header is a listed one, or that of what is served under this Host. */
bool guard_knows_origin(const struct guard *g, struct view origin, struct view host);

#endif
