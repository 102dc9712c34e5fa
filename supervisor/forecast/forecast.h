/* forecast - what the schedules will do (C12): the engine itself on a virtual clock, over a copy.
 *
 * Runs in a process of its own, which reads the store that agentd has open and changes nothing of
 * it.  The same store and the same instant give the same answer. */
#ifndef FORECAST_FORECAST_H
#define FORECAST_FORECAST_H

#include "common/buf.h"
#include "supervisor/forecast/world.h"

#define FORECAST_FIRINGS_MAX 1000000

struct forecast_order {
    const char        *dir;         /* of the store */
    int64_t            now_ms;      /* wall */
    uint64_t           hours;       /* 1 to 720 */
    uint64_t           firings_max; /* nominal times that are decided before it is cut */
    struct world_fleet fleet;
    struct view        with;     /* a change (change.h); empty: none */
    struct view        company;  /* whose schedules are shown; empty: all */
    bool               is_bound; /* who asks is of that company */
};

struct forecast;

/* Copies what it needs of the state that t sees.  The order outlives it. */
enum errc forecast_begin(struct forecast **out, const struct forecast_order *o, struct txn *t,
                         struct err *e) MUST_CHECK;
/* Lets time pass and appends {forecast, with, changes}: `with` is nil without a change. */
enum errc forecast_pass(struct forecast *f, struct buf *out, struct err *e) MUST_CHECK;
void      forecast_end(struct forecast **f);

/* All of that on the order's store, which is read no longer than the copy takes. */
enum errc forecast_run(const struct forecast_order *o, struct buf *out, struct err *e) MUST_CHECK;

/* The order as one packed map, for the process that is to run it; views borrow from `packed`, dir
 * is in the arena.  False: it is none. */
void forecast_pack_order(const struct forecast_order *o, struct buf *out);
bool forecast_read_order(struct view packed, struct arena *a, struct forecast_order *out);

#endif
