/* internal - what the files of the store share; no one else includes it, nor lmdb.h.
 *
 * The hot tables and indexes share one LMDB database: a byte before the key tells which (rows.c).
 * Each other table and index, the quarantine and the store's own facts are LMDB databases of their
 * own, so that ascending keys append.  A table's row is the stored form of record.h under the
 * primary key.  An index's row has the index key and, as its value, the encoded primary key: one
 * rule for all indexes, whether or not their key holds the primary key's fields. */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "supervisor/store/record.h"
#include "supervisor/store/store.h"
#include <lmdb.h>
#include <pthread.h>
#include <sys/stat.h>

#define DATA_FILE         "data.mdb"
#define ROW_KEY_MAX       511 /* LMDB's limit: damaged keys can have any size */
#define DAMAGE_LIST_MAX   64
#define STORE_MAGIC       0x6167656e74640a01ULL /* "agentd\n\1" */
#define READERS_MAX       64
#define DATABASES_MAX     (INDEX_COUNT + 3)
#define PRIMARY_OF(table) ((enum index_id)(table))

/* The one row of the database "store", written in each commit that changed something. */
struct facts {
    uint64_t schema;
    uint64_t incarnation;
    uint64_t state_hash;
};

/* A row that a load or a scan found wrong: of a table or of an index. */
struct damage {
    enum index_id id;
    bool          is_moved; /* in the open transaction or an earlier one; only to be reported */
    uint16_t      key_size;
    uint8_t       key[ROW_KEY_MAX];
};

struct store {
    MDB_env      *env;
    MDB_dbi       dbs[INDEX_COUNT];
    MDB_dbi       hot_db; /* that of all hot ones */
    MDB_dbi       facts_db;
    MDB_dbi       quarantine_db;
    pthread_t     owner;
    struct facts  facts; /* of the last commit */
    uint64_t      writes;
    struct txn   *writer;
    struct buf    value; /* what rec_save encodes */
    uint64_t      reserve_floor_bytes;
    size_t        page_bytes;
    uint64_t      free_pages; /* on LMDB's free list … */
    size_t        free_txn;   /* … as of this commit */
    struct damage damage[DAMAGE_LIST_MAX];
    size_t        damage_count;
};

struct txn {
    struct store *store;
    MDB_txn      *mdb;
    bool          is_write;
    struct err    failure; /* the first */
    uint64_t      writes;
    uint64_t      reads;
    uint64_t      state_hash;
    unsigned      open_scans;
    struct arena  arena;
};

static inline struct view
view_of_val(MDB_val v)
{
    return view_of(v.mv_data, v.mv_size);
}

static inline MDB_val
val_of_view(struct view v)
{
    return (MDB_val){v.size, (void *)(uintptr_t)v.data};
}

/* ---- transactions (store.c) ---- */

/* Remembers the first failure; rc is LMDB's or errno. */
void txn_fail(struct txn *t, int rc, const char *doing);
/* E_DISK_FULL, E_STORE_FULL, … for what LMDB returned. */
enum errc errc_of(const struct store *s, int rc);
bool      on_owner_thread(const struct store *s);

/* ---- the file, before LMDB opens it (file.c) ---- */
#define RESTORE_ADVICE "restore a backup, or move the folder away to begin with an empty store"
enum errc file_check_owner(const struct stat *st, const char *dir, const char *what,
                           struct err *e) MUST_CHECK;
/* That data.mdb is ours, a store and whole. */
enum errc file_check(int dir_fd, const char *dir, struct err *e) MUST_CHECK;
void      file_close(int *fd); /* for the attribute below */
#define FD_AUTO CLEANUP(file_close)

/* ---- the facts row (open.c) ---- */
int facts_write(MDB_txn *txn, MDB_dbi db, const struct facts *f);
/* 0, MDB_NOTFOUND, or MDB_CORRUPTED for a row that is not ours. */
int facts_read(MDB_txn *txn, MDB_dbi db, struct facts *f);

/* ---- a store of an older schema (upgrade.c) ---- */
/* Moves what had a database of its own and is hot now, empties every index and builds it again from
 * the rows, in commits of bounded size; the last one writes the new number, so that what was
 * interrupted is done again from the beginning. */
enum errc store_upgrade(struct store *s, struct err *e) MUST_CHECK;
/* Removes all entries of the index, or 2,000; true when there may be more. */
bool store_empty_index(struct txn *t, enum index_id id);

/* ---- rows (rows.c); a write that fails is remembered by the transaction ---- */

/* The value is borrowed from the map until the next write. */
enum load row_get(struct txn *t, enum index_id id, struct view key, struct view *value);
void      row_put(struct txn *t, enum index_id id, struct view key, struct view value);
void      row_del(struct txn *t, enum index_id id, struct view key); /* absent is fine */
/* MDB_KEYEXIST is an answer to the caller's flags; with MDB_NOOVERWRITE *value is then the value
 * that is there. */
int row_insert(struct txn *t, enum index_id id, struct view key, struct view *value,
               unsigned flags);
/* Into the quarantine. */
void row_put_aside(struct txn *t, struct view key, struct view value);
/* LMDB's cursor over the rows of one table or index: MDB_FIRST, MDB_NEXT and MDB_SET_RANGE, with
 * the keys as they are elsewhere. */
int rows_open(struct txn *t, enum index_id id, MDB_cursor **c);
int rows_get(MDB_cursor *c, enum index_id id, MDB_val *k, MDB_val *v, MDB_cursor_op op);

/* ---- records (table.c) ---- */
/* Whether rec has an entry in the index under exactly this key. */
bool index_has(enum index_id index, const void *rec, struct view key);
/* The record under `key`, its views borrowed from the map; a damaged one is noted. */
enum load record_get(struct txn *t, enum table_id table, struct view key, union record *rec);
/* Gives the record its entries in the indexes of its table; those that are there stay. */
void record_index(struct txn *t, enum table_id table, struct view primary, const void *rec);

/* ---- damage (damage.c) ---- */
void damage_note(struct txn *t, enum index_id id, struct view key);
/* Moves the row into the quarantine at once, for a write that met it. */
void damage_move(struct txn *t, enum table_id table, struct view key);
/* The transaction was aborted: nothing was moved. */
void damage_forget_moves(struct store *s);
/* Makes the state hash anew from all rows.  A damaged row does not tell what it added to it: its
 * stored checksum may be what was damaged. */
void damage_recount(struct txn *t);
#endif
