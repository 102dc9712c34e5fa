/* outbox - effects: committed with the completion that caused them, sent by workers, settled when
 * the outcome is unknown (D4, N22).
 *
 *   pending ──send──▶ attempting ──▶ delivered
 *      ▲                  ├────────▶ failed      (after its attempts)
 *      │                  └────────▶ unknown ──probe──▶ delivered
 *      └──────────────── probe: it is not there ──┘
 *
 * An attempt is committed before the send.  When its outcome is not known (crash, partial write)
 * the sink is asked by a probe before anything is sent again; a file sink can always answer. */
#ifndef ENGINE_OUTBOX_H
#define ENGINE_OUTBOX_H

#include "supervisor/engine/turn.h"

/* not_before of an effect that waits behind another of its (session, sink), so that those that wait
 * are not looked at again and again, and hold back nobody else's. */
#define BEHIND_ANOTHER INT64_MAX

/* Checks a handler's effects before anything is written: kinds that this version serves, messages
 * not empty.  On failure the attempt ends as invalid_output with this sentence. */
enum errc outbox_check(struct view effects, struct err *e) MUST_CHECK;
/* Writes the effects of a completed attempt, one per sink; those that act inside act now. */
void outbox_commit(struct engine *en, const struct job_state *j, uint64_t checkpoint_id,
                   struct view effects);

/* Writes and tells an effect that is settled as it is written: delivered or rejected.  Its id is
 * given when it has none. */
void outbox_record(struct engine *en, struct effect *ef, struct view payload, uint32_t ordinal);

/* Sends what is at the head of its (session, sink) and whose time has come, while workers have
 * room. */
void outbox_dispatch(struct engine *en);
void outbox_done(struct engine *en, uint32_t slot, const struct msg_effect_done *m);
void outbox_lost(struct engine *en, uint32_t slot);
/* Attempts under way when an earlier agentd ended: told to the shell at boot, unknown when it says
 * that they are gone. */
void outbox_at_boot(struct engine *en);
bool outbox_lease_gone(struct engine *en, uint64_t token);

/* Due: effects whose not_after has passed.  The first instant at which something is to be done. */
void    outbox_due(struct engine *en);
int64_t outbox_deadline(struct engine *en);

const char        *effect_kind_name(enum effect_kind k);
const char        *effect_status_name(enum effect_status s);
enum effect_status effect_status_from(struct view name); /* STATUS_NONE for an unknown one */

#endif
