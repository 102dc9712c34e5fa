/* goal_removal - a goal or a ticket goes with all that is below it (B1).
 *
 * It is refused with a list while unfinished work refers to it: jobs, open goals and tickets below
 * it, routines whose tickets serve it.  With cascade these are cancelled and removed.
 *
 * The request only marks the row, which is found no more from then on.  Each turn does a step of
 * what is marked: marks what is right below, removes the routines, cancels the jobs; a row goes
 * when its last job has ended.  So a crash in between loses nothing. */
#ifndef ENGINE_GOAL_REMOVAL_H
#define ENGINE_GOAL_REMOVAL_H

#include "supervisor/engine/turn.h"

/* A step of each removal; true when something is left to remove. */
bool goal_removals(struct engine *en);
bool goal_removals_are_left(struct engine *en);

enum errc on_goal_remove(struct engine *en, const struct actor *a, const struct msg_goal_remove *m,
                         struct buf *reply, struct err *e) MUST_CHECK;
enum errc on_ticket_remove(struct engine *en, const struct actor *a,
                           const struct msg_ticket_remove *m, struct buf *reply,
                           struct err *e) MUST_CHECK;

#endif
