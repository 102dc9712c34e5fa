/* Very many schedules that are planned anew, as the clock goes back or a zone changes: some in each
 * turn (N6, N27). */
#include "tests/unit/schedule_world.h"
#include "tests/unit/zone_world.h"

#define MANY 600

/* s0 to s599, at 19:00. */
static void
add_many(struct rig *r, const char *zone)
{
    r->is_unchecked = true;
    for (int i = 0; i < MANY; i++) {
        char name[16], fields[64];

        (void)snprintf(name, sizeof(name), "s%d", i);
        (void)snprintf(fields, sizeof(fields), "'cron':'0 19 * * *','tz':'%s'", zone);
        add(r, name, fields);
    }
    r->is_unchecked = false;
}

static int
count(struct rig *r, const char *field, int64_t value)
{
    int n = 0;

    for (int i = 0; i < MANY; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "s%d", i);
        n += schedule_i64(r, name, field) == value;
    }
    return n;
}

static void
expect_in_turns(struct rig *r, int64_t next_fire_at)
{
    assert_int_equal(count(r, "next_fire_at", next_fire_at), TURN_DUE_MAX);
    assert_true(rig_is_due(r));
    rig_turn(r);
    assert_int_equal(count(r, "next_fire_at", next_fire_at), 2 * TURN_DUE_MAX);
    rig_settle(r);
    assert_int_equal(count(r, "next_fire_at", next_fire_at), MANY);
    assert_false(rig_is_due(r));
}

/* 19:00 there is 09:00 UTC, and then 10:00. */
static void
a_zone_that_changes(void **state)
{
    struct rig *r = *state;

    tell_of_zone(r, "Test/East", "<+10>-10");
    add_many(r, "Test/East");
    tell_of_zone(r, "Test/East", "<+09>-9");
    expect_in_turns(r, RIG_WALL_MS + 2 * HOUR_MS);
}

static void
two_zones_that_change_at_once(void **state)
{
    struct rig *r = *state;

    tell_of_zone(r, "Test/Other", "<+10>-10");
    tell_of_zone(r, "Test/East", "<+10>-10");
    add_many(r, "Test/East");
    add(r, "other", "'cron':'0 19 * * *','tz':'Test/Other'");
    tell_of_zone(r, "Test/East", "<+09>-9");
    tell_of_zone(r, "Test/Other", "<+08>-8");
    rig_settle(r);
    assert_int_equal(count(r, "next_fire_at", RIG_WALL_MS + 2 * HOUR_MS), MANY);
    assert_int_equal(schedule_i64(r, "other", "next_fire_at"), RIG_WALL_MS + 3 * HOUR_MS);
}

static void
a_clock_that_goes_back(void **state)
{
    struct rig *r = *state;

    add_many(r, "UTC");
    r->header.now.wall_ms -= 2 * DAY_MS;
    rig_turn(r);
    expect_in_turns(r, RIG_WALL_MS - 2 * DAY_MS + 11 * HOUR_MS);
}

static void
a_kill_between_two_turns_loses_none(void **state)
{
    struct rig *r = *state;

    tell_of_zone(r, "Test/East", "<+10>-10");
    add_many(r, "Test/East");
    tell_of_zone(r, "Test/East", "<+09>-9");
    rig_crash(r);
    rig_settle(r);
    assert_int_equal(count(r, "next_fire_at", RIG_WALL_MS + 2 * HOUR_MS), MANY);
    r->header.now.wall_ms -= 2 * DAY_MS;
    rig_turn(r);
    rig_crash(r);
    rig_settle(r);
    assert_int_equal(count(r, "next_fire_at", RIG_WALL_MS - 2 * DAY_MS + 2 * HOUR_MS), MANY);
}

/* By the rules of before it would be due. */
static void
nothing_is_decided_before_all_are_planned(void **state)
{
    struct rig *r = *state;

    tell_of_zone(r, "Test/East", "<+10>-10");
    add_many(r, "Test/East");
    rig_wait(r, HOUR_MS);
    tell_of_zone(r, "Test/East", "<+09>-9");
    rig_settle(r);
    assert_int_equal(rig_rows(r, TABLE_FIRING), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_begin, rig_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_zone_that_changes),
        TEST(two_zones_that_change_at_once),
        TEST(a_clock_that_goes_back),
        TEST(a_kill_between_two_turns_loses_none),
        TEST(nothing_is_decided_before_all_are_planned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
