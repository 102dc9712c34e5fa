/* turns - inputs become changes and outputs, one commit a turn (N6, N7).
 *
 * A turn that fails before its flush leaves everything as it was; its inputs then run one per
 * transaction, and only the one that fails gets its error.  What is not a client's and fails alone
 * is kept and tried again after HOLD_MS, as is the work that had become due. */
#ifndef SUPERVISOR_TURNS_H
#define SUPERVISOR_TURNS_H

#include "supervisor/inputs.h"

/* What becomes of a turn.  Called after the commit, in the order in which the engine said it. */
struct turn_events {
    void (*on_output)(void *arg, const struct output *o); /* those to workers first */
    /* A client's input that was refused by the store. */
    void (*on_refused)(void *arg, uint64_t client, const struct err *why);
    void *arg;
};

struct turns {
    struct store      *store;
    struct engine     *engine;
    struct turn_events events;
    struct store_space space; /* as of the last turn */
    uint64_t           count;
    uint64_t           commits;
    uint64_t           failures;
    struct pending    *held;
    int64_t            held_until_boot_ms; /* 0: nothing is held back */
    bool               is_due_held;
};

void turns_init(struct turns *t, struct store *store, struct engine *engine,
                const struct turn_events *events);
void turns_done(struct turns *t);

/* Runs everything that is in q, and what is due.  header: all but space is set.  On failure the
 * outcome of a commit is unknown (PITFALLS, row 4): nothing may be said any more, only a restart
 * finds out. */
enum errc turns_run(struct turns *t, struct inputs *q, struct turn_header *header,
                    struct err *e) MUST_CHECK;
/* When the next turn is due by itself. */
struct deadline turns_deadline(const struct turns *t);

#endif
