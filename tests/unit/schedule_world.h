/* schedule_world - schedules by name, for the tests of them. */
#ifndef TESTS_SCHEDULE_WORLD_H
#define TESTS_SCHEDULE_WORLD_H

#include "tests/unit/engine_rig.h"

static inline void
add(struct rig *r, const char *name, const char *when)
{
    rig_must(r, "schedule.add", "'name':'%s',%s,'handler':'noop'", name, when);
}

static inline int64_t
schedule_i64(struct rig *r, const char *name, const char *field)
{
    rig_must_read(r, "schedule.show", "'name':'%s'", name);
    return rig_i64(r, field);
}

static inline size_t
firings(struct rig *r, const char *name)
{
    rig_must_read(r, "schedule.firings", "'name':'%s','limit':1000", name);
    return rig_len(r, "items");
}

static inline size_t
outcomes(struct rig *r, const char *name, const char *outcome)
{
    size_t n = firings(r, name), count = 0;

    for (size_t i = 0; i < n; i++) {
        const char *path = rig_path(r, "items", i, "outcome");

        if (strcmp(rig_text(r, path), outcome) == 0) count++;
    }
    return count;
}

static inline void
complete_last(struct rig *r, const char *name)
{
    rig_complete(r, (uint64_t)schedule_i64(r, name, "last_job"));
}

#endif
