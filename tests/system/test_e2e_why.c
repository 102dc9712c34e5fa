/* Why an agent, a session or an effect does nothing, from outside (A10). */
#include "tests/system/e2e.h"

#define CONFIG                                                                                \
    "workers: {count: 1, slots: 4}\n"                                                         \
    "daemon: {stop_grace: 0s}\n"                                                              \
    "companies: {acme: {}}\n"                                                                 \
    "agents: [{name: scout, company: acme, handler: tells}]\n"                                \
    "handlers:\n"                                                                             \
    "  tells: {kind: exec, command: [echo, '{\"type\":\"notify\",\"message\":\"found\"}']}\n" \
    "  held: {kind: exec, env: [DIR], command: [sh, -c, 'read x <$DIR/gate']}\n"              \
    "schedules:\n"                                                                            \
    "  nightly: {cron: \"0 3 * * *\", company: acme, agent: scout}\n"                         \
    "  often: {every: 1s, handler: held}\n"                                                   \
    "sinks: {folder: {kind: file, path: /}}\n" /* which can never be written */               \
    "sessions: {sinks: [folder]}\n"

static int
start(void **state)
{
    (void)state;
    e2e_make();
    return e2e_start(CONFIG);
}

static void
effects_agents_and_sessions_say_what_they_wait_for(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        ctl_await(&c, ctl_submit(&c, "--agent acme/scout"), "completed");
    ctl_until(&c, "blockers.0.predicate", "\"due_later\"", "effect why 1");
    ctl_expect_text(&c, "text", "attempt 2 of 5");
    assert_true(ctl_number(&c, "earliest_at") > 1600000000000);
    ctl_must(&c, "effect why 2");
    ctl_expect(&c, "status", "\"pending\"");
    ctl_expect(&c, "blockers.0.predicate", "\"order\"");
    ctl_expect(&c, "blockers.0.holder", "\"effect 1\"");
    ctl_refused(&c, 1, "not_found", "effect 9", "effect why 9");

    ctl_must(&c, "agent why acme/scout");
    ctl_expect(&c, "job", "null");
    ctl_expect(&c, "blockers.0.holder", "\"acme/nightly\"");
    ctl_must(&c, "agent pause acme/scout --reason lunch");
    uint64_t job = ctl_submit(&c, "--agent acme/scout");
    ctl_until(&c, "blockers.0.predicate", "\"paused\"", "agent why acme/scout");
    assert_int_equal(ctl_number(&c, "job"), job);
    ctl_expect(&c, "change", "\"agentctl agent resume acme/scout\"");

    ctl_until(&c, "state", "\"running\"", "session why schedule/often");
    ctl_expect_text(&c, "text", "is running on worker");
    ctl_must(&c, "session why schedule/nightly --company acme");
    ctl_expect(&c, "state", "\"idle\"");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, e2e_stop)
    const struct CMUnitTest tests[] = {
        TEST(effects_agents_and_sessions_say_what_they_wait_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
