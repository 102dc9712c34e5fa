/* world - the engine on a virtual clock over a scratch store, with workers that run nothing: a job
 * ends when its modelled time is over, with the modelled usage, and succeeds.
 *
 * Nobody asks for anything in it: what happens comes of the schedules and of the jobs that waited
 * at its beginning. */
#ifndef FORECAST_WORLD_H
#define FORECAST_WORLD_H

#include "supervisor/forecast/copy.h"
#include "supervisor/forecast/model.h"
#include "supervisor/forecast/tally.h"

#define FORECAST_STORE_MAX (UINT64_C(1) << 30)

/* Who is there to run jobs. */
struct world_fleet {
    uint32_t workers, slots; /* slots of each worker */
};

/* Something that a worker runs. */
struct world_run {
    uint32_t         worker;
    uint64_t         slot, token, id;
    bool             is_delivery;
    bool             is_stopped;
    bool             is_looked_at; /* of the company that is looked at */
    uint32_t         company, agent, schedule;
    int64_t          started_ms, ends_ms;
    struct model_run usage;
};

struct world {
    struct store      *store;
    struct engine     *engine;
    struct txn        *txn;            /* of several turns */
    unsigned           batched;        /* turns in it */
    uint64_t           turns_left;     /* until all decided times are counted again … */
    uint64_t           decided_before; /* … of which so many lie before the forecast */
    int64_t            now_ms;         /* both clocks show it */
    struct world_fleet fleet;
    uint32_t           company; /* whose firings are looked at; 0: all */
    uint64_t           first_job;
    uint64_t           firings_max; /* nominal times that are decided before it is cut */
    struct copied      copied;
    struct model       model;
    struct tally       tally;
    struct tally_state state;
    size_t             run_count;
    struct world_run   runs[SLOTS_MAX];
    bool               is_cut;
    int64_t            end_ms; /* of what was looked at */
};

/* Of a zeroed world but for company and firings_max: its store becomes a copy of what `from` sees,
 * its engine is booted, its workers are up.  The caller ends it, also after a failure; a zeroed one
 * may be ended.
 */
enum errc world_begin(struct world *w, struct txn *from, int64_t now_ms, int64_t until_ms,
                      const struct world_fleet *fleet, struct err *e) MUST_CHECK;
void      world_end(struct world *w);

/* A turn at the present instant in which `change` does something to the engine before what is due;
 * when it fails, so does the turn. */
enum errc world_change(struct world *w,
                       enum errc (*change)(struct engine *en, void *arg, struct err *e), void *arg,
                       struct err *e) MUST_CHECK;
/* Lets time pass until the end, or until it is cut.  The transaction stays open for what is read of
 * its end. */
enum errc world_pass(struct world *w, struct err *e) MUST_CHECK;

#endif
