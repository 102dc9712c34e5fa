/* The gateway's WebSockets, byte by byte: what is no WebSocket, and peers that are slow, stuck or
 * hostile (RELIABILITY checks 20 and 21). */
#include "tests/system/e2e.h"

/* Says what it was told; in 500,000 characters, and so long before that, if it ends in "large". */
#define TALK                                                             \
    "#!/usr/bin/python3\n"                                               \
    "import json\n"                                                      \
    "said = json.loads(input())['event']['payload']['content']\n"        \
    "if said.endswith('large'):\n"                                       \
    "    for _ in range(4):\n"                                           \
    "        print(json.dumps({'type': 'delta', 'text': 'x' * 8000}))\n" \
    "    said = said.ljust(500000, 'x')\n"                               \
    "print(json.dumps({'type': 'effect', 'kind': 'send_message', 'content': said}))\n"

static struct e2e_gateway g;

static int
start(void **state)
{
    (void)state;
    e2e_start_gateway(&g, TALK, "anna --role submit");
    return 0;
}

/* The client's case must end well, with so many gateways dead. */
static void
run_with_deaths(const char *name, const char *deaths)
{
    FREE_AUTO char *command =
        xasprintf("/usr/bin/python3 tests/system/sockets.py %s %d %s", name, g.port, g.token);
    int how = system(command);

    if (how != 0) daemon_fail(&d, "sockets.py %s ended with %d", name, how);
    ctl_must(&c, "status");
    ctl_expect(&c, "gateway.died", deaths);
    assert_false(daemon_log_has(&d, g.token));
}

static void
run(const char *name)
{
    run_with_deaths(name, "0");
}

static void
a_websocket_is_opened_by_who_may(void **state)
{
    (void)state;
    run("upgrades");
}

static void
frames_that_are_none_end_it_with_the_right_code(void **state)
{
    (void)state;
    run("frames");
}

static void
a_flood_of_what_is_no_message_holds_nobody_up(void **state)
{
    (void)state;
    run("floods");
}

static void
who_reads_slowly_or_not_at_all_is_nobody_elses_trouble(void **state)
{
    (void)state;
    run("consumers");
}

static void
who_is_silent_gets_nothing_once_its_token_is_revoked(void **state)
{
    (void)state;
    run("revoked");
}

static void
a_crowd_that_comes_back_is_attached(void **state)
{
    (void)state;
    run_with_deaths("crowd", "1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, e2e_stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_websocket_is_opened_by_who_may),
        TEST(frames_that_are_none_end_it_with_the_right_code),
        TEST(a_flood_of_what_is_no_message_holds_nobody_up),
        TEST(who_reads_slowly_or_not_at_all_is_nobody_elses_trouble),
        TEST(who_is_silent_gets_nothing_once_its_token_is_revoked),
        TEST(a_crowd_that_comes_back_is_attached),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
