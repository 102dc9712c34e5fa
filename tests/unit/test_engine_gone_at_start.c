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

/* ---- names that are not free ------------------------------------------------------ */

static const struct rig_declared anna = {
    .agents = "{'name':'anna','handler':'noop'}",
    .schedules = "{'name':'often','agent':'anna','every_ms':60000}",
};

/* A job of it runs, by which it is being removed when agentd ends. */
static uint64_t
remove_while_it_works(struct rig *r, const char *op, const char *name, const char *agent)
{
    uint64_t id;

    rig_workers(r, 1, 1);
    id = rig_submit(r, "'agent':'%s'", agent);
    expect_state(r, id, "running");
    rig_must(r, op, "'name':'%s','cascade':true", name);
    return id;
}

/* What it waits for ends, and the configuration in force comes again. */
static void
configure_again(struct rig *r, const struct rig_declared *d)
{
    assert_false(engine_wants_config(r->engine));
    rig_workers(r, 1, 1);
    rig_old_leases_gone(r);
    rig_settle(r);
    assert_true(engine_wants_config(r->engine));
    r->config_again = true;
    rig_configure(r, d);
    r->config_again = false;
    assert_false(engine_wants_config(r->engine));
    assert_string_equal(rig_warnings(r), "");
}

static void
an_agent_that_is_still_being_removed_bars_no_start_and_comes_anew(void **state)
{
    struct rig *r = *state;

    rig_must(r, "agent.add", "'name':'anna','handler':'noop'");
    (void)remove_while_it_works(r, "agent.remove", "anna", "anna");
    start(r, &anna);
    assert_string_equal(rig_text(r, "plan.0.action"), "bar");
    assert_non_null(strstr(rig_warnings(r), "agent anna is declared in the configuration file and "
                                            "still being removed"));
    rig_must_read(r, "agent.show", "'name':'anna'");
    assert_string_equal(rig_text(r, "status"), "removing");
    configure_again(r, &anna);
    rig_must_read(r, "agent.show", "'name':'anna'");
    assert_string_equal(rig_text(r, "status"), "active");
    assert_string_equal(rig_text(r, "origin"), "config");
    rig_advance(r, MINUTE_MS);
    rig_must_read(r, "schedule.show", "'name':'often'");
    assert_int_equal(rig_i64(r, "firing_count"), 1);
}

static void
what_is_declared_in_a_company_waits_with_it(void **state)
{
    static const struct rig_declared acme = {
        .companies = "{'name':'acme'}",
        .agents = "{'name':'anna','company':'acme','handler':'noop'}",
        .schedules = "{'name':'often','company':'acme','agent':'anna','every_ms':60000}",
    };
    struct rig *r = *state;

    rig_must(r, "company.add", "'name':'acme'");
    rig_must(r, "agent.add", "'name':'anna','company':'acme','handler':'noop'");
    (void)remove_while_it_works(r, "company.remove", "acme", "acme/anna");
    start(r, &acme);
    assert_int_equal(rig_len(r, "plan"), 3);
    configure_again(r, &acme);
    rig_must_read(r, "schedule.show", "'name':'acme/often'");
    assert_string_equal(rig_text(r, "status"), "active");
}

static void
what_was_made_through_the_api_stands_and_bars_no_start(void **state)
{
    struct rig *r = *state;

    rig_must(r, "schedule.add", "'name':'often','handler':'noop','every_ms':3600000");
    assert_int_equal(rig_try_configure(r, &anna, false), E_CONFLICT);
    assert_non_null(strstr(r->error.hint, "agentctl schedule remove"));
    start(r, &anna);
    assert_non_null(strstr(rig_warnings(r), "`agentctl schedule remove often` and reload"));
    rig_must_read(r, "schedule.show", "'name':'often'");
    assert_string_equal(rig_text(r, "origin"), "api");
    assert_int_equal(rig_i64(r, "every_ms"), 3600000);
    assert_false(engine_wants_config(r->engine));
    rig_must(r, "schedule.remove", "'name':'often'");
    assert_string_equal(rig_warnings(r), "");
    rig_configure(r, &anna);
    rig_must_read(r, "schedule.show", "'name':'often'");
    assert_string_equal(rig_text(r, "origin"), "config");
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
        TEST(an_agent_that_is_still_being_removed_bars_no_start_and_comes_anew),
        TEST(what_is_declared_in_a_company_waits_with_it),
        TEST(what_was_made_through_the_api_stands_and_bars_no_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
