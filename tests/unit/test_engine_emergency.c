/* Emergency stop, resume and drain (A17): in force before anything else, and over every end. */
#include "tests/unit/engine_rig.h"

static void
a_stop_of_new_holds_what_is_submitted_until_resume(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    uint64_t runs = rig_submit(r, "'handler':'noop'");
    rig_must(r, "stop", "'scope':'new','reason':'a test'");
    assert_string_equal(rig_text(r, "stops.0"), "new");
    assert_int_equal(rig_i64(r, "stopping"), 0);
    uint64_t held = rig_submit(r, "'handler':'noop'");
    expect_state(r, held, "parked");
    assert_string_equal(rig_text(r, "reason"), "stopped");
    expect_state(r, runs, "running");
    rig_must_read(r, "job.why", "'id':%d", (int)held);
    assert_string_equal(rig_text(r, "blockers.0.change"), "agentctl resume");
    rig_complete(r, runs);
    expect_state(r, held, "parked");
    rig_must(r, "resume", " ");
    assert_true(rig_bool(r, "resumed"));
    expect_state(r, held, "running");
    assert_int_equal(rig_feed_count(r, "daemon.stopped"), 1);
    assert_int_equal(rig_feed_count(r, "daemon.resumed"), 1);
}

static void
a_stop_beats_any_start_in_its_turn(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    (void)rig_queue(r, "job.submit", "'handler':'noop'");
    (void)rig_queue(r, "stop", "'scope':'new'");
    (void)rig_queue(r, "job.submit", "'handler':'noop'");
    rig_turn(r);
    assert_int_equal(rig_running(r), 0);
    expect_state(r, 1, "parked");
    expect_state(r, 2, "parked");
    rig_must(r, "resume", " ");
    assert_int_equal(rig_running(r), 2);
}

static void
a_stop_of_running_aborts_what_runs(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    rig_must(r, "stop", "'scope':'running'");
    assert_int_equal(rig_i64(r, "stopping"), 1);
    assert_string_equal(rig_text(r, "stops.0"), "new"); /* running implies it */
    assert_true(rig_lease(r, id)->is_stopped);
    uint64_t held = rig_submit(r, "'handler':'noop'");
    rig_ended(r, id, "'verdict':'completed'"); /* too late */
    rig_turn(r);
    expect_state(r, id, "cancelled");
    expect_state(r, held, "parked");
}

static void
a_stop_of_effects_keeps_the_outbox(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &(struct rig_declared){
                         .sinks = "{'name':'file','kind':'file','path':'f'}",
                         .agents = "{'name':'anna','handler':'noop','sinks':['file']}",
                     });
    rig_workers(r, 1, 4);
    uint64_t id = rig_submit(r, "'agent':'anna'");
    rig_must(r, "stop", "'scope':'effects'");
    rig_ended(r, id, "'verdict':'completed','effects':[{'kind':'notify','message':'m'}]");
    rig_turn(r);
    expect_state(r, id, "completed");
    assert_null(rig_delivery(r, 1));
    uint64_t next = rig_submit(r, "'handler':'noop'");
    expect_state(r, next, "running"); /* jobs go on */
    rig_advance(r, HOUR_MS / 4);
    assert_null(rig_delivery(r, 1));
    rig_must(r, "resume", " ");
    assert_non_null(rig_delivery(r, 1));
}

static void
a_stop_outlives_a_crash_and_a_planned_end(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    rig_must(r, "stop", "'scope':'new,effects'");
    rig_crash(r);
    rig_turn(r);
    rig_workers(r, 1, 4);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    expect_state(r, id, "parked");
    rig_stop(r);
    rig_turn(r);
    rig_workers(r, 1, 4);
    expect_state(r, id, "parked");
    rig_status(r);
    assert_int_equal(rig_len(r, "stops"), 2);
    assert_int_equal(rig_i64(r, "stopped_at"), RIG_WALL_MS);
    rig_must(r, "resume", " ");
    expect_state(r, id, "running");
}

static void
a_drain_lets_what_runs_end_and_starts_nothing(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    uint64_t runs = rig_submit(r, "'handler':'noop'");
    rig_must(r, "drain", "'reason':'a new kernel'");
    assert_int_equal(rig_i64(r, "running"), 1);
    uint64_t held = rig_submit(r, "'handler':'noop'");
    expect_state(r, held, "parked");
    assert_string_equal(rig_text(r, "reason"), "draining");
    rig_complete(r, runs);
    expect_state(r, runs, "completed");
    rig_must(r, "drain", " ");
    assert_int_equal(rig_i64(r, "running"), 0);
    assert_int_equal(rig_feed_count(r, "daemon.draining"), 1); /* the second changed nothing */
    rig_must_read(r, "job.why", "'id':%d", (int)held);
    assert_string_equal(rig_text(r, "blockers.0.change"), "agentctl resume");
    rig_must(r, "resume", " ");
    expect_state(r, held, "running");
}

static void
bad_scopes_and_the_wrong_actor_are_refused(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &(struct rig_declared){.companies = "{'name':'acme'}"});
    rig_refused(r, E_BAD_REQUEST, "scope", "stop", "'scope':'all'");
    rig_refused(r, E_BAD_REQUEST, "scope", "stop", "'scope':'new,'");
    rig_refused(r, E_BAD_REQUEST, "scope", "stop", "'scope':',new'");
    rig_refused(r, E_BAD_REQUEST, "scope", "stop", "'scope':'new, running'");
    rig_refused(r, E_BAD_REQUEST, "scope", "stop", " ");
    r->actor.company = view_str("acme"); /* of one company: not over all */
    rig_refused(r, E_DENIED, "", "stop", "'scope':'new'");
    rig_refused(r, E_DENIED, "", "resume", " ");
    rig_refused(r, E_DENIED, "", "drain", " ");
    r->actor.company = view_str("");
    rig_must(r, "resume", " "); /* nothing is stopped: fine */
    assert_false(rig_bool(r, "resumed"));
    rig_status(r);
    assert_int_equal(rig_len(r, "stops"), 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_stop_of_new_holds_what_is_submitted_until_resume),
        TEST(a_stop_beats_any_start_in_its_turn),
        TEST(a_stop_of_running_aborts_what_runs),
        TEST(a_stop_of_effects_keeps_the_outbox),
        TEST(a_stop_outlives_a_crash_and_a_planned_end),
        TEST(a_drain_lets_what_runs_end_and_starts_nothing),
        TEST(bad_scopes_and_the_wrong_actor_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
