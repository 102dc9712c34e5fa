/* retention - what ages goes (N15): one table of what, for how long, and in which order.
 *
 * At most PURGE_ROWS_MAX rows a turn, those of job.purge included; the next turn goes on at once.
 * Nothing goes while the wall clock is in doubt (N27). */
#ifndef ENGINE_RETENTION_H
#define ENGINE_RETENTION_H

#include "supervisor/engine/turn.h"

/* Due work. */
void retention_due(struct engine *en);
/* When the oldest of anything is over its time; INT64_MAX for never. */
int64_t retention_deadline(struct engine *en);

#endif
