/* attempt - one start of a job and its end: lease, verdict, retry (A5–A7, N1–N4).
 *
 * An attempt ends only when its process tree is known to be gone.  What asks it to end writes
 * stop_reason, the first wins and fixes the class; until the worker reports `ended` the row stays
 * running and holds its caps. */
#ifndef ENGINE_ATTEMPT_H
#define ENGINE_ATTEMPT_H

#include "supervisor/engine/failure.h"
#include "supervisor/engine/turn.h"

/* Leases the ready job to the worker: token, lease end, message.  False, and nothing changed, when
 * a record that it needs is damaged. */
bool attempt_start(struct engine *en, struct job_state *j, unsigned worker) MUST_CHECK;
/* Asks the running attempt to end; the first reason wins.  TERM, and KILL after grace_ms. */
void attempt_stop(struct engine *en, struct job_state *j, enum failure_class reason,
                  int64_t grace_ms);

/* The worker's reports about a lease it holds. */
void attempt_progress(struct engine *en, struct fleet_lease *l, const struct msg_progress *m);
void attempt_ended(struct engine *en, uint32_t slot, const struct msg_ended *m);
/* The lease's worker died or lost it (class worker_lost). */
void attempt_lost(struct engine *en, uint32_t slot, const char *message);

/* An earlier agentd's attempts: told to the shell at boot, ended (class interrupted) when it says
 * that they are gone. */
void attempts_at_boot(struct engine *en);
void on_lease_gone(struct engine *en, const struct input *in);
/* A planned stop: every running attempt is stopped (interrupted; does not count as a crash, N2). */
void attempts_interrupt(struct engine *en, int64_t grace_ms);

/* Leases whose boot-time end has passed are stopped (lease_expired); the first such end. */
void    attempts_due(struct engine *en);
int64_t attempts_deadline(struct engine *en);

/* A limit may have room again: its lanes are looked at in this turn's dispatch. */
void attempt_release(struct engine *en, uint8_t predicate, uint32_t on);
/* The limits that a running job counted in. */
void attempt_release_all(struct engine *en, const struct job_state *j);

/* A ladder as stored (a packed list of ms) into steps; returns how many, 0 when it is empty. */
uint32_t ladder_read(struct view list, int64_t *steps);

#endif
