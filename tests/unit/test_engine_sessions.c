/* Sessions: events are processed in order, one at a time, and consumed with their checkpoint (D1,
 * D2). */
#include "tests/unit/session_world.h"

#define BATCH            100
#define WRITES_PER_EVENT 14

/* ---- what a handler is given, and what its success commits ---- */

static void
a_message_makes_a_session_and_its_job(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 4);
    rig_must(r, "session.send",
             "'key':'chat/1','agent':'desk','content':'hello','metadata':{'from':'ann'}");
    assert_int_equal(rig_i64(r, "seq"), 1);
    assert_string_equal(rig_text(r, "type"), "user_message");
    assert_string_equal(rig_text(r, "session"), "chat/1");
    uint64_t job = (uint64_t)rig_i64(r, "job");
    expect_state(r, job, "running");
    assert_string_equal(rig_text(r, "trigger"), "event");
    assert_string_equal(rig_text(r, "agent"), "desk");
    assert_string_equal(rig_text(r, "session"), "chat/1");
    assert_string_equal(rig_text(r, "source"), "session");
    assert_string_equal(rig_text(r, "title"), "chat/1 — event #1 (user_message)");
    assert_int_equal(rig_i64(r, "event"), 1);
    assert_int_equal(rig_i64(r, "priority"), 50);
    document(r, job);
    assert_int_equal(rig_i64(r, "event.seq"), 1);
    assert_string_equal(rig_text(r, "event.type"), "user_message");
    assert_string_equal(rig_text(r, "event.payload.content"), "hello");
    assert_string_equal(rig_text(r, "event.payload.metadata.from"), "ann");
    assert_int_equal(rig_i64(r, "event.created_at"), RIG_WALL_MS);
    assert_string_equal(rig_text(r, "session.key"), "chat/1");
    assert_int_equal(rig_i64(r, "session.event_seq"), 0);
    assert_int_equal(rig_i64(r, "session.waiting"), 1);
    assert_int_equal(rig_i64(r, "session.consecutive_autonomous_msgs"), 0);
    assert_true(rig_is_nil(r, "session.last_autonomous_at"));
    assert_true(rig_bool(r, "session.has_person"));
    assert_true(rig_is_nil(r, "checkpoint"));
    assert_int_equal(rig_feed_count(r, "session.opened"), 1);
    assert_int_equal(rig_feed_count(r, "session.event"), 1);
}

static void
events_are_processed_one_by_one_in_order(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 8);
    for (uint64_t i = 1; i <= 5; i++)
        assert_int_equal(append(r, "s", "ping"), i);
    assert_int_equal(session_i64(r, "s", "waiting"), 5);
    for (int i = 1; i <= 5; i++) {
        uint64_t job = job_of(r, "s");

        assert_int_equal(rig_running(r), 1);
        document(r, job);
        assert_int_equal(rig_i64(r, "event.seq"), i);
        assert_int_equal(rig_i64(r, "session.event_seq"), i - 1);
        if (i > 1) assert_int_equal(rig_i64(r, "checkpoint.n"), i - 1);
        rig_ended(r, job, "'verdict':'completed','checkpoint':{'n':%d}", i);
        rig_turn(r); /* the next one starts in the turn that ends the one before */
        assert_int_equal(session_i64(r, "s", "event_seq"), i);
        assert_int_equal(rig_i64(r, "checkpoint_id"), i);
        assert_int_equal(rig_i64(r, "checkpoint.n"), i);
        assert_int_equal(rig_i64(r, "waiting"), 5 - i);
    }
    assert_int_equal(job_of(r, "s"), 0);
    assert_int_equal(rig_feed_count(r, "session.processed"), 5);
    assert_int_equal(append(r, "s", "ping"), 6);
    document(r, job_of(r, "s"));
    assert_int_equal(rig_i64(r, "event.seq"), 6);
}

static void
sessions_run_in_parallel(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 8);
    for (int i = 0; i < 2; i++) {
        (void)append(r, "a", "ping");
        (void)append(r, "b", "ping");
    }
    assert_int_equal(rig_running(r), 2);
    rig_complete(r, job_of(r, "b"));
    document(r, job_of(r, "b"));
    assert_int_equal(rig_i64(r, "event.seq"), 2);
    document(r, job_of(r, "a"));
    assert_int_equal(rig_i64(r, "event.seq"), 1);
}

static void
an_attempt_that_does_not_complete_leaves_everything(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 4);
    (void)append(r, "s", "ping");
    (void)append(r, "s", "ping");
    uint64_t job = job_of(r, "s");
    rig_ended(r, job, "'verdict':'failed','checkpoint':{'n':9}");
    rig_turn(r);
    expect_state(r, job, "scheduled");
    assert_int_equal(job_of(r, "s"), job); /* while it is retried the session waits */
    assert_int_equal(rig_i64(r, "event_seq"), 0);
    assert_int_equal(rig_i64(r, "waiting"), 2);
    assert_int_equal(rig_i64(r, "checkpoint_id"), 0);
    assert_true(rig_is_nil(r, "checkpoint"));
    rig_advance(r, 3 * MINUTE_MS);
    rig_ended(r, job, "'verdict':'snoozed','after_ms':5000,'checkpoint':{'n':9}");
    rig_turn(r);
    assert_int_equal(session_i64(r, "s", "event_seq"), 0);
    rig_advance(r, 10 * SECOND_MS);
    rig_complete(r, job); /* without a checkpoint: its number goes on all the same */
    assert_int_equal(session_i64(r, "s", "event_seq"), 1);
    assert_int_equal(rig_i64(r, "checkpoint_id"), 1);
}

static void
a_crash_takes_nothing_and_repeats_nothing(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 4);
    (void)append(r, "s", "ping");
    (void)append(r, "s", "ping");
    rig_complete(r, job_of(r, "s"));
    uint64_t job = job_of(r, "s");
    expect_state(r, job, "running");
    rig_crash(r);
    rig_turn(r);
    rig_old_leases_gone(r);
    rig_turn(r);
    rig_workers(r, 1, 4);
    rig_settle(r);
    assert_int_equal(job_of(r, "s"), job);
    document(r, job);
    assert_int_equal(rig_i64(r, "event.seq"), 2);
    assert_int_equal(rig_lease(r, job)->attempt, 2);
    rig_complete(r, job);
    assert_int_equal(session_i64(r, "s", "event_seq"), 2);
    assert_int_equal(rig_i64(r, "checkpoint_id"), 2);
}

static void
long_payloads_come_whole(void **state)
{
    struct rig     *r = *state;
    FREE_AUTO char *text = xmalloc(1000001);

    declare(r);
    rig_workers(r, 1, 4);
    memset(text, 'x', 1000000);
    text[1000000] = '\0';
    rig_must(r, "session.send", "'key':'s','content':'%s'", text);
    uint64_t job = (uint64_t)rig_i64(r, "job");
    document(r, job);
    assert_string_equal(rig_text(r, "event.payload.content"), text);
    assert_string_equal(event_text(r, "s", 1, "payload.content"), text);
}

/* ---- events that are given up ---- */

static void
a_poison_event_is_dead_and_the_session_goes_on(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 4);
    poison(r, "s");
    assert_string_equal(event_text(r, "s", 1, "status"), "dead");
    assert_int_equal(rig_i64(r, "items.0.job"), 1);
    show(r, "s");
    assert_string_equal(rig_text(r, "status"), "open");
    assert_int_equal(rig_i64(r, "dead"), 1);
    assert_int_equal(rig_i64(r, "waiting"), 1);
    assert_int_equal(rig_i64(r, "event_seq"), 1);
    assert_int_equal(rig_i64(r, "checkpoint_id"), 0);
    assert_string_equal(event_text(r, "s", 2, "status"), "processing");
    rig_must_read(r, "session.events", "'key':'s','dead':true");
    assert_int_equal(rig_len(r, "items"), 1);
    assert_int_equal(rig_feed_count(r, "session.event_dead"), 1);
    rig_complete(r, job_of(r, "s"));
    assert_string_equal(event_text(r, "s", 2, "status"), "processed");
}

static void
a_session_may_be_held_by_an_event_that_is_given_up(void **state)
{
    struct rig *r = *state;

    r->limits.session_on_failure = view_str("hold");
    declare(r);
    rig_workers(r, 1, 4);
    poison(r, "s");
    show(r, "s");
    assert_string_equal(rig_text(r, "status"), "held");
    assert_non_null(strstr(rig_text(r, "reason"), "job 1 ended as failed, turn_limit_exceeded"));
    assert_true(rig_is_nil(r, "job"));
    assert_int_equal(rig_i64(r, "dead"), 1);
    assert_int_equal(rig_i64(r, "waiting"), 1);
    rig_must_read(r, "session.list", "'status':'held'");
    assert_int_equal(rig_len(r, "items"), 1);
    assert_string_equal(rig_text(r, "items.0.key"), "s");
    rig_must_read(r, "session.list", "'status':'open'");
    assert_int_equal(rig_len(r, "items"), 0);
    assert_int_equal(rig_read(r, "session.list", "'status':'stuck'"), E_BAD_REQUEST);
    assert_int_equal(append(r, "s", "good"), 3); /* it takes events all the same */
    assert_int_equal(rig_running(r), 0);
    assert_int_equal(rig_feed_count(r, "session.held"), 1);
}

static void
a_cancelled_job_gives_its_event_up(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 4);
    (void)append(r, "s", "bad");
    (void)append(r, "s", "good");
    uint64_t job = job_of(r, "s");
    rig_must(r, "job.cancel", "'id':%d", (int)job);
    assert_int_equal(job_of(r, "s"), job); /* until its processes are gone */
    rig_ended(r, job, "'verdict':'failed'");
    rig_turn(r);
    assert_string_equal(event_text(r, "s", 1, "status"), "dead");
    assert_string_equal(event_text(r, "s", 2, "status"), "processing");
    rig_refused(r, E_WRONG_STATE, "", "job.retry", "'id':%d", (int)job);
}

/* ---- jobs as events ---- */

static void
a_job_submitted_with_a_session_waits_for_its_turn(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 4);
    (void)append(r, "s", "ping");
    rig_must(r, "job.submit",
             "'session':'s','handler':'echo','payload':{'a':1},'title':'mine','priority':70,"
             "'max_run_ms':9000,'max_turns':null,'context':{'c':1},'tags':{'t':'u'}");
    assert_int_equal(rig_i64(r, "seq"), 2);
    assert_string_equal(rig_text(r, "type"), "job");
    assert_true(rig_is_nil(r, "job"));
    rig_complete(r, job_of(r, "s"));
    uint64_t job = job_of(r, "s");
    assert_string_equal(rig_job_text(r, job, "handler"), "echo");
    assert_string_equal(rig_text(r, "title"), "mine");
    assert_string_equal(rig_text(r, "tags.t"), "u");
    assert_string_equal(rig_text(r, "trigger"), "event");
    assert_int_equal(rig_i64(r, "priority"), 70);
    assert_int_equal(rig_i64(r, "payload.a"), 1);
    assert_int_equal(rig_i64(r, "context.c"), 1);
    assert_int_equal(rig_i64(r, "lease_expires_at"), RIG_WALL_MS + 9000);
    document(r, job);
    assert_int_equal(rig_i64(r, "event.seq"), 2);
    assert_int_equal(rig_i64(r, "event.payload.payload.a"), 1);
    rig_complete(r, job);
    assert_int_equal(session_i64(r, "s", "event_seq"), 2);
    rig_must(r, "job.submit", "'session':'new','handler':'noop'"); /* needs no agent */
    rig_must(r, "job.submit", "'session':'s','payload':[1]");
    assert_string_equal(rig_job_text(r, job_of(r, "s"), "handler"), "noop");
}

static void
what_a_job_of_a_session_cannot_have_is_refused(void **state)
{
    static const struct {
        const char *body;
        enum errc   code;
        const char *field;
    } bad[] = {
        {"'run_at':1900000000000",     E_BAD_REQUEST, "run_at"      },
        {"'delay_ms':1",               E_BAD_REQUEST, "delay_ms"    },
        {"'unique_key':'u'",           E_BAD_REQUEST, "unique_key"  },
        {"'debounce_key':'d'",         E_BAD_REQUEST, "debounce_key"},
        {"'max_attempts':2",           E_BAD_REQUEST, "max_attempts"},
        {"'expires_at':1900000000000", E_BAD_REQUEST, "expires_at"  },
        {"'trigger':'manual'",         E_BAD_REQUEST, "trigger"     },
        {"'token_budget':5",           E_BAD_REQUEST, "token_budget"},
        {"'goal':1",                   E_BAD_REQUEST, "goal"        },
        {"'tags':{'a':1}",             E_BAD_REQUEST, "tags"        },
        {"'agent':'other'",            E_CONFLICT,    ""            },
    };
    struct rig *r = *state;

    declare(r);
    rig_must(r, "session.open", "'key':'s','agent':'desk'");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        rig_refused(r, bad[i].code, bad[i].field, "job.submit", "'session':'s','handler':'noop',%s",
                    bad[i].body);
    rig_refused(r, E_NOT_FOUND, "handler", "job.submit", "'session':'s','handler':'nobody'");
    rig_refused(r, E_BAD_REQUEST, "session", "job.submit",
                "'session':'schedule/x','handler':'noop'");
    rig_refused(r, E_BAD_REQUEST, "expires_at", "job.submit",
                "'session':'s','handler':'noop','expires_at':9000000000000");
    assert_non_null(strstr(r->error.hint, "timer"));
    rig_refused(r, E_BAD_REQUEST, "session", "job.submit_many",
                "'jobs':[{'session':'s','handler':'noop'}]");
    r->actor.role = ROLE_SUBMIT;
    rig_refused(r, E_BAD_REQUEST, "priority", "job.submit", "'session':'s','priority':90");
}

/* ---- who may append what ---- */

static void
what_is_no_event_is_refused(void **state)
{
    static const struct {
        const char *op, *body;
        enum errc   code;
        const char *field;
    } bad[] = {
        {"session.send",  "'key':'k','content':''",                                                 E_BAD_REQUEST, "content"},
        {"session.send",  "'key':'','content':'c'",                                                 E_BAD_REQUEST, "key"    },
        {"session.send",  "'key':'schedule/x','content':'c'",                                       E_BAD_REQUEST, "key"    },
        {"session.send",  "'key':'k','content':'c','agent':'nobody'",                               E_NOT_FOUND,   "agent"  },
        {"session.send",  "'key':'k','content':'c','agent':'mute'",                                 E_BAD_REQUEST, "handler"},
        {"session.send",  "'key':'k','content':'c','company':'gamma'",                              E_NOT_FOUND,   "company"},
        {"session.send",  "'key':'s','content':'c','agent':'other'",                                E_CONFLICT,    ""       },
        {"session.event", "'key':'k','type':'No Name'",                                             E_BAD_REQUEST, "type"   },
        {"session.event", "'key':'k','type':'job'",                                                 E_BAD_REQUEST, "type"   },
        {"session.event", "'key':'k','type':'user_message','payload':{'c':'x'}",                    E_BAD_REQUEST,
         "payload"                                                                                                          },
        {"session.event", "'key':'k','type':'user_message'",                                        E_BAD_REQUEST, "payload"},
        {"session.event", "'key':'k','type':'user_message','payload':{'content':'x','metadata':5}",
         E_BAD_REQUEST,                                                                                            "payload"},
        {"session.event", "'key':'k','type':'t','parent':99",                                       E_BAD_REQUEST, "parent" },
    };
    struct rig *r = *state;

    declare(r);
    rig_must(r, "session.send", "'key':'s','content':'c','agent':'desk'");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        rig_refused(r, bad[i].code, bad[i].field, bad[i].op, "%s", bad[i].body);
}

static void
a_session_takes_so_many_events(void **state)
{
    struct rig *r = *state;

    r->limits.session_queue_max = 3;
    declare(r);
    for (int i = 0; i < 3; i++)
        (void)append(r, "s", "ping");
    rig_refused(r, E_QUEUE_FULL, "", "session.event", "'key':'s','type':'ping'");
    (void)append(r, "other", "ping");
    rig_workers(r, 1, 4);
    rig_complete(r, job_of(r, "s"));
    assert_int_equal(append(r, "s", "ping"), 4);
}

static void
a_session_may_take_no_event_at_all(void **state)
{
    struct rig *r = *state;

    r->limits.session_queue_max = 0;
    declare(r);
    rig_refused(r, E_QUEUE_FULL, "", "session.event", "'key':'s','type':'ping'");
    rig_refused(r, E_QUEUE_FULL, "", "session.send", "'key':'s','content':'c','agent':'desk'");
    assert_int_equal(rig_read(r, "session.show", "'key':'s'"), E_NOT_FOUND);
}

static void
sessions_of_companies_are_apart(void **state)
{
    struct rig *r = *state;

    r->limits.session_handler = view_str("noop");
    rig_configure(r, &(struct rig_declared){.companies = "{'name':'acme'}"});
    rig_must(r, "session.event", "'key':'s','type':'t','company':'acme'");
    rig_must(r, "session.event", "'key':'s','type':'t'");
    assert_int_equal(rig_i64(r, "seq"), 1);
    r->actor.company = view_str("acme");
    rig_must_read(r, "session.events", "'key':'s'");
    assert_int_equal(rig_i64(r, "items.0.id"), 1);
    assert_int_equal(rig_read(r, "session.events", "'key':'s','company':'default'"), E_NOT_FOUND);
}

static void
an_event_continues_its_chain_of_causes(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 4);
    uint64_t first = rig_submit(r, "'agent':'desk'");
    rig_must(r, "session.event", "'key':'s','type':'t','parent':%d", (int)first);
    uint64_t second = (uint64_t)rig_i64(r, "job");
    assert_int_equal(rig_job_i64(r, second, "parent"), first);
    assert_int_equal(rig_i64(r, "root"), first);
    assert_int_equal(rig_i64(r, "depth"), 1);
    rig_must_read(r, "session.events", "'key':'s'");
    assert_int_equal(rig_i64(r, "items.0.root"), first);
    rig_must(r, "session.event", "'key':'t','type':'timer'");
    assert_string_equal(rig_job_text(r, (uint64_t)rig_i64(r, "job"), "trigger"), "timer");
}

/* A job and the event that it caused, which waits behind that of the job *busy. */
static uint64_t
cause_behind_another(struct rig *r, uint64_t *busy)
{
    declare(r);
    rig_workers(r, 1, 4);
    uint64_t first = rig_submit(r, "'agent':'desk'");
    *busy = append(r, "s", "t") ? job_of(r, "s") : 0;
    rig_must(r, "session.event", "'key':'s','type':'t','parent':%d", (int)first);
    return first;
}

static void
a_chain_goes_on_when_what_began_it_is_purged(void **state)
{
    struct rig *r = *state;

    uint64_t busy, first = cause_behind_another(r, &busy);

    rig_complete(r, first);
    rig_must(r, "job.purge", "'state':'completed','older_ms':0");
    assert_int_equal(rig_read(r, "job.show", "'id':%d", (int)first), E_GONE);
    rig_fail(r, busy, "turn_limit_exceeded");
    uint64_t second = job_of(r, "s");
    assert_int_equal(rig_job_i64(r, second, "depth"), 1);
    assert_int_equal(rig_i64(r, "parent"), first);
    rig_fail(r, second, "turn_limit_exceeded");
    rig_must(r, "session.resend", "'key':'s','seq':2");
    assert_int_equal(rig_job_i64(r, (uint64_t)rig_i64(r, "job"), "depth"), 1);
    r->limits.chain_depth_max = 1;
    declare(r);
    rig_refused(r, E_BAD_REQUEST, "parent", "session.event", "'key':'u','type':'t','parent':%d",
                (int)second);
}

/* The newest event, as one that was written before schema 7. */
static void
forget_chain(struct rig *r)
{
    struct event ev = {0}, last = {0};
    struct err   e;
    struct txn  *t = txn_begin_write(r->store, &e);
    struct scan  s;
    bool         outcome_unknown;

    assert_non_null(t);
    scan_open(&s, t, PRIMARY_EVENT, &ev, 0, 0);
    while (scan_next(&s, &ev))
        last = (struct event){.session = ev.session, .seq = ev.seq};
    scan_close(&s);
    ev = last;
    assert_int_equal(event_load(t, &ev), LOAD_FOUND);
    assert_int_equal(ev.depth, 1);
    ev.depth = 0;
    ev.chain = (struct view){0};
    event_save(t, &ev);
    assert_int_equal(txn_commit(&t, &outcome_unknown, &e), E_OK);
}

static void
an_event_of_before_its_chain_was_kept_has_that_of_its_cause(void **state)
{
    struct rig *r = *state;

    uint64_t busy, first = cause_behind_another(r, &busy);

    forget_chain(r);
    rig_fail(r, busy, "turn_limit_exceeded");
    uint64_t second = job_of(r, "s");
    assert_int_equal(rig_job_i64(r, second, "depth"), 1);
    assert_int_equal(rig_i64(r, "parent"), first);
}

/* ---- what it costs ---- */

static void
an_event_is_few_writes(void **state)
{
    struct rig *r = *state;
    uint64_t    writes;

    declare(r);
    rig_workers(r, 1, BATCH);
    for (int i = 0; i < BATCH; i++) { /* the sessions are there, with one processed event each */
        rig_must(r, "session.event", "'key':'s%d','type':'t'", i);
        rig_complete(r, (uint64_t)rig_i64(r, "job"));
    }
    for (int i = 0; i < BATCH; i++)
        (void)rig_queue(r, "session.event", "'key':'s%d','type':'t','payload':{'a':1}", i);
    rig_turn(r);
    writes = r->writes;
    for (int i = 1; i <= BATCH; i++)
        rig_ended(r, (uint64_t)(BATCH + i), "'verdict':'completed','checkpoint':{'a':1}");
    rig_turn(r);
    writes += r->writes;
    print_message("          %.1f writes per event\n", (double)writes / BATCH);
    assert_true(writes <= WRITES_PER_EVENT * BATCH);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_message_makes_a_session_and_its_job),
        TEST(events_are_processed_one_by_one_in_order),
        TEST(sessions_run_in_parallel),
        TEST(an_attempt_that_does_not_complete_leaves_everything),
        TEST(a_crash_takes_nothing_and_repeats_nothing),
        TEST(long_payloads_come_whole),
        TEST(a_poison_event_is_dead_and_the_session_goes_on),
        TEST(a_session_may_be_held_by_an_event_that_is_given_up),
        TEST(a_cancelled_job_gives_its_event_up),
        TEST(a_job_submitted_with_a_session_waits_for_its_turn),
        TEST(what_a_job_of_a_session_cannot_have_is_refused),
        TEST(what_is_no_event_is_refused),
        TEST(a_session_takes_so_many_events),
        TEST(a_session_may_take_no_event_at_all),
        TEST(sessions_of_companies_are_apart),
        TEST(an_event_continues_its_chain_of_causes),
        TEST(a_chain_goes_on_when_what_began_it_is_purged),
        TEST(an_event_of_before_its_chain_was_kept_has_that_of_its_cause),
        TEST(an_event_is_few_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
