/* registry - companies, agents and profiles through the API: added, changed, removed (B1).
 *
 * Objects of the config file are changed there; pausing (pauses.h) works on all.  What unfinished
 * work or other objects refer to is not removed, but with cascade it is marked (object.removing):
 * it is found by no name any more, due work cancels its jobs and takes away what belongs to it,
 * bounded each turn, and then itself. */
#ifndef ENGINE_REGISTRY_H
#define ENGINE_REGISTRY_H

#include "supervisor/engine/objects.h"
#include "supervisor/engine/turn.h"

/* A company, agent or profile by its name. */
enum errc registry_find(struct engine *en, const struct actor *a, enum object_kind kind,
                        struct view name, const struct object_entry **out,
                        struct err *e) MUST_CHECK;
/* The company that an object is of; of a company itself. */
uint32_t registry_company(const struct object_entry *o);

/* The fields that `given` has go over those of *m; both are messages whose first fields are d's. */
void registry_merge(const struct msg_desc *d, const void *given, void *m);
/* Takes the named fields (a LIST, may be empty) out of *m.  E_BAD_REQUEST names `clear`: what is no
 * field of d, must be there, names the company, or is given together with it. */
enum errc registry_clear(const struct msg_desc *d, struct view names, const void *given, void *m,
                         struct err *e) MUST_CHECK;
/* Whether it has fields of d beyond those that name the object. */
bool registry_changes_something(const struct msg_desc *d, const void *given);

/* The profile of a schedule, else of an agent (ids, 0: none); NULL when neither has one. */
const struct msg_profile *profile_of(struct objects *objects, uint32_t schedule, uint32_t agent);
/* What a job runs that names no handler: the agent's handler, else its profile's.  `profile`: of
 * a schedule, may be empty, goes before the agent's. */
enum errc profile_handler(struct objects *objects, const struct actor *a, struct view profile,
                          uint32_t agent, uint32_t *company, uint32_t *handler,
                          struct err *e) MUST_CHECK;

/* Something is to be removed from now on. */
void removals_begin(struct engine *en);
/* At boot: whether a removal is under way. */
void registry_at_boot(struct engine *en);
/* A step of each removal, after the turn's requests: what they or an ended job leave to it is done
 * in the same turn. */
void registry_removals(struct engine *en);

// clang-format off
#define REGISTRY_REQUESTS(R) \
    R(company_add) R(company_set) R(company_remove) \
    R(agent_add) R(agent_set) R(agent_remove) \
    R(profile_add) R(profile_set) R(profile_remove)
// clang-format on
#define R(name)                                                                               \
    enum errc on_##name(struct engine *en, const struct actor *a, const struct msg_##name *m, \
                        struct buf *reply, struct err *e) MUST_CHECK;
REGISTRY_REQUESTS(R)
#undef R

#endif
