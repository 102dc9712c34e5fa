/* attempt_world - a job that runs, for the tests of attempts. */
#ifndef TESTS_ATTEMPT_WORLD_H
#define TESTS_ATTEMPT_WORLD_H

#include "tests/unit/engine_rig.h"

static inline uint64_t
start_one(struct rig *r)
{
    rig_workers(r, 1, 4);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    expect_state(r, id, "running");
    return id;
}

static inline void
run_until_started(struct rig *r, uint64_t id)
{
    int64_t wait = rig_job_i64(r, id, "run_at") - r->header.now.wall_ms;

    if (wait > 0) rig_advance(r, wait);
    rig_settle(r);
    expect_state(r, id, "running");
}

#endif
