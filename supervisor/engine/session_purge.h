/* session_purge - events, and sessions that are closed and empty, go by age (N15). */
#ifndef ENGINE_SESSION_PURGE_H
#define ENGINE_SESSION_PURGE_H

#include "supervisor/engine/turn.h"

/* Removes events that are done with and older than limits.keep_events_ms, oldest first, within
 * turn.purge_left; then the session, when it is closed and nothing of it is left but what has its
 * own time.  False when nothing could be done. */
bool session_purge(struct engine *en, uint32_t id);

#endif
