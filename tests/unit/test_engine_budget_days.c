/* Budgets: the days of zones, what their limits hold, and what is told of them (B6, N25). */
#include "tests/unit/budget_world.h"
#include "tests/unit/zone_world.h"

/* ---- warnings ---- */

static void
a_warning_comes_once_a_day_and_dimension(void **state)
{
    struct rig *r = *state;

    begin(r, &(struct world){.company = ",'daily_tokens':100,'daily_cost_micros':100"});
    uint64_t id = submit(r, "");

    rig_progress(r, id, "'output_tokens':79");
    rig_turn(r);
    assert_int_equal(rig_feed_count(r, "budget.warning"), 0);
    rig_progress(r, id, "'output_tokens':80");
    rig_turn(r);
    assert_int_equal(rig_feed_count(r, "budget.warning"), 1);
    rig_progress(r, id, "'output_tokens':99,'cost_micros':85");
    rig_turn(r);
    assert_int_equal(rig_feed_count(r, "budget.warning"), 2);
    assert_int_equal(rig_feed_count(r, "budget.exhausted"), 0);
    rig_ended(r, id, "'verdict':'completed','output_tokens':100,'cost_micros':86");
    rig_turn(r);
    assert_int_equal(rig_feed_count(r, "budget.warning"), 2);
    assert_int_equal(rig_feed_count(r, "budget.exhausted"), 1);
    rig_advance(r, DAY_MS);
    id = submit(r, "");
    rig_progress(r, id, "'output_tokens':80");
    rig_turn(r);
    assert_int_equal(rig_feed_count(r, "budget.warning"), 3);
}

/* ---- days ---- */

/* The rig begins at 08:00 UTC: 18:00 at UTC+10, where the day ends after 6 hours. */
#define EAST ",'budget_zone':'Test/East','daily_tokens':100"

static void
a_day_is_one_of_the_scopes_zone(void **state)
{
    struct rig *r = *state;

    tell_of_zone(r, "Test/East", "<+10>-10");
    begin(r, &(struct world){.company = EAST});
    uint64_t id = submit(r, ",'token_budget':100");

    rig_ended(r, id, "'verdict':'completed','output_tokens':100");
    rig_turn(r);
    uint64_t held = submit(r, ",'token_budget':100");

    expect_held(r, held);
    rig_must_read(r, "job.why", "'id':%" PRIu64, held);
    assert_int_equal(rig_i64(r, "earliest_at"), RIG_WALL_MS + 6 * HOUR_MS);
    rig_advance(r, 6 * HOUR_MS - 1);
    expect_held(r, held);
    rig_advance(r, 1);
    expect_state(r, held, "running");
    rig_must_read(r, "usage", "'company':'acme','since':'2027-01-15'");
    assert_int_equal(rig_len(r, "items"), 3); /* two days of the company, one of the agent */
    assert_string_equal(rig_text(r, "items.0.date"), "2027-01-15");
    assert_string_equal(rig_text(r, "items.0.zone"), "Test/East");
    assert_string_equal(rig_text(r, "items.1.date"), "2027-01-16");
    assert_int_equal(rig_i64(r, "items.1.tokens.reserved"), 100);
    assert_int_equal(rig_i64(r, "items.0.tokens.charged"), 100);
}

static void
usage_counts_on_the_day_on_which_the_attempt_started(void **state)
{
    struct rig *r = *state;

    tell_of_zone(r, "Test/East", "<+10>-10");
    begin(r, &(struct world){.company = EAST});
    uint64_t id = submit(r, ",'token_budget':60,'max_run_ms':86400000"), next;

    rig_advance(r, 7 * HOUR_MS); /* its day is over */
    next = submit(r, ",'token_budget':100");
    expect_state(r, next, "running"); /* the new day is whole */
    rig_progress(r, id, "'output_tokens':60");
    rig_turn(r);
    rig_complete(r, id);
    rig_must_read(r, "usage", "'company':'acme','since':'2027-01-15'");
    assert_string_equal(rig_text(r, "items.0.date"), "2027-01-15");
    assert_int_equal(rig_i64(r, "items.0.tokens.charged"), 60);
    assert_int_equal(rig_i64(r, "items.0.tokens.reserved"), 0);
    assert_int_equal(rig_i64(r, "items.1.tokens.charged"), 0);
    assert_int_equal(rig_i64(r, "items.1.tokens.reserved"), 100);
}

/* What a clock that nobody believes yet plans waits; jobs that are ready do not. */
static void
a_clock_that_goes_back_to_another_day_frees_what_waits_at_once(void **state)
{
    struct rig *r = *state;

    begin(r, &(struct world){.company = ",'daily_tokens':100"});
    uint64_t id = submit(r, ",'token_budget':100"), held;

    rig_ended(r, id, "'verdict':'completed','output_tokens':100");
    rig_turn(r);
    held = submit(r, ",'token_budget':100");
    expect_held(r, held);
    r->header.clock_is_held = true;
    r->header.now.wall_ms -= DAY_MS;
    rig_turn(r);
    expect_state(r, held, "running");
}

static void
a_zone_is_the_scopes_else_the_companys_else_the_settings(void **state)
{
    struct rig *r = *state;

    tell_of_zone(r, "Test/East", "<+10>-10");
    tell_of_zone(r, "Test/West", "<-09>9");
    r->limits.budget_zone = view_str("Test/West");
    begin(r, &(struct world){.agent = ",'daily_tokens':100"});
    rig_must_read(r, "usage", "'agent':'acme/anna'");
    assert_string_equal(rig_text(r, "items.0.zone"), "Test/West");
    assert_string_equal(rig_text(r, "items.0.date"), "2027-01-14");
    configure(r, &(struct world){.company = ",'budget_zone':'Test/East'",
                                 .agent = ",'daily_tokens':100"});
    rig_must_read(r, "usage", "'agent':'acme/anna'");
    assert_string_equal(rig_text(r, "items.0.zone"), "Test/East");
    configure(r, &(struct world){.company = ",'budget_zone':'Test/East'",
                                 .agent = ",'daily_tokens':100,'budget_zone':'UTC'"});
    rig_must_read(r, "usage", "'agent':'acme/anna'");
    assert_string_equal(rig_text(r, "items.0.zone"), "UTC");
}

/* The turn has looked at the company's day already when the zone changes. */
static void
another_zone_is_another_day_in_the_turn_that_brings_it(void **state)
{
    struct rig *r = *state;

    tell_of_zone(r, "Test/West", "<-09>9");
    rig_workers(r, 1, 8);
    rig_must(r, "company.add", "'name':'own','daily_tokens':100");
    uint64_t id = rig_submit(r, "'handler':'noop','company':'own','token_budget':100");
    uint64_t held = rig_submit(r, "'handler':'noop','company':'own','token_budget':100");

    expect_held(r, held);
    rig_progress(r, id, "'output_tokens':60");
    (void)rig_queue(r, "company.set", "'name':'own','budget_zone':'Test/West'");
    rig_turn(r);
    expect_state(r, held, "running");
    rig_must_read(r, "usage", "'company':'own','since':'2027-01-14'");
    assert_string_equal(rig_text(r, "items.0.date"), "2027-01-14");
    assert_int_equal(rig_i64(r, "items.0.tokens.reserved"), 100);
}

/* The system has newer bytes of the zone. */
static void
a_zone_that_changes_is_another_day_at_once(void **state)
{
    struct rig *r = *state;

    tell_of_zone(r, "Test/East", "<+10>-10");
    begin(r, &(struct world){.company = EAST});
    uint64_t id = submit(r, ",'token_budget':100"), held = submit(r, ",'token_budget':100");

    expect_held(r, held);
    rig_progress(r, id, "'output_tokens':60");
    tell_of_zone(r, "Test/East", "<-09>9");
    expect_state(r, held, "running");
}

/* ---- what is held ---- */

static void
lowering_a_limit_bars_starts_and_stops_nothing(void **state)
{
    struct rig *r = *state;

    begin(r, &(struct world){.company = ",'daily_tokens':100"});
    uint64_t id = submit(r, ",'token_budget':80");

    configure(r, &(struct world){.company = ",'daily_tokens':10"});
    rig_progress(r, id, "'output_tokens':80");
    rig_turn(r);
    assert_false(rig_lease(r, id)->is_stopped);
    expect_used(r, "company", "tokens.overshoot", 0);
    expect_held(r, submit(r, ",'token_budget':1"));
    rig_complete(r, id);
    expect_state(r, id, "completed");
}

static void
a_raised_limit_starts_what_it_held(void **state)
{
    struct rig *r = *state;

    begin(r, &no_limits);
    rig_must(r, "company.add", "'name':'beta','daily_tokens':10");
    rig_must(r, "agent.add", "'name':'b','company':'beta','handler':'h','daily_tokens':0");
    uint64_t id = rig_submit(r, "'company':'beta','agent':'b','token_budget':20");

    expect_held(r, id);
    rig_must(r, "company.set", "'name':'beta','daily_tokens':20");
    expect_held(r, id);
    rig_must_read(r, "job.why", "'id':%" PRIu64, id);
    assert_int_equal(rig_len(r, "blockers"), 1);
    assert_non_null(strstr(rig_text(r, "text"), "agent beta/b's budget of the day"));
    assert_true(rig_is_nil(r, "earliest_at")); /* 0 is 0 tomorrow, too */
    assert_string_equal(rig_text(r, "change"), "raise agent beta/b's daily_tokens from 0 to 1");
    rig_must(r, "agent.set", "'name':'b','company':'beta','daily_tokens':null");
    expect_state(r, id, "running");
}

static void
why_names_each_budget_and_when_the_last_of_them_ends(void **state)
{
    struct rig *r = *state;

    tell_of_zone(r, "Test/East", "<+10>-10");
    begin(r, &(struct world){.company = EAST, .agent = ",'daily_tokens':50,'budget_zone':'UTC'"});
    uint64_t id = submit(r, ",'token_budget':50");

    rig_ended(r, id, "'verdict':'completed','output_tokens':90");
    rig_turn(r);
    id = submit(r, ",'token_budget':20");
    rig_must_read(r, "job.why", "'id':%" PRIu64, id);
    assert_int_equal(rig_len(r, "blockers"), 2);
    assert_string_equal(rig_text(r, "blockers.0.message"),
                        "company acme's budget of the day: 90 of 100 tokens are used or reserved, "
                        "a start reserves 20");
    assert_int_equal(rig_i64(r, "blockers.0.until_at"), RIG_WALL_MS + 6 * HOUR_MS);
    assert_int_equal(rig_i64(r, "blockers.1.until_at"), RIG_WALL_MS + 16 * HOUR_MS);
    assert_int_equal(rig_i64(r, "earliest_at"), RIG_WALL_MS + 16 * HOUR_MS);
    assert_string_equal(rig_text(r, "change"),
                        "raise company acme's daily_tokens from 100 to 110; and "
                        "raise agent acme/anna's daily_tokens from 50 to 110");
    rig_advance(r, 6 * HOUR_MS);
    expect_held(r, id);
    rig_advance(r, 10 * HOUR_MS);
    expect_state(r, id, "running");
}

static void
why_names_each_dimension(void **state)
{
    struct rig *r = *state;

    begin(r, &(struct world){.company = ",'daily_tokens':0,'daily_cost_micros':0"});
    uint64_t id = submit(r, "");

    rig_must_read(r, "job.why", "'id':%" PRIu64, id);
    assert_int_equal(rig_len(r, "blockers"), 2);
    assert_string_equal(rig_text(r, "change"),
                        "raise company acme's daily_tokens from 0 to 1; and "
                        "raise company acme's daily_cost_micros from 0 to 1");
}

static void
the_change_that_why_names_is_enough(void **state)
{
    struct rig *r = *state;

    begin(r, &(struct world){.company = ",'daily_tokens':100"});
    uint64_t id = submit(r, ",'token_budget':100");

    rig_ended(r, id, "'verdict':'completed','output_tokens':40");
    rig_turn(r);
    id = submit(r, ",'token_budget':500"); /* reserves as much as the limit, whatever that is */
    rig_must_read(r, "job.why", "'id':%" PRIu64, id);
    assert_string_equal(rig_text(r, "change"), "raise company acme's daily_tokens from 100 to 540");
    configure(r, &(struct world){.company = ",'daily_tokens':539"});
    expect_held(r, id);
    configure(r, &(struct world){.company = ",'daily_tokens':540"});
    expect_state(r, id, "running");
}

/* What a budget has left is for whoever fits in, not only for the first in order. */
static void
a_job_that_does_not_fit_holds_none_that_does(void **state)
{
    struct rig *r = *state;

    begin(r, &(struct world){.company = ",'daily_tokens':100"});
    uint64_t first = submit(r, ",'token_budget':95");
    uint64_t big = submit(r, ",'token_budget':90,'priority':80");
    uint64_t small = rig_submit(r, "'company':'acme','agent':'bert','token_budget':10");

    expect_held(r, big);
    expect_held(r, small);
    rig_ended(r, first, "'verdict':'completed','output_tokens':80");
    rig_turn(r);
    expect_held(r, big);
    expect_state(r, small, "running");
    /* in the same lane: the head that fits starts at once, the other waits on */
    rig_complete(r, small);
    small = submit(r, ",'token_budget':20,'priority':79");
    expect_held(r, small); /* behind the big one */
    rig_must(r, "job.set", "'id':%" PRIu64 ",'priority':80", small);
    expect_held(r, small); /* the big one has the lower id */
    rig_must(r, "job.set", "'id':%" PRIu64 ",'priority':70", big);
    expect_state(r, small, "running");
    expect_held(r, big);
}

/* ---- declarations ---- */

/* More lanes than are tried at once: each day somebody's turn, and all when the limit is raised. */
static void
many_agents_share_what_a_company_has(void **state)
{
    enum { AGENTS = 100 };
    struct rig *r = *state;
    uint64_t    last = 0;
    size_t      done = 0;

    r->limits.company_max_concurrent = r->limits.company_queue_max = NO_LIMIT;
    r->limits.reserve_tokens = 60;
    configure(r, &no_limits);
    rig_workers(r, 4, 32);
    rig_must(r, "company.add", "'name':'beta','daily_tokens':100,'max_concurrent':null");
    for (unsigned i = 0; i < AGENTS; i++) {
        rig_must(r, "agent.add", "'name':'a%u','company':'beta','handler':'h'", i);
        last = rig_submit(r, "'company':'beta','agent':'a%u'", i);
    }
    for (int day = 0; day < 3; day++) {
        for (uint64_t id = last - AGENTS + 1; id <= last; id++) {
            if (!rig_lease(r, id) || !rig_lease(r, id)->is_live) continue;
            rig_ended(r, id, "'verdict':'completed','output_tokens':50");
            done++;
        }
        rig_turn(r); /* 50 are left, 60 are wanted */
        assert_int_equal(rig_running(r), 0);
        rig_advance(r, DAY_MS);
        assert_int_equal(rig_running(r), 1);
        assert_int_equal(done, day + 1);
    }
    rig_must(r, "company.set", "'name':'beta','daily_tokens':100000");
    rig_settle(r);
    assert_int_equal(rig_running(r), AGENTS - done);
}

static void
budgets_of_requests_are_checked(void **state)
{
    struct rig *r = *state;

    begin(r, &no_limits);
    rig_refused(r, E_BAD_REQUEST, "budget_zone", "company.add",
                "'name':'beta','budget_zone':'Mars/Base'");
    rig_must(r, "company.add", "'name':'beta','budget_zone':'UTC'");
    rig_refused(r, E_BAD_REQUEST, "budget_zone", "company.set",
                "'name':'beta','budget_zone':'Mars/Base'");
    rig_refused(r, E_BAD_REQUEST, "budget_zone", "agent.add",
                "'name':'b','company':'beta','budget_zone':'Mars/Base'");
    rig_must(r, "agent.add", "'name':'b','company':'beta'");
    rig_refused(r, E_BAD_REQUEST, "budget_zone", "agent.set",
                "'name':'b','company':'beta','budget_zone':'Mars/Base'");
    rig_refused(r, E_BAD_REQUEST, "budget_zone", "schedule.add",
                "'name':'s','handler':'h','every_ms':60000,'budget_zone':'Mars/Base'");
    for (size_t d = 0; d < ARRAY_LEN(dimensions); d++) {
        rig_refused(r, E_BAD_REQUEST, dimensions[d].daily, "company.set", "'name':'beta','%s':-1",
                    dimensions[d].daily);
        rig_refused(r, E_BAD_REQUEST, dimensions[d].daily, "agent.add", "'name':'c','%s':1.5",
                    dimensions[d].daily);
    }
    rig_refused(r, E_BAD_REQUEST, "daily_run_ms", "company.set", "'name':'beta','daily_run_ms':-1");
    rig_refused(r, E_BAD_REQUEST, "daily_run_ms", "company.set",
                "'name':'beta','daily_run_ms':9000000000000000");
    rig_refused(r, E_BAD_REQUEST, "token_budget", "job.submit", "'handler':'h','token_budget':-5");
    rig_refused(r, E_BAD_REQUEST, "token_budget", "job.submit", "'handler':'h','token_budget':0");
    rig_refused(r, E_BAD_REQUEST, "cost_budget_micros", "job.submit",
                "'handler':'h','cost_budget_micros':-5");
}

/* ---- usage ---- */

static void
a_ticket_earns_its_reward_once(void **state)
{
    struct rig *r = *state;

    begin(r, &no_limits);
    rig_must(r, "ticket.add", "'company':'acme','title':'t','reward':30,'agent':'anna'");
    int64_t id = rig_i64(r, "id");

    rig_must(r, "ticket.set", "'id':%" PRId64 ",'status':'done'", id);
    expect_used(r, "agent", "earned", 30);
    expect_used(r, "agent", "tickets_done", 1);
    rig_must(r, "ticket.set", "'id':%" PRId64 ",'status':'disputed'", id);
    rig_must(r, "ticket.set", "'id':%" PRId64 ",'status':'done'", id);
    expect_used(r, "agent", "earned", 30);
    expect_used(r, "agent", "tickets_done", 1);
}

static void
usage_is_read_in_pages_and_by_scope(void **state)
{
    struct rig *r = *state;
    char        after[64] = "";
    size_t      seen = 0;

    begin(r, &(struct world){.company = ",'daily_tokens':100000", .schedule = ""});
    rig_must_read(r, "usage", "'company':'acme'");
    assert_int_equal(rig_len(r, "items"), 1); /* who is limited, though nothing was used */
    assert_true(rig_is_nil(r, "items.0.turns.limit"));
    assert_int_equal(rig_i64(r, "items.0.tokens.limit"), 100000);
    for (int day = 0; day < 3; day++) {
        rig_complete(r, submit(r, ""));
        rig_advance(r, DAY_MS);
    }
    for (int pages = 0; pages < 50; pages++) {
        rig_must_read(r, "usage", "'company':'acme','since':'2027-01-01','limit':1%s%s%s",
                      *after ? ",'after':'" : "", after, *after ? "'" : "");
        assert_true(rig_len(r, "items") <= 1);
        seen += rig_len(r, "items");
        if (rig_is_nil(r, "next")) break;
        (void)snprintf(after, sizeof(after), "%s", rig_text(r, "next"));
    }
    rig_must_read(r, "usage", "'company':'acme','since':'2027-01-01','limit':1000");
    assert_int_equal(seen, rig_len(r, "items"));
    assert_true(rig_is_nil(r, "next"));
    rig_must_read(r, "usage", "'agent':'acme/anna','schedule':'acme/s','since':'2027-01-01'");
    for (size_t i = 0; i < rig_len(r, "items"); i++)
        assert_string_not_equal(rig_text(r, rig_path(r, "items", i, "scope")), "company");
    assert_int_equal(rig_read(r, "usage", "'since':'2027-02-30'"), E_BAD_REQUEST);
    assert_string_equal(r->error.field, "since");
    assert_int_equal(rig_read(r, "usage", "'after':'x'"), E_BAD_REQUEST);
    assert_int_equal(rig_read(r, "usage", "'agent':'acme/nobody'"), E_NOT_FOUND);
    r->actor.company = view_str("default");
    assert_int_equal(rig_read(r, "usage", "'company':'acme'"), E_NOT_FOUND);
    rig_must_read(r, "usage", "'since':'2027-01-01'");
    assert_int_equal(rig_len(r, "items"), 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_warning_comes_once_a_day_and_dimension),
        TEST(a_day_is_one_of_the_scopes_zone),
        TEST(usage_counts_on_the_day_on_which_the_attempt_started),
        TEST(a_clock_that_goes_back_to_another_day_frees_what_waits_at_once),
        TEST(a_zone_is_the_scopes_else_the_companys_else_the_settings),
        TEST(another_zone_is_another_day_in_the_turn_that_brings_it),
        TEST(a_zone_that_changes_is_another_day_at_once),
        TEST(lowering_a_limit_bars_starts_and_stops_nothing),
        TEST(a_raised_limit_starts_what_it_held),
        TEST(why_names_each_budget_and_when_the_last_of_them_ends),
        TEST(why_names_each_dimension),
        TEST(the_change_that_why_names_is_enough),
        TEST(a_job_that_does_not_fit_holds_none_that_does),
        TEST(many_agents_share_what_a_company_has),
        TEST(budgets_of_requests_are_checked),
        TEST(a_ticket_earns_its_reward_once),
        TEST(usage_is_read_in_pages_and_by_scope),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
