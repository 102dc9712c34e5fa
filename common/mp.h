/* mp - msgpack, bounded: a check, a cursor reader that allocates nothing, and writers.
 *
 * msgpack-c's unpacker reserves memory for whatever count a header claims (5 bytes can ask for
 * 537 MB), nests at most 32 deep and takes duplicate keys, so bytes from outside are first walked
 * by mp_check; the cursor then reads them in place. */
#ifndef COMMON_MP_H
#define COMMON_MP_H

#include "common/buf.h"
#include "common/mem.h"
#include <stdbool.h>
#include <stdint.h>

#define MP_DEPTH_MAX 16    /* containers within containers */
#define MP_NODES_MAX 65536 /* values in one message, map keys included */

/* NULL when `v` is exactly one well-formed msgpack value with nothing behind it, at most
 * MP_DEPTH_MAX deep, at most MP_NODES_MAX nodes, no container claiming more elements than bytes
 * remain, no reserved byte, no ext; else a constant sentence that says what is wrong.  Allocates
 * nothing.
 */
const char *mp_check(struct view v);
/* The same, and expressible as JSON: map keys are strings without NUL (jansson takes none) and not
 * repeated within a map, strings are UTF-8, no bin, no NaN or infinity, integers within int64.
 * Allocates only a list of the open maps' keys, which MP_NODES_MAX bounds. */
const char *mp_check_json(struct view v);

enum mp_type {
    MP_NIL,
    MP_BOOL,
    MP_INT,
    MP_UINT,
    MP_FLOAT,
    MP_STR,
    MP_BIN,
    MP_ARRAY,
    MP_MAP,
    MP_BAD
};

/* Reads values one after the other.  `failed` is set, and stays, at the first value that is not
 * what was asked or that ends beyond the end; from then on every call returns false, and 0 or
 * empty.  It trusts nothing: unchecked bytes cannot make it read outside. */
struct mp_reader {
    const char *at;
    const char *end;
    bool        failed;
};
struct mp_reader mp_reader_of(struct view v);
enum mp_type     mp_peek(const struct mp_reader *r); /* MP_BAD at the end or after a failure */
bool             mp_read_nil(struct mp_reader *r); /* takes it when it is nil; no failure if not */
bool             mp_read_bool(struct mp_reader *r, bool *out);
bool             mp_read_i64(struct mp_reader *r, int64_t *out); /* either integer kind, in range */
bool mp_read_u64(struct mp_reader *r, uint64_t *out);            /* either integer kind, in range */
bool mp_read_f64(struct mp_reader *r, double *out);              /* float or integer */
bool mp_read_str(struct mp_reader *r, struct view *out);         /* borrowed */
bool mp_read_bin(struct mp_reader *r, struct view *out);         /* str or bin, borrowed */
bool mp_read_array(struct mp_reader *r, uint32_t *count);
bool mp_read_map(struct mp_reader *r, uint32_t *pairs);
bool mp_read_any(struct mp_reader *r, struct view *raw); /* one whole value's bytes */
/* The raw value of `key` in the map `v`; false when v is no map or has no such key. */
bool mp_find(struct view map, const char *key, struct view *value);
/* Conveniences over mp_find for maps that are known to be well-formed. */
bool mp_find_str(struct view map, const char *key, struct view *out);
bool mp_find_i64(struct view map, const char *key, int64_t *out);
bool mp_find_bool(struct view map, const char *key, bool *out);

/* Writers append to a buf. */
void mp_nil(struct buf *b);
void mp_bool(struct buf *b, bool v);
void mp_i64(struct buf *b, int64_t v);
void mp_u64(struct buf *b, uint64_t v);
void mp_f64(struct buf *b, double v);
void mp_str(struct buf *b, struct view v);
void mp_cstr(struct buf *b, const char *s); /* NULL writes nil */
void mp_bin(struct buf *b, struct view v);
void mp_array(struct buf *b, uint32_t count);
void mp_map(struct buf *b, uint32_t pairs);
void mp_raw(struct buf *b, struct view value); /* one already packed value; nil when empty */

/* A map whose size is not known before: mp_open writes a map32 header, each mp_key counts a pair,
 * mp_close fills the count in.  Such maps nest. */
struct mp_open_map {
    size_t   header; /* offset of the header in the buf */
    uint32_t pairs;
};
struct mp_open_map mp_open(struct buf *b);
void               mp_key(struct buf *b, struct mp_open_map *m, const char *key);
void               mp_close(struct buf *b, struct mp_open_map *m);
/* key and value in one call */
void mp_put_nil(struct buf *b, struct mp_open_map *m, const char *key);
void mp_put_bool(struct buf *b, struct mp_open_map *m, const char *key, bool v);
void mp_put_i64(struct buf *b, struct mp_open_map *m, const char *key, int64_t v);
void mp_put_u64(struct buf *b, struct mp_open_map *m, const char *key, uint64_t v);
void mp_put_str(struct buf *b, struct mp_open_map *m, const char *key, struct view v);
void mp_put_cstr(struct buf *b, struct mp_open_map *m, const char *key, const char *s);
void mp_put_raw(struct buf *b, struct mp_open_map *m, const char *key, struct view value);
/* nil when v is empty, else a string */
void mp_put_str_or_nil(struct buf *b, struct mp_open_map *m, const char *key, struct view v);
/* nil when t is 0, else the integer: for instants that may not have come */
void mp_put_time(struct buf *b, struct mp_open_map *m, const char *key, int64_t t_ms);
/* An array whose size is not known before: array32 header, the caller counts, mp_array_close. */
size_t mp_array_open(struct buf *b);
void   mp_array_close(struct buf *b, size_t header, uint32_t count);

/* UTF-8, shortest form, no surrogates. */
bool utf8_is_valid(struct view v);

#endif
