/* Breakers (A16): what is limited or refused holds its credential, costs no attempt, and is probed.
 */
#include "tests/unit/engine_rig.h"

#define BASE_MS (30 * SECOND_MS)

static void
declare(struct rig *r)
{
    r->limits.breaker_base_ms = BASE_MS;
    r->limits.breaker_max_ms = HOUR_MS;
    rig_configure(r, &(struct rig_declared){
                         .handlers = "{'name':'one','kind':'exec','command':['x'],"
                                     "'credential':'key'},"
                                     "{'name':'two','kind':'exec','command':['x'],"
                                     "'credential':'key'}",
                     });
    rig_workers(r, 2, 8);
}

static void
expect_parked(struct rig *r, uint64_t id)
{
    expect_state(r, id, "parked");
    assert_string_equal(rig_text(r, "reason"), "breaker");
}

static void
limited(struct rig *r, uint64_t id, int after_ms)
{
    rig_ended(r, id,
              "'verdict':'failed','class':'rate_limited','message':'slow down','after_ms':%d",
              after_ms);
    rig_turn(r);
}

static void
a_limited_job_waits_for_the_providers_time_and_costs_no_attempt(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t id = rig_submit(r, "'handler':'noop','max_attempts':1");
    limited(r, id, 60000);
    expect_parked(r, id);
    assert_int_equal(rig_i64(r, "failures"), 0);
    assert_string_equal(rig_text(r, "failure.class"), "rate_limited");
    rig_must_read(r, "job.why", "'id':%d", (int)id);
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "breaker");
    assert_string_equal(rig_text(r, "blockers.0.change"), "agentctl breaker reset noop");
    assert_int_equal(rig_i64(r, "blockers.0.until_at"), RIG_WALL_MS + 60000);
    uint64_t other = rig_submit(r, "'handler':'noop'");
    expect_parked(r, other);
    rig_advance(r, 59999);
    expect_parked(r, id);
    rig_advance(r, 1);
    expect_state(r, id, "running"); /* the probe */
    expect_parked(r, other);
    rig_complete(r, id);
    expect_state(r, other, "running");
    rig_must_read(r, "job.why", "'id':%d", (int)other); /* afterwards, too */
    assert_string_equal(rig_text(r, "history.0.predicate"), "breaker");
    assert_int_equal(rig_i64(r, "history.0.at"), RIG_WALL_MS);
    assert_int_equal(rig_i64(r, "history.0.until_at"), RIG_WALL_MS + 60000);
    assert_true(rig_is_nil(r, "change"));
    assert_int_equal(rig_feed_count(r, "breaker.opened"), 1);
    assert_int_equal(rig_feed_count(r, "breaker.probing"), 1);
    assert_int_equal(rig_feed_count(r, "breaker.closed"), 1);
}

static void
a_probe_that_is_refused_opens_it_for_longer(void **state)
{
    struct rig *r = *state;
    int64_t     base = BASE_MS;

    declare(r);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    for (int i = 0; i < 9; i++) {
        rig_fail(r, id, "auth_failed");
        expect_parked(r, id);
        rig_must_read(r, "breaker.list", " ");
        assert_string_equal(rig_text(r, "items.0.state"), "open");
        assert_int_equal(rig_i64(r, "items.0.opens"), i + 1);
        int64_t wait = rig_i64(r, "items.0.open_until") - r->header.now.wall_ms;
        assert_in_range(wait, base - base / 4, base + base / 4 + 1);
        rig_advance(r, wait);
        expect_state(r, id, "running");
        base = base * 2 > HOUR_MS ? HOUR_MS : base * 2;
    }
}

/* A job may run for long: the probe does not wait for what was there before. */
static void
what_ran_before_it_opened_is_no_probe(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t old = rig_submit(r, "'handler':'one'");
    uint64_t hit = rig_submit(r, "'handler':'one'");
    limited(r, hit, 2000);
    uint64_t third = rig_submit(r, "'handler':'two'");
    rig_advance(r, 2000);
    expect_state(r, old, "running");
    expect_state(r, hit, "running");
    expect_parked(r, third);
    rig_must_read(r, "job.why", "'id':%d", (int)third);
    assert_string_equal(rig_text(r, "blockers.0.holder"), "job 2");
    rig_complete(r, hit);
    expect_state(r, third, "running");
}

static void
any_other_end_of_the_probe_leaves_it_half_open(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    uint64_t other = rig_submit(r, "'handler':'noop'");
    limited(r, id, 5000);
    limited(r, other, 4000); /* of the same wave: no longer, no second opening */
    rig_advance(r, 5000);
    assert_int_equal(rig_running(r), 1);
    rig_fail(r, id, "tool_failed");
    rig_must_read(r, "breaker.list", " ");
    assert_string_equal(rig_text(r, "items.0.state"), "half_open");
    assert_int_equal(rig_i64(r, "items.0.opens"), 1);
    expect_state(r, other, "running"); /* the next probe */
    rig_complete(r, other);
    rig_must_read(r, "breaker.list", " ");
    assert_string_equal(rig_text(r, "items.0.state"), "closed");
}

static void
handlers_of_one_credential_share_it(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t id = rig_submit(r, "'handler':'one'");
    limited(r, id, 5000);
    uint64_t other = rig_submit(r, "'handler':'two'");
    uint64_t free = rig_submit(r, "'handler':'noop'");
    expect_parked(r, other);
    expect_state(r, free, "running");
    rig_advance(r, 5000);
    expect_state(r, id, "running");
    expect_parked(r, other);
    rig_fail(r, id, "tool_failed");
    expect_state(r, other, "running");
}

static void
a_reset_starts_what_was_held(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t id = rig_submit(r, "'handler':'one'");
    limited(r, id, 5000);
    uint64_t other = rig_submit(r, "'handler':'two'");
    rig_must(r, "breaker.reset", "'name':'key'");
    assert_string_equal(rig_text(r, "state"), "closed");
    expect_state(r, id, "running");
    expect_state(r, other, "running");
    rig_must(r, "breaker.reset", "'name':'noop'"); /* never open: fine */
    rig_refused(r, E_NOT_FOUND, "name", "breaker.reset", "'name':'nobody'");
}

static void
it_outlives_a_crash(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    limited(r, id, 60000);
    rig_crash(r);
    rig_turn(r);
    rig_workers(r, 1, 8);
    expect_parked(r, id);
    rig_advance(r, 60000);
    expect_state(r, id, "running");
}

static void
expect_open(struct rig *r, int64_t for_ms)
{
    rig_must_read(r, "breaker.list", " ");
    assert_string_equal(rig_text(r, "items.0.state"), "open");
    assert_int_equal(rig_i64(r, "items.0.open_until"), r->header.now.wall_ms + for_ms);
}

static void
a_clock_that_goes_back_does_not_keep_it_open(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    limited(r, id, 60000);
    rig_wait(r, 20000); /* without a turn: how far it went back is known all the same */
    r->header.now.wall_ms -= 10000;
    rig_settle(r);
    expect_open(r, 40000);
    assert_int_equal(rig_feed_count(r, "clock.changed"), 1);
    r->header.now.wall_ms -= DAY_MS;
    rig_settle(r);
    expect_open(r, 40000);
    rig_advance(r, 39999);
    expect_parked(r, id);
    rig_advance(r, 1);
    expect_state(r, id, "running");
}

static void
one_that_opens_as_the_clock_goes_back_stays_open(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    r->header.now.wall_ms -= HOUR_MS;
    limited(r, id, 60000);
    expect_open(r, 60000);
}

static void
a_clock_that_is_behind_at_a_start_does_not_keep_it_open(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    limited(r, id, 60000);
    rig_crash(r);
    r->header.now.wall_ms -= HOUR_MS;
    rig_turn(r);
    expect_open(r, 60000);
}

/* Handler `one` with a credential; 'two' with `key`. */
static void
set_credential(struct rig *r, const char *of_one)
{
    FREE_AUTO char *handlers = xasprintf("{'name':'one','kind':'exec','command':['x']%s},"
                                         "{'name':'two','kind':'exec','command':['x'],"
                                         "'credential':'key'}",
                                         of_one);

    rig_configure(r, &(struct rig_declared){.handlers = handlers});
}

static void
a_handler_with_another_credential_leaves_the_open_breaker(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t id = rig_submit(r, "'handler':'one'");
    limited(r, id, 60000);
    uint64_t other = rig_submit(r, "'handler':'two'");
    expect_parked(r, other);
    set_credential(r, ",'credential':'fresh'");
    expect_state(r, id, "running");
    expect_parked(r, other); /* still of the old one */
    limited(r, id, 30000);
    expect_parked(r, id);
    rig_must_read(r, "job.why", "'id':%d", (int)id);
    assert_string_equal(rig_text(r, "blockers.0.change"), "agentctl breaker reset fresh");
    set_credential(r, ",'credential':'key'"); /* back: it waits for the first again */
    rig_advance(r, 30000);
    expect_parked(r, id);
    rig_advance(r, 30000);
    assert_int_equal(rig_running(r), 1);
}

static void
breakers_that_no_handler_has_any_more_are_gone(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t noop = rig_submit(r, "'handler':'noop'"), one = rig_submit(r, "'handler':'one'");
    limited(r, noop, 60000);
    limited(r, one, 60000);
    rig_must_read(r, "breaker.list", " ");
    assert_int_equal(rig_len(r, "items"), 2);
    rig_must(r, "job.cancel", "'id':%d", (int)one);
    rig_configure(r, &(struct rig_declared){0});
    rig_must_read(r, "breaker.list", " ");
    assert_int_equal(rig_len(r, "items"), 1);
    assert_string_equal(rig_text(r, "items.0.name"), "noop");
    assert_int_equal(rig_feed_count(r, "breaker.closed"), 1); /* of the credential */
    declare(r);
    uint64_t anew = rig_submit(r, "'handler':'one'");
    expect_state(r, anew, "running"); /* what comes back begins closed */
    rig_advance(r, 60000);
    expect_state(r, noop, "running");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_limited_job_waits_for_the_providers_time_and_costs_no_attempt),
        TEST(a_probe_that_is_refused_opens_it_for_longer),
        TEST(what_ran_before_it_opened_is_no_probe),
        TEST(any_other_end_of_the_probe_leaves_it_half_open),
        TEST(handlers_of_one_credential_share_it),
        TEST(a_reset_starts_what_was_held),
        TEST(it_outlives_a_crash),
        TEST(a_clock_that_goes_back_does_not_keep_it_open),
        TEST(one_that_opens_as_the_clock_goes_back_stays_open),
        TEST(a_clock_that_is_behind_at_a_start_does_not_keep_it_open),
        TEST(a_handler_with_another_credential_leaves_the_open_breaker),
        TEST(breakers_that_no_handler_has_any_more_are_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
