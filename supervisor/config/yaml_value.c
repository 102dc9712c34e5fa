/* What the nodes of a tree hold, and what is said of them to people. */
#include "common/mp.h"
#include "supervisor/config/yaml.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_SHOWN_MAX  80 /* bytes of a file's name in a message, its end */
#define FOUND_SHOWN_MAX 40

/* ---- scalars, by the core schema of YAML 1.2 ------------------------------- */

static bool
is_any(struct view text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (view_is(text, words[i])) return true;
    }
    return false;
}

static size_t
count_digits(struct view text, size_t from, unsigned base)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    size_t            at = from;

    for (; at < text.size && text.data[at] != '\0'; at++) {
        const char *d = strchr(digits, text.data[at]);
        if (!d || (size_t)(d - digits) % 16 >= base) break;
    }
    return at - from;
}

static size_t
count_sign(struct view text, size_t from)
{
    return from < text.size && (text.data[from] == '+' || text.data[from] == '-');
}

/* The base of an integer's text and where its digits begin; 0 when it is none. */
static unsigned
integer_base(struct view text, size_t *digits)
{
    unsigned base = 10;

    *digits = count_sign(text, 0);
    if (text.size > 2 && text.data[0] == '0' && (text.data[1] == 'x' || text.data[1] == 'o')) {
        base = text.data[1] == 'x' ? 16 : 8;
        *digits = 2;
    }
    bool is_integer =
        *digits < text.size && count_digits(text, *digits, base) == text.size - *digits;
    return is_integer ? base : 0;
}

static bool
is_real(struct view text)
{
    static const char *const special[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"};
    size_t                   at = count_sign(text, 0);

    if (is_any(view_of(text.data + at, text.size - at), special, ARRAY_LEN(special))) return true;
    size_t whole = count_digits(text, at, 10);
    size_t fraction = 0;
    at += whole;
    if (at < text.size && text.data[at] == '.') {
        fraction = count_digits(text, at + 1, 10);
        at += 1 + fraction;
    }
    if (whole + fraction == 0) return false;
    if (at < text.size && (text.data[at] == 'e' || text.data[at] == 'E')) {
        at += 1 + count_sign(text, at + 1);
        size_t exponent = count_digits(text, at, 10);
        if (exponent == 0) return false;
        at += exponent;
    }
    return at == text.size;
}

enum yaml_type
yaml_plain_type(struct view text)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    static const char *const bools[] = {"true", "True", "TRUE", "false", "False", "FALSE"};
    size_t                   digits;

    if (is_any(text, nulls, ARRAY_LEN(nulls))) return YAML_NULL;
    if (is_any(text, bools, ARRAY_LEN(bools))) return YAML_BOOL;
    if (integer_base(text, &digits)) return YAML_INTEGER;
    return is_real(text) ? YAML_REAL : YAML_STRING;
}

bool
yaml_integer(struct view text, int64_t *out)
{
    size_t   at;
    unsigned base = integer_base(text, &at);
    int64_t  v = 0;
    bool     is_negative = text.size > 0 && text.data[0] == '-';

    if (base == 0) return false;
    for (; at < text.size; at++) {
        char c = text.data[at];
        int  digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;

        if (__builtin_mul_overflow(v, (int64_t)base, &v)) return false;
        if (__builtin_add_overflow(v, is_negative ? -digit : digit, &v)) return false;
    }
    *out = v;
    return true;
}

static enum errc
pack_number(const struct yaml *value, struct buf *out, struct err *e)
{
    int64_t i;

    if (value->type == YAML_INTEGER) {
        if (!yaml_integer(value->text, &i)) {
            return yaml_refuse_found(value, e, "allowed: integers of 64 bits");
        }
        mp_i64(out, i);
        return E_OK;
    }
    FREE_AUTO char *text = view_dup(value->text);
    double          d = strtod(text, NULL); /* of .inf and .nan it makes 0 */
    if (!isfinite(d) || strpbrk(text, "iInN")) {
        return yaml_refuse_found(value, e, "allowed: finite numbers");
    }
    mp_f64(out, d);
    return E_OK;
}

enum errc
yaml_pack(const struct yaml *value, struct buf *out, struct err *e)
{
    switch (value->type) {
    case YAML_NULL: mp_nil(out); return E_OK;
    case YAML_BOOL:
        mp_bool(out, value->text.data[0] == 't' || value->text.data[0] == 'T');
        return E_OK;
    case YAML_INTEGER:
    case YAML_REAL: return pack_number(value, out, e);
    case YAML_STRING: mp_str(out, value->text); return E_OK;
    case YAML_LIST: mp_array(out, value->count); break;
    case YAML_MAP: mp_map(out, value->count); break;
    }
    for (const struct yaml *n = value->first; n; n = n->next) {
        if (value->type == YAML_MAP) mp_str(out, n->key);
        if (yaml_pack(n, out, e)) return e->code;
    }
    return E_OK;
}

/* ---- errors ---------------------------------------------------------------- */

/* Cut to fit with "..."; control characters become '?'. */
static void
put_shown(struct buf *out, struct view text, size_t max)
{
    size_t size = text.size;

    if (size > max) {
        size = max;
        while (size > 0 && (text.data[size] & 0xc0) == 0x80)
            size--;
    }
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        buf_add(out, c < 0x20 || c == 0x7f ? "?" : &text.data[i], 1);
    }
    if (size < text.size) buf_add_str(out, "...");
}

static const struct yaml *
put_path(const struct yaml *n, struct buf *out)
{
    if (!n->parent) return n;
    const struct yaml *root = put_path(n->parent, out);
    if (n->parent->type == YAML_MAP) {
        if (out->size > 0) buf_add_str(out, ".");
        put_shown(out, n->key, 64);
    } else if (n->parent->type == YAML_LIST) {
        buf_printf(out, "[%u]", n->index);
    }
    return root;
}

static void
put_file(struct buf *out, const char *file)
{
    size_t size = strlen(file);

    if (size > FILE_SHOWN_MAX) {
        file += size - FILE_SHOWN_MAX;
        while ((*file & 0xc0) == 0x80)
            file++;
        buf_add_str(out, "...");
    }
    put_shown(out, view_str(file), FILE_SHOWN_MAX);
}

__attribute__((format(printf, 5, 0))) static enum errc
refuse_at(const struct yaml *at, uint32_t line, uint32_t column, struct err *e, const char *fmt,
          va_list args)
{
    char                what[sizeof(e->msg)];
    BUF_AUTO struct buf path = {0};
    BUF_AUTO struct buf message = {0};
    const struct yaml  *root = put_path(at, &path);

    (void)vsnprintf(what, sizeof(what), fmt, args); /* a long one is cut */
    put_file(&message, root->file);
    buf_printf(&message, ":%u:%u: ", line, column);
    if (path.size > 0) {
        put_shown(&message, buf_view(&path), 100);
        buf_add_str(&message, ": ");
    }
    err_set(e, E_BAD_REQUEST, "%s%s", buf_str(&message), what);
    buf_clear(&message);
    put_shown(&message, buf_view(&path), sizeof(e->field) - 4);
    (void)snprintf(e->field, sizeof(e->field), "%s", buf_str(&message)); /* it fits */
    return e->code;
}

enum errc
yaml_refuse(const struct yaml *at, struct err *e, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    refuse_at(at, at->line, at->column, e, fmt, args);
    va_end(args);
    return e->code;
}

enum errc
yaml_refuse_key(const struct yaml *at, struct err *e, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    refuse_at(at, at->key_line, at->key_column, e, fmt, args);
    va_end(args);
    return e->code;
}

static void
put_found(struct buf *out, const struct yaml *value)
{
    switch (value->type) {
    case YAML_LIST: buf_add_str(out, "a list"); break;
    case YAML_MAP: buf_add_str(out, "a map"); break;
    case YAML_NULL: buf_add_str(out, value->text.size > 0 ? "null" : "nothing"); break;
    case YAML_STRING:
        buf_add_str(out, "\"");
        put_shown(out, value->text, FOUND_SHOWN_MAX);
        buf_add_str(out, "\"");
        break;
    case YAML_BOOL:
    case YAML_INTEGER:
    case YAML_REAL: put_shown(out, value->text, FOUND_SHOWN_MAX); break;
    }
}

enum errc
yaml_refuse_found(const struct yaml *at, struct err *e, const char *fmt, ...)
{
    BUF_AUTO struct buf found = {0};
    char                what[sizeof(e->msg)];
    va_list             args;

    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args); /* a long one is cut */
    va_end(args);
    put_found(&found, at);
    return yaml_refuse(at, e, "found %s, %s", buf_str(&found), what);
}
