/* idle - heartbeats that find nothing to do come more seldom (idle_max_ms, C5).
 *
 * A firing found nothing to do when its gate said so, or when its job completed without an effect
 * and without a result (null).  After n of them in a row the next one comes 2^n intervals after the
 * last one's nominal time, at most idle_max_ms after it; the nominal times between are suppressed,
 * in one row.  A firing that did something or failed, and any other wake-up of its agent that is
 * no heartbeat, end it: the next nominal time fires. */
#ifndef ENGINE_IDLE_H
#define ENGINE_IDLE_H

#include "supervisor/engine/nominal.h"

/* Only a heartbeat may have idle_max_ms. */
enum errc idle_check(const struct msg_schedule *s, struct err *e) MUST_CHECK;

/* The first nominal time from run->next_at on that is not left out, of these times; next_at when
 * none follows. */
int64_t idle_first(const struct schedule *run, const struct nominal *n);
/* The next nominal time of a declaration that is not left out; 0 when none follows. */
int64_t idle_next(struct txn *t, const struct object_entry *o, const struct schedule *run);
/* So long, when `interval_ms` lies between two nominal times, until the next one that fires. */
int64_t idle_interval(const struct msg_schedule *s, const struct schedule *run,
                      int64_t interval_ms);
/* The times of *f are left out: they are counted and told.  The caller writes its row. */
void idle_left_out(struct engine *en, const struct object_entry *o, struct schedule *run,
                   struct firing *f);

/* The back-off ends, as when its times are planned anew; what was left out until now stays so. */
void idle_end(struct engine *en, struct schedule *run);
/* The firing of that nominal time is over.  Saves run. */
void idle_firing_over(struct engine *en, const struct object_entry *o, struct schedule *run,
                      int64_t nominal_at, bool found_nothing);
/* A job of a schedule has come to its end, and not by a gate. */
void idle_job_over(struct engine *en, const struct job_state *j, bool found_nothing);
/* Something other than a heartbeat wakes the agent; `by`: the schedule that made the job, which
 * goes on backing off: 0 for none. */
void idle_agent_woken(struct engine *en, uint32_t agent, uint32_t by);

#endif
