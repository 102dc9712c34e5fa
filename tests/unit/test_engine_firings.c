/* The figures of firings, in their rows and as averages of their schedule (C11). */
#include "tests/unit/schedule_world.h"

static uint64_t
last_job(struct rig *r, const char *name)
{
    return (uint64_t)schedule_i64(r, name, "last_job");
}

static void
fire_and_use(struct rig *r, const char *name, int turns)
{
    rig_advance(r, MINUTE_MS);
    rig_ended(r, last_job(r, name), "'verdict':'completed','turns':%d", turns);
    rig_turn(r);
}

static void
a_row_says_when_a_firing_ran_and_what_it_took(void **state)
{
    struct rig *r = *state;

    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop','max_turns':50");
    int64_t nominal = schedule_i64(r, "s", "next_fire_at");
    rig_wait(r, MINUTE_MS + 40); /* 40 ms late */
    rig_turn(r);
    int64_t fired_at = r->header.now.wall_ms;
    assert_int_equal(firings(r, "s"), 1);
    assert_true(rig_is_nil(r, "items.0.claimed_at"));
    assert_true(rig_is_nil(r, "items.0.slot_wait_ms"));
    assert_true(rig_is_nil(r, "items.0.max_turns"));
    assert_string_equal(rig_text(r, "items.0.state"), "ready");
    uint64_t other = rig_submit(r, "'handler':'noop'");
    rig_advance(r, 960);
    r->header.lag_us = 1234;
    rig_workers(r, 1, 8);
    assert_non_null(rig_lease(r, other));
    rig_advance(r, 5000);
    rig_ended(r, last_job(r, "s"),
              "'verdict':'completed','turns':7,'input_tokens':100,'output_tokens':20,"
              "'cost_micros':300,'rss_kb':4096");
    rig_turn(r);
    assert_int_equal(firings(r, "s"), 1);
    assert_int_equal(rig_i64(r, "items.0.nominal_at"), nominal);
    assert_string_equal(rig_text(r, "items.0.kind"), "regular");
    assert_int_equal(rig_i64(r, "items.0.late_ms"), 40);
    assert_int_equal(rig_i64(r, "items.0.claimed_at"), fired_at + 960);
    assert_int_equal(rig_i64(r, "items.0.slot_wait_ms"), 960);
    assert_int_equal(rig_i64(r, "items.0.completed_at"), fired_at + 5960);
    assert_int_equal(rig_i64(r, "items.0.duration_ms"), 5000);
    assert_string_equal(rig_text(r, "items.0.state"), "completed");
    assert_int_equal(rig_i64(r, "items.0.turns"), 7);
    assert_int_equal(rig_i64(r, "items.0.max_turns"), 50);
    assert_int_equal(rig_i64(r, "items.0.tokens"), 120);
    assert_int_equal(rig_i64(r, "items.0.cost_micros"), 300);
    assert_int_equal(rig_i64(r, "items.0.rss_kb"), 4096);
    assert_int_equal(rig_i64(r, "items.0.lag_us"), 1234);
    assert_int_equal(rig_i64(r, "items.0.concurrent"), 1);
    assert_true(rig_is_nil(r, "items.0.class"));
}

static void
a_row_stays_true_when_its_job_is_purged(void **state)
{
    struct rig *r = *state;

    r->limits.keep_failed_ms = 1000;
    rig_configure(r, &(struct rig_declared){0});
    rig_workers(r, 1, 8);
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    rig_advance(r, MINUTE_MS);
    uint64_t id = last_job(r, "s");
    rig_advance(r, 10);
    rig_ended(r, id, "'verdict':'failed','class':'tool_failed','turns':3");
    rig_turn(r);
    rig_advance(r, 2000);
    assert_int_equal(rig_read(r, "job.show", "'id':%d", (int)id), E_GONE);
    assert_int_equal(firings(r, "s"), 1);
    assert_string_equal(rig_text(r, "items.0.state"), "failed");
    assert_string_equal(rig_text(r, "items.0.class"), "tool_failed");
    assert_int_equal(rig_i64(r, "items.0.turns"), 3);
    assert_int_equal(rig_i64(r, "items.0.duration_ms"), 10);
}

static void
peak_memory_is_that_of_the_largest_attempt(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 8);
    rig_must(r, "schedule.add",
             "'name':'s','every_ms':600000,'handler':'noop','max_attempts':2,'retry':[1000]");
    rig_advance(r, 10 * MINUTE_MS);
    uint64_t id = last_job(r, "s");
    int64_t  claimed_at = r->header.now.wall_ms;
    rig_ended(r, id, "'verdict':'failed','class':'tool_failed','rss_kb':9000");
    rig_turn(r);
    rig_advance(r, 1250);
    rig_ended(r, id, "'verdict':'completed','rss_kb':100");
    rig_turn(r);
    expect_state(r, id, "completed");
    assert_int_equal(firings(r, "s"), 1);
    assert_int_equal(rig_i64(r, "items.0.rss_kb"), 9000);
    assert_int_equal(rig_i64(r, "items.0.claimed_at"), claimed_at); /* of the first start */
}

static void
averages_are_seven_tenths_old_and_three_tenths_new(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 8);
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    rig_must_read(r, "schedule.show", "'name':'s'");
    assert_true(rig_is_nil(r, "avg_turns"));
    assert_true(rig_is_nil(r, "last_turns"));
    fire_and_use(r, "s", 100);
    assert_int_equal(schedule_i64(r, "s", "avg_turns"), 100); /* the first is the measure itself */
    fire_and_use(r, "s", 201);
    assert_int_equal(schedule_i64(r, "s", "avg_turns_milli"), 130300);
    assert_int_equal(rig_i64(r, "avg_turns"), 130);
    assert_int_equal(rig_i64(r, "last_turns"), 201);
    rig_advance(r, MINUTE_MS); /* one that is cancelled says nothing */
    rig_must(r, "job.cancel", "'id':%d", (int)last_job(r, "s"));
    rig_ended(r, last_job(r, "s"), "'verdict':'failed','turns':5000");
    rig_turn(r);
    assert_int_equal(schedule_i64(r, "s", "avg_turns"), 130);
    assert_int_equal(schedule_i64(r, "s", "last_success_at"), RIG_WALL_MS + 2 * MINUTE_MS);
}

static void
what_is_spent_today_is_shown_of_a_schedule_with_a_daily_budget(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 8);
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop','daily_turns':1000");
    fire_and_use(r, "s", 30);
    assert_int_equal(schedule_i64(r, "s", "spent_today.turns"), 30);
    rig_advance(r, DAY_MS);
    rig_must_read(r, "schedule.show", "'name':'s'");
    assert_in_range(rig_i64(r, "spent_today.turns"), 0, 10); /* what runs now has reserved */
}

static void
nothing_that_is_used_is_too_much_for_an_average(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 8);
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    for (int i = 0; i < 3; i++) {
        rig_advance(r, MINUTE_MS);
        rig_ended(r, last_job(r, "s"),
                  "'verdict':'completed','input_tokens':9007199254740992,"
                  "'output_tokens':9007199254740992");
        rig_turn(r);
    }
    assert_int_equal(schedule_i64(r, "s", "avg_tokens"), INT64_MAX / 10000);
}

/* ---- the limit of turns (C7) ---- */

static int64_t
limit_of_next_firing(struct rig *r, const char *name)
{
    int64_t  n = 0;
    uint64_t id = last_job(r, name);

    assert_true(
        mp_find_i64(rig_lease(r, id)->body, "max_turns", &n)); /* what the worker enforces */
    assert_int_equal(n, rig_job_i64(r, id, "max_turns"));
    return n;
}

static void
the_limit_of_turns_is_the_schedules_else_the_profiles_the_handlers_the_limits(void **state)
{
    static const struct {
        const char *rest;
        int64_t     limit;
    } cases[] = {
        {"'handler':'h','profile':'p','max_turns':11", 11},
        {"'handler':'h','profile':'p'",                22},
        {"'handler':'h','profile':'none'",             33},
        {"'handler':'h','agent':'anna'",               22},
        {"'handler':'noop'",                           44},
    };
    struct rig *r = *state;

    r->limits.max_turns = 44;
    r->limits.schedule_max_concurrent = NO_LIMIT;
    r->limits.company_max_concurrent = NO_LIMIT;
    rig_configure(r, &(struct rig_declared){
                         .handlers = "{'name':'h','kind':'exec','command':['x'],'max_turns':33}"});
    rig_workers(r, 1, 8);
    rig_must(r, "profile.add", "'name':'p','max_turns':22");
    rig_must(r, "profile.add", "'name':'none','max_run_ms':60000");
    rig_must(r, "agent.add", "'name':'anna','handler':'h','profile':'p'");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        rig_must(r, "schedule.add", "'name':'s%zu','every_ms':60000,%s", i, cases[i].rest);
    rig_advance(r, MINUTE_MS);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char name[8];

        (void)snprintf(name, sizeof(name), "s%zu", i);
        assert_int_equal(limit_of_next_firing(r, name), cases[i].limit);
    }
}

static void
a_firing_keeps_the_limit_of_turns_that_it_was_made_with(void **state)
{
    struct rig *r = *state;

    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop','max_turns':50");
    rig_advance(r, MINUTE_MS); /* no worker is there */
    rig_must(r, "schedule.set", "'name':'s','max_turns':60");
    rig_workers(r, 1, 8);
    assert_int_equal(limit_of_next_firing(r, "s"), 50);
    rig_complete(r, last_job(r, "s"));
    assert_int_equal(firings(r, "s"), 1);
    assert_int_equal(rig_i64(r, "items.0.max_turns"), 50);
    rig_refused(r, E_BAD_REQUEST, "max_turns", "schedule.set", "'name':'s','max_turns':0");
    rig_refused(r, E_BAD_REQUEST, "max_turns", "schedule.set", "'name':'s','max_turns':10001");
}

/* ---- schedule.stats ---- */

/* Firings that each wait so long for a slot, of a schedule that fires every hour; *late: since its
 * last time. */
static void
fire_many(struct rig *r, int64_t *late, int count, int64_t wait_ms)
{
    for (int i = 0; i < count; i++) {
        rig_must(r, "stop", "'scope':'new'");
        rig_advance(r, HOUR_MS - *late);
        rig_advance(r, wait_ms);
        rig_must(r, "resume", " ");
        complete_last(r, "s");
        *late = wait_ms;
    }
}

static void
stats_count_what_became_of_the_firings_of_a_week(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 8);
    add(r, "old", "'every_ms':3600000");
    rig_advance(r, HOUR_MS);
    complete_last(r, "old");
    rig_must(r, "schedule.pause", "'name':'old'");
    rig_advance(r, 8 * DAY_MS);
    add(r, "s", "'every_ms':60000");
    fire_and_use(r, "s", 10);
    rig_advance(r, MINUTE_MS);
    rig_fail(r, last_job(r, "s"), "tool_failed");
    rig_advance(r, MINUTE_MS); /* it is in flight … */
    rig_advance(r, MINUTE_MS); /* … when the next one comes */
    rig_must(r, "schedule.pause", "'name':'s'");
    rig_advance(r, MINUTE_MS);
    rig_must_read(r, "schedule.stats", " ");
    assert_int_equal(rig_len(r, "schedules"), 2);
    assert_string_equal(rig_text(r, "schedules.0.schedule"), "old");
    assert_int_equal(rig_i64(r, "schedules.0.fired"), 0); /* longer ago than a week */
    assert_int_equal(rig_i64(r, "schedules.1.fired"), 3);
    assert_int_equal(rig_i64(r, "schedules.1.completed"), 1);
    assert_int_equal(rig_i64(r, "schedules.1.failed"), 1);
    assert_int_equal(rig_i64(r, "schedules.1.suppressed"), 1);
    assert_int_equal(rig_i64(r, "schedules.1.missed"), 1);
    assert_int_equal(rig_i64(r, "schedules.1.avg_turns"), 7);
    assert_int_equal(rig_i64(r, "fired"), 3);
    assert_int_equal(rig_i64(r, "started"), 3);
    assert_false(rig_bool(r, "sample"));
    rig_must_read(r, "schedule.stats", "'name':'old'");
    assert_int_equal(rig_len(r, "schedules"), 1);
    assert_int_equal(rig_read(r, "schedule.stats", "'name':'nosuch'"), E_NOT_FOUND);
}

static int64_t
times_of(struct rig *r, const char *path)
{
    char fired[64], suppressed[64];

    (void)snprintf(fired, sizeof(fired), "%sfired", path);
    (void)snprintf(suppressed, sizeof(suppressed), "%ssuppressed", path);
    return rig_i64(r, fired) + rig_i64(r, suppressed);
}

static void
of_many_firings_stats_take_the_newest_of_each_schedule_and_say_so(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 8);
    add(r, "s", "'every_ms':1000");
    add(r, "t", "'every_ms':3600000");
    r->is_unchecked = true;
    for (int i = 0; i < READ_ROWS_MAX - 1; i++) {
        rig_wait(r, SECOND_MS);
        rig_turn(r);
    }
    rig_must_read(r, "schedule.stats", " ");
    assert_true(rig_bool(r, "sample"));
    /* What t leaves of its half goes to s; one row of each is read to see that there is more. */
    assert_int_equal(times_of(r, "schedules.0."), READ_ROWS_MAX - 3);
    assert_int_equal(times_of(r, "schedules.1."), 1);
    rig_must_read(r, "schedule.stats", "'name':'s'");
    assert_false(rig_bool(r, "sample"));
    assert_int_equal(times_of(r, ""), READ_ROWS_MAX - 1);
}

static void
stats_of_a_company_are_of_its_own_schedules(void **state)
{
    struct rig *r = *state;

    rig_must(r, "company.add", "'name':'acme'");
    add(r, "s", "'every_ms':60000");
    rig_must(r, "schedule.add", "'name':'t','company':'acme','every_ms':60000,'handler':'noop'");
    rig_must_read(r, "schedule.stats", "'company':'acme'");
    assert_int_equal(rig_len(r, "schedules"), 1);
    assert_string_equal(rig_text(r, "schedules.0.schedule"), "t");
    r->actor.company = view_str("acme");
    rig_must_read(r, "schedule.stats", " ");
    assert_int_equal(rig_len(r, "schedules"), 1);
    assert_int_equal(rig_read(r, "schedule.stats", "'name':'default/s'"), E_NOT_FOUND);
}

/* More than one answer has room for. */
static void
stats_of_a_company_need_not_look_through_those_of_others(void **state)
{
    struct rig         *r = *state;
    BUF_AUTO struct buf all = {0};

    r->is_unchecked = true;
    for (int i = 0; i < 1001; i++)
        buf_printf(&all, "{'name':'n%d','every_ms':86400000,'handler':'noop'},", i);
    buf_add_str(&all, "{'name':'last','company':'zeta','every_ms':60000,'handler':'noop'}");
    buf_add(&all, "", 1);
    rig_configure(r, &(struct rig_declared){.companies = "{'name':'zeta'}", .schedules = all.data});
    rig_must_read(r, "schedule.stats", "'company':'zeta'");
    assert_int_equal(rig_len(r, "schedules"), 1);
    assert_false(rig_bool(r, "sample"));
    rig_must_read(r, "schedule.stats", " ");
    assert_int_equal(rig_len(r, "schedules"), 1000);
    assert_true(rig_bool(r, "sample"));
}

static void
the_cap_of_scheduled_jobs_is_judged_by_waits_for_it_and_lag(void **state)
{
    struct rig *r = *state;
    int64_t     late = 0;

    rig_workers(r, 1, 8);
    add(r, "s", "'every_ms':3600000");
    fire_many(r, &late, 19, 0);
    rig_must_read(r, "schedule.stats", " ");
    assert_non_null(strstr(rig_text(r, "advice"), "too few to judge by"));
    fire_many(r, &late, 1, 0);
    rig_must_read(r, "schedule.stats", " ");
    assert_string_equal(rig_text(r, "advice"), "limits.schedule_max_concurrent is right as it is");
    assert_int_equal(rig_i64(r, "schedule_max_concurrent"), 2);
    fire_many(r, &late, 1, MINUTE_MS); /* one of 21 is less than 5 % */
    rig_must_read(r, "schedule.stats", " ");
    assert_int_equal(rig_i64(r, "slot_wait_p95_ms"), 0);
    fire_many(r, &late, 1, MINUTE_MS);
    rig_must_read(r, "schedule.stats", " ");
    assert_int_equal(rig_i64(r, "slot_wait_p95_ms"), MINUTE_MS);
    assert_string_equal(rig_text(r, "advice"),
                        "firings wait, but not for limits.schedule_max_concurrent: `agentctl job "
                        "why` says for what"); /* for a stop */
    r->header.lag_us = 50000;
    fire_many(r, &late, 1, 0);
    rig_must_read(r, "schedule.stats", " ");
    assert_int_equal(rig_i64(r, "lag_p99_us"), 50000);
    assert_string_equal(rig_text(r, "advice"),
                        "the loop lags: lower limits.schedule_max_concurrent from 2 to 1");
}

static void
to_raise_the_cap_of_scheduled_jobs_is_advised_when_that_is_what_firings_wait_for(void **state)
{
    struct rig *r = *state;

    r->limits.schedule_max_concurrent = 1;
    rig_configure(r, &(struct rig_declared){0});
    rig_workers(r, 1, 8);
    add(r, "s", "'every_ms':3600000");
    rig_must(r, "schedule.add", "'name':'other','cron':'0 0 1 1 *','handler':'noop'");
    for (int i = 0; i < 20; i++) {
        rig_advance(r, (i ? 57 : 59) * MINUTE_MS);
        rig_must(r, "schedule.run", "'name':'other'");
        rig_advance(r, MINUTE_MS); /* s fires */
        rig_advance(r, 2 * MINUTE_MS);
        rig_complete(r, last_job(r, "other"));
        complete_last(r, "s");
    }
    rig_must_read(r, "schedule.stats", "'name':'s'");
    assert_int_equal(rig_i64(r, "slot_wait_p95_ms"), 2 * MINUTE_MS);
    assert_int_equal(rig_i64(r, "cap_wait_p95_ms"), 2 * MINUTE_MS);
    assert_string_equal(rig_text(r, "advice"),
                        "firings wait: raise limits.schedule_max_concurrent from 1 to 2");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_row_says_when_a_firing_ran_and_what_it_took),
        TEST(a_row_stays_true_when_its_job_is_purged),
        TEST(peak_memory_is_that_of_the_largest_attempt),
        TEST(averages_are_seven_tenths_old_and_three_tenths_new),
        TEST(what_is_spent_today_is_shown_of_a_schedule_with_a_daily_budget),
        TEST(nothing_that_is_used_is_too_much_for_an_average),
        TEST(the_limit_of_turns_is_the_schedules_else_the_profiles_the_handlers_the_limits),
        TEST(a_firing_keeps_the_limit_of_turns_that_it_was_made_with),
        TEST(of_many_firings_stats_take_the_newest_of_each_schedule_and_say_so),
        TEST(stats_count_what_became_of_the_firings_of_a_week),
        TEST(stats_of_a_company_are_of_its_own_schedules),
        TEST(stats_of_a_company_need_not_look_through_those_of_others),
        TEST(the_cap_of_scheduled_jobs_is_judged_by_waits_for_it_and_lag),
        TEST(to_raise_the_cap_of_scheduled_jobs_is_advised_when_that_is_what_firings_wait_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
