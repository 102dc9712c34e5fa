/* handler_line - one line of a handler's standard output (handler protocol, version 1).
 *
 * A line that is a JSON object with a known `type` is protocol; every other line is log text.  A
 * protocol line whose fields are wrong is an error of the handler (class invalid_output). */
#ifndef PROTO_HANDLER_LINE_H
#define PROTO_HANDLER_LINE_H

#include "common/buf.h"
#include "common/err.h"
#include <stdbool.h>
#include <stdint.h>

#define HANDLER_LINE_MAX 1572864 /* bytes of one protocol line (N43) */

enum line_kind {
    LINE_LOG_TEXT, /* not protocol: the whole line is text */
    LINE_TURN,
    LINE_USAGE,
    LINE_PROGRESS,
    LINE_LOG,
    LINE_EFFECT,
    LINE_NOTIFY,
    LINE_CHECKPOINT,
    LINE_DELTA,
    LINE_SNOOZE,
    LINE_FAIL,
    LINE_RESULT
};

/* What the kinds carry; the other members are zero.  Views borrow from the scratch buf. */
struct handler_line {
    enum line_kind kind;
    uint64_t       input_tokens, output_tokens, cost_micros; /* usage: deltas */
    uint64_t       percent;                                  /* progress */
    int64_t        after_ms; /* snooze: ms; fail: retry_after_ms; -1 when not given */
    struct view    level;    /* log */
    struct view    text;     /* message of progress, log, notify, fail, result; text of delta */
    struct view    fail_class;
    struct view
        value; /* effect: the map without type; checkpoint: data; result: output; packed msgpack */
    struct view metadata;           /* notify, result: packed map or empty */
    bool        has_notify, notify; /* result */
};

/* Parses one line (without its newline).  scratch is cleared and holds what the views borrow.
 * E_BAD_REQUEST: a protocol line with a missing, mistyped or over-long field, or over
 * HANDLER_LINE_MAX.  Unknown fields are ignored: a handler may be newer than we are. */
enum errc handler_line_parse(struct view line, struct buf *scratch, struct handler_line *out,
                             struct err *e) MUST_CHECK;

/* The failure class of a handler that ended without naming one (A6): by its last error text,
 * else handler_error. A name that a handler may not use becomes handler_error too. */
const char *failure_class_from_text(struct view text);
const char *failure_class_from_handler(struct view name);

#endif
