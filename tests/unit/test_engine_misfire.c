/* Misfires: what becomes of nominal times that are overdue, by policy, and the rows that they leave
 * (C3). */
#include "tests/unit/misfire_world.h"
#include <inttypes.h>

static void
set_stagger(struct rig *r, int64_t ms)
{
    r->limits.catch_up_stagger_ms = ms;
    rig_configure(r, &(struct rig_declared){0});
}

static void
bad_policies_are_refused(void **state)
{
    struct rig *r = *state;

    rig_refused(r, E_BAD_REQUEST, "misfire", "schedule.add",
                "'name':'s','handler':'noop','every_ms':60000,'misfire':'newest'");
    rig_refused(r, E_BAD_REQUEST, "misfire_max", "schedule.add",
                "'name':'s','handler':'noop','every_ms':60000,'misfire_max':3");
    rig_refused(r, E_BAD_REQUEST, "end_at", "schedule.add",
                "'name':'s','handler':'noop','every_ms':60000,'start_at':2000,'end_at':2000");
}

static void
skip_fires_nothing_that_is_late(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':60000,'misfire':'skip'");
    down_for(r, 10 * MINUTE_MS + 30000);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 0);
    assert_int_equal(rig_i64(r, "missed_count"), 10);
    rig_wait(r, 5 * MINUTE_MS); /* a suspend: nobody stopped agentd */
    rig_settle(r);
    assert_int_equal(firings(r, "s"), 2);
    expect_row(r, 0, "missed", RIG_WALL_MS + 11 * MINUTE_MS, 5, "late (misfire policy skip)");
    expect_row(r, 1, "missed", RIG_WALL_MS + MINUTE_MS, 10,
               "agentd was not running at its time (misfire policy skip)");
    rig_wait(r, 31 * SECOND_MS); /* the next is 1 s late: that is in time */
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
}

static void
all_fires_the_newest_ones_one_after_the_other(void **state)
{
    struct rig *r = *state;

    set_stagger(r, 5000);
    add(r, "s", "'every_ms':60000,'misfire':'all','misfire_max':3,'overlap':'allow'");
    down_for(r, 10 * MINUTE_MS + 30000);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 3);
    assert_int_equal(rig_i64(r, "missed_count"), 7);
    assert_int_equal(firings(r, "s"), 4);
    expect_row(r, 3, "missed", RIG_WALL_MS + MINUTE_MS, 7,
               "more newer times were missed than misfire_max says (misfire policy all)");
    for (int i = 0; i < 3; i++) {
        int64_t at = RIG_WALL_MS + 10 * MINUTE_MS + 30000;

        (void)firings(r, "s");
        int64_t job = rig_i64(r, rig_path(r, "items", (size_t)(2 - i), "job"));
        assert_int_equal(rig_job_i64(r, (uint64_t)job, "nominal_at"),
                         RIG_WALL_MS + (8 + i) * MINUTE_MS);
        assert_int_equal(rig_i64(r, "run_at"), at + i * 5000);
    }
    rig_advance(r, 30000); /* in time: not put off behind those */
    assert_int_equal(rig_job_i64(r, (uint64_t)schedule_i64(r, "s", "last_job"), "run_at"),
                     RIG_WALL_MS + 11 * MINUTE_MS);
}

static void
all_of_few_misses_nothing(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 16);
    add(r, "s", "'cron':'* * * * *','misfire':'all','overlap':'allow'"); /* the newest 10 */
    down_for(r, 10 * MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 10);
    assert_int_equal(rig_i64(r, "missed_count"), 0);
}

static void
a_schedule_may_have_a_window_of_its_own(void **state)
{
    struct rig *r = *state;

    add(r, "all", "'every_ms':60000,'misfire':'all','overlap':'allow','catch_up_ms':120000");
    add(r, "none", "'cron':'30 8 * * *','catch_up_ms':0");
    add(r, "other", "'cron':'30 8 * * *'");
    down_for(r, HOUR_MS);
    assert_int_equal(schedule_i64(r, "all", "firing_count"), 3); /* 0, 1 and 2 minutes ago */
    assert_int_equal(rig_i64(r, "missed_count"), 57);
    assert_int_equal(schedule_i64(r, "none", "firing_count"), 0);
    assert_int_equal(rig_i64(r, "missed_count"), 1);
    assert_int_equal(schedule_i64(r, "other", "firing_count"), 1);
    rig_advance(r, 23 * HOUR_MS + 30 * MINUTE_MS); /* in time it fires, whatever the window is */
    assert_int_equal(schedule_i64(r, "none", "firing_count"), 1);
}

static void
catching_up_takes_at_most_a_minute_to_begin(void **state)
{
    struct rig *r = *state;
    int64_t     latest = 0;

    set_stagger(r, 10000);
    for (int i = 0; i < 12; i++) {
        char name[8];

        (void)snprintf(name, sizeof(name), "s%d", i);
        add(r, name, "'cron':'0 9 * * *'");
    }
    rig_stop(r);
    rig_wait(r, 2 * HOUR_MS);
    rig_settle(r);
    for (int i = 0; i < 12; i++) {
        char name[8];

        (void)snprintf(name, sizeof(name), "s%d", i);
        int64_t at = rig_job_i64(r, (uint64_t)schedule_i64(r, name, "last_job"), "run_at");
        if (at > latest) latest = at;
        assert_int_equal(at, RIG_WALL_MS + 2 * HOUR_MS + (i < 6 ? i : 6) * 10000);
    }
    assert_int_equal(latest, RIG_WALL_MS + 2 * HOUR_MS + MINUTE_MS);
}

/* ---- cost ---- */

static void
every_second_of_a_day_leaves_two_rows_in_bounded_turns(void **state)
{
    static const char *const times[] = {"'cron':'* * * * * *'", "'every_ms':1000",
                                        "'every_ms':1000,'jitter_ms':500"};
    struct rig              *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        char name[8];
        int  turns = 0;

        (void)snprintf(name, sizeof(name), "s%zu", i);
        add(r, name, times[i]);
        rig_wait(r, DAY_MS);
        for (; rig_is_due(r) && turns < 100; turns++)
            rig_turn(r);
        assert_in_range(turns, 1, 30);
        (void)schedule_i64(r, name, "cursor_at");
        assert_int_equal(rig_i64(r, "missed_count") + rig_i64(r, "firing_count"),
                         (rig_i64(r, "cursor_at") - RIG_WALL_MS) / SECOND_MS -
                             (int64_t)i * DAY_MS / SECOND_MS);
        assert_int_equal(rig_i64(r, "firing_count"), 1);
        assert_int_equal(firings(r, name), 2);
        rig_must(r, "schedule.pause", "'name':'%s'", name);
    }
}

/* Rows that the turn reads which decides about one overdue time, once `count` schedules are there
 * that are not due. */
static uint64_t
reads_with(struct rig *r, unsigned count, const char *overdue)
{
    for (unsigned i = 0; i < count; i++) {
        (void)rig_queue(r, "schedule.add", "'name':'%s-%u','handler':'noop','cron':'0 0 1 1 *'",
                        overdue, i);
        if (i % 100 == 99) rig_turn(r);
    }
    rig_settle(r);
    add(r, overdue, "'every_ms':60000");
    rig_wait(r, 30 * MINUTE_MS);
    rig_turn(r);
    assert_true(schedule_i64(r, overdue, "missed_count") > 0);
    uint64_t reads = r->reads;
    rig_settle(r);
    rig_must(r, "schedule.pause", "'name':'%s'", overdue);
    return reads;
}

static void
deciding_one_time_costs_the_same_among_thousands_of_schedules(void **state)
{
    struct rig *r = *state;

    r->is_unchecked = true;
    uint64_t few = reads_with(r, 10, "few"), many = reads_with(r, 3000, "many");
    assert_in_range(many, 1, few + few / 2);
}

static void
a_crash_in_the_middle_loses_and_repeats_nothing(void **state)
{
    struct rig *r = *state;
    int         crashes = 0;

    add(r, "s", "'cron':'* * * * * *','misfire':'all','misfire_max':600,'overlap':'allow'");
    rig_wait(r, 8 * HOUR_MS);
    while (rig_is_due(r) && crashes < 50) {
        rig_turn(r);
        if (!rig_is_due(r)) break;
        rig_stop(r); /* between two turns */
        rig_turn(r);
        crashes++;
    }
    assert_in_range(crashes, 2, 49);
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 600);
    assert_int_equal(rig_i64(r, "missed_count"), 8 * HOUR_MS / SECOND_MS - 600);
    assert_int_equal(firings(r, "s"), 601);
    expect_row(r, 600, "missed", RIG_WALL_MS + SECOND_MS, 8 * HOUR_MS / SECOND_MS - 600,
               "more newer times were missed than misfire_max says (misfire policy all)");
    assert_int_equal(rig_i64(r, "items.600.until_at"),
                     rig_i64(r, "items.599.nominal_at") - SECOND_MS);
}

static void
years_of_seconds_are_not_counted_one_by_one(void **state)
{
    struct rig *r = *state;
    int64_t     window;

    add(r, "s", "'cron':'* * * * * *'");
    down_for(r, 55 * 365 * (int64_t)DAY_MS);
    window = r->header.now.wall_ms - DAY_MS;
    assert_int_equal(firings(r, "s"), 3);
    expect_row(r, 2, "missed", RIG_WALL_MS + SECOND_MS, 1 + TURN_TIMES_MAX,
               "older than the catch-up window: at least so many");
    assert_int_equal(rig_i64(r, "items.2.until_at"), window - 1);
    assert_int_equal(rig_i64(r, "items.1.count"), DAY_MS / SECOND_MS);
}

/* ---- a crash loop ---- */

static void
crash(struct rig *r, int64_t after_ms)
{
    rig_advance(r, after_ms);
    rig_crash(r);
    rig_settle(r);
}

static void
after_a_crash_loop_old_times_wait_a_minute(void **state)
{
    struct rig *r = *state;

    add(r, "old", "'every_ms':60000,'misfire':'all','overlap':'allow'");
    rig_must(r, "schedule.add",
             "'name':'new','handler':'noop','every_ms':20000,'start_at':%" PRId64,
             (int64_t)(RIG_WALL_MS + 121 * SECOND_MS));
    crash(r, 10 * SECOND_MS);
    crash(r, 10 * SECOND_MS);
    rig_advance(r, 10 * SECOND_MS);
    rig_crash(r);
    r->header.now.wall_ms += 90 * SECOND_MS; /* it was away for a while */
    r->header.now.boot_ms += 90 * SECOND_MS;
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "old", "firing_count"), 0); /* of 60 and 120 s */
    rig_must_read(r, "schedule.why", "'name':'old'");
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "crash_loop");
    assert_int_equal(rig_i64(r, "earliest_at"), RIG_WALL_MS + 180 * SECOND_MS);
    rig_advance(r, 59 * SECOND_MS); /* what comes now fires */
    assert_int_equal(schedule_i64(r, "old", "firing_count"), 0);
    assert_int_equal(schedule_i64(r, "new", "firing_count"), 1);
    rig_advance(r, SECOND_MS);
    assert_int_equal(schedule_i64(r, "old", "firing_count"), 3); /* and that of 180 s */
    assert_int_equal(rig_i64(r, "missed_count"), 0);
}

static void
what_is_no_crash_loop_holds_nothing(void **state)
{
    struct rig *r = *state;

    add(r, "s", "'every_ms':60000,'overlap':'allow'");
    crash(r, 10 * SECOND_MS);
    crash(r, 10 * SECOND_MS);
    rig_stop(r); /* a planned end between them */
    rig_settle(r);
    rig_advance(r, 10 * SECOND_MS);
    rig_crash(r);
    rig_wait(r, 60 * SECOND_MS);
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    crash(r, 10 * SECOND_MS);
    rig_advance(r, 10 * MINUTE_MS + SECOND_MS); /* ten minutes of life */
    int64_t before = schedule_i64(r, "s", "firing_count");
    rig_crash(r);
    rig_wait(r, 60 * SECOND_MS);
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), before + 1);
}

/* ---- why ---- */

static void
why_tells_of_what_was_missed_last(void **state)
{
    struct rig *r = *state;

    add(r, "s", "'every_ms':60000");
    down_for(r, 4 * MINUTE_MS);
    complete_last(r, "s");
    rig_must_read(r, "schedule.why", "'name':'s'");
    assert_int_equal(rig_len(r, "blockers"), 2);
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "due_later");
    assert_int_equal(rig_i64(r, "earliest_at"), RIG_WALL_MS + 5 * MINUTE_MS);
    assert_string_equal(rig_text(r, "blockers.1.predicate"), "missed");
    assert_string_equal(
        rig_text(r, "blockers.1.message"),
        "the last times that were missed: 3 from 2027-01-15 08:01:00.000Z to "
        "2027-01-15 08:03:00.000Z: agentd was not running at its time; overtaken by "
        "its next time (misfire policy latest)");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(bad_policies_are_refused),
        TEST(skip_fires_nothing_that_is_late),
        TEST(all_fires_the_newest_ones_one_after_the_other),
        TEST(all_of_few_misses_nothing),
        TEST(a_schedule_may_have_a_window_of_its_own),
        TEST(catching_up_takes_at_most_a_minute_to_begin),
        TEST(every_second_of_a_day_leaves_two_rows_in_bounded_turns),
        TEST(deciding_one_time_costs_the_same_among_thousands_of_schedules),
        TEST(a_crash_in_the_middle_loses_and_repeats_nothing),
        TEST(after_a_crash_loop_old_times_wait_a_minute),
        TEST(what_is_no_crash_loop_holds_nothing),
        TEST(why_tells_of_what_was_missed_last),
        TEST(years_of_seconds_are_not_counted_one_by_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
