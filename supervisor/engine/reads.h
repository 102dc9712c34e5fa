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

enum errc read_job_list(struct reading *r, const struct msg_job_list *m) MUST_CHECK;
enum errc read_job_stats(struct reading *r, const struct msg_job_stats *m) MUST_CHECK;

#endif
