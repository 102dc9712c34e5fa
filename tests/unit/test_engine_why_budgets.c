/* `why` of a job that budgets hold: all that hold it are named, each with a limit at which it
 * starts (A10). */
#include "tests/unit/why_world.h"
#include <stdio.h>

static void
a_budget_of_nothing_is_raised_to_something(void **state)
{
    struct rig *r = *state;

    add_anna(r, ",'daily_turns':0");
    uint64_t id = rig_submit(r, "'agent':'acme/anna'");
    rig_must_read(r, "job.why", "'id':%llu", (unsigned long long)id);
    expect_text(r, "change", "raise agent acme/anna's daily_turns from 0 to 1");
    raise_agent_budget(r, 1);
    expect_state(r, id, "running");
}

/* What a start reserves is at most the limit itself: a higher one lets it want more. */
static void
a_budget_is_raised_to_what_a_start_wants_then(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    rig_must(r, "company.add", "'name':'acme','daily_cost_micros':1000");
    (void)rig_submit(r, "'company':'acme','handler':'noop','cost_budget_micros':600");
    uint64_t id = rig_submit(r, "'company':'acme','handler':'noop'");
    rig_must_read(r, "job.why", "'id':%llu", (unsigned long long)id);
    expect_text(r, "change", "raise company acme's daily_cost_micros from 1000 to 100600");
    raise_company_budget(r, 100599);
    expect_state(r, id, "parked");
    raise_company_budget(r, 100600);
    expect_state(r, id, "running");
}

/* Applies "raise company acme's daily_turns from 1 to 2" and the like. */
static void
apply_raise(struct rig *r, const char *change)
{
    char      kind[16], name[64], limit[64];
    long long to = 0;

    if (sscanf(change, "raise %15s %63s daily_%63s from %*d to %lld", kind, name, limit, &to) != 4)
        fail_msg("no raise: %s", change);
    if (strcmp(kind, "company") == 0) {
        rig_must(r, "company.set", "'name':'acme','daily_%s':%lld", limit, to);
    } else {
        rig_must(r, "agent.set", "'name':'anna','company':'acme','daily_%s':%lld", limit, to);
    }
}

/* Every blocker's change is applied, the last one first: until then it waits. */
static void
all_changes_start_it(struct rig *r, uint64_t id, size_t count)
{
    char changes[8][192];

    rig_must_read(r, "job.why", "'id':%llu", (unsigned long long)id);
    if (rig_len(r, "blockers") != count) fail_msg("not %zu blockers: %s", count, rig_json(r));
    for (size_t i = 0; i < count; i++) {
        const char *change = rig_text(r, rig_path(r, "blockers", i, "change"));

        (void)snprintf(changes[i], sizeof(changes[i]), "%s", change);
    }
    for (size_t i = count; i-- > 0;) {
        expect_state(r, id, "parked");
        apply_raise(r, changes[i]);
    }
    if (strcmp(rig_job_text(r, id, "state"), "running") != 0) {
        rig_must_read(r, "job.why", "'id':%llu", (unsigned long long)id);
        fail_msg("the changes did not start it: %s", rig_json(r));
    }
}

static void
all_dimensions_of_a_budget_are_named(void **state)
{
    struct rig *r = *state;

    add_anna(r, ",'max_concurrent':2,'daily_turns':12,'daily_tokens':1000,'daily_run_ms':700000,"
                "'daily_cost_micros':5000");
    (void)rig_submit(r, "'agent':'acme/anna','max_turns':10,'token_budget':900,"
                        "'max_run_ms':400000,'cost_budget_micros':100");
    uint64_t id = rig_submit(r, "'agent':'acme/anna','max_turns':5,'token_budget':300,"
                                "'max_run_ms':400000,'cost_budget_micros':100");
    all_changes_start_it(r, id, 3);
}

/* Each scope's limit kept the other's reservation small. */
static void
budgets_of_two_scopes_are_raised_together(void **state)
{
    struct rig *r = *state;

    add_anna(r, ",'max_concurrent':4,'daily_turns':8");
    rig_must(r, "company.set", "'name':'acme','daily_turns':10");
    (void)rig_submit(r, "'agent':'acme/anna','max_turns':5");
    uint64_t id = rig_submit(r, "'agent':'acme/anna','max_turns':20");
    all_changes_start_it(r, id, 2);
}

static void
a_budget_that_would_hold_it_next_is_named_at_once(void **state)
{
    struct rig *r = *state;

    add_anna(r, ",'max_concurrent':4,'daily_turns':8");
    rig_must(r, "company.set", "'name':'acme','daily_turns':100");
    (void)rig_submit(r, "'company':'acme','handler':'noop','max_turns':85");
    (void)rig_submit(r, "'agent':'acme/anna','max_turns':5");
    uint64_t id = rig_submit(r, "'agent':'acme/anna','max_turns':20");
    all_changes_start_it(r, id, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_budget_of_nothing_is_raised_to_something, rig_begin,
                                        rig_end),
        cmocka_unit_test_setup_teardown(a_budget_is_raised_to_what_a_start_wants_then, rig_begin,
                                        rig_end),
        cmocka_unit_test_setup_teardown(all_dimensions_of_a_budget_are_named, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(budgets_of_two_scopes_are_raised_together, rig_begin,
                                        rig_end),
        cmocka_unit_test_setup_teardown(a_budget_that_would_hold_it_next_is_named_at_once,
                                        rig_begin, rig_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
