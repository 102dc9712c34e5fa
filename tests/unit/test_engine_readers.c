/* What is for the readers of a session: it waits for one, is handed to the gateway, and is done
 * when one acknowledges it (D5). */
#include "tests/unit/damage_world.h"
#include "tests/unit/effect_world.h"

#define READER       1000 /* the gateway's number: above those of effects here */
#define SAY(content) "{'kind':'send_message','content':'" content "'}"

static void
declare_sessions(struct rig *r)
{
    r->limits.session_handler = view_str("noop");
    rig_configure(r, &(struct rig_declared){.companies = "{'name':'acme'}"});
    rig_workers(r, 1, 8);
}

/* A person says something in the session, and its job answers so; the effect's id. */
static uint64_t
answer_in(struct rig *r, const char *key, const char *effects)
{
    rig_must_read(r, "effect.list", "'limit':1000");
    size_t before = rig_len(r, "items");

    rig_must(r, "session.send", "'key':'%s','content':'hello'", key);
    rig_turn(r);
    rig_must_read(r, "session.show", "'key':'%s'", key);
    rig_ended(r, (uint64_t)rig_i64(r, "job"), "'verdict':'completed','effects':[%s]", effects);
    rig_turn(r);
    return before + 1;
}

static void
hello(struct rig *r)
{
    rig_must(r, "gateway.hello", "'version':'1'");
}

static void
attach(struct rig *r, const char *key)
{
    rig_must(r, "session.attach", "'key':'%s','reader':%d", key, READER);
}

/* What the last turn said to the gateway of this effect. */
static bool
is_delivered_to_gateway(struct rig *r, uint64_t effect, const char *content)
{
    const struct output   *o;
    const struct msg_desc *d;
    struct view            said;
    union msg              m;
    struct err             e = {0};

    for (size_t i = 0; (o = rig_output(r, OUT_TO_GATEWAY, i)); i++) {
        if (o->token != effect) continue;
        assert_int_equal(worker_open(GROUP_TO_GATEWAY, o->body, &d, &m, &e), E_OK);
        assert_int_equal(d->id, MSG_GATEWAY_DELIVER);
        assert_int_equal(m.gateway_deliver.effect, effect);
        assert_true(view_is(m.gateway_deliver.company, "default"));
        assert_true(mp_find_str(m.gateway_deliver.document, "content", &said));
        assert_true(view_is(said, content));
        return true;
    }
    return false;
}

static void
expect_status(struct rig *r, uint64_t effect, const char *status)
{
    rig_must_read(r, "effect.show", "'id':%d", (int)effect);
    assert_string_equal(rig_text(r, "status"), status);
}

static void
a_message_waits_for_a_reader_and_its_acknowledgement(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    uint64_t id = answer_in(r, "chat", SAY("hi"));
    expect_status(r, id, "pending");
    rig_refused(r, E_WRONG_STATE, "", "session.attach", "'key':'chat','reader':1"); /* no gateway */
    hello(r);
    rig_refused(r, E_NOT_FOUND, "company", "session.attach",
                "'key':'chat','company':'other','reader':1");
    attach(r, "chat");
    assert_int_equal(rig_i64(r, "readers"), 1);
    assert_true(is_delivered_to_gateway(r, id, "hi"));
    expect_status(r, id, "attempting");
    rig_advance(r, HOUR_MS); /* a reader may take its time */
    expect_status(r, id, "attempting");
    rig_must(r, "effect.ack", "'id':%d,'session':'chat'", (int)id);
    expect_status(r, id, "delivered");
    assert_string_equal(rig_text(r, "receipt"), "read");
    rig_must(r, "effect.ack", "'id':%d,'session':'chat'", (int)id); /* once more does no harm */
    assert_int_equal(rig_feed_count(r, "effect.delivered"), 1);
}

static uint64_t
answers_remembered(struct rig *r)
{
    struct txn *t = rig_begin_read(r);
    uint64_t    rows = table_rows(t, TABLE_ANSWER);

    txn_abort(&t);
    return rows;
}

/* The gateway's requests for readers carry no request_id; those of people do. */
static void
who_comes_and_goes_leaves_no_answer_behind(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    hello(r);
    uint64_t before = answers_remembered(r);

    attach(r, "chat");
    rig_must(r, "session.detach", "'key':'chat'");
    assert_int_equal(answers_remembered(r), before);
    r->request_id = "r1";
    rig_must(r, "session.send", "'key':'chat','content':'hello'");
    assert_int_equal(answers_remembered(r), before + 1);
}

static void
the_next_one_comes_when_the_one_before_is_acknowledged(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    uint64_t first = answer_in(r, "chat", SAY("one") "," SAY("two"));
    hello(r);
    attach(r, "chat");
    assert_true(is_delivered_to_gateway(r, first, "one"));
    assert_false(is_delivered_to_gateway(r, first + 1, "two"));
    rig_refused(r, E_WRONG_STATE, "", "effect.ack", "'id':%d,'session':'chat'", (int)first + 1);
    rig_must(r, "effect.ack", "'id':%d,'session':'chat'", (int)first);
    assert_true(is_delivered_to_gateway(r, first + 1, "two"));
}

static void
without_a_reader_the_next_one_is_acknowledged_by_its_id(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    uint64_t first = answer_in(r, "chat", SAY("one") "," SAY("two"));
    rig_refused(r, E_WRONG_STATE, "", "effect.ack", "'id':%d,'session':'chat'", (int)first + 1);
    rig_must(r, "effect.ack", "'id':%d,'session':'chat'", (int)first);
    expect_status(r, first, "delivered");
    assert_string_equal(rig_text(r, "receipt"), "read");
    rig_must(r, "effect.ack", "'id':%d,'session':'chat'", (int)first + 1);
    expect_status(r, first + 1, "delivered");
    hello(r);
    attach(r, "chat");
    assert_false(is_delivered_to_gateway(r, first, "one"));
    assert_false(is_delivered_to_gateway(r, first + 1, "two"));
}

static void
with_a_reader_there_a_message_goes_at_once(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    hello(r);
    (void)answer_in(r, "chat", "");
    attach(r, "chat");
    uint64_t id = answer_in(r, "chat", SAY("hi"));
    assert_true(is_delivered_to_gateway(r, id, "hi"));
    rig_must_read(r, "session.show", "'key':'chat'");
    assert_int_equal(rig_i64(r, "readers"), 1);
}

static void
when_the_last_reader_goes_it_is_pending_again(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    uint64_t id = answer_in(r, "chat", SAY("hi"));
    hello(r);
    attach(r, "chat");
    attach(r, "chat"); /* the second gets what the first has not acknowledged */
    assert_int_equal(rig_i64(r, "readers"), 2);
    assert_true(is_delivered_to_gateway(r, id, "hi"));
    rig_must(r, "session.detach", "'key':'chat'");
    expect_status(r, id, "attempting");
    rig_must(r, "session.detach", "'key':'chat'");
    expect_status(r, id, "pending");
    rig_refused(r, E_WRONG_STATE, "", "session.detach", "'key':'chat'");
    attach(r, "chat");
    assert_true(is_delivered_to_gateway(r, id, "hi"));
    rig_must_read(r, "effect.show", "'id':%d", (int)id);
    assert_int_equal(rig_i64(r, "attempts"), 3);
}

static void
an_acknowledgement_may_come_after_the_connection_is_gone(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    uint64_t id = answer_in(r, "chat", SAY("hi"));
    hello(r);
    attach(r, "chat");
    rig_must(r, "session.detach", "'key':'chat'");
    rig_must(r, "effect.ack", "'id':%d,'session':'chat'", (int)id);
    expect_status(r, id, "delivered");
}

static void
when_the_gateway_goes_nothing_is_lost(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    uint64_t a = answer_in(r, "a", SAY("to a")), b = answer_in(r, "b", SAY("to b"));
    hello(r);
    attach(r, "a");
    attach(r, "b");
    rig_push(r, &(struct input){.kind = INPUT_GATEWAY_GONE});
    rig_settle(r);
    expect_status(r, a, "pending");
    expect_status(r, b, "pending");
    assert_int_equal(rig_rows(r, TABLE_READER), 0);
    hello(r);
    attach(r, "a");
    assert_true(is_delivered_to_gateway(r, a, "to a"));
    hello(r); /* another begins, and nobody has said that the one before is gone */
    rig_settle(r);
    expect_status(r, a, "pending");
    rig_must_read(r, "session.show", "'key':'a'");
    assert_int_equal(rig_i64(r, "readers"), 0);
}

static void
after_a_crash_of_agentd_it_is_pending_again(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    uint64_t id = answer_in(r, "chat", SAY("hi"));
    hello(r);
    attach(r, "chat");
    expect_status(r, id, "attempting");
    rig_crash(r);
    rig_turn(r);
    rig_settle(r);
    assert_int_equal(rig_output_count(r, OUT_OLD_LEASE), 0); /* no process had it */
    expect_status(r, id, "pending");
    assert_int_equal(rig_rows(r, TABLE_READER), 0);
    hello(r);
    attach(r, "chat");
    assert_true(is_delivered_to_gateway(r, id, "hi"));
}

static void
many_sessions_are_released_in_bounded_turns(void **state)
{
    struct rig *r = *state;
    char        key[16];
    size_t      turns = 0;

    r->is_unchecked = true;
    declare_sessions(r);
    hello(r);
    for (int i = 0; i < 300; i++) {
        (void)snprintf(key, sizeof(key), "s%d", i); /* fits */
        (void)answer_in(r, key, SAY("hi"));
        attach(r, key);
    }
    rig_push(r, &(struct input){.kind = INPUT_GATEWAY_GONE});
    do {
        rig_turn(r);
        turns++;
    } while (rig_is_due(r));
    assert_in_range(turns, 3, 10); /* 300 rows and 300 messages, at most 256 of them a turn */
    assert_int_equal(rig_rows(r, TABLE_READER), 0);
    rig_must_read(r, "effect.list", "'status':'attempting'");
    assert_int_equal(rig_len(r, "items"), 0);
}

/* ---- what is said meanwhile ---- */

static uint64_t
job_of(struct rig *r, const char *key)
{
    rig_must_read(r, "session.show", "'key':'%s'", key);
    return (uint64_t)rig_i64(r, "job");
}

static void
say(struct rig *r, uint64_t job, const char *text)
{
    rig_report(r, rig_lease(r, job), "delta", "'text':'%s','piece':7", text);
    rig_turn(r);
}

/* The one thing that the last turn said to the gateway. */
static void
expect_delta(struct rig *r, const char *key, const char *text)
{
    const struct msg_desc *d;
    union msg              m;
    struct err             e = {0};

    assert_int_equal(rig_output_count(r, OUT_TO_GATEWAY), 1);
    const struct output *o = rig_output(r, OUT_TO_GATEWAY, 0);
    assert_int_equal(o->token, 0); /* it may be dropped */
    assert_int_equal(worker_open(GROUP_TO_GATEWAY, o->body, &d, &m, &e), E_OK);
    assert_int_equal(d->id, MSG_GATEWAY_DELTA);
    assert_true(view_is(m.gateway_delta.session, key));
    assert_true(view_is(m.gateway_delta.company, "default"));
    assert_true(view_is(m.gateway_delta.text, text));
    assert_int_equal(m.gateway_delta.piece, 7);
}

static void
what_a_job_says_goes_to_readers_and_is_kept_nowhere(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    hello(r);
    rig_must(r, "session.send", "'key':'chat','content':'hello'");
    rig_turn(r);
    say(r, job_of(r, "chat"), "nobody hears this");
    assert_int_equal(rig_output_count(r, OUT_TO_GATEWAY), 0);
    attach(r, "chat");
    uint64_t hash = rig_hash(r);
    say(r, job_of(r, "chat"), "Hel");
    expect_delta(r, "chat", "Hel");
    assert_int_equal(r->writes, 0);
    assert_true(rig_hash(r) == hash);
}

static void
a_reader_that_comes_first_hears_the_session_from_its_first_word(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    hello(r);
    attach(r, "chat");
    assert_int_equal(rig_i64(r, "readers"), 1);
    assert_string_equal(rig_text(r, "company"), "default");
    assert_int_equal(rig_read(r, "session.show", "'key':'chat'"), E_NOT_FOUND); /* not yet made */
    rig_must(r, "session.send", "'key':'chat','content':'hello'");
    rig_turn(r);
    say(r, job_of(r, "chat"), "Hel");
    expect_delta(r, "chat", "Hel");
    rig_ended(r, job_of(r, "chat"), "'verdict':'completed','effects':[%s]", SAY("Hello"));
    rig_turn(r);
    assert_true(is_delivered_to_gateway(r, 1, "Hello"));
}

static void
a_session_made_anew_is_read_by_who_read_the_one_before(void **state)
{
    struct rig *r = *state;

    r->limits.keep_events_ms = DAY_MS;
    declare_sessions(r);
    hello(r);
    attach(r, "chat");
    uint64_t first = answer_in(r, "chat", SAY("one"));
    rig_must(r, "effect.ack", "'id':%d,'session':'chat'", (int)first);
    rig_must(r, "session.close", "'key':'chat'");
    rig_advance(r, DAY_MS + HOUR_MS);
    assert_int_equal(rig_read(r, "session.show", "'key':'chat'"), E_NOT_FOUND);
    rig_must(r, "session.send", "'key':'chat','content':'hello'");
    rig_turn(r);
    say(r, job_of(r, "chat"), "Hel");
    expect_delta(r, "chat", "Hel");
    rig_ended(r, job_of(r, "chat"), "'verdict':'completed','effects':[%s]", SAY("Hello"));
    rig_turn(r);
    assert_true(is_delivered_to_gateway(r, first + 1, "Hello"));
    rig_must(r, "session.detach", "'key':'chat'");
    rig_refused(r, E_WRONG_STATE, "", "session.detach", "'key':'chat'");
}

static void
the_gateway_is_told_first_whose_session_it_is(void **state)
{
    const struct msg_desc *d;
    struct rig            *r = *state;
    union msg              m;
    struct err             e = {0};

    declare_sessions(r);
    uint64_t id = answer_in(r, "chat", SAY("hi"));
    hello(r);
    attach(r, "chat");
    const struct output *o = rig_output(r, OUT_TO_GATEWAY, 0);
    assert_int_equal(o->token, READER); /* it may not be dropped */
    assert_int_equal(worker_open(GROUP_TO_GATEWAY, o->body, &d, &m, &e), E_OK);
    assert_int_equal(d->id, MSG_GATEWAY_ATTACHED);
    assert_int_equal(m.gateway_attached.reader, READER);
    assert_true(view_is(m.gateway_attached.company, "default"));
    assert_int_equal(rig_output(r, OUT_TO_GATEWAY, 1)->token, id);
}

static void
one_may_go_when_session_and_company_are_gone(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    hello(r);
    rig_must(r, "company.add", "'name':'shop'");
    rig_must(r, "session.attach", "'key':'chat','company':'shop','reader':1");
    rig_must(r, "company.remove", "'name':'shop'");
    rig_settle(r);
    assert_int_equal(rig_rows(r, TABLE_READER), 1);
    rig_must(r, "session.detach", "'key':'chat','company':'shop'");
    assert_int_equal(rig_rows(r, TABLE_READER), 0);
}

static void
while_a_person_is_answered_the_session_streams(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    rig_must(r, "session.event", "'key':'timed','type':'tick'");
    rig_turn(r);
    rig_status(r);
    assert_int_equal(rig_i64(r, "streams"), 0);
    rig_must(r, "session.send", "'key':'chat','content':'hello'");
    rig_turn(r);
    rig_status(r);
    assert_int_equal(rig_i64(r, "streams"), 1);
    rig_fail(r, job_of(r, "chat"), "handler_error"); /* however it ends */
    rig_status(r);
    assert_int_equal(rig_i64(r, "streams"), 0);
}

static void
what_operators_stop_is_not_handed_out(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    uint64_t id = answer_in(r, "chat", SAY("hi"));
    hello(r);
    rig_must(r, "stop", "'scope':'effects'");
    attach(r, "chat");
    assert_false(is_delivered_to_gateway(r, id, "hi"));
    rig_must(r, "resume", " ");
    assert_true(is_delivered_to_gateway(r, id, "hi"));
}

static void
why_says_what_it_waits_for(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    uint64_t id = answer_in(r, "chat", SAY("hi"));
    rig_must_read(r, "effect.why", "'id':%d", (int)id);
    assert_non_null(strstr(rig_json(r), "nobody reads its session"));
    hello(r);
    attach(r, "chat");
    rig_must_read(r, "effect.why", "'id':%d", (int)id);
    assert_non_null(strstr(rig_json(r), "none has acknowledged it yet"));
}

static void
another_companys_session_is_not_found(void **state)
{
    struct rig *r = *state;

    declare_sessions(r);
    uint64_t id = answer_in(r, "chat", SAY("hi"));
    hello(r);
    attach(r, "chat");
    r->actor.company = view_str("acme");
    rig_refused(r, E_NOT_FOUND, "", "effect.ack", "'id':%d,'session':'chat'", (int)id);
    rig_refused(r, E_NOT_FOUND, "company", "effect.ack",
                "'id':%d,'session':'chat','company':'default'", (int)id);
}

static void
what_a_gateway_that_died_leaves_behind_is_no_finding(void **state)
{
    enum { READ = 600, ANSWERED = 4 }; /* more rows than two turns take away */
    struct rig *r = *state;
    uint64_t    jobs[ANSWERED];

    declare_sessions(r);
    hello(r);
    for (int i = 0; i < READ; i++) {
        FREE_AUTO char *key = xasprintf("s%d", i);

        attach(r, key);
    }
    for (int i = 0; i < ANSWERED; i++) {
        rig_must(r, "session.send", "'key':'s%d','content':'hello'", i);
        jobs[i] = (uint64_t)rig_i64(r, "job");
    }
    rig_push(r, &(struct input){.kind = INPUT_GATEWAY_GONE});
    for (int i = 0; i < ANSWERED; i++)
        rig_ended(r, jobs[i], "'verdict':'completed','effects':[%s]", SAY("late"));
    rig_turn(r);
    assert_int_equal(problems_of(r, ""), 0);
    assert_true(rig_rows(r, TABLE_READER) > 0);
}

static void
when_a_company_goes_its_readers_are_hung_up(void **state)
{
    const struct msg_desc *d;
    struct rig            *r = *state;
    const struct output   *o = NULL;
    union msg              m;
    struct err             e = {0};

    declare_sessions(r);
    hello(r);
    rig_must(r, "company.add", "'name':'shop'");
    rig_must(r, "company.remove", "'name':'shop'");
    for (int turns = 0; !(o = rig_output(r, OUT_TO_GATEWAY, 0)) && turns < 10; turns++)
        rig_turn(r);
    assert_non_null(o);
    assert_int_not_equal(o->token, 0); /* it may not be dropped */
    assert_int_equal(worker_open(GROUP_TO_GATEWAY, o->body, &d, &m, &e), E_OK);
    assert_int_equal(d->id, MSG_GATEWAY_REMOVED);
    assert_true(view_is(m.gateway_removed.company, "shop"));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_message_waits_for_a_reader_and_its_acknowledgement),
        TEST(the_next_one_comes_when_the_one_before_is_acknowledged),
        TEST(without_a_reader_the_next_one_is_acknowledged_by_its_id),
        TEST(who_comes_and_goes_leaves_no_answer_behind),
        TEST(with_a_reader_there_a_message_goes_at_once),
        TEST(when_the_last_reader_goes_it_is_pending_again),
        TEST(an_acknowledgement_may_come_after_the_connection_is_gone),
        TEST(when_the_gateway_goes_nothing_is_lost),
        TEST(after_a_crash_of_agentd_it_is_pending_again),
        TEST(many_sessions_are_released_in_bounded_turns),
        TEST(what_a_job_says_goes_to_readers_and_is_kept_nowhere),
        TEST(a_reader_that_comes_first_hears_the_session_from_its_first_word),
        TEST(a_session_made_anew_is_read_by_who_read_the_one_before),
        TEST(the_gateway_is_told_first_whose_session_it_is),
        TEST(one_may_go_when_session_and_company_are_gone),
        TEST(when_a_company_goes_its_readers_are_hung_up),
        TEST(while_a_person_is_answered_the_session_streams),
        TEST(what_operators_stop_is_not_handed_out),
        TEST(why_says_what_it_waits_for),
        TEST(another_companys_session_is_not_found),
        TEST(what_a_gateway_that_died_leaves_behind_is_no_finding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
