#include "supervisor/engine/idmap.h"

#include <assert.h>
#include <string.h>

static struct idmap_entry *
find_place(const struct idmap *m, uint64_t id)
{
    uint32_t i = (uint32_t)(id * 0x9e3779b97f4a7c15u >> 32); /* Knuth's multiplicative hash */

    for (;; i++) {
        struct idmap_entry *en = &m->entries[i & (m->cap - 1)];

        if (en->id == id || en->id == 0) return en;
    }
}

void *
idmap_get(const struct idmap *m, uint64_t id)
{
    return m->cap ? find_place(m, id)->value : NULL;
}

static void
grow(struct idmap *m, struct arena *a)
{
    struct idmap bigger = {.count = m->count, .cap = m->cap ? m->cap * 2 : 16};

    bigger.entries = arena_alloc(a, bigger.cap * sizeof(*bigger.entries));
    memset(bigger.entries, 0, bigger.cap * sizeof(*bigger.entries));
    for (uint32_t i = 0; i < m->cap; i++) {
        if (m->entries[i].id) *find_place(&bigger, m->entries[i].id) = m->entries[i];
    }
    *m = bigger;
}

void
idmap_put(struct idmap *m, struct arena *a, uint64_t id, void *value)
{
    struct idmap_entry *en;

    assert(id != 0);
    if (m->count * 2 >= m->cap) grow(m, a);
    en = find_place(m, id);
    assert(en->id == 0);
    *en = (struct idmap_entry){id, value};
    m->count++;
}
