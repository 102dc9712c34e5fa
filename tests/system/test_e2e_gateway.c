/* The gateway, from outside: clients that are not ours ask, watch and talk, and attack it. */
#include "tests/system/e2e.h"
#include <sys/stat.h>
#include <sys/wait.h>

#define CLIENT "tests/system/gateway.py"

/* Says what it was told, or that it was woken. */
#define BOT                                                                               \
    "#!/usr/bin/python3\n"                                                                \
    "import json\n"                                                                       \
    "event = json.loads(input())['event']\n"                                              \
    "said = event['payload'] if event['type'] != 'user_message' else "                    \
    "event['payload']['content']\n"                                                       \
    "print(json.dumps({'type': 'effect', 'kind': 'send_message', 'content': f'you said: " \
    "{said}'}))\n"

#define CONFIG                                                \
    "workers: {count: 1, slots: 4}\n"                         \
    "limits: {schedule_max_concurrent: 1}\n"                  \
    "companies: {acme: {}}\n"                                 \
    "agents: [{name: scout, company: acme, handler: echo}]\n" \
    "handlers: {bot: {kind: exec, command: [\"%s/bot\"]}}\n"  \
    "sessions: {handler: bot}\n"                              \
    "gateway: {listen: \"127.0.0.1:%d\", user: root, page: \"%s/page\"}\n"

static int  port;
static char tokens[3][64]; /* view, submit, operator */

/* A page of two files, and things beside them that are none of it. */
static void
make_page(void)
{
    FREE_AUTO char *folder = xasprintf("%s/page", d.folder);
    FREE_AUTO char *link = xasprintf("%s/page/link.js", d.folder);

    assert_int_equal(mkdir(folder, 0755), 0);
    script_write(&d, "page/index.html", "<title>agentd</title>");
    script_write(&d, "page/page.js", "'use strict';");
    script_write(&d, "page/secret", "nothing to see");
    assert_int_equal(symlink(d.config, link), 0);
}

static int
start(void **state)
{
    static const char *const roles[] = {"view", "submit", "operator"};

    (void)state;
    e2e_make();
    make_page();
    script_write(&d, "bot", BOT);
    assert_int_equal(setenv("AGENTD_RUN", d.run, 1), 0);
    assert_int_equal(setenv("AGENTCTL", daemon_program("agentctl"), 1), 0);
    port = e2e_free_port();
    FREE_AUTO char *config = xasprintf(CONFIG, d.folder, port, d.folder);
    (void)e2e_start(config);
    daemon_expect_log(&d, "gateway ready");
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        ctl_must(&c, "token add %s --role %s", roles[i], roles[i]);
        ctl_copy(&c, "secret", tokens[i], sizeof(tokens[i]));
    }
    return 0;
}

/* The client's case must end well. */
static void
run(const char *name)
{
    FREE_AUTO char *number = xasprintf("%d", port);
    pid_t           pid = fork();
    int             how;

    if (pid == 0) {
        execl("/usr/bin/python3", "python3", CLIENT, name, number, tokens[0], tokens[1], tokens[2],
              (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &how, 0), pid);
    if (how != 0) daemon_fail(&d, "%s %s ended with %d", CLIENT, name, how);
}

static void
what_agentctl_asks_can_be_asked_by_http(void **state)
{
    (void)state;
    run("requests");
}

static void
every_route_does_what_it_says_and_refuses_what_is_wrong(void **state)
{
    (void)state;
    run("routes");
}

static void
a_full_cap_is_429_with_the_time_to_ask_again(void **state)
{
    (void)state;
    run("full");
}

static void
a_flood_of_connections_and_a_body_without_end_hold_nobody_up(void **state)
{
    (void)state;
    run("flood");
}

static void
its_figures_are_as_prometheus_reads_them(void **state)
{
    (void)state;
    run("figures");
}

static void
a_folder_of_files_is_served_and_nothing_beside_it(void **state)
{
    (void)state;
    run("page");
}

static void
attacks_are_refused_with_the_right_status(void **state)
{
    (void)state;
    run("attacks");
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++)
        assert_false(daemon_log_has(&d, tokens[i]));
}

static void
the_feed_is_told_without_a_hole_and_a_slow_watcher_holds_nobody_up(void **state)
{
    (void)state;
    run("feed");
}

static void
a_websocket_takes_messages_and_knows_who_sends_them(void **state)
{
    (void)state;
    run("sockets");
}

static void
a_message_comes_until_a_reader_has_acknowledged_it(void **state)
{
    (void)state;
    run("deliveries");
}

static void
who_comes_acknowledges_again_and_goes_leaves_nothing_behind(void **state)
{
    (void)state;
    run("repeated");
}

static void
a_token_is_good_for_its_sessions_until_it_is_revoked(void **state)
{
    (void)state;
    run("revoked");
}

static void
what_may_have_been_done_is_asked_again_safely_by_its_own_key_alone(void **state)
{
    (void)state;
    daemon_signal(&d, SIGSTOP);
    run("silent");
}

static int
go_on_and_stop(void **state)
{
    daemon_signal(&d, SIGCONT);
    return e2e_stop(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, e2e_stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_agentctl_asks_can_be_asked_by_http),
        TEST(every_route_does_what_it_says_and_refuses_what_is_wrong),
        TEST(a_full_cap_is_429_with_the_time_to_ask_again),
        TEST(a_flood_of_connections_and_a_body_without_end_hold_nobody_up),
        TEST(its_figures_are_as_prometheus_reads_them),
        TEST(a_folder_of_files_is_served_and_nothing_beside_it),
        TEST(attacks_are_refused_with_the_right_status),
        TEST(the_feed_is_told_without_a_hole_and_a_slow_watcher_holds_nobody_up),
        TEST(a_websocket_takes_messages_and_knows_who_sends_them),
        TEST(a_message_comes_until_a_reader_has_acknowledged_it),
        TEST(who_comes_acknowledges_again_and_goes_leaves_nothing_behind),
        TEST(a_token_is_good_for_its_sessions_until_it_is_revoked),
        cmocka_unit_test_setup_teardown(
            what_may_have_been_done_is_asked_again_safely_by_its_own_key_alone, start,
            go_on_and_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
