/* Sessions that are held, resumed, closed and opened, and the agents that they refer to. */
#include "tests/unit/session_world.h"

static void
without_somebody_to_process_its_events_a_session_is_held(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 4);
    (void)append(r, "s", "ping");
    (void)append(r, "s", "ping");
    r->limits.session_handler = (struct view){0};
    rig_configure(r, &(struct rig_declared){0});
    rig_complete(r, job_of(r, "s"));
    rig_must_read(r, "session.why", "'key':'s'"); /* to resume it alone is refused */
    assert_string_equal(rig_text(r, "text"), "it is held: nobody processes the events of a session"
                                             " without an agent");
    assert_string_equal(rig_text(r, "change"), "set sessions.handler; then agentctl session resume"
                                               " s, or with --skip");
    show(r, "s");
    assert_string_equal(rig_text(r, "status"), "held");
    assert_int_equal(rig_i64(r, "waiting"), 1);
    assert_int_equal(rig_i64(r, "dead"), 0);
    rig_refused(r, E_BAD_REQUEST, "agent", "session.event", "'key':'s','type':'ping'");
    rig_refused(r, E_NOT_FOUND, "", "session.resend", "'key':'nobody','seq':1");
}

/* ---- by an operator ---- */

static void
a_held_session_is_resumed_with_the_same_event_or_the_next(void **state)
{
    struct rig *r = *state;

    r->limits.session_on_failure = view_str("hold");
    declare(r);
    rig_workers(r, 1, 4);
    poison(r, "s");
    rig_refused(r, E_WRONG_STATE, "", "session.open", "'key':'s'");
    rig_must(r, "session.resume", "'key':'s'");
    assert_string_equal(rig_text(r, "status"), "open");
    assert_int_equal(rig_i64(r, "dead"), 0);
    assert_int_equal(rig_i64(r, "waiting"), 2);
    uint64_t job = job_of(r, "s");
    document(r, job);
    assert_int_equal(rig_i64(r, "event.seq"), 1);
    assert_int_equal(rig_lease(r, job)->attempt, 1); /* of a new job */
    rig_refused(r, E_WRONG_STATE, "", "session.resume", "'key':'s'");
    rig_fail(r, job, "turn_limit_exceeded");
    show(r, "s");
    assert_string_equal(rig_text(r, "status"), "held");
    rig_must(r, "session.resume", "'key':'s','skip':true");
    assert_int_equal(rig_i64(r, "dead"), 1);
    assert_int_equal(rig_i64(r, "event_seq"), 1);
    document(r, job_of(r, "s"));
    assert_int_equal(rig_i64(r, "event.seq"), 2);
    rig_complete(r, job_of(r, "s"));
    assert_int_equal(session_i64(r, "s", "event_seq"), 2);
    rig_must_read(r, "audit.list", "'action':'session.resume'");
    assert_int_equal(rig_len(r, "items"), 2);
}

static void
what_nobody_processed_may_be_skipped(void **state)
{
    struct rig *r = *state;

    without_somebody_to_process_its_events_a_session_is_held(state);
    rig_refused(r, E_BAD_REQUEST, "agent", "session.resume", "'key':'s'");
    declare(r);
    rig_must(r, "session.resume", "'key':'s','skip':true");
    assert_string_equal(rig_text(r, "status"), "open");
    assert_int_equal(rig_i64(r, "dead"), 1);
    assert_int_equal(rig_i64(r, "waiting"), 0);
    assert_int_equal(append(r, "s", "ping"), 3);
    assert_int_equal(rig_running(r), 1);
}

/* The event that holds it was a timer's, which was cancelled meanwhile. */
static void
of_a_held_session_whose_event_is_void_nothing_is_skipped(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 4);
    rig_must(r, "timer.set", "'key':'s','timer_id':'tea','delay_ms':0");
    r->limits.session_handler = (struct view){0};
    rig_configure(r, &(struct rig_declared){0});
    show(r, "s");
    assert_string_equal(rig_text(r, "status"), "held");
    rig_must(r, "timer.cancel", "'key':'s','timer_id':'tea'");
    assert_int_equal(rig_i64(r, "cancelled"), 1);
    declare(r);
    assert_int_equal(append(r, "s", "ping"), 2);
    rig_must(r, "session.resume", "'key':'s','skip':true");
    assert_int_equal(rig_i64(r, "dead"), 0);
    assert_int_equal(rig_i64(r, "waiting"), 1);
    document(r, job_of(r, "s"));
    assert_int_equal(rig_i64(r, "event.seq"), 2);
}

static void
a_dead_event_is_sent_again_at_the_end(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 4);
    poison(r, "s");
    rig_refused(r, E_WRONG_STATE, "", "session.resend", "'key':'s','seq':2");
    rig_refused(r, E_NOT_FOUND, "", "session.resend", "'key':'s','seq':9");
    rig_must(r, "session.resend", "'key':'s','seq':1");
    assert_int_equal(rig_i64(r, "seq"), 3);
    rig_complete(r, job_of(r, "s"));
    document(r, job_of(r, "s"));
    assert_string_equal(rig_text(r, "event.type"), "bad");
    assert_int_equal(rig_i64(r, "event.payload.n"), 1);
    rig_must_read(r, "session.events", "'key':'s','from':3");
    assert_int_equal(rig_i64(r, "items.0.copy_of"), 1);
    assert_string_equal(event_text(r, "s", 1, "status"), "dead");
    rig_must(r, "job.retry_many", "'state':'failed'"); /* no job of an event is among them */
    assert_int_equal(rig_i64(r, "done"), 0);
    assert_int_equal(rig_i64(r, "matched"), 0);
}

static void
a_closed_session_cancels_what_waits(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 4);
    for (int i = 0; i < 4; i++)
        (void)append(r, "s", "ping");
    uint64_t job = job_of(r, "s");
    rig_must(r, "session.close", "'key':'s','reason':'done'");
    assert_string_equal(rig_text(r, "status"), "closed");
    assert_string_equal(rig_text(r, "reason"), "done");
    assert_true(rig_lease(r, job)->is_stopped);
    assert_string_equal(event_text(r, "s", 1, "status"), "processing");
    assert_string_equal(event_text(r, "s", 2, "status"), "void");
    rig_refused(r, E_WRONG_STATE, "", "session.event", "'key':'s','type':'ping'");
    assert_non_null(strstr(r->error.hint, "session open s"));
    rig_refused(r, E_WRONG_STATE, "", "session.close", "'key':'s'");
    rig_refused(r, E_BUSY, "", "session.open", "'key':'s'"); /* its job is being stopped */
    rig_ended(r, job, "'verdict':'completed'");              /* too late */
    rig_turn(r);
    assert_string_equal(event_text(r, "s", 1, "status"), "dead");
    show(r, "s");
    assert_int_equal(rig_i64(r, "waiting"), 0);
    assert_int_equal(rig_i64(r, "event_seq"), 4);
    assert_int_equal(rig_i64(r, "checkpoint_id"), 0);
    rig_must(r, "session.open", "'key':'s','agent':'other'");
    assert_string_equal(rig_text(r, "agent"), "other");
    assert_int_equal(append(r, "s", "ping"), 5);
    assert_int_equal(rig_running(r), 1);
}

static void
a_waiting_job_of_a_closed_session_is_cancelled(void **state)
{
    struct rig *r = *state;

    declare(r);
    (void)append(r, "s", "ping");
    uint64_t job = job_of(r, "s");
    rig_must(r, "session.close", "'key':'s'");
    expect_state(r, job, "cancelled");
    assert_string_equal(event_text(r, "s", 1, "status"), "void");
    assert_int_equal(session_i64(r, "s", "waiting"), 0);
    assert_int_equal(rig_i64(r, "event_seq"), 1);
}

/* Whatever asked it to stop first. */
static void
a_job_that_was_being_stopped_does_not_come_back_to_a_closed_session(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 4);
    rig_must(r, "job.submit", "'session':'s','handler':'noop','max_run_ms':5000");
    uint64_t job = job_of(r, "s");
    rig_advance(r, 5000);
    assert_true(rig_lease(r, job)->is_stopped);
    rig_must(r, "session.close", "'key':'s'");
    rig_ended(r, job, "'verdict':'completed'");
    rig_turn(r);
    expect_state(r, job, "cancelled");
    assert_string_equal(rig_text(r, "failure.class"), "aborted");
    assert_string_equal(event_text(r, "s", 1, "status"), "dead");
    rig_must(r, "session.open", "'key':'s'");
}

static void
a_held_session_is_closed(void **state)
{
    struct rig *r = *state;

    r->limits.session_on_failure = view_str("hold");
    declare(r);
    rig_workers(r, 1, 4);
    poison(r, "s");
    rig_must(r, "session.close", "'key':'s'");
    assert_string_equal(event_text(r, "s", 1, "status"), "dead");
    assert_string_equal(event_text(r, "s", 2, "status"), "void");
    assert_int_equal(session_i64(r, "s", "event_seq"), 2);
}

static void
a_long_queue_is_cancelled_in_several_turns(void **state)
{
    struct rig *r = *state;

    declare(r);
    r->is_unchecked = true;
    for (int i = 0; i < 2500; i++)
        (void)rig_queue(r, "session.event", "'key':'s','type':'t'");
    rig_turn(r);
    r->is_unchecked = false;
    (void)rig_queue(r, "session.close", "'key':'s'");
    rig_turn(r);
    assert_true(session_i64(r, "s", "waiting") > 1000);
    assert_int_equal(rig_ask(r, "session.open", "'key':'s'"), E_BUSY);
    rig_settle(r);
    assert_int_equal(session_i64(r, "s", "waiting"), 0);
    assert_int_equal(rig_i64(r, "event_seq"), 2500);
    rig_must(r, "session.open", "'key':'s'");
}

static void
events_go_by_age_and_with_the_last_a_closed_session(void **state)
{
    struct rig     *r = *state;
    FREE_AUTO char *text = xmalloc(9001);

    memset(text, 'x', 9000);
    text[9000] = '\0';
    r->limits.keep_events_ms = DAY_MS;
    declare(r);
    rig_workers(r, 1, 4);
    poison(r, "s");
    rig_complete(r, job_of(r, "s"));
    rig_wait(r, HOUR_MS);
    rig_heartbeat(r, 0);
    rig_must(r, "session.send", "'key':'s','content':'%s'", text);
    rig_ended(r, job_of(r, "s"), "'verdict':'completed','checkpoint':'%s'", text);
    rig_turn(r);
    assert_true(rig_rows(r, TABLE_BLOB) > 0);
    rig_advance(r, DAY_MS - HOUR_MS);
    rig_must_read(r, "session.events", "'key':'s'");
    assert_int_equal(rig_len(r, "items"), 1);
    assert_int_equal(rig_i64(r, "items.0.seq"), 3);
    show(r, "s");
    assert_int_equal(rig_i64(r, "dead"), 0);
    assert_int_equal(rig_i64(r, "first_event"), 3);
    rig_advance(r, DAY_MS);
    assert_int_equal(rig_rows(r, TABLE_EVENT), 0);
    assert_int_equal(append(r, "s", "ping"), 4); /* the numbers go on */
    rig_must(r, "session.close", "'key':'s'");
    rig_ended(r, job_of(r, "s"), "'verdict':'failed'");
    rig_turn(r);
    rig_advance(r, DAY_MS + HOUR_MS);
    assert_int_equal(rig_read(r, "session.show", "'key':'s'"), E_NOT_FOUND);
    assert_int_equal(rig_rows(r, TABLE_BLOB), 0);
    assert_int_equal(append(r, "s", "ping"), 1); /* a new one */
}

static void
an_agent_that_sessions_refer_to_is_in_use(void **state)
{
    struct rig *r = *state;

    r->limits.session_handler = view_str("noop");
    rig_configure(r, &(struct rig_declared){0});
    rig_workers(r, 1, 4);
    rig_must(r, "agent.add", "'name':'desk','handler':'noop'");
    rig_must(r, "session.open", "'key':'a','agent':'desk'");
    rig_must(r, "session.event", "'key':'b','agent':'desk','type':'t'");
    rig_must(r, "session.event", "'key':'b','type':'t'");
    rig_must(r, "session.event", "'key':'c','type':'t'");
    rig_complete(r, job_of(r, "c"));
    rig_refused(r, E_IN_USE, "", "agent.remove", "'name':'desk'");
    assert_non_null(strstr(r->error.msg, "session a, session b"));
    assert_non_null(strstr(r->error.hint, "agentctl session close KEY"));
    assert_non_null(strstr(r->error.hint, "give --cascade"));
    uint64_t job = job_of(r, "b");
    rig_must(r, "agent.remove", "'name':'desk','cascade':true");
    rig_settle(r);
    rig_ended(r, job, "'verdict':'failed'");
    rig_turn(r);
    rig_settle(r);
    assert_int_equal(rig_read(r, "agent.show", "'name':'desk'"), E_NOT_FOUND);
    show(r, "b");
    assert_string_equal(rig_text(r, "status"), "closed");
    assert_int_equal(rig_i64(r, "waiting"), 0);
    assert_true(rig_is_nil(r, "agent"));
    assert_string_equal(event_text(r, "b", 2, "status"), "void");
    show(r, "c");
    assert_string_equal(rig_text(r, "status"), "open");
    rig_refused(r, E_BAD_REQUEST, "agent", "session.open", "'key':'a'");
    rig_must(r, "agent.add", "'name':'desk','handler':'noop'");
    rig_must(r, "session.open", "'key':'a','agent':'desk'");
}

static void
a_reload_says_how_to_close_the_sessions_of_an_agent_that_goes(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_must(r, "session.open", "'key':'s','agent':'desk'");
    assert_int_equal(rig_try_configure(r, &(struct rig_declared){0}, false), E_IN_USE);
    assert_non_null(strstr(r->error.hint, "agentctl session close KEY"));
}

static void
why_tells_what_a_session_waits_for(void **state)
{
    struct rig *r = *state;

    r->limits.session_on_failure = view_str("hold");
    declare(r);
    rig_workers(r, 1, 4);
    rig_must(r, "agent.pause", "'name':'desk'");
    rig_must(r, "session.event", "'key':'s','type':'t','agent':'desk'");
    rig_must_read(r, "session.why", "'key':'s'");
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "paused");
    assert_int_equal(rig_i64(r, "waiting"), 1);
    rig_must(r, "job.cancel", "'id':1");
    rig_must_read(r, "session.why", "'key':'s'");
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "held");
    assert_string_equal(rig_text(r, "state"), "held");
    assert_non_null(strstr(rig_text(r, "change"), "agentctl session resume s"));
    rig_must(r, "session.close", "'key':'s'");
    rig_must_read(r, "session.why", "'key':'s'");
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "closed");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(without_somebody_to_process_its_events_a_session_is_held),
        TEST(a_held_session_is_resumed_with_the_same_event_or_the_next),
        TEST(what_nobody_processed_may_be_skipped),
        TEST(of_a_held_session_whose_event_is_void_nothing_is_skipped),
        TEST(a_dead_event_is_sent_again_at_the_end),
        TEST(a_closed_session_cancels_what_waits),
        TEST(a_waiting_job_of_a_closed_session_is_cancelled),
        TEST(a_job_that_was_being_stopped_does_not_come_back_to_a_closed_session),
        TEST(a_held_session_is_closed),
        TEST(a_long_queue_is_cancelled_in_several_turns),
        TEST(events_go_by_age_and_with_the_last_a_closed_session),
        TEST(a_reload_says_how_to_close_the_sessions_of_an_agent_that_goes),
        TEST(an_agent_that_sessions_refer_to_is_in_use),
        TEST(why_tells_what_a_session_waits_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
