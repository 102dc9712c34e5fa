#include "supervisor/store/internal.h"

#include <string.h>

/* ---- keys: those of the hot database have a byte before them that tells the table or index ----
 */

_Static_assert(TABLE_COUNT <= 0x80 && INDEX_COUNT - TABLE_COUNT <= 0x80, "a byte tells each");

static uint8_t
prefix_of(enum index_id id)
{
    return (uint8_t)(id < FIRST_INDEX ? (unsigned)id : 0x80 | (unsigned)(id - FIRST_INDEX));
}

static MDB_val
stored_key(enum index_id id, struct view key, uint8_t bytes[ROW_KEY_MAX])
{
    if (!key_desc(id)->is_hot) return val_of_view(key);
    if (key.size >= ROW_KEY_MAX) return (MDB_val){0, bytes}; /* LMDB refuses this one too */
    bytes[0] = prefix_of(id);
    if (key.size > 0) memcpy(bytes + 1, key.data, key.size);
    return (MDB_val){key.size + 1, bytes};
}

/* ---- rows ---- */

enum load
row_get(struct txn *t, enum index_id id, struct view key, struct view *value)
{
    uint8_t bytes[ROW_KEY_MAX];
    size_t  room = ROW_KEY_MAX - (key_desc(id)->is_hot ? 1 : 0);
    MDB_val v;

    if (txn_failed(t)) return LOAD_DAMAGED;
    if (key.size == 0 || key.size > room) return LOAD_ABSENT; /* from a damaged index row */
    MDB_val k = stored_key(id, key, bytes);
    int     rc = mdb_get(t->mdb, t->store->dbs[id], &k, &v);
    t->reads++;
    if (rc == 0) {
        *value = view_of_val(v);
        return LOAD_FOUND;
    }
    if (rc == MDB_NOTFOUND) return LOAD_ABSENT;
    txn_fail(t, rc, "read");
    return LOAD_DAMAGED;
}

static void
count_write(struct txn *t, int rc)
{
    if (rc == 0) {
        t->writes++;
        t->store->writes++;
    } else {
        txn_fail(t, rc, "write");
    }
}

static int
put(struct txn *t, MDB_dbi db, MDB_val k, struct view *value, unsigned flags)
{
    MDB_val v = val_of_view(*value);

    if (txn_failed(t)) return MDB_BAD_TXN;
    int rc = mdb_put(t->mdb, db, &k, &v, flags);
    *value = view_of_val(v);
    if (rc != MDB_KEYEXIST) count_write(t, rc);
    return rc;
}

int
row_insert(struct txn *t, enum index_id id, struct view key, struct view *value, unsigned flags)
{
    uint8_t bytes[ROW_KEY_MAX];

    return put(t, t->store->dbs[id], stored_key(id, key, bytes), value, flags);
}

void
row_put(struct txn *t, enum index_id id, struct view key, struct view value)
{
    (void)row_insert(t, id, key, &value, 0); /* the transaction remembers a failure */
}

void
row_put_aside(struct txn *t, struct view key, struct view value)
{
    (void)put(t, t->store->quarantine_db, val_of_view(key), &value, 0);
}

void
row_del(struct txn *t, enum index_id id, struct view key)
{
    uint8_t bytes[ROW_KEY_MAX];
    MDB_val k = stored_key(id, key, bytes);

    if (txn_failed(t)) return;
    int rc = mdb_del(t->mdb, t->store->dbs[id], &k, NULL);
    if (rc != MDB_NOTFOUND) count_write(t, rc);
}

/* ---- walks ---- */

int
rows_open(struct txn *t, enum index_id id, MDB_cursor **c)
{
    return mdb_cursor_open(t->mdb, t->store->dbs[id], c);
}

int
rows_get(MDB_cursor *c, enum index_id id, MDB_val *k, MDB_val *v, MDB_cursor_op op)
{
    uint8_t bytes[ROW_KEY_MAX];

    if (!key_desc(id)->is_hot) return mdb_cursor_get(c, k, v, op);
    if (op == MDB_FIRST) *k = (MDB_val){0, NULL};
    if (op != MDB_NEXT) {
        *k = stored_key(id, view_of_val(*k), bytes);
        op = MDB_SET_RANGE;
    }
    int rc = mdb_cursor_get(c, k, v, op);
    if (rc != 0) return rc;
    const uint8_t *stored = k->mv_data;
    if (k->mv_size == 0 || stored[0] != prefix_of(id)) return MDB_NOTFOUND;
    *k = (MDB_val){k->mv_size - 1, (void *)(uintptr_t)(stored + 1)};
    return 0;
}

/* Small tables share a database, so that only a walk tells their count. */
uint64_t
index_entries(struct txn *t, enum index_id id)
{
    MDB_cursor *c;
    MDB_val     k;
    MDB_val     v;
    MDB_stat    stat;
    uint64_t    rows = 0;

    if (txn_failed(t)) return 0;
    if (!key_desc(id)->is_hot) {
        int rc = mdb_stat(t->mdb, t->store->dbs[id], &stat);
        if (rc == 0) return stat.ms_entries;
        txn_fail(t, rc, "count");
        return 0;
    }
    int rc = rows_open(t, id, &c);
    if (rc == 0) {
        for (rc = rows_get(c, id, &k, &v, MDB_FIRST); rc == 0;
             rc = rows_get(c, id, &k, &v, MDB_NEXT))
            rows++;
        mdb_cursor_close(c);
    }
    if (rc != MDB_NOTFOUND) txn_fail(t, rc, "count");
    return rows;
}

uint64_t
table_rows(struct txn *t, enum table_id table)
{
    return index_entries(t, PRIMARY_OF(table));
}
