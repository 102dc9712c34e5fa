/* builtin - the handlers that are no program: noop, echo and sleep. */
#ifndef WORKER_BUILTIN_H
#define WORKER_BUILTIN_H

#include "worker/report.h"
#include <stdbool.h>

/* Whether the kind is one of these; then the job is started, and has ended unless it sleeps.
 * noop completes with output null, echo with its payload, sleep with null after payload.ms. */
bool builtin_start(struct slots *s, struct report *r, const struct msg_job_start *m,
                   struct view kind, int64_t now_ms);
/* A sleep's time has come, or it was stopped. */
void builtin_finish(struct slots *s, struct report *r, struct lease **lease);

#endif
