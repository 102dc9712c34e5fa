/* yaml - YAML text as a small tree that knows where everything stands, by libfyaml.
 *
 * JSON is accepted, being YAML.  What a configuration does not need is refused where it stands:
 * anchors and aliases (so nothing expands), tags, a second document, keys that are not words,
 * repeated keys, control characters, bytes that are not UTF-8.  Bounded by YAML_BYTES_MAX,
 * MP_DEPTH_MAX and MP_NODES_MAX. */
#ifndef CONFIG_YAML_H
#define CONFIG_YAML_H

#include "common/buf.h"
#include "common/err.h"
#include "common/mem.h"
#include <stdbool.h>
#include <stdint.h>

#define YAML_BYTES_MAX 4194304

enum yaml_type {
    YAML_NULL, /* also where nothing is written: then text is empty */
    YAML_BOOL,
    YAML_INTEGER,
    YAML_REAL,
    YAML_STRING,
    YAML_LIST,
    YAML_MAP
};

struct yaml {
    enum yaml_type type;
    uint32_t       line, column; /* from 1, in characters; an empty value has its key's */
    uint32_t       key_line, key_column;
    struct view    key;   /* of a map's member */
    struct view    text;  /* of a scalar, without quotes */
    uint32_t       index; /* among its siblings */
    uint32_t       count; /* of its children */
    struct yaml   *parent, *first, *last, *next;
    const char    *file; /* the name to show; only the topmost has it */
};

/* Reads `text` into *root, a map or YAML_NULL when the text holds nothing.  Everything lies in the
 * arena.  E_BAD_REQUEST begins with FILE:LINE:COL. */
enum errc yaml_parse(struct view text, const char *file, struct arena *a, const struct yaml **root,
                     struct err *e) MUST_CHECK;
/* The member of a map; NULL when it has none of that name. */
const struct yaml *yaml_get(const struct yaml *map, const char *key);

/* Whether a text of the list is that of one before it. */
bool yaml_is_repeated(const struct yaml *item);

/* The type that a plain (unquoted) scalar has by YAML's core schema. */
enum yaml_type yaml_plain_type(struct view text);
/* The number of a YAML_INTEGER's text; false when it is none or is beyond int64. */
bool yaml_integer(struct view text, int64_t *out);
/* Appends the msgpack form of the whole value. */
enum errc yaml_pack(const struct yaml *value, struct buf *out, struct err *e) MUST_CHECK;

/* E_BAD_REQUEST "FILE:LINE:COL: path.of.the.key: …" with the path as its field; at the value, or at
 * its key. */
enum errc yaml_refuse(const struct yaml *at, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
enum errc yaml_refuse_key(const struct yaml *at, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with what stands there: `FILE:LINE:COL: path: found "5x", …`. */
enum errc yaml_refuse_found(const struct yaml *at, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
