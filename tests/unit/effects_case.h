/* effects_case - a company of agents whose jobs end with effects that act inside. */
#ifndef TESTS_EFFECTS_CASE_H
#define TESTS_EFFECTS_CASE_H

#include "tests/unit/engine_rig.h"

#define WAKE(agent) "{'kind':'wake_agent','agent':'" agent "','payload':{'n':1}}"
#define EVERY(name) "{'kind':'add_schedule','name':'" name "','every_ms':3600000}"

static inline void
declare(struct rig *r)
{
    r->limits.company_max_concurrent = NO_LIMIT;
    rig_configure(
        r,
        &(struct rig_declared){
            .companies = "{'name':'acme'},{'name':'beta'}",
            .agents = "{'name':'anna','company':'acme','handler':'noop'},"
                      "{'name':'bert','company':'acme','handler':'noop'},"
                      "{'name':'self','company':'acme','handler':'noop','allow_self_wake':true},"
                      "{'name':'asks','company':'acme','handler':'noop','approval':'all'},"
                      "{'name':'plans','company':'acme','handler':'noop','approval':'schedules'},"
                      "{'name':'far','company':'beta','handler':'noop'}",
        });
    rig_workers(r, 1, 8);
}

/* The job completes with these effects. */
static inline void
end_with(struct rig *r, uint64_t id, const char *effects)
{
    rig_ended(r, id, "'verdict':'completed','effects':[%s]", effects);
    rig_turn(r);
    expect_state(r, id, "completed");
}

static inline uint64_t
wake(struct rig *r, const char *agent)
{
    return rig_submit(r, "'agent':'acme/%s'", agent);
}

/* The newest effect's text. */
static inline const char *
effect(struct rig *r, const char *field)
{
    rig_must_read(r, "effect.list", "'limit':1000");
    return rig_text(r, rig_path(r, "items", rig_len(r, "items") - 1, field));
}

static inline size_t
jobs(struct rig *r)
{
    rig_must_read(r, "job.list", "'limit':1000");
    return rig_len(r, "items");
}

#endif
