#include "common/json.h"
#include "common/mp.h"
#include "tests/system/daemon.h"
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include <cmocka.h>

void
client_open(struct client *c, const struct daemon *d)
{
    char endpoint[128];
    int  zero = 0;

    *c = (struct client){.d = d, .zmq = zmq_ctx_new()};
    c->socket = zmq_socket(c->zmq, ZMQ_DEALER);
    assert_non_null(c->socket);
    (void)snprintf(endpoint, sizeof(endpoint), "ipc://%s/agentd.sock", d->run);
    assert_int_equal(zmq_setsockopt(c->socket, ZMQ_LINGER, &zero, sizeof(zero)), 0);
    assert_int_equal(zmq_connect(c->socket, endpoint), 0);
}

void
client_close(struct client *c)
{
    assert_int_equal(zmq_close(c->socket), 0);
    assert_int_equal(zmq_ctx_term(c->zmq), 0);
    buf_done(&c->body);
    buf_done(&c->json);
}

uint64_t
send_request(struct client *c, enum msg_id op, const char *body)
{
    BUF_AUTO struct buf packed = {0};
    BUF_AUTO struct buf frame = {0};
    struct err          e;

    if (json_to_mp(view_str(body), &packed, &e)) daemon_fail(c->d, "%s: %s", body, e.msg);
    request_pack(++c->id, op, buf_view(&packed), view_of(NULL, 0), &frame);
    if (zmq_send(c->socket, frame.data, frame.size, 0) < 0) daemon_fail(c->d, "cannot send");
    return c->id;
}

/* Keeps the body of a reply; views do not outlive the frame. */
static enum errc
open_reply(struct client *c, struct view frame, uint64_t *id)
{
    struct view body;
    struct err  e;

    buf_clear(&c->body);
    buf_clear(&c->json);
    if (reply_open(frame, id, &body, &c->error)) return c->error.code;
    buf_add_view(&c->body, body);
    if (json_from_mp(body, &c->json, &e)) daemon_fail(c->d, "reply: %s", e.msg);
    c->error.code = E_OK;
    return E_OK;
}

enum errc
take_reply(struct client *c, uint64_t id)
{
    int64_t end = daemon_now_ms() + DAEMON_WAIT_MS;

    for (;;) {
        zmq_pollitem_t item = {.socket = c->socket, .events = ZMQ_POLLIN};
        zmq_msg_t      m;
        uint64_t       got = 0;
        int64_t        left = end - daemon_now_ms();

        if (left <= 0 || zmq_poll(&item, 1, left) < 1) daemon_fail(c->d, "no reply");
        (void)zmq_msg_init(&m);
        if (zmq_msg_recv(&m, c->socket, 0) < 0) daemon_fail(c->d, "cannot receive");
        enum errc code = open_reply(c, view_of(zmq_msg_data(&m), zmq_msg_size(&m)), &got);
        (void)zmq_msg_close(&m);
        if (got == id) return code;
    }
}

enum errc
ask(struct client *c, enum msg_id op, const char *body)
{
    return take_reply(c, send_request(c, op, body));
}

const char *
must(struct client *c, enum msg_id op, const char *body)
{
    if (ask(c, op, body)) {
        daemon_fail(c->d, "%s %s: %s: %s", msg_desc(op)->op, body, errc_wire(c->error.code),
                    c->error.msg);
    }
    return buf_str(&c->json);
}

void
must_refuse(struct client *c, enum msg_id op, const char *body, enum errc code)
{
    enum errc got = ask(c, op, body);

    if (got != code) {
        daemon_fail(c->d, "%s %s: %s instead of %s: %s", msg_desc(op)->op, body, errc_wire(got),
                    errc_wire(code), got ? c->error.msg : buf_str(&c->json));
    }
}

uint64_t
must_submit(struct client *c, const char *body)
{
    (void)must(c, MSG_JOB_SUBMIT, body);
    return (uint64_t)number_at(c, "id");
}

/* ---- values -------------------------------------------------------------------------------- */

static bool
step(struct view *at, const char *name, size_t size)
{
    FREE_AUTO char *key = xstrndup(name, size);
    char           *end;
    unsigned long   index = strtoul(key, &end, 10);
    struct view     item;

    if (*end != '\0' || size == 0) return mp_find(*at, key, at);
    struct mp_reader r = mp_reader_of(*at);
    uint32_t         count;
    if (!mp_read_array(&r, &count) || index >= count) return false;
    for (unsigned long i = 0; i <= index; i++) {
        if (!mp_read_any(&r, &item)) return false;
    }
    *at = item;
    return true;
}

const char *
value_at(struct client *c, const char *path)
{
    struct view at = buf_view(&c->body);
    struct err  e;

    buf_clear(&c->json);
    while (*path) {
        size_t size = strcspn(path, ".");

        if (!step(&at, path, size)) return "";
        path += size + (path[size] == '.');
    }
    if (json_from_mp(at, &c->json, &e)) daemon_fail(c->d, "value: %s", e.msg);
    return buf_str(&c->json);
}

int64_t
number_at(struct client *c, const char *path)
{
    const char *text = value_at(c, path);
    char       *end;
    long long   v = strtoll(text, &end, 10);

    if (end == text || *end != '\0') daemon_fail(c->d, "%s is no number: '%s'", path, text);
    return v;
}

void
expect_reply(struct client *c, enum msg_id op, const char *body, const char *path,
             const char *value)
{
    int64_t end = daemon_now_ms() + DAEMON_WAIT_MS;

    for (;;) {
        (void)must(c, op, body);
        const char *got = value_at(c, path);
        if (strcmp(got, value) == 0) return;
        if (daemon_now_ms() >= end) {
            daemon_fail(c->d, "%s %s: %s stays %s, not %s", msg_desc(op)->op, body, path, got,
                        value);
        }
        daemon_nap();
    }
}

void
expect_job(struct client *c, uint64_t job, const char *path, const char *value)
{
    char body[64];

    (void)snprintf(body, sizeof(body), "{\"id\":%" PRIu64 "}", job);
    expect_reply(c, MSG_JOB_SHOW, body, path, value);
}

void
expect_at_least(struct client *c, enum msg_id op, const char *body, const char *path, int64_t least)
{
    int64_t end = daemon_now_ms() + DAEMON_WAIT_MS;

    for (;;) {
        (void)must(c, op, body);
        int64_t got = number_at(c, path);
        if (got >= least) return;
        if (daemon_now_ms() >= end) {
            daemon_fail(c->d, "%s stays %" PRId64 ", below %" PRId64, path, got, least);
        }
        daemon_nap();
    }
}
