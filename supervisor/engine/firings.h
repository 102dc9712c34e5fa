/* firings - the figures of firings: what each took, in its row, and the averages of a schedule
 * (C11). */
#ifndef ENGINE_FIRINGS_H
#define ENGINE_FIRINGS_H

#include "supervisor/engine/reads.h"
#include "supervisor/engine/turn.h"

/* A job that a schedule made has started; only its first start is noted. */
void firing_started(struct engine *en, const struct job_state *j, const struct job_spec *spec);
/* It has ended: its row, and the averages in run, which the caller saves.  Averages are 0.7 of the
 * old one and 0.3 of the new measure, of firings that ran and were not cancelled.  False when the
 * firing had ended before: a person retried its job. */
bool firing_ended(struct engine *en, const struct job_state *j, const struct job_spec *spec,
                  struct schedule *run);

/* enum firing_kind by name; "" for a number that is none. */
const char *firing_kind_name(uint8_t kind);

/* schedule.firings, the newest first. */
enum errc read_schedule_firings(struct reading *r, const struct msg_schedule_firings *m) MUST_CHECK;

/* schedule.stats: of one schedule, or of all. */
enum errc read_schedule_stats(struct reading *r, const struct msg_schedule_stats *m) MUST_CHECK;

#endif
