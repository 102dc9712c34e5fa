/* store - typed tables over LMDB; the only code that includes lmdb.h.
 *
 * A table is one record type with its primary key and its secondary indexes, declared in records.h;
 * load, save, delete and scans keep the indexes.  Every record carries an xxh3 checksum over table,
 * key and value, checked on read.
 *
 * A write transaction remembers its first failure: from then on every call on it does nothing and
 * txn_commit() returns it, so a sequence of saves needs one check; loads say LOAD_DAMAGED then,
 * since what they do not know is not absent.  A damaged record is not such a failure: loads say
 * LOAD_DAMAGED, the row is kept for store_quarantine() and reported.
 *
 * Bytes that a load returns are copied into the transaction's arena: they stay valid until it ends,
 * across later writes. Bytes from a scan are valid until its next step. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "common/buf.h"
#include "common/err.h"
#include "supervisor/store/records.h"
#include <stdbool.h>

struct store;
struct txn;

struct store_options {
    const char *dir;                 /* created 0700; must be ours and not wider */
    uint64_t    map_bytes;           /* address space; fixed while open (N11) */
    uint64_t    reserve_floor_bytes; /* kept free beyond the used pages */
    bool        relaxed; /* NOMETASYNC: the last moments may be lost on power loss, never corrupt */
};

/* Opens or creates.  A store of a newer schema, or one that is not ours, is refused with a
 * sentence. */
enum errc store_open(struct store **out, const struct store_options *o, struct err *e) MUST_CHECK;
void      store_close(struct store **s);
/* A new store in memory: nobody else sees it, it is gone with the process, nothing is flushed. */
enum errc store_open_scratch(struct store **out, uint64_t map_bytes, struct err *e) MUST_CHECK;
/* The store in `dir`, which another process has open, for read transactions only.  While one lasts
 * the other's file grows, so it is kept short; when this process dies in one, the other calls
 * store_forget_readers. */
enum errc store_open_reader(struct store **out, const char *dir, struct err *e) MUST_CHECK;
/* Read transactions of processes that have died keep no pages any more. */
void store_forget_readers(struct store *s);
/* Random 64 bits made with the store; changed by a restore (N13). */
uint64_t store_incarnation(const struct store *s);

/* Physical facts, for the turn's header (N10). */
struct store_space {
    uint64_t used_bytes; /* pages in use by data, the free list's apart */
    uint64_t file_bytes;
    uint64_t map_bytes;
    uint64_t disk_free_bytes;
    uint64_t end_bytes;     /* up to the last page that was ever used */
    bool     can_admit;     /* the reserve stands: new work may be taken */
    bool     disk_is_short; /* when not: the disk is full (else the map is) */
};
/* Grows the file ahead of need (posix_fallocate, N11) and says how things stand.  Cheap when
 * nothing is to do; call before each write transaction. */
void store_reserve(struct store *s, struct store_space *out);

/* ---- transactions -------------------------------------------------------------------------------
 * One write transaction at a time, by the thread that opened the store. Reads are of the last
 * commit.  */
struct txn *txn_begin_write(struct store *s, struct err *e) MUST_CHECK; /* NULL on failure */
struct txn *txn_begin_read(struct store *s, struct err *e) MUST_CHECK;
/* Writes, flushes, ends.  *outcome_unknown is set when the failure came from the flush: the state
 * on disk may be the old or the new one, and the process must stop (PITFALLS, row 4). */
enum errc txn_commit(struct txn **t, bool *outcome_unknown, struct err *e) MUST_CHECK;
void      txn_abort(struct txn **t); /* also ends a read transaction; NULL is fine */
bool      txn_failed(const struct txn *t);
/* Whether anything was written: an idle turn aborts instead of committing (N9). */
bool          txn_is_dirty(const struct txn *t);
struct arena *txn_arena(struct txn *t);

/* ---- records ------------------------------------------------------------------ */
enum load { LOAD_ABSENT, LOAD_FOUND, LOAD_DAMAGED };

/* *rec has its key fields set; on LOAD_FOUND all fields are filled, else it is untouched. */
enum load rec_load(struct txn *t, enum table_id table, void *rec) MUST_CHECK;
/* Inserts or replaces, and keeps every index. */
void rec_save(struct txn *t, enum table_id table, const void *rec);
/* The same, cheaper when the record is new: an old one is looked for only when its key is taken. */
void rec_insert(struct txn *t, enum table_id table, const void *rec);
/* Removes the record with rec's key fields and its index entries; false when it was not there. */
bool rec_delete(struct txn *t, enum table_id table, const void *rec);
/* The record whose key in a unique index equals that of *rec (all the index's fields set). */
enum load rec_find(struct txn *t, enum index_id index, void *rec) MUST_CHECK;

/* Typed forms: enum load job_spec_load(t, &r), void job_spec_save(t, &r),
 * void job_spec_insert(t, &r), bool job_spec_delete(t, &r), … */
#define T(NAME, name, version, order)                                             \
    MUST_CHECK static inline enum load name##_load(struct txn *t, struct name *r) \
    {                                                                             \
        return rec_load(t, TABLE_##NAME, r);                                      \
    }                                                                             \
    static inline void name##_save(struct txn *t, const struct name *r)           \
    {                                                                             \
        rec_save(t, TABLE_##NAME, r);                                             \
    }                                                                             \
    static inline void name##_insert(struct txn *t, const struct name *r)         \
    {                                                                             \
        rec_insert(t, TABLE_##NAME, r);                                           \
    }                                                                             \
    static inline bool name##_delete(struct txn *t, const struct name *r)         \
    {                                                                             \
        return rec_delete(t, TABLE_##NAME, r);                                    \
    }
RECORDS(T)
#undef T
/* The schedule of this id, whatever its times are: who knows the id alone would find nothing by the
 * whole key. */
MUST_CHECK static inline enum load
schedule_by_id(struct txn *t, struct schedule *r)
{
    return rec_find(t, INDEX_schedule_by_id, r);
}
#pragma GCC poison schedule_load

/* ---- scans ------------------------------------------------------------------- */

/* Goes over the keys whose first `prefix` fields equal those of *from, beginning at the first key
 * that is not before *from's first `start` fields (start ≥ prefix), in key order.  All ready jobs
 * of a lane:
 *
 *     struct job_state j = {.lane = lane};
 *     scan_open(&s, t, INDEX_job_ready, &j, 1, 1);
 *     while (scan_next(&s, &j)) …
 *     scan_close(&s);
 *
 * Writes during a scan are allowed: each step continues behind the last key it returned.  A damaged
 * record is skipped (and kept for store_quarantine).  A zeroed scan may be closed. */
struct scan {
    struct txn   *txn;
    enum index_id index;
    void         *cursor;
    uint64_t      writes_seen;
    bool          done, started;
    uint8_t       prefix_size, at_size;
    uint8_t       prefix[96];
    uint8_t       at[128]; /* the last key returned, or where to begin */
    struct buf    copy;    /* the record that the last step returned */
};
void scan_open(struct scan *s, struct txn *t, enum index_id index, const void *from,
               unsigned prefix, unsigned start);
/* The next record, whole. */
bool scan_next(struct scan *s, void *rec);
/* The next key only: fills the key's fixed fields of *rec (text fields are left empty), reads no
 * record. */
bool scan_next_key(struct scan *s, void *rec);
/* Skips to the first key that is not before *rec's first `fields` fields. */
void scan_seek(struct scan *s, const void *rec, unsigned fields);
void scan_close(struct scan *s);

/* ---- blobs: values longer than BLOB_FROM, in chunks --------------------------- */
void bytes_save(struct txn *t, enum blob_kind kind, uint64_t owner, struct view data);
/* Into the transaction's arena; LOAD_DAMAGED when a chunk is missing, damaged, or the size differs.
 */
enum load bytes_load(struct txn *t, enum blob_kind kind, uint64_t owner, uint32_t bytes,
                     struct view *out) MUST_CHECK;
void      bytes_delete(struct txn *t, enum blob_kind kind, uint64_t owner);

/* ---- health ------------------------------------------------------------------- */
/* Sum of the records' checksums: equal states have equal hashes (N10).  Index entries are derived
 * and do not count. */
uint64_t txn_state_hash(const struct txn *t);
/* Puts and deletes made so far by this process, index entries included (N16's test). */
uint64_t store_writes(const struct store *s);
/* Rows that the transaction has read: index entries and records, also those that are not there (the
 * tests of what a turn may cost). */
uint64_t txn_reads(const struct txn *t);
/* Damaged records seen by loads and scans since the last call, at most 64, are moved to the
 * quarantine table with their index entries dropped; returns how many.  report is called for each.
 * An index entry that fits no record is moved likewise, under its index's name, and what it was to
 * lead to gets its right entries back.  A save or delete that meets a damaged record moves it at
 * once and leaves only the report to this call. */
size_t store_quarantine(struct txn *t,
                        void (*report)(const char *table, struct view key, void *arg), void *arg);
bool   store_has_damage(const struct store *s);
/* The first field of a key that report was given, of a table whose keys begin with a U32. */
uint32_t store_key_u32(struct view key);

/* Walks everything in a read transaction: each record's checksum and form, each index entry against
 * its record and each record against its index entries, and the state hash.  problem is called with
 * a sentence for each finding; `cancel` is looked at between rows.  Returns the number of rows
 * walked.  May run in another thread. */
uint64_t store_check(struct txn *t, void (*problem)(const char *sentence, void *arg), void *arg,
                     const bool *cancel);
/* How many entries an index has, and rows a table: at once, unless it is a small one (HOT). */
uint64_t index_entries(struct txn *t, enum index_id id);
uint64_t table_rows(struct txn *t, enum table_id table);

#endif
