/* bulk - operations on all jobs that a filter names, a bounded part per request; and the removal of
 * ended jobs.
 *
 * A request examines at most READ_ROWS_MAX jobs and acts on at most BULK_ACTS_MAX; the answer is
 * {matched, done, dry_run, refused, next}: `next` is given as `after` of the request that goes on,
 * refused is a sentence about the first job that could not be done.  A filter that names nothing is
 * refused: all jobs are never meant by accident. */
#ifndef ENGINE_BULK_H
#define ENGINE_BULK_H

#include "supervisor/engine/turn.h"

#define BULK_ACTS_MAX 200

enum errc on_job_cancel_many(struct engine *en, const struct actor *a,
                             const struct msg_job_cancel_many *m, struct buf *reply,
                             struct err *e) MUST_CHECK;
enum errc on_job_retry_many(struct engine *en, const struct actor *a,
                            const struct msg_job_retry_many *m, struct buf *reply,
                            struct err *e) MUST_CHECK;
enum errc on_job_purge(struct engine *en, const struct actor *a, const struct msg_job_purge *m,
                       struct buf *reply, struct err *e) MUST_CHECK;

/* Removes an ended job wholly: state, spec, attempts, blobs, causes; its log file by
 * OUT_JOB_PURGED.  A unique key stays taken until its unique_for is over.  Takes the rows from
 * turn.purge_left; false when they do not suffice: then the next turn goes on with it. */
bool job_purge(struct engine *en, const struct job_state *j);

#endif
