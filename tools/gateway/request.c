#include "tools/gateway/request.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static const struct {
    const char *path;
    enum own    own;
    bool        is_open; /* asks for no token */
} owns[] = {
    {"/healthz",         OWN_HEALTH,  true },
    {"/readyz",          OWN_READY,   true },
    {"/metrics",         OWN_METRICS, false},
    {"/v1/openapi.json", OWN_OPENAPI, true },
    {"/v1/feed",         OWN_FEED,    false},
};

bool
request_header(struct lws *wsi, enum lws_token_indexes header, char *out, size_t size)
{
    int n = lws_hdr_total_length(wsi, header);

    if (n <= 0 || (size_t)n >= size) return false;
    return lws_hdr_copy(wsi, out, (int)size, header) >= 0;
}

bool
request_header_named(struct lws *wsi, const char *name, char *out, size_t size)
{
    int n = lws_hdr_custom_length(wsi, name, (int)strlen(name));

    if (n <= 0 || (size_t)n >= size) return false;
    return lws_hdr_custom_copy(wsi, out, (int)size, name, (int)strlen(name)) >= 0;
}

const char *
request_argument(struct lws *wsi, const char *name, char room[REQUEST_TEXT_MAX])
{
    const char *value = lws_get_urlarg_by_name(wsi, name, room, REQUEST_TEXT_MAX);

    return value ? value : "";
}

struct view
request_session(struct view path)
{
    static const char before[] = "/v1/sessions/", after[] = "/ws";
    size_t            b = sizeof(before) - 1, a = sizeof(after) - 1;

    if (path.size <= b + a || memcmp(path.data, before, b) != 0 ||
        memcmp(path.data + path.size - a, after, a) != 0) {
        return (struct view){0};
    }
    return view_of(path.data + b, path.size - a - b);
}

static bool __attribute__((format(printf, 4, 5)))
refuse(struct refusal *no, int status, enum errc code, const char *fmt, ...)
{
    va_list args;
    char    text[sizeof(no->error.msg)];

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args); /* cut to fit */
    va_end(args);
    no->status = status;
    err_set(&no->error, code, "%s", text);
    return false;
}

/* ---- one thing after the other --------------------------------------------- */

static bool
check_size(struct lws *wsi, struct refusal *no)
{
    size_t bytes = 0;

    for (int h = 0; h < WSI_TOKEN_COUNT; h++)
        bytes += (size_t)lws_hdr_total_length(wsi, (enum lws_token_indexes)h);
    if (bytes <= REQUEST_HEADERS_MAX) return true;
    return refuse(no, 431, E_TOO_LARGE, "headers of at most %d bytes", REQUEST_HEADERS_MAX);
}

/* lws ends the line at a decoded carriage return: then nothing says which HTTP it is. */
static bool
check_path(struct lws *wsi, const struct http_request *r, struct refusal *no)
{
    bool is_clean = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP) > 0;

    for (size_t i = 0; i < r->path.size; i++) {
        unsigned char c = (unsigned char)r->path.data[i];

        if (c < 0x20 || c == 0x7f) is_clean = false;
    }
    return is_clean || refuse(no, 400, E_BAD_REQUEST, "a path has no control characters");
}

static bool
check_host(struct lws *wsi, const struct guard *g, struct counters *n, struct http_request *r,
           struct refusal *no)
{
    if (!request_header(wsi, WSI_TOKEN_HOST, r->host, sizeof(r->host))) {
        return refuse(no, 400, E_BAD_REQUEST, "no Host");
    }
    if (guard_knows_host(g, view_str(r->host))) return true;
    n->hosts_refused++;
    (void)refuse(no, 421, E_DENIED, "this Host is not served here");
    err_hint(&no->error, "gateway.hosts lists the names that are");
    return false;
}

static bool
check_origin(struct lws *wsi, const struct guard *g, struct counters *n,
             const struct http_request *r, struct refusal *no)
{
    char origin[REQUEST_TEXT_MAX];

    if (lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) == 0)
        return true; /* no page: a token decides */
    if (request_header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof(origin)) &&
        guard_knows_origin(g, view_str(origin), view_str(r->host))) {
        return true;
    }
    n->origins_refused++;
    (void)refuse(no, 403, E_DENIED, "pages of this Origin may not ask here");
    err_hint(&no->error, "gateway.origins lists those that may");
    return false;
}

static bool
check_length(struct lws *wsi, struct http_request *r, struct refusal *no)
{
    char  text[24] = "";
    char *end = text;

    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
        no->closes = true;
        return refuse(no, 411, E_BAD_REQUEST, "a body comes with its Content-Length");
    }
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) == 0) return true;
    errno = 0;
    if (request_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof(text))) {
        r->length = strtoll(text, &end, 10);
    }
    if (!isdigit((unsigned char)text[0]) || errno || *end) {
        no->closes = true;
        return refuse(no, 400, E_BAD_REQUEST, "Content-Length is no number");
    }
    if (r->length <= REQUEST_BODY_MAX) return true;
    no->closes = true;
    return refuse(no, 413, E_TOO_LARGE, "a body of at most %d bytes", REQUEST_BODY_MAX);
}

static bool
check_type(struct lws *wsi, const struct http_request *r, struct refusal *no)
{
    static const char json[] = "application/json";
    char              type[REQUEST_TEXT_MAX];

    if (r->length == 0) return true;
    if (request_header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, type, sizeof(type)) &&
        strncasecmp(type, json, sizeof(json) - 1) == 0 &&
        (type[sizeof(json) - 1] == '\0' || strchr("; ", type[sizeof(json) - 1]))) {
        return true;
    }
    return refuse(no, 415, E_BAD_REQUEST, "a body's Content-Type is application/json");
}

static void
list_methods(unsigned methods, char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "Allow: ");

    for (enum method m = 0; m < METHOD_COUNT; m++) {
        if (!(methods & 1u << m)) continue;
        used +=
            (size_t)snprintf(out + used, size - used, "%s%s", used > 7 ? ", " : "", method_name(m));
    }
    (void)snprintf(out + used, size - used, "\r\n"); /* four names fit */
}

static bool
find_route(int lws_method, struct http_request *r, bool *is_open, struct refusal *no)
{
    static const int methods[METHOD_COUNT] = {LWSHUMETH_GET, LWSHUMETH_POST, LWSHUMETH_PATCH,
                                              LWSHUMETH_DELETE};
    enum method      m = 0;

    r->is_head = lws_method == LWSHUMETH_HEAD;
    while (!r->is_head && m < METHOD_COUNT && methods[m] != lws_method)
        m++;
    for (size_t i = 0; i < ARRAY_LEN(owns); i++) {
        if (!view_is(r->path, owns[i].path)) continue;
        r->own = owns[i].own;
        *is_open = owns[i].is_open;
        r->match.methods = 1u << METHOD_GET;
    }
    if (request_session(r->path).size > 0) {
        return refuse(no, 426, E_BAD_REQUEST, "this is a WebSocket");
    }
    if (!r->own) r->match = route_find(m, r->path);
    bool has_no_head = r->is_head && r->own == OWN_FEED; /* it has no end */
    if (r->match.route || (r->own && m == METHOD_GET && !has_no_head)) return true;
    if (r->match.methods) {
        list_methods(r->match.methods, no->more, sizeof(no->more));
        return refuse(no, 405, E_BAD_REQUEST, "not with this method");
    }
    if (m != METHOD_GET) return refuse(no, 404, E_NOT_FOUND, "nothing is served under this path");
    r->own = OWN_PAGE;
    *is_open = true;
    return true;
}

static bool
check_token(struct lws *wsi, bool is_open, struct counters *n, struct http_request *r,
            struct refusal *no)
{
    char header[REQUEST_TEXT_MAX];

    if (is_open) return true;
    if (request_header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, header, sizeof(header)) &&
        auth_bearer(view_str(header), r->token_hash)) {
        return true;
    }
    n->unauthenticated++;
    (void)refuse(no, 401, E_UNAUTHENTICATED, "a token is needed: Authorization: Bearer TOKEN");
    err_hint(&no->error, "agentctl token add makes one");
    return false;
}

bool
request_read(struct lws *wsi, const struct guard *g, struct counters *n, struct http_request *out,
             struct refusal *no)
{
    char *uri = NULL;
    int   size = 0;
    int   method = lws_http_get_uri_and_method(wsi, &uri, &size);
    bool  is_open = false;

    *out = (struct http_request){.path = view_of(uri, (size_t)size)};
    *no = (struct refusal){0};
    if (!check_length(wsi, out, no)) return false; /* first: how to go on depends on it */
    if (!check_size(wsi, no) || !check_path(wsi, out, no)) return false;
    if (!check_host(wsi, g, n, out, no)) return false;
    if (!find_route(method, out, &is_open, no)) return false;
    if (method != LWSHUMETH_GET && method != LWSHUMETH_HEAD && !check_origin(wsi, g, n, out, no)) {
        return false;
    }
    return check_token(wsi, is_open, n, out, no) && check_type(wsi, out, no);
}

/* lws takes the first one that it knows, and it knows some that are no one's business. */
static bool
begins_with_ours(const char *protocols)
{
    size_t size = strlen(REQUEST_PROTOCOL);

    return strncmp(protocols, REQUEST_PROTOCOL, size) == 0 &&
           (protocols[size] == '\0' || strchr(", ", protocols[size]));
}

bool
request_read_upgrade(struct lws *wsi, const struct guard *g, struct counters *n,
                     struct http_request *out, struct refusal *no)
{
    char  header[REQUEST_TEXT_MAX], protocols[REQUEST_TEXT_MAX], upgrade[16];
    char *uri = NULL;
    int   size = 0;
    int   method = lws_http_get_uri_and_method(wsi, &uri, &size);

    *out = (struct http_request){.path = view_of(uri, (size_t)size), .own = OWN_SESSION};
    *no = (struct refusal){.closes = true};
    /* Copied anew: what lws hands over may be a part of it, or be gone. */
    if (!request_header(wsi, WSI_TOKEN_UPGRADE, upgrade, sizeof(upgrade)) ||
        strcasecmp(upgrade, "websocket") != 0) {
        return refuse(no, 400, E_BAD_REQUEST, "the only upgrade is to a WebSocket");
    }
    if (!check_size(wsi, no) || !check_path(wsi, out, no)) return false;
    if (!check_host(wsi, g, n, out, no)) return false;
    if (method != LWSHUMETH_GET || request_session(out->path).size == 0) {
        return refuse(no, 404, E_NOT_FOUND, "no WebSocket is served under this path");
    }
    if (!check_origin(wsi, g, n, out, no)) return false;
    if (!request_header(wsi, WSI_TOKEN_PROTOCOL, protocols, sizeof(protocols))) protocols[0] = 0;
    if (protocols[0] && !begins_with_ours(protocols)) {
        return refuse(no, 400, E_BAD_REQUEST,
                      "the first sub-protocol is agentd.v1, or there is none");
    }
    if (request_header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, header, sizeof(header))) {
        return check_token(wsi, false, n, out, no);
    }
    if (auth_subprotocol(view_str(protocols), out->token_hash)) return true;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) > 0)
        return true; /* its first message says it */
    n->unauthenticated++;
    return refuse(no, 401, E_UNAUTHENTICATED, "a token is needed: Authorization: Bearer TOKEN");
}
