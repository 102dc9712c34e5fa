/* A reload does not take away what unfinished work or what the API made still needs (B1, N35). */
#include "tests/unit/engine_rig.h"

static const struct rig_declared full = {
    .companies = "{'name':'acme'}",
    .agents = "{'name':'anna','company':'acme','handler':'h'},{'name':'bert','handler':'h'}",
    .handlers = "{'name':'h','kind':'noop'}",
    .sinks = "{'name':'file','kind':'file','path':'f'}",
    .profiles = "{'name':'p','handler':'h'}",
};

static void
expect_in_use(struct rig *r, const struct rig_declared *d, const char *message)
{
    uint64_t hash = rig_hash(r);

    assert_int_equal(rig_try_configure(r, d, true), E_IN_USE); /* a dry run says it, too */
    assert_int_equal(rig_try_configure(r, d, false), E_IN_USE);
    assert_string_equal(r->error.msg, message);
    assert_non_null(strstr(r->error.hint, "then reload again"));
    assert_true(rig_hash(r) == hash);
}

static void
an_agent_keeps_what_refers_to_it(void **state)
{
    struct rig         *r = *state;
    struct rig_declared d = full;

    rig_configure(r, &full);
    d.agents = "{'name':'bert','handler':'h'}";
    rig_must(r, "ticket.add", "'title':'t','company':'acme','agent':'anna'");
    expect_in_use(r, &d, "agent \"acme/anna\", gone from the file, is in use by job 1, ticket 1");
    rig_must(r, "job.cancel", "'id':1");
    expect_in_use(r, &d, "agent \"acme/anna\", gone from the file, is in use by ticket 1");
    rig_must(r, "ticket.set", "'id':1,'status':'done'");
    rig_must(r, "goal.add", "'title':'g','company':'acme','agent':'anna'");
    expect_in_use(r, &d, "agent \"acme/anna\", gone from the file, is in use by goal 1");
    rig_must(r, "goal.set", "'id':1,'status':'done'");
    rig_must(r, "schedule.add", "'name':'s','company':'acme','agent':'anna','every_ms':60000");
    expect_in_use(r, &d, "agent \"acme/anna\", gone from the file, is in use by schedule acme/s");
    rig_must(r, "schedule.remove", "'name':'acme/s'");
    rig_configure(r, &d);
    assert_int_equal(rig_read(r, "agent.show", "'name':'acme/anna'"), E_NOT_FOUND);
}

static void
an_agent_keeps_what_waits_for_a_person(void **state)
{
    struct rig         *r = *state;
    struct rig_declared d = full;

    r->limits.agent_approval = view_str("all");
    rig_configure(r, &full);
    rig_workers(r, 1, 1);
    rig_must(r, "agent.wake", "'name':'acme/anna'");
    rig_settle(r);
    rig_ended(r, 1,
              "'verdict':'completed',"
              "'effects':[{'kind':'add_schedule','name':'s','every_ms':60000}]");
    rig_settle(r);
    d.agents = "{'name':'bert','handler':'h'}";
    expect_in_use(r, &d, "agent \"acme/anna\", gone from the file, is in use by approval 1");
    rig_must(r, "approval.deny", "'id':1");
    rig_configure(r, &d);
}

static void
a_declared_schedule_goes_with_its_agent(void **state)
{
    struct rig         *r = *state;
    struct rig_declared d = full;

    d.schedules = "{'name':'s','company':'acme','agent':'anna','every_ms':60000}";
    rig_configure(r, &d);
    d.schedules = NULL;
    d.agents = NULL;
    rig_configure(r, &d);
    assert_int_equal(rig_len(r, "plan"), 3);
}

static void
what_the_api_made_keeps_profiles_handlers_and_sinks(void **state)
{
    struct rig         *r = *state;
    struct rig_declared d = full;

    rig_configure(r, &full);
    rig_must(r, "agent.add", "'name':'mine','company':'acme','profile':'p'");
    d.profiles = NULL;
    expect_in_use(r, &d, "profile \"p\", gone from the file, is in use by agent acme/mine");
    rig_must(r, "agent.set", "'name':'mine','company':'acme','profile':'p','sinks':['file']");
    d = full;
    d.sinks = NULL;
    expect_in_use(r, &d, "sink \"file\", gone from the file, is in use by agent acme/mine");
    rig_must(r, "agent.remove", "'name':'acme/mine'");
    rig_must(r, "profile.add", "'name':'own','handler':'h'");
    expect_in_use(r, &(struct rig_declared){0},
                  "handler \"h\", gone from the file, is in use by profile own");
    rig_must(r, "profile.remove", "'name':'own'");
    rig_configure(r, &(struct rig_declared){0});
}

static void
a_handler_and_an_agent_keep_their_jobs(void **state)
{
    struct rig         *r = *state;
    struct rig_declared d = full;

    rig_configure(r, &full);
    rig_submit(r, "'handler':'h','delay_ms':60000");
    for (int i = 0; i < 6; i++)
        rig_submit(r, "'agent':'bert','delay_ms':60000");
    d.agents = "{'name':'anna','company':'acme','handler':'h'}";
    expect_in_use(r, &d,
                  "agent \"bert\", gone from the file, is in use by job 2, job 3, job 4, job 5, "
                  "job 6 and 1 more");
    for (uint64_t id = 2; id <= 7; id++)
        rig_must(r, "job.cancel", "'id':%d", (int)id);
    rig_configure(r, &d);
    expect_in_use(r, &(struct rig_declared){0},
                  "handler \"h\", gone from the file, is in use by job 1");
    rig_must(r, "job.cancel", "'id':1");
    rig_configure(r, &(struct rig_declared){0});
}

static void
a_company_goes_with_what_is_finished_in_it(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &full);
    rig_must(r, "ticket.add", "'title':'t','company':'acme'");
    rig_must(r, "goal.add", "'title':'g','company':'acme'");
    expect_in_use(r, &(struct rig_declared){0},
                  "company \"acme\", gone from the file, is in use by goal 1, ticket 1");
    rig_must(r, "goal.set", "'id':1,'status':'done'");
    rig_must(r, "ticket.set", "'id':1,'status':'done'");
    rig_must(r, "agent.add", "'name':'mine','company':'acme','handler':'noop'");
    expect_in_use(r, &(struct rig_declared){0},
                  "company \"acme\", gone from the file, is in use by agent acme/mine");
    rig_must(r, "agent.remove", "'name':'acme/mine'");
    rig_configure(r, &(struct rig_declared){0});
    rig_settle(r);
    assert_int_equal(rig_read(r, "company.show", "'name':'acme'"), E_NOT_FOUND);
    assert_int_equal(rig_rows(r, TABLE_GOAL), 0);
    assert_int_equal(rig_rows(r, TABLE_TICKET), 0);
    rig_configure(r, &full);
}

/* More than a turn takes away. */
static void
what_is_being_removed_is_not_declared_anew_before_it_is_gone(void **state)
{
    struct rig *r = *state;

    rig_must(r, "company.add", "'name':'acme'");
    for (int i = 0; i < 300; i++)
        rig_must(r, "ticket.add", "'title':'t','company':'acme'");
    rig_must(r, "company.remove", "'name':'acme','cascade':true");
    assert_int_equal(rig_try_configure(r, &full, false), E_CONFLICT);
    assert_string_equal(r->error.msg, "company acme is being removed");
    rig_settle(r);
    rig_configure(r, &full);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(an_agent_keeps_what_refers_to_it),
        TEST(an_agent_keeps_what_waits_for_a_person),
        TEST(a_declared_schedule_goes_with_its_agent),
        TEST(what_the_api_made_keeps_profiles_handlers_and_sinks),
        TEST(a_handler_and_an_agent_keep_their_jobs),
        TEST(a_company_goes_with_what_is_finished_in_it),
        TEST(what_is_being_removed_is_not_declared_anew_before_it_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
