/* A session's reader, from outside: what its agent says meanwhile, the reply, and that it is not
 * lost when the gateway is killed before the reply is acknowledged (D5, I2, N44). */
#include "tests/system/e2e.h"
#include <signal.h>

#define TALK                                             \
    "#!/bin/sh\n"                                        \
    "read -r document\n"                                 \
    "echo '{\"type\":\"delta\",\"text\":\"let me \"}'\n" \
    "echo '{\"type\":\"delta\",\"text\":\"think\"}'\n"   \
    "echo '{\"type\":\"effect\",\"kind\":\"send_message\",\"content\":\"well\"}'\n"
static struct e2e_gateway g;

static int
start(void **state)
{
    (void)state;
    e2e_start_gateway(&g, TALK, "anna --role submit --session chat/anna --expires 1h");
    return 0;
}

/* What the reader prints. */
static void
expect_read(const char *what, const char *wanted)
{
    FREE_AUTO char *command =
        xasprintf("/usr/bin/python3 tests/system/reader.py %d %s %s", g.port, g.token, what);
    char  line[256] = "";
    FILE *out = popen(command, "re");

    assert_non_null(out);
    (void)!fgets(line, sizeof(line), out);
    line[strcspn(line, "\n")] = '\0';
    if (pclose(out) != 0) daemon_fail(&d, "the reader failed after \"%s\"", line);
    assert_string_equal(line, wanted);
}

static void
a_reply_that_is_not_acknowledged_outlives_the_gateway(void **state)
{
    (void)state;
    expect_read("hello leave", "let me think|1|well");
    ctl_until(&c, "status", "\"pending\"", "effect show 1"); /* its reader is gone */
    ctl_must(&c, "status");
    assert_int_equal(kill((pid_t)ctl_number(&c, "gateway.pid"), SIGKILL), 0);
    ctl_until(&c, "gateway.started", "2", "status");
    ctl_until_least(&c, "gateway.pid", 1, "status");
    ctl_expect(&c, "gateway.died", "1");
    expect_read("- ack", "|1|well");
    ctl_until(&c, "status", "\"delivered\"", "effect show 1");
    ctl_expect(&c, "receipt", "\"read\"");
    assert_false(daemon_log_has(&d, g.token));
}

static void
who_makes_a_session_hears_it_from_the_first_word(void **state)
{
    (void)state;
    ctl_must(&c, "token add many --role submit --session many/");
    ctl_copy(&c, "secret", g.token, sizeof(g.token));
    expect_read("hello leave 30", "let me think");
}

static void
a_revoked_token_opens_nothing(void **state)
{
    (void)state;
    ctl_must(&c, "token list");
    ctl_expect(&c, "items.0.name", "\"anna\"");
    ctl_must(&c, "token revoke anna");
    FREE_AUTO char *command = xasprintf(
        "/usr/bin/python3 tests/system/reader.py %d %s hello ack >/dev/null 2>&1", g.port, g.token);
    assert_int_not_equal(system(command), 0);
    ctl_refused(&c, 1, "not_found", "chat/anna", "session show chat/anna");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, e2e_stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_reply_that_is_not_acknowledged_outlives_the_gateway),
        TEST(who_makes_a_session_hears_it_from_the_first_word),
        TEST(a_revoked_token_opens_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
