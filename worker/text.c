#include "worker/text.h"

#include "common/mp.h"

/* The length that the first byte of a UTF-8 character claims; 0 for a byte that begins none. */
static size_t
claimed_length(unsigned char c)
{
    if (c < 0x80) return 1;
    if (c >= 0xc2 && c <= 0xdf) return 2;
    if (c >= 0xe0 && c <= 0xef) return 3;
    if (c >= 0xf0 && c <= 0xf4) return 4;
    return 0;
}

static bool
is_plain(char c)
{
    return (c >= 0x20 && c < 0x7f) || c == '\t';
}

void
text_clean(struct view v, struct buf *out)
{
    size_t at = 0;

    while (at < v.size) {
        size_t plain = at;

        while (plain < v.size && is_plain(v.data[plain]))
            plain++;
        buf_add(out, v.data + at, plain - at);
        at = plain;
        if (at == v.size) return;

        size_t length = claimed_length((unsigned char)v.data[at]);
        if (length > 1 && length <= v.size - at && utf8_is_valid(view_of(v.data + at, length))) {
            buf_add(out, v.data + at, length);
            at += length;
        } else {
            buf_add(out, "?", 1);
            at++;
        }
    }
}

struct view
text_cut(struct view v, size_t max)
{
    if (v.size <= max) return v;
    while (max > 0 && ((unsigned char)v.data[max] & 0xc0) == 0x80)
        max--;
    return view_of(v.data, max);
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct view
text_trim(struct view v)
{
    while (v.size > 0 && is_blank(v.data[v.size - 1]))
        v.size--;
    while (v.size > 0 && is_blank(v.data[0]))
        v = view_of(v.data + 1, v.size - 1);
    return v;
}
