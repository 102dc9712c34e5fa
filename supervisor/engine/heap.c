#include "supervisor/engine/heap.h"

#include <string.h>

struct heap_item *
heap_first(const struct heap *h)
{
    return h->count ? h->items[1] : NULL;
}

static void
place(struct heap *h, uint32_t i, struct heap_item *item)
{
    h->items[i] = item;
    item->place = i;
}

/* From place i to where it belongs. */
static void
settle(struct heap *h, uint32_t i, struct heap_item *item, heap_order *order)
{
    while (i > 1 && order(item, h->items[i / 2])) {
        place(h, i, h->items[i / 2]);
        i /= 2;
    }
    for (;;) {
        uint32_t child = 2 * i;

        if (child < h->count && order(h->items[child + 1], h->items[child])) child++;
        if (child > h->count || !order(h->items[child], item)) break;
        place(h, i, h->items[child]);
        i = child;
    }
    place(h, i, item);
}

void
heap_put(struct heap *h, struct arena *a, struct heap_item *item, heap_order *order)
{
    if (item->place == 0) {
        if (h->count + 1 >= h->cap) {
            struct heap_item **old = h->items;

            h->cap = h->cap ? h->cap * 2 : 16;
            h->items = arena_alloc(a, h->cap * sizeof(struct heap_item *));
            if (old) memcpy(h->items, old, (h->count + 1) * sizeof(struct heap_item *));
        }
        item->place = ++h->count;
    }
    settle(h, item->place, item, order);
}

void
heap_take(struct heap *h, struct heap_item *item, heap_order *order)
{
    uint32_t          i = item->place;
    struct heap_item *last;

    if (i == 0) return;
    last = h->items[h->count--];
    item->place = 0;
    if (last != item) settle(h, i, last, order);
}
