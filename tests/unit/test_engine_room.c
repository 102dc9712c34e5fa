/* Whether there is room for a firing by hand, what holds it and when there may be some (C10). */
#include "tests/unit/manual_world.h"

/* The nearest end of those that hold it, and of each limit that does. */
static void
a_full_cap_says_when_there_may_be_room(void **state)
{
    struct rig *r = *state;

    r->limits.schedule_max_concurrent = 2;
    rig_configure(r, &(struct rig_declared){0});
    rig_workers(r, 1, 8);
    add(r, "a", "'every_ms':3600000,'max_run_ms':300000");
    add(r, "b", "'every_ms':3600000,'max_run_ms':200000");
    add(r, "c", "'every_ms':3600000");
    (void)run(r, "a");
    (void)run(r, "b");
    expect_full(r, "c", 200000);
    assert_non_null(strstr(r->error.msg, "schedule_cap"));
    assert_non_null(strstr(r->error.hint, "--force"));
    assert_int_equal(firings(r, "c"), 0);
    (void)force(r, "c"); /* three of two: two must end before there is room */
    add(r, "d", "'every_ms':3600000");
    expect_full(r, "d", 300000);
}

/* As if its firings had taken so long on average. */
static void
measure(struct rig *r, uint64_t job, int64_t run_ms)
{
    struct job_spec spec = {.id = job};
    struct schedule run = {0};
    struct err      e = {0};
    bool            outcome_unknown;
    struct txn     *t = txn_begin_write(r->store, &e);

    assert_non_null(t);
    assert_int_equal(job_spec_load(t, &spec), LOAD_FOUND);
    run.id = spec.schedule;
    assert_int_equal(schedule_by_id(t, &run), LOAD_FOUND);
    run.measured = 3;
    run.avg_run_us = (uint64_t)run_ms * 1000;
    schedule_save(t, &run);
    assert_int_equal(txn_commit(&t, &outcome_unknown, &e), E_OK);
}

static void
measured_durations_go_before_leases(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    add(r, "s", "'every_ms':86400000,'max_run_ms':600000");
    add(r, "t", "'every_ms':86400000");
    measure(r, run(r, "s"), 10 * SECOND_MS);
    rig_advance(r, 4 * SECOND_MS);
    expect_full(r, "t", 6000);
    expect_full(r, "s", 6000);
    rig_advance(r, 16 * SECOND_MS); /* it takes longer than the others */
    expect_full(r, "t", 580000);
}

/* As the leases are, whatever becomes of the wall clock (N26). */
static void
what_is_left_is_counted_by_the_boot_clock(void **state)
{
    static const int64_t jumps_ms[] = {HOUR_MS, -3 * HOUR_MS};
    struct rig          *r = *state;

    rig_workers(r, 1, 2);
    add(r, "s", "'every_ms':86400000,'max_run_ms':600000");
    add(r, "t", "'every_ms':86400000,'max_run_ms':300000");
    measure(r, run(r, "s"), 10 * SECOND_MS);
    (void)run(r, "t");
    rig_advance(r, 4 * SECOND_MS);
    for (size_t i = 0; i < ARRAY_LEN(jumps_ms); i++) {
        r->header.now.wall_ms += jumps_ms[i];
        rig_turn(r);
        expect_full(r, "s", 6000);
        expect_full(r, "t", 296000);
    }
}

/* One that is told to end has the grace of it left, whatever its lease. */
static void
what_is_being_ended_ends_soon(void **state)
{
    struct rig *r = *state;
    uint64_t    job;

    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':3600000,'max_run_ms':600000");
    job = run(r, "s");
    rig_must(r, "job.cancel", "'id':%d", (int)job);
    expect_full(r, "s", r->limits.kill_grace_ms);
    rig_ended(r, job, "'verdict':'failed','class':'aborted'");
    rig_turn(r);
    expect_state(r, run(r, "s"), "running");
}

/* What a limit holds as well would be told in vain. */
static void
a_pause_is_told_before_a_full_limit(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    rig_must(r, "agent.add", "'name':'anna','handler':'noop'");
    rig_must(r, "schedule.add", "'name':'s','every_ms':3600000,'agent':'anna'");
    (void)run(r, "s"); /* the one slot */
    rig_must(r, "agent.pause", "'name':'anna'");
    rig_refused(r, E_WRONG_STATE, "", "schedule.run", "'name':'s'");
    assert_string_equal(r->error.msg, "agent anna is paused");
}

/* A breaker is not forced: --force is no advice while one is open, whatever else holds it. */
static void
an_open_breaker_is_named_and_not_to_be_forced(void **state)
{
    struct rig *r = *state;
    uint64_t    other;

    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':3600000");
    add(r, "t", "'every_ms':3600000");
    add(r, "u", "'every_ms':3600000");
    other = run(r, "t");
    (void)run(r, "s");
    rig_fail(r, other, "rate_limited");
    rig_refused(r, E_CAPACITY_FULL, "", "schedule.run", "'name':'u'");
    assert_non_null(strstr(r->error.msg, "the breaker of noop is open"));
    rig_refused(r, E_CAPACITY_FULL, "", "schedule.run", "'name':'s'");
    assert_non_null(strstr(r->error.msg, "a firing is in flight: job"));
    assert_null(strstr(r->error.hint, "--force"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_begin, rig_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_full_cap_says_when_there_may_be_room),
        TEST(measured_durations_go_before_leases),
        TEST(what_is_left_is_counted_by_the_boot_clock),
        TEST(what_is_being_ended_ends_soon),
        TEST(a_pause_is_told_before_a_full_limit),
        TEST(an_open_breaker_is_named_and_not_to_be_forced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
