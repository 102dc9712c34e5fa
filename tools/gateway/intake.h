/* intake - what libwebsockets reads from its connections.
 *
 * It reads by recv(), which is replaced here, for the thread of its loop and for its connections
 * alone: of a request it is given a head when that which has come is whole and right (head.h), then
 * the body, and nothing behind it until that request is answered.  A head that is not right is
 * answered here; then what still comes is thrown away for a while, so that the peer reads the
 * answer before the connection breaks.  Of a WebSocket it is given the frames as long as they are
 * masked (frames.h). */
#ifndef TOOLS_GATEWAY_INTAKE_H
#define TOOLS_GATEWAY_INTAKE_H

#include "tools/gateway/counters.h"
#include "tools/gateway/head.h"
#include <libwebsockets.h>
#include <stdbool.h>

/* Before the loop, in its thread; `descriptors`: how many this process may have.  One at a time. */
void intake_open(size_t descriptors, struct counters *counters);
void intake_close(void);

/* A connection begins, or is gone. */
void intake_begin(struct lws *wsi);
void intake_end(struct lws *wsi);
/* What its request says, until that is answered or forgotten; empty before and after. */
const struct head *intake_head(const struct lws *wsi);
/* The head is of no more use to a connection that stays open for long. */
void intake_forget(struct lws *wsi);
/* Its request is answered: the next one may come. */
void intake_next(struct lws *wsi);

/* Whether it has asked for something yet, as intake_meet says. */
bool intake_is_stranger(const struct lws *wsi);
void intake_meet(struct lws *wsi);

#endif
