#include "tools/sim/model.h"
#include "tools/sim/verdict.h"
#include "tools/sim/zones.h"

#include <inttypes.h>

/* Budgets (B6, N25): what is charged, reserved and overshot, scope by scope and day by day. */

#define DAY_MS 86400000

static const char *const dimensions[M_DIMENSIONS] = {"turns", "tokens", "cost_micros", "run_ms"};

/* ---- scopes and their days ------------------------------------------------------------------- */

/* The schedule, the company and the agent of a job, as far as it has them. */
static unsigned
scopes_of(const struct m_job *j, int out[M_SCOPES])
{
    unsigned n = 0;

    if (j->schedule >= 0) out[n++] = j->schedule;
    out[n++] = j->company;
    if (j->agent >= 0) out[n++] = j->agent;
    return n;
}

static struct view
own_zone(const struct m_object *o)
{
    if (o->kind == KIND_COMPANY) return o->declared.company.budget_zone;
    if (o->kind == KIND_AGENT) return o->declared.agent.budget_zone;
    return o->declared.schedule.budget_zone;
}

/* Its own, else its company's, else the limits'. */
static int64_t
offset_of(struct model *m, int scope)
{
    const struct m_object *o = m_object(m, scope);
    struct view            name = own_zone(o);

    if (name.size == 0 && o->company >= 0) name = own_zone(m_object(m, o->company));
    if (name.size == 0) name = m->limits.budget_zone;
    return zone_offset(name);
}

static int64_t
day_of(struct model *m, int scope, int64_t at)
{
    return (at + offset_of(m, scope)) / DAY_MS;
}

int64_t
m_next_day(struct model *m, int scope)
{
    return (day_of(m, scope, m->now.wall_ms) + 1) * DAY_MS - offset_of(m, scope);
}

#define TAKE_LIMITS(d, name)                                                  \
    do {                                                                      \
        if (HAS(d, name, daily_turns)) out[0] = (d)->daily_turns;             \
        if (HAS(d, name, daily_tokens)) out[1] = (d)->daily_tokens;           \
        if (HAS(d, name, daily_cost_micros)) out[2] = (d)->daily_cost_micros; \
        if (HAS(d, name, daily_run_ms)) out[3] = (d)->daily_run_ms;           \
    } while (0)

/* NO_LIMIT where nothing is said; whether anything is. */
static bool
limits_of(struct model *m, int scope, int64_t out[M_DIMENSIONS])
{
    const struct m_object *o = m_object(m, scope);
    bool                   any = false;

    for (int d = 0; d < M_DIMENSIONS; d++)
        out[d] = NO_LIMIT;
    if (o->kind == KIND_COMPANY) TAKE_LIMITS(&o->declared.company, company);
    if (o->kind == KIND_AGENT) TAKE_LIMITS(&o->declared.agent, agent);
    if (o->kind == KIND_SCHEDULE) TAKE_LIMITS(&o->declared.schedule, schedule);
    for (int d = 0; d < M_DIMENSIONS; d++)
        any |= out[d] != NO_LIMIT;
    return any;
}

struct m_ledger *
m_ledger(struct model *m, int scope, int64_t day)
{
    struct m_ledger *l;

    for (size_t i = m->ledgers.count; i-- > 0;) {
        l = &m->ledgers.items[i];
        if (l->scope == scope && l->day == day) return l;
    }
    l = LIST_ADD(&m->ledgers);
    l->scope = scope;
    l->day = day;
    return l;
}

/* Counted anew each time, from what runs. */
static uint64_t
reserved(struct model *m, int scope, int64_t day, int d)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < m->active.count; i++) {
        const struct m_job *j = m_job(m, m->active.items[i]);

        for (unsigned k = 0; j->state == JOB_RUNNING && k < j->reserve_count; k++) {
            const struct m_reserve *r = &j->reserves[k];

            if (r->scope == scope && r->day == day && r->is_limited[d]) sum += r->rest[d];
        }
    }
    return sum;
}

/* What the limit is compared with. */
static uint64_t
used(struct model *m, int scope, int64_t day, int d)
{
    const struct m_ledger *l = m_ledger(m, scope, day);

    return l->charged[d] + l->over[d] + reserved(m, scope, day, d);
}

/* ---- starts ---------------------------------------------------------------------------------- */

static uint64_t
rest_or(uint64_t budget, uint64_t spent, int64_t otherwise)
{
    if (budget == 0) return (uint64_t)otherwise;
    return budget > spent ? budget - spent : 0;
}

bool
m_budget_is_out(const struct m_job *j)
{
    if (j->token_budget && j->input_tokens + j->output_tokens >= j->token_budget) return true;
    return j->cost_budget && j->cost_micros >= j->cost_budget;
}

/* What a start reserves in each of its scopes: no more than the least of their limits, since more
 * cannot be used. */
static void
wants(struct model *m, const struct m_job *j, uint64_t out[M_DIMENSIONS])
{
    int      scopes[M_SCOPES];
    unsigned n = scopes_of(j, scopes);
    int64_t  limits[M_DIMENSIONS];

    out[0] = (uint64_t)(j->max_turns == NO_LIMIT ? m->limits.reserve_turns : j->max_turns);
    out[1] = rest_or(j->token_budget, j->input_tokens + j->output_tokens, m->limits.reserve_tokens);
    out[2] = rest_or(j->cost_budget, j->cost_micros, m->limits.reserve_cost_micros);
    out[3] = (uint64_t)j->max_run_ms;
    for (unsigned i = 0; i < n; i++) {
        (void)limits_of(m, scopes[i], limits);
        for (int d = 0; d < M_DIMENSIONS; d++) {
            if (limits[d] > 0 && (uint64_t)limits[d] < out[d]) out[d] = (uint64_t)limits[d];
        }
    }
}

static bool
fits_in(struct model *m, const struct m_job *j, int scope)
{
    int64_t  limits[M_DIMENSIONS], day = day_of(m, scope, m->now.wall_ms);
    uint64_t want[M_DIMENSIONS];

    if (!limits_of(m, scope, limits)) return true;
    wants(m, j, want);
    for (int d = 0; d < M_DIMENSIONS; d++) {
        uint64_t there;

        if (limits[d] == NO_LIMIT) continue;
        there = used(m, scope, day, d);
        if (there >= (uint64_t)limits[d] || there + want[d] > (uint64_t)limits[d]) return false;
    }
    return true;
}

bool
m_budget_is_spent(struct model *m, int scope)
{
    int64_t limits[M_DIMENSIONS], day = day_of(m, scope, m->now.wall_ms);
    bool    is_spent = false;

    if (!limits_of(m, scope, limits)) return false;
    for (int d = 0; d < M_DIMENSIONS; d++)
        is_spent |= limits[d] != NO_LIMIT && used(m, scope, day, d) >= (uint64_t)limits[d];
    return is_spent;
}

bool
m_budget_fits(struct model *m, const struct m_job *j)
{
    int      scopes[M_SCOPES];
    unsigned n = scopes_of(j, scopes);

    for (unsigned i = 0; i < n; i++) {
        if (!fits_in(m, j, scopes[i])) return false;
    }
    return true;
}

int64_t
m_budget_freed_at(struct model *m, const struct m_job *j)
{
    int      scopes[M_SCOPES];
    unsigned n = scopes_of(j, scopes);
    int64_t  latest = 0;

    for (unsigned i = 0; i < n; i++) {
        int64_t at = m_next_day(m, scopes[i]);

        if (!fits_in(m, j, scopes[i]) && at > latest) latest = at;
    }
    return latest;
}

int64_t
m_budget_run_max(struct model *m, const struct m_job *j)
{
    uint64_t want[M_DIMENSIONS];

    wants(m, j, want);
    return (int64_t)want[3];
}

/* Behind every start the escrow holds: nothing is promised twice. */
static void
check_escrow(struct model *m, const struct m_job *j, int scope, const int64_t *limits)
{
    int64_t day = day_of(m, scope, m->now.wall_ms);

    for (int d = 0; d < M_DIMENSIONS; d++) {
        uint64_t sum = limits[d] == NO_LIMIT ? 0 : used(m, scope, day, d);

        claim(limits[d] == NO_LIMIT || sum <= (uint64_t)limits[d],
              "the start of job %" PRIu64 " brings %s of %.*s to %" PRIu64
              ", its limit is %" PRId64,
              j->id, dimensions[d], VIEW_ARG(m_object(m, scope)->name), sum, limits[d]);
    }
}

void
m_budget_started(struct model *m, struct m_job *j)
{
    int      scopes[M_SCOPES];
    unsigned n = scopes_of(j, scopes);
    uint64_t want[M_DIMENSIONS];
    int64_t  limits[M_DIMENSIONS];

    wants(m, j, want);
    j->reserve_count = 0;
    for (unsigned i = 0; i < n; i++) {
        struct m_reserve *r = &j->reserves[j->reserve_count];

        if (!limits_of(m, scopes[i], limits)) continue;
        j->reserve_count++;
        *r = (struct m_reserve){.scope = scopes[i], .day = day_of(m, scopes[i], m->now.wall_ms)};
        for (int d = 0; d < M_DIMENSIONS; d++) {
            r->is_limited[d] = limits[d] != NO_LIMIT;
            if (r->is_limited[d]) r->rest[d] = want[d];
        }
        m_ledger(m, r->scope, r->day)->is_touched = true;
        check_escrow(m, j, r->scope, limits);
    }
}

/* ---- usage ----------------------------------------------------------------------------------- */

static struct m_reserve *
reserve_in(struct m_job *j, int scope)
{
    for (unsigned i = 0; i < j->reserve_count; i++) {
        if (j->reserves[i].scope == scope) return &j->reserves[i];
    }
    return NULL;
}

/* At 80 % of a limit, and when nothing is left: once a day each. */
static void
warn(struct m_ledger *l, int d, int64_t limit)
{
    uint64_t spent = l->charged[d] + l->over[d];

    if (limit == NO_LIMIT) return;
    if (spent >= (uint64_t)(limit - limit / 5)) l->warned |= 1u << d;
    if (spent >= (uint64_t)limit) l->warned |= 1u << (d + M_DIMENSIONS);
}

static bool
charge_in(struct model *m, struct m_job *j, int scope, const uint64_t more[M_DIMENSIONS])
{
    struct m_reserve *r = reserve_in(j, scope);
    struct m_ledger  *l = m_ledger(m, scope, r ? r->day : day_of(m, scope, j->claimed_at));
    int64_t           limits[M_DIMENSIONS];
    bool              is_over = false;

    (void)limits_of(m, scope, limits);
    for (int d = 0; d < M_DIMENSIONS; d++) {
        uint64_t within = more[d];

        if (more[d] == 0) continue;
        if (r && r->is_limited[d]) {
            if (within > r->rest[d]) within = r->rest[d];
            r->rest[d] -= within;
        }
        l->charged[d] += within;
        l->over[d] += more[d] - within;
        is_over |= more[d] > within;
        warn(l, d, limits[d]);
    }
    l->is_touched = true;
    return is_over;
}

/* Whether it went beyond what was reserved. */
static bool
charge(struct model *m, struct m_job *j, const uint64_t more[M_DIMENSIONS])
{
    int      scopes[M_SCOPES];
    unsigned n = scopes_of(j, scopes);
    bool     is_over = false;

    for (unsigned i = 0; i < n; i++)
        is_over |= charge_in(m, j, scopes[i], more);
    return is_over;
}

bool
m_budget_used(struct model *m, struct m_job *j, uint64_t turns, uint64_t tokens, uint64_t cost)
{
    const uint64_t more[M_DIMENSIONS] = {turns, tokens, cost, 0};
    bool           is_over;

    if (!turns && !tokens && !cost) return false;
    is_over = charge(m, j, more);
    if (j->token_budget && j->input_tokens + j->output_tokens > j->token_budget) is_over = true;
    return is_over || (j->cost_budget && j->cost_micros > j->cost_budget);
}

/* What an agentd that crashed had started ended no later than that itself. */
void
m_budget_ended(struct model *m, struct m_job *j, bool is_old)
{
    bool    is_cut = is_old && j->claimed_at <= m->last_crash_ms;
    int64_t until = is_cut && m->last_crash_ms < m->now.wall_ms ? m->last_crash_ms : m->now.wall_ms;
    int64_t ran = until - j->claimed_at;
    const uint64_t more[M_DIMENSIONS] = {0, 0, 0, ran > 0 ? (uint64_t)ran : 0};
    int            scopes[M_SCOPES];
    unsigned       n = scopes_of(j, scopes);

    j->run_ms += more[3];
    (void)charge(m, j, more);
    for (unsigned i = 0; i < n; i++) {
        const struct m_reserve *r = reserve_in(j, scopes[i]);

        m_ledger(m, scopes[i], r ? r->day : day_of(m, scopes[i], j->claimed_at))->attempts++;
    }
    j->reserve_count = 0;
}

/* ---- comparing ------------------------------------------------------------------------------- */

static void
compare(struct model *m, struct m_ledger *l)
{
    const struct m_object *o = m_object(m, l->scope);
    struct ledger          row = {.scope = o->id, .date = (uint32_t)l->day};
    bool                   is_there = o->id && ledger_load(m->txn, &row) == LOAD_FOUND;
    const uint64_t         stored[3][M_DIMENSIONS] = {
                {row.turns,           row.tokens,           row.cost_micros,           row.run_ms         },
                {row.reserved_turns,  row.reserved_tokens,  row.reserved_cost_micros,  row.reserved_run_ms},
                {row.overshoot_turns, row.overshoot_tokens, row.overshoot_cost_micros,
                 row.overshoot_run_ms                                                                     },
    };

    l->is_touched = false;
    for (int d = 0; d < M_DIMENSIONS; d++) {
        const uint64_t expected[3] = {l->charged[d], reserved(m, l->scope, l->day, d), l->over[d]};

        for (int part = 0; part < 3; part++) {
            uint64_t amount = is_there ? stored[part][d] : 0;

            claim(amount == expected[part],
                  "%s of %.*s on day %" PRId64 ": %s %" PRIu64 ", expected %" PRIu64, dimensions[d],
                  VIEW_ARG(o->name), l->day,
                  part == 0   ? "charged"
                  : part == 1 ? "reserved"
                              : "overshot",
                  amount, expected[part]);
        }
    }
    claim(!is_there || (row.attempts == l->attempts && row.warned == l->warned),
          "%.*s on day %" PRId64 ": %" PRIu64 " attempts, warned %x, expected %" PRIu64 ", %x",
          VIEW_ARG(o->name), l->day, row.attempts, row.warned, l->attempts, l->warned);
}

void
m_compare_ledgers(struct model *m, bool all)
{
    for (size_t i = 0; i < m->ledgers.count; i++) {
        if (all || m->ledgers.items[i].is_touched) compare(m, &m->ledgers.items[i]);
    }
}
