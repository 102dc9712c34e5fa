/* timer_world - timers of sessions in a rig. */
#ifndef TESTS_TIMER_WORLD_H
#define TESTS_TIMER_WORLD_H

#include "tests/unit/engine_rig.h"

static inline void
declare(struct rig *r)
{
    r->limits.session_handler = view_str("noop");
    r->limits.company_max_concurrent = NO_LIMIT;
    r->limits.agent_max_concurrent = NO_LIMIT;
    rig_configure(r, &(struct rig_declared){.agents = "{'name':'desk','handler':'noop'}"});
}

static inline void
set_in(struct rig *r, const char *key, const char *timer, int64_t ms)
{
    rig_must(r, "timer.set", "'key':'%s','timer_id':'%s','delay_ms':%d,'payload':{'of':'%s'}", key,
             timer, (int)ms, timer);
}

static inline const char *
timer_text(struct rig *r, const char *key, const char *timer, const char *field)
{
    char path[64];

    rig_must_read(r, "timer.list", "'key':'%s','timer_id':'%s'", key, timer);
    assert_int_equal(rig_len(r, "items"), 1);
    (void)snprintf(path, sizeof(path), "items.0.%s", field); /* fits */
    return rig_text(r, path);
}

#define expect_status(r, key, timer, want) \
    assert_string_equal(timer_text(r, key, timer, "status"), want)

static inline int64_t
session_i64(struct rig *r, const char *key, const char *path)
{
    rig_must_read(r, "session.show", "'key':'%s'", key);
    return rig_i64(r, path);
}

#endif
