/* wallclock - what becomes of the wall clock being set back (N27).
 *
 * While agentd runs, what the machine says is believed at once, and all that waits for a time is
 * planned anew.  At a start the shell may say that the clock is held, because the kernel does not
 * know the time: then nothing that waits for a time is done, and nothing is planned anew, until the
 * clock is set, accepted by an operator, or held no longer. */
#ifndef ENGINE_WALLCLOCK_H
#define ENGINE_WALLCLOCK_H

#include "supervisor/engine/turn.h"

bool wallclock_is_held(const struct engine *en);
/* At a turn's begin: whether it went back since the last one. */
void wallclock_notice(struct engine *en);
/* At boot: whether it is behind the last turn of an earlier agentd. */
void wallclock_at_boot(struct engine *en);
/* At a turn's end: how far the time has come, for the next boot to compare. */
void wallclock_keep(struct engine *en);

/* clock.accept: it is right as it is. */
enum errc on_clock_accept(struct engine *en, const struct actor *a, struct buf *reply);

#endif
