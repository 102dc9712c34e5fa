/* gates - what runs before the agent and may say that there is nothing to do (C5).
 *
 * A `gate` is one of: `completed`, another schedule that has completed since this one's last
 * firing; `open_tickets`, its agent has tickets that are not done; `command`, a program that a
 * worker asks in the firing's own attempt, before the handler.  The first two are judged here at
 * the nominal time and cost nothing: a no makes no job.  Either way a no makes the firing's row
 * suppressed and `gated`, with the reason, and counts in gated_count; averages, streaks and the
 * overdue alarm know nothing of it.
 *
 * What a person fires (run now, backfill) passes the gate. */
#ifndef ENGINE_GATES_H
#define ENGINE_GATES_H

#include "supervisor/engine/removal.h"
#include "supervisor/engine/schedules.h"

#define GATE_LINKS_MAX 100 /* schedules that wait for one another in a row */

/* What a declaration's gate must fulfil: one test, of things that are there, and no cycle. */
enum errc gate_check(struct engine *en, const struct actor *a, const struct msg_schedule *s,
                     const struct schedule_refs *refs, struct err *e) MUST_CHECK;
/* The schedule that a declaration's gate waits for, as it names it; empty for none. */
struct view gate_awaits(const struct msg_schedule *s);
/* Whether a test that costs nothing says that there is nothing to do now; why, in the transaction's
 * memory.  False when there is no such test. */
bool gate_says_no(struct objects *objects, const struct object_entry *o, const struct schedule *run,
                  struct view *why);
/* The command that is to be asked before the handler of the job, a packed list; empty for none. */
struct view gate_command(struct engine *en, const struct job_spec *spec);
/* The nominal time of *f finds that there is nothing to do.  The caller saves both rows. */
void gate_closes(struct engine *en, const struct object_entry *o, struct schedule *run,
                 struct firing *f, struct view why);
/* The job completed because its gate's command said no. */
void gate_closed_job(struct engine *en, const struct job_state *j, struct view why);
/* The schedule that waits for `id` in its gate; NULL when none does. */
const struct object_entry *gate_waits_for(struct engine *en, uint32_t company, uint32_t id);
/* Names each schedule of others whose gate waits for one of the agent's: these go with the agent.
 */
void gates_name_waiting(struct engine *en, const struct object_entry *agent, struct users *u);

#endif
