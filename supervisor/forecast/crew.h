/* crew - the workers of a forecast's world: they are told what to run, run nothing, and report its
 * end when its time is over. */
#ifndef FORECAST_CREW_H
#define FORECAST_CREW_H

#include "supervisor/forecast/world.h"

/* Within a turn: all of the world's workers come up. */
void crew_start(struct world *w);
/* Within a turn: reports what has ended by now; how many jobs, which are copied to `ended`. */
size_t crew_report_ends(struct world *w, struct world_run ended[SLOTS_MAX]);
/* After a turn: takes what it told workers, and forgets the jobs that have ended. */
void crew_take_outputs(struct world *w);

#endif
