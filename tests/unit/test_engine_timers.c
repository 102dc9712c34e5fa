/* Durable timers of sessions: promoted in the order of their times, each to an event, once (D3). */
#include "tests/unit/timer_world.h"

#define MANY 100000
#define PART 1000 /* of these, set in one turn */

/* ---- one timer ---- */

static void
a_due_timer_becomes_an_event_with_its_payload(void **state)
{
    struct rig *r = *state;
    struct view v;

    declare(r);
    rig_workers(r, 1, 4);
    rig_must(r, "timer.set",
             "'key':'s','agent':'desk','timer_id':'tea','delay_ms':60000,'payload':{'n':1}");
    assert_string_equal(rig_text(r, "status"), "pending");
    assert_int_equal(rig_i64(r, "fire_at"), RIG_WALL_MS + MINUTE_MS);
    assert_int_equal(session_i64(r, "s", "timers"), 1);
    assert_string_equal(rig_text(r, "agent"), "desk");
    assert_int_equal(r->deadline.wall_ms, RIG_WALL_MS + MINUTE_MS);
    rig_advance(r, MINUTE_MS - 1);
    expect_status(r, "s", "tea", "pending");
    rig_advance(r, 1);
    expect_status(r, "s", "tea", "promoted");
    assert_int_equal(rig_i64(r, "items.0.event"), 1);
    assert_int_equal(session_i64(r, "s", "timers"), 0);
    uint64_t job = (uint64_t)rig_i64(r, "job");
    assert_string_equal(rig_job_text(r, job, "trigger"), "timer");
    expect_state(r, job, "running");
    assert_true(mp_find(rig_lease(r, job)->body, "document", &v));
    r->reply = v;
    assert_string_equal(rig_text(r, "event.type"), "timer");
    assert_string_equal(rig_text(r, "event.payload.timer_id"), "tea");
    assert_int_equal(rig_i64(r, "event.payload.payload.n"), 1);
    assert_int_equal(rig_feed_count(r, "timer.set"), 1);
    assert_int_equal(rig_feed_count(r, "timer.fired"), 1);
}

static void
a_time_in_the_past_fires_at_once(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_must(r, "timer.set", "'key':'s','timer_id':'t','fire_at':1000");
    rig_turn(r); /* what is due comes before the requests */
    expect_status(r, "s", "t", "promoted");
    assert_int_equal(session_i64(r, "s", "waiting"), 1);
}

static void
set_again_a_timer_has_the_new_time_and_payload(void **state)
{
    struct rig *r = *state;

    declare(r);
    set_in(r, "s", "t", MINUTE_MS);
    rig_must(r, "timer.set", "'key':'s','timer_id':'t','delay_ms':120000,'payload':'new'");
    assert_int_equal(session_i64(r, "s", "timers"), 1);
    rig_advance(r, MINUTE_MS);
    expect_status(r, "s", "t", "pending");
    rig_advance(r, MINUTE_MS);
    expect_status(r, "s", "t", "promoted");
    rig_must_read(r, "session.events", "'key':'s'");
    assert_int_equal(rig_len(r, "items"), 1);
    assert_string_equal(rig_text(r, "items.0.payload.payload"), "new");
    set_in(r, "s", "t", MINUTE_MS); /* one that fired is pending again */
    expect_status(r, "s", "t", "pending");
    rig_must(r, "timer.cancel", "'key':'s','timer_id':'t'");
    set_in(r, "s", "t", MINUTE_MS); /* so is a cancelled one */
    rig_advance(r, MINUTE_MS);
    assert_int_equal(session_i64(r, "s", "appended"), 2);
}

static void
a_long_payload_comes_whole(void **state)
{
    static char text[300000];
    struct rig *r = *state;

    declare(r);
    memset(text, 'a', sizeof(text) - 1);
    rig_must(r, "timer.set", "'key':'s','timer_id':'t','delay_ms':10,'payload':'%s'", text);
    rig_must(r, "timer.set", "'key':'s','timer_id':'t','delay_ms':10,'payload':'b%s'", text);
    rig_advance(r, 10);
    rig_must_read(r, "session.events", "'key':'s'");
    assert_int_equal(strlen(rig_text(r, "items.0.payload.payload")), sizeof(text));
    assert_int_equal(rig_text(r, "items.0.payload.payload")[0], 'b');
    rig_must_read(r, "timer.list", "'key':'s'");
    assert_true(rig_is_nil(r, "items.0.payload"));
}

/* ---- the order ---- */

static void
timers_fire_in_the_order_of_their_times(void **state)
{
    static const int order[] = {7, 2, 9, 1, 8, 3, 6, 4, 5};
    struct rig      *r = *state;
    char             name[8], want[8];

    declare(r);
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        (void)snprintf(name, sizeof(name), "t%d", order[i]); /* fits */
        set_in(r, "s", name, order[i] * 1000);
    }
    rig_advance(r, MINUTE_MS); /* all are due at once */
    rig_must_read(r, "session.events", "'key':'s'");
    assert_int_equal(rig_len(r, "items"), ARRAY_LEN(order));
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        (void)snprintf(want, sizeof(want), "t%zu", i + 1); /* fits */
        assert_string_equal(rig_text(r, rig_path(r, "items", i, "timer_id")), want);
    }
}

/* Of 100 sessions, their times scattered over a day, all of it gone by. */
static void
a_hundred_thousand_fire_in_order_in_bounded_turns(void **state)
{
    struct rig *r = *state;
    uint64_t    rng = 1, turns = 0;
    int64_t     last = 0;

    r->is_unchecked = true;
    r->limits.session_timers_max = NO_LIMIT;
    CLEAR_HAS(&r->limits, limits, session_timers_max);
    declare(r);
    for (int i = 0; i < MANY; i++) {
        rng = rng * 6364136223846793005U + 1442695040888963407U;
        (void)rig_queue(r, "timer.set", "'key':'s%d','timer_id':'t%d','fire_at':%lld", i % 100, i,
                        RIG_WALL_MS + 1 + (long long)((rng >> 33) % DAY_MS));
        if (i % PART == PART - 1) rig_turn(r);
    }
    assert_int_equal(rig_rows(r, TABLE_SESSION_TIMER), MANY);
    rig_wait(r, DAY_MS + 1);
    while (rig_is_due(r) && rig_rows(r, TABLE_EVENT) < MANY) {
        rig_turn(r);
        turns++;
        assert_true(rig_rows(r, TABLE_EVENT) <= turns * TURN_DUE_MAX);
    }
    assert_int_equal(rig_rows(r, TABLE_EVENT), MANY);
    assert_true(turns >= MANY / TURN_DUE_MAX && turns <= 2 * MANY / TURN_DUE_MAX);
    struct txn          *t = rig_begin_read(r);
    struct session_timer row = {0};
    struct scan          s;
    uint64_t             seen = 0;
    static int64_t       fire_at[MANY + 1000]; /* by the event's id, which ascends */

    scan_open(&s, t, PRIMARY_SESSION_TIMER, &row, 0, 0);
    while (scan_next(&s, &row)) {
        struct event ev = {.session = row.session, .seq = row.event};

        assert_int_equal(row.status, TIMER_PROMOTED);
        assert_int_equal(event_load(t, &ev), LOAD_FOUND);
        assert_true(ev.id > MANY && ev.id <= 2 * MANY);
        fire_at[ev.id - MANY - 1] = row.fire_at;
        seen++;
    }
    scan_close(&s);
    txn_abort(&t);
    assert_int_equal(seen, MANY);
    for (size_t i = 0; i < MANY; last = fire_at[i++])
        assert_true(fire_at[i] >= last);
}

/* ---- what keeps them ---- */

static void
while_sessions_are_disabled_timers_stay_pending(void **state)
{
    struct rig *r = *state;

    declare(r);
    set_in(r, "s", "t", MINUTE_MS);
    r->limits.session_enabled = false;
    declare(r);
    rig_advance(r, HOUR_MS);
    expect_status(r, "s", "t", "pending");
    assert_false(rig_is_due(r)); /* no loop without end */
    rig_must_read(r, "timer.why", "'key':'s','timer_id':'t'");
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "disabled");
    assert_true(rig_is_nil(r, "earliest_at"));
    r->limits.session_enabled = true;
    declare(r);
    expect_status(r, "s", "t", "promoted");
}

static void
a_clock_that_is_held_holds_timers(void **state)
{
    struct rig *r = *state;

    declare(r);
    set_in(r, "s", "t", MINUTE_MS);
    r->header.clock_is_held = true;
    rig_advance(r, HOUR_MS);
    expect_status(r, "s", "t", "pending");
    assert_false(rig_is_due(r));
    rig_must_read(r, "timer.why", "'key':'s','timer_id':'t'");
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "clock");
    rig_must(r, "clock.accept", " ");
    rig_turn(r);
    expect_status(r, "s", "t", "promoted");
}

static void
a_clock_that_goes_back_fires_none_early(void **state)
{
    struct rig *r = *state;

    declare(r);
    set_in(r, "s", "t", MINUTE_MS);
    r->header.now.wall_ms -= 10 * HOUR_MS;
    rig_advance(r, 10 * HOUR_MS + MINUTE_MS - 1);
    expect_status(r, "s", "t", "pending");
    rig_advance(r, 1);
    expect_status(r, "s", "t", "promoted");
    set_in(r, "s", "u", DAY_MS);
    r->header.now.wall_ms += DAY_MS; /* and forward: it is due */
    rig_turn(r);
    expect_status(r, "s", "u", "promoted");
    assert_int_equal(session_i64(r, "s", "appended"), 2);
}

static void
a_paused_agents_timers_append_their_events(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 4);
    rig_must(r, "timer.set", "'key':'s','timer_id':'t','delay_ms':1000,'agent':'desk'");
    rig_must(r, "agent.pause", "'name':'desk'");
    rig_advance(r, 1000);
    expect_status(r, "s", "t", "promoted");
    uint64_t job = (uint64_t)session_i64(r, "s", "job");
    expect_state(r, job, "parked");
    rig_must(r, "agent.resume", "'name':'desk'");
    expect_state(r, job, "running");
}

static void
a_full_session_takes_its_timers_events_all_the_same(void **state)
{
    struct rig *r = *state;

    r->limits.session_queue_max = 1;
    declare(r);
    set_in(r, "s", "t", 1000);
    set_in(r, "s", "u", 1000);
    rig_must(r, "session.event", "'key':'s','type':'ping'");
    rig_advance(r, 1000);
    assert_int_equal(session_i64(r, "s", "waiting"), 3);
}

static void
a_crash_fires_each_timer_once(void **state)
{
    struct rig *r = *state;

    declare(r);
    set_in(r, "s", "t", MINUTE_MS);
    set_in(r, "s", "u", 2 * MINUTE_MS);
    rig_advance(r, MINUTE_MS);
    rig_crash(r);
    rig_wait(r, HOUR_MS); /* the second falls due while agentd is away */
    rig_settle(r);
    expect_status(r, "s", "t", "promoted");
    expect_status(r, "s", "u", "promoted");
    assert_int_equal(session_i64(r, "s", "appended"), 2);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_due_timer_becomes_an_event_with_its_payload),
        TEST(a_time_in_the_past_fires_at_once),
        TEST(set_again_a_timer_has_the_new_time_and_payload),
        TEST(a_long_payload_comes_whole),
        TEST(timers_fire_in_the_order_of_their_times),
        TEST(a_hundred_thousand_fire_in_order_in_bounded_turns),
        TEST(while_sessions_are_disabled_timers_stay_pending),
        TEST(a_clock_that_is_held_holds_timers),
        TEST(a_clock_that_goes_back_fires_none_early),
        TEST(a_paused_agents_timers_append_their_events),
        TEST(a_full_session_takes_its_timers_events_all_the_same),
        TEST(a_crash_fires_each_timer_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
