#include "worker/delivery/sinkfile.h"

#include "common/err.h"
#include "common/json.h"
#include "common/mp.h"
#include "proto/messages.h"
#include "worker/delivery/answer.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_BYTES   262144
#define KEPT_LINE_MAX (4UL * PAYLOAD_MAX) /* a longer line is no effect of ours */
/* A file's time is that of a clock tick before, or of another machine. */
#define BIRTH_TOLERANCE_MS 1000

static void
answer_error(struct buf *out, const char *outcome, const char *what, const char *path)
{
    FREE_AUTO char *text = xasprintf("%s %s: %s", what, path, strerror(errno));

    answer_put(out, outcome, "message", text);
}

static void
answer_delivered(struct buf *out, off_t offset)
{
    char receipt[48];

    (void)snprintf(receipt, sizeof(receipt), "offset %jd", (intmax_t)offset); /* fits */
    answer_put(out, "delivered", "receipt", receipt);
}

static int
open_sink(const char *path, int flags)
{
    return open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600); /* NONBLOCK: for a fifo */
}

/* The entry of a file that may be new. */
static int
sync_folder(const char *path)
{
    FREE_AUTO char *copy = xstrdup(path);
    int             fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) return -1;
    int rc = fsync(fd);
    close(fd);
    return rc;
}

/* A line without its newline is left of a write that was cut short; ours must not continue it. */
static int
end_torn_line(int fd, off_t *size)
{
    char last;

    if (*size == 0) return 0;
    if (pread(fd, &last, 1, *size - 1) != 1) return -1;
    if (last == '\n') return 0;
    if (write(fd, "\n", 1) != 1) return -1;
    *size += 1;
    return 0;
}

/* Of the line at `at` only `written` bytes fitted, on a full disk say.  They are taken back while
 * nothing stands behind them: others of ours wait for the lock, other programs may not. */
static void
take_back(int fd, off_t at, ssize_t written, struct buf *out)
{
    struct stat st;

    if (fstat(fd, &st) == 0 && st.st_size == at + written && ftruncate(fd, at) == 0 &&
        fdatasync(fd) == 0) {
        answer_put(out, "failed", "message",
                   "only a part of the line could be written; it was taken back");
    } else {
        answer_put(out, "unknown", "message", "only a part of the line could be written");
    }
}

static void
append_locked(int fd, const char *path, struct view line, struct buf *out)
{
    struct stat st;
    off_t       at;

    if (fstat(fd, &st) != 0) {
        answer_error(out, "failed", "stat", path);
        return;
    }
    if (!S_ISREG(st.st_mode)) {
        answer_put(out, "failed", "message", "the sink's path is not a regular file");
        return;
    }
    at = st.st_size;
    if (end_torn_line(fd, &at) != 0) {
        answer_error(out, "failed", "write", path);
        return;
    }
    ssize_t n = write(fd, line.data, line.size); /* at once: readers see a line whole */
    if (n < 0) {
        answer_error(out, "failed", "write", path);
    } else if ((size_t)n < line.size) {
        take_back(fd, at, n, out);
    } else if (fdatasync(fd) != 0 || (st.st_size == 0 && sync_folder(path) != 0)) {
        answer_error(out, "unknown", "sync", path);
    } else {
        answer_delivered(out, at);
    }
}

void
sinkfile_append(const char *path, struct view line, struct buf *out)
{
    int fd = open_sink(path, O_RDWR | O_APPEND | O_CREAT);

    if (fd < 0) {
        answer_error(out, "failed", "open", path);
        return;
    }
    if (flock(fd, LOCK_EX) != 0) {
        answer_error(out, "failed", "lock", path);
    } else {
        append_locked(fd, path, line, out);
    }
    close(fd);
}

/* The effect's id stands there as a number or as its decimal text. */
static bool
is_effect(struct view text, uint64_t effect)
{
    BUF_AUTO struct buf packed = {0};
    struct view         id;
    struct err          e;
    char                decimal[24];
    int64_t             number;

    if (text.size == 0 || !memmem(text.data, text.size, "\"effect_id\"", 11)) return false;
    if (json_to_mp(text, &packed, &e)) return false;
    if (mp_find_i64(buf_view(&packed), "effect_id", &number)) {
        return number >= 0 && (uint64_t)number == effect;
    }
    (void)snprintf(decimal, sizeof(decimal), "%" PRIu64, effect); /* fits */
    return mp_find_str(buf_view(&packed), "effect_id", &id) && view_is(id, decimal);
}

/* A walk over a file's lines. */
struct search {
    uint64_t   effect;
    struct buf part;    /* of the line at line_at, which goes on in the next block */
    off_t      line_at; /* in the file */
    off_t      at;      /* how far the walk has come */
    bool       is_found;
};

/* The line in `part` is all there is of it.  One without a newline counts, too: no proper beginning
 * of a JSON object is an object. */
static void
search_line(struct search *s)
{
    s->is_found = s->part.size <= KEPT_LINE_MAX && is_effect(buf_view(&s->part), s->effect);
}

static void
search_block(struct search *s, struct view block)
{
    while (block.size > 0) {
        const char *newline = memchr(block.data, '\n', block.size);
        size_t      size = newline ? (size_t)(newline - block.data) : block.size;

        if (s->part.size <= KEPT_LINE_MAX) buf_add(&s->part, block.data, size);
        s->at += (off_t)size;
        if (!newline) return;
        search_line(s);
        if (s->is_found) return;
        s->at++;
        s->line_at = s->at;
        buf_clear(&s->part);
        block = view_of(newline + 1, block.size - size - 1);
    }
}

/* -1: it could not be read. */
static int
search_file(int fd, struct search *s)
{
    FREE_AUTO char *block = xmalloc(BLOCK_BYTES);
    ssize_t         n;

    while (!s->is_found && (n = pread(fd, block, BLOCK_BYTES, s->at)) != 0) {
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        search_block(s, view_of(block, (size_t)n));
    }
    if (!s->is_found) search_line(s);
    return 0;
}

/* Made when the attempt was, or later; false where the file system does not know. */
static bool
may_be_new(int fd, int64_t attempted_at_ms)
{
    struct statx st;

    if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &st) != 0) return false;
    if (!(st.stx_mask & STATX_BTIME)) return false;
    return (int64_t)st.stx_btime.tv_sec * 1000 + st.stx_btime.tv_nsec / 1000000 >
           attempted_at_ms - BIRTH_TOLERANCE_MS;
}

static void
answer_not_found(int fd, int64_t attempted_at_ms, struct buf *out)
{
    if (may_be_new(fd, attempted_at_ms)) {
        answer_put_unknown(out, "not in the file, which was made since: it may be in the one "
                                "before");
    } else {
        answer_put(out, "absent", NULL, "");
    }
}

static void
probe_locked(int fd, const char *path, uint64_t effect, int64_t attempted_at_ms, struct buf *out)
{
    struct search s = {.effect = effect};

    if (search_file(fd, &s) != 0) {
        answer_error(out, "unknown", "read", path);
    } else if (!s.is_found) {
        answer_not_found(fd, attempted_at_ms, out);
    } else if (fdatasync(fd) != 0) { /* its writer may have died before this */
        answer_error(out, "unknown", "sync", path);
    } else {
        answer_delivered(out, s.line_at);
    }
    buf_done(&s.part);
}

void
sinkfile_probe(const char *path, uint64_t effect, int64_t attempted_at_ms, struct buf *out)
{
    int fd = open_sink(path, O_RDONLY);

    if (fd < 0 && errno == ENOENT) {
        answer_put_unknown(out, "there is no file: it may be in one that was moved away");
    } else if (fd < 0 || flock(fd, LOCK_SH) != 0) {
        answer_error(out, "unknown", "open", path);
    } else {
        probe_locked(fd, path, effect, attempted_at_ms, out);
    }
    if (fd >= 0) close(fd);
}

static int
read_input(struct buf *out)
{
    ssize_t n;

    do {
        buf_reserve(out, BLOCK_BYTES);
        n = read(STDIN_FILENO, out->data + out->size, out->cap - out->size);
        if (n > 0) out->size += (size_t)n;
    } while (n > 0 || (n < 0 && errno == EINTR));
    return n < 0 ? -1 : 0;
}

/* Both forms of the command line; false for any other. */
static bool
act(int argc, char **argv, struct buf *out)
{
    BUF_AUTO struct buf input = {0};

    if (argc == 6 && strcmp(argv[3], "--probe") == 0) {
        sinkfile_probe(argv[2], strtoull(argv[4], NULL, 10), strtoll(argv[5], NULL, 10), out);
        return true;
    }
    if (argc != 3) return false;
    if (read_input(&input) != 0) {
        answer_put(out, "failed", "message", "the document could not be read");
    } else {
        sinkfile_append(argv[2], buf_view(&input), out);
    }
    return true;
}

int
sinkfile_main(int argc, char **argv)
{
    BUF_AUTO struct buf out = {0};

    if (!act(argc, argv, &out)) return 2;
    return answer_print(&out);
}
