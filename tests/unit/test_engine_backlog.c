/* Many jobs of one schedule that have not ended, as a backfill leaves them. */
#include "tests/unit/schedule_world.h"

/* The last so many minutes of s wait, the first of them runs. */
static void
fill(struct rig *r, int minutes)
{
    rig_must(r, "schedule.pause", "'name':'s'");
    rig_advance(r, minutes * MINUTE_MS);
    rig_must(r, "schedule.backfill", "'name':'s','from':%lld,'to':%lld",
             (long long)RIG_WALL_MS + MINUTE_MS, (long long)RIG_WALL_MS + minutes * MINUTE_MS);
    rig_must(r, "schedule.resume", "'name':'s'");
}

/* More than one turn cancels: the newest firing is the only one that is left. */
static void
cancel_running_ends_a_backlog_of_any_length(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':60000,'overlap':'cancel_running'");
    fill(r, 700);
    assert_int_equal(schedule_i64(r, "s", "in_flight"), 700);
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "in_flight"), 2);
    assert_int_equal(rig_i64(r, "firing_count"), 701);
    rig_ended(r, 1, "'verdict':'failed','class':'aborted'");
    rig_turn(r);
    expect_state(r, 2, "cancelled");
    expect_state(r, 700, "cancelled");
    expect_state(r, (uint64_t)schedule_i64(r, "s", "last_job"), "running");
}

/* The first one ends in the turn in which the next firing comes. */
static void
none_of_a_backlog_that_is_being_cancelled_starts(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':60000,'overlap':'cancel_running'");
    fill(r, 700);
    rig_wait(r, MINUTE_MS);
    rig_ended(r, 1, "'verdict':'completed'");
    rig_turn(r);
    assert_int_equal(rig_running(r), 0);
    expect_state(r, 2, "cancelled");
    expect_state(r, 700, "parked");
    assert_string_equal(rig_text(r, "reason"), "overlap");
    rig_must_read(r, "job.why", "'id':700");
    assert_non_null(strstr(rig_text(r, "text"), "are being cancelled"));
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "s", "in_flight"), 1);
    expect_state(r, 701, "running");
    for (int id = 2; id <= 700; id++)
        assert_int_equal(rig_job_i64(r, (uint64_t)id, "attempt"), 0);
}

/* To cancel one of them would change nothing. */
static void
a_backlog_is_told_as_a_whole_and_cancelled_by_its_schedule(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':60000,'overlap':'skip'");
    fill(r, 4);
    rig_must_read(r, "schedule.why", "'name':'s'");
    assert_non_null(strstr(rig_json(r), "4 jobs of it have not ended, job 1 is the first"));
    assert_string_equal(rig_text(r, "change"), "agentctl job cancel-many --schedule s");
    uint64_t other = rig_submit(r, "'handler':'noop'");
    rig_must_read(r, "job.list", "'schedule':'s'");
    assert_int_equal(rig_len(r, "items"), 4);
    rig_refused(r, E_NOT_FOUND, "schedule", "job.cancel_many", "'schedule':'t'");
    rig_must(r, "job.cancel_many", "'schedule':'s','state':'ready'");
    rig_must(r, "job.cancel_many", "'schedule':'s'");
    expect_state(r, other, "running");
    expect_state(r, 4, "cancelled");
    assert_int_equal(schedule_i64(r, "s", "in_flight"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_begin, rig_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cancel_running_ends_a_backlog_of_any_length),
        TEST(none_of_a_backlog_that_is_being_cancelled_starts),
        TEST(a_backlog_is_told_as_a_whole_and_cancelled_by_its_schedule),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
