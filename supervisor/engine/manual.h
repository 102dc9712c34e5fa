/* manual - firings by hand (C10): now, or for nominal times that have passed.
 *
 * They write firing rows like the others, and move neither the cursor nor the next firing.  Caps
 * are honoured; with force those of scheduled jobs, of the company, the agent and the handler are
 * not, nor the overlap, and the audit says so (manual_force_bypass). */
#ifndef ENGINE_MANUAL_H
#define ENGINE_MANUAL_H

#include "supervisor/engine/fire.h"
#include "supervisor/engine/turn.h"

/* The schedule that an actor names, its row, and how it would fire; refused while no new work is
 * taken. */
enum errc manual_prepare(struct engine *en, const struct actor *a, struct view name, bool is_forced,
                         struct fire *how, struct schedule *run, struct err *e) MUST_CHECK;
/* It was fired by hand: made_answered, and the audit, which says when it was forced. */
void manual_done(struct engine *en, const struct actor *a, const struct fire *how,
                 const char *action, struct view after);

/* Fires now, paused or ended as it may be, or is refused and queues nothing (room.h).  To be served
 * after the turn's dispatch: what waited has started then, if it could. */
enum errc on_schedule_run(struct engine *en, const struct actor *a,
                          const struct msg_schedule_run *m, struct buf *reply,
                          struct err *e) MUST_CHECK;

#endif
