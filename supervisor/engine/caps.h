/* caps - the named predicates that decide whether a lane may start, over one snapshot of what runs
 * (A8, A10).
 *
 * Dispatch walks the same list that `why` prints.  Caps are counted from the running rows, never
 * remembered (A12). */
#ifndef ENGINE_CAPS_H
#define ENGINE_CAPS_H

#include "supervisor/engine/objects.h"
#include "supervisor/engine/turn.h"

/* PASS: holds everything, the dispatch ends; LANE: holds the lane, which waits in the index of
 * blocked lanes. parks: a job held so is shown as parked (N18).  Append-only: the numbers are
 * stored. */
// clang-format off
/*    NAME           text             scope  parks */
#define PREDICATES(P)                                   \
    P(STOPPED,       "stopped",       PASS,  true)      \
    P(DRAINING,      "draining",      PASS,  true)      \
    P(NO_WORKER,     "no_worker",     PASS,  true)      \
    P(NO_SLOT,       "no_slot",       PASS,  false)     \
    P(GLOBAL_CAP,    "global_cap",    PASS,  true)      \
    P(COMPANY_PAUSED, "paused",       LANE,  true)      \
    P(AGENT_PAUSED,  "paused",        LANE,  true)      \
    P(BREAKER,       "breaker",       LANE,  true)      \
    P(SCHEDULE_CAP,  "schedule_cap",  LANE,  true)      \
    P(COMPANY_CAP,   "company_cap",   LANE,  true)      \
    P(AGENT_CAP,     "agent_cap",     LANE,  true)      \
    P(HANDLER_CAP,   "handler_cap",   LANE,  true)      \
    P(SCHEDULE_BUDGET, "budget",      LANE,  true)      \
    P(COMPANY_BUDGET, "budget",       LANE,  true)      \
    P(AGENT_BUDGET,  "budget",        LANE,  true)      \
    P(ALONE,         "alone",         LANE,  true)      \
    P(OVERLAP,       "overlap",       LANE,  true)      \
    P(SCHEDULE_PAUSED, "paused",      LANE,  true)
// clang-format on

enum predicate {
    HELD_NOT,
#define P(NAME, text, scope, parks) HELD_##NAME,
    PREDICATES(P)
#undef P
        HELD_COUNT
};
enum predicate_scope { PASS, LANE };

/* So many lanes are tried in what a budget has left, in one pass: of one budget, and of all.  The
 * others are looked for in the next turns (lanes_retry_budgets). */
#define MISFITS_MAX     64
#define MISFITS_ALL_MAX 1024

/* What holds a lane: on is the id of the company, agent, handler or schedule whose limit it is. */
struct finding {
    enum predicate predicate;
    uint32_t       on;
    int64_t        limit;
    uint64_t       used;
    uint64_t       head; /* of a budget: the job that does not fit */
    uint32_t       lane; /* whose; 0: anyone's */
};

struct snapshot {
    const struct memory *memory;
    struct objects      *objects;
    uint32_t             running, schedule_born;
    struct idmap         companies, agents, handlers, schedules; /* counts */
    struct idmap         did_not_fit; /* lanes of this pass, by whose budget it was … */
    uint32_t             misfits;     /* … and of all */
};

/* Counts the running rows. */
void snapshot_take(struct snapshot *s, const struct memory *m, struct objects *o);
/* A job of this lane has just been started. */
void snapshot_add(struct snapshot *s, const struct lane *l);
/* The first predicate of the scope, behind `after` (HELD_NOT: from the first), that holds the lane;
 * false when none does. lane may be NULL for PASS: any, that may use every worker. */
bool snapshot_blocks(struct snapshot *s, enum predicate_scope scope, const struct lane *l,
                     enum predicate after, struct finding *out);
/* Whether the running job counts under the limit that holds the lane. */
bool finding_counts(struct objects *o, const struct memory *m, const struct finding *f,
                    const struct job_state *j);
/* How many more could start under (predicate, on) now; at least 0. */
int64_t snapshot_room(struct snapshot *s, enum predicate p, uint32_t on);

/* Whether the limit is one of amounts: another lane may fit in where this one does not. */
bool        predicate_is_budget(enum predicate p);
const char *predicate_name(enum predicate p);
bool        predicate_parks(enum predicate p);
/* The cap in force and the count of running jobs under it. */
void snapshot_cap(struct snapshot *s, enum predicate p, uint32_t on, int64_t *limit,
                  uint32_t *used);

#endif
