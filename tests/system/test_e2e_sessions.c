/* Sessions from outside: events in order over kill -9, each consumed with its checkpoint; what
 * fails for good; sessions that are held and closed (D1, D2). */
#include "tests/system/e2e.h"

#define EVENTS 30
#define HELD   10 /* this one waits at the gate */

#define CONFIG(sessions)                                                                          \
    "workers: {count: 1, slots: 4}\n"                                                             \
    "daemon: {stop_grace: 0s}\n"                                                                  \
    "limits: {kill_grace: 200ms}\n"                                                               \
    "handlers:\n"                                                                                 \
    "  count: {kind: exec, command: [./count], env: [DIR]}\n"                                     \
    "  talk: {kind: exec, command: [./talk], env: [DIR]}\n"                                       \
    "agents: [{name: clerk, handler: count, max_concurrent: 4}, {name: other, handler: count},\n" \
    "  {name: talker, handler: talk}]\n"                                                          \
    "sessions: {handler: count" sessions "}\n"

/* Notes its session, the event's number and what the checkpoint counts; then counts on. */
#define COUNT                                                                                    \
    "#!/bin/sh\n"                                                                                \
    "document=$(cat)\n"                                                                          \
    "of() { printf '%s\\n' \"$document\" | sed -n \"s/.*$1.*/\\1/p\"; }\n"                       \
    "key=$(of '\"session\":{\"key\":\"\\([^\"]*\\)\"')\n"                                        \
    "seq=$(of '\"event\":{\"seq\":\\([0-9]*\\),')\n"                                             \
    "type=$(of '\"event\":{\"seq\":[0-9]*,\"id\":[0-9]*,\"type\":\"\\([^\"]*\\)\"')\n"           \
    "n=$(of '\"checkpoint\":{\"n\":\\([0-9]*\\)}')\n"                                            \
    "echo ${seq} ${n:-0} ${key} ${type} >>$DIR/seen\n"                                           \
    "case $type in\n"                                                                            \
    "bad) echo '{\"type\":\"fail\",\"class\":\"turn_limit_exceeded\",\"message\":\"too bad\"}' " \
    ";;\n"                                                                                       \
    "wait) read x <$DIR/gate ;;\n"                                                               \
    "esac\n"                                                                                     \
    "echo '{\"type\":\"checkpoint\",\"data\":{\"n\":'$((${n:-0} + 1))'}}'\n"

/* Begins to answer, and ends at the gate. */
#define TALK                                          \
    "#!/bin/sh\n"                                     \
    "echo '{\"type\":\"delta\",\"text\":\"well\"}'\n" \
    "echo 1 >>$DIR/seen\n"                            \
    "read x <$DIR/gate\n"

static int
start_with(const char *config)
{
    e2e_make();
    script_write(&d, "count", COUNT);
    script_write(&d, "talk", TALK);
    return e2e_start(config);
}

static int
start(void **state)
{
    (void)state;
    return start_with(CONFIG(""));
}

static int
start_holding(void **state)
{
    (void)state;
    return start_with(CONFIG(", on_failure: hold"));
}

static void
expect_sound(void)
{
    ctl_must(&c, "fsck");
    ctl_expect(&c, "ok", "true");
}

/* Each event was begun after the one before it, with what that one left; those that a kill
 * interrupted began again. */
static void
expect_order(size_t events)
{
    BUF_AUTO struct buf text = {0};
    const char         *line = marks_wait(&d, "seen", events, &text);
    unsigned long       last = 0, seq, n;

    for (; line && sscanf(line, "%lu %lu s ", &seq, &n) == 2; line = strchr(line, '\n') + 1) {
        if ((seq != last && seq != last + 1) || n != seq - 1)
            daemon_fail(&d, "event %lu with a count of %lu after event %lu", seq, n, last);
        last = seq;
    }
    assert_int_equal(last, events);
}

static void
events_are_processed_in_order_over_kill_9(void **state)
{
    (void)state;
    for (int i = 1; i <= EVENTS; i++) {
        ctl_must(&c, "session event s %s --payload %d", i == HELD ? "wait" : "go", i);
        ctl_expect(&c, "type", i == HELD ? "\"wait\"" : "\"go\"");
        assert_int_equal(ctl_number(&c, "seq"), i);
    }
    ctl_until(&c, "event_seq", "9", "session show s");
    ctl_expect(&c, "waiting", "21");
    ctl_expect(&c, "checkpoint", "{\"n\":9}");
    daemon_kill(&d);
    daemon_start(&d, NULL);
    ctl_must(&c, "session show s");
    ctl_expect(&c, "event_seq", "9");
    ctl_expect(&c, "checkpoint_id", "9");
    gate_pass(gate, 1);
    ctl_until_least(&c, "event_seq", HELD + 5, "session show s");
    daemon_kill(&d); /* wherever it is */
    daemon_start(&d, NULL);
    ctl_until(&c, "waiting", "0", "session show s");
    ctl_expect(&c, "event_seq", "30");
    ctl_expect(&c, "checkpoint_id", "30");
    ctl_expect(&c, "checkpoint", "{\"n\":30}");
    ctl_expect(&c, "dead", "0");
    expect_order(EVENTS);
    expect_sound();
}

static void
a_poison_event_is_dead_and_the_session_goes_on(void **state)
{
    (void)state;
    ctl_must(&c, "session event s go");
    ctl_must(&c, "session event s bad");
    ctl_must(&c, "session send s 'still there?'");
    ctl_until(&c, "event_seq", "3", "session show s");
    ctl_expect(&c, "dead", "1");
    ctl_expect(&c, "checkpoint", "{\"n\":2}"); /* the bad one left nothing */
    ctl_expect(&c, "checkpoint_id", "2");
    ctl_expect(&c, "status", "\"open\"");
    ctl_must(&c, "session events s --dead");
    assert_int_equal(ctl_count(&c, "items"), 1);
    ctl_expect(&c, "items.0.seq", "2");
    ctl_refused(&c, 1, "wrong_state", "given up", "job retry %" PRId64,
                ctl_number(&c, "items.0.job"));
    ctl_must(&c, "session resend s 2");
    ctl_expect(&c, "seq", "4");
    ctl_until(&c, "dead", "2", "session show s");
    ctl_refused(&c, 1, "wrong_state", "given up", "session resend s 1");
    expect_sound();
}

static void
a_held_session_goes_on_when_it_is_resumed(void **state)
{
    (void)state;
    ctl_must(&c, "session event s bad");
    ctl_must(&c, "session event s go");
    ctl_until(&c, "status", "\"held\"", "session show s");
    ctl_expect_text(&c, "reason", "too bad");
    ctl_must(&c, "session why s");
    ctl_expect_text(&c, "change", "agentctl session resume s");
    daemon_kill(&d);
    daemon_start(&d, NULL);
    ctl_must(&c, "session resume s"); /* it is as bad as before */
    ctl_until(&c, "status", "\"held\"", "session show s");
    assert_int_equal(marks_count(&d, "seen"), 2);
    ctl_must(&c, "session resume s --skip");
    ctl_until(&c, "event_seq", "2", "session show s");
    ctl_expect(&c, "checkpoint", "{\"n\":1}");
    ctl_expect(&c, "dead", "1");
    expect_sound();
}

static void
sessions_run_beside_each_other(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    ctl_must(&c, "session event one wait --agent clerk");
    ctl_must(&c, "session event two wait --agent clerk");
    ctl_must(&c, "session event two go");
    (void)marks_wait(&d, "seen", 2, &text); /* both, while none is done */
    ctl_must(&c, "session why two");
    ctl_expect(&c, "state", "\"running\"");
    ctl_expect(&c, "waiting", "2");
    gate_pass(gate, 2);
    ctl_until(&c, "event_seq", "2", "session show two");
    ctl_until(&c, "event_seq", "1", "session show one");
    ctl_must(&c, "session list");
    assert_int_equal(ctl_count(&c, "items"), 2);
    ctl_refused(&c, 1, "conflict", "clerk", "session event one go --agent other");
}

static void
a_closed_session_is_still(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    ctl_must(&c, "session event s wait");
    ctl_must(&c, "job submit count --session s --payload 1");
    ctl_expect(&c, "type", "\"job\"");
    ctl_ends(&c, 2, "job submit count --session s --wait");
    (void)marks_wait(&d, "seen", 1, &text);
    ctl_must(&c, "session close s --reason enough");
    ctl_until(&c, "job", "null", "session show s");
    ctl_expect(&c, "status", "\"closed\"");
    ctl_expect(&c, "waiting", "0");
    ctl_expect(&c, "checkpoint", "null");
    ctl_refused(&c, 1, "wrong_state", "closed", "session send s hello");
    ctl_must(&c, "session open s");
    ctl_must(&c, "session send s hello");
    ctl_until(&c, "checkpoint", "{\"n\":1}", "session show s");
    ctl_expect(&c, "event_seq", "3");
    assert_int_equal(marks_count(&d, "seen"), 2);
    expect_sound();
}

/* The first delta counts, not the message that comes when the gate is opened. */
static void
how_soon_people_get_a_first_reply_is_told(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    ctl_must(&c, "schedule stats");
    ctl_expect(&c, "first_replies", "0");
    ctl_expect(&c, "first_reply_p99_ms", "null");
    ctl_must(&c, "session send s hello --agent talker");
    (void)marks_wait(&d, "seen", 1, &text);
    ctl_must(&c, "job list --session s --state running");
    ctl_expect(&c, "items.0.title", "\"s — event #1 (user_message)\"");
    gate_pass(gate, 1);
    ctl_until(&c, "event_seq", "1", "session show s");
    ctl_until(&c, "first_replies", "1", "schedule stats");
    assert_true(ctl_number(&c, "first_reply_p99_ms") > 0);
    expect_sound();
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, e2e_stop)
    const struct CMUnitTest tests[] = {
        TEST(events_are_processed_in_order_over_kill_9),
        TEST(a_poison_event_is_dead_and_the_session_goes_on),
        cmocka_unit_test_setup_teardown(a_held_session_goes_on_when_it_is_resumed, start_holding,
                                        e2e_stop),
        TEST(sessions_run_beside_each_other),
        TEST(a_closed_session_is_still),
        TEST(how_soon_people_get_a_first_reply_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
