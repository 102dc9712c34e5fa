/* frames - whether the frames of a WebSocket's peer are masked, as each must be (RFC 6455, 5.1),
 * and whether pings, pongs and goodbyes have at most 125 bytes (5.5): libwebsockets 4.1.6 does not
 * look at the one, and hangs up without a word for the other.
 *
 * Of the bytes only headers are looked at: those that say where the next one is. */
#ifndef TOOLS_GATEWAY_FRAMES_H
#define TOOLS_GATEWAY_FRAMES_H

#include "common/mem.h"
#include <stdint.h>

/* FIN, text, and bits that nobody may set: a peer that sends it is closed with 1002. */
#define FRAMES_REFUSED '\xf1'

/* Zero-initialised is before the first frame. */
struct frames {
    uint64_t left;         /* bytes of the frame before the next header, once … */
    unsigned length_bytes; /* … so many more of its length have come */
    char     first;        /* of a header whose second byte has not come … */
    bool     has_first;    /* … if there is one: it is held back */
    bool     is_refused;   /* what follows is a frame that nobody may send */
};

/* How many of the bytes may be passed on: all but the first byte of a header, held back until the
 * second one is there, or a refused frame and what is behind it.  What is held back is to be the
 * first of the next bytes. */
size_t frames_read(struct frames *f, struct view bytes);

#endif
