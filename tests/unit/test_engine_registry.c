/* Companies, agents and profiles through the API; pauses; caps changed while jobs run; liveness. */
#include "tests/unit/engine_rig.h"

static void
caps_raised_and_lowered_take_effect_at_once(void **state)
{
    struct rig *r = *state;
    uint64_t    id[3];

    rig_workers(r, 1, 8);
    rig_must(r, "agent.add", "'name':'scout','handler':'noop','max_concurrent':1");
    for (size_t i = 0; i < 3; i++)
        id[i] = rig_submit(r, "'agent':'scout'");
    assert_int_equal(rig_running(r), 1);
    rig_must(r, "agent.set", "'name':'scout','max_concurrent':2");
    assert_int_equal(rig_running(r), 2);
    rig_must(r, "agent.set", "'name':'scout','max_concurrent':1");
    rig_refused(r, E_BAD_REQUEST, "name", "agent.set", "'name':'scout'");
    rig_complete(r, id[0]);
    assert_int_equal(rig_running(r), 1);
    expect_state(r, id[2], "parked");
}

static void
a_paused_agent_holds_its_jobs_and_a_running_one_ends(void **state)
{
    struct rig *r = *state;
    uint64_t    a, b;

    rig_workers(r, 1, 8);
    rig_must(r, "agent.add", "'name':'scout','handler':'noop'");
    a = rig_submit(r, "'agent':'scout'");
    rig_must(r, "agent.pause", "'name':'scout','reason':'tired'");
    b = rig_submit(r, "'agent':'scout'");
    rig_complete(r, a);
    expect_state(r, a, "completed");
    expect_state(r, b, "parked");
    assert_string_equal(rig_job_text(r, b, "reason"), "paused");
    rig_must_read(r, "job.why", "'id':%llu", (unsigned long long)b);
    assert_string_equal(rig_text(r, "blockers.0.message"), "agent scout is paused: tired");
    rig_must(r, "agent.resume", "'name':'scout'");
    expect_state(r, b, "running");
    rig_refused(r, E_WRONG_STATE, "", "agent.resume", "'name':'scout'");
    rig_refused(r, E_NOT_FOUND, "name", "agent.pause", "'name':'nobody'");
}

static void
bad_requests_change_nothing(void **state)
{
    struct rig *r = *state;

    rig_must(r, "company.add", "'name':'acme'");
    rig_must(r, "agent.add", "'name':'scout','company':'acme','handler':'noop'");
    rig_refused(r, E_CONFLICT, "", "agent.add", "'name':'scout','company':'acme'");
    rig_refused(r, E_NOT_FOUND, "handler", "agent.add", "'name':'b','handler':'gone'");
    rig_refused(r, E_NOT_FOUND, "profile", "agent.add", "'name':'b','profile':'gone'");
    rig_refused(r, E_BAD_REQUEST, "approval", "agent.add", "'name':'b','approval':'maybe'");
    rig_refused(r, E_NOT_FOUND, "agent", "job.submit", "'agent':'scout'");
    rig_refused(r, E_NOT_FOUND, "agent", "job.submit", "'company':'default','agent':'acme/scout'");
    rig_refused(r, E_WRONG_STATE, "", "company.remove", "'name':'default'");
}

static void
what_is_used_goes_by_cascade_only(void **state)
{
    struct rig *r = *state;
    uint64_t    a, b;

    rig_workers(r, 1, 8);
    rig_must(r, "company.add", "'name':'acme'");
    rig_must(r, "agent.add", "'name':'scout','company':'acme','handler':'noop'");
    rig_must(r, "schedule.add", "'name':'s','company':'acme','agent':'scout','every_ms':60000");
    a = rig_submit(r, "'agent':'acme/scout'");
    b = rig_submit(r, "'agent':'acme/scout','delay_ms':3600000");
    rig_refused(r, E_IN_USE, "", "agent.remove", "'name':'acme/scout'");
    assert_string_equal(r->error.msg,
                        "agent \"acme/scout\" is in use by job 1, job 2, schedule acme/s");
    rig_refused(r, E_IN_USE, "", "company.remove", "'name':'acme'");
    assert_non_null(strstr(r->error.msg, "job 1, job 2, agent acme/scout, schedule acme/s"));
    assert_non_null(strstr(r->error.hint, "cascade"));
    rig_must(r, "company.remove", "'name':'acme','cascade':true");
    assert_true(rig_bool(r, "pending"));
    rig_settle(r);
    expect_state(r, b, "cancelled");
    assert_int_equal(rig_read(r, "agent.show", "'name':'acme/scout'"), E_NOT_FOUND);
    rig_ended(r, a, "'verdict':'failed','class':'handler_error'");
    rig_turn(r);
    rig_settle(r);
    expect_state(r, a, "cancelled");
    assert_int_equal(rig_feed_count(r, "company.removed"), 1);
    assert_int_equal(rig_feed_count(r, "schedule.removed"), 1);
    rig_must(r, "company.add", "'name':'acme'");
}

static void
a_silent_agent_is_stale_once_and_comes_back(void **state)
{
    struct rig *r = *state;
    uint64_t    id;

    rig_must(r, "agent.add", "'name':'scout','handler':'noop'");
    rig_must(r, "schedule.add",
             "'name':'pulse','agent':'scout','every_ms':60000,'type':'heartbeat'");
    rig_advance(r, 4 * MINUTE_MS);
    rig_advance(r, 2 * MINUTE_MS);
    assert_int_equal(rig_feed_count(r, "agent.stale"), 1);
    rig_must_read(r, "agent.show", "'name':'scout'");
    assert_string_equal(rig_text(r, "state"), "stale");
    rig_advance(r, 10 * MINUTE_MS);
    assert_int_equal(rig_feed_count(r, "agent.dead"), 1);
    rig_workers(r, 1, 8);
    rig_settle(r);
    id = 1;
    expect_state(r, id, "running");
    assert_int_equal(rig_feed_count(r, "agent.alive"), 1);
    rig_complete(r, id);
    rig_must_read(r, "agent.show", "'name':'scout'");
    assert_string_equal(rig_text(r, "last_result.state"), "completed");
}

static void
a_profile_gives_what_a_job_leaves_out(void **state)
{
    struct rig *r = *state;
    uint64_t    id;

    rig_must(r, "profile.add", "'name':'fast','handler':'noop','max_run_ms':5000,'max_turns':7");
    rig_must(r, "agent.add", "'name':'scout','profile':'fast'");
    id = rig_submit(r, "'agent':'scout'");
    assert_int_equal(rig_job_i64(r, id, "max_run_ms"), 5000);
    assert_int_equal(rig_job_i64(r, id, "max_turns"), 7);
    rig_refused(r, E_IN_USE, "", "profile.remove", "'name':'fast'");
    rig_must(r, "profile.set", "'name':'fast','max_turns':9");
    id = rig_submit(r, "'agent':'scout','max_run_ms':100");
    assert_int_equal(rig_job_i64(r, id, "max_run_ms"), 100);
    assert_int_equal(rig_job_i64(r, id, "max_turns"), 9);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_begin, rig_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(caps_raised_and_lowered_take_effect_at_once),
        TEST(a_paused_agent_holds_its_jobs_and_a_running_one_ends),
        TEST(bad_requests_change_nothing),
        TEST(what_is_used_goes_by_cascade_only),
        TEST(a_silent_agent_is_stale_once_and_comes_back),
        TEST(a_profile_gives_what_a_job_leaves_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
