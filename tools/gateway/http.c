#include "tools/gateway/http.h"

#include "common/json.h"
#include "common/log.h"
#include "tools/gateway/intake.h"
#include "tools/gateway/metrics.h"
#include "tools/gateway/reply.h"
#include "tools/gateway/request.h"
#include "tools/gateway/write.h"
#include <stdlib.h>

#define WRITE_SECONDS 30 /* a peer takes something of its answer in so long */
#define BODY_SECONDS  15 /* a whole body comes in so long, however many parts it has */

struct exchange {
    struct http        *http;
    struct lws         *wsi;
    struct http_request request;
    struct refusal      no;
    struct route_body   fields;
    struct buf          body;
    struct buf          request_id;
    struct buf          status; /* of agentd, until its other figures are there */
    uint64_t            asked;
    size_t              held; /* of http->bytes */
    struct buf          out;  /* the answer, headers and all */
    size_t              sent;
    bool                is_answered;
    bool                is_complete; /* nothing more of the request comes */
    bool                has_body_ended;
    struct watcher     *watcher;
};

/* ---- the answer ------------------------------------------------------------ */

static void
hold(struct exchange *x, size_t bytes)
{
    x->http->bytes += bytes;
    x->held += bytes;
}

static void
answer(struct exchange *x, int status, const char *type, const char *csp, struct view body,
       const char *more)
{
    const struct reply_head head = {.status = status,
                                    .type = type,
                                    .csp = csp,
                                    .length = (int64_t)body.size,
                                    .closes = intake_head(x->wsi)->closes,
                                    .is_cacheable = csp != NULL,
                                    .more = more};

    x->is_answered = true;
    reply_head(&x->out, &head);
    if (!x->request.is_head) buf_add_view(&x->out, body);
    hold(x, x->out.size);
    write_start(x->wsi);
}

static void
answer_error(struct exchange *x, int status, const struct err *e, const char *more)
{
    BUF_AUTO struct buf body = {0};
    BUF_AUTO struct buf headers = {0};

    if (more) buf_add_str(&headers, more);
    reply_error_headers(&headers, status, e);
    reply_error(&body, e);
    answer(x, status, REPLY_JSON, NULL, buf_view(&body), buf_str(&headers));
}

static void ask(struct exchange *x, enum msg_id op, struct view body, const char *token_hash);

static void
on_answer(void *arg, const struct err *error, struct view body)
{
    struct exchange    *x = arg;
    BUF_AUTO struct buf text = {0};
    struct err          e = *error;
    enum own            own = x->request.own;

    x->asked = 0;
    if (own == OWN_READY && e.code != E_BUSY) { /* agentd answers: whatever it is */
        answer(x, 200, "text/plain", NULL, view_str("ready\n"), NULL);
        return;
    }
    if (e.code == E_UNAUTHENTICATED) x->http->counters->unauthenticated++;
    if (!e.code && own == OWN_METRICS && x->status.size == 0) {
        buf_add_view(&x->status, body);
        ask(x, MSG_JOB_STATS, (struct view){0}, x->request.token_hash);
        return;
    }
    if (!e.code && own == OWN_METRICS) {
        const struct metrics m = {.counters = x->http->counters,
                                  .client = client_counts(x->http->client),
                                  .connections = *x->http->connections,
                                  .websockets = x->http->websockets->count,
                                  .watchers = feed_watchers(x->http->feed)};

        metrics_text(&text, buf_view(&x->status), body, &m);
        answer(x, 200, METRICS_TYPE, NULL, buf_view(&text), NULL);
        return;
    }
    if (e.code || json_from_mp(body, &text, &e)) {
        answer_error(x, errc_http(e.code), &e, NULL);
        return;
    }
    answer(x, x->request.match.route->status, REPLY_JSON, NULL, buf_view(&text), NULL);
}

/* ---- what is asked --------------------------------------------------------- */

static enum errc
take_query(struct exchange *x, struct view query, struct err *e)
{
    struct target_argument a = {0};
    enum errc              failed = E_OK;

    while (!failed && target_next(&query, &a)) {
        failed = route_body_query(&x->fields, x->request.match.route, buf_view(&a.name),
                                  buf_view(&a.value), e);
    }
    target_argument_done(&a);
    return failed;
}

/* All that stands in the head: it may go before the body is there. */
static enum errc
take_head(struct exchange *x, const struct head *h, struct err *e)
{
    buf_add_view(&x->request_id, h->headers[HEADER_IDEMPOTENCY_KEY]);
    if (!x->request.match.route) return E_OK;
    if (route_body_begin(&x->fields, &x->request.match, e)) return e->code;
    return take_query(x, h->target.query, e);
}

static void
ask(struct exchange *x, enum msg_id op, struct view body, const char *token_hash)
{
    struct err            e;
    const struct question q = {.op = op,
                               .body = body,
                               .request_id = buf_view(&x->request_id),
                               .token_hash = view_str(token_hash),
                               .is_long =
                                   op == MSG_JOB_WAIT || op == MSG_FEED_READ || op == MSG_FORECAST,
                               .on_answer = on_answer,
                               .arg = x};

    if (x->http->bytes > HTTP_BYTES_MAX) {
        err_set(&e, E_BUSY, "too many requests at a time");
    } else if ((x->asked = client_ask(x->http->client, &q, &e)) != 0) {
        return;
    }
    answer_error(x, errc_http(e.code), &e, NULL);
}

static void
serve_page(struct exchange *x)
{
    BUF_AUTO struct buf     path = {0};
    const struct page_file *f;
    struct err              e;

    target_decode(intake_head(x->wsi)->target.path, &path);
    f = page_find(x->http->page, buf_view(&path));
    if (f) {
        answer(x, 200, f->type, REPLY_CSP_PAGE, buf_view(&f->text), NULL);
        return;
    }
    err_set(&e, E_NOT_FOUND, "nothing is served under this path");
    answer_error(x, 404, &e, NULL);
}

static void
serve_route(struct exchange *x)
{
    struct err e;

    if (route_body_json(&x->fields, buf_view(&x->body), &e)) {
        answer_error(x, errc_http(e.code), &e, NULL);
        return;
    }
    ask(x, x->request.match.route->op, route_body_end(&x->fields), x->request.token_hash);
}

static void
watch(struct exchange *x)
{
    x->watcher = watcher_new(x->http->feed, x->wsi, x->request.token_hash);
    intake_forget(x->wsi);
}

/* The request is whole.  Nothing more is read from the connection until it is answered, and it may
 * take as long as agentd may. */
static void
serve(struct exchange *x)
{
    x->is_complete = true;
    lws_set_timeout(x->wsi, NO_PENDING_TIMEOUT, 0);
    write_hold(x->wsi);
    if (x->no.status) {
        answer_error(x, x->no.status, &x->no.error, x->no.more);
        return;
    }
    switch (x->request.own) {
    case OWN_NONE: serve_route(x); return;
    case OWN_HEALTH: answer(x, 200, "text/plain", NULL, view_str("ok\n"), NULL); return;
    case OWN_READY: ask(x, MSG_PING, (struct view){0}, ""); return;
    case OWN_METRICS: ask(x, MSG_STATUS, (struct view){0}, x->request.token_hash); return;
    case OWN_OPENAPI: answer(x, 200, REPLY_JSON, NULL, buf_view(&x->http->openapi), NULL); return;
    case OWN_FEED: watch(x); return;
    case OWN_SESSION: /* an upgrade: not here */
    case OWN_PAGE: serve_page(x); return;
    }
}

/* ---- a connection's callbacks ---------------------------------------------- */

static void
log_refusal(struct lws *wsi, const struct head *h, const struct refusal *no)
{
    char            peer[64] = "";
    FREE_AUTO char *path = view_dup(h->target.path);

    lws_get_peer_simple(wsi, peer, sizeof(peer));
    log_debug("request refused", "status=%d peer=%s path=%s error=%s", no->status, log_quote(peer),
              log_quote(path), log_quote(no->error.msg));
}

/* A body that was announced is read all the same, so that the peer reads the answer; but not one
 * that is too large, or whose end is unknown. */
bool
http_on_request(struct http *h, struct exchange **out, struct lws *wsi)
{
    struct exchange   *x = xcalloc(1, sizeof(*x));
    const struct head *head = intake_head(wsi);

    *out = x;
    x->http = h;
    x->wsi = wsi;
    h->counters->requests++;
    if (request_read(head, h->guard, h->counters, &x->request, &x->no) &&
        take_head(x, head, &x->no.error)) {
        x->no.status = errc_http(x->no.error.code);
    }
    if (!x->no.status && h->bytes + (size_t)head->length > HTTP_BYTES_MAX) {
        err_set(&x->no.error, E_BUSY, "too many requests at a time");
        x->no.status = 503;
        x->no.closes = true;
    }
    if (x->no.status) {
        h->counters->requests_refused++;
        log_refusal(wsi, head, &x->no);
    }
    if (x->no.closes) {
        (void)http_refuse(wsi, &x->no); /* at once: it is hung up in any case */
        return false;
    }
    if (head->length == 0) {
        serve(x);
        return true;
    }
    hold(x, (size_t)head->length);
    lws_set_timer_usecs(wsi, BODY_SECONDS * LWS_US_PER_SEC);
    if (!x->no.status && head->headers[HEADER_EXPECT].data) {
        return write_some(wsi, view_str("HTTP/1.1 100 Continue\r\n\r\n"), LWS_WRITE_HTTP);
    }
    return true;
}

bool
http_on_body(struct exchange *x, struct view part)
{
    if (part.size == 0) return true;
    if (x->is_complete) return false; /* more than was announced */
    if (x->no.status) return true;
    if (x->body.size + part.size > (size_t)intake_head(x->wsi)->length) return false;
    buf_add_view(&x->body, part);
    return true;
}

/* lws calls it again, without end, for what comes behind a body before the answer: such a peer is
 * hung up. */
bool
http_on_body_end(struct exchange *x)
{
    if (x->has_body_ended) return false;
    x->has_body_ended = true;
    if (!x->is_complete) serve(x);
    return true;
}

/* It is answered: the next request may come. */
static bool
finish(struct exchange *x)
{
    struct lws *wsi = x->wsi;

    intake_next(wsi);
    return lws_http_transaction_completed(wsi) == 0; /* x is gone: http_on_end */
}

bool
http_on_writable(struct exchange *x)
{
    if (x->watcher) return watcher_on_writable(x->watcher);
    if (!x->is_answered) return true;
    lws_set_timeout(x->wsi, PENDING_TIMEOUT_HTTP_CONTENT, WRITE_SECONDS);
    if (!write_part(x->wsi, &x->out, &x->sent)) return false;
    return write_is_over(x->wsi, &x->out, x->sent) ? finish(x) : true;
}

bool
http_on_timer(struct exchange *x)
{
    if (x->watcher) return watcher_on_timer(x->watcher);
    if (!x->is_complete) return false; /* the body's */
    return !x->is_answered || !write_is_stuck(x->wsi);
}

void
http_on_end(struct exchange **p)
{
    struct exchange *x = *p;

    if (!x) return;
    if (x->asked) client_forget(x->http->client, x->asked);
    watcher_destroy(&x->watcher);
    x->http->bytes -= x->held;
    route_body_done(&x->fields);
    buf_done(&x->body);
    buf_done(&x->request_id);
    buf_done(&x->status);
    buf_done(&x->out);
    free(x);
    *p = NULL;
}

bool
http_refuse(struct lws *wsi, const struct refusal *no)
{
    BUF_AUTO struct buf out = {0};

    reply_refusal(&out, no);
    return write_some(wsi, buf_view(&out), LWS_WRITE_HTTP);
}
