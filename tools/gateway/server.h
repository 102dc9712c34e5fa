/* server - the event loop: libwebsockets, which listens and parses, with our sockets to agentd
 * among its descriptors.
 *
 * Of libwebsockets 4.1.6 nothing is taken for granted: no other upgrade than to a WebSocket (it
 * would take h2c), no address but the one that is set, no extension, tables of a size that we
 * set. */
#ifndef TOOLS_GATEWAY_SERVER_H
#define TOOLS_GATEWAY_SERVER_H

#include "common/err.h"
#include "tools/gateway/options.h"

struct server;

/* Listens. */
enum errc server_new(struct server **out, const struct options *o, struct err *e) MUST_CHECK;
void      server_destroy(struct server **p);
int       server_port(const struct server *s);
/* Serves until SIGTERM or SIGINT, which `signal_fd` tells. */
void server_run(struct server *s, int signal_fd);

#endif
