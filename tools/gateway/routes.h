/* routes - the one table of what can be asked by HTTP.
 *
 * A route is an operation of agentd's protocol with a method and a path; its parameters are fields
 * of that operation's message, from the path ({field}), the query and the JSON body, each once.
 * What they may be, and which role may ask, stands in the message's own descriptor. */
#ifndef TOOLS_GATEWAY_ROUTES_H
#define TOOLS_GATEWAY_ROUTES_H

#include "common/buf.h"
#include "common/mp.h"
#include "proto/codec.h"

/* As HTTP names them; in this order in METHOD_NAMES. */
enum method { METHOD_GET, METHOD_POST, METHOD_PATCH, METHOD_DELETE, METHOD_COUNT };
const char *method_name(enum method m);

struct route {
    enum method method;
    const char *pattern; /* with at most one {field} */
    enum msg_id op;
    int         status; /* of success */
    const char *summary;
};

/* All of them, `*count`. */
const struct route *routes(size_t *count);

/* Where a path leads. */
struct route_match {
    const struct route *route; /* NULL: the path has no route with this method … */
    unsigned    methods;       /* … but with these: bits of enum method; 0: the path is unknown */
    struct view value;         /* of {field}, as it stands in the path */
};
/* `path` is as it came: a slash that is written as %2F is one of the value.  A literal goes before
 * a parameter, and more of the pattern before less: a session's key may have slashes, and so has a
 * name with its company. */
struct route_match route_find(enum method method, struct view path);
/* The name within the braces; empty when the pattern has none. */
struct view route_parameter(const struct route *r);
/* The field of the operation's message; NULL when it has none of this name. */
const struct field_desc *route_field(const struct route *r, struct view name);

/* A request's body, made from its parts. */
struct route_body {
    struct buf         packed; /* an open map */
    struct mp_open_map map;
};
/* Begins with the path's value, which it decodes; E_BAD_REQUEST names the field. */
enum errc route_body_begin(struct route_body *b, const struct route_match *m,
                           struct err *e) MUST_CHECK;
/* Of an argument, decoded. */
enum errc route_body_query(struct route_body *b, const struct route *r, struct view name,
                           struct view value, struct err *e) MUST_CHECK;
/* A JSON object; empty text adds nothing. */
enum errc route_body_json(struct route_body *b, struct view text, struct err *e) MUST_CHECK;
/* The packed map, good until route_body_done. */
struct view route_body_end(struct route_body *b);
void        route_body_done(struct route_body *b);

#endif
