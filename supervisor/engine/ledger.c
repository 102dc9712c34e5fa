#include "supervisor/engine/ledger.h"

#include "supervisor/engine/zones.h"
#include "supervisor/store/schema.h"

#include <assert.h>
#include <string.h>

RECORD_IS_SAME(LEDGER, ledger)

struct ledger_turn {
    struct ledger       row, stored;
    struct ledger_turn *next_of_scope;
    struct ledger_turn *next; /* all of the transaction */
};

struct scope_turn {
    struct tz           zone;
    uint32_t            version; /* of the objects, when the zone was read */
    struct ledger_turn *days;
};

const char *
dimension_name(enum dimension d)
{
    static const char *const names[] = {"turns", "tokens", "cost_micros", "run_ms"};

    assert(d < DIM_COUNT);
    return names[d];
}

/* ---- days ---------------------------------------------------------------------- */

static struct view
own_zone(const struct object_entry *en)
{
    switch (en->row.kind) {
    case KIND_COMPANY: return en->spec.company.budget_zone;
    case KIND_AGENT: return en->spec.agent.budget_zone;
    case KIND_SCHEDULE: return en->spec.schedule.budget_zone;
    case KIND_LIMITS: return en->spec.limits.budget_zone;
    default: return (struct view){0};
    }
}

struct view
ledger_zone(struct objects *o, uint32_t scope)
{
    const struct object_entry *en = objects_get(o, scope);
    struct view                name = en ? own_zone(en) : (struct view){0};

    if (name.size == 0 && en && en->row.company) {
        const struct object_entry *company = objects_get(o, en->row.company);

        if (company) name = own_zone(company);
    }
    if (name.size == 0) {
        if (o->limits == 0) o->limits = object_find(o->txn, KIND_LIMITS, 0, view_str("limits"));
        en = objects_get(o, o->limits);
        if (en) name = own_zone(en);
    }
    return name.size ? name : view_str("UTC");
}

static struct scope_turn *
scope_of(struct objects *o, uint32_t scope)
{
    struct scope_turn *s = idmap_get(&o->scopes, scope);

    if (s && s->version == o->version) return s;
    if (!s) {
        s = arena_alloc(txn_arena(o->txn), sizeof(*s));
        memset(s, 0, sizeof(*s));
        idmap_put(&o->scopes, txn_arena(o->txn), scope, s);
    }
    /* It, its company or the limits may have got another zone. */
    zone_read(o->txn, ledger_zone(o, scope), &s->zone);
    s->version = o->version;
    return s;
}

uint32_t
ledger_date(struct objects *o, uint32_t scope, int64_t at_ms)
{
    int64_t day = tz_day(&scope_of(o, scope)->zone, at_ms);

    return day > 0 ? (uint32_t)day : 0;
}

int64_t
ledger_next_day(struct objects *o, uint32_t scope, int64_t at_ms)
{
    const struct tz *z = &scope_of(o, scope)->zone;

    return tz_day_begin(z, tz_day(z, at_ms) + 1);
}

/* ---- rows ---------------------------------------------------------------------- */

struct ledger *
ledger_row(struct objects *o, uint32_t scope, uint32_t date)
{
    struct scope_turn  *s = scope_of(o, scope);
    struct ledger_turn *l;

    for (l = s->days; l; l = l->next_of_scope) {
        if (l->row.date == date) return &l->row;
    }
    l = arena_alloc(txn_arena(o->txn), sizeof(*l));
    memset(l, 0, sizeof(*l));
    l->row.scope = scope;
    l->row.date = date;
    if (ledger_load(o->txn, &l->row) != LOAD_FOUND) {
        memset(&l->row, 0, sizeof(l->row));
        l->row.scope = scope;
        l->row.date = date;
    }
    l->stored = l->row;
    l->next_of_scope = s->days;
    s->days = l;
    l->next = o->ledgers;
    o->ledgers = l;
    return &l->row;
}

uint64_t *
ledger_amount(struct ledger *l, enum ledger_part part, enum dimension d)
{
    uint64_t *const amounts[LEDGER_PART_COUNT][DIM_COUNT] = {
        {&l->turns,           &l->tokens,           &l->cost_micros,           &l->run_ms         },
        {&l->reserved_turns,  &l->reserved_tokens,  &l->reserved_cost_micros,  &l->reserved_run_ms},
        {&l->overshoot_turns, &l->overshoot_tokens, &l->overshoot_cost_micros,
         &l->overshoot_run_ms                                                                     },
    };

    return amounts[part][d];
}

uint64_t
ledger_used(struct ledger *l, enum dimension d)
{
    uint64_t charged = *ledger_amount(l, LEDGER_CHARGED, d);

    return sum_of(sum_of(charged, *ledger_amount(l, LEDGER_RESERVED, d)),
                  *ledger_amount(l, LEDGER_OVERSHOOT, d));
}

/* ---- limits -------------------------------------------------------------------- */

#define LIMIT_OF(m, name, d)                                                                     \
    ((d) == DIM_TURNS    ? (HAS(m, name, daily_turns) ? (m)->daily_turns : NO_LIMIT)             \
     : (d) == DIM_TOKENS ? (HAS(m, name, daily_tokens) ? (m)->daily_tokens : NO_LIMIT)           \
     : (d) == DIM_COST   ? (HAS(m, name, daily_cost_micros) ? (m)->daily_cost_micros : NO_LIMIT) \
                         : (HAS(m, name, daily_run_ms) ? (m)->daily_run_ms : NO_LIMIT))

int64_t
ledger_limit(struct objects *o, uint32_t scope, enum dimension d)
{
    const struct object_entry *en = objects_get(o, scope);

    if (!en) return NO_LIMIT;
    switch (en->row.kind) {
    case KIND_COMPANY: return LIMIT_OF(&en->spec.company, company, d);
    case KIND_AGENT: return LIMIT_OF(&en->spec.agent, agent, d);
    case KIND_SCHEDULE: return LIMIT_OF(&en->spec.schedule, schedule, d);
    default: return NO_LIMIT;
    }
}

bool
ledger_is_limited(struct objects *o, uint32_t scope)
{
    for (enum dimension d = 0; d < DIM_COUNT; d++) {
        if (ledger_limit(o, scope, d) != NO_LIMIT) return true;
    }
    return false;
}

void
ledgers_flush(struct objects *o)
{
    for (struct ledger_turn *l = o->ledgers; l; l = l->next) {
        if (ledger_is_same(&l->row, &l->stored)) continue;
        ledger_save(o->txn, &l->row);
        l->stored = l->row;
    }
}
