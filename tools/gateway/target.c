#include "tools/gateway/target.h"

#include "common/mp.h"
#include "proto/codec.h"
#include <ctype.h>

static int
hex(char c)
{
    const char *digits = "0123456789abcdef", *at = strchr(digits, tolower((unsigned char)c));

    return c && at ? (int)(at - digits) : -1;
}

/* A byte as it is meant, and how many bytes it takes; -1: none. */
static int
decode(struct view rest, size_t *size)
{
    *size = 1;
    if (rest.data[0] != '%') return (unsigned char)rest.data[0];
    if (rest.size < 3 || hex(rest.data[1]) < 0 || hex(rest.data[2]) < 0) return -1;
    *size = 3;
    return hex(rest.data[1]) << 4 | hex(rest.data[2]);
}

/* ---- judging --------------------------------------------------------------- */

/* In a path, a plus is a space to some, and & and ; are its end to others. */
static bool
read_bytes(struct view text, const char *forbidden, struct refusal *no)
{
    size_t size;

    for (size_t i = 0; i < text.size; i += size) {
        int byte = decode(view_of(text.data + i, text.size - i), &size);

        if (byte < 0)
            return refusal_set(no, 400, E_BAD_REQUEST, "%% stands before two digits, as %%25");
        if (byte < 0x20 || byte == 0x7f) {
            return refusal_set(no, 400, E_BAD_REQUEST, "a path has no control characters");
        }
        if (size == 1 && strchr(forbidden, byte)) {
            return refusal_set(no, 400, E_BAD_REQUEST, "in a path, %c is written as %%%02X", byte,
                               byte);
        }
    }
    return true;
}

/* Many take %2E for a dot before they look for these. */
static bool
read_part(struct view part, struct refusal *no)
{
    BUF_AUTO struct buf text = {0};

    target_decode(part, &text);
    if (text.size > 0 && !view_is(buf_view(&text), ".") && !view_is(buf_view(&text), "..")) {
        return true;
    }
    return refusal_set(no, 400, E_BAD_REQUEST,
                       "a path has no parts that are empty, . or ..; a slash of a name is %%2F");
}

bool
target_read(struct view text, struct target *out, struct refusal *no)
{
    out->query = text;
    out->path = view_take(&out->query, '?');
    if (out->path.size == 0 || out->path.data[0] != '/') {
        return refusal_set(no, 400, E_BAD_REQUEST, "a path begins with a slash");
    }
    if (!read_bytes(out->path, "+&;#", no) || !read_bytes(out->query, "#", no)) return false;
    struct view rest = view_of(out->path.data + 1, out->path.size - 1);
    bool        ends_with_slash = rest.size > 0 && rest.data[rest.size - 1] == '/';
    while (rest.size > 0) {
        if (!read_part(view_take(&rest, '/'), no)) return false;
    }
    return !ends_with_slash || read_part((struct view){0}, no);
}

/* ---- decoding -------------------------------------------------------------- */

void
target_decode(struct view encoded, struct buf *out)
{
    size_t size;

    for (size_t i = 0; i < encoded.size; i += size) {
        char byte = (char)decode(view_of(encoded.data + i, encoded.size - i), &size);

        buf_add(out, &byte, 1);
    }
}

/* As forms are written: a plus is a space. */
static void
decode_form(struct view encoded, struct buf *out)
{
    size_t size;

    buf_clear(out);
    for (size_t i = 0; i < encoded.size; i += size) {
        char byte = (char)decode(view_of(encoded.data + i, encoded.size - i), &size);

        buf_add(out, size == 1 && byte == '+' ? " " : &byte, 1);
    }
}

bool
target_next(struct view *query, struct target_argument *out)
{
    struct view value = {0};

    while (value.size == 0 && query->size > 0)
        value = view_take(query, '&');
    if (value.size == 0) return false;
    decode_form(view_take(&value, '='), &out->name);
    decode_form(value, &out->value);
    return true;
}

void
target_argument_done(struct target_argument *a)
{
    buf_done(&a->name);
    buf_done(&a->value);
}

static enum errc
take_argument(const struct target_argument *a, struct target_wanted *wanted, size_t count,
              struct err *e)
{
    struct view name = buf_view(&a->name);
    char        shown[sizeof(e->field)];
    size_t      i = 0;

    while (i < count && !view_is(name, wanted[i].name))
        i++;
    printable(name, shown, sizeof(shown));
    if (i == count) return err_field(e, shown, "there is no such argument");
    if (wanted[i].is_there) return err_field(e, shown, "stands there twice");
    if (!utf8_is_valid(buf_view(&a->value))) return err_field(e, shown, "must be UTF-8");
    buf_add_view(&wanted[i].value, buf_view(&a->value));
    wanted[i].is_there = true;
    return E_OK;
}

enum errc
target_take(struct view query, struct target_wanted *wanted, size_t count, struct err *e)
{
    struct target_argument a = {0};
    enum errc              failed = E_OK;

    while (!failed && target_next(&query, &a))
        failed = take_argument(&a, wanted, count, e);
    target_argument_done(&a);
    return failed;
}
