/* read_sessions - requests that show sessions and their events. */
#ifndef ENGINE_READ_SESSIONS_H
#define ENGINE_READ_SESSIONS_H

#include "supervisor/engine/reads.h"

/* The session that a read names: E_NOT_FOUND. */
enum errc reading_session(struct reading *r, struct view in_company, struct view key,
                          struct session *s) MUST_CHECK;

enum errc read_session_list(struct reading *r, const struct msg_session_list *m) MUST_CHECK;
enum errc read_session_show(struct reading *r, const struct msg_session_show *m) MUST_CHECK;
enum errc read_session_events(struct reading *r, const struct msg_session_events *m) MUST_CHECK;

#endif
