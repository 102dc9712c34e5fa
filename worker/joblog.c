#include "worker/joblog.h"

#include "worker/text.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char full_note[] = "log limit reached; later lines are discarded\n";

void
joblog_init(struct joblog *l, const char *folder, uint64_t job, uint64_t attempt, uint64_t max)
{
    *l = (struct joblog){.folder = folder, .job = job, .attempt = attempt, .max = max, .fd = -1};
}

void
joblog_done(struct joblog *l)
{
    if (l->fd >= 0) close(l->fd);
    l->fd = -1;
    buf_done(&l->pending);
}

/* An earlier attempt may have reached the limit. */
static bool
ends_in_note(int fd, off_t size)
{
    char   end[sizeof(full_note) - 1];
    size_t length = sizeof(end);

    return (size_t)size >= length &&
           pread(fd, end, length, size - (off_t)length) == (ssize_t)length &&
           memcmp(end, full_note, length) == 0;
}

static enum errc
open_file(struct joblog *l, struct err *e)
{
    FREE_AUTO char *folder = xasprintf("%s/%02x", l->folder, (unsigned)(l->job % 256));
    FREE_AUTO char *path = xasprintf("%s/%" PRIu64 ".log", folder, l->job);
    struct stat     st;

    if (mkdir(folder, 0700) != 0 && errno != EEXIST) return err_errno(e, "mkdir %s", folder);
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return err_errno(e, "open %s", path);
    if (fstat(fd, &st) != 0) {
        (void)err_errno(e, "stat %s", path);
        close(fd);
        return e->code;
    }
    l->fd = fd;
    l->size = (uint64_t)st.st_size;
    l->is_full = ends_in_note(fd, st.st_size);
    return E_OK;
}

/* RFC 3339 in UTC, with milliseconds. */
static void
add_time(struct buf *out, int64_t wall_ms)
{
    time_t    seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    char      text[32] = "";

    if (gmtime_r(&seconds, &tm)) strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    buf_printf(out, "%s.%03dZ", text, (int)(wall_ms % 1000));
}

static void
add_line(struct joblog *l, int64_t wall_ms, const char *stream, struct view text)
{
    size_t before = l->pending.size;

    add_time(&l->pending, wall_ms);
    buf_printf(&l->pending, " %" PRIu64 " %s ", l->attempt, stream);
    text_clean(text, &l->pending);
    buf_add(&l->pending, "\n", 1);

    if (l->size + (l->pending.size - before) > l->max) {
        l->pending.size = before;
        add_time(&l->pending, wall_ms);
        buf_printf(&l->pending, " %" PRIu64 " log %s", l->attempt, full_note);
        l->is_full = true;
    }
    l->size += l->pending.size - before;
}

void
joblog_add(struct joblog *l, int64_t wall_ms, const char *stream, struct view text)
{
    if (l->is_full) return;
    if (l->fd < 0 && open_file(l, &l->error)) l->is_full = true;
    if (!l->is_full) add_line(l, wall_ms, stream, text);
}

static enum errc
write_all(int fd, struct view v, struct err *e)
{
    while (v.size > 0) {
        ssize_t n = write(fd, v.data, v.size);

        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return err_errno(e, "write");
        v = view_of(v.data + n, v.size - (size_t)n);
    }
    return E_OK;
}

enum errc
joblog_flush(struct joblog *l, struct err *e)
{
    if (l->pending.size > 0 && write_all(l->fd, buf_view(&l->pending), &l->error)) {
        l->is_full = true;
    }
    buf_clear(&l->pending);
    if (l->error.code == E_OK) return E_OK;
    *e = l->error;
    l->error.code = E_OK;
    return err_wrap(e, "log of job %" PRIu64, l->job);
}
