/* outcome_world - firings of a schedule that end in one way or another. */
#ifndef TESTS_OUTCOME_WORLD_H
#define TESTS_OUTCOME_WORLD_H

#include "tests/unit/schedule_world.h"

static inline uint64_t
last_job(struct rig *r, const char *name)
{
    return (uint64_t)schedule_i64(r, name, "last_job");
}

static inline void
fire_and_fail(struct rig *r, const char *name, const char *class)
{
    rig_advance(r, MINUTE_MS);
    rig_fail(r, last_job(r, name), class);
}

static inline void
fire_and_complete(struct rig *r, const char *name)
{
    rig_advance(r, MINUTE_MS);
    rig_complete(r, last_job(r, name));
}

static inline void
breach(struct rig *r, const char *name, int turns)
{
    rig_advance(r, MINUTE_MS);
    rig_ended(r, last_job(r, name), "'verdict':'failed','class':'turn_limit_exceeded','turns':%d",
              turns);
    rig_turn(r);
}

static inline const char *
schedule_text(struct rig *r, const char *name, const char *field)
{
    rig_must_read(r, "schedule.show", "'name':'%s'", name);
    return rig_text(r, field);
}

/* With the thresholds of a real configuration, and a sink for alerts. */
static inline void
begin(struct rig *r)
{
    r->limits.failure_pause = 3;
    r->limits.breach_warn = 2;
    r->limits.breach_pause = 5;
    r->limits.alert_sinks = arena_copy(&r->kept, rig_pack(r, "['file']"));
    rig_configure(
        r, &(struct rig_declared){.sinks = "{'name':'file','kind':'file','path':'out.jsonl'}"});
    rig_workers(r, 1, 8);
}

#endif
