/* refs - what the declarations of objects refer to by name, as ids. */
#ifndef ENGINE_REFS_H
#define ENGINE_REFS_H

#include "supervisor/engine/turn.h"

#define REFS_MAX (SINKS_MAX + 4)

struct refs {
    uint32_t ids[REFS_MAX];
    uint32_t count;
};
/* The company, agent, handler, profile and sinks that the row refers to and that are there. */
void refs_of(struct engine *en, const struct object *row, struct refs *r);
/* Whether the row refers to the object `id`. */
bool refs_have(struct engine *en, const struct object *row, uint32_t id);

#endif
