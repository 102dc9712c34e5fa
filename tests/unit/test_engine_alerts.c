/* What people are told of schedules: alerts, and that one is overdue (C8, C15). */
#include "tests/unit/outcome_world.h"

/* The payloads' messages of the effects so far, the newest last. */
static size_t
notes(struct rig *r)
{
    rig_must_read(r, "effect.list", " ");
    return rig_len(r, "items");
}

/* ---- alerts ---- */

static void
two_failures_in_a_row_of_whatever_class_alert_once_an_hour(void **state)
{
    struct rig *r = *state;

    begin(r);
    r->limits.failure_pause = NO_LIMIT;
    rig_configure(
        r, &(struct rig_declared){.sinks = "{'name':'file','kind':'file','path':'out.jsonl'}"});
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop','max_turns':50");
    fire_and_complete(r, "s");
    fire_and_complete(r, "s");
    breach(r, "s", 50);
    assert_int_equal(notes(r), 0);
    fire_and_fail(r, "s", "tool_failed");
    assert_int_equal(notes(r), 1);
    assert_string_equal(rig_text(r, "items.0.session"), "schedule/s");
    assert_string_equal(rig_text(r, "items.0.sink"), "file");
    assert_string_equal(rig_text(r, "items.0.payload.message"),
                        "schedule s: 2 firings failed in a row (tool_failed)");
    assert_string_equal(rig_text(r, "items.0.payload.metadata.alert"), "failures");
    assert_string_equal(rig_text(r, "items.0.payload.metadata.schedule"), "s");
    assert_true(rig_is_nil(r, "items.0.job"));
    assert_int_equal(rig_feed_count(r, "schedule.alert"), 1);
    for (int i = 0; i < 59; i++)
        fire_and_fail(r, "s", "tool_failed");
    assert_int_equal(rig_feed_count(r, "schedule.alert"), 1);
    assert_int_equal(rig_feed_count(r, "schedule.recovered"), 0);
    fire_and_fail(r, "s", "tool_failed"); /* an hour after the first one */
    assert_int_equal(rig_feed_count(r, "schedule.alert"), 2);
    assert_int_equal(notes(r), 2);
    fire_and_complete(r, "s");
    fire_and_complete(r, "s");
    assert_int_equal(rig_feed_count(r, "schedule.recovered"), 1);
    assert_int_equal(notes(r), 3);
    assert_string_equal(rig_text(r, "items.2.payload.metadata.alert"), "recovered");
    assert_string_equal(rig_warnings(r), "");
}

static void
that_a_schedule_was_paused_is_told_however_short_ago_the_last_alert_is(void **state)
{
    struct rig *r = *state;

    begin(r);
    add(r, "s", "'every_ms':60000");
    for (int i = 0; i < 3; i++)
        fire_and_fail(r, "s", "tool_failed");
    assert_int_equal(notes(r), 2);
    assert_string_equal(rig_text(r, "items.1.payload.metadata.alert"), "paused");
    assert_non_null(strstr(rig_text(r, "items.1.payload.message"), "agentctl schedule resume s"));
}

static void
a_pause_of_its_own_is_warned_of_while_it_lasts_and_an_operator_s_is_not(void **state)
{
    struct rig *r = *state;

    begin(r);
    add(r, "s", "'every_ms':60000");
    add(r, "t", "'every_ms':60000");
    for (int i = 0; i < 3; i++)
        fire_and_fail(r, "s", "tool_failed");
    rig_fail(r, last_job(r, "t"), "tool_failed");
    rig_must(r, "schedule.pause", "'name':'t','reason':'holidays'");
    rig_must(r, "schedule.run", "'name':'s'");
    rig_complete(r, last_job(r, "s"));
    assert_non_null(strstr(rig_warnings(r), "schedule s: paused: 3 firings in a row failed"));
    assert_null(strstr(rig_warnings(r), "schedule t"));
    assert_int_equal(notes(r), 3);
    assert_non_null(
        strstr(rig_text(r, "items.2.payload.message"),
               "succeeded again, but it is still paused; `agentctl schedule resume s`"));
    rig_must(r, "schedule.resume", "'name':'s'");
    assert_string_equal(rig_warnings(r), "");
}

static void
alerts_go_out_and_need_no_sink(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 8);
    add(r, "s", "'every_ms':60000");
    fire_and_fail(r, "s", "tool_failed");
    fire_and_fail(r, "s", "tool_failed");
    assert_int_equal(rig_feed_count(r, "schedule.alert"), 1);
    assert_int_equal(notes(r), 0);
}

static void
an_alert_is_delivered_as_an_effect_of_no_job(void **state)
{
    struct rig *r = *state;

    begin(r);
    add(r, "s", "'every_ms':60000");
    fire_and_fail(r, "s", "tool_failed");
    fire_and_fail(r, "s", "tool_failed");
    assert_int_equal(notes(r), 1);
    uint64_t id = (uint64_t)rig_i64(r, "items.0.id");
    assert_non_null(rig_delivery(r, id));
    rig_effect_done(r, id, "delivered");
    rig_turn(r);
    rig_must_read(r, "effect.why", "'id':%d", (int)id);
    rig_must_read(r, "effect.show", "'id':%d", (int)id);
    assert_string_equal(rig_text(r, "status"), "delivered");
}

static void
so_many_skips_in_a_row_become_an_alert(void **state)
{
    struct rig *r = *state;

    r->limits.alert_skips = 3;
    SET_HAS(&r->limits, limits, alert_skips);
    rig_configure(r, &(struct rig_declared){0});
    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':60000");
    rig_advance(r, MINUTE_MS);
    rig_advance(r, MINUTE_MS);
    rig_advance(r, MINUTE_MS);
    assert_int_equal(rig_feed_count(r, "schedule.alert"), 0);
    rig_advance(r, MINUTE_MS);
    assert_int_equal(rig_feed_count(r, "schedule.alert"), 1);
    rig_advance(r, MINUTE_MS);
    assert_int_equal(rig_feed_count(r, "schedule.alert"), 1); /* its cool-down */
    complete_last(r, "s");
    assert_int_equal(rig_feed_count(r, "schedule.recovered"), 1);
}

/* ---- overdue ---- */

static void
a_schedule_without_a_success_is_overdue_until_the_next_one(void **state)
{
    struct rig *r = *state;

    begin(r);
    rig_must(
        r, "schedule.add",
        "'name':'s','every_ms':600000,'handler':'noop','overdue_ms':60000,'max_run_ms':300000");
    assert_true(rig_is_nil(r, "overdue_at"));
    rig_advance(r, 10 * MINUTE_MS);
    int64_t at = r->header.now.wall_ms;
    assert_int_equal(schedule_i64(r, "s", "overdue_at"), at + MINUTE_MS);
    assert_true(r->deadline.wall_ms <= at + MINUTE_MS);
    rig_crash(r);
    rig_turn(r);
    rig_old_leases_gone(r);
    rig_turn(r);
    rig_workers(r, 1, 8);
    rig_advance(r, MINUTE_MS - 1);
    assert_int_equal(rig_feed_count(r, "schedule.overdue"), 0);
    rig_advance(r, 1);
    assert_int_equal(rig_feed_count(r, "schedule.overdue"), 1);
    assert_int_equal(rig_feed_count(r, "schedule.alert"), 1);
    assert_non_null(strstr(rig_warnings(r), "schedule s: overdue: no firing has succeeded by "));
    rig_must_read(r, "schedule.show", "'name':'s'");
    assert_true(rig_bool(r, "overdue"));
    assert_int_equal(rig_i64(r, "overdue_at"), at + MINUTE_MS); /* since then */
    complete_last(r, "s");
    rig_must_read(r, "schedule.show", "'name':'s'");
    assert_false(rig_bool(r, "overdue"));
    assert_int_equal(rig_feed_count(r, "schedule.recovered"), 1);
    rig_advance(r, 9 * MINUTE_MS);
    complete_last(r, "s"); /* in time */
    rig_advance(r, 5 * MINUTE_MS);
    assert_int_equal(rig_feed_count(r, "schedule.overdue"), 1);
}

static void
another_overdue_is_taken_up_at_once(void **state)
{
    struct rig *r = *state;

    begin(r);
    rig_must(r, "schedule.add",
             "'name':'s','every_ms':3600000,'handler':'noop','overdue_ms':60000,'overlap':'allow'");
    rig_advance(r, HOUR_MS);
    int64_t at = r->header.now.wall_ms;
    rig_must(r, "schedule.set", "'name':'s','overdue_ms':600000");
    assert_int_equal(rig_i64(r, "overdue_at"), at + 10 * MINUTE_MS);
    rig_advance(r, 10 * MINUTE_MS);
    assert_int_equal(rig_feed_count(r, "schedule.overdue"), 1);
    rig_must(r, "schedule.set", "'name':'s','overdue_ms':1200000");
    assert_false(rig_bool(r, "overdue"));
    rig_must(r, "schedule.set", "'name':'s','overdue_ms':300000");
    rig_turn(r);
    assert_int_equal(rig_feed_count(r, "schedule.overdue"), 2);
    rig_must(r, "schedule.set", "'name':'s','clear':['overdue_ms']");
    assert_false(rig_bool(r, "overdue"));
    assert_true(rig_is_nil(r, "overdue_at"));
    assert_null(strstr(rig_warnings(r), "overdue"));
}

static void
a_clock_that_goes_back_does_not_silence_alerts(void **state)
{
    struct rig *r = *state;

    begin(r);
    r->limits.failure_pause = NO_LIMIT;
    rig_configure(
        r, &(struct rig_declared){.sinks = "{'name':'file','kind':'file','path':'out.jsonl'}"});
    add(r, "s", "'cron':'* * * * *'");
    fire_and_fail(r, "s", "tool_failed");
    fire_and_fail(r, "s", "tool_failed");
    assert_int_equal(rig_feed_count(r, "schedule.alert"), 1);
    r->header.now.wall_ms -= DAY_MS;
    rig_settle(r);
    fire_and_fail(r, "s", "tool_failed");
    assert_int_equal(rig_feed_count(r, "schedule.alert"), 2);
}

static void
being_overdue_within_the_cool_down_begins_and_ends_in_the_feed_alone(void **state)
{
    struct rig *r = *state;

    begin(r);
    rig_must(r, "schedule.add",
             "'name':'s','every_ms':60000,'handler':'noop','overdue_ms':30000,'max_run_ms':300000");
    fire_and_fail(r, "s", "tool_failed");
    rig_advance(r, 30000);
    assert_int_equal(notes(r), 1);
    rig_advance(r, 30000);
    complete_last(r, "s");
    assert_int_equal(notes(r), 2); /* and its end */
    rig_advance(r, MINUTE_MS);
    rig_advance(r, 30000);
    assert_int_equal(rig_feed_count(r, "schedule.overdue"), 2);
    assert_int_equal(rig_feed_count(r, "schedule.alert"), 1);
    assert_int_equal(notes(r), 2);
    complete_last(r, "s");
    assert_int_equal(rig_feed_count(r, "schedule.recovered"), 2);
    assert_int_equal(notes(r), 2);
}

static void
a_paused_schedule_is_not_overdue(void **state)
{
    struct rig *r = *state;

    begin(r);
    rig_must(
        r, "schedule.add",
        "'name':'s','every_ms':600000,'handler':'noop','overdue_ms':60000,'max_run_ms':300000");
    rig_advance(r, 10 * MINUTE_MS);
    rig_fail(r, last_job(r, "s"), "tool_failed");
    rig_must(r, "schedule.pause", "'name':'s'");
    rig_advance(r, 30 * MINUTE_MS);
    assert_int_equal(rig_feed_count(r, "schedule.overdue"), 0);
    rig_must(r, "schedule.resume", "'name':'s'");
    rig_advance(r, 5 * MINUTE_MS);
    assert_int_equal(rig_feed_count(r, "schedule.overdue"), 0);
    rig_advance(r, 6 * MINUTE_MS); /* a minute behind its next time */
    assert_int_equal(rig_feed_count(r, "schedule.overdue"), 1);
}

/* Times that came in the pause could not succeed. */
static void
a_pause_that_is_over_has_ended_the_wait(void **state)
{
    struct rig *r = *state;

    begin(r);
    rig_must(r, "schedule.add",
             "'name':'s','every_ms':600000,'handler':'noop','overdue_ms':1500000,"
             "'max_run_ms':7200000");
    rig_advance(r, 10 * MINUTE_MS); /* a success is awaited for 25 minutes */
    rig_fail(r, last_job(r, "s"), "tool_failed");
    rig_must(r, "schedule.pause", "'name':'s'");
    rig_advance(r, 12 * MINUTE_MS);
    rig_must(r, "schedule.resume", "'name':'s'");
    rig_advance(r, 8 * MINUTE_MS);  /* the next time begins it anew */
    rig_advance(r, 24 * MINUTE_MS); /* a minute is left */
    assert_int_equal(rig_feed_count(r, "schedule.overdue"), 0);
    rig_advance(r, MINUTE_MS);
    assert_int_equal(rig_feed_count(r, "schedule.overdue"), 1);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(two_failures_in_a_row_of_whatever_class_alert_once_an_hour),
        TEST(that_a_schedule_was_paused_is_told_however_short_ago_the_last_alert_is),
        TEST(a_pause_of_its_own_is_warned_of_while_it_lasts_and_an_operator_s_is_not),
        TEST(alerts_go_out_and_need_no_sink),
        TEST(an_alert_is_delivered_as_an_effect_of_no_job),
        TEST(so_many_skips_in_a_row_become_an_alert),
        TEST(a_schedule_without_a_success_is_overdue_until_the_next_one),
        TEST(being_overdue_within_the_cool_down_begins_and_ends_in_the_feed_alone),
        TEST(a_paused_schedule_is_not_overdue),
        TEST(a_pause_that_is_over_has_ended_the_wait),
        TEST(another_overdue_is_taken_up_at_once),
        TEST(a_clock_that_goes_back_does_not_silence_alerts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
