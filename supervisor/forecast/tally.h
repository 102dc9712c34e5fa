/* tally - what a forecast counts while time passes: waits, hours, what held, budgets. */
#ifndef FORECAST_TALLY_H
#define FORECAST_TALLY_H

#include "supervisor/engine/caps.h"
#include "supervisor/engine/ledger.h"

#define TALLY_HOUR_MS 3600000LL
#define HOLDS_MAX     64 /* limits that are told apart; further ones are counted by their kind */

/* One firing that started. */
struct tally_wait {
    uint32_t schedule;
    int64_t  ms; /* start − nominal */
};

/* An hour of the wall clock. */
struct tally_hour {
    int64_t  busy_ms; /* of all slots together, by the jobs that are looked at */
    int64_t  full_ms; /* no slot was free */
    uint64_t starts;  /* of firings */
};

/* How long a limit held something back. */
struct tally_hold {
    uint8_t  predicate; /* enum predicate */
    uint32_t on;
    int64_t  ms;
    int64_t *hours; /* the same in each hour */
};

struct tally_budget {
    uint32_t scope;
    int64_t  spent_at;    /* first used up; 0: never */
    int64_t  held_at;     /* something first waited for it; 0: never */
    int64_t  day_ends_at; /* of the last day on which either happened … */
    uint32_t days;        /* … and how many there were */
    /* of the first time that it was used up */
    enum dimension dimension;
    int64_t        limit;
};

struct tally {
    int64_t              from_ms, until_ms;
    int64_t              first_hour; /* hours since 1970 */
    size_t               hour_count;
    struct tally_hour   *hours;
    struct tally_wait   *waits;
    size_t               wait_count, wait_cap;
    struct tally_hold    holds[HOLDS_MAX + HELD_COUNT];
    size_t               hold_count;
    struct tally_budget *budgets;
    size_t               budget_count;
};

/* What was so from one turn to the next. */
struct tally_state {
    uint32_t busy; /* slots */
    bool     is_full;
    size_t   held_count;
    size_t   held[HOLDS_MAX + HELD_COUNT]; /* indexes of holds */
};

void tally_init(struct tally *t, int64_t from_ms, int64_t until_ms);
void tally_done(struct tally *t);
/* The state was so in [from, to). */
void tally_span(struct tally *t, int64_t from_ms, int64_t to_ms, const struct tally_state *s);
void tally_start(struct tally *t, uint32_t schedule, int64_t wait_ms, int64_t at_ms);
/* The place of a limit among the holds. */
size_t tally_hold_of(struct tally *t, uint8_t predicate, uint32_t on);
/* NULL for a scope that was not added. */
struct tally_budget *tally_budget_of(struct tally *t, uint32_t scope);
/* Scopes are added in ascending order. */
void tally_add_budget(struct tally *t, uint32_t scope);
/* By schedule, then shortest first. */
void tally_sort(struct tally *t);

#endif
