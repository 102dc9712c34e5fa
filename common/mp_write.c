#include "common/mp.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#define HEAD_MAX 9 /* bytes before a value's own */

static inline void
put_byte(struct buf *b, unsigned byte)
{
    buf_reserve(b, 1);
    b->data[b->size++] = (char)byte;
}

/* A first byte and `size` bytes of number, big-endian. */
static inline void
put_number(struct buf *b, unsigned lead, uint64_t v, unsigned size)
{
    uint64_t be = htobe64(v << (64 - 8 * size));

    buf_reserve(b, 1 + sizeof(be));
    b->data[b->size] = (char)lead;
    memcpy(b->data + b->size + 1, &be, sizeof(be));
    b->size += 1 + size;
}

void
mp_nil(struct buf *b)
{
    put_byte(b, 0xc0);
}

void
mp_bool(struct buf *b, bool v)
{
    put_byte(b, v ? 0xc3 : 0xc2);
}

void
mp_i64(struct buf *b, int64_t v)
{
    uint64_t bits = (uint64_t)v;

    if (v >= 0) {
        mp_u64(b, bits);
    } else if (v >= -32) {
        put_byte(b, (unsigned)(bits & 0xff));
    } else if (v >= INT8_MIN) {
        put_number(b, 0xd0, bits, 1);
    } else if (v >= INT16_MIN) {
        put_number(b, 0xd1, bits, 2);
    } else if (v >= INT32_MIN) {
        put_number(b, 0xd2, bits, 4);
    } else {
        put_number(b, 0xd3, bits, 8);
    }
}

void
mp_u64(struct buf *b, uint64_t v)
{
    if (v < 0x80) {
        put_byte(b, (unsigned)v);
    } else if (v <= UINT8_MAX) {
        put_number(b, 0xcc, v, 1);
    } else if (v <= UINT16_MAX) {
        put_number(b, 0xcd, v, 2);
    } else if (v <= UINT32_MAX) {
        put_number(b, 0xce, v, 4);
    } else {
        put_number(b, 0xcf, v, 8);
    }
}

void
mp_f64(struct buf *b, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof(bits));
    put_number(b, 0xcb, bits, 8);
}

void
mp_str(struct buf *b, struct view v)
{
    assert(v.size <= UINT32_MAX);
    buf_reserve(b, HEAD_MAX + v.size);
    if (v.size < 32) {
        b->data[b->size++] = (char)(0xa0 | v.size);
    } else if (v.size <= UINT8_MAX) {
        put_number(b, 0xd9, v.size, 1);
    } else if (v.size <= UINT16_MAX) {
        put_number(b, 0xda, v.size, 2);
    } else {
        put_number(b, 0xdb, v.size, 4);
    }
    buf_add_view(b, v);
}

void
mp_cstr(struct buf *b, const char *s)
{
    if (s) {
        mp_str(b, view_str(s));
    } else {
        mp_nil(b);
    }
}

void
mp_bin(struct buf *b, struct view v)
{
    assert(v.size <= UINT32_MAX);
    if (v.size <= UINT8_MAX) {
        put_number(b, 0xc4, v.size, 1);
    } else if (v.size <= UINT16_MAX) {
        put_number(b, 0xc5, v.size, 2);
    } else {
        put_number(b, 0xc6, v.size, 4);
    }
    buf_add_view(b, v);
}

void
mp_array(struct buf *b, uint32_t count)
{
    if (count < 16) {
        put_byte(b, 0x90 | count);
    } else if (count <= UINT16_MAX) {
        put_number(b, 0xdc, count, 2);
    } else {
        put_number(b, 0xdd, count, 4);
    }
}

void
mp_map(struct buf *b, uint32_t pairs)
{
    if (pairs < 16) {
        put_byte(b, 0x80 | pairs);
    } else if (pairs <= UINT16_MAX) {
        put_number(b, 0xde, pairs, 2);
    } else {
        put_number(b, 0xdf, pairs, 4);
    }
}

void
mp_raw(struct buf *b, struct view value)
{
    if (value.size > 0) {
        buf_add_view(b, value);
    } else {
        mp_nil(b);
    }
}

/* Fills in the count of an array32 or map32 header that put_number wrote. */
static void
set_count(struct buf *b, size_t header, unsigned lead, uint32_t count)
{
    uint32_t be = htobe32(count);

    assert(header + 1 + sizeof(be) <= b->size && (unsigned char)b->data[header] == lead);
    memcpy(b->data + header + 1, &be, sizeof(be));
}

struct mp_open_map
mp_open(struct buf *b)
{
    struct mp_open_map m = {.header = b->size};

    put_number(b, 0xdf, 0, 4);
    return m;
}

void
mp_key(struct buf *b, struct mp_open_map *m, const char *key)
{
    m->pairs++;
    mp_str(b, view_str(key));
}

void
mp_close(struct buf *b, struct mp_open_map *m)
{
    set_count(b, m->header, 0xdf, m->pairs);
}

void
mp_put_nil(struct buf *b, struct mp_open_map *m, const char *key)
{
    mp_key(b, m, key);
    mp_nil(b);
}

void
mp_put_bool(struct buf *b, struct mp_open_map *m, const char *key, bool v)
{
    mp_key(b, m, key);
    mp_bool(b, v);
}

void
mp_put_i64(struct buf *b, struct mp_open_map *m, const char *key, int64_t v)
{
    mp_key(b, m, key);
    mp_i64(b, v);
}

void
mp_put_u64(struct buf *b, struct mp_open_map *m, const char *key, uint64_t v)
{
    mp_key(b, m, key);
    mp_u64(b, v);
}

void
mp_put_str(struct buf *b, struct mp_open_map *m, const char *key, struct view v)
{
    mp_key(b, m, key);
    mp_str(b, v);
}

void
mp_put_cstr(struct buf *b, struct mp_open_map *m, const char *key, const char *s)
{
    mp_key(b, m, key);
    mp_cstr(b, s);
}

void
mp_put_raw(struct buf *b, struct mp_open_map *m, const char *key, struct view value)
{
    mp_key(b, m, key);
    mp_raw(b, value);
}

void
mp_put_str_or_nil(struct buf *b, struct mp_open_map *m, const char *key, struct view v)
{
    mp_key(b, m, key);
    if (v.size > 0) {
        mp_str(b, v);
    } else {
        mp_nil(b);
    }
}

void
mp_put_time(struct buf *b, struct mp_open_map *m, const char *key, int64_t t_ms)
{
    mp_key(b, m, key);
    if (t_ms == 0) {
        mp_nil(b);
    } else {
        mp_i64(b, t_ms);
    }
}

size_t
mp_array_open(struct buf *b)
{
    size_t header = b->size;

    put_number(b, 0xdd, 0, 4);
    return header;
}

void
mp_array_close(struct buf *b, size_t header, uint32_t count)
{
    set_count(b, header, 0xdd, count);
}
