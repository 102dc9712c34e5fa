/* What a daily budget lets start, and when it is looked at again (B6, N25). */
#include "tests/unit/engine_rig.h"

#define TEN_TURNS_A_DAY                              \
    .companies = "{'name':'acme','daily_turns':10}", \
    .handlers = "{'name':'h','kind':'exec','command':['x']}"

static uint64_t
submit(struct rig *r, int turns, int priority)
{
    return rig_submit(r, "'company':'acme','handler':'h','max_turns':%d,'priority':%d", turns,
                      priority);
}

static void
expect_held(struct rig *r, uint64_t id)
{
    expect_state(r, id, "parked");
    assert_string_equal(rig_text(r, "reason"), "budget");
}

static void
what_stood_behind_a_held_job_starts_when_that_is_cancelled(void **state)
{
    struct rig *r = *state;
    uint64_t    big, small;

    rig_configure(r, &(struct rig_declared){TEN_TURNS_A_DAY});
    rig_workers(r, 1, 4);
    expect_state(r, submit(r, 6, 50), "running");
    big = submit(r, 8, 60);
    small = submit(r, 3, 50);
    expect_held(r, small);
    rig_must(r, "job.cancel", "'id':%d", (int)big);
    expect_state(r, small, "running");
}

static void
configure(struct rig *r, const char *schedules, int64_t max_concurrent)
{
    r->limits.max_concurrent = max_concurrent;
    rig_configure(r,
                  &(struct rig_declared){.handlers = "{'name':'h','kind':'exec','command':['x']}",
                                         .schedules = schedules});
    rig_settle(r);
}

static void
a_schedule_that_comes_to_have_a_limit_holds_its_own_job_only(void **state)
{
#define EVERY_HOUR(name, rest) \
    "{'name':'" name "','handler':'h','every_ms':3600000,'max_turns':5" rest "}"
    static const char plain[] = EVERY_HOUR("s", "") "," EVERY_HOUR("t", "");
    static const char limited[] = EVERY_HOUR("s", ",'daily_turns':5") "," EVERY_HOUR("t", "");
    struct rig       *r = *state;

    configure(r, plain, NO_LIMIT);
    rig_workers(r, 1, 4);
    rig_advance(r, HOUR_MS);
    rig_ended(r, 1, "'verdict':'completed','turns':4");
    rig_ended(r, 2, "'verdict':'completed'");
    rig_settle(r);
    configure(r, plain, 0);
    rig_advance(r, HOUR_MS);
    expect_state(r, 3, "parked"); /* both before s has its limit */
    expect_state(r, 4, "parked");
    configure(r, limited, NO_LIMIT);
    expect_held(r, 3);
    expect_state(r, 4, "running");
    rig_advance(r, DAY_MS);
    expect_state(r, 3, "running");
}

/* The inputs are run one by one, without due work: none of these turns may take the step back for
 * known. */
static void
a_clock_that_went_back_is_noticed_behind_a_commit_that_failed(void **state)
{
    struct rig *r = *state;
    uint64_t    held;

    rig_configure(r, &(struct rig_declared){TEN_TURNS_A_DAY});
    rig_workers(r, 1, 4);
    rig_ended(r, submit(r, 10, 50), "'verdict':'completed','turns':10");
    rig_settle(r);
    held = submit(r, 10, 50);
    expect_held(r, held);
    r->header.now.wall_ms -= DAY_MS;
    (void)rig_queue(r, "job.submit", "'handler':'noop'");
    rig_turn_singly(r);
    rig_settle(r);
    expect_state(r, held, "running"); /* it is another day */
}

static void
a_day_that_begins_is_noticed_behind_a_commit_that_failed(void **state)
{
    struct rig *r = *state;
    uint64_t    held;

    rig_configure(r, &(struct rig_declared){TEN_TURNS_A_DAY});
    rig_workers(r, 1, 4);
    rig_ended(r, submit(r, 10, 50), "'verdict':'completed','turns':10");
    rig_settle(r);
    held = submit(r, 10, 50);
    expect_held(r, held);
    rig_wait(r, DAY_MS);
    (void)rig_queue(r, "job.submit", "'handler':'noop'");
    rig_turn_singly(r);
    rig_settle(r);
    expect_state(r, held, "running");
}

/* A day's row comes with the first amount: the check of the store knows that. */
static void
an_attempt_that_reserves_nothing_needs_no_row_of_the_day(void **state)
{
    struct rig *r = *state;

    r->limits.reserve_tokens = 0;
    rig_configure(r,
                  &(struct rig_declared){.companies = "{'name':'acme','daily_tokens':100}",
                                         .handlers = "{'name':'h','kind':'exec','command':['x']}"});
    rig_workers(r, 1, 4);
    expect_state(r, submit(r, 6, 50), "running");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        T(what_stood_behind_a_held_job_starts_when_that_is_cancelled),
        T(an_attempt_that_reserves_nothing_needs_no_row_of_the_day),
        T(a_schedule_that_comes_to_have_a_limit_holds_its_own_job_only),
        T(a_clock_that_went_back_is_noticed_behind_a_commit_that_failed),
        T(a_day_that_begins_is_noticed_behind_a_commit_that_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
