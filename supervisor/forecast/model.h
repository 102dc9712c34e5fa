/* model - how long a job runs in a forecast and what it uses: as measured (C11), else assumed.
 *
 * What was never measured takes the average of the measured schedules with the same handler, else
 * of those of its company, else MODEL_RUN_MS and nothing used. */
#ifndef FORECAST_MODEL_H
#define FORECAST_MODEL_H

#include "supervisor/engine/turn.h"

#define MODEL_RUN_MS 60000

// clang-format off
#define ASSUMPTIONS(A)     \
    A(MEASURED, "measured") \
    A(HANDLER,  "handler")  \
    A(COMPANY,  "company")  \
    A(DEFAULT,  "default")
// clang-format on
enum assumption {
#define A(NAME, text) ASSUME_##NAME,
    ASSUMPTIONS(A)
#undef A
        ASSUMPTION_COUNT
};

/* Of one run. */
struct model_run {
    enum assumption basis;
    int64_t         run_ms;
    uint64_t        turns, tokens, cost_micros;
};

struct model_sum;

struct model {
    struct arena arena;
    struct idmap schedules;  /* struct model_run, of those that were measured */
    struct idmap handler_of; /* uint32_t, by schedule */
    struct idmap handlers;   /* struct model_sum, by company and handler */
    struct idmap companies;  /* struct model_sum */
};

void model_init(struct model *m);
void model_done(struct model *m);
/* Learns from the schedules' rows; within a turn. */
void model_learn(struct model *m, struct engine *en);
/* Of a firing; of a job of no schedule. */
struct model_run model_firing_of(const struct model *m, uint32_t schedule, uint32_t company);
struct model_run model_run_of(const struct model *m, uint32_t handler, uint32_t company);
const char      *assumption_name(enum assumption a);

#endif
