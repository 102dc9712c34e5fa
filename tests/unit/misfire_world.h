/* misfire_world - agentd is down for a while; rows of what it has missed. */
#ifndef TESTS_MISFIRE_WORLD_H
#define TESTS_MISFIRE_WORLD_H

#include "tests/unit/schedule_world.h"

/* agentd is down for so long: it starts at the end. */
static inline void
down_for(struct rig *r, int64_t ms)
{
    rig_crash(r);
    rig_wait(r, ms);
    rig_settle(r);
    rig_workers(r, 1, 16);
}

/* The rows, newest first, say this of their item-th. */
static inline void
expect_row(struct rig *r, size_t item, const char *outcome, int64_t nominal_at, int64_t count,
           const char *reason)
{
    assert_string_equal(rig_text(r, rig_path(r, "items", item, "outcome")), outcome);
    assert_int_equal(rig_i64(r, rig_path(r, "items", item, "nominal_at")), nominal_at);
    assert_int_equal(rig_i64(r, rig_path(r, "items", item, "count")), count);
    assert_string_equal(rig_text(r, rig_path(r, "items", item, "reason")), reason);
}

#endif
