#include "supervisor/store/internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#define DISK_IS_FULL_BYTES 65536 /* LMDB says EIO for a write that a full disk cut short */

uint64_t
store_incarnation(const struct store *s)
{
    return s->facts.incarnation;
}

uint64_t
txn_reads(const struct txn *t)
{
    return t->reads;
}

uint64_t
store_writes(const struct store *s)
{
    return s->writes;
}

bool
on_owner_thread(const struct store *s)
{
    return pthread_equal(s->owner, pthread_self());
}

static bool
disk_is_full(const struct store *s)
{
    struct statvfs v;
    int            fd;

    if (mdb_env_get_fd(s->env, &fd) != 0 || fstatvfs(fd, &v) != 0) return false;
    return (uint64_t)v.f_bavail * v.f_frsize < DISK_IS_FULL_BYTES;
}

enum errc
errc_of(const struct store *s, int rc)
{
    switch (rc) {
    case MDB_MAP_FULL: return E_STORE_FULL;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND: return E_DAMAGED;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return E_DISK_FULL;
    case EIO: return disk_is_full(s) ? E_DISK_FULL : E_INTERNAL;
    default: return E_INTERNAL;
    }
}

/* ---- transactions ---- */

static struct txn *
begin(struct store *s, bool is_write, struct err *e)
{
    MDB_txn *mdb;
    int      rc = mdb_txn_begin(s->env, NULL, is_write ? 0 : MDB_RDONLY, &mdb);

    if (rc != 0) {
        err_set(e, errc_of(s, rc), "the store cannot begin a transaction: %s", mdb_strerror(rc));
        return NULL;
    }
    struct txn *t = xcalloc(1, sizeof(*t));
    t->store = s;
    t->mdb = mdb;
    t->is_write = is_write;
    arena_init(&t->arena);
    return t;
}

struct txn *
txn_begin_write(struct store *s, struct err *e)
{
    assert(on_owner_thread(s) && !s->writer);
    struct txn *t = begin(s, true, e);
    if (!t) return NULL;
    t->state_hash = s->facts.state_hash;
    s->writer = t;
    return t;
}

struct txn *
txn_begin_read(struct store *s, struct err *e)
{
    return begin(s, false, e);
}

/* The LMDB transaction has ended. */
static void
end(struct txn **t)
{
    if ((*t)->is_write) (*t)->store->writer = NULL;
    arena_done(&(*t)->arena);
    free(*t);
    *t = NULL;
}

void
txn_abort(struct txn **t)
{
    if (!*t) return;
    assert((*t)->open_scans == 0); /* LMDB is about to free a write transaction's cursors */
    mdb_txn_abort((*t)->mdb);
    if ((*t)->is_write) damage_forget_moves((*t)->store);
    end(t);
}

/* LMDB's own codes are of what it found before it wrote; a system error may be of the write of the
 * pages (harmless), of the flush or of the meta page, and it does not say which. */
static bool
is_outcome_unknown(int rc)
{
    return rc > 0 || rc == MDB_PANIC;
}

enum errc
txn_commit(struct txn **t, bool *outcome_unknown, struct err *e)
{
    struct txn   *txn = *t;
    struct store *s = txn->store;
    struct facts  facts = s->facts;

    assert(txn->is_write && on_owner_thread(s) && txn->open_scans == 0);
    *outcome_unknown = false;
    facts.state_hash = txn->state_hash;
    if (!txn_failed(txn) && txn_is_dirty(txn)) {
        int rc = facts_write(txn->mdb, s->facts_db, &facts);
        s->writes++;
        if (rc != 0) txn_fail(txn, rc, "write");
    }
    if (txn_failed(txn)) {
        *e = txn->failure;
        txn_abort(t);
        return e->code;
    }
    int rc = mdb_txn_commit(txn->mdb);
    end(t);
    if (rc == 0) {
        s->facts = facts;
        return E_OK;
    }
    damage_forget_moves(s);
    *outcome_unknown = is_outcome_unknown(rc);
    enum errc code = errc_of(s, rc);
    if (*outcome_unknown && code != E_DISK_FULL) code = E_OUTCOME_UNKNOWN;
    return err_set(e, code, "the store cannot commit: %s", mdb_strerror(rc));
}

void
txn_fail(struct txn *t, int rc, const char *doing)
{
    if (txn_failed(t)) return;
    err_set(&t->failure, errc_of(t->store, rc), "the store cannot %s: %s", doing, mdb_strerror(rc));
}

bool
txn_failed(const struct txn *t)
{
    return t->failure.code != E_OK;
}

bool
txn_is_dirty(const struct txn *t)
{
    return t->writes > 0;
}

struct arena *
txn_arena(struct txn *t)
{
    return &t->arena;
}

uint64_t
txn_state_hash(const struct txn *t)
{
    struct facts f;

    if (t->is_write) return t->state_hash;
    return facts_read(t->mdb, t->store->facts_db, &f) == 0 ? f.state_hash : 0;
}
