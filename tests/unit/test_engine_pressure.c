/* People first: while a job streams to a person, firings that come due are put off (C14, N44). */
#include "tests/unit/schedule_world.h"

#include <inttypes.h>

#define DELAY_MS (30 * SECOND_MS)

/* A running job that streams; the rig's worker has room for more. */
static uint64_t
stream(struct rig *r)
{
    uint64_t id;

    rig_workers(r, 1, 8);
    id = rig_submit(r, "'handler':'noop','max_run_ms':36000000");
    rig_must(r, "job.stream", "'id':%d", (int)id);
    return id;
}

static int64_t
status_i64(struct rig *r, const char *field)
{
    rig_status(r);
    return rig_i64(r, field);
}

/* ---- the mark ---- */

static void
the_mark_is_set_and_taken_back(void **state)
{
    struct rig *r = *state;
    uint64_t    id = stream(r);

    assert_true(rig_bool(r, "streaming"));
    assert_int_equal(rig_i64(r, "streams"), 1);
    rig_must(r, "job.stream", "'id':%d,'active':true", (int)id); /* once is enough */
    assert_int_equal(status_i64(r, "streams"), 1);
    for (int twice = 0; twice < 2; twice++) {
        rig_must(r, "job.stream", "'id':%d,'active':false", (int)id);
        assert_false(rig_bool(r, "streaming"));
        assert_int_equal(status_i64(r, "streams"), 0);
    }
}

static void
only_a_job_that_runs_can_stream(void **state)
{
    struct rig *r = *state;

    uint64_t id = rig_submit(r, "'handler':'noop'"); /* no worker */
    rig_refused(r, E_WRONG_STATE, "", "job.stream", "'id':%d", (int)id);
    rig_refused(r, E_NOT_FOUND, "", "job.stream", "'id':%d", (int)id + 1);
    rig_workers(r, 1, 1);
    rig_must(r, "job.stream", "'id':%d", (int)id);
    rig_complete(r, id);
    rig_refused(r, E_WRONG_STATE, "", "job.stream", "'id':%d", (int)id);
}

static void
a_job_of_another_company_is_not_found(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    rig_must(r, "company.add", "'name':'acme'");
    uint64_t id = rig_submit(r, "'handler':'noop'");
    r->actor.company = view_str("acme");
    rig_refused(r, E_NOT_FOUND, "", "job.stream", "'id':%d", (int)id);
}

static void
others_sessions_and_firings_are_not_counted(void **state)
{
    struct rig *r = *state;
    uint64_t    id = stream(r);

    rig_must(r, "company.add", "'name':'acme'");
    add(r, "s", "'every_ms':3600000");
    add(r, "a", "'every_ms':3600000,'company':'acme'");
    add(r, "b", "'every_ms':3600000,'company':'acme'");
    rig_advance(r, HOUR_MS);
    assert_int_equal(status_i64(r, "streams"), 1);
    assert_int_equal(rig_i64(r, "put_off"), 3);
    r->actor.company = view_str("acme");
    assert_int_equal(status_i64(r, "streams"), 0);
    assert_int_equal(rig_i64(r, "put_off"), 2);
    rig_must_read(r, "schedule.why", "'name':'a'");
    assert_non_null(strstr(rig_text(r, "text"), "0 sessions stream to a person, and others of"));
    assert_true(rig_is_nil(r, "change")); /* it is not theirs to end */
    id = rig_submit(r, "'handler':'noop','max_run_ms':36000000");
    rig_must(r, "job.stream", "'id':%d", (int)id);
    assert_int_equal(rig_i64(r, "streams"), 1);
    assert_int_equal(status_i64(r, "streams"), 1);
    r->actor.company = (struct view){0};
    assert_int_equal(status_i64(r, "streams"), 2);
}

static void
ends_completed(struct rig *r, uint64_t id)
{
    rig_complete(r, id);
}

static void
ends_failed(struct rig *r, uint64_t id)
{
    rig_fail(r, id, "tool_failed");
}

static void
ends_snoozed(struct rig *r, uint64_t id)
{
    rig_ended(r, id, "'verdict':'snoozed','after_ms':5000");
    rig_turn(r);
}

static void
ends_with_its_worker(struct rig *r, uint64_t id)
{
    rig_worker_gone(r, rig_lease(r, id)->worker);
    rig_turn(r);
}

static void
ends_with_agentd(struct rig *r, uint64_t id)
{
    (void)id;
    rig_crash(r);
    rig_turn(r);
    rig_workers(r, 1, 1);
    rig_refused(r, E_WRONG_STATE, "", "job.stream", "'id':%d", (int)id); /* an old lease */
}

static void
the_mark_ends_with_the_attempt_however_that_ends(void **state)
{
    static void (*const ends[])(struct rig *, uint64_t) = {
        ends_completed, ends_failed, ends_snoozed, ends_with_its_worker, ends_with_agentd};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        void *r;

        (void)rig_begin(&r);
        ends[i](r, stream(r));
        assert_int_equal(status_i64(r, "streams"), 0);
        add(r, "s", "'every_ms':3600000");
        rig_advance(r, HOUR_MS);
        assert_int_equal(rig_i64((rig_status(r), r), "put_off"), 0);
        assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
        (void)rig_end(&r);
    }
}

/* ---- put off ---- */

static void
a_firing_is_put_off_and_looked_at_again(void **state)
{
    struct rig *r = *state;
    uint64_t    id = stream(r);

    add(r, "s", "'every_ms':3600000");
    rig_advance(r, HOUR_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 0);
    assert_int_equal(rig_i64(r, "put_off_from"), RIG_WALL_MS + HOUR_MS);
    assert_int_equal(r->deadline.wall_ms, RIG_WALL_MS + HOUR_MS + DELAY_MS);
    assert_int_equal(status_i64(r, "put_off"), 1);
    rig_advance(r, DELAY_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 0);
    rig_must(r, "job.stream", "'id':%d,'active':false", (int)id);
    rig_advance(r, DELAY_MS - 1);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 0);
    rig_advance(r, 1);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    assert_true(rig_is_nil(r, "put_off_from"));
    assert_int_equal(status_i64(r, "put_off"), 0);
    assert_int_equal(firings(r, "s"), 1);
    assert_int_equal(rig_i64(r, "items.0.nominal_at"), RIG_WALL_MS + HOUR_MS);
    assert_int_equal(rig_i64(r, "items.0.fired_at"), RIG_WALL_MS + HOUR_MS + 2 * DELAY_MS);
    assert_int_equal(schedule_i64(r, "s", "next_fire_at"), RIG_WALL_MS + 2 * HOUR_MS);
}

static void
why_says_that_it_is_put_off_and_for_whom(void **state)
{
    struct rig *r = *state;
    uint64_t    id = stream(r);
    char        change[64];

    add(r, "s", "'every_ms':3600000");
    rig_advance(r, HOUR_MS);
    (void)snprintf(change, sizeof(change), "agentctl job stream %d --off", (int)id);
    rig_must_read(r, "schedule.why", "'name':'s'");
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "put_off");
    assert_non_null(strstr(rig_text(r, "text"), "put off for people"));
    assert_string_equal(rig_text(r, "change"), change);
    assert_int_equal(rig_i64(r, "earliest_at"), RIG_WALL_MS + HOUR_MS + DELAY_MS);
    rig_must(r, "job.stream", "'id':%d,'active':false", (int)id);
    rig_must_read(r, "schedule.why", "'name':'s'");
    assert_non_null(strstr(rig_text(r, "text"), "0 sessions stream"));
    assert_true(rig_is_nil(r, "change"));
}

static void
a_firing_is_put_off_five_minutes_in_all_at_most(void **state)
{
    static const int64_t delays[] = {30000, 70000, 300000};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(delays); i++) {
        void       *fresh;
        struct rig *r;

        (void)rig_begin(&fresh);
        r = fresh;
        r->limits.interactive_delay_ms = delays[i];
        rig_configure(r, &(struct rig_declared){0});
        (void)stream(r);
        add(r, "s", "'every_ms':3600000");
        rig_advance(r, HOUR_MS);
        for (int64_t at = 0; at < 5 * MINUTE_MS; at += 10 * SECOND_MS) {
            assert_int_equal(schedule_i64(r, "s", "firing_count"), 0);
            rig_advance(r, 10 * SECOND_MS);
        }
        assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
        assert_int_equal(rig_i64(r, "last_fired_at"), RIG_WALL_MS + HOUR_MS + 5 * MINUTE_MS);
        (void)rig_end(&fresh);
    }
}

static void
a_firing_that_the_next_one_overtakes_says_that_it_was_put_off(void **state)
{
    struct rig *r = *state;

    (void)stream(r);
    add(r, "s", "'every_ms':60000");
    rig_advance(r, MINUTE_MS);
    for (int i = 0; i < 10; i++)
        rig_advance(r, DELAY_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1); /* the newest */
    assert_int_equal(rig_i64(r, "cursor_at"), RIG_WALL_MS + 6 * MINUTE_MS);
    assert_int_equal(rig_i64(r, "missed_count"), 5);
    size_t n = firings(r, "s");
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rig_text(r, rig_path(r, "items", i, "outcome")), "missed") != 0) continue;
        assert_non_null(
            strstr(rig_text(r, rig_path(r, "items", i, "reason")), "put off for people"));
    }
}

/* What people held up is not late: the newest fires, whatever the policy says of late ones. */
static void
what_was_put_off_is_not_late(void **state)
{
    struct rig *r = *state;
    uint64_t    id = stream(r);

    add(r, "s", "'every_ms':60000,'misfire':'skip'");
    rig_advance(r, MINUTE_MS);
    for (int i = 0; i < 6; i++)
        rig_advance(r, 20 * SECOND_MS); /* it is looked at half a minute after the minutes, too */
    rig_must(r, "job.stream", "'id':%d,'active':false", (int)id);
    rig_advance(r, DELAY_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    assert_int_equal(rig_i64(r, "missed_count"), 2);
    assert_int_equal(rig_i64(r, "cursor_at"), RIG_WALL_MS + 3 * MINUTE_MS);
    rig_must(r, "job.cancel", "'id':%d", (int)rig_i64(r, "last_job"));
    rig_ended(r, (uint64_t)schedule_i64(r, "s", "last_job"),
              "'verdict':'failed','class':'aborted'");
    (void)firings(r, "s");
    assert_string_equal(rig_text(r, "items.1.reason"),
                        "put off for people; overtaken by its next time (misfire policy skip)");
    rig_wait(r, 3 * MINUTE_MS + 10 * SECOND_MS); /* as ever when nobody was there */
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
}

static void
jobs_that_are_there_are_not_touched(void **state)
{
    struct rig *r = *state;

    add(r, "s", "'every_ms':60000");
    rig_advance(r, MINUTE_MS); /* no worker: its job waits */
    uint64_t waiting = (uint64_t)schedule_i64(r, "s", "last_job");
    (void)stream(r);
    expect_state(r, waiting, "running");
    uint64_t other = rig_submit(r, "'handler':'noop'");
    expect_state(r, other, "running");
}

static void
a_delay_of_nothing_puts_nothing_off(void **state)
{
    struct rig *r = *state;

    r->limits.interactive_delay_ms = 0;
    rig_configure(r, &(struct rig_declared){0});
    (void)stream(r);
    add(r, "s", "'every_ms':60000");
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
}

static void
a_boot_is_not_put_off(void **state)
{
    struct rig *r = *state;

    add(r, "s", "'cron':'@reboot'");
    r->boot_id++;
    r->header.clock_is_held = true; /* so that there is a stream before it is decided */
    rig_stop(r);
    (void)stream(r);
    r->header.clock_is_held = false;
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
}

static void
what_is_paused_is_missed_at_its_time(void **state)
{
    struct rig *r = *state;

    (void)stream(r);
    add(r, "s", "'every_ms':60000");
    rig_must(r, "schedule.pause", "'name':'s'");
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "missed_count"), 1);
}

static void
a_time_in_a_pause_is_missed_though_people_put_it_off_beyond_the_pause(void **state)
{
    struct rig *r = *state;
    uint64_t    id = stream(r);

    rig_must(r, "agent.add", "'name':'anna','handler':'noop'");
    add(r, "s", "'every_ms':3600000,'agent':'anna'");
    rig_must(r, "agent.pause", "'name':'anna'");
    rig_advance(r, HOUR_MS);
    assert_int_equal(status_i64(r, "put_off"), 1);
    rig_advance(r, DELAY_MS / 3);
    rig_must(r, "agent.resume", "'name':'anna'");
    rig_must(r, "job.stream", "'id':%d,'active':false", (int)id);
    rig_advance(r, DELAY_MS / 3);
    rig_crash(r);
    rig_advance(r, DELAY_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 0);
    assert_int_equal(rig_i64(r, "missed_count"), 1);
    (void)firings(r, "s");
    assert_string_equal(rig_text(r, "items.0.reason"), "paused");
    assert_int_equal(rig_rows(r, TABLE_PAST_PAUSE), 0);
}

static void
of_times_that_are_put_off_together_those_in_a_pause_are_missed(void **state)
{
    struct rig *r = *state;
    uint64_t    id = stream(r);

    add(r, "s", "'every_ms':10000,'misfire':'all','overlap':'allow'");
    rig_advance(r, 10 * SECOND_MS); /* put off until 0:40 */
    rig_advance(r, 5 * SECOND_MS);
    rig_must(r, "schedule.pause", "'name':'s'");
    rig_advance(r, 10 * SECOND_MS);
    rig_must(r, "schedule.resume", "'name':'s'");
    rig_must(r, "job.stream", "'id':%d,'active':false", (int)id);
    rig_advance(r, 15 * SECOND_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 3);
    assert_int_equal(firings(r, "s"), 4);
    assert_int_equal(rig_i64(r, "items.2.nominal_at"), RIG_WALL_MS + 20 * SECOND_MS);
    assert_string_equal(rig_text(r, "items.2.reason"), "paused");
}

static void
what_is_put_off_beyond_its_end_fires_and_is_the_last(void **state)
{
    struct rig *r = *state;
    uint64_t    id = stream(r);
    char        fields[96];

    (void)snprintf(fields, sizeof(fields), "'every_ms':3600000,'end_at':%" PRId64,
                   (int64_t)(RIG_WALL_MS + HOUR_MS + SECOND_MS));
    add(r, "s", fields);
    rig_advance(r, HOUR_MS);
    (void)schedule_i64(r, "s", "due_at");
    assert_string_equal(rig_text(r, "status"), "active");
    assert_int_equal(rig_i64(r, "next_fire_at"), RIG_WALL_MS + HOUR_MS);
    rig_must(r, "job.stream", "'id':%d,'active':false", (int)id);
    rig_advance(r, DELAY_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    assert_string_equal(rig_text(r, "status"), "ended");
    assert_true(rig_is_nil(r, "next_fire_at"));
    assert_true(rig_is_nil(r, "put_off_from"));
    assert_int_equal(rig_feed_count(r, "schedule.ended"), 1);
}

static void
after_a_restart_it_fires_when_it_would_have_been_looked_at(void **state)
{
    struct rig *r = *state;

    (void)stream(r);
    add(r, "s", "'every_ms':3600000");
    rig_advance(r, HOUR_MS);
    rig_crash(r);
    rig_turn(r);
    rig_advance(r, DELAY_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
}

/* It is put off at 1:00 until 1:30, when agentd is away; that starts again at 3:30. */
static void
be_away(struct rig *r, const char *fields)
{
    (void)stream(r);
    add(r, "s", fields);
    rig_advance(r, MINUTE_MS);
    rig_crash(r);
    rig_wait(r, 2 * MINUTE_MS + DELAY_MS);
    rig_settle(r);
}

static void
what_was_put_off_until_agentd_was_away_is_late(void **state)
{
    struct rig *r = *state;

    be_away(r, "'every_ms':60000,'misfire':'skip'");
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 0);
    assert_int_equal(firings(r, "s"), 1);
    assert_int_equal(rig_i64(r, "items.0.count"), 3);
    assert_string_equal(rig_text(r, "items.0.reason"),
                        "agentd was not running at its time (misfire policy skip)");
}

static void
what_came_after_that_was_not_put_off(void **state)
{
    struct rig *r = *state;

    be_away(r, "'every_ms':60000");
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    assert_int_equal(firings(r, "s"), 3);
    assert_string_equal(rig_text(r, "items.1.reason"),
                        "agentd was not running at its time; overtaken by its next time (misfire "
                        "policy latest)");
    assert_string_equal(rig_text(r, "items.2.reason"),
                        "put off for people; overtaken by its next time (misfire policy latest)");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_begin, rig_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_mark_is_set_and_taken_back),
        TEST(only_a_job_that_runs_can_stream),
        TEST(a_job_of_another_company_is_not_found),
        TEST(others_sessions_and_firings_are_not_counted),
        cmocka_unit_test(the_mark_ends_with_the_attempt_however_that_ends),
        TEST(a_firing_is_put_off_and_looked_at_again),
        TEST(why_says_that_it_is_put_off_and_for_whom),
        cmocka_unit_test(a_firing_is_put_off_five_minutes_in_all_at_most),
        TEST(a_firing_that_the_next_one_overtakes_says_that_it_was_put_off),
        TEST(what_was_put_off_is_not_late),
        TEST(jobs_that_are_there_are_not_touched),
        TEST(a_delay_of_nothing_puts_nothing_off),
        TEST(a_boot_is_not_put_off),
        TEST(what_is_paused_is_missed_at_its_time),
        TEST(a_time_in_a_pause_is_missed_though_people_put_it_off_beyond_the_pause),
        TEST(of_times_that_are_put_off_together_those_in_a_pause_are_missed),
        TEST(what_is_put_off_beyond_its_end_fires_and_is_the_last),
        TEST(after_a_restart_it_fires_when_it_would_have_been_looked_at),
        TEST(what_was_put_off_until_agentd_was_away_is_late),
        TEST(what_came_after_that_was_not_put_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
