#include "tools/gateway/head.h"

#include <ctype.h>
#include <inttypes.h>
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

static bool
read_line(struct view line, struct head *out, struct refusal *no)
{
    static const char *const methods[] = {"GET",    "HEAD", "POST",    "PATCH",
                                          "DELETE", "PUT",  "OPTIONS", NULL};
    out->method = view_take(&line, ' ');
    struct view target = view_take(&line, ' ');

    out->closes = view_is(line, "HTTP/1.0");
    if (!out->closes && !view_is(line, "HTTP/1.1")) {
        return refusal_set(no, line.size == 8 && memcmp(line.data, "HTTP/", 5) == 0 ? 505 : 400,
                           E_BAD_REQUEST,
                           "a request begins with a line like GET /v1/status HTTP/1.1");
    }
    if (!view_is_any(out->method, methods)) {
        (void)snprintf(no->more, sizeof(no->more), "Allow: %s\r\n", METHODS); /* fits */
        return refusal_set(no, 405, E_BAD_REQUEST, "not with this method");
    }
    return target_read(target, &out->target, no);
}

static size_t
count_arguments(struct view query)
{
    size_t n = query.size > 0;

    for (size_t i = 0; i < query.size; i++)
        n += query.data[i] == '&';
    return n;
}

/* ---- headers --------------------------------------------------------------- */

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
read_header(struct view line, struct head *out, struct refusal *no)
{
    static const char *const names[HEADER_COUNT] = {
#define H(name, text) [HEADER_##name] = (text),
        HEADERS(H)
#undef H
    };
    size_t      size = line.size;
    struct view name = view_take(&line, ':');
    bool        has_colon = name.size < size;

    if (!has_colon || !is_name(name) || !is_value(line)) {
        return refusal_set(no, 400, E_BAD_REQUEST,
                           "a header is a line like Name: value, without control characters");
    }
    for (enum header i = 0; i < HEADER_COUNT; i++) {
        if (!is_called(name, names[i])) continue;
        if (out->headers[i].data) return refusal_set(no, 400, E_BAD_REQUEST, "%s twice", names[i]);
        out->headers[i] = trim(line);
    }
    return true;
}

/* ---- what they say together ------------------------------------------------ */

static bool
read_length(struct view value, struct head *out, struct refusal *no)
{
    char text[16] = "";

    if (!value.data) return true;
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
has_item(struct view list, const char *item)
{
    while (list.size > 0) {
        if (is_called(trim(view_take(&list, ',')), item)) return true;
    }
    return false;
}

/* An upgrade that has a body, or is none to some, has what follows it read in two ways. */
static bool
read_upgrade(struct head *out, struct refusal *no)
{
    struct view upgrade = out->headers[HEADER_UPGRADE];

    if (!upgrade.data) return true;
    if (!is_called(upgrade, "websocket")) {
        return refusal_set(no, 400, E_BAD_REQUEST, "the only upgrade is to a WebSocket");
    }
    if (!has_item(out->headers[HEADER_CONNECTION], "Upgrade") || out->closes || out->length > 0) {
        return refusal_set(no, 400, E_BAD_REQUEST,
                           "an upgrade comes with Connection: Upgrade and without a body");
    }
    out->is_upgrade = true;
    return true;
}

static bool
read_together(struct head *out, struct refusal *no)
{
    struct view connection = out->headers[HEADER_CONNECTION];

    if (out->headers[HEADER_TRANSFER_ENCODING].data) {
        return refusal_set(no, 411, E_BAD_REQUEST, "a body comes with its Content-Length");
    }
    if (out->closes && has_item(connection, "keep-alive")) out->closes = false;
    if (has_item(connection, "close")) out->closes = true;
    return read_length(out->headers[HEADER_CONTENT_LENGTH], out, no) && read_upgrade(out, no);
}

bool
head_read(struct view bytes, struct head *out, struct refusal *no)
{
    struct view rest = view_of(bytes.data, bytes.size - 2), line;
    size_t      parts;

    *out = (struct head){0};
    if (!head_may_go_on(bytes, no)) return false;
    line = view_take(&rest, '\r');
    if (!read_line(line, out, no)) return false;
    parts = count_arguments(out->target.query);
    while (rest.size > 1) { /* more than the line feed */
        rest = view_of(rest.data + 1, rest.size - 1);
        line = view_take(&rest, '\r');
        if (!read_header(line, out, no)) return false;
        if (++parts > HEAD_PARTS_MAX) return refuse_size(bytes, no);
    }
    return read_together(out, no);
}

/* ---- what libwebsockets is given ------------------------------------------- */

bool
head_is_key(struct view value)
{
    if (value.size != 24 || memcmp(value.data + 22, "==", 2) != 0) return false;
    for (size_t i = 0; i < 22; i++) {
        unsigned char c = (unsigned char)value.data[i];

        if (!isalnum(c) && c != '+' && c != '/') return false;
    }
    return true;
}

/* It takes a body that has no length to end with the connection. */
static void
write_length(const struct head *h, struct buf *out)
{
    static const char *const with_body[] = {"POST", "PATCH", "PUT", NULL};

    if (!h->headers[HEADER_CONTENT_LENGTH].data && !view_is_any(h->method, with_body)) return;
    buf_printf(out, "Content-Length: %" PRId64 "\r\n", h->length);
}

static void
write_upgrade(const struct head *h, struct buf *out)
{
    struct view key = h->headers[HEADER_SEC_WEBSOCKET_KEY];

    buf_add_str(out, "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
    if (head_is_key(key)) buf_printf(out, "Sec-WebSocket-Key: %.*s\r\n", VIEW_ARG(key));
    if (h->headers[HEADER_SEC_WEBSOCKET_PROTOCOL].data) {
        buf_add_str(out, "Sec-WebSocket-Protocol: " HEAD_PROTOCOL "\r\n");
    }
}

void
head_write(const struct head *h, struct buf *out)
{
    const char *connection = h->is_upgrade ? "Upgrade" : h->closes ? "close" : "keep-alive";

    buf_printf(out, "%.*s / HTTP/1.1\r\nHost: agentd\r\nConnection: %s\r\n", VIEW_ARG(h->method),
               connection);
    if (h->is_upgrade) {
        write_upgrade(h, out);
    } else {
        write_length(h, out);
    }
    buf_add_str(out, "\r\n");
}
