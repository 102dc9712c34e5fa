/* declared - the objects that a configuration declares: companies, agents, handlers, sinks,
 * schedules.
 *
 * A section is a map of name → body, or a list of bodies with a `name` each (the only way to give
 * one name in two companies).  A body is written as its message (proto/messages.h) with these
 * liberties: a duration is a member without `_ms`, "5m" or a number of seconds; `retry` is a list
 * of such; sizes in bytes take K, M, G; arguments and variables may be numbers.  A program with a
 * '/' and a relative cwd are meant from the file's folder. */
#ifndef CONFIG_DECLARED_H
#define CONFIG_DECLARED_H

#include "common/buf.h"
#include "proto/codec.h"
#include "supervisor/config/yaml.h"

#define COMPANY_DEFAULT "default" /* built in */

enum declared_kind {
    DECLARED_COMPANY,
    DECLARED_AGENT,
    DECLARED_HANDLER,
    DECLARED_SINK,
    DECLARED_SCHEDULE,
    DECLARED_PROFILE,
    DECLARED_KINDS
};

struct declared_object {
    const struct yaml *body;
    struct view        company; /* of agents and schedules; else empty */
    struct view        name;
    union {
        struct msg_company  company;
        struct msg_agent    agent;
        struct msg_handler  handler;
        struct msg_sink     sink;
        struct msg_schedule schedule;
        struct msg_profile  profile;
    } msg;
};

struct declared_list {
    struct declared_object        *items;  /* in the order of the file */
    const struct declared_object **sorted; /* by company and name */
    size_t                         count;
};

struct declared {
    struct declared_list of[DECLARED_KINDS];
};

/* The top-level key of a kind: "companies", … */
const char *declared_section(enum declared_kind kind);

/* Reads and checks all of them, references included.  folder: of the file, absolute.  Views point
 * into the tree and the arena. */
enum errc declared_read(const struct yaml *root, const char *folder, struct arena *a,
                        struct declared *out, struct err *e) MUST_CHECK;
void      declared_done(struct declared *d);
/* company: empty for the kinds without one. */
const struct declared_object *declared_find(const struct declared *d, enum declared_kind kind,
                                            struct view company, struct view name);
/* Reads one body's members over those that *m, a message of the kind, has; null takes one back.
 * Whether the object is whole then is not checked. */
enum errc declared_merge(const struct yaml *body, enum declared_kind kind, struct arena *a, void *m,
                         struct err *e) MUST_CHECK;
/* Appends the packed list of a kind's objects, in the order of the file. */
void declared_pack(const struct declared *d, enum declared_kind kind, struct buf *out);

#endif
