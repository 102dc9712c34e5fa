/* outbox - effects to the world on their way: sent by workers, settled when the outcome is unknown
 * (D4, N22).
 *
 *   pending ──send──▶ attempting ──▶ delivered
 *    │  ▲                 ├────────▶ failed      (after its attempts, or for good)
 *    │  │                 └────────▶ unknown ──probe──▶ delivered
 *    │  └─────────────── probe: it is not there ──┘  └─ by hand ─▶ delivered, failed (resolve.h)
 *    ├─▶ expired         (not_after)
 *    └─▶ rejected        (nobody asked for it, and sessions were disabled since)
 *
 * An attempt is committed before the send.  What becomes of one whose outcome is not known (crash,
 * time-out) is its sink's (sinks.h): a file is asked by a probe before it is sent again, in its
 * place; those behind it do not wait for the answer (N22).  A sink that knows effects by their id
 * gets it again, in its place, too.  Others leave it to an operator.  A ping is sent again. */
#ifndef ENGINE_OUTBOX_H
#define ENGINE_OUTBOX_H

#include "supervisor/engine/feed.h"
#include "supervisor/engine/turn.h"

#define PING_ATTEMPTS_MAX 3 /* of a ping, which gives way to a newer one, too (pings.h) */

/* What a sink is given of an effect: {effect_id, kind, …}, appended. */
void outbox_document(struct engine *en, const struct effect *ef, struct view payload,
                     struct buf *b);
/* Sends what is at the head of its (session, sink) and whose time has come, while workers have
 * room. */
void outbox_dispatch(struct engine *en);
/* A worker says what became of the delivery or probe in this slot; or it was lost, and nobody
 * knows. */
void outbox_done(struct engine *en, uint32_t slot, const struct msg_effect_done *m);
void outbox_lost(struct engine *en, uint32_t slot);
/* A ping is about to be written: the oldest that waits in its queue gives way, if it was tried
 * already or too many wait. */
void outbox_gives_way(struct engine *en, const struct effect *newer);
/* Attempts under way when an earlier agentd ended: told to the shell at boot, unknown when it says
 * that they are gone. */
void outbox_at_boot(struct engine *en);
bool outbox_lease_gone(struct engine *en, uint64_t token);

/* Writes and tells what became of an effect, and lets the one behind it go; an attempt or a probe
 * that is under way does not count any more. */
void outbox_settle(struct engine *en, struct effect *ef, enum effect_status status,
                   struct view reason, enum feed_type type);

/* Nobody can tell any more what became of it: its sink is not asked again, an operator settles it.
 */
void outbox_stays_unknown(struct engine *en, struct effect *ef, struct view reason);

/* Whether one that would be sent now is refused instead: sessions.enabled is false, nobody asked
 * for it, and no operator has sent it again (D7). */
bool outbox_is_disabled(const struct memory *m, const struct effect *ef);
void outbox_refuse(struct engine *en, struct effect *ef);

/* Due: effects whose not_after has passed. */
void outbox_due(struct engine *en);
/* The first instant at which one expires; at which one is to be sent. */
int64_t outbox_expiry_deadline(struct engine *en);
int64_t outbox_deadline(struct engine *en);

#endif
