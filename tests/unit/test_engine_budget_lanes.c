/* However many lanes do not fit in what a budget has left, those that do fit start, in turns of
 * bounded work (B6, N6, N9). */
#include "tests/unit/engine_rig.h"
#include <inttypes.h>

#define TURN_ROWS 15000 /* a turn may read */

/* Company acme with 1000 tokens a day: two jobs reserve all of them, `big` 700 and `small` 300. */
struct scene {
    uint64_t big, small;
    uint64_t fits; /* a job of 250 tokens, behind `ahead` others and before the rest of them … */
    uint64_t last; /* … of which this is the last: 900 tokens each */
};

static uint64_t
submit(struct rig *r, const char *agent, unsigned n, unsigned tokens)
{
    (void)rig_queue(r, "agent.add", "'name':'%s%u','handler':'noop','company':'acme'", agent, n);
    return rig_queue(r, "job.submit", "'agent':'%s%u','company':'acme','token_budget':%u", agent, n,
                     tokens);
}

static uint64_t
submitted(struct rig *r, uint64_t request)
{
    rig_turn(r);
    assert_int_equal(rig_answer(r, request), E_OK);
    return (uint64_t)rig_i64(r, "id");
}

static struct scene
begin(struct rig *r, unsigned ahead, unsigned behind)
{
    struct scene s;

    r->limits.company_max_concurrent = NO_LIMIT;
    rig_configure(r, &(struct rig_declared){.companies = "{'name':'acme','daily_tokens':1000}"});
    rig_workers(r, 1, 8);
    r->is_unchecked = ahead + behind > 100;
    s.big = submitted(r, submit(r, "big", 0, 700));
    s.small = submitted(r, submit(r, "small", 0, 300));
    for (unsigned i = 0; i + 1 < ahead; i++) {
        (void)submit(r, "misfit", i, 900);
        if (i % 400 == 399) rig_turn(r);
    }
    s.last = submitted(r, submit(r, "misfit", ahead, 900));
    s.fits = submitted(r, submit(r, "fits", 0, 250));
    for (unsigned i = 0; i < behind; i++) {
        s.last = submit(r, "behind", i, 900);
        if (i % 400 == 399 && i + 1 < behind) rig_turn(r);
    }
    if (behind) s.last = submitted(r, s.last);
    rig_settle(r);
    assert_int_equal(rig_running(r), 2);
    expect_state(r, s.fits, "parked");
    expect_state(r, s.last, "parked");
    return s;
}

/* Until it runs another turn is due, so that `why` may say that it starts at once. */
static unsigned
turns_until_it_runs(struct rig *r, uint64_t id)
{
    unsigned turns = 0;

    while (!rig_lease(r, id)) {
        rig_must_read(r, "job.why", "'id':%" PRIu64, id);
        if (strcmp(rig_text(r, "state"), "ready") == 0) {
            assert_string_equal(rig_text(r, "text"), "nothing holds it: it starts at once");
            assert_true(rig_is_due(r));
        }
        rig_turn(r);
        assert_in_range(r->reads, 0, TURN_ROWS);
        assert_in_range(++turns, 1, 100);
    }
    return turns;
}

/* What does not fit is told so, and nothing is done for it. */
static void
expect_rest_is_held(struct rig *r, const struct scene *s)
{
    rig_settle(r);
    rig_must_read(r, "job.why", "'id':%" PRIu64, s->last);
    assert_string_equal(rig_text(r, "state"), "parked");
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "budget");
    rig_turn(r);
    assert_int_equal(r->writes, 0);
    assert_false(rig_is_due(r));
    assert_in_range(r->reads, 0, 100);
}

static void
check_behind(void **state, unsigned misfits)
{
    struct rig  *r = *state;
    struct scene s = begin(r, misfits, 0);

    rig_ended(r, s.big, "'verdict':'completed','output_tokens':200");
    assert_in_range(turns_until_it_runs(r, s.fits), 1, 3 + misfits / 200);
    expect_rest_is_held(r, &s);
}

static void
a_job_that_fits_starts_behind_65_that_do_not(void **state)
{
    check_behind(state, 65);
}

static void
a_job_that_fits_starts_behind_200_that_do_not(void **state)
{
    check_behind(state, 200);
}

static void
a_job_that_fits_starts_behind_3000_that_do_not(void **state)
{
    check_behind(state, 3000);
}

static void
nothing_is_looked_for_when_nothing_fits(void **state)
{
    struct rig  *r = *state;
    struct scene s = begin(r, 1000, 0);

    rig_ended(r, s.big, "'verdict':'completed','output_tokens':600");
    expect_rest_is_held(r, &s);
    expect_state(r, s.fits, "parked");
    assert_int_equal(rig_running(r), 1);
}

static void
a_release_during_the_search_is_not_lost(void **state)
{
    struct rig  *r = *state;
    struct scene s = begin(r, 100, 2000);

    rig_ended(r, s.big, "'verdict':'completed','output_tokens':500"); /* 200 are left */
    for (int i = 0; i < 4; i++)
        rig_turn(r);
    assert_true(rig_is_due(r)); /* the search is under way, behind the one that will fit */
    assert_null(rig_lease(r, s.fits));
    rig_ended(r, s.small, "'verdict':'completed'");
    assert_in_range(turns_until_it_runs(r, s.fits), 1, 20);
    expect_rest_is_held(r, &s);
}

static void
a_release_while_all_is_stopped_is_not_lost_by_a_crash(void **state)
{
    struct rig  *r = *state;
    struct scene s = begin(r, 200, 200);

    rig_must(r, "stop", "'scope':'new'");
    rig_ended(r, s.big, "'verdict':'completed','output_tokens':200");
    rig_settle(r);
    rig_crash(r);
    rig_settle(r);
    rig_must(r, "resume", " ");
    rig_workers(r, 1, 8);
    (void)turns_until_it_runs(r, s.fits);
    expect_rest_is_held(r, &s);
}

/* More than can start would only be moved back. */
static void
no_more_lanes_are_moved_than_slots_are_free(void **state)
{
    struct rig  *r = *state;
    struct scene s = begin(r, 70, 0);

    for (unsigned i = 0; i < 300; i++)
        (void)submit(r, "many", i, 1);
    rig_settle(r);
    for (int i = 0; i < 5; i++) /* of another company */
        (void)rig_submit(r, "'handler':'noop'");
    assert_int_equal(rig_running(r), 7);
    rig_ended(r, s.big, "'verdict':'completed','output_tokens':200");
    for (int i = 0; i < 4; i++) {
        rig_turn(r);
        assert_in_range(r->writes, 0, 100);
    }
    assert_int_equal(rig_running(r), 8);
    assert_false(rig_is_due(r));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_job_that_fits_starts_behind_65_that_do_not),
        TEST(a_job_that_fits_starts_behind_200_that_do_not),
        TEST(a_job_that_fits_starts_behind_3000_that_do_not),
        TEST(nothing_is_looked_for_when_nothing_fits),
        TEST(a_release_during_the_search_is_not_lost),
        TEST(a_release_while_all_is_stopped_is_not_lost_by_a_crash),
        TEST(no_more_lanes_are_moved_than_slots_are_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
