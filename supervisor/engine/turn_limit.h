/* turn_limit - how many turns a job may use, and what says so (C7): itself or its schedule, else
 * the profile, else the handler, else limits.max_turns. */
#ifndef ENGINE_TURN_LIMIT_H
#define ENGINE_TURN_LIMIT_H

#include "supervisor/engine/objects.h"
#include "supervisor/engine/turn.h"

struct turn_limit {
    int64_t     max_turns; /* may be NO_LIMIT */
    const char *place;     /* schedule, profile, handler, limits */
    struct view name;      /* of the profile or the handler */
};

/* For a job that sets none itself, of the schedule and the agent (ids, 0: none). */
struct turn_limit turn_limit_inherited(struct objects *o, const struct limits *l, uint32_t schedule,
                                       uint32_t agent, uint32_t handler);
/* For the firings of a schedule as things are declared now. */
struct turn_limit turn_limit_of(struct objects *o, const struct limits *l,
                                const struct object_entry *schedule);
/* What is to be changed for another one, as words: max_turns of profile small. */
void turn_limit_put_place(const struct turn_limit *t, struct buf *b);

#endif
