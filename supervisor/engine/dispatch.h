/* dispatch - which ready jobs start now: once a turn, last, so that a stop in a turn beats any
 * start in it. */
#ifndef ENGINE_DISPATCH_H
#define ENGINE_DISPATCH_H

#include "supervisor/engine/turn.h"

/* Starts what no predicate holds (caps.h), best lane first, while slots are free; sets due_again
 * when bounded work is left for the next turn. */
void dispatch_run(struct engine *en);

#endif
