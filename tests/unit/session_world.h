/* session_world - sessions in a rig, for the tests of what happens in them. */
#ifndef TESTS_SESSION_WORLD_H
#define TESTS_SESSION_WORLD_H

#include "tests/unit/engine_rig.h"

static inline void
declare(struct rig *r)
{
    r->limits.session_handler = view_str("noop");
    r->limits.company_max_concurrent = NO_LIMIT;
    r->limits.agent_max_concurrent = NO_LIMIT;
    rig_configure(r, &(struct rig_declared){.agents = "{'name':'desk','handler':'noop'},"
                                                      "{'name':'mute'},"
                                                      "{'name':'other','handler':'noop'}"});
}

static inline void
show(struct rig *r, const char *key)
{
    rig_must_read(r, "session.show", "'key':'%s'", key);
}

static inline int64_t
session_i64(struct rig *r, const char *key, const char *path)
{
    show(r, key);
    return rig_i64(r, path);
}

/* Appends; returns its number. */
static inline uint64_t
append(struct rig *r, const char *key, const char *type)
{
    rig_must(r, "session.event", "'key':'%s','type':'%s','payload':{'n':1}", key, type);
    return (uint64_t)rig_i64(r, "seq");
}

static inline uint64_t
job_of(struct rig *r, const char *key)
{
    show(r, key);
    return rig_is_nil(r, "job") ? 0 : (uint64_t)rig_i64(r, "job");
}

static inline const char *
event_text(struct rig *r, const char *key, uint64_t seq, const char *path)
{
    char full[64];

    rig_must_read(r, "session.events", "'key':'%s','from':%d,'limit':1", key, (int)seq);
    (void)snprintf(full, sizeof(full), "items.0.%s", path); /* fits */
    return rig_text(r, full);
}

/* What the newest attempt of the job was given, as the reply. */
static inline void
document(struct rig *r, uint64_t job)
{
    struct view v;

    assert_non_null(rig_lease(r, job));
    assert_true(mp_find(rig_lease(r, job)->body, "document", &v));
    r->reply = v;
}

/* The first event of the session fails for good. */
static inline void
poison(struct rig *r, const char *key)
{
    (void)append(r, key, "bad");
    (void)append(r, key, "good");
    uint64_t job = job_of(r, key);
    rig_fail(r, job, "turn_limit_exceeded"); /* which is not retried */
    expect_state(r, job, "failed");
}

#endif
