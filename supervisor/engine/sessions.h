/* sessions - named places with a checkpoint (D2, N21).  Each schedule owns the session
 * `schedule/NAME`. */
#ifndef ENGINE_SESSIONS_H
#define ENGINE_SESSIONS_H

#include "supervisor/engine/turn.h"

/* The session of this name, made when it is new. */
uint32_t session_of(struct engine *en, uint32_t company, struct view name, uint32_t agent);
/* The id, 0 when there is none. */
uint32_t session_find(struct txn *t, uint32_t company, struct view name);
/* The checkpoint's packed bytes (empty: none yet). */
enum load session_checkpoint(struct txn *t, const struct session *s, struct view *out) MUST_CHECK;
/* A new owner under an old name begins without the checkpoint of the one before (N34). */
void session_begin_anew(struct engine *en, uint32_t id);
/* A completed attempt's checkpoint; returns the number that its effects carry (the old one's when
 * `data` is empty). */
uint64_t session_commit(struct engine *en, uint32_t id, struct view data);

#endif
