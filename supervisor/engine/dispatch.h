/* dispatch - which ready jobs start now: once a turn, last, so that a stop in a turn beats any
 * start in it. */
#ifndef ENGINE_DISPATCH_H
#define ENGINE_DISPATCH_H

#include "supervisor/engine/turn.h"

void dispatch_run(struct engine *en);

#endif
