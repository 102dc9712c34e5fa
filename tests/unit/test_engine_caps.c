/* What holds a job: each cap, raised and lowered live, and what it counts (A8, N17). */
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

/* ---- each cap ---- */

/* One kind of job under one cap: `limit` may be changed between calls. */
struct cap_case {
    const char *reason;
    const char *body;      /* of the jobs that count */
    const char *uncounted; /* of a job that this cap does not hold; NULL: there is none */
    int64_t    *limit;
};

static void
set_cap(struct rig *r, struct cap_case *c, int64_t limit)
{
    *c->limit = limit;
    rig_configure(r, &(struct rig_declared){LANE_WORLD});
    rig_settle(r);
}

static void
check_cap(struct rig *r, struct cap_case *c)
{
    uint64_t id[6];

    set_cap(r, c, 2);
    for (size_t i = 0; i < ARRAY_LEN(id); i++)
        id[i] = rig_submit(r, "%s", c->body);
    expect_state(r, id[0], "running");
    expect_state(r, id[1], "running");
    expect_held(r, id[2], c->reason);
    expect_held(r, id[5], c->reason);
    if (c->uncounted) {
        uint64_t other = rig_submit(r, "%s", c->uncounted);

        expect_state(r, other, "running");
        rig_complete(r, other);
    }
    rig_complete(r, id[0]); /* one goes, one comes */
    expect_state(r, id[2], "running");
    expect_held(r, id[3], c->reason);

    set_cap(r, c, 3); /* raised: at once */
    expect_state(r, id[3], "running");
    expect_held(r, id[4], c->reason);
    set_cap(r, c, 1); /* lowered: nothing is stopped, nothing is started until it fits */
    assert_int_equal(rig_running(r), 3);
    rig_complete(r, id[1]);
    rig_complete(r, id[2]);
    expect_held(r, id[4], c->reason);
    rig_complete(r, id[3]);
    expect_state(r, id[4], "running");

    set_cap(r, c, 0); /* holds everything */
    rig_complete(r, id[4]);
    expect_held(r, id[5], c->reason);
    assert_int_equal(rig_running(r), 0);
    set_cap(r, c, NO_LIMIT);
    expect_state(r, id[5], "running");
    for (size_t i = 0; i < ARRAY_LEN(id); i++)
        id[i] = rig_submit(r, "%s", c->body);
    expect_state(r, id[5], "running");
}

static void
lift_all_caps(struct rig *r)
{
    r->limits.schedule_max_concurrent = NO_LIMIT;
    r->limits.company_max_concurrent = NO_LIMIT;
    r->limits.agent_max_concurrent = NO_LIMIT;
    rig_configure(r, &(struct rig_declared){LANE_WORLD});
    rig_workers(r, 2, 16);
}

static void
the_global_cap_holds(void **state)
{
    struct rig     *r = *state;
    struct cap_case c = {"global_cap", "'handler':'noop'", NULL, &r->limits.max_concurrent};

    lift_all_caps(r);
    check_cap(r, &c);
}

static void
the_cap_of_schedule_born_jobs_holds(void **state)
{
    struct rig     *r = *state;
    struct cap_case c = {"schedule_cap", "'handler':'noop','trigger':'schedule'",
                         "'handler':'noop','trigger':'ticket_assigned'",
                         &r->limits.schedule_max_concurrent};

    lift_all_caps(r);
    check_cap(r, &c);
}

static void
schedule_born_means_trigger_schedule_or_heartbeat(void **state)
{
    static const struct {
        const char *trigger;
        bool        is_held;
    } triggers[] = {
        {"schedule",        true },
        {"heartbeat",       true },
        {"manual",          false},
        {"goal_decomposed", false},
        {"routine",         false},
        {"timer",           false},
        {"event",           false},
        {"ticket_assigned", false},
        {"follow_up",       false},
        {"workflow",        false},
    };
    struct rig *r = *state;

    lift_all_caps(r);
    r->limits.schedule_max_concurrent = 0;
    rig_configure(r, &(struct rig_declared){LANE_WORLD});
    for (size_t i = 0; i < ARRAY_LEN(triggers); i++) {
        uint64_t id = rig_submit(r, "'handler':'noop','trigger':'%s'", triggers[i].trigger);

        expect_state(r, id, triggers[i].is_held ? "parked" : "running");
    }
}

static void
the_company_cap_holds(void **state)
{
    struct rig     *r = *state;
    struct cap_case c = {"company_cap", "'handler':'noop','company':'acme'",
                         "'handler':'noop','company':'beta'", &r->limits.company_max_concurrent};

    lift_all_caps(r);
    check_cap(r, &c);
}

static void
the_agent_cap_holds(void **state)
{
    struct rig     *r = *state;
    struct cap_case c = {"agent_cap", "'agent':'acme/anna'", "'agent':'acme/bert'",
                         &r->limits.agent_max_concurrent};

    lift_all_caps(r);
    check_cap(r, &c);
}

static void
an_agent_runs_one_job_by_default(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &(struct rig_declared){LANE_WORLD});
    rig_workers(r, 1, 8);
    uint64_t a = rig_submit(r, "'agent':'acme/anna'");
    uint64_t b = rig_submit(r, "'agent':'acme/anna','handler':'noop'"); /* of another lane */
    expect_state(r, a, "running");
    expect_held(r, b, "agent_cap");
    rig_complete(r, a);
    expect_state(r, b, "running");
}

/* An own cap wins over the general one, and null over a number. */
static void
own_caps_win_over_the_general_ones(void **state)
{
    struct rig *r = *state;
    uint64_t    id[8];

    r->limits.company_max_concurrent = 1;
    r->limits.agent_max_concurrent = 1;
    rig_configure(r,
                  &(struct rig_declared){
                      .companies =
                          "{'name':'two','max_concurrent':2},{'name':'free','max_concurrent':null},"
                          "{'name':'none','max_concurrent':0}",
                      .agents = "{'name':'a','company':'free','max_concurrent':3,'handler':'noop'}",
                      .handlers = "{'name':'one','kind':'exec','command':['x'],'max_concurrent':1}",
                  });
    rig_workers(r, 2, 16);
    for (int i = 0; i < 3; i++)
        id[i] = rig_submit(r, "'handler':'noop','company':'two'");
    expect_state(r, id[1], "running");
    expect_held(r, id[2], "company_cap");
    for (int i = 0; i < 5; i++)
        id[i] = rig_submit(r, "'agent':'free/a'");
    expect_state(r, id[2], "running");
    expect_held(r, id[3], "agent_cap");
    for (int i = 0; i < 8; i++)
        id[i] = rig_submit(r, "'handler':'noop','company':'free'");
    expect_state(r, id[7], "running");
    expect_held(r, rig_submit(r, "'handler':'noop','company':'none'"), "company_cap");
    uint64_t first = rig_submit(r, "'handler':'one','company':'free'");
    uint64_t second =
        rig_submit(r, "'handler':'one','company':'two'"); /* company cap comes first */
    uint64_t third = rig_submit(r, "'handler':'one','company':'free'");
    expect_state(r, first, "running");
    expect_held(r, second, "company_cap");
    expect_held(r, third, "handler_cap"); /* over all companies */
}

static void
an_own_cap_changes_live(void **state)
{
    struct rig *r = *state;
    uint64_t    id[4];

    rig_configure(r, &(struct rig_declared){.handlers = "{'name':'h','kind':'exec','command':['x'],"
                                                        "'max_concurrent':1}"});
    rig_workers(r, 1, 8);
    for (size_t i = 0; i < ARRAY_LEN(id); i++)
        id[i] = rig_submit(r, "'handler':'h'");
    expect_held(r, id[1], "handler_cap");
    rig_configure(r, &(struct rig_declared){.handlers = "{'name':'h','kind':'exec','command':['x'],"
                                                        "'max_concurrent':3}"});
    expect_state(r, id[2], "running"); /* in the very turn of the reload */
    expect_held(r, id[3], "handler_cap");
    rig_configure(r,
                  &(struct rig_declared){.handlers = "{'name':'h','kind':'exec','command':['x']}"});
    expect_state(r, id[3], "running");
}

static void
declare_capped(struct rig *r, int companies, int cap)
{
    BUF_AUTO struct buf list = {0};

    for (int i = 0; i < companies; i++)
        buf_printf(&list, "%s{'name':'c%d','max_concurrent':%d}", i > 0 ? "," : "", i, cap);
    rig_configure(r, &(struct rig_declared){.companies = buf_str(&list)});
}

static void
any_number_of_caps_can_change_in_one_turn(void **state)
{
    enum { COUNT = 150 };
    struct rig *r = *state;

    r->is_unchecked = true;
    declare_capped(r, COUNT, 0);
    rig_workers(r, 4, 64);
    for (int i = 0; i < 2 * COUNT; i++)
        (void)rig_queue(r, "job.submit", "'handler':'noop','company':'c%d'", i % COUNT);
    rig_turn(r);
    assert_int_equal(rig_running(r), 0);
    r->is_unchecked = false;
    declare_capped(r, COUNT, 1);
    assert_int_equal(rig_running(r), COUNT);
    for (uint64_t id = 1; id <= COUNT; id++) /* and as many can be freed */
        rig_ended(r, id, "'verdict':'completed'");
    rig_turn(r);
    assert_int_equal(rig_running(r), COUNT);
    expect_state(r, COUNT + 1, "running");
    expect_state(r, 2 * COUNT, "running");
}

static void
a_full_pool_is_not_parked(void **state)
{
    struct rig *r = *state;

    uint64_t early = rig_submit(r, "'handler':'noop'");
    expect_held(r, early, "no_worker");
    rig_workers(r, 1, 1);
    expect_state(r, early, "running");
    uint64_t id = rig_submit(r, "'handler':'noop'");
    expect_state(r, id, "ready"); /* waiting only for a free slot is ready (A1) */
    assert_true(rig_is_nil(r, "reason"));
}

/* A limit that frees while something else holds all is not forgotten. */
static void
what_is_freed_under_a_full_global_cap_starts_later(void **state)
{
    struct rig *r = *state;

    r->limits.company_max_concurrent = 1;
    rig_configure(r, &(struct rig_declared){LANE_WORLD});
    rig_workers(r, 1, 8);
    uint64_t a = rig_submit(r, "'handler':'noop','company':'acme'");
    uint64_t b = rig_submit(r, "'handler':'noop','company':'acme'");
    uint64_t c = rig_submit(r, "'handler':'noop','company':'beta'");
    uint64_t d = rig_submit(r, "'handler':'noop'");
    expect_held(r, b, "company_cap");
    r->limits.max_concurrent = 1;
    rig_configure(r, &(struct rig_declared){LANE_WORLD});
    rig_complete(r, a);
    expect_held(r, b, "global_cap");
    rig_complete(r, c);
    rig_complete(r, d);
    expect_state(r, b, "running");
}

static void
what_is_freed_without_a_free_slot_starts_later(void **state)
{
    struct rig *r = *state;

    r->limits.company_max_concurrent = 1;
    rig_configure(r, &(struct rig_declared){LANE_WORLD});
    rig_workers(r, 2, 1);
    uint64_t a = rig_submit(r, "'handler':'noop','company':'acme'");
    uint64_t b = rig_submit(r, "'handler':'noop','company':'acme'");
    uint64_t c = rig_submit(r, "'handler':'noop','company':'beta'");
    expect_held(r, b, "company_cap");
    rig_retire(r, rig_lease(r, a)->worker);
    rig_complete(r, a);
    expect_state(r, b, "ready");
    rig_complete(r, c);
    expect_state(r, b, "running");
}

static void
caps_count_what_a_stopping_job_still_holds(void **state)
{
    struct rig *r = *state;

    r->limits.company_max_concurrent = 1;
    rig_configure(r, &(struct rig_declared){0});
    rig_workers(r, 1, 8);
    uint64_t a = rig_submit(r, "'handler':'noop'");
    uint64_t b = rig_submit(r, "'handler':'noop'");
    rig_must(r, "job.cancel", "'id':%d", (int)a);
    expect_held(r, b, "company_cap"); /* its processes still run (N1) */
    rig_ended(r, a, "'verdict':'failed'");
    rig_turn(r);
    expect_state(r, b, "running");
}

static void
many_leases_and_deliveries_fit_the_table(void **state)
{
    struct rig         *r = *state;
    BUF_AUTO struct buf jobs = {0};

    r->is_unchecked = true;
    r->limits.company_max_concurrent = NO_LIMIT;
    rig_configure(r, &(struct rig_declared){0});
    for (uint32_t w = 0; w < WORKERS_MAX; w++) {
        rig_worker_started(r, w, SLOTS_MAX / WORKERS_MAX);
        rig_hello(r, w);
    }
    rig_turn(r);
    for (int i = 0; i < 1000; i++)
        buf_printf(&jobs, "%s{'handler':'noop'}", i > 0 ? "," : "");
    rig_must(r, "job.submit_many", "'jobs':[%s]", buf_str(&jobs));
    rig_must(r, "job.submit_many", "'jobs':[%s]", buf_str(&jobs));
    rig_settle(r);
    assert_int_equal(rig_running(r), SLOTS_MAX);
    rig_complete(r, 1);
    assert_int_equal(rig_running(r), SLOTS_MAX);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(the_global_cap_holds),
        TEST(the_cap_of_schedule_born_jobs_holds),
        TEST(schedule_born_means_trigger_schedule_or_heartbeat),
        TEST(the_company_cap_holds),
        TEST(the_agent_cap_holds),
        TEST(an_agent_runs_one_job_by_default),
        TEST(own_caps_win_over_the_general_ones),
        TEST(an_own_cap_changes_live),
        TEST(any_number_of_caps_can_change_in_one_turn),
        TEST(a_full_pool_is_not_parked),
        TEST(what_is_freed_under_a_full_global_cap_starts_later),
        TEST(what_is_freed_without_a_free_slot_starts_later),
        TEST(caps_count_what_a_stopping_job_still_holds),
        TEST(many_leases_and_deliveries_fit_the_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
