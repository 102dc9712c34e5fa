/* routines - schedules that make a ticket at each firing (B3).
 *
 * The firing makes the ticket, assigned to the schedule's agent, and one wake-up: ticket_assigned,
 * source routine_execution.  It is the schedule's job (one at a time, its limits of a run) but not
 * schedule-born: the cap of scheduled jobs does not hold it. */
#ifndef ENGINE_ROUTINES_H
#define ENGINE_ROUTINES_H

#include "supervisor/engine/schedules.h"
#include "supervisor/engine/submit.h"

/* The `ticket` of a schedule's declaration: its agent may have it, its goal and parent are there.
 */
enum errc routine_check(struct engine *en, const struct msg_schedule *s,
                        const struct schedule_refs *refs, struct err *e) MUST_CHECK;
/* What its tickets serve and are below, into the running row: 0 for none, and for what is no
 * routine. */
void routine_take(const struct msg_schedule *s, struct schedule *run);
/* A firing's job becomes the wake-up of a new ticket … */
void routine_fire(struct engine *en, const struct object_entry *o, struct submission *s,
                  struct ticket *k);
/* … and has been written. */
void routine_fired(struct engine *en, struct ticket *k, const struct job_state *j);

enum errc on_routine_add(struct engine *en, const struct actor *a, const struct msg_routine_add *m,
                         struct buf *reply, struct err *e) MUST_CHECK;
/* A routine's ticket is done, and its assignee (or the agent named) is woken: trigger routine. */
enum errc on_routine_complete(struct engine *en, const struct actor *a,
                              const struct msg_routine_complete *m, struct buf *reply,
                              struct err *e) MUST_CHECK;

#endif
