#include "tools/gateway/request.h"

#include "common/mp.h"
#include <stdio.h>
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

/* The session's key in the path of its WebSocket; empty when it is another path. */
static struct view
session_in(struct view path)
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
check_host(const struct head *h, const struct guard *g, struct counters *n, struct refusal *no)
{
    struct view host = h->headers[HEADER_HOST];

    if (host.size == 0) return refusal_set(no, 400, E_BAD_REQUEST, "no Host");
    if (guard_knows_host(g, host)) return true;
    n->hosts_refused++;
    (void)refusal_set(no, 421, E_DENIED, "this Host is not served here");
    err_hint(&no->error, "gateway.hosts lists the names that are");
    return false;
}

static bool
check_origin(const struct head *h, const struct guard *g, struct counters *n, struct refusal *no)
{
    struct view origin = h->headers[HEADER_ORIGIN];

    if (!origin.data) return true; /* no page: a token decides */
    if (guard_knows_origin(g, origin, h->headers[HEADER_HOST])) return true;
    n->origins_refused++;
    (void)refusal_set(no, 403, E_DENIED, "pages of this Origin may not ask here");
    err_hint(&no->error, "gateway.origins lists those that may");
    return false;
}

static bool
check_type(const struct head *h, struct refusal *no)
{
    static const char json[] = "application/json";
    size_t            size = sizeof(json) - 1;
    struct view       type = h->headers[HEADER_CONTENT_TYPE];

    if (h->headers[HEADER_CONTENT_ENCODING].data) {
        return refusal_set(no, 415, E_BAD_REQUEST,
                           "a body comes as it is, without Content-Encoding");
    }
    if (h->length == 0) return true;
    if (type.size >= size && strncasecmp(type.data, json, size) == 0 &&
        (type.size == size || type.data[size] == ';' || type.data[size] == ' ')) {
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
find_route(const struct head *h, struct http_request *r, bool *is_open, struct refusal *no)
{
    enum method m = 0;

    r->is_head = view_is(h->method, "HEAD");
    while (!r->is_head && m < METHOD_COUNT && !view_is(h->method, method_name(m)))
        m++;
    for (size_t i = 0; i < ARRAY_LEN(owns); i++) {
        if (!view_is(h->target.path, owns[i].path)) continue;
        r->own = owns[i].own;
        *is_open = owns[i].is_open;
        r->match.methods = 1u << METHOD_GET;
    }
    if (session_in(h->target.path).size > 0) {
        return refusal_set(no, 426, E_BAD_REQUEST, "this is a WebSocket");
    }
    if (!r->own) r->match = route_find(m, h->target.path);
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
refuse_token(struct counters *n, struct refusal *no)
{
    n->unauthenticated++;
    (void)refusal_set(no, 401, E_UNAUTHENTICATED, "a token is needed: Authorization: Bearer TOKEN");
    err_hint(&no->error, "agentctl token add makes one");
    return false;
}

static bool
check_token(const struct head *h, struct counters *n, struct http_request *r, struct refusal *no)
{
    return auth_bearer(h->headers[HEADER_AUTHORIZATION], r->token_hash) || refuse_token(n, no);
}

static bool
check_key(const struct head *h, struct refusal *no)
{
    struct view key = h->headers[HEADER_IDEMPOTENCY_KEY];

    if (!key.data || (key.size > 0 && key.size <= 64)) return true;
    return refusal_set(no, 400, E_BAD_REQUEST, "an Idempotency-Key has 1 to 64 bytes");
}

bool
request_read(const struct head *h, const struct guard *g, struct counters *n,
             struct http_request *out, struct refusal *no)
{
    bool is_open = false;

    *out = (struct http_request){0};
    *no = (struct refusal){0};
    if (!check_host(h, g, n, no) || !find_route(h, out, &is_open, no)) return false;
    bool is_read = view_is(h->method, "GET") || out->is_head;
    if (!is_read && !check_origin(h, g, n, no)) return false;
    if (!is_open && !check_token(h, n, out, no)) return false;
    return check_type(h, no) && check_key(h, no);
}

/* ---- a WebSocket ----------------------------------------------------------- */

static bool
check_version(const struct head *h, struct refusal *no)
{
    if (!head_is_key(h->headers[HEADER_SEC_WEBSOCKET_KEY])) {
        return refusal_set(no, 400, E_BAD_REQUEST, "no Sec-WebSocket-Key, 16 bytes in base64");
    }
    if (view_is(h->headers[HEADER_SEC_WEBSOCKET_VERSION], "13")) return true;
    return refusal_set(no, 426, E_BAD_REQUEST, "a WebSocket of version 13");
}

static bool
begins_with_ours(struct view protocols)
{
    size_t size = strlen(HEAD_PROTOCOL);

    return protocols.size >= size && memcmp(protocols.data, HEAD_PROTOCOL, size) == 0 &&
           (protocols.size == size || strchr(", \t", protocols.data[size]));
}

static bool
take_session(struct view encoded, struct http_request *out, struct refusal *no)
{
    BUF_AUTO struct buf key = {0};

    target_decode(encoded, &key);
    if (key.size > REQUEST_KEY_MAX || !utf8_is_valid(buf_view(&key))) {
        return refusal_set(no, 400, E_BAD_REQUEST, "a session's key is UTF-8, of at most %d bytes",
                           REQUEST_KEY_MAX);
    }
    (void)snprintf(out->session, sizeof(out->session), "%s", buf_str(&key)); /* fits */
    return true;
}

static bool
take_company(struct view query, struct http_request *out, struct refusal *no)
{
    struct target_wanted company = {.name = "company"};
    enum errc            failed = target_take(query, &company, 1, &no->error);

    if (!failed && company.value.size > NAME_MAX_BYTES) {
        failed =
            err_field(&no->error, company.name, "is a name of at most %d bytes", NAME_MAX_BYTES);
    }
    if (failed) {
        no->status = 400;
    } else {
        (void)snprintf(out->company, sizeof(out->company), "%s",
                       buf_str(&company.value)); /* fits */
    }
    buf_done(&company.value);
    return !failed;
}

/* A page may show it by its first message; others can set a header, and hear at once that they have
 * not. */
static bool
check_first_token(const struct head *h, struct counters *n, struct http_request *r,
                  struct refusal *no)
{
    if (h->headers[HEADER_AUTHORIZATION].data) return check_token(h, n, r, no);
    return auth_subprotocol(h->headers[HEADER_SEC_WEBSOCKET_PROTOCOL], r->token_hash) ||
           h->headers[HEADER_ORIGIN].data || refuse_token(n, no);
}

bool
request_read_upgrade(const struct head *h, const struct guard *g, struct counters *n,
                     struct http_request *out, struct refusal *no)
{
    struct view protocols = h->headers[HEADER_SEC_WEBSOCKET_PROTOCOL];
    struct view session = session_in(h->target.path);

    *out = (struct http_request){.own = OWN_SESSION};
    *no = (struct refusal){.closes = true};
    if (!check_host(h, g, n, no)) return false;
    if (!view_is(h->method, "GET") || session.size == 0) {
        return refusal_set(no, 404, E_NOT_FOUND, "no WebSocket is served under this path");
    }
    if (!check_origin(h, g, n, no) || !check_version(h, no)) return false;
    if (protocols.data && !begins_with_ours(protocols)) {
        return refusal_set(no, 400, E_BAD_REQUEST,
                           "the first sub-protocol is agentd.v1, or there is none");
    }
    return check_first_token(h, n, out, no) && take_session(session, out, no) &&
           take_company(h->target.query, out, no);
}
