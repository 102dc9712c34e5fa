/* When nominal times are decided: dates, counts, offsets, quiet hours, pauses that end (C5). */
#include "tests/unit/effect_world.h"
#include "tests/unit/schedule_world.h"
#include "tests/unit/zone_world.h"
#include <inttypes.h>

static int64_t
first_nominal(struct rig *r, const char *name)
{
    (void)firings(r, name);
    return rig_i64(r, rig_path(r, "items", rig_len(r, "items") - 1, "nominal_at"));
}

/* Of the blockers of its answer to why. */
static const char *
why_says(struct rig *r, const char *name, const char *predicate)
{
    rig_must_read(r, "schedule.why", "'name':'%s'", name);
    for (size_t i = 0; i < rig_len(r, "blockers"); i++) {
        if (strcmp(rig_text(r, rig_path(r, "blockers", i, "predicate")), predicate) == 0)
            return rig_text(r, rig_path(r, "blockers", i, "message"));
    }
    fail_msg("no blocker %s: %s", predicate, rig_json(r));
    return NULL;
}

static void
a_schedule_begins_and_ends_at_its_dates(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    rig_must(r, "schedule.add",
             "'name':'s','handler':'noop','every_ms':60000,'start_at':%" PRId64 ",'end_at':%" PRId64
             ",'overlap':'allow'",
             (int64_t)(RIG_WALL_MS + 3 * MINUTE_MS), (int64_t)(RIG_WALL_MS + 5 * MINUTE_MS));
    assert_int_equal(rig_i64(r, "next_fire_at"), RIG_WALL_MS + 3 * MINUTE_MS);
    assert_int_equal(rig_len(r, "next_at"), 3);
    rig_advance(r, 3 * MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    assert_int_equal(rig_len(r, "next_at"), 2);
    rig_advance(r, MINUTE_MS);
    assert_string_equal(rig_text(r, "status"), "active");
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 3);
    assert_string_equal(rig_text(r, "status"), "ended");
    assert_true(rig_is_nil(r, "next_fire_at"));
    assert_true(rig_is_nil(r, "due_at"));
    assert_int_equal(rig_feed_count(r, "schedule.ended"), 1);
    assert_string_equal(why_says(r, "s", "ended"),
                        "it has ended: no time of it comes up to its end_at");
    assert_string_equal(rig_text(r, "status"), "ended");
    rig_advance(r, DAY_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 3);
}

static void
one_that_would_be_at_its_end_is_refused(void **state)
{
    struct rig *r = *state;

    rig_refused(r, E_BAD_REQUEST, "end_at", "schedule.add",
                "'name':'s','handler':'noop','cron':'0 9 * * *','end_at':%" PRId64,
                (int64_t)(RIG_WALL_MS + MINUTE_MS));
}

static void
max_firings_counts_those_that_fired(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':60000,'max_firings':2");
    assert_int_equal(rig_len(r, "next_at"), 2);
    rig_advance(r, MINUTE_MS);
    rig_advance(r, MINUTE_MS); /* suppressed */
    assert_int_equal(schedule_i64(r, "s", "suppressed_count"), 1);
    assert_string_equal(rig_text(r, "status"), "active");
    complete_last(r, "s");
    rig_must(r, "schedule.run", "'name':'s'"); /* by hand: not one of them */
    complete_last(r, "s");
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 3);
    assert_string_equal(rig_text(r, "status"), "ended");
    assert_string_equal(why_says(r, "s", "ended"),
                        "it has ended: it has fired as often as max_firings says");
    complete_last(r, "s");
    rig_must(r, "schedule.set", "'name':'s','max_firings':3"); /* it goes on from now */
    assert_string_equal(rig_text(r, "status"), "active");
    rig_advance(r, 10 * MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "missed_count"), 9);
    assert_int_equal(rig_i64(r, "firing_count"), 4);
    assert_string_equal(rig_text(r, "status"), "ended");
}

static void
a_schedule_of_the_file_that_is_over_has_ended(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &(struct rig_declared){.schedules =
                                                "{'name':'s','handler':'noop','every_ms':60000,"
                                                "'end_at':1700000000000}"});
    (void)schedule_i64(r, "s", "firing_count");
    assert_string_equal(rig_text(r, "status"), "ended");
    assert_int_equal(rig_feed_count(r, "schedule.ended"), 1);
    rig_configure(
        r, &(struct rig_declared){.schedules = "{'name':'s','handler':'noop','every_ms':60000}"});
    assert_int_equal(schedule_i64(r, "s", "missed_count"), 0);
    assert_int_equal(rig_i64(r, "next_fire_at"), RIG_WALL_MS + MINUTE_MS);
}

static void
a_spread_is_the_same_for_each_firing_and_the_row_keeps_the_nominal_time(void **state)
{
    struct rig *r = *state;
    int64_t     offset, other;

    add(r, "a", "'every_ms':3600000,'spread_ms':600000,'overlap':'allow'");
    add(r, "b", "'every_ms':3600000,'spread_ms':600000,'overlap':'allow'");
    other = schedule_i64(r, "b", "due_at") - rig_i64(r, "next_fire_at");
    offset = schedule_i64(r, "a", "due_at") - rig_i64(r, "next_fire_at");
    assert_in_range(offset, 1, 599999);
    assert_in_range(other, 1, 599999);
    assert_int_not_equal(offset, other);
    rig_advance(r, HOUR_MS + offset - 1);
    assert_int_equal(schedule_i64(r, "a", "firing_count"), 0);
    rig_advance(r, 1);
    assert_int_equal(schedule_i64(r, "a", "firing_count"), 1);
    assert_int_equal(rig_i64(r, "due_at"), RIG_WALL_MS + 2 * HOUR_MS + offset);
    assert_int_equal(first_nominal(r, "a"), RIG_WALL_MS + HOUR_MS);
    assert_non_null(strstr(why_says(r, "a", "due_later"), "offset and jitter"));
    assert_int_equal(rig_i64(r, "blockers.0.until_at"), RIG_WALL_MS + 2 * HOUR_MS + offset);
    rig_must(r, "schedule.remove", "'name':'b'");
    add(r, "b", "'every_ms':3600000,'spread_ms':600000"); /* by its name */
    assert_int_equal(schedule_i64(r, "b", "due_at") - rig_i64(r, "next_fire_at"), other);
}

static void
a_jitter_is_drawn_for_each_firing_and_never_reaches_the_next(void **state)
{
    struct rig *r = *state;
    int64_t     first = 0, last = 0;

    add(r, "s", "'every_ms':60000,'jitter_ms':3600000,'overlap':'allow'");
    for (int i = 1; i <= 20; i++) {
        int64_t nominal = schedule_i64(r, "s", "next_fire_at"), due = rig_i64(r, "due_at");

        assert_int_equal(nominal, RIG_WALL_MS + i * MINUTE_MS);
        assert_in_range(due - nominal, 0, MINUTE_MS - 1);
        rig_crash(r); /* it is not drawn anew */
        rig_settle(r);
        assert_int_equal(schedule_i64(r, "s", "due_at"), due);
        first = i == 1 ? due - nominal : first;
        last = due - nominal;
        rig_advance(r, due - r->header.now.wall_ms);
        assert_int_equal(schedule_i64(r, "s", "firing_count"), i);
    }
    assert_int_not_equal(first, last);
    assert_int_equal(schedule_i64(r, "s", "missed_count"), 0);
}

static void
quiet_hours_put_firings_off_to_their_end(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    tell_of_zone(r, "Test/East", "<+10>-10"); /* it is 18:00 there */
    add(r, "s", "'every_ms':3600000,'quiet_hours':'20:00-06:30','tz':'Test/East'");
    rig_advance(r, HOUR_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    complete_last(r, "s");
    assert_int_equal(schedule_i64(r, "s", "next_fire_at"), RIG_WALL_MS + 2 * HOUR_MS);
    assert_int_equal(rig_i64(r, "due_at"), RIG_WALL_MS + 12 * HOUR_MS + 30 * MINUTE_MS);
    assert_non_null(strstr(why_says(r, "s", "quiet_hours"), "20:00-06:30"));
    rig_advance(r, 11 * HOUR_MS + 30 * MINUTE_MS - 1);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    rig_advance(r, 1); /* the newest of eleven */
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 2);
    assert_int_equal(rig_i64(r, "missed_count"), 10);
    assert_int_equal(rig_i64(r, "cursor_at"), RIG_WALL_MS + 12 * HOUR_MS);
    assert_int_equal(firings(r, "s"), 3);
}

static void
quiet_hours_are_no_reason_to_be_late(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s",
        "'cron':'0 9 * * *','quiet_hours':'08:30-10:00','misfire':'skip','catch_up_ms':60000");
    rig_advance(r, 2 * HOUR_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    assert_int_equal(first_nominal(r, "s"), RIG_WALL_MS + HOUR_MS);
}

/* Nobody was there at 09:00; a person may fire meanwhile. */
static void
what_is_caught_up_on_waits_for_the_end_of_quiet_hours(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'cron':'0 9,15 * * *','quiet_hours':'10:00-14:00'");
    rig_crash(r);
    rig_wait(r, 3 * HOUR_MS);
    rig_settle(r);
    rig_workers(r, 1, 4);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 0);
    assert_int_equal(rig_i64(r, "due_at"), RIG_WALL_MS + 6 * HOUR_MS);
    assert_int_equal(r->deadline.wall_ms, RIG_WALL_MS + 6 * HOUR_MS);
    assert_non_null(strstr(why_says(r, "s", "quiet_hours"), "10:00-14:00"));
    rig_must(r, "schedule.run", "'name':'s'");
    complete_last(r, "s");
    rig_advance(r, 3 * HOUR_MS - 1);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    rig_advance(r, 1);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 2);
    assert_int_equal(rig_job_i64(r, (uint64_t)schedule_i64(r, "s", "last_job"), "nominal_at"),
                     RIG_WALL_MS + HOUR_MS);
}

static void
what_is_late_in_quiet_hours_is_still_skipped_at_once(void **state)
{
    struct rig *r = *state;

    add(r, "skip", "'cron':'0 9 * * *','quiet_hours':'10:00-14:00','misfire':'skip'");
    add(r, "old", "'cron':'0 9 * * *','quiet_hours':'10:00-14:00','catch_up_ms':60000");
    rig_wait(r, 3 * HOUR_MS);
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "skip", "missed_count"), 1);
    assert_int_equal(schedule_i64(r, "old", "missed_count"), 1);
}

static void
what_people_put_off_into_quiet_hours_waits_for_their_end(void **state)
{
    struct rig *r = *state;
    uint64_t    id;

    rig_workers(r, 1, 4);
    id = rig_submit(r, "'handler':'noop','max_run_ms':36000000");
    rig_must(r, "job.stream", "'id':%d", (int)id);
    add(r, "s", "'cron':'59 8 * * *','quiet_hours':'09:00-10:00','misfire':'skip'");
    rig_advance(r, 59 * MINUTE_MS);
    for (int64_t at = 0; at < 10 * MINUTE_MS; at += 10 * SECOND_MS)
        rig_advance(r, 10 * SECOND_MS);
    assert_int_equal(schedule_i64(r, "s", "due_at"), RIG_WALL_MS + 2 * HOUR_MS);
    assert_true(rig_is_nil(r, "put_off_from"));
    rig_must(r, "job.stream", "'id':%d,'active':false", (int)id);
    rig_advance(r, 51 * MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
}

static void
bad_hours_are_refused(void **state)
{
    struct rig *r = *state;

    rig_refused(r, E_BAD_REQUEST, "quiet_hours", "schedule.add",
                "'name':'s','handler':'noop','every_ms':60000,'quiet_hours':'at night'");
    rig_refused(r, E_BAD_REQUEST, "quiet_sends", "schedule.add",
                "'name':'s','handler':'noop','every_ms':60000,'quiet_sends':'22:00-22:00'");
    rig_refused(r, E_BAD_REQUEST, "tz", "schedule.add",
                "'name':'s','handler':'noop','every_ms':60000,'quiet_hours':'22:00-07:00',"
                "'tz':'Mars/Base'");
}

/* ---- quiet hours for messages ---- */

/* A firing that completes with a message; the message's effect. */
static uint64_t
tell(struct rig *r, const char *schedule)
{
    rig_must(r, "schedule.run", "'name':'%s'", schedule);
    uint64_t job = (uint64_t)schedule_i64(r, schedule, "last_job");
    rig_ended(r, job, "'verdict':'completed','effects':[" NOTIFY("done") "]");
    rig_turn(r);
    rig_must_read(r, "effect.list", " ");
    uint64_t last = 0;
    for (size_t i = 0; i < rig_len(r, "items"); i++) {
        uint64_t id = (uint64_t)rig_i64(r, rig_path(r, "items", i, "id"));

        last = id > last ? id : last;
    }
    return last;
}

static void
quiet_hours_for_messages_put_them_off_in_their_order(void **state)
{
    struct rig *r = *state;

    declare(r);
    add(r, "s", "'cron':'0 0 * * *','quiet_sends':'07:00-09:00'"); /* it is 08:00 */
    add(r, "loud", "'cron':'0 0 * * *','quiet_sends':'09:00-11:00'");
    uint64_t first = tell(r, "s"), second = tell(r, "s"), loud = tell(r, "loud");
    assert_non_null(rig_delivery(r, loud));
    assert_null(rig_delivery(r, first));
    rig_must_read(r, "effect.why", "'id':%d", (int)first);
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "quiet_hours");
    assert_int_equal(rig_i64(r, "earliest_at"), RIG_WALL_MS + HOUR_MS);
    assert_non_null(strstr(rig_text(r, "text"), "2027-01-15 09:00:00.000Z"));
    assert_int_equal(r->deadline.wall_ms, RIG_WALL_MS + HOUR_MS);
    rig_advance(r, HOUR_MS - 1);
    assert_null(rig_delivery(r, first));
    rig_advance(r, 1);
    assert_non_null(rig_delivery(r, first));
    assert_null(rig_delivery(r, second));
    done(r, first, "delivered");
    assert_non_null(rig_delivery(r, second));
}

/* It keeps its place, and holds back those behind it no longer. */
static void
what_a_schedules_quiet_hours_put_off_is_sent_by_hand(void **state)
{
    struct rig *r = *state;

    declare(r);
    add(r, "s", "'cron':'0 0 * * *','quiet_sends':'07:00-09:00'"); /* it is 08:00 */
    uint64_t first = tell(r, "s"), second = tell(r, "s");
    rig_must_read(r, "effect.why", "'id':%d", (int)second);
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "order");
    assert_non_null(strstr(rig_text(r, "blockers.1.message"), "hours that its schedule had"));
    FREE_AUTO char *both = xasprintf("agentctl effect resend %d; and agentctl effect resend %d",
                                     (int)first, (int)second);
    assert_string_equal(rig_text(r, "change"), both);
    rig_must(r, "effect.resend", "'id':%d", (int)second); /* not before the first */
    assert_null(rig_delivery(r, second));
    rig_must(r, "effect.resend", "'id':%d", (int)first);
    assert_non_null(rig_delivery(r, first));
    done(r, first, "delivered");
    assert_non_null(rig_delivery(r, second));
}

static void
one_behind_a_message_of_yesterday_waits_for_its_own_hours(void **state)
{
    struct rig *r = *state;

    declare(r);
    add(r, "s", "'cron':'0 0 * * *','quiet_sends':'08:30-12:00'");
    uint64_t first = tell(r, "s"); /* it is being sent when the hours begin */
    rig_advance(r, HOUR_MS);
    uint64_t second = tell(r, "s");
    done(r, first, "delivered");
    assert_null(rig_delivery(r, second));
    rig_advance(r, 3 * HOUR_MS);
    assert_non_null(rig_delivery(r, second));
}

/* ---- pauses that end ---- */

static void
a_pause_may_end_by_itself(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':60000");
    rig_refused(r, E_BAD_REQUEST, "until", "schedule.pause", "'name':'s','until':%" PRId64,
                (int64_t)RIG_WALL_MS);
    rig_must(r, "schedule.pause", "'name':'s','reason':'a move','until':%" PRId64,
             (int64_t)(RIG_WALL_MS + 150 * SECOND_MS));
    assert_int_equal(rig_i64(r, "pause_until"), RIG_WALL_MS + 150 * SECOND_MS);
    assert_string_equal(why_says(r, "s", "paused"),
                        "it is paused until 2027-01-15 08:02:30.000Z: a move");
    rig_advance(r, 149 * SECOND_MS);
    assert_int_equal(schedule_i64(r, "s", "missed_count"), 2);
    assert_string_equal(rig_text(r, "status"), "paused");
    rig_advance(r, SECOND_MS);
    assert_int_equal(schedule_i64(r, "s", "missed_count"), 2);
    assert_string_equal(rig_text(r, "status"), "active");
    assert_true(rig_is_nil(r, "pause_until"));
    assert_int_equal(rig_feed_count(r, "schedule.resumed"), 1);
    rig_must_read(r, "audit.list", "'action':'schedule.resume'");
    assert_int_equal(rig_len(r, "items"), 1);
    assert_string_equal(rig_text(r, "items.0.who"), "daemon:");
    rig_advance(r, 30 * SECOND_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
}

static void
a_pause_that_ended_while_agentd_was_down_holds_for_its_times_only(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    add(r, "s", "'every_ms':60000,'misfire':'all','overlap':'allow'");
    rig_must(r, "schedule.pause", "'name':'s','until':%" PRId64,
             (int64_t)(RIG_WALL_MS + 150 * SECOND_MS));
    rig_crash(r);
    rig_wait(r, 5 * MINUTE_MS);
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "s", "missed_count"), 2);
    assert_int_equal(rig_i64(r, "firing_count"), 3);
    assert_int_equal(firings(r, "s"), 4);
    assert_string_equal(rig_text(r, "items.3.reason"), "paused");
}

static void
resumed_by_hand_a_pause_does_not_end_again(void **state)
{
    struct rig *r = *state;

    add(r, "s", "'cron':'0 9 * * *'");
    rig_must(r, "schedule.pause", "'name':'s','until':%" PRId64,
             (int64_t)(RIG_WALL_MS + MINUTE_MS));
    rig_must(r, "schedule.resume", "'name':'s'");
    rig_must(r, "schedule.pause", "'name':'s'");
    rig_advance(r, 5 * MINUTE_MS);
    (void)schedule_i64(r, "s", "missed_count");
    assert_string_equal(rig_text(r, "status"), "paused");
}

/* ---- the machine's boot ---- */

static void
at_boot_offset_and_count_are_heeded(void **state)
{
    struct rig *r = *state;

    add(r, "s", "'cron':'@reboot','spread_ms':600000,'max_firings':1");
    assert_string_equal(rig_text(r, "status"), "active");
    r->boot_id++;
    rig_crash(r);
    rig_settle(r);
    int64_t due = schedule_i64(r, "s", "due_at");
    assert_in_range(due, RIG_WALL_MS + 1, RIG_WALL_MS + 600000);
    r->boot_id++; /* and once more, before it was due */
    rig_wait(r, 10);
    rig_crash(r);
    rig_settle(r);
    assert_int_equal(schedule_i64(r, "s", "missed_count"), 1);
    rig_advance(r, 600000);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    assert_string_equal(rig_text(r, "status"), "ended");
    assert_int_equal(firings(r, "s"), 2);
    r->boot_id++;
    rig_crash(r);
    rig_advance(r, HOUR_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
}

static void
no_boot_comes_before_an_end_that_has_passed(void **state)
{
    struct rig *r = *state;

    rig_refused(r, E_BAD_REQUEST, "end_at", "schedule.add",
                "'name':'s','handler':'noop','cron':'@reboot','end_at':%" PRId64,
                (int64_t)RIG_WALL_MS);
    add(r, "s", "'cron':'@reboot','end_at':1800003600000");
    assert_string_equal(rig_text(r, "status"), "active");
    rig_advance(r, 2 * HOUR_MS);
    rig_must_read(r, "schedule.show", "'name':'s'");
    assert_string_equal(rig_text(r, "status"), "ended");
    assert_non_null(strstr(why_says(r, "s", "ended"), "end_at"));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_schedule_begins_and_ends_at_its_dates),
        TEST(one_that_would_be_at_its_end_is_refused),
        TEST(max_firings_counts_those_that_fired),
        TEST(a_schedule_of_the_file_that_is_over_has_ended),
        TEST(a_spread_is_the_same_for_each_firing_and_the_row_keeps_the_nominal_time),
        TEST(a_jitter_is_drawn_for_each_firing_and_never_reaches_the_next),
        TEST(quiet_hours_put_firings_off_to_their_end),
        TEST(quiet_hours_are_no_reason_to_be_late),
        TEST(what_is_caught_up_on_waits_for_the_end_of_quiet_hours),
        TEST(what_is_late_in_quiet_hours_is_still_skipped_at_once),
        TEST(what_people_put_off_into_quiet_hours_waits_for_their_end),
        TEST(bad_hours_are_refused),
        TEST(quiet_hours_for_messages_put_them_off_in_their_order),
        TEST(what_a_schedules_quiet_hours_put_off_is_sent_by_hand),
        TEST(one_behind_a_message_of_yesterday_waits_for_its_own_hours),
        TEST(a_pause_may_end_by_itself),
        TEST(a_pause_that_ended_while_agentd_was_down_holds_for_its_times_only),
        TEST(resumed_by_hand_a_pause_does_not_end_again),
        TEST(at_boot_offset_and_count_are_heeded),
        TEST(no_boot_comes_before_an_end_that_has_passed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
