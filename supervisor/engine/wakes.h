/* wakes - agent.wake: one call that wakes an agent, now, later, or again and again (B5).
 *
 * A single wake-up is a job of the trigger manual, judged and merged as job.submit does.  A
 * recurring one (cron or every) is a schedule, for those who may make schedules. */
#ifndef ENGINE_WAKES_H
#define ENGINE_WAKES_H

#include "supervisor/engine/turn.h"

enum errc on_agent_wake(struct engine *en, const struct actor *a, const struct msg_agent_wake *m,
                        struct buf *reply, struct err *e) MUST_CHECK;

#endif
