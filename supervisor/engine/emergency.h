/* emergency - what an operator has stopped (A17): new starts, running jobs, deliveries; and drain.
 *
 * The bits stand in the engine's own row (meta.stops), so they outlive agentd however it ends.  A
 * stop in a turn beats every start in it: the dispatch comes last and looks at the bits first. */
#ifndef ENGINE_EMERGENCY_H
#define ENGINE_EMERGENCY_H

#include "supervisor/engine/turn.h"

/* Requests. */
enum errc on_stop(struct engine *en, const struct actor *a, const struct msg_stop *m,
                  struct buf *reply, struct err *e) MUST_CHECK;
/* With nothing stopped it changes nothing and says so. */
enum errc on_resume(struct engine *en, const struct actor *a, struct buf *reply,
                    struct err *e) MUST_CHECK;
enum errc on_drain_request(struct engine *en, const struct actor *a, const struct msg_drain *m,
                           struct buf *reply, struct err *e) MUST_CHECK;

/* Whether the outbox may send. */
bool emergency_may_send(const struct memory *m);
/* What is stopped, as a list of texts: new, effects, drain. */
void emergency_put_stops(uint8_t stops, struct buf *b);
/* Lines for the warnings of status; none while nothing is stopped. */
void emergency_warn(const struct memory *m, struct buf *lines);

#endif
