/* why_world - what holds a job, and what is changed about it. */
#ifndef TESTS_WHY_WORLD_H
#define TESTS_WHY_WORLD_H

#include "tests/unit/engine_rig.h"

static inline void
add_anna(struct rig *r, const char *more)
{
    rig_workers(r, 1, 4);
    rig_must(r, "company.add", "'name':'acme'");
    rig_must(r, "agent.add", "'name':'anna','company':'acme','handler':'noop'%s", more);
}

static inline void
raise_company_budget(struct rig *r, int64_t n)
{
    rig_must(r, "company.set", "'name':'acme','daily_cost_micros':%lld", (long long)n);
}

static inline void
raise_agent_budget(struct rig *r, int64_t n)
{
    rig_must(r, "agent.set", "'name':'anna','company':'acme','daily_turns':%d", (int)n);
}

static inline void
expect_text(struct rig *r, const char *path, const char *want)
{
    const char *got = rig_text(r, path);

    if (strcmp(got, want) != 0) fail_msg("%s is '%s', not '%s': %s", path, got, want, rig_json(r));
}

#endif
