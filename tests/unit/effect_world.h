/* effect_world - agents with one sink, with two and with the default one, and jobs that end with
 * effects, for the tests of effects. */
#ifndef TESTS_EFFECT_WORLD_H
#define TESTS_EFFECT_WORLD_H

#include "tests/unit/engine_rig.h"

#define NOTIFY(message) "{'kind':'notify','message':'" message "'}"

static inline void
set_default_sinks(struct rig *r, const char *names)
{
    r->limits.session_sinks = arena_copy(&r->kept, rig_pack(r, "[%s]", names));
}

static inline void
declare(struct rig *r)
{
    set_default_sinks(r, "'file'");
    r->limits.company_max_concurrent = NO_LIMIT;
    r->limits.schedule_max_concurrent = NO_LIMIT;
    rig_configure(
        r,
        &(struct rig_declared){
            .companies = "{'name':'acme'}",
            .agents = "{'name':'two','company':'acme','handler':'noop','sinks':['file','other']},"
                      "{'name':'plain','company':'acme','handler':'noop'}",
            .sinks = "{'name':'file','kind':'file','path':'out.jsonl','not_after_ms':null},"
                     "{'name':'other','kind':'file','path':'/o/other.jsonl'}",
        });
    rig_workers(r, 1, 8);
}

/* A job that ends with these effects; the id of the first of them. */
static inline uint64_t
effects_of(struct rig *r, const char *job, const char *effects)
{
    uint64_t id = rig_submit(r, "%s", job), first = 0;

    rig_ended(r, id, "'verdict':'completed','effects':[%s]", effects);
    rig_turn(r);
    expect_state(r, id, "completed");
    rig_must_read(r, "effect.list", " ");
    size_t n = rig_len(r, "items");
    for (size_t i = 0; i < n; i++) {
        uint64_t at = (uint64_t)rig_i64(r, rig_path(r, "items", i, "id"));

        if (rig_i64(r, rig_path(r, "items", i, "job")) == (int64_t)id && (first == 0 || at < first))
            first = at;
    }
    return first;
}

static inline const char *
effect_text(struct rig *r, uint64_t id, const char *field)
{
    rig_must_read(r, "effect.show", "'id':%d", (int)id);
    return rig_text(r, field);
}

#define expect_effect(r, id, want) assert_string_equal(effect_text(r, id, "status"), want)

static inline void
done(struct rig *r, uint64_t effect, const char *outcome)
{
    rig_effect_done(r, effect, outcome);
    rig_turn(r);
}

#endif
