/* json - JSON text to msgpack, parsed by jansson, and back.
 *
 * JSON exists at the edges only (agentctl, handlers, logs); inside everything is msgpack. */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include "common/buf.h"
#include "common/err.h"

/* Appends the msgpack form of exactly one JSON value.  Duplicate keys, depth over MP_DEPTH_MAX,
 * more than MP_NODES_MAX nodes, integers beyond int64, invalid UTF-8 and NUL in a key are
 * E_BAD_REQUEST with line and column. */
enum errc json_to_mp(struct view text, struct buf *out, struct err *e) MUST_CHECK;
/* Appends compact JSON text (one line) of one msgpack value.  Bytes that JSON cannot express (bin,
 * ext, NaN) are E_INTERNAL. */
enum errc json_from_mp(struct view value, struct buf *out, struct err *e) MUST_CHECK;

#endif
