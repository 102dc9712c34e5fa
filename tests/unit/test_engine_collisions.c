/* What a save is told of the schedules around it: collisions, a better minute (C12), what others of
 * its profile use (C13), a limit that is only in the prompt (C7). */
#include "tests/unit/schedule_world.h"
#include "tests/unit/zone_world.h"

/* As if so many turns had been measured on average. */
static void
measured(struct rig *r, const char *name, uint64_t turns)
{
    struct err    e = {0};
    struct object row = {.kind = KIND_SCHEDULE, .company = 1, .name = view_str(name)};
    bool          outcome_unknown;
    struct txn   *t = txn_begin_write(r->store, &e);

    assert_non_null(t);
    assert_int_equal(rec_find(t, INDEX_object_by_name, &row), LOAD_FOUND);
    struct schedule run = {.id = row.id};
    assert_int_equal(schedule_by_id(t, &run), LOAD_FOUND);
    run.measured = 1;
    run.avg_turns_milli = turns * 1000;
    schedule_save(t, &run);
    assert_int_equal(txn_commit(&t, &outcome_unknown, &e), E_OK);
}

static void
add_measured(struct rig *r, const char *name, const char *when, uint64_t turns)
{
    add(r, name, when);
    measured(r, name, turns);
}

static void
expect_collision(struct rig *r, const char *schedules, const char *minutes, int64_t turns)
{
    char want[512];

    assert_int_equal(rig_len(r, "warnings"), 1);
    assert_string_equal(rig_text(r, "warnings.0.type"), "collision");
    assert_string_equal(rig_text(r, "warnings.0.message"),
                        "schedules will take turns; the last to run may be delayed");
    assert_int_equal(rig_i64(r, "warnings.0.turns"), turns);
    snprintf(want, sizeof(want), "\"schedules\":%s", schedules);
    if (!strstr(rig_json(r), want)) fail_msg("no %s in %s", want, rig_json(r));
    snprintf(want, sizeof(want), "\"minutes\":%s", minutes);
    if (!strstr(rig_json(r), want)) fail_msg("no %s in %s", want, rig_json(r));
}

static void
expect_no_warning(struct rig *r)
{
    if (rig_len(r, "warnings")) fail_msg("warned: %s", rig_json(r));
}

/* ---- collisions ---- */

static void
schedules_that_share_minutes_and_reach_the_limit_are_warned_of(void **state)
{
    struct rig *r = *state;

    add_measured(r, "noon", "'cron':'2 9,12 * * *'", 2000);
    expect_no_warning(r);
    add_measured(r, "alone", "'cron':'30 10 * * *'", 9000);
    add_measured(r, "daily", "'cron':'0 9 * * *'", 999);
    add(r, "under", "'cron':'4 9 * * *'");
    expect_no_warning(r); /* 2,999 turns */
    measured(r, "daily", 1000);
    add(r, "new", "'cron':'4 9 * * *'");
    expect_collision(r, "[\"daily\",\"noon\",\"under\"]", "[540]", 3000);
    add(r, "hourly", "'every_ms':3600000"); /* on the hour: the clock stands at 8 */
    expect_collision(r, "[\"daily\",\"new\",\"noon\",\"under\"]", "[540,720]", 3000);
}

static void
the_next_bucket_is_not_the_same_one(void **state)
{
    struct rig *r = *state;

    add_measured(r, "a", "'cron':'4 9 * * *'", 5000);
    add(r, "b", "'cron':'5 9 * * *'");
    expect_no_warning(r);
    add(r, "c", "'cron':'59 8 * * *'");
    expect_no_warning(r);
    add(r, "d", "'cron':'0 9 * * *'");
    expect_collision(r, "[\"a\"]", "[540]", 5000);
}

static void
buckets_of_the_next_day_count_in_utc(void **state)
{
    struct rig *r = *state;

    tell_of_zone(r, "Test/East", "EST-1");
    add_measured(r, "a", "'cron':'30 7 * * *'", 3000); /* tomorrow: it is 8 */
    add(r, "b", "'cron':'31 8 * * *','tz':'Test/East'");
    expect_collision(r, "[\"a\"]", "[450]", 3000);
    add(r, "c", "'cron':'30 7 * * sun'"); /* the day after tomorrow */
    expect_no_warning(r);
}

static void
schedules_of_every_bucket_share_all_of_ours(void **state)
{
    struct rig *r = *state;

    add_measured(r, "a", "'cron':'* * * * *'", 1000);
    add_measured(r, "b", "'every_ms':300000", 1000);
    add_measured(r, "c", "'cron':'*/5 * * * *'", 1000);
    add_measured(r, "d", "'cron':'*/5 * 2 * *'", 1000); /* in none: it is the 15th */
    add_measured(r, "e", "'cron':'*/6 * * * *'", 1000); /* in most: not in that of 25 */
    add_measured(r, "f", "'cron':'*/5 3 * * *'", 1000); /* in those of an hour */
    add(r, "new", "'cron':'25 9-10 * * *'");
    expect_collision(r, "[\"a\",\"b\",\"c\"]", "[565,625]", 3000);
    add(r, "half", "'cron':'0,30 9 * * *'");
    expect_collision(r, "[\"a\",\"b\",\"c\",\"e\"]", "[540,570]", 4000);
}

static void
paused_and_ended_schedules_do_not_collide(void **state)
{
    struct rig *r = *state;

    add_measured(r, "a", "'cron':'0 9 * * *'", 5000);
    rig_must(r, "schedule.pause", "'name':'a'");
    add(r, "b", "'cron':'0 9 * * *'");
    expect_no_warning(r);
    rig_must(r, "schedule.resume", "'name':'a'");
    add(r, "c", "'cron':'0 9 * * *'");
    expect_collision(r, "[\"a\",\"b\"]", "[540]", 5000);
    rig_must(r, "schedule.remove", "'name':'a'");
    add(r, "d", "'cron':'0 9 * * *'");
    expect_no_warning(r);
    add_measured(r, "once", "'cron':'* * * * *','max_firings':1", 5000);
    add(r, "e", "'cron':'0 10 * * *'");
    expect_collision(r, "[\"once\"]", "[600]", 5000);
    rig_advance(r, MINUTE_MS);
    add(r, "f", "'cron':'0 10 * * *'");
    expect_no_warning(r);
}

static void
times_before_the_start_and_behind_the_end_do_not_collide(void **state)
{
    struct rig *r = *state;
    char        when[64];

    snprintf(when, sizeof(when), "'cron':'* * * * *','start_at':%lld", RIG_WALL_MS + 2 * HOUR_MS);
    add_measured(r, "a", when, 3000);
    snprintf(when, sizeof(when), "'every_ms':60000,'end_at':%lld", RIG_WALL_MS + 2 * HOUR_MS);
    add_measured(r, "b", when, 3000);
    add(r, "c", "'cron':'0 9 * * *'");
    expect_collision(r, "[\"b\"]", "[540]", 3000);
    add(r, "d", "'cron':'0 11 * * *'");
    expect_collision(r, "[\"a\"]", "[660]", 3000);
}

static void
a_company_is_compared_with_itself_and_default_with_all(void **state)
{
    struct rig *r = *state;

    rig_must(r, "company.add", "'name':'acme'");
    add_measured(r, "a", "'cron':'0 9 * * *'", 3000);
    rig_must(r, "schedule.add", "'name':'b','company':'acme','cron':'0 9 * * *','handler':'noop'");
    expect_no_warning(r);
    rig_must(r, "schedule.add", "'name':'c','company':'acme','cron':'0 9 * * *','handler':'noop'");
    expect_no_warning(r);
    add(r, "d", "'cron':'0 9 * * *'");
    expect_collision(r, "[\"a\",\"acme/b\",\"acme/c\"]", "[540]", 3000);
    r->actor.company = view_str("default"); /* who sees no other company is told of none */
    add(r, "e", "'cron':'0 9 * * *'");
    expect_collision(r, "[\"a\",\"d\"]", "[540]", 3000);
}

static void
without_a_limit_nothing_collides(void **state)
{
    struct rig *r = *state;

    r->limits.collision_turns = NO_LIMIT;
    rig_configure(r, &(struct rig_declared){0});
    add_measured(r, "a", "'cron':'0 9 * * *'", 1000000);
    add(r, "b", "'cron':'0 9 * * *'");
    expect_no_warning(r);
}

static void
recurring_wakeups_and_routines_are_saves_too(void **state)
{
    struct rig *r = *state;

    rig_must(r, "agent.add", "'name':'scout','handler':'noop'");
    add_measured(r, "a", "'cron':'0 9 * * *'", 3000);
    rig_must(r, "agent.wake", "'name':'scout','cron':'0 9 * * *'");
    expect_collision(r, "[\"a\"]", "[540]", 3000);
    rig_must(r, "routine.add",
             "'name':'tidy','cron':'0 9 * * *','assign':'scout','ticket_title':'tidy up'");
    expect_collision(r, "[\"a\",\"wake-scout\"]", "[540]", 3000);
}

static void
only_the_heaviest_are_named(void **state)
{
    struct rig *r = *state;
    char        name[16];

    for (int i = 0; i < 25; i++) {
        snprintf(name, sizeof(name), "s%02d", i);
        add_measured(r, name, "'cron':'0 9 * * *'", (uint64_t)(i * 7 % 25) * 100);
    }
    add(r, "new", "'cron':'0 9 * * *'");
    assert_int_equal(rig_i64(r, "warnings.0.turns"), 30000);
    assert_int_equal(rig_len(r, "warnings.0.schedules"), 20);
    assert_int_equal(rig_i64(r, "warnings.0.more_schedules"), 5);
    assert_string_equal(rig_text(r, "warnings.0.schedules.0"), "s01"); /* s00 uses the least … */
    assert_null(strstr(rig_json(r), "\"s18\"")); /* … and this one only one hundred */
}

static void
add_many(struct rig *r, const char *prefix, int count)
{
    for (int i = 0; i < count; i++)
        (void)rig_queue(r, "schedule.add", "'name':'%s%d','cron':'0 * * * *','handler':'noop'",
                        prefix, i);
    rig_turn(r);
}

static void
a_save_among_very_many_looks_at_some_and_says_so(void **state)
{
    struct rig *r = *state;

    r->is_unchecked = true;
    add_many(r, "a", 300);
    add(r, "few", "'cron':'0 * * * *'");
    assert_false(rig_has(r, "advice.compared"));
    add_many(r, "b", 200);
    add(r, "many", "'cron':'0 * * * *'"); /* twenty-four times of each */
    assert_in_range(rig_i64(r, "advice.compared"), 300, 400);
    add(r, "daily", "'cron':'0 9 * * *'");
    assert_false(rig_has(r, "advice.compared"));
}

/* ---- a better minute ---- */

static void
expect_minute(struct rig *r, int64_t minute, const char *cron)
{
    assert_int_equal(rig_i64(r, "advice.minute"), minute);
    assert_string_equal(rig_text(r, "advice.cron"), cron);
}

static void
the_least_contended_minute_nearby_is_advised(void **state)
{
    struct rig *r = *state;

    add_measured(r, "a", "'cron':'0 9 * * *'", 100);
    add_measured(r, "b", "'cron':'5 9 * * *'", 10);
    add_measured(r, "c", "'cron':'10,15 * * * *'", 50);
    add(r, "d", "'cron':'2 9 * * mon-fri'");
    expect_minute(r, 5, "5 9 * * mon-fri"); /* 10 turns there, 110 … */
    measured(r, "b", 70);
    add(r, "e", "'cron':'30 2 9 * * *'");
    expect_minute(r, 10, "30 10 9 * * *");
    add(r, "f", "'cron':'20 9 * * *'");
    assert_false(rig_has(r, "advice.minute")); /* it is alone there */
    add(r, "g", "'cron':'19 9 * * *'");
    expect_minute(r, 25, "25 9 * * *");
    rig_must(r, "schedule.remove", "'name':'f'");
    add(r, "h", "'cron':'19 9 * * *'");
    expect_minute(r, 20, "20 9 * * *"); /* nearest to it */
}

static void
a_better_minute_is_of_the_same_hour(void **state)
{
    struct rig *r = *state;

    add_measured(r, "a", "'cron':'55-59 * * * *'", 100);
    add(r, "b", "'cron':'58 9 * * *'");
    expect_minute(r, 54, "54 9 * * *");
    add_measured(r, "c", "'cron':'0 * * * *'", 100);
    add(r, "d", "'cron':'@daily'");
    expect_minute(r, 5, "5 0 * * *");
}

static void
with_nothing_measured_the_number_of_schedules_decides(void **state)
{
    struct rig *r = *state;

    add(r, "a", "'cron':'30 9 * * *'");
    assert_false(rig_has(r, "advice.minute"));
    add(r, "b", "'cron':'30 9 * * *'");
    expect_minute(r, 35, "35 9 * * *");
}

static void
a_schedule_without_a_fixed_minute_is_advised_none(void **state)
{
    struct rig *r = *state;

    add_measured(r, "a", "'cron':'* * * * *'", 100);
    add_measured(r, "b", "'cron':'0 9 * * *'", 100);
    add(r, "c", "'cron':'0,30 9 * * *'");
    assert_false(rig_has(r, "advice.minute"));
    add(r, "d", "'every_ms':3600000");
    assert_false(rig_has(r, "advice.minute"));
    add(r, "e", "'cron':'@reboot'");
    assert_false(rig_has(r, "advice.minute"));
}

/* ---- calibration, and hints in prompts ---- */

static void
the_median_turns_of_its_profile_are_offered(void **state)
{
    struct rig       *r = *state;
    static const char fmt[] = "'name':'%s','every_ms':%d,'handler':'noop','profile':'%s'";

    rig_must(r, "profile.add", "'name':'deep'");
    rig_must(r, "profile.add", "'name':'fast'");
    rig_must(r, "schedule.add", fmt, "a", 60000, "deep");
    assert_false(rig_has(r, "advice.median_turns"));
    rig_must(r, "schedule.add", fmt, "b", 60000, "default/deep");
    rig_must(r, "schedule.add", fmt, "c", 60000, "deep");
    rig_must(r, "schedule.add", fmt, "d", 60000, "fast");
    measured(r, "a", 40);
    measured(r, "b", 90);
    measured(r, "d", 1);
    rig_must(r, "schedule.add", fmt, "e", 60000, "deep");
    assert_int_equal(rig_i64(r, "advice.median_turns"), 65);
    assert_int_equal(rig_i64(r, "advice.of"), 2);
    measured(r, "c", 70);
    rig_must(r, "schedule.pause", "'name':'c'"); /* what was measured stays true */
    rig_must(r, "schedule.add", fmt, "f", 60000, "deep");
    assert_int_equal(rig_i64(r, "advice.median_turns"), 70);
    assert_int_equal(rig_i64(r, "advice.of"), 3);
    add(r, "g", "'every_ms':60000");
    assert_false(rig_has(r, "advice.median_turns"));
}

static void
a_limit_in_the_prompt_is_a_warning_beside_collisions(void **state)
{
    struct rig *r = *state;

    add(r, "a", "'cron':'0 9 * * *','payload':'use max 30 turns'");
    assert_int_equal(rig_len(r, "warnings"), 1);
    assert_string_equal(rig_text(r, "warnings.0.type"), "max_turns_in_payload");
    assert_int_equal(rig_i64(r, "warnings.0.turns"), 30);
    add(r, "limited", "'cron':'0 10 * * *','payload':'use max 30 turns','max_turns':30");
    expect_no_warning(r);
    measured(r, "a", 3000);
    add(r, "b", "'cron':'0 9 * * *','payload':'use max 30 turns'");
    assert_int_equal(rig_len(r, "warnings"), 2);
    assert_string_equal(rig_text(r, "warnings.0.type"), "collision");
    assert_string_equal(rig_text(r, "warnings.1.type"), "max_turns_in_payload");
}

static void
a_change_is_looked_at_as_a_new_one_is(void **state)
{
    struct rig *r = *state;

    add_measured(r, "a", "'cron':'0 9 * * *'", 1000);
    add_measured(r, "b", "'cron':'0 10 * * *'", 2000);
    rig_must(r, "schedule.set", "'name':'b','cron':'1 9 * * *'"); /* with its own turns */
    expect_collision(r, "[\"a\"]", "[540]", 3000);
    expect_minute(r, 5, "5 9 * * *");
    rig_must(r, "schedule.set", "'name':'b','cron':'5 9 * * *','payload':'max 9 turns'");
    assert_int_equal(rig_len(r, "warnings"), 1);
    assert_string_equal(rig_text(r, "warnings.0.type"), "max_turns_in_payload");
    assert_false(rig_has(r, "advice.minute"));
    rig_must(r, "schedule.set", "'name':'b','max_turns':9");
    expect_no_warning(r);
    rig_must(r, "schedule.set", "'name':'b','cron':'0 12 * * *'");
    measured(r, "b", 9000);
    rig_must(r, "schedule.set", "'name':'b','title':'heavy, but alone'");
    expect_no_warning(r);
    rig_must_read(r, "schedule.show", "'name':'b'"); /* advice is for who saves */
    assert_false(rig_has(r, "advice"));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(schedules_that_share_minutes_and_reach_the_limit_are_warned_of),
        TEST(the_next_bucket_is_not_the_same_one),
        TEST(buckets_of_the_next_day_count_in_utc),
        TEST(schedules_of_every_bucket_share_all_of_ours),
        TEST(paused_and_ended_schedules_do_not_collide),
        TEST(times_before_the_start_and_behind_the_end_do_not_collide),
        TEST(a_company_is_compared_with_itself_and_default_with_all),
        TEST(without_a_limit_nothing_collides),
        TEST(recurring_wakeups_and_routines_are_saves_too),
        TEST(only_the_heaviest_are_named),
        TEST(a_save_among_very_many_looks_at_some_and_says_so),
        TEST(the_least_contended_minute_nearby_is_advised),
        TEST(a_better_minute_is_of_the_same_hour),
        TEST(with_nothing_measured_the_number_of_schedules_decides),
        TEST(a_schedule_without_a_fixed_minute_is_advised_none),
        TEST(the_median_turns_of_its_profile_are_offered),
        TEST(a_limit_in_the_prompt_is_a_warning_beside_collisions),
        TEST(a_change_is_looked_at_as_a_new_one_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
