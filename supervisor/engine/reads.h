/* reads - requests that change nothing, served from the snapshot after the commit (N8).
 *
 * Each examines at most READ_ROWS_MAX rows; listings come in pages (page.h). */
#ifndef ENGINE_READS_H
#define ENGINE_READS_H

#include "supervisor/engine/turn.h"

/* What a read works with. */
struct reading {
    struct engine      *engine;
    struct txn         *txn;
    const struct now   *now;
    const struct actor *actor;
    struct objects      objects;
    struct buf         *reply;
    struct err         *e;
};

/* The job that a read is about.  E_GONE for a number that was given out and has no row any more
 * (N41); who is of a company is not told of it. */
enum errc reading_job(struct reading *r, uint64_t id, struct job_state *j) MUST_CHECK;

/* The object that a read names, also one that is being removed; E_NOT_FOUND, E_DAMAGED. */
enum errc reading_object(struct reading *r, enum object_kind kind, struct view name,
                         const struct object_entry **out) MUST_CHECK;

enum errc read_job_list(struct reading *r, const struct msg_job_list *m) MUST_CHECK;
enum errc read_job_stats(struct reading *r, const struct msg_job_stats *m) MUST_CHECK;

#endif
