/* Firings that failed: whether they are tried again (A5), and how they count in a row (A6, C8). */
#include "tests/unit/schedule_world.h"

static uint64_t
last_job(struct rig *r, const char *name)
{
    return (uint64_t)schedule_i64(r, name, "last_job");
}

/* ---- tried again ---- */

/* The schedule's last job fails once: the state that it is in then. */
static void
expect_after_failure(struct rig *r, const char *name, const char *state)
{
    uint64_t id = last_job(r, name);

    rig_fail(r, id, "tool_failed");
    expect_state(r, id, state);
}

static void
a_ladder_of_the_profile_that_a_schedule_names_retries_its_firings(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 8);
    rig_must(r, "profile.add", "'name':'steps','retry':[3000]");
    rig_must(r, "profile.add", "'name':'base','retry_base_ms':3000,'retry_factor':1");
    rig_must(r, "profile.add", "'name':'times','max_attempts':2");
    rig_must(r, "profile.add", "'name':'plain','max_run_ms':60000");
    static const char *const names[] = {"steps", "base", "times", "plain"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        rig_must(r, "schedule.add", "'name':'%s','every_ms':600000,'handler':'noop','profile':'%s'",
                 names[i], names[i]);
    }
    rig_must(r, "schedule.add",
             "'name':'own','every_ms':600000,'handler':'noop','profile':'steps','max_attempts':1");
    rig_advance(r, 600000);
    assert_int_equal(rig_job_i64(r, last_job(r, "steps"), "max_attempts"), 5);
    assert_int_equal(rig_job_i64(r, last_job(r, "times"), "max_attempts"), 2);
    expect_after_failure(r, "steps", "scheduled");
    assert_in_range(rig_i64(r, "run_at") - r->header.now.wall_ms, 2250, 3751);
    expect_after_failure(r, "base", "scheduled");
    expect_after_failure(r, "times", "scheduled");
    expect_after_failure(r, "plain", "failed");
    expect_after_failure(r, "own", "failed"); /* what the schedule says goes before its profile */
}

static void
what_an_agent_or_a_handler_says_of_its_jobs_does_not_retry_a_firing(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &(struct rig_declared){
                         .handlers = "{'name':'h','kind':'exec','command':['x'],'retry':[1000],"
                                     "'max_attempts':3}"});
    rig_workers(r, 1, 8);
    rig_must(r, "profile.add", "'name':'p','retry':[3000]");
    rig_must(r, "agent.add", "'name':'anna','handler':'h','profile':'p'");
    rig_must(r, "schedule.add", "'name':'s','every_ms':600000,'agent':'anna'");
    rig_advance(r, 600000);
    expect_after_failure(r, "s", "failed");
    uint64_t by_hand = rig_submit(r, "'agent':'anna'"); /* a job of the agent's own is */
    rig_fail(r, by_hand, "tool_failed");
    expect_state(r, by_hand, "scheduled");
}

/* ---- in a row ---- */

static void
the_class_says_which_streak_a_failed_firing_counts_in(void **state)
{
    static const struct {
        const char *class;
        int64_t streak;
    } firings[] = {
        {"tool_failed",         1},
        {"budget_exceeded",     2},
        {"turn_limit_exceeded", 0}, /* of the other streak: it resets this one */
        {"timeout",             1},
    };
    struct rig *r = *state;

    rig_workers(r, 1, 8);
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    for (size_t i = 0; i < ARRAY_LEN(firings); i++) {
        rig_advance(r, MINUTE_MS);
        rig_fail(r, last_job(r, "s"), firings[i].class);
        assert_int_equal(schedule_i64(r, "s", "failure_streak"), firings[i].streak);
        assert_string_equal(rig_text(r, "last_failure"), firings[i].class);
    }
    rig_advance(r, MINUTE_MS);
    rig_must(r, "job.cancel", "'id':%d", (int)last_job(r, "s"));
    rig_ended(r, last_job(r, "s"), "'verdict':'failed'");
    rig_turn(r);
    assert_int_equal(schedule_i64(r, "s", "failure_streak"), 1); /* cancelled: in none */
}

static void
a_firing_at_a_breaker_counts_once_that_is_open_for_an_interval(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 8);
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    rig_advance(r, MINUTE_MS);
    rig_advance(r, 1000);
    uint64_t id = last_job(r, "s");
    rig_ended(r, id, "'verdict':'failed','class':'rate_limited','after_ms':%d",
              (int)(5 * MINUTE_MS));
    rig_turn(r);
    expect_state(r, id, "parked");
    assert_int_equal(schedule_i64(r, "s", "failure_streak"), 0); /* it has not ended */
    rig_advance(r, 59000);
    assert_int_equal(schedule_i64(r, "s", "suppressed_count"), 1);
    assert_int_equal(rig_i64(r, "failure_streak"), 0); /* open for less than an interval */
    for (int64_t n = 1; n <= 3; n++) {
        rig_advance(r, MINUTE_MS);
        assert_int_equal(schedule_i64(r, "s", "failure_streak"), n);
        assert_string_equal(rig_text(r, "last_failure"), "rate_limited");
    }
    rig_advance(r, MINUTE_MS); /* half open: the probe runs, which is no failure */
    rig_advance(r, 1000);
    expect_state(r, id, "running");
    rig_complete(r, id);
    assert_int_equal(schedule_i64(r, "s", "failure_streak"), 0);
}

static void
a_firing_that_waits_for_something_else_is_no_failure(void **state)
{
    struct rig *r = *state;

    r->limits.schedule_max_concurrent = 0;
    rig_configure(r, &(struct rig_declared){0});
    rig_workers(r, 1, 8);
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    for (int i = 0; i < 4; i++)
        rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "suppressed_count"), 3);
    assert_int_equal(rig_i64(r, "failure_streak"), 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_ladder_of_the_profile_that_a_schedule_names_retries_its_firings),
        TEST(what_an_agent_or_a_handler_says_of_its_jobs_does_not_retry_a_firing),
        TEST(the_class_says_which_streak_a_failed_firing_counts_in),
        TEST(a_firing_at_a_breaker_counts_once_that_is_open_for_an_interval),
        TEST(a_firing_that_waits_for_something_else_is_no_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
