/* ladder - how long a failed attempt waits before it comes back (A5): steps in ms, the last one
 * repeats.  Given as a list, or as base · factor^n up to a longest, which is the same list worked
 * out. */
#ifndef ENGINE_LADDER_H
#define ENGINE_LADDER_H

#include "supervisor/engine/turn.h"

#define LADDER_FACTOR      2        /* of a base without one */
#define LADDER_WAIT_MAX_MS 86400000 /* of a base without a longest wait */

/* RETRY_FIELDS as they were given; those that were not are 0 or empty. */
struct ladder {
    bool        has_list, has_base, has_factor, has_max;
    struct view list;
    int64_t     base_ms, max_ms;
    uint64_t    factor;
};
/* LADDER_OF(m, job_submit): of a message that has RETRY_FIELDS. */
#define LADDER_OF(m, message)                                     \
    ((struct ladder){.has_list = HAS(m, message, retry),          \
                     .has_base = HAS(m, message, retry_base_ms),  \
                     .has_factor = HAS(m, message, retry_factor), \
                     .has_max = HAS(m, message, retry_max_ms),    \
                     .list = (m)->retry,                          \
                     .base_ms = (m)->retry_base_ms,               \
                     .max_ms = (m)->retry_max_ms,                 \
                     .factor = (m)->retry_factor})

/* A ladder as given: at most LADDER_MAX whole numbers of ms, or a base; not both. */
enum errc ladder_check(const struct ladder *given, struct err *e) MUST_CHECK;
bool      ladder_is_given(const struct ladder *given);
/* The steps of a checked one as a packed list in the arena; empty when none was given. */
struct view ladder_pack(struct arena *a, const struct ladder *given);
/* The steps of a packed list: at most LADDER_MAX; their count. */
uint32_t ladder_read(struct view list, int64_t *steps);

/* The step in force for a job's n-th failure, from 0: of its own ladder (a schedule's is its
 * jobs'), else its profile's, else its handler's, else of the limits. */
int64_t ladder_step(struct engine *en, const struct job_state *j, uint32_t n);

#endif
