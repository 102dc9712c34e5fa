#include "tools/gateway/link.h"

#include "common/log.h"
#include "common/mp.h"
#include "common/version.h"
#include <stdlib.h>
#include <zmq.h>

#define LIFE_MS 3000 /* agentd waits 10 s for a sign of life */

struct link {
    struct lws_context    *loop;
    struct client         *client;
    struct readers        *readers;
    struct connection      pull;
    struct buf             frame;
    lws_sorted_usec_list_t timer;
    void (*on_page)(void *arg);
    void *on_page_arg;
};

static void
on_hello(void *arg, const struct err *error, struct view body)
{
    (void)arg, (void)body;
    if (error->code) log_warn("agentd does not take hello", "error=%s", log_quote(error->msg));
}

/* What asks it says that it lives; when nobody does, this. */
static void
on_timer(lws_sorted_usec_list_t *timer)
{
    struct link          *l = lws_container_of(timer, struct link, timer);
    const struct question q = {.op = MSG_PING};
    struct err            e;

    if (client_is_up(l->client)) (void)client_ask(l->client, &q, &e); /* or others ask enough */
    lws_sul_schedule(l->loop, 0, &l->timer, on_timer, LIFE_MS * LWS_US_PER_MS);
}

static void
on_doubt(void *arg)
{
    log_warn("hello is said anew", "reason=\"agentd did not answer for a reader\"");
    link_greet(arg);
}

enum errc
link_new(struct link **out, struct lws_context *loop, struct client *client,
         struct readers *readers, void *zmq, const char *run_dir, struct err *e)
{
    FREE_AUTO char *path = xasprintf("%s/gateway.sock", run_dir);
    struct link    *l = xcalloc(1, sizeof(*l));

    if (connection_open(&l->pull, zmq, ZMQ_PULL, path, WORKER_MESSAGE_MAX, e)) {
        free(l);
        return e->code;
    }
    l->loop = loop;
    l->client = client;
    l->readers = readers;
    readers_on_doubt(readers, on_doubt, l);
    lws_sul_schedule(loop, 0, &l->timer, on_timer, LIFE_MS * LWS_US_PER_MS);
    *out = l;
    return E_OK;
}

void
link_destroy(struct link **p)
{
    if (!*p) return;
    lws_sul_cancel(&(*p)->timer);
    connection_close(&(*p)->pull);
    buf_done(&(*p)->frame);
    free(*p);
    *p = NULL;
}

void
link_on_page(struct link *l, void (*on_page)(void *arg), void *arg)
{
    l->on_page = on_page;
    l->on_page_arg = arg;
}

void
link_fds(const struct link *l, int fds[CONNECTION_FDS])
{
    connection_fds(&l->pull, fds);
}

static void
take(struct link *l)
{
    const struct msg_desc *desc;
    union msg              m;
    struct err             e;

    if (worker_open(GROUP_TO_GATEWAY, buf_view(&l->frame), &desc, &m, &e)) {
        log_error("agentd is not understood", "error=%s", log_quote(e.msg));
    } else if (desc->id == MSG_GATEWAY_DELIVER) {
        readers_deliver(l->readers, &m.gateway_deliver);
    } else if (desc->id == MSG_GATEWAY_DELTA) {
        readers_delta(l->readers, &m.gateway_delta);
    } else if (desc->id == MSG_GATEWAY_REMOVED) {
        readers_removed(l->readers, &m.gateway_removed);
    } else if (desc->id == MSG_GATEWAY_REVOKED) {
        readers_revoked(l->readers, &m.gateway_revoked);
    } else if (desc->id == MSG_GATEWAY_PAGE) {
        l->on_page(l->on_page_arg);
    } else {
        readers_attached(l->readers, &m.gateway_attached);
    }
}

void
link_pump(struct link *l)
{
    enum connection_change change;

    do {
        while ((change = connection_change(&l->pull)) != CONNECTION_SAME) {
            if (change == CONNECTION_UP) link_greet(l);
        }
        while (connection_receive(&l->pull, &l->frame))
            take(l);
    } while (connection_has_input(&l->pull));
}

void
link_greet(struct link *l)
{
    BUF_AUTO struct buf body = {0};
    struct mp_open_map  m = mp_open(&body);
    struct question     q = {.op = MSG_GATEWAY_HELLO, .on_answer = on_hello};
    struct err          e;

    if (!client_is_up(l->client) || !l->pull.is_up) return;
    mp_put_cstr(&body, &m, "version", AGENTD_VERSION);
    mp_close(&body, &m);
    q.body = buf_view(&body);
    if (client_ask(l->client, &q, &e) == 0) on_hello(l, &e, q.body);
    readers_restart(l->readers);
}
