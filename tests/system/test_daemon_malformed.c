/* Whatever bytes come to the control socket and the report socket: the right error, no change.
 *
 * MALFORMED messages (20,000) from the seed SEED (1), which is printed. */
#include "common/mp.h"
#include "tests/system/chance.h"
#include "tests/system/daemon.h"
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include <cmocka.h>

#define AT_ONCE 32 /* messages on their way, below what a client may have in flight */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define IS_MEMORY_KEPT_BACK 1 /* what is freed stays for a while, to catch its use */
#endif
#endif
#ifndef IS_MEMORY_KEPT_BACK
#define IS_MEMORY_KEPT_BACK 0
#endif
#define RSS_GROWTH_KB 16384

static struct daemon d;
static struct client c;

static int
make(void **state)
{
    (void)state;
    daemon_make(&d);
    daemon_start(&d, "--set", "workers.count=1", "--set", "log.level=error", NULL);
    client_open(&c, &d);
    expect_reply(&c, MSG_WORKER_LIST, "{}", "items.0.state", "\"up\""); /* no change to come */
    return 0;
}

static int
clear(void **state)
{
    (void)state;
    daemon_remove(&d);
    return 0;
}

/* ---- messages ------------------------------------------------------------------------------ */

/* Requests that are whole and change nothing: what they name is not there. */
static const struct {
    enum msg_id op;
    const char *body;
} whole[] = {
    {MSG_JOB_SUBMIT,   "\x82\xa7handler\xa6nobody\xa7payload\x93\x01\x02\x03"  },
    {MSG_JOB_CANCEL,   "\x81\xa2id\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"        },
    {MSG_JOB_LIST,     "\x82\xa5limit\x0a\xa5state\xa5ready"                   },
    {MSG_SCHEDULE_ADD, "\x83\xa4name\xa1s\xa4"
                       "cron\xa5never\xa7handler\xa4noop"},
    {MSG_JOB_WAIT,     "\x82\xa2id\x01\xa7wait_ms\x05"                         },
    {MSG_FEED_READ,    "\x81\xa5limit\x01"                                     },
    {MSG_PING,         "\x80"                                                  },
};

static void
add_whole(struct buf *out)
{
    size_t i = random_below(ARRAY_LEN(whole));

    request_pack(random_below(1000) + 1, whole[i].op, view_str(whole[i].body), view_of(NULL, 0),
                 out);
}

static void
add_noise(struct buf *out)
{
    for (size_t size = random_below(200); size > 0; size--) {
        char byte = (char)random_below(256);

        buf_add(out, &byte, 1);
    }
}

static void
mutate(struct buf *b)
{
    for (uint64_t n = 1 + random_below(4); n > 0 && b->size > 0; n--) {
        switch (random_below(3)) {
        case 0: b->data[random_below(b->size)] = (char)random_below(256); break;
        case 1: b->data[random_below(b->size)] ^= (char)(1 << random_below(8)); break;
        default: b->size = random_below(b->size) + 1;
        }
    }
}

static void
add_deep(struct buf *out)
{
    for (uint64_t depth = random_below(100); depth > 0; depth--)
        buf_add_str(out, "\x81\xa1v");
    buf_add_str(out, "\x01");
}

static void
add_huge_claim(struct buf *out)
{
    static const char *const claims[] = {"\xdd\xff\xff\xff\xff", "\xdf\x7f\xff\xff\xff",
                                         "\xdb\x7f\xff\xff\xff", "\xc6\x7f\xff\xff\xff"};

    if (random_below(2)) buf_add_str(out, "\x81\xa1v");
    buf_add_str(out, claims[random_below(ARRAY_LEN(claims))]);
    add_noise(out);
}

static void
add_twice(struct buf *out)
{
    buf_add_str(out, "\x85\xa1v\x01\xa2id\x01\xa2op\xa4ping\xa2op\xa4ping\xa4"
                     "body\x80");
}

static void
generate(struct buf *out)
{
    buf_clear(out);
    switch (random_below(8)) {
    case 0: add_noise(out); break;
    case 1: add_deep(out); break;
    case 2: add_huge_claim(out); break;
    case 3: add_twice(out); break;
    case 4: add_whole(out); break;
    default: add_whole(out); mutate(out);
    }
}

/* One frame mostly, else up to 12. */
static void
send_one(struct buf *frame)
{
    uint64_t frames = random_below(10) ? 1 : 1 + random_below(12);

    for (uint64_t i = 0; i < frames; i++) {
        generate(frame);
        int flags = i + 1 < frames ? ZMQ_SNDMORE : 0;
        assert_true(zmq_send(c.socket, frame->data, frame->size, flags) >= 0);
    }
}

/* A reply, whole, granted or refused for the client's own fault. */
static void
take_one(void)
{
    zmq_msg_t   m;
    uint64_t    id;
    struct view body;
    struct err  e = {0};

    (void)zmq_msg_init(&m);
    zmq_pollitem_t item = {.socket = c.socket, .events = ZMQ_POLLIN};
    if (zmq_poll(&item, 1, DAEMON_WAIT_MS) != 1) daemon_fail(&d, "no reply");
    assert_true(zmq_msg_recv(&m, c.socket, 0) >= 0);
    while (zmq_msg_more(&m)) /* an empty first frame makes it look like a REQ socket's */
        assert_true(zmq_msg_recv(&m, c.socket, 0) >= 0);
    enum errc code = reply_open(view_of(zmq_msg_data(&m), zmq_msg_size(&m)), &id, &body, &e);
    if (code == E_INTERNAL || code == E_DAMAGED) daemon_fail(&d, "%s", e.msg);
    (void)zmq_msg_close(&m);
}

static int64_t
rss_kb(void)
{
    char    path[64];
    char    line[128];
    int64_t kb = 0;

    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)d.pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        if (strncmp(line, "RssAnon:", 8) == 0) kb = strtoll(line + 8, NULL, 10);
    }
    assert_int_equal(fclose(file), 0);
    assert_true(kb > 0);
    return kb;
}

static char *
state_hash(void)
{
    (void)must(&c, MSG_STATUS, "{}");
    return xstrdup(value_at(&c, "state_hash"));
}

/* ---- tests --------------------------------------------------------------------------------- */

static void
malformed_requests_change_nothing(void **state)
{
    BUF_AUTO struct buf frame = {0};
    FREE_AUTO char     *before = state_hash();
    int64_t             kb = rss_kb();
    int64_t             total = env_number("MALFORMED", 20000);
    unsigned            open = 0;

    (void)state;
    random_state = (uint64_t)env_number("SEED", 1);
    print_message("seed %" PRIu64 "\n", random_state);
    for (int64_t i = 0; i < total; i++) {
        send_one(&frame);
        open++;
        for (; open >= AT_ONCE || (open > 0 && i + 1 == total); open--)
            take_one();
    }
    FREE_AUTO char *after = state_hash();
    assert_string_equal(before, after);
    if (!IS_MEMORY_KEPT_BACK && rss_kb() - kb >= RSS_GROWTH_KB)
        daemon_fail(&d, "grew from %" PRId64 " kB", kb);
    client_close(&c);
    daemon_stop(&d);
}

static void
oversized_requests_are_told_so_or_cut_off(void **state)
{
    size_t      size = CLIENT_MESSAGE_MAX + 1;
    char       *bytes = xcalloc(1, 2 * size);
    uint64_t    id;
    struct view body;
    struct err  e;
    char        reply[1024];
    int         wait_ms = DAEMON_WAIT_MS;

    (void)state;
    assert_int_equal(zmq_setsockopt(c.socket, ZMQ_RCVTIMEO, &wait_ms, sizeof(wait_ms)), 0);
    assert_int_equal(zmq_send(c.socket, bytes, size, 0), size);
    int got = zmq_recv(c.socket, reply, sizeof(reply), 0);
    assert_true(got > 0);
    assert_int_equal(reply_open(view_of(reply, (size_t)got), &id, &body, &e), E_TOO_LARGE);
    assert_int_equal(zmq_send(c.socket, bytes, 2 * size, 0), 2 * size);
    free(bytes);
    client_close(&c); /* that connection is gone */
    client_open(&c, &d);
    (void)must(&c, MSG_PING, "{}");
    client_close(&c);
    daemon_stop(&d);
}

/* To the workers' socket, by a process that is no worker. */
static void
reports_of_strangers_are_dropped(void **state)
{
    BUF_AUTO struct buf frame = {0};
    FREE_AUTO char     *before = state_hash();
    char                endpoint[128];
    void               *push = zmq_socket(c.zmq, ZMQ_PUSH);
    int                 linger_ms = 1000;

    (void)state;
    random_state = (uint64_t)env_number("SEED", 1);
    assert_non_null(push);
    assert_int_equal(zmq_setsockopt(push, ZMQ_LINGER, &linger_ms, sizeof(linger_ms)), 0);
    (void)snprintf(endpoint, sizeof(endpoint), "ipc://%s/reports.sock", d.run);
    assert_int_equal(zmq_connect(push, endpoint), 0);
    for (int i = 0; i < 1000; i++) {
        generate(&frame);
        int flags = random_below(4) == 0 && i < 999 ? ZMQ_SNDMORE : 0;
        assert_true(zmq_send(push, frame.data, frame.size, flags) >= 0);
    }
    expect_at_least(&c, MSG_STATUS, "{}", "control.reports_dropped", 600);
    FREE_AUTO char *after = state_hash();
    assert_string_equal(before, after);
    assert_int_equal(number_at(&c, "workers.died"), 0);
    assert_int_equal(zmq_close(push), 0);
    client_close(&c);
    daemon_stop(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(malformed_requests_change_nothing, make, clear),
        cmocka_unit_test_setup_teardown(oversized_requests_are_told_so_or_cut_off, make, clear),
        cmocka_unit_test_setup_teardown(reports_of_strangers_are_dropped, make, clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
