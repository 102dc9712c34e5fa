/* requests - a client's request: decoded, answered once even when it is asked twice (N39). */
#ifndef ENGINE_REQUESTS_H
#define ENGINE_REQUESTS_H

#include "supervisor/engine/turn.h"

/* INPUT_REQUEST and INPUT_CONFIG: one OUT_REPLY each. */
void on_request(struct engine *en, const struct input *in);
void on_config(struct engine *en, const struct input *in);

/* Due work: answers over 24 h old are forgotten. */
void    answers_due(struct engine *en);
int64_t answers_deadline(struct engine *en);

#endif
