/* heap - what one turn orders by a key that changes: a binary heap in an arena.
 *
 * An item is a struct that embeds a heap_item as its first member; it knows its place, so that a
 * changed key costs O(log n). */
#ifndef ENGINE_HEAP_H
#define ENGINE_HEAP_H

#include "common/mem.h"
#include <stdbool.h>
#include <stdint.h>

struct heap_item {
    uint32_t place; /* from 1; 0: it is in no heap */
};

/* Whether a comes out before b. */
typedef bool heap_order(const struct heap_item *a, const struct heap_item *b);

struct heap {
    struct heap_item **items; /* [1..count] */
    uint32_t           count, cap;
};

/* The item that comes out first; NULL when there is none. */
struct heap_item *heap_first(const struct heap *h);
/* Puts the item in, or to its new place after its key has changed. */
void heap_put(struct heap *h, struct arena *a, struct heap_item *item, heap_order *order);
/* Takes the item out, if it is in; its key may have changed. */
void heap_take(struct heap *h, struct heap_item *item, heap_order *order);

#endif
