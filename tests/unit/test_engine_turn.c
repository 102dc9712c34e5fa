/* The turn as a whole: what is written when, what an abort takes back, when the next one is due. */
#include "tests/unit/engine_rig.h"

#define BATCH          100
#define WRITES_PER_JOB 12 /* N16 */
#define DUE_ITEMS      256

static void
declare_wide_limits(struct rig *r)
{
    r->limits.company_max_concurrent = NO_LIMIT;
    rig_configure(r, &(struct rig_declared){0});
}

static void
a_job_runs_from_submission_to_completion(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    uint64_t id = rig_submit(r, "'handler':'noop','payload':{'a':[1,2]}");
    expect_state(r, id, "running");
    assert_int_equal(rig_running(r), 1);
    assert_int_equal(rig_lease(r, id)->attempt, 1);
    rig_ended(r, id, "'verdict':'completed','output':{'b':3}");
    rig_turn(r);
    expect_state(r, id, "completed");
    assert_int_equal(rig_job_i64(r, id, "output.b"), 3);
    assert_int_equal(rig_i64(r, "ended_at"), RIG_WALL_MS);
}

static void
an_idle_turn_writes_nothing(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 2, 4);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    expect_state(r, id, "running");
    for (int i = 0; i < 100; i++) { /* heartbeats come, and nothing else */
        rig_wait(r, SECOND_MS);
        rig_turn(r);
        assert_false(r->was_dirty);
        assert_int_equal(r->writes, 0);
        assert_int_equal(r->output_count, 0);
    }
}

static void
reads_write_nothing_and_a_refusal_neither(void **state)
{
    struct rig *r = *state;

    uint64_t client = rig_queue(r, "job.submit", "'handler':'nobody'");
    rig_turn(r);
    assert_int_equal(rig_answer(r, client), E_NOT_FOUND);
    assert_false(r->was_dirty);
}

/* ---- determinism ---- */

static void
drive(struct rig *r)
{
    r->limits.company_max_concurrent = 3;
    rig_configure(
        r, &(struct rig_declared){
               .companies = "{'name':'acme','max_concurrent':2}",
               .agents = "{'name':'anna','company':'acme','handler':'noop'}",
               .handlers = "{'name':'h','kind':'exec','command':['true'],'max_concurrent':1}",
               .schedules = "{'name':'often','every_ms':60000,'handler':'noop'}",
           });
    rig_workers(r, 2, 2);
    for (int i = 0; i < 6; i++) {
        (void)rig_submit(r, "'handler':'h','priority':%d,'delay_ms':%d", i * 10, i * 100);
        (void)rig_submit(r, "'agent':'acme/anna','company':'acme'");
        rig_advance(r, 150);
        for (size_t l = 0; l < r->lease_count; l++) {
            if (!r->leases[l].is_live) continue;
            rig_ended(r, r->leases[l].id, "'verdict':'%s','message':'m'",
                      (i + l) % 3 ? "failed" : "completed");
            break;
        }
        rig_turn(r);
    }
    rig_worker_gone(r, 1);
    rig_advance(r, 3 * MINUTE_MS);
    rig_crash(r);
    rig_turn(r);
    rig_old_leases_gone(r);
    rig_advance(r, HOUR_MS);
}

static void
the_same_inputs_lead_to_the_same_state(void **state)
{
    struct rig *r = *state;
    void       *other_state;
    uint64_t    hash;

    rig_copy(r, &other_state);
    struct rig *other = other_state;
    other->is_unchecked = true; /* each turn once, not twice with one in vain, and none probed */
    rig_crash(other);
    drive(other);
    hash = rig_hash(other);
    assert_int_equal(rig_end(&other_state), 0);
    rig_crash(r);
    drive(r);
    assert_true(rig_hash(r) == hash);
}

static void
inputs_that_run_one_by_one_do_the_same_work(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t running = rig_submit(r, "'handler':'noop'");
    rig_ended(r, running, "'verdict':'completed'");
    uint64_t first = rig_queue(r, "job.submit", "'handler':'noop'");
    uint64_t bad = rig_queue(r, "job.submit", "'handler':'nobody'");
    (void)first;
    (void)bad;
    rig_turn_singly(r);
    expect_state(r, running, "completed");
    expect_state(r, running + 1, "running");
    assert_int_equal(rig_read(r, "job.show", "'id':%d", (int)running + 2), E_NOT_FOUND);
}

/* ---- the order within a turn ---- */

static void
a_cancel_in_a_turn_beats_the_start_in_it(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t running = rig_submit(r, "'handler':'noop'");
    uint64_t waiting = rig_submit(r, "'handler':'noop'");
    expect_state(r, waiting, "ready");
    rig_ended(r, running, "'verdict':'completed'");
    uint64_t client = rig_queue(r, "job.cancel", "'id':%d", (int)waiting);
    rig_turn(r);
    assert_int_equal(rig_answer(r, client), E_OK);
    expect_state(r, waiting, "cancelled");
    assert_null(rig_lease(r, waiting));
}

static void
a_slot_that_frees_in_a_turn_is_given_away_in_it(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t running = rig_submit(r, "'handler':'noop'");
    uint64_t waiting = rig_submit(r, "'handler':'noop'");
    rig_complete(r, running);
    expect_state(r, waiting, "running");
}

/* ---- what a life costs ---- */

static void
a_no_op_job_costs_at_most_twelve_writes(void **state)
{
    struct rig         *r = *state;
    BUF_AUTO struct buf jobs = {0};
    uint64_t            writes;

    declare_wide_limits(r);
    rig_workers(r, 1, BATCH);
    (void)rig_submit(r, "'handler':'noop'"); /* makes the lane and the company's row */
    rig_complete(r, 1);
    for (int i = 0; i < BATCH; i++)
        buf_printf(&jobs, "%s{'handler':'noop','payload':%d}", i > 0 ? "," : "", i);
    rig_must(r, "job.submit_many", "'jobs':[%s]", buf_str(&jobs));
    writes = r->writes;
    uint64_t first = (uint64_t)rig_i64(r, "ids.0");
    assert_int_equal(rig_len(r, "ids"), BATCH);
    assert_int_equal(rig_running(r), BATCH);
    for (uint64_t i = 0; i < BATCH; i++)
        rig_ended(r, first + i, "'verdict':'completed'");
    rig_turn(r);
    writes += r->writes;
    expect_state(r, first, "completed");
    expect_state(r, first + BATCH - 1, "completed");
    print_message("%d no-op jobs: %d writes\n", BATCH, (int)writes);
    assert_in_range(writes, BATCH, BATCH * WRITES_PER_JOB);
}

static void
a_no_op_job_that_waits_costs_at_most_twelve_writes(void **state)
{
    struct rig         *r = *state;
    BUF_AUTO struct buf jobs = {0};
    uint64_t            writes = 0;

    declare_wide_limits(r);
    rig_workers(r, 1, 10);
    (void)rig_submit(r, "'handler':'noop'");
    rig_complete(r, 1);
    for (int i = 0; i < BATCH; i++)
        buf_printf(&jobs, "%s{'handler':'noop'}", i > 0 ? "," : "");
    rig_must(r, "job.submit_many", "'jobs':[%s]", buf_str(&jobs));
    writes += r->writes;
    uint64_t first = (uint64_t)rig_i64(r, "ids.0");
    for (uint64_t i = 0; i < BATCH; i += 10) {
        for (uint64_t k = 0; k < 10; k++)
            rig_ended(r, first + i + k, "'verdict':'completed'");
        rig_turn(r);
        writes += r->writes;
    }
    expect_state(r, first + BATCH - 1, "completed");
    print_message("%d no-op jobs through 10 slots: %d writes\n", BATCH, (int)writes);
    assert_in_range(writes, BATCH, BATCH * WRITES_PER_JOB);
}

/* ---- deadlines ---- */

static void
without_work_only_the_feed_and_the_workers_have_a_deadline(void **state)
{
    struct rig *r = *state;

    assert_true(r->deadline.wall_ms >= RIG_WALL_MS + DAY_MS); /* the feed's age */
    assert_true(r->deadline.boot_ms == INT64_MAX);
    rig_workers(r, 1, 1);
    assert_int_equal(r->deadline.boot_ms, RIG_BOOT_MS + r->limits.heartbeat_timeout_ms);
}

static void
a_job_starts_at_its_time_and_not_before(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t id = rig_submit(r, "'handler':'noop','run_at':%lld", RIG_WALL_MS + 5000);
    expect_state(r, id, "scheduled");
    assert_int_equal(r->deadline.wall_ms, RIG_WALL_MS + 5000);
    rig_wait(r, 4999);
    rig_turn(r);
    assert_false(r->was_dirty);
    expect_state(r, id, "scheduled");
    rig_wait(r, 1);
    rig_turn(r);
    expect_state(r, id, "running");
}

static void
a_lease_ends_at_its_boot_time_and_not_before(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t id = rig_submit(r, "'handler':'noop','max_run_ms':7000");
    assert_int_equal(rig_job_i64(r, id, "lease_expires_at"), RIG_WALL_MS + 7000);
    assert_int_equal(r->deadline.boot_ms, RIG_BOOT_MS + 7000);
    r->header.now.wall_ms += HOUR_MS; /* a jump of the wall clock reaps nothing */
    rig_settle(r);
    assert_false(rig_lease(r, id)->is_stopped);
    rig_wait(r, 6999);
    rig_turn(r);
    assert_false(rig_lease(r, id)->is_stopped);
    rig_wait(r, 1);
    rig_turn(r);
    assert_true(rig_lease(r, id)->is_stopped);
    assert_int_equal(rig_lease(r, id)->grace_ms, r->limits.kill_grace_ms);
    assert_false(rig_is_due(r)); /* it waits for the worker's report */
}

static void
a_turn_does_at_most_256_items_of_due_work(void **state)
{
    struct rig         *r = *state;
    BUF_AUTO struct buf jobs = {0};
    int64_t             left = 600;

    for (int i = 0; i < 600; i++)
        buf_printf(&jobs, "%s{'handler':'noop','delay_ms':1000}", i > 0 ? "," : "");
    rig_must(r, "job.submit_many", "'jobs':[%s]", buf_str(&jobs));
    rig_wait(r, 1000);
    while (left > 0) {
        rig_turn(r);
        left -= DUE_ITEMS;
        rig_must_read(r, "job.stats", " ");
        assert_int_equal(rig_i64(r, "scheduled"), left > 0 ? left : 0);
        assert_int_equal(rig_is_due(r), left > 0);
    }
}

static void
the_clock_going_back_starts_nothing_twice(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 2);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    uint64_t later = rig_submit(r, "'handler':'noop','delay_ms':1000");
    r->header.now.wall_ms -= 10 * DAY_MS;
    rig_settle(r);
    assert_int_equal(rig_feed_count(r, "clock.changed"), 1);
    rig_complete(r, id);
    expect_state(r, id, "completed");
    expect_state(r, later, "scheduled");
    r->header.now.wall_ms += 10 * DAY_MS + 1000;
    rig_settle(r);
    expect_state(r, later, "running");
}

static void
a_held_clock_holds_what_is_planned_for_ten_minutes(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 2);
    r->header.clock_is_held = true;
    uint64_t later = rig_submit(r, "'handler':'noop','delay_ms':1000");
    uint64_t now = rig_submit(r, "'handler':'noop'");
    expect_state(r, now, "running");
    rig_advance(r, 2000);
    expect_state(r, later, "scheduled");
    rig_must(r, "clock.accept", " ");
    assert_true(rig_bool(r, "accepted"));
    rig_settle(r);
    expect_state(r, later, "running");
}

/* ---- space ---- */

static void
a_full_store_refuses_new_work_and_ends_the_old(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 2);
    uint64_t a = rig_submit(r, "'handler':'noop'");
    uint64_t b = rig_submit(r, "'handler':'noop'");
    r->is_space_set = true;
    r->header.space.can_admit = false;
    r->header.space.disk_is_short = false;
    rig_refused(r, E_STORE_FULL, "", "job.submit", "'handler':'noop'");
    rig_refused(r, E_STORE_FULL, "", "job.submit_many", "'jobs':[{'handler':'noop'}]");
    r->header.space.disk_is_short = true;
    rig_refused(r, E_DISK_FULL, "", "job.submit", "'handler':'noop'");
    rig_refused(r, E_DISK_FULL, "", "schedule.add", "'name':'s','every_ms':1000,'handler':'noop'");
    rig_complete(r, a);
    expect_state(r, a, "completed");
    rig_must(r, "job.cancel", "'id':%d", (int)b);
    rig_ended(r, b, "'verdict':'failed'");
    rig_turn(r);
    expect_state(r, b, "cancelled");
    r->header.space.can_admit = true;
    expect_state(r, rig_submit(r, "'handler':'noop'"), "running");
}

/* ---- the planned stop ---- */

static void
a_draining_daemon_takes_nothing_and_starts_nothing(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t running = rig_submit(r, "'handler':'noop'");
    uint64_t waiting = rig_submit(r, "'handler':'noop'");
    rig_push(r, &(struct input){.kind = INPUT_DRAIN});
    rig_turn(r);
    assert_true(engine_is_draining(r->engine));
    rig_refused(r, E_DRAINING, "", "job.submit", "'handler':'noop'");
    rig_refused(r, E_DRAINING, "", "schedule.add", "'name':'s','every_ms':1000,'handler':'noop'");
    rig_complete(r, running);
    expect_state(r, running, "completed");
    expect_state(r, waiting, "parked");
    assert_string_equal(rig_job_text(r, waiting, "reason"), "draining");
    assert_int_equal(engine_lease_count(r->engine), 0);
}

static void
a_planned_stop_hands_running_jobs_back(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 2);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    rig_push(r, &(struct input){.kind = INPUT_DRAIN});
    rig_turn(r);
    rig_push(r, &(struct input){.kind = INPUT_INTERRUPT, .grace_ms = 1000});
    rig_turn(r);
    assert_true(rig_lease(r, id)->is_stopped);
    assert_int_equal(rig_lease(r, id)->grace_ms, 1000);
    rig_ended(r, id, "'verdict':'failed','signal':15");
    rig_turn(r);
    assert_int_equal(engine_lease_count(r->engine), 0);
    rig_push(r, &(struct input){.kind = INPUT_GOODBYE});
    rig_turn(r);
    rig_must_read(r, "job.show", "'id':%d", (int)id);
    assert_int_equal(rig_i64(r, "failures"), 0);
    assert_int_equal(rig_i64(r, "crashes"), 0);
    assert_string_equal(rig_text(r, "failure.class"), "interrupted");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_job_runs_from_submission_to_completion),
        TEST(an_idle_turn_writes_nothing),
        TEST(reads_write_nothing_and_a_refusal_neither),
        TEST(the_same_inputs_lead_to_the_same_state),
        TEST(inputs_that_run_one_by_one_do_the_same_work),
        TEST(a_cancel_in_a_turn_beats_the_start_in_it),
        TEST(a_slot_that_frees_in_a_turn_is_given_away_in_it),
        TEST(a_no_op_job_costs_at_most_twelve_writes),
        TEST(a_no_op_job_that_waits_costs_at_most_twelve_writes),
        TEST(without_work_only_the_feed_and_the_workers_have_a_deadline),
        TEST(a_job_starts_at_its_time_and_not_before),
        TEST(a_lease_ends_at_its_boot_time_and_not_before),
        TEST(a_turn_does_at_most_256_items_of_due_work),
        TEST(the_clock_going_back_starts_nothing_twice),
        TEST(a_held_clock_holds_what_is_planned_for_ten_minutes),
        TEST(a_full_store_refuses_new_work_and_ends_the_old),
        TEST(a_draining_daemon_takes_nothing_and_starts_nothing),
        TEST(a_planned_stop_hands_running_jobs_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
