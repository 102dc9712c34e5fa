/* Schedules in time zones, seconds, intervals as expressions, and @reboot (C1, C2, N29). */
#include "tests/unit/schedule_world.h"
#include "tests/unit/zone_world.h"

static void
a_schedule_fires_in_its_zone(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    tell_of_zone(r, "Test/East", "<+10>-10");
    add(r, "s", "'cron':'30 19 * * *','tz':'Test/East'"); /* it is 18:00 there */
    assert_int_equal(schedule_i64(r, "s", "next_fire_at"), RIG_WALL_MS + 90 * MINUTE_MS);
    assert_int_equal(rig_i64(r, "next_at.1"), RIG_WALL_MS + 90 * MINUTE_MS + DAY_MS);
    assert_string_equal(rig_text(r, "tz"), "Test/East");
    rig_advance(r, 90 * MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    assert_int_equal(rig_i64(r, "next_fire_at"), RIG_WALL_MS + 90 * MINUTE_MS + DAY_MS);
}

static void
a_zone_that_nobody_told_of_is_refused(void **state)
{
    struct rig *r = *state;

    rig_refused(r, E_BAD_REQUEST, "tz", "schedule.add",
                "'name':'s','handler':'noop','cron':'0 9 * * *','tz':'Mars/Base'");
    rig_refused(r, E_BAD_REQUEST, "tz", "schedule.add",
                "'name':'s','handler':'noop','every_ms':60000,'tz':'UTC'");
    rig_refused(r, E_BAD_REQUEST, "tz", "schedule.add",
                "'name':'s','handler':'noop','cron':'@reboot','tz':'UTC'");
    rig_must(r, "schedule.add", "'name':'s','handler':'noop','cron':'0 9 * * *','tz':'UTC'");
}

/* The clocks go on at 09:00 UTC, an hour after the beginning: 09:00 there becomes 10:00. */
static void
firings_of_a_gap_are_one(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    tell_of_zone(r, "Test/Summer", "<+00>0<+01>,14/9,44/9"); /* from 15 January on */
    add(r, "s", "'cron':'10,20,30 9 * * *','tz':'Test/Summer'");
    rig_advance(r, 2 * HOUR_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    rig_must_read(r, "schedule.firings", "'name':'s'");
    assert_int_equal(rig_i64(r, "items.0.nominal_at"), RIG_WALL_MS + HOUR_MS);
    assert_int_equal(schedule_i64(r, "s", "next_fire_at"), RIG_WALL_MS + DAY_MS + 10 * MINUTE_MS);
}

static void
a_changed_zone_plans_anew_and_nothing_fires_twice(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    tell_of_zone(r, "Test/East", "<+10>-10");
    add(r, "s", "'cron':'0 19 * * *','tz':'Test/East'");
    add(r, "utc", "'cron':'0 19 * * *'");
    tell_of_zone(r, "Test/East", "<+09>-9");
    assert_int_equal(schedule_i64(r, "s", "next_fire_at"), RIG_WALL_MS + 2 * HOUR_MS);
    assert_int_equal(schedule_i64(r, "utc", "next_fire_at"), RIG_WALL_MS + 11 * HOUR_MS);
    rig_advance(r, 2 * HOUR_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    tell_of_zone(r, "Test/East", "<+10>-10");
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "s", "next_fire_at"), RIG_WALL_MS + HOUR_MS + DAY_MS);
    tell_of_zone(r, "Test/East", "<+09>-9");
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    assert_int_equal(rig_i64(r, "next_fire_at"), RIG_WALL_MS + 2 * HOUR_MS + DAY_MS);
}

static void
a_changed_zone_of_a_declaration_changes_its_times(void **state)
{
    struct rig *r = *state;

    tell_of_zone(r, "Test/East", "<+10>-10");
    rig_configure(r, &(struct rig_declared){
                         .schedules = "{'name':'s','cron':'0 19 * * *','handler':'noop'}"});
    assert_int_equal(schedule_i64(r, "s", "next_fire_at"), RIG_WALL_MS + 11 * HOUR_MS);
    rig_configure(r, &(struct rig_declared){.schedules =
                                                "{'name':'s','cron':'0 19 * * *','handler':'noop',"
                                                "'tz':'Test/East'}"});
    assert_int_equal(schedule_i64(r, "s", "next_fire_at"), RIG_WALL_MS + HOUR_MS);
}

static void
routines_and_wakes_have_zones(void **state)
{
    struct rig *r = *state;

    tell_of_zone(r, "Test/East", "<+10>-10");
    rig_configure(r, &(struct rig_declared){.agents = "{'name':'a','handler':'noop'}"});
    rig_must(r, "routine.add",
             "'name':'n','cron':'0 19 * * *','tz':'Test/East','ticket_title':'t','assign':'a'");
    rig_must(r, "agent.wake", "'name':'a','cron':'0 20 * * *','tz':'Test/East','schedule':'again'");
    assert_int_equal(schedule_i64(r, "n", "next_fire_at"), RIG_WALL_MS + HOUR_MS);
    assert_int_equal(schedule_i64(r, "again", "next_fire_at"), RIG_WALL_MS + 2 * HOUR_MS);
}

static void
seconds_and_intervals_are_expressions(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "six", "'cron':'30 0 8 * * *'");
    add(r, "every", "'cron':'every 90s'");
    assert_int_equal(schedule_i64(r, "six", "next_fire_at"), RIG_WALL_MS + 30 * SECOND_MS);
    assert_int_equal(schedule_i64(r, "every", "next_fire_at"), RIG_WALL_MS + 90 * SECOND_MS);
    assert_int_equal(rig_i64(r, "next_at.2"), RIG_WALL_MS + 270 * SECOND_MS);
    rig_advance(r, 90 * SECOND_MS);
    assert_int_equal(schedule_i64(r, "six", "firing_count"), 1);
    assert_int_equal(schedule_i64(r, "every", "firing_count"), 1);
    complete_last(r, "every");
    rig_advance(r, 10 * DAY_MS); /* times behind the catch-up window are counted at once */
    assert_int_equal(schedule_i64(r, "every", "firing_count"), 2);
    assert_int_equal(rig_i64(r, "missed_count"), 10 * DAY_MS / (90 * SECOND_MS) - 1);
}

static void
reboot_fires_once_in_each_boot_of_the_machine(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'cron':'@reboot'");
    rig_advance(r, DAY_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 0);
    rig_must_read(r, "schedule.why", "'name':'s'");
    assert_non_null(strstr(rig_json(r), "next boot"));
    rig_crash(r); /* agentd only */
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 0);
    r->boot_id++;
    rig_stop(r);
    rig_workers(r, 1, 4);
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    assert_int_equal(rig_len(r, "next_at"), 0);
    complete_last(r, "s");
    rig_stop(r);
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    r->boot_id++;
    rig_crash(r);
    rig_advance(r, SECOND_MS); /* the boots before had the same wall time */
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 2);
}

/* The boot's firing waits for a clock that can be trusted, and is not lost to what comes meanwhile.
 */
static void
reboot_waits_for_the_clock(void **state)
{
    struct rig                *r = *state;
    const struct rig_declared *declared[] = {
        &(struct rig_declared){.schedules =
                                   "{'name':'s','cron':'@reboot','handler':'noop','title':'one'}"},
        &(struct rig_declared){.schedules =
                                   "{'name':'s','cron':'@reboot','handler':'noop','title':'two'}"},
    };

    rig_configure(r, declared[0]);
    r->boot_id++;
    r->header.clock_is_held = true;
    rig_stop(r);
    rig_configure(r, declared[1]);
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 0);
    r->header.now.wall_ms -= HOUR_MS;
    r->header.clock_is_held = false;
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
}

int
main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        T(a_schedule_fires_in_its_zone),
        T(a_zone_that_nobody_told_of_is_refused),
        T(firings_of_a_gap_are_one),
        T(a_changed_zone_plans_anew_and_nothing_fires_twice),
        T(a_changed_zone_of_a_declaration_changes_its_times),
        T(routines_and_wakes_have_zones),
        T(seconds_and_intervals_are_expressions),
        T(reboot_fires_once_in_each_boot_of_the_machine),
        T(reboot_waits_for_the_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
