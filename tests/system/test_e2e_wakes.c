/* The wake API from outside (B5): each kind of wake-up is one call, with its trigger and its place
 * in the queue; who cannot be woken is not, and nothing changes. */
#include "tests/system/e2e.h"

#define CONFIG                                        \
    "workers: {count: 1, slots: 4}\n"                 \
    "daemon: {stop_grace: 0s}\n"                      \
    "companies: {acme: {}, small: {queue_max: 1}}\n"  \
    "agents:\n"                                       \
    "  - {name: clerk, handler: noop}\n"              \
    "  - {name: other, handler: noop}\n"              \
    "  - {name: far, company: acme, handler: noop}\n" \
    "  - {name: one, company: small, handler: noop}\n"

static int
start(void **state)
{
    (void)state;
    e2e_make();
    return e2e_start(CONFIG);
}

/* The job runs to its end as this wake-up of the agent. */
static void
expect_wake_up(uint64_t job, const char *agent, const char *trigger, const char *priority,
               const char *source)
{
    ctl_await(&c, job, "completed");
    ctl_expect(&c, "agent", agent);
    ctl_expect(&c, "trigger", trigger);
    ctl_expect(&c, "priority", priority);
    ctl_expect(&c, "source", source);
}

static void
by_hand(void **state)
{
    (void)state;
    ctl_must(&c, "agent wake clerk --payload '{\"n\": 1}' --title Hello");
    expect_wake_up(ctl_number(&c, "id"), "\"clerk\"", "\"manual\"", "80", "null");
    ctl_expect(&c, "payload", "{\"n\":1}");
    ctl_expect(&c, "title", "\"Hello\"");
    ctl_must(&c, "agent wake acme/far --priority 3");
    expect_wake_up(ctl_number(&c, "id"), "\"far\"", "\"manual\"", "3", "null");
    ctl_expect(&c, "company", "\"acme\"");
    ctl_must(&c, "agent wake clerk --in 1h --unique k");
    ctl_expect(&c, "state", "\"scheduled\"");
    ctl_must(&c, "agent wake clerk --unique k");
    ctl_expect(&c, "conflict", "true");
    ctl_must(&c, "agent show clerk");
    ctl_expect(&c, "open_jobs", "1");
}

static void
for_a_ticket(void **state)
{
    (void)state;
    ctl_must(&c, "ticket add Answer");
    ctl_must(&c, "ticket assign 1 clerk --payload '\"now\"'");
    expect_wake_up(ctl_number(&c, "job"), "\"clerk\"", "\"ticket_assigned\"", "70", "\"ticket\"");
    ctl_expect(&c, "ticket", "1");
    ctl_expect(&c, "payload", "\"now\"");
    ctl_must(&c, "ticket add More --assign other");
    expect_wake_up(ctl_number(&c, "job"), "\"other\"", "\"ticket_assigned\"", "70", "\"ticket\"");
}

static void
for_a_goal(void **state)
{
    (void)state;
    ctl_must(&c, "goal add Whole --agent clerk");
    ctl_must(&c, "goal decompose 1 --into [{\"title\":\"Part\",\"agent\":\"other\"}]");
    expect_wake_up(ctl_number(&c, "parts.0.job"), "\"other\"", "\"goal_decomposed\"", "75",
                   "\"goal\"");
    ctl_expect(&c, "goal", "2");
    ctl_must(&c, "agent wake clerk --goal 2");
    expect_wake_up(ctl_number(&c, "id"), "\"clerk\"", "\"manual\"", "80", "null");
    ctl_expect(&c, "goal", "2");
}

static void
for_a_routine_that_is_complete(void **state)
{
    (void)state;
    ctl_must(&c, "routine add inbox --every 1s --ticket-title Inbox --assign clerk");
    ctl_until_least(&c, "firing_count", 1, "schedule show inbox");
    ctl_must(&c, "schedule pause inbox");
    expect_wake_up(1, "\"clerk\"", "\"ticket_assigned\"", "70", "\"routine_execution\"");
    ctl_must(&c, "routine complete 1 --payload 5");
    expect_wake_up(ctl_number(&c, "id"), "\"clerk\"", "\"routine\"", "60",
                   "\"routine_completion\"");
    ctl_expect(&c, "payload", "5");
    ctl_must(&c, "ticket show 1");
    ctl_expect(&c, "status", "\"done\"");
    ctl_refused(&c, 1, "wrong_state", "done", "routine complete 1");
}

static void
again_and_again_through_kill_9(void **state)
{
    (void)state;
    ctl_must(&c, "agent wake clerk --every 1s --payload '{\"n\": 2}'");
    ctl_expect(&c, "name", "\"wake-clerk\"");
    ctl_until_least(&c, "firing_count", 1, "schedule show wake-clerk");
    expect_wake_up(1, "\"clerk\"", "\"schedule\"", "50", "\"schedule\"");
    ctl_expect(&c, "payload", "{\"n\":2}");
    ctl_refused(&c, 1, "conflict", "wake-clerk", "agent wake clerk --every 1h");
    ctl_must(&c, "agent wake clerk --every 1h --schedule hourly");
    daemon_kill(&d);
    daemon_start(&d, NULL);
    ctl_must(&c, "schedule show wake-clerk");
    ctl_until_least(&c, "firing_count", ctl_number(&c, "firing_count") + 1,
                    "schedule show wake-clerk");
    ctl_must(&c, "schedule pause wake-clerk");
    ctl_must(&c, "fsck");
}

static void
who_cannot_be_woken_is_not(void **state)
{
    static const struct {
        const char *command, *error, *about;
    } refused[] = {
        {"agent wake nobody",                                                  "not_found",   "nobody"         },
        {"agent wake acme/clerk",                                              "not_found",   "clerk"          },
        {"agent wake nowhere/clerk",                                           "not_found",   "nowhere"        },
        {"agent wake nobody --every 1h",                                       "not_found",   "nobody"         },
        {"agent wake acme/clerk --every 1h",                                   "not_found",   "clerk"          },
        {"agent wake acme/far --goal 1",                                       "not_found",   "goal 1"         },
        {"agent wake acme/far --ticket 1",                                     "not_found",   "ticket 1"       },
        {"agent wake clerk --every 1h --goal 1",                               "bad_request", "single wake-up" },
        {"agent wake clerk --schedule n",                                      "bad_request", "schedule"       },
        {"ticket assign 1 nobody",                                             "not_found",   "nobody"         },
        {"ticket assign 1 acme/far",                                           "not_found",   "another company"},
        {"ticket add More --assign nobody",                                    "not_found",   "nobody"         },
        {"goal decompose 1 --into [{\"title\":\"P\",\"agent\":\"nobody\"}]",   "not_found",   "nobody"         },
        {"goal decompose 1 --into [{\"title\":\"P\",\"agent\":\"acme/far\"}]", "not_found",
         "another company"                                                                                     },
        {"routine add n --every 1h --ticket-title T --assign nobody",          "not_found",   "nobody"         },
        {"routine add n --every 1h --ticket-title T --assign acme/far",        "not_found",
         "another company"                                                                                     },
        {"routine add n --every 1h --ticket-title T --assign clerk --goal 9",  "not_found",
         "goal 9"                                                                                              },
        {"routine complete 1",                                                 "wrong_state", "routine"        },
        {"routine complete 9",                                                 "not_found",   "ticket 9"       },
    };

    (void)state;
    ctl_must(&c, "goal add Whole");
    ctl_must(&c, "ticket add Answer");
    int64_t before = ctl_state_hash(&c);
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        ctl_refused(&c, 1, refused[i].error, refused[i].about, "%s", refused[i].command);
        assert_int_equal(ctl_state_hash(&c), before);
    }
}

static void
a_full_queue_takes_no_wake_up(void **state)
{
    (void)state;
    ctl_must(&c, "agent pause small/one");
    ctl_must(&c, "ticket add T --company small");
    ctl_must(&c, "agent wake small/one");
    int64_t before = ctl_state_hash(&c);
    ctl_refused(&c, 1, "queue_full", "small", "agent wake small/one");
    ctl_refused(&c, 1, "queue_full", "small", "ticket assign 1 small/one");
    ctl_refused(&c, 1, "queue_full", "small", "job submit --agent small/one");
    assert_int_equal(ctl_state_hash(&c), before);
    ctl_must(&c, "agent resume small/one");
    ctl_await(&c, 1, "completed");
    ctl_must(&c, "ticket assign 1 small/one");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, e2e_stop)
    const struct CMUnitTest tests[] = {
        TEST(by_hand),
        TEST(for_a_ticket),
        TEST(for_a_goal),
        TEST(for_a_routine_that_is_complete),
        TEST(again_and_again_through_kill_9),
        TEST(who_cannot_be_woken_is_not),
        TEST(a_full_queue_takes_no_wake_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
