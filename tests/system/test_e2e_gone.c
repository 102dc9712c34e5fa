/* A configuration file that is edited while agentd is down: it starts, and what unfinished work
 * needs stays until that has ended (J6, N35). */
#include "tests/system/ctl.h"
#include "tests/system/marks.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LESS                     \
    "workers: {count: 1}\n"      \
    "daemon: {stop_grace: 0s}\n" \
    "limits: {kill_grace: 100ms}\n"

#define FULL                                                     \
    LESS "handlers:\n"                                           \
         "  held: {kind: exec, command: [./held], env: [DIR]}\n" \
         "schedules: [{name: tick, every: 1s, handler: held}]\n"

static struct daemon d;
static struct ctl    c;
static int           gate;

static int
start(void **state)
{
    (void)state;
    daemon_make(&d);
    marks_share(&d);
    script_write(&d, "held", "#!/bin/sh\nread x <$DIR/gate\n");
    gate = gate_make(&d, "gate");
    daemon_write_config(&d, FULL);
    ctl_open(&c, &d);
    daemon_start(&d, NULL);
    ctl_until_least(&c, "in_flight", 1, "schedule show tick");
    ctl_await(&c, 1, "running");
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    if (d.pid) daemon_stop(&d);
    ctl_close(&c);
    (void)close(gate);
    daemon_remove(&d);
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

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(a_stopped_agentd_starts_without_what_its_job_needs),
        TEST(a_killed_agentd_starts_without_what_its_job_needs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
