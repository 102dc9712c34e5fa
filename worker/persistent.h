/* persistent - processes that are kept for many jobs of one handler (G4).
 *
 *     started ──line──▶ busy ──verdict──▶ idle ──line──▶ busy …
 *                        └── stopped, doomed, dead ──▶ gone, and replaced by the next job
 *
 * The protocol is exec's, but that each job is one line on the standard input and its verdict,
 * which must be given, ends the attempt.  A job takes an idle process of the same declaration, the
 * one that was busy last, or starts one: there are never more than jobs at once, so that the
 * handler's max_concurrent bounds them.  A process ends after jobs_max jobs, when it was idle for
 * PERSISTENT_IDLE_MS, or when its handler is declared otherwise: its input is closed, TERM follows.
 * One that speaks protocol while it has no job is stopped.
 *
 * One that is there may end on its own at any time, also when it was just given a job.  What it has
 * not read is still in the pipe, as Linux tells (FIONREAD, pipe(7)): the job has not begun, and
 * goes to another process within the same attempt.
 *
 * The process keeps its lease's struct, in the kind LEASE_IDLE, while it has no job; and it keeps
 * the AGENTD_LEASE of its first job, by which what it leaves behind is known. */
#ifndef WORKER_PERSISTENT_H
#define WORKER_PERSISTENT_H

#include "common/hash.h"
#include "worker/exec.h"

#define PERSISTENT_JOBS_MAX 1000 /* of one process, where jobs_max is not given */
#define PERSISTENT_IDLE_MS  600000
#define PERSISTENT_GRACE_MS 5000 /* end of input to TERM */

/* What a process of a persistent handler has beyond a lease. */
struct persistent {
    struct hash128         spec; /* of the handler as it was declared */
    struct hash128         name;
    uint64_t               jobs, jobs_max;
    struct stream          in;    /* its fd is written; epoll says when there is room again */
    struct buf             input; /* the job's line */
    size_t                 written;
    struct buf             start;     /* job.start, where it was there before; else empty */
    bool                   is_unread; /* its input was closed with the whole line in it */
    struct evidence_record evidence;  /* of the process; copied into the slot of each job */
};

/* Gives the job to an idle process.  NULL: there is none. */
struct lease *persistent_reuse(struct exec *x, const struct msg_job_start *m,
                               const struct msg_handler *h);
/* The lease's process, just launched with `in_fd` as the other end of its input, is kept. */
enum errc persistent_begin(struct exec *x, const struct msg_job_start *m,
                           const struct msg_handler *h, struct lease *lease, int in_fd,
                           struct err *e) MUST_CHECK;
void      persistent_done(struct persistent **p);
/* The job and its line; what cannot be written now is written when there is room. */
void persistent_give(struct lease *lease, const struct msg_job_start *m, struct view line,
                     int64_t now_ms);
/* There is room in its input. */
void persistent_write(struct lease *lease, int64_t now_ms);
/* The job has its verdict: it is reported, and the process is idle. */
void persistent_over(struct exec *x, struct lease *lease, int64_t now_ms);
/* The process was there before its job, and is gone without having read of it or said anything:
 * another may have it, from persistent->start. */
bool persistent_is_unread(const struct lease *lease);
/* It was idle too long, or is no longer wanted. */
void persistent_retire(struct lease *lease, int64_t now_ms);

#endif
