/* daily - daily limits (B6) by chance, for whatever may declare them. */
#ifndef SIM_DAILY_H
#define SIM_DAILY_H

#include "tools/sim/config.h"

struct daily {
    int64_t     turns, tokens, cost_micros, run_ms; /* -2: not given */
    const char *zone;                               /* NULL: not given */
};

/* `least` of each: 0 lets nothing start. */
struct daily daily_random(struct rng *r, int64_t least);

/* What all attempts of a job may use together, now and then. */
#define SPEND_GIVE(m, name, r)                                          \
    do {                                                                \
        if (rng_chance(r, 150)) {                                       \
            (m)->token_budget = (uint64_t)rng_between(r, 1, 3000);      \
            SET_HAS(m, name, token_budget);                             \
        }                                                               \
        if (rng_chance(r, 150)) {                                       \
            (m)->cost_budget_micros = (uint64_t)rng_between(r, 1, 200); \
            SET_HAS(m, name, cost_budget_micros);                       \
        }                                                               \
    } while (0)

#define DAILY_GIVE(m, name, d)                                                       \
    do {                                                                             \
        (m)->daily_turns = (d)->turns;                                               \
        (m)->daily_tokens = (d)->tokens;                                             \
        (m)->daily_cost_micros = (d)->cost_micros;                                   \
        (m)->daily_run_ms = (d)->run_ms;                                             \
        (m)->budget_zone = view_str((d)->zone);                                      \
        if ((m)->daily_turns >= NO_LIMIT) SET_HAS(m, name, daily_turns);             \
        if ((m)->daily_tokens >= NO_LIMIT) SET_HAS(m, name, daily_tokens);           \
        if ((m)->daily_cost_micros >= NO_LIMIT) SET_HAS(m, name, daily_cost_micros); \
        if ((m)->daily_run_ms >= NO_LIMIT) SET_HAS(m, name, daily_run_ms);           \
        if ((d)->zone) SET_HAS(m, name, budget_zone);                                \
    } while (0)

#endif
