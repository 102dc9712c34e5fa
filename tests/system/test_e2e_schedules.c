/* Schedules, from outside: when they fire, when they do not, and what is said about it. */
#include "tests/system/e2e.h"
#include <signal.h>
#include <time.h>

#define MINUTE_MS 60000

#define CONFIG                                                                        \
    "workers: {count: 1, slots: 4}\n"                                                 \
    "daemon: {stop_grace: 0s}\n"                                                      \
    "companies: {acme: {}}\n"                                                         \
    "agents: [{name: scout, company: acme, handler: count}]\n"                        \
    "handlers:\n"                                                                     \
    "  count: {kind: exec, command: [./count], env: [DIR]}\n"                         \
    "  held: {kind: exec, env: [DIR], command: [sh, -c, 'read x <$DIR/gate']}\n"      \
    "  fails: {kind: exec, command: [\"false\"]}\n"                                   \
    "schedules:\n"                                                                    \
    "  nightly: {cron: \"0 3 * * *\", handler: noop, title: Nightly, tags: {a: b}}\n" \
    "sinks: {notices: {kind: file, path: notices.jsonl}}\n"                           \
    "sessions: {sinks: [notices]}\n"

/* Counts its runs in its checkpoint, and tells of each. */
#define COUNT                                                                                   \
    "#!/bin/sh\n"                                                                               \
    "read -r document\n"                                                                        \
    "n=$(printf %s \"$document\" | sed -n 's/.*\"checkpoint\":{\"n\":\\([0-9]*\\)}.*/\\1/p')\n" \
    "n=$((${n:-0} + 1))\n"                                                                      \
    "echo $n >>$DIR/mark\n"                                                                     \
    "echo '{\"type\":\"checkpoint\",\"data\":{\"n\":'$n'}}'\n"                                  \
    "echo '{\"type\":\"notify\",\"message\":\"run '$n'\",\"metadata\":{\"n\":'$n'}}'\n"

static int
start(void **state)
{
    (void)state;
    e2e_make();
    script_write(&d, "count", COUNT);
    return e2e_start(CONFIG);
}

/* ---- commands ------------------------------------------------------------------------------ */

static void
a_cron_schedule_is_added_and_shown(void **state)
{
    (void)state;
    ctl_must(&c, "schedule add five --cron '*/5 * * * *' --handler echo --payload '{\"a\":1}' "
                 "--title 'Every five' --priority 7 --max-run 90s --max-turns 12 --max-attempts 2 "
                 "--retry 1m,2m --tag k=v");
    ctl_must(&c, "schedule show five");
    ctl_expect(&c, "name", "\"five\"");
    ctl_expect(&c, "cron", "\"*/5 * * * *\"");
    ctl_expect(&c, "every_ms", "null");
    ctl_expect(&c, "handler", "\"echo\"");
    ctl_expect(&c, "payload", "{\"a\":1}");
    ctl_expect(&c, "title", "\"Every five\"");
    ctl_expect(&c, "priority", "7");
    ctl_expect(&c, "max_run_ms", "90000");
    ctl_expect(&c, "max_turns", "12");
    ctl_expect(&c, "max_attempts", "2");
    ctl_expect(&c, "tags", "{\"k\":\"v\"}");
    ctl_expect(&c, "type", "\"schedule\"");
    ctl_expect(&c, "origin", "\"api\"");
    ctl_expect(&c, "status", "\"active\"");
    ctl_expect(&c, "overlap", "\"skip\"");
    ctl_expect(&c, "misfire", "\"latest\"");
    ctl_expect(&c, "firing_count", "0");
    ctl_expect(&c, "last_job", "null");
    int64_t first = ctl_number(&c, "next_at.0");
    assert_int_equal(first % (int64_t)(5 * MINUTE_MS), 0);
    assert_true(first > ctl_number(&c, "created_at"));
    assert_int_equal(ctl_number(&c, "next_fire_at"), first);
    assert_int_equal(ctl_number(&c, "next_at.1"), first + (int64_t)(5 * MINUTE_MS));
    assert_int_equal(ctl_number(&c, "next_at.2"), first + (int64_t)(10 * MINUTE_MS));
    ctl_must(&c, "status");
    ctl_expect(&c, "next.0.schedule", "\"five\"");
    assert_int_equal(ctl_number(&c, "next.0.next_fire_at"), first);
}

/* Kathmandu is 5 h 45 min ahead, in each season. */
static void
a_schedule_may_be_of_a_time_zone(void **state)
{
    (void)state;
    if (access("/usr/share/zoneinfo/Asia/Kathmandu", R_OK) != 0) skip();
    ctl_must(&c, "schedule add there --cron '30 45 8 * * *' --tz Asia/Kathmandu --handler noop");
    ctl_expect(&c, "tz", "\"Asia/Kathmandu\"");
    int64_t next = ctl_number(&c, "next_at.0");
    assert_int_equal(next % (int64_t)(24 * 60 * MINUTE_MS), 3 * 60 * MINUTE_MS + 30000);
    ctl_refused(&c, 1, "bad_request", "tz",
                "schedule add mars --cron '0 9 * * *' --tz Mars/Base --handler noop");
    daemon_stop(&d);
    daemon_start(&d, NULL);
    ctl_must(&c, "reload");
    ctl_must(&c, "schedule show there");
    next = ctl_number(&c, "next_at.0");
    assert_int_equal(next % (int64_t)(24 * 60 * MINUTE_MS), 3 * 60 * MINUTE_MS + 30000);
    ctl_must(&c, "fsck");
    ctl_expect(&c, "ok", "true");
}

static void
the_list_holds_the_files_and_ours(void **state)
{
    char after[128];

    (void)state;
    ctl_must(&c, "schedule add mine --every 1h --handler noop");
    ctl_must(&c, "schedule list");
    assert_int_equal(ctl_count(&c, "items"), 2);
    ctl_must(&c, "schedule list --limit 1");
    assert_int_equal(ctl_count(&c, "items"), 1);
    ctl_copy(&c, "next", after, sizeof(after));
    FREE_AUTO char *first = xstrdup(ctl_value(&c, "items.0.name"));
    ctl_must(&c, "schedule list --limit 1 --after %s", after);
    assert_int_equal(ctl_count(&c, "items"), 1);
    assert_string_not_equal(ctl_value(&c, "items.0.name"), first);
    ctl_must(&c, "schedule show nightly");
    ctl_expect(&c, "origin", "\"config\"");
    ctl_refused(&c, 1, "declared_in_config", "nightly", "schedule remove nightly");
    /* What the file says may still be paused. */
    ctl_must(&c, "schedule pause nightly --reason 'the database moves'");
    ctl_expect(&c, "status", "\"paused\"");
    ctl_expect(&c, "pause_reason", "\"the database moves\"");
    assert_true(ctl_number(&c, "paused_at") > 1600000000000);
    ctl_refused(&c, 1, "wrong_state", "paused", "schedule pause nightly");
    ctl_must(&c, "schedule why nightly");
    ctl_expect(&c, "blockers.0.predicate", "\"paused\"");
    ctl_expect_text(&c, "text", "the database moves");
    ctl_expect(&c, "blockers.0.change", "\"agentctl schedule resume nightly\"");
    ctl_must(&c, "reload");
    ctl_must(&c, "schedule show nightly");
    ctl_expect(&c, "status", "\"paused\"");
    ctl_must(&c, "schedule resume nightly");
    ctl_expect(&c, "status", "\"active\"");
    ctl_expect(&c, "pause_reason", "null");
    ctl_must(&c, "schedule why nightly");
    ctl_expect(&c, "blockers.0.predicate", "\"due_later\"");
    ctl_must(&c, "schedule remove mine");
    ctl_expect(&c, "removed", "\"mine\"");
    ctl_refused(&c, 1, "not_found", "mine", "schedule show mine");
    ctl_must(&c, "schedule list");
    assert_int_equal(ctl_count(&c, "items"), 1);
}

/* The same name in two companies is two schedules, each with a session of its own. */
static void
schedules_belong_to_companies(void **state)
{
    (void)state;
    ctl_must(&c, "schedule add same --every 1h --handler noop");
    ctl_must(&c, "schedule add acme/same --every 1s --agent scout");
    ctl_expect(&c, "company", "\"acme\"");
    ctl_refused(&c, 1, "conflict", "same",
                "--company acme schedule add same --every 1h --agent scout");
    ctl_until_least(&c, "firing_count", 1, "schedule show acme/same");
    ctl_must(&c, "job show %" PRId64, ctl_number(&c, "last_job"));
    ctl_expect(&c, "company", "\"acme\"");
    ctl_expect(&c, "agent", "\"scout\"");
    ctl_expect(&c, "session", "\"schedule/same\"");
    ctl_await(&c, (uint64_t)ctl_number(&c, "id"), "completed");
    ctl_must(&c, "session show schedule/same --company acme");
    assert_true(ctl_number(&c, "checkpoint.n") >= 1);
    ctl_must(&c, "session show schedule/same");
    ctl_expect(&c, "checkpoint", "null");
    ctl_must(&c, "schedule list --company acme");
    assert_int_equal(ctl_count(&c, "items"), 1);
    ctl_must(&c, "schedule pause acme/same");
    ctl_must(&c, "schedule show same");
    ctl_expect(&c, "status", "\"active\"");
    ctl_expect(&c, "firing_count", "0");
}

static void
cron_is_explained_without_a_daemon(void **state)
{
    (void)state;
    daemon_stop(&d);
    ctl_must(&c, "cron explain '30 4 1 1 *' --from 2026-11-21T00:00:00Z -n 2");
    ctl_expect(&c, "next_at", "[1798777800000,1830313800000]");
    ctl_refused(&c, 2, "usage", "column 1", "cron explain '61 * * * *'");
    ctl_must(&c,
             "cron explain '30 2 * * *' --tz America/New_York --from 2026-03-07T12:00:00Z -n 2");
    ctl_expect(&c, "next_at", "[1772953200000,1773037800000]"); /* behind the gap, at 02:30 */
    ctl_must(&c, "cron explain @reboot");
    ctl_expect(&c, "text", "\"once after each boot of the machine\"");
    ctl_expect(&c, "next_at", "[]");
    ctl_must(&c, "cron explain 'every 90s' --from 2026-11-21T00:00:00Z -n 2");
    ctl_expect(&c, "next_at", "[1795219290000,1795219380000]");
    ctl_refused(&c, 2, "usage", "Mars/Base", "cron explain '0 9 * * *' --tz Mars/Base");
}

/* ---- firing -------------------------------------------------------------------------------- */

/* Walks the firings, the newest first: a row for each nominal time or for several in a row, and
 * none twice. */
static void
expect_no_hole(int64_t every)
{
    for (size_t i = 1; i < ctl_count(&c, "items"); i++) {
        char path[64];

        (void)snprintf(path, sizeof(path), "items.%zu.nominal_at", i - 1); /* fits */
        int64_t later = ctl_number(&c, path);
        (void)snprintf(path, sizeof(path), "items.%zu.count", i); /* fits */
        int64_t count = ctl_number(&c, path);
        (void)snprintf(path, sizeof(path), "items.%zu.nominal_at", i); /* fits */
        if (later - ctl_number(&c, path) == count * every) continue;
        daemon_fail(&d, "firings %zu and the one before it: %s", i, buf_str(&c.text));
    }
}

static void
every_second_fires_and_completes(void **state)
{
    (void)state;
    ctl_must(&c, "schedule add tick --every 1s --handler echo --payload '\"tock\"'");
    int64_t created = ctl_number(&c, "created_at");
    ctl_until_least(&c, "firing_count", 3, "schedule show tick");
    ctl_must(&c, "schedule pause tick");
    uint64_t last = (uint64_t)ctl_number(&c, "last_job");
    ctl_await(&c, last, "completed");
    ctl_expect(&c, "output", "\"tock\"");
    ctl_expect(&c, "trigger", "\"schedule\"");
    ctl_expect(&c, "source", "\"schedule\"");
    ctl_expect(&c, "schedule", "\"tick\"");
    ctl_expect(&c, "session", "\"schedule/tick\"");
    ctl_expect(&c, "priority", "50");
    ctl_expect(&c, "max_attempts", "1");
    ctl_expect_text(&c, "title", "tick — firing #");
    int64_t nominal = ctl_number(&c, "nominal_at");
    assert_int_equal((nominal - created) % 1000, 0);
    assert_true(ctl_number(&c, "submitted_at") >= nominal);
    ctl_must(&c, "schedule firings tick");
    expect_no_hole(1000);
    size_t count = ctl_count(&c, "items");
    char   path[64];
    (void)snprintf(path, sizeof(path), "items.%zu.number", count - 1); /* fits */
    ctl_expect(&c, path, "1");
    (void)snprintf(path, sizeof(path), "items.%zu.outcome", count - 1); /* fits */
    ctl_expect(&c, path, "\"fired\"");
    (void)snprintf(path, sizeof(path), "items.%zu.state", count - 1); /* fits */
    ctl_expect(&c, path, "\"completed\"");
    (void)snprintf(path, sizeof(path), "items.%zu.nominal_at", count - 1); /* fits */
    assert_int_equal(ctl_number(&c, path), created + 1000);
    ctl_must(&c, "schedule firings tick --limit 2");
    assert_int_equal(ctl_count(&c, "items"), 2);
    char after[128];
    ctl_copy(&c, "next", after, sizeof(after));
    int64_t second = ctl_number(&c, "items.1.nominal_at");
    ctl_must(&c, "schedule firings tick --limit 1 --after %s", after);
    assert_int_equal(ctl_number(&c, "items.0.nominal_at"), second - 1000);
}

static void
each_run_gets_the_checkpoint_and_tells_once(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    ctl_must(&c, "schedule add counter --every 1s --handler count");
    (void)marks_wait(&d, "mark", 3, &text);
    ctl_must(&c, "schedule pause counter");
    ctl_await(&c, (uint64_t)ctl_number(&c, "last_job"), "completed");
    size_t runs = marks_count(&d, "mark");
    for (size_t i = 0; i < runs; i++)
        assert_int_equal(marks_number(&d, "mark", i), i + 1);
    ctl_must(&c, "session show schedule/counter");
    assert_int_equal(ctl_number(&c, "checkpoint.n"), runs);
    /* The sink's file: a line for each run, in their order. */
    ctl_until(&c, "items", "[]", "effect list --status pending");
    ctl_until(&c, "items", "[]", "effect list --status attempting");
    const char *line = marks_wait(&d, "state/notices.jsonl", runs, &text);
    assert_int_equal(marks_count(&d, "state/notices.jsonl"), runs);
    for (size_t i = 1; i <= runs; i++) {
        json_t *notice = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
        char    message[32];

        (void)snprintf(message, sizeof(message), "run %zu", i); /* fits */
        assert_non_null(notice);
        assert_string_equal(json_string_value(json_object_get(notice, "message")), message);
        assert_string_equal(json_string_value(json_object_get(notice, "session")),
                            "schedule/counter");
        json_decref(notice);
        line = strchr(line, '\n') + 1;
    }
    ctl_must(&c, "effect list --status delivered");
    assert_int_equal(ctl_count(&c, "items"), runs);
}

static void
a_firing_in_flight_holds_off_the_next(void **state)
{
    (void)state;
    ctl_must(&c, "schedule add slow --every 1s --handler held");
    ctl_until_least(&c, "suppressed_count", 2, "schedule show slow");
    ctl_expect(&c, "firing_count", "1");
    uint64_t job = (uint64_t)ctl_number(&c, "last_job");
    ctl_must(&c, "schedule why slow");
    ctl_expect_text(&c, "blockers.1.message", "is running");
    ctl_expect(&c, "blockers.1.predicate", "\"in_flight\"");
    ctl_refused(&c, 1, "in_use", "slow", "schedule remove slow");
    ctl_must(&c, "schedule firings slow");
    ctl_expect(&c, "items.0.outcome", "\"suppressed\"");
    ctl_expect_text(&c, "items.0.reason", "in flight");
    assert_int_equal(ctl_number(&c, "items.0.job"), job);
    expect_no_hole(1000);
    gate_pass(gate, 1);
    ctl_await(&c, job, "completed");
    ctl_until_least(&c, "firing_count", 2, "schedule show slow");
    ctl_must(&c, "schedule pause slow");
    ctl_must(&c, "job cancel %" PRId64, ctl_number(&c, "last_job"));
    ctl_await(&c, (uint64_t)ctl_number(&c, "id"), "cancelled");
    ctl_must(&c, "schedule remove slow");
}

static void
a_paused_schedule_misses_its_times(void **state)
{
    (void)state;
    ctl_must(&c, "schedule add tick --every 1s --handler noop");
    ctl_must(&c, "schedule pause tick --reason test");
    ctl_until_least(&c, "missed_count", 2, "schedule show tick");
    ctl_expect(&c, "firing_count", "0");
    ctl_must(&c, "schedule resume tick");
    ctl_until_least(&c, "firing_count", 1, "schedule show tick");
    ctl_must(&c, "schedule firings tick");
    expect_no_hole(1000);
    ctl_expect(&c, "items.0.outcome", "\"fired\"");
    char path[64];
    (void)snprintf(path, sizeof(path), "items.%zu.reason", ctl_count(&c, "items") - 1); /* fits */
    ctl_expect(&c, path, "\"paused\"");
}

static void
a_failed_firing_is_a_failed_firing(void **state)
{
    (void)state;
    ctl_must(&c, "schedule add bad --every 1s --handler fails");
    ctl_until_least(&c, "failure_streak", 2, "schedule show bad");
    ctl_expect(&c, "last_failure", "\"handler_error\"");
    ctl_must(&c, "job show %" PRId64, ctl_number(&c, "last_job"));
    ctl_expect(&c, "attempt", "1");
    ctl_must(&c, "schedule firings bad --limit 100");
    expect_no_hole(1000);
    size_t last = ctl_count(&c, "items") - 1;
    char   path[64];
    (void)snprintf(path, sizeof(path), "items.%zu.class", last); /* fits */
    ctl_expect(&c, path, "\"handler_error\"");
}

/* ---- while agentd was down ----------------------------------------------------------------- */

static void
times_missed_while_down_are_told_and_the_latest_is_made_up_for(void **state)
{
    (void)state;
    ctl_must(&c, "schedule add tick --every 1s --handler noop");
    int64_t created = ctl_number(&c, "created_at");
    daemon_kill(&d);
    /* Three nominal times must pass while nobody looks: the one wait for an instant, not a state.
     */
    const struct timespec until = {.tv_sec = (time_t)((created + 3200) / 1000),
                                   .tv_nsec = (long)((created + 3200) % 1000) * 1000000};
    while (clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL) != 0)
        ;
    daemon_start(&d, NULL);
    ctl_until_least(&c, "firing_count", 1, "schedule show tick");
    assert_true(ctl_number(&c, "missed_count") >= 2);
    ctl_must(&c, "schedule pause tick");
    ctl_must(&c, "schedule firings tick --limit 1000");
    expect_no_hole(1000);
    size_t i = ctl_count(&c, "items"), seen = 0;
    char   path[64];
    while (i-- > 0) {
        (void)snprintf(path, sizeof(path), "items.%zu.outcome", i); /* fits */
        if (strcmp(ctl_value(&c, path), "\"missed\"") != 0) {
            if (seen) break;
            continue;
        }
        (void)snprintf(path, sizeof(path), "items.%zu.count", i); /* fits */
        seen += (size_t)ctl_number(&c, path);
        (void)snprintf(path, sizeof(path), "items.%zu.reason", i); /* fits */
        ctl_expect_text(&c, path, "overtaken by its next time");
    }
    assert_true(seen >= 2); /* and behind them the latest, fired */
    (void)snprintf(path, sizeof(path), "items.%zu.outcome", i); /* fits */
    ctl_expect(&c, path, "\"fired\"");
    (void)snprintf(path, sizeof(path), "items.%zu.nominal_at", i); /* fits */
    int64_t nominal = ctl_number(&c, path);
    (void)snprintf(path, sizeof(path), "items.%zu.fired_at", i); /* fits */
    assert_true(ctl_number(&c, path) >= nominal);
    assert_true(nominal >= created + 3000);
    ctl_must(&c, "fsck");
    ctl_expect(&c, "ok", "true");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, e2e_stop)
    const struct CMUnitTest tests[] = {
        TEST(a_cron_schedule_is_added_and_shown),
        TEST(a_schedule_may_be_of_a_time_zone),
        TEST(the_list_holds_the_files_and_ours),
        TEST(schedules_belong_to_companies),
        TEST(cron_is_explained_without_a_daemon),
        TEST(every_second_fires_and_completes),
        TEST(each_run_gets_the_checkpoint_and_tells_once),
        TEST(a_firing_in_flight_holds_off_the_next),
        TEST(a_paused_schedule_misses_its_times),
        TEST(a_failed_firing_is_a_failed_firing),
        TEST(times_missed_while_down_are_told_and_the_latest_is_made_up_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
