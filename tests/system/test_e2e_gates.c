/* What stands around a firing, from outside: gates that say no, shadow mode, and pings to servers
 * that answer, hang or are not there (C5). */
#include "tests/system/e2e.h"
#include "tests/system/web.h"
#include <signal.h>

#define CONFIG                                                                        \
    "workers: {count: 1, slots: 4}\n"                                                 \
    "daemon: {stop_grace: 0s}\n"                                                      \
    "limits: {schedule_max_concurrent: null}\n"                                       \
    "handlers:\n"                                                                     \
    "  mark: {kind: exec, env: [DIR], command: [sh, -c, 'echo ran >>$DIR/mark']}\n"   \
    "  fails: {kind: exec, command: [\"false\"]}\n"                                   \
    "  says:\n"                                                                       \
    "    kind: exec\n"                                                                \
    "    command: [sh, -c, 'echo ''{\"type\":\"notify\",\"message\":\"hello\"}''']\n" \
    "schedules:\n"                                                                    \
    "  asks: {every: 1s, handler: mark, gate: {command: [./ask]}}\n"                  \
    "  dark: {cron: \"0 0 1 1 *\", handler: says, shadow: true}\n"                    \
    "sinks: {notices: {kind: file, path: notices.jsonl}}\n"                           \
    "sessions: {sinks: [notices]}\n"

static struct web web;

static int
start(void **state)
{
    (void)state;
    e2e_make();
    script_write(&d, "ask", "#!/bin/sh\ntest -e $DIR/mail && exit 0\necho no mail; exit 1\n");
    web_start(&web, d.folder);
    (void)e2e_start(CONFIG);
    ctl_until(&c, "caps.0.limit", "4", "status"); /* what is run by hand finds room */
    return 0;
}

static int
stop(void **state)
{
    if (d.pid) daemon_stop(&d);
    web_stop(&web);
    return e2e_stop(state);
}

/* A schedule that fires by hand only, and pings so. */
static void
add_pinging(const char *name, const char *handler, const char *start_path, const char *end_path)
{
    ctl_must(&c,
             "schedule add %s --cron '0 0 1 1 *' --handler %s "
             "--ping-start http://127.0.0.1:%d%s --ping-success http://127.0.0.1:%d%s "
             "--ping-fail http://127.0.0.1:%d/no/fail",
             name, handler, web.port, start_path, web.port, end_path, web.port);
}

static uint64_t
run(const char *name, const char *state)
{
    ctl_must(&c, "schedule run %s", name);
    uint64_t job = (uint64_t)ctl_number(&c, "job");
    ctl_await(&c, job, state);
    return job;
}

/* ---- gates --------------------------------------------------------------------------------- */

static void
a_gate_that_says_no_costs_the_handler_nothing(void **state)
{
    FREE_AUTO char     *mail = xasprintf("%s/mail", d.folder);
    BUF_AUTO struct buf text = {0};
    FILE               *f;

    (void)state;
    ctl_until_least(&c, "gated_count", 2, "schedule show asks");
    ctl_must(&c, "schedule firings asks --limit 1");
    ctl_must(&c, "schedule why asks");
    ctl_expect_text(&c, "blockers.0.message", "no mail");
    assert_int_equal(marks_count(&d, "mark"), 0);
    f = fopen(mail, "w");
    assert_non_null(f);
    assert_int_equal(fclose(f), 0);
    (void)marks_wait(&d, "mark", 2, &text);
    assert_int_equal(unlink(mail), 0);
    int64_t gated = (ctl_must(&c, "schedule show asks"), ctl_number(&c, "gated_count"));
    ctl_until_least(&c, "gated_count", gated + 1, "schedule show asks");
    ctl_until(&c, "items.0.reason", "\"gate: no mail\"", "schedule firings asks --limit 1");
    ctl_expect(&c, "items.0.outcome", "\"suppressed\"");
    ctl_must(&c, "job logs %d", (int)ctl_number(&c, "items.0.job"));
    assert_non_null(strstr(buf_str(&c.text), "no mail"));
}

static void
what_a_person_fires_is_not_asked_about(void **state)
{
    (void)state;
    ctl_must(&c, "schedule pause asks");
    ctl_until(&c, "in_flight", "0", "schedule show asks");
    (void)run("asks", "completed");
    assert_int_equal(marks_count(&d, "mark"), 1);
}

static void
a_schedule_follows_another(void **state)
{
    (void)state;
    ctl_must(&c, "schedule add first --cron '0 0 1 1 *' --handler noop");
    ctl_must(&c, "schedule add then --every 1s --handler noop --gate '{\"completed\":\"first\"}'");
    ctl_refused(&c, 1, "bad_request", "a cycle: first → then → first",
                "schedule set first --gate '{\"completed\":\"then\"}'");
    ctl_until_least(&c, "gated_count", 1, "schedule show then");
    ctl_expect(&c, "firing_count", "0");
    (void)run("first", "completed");
    ctl_until(&c, "firing_count", "1", "schedule show then");
    int64_t gated = ctl_number(&c, "gated_count");
    ctl_until_least(&c, "gated_count", gated + 2, "schedule show then");
    ctl_expect(&c, "firing_count", "1");
}

/* ---- shadow mode --------------------------------------------------------------------------- */

static void
a_shadow_says_nothing_until_it_is_promoted(void **state)
{
    (void)state;
    (void)run("dark", "completed");
    ctl_must(&c, "effect list");
    ctl_expect(&c, "items.0.status", "\"suppressed\"");
    ctl_expect(&c, "items.0.reason", "\"shadow mode\"");
    ctl_must(&c, "schedule promote dark");
    ctl_expect(&c, "in_shadow", "false");
    ctl_refused(&c, 1, "wrong_state", "dark", "schedule promote dark");
    (void)run("dark", "completed");
    ctl_until(&c, "items.1.status", "\"delivered\"", "effect list");
    ctl_expect(&c, "items.0.status", "\"suppressed\"");
}

/* ---- pings --------------------------------------------------------------------------------- */

static void
a_switch_is_told_of_start_and_success_and_failure(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    ctl_must(&c, "schedule pause asks");
    add_pinging("good", "noop", "/ok/start", "/ok/success");
    (void)run("good", "completed");
    assert_string_equal(marks_wait(&d, "web", 2, &text), "GET /ok/start\nGET /ok/success\n");
    ctl_until(&c, "items.1.status", "\"delivered\"", "effect list");
    ctl_expect(&c, "items.1.receipt", "\"HTTP 204\"");
    add_pinging("bad", "fails", "/ok/start", "/ok/success");
    (void)run("bad", "failed");
    assert_non_null(strstr(marks_wait(&d, "web", 4, &text), "GET /no/fail\n"));
    ctl_until(&c, "reason", "\"HTTP 500\"", "effect show 4");
    ctl_must(&c, "effect why 4");
}

static void
servers_that_hang_or_are_absent_hold_up_nobody(void **state)
{
    (void)state;
    ctl_must(&c, "schedule pause asks");
    add_pinging("hangs", "noop", "/hang/start", "/hang/success");
    ctl_must(&c, "schedule add absent --cron '0 0 1 1 *' --handler noop "
                 "--ping-start http://127.0.0.1:1/ --ping-success http://127.0.0.1:1/");
    for (int i = 0; i < 5; i++) {
        (void)run("hangs", "completed");
        (void)run("absent", "completed");
    }
    ctl_must(&c, "schedule promote dark");
    uint64_t job = run("dark", "completed"); /* its message goes past the pings that hang */
    ctl_must(&c, "effect list --limit 1000");
    char   path[32];
    size_t n = ctl_count(&c, "items");
    (void)snprintf(path, sizeof(path), "items.%zu.job", n - 1);
    assert_int_equal(ctl_number(&c, path), (int64_t)job);
    (void)snprintf(path, sizeof(path), "items.%zu.id", n - 1);
    ctl_until(&c, "status", "\"delivered\"", "effect show %d", (int)ctl_number(&c, path));
    ctl_must(&c, "effect list --status attempting");
    ctl_expect_text(&c, "items.0.payload.url", "/hang/");
}

static void
a_ping_on_its_way_survives_a_kill(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    ctl_must(&c, "schedule pause asks");
    ctl_must(&c,
             "schedule add hangs --cron '0 0 1 1 *' --handler noop "
             "--ping-success http://127.0.0.1:%d/hang",
             web.port);
    (void)run("hangs", "completed");
    (void)marks_wait(&d, "web", 1, &text);
    daemon_kill(&d);
    daemon_start(&d, NULL);
    (void)marks_wait(&d, "web", 2, &text); /* to ask twice does no harm */
    ctl_until(&c, "attempts", "2", "effect show 1");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(a_gate_that_says_no_costs_the_handler_nothing),
        TEST(what_a_person_fires_is_not_asked_about),
        TEST(a_schedule_follows_another),
        TEST(a_shadow_says_nothing_until_it_is_promoted),
        TEST(a_switch_is_told_of_start_and_success_and_failure),
        TEST(servers_that_hang_or_are_absent_hold_up_nobody),
        TEST(a_ping_on_its_way_survives_a_kill),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
