/* budget_world - a company, an agent and a schedule with daily limits, for the tests of budgets. */
#ifndef TESTS_BUDGET_WORLD_H
#define TESTS_BUDGET_WORLD_H

#include "tests/unit/engine_rig.h"
#include <inttypes.h>

struct world {
    const char *company, *agent, *handler, *schedule; /* further fields: ",'daily_tokens':100" */
};

static const struct world no_limits;

/* Company acme, its agent anna with handler h, its schedule s (once an hour) for her. */
static inline void
configure(struct rig *r, const struct world *w)
{
    char                companies[256], agents[256], handlers[256], schedules[320];
    struct rig_declared d = {.companies = companies,
                             .agents = agents,
                             .handlers = handlers,
                             .schedules = w->schedule ? schedules : NULL};

    (void)snprintf(companies, sizeof(companies), "{'name':'acme'%s}", w->company ? w->company : "");
    (void)snprintf(agents, sizeof(agents),
                   "{'name':'anna','company':'acme','handler':'h','max_concurrent':null%s},"
                   "{'name':'bert','company':'acme','handler':'h'}",
                   w->agent ? w->agent : "");
    (void)snprintf(handlers, sizeof(handlers),
                   "{'name':'h','kind':'exec','command':['x']%s},"
                   "{'name':'g','kind':'exec','command':['x']}",
                   w->handler ? w->handler : "");
    (void)snprintf(schedules, sizeof(schedules),
                   "{'name':'s','company':'acme','agent':'anna','every_ms':3600000%s}",
                   w->schedule ? w->schedule : "");
    rig_configure(r, &d);
}

static inline void
begin(struct rig *r, const struct world *w)
{
    r->limits.company_max_concurrent = NO_LIMIT;
    r->limits.feed_age_max_ms = 30 * DAY_MS;
    configure(r, w);
    rig_workers(r, 1, 8);
}

static inline uint64_t
submit(struct rig *r, const char *more)
{
    return rig_submit(r, "'company':'acme','agent':'anna'%s", more);
}

/* A number of the scope's only day that `usage` tells of. */
static inline int64_t
used(struct rig *r, const char *scope, const char *path)
{
    rig_must_read(r, "usage", "'company':'acme'");
    for (size_t i = 0; i < rig_len(r, "items"); i++) {
        if (strcmp(rig_text(r, rig_path(r, "items", i, "scope")), scope) == 0)
            return rig_i64(r, rig_path(r, "items", i, path));
    }
    fail_msg("usage has no item of the %s: %s", scope, rig_json(r));
    return 0;
}

#define expect_used(r, scope, path, n) assert_int_equal(used(r, scope, path), n)

static inline void
expect_held(struct rig *r, uint64_t id)
{
    expect_state(r, id, "parked");
    assert_string_equal(rig_text(r, "reason"), "budget");
}

/* What dimension d is called in limits, in reports and in usage. */
static const struct {
    const char *daily, *progress, *usage;
} dimensions[] = {
    {"daily_turns",       "turns",         "turns"      },
    {"daily_tokens",      "output_tokens", "tokens"     },
    {"daily_cost_micros", "cost_micros",   "cost_micros"},
};

#endif
