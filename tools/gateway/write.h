/* write - bytes to a connection, as much as is allowed in one callback.
 *
 * Nothing is read from a connection while its request is served: lws 4.1.6 would spin on input
 * that it does not take.  Held so it does not write either; so it is held until there is something
 * to write, and a peer that then sends more, but takes nothing, is hung up. */
#ifndef TOOLS_GATEWAY_WRITE_H
#define TOOLS_GATEWAY_WRITE_H

#include "common/buf.h"
#include <libwebsockets.h>

#define WRITE_PART 16384

/* Nothing is read until write_start, which asks for the callback in which write_part may be called.
 */
void write_hold(struct lws *wsi);
void write_start(struct lws *wsi);
/* The next part behind *sent; asks to be called again while something is left, and for a timer, in
 * which write_is_stuck is to be asked.  False: the connection is lost. */
bool write_part(struct lws *wsi, const struct buf *out, size_t *sent);
/* Whether all of it is out: lws keeps what the kernel did not take or what is more than it sends at
 * a time, and a connection that is held then would keep it until it writes again.  While it is not,
 * asks to be called again, as write_part does. */
bool write_is_over(struct lws *wsi, const struct buf *out, size_t sent);
bool write_is_stuck(struct lws *wsi);
/* All of at most WRITE_PART bytes, in lws's way `how`. */
bool write_some(struct lws *wsi, struct view bytes, enum lws_write_protocol how);

#endif
