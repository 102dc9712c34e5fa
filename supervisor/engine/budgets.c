#include "supervisor/engine/budgets.h"

#include "supervisor/engine/feed.h"
#include "supervisor/engine/leases.h"

#include <inttypes.h>

#define SCOPES_MAX 3

struct scope {
    enum predicate predicate;
    uint32_t       id;
};

static uint32_t
scopes_of(const struct job_state *j, struct scope out[SCOPES_MAX])
{
    uint32_t n = 0;

    if (j->schedule) out[n++] = (struct scope){HELD_SCHEDULE_BUDGET, j->schedule};
    out[n++] = (struct scope){HELD_COMPANY_BUDGET, j->company};
    if (j->agent) out[n++] = (struct scope){HELD_AGENT_BUDGET, j->agent};
    return n;
}

static uint64_t *
reserved(struct reservation *r, enum dimension d)
{
    switch (d) {
    case DIM_TURNS: return &r->turns;
    case DIM_TOKENS: return &r->tokens;
    case DIM_COST: return &r->cost_micros;
    default: return &r->run_ms;
    }
}

uint64_t
budget_reserved(const struct reservation *r, enum dimension d)
{
    struct reservation copy = *r;
    uint64_t           amount = *reserved(&copy, d);

    return amount == NOT_RESERVED ? 0 : amount;
}

static uint64_t
at_most(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Most stores have none: one look in a turn spares three for each job. */
static bool
has_reservations(struct objects *o)
{
    struct reservation first = {0};
    struct scan        s;

    if (o->knows_reservations) return o->has_reservations;
    scan_open(&s, o->txn, PRIMARY_RESERVATION, &first, 0, 0);
    o->has_reservations = scan_next_key(&s, &first);
    scan_close(&s);
    o->knows_reservations = true;
    return o->has_reservations;
}

static bool
find_reservation(struct objects *o, struct reservation *r)
{
    return has_reservations(o) && reservation_load(o->txn, r) == LOAD_FOUND;
}

/* ---- what a start needs ---------------------------------------------------------- */

static uint64_t
rest(uint64_t budget, uint64_t used)
{
    return budget > used ? budget - used : 0;
}

/* No more than the least of the day's limits: nobody can use more.  A limit of 0 bars the start. */
static uint64_t
at_most_a_day(struct objects *o, const struct job_state *j, enum dimension d, uint64_t amount)
{
    struct scope scopes[SCOPES_MAX];
    uint32_t     n = scopes_of(j, scopes);

    for (uint32_t i = 0; i < n; i++) {
        int64_t limit = ledger_limit(o, scopes[i].id, d);

        if (limit > 0) amount = at_most(amount, (uint64_t)limit);
    }
    return amount;
}

/* Without a limit of a day. */
static uint64_t
wants(const struct limits *l, const struct job_state *j, const struct job_spec *spec,
      enum dimension d)
{
    switch (d) {
    case DIM_TURNS:
        return (uint64_t)(spec->max_turns == NO_LIMIT ? l->reserve_turns : spec->max_turns);
    case DIM_TOKENS:
        return spec->token_budget
                   ? rest(spec->token_budget, sum_of(j->input_tokens, j->output_tokens))
                   : (uint64_t)l->reserve_tokens;
    case DIM_COST:
        return spec->cost_budget_micros ? rest(spec->cost_budget_micros, j->cost_micros)
                                        : (uint64_t)l->reserve_cost_micros;
    default: return (uint64_t)spec->max_run_ms;
    }
}

const char *
budget_spent(struct txn *t, const struct job_state *j)
{
    struct job_spec spec = {.id = j->id};
    uint64_t        tokens = sum_of(j->input_tokens, j->output_tokens);

    if (job_spec_load(t, &spec) != LOAD_FOUND) return NULL;
    if (spec.token_budget && tokens >= spec.token_budget) {
        return arena_printf(txn_arena(t), "it has used %" PRIu64 " of its %" PRIu64 " tokens",
                            tokens, spec.token_budget);
    }
    if (spec.cost_budget_micros && j->cost_micros >= spec.cost_budget_micros) {
        return arena_printf(txn_arena(t), "it has used %" PRIu64 " of its %" PRIu64 " cost_micros",
                            j->cost_micros, spec.cost_budget_micros);
    }
    return NULL;
}

static bool
fits(int64_t limit, uint64_t used, uint64_t wanted)
{
    return limit == NO_LIMIT || (used < (uint64_t)limit && wanted <= (uint64_t)limit - used);
}

bool
budget_holds(struct objects *o, const struct limits *l, uint64_t head, uint32_t scope,
             struct budget_finding *out)
{
    struct job_state j = {.id = head};
    struct job_spec  spec = {.id = head};

    if (!ledger_is_limited(o, scope)) return false;
    if (job_state_load(o->txn, &j) != LOAD_FOUND || job_spec_load(o->txn, &spec) != LOAD_FOUND)
        return false; /* the start finds that out */
    return budget_holds_job(o, l, &j, &spec, scope, out);
}

bool
budget_holds_job(struct objects *o, const struct limits *l, const struct job_state *j,
                 const struct job_spec *spec, uint32_t scope, struct budget_finding *out)
{
    struct ledger *row;

    if (!ledger_is_limited(o, scope)) return false;
    row = ledger_row(o, scope, ledger_date(o, scope, o->now_ms));
    for (enum dimension d = 0; d < DIM_COUNT; d++) {
        int64_t  limit = ledger_limit(o, scope, d);
        uint64_t used = ledger_used(row, d);

        if (fits(limit, used, at_most_a_day(o, j, d, wants(l, j, spec, d)))) continue;
        *out = (struct budget_finding){.dimension = d, .limit = limit, .used = used};
        return true;
    }
    return false;
}

/* A limit that is raised no longer keeps the others' reservations small, so that one of them may
 * not fit any more: it is raised, too. */
static size_t
raises_of(const struct budget_raise *all, uint32_t n, uint64_t wanted, struct budget_raise *out)
{
    bool     is_raised[SCOPES_MAX] = {false}, goes_on = true;
    uint64_t want = wanted;
    size_t   count = 0;

    while (goes_on) {
        want = wanted;
        goes_on = false;
        for (uint32_t i = 0; i < n; i++) {
            if (all[i].limit > 0 && !is_raised[i]) want = at_most(want, (uint64_t)all[i].limit);
        }
        for (uint32_t i = 0; i < n; i++) {
            if (is_raised[i] || fits(all[i].limit, all[i].used, want)) continue;
            is_raised[i] = goes_on = true;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!is_raised[i]) continue;
        out[count] = all[i];
        out[count].wanted = want;
        out[count++].enough = all[i].used ? sum_of(all[i].used, want ? want : 1) : 1;
    }
    return count;
}

size_t
budget_raises(struct objects *o, const struct limits *l, uint64_t head,
              struct budget_raise out[BUDGET_RAISES_MAX])
{
    struct job_state j = {.id = head};
    struct job_spec  spec = {.id = head};
    struct scope     scopes[SCOPES_MAX];
    uint32_t         n;
    size_t           count = 0;

    if (job_state_load(o->txn, &j) != LOAD_FOUND || job_spec_load(o->txn, &spec) != LOAD_FOUND)
        return 0;
    n = scopes_of(&j, scopes);
    for (enum dimension d = 0; d < DIM_COUNT; d++) {
        struct budget_raise all[SCOPES_MAX];
        uint64_t            wanted = wants(l, &j, &spec, d);
        uint64_t            most = at_most_a_day(o, &j, d, wanted);

        for (uint32_t i = 0; i < n; i++) {
            uint32_t       date = ledger_date(o, scopes[i].id, o->now_ms);
            struct ledger *row = ledger_row(o, scopes[i].id, date);
            int64_t        limit = ledger_limit(o, scopes[i].id, d);
            uint64_t       used = ledger_used(row, d);
            uint64_t       gone = rest(used, *ledger_amount(row, LEDGER_RESERVED, d));

            all[i] = (struct budget_raise){.predicate = scopes[i].predicate,
                                           .scope = scopes[i].id,
                                           .dimension = d,
                                           .limit = limit,
                                           .used = used,
                                           .is_held_by_running = fits(limit, gone, most)};
        }
        count += raises_of(all, n, wanted, out + count);
    }
    return count;
}

bool
budget_has_room(struct objects *o, uint32_t scope)
{
    struct ledger *row;

    if (!ledger_is_limited(o, scope)) return true;
    row = ledger_row(o, scope, ledger_date(o, scope, o->now_ms));
    for (enum dimension d = 0; d < DIM_COUNT; d++) {
        int64_t limit = ledger_limit(o, scope, d);

        if (limit != NO_LIMIT && ledger_used(row, d) >= (uint64_t)limit) return false;
    }
    return true;
}

int64_t
budget_run_max(struct objects *o, const struct job_state *j, const struct job_spec *spec)
{
    return (int64_t)at_most_a_day(o, j, DIM_RUN, (uint64_t)spec->max_run_ms);
}

void
budget_reserve(struct engine *en, const struct job_state *j, const struct job_spec *spec)
{
    struct objects *o = &en->turn.objects;
    struct scope    scopes[SCOPES_MAX];
    uint32_t        n = scopes_of(j, scopes);

    for (uint32_t i = 0; i < n; i++) {
        struct reservation r = {.job = j->id, .scope = scopes[i].id};
        struct ledger     *row;

        if (!ledger_is_limited(o, r.scope)) continue;
        r.date = ledger_date(o, r.scope, en->turn.now.wall_ms);
        row = ledger_row(o, r.scope, r.date);
        for (enum dimension d = 0; d < DIM_COUNT; d++) {
            uint64_t want = at_most_a_day(o, j, d, wants(&en->memory.limits, j, spec, d));

            if (ledger_limit(o, r.scope, d) == NO_LIMIT) want = NOT_RESERVED;
            *reserved(&r, d) = want;
            if (want != NOT_RESERVED) *ledger_amount(row, LEDGER_RESERVED, d) += want;
        }
        reservation_save(turn_txn(en), &r);
        o->has_reservations = o->knows_reservations = true;
    }
}

/* ---- usage ----------------------------------------------------------------------- */

static void
feed_budget(struct engine *en, enum feed_type type, const struct ledger *row, enum dimension d,
            uint64_t used, int64_t limit)
{
    const struct object_entry *o = objects_get(&en->turn.objects, row->scope);
    struct mp_open_map         m;
    struct buf                *b;

    if (!o) return;
    m = feed_open(en, type, o->row.kind == KIND_COMPANY ? o->row.id : o->row.company);
    b = feed_buf(en);
    mp_put_cstr(b, &m, "scope", object_kind_name(o->row.kind));
    mp_put_str(b, &m, "name", o->row.name);
    mp_put_cstr(b, &m, "dimension", dimension_name(d));
    mp_put_u64(b, &m, "used", used);
    mp_put_i64(b, &m, "limit", limit);
    feed_close(en, &m);
}

/* Once a day and dimension at 80 %, and once when nothing is left. */
static void
warn(struct engine *en, struct ledger *row, enum dimension d)
{
    int64_t  limit = ledger_limit(&en->turn.objects, row->scope, d);
    uint64_t used =
        *ledger_amount(row, LEDGER_CHARGED, d) + *ledger_amount(row, LEDGER_OVERSHOOT, d);
    uint8_t near = (uint8_t)(1 << d), spent = (uint8_t)(1 << (d + DIM_COUNT));

    if (limit == NO_LIMIT) return;
    if (!(row->warned & near) && used >= (uint64_t)(limit - limit / 5)) {
        row->warned |= near;
        feed_budget(en, FEED_BUDGET_WARNING, row, d, used, limit);
    }
    if (!(row->warned & spent) && used >= (uint64_t)limit) {
        row->warned |= spent;
        feed_budget(en, FEED_BUDGET_EXHAUSTED, row, d, used, limit);
    }
}

/* r: NULL without a reservation. */
static bool
charge_one(struct ledger *row, struct reservation *r, enum dimension d, uint64_t more)
{
    uint64_t *rest = r ? reserved(r, d) : NULL, *held, from;

    if (!rest || *rest == NOT_RESERVED) {
        sum_add(ledger_amount(row, LEDGER_CHARGED, d), more);
        return false;
    }
    from = at_most(more, *rest);
    held = ledger_amount(row, LEDGER_RESERVED, d);
    *rest -= from;
    *held -= at_most(from, *held);
    sum_add(ledger_amount(row, LEDGER_CHARGED, d), from);
    sum_add(ledger_amount(row, LEDGER_OVERSHOOT, d), more - from);
    return more > from;
}

/* The day on which what an attempt uses is charged: that of its start.  *has: it holds a
 * reservation there, *r. */
static struct ledger *
day_of(struct engine *en, const struct job_state *j, uint32_t scope, struct reservation *r,
       bool *has)
{
    struct objects *o = &en->turn.objects;

    *r = (struct reservation){.job = j->id, .scope = scope};
    *has = find_reservation(o, r);
    return ledger_row(o, scope, *has ? r->date : ledger_date(o, scope, j->claimed_at));
}

bool
budget_charge(struct engine *en, const struct job_state *j, const struct amounts *more)
{
    struct scope scopes[SCOPES_MAX];
    uint32_t     n = scopes_of(j, scopes);
    bool         is_over = false;

    for (uint32_t i = 0; i < n; i++) {
        struct reservation r;
        bool               has;
        struct ledger     *row = day_of(en, j, scopes[i].id, &r, &has);

        for (enum dimension d = 0; d < DIM_COUNT; d++) {
            if (more->of[d] == 0) continue;
            is_over |= charge_one(row, has ? &r : NULL, d, more->of[d]);
            warn(en, row, d);
        }
        if (has) reservation_save(turn_txn(en), &r);
    }
    return is_over;
}

static bool
check_job(struct engine *en, const struct job_state *j, enum dimension d, uint64_t budget,
          uint64_t used, uint64_t more)
{
    uint64_t           near = budget - budget / 5;
    struct mp_open_map m;

    if (budget == 0) return false;
    if (used >= near && used - more < near) {
        m = feed_open_job(en, FEED_JOB_BUDGET_WARNING, j, NULL);
        mp_put_cstr(feed_buf(en), &m, "dimension", dimension_name(d));
        mp_put_u64(feed_buf(en), &m, "used", used);
        mp_put_u64(feed_buf(en), &m, "limit", budget);
        feed_close(en, &m);
    }
    return used > budget;
}

bool
budget_of_job(struct engine *en, const struct job_state *j, const struct amounts *more)
{
    struct job_spec spec = {.id = j->id};
    bool            is_over;

    if (job_spec_load(turn_txn(en), &spec) != LOAD_FOUND) return false;
    is_over = check_job(en, j, DIM_TOKENS, spec.token_budget,
                        sum_of(j->input_tokens, j->output_tokens), more->of[DIM_TOKENS]);
    return check_job(en, j, DIM_COST, spec.cost_budget_micros, j->cost_micros,
                     more->of[DIM_COST]) ||
           is_over;
}

void
budget_end(struct engine *en, const struct job_state *j, int64_t ended_at)
{
    int64_t        ran_ms = ended_at - j->claimed_at;
    struct amounts more = {.of[DIM_RUN] = ran_ms > 0 ? (uint64_t)ran_ms : 0};
    struct scope   scopes[SCOPES_MAX];
    uint32_t       n = scopes_of(j, scopes);

    (void)budget_charge(en, j, &more);
    for (uint32_t i = 0; i < n; i++) {
        struct reservation r;
        bool               has;
        struct ledger     *row = day_of(en, j, scopes[i].id, &r, &has);

        row->attempts++;
        if (!has) continue;
        for (enum dimension d = 0; d < DIM_COUNT; d++) {
            uint64_t *held = ledger_amount(row, LEDGER_RESERVED, d);

            if (*reserved(&r, d) != NOT_RESERVED) *held -= at_most(*reserved(&r, d), *held);
        }
        (void)reservation_delete(turn_txn(en), &r);
        limit_released(en, (uint8_t)scopes[i].predicate, scopes[i].id);
    }
}

void
budget_allowed(struct objects *o, const struct job_state *j, const struct job_spec *spec,
               int64_t allowed[DIM_COUNT])
{
    struct scope scopes[SCOPES_MAX];
    uint32_t     n = scopes_of(j, scopes);

    for (enum dimension d = 0; d < DIM_COUNT; d++)
        allowed[d] = NO_LIMIT;
    allowed[DIM_TURNS] = spec->max_turns;
    if (spec->token_budget)
        allowed[DIM_TOKENS] =
            (int64_t)rest(spec->token_budget, sum_of(j->input_tokens, j->output_tokens));
    if (spec->cost_budget_micros)
        allowed[DIM_COST] = (int64_t)rest(spec->cost_budget_micros, j->cost_micros);
    for (uint32_t i = 0; i < n; i++) {
        struct reservation r = {.job = j->id, .scope = scopes[i].id};

        if (!find_reservation(o, &r)) continue;
        for (enum dimension d = 0; d < DIM_COUNT; d++) {
            uint64_t held = *reserved(&r, d);

            if (held != NOT_RESERVED && (allowed[d] == NO_LIMIT || held < (uint64_t)allowed[d])) {
                allowed[d] = (int64_t)held;
            }
        }
    }
}

/* ---- the next day ------------------------------------------------------------------ */

void
budget_holds_until(struct engine *en, uint32_t scope)
{
    int64_t at = ledger_next_day(&en->turn.objects, scope, en->turn.now.wall_ms);

    if (at < en->memory.budget_day_at) en->memory.budget_day_at = at;
}

void
budgets_due(struct engine *en)
{
    if (en->turn.now.wall_ms < en->memory.budget_day_at) return;
    en->memory.budget_day_at = INT64_MAX;
    en->memory.recheck_limits = true;
}
