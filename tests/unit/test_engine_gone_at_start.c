/* What is gone from the file at a start: nothing is due before the file is in force, and what
 * unfinished work needs stays, so that the daemon starts (J6, N35). */
#include "tests/unit/engine_rig.h"

#define DAILY  "{'name':'daily','handler':'h','cron':'0 5 * * *'}"
#define MINUTE "{'name':'often','agent':'anna','every_ms':60000,'overlap':'allow'}"

static const struct rig_declared full = {
    .agents = "{'name':'anna','profile':'p'}",
    .handlers = "{'name':'h','kind':'noop'}",
    .profiles = "{'name':'p','handler':'h'}",
    .schedules = MINUTE "," DAILY,
};
static const struct rig_declared none = {0};

static void
start(struct rig *r, const struct rig_declared *d)
{
    r->config_follows = true;
    rig_crash(r);
    rig_configure(r, d);
}

/* A firing of `often` runs; the others wait. */
static void
run_one(struct rig *r)
{
    rig_configure(r, &full);
    rig_workers(r, 1, 1);
    rig_advance(r, MINUTE_MS);
    expect_state(r, 1, "running");
}

static void
an_overdue_schedule_that_is_gone_makes_no_job(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &full);
    r->config_follows = true;
    rig_stop(r);
    rig_wait(r, DAY_MS);
    rig_turn(r);
    assert_true(r->deadline.wall_ms == INT64_MAX);
    assert_int_equal(rig_rows(r, TABLE_JOB_STATE), 0);
    rig_configure(r, &none);
    rig_settle(r);
    assert_int_equal(rig_rows(r, TABLE_JOB_STATE), 0);
    assert_int_equal(rig_read(r, "schedule.show", "'name':'daily'"), E_NOT_FOUND);
    assert_string_equal(rig_warnings(r), "");
}

static void
what_a_job_needs_stays_and_the_rest_goes(void **state)
{
    struct rig *r = *state;

    run_one(r);
    start(r, &none);
    assert_int_equal(rig_read(r, "schedule.show", "'name':'daily'"), E_NOT_FOUND);
    rig_must_read(r, "schedule.show", "'name':'often'");
    assert_string_equal(rig_text(r, "status"), "paused");
    assert_non_null(strstr(rig_text(r, "pause_reason"), "gone from the configuration file"));
    rig_must_read(r, "agent.show", "'name':'anna'");
    rig_must_read(r, "profile.show", "'name':'p'");
    assert_non_null(strstr(rig_warnings(r), "schedule often is gone from the configuration file"));
    assert_non_null(strstr(rig_warnings(r), "agent anna is gone"));
    assert_non_null(strstr(rig_warnings(r), "handler h is gone"));
}

static void
what_stayed_fires_no_more_and_goes_with_the_next_reload(void **state)
{
    struct rig *r = *state;

    run_one(r);
    start(r, &none);
    rig_workers(r, 1, 1);
    rig_old_leases_gone(r);
    rig_advance(r, 10 * MINUTE_MS);
    assert_int_equal(rig_rows(r, TABLE_JOB_STATE), 1);
    assert_int_equal(rig_try_configure(r, &none, false), E_IN_USE);
    rig_must(r, "job.cancel", "'id':1");
    rig_settle(r);
    rig_old_leases_gone(r);
    rig_settle(r);
    expect_state(r, 1, "running");
    rig_ended(r, 1, "'verdict':'cancelled'");
    rig_configure(r, &none);
    assert_int_equal(rig_read(r, "schedule.show", "'name':'often'"), E_NOT_FOUND);
    assert_int_equal(rig_read(r, "agent.show", "'name':'anna'"), E_NOT_FOUND);
    assert_string_equal(rig_warnings(r), "");
}

static void
what_waits_of_a_schedule_that_is_gone_ends(void **state)
{
    static const char   often[] = "{'name':'often','agent':'anna','every_ms':60000,"
                                  "'max_attempts':2,'retry_base_ms':60000}";
    struct rig_declared retried = full;
    struct rig         *r = *state;

    retried.schedules = often;
    rig_configure(r, &retried);
    rig_workers(r, 1, 1);
    rig_advance(r, MINUTE_MS);
    rig_fail(r, 1, "tool_failed");
    rig_must(r, "schedule.pause", "'name':'often','until':%lld",
             (long long)(r->header.now.wall_ms + DAY_MS));
    rig_advance(r, 2 * MINUTE_MS);
    expect_state(r, 1, "parked");
    start(r, &none);
    rig_must_read(r, "schedule.show", "'name':'often'");
    assert_string_equal(rig_text(r, "status"), "paused");
    rig_workers(r, 1, 1);
    expect_state(r, 1, "running");
    rig_complete(r, 1);
    rig_configure(r, &none);
    assert_int_equal(rig_read(r, "schedule.show", "'name':'often'"), E_NOT_FOUND);
}

static void
what_stayed_and_is_declared_again_fires_again(void **state)
{
    struct rig *r = *state;

    run_one(r);
    start(r, &none);
    start(r, &full);
    rig_must_read(r, "schedule.show", "'name':'often'");
    assert_string_equal(rig_text(r, "status"), "active");
    assert_true(rig_is_nil(r, "pause_reason"));
    assert_string_equal(rig_warnings(r), "");
}

static void
a_pause_by_hand_outlives_both(void **state)
{
    struct rig *r = *state;

    run_one(r);
    rig_must(r, "schedule.pause", "'name':'often','reason':'mine'");
    start(r, &none);
    start(r, &full);
    rig_must_read(r, "schedule.show", "'name':'often'");
    assert_string_equal(rig_text(r, "pause_reason"), "mine");
}

static void
what_the_api_made_keeps_what_it_refers_to(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &full);
    rig_must(r, "schedule.add", "'name':'own','agent':'anna','every_ms':60000");
    start(r, &none);
    rig_must_read(r, "agent.show", "'name':'anna'");
    rig_must_read(r, "profile.show", "'name':'p'");
    assert_int_equal(rig_read(r, "schedule.show", "'name':'often'"), E_NOT_FOUND);
    rig_must_read(r, "schedule.show", "'name':'own'");
    assert_string_equal(rig_text(r, "status"), "active");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(an_overdue_schedule_that_is_gone_makes_no_job),
        TEST(what_a_job_needs_stays_and_the_rest_goes),
        TEST(what_stayed_fires_no_more_and_goes_with_the_next_reload),
        TEST(what_waits_of_a_schedule_that_is_gone_ends),
        TEST(what_stayed_and_is_declared_again_fires_again),
        TEST(a_pause_by_hand_outlives_both),
        TEST(what_the_api_made_keeps_what_it_refers_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
