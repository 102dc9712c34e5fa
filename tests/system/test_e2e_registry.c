/* Companies, agents and profiles, from outside: made, changed, paused, removed; what they hold and
 * how agents do. */
#include "tests/system/e2e.h"
#include <signal.h>

#define CONFIG                                                     \
    "workers: {count: 1, slots: 8}\n"                              \
    "daemon: {stop_grace: 0s}\n"                                   \
    "limits: {kill_grace: 200ms, stale_after: 1, dead_after: 4}\n" \
    "companies: {fixed: {}}\n"                                     \
    "agents: {declared: {handler: works}}\n"                       \
    "handlers:\n"                                                  \
    "  works: {kind: exec, command: [./works], env: [DIR]}\n"

#define WORKS                  \
    "#!/bin/sh\n"              \
    "echo begun >>$DIR/mark\n" \
    "read x <$DIR/gate\n"

static int
start(void **state)
{
    (void)state;
    e2e_make();
    script_write(&d, "works", WORKS);
    return e2e_start(CONFIG);
}

static uint64_t
work_for(const char *agent)
{
    return ctl_submit(&c, "--agent %s", agent);
}

static void
add_scout(void)
{
    ctl_must(&c, "company add acme");
    ctl_must(&c, "agent add acme/scout --handler works");
}

/* ---- made and changed ----------------------------------------------------------------------- */

static void
expect_company(void)
{
    ctl_must(&c, "company show acme");
    ctl_expect(&c, "name", "\"acme\"");
    ctl_expect(&c, "origin", "\"api\"");
    ctl_expect(&c, "max_concurrent", "4");
    ctl_expect(&c, "priority_max", "60");
    ctl_must(&c, "agent show acme/scout");
    ctl_expect(&c, "company", "\"acme\"");
    ctl_expect(&c, "profile", "\"fast\"");
    ctl_expect(&c, "capabilities", "5");
    ctl_expect(&c, "data", "{\"prompt\":\"hello\"}");
    ctl_expect(&c, "state", "\"idle\"");
    ctl_expect(&c, "last_result", "null");
    ctl_expect(&c, "current_job", "null");
    ctl_must(&c, "profile show acme/fast");
    ctl_expect(&c, "max_turns", "7");
}

static void
what_is_made_is_shown_and_outlives_a_crash(void **state)
{
    (void)state;
    ctl_must(&c, "company add acme --max-concurrent 3 --priority-max 60");
    ctl_must(&c, "company set acme --max-concurrent 4");
    ctl_must(&c, "profile add acme/fast --handler works --max-turns 7");
    ctl_must(&c, "agent add acme/scout --profile fast --capabilities 1 "
                 "--data '{\"prompt\":\"hello\"}'");
    ctl_must(&c, "agent set acme/scout --capabilities 5"); /* the rest stays as it was */
    expect_company();
    daemon_kill(&d);
    daemon_start(&d, NULL);
    expect_company();
    ctl_must(&c, "company list");
    assert_int_equal(ctl_count(&c, "items"), 3); /* default, fixed, acme */
    ctl_must(&c, "agent list");
    assert_int_equal(ctl_count(&c, "items"), 2);
    ctl_must(&c, "--company acme agent list");
    assert_int_equal(ctl_count(&c, "items"), 1);
    ctl_expect(&c, "items.0.name", "\"scout\"");
    ctl_must(&c, "--company acme profile list");
    assert_int_equal(ctl_count(&c, "items"), 1);
    ctl_await(&c, work_for("acme/scout"), "running"); /* with the profile's handler */
    ctl_expect(&c, "handler", "\"works\"");
    ctl_expect(&c, "max_turns", "7");
    ctl_must(&c, "fsck");
    ctl_expect(&c, "ok", "true");
}

static void
what_cannot_be_is_refused(void **state)
{
    static const struct {
        const char *command, *error, *about;
    } all[] = {
        {"agent add other/x --handler works",               "not_found",          "other"      },
        {"agent add acme/x --handler nobody",               "not_found",          "handler"    },
        {"agent add acme/x --profile nobody",               "not_found",          "profile"    },
        {"agent add acme/scout --handler works",            "conflict",           "scout"      },
        {"company add acme",                                "conflict",           "acme"       },
        {"agent set acme/nobody --capabilities 1",          "not_found",          "nobody"     },
        {"agent set declared --capabilities 1",             "declared_in_config", "config file"},
        {"agent remove declared",                           "declared_in_config", "config file"},
        {"company set fixed --max-concurrent 1",            "declared_in_config", "config file"},
        {"company remove fixed",                            "declared_in_config", "config file"},
        {"company remove default",                          "wrong_state",        "built in"   },
        {"agent pause nobody",                              "not_found",          "nobody"     },
        {"agent resume acme/scout",                         "wrong_state",        "not paused" },
        {"company resume acme",                             "wrong_state",        "not paused" },
        {"job submit --agent nobody",                       "not_found",          "nobody"     },
        {"job submit --agent scout",                        "not_found",          "scout"      },
        {"job submit --agent acme/scout --company default", "not_found",          "agent"      },
        {"agent wake scout",                                "not_found",          "scout"      },
        {"profile remove nobody",                           "not_found",          "nobody"     },
    };

    (void)state;
    add_scout();
    int64_t hash = ctl_state_hash(&c);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        ctl_refused(&c, 1, all[i].error, all[i].about, "%s", all[i].command);
        if (ctl_state_hash(&c) != hash) daemon_fail(&d, "%s has changed something", all[i].command);
    }
}

/* ---- paused --------------------------------------------------------------------------------- */

/* kind and name: what is paused, of which acme/scout is or to which it belongs. */
static void
pause_and_resume(const char *kind, const char *name)
{
    BUF_AUTO struct buf text = {0};

    add_scout();
    uint64_t runs = work_for("acme/scout");
    (void)marks_wait(&d, "mark", 1, &text);
    ctl_must(&c, "%s pause %s --reason 'its prompt is rewritten'", kind, name);
    uint64_t held = work_for("acme/scout");
    gate_pass(gate, 1);
    ctl_await(&c, runs, "completed"); /* what ran was let end */
    ctl_await(&c, held, "parked");
    ctl_expect(&c, "reason", "\"paused\"");
    ctl_must(&c, "job why %" PRIu64, held);
    ctl_expect_text(&c, "text", "its prompt is rewritten");
    daemon_kill(&d);
    daemon_start(&d, NULL);
    ctl_until(&c, "reason", "\"paused\"", "job show %" PRIu64, held); /* first: no worker yet */
    ctl_must(&c, "%s resume %s", kind, name);
    (void)marks_wait(&d, "mark", 2, &text);
    gate_pass(gate, 1);
    ctl_await(&c, held, "completed");
    ctl_must(&c, "audit --action %s.pause", kind);
    assert_int_equal(ctl_count(&c, "items"), 1);
}

static void
a_paused_agent_starts_nothing_and_ends_what_runs(void **state)
{
    (void)state;
    pause_and_resume("agent", "acme/scout");
}

static void
a_paused_company_starts_nothing_and_ends_what_runs(void **state)
{
    (void)state;
    pause_and_resume("company", "acme");
}

/* ---- removed -------------------------------------------------------------------------------- */

static void
what_is_in_use_is_removed_by_cascade_only(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    add_scout();
    uint64_t runs = work_for("acme/scout");
    (void)marks_wait(&d, "mark", 1, &text);
    uint64_t later = ctl_submit(&c, "--agent acme/scout --in 1h");
    ctl_must(&c, "schedule add acme/hourly --every 1h --agent scout");
    int64_t hash = ctl_state_hash(&c);
    ctl_refused(&c, 1, "in_use", "job 1, job 2, schedule acme/hourly", "agent remove acme/scout");
    ctl_refused(&c, 1, "in_use", "job 1, job 2", "company remove acme");
    assert_int_equal(ctl_state_hash(&c), hash);
    ctl_must(&c, "company remove acme --cascade");
    ctl_await(&c, later, "cancelled");
    ctl_await(&c, runs, "cancelled"); /* when its processes are gone */
    ctl_until(&c, "items.0.name", "\"default\"", "company list");
    ctl_must(&c, "company list");
    assert_int_equal(ctl_count(&c, "items"), 2);
    ctl_refused(&c, 1, "not_found", "acme", "agent show acme/scout");
    ctl_must(&c, "schedule list");
    assert_int_equal(ctl_count(&c, "items"), 0);
    add_scout(); /* the same names are other things */
    ctl_must(&c, "agent show acme/scout");
    ctl_expect(&c, "last_result", "null");
    ctl_must(&c, "fsck");
    ctl_expect(&c, "ok", "true");
}

static void
what_is_not_in_use_is_removed_at_once(void **state)
{
    (void)state;
    add_scout();
    ctl_must(&c, "profile add acme/fast --max-turns 3");
    ctl_must(&c, "agent set acme/scout --profile fast");
    ctl_refused(&c, 1, "in_use", "agent acme/scout", "profile remove acme/fast");
    ctl_must(&c, "agent remove acme/scout");
    ctl_must(&c, "profile remove acme/fast");
    ctl_must(&c, "company remove acme");
    ctl_refused(&c, 1, "not_found", "acme", "company show acme");
}

/* ---- liveness ------------------------------------------------------------------------------- */

static void
an_agent_is_idle_alive_stale_dead_and_alive_again(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    add_scout();
    ctl_must(&c, "agent set acme/scout --max-concurrent 0");
    ctl_must(&c, "agent show acme/scout");
    ctl_expect(&c, "state", "\"idle\"");
    ctl_must(&c, "schedule add acme/pulse --every 1s --agent scout --type heartbeat");
    ctl_until(&c, "state", "\"stale\"", "agent show acme/scout");
    ctl_until(&c, "state", "\"dead\"", "agent show acme/scout");
    ctl_must(&c, "agent set acme/scout --max-concurrent 1");
    (void)marks_wait(&d, "mark", 1, &text);
    ctl_must(&c, "agent show acme/scout");
    ctl_expect(&c, "state", "\"alive\"");
    assert_true(ctl_number(&c, "last_seen") > 1600000000000);
    uint64_t job = (uint64_t)ctl_number(&c, "current_job");
    ctl_must(&c, "schedule pause acme/pulse");
    gate_pass(gate, 1);
    ctl_await(&c, job, "completed");
    ctl_until(&c, "last_result.job", ctl_value(&c, "id"), "agent show acme/scout");
    ctl_expect(&c, "last_result.state", "\"completed\"");
}

/* ---- caps ----------------------------------------------------------------------------------- */

static void
expect_running(const char *count)
{
    ctl_until(&c, "running", count, "job stats");
}

/* set: the command that gives a cap. */
static void
change_cap(const char *set)
{
    BUF_AUTO struct buf text = {0};

    ctl_must(&c, "%s 0", set);
    for (int i = 0; i < 4; i++)
        (void)work_for("acme/scout");
    expect_running("0");
    ctl_must(&c, "%s 1", set);
    expect_running("1");
    ctl_must(&c, "%s 2", set);
    expect_running("2");
    ctl_must(&c, "%s 0", set); /* what runs is let end, nothing comes after it */
    (void)marks_wait(&d, "mark", 2, &text);
    gate_pass(gate, 2);
    ctl_until(&c, "completed", "2", "job stats");
    ctl_expect(&c, "running", "0");
    ctl_must(&c, "%s none", set);
    ctl_until_least(&c, "running", 2, "job stats");
    (void)marks_wait(&d, "mark", 4, &text);
    gate_pass(gate, 2);
    ctl_until(&c, "completed", "4", "job stats");
}

static void
a_cap_of_a_company_takes_effect_at_once(void **state)
{
    (void)state;
    add_scout();
    ctl_must(&c, "agent set acme/scout --max-concurrent none");
    change_cap("company set acme --max-concurrent");
}

static void
a_cap_of_an_agent_takes_effect_at_once(void **state)
{
    (void)state;
    add_scout();
    change_cap("agent set acme/scout --max-concurrent");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, e2e_stop)
    const struct CMUnitTest tests[] = {
        TEST(what_is_made_is_shown_and_outlives_a_crash),
        TEST(what_cannot_be_is_refused),
        TEST(a_paused_agent_starts_nothing_and_ends_what_runs),
        TEST(a_paused_company_starts_nothing_and_ends_what_runs),
        TEST(what_is_in_use_is_removed_by_cascade_only),
        TEST(what_is_not_in_use_is_removed_at_once),
        TEST(an_agent_is_idle_alive_stale_dead_and_alive_again),
        TEST(a_cap_of_a_company_takes_effect_at_once),
        TEST(a_cap_of_an_agent_takes_effect_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
