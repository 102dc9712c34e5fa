/* list - arrays that grow: a struct with `items`, `count` and `cap`. */
#ifndef SIM_LIST_H
#define SIM_LIST_H

#include "common/mem.h"
#include <string.h>

#define LIST_OF(type) \
    struct {          \
        type  *items; \
        size_t count; \
        size_t cap;   \
    }

/* Room for one more; returns items. */
static inline void *
list_grown(void *items, size_t count, size_t *cap, size_t size)
{
    if (count < *cap) return items;
    *cap = *cap ? *cap * 2 : 16;
    return xrealloc(items, *cap * size);
}

/* A pointer to a new last item, zeroed. */
#define LIST_ADD(l)                                                                   \
    ((l)->items = list_grown((l)->items, (l)->count, &(l)->cap, sizeof(*(l)->items)), \
     memset(&(l)->items[(l)->count], 0, sizeof(*(l)->items)), &(l)->items[(l)->count++])
/* Removes item i; the order of the others stays. */
#define LIST_REMOVE(l, i)                                                                       \
    (memmove(&(l)->items[i], &(l)->items[(i) + 1], ((l)->count - (i)-1) * sizeof(*(l)->items)), \
     (l)->count--)

#endif
