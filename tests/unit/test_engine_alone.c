/* A job that must run alone gets a worker for itself, whatever else wants to run (N4). */
#include "tests/unit/engine_rig.h"

enum { WORKERS = 2, SLOTS = 4 };

static uint64_t
stream_one(struct rig *r)
{
    return rig_submit(r, "'handler':'noop','company':'other'");
}

static void
end_one(struct rig *r)
{
    size_t i = 0;

    while (i < r->lease_count && !r->leases[i].is_live)
        i++;
    assert_true(i < r->lease_count);
    rig_complete(r, r->leases[i].id);
}

/* Each time a job ends another is there already. */
static uint32_t
ends_of_others_until_it_runs(struct rig *r, uint64_t id)
{
    for (uint32_t n = 0; n < 50; n++) {
        if (strcmp(rig_job_text(r, id, "state"), "running") == 0) return n;
        (void)stream_one(r);
        end_one(r);
    }
    return UINT32_MAX;
}

static void
a_stream_of_others_does_not_starve_it(void **state)
{
    struct rig *r = *state;

    rig_must(r, "company.add", "'name':'other','max_concurrent':100");
    rig_workers(r, WORKERS, SLOTS);
    uint64_t id = rig_submit(r, "'handler':'noop','priority':90");
    for (int i = 0; i < 20; i++)
        (void)stream_one(r);
    uint32_t lost = rig_lease(r, id)->worker;
    rig_worker_gone(r, lost);
    rig_turn(r);
    assert_int_equal(rig_running(r), SLOTS);
    end_one(r);
    expect_state(r, id, "parked");
    assert_string_equal(rig_text(r, "reason"), "alone");
    rig_must_read(r, "job.why", "'id':%d", (int)id);
    assert_non_null(strstr(rig_text(r, "text"), "is kept for it and has 3 jobs left"));
    assert_false(rig_is_nil(r, "earliest_at"));
    assert_int_equal(ends_of_others_until_it_runs(r, id), SLOTS - 1);
    rig_complete(r, id);
    assert_true(rig_running(r) > 0);
}

static void
the_worker_is_let_go_when_the_job_goes(void **state)
{
    struct rig *r = *state;

    rig_must(r, "company.add", "'name':'other','max_concurrent':100");
    rig_workers(r, WORKERS, SLOTS);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    uint64_t other = stream_one(r);
    uint32_t lost = rig_lease(r, id)->worker;
    assert_int_not_equal(rig_lease(r, other)->worker, lost);
    rig_worker_gone(r, lost);
    rig_turn(r);
    uint64_t waits = stream_one(r);
    expect_state(r, waits, "ready");
    rig_must_read(r, "job.why", "'id':%d", (int)waits);
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "no_slot");
    assert_non_null(strstr(rig_text(r, "text"), "kept for a job that runs alone"));
    rig_must(r, "job.cancel", "'id':%d", (int)id);
    expect_state(r, waits, "running");
}

static void
an_attempt_that_ends_in_order_has_neighbours_again(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, SLOTS);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    rig_worker_gone(r, 0);
    rig_turn(r);
    rig_worker_started(r, 0, SLOTS);
    rig_hello(r, 0);
    rig_turn(r);
    expect_state(r, id, "running");
    uint64_t other = rig_submit(r, "'handler':'noop'");
    expect_state(r, other, "ready"); /* it runs alone */
    rig_ended(r, id, "'verdict':'snoozed','after_ms':1000");
    rig_turn(r);
    expect_state(r, other, "running");
    rig_advance(r, 1000);
    expect_state(r, id, "running");
    expect_state(r, other, "running");
}

/* Its company's cap has room for them, but only the worker that is kept has a slot. */
static void
what_waits_behind_it_is_not_moved_in_idle_turns(void **state)
{
    struct rig *r = *state;

    rig_must(r, "company.add", "'name':'other','max_concurrent':100");
    rig_must(r, "company.add", "'name':'capped','max_concurrent':1");
    rig_workers(r, WORKERS, SLOTS);
    uint64_t id = rig_submit(r, "'handler':'noop','priority':90");
    uint64_t capped = rig_submit(r, "'handler':'noop','company':'capped'"), last = 0;
    for (int i = 0; i < 4; i++)
        (void)stream_one(r);
    for (int i = 0; i < 5; i++) {
        rig_must(r, "agent.add", "'name':'a%d','handler':'noop','company':'capped'", i);
        last = rig_submit(r, "'agent':'a%d','company':'capped'", i);
    }
    expect_state(r, last, "parked");
    assert_int_not_equal(rig_lease(r, id)->worker, rig_lease(r, capped)->worker);
    rig_worker_gone(r, rig_lease(r, id)->worker);
    rig_turn(r);
    assert_string_equal(rig_job_text(r, id, "reason"), "alone");
    rig_complete(r, capped);
    rig_settle(r);
    for (int i = 0; i < 3; i++) {
        rig_turn(r);
        assert_int_equal(r->writes, 0);
    }
    rig_must(r, "job.cancel", "'id':%d", (int)id);
    while (rig_running(r) > 0)
        end_one(r);
    expect_state(r, last, "completed");
}

/* The only worker that is left runs `capped` and has a slot, which is kept for a job of priority
 * 50; what goes before that is held. */
static uint64_t
keep_a_slot(struct rig *r, const char *limits, const char *more, uint64_t *alone)
{
    uint64_t ends;

    rig_must(r, "company.add", "'name':'other','max_concurrent':100");
    rig_must(r, "company.add", "'name':'capped',%s", limits);
    rig_workers(r, WORKERS, SLOTS);
    *alone = rig_submit(r, "'handler':'noop','priority':50");
    ends = rig_submit(r, "'handler':'noop','company':'other','priority':10");
    for (int i = 0; i < 3; i++)
        (void)rig_submit(r, "'handler':'noop','company':'other','priority':10");
    uint64_t capped = rig_submit(r, "'handler':'noop','company':'capped','priority':10%s", more);
    for (int i = 0; i < 2; i++)
        (void)rig_submit(r, "'handler':'noop','company':'other','priority':10");
    rig_worker_gone(r, rig_lease(r, *alone)->worker);
    rig_turn(r);
    expect_state(r, capped, "running");
    rig_complete(r, ends);
    assert_string_equal(rig_job_text(r, *alone, "reason"), "alone");
    return capped;
}

static void
a_raised_cap_lets_what_goes_before_it_use_its_worker(void **state)
{
    struct rig *r = *state;
    uint64_t    alone;

    (void)keep_a_slot(r, "'max_concurrent':1", "", &alone);
    uint64_t low = rig_submit(r, "'handler':'noop','company':'capped','priority':40");
    rig_must(r, "agent.add", "'name':'anna','handler':'noop','company':'capped'");
    uint64_t high = rig_submit(r, "'agent':'anna','company':'capped','priority':70");
    assert_string_equal(rig_job_text(r, high, "reason"), "company_cap");
    rig_must(r, "company.set", "'name':'capped','max_concurrent':100");
    expect_state(r, high, "running");
    expect_state(r, low, "ready");
}

/* More lanes than one pass tries do not fit. */
static void
a_budget_that_is_released_lets_what_goes_before_it_use_its_worker(void **state)
{
    struct rig *r = *state;
    uint64_t    alone, last = 0;
    uint64_t    id =
        keep_a_slot(r, "'max_concurrent':100,'daily_tokens':100", ",'token_budget':95", &alone);

    for (int i = 0; i < 80; i++) {
        rig_must(r, "agent.add", "'name':'a%d','handler':'noop','company':'capped'", i);
        last = rig_submit(r, "'agent':'a%d','company':'capped','token_budget':90,'priority':75", i);
    }
    uint64_t low = rig_submit(r, "'handler':'noop','company':'capped','token_budget':20,"
                                 "'priority':40");
    rig_must(r, "agent.add", "'name':'anna','handler':'noop','company':'capped'");
    uint64_t high = rig_submit(r, "'agent':'anna','company':'capped','token_budget':20,"
                                  "'priority':70");
    assert_string_equal(rig_job_text(r, high, "reason"), "budget");
    rig_must(r, "company.set", "'name':'capped','daily_tokens':120");
    rig_settle(r);
    expect_state(r, high, "running");
    rig_ended(r, id, "'verdict':'completed','output_tokens':50");
    rig_settle(r);
    assert_string_equal(rig_job_text(r, last, "reason"), "budget");
    expect_state(r, low, "ready"); /* it goes behind */
    rig_must(r, "job.cancel", "'id':%d", (int)alone);
    rig_settle(r);
    expect_state(r, low, "running");
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_stream_of_others_does_not_starve_it),
        TEST(the_worker_is_let_go_when_the_job_goes),
        TEST(what_waits_behind_it_is_not_moved_in_idle_turns),
        TEST(a_raised_cap_lets_what_goes_before_it_use_its_worker),
        TEST(a_budget_that_is_released_lets_what_goes_before_it_use_its_worker),
        TEST(an_attempt_that_ends_in_order_has_neighbours_again),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
