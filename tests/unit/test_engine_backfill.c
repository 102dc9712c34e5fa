/* Nominal times of a past range that are fired after all (C5, C10). */
#include "tests/unit/schedule_world.h"

#define AT(minutes) (RIG_WALL_MS + (minutes)*MINUTE_MS)

static uint64_t
backfill(struct rig *r, const char *name, int64_t from, int64_t to)
{
    rig_must(r, "schedule.backfill", "'name':'%s','from':%lld,'to':%lld", name, (long long)from,
             (long long)to);
    return (uint64_t)rig_i64(r, "count");
}

static void
expect_refused(struct rig *r, enum errc code, const char *field, const char *about, int64_t from,
               int64_t to)
{
    rig_refused(r, code, field, "schedule.backfill", "'name':'s','from':%lld,'to':%lld",
                (long long)from, (long long)to);
    if (!strstr(r->error.msg, about)) fail_msg("\"%s\" says no \"%s\"", r->error.msg, about);
}

/* Every minute, of which five pass while nobody may fire: one row or five, as they are merged. */
static void
miss_five(struct rig *r)
{
    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':60000");
    rig_must(r, "schedule.pause", "'name':'s'");
    for (int i = 0; i < 5; i++)
        rig_advance(r, MINUTE_MS);
    rig_must(r, "schedule.resume", "'name':'s'");
}

/* How many nominal times the rows say were missed. */
static int64_t
rows_missed(struct rig *r)
{
    size_t  n = firings(r, "s");
    int64_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        if (strcmp(rig_text(r, rig_path(r, "items", i, "outcome")), "missed") != 0) continue;
        sum += rig_i64(r, rig_path(r, "items", i, "count"));
    }
    return sum;
}

static void
missed_times_are_fired_one_after_the_other(void **state)
{
    struct rig *r = *state;

    miss_five(r);
    assert_int_equal(backfill(r, "s", AT(1), AT(5)), 5);
    assert_int_equal(rig_len(r, "jobs"), 5);
    assert_int_equal(rig_i64(r, "first_at"), AT(1));
    assert_int_equal(rig_i64(r, "last_at"), AT(5));
    for (int i = 1; i <= 5; i++) {
        assert_int_equal(rig_running(r), 1);
        assert_int_equal(rig_job_i64(r, (uint64_t)i, "nominal_at"), AT(i));
        expect_state(r, (uint64_t)i, "running");
        rig_complete(r, (uint64_t)i);
    }
    assert_int_equal(rig_running(r), 0);
    assert_int_equal(outcomes(r, "s", "fired"), 5);
    assert_int_equal(outcomes(r, "s", "missed"), 0);
    assert_int_equal(schedule_i64(r, "s", "missed_count"), 0);
    assert_int_equal(rig_i64(r, "firing_count"), 5);
    assert_int_equal(rig_i64(r, "next_fire_at"), AT(6));
    rig_must_read(r, "audit.list", "'action':'schedule.backfill'");
    assert_int_equal(rig_i64(r, "items.0.after.count"), 5);
    rig_must_read(r, "audit.list", "'action':'manual_force_bypass'");
    assert_int_equal(rig_len(r, "items"), 0);
}

/* What stands for several times loses those in the midst. */
static void
a_part_of_what_was_missed_leaves_the_rest_missed(void **state)
{
    struct rig *r = *state;

    miss_five(r);
    assert_int_equal(rows_missed(r), 5);
    assert_int_equal(backfill(r, "s", AT(2), AT(3)), 2);
    assert_int_equal(outcomes(r, "s", "fired"), 2);
    assert_int_equal(rows_missed(r), 3);
    assert_int_equal(schedule_i64(r, "s", "missed_count"), 3);
    assert_int_equal(backfill(r, "s", AT(0), AT(5)), 3);
    assert_int_equal(rows_missed(r), 0);
    assert_int_equal(schedule_i64(r, "s", "missed_count"), 0);
    assert_int_equal(outcomes(r, "s", "fired"), 5);
}

/* An hour of minutes is missed; then others are its times. */
static void
miss_an_hour(struct rig *r, const char *cron)
{
    rig_workers(r, 1, 4);
    add(r, "s", "'cron':'* * * * *'");
    rig_must(r, "schedule.pause", "'name':'s'");
    rig_advance(r, HOUR_MS);
    rig_must(r, "schedule.set", "'name':'s','cron':'%s'", cron);
    rig_must(r, "schedule.resume", "'name':'s'");
}

static void
what_an_older_expression_missed_stays_missed(void **state)
{
    struct rig *r = *state;

    miss_an_hour(r, "30 * * * *");
    assert_int_equal(backfill(r, "s", AT(25), AT(35)), 1);
    assert_int_equal(rig_job_i64(r, 1, "nominal_at"), AT(30));
    assert_int_equal(firings(r, "s"), 2);
    assert_int_equal(rows_missed(r), 60);
    rig_advance(r, 30 * MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "cursor_at"), AT(90));
    assert_int_equal(rig_i64(r, "missed_count") + rig_i64(r, "suppressed_count"), 61);
}

static void
the_row_of_an_older_expression_loses_its_first_time_only(void **state)
{
    struct rig *r = *state;

    miss_an_hour(r, "1,31 * * * *");
    assert_int_equal(backfill(r, "s", AT(0), AT(10)), 1);
    assert_int_equal(rig_job_i64(r, 1, "nominal_at"), AT(1));
    assert_int_equal(firings(r, "s"), 2);
    assert_int_equal(rows_missed(r), 59);
    (void)firings(r, "s");
    assert_int_equal(rig_i64(r, "items.0.nominal_at"), AT(1) + 1);
    assert_int_equal(rig_i64(r, "items.0.until_at"), AT(60));
    assert_int_equal(schedule_i64(r, "s", "missed_count"), 59);
}

static void
what_has_fired_is_not_fired_again(void **state)
{
    struct rig *r = *state;

    miss_five(r);
    assert_int_equal(backfill(r, "s", AT(1), AT(5)), 5);
    assert_int_equal(backfill(r, "s", AT(1), AT(5)), 0);
    assert_true(rig_is_nil(r, "first_at"));
    assert_int_equal(rig_len(r, "jobs"), 0);
    rig_advance(r, 30 * SECOND_MS);
    assert_int_equal(backfill(r, "s", AT(0), AT(5)), 0);
}

/* Times before it was made are times of its expression, too. */
static void
a_new_schedule_is_fired_for_the_days_before_it(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'cron':'0 8 * * *'");
    assert_int_equal(backfill(r, "s", AT(0) - 3 * DAY_MS, AT(0)), 4);
    assert_int_equal(rig_job_i64(r, 1, "nominal_at"), AT(0) - 3 * DAY_MS);
    assert_string_equal(rig_text(r, "title"), "s — firing #1");
}

static void
what_is_still_to_be_decided_is_left_to_itself(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':60000");
    r->header.clock_is_held = true;
    rig_wait(r, 3 * MINUTE_MS);
    assert_int_equal(backfill(r, "s", AT(0), AT(3)), 0);
    r->header.clock_is_held = false;
    rig_settle(r);
    assert_int_equal(outcomes(r, "s", "fired"), 1);
}

static void
a_paused_one_is_fired_too_and_force_runs_all_at_once(void **state)
{
    struct rig *r = *state;

    miss_five(r);
    rig_must(r, "schedule.pause", "'name':'s'");
    rig_must(r, "schedule.backfill", "'name':'s','from':%lld,'to':%lld,'force':true",
             (long long)AT(1), (long long)AT(3));
    assert_true(rig_bool(r, "forced"));
    assert_int_equal(rig_running(r), 3);
    rig_must_read(r, "audit.list", "'action':'manual_force_bypass'");
    assert_int_equal(rig_len(r, "items"), 1);
}

static void
ranges_that_cannot_be_are_refused(void **state)
{
    struct rig *r = *state;

    r->limits.keep_firings_ms = 30 * DAY_MS;
    rig_configure(r, &(struct rig_declared){0});
    add(r, "s", "'every_ms':1000");
    expect_refused(r, E_BAD_REQUEST, "to", "not after", AT(0), AT(0));
    expect_refused(r, E_BAD_REQUEST, "to", "not after", AT(0), AT(-1));
    expect_refused(r, E_BAD_REQUEST, "to", "future", AT(0), AT(0) + 1);
    expect_refused(r, E_BAD_REQUEST, "from", "30d", AT(0) - 31 * DAY_MS, AT(0));
    rig_refused(r, E_NOT_FOUND, "name", "schedule.backfill", "'name':'t','from':0,'to':1");
}

/* The schedule of a day before, of each second: 1,000 are taken, a million is told, not made. */
static void
too_many_are_counted_and_refused(void **state)
{
    struct rig *r = *state;

    add(r, "s", "'every_ms':1000");
    rig_must(r, "schedule.pause", "'name':'s'");
    rig_advance(r, 12 * DAY_MS);
    expect_refused(r, E_TOO_LARGE, "", "1000001 ", AT(0), AT(0) + 1000001 * SECOND_MS);
    expect_refused(r, E_TOO_LARGE, "", "1001 ", AT(0), AT(0) + 1001 * SECOND_MS);
    assert_int_equal(backfill(r, "s", AT(0), AT(0) + 1000 * SECOND_MS), 1000);
    assert_int_equal(schedule_i64(r, "s", "missed_count"), 12 * DAY_MS / 1000 - 1000);
    rig_must(r, "schedule.set", "'name':'s','cron':'* * * * * *'");
    expect_refused(r, E_TOO_LARGE, "", "more than 10000 ", AT(0), AT(0) + 1000001 * SECOND_MS);
}

static void
the_queues_limit_holds_for_all_of_them(void **state)
{
    struct rig *r = *state;

    r->limits.company_queue_max = 4;
    rig_configure(r, &(struct rig_declared){0});
    miss_five(r);
    expect_refused(r, E_QUEUE_FULL, "", "queue", AT(1), AT(5));
    assert_int_equal(rows_missed(r), 5);
    assert_int_equal(backfill(r, "s", AT(1), AT(4)), 4);
}

static void
what_a_gate_left_out_counts_as_that_no_more(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "t", "'cron':'0 0 1 1 *'");
    add(r, "s", "'every_ms':60000,'gate':{'completed':'t'}");
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "gated_count"), 1);
    rig_advance(r, SECOND_MS);
    assert_int_equal(backfill(r, "s", AT(1), AT(1) + 1), 1);
    assert_int_equal(schedule_i64(r, "s", "gated_count"), 0);
    assert_int_equal(rig_i64(r, "suppressed_count"), 0);
}

static void
two_companies_schedules_of_one_name_are_two(void **state)
{
    struct rig *r = *state;

    miss_five(r);
    rig_must(r, "company.add", "'name':'acme'");
    rig_must(r, "schedule.add", "'name':'s','company':'acme','cron':'0 8 * * *','handler':'noop'");
    assert_int_equal(backfill(r, "acme/s", AT(0) - DAY_MS, AT(1)), 2);
    assert_int_equal(rows_missed(r), 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_begin, rig_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(missed_times_are_fired_one_after_the_other),
        TEST(a_part_of_what_was_missed_leaves_the_rest_missed),
        TEST(what_an_older_expression_missed_stays_missed),
        TEST(the_row_of_an_older_expression_loses_its_first_time_only),
        TEST(what_has_fired_is_not_fired_again),
        TEST(a_new_schedule_is_fired_for_the_days_before_it),
        TEST(what_is_still_to_be_decided_is_left_to_itself),
        TEST(a_paused_one_is_fired_too_and_force_runs_all_at_once),
        TEST(ranges_that_cannot_be_are_refused),
        TEST(too_many_are_counted_and_refused),
        TEST(the_queues_limit_holds_for_all_of_them),
        TEST(what_a_gate_left_out_counts_as_that_no_more),
        TEST(two_companies_schedules_of_one_name_are_two),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
