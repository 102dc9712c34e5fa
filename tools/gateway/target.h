/* target - what the line of a request names: a path, and the arguments of its query.
 *
 * Here alone it is judged and decoded.  A slash parts the path; one that is written as %2F does
 * not: it belongs to its part, whatever else stands there. */
#ifndef TOOLS_GATEWAY_TARGET_H
#define TOOLS_GATEWAY_TARGET_H

#include "common/buf.h"
#include "tools/gateway/refusal.h"

/* As they came, encoded. */
struct target {
    struct view path;
    struct view query; /* without the question mark */
};

/* Refused is a path with parts that are empty, "." or "..", of which another reader could make
 * another path. */
bool target_read(struct view text, struct target *out, struct refusal *no);

/* Adds the text that a path, or part of one, stands for. */
void target_decode(struct view encoded, struct buf *out);

/* One argument of a query: "name=value", or a name alone. */
struct target_argument {
    struct buf name, value; /* decoded */
};
/* Takes the next one from the query; false: there is none. */
bool target_next(struct view *query, struct target_argument *out);
void target_argument_done(struct target_argument *a);

/* An argument that is asked for. */
struct target_wanted {
    const char *name;
    struct buf  value; /* decoded */
    bool        is_there;
};
/* Takes them from the query, each once at most.  E_BAD_REQUEST: there is another one, or one that
 * is no UTF-8. */
enum errc target_take(struct view query, struct target_wanted *wanted, size_t count,
                      struct err *e) MUST_CHECK;

#endif
