#include "supervisor/store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum errc
file_check_owner(const struct stat *st, const char *dir, const char *what, struct err *e)
{
    if (st->st_uid != geteuid()) {
        err_set(e, E_INTERNAL, "%s%s belongs to uid %u, not to us (%u)", dir, what,
                (unsigned)st->st_uid, (unsigned)geteuid());
        return err_hint(e, "start agentd as the user that owns the store");
    }
    if (st->st_mode & 077) {
        err_set(e, E_INTERNAL, "%s%s is open to others (mode %04o)", dir, what,
                (unsigned)st->st_mode & 07777);
        return err_hint(e, "chmod -R go= %s", dir);
    }
    return E_OK;
}

/* ---- the head ---- */

/* LMDB's meta page, of which there are two: page header, then this (data version 1). */
struct meta_page {
    uint64_t page_number;
    uint16_t pad, flags;
    uint32_t free_space;
    uint32_t magic, version;
    uint64_t address, map_bytes;
    struct {
        uint32_t page_bytes; /* in the first of the two */
        uint16_t flags, depth;
        uint64_t branch_pages, leaf_pages, overflow_pages, entries, root;
    } dbs[2];
    uint64_t last_page;
    uint64_t txn;
};
#define LMDB_MAGIC   0xBEEFC0DE
#define LMDB_VERSION 1

static bool
meta_is_ours(const struct meta_page *m)
{
    uint32_t size = m->dbs[0].page_bytes;

    return m->magic == LMDB_MAGIC && m->version == LMDB_VERSION && size >= 512 && size <= 65536 &&
           (size & (size - 1)) == 0;
}

/* Commits write the two pages in turn, so their numbers differ by one. */
static bool
read_metas(int fd, struct meta_page m[2])
{
    return pread(fd, &m[0], sizeof(m[0]), 0) == sizeof(m[0]) && meta_is_ours(&m[0]) &&
           pread(fd, &m[1], sizeof(m[1]), m[0].dbs[0].page_bytes) == sizeof(m[1]) &&
           meta_is_ours(&m[1]) && m[0].dbs[0].page_bytes == m[1].dbs[0].page_bytes &&
           m[0].txn - m[1].txn + 1 <= 2;
}

/* ---- a walk over every page that is in use, in a process that may die of it ---- */

static int
walk_rows(MDB_txn *txn, MDB_dbi db)
{
    MDB_cursor   *c;
    MDB_val       k;
    MDB_val       v;
    volatile char last; /* so that the page is read */
    int           rc = mdb_cursor_open(txn, db, &c);

    while (rc == 0 && (rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) == 0) {
        if (v.mv_size > 0) last = ((const char *)v.mv_data)[v.mv_size - 1];
    }
    (void)last;
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
walk_databases(MDB_txn *txn)
{
    MDB_cursor *c;
    MDB_val     name;
    MDB_val     v;
    MDB_dbi     main_db;
    int         rc = walk_rows(txn, 0); /* the free list */

    if (rc == 0) rc = mdb_dbi_open(txn, NULL, 0, &main_db);
    if (rc == 0) rc = mdb_cursor_open(txn, main_db, &c);
    while (rc == 0 && (rc = mdb_cursor_get(c, &name, &v, MDB_NEXT)) == 0) {
        char    text[64] = "";
        MDB_dbi db;
        if (name.mv_size < sizeof(text)) memcpy(text, name.mv_data, name.mv_size);
        rc = mdb_dbi_open(txn, text, 0, &db);
        if (rc == 0) rc = walk_rows(txn, db);
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static bool
walk_all(const char *dir)
{
    MDB_env *env;
    MDB_txn *txn;

    return mdb_env_create(&env) == 0 && mdb_env_set_maxdbs(env, DATABASES_MAX) == 0 &&
           mdb_env_open(env, dir, MDB_RDONLY | MDB_NOLOCK, 0) == 0 &&
           mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) == 0 && walk_databases(txn) == 0;
}

static bool
child_can_walk_all(const char *dir)
{
    int   status;
    pid_t pid = fork();

    if (pid == 0) _exit(walk_all(dir) ? 0 : 1);
    if (pid < 0) return false;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) return false;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* LMDB divides by the page size that it reads and maps whatever the file claims to hold: a damaged
 * head or a file that was cut short would be SIGFPE or SIGBUS in the middle of work.
 *
 * A file may end before its last page and be whole: LMDB does not write pages that a transaction
 * both took and gave back.  Without the reserve behind them such pages can be the last. */
enum errc
file_check(int dir_fd, const char *dir, struct err *e)
{
    FD_AUTO int      fd = openat(dir_fd, DATA_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat      st;
    struct meta_page m[2];

    if (fd < 0 || fstat(fd, &st) != 0) return err_errno(e, "cannot open %s/" DATA_FILE, dir);
    if (!S_ISREG(st.st_mode)) return err_set(e, E_INTERNAL, "%s/" DATA_FILE " is not a file", dir);
    if (file_check_owner(&st, dir, "/" DATA_FILE, e)) return e->code;
    if (!read_metas(fd, m)) {
        err_set(e, E_INTERNAL, "%s/" DATA_FILE " is not a store, or its head is damaged", dir);
        return err_hint(e, RESTORE_ADVICE);
    }
    uint32_t page_bytes = m[0].dbs[0].page_bytes;
    uint64_t pages = (uint64_t)st.st_size / page_bytes;
    uint64_t last_page = m[m[0].txn < m[1].txn].last_page;
    bool     is_cut_within_page = (uint64_t)st.st_size % page_bytes != 0; /* reads as zeros */
    if (pages > last_page || (!is_cut_within_page && child_can_walk_all(dir))) return E_OK;
    err_set(e, E_INTERNAL, "%s/" DATA_FILE " is cut off: it has %" PRIu64 " pages of %" PRIu64, dir,
            pages, last_page + 1);
    return err_hint(e, RESTORE_ADVICE);
}

void
file_close(int *fd)
{
    if (*fd >= 0) close(*fd);
}
