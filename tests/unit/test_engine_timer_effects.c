/* Timers that an agent sets and cancels by its effects: applied with its job's completion, bounded
 * by how soon, how many, and whether anybody answers (D4, B7). */
#include "tests/unit/engine_rig.h"

static void
declare(struct rig *r)
{
    r->limits.session_handler = view_str("noop");
    rig_configure(r, &(struct rig_declared){.agents = "{'name':'desk','handler':'noop'}"});
    rig_workers(r, 1, 4);
}

static uint64_t
job_of(struct rig *r, const char *key)
{
    rig_must_read(r, "session.show", "'key':'%s'", key);
    return (uint64_t)rig_i64(r, "job");
}

/* The session's unfinished job completes with these effects. */
static void
answer(struct rig *r, const char *key, const char *effects)
{
    rig_ended(r, job_of(r, key), "'verdict':'completed','effects':[%s]", effects);
    rig_turn(r);
}

/* An event of the desk's session "s" is processed with these effects. */
static void
process(struct rig *r, const char *effects)
{
    rig_must(r, "session.event", "'key':'s','type':'ping','agent':'desk'");
    answer(r, "s", effects);
}

static void
last_effect(struct rig *r)
{
    rig_must_read(r, "effect.list", " ");
    assert_true(rig_len(r, "items") > 0);
    rig_must_read(r, "effect.show", "'id':%d", (int)rig_len(r, "items"));
}

static void
expect_rejected(struct rig *r, const char *why)
{
    last_effect(r);
    assert_string_equal(rig_text(r, "status"), "rejected");
    assert_non_null(strstr(rig_text(r, "reason"), why));
}

static void
timer(struct rig *r, const char *timer)
{
    rig_must_read(r, "timer.list", "'key':'s','timer_id':'%s'", timer);
}

static void
an_agent_wakes_itself_by_a_timer(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_must(r, "session.event", "'key':'s','type':'ping','agent':'desk'");
    uint64_t first = job_of(r, "s");
    answer(r, "s", "{'kind':'schedule_timer','timer_id':'t','in_ms':60000,'payload':{'n':1}}");
    last_effect(r);
    assert_string_equal(rig_text(r, "kind"), "schedule_timer");
    assert_string_equal(rig_text(r, "status"), "delivered");
    assert_string_equal(rig_text(r, "receipt"), "it fires at 2027-01-15 08:01:00.000Z");
    timer(r, "t");
    assert_string_equal(rig_text(r, "items.0.actor"), "agent:desk");
    assert_int_equal(rig_i64(r, "items.0.parent"), first);
    rig_advance(r, MINUTE_MS);
    uint64_t second = job_of(r, "s");
    expect_state(r, second, "running");
    assert_string_equal(rig_text(r, "trigger"), "timer");
    assert_int_equal(rig_i64(r, "parent"), first);
    assert_int_equal(rig_i64(r, "root"), first);
    assert_int_equal(rig_i64(r, "depth"), 0); /* an agent's own timers make no chain (N24) */
    for (int i = 0; i < 50; i++) {            /* so that it may go on for ever */
        answer(r, "s", "{'kind':'schedule_timer','timer_id':'t','in_ms':1000}");
        rig_advance(r, 1000);
    }
    assert_int_equal(rig_job_i64(r, job_of(r, "s"), "root"), first);
    assert_int_equal(rig_i64(r, "depth"), 0);
}

static void
an_attempt_that_fails_sets_no_timer(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_must(r, "session.event", "'key':'s','type':'ping','agent':'desk'");
    rig_ended(r, job_of(r, "s"),
              "'verdict':'failed','effects':["
              "{'kind':'schedule_timer','timer_id':'t','in_ms':1000}]");
    rig_turn(r);
    assert_int_equal(rig_rows(r, TABLE_SESSION_TIMER), 0);
}

static void
effects_act_in_the_order_in_which_they_are_written(void **state)
{
    struct rig *r = *state;

    declare(r);
    process(r, "{'kind':'schedule_timer','timer_id':'a','in_ms':1000},"
               "{'kind':'schedule_timer','timer_id':'b','fire_at':1000},"
               "{'kind':'cancel_timer','timer_id':'a'},"
               "{'kind':'cancel_timer','timer_id':'none'}");
    timer(r, "a");
    assert_string_equal(rig_text(r, "items.0.status"), "cancelled");
    rig_must_read(r, "effect.show", "'id':3");
    assert_string_equal(rig_text(r, "status"), "delivered");
    assert_string_equal(rig_text(r, "receipt"), "cancelled");
    rig_must_read(r, "effect.show", "'id':4");
    assert_string_equal(rig_text(r, "receipt"), "nothing was pending");
    rig_settle(r); /* its time has passed: at once */
    timer(r, "b");
    assert_string_equal(rig_text(r, "items.0.status"), "promoted");
}

/* The timer whose event it processes is set again by it, as a follow-up does. */
static void
a_timer_is_set_again_by_its_own_event(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_must(r, "timer.set", "'key':'s','timer_id':'t','delay_ms':1000,'agent':'desk'");
    rig_advance(r, 1000);
    answer(r, "s",
           "{'kind':'cancel_timer','timer_id':'t'},"
           "{'kind':'schedule_timer','timer_id':'t','in_ms':1000}");
    timer(r, "t");
    assert_string_equal(rig_text(r, "items.0.status"), "pending");
    rig_must_read(r, "session.show", "'key':'s'");
    assert_int_equal(rig_i64(r, "event_seq"), 1);
}

static void
a_timer_may_not_fire_too_soon(void **state)
{
    struct rig *r = *state;

    r->limits.session_timer_delay_min_ms = MINUTE_MS;
    declare(r);
    process(r, "{'kind':'schedule_timer','timer_id':'t','in_ms':5}");
    last_effect(r);
    assert_string_equal(rig_text(r, "status"), "delivered");
    assert_non_null(strstr(rig_text(r, "receipt"), "moved: it fires at 2027-01-15 08:01:00.000Z"));
    timer(r, "t");
    assert_int_equal(rig_i64(r, "items.0.fire_at"), RIG_WALL_MS + MINUTE_MS);
    rig_must(r, "timer.set", "'key':'s','timer_id':'ours','delay_ms':5"); /* not by an agent */
    assert_int_equal(rig_i64(r, "fire_at"), RIG_WALL_MS + 5);
}

static void
a_session_has_so_many_pending_timers(void **state)
{
    struct rig *r = *state;

    r->limits.session_timers_max = 1;
    declare(r);
    process(r, "{'kind':'schedule_timer','timer_id':'a','in_ms':60000}");
    process(r, "{'kind':'schedule_timer','timer_id':'a','in_ms':90000}"); /* its own place */
    process(r, "{'kind':'schedule_timer','timer_id':'b','in_ms':60000}");
    expect_rejected(r, "sessions.timers_max");
    assert_int_equal(rig_rows(r, TABLE_SESSION_TIMER), 1);
}

static void
who_is_not_answered_sets_no_timers(void **state)
{
    static const char *const again = "{'kind':'schedule_timer','timer_id':'t','in_ms':1000}";
    struct rig              *r = *state;

    r->limits.agent_unanswered_ms = DAY_MS;
    declare(r);
    rig_must(r, "session.send", "'key':'s','content':'hello','agent':'desk'");
    answer(r, "s", again);
    rig_advance(r, DAY_MS - 1);
    answer(r, "s", again);
    rig_advance(r, 1000);
    answer(r, "s", again);
    expect_rejected(r, "nobody has answered");
    rig_must(r, "session.send", "'key':'s','content':'still here'");
    answer(r, "s", again);
    last_effect(r);
    assert_string_equal(rig_text(r, "status"), "delivered");
}

/* It is for people: a session without one goes on by itself. */
static void
a_session_without_a_person_waits_for_no_answer(void **state)
{
    struct rig *r = *state;

    r->limits.agent_unanswered_ms = DAY_MS;
    declare(r);
    process(r, "{'kind':'cancel_timer','timer_id':'t'}");
    rig_advance(r, 2 * DAY_MS);
    process(r, "{'kind':'schedule_timer','timer_id':'t','in_ms':1000}");
    last_effect(r);
    assert_string_equal(rig_text(r, "status"), "delivered");
}

static void
only_jobs_of_sessions_set_timers(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t job = rig_submit(r, "'agent':'desk'");
    rig_ended(r, job,
              "'verdict':'completed','effects':["
              "{'kind':'schedule_timer','timer_id':'t','in_ms':1000}]");
    rig_turn(r);
    expect_state(r, job, "completed");
    expect_rejected(r, "of no session");
    rig_must(r, "schedule.add", "'name':'s','every_ms':3600000,'agent':'desk'");
    rig_must(r, "schedule.run", "'name':'s'");
    rig_ended(r, job + 1,
              "'verdict':'completed','effects':["
              "{'kind':'schedule_timer','timer_id':'t','in_ms':1000}]");
    rig_turn(r);
    expect_rejected(r, "a schedule's own session");
    rig_must(r, "schedule.add", "'name':'dark','every_ms':3600000,'agent':'desk','shadow':true");
    rig_must(r, "schedule.run", "'name':'dark'");
    rig_ended(r, job + 2,
              "'verdict':'completed','effects':["
              "{'kind':'cancel_timer','timer_id':'t'}]");
    rig_turn(r);
    last_effect(r);
    assert_string_equal(rig_text(r, "status"), "suppressed");
    assert_int_equal(rig_rows(r, TABLE_SESSION_TIMER), 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(an_agent_wakes_itself_by_a_timer),
        TEST(an_attempt_that_fails_sets_no_timer),
        TEST(effects_act_in_the_order_in_which_they_are_written),
        TEST(a_timer_is_set_again_by_its_own_event),
        TEST(a_timer_may_not_fire_too_soon),
        TEST(a_session_has_so_many_pending_timers),
        TEST(who_is_not_answered_sets_no_timers),
        TEST(a_session_without_a_person_waits_for_no_answer),
        TEST(only_jobs_of_sessions_set_timers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
