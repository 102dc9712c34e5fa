/* What clients may ask, what waits, and what bad or greedy ones can do to the others: nothing. */
#include "common/mp.h"
#include "tests/system/chance.h"
#include "tests/system/daemon_case.h"
#include <inttypes.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#define IN_FLIGHT 512 /* requests without a reply, of one client */

static void
start_and_connect(void)
{
    daemon_start(&d, "--set", "workers.count=1", NULL);
    client_open(&c, &d);
}

/* ---- waits --------------------------------------------------------------------------------- */

static void
a_wait_ends_with_the_job_or_says_pending(void **state)
{
    char body[96];

    (void)state;
    start_and_connect();
    uint64_t job = must_submit(&c, "{\"handler\":\"sleep\",\"payload\":{\"ms\":600000}}");
    (void)snprintf(body, sizeof(body), "{\"id\":%" PRIu64 ",\"wait_ms\":30}", job);
    (void)must(&c, MSG_JOB_WAIT, body);
    assert_string_equal(value_at(&c, "pending"), "true");
    (void)snprintf(body, sizeof(body), "{\"id\":%" PRIu64 ",\"wait_ms\":20000}", job);
    uint64_t wait = send_request(&c, MSG_JOB_WAIT, body);
    expect_reply(&c, MSG_STATUS, "{}", "control.waiting", "1");
    (void)snprintf(body, sizeof(body), "{\"id\":%" PRIu64 "}", job);
    (void)send_request(&c, MSG_JOB_CANCEL, body); /* its reply is passed over */
    assert_int_equal(take_reply(&c, wait), E_OK);
    assert_string_equal(value_at(&c, "pending"), "false");
    assert_string_equal(value_at(&c, "state"), "\"cancelled\"");
    stop_and_leave();
}

static void
waits_are_answered_by_a_stop(void **state)
{
    (void)state;
    start_and_connect();
    (void)must_submit(&c, "{\"handler\":\"noop\",\"delay_ms\":600000}");
    uint64_t wait = send_request(&c, MSG_JOB_WAIT, "{\"id\":1,\"wait_ms\":25000}");
    expect_reply(&c, MSG_STATUS, "{}", "control.waiting", "1");
    daemon_signal(&d, SIGTERM);
    assert_int_equal(take_reply(&c, wait), E_OK);
    assert_string_equal(value_at(&c, "pending"), "true");
    assert_int_equal(daemon_wait(&d), 0);
    client_close(&c);
}

static void
a_feed_reader_hears_what_comes_while_it_waits(void **state)
{
    char  endpoint[128];
    char  bell[256];
    void *sub;
    int   wait_ms = DAEMON_WAIT_MS;
    int   size;

    (void)state;
    start_and_connect();
    sub = zmq_socket(c.zmq, ZMQ_SUB);
    assert_non_null(sub);
    assert_int_equal(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "", 0), 0);
    assert_int_equal(zmq_setsockopt(sub, ZMQ_RCVTIMEO, &wait_ms, sizeof(wait_ms)), 0);
    (void)snprintf(endpoint, sizeof(endpoint), "ipc://%s/feed.sock", d.run);
    assert_int_equal(zmq_connect(sub, endpoint), 0);
    uint64_t read = send_request(&c, MSG_FEED_READ, "{\"topic\":\"job.\",\"wait_ms\":20000}");
    expect_reply(&c, MSG_STATUS, "{}", "control.waiting", "1");
    (void)send_request(&c, MSG_JOB_SUBMIT, "{\"handler\":\"noop\"}");
    assert_int_equal(take_reply(&c, read), E_OK);
    assert_string_not_equal(value_at(&c, "items.0.type"), "");

    /* The subscription may be late for some rings, never for all of a stream of them. */
    for (size = -1; size < 0;) {
        (void)must_submit(&c, "{\"handler\":\"noop\"}");
        size = zmq_recv(sub, bell, sizeof(bell), ZMQ_DONTWAIT);
        daemon_nap();
    }
    int64_t last = 0;
    assert_true(mp_find_i64(view_of(bell, (size_t)size), "last_seq", &last));
    assert_true(last > 0);
    assert_int_equal(zmq_close(sub), 0);
    stop_and_leave();
}

/* ---- the daemon's own operations ----------------------------------------------------------- */

static void
a_reload_applies_the_difference_or_nothing(void **state)
{
    (void)state;
    daemon_write_config(&d, "workers:\n  count: 1\n");
    daemon_start(&d, NULL);
    client_open(&c, &d);
    daemon_write_config(&d, "workers:\n  count: 2\ndaemon:\n  map_size: 1G\n"
                            "handlers:\n  new: {kind: echo}\n");
    (void)must(&c, MSG_RELOAD, "{\"dry_run\":true}");
    assert_string_equal(value_at(&c, "applied"), "false");
    assert_string_equal(value_at(&c, "plan.0.name"), "\"new\"");
    must_refuse(&c, MSG_JOB_SUBMIT, "{\"handler\":\"new\"}", E_NOT_FOUND);
    (void)must(&c, MSG_RELOAD, "{}");
    assert_string_equal(value_at(&c, "applied"), "true");
    assert_string_equal(value_at(&c, "settings.0.setting"), "\"daemon.map_size\"");
    assert_string_equal(value_at(&c, "settings.0.needs_restart"), "true");
    assert_string_equal(value_at(&c, "settings.1.setting"), "\"workers.count\"");
    assert_string_equal(value_at(&c, "settings.1.from"), "1");
    assert_string_equal(value_at(&c, "settings.1.to"), "2");
    expect_reply(&c, MSG_STATUS, "{}", "workers.live", "2");
    (void)must_submit(&c, "{\"handler\":\"new\"}");
    daemon_write_config(&d, "workers:\n  count: 3\nhandlers:\n  new: {kind: nonsense}\n");
    must_refuse(&c, MSG_RELOAD, "{}", E_BAD_REQUEST);
    assert_non_null(strstr(c.error.msg, "agentd.yaml:4:"));
    (void)must(&c, MSG_STATUS, "{}");
    assert_string_equal(value_at(&c, "workers.wanted"), "2");
    (void)must_submit(&c, "{\"handler\":\"new\"}");
    stop_and_leave();
}

static void
logs_of_a_job_come_in_pieces(void **state)
{
    char body[96];

    (void)state;
    daemon_write_config(&d, "handlers:\n  talk: {kind: exec, command: [/bin/sh, -c, "
                            "\"i=0; while [ $i -lt 3000 ]; do echo line $i of many öä; "
                            "i=$((i+1)); done\"]}\n");
    start_and_connect();
    must_refuse(&c, MSG_JOB_LOGS, "{\"id\":1}", E_NOT_FOUND);
    uint64_t job = must_submit(&c, "{\"handler\":\"talk\"}");
    expect_job(&c, job, "state", "\"completed\"");
    int64_t offset = 0, size = 1, pieces = 0;
    for (; offset < size; pieces++) {
        (void)snprintf(body, sizeof(body), "{\"id\":%" PRIu64 ",\"offset\":%" PRId64 "}", job,
                       offset);
        (void)must(&c, MSG_JOB_LOGS, body);
        assert_null(strstr(value_at(&c, "text"), "\xef\xbf\xbd")); /* no character is cut */
        assert_string_equal(value_at(&c, "ended"), "true");
        assert_true(number_at(&c, "offset") > offset);
        offset = number_at(&c, "offset");
        size = number_at(&c, "size");
    }
    assert_true(pieces > 1);
    assert_int_equal(offset, size);
    stop_and_leave();
}

static void
fsck_finds_a_sound_store(void **state)
{
    (void)state;
    start_and_connect();
    for (int i = 0; i < 20; i++)
        (void)must_submit(&c, "{\"handler\":\"echo\",\"payload\":[1,2,3]}");
    (void)must(&c, MSG_FSCK, "{}");
    assert_string_equal(value_at(&c, "ok"), "true");
    assert_true(number_at(&c, "rows") > 20);
    assert_string_equal(value_at(&c, "problems"), "[]");
    stop_and_leave();
}

/* Full, and nothing grows: there is nothing to cancel the check for (N8). */
static void
fsck_works_on_a_full_store(void **state)
{
    FREE_AUTO char *body = xasprintf("{\"handler\":\"noop\",\"delay_ms\":600000,"
                                     "\"payload\":\"%0200000d\"}",
                                     0);
    enum errc       code = E_OK;

    (void)state;
    daemon_write_config(&d, "daemon: {map_size: 8M, reserve_floor: 1M}\n");
    start_and_connect();
    for (int i = 0; i < 100 && code == E_OK; i++)
        code = take_reply(&c, send_request(&c, MSG_JOB_SUBMIT, body));
    assert_int_equal(code, E_STORE_FULL);
    (void)must(&c, MSG_FSCK, "{}");
    assert_string_equal(value_at(&c, "ok"), "true");
    stop_and_leave();
}

static void
a_req_socket_gets_its_delimiter_back(void **state)
{
    BUF_AUTO struct buf body = {0};
    BUF_AUTO struct buf frame = {0};
    char                endpoint[128];
    char                reply[4096];
    int                 wait_ms = DAEMON_WAIT_MS;

    (void)state;
    start_and_connect();
    void *req = zmq_socket(c.zmq, ZMQ_REQ);
    assert_non_null(req);
    assert_int_equal(zmq_setsockopt(req, ZMQ_RCVTIMEO, &wait_ms, sizeof(wait_ms)), 0);
    (void)snprintf(endpoint, sizeof(endpoint), "ipc://%s/agentd.sock", d.run);
    assert_int_equal(zmq_connect(req, endpoint), 0);
    mp_map(&body, 0);
    request_pack(9, MSG_PING, buf_view(&body), view_of(NULL, 0), &frame);
    assert_true(zmq_send(req, frame.data, frame.size, 0) > 0);
    int size = zmq_recv(req, reply, sizeof(reply), 0);
    assert_true(size > 0);
    uint64_t    id = 0;
    struct view got;
    struct err  e;
    assert_int_equal(reply_open(view_of(reply, (size_t)size), &id, &got, &e), E_OK);
    assert_int_equal(id, 9);
    assert_int_equal(zmq_close(req), 0);
    stop_and_leave();
}

/* ---- rights -------------------------------------------------------------------------------- */

/* What an unprivileged user is answered; in a process of its own. */
static int
ask_as_nobody(void)
{
    struct client other;
    enum errc     codes[3];

    if (setgid(65534) || setuid(65534)) return 101;
    client_open(&other, &d);
    codes[0] = ask(&other, MSG_STATUS, "{}");
    codes[1] = ask(&other, MSG_JOB_SUBMIT, "{\"handler\":\"noop\"}");
    codes[2] = ask(&other, MSG_WORKER_SCALE, "{\"count\":1}");
    client_close(&other);
    for (int i = 0; i < 3; i++) {
        if (codes[i] != E_OK && codes[i] != E_DENIED && codes[i] != E_UNAUTHENTICATED) return 102;
    }
    if (codes[0] == E_UNAUTHENTICATED && codes[1] == codes[0] && codes[2] == codes[0]) return 0;
    return codes[0] == E_OK && codes[2] == E_DENIED ? (codes[1] == E_OK ? 2 : 1) : 103;
}

static int
role_of_nobody(void)
{
    int   status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) _exit(ask_as_nobody());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void
open_the_doors(void)
{
    char path[128];

    assert_int_equal(chmod(d.folder, 0755), 0);
    assert_int_equal(chmod(d.run, 0755), 0);
    (void)snprintf(path, sizeof(path), "%s/agentd.sock", d.run);
    assert_int_equal(chmod(path, 0666), 0);
}

static mode_t
mode_of_socket(void)
{
    char        path[128];
    struct stat st;

    (void)snprintf(path, sizeof(path), "%s/agentd.sock", d.run);
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 0777;
}

static void
roles_follow_from_the_groups_of_the_user(void **state)
{
    (void)state;
    if (geteuid() != 0) skip();
    start_and_connect();
    open_the_doors();
    assert_int_equal(role_of_nobody(), 0); /* no role, whoever gets through the folder */
    stop_and_leave();
    assert_int_equal(chmod(d.run, 0750), 0);

    daemon_write_config(&d, "daemon:\n  view_group: nogroup\n");
    daemon_start(&d, NULL);
    client_open(&c, &d);
    assert_int_equal(chmod(d.folder, 0755), 0);
    assert_int_equal(role_of_nobody(), 1); /* the run folder and the socket are open to the group */
    daemon_write_config(&d, "daemon:\n  submit_group: nogroup\n");
    (void)must(&c, MSG_RELOAD, "{}");
    assert_int_equal(role_of_nobody(), 2);
    (void)must(&c, MSG_WORKER_SCALE, "{\"count\":1}"); /* we are root */
    daemon_write_config(&d, "daemon:\n  submit_group: no-such-group\n");
    (void)must(&c, MSG_RELOAD, "{}");
    assert_non_null(strstr(value_at(&c, "warnings.0"), "no-such-group"));
    assert_string_equal(value_at(&c, "warnings.1"), "");
    assert_int_equal(mode_of_socket(), 0600);
    stop_and_leave();
}

/* ---- greed --------------------------------------------------------------------------------- */

static void
a_client_has_so_many_requests_in_flight(void **state)
{
    struct client other;

    (void)state;
    start_and_connect();
    (void)must_submit(&c, "{\"handler\":\"noop\",\"delay_ms\":600000}");
    for (int i = 0; i < IN_FLIGHT; i++)
        (void)send_request(&c, MSG_JOB_WAIT, "{\"id\":1,\"wait_ms\":20000}");
    assert_int_equal(ask(&c, MSG_PING, "{}"), E_BUSY);
    /* Others are served, and so is it once its waits are over. */
    client_open(&other, &d);
    (void)must(&other, MSG_STATUS, "{}");
    assert_int_equal(number_at(&other, "control.waiting"), IN_FLIGHT);
    (void)must(&other, MSG_JOB_CANCEL, "{\"id\":1}");
    expect_reply(&other, MSG_STATUS, "{}", "control.waiting", "0");
    (void)must(&c, MSG_PING, "{}");
    client_close(&other);
    stop_and_leave();
}

/* A client that asks and asks and never reads a reply. */
static void
one_that_never_reads_harms_nobody(void **state)
{
    struct client other;
    int64_t       end = daemon_now_ms() + DAEMON_WAIT_MS;

    (void)state;
    start_and_connect();
    for (int i = 0; i < 50; i++)
        (void)must_submit(&c, "{\"handler\":\"noop\",\"title\":\"a title of some length\"}");
    client_open(&other, &d);
    do {
        for (int i = 0; i < IN_FLIGHT / 2; i++)
            (void)send_request(&other, MSG_JOB_LIST, "{\"limit\":1000}");
        (void)must(&c, MSG_STATUS, "{}");
        if (daemon_now_ms() >= end) daemon_fail(&d, "no reply is ever dropped");
    } while (number_at(&c, "control.replies_dropped") == 0);
    (void)must(&c, MSG_PING, "{}");
    client_close(&other);
    (void)must(&c, MSG_PING, "{}");
    stop_and_leave();
}

static int
connect_raw(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int                fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s/agentd.sock", d.run);
    if (connect(fd, (struct sockaddr *)&a, sizeof(a))) daemon_fail(&d, "nobody accepts");
    return fd;
}

static void
a_flood_of_connections_is_shed(void **state)
{
    enum { AT_ONCE = 500 };
    int     fds[AT_ONCE];
    int64_t total = env_number("FLOOD", 2000);

    (void)state;
    d.files_max = 256;
    start_and_connect();
    (void)must(&c, MSG_PING, "{}");
    for (int64_t done = 0; done < total; done += AT_ONCE) {
        for (int i = 0; i < AT_ONCE; i++)
            fds[i] = connect_raw();
        (void)must(&c, MSG_PING, "{}"); /* who is connected is served meanwhile */
        for (int i = 0; i < AT_ONCE; i++)
            assert_int_equal(close(fds[i]), 0);
    }
    expect_at_least(&c, MSG_STATUS, "{}", "control.connections_shed", 1);
    client_close(&c);
    client_open(&c, &d); /* and who comes afterwards */
    (void)must(&c, MSG_PING, "{}");
    stop_and_leave();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_wait_ends_with_the_job_or_says_pending, make, clear),
        cmocka_unit_test_setup_teardown(waits_are_answered_by_a_stop, make, clear),
        cmocka_unit_test_setup_teardown(a_feed_reader_hears_what_comes_while_it_waits, make, clear),
        cmocka_unit_test_setup_teardown(a_reload_applies_the_difference_or_nothing, make, clear),
        cmocka_unit_test_setup_teardown(logs_of_a_job_come_in_pieces, make, clear),
        cmocka_unit_test_setup_teardown(fsck_finds_a_sound_store, make, clear),
        cmocka_unit_test_setup_teardown(fsck_works_on_a_full_store, make, clear),
        cmocka_unit_test_setup_teardown(a_req_socket_gets_its_delimiter_back, make, clear),
        cmocka_unit_test_setup_teardown(roles_follow_from_the_groups_of_the_user, make, clear),
        cmocka_unit_test_setup_teardown(a_client_has_so_many_requests_in_flight, make, clear),
        cmocka_unit_test_setup_teardown(one_that_never_reads_harms_nobody, make, clear),
        cmocka_unit_test_setup_teardown(a_flood_of_connections_is_shed, make, clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
