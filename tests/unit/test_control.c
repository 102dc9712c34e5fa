#include "supervisor/control.h"
#include "supervisor/sockets.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zmq.h>

#include <cmocka.h>

#define WAIT_MS 20000

static void
ask(void *client, enum msg_id op)
{
    BUF_AUTO struct buf body = {0}, frame = {0};

    mp_map(&body, 0);
    request_pack(1, op, buf_view(&body), view_str(NULL), &frame);
    assert_true(zmq_send(client, frame.data, frame.size, 0) >= 0);
}

static struct asked *
take_one(struct control *c, struct inputs *q)
{
    struct asked *a = NULL;

    for (int waited = 0; !a && waited < WAIT_MS; waited += 10) {
        struct turn_budget budget = {.inputs = 1, .bytes = CLIENT_MESSAGE_MAX};
        struct pollfd      p = {.fd = control_fd(c), .events = POLLIN};

        (void)poll(&p, 1, 10);
        control_gather(c, q, &budget);
        a = control_take_reads(c);
    }
    return a;
}

static void
it_closes_with_a_request_that_has_no_reply_yet(void **state)
{
    char            dir[] = "/tmp/test_control.XXXXXX", path[64];
    struct roles    roles = {0};
    struct peers    peers = {.roles = &roles};
    struct inputs   q;
    struct control *c = NULL;
    struct err      e;
    int             zero = 0;

    (void)state;
    inputs_init(&q);
    assert_non_null(mkdtemp(dir));
    void *zmq = zmq_ctx_new(), *client = zmq_socket(zmq, ZMQ_DEALER);
    assert_int_equal(control_open(&c, zmq, dir, NO_GROUP, &peers, &e), E_OK);
    assert_int_equal(zmq_setsockopt(client, ZMQ_LINGER, &zero, sizeof(zero)), 0);
    (void)snprintf(path, sizeof(path), "ipc://%s/agentd.sock", dir);
    assert_int_equal(zmq_connect(client, path), 0);
    ask(client, MSG_FSCK); /* one whose answer takes its time */
    struct asked *a = take_one(c, &q);
    assert_non_null(a);
    assert_ptr_equal(control_find(c, a->tag), a);
    control_close(&c);
    assert_null(c);
    inputs_done(&q);
    (void)zmq_close(client);
    (void)zmq_ctx_term(zmq);
    (void)unlink(path + sizeof("ipc://") - 1);
    (void)rmdir(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_closes_with_a_request_that_has_no_reply_yet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
