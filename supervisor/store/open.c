#include "supervisor/store/internal.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_FILE   "new.mdb"
#define FACTS_NAME "store"

/* ---- the facts row ---- */

#define FACTS_WORDS 5 /* magic, the struct, a checksum */

int
facts_write(MDB_txn *txn, MDB_dbi db, const struct facts *f)
{
    uint64_t w[FACTS_WORDS] = {htobe64(STORE_MAGIC), htobe64(f->schema), htobe64(f->incarnation),
                               htobe64(f->state_hash)};
    MDB_val  k = {sizeof(FACTS_NAME) - 1, FACTS_NAME};
    MDB_val  v = {sizeof(w), w};

    w[FACTS_WORDS - 1] = htobe64(hash64(view_of(w, sizeof(w) - sizeof(w[0])), 0));
    return mdb_put(txn, db, &k, &v, 0);
}

int
facts_read(MDB_txn *txn, MDB_dbi db, struct facts *f)
{
    uint64_t w[FACTS_WORDS];
    MDB_val  k = {sizeof(FACTS_NAME) - 1, FACTS_NAME};
    MDB_val  v;

    int rc = mdb_get(txn, db, &k, &v);
    if (rc != 0) return rc;
    if (v.mv_size != sizeof(w)) return MDB_CORRUPTED;
    memcpy(w, v.mv_data, sizeof(w));
    if (be64toh(w[0]) != STORE_MAGIC) return MDB_CORRUPTED;
    if (be64toh(w[FACTS_WORDS - 1]) != hash64(view_of(w, sizeof(w) - sizeof(w[0])), 0)) {
        return MDB_CORRUPTED;
    }
    *f = (struct facts){be64toh(w[1]), be64toh(w[2]), be64toh(w[3])};
    return 0;
}

/* ---- the folder ---- */

/* Makes the folder when it is not there; *fd is open on it. */
static enum errc
open_dir(const char *dir, int *fd, struct err *e)
{
    struct stat st;
    bool        is_new = mkdir(dir, 0700) == 0;

    if (!is_new && errno != EEXIST) return err_errno(e, "cannot make the store's folder %s", dir);
    *fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0 || fstat(*fd, &st) != 0) {
        return err_errno(e, "cannot open the store's folder %s", dir);
    }
    if (is_new) { /* so that the folder itself outlives a power loss; not every parent lets us */
        FD_AUTO int parent = openat(*fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (parent < 0 ? errno != EACCES : fsync(parent) != 0) {
            return err_errno(e, "cannot flush the folder of %s", dir);
        }
    }
    return file_check_owner(&st, dir, "", e);
}

/* ---- LMDB ---- */

static enum errc
env_open(struct store *s, const char *path, unsigned flags, const struct store_options *o,
         struct err *e)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int    fd;
    int    dead;

    int rc = mdb_env_create(&s->env);
    /* Without a size it is the one that the file was written with. */
    if (rc == 0 && o->map_bytes) rc = mdb_env_set_mapsize(s->env, o->map_bytes / page * page);
    if (rc == 0) rc = mdb_env_set_maxdbs(s->env, DATABASES_MAX);
    if (rc == 0) rc = mdb_env_set_maxreaders(s->env, READERS_MAX);
    if (rc == 0) rc = mdb_env_open(s->env, path, flags | MDB_NOTLS, 0600);
    if (rc == 0) rc = mdb_env_get_fd(s->env, &fd);
    /* LMDB leaves this one open to every program that we start. */
    if (rc == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) rc = errno;
    if (rc == 0) rc = mdb_reader_check(s->env, &dead);
    if (rc == 0) return E_OK;
    return err_set(e, E_INTERNAL, "cannot open the store %s: %s", path, mdb_strerror(rc));
}

static void
env_close(struct store *s)
{
    if (s->env) mdb_env_close(s->env);
    s->env = NULL;
}

/* Opens every table and index; flags: MDB_CREATE to make those that are not there. */
static int
open_tables(struct store *s, MDB_txn *txn, unsigned flags)
{
    int rc = mdb_dbi_open(txn, "quarantine", flags, &s->quarantine_db);

    if (rc == 0) rc = mdb_dbi_open(txn, "hot", flags, &s->hot_db);
    for (enum index_id id = 0; id < INDEX_COUNT && rc == 0; id++) {
        if (key_desc(id)->is_hot) {
            s->dbs[id] = s->hot_db;
        } else {
            rc = mdb_dbi_open(txn, key_desc(id)->name, flags, &s->dbs[id]);
        }
    }
    return rc;
}

/* ---- a new store ---- */

static int
fill_new(struct store *s)
{
    struct facts facts = {.schema = SCHEMA_VERSION};
    MDB_txn     *txn;

    if (getrandom(&facts.incarnation, sizeof(facts.incarnation), 0) < 0) return errno;
    int rc = mdb_txn_begin(s->env, NULL, 0, &txn);
    if (rc != 0) return rc;
    rc = mdb_dbi_open(txn, FACTS_NAME, MDB_CREATE, &s->facts_db);
    if (rc == 0) rc = facts_write(txn, s->facts_db, &facts);
    if (rc == 0) rc = open_tables(s, txn, MDB_CREATE);
    if (rc == 0) return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

static enum errc
put_in_place(int dir_fd, const char *dir, struct err *e)
{
    FD_AUTO int fd = openat(dir_fd, NEW_FILE, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fsync(fd) != 0 || renameat(dir_fd, NEW_FILE, dir_fd, DATA_FILE) != 0 ||
        fsync(dir_fd) != 0) {
        return err_errno(e, "cannot make the store %s", dir);
    }
    (void)unlinkat(dir_fd, NEW_FILE "-lock", 0); /* harmless when it stays */
    return E_OK;
}

/* A store is made whole beside its place and then moved there, so that a data.mdb which is not
 * sound is never one that was only begun. */
static enum errc
create(struct store *s, int dir_fd, const struct store_options *o, struct err *e)
{
    FREE_AUTO char *path = xasprintf("%s/" NEW_FILE, o->dir);

    (void)unlinkat(dir_fd, NEW_FILE, 0); /* of an attempt that did not end; usually not there */
    (void)unlinkat(dir_fd, NEW_FILE "-lock", 0);
    if (env_open(s, path, MDB_NOSUBDIR, o, e)) return e->code;
    int rc = fill_new(s);
    if (rc != 0) {
        return err_set(e, errc_of(s, rc), "cannot make the store %s: %s", o->dir, mdb_strerror(rc));
    }
    env_close(s);
    return put_in_place(dir_fd, o->dir, e);
}

/* ---- opening ---- */

static enum errc
check_facts(struct store *s, int rc, const char *dir, struct err *e)
{
    if (rc == MDB_NOTFOUND || rc == MDB_CORRUPTED) {
        err_set(e, E_INTERNAL, "%s is not a store of agentd, or its first row is damaged", dir);
        return err_hint(e, RESTORE_ADVICE);
    }
    if (rc != 0) {
        return err_set(e, errc_of(s, rc), "cannot read the store %s: %s", dir, mdb_strerror(rc));
    }
    if (s->facts.schema > SCHEMA_VERSION) {
        err_set(e, E_INTERNAL,
                "the store at %s was written by a newer agentd (schema %" PRIu64
                ", this one knows %d)",
                dir, s->facts.schema, SCHEMA_VERSION);
        return err_hint(e, "install that agentd again, or restore a backup that this one made");
    }
    return E_OK;
}

/* In one write transaction, which is how LMDB keeps databases open; it writes nothing when all are
 * there. */
static enum errc
attach(struct store *s, const char *dir, struct err *e)
{
    MDB_txn *txn;
    MDB_stat stat;
    int      rc = mdb_txn_begin(s->env, NULL, 0, &txn);

    if (rc != 0) {
        return err_set(e, errc_of(s, rc), "cannot read the store %s: %s", dir, mdb_strerror(rc));
    }
    rc = mdb_dbi_open(txn, FACTS_NAME, 0, &s->facts_db);
    if (rc == 0) rc = facts_read(txn, s->facts_db, &s->facts);
    if (check_facts(s, rc, dir, e)) {
        mdb_txn_abort(txn);
        return e->code;
    }
    /* In a store of our own schema a table that is not there was lost: an empty one in its place
     * would hide that. */
    rc = open_tables(s, txn, s->facts.schema < SCHEMA_VERSION ? MDB_CREATE : 0);
    if (rc == 0) rc = mdb_stat(txn, s->facts_db, &stat);
    if (rc == 0) {
        s->page_bytes = stat.ms_psize;
        rc = mdb_txn_commit(txn);
    } else {
        mdb_txn_abort(txn);
    }
    if (rc == 0) return E_OK;
    err_set(e, errc_of(s, rc), "cannot open the tables of %s: %s", dir, mdb_strerror(rc));
    return rc == MDB_NOTFOUND ? err_hint(e, RESTORE_ADVICE) : e->code;
}

static enum errc
open_in(struct store *s, int dir_fd, const struct store_options *o, struct err *e)
{
    struct stat st;

    if (fstatat(dir_fd, DATA_FILE, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        /* Only what is surely not there is made: a new store takes the old one's place. */
        if (errno != ENOENT) return err_errno(e, "cannot look at %s/" DATA_FILE, o->dir);
        if (create(s, dir_fd, o, e)) return e->code;
    }
    if (file_check(dir_fd, o->dir, e)) return e->code;
    if (env_open(s, o->dir, o->relaxed ? MDB_NOMETASYNC : 0, o, e)) return e->code;
    if (attach(s, o->dir, e)) return e->code;
    return s->facts.schema < SCHEMA_VERSION ? store_upgrade(s, e) : E_OK;
}

static struct store *
store_new(void)
{
    struct store *s = xcalloc(1, sizeof(*s));

    s->owner = pthread_self();
    return s;
}

/* Takes s: it becomes *out, or is closed. */
static enum errc
opened(struct store *s, enum errc rc, struct store **out)
{
    if (rc) {
        store_close(&s);
    } else {
        *out = s;
    }
    return rc;
}

enum errc
store_open(struct store **out, const struct store_options *o, struct err *e)
{
    FD_AUTO int   dir_fd = -1;
    struct store *s;

    if (open_dir(o->dir, &dir_fd, e)) return e->code;
    s = store_new();
    s->reserve_floor_bytes = o->reserve_floor_bytes;
    return opened(s, open_in(s, dir_fd, o, e), out);
}

/* ---- for a forecast ---- */

static enum errc
open_in_memory(struct store *s, uint64_t map_bytes, struct err *e)
{
    const struct store_options o = {.dir = "in memory", .map_bytes = map_bytes};
    FD_AUTO int                fd = memfd_create("agentd-scratch", MFD_CLOEXEC);
    char                       path[32];

    if (fd < 0) return err_errno(e, "no memory for a scratch store");
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd); /* fits */
    if (env_open(s, path, MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC | MDB_WRITEMAP, &o, e))
        return e->code;
    int rc = fill_new(s);
    if (rc == 0) return attach(s, o.dir, e);
    return err_set(e, errc_of(s, rc), "cannot make a scratch store: %s", mdb_strerror(rc));
}

enum errc
store_open_scratch(struct store **out, uint64_t map_bytes, struct err *e)
{
    struct store *s = store_new();

    return opened(s, open_in_memory(s, map_bytes, e), out);
}

/* attach() without the write transaction, which is the other process's. */
static enum errc
attach_reader(struct store *s, const char *dir, struct err *e)
{
    MDB_txn *txn;
    int      rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);

    if (rc != 0) {
        return err_set(e, errc_of(s, rc), "cannot read the store %s: %s", dir, mdb_strerror(rc));
    }
    rc = mdb_dbi_open(txn, FACTS_NAME, 0, &s->facts_db);
    if (rc == 0) rc = facts_read(txn, s->facts_db, &s->facts);
    if (check_facts(s, rc, dir, e)) {
        mdb_txn_abort(txn);
        return e->code;
    }
    rc = open_tables(s, txn, 0);
    if (rc == 0) return mdb_txn_commit(txn) ? err_set(e, E_INTERNAL, "store %s", dir) : E_OK;
    mdb_txn_abort(txn);
    return err_set(e, errc_of(s, rc), "cannot open the tables of %s: %s", dir, mdb_strerror(rc));
}

enum errc
store_open_reader(struct store **out, const char *dir, struct err *e)
{
    const struct store_options o = {.dir = dir};
    struct store              *s = store_new();
    enum errc                  rc = env_open(s, dir, MDB_RDONLY, &o, e);

    return opened(s, rc ? rc : attach_reader(s, dir, e), out);
}

void
store_forget_readers(struct store *s)
{
    int dead;

    (void)mdb_reader_check(s->env, &dead); /* they are looked for again when the store is opened */
}

void
store_close(struct store **s)
{
    if (!*s) return;
    assert(!(*s)->writer);
    env_close(*s);
    buf_done(&(*s)->value);
    free(*s);
    *s = NULL;
}
