/* answer - what a forecast's world has shown, as the packed map of docs/SCHEDULES.md. */
#ifndef FORECAST_ANSWER_H
#define FORECAST_ANSWER_H

#include "supervisor/forecast/world.h"

#define ANSWER_ROWS_MAX 1000 /* schedules; those with the longest waits */

/* A schedule as it was before time passed. */
struct answer_before {
    uint32_t id;
    uint64_t firing_count, suppressed_count, missed_count;
};

/* Remembers the counters of every schedule of the world; the caller frees *out. */
void answer_remember(struct world *w, struct answer_before **out, size_t *count);
/* Appends the map of a world whose time has passed; sorts its waits. */
void answer_pack(struct world *w, const struct answer_before *before, size_t count,
                 struct buf *out);

#endif
