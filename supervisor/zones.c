#include "supervisor/zones.h"

#include "common/tz.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_BYTES 64

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
zones_read(const char *folder, struct view name, struct buf *out)
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

/* The engine refuses a zone that it was not told of, by name. */
static void
push(struct inputs *q, struct view map)
{
    struct input    in = {.kind = INPUT_ZONE};
    struct buf body BUF_AUTO = {0};
    struct view     name;

    if (!mp_find_str(map, "budget_zone", &name) || view_is(name, "UTC")) return;
    buf_add_view(&body, name);
    buf_add(&body, "", 1);
    if (!zones_read(ZONES_FOLDER, name, &body)) return;
    in.body = buf_view(&body);
    inputs_push_copy(q, &in);
}

void
zones_push_config(struct inputs *q, struct view engine_config)
{
    static const char *const lists[] = {"companies", "agents", "schedules"};
    struct view              value, item;

    if (mp_find(engine_config, "limits", &value)) push(q, value);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        struct list_iter it;

        if (!mp_find(engine_config, lists[i], &value)) continue;
        it = list_iter_of(value);
        while (list_next(&it, &item))
            push(q, item);
    }
}

void
zones_push_request(struct inputs *q, enum msg_id op, struct view body)
{
    switch (op) {
    case MSG_SCHEDULE_ADD:
    case MSG_COMPANY_ADD:
    case MSG_COMPANY_SET:
    case MSG_AGENT_ADD:
    case MSG_AGENT_SET: push(q, body); break;
    default: break;
    }
}
