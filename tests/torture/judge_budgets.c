/* What was charged is what the jobs have used (B6). */
#include "common/hash.h"
#include "common/mp.h"
#include "tests/torture/breaks.h"
#include "tests/torture/config.h"
#include "tests/torture/items.h"
#include "tests/torture/judge.h"
#include "tests/torture/schedules.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum owner { OF_COMPANY, OF_AGENT, OF_SCHEDULE, OWNER_COUNT };

/* The ledger of one company, agent or schedule, all days together. */
struct balance {
    enum owner  of;
    uint64_t    name; /* hash */
    char        text[64];
    struct used used; /* charged and overshot */
    uint64_t    overshoot_turns;
    uint64_t    reserved; /* of all dimensions together */
    uint64_t    earned, tickets_done;
};

struct balances {
    struct balance *all;
    size_t          count;
};

static uint64_t
amount_of(struct view map, const char *key)
{
    int64_t n = 0;

    return mp_find_i64(map, key, &n) ? (uint64_t)n : 0;
}

/* ---- what the ledgers say -------------------------------------------------------------------- */

static struct balance *
balance_of(struct balances *b, struct view item)
{
    static const char *const owners[OWNER_COUNT] = {"company", "agent", "schedule"};
    struct view              name = text_of(item, "name");
    enum owner               of = 0;

    while (of < OF_SCHEDULE && !view_is(text_of(item, "scope"), owners[of]))
        of++;
    for (size_t i = 0; i < b->count; i++) {
        if (b->all[i].of == of && b->all[i].name == hash64(name, 0)) return &b->all[i];
    }
    b->all = xrealloc(b->all, (b->count + 1) * sizeof(*b->all));
    b->all[b->count] = (struct balance){.of = of, .name = hash64(name, 0)};
    (void)snprintf(b->all[b->count].text, sizeof(b->all[0].text), "%.*s", VIEW_ARG(name));
    return &b->all[b->count++];
}

/* Charged and overshot, which it returns. */
static uint64_t
take_amounts(struct balance *b, struct view item, const char *dimension)
{
    struct view amounts = {0};

    (void)mp_find(item, dimension, &amounts); /* without them nothing was charged */
    b->reserved += amount_of(amounts, "reserved");
    return amount_of(amounts, "charged") + amount_of(amounts, "overshoot");
}

static void
take_day(struct view item, void *arg)
{
    struct balance *b = balance_of(arg, item);
    struct view     turns = {0};

    b->used.turns += take_amounts(b, item, "turns");
    b->used.tokens += take_amounts(b, item, "tokens");
    b->used.cost_micros += take_amounts(b, item, "cost_micros");
    b->used.run_ms += take_amounts(b, item, "run_ms");
    b->used.attempts += amount_of(item, "attempts");
    (void)mp_find(item, "turns", &turns); /* as above */
    b->overshoot_turns += amount_of(turns, "overshoot");
    b->earned += amount_of(item, "earned");
    b->tickets_done += amount_of(item, "tickets_done");
}

/* ---- what the jobs say ----------------------------------------------------------------------- */

static bool
is_of(const struct job *j, const struct balance *b)
{
    if (b->of == OF_COMPANY) return j->company == b->name;
    if (b->of == OF_AGENT) return j->agent == b->name;
    return j->schedule && hash64(view_str(schedules[j->schedule - 1].name), 0) == b->name;
}

static void
compare(const struct balance *b, const char *what, uint64_t charged, uint64_t used)
{
    if (charged == used) return;
    breaks_add(BREAK_BUDGET, "%s: %" PRIu64 " %s were charged, its jobs used %" PRIu64, b->text,
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
    if (strcmp(b->text, THRIFT) == 0) compare(b, "turns too many", b->overshoot_turns, 0);
}

static void
judge_earned(const struct model *m, const struct balance *b)
{
    uint64_t earned = 0, done = 0;

    for (uint64_t id = 1; id < m->ticket_cap; id++) {
        const struct ticket *k = &m->tickets[id];

        if (!k->is_there || !k->is_done || k->assignee != b->name) continue;
        earned += k->reward;
        done++;
    }
    compare(b, "earned", b->earned, earned);
    compare(b, "tickets", b->tickets_done, done);
}

void
judge_budgets(const struct model *m, struct link *l)
{
    struct balances b = {0};
    uint64_t        charged = 0, used = 0;

    fetch_pages(l, MSG_USAGE, "\"since\":\"1970-01-02\"", take_day, &b);
    for (size_t i = 0; i < b.count; i++) {
        judge_balance(m, &b.all[i]);
        if (b.all[i].of == OF_AGENT) judge_earned(m, &b.all[i]);
        if (b.all[i].of == OF_COMPANY) charged += b.all[i].used.turns;
    }
    for (uint64_t id = 1; id <= m->last; id++) {
        const struct job *j = &m->jobs[id];

        used += j->used.turns;
        if (j->used.turns == j->attempt_turns) continue;
        breaks_add(BREAK_BUDGET, "job %" PRIu64 " used %" PRIu64 " turns, its attempts %" PRIu64,
                   id, j->used.turns, j->attempt_turns);
    }
    if (charged != used) {
        breaks_add(BREAK_BUDGET, "companies were charged %" PRIu64 " turns, jobs used %" PRIu64,
                   charged, used);
    }
    free(b.all);
}
