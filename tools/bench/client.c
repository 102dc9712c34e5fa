#include "tools/bench/bench.h"

#include "common/mp.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

static struct buf frame; /* of the last reply */
static void      *ctx;   /* of all clients: one I/O thread, as peers' clients have */

static void
fail(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, zmq_strerror(zmq_errno()));
    exit(1);
}

void
client_open(struct client *c, const struct process *p)
{
    char endpoint[4300];
    int  hwm = 0, linger = 0, timeout = 60000;

    snprintf(endpoint, sizeof(endpoint), "ipc://%s/r/agentd.sock", p->dir);
    if (!ctx) ctx = zmq_ctx_new();
    c->socket = zmq_socket(ctx, ZMQ_DEALER);
    c->next_id = 1;
    zmq_setsockopt(c->socket, ZMQ_SNDHWM, &hwm, sizeof(hwm));
    zmq_setsockopt(c->socket, ZMQ_RCVHWM, &hwm, sizeof(hwm));
    zmq_setsockopt(c->socket, ZMQ_LINGER, &linger, sizeof(linger));
    zmq_setsockopt(c->socket, ZMQ_RCVTIMEO, &timeout, sizeof(timeout));
    if (zmq_connect(c->socket, endpoint)) fail(endpoint);
}

void
client_close(struct client *c)
{
    zmq_close(c->socket);
}

void
client_send(struct client *c, enum msg_id op, struct view body)
{
    struct buf request BUF_AUTO = {0};

    request_pack(c->next_id++, op, body, (struct view){0}, &request);
    if (zmq_send(c->socket, request.data, request.size, 0) < 0) fail("send");
}

struct view
client_receive(struct client *c)
{
    struct err  e = {0};
    struct view body;
    uint64_t    id;
    zmq_msg_t   m;

    zmq_msg_init(&m);
    if (zmq_msg_recv(&m, c->socket, 0) < 0) fail("no reply");
    buf_clear(&frame);
    buf_add(&frame, zmq_msg_data(&m), zmq_msg_size(&m));
    zmq_msg_close(&m);
    if (reply_open(buf_view(&frame), &id, &body, &e)) {
        fprintf(stderr, "bench: agentd refused: %s\n", e.msg);
        exit(1);
    }
    return body;
}

bool
client_has_reply(const struct client *c)
{
    int    events = 0;
    size_t size = sizeof(events);

    zmq_getsockopt(c->socket, ZMQ_EVENTS, &events, &size);
    return events & ZMQ_POLLIN;
}

struct view
client_ask(struct client *c, enum msg_id op, struct view body)
{
    client_send(c, op, body);
    return client_receive(c);
}

struct view
submit_body(const char *handler, int64_t delay_ms)
{
    static struct buf     body;
    struct buf payload    BUF_AUTO = {0};
    char                  text[PAYLOAD_BYTES - 3]; /* a str16 header makes it 256 bytes */
    struct msg_job_submit m = {.handler = view_str(handler)};

    memset(text, 'x', sizeof(text));
    mp_str(&payload, view_of(text, sizeof(text)));
    m.payload = buf_view(&payload);
    SET_HAS(&m, job_submit, handler);
    SET_HAS(&m, job_submit, payload);
    if (delay_ms) {
        m.delay_ms = delay_ms;
        SET_HAS(&m, job_submit, delay_ms);
    }
    buf_clear(&body);
    msg_pack(msg_desc(MSG_JOB_SUBMIT), &m, &body);
    return buf_view(&body);
}
