#include "tests/torture/link.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/mp.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define RECONNECT_MS 10
#define AGAIN_MS     20 /* before asking again what was refused for the moment */

/* A fault of our own making, not agentd's: the run is worth nothing then. */
static _Noreturn void
give_up(const char *what)
{
    (void)fprintf(stderr, "torture: %s: %s\n", what, zmq_strerror(zmq_errno()));
    abort();
}

static void
connect_anew(struct link *l)
{
    int zero = 0, again = RECONNECT_MS;

    if (l->socket && zmq_close(l->socket)) give_up("zmq_close");
    l->socket = zmq_socket(l->zmq, ZMQ_DEALER);
    if (!l->socket) give_up("zmq_socket");
    if (zmq_setsockopt(l->socket, ZMQ_LINGER, &zero, sizeof(zero)) ||
        zmq_setsockopt(l->socket, ZMQ_RECONNECT_IVL, &again, sizeof(again)) ||
        zmq_connect(l->socket, l->endpoint)) {
        give_up("zmq_connect");
    }
}

void
link_open(struct link *l, const char *run_folder)
{
    *l = (struct link){.zmq = zmq_ctx_new()};
    if (!l->zmq) give_up("zmq_ctx_new");
    (void)snprintf(l->endpoint, sizeof(l->endpoint), "ipc://%s/agentd.sock", run_folder); /* fits */
    connect_anew(l);
}

void
link_close(struct link *l)
{
    if (zmq_close(l->socket) || zmq_ctx_term(l->zmq)) give_up("closing");
    buf_done(&l->body);
    l->zmq = l->socket = NULL;
}

static void
send_request(struct link *l, enum msg_id op, const char *body, const char *request_id)
{
    BUF_AUTO struct buf packed = {0}, frame = {0};
    struct err          e;

    if (json_to_mp(view_str(body), &packed, &e)) {
        (void)fprintf(stderr, "torture: %s: %s\n", body, e.msg);
        abort();
    }
    request_pack(++l->id, op, buf_view(&packed), view_str(request_id), &frame);
    if (zmq_send(l->socket, frame.data, frame.size, 0) < 0) give_up("zmq_send");
}

/* One message; false when it is no reply to the last request. */
static bool
take(struct link *l, enum answer *answer)
{
    zmq_msg_t   m;
    struct view body;
    uint64_t    id = 0;

    (void)zmq_msg_init(&m); /* cannot fail */
    if (zmq_msg_recv(&m, l->socket, 0) < 0) give_up("zmq_msg_recv");
    enum errc code = reply_open(view_of(zmq_msg_data(&m), zmq_msg_size(&m)), &id, &body, &l->error);
    buf_clear(&l->body);
    if (code == E_OK) buf_add_view(&l->body, body);
    (void)zmq_msg_close(&m);
    *answer = code == E_OK ? ANSWER_YES : ANSWER_NO;
    return id == l->id;
}

enum answer
link_ask(struct link *l, enum msg_id op, const char *body, const char *request_id, int64_t wait_ms)
{
    int64_t     end = clock_now().boot_ms + wait_ms;
    int64_t     left = wait_ms;
    enum answer answer;

    l->error.code = E_OK;
    send_request(l, op, body, request_id);
    for (; left > 0; left = end - clock_now().boot_ms) {
        zmq_pollitem_t item = {.socket = l->socket, .events = ZMQ_POLLIN};

        if (zmq_poll(&item, 1, left) == 1 && take(l, &answer)) return answer;
    }
    connect_anew(l);
    return ANSWER_NONE;
}

/* Nothing was changed, and soon it may be taken. */
static bool
is_passing(const struct err *e)
{
    return e->code == E_DRAINING || e->code == E_BUSY || e->code == E_OUTCOME_UNKNOWN;
}

enum answer
link_insist(struct link *l, enum msg_id op, const char *body, const char *request_id,
            unsigned tries)
{
    enum answer answer = ANSWER_NONE;
    bool        is_settled = false, may_be_done = false;

    for (unsigned n = 0; !is_settled && (tries == 0 || n < tries); n++) {
        answer = link_ask(l, op, body, request_id, LINK_WAIT_MS);
        is_settled = answer == ANSWER_YES || (answer == ANSWER_NO && !is_passing(&l->error));
        may_be_done |= answer == ANSWER_NONE || l->error.code == E_OUTCOME_UNKNOWN;
        if (answer == ANSWER_NO && !is_settled) (void)poll(NULL, 0, AGAIN_MS);
    }
    return is_settled || !may_be_done ? answer : ANSWER_NONE;
}
