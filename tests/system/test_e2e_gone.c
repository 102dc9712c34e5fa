/* A configuration file that is edited while agentd is down: it starts, what unfinished work needs
 * stays until that has ended, and what cannot be made yet waits (J6, N35). */
#include "tests/system/e2e.h"

#define LESS                     \
    "workers: {count: 1}\n"      \
    "daemon: {stop_grace: 0s}\n" \
    "limits: {kill_grace: 100ms}\n"

#define FULL                                                     \
    LESS "handlers:\n"                                           \
         "  held: {kind: exec, command: [./held], env: [DIR]}\n" \
         "schedules:\n"                                          \
         "  tick: {every: 1s, handler: held}\n"

#define DEAF                                                \
    "workers: {count: 1}\n"                                 \
    "daemon: {stop_grace: 0s}\n"                            \
    "limits: {kill_grace: 1m}\n"                            \
    "handlers:\n"                                           \
    "  held: {kind: exec, command: [./held], env: [DIR]}\n" \
    "  deaf: {kind: exec, command: [./deaf], env: [DIR]}\n" \
    "schedules:\n"                                          \
    "  tick: {every: 1s, handler: held}\n"

static int
start(void **state)
{
    (void)state;
    e2e_make();
    script_write(&d, "held", "#!/bin/sh\nread x <$DIR/gate\n");
    (void)e2e_start(FULL);
    ctl_until_least(&c, "in_flight", 1, "schedule show tick");
    ctl_await(&c, 1, "running");
    return 0;
}

static void
starts_and_keeps_what_the_job_needs(void)
{
    daemon_write_config(&d, LESS);
    daemon_start(&d, NULL);
    ctl_must(&c, "status");
    ctl_expect_text(&c, "warnings.0", "is gone from the configuration file");
    ctl_must(&c, "schedule show tick");
    ctl_expect(&c, "status", "\"paused\"");
    ctl_refused(&c, 1, "in_use", "tick", "reload");
    gate_pass(gate, 1);
    ctl_await(&c, 1, "completed");
    ctl_must(&c, "reload");
    ctl_refused(&c, 1, "not_found", "tick", "schedule show tick");
    ctl_must(&c, "job list");
    assert_int_equal(ctl_count(&c, "items"), 1);
}

static void
a_stopped_agentd_starts_without_what_its_job_needs(void **state)
{
    (void)state;
    daemon_stop(&d);
    starts_and_keeps_what_the_job_needs();
}

static void
a_killed_agentd_starts_without_what_its_job_needs(void **state)
{
    (void)state;
    daemon_kill(&d);
    starts_and_keeps_what_the_job_needs();
}

/* It is not gone before its job is, which does not listen; the new agentd finds that gone. */
static void
an_agent_that_was_being_removed_comes_anew_from_the_file(void **state)
{
    (void)state;
    script_write(&d, "deaf", "#!/bin/sh\ntrap '' TERM\nread x <$DIR/gate\n");
    daemon_write_config(&d, DEAF);
    ctl_must(&c, "reload");
    ctl_must(&c, "agent add anna --handler deaf");
    ctl_await(&c, ctl_submit(&c, "--agent anna"), "running");
    ctl_must(&c, "agent remove anna --cascade");
    ctl_expect(&c, "pending", "true");
    daemon_kill(&d);
    daemon_write_config(&d, DEAF "agents: {anna: {handler: noop}}\n");
    daemon_start(&d, NULL);
    ctl_until(&c, "items.0.origin", "\"config\"", "agent list");
    ctl_expect(&c, "items.0.status", "\"active\"");
    ctl_must(&c, "status");
    assert_int_equal(ctl_count(&c, "warnings"), 0);
}

static void
a_schedule_made_by_a_command_bars_no_start(void **state)
{
    (void)state;
    ctl_must(&c, "schedule add mine --every 1h --handler noop");
    daemon_write_config(&d, FULL "  mine: {every: 1m, handler: noop}\n");
    ctl_refused(&c, 1, "conflict", "made through the API already", "reload");
    daemon_kill(&d);
    daemon_start(&d, NULL);
    ctl_must(&c, "status");
    ctl_expect_text(&c, "warnings.0", "agentctl schedule remove mine");
    ctl_must(&c, "schedule remove mine");
    ctl_must(&c, "reload");
    ctl_must(&c, "schedule show mine");
    ctl_expect(&c, "origin", "\"config\"");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, e2e_stop)
    const struct CMUnitTest tests[] = {
        TEST(a_stopped_agentd_starts_without_what_its_job_needs),
        TEST(a_killed_agentd_starts_without_what_its_job_needs),
        TEST(an_agent_that_was_being_removed_comes_anew_from_the_file),
        TEST(a_schedule_made_by_a_command_bars_no_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
