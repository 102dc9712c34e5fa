/* The whole way of a routine, with the example agent as it is delivered: a firing makes a ticket
 * and one wake-up, the agent is told for which goals it works, its ticket is done, and what it used
 * and earned is recorded.  A kill -9 on the way changes nothing of that. */
#include "tests/system/e2e.h"
#include <signal.h>

/* Its find is ours: it can be held. */
#define CONFIG                                        \
    "workers: {count: 1, slots: 4}\n"                 \
    "daemon: {stop_grace: 0s}\n"                      \
    "limits: {kill_grace: 200ms}\n"                   \
    "agents: {housekeeper: {handler: housekeeper}}\n" \
    "handlers:\n"                                     \
    "  housekeeper:\n"                                \
    "    kind: exec\n"                                \
    "    command: [%s/etc/agents/housekeeper.sh]\n"   \
    "    env: [DIR]\n"                                \
    "    set_env: {PATH: \"%s:/usr/bin:/bin\", FOLDER: %s, DAYS: 1}\n"

#define FIND                                 \
    "#!/bin/sh\n"                            \
    "echo \"$AGENTD_ATTEMPT\" >>$DIR/mark\n" \
    "read x <$DIR/gate\n"                    \
    "exec /usr/bin/find \"$@\"\n"

static int
start(void **state)
{
    char here[512];

    (void)state;
    e2e_make();
    script_write(&d, "find", FIND);
    assert_non_null(getcwd(here, sizeof(here)));
    FREE_AUTO char *config = xasprintf(CONFIG, here, d.folder, d.folder);
    return e2e_start(config);
}

/* One firing, whose agent is held in the middle of its work; the job. */
static uint64_t
fire_once(void)
{
    BUF_AUTO struct buf text = {0};

    ctl_must(&c, "goal add 'A \"tidy\" machine'");
    ctl_must(&c, "goal add 'No forgotten files' --parent 1");
    ctl_must(&c, "routine add tidy --every 1s --ticket-title 'Old files' --assign housekeeper "
                 "--goal 2 --reward 3");
    (void)marks_wait(&d, "mark", 1, &text);
    ctl_must(&c, "schedule set tidy --max-firings 1");
    ctl_must(&c, "job list");
    assert_int_equal(ctl_count(&c, "items"), 1);
    uint64_t job = (uint64_t)ctl_number(&c, "items.0.id");
    ctl_must(&c, "ticket show 1");
    ctl_expect(&c, "status", "\"in_progress\"");
    ctl_expect(&c, "job", "1");
    return job;
}

/* What its agent used and earned on this day, or on two when one ends meanwhile; field: of tokens,
 * earned, tickets_done. */
static int64_t
booked(const char *field)
{
    int64_t sum = 0;

    ctl_must(&c, "usage --agent housekeeper --since 2026-01-01");
    for (size_t i = ctl_count(&c, "items"); i-- > 0;) {
        char path[64];

        (void)snprintf(path, sizeof(path), "items.%zu.%s", i, field); /* fits */
        sum += ctl_number(&c, path);
    }
    return sum;
}

static void
expect_done(uint64_t job, const char *attempt)
{
    ctl_await(&c, job, "completed");
    ctl_expect(&c, "trigger", "\"ticket_assigned\"");
    ctl_expect(&c, "source", "\"routine_execution\"");
    ctl_expect(&c, "priority", "70");
    ctl_expect(&c, "attempt", attempt);
    ctl_expect(&c, "failures", "0");
    ctl_expect(&c, "output.why", "[\"No forgotten files\",\"A \\\"tidy\\\" machine\"]");
    ctl_expect(&c, "usage.tokens", "1");
    ctl_must(&c, "ticket show 1");
    ctl_expect(&c, "status", "\"done\"");
    ctl_expect(&c, "routine", "\"tidy\"");
    ctl_expect(&c, "usage.tokens", "1");
    ctl_expect(&c, "open_jobs", "0");
    assert_int_equal(booked("tokens.charged"), 1);
    assert_int_equal(booked("earned"), 3);
    assert_int_equal(booked("tickets_done"), 1);
    ctl_must(&c, "ticket list");
    assert_int_equal(ctl_count(&c, "items"), 1);
    ctl_must(&c, "job list");
    assert_int_equal(ctl_count(&c, "items"), 1); /* one wake-up, whatever happened */
    ctl_must(&c, "fsck");
    ctl_expect(&c, "ok", "true");
}

static void
a_firing_becomes_a_ticket_a_wake_up_and_work_that_is_done(void **state)
{
    (void)state;
    uint64_t job = fire_once();
    gate_pass(gate, 1);
    expect_done(job, "1");
}

static void
a_crash_on_the_way_loses_nothing_and_doubles_nothing(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    uint64_t job = fire_once();
    daemon_kill(&d);
    daemon_start(&d, NULL);
    (void)marks_wait(&d, "mark", 2, &text);
    gate_pass(gate, 1);
    expect_done(job, "2");
    daemon_kill(&d);
    daemon_start(&d, NULL);
    expect_done(job, "2");
    assert_int_equal(marks_count(&d, "mark"), 2);
}

/* What comes late of the agent is refused, but its work counts. */
static void
a_routine_is_completed_from_outside_while_its_agent_works(void **state)
{
    (void)state;
    uint64_t job = fire_once();
    ctl_must(&c, "routine complete 1 --payload '{\"by\": \"hand\"}'");
    ctl_expect(&c, "trigger", "\"routine\"");
    ctl_expect(&c, "source", "\"routine_completion\"");
    ctl_expect(&c, "priority", "60");
    uint64_t told = (uint64_t)ctl_number(&c, "id");
    ctl_must(&c, "ticket show 1");
    ctl_expect(&c, "status", "\"done\"");
    gate_pass(gate, 1);
    ctl_await(&c, job, "completed");
    gate_pass(gate, 1);
    ctl_await(&c, told, "completed");
    ctl_must(&c, "effect list --status rejected");
    assert_int_equal(ctl_count(&c, "items"), 2);
    ctl_expect(&c, "items.0.kind", "\"ticket\"");
    ctl_refused(&c, 1, "wrong_state", "done", "routine complete 1");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, e2e_stop)
    const struct CMUnitTest tests[] = {
        TEST(a_firing_becomes_a_ticket_a_wake_up_and_work_that_is_done),
        TEST(a_crash_on_the_way_loses_nothing_and_doubles_nothing),
        TEST(a_routine_is_completed_from_outside_while_its_agent_works),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
