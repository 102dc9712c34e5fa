/* session_ops - requests that change sessions.
 *
 * Each finds its session as session_of_request() does, with its errors, checks the rest, and only
 * then writes. */
#ifndef ENGINE_SESSION_OPS_H
#define ENGINE_SESSION_OPS_H

#include "supervisor/engine/turn.h"

/* A person's message, an event of any other type: the session is made when it is not there.
 * E_QUEUE_FULL when as many wait as sessions.queue_max. */
enum errc on_session_send(struct engine *en, const struct actor *a,
                          const struct msg_session_send *m, struct buf *reply,
                          struct err *e) MUST_CHECK;
enum errc on_session_event(struct engine *en, const struct actor *a,
                           const struct msg_session_event *m, struct buf *reply,
                           struct err *e) MUST_CHECK;
/* job.submit with a session: an event of type job, whose job comes when it is its turn. */
enum errc session_submit(struct engine *en, const struct actor *a, const struct msg_job_submit *m,
                         struct buf *reply, struct err *e) MUST_CHECK;
/* Makes it, or opens a closed one again, of the agent that is named.  E_WRONG_STATE when it is
 * held, E_BUSY while what waited in it is still being cancelled. */
enum errc on_session_open(struct engine *en, const struct actor *a,
                          const struct msg_session_open *m, struct buf *reply,
                          struct err *e) MUST_CHECK;
/* E_WRONG_STATE when it is closed already. */
enum errc on_session_close(struct engine *en, const struct actor *a,
                           const struct msg_session_close *m, struct buf *reply,
                           struct err *e) MUST_CHECK;
/* E_WRONG_STATE when it is not held. */
enum errc on_session_resume(struct engine *en, const struct actor *a,
                            const struct msg_session_resume *m, struct buf *reply,
                            struct err *e) MUST_CHECK;
/* A copy of a dead event, at the end.  E_WRONG_STATE when the event is not dead. */
enum errc on_session_resend(struct engine *en, const struct actor *a,
                            const struct msg_session_resend *m, struct buf *reply,
                            struct err *e) MUST_CHECK;

#endif
