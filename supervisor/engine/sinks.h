/* sinks - what a sink's declaration says of its deliveries: how often, for how long, and what is
 * done when nobody knows whether one came (D4, D5, N22). */
#ifndef ENGINE_SINKS_H
#define ENGINE_SINKS_H

#include "supervisor/engine/turn.h"

/* What becomes of a delivery of unknown outcome. */
enum sink_doubt {
    DOUBT_STAYS,     /* an operator decides */
    DOUBT_PROBE,     /* the sink is asked: it can always answer */
    DOUBT_SEND_AGAIN /* that does no harm: the sink knows the effect by its id */
};

/* Whether the list has it: a message goes to a sink once. */
bool sink_is_among(uint32_t sink, const uint32_t *sinks, uint32_t count);
/* A sink that is not declared any more is none of the gateway's … */
bool sink_is_gateway(struct objects *o, uint32_t sink);
/* … and is asked (in vain). */
enum sink_doubt sink_doubt(struct objects *o, uint32_t sink);
/* Sends of one effect before it is failed. */
uint32_t sink_attempts_max(struct objects *o, uint32_t sink);
/* ms of one delivery; then its outcome is unknown. */
int64_t sink_timeout_ms(struct objects *o, uint32_t sink);
/* ms after which what was not sent expires; NO_LIMIT: never. */
int64_t sink_not_after_ms(struct objects *o, uint32_t sink);
/* Whether somebody reads the session through the gateway of this number, so that the gateway's sink
 * can deliver. */
bool sink_has_reader(struct objects *o, uint64_t gateway, uint32_t session);

#endif
