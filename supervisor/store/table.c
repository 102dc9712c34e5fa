#include "supervisor/store/internal.h"

#include <assert.h>
#include <string.h>

/* A row that is not there yet.  Appending keeps pages full and spares the search. */
static int
insert(struct txn *t, enum index_id id, struct view key, struct view *value, unsigned flags)
{
    if (key_desc(id)->is_ascending) {
        struct view same = *value;
        int         rc = row_insert(t, id, key, &same, MDB_APPEND);
        if (rc != MDB_KEYEXIST) return rc;
    }
    return row_insert(t, id, key, value, flags);
}

/* ---- records ---- */

static struct view
key_of(enum index_id id, const void *rec, uint8_t out[KEY_BYTES_MAX])
{
    const struct key_desc *k = key_desc(id);

    return view_of(out, key_encode(k, k->part_count, rec, out));
}

bool
index_has(enum index_id index, const void *rec, struct view key)
{
    uint8_t bytes[KEY_BYTES_MAX];

    return key_desc(index)->holds(rec) && view_eq(key_of(index, rec, bytes), key);
}

enum load
record_get(struct txn *t, enum table_id table, struct view key, union record *rec)
{
    struct view stored;
    enum load   found = row_get(t, PRIMARY_OF(table), key, &stored);

    if (found != LOAD_FOUND || record_decode(table, key, stored, rec)) return found;
    damage_note(t, PRIMARY_OF(table), key);
    return LOAD_DAMAGED;
}

/* Into the caller's struct and the transaction's arena. */
static void
keep(struct txn *t, enum table_id table, union record *r, void *rec)
{
    record_keep(table, r, &t->arena);
    memcpy(rec, r, table_desc(table)->record_bytes);
}

enum load
rec_load(struct txn *t, enum table_id table, void *rec)
{
    uint8_t      bytes[KEY_BYTES_MAX];
    union record r;
    enum load    found = record_get(t, table, key_of(PRIMARY_OF(table), rec, bytes), &r);

    if (found == LOAD_FOUND) keep(t, table, &r, rec);
    return found;
}

enum load
rec_find(struct txn *t, enum index_id index, void *rec)
{
    enum table_id table = key_desc(index)->table;
    uint8_t       bytes[KEY_BYTES_MAX];
    struct view   key = key_of(index, rec, bytes);
    struct view   primary;
    union record  r;

    enum load found = row_get(t, index, key, &primary);
    if (found != LOAD_FOUND) return found;
    found = record_get(t, table, primary, &r);
    if (found == LOAD_FOUND && index_has(index, &r, key)) {
        keep(t, table, &r, rec);
        return LOAD_FOUND;
    }
    if (found != LOAD_DAMAGED) damage_note(t, index, key);
    return LOAD_DAMAGED;
}

/* ---- writing ---- */

/* What a write means for one index: no key is the empty view. */
struct index_change {
    enum index_id id;
    struct view   old_key, new_key;
    uint8_t       old_bytes[KEY_BYTES_MAX], new_bytes[KEY_BYTES_MAX];
};
#define TABLE_INDEXES_MAX 9
struct index_changes {
    struct index_change list[TABLE_INDEXES_MAX];
    size_t              count;
};

static struct view
index_key(enum index_id id, const void *rec, uint8_t out[KEY_BYTES_MAX])
{
    return rec && key_desc(id)->holds(rec) ? key_of(id, rec, out) : view_of(NULL, 0);
}

/* NULL stands for no record.  Fills `changes` from both before the first write, after which the old
 * record's borrowed views are dead. */
static void
plan_indexes(enum table_id table, const void *old, const void *new, struct index_changes *changes)
{
    changes->count = 0;
    for (uint64_t left = table_desc(table)->indexes; left; left &= left - 1) {
        assert(changes->count < TABLE_INDEXES_MAX);
        struct index_change *c = &changes->list[changes->count];
        c->id = index_in(left);
        c->old_key = index_key(c->id, old, c->old_bytes);
        c->new_key = index_key(c->id, new, c->new_bytes);
        if (!view_eq(c->old_key, c->new_key)) changes->count++;
    }
}

/* The entry of another record under the key of a unique index would be lost: a write that breaks
 * uniqueness fails instead. */
static void
index_put(struct txn *t, enum index_id id, struct view key, struct view primary)
{
    struct view there = primary;

    if (insert(t, id, key, &there, MDB_NOOVERWRITE) != MDB_KEYEXIST) return;
    if (view_eq(there, primary) || txn_failed(t)) return;
    err_set(&t->failure, E_INTERNAL, "the index %s has another record under this key",
            key_desc(id)->name);
}

static void
write_indexes(struct txn *t, const struct index_changes *changes, struct view primary)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct index_change *c = &changes->list[i];

        if (c->old_key.size > 0) row_del(t, c->id, c->old_key);
        if (c->new_key.size > 0) index_put(t, c->id, c->new_key, primary);
    }
}

void
record_index(struct txn *t, enum table_id table, struct view primary, const void *rec)
{
    struct index_changes changes;

    plan_indexes(table, NULL, rec, &changes);
    write_indexes(t, &changes, primary);
}

/* The stored record that a write replaces.  A damaged one has no trustworthy index keys: it goes
 * into the quarantine at once and counts as absent. */
static bool
take_old(struct txn *t, enum table_id table, struct view key, struct view *stored,
         union record *rec)
{
    if (row_get(t, PRIMARY_OF(table), key, stored) != LOAD_FOUND) return false;
    if (record_decode(table, key, *stored, rec)) return true;
    damage_move(t, table, key);
    return false;
}

void
rec_save(struct txn *t, enum table_id table, const void *rec)
{
    struct store        *s = t->store;
    uint8_t              bytes[KEY_BYTES_MAX];
    struct view          key = key_of(PRIMARY_OF(table), rec, bytes);
    struct view          stored;
    union record         old;
    struct index_changes changes;

    assert(t->is_write && on_owner_thread(s));
    if (txn_failed(t)) return;
    buf_clear(&s->value);
    record_encode(table, key, rec, &s->value);
    struct view value = buf_view(&s->value);

    bool is_there = take_old(t, table, key, &stored, &old);
    if (is_there && view_eq(stored, value)) return;
    plan_indexes(table, is_there ? &old : NULL, rec, &changes);
    t->state_hash += record_sum(value) - (is_there ? record_sum(stored) : 0);

    write_indexes(t, &changes, key);
    if (is_there) {
        row_put(t, PRIMARY_OF(table), key, value);
    } else {
        (void)insert(t, PRIMARY_OF(table), key, &value, 0); /* a failure is remembered */
    }
}

void
rec_insert(struct txn *t, enum table_id table, const void *rec)
{
    struct store        *s = t->store;
    uint8_t              bytes[KEY_BYTES_MAX];
    struct view          key = key_of(PRIMARY_OF(table), rec, bytes);
    struct index_changes changes;

    assert(t->is_write && on_owner_thread(s));
    buf_clear(&s->value);
    record_encode(table, key, rec, &s->value);
    struct view value = buf_view(&s->value);
    uint64_t    sum = record_sum(value);

    if (insert(t, PRIMARY_OF(table), key, &value, MDB_NOOVERWRITE) == MDB_KEYEXIST) {
        rec_save(t, table, rec);
        return;
    }
    t->state_hash += sum;
    plan_indexes(table, NULL, rec, &changes);
    write_indexes(t, &changes, key);
}

bool
rec_delete(struct txn *t, enum table_id table, const void *rec)
{
    uint8_t              bytes[KEY_BYTES_MAX];
    struct view          key = key_of(PRIMARY_OF(table), rec, bytes);
    struct view          stored;
    union record         old;
    struct index_changes changes;

    assert(t->is_write && on_owner_thread(t->store));
    if (!take_old(t, table, key, &stored, &old)) return false;
    plan_indexes(table, &old, NULL, &changes);
    t->state_hash -= record_sum(stored);
    write_indexes(t, &changes, key);
    row_del(t, PRIMARY_OF(table), key);
    return true;
}
