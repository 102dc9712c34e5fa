/* Idle back-off: heartbeats that find nothing to do come more seldom (idle_max_ms, C5). */
#include "tests/unit/schedule_world.h"

#include <inttypes.h>

/* A heartbeat each 10 min, at most 2 h apart, that wakes anna. */
static void
begin(struct rig *r)
{
    rig_workers(r, 1, 4);
    rig_must(r, "agent.add", "'name':'anna','handler':'noop'");
    rig_must(r, "schedule.add",
             "'name':'s','every_ms':600000,'agent':'anna','type':'heartbeat',"
             "'idle_max_ms':7200000");
}

static int64_t
minutes(struct rig *r, const char *field)
{
    return (schedule_i64(r, "s", field) - RIG_WALL_MS) / MINUTE_MS;
}

/* Lets it fire at its next time, which must be so many minutes after the start, and find nothing.
 */
static void
find_nothing_at(struct rig *r, int64_t minute)
{
    assert_int_equal(minutes(r, "next_fire_at"), minute);
    rig_advance(r, RIG_WALL_MS + minute * MINUTE_MS - r->header.now.wall_ms);
    assert_int_equal(minutes(r, "last_fired_at"), minute);
    complete_last(r, "s");
}

static void
finds_something(struct rig *r, const char *what)
{
    rig_ended(r, (uint64_t)schedule_i64(r, "s", "last_job"), "'verdict':'completed',%s", what);
    rig_turn(r);
}

static void
only_heartbeats_back_off(void **state)
{
    struct rig *r = *state;

    rig_refused(r, E_BAD_REQUEST, "idle_max_ms", "schedule.add",
                "'name':'s','every_ms':60000,'handler':'noop','idle_max_ms':120000");
    rig_must(r, "schedule.add",
             "'name':'s','every_ms':60000,'handler':'noop','type':'heartbeat','idle_max_ms':1000");
}

static void
each_idle_firing_doubles_the_wait_up_to_the_longest(void **state)
{
    static const int64_t at[] = {10, 30, 70, 150, 270, 390}; /* 20, 40, 80, then 120 min apart */
    struct rig          *r = *state;

    begin(r);
    for (size_t i = 0; i < ARRAY_LEN(at); i++)
        find_nothing_at(r, at[i]);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), ARRAY_LEN(at));
    assert_int_equal(rig_i64(r, "idle_streak"), ARRAY_LEN(at));
    assert_int_equal(rig_i64(r, "suppressed_count"), 39 - ARRAY_LEN(at));
}

static void
what_is_left_out_shares_a_row(void **state)
{
    struct rig *r = *state;

    begin(r);
    find_nothing_at(r, 10);
    find_nothing_at(r, 30);
    find_nothing_at(r, 70);
    assert_int_equal(firings(r, "s"), 5);
    assert_string_equal(rig_text(r, "items.1.outcome"), "suppressed");
    assert_int_equal(rig_i64(r, "items.1.count"), 3); /* minutes 40, 50, 60 */
    assert_int_equal(rig_i64(r, "items.1.nominal_at"), RIG_WALL_MS + 40 * MINUTE_MS);
    assert_non_null(strstr(rig_text(r, "items.1.reason"), "idle back-off until"));
    assert_int_equal(rig_i64(r, "items.3.count"), 1);
}

static void
nothing_is_done_at_times_that_are_left_out(void **state)
{
    struct rig *r = *state;

    begin(r);
    find_nothing_at(r, 10);
    find_nothing_at(r, 30);
    assert_int_equal(r->deadline.wall_ms, RIG_WALL_MS + 70 * MINUTE_MS);
}

/* 08:10 of the schedule is still to come. */
static void
what_is_fired_by_hand_and_finds_nothing_moves_no_time(void **state)
{
    struct rig *r = *state;

    begin(r);
    rig_advance(r, MINUTE_MS);
    rig_must(r, "schedule.run", "'name':'s'");
    complete_last(r, "s");
    assert_int_equal(schedule_i64(r, "s", "idle_streak"), 0);
    find_nothing_at(r, 10);
    find_nothing_at(r, 30);
    rig_must(r, "schedule.run", "'name':'s'");
    complete_last(r, "s");
    find_nothing_at(r, 70);
}

static void
a_firing_that_did_something_ends_it(void **state)
{
    static const char *const something[] = {
        "'output':{'done':1}", "'effects':[{'kind':'notify','payload':{'message':'m'}}]"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(something); i++) {
        void       *fresh;
        struct rig *r;

        (void)rig_begin(&fresh);
        r = fresh;
        begin(r);
        find_nothing_at(r, 10);
        find_nothing_at(r, 30);
        rig_advance(r, 40 * MINUTE_MS);
        finds_something(r, something[i]);
        assert_int_equal(minutes(r, "next_fire_at"), 80);
        assert_int_equal(rig_i64(r, "idle_streak"), 0);
        find_nothing_at(r, 80);
        find_nothing_at(r, 100);
        (void)rig_end(&fresh);
    }
}

static void
a_result_of_null_is_none(void **state)
{
    struct rig *r = *state;

    begin(r);
    rig_advance(r, 10 * MINUTE_MS);
    finds_something(r, "'output':null,'effects':[]");
    assert_int_equal(minutes(r, "next_fire_at"), 30);
}

static void
a_firing_that_failed_ends_it(void **state)
{
    struct rig *r = *state;

    begin(r);
    find_nothing_at(r, 10);
    rig_advance(r, 20 * MINUTE_MS);
    rig_fail(r, (uint64_t)schedule_i64(r, "s", "last_job"), "tool_failed");
    assert_int_equal(minutes(r, "next_fire_at"), 40);
}

static void
another_wake_up_of_its_agent_ends_it(void **state)
{
    struct rig *r = *state;

    begin(r);
    find_nothing_at(r, 10);
    find_nothing_at(r, 30);
    rig_advance(r, 15 * MINUTE_MS);
    rig_must(r, "agent.wake", "'name':'anna'");
    assert_int_equal(minutes(r, "next_fire_at"), 50);
    rig_complete(r, (uint64_t)schedule_i64(r, "s", "last_job") + 1);
    find_nothing_at(r, 50);
    assert_int_equal(firings(r, "s"), 5); /* minute 40 has a row like the others */
    assert_int_equal(rig_i64(r, "items.1.nominal_at"), RIG_WALL_MS + 40 * MINUTE_MS);
    assert_string_equal(rig_text(r, "items.1.outcome"), "suppressed");
    find_nothing_at(r, 70);
}

static void
another_heartbeat_of_its_agent_does_not(void **state)
{
    struct rig *r = *state;

    begin(r);
    rig_must(r, "schedule.add",
             "'name':'other','every_ms':1500000,'agent':'anna','type':'heartbeat'");
    find_nothing_at(r, 10);
    rig_advance(r, 15 * MINUTE_MS);
    assert_int_equal(schedule_i64(r, "other", "firing_count"), 1);
    rig_complete(r, (uint64_t)schedule_i64(r, "other", "last_job"));
    find_nothing_at(r, 30);
    assert_int_equal(schedule_i64(r, "s", "idle_streak"), 2);
}

static void
a_gate_that_says_no_counts(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    rig_must(r, "agent.add", "'name':'anna','handler':'noop'");
    rig_must(r, "schedule.add",
             "'name':'s','every_ms':600000,'agent':'anna','type':'heartbeat',"
             "'idle_max_ms':7200000,'gate':{'open_tickets':true}");
    rig_advance(r, 10 * MINUTE_MS);
    assert_int_equal(minutes(r, "next_fire_at"), 30);
    rig_advance(r, 20 * MINUTE_MS);
    assert_int_equal(minutes(r, "next_fire_at"), 70);
    assert_int_equal(rig_i64(r, "firing_count"), 0);
    assert_int_equal(rig_i64(r, "gated_count"), 2);
    assert_int_equal(rig_i64(r, "suppressed_count"), 3);
}

static void
an_agent_that_is_left_alone_is_not_stale(void **state)
{
    struct rig *r = *state;

    begin(r);
    find_nothing_at(r, 10);
    find_nothing_at(r, 30);
    find_nothing_at(r, 70);
    rig_advance(r, 79 * MINUTE_MS); /* longer than three of its intervals */
    assert_int_equal(rig_feed_count(r, "agent.stale"), 0);
    rig_must_read(r, "agent.show", "'name':'anna'");
    assert_int_equal(rig_i64(r, "heartbeat_ms"), 80 * MINUTE_MS);
    rig_must(r, "agent.wake", "'name':'anna'");
    rig_must_read(r, "agent.show", "'name':'anna'");
    assert_int_equal(rig_i64(r, "heartbeat_ms"), 10 * MINUTE_MS);
}

static void
why_says_that_it_found_nothing(void **state)
{
    struct rig *r = *state;

    begin(r);
    find_nothing_at(r, 10);
    find_nothing_at(r, 30);
    rig_advance(r, 25 * MINUTE_MS);
    rig_must_read(r, "schedule.why", "'name':'s'");
    assert_non_null(strstr(rig_json(r), "it found nothing to do 2 times in a row"));
    assert_int_equal(rig_i64(r, "earliest_at"), RIG_WALL_MS + 70 * MINUTE_MS);
    assert_string_equal(rig_text(r, "change"), "agentctl schedule run s");
    assert_int_equal(minutes(r, "idle_until"), 70);
    rig_must(r, "agent.wake", "'name':'anna'");
    (void)schedule_i64(r, "s", "idle_streak");
    assert_true(rig_is_nil(r, "idle_until"));
    rig_must_read(r, "schedule.why", "'name':'s'");
    assert_null(strstr(rig_json(r), "it found nothing to do"));
}

static void
a_back_off_outlives_a_restart(void **state)
{
    struct rig *r = *state;

    begin(r);
    find_nothing_at(r, 10);
    find_nothing_at(r, 30);
    rig_crash(r);
    rig_turn(r);
    rig_workers(r, 1, 4);
    find_nothing_at(r, 70);
    assert_int_equal(schedule_i64(r, "s", "missed_count"), 0);
}

static void
a_changed_declaration_ends_it(void **state)
{
    struct rig *r = *state;

    begin(r);
    find_nothing_at(r, 10);
    find_nothing_at(r, 30);
    rig_advance(r, 5 * MINUTE_MS);
    rig_must(r, "schedule.set", "'name':'s','idle_max_ms':1200000");
    find_nothing_at(r, 40);
    find_nothing_at(r, 60);
    find_nothing_at(r, 80);
}

/* Each 10 min up to 65 min; at 30 min it backs off to 70. */
static void
back_off_beyond_its_end(struct rig *r)
{
    rig_workers(r, 1, 4);
    rig_must(r, "agent.add", "'name':'anna','handler':'noop'");
    rig_must(r, "schedule.add",
             "'name':'s','every_ms':600000,'agent':'anna','type':'heartbeat',"
             "'idle_max_ms':7200000,'end_at':%" PRId64,
             (int64_t)(RIG_WALL_MS + 65 * MINUTE_MS));
    find_nothing_at(r, 10);
    find_nothing_at(r, 30);
}

static void
a_back_off_beyond_its_end_leaves_no_next_time(void **state)
{
    struct rig *r = *state;

    back_off_beyond_its_end(r);
    (void)schedule_i64(r, "s", "idle_streak");
    assert_true(rig_is_nil(r, "next_fire_at"));
    assert_string_equal(rig_text(r, "status"), "active"); /* its agent may be woken */
    rig_status(r);
    assert_int_equal(rig_len(r, "next"), 0);
    rig_must_read(r, "schedule.why", "'name':'s'");
    assert_non_null(strstr(rig_text(r, "text"), "its last times are left out"));
    for (int minute = 40; minute <= 60; minute += 10)
        rig_advance(r, 10 * MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 2);
    assert_int_equal(rig_i64(r, "suppressed_count"), 4); /* 20, then 40, 50 and 60 */
    assert_string_equal(rig_text(r, "status"), "ended");
    assert_true(rig_is_nil(r, "due_at"));
    assert_int_equal(rig_feed_count(r, "schedule.ended"), 1);
}

static void
woken_before_its_end_it_fires_again(void **state)
{
    struct rig *r = *state;

    back_off_beyond_its_end(r);
    rig_complete(r, rig_submit(r, "'agent':'anna'"));
    assert_int_equal(minutes(r, "next_fire_at"), 40);
    rig_advance(r, 10 * MINUTE_MS);
    assert_int_equal(minutes(r, "last_fired_at"), 40);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_begin, rig_end)

static void
other_times_leave_what_was_left_out(void **state)
{
    struct rig *r = *state;

    begin(r);
    find_nothing_at(r, 10); /* until 30 */
    rig_advance(r, 15 * MINUTE_MS);
    rig_must(r, "schedule.set", "'name':'s','every_ms':720000");
    assert_int_equal(schedule_i64(r, "s", "suppressed_count"), 1); /* 20 */
    assert_int_equal(rig_i64(r, "missed_count"), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_heartbeats_back_off),
        TEST(each_idle_firing_doubles_the_wait_up_to_the_longest),
        TEST(what_is_left_out_shares_a_row),
        TEST(nothing_is_done_at_times_that_are_left_out),
        TEST(what_is_fired_by_hand_and_finds_nothing_moves_no_time),
        cmocka_unit_test(a_firing_that_did_something_ends_it),
        TEST(a_result_of_null_is_none),
        TEST(a_firing_that_failed_ends_it),
        TEST(another_wake_up_of_its_agent_ends_it),
        TEST(another_heartbeat_of_its_agent_does_not),
        TEST(a_gate_that_says_no_counts),
        TEST(an_agent_that_is_left_alone_is_not_stale),
        TEST(why_says_that_it_found_nothing),
        TEST(a_back_off_outlives_a_restart),
        TEST(a_changed_declaration_ends_it),
        TEST(a_back_off_beyond_its_end_leaves_no_next_time),
        TEST(woken_before_its_end_it_fires_again),
        TEST(other_times_leave_what_was_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
