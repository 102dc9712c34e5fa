#include "supervisor/store/internal.h"

#include <assert.h>
#include <string.h>

void
scan_open(struct scan *s, struct txn *t, enum index_id index, const void *from, unsigned prefix,
          unsigned start)
{
    assert(start >= prefix);
    *s = (struct scan){.txn = t, .index = index};
    _Static_assert(sizeof(s->prefix) >= KEY_BYTES_MAX && sizeof(s->at) >= KEY_BYTES_MAX,
                   "keys fit");
    s->prefix_size = (uint8_t)key_encode(key_desc(index), prefix, from, s->prefix);
    s->at_size = (uint8_t)key_encode(key_desc(index), start, from, s->at);
    t->open_scans++;
}

void
scan_seek(struct scan *s, const void *rec, unsigned fields)
{
    s->at_size = (uint8_t)key_encode(key_desc(s->index), fields, rec, s->at);
    assert(s->at_size >= s->prefix_size && memcmp(s->at, s->prefix, s->prefix_size) == 0);
    s->started = false;
    s->done = false;
}

void
scan_close(struct scan *s)
{
    if (!s->txn) return;
    if (s->cursor) mdb_cursor_close(s->cursor);
    buf_done(&s->copy);
    assert(s->txn->open_scans > 0);
    s->txn->open_scans--;
    *s = (struct scan){.done = true};
}

/* Puts the cursor on the first key that is not before s->at, or behind it once that was returned:
 * after a write the cursor's own place is not relied upon. */
static int
seek(struct scan *s, MDB_val *k, MDB_val *v)
{
    *k = (MDB_val){s->at_size, s->at};
    int rc = rows_get(s->cursor, s->index, k, v, s->at_size > 0 ? MDB_SET_RANGE : MDB_FIRST);
    if (rc != 0 || !s->started) return rc;
    if (!view_eq(view_of_val(*k), view_of(s->at, s->at_size))) return 0;
    return rows_get(s->cursor, s->index, k, v, MDB_NEXT);
}

static int
move(struct scan *s, MDB_val *k, MDB_val *v)
{
    struct txn *t = s->txn;

    if (!s->cursor) {
        MDB_cursor *c;
        int         rc = rows_open(t, s->index, &c);
        if (rc != 0) return rc;
        s->cursor = c;
    } else if (s->started && s->writes_seen == t->writes) {
        return rows_get(s->cursor, s->index, k, v, MDB_NEXT);
    }
    return seek(s, k, v);
}

/* Keys that do not ascend mean damaged pages, on which a scan could go round for ever. */
static bool
is_behind(const struct scan *s, MDB_val k)
{
    return !s->started || memcmp(k.mv_data, s->at, s->at_size) > 0;
}

/* The next row within the prefix.  A key of a wrong size is noted as damage and passed over. */
static bool
step(struct scan *s, struct view *key, struct view *value)
{
    MDB_val k;
    MDB_val v;
    size_t  whole = key_bytes(key_desc(s->index));

    if (s->done || txn_failed(s->txn)) return false;
    int rc = move(s, &k, &v);
    s->txn->reads++;
    while (rc == 0 && k.mv_size != whole) {
        damage_note(s->txn, s->index, view_of_val(k));
        rc = rows_get(s->cursor, s->index, &k, &v, MDB_NEXT);
    }
    if (rc == 0 && !is_behind(s, k)) rc = MDB_CORRUPTED;
    if (rc != 0 && rc != MDB_NOTFOUND) txn_fail(s->txn, rc, "scan");
    if (rc != 0 || memcmp(k.mv_data, s->prefix, s->prefix_size) != 0) {
        s->done = true;
        return false;
    }
    s->at_size = (uint8_t)whole;
    memcpy(s->at, k.mv_data, whole);
    s->started = true;
    s->writes_seen = s->txn->writes;
    *key = view_of(s->at, whole);
    *value = view_of_val(v);
    return true;
}

/* Under a sanitizer each step's copy is a new block, so that a use of the one before is seen. */
static struct view
copy(struct scan *s, struct view v)
{
#if defined(__SANITIZE_ADDRESS__)
    buf_done(&s->copy);
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    buf_done(&s->copy);
#endif
#endif
    buf_clear(&s->copy);
    buf_add_view(&s->copy, v);
    return buf_view(&s->copy);
}

/* The record that a row stands for.  False, and noted, when it is damaged, or when an index row has
 * no such record. */
static bool
take(struct scan *s, struct view key, struct view value, union record *rec)
{
    struct txn   *t = s->txn;
    enum table_id table = key_desc(s->index)->table;
    bool          is_index = s->index >= FIRST_INDEX;
    struct view   primary = is_index ? value : key;
    enum load     found = is_index ? row_get(t, PRIMARY_OF(table), primary, &value) : LOAD_FOUND;

    if (found == LOAD_FOUND && !record_decode(table, primary, copy(s, value), rec)) {
        damage_note(t, PRIMARY_OF(table), primary);
        return false;
    }
    if (found == LOAD_FOUND && (!is_index || index_has(s->index, rec, key))) return true;
    if (!txn_failed(t)) damage_note(t, s->index, key);
    return false;
}

bool
scan_next(struct scan *s, void *rec)
{
    struct view  key;
    struct view  value;
    union record r;

    while (step(s, &key, &value)) {
        if (!take(s, key, value, &r)) continue;
        memcpy(rec, &r, table_desc(key_desc(s->index)->table)->record_bytes);
        return true;
    }
    return false;
}

bool
scan_next_key(struct scan *s, void *rec)
{
    struct view key;
    struct view value;

    if (!step(s, &key, &value)) return false;
    key_decode(key_desc(s->index), (const uint8_t *)key.data, rec);
    return true;
}
