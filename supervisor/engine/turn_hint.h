/* turn_hint - a limit on turns that stands in a prompt only (C7).
 *
 * A sentence such as "max 50 turns" limits nothing; who saves a schedule with one and without
 * max_turns is told so. */
#ifndef ENGINE_TURN_HINT_H
#define ENGINE_TURN_HINT_H

#include "common/mem.h"
#include <stdint.h>

/* The N of the first "max N turns" (or "maximum of N turns") in a text of the packed payload; 0
 * when there is none. */
int64_t turn_hint(struct view payload);

#endif
