#include "tools/gateway/client.h"

#include "common/clock.h"
#include "tools/control/connection.h"
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <zmq.h>

#define REPLY_BYTES_MAX (64 << 20)
#define PLACE_BITS      11
#define ABSENT_MS       3000 /* so long a request waits for an agentd that is not there */
#define ANSWER_MS       15000
#define LONG_MS         40000

_Static_assert(CLIENT_PENDING_MAX == 1 << PLACE_BITS, "a place fits into an id");

/* A request without an answer. */
struct pending {
    struct pending *next; /* to be sent */
    uint64_t        id;   /* 0: the place is free */
    enum msg_id     op;
    struct buf      frame;
    client_answer  *on_answer; /* NULL: forgotten */
    void           *arg;
    int64_t         until_ms; /* boot time */
    unsigned        sends;
    bool            is_long;
    bool            has_key; /* the asker's own: asked again with it, it is done once */
    bool            is_sent; /* and the connection stands since */
};

struct client {
    struct lws_context    *loop;
    struct connection      connection;
    struct pending         places[CLIENT_PENDING_MAX];
    uint16_t               free_places[CLIENT_PENDING_MAX];
    size_t                 nfree;
    struct pending        *first; /* to be sent */
    struct pending       **last;
    lws_sorted_usec_list_t timer;
    int64_t                earliest_ms; /* no until_ms is earlier; 0: the timer is off */
    bool                   is_closed;
    uint64_t               serial;
    size_t                 longs;
    struct client_counts   counts;
    struct buf             frame;
    void (*on_up)(void *arg);
    void *on_up_arg;
};

/* ---- a place --------------------------------------------------------------- */

static void
put_last(struct client *cl, struct pending *p)
{
    p->next = NULL;
    *cl->last = p;
    cl->last = &p->next;
}

static struct pending *
take_first(struct client *cl)
{
    struct pending *p = cl->first;

    if (!p) return NULL;
    cl->first = p->next;
    if (!cl->first) cl->last = &cl->first;
    return p;
}

static void
release(struct client *cl, struct pending *p)
{
    cl->counts.sent -= p->is_sent;
    cl->counts.pending--;
    cl->longs -= p->is_long;
    buf_done(&p->frame);
    *p = (struct pending){0};
    cl->free_places[cl->nfree++] = (uint16_t)(p - cl->places);
}

/* Ends it: the place is free before the answer is given, which may ask again. */
static void
answer(struct client *cl, struct pending *p, const struct err *error, struct view body)
{
    client_answer *on_answer = p->on_answer;
    void          *arg = p->arg;

    release(cl, p);
    if (on_answer) on_answer(arg, error, body);
}

/* It may come twice, and agentd need not remember it: a message is read once, and who reads counts
 * until the next hello, which a broken connection has said anew. */
static bool
is_repeatable(enum msg_id op)
{
    return op == MSG_EFFECT_ACK || op == MSG_SESSION_ATTACH || op == MSG_SESSION_DETACH ||
           op == MSG_GATEWAY_HELLO;
}

static const char *
hint_of(const struct pending *p)
{
    if (p->has_key)
        return "ask again with the same Idempotency-Key (by WebSocket with the same id)";
    if (is_repeatable(p->op)) return "ask again: it may come twice";
    return "look whether it was done before you ask again, for it would be done anew; who sends an "
           "Idempotency-Key (by WebSocket an id) may ask again with the same";
}

static void
give_up(struct client *cl, struct pending *p)
{
    const char *op = msg_desc(p->op)->op;
    struct err  e;

    cl->counts.unanswered++;
    if (p->sends > 0 && connection_op_changes(p->op)) {
        err_set(&e, E_OUTCOME_UNKNOWN, "agentd did not answer %s; it may have been done, or not",
                op);
        err_hint(&e, "%s", hint_of(p));
    } else {
        err_set(&e, E_BUSY, "agentd did not answer %s", op);
    }
    answer(cl, p, &e, (struct view){0});
}

/* Out of the list of those to be sent. */
static void
unlist(struct client *cl, struct pending *p)
{
    struct pending *kept = cl->first;

    cl->first = NULL;
    cl->last = &cl->first;
    while (kept) {
        struct pending *next = kept->next;

        if (kept != p) put_last(cl, kept);
        kept = next;
    }
}

/* ---- time ------------------------------------------------------------------ */

static void on_timer(lws_sorted_usec_list_t *timer);

static void
arm(struct client *cl, int64_t at_ms)
{
    int64_t in_ms = at_ms - clock_now().boot_ms;

    if (cl->earliest_ms && cl->earliest_ms <= at_ms) return;
    cl->earliest_ms = at_ms;
    lws_sul_schedule(cl->loop, 0, &cl->timer, on_timer,
                     (in_ms > 0 ? in_ms : 0) * LWS_US_PER_MS + LWS_US_PER_MS);
}

static void
on_timer(lws_sorted_usec_list_t *timer)
{
    struct client *cl = lws_container_of(timer, struct client, timer);
    int64_t        now_ms = clock_now().boot_ms, next_ms = 0;

    cl->earliest_ms = 0;
    for (size_t i = 0; i < CLIENT_PENDING_MAX; i++) {
        struct pending *p = &cl->places[i];

        if (p->id && p->until_ms <= now_ms) {
            if (!p->is_sent) unlist(cl, p);
            give_up(cl, p);
        } else if (p->id && (!next_ms || p->until_ms < next_ms)) {
            next_ms = p->until_ms;
        }
    }
    if (next_ms) arm(cl, next_ms);
}

/* ---- the wire -------------------------------------------------------------- */

/* True when it was sent. */
static bool
send_one(struct client *cl, struct pending *p)
{
    if (!connection_send(&cl->connection, buf_view(&p->frame))) return false;
    p->sends++;
    p->is_sent = true;
    p->until_ms = clock_now().boot_ms + (p->is_long ? LONG_MS : ANSWER_MS);
    cl->counts.sent++;
    return true;
}

static void
send_all(struct client *cl)
{
    while (cl->connection.is_up && cl->first && cl->counts.sent < CLIENT_SENT_MAX) {
        if (!send_one(cl, cl->first)) return;
        (void)take_first(cl);
    }
}

/* What was outstanding broke with the connection. */
static void
on_down(struct client *cl)
{
    for (size_t i = 0; i < CLIENT_PENDING_MAX; i++) {
        struct pending *p = &cl->places[i];

        if (!p->id || !p->is_sent) continue;
        p->is_sent = false;
        cl->counts.sent--;
        if (p->sends < CONNECTION_SENDS_MAX) {
            put_last(cl, p);
        } else {
            give_up(cl, p);
        }
    }
}

static void
take_answer(struct client *cl)
{
    struct err  refusal = {0};
    struct view body = {0};
    uint64_t    id = 0;
    enum errc   code = reply_open(buf_view(&cl->frame), &id, &body, &refusal);
    size_t      place = id & (CLIENT_PENDING_MAX - 1);

    if (id == 0 || cl->places[place].id != id) return; /* it came too late */
    refusal.code = code;
    answer(cl, &cl->places[place], &refusal, body);
}

void
client_pump(struct client *cl)
{
    enum connection_change change;

    /* Each call into a socket may take its descriptor's signal away: until nothing is left. */
    do {
        while ((change = connection_change(&cl->connection)) != CONNECTION_SAME) {
            if (change == CONNECTION_DOWN) on_down(cl);
            if (change == CONNECTION_UP && cl->on_up) cl->on_up(cl->on_up_arg);
        }
        while (connection_receive(&cl->connection, &cl->frame))
            take_answer(cl);
        send_all(cl);
    } while (connection_has_input(&cl->connection));
}

/* ---- from outside ---------------------------------------------------------- */

enum errc
client_new(struct client **out, struct lws_context *loop, void *zmq, const char *run_dir,
           struct err *e)
{
    FREE_AUTO char *path = xasprintf("%s/agentd.sock", run_dir);
    struct client  *cl = xcalloc(1, sizeof(*cl));

    if (connection_open(&cl->connection, zmq, ZMQ_DEALER, path, REPLY_BYTES_MAX, e)) {
        free(cl);
        return e->code;
    }
    cl->loop = loop;
    cl->last = &cl->first;
    cl->serial = 1;
    for (size_t i = 0; i < CLIENT_PENDING_MAX; i++)
        cl->free_places[cl->nfree++] = (uint16_t)(CLIENT_PENDING_MAX - 1 - i);
    *out = cl;
    return E_OK;
}

void
client_close(struct client *cl)
{
    cl->is_closed = true;
    lws_sul_cancel(&cl->timer);
}

void
client_destroy(struct client **p)
{
    struct client *cl = *p;

    if (!cl) return;
    connection_close(&cl->connection);
    for (size_t i = 0; i < CLIENT_PENDING_MAX; i++)
        buf_done(&cl->places[i].frame);
    buf_done(&cl->frame);
    free(cl);
    *p = NULL;
}

void
client_fds(const struct client *cl, int fds[CONNECTION_FDS])
{
    connection_fds(&cl->connection, fds);
}

uint64_t
client_ask(struct client *cl, const struct question *q, struct err *e)
{
    char        made[REQUEST_ID_SIZE];
    struct view request_id = q->request_id;

    if (cl->is_closed || cl->nfree == 0 || (q->is_long && cl->longs == CLIENT_LONG_MAX)) {
        (void)err_set(e, E_BUSY, "too many requests at a time");
        return 0;
    }
    if (connection_op_changes(q->op) && request_id.size == 0 && !is_repeatable(q->op)) {
        if (connection_request_id(made, e)) return 0;
        request_id = view_str(made);
    }
    uint16_t        place = cl->free_places[--cl->nfree];
    struct pending *p = &cl->places[place];
    *p = (struct pending){.id = cl->serial++ << PLACE_BITS | place,
                          .op = q->op,
                          .on_answer = q->on_answer,
                          .arg = q->arg,
                          .is_long = q->is_long,
                          .has_key = q->request_id.size > 0,
                          .until_ms = clock_now().boot_ms + ABSENT_MS};
    request_pack_for(p->id, q->op, q->body, request_id, q->token_hash, &p->frame);
    cl->counts.asked++;
    cl->counts.pending++;
    cl->longs += q->is_long;
    put_last(cl, p);
    arm(cl, p->until_ms);
    lws_cancel_service(cl->loop); /* it is sent when the loop comes to client_pump */
    return p->id;
}

void
client_forget(struct client *cl, uint64_t id)
{
    struct pending *p = &cl->places[id & (CLIENT_PENDING_MAX - 1)];

    if (id == 0 || p->id != id) return;
    p->on_answer = NULL;
}

bool
client_is_up(const struct client *cl)
{
    return cl->connection.is_up;
}

struct client_counts
client_counts(const struct client *cl)
{
    return cl->counts;
}

void
client_on_up(struct client *cl, void (*on_up)(void *arg), void *arg)
{
    cl->on_up = on_up;
    cl->on_up_arg = arg;
}
