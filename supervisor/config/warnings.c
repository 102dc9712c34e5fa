#include "supervisor/config/warnings.h"

#include "common/log.h"
#include "common/mp.h"
#include <string.h>

static bool
next_line(struct view *rest, struct view *line)
{
    if (rest->size == 0) return false;
    const char *end = memchr(rest->data, '\n', rest->size);
    size_t      size = end ? (size_t)(end - rest->data) : rest->size;

    *line = view_of(rest->data, size);
    size += end != NULL;
    *rest = view_of(rest->data + size, rest->size - size);
    return true;
}

void
warnings_pack(struct view lines, struct buf *out)
{
    size_t      header = mp_array_open(out);
    uint32_t    count = 0;
    struct view line;

    for (; next_line(&lines, &line); count++)
        mp_str(out, line);
    mp_array_close(out, header, count);
}

void
warnings_log(struct view lines)
{
    struct view line;

    while (next_line(&lines, &line)) {
        FREE_AUTO char *text = view_dup(line);

        log_warn("configuration", "warning=%s", log_quote(text));
    }
}
