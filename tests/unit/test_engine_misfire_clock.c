/* What is decided anew when the clock goes back, and what is due while a start holds it (N27). */
#include "tests/unit/misfire_world.h"

/* ---- a clock that goes back ---- */

static void
go_back(struct rig *r, int64_t ms)
{
    r->header.now.wall_ms -= ms;
    rig_settle(r);
}

/* A pause from 08:05 to 09:00 has left one row; then it is 08:30 again. */
static void
what_was_missed_and_lies_ahead_again_is_decided_anew(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 16);
    add(r, "s", "'cron':'*/5 * * * *','overlap':'allow'");
    rig_must(r, "schedule.pause", "'name':'s'");
    rig_advance(r, HOUR_MS);
    rig_must(r, "schedule.resume", "'name':'s'");
    assert_int_equal(schedule_i64(r, "s", "missed_count"), 12);
    go_back(r, 29 * MINUTE_MS);
    for (int i = 0; i < 12; i++)
        rig_advance(r, 5 * MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 12);
    assert_int_equal(rig_i64(r, "missed_count"), 6);
    assert_int_equal(firings(r, "s"), 13);
    expect_row(r, 12, "missed", RIG_WALL_MS + 5 * MINUTE_MS, 6, "paused");
    assert_int_equal(rig_i64(r, "items.12.until_at"), RIG_WALL_MS + 30 * MINUTE_MS);
}

/* Ten years ahead by mistake: the days of them are missed, and all of them come yet. */
static void
a_clock_that_was_years_ahead_costs_no_firing(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 16);
    add(r, "s", "'cron':'0 9 * * *','overlap':'allow'");
    rig_advance(r, 2 * HOUR_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    rig_wait(r, 3650 * (int64_t)DAY_MS);
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "s", "missed_count"), 3649);
    go_back(r, 3650 * (int64_t)DAY_MS);
    for (int i = 0; i < 3; i++)
        rig_advance(r, DAY_MS);
    assert_int_equal(schedule_i64(r, "s", "missed_count"), 0);
    assert_int_equal(rig_i64(r, "firing_count"), 5); /* and the one of ten years ahead */
}

/* 08:01 has fired, 08:02 to 08:05 were suppressed. */
static void
what_fired_does_not_come_again_and_what_was_suppressed_does(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 16);
    add(r, "s", "'cron':'* * * * *'");
    for (int i = 0; i < 5; i++)
        rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "suppressed_count"), 4);
    complete_last(r, "s");
    go_back(r, 5 * MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "next_fire_at"), RIG_WALL_MS + 2 * MINUTE_MS);
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    for (int i = 0; i < 4; i++) {
        rig_advance(r, MINUTE_MS);
        complete_last(r, "s");
    }
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 5);
    assert_int_equal(rig_i64(r, "suppressed_count"), 0);
    assert_int_equal(firings(r, "s"), 5);
}

/* Stretches that end at such rows are still counted at once. */
static void
rows_from_before_the_clock_went_back_cost_no_turns(void **state)
{
    struct rig *r = *state;
    int         turns = 0;

    add(r, "s", "'cron':'* * * * * *'");
    r->header.now.wall_ms += DAY_MS;
    rig_settle(r);
    for (int i = 0; i < 300; i++) /* suppressed: each has its row */
        rig_advance(r, i % 10 ? SECOND_MS : 10 * SECOND_MS);
    r->header.now.wall_ms -= DAY_MS;
    rig_settle(r);
    r->header.now.wall_ms += DAY_MS + HOUR_MS;
    for (; rig_is_due(r) && turns < 1000; turns++)
        rig_turn(r);
    assert_in_range(turns, 1, 40);
}

static void
why_tells_that_the_clock_went_back(void **state)
{
    struct rig *r = *state;

    add(r, "s", "'every_ms':60000");
    rig_advance(r, 5 * MINUTE_MS);
    r->header.now.wall_ms -= 3 * MINUTE_MS;
    rig_settle(r);
    rig_must_read(r, "schedule.why", "'name':'s'");
    bool is_told = false;
    for (size_t i = 0; i < rig_len(r, "blockers"); i++)
        is_told |= strcmp(rig_text(r, rig_path(r, "blockers", i, "predicate")), "clock") == 0;
    assert_true(is_told);
}

/* ---- a clock that is held at start ---- */

/* Five minutes have fired, then agentd dies, and the machine comes back a day behind. */
static void
come_back_behind(struct rig *r)
{
    rig_workers(r, 1, 16);
    add(r, "s", "'cron':'* * * * *','overlap':'allow'");
    for (int i = 0; i < 5; i++)
        rig_advance(r, MINUTE_MS);
    rig_crash(r);
    r->header.now.wall_ms -= DAY_MS;
    r->header.clock_is_held = true;
    rig_settle(r);
    rig_workers(r, 1, 16);
    assert_int_equal(schedule_i64(r, "s", "next_fire_at"), RIG_WALL_MS + 6 * MINUTE_MS);
}

static void
a_held_clock_that_is_set_right_was_never_behind(void **state)
{
    struct rig *r = *state;

    come_back_behind(r);
    rig_must(r, "job.submit", "'handler':'noop'"); /* something is written meanwhile */
    rig_crash(r);
    rig_settle(r);
    rig_workers(r, 1, 16);
    r->header.now.wall_ms += DAY_MS + 3 * MINUTE_MS;
    r->header.clock_is_held = false;
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 6);
    assert_int_equal(rig_i64(r, "missed_count"), 2);
}

static void
a_held_clock_that_nobody_sets_is_believed_in_the_end(void **state)
{
    struct rig *r = *state;

    come_back_behind(r);
    r->header.clock_is_held = false;
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "s", "next_fire_at"), RIG_WALL_MS + 6 * MINUTE_MS - DAY_MS);
    assert_int_equal(rig_i64(r, "missed_count"), 0);
}

static void
a_held_clock_is_believed_when_it_is_accepted(void **state)
{
    struct rig *r = *state;

    come_back_behind(r);
    rig_must(r, "clock.accept", " ");
    assert_int_equal(schedule_i64(r, "s", "next_fire_at"), RIG_WALL_MS + 6 * MINUTE_MS - DAY_MS);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(rows_from_before_the_clock_went_back_cost_no_turns),
        TEST(why_tells_that_the_clock_went_back),
        TEST(a_held_clock_that_is_set_right_was_never_behind),
        TEST(a_held_clock_that_nobody_sets_is_believed_in_the_end),
        TEST(a_held_clock_is_believed_when_it_is_accepted),
        TEST(what_was_missed_and_lies_ahead_again_is_decided_anew),
        TEST(a_clock_that_was_years_ahead_costs_no_firing),
        TEST(what_fired_does_not_come_again_and_what_was_suppressed_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
