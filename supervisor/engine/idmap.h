/* idmap - what one turn knows by id: a u64 → pointer map that lives in an arena.
 *
 * It forgets with the arena.  Open addressing, linear probing, no removal. */
#ifndef ENGINE_IDMAP_H
#define ENGINE_IDMAP_H

#include "common/mem.h"
#include <stdint.h>

struct idmap_entry {
    uint64_t id; /* 0: free */
    void    *value;
};
struct idmap {
    struct idmap_entry *entries;
    uint32_t            count, cap;
};

/* NULL when `id` is not there. */
void *idmap_get(const struct idmap *m, uint64_t id);
/* id is not 0 and not there yet. */
void idmap_put(struct idmap *m, struct arena *a, uint64_t id, void *value);

#endif
