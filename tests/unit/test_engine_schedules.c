/* Schedules: when they fire and what becomes of each nominal time (C1–C4, C7, N29). */
#include "tests/unit/schedule_world.h"
#include <inttypes.h>

/* ---- what is said ---- */

static void
a_schedule_has_every_field(void **state)
{
    static const char *const fields[] = {"name",
                                         "company",
                                         "cron",
                                         "every_ms",
                                         "agent",
                                         "handler",
                                         "payload",
                                         "title",
                                         "type",
                                         "priority",
                                         "max_turns",
                                         "max_run_ms",
                                         "max_attempts",
                                         "tags",
                                         "origin",
                                         "status",
                                         "pause_reason",
                                         "paused_at",
                                         "next_fire_at",
                                         "next_at",
                                         "cursor_at",
                                         "firing_count",
                                         "suppressed_count",
                                         "missed_count",
                                         "last_job",
                                         "last_fired_at",
                                         "failure_streak",
                                         "last_failure",
                                         "overlap",
                                         "misfire",
                                         "created_at",
                                         "warnings"};
    struct rig              *r = *state;

    add(r, "s", "'cron':'*/15 * * * *'");
    for (int again = 0; again < 2; again++) {
        for (size_t i = 0; i < ARRAY_LEN(fields); i++)
            if (!rig_has(r, fields[i])) fail_msg("no %s in %s", fields[i], rig_json(r));
        assert_string_equal(rig_text(r, "name"), "s");
        assert_string_equal(rig_text(r, "company"), "default");
        assert_string_equal(rig_text(r, "cron"), "*/15 * * * *");
        assert_true(rig_is_nil(r, "every_ms"));
        assert_string_equal(rig_text(r, "origin"), "api");
        assert_string_equal(rig_text(r, "status"), "active");
        assert_string_equal(rig_text(r, "overlap"), "skip");
        assert_string_equal(rig_text(r, "misfire"), "latest");
        assert_string_equal(rig_text(r, "type"), "schedule");
        assert_int_equal(rig_i64(r, "next_fire_at"), RIG_WALL_MS + 15 * MINUTE_MS);
        assert_int_equal(rig_len(r, "next_at"), 3);
        assert_int_equal(rig_i64(r, "next_at.2"), RIG_WALL_MS + 45 * MINUTE_MS);
        assert_int_equal(rig_i64(r, "created_at"), RIG_WALL_MS);
        assert_int_equal(rig_i64(r, "firing_count"), 0);
        rig_must_read(r, "schedule.show", "'name':'default/s'");
    }
}

static void
a_limit_in_the_prompt_only_is_warned_of(void **state)
{
    struct rig *r = *state;

    rig_must(
        r, "schedule.add",
        "'name':'a','every_ms':60000,'handler':'noop','payload':{'prompt':'Do it. Max 50 turns.'}");
    for (int again = 0; again < 2; again++) {
        assert_int_equal(rig_len(r, "warnings"), 1);
        assert_string_equal(rig_text(r, "warnings.0.type"), "max_turns_in_payload");
        assert_int_equal(rig_i64(r, "warnings.0.turns"), 50);
        assert_non_null(strstr(rig_text(r, "warnings.0.message"), "50"));
        rig_must_read(r, "schedule.show", "'name':'a'");
    }
    rig_must(r, "schedule.add",
             "'name':'b','every_ms':60000,'handler':'noop','max_turns':40,"
             "'payload':'max 50 turns'");
    assert_int_equal(rig_len(r, "warnings"), 0);
    rig_must(r, "schedule.add",
             "'name':'c','every_ms':60000,'handler':'noop','max_turns':null,"
             "'payload':'max 50 turns'");
    assert_int_equal(rig_len(r, "warnings"), 1);
    add(r, "d", "'every_ms':60000");
    assert_int_equal(rig_len(r, "warnings"), 0);
}

/* ---- firing ---- */

static void
a_cron_schedule_fires_at_its_minutes(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'cron':'*/15 * * * *'");
    assert_int_equal(r->deadline.wall_ms, RIG_WALL_MS + 15 * MINUTE_MS);
    rig_advance(r, 15 * MINUTE_MS - 1);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 0);
    for (int i = 1; i <= 3; i++) {
        rig_advance(r, i == 1 ? 1 : 15 * MINUTE_MS);
        assert_int_equal(schedule_i64(r, "s", "firing_count"), i);
        assert_int_equal(rig_i64(r, "last_fired_at"), RIG_WALL_MS + 15 * MINUTE_MS * i);
        assert_int_equal(rig_i64(r, "cursor_at"), RIG_WALL_MS + 15 * MINUTE_MS * i);
        assert_int_equal(rig_i64(r, "next_fire_at"), RIG_WALL_MS + 15 * MINUTE_MS * (i + 1));
        complete_last(r, "s");
    }
}

static void
an_interval_counts_from_its_making(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    rig_advance(r, 1234);
    add(r, "s", "'every_ms':90000");
    for (int i = 1; i <= 5; i++) {
        rig_advance(r, 90000);
        assert_int_equal(schedule_i64(r, "s", "firing_count"), i);
        assert_int_equal(rig_i64(r, "cursor_at"), RIG_WALL_MS + 1234 + 90000LL * i);
        complete_last(r, "s");
    }
}

static void
a_firing_makes_a_job_of_its_declaration(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &(struct rig_declared){
                         .companies = "{'name':'acme'}",
                         .agents = "{'name':'anna','company':'acme','handler':'h'}",
                         .handlers = "{'name':'h','kind':'exec','command':['x'],'max_turns':70}",
                     });
    rig_must(r, "schedule.add",
             "'name':'s','company':'acme','every_ms':60000,'agent':'anna','payload':{'p':1},"
             "'title':'The title','priority':33,'max_run_ms':5000,'max_turns':12,"
             "'tags':{'a':'b'},'type':'heartbeat'");
    rig_advance(r, MINUTE_MS + 7); /* seen a little late: the nominal time stays */
    uint64_t id = (uint64_t)schedule_i64(r, "acme/s", "last_job");
    rig_must_read(r, "job.show", "'id':%d", (int)id);
    assert_string_equal(rig_text(r, "trigger"), "heartbeat");
    assert_string_equal(rig_text(r, "company"), "acme");
    assert_string_equal(rig_text(r, "agent"), "anna");
    assert_string_equal(rig_text(r, "handler"), "h");
    assert_string_equal(rig_text(r, "schedule"), "s");
    assert_int_equal(rig_i64(r, "nominal_at"), RIG_WALL_MS + MINUTE_MS);
    assert_int_equal(rig_i64(r, "run_at"), RIG_WALL_MS + MINUTE_MS + 7);
    assert_int_equal(rig_i64(r, "payload.p"), 1);
    assert_string_equal(rig_text(r, "title"), "The title — firing #1");
    assert_int_equal(rig_i64(r, "priority"), 33);
    assert_int_equal(rig_i64(r, "max_run_ms"), 5000);
    assert_int_equal(rig_i64(r, "max_turns"), 12);
    assert_int_equal(rig_i64(r, "max_attempts"), 1); /* a firing that failed is a failed firing */
    assert_string_equal(rig_text(r, "tags.a"), "b");
}

static void
max_turns_of_a_firing_come_from_schedule_handler_or_limits(void **state)
{
    struct rig *r = *state;

    r->limits.max_turns = 300;
    rig_configure(r, &(struct rig_declared){
                         .handlers = "{'name':'h','kind':'exec','command':['x'],'max_turns':70}"});
    rig_must(r, "schedule.add", "'name':'own','every_ms':60000,'handler':'h','max_turns':9");
    rig_must(r, "schedule.add", "'name':'none','every_ms':60000,'handler':'h','max_turns':null");
    rig_must(r, "schedule.add", "'name':'handlers','every_ms':60000,'handler':'h'");
    rig_must(r, "schedule.add", "'name':'limits','every_ms':60000,'handler':'noop'");
    rig_advance(r, MINUTE_MS);
    assert_int_equal(rig_job_i64(r, (uint64_t)schedule_i64(r, "own", "last_job"), "max_turns"), 9);
    assert_int_equal(rig_job_i64(r, (uint64_t)schedule_i64(r, "handlers", "last_job"), "max_turns"),
                     70);
    assert_int_equal(rig_job_i64(r, (uint64_t)schedule_i64(r, "limits", "last_job"), "max_turns"),
                     300);
    (void)rig_job_text(r, (uint64_t)schedule_i64(r, "none", "last_job"), "state");
    assert_true(rig_is_nil(r, "max_turns"));
}

static void
a_declared_ladder_retries_firings(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    rig_must(r, "schedule.add", "'name':'s','every_ms':600000,'handler':'noop','retry':[1000]");
    rig_must(r, "schedule.add", "'name':'plain','every_ms':600000,'handler':'noop'");
    rig_advance(r, 600000);
    uint64_t retried = (uint64_t)schedule_i64(r, "s", "last_job");
    uint64_t plain = (uint64_t)schedule_i64(r, "plain", "last_job");
    rig_fail(r, retried, "tool_failed");
    rig_fail(r, plain, "tool_failed");
    expect_state(r, retried, "scheduled");
    expect_state(r, plain, "failed");
    assert_int_equal(schedule_i64(r, "plain", "failure_streak"), 1);
    assert_string_equal(rig_text(r, "last_failure"), "tool_failed");
    assert_int_equal(schedule_i64(r, "s", "failure_streak"), 0); /* firings that ended */
    rig_advance(r, 600000);
    complete_last(r, "plain");
    assert_int_equal(schedule_i64(r, "plain", "failure_streak"), 0);
    assert_true(rig_is_nil(r, "last_failure"));
}

static void
each_firing_has_a_row(void **state)
{
    static const char *const fields[] = {
        "schedule",     "nominal_at",  "outcome",  "reason",     "count",
        "job",          "number",      "fired_at", "claimed_at", "completed_at",
        "slot_wait_ms", "duration_ms", "state",    "turns",      "class"};
    struct rig *r = *state;

    add(r, "s", "'every_ms':60000");
    rig_advance(r, MINUTE_MS);
    assert_int_equal(firings(r, "s"), 1);
    rig_advance(r, 2000);
    rig_workers(r, 1, 1); /* it waited 2 s for a worker */
    rig_wait(r, 3000);
    rig_ended(r, (uint64_t)schedule_i64(r, "s", "last_job"), "'verdict':'completed','turns':4");
    rig_turn(r);
    assert_int_equal(firings(r, "s"), 1);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const char *path = rig_path(r, "items", 0, fields[i]);

        if (!rig_has(r, path)) fail_msg("no %s in %s", path, rig_json(r));
    }
    assert_string_equal(rig_text(r, "items.0.schedule"), "s");
    assert_int_equal(rig_i64(r, "items.0.nominal_at"), RIG_WALL_MS + MINUTE_MS);
    assert_string_equal(rig_text(r, "items.0.outcome"), "fired");
    assert_int_equal(rig_i64(r, "items.0.number"), 1);
    assert_int_equal(rig_i64(r, "items.0.fired_at"), RIG_WALL_MS + MINUTE_MS);
    assert_int_equal(rig_i64(r, "items.0.slot_wait_ms"), 2000);
    assert_int_equal(rig_i64(r, "items.0.duration_ms"), 3000);
    assert_string_equal(rig_text(r, "items.0.state"), "completed");
    assert_int_equal(rig_i64(r, "items.0.turns"), 4);
}

/* ---- overlap ---- */

static void
a_firing_still_in_flight_suppresses_the_next(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':60000");
    for (int i = 0; i < 4; i++)
        rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    assert_int_equal(rig_i64(r, "suppressed_count"), 3);
    assert_int_equal(outcomes(r, "s", "suppressed"), 3);
    complete_last(r, "s");
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 2);
    assert_int_equal(rig_feed_count(r, "schedule.suppressed"), 3);
    assert_int_equal(rig_feed_count(r, "schedule.fired"), 2);
}

static void
a_firing_that_waits_is_in_flight_too(void **state)
{
    struct rig *r = *state;

    add(r, "s", "'every_ms':60000"); /* no worker */
    rig_advance(r, MINUTE_MS);
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "suppressed_count"), 1);
    rig_must(r, "job.cancel", "'id':%d", (int)schedule_i64(r, "s", "last_job"));
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 2);
}

/* ---- misfires ---- */

static void
after_downtime_only_the_latest_fires(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':60000");
    rig_stop(r);
    rig_wait(r, 10 * MINUTE_MS + 30000);
    rig_settle(r);
    rig_workers(r, 1, 4);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    assert_int_equal(rig_i64(r, "missed_count"), 9);
    assert_int_equal(rig_i64(r, "cursor_at"), RIG_WALL_MS + 10 * MINUTE_MS);
    assert_int_equal(rig_i64(r, "next_fire_at"), RIG_WALL_MS + 11 * MINUTE_MS);
    assert_int_equal(firings(r, "s"), 2);
    assert_string_equal(rig_text(r, "items.1.outcome"), "missed"); /* one row for the stretch */
    assert_string_equal(rig_text(r, "items.1.reason"),
                        "overtaken by its next time (misfire policy latest)");
    assert_int_equal(rig_i64(r, "items.1.count"), 9);
    assert_int_equal(rig_i64(r, "items.1.nominal_at"), RIG_WALL_MS + MINUTE_MS);
    assert_int_equal(rig_i64(r, "items.1.until_at"), RIG_WALL_MS + 9 * MINUTE_MS);
    rig_must_read(r, "job.list", " ");
    assert_int_equal(rig_len(r, "items"), 1);
    assert_int_equal(rig_i64(r, "items.0.nominal_at"), RIG_WALL_MS + 10 * MINUTE_MS);
}

static void
a_jump_forward_is_downtime(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "hourly", "'cron':'0 * * * *'");
    r->header.now.wall_ms += 5 * HOUR_MS + 1; /* a step of the wall clock alone */
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "hourly", "firing_count"), 1);
    assert_int_equal(rig_i64(r, "missed_count"), 4);
}

static void
beyond_the_catch_up_window_nothing_fires(void **state)
{
    struct rig *r = *state;

    r->limits.catch_up_ms = HOUR_MS;
    rig_configure(r, &(struct rig_declared){0});
    add(r, "daily", "'cron':'0 9 * * *'"); /* in an hour */
    add(r, "often", "'every_ms':60000");
    rig_stop(r);
    rig_wait(r, DAY_MS); /* 08:00 the next day: 09:00 was 23 h ago */
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "daily", "firing_count"), 0);
    assert_int_equal(rig_i64(r, "missed_count"), 1);
    assert_int_equal(rig_i64(r, "next_fire_at"), RIG_WALL_MS + DAY_MS + HOUR_MS);
    assert_int_equal(outcomes(r, "daily", "missed"), 1);
    assert_int_equal(schedule_i64(r, "often", "firing_count"), 1);
    assert_int_equal(rig_i64(r, "missed_count"), DAY_MS / MINUTE_MS - 1);
    assert_int_equal(firings(r, "often"), 3); /* before the window, in it, and the newest */
}

static void
a_long_downtime_is_counted_in_bounded_turns(void **state)
{
    struct rig *r = *state;

    r->limits.catch_up_ms = HOUR_MS;
    rig_configure(r, &(struct rig_declared){0});
    add(r, "one", "'cron':'* * * * *'");
    add(r, "two", "'cron':'* * * * *'");
    rig_must(r, "schedule.pause", "'name':'one'");
    rig_must(r, "schedule.pause", "'name':'two'");
    rig_wait(r, 10 * DAY_MS);
    rig_turn(r);
    int64_t counted = schedule_i64(r, "one", "missed_count");
    counted += schedule_i64(r, "two", "missed_count");
    assert_in_range(counted, 1, TURN_TIMES_MAX + TURN_DUE_MAX);
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "one", "missed_count"), 10 * DAY_MS / MINUTE_MS);
    assert_int_equal(schedule_i64(r, "two", "missed_count"), 10 * DAY_MS / MINUTE_MS);
}

static void
exactly_at_the_window_still_fires(void **state)
{
    struct rig *r = *state;

    r->limits.catch_up_ms = HOUR_MS;
    rig_configure(r, &(struct rig_declared){0});
    add(r, "daily", "'cron':'0 9 * * *'");
    rig_stop(r);
    rig_wait(r, 2 * HOUR_MS); /* 10:00 */
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "daily", "firing_count"), 1);
}

static void
a_turn_decides_at_most_256_nominal_times(void **state)
{
    struct rig *r = *state;
    int64_t     left = 1000;

    r->limits.catch_up_ms = DAY_MS;
    rig_configure(r, &(struct rig_declared){0});
    add(r, "s", "'every_ms':1000,'misfire':'all','misfire_max':1000");
    rig_wait(r, 1000 * SECOND_MS);
    while (left > 0) {
        rig_turn(r);
        int64_t decided = schedule_i64(r, "s", "suppressed_count") + rig_i64(r, "firing_count");
        assert_true(1000 - decided <= left);
        assert_true(left - (1000 - decided) <= 256);
        left = 1000 - decided;
        assert_int_equal(rig_is_due(r), left > 0);
    }
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    assert_int_equal(rig_i64(r, "suppressed_count"), 999);
}

static void
one_overdue_schedule_does_not_keep_others_from_firing_for_ever(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 8);
    add(r, "a", "'every_ms':1000");
    add(r, "b", "'every_ms':1000");
    rig_advance(r, 2000 * SECOND_MS);
    assert_int_equal(schedule_i64(r, "a", "firing_count"), 1);
    assert_int_equal(schedule_i64(r, "b", "firing_count"), 1);
}

static void
a_flood_of_due_jobs_delays_no_firing(void **state)
{
    struct rig *r = *state;
    int64_t     turns = 0;

    add(r, "often", "'every_ms':10000");
    for (unsigned i = 0; i < 2000; i++) {
        (void)rig_queue(r, "job.submit", "'handler':'noop','run_at':%" PRId64,
                        (int64_t)(RIG_WALL_MS + 10 * SECOND_MS));
        if (i % 500 == 499) rig_turn(r);
    }
    rig_settle(r);
    rig_wait(r, 10 * SECOND_MS);
    rig_turn(r);
    assert_int_equal(schedule_i64(r, "often", "firing_count"), 1);
    expect_state(r, 2000, "scheduled");
    for (; rig_is_due(r); turns++)
        rig_turn(r);
    assert_in_range(turns, 2000 / TURN_DUE_MAX, 2 + 2000 / TURN_JOBS_MAX);
    expect_state(r, 2000, "parked");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_schedule_has_every_field),
        TEST(a_limit_in_the_prompt_only_is_warned_of),
        TEST(a_cron_schedule_fires_at_its_minutes),
        TEST(an_interval_counts_from_its_making),
        TEST(a_firing_makes_a_job_of_its_declaration),
        TEST(max_turns_of_a_firing_come_from_schedule_handler_or_limits),
        TEST(a_declared_ladder_retries_firings),
        TEST(each_firing_has_a_row),
        TEST(a_firing_still_in_flight_suppresses_the_next),
        TEST(a_firing_that_waits_is_in_flight_too),
        TEST(after_downtime_only_the_latest_fires),
        TEST(a_jump_forward_is_downtime),
        TEST(beyond_the_catch_up_window_nothing_fires),
        TEST(a_long_downtime_is_counted_in_bounded_turns),
        TEST(exactly_at_the_window_still_fires),
        TEST(a_turn_decides_at_most_256_nominal_times),
        TEST(a_flood_of_due_jobs_delays_no_firing),
        TEST(one_overdue_schedule_does_not_keep_others_from_firing_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
