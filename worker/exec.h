/* exec - the exec handler: a program that is started for each attempt (handler protocol, version
 * 1).
 *
 * It reads the job's document from its standard input, one JSON line, and answers in lines on its
 * standard output; other lines and its standard error go to the job's log.  Without a `cwd` of its
 * own it works in STATE/work, or in / when it runs as another user, who may not enter that.
 *
 * A gate's command (gate.h) runs before it in the same lease.  A persistent handler's process is
 * kept for other jobs (persistent.h). */
#ifndef WORKER_EXEC_H
#define WORKER_EXEC_H

#include "common/clock.h"
#include "common/err.h"
#include "worker/launch.h"
#include "worker/report.h"

#define DOOMED_GRACE_MS 2000 /* TERM to KILL of a handler that cannot succeed any more */

struct exec {
    struct slots          *slots;
    struct report         *report;
    const struct launcher *launcher;
    char *const           *own_environ;
    const char            *work_folder;
    const char            *logs_folder;
    struct arena           arena;   /* of one start */
    struct buf             scratch; /* a job's document as JSON; a handler's line unpacked */
};

void exec_done(struct exec *x);
/* On failure no lease was made and the message says why the handler could not be started. */
enum errc exec_start(struct exec *x, const struct msg_job_start *m, const struct msg_handler *h,
                     int64_t now_ms, struct err *e) MUST_CHECK;
/* What the handler wrote to one of its streams; none: the stream has ended. */
void exec_feed(struct exec *x, struct stream *s, struct view bytes, const struct now *now);
/* Sends the progress report that is due. */
void exec_progress(struct exec *x, struct lease *lease, int64_t now_ms);
/* Reports what the handler has said since the last time. */
void exec_deltas(struct exec *x, struct lease *lease);
/* The tree is gone, and its streams have been read to their ends: a gate's is followed by the
 * handler's, unless it said no, and a kept process that did not read its job by another; else
 * reports the end. */
void exec_finish(struct exec *x, struct lease **lease, int64_t now_ms);

#endif
