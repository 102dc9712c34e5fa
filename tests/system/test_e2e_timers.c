/* Timers from outside: an agent comes back by itself, over kill -9 before and after its timer is
 * due, once for each time it asked to (D3). */
#include "tests/system/e2e.h"

#include "common/clock.h"

#define ROUNDS 12

#define CONFIG                                              \
    "workers: {count: 1, slots: 4}\n"                       \
    "daemon: {stop_grace: 0s}\n"                            \
    "limits: {kill_grace: 200ms}\n"                         \
    "handlers:\n"                                           \
    "  back: {kind: exec, command: [./back], env: [DIR]}\n" \
    "agents: [{name: clerk, handler: back, max_concurrent: 4}]\n"

/* A person says in how many ms it is to come back; it does so ROUNDS times, and counts.  A timer
 * whose id is "held" waits at the gate. */
#define BACK                                                                                   \
    "#!/bin/sh\n"                                                                              \
    "document=$(cat)\n"                                                                        \
    "of() { printf '%s\\n' \"$document\" | sed -n \"s/.*$1.*/\\1/p\"; }\n"                     \
    "seq=$(of '\"event\":{\"seq\":\\([0-9]*\\),')\n"                                           \
    "id=$(of '\"timer_id\":\"\\([a-z]*\\)\"')\n"                                               \
    "n=$(of '\"n\":\\([0-9]*\\),\"ms\":[0-9]*}')\n"                                            \
    "ms=$(of '\"n\":[0-9]*,\"ms\":\\([0-9]*\\)}')\n"                                           \
    "echo $seq ${id:-none} >>$DIR/seen\n"                                                      \
    "[ \"$id\" = held ] && read x <$DIR/gate\n"                                                \
    "[ \"$id\" ] || ms=$(of '\"content\":\"\\([0-9]*\\)\"')\n"                                 \
    "echo '{\"type\":\"checkpoint\",\"data\":{\"n\":'$((${n:-0} + 1))',\"ms\":'${ms:-0}'}}'\n" \
    "[ ${n:-0} -lt 12 ] && [ ${ms:-0} -gt 0 ] &&\n"                                            \
    "echo '{\"type\":\"effect\",\"kind\":\"schedule_timer\",\"timer_id\":\"again\",'"          \
    "'\"in_ms\":'$ms',\"payload\":{\"for\":'${n:-0}'}}'\n"                                     \
    "exit 0\n"

static int
start(void **state)
{
    (void)state;
    e2e_make();
    script_write(&d, "back", BACK);
    return e2e_start(CONFIG);
}

static void
kill_and_start(void)
{
    daemon_kill(&d);
    daemon_start(&d, NULL);
}

static void
expect_sound(void)
{
    ctl_must(&c, "fsck");
    ctl_expect(&c, "ok", "true");
}

static void
an_agent_comes_back_by_itself_over_kill_9(void **state)
{
    (void)state;
    ctl_must(&c, "session send s 100 --agent clerk");
    for (int seq = 2; seq <= ROUNDS; seq += 3) {
        ctl_until_least(&c, "event_seq", seq, "session show s");
        kill_and_start(); /* wherever it is: before it is due, or after */
    }
    ctl_until_least(&c, "event_seq", ROUNDS + 1, "session show s");
    ctl_expect(&c, "appended", "13"); /* the message, and once for each time it asked to */
    ctl_expect(&c, "timers", "0");
    ctl_expect(&c, "dead", "0");
    ctl_expect(&c, "checkpoint.n", "13");
    ctl_must(&c, "timer list s");
    assert_int_equal(ctl_count(&c, "items"), 1);
    ctl_expect(&c, "items.0.status", "\"promoted\"");
    ctl_expect(&c, "items.0.actor", "\"agent:clerk\"");
    expect_sound();
}

static bool
is_past(void *arg)
{
    return clock_now().wall_ms >= *(const int64_t *)arg;
}

static void
a_timer_that_falls_due_while_agentd_is_away_fires_when_it_is_back(void **state)
{
    int64_t due_at;

    (void)state;
    ctl_must(&c, "timer set s away --in 2s --agent clerk --payload '{\"a\":[1]}'");
    ctl_expect(&c, "status", "\"pending\"");
    due_at = ctl_number(&c, "fire_at");
    kill_and_start();
    ctl_must(&c, "timer why s away");
    ctl_expect(&c, "blockers.0.predicate", "\"due_later\"");
    assert_int_equal(ctl_number(&c, "earliest_at"), due_at);
    daemon_kill(&d);
    daemon_wait_until(&d, "the timer's time", is_past, &due_at);
    daemon_start(&d, NULL);
    ctl_until(&c, "event_seq", "1", "session show s");
    ctl_must(&c, "session events s");
    assert_int_equal(ctl_count(&c, "items"), 1);
    ctl_expect(&c, "items.0.payload", "{\"payload\":{\"a\":[1]},\"timer_id\":\"away\"}");
    ctl_must(&c, "timer why s away");
    ctl_expect_text(&c, "text", "event #1, processed");
    expect_sound();
}

static void
a_timer_whose_event_is_being_processed_fires_no_second_time(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    ctl_must(&c, "timer set s held --in 0s --agent clerk");
    ctl_must(&c, "timer set s later --in 1h");
    (void)marks_wait(&d, "seen", 1, &text);
    ctl_must(&c, "timer cancel s held"); /* too late: somebody is at it */
    ctl_expect(&c, "cancelled", "0");
    kill_and_start();
    (void)marks_wait(&d, "seen", 2, &text); /* by another attempt of the same job */
    gate_pass(gate, 1);
    ctl_until(&c, "event_seq", "1", "session show s");
    ctl_expect(&c, "appended", "1");
    ctl_expect(&c, "timers", "1");
    ctl_must(&c, "timer cancel s");
    ctl_expect(&c, "cancelled", "1");
    ctl_must(&c, "timer list s --status cancelled");
    ctl_expect(&c, "items.0.timer_id", "\"later\"");
    ctl_refused(&c, 1, "not_found", "none", "timer cancel s none");
    ctl_ends(&c, 1, "timer set s x");
    expect_sound();
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, e2e_stop)
    const struct CMUnitTest tests[] = {
        TEST(an_agent_comes_back_by_itself_over_kill_9),
        TEST(a_timer_that_falls_due_while_agentd_is_away_fires_when_it_is_back),
        TEST(a_timer_whose_event_is_being_processed_fires_no_second_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
