#include "supervisor/joblogs.h"

#include "common/log.h"
#include "common/mp.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* How many bytes the character that begins with `c` has; 0 when none begins so. */
static size_t
size_by_first(unsigned char c)
{
    if (c < 0x80) return 1;
    if (c >= 0xc2 && c < 0xe0) return 2;
    if (c >= 0xe0 && c < 0xf0) return 3;
    return c >= 0xf0 && c < 0xf5 ? 4 : 0;
}

/* Appends `bytes` as UTF-8; how many were taken.  A character that the end cuts off is left for the
 * next piece when there is one. */
static size_t
add_text(struct buf *out, struct view bytes, bool is_last)
{
    size_t at = 0;

    while (at < bytes.size) {
        size_t size = size_by_first((unsigned char)bytes.data[at]);
        size_t left = bytes.size - at;

        if (size > left && !is_last) break;
        if (size == 0 || size > left || !utf8_is_valid(view_of(bytes.data + at, size))) {
            buf_add_str(out, REPLACEMENT);
            at++;
        } else {
            buf_add(out, bytes.data + at, size);
            at += size;
        }
    }
    return at;
}

/* Up to a piece of the file from *offset, which moves; *size is the file's. */
static enum errc
read_piece(const char *path, bool has_ended, uint64_t *offset, uint64_t *size, struct buf *text,
           struct err *e)
{
    BUF_AUTO struct buf raw = {0};
    struct stat         st;
    int                 fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0 && errno == ENOENT) return E_OK;
    if (fd < 0) return err_errno(e, "log %s", path);
    buf_reserve(&raw, JOBLOGS_PIECE);
    ssize_t got = fstat(fd, &st) ? -1 : pread(fd, raw.data, JOBLOGS_PIECE, (off_t)*offset);
    if (got < 0) (void)err_errno(e, "log %s", path);
    (void)close(fd);
    if (got < 0) return e->code;
    *size = (uint64_t)st.st_size;
    bool is_last = has_ended && *offset + (uint64_t)got >= *size;
    *offset += add_text(text, view_of(raw.data, (size_t)got), is_last);
    return E_OK;
}

static char *
path_of(const char *state_dir, uint64_t job)
{
    return xasprintf("%s/logs/%02x/%" PRIu64 ".log", state_dir, (unsigned)(job % 256), job);
}

enum errc
joblogs_piece(const char *state_dir, uint64_t job, uint64_t offset, bool has_ended,
              struct buf *reply, struct err *e)
{
    BUF_AUTO struct buf text = {0};
    FREE_AUTO char     *path = path_of(state_dir, job);
    uint64_t            size = 0;

    if (read_piece(path, has_ended, &offset, &size, &text, e)) return e->code;
    struct mp_open_map map = mp_open(reply);
    mp_put_str(reply, &map, "text", buf_view(&text));
    mp_put_u64(reply, &map, "offset", offset);
    mp_put_u64(reply, &map, "size", size);
    mp_put_bool(reply, &map, "ended", has_ended);
    mp_close(reply, &map);
    return E_OK;
}

void
joblogs_remove(const char *state_dir, uint64_t job)
{
    FREE_AUTO char *path = path_of(state_dir, job);

    if (unlink(path) && errno != ENOENT) {
        log_warn("a purged job's log stays", "path=%s error=%s", log_quote(path), strerror(errno));
    }
}
