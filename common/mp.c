#include "common/mp.h"

#include "common/hash.h"
#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a first byte says: the type, how many bytes of number follow it and, when none do, which of
 * its own bits are the number. */
struct lead {
    uint8_t type;
    uint8_t extra;
    uint8_t mask;
};

// clang-format off
static const struct lead leads[256] = {
    [0x00 ... 0x7f] = {MP_UINT, 0, 0x7f},
    [0x80 ... 0x8f] = {MP_MAP, 0, 0x0f},
    [0x90 ... 0x9f] = {MP_ARRAY, 0, 0x0f},
    [0xa0 ... 0xbf] = {MP_STR, 0, 0x1f},
    [0xc0] = {MP_NIL, 0, 0},
    [0xc1] = {MP_BAD, 0, 0},
    [0xc2 ... 0xc3] = {MP_BOOL, 0, 0x01},
    [0xc4] = {MP_BIN, 1, 0}, [0xc5] = {MP_BIN, 2, 0}, [0xc6] = {MP_BIN, 4, 0},
    [0xc7 ... 0xc9] = {MP_BAD, 0, 0},
    [0xca] = {MP_FLOAT, 4, 0}, [0xcb] = {MP_FLOAT, 8, 0},
    [0xcc] = {MP_UINT, 1, 0}, [0xcd] = {MP_UINT, 2, 0}, [0xce] = {MP_UINT, 4, 0}, [0xcf] = {MP_UINT, 8, 0},
    [0xd0] = {MP_INT, 1, 0}, [0xd1] = {MP_INT, 2, 0}, [0xd2] = {MP_INT, 4, 0}, [0xd3] = {MP_INT, 8, 0},
    [0xd4 ... 0xd8] = {MP_BAD, 0, 0},
    [0xd9] = {MP_STR, 1, 0}, [0xda] = {MP_STR, 2, 0}, [0xdb] = {MP_STR, 4, 0},
    [0xdc] = {MP_ARRAY, 2, 0}, [0xdd] = {MP_ARRAY, 4, 0},
    [0xde] = {MP_MAP, 2, 0}, [0xdf] = {MP_MAP, 4, 0},
    [0xe0 ... 0xff] = {MP_INT, 0, 0xff},
};
// clang-format on

/* A value's head: for strings and containers n is the size or count; for a negative integer its
 * two's complement; for a float its bits, of 32 or 64 by `extra`. */
struct head {
    enum mp_type type;
    uint8_t      extra;
    uint64_t     n;
};

static inline uint64_t
load_be(const char *p, uint8_t size)
{
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;

    switch (size) {
    case 1: return (uint8_t)*p;
    case 2: memcpy(&u16, p, sizeof(u16)); return be16toh(u16);
    case 4: memcpy(&u32, p, sizeof(u32)); return be32toh(u32);
    default: memcpy(&u64, p, sizeof(u64)); return be64toh(u64);
    }
}

/* Reads a head and, for str and bin, makes sure that the content is there (and does not take it).
 * NULL, or a sentence that says what is wrong. */
static inline const char *
take_head(struct mp_reader *r, struct head *h)
{
    size_t left = (size_t)(r->end - r->at);

    if (left == 0) return "the bytes end within a value";
    uint8_t     c = (uint8_t)*r->at;
    struct lead lead = leads[c];
    if (lead.type == MP_BAD) return c == 0xc1 ? "a reserved byte" : "an extension type";
    if (left <= lead.extra) return "the bytes end within a value";
    h->type = (enum mp_type)lead.type;
    h->extra = lead.extra;
    h->n = lead.extra ? load_be(r->at + 1, lead.extra) : (uint64_t)(c & lead.mask);
    left -= 1u + lead.extra;
    switch (h->type) {
    case MP_INT: {
        unsigned unused = lead.extra ? 64 - 8u * lead.extra : 56;
        h->n = (uint64_t)((int64_t)(h->n << unused) >> unused);
        break;
    }
    case MP_STR:
    case MP_BIN:
        if (h->n > left) return "the bytes end within a string";
        break;
    case MP_ARRAY:
        if (h->n > left) return "a container claims more elements than bytes remain";
        break;
    case MP_MAP:
        if (h->n > left / 2) return "a container claims more elements than bytes remain";
        break;
    default: break;
    }
    r->at += 1u + lead.extra;
    return NULL;
}

static inline double
head_float(const struct head *h)
{
    if (h->extra == 8) {
        double v;
        memcpy(&v, &h->n, sizeof(v));
        return v;
    }
    uint32_t bits = (uint32_t)h->n;
    float    v;
    memcpy(&v, &bits, sizeof(v));
    return (double)v;
}

/* Depth 0 holds the one value itself, depth n the elements of the nth open container. */
struct level {
    uint64_t left; /* values still to come, keys included */
    bool     is_map;
    size_t   first_key; /* this map's first in walk.keys */
};

struct walk {
    struct mp_reader r;
    bool             as_json;
    unsigned         depth;
    struct level     levels[MP_DEPTH_MAX + 1];
    struct buf       keys; /* struct key: those of the open maps, innermost last (JSON only) */
};

struct key {
    uint64_t    hash;
    struct view text;
};

static int
by_hash_and_text(const void *a, const void *b)
{
    const struct key *x = a;
    const struct key *y = b;

    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    if (x->text.size != y->text.size) return x->text.size < y->text.size ? -1 : 1;
    return x->text.size ? memcmp(x->text.data, y->text.data, x->text.size) : 0;
}

/* Small maps, nearly all, are compared pair by pair; for big ones that would be quadratic. */
static bool
has_twins(struct key *keys, size_t count)
{
    if (count <= 8) {
        for (size_t i = 1; i < count; i++) {
            for (size_t j = 0; j < i; j++) {
                if (view_eq(keys[i].text, keys[j].text)) return true;
            }
        }
        return false;
    }
    for (size_t i = 0; i < count; i++)
        keys[i].hash = hash64(keys[i].text, 0);
    qsort(keys, count, sizeof(*keys), by_hash_and_text);
    for (size_t i = 1; i < count; i++) {
        if (by_hash_and_text(&keys[i - 1], &keys[i]) == 0) return true;
    }
    return false;
}

static const char *
leave_level(struct walk *w)
{
    struct level *l = &w->levels[w->depth--];

    size_t count = w->keys.size / sizeof(struct key) - l->first_key;
    if (count == 0) return NULL;
    struct key *keys = (struct key *)(void *)w->keys.data + l->first_key;
    bool        is_bad = has_twins(keys, count);
    w->keys.size = l->first_key * sizeof(struct key);
    return is_bad ? "a map has a key twice" : NULL;
}

static const char *
check_key(struct walk *w, const struct head *h)
{
    struct key k = {.text = view_of(w->r.at, h->n)};

    if (h->type != MP_STR) return "a map key is not a string";
    if (h->n > 0 && memchr(k.text.data, '\0', k.text.size)) return "a map key contains a NUL";
    buf_add(&w->keys, &k, sizeof(k));
    return NULL;
}

static const char *
check_json_value(struct walk *w, const struct head *h)
{
    switch (h->type) {
    case MP_UINT: return h->n > INT64_MAX ? "an integer beyond int64" : NULL;
    case MP_FLOAT: return isfinite(head_float(h)) ? NULL : "a number that is not finite";
    case MP_BIN: return "binary data";
    case MP_STR: return utf8_is_valid(view_of(w->r.at, h->n)) ? NULL : "a string that is not UTF-8";
    default: return NULL;
    }
}

static const char *
check_value(struct walk *w)
{
    struct level *l = &w->levels[w->depth];
    bool          is_key = l->is_map && l->left % 2 == 0;
    struct head   h;
    const char   *wrong = take_head(&w->r, &h);

    if (!wrong && w->as_json && is_key) wrong = check_key(w, &h);
    if (!wrong && w->as_json) wrong = check_json_value(w, &h);
    if (wrong) return wrong;
    l->left--;
    if (h.type == MP_STR || h.type == MP_BIN) w->r.at += h.n;
    if (h.type != MP_ARRAY && h.type != MP_MAP) return NULL;
    if (w->depth == MP_DEPTH_MAX) return "nested too deep";
    w->levels[++w->depth] = (struct level){
        .left = h.type == MP_MAP ? h.n * 2 : h.n,
        .is_map = h.type == MP_MAP,
        .first_key = w->keys.size / sizeof(struct key),
    };
    return NULL;
}

static const char *
walk(struct walk *w)
{
    unsigned nodes = 0;

    for (;;) {
        const char *wrong = NULL;

        while (!wrong && w->depth > 0 && w->levels[w->depth].left == 0)
            wrong = leave_level(w);
        if (!wrong && w->levels[w->depth].left == 0) {
            return w->r.at == w->r.end ? NULL : "there are bytes behind the value";
        }
        if (!wrong && ++nodes > MP_NODES_MAX) wrong = "too many values";
        if (!wrong) wrong = check_value(w);
        if (wrong) return wrong;
    }
}

const char *
mp_check(struct view v)
{
    struct walk w = {.r = mp_reader_of(v), .levels[0].left = 1};

    return walk(&w);
}

const char *
mp_check_json(struct view v)
{
    struct walk w = {.r = mp_reader_of(v), .as_json = true, .levels[0].left = 1};
    const char *wrong = walk(&w);

    buf_done(&w.keys);
    return wrong;
}

struct mp_reader
mp_reader_of(struct view v)
{
    const char *data = v.data ? v.data : "";

    return (struct mp_reader){.at = data, .end = data + v.size};
}

enum mp_type
mp_peek(const struct mp_reader *r)
{
    if (r->failed || r->at == r->end) return MP_BAD;
    return (enum mp_type)leads[(uint8_t)*r->at].type;
}

/* The next head, whatever its type; a failure sticks. */
static inline bool
read_head(struct mp_reader *r, struct head *h)
{
    if (!r->failed && !take_head(r, h)) return true;
    r->failed = true;
    *h = (struct head){.type = MP_BAD};
    return false;
}

static inline bool
read_typed(struct mp_reader *r, struct head *h, enum mp_type a, enum mp_type b)
{
    if (read_head(r, h) && (h->type == a || h->type == b)) return true;
    r->failed = true;
    return false;
}

bool
mp_read_nil(struct mp_reader *r)
{
    if (mp_peek(r) != MP_NIL) return false;
    r->at++;
    return true;
}

bool
mp_read_bool(struct mp_reader *r, bool *out)
{
    struct head h;
    bool        ok = read_typed(r, &h, MP_BOOL, MP_BOOL);

    *out = ok && h.n;
    return ok;
}

bool
mp_read_i64(struct mp_reader *r, int64_t *out)
{
    struct head h;
    bool        ok = read_typed(r, &h, MP_INT, MP_UINT);

    if (ok && h.type == MP_UINT && h.n > INT64_MAX) {
        r->failed = true;
        ok = false;
    }
    *out = ok ? (int64_t)h.n : 0;
    return ok;
}

bool
mp_read_u64(struct mp_reader *r, uint64_t *out)
{
    struct head h;
    bool        ok = read_typed(r, &h, MP_UINT, MP_INT);

    if (ok && h.type == MP_INT && h.n > INT64_MAX) {
        r->failed = true;
        ok = false;
    }
    *out = ok ? h.n : 0;
    return ok;
}

bool
mp_read_f64(struct mp_reader *r, double *out)
{
    struct head h;

    *out = 0;
    if (!read_head(r, &h)) return false;
    switch (h.type) {
    case MP_FLOAT: *out = head_float(&h); return true;
    case MP_UINT: *out = (double)h.n; return true;
    case MP_INT: *out = (double)(int64_t)h.n; return true;
    default: r->failed = true; return false;
    }
}

static inline bool
read_bytes(struct mp_reader *r, struct view *out, enum mp_type also)
{
    struct head h;

    if (!read_typed(r, &h, MP_STR, also)) {
        *out = view_of(NULL, 0);
        return false;
    }
    *out = view_of(r->at, h.n);
    r->at += h.n;
    return true;
}

bool
mp_read_str(struct mp_reader *r, struct view *out)
{
    return read_bytes(r, out, MP_STR);
}

bool
mp_read_bin(struct mp_reader *r, struct view *out)
{
    return read_bytes(r, out, MP_BIN);
}

bool
mp_read_array(struct mp_reader *r, uint32_t *count)
{
    struct head h;
    bool        ok = read_typed(r, &h, MP_ARRAY, MP_ARRAY);

    *count = ok ? (uint32_t)h.n : 0;
    return ok;
}

bool
mp_read_map(struct mp_reader *r, uint32_t *pairs)
{
    struct head h;
    bool        ok = read_typed(r, &h, MP_MAP, MP_MAP);

    *pairs = ok ? (uint32_t)h.n : 0;
    return ok;
}

/* Counts what is still to come instead of nesting; every value is at least a byte, so the count
 * cannot exceed the bytes that are left. */
bool
mp_read_any(struct mp_reader *r, struct view *raw)
{
    const char *start = r->at;
    uint64_t    left = 1;

    *raw = view_of(NULL, 0);
    while (left > 0) {
        struct head h;

        if (left > (uint64_t)(r->end - r->at)) r->failed = true;
        if (!read_head(r, &h)) return false;
        left--;
        if (h.type == MP_STR || h.type == MP_BIN) r->at += h.n;
        if (h.type == MP_ARRAY) left += h.n;
        if (h.type == MP_MAP) left += h.n * 2;
    }
    *raw = view_of(start, (size_t)(r->at - start));
    return true;
}

bool
mp_find(struct view map, const char *key, struct view *value)
{
    struct mp_reader r = mp_reader_of(map);
    struct view      wanted = view_str(key);
    uint32_t         pairs;

    if (!mp_read_map(&r, &pairs)) return false;
    for (uint32_t i = 0; i < pairs; i++) {
        struct view name;
        struct view raw;
        bool        is_str = mp_peek(&r) == MP_STR;
        bool        ok = is_str ? mp_read_str(&r, &name) : mp_read_any(&r, &name);

        if (!ok || !mp_read_any(&r, &raw)) return false;
        if (is_str && view_eq(name, wanted)) {
            *value = raw;
            return true;
        }
    }
    return false;
}

bool
mp_find_str(struct view map, const char *key, struct view *out)
{
    struct view      raw;
    struct view      v;
    struct mp_reader r;

    if (!mp_find(map, key, &raw)) return false;
    r = mp_reader_of(raw);
    if (!mp_read_str(&r, &v)) return false;
    *out = v;
    return true;
}

bool
mp_find_i64(struct view map, const char *key, int64_t *out)
{
    struct view      raw;
    int64_t          v;
    struct mp_reader r;

    if (!mp_find(map, key, &raw)) return false;
    r = mp_reader_of(raw);
    if (!mp_read_i64(&r, &v)) return false;
    *out = v;
    return true;
}

bool
mp_find_bool(struct view map, const char *key, bool *out)
{
    struct view      raw;
    bool             v;
    struct mp_reader r;

    if (!mp_find(map, key, &raw)) return false;
    r = mp_reader_of(raw);
    if (!mp_read_bool(&r, &v)) return false;
    *out = v;
    return true;
}
