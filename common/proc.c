#include "common/proc.h"

#include "common/buf.h"
#include "common/hash.h"
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STAT_BYTES        1024    /* the fields of interest are in the first half */
#define STATUS_BYTES      4096    /* the fields of interest are in the first half */
#define FILE_BYTES_MAX    8388608 /* above the kernel's bound on arguments and environment */
#define PASS_VISITS_MAX   65536   /* ends a pass that processes fork against */
#define STAT_FIELD_PPID   4
#define STAT_FIELD_GROUP  5
#define STAT_FIELD_THREAD 20
#define STAT_FIELD_START  22

struct stat_line {
    char    state;
    int64_t fields[STAT_FIELD_START + 1]; /* by their number in proc(5), from 4 on */
};

/* As much of a file as fits; async-signal-safe.  -1 when it cannot be read. */
static ssize_t
read_front(const char *path, char *out, size_t size)
{
    size_t  n = 0;
    ssize_t got;
    int     fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) return -1;
    do {
        got = read(fd, out + n, size - n);
        if (got > 0) n += (size_t)got;
    } while (n < size && (got > 0 || (got < 0 && errno == EINTR)));
    close(fd);
    return got < 0 ? -1 : (ssize_t)n;
}

/* Async-signal-safe.  The command in parentheses may itself hold spaces and parentheses. */
static bool
parse_stat(const char *text, size_t size, struct stat_line *out)
{
    const char *end = text + size;
    const char *p = memrchr(text, ')', size);

    if (!p || end - p < 3) return false;
    out->state = p[2];
    p += 3;
    for (int field = 4; field <= STAT_FIELD_START; field++) {
        uint64_t v = 0;

        if (p == end || *p++ != ' ') return false;
        bool is_negative = p < end && *p == '-';
        if (is_negative) p++;
        if (p == end || *p < '0' || *p > '9') return false;
        for (; p < end && *p >= '0' && *p <= '9'; p++)
            v = v * 10 + (uint64_t)(*p - '0');
        out->fields[field] = (int64_t)(is_negative ? -v : v);
    }
    return true;
}

static bool
read_stat(const char *path, struct stat_line *out)
{
    char    text[STAT_BYTES];
    ssize_t size = read_front(path, text, sizeof(text));

    return size > 0 && parse_stat(text, (size_t)size, out);
}

static bool
stat_of(pid_t pid, struct stat_line *out)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid); /* fits */
    return read_stat(path, out);
}

/* A process whose first thread has ended shows as a zombie while its other threads still run. */
static bool
is_dead(const struct stat_line *s)
{
    return (s->state == 'Z' || s->state == 'X') && s->fields[STAT_FIELD_THREAD] <= 1;
}

uint64_t
proc_start_time(pid_t pid)
{
    struct stat_line s;

    return stat_of(pid, &s) ? (uint64_t)s.fields[STAT_FIELD_START] : 0;
}

uint64_t
proc_own_start_time(void)
{
    struct stat_line s;

    return read_stat("/proc/self/stat", &s) ? (uint64_t)s.fields[STAT_FIELD_START] : 0;
}

uint64_t
proc_own_peak_kb(void)
{
    static const char field[] = "VmHWM:";
    char              text[STATUS_BYTES];
    ssize_t           n = read_front("/proc/self/status", text, sizeof(text) - 1);
    const char       *at;

    if (n < 0) return 0;
    text[n] = '\0';
    at = strstr(text, field);
    return at ? strtoull(at + strlen(field), NULL, 10) : 0;
}

uint64_t
proc_boot_id(void)
{
    char    text[64];
    ssize_t size = read_front("/proc/sys/kernel/random/boot_id", text, sizeof(text));

    if (size <= 0) return 0;
    if (text[size - 1] == '\n') size--;
    return hash64(view_of(text, (size_t)size), 0);
}

bool
proc_is_zombie(pid_t pid)
{
    struct stat_line s;

    return stat_of(pid, &s) && is_dead(&s);
}

pid_t
proc_parent(pid_t pid)
{
    struct stat_line s;

    return stat_of(pid, &s) ? (pid_t)s.fields[STAT_FIELD_PPID] : 0;
}

/* The whole file; false when it cannot be read or is larger than any such file. */
static bool
read_whole(const char *path, struct buf *out)
{
    ssize_t got;
    int     fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) return false;
    do {
        buf_reserve(out, 4096);
        got = read(fd, out->data + out->size, out->cap - out->size);
        if (got > 0) out->size += (size_t)got;
    } while (out->size <= FILE_BYTES_MAX && (got > 0 || (got < 0 && errno == EINTR)));
    close(fd);
    return got == 0;
}

bool
proc_environ(pid_t pid, const char *name, char *out, size_t size)
{
    BUF_AUTO struct buf text = {0};
    char                path[64];
    size_t              name_size = strlen(name);

    (void)snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid); /* fits */
    if (!read_whole(path, &text)) return false;
    const char *end = buf_str(&text) + text.size;
    for (const char *p = text.data; p < end; p += strlen(p) + 1) {
        if (strncmp(p, name, name_size) != 0 || p[name_size] != '=') continue;
        const char *value = p + name_size + 1;
        if (strlen(value) >= size) return false;
        memcpy(out, value, strlen(value) + 1);
        return true;
    }
    return false;
}

/* Calls visit for every number that names an entry of `path`. */
static bool
each_number(const char *path, bool (*visit)(pid_t pid, void *arg), void *arg)
{
    DIR                 *dir = opendir(path);
    const struct dirent *entry;

    if (!dir) return false;
    while ((entry = readdir(dir))) {
        char *end;
        long  number = strtol(entry->d_name, &end, 10);

        if (number > 0 && *end == '\0' && !visit((pid_t)number, arg)) break;
    }
    closedir(dir);
    return true;
}

struct row {
    pid_t pid;
    pid_t parent;
};

/* Who is whose child: from the kernel's lists where it keeps them, else from one look at every
 * process. */
struct family {
    bool       has_lists;
    struct buf rows; /* struct row, when there are no lists */
};

static bool
add_row(pid_t pid, void *arg)
{
    struct family   *f = arg;
    struct stat_line s;

    if (stat_of(pid, &s)) {
        struct row row = {.pid = pid, .parent = (pid_t)s.fields[STAT_FIELD_PPID]};
        buf_add(&f->rows, &row, sizeof(row));
    }
    return true;
}

static void
family_open(struct family *f)
{
    *f = (struct family){.has_lists = access("/proc/thread-self/children", R_OK) == 0};
    if (!f->has_lists) (void)each_number("/proc", add_row, f); /* no /proc: no children are known */
}

static void
family_done(struct family *f)
{
    buf_done(&f->rows);
}

struct listing {
    pid_t       parent;
    struct buf *out; /* pid_t */
};

static bool
add_children_of_thread(pid_t tid, void *arg)
{
    struct listing     *l = arg;
    BUF_AUTO struct buf text = {0};
    char                path[64];
    char               *end;

    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)l->parent, (int)tid);
    if (!read_whole(path, &text))
        return true; /* the thread has ended: its children are another's */
    for (const char *p = buf_str(&text);; p = end) {
        pid_t pid = (pid_t)strtol(p, &end, 10);

        if (end == p) return true;
        buf_add(l->out, &pid, sizeof(pid));
    }
}

static void
add_children(const struct family *f, pid_t parent, struct buf *out)
{
    struct listing l = {.parent = parent, .out = out};
    char           path[64];

    if (f->has_lists) {
        (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)parent); /* fits */
        (void)each_number(path, add_children_of_thread, &l); /* gone: it has no children */
        return;
    }
    const struct row *rows = (const struct row *)(const void *)f->rows.data;
    for (size_t i = 0; i < f->rows.size / sizeof(*rows); i++) {
        if (rows[i].parent == parent) buf_add(out, &rows[i].pid, sizeof(rows[i].pid));
    }
}

size_t
proc_children(pid_t parent, pid_t *out, size_t max)
{
    BUF_AUTO struct buf pids = {0};
    struct family       f;

    family_open(&f);
    add_children(&f, parent, &pids);
    family_done(&f);
    size_t count = pids.size / sizeof(pid_t);
    if (count > max) count = max;
    if (count > 0) memcpy(out, pids.data, count * sizeof(pid_t));
    return count;
}

struct visitor {
    bool (*visit)(pid_t pid, void *arg);
    void *arg;
};

static bool
visit_if_ours(pid_t pid, void *arg)
{
    const struct visitor *v = arg;

    return kill(pid, 0) != 0 || v->visit(pid, v->arg);
}

void
proc_each(bool (*visit)(pid_t pid, void *arg), void *arg)
{
    struct visitor v = {.visit = visit, .arg = arg};

    (void)each_number("/proc", visit_if_ours, &v); /* no /proc: nobody to visit */
}

/* The dead are not counted: they stay until their parent reaps them, maybe after the caller's loop.
 */
static bool
kill_living(pid_t pid)
{
    struct stat_line s;

    return stat_of(pid, &s) && !is_dead(&s) && kill(pid, SIGKILL) == 0;
}

struct group {
    pid_t  pgid;
    size_t killed;
};

static bool
kill_if_member(pid_t pid, void *arg)
{
    struct group    *g = arg;
    struct stat_line s;

    if (stat_of(pid, &s) && s.fields[STAT_FIELD_GROUP] == g->pgid && kill_living(pid)) g->killed++;
    return true;
}

size_t
proc_kill_tree(pid_t root, pid_t pgid)
{
    BUF_AUTO struct buf pids = {0};
    struct family       f;
    size_t              killed = 0;

    assert(root > 0);
    family_open(&f);
    add_children(&f, root, &pids);
    for (size_t i = 0; i < pids.size / sizeof(pid_t) && i < PASS_VISITS_MAX; i++) {
        pid_t pid;

        memcpy(&pid, pids.data + i * sizeof(pid), sizeof(pid));
        add_children(&f, pid, &pids); /* before it dies and they become another's */
        if (pid != root && kill_living(pid)) killed++;
    }
    family_done(&f);

    /* A group that holds root or ourselves is not the one that was meant, and -1 is everybody. */
    if (pgid <= 1 || pgid == getpgid(root) || pgid == getpgrp()) return killed;
    struct group g = {.pgid = pgid};
    if (kill(-pgid, 0) != 0) return killed;
    /* One by one for the count, which kill(2) does not give; all at once for those forked
     * meanwhile. */
    if (killed == 0) (void)each_number("/proc", kill_if_member, &g);
    (void)kill(-pgid, SIGKILL); /* fails when the last has gone */
    return killed + g.killed;
}

void
proc_default_signals(void)
{
    /* The kernel's own struct: handler, flags, restorer, mask; all zero is SIG_DFL. */
    const unsigned long none[4] = {0};

    for (int sig = 1; sig <= 64; sig++)
        (void)syscall(SYS_rt_sigaction, sig, none, NULL, 8); /* KILL and STOP refuse */
}
