/* What a turn costs with many lanes: a bounded count of rows, whatever waits (N6, N18). */
#include "tests/unit/engine_rig.h"

#define LANES     3000
#define TURN_ROWS 15000 /* a turn may read; a walk over all lanes for each is 4,500,000 */

/* One agent and one job for each lane, made in turns of 500. */
static void
submit_to_many_lanes(struct rig *r, const char *company)
{
    r->is_unchecked = true;
    for (int i = 0; i < LANES; i++) {
        (void)rig_queue(r, "agent.add", "'name':'a%d','handler':'noop','company':'%s'", i, company);
        (void)rig_queue(r, "job.submit", "'agent':'a%d','company':'%s'", i, company);
        if (i % 500 == 499) rig_turn(r);
    }
    rig_settle(r);
}

static uint64_t
settle_counting(struct rig *r, uint64_t *turns)
{
    uint64_t most = r->reads;

    for (*turns = 1; rig_is_due(r); ++*turns) {
        rig_turn(r);
        if (r->reads > most) most = r->reads;
        assert_true(*turns < 100);
    }
    return most;
}

static void
resume_with_many_lanes_takes_turns_of_bounded_work(void **state)
{
    struct rig *r = *state;
    uint64_t    turns;

    r->limits.company_max_concurrent = 5;
    rig_configure(r, &(struct rig_declared){0});
    rig_workers(r, 1, 16);
    rig_must(r, "stop", "'scope':'new'");
    submit_to_many_lanes(r, "default");
    rig_must(r, "resume", " ");
    assert_in_range(settle_counting(r, &turns), 1, TURN_ROWS);
    assert_true(turns > 2);
    assert_int_equal(rig_running(r), 5);
    r->is_unchecked = false;
    rig_complete(r, 1);
    assert_int_equal(rig_running(r), 5);
    expect_state(r, 6, "running");
    expect_state(r, LANES, "parked");
}

static void
a_cap_that_is_raised_far_lets_as_many_start(void **state)
{
    struct rig *r = *state;
    uint64_t    turns;

    rig_workers(r, 2, 100);
    rig_must(r, "company.add", "'name':'c','max_concurrent':0");
    submit_to_many_lanes(r, "c");
    assert_int_equal(rig_running(r), 0);
    rig_must(r, "company.set", "'name':'c','max_concurrent':150");
    assert_in_range(settle_counting(r, &turns), 1, TURN_ROWS);
    assert_int_equal(rig_running(r), 150);
    expect_state(r, 150, "running");
    expect_state(r, 151, "parked");
    assert_string_equal(rig_text(r, "reason"), "company_cap");
}

static void
a_pause_that_ends_frees_many_lanes_in_bounded_turns(void **state)
{
    struct rig *r = *state;
    uint64_t    turns;

    rig_workers(r, 1, 16);
    rig_must(r, "company.add", "'name':'c','max_concurrent':2");
    rig_must(r, "company.pause", "'name':'c'");
    submit_to_many_lanes(r, "c");
    rig_must(r, "company.resume", "'name':'c'");
    assert_in_range(settle_counting(r, &turns), 1, TURN_ROWS);
    assert_int_equal(rig_running(r), 2);
    expect_state(r, LANES, "parked");
    assert_string_equal(rig_text(r, "reason"), "company_cap");
    r->is_unchecked = false;
    rig_turn(r);
}

static void
a_turn_costs_nothing_for_lanes_that_it_does_not_touch(void **state)
{
    struct rig *r = *state;
    uint64_t    few;

    rig_workers(r, 1, 1);
    (void)rig_submit(r, "'handler':'noop','delay_ms':86400000");
    (void)rig_submit(r, "'handler':'noop','delay_ms':86400000");
    few = r->reads;
    r->is_unchecked = true;
    for (int i = 0; i < LANES; i++) {
        (void)rig_queue(r, "agent.add", "'name':'a%d','handler':'noop'", i);
        (void)rig_queue(r, "agent.pause", "'name':'a%d'", i);
        (void)rig_queue(r, "job.submit", "'agent':'a%d'", i);
        if (i % 300 == 299) rig_turn(r);
    }
    rig_settle(r);
    (void)rig_submit(r, "'handler':'noop','delay_ms':86400000");
    assert_in_range(r->reads, 1, few + 10);
}

static uint64_t
lane_rows(struct rig *r)
{
    struct err  e = {0};
    struct txn *t = txn_begin_read(r->store, &e);
    uint64_t    n = table_rows(t, TABLE_LANE);

    txn_abort(&t);
    return n;
}

static void
lanes_go_with_what_they_were_of(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    (void)rig_submit(r, "'handler':'noop'");
    uint64_t before = lane_rows(r);
    for (int i = 0; i < 3; i++) {
        rig_must(r, "company.add", "'name':'c%d'", i);
        rig_must(r, "agent.add", "'name':'a','company':'c%d','handler':'noop'", i);
        rig_must(r, "agent.add", "'name':'b%d','handler':'noop'", i);
        rig_complete(r, rig_submit(r, "'company':'c%d','agent':'a'", i));
        rig_complete(r, rig_submit(r, "'agent':'b%d'", i));
    }
    assert_int_equal(lane_rows(r), before + 6);
    rig_must(r, "agent.remove", "'name':'b0'");
    rig_settle(r);
    assert_int_equal(lane_rows(r), before + 5);
    rig_must(r, "company.remove", "'name':'c1','cascade':true");
    rig_settle(r);
    assert_int_equal(lane_rows(r), before + 4);
    rig_must(r, "agent.remove", "'name':'b1'");
    rig_crash(r);
    rig_turn(r);
    rig_settle(r);
    assert_int_equal(lane_rows(r), before + 3);
    expect_state(r, rig_submit(r, "'agent':'b2'"), "parked"); /* no worker is up */
}

static void
lanes_that_go_are_looked_for_in_bounded_turns(void **state)
{
    struct rig *r = *state;
    uint64_t    turns;

    rig_workers(r, 1, 4);
    rig_must(r, "agent.add", "'name':'gone','handler':'noop'");
    rig_complete(r, rig_submit(r, "'agent':'gone'"));
    submit_to_many_lanes(r, "default");
    uint64_t before = lane_rows(r);
    rig_must(r, "agent.remove", "'name':'gone'");
    assert_in_range(settle_counting(r, &turns), 1, TURN_ROWS);
    assert_in_range(turns, LANES / 1000, LANES / 1000 + 3);
    assert_int_equal(lane_rows(r), before - 1);
}

static void
a_reload_that_removes_does_not_look_at_each_job(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &(struct rig_declared){.handlers = "{'name':'h','kind':'noop'}",
                                            .agents = "{'name':'used','handler':'noop'},"
                                                      "{'name':'unused','handler':'noop'}",
                                            .companies = "{'name':'empty'}"});
    r->is_unchecked = true;
    for (int i = 0; i < LANES; i++)
        (void)rig_queue(r, "job.submit", "'agent':'used'%s", i % 2 ? ",'delay_ms':3600000" : "");
    rig_settle(r);
    rig_configure(r, &(struct rig_declared){.handlers = "{'name':'h','kind':'noop'}",
                                            .agents = "{'name':'used','handler':'noop'}"});
    assert_in_range(r->reads, 1, 500);
    assert_int_equal(rig_try_configure(r, &(struct rig_declared){0}, false), E_IN_USE);
    assert_in_range(r->reads, 1, 500);
    r->is_unchecked = false;
    rig_turn(r);
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(resume_with_many_lanes_takes_turns_of_bounded_work),
        TEST(a_cap_that_is_raised_far_lets_as_many_start),
        TEST(a_pause_that_ends_frees_many_lanes_in_bounded_turns),
        TEST(a_reload_that_removes_does_not_look_at_each_job),
        TEST(lanes_go_with_what_they_were_of),
        TEST(lanes_that_go_are_looked_for_in_bounded_turns),
        TEST(a_turn_costs_nothing_for_lanes_that_it_does_not_touch),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
