/* Times that came in a pause which was over before they were decided: they are missed (N37).  A
 * hold keeps them so long, that of a crash loop (C3) or of a clock that is not believed (N27). */
#include "tests/unit/schedule_world.h"

#define EVERY "'every_ms':300000,'overlap':'allow'"

static void
away_for(struct rig *r, int64_t ms)
{
    rig_crash(r);
    rig_wait(r, ms);
    rig_settle(r);
}

/* The third unplanned end in a row, at 4:00, and the start at 5:50: the time of 5:00 waits. */
static void
begin(struct rig *r, const char *fields)
{
    add(r, "s", fields);
    rig_advance(r, 4 * MINUTE_MS);
    away_for(r, 10 * SECOND_MS);
    away_for(r, 10 * SECOND_MS);
    away_for(r, 90 * SECOND_MS);
}

/* Another, soon after: at the start at 11:20 the time of 10:00 waits, too. */
static void
end_again(struct rig *r)
{
    away_for(r, 5 * MINUTE_MS + 30 * SECOND_MS);
}

/* The schedule is paused over a time in the hold. */
static void
pause_meanwhile(struct rig *r)
{
    rig_must(r, "schedule.pause", "'name':'s'");
    end_again(r);
    rig_must(r, "schedule.resume", "'name':'s'");
}

static void
end_hold(struct rig *r)
{
    rig_advance(r, MINUTE_MS);
    assert_int_equal(rig_rows(r, TABLE_PAST_PAUSE), 0);
}

static void
expect_row(struct rig *r, size_t item, const char *outcome, int64_t nominal_ms, int64_t count)
{
    assert_string_equal(rig_text(r, rig_path(r, "items", item, "outcome")), outcome);
    assert_int_equal(rig_i64(r, rig_path(r, "items", item, "nominal_at")),
                     RIG_WALL_MS + nominal_ms);
    assert_int_equal(rig_i64(r, rig_path(r, "items", item, "count")), count);
    if (strcmp(outcome, "missed") == 0)
        assert_string_equal(rig_text(r, rig_path(r, "items", item, "reason")), "paused");
}

/* Of 5:00, before the pause, and of 10:00, in it. */
static void
expect_the_older_fired(struct rig *r)
{
    end_hold(r);
    assert_int_equal(firings(r, "s"), 2);
    expect_row(r, 0, "missed", 10 * MINUTE_MS, 1);
    expect_row(r, 1, "fired", 5 * MINUTE_MS, 1);
}

static void
a_schedule_resumed_in_a_crash_loop_makes_up_for_what_came_before_its_pause(void **state)
{
    struct rig *r = *state;

    begin(r, EVERY ",'misfire':'all'");
    rig_must(r, "schedule.pause", "'name':'s'");
    end_again(r);
    away_for(r, 4 * MINUTE_MS);
    rig_must(r, "schedule.resume", "'name':'s'");
    end_hold(r);
    assert_int_equal(firings(r, "s"), 2);
    expect_row(r, 0, "missed", 10 * MINUTE_MS, 2);
    expect_row(r, 1, "fired", 5 * MINUTE_MS, 1);
    assert_int_equal(schedule_i64(r, "s", "missed_count"), 2);
    rig_advance(r, 4 * MINUTE_MS); /* 20:20 */
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 2);
}

static void
what_came_in_a_pause_overtakes_nothing(void **state)
{
    static const char *const policies[] = {"latest", "all"};

    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        struct rig *r;
        void       *inner;
        char        fields[96];

        (void)state;
        assert_int_equal(rig_begin(&inner), 0);
        r = inner;
        snprintf(fields, sizeof(fields), EVERY ",'misfire':'%s'", policies[i]);
        begin(r, fields);
        pause_meanwhile(r);
        expect_the_older_fired(r);
        assert_int_equal(rig_end(&inner), 0);
    }
}

/* With latest, of 5:00, 10:00 and 15:00 the last one fires; of 5:00 it is said that it was
 * overtaken.
 */
static void
what_comes_after_the_pause_overtakes_what_came_before(void **state)
{
    struct rig *r = *state;

    begin(r, EVERY);
    pause_meanwhile(r);
    away_for(r, 4 * MINUTE_MS);
    end_hold(r);
    assert_int_equal(firings(r, "s"), 3);
    expect_row(r, 0, "fired", 15 * MINUTE_MS, 1);
    expect_row(r, 1, "missed", 10 * MINUTE_MS, 1);
    assert_non_null(strstr(rig_text(r, "items.2.reason"), "overtaken"));
}

static void
each_of_two_pauses_in_a_hold_has_its_times(void **state)
{
    struct rig *r = *state;

    begin(r, EVERY ",'misfire':'all'");
    pause_meanwhile(r);
    away_for(r, 4 * MINUTE_MS); /* 15:20 */
    rig_must(r, "schedule.pause", "'name':'s'");
    away_for(r, 5 * MINUTE_MS); /* 20:20 */
    rig_must(r, "schedule.resume", "'name':'s'");
    end_hold(r);
    assert_int_equal(firings(r, "s"), 4);
    expect_row(r, 0, "missed", 20 * MINUTE_MS, 1);
    expect_row(r, 1, "fired", 15 * MINUTE_MS, 1);
    expect_row(r, 2, "missed", 10 * MINUTE_MS, 1);
    expect_row(r, 3, "fired", 5 * MINUTE_MS, 1);
}

static void
a_pause_that_ends_by_itself_in_a_hold_does_likewise(void **state)
{
    struct rig *r = *state;

    begin(r, EVERY ",'misfire':'all'");
    rig_must(r, "schedule.pause", "'name':'s','until':%lld",
             (long long)(RIG_WALL_MS + 12 * MINUTE_MS));
    end_again(r);
    away_for(r, 4 * MINUTE_MS);
    rig_must_read(r, "schedule.show", "'name':'s'");
    assert_string_equal(rig_text(r, "status"), "active");
    end_hold(r);
    assert_int_equal(firings(r, "s"), 3);
    expect_row(r, 0, "fired", 15 * MINUTE_MS, 1);
    expect_row(r, 1, "missed", 10 * MINUTE_MS, 1);
    expect_row(r, 2, "fired", 5 * MINUTE_MS, 1);
}

static void
so_does_the_pause_of_its_company(void **state)
{
    struct rig *r = *state;

    begin(r, EVERY ",'misfire':'all'");
    rig_must(r, "company.pause", "'name':'default'");
    end_again(r);
    rig_must(r, "company.resume", "'name':'default'");
    expect_the_older_fired(r);
}

static void
so_does_the_pause_of_its_agent(void **state)
{
    struct rig *r = *state;

    rig_must(r, "agent.add", "'name':'a'");
    begin(r, EVERY ",'misfire':'all','agent':'a'");
    rig_must(r, "agent.pause", "'name':'a'");
    end_again(r);
    rig_must(r, "agent.resume", "'name':'a'");
    expect_the_older_fired(r);
}

static void
a_hold_of_the_clock_is_no_different(void **state)
{
    struct rig *r = *state;

    add(r, "s", EVERY ",'misfire':'all'");
    r->header.clock_is_held = true;
    rig_advance(r, 6 * MINUTE_MS);
    rig_must(r, "schedule.pause", "'name':'s'");
    rig_advance(r, 6 * MINUTE_MS);
    rig_must(r, "schedule.resume", "'name':'s'");
    r->header.clock_is_held = false;
    expect_the_older_fired(r);
}

static void
the_wait_for_a_success_does_not_begin_at_a_time_in_a_pause(void **state)
{
    struct rig *r = *state;

    begin(r, EVERY ",'overdue_ms':60000");
    pause_meanwhile(r);
    end_hold(r);
    assert_int_equal(rig_feed_count(r, "schedule.overdue"), 1); /* of 5:00 */
}

static void
a_resume_without_a_hold_leaves_no_row(void **state)
{
    struct rig *r = *state;

    add(r, "s", EVERY);
    rig_must(r, "schedule.pause", "'name':'s'");
    rig_advance(r, 6 * MINUTE_MS);
    rig_must(r, "schedule.resume", "'name':'s'");
    assert_int_equal(rig_rows(r, TABLE_PAST_PAUSE), 0);
}

/* Not even where more come soon than anybody would look at. */
static void
nor_where_many_schedules_come_soon(void **state)
{
    struct rig *r = *state;
    char        name[16];

    rig_must(r, "agent.add", "'name':'a'");
    for (int i = 0; i < 1010; i++) {
        (void)snprintf(name, sizeof(name), "s%d", i); /* fits */
        add(r, name, "'every_ms':240000,'overlap':'allow'");
    }
    rig_must(r, "agent.pause", "'name':'a'");
    rig_advance(r, SECOND_MS);
    rig_must(r, "agent.resume", "'name':'a'");
    assert_int_equal(rig_rows(r, TABLE_PAST_PAUSE), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_begin, rig_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_schedule_resumed_in_a_crash_loop_makes_up_for_what_came_before_its_pause),
        cmocka_unit_test(what_came_in_a_pause_overtakes_nothing),
        T(what_comes_after_the_pause_overtakes_what_came_before),
        T(each_of_two_pauses_in_a_hold_has_its_times),
        T(a_pause_that_ends_by_itself_in_a_hold_does_likewise),
        T(so_does_the_pause_of_its_company),
        T(so_does_the_pause_of_its_agent),
        T(a_hold_of_the_clock_is_no_different),
        T(the_wait_for_a_success_does_not_begin_at_a_time_in_a_pause),
        T(a_resume_without_a_hold_leaves_no_row),
        T(nor_where_many_schedules_come_soon),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
