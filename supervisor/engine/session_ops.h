/* session_ops - requests that change sessions. */
#ifndef ENGINE_SESSION_OPS_H
#define ENGINE_SESSION_OPS_H

#include "supervisor/engine/turn.h"

enum errc on_session_send(struct engine *en, const struct actor *a,
                          const struct msg_session_send *m, struct buf *reply,
                          struct err *e) MUST_CHECK;
enum errc on_session_event(struct engine *en, const struct actor *a,
                           const struct msg_session_event *m, struct buf *reply,
                           struct err *e) MUST_CHECK;
/* job.submit with a session: an event of type job, whose job comes when it is its turn. */
enum errc session_submit(struct engine *en, const struct actor *a, const struct msg_job_submit *m,
                         struct buf *reply, struct err *e) MUST_CHECK;
enum errc on_session_open(struct engine *en, const struct actor *a,
                          const struct msg_session_open *m, struct buf *reply,
                          struct err *e) MUST_CHECK;
enum errc on_session_close(struct engine *en, const struct actor *a,
                           const struct msg_session_close *m, struct buf *reply,
                           struct err *e) MUST_CHECK;
enum errc on_session_resume(struct engine *en, const struct actor *a,
                            const struct msg_session_resume *m, struct buf *reply,
                            struct err *e) MUST_CHECK;
enum errc on_session_resend(struct engine *en, const struct actor *a,
                            const struct msg_session_resend *m, struct buf *reply,
                            struct err *e) MUST_CHECK;

#endif
