/* requests - a client's request: decoded, answered once even when it is asked twice (N39).
 *
 * Each request that changes something has its on_<message>() in the file of its noun, all of one
 * shape: everything is checked before the first write; it appends its answer, one packed map, to
 * *reply and returns E_OK, or sets *e and has changed nothing.  What the actor may not see is not
 * found (N36). */
#ifndef ENGINE_REQUESTS_H
#define ENGINE_REQUESTS_H

#include "supervisor/engine/turn.h"

/* INPUT_REQUEST and INPUT_CONFIG: one OUT_REPLY each. */
void on_request(struct engine *en, const struct input *in);
void on_config(struct engine *en, const struct input *in);
/* Serves the requests that on_request has put off until after the dispatch (schedule.run), at most
 * LATE_MAX a turn. */
void requests_late(struct engine *en);

/* Due work: answers over 24 h old are forgotten. */
void    answers_due(struct engine *en);
int64_t answers_deadline(struct engine *en);

#endif
