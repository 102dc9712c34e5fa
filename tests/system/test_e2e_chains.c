/* What handlers make by their effect lines, from outside: wake-ups, cut cycles, schedules that wait
 * for a person. */
#include "tests/system/e2e.h"
#include <signal.h>

#define CONFIG                                                               \
    "workers: {count: 1, slots: 4}\n"                                        \
    "daemon: {stop_grace: 0s}\n"                                             \
    "companies: {acme: {}}\n"                                                \
    "agents:\n"                                                              \
    "  - {name: anna, company: acme, handler: to-bert}\n"                    \
    "  - {name: bert, company: acme, handler: to-anna}\n"                    \
    "  - {name: asks, company: acme, handler: plans, approval: schedules}\n" \
    "handlers:\n"                                                            \
    "  to-bert: {kind: exec, command: [./to-bert]}\n"                        \
    "  to-anna: {kind: exec, command: [./to-anna]}\n"                        \
    "  plans: {kind: exec, command: [./plans]}\n"

#define WAKE(agent)                                                         \
    "#!/bin/sh\n"                                                           \
    "echo '{\"type\":\"effect\",\"kind\":\"wake_agent\",\"agent\":\"" agent \
    "\",\"payload\":{\"n\":1}}'\n"
#define PLANS                                                                    \
    "#!/bin/sh\n"                                                                \
    "echo '{\"type\":\"effect\",\"kind\":\"add_schedule\",\"name\":\"morning\"," \
    "\"cron\":\"0 9 * * *\"}'\n"                                                 \
    "echo '{\"type\":\"effect\",\"kind\":\"add_schedule\",\"name\":\"noon\","    \
    "\"cron\":\"0 12 * * *\"}'\n"

static int
start(void **state)
{
    (void)state;
    e2e_make();
    script_write(&d, "to-bert", WAKE("bert"));
    script_write(&d, "to-anna", WAKE("anna"));
    script_write(&d, "plans", PLANS);
    return e2e_start(CONFIG);
}

static void
agents_wake_each_other_until_the_cycle_is_cut(void **state)
{
    (void)state;
    uint64_t first = ctl_submit(&c, "--agent acme/anna");
    ctl_await(&c, first, "completed"); /* each is there when the one before has completed */
    ctl_await(&c, first + 1, "completed");
    ctl_await(&c, first + 2, "completed"); /* anna, bert, anna; then anna → bert comes again */
    ctl_expect(&c, "agent", "\"anna\"");
    ctl_expect(&c, "source", "\"agent:bert\"");
    ctl_expect(&c, "depth", "2");
    ctl_expect(&c, "payload", "{\"n\":1}");
    assert_int_equal(ctl_number(&c, "root"), first);
    assert_int_equal(ctl_number(&c, "parent"), first + 1);
    ctl_must(&c, "effect list --status rejected");
    assert_int_equal(ctl_count(&c, "items"), 1);
    ctl_expect_text(&c, "items.0.reason", "a cycle");
    ctl_must(&c, "job list");
    assert_int_equal(ctl_count(&c, "items"), 3);
    uint64_t next = ctl_submit(&c, "--agent acme/bert"); /* both live on */
    ctl_await(&c, next, "completed");
    ctl_await(&c, next + 1, "completed");
    ctl_expect(&c, "agent", "\"anna\"");
}

static void
a_schedule_waits_for_a_persons_word(void **state)
{
    (void)state;
    ctl_await(&c, ctl_submit(&c, "--agent acme/asks"), "completed");
    ctl_must(&c, "schedule list");
    assert_int_equal(ctl_count(&c, "items"), 0);
    ctl_must(&c, "approval list");
    assert_int_equal(ctl_count(&c, "items"), 2);
    ctl_expect(&c, "items.0.kind", "\"add_schedule\"");
    ctl_expect(&c, "items.0.request.name", "\"morning\"");
    daemon_signal(&d, SIGKILL); /* what waits is durable */
    (void)daemon_wait(&d);
    daemon_start(&d, NULL);
    ctl_must(&c, "approval grant 1 --reason fine");
    ctl_expect(&c, "status", "\"granted\"");
    ctl_must(&c, "approval deny 2 --reason 'once a day'");
    ctl_expect(&c, "status", "\"denied\"");
    ctl_refused(&c, 1, "wrong_state", "denied already", "approval grant 2");
    ctl_refused(&c, 1, "not_found", "approval 9", "approval deny 9");
    ctl_must(&c, "schedule show acme/morning");
    ctl_expect(&c, "agent", "\"asks\"");
    ctl_expect(&c, "origin", "\"agent\"");
    ctl_refused(&c, 1, "not_found", "noon", "schedule show acme/noon");
    ctl_must(&c, "approval list --status denied");
    ctl_expect(&c, "items.0.reason", "\"once a day\"");
    ctl_must(&c, "effect list --status delivered");
    assert_int_equal(ctl_count(&c, "items"), 1);
    ctl_must(&c, "audit --action approval.grant");
    assert_int_equal(ctl_count(&c, "items"), 1);
    ctl_must(&c, "fsck");
}

static void
a_submits_parent_is_kept(void **state)
{
    (void)state;
    uint64_t parent = ctl_submit(&c, "noop");
    uint64_t job = ctl_submit(&c, "noop --parent %d", (int)parent);
    ctl_await(&c, job, "completed");
    assert_int_equal(ctl_number(&c, "parent"), parent);
    assert_int_equal(ctl_number(&c, "root"), parent);
    ctl_refused(&c, 1, "bad_request", "parent", "job submit noop --parent 99");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, e2e_stop)
    const struct CMUnitTest tests[] = {
        TEST(agents_wake_each_other_until_the_cycle_is_cut),
        TEST(a_schedule_waits_for_a_persons_word),
        TEST(a_submits_parent_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
