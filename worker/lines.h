/* lines - a stream of bytes cut into lines, in bounded memory.
 *
 * Of a line that is longer than its limit the beginning is given, and the rest is read and dropped:
 * a flood without a newline costs no memory.  The limit is LOG_LINE_MAX; on a stream that carries
 * protocol, for a line that begins with '{', one byte more than HANDLER_LINE_MAX, so that who
 * parses it sees that it was too long (N43). */
#ifndef WORKER_LINES_H
#define WORKER_LINES_H

#include "common/buf.h"

#define LOG_LINE_MAX 65536

struct lines {
    bool       has_protocol;
    bool       is_dropping; /* until the end of the line */
    struct buf part;        /* of a line whose end has not come */
};

/* line: without its newline, borrowed for the call. */
typedef void lines_fn(void *arg, struct view line);

void lines_init(struct lines *l, bool has_protocol);
void lines_done(struct lines *l);
void lines_feed(struct lines *l, struct view bytes, lines_fn *take, void *arg);
/* The stream has ended: gives what stood behind the last newline. */
void lines_end(struct lines *l, lines_fn *take, void *arg);
/* Whether a line looks as if it were protocol: its first character that is not blank is '{'. */
bool lines_is_protocol(struct view line);

#endif
