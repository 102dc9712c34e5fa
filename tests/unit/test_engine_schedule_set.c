/* A schedule that is changed: what it is afterwards, and when it fires. */
#include "tests/unit/schedule_world.h"

/* RIG_WALL_MS is 08:00:00. */

static void
given_fields_change_and_others_stay(void **state)
{
    struct rig *r = *state;

    add(r, "s", "'cron':'0 9 * * *','max_turns':50,'title':'Report','tags':{'k':'v'}");
    rig_must(r, "schedule.set", "'name':'s','max_turns':200,'priority':70");
    assert_int_equal(rig_i64(r, "max_turns"), 200);
    assert_int_equal(rig_i64(r, "priority"), 70);
    assert_string_equal(rig_text(r, "cron"), "0 9 * * *");
    assert_string_equal(rig_text(r, "title"), "Report");
    assert_string_equal(rig_text(r, "tags.k"), "v");
    assert_int_equal(rig_i64(r, "next_fire_at"), RIG_WALL_MS + HOUR_MS);
    assert_int_equal(rig_feed_count(r, "schedule.changed"), 1);
}

static void
cleared_fields_are_as_never_given(void **state)
{
    struct rig *r = *state;

    add(r, "s", "'every_ms':60000,'max_turns':50,'jitter_ms':5000,'title':'Report'");
    rig_must(r, "schedule.set", "'name':'s','clear':['max_turns','jitter_ms','title']");
    assert_true(rig_is_nil(r, "max_turns"));
    assert_true(rig_is_nil(r, "title"));
    assert_true(rig_is_nil(r, "jitter_ms"));
    rig_must(r, "schedule.set", "'name':'s','max_turns':null"); /* no limit, which is a value */
    rig_advance(r, MINUTE_MS);
    rig_must_read(r, "job.show", "'id':%lld", (long long)schedule_i64(r, "s", "last_job"));
    assert_true(rig_is_nil(r, "max_turns"));
}

static void
cron_takes_the_place_of_every(void **state)
{
    struct rig *r = *state;

    add(r, "s", "'every_ms':60000");
    rig_must(r, "schedule.set", "'name':'s','cron':'30 8 * * *'");
    assert_true(rig_is_nil(r, "every_ms"));
    assert_int_equal(rig_i64(r, "next_fire_at"), RIG_WALL_MS + 30 * MINUTE_MS);
    rig_must(r, "schedule.set", "'name':'s','every_ms':7200000");
    assert_true(rig_is_nil(r, "cron"));
    assert_int_equal(rig_i64(r, "next_fire_at"), RIG_WALL_MS + 2 * HOUR_MS);
}

/* An interval counts from when the schedule was made: 08:20 of every 20 min has passed. */
static void
other_times_make_no_past_time_due(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':3600000");
    rig_advance(r, 50 * MINUTE_MS);
    rig_must(r, "schedule.set", "'name':'s','every_ms':1200000");
    assert_int_equal(rig_i64(r, "next_fire_at"), RIG_WALL_MS + HOUR_MS);
    rig_settle(r);
    assert_int_equal(firings(r, "s"), 0);
    rig_advance(r, 10 * MINUTE_MS);
    assert_int_equal(outcomes(r, "s", "fired"), 1);
}

static void
one_that_has_ended_goes_on_from_now(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':60000,'max_firings':1");
    rig_advance(r, MINUTE_MS);
    complete_last(r, "s");
    rig_must_read(r, "schedule.show", "'name':'s'");
    assert_string_equal(rig_text(r, "status"), "ended");
    rig_advance(r, 10 * MINUTE_MS);
    rig_must(r, "schedule.set", "'name':'s','max_firings':2");
    assert_string_equal(rig_text(r, "status"), "active");
    assert_int_equal(rig_i64(r, "next_fire_at"), RIG_WALL_MS + 12 * MINUTE_MS);
    rig_settle(r);
    assert_int_equal(firings(r, "s"), 1);
    rig_must(r, "schedule.run", "'name':'s'"); /* by hand: not one of the two */
    complete_last(r, "s");
    rig_advance(r, MINUTE_MS);
    assert_int_equal(outcomes(r, "s", "fired"), 3);
    rig_must_read(r, "schedule.show", "'name':'s'");
    assert_string_equal(rig_text(r, "status"), "ended");
    rig_must(r, "schedule.run", "'name':'s','force':true");
    assert_int_equal(outcomes(r, "s", "fired"), 4);
}

/* Its end has passed, and none of its times is touched. */
static void
one_whose_end_has_passed_can_be_changed(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    rig_must(r, "schedule.add", "'name':'s','handler':'noop','every_ms':60000,'end_at':%lld",
             RIG_WALL_MS + 2 * MINUTE_MS);
    for (int i = 0; i < 3; i++)
        rig_advance(r, MINUTE_MS);
    rig_must_read(r, "schedule.show", "'name':'s'");
    assert_string_equal(rig_text(r, "status"), "ended");
    rig_must(r, "schedule.set", "'name':'s','max_firings':1");
    rig_must(r, "schedule.set", "'name':'s','title':'t','end_at':%lld",
             RIG_WALL_MS + 2 * MINUTE_MS);
    assert_string_equal(rig_text(r, "status"), "ended");
    rig_refused(r, E_BAD_REQUEST, "end_at", "schedule.set", "'name':'s','end_at':%lld",
                RIG_WALL_MS + 150 * SECOND_MS);
}

/* What is due and waits for a worker's report or a clock is decided, whatever else is set. */
static void
fields_without_times_leave_what_is_due(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':60000");
    r->header.clock_is_held = true;
    rig_advance(r, MINUTE_MS);
    rig_must(r, "schedule.set", "'name':'s','max_turns':7");
    assert_int_equal(rig_i64(r, "next_fire_at"), RIG_WALL_MS + MINUTE_MS);
    r->header.clock_is_held = false;
    rig_settle(r);
    assert_int_equal(outcomes(r, "s", "fired"), 1);
    assert_int_equal(rig_job_i64(r, (uint64_t)schedule_i64(r, "s", "last_job"), "max_turns"), 7);
}

/* 09:00 and 10:00 have passed, and wait for the end of the quiet hours at 12:00. */
static void
wait_in_quiet_hours(struct rig *r, const char *more)
{
    rig_workers(r, 1, 4);
    rig_must(r, "schedule.add",
             "'name':'s','handler':'noop','cron':'0 * * * *','quiet_hours':'08:30-12:00'%s", more);
    rig_advance(r, 2 * HOUR_MS + MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "due_at"), RIG_WALL_MS + 4 * HOUR_MS);
}

static void
how_often_it_fires_leaves_what_waits_until_it_is_due(void **state)
{
    struct rig *r = *state;

    wait_in_quiet_hours(r, ",'max_firings':10");
    rig_must(r, "schedule.set", "'name':'s','max_firings':20");
    rig_must(r, "schedule.set", "'name':'s','clear':['max_firings']");
    assert_int_equal(schedule_i64(r, "s", "due_at"), RIG_WALL_MS + 4 * HOUR_MS);
    rig_advance(r, 2 * HOUR_MS - MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    assert_int_equal(rig_i64(r, "missed_count"), 3);
}

static void
times_that_wait_until_they_are_due_are_missed_when_others_take_their_place(void **state)
{
    static const char *const changes[] = {"'every_ms':7200000", "'tz':'UTC'",
                                          "'end_at':1900000000000", "'start_at':1700000000000"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        void       *fresh;
        struct rig *r;

        (void)rig_begin(&fresh);
        r = fresh;
        wait_in_quiet_hours(r, "");
        rig_must(r, "schedule.set", "'name':'s',%s", changes[i]);
        assert_int_equal(schedule_i64(r, "s", "missed_count"), 2);
        assert_int_equal(firings(r, "s"), 1);
        assert_string_equal(rig_text(r, "items.0.reason"), "its schedule was changed");
        assert_int_equal(rig_i64(r, "items.0.nominal_at"), RIG_WALL_MS + HOUR_MS);
        assert_int_equal(rig_i64(r, "items.0.until_at"), RIG_WALL_MS + 2 * HOUR_MS);
        assert_int_equal(rig_feed_count(r, "schedule.missed"), 1);
        (void)rig_end(&fresh);
    }
}

static void
times_that_are_too_many_to_be_counted_are_missed_all_the_same(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    rig_must(r, "schedule.add",
             "'name':'s','handler':'noop','cron':'* * * * * *','quiet_hours':'08:00-12:00'");
    rig_advance(r, 3 * HOUR_MS);
    rig_must(r, "schedule.set", "'name':'s','every_ms':7200000");
    assert_int_equal(schedule_i64(r, "s", "missed_count"), 1 + TURN_TIMES_MAX);
    assert_int_equal(firings(r, "s"), 1);
    assert_string_equal(rig_text(r, "items.0.reason"),
                        "its schedule was changed: at least so many");
    assert_int_equal(rig_i64(r, "items.0.nominal_at"), RIG_WALL_MS + SECOND_MS);
    assert_int_equal(rig_i64(r, "items.0.until_at"), RIG_WALL_MS + 3 * HOUR_MS);
}

static void
times_that_wait_are_missed_when_it_has_fired_often_enough(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'cron':'0 9,21 * * *','quiet_hours':'20:00-23:00','max_firings':10");
    rig_advance(r, HOUR_MS);
    rig_advance(r, 12 * HOUR_MS);
    rig_must(r, "schedule.set", "'name':'s','max_firings':1");
    assert_string_equal(rig_text(r, "status"), "ended");
    assert_int_equal(schedule_i64(r, "s", "missed_count"), 1);
    assert_int_equal(rig_feed_count(r, "schedule.ended"), 1);
    rig_must(r, "schedule.set", "'name':'s','max_firings':2");
    assert_int_equal(schedule_i64(r, "s", "next_fire_at"), RIG_WALL_MS + 25 * HOUR_MS);
}

static void
what_add_refuses_set_refuses(void **state)
{
    static const struct {
        const char *body;
        enum errc   code;
        const char *field;
    } bad[] = {
        {"'name':'s'",                                  E_BAD_REQUEST, "name"   },
        {"'name':'s','clear':[]",                       E_BAD_REQUEST, "name"   },
        {"'name':'nobody','max_turns':5",               E_NOT_FOUND,   "name"   },
        {"'name':'s','company':'gamma','max_turns':5",  E_NOT_FOUND,   "company"},
        {"'name':'s','cron':'61 * * * *'",              E_BAD_REQUEST, "cron"   },
        {"'name':'s','cron':'0 0 30 2 *'",              E_BAD_REQUEST, "cron"   },
        {"'name':'s','cron':'@daily','every_ms':60000", E_BAD_REQUEST, "cron"   },
        {"'name':'s','clear':['every_ms']",             E_BAD_REQUEST, "cron"   },
        {"'name':'s','handler':'nobody'",               E_NOT_FOUND,   "handler"},
        {"'name':'s','clear':['handler']",              E_BAD_REQUEST, "handler"},
        {"'name':'s','agent':'nobody'",                 E_NOT_FOUND,   "agent"  },
        {"'name':'s','type':'whim'",                    E_BAD_REQUEST, "type"   },
        {"'name':'s','clear':['name']",                 E_BAD_REQUEST, "clear"  },
        {"'name':'s','clear':['company']",              E_BAD_REQUEST, "clear"  },
        {"'name':'s','clear':['whim']",                 E_BAD_REQUEST, "clear"  },
        {"'name':'s','clear':[7]",                      E_BAD_REQUEST, "clear"  },
        {"'name':'s','title':'t','clear':['title']",    E_BAD_REQUEST, "clear"  },
    };
    struct rig *r = *state;

    add(r, "s", "'every_ms':60000");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        rig_refused(r, bad[i].code, bad[i].field, "schedule.set", "%s", bad[i].body);
}

static void
a_declared_one_is_changed_in_its_file(void **state)
{
    struct rig         *r = *state;
    struct rig_declared d = {.schedules = "{'name':'s','every_ms':60000,'handler':'noop'}"};

    rig_configure(r, &d);
    rig_refused(r, E_DECLARED_IN_CONFIG, "", "schedule.set", "'name':'s','max_turns':5");
}

/* Names in it are its own company's, whoever asks. */
static void
another_companys_schedule_keeps_to_its_company(void **state)
{
    struct rig *r = *state;

    rig_must(r, "company.add", "'name':'acme'");
    rig_must(r, "agent.add", "'name':'anna','company':'acme','handler':'noop'");
    rig_must(r, "schedule.add", "'name':'s','company':'acme','every_ms':60000,'agent':'anna'");
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    rig_must(r, "schedule.set", "'name':'s','company':'acme','title':'Hers'");
    assert_string_equal(rig_text(r, "title"), "Hers");
    assert_string_equal(rig_text(r, "company"), "acme");
    assert_string_equal(rig_text(r, "agent"), "anna");
    rig_refused(r, E_NOT_FOUND, "agent", "schedule.set", "'name':'s','agent':'anna'");
}

static void
a_change_is_audited_with_before_and_after(void **state)
{
    struct rig *r = *state;

    add(r, "s", "'every_ms':60000,'max_turns':5");
    rig_must(r, "schedule.set", "'name':'s','max_turns':9");
    rig_must_read(r, "audit.list", "'action':'schedule.set'");
    assert_int_equal(rig_len(r, "items"), 1);
    assert_string_equal(rig_text(r, "items.0.subject"), "s");
    assert_int_equal(rig_i64(r, "items.0.before.max_turns"), 5);
    assert_int_equal(rig_i64(r, "items.0.after.max_turns"), 9);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_begin, rig_end)

/* How many rows lie with the first one, and how many there are. */
static void
expect_together(struct rig *r, unsigned together, unsigned all)
{
    struct err      e = {0};
    struct txn     *t = txn_begin_read(r->store, &e);
    struct schedule first = {0}, run;
    struct scan     s;
    unsigned        count = 0;

    assert_non_null(t);
    scan_open(&s, t, INDEX_schedule_by_id, &first, 0, 0);
    assert_true(scan_next(&s, &first));
    scan_close(&s);
    run = (struct schedule){.times_hash = first.times_hash};
    scan_open(&s, t, PRIMARY_SCHEDULE, &run, 1, 1);
    while (scan_next(&s, &run))
        count++;
    scan_close(&s);
    assert_int_equal(count, together);
    assert_int_equal(table_rows(t, TABLE_SCHEDULE), all);
    txn_abort(&t);
}

static void
what_fires_together_is_stored_together(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 8);
    add(r, "a", "'cron':'0 9 * * *'");
    add(r, "b", "'cron':'30 9 * * *'");
    add(r, "c", "'cron':'0 9 * * *'");
    add(r, "d", "'cron':'0 9 * * 1'");
    expect_together(r, 2, 4);
    rig_must(r, "schedule.set", "'name':'b','cron':'0 9 * * *'");
    rig_advance(r, HOUR_MS);
    expect_together(r, 3, 4);
    assert_int_equal(schedule_i64(r, "b", "firing_count"), 1);
    rig_must(r, "schedule.set", "'name':'c','every_ms':3600000");
    rig_advance(r, HOUR_MS);
    expect_together(r, 2, 4);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(given_fields_change_and_others_stay),
        TEST(what_fires_together_is_stored_together),
        TEST(cleared_fields_are_as_never_given),
        TEST(cron_takes_the_place_of_every),
        TEST(other_times_make_no_past_time_due),
        TEST(one_that_has_ended_goes_on_from_now),
        TEST(one_whose_end_has_passed_can_be_changed),
        TEST(fields_without_times_leave_what_is_due),
        TEST(how_often_it_fires_leaves_what_waits_until_it_is_due),
        cmocka_unit_test(
            times_that_wait_until_they_are_due_are_missed_when_others_take_their_place),
        TEST(times_that_are_too_many_to_be_counted_are_missed_all_the_same),
        TEST(times_that_wait_are_missed_when_it_has_fired_often_enough),
        TEST(what_add_refuses_set_refuses),
        TEST(a_declared_one_is_changed_in_its_file),
        TEST(another_companys_schedule_keeps_to_its_company),
        TEST(a_change_is_audited_with_before_and_after),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
