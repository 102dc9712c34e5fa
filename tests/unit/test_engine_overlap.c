/* Overlap: what becomes of a nominal time while a firing is in flight, and that no two attempts of
 * a schedule run at once unless it says so (C4). */
#include "tests/unit/schedule_world.h"

static void
add_overlap(struct rig *r, const char *overlap, const char *more)
{
    rig_must(r, "schedule.add",
             "'name':'s','every_ms':60000,'handler':'noop','overlap':'%s','max_run_ms':3600000%s",
             overlap, more);
}

/* More of schedules than the two that limits.schedule_max_concurrent lets run. */
static void
begin_many(struct rig *r)
{
    r->limits.schedule_max_concurrent = 4;
    rig_configure(r, &(struct rig_declared){0});
    rig_workers(r, 1, 4);
}

static uint64_t
last_job(struct rig *r)
{
    return (uint64_t)schedule_i64(r, "s", "last_job");
}

static void
expect_reason(struct rig *r, size_t row, const char *words)
{
    const char *reason;

    (void)firings(r, "s");
    reason = rig_text(r, rig_path(r, "items", row, "reason"));
    if (!strstr(reason, words)) fail_msg("'%s' does not say '%s'", reason, words);
}

/* ---- what is said ---- */

static void
an_unknown_overlap_is_refused(void **state)
{
    struct rig *r = *state;

    rig_refused(r, E_BAD_REQUEST, "overlap", "schedule.add",
                "'name':'s','every_ms':60000,'handler':'noop','overlap':'cancel_previous'");
    add_overlap(r, "queue_one", "");
    assert_string_equal(rig_text(r, "overlap"), "queue_one");
}

/* An older one that a person retries is in flight, the last one has ended. */
static void
what_is_named_is_the_job_in_flight_not_the_last_one(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add_overlap(r, "skip", "");
    rig_advance(r, MINUTE_MS);
    rig_ended(r, 1, "'verdict':'failed','class':'other'");
    rig_advance(r, MINUTE_MS);
    rig_complete(r, 2);
    rig_must(r, "job.retry", "'id':1");
    rig_advance(r, MINUTE_MS);
    (void)firings(r, "s");
    assert_string_equal(rig_text(r, "items.0.outcome"), "suppressed");
    assert_int_equal(rig_i64(r, "items.0.job"), 1);
    assert_int_equal(last_job(r), 2);
    rig_refused(r, E_IN_USE, "", "schedule.remove", "'name':'s'");
    assert_non_null(strstr(r->error.msg, "has a job that has not ended: 1"));
}

/* ---- queue_one ---- */

static void
queue_one_makes_one_job_that_waits_and_no_second(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add_overlap(r, "queue_one", "");
    rig_advance(r, MINUTE_MS);
    uint64_t first = last_job(r);
    rig_advance(r, MINUTE_MS);
    uint64_t second = last_job(r);
    assert_int_not_equal(second, first);
    expect_state(r, first, "running");
    expect_state(r, second, "parked");
    assert_string_equal(rig_text(r, "reason"), "overlap");
    rig_advance(r, MINUTE_MS);
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 2);
    assert_int_equal(rig_i64(r, "suppressed_count"), 2);
    expect_reason(r, 0, "queue_one");
    rig_complete(r, first);
    expect_state(r, second, "running");
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 3);
    expect_state(r, last_job(r), "parked");
}

static void
what_holds_the_second_is_named_with_its_end(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add_overlap(r, "queue_one", "");
    rig_advance(r, MINUTE_MS);
    uint64_t first = last_job(r);
    rig_advance(r, MINUTE_MS);
    int64_t end = rig_job_i64(r, first, "lease_expires_at");
    rig_must_read(r, "schedule.why", "'name':'s'");
    assert_non_null(strstr(rig_text(r, "blockers.1.message"), "waits for its end"));
    rig_must_read(r, "job.why", "'id':%d", (int)last_job(r));
    assert_int_equal(rig_i64(r, "earliest_at"), end);
    assert_non_null(strstr(rig_text(r, "text"), "job 1 of schedule s is in flight"));
}

static void
what_would_not_hold_the_next_firing_is_only_told_of(void **state)
{
    static const char *const policies[] = {"skip", "queue_one", "allow", "cancel_running"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        void       *fresh;
        struct rig *r;

        (void)rig_begin(&fresh);
        r = fresh;
        rig_workers(r, 1, 4);
        add_overlap(r, policies[i], "");
        rig_advance(r, MINUTE_MS);
        int64_t end = rig_job_i64(r, last_job(r), "lease_expires_at");
        rig_must_read(r, "schedule.why", "'name':'s'");
        assert_string_equal(rig_text(r, "blockers.1.predicate"), "in_flight");
        assert_string_equal(rig_text(r, "blockers.1.holder"), "job 1");
        assert_int_equal(rig_i64(r, "earliest_at"), i == 0 ? end : RIG_WALL_MS + 2 * MINUTE_MS);
        assert_int_equal(rig_is_nil(r, "change"), i != 0);
        (void)rig_end(&fresh);
    }
}

static void
a_firing_that_waits_for_its_retry_leaves_room_for_the_next(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add_overlap(r, "queue_one", ",'retry':[90000]");
    rig_advance(r, MINUTE_MS);
    uint64_t first = last_job(r);
    rig_fail(r, first, "tool_failed");
    rig_advance(r, MINUTE_MS);
    uint64_t second = last_job(r);
    expect_state(r, first, "scheduled");
    expect_state(r, second, "running"); /* nothing runs, so it need not wait */
    rig_advance(r, MINUTE_MS);
    expect_state(r, first, "parked"); /* its retry has come: behind the other */
    rig_complete(r, second);
    expect_state(r, first, "running");
}

/* ---- allow ---- */

static void
allow_runs_them_side_by_side(void **state)
{
    struct rig *r = *state;

    begin_many(r);
    add_overlap(r, "allow", "");
    for (int i = 0; i < 3; i++)
        rig_advance(r, MINUTE_MS);
    assert_int_equal(rig_running(r), 3);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 3);
    assert_int_equal(rig_i64(r, "suppressed_count"), 0);
    assert_int_equal(rig_rows(r, TABLE_LANE), 1);
}

static void
allow_with_a_budget_of_the_day_runs_them_side_by_side_too(void **state)
{
    struct rig *r = *state;

    begin_many(r);
    add_overlap(r, "allow", ",'daily_tokens':1000000");
    for (int i = 0; i < 3; i++)
        rig_advance(r, MINUTE_MS);
    assert_int_equal(rig_running(r), 3);
}

/* ---- cancel_running ---- */

static void
cancel_running_takes_the_place_when_the_processes_are_gone(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add_overlap(r, "cancel_running", "");
    rig_advance(r, MINUTE_MS);
    uint64_t first = last_job(r);
    rig_advance(r, MINUTE_MS);
    uint64_t second = last_job(r);
    assert_true(rig_lease(r, first)->is_stopped);
    expect_state(r, first, "running"); /* its handler ignores TERM */
    expect_state(r, second, "parked");
    rig_advance(r, 30 * SECOND_MS);
    expect_state(r, second, "parked");
    rig_ended(r, first, "'verdict':'completed'"); /* too late: it was cancelled */
    rig_turn(r);
    expect_state(r, first, "cancelled");
    assert_non_null(strstr(rig_text(r, "failure.message"), "cancel_running"));
    expect_state(r, second, "running");
    assert_int_equal(schedule_i64(r, "s", "failure_streak"), 0);
    assert_int_equal(rig_i64(r, "in_flight"), 1);
}

/* Within its grace, and to cancel it again would change nothing. */
static void
what_is_being_stopped_ends_soon_and_needs_no_cancel(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add_overlap(r, "cancel_running", "");
    rig_advance(r, MINUTE_MS);
    rig_advance(r, MINUTE_MS);
    rig_must_read(r, "job.why", "'id':%d", (int)last_job(r));
    assert_int_equal(rig_i64(r, "earliest_at"), r->header.now.wall_ms + r->limits.kill_grace_ms);
    assert_true(rig_is_nil(r, "change"));
    assert_non_null(strstr(rig_text(r, "text"), "job 1 of schedule s is being stopped"));
}

static void
cancel_running_leaves_only_the_newest_waiting(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add_overlap(r, "cancel_running", "");
    rig_advance(r, MINUTE_MS);
    uint64_t first = last_job(r);
    rig_advance(r, MINUTE_MS);
    uint64_t second = last_job(r);
    rig_advance(r, MINUTE_MS);
    uint64_t third = last_job(r);
    expect_state(r, first, "running");
    expect_state(r, second, "cancelled");
    rig_ended(r, first, "'verdict':'failed','class':'aborted'");
    rig_turn(r);
    expect_state(r, third, "running");
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 3);
    assert_int_equal(rig_i64(r, "suppressed_count"), 0);
}

static void
cancel_running_cancels_what_waits_for_its_retry(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add_overlap(r, "cancel_running", ",'retry':[3600000]");
    rig_advance(r, MINUTE_MS);
    uint64_t first = last_job(r);
    rig_fail(r, first, "tool_failed");
    rig_advance(r, MINUTE_MS);
    expect_state(r, first, "cancelled");
    expect_state(r, last_job(r), "running");
}

static void
a_cancelled_firing_stays_cancelled_over_a_crash(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add_overlap(r, "cancel_running", "");
    rig_advance(r, MINUTE_MS);
    uint64_t first = last_job(r);
    rig_advance(r, MINUTE_MS);
    uint64_t second = last_job(r);
    rig_crash(r);
    rig_turn(r);
    rig_workers(r, 1, 4);
    expect_state(r, first, "running"); /* its processes are not yet known to be gone */
    expect_state(r, second, "parked");
    rig_old_leases_gone(r);
    rig_turn(r);
    expect_state(r, first, "cancelled");
    expect_state(r, second, "running");
}

/* ---- one at a time, whoever made them ---- */

static void
an_old_firing_retried_by_hand_waits_for_the_one_that_runs(void **state)
{
    static const char *const policies[] = {"skip", "queue_one"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        void       *fresh;
        struct rig *r;

        (void)rig_begin(&fresh);
        r = fresh;
        rig_workers(r, 1, 4);
        add_overlap(r, policies[i], "");
        rig_advance(r, MINUTE_MS);
        uint64_t old = last_job(r);
        rig_fail(r, old, "tool_failed");
        rig_advance(r, MINUTE_MS);
        uint64_t now = last_job(r);
        rig_must(r, "job.retry", "'id':%d", (int)old);
        expect_state(r, now, "running");
        expect_state(r, old, "parked");
        rig_fail(r, now, "tool_failed");
        expect_state(r, old, "running");
        rig_must(r, "job.retry", "'id':%d", (int)now);
        expect_state(r, now, "parked");
        (void)rig_end(&fresh);
    }
}

static void
after_a_crash_the_survivor_holds_the_others(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add_overlap(r, "queue_one", "");
    rig_advance(r, MINUTE_MS);
    uint64_t first = last_job(r);
    rig_advance(r, MINUTE_MS);
    uint64_t second = last_job(r);
    rig_crash(r);
    rig_turn(r);
    rig_workers(r, 1, 4);
    expect_state(r, second, "parked");
    rig_old_leases_gone(r);
    rig_turn(r);
    assert_int_equal(rig_running(r), 1);
    expect_state(r, first, "running");
    expect_state(r, second, "parked");
}

/* ---- another overlap ---- */

static void
configure(struct rig *r, const char *overlap)
{
    char schedules[160];

    (void)snprintf(schedules, sizeof(schedules),
                   "{'name':'s','every_ms':60000,'handler':'noop','overlap':'%s'}", overlap);
    rig_configure(r, &(struct rig_declared){.schedules = schedules});
}

static void
what_waits_follows_another_overlap(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    configure(r, "queue_one");
    rig_advance(r, MINUTE_MS);
    rig_advance(r, MINUTE_MS);
    uint64_t second = last_job(r);
    expect_state(r, second, "parked");
    configure(r, "allow");
    expect_state(r, second, "running");
    assert_int_equal(rig_running(r), 2);
    configure(r, "skip"); /* both go on to their ends */
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "suppressed_count"), 1);
}

static void
what_was_to_run_beside_the_others_waits_when_that_is_over(void **state)
{
    struct rig *r = *state;

    configure(r, "allow"); /* no worker yet */
    rig_advance(r, MINUTE_MS);
    uint64_t first = last_job(r);
    rig_advance(r, MINUTE_MS);
    uint64_t second = last_job(r);
    configure(r, "skip");
    rig_workers(r, 1, 4);
    expect_state(r, first, "running");
    expect_state(r, second, "parked");
    rig_complete(r, first);
    expect_state(r, second, "running");
}

/* Another limit holds it as well: it is still among those that may run at once. */
static void
why_names_the_overlap_that_came_later(void **state)
{
    struct rig *r = *state;

    r->limits.schedule_max_concurrent = 1;
    rig_workers(r, 1, 4);
    configure(r, "allow");
    rig_advance(r, MINUTE_MS);
    rig_advance(r, MINUTE_MS);
    configure(r, "skip");
    rig_must_read(r, "job.why", "'id':%d", (int)last_job(r));
    assert_string_equal(rig_text(r, "blockers.1.predicate"), "overlap");
}

static void
cancel_running_ends_all_that_allow_has_left(void **state)
{
    struct rig *r = *state;

    begin_many(r);
    configure(r, "allow");
    for (int i = 0; i < 3; i++)
        rig_advance(r, MINUTE_MS);
    configure(r, "cancel_running");
    rig_advance(r, MINUTE_MS);
    for (uint64_t id = 1; id <= 3; id++)
        assert_true(rig_lease(r, id)->is_stopped);
    rig_must_read(r, "job.why", "'id':%d", (int)last_job(r));
    assert_non_null(strstr(rig_text(r, "text"), "jobs 1, 2, 3 of schedule s are being stopped"));
}

/* ---- skips ---- */

static void
a_firing_ends_the_skips_in_a_row(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':60000");
    for (int i = 0; i < 4; i++)
        rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "skips"), 3);
    complete_last(r, "s");
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "skips"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_begin, rig_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_unknown_overlap_is_refused),
        TEST(what_is_named_is_the_job_in_flight_not_the_last_one),
        TEST(queue_one_makes_one_job_that_waits_and_no_second),
        TEST(what_holds_the_second_is_named_with_its_end),
        cmocka_unit_test(what_would_not_hold_the_next_firing_is_only_told_of),
        TEST(a_firing_that_waits_for_its_retry_leaves_room_for_the_next),
        TEST(allow_runs_them_side_by_side),
        TEST(allow_with_a_budget_of_the_day_runs_them_side_by_side_too),
        TEST(cancel_running_takes_the_place_when_the_processes_are_gone),
        TEST(what_is_being_stopped_ends_soon_and_needs_no_cancel),
        TEST(cancel_running_leaves_only_the_newest_waiting),
        TEST(cancel_running_cancels_what_waits_for_its_retry),
        TEST(a_cancelled_firing_stays_cancelled_over_a_crash),
        TEST(an_old_firing_retried_by_hand_waits_for_the_one_that_runs),
        TEST(after_a_crash_the_survivor_holds_the_others),
        TEST(what_waits_follows_another_overlap),
        TEST(what_was_to_run_beside_the_others_waits_when_that_is_over),
        TEST(why_names_the_overlap_that_came_later),
        TEST(cancel_running_ends_all_that_allow_has_left),
        TEST(a_firing_ends_the_skips_in_a_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
