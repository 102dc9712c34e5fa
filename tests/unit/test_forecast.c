/* The forecast's driver: the engine on a virtual clock over a copy of a store whose waits are known
 * by hand (C12). */
#include "tests/unit/forecast_world.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_begin, rig_end)

static void
of_two_at_the_same_time_under_a_cap_of_one_the_second_waits_for_the_first(void **state)
{
    struct rig *r = *state;

    configure_pair(r, "");
    forecast(r, 1, "");
    assert_int_equal(rig_i64(r, "forecast.firings"), 10);
    assert_int_equal(rig_i64(r, "forecast.started"), 10);
    expect_waits(r, "forecast", 0, MINUTE_MS, MINUTE_MS);
    expect_waits(r, "forecast.schedules.0", MINUTE_MS, MINUTE_MS, MINUTE_MS);
    expect_waits(r, "forecast.schedules.1", 0, 0, 0);
    assert_string_equal(rig_text(r, "forecast.schedules.0.basis"), "measured");
    assert_string_equal(rig_text(r, "forecast.limits.0.by"), "schedule_cap");
    assert_int_equal(rig_i64(r, "forecast.limits.0.held_ms"), 5 * MINUTE_MS);
    assert_int_equal(rig_len(r, "forecast.hours"), 1);
    assert_int_equal(rig_i64(r, "forecast.hours.0.starts"), 10);
    /* Ten minutes of the four hours that four slots have. */
    assert_int_equal(rig_i64(r, "forecast.hours.0.busy_milli"), 1000 * 10 / 240);
    assert_int_equal(rig_i64(r, "forecast.hours.0.held.0.ms"), 5 * MINUTE_MS);
    assert_int_equal(rig_i64(r, "forecast.hours.0.full_ms"), 0);
    assert_false(rig_bool(r, "forecast.cut"));
    assert_true(rig_is_nil(r, "with"));
}

static void
the_same_store_and_instant_give_the_same_answer(void **state)
{
    struct rig *r = *state;
    struct view first;

    configure_pair(r, ",{'name':'three','every_ms':7000,'jitter_ms':3000,'handler':'echo'}");
    forecast(r, 5, "");
    first = arena_copy(&r->kept, r->reply);
    forecast(r, 5, "");
    assert_true(view_eq(r->reply, first));
}

static void
a_firing_longer_than_its_interval_suppresses_the_next(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &(struct rig_declared){
                         .schedules = "{'name':'slow','every_ms':600000,'handler':'noop'}"});
    measure(r, "slow", 15 * MINUTE_MS, 1, 1);
    forecast(r, 2, "");
    /* 08:10 to 08:25, so 08:20 is suppressed; from 08:30 on the same again. */
    assert_int_equal(rig_i64(r, "forecast.firings"), 6);
    assert_int_equal(rig_i64(r, "forecast.suppressed"), 5);
    assert_int_equal(rig_i64(r, "forecast.schedules.0.suppressed"), 5);
    expect_waits(r, "forecast", 0, 0, 0);
}

static void
a_day_s_budget_runs_out_at_the_end_of_the_firing_that_uses_it_up(void **state)
{
    struct rig *r = *state;

    rig_configure(
        r, &(struct rig_declared){.schedules = "{'name':'dear','cron':'0 * * * *','handler':'noop',"
                                               "'token_budget':100,'daily_tokens':200}"});
    measure(r, "dear", MINUTE_MS, 1, 100);
    forecast(r, 24, "");
    assert_string_equal(rig_text(r, "forecast.budgets.0.scope"), "schedule");
    assert_string_equal(rig_text(r, "forecast.budgets.0.name"), "dear");
    assert_string_equal(rig_text(r, "forecast.budgets.0.dimension"), "tokens");
    assert_int_equal(rig_i64(r, "forecast.budgets.0.limit"), 200);
    /* 09:00 and 10:00 use 100 each; at midnight there are 200 again. */
    assert_int_equal(rig_i64(r, "forecast.budgets.0.spent_at"),
                     RIG_WALL_MS + 2 * HOUR_MS + MINUTE_MS);
    assert_true(rig_is_nil(r, "forecast.budgets.0.held_at"));
    assert_int_equal(rig_i64(r, "forecast.budgets.0.days"), 2);
    assert_int_equal(rig_i64(r, "forecast.firings"), 4);
    assert_int_equal(rig_i64(r, "forecast.missed"), 19);
}

static void
a_firing_that_does_not_fit_in_a_day_s_budget_waits_for_the_next_day(void **state)
{
    struct rig *r = *state;

    rig_configure(
        r, &(struct rig_declared){.schedules = "{'name':'dear','cron':'0 * * * *','handler':'noop',"
                                               "'token_budget':100,'daily_tokens':250}"});
    measure(r, "dear", MINUTE_MS, 1, 100);
    forecast(r, 24, "");
    assert_true(rig_is_nil(r, "forecast.budgets.0.spent_at"));
    assert_int_equal(rig_i64(r, "forecast.budgets.0.held_at"), RIG_WALL_MS + 3 * HOUR_MS);
    assert_int_equal(rig_i64(r, "forecast.budgets.0.days"), 2);
    expect_waits(r, "forecast", 0, 13 * HOUR_MS, 13 * HOUR_MS); /* 11:00 starts at midnight */
}

static void
what_was_never_measured_takes_the_handler_s_average_or_a_minute(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &(struct rig_declared){
                         .companies = "{'name':'acme'}",
                         .schedules = "{'name':'known','every_ms':600000,'handler':'noop'},"
                                      "{'name':'like','every_ms':600000,'handler':'noop'},"
                                      "{'name':'near','every_ms':600000,'handler':'echo'},"
                                      "{'name':'far','company':'acme','every_ms':600000,"
                                      "'handler':'echo'}"});
    measure(r, "known", 5000, 1, 1);
    forecast(r, 1, "");
    assert_int_equal(rig_i64(r, "forecast.basis.measured"), 1);
    assert_int_equal(rig_i64(r, "forecast.basis.handler"), 1);
    assert_int_equal(rig_i64(r, "forecast.basis.company"), 1);
    assert_int_equal(rig_i64(r, "forecast.basis.default"), 1);
}

static void
what_firings_of_other_companies_take_is_told_to_none(void **state)
{
    struct rig           *r = *state;
    struct forecast_order o = order_of(r, 1, "");

    rig_configure(r, &(struct rig_declared){
                         .companies = "{'name':'acme'}",
                         .schedules = "{'name':'known','every_ms':600000,'handler':'noop'},"
                                      "{'name':'far','company':'acme','every_ms':600000,"
                                      "'handler':'noop'}"});
    measure(r, "known", 5000, 7, 11);
    o.company = view_str("acme");
    assert_int_equal(try(r, &o), E_OK);
    assert_string_equal(rig_text(r, "forecast.schedules.0.basis"), "default");
    assert_int_equal(rig_i64(r, "forecast.schedules.0.run_ms"), MINUTE_MS);
    assert_int_equal(rig_i64(r, "forecast.schedules.0.turns"), 0);
}

static void
a_heartbeat_finds_something_to_do_each_time(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &(struct rig_declared){
                         .schedules = "{'name':'pulse','type':'heartbeat','every_ms':60000,"
                                      "'idle_max_ms':3600000,'handler':'noop'}"});
    measure(r, "pulse", 1000, 0, 0);
    forecast(r, 1, "");
    assert_int_equal(rig_i64(r, "forecast.firings"), 59);
}

static void
what_never_fires_is_named_with_its_reason(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &(struct rig_declared){
                         .schedules = "{'name':'rests','every_ms':600000,'handler':'noop'},"
                                      "{'name':'yearly','cron':'@yearly','handler':'noop'}"});
    rig_must(r, "schedule.pause", "'name':'rests','reason':'holidays'");
    forecast(r, 24, "");
    assert_int_equal(rig_len(r, "forecast.never"), 2);
    assert_string_equal(rig_text(r, "forecast.never.0.schedule"), "rests");
    assert_string_equal(rig_text(r, "forecast.never.0.reason"), "it is paused: holidays");
    assert_string_equal(rig_text(r, "forecast.never.1.reason"),
                        "none of its times lies in these hours");
}

static void
a_running_job_takes_a_slot_for_the_rest_of_its_time(void **state)
{
    struct rig *r = *state;

    configure_pair(r, "");
    rig_workers(r, 1, 4);
    rig_advance(r, 10 * MINUTE_MS);
    rig_advance(r, 20 * SECOND_MS); /* one runs since 20 s, the other waits */
    assert_int_equal(rig_running(r), 1);
    forecast(r, 1, "");
    assert_int_equal(rig_i64(r, "forecast.backlog"), 2);
    /* 08:20 … 09:10, of which the last one starts at 09:11; what fired before is none of it. */
    assert_int_equal(rig_i64(r, "forecast.firings"), 12);
    assert_int_equal(rig_i64(r, "forecast.started"), 11);
    assert_int_equal(rig_i64(r, "forecast.limits.0.held_ms"),
                     40 * SECOND_MS + 5 * MINUTE_MS + 20 * SECOND_MS);
}

static void
a_running_job_that_took_longer_than_others_has_the_rest_of_its_lease(void **state)
{
    struct rig *r = *state;

    r->limits.schedule_max_concurrent = 1;
    rig_configure(r, &(struct rig_declared){
                         .schedules = "{'name':'long','cron':'10 * * * *','handler':'noop',"
                                      "'max_run_ms':1800000},"
                                      "{'name':'next','cron':'13 * * * *','handler':'noop'}"});
    measure(r, "long", MINUTE_MS, 1, 1);
    rig_workers(r, 1, 4);
    for (int i = 0; i < 12; i++)
        rig_advance(r, MINUTE_MS);
    assert_int_equal(rig_running(r), 1); /* since 08:10, till 08:40 at most */
    forecast(r, 1, "");
    assert_string_equal(rig_text(r, "forecast.schedules.0.schedule"), "next");
    assert_int_equal(rig_i64(r, "forecast.schedules.0.wait.max_ms"), 27 * MINUTE_MS);
}

static void
the_job_of_a_session_s_event_takes_its_time_as_any_other(void **state)
{
    struct rig *r = *state;

    r->limits.company_max_concurrent = 1;
    rig_configure(r, &(struct rig_declared){
                         .schedules = "{'name':'next','cron':'13 * * * *','handler':'noop'}"});
    rig_workers(r, 1, 4);
    rig_must(r, "job.submit", "'session':'s','handler':'echo','max_run_ms':1800000");
    rig_must(r, "job.submit", "'session':'s','handler':'echo'");
    for (int i = 0; i < 12; i++)
        rig_advance(r, MINUTE_MS);
    assert_int_equal(rig_running(r), 1); /* since 08:00, till 08:30 at most */
    forecast(r, 1, "");
    assert_int_equal(rig_i64(r, "forecast.backlog"), 1);
    assert_int_equal(rig_i64(r, "forecast.schedules.0.wait.max_ms"), 17 * MINUTE_MS);
}

static void
a_firing_in_flight_suppresses_the_next_as_it_would(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &(struct rig_declared){
                         .schedules = "{'name':'slow','every_ms':600000,'handler':'noop'}"});
    measure(r, "slow", 15 * MINUTE_MS, 1, 1);
    rig_workers(r, 1, 4);
    rig_advance(r, 10 * MINUTE_MS);
    rig_advance(r, 2 * MINUTE_MS);
    forecast(r, 1, "");
    assert_int_equal(rig_i64(r, "forecast.firings"), 3);    /* 08:30, 08:50, 09:10 */
    assert_int_equal(rig_i64(r, "forecast.suppressed"), 3); /* 08:20, 08:40, 09:00 */
}

static void
what_runs_goes_on_before_what_waits_with_a_higher_priority(void **state)
{
    struct rig *r = *state;

    r->limits.schedule_max_concurrent = 1;
    rig_configure(r, &(struct rig_declared){
                         .schedules = "{'name':'long','cron':'10 * * * *','handler':'noop'},"
                                      "{'name':'high','cron':'11 * * * *','handler':'noop',"
                                      "'priority':90}"});
    measure(r, "long", 5 * MINUTE_MS, 1, 1);
    rig_workers(r, 1, 4);
    for (int i = 0; i < 12; i++)
        rig_advance(r, MINUTE_MS);
    forecast(r, 1, "");
    /* 08:12 to 08:15, and 09:11 to the end. */
    assert_int_equal(rig_i64(r, "forecast.limits.0.held_ms"), 4 * MINUTE_MS);
}

static void
what_running_jobs_have_reserved_is_reserved_once(void **state)
{
    struct rig *r = *state;

    rig_configure(
        r, &(struct rig_declared){.schedules = "{'name':'dear','cron':'0 * * * *','handler':'noop',"
                                               "'token_budget':100,'daily_tokens':200}"});
    measure(r, "dear", MINUTE_MS, 1, 100);
    rig_workers(r, 1, 4);
    rig_advance(r, HOUR_MS);
    assert_int_equal(rig_running(r), 1);
    forecast(r, 2, "");
    assert_true(rig_is_nil(r, "forecast.budgets.0.held_at"));
    assert_int_equal(rig_i64(r, "forecast.budgets.0.spent_at"),
                     RIG_WALL_MS + 2 * HOUR_MS + MINUTE_MS);
}

static void
full_slots_are_told_apart_from_caps(void **state)
{
    struct rig           *r = *state;
    struct forecast_order o = order_of(r, 1, "");

    r->limits.schedule_max_concurrent = NO_LIMIT;
    rig_configure(r, &(struct rig_declared){
                         .companies = "{'name':'acme'}",
                         .schedules = "{'name':'two','cron':'30 * * * *','handler':'noop'},"
                                      "{'name':'also','cron':'30 * * * *','handler':'noop'},"
                                      "{'name':'far','company':'acme','cron':'20 * * * *',"
                                      "'handler':'noop'}"});
    o.fleet = (struct world_fleet){.workers = 1, .slots = 1};
    assert_int_equal(try(r, &o), E_OK);
    assert_int_equal(rig_i64(r, "forecast.hours.0.full_ms"), 3 * MINUTE_MS);
    assert_int_equal(rig_i64(r, "forecast.hours.0.busy_milli"), 50);
    assert_string_equal(rig_text(r, "forecast.limits.0.by"), "no_slot");
    assert_int_equal(rig_i64(r, "forecast.limits.0.held_ms"), MINUTE_MS);
    o.company = view_str("acme"); /* nothing of it waits meanwhile */
    assert_int_equal(try(r, &o), E_OK);
    assert_int_equal(rig_len(r, "forecast.limits"), 0);
    assert_true(rig_is_nil(r, "forecast.hours.0.full_ms"));
}

static void
what_an_operator_has_stopped_stays_stopped(void **state)
{
    struct rig *r = *state;

    configure_pair(r, "");
    rig_must(r, "stop", "'scope':'new'");
    forecast(r, 1, "");
    assert_int_equal(rig_i64(r, "forecast.started"), 0);
    rig_must(r, "resume", " ");
    rig_must(r, "company.pause", "'name':'default'");
    forecast(r, 1, "");
    assert_int_equal(rig_i64(r, "forecast.missed"), 10);
    assert_string_equal(rig_text(r, "forecast.never.0.reason"), "each of its times is missed");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(of_two_at_the_same_time_under_a_cap_of_one_the_second_waits_for_the_first),
        TEST(the_same_store_and_instant_give_the_same_answer),
        TEST(a_firing_longer_than_its_interval_suppresses_the_next),
        TEST(a_day_s_budget_runs_out_at_the_end_of_the_firing_that_uses_it_up),
        TEST(a_firing_that_does_not_fit_in_a_day_s_budget_waits_for_the_next_day),
        TEST(what_was_never_measured_takes_the_handler_s_average_or_a_minute),
        TEST(what_firings_of_other_companies_take_is_told_to_none),
        TEST(a_heartbeat_finds_something_to_do_each_time),
        TEST(what_never_fires_is_named_with_its_reason),
        TEST(a_running_job_takes_a_slot_for_the_rest_of_its_time),
        TEST(a_running_job_that_took_longer_than_others_has_the_rest_of_its_lease),
        TEST(the_job_of_a_session_s_event_takes_its_time_as_any_other),
        TEST(a_firing_in_flight_suppresses_the_next_as_it_would),
        TEST(what_runs_goes_on_before_what_waits_with_a_higher_priority),
        TEST(what_running_jobs_have_reserved_is_reserved_once),
        TEST(full_slots_are_told_apart_from_caps),
        TEST(what_an_operator_has_stopped_stays_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
