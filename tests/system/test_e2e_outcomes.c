/* What becomes of firings that fail, from outside: streaks, alerts in a sink, pauses with the
 * command that ends them, limits of turns, figures; over a kill -9. */
#include "tests/system/e2e.h"
#include <signal.h>

#define CONFIG                                                                           \
    "workers: {count: 1, slots: 4}\n"                                                    \
    "daemon: {stop_grace: 0s}\n"                                                         \
    "handlers:\n"                                                                        \
    "  held: {kind: exec, env: [DIR], command: [sh, -c, 'read x <$DIR/gate; exit 1']}\n" \
    "  moody: {kind: exec, env: [DIR], command: [sh, -c, 'test -e $DIR/well']}\n"        \
    "  talks: {kind: exec, env: [DIR], command: [./talks]}\n"                            \
    "sinks: {notices: {kind: file, path: notices.jsonl}}\n"                              \
    "alerts: {sinks: [notices]}\n"

/* Takes one turn more than it may. */
#define TALKS                      \
    "#!/bin/sh\n"                  \
    "echo '{\"type\":\"turn\"}'\n" \
    "echo '{\"type\":\"turn\"}'\n" \
    "sleep 100\n"

static int
start(void **state)
{
    (void)state;
    e2e_make();
    script_write(&d, "talks", TALKS);
    return e2e_start(CONFIG);
}

/* Lets the handlers that test for it succeed. */
static void
be_well(void)
{
    script_write(&d, "well", "");
}

/* The nth line of the sink's file is an alert of this kind, and its message has the text. */
static void
expect_notice(size_t n, const char *kind, const char *text)
{
    BUF_AUTO struct buf lines = {0};
    const char         *line = marks_wait(&d, "state/notices.jsonl", n + 1, &lines);

    while (n-- > 0)
        line = strchr(line, '\n') + 1;
    json_t     *notice = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
    const char *alert =
        json_string_value(json_object_get(json_object_get(notice, "metadata"), "alert"));
    const char *message = json_string_value(json_object_get(notice, "message"));

    if (!alert || !message || strcmp(alert, kind) != 0 || !strstr(message, text))
        daemon_fail(&d, "no alert %s \"%s\" in: %s", kind, text, line);
    json_decref(notice);
}

static void
expect_warning(const char *text)
{
    struct ctl_process people;

    ctl_must(&c, "status");
    if (!strstr(ctl_value(&c, "warnings"), text))
        daemon_fail(&d, "no warning \"%s\": %s", text, ctl_value(&c, "warnings"));
    ctl_start(&people, &d, "status");
    assert_non_null(ctl_line_with(&people, text));
    assert_int_equal(ctl_end(&people, 0, NULL), 0);
}

static void
failures_alert_pause_and_end_with_a_success(void **state)
{
    (void)state;
    ctl_must(&c, "schedule add sad --every 1s --handler moody");
    ctl_until(&c, "status", "\"paused\"", "schedule show sad");
    ctl_expect(&c, "failure_streak", "3");
    ctl_expect(&c, "last_failure", "\"handler_error\"");
    ctl_expect(&c, "alerting", "true");
    ctl_expect_text(&c, "pause_reason", "3 firings in a row failed");
    ctl_expect_text(&c, "pause_reason", "`agentctl schedule resume sad`");
    expect_notice(0, "failures", "schedule sad: 2 firings failed in a row (handler_error)");
    expect_notice(1, "paused", "agentctl schedule resume sad");
    expect_warning("schedule sad: paused: 3 firings in a row failed");
    ctl_must(&c, "audit --limit 1");
    ctl_expect(&c, "items.0.action", "\"schedule.pause\"");
    ctl_must(&c, "effect list");
    ctl_expect(&c, "items.0.session", "\"schedule/sad\"");
    ctl_expect(&c, "items.0.job", "null");
    be_well();
    ctl_must(&c, "schedule resume sad");
    ctl_until(&c, "failure_streak", "0", "schedule show sad");
    ctl_expect(&c, "alerting", "false");
    ctl_expect(&c, "status", "\"active\"");
    expect_notice(2, "recovered", "schedule sad: a firing has succeeded again");
    ctl_until_least(&c, "firing_count", 6, "schedule show sad");
    ctl_must(&c, "schedule pause sad");
    ctl_until(&c, "items", "[]", "effect list --status pending");
    ctl_until(&c, "items", "[]", "effect list --status attempting");
    assert_int_equal(marks_count(&d, "state/notices.jsonl"), 3);
}

/* Held handlers fail only when they are let go, so that agentd can be killed in between. */
static void
a_streak_outlives_kill_9(void **state)
{
    (void)state;
    ctl_must(&c, "schedule add slow --every 1s --handler held");
    for (int n = 1; n <= 2; n++) {
        char streak[8];

        ctl_until(&c, "in_flight", "1", "schedule show slow");
        ctl_await(&c, (uint64_t)ctl_number(&c, "last_job"), "running");
        gate_pass(gate, 1);
        (void)snprintf(streak, sizeof(streak), "%d", n); /* fits */
        ctl_until(&c, "failure_streak", streak, "schedule show slow");
    }
    daemon_kill(&d);
    daemon_start(&d, NULL);
    ctl_must(&c, "schedule show slow");
    ctl_expect(&c, "failure_streak", "2");
    ctl_expect(&c, "alerting", "true");
    ctl_until(&c, "in_flight", "1", "schedule show slow");
    ctl_await(&c, (uint64_t)ctl_number(&c, "last_job"), "running");
    gate_pass(gate, 1);
    ctl_until(&c, "status", "\"paused\"", "schedule show slow");
    ctl_expect(&c, "failure_streak", "3");
    ctl_must(&c, "fsck");
    ctl_expect(&c, "ok", "true");
}

/* A value of the newest firing that has a job: on a slow machine a time may come before the one
 * before it has ended, and is suppressed. */
static void
expect_of_fired(const char *schedule, const char *field, const char *value)
{
    char path[64];
    int  i = 0;

    ctl_must(&c, "schedule firings %s", schedule);
    do {
        (void)snprintf(path, sizeof(path), "items.%d.outcome", i++); /* fits */
    } while (strcmp(ctl_value(&c, path), "\"suppressed\"") == 0);
    (void)snprintf(path, sizeof(path), "items.%d.%s", i - 1, field); /* fits */
    ctl_expect(&c, path, value);
}

static void
a_limit_of_turns_stops_the_handler_and_counts_apart(void **state)
{
    (void)state;
    ctl_must(&c, "schedule add chatty --every 1s --handler talks --max-turns 1");
    assert_true(ctl_number(&c, "max_turns_set_at") == ctl_number(&c, "created_at"));
    ctl_until(&c, "status", "\"paused\"", "schedule show chatty");
    ctl_expect(&c, "turn_budget_breach_streak", "5");
    ctl_expect(&c, "failure_streak", "0");
    ctl_expect(&c, "last_failure", "\"turn_limit_exceeded\"");
    ctl_expect_text(&c, "pause_reason",
                    "used up their turns (on average 2.0 of 1): raise max_turns");
    ctl_expect_text(&c, "pause_reason", "`agentctl schedule resume chatty`");
    expect_of_fired("chatty", "max_turns", "1");
    expect_of_fired("chatty", "class", "\"turn_limit_exceeded\"");
    ctl_must(&c, "schedule set chatty --max-turns 2");
    assert_true(ctl_number(&c, "max_turns_set_at") > ctl_number(&c, "created_at"));
    ctl_expect(&c, "turn_budget_breach_streak", "5");
}

static void
the_figures_of_firings_are_kept_and_judged(void **state)
{
    (void)state;
    be_well();
    ctl_must(&c, "schedule add tick --every 1s --handler moody");
    ctl_until_least(&c, "firing_count", 2, "schedule show tick");
    ctl_must(&c, "schedule pause tick");
    ctl_await(&c, (uint64_t)ctl_number(&c, "last_job"), "completed");
    expect_of_fired("tick", "outcome", "\"fired\"");
    expect_of_fired("tick", "kind", "\"regular\"");
    expect_of_fired("tick", "state", "\"completed\"");
    expect_of_fired("tick", "rss_kb", "null"); /* a shell is smaller than a worker */
    ctl_must(&c, "schedule stats tick");
    assert_int_equal(ctl_number(&c, "completed"), ctl_number(&c, "fired"));
    ctl_expect_text(&c, "advice", "too few to judge by");
    ctl_must(&c, "schedule show tick");
    assert_true(ctl_number(&c, "avg_run_ms") >= 0);
    ctl_expect(&c, "last_turns", "0");
}

static void
a_schedule_without_a_success_becomes_overdue(void **state)
{
    (void)state;
    ctl_must(&c, "schedule add late --every 1h --handler moody --overdue 1s");
    ctl_expect(&c, "overdue", "false");
    ctl_expect(&c, "overdue_at", "null"); /* nothing has come yet */
    ctl_must(&c, "schedule add held --every 1s --handler held --overdue 1s");
    ctl_until(&c, "overdue", "true", "schedule show held");
    expect_notice(0, "overdue", "schedule held: overdue");
    expect_warning("schedule held: overdue");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, e2e_stop)
    const struct CMUnitTest tests[] = {
        TEST(failures_alert_pause_and_end_with_a_success),
        TEST(a_streak_outlives_kill_9),
        TEST(a_limit_of_turns_stops_the_handler_and_counts_apart),
        TEST(the_figures_of_firings_are_kept_and_judged),
        TEST(a_schedule_without_a_success_becomes_overdue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
