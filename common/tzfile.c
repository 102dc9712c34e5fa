#include "common/tzfile.h"

#include "common/tz.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_BYTES 64

const char *
tzfile_folder(void)
{
    const char *given = getenv("TZDIR");

    return given && given[0] == '/' ? given : "/usr/share/zoneinfo";
}

/* Letters, digits, '_', '+', '-' between single slashes; so no part is "." or "..". */
static bool
is_name(struct view name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789_+-";
    bool              begins_part = true;

    if (name.size == 0 || name.size > NAME_MAX_BYTES) return false;
    for (size_t i = 0; i < name.size; i++) {
        char c = ((const char *)name.data)[i];

        if (c == '/') {
            if (begins_part) return false;
        } else if (c == '\0' || !strchr(allowed, c)) {
            return false;
        }
        begins_part = c == '/';
    }
    return !begins_part;
}

static bool
read_file(int fd, struct buf *out)
{
    struct stat st;
    size_t      left;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > TZ_BYTES_MAX) return false;
    left = (size_t)st.st_size;
    buf_reserve(out, left);
    while (left > 0) {
        ssize_t n = read(fd, out->data + out->size, left);

        if (n <= 0) return false;
        out->size += (size_t)n;
        left -= (size_t)n;
    }
    return true;
}

bool
tzfile_read(const char *folder, struct view name, struct buf *out)
{
    char path[512];
    int  fd, n;
    bool ok;

    if (!is_name(name)) return false;
    n = snprintf(path, sizeof(path), "%s/%.*s", folder, VIEW_ARG(name));
    if (n < 0 || (size_t)n >= sizeof(path)) return false;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return false;
    ok = read_file(fd, out);
    (void)close(fd); /* only read */
    return ok;
}

bool
tzfile_has(struct view name)
{
    BUF_AUTO struct buf body = {0};
    struct tz           zone;
    struct err          e;

    return view_is(name, "UTC") || (tzfile_read(tzfile_folder(), name, &body) &&
                                    tz_parse(buf_view(&body), &zone, &e) == E_OK);
}
