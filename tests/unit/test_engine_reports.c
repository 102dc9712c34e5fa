/* Reports that come late, from another, or make no sense (A7, N5). */
#include "tests/unit/attempt_world.h"

/* ---- late and stale reports ---- */

static void
late_reports_change_nothing(void **state)
{
    struct rig *r = *state;

    uint64_t         id = start_one(r);
    struct rig_lease old = *rig_lease(r, id);
    rig_fail(r, id, "tool_failed");
    uint64_t hash = rig_hash(r);
    rig_report(r, &old, "ended", "'verdict':'completed'");
    rig_turn(r);
    assert_true(rig_hash(r) == hash);
    run_until_started(r, id);
    assert_int_equal(rig_lease(r, id)->slot, old.slot); /* the slot is used again … */
    hash = rig_hash(r);
    rig_report(r, &old, "ended", "'verdict':'completed'"); /* … the token is not */
    rig_report(r, &old, "progress", "'turns':99");
    rig_report(r, &old, "effect.done", "'outcome':'delivered'");
    rig_turn(r);
    assert_true(rig_hash(r) == hash);
    expect_state(r, id, "running");
    rig_complete(r, id);
    expect_state(r, id, "completed");
}

static void
reports_with_a_slot_or_token_of_another_are_refused(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 2, 4);
    uint64_t         a = rig_submit(r, "'handler':'noop'");
    uint64_t         b = rig_submit(r, "'handler':'noop'");
    struct rig_lease mixed = *rig_lease(r, a);
    mixed.token = rig_lease(r, b)->token;
    uint64_t hash = rig_hash(r);
    rig_report(r, &mixed, "ended", "'verdict':'completed'");
    mixed = *rig_lease(r, a);
    mixed.slot = 1023;
    rig_report(r, &mixed, "ended", "'verdict':'completed'");
    rig_turn(r);
    assert_true(rig_hash(r) == hash);
    assert_int_equal(engine_lease_count(r->engine), 2);
}

static void
reports_of_a_former_generation_are_dropped(void **state)
{
    struct rig *r = *state;

    uint64_t         id = start_one(r);
    struct rig_lease old = *rig_lease(r, id);
    rig_worker_gone(r, 0);
    rig_turn(r);
    rig_worker_started(r, 0, 4);
    rig_hello(r, 0);
    rig_turn(r);
    expect_state(r, id, "running");
    uint64_t hash = rig_hash(r);
    rig_report(r, &old, "ended", "'verdict':'completed'");
    rig_turn(r);
    assert_true(rig_hash(r) == hash);
    expect_state(r, id, "running");
}

static void
a_malformed_report_costs_the_worker_its_life_and_nothing_else(void **state)
{
    static const char *const frames[] = {
        "",
        "\300",                                         /* nil */
        "\223\001\002\003",                             /* a list */
        "\201\241v\001",                                /* no op */
        "\203\241v\001\242op\245ended\244body\200",     /* no fields */
        "\203\241v\001\242op\245no-op\244body\200",     /* an unknown op */
        "\203\241v\001\242op\251job.start\244body\200", /* one of the other way */
        "\337\377\377\377\377",                         /* it claims more than there is */
    };
    struct rig *r = *state;

    rig_workers(r, 2, 1);
    for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
        uint64_t id = rig_submit(r, "'handler':'noop'");
        uint32_t w = rig_lease(r, id)->worker;

        rig_raw_report(r, w, view_str(frames[i]));
        rig_turn(r);
        assert_int_equal(rig_output_count(r, OUT_WORKER_KILL), 1);
        assert_int_equal(rig_output(r, OUT_WORKER_KILL, 0)->worker, w);
        expect_state(r, id, "running"); /* until its processes are gone */
        rig_worker_gone(r, w);
        rig_turn(r);
        expect_state(r, id, "running"); /* on the other worker */
        assert_int_equal(rig_i64(r, "crashes"), 1);
        rig_complete(r, id);
        rig_worker_started(r, w, 1);
        rig_hello(r, w);
        rig_turn(r);
    }
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(late_reports_change_nothing),
        TEST(reports_with_a_slot_or_token_of_another_are_refused),
        TEST(reports_of_a_former_generation_are_dropped),
        TEST(a_malformed_report_costs_the_worker_its_life_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
