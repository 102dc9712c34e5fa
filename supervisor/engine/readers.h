/* readers - the connections of the gateway that read sessions, and what waits for them (D5).
 *
 * A message to the gateway's sink waits (WAITS_FOR_READER) until its session has a reader; then the
 * head of its queue is handed to the gateway and is attempting until a reader acknowledges it.
 * When the last reader goes, or the gateway, it is pending again: it is idempotent by its id, and
 * is sent again to who comes next.
 *
 * A reader is of a key, whether the session is there or not: it is in place before the first event
 * that makes the session, and stays when the session goes and is made anew.  Readers are of one
 * gateway process, which says hello first: rows of another one do not count, and go in bounded
 * steps. */
#ifndef ENGINE_READERS_H
#define ENGINE_READERS_H

#include "supervisor/engine/reads.h"
#include "supervisor/engine/turn.h"

#define READERS_EXAMINED_MAX 256 /* messages that are due, looked at in one turn */

/* How many connections read the session of this key, which need not be there. */
uint32_t readers_count(const struct memory *m, struct txn *t, struct view company, struct view key);
/* Whether somebody reads it; 0: no. */
bool readers_has(struct engine *en, uint32_t session);

/* The gateway's process has ended, or agentd's own has just begun: nobody reads. */
void readers_gone(struct engine *en);
/* Due work: what an earlier gateway left behind, as much as a turn takes (memory.is_releasing:
 * there is more). */
void readers_due(struct engine *en);

/* What the job says meanwhile goes to the readers of its session, if there are any; it is kept
 * nowhere (N44). */
void readers_hear(struct engine *en, uint64_t job, uint64_t piece, struct view text);
/* The company is removed: who reads its sessions is hung up, and does not read those of another one
 * that gets its name. */
void readers_forget_company(struct engine *en, uint32_t id, struct view name);
/* The token is revoked: who showed it is hung up before anything else comes for it. */
void readers_forget_token(struct engine *en, uint32_t id, struct view hash);
/* Hands what is due to the gateway. */
void readers_dispatch(struct engine *en);

/* A gateway's process begins: what earlier ones held is taken back.  The reply is its generation.
 */
enum errc on_gateway_hello(struct engine *en, struct buf *reply) MUST_CHECK;
/* One connection more, or less, that reads this key, which need not be there.  E_WRONG_STATE before
 * the gateway's hello. */
enum errc on_session_attach(struct engine *en, const struct actor *a,
                            const struct msg_session_attach *m, struct buf *reply,
                            struct err *e) MUST_CHECK;
enum errc on_session_detach(struct engine *en, const struct msg_session_detach *m,
                            struct buf *reply, struct err *e) MUST_CHECK;
/* A reader has it: it is delivered, and the next one comes.  It was handed out, or is the next of
 * its session, which needs no reader that is attached; else E_WRONG_STATE.  Again is no error;
 * E_NOT_FOUND when it is of another session. */
enum errc on_effect_ack(struct engine *en, const struct actor *a, const struct msg_effect_ack *m,
                        struct buf *reply, struct err *e) MUST_CHECK;

#endif
