/* Attempts: what they are given, verdicts, the ladder, stops (A5–A7, N1–N5). */
#include "supervisor/engine/attempt.h"
#include "tests/unit/attempt_world.h"

#define LADDER_STEPS 4
static const int64_t ladder_ms[LADDER_STEPS] = {2 * MINUTE_MS, 10 * MINUTE_MS, 30 * MINUTE_MS,
                                                120 * MINUTE_MS};

/* ---- what a worker gets ---- */

static void
a_start_carries_all_that_the_handler_needs(void **state)
{
    struct rig *r = *state;
    struct view v;
    int64_t     n;

    rig_configure(r,
                  &(struct rig_declared){
                      .companies = "{'name':'acme'}",
                      .handlers = "{'name':'h','kind':'exec','command':['prog','-x'],'cwd':'/d'}",
                      .agents = "{'name':'anna','company':'acme','handler':'h','capabilities':5,"
                                "'data':{'prompt':'p'}}",
                  });
    rig_workers(r, 1, 1);
    uint64_t id = rig_submit(r, "'agent':'acme/anna','payload':{'q':1},'context':{'c':2},"
                                "'max_turns':12,'title':'t','tags':{'a':'b'},'max_run_ms':60000");
    const struct rig_lease *l = rig_lease(r, id);
    assert_non_null(l);
    assert_true(mp_find(l->body, "handler", &v));
    r->reply = v;
    assert_string_equal(rig_text(r, "kind"), "exec");
    assert_string_equal(rig_text(r, "command.1"), "-x");
    assert_string_equal(rig_text(r, "cwd"), "/d");
    assert_true(mp_find_i64(l->body, "max_turns", &n) && n == 12);
    assert_true(mp_find(l->body, "document", &v));
    r->reply = v;
    assert_int_equal(rig_i64(r, "v"), 1);
    assert_int_equal(rig_i64(r, "job.id"), (int64_t)id);
    assert_int_equal(rig_i64(r, "job.attempt"), 1);
    assert_string_equal(rig_text(r, "job.title"), "t");
    assert_string_equal(rig_text(r, "job.tags.a"), "b");
    assert_string_equal(rig_text(r, "agent.name"), "anna");
    assert_string_equal(rig_text(r, "agent.company"), "acme");
    assert_int_equal(rig_i64(r, "agent.capabilities"), 5);
    assert_string_equal(rig_text(r, "agent.data.prompt"), "p");
    assert_int_equal(rig_len(r, "why"), 0);
    assert_true(rig_is_nil(r, "session"));
    assert_true(rig_is_nil(r, "event"));
    assert_true(rig_is_nil(r, "checkpoint"));
    assert_true(rig_is_nil(r, "action"));
    assert_int_equal(rig_i64(r, "context.c"), 2);
    assert_int_equal(rig_i64(r, "budget.max_turns"), 12);
    assert_int_equal(rig_i64(r, "budget.deadline_at"), RIG_WALL_MS + MINUTE_MS);
}

static void
the_idempotency_key_stays_and_the_lease_changes(void **state)
{
    struct rig *r = *state;
    struct view key, lease, key_again, lease_again;

    uint64_t id = start_one(r);
    assert_true(mp_find_str(rig_lease(r, id)->body, "idempotency_key", &key));
    assert_true(mp_find_str(rig_lease(r, id)->body, "lease", &lease));
    rig_fail(r, id, "tool_failed");
    run_until_started(r, id);
    assert_true(mp_find_str(rig_lease(r, id)->body, "idempotency_key", &key_again));
    assert_true(mp_find_str(rig_lease(r, id)->body, "lease", &lease_again));
    assert_true(view_eq(key, key_again));
    assert_false(view_eq(lease, lease_again));
}

/* ---- verdicts ---- */

static void
a_completion_keeps_output_and_usage(void **state)
{
    struct rig *r = *state;

    uint64_t id = start_one(r);
    rig_wait(r, 1500);
    rig_ended(r, id,
              "'verdict':'completed','output':[7],'turns':3,'input_tokens':10,"
              "'output_tokens':20,'cost_micros':30,'exit_code':0,'rss_kb':512");
    rig_turn(r);
    expect_state(r, id, "completed");
    assert_int_equal(rig_i64(r, "output.0"), 7);
    assert_int_equal(rig_i64(r, "usage.turns"), 3);
    assert_int_equal(rig_i64(r, "usage.tokens"), 30);
    assert_int_equal(rig_i64(r, "usage.cost_micros"), 30);
    assert_int_equal(rig_i64(r, "ended_at"), RIG_WALL_MS + 1500);
    assert_true(rig_is_nil(r, "failure"));
    assert_true(rig_is_nil(r, "worker"));
    assert_true(rig_is_nil(r, "lease_expires_at"));
    assert_int_equal(rig_i64(r, "claimed_at"), RIG_WALL_MS);
    assert_int_equal(rig_len(r, "attempts"), 1);
    assert_int_equal(rig_i64(r, "attempts.0.attempt"), 1);
    assert_string_equal(rig_text(r, "attempts.0.outcome"), "completed");
    assert_int_equal(rig_i64(r, "attempts.0.exit_code"), 0);
    assert_int_equal(rig_i64(r, "attempts.0.rss_kb"), 512);
    assert_int_equal(rig_i64(r, "attempts.0.claimed_at"), RIG_WALL_MS);
    assert_int_equal(rig_i64(r, "attempts.0.ended_at"), RIG_WALL_MS + 1500);
    assert_true(rig_is_nil(r, "attempts.0.class"));
}

static void
totals_are_not_added_twice(void **state)
{
    struct rig *r = *state;

    uint64_t id = start_one(r);
    rig_progress(r, id, "'turns':2,'input_tokens':100,'percent':10,'message':'m'");
    rig_turn(r);
    assert_int_equal(rig_job_i64(r, id, "usage.turns"), 2);
    rig_progress(r, id, "'turns':5,'input_tokens':150");
    rig_progress(r, id, "'turns':4,'input_tokens':120"); /* overtaken */
    rig_turn(r);
    assert_int_equal(rig_job_i64(r, id, "usage.turns"), 5);
    assert_int_equal(rig_i64(r, "usage.tokens"), 150);
    rig_ended(r, id, "'verdict':'failed','turns':6,'input_tokens':160");
    rig_turn(r);
    assert_int_equal(rig_job_i64(r, id, "usage.turns"), 6);
    assert_int_equal(rig_i64(r, "attempts.0.usage.turns"), 6);
    run_until_started(r, id);
    rig_ended(r, id, "'verdict':'completed','turns':4");
    rig_turn(r);
    assert_int_equal(rig_job_i64(r, id, "usage.turns"), 10); /* over all attempts */
    assert_int_equal(rig_i64(r, "attempts.1.usage.turns"), 4);
}

/* A6: what each class leads to. */
static void
each_class_that_a_handler_may_name_is_retried_or_not(void **state)
{
    static const struct {
        const char *named, *kept;
        bool        is_retried;
    } classes[] = {
        {"turn_limit_exceeded", "turn_limit_exceeded", false},
        {"timeout",             "timeout",             true },
        {"handler_error",       "handler_error",       true },
        {"invalid_output",      "invalid_output",      true },
        {"context_exceeded",    "context_exceeded",    true },
        {"tool_failed",         "tool_failed",         true },
        {"budget_exceeded",     "budget_exceeded",     false},
        {"lease_expired",       "handler_error",       true },
        {"aborted",             "handler_error",       true },
        {"expired",             "handler_error",       true },
        {"worker_lost",         "handler_error",       true },
        {"interrupted",         "handler_error",       true },
        {"whatever",            "handler_error",       true },
    };
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        uint64_t id = rig_submit(r, "'handler':'noop'");

        rig_fail(r, id, classes[i].named);
        expect_state(r, id, classes[i].is_retried ? "scheduled" : "failed");
        assert_string_equal(rig_text(r, "failure.class"), classes[i].kept);
        assert_string_equal(rig_text(r, "failure.message"), "went wrong");
        assert_int_equal(rig_i64(r, "failures"), 1);
        assert_int_equal(rig_i64(r, "crashes"), 0);
        assert_string_equal(rig_text(r, "attempts.0.outcome"), "failed");
        assert_string_equal(rig_text(r, "attempts.0.class"), classes[i].kept);
        if (classes[i].is_retried) {
            assert_string_equal(rig_text(r, "reason"), "retry");
            assert_int_equal(rig_i64(r, "failure.retry_at"), rig_i64(r, "run_at"));
        } else {
            assert_true(rig_is_nil(r, "failure.retry_at"));
        }
    }
}

/* ---- the ladder ---- */

static void
the_ladder_is_climbed_with_jitter_and_ends(void **state)
{
    struct rig *r = *state;

    uint64_t id = start_one(r);
    for (int i = 0; i < LADDER_STEPS; i++) {
        rig_fail(r, id, "tool_failed");
        int64_t wait = rig_job_i64(r, id, "run_at") - r->header.now.wall_ms;
        assert_in_range(wait, ladder_ms[i] * 3 / 4, ladder_ms[i] * 5 / 4);
        assert_int_equal(rig_i64(r, "failures"), i + 1);
        rig_advance(r, wait - 1);
        expect_state(r, id, "scheduled");
        rig_advance(r, 1);
        expect_state(r, id, "running");
        assert_int_equal(rig_i64(r, "attempt"), i + 2);
    }
    rig_fail(r, id, "tool_failed"); /* the fifth of 5 */
    expect_state(r, id, "failed");
    assert_int_equal(rig_i64(r, "failures"), 5);
    assert_int_equal(rig_i64(r, "attempt"), 5);
    assert_int_equal(rig_len(r, "attempts"), 5);
    assert_false(rig_bool(r, "quarantined"));
    assert_int_equal(rig_feed_count(r, "job.failed"), 1);
    assert_int_equal(rig_feed_count(r, "job.retrying"), 4);
}

static void
jitter_spreads_over_the_whole_quarter(void **state)
{
    enum { JOBS = 200 };
    struct rig *r = *state;
    int64_t     least = INT64_MAX, most = 0;

    r->is_unchecked = true;
    rig_workers(r, 1, 4);
    for (int i = 0; i < JOBS; i++) {
        uint64_t id = rig_submit(r, "'handler':'noop','retry':[1000000]");
        rig_fail(r, id, "tool_failed");
        int64_t wait = rig_job_i64(r, id, "run_at") - r->header.now.wall_ms;

        if (wait < least) least = wait;
        if (wait > most) most = wait;
        rig_must(r, "job.cancel", "'id':%d", (int)id);
    }
    assert_in_range(least, 750000, 800000); /* 200 draws miss a tenth of the range with 1e-9 */
    assert_in_range(most, 1200000, 1250000);
}

static void
own_ladders_win_over_the_handlers_and_that_over_the_limits(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &(struct rig_declared){
                         .handlers = "{'name':'h','kind':'exec','command':['x'],'retry':[8000]}"});
    rig_workers(r, 1, 4);
    uint64_t own = rig_submit(r, "'handler':'h','retry':[400,40000]");
    rig_fail(r, own, "timeout");
    assert_in_range(rig_job_i64(r, own, "run_at") - RIG_WALL_MS, 300, 500);
    uint64_t handlers = rig_submit(r, "'handler':'h'");
    rig_fail(r, handlers, "timeout");
    assert_in_range(rig_job_i64(r, handlers, "run_at") - RIG_WALL_MS, 6000, 10000);
    rig_advance(r, 10000);
    expect_state(r, own, "running");
    rig_fail(r, own, "timeout");
    assert_in_range(rig_job_i64(r, own, "run_at") - r->header.now.wall_ms, 30000, 50000);
    run_until_started(r, own);
    rig_fail(r, own, "timeout"); /* the last step repeats (N2) */
    assert_in_range(rig_job_i64(r, own, "run_at") - r->header.now.wall_ms, 30000, 50000);
}

static void
max_attempts_bounds_the_failures(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    uint64_t once = rig_submit(r, "'handler':'noop','max_attempts':1");
    rig_fail(r, once, "tool_failed");
    expect_state(r, once, "failed");
    uint64_t many = rig_submit(r, "'handler':'noop','max_attempts':40,'retry':[0]");
    for (int i = 1; i < 40; i++) {
        rig_fail(r, many, "tool_failed");
        rig_settle(r);
        expect_state(r, many, "running");
        assert_int_equal(rig_i64(r, "attempt"), i + 1);
    }
    rig_fail(r, many, "tool_failed");
    expect_state(r, many, "failed");
}

static void
retry_after_wins_over_the_ladder(void **state)
{
    struct rig *r = *state;

    uint64_t id = start_one(r);
    rig_ended(r, id, "'verdict':'failed','class':'tool_failed','after_ms':12345");
    rig_turn(r);
    assert_int_equal(rig_job_i64(r, id, "run_at"), RIG_WALL_MS + 12345); /* exactly: no jitter */
    assert_int_equal(rig_i64(r, "failures"), 1);
    rig_advance(r, 12345);
    rig_ended(r, id, "'verdict':'failed','class':'budget_exceeded','after_ms':5");
    rig_turn(r);
    expect_state(r, id, "failed"); /* a class that is not retried is not retried later either */
}

static void
a_snooze_costs_no_attempt(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    uint64_t id = rig_submit(r, "'handler':'noop','max_attempts':1");
    for (int i = 1; i <= 3; i++) {
        rig_ended(r, id, "'verdict':'snoozed','after_ms':7000,'turns':1");
        rig_turn(r);
        expect_state(r, id, "scheduled");
        assert_int_equal(rig_i64(r, "run_at"), r->header.now.wall_ms + 7000);
        assert_int_equal(rig_i64(r, "failures"), 0);
        assert_int_equal(rig_i64(r, "attempt"), i);
        assert_int_equal(rig_i64(r, "usage.turns"), i); /* usage is committed */
        assert_true(rig_is_nil(r, "failure"));
        rig_advance(r, 7000);
        expect_state(r, id, "running");
    }
    assert_string_equal(rig_text(r, "attempts.2.outcome"), "snoozed");
    assert_int_equal(rig_feed_count(r, "job.snoozed"), 3);
}

static void
a_job_that_snoozes_for_ever_is_slow_and_keeps_its_newest_attempts(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    rig_must(r, "ticket.add", "'title':'t'");
    uint64_t id = rig_submit(r, "'handler':'noop','ticket':1");
    for (int i = 0; i <= ATTEMPTS_KEPT; i++) {
        rig_ended(r, id, "'verdict':'snoozed','after_ms':0,'turns':1");
        rig_turn(r);
        rig_advance(r, SNOOZE_MIN_MS - 1);
        expect_state(r, id, "scheduled");
        rig_advance(r, 1);
    }
    expect_state(r, id, "running");
    assert_int_equal(rig_len(r, "attempts"), ATTEMPTS_KEPT);
    assert_int_equal(rig_i64(r, "attempts.0.attempt"), 2);
    assert_int_equal(rig_i64(r, "attempt"), ATTEMPTS_KEPT + 2);
    rig_must_read(r, "ticket.show", "'id':1");
    assert_int_equal(rig_i64(r, "usage.turns"), ATTEMPTS_KEPT + 1);
    /* Of one whose agentd is killed: what the job used and none of the others did. */
    rig_progress(r, id, "'turns':7");
    rig_turn(r);
    rig_crash(r);
    rig_turn(r);
    rig_old_leases_gone(r);
    rig_turn(r);
    rig_must_read(r, "job.show", "'id':%d", (int)id);
    assert_int_equal(rig_i64(r, "attempts.999.usage.turns"), 7);
}

/* Exit 75 without a verdict: the worker reports a snooze without a time. */
static void
a_snooze_without_a_time_takes_the_ladders_next_step(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    uint64_t id = rig_submit(r, "'handler':'noop','retry':[4000,400000]");
    rig_ended(r, id, "'verdict':'snoozed','exit_code':75");
    rig_turn(r);
    assert_in_range(rig_job_i64(r, id, "run_at") - RIG_WALL_MS, 3000, 5000);
    assert_int_equal(rig_i64(r, "failures"), 0);
    run_until_started(r, id);
    rig_fail(r, id, "tool_failed");
    run_until_started(r, id);
    rig_ended(r, id, "'verdict':'snoozed','exit_code':75");
    rig_turn(r);
    assert_in_range(rig_job_i64(r, id, "run_at") - r->header.now.wall_ms, 300000, 500000);
    assert_int_equal(rig_i64(r, "failures"), 1);
}

/* ---- stops: the first reason wins ---- */

static void
the_first_stop_reason_fixes_the_class(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    uint64_t cancelled = rig_submit(r, "'handler':'noop','max_run_ms':10000");
    uint64_t expired = rig_submit(r, "'handler':'noop','max_run_ms':10000");
    rig_advance(r, 9000);
    rig_must(r, "job.cancel", "'id':%d", (int)cancelled);
    rig_advance(r, 1000);
    assert_true(rig_lease(r, expired)->is_stopped);
    rig_must(r, "job.cancel", "'id':%d", (int)expired);
    rig_ended(r, cancelled, "'verdict':'failed','class':'timeout','signal':15");
    rig_ended(r, expired, "'verdict':'failed','class':'timeout','signal':9");
    rig_turn(r);
    expect_state(r, cancelled, "cancelled");
    assert_string_equal(rig_text(r, "failure.class"), "aborted");
    assert_int_equal(rig_i64(r, "failures"), 0);
    expect_state(r, expired, "scheduled");
    assert_string_equal(rig_text(r, "failure.class"), "lease_expired");
    assert_string_equal(rig_text(r, "attempts.0.outcome"), "stopped");
    assert_string_equal(rig_text(r, "attempts.0.class"), "lease_expired");
    assert_int_equal(rig_i64(r, "attempts.0.signal"), 9);
    assert_int_equal(rig_i64(r, "failures"), 1);
}

/* What a stopped attempt asks for itself comes too late as well. */
static void
after_a_stop_no_retry_after_is_heard(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    uint64_t id = rig_submit(r, "'handler':'noop','max_run_ms':10000,'retry':[4000]");
    rig_advance(r, 10000);
    rig_ended(r, id, "'verdict':'failed','class':'rate_limited','after_ms':5");
    rig_turn(r);
    assert_in_range(rig_job_i64(r, id, "run_at") - r->header.now.wall_ms, 3000, 5000);
}

static void
after_a_stop_a_result_is_refused(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    uint64_t id = rig_submit(r, "'handler':'noop','max_run_ms':10000");
    rig_advance(r, 10000);
    expect_state(r, id, "running"); /* it holds its caps until its processes are gone (N1) */
    assert_true(rig_bool(r, "stopping"));
    rig_ended(r, id, "'verdict':'completed','output':1");
    rig_turn(r);
    expect_state(r, id, "scheduled");
    assert_true(rig_is_nil(r, "output"));
}

static void
a_result_that_comes_in_the_turn_of_the_leases_end_counts(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    uint64_t id = rig_submit(r, "'handler':'noop','max_run_ms':10000");
    rig_wait(r, 10000);
    rig_ended(r, id, "'verdict':'completed'"); /* reports are applied first (N6) */
    rig_turn(r);
    expect_state(r, id, "completed");
}

static void
one_lease_that_does_not_end_holds_up_no_other(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    uint64_t stuck = rig_submit(r, "'handler':'noop','max_run_ms':10000");
    rig_advance(r, 10000);
    assert_true(rig_lease(r, stuck)->is_stopped);
    uint64_t other = rig_submit(r, "'handler':'noop','max_run_ms':20000");
    assert_int_equal(r->deadline.boot_ms < r->header.now.boot_ms + 30001, 1);
    rig_advance(r, 20000);
    assert_true(rig_lease(r, other)->is_stopped);
    rig_ended(r, other, "'verdict':'failed'");
    rig_turn(r);
    expect_state(r, other, "scheduled");
    expect_state(r, stuck, "running");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_start_carries_all_that_the_handler_needs),
        TEST(the_idempotency_key_stays_and_the_lease_changes),
        TEST(a_completion_keeps_output_and_usage),
        TEST(totals_are_not_added_twice),
        TEST(each_class_that_a_handler_may_name_is_retried_or_not),
        TEST(the_ladder_is_climbed_with_jitter_and_ends),
        TEST(jitter_spreads_over_the_whole_quarter),
        TEST(own_ladders_win_over_the_handlers_and_that_over_the_limits),
        TEST(max_attempts_bounds_the_failures),
        TEST(retry_after_wins_over_the_ladder),
        TEST(a_snooze_costs_no_attempt),
        TEST(a_job_that_snoozes_for_ever_is_slow_and_keeps_its_newest_attempts),
        TEST(a_snooze_without_a_time_takes_the_ladders_next_step),
        TEST(the_first_stop_reason_fixes_the_class),
        TEST(after_a_stop_no_retry_after_is_heard),
        TEST(after_a_stop_a_result_is_refused),
        TEST(a_result_that_comes_in_the_turn_of_the_leases_end_counts),
        TEST(one_lease_that_does_not_end_holds_up_no_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
