/* pings - what a dead-man's switch elsewhere is told of a schedule: that a firing starts, succeeds
 * or fails, by asking for a URL of its declaration (C5).
 *
 * A ping is an effect of kind `ping` without a sink, on its way like the others (outbox.h), in the
 * order of the schedule's session.  Asking twice does no harm, so one of unknown outcome is sent
 * again; the newest is what counts, so one that has failed gives way to those behind it, and the
 * oldest to the eleventh; and what is old is a lie, so it is sent within PING_AGE_MAX_MS or never.
 *
 * A firing whose gate says no succeeds, for the schedule lives; so does one in shadow mode. */
#ifndef ENGINE_PINGS_H
#define ENGINE_PINGS_H

#include "supervisor/engine/objects.h"
#include "supervisor/engine/turn.h"

#define PING_AGE_MAX_MS 600000

/* The URLs of a declaration. */
enum errc ping_check(const struct msg_schedule *s, struct err *e) MUST_CHECK;
/* A job of a schedule started; only its first start is told. */
void ping_job_started(struct engine *en, const struct job_state *j);
/* A job of a schedule ended: completed, or failed or not started in time. */
void ping_job_ended(struct engine *en, const struct job_state *j);
/* A firing's gate said no; job 0: before it had one. */
void ping_gated(struct engine *en, const struct object_entry *o, const struct schedule *run,
                uint64_t job);

#endif
