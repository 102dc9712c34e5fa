/* The gateway's process: started, replaced, ended, and known as nobody else is (I2, N36).  This
 * program stands in for it: it says hello and goes on asking, or is silent. */
#include "proto/codec.h"
#include "tests/system/daemon_case.h"
#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static int
make_with_ours(void **state)
{
    char    self[512];
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);

    assert_true(size > 0);
    self[size] = '\0';
    assert_int_equal(setenv("AGENTD_GATEWAY", self, 1), 0);
    return make(state);
}

static void
start_and_connect(const char *hosts)
{
    FREE_AUTO char *setting = xasprintf("gateway.hosts=%s", hosts);

    daemon_start(&d, "--set", "gateway.user=root", "--set", setting, NULL);
    client_open(&c, &d);
    expect_reply(&c, MSG_STATUS, "{}", "gateway.state", "\"up\"");
}

static pid_t
gateway_pid(void)
{
    (void)must(&c, MSG_STATUS, "{}");
    return (pid_t)number_at(&c, "gateway.pid");
}

/* ---- the stand-in -------------------------------------------------------------------------- */

static void
say(void *dealer, enum msg_id op, const void *m)
{
    BUF_AUTO struct buf body = {0};
    BUF_AUTO struct buf frame = {0};

    msg_pack(msg_desc(op), m, &body);
    request_pack(1, op, buf_view(&body), view_of("", 0), &frame);
    (void)zmq_send(dealer, frame.data, frame.size, 0);
}

static void
wait_for_reply(void *dealer)
{
    zmq_msg_t reply;

    (void)zmq_msg_init(&reply);
    (void)zmq_msg_recv(&reply, dealer, 0);
    (void)zmq_msg_close(&reply);
}

static _Noreturn void
stand_in(const char *run_dir, const char *as)
{
    bool is_silent = strcmp(as, "silent") == 0;

    FREE_AUTO char                *endpoint = xasprintf("ipc://%s/agentd.sock", run_dir);
    const struct msg_gateway_hello hello = {.version = view_str("1")};
    const struct msg_ping          ping = {0};
    void                          *dealer = zmq_socket(zmq_ctx_new(), ZMQ_DEALER);

    if (strcmp(as, "broken") == 0) {
        (void)printf("it is \"broken\"\033\xff");
        exit(1);
    }
    (void)zmq_connect(dealer, endpoint);
    say(dealer, MSG_GATEWAY_HELLO, &hello);
    while (!is_silent) {
        wait_for_reply(dealer);
        (void)usleep(100000);
        say(dealer, MSG_PING, &ping);
    }
    for (;;)
        (void)pause();
}

/* ---- tests --------------------------------------------------------------------------------- */

static void
a_killed_gateway_is_replaced(void **state)
{
    (void)state;
    start_and_connect("some");
    pid_t pid = gateway_pid();
    assert_int_equal(kill(pid, SIGKILL), 0);
    expect_reply(&c, MSG_STATUS, "{}", "gateway.started", "2");
    expect_reply(&c, MSG_STATUS, "{}", "gateway.state", "\"up\"");
    assert_int_not_equal(gateway_pid(), pid);
    assert_string_equal(value_at(&c, "gateway.died"), "1");
    stop_and_leave();
}

static void
a_silent_gateway_is_killed_and_replaced(void **state)
{
    (void)state;
    start_and_connect("silent");
    expect_reply(&c, MSG_STATUS, "{}", "gateway.started", "2");
    assert_true(daemon_log_has(&d, "it is silent"));
    stop_and_leave();
}

static void
it_ends_with_agentd(void **state)
{
    (void)state;
    start_and_connect("some");
    pid_t pid = gateway_pid();
    stop_and_leave();
    assert_int_equal(kill(pid, 0), -1);
    assert_false(daemon_log_has(&d, "gateway killed"));
}

static void
a_reload_gives_it_other_settings(void **state)
{
    (void)state;
    daemon_write_config(&d, "gateway: {listen: '127.0.0.1:1', user: root}\n");
    start_and_connect("some");
    expect_reply(&c, MSG_STATUS, "{}", "gateway.listen", "\"127.0.0.1:1\"");
    daemon_write_config(&d, "gateway: {listen: '127.0.0.1:2', user: root}\n");
    (void)must(&c, MSG_RELOAD, "{}");
    expect_reply(&c, MSG_STATUS, "{}", "gateway.started", "2");
    expect_reply(&c, MSG_STATUS, "{}", "gateway.state", "\"up\"");
    assert_string_equal(value_at(&c, "gateway.listen"), "\"127.0.0.1:2\"");
    assert_string_equal(value_at(&c, "gateway.died"), "0");
    (void)must(&c, MSG_RELOAD, "{}"); /* of the same: it stays */
    daemon_write_config(&d, "gateway: {enabled: false}\n");
    stop_and_leave();
}

static void
a_reload_that_no_gateway_could_run_with_leaves_it_alone(void **state)
{
    static const char *const bad[][2] = {
        {"gateway: {listen: '127.0.0.1:2', user: root, page: /nonexistent}\n",
         "gateway.page: there is no folder /nonexistent: the gateway stays as it was"},
        {"gateway: {listen: '127.0.0.1:2', user: nobody-at-all}\n",
         "gateway.user: there is no user"                                            },
    };

    (void)state;
    if (geteuid() != 0) skip(); /* only root gives it a user */
    daemon_write_config(&d, "gateway: {listen: '127.0.0.1:1', user: root}\n");
    daemon_start(&d, NULL);
    client_open(&c, &d);
    expect_reply(&c, MSG_STATUS, "{}", "gateway.state", "\"up\"");
    pid_t pid = gateway_pid();
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        daemon_write_config(&d, bad[i][0]);
        (void)must(&c, MSG_RELOAD, "{}");
        assert_non_null(strstr(value_at(&c, "warnings"), bad[i][1]));
        assert_int_equal(gateway_pid(), pid);
        assert_string_equal(value_at(&c, "gateway.listen"), "\"127.0.0.1:1\"");
        assert_string_equal(value_at(&c, "gateway.state"), "\"up\"");
    }
    stop_and_leave();
}

static void
why_it_is_down_is_told_and_a_reload_tries_at_once(void **state)
{
    (void)state;
    daemon_write_config(&d, "gateway: {user: root, hosts: broken}\n");
    daemon_start(&d, NULL);
    client_open(&c, &d);
    expect_reply(&c, MSG_STATUS, "{}", "gateway.degraded", "true"); /* within 3 s */
    assert_string_equal(value_at(&c, "gateway.reason"), "\"it is \\\"broken\\\"??\"");
    assert_non_null(strstr(value_at(&c, "warnings"), "the gateway does not stay up: it is "));
    assert_true(daemon_log_has(&d, "reason=\"it is"));
    daemon_write_config(&d, "gateway: {user: root, hosts: some}\n");
    (void)must(&c, MSG_RELOAD, "{}");
    expect_reply(&c, MSG_STATUS, "{}", "gateway.reason", "null"); /* not a minute later */
    assert_string_equal(value_at(&c, "gateway.state"), "\"up\"");
    assert_string_equal(value_at(&c, "gateway.degraded"), "false");
    assert_string_equal(value_at(&c, "gateway.died"), "5");
    stop_and_leave();
}

static void
a_port_in_use_is_told_and_taken_once_it_is_free(void **state)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t          size = sizeof(in);
    int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&in, size), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &size), 0);
    assert_int_equal(setenv("AGENTD_GATEWAY", daemon_program("agent-gateway"), 1), 0);
    FREE_AUTO char *config =
        xasprintf("gateway: {user: root, listen: '127.0.0.1:%d'}\n", ntohs(in.sin_port));
    daemon_write_config(&d, config);
    daemon_start(&d, NULL);
    client_open(&c, &d);
    expect_reply(&c, MSG_STATUS, "{}", "gateway.degraded", "true");
    assert_non_null(strstr(value_at(&c, "gateway.reason"), "Address already in use"));
    (void)close(fd);
    (void)must(&c, MSG_RELOAD, "{}");
    expect_reply(&c, MSG_STATUS, "{}", "gateway.reason", "null");
    assert_string_equal(value_at(&c, "gateway.state"), "\"up\"");
    stop_and_leave();
}

static void
a_missing_program_is_a_warning(void **state)
{
    (void)state;
    assert_int_equal(setenv("AGENTD_GATEWAY", "/nonexistent/agent-gateway", 1), 0);
    daemon_start(&d, "--set", "gateway.enabled=true", "--set", "gateway.user=root", NULL);
    client_open(&c, &d);
    (void)must(&c, MSG_STATUS, "{}");
    assert_string_equal(value_at(&c, "gateway.state"), "\"down\"");
    assert_non_null(strstr(value_at(&c, "warnings"), "there is no agent-gateway"));
    stop_and_leave();
}

static void
nobody_else_speaks_as_the_gateway(void **state)
{
    (void)state;
    start_and_connect("some");
    (void)must(&c, MSG_TOKEN_ADD, "{\"name\":\"t\",\"role\":\"view\",\"hash\":\"" HASH "\"}");
    must_refuse(&c, MSG_GATEWAY_HELLO, "{\"version\":\"1\"}", E_DENIED);
    must_refuse(&c, MSG_SESSION_ATTACH, "{\"key\":\"k\"}", E_DENIED);
    stop_and_leave();
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_killed_gateway_is_replaced, make_with_ours, clear),
        cmocka_unit_test_setup_teardown(a_silent_gateway_is_killed_and_replaced, make_with_ours,
                                        clear),
        cmocka_unit_test_setup_teardown(it_ends_with_agentd, make_with_ours, clear),
        cmocka_unit_test_setup_teardown(a_reload_gives_it_other_settings, make_with_ours, clear),
        cmocka_unit_test_setup_teardown(a_reload_that_no_gateway_could_run_with_leaves_it_alone,
                                        make_with_ours, clear),
        cmocka_unit_test_setup_teardown(why_it_is_down_is_told_and_a_reload_tries_at_once,
                                        make_with_ours, clear),
        cmocka_unit_test_setup_teardown(a_port_in_use_is_told_and_taken_once_it_is_free,
                                        make_with_ours, clear),
        cmocka_unit_test_setup_teardown(a_missing_program_is_a_warning, make_with_ours, clear),
        cmocka_unit_test_setup_teardown(nobody_else_speaks_as_the_gateway, make_with_ours, clear),
    };
    const char *run_dir = NULL, *as = "";

    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "--run") == 0) run_dir = argv[i + 1];
        if (strcmp(argv[i], "--hosts") == 0) as = argv[i + 1];
    }
    if (strcmp(argv[0], "agent-gateway") == 0 && run_dir) stand_in(run_dir, as);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
