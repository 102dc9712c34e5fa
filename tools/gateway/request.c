#include "tools/gateway/request.h"

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

/* ---- one thing after the other --------------------------------------------- */

static bool
check_host(struct lws *wsi, const struct guard *g, struct counters *n, struct http_request *r,
           struct refusal *no)
{
    if (!request_header(wsi, WSI_TOKEN_HOST, r->host, sizeof(r->host))) {
        return refusal_set(no, 400, E_BAD_REQUEST, "no Host");
    }
    if (guard_knows_host(g, view_str(r->host))) return true;
    n->hosts_refused++;
    (void)refusal_set(no, 421, E_DENIED, "this Host is not served here");
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
    (void)refusal_set(no, 403, E_DENIED, "pages of this Origin may not ask here");
    err_hint(&no->error, "gateway.origins lists those that may");
    return false;
}

static int64_t
length_of(struct lws *wsi)
{
    char text[24];

    if (!request_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof(text))) return 0;
    return strtoll(text, NULL, 10); /* head.h has looked at it */
}

static bool
check_type(struct lws *wsi, const struct http_request *r, struct refusal *no)
{
    static const char json[] = "application/json";
    char              type[REQUEST_TEXT_MAX];

    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_ENCODING) > 0) {
        return refusal_set(no, 415, E_BAD_REQUEST,
                           "a body comes as it is, without Content-Encoding");
    }
    if (r->length == 0) return true;
    if (request_header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, type, sizeof(type)) &&
        strncasecmp(type, json, sizeof(json) - 1) == 0 &&
        (type[sizeof(json) - 1] == '\0' || strchr("; ", type[sizeof(json) - 1]))) {
        return true;
    }
    return refusal_set(no, 415, E_BAD_REQUEST, "a body's Content-Type is application/json");
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
        return refusal_set(no, 426, E_BAD_REQUEST, "this is a WebSocket");
    }
    if (!r->own) r->match = route_find(m, r->path);
    bool has_no_head = r->is_head && r->own == OWN_FEED; /* it has no end */
    if (r->match.route || (r->own && m == METHOD_GET && !has_no_head)) return true;
    if (r->match.methods) {
        list_methods(r->match.methods, no->more, sizeof(no->more));
        return refusal_set(no, 405, E_BAD_REQUEST, "not with this method");
    }
    if (m != METHOD_GET)
        return refusal_set(no, 404, E_NOT_FOUND, "nothing is served under this path");
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
    (void)refusal_set(no, 401, E_UNAUTHENTICATED, "a token is needed: Authorization: Bearer TOKEN");
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
    out->length = length_of(wsi);
    if (!check_host(wsi, g, n, out, no)) return false;
    if (!find_route(method, out, &is_open, no)) return false;
    if (method != LWSHUMETH_GET && method != LWSHUMETH_HEAD && !check_origin(wsi, g, n, out, no)) {
        return false;
    }
    return check_token(wsi, is_open, n, out, no) && check_type(wsi, out, no);
}

/* lws would take any version, and hang up without a key. */
static bool
check_version(struct lws *wsi, struct refusal *no)
{
    char version[8], key[128];

    if (!request_header(wsi, WSI_TOKEN_KEY, key, sizeof(key))) {
        return refusal_set(no, 400, E_BAD_REQUEST, "no Sec-WebSocket-Key");
    }
    if (request_header(wsi, WSI_TOKEN_VERSION, version, sizeof(version)) &&
        strcmp(version, "13") == 0) {
        return true;
    }
    return refusal_set(no, 426, E_BAD_REQUEST, "a WebSocket of version 13");
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
    char  header[REQUEST_TEXT_MAX], protocols[REQUEST_TEXT_MAX];
    char *uri = NULL;
    int   size = 0;
    int   method = lws_http_get_uri_and_method(wsi, &uri, &size);

    *out = (struct http_request){.path = view_of(uri, (size_t)size), .own = OWN_SESSION};
    *no = (struct refusal){.closes = true};
    if (!check_host(wsi, g, n, out, no)) return false;
    if (method != LWSHUMETH_GET || request_session(out->path).size == 0) {
        return refusal_set(no, 404, E_NOT_FOUND, "no WebSocket is served under this path");
    }
    if (!check_origin(wsi, g, n, out, no) || !check_version(wsi, no)) return false;
    if (!request_header(wsi, WSI_TOKEN_PROTOCOL, protocols, sizeof(protocols))) protocols[0] = 0;
    if (protocols[0] && !begins_with_ours(protocols)) {
        return refusal_set(no, 400, E_BAD_REQUEST,
                           "the first sub-protocol is agentd.v1, or there is none");
    }
    if (request_header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, header, sizeof(header))) {
        return check_token(wsi, false, n, out, no);
    }
    if (auth_subprotocol(view_str(protocols), out->token_hash)) return true;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) > 0)
        return true; /* its first message says it */
    n->unauthenticated++;
    return refusal_set(no, 401, E_UNAUTHENTICATED,
                       "a token is needed: Authorization: Bearer TOKEN");
}
