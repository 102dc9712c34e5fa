#include "tools/gateway/server.h"

#include "common/listen.h"
#include "common/log.h"
#include "tools/gateway/head.h"
#include "tools/gateway/http.h"
#include "tools/gateway/intake.h"
#include "tools/gateway/link.h"
#include "tools/gateway/openapi.h"
#include "tools/gateway/request.h"
#include "tools/gateway/write.h"
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zmq.h>

#define DESCRIPTORS_BESIDE 64 /* those that are no connections */
#define HEADER_SECONDS     5  /* for all headers, and between two parts of a body */
#define KEEPALIVE_SECONDS  60
#define HEADERS_AT_A_TIME \
    2048 /* connections whose headers are being read; more would wait in a list */
#define SERVICE_BYTES 16384
#define PING_SECONDS  60 /* an idle WebSocket is asked whether it is there … */
#define GONE_SECONDS  75 /* … and then is not */

struct server {
    struct ev_loop     *ev; /* lws's own, by poll, would look at every idle connection each time */
    struct lws_context *loop;
    struct lws_vhost   *vhost;
    void               *zmq;
    struct guard        guard;
    struct client      *client;
    struct feed        *feed;
    struct readers     *readers;
    struct link        *link;
    struct websockets   websockets;
    struct page         page;
    const char         *page_folder;
    struct counters     counters;
    struct http         http;
    size_t              connections;
    size_t              strangers; /* of them: those that have not asked for anything yet */
    size_t              connections_max;
};

/* What lws keeps for us with each connection. */
struct connected {
    struct exchange  *exchange;
    struct websocket *websocket;
};

/* ---- callbacks ------------------------------------------------------------- */

/* lws takes connections until there are no more, or one is refused: so strangers are few. */
static bool
admit(struct server *s)
{
    s->counters.connections++;
    if (s->connections < s->connections_max && s->strangers < HEADERS_AT_A_TIME) return true;
    s->counters.connections_shed++;
    return false;
}

static void
meet(struct server *s, struct lws *wsi)
{
    if (!intake_is_stranger(wsi)) return;
    intake_meet(wsi);
    s->strangers--;
}

static void
on_begin(struct server *s, struct lws *wsi)
{
    intake_begin(wsi);
    s->connections++;
    s->strangers++;
}

/* Also of descriptors of our own, when the loop goes. */
static void
on_gone(struct server *s, struct lws *wsi)
{
    if (s->connections > 0) s->connections--;
    if (s->strangers > 0 && intake_is_stranger(wsi)) s->strangers--;
    intake_end(wsi);
}

/* 0: go on.  -1: hang up.  1: it was answered. */
static int
confirm_upgrade(struct server *s, struct lws *wsi)
{
    struct http_request request;
    struct refusal      no;

    if (lws_hdr_total_length(wsi, WSI_TOKEN_UPGRADE) == 0) return -1; /* lws has answered it */
    if (request_read_upgrade(intake_head(wsi), &s->guard, &s->counters, &request, &no)) return 0;
    s->counters.upgrades_refused++;
    (void)http_refuse(wsi, &no); /* it is hung up in any case */
    return -1;
}

static int
on_connection(struct server *s, struct connected *c, struct lws *wsi,
              enum lws_callback_reasons reason, struct view in)
{
    bool is_good = true;

    switch (reason) {
    case LWS_CALLBACK_HTTP:
        meet(s, wsi);
        is_good = http_on_request(&s->http, &c->exchange, wsi);
        break;
    case LWS_CALLBACK_HTTP_BODY:
        if (c->exchange) is_good = http_on_body(c->exchange, in);
        break;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        if (c->exchange) is_good = http_on_body_end(c->exchange);
        break;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        if (c->exchange) is_good = http_on_writable(c->exchange);
        break;
    case LWS_CALLBACK_TIMER:
        if (c->exchange) is_good = http_on_timer(c->exchange);
        if (c->websocket) is_good = websocket_on_timer(c->websocket);
        break;
    case LWS_CALLBACK_ESTABLISHED:
        is_good = websocket_on_open(&s->websockets, &c->websocket, wsi);
        break;
    case LWS_CALLBACK_RECEIVE:
        if (c->websocket) is_good = websocket_on_data(c->websocket, in);
        break;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        if (c->websocket) is_good = websocket_on_writable(c->websocket);
        break;
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
        if (c) websocket_on_close(&c->websocket);
        break;
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
    case LWS_CALLBACK_CLOSED_HTTP:
        if (c) http_on_end(&c->exchange);
        break;
    default: break;
    }
    return is_good ? 0 : -1;
}

static int
on_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size)
{
    struct server *s = lws_context_user(lws_get_context(wsi));

    switch (reason) {
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION: return admit(s) ? 0 : 1;
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED: on_begin(s, wsi); return 0;
    case LWS_CALLBACK_WSI_DESTROY: on_gone(s, wsi); return 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: meet(s, wsi); return confirm_upgrade(s, wsi);
    case LWS_CALLBACK_RAW_ADOPT: /* CONNECT, which lws takes for a protocol of another kind */
        lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
        return -1;
    default: return on_connection(s, user, wsi, reason, view_of(in, size));
    }
}

/* The sockets to agentd, and the signals: descriptors that lws only watches. */
static int
on_descriptor(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size)
{
    struct server *s = lws_context_user(lws_get_context(wsi));

    (void)user, (void)in, (void)size;
    if (reason == LWS_CALLBACK_RAW_RX_FILE || reason == LWS_CALLBACK_EVENT_WAIT_CANCELLED) {
        if (s->client) client_pump(s->client);
        if (s->feed) feed_pump(s->feed);
        if (s->link) link_pump(s->link);
    }
    return 0;
}

static int
on_signal(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size)
{
    struct server *s = lws_context_user(lws_get_context(wsi));

    (void)user, (void)in, (void)size;
    if (reason != LWS_CALLBACK_RAW_RX_FILE) return 0;
    ev_break(s->ev, EVBREAK_ALL);
    return 0;
}

static const struct lws_protocols protocols[] = {
    {"http",        on_callback,   sizeof(struct connected), 1024, 0, NULL, WRITE_PART},
    {HEAD_PROTOCOL, on_callback,   sizeof(struct connected), 1024, 0, NULL, WRITE_PART},
    {"descriptor",  on_descriptor, 0,                        0,    0, NULL, 0         },
    {"signal",      on_signal,     0,                        0,    0, NULL, 0         },
    {NULL,          NULL,          0,                        0,    0, NULL, 0         },
};

/* ---- setting up ------------------------------------------------------------ */

static bool is_set_up; /* what lws says later is of peers, who may say what they like */

static void
on_lws_line(int level, const char *line)
{
    char text[256];

    (void)snprintf(text, sizeof(text), "%.*s", (int)strcspn(line, "\n"), line); /* cut to fit */
    log_at(level == LLL_ERR && !is_set_up ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG, "libwebsockets",
           "text=%s", log_quote(text));
}

/* lws sizes its tables by the limit of descriptors, and finds a connection at once only when they
 * are of that size: so the limit is set to what is wanted. */
static size_t
limit_descriptors(int64_t connections_max)
{
    struct rlimit rl;
    rlim_t        wanted = (rlim_t)connections_max + DESCRIPTORS_BESIDE;

    if (getrlimit(RLIMIT_NOFILE, &rl) != 0) return (size_t)connections_max;
    if (rl.rlim_max < wanted) {
        log_warn("fewer connections than were asked for", "connections=%lld reason=RLIMIT_NOFILE",
                 (long long)rl.rlim_max - DESCRIPTORS_BESIDE);
        wanted = rl.rlim_max;
    }
    rl = (struct rlimit){.rlim_cur = wanted, .rlim_max = wanted};
    if (setrlimit(RLIMIT_NOFILE, &rl) != 0)
        log_warn("RLIMIT_NOFILE is not set", "wanted=%lld", (long long)wanted);
    return wanted > DESCRIPTORS_BESIDE ? (size_t)wanted - DESCRIPTORS_BESIDE : 1;
}

static enum errc
make_loop(struct server *s, const char *address, int port, struct err *e)
{
    static const lws_retry_bo_t      idle = {.secs_since_valid_ping = PING_SECONDS,
                                             .secs_since_valid_hangup = GONE_SECONDS};
    void                            *loops[] = {ev_loop_new(EVFLAG_AUTO)};
    struct lws_context_creation_info info = {
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_LIBEV |
                   LWS_SERVER_OPTION_VALIDATE_UTF8 | LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND |
                   LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
        .port = port,
        .iface = address,
        .protocols = protocols,
        .alpn = "http/1.1",
        .vhost_name = "agentd",
        .server_string = "agentd",
        .user = s,
        .foreign_loops = loops,
        .timeout_secs = HEADER_SECONDS,
        .timeout_secs_ah_idle = HEADER_SECONDS,
        .keepalive_timeout = KEEPALIVE_SECONDS,
        .max_http_header_data = HEAD_BYTES_MAX + HEAD_BYTES_MAX / 2,
        .max_http_header_pool = HEADERS_AT_A_TIME,
        .pt_serv_buf_size = SERVICE_BYTES,
        .retry_and_idle_policy = &idle,
        .gid = (gid_t)-1,
        .uid = (uid_t)-1,
    };

    if (!strchr(address, ':')) info.options |= LWS_SERVER_OPTION_DISABLE_IPV6;
    s->ev = loops[0];
    lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_line);
    s->loop = lws_create_context(&info);
    if (!s->loop) {
        (void)err_set(e, E_INTERNAL, "libwebsockets does not start");
        return err_hint(e, "it takes the package libwebsockets-evlib-ev");
    }
    s->vhost = lws_create_vhost(s->loop, &info);
    if (s->vhost) return E_OK;
    return err_set(e, E_INTERNAL, "cannot listen on %s port %d", address, port);
}

/* lws closes what it watches: a duplicate, for the original is libzmq's. */
static enum errc
watch(struct server *s, int fd, const char *protocol, struct err *e)
{
    lws_sock_file_fd_type both = {.filefd = fcntl(fd, F_DUPFD_CLOEXEC, 3)};

    if (both.filefd < 0) return err_errno(e, "a descriptor");
    if (lws_adopt_descriptor_vhost(s->vhost, LWS_ADOPT_RAW_FILE_DESC, both, protocol, NULL)) {
        return E_OK;
    }
    (void)close(both.filefd);
    return err_set(e, E_INTERNAL, "libwebsockets does not watch a descriptor");
}

static void
on_up(void *arg)
{
    struct server *s = arg;

    link_greet(s->link);
    feed_wake(s->feed);
}

/* Agentd was asked to reload.  A page that cannot be read does not take the place of one that could
 * be. */
static void
on_page(void *arg)
{
    struct server *s = arg;
    struct page    page;
    struct err     e;

    if (page_read(&page, s->page_folder, &e)) {
        log_warn("the page stays as it was", "error=%s", log_quote(e.msg));
        return;
    }
    page_done(&s->page);
    s->page = page;
}

/* A socket that we may not pass the folders to would look like one that is not there yet. */
static enum errc
check_way(const char *run_dir, struct err *e)
{
    FREE_AUTO char *path = xasprintf("%s/agentd.sock", run_dir);

    if (faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) == 0 || errno != EACCES) return E_OK;
    err_errno(e, "%s: user %u may not pass the folders to it, or not open it", path,
              (unsigned)geteuid());
    return err_hint(
        e, "gateway.user names the user; each folder above the run folder must let it pass");
}

static enum errc
reach_agentd(struct server *s, const char *run_dir, struct err *e)
{
    int fds[3 * CONNECTION_FDS];

    if (check_way(run_dir, e)) return e->code;
    s->zmq = zmq_ctx_new();
    if (client_new(&s->client, s->loop, s->zmq, run_dir, e)) return e->code;
    if (feed_new(&s->feed, s->client, &s->counters, s->zmq, run_dir, e)) return e->code;
    s->readers = readers_new(s->client);
    if (link_new(&s->link, s->loop, s->client, s->readers, s->zmq, run_dir, e)) return e->code;
    client_on_up(s->client, on_up, s);
    link_on_page(s->link, on_page, s);
    client_fds(s->client, fds);
    feed_fds(s->feed, fds + CONNECTION_FDS);
    link_fds(s->link, fds + 2 * CONNECTION_FDS);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        if (watch(s, fds[i], "descriptor", e)) return e->code;
    }
    client_pump(s->client);
    feed_pump(s->feed);
    link_pump(s->link);
    return E_OK;
}

static enum errc
set_up(struct server *s, const struct options *o, struct err *e)
{
    FREE_AUTO char *address = NULL;
    struct view     where;
    int             port;

    if (listen_parse(view_str(o->listen), &where, &port, e)) return e->code;
    address = view_dup(where);
    s->page_folder = o->page;
    if (page_read(&s->page, o->page, e)) return e->code;
    s->connections_max = limit_descriptors(o->connections_max);
    intake_open(s->connections_max + DESCRIPTORS_BESIDE, &s->counters);
    guard_init(&s->guard, address, o->hosts, o->origins);
    if (listen_try(address, port, e) || make_loop(s, address, port, e)) return e->code;
    if (reach_agentd(s, o->run_dir, e)) return e->code;
    s->websockets = (struct websockets){
        .guard = &s->guard, .client = s->client, .readers = s->readers, .counters = &s->counters};
    s->http = (struct http){.guard = &s->guard,
                            .client = s->client,
                            .feed = s->feed,
                            .page = &s->page,
                            .counters = &s->counters,
                            .websockets = &s->websockets,
                            .connections = &s->connections};
    openapi_text(&s->http.openapi);
    s->connections = s->strangers = 0; /* the descriptors of our own are none */
    is_set_up = true;
    return E_OK;
}

enum errc
server_new(struct server **out, const struct options *o, struct err *e)
{
    struct server *s = xcalloc(1, sizeof(*s));

    if (set_up(s, o, e)) {
        server_destroy(&s);
        return e->code;
    }
    *out = s;
    return E_OK;
}

void
server_destroy(struct server **p)
{
    struct server *s = *p;

    if (!s) return;
    /* Timers go before the loop; what connections know goes behind them, and they with the loop. */
    link_destroy(&s->link);
    if (s->client) client_close(s->client);
    if (s->loop) lws_context_destroy(s->loop);
    if (s->ev) ev_loop_destroy(s->ev);
    readers_destroy(&s->readers);
    feed_destroy(&s->feed);
    client_destroy(&s->client);
    if (s->zmq) (void)zmq_ctx_term(s->zmq); /* it has no socket left */
    intake_close();
    buf_done(&s->http.openapi);
    page_done(&s->page);
    guard_done(&s->guard);
    free(s);
    *p = NULL;
}

int
server_port(const struct server *s)
{
    return lws_get_vhost_listen_port(s->vhost);
}

void
server_run(struct server *s, int signal_fd)
{
    struct err e;

    if (watch(s, signal_fd, "signal", &e)) {
        log_error("signals are not heard", "error=%s", log_quote(e.msg));
        return;
    }
    ev_run(s->ev, 0);
}
