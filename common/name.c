#include "common/name.h"

#include <string.h>

static bool
is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool
name_is_valid(struct view v)
{
    if (v.size < 1 || v.size > NAME_MAX_BYTES || !is_alnum(v.data[0])) return false;
    for (size_t i = 1; i < v.size; i++) {
        char c = v.data[i];
        if (!is_alnum(c) && c != '.' && c != '_' && c != '-') return false;
    }
    return true;
}

enum errc
name_split(struct view text, const char *field, struct view *company, struct view *name,
           struct err *e)
{
    const char *slash = text.size > 0 ? memchr(text.data, '/', text.size) : NULL;
    struct view left = view_of(NULL, 0);
    struct view right = text;

    if (slash) {
        left = view_of(text.data, (size_t)(slash - text.data));
        right = view_of(slash + 1, text.size - left.size - 1);
    }
    if (!name_is_valid(right) || (slash && !name_is_valid(left))) {
        return err_field(e, field,
                         "not a name: NAME or COMPANY/NAME, each 1 to %d of a-z 0-9 . _ - and "
                         "beginning with a letter or digit",
                         NAME_MAX_BYTES);
    }
    *company = left;
    *name = right;
    return E_OK;
}
