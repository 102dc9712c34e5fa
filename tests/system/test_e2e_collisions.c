/* Saves of schedules that collide, from outside: what is measured of firings comes back as warnings
 * and advice (C11–C13). */
#include "tests/system/e2e.h"

#define CONFIG                             \
    "workers: {count: 1, slots: 4}\n"      \
    "daemon: {stop_grace: 0s}\n"           \
    "limits: {collision_turns: 3}\n"       \
    "profiles: {deep: {handler: turns}}\n" \
    "handlers: {turns: {kind: exec, command: [./turns]}}\n"

#define TURNS                        \
    "#!/bin/sh\n"                    \
    "for i in 1 2 3; do\n"           \
    "  echo '{\"type\":\"turn\"}'\n" \
    "done\n"                         \
    "echo '{\"type\":\"result\",\"output\":1}'\n"

static int
start(void **state)
{
    (void)state;
    e2e_make();
    script_write(&d, "turns", TURNS);
    return e2e_start(CONFIG);
}

static void
a_schedule_that_collides_with_a_measured_one_is_warned_of(void **state)
{
    (void)state;
    ctl_must(&c, "schedule add heavy --cron '0 3 * * *' --profile deep");
    ctl_expect(&c, "warnings", "[]");
    ctl_expect(&c, "advice", "{}");
    ctl_until(&c, "items.0.state", "\"up\"", "worker list"); /* else there is no room to run it */
    ctl_must(&c, "schedule run heavy");
    ctl_await(&c, (uint64_t)ctl_number(&c, "job"), "completed");
    ctl_must(&c, "schedule show heavy");
    ctl_expect(&c, "avg_turns", "3");
    ctl_must(&c, "schedule add light --cron '2 3 * * *' --profile deep");
    ctl_expect(&c, "warnings",
               "[{\"message\":\"schedules will take turns; the last to run may be delayed\","
               "\"minutes\":[180],\"schedules\":[\"heavy\"],\"turns\":3,\"type\":\"collision\"}]");
    ctl_expect(&c, "advice", "{\"cron\":\"5 3 * * *\",\"median_turns\":3,\"minute\":5,\"of\":1}");
    ctl_must(&c, "schedule set light --cron '5 3 * * *'");
    ctl_expect(&c, "warnings", "[]");
    ctl_must(&c, "schedule set heavy --cron '6 3 * * *'"); /* its own turns count, too */
    ctl_expect(&c, "warnings.0.schedules", "[\"light\"]");
    ctl_expect(&c, "warnings.0.turns", "3");
    ctl_must(&c, "schedule pause light");
    ctl_must(&c, "schedule set heavy --cron '7 3 * * *'");
    ctl_expect(&c, "warnings", "[]");
}

static void
people_read_it_in_lines(void **state)
{
    struct ctl_process   p;
    struct buf complaint BUF_AUTO = {0};

    (void)state;
    ctl_must(&c, "schedule add first --cron '0 3 * * *' --handler noop");
    ctl_start(&p, &d,
              "schedule add second --cron '0 3 * * *' --handler noop --payload '\"max 5 turns\"'");
    assert_non_null(ctl_line_with(&p, "warning       the payload says \"max 5 turns\""));
    assert_non_null(ctl_line_with(&p, "--cron '5 3 * * *'"));
    assert_int_equal(ctl_end(&p, 0, &complaint), 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, e2e_stop)
    const struct CMUnitTest tests[] = {
        TEST(a_schedule_that_collides_with_a_measured_one_is_warned_of),
        TEST(people_read_it_in_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
