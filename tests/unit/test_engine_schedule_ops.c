/* What may be done to a schedule and asked of it, and what a clock that jumps does to it (C5, N27,
 * N35, N37). */
#include "tests/unit/schedule_world.h"

/* ---- clocks ---- */

static void
a_clock_that_goes_back_fires_nothing_twice(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'cron':'* * * * *'");
    for (int i = 0; i < 10; i++) {
        rig_advance(r, MINUTE_MS);
        complete_last(r, "s");
    }
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 10);
    r->header.now.wall_ms -= 5 * MINUTE_MS + 10;
    rig_settle(r);
    for (int i = 0; i < 6; i++) { /* 08:05 to 08:10 once more */
        rig_advance(r, MINUTE_MS);
        assert_int_equal(schedule_i64(r, "s", "firing_count"), 10);
    }
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 11);
    assert_int_equal(outcomes(r, "s", "fired"), 11);
    assert_int_equal(rig_len(r, "items"), 11);
}

static void
a_clock_that_goes_back_far_fires_from_there_on(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'cron':'* * * * *'");
    rig_advance(r, MINUTE_MS);
    complete_last(r, "s");
    r->header.now.wall_ms -= 3650 * DAY_MS;
    rig_settle(r);
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 2);
}

static void
a_clock_behind_the_last_run_at_start_replans(void **state)
{
    struct rig *r = *state;

    add(r, "s", "'cron':'* * * * *'");
    rig_advance(r, 3 * MINUTE_MS); /* one fired, two missed */
    rig_stop(r);
    rig_turn(r);
    r->header.now.wall_ms -= 10 * MINUTE_MS;
    rig_stop(r);
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "s", "next_fire_at"), r->header.now.wall_ms + MINUTE_MS);
}

static void
a_held_clock_fires_nothing(void **state)
{
    struct rig *r = *state;

    add(r, "s", "'every_ms':60000");
    r->header.clock_is_held = true;
    rig_advance(r, 5 * MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 0);
    rig_must_read(r, "schedule.why", "'name':'s'");
    assert_non_null(strstr(rig_json(r), "clock accept"));
    r->header.clock_is_held = false; /* it is synchronised now */
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    assert_int_equal(rig_i64(r, "missed_count"), 4);
}

static void
an_interval_keeps_its_anchor_when_the_clock_jumps(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':60000");
    rig_advance(r, 10 * MINUTE_MS);
    r->header.now.wall_ms -= 3 * MINUTE_MS + 17000;
    rig_settle(r); /* 08:06:43 */
    assert_int_equal(schedule_i64(r, "s", "next_fire_at"), RIG_WALL_MS + 7 * MINUTE_MS);
}

/* ---- pause, resume, remove ---- */

/* A reload used to take an agent away from under its schedule: such rows hold the id of one that is
 * gone. */
static void
forget_agent(struct rig *r)
{
    struct schedule run = {0};
    struct err      e = {0};
    struct scan     s;
    bool            outcome_unknown;
    struct txn     *t = txn_begin_write(r->store, &e);

    assert_non_null(t);
    scan_open(&s, t, PRIMARY_SCHEDULE, &run, 0, 0);
    assert_true(scan_next(&s, &run));
    scan_close(&s);
    run.agent += 1000;
    schedule_save(t, &run);
    assert_int_equal(txn_commit(&t, &outcome_unknown, &e), E_OK);
}

static void
a_schedule_heeds_the_pause_of_an_agent_made_anew(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    rig_must(r, "agent.add", "'name':'scout','handler':'noop'");
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'agent':'scout'");
    forget_agent(r);
    rig_must(r, "agent.pause", "'name':'scout'");
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 0);
    assert_int_equal(outcomes(r, "s", "missed"), 1);
    assert_string_equal(rig_text(r, "items.0.reason"), "paused");
    rig_must(r, "agent.resume", "'name':'scout'");
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
}

static void
paused_times_are_missed_rows(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':60000");
    rig_advance(r, MINUTE_MS);
    rig_must(r, "schedule.pause", "'name':'s','reason':'a holiday'");
    assert_string_equal(rig_text(r, "status"), "paused");
    assert_string_equal(rig_text(r, "pause_reason"), "a holiday");
    assert_int_equal(rig_i64(r, "paused_at"), RIG_WALL_MS + MINUTE_MS);
    complete_last(r, "s"); /* what runs ends */
    rig_advance(r, 3 * MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    assert_int_equal(rig_i64(r, "missed_count"), 3);
    assert_int_equal(outcomes(r, "s", "missed"), 1); /* one row for the stretch */
    assert_string_equal(rig_text(r, "items.0.reason"), "paused");
    assert_int_equal(rig_i64(r, "items.0.nominal_at"), RIG_WALL_MS + 2 * MINUTE_MS);
    assert_int_equal(rig_i64(r, "items.0.until_at"), RIG_WALL_MS + 4 * MINUTE_MS);
    assert_int_equal(rig_i64(r, "items.0.count"), 3);
    rig_refused(r, E_WRONG_STATE, "", "schedule.pause", "'name':'s'");
    rig_must(r, "schedule.resume", "'name':'s'");
    assert_string_equal(rig_text(r, "status"), "active");
    assert_true(rig_is_nil(r, "pause_reason"));
    rig_refused(r, E_WRONG_STATE, "", "schedule.resume", "'name':'s'");
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1); /* none of them comes back */
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 2);
    assert_int_equal(rig_feed_count(r, "schedule.paused"), 1);
    assert_int_equal(rig_feed_count(r, "schedule.resumed"), 1);
}

static void
a_pause_takes_another_end_or_reason(void **state)
{
    struct rig *r = *state;

    add(r, "s", "'every_ms':60000");
    rig_must(r, "schedule.pause", "'name':'s','reason':'a holiday'");
    rig_wait(r, SECOND_MS);
    rig_must(r, "schedule.pause", "'name':'s','until':%lld", (long long)RIG_WALL_MS + HOUR_MS);
    assert_string_equal(rig_text(r, "pause_reason"), "a holiday");
    assert_int_equal(rig_i64(r, "pause_until"), RIG_WALL_MS + HOUR_MS);
    assert_int_equal(rig_i64(r, "paused_at"), RIG_WALL_MS);
    rig_must(r, "schedule.pause", "'name':'s','reason':'illness'");
    assert_string_equal(rig_text(r, "pause_reason"), "illness");
    assert_int_equal(rig_i64(r, "pause_until"), RIG_WALL_MS + HOUR_MS);
    rig_refused(r, E_WRONG_STATE, "", "schedule.pause", "'name':'s'");
    rig_refused(r, E_BAD_REQUEST, "until", "schedule.pause", "'name':'s','until':1");
    rig_must_read(r, "audit.list", "'action':'schedule.pause'");
    assert_int_equal(rig_len(r, "items"), 3);
    assert_string_equal(rig_text(r, "items.0.before.reason"), "a holiday");
    assert_string_equal(rig_text(r, "items.0.after.reason"), "illness");
    rig_advance(r, HOUR_MS);
    rig_must_read(r, "schedule.show", "'name':'s'");
    assert_string_equal(rig_text(r, "status"), "active");
}

static void
a_pause_outlives_a_crash(void **state)
{
    struct rig *r = *state;

    add(r, "s", "'every_ms':60000");
    rig_must(r, "schedule.pause", "'name':'s'");
    rig_crash(r);
    rig_advance(r, 2 * MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 0);
    assert_string_equal(rig_text(r, "status"), "paused");
}

static void
a_schedule_with_a_job_in_flight_is_in_use(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':60000");
    rig_advance(r, MINUTE_MS);
    rig_refused(r, E_IN_USE, "", "schedule.remove", "'name':'s'");
    complete_last(r, "s");
    rig_must(r, "schedule.remove", "'name':'s'");
    assert_string_equal(rig_text(r, "removed"), "s");
    assert_int_equal(rig_read(r, "schedule.show", "'name':'s'"), E_NOT_FOUND);
    rig_settle(r); /* its lane is swept */
    rig_refused(r, E_NOT_FOUND, "name", "schedule.remove", "'name':'s'");
    rig_advance(r, HOUR_MS);
    rig_must_read(r, "job.list", " ");
    assert_int_equal(rig_len(r, "items"), 1);
    assert_string_equal(rig_job_text(r, 1, "state"), "completed"); /* its job is shown as ever */
}

static void
a_name_made_anew_is_a_new_schedule(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':60000");
    rig_refused(r, E_CONFLICT, "", "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    rig_advance(r, MINUTE_MS);
    complete_last(r, "s");
    rig_must(r, "schedule.remove", "'name':'s'");
    add(r, "s", "'every_ms':60000");
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 0);
    assert_int_equal(firings(r, "s"), 0);
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
}

static void
what_the_file_declares_the_file_removes(void **state)
{
    struct rig *r = *state;

    rig_configure(
        r, &(struct rig_declared){.schedules = "{'name':'s','every_ms':60000,'handler':'noop'}"});
    rig_must_read(r, "schedule.show", "'name':'s'");
    assert_string_equal(rig_text(r, "origin"), "config");
    rig_refused(r, E_DECLARED_IN_CONFIG, "", "schedule.remove", "'name':'s'");
    rig_must(r, "schedule.pause", "'name':'s'"); /* pause and resume are allowed */
    rig_configure(
        r, &(struct rig_declared){.schedules = "{'name':'s','every_ms':60000,'handler':'noop'}"});
    rig_must_read(r, "schedule.show", "'name':'s'");
    assert_string_equal(rig_text(r, "status"), "paused"); /* how it runs is not the file's */
    rig_must(r, "schedule.resume", "'name':'s'");
    rig_configure(r, &(struct rig_declared){0});
    assert_int_equal(rig_read(r, "schedule.show", "'name':'s'"), E_NOT_FOUND);
}

static void
a_reload_keeps_the_cursor_and_a_new_time_starts_from_now(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    rig_configure(
        r, &(struct rig_declared){.schedules = "{'name':'s','cron':'0 * * * *','handler':'noop'}"});
    rig_advance(r, HOUR_MS);
    complete_last(r, "s");
    rig_wait(r, 30 * MINUTE_MS);
    rig_configure(
        r, &(struct rig_declared){.schedules = "{'name':'s','cron':'0 * * * *','handler':'echo'}"});
    assert_int_equal(schedule_i64(r, "s", "next_fire_at"), RIG_WALL_MS + 2 * HOUR_MS);
    assert_int_equal(rig_i64(r, "firing_count"), 1);
    assert_string_equal(rig_text(r, "handler"), "echo");
    rig_configure(r, &(struct rig_declared){
                         .schedules = "{'name':'s','cron':'10 * * * *','handler':'echo'}"});
    assert_int_equal(schedule_i64(r, "s", "next_fire_at"),
                     RIG_WALL_MS + 2 * HOUR_MS + 10 * MINUTE_MS);
    assert_int_equal(rig_i64(r, "firing_count"), 1); /* 09:10 is past and not made up for */
    assert_int_equal(rig_i64(r, "missed_count"), 0);
    rig_configure(
        r, &(struct rig_declared){.schedules = "{'name':'s','every_ms':2400000,'handler':'echo'}"});
    assert_int_equal(schedule_i64(r, "s", "next_fire_at"), RIG_WALL_MS + 3 * 2400000);
}

/* ---- why, lists ---- */

static void
why_says_when_and_what_holds(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':60000");
    rig_must_read(r, "schedule.why", "'name':'s'");
    assert_string_equal(rig_text(r, "status"), "active");
    assert_int_equal(rig_i64(r, "next_fire_at"), RIG_WALL_MS + MINUTE_MS);
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "due_later");
    assert_int_equal(rig_i64(r, "blockers.0.until_at"), RIG_WALL_MS + MINUTE_MS);
    rig_advance(r, MINUTE_MS);
    rig_must(r, "schedule.pause", "'name':'s','reason':'because'");
    rig_must_read(r, "schedule.why", "'name':'s'");
    assert_string_equal(rig_text(r, "status"), "paused");
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "paused");
    assert_non_null(strstr(rig_text(r, "blockers.0.message"), "because"));
    assert_string_equal(rig_text(r, "blockers.0.change"), "agentctl schedule resume s");
    assert_string_equal(rig_text(r, "blockers.2.predicate"), "in_flight");
    assert_string_equal(rig_text(r, "blockers.2.holder"), "job 1");
    assert_string_equal(rig_text(r, "blockers.2.change"), "agentctl job cancel 1");
    assert_int_equal(rig_read(r, "schedule.why", "'name':'none'"), E_NOT_FOUND);
}

static void
lists_are_paged(void **state)
{
    struct rig *r = *state;
    char        after[160] = "";
    size_t      count = 0;

    for (int i = 0; i < 25; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "s%d", i); /* fits */
        add(r, name, "'every_ms':60000");
    }
    for (int pages = 0; pages < 10; pages++) {
        rig_must_read(r, "schedule.list", "'limit':10%s", after);
        count += rig_len(r, "items");
        if (rig_is_nil(r, "next")) break;
        (void)snprintf(after, sizeof(after), ",'after':'%s'", rig_text(r, "next"));
    }
    assert_int_equal(count, 25);
    rig_must_read(r, "schedule.list", "'limit':1");
    assert_false(rig_has(r, "items.0.payload"));
}

static void
firings_are_paged_newest_first(void **state)
{
    struct rig *r = *state;
    char        after[160] = "";
    size_t      count = 0;
    int64_t     last = INT64_MAX;

    add(r, "s", "'every_ms':60000");
    for (int i = 0; i < 25; i++) /* one fires, the others are suppressed: no worker */
        rig_advance(r, MINUTE_MS);
    for (int pages = 0; pages < 10; pages++) {
        rig_must_read(r, "schedule.firings", "'name':'s','limit':10%s", after);
        size_t n = rig_len(r, "items");

        for (size_t i = 0; i < n; i++) {
            const char *path = rig_path(r, "items", i, "nominal_at");

            assert_true(rig_i64(r, path) < last);
            last = rig_i64(r, path);
        }
        count += n;
        if (rig_is_nil(r, "next")) break;
        (void)snprintf(after, sizeof(after), ",'after':'%s'", rig_text(r, "next"));
    }
    assert_int_equal(count, 25);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_clock_that_goes_back_fires_nothing_twice),
        TEST(a_clock_that_goes_back_far_fires_from_there_on),
        TEST(a_clock_behind_the_last_run_at_start_replans),
        TEST(a_held_clock_fires_nothing),
        TEST(an_interval_keeps_its_anchor_when_the_clock_jumps),
        TEST(a_schedule_heeds_the_pause_of_an_agent_made_anew),
        TEST(paused_times_are_missed_rows),
        TEST(a_pause_takes_another_end_or_reason),
        TEST(a_pause_outlives_a_crash),
        TEST(a_schedule_with_a_job_in_flight_is_in_use),
        TEST(a_name_made_anew_is_a_new_schedule),
        TEST(what_the_file_declares_the_file_removes),
        TEST(a_reload_keeps_the_cursor_and_a_new_time_starts_from_now),
        TEST(why_says_when_and_what_holds),
        TEST(lists_are_paged),
        TEST(firings_are_paged_newest_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
