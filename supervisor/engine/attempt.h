/* attempt - one start of a job (attempt.c) and its end (attempt_end.c): lease, verdict, retry
 * (A5–A7, N1–N4).
 *
 * An attempt ends only when its process tree is known to be gone.  What asks it to end writes
 * stop_reason, the first wins and fixes the class; until the worker reports `ended` the row stays
 * running and holds its caps. */
#ifndef ENGINE_ATTEMPT_H
#define ENGINE_ATTEMPT_H

#include "supervisor/engine/failure.h"
#include "supervisor/engine/turn.h"

#define SNOOZE_MIN_MS 1000 /* a handler that always says "again" must not keep the host busy */
#define ATTEMPTS_KEPT 1000 /* of a job, the newest; it may snooze for months */

/* Leases the ready job to the worker: token, lease end, message.  False, and nothing changed, when
 * a record that it needs is damaged. */
bool attempt_start(struct engine *en, struct job_state *j, unsigned worker) MUST_CHECK;
/* What the ready job needs cannot be read, now or later: it fails, so as not to hold its lane. */
void attempt_impossible(struct engine *en, struct job_state *j);
/* Asks the running attempt to end; the first reason wins.  TERM, and KILL after grace_ms. */
void attempt_stop(struct engine *en, struct job_state *j, enum failure_class reason,
                  int64_t grace_ms);
/* The same, of one that is cancelled: message tells why. */
void attempt_abort(struct engine *en, struct job_state *j, const char *message);

/* What the attempt has used since its last report, by the totals of this one (input: the input
 * tokens among them): counted in lease and job; false when nothing. */
struct amounts;
bool attempt_charge(struct fleet_lease *l, struct job_state *j, const struct amounts *totals,
                    uint64_t input, struct amounts *more);
/* The worker's reports about a lease it holds. */
void attempt_progress(struct engine *en, struct fleet_lease *l, const struct msg_progress *m);
void attempt_ended(struct engine *en, uint32_t slot, const struct msg_ended *m);
/* The lease's worker died or lost it (class worker_lost). */
void attempt_lost(struct engine *en, uint32_t slot, const char *message);

/* An earlier agentd's attempt, whose processes are gone (class interrupted). */
void attempt_interrupted(struct engine *en, struct job_state *j);

/* ±25 %, so that what failed together does not come back together (A5). */
int64_t attempt_jitter(struct engine *en, int64_t ms);

#endif
