/* What becomes of failed firings: pauses, breaches of the limit of turns, drift (C5, C9). */
#include "tests/unit/outcome_world.h"

/* ---- pauses ---- */

static void
three_failures_in_a_row_pause_a_schedule_and_say_how_to_go_on(void **state)
{
    struct rig *r = *state;

    begin(r);
    rig_must(r, "company.add", "'name':'acme'");
    rig_must(r, "schedule.add", "'name':'s','company':'acme','every_ms':60000,'handler':'noop'");
    fire_and_fail(r, "acme/s", "tool_failed");
    fire_and_fail(r, "acme/s", "timeout");
    assert_string_equal(schedule_text(r, "acme/s", "status"), "active");
    fire_and_fail(r, "acme/s", "handler_error");
    assert_string_equal(schedule_text(r, "acme/s", "status"), "paused");
    assert_string_equal(rig_text(r, "pause_reason"),
                        "3 firings in a row failed (the last: handler_error); `agentctl schedule "
                        "resume acme/s` lets it fire again");
    assert_int_equal(rig_feed_count(r, "schedule.paused"), 1);
    rig_must_read(r, "audit.list", "'limit':1");
    assert_string_equal(rig_text(r, "items.0.action"), "schedule.pause");
    assert_string_equal(rig_text(r, "items.0.who"), "daemon:");
    assert_non_null(strstr(rig_warnings(r), "schedule acme/s: paused: 3 firings in a row failed"));
    rig_advance(r, MINUTE_MS);
    assert_int_equal(outcomes(r, "acme/s", "missed"), 1);
}

static void
a_resumed_schedule_is_paused_again_by_its_next_failure_and_cleared_by_a_success(void **state)
{
    struct rig *r = *state;

    begin(r);
    add(r, "s", "'every_ms':60000");
    for (int i = 0; i < 3; i++)
        fire_and_fail(r, "s", "tool_failed");
    rig_must(r, "schedule.resume", "'name':'s'");
    fire_and_fail(r, "s", "tool_failed");
    assert_string_equal(schedule_text(r, "s", "status"), "paused");
    rig_must(r, "schedule.resume", "'name':'s'");
    fire_and_complete(r, "s");
    assert_int_equal(schedule_i64(r, "s", "failure_streak"), 0);
    fire_and_fail(r, "s", "tool_failed");
    assert_string_equal(schedule_text(r, "s", "status"), "active");
}

static void
no_limit_switches_pausing_off(void **state)
{
    struct rig *r = *state;

    begin(r);
    r->limits.failure_pause = NO_LIMIT;
    r->limits.breach_pause = NO_LIMIT;
    rig_configure(
        r, &(struct rig_declared){.sinks = "{'name':'file','kind':'file','path':'out.jsonl'}"});
    add(r, "s", "'every_ms':60000");
    for (int i = 0; i < 6; i++)
        fire_and_fail(r, "s", "tool_failed");
    assert_string_equal(schedule_text(r, "s", "status"), "active");
    assert_int_equal(rig_i64(r, "failure_streak"), 6);
}

static void
a_firing_that_is_retried_by_hand_counts_once(void **state)
{
    struct rig *r = *state;

    begin(r);
    add(r, "s", "'every_ms':60000");
    fire_and_fail(r, "s", "tool_failed");
    uint64_t id = last_job(r, "s");
    rig_must(r, "job.retry", "'id':%d", (int)id);
    rig_fail(r, id, "tool_failed");
    assert_int_equal(schedule_i64(r, "s", "failure_streak"), 1);
    rig_must(r, "job.retry", "'id':%d", (int)id);
    rig_complete(r, id);
    assert_int_equal(schedule_i64(r, "s", "failure_streak"), 0); /* but a success is one */
}

static void
firings_by_hand_count_and_a_pause_by_hand_keeps_its_reason(void **state)
{
    struct rig *r = *state;

    begin(r);
    add(r, "s", "'every_ms':3600000");
    for (int i = 0; i < 3; i++) {
        if (i == 1) rig_must(r, "schedule.pause", "'name':'s','reason':'holiday'");
        if (i == 2) rig_must(r, "schedule.resume", "'name':'s'");
        rig_must(r, "schedule.run", "'name':'s'");
        rig_fail(r, last_job(r, "s"), "tool_failed");
        rig_advance(r, SECOND_MS);
        if (i == 1) assert_string_equal(schedule_text(r, "s", "pause_reason"), "holiday");
    }
    assert_int_equal(schedule_i64(r, "s", "failure_streak"), 3);
    assert_string_equal(rig_text(r, "status"), "paused");
    rig_must(r, "schedule.run", "'name':'s'"); /* it is how to try whether all is well again */
    rig_fail(r, last_job(r, "s"), "tool_failed");
    assert_int_equal(schedule_i64(r, "s", "failure_streak"), 4);
    assert_int_equal(rig_feed_count(r, "schedule.paused"), 2);
    rig_must(r, "schedule.run", "'name':'s'");
    rig_complete(r, last_job(r, "s"));
    assert_int_equal(schedule_i64(r, "s", "failure_streak"), 0);
    assert_string_equal(rig_text(r, "status"), "paused"); /* a person resumes it */
    assert_int_equal(rig_feed_count(r, "schedule.recovered"), 1);
}

static void
one_that_has_ended_is_not_paused(void **state)
{
    struct rig *r = *state;

    begin(r);
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop','max_firings':3");
    for (int i = 0; i < 3; i++)
        fire_and_fail(r, "s", "tool_failed");
    assert_string_equal(schedule_text(r, "s", "status"), "ended");
    assert_int_equal(rig_feed_count(r, "schedule.paused"), 0);
    assert_int_equal(rig_feed_count(r, "schedule.alert"), 1);
}

/* ---- breaches ---- */

static void
breaches_warn_at_two_with_the_average_used_and_pause_at_five(void **state)
{
    struct rig *r = *state;

    begin(r);
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop','max_turns':50");
    fire_and_complete(r, "s"); /* the first two intervals are grace */
    fire_and_complete(r, "s");
    breach(r, "s", 50);
    assert_int_equal(rig_feed_count(r, "schedule.warning"), 0);
    breach(r, "s", 50);
    rig_feed(r);
    assert_non_null(strstr(rig_json(r),
                           "2 firings in a row used up their turns (on average 25.5 of "
                           "50): raise max_turns"));
    assert_non_null(strstr(rig_json(r), "turn_budget"));
    assert_non_null(strstr(rig_warnings(r), "schedule s: 2 firings in a row used up their turns"));
    breach(r, "s", 50);
    breach(r, "s", 50);
    assert_string_equal(schedule_text(r, "s", "status"), "active");
    assert_int_equal(rig_i64(r, "failure_streak"), 0);
    assert_int_equal(rig_feed_count(r, "schedule.warning"), 1);
    breach(r, "s", 50);
    assert_string_equal(schedule_text(r, "s", "status"), "paused");
    assert_int_equal(rig_i64(r, "turn_budget_breach_streak"), 5);
    assert_non_null(strstr(rig_text(r, "pause_reason"), "5 firings in a row used up their turns"));
    assert_non_null(strstr(rig_text(r, "pause_reason"), "agentctl schedule resume s"));
}

static void
a_failure_of_one_class_resets_the_streak_of_the_other(void **state)
{
    struct rig *r = *state;

    begin(r);
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop','max_turns':50");
    fire_and_complete(r, "s");
    fire_and_complete(r, "s");
    breach(r, "s", 50);
    assert_int_equal(schedule_i64(r, "s", "turn_budget_breach_streak"), 1);
    fire_and_fail(r, "s", "tool_failed");
    assert_int_equal(schedule_i64(r, "s", "turn_budget_breach_streak"), 0);
    assert_int_equal(rig_i64(r, "failure_streak"), 1);
    breach(r, "s", 50);
    assert_int_equal(schedule_i64(r, "s", "failure_streak"), 0);
    assert_int_equal(rig_i64(r, "turn_budget_breach_streak"), 1);
    fire_and_complete(r, "s");
    assert_int_equal(schedule_i64(r, "s", "turn_budget_breach_streak"), 0);
}

/* The limit in force, whoever set it, is shown and named where it is to be changed. */
static void
the_place_of_a_limit_of_turns_is_told(void **state)
{
    struct rig *r = *state;

    begin(r);
    rig_must(r, "profile.add", "'name':'small','max_turns':50");
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    assert_string_equal(rig_text(r, "turn_limit_from"), "limits");
    assert_true(rig_is_nil(r, "turn_limit"));
    rig_must(r, "schedule.set", "'name':'s','max_turns':70");
    assert_string_equal(rig_text(r, "turn_limit_from"), "schedule");
    assert_int_equal(rig_i64(r, "turn_limit"), 70);
    rig_must(r, "schedule.set", "'name':'s','profile':'small','clear':['max_turns']");
    assert_string_equal(rig_text(r, "turn_limit_from"), "profile small");
    assert_int_equal(schedule_i64(r, "s", "turn_limit"), 50);
    assert_true(rig_is_nil(r, "max_turns"));
    fire_and_complete(r, "s"); /* grace */
    fire_and_complete(r, "s");
    breach(r, "s", 50);
    breach(r, "s", 50);
    assert_non_null(strstr(rig_warnings(r), "raise max_turns of profile small"));
    rig_must(r, "profile.set", "'name':'small','max_turns':60");
    assert_int_equal(schedule_i64(r, "s", "turn_limit"), 60);
}

static void
a_breach_within_two_intervals_of_a_new_limit_changes_no_streak(void **state)
{
    struct rig *r = *state;

    begin(r);
    rig_must(r, "profile.add", "'name':'p','max_turns':50");
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop','profile':'p'");
    int64_t made_at = r->header.now.wall_ms;
    assert_int_equal(schedule_i64(r, "s", "max_turns_set_at"), made_at);
    fire_and_fail(r, "s", "tool_failed");
    breach(r, "s", 50); /* exactly two intervals after it was made */
    assert_int_equal(schedule_i64(r, "s", "turn_budget_breach_streak"), 0);
    assert_int_equal(rig_i64(r, "failure_streak"), 1); /* and the other one stays, too */
    assert_string_equal(rig_text(r, "last_failure"), "turn_limit_exceeded");
    breach(r, "s", 50);
    assert_int_equal(schedule_i64(r, "s", "turn_budget_breach_streak"), 1);
    rig_must(r, "profile.set", "'name':'p','max_turns':60");
    assert_int_equal(schedule_i64(r, "s", "max_turns_set_at"), made_at); /* not seen yet */
    breach(r, "s", 60);
    int64_t set_at = r->header.now.wall_ms;
    assert_int_equal(schedule_i64(r, "s", "max_turns_set_at"), set_at);
    assert_int_equal(rig_i64(r, "turn_budget_breach_streak"), 1);
    breach(r, "s", 60);
    breach(r, "s", 60);
    assert_int_equal(schedule_i64(r, "s", "turn_budget_breach_streak"), 1);
    breach(r, "s", 60);
    assert_int_equal(schedule_i64(r, "s", "turn_budget_breach_streak"), 2);
}

static void
with_irregular_times_the_grace_is_the_next_two_firings(void **state)
{
    struct rig *r = *state;

    begin(r);
    /* 2027-01-15 08:00 UTC, a Friday: the next ones are 09:00, 12:00 and 13:00 */
    rig_must(r, "schedule.add",
             "'name':'s','cron':'0 9,12,13 * * *','handler':'noop','max_turns':50");
    static const struct {
        int64_t hours;
        int64_t streak;
    } times[] = {
        {1, 0},
        {3, 0},
        {1, 1}
    };
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        rig_advance(r, times[i].hours * HOUR_MS);
        rig_ended(r, last_job(r, "s"), "'verdict':'failed','class':'turn_limit_exceeded'");
        rig_turn(r);
        assert_int_equal(schedule_i64(r, "s", "turn_budget_breach_streak"), times[i].streak);
    }
}

/* ---- drift ---- */

/* A firing that runs so long, of a schedule that fires every minute. */
static void
run_for(struct rig *r, int64_t *spent, int64_t ms)
{
    rig_advance(r, MINUTE_MS - *spent);
    rig_advance(r, ms);
    rig_complete(r, last_job(r, "s"));
    *spent = ms;
}

static void
three_runs_near_the_end_of_their_lease_warn_once(void **state)
{
    struct rig *r = *state;
    int64_t     spent = 0;

    begin(r);
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop','max_run_ms':10000");
    run_for(r, &spent, 8001);
    run_for(r, &spent, 8000); /* not over 80 % */
    assert_int_equal(schedule_i64(r, "s", "long_runs"), 0);
    run_for(r, &spent, 8001);
    run_for(r, &spent, 9999);
    assert_int_equal(rig_feed_count(r, "schedule.warning"), 0);
    run_for(r, &spent, 8001);
    assert_int_equal(rig_feed_count(r, "schedule.warning"), 1);
    run_for(r, &spent, 8001);
    assert_int_equal(rig_feed_count(r, "schedule.warning"), 1);
    rig_feed(r);
    assert_non_null(strstr(rig_json(r), "3 runs in a row took over 80 % of their lease: raise "
                                        "max_run"));
    assert_non_null(strstr(rig_warnings(r), "4 runs in a row took over 80 %"));
    run_for(r, &spent, 100);
    assert_string_equal(rig_warnings(r), "");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(three_failures_in_a_row_pause_a_schedule_and_say_how_to_go_on),
        TEST(a_resumed_schedule_is_paused_again_by_its_next_failure_and_cleared_by_a_success),
        TEST(no_limit_switches_pausing_off),
        TEST(a_firing_that_is_retried_by_hand_counts_once),
        TEST(firings_by_hand_count_and_a_pause_by_hand_keeps_its_reason),
        TEST(one_that_has_ended_is_not_paused),
        TEST(breaches_warn_at_two_with_the_average_used_and_pause_at_five),
        TEST(a_failure_of_one_class_resets_the_streak_of_the_other),
        TEST(the_place_of_a_limit_of_turns_is_told),
        TEST(a_breach_within_two_intervals_of_a_new_limit_changes_no_streak),
        TEST(with_irregular_times_the_grace_is_the_next_two_firings),
        TEST(three_runs_near_the_end_of_their_lease_warn_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
