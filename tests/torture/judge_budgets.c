/* What was charged is what the jobs have used (B6). */
#include "common/hash.h"
#include "tests/torture/balances.h"
#include "tests/torture/breaks.h"
#include "tests/torture/config.h"
#include "tests/torture/judge.h"
#include <inttypes.h>
#include <string.h>

static bool
is_of(const struct job *j, const struct balance *b)
{
    uint64_t name = hash64(view_str(b->name), 0);

    switch (b->of) {
    case BALANCE_COMPANY: return j->company == name;
    case BALANCE_AGENT: return j->agent == name;
    case BALANCE_SCHEDULE:
        return j->schedule && hash64(view_str(schedules[j->schedule - 1].name), 0) == name;
    default: return false;
    }
}

static void
compare(const struct balance *b, const char *what, uint64_t charged, uint64_t used)
{
    if (charged == used) return;
    breaks_add(BREAK_BUDGET, "%s: %" PRIu64 " %s were charged, its jobs used %" PRIu64, b->name,
               charged, what, used);
}

static void
judge_balance(const struct model *m, const struct balance *b)
{
    struct used sum = {0};

    for (uint64_t id = 1; id <= m->last; id++) {
        const struct job *j = &m->jobs[id];

        if (!j->is_there || !is_of(j, b)) continue;
        sum.turns += j->used.turns;
        sum.tokens += j->used.tokens;
        sum.cost_micros += j->used.cost_micros;
        sum.run_ms += j->used.run_ms;
        sum.attempts += j->used.attempts;
    }
    compare(b, "turns", b->used.turns, sum.turns);
    compare(b, "tokens", b->used.tokens, sum.tokens);
    compare(b, "cost_micros", b->used.cost_micros, sum.cost_micros);
    compare(b, "run_ms", b->used.run_ms, sum.run_ms);
    compare(b, "attempts", b->used.attempts, sum.attempts);
    compare(b, "reserved", b->reserved, 0);
    if (strcmp(b->name, "thrift") == 0) compare(b, "turns too many", b->overshoot_turns, 0);
}

static void
judge_earned(const struct model *m, const struct balance *b)
{
    uint64_t earned = 0, done = 0;

    for (uint64_t id = 1; id < m->ticket_cap; id++) {
        const struct ticket *k = &m->tickets[id];

        if (!k->is_there || !k->is_done || k->assignee != hash64(view_str(b->name), 0)) continue;
        earned += k->reward;
        done++;
    }
    compare(b, "earned", b->earned, earned);
    compare(b, "tickets", b->tickets_done, done);
}

void
judge_budgets(const struct model *m)
{
    struct balance all[BALANCES_MAX];
    size_t         n = balances_read(m->folder, all);
    bool           has_thrift = false;

    for (size_t i = 0; i < n; i++) {
        judge_balance(m, &all[i]);
        if (all[i].of == BALANCE_AGENT) judge_earned(m, &all[i]);
        has_thrift |= strcmp(all[i].name, "thrift") == 0;
    }
    if (!has_thrift) breaks_add(BREAK_BUDGET, "thrift has no ledger");
}
