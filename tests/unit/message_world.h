/* message_world - a session `chat` in a rig whose events are processed one by one, for the tests of
 * messages. */
#ifndef TESTS_MESSAGE_WORLD_H
#define TESTS_MESSAGE_WORLD_H

#include "tests/unit/effect_world.h"

#define COOL_MS           15000
#define SAY(content)      "{'kind':'send_message','content':'" content "'}"
#define TO_OTHER(content) "{'kind':'send_message','content':'" content "','sink':'other'}"

static inline void
settle_sinks(struct rig *r)
{
    r->limits.session_handler = view_str("noop");
    rig_configure(r, &(struct rig_declared){
                         .agents = "{'name':'two','handler':'noop','sinks':['other','file']}",
                         .sinks = "{'name':'file','kind':'file','path':'o','not_after_ms':null},"
                                  "{'name':'other','kind':'file','path':'p'},"
                                  "{'name':'hook','kind':'http','url':'http://h'}",
                     });
}

static inline void
declare_sessions(struct rig *r)
{
    set_default_sinks(r, "'file'");
    settle_sinks(r);
    rig_workers(r, 1, 8);
}

static inline size_t
count_of(struct rig *r, const char *filter)
{
    rig_must_read(r, "effect.list", "%s", filter);
    return rig_len(r, "items");
}

/* Its job completes with these effects; the id of the first, 0 for none. */
static inline uint64_t
process(struct rig *r, const char *effects)
{
    rig_must_read(r, "effect.list", "'limit':1000");
    size_t   before = rig_len(r, "items");
    uint64_t job;

    rig_must_read(r, "session.show", "'key':'chat'");
    job = (uint64_t)rig_i64(r, "job");
    rig_ended(r, job, "'verdict':'completed','effects':[%s]", effects);
    rig_turn(r);
    expect_state(r, job, "completed");
    return count_of(r, "'limit':1000") > before ? before + 1 : 0;
}

static inline uint64_t
to_person(struct rig *r, const char *effects)
{
    rig_must(r, "session.send", "'key':'chat','content':'hello'");
    rig_turn(r);
    return process(r, effects);
}

static inline uint64_t
unasked(struct rig *r, const char *effects)
{
    rig_must(r, "session.event", "'key':'chat','type':'tick'");
    rig_turn(r);
    return process(r, effects);
}

#endif
