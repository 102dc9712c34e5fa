/* session_close - the end of a session: what waits in it is cancelled, in bounded turns (N37). */
#ifndef ENGINE_SESSION_CLOSE_H
#define ENGINE_SESSION_CLOSE_H

#include "supervisor/engine/sessions.h"
#include "supervisor/engine/turn.h"

/* Closes a session that is not closed: its pending timers are cancelled, the events that wait are
 * void, its job is cancelled or asked to stop.  When its agent or company is going, what it has not
 * sent fails. */
void session_close(struct engine *en, struct session *s, struct view reason);
/* Whether a closed session has yet to cancel some of that. */
bool session_is_closing(const struct session *s);
/* Why nothing more is sent from a session: it is closed, and its agent or company is gone or being
 * removed.  NULL: there is no such reason. */
const char *session_gone(struct engine *en, const struct session *s);
/* Then what it has not sent yet fails, as much as the turn may still remove. */
void session_end_messages(struct engine *en, const struct session *s);
/* Closes the sessions of an agent or a company that is being removed, bounded; true when none is
 * left open. */
bool sessions_close_of(struct engine *en, const struct object *o);

/* An agent or a company is gone: the same for its closed sessions, in bounded turns; and at boot,
 * as nobody stores that it was under way. */
void sessions_end_begin(struct engine *en);

/* Due: that, and what closed sessions have yet to cancel. */
void    sessions_due(struct engine *en);
int64_t sessions_deadline(struct engine *en);

#endif
