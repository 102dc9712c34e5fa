/* unique - unique keys: at most one job of a company has a key while it has not ended, and, with
 * unique_for, until then in any case (A9).
 *
 * The row says who has the key; a job that has not ended and has one carries JOB_FLAG_UNIQUE. */
#ifndef ENGINE_UNIQUE_H
#define ENGINE_UNIQUE_H

#include "supervisor/engine/job.h"
#include "supervisor/engine/turn.h"

/* What a submit does when its key is taken. */
enum unique_policy { UNIQUE_RETURN, UNIQUE_REJECT, UNIQUE_REPLACE };

/* A key as a submit asks for it. */
struct unique_claim {
    struct view        key; /* empty: none */
    enum unique_policy policy;
    int64_t            for_ms; /* 0: until the job ends */
};

/* return | reject | replace; empty: return. */
enum errc unique_policy_of(struct view text, enum unique_policy *out, struct err *e) MUST_CHECK;
/* Judges a claim, nothing written.  *taken_by is the job to answer with (UNIQUE_RETURN), or the one
 * to be replaced (UNIQUE_REPLACE); 0: the key is free.  E_CONFLICT names the job that has it. */
enum errc unique_judge(struct engine *en, uint32_t company, const struct unique_claim *c,
                       uint64_t *taken_by, struct err *e) MUST_CHECK;
/* The key is the job's; one that has not started and had it is cancelled, as was judged. */
void unique_take(struct engine *en, uint32_t company, const struct unique_claim *c, uint64_t job);
/* An ended job that runs again needs its key again: judged, E_CONFLICT; then taken, and the flag
 * set. */
enum errc unique_judge_again(struct engine *en, const struct job_state *j,
                             struct err *e) MUST_CHECK;
void      unique_take_again(struct engine *en, struct job_state *j);
/* Of job_move: the job has ended; its flag goes, and the row unless its time has not come. */
void unique_ended(struct engine *en, struct job_state *j);

/* Due work: keys whose time is over. */
void    unique_due(struct engine *en);
int64_t unique_deadline(struct engine *en);

#endif
