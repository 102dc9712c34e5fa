/* manual_world - firings by hand. */
#ifndef TESTS_MANUAL_WORLD_H
#define TESTS_MANUAL_WORLD_H

#include "tests/unit/schedule_world.h"

static inline uint64_t
run(struct rig *r, const char *name)
{
    rig_must(r, "schedule.run", "'name':'%s'", name);
    assert_false(rig_bool(r, "forced"));
    return (uint64_t)rig_i64(r, "job");
}

static inline uint64_t
force(struct rig *r, const char *name)
{
    rig_must(r, "schedule.run", "'name':'%s','force':true", name);
    assert_true(rig_bool(r, "forced"));
    return (uint64_t)rig_i64(r, "job");
}

static inline void
expect_full(struct rig *r, const char *name, int64_t eta_ms)
{
    rig_refused(r, E_CAPACITY_FULL, "", "schedule.run", "'name':'%s'", name);
    assert_int_equal(r->error.slot_eta_ms, eta_ms);
}

#endif
