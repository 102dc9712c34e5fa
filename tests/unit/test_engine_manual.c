/* Firings by hand: now, with the caps or over them (C10). */
#include "tests/unit/manual_world.h"

static void
uncap(struct rig *r)
{
    r->limits.schedule_max_concurrent = NO_LIMIT;
    r->limits.company_max_concurrent = NO_LIMIT;
    r->limits.max_concurrent = NO_LIMIT;
    rig_configure(r, &(struct rig_declared){0});
}

static size_t
audited(struct rig *r, const char *action)
{
    rig_must_read(r, "audit.list", "'action':'%s'", action);
    return rig_len(r, "items");
}

/* What the newest schedule.fired says of its kind. */
static const char *
fired_kind(struct rig *r)
{
    rig_feed(r);
    for (size_t i = rig_len(r, "items"); i-- > 0;) {
        const char *kind = rig_path(r, "items", i, "kind");

        if (strcmp(rig_text(r, rig_path(r, "items", i, "type")), "schedule.fired") != 0) continue;
        return rig_has(r, kind) ? rig_text(r, kind) : "";
    }
    return "none";
}

/* ---- what a firing is ---- */

static void
it_starts_at_once_and_leaves_the_times_alone(void **state)
{
    struct rig *r = *state;
    uint64_t    job;
    int64_t     cursor, next;

    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':60000");
    cursor = schedule_i64(r, "s", "cursor_at");
    next = rig_i64(r, "next_fire_at");
    rig_wait(r, 20 * SECOND_MS);
    job = run(r, "s");
    expect_state(r, job, "running");
    assert_string_equal(rig_text(r, "title"), "s — manual firing #1");
    assert_string_equal(rig_text(r, "schedule"), "s");
    assert_int_equal(schedule_i64(r, "s", "cursor_at"), cursor);
    assert_int_equal(rig_i64(r, "next_fire_at"), next);
    assert_int_equal(rig_i64(r, "firing_count"), 1);
    assert_int_equal(firings(r, "s"), 1);
    assert_string_equal(rig_text(r, "items.0.outcome"), "fired");
    assert_int_equal(rig_i64(r, "items.0.nominal_at"), RIG_WALL_MS + 20 * SECOND_MS);
    assert_int_equal(audited(r, "schedule.run"), 1);
    assert_int_equal(audited(r, "manual_force_bypass"), 0);
    assert_string_equal(fired_kind(r), "manual");
    rig_complete(r, job);
    rig_advance(r, 40 * SECOND_MS);
    assert_string_equal(fired_kind(r), ""); /* one that the time made */
    assert_int_equal(outcomes(r, "s", "fired"), 2);
    assert_string_equal(rig_job_text(r, (uint64_t)schedule_i64(r, "s", "last_job"), "title"),
                        "s — firing #2");
}

/* It must not take the row of a nominal time, whether that is decided or not. */
static void
its_row_is_no_nominal_times(void **state)
{
    struct rig *r = *state;

    uncap(r);
    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':60000,'overlap':'allow'");
    rig_wait(r, MINUTE_MS); /* due, and decided in the turn of the request */
    (void)run(r, "s");
    (void)run(r, "s");
    assert_int_equal(outcomes(r, "s", "fired"), 3);
    assert_int_equal(rig_i64(r, "items.2.nominal_at"), RIG_WALL_MS + MINUTE_MS);
    assert_int_equal(rig_i64(r, "items.1.nominal_at"), RIG_WALL_MS + MINUTE_MS + 1);
    assert_int_equal(rig_i64(r, "items.0.nominal_at"), RIG_WALL_MS + MINUTE_MS + 2);
    r->header.clock_is_held = true;
    rig_wait(r, MINUTE_MS); /* due, and not to be decided */
    (void)run(r, "s");
    r->header.clock_is_held = false;
    rig_settle(r);
    assert_int_equal(outcomes(r, "s", "fired"), 5);
}

/* What is due at the machine's boot waits for the clock; a run at its very instant is beside it. */
static void
it_takes_no_boots_time(void **state)
{
    struct rig *r = *state;

    uncap(r);
    add(r, "s", "'cron':'@reboot','overlap':'allow'");
    r->boot_id++;
    r->header.clock_is_held = true;
    rig_stop(r);
    rig_settle(r);
    rig_workers(r, 1, 4);
    assert_int_equal(schedule_i64(r, "s", "next_fire_at"), r->header.now.wall_ms);
    (void)run(r, "s");
    r->header.clock_is_held = false;
    rig_settle(r);
    assert_int_equal(outcomes(r, "s", "fired"), 2);
}

static void
a_paused_schedule_is_run_by_hand(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':60000");
    rig_must(r, "schedule.pause", "'name':'s'");
    expect_state(r, run(r, "s"), "running");
    rig_must_read(r, "schedule.show", "'name':'s'");
    assert_string_equal(rig_text(r, "status"), "paused");
}

/* ---- caps ---- */

static void
a_firing_in_flight_is_full(void **state)
{
    struct rig *r = *state;
    uint64_t    job, second;

    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':3600000,'max_run_ms':100000");
    job = run(r, "s");
    expect_full(r, "s", 100000);
    rig_advance(r, 30 * SECOND_MS);
    expect_full(r, "s", 70000);
    second = force(r, "s");
    expect_state(r, second, "running");
    expect_state(r, job, "running");
    assert_int_equal(audited(r, "manual_force_bypass"), 1);
    assert_int_equal(rig_i64(r, "items.0.after.job"), (int64_t)second);
}

static void
allowed_overlap_is_not_full(void **state)
{
    struct rig *r = *state;

    uncap(r);
    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':3600000,'overlap':'allow'");
    expect_state(r, run(r, "s"), "running");
    expect_state(r, run(r, "s"), "running");
}

/* Who is of a company names what is in it; so does its schedule, whoever runs it. */
static void
a_schedule_of_who_is_of_a_company_finds_its_own(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    rig_must(r, "company.add", "'name':'acme'");
    rig_must(r, "agent.add", "'name':'anna','company':'acme','handler':'noop'");
    r->actor.company = view_str("acme");
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'agent':'anna'");
    expect_state(r, run(r, "s"), "running");
    r->actor.company = (struct view){0};
    complete_last(r, "acme/s");
    expect_state(r, run(r, "acme/s"), "running");
    complete_last(r, "acme/s");
    rig_advance(r, MINUTE_MS);
    assert_int_equal(outcomes(r, "acme/s", "fired"), 3);
}

static void
slots_and_stops_are_not_forced(void **state)
{
    struct rig *r = *state;

    add(r, "s", "'every_ms':3600000,'max_run_ms':100000");
    add(r, "t", "'every_ms':3600000");
    expect_full(r, "s", 0); /* no worker is up */
    rig_workers(r, 1, 1);
    (void)run(r, "s");
    rig_refused(r, E_CAPACITY_FULL, "", "schedule.run", "'name':'t','force':true");
    assert_int_equal(r->error.slot_eta_ms, 100000);
    rig_must(r, "stop", "'scope':'new'");
    rig_refused(r, E_STOPPED, "", "schedule.run", "'name':'t','force':true");
    rig_must(r, "resume", " ");
    rig_must(r, "drain", " ");
    rig_refused(r, E_DRAINING, "", "schedule.run", "'name':'t','force':true");
}

static void
force_goes_over_the_caps_of_company_agent_and_handler(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 8);
    rig_must(r, "company.add", "'name':'acme','max_concurrent':1");
    rig_must(r, "agent.add", "'name':'anna','handler':'noop','max_concurrent':1");
    rig_must(r, "schedule.add", "'name':'s','company':'acme','every_ms':3600000,'handler':'noop'");
    rig_must(r, "schedule.add", "'name':'t','company':'acme','every_ms':3600000,'handler':'noop'");
    rig_must(r, "schedule.add", "'name':'u','every_ms':3600000,'agent':'anna'");
    rig_must(r, "schedule.add", "'name':'v','every_ms':3600000,'agent':'anna'");
    (void)run(r, "acme/s");
    (void)run(r, "u");
    rig_refused(r, E_CAPACITY_FULL, "", "schedule.run", "'name':'acme/t'");
    rig_refused(r, E_CAPACITY_FULL, "", "schedule.run", "'name':'v'");
    expect_state(r, force(r, "acme/t"), "running");
    expect_state(r, force(r, "v"), "running");
}

static void
what_a_person_holds_is_refused_as_that(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    rig_must(r, "agent.add", "'name':'anna','handler':'noop'");
    rig_must(r, "schedule.add", "'name':'s','every_ms':3600000,'agent':'anna'");
    rig_must(r, "agent.pause", "'name':'anna'");
    rig_refused(r, E_WRONG_STATE, "", "schedule.run", "'name':'s','force':true");
    rig_must(r, "agent.resume", "'name':'anna'");
    rig_must(r, "company.pause", "'name':'default'");
    rig_refused(r, E_WRONG_STATE, "", "schedule.run", "'name':'s'");
}

/* The day's turns: one reservation fits, and comes back with its job's end. */
/* In a lane nothing overtakes, so that a smaller one behind it would wait, too. */
static void
a_run_is_refused_behind_one_that_waits_for_more_of_a_budget(void **state)
{
    struct rig *r = *state;
    uint64_t    waits;

    uncap(r);
    rig_workers(r, 1, 8);
    add(r, "s", "'every_ms':60000,'overlap':'allow','daily_tokens':100,'token_budget':80");
    rig_advance(r, MINUTE_MS);
    rig_advance(r, MINUTE_MS);
    waits = (uint64_t)schedule_i64(r, "s", "last_job");
    expect_state(r, waits, "parked");
    rig_must(r, "job.retry", "'id':%d,'force':true", (int)waits);
    rig_must(r, "schedule.set", "'name':'s','token_budget':10");
    rig_refused(r, E_CAPACITY_FULL, "", "schedule.run", "'name':'s','force':true");
    rig_must(r, "job.cancel", "'id':%d", (int)waits);
    expect_state(r, force(r, "s"), "running");
}

static void
a_budget_is_not_forced(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s",
        "'every_ms':3600000,'overlap':'allow','daily_turns':10,'max_turns':6,"
        "'max_run_ms':50000");
    (void)run(r, "s");
    rig_refused(r, E_CAPACITY_FULL, "", "schedule.run", "'name':'s','force':true");
    assert_int_equal(r->error.slot_eta_ms, 50000);
    assert_non_null(strstr(r->error.msg, "budget"));
}

/* Two that ask in one turn for the one slot, and one that was there before them. */
static void
only_one_of_a_turn_gets_the_last_slot(void **state)
{
    struct rig *r = *state;
    uint64_t    first, second, third;

    rig_workers(r, 1, 1);
    add(r, "s", "'every_ms':3600000");
    add(r, "t", "'every_ms':3600000");
    first = rig_queue(r, "schedule.run", "'name':'s'");
    second = rig_queue(r, "schedule.run", "'name':'t'");
    rig_turn(r);
    assert_int_equal(rig_answer(r, first), E_OK);
    assert_int_equal(rig_answer(r, second), E_CAPACITY_FULL);
    rig_ended(r, (uint64_t)schedule_i64(r, "s", "last_job"), "'verdict':'completed'");
    third = rig_queue(r, "job.submit", "'handler':'noop','priority':1");
    second = rig_queue(r, "schedule.run", "'name':'t'");
    rig_turn(r); /* what was asked for first has the slot, whatever its priority */
    assert_int_equal(rig_answer(r, third), E_OK);
    assert_int_equal(rig_answer(r, second), E_CAPACITY_FULL);
    assert_int_equal(firings(r, "t"), 0);
}

static void
asked_twice_it_fires_once(void **state)
{
    struct rig *r = *state;
    uint64_t    job;

    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':3600000,'overlap':'allow'");
    r->request_id = "one";
    job = run(r, "s");
    assert_int_equal(run(r, "s"), job);
    r->request_id = NULL;
    assert_int_equal(firings(r, "s"), 1);
}

static void
more_than_a_turn_takes_are_told_to_ask_again(void **state)
{
    struct rig *r = *state;
    uint64_t    asked[70];
    size_t      busy = 0;

    uncap(r);
    rig_workers(r, 1, 100);
    add(r, "s", "'every_ms':3600000,'overlap':'allow'");
    for (size_t i = 0; i < ARRAY_LEN(asked); i++)
        asked[i] = rig_queue(r, "schedule.run", "'name':'s'");
    rig_turn(r);
    for (size_t i = 0; i < ARRAY_LEN(asked); i++)
        busy += rig_answer(r, asked[i]) == E_BUSY;
    assert_int_equal(busy, 6);
    assert_int_equal(firings(r, "s"), 64);
    assert_int_equal(rig_running(r), 64);
}

static void
turns_after_an_abort_answer_it_too(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    add(r, "s", "'every_ms':3600000");
    add(r, "t", "'every_ms':3600000");
    (void)rig_queue(r, "schedule.run", "'name':'s'");
    (void)rig_queue(r, "schedule.run", "'name':'t'");
    rig_turn_singly(r);
    assert_int_equal(firings(r, "s"), 1);
    assert_int_equal(firings(r, "t"), 0);
    assert_int_equal(rig_running(r), 1);
}

/* ---- a job that is tried again ---- */

static void
a_forced_retry_goes_over_the_caps(void **state)
{
    struct rig *r = *state;
    uint64_t    first, second;

    rig_workers(r, 1, 4);
    rig_must(r, "agent.add", "'name':'anna','handler':'noop','max_concurrent':1");
    second = rig_submit(r, "'agent':'anna','max_attempts':1");
    rig_fail(r, second, "invalid_input");
    expect_state(r, second, "failed");
    first = rig_submit(r, "'agent':'anna'");
    rig_must(r, "job.retry", "'id':%d", (int)second);
    expect_state(r, second, "parked");
    rig_must(r, "job.retry", "'id':%d,'force':true", (int)second);
    expect_state(r, second, "running");
    expect_state(r, first, "running");
    assert_int_equal(audited(r, "manual_force_bypass"), 1);
    assert_string_equal(rig_text(r, "items.0.subject"), "job 1");
    assert_int_equal(audited(r, "job.retry"), 2);
}

static void
a_plain_retry_is_not_forced_any_more(void **state)
{
    struct rig *r = *state;
    uint64_t    first, second;

    rig_workers(r, 1, 4);
    rig_must(r, "agent.add", "'name':'anna','handler':'noop','max_concurrent':1");
    second = rig_submit(r, "'agent':'anna','max_attempts':1");
    rig_fail(r, second, "invalid_input");
    first = rig_submit(r, "'agent':'anna'");
    rig_must(r, "job.retry", "'id':%d,'force':true", (int)second);
    rig_must_read(r, "job.show", "'id':%d", (int)second);
    assert_true(rig_bool(r, "forced"));
    rig_fail(r, second, "invalid_input");
    rig_must(r, "job.retry", "'id':%d", (int)second);
    expect_state(r, second, "parked");
    rig_complete(r, first);
    expect_state(r, second, "running");
    rig_refused(r, E_WRONG_STATE, "", "job.retry", "'id':%d,'force':true", (int)second);
}

static void
dead_letters_are_sent_again_over_the_caps(void **state)
{
    struct rig *r = *state;
    uint64_t    jobs[3];

    rig_workers(r, 1, 4);
    rig_must(r, "agent.add", "'name':'anna','handler':'noop','max_concurrent':1");
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
        jobs[i] = rig_submit(r, "'agent':'anna','max_attempts':1");
        rig_fail(r, jobs[i], "invalid_input");
    }
    rig_must(r, "job.retry_many", "'state':'failed','dry_run':true,'force':true");
    assert_int_equal(audited(r, "manual_force_bypass"), 0);
    rig_must(r, "job.retry_many", "'state':'failed','limit':1");
    assert_int_equal(rig_running(r), 1);
    rig_must(r, "job.retry_many", "'state':'failed','force':true");
    assert_int_equal(rig_i64(r, "done"), 2);
    assert_int_equal(rig_running(r), 3);
    assert_int_equal(audited(r, "manual_force_bypass"), 1);
    assert_int_equal(rig_i64(r, "items.0.after.done"), 2);
    assert_int_equal(audited(r, "job.retry_many"), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_begin, rig_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_starts_at_once_and_leaves_the_times_alone),
        TEST(its_row_is_no_nominal_times),
        TEST(it_takes_no_boots_time),
        TEST(a_paused_schedule_is_run_by_hand),
        TEST(a_firing_in_flight_is_full),
        TEST(allowed_overlap_is_not_full),
        TEST(a_schedule_of_who_is_of_a_company_finds_its_own),
        TEST(slots_and_stops_are_not_forced),
        TEST(force_goes_over_the_caps_of_company_agent_and_handler),
        TEST(what_a_person_holds_is_refused_as_that),
        TEST(a_budget_is_not_forced),
        TEST(a_run_is_refused_behind_one_that_waits_for_more_of_a_budget),
        TEST(only_one_of_a_turn_gets_the_last_slot),
        TEST(asked_twice_it_fires_once),
        TEST(more_than_a_turn_takes_are_told_to_ask_again),
        TEST(turns_after_an_abort_answer_it_too),
        TEST(a_forced_retry_goes_over_the_caps),
        TEST(a_plain_retry_is_not_forced_any_more),
        TEST(dead_letters_are_sent_again_over_the_caps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
