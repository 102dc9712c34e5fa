#include "supervisor/engine/lanes.h"

#include "supervisor/engine/caps.h"
#include "supervisor/engine/ledger.h"
#include "supervisor/engine/reasons.h"

#include <assert.h>
#include <string.h>

/* ---- the turn's rows ---------------------------------------------------------- */

static struct company_turn *
company_of(struct engine *en, uint32_t company)
{
    struct turn         *t = &en->turn;
    struct company_turn *c = idmap_get(&t->companies, company);

    if (c) return c;
    c = arena_alloc(txn_arena(t->txn), sizeof(*c));
    memset(c, 0, sizeof(*c));
    c->row.company = company;
    if (queue_load(t->txn, &c->row) != LOAD_FOUND) c->row.company = company; /* all zero */
    c->stored = c->row;
    c->next = t->company_list;
    t->company_list = c;
    idmap_put(&t->companies, txn_arena(t->txn), company, c);
    return c;
}

struct queue *
company_queue(struct engine *en, uint32_t company)
{
    return &company_of(en, company)->row;
}

static struct lane_turn *
remember(struct engine *en, const struct lane *row, bool is_new)
{
    struct turn         *t = &en->turn;
    struct lane_turn    *l = arena_alloc(txn_arena(t->txn), sizeof(*l));
    struct company_turn *c = company_of(en, row->company);

    memset(l, 0, sizeof(*l));
    l->row = *row;
    l->stored = *row;
    l->is_new = is_new;
    l->head_known = true;
    l->next = t->lane_list;
    t->lane_list = l;
    l->next_in_company = c->lanes;
    c->lanes = l;
    /* The rest was looked up without regard to this lane. */
    if (c->rest.id == row->id) c->rest_known = false;
    idmap_put(&t->lanes, txn_arena(t->txn), row->id, l);
    return l;
}

static struct lane_turn *
lane_get(struct engine *en, uint32_t id)
{
    struct lane_turn *l = idmap_get(&en->turn.lanes, id);
    struct lane       row = {.id = id};

    if (l) return l;
    if (lane_load(en->turn.txn, &row) != LOAD_FOUND) return NULL;
    return remember(en, &row, false);
}

static bool
meets_same(const struct lane *l, const struct lane *key)
{
    return l->company == key->company && l->agent == key->agent && l->handler == key->handler &&
           l->session == key->session && l->schedule == key->schedule && l->flags == key->flags;
}

void
lane_of(struct engine *en, struct job_state *j)
{
    struct turn *t = &en->turn;
    uint32_t     schedule = ledger_is_limited(&t->objects, j->schedule) ? j->schedule : 0;
    struct lane  key = {.company = j->company,
                        .agent = j->agent,
                        .handler = j->handler,
                        .schedule = schedule,
                        .flags = j->flags & JOB_LANE_FLAGS};
    struct lane  found = key;

    if (t->last_lane && meets_same(&t->last_lane->row, &key)) {
        j->lane = t->last_lane->row.id;
        return;
    }
    for (struct lane_turn *l = company_of(en, j->company)->lanes; l; l = l->next_in_company) {
        if (meets_same(&l->row, &key)) {
            t->last_lane = l;
            j->lane = l->row.id;
            return;
        }
    }
    if (rec_find(t->txn, INDEX_lane_by_limits, &found) == LOAD_FOUND) {
        t->last_lane = remember(en, &found, false);
    } else {
        key.id = (uint32_t)en->memory.meta.next_object++;
        t->last_lane = remember(en, &key, true);
    }
    j->lane = t->last_lane->row.id;
}

void
lane_touch(struct engine *en, uint32_t lane)
{
    struct lane_turn *l = lane_get(en, lane);

    if (!l) return; /* a damaged row; fsck says so, and the lane is made anew with its next job */
    l->head_known = false;
    company_of(en, l->row.company)->is_idle = false;
}

/* ---- whose turn --------------------------------------------------------------- */

static void
unhold(struct lane_turn *l)
{
    l->row.blocked_by = 0;
    l->row.blocked_on = 0;
    l->row.blocked_at = 0;
    l->did_not_fit = false;
}

static void
find_head(struct engine *en, struct lane_turn *l)
{
    struct job_state j = {.lane = l->row.id};
    struct scan      s;

    if (l->head_known) return;
    scan_open(&s, en->turn.txn, INDEX_job_ready, &j, 1, 1);
    if (scan_next_key(&s, &j)) {
        /* What a budget has left may be too little for one job and enough for another. */
        if (l->row.head != j.id && predicate_is_budget(l->row.blocked_by)) unhold(l);
        l->row.head = j.id;
        l->row.head_priority = j.priority;
        l->row.head_run_at = j.run_at;
    } else {
        l->row.head = 0;
        l->row.head_priority = 0;
        l->row.head_run_at = 0;
        unhold(l);
    }
    scan_close(&s);
    l->head_known = true;
}

static bool
can_compete(const struct lane *l)
{
    return l->head != 0 && l->blocked_by == 0;
}

/* Within a company: priority, run_at, id. */
static bool
goes_before(const struct lane *a, const struct lane *b)
{
    if (a->head_priority != b->head_priority) return a->head_priority > b->head_priority;
    if (a->head_run_at != b->head_run_at) return a->head_run_at < b->head_run_at;
    return a->head < b->head;
}

/* The company's best stored lane that is not in memory. */
static void
find_rest(struct engine *en, struct company_turn *c)
{
    struct lane key = {.company = c->row.company};
    struct scan s;

    if (c->rest_known) return;
    memset(&c->rest, 0, sizeof(c->rest));
    scan_open(&s, en->turn.txn, INDEX_lane_runnable, &key, 1, 1);
    while (scan_next_key(&s, &key)) {
        if (idmap_get(&en->turn.lanes, key.id)) continue;
        c->rest = key;
        break;
    }
    scan_close(&s);
    c->rest_known = true;
}

/* The company's best lane: in *best from memory, or c->rest when that goes before; false when it
 * has none. */
static bool
find_best(struct engine *en, struct company_turn *c, struct lane_turn **best, struct lane *head)
{
    *best = NULL;
    if (c->is_idle) return false;
    for (struct lane_turn *l = c->lanes; l; l = l->next_in_company) {
        find_head(en, l);
        if (can_compete(&l->row) && !l->is_skipped &&
            (!*best || goes_before(&l->row, &(*best)->row)))
            *best = l;
    }
    find_rest(en, c);
    if (c->rest.id && (!*best || goes_before(&c->rest, &(*best)->row))) {
        *best = NULL;
        *head = c->rest;
        return true;
    }
    if (!*best) {
        c->is_idle = true;
        return false;
    }
    *head = (*best)->row;
    return true;
}

static bool
company_goes_before(uint8_t priority, uint64_t served, uint32_t company, uint8_t than_priority,
                    uint64_t than_served, uint32_t than_company)
{
    if (priority != than_priority) return priority > than_priority;
    if (served != than_served) return served < than_served;
    return company < than_company;
}

/* The best company by the stored index that is not in memory; 0 when there is none. */
static bool
find_stored_company(struct engine *en, struct queue *out)
{
    struct queue key = {0};
    struct scan  s;
    bool         found = false;

    scan_open(&s, en->turn.txn, INDEX_queue_turn, &key, 0, 0);
    while (!found && scan_next_key(&s, &key))
        found = !idmap_get(&en->turn.companies, key.company);
    scan_close(&s);
    if (found) *out = key;
    return found;
}

struct lane_turn *
lanes_pick(struct engine *en)
{
    struct company_turn *best = NULL;
    struct lane_turn    *best_lane = NULL;
    struct lane          best_head = {0};
    struct queue         stored;

    for (struct company_turn *c = en->turn.company_list; c; c = c->next) {
        struct lane_turn *l;
        struct lane       head;

        if (!find_best(en, c, &l, &head)) continue;
        if (best &&
            !company_goes_before(head.head_priority, c->row.served, c->row.company,
                                 best_head.head_priority, best->row.served, best->row.company)) {
            continue;
        }
        best = c;
        best_lane = l;
        best_head = head;
    }
    if (find_stored_company(en, &stored) &&
        (!best ||
         company_goes_before(stored.head_priority, stored.served, stored.company,
                             best_head.head_priority, best->row.served, best->row.company))) {
        best = company_of(en, stored.company);
        if (!find_best(en, best, &best_lane, &best_head)) return lanes_pick(en);
    }
    if (!best) return NULL;
    return best_lane ? best_lane : lane_get(en, best_head.id);
}

void
lane_block(struct engine *en, struct lane_turn *l, uint8_t predicate, uint32_t on)
{
    l->row.blocked_by = predicate;
    l->row.blocked_on = on;
    l->did_not_fit = predicate_is_budget(predicate);
    /* The same limit as before this turn: it has been blocked all along. */
    l->row.blocked_at = l->stored.blocked_by == predicate && l->stored.blocked_on == on
                            ? l->stored.blocked_at
                            : en->turn.now.wall_ms;
}

void
lane_skip_head(struct engine *en, struct lane_turn *l)
{
    uint64_t head = l->row.head;

    l->head_known = false;
    find_head(en, l);
    l->is_skipped = l->row.head == head;
}

void
lane_served(struct engine *en, struct lane_turn *l)
{
    company_of(en, l->row.company)->row.served = ++en->memory.meta.next_served;
}

/* ---- blocked lanes ------------------------------------------------------------ */

static bool
is_blocked_by(const struct lane *l, uint8_t predicate, uint32_t on)
{
    return l->blocked_by == predicate && l->blocked_on == on;
}

static bool
can_be_freed(const struct lane_turn *l, uint8_t predicate, uint32_t on)
{
    return is_blocked_by(&l->row, predicate, on) && !l->did_not_fit;
}

static void
unblock(struct engine *en, struct lane_turn *l)
{
    l->freed_by = l->row.blocked_by;
    l->freed_on = l->row.blocked_on;
    unhold(l);
    company_of(en, l->row.company)->is_idle = false;
}

/* The company's best lane that the limit blocks: those of the turn by their rows in memory, the
 * others by the index. */
static struct lane_turn *
best_blocked(struct engine *en, uint8_t predicate, uint32_t on, uint32_t company)
{
    struct lane       key = {.blocked_by = predicate, .blocked_on = on, .company = company};
    struct lane_turn *best = NULL;
    struct scan       s;
    bool              found = false;

    for (struct lane_turn *l = company_of(en, company)->lanes; l; l = l->next_in_company) {
        find_head(en, l);
        if (can_be_freed(l, predicate, on) && (!best || goes_before(&l->row, &best->row))) best = l;
    }
    scan_open(&s, en->turn.txn, INDEX_lane_blocked, &key, 3, 3);
    while (!found && scan_next_key(&s, &key))
        found = !idmap_get(&en->turn.lanes, key.id);
    scan_close(&s);
    if (found && (!best || goes_before(&key, &best->row))) best = lane_get(en, key.id);
    return best;
}

static unsigned
unblock_best(struct engine *en, uint8_t predicate, uint32_t on, uint32_t company)
{
    struct lane_turn *l = best_blocked(en, predicate, on, company);

    if (!l) return 0;
    unblock(en, l);
    return 1;
}

unsigned
lanes_unblock(struct engine *en, uint8_t predicate, uint32_t on)
{
    struct lane key = {.blocked_by = predicate, .blocked_on = on};
    struct scan s;
    unsigned    n = 0;

    scan_open(&s, en->turn.txn, INDEX_lane_blocked, &key, 2, 2);
    while (scan_next_key(&s, &key)) {
        n += unblock_best(en, predicate, on, key.company);
        key.company++;
        scan_seek(&s, &key, 3);
    }
    scan_close(&s);
    /* Those that came to be blocked in this very turn stand in no index yet. */
    for (struct lane_turn *l = en->turn.lane_list; l; l = l->next) {
        if (!can_be_freed(l, predicate, on) || is_blocked_by(&l->stored, predicate, on)) continue;
        unblock(en, l);
        n++;
    }
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
    for (struct lane_turn *l = en->turn.lane_list; l; l = l->next) {
        find_head(en, l);
        if (is_blocked_by(&l->row, predicate, on)) unblock(en, l);
    }
}

void
lanes_unblock_next(struct engine *en, const struct lane_turn *l)
{
    (void)unblock_best(en, l->freed_by, l->freed_on, l->row.company);
}

void
lanes_each_block(struct engine *en, void (*fn)(struct engine *, uint8_t predicate, uint32_t on))
{
    struct lane key = {0};
    struct scan s;

    scan_open(&s, en->turn.txn, INDEX_lane_blocked, &key, 0, 0);
    while (scan_next_key(&s, &key)) {
        fn(en, key.blocked_by, key.blocked_on);
        key.blocked_on++;
        if (key.blocked_on == 0) key.blocked_by++;
        scan_seek(&s, &key, 2);
    }
    scan_close(&s);
}

/* ---- the end of the turn ------------------------------------------------------ */

void
lanes_flush(struct engine *en)
{
    struct turn *t = &en->turn;

    for (struct lane_turn *l = t->lane_list; l; l = l->next) {
        find_head(en, l);
        if (l->is_new || memcmp(&l->row, &l->stored, sizeof(l->row)) != 0)
            lane_save(t->txn, &l->row);
        if (l->row.blocked_by != l->stored.blocked_by || l->row.blocked_on != l->stored.blocked_on)
            reason_lane(en, &l->row);
    }
    for (struct company_turn *c = t->company_list; c; c = c->next) {
        struct lane key = {.company = c->row.company};
        struct scan s;

        scan_open(&s, t->txn, INDEX_lane_runnable, &key, 1, 1);
        c->row.has_head = scan_next_key(&s, &key);
        c->row.head_priority = c->row.has_head ? key.head_priority : 0;
        scan_close(&s);
        if (memcmp(&c->row, &c->stored, sizeof(c->row)) != 0) queue_save(t->txn, &c->row);
    }
}
