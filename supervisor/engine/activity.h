/* activity - what agents did, as they or others say: {agent, type, at, data} (F0).
 *
 * A record is written by a request or by an effect of a job that completes, in its transaction.
 * Records go by limits.keep_activity_ms (retention.h), and with their agent, in bounded steps. */
#ifndef ENGINE_ACTIVITY_H
#define ENGINE_ACTIVITY_H

#include "supervisor/engine/reads.h"
#include "supervisor/engine/turn.h"

#define ACTIVITY_DATA_MAX 65536 /* bytes, packed */

/* What can be said of an effect {activity, data?} without looking at the store; its type is called
 * activity there, for a line of a handler has a type of its own. */
enum errc activity_check(struct view effect, struct err *e) MUST_CHECK;
/* Records it for the agent of the job; E_DENIED when that has none.  It has passed the check. */
enum errc activity_apply(struct engine *en, const struct job_spec *from, struct view effect,
                         struct err *e) MUST_CHECK;

/* An agent is gone, or may have gone before this start: its records will go. */
void activity_forget(struct engine *en);
/* Due work: records of agents that are gone, as many as a turn takes (memory.is_forgetting: there
 * are more). */
void activity_due(struct engine *en);

enum errc on_agent_record(struct engine *en, const struct actor *a,
                          const struct msg_agent_record *m, struct buf *reply,
                          struct err *e) MUST_CHECK;
/* An agent's records, the newest first. */
enum errc read_agent_activity(struct reading *r, const struct msg_agent_activity *m) MUST_CHECK;

#endif
