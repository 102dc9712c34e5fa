#include "common/json.h"

#include "common/mp.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What passed MP_DEPTH_MAX at admission is printed inside replies and documents of our own. */
#define PRINT_DEPTH_MAX (2 * MP_DEPTH_MAX)

static enum errc
refuse_at(struct view text, size_t at, const char *what, struct err *e)
{
    size_t line = 1;
    size_t column = 1;

    for (size_t i = 0; i < at; i++) {
        if (text.data[i] == '\n') {
            line++;
            column = 1;
        } else if ((text.data[i] & 0xc0) != 0x80) {
            column++; /* characters, as jansson counts them */
        }
    }
    return err_set(e, E_BAD_REQUEST, "line %zu, column %zu: %s", line, column, what);
}

static size_t
string_end(struct view text, size_t at)
{
    for (at++; at < text.size && text.data[at] != '"'; at++) {
        if (text.data[at] == '\\') at++;
    }
    return at + 1;
}

static bool
is_scalar_byte(char c)
{
    return !strchr(" \t\r\n,:[]{}\"", c);
}

/* Bounds the tree before jansson builds it, and knows the place, which its tree does not.  Text
 * that is no JSON may be counted wrongly; jansson refuses it next. */
static enum errc
check_limits(struct view text, struct err *e)
{
    size_t      nodes = 0;
    size_t      depth = 0;
    const char *nul = text.size > 0 ? memchr(text.data, '\0', text.size) : NULL;

    /* jansson 2.14 loses a NUL behind a number: it would take "1\0" for 1. */
    if (nul) return refuse_at(text, (size_t)(nul - text.data), "a NUL byte", e);

    for (size_t at = 0; at < text.size;) {
        size_t start = at;
        char   c = text.data[at];
        bool   is_node = true;

        if (c == '"') {
            at = string_end(text, at);
        } else if (c == '[' || c == '{') {
            at++;
            depth++;
        } else if (is_scalar_byte(c)) {
            while (at < text.size && is_scalar_byte(text.data[at]))
                at++;
        } else {
            at++;
            is_node = false;
            if ((c == ']' || c == '}') && depth > 0) depth--;
        }
        if (depth > MP_DEPTH_MAX) return refuse_at(text, start, "nested too deep", e);
        if (is_node && ++nodes > MP_NODES_MAX) return refuse_at(text, start, "too many values", e);
    }
    return E_OK;
}

/* The tree is within MP_DEPTH_MAX. */
static void
pack(json_t *v, struct buf *out)
{
    const char *key;
    size_t      key_size;
    size_t      i;
    json_t     *item;

    switch (json_typeof(v)) {
    case JSON_NULL: mp_nil(out); break;
    case JSON_TRUE: mp_bool(out, true); break;
    case JSON_FALSE: mp_bool(out, false); break;
    case JSON_INTEGER: mp_i64(out, json_integer_value(v)); break;
    case JSON_REAL: mp_f64(out, json_real_value(v)); break;
    case JSON_STRING: mp_str(out, view_of(json_string_value(v), json_string_length(v))); break;
    case JSON_ARRAY:
        mp_array(out, (uint32_t)json_array_size(v));
        json_array_foreach(v, i, item) pack(item, out);
        break;
    case JSON_OBJECT:
        mp_map(out, (uint32_t)json_object_size(v));
        json_object_keylen_foreach(v, key, key_size, item)
        {
            mp_str(out, view_of(key, key_size));
            pack(item, out);
        }
        break;
    }
}

enum errc
json_to_mp(struct view text, struct buf *out, struct err *e)
{
    json_error_t at;

    if (check_limits(text, e)) return e->code;
    json_t *v = json_loadb(text.data ? text.data : "", text.size,
                           JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &at);
    if (!v) {
        int column = at.column > 0 ? at.column : 1; /* it counts what it has read, maybe nothing */
        return err_set(e, E_BAD_REQUEST, "line %d, column %d: %s", at.line, column, at.text);
    }
    pack(v, out);
    json_decref(v);
    return E_OK;
}

struct printer {
    struct mp_reader r;
    struct buf      *out;
    unsigned         depth;
};

static const char *print_value(struct printer *p);

/* The escape of the character that begins at text[at], or 0 when it stands for itself; DEL and the
 * C1 controls are escaped too, since the text may go to a terminal. */
static unsigned
escaped(struct view text, size_t at)
{
    unsigned char c = (unsigned char)text.data[at];

    if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f) return c + 0x100u;
    if (c == 0xc2 && (unsigned char)text.data[at + 1] < 0xa0) {
        return (unsigned char)text.data[at + 1] + 0x100u;
    }
    return 0;
}

static const char *
print_string(struct printer *p)
{
    struct view text;
    size_t      from = 0;

    if (!mp_read_str(&p->r, &text)) return "malformed msgpack";
    if (!utf8_is_valid(text)) return "a string that is not UTF-8";
    buf_add(p->out, "\"", 1);
    for (size_t at = 0; at < text.size; at++) {
        unsigned c = escaped(text, at);
        if (!c) continue;
        buf_add(p->out, text.data + from, at - from);
        switch (c & 0xff) {
        case '"': buf_add(p->out, "\\\"", 2); break;
        case '\\': buf_add(p->out, "\\\\", 2); break;
        case '\n': buf_add(p->out, "\\n", 2); break;
        case '\r': buf_add(p->out, "\\r", 2); break;
        case '\t': buf_add(p->out, "\\t", 2); break;
        default: buf_printf(p->out, "\\u%04x", c & 0xff); break;
        }
        if ((c & 0xff) >= 0x80) at++;
        from = at + 1;
    }
    buf_add(p->out, text.data + from, text.size - from);
    buf_add(p->out, "\"", 1);
    return NULL;
}

static const char *
print_number(struct printer *p)
{
    enum mp_type type = mp_peek(&p->r);
    int64_t      i;
    uint64_t     u;

    if (type == MP_INT) {
        if (!mp_read_i64(&p->r, &i)) return "malformed msgpack";
        buf_printf(p->out, "%lld", (long long)i);
    } else {
        if (!mp_read_u64(&p->r, &u)) return "malformed msgpack";
        buf_printf(p->out, "%llu", (unsigned long long)u);
    }
    return NULL;
}

/* The fewest of 15 to 17 digits that read back as the same double, and as a real. */
static const char *
print_real(struct printer *p)
{
    double v;
    char   text[40];

    if (!mp_read_f64(&p->r, &v)) return "malformed msgpack";
    if (!isfinite(v)) return "a number that is not finite";
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, v); /* 17 digits fit */
        if (memcmp(&(double){strtod(text, NULL)}, &v, sizeof(v)) == 0) break;
    }
    buf_add_str(p->out, text);
    if (!strpbrk(text, ".e")) buf_add_str(p->out, ".0");
    return NULL;
}

static const char *
print_array(struct printer *p)
{
    uint32_t count;

    if (!mp_read_array(&p->r, &count)) return "malformed msgpack";
    if (p->depth == PRINT_DEPTH_MAX) return "nested too deep";
    buf_add(p->out, "[", 1);
    p->depth++;
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0) buf_add(p->out, ",", 1);
        const char *wrong = print_value(p);
        if (wrong) return wrong;
    }
    p->depth--;
    buf_add(p->out, "]", 1);
    return NULL;
}

static const char *
print_map(struct printer *p)
{
    uint32_t pairs;

    if (!mp_read_map(&p->r, &pairs)) return "malformed msgpack";
    if (p->depth == PRINT_DEPTH_MAX) return "nested too deep";
    buf_add(p->out, "{", 1);
    p->depth++;
    for (uint32_t i = 0; i < pairs; i++) {
        if (i > 0) buf_add(p->out, ",", 1);
        if (mp_peek(&p->r) != MP_STR) return "a map key is not a string";
        const char *wrong = print_string(p);
        buf_add(p->out, ":", 1);
        if (!wrong) wrong = print_value(p);
        if (wrong) return wrong;
    }
    p->depth--;
    buf_add(p->out, "}", 1);
    return NULL;
}

static const char *
print_value(struct printer *p)
{
    bool v;

    switch (mp_peek(&p->r)) {
    case MP_NIL:
        (void)mp_read_nil(&p->r); /* just seen */
        buf_add_str(p->out, "null");
        return NULL;
    case MP_BOOL:
        if (!mp_read_bool(&p->r, &v)) return "malformed msgpack";
        buf_add_str(p->out, v ? "true" : "false");
        return NULL;
    case MP_INT:
    case MP_UINT: return print_number(p);
    case MP_FLOAT: return print_real(p);
    case MP_STR: return print_string(p);
    case MP_ARRAY: return print_array(p);
    case MP_MAP: return print_map(p);
    case MP_BIN: return "binary data";
    case MP_BAD: break;
    }
    return "malformed msgpack";
}

enum errc
json_from_mp(struct view value, struct buf *out, struct err *e)
{
    struct printer p = {.r = mp_reader_of(value), .out = out};
    size_t         size = out->size;
    const char    *wrong = print_value(&p);

    if (!wrong && p.r.at != p.r.end) wrong = "bytes behind the value";
    if (!wrong) return E_OK;
    out->size = size;
    return err_set(e, E_INTERNAL, "not expressible as JSON: %s", wrong);
}
