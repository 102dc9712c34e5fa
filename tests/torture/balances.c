#include "tests/torture/balances.h"

#include "common/mem.h"
#include "supervisor/store/store.h"
#include "tests/torture/breaks.h"
#include <stdio.h>
#include <string.h>

#define MAP_BYTES     (1ULL << 36)
#define RESERVE_BYTES (1ULL << 20)

static int
of_kind(uint8_t kind)
{
    switch (kind) {
    case KIND_COMPANY: return BALANCE_COMPANY;
    case KIND_AGENT: return BALANCE_AGENT;
    case KIND_SCHEDULE: return BALANCE_SCHEDULE;
    default: return -1;
    }
}

static void
add_row(struct balance *b, const struct ledger *row)
{
    b->used.turns += row->turns + row->overshoot_turns;
    b->used.tokens += row->tokens + row->overshoot_tokens;
    b->used.cost_micros += row->cost_micros + row->overshoot_cost_micros;
    b->used.run_ms += row->run_ms + row->overshoot_run_ms;
    b->used.attempts += row->attempts;
    b->overshoot_turns += row->overshoot_turns;
    b->reserved += row->reserved_turns + row->reserved_tokens + row->reserved_cost_micros +
                   row->reserved_run_ms;
    b->earned += row->earned;
    b->tickets_done += row->tickets_done;
}

/* NULL when the object is not one that has a ledger. */
static struct balance *
balance_of(struct txn *t, uint32_t scope, struct balance *all, size_t *n)
{
    struct object o = {.id = scope};
    size_t        i = 0;
    int           of;

    if (object_load(t, &o) != LOAD_FOUND || (of = of_kind(o.kind)) < 0) return NULL;
    while (i < *n && !((int)all[i].of == of && view_is(o.name, all[i].name)))
        i++;
    if (i == BALANCES_MAX) return NULL;
    if (i == *n) {
        all[i] = (struct balance){.of = of};
        (void)snprintf(all[i].name, sizeof(all[i].name), "%.*s", VIEW_ARG(o.name)); /* fits */
        ++*n;
    }
    return &all[i];
}

static size_t
read_rows(struct txn *t, struct balance *out)
{
    struct ledger row = {0};
    struct scan   s;
    size_t        n = 0;

    scan_open(&s, t, PRIMARY_LEDGER, &row, 0, 0);
    while (scan_next(&s, &row)) {
        struct balance *b = balance_of(t, row.scope, out, &n);

        if (b) {
            add_row(b, &row);
        } else {
            breaks_add(BREAK_BUDGET, "a ledger of the object %u, which is not there", row.scope);
        }
    }
    scan_close(&s);
    return n;
}

size_t
balances_read(const char *folder, struct balance out[BALANCES_MAX])
{
    FREE_AUTO char            *dir = xasprintf("%s/state", folder);
    const struct store_options options = {
        .dir = dir, .map_bytes = MAP_BYTES, .reserve_floor_bytes = RESERVE_BYTES};
    struct store *store = NULL;
    struct txn   *t = NULL;
    struct err    e;
    size_t        n = 0;

    if (store_open(&store, &options, &e) || !(t = txn_begin_read(store, &e))) {
        breaks_add(BREAK_BUDGET, "the store: %s", e.msg);
    } else {
        n = read_rows(t, out);
    }
    txn_abort(&t);
    if (store) store_close(&store);
    return n;
}
