#include "supervisor/store/internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define GROW_BYTES_MAX (64ULL << 20)
#define COUNT_EVERY    1000 /* commits: how old a count of the free list gets while all is well */

/* The file as it is now. */
struct extent {
    int      fd;
    size_t   last_txn;
    uint64_t end_bytes; /* up to the last page that was ever used */
    uint64_t file_bytes;
    uint64_t map_bytes;
    uint64_t disk_free_bytes;
};

static uint64_t
file_size(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static struct extent
measure(struct store *s)
{
    MDB_envinfo    info;
    struct statvfs v;
    struct extent  x = {0};

    int rc = mdb_env_info(s->env, &info);
    if (rc == 0) rc = mdb_env_get_fd(s->env, &x.fd);
    assert(rc == 0); /* they fail for bad arguments only */
    x.last_txn = info.me_last_txnid;
    x.end_bytes = (uint64_t)(info.me_last_pgno + 1) * s->page_bytes;
    x.map_bytes = info.me_mapsize;
    x.file_bytes = file_size(x.fd);
    if (fstatvfs(x.fd, &v) == 0) x.disk_free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
    return x;
}

static uint64_t
least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* In whole pages: a file that ends within one is taken for cut off. */
static uint64_t
reserve_for(const struct store *s, uint64_t used_bytes)
{
    uint64_t floor = s->reserve_floor_bytes;
    uint64_t bytes = used_bytes / 10 > floor ? used_bytes / 10 : floor;

    return (bytes + s->page_bytes - 1) / s->page_bytes * s->page_bytes;
}

static bool
extend(struct extent *x, uint64_t bytes)
{
    int rc;

    if (bytes > x->disk_free_bytes || bytes > x->map_bytes - x->file_bytes) return false;
    do
        rc = posix_fallocate(x->fd, (off_t)x->file_bytes, (off_t)bytes);
    while (rc == EINTR);
    x->file_bytes = file_size(x->fd);
    x->disk_free_bytes -= bytes;
    return rc == 0;
}

/* In steps as large as the reserve itself; where there is no room for that, by just what is asked.
 */
static void
grow(struct extent *x, uint64_t wanted_bytes, uint64_t reserve_bytes)
{
    while (x->file_bytes < wanted_bytes) {
        uint64_t missing = least(wanted_bytes - x->file_bytes, GROW_BYTES_MAX);
        uint64_t step = least(reserve_bytes, GROW_BYTES_MAX);

        if (step > missing && extend(x, step)) return;
        if (!extend(x, missing)) return;
    }
}

/* Sums the counts that LMDB keeps at the head of each entry of its free list (database 0). */
static void
count_free_pages(struct store *s, size_t last_txn)
{
    MDB_txn    *txn;
    MDB_cursor *c;
    MDB_val     k;
    MDB_val     v;
    uint64_t    pages = 0;

    if (mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn) != 0) return; /* the old count stands */
    if (mdb_cursor_open(txn, 0, &c) == 0) {
        while (mdb_cursor_get(c, &k, &v, MDB_NEXT) == 0) {
            size_t count = 0;
            if (v.mv_size >= sizeof(count)) memcpy(&count, v.mv_data, sizeof(count));
            pages += count;
        }
        mdb_cursor_close(c);
        s->free_pages = pages;
        s->free_txn = last_txn;
    }
    mdb_txn_abort(txn);
}

/* While the reserve stands behind the last page ever used, the free list need not be known; when
 * the file cannot grow, the pages in it are what a purge gave back. */
void
store_reserve(struct store *s, struct store_space *out)
{
    struct extent x = measure(s);
    uint64_t      reserve = reserve_for(s, x.end_bytes);
    uint64_t      wanted = least(x.end_bytes + reserve, x.map_bytes);

    grow(&x, wanted, reserve);
    uint64_t usable = least(x.file_bytes, x.map_bytes);
    bool     is_short = usable < x.end_bytes + reserve;
    uint64_t age = x.last_txn - s->free_txn;
    if (age >= COUNT_EVERY || (is_short && age > 0)) count_free_pages(s, x.last_txn);

    uint64_t used = x.end_bytes - least(s->free_pages * s->page_bytes, x.end_bytes);
    *out = (struct store_space){
        .used_bytes = used,
        .file_bytes = x.file_bytes,
        .map_bytes = x.map_bytes,
        .disk_free_bytes = x.disk_free_bytes,
        .end_bytes = x.end_bytes,
        .can_admit = usable >= used + reserve_for(s, used),
        .disk_is_short = x.file_bytes < wanted,
    };
}
