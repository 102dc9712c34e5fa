#include "proto/evidence.h"
#include "common/proc.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LAYOUT_MAGIC 0x31636e6564697665ULL /* "evidenc1" */

/* Stands before the records; the magic is written last, so that a half-made file is another layout.
 */
struct layout {
    uint64_t magic;
    uint64_t record_size;
    uint64_t workers;
    uint64_t leases;
    uint64_t reserved[4];
};

struct file {
    struct layout          layout;
    struct evidence_record workers[WORKERS_MAX];
    struct evidence_record leases[SLOTS_MAX];
};

static bool
is_ours(const struct layout *l)
{
    return l->magic == LAYOUT_MAGIC && l->record_size == sizeof(struct evidence_record) &&
           l->workers == WORKERS_MAX && l->leases == SLOTS_MAX;
}

/* NULL with is_other: the file has another layout; NULL without: errno says what failed. */
static struct file *
map_file(int fd, bool *is_other)
{
    struct stat st;

    *is_other = false;
    if (fstat(fd, &st)) return NULL;
    *is_other = !S_ISREG(st.st_mode) || st.st_size != sizeof(struct file);
    if (*is_other) return NULL;
    struct file *f = mmap(NULL, sizeof(*f), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (f == MAP_FAILED) return NULL;
    if (is_ours(&f->layout)) return f;
    *is_other = true;
    (void)munmap(f, sizeof(*f)); /* a whole mapping: cannot fail */
    return NULL;
}

static void
use_file(struct evidence *ev, int fd, struct file *f)
{
    *ev = (struct evidence){.fd = fd, .workers = f->workers, .leases = f->leases};
}

static enum errc
fail_and_close(int fd, const char *path, struct err *e)
{
    (void)err_errno(e, "evidence file %s", path);
    if (fd >= 0) (void)close(fd); /* nothing was written that anyone needs */
    return e->code;
}

/* The space is reserved at once: a full file system must not become a SIGBUS in a child. */
static enum errc
create(struct evidence *ev, const char *path, struct err *e)
{
    const struct layout layout = {
        LAYOUT_MAGIC, sizeof(struct evidence_record), WORKERS_MAX, SLOTS_MAX, {0}};
    bool is_other;
    int  fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0 || (errno = posix_fallocate(fd, 0, sizeof(struct file))) ||
        pwrite(fd, &layout, sizeof(layout), 0) != sizeof(layout)) {
        return fail_and_close(fd, path, e);
    }
    struct file *f = map_file(fd, &is_other);
    if (!f) return fail_and_close(fd, path, e);
    use_file(ev, fd, f);
    return E_OK;
}

enum errc
evidence_open(struct evidence *ev, const char *path, struct err *e)
{
    int          fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct file *f;
    bool         is_other;

    if (fd < 0 && errno == ENOENT) return create(ev, path, e);
    if (fd < 0) return fail_and_close(fd, path, e);
    f = map_file(fd, &is_other);
    if (!f && !is_other) return fail_and_close(fd, path, e);
    if (!f) {
        /* Replaced, not overwritten: whoever still maps the old file keeps what it has. */
        if (unlink(path)) return fail_and_close(fd, path, e);
        (void)close(fd); /* only read from */
        return create(ev, path, e);
    }
    use_file(ev, fd, f);
    return E_OK;
}

enum errc
evidence_map(struct evidence *ev, int fd, struct err *e)
{
    bool         is_other;
    struct file *f = map_file(fd, &is_other);

    if (!f && is_other) return err_set(e, E_INTERNAL, "evidence file: another layout");
    if (!f) return err_errno(e, "evidence file");
    if (fcntl(fd, F_SETFD, FD_CLOEXEC)) { /* it came through one exec; handlers must not have it */
        (void)err_errno(e, "evidence file");
        (void)munmap(f, sizeof(*f)); /* a whole mapping: cannot fail */
        return e->code;
    }
    use_file(ev, fd, f);
    return E_OK;
}

void
evidence_close(struct evidence *ev)
{
    if (!ev->workers) return;
    char *start = (char *)ev->workers - offsetof(struct file, workers);
    (void)munmap(start, sizeof(struct file)); /* a whole mapping: cannot fail */
    (void)close(ev->fd);                      /* the mapping was the writer */
    *ev = (struct evidence){.fd = -1};
}

/* The pid says that the rest of the record holds: it is published last and withdrawn first. */
static void
put_pid(struct evidence_record *r, uint64_t pid)
{
    __atomic_store_n(&r->pid, pid, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

void
evidence_write_self(struct evidence_record *r, uint64_t boot_id, uint64_t token, uint64_t worker,
                    uint64_t incarnation)
{
    put_pid(r, 0);
    r->start_time = proc_own_start_time();
    r->boot_id = boot_id;
    r->pgid = (uint64_t)getpgrp();
    r->token = token;
    r->worker = worker;
    r->incarnation = incarnation;
    put_pid(r, (uint64_t)getpid());
}

void
evidence_copy(struct evidence_record *r, const struct evidence_record *from, uint64_t token)
{
    struct evidence_record copy = *from;

    copy.pid = 0;
    copy.token = token;
    put_pid(r, 0);
    *r = copy;
    put_pid(r, from->pid);
}

void
evidence_clear(struct evidence_record *r)
{
    put_pid(r, 0);
    *r = (struct evidence_record){0};
}

bool
evidence_is_alive(const struct evidence_record *r)
{
    uint64_t pid = __atomic_load_n(&r->pid, __ATOMIC_ACQUIRE);

    if (pid == 0 || pid > INT32_MAX || r->boot_id != proc_boot_id()) return false;
    return r->start_time != 0 && proc_start_time((pid_t)pid) == r->start_time &&
           !proc_is_zombie((pid_t)pid);
}
