/* Which job starts next: priority, time, id, and companies by turns (A4, N18, N19). */
#include "tests/unit/engine_rig.h"

#define LANE_WORLD                                              \
    .companies = "{'name':'acme'},{'name':'beta'}",             \
    .agents = "{'name':'anna','company':'acme','handler':'h'}," \
              "{'name':'bert','company':'acme','handler':'h'}", \
    .handlers = "{'name':'h','kind':'exec','command':['x']}"

static void
expect_held(struct rig *r, uint64_t id, const char *reason)
{
    expect_state(r, id, "parked");
    assert_string_equal(rig_text(r, "reason"), reason);
}

/* ---- order ---- */

static void
jobs_start_by_priority_then_time_then_id(void **state)
{
    static const struct {
        int priority, run_at, place;
    } jobs[] = {
        {50, 300, 5},
        {50, 100, 3},
        {90, 900, 1},
        {50, 100, 4},
        {10, 0,   6},
        {50, 0,   2},
    };
    struct rig *r = *state;
    uint64_t    id[ARRAY_LEN(jobs)];

    rig_workers(r, 1, 1);
    uint64_t runner = rig_submit(r, "'handler':'noop','priority':100");
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) /* of two lanes: the order is over both */
        id[i] = rig_submit(r, "'handler':'%s','priority':%d,'run_at':%d", i % 2 ? "echo" : "noop",
                           jobs[i].priority, jobs[i].run_at);
    for (int place = 1; place <= (int)ARRAY_LEN(jobs); place++) {
        rig_complete(r, runner);
        for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
            if (jobs[i].place == place) runner = id[i];
        expect_state(r, runner, "running");
    }
}

static void
the_order_is_over_lanes_also_within_one_turn(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 3);
    rig_must(r, "job.submit_many",
             "'jobs':[{'handler':'noop','run_at':500},{'handler':'echo','run_at':400},"
             "{'handler':'sleep','run_at':300},{'handler':'noop','run_at':200},"
             "{'handler':'echo','run_at':100},{'handler':'sleep','run_at':600}]");
    static const uint64_t order[] = {5, 4, 3};
    assert_int_equal(r->lease_count, ARRAY_LEN(order));
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        assert_int_equal(r->leases[i].id, order[i]);
}

static void
nothing_overtakes_a_head_inside_its_lane(void **state)
{
    struct rig *r = *state;

    r->limits.company_max_concurrent = 1;
    rig_configure(r, &(struct rig_declared){0});
    rig_workers(r, 1, 4);
    uint64_t runner = rig_submit(r, "'handler':'noop'");
    uint64_t low = rig_submit(r, "'handler':'noop','priority':1");
    uint64_t high = rig_submit(r, "'handler':'noop','priority':99"); /* a blocked lane's new head */
    rig_complete(r, runner);
    expect_state(r, high, "running");
    expect_held(r, low, "company_cap");
}

/* ---- fairness ---- */

enum { COMPANIES = 50, FLOOD = 10000, OTHERS = 3 };

static void
declare_companies(struct rig *r)
{
    BUF_AUTO struct buf companies = {0};

    for (int i = 0; i < COMPANIES; i++)
        buf_printf(&companies, "%s{'name':'c%d'}", i > 0 ? "," : "", i);
    r->limits.company_max_concurrent = NO_LIMIT;
    rig_configure(r, &(struct rig_declared){.companies = buf_str(&companies)});
}

static void
submit_flood_and_others(struct rig *r)
{
    BUF_AUTO struct buf jobs = {0};

    for (int i = 0; i < BATCH_MAX; i++)
        buf_printf(&jobs, "%s{'handler':'noop','company':'c7','delay_ms':1000}", i > 0 ? "," : "");
    for (int i = 0; i < FLOOD / BATCH_MAX; i++)
        rig_must(r, "job.submit_many", "'jobs':[%s]", buf_str(&jobs));
    buf_clear(&jobs);
    for (int i = 0; i < COMPANIES; i++) {
        if (i == 7) continue;
        for (int k = 0; k < OTHERS; k++)
            buf_printf(&jobs, "%s{'handler':'noop','company':'c%d','delay_ms':2000}",
                       jobs.size > 0 ? "," : "", i);
    }
    rig_must(r, "job.submit_many", "'jobs':[%s]", buf_str(&jobs));
    rig_advance(r, 2000); /* all are ready now, the flood's with the earlier run_at and id */
}

/* Companies take turns: before the others have had n starts each, the flooding one has at most n,
 * and one for each slot that was free before there was a second company. */
static void
one_flooding_company_starves_no_other(void **state)
{
    struct rig *r = *state;
    size_t      done = 0, others = 0;

    r->is_unchecked = true;
    declare_companies(r);
    submit_flood_and_others(r);
    rig_workers(r, 1, 2);
    while (others < (COMPANIES - 1) * OTHERS) {
        assert_true(done < r->lease_count);
        uint64_t id = r->leases[done++].id;

        if (id > FLOOD) others++;
        rig_complete(r, id);
        assert_true(done - others <= others / (COMPANIES - 1) + 2);
    }
    assert_true(done <= (size_t)COMPANIES * OTHERS + 2);
}

/* With a flood before it, a company's own job starts within one round. */
static void
who_comes_late_waits_for_one_round(void **state)
{
    struct rig *r = *state;
    size_t      done = 0;

    r->is_unchecked = true;
    declare_companies(r);
    submit_flood_and_others(r);
    rig_workers(r, 1, 1);
    while (done < 10)
        rig_complete(r, r->leases[done++].id);
    uint64_t late = rig_submit(r, "'handler':'noop','company':'c%d'", (int)COMPANIES - 1);
    uint64_t newcomer = rig_submit(r, "'handler':'noop','company':'default'");
    size_t   before = r->lease_count, late_at = 0, newcomer_at = 0;
    while (!late_at || !newcomer_at) {
        assert_true(done < r->lease_count);
        if (r->leases[done].id == late) late_at = done - before + 1;
        if (r->leases[done].id == newcomer) newcomer_at = done - before + 1;
        rig_complete(r, r->leases[done++].id);
    }
    assert_int_equal(newcomer_at, 1);                       /* never served before */
    assert_true(late_at <= (OTHERS + 1) * (COMPANIES + 1)); /* behind its own three */
}

static void
a_flood_of_higher_priority_is_bounded_by_priority_max(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &(struct rig_declared){LANE_WORLD});
    r->actor.role = ROLE_SUBMIT;
    rig_refused(r, E_BAD_REQUEST, "priority", "job.submit",
                "'handler':'noop','company':'acme','priority':100");
}

static void
turns_are_taken_over_a_restart(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &(struct rig_declared){LANE_WORLD});
    rig_workers(r, 1, 1);
    uint64_t a1 = rig_submit(r, "'handler':'noop','company':'acme'");
    (void)rig_submit(r, "'handler':'noop','company':'acme'");
    uint64_t b1 = rig_submit(r, "'handler':'noop','company':'beta'");
    rig_complete(r, a1);
    expect_state(r, b1, "running"); /* acme was served last */
    (void)rig_submit(r, "'handler':'noop','company':'beta'");
    rig_crash(r);
    rig_turn(r);
    rig_old_leases_gone(r);
    rig_workers(r, 1, 1);
    expect_state(r, a1 + 1, "running");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(jobs_start_by_priority_then_time_then_id),
        TEST(the_order_is_over_lanes_also_within_one_turn),
        TEST(nothing_overtakes_a_head_inside_its_lane),
        TEST(one_flooding_company_starves_no_other),
        TEST(who_comes_late_waits_for_one_round),
        TEST(a_flood_of_higher_priority_is_bounded_by_priority_max),
        TEST(turns_are_taken_over_a_restart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
