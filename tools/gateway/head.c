#include "tools/gateway/head.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define METHODS "GET, HEAD, POST, PATCH, DELETE"

size_t
head_end(struct view bytes)
{
    const char *end = bytes.size > 0 ? memmem(bytes.data, bytes.size, "\r\n\r\n", 4) : NULL;

    return end ? (size_t)(end - bytes.data) + 4 : 0;
}

static bool
refuse_size(struct view bytes, struct refusal *no)
{
    if (!memchr(bytes.data, '\n', bytes.size)) {
        return refusal_set(no, 414, E_TOO_LARGE, "a path and its query of at most %d bytes",
                           HEAD_BYTES_MAX);
    }
    return refusal_set(no, 431, E_TOO_LARGE, "headers of at most %d bytes, and %d of them",
                       HEAD_BYTES_MAX, HEAD_PARTS_MAX);
}

static bool
has_bare_end(struct view bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        bool is_feed = bytes.data[i] == '\n', is_return = bytes.data[i] == '\r';

        if (is_feed && (i == 0 || bytes.data[i - 1] != '\r')) return true;
        if (is_return && i + 1 < bytes.size && bytes.data[i + 1] != '\n') return true;
    }
    return false;
}

bool
head_may_go_on(struct view bytes, struct refusal *no)
{
    if (has_bare_end(bytes)) {
        return refusal_set(no, 400, E_BAD_REQUEST, "a line ends with CR LF, and no other way");
    }
    return bytes.size < HEAD_BYTES_MAX || refuse_size(bytes, no);
}

/* ---- the request line ------------------------------------------------------ */

/* The part up to the separator, which goes with it; all that is left when there is none. */
static struct view
take(struct view *rest, char separator)
{
    const char *at = rest->size > 0 ? memchr(rest->data, separator, rest->size) : NULL;
    struct view part = at ? view_of(rest->data, (size_t)(at - rest->data)) : *rest;
    size_t      size = part.size + (at != NULL);

    *rest = view_of(rest->data + size, rest->size - size);
    return part;
}

static int
hex(char c)
{
    const char *digits = "0123456789abcdef", *at = strchr(digits, tolower((unsigned char)c));

    return c && at ? (int)(at - digits) : -1;
}

/* A byte of the path or query as it is meant, and how many bytes it takes; -1: none. */
static int
decode(struct view rest, size_t *size)
{
    *size = 1;
    if (rest.data[0] != '%') return (unsigned char)rest.data[0];
    if (rest.size < 3 || hex(rest.data[1]) < 0 || hex(rest.data[2]) < 0) return -1;
    *size = 3;
    return hex(rest.data[1]) << 4 | hex(rest.data[2]);
}

/* lws takes a plus for a space and ends a path at & and ;, which are bytes like others there. */
static bool
read_target(struct view target, size_t *parts, struct refusal *no)
{
    bool   is_query = false;
    size_t size;

    if (target.size == 0 || target.data[0] != '/') {
        return refusal_set(no, 400, E_BAD_REQUEST, "a path begins with a slash");
    }
    for (size_t i = 0; i < target.size; i += size) {
        int  byte = decode(view_of(target.data + i, target.size - i), &size);
        bool is_plain = size == 1;

        if (byte < 0)
            return refusal_set(no, 400, E_BAD_REQUEST, "%% stands before two digits, as %%25");
        if (byte < 0x20 || byte == 0x7f) {
            return refusal_set(no, 400, E_BAD_REQUEST, "a path has no control characters");
        }
        if (is_plain && !is_query && strchr("+&;#", byte)) {
            return refusal_set(no, 400, E_BAD_REQUEST, "in a path, %c is written as %%%02X", byte,
                               byte);
        }
        if (is_plain && byte == '?') is_query = true;
        *parts += is_plain && strchr("?&;", byte);
    }
    return true;
}

static bool
read_line(struct view line, size_t *parts, struct refusal *no)
{
    static const char *const methods[] = {"GET",    "HEAD", "POST",   "PATCH",
                                          "DELETE", "PUT",  "OPTIONS"};
    struct view              method = take(&line, ' ');
    struct view              target = take(&line, ' ');
    size_t                   m = 0;

    if (!view_is(line, "HTTP/1.1") && !view_is(line, "HTTP/1.0")) {
        return refusal_set(no, line.size == 8 && memcmp(line.data, "HTTP/", 5) == 0 ? 505 : 400,
                           E_BAD_REQUEST,
                           "a request begins with a line like GET /v1/status HTTP/1.1");
    }
    while (m < ARRAY_LEN(methods) && !view_is(method, methods[m]))
        m++;
    if (m == ARRAY_LEN(methods)) {
        (void)snprintf(no->more, sizeof(no->more), "Allow: %s\r\n", METHODS); /* fits */
        return refusal_set(no, 405, E_BAD_REQUEST, "not with this method");
    }
    return read_target(target, parts, no);
}

/* ---- headers --------------------------------------------------------------- */

struct headers {
    bool has_host, has_length, has_upgrade;
};

static bool
is_name(struct view v)
{
    for (size_t i = 0; i < v.size; i++) {
        unsigned char c = (unsigned char)v.data[i];

        if (!isalnum(c) && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c))) return false;
    }
    return v.size > 0;
}

static bool
is_value(struct view v)
{
    for (size_t i = 0; i < v.size; i++) {
        unsigned char c = (unsigned char)v.data[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
    }
    return true;
}

static bool
is_called(struct view name, const char *known)
{
    return name.size == strlen(known) && strncasecmp(name.data, known, name.size) == 0;
}

static struct view
trim(struct view v)
{
    while (v.size > 0 && strchr(" \t", v.data[0]))
        v = view_of(v.data + 1, v.size - 1);
    while (v.size > 0 && strchr(" \t", v.data[v.size - 1]))
        v.size--;
    return v;
}

static bool
read_length(struct view value, struct head *out, struct refusal *no)
{
    char text[16] = "";

    for (size_t i = 0; i < value.size; i++) {
        if (!isdigit((unsigned char)value.data[i])) value.size = 0;
    }
    if (value.size == 0) return refusal_set(no, 400, E_BAD_REQUEST, "Content-Length is no number");
    if (value.size < sizeof(text)) memcpy(text, value.data, value.size);
    out->length = value.size < sizeof(text) ? strtoll(text, NULL, 10) : INT64_MAX;
    return out->length <= HEAD_BODY_MAX ||
           refusal_set(no, 413, E_TOO_LARGE, "a body of at most %d bytes", HEAD_BODY_MAX);
}

static bool
take_once(bool *had, struct view name, struct refusal *no)
{
    if (*had) return refusal_set(no, 400, E_BAD_REQUEST, "%.*s twice", VIEW_ARG(name));
    *had = true;
    return true;
}

static bool
read_header(struct view line, struct headers *h, struct head *out, struct refusal *no)
{
    bool        has_colon = memchr(line.data, ':', line.size) != NULL;
    struct view name = take(&line, ':'), value = trim(line);

    if (!has_colon || !is_name(name) || !is_value(line)) {
        return refusal_set(no, 400, E_BAD_REQUEST,
                           "a header is a line like Name: value, without control characters");
    }
    if (is_called(name, "Transfer-Encoding")) {
        return refusal_set(no, 411, E_BAD_REQUEST, "a body comes with its Content-Length");
    }
    if (is_called(name, "Host")) return take_once(&h->has_host, name, no);
    if (is_called(name, "Content-Length")) {
        return take_once(&h->has_length, name, no) && read_length(value, out, no);
    }
    if (!is_called(name, "Upgrade")) return true;
    out->is_upgrade = true;
    if (!take_once(&h->has_upgrade, name, no)) return false;
    return is_called(value, "websocket") ||
           refusal_set(no, 400, E_BAD_REQUEST, "the only upgrade is to a WebSocket");
}

bool
head_read(struct view bytes, struct head *out, struct refusal *no)
{
    struct headers h = {0};
    struct view    rest = view_of(bytes.data, bytes.size - 2), line;
    size_t         parts = 0;

    *out = (struct head){0};
    if (!head_may_go_on(bytes, no)) return false;
    line = take(&rest, '\r');
    if (!read_line(line, &parts, no)) return false;
    while (rest.size > 0) {
        rest = view_of(rest.data + 1, rest.size - 1); /* the line feed */
        if (rest.size == 0) break;
        line = take(&rest, '\r');
        if (!read_header(line, &h, out, no)) return false;
        if (++parts > HEAD_PARTS_MAX) return refuse_size(bytes, no);
    }
    return true;
}
