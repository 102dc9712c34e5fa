/* debounce - submits with the same key become one job, which starts when for a time none has come,
 * or after the longest wait (A13).
 *
 * The row names the job that waits; the job carries JOB_FLAG_DEBOUNCED as long as it has it: until
 * it starts or ends.  What was merged into it stays as its causes, the first one too. */
#ifndef ENGINE_DEBOUNCE_H
#define ENGINE_DEBOUNCE_H

#include "supervisor/engine/job.h"
#include "supervisor/engine/turn.h"

#define CAUSES_MAX 100 /* kept of a job; further ones are only counted */

struct submission;

/* A key as a submit gives it. */
struct debounce_claim {
    struct view key; /* empty: none */
    int64_t     wait_ms;
    int64_t     wait_max_ms; /* 0: no longest wait */
};

/* When the job of a first submit with this key starts. */
int64_t debounce_start(const struct engine *en, const struct debounce_claim *c);
/* Judges, nothing written: *waiting is the job to merge into, 0 for none.  E_CONFLICT when that is
 * for another handler or agent. */
enum errc debounce_judge(struct engine *en, const struct submission *s, uint64_t *waiting,
                         struct err *e) MUST_CHECK;
/* A new job has the key, and its first cause. */
void debounce_take(struct engine *en, const struct submission *s);
/* Merges into the waiting job, which is *j afterwards. */
void debounce_merge(struct engine *en, const struct submission *s, struct view actor,
                    struct job_state *j);
/* Of job_move: the job has started or ended; its flag and its row go. */
void debounce_left(struct engine *en, struct job_state *j);

/* "causes": {count, items: [{at, trigger, source, actor, parent, payload}]}, nil for a job without
 * a debounce key. */
void debounce_put_causes(struct txn *t, const struct job_spec *spec, struct buf *b,
                         struct mp_open_map *map);

#endif
