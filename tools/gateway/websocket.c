#include "tools/gateway/websocket.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/mp.h"
#include "tools/gateway/intake.h"
#include "tools/gateway/request.h"
#include "tools/gateway/websocket_message.h"
#include "tools/gateway/websocket_requests.h"
#include "tools/gateway/websocket_text.h"
#include <stdio.h>
#include <stdlib.h>

#define AUTH_SECONDS    5
#define VERIFIED_MS     10000 /* so long a token that was good is thought to be */
#define MESSAGES_MAX    60    /* of a peer in a window */
#define WINDOW_MS       3000
#define DELTA_QUEUE_MAX 65536 /* a delta for a peer that has so much to read is dropped */
#define CLOSE_SECONDS   5     /* for a peer to take what is left, and the reason */
#define CLOSE_LATER     1013  /* try again later: lws has no name for it */

struct websocket {
    struct reader             reader;
    struct websockets        *all;
    struct lws               *wsi;
    char                      token_hash[TOKEN_HASH_SIZE + 1]; /* "": not yet shown */
    char                     *key;
    char                      company[65]; /* "": the token's, or the default one */
    struct buf                in;
    struct websocket_queue    queue;
    struct websocket_requests requests;
    uint64_t                  verifying;   /* asked: nothing is written until it is answered */
    int64_t                   verified_ms; /* boot time; 0: it is not attached yet */
    uint64_t                  effect;      /* handed over, not acknowledged */
    int64_t                   window_ms;
    unsigned                  messages; /* in the window */
    int                       code;     /* it is closed with this one; 0: not yet */
    const char               *reason;
};

static void verify(struct websocket *w);

/* ---- to the peer ----------------------------------------------------------- */

/* Closed in the next callback: what comes from agentd must not end a connection here.  One that
 * reads nothing never has that callback: its time is limited, and what it left is forgotten at
 * once. */
static void
end(struct websocket *w, int code, const char *reason)
{
    if (w->code) return;
    w->code = code;
    w->reason = reason;
    if (code == CLOSE_LATER) websocket_queue_clear(&w->queue);
    lws_rx_flow_control(w->wsi, 1); /* its goodbye is to be read */
    lws_set_timeout(w->wsi, PENDING_TIMEOUT_USER_REASON_BASE, CLOSE_SECONDS);
    lws_callback_on_writable(w->wsi);
}

/* Also of one whose end is on the way for another reason. */
static void
end_slow(struct websocket *w)
{
    if (!w->code) w->all->counters->slow_readers++;
    end(w, CLOSE_LATER, "too much waits to be read");
    websocket_queue_clear(&w->queue);
}

/* Those who read least make room, be it the peer itself: then false. */
static bool
make_room(struct websocket *w, size_t size)
{
    struct websocket *most = w->queue.bytes + size > WEBSOCKET_QUEUE_MAX ? w : NULL;

    while (most != w && w->all->queues.bytes + size > WEBSOCKETS_QUEUE_MAX) {
        struct websocket_queue *largest = websocket_queue_largest(&w->queue, size);

        most = lws_container_of(largest, struct websocket, queue);
        if (most != w) end_slow(most);
    }
    if (most == w) end_slow(w);
    return most != w;
}

static void
say(struct websocket *w, const struct buf *packed)
{
    BUF_AUTO struct buf text = {0};
    struct err          e;

    if (w->code || json_from_mp(buf_view(packed), &text, &e)) return; /* it is expressible */
    if (!make_room(w, text.size)) return;
    websocket_queue_put(&w->queue, buf_view(&text));
    if (w->verified_ms && clock_now().boot_ms - w->verified_ms > VERIFIED_MS) verify(w);
    lws_callback_on_writable(w->wsi);
}

static void
say_error(struct websocket *w, const struct err *e, const char *id)
{
    BUF_AUTO struct buf b = {0};

    websocket_text_error(&b, e, id);
    say(w, &b);
}

static void
deliver(struct reader *r, uint64_t effect, struct view document)
{
    struct websocket   *w = lws_container_of(r, struct websocket, reader);
    BUF_AUTO struct buf b = {0};

    if (w->effect == effect) return; /* it has it, and another one has come to read */
    w->effect = effect;
    w->all->counters->deliveries++;
    websocket_text_delivery(&b, effect, document);
    say(w, &b);
}

static void
delta(struct reader *r, uint64_t piece, struct view text)
{
    struct websocket   *w = lws_container_of(r, struct websocket, reader);
    BUF_AUTO struct buf b = {0};

    if (w->queue.bytes > DELTA_QUEUE_MAX) return;
    w->all->counters->deltas++;
    websocket_text_delta(&b, piece, text);
    say(w, &b);
}

/* ---- whether it may -------------------------------------------------------- */

static void
put_session(const struct websocket *w, const char *field, struct buf *b, struct mp_open_map *m)
{
    mp_put_cstr(b, m, field, w->key);
    if (w->company[0]) mp_put_cstr(b, m, "company", w->company);
}

static void
say_ready(struct websocket *w)
{
    BUF_AUTO struct buf b = {0};

    websocket_text_ready(&b, w->key);
    say(w, &b);
}

/* What waited to be written is not for it. */
static void
send_away(struct websocket *w, const struct err *error)
{
    bool is_between = w->queue.sent == 0; /* not within a text */
    bool is_away = error->code == E_BUSY || error->code == E_OUTCOME_UNKNOWN;

    if (w->code) return; /* it is on its way already */
    websocket_queue_clear(&w->queue);
    if (is_between) say_error(w, error, "");
    end(w, is_away ? CLOSE_LATER : LWS_CLOSE_STATUS_POLICY_VIOLATION, errc_wire(error->code));
}

/* Its message may make the session, whose agent speaks at once: nothing is read from it before it
 * is attached. */
static void
attach(struct websocket *w)
{
    lws_rx_flow_control(w->wsi, 0);
    readers_add(w->all->readers, &w->reader, w->company, w->key, w->token_hash);
}

static void
on_attached(struct reader *r)
{
    struct websocket *w = lws_container_of(r, struct websocket, reader);
    bool              is_first = w->verified_ms == 0;

    w->verified_ms = clock_now().boot_ms;
    (void)snprintf(w->company, sizeof(w->company), "%s", r->company); /* fits */
    if (!is_first) return;
    say_ready(w);
    lws_rx_flow_control(w->wsi, 1);
}

static void
on_refused(struct reader *r, const struct err *error)
{
    struct websocket *w = lws_container_of(r, struct websocket, reader);

    if (error->code == E_UNAUTHENTICATED) w->all->counters->unauthenticated++;
    send_away(w, error);
}

static const struct reader_calls calls = {on_attached, on_refused, deliver, delta};

/* Whether the session is there is of no matter. */
static void
on_verified(void *arg, const struct err *error, struct view body)
{
    struct websocket *w = arg;

    (void)body;
    w->verifying = 0;
    if (error->code == E_UNAUTHENTICATED) w->all->counters->unauthenticated++;
    if (error->code && error->code != E_NOT_FOUND && error->code != E_BUSY) {
        send_away(w, error);
        return;
    }
    /* When agentd is away nobody could take the token back. */
    if (error->code != E_BUSY) w->verified_ms = clock_now().boot_ms;
    lws_callback_on_writable(w->wsi);
}

static void
verify(struct websocket *w)
{
    BUF_AUTO struct buf body = {0};
    struct mp_open_map  m = mp_open(&body);
    struct question     q = {.op = MSG_SESSION_SHOW,
                             .token_hash = view_str(w->token_hash),
                             .on_answer = on_verified,
                             .arg = w};
    struct err          e;

    if (w->verifying) return;
    put_session(w, "key", &body, &m);
    mp_close(&body, &m);
    q.body = buf_view(&body);
    w->verifying = client_ask(w->all->client, &q, &e);
    if (!w->verifying) end(w, CLOSE_LATER, "too much at a time");
}

/* ---- from the peer --------------------------------------------------------- */

static void
say_accepted(struct websocket *w, const char *id, struct view body)
{
    BUF_AUTO struct buf b = {0};

    websocket_text_accepted(&b, id, body);
    say(w, &b);
}

static void
on_answer(struct websocket_requests *rs, const struct websocket_request *r, const struct err *error,
          struct view body)
{
    struct websocket *w = lws_container_of(rs, struct websocket, requests);

    if (error->code) {
        say_error(w, error, r->id);
        if (error->code == E_UNAUTHENTICATED) {
            end(w, LWS_CLOSE_STATUS_POLICY_VIOLATION, errc_wire(error->code));
        }
    } else if (r->op == MSG_EFFECT_ACK) {
        if (w->effect == r->effect) w->effect = 0;
    } else {
        w->all->counters->messages++;
        say_accepted(w, r->id, body);
    }
}

/* id: the peer's for its message, at most 64 bytes. */
static void
ask(struct websocket *w, enum msg_id op, const struct buf *body, struct view id, uint64_t effect)
{
    const struct question q = {
        .op = op, .body = buf_view(body), .request_id = id, .token_hash = view_str(w->token_hash)};
    struct err e;

    if (websocket_requests_ask(&w->requests, &q, effect, &e)) {
        FREE_AUTO char *text = view_dup(id);

        say_error(w, &e, text);
    }
}

static void
on_message(struct websocket *w, const struct websocket_message *said)
{
    static const char *const passed_on[] = {"content", "metadata", "agent"};
    BUF_AUTO struct buf      body = {0};
    struct mp_open_map       m = mp_open(&body);
    struct view              value;

    put_session(w, "key", &body, &m);
    for (size_t i = 0; i < ARRAY_LEN(passed_on); i++) {
        if (mp_find(buf_view(&said->packed), passed_on[i], &value))
            mp_put_raw(&body, &m, passed_on[i], value);
    }
    mp_close(&body, &m);
    ask(w, MSG_SESSION_SEND, &body, view_str(said->id), 0);
}

static void
on_ack(struct websocket *w, uint64_t effect)
{
    BUF_AUTO struct buf body = {0};
    struct mp_open_map  m = mp_open(&body);

    mp_put_u64(&body, &m, "id", effect);
    put_session(w, "session", &body, &m);
    mp_close(&body, &m);
    ask(w, MSG_EFFECT_ACK, &body, (struct view){0}, effect);
}

static void
on_auth(struct websocket *w, struct view token)
{
    struct err e;

    if (w->token_hash[0]) {
        err_set(&e, E_BAD_REQUEST, "a token was shown already");
        say_error(w, &e, "");
    } else if (auth_hash(token, w->token_hash)) {
        attach(w);
    } else {
        w->all->counters->unauthenticated++;
        end(w, LWS_CLOSE_STATUS_POLICY_VIOLATION, "unauthenticated");
    }
}

static bool
is_too_fast(struct websocket *w)
{
    int64_t now_ms = clock_now().boot_ms;

    if (now_ms - w->window_ms >= WINDOW_MS) {
        w->window_ms = now_ms;
        w->messages = 0;
    }
    return ++w->messages > MESSAGES_MAX;
}

static void
take(struct websocket *w, const struct websocket_message *m)
{
    switch (m->kind) {
    case KIND_AUTH: on_auth(w, m->token); return;
    case KIND_MESSAGE: on_message(w, m); return;
    case KIND_ACK: on_ack(w, m->effect); return;
    case KIND_NONE:
    case KIND_COUNT: return; /* refused before */
    }
}

static void
on_text(struct websocket *w, struct view text)
{
    struct websocket_message m;
    struct err               e;

    if (is_too_fast(w)) {
        end(w, LWS_CLOSE_STATUS_POLICY_VIOLATION, "too many messages");
        return;
    }
    enum errc failed = websocket_message_read(text, &m, &e);
    if (m.kind != KIND_AUTH && !w->token_hash[0]) {
        end(w, LWS_CLOSE_STATUS_POLICY_VIOLATION, "unauthenticated");
    } else if (failed) {
        say_error(w, &e, m.id);
    } else {
        take(w, &m);
    }
    websocket_message_done(&m);
}

/* ---- a connection's callbacks ---------------------------------------------- */

static bool
hang_up(struct websocket *w, int code, const char *reason)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "%s", reason); /* cut to fit */
    lws_close_reason(w->wsi, (enum lws_close_status)code, (unsigned char *)text, strlen(text));
    return false;
}

bool
websocket_on_open(struct websockets *all, struct websocket **out, struct lws *wsi)
{
    struct http_request request;
    struct refusal      no;

    if (!request_read_upgrade(intake_head(wsi), all->guard, all->counters, &request, &no))
        return false;
    struct websocket *w = xcalloc(1, sizeof(*w));
    *out = w;
    w->all = all;
    w->wsi = wsi;
    w->reader.calls = &calls;
    websocket_queue_init(&w->queue, &all->queues);
    w->requests = (struct websocket_requests){.client = all->client, .on_answer = on_answer};
    w->key = xstrdup(request.session);
    memcpy(w->token_hash, request.token_hash, sizeof(w->token_hash));
    (void)snprintf(w->company, sizeof(w->company), "%s", request.company); /* fits */
    all->count++;
    intake_forget(wsi);
    if (w->token_hash[0]) {
        attach(w);
    } else {
        lws_set_timer_usecs(wsi, AUTH_SECONDS * LWS_US_PER_SEC);
    }
    return true;
}

bool
websocket_on_data(struct websocket *w, struct view part)
{
    if (w->code) return true; /* its end is on the way */
    if (lws_frame_is_binary(w->wsi)) {
        end(w, LWS_CLOSE_STATUS_UNACCEPTABLE_OPCODE, "only text");
        return true;
    }
    if (w->in.size + part.size + lws_remaining_packet_payload(w->wsi) > WEBSOCKET_MESSAGE_MAX) {
        end(w, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, "at most 64 KiB");
        return true;
    }
    buf_add_view(&w->in, part);
    if (!lws_is_final_fragment(w->wsi) || lws_remaining_packet_payload(w->wsi)) return true;
    on_text(w, buf_view(&w->in));
    buf_done(&w->in); /* thousands of them are idle */
    return true;
}

bool
websocket_on_writable(struct websocket *w)
{
    if (w->verifying && !w->code) return true;
    if (w->queue.first && w->code != CLOSE_LATER) {
        bool is_good = websocket_queue_write(&w->queue, w->wsi);

        if (w->code) lws_callback_on_writable(w->wsi);
        return is_good;
    }
    return w->code ? hang_up(w, w->code, w->reason) : true;
}

bool
websocket_on_timer(struct websocket *w)
{
    if (w->token_hash[0]) return true;
    return hang_up(w, LWS_CLOSE_STATUS_POLICY_VIOLATION, "unauthenticated");
}

void
websocket_on_close(struct websocket **p)
{
    struct websocket *w = *p;

    if (!w) return;
    readers_remove(w->all->readers, &w->reader);
    if (w->verifying) client_forget(w->all->client, w->verifying);
    websocket_requests_done(&w->requests);
    w->all->count--;
    websocket_queue_done(&w->queue);
    buf_done(&w->in);
    free(w->key);
    free(w);
    *p = NULL;
}
