#include "supervisor/store/internal.h"

#include <assert.h>
#include <string.h>

static size_t
chunk_count(size_t bytes)
{
    return (bytes + BLOB_CHUNK - 1) / BLOB_CHUNK;
}

static size_t
chunk_size(size_t bytes, size_t chunk)
{
    size_t rest = bytes - chunk * BLOB_CHUNK;

    return rest < BLOB_CHUNK ? rest : BLOB_CHUNK;
}

/* Removes the chunks from number `first` on. */
static void
delete_from(struct txn *t, enum blob_kind kind, uint64_t owner, size_t first)
{
    struct blob b = {.kind = (uint8_t)kind, .owner = owner, .chunk = (uint32_t)first};
    struct scan s;

    scan_open(&s, t, PRIMARY_BLOB, &b, 2, 3);
    while (scan_next_key(&s, &b))
        (void)blob_delete(t, &b); /* the scan says that it is there */
    scan_close(&s);
}

void
bytes_save(struct txn *t, enum blob_kind kind, uint64_t owner, struct view data)
{
    size_t count = chunk_count(data.size);

    assert(data.size <= UINT32_MAX);
    for (size_t i = 0; i < count; i++) {
        struct blob b = {.kind = (uint8_t)kind, .owner = owner, .chunk = (uint32_t)i};
        b.data = view_of(data.data + i * BLOB_CHUNK, chunk_size(data.size, i));
        blob_save(t, &b);
    }
    delete_from(t, kind, owner, count);
}

void
bytes_delete(struct txn *t, enum blob_kind kind, uint64_t owner)
{
    delete_from(t, kind, owner, 0);
}

static enum load
chunk_get(struct txn *t, enum blob_kind kind, uint64_t owner, size_t chunk, struct view *data)
{
    struct blob  key = {.kind = (uint8_t)kind, .owner = owner, .chunk = (uint32_t)chunk};
    uint8_t      bytes[KEY_BYTES_MAX];
    union record r;

    size_t    size = key_encode(key_desc(PRIMARY_BLOB), 3, &key, bytes);
    enum load found = record_get(t, TABLE_BLOB, view_of(bytes, size), &r);
    if (found == LOAD_FOUND) *data = r.blob.data;
    return found;
}

static bool
has_chunks(struct txn *t, enum blob_kind kind, uint64_t owner)
{
    struct blob b = {.kind = (uint8_t)kind, .owner = owner};
    struct scan s;

    scan_open(&s, t, PRIMARY_BLOB, &b, 2, 2);
    bool is_any = scan_next_key(&s, &b);
    scan_close(&s);
    return is_any;
}

enum load
bytes_load(struct txn *t, enum blob_kind kind, uint64_t owner, uint32_t bytes, struct view *out)
{
    size_t      count = chunk_count(bytes);
    struct view chunk;
    enum load   found = chunk_get(t, kind, owner, 0, &chunk);

    if (found == LOAD_ABSENT && !has_chunks(t, kind, owner)) return LOAD_ABSENT;
    if (found != LOAD_FOUND) return LOAD_DAMAGED;
    /* The last chunk is looked at before memory is taken for what may not be there. */
    if (count == 0 || chunk_get(t, kind, owner, count, &chunk) != LOAD_ABSENT) return LOAD_DAMAGED;
    if (chunk_get(t, kind, owner, count - 1, &chunk) != LOAD_FOUND) return LOAD_DAMAGED;

    char *data = arena_alloc(&t->arena, bytes);
    for (size_t i = 0; i < count; i++) {
        if (chunk_get(t, kind, owner, i, &chunk) != LOAD_FOUND) return LOAD_DAMAGED;
        if (chunk.size != chunk_size(bytes, i)) return LOAD_DAMAGED;
        memcpy(data + i * BLOB_CHUNK, chunk.data, chunk.size);
    }
    *out = view_of(data, bytes);
    return LOAD_FOUND;
}
