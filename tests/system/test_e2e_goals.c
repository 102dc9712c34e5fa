/* What agents work for, from outside: goals, tickets, routines and the way up to the root that a
 * handler is told. */
#include "tests/system/e2e.h"
#include <signal.h>

#define CONFIG                                                            \
    "workers: {count: 1, slots: 4}\n"                                     \
    "daemon: {stop_grace: 0s}\n"                                          \
    "limits: {kill_grace: 2s}\n"                                          \
    "companies: {acme: {}}\n"                                             \
    "agents:\n"                                                           \
    "  - {name: clerk, handler: works, capabilities: 3}\n"                \
    "  - {name: novice, handler: works}\n"                                \
    "  - {name: other, company: acme, handler: works, capabilities: 3}\n" \
    "handlers:\n"                                                         \
    "  works: {kind: exec, command: [./works]}\n"                         \
    "  stays: {kind: exec, command: [./stays]}\n"

/* Gives back what it was told, and says that its ticket is done. */
#define WORKS                                                                \
    "#!/bin/sh\n"                                                            \
    "read -r document\n"                                                     \
    "why=${document#*\\\"why\\\":}\n"                                        \
    "echo '{\"type\":\"usage\",\"input_tokens\":40,\"output_tokens\":2}'\n"  \
    "echo '{\"type\":\"effect\",\"kind\":\"ticket\",\"status\":\"done\"}'\n" \
    "echo \"{\\\"type\\\":\\\"result\\\",\\\"output\\\":{\\\"why\\\":${why%%]*}]}}\"\n"

/* Does not end when it is asked to. */
#define STAYS        \
    "#!/bin/sh\n"    \
    "trap '' TERM\n" \
    "while :; do sleep 1; done\n"

static int
start(void **state)
{
    (void)state;
    e2e_make();
    script_write(&d, "works", WORKS);
    script_write(&d, "stays", STAYS);
    return e2e_start(CONFIG);
}

static void
an_assigned_ticket_wakes_its_agent_and_says_why(void **state)
{
    (void)state;
    ctl_must(&c, "goal add Root");
    ctl_must(&c, "goal add Part --parent 1 --agent clerk");
    ctl_must(&c, "ticket add Answer --goal 2 --required 3 --reward 5");
    ctl_expect(&c, "status", "\"open\"");
    ctl_must(&c, "ticket assign 1 clerk");
    ctl_expect(&c, "status", "\"claimed\"");
    ctl_await(&c, ctl_number(&c, "job"), "completed");
    ctl_expect(&c, "trigger", "\"ticket_assigned\"");
    ctl_expect(&c, "priority", "70");
    ctl_expect(&c, "output.why.0.title", "\"Part\"");
    ctl_expect(&c, "output.why.1.title", "\"Root\"");
    ctl_must(&c, "ticket show 1");
    ctl_expect(&c, "status", "\"done\"");
    ctl_expect(&c, "usage.tokens", "42");
    ctl_expect(&c, "open_jobs", "0");
    daemon_signal(&d, SIGKILL);
    (void)daemon_wait(&d);
    daemon_start(&d, NULL);
    ctl_must(&c, "ticket show 1");
    ctl_expect(&c, "status", "\"done\"");
    ctl_must(&c, "fsck");
}

static void
a_routine_makes_a_ticket_and_one_wake_up(void **state)
{
    (void)state;
    ctl_must(&c, "goal add Root");
    ctl_must(&c, "routine add inbox --every 1s --ticket-title Inbox --assign clerk --goal 1");
    ctl_until_least(&c, "firing_count", 1, "schedule show inbox");
    ctl_await(&c, 1, "completed");
    ctl_expect(&c, "trigger", "\"ticket_assigned\"");
    ctl_expect(&c, "source", "\"routine_execution\"");
    ctl_expect(&c, "output.why.0.title", "\"Root\"");
    uint64_t ticket = ctl_number(&c, "ticket");
    ctl_must(&c, "schedule pause inbox");
    ctl_must(&c, "ticket show %llu", (unsigned long long)ticket);
    ctl_expect(&c, "status", "\"done\"");
    ctl_expect(&c, "routine", "\"inbox\"");
}

static void
a_goal_is_decomposed_into_parts_with_wake_ups(void **state)
{
    (void)state;
    ctl_must(&c, "goal add Root --agent clerk");
    ctl_must(
        &c,
        "goal decompose 1 --into [{\"title\":\"One\"},{\"title\":\"Two\",\"agent\":\"novice\"}]");
    assert_int_equal(ctl_count(&c, "parts"), 2);
    ctl_await(&c, ctl_number(&c, "parts.1.job"), "completed");
    ctl_expect(&c, "trigger", "\"goal_decomposed\"");
    ctl_expect(&c, "agent", "\"novice\"");
    ctl_expect(&c, "output.why.0.title", "\"Two\"");
    ctl_must(&c, "goal list --parent 1");
    assert_int_equal(ctl_count(&c, "items"), 2);
}

static void
what_cannot_be_is_refused(void **state)
{
    (void)state;
    ctl_must(&c, "goal add Root");
    ctl_must(&c, "goal add Part --parent 1");
    ctl_refused(&c, 1, "bad_request", "a cycle", "goal set 1 --parent 2");
    ctl_refused(&c, 1, "not_found", "goal", "goal add More --parent 9");
    ctl_must(&c, "ticket add Hard --required 4");
    ctl_refused(&c, 1, "bad_request", "capabilities", "ticket assign 1 clerk");
    ctl_refused(&c, 1, "not_found", "no agent", "ticket assign 1 nobody");
    ctl_refused(&c, 1, "not_found", "another company", "ticket assign 1 acme/other");
    ctl_refused(&c, 1, "wrong_state", "routine", "routine complete 1");
    ctl_refused(&c, 1, "not_found", "no agent", "agent wake nobody");
    ctl_refused(&c, 2, "usage", "0 to 100", "agent wake clerk --priority 101");
    ctl_must(&c, "ticket show 1");
    ctl_expect(&c, "status", "\"open\"");
    ctl_must(&c, "job list");
    assert_int_equal(ctl_count(&c, "items"), 0);
}

static void
a_goal_goes_with_all_below_it_through_kill_9(void **state)
{
    (void)state;
    ctl_must(&c, "goal add Root");
    ctl_must(&c, "goal add Part --parent 1");
    ctl_must(&c, "ticket add Answer --goal 2");
    ctl_must(&c, "routine add inbox --every 1h --ticket-title Inbox --assign clerk --goal 2");
    uint64_t runs = ctl_submit(&c, "stays --ticket 1");
    uint64_t waits = ctl_submit(&c, "works --goal 2 --in 1h");
    ctl_await(&c, runs, "running");
    ctl_refused(&c, 1, "in_use", "routine inbox", "goal remove 1");
    ctl_refused(&c, 1, "in_use", "job 1", "ticket remove 1");
    ctl_refused(&c, 1, "not_found", "goal 9", "goal remove 9 --cascade");
    ctl_must(&c, "goal remove 1 --cascade");
    ctl_expect(&c, "pending", "true");
    daemon_kill(&d); /* the job is still being stopped */
    daemon_start(&d, NULL);
    ctl_await(&c, waits, "cancelled");
    ctl_expect(&c, "failure.message", "\"its goal was removed\"");
    ctl_await(&c, runs, "cancelled");
    ctl_refused(&c, 1, "not_found", "goal 1", "goal show 1");
    ctl_refused(&c, 1, "not_found", "ticket 1", "ticket show 1");
    ctl_refused(&c, 1, "not_found", "inbox", "schedule show inbox");
    ctl_must(&c, "goal list");
    assert_int_equal(ctl_count(&c, "items"), 0);
    ctl_must(&c, "audit --action goal.remove");
    assert_int_equal(ctl_count(&c, "items"), 1);
    ctl_must(&c, "fsck");
    ctl_must(&c, "ticket add Alone");
    ctl_must(&c, "ticket remove 2");
    ctl_refused(&c, 1, "not_found", "ticket 2", "ticket show 2");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, e2e_stop)
    const struct CMUnitTest tests[] = {
        TEST(an_assigned_ticket_wakes_its_agent_and_says_why),
        TEST(a_routine_makes_a_ticket_and_one_wake_up),
        TEST(a_goal_is_decomposed_into_parts_with_wake_ups),
        TEST(what_cannot_be_is_refused),
        TEST(a_goal_goes_with_all_below_it_through_kill_9),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
