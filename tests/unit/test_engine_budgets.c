/* Budgets: escrow under daily limits, and what goes beyond (B6, N25). */
#include "tests/unit/budget_world.h"

/* ---- a start reserves ---- */

/* 100 a day; the start is to reserve `want`, and a second job fits when that leaves room. */
static void
check_reservation(struct rig *r, size_t d, const char *job, int64_t want)
{
    char limit[64], path[64], charged[64];

    (void)snprintf(limit, sizeof(limit), ",'%s':100", dimensions[d].daily);
    (void)snprintf(path, sizeof(path), "%s.reserved", dimensions[d].usage);
    (void)snprintf(charged, sizeof(charged), "%s.charged", dimensions[d].usage);
    configure(r, &(struct world){.company = limit});
    int64_t  before = used(r, "company", charged);
    uint64_t id = submit(r, job);

    expect_state(r, id, "running");
    expect_used(r, "company", path, want);
    rig_complete(r, id);
    expect_used(r, "company", path, 0);
    expect_used(r, "company", charged, before);
    configure(r, &no_limits);
}

static void
a_start_reserves_the_jobs_budget_else_the_handlers_else_the_minimum(void **state)
{
    struct rig *r = *state;

    r->limits.reserve_turns = 7;
    r->limits.reserve_tokens = 70;
    r->limits.reserve_cost_micros = 71;
    begin(r, &no_limits);
    check_reservation(r, 0, "", 7);
    check_reservation(r, 0, ",'max_turns':9", 9);
    check_reservation(r, 1, "", 70);
    check_reservation(r, 1, ",'token_budget':33", 33);
    check_reservation(r, 1, ",'token_budget':333", 100); /* never more than the limit */
    check_reservation(r, 2, "", 71);
    check_reservation(r, 2, ",'cost_budget_micros':34", 34);

    configure(r, &(struct world){.company = ",'daily_tokens':100,'daily_cost_micros':100",
                                 .handler = ",'token_budget':40,'cost_budget_micros':41"});
    uint64_t id = submit(r, "");

    expect_state(r, id, "running");
    expect_used(r, "company", "tokens.reserved", 40);
    expect_used(r, "company", "cost_micros.reserved", 41);
}

static void
a_day_of_time_is_reserved_and_charged(void **state)
{
    struct rig *r = *state;

    begin(r, &(struct world){.company = ",'daily_run_ms':60000"});
    uint64_t id = submit(r, ",'max_run_ms':40000"), held = submit(r, ",'max_run_ms':40000");
    uint64_t fits = submit(r, ",'max_run_ms':40000,'handler':'g'");

    expect_state(r, id, "running");
    expect_held(r, held);
    expect_held(r, fits);
    expect_used(r, "company", "run_ms.reserved", 40000);
    rig_advance(r, 5000);
    rig_complete(r, id);
    expect_state(r, held, "running");
    expect_used(r, "company", "run_ms.charged", 5000);
    assert_int_equal(rig_job_i64(r, id, "usage.run_ms"), 5000);
    expect_used(r, "company", "run_ms.reserved", 40000);
}

static void
no_job_may_run_longer_than_a_day_of_time(void **state)
{
    struct rig *r = *state;

    begin(r, &(struct world){.company = ",'daily_run_ms':60000", .agent = ",'daily_run_ms':30000"});
    uint64_t id = submit(r, "");

    expect_used(r, "company", "run_ms.reserved", 30000);
    rig_advance(r, 30001);
    assert_true(rig_lease(r, id)->is_stopped);
    rig_ended(r, id, "'verdict':'failed'");
    rig_turn(r);
    expect_state(r, id, "scheduled");
    assert_string_equal(rig_job_text(r, id, "failure.class"), "lease_expired");
    expect_used(r, "agent", "run_ms.charged", 30000);
    expect_used(r, "agent", "run_ms.overshoot", 1);
}

static void
usage_is_taken_from_the_reservation_and_the_end_gives_the_rest_back(void **state)
{
    struct rig *r = *state;

    for (size_t d = 0; d < ARRAY_LEN(dimensions); d++) {
        char limit[64], path[3][64];

        (void)snprintf(limit, sizeof(limit), ",'%s':200", dimensions[d].daily);
        for (size_t i = 0; i < 3; i++) {
            static const char *const parts[] = {"charged", "reserved", "overshoot"};

            (void)snprintf(path[i], sizeof(path[i]), "%s.%s", dimensions[d].usage, parts[i]);
        }
        if (d == 0) begin(r, &(struct world){.company = limit});
        configure(r, &(struct world){.company = limit});
        uint64_t id = submit(r, ",'max_turns':100,'token_budget':100,'cost_budget_micros':100");

        rig_progress(r, id, "'%s':30", dimensions[d].progress);
        rig_turn(r);
        expect_used(r, "company", path[0], 30);
        expect_used(r, "company", path[1], 70);
        rig_progress(r, id, "'%s':30", dimensions[d].progress); /* a total, not a difference */
        rig_turn(r);
        expect_used(r, "company", path[0], 30);
        rig_ended(r, id, "'verdict':'completed','%s':45", dimensions[d].progress);
        rig_turn(r);
        expect_state(r, id, "completed");
        expect_used(r, "company", path[0], 45);
        expect_used(r, "company", path[1], 0);
        expect_used(r, "company", path[2], 0);
    }
    assert_int_equal(rig_feed_count(r, "budget.warning"), 0);
}

/* ---- beyond a reservation ---- */

static void
exactly_the_reservation_is_allowed_and_one_more_stops_the_handler(void **state)
{
    struct rig *r = *state;

    r->limits.reserve_turns = r->limits.reserve_tokens = r->limits.reserve_cost_micros = 50;
    for (size_t d = 0; d < ARRAY_LEN(dimensions); d++) {
        char limit[64], charged[64], overshoot[64];

        (void)snprintf(limit, sizeof(limit), ",'%s':200", dimensions[d].daily);
        (void)snprintf(charged, sizeof(charged), "%s.charged", dimensions[d].usage);
        (void)snprintf(overshoot, sizeof(overshoot), "%s.overshoot", dimensions[d].usage);
        if (d == 0) begin(r, &(struct world){.company = limit});
        configure(r, &(struct world){.company = limit});
        uint64_t id = submit(r, "");

        rig_progress(r, id, "'%s':50", dimensions[d].progress);
        rig_turn(r);
        assert_false(rig_lease(r, id)->is_stopped);
        rig_progress(r, id, "'%s':57", dimensions[d].progress);
        rig_turn(r);
        assert_true(rig_lease(r, id)->is_stopped);
        assert_int_equal(rig_lease(r, id)->grace_ms, r->limits.kill_grace_ms);
        expect_state(r, id, "running"); /* until its processes are gone */
        rig_ended(r, id, "'verdict':'completed','%s':60", dimensions[d].progress);
        rig_turn(r);
        expect_state(r, id, "failed");
        assert_string_equal(rig_job_text(r, id, "failure.class"), "budget_exceeded");
        expect_used(r, "company", charged, 50);
        expect_used(r, "company", overshoot, 10);
    }
}

static void
a_jobs_own_budget_stops_it_without_any_daily_limit(void **state)
{
    struct rig *r = *state;

    begin(r, &(struct world){.handler = ",'cost_budget_micros':500"});
    uint64_t tokens = submit(r, ",'token_budget':100"), cost = submit(r, "");

    rig_progress(r, tokens, "'input_tokens':60,'output_tokens':40");
    rig_progress(r, cost, "'cost_micros':500");
    rig_turn(r);
    assert_false(rig_lease(r, tokens)->is_stopped);
    assert_false(rig_lease(r, cost)->is_stopped);
    assert_int_equal(rig_feed_count(r, "job.budget_warning"), 2);
    rig_progress(r, tokens, "'input_tokens':60,'output_tokens':41");
    rig_progress(r, cost, "'cost_micros':501");
    rig_turn(r);
    assert_true(rig_lease(r, tokens)->is_stopped);
    assert_true(rig_lease(r, cost)->is_stopped);
    rig_ended(r, tokens, "'verdict':'failed'");
    rig_ended(r, cost, "'verdict':'failed'");
    rig_turn(r);
    assert_string_equal(rig_job_text(r, tokens, "failure.class"), "budget_exceeded");
    assert_string_equal(rig_job_text(r, cost, "failure.class"), "budget_exceeded");
    assert_int_equal(rig_feed_count(r, "job.budget_warning"), 2);
}

static void
overshoot_lowers_what_may_start(void **state)
{
    struct rig *r = *state;

    begin(r, &(struct world){.company = ",'daily_tokens':100"});
    uint64_t id = submit(r, ",'token_budget':50");

    rig_ended(r, id, "'verdict':'completed','output_tokens':70");
    rig_turn(r);
    expect_used(r, "company", "tokens.charged", 50);
    expect_used(r, "company", "tokens.overshoot", 20);
    expect_held(r, submit(r, ",'token_budget':31"));
    expect_state(r, submit(r, ",'token_budget':30,'handler':'g'"), "running");
}

/* What is only reserved is given back when what runs ends, at the latest with its lease. */
static void
why_tells_what_is_reserved_from_what_is_used(void **state)
{
    struct rig *r = *state;

    begin(r, &(struct world){.company = ",'daily_tokens':100"});
    uint64_t first = submit(r, ",'token_budget':60,'max_run_ms':30000");
    uint64_t held = submit(r, ",'token_budget':60");
    expect_held(r, held);
    rig_must_read(r, "job.why", "'id':%" PRIu64, held);
    assert_int_equal(rig_i64(r, "earliest_at"), RIG_WALL_MS + 30000);
    assert_string_equal(rig_text(r, "blockers.0.holder"), "job 1");
    rig_progress(r, first, "'output_tokens':50");
    rig_turn(r);
    rig_must_read(r, "job.why", "'id':%" PRIu64, held);
    assert_int_equal(rig_i64(r, "earliest_at"), RIG_WALL_MS / DAY_MS * DAY_MS + DAY_MS);
    assert_true(rig_is_nil(r, "blockers.0.holder"));
}

/* Sums that wrapped would begin at nothing again. */
static void
absurd_numbers_do_not_open_a_budget_again(void **state)
{
    struct rig *r = *state;

    begin(r, &(struct world){.company = ",'daily_tokens':30000"});
    uint64_t jobs[3];
    for (int i = 0; i < 3; i++)
        jobs[i] = submit(r, "");
    for (int i = 0; i < 2; i++) {
        rig_ended(r, jobs[i],
                  "'verdict':'completed','input_tokens':9223372036854775807,"
                  "'output_tokens':9223372036854775807");
    }
    rig_ended(r, jobs[2], "'verdict':'completed','input_tokens':20");
    rig_turn(r);
    expect_used(r, "company", "tokens.overshoot", INT64_MAX);
    assert_int_equal(rig_job_i64(r, jobs[0], "usage.tokens"), INT64_MAX);
    expect_held(r, submit(r, ""));
}

/* ---- all scopes together ---- */

static void
charge_and_reservation_never_pass_any_limit(void **state)
{
    static const char *const scopes[] = {"company", "agent", "schedule"};
    static const int64_t     limits[] = {1000, 700, 300};
    struct rig              *r = *state;
    uint64_t                 last = 0;

    r->limits.schedule_max_concurrent = NO_LIMIT;
    r->limits.reserve_tokens = 40;
    begin(r, &(struct world){.company = ",'daily_tokens':1000",
                             .agent = ",'daily_tokens':700",
                             .schedule = ",'daily_tokens':300"});
    for (unsigned i = 0; i < 60; i++) {
        char budget[64];

        (void)snprintf(budget, sizeof(budget), ",'token_budget':%u", 1 + i * 7 % 90);
        if (i % 10 == 0) rig_advance(r, HOUR_MS); /* a firing */
        last = submit(r, i % 3 ? budget : "");
        for (uint64_t id = 1; id <= last; id++) {
            struct rig_lease *l = rig_lease(r, id);

            if (!l || !l->is_live) continue;
            if ((id + i) % 4 == 0) rig_progress(r, id, "'output_tokens':%u", i % 30);
            if ((id + i) % 5 == 0) rig_ended(r, id, "'verdict':'completed'");
        }
        rig_turn(r);
        for (size_t s = 0; s < ARRAY_LEN(scopes); s++) {
            int64_t sum =
                used(r, scopes[s], "tokens.charged") + used(r, scopes[s], "tokens.reserved");

            assert_true(sum <= limits[s]);
        }
    }
    assert_true(used(r, "agent", "tokens.charged") > 0);
    assert_true(used(r, "schedule", "attempts") > 0);
}

static void
every_scope_that_the_job_meets_is_charged(void **state)
{
    struct rig *r = *state;

    begin(r, &(struct world){.company = ",'daily_tokens':1000",
                             .agent = ",'daily_tokens':500",
                             .schedule = ",'daily_tokens':200"});
    rig_advance(r, HOUR_MS);
    assert_int_equal(rig_running(r), 1);
    /* more than the least of the limits cannot be used */
    expect_used(r, "company", "tokens.reserved", 200);
    expect_used(r, "agent", "tokens.reserved", 200);
    expect_used(r, "schedule", "tokens.reserved", 200);
    rig_ended(r, 1, "'verdict':'completed','turns':3,'output_tokens':190,'cost_micros':5");
    rig_turn(r);
    expect_used(r, "company", "tokens.charged", 190);
    expect_used(r, "agent", "tokens.charged", 190);
    expect_used(r, "schedule", "tokens.charged", 190);
    expect_used(r, "schedule", "turns.charged", 3);
    expect_used(r, "schedule", "cost_micros.charged", 5);
    expect_used(r, "schedule", "attempts", 1);
}

static void
a_schedule_whose_day_is_used_up_misses_its_firings(void **state)
{
    struct rig *r = *state;

    begin(r, &(struct world){.schedule = ",'daily_tokens':200"});
    rig_advance(r, HOUR_MS);
    rig_ended(r, 1, "'verdict':'completed','output_tokens':200");
    rig_turn(r);
    rig_advance(r, HOUR_MS);
    rig_must_read(r, "schedule.firings", "'name':'acme/s'");
    assert_string_equal(rig_text(r, "items.0.outcome"), "missed");
    assert_string_equal(rig_text(r, "items.0.reason"), "its budget of the day is used up");
    /* a job of hers that is no firing of it runs */
    expect_state(r, submit(r, ""), "running");
    rig_advance(r, DAY_MS);
    rig_must_read(r, "schedule.firings", "'name':'acme/s'");
    assert_string_equal(rig_text(r, "items.0.outcome"), "fired");
}

static void
a_limit_that_a_schedule_gets_later_holds_what_is_ready(void **state)
{
    struct rig *r = *state;

    r->limits.schedule_max_concurrent = 0;
    begin(r, &(struct world){.schedule = ""});
    rig_advance(r, HOUR_MS);
    expect_state(r, 1, "parked");
    r->limits.schedule_max_concurrent = 2;
    configure(r, &(struct world){.schedule = ",'daily_tokens':0"});
    rig_settle(r);
    expect_held(r, 1);
    configure(r, &(struct world){.schedule = ",'daily_tokens':10"});
    rig_settle(r);
    expect_state(r, 1, "running");
    expect_used(r, "schedule", "tokens.reserved", 10);
}

/* ---- crashes ---- */

static void
a_crash_charges_what_was_reported(void **state)
{
    struct rig *r = *state;

    begin(r, &(struct world){.company = ",'daily_tokens':100,'daily_run_ms':7200000"});
    uint64_t id = submit(r, ",'token_budget':60,'max_run_ms':3600000");

    rig_advance(r, MINUTE_MS);
    rig_progress(r, id, "'output_tokens':20");
    rig_turn(r);
    rig_crash(r);
    rig_turn(r);
    expect_used(r, "company", "tokens.reserved", 40); /* its processes may still run */
    rig_advance(r, 8 * HOUR_MS);                      /* agentd was away for long */
    rig_old_leases_gone(r);
    rig_turn(r);
    expect_used(r, "company", "tokens.reserved", 0);
    expect_used(r, "company", "tokens.charged", 20);
    expect_used(r, "company", "attempts", 1);
    expect_used(r, "company", "run_ms.charged", MINUTE_MS - SECOND_MS); /* its last sign of life */
    configure(r, &(struct world){.company = ",'daily_tokens':100"});
    rig_workers(r, 1, 8);
    expect_state(r, id, "running"); /* with what is left of its own budget */
    expect_used(r, "company", "tokens.reserved", 40);
}

static void
each_attempt_has_its_own_usage_after_a_crash_too(void **state)
{
    static const int64_t used[] = {20, 5, 7};
    struct rig          *r = *state;

    begin(r, &no_limits);
    rig_must(r, "ticket.add", "'title':'t','company':'acme'");
    uint64_t ticket = (uint64_t)rig_i64(r, "id");
    uint64_t id = rig_submit(r, "'company':'acme','agent':'anna','ticket':%" PRIu64, ticket);

    for (size_t i = 0; i < ARRAY_LEN(used); i++) {
        rig_progress(r, id, "'turns':%" PRId64 ",'output_tokens':%" PRId64, used[i], 2 * used[i]);
        rig_turn(r);
        rig_crash(r);
        rig_turn(r);
        rig_old_leases_gone(r);
        rig_turn(r);
        rig_workers(r, 1, 8);
    }
    rig_must_read(r, "job.show", "'id':%" PRIu64, id);
    assert_int_equal(rig_i64(r, "attempts.0.usage.turns"), 20);
    assert_int_equal(rig_i64(r, "attempts.1.usage.turns"), 5);
    assert_int_equal(rig_i64(r, "attempts.2.usage.tokens"), 14);
    rig_must_read(r, "ticket.show", "'id':%" PRIu64, ticket);
    assert_int_equal(rig_i64(r, "usage.turns"), 32);
}

static void
a_job_whose_budget_is_used_up_does_not_start_again(void **state)
{
    static const char *const ends[] = {"'verdict':'failed'", "'verdict':'snoozed','after_ms':1000",
                                       "'verdict':'failed','class':'rate_limited'"};
    struct rig              *r = *state;
    uint64_t                 id;

    begin(r, &no_limits);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        id = submit(r, ",'token_budget':100");
        rig_ended(r, id, "%s,'output_tokens':100", ends[i]);
        rig_turn(r);
        expect_state(r, id, "failed");
        assert_string_equal(rig_job_text(r, id, "failure.class"), "budget_exceeded");
        assert_string_equal(rig_job_text(r, id, "failure.message"),
                            "it has used 100 of its 100 tokens");
        rig_refused(r, E_WRONG_STATE, "", "job.retry", "'id':%" PRIu64, id);
        rig_must(r, "breaker.reset", "'name':'h'");
    }
    id = submit(r, ",'cost_budget_micros':7");
    rig_progress(r, id, "'cost_micros':7");
    rig_turn(r);
    rig_worker_gone(r, 0);
    rig_turn(r);
    expect_state(r, id, "failed");
    assert_string_equal(rig_job_text(r, id, "failure.class"), "budget_exceeded");
    /* one that has something left, and one that was stopped by the day's limit, may */
    rig_workers(r, 1, 8);
    id = submit(r, ",'token_budget':100");
    rig_ended(r, id, "'verdict':'failed','output_tokens':99");
    rig_turn(r);
    expect_state(r, id, "scheduled");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_start_reserves_the_jobs_budget_else_the_handlers_else_the_minimum),
        TEST(a_day_of_time_is_reserved_and_charged),
        TEST(no_job_may_run_longer_than_a_day_of_time),
        TEST(usage_is_taken_from_the_reservation_and_the_end_gives_the_rest_back),
        TEST(exactly_the_reservation_is_allowed_and_one_more_stops_the_handler),
        TEST(a_jobs_own_budget_stops_it_without_any_daily_limit),
        TEST(overshoot_lowers_what_may_start),
        TEST(why_tells_what_is_reserved_from_what_is_used),
        TEST(absurd_numbers_do_not_open_a_budget_again),
        TEST(charge_and_reservation_never_pass_any_limit),
        TEST(every_scope_that_the_job_meets_is_charged),
        TEST(a_schedule_whose_day_is_used_up_misses_its_firings),
        TEST(a_limit_that_a_schedule_gets_later_holds_what_is_ready),
        TEST(a_crash_charges_what_was_reported),
        TEST(each_attempt_has_its_own_usage_after_a_crash_too),
        TEST(a_job_whose_budget_is_used_up_does_not_start_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
