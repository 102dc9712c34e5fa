#include "supervisor/engine/lanes.h"

#include "supervisor/engine/budgets.h"
#include "supervisor/engine/caps.h"
#include "supervisor/engine/reasons.h"
#include "supervisor/store/schema.h"

#include <assert.h>
#include <string.h>

RECORD_IS_SAME(LANE, lane)
RECORD_IS_SAME(QUEUE, queue)

/* ---- the turn's rows ---------------------------------------------------------- */

/* Its best lane is to be found anew. */
static void
company_changed(struct engine *en, struct company_turn *c)
{
    if (c->is_changed) return;
    c->is_changed = true;
    c->next_changed = en->turn.changed_companies;
    en->turn.changed_companies = c;
}

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
    /* The best of the others was looked up without regard to this one. */
    if (t->stored_company.company == company) t->stored_company_known = false;
    company_changed(en, c);
    return c;
}

struct queue *
company_queue(struct engine *en, uint32_t company)
{
    return &company_of(en, company)->row;
}

/* Its place among the lanes of its company is to be found anew. */
static void
lane_changed(struct engine *en, struct lane_turn *l)
{
    struct company_turn *c = company_of(en, l->row.company);

    company_changed(en, c);
    if (l->is_changed) return;
    l->is_changed = true;
    l->next_changed = c->changed;
    c->changed = l;
}

static struct lane_turn *
remember(struct engine *en, const struct lane *row)
{
    struct turn         *t = &en->turn;
    struct lane_turn    *l = arena_alloc(txn_arena(t->txn), sizeof(*l));
    struct company_turn *c = company_of(en, row->company);

    memset(l, 0, sizeof(*l));
    l->row = *row;
    l->stored = *row;
    l->head_known = true;
    l->next = t->lane_list;
    t->lane_list = l;
    /* The rest was looked up without regard to this lane. */
    if (c->rest.id == row->id) c->rest_known = false;
    idmap_put(&t->lanes, txn_arena(t->txn), row->id, l);
    lane_changed(en, l);
    if (row->blocked_by) block_note(en, l);
    return l;
}

struct lane_turn *
lane_get(struct engine *en, uint32_t id)
{
    struct lane_turn *l = idmap_get(&en->turn.lanes, id);
    struct lane       row = {.id = id};

    if (l) return l;
    if (lane_load(en->turn.txn, &row) != LOAD_FOUND) return NULL;
    return remember(en, &row);
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
    struct lane  key = {.company = j->company,
                        .agent = j->agent,
                        .handler = j->handler,
                        .schedule = j->schedule,
                        .flags = j->flags & JOB_LANE_FLAGS};
    struct lane  found = key;
    /* the one it is in, mostly, when it is in memory */
    struct lane_turn *own = idmap_get(&t->lanes, j->lane);

    if (own && meets_same(&own->row, &key)) t->last_lane = own;
    if (!t->last_lane || !meets_same(&t->last_lane->row, &key)) {
        if (rec_find(t->txn, INDEX_lane_by_limits, &found) != LOAD_FOUND) {
            found = key;
            found.id = (uint32_t)en->memory.meta.next_object++;
            lane_save(t->txn, &found); /* at once: the next job of these limits finds it */
        }
        t->last_lane = idmap_get(&t->lanes, found.id);
        if (!t->last_lane) t->last_lane = remember(en, &found);
    }
    j->lane = t->last_lane->row.id;
}

void
lane_touch(struct engine *en, uint32_t lane)
{
    struct lane_turn *l = lane_get(en, lane);

    if (!l) return; /* a damaged row; fsck says so, and the lane is made anew with its next job */
    l->head_known = false;
    lane_changed(en, l);
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

void
lane_find_head(struct engine *en, struct lane_turn *l)
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

static bool
lane_order(const struct heap_item *a, const struct heap_item *b)
{
    return goes_before(&((const struct lane_turn *)a)->row, &((const struct lane_turn *)b)->row);
}

/* The company's best stored lane that is not in memory.  The index is as it was before the turn, so
 * that the search goes on from where it was. */
static void
find_rest(struct engine *en, struct company_turn *c)
{
    struct lane key = c->rest;
    struct scan s;

    if (c->rest_known) return;
    key.company = c->row.company;
    memset(&c->rest, 0, sizeof(c->rest));
    scan_open(&s, en->turn.txn, INDEX_lane_runnable, &key, 1, key.id ? 5 : 1);
    while (scan_next_key(&s, &key)) {
        if (idmap_get(&en->turn.lanes, key.id)) continue;
        c->rest = key;
        break;
    }
    scan_close(&s);
    c->rest_known = true;
}

static bool
company_goes_before(const struct queue *a, const struct queue *b)
{
    if (a->head_priority != b->head_priority) return a->head_priority > b->head_priority;
    if (a->served != b->served) return a->served < b->served;
    return a->company < b->company;
}

static bool
company_order(const struct heap_item *a, const struct heap_item *b)
{
    return company_goes_before(&((const struct company_turn *)a)->row,
                               &((const struct company_turn *)b)->row);
}

/* Finds the company's best lane: in c->best from memory, or c->rest when that goes before. */
static void
find_best(struct engine *en, struct company_turn *c)
{
    struct arena *a = txn_arena(en->turn.txn);

    while (c->changed) {
        struct lane_turn *l = c->changed;

        c->changed = l->next_changed;
        l->is_changed = false;
        lane_find_head(en, l);
        if (can_compete(&l->row) && !l->is_skipped) {
            heap_put(&c->lanes, a, &l->in_company, lane_order);
        } else {
            heap_take(&c->lanes, &l->in_company, lane_order);
        }
    }
    find_rest(en, c);
    c->best = (struct lane_turn *)heap_first(&c->lanes);
    if (c->rest.id && (!c->best || goes_before(&c->rest, &c->best->row))) c->best = NULL;
    c->row.has_head = c->best || c->rest.id;
    c->row.head_priority = c->best ? c->best->row.head_priority : c->rest.head_priority;
    if (c->row.has_head) {
        heap_put(&en->turn.competing, a, &c->among_companies, company_order);
    } else {
        heap_take(&en->turn.competing, &c->among_companies, company_order);
    }
}

/* The best company by the stored index that is not in memory. */
static void
find_stored_company(struct engine *en)
{
    struct turn *t = &en->turn;
    struct queue key = t->stored_company;
    struct scan  s;

    if (t->stored_company_known) return;
    memset(&t->stored_company, 0, sizeof(t->stored_company));
    scan_open(&s, t->txn, INDEX_queue_turn, &key, 0, key.company ? 3 : 0);
    while (scan_next_key(&s, &key)) {
        if (idmap_get(&t->companies, key.company)) continue;
        t->stored_company = key;
        break;
    }
    scan_close(&s);
    t->stored_company_known = true;
}

struct lane_turn *
lanes_pick(struct engine *en)
{
    struct turn *t = &en->turn;

    for (;;) {
        struct company_turn *c = t->changed_companies;

        if (c) {
            t->changed_companies = c->next_changed;
            c->is_changed = false;
            find_best(en, c);
            continue;
        }
        find_stored_company(en);
        c = (struct company_turn *)heap_first(&t->competing);
        if (!t->stored_company.company || (c && company_goes_before(&c->row, &t->stored_company)))
            break;
        (void)company_of(en, t->stored_company.company); /* now it is in memory */
    }
    struct company_turn *best = (struct company_turn *)heap_first(&t->competing);

    if (!best) return NULL;
    return best->best ? best->best : lane_get(en, best->rest.id);
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
    if (l->did_not_fit) budget_holds_until(en, on);
    lane_changed(en, l);
    block_note(en, l);
}

void
lane_free(struct engine *en, struct lane_turn *l)
{
    unhold(l);
    lane_changed(en, l);
}

void
lane_skip_head(struct engine *en, struct lane_turn *l)
{
    uint64_t head = l->row.head;

    l->head_known = false;
    lane_find_head(en, l);
    l->is_skipped = l->row.head == head;
    lane_changed(en, l);
}

void
lane_served(struct engine *en, struct lane_turn *l)
{
    struct company_turn *c = company_of(en, l->row.company);

    c->row.served = ++en->memory.meta.next_served;
    company_changed(en, c);
}

void
lane_joined(struct engine *en, uint32_t lane)
{
    struct lane_turn *l = lane_get(en, lane);

    lane_touch(en, lane);
    if (l && l->row.blocked_by) unhold(l);
}

/* ---- the end of the turn ------------------------------------------------------ */

void
lanes_flush(struct engine *en)
{
    struct turn *t = &en->turn;

    for (struct lane_turn *l = t->lane_list; l; l = l->next) {
        lane_find_head(en, l);
        if (l->is_gone && l->row.head == 0) {
            (void)lane_delete(t->txn, &l->row);
        } else if (!lane_is_same(&l->row, &l->stored)) {
            lane_save(t->txn, &l->row);
        }
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
        if (!queue_is_same(&c->row, &c->stored)) queue_save(t->txn, &c->row);
    }
}
