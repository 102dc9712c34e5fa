/* What may be asked of timers of sessions: cancelled, set, listed; and how long they are kept (D3).
 */
#include "tests/unit/timer_world.h"

/* ---- cancelled ---- */

static void
a_cancelled_timer_does_not_fire(void **state)
{
    struct rig *r = *state;

    declare(r);
    set_in(r, "s", "t", MINUTE_MS);
    rig_must(r, "timer.cancel", "'key':'s','timer_id':'t'");
    assert_int_equal(rig_i64(r, "cancelled"), 1);
    assert_int_equal(rig_i64(r, "pending"), 0);
    rig_must(r, "timer.cancel", "'key':'s','timer_id':'t'");
    assert_int_equal(rig_i64(r, "cancelled"), 0);
    rig_advance(r, HOUR_MS);
    expect_status(r, "s", "t", "cancelled");
    assert_int_equal(session_i64(r, "s", "appended"), 0);
    assert_int_equal(rig_feed_count(r, "timer.cancelled"), 1);
    rig_must_read(r, "timer.why", "'key':'s','timer_id':'t'");
    assert_non_null(strstr(rig_text(r, "text"), "cancelled"));
    rig_refused(r, E_NOT_FOUND, "", "timer.cancel", "'key':'s','timer_id':'none'");
    rig_refused(r, E_NOT_FOUND, "", "timer.cancel", "'key':'none'");
}

static void
all_that_are_pending_are_cancelled_together(void **state)
{
    struct rig *r = *state;

    declare(r);
    set_in(r, "s", "fired", 1000);
    rig_advance(r, 1000);
    set_in(r, "s", "a", MINUTE_MS);
    set_in(r, "s", "b", HOUR_MS);
    set_in(r, "other", "c", HOUR_MS);
    rig_must(r, "timer.cancel", "'key':'s'");
    assert_int_equal(rig_i64(r, "cancelled"), 2);
    expect_status(r, "s", "fired", "promoted");
    expect_status(r, "other", "c", "pending");
    rig_must(r, "timer.cancel", "'key':'s'");
    assert_int_equal(rig_i64(r, "cancelled"), 0);
}

/* N23: until it is processed. */
static void
cancelling_one_that_fired_voids_its_event(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 4);
    set_in(r, "s", "first", 1000);
    set_in(r, "s", "second", 2000);
    rig_advance(r, 2000); /* the first is being processed, the second's event waits */
    uint64_t job = (uint64_t)session_i64(r, "s", "job");
    rig_must(r, "timer.cancel", "'key':'s','timer_id':'first'");
    assert_int_equal(rig_i64(r, "cancelled"), 0);
    rig_must(r, "timer.cancel", "'key':'s','timer_id':'second'");
    assert_int_equal(rig_i64(r, "cancelled"), 1);
    expect_status(r, "s", "second", "cancelled");
    rig_must_read(r, "session.events", "'key':'s'");
    assert_string_equal(rig_text(r, "items.1.status"), "void");
    rig_complete(r, job);
    assert_int_equal(session_i64(r, "s", "event_seq"), 2);
    assert_true(rig_is_nil(r, "job"));
    expect_status(r, "s", "first", "promoted");
    rig_must_read(r, "timer.why", "'key':'s','timer_id':'first'");
    assert_non_null(strstr(rig_text(r, "text"), "event #1, processed"));
}

static void
cancelling_one_whose_job_waits_cancels_the_job(void **state)
{
    struct rig *r = *state;

    declare(r);
    set_in(r, "s", "t", 1000);
    rig_advance(r, 1000); /* no worker: its job is ready */
    uint64_t job = (uint64_t)session_i64(r, "s", "job");
    rig_must(r, "timer.cancel", "'key':'s','timer_id':'t'");
    assert_int_equal(rig_i64(r, "cancelled"), 1);
    expect_state(r, job, "cancelled");
    assert_int_equal(session_i64(r, "s", "waiting"), 0);
    assert_int_equal(session_i64(r, "s", "dead"), 0);
}

static void
closing_a_session_cancels_its_timers(void **state)
{
    struct rig *r = *state;

    declare(r);
    set_in(r, "s", "a", MINUTE_MS);
    set_in(r, "s", "b", HOUR_MS);
    rig_must(r, "session.close", "'key':'s'");
    expect_status(r, "s", "a", "cancelled");
    expect_status(r, "s", "b", "cancelled");
    assert_int_equal(rig_feed_count(r, "timer.cancelled"), 2);
    rig_refused(r, E_WRONG_STATE, "", "timer.set", "'key':'s','timer_id':'a','delay_ms':1");
    rig_advance(r, HOUR_MS);
    assert_int_equal(session_i64(r, "s", "appended"), 0);
}

/* ---- who may set what; what is shown ---- */

static void
what_cannot_be_is_refused(void **state)
{
    static const struct {
        const char *op, *body;
        enum errc   code;
        const char *field;
    } bad[] = {
        {"timer.set",    "'key':'s','timer_id':'t'",                               E_BAD_REQUEST,   "fire_at"},
        {"timer.set",    "'key':'s','timer_id':'t','fire_at':1,'delay_ms':1",      E_BAD_REQUEST,
         "fire_at"                                                                                           },
        {"timer.set",    "'key':'schedule/x','timer_id':'t','delay_ms':1",         E_BAD_REQUEST,   "key"    },
        {"timer.set",    "'key':'s','timer_id':'t','delay_ms':1,'agent':'nobody'", E_NOT_FOUND,
         "agent"                                                                                             },
        {"timer.set",    "'key':'s','timer_id':'t','delay_ms':1,'agent':'desk'",   E_CONFLICT,      ""       },
        {"timer.set",    "'key':'s','timer_id':'third','delay_ms':1",              E_CAPACITY_FULL, ""       },
        {"timer.cancel", "'key':'schedule/x'",                                     E_NOT_FOUND,     ""       },
    };
    struct rig *r = *state;

    r->limits.session_timers_max = 2;
    declare(r);
    set_in(r, "s", "a", HOUR_MS);
    set_in(r, "s", "b", HOUR_MS);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        rig_refused(r, bad[i].code, bad[i].field, bad[i].op, "%s", bad[i].body);
    set_in(r, "s", "b", MINUTE_MS); /* it takes its own place */
    rig_must(r, "timer.cancel", "'key':'s','timer_id':'a'");
    set_in(r, "s", "c", HOUR_MS);
}

static void
timers_are_listed_by_status_and_time_a_page_at_a_time(void **state)
{
    static const char *const order[] = {"c", "b", "d", "a"};
    struct rig              *r = *state;
    char                     next[64] = "";

    declare(r);
    set_in(r, "s", "a", 1000);
    rig_advance(r, 1000);
    set_in(r, "s", "b", 3000);
    set_in(r, "s", "c", 2000);
    set_in(r, "s", "d", 3000);
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        rig_must_read(r, "timer.list", "'key':'s','limit':1%s%s%s", i ? ",'after':'" : "", next,
                      i ? "'" : "");
        assert_int_equal(rig_len(r, "items"), 1);
        assert_string_equal(rig_text(r, "items.0.timer_id"), order[i]);
        (void)snprintf(next, sizeof(next), "%s", rig_text(r, "next")); /* fits */
    }
    rig_must_read(r, "timer.list", "'key':'s','after':'%s'", next);
    assert_int_equal(rig_len(r, "items"), 0);
    rig_must_read(r, "timer.list", "'key':'s','status':'pending'");
    assert_int_equal(rig_len(r, "items"), 3);
    rig_must_read(r, "timer.list", "'key':'s','status':'promoted'");
    assert_int_equal(rig_len(r, "items"), 1);
    rig_must_read(r, "timer.list", "'key':'s','status':'promoted','timer_id':'b'");
    assert_int_equal(rig_len(r, "items"), 0);
    assert_int_equal(rig_read(r, "timer.list", "'key':'s','status':'odd'"), E_BAD_REQUEST);
    assert_int_equal(rig_read(r, "timer.list", "'key':'s','after':'x'"), E_BAD_REQUEST);
}

static void
another_companys_timers_are_not_there(void **state)
{
    struct rig *r = *state;

    r->limits.session_handler = view_str("noop");
    rig_configure(r, &(struct rig_declared){.companies = "{'name':'acme'}"});
    rig_must(r, "timer.set", "'key':'s','timer_id':'t','delay_ms':1000,'company':'acme'");
    assert_int_equal(rig_read(r, "timer.list", "'key':'s'"), E_NOT_FOUND);
    r->actor.company = view_str("acme");
    rig_must_read(r, "timer.why", "'key':'s','timer_id':'t'");
    assert_int_equal(rig_i64(r, "earliest_at"), RIG_WALL_MS + 1000);
    rig_refused(r, E_NOT_FOUND, "company", "timer.cancel", "'key':'s','company':'default'");
}

static void
settled_timers_go_by_age(void **state)
{
    struct rig *r = *state;

    r->limits.keep_timers_ms = DAY_MS;
    declare(r);
    set_in(r, "s", "fired", 1000);
    set_in(r, "s", "cancelled", 1000 * 1000);
    rig_must(r, "timer.set", "'key':'s','timer_id':'late','delay_ms':%lld", 30 * DAY_MS);
    rig_must(r, "timer.cancel", "'key':'s','timer_id':'cancelled'");
    rig_advance(r, 1000);
    rig_advance(r, DAY_MS - 1);
    assert_int_equal(rig_rows(r, TABLE_SESSION_TIMER), 2);
    rig_advance(r, 1);
    assert_int_equal(rig_rows(r, TABLE_SESSION_TIMER), 1);
    expect_status(r, "s", "late", "pending");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_cancelled_timer_does_not_fire),
        TEST(all_that_are_pending_are_cancelled_together),
        TEST(cancelling_one_that_fired_voids_its_event),
        TEST(cancelling_one_whose_job_waits_cancels_the_job),
        TEST(closing_a_session_cancels_its_timers),
        TEST(what_cannot_be_is_refused),
        TEST(timers_are_listed_by_status_and_time_a_page_at_a_time),
        TEST(another_companys_timers_are_not_there),
        TEST(settled_timers_go_by_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
