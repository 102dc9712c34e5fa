/* budgets - escrow of what jobs use (B6, N25).
 *
 * A start reserves, under each daily limit that the job meets, the rest of the job's own budget,
 * else the limits' reserve_*; at most the least of these limits.  Usage is taken from the
 * reservation; what goes beyond it is overshoot and stops the handler.  The end gives the rest
 * back. */
#ifndef ENGINE_BUDGETS_H
#define ENGINE_BUDGETS_H

#include "supervisor/engine/caps.h"
#include "supervisor/engine/ledger.h"

#define NOT_RESERVED UINT64_MAX /* in a reservation: the dimension has no limit */

/* Which limit a start would break. */
struct budget_finding {
    enum dimension dimension;
    int64_t        limit;
    uint64_t       used;
};

/* A limit that is to be raised so that a start fits in, together with the others. */
struct budget_raise {
    enum predicate predicate;
    uint32_t       scope;
    enum dimension dimension;
    int64_t        limit;
    uint64_t       used, wanted;
    uint64_t       enough;             /* what to raise it to */
    bool           is_held_by_running; /* it fits once what runs gives its reservations back */
};

#define BUDGET_RAISES_MAX (3 * DIM_COUNT)

/* Whether the head of the lane does not fit in what the scope has left today: the first such
 * dimension. */
bool budget_holds(struct objects *o, const struct limits *l, uint64_t head, uint32_t scope,
                  struct budget_finding *out);
/* The same of a job that need not be in the store. */
bool budget_holds_job(struct objects *o, const struct limits *l, const struct job_state *j,
                      const struct job_spec *spec, uint32_t scope, struct budget_finding *out);
/* Every daily limit that bars the head's start now or would when the others are raised, by scope
 * and dimension; returns how many.  With all of them raised to `enough` no budget holds it. */
size_t budget_raises(struct objects *o, const struct limits *l, uint64_t head,
                     struct budget_raise out[BUDGET_RAISES_MAX]);
/* Whether the scope has something left today in every dimension. */
bool budget_has_room(struct objects *o, uint32_t scope);

/* How long an attempt may run: the job's time, at most a day's limit. */
int64_t budget_run_max(struct objects *o, const struct job_state *j, const struct job_spec *spec);
void    budget_reserve(struct engine *en, const struct job_state *j, const struct job_spec *spec);
/* The running attempt used more; true when that went beyond a reservation. */
bool budget_charge(struct engine *en, const struct job_state *j, const struct amounts *more);
/* Whether the job used more than its own budget; warns when it passed 80 % of it just now. */
bool budget_of_job(struct engine *en, const struct job_state *j, const struct amounts *more);
/* The attempt is over: its time is charged, the rest of its reservations given back. */
void budget_end(struct engine *en, const struct job_state *j, int64_t ended_at);
/* Says, in the transaction's memory, that the job's own budget has no rest for another attempt;
 * NULL when it has. */
const char *budget_spent(struct txn *t, const struct job_state *j);

/* What is left of a reservation; 0 where nothing is limited. */
uint64_t budget_reserved(const struct reservation *r, enum dimension d);

/* What a started attempt may use, NO_LIMIT where nothing is said: for the handler's document. */
void budget_allowed(struct objects *o, const struct job_state *j, const struct job_spec *spec,
                    int64_t allowed[DIM_COUNT]);

/* The scope's limit holds a lane, at most until its day ends: memory.budget_day_at. */
void budget_holds_until(struct engine *en, uint32_t scope);
/* When a day ends whose limit may hold lanes, they are looked at again. */
void budgets_due(struct engine *en);

#endif
