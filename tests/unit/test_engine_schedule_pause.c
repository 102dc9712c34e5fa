/* What waits of a schedule while that is paused: by hand, for a time, or for its failures (N37). */
#include "supervisor/engine/job.h"
#include "tests/unit/schedule_world.h"

#define RETRIED "'every_ms':3600000,'max_attempts':4,'retry_base_ms':1000,'retry_factor':1"
#define QUEUED  "'every_ms':60000,'overlap':'queue_one'"

/* The schedule "s" of these fields: its first firing runs. */
static uint64_t
begin(struct rig *r, const char *fields)
{
    rig_workers(r, 1, 8);
    add(r, "s", fields);
    rig_advance(r, schedule_i64(r, "s", "next_fire_at") - r->header.now.wall_ms);
    uint64_t id = (uint64_t)schedule_i64(r, "s", "last_job");
    expect_state(r, id, "running");
    return id;
}

static void
pause(struct rig *r)
{
    rig_must(r, "schedule.pause", "'name':'s','reason':'moved'");
}

static void
resume(struct rig *r)
{
    rig_must(r, "schedule.resume", "'name':'s'");
}

static void
expect_held(struct rig *r, uint64_t id)
{
    expect_state(r, id, "parked");
    assert_string_equal(rig_text(r, "reason"), "paused");
}

/* Its first firing waits for its retry when it is paused, and is then due. */
static uint64_t
hold_retry(struct rig *r)
{
    uint64_t id = begin(r, RETRIED);

    rig_fail(r, id, "tool_failed");
    pause(r);
    rig_advance(r, MINUTE_MS);
    expect_held(r, id);
    return id;
}

/* ---- what is held -------------------------------------------------------------- */

static void
a_retry_waits_for_the_resume(void **state)
{
    struct rig *r = *state;
    uint64_t    id = hold_retry(r);

    rig_must_read(r, "job.why", "'id':%d", (int)id);
    assert_int_equal(rig_len(r, "blockers"), 1);
    assert_string_equal(rig_text(r, "text"), "schedule s is paused: moved");
    assert_string_equal(rig_text(r, "change"), "agentctl schedule resume s");
    rig_advance(r, MINUTE_MS);
    resume(r);
    expect_state(r, id, "running");
    assert_int_equal(rig_job_i64(r, id, "attempt"), 2);
    rig_must_read(r, "job.why", "'id':%d", (int)id);
    assert_string_equal(rig_text(r, "history.0.message"), "held by paused of s");
}

static void
one_that_waits_for_the_one_before_waits_for_the_resume(void **state)
{
    struct rig *r = *state;
    uint64_t    first = begin(r, QUEUED);

    rig_advance(r, MINUTE_MS);
    pause(r);
    rig_complete(r, first);
    expect_held(r, first + 1);
    rig_advance(r, MINUTE_MS);
    expect_held(r, first + 1);
    resume(r);
    expect_state(r, first + 1, "running");
}

static void
a_pause_for_failures_holds_what_waits(void **state)
{
    struct rig *r = *state;

    r->limits.failure_pause = 1;
    rig_configure(r, &(struct rig_declared){0});
    uint64_t first = begin(r, QUEUED);
    rig_advance(r, MINUTE_MS);
    rig_fail(r, first, "tool_failed");
    expect_held(r, first + 1);
    rig_must_read(r, "job.why", "'id':%d", (int)first + 1);
    assert_non_null(strstr(rig_text(r, "text"), "schedule s is paused: 1 firings in a row failed"));
    assert_string_equal(rig_text(r, "change"), "agentctl schedule resume s");
    resume(r);
    expect_state(r, first + 1, "running");
}

static void
firings_that_run_beside_each_other_are_held_too(void **state)
{
    struct rig *r = *state;
    uint64_t    id = begin(r, RETRIED ",'overlap':'allow'");

    rig_fail(r, id, "tool_failed");
    pause(r);
    add(r, "other", "'every_ms':60000");
    rig_advance(r, MINUTE_MS);
    expect_held(r, id);
    expect_state(r, (uint64_t)schedule_i64(r, "other", "last_job"), "running");
    resume(r);
    expect_state(r, id, "running");
}

static void
what_runs_goes_on(void **state)
{
    struct rig *r = *state;
    uint64_t    id = begin(r, QUEUED);

    pause(r);
    expect_state(r, id, "running");
    rig_complete(r, id);
    expect_state(r, id, "completed");
}

/* It must be alone in a worker; others may have the slots that it could not use. */
static void
no_worker_is_kept_for_a_job_that_its_pause_holds(void **state)
{
    struct rig *r = *state;
    uint64_t    id = begin(r, QUEUED ",'priority':90");

    rig_worker_started(r, 1, 8);
    rig_hello(r, 1);
    rig_turn(r);
    pause(r);
    uint64_t beside = rig_submit(r, "'handler':'noop'");
    assert_int_not_equal(rig_lease(r, beside)->worker, rig_lease(r, id)->worker);
    rig_worker_gone(r, rig_lease(r, id)->worker);
    rig_turn(r);
    expect_held(r, id);
    expect_state(r, rig_submit(r, "'handler':'noop'"), "running");
}

/* As an agentd left it that knew no lanes of schedules without limits of their own. */
static void
put_into_lane_of_no_schedule(struct rig *r, uint64_t id)
{
    struct err       e = {0};
    bool             outcome_unknown;
    struct job_state j = {.id = id};
    struct txn      *t = txn_begin_write(r->store, &e);

    assert_non_null(t);
    assert_int_equal(job_state_load(t, &j), LOAD_FOUND);
    struct lane l = {.id = j.lane};
    assert_int_equal(lane_load(t, &l), LOAD_FOUND);
    l.schedule = 0;
    lane_save(t, &l);
    assert_int_equal(txn_commit(&t, &outcome_unknown, &e), E_OK);
}

static void
what_an_older_agentd_left_waiting_is_held(void **state)
{
    struct rig *r = *state;

    add(r, "s", RETRIED); /* no worker yet */
    rig_advance(r, HOUR_MS);
    uint64_t id = (uint64_t)schedule_i64(r, "s", "last_job");
    pause(r);
    put_into_lane_of_no_schedule(r, id);
    rig_crash(r);
    rig_turn(r);
    rig_must_read(r, "job.why", "'id':%d", (int)id);
    assert_string_equal(rig_text(r, "blockers.1.predicate"), "paused");
    rig_workers(r, 1, 8);
    expect_held(r, id);
    resume(r);
    expect_state(r, id, "running");
}

/* ---- by hand ------------------------------------------------------------------- */

static void
run_now_and_its_retries_pass_the_pause(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 8);
    add(r, "s", RETRIED);
    pause(r);
    rig_must(r, "schedule.run", "'name':'s'");
    uint64_t id = (uint64_t)rig_i64(r, "job");
    expect_state(r, id, "running");
    assert_true(rig_bool(r, "by_hand"));
    rig_fail(r, id, "tool_failed");
    expect_state(r, id, "scheduled");
    rig_advance(r, MINUTE_MS);
    expect_state(r, id, "running");
    assert_int_equal(rig_job_i64(r, id, "attempt"), 2);
}

static void
a_forced_run_passes_the_pause_of_its_schedule_alone(void **state)
{
    struct rig *r = *state;
    uint64_t    id = hold_retry(r);

    rig_refused(r, E_CAPACITY_FULL, "", "schedule.run", "'name':'s'");
    rig_must(r, "schedule.run", "'name':'s','force':true");
    expect_state(r, (uint64_t)rig_i64(r, "job"), "running");
    expect_state(r, id, "parked");
    rig_must(r, "company.pause", "'name':'default'");
    rig_refused(r, E_WRONG_STATE, "", "schedule.run", "'name':'s','force':true");
}

static void
a_backfill_passes_the_pause(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 8);
    add(r, "s", QUEUED);
    pause(r);
    rig_advance(r, 3 * MINUTE_MS);
    int64_t now = r->header.now.wall_ms;
    rig_must(r, "schedule.backfill", "'name':'s','from':%lld,'to':%lld",
             (long long)now - 3 * MINUTE_MS, (long long)now);
    assert_int_equal(rig_i64(r, "count"), 3);
    uint64_t first = (uint64_t)rig_i64(r, "jobs.0");
    expect_state(r, first, "running");
    assert_true(rig_bool(r, "by_hand"));
    rig_complete(r, first);
    expect_state(r, first + 1, "running");
}

static void
what_a_person_retries_passes_the_pause(void **state)
{
    struct rig *r = *state;
    uint64_t    id = hold_retry(r);

    rig_refused(r, E_WRONG_STATE, "", "job.retry", "'id':%d", (int)id);
    rig_must_read(r, "job.show", "'id':%d", (int)id);
    assert_false(rig_bool(r, "by_hand"));
    rig_must(r, "job.retry", "'id':%d,'force':true", (int)id);
    expect_state(r, id, "running");
    assert_true(rig_bool(r, "by_hand"));
    rig_fail(r, id, "tool_failed");
    rig_advance(r, MINUTE_MS);
    expect_state(r, id, "running");
}

/* ---- how it ends ---------------------------------------------------------------- */

static void
a_pause_that_ends_by_itself_lets_it_start(void **state)
{
    struct rig *r = *state;
    uint64_t    id = begin(r, RETRIED);
    int64_t     until = r->header.now.wall_ms + 10 * MINUTE_MS;

    rig_fail(r, id, "tool_failed");
    rig_must(r, "schedule.pause", "'name':'s','until':%lld", (long long)until);
    rig_advance(r, 9 * MINUTE_MS);
    expect_held(r, id);
    rig_must_read(r, "job.why", "'id':%d", (int)id);
    assert_int_equal(rig_i64(r, "earliest_at"), until);
    rig_advance(r, MINUTE_MS);
    expect_state(r, id, "running");
}

static void
a_killed_agentd_holds_it_still(void **state)
{
    struct rig *r = *state;
    uint64_t    id = hold_retry(r);

    rig_crash(r);
    rig_turn(r);
    rig_workers(r, 1, 8);
    rig_advance(r, MINUTE_MS);
    expect_held(r, id);
    resume(r);
    expect_state(r, id, "running");
}

static void
a_pause_that_ended_while_agentd_was_away_holds_nothing(void **state)
{
    struct rig *r = *state;
    uint64_t    id = begin(r, RETRIED);

    rig_fail(r, id, "tool_failed");
    rig_must(r, "schedule.pause", "'name':'s','until':%lld",
             (long long)(r->header.now.wall_ms + 10 * MINUTE_MS));
    rig_advance(r, MINUTE_MS);
    expect_held(r, id);
    rig_crash(r);
    rig_wait(r, 10 * MINUTE_MS);
    rig_turn(r);
    rig_workers(r, 1, 8);
    expect_state(r, id, "running");
}

static void
a_reload_leaves_it_held(void **state)
{
    static const char   base[] = "{'name':'s','handler':'noop'," RETRIED "}";
    static const char   other[] = "{'name':'s','handler':'noop','overlap':'allow'," RETRIED "}";
    struct rig         *r = *state;
    struct rig_declared d = {.schedules = base};

    rig_workers(r, 1, 8);
    rig_configure(r, &d);
    rig_advance(r, HOUR_MS);
    uint64_t id = (uint64_t)schedule_i64(r, "s", "last_job");
    rig_fail(r, id, "tool_failed");
    pause(r);
    rig_advance(r, MINUTE_MS);
    d.schedules = other;
    rig_configure(r, &d);
    rig_settle(r);
    expect_held(r, id);
    resume(r);
    expect_state(r, id, "running");
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_begin, rig_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_retry_waits_for_the_resume),
        T(one_that_waits_for_the_one_before_waits_for_the_resume),
        T(a_pause_for_failures_holds_what_waits),
        T(firings_that_run_beside_each_other_are_held_too),
        T(what_runs_goes_on),
        T(no_worker_is_kept_for_a_job_that_its_pause_holds),
        T(what_an_older_agentd_left_waiting_is_held),
        T(run_now_and_its_retries_pass_the_pause),
        T(a_forced_run_passes_the_pause_of_its_schedule_alone),
        T(a_backfill_passes_the_pause),
        T(what_a_person_retries_passes_the_pause),
        T(a_pause_that_ends_by_itself_lets_it_start),
        T(a_killed_agentd_holds_it_still),
        T(a_pause_that_ended_while_agentd_was_away_holds_nothing),
        T(a_reload_leaves_it_held),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
