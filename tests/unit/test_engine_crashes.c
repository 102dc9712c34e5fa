/* Attempts that their worker or agentd itself did not live to see the end of (A18, N1-N5, N26,
 * N32). */
#include "supervisor/engine/attempt.h"
#include "tests/unit/attempt_world.h"

/* ---- workers that are lost ---- */

static void
a_lost_workers_jobs_run_again_at_once_and_alone(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 2, 2);
    uint64_t a = rig_submit(r, "'handler':'noop'");
    uint64_t b = rig_submit(r, "'handler':'noop'");
    uint64_t c = rig_submit(r, "'handler':'noop'");
    uint32_t lost = rig_lease(r, a)->worker;
    assert_int_not_equal(rig_lease(r, b)->worker, lost); /* the one with the most free slots */
    rig_worker_gone(r, lost);
    rig_turn(r);
    rig_must_read(r, "job.show", "'id':%d", (int)a);
    assert_string_equal(rig_text(r, "failure.class"), "worker_lost");
    assert_int_equal(rig_i64(r, "crashes"), 1);
    assert_int_equal(rig_i64(r, "failures"), 0);
    assert_int_equal(rig_i64(r, "run_at"), RIG_WALL_MS);
    assert_int_equal(rig_job_i64(r, c, "crashes"), 1); /* it shared the worker with a */
    expect_state(r, a, "parked");                      /* the other worker runs b */
    assert_string_equal(rig_text(r, "reason"), "alone");
    uint64_t d = rig_submit(r, "'handler':'noop'"); /* the worker is kept for a … */
    expect_state(r, d, "ready");
    uint64_t urgent =
        rig_submit(r, "'handler':'noop','priority':90"); /* … but from what is urgent */
    expect_state(r, urgent, "running");
    rig_complete(r, b);
    expect_state(r, a, "parked");
    expect_state(r, d, "ready");
    rig_complete(r, urgent);
    expect_state(r, a, "running");
    expect_state(r, c, "parked"); /* a slot is free, but a runs alone */
    uint64_t e = rig_submit(r, "'handler':'noop'");
    expect_state(r, e, "ready");
    rig_complete(r, a);
    expect_state(r, c, "running");
    expect_state(r, e, "ready");
    rig_complete(r, c);
    expect_state(r, d, "running");
    expect_state(r, e, "running");
}

static void
three_crashes_in_a_row_quarantine(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    for (int i = 1; i <= 3; i++) {
        rig_worker_gone(r, 0);
        rig_turn(r);
        assert_int_equal(rig_job_i64(r, id, "crashes"), i);
        rig_worker_started(r, 0, 1);
        rig_hello(r, 0);
        rig_turn(r);
    }
    expect_state(r, id, "failed");
    assert_true(rig_bool(r, "quarantined"));
    assert_string_equal(rig_text(r, "failure.class"), "worker_lost");
    assert_int_equal(rig_i64(r, "failures"), 0);
    assert_int_equal(rig_i64(r, "attempt"), 3);
    rig_must(r, "job.retry", "'id':%d", (int)id);
    rig_settle(r);
    expect_state(r, id, "running");
    assert_false(rig_bool(r, "quarantined"));
    assert_int_equal(rig_i64(r, "crashes"), 0);
}

static void
crashes_count_in_a_row_only(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t id = rig_submit(r, "'handler':'noop','retry':[0],'max_attempts':9");
    for (int i = 0; i < 3; i++) {
        for (int k = 1; k <= 2; k++) {
            rig_worker_gone(r, 0);
            rig_worker_started(r, 0, 1);
            rig_hello(r, 0);
            rig_settle(r);
            assert_int_equal(rig_job_i64(r, id, "crashes"), k);
        }
        if (i == 1) {
            rig_ended(r, id, "'verdict':'snoozed','after_ms':0");
            rig_turn(r);
            rig_advance(r, SNOOZE_MIN_MS);
        } else {
            rig_ended(r, id, "'verdict':'failed'");
        }
        rig_settle(r);
        expect_state(r, id, "running");
        assert_int_equal(rig_i64(r, "crashes"), 0);
    }
}

static void
a_silent_worker_is_killed_and_its_jobs_wait_for_its_end(void **state)
{
    struct rig *r = *state;

    uint64_t id = start_one(r);
    r->is_silent = true;
    rig_wait(r, r->limits.heartbeat_timeout_ms - 1);
    rig_turn(r);
    assert_int_equal(rig_output_count(r, OUT_WORKER_KILL), 0);
    rig_wait(r, 1);
    rig_turn(r);
    assert_int_equal(rig_output_count(r, OUT_WORKER_KILL), 1);
    expect_state(r, id, "running");
    uint64_t next = rig_submit(r, "'handler':'noop'"); /* a lost worker gets nothing new */
    expect_state(r, next, "parked");
    assert_string_equal(rig_text(r, "reason"), "no_worker");
    rig_worker_gone(r, 0);
    rig_turn(r);
    rig_must_read(r, "job.show", "'id':%d", (int)id);
    assert_string_equal(rig_text(r, "failure.class"), "worker_lost");
    assert_int_equal(rig_feed_count(r, "worker.lost"), 1);
}

static void
a_stall_of_the_loop_kills_no_worker(void **state)
{
    struct rig *r = *state;

    (void)start_one(r);
    r->is_silent = true;
    r->header.stall_ms = r->limits.heartbeat_timeout_ms / 2 + 1;
    rig_wait(r, DAY_MS / 24 / 6);
    r->limits.max_run_ms = DAY_MS;
    rig_turn(r);
    assert_int_equal(rig_output_count(r, OUT_WORKER_KILL), 0);
    r->header.stall_ms = 0;
    rig_wait(r, r->limits.heartbeat_timeout_ms);
    rig_turn(r);
    assert_int_equal(rig_output_count(r, OUT_WORKER_KILL), 1);
}

static void
what_a_worker_has_seen_and_does_not_run_is_lost(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    uint64_t           a = rig_submit(r, "'handler':'noop'");
    uint64_t           b = rig_submit(r, "'handler':'noop'");
    struct rig_worker *w = &r->workers[0];
    struct view        frame;

    /* It has seen a, not yet b, and runs neither. */
    frame = rig_pack(r,
                     "{'v':1,'op':'heartbeat','body':{'worker':0,'generation':%d,'last_seq':%d,"
                     "'running':[]}}",
                     (int)w->generation, (int)rig_lease(r, a)->seq);
    rig_raw_report(r, 0, frame);
    rig_lease(r, a)->is_live = false;
    w->jobs--;
    rig_turn(r);
    rig_must_read(r, "job.show", "'id':%d", (int)a);
    assert_string_equal(rig_text(r, "failure.class"), "worker_lost");
    assert_int_equal(rig_i64(r, "crashes"), 1);
    assert_true(rig_lease(r, b)->is_live);
    expect_state(r, b, "running");
    assert_int_equal(rig_i64(r, "crashes"), 0);
}

static void
a_message_that_could_not_be_sent_ends_the_worker(void **state)
{
    struct rig *r = *state;

    uint64_t                id = start_one(r);
    const struct rig_lease *l = rig_lease(r, id);
    rig_push(r, &(struct input){.kind = INPUT_SEND_FAILED,
                                .worker = l->worker,
                                .generation = l->generation,
                                .token = l->token});
    rig_turn(r);
    assert_int_equal(rig_output_count(r, OUT_WORKER_KILL), 1);
    rig_worker_gone(r, 0);
    rig_worker_started(r, 0, 4);
    rig_hello(r, 0);
    rig_turn(r);
    expect_state(r, id, "running");
    assert_int_equal(rig_i64(r, "attempt"), 2);
}

static void
a_retiring_worker_ends_its_jobs_and_gets_none(void **state)
{
    struct rig *r = *state;

    uint64_t id = start_one(r);
    rig_retire(r, 0);
    rig_turn(r);
    assert_int_equal(rig_output_count(r, OUT_WORKER_IDLE), 0);
    uint64_t next = rig_submit(r, "'handler':'noop'");
    expect_state(r, next, "parked");
    rig_complete(r, id);
    expect_state(r, id, "completed");
    assert_int_equal(rig_output_count(r, OUT_WORKER_IDLE), 1);
    expect_state(r, next, "parked");
}

/* ---- an earlier agentd's attempts ---- */

static void
old_leases_hold_their_caps_until_their_processes_are_gone(void **state)
{
    struct rig *r = *state;

    r->limits.company_max_concurrent = 2;
    rig_configure(r, &(struct rig_declared){0});
    rig_workers(r, 1, 4);
    uint64_t a = rig_submit(r, "'handler':'noop'");
    uint64_t b = rig_submit(r, "'handler':'noop'");
    uint64_t c = rig_submit(r, "'handler':'noop'");
    expect_state(r, c, "parked");
    rig_crash(r);
    rig_turn(r);
    assert_int_equal(rig_output_count(r, OUT_OLD_LEASE), 2);
    assert_int_equal(engine_old_lease_count(r->engine), 2);
    rig_workers(r, 1, 4);
    expect_state(r, a, "running");
    expect_state(r, c, "parked");
    assert_string_equal(rig_text(r, "reason"), "company_cap");
    rig_advance(r, 2 * r->limits.max_run_ms); /* not even their lease ends them */
    expect_state(r, a, "running");
    expect_state(r, c, "parked");
    rig_push(r, &(struct input){.kind = INPUT_LEASE_GONE, .token = rig_lease(r, a)->token});
    rig_lease(r, a)->is_live = false;
    rig_turn(r);
    assert_int_equal(engine_old_lease_count(r->engine), 1);
    rig_must_read(r, "job.show", "'id':%d", (int)a);
    assert_string_equal(rig_text(r, "failure.class"), "interrupted");
    assert_int_equal(rig_i64(r, "crashes"), 1);
    assert_int_equal(rig_i64(r, "failures"), 0);
    assert_int_equal(rig_running(r), 2); /* b of before, and one of a and c */
    rig_old_leases_gone(r);
    rig_settle(r);
    assert_int_equal(engine_old_lease_count(r->engine), 0);
    assert_int_equal(rig_job_i64(r, b, "crashes"), 1);
    assert_int_equal(rig_running(r), 2);
}

static void
three_crashes_of_the_supervisor_quarantine_what_ran(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    uint64_t later = rig_submit(r, "'handler':'noop','delay_ms':100000");
    for (int i = 1; i <= 3; i++) {
        expect_state(r, id, "running");
        assert_int_equal(rig_i64(r, "crashes"), i - 1);
        rig_crash(r);
        rig_turn(r);
        rig_old_leases_gone(r);
        rig_turn(r);
        rig_workers(r, 1, 4);
    }
    expect_state(r, id, "failed");
    assert_true(rig_bool(r, "quarantined"));
    assert_string_equal(rig_text(r, "failure.class"), "interrupted");
    expect_state(r, later, "scheduled");
    assert_int_equal(rig_i64(r, "crashes"), 0);
}

static void
planned_stops_do_not_count(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    for (int i = 0; i < 5; i++) {
        expect_state(r, id, "running");
        rig_stop(r); /* the worker does not even report the end */
        rig_turn(r);
        rig_old_leases_gone(r);
        rig_turn(r);
        rig_workers(r, 1, 4);
    }
    expect_state(r, id, "running");
    assert_int_equal(rig_i64(r, "crashes"), 0);
    assert_int_equal(rig_i64(r, "failures"), 0);
    assert_int_equal(rig_i64(r, "attempt"), 6);
    assert_string_equal(rig_text(r, "attempts.4.class"), "interrupted");
}

static void
a_cancel_of_an_old_lease_is_kept_until_it_is_gone(void **state)
{
    struct rig *r = *state;

    uint64_t id = start_one(r);
    rig_crash(r);
    rig_turn(r);
    rig_must(r, "job.cancel", "'id':%d", (int)id);
    assert_true(rig_bool(r, "stopping"));
    rig_old_leases_gone(r);
    rig_turn(r);
    expect_state(r, id, "cancelled");
    assert_string_equal(rig_text(r, "failure.class"), "aborted");
}

static void
a_stop_reason_outlives_a_crash(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    uint64_t id = rig_submit(r, "'handler':'noop','max_run_ms':5000");
    rig_advance(r, 5000);
    assert_true(rig_lease(r, id)->is_stopped);
    rig_crash(r);
    rig_turn(r);
    rig_old_leases_gone(r);
    rig_turn(r);
    expect_state(r, id, "scheduled");
    assert_string_equal(rig_text(r, "failure.class"), "lease_expired");
    assert_int_equal(rig_i64(r, "failures"), 1);
    assert_int_equal(rig_i64(r, "crashes"), 0);
}

static void
a_new_boot_of_the_machine_changes_nothing_about_leases(void **state)
{
    struct rig *r = *state;

    uint64_t id = start_one(r);
    r->boot_id = 78;
    r->header.now.boot_ms = 1000; /* boot time begins anew */
    r->beat_boot_ms = 1000;
    r->header.now.wall_ms += MINUTE_MS;
    rig_crash(r);
    rig_settle(r);
    rig_old_leases_gone(r);
    rig_workers(r, 1, 4);
    expect_state(r, id, "running");
    assert_int_equal(rig_i64(r, "attempt"), 2);
    rig_advance(r, r->limits.max_run_ms - 1);
    assert_false(rig_lease(r, id)->is_stopped);
    rig_advance(r, 1);
    assert_true(rig_lease(r, id)->is_stopped);
}

static void
nothing_acknowledged_is_lost_by_a_crash(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t running = rig_submit(r, "'handler':'noop','payload':'p'");
    uint64_t ready = rig_submit(r, "'handler':'noop','tags':{'a':'b'}");
    uint64_t scheduled = rig_submit(r, "'handler':'noop','delay_ms':60000");
    uint64_t done = rig_submit(r, "'handler':'noop','priority':100");
    rig_complete(r, running);
    rig_complete(r, done);
    rig_crash(r);
    rig_turn(r);
    rig_old_leases_gone(r);
    rig_workers(r, 1, 1);
    expect_state(r, running, "completed");
    expect_state(r, done, "completed");
    expect_state(r, ready, "running");
    expect_state(r, scheduled, "scheduled");
    assert_string_equal(rig_job_text(r, ready, "tags.a"), "b");
    assert_int_equal(rig_submit(r, "'handler':'noop'"), done + 1); /* ids go on */
    rig_complete(r, ready);
    rig_advance(r, MINUTE_MS);
    rig_status(r);
    assert_true(rig_i64(r, "last_crash_at") > 0);
    assert_int_equal(rig_i64(r, "unclean_stops"), 1);
}

/* What an older agentd wrote lacks the limits that are new: until the configuration comes, nothing
 * is done by them. */
static void
without_limits_nothing_is_removed_and_nothing_starts(void **state)
{
    struct rig   *r = *state;
    struct object o = {0};
    struct scan   s;
    struct err    e = {0};
    bool          outcome_unknown;

    rig_workers(r, 1, 4);
    uint64_t done = rig_submit(r, "'handler':'noop'");
    rig_complete(r, done);
    uint64_t later = rig_submit(r, "'handler':'noop','delay_ms':1000");
    rig_crash(r); /* not booted yet */
    struct txn *t = txn_begin_write(r->store, &e);
    assert_non_null(t);
    scan_open(&s, t, PRIMARY_OBJECT, &o, 0, 0);
    while (scan_next(&s, &o) && o.kind != KIND_LIMITS) {
    }
    assert_int_equal(o.kind, KIND_LIMITS);
    o.spec = rig_pack(r, "{'max_concurrent':null,'keep_completed_ms':null}");
    object_save(t, &o);
    scan_close(&s); /* the name is the scan's */
    assert_int_equal(txn_commit(&t, &outcome_unknown, &e), E_OK);
    rig_advance(r, DAY_MS);
    expect_state(r, done, "completed");
    expect_state(r, later, "scheduled");
    rig_configure(r, &(struct rig_declared){0});
    rig_workers(r, 1, 4);
    expect_state(r, done, "completed");
    expect_state(r, later, "running");
}

/* Such a store has no numbers of goals, tickets, approvals and audit rows. */
static void
a_store_of_schema_1_numbers_what_is_new_from_one(void **state)
{
    struct rig *r = *state;
    struct meta m = {.id = 1};
    struct err  e = {0};
    bool        outcome_unknown;

    rig_crash(r); /* not booted yet */
    struct txn *t = txn_begin_write(r->store, &e);
    assert_non_null(t);
    assert_int_equal(meta_load(t, &m), LOAD_FOUND);
    m.next_goal = m.next_ticket = m.next_approval = m.next_audit = 0;
    m.next_effect = 7;
    m.next_place = 0;
    meta_save(t, &m);
    assert_int_equal(txn_commit(&t, &outcome_unknown, &e), E_OK);
    rig_turn(r);
    (void)rig_submit(r, "'handler':'noop'"); /* a turn that writes */
    t = txn_begin_read(r->store, &e);
    assert_non_null(t);
    assert_int_equal(meta_load(t, &m), LOAD_FOUND);
    txn_abort(&t);
    assert_int_equal(m.next_goal, 1);
    assert_int_equal(m.next_ticket, 1);
    assert_int_equal(m.next_approval, 1);
    assert_int_equal(m.next_audit, 1);
    assert_int_equal(m.next_place, 7); /* the place of an effect was its id */
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_lost_workers_jobs_run_again_at_once_and_alone),
        TEST(three_crashes_in_a_row_quarantine),
        TEST(crashes_count_in_a_row_only),
        TEST(a_silent_worker_is_killed_and_its_jobs_wait_for_its_end),
        TEST(a_stall_of_the_loop_kills_no_worker),
        TEST(what_a_worker_has_seen_and_does_not_run_is_lost),
        TEST(a_message_that_could_not_be_sent_ends_the_worker),
        TEST(a_retiring_worker_ends_its_jobs_and_gets_none),
        TEST(old_leases_hold_their_caps_until_their_processes_are_gone),
        TEST(three_crashes_of_the_supervisor_quarantine_what_ran),
        TEST(planned_stops_do_not_count),
        TEST(a_cancel_of_an_old_lease_is_kept_until_it_is_gone),
        TEST(a_stop_reason_outlives_a_crash),
        TEST(a_new_boot_of_the_machine_changes_nothing_about_leases),
        TEST(nothing_acknowledged_is_lost_by_a_crash),
        TEST(without_limits_nothing_is_removed_and_nothing_starts),
        TEST(a_store_of_schema_1_numbers_what_is_new_from_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
