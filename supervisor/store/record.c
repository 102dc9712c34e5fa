#include "supervisor/store/record.h"

#include "common/mp.h"
#include <assert.h>
#include <endian.h>
#include <string.h>

#define SUM_BYTES 8
#define SIGN_BIT  (1ULL << 63)

/* ---- keys ---- */

static const size_t type_bytes[] = {
    [FIELD_U8] = 1,    [FIELD_U32] = 4,  [FIELD_U64] = 8,  [FIELD_I64] = 8,
    [FIELD_HASH] = 16, [FIELD_STR] = 16, [FIELD_ANY] = 16, [FIELD_BIN] = 16,
};

static inline const struct record_field *
part_field(const struct table_desc *d, uint8_t part)
{
    return &d->fields[part & ~KEY_DESCENDING];
}

static inline void
put_u64(uint8_t *out, uint64_t v)
{
    v = htobe64(v);
    memcpy(out, &v, sizeof(v));
}

static inline uint64_t
get_u64(const uint8_t *in)
{
    uint64_t v;

    memcpy(&v, in, sizeof(v));
    return be64toh(v);
}

static inline size_t
put_hash(uint8_t *out, const struct hash128 *h)
{
    put_u64(out, h->hi);
    put_u64(out + 8, h->lo);
    return 16;
}

static inline size_t
part_encode(enum record_type type, const void *field, uint8_t *out)
{
    uint32_t       u32;
    struct hash128 h;

    switch (type) {
    case FIELD_U8: *out = *(const uint8_t *)field; return 1;
    case FIELD_U32:
        u32 = htobe32(*(const uint32_t *)field);
        memcpy(out, &u32, sizeof(u32));
        return 4;
    case FIELD_U64: put_u64(out, *(const uint64_t *)field); return 8;
    case FIELD_I64: put_u64(out, (uint64_t) * (const int64_t *)field ^ SIGN_BIT); return 8;
    case FIELD_HASH: return put_hash(out, field);
    default: h = hash128(*(const struct view *)field); return put_hash(out, &h);
    }
}

size_t
key_encode(const struct key_desc *k, unsigned parts, const void *rec, uint8_t out[KEY_BYTES_MAX])
{
    const struct table_desc *d = table_desc(k->table);
    size_t                   size = 0;

    assert(parts <= k->part_count);
    for (unsigned i = 0; i < parts; i++) {
        const struct record_field *f = part_field(d, k->parts[i]);
        size_t bytes = part_encode(f->type, (const char *)rec + f->offset, out + size);

        if (k->parts[i] & KEY_DESCENDING) {
            for (size_t j = 0; j < bytes; j++)
                out[size + j] = (uint8_t)~out[size + j];
        }
        size += bytes;
    }
    return size;
}

size_t
key_bytes(const struct key_desc *k)
{
    const struct table_desc *d = table_desc(k->table);
    size_t                   size = 0;

    for (unsigned i = 0; i < k->part_count; i++)
        size += type_bytes[part_field(d, k->parts[i])->type];
    return size;
}

static void
part_decode(enum record_type type, const uint8_t *in, void *field)
{
    uint32_t u32;

    switch (type) {
    case FIELD_U8: *(uint8_t *)field = *in; break;
    case FIELD_U32:
        memcpy(&u32, in, sizeof(u32));
        *(uint32_t *)field = be32toh(u32);
        break;
    case FIELD_U64: *(uint64_t *)field = get_u64(in); break;
    case FIELD_I64: *(int64_t *)field = (int64_t)(get_u64(in) ^ SIGN_BIT); break;
    case FIELD_HASH:
        *(struct hash128 *)field = (struct hash128){get_u64(in), get_u64(in + 8)};
        break;
    default: *(struct view *)field = view_of(NULL, 0);
    }
}

void
key_decode(const struct key_desc *k, const uint8_t *key, void *rec)
{
    const struct table_desc *d = table_desc(k->table);

    for (unsigned i = 0; i < k->part_count; i++) {
        const struct record_field *f = part_field(d, k->parts[i]);
        size_t                     bytes = type_bytes[f->type];
        uint8_t                    flip = k->parts[i] & KEY_DESCENDING ? 0xff : 0;
        uint8_t                    plain[16] = {0};

        for (size_t j = 0; j < bytes; j++)
            plain[j] = key[j] ^ flip;
        part_decode(f->type, plain, (char *)rec + f->offset);
        key += bytes;
    }
}

/* ---- values ---- */

static bool
is_one_value(struct view v)
{
    struct mp_reader r = mp_reader_of(v);
    struct view      raw;

    return mp_read_any(&r, &raw) && r.at == r.end;
}

/* Most fields of most records are numbers, small ones mostly, and empty texts: these spare them the
 * general way. */
static inline void
put_uint(struct buf *out, uint64_t v)
{
    if (v < 0x80 && out->size < out->cap) {
        out->data[out->size++] = (char)v;
    } else {
        mp_u64(out, v);
    }
}

/* A number of one byte, or of 1, 2, 4 or 8 bytes behind 0xcc to 0xcf, but for the last of a record
 * (with fewer than 8 bytes behind its first). */
static inline bool
take_uint(struct mp_reader *r, uint64_t *out)
{
    size_t   left = (size_t)(r->end - r->at);
    unsigned kind = left ? (uint8_t)*r->at : 0xff;

    if (kind < 0x80) {
        *out = kind;
        r->at++;
        return true;
    }
    if (kind < 0xcc || kind > 0xcf || left < 9) return false;
    unsigned bytes = 1u << (kind - 0xcc);
    *out = get_u64((const uint8_t *)r->at + 1) >> (64 - 8 * bytes);
    r->at += 1 + bytes;
    return true;
}

static inline void
field_encode(enum record_type type, const void *field, struct buf *out)
{
    uint8_t hash[16];

    switch (type) {
    case FIELD_U8: put_uint(out, *(const uint8_t *)field); break;
    case FIELD_U32: put_uint(out, *(const uint32_t *)field); break;
    case FIELD_U64: put_uint(out, *(const uint64_t *)field); break;
    case FIELD_I64:
        if (*(const int64_t *)field >= 0) {
            put_uint(out, *(const uint64_t *)field);
        } else {
            mp_i64(out, *(const int64_t *)field);
        }
        break;
    case FIELD_HASH: mp_bin(out, view_of(hash, put_hash(hash, field))); break;
    case FIELD_STR: mp_str(out, *(const struct view *)field); break;
    case FIELD_ANY:
        assert(((const struct view *)field)->size == 0 ||
               is_one_value(*(const struct view *)field));
        mp_raw(out, *(const struct view *)field);
        break;
    case FIELD_BIN: mp_bin(out, *(const struct view *)field); break;
    }
}

void
fields_encode(const struct table_desc *d, const void *rec, struct buf *out)
{
    mp_array(out, d->field_count + 1);
    mp_u64(out, d->version);
    for (uint32_t i = 0; i < d->field_count; i++)
        field_encode(d->fields[i].type, (const char *)rec + d->fields[i].offset, out);
}

/* An empty string's one byte, or nil's. */
static inline bool
take_empty(struct mp_reader *r, uint8_t byte)
{
    if (r->at == r->end || (uint8_t)*r->at != byte) return false;
    r->at++;
    return true;
}

static inline bool
read_up_to(struct mp_reader *r, uint64_t max, uint64_t *out)
{
    return (take_uint(r, out) || mp_read_u64(r, out)) && *out <= max;
}

static inline bool
read_hash(struct mp_reader *r, struct hash128 *out)
{
    struct view v;

    if (!mp_read_bin(r, &v) || v.size != 16) return false;
    *out = (struct hash128){get_u64((const uint8_t *)v.data), get_u64((const uint8_t *)v.data + 8)};
    return true;
}

static inline bool
field_decode(struct mp_reader *r, enum record_type type, void *field)
{
    struct view *v = field;
    uint64_t     n;

    switch (type) {
    case FIELD_U8:
        if (!read_up_to(r, UINT8_MAX, &n)) return false;
        *(uint8_t *)field = (uint8_t)n;
        return true;
    case FIELD_U32:
        if (!read_up_to(r, UINT32_MAX, &n)) return false;
        *(uint32_t *)field = (uint32_t)n;
        return true;
    case FIELD_U64: return read_up_to(r, UINT64_MAX, field);
    case FIELD_I64:
        if (!take_uint(r, &n)) return mp_read_i64(r, field);
        *(int64_t *)field = (int64_t)n;
        return n <= INT64_MAX;
    case FIELD_HASH: return read_hash(r, field);
    case FIELD_STR:
        if (take_empty(r, 0xa0)) return true;
        if (!mp_read_str(r, v)) return false;
        break;
    case FIELD_ANY:
        if (take_empty(r, 0xc0)) return true;
        if (!mp_read_any(r, v)) return false;
        break;
    case FIELD_BIN:
        if (!mp_read_bin(r, v)) return false;
        break;
    }
    if (v->size == 0) v->data = NULL;
    return true;
}

bool
fields_decode(const struct table_desc *d, struct view array, void *rec)
{
    struct mp_reader r = mp_reader_of(array);
    uint64_t         version;
    uint32_t         count;

    memset(rec, 0, d->record_bytes);
    if (!mp_read_array(&r, &count) || !mp_read_u64(&r, &version)) return false;
    if (version == 0 || version > d->version || count - 1 > d->field_count) return false;
    for (uint32_t i = 0; i < count - 1; i++) {
        if (!field_decode(&r, d->fields[i].type, (char *)rec + d->fields[i].offset)) return false;
    }
    return r.at == r.end;
}

/* ---- stored records ---- */

/* Key and value lie apart in the store, so the key's hash is the seed of the value's. */
static uint64_t
checksum(enum table_id table, struct view key, struct view array)
{
    return hash64(array, hash64(key, (uint64_t)table + 1));
}

static inline struct view
array_of(struct view stored)
{
    return view_of(stored.data, stored.size - SUM_BYTES);
}

uint64_t
record_sum(struct view stored)
{
    if (stored.size < SUM_BYTES) return 0;
    return get_u64((const uint8_t *)stored.data + stored.size - SUM_BYTES);
}

void
record_encode(enum table_id table, struct view key, const void *rec, struct buf *out)
{
    size_t  start = out->size;
    uint8_t sum[SUM_BYTES];

    fields_encode(table_desc(table), rec, out);
    put_u64(sum, checksum(table, key, view_of(out->data + start, out->size - start)));
    buf_add(out, sum, sizeof(sum));
    assert(out->size - start <= RECORD_BYTES_MAX);
}

bool
record_is_sound(enum table_id table, struct view key, struct view stored)
{
    return stored.size > SUM_BYTES && stored.size <= RECORD_BYTES_MAX &&
           record_sum(stored) == checksum(table, key, array_of(stored));
}

bool
record_decode(enum table_id table, struct view key, struct view stored, void *rec)
{
    return record_is_sound(table, key, stored) &&
           fields_decode(table_desc(table), array_of(stored), rec);
}

void
record_keep(enum table_id table, void *rec, struct arena *a)
{
    const struct table_desc *d = table_desc(table);

    for (uint64_t left = d->views; left; left &= left - 1) {
        const struct record_field *f = &d->fields[__builtin_ctzll(left)];
        struct view               *v = (struct view *)(void *)((char *)rec + f->offset);

        if (v->size > 0) *v = arena_copy(a, *v);
    }
}
