#include "supervisor/control.h"

#include "common/log.h"
#include "supervisor/sockets.h"
#include "supervisor/zones.h"
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_MAX    8
#define MESSAGE_SLACK 65536 /* above the limit: answered with too_large; far above: cut off */
/* Replies that a client has not read.  ZeroMQ learns only now and then what was read, in batches of
 * half the mark, so it stands well above what a client may have in flight: none of those is ever
 * dropped. */
#define SEND_HIGH_WATER (4 * CLIENT_IN_FLIGHT)
#define CLOSE_LINGER_MS 500 /* the last replies of a planned stop */
#define TAG_INDEX_BITS  16

struct control {
    void                 *socket;
    struct peers         *peers;
    struct clients        clients;
    struct asked         *asked[ASKED_MAX];
    uint16_t              free_places[ASKED_MAX];
    size_t                nfree;
    uint64_t              serial;
    struct asked         *reads;
    struct asked        **last_read;
    struct buf            out;
    struct control_counts counts;
};

/* One message, as it lay on the wire. */
struct received {
    zmq_msg_t routing_id;
    zmq_msg_t body;
    bool      has_delimiter;
    bool      is_whole; /* the frames are those of a request */
    size_t    bytes;
};

static struct view
frame_view(zmq_msg_t *m)
{
    return view_of(zmq_msg_data(m), zmq_msg_size(m));
}

enum errc
control_open(struct control **out, void *zmq, const char *run_dir, gid_t group, struct peers *peers,
             struct err *e)
{
    struct control          *c = xcalloc(1, sizeof(*c));
    FREE_AUTO char          *path = xasprintf("%s/agentd.sock", run_dir);
    const struct socket_spec spec = {.type = ZMQ_ROUTER,
                                     .path = path,
                                     .group = group,
                                     .linger_ms = CLOSE_LINGER_MS,
                                     .send_high_water = SEND_HIGH_WATER,
                                     .message_bytes_max = CLIENT_MESSAGE_MAX + MESSAGE_SLACK};

    c->peers = peers;
    c->last_read = &c->reads;
    c->serial = CLIENT_TAG_MIN >> TAG_INDEX_BITS;
    for (size_t i = 0; i < ASKED_MAX; i++)
        c->free_places[c->nfree++] = (uint16_t)(ASKED_MAX - 1 - i);
    if (socket_bind(zmq, &spec, &c->socket, e)) {
        control_close(&c);
        return e->code;
    }
    *out = c;
    return E_OK;
}

static void
forget(struct control *c, struct asked **a)
{
    size_t place = (*a)->tag & ((1 << TAG_INDEX_BITS) - 1);

    assert(c->asked[place] == *a);
    c->asked[place] = NULL;
    c->free_places[c->nfree++] = (uint16_t)place;
    (*a)->client->in_flight--;
    (void)zmq_msg_close(&(*a)->frame);
    buf_done(&(*a)->own_body);
    buf_done(&(*a)->actor_text);
    free(*a);
    *a = NULL;
}

void
control_close(struct control **c)
{
    if (!*c) return;
    for (size_t i = 0; i < ASKED_MAX; i++) {
        struct asked *a = (*c)->asked[i]; /* forget clears the place itself */

        if (a) forget(*c, &a);
    }
    clients_done(&(*c)->clients);
    socket_close(&(*c)->socket);
    buf_done(&(*c)->out);
    free(*c);
    *c = NULL;
}

int
control_fd(const struct control *c)
{
    return socket_fd(c->socket);
}

bool
control_has_input(const struct control *c)
{
    return socket_has_input(c->socket);
}

/* ---- replies ------------------------------------------------------------------------------- */

static bool
send_frame(struct control *c, struct view v, int flags)
{
    return zmq_send(c->socket, v.data, v.size, ZMQ_DONTWAIT | flags) >= 0;
}

/* Sends c->out.  Once the socket has taken the routing id it takes the rest. */
static void
send_out(struct control *c, struct view routing_id, bool has_delimiter)
{
    if (!send_frame(c, routing_id, ZMQ_SNDMORE)) {
        c->counts.replies_dropped++;
        log_debug("reply dropped", "reason=%s", log_quote(zmq_strerror(errno)));
        return;
    }
    if (has_delimiter) (void)send_frame(c, view_of("", 0), ZMQ_SNDMORE);
    (void)send_frame(c, buf_view(&c->out), 0);
}

void
control_reply(struct control *c, struct asked **a, struct view body)
{
    buf_clear(&c->out);
    reply_pack((*a)->req.id, body, &c->out);
    send_out(c, client_id((*a)->client), (*a)->has_delimiter);
    forget(c, a);
}

void
control_refuse(struct control *c, struct asked **a, const struct err *error)
{
    buf_clear(&c->out);
    reply_pack_error((*a)->req.id, error, &c->out);
    send_out(c, client_id((*a)->client), (*a)->has_delimiter);
    forget(c, a);
}

static void
refuse_unasked(struct control *c, struct received *m, uint64_t id, const struct err *error)
{
    c->counts.refused++;
    buf_clear(&c->out);
    reply_pack_error(id, error, &c->out);
    send_out(c, frame_view(&m->routing_id), m->has_delimiter);
}

/* ---- requests ------------------------------------------------------------------------------ */

/* Takes a frame that is behind the routing id. */
static void
take_frame(struct received *m, unsigned number, zmq_msg_t *frame, bool has_more)
{
    m->bytes += zmq_msg_size(frame);
    if (number == 1 && zmq_msg_size(frame) == 0 && has_more) {
        m->has_delimiter = true;
    } else if (number == 1 + (unsigned)m->has_delimiter && !has_more) {
        (void)zmq_msg_move(&m->body, frame);
        m->is_whole = true;
    }
}

/* False when there is none.  The parts of a message come all or none, so none is waited for. */
static bool
receive(struct control *c, struct received *m)
{
    *m = (struct received){0};
    (void)zmq_msg_init(&m->routing_id); /* cannot fail */
    if (zmq_msg_recv(&m->routing_id, c->socket, ZMQ_DONTWAIT) < 0) return false;
    (void)zmq_msg_init(&m->body);
    bool has_more = zmq_msg_more(&m->routing_id) != 0;
    for (unsigned number = 1; has_more; number++) {
        zmq_msg_t frame;

        (void)zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, c->socket, ZMQ_DONTWAIT) < 0) break;
        has_more = zmq_msg_more(&frame) != 0;
        if (number < FRAMES_MAX) take_frame(m, number, &frame, has_more);
        if (number >= FRAMES_MAX) m->bytes += zmq_msg_size(&frame);
        (void)zmq_msg_close(&frame);
    }
    return true;
}

static void
received_done(struct received *m)
{
    (void)zmq_msg_close(&m->routing_id);
    (void)zmq_msg_close(&m->body);
}

/* Who asks, and whether it may. */
static enum errc
check_actor(struct control *c, struct asked *a, struct err *e)
{
    struct credentials who;

    if (!credentials_parse(zmq_msg_gets(&a->frame, "Peer-Address"), &who)) {
        return err_set(e, E_UNAUTHENTICATED, "the connection has no credentials");
    }
    a->pid = who.pid;
    return peers_judge(c->peers, &who, &a->req, &a->actor, &a->actor_text, e);
}

/* Everything that is judged before the engine or a reader sees the request. */
static enum errc
check(struct control *c, const struct received *m, struct asked *a, uint64_t *id, struct err *e)
{
    if (!m->is_whole) {
        return err_set(e, E_BAD_REQUEST,
                       "a message is one frame, with an empty one before it or not");
    }
    if (request_open(frame_view(&a->frame), &a->req, id, e)) return e->code;
    return check_actor(c, a, e);
}

/* Gives it a tag and counts it as in flight. */
static enum errc
admit(struct control *c, struct received *m, struct asked *a, struct err *e)
{
    struct client *client = clients_get(&c->clients, frame_view(&m->routing_id));

    if (!client || client->in_flight >= CLIENT_IN_FLIGHT || c->nfree == 0) {
        return err_set(e, E_BUSY, "too many requests without a reply, at most %d each",
                       CLIENT_IN_FLIGHT);
    }
    uint16_t place = c->free_places[--c->nfree];
    a->tag = c->serial++ << TAG_INDEX_BITS | place;
    a->client = client;
    client->in_flight++;
    c->asked[place] = a;
    return E_OK;
}

static void
hand_on(struct control *c, struct asked *a, struct inputs *q)
{
    c->counts.requests++;
    if (a->req.desc->how != HOW_WRITE) {
        *c->last_read = a;
        c->last_read = &a->next;
        return;
    }
    const struct input in = {.kind = INPUT_REQUEST,
                             .client = a->tag,
                             .actor = a->actor,
                             .op = a->req.desc->id,
                             .body = a->req.body,
                             .request_id = a->req.request_id};
    zones_push_request(q, in.op, in.body);
    inputs_push(q, &in);
}

/* The frame moves first: the bytes of a small one lie in the zmq_msg_t itself, and views into it
 * would not move with it. */
static void
on_message(struct control *c, struct received *m, struct inputs *q)
{
    struct asked *a = xcalloc(1, sizeof(*a));
    uint64_t      id = 0;
    struct err    e;

    a->has_delimiter = m->has_delimiter;
    (void)zmq_msg_init(&a->frame); /* cannot fail */
    (void)zmq_msg_move(&a->frame, &m->body);
    if (check(c, m, a, &id, &e) || admit(c, m, a, &e)) {
        refuse_unasked(c, m, id, &e);
        (void)zmq_msg_close(&a->frame);
        buf_done(&a->actor_text);
        free(a);
        return;
    }
    hand_on(c, a, q);
}

void
control_gather(struct control *c, struct inputs *q, struct turn_budget *budget)
{
    struct received m;

    while (turn_budget_has(budget) && receive(c, &m)) {
        turn_budget_use(budget, m.bytes);
        on_message(c, &m, q);
        received_done(&m);
    }
}

struct asked *
control_take_reads(struct control *c)
{
    struct asked *list = c->reads;

    c->reads = NULL;
    c->last_read = &c->reads;
    return list;
}

struct asked *
control_find(const struct control *c, uint64_t tag)
{
    size_t place = tag & ((1 << TAG_INDEX_BITS) - 1);

    if (place >= ASKED_MAX || !c->asked[place] || c->asked[place]->tag != tag) return NULL;
    return c->asked[place];
}

struct control_counts
control_counts(const struct control *c)
{
    return c->counts;
}

size_t
control_clients(const struct control *c)
{
    return c->clients.count;
}
