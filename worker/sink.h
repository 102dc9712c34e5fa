/* sink - deliveries: an effect is sent by a process of its own, so that a file system or a server
 * that hangs holds up that process only.
 *
 * The process is agent-delivery (worker/delivery), and what it prints is the outcome; or it is the
 * operator's command, whose exit is: 0 delivered (the first line that it prints is the receipt), 75
 * nothing was sent, anything else unknown.  A delivery whose process gave no answer, or was stopped
 * at its time limit, is `unknown`. */
#ifndef WORKER_SINK_H
#define WORKER_SINK_H

#include "common/err.h"
#include "worker/launch.h"
#include "worker/report.h"

#define SINK_GRACE_MS 1000 /* TERM to KILL at the time limit */

struct sink {
    struct slots          *slots;
    struct report         *report;
    const struct launcher *launcher;
    const char            *state; /* what a relative path is below */
    const char            *work_folder;
    char *const           *own_environ;
    int          program; /* agent-delivery, by a descriptor: also after its file was replaced */
    struct arena arena;   /* of one start */
};

void sink_done(struct sink *k);
/* On failure no lease was made: nothing was sent. */
enum errc sink_start(struct sink *k, const struct msg_effect_send *m, int64_t now_ms,
                     struct err *e) MUST_CHECK;
void      sink_feed(struct stream *s, struct view bytes);
/* Its time is over. */
void sink_expire(struct lease *lease, int64_t now_ms);
/* The process is gone: reports the outcome. */
void sink_finish(struct sink *k, struct lease **lease);

#endif
