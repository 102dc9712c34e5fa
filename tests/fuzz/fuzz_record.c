/* The first byte names a table or an index, the rest is its row: any bytes decode or are refused,
 * what decodes is written and read back the same, and so are keys. */
#include "supervisor/store/record.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_value(enum table_id table, struct view array)
{
    const struct table_desc *d = table_desc(table);
    BUF_AUTO struct buf      first = {0};
    BUF_AUTO struct buf      second = {0};
    union record             r;

    if (!fields_decode(d, array, &r)) return;
    fields_encode(d, &r, &first);
    assert(fields_decode(d, buf_view(&first), &r));
    fields_encode(d, &r, &second);
    assert(view_eq(buf_view(&first), buf_view(&second)));
}

/* A stored row as it may come from a damaged page. */
static void
try_stored(enum table_id table, struct view stored)
{
    union record r;

    (void)record_sum(stored); /* only that it stays within the bytes */
    (void)record_decode(table, view_of("key", 3), stored, &r);
}

/* A value that was written by us, with the checksum: what the fuzzer cannot find by itself. */
static void
try_sealed(enum table_id table, struct view array)
{
    const struct key_desc *k = key_desc((enum index_id)table);
    BUF_AUTO struct buf    stored = {0};
    uint8_t                key[KEY_BYTES_MAX];
    union record           r;
    union record           back;

    if (!fields_decode(table_desc(table), array, &r)) return;
    struct view key_view = view_of(key, key_encode(k, k->part_count, &r, key));
    record_encode(table, key_view, &r, &stored);
    assert(record_decode(table, key_view, buf_view(&stored), &back));
    for (uint64_t left = table_desc(table)->indexes; left; left &= left - 1)
        (void)key_desc(index_in(left))->holds(&back); /* only that any record has an answer */
}

static void
try_key(enum index_id id, struct view key)
{
    const struct key_desc   *k = key_desc(id);
    const struct table_desc *d = table_desc(k->table);
    union record             r = {0};
    uint8_t                  again[KEY_BYTES_MAX];
    bool                     has_text = false;

    if (key.size != key_bytes(k)) return;
    key_decode(k, (const uint8_t *)key.data, &r);
    size_t size = key_encode(k, k->part_count, &r, again);
    for (unsigned i = 0; i < k->part_count; i++)
        has_text |= d->fields[k->parts[i] & ~KEY_DESCENDING].type >= FIELD_STR;
    assert(size == key.size && (has_text || memcmp(key.data, again, size) == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    struct view rest = view_of(data + 1, size - 1);
    try_value((enum table_id)(data[0] % TABLE_COUNT), rest);
    try_stored((enum table_id)(data[0] % TABLE_COUNT), rest);
    try_sealed((enum table_id)(data[0] % TABLE_COUNT), rest);
    try_key((enum index_id)(data[0] % INDEX_COUNT), rest);
    return 0;
}
