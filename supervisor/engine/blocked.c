#include "supervisor/engine/budgets.h"
#include "supervisor/engine/caps.h"
#include "supervisor/engine/fleet.h"
#include "supervisor/engine/lanes.h"

#include <string.h>

/* What one company has blocked by one limit in the stored index, from the best on: the search goes
 * on where it was, since the index is as it was before the turn. */
struct freeing {
    struct block   *block;
    struct lane     at; /* the last one; id 0: none yet */
    uint32_t        company;
    bool            is_end;
    struct freeing *next;
};

struct blocked_lane {
    struct lane_turn    *lane;
    struct blocked_lane *next;
};

/* A limit that blocks lanes, as far as this turn met it. */
struct block {
    uint8_t              predicate;
    uint32_t             on;
    bool                 is_searched; /* its companies are in `freeings` */
    struct freeing      *freeings;
    struct blocked_lane *lanes; /* in memory, that it blocks or did */
};

static struct block *
block_of(struct engine *en, uint8_t predicate, uint32_t on)
{
    struct arena *a = txn_arena(en->turn.txn);
    uint64_t      id = (uint64_t)predicate << 32 | on;
    struct block *b = idmap_get(&en->turn.blocks, id);

    if (b) return b;
    b = arena_alloc(a, sizeof(*b));
    *b = (struct block){.predicate = predicate, .on = on};
    idmap_put(&en->turn.blocks, a, id, b);
    return b;
}

void
block_note(struct engine *en, struct lane_turn *l)
{
    struct block        *b = block_of(en, l->row.blocked_by, l->row.blocked_on);
    struct blocked_lane *node = arena_alloc(txn_arena(en->turn.txn), sizeof(*node));

    *node = (struct blocked_lane){.lane = l, .next = b->lanes};
    b->lanes = node;
}

static bool
is_blocked_by(const struct lane *l, const struct block *b)
{
    return l->blocked_by == b->predicate && l->blocked_on == b->on;
}

/* The next best of the stored ones competes; those in memory have their own list. */
static unsigned
free_next(struct engine *en, struct freeing *f)
{
    struct lane key = f->at;
    struct scan s;

    if (f->is_end) return 0;
    key.blocked_by = f->block->predicate;
    key.blocked_on = f->block->on;
    key.company = f->company;
    scan_open(&s, en->turn.txn, INDEX_lane_blocked, &key, 3, key.id ? 7 : 3);
    do {
        f->is_end = !scan_next_key(&s, &key);
    } while (!f->is_end && idmap_get(&en->turn.lanes, key.id));
    scan_close(&s);
    if (f->is_end) return 0;
    f->at = key;

    struct lane_turn *l = lane_get(en, key.id);

    if (!l) return 0;
    lane_free(en, l);
    l->freeing = f;
    return 1;
}

static void
find_companies(struct engine *en, struct block *b)
{
    struct lane key = {.blocked_by = b->predicate, .blocked_on = b->on};
    struct scan s;

    if (b->is_searched) return;
    b->is_searched = true;
    scan_open(&s, en->turn.txn, INDEX_lane_blocked, &key, 2, 2);
    while (scan_next_key(&s, &key)) {
        struct freeing *f = arena_alloc(txn_arena(en->turn.txn), sizeof(*f));

        *f = (struct freeing){.block = b, .company = key.company, .next = b->freeings};
        b->freeings = f;
        key.company++;
        scan_seek(&s, &key, 3);
    }
    scan_close(&s);
}

static unsigned
free_in_memory(struct engine *en, struct block *b)
{
    unsigned n = 0;

    while (b->lanes) {
        struct lane_turn *l = b->lanes->lane;

        b->lanes = b->lanes->next;
        lane_find_head(en, l);
        if (!is_blocked_by(&l->row, b) || l->did_not_fit) continue;
        lane_free(en, l);
        n++;
    }
    return n;
}

unsigned
lanes_unblock(struct engine *en, uint8_t predicate, uint32_t on)
{
    struct block *b = block_of(en, predicate, on);
    unsigned      n = free_in_memory(en, b);

    find_companies(en, b);
    for (struct freeing *f = b->freeings; f; f = f->next)
        n += free_next(en, f);
    return n;
}

void
lanes_unblock_all(struct engine *en, uint8_t predicate, uint32_t on)
{
    struct lane key = {.blocked_by = predicate, .blocked_on = on};
    struct scan s;

    scan_open(&s, en->turn.txn, INDEX_lane_blocked, &key, 2, 2);
    while (scan_next_key(&s, &key))
        (void)lane_get(en, key.id); /* now it is in memory */
    scan_close(&s);
    (void)free_in_memory(en, block_of(en, predicate, on));
}

bool
lane_was_freed(const struct lane_turn *l, uint8_t *predicate, uint32_t *on)
{
    if (!l->freeing) return false;
    *predicate = l->freeing->block->predicate;
    *on = l->freeing->block->on;
    return true;
}

void
lanes_unblock_next(struct engine *en, struct lane_turn *l)
{
    struct freeing *f = l->freeing;

    l->freeing = NULL;
    (void)free_next(en, f);
}

bool
lanes_are_blocked(struct engine *en, uint8_t predicate, uint32_t on)
{
    struct lane key = {.blocked_by = predicate, .blocked_on = on};
    struct scan s;
    bool        found = false;

    scan_open(&s, en->turn.txn, INDEX_lane_blocked, &key, 2, 2);
    while (!found && scan_next_key(&s, &key)) {
        const struct lane_turn *l = idmap_get(&en->turn.lanes, key.id);

        found = !l || (!l->did_not_fit &&
                       is_blocked_by(&l->row, &(struct block){.predicate = predicate, .on = on}));
    }
    scan_close(&s);
    return found;
}

/* To the next limit that blocks lanes. */
static void
seek_next_block(struct scan *s, struct lane *key)
{
    key->blocked_on++;
    if (key->blocked_on == 0) key->blocked_by++;
    scan_seek(s, key, 2);
}

/* Its head fits in what the budget that blocks it has left; what else may hold it the dispatch
 * finds out. */
static bool
frees_head(struct engine *en, const struct lane *key)
{
    const struct limits  *limits = &en->memory.limits;
    const struct block    b = {.predicate = key->blocked_by, .on = key->blocked_on};
    struct lane_turn     *l = idmap_get(&en->turn.lanes, key->id);
    struct budget_finding f;

    if (l) lane_find_head(en, l); /* which frees it when it has another */
    if (l && !is_blocked_by(&l->row, &b)) return false;
    if (budget_holds(&en->turn.objects, limits, key->head, key->blocked_on, &f)) return false;
    if (!l) l = lane_get(en, key->id);
    if (l) lane_free(en, l);
    return l;
}

void
lanes_retry_budgets(struct engine *en, struct lane *at, uint32_t looks_max, uint32_t found_max)
{
    struct lane key = *at;
    struct scan s;
    bool        is_end = true;

    if (key.id == 0) key.blocked_by = HELD_SCHEDULE_BUDGET; /* the first of them */
    scan_open(&s, en->turn.txn, INDEX_lane_blocked, &key, 0, key.id ? 7 : 1);
    while (scan_next_key(&s, &key) && predicate_is_budget(key.blocked_by)) {
        is_end = looks_max > 0 && found_max > 0;
        if (!is_end) break;
        looks_max--;
        if (!budget_has_room(&en->turn.objects, key.blocked_on)) {
            seek_next_block(&s, &key);
        } else if (fleet_pick(&en->memory, false, fleet_may_use_kept(&en->memory, &key)) < 0) {
            continue;
        } else if (frees_head(en, &key)) {
            found_max--;
        }
    }
    scan_close(&s);
    if (is_end) key = (struct lane){0};
    *at = key;
}

void
lanes_each_block(struct engine *en, struct block_at *at, uint32_t max,
                 void (*fn)(struct engine *, uint8_t predicate, uint32_t on))
{
    struct lane key = {.blocked_by = at->predicate, .blocked_on = at->on};
    struct scan s;

    scan_open(&s, en->turn.txn, INDEX_lane_blocked, &key, 0, 2);
    *at = (struct block_at){0};
    while (scan_next_key(&s, &key)) {
        if (max-- == 0) {
            *at = (struct block_at){key.blocked_by, key.blocked_on};
            break;
        }
        fn(en, key.blocked_by, key.blocked_on);
        seek_next_block(&s, &key);
    }
    scan_close(&s);
}
