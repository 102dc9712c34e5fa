/* Budgets from outside: a handler that goes beyond is stopped, a day's limit holds, and the ledger
 * is the sum of what was reported, also after a kill -9 (B6, N25). */
#include "common/clock.h"
#include "tests/system/e2e.h"

#define CONFIG_OF(daily_tokens)                                             \
    "workers: {count: 1, slots: 4}\n"                                       \
    "daemon: {stop_grace: 0s}\n"                                            \
    "limits: {kill_grace: 0s}\n"                                            \
    "companies: {acme: {daily_tokens: " daily_tokens "}}\n"                 \
    "agents:\n"                                                             \
    "  - {name: anna, company: acme, handler: spends, max_concurrent: 4}\n" \
    "handlers:\n"                                                           \
    "  spends: {kind: exec, command: [./spends], token_budget: 300}\n"      \
    "  forever: {kind: exec, command: [./forever], token_budget: 300}\n"    \
    "  once: {kind: exec, command: [./once], token_budget: 300, retry: [0s], max_attempts: 3}\n"

#define CONFIG CONFIG_OF("1000")

/* Uses 60 tokens, and is done. */
#define SPENDS                                                                                 \
    "#!/bin/sh\n"                                                                              \
    "echo '{\"type\":\"turn\"}'\n"                                                             \
    "echo '{\"type\":\"usage\",\"input_tokens\":40,\"output_tokens\":20,\"cost_micros\":7}'\n" \
    "echo '{\"type\":\"result\",\"output\":1}'\n"

/* Uses 400 tokens, and goes on until somebody stops it. */
#define FOREVER                                           \
    "#!/bin/sh\n"                                         \
    "echo '{\"type\":\"usage\",\"output_tokens\":400}'\n" \
    "exec sleep 1000\n"

/* Uses 100 tokens, then waits; the second time it is done at once. */
#define ONCE                                              \
    "#!/bin/sh\n"                                         \
    "echo '{\"type\":\"usage\",\"output_tokens\":100}'\n" \
    "if [ ! -e again ]; then : >again; sleep 1000; fi\n"  \
    "echo '{\"type\":\"result\",\"output\":2}'\n"

/* Both have the same offset all year, and one of them is far from its midnight. */
#define NOON_AT_NOON     "UTC"
#define NOON_AT_MIDNIGHT "Etc/GMT+12"

/* No day ends while a test runs. */
static void
write_config(const char *text)
{
    int64_t     hour = clock_now().wall_ms / 3600000 % 24;
    const char *zone = hour >= 6 && hour < 18 ? NOON_AT_NOON : NOON_AT_MIDNIGHT;
    char        all[2048];

    (void)snprintf(all, sizeof(all), "budgets: {zone: %s}\n%s", zone, text);
    daemon_write_config(&d, all);
}

static int
start(void **state)
{
    (void)state;
    e2e_make();
    script_write(&d, "spends", SPENDS);
    script_write(&d, "forever", FOREVER);
    script_write(&d, "once", ONCE);
    write_config(CONFIG);
    return e2e_start(NULL);
}

static uint64_t
submit(const char *handler)
{
    return ctl_submit(&c, "%s --company acme --agent anna", handler);
}

/* A number of the company's current day. */
static int64_t
company(const char *path)
{
    char full[96];

    ctl_must(&c, "usage --company acme");
    ctl_expect(&c, "items.0.scope", "\"company\"");
    (void)snprintf(full, sizeof(full), "items.0.%s", path);
    return ctl_number(&c, full);
}

static void
a_handler_that_uses_more_than_its_budget_is_stopped_while_it_runs(void **state)
{
    uint64_t id = submit("forever");

    (void)state;
    ctl_await(&c, id, "failed");
    ctl_expect(&c, "failure.class", "\"budget_exceeded\"");
    ctl_expect(&c, "attempt", "1");
    ctl_must(&c, "job show %llu", (unsigned long long)id);
    ctl_expect(&c, "usage.output_tokens", "400");
    assert_int_equal(company("tokens.charged"), 300);
    assert_int_equal(company("tokens.overshoot"), 100);
    assert_int_equal(company("tokens.reserved"), 0);
    ctl_refused(&c, 1, "wrong_state", "300 tokens", "job retry %llu", (unsigned long long)id);
    ctl_must(&c, "fsck");
    ctl_expect(&c, "overshoot.0.scope", "\"company\"");
    ctl_expect(&c, "overshoot.0.days", "1");
    ctl_expect(&c, "overshoot.0.tokens", "100");
}

static void
a_day_that_is_used_up_holds_the_next_job_and_says_so(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        ctl_await(&c, submit("spends"), "completed"); /* 240 of 1000 */
    ctl_await(&c, submit("forever"), "failed");       /* 300, and beyond */
    ctl_await(&c, submit("forever"), "failed");
    uint64_t held = submit("spends");

    ctl_await(&c, held, "parked");
    ctl_expect(&c, "reason", "\"budget\"");
    ctl_must(&c, "job why %llu", (unsigned long long)held);
    ctl_expect(&c, "blockers.0.predicate", "\"budget\"");
    ctl_expect_text(&c, "text", "company acme's budget of the day");
    assert_true(ctl_number(&c, "earliest_at") > 0);
    ctl_expect_text(&c, "change", "raise company acme's daily_tokens from 1000 to 1340");
    assert_int_equal(company("tokens.charged"), 840);
    assert_int_equal(company("tokens.overshoot"), 200);
    daemon_kill(&d);
    daemon_start(&d, NULL);
    ctl_await(&c, held, "parked");
    assert_int_equal(company("tokens.charged"), 840);
    assert_int_equal(company("tokens.overshoot"), 200);
    ctl_must(&c, "fsck");
    write_config(CONFIG_OF("1340")); /* as it advised */
    ctl_must(&c, "reload");
    ctl_await(&c, held, "completed");
}

/* The ledger's charge and overshoot are the sums of what the jobs say that they used. */
static void
expect_ledger_is_sum_of_jobs(void)
{
    int64_t tokens = 0, turns = 0, cost = 0;
    size_t  count;

    ctl_must(&c, "job list --company acme --limit 1000");
    count = ctl_count(&c, "items");
    for (size_t i = 0; i < count; i++) {
        char id[48];

        (void)snprintf(id, sizeof(id), "items.%zu.id", i);
        ctl_must(&c, "job list --company acme --limit 1000");
        ctl_must(&c, "job show %lld", (long long)ctl_number(&c, id));
        tokens += ctl_number(&c, "usage.input_tokens") + ctl_number(&c, "usage.output_tokens");
        turns += ctl_number(&c, "usage.turns");
        cost += ctl_number(&c, "usage.cost_micros");
    }
    assert_int_equal(company("tokens.charged") + company("tokens.overshoot"), tokens);
    assert_int_equal(company("turns.charged"), turns);
    assert_int_equal(company("cost_micros.charged"), cost);
    assert_true(tokens > 0);
}

static void
the_ledger_survives_kill_9(void **state)
{
    uint64_t id = submit("once");

    (void)state;
    ctl_await(&c, submit("spends"), "completed");
    ctl_until_least(&c, "items.0.tokens.charged", 160, "usage --company acme");
    assert_int_equal(company("tokens.reserved"), 200);
    daemon_kill(&d);
    daemon_start(&d, NULL);
    ctl_await(&c, id, "completed");
    ctl_expect(&c, "crashes", "0");
    ctl_expect(&c, "attempt", "2");
    assert_int_equal(company("tokens.charged"), 260); /* what the first attempt had reported, too */
    assert_int_equal(company("tokens.reserved"), 0);
    assert_int_equal(company("attempts"), 3);
    expect_ledger_is_sum_of_jobs();
    ctl_must(&c, "fsck");
}

static void
usage_is_shown_by_scope_and_day(void **state)
{
    struct ctl_process p;
    const char        *line;

    (void)state;
    ctl_await(&c, submit("spends"), "completed");
    ctl_must(&c, "usage --agent acme/anna");
    assert_int_equal(ctl_count(&c, "items"), 1);
    ctl_expect(&c, "items.0.scope", "\"agent\"");
    ctl_expect(&c, "items.0.tokens.charged", "60");
    ctl_expect(&c, "items.0.tokens.limit", "null");
    ctl_expect(&c, "items.0.turns.charged", "1");
    ctl_expect(&c, "next", "null");
    ctl_must(&c, "usage --company acme --since 2026-01-01");
    assert_int_equal(ctl_count(&c, "items"), 2);
    ctl_must(&c, "usage --since 2099-01-01");
    assert_int_equal(ctl_count(&c, "items"), 0);
    ctl_refused(&c, 1, "bad_request", "is not a date", "usage --since yesterday");
    ctl_refused(&c, 1, "not_found", "nobody", "usage --agent acme/nobody");

    ctl_start(&p, &d, "usage --company acme"); /* the table */
    line = ctl_line(&p);
    assert_non_null(line);
    assert_non_null(strstr(line, "SCOPE"));
    assert_non_null(strstr(line, "RESERVED"));
    line = ctl_line_with(&p, "tokens");
    assert_non_null(strstr(line, "1000"));
    assert_int_equal(ctl_end(&p, 0, NULL), 0);
}

static void
budgets_that_cannot_be_are_refused(void **state)
{
    (void)state;
    ctl_await(&c, submit("spends"), "completed"); /* the worker is up, too: nothing else moves */
    int64_t before = ctl_state_hash(&c);

    ctl_refused(&c, 2, "usage", "--daily-tokens", "company add beta --daily-tokens -5");
    ctl_refused(&c, 1, "bad_request", "budget_zone", "company add beta --budget-zone Mars/Base");
    ctl_refused(&c, 2, "usage", "--daily-cost-micros",
                "agent add b --company acme --daily-cost-micros -1");
    ctl_refused(&c, 1, "bad_request", "budget_zone",
                "agent add b --company acme --budget-zone Mars/Base");
    ctl_refused(&c, 1, "bad_request", "budget_zone",
                "schedule add s --company acme --agent anna --every 1h --budget-zone Mars/Base");
    ctl_refused(&c, 2, "usage", "--token-budget", "job submit spends --token-budget -1");
    assert_int_equal(ctl_state_hash(&c), before);
    ctl_must(&c, "company add beta --daily-tokens 5 --budget-zone Pacific/Auckland");
    ctl_must(&c, "usage --company beta");
    ctl_expect(&c, "items.0.zone", "\"Pacific/Auckland\"");
    ctl_expect(&c, "items.0.tokens.limit", "5");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, e2e_stop)
    const struct CMUnitTest tests[] = {
        TEST(a_handler_that_uses_more_than_its_budget_is_stopped_while_it_runs),
        TEST(a_day_that_is_used_up_holds_the_next_job_and_says_so),
        TEST(the_ledger_survives_kill_9),
        TEST(usage_is_shown_by_scope_and_day),
        TEST(budgets_that_cannot_be_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
