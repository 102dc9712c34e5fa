/* store_random - random records of any table, by the schema. */
#ifndef TESTS_STORE_RANDOM_H
#define TESTS_STORE_RANDOM_H

#include "common/mp.h"
#include "supervisor/store/schema.h"
#include "tests/unit/store_case.h"

/* Small, near the type's ends or anything: where encodings change their length. */
static inline uint64_t
random_number(uint64_t *seed)
{
    uint64_t v = next_random(seed);

    switch (next_random(seed) % 4) {
    case 0: return v % 4;
    case 1: return v >> (v % 64);
    case 2: return UINT64_MAX - v % 4;
    default: return v;
    }
}

static inline struct view
random_bytes(uint64_t *seed, struct arena *a, size_t max)
{
    size_t size = next_random(seed) % 3 ? next_random(seed) % (max + 1) : 0;
    char  *data = arena_alloc(a, size);

    for (size_t i = 0; i < size; i++)
        data[i] = (char)next_random(seed);
    return size ? view_of(data, size) : view_of(NULL, 0);
}

static inline struct view
random_any(uint64_t *seed, struct arena *a)
{
    BUF_AUTO struct buf b = {0};

    switch (next_random(seed) % 4) {
    case 0: return view_of(NULL, 0);
    case 1: mp_i64(&b, (int64_t)random_number(seed)); break;
    case 2: mp_str(&b, random_bytes(seed, a, 300)); break;
    default:
        mp_map(&b, 1);
        mp_cstr(&b, "list");
        mp_array(&b, 2);
        mp_nil(&b);
        mp_bool(&b, true);
    }
    return arena_copy(a, buf_view(&b));
}

static inline void
random_field(uint64_t *seed, struct arena *a, enum record_type type, void *field)
{
    switch (type) {
    case FIELD_U8: *(uint8_t *)field = (uint8_t)random_number(seed); break;
    case FIELD_U32: *(uint32_t *)field = (uint32_t)random_number(seed); break;
    case FIELD_U64: *(uint64_t *)field = random_number(seed); break;
    case FIELD_I64: *(int64_t *)field = (int64_t)random_number(seed); break;
    case FIELD_HASH:
        *(struct hash128 *)field = (struct hash128){random_number(seed), random_number(seed)};
        break;
    case FIELD_ANY: *(struct view *)field = random_any(seed, a); break;
    default: *(struct view *)field = random_bytes(seed, a, 300);
    }
}

static inline void
random_record(uint64_t *seed, struct arena *a, const struct table_desc *d, union record *r)
{
    memset(r, 0, sizeof(*r));
    for (uint32_t i = 0; i < d->field_count; i++)
        random_field(seed, a, d->fields[i].type, (char *)r + d->fields[i].offset);
}

/* Of a field in the record's struct. */
static inline size_t
field_bytes(enum record_type type)
{
    switch (type) {
    case FIELD_U8: return sizeof(uint8_t);
    case FIELD_U32: return sizeof(uint32_t);
    case FIELD_U64: return sizeof(uint64_t);
    case FIELD_I64: return sizeof(int64_t);
    case FIELD_HASH: return sizeof(struct hash128);
    default: return sizeof(struct view);
    }
}

static inline bool
fields_equal(enum record_type type, const void *a, const void *b)
{
    if (type >= FIELD_STR) return view_eq(*(const struct view *)a, *(const struct view *)b);
    return memcmp(a, b, field_bytes(type)) == 0;
}

static inline bool
records_equal(const struct table_desc *d, const void *a, const void *b)
{
    for (uint32_t i = 0; i < d->field_count; i++) {
        size_t at = d->fields[i].offset;
        if (!fields_equal(d->fields[i].type, (const char *)a + at, (const char *)b + at)) {
            return false;
        }
    }
    return true;
}

#endif
