/* Jobs, from outside: what agentctl is asked, what becomes of the jobs. */
#include "tests/system/e2e.h"
#include <signal.h>

#define CONFIG                                                                                 \
    "workers: {count: 1, slots: 1}\n"                                                          \
    "limits: {kill_grace: 200ms, company_max_concurrent: null}\n"                              \
    "companies: {acme: {}}\n"                                                                  \
    "agents:\n"                                                                                \
    "  - {name: scout, handler: echo}\n"                                                       \
    "  - {name: scout, handler: echo, company: acme}\n"                                        \
    "handlers:\n"                                                                              \
    "  fails: {kind: exec, command: [sh, -c, 'echo no luck >&2; exit 3'],\n"                   \
    "          retry: [100ms], max_attempts: 3}\n"                                             \
    "  held: {kind: exec, env: [DIR], command: [sh, -c,\n"                                     \
    "         'echo $AGENTD_JOB_ID >>$DIR/mark; echo begun; read x <$DIR/gate; echo over'],\n" \
    "         max_attempts: 1}\n"

static int
start(void **state)
{
    (void)state;
    e2e_make();
    return e2e_start(CONFIG);
}

/* A job that fills the only slot until it is let through. */
static uint64_t
hold_the_slot(void)
{
    uint64_t job = ctl_submit(&c, "held");

    ctl_await(&c, job, "running");
    return job;
}

static void
expect_ids(const char *wanted)
{
    BUF_AUTO struct buf got = {0};

    for (size_t i = 0; i < ctl_count(&c, "items"); i++) {
        char path[32];

        (void)snprintf(path, sizeof(path), "items.%zu.id", i); /* fits */
        buf_printf(&got, "%s%" PRId64, i ? " " : "", ctl_number(&c, path));
    }
    if (strcmp(buf_str(&got), wanted) != 0) {
        daemon_fail(&d, "%s: '%s', not '%s'", buf_str(&c.line), got.data, wanted);
    }
}

/* ---- what is shown ------------------------------------------------------------------------- */

static void
a_job_comes_back_as_it_was_submitted(void **state)
{
    (void)state;
    uint64_t job = ctl_submit(&c, "--agent scout --payload '{\"a\": [1, null, \"x\"]}' --context "
                                  "'{\"why\": \"test\"}' --title 'A title' --source test "
                                  "--tag k=v --tag l=w --max-run 5m --max-turns 7 --trigger event");
    ctl_await(&c, job, "completed");
    ctl_expect(&c, "payload", "{\"a\":[1,null,\"x\"]}");
    ctl_expect(&c, "output", "{\"a\":[1,null,\"x\"]}");
    ctl_expect(&c, "context", "{\"why\":\"test\"}");
    ctl_expect(&c, "title", "\"A title\"");
    ctl_expect(&c, "source", "\"test\"");
    ctl_expect(&c, "tags", "{\"k\":\"v\",\"l\":\"w\"}");
    ctl_expect(&c, "max_run_ms", "300000");
    ctl_expect(&c, "max_turns", "7");
    ctl_expect(&c, "trigger", "\"event\"");
    ctl_expect(&c, "priority", "50");
    ctl_expect(&c, "agent", "\"scout\"");
    ctl_expect(&c, "handler", "\"echo\"");
    ctl_expect(&c, "company", "\"default\"");
    ctl_expect(&c, "attempt", "1");
    ctl_expect(&c, "failures", "0");
    ctl_expect(&c, "crashes", "0");
    ctl_expect(&c, "failure", "null");
    ctl_expect(&c, "lease_expires_at", "null");
    ctl_expect(&c, "attempts.0.outcome", "\"completed\"");
    assert_true(ctl_number(&c, "submitted_at") <= ctl_number(&c, "claimed_at"));
    assert_true(ctl_number(&c, "claimed_at") <= ctl_number(&c, "ended_at"));
    assert_int_equal(ctl_count(&c, "attempts"), 1);
    ctl_refused(&c, 1, "not_found", "job 99", "job show 99");
}

/* One byte more is refused. */
static void
a_payload_of_a_mebibyte_comes_back(void **state)
{
    const size_t size = PAYLOAD_MAX - 5; /* msgpack's header of a long text */
    char         path[128];

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/payload", d.folder);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputc('"', file) == '"');
    for (size_t i = 0; i < size; i++)
        assert_true(fputc('a' + (int)(i % 26), file) != EOF);
    assert_true(fputc('"', file) == '"');
    assert_int_equal(fclose(file), 0);
    uint64_t job = ctl_submit(&c, "echo --payload @%s", path);
    ctl_await(&c, job, "completed");
    const json_t *payload = json_object_get(c.out, "payload");
    assert_int_equal(json_string_length(payload), size);
    assert_true(json_equal(payload, json_object_get(c.out, "output")));
    assert_int_equal(json_string_value(payload)[size - 1], 'a' + (int)((size - 1) % 26));

    assert_int_equal(truncate(path, (off_t)size + 1), 0);
    file = fopen(path, "ae");
    assert_non_null(file);
    assert_true(fputs("x\"", file) >= 0);
    assert_int_equal(fclose(file), 0);
    int64_t before = ctl_state_hash(&c);
    ctl_refused(&c, 2, "usage", "--payload", "job submit echo --payload @%s", path);
    assert_int_equal(ctl_state_hash(&c), before);
}

/* ---- lists --------------------------------------------------------------------------------- */

static void
lists_filter_by_each_field(void **state)
{
    (void)state;
    ctl_await(&c, ctl_submit(&c, "fails --max-attempts 1 --tag k=v"), "failed");          /* 1 */
    ctl_await(&c, ctl_submit(&c, "echo --agent scout --trigger event"), "completed");     /* 2 */
    ctl_await(&c, ctl_submit(&c, "noop --company acme --tag k=w"), "completed");          /* 3 */
    ctl_await(&c, ctl_submit(&c, "echo --agent acme/scout --company acme"), "completed"); /* 4 */
    (void)ctl_submit(&c, "noop --in 1h --tag k=v");                                       /* 5 */
    ctl_await(&c, ctl_submit(&c, "fails --retry 10h"), "scheduled"); /* 6, which may still run */
    ctl_until(&c, "failures", "1", "job show 6");
    (void)hold_the_slot();                                       /* 7 */
    (void)ctl_submit(&c, "noop");                                /* 8 */
    ctl_must(&c, "job cancel %" PRIu64, ctl_submit(&c, "noop")); /* 9 */

    ctl_must(&c, "job list");
    expect_ids("9 8 7 6 5 4 3 2 1");
    ctl_expect(&c, "next", "null");
    ctl_expect(&c, "items.0.payload", "");
    ctl_must(&c, "job list --state failed");
    expect_ids("1");
    ctl_must(&c, "job list --state completed");
    expect_ids("4 3 2");
    ctl_must(&c, "job list --state scheduled");
    expect_ids("5 6");
    ctl_must(&c, "job list --state running");
    expect_ids("7");
    ctl_must(&c, "job list --state ready");
    expect_ids("8");
    ctl_must(&c, "job list --state cancelled");
    expect_ids("9");
    ctl_must(&c, "job list --state expired");
    expect_ids("");
    ctl_must(&c, "job list --state parked");
    expect_ids("");
    ctl_must(&c, "job list --company acme");
    expect_ids("4 3");
    ctl_must(&c, "job list --agent scout");
    expect_ids("2");
    ctl_must(&c, "job list --agent acme/scout");
    expect_ids("4");
    ctl_must(&c, "job list --handler echo");
    expect_ids("4 2");
    ctl_must(&c, "job list --trigger event");
    expect_ids("2");
    ctl_must(&c, "job list --tag k=v");
    expect_ids("5 1");
    ctl_must(&c, "job list --tag k=v --state failed");
    expect_ids("1");
    ctl_must(&c, "job list --due");
    expect_ids("8");
    ctl_must(&c, "job list --retrying");
    expect_ids("6");
    ctl_must(&c, "job list --older 1h");
    expect_ids("");
    ctl_must(&c, "job list --older 0s --handler noop");
    expect_ids("9 8 5 3");
    ctl_refused(&c, 1, "bad_request", "state", "job list --state weird");
    ctl_refused(&c, 1, "bad_request", "trigger", "job list --trigger weird");
    ctl_refused(&c, 1, "bad_request", "tag", "job list --tag weird");
    ctl_refused(&c, 1, "bad_request", "after", "job list --after weird");
    ctl_refused(&c, 1, "not_found", "agent", "job list --agent weird");
    gate_pass(gate, 1);
}

static void
lists_are_read_page_by_page(void **state)
{
    BUF_AUTO struct buf all = {0};
    char                after[128] = "0";

    (void)state;
    (void)hold_the_slot();
    for (int i = 2; i <= 8; i++)
        (void)ctl_submit(&c, "noop --priority %d", i);
    ctl_must(&c, "job list --limit 3");
    for (;;) {
        for (size_t i = 0; i < ctl_count(&c, "items"); i++) {
            char path[32];

            (void)snprintf(path, sizeof(path), "items.%zu.id", i); /* fits */
            buf_printf(&all, "%" PRId64 " ", ctl_number(&c, path));
        }
        if (strcmp(ctl_value(&c, "next"), "null") == 0) break;
        assert_int_equal(ctl_count(&c, "items"), 3);
        ctl_copy(&c, "next", after, sizeof(after));
        ctl_must(&c, "job list --limit 3 --after %s", after);
    }
    assert_string_equal(buf_str(&all), "8 7 6 5 4 3 2 1 ");
    /* What waits is listed in the order in which it will start. */
    ctl_must(&c, "job list --state ready --limit 4");
    expect_ids("8 7 6 5");
    ctl_copy(&c, "next", after, sizeof(after));
    ctl_must(&c, "job list --state ready --limit 4 --after %s", after);
    expect_ids("4 3 2");
    ctl_expect(&c, "next", "null");
    gate_pass(gate, 1);
}

/* ---- changes ------------------------------------------------------------------------------- */

static void
a_waiting_job_is_cancelled_and_retried(void **state)
{
    (void)state;
    (void)hold_the_slot();
    uint64_t ready = ctl_submit(&c, "noop");
    uint64_t later = ctl_submit(&c, "noop --in 1h");
    ctl_must(&c, "job cancel %" PRIu64, ready);
    ctl_expect(&c, "state", "\"cancelled\"");
    ctl_expect(&c, "failure.class", "\"aborted\"");
    ctl_must(&c, "job cancel %" PRIu64, later);
    ctl_expect(&c, "state", "\"cancelled\"");
    ctl_refused(&c, 1, "wrong_state", "cancelled", "job cancel %" PRIu64, ready);
    ctl_ends(&c, 4, "job wait %" PRIu64, ready);
    ctl_must(&c, "job retry %" PRIu64, ready);
    ctl_expect(&c, "state", "\"ready\"");
    ctl_refused(&c, 1, "wrong_state", "ready", "job retry %" PRIu64, ready);
    gate_pass(gate, 1);
    ctl_await(&c, ready, "completed");
    ctl_expect(&c, "attempt", "1");
    ctl_refused(&c, 1, "wrong_state", "completed", "job cancel %" PRIu64, ready);
    ctl_refused(&c, 1, "wrong_state", "completed", "job retry %" PRIu64, ready);
}

static void
a_running_job_is_cancelled(void **state)
{
    (void)state;
    uint64_t job = hold_the_slot();
    uint64_t next = ctl_submit(&c, "noop");
    ctl_must(&c, "job cancel %" PRIu64, job);
    ctl_await(&c, job, "cancelled");
    ctl_expect(&c, "failure.class", "\"aborted\"");
    ctl_expect(&c, "failures", "0");
    ctl_await(&c, next, "completed");
}

static void
a_waiting_job_is_set_anew(void **state)
{
    (void)state;
    (void)hold_the_slot();
    uint64_t low = ctl_submit(&c, "held --priority 10");
    uint64_t high = ctl_submit(&c, "held --priority 20");
    uint64_t later = ctl_submit(&c, "held --in 1h --priority 5");
    uint64_t put_off = ctl_submit(&c, "held");
    ctl_must(&c, "job set %" PRIu64 " --priority 30", low);
    ctl_expect(&c, "priority", "30");
    ctl_must(&c, "job set %" PRIu64 " --at now", later);
    ctl_expect(&c, "state", "\"ready\"");
    ctl_must(&c, "job set %" PRIu64 " --at +1h", put_off);
    ctl_expect(&c, "state", "\"scheduled\"");
    ctl_refused(&c, 1, "wrong_state", "running", "job set 1 --priority 1");
    ctl_refused(&c, 1, "bad_request", "priority", "job set %" PRIu64, low);
    gate_pass(gate, 4);
    ctl_await(&c, later, "completed");
    assert_int_equal(marks_number(&d, "mark", 1), low);
    assert_int_equal(marks_number(&d, "mark", 2), high);
    assert_int_equal(marks_number(&d, "mark", 3), later);
    assert_int_equal(marks_count(&d, "mark"), 4);
    ctl_must(&c, "job show %" PRIu64, put_off);
    ctl_expect(&c, "state", "\"scheduled\"");
}

/* ---- order and time ------------------------------------------------------------------------ */

static void
one_slot_serves_by_priority_then_age(void **state)
{
    static const int    priorities[] = {10, 90, 50, 90, 50};
    static const size_t order[] = {1, 3, 2, 4, 0};
    uint64_t            jobs[5];

    (void)state;
    (void)hold_the_slot();
    for (size_t i = 0; i < 5; i++)
        jobs[i] = ctl_submit(&c, "held --priority %d", priorities[i]);
    gate_pass(gate, 6);
    ctl_await(&c, jobs[0], "completed");
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(marks_number(&d, "mark", i + 1), jobs[order[i]]);
}

static void
companies_take_turns_within_a_priority(void **state)
{
    uint64_t ours[3], theirs[2];

    (void)state;
    (void)hold_the_slot();
    for (size_t i = 0; i < 3; i++)
        ours[i] = ctl_submit(&c, "held");
    for (size_t i = 0; i < 2; i++)
        theirs[i] = ctl_submit(&c, "held --company acme");
    gate_pass(gate, 6);
    ctl_await(&c, ours[2], "completed");
    const uint64_t order[] = {theirs[0], ours[0], theirs[1], ours[1], ours[2]};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(marks_number(&d, "mark", i + 1), order[i]);
}

static void
a_delayed_job_starts_when_its_time_has_come(void **state)
{
    (void)state;
    uint64_t job = ctl_submit(&c, "noop --in 400ms");
    ctl_expect(&c, "state", "\"scheduled\"");
    ctl_expect(&c, "reason", "\"due_later\"");
    ctl_await(&c, job, "completed");
    assert_true(ctl_number(&c, "claimed_at") >= ctl_number(&c, "run_at"));
    assert_int_equal(ctl_number(&c, "run_at") - ctl_number(&c, "submitted_at"), 400);
    job = ctl_submit(&c, "noop --at +10m");
    ctl_must(&c, "job why %" PRIu64, job);
    ctl_expect(&c, "blockers.0.predicate", "\"due_later\"");
    int64_t until = ctl_number(&c, "blockers.0.until_at");
    assert_int_equal(ctl_number(&c, "earliest_at"), until);
    ctl_refused(&c, 3, "no_answer", "has not ended", "job wait %" PRIu64 " --timeout 1s", job);
    ctl_must(&c, "job retry %" PRIu64, job);
    ctl_await(&c, job, "completed");
}

static void
a_job_that_is_not_started_in_time_expires(void **state)
{
    (void)state;
    (void)hold_the_slot();
    uint64_t job = ctl_submit(&c, "noop --expires +1s");
    ctl_ends(&c, 4, "job wait %" PRIu64, job);
    ctl_expect(&c, "state", "\"expired\"");
    ctl_expect(&c, "failure.class", "\"expired\"");
    ctl_expect(&c, "attempt", "0");
    uint64_t running = ctl_submit(&c, "noop --expires +1h");
    gate_pass(gate, 1);
    ctl_await(&c, running, "completed");
    ctl_must(&c, "job retry %" PRIu64, job);
    ctl_await(&c, job, "completed");
    ctl_refused(&c, 1, "bad_request", "expires_at",
                "job submit noop --expires 2001-01-01T00:00:00Z");
    ctl_refused(&c, 1, "bad_request", "expires_at", "job submit noop --in 1h --expires +1m");
}

/* ---- counts and logs ----------------------------------------------------------------------- */

static void
stats_count_by_state_and_company(void **state)
{
    (void)state;
    ctl_await(&c, ctl_submit(&c, "noop"), "completed");
    ctl_await(&c, ctl_submit(&c, "noop --company acme"), "completed");
    ctl_await(&c, ctl_submit(&c, "fails --max-attempts 1"), "failed");
    (void)ctl_submit(&c, "noop --in 1h");
    ctl_must(&c, "job stats");
    ctl_expect(&c, "completed", "2");
    ctl_expect(&c, "failed", "1");
    ctl_expect(&c, "scheduled", "1");
    ctl_expect(&c, "ready", "0");
    ctl_expect(&c, "running", "0");
    assert_int_equal(ctl_count(&c, "companies"), 2);
    assert_int_equal(ctl_number(&c, "recent.ended"), 2);
    assert_true(ctl_number(&c, "recent.run_ms.p99") >= ctl_number(&c, "recent.run_ms.p50"));
    ctl_must(&c, "job stats --company acme");
    ctl_expect(&c, "completed", "1");
    ctl_expect(&c, "failed", "0");
    ctl_expect(&c, "companies.0.company", "\"acme\"");
    ctl_must(&c, "status");
    ctl_expect(&c, "queue.completed", "2");
    ctl_must(&c, "fsck");
    ctl_expect(&c, "ok", "true");
}

static void
logs_are_followed_until_the_job_has_ended(void **state)
{
    struct ctl_process follower;

    (void)state;
    uint64_t job = hold_the_slot();
    ctl_start(&follower, &d, "job logs -f %" PRIu64, job);
    assert_non_null(strstr(ctl_line_with(&follower, "begun"), " 1 out begun"));
    gate_pass(gate, 1);
    assert_non_null(strstr(ctl_line_with(&follower, "over"), " 1 out over"));
    assert_null(ctl_line(&follower));
    assert_int_equal(ctl_end(&follower, 0, NULL), 0);
    ctl_must(&c, "job logs %" PRIu64, job);
    ctl_expect_text(&c, "text", "begun\n");
    ctl_expect_text(&c, "text", "over\n");
    ctl_expect(&c, "ended", "true");
    int64_t size = ctl_number(&c, "size");
    ctl_must(&c, "job logs %" PRIu64 " --offset %" PRId64, job, size);
    ctl_expect(&c, "text", "\"\"");
    ctl_refused(&c, 1, "not_found", "job 99", "job logs 99");
}

static void
without_a_daemon_the_exit_code_is_3(void **state)
{
    (void)state;
    daemon_stop(&d);
    ctl_refused(&c, 3, "no_answer", "agentd", "job submit noop");
    ctl_ends(&c, 3, "daemon status");
    ctl_expect(&c, "running", "false");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, e2e_stop)
    const struct CMUnitTest tests[] = {
        TEST(a_job_comes_back_as_it_was_submitted),
        TEST(a_payload_of_a_mebibyte_comes_back),
        TEST(lists_filter_by_each_field),
        TEST(lists_are_read_page_by_page),
        TEST(a_waiting_job_is_cancelled_and_retried),
        TEST(a_running_job_is_cancelled),
        TEST(a_waiting_job_is_set_anew),
        TEST(one_slot_serves_by_priority_then_age),
        TEST(companies_take_turns_within_a_priority),
        TEST(a_delayed_job_starts_when_its_time_has_come),
        TEST(a_job_that_is_not_started_in_time_expires),
        TEST(stats_count_by_state_and_company),
        TEST(logs_are_followed_until_the_job_has_ended),
        TEST(without_a_daemon_the_exit_code_is_3),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
