/* leases - the running attempts as a whole: those of an earlier agentd, those that are overdue, and
 * the limits that a lease frees at its end. */
#ifndef ENGINE_LEASES_H
#define ENGINE_LEASES_H

#include "supervisor/engine/turn.h"

/* An earlier agentd's attempts: told to the shell at boot, ended (class interrupted) when it says
 * that they are gone. */
void leases_at_boot(struct engine *en);
void on_lease_gone(struct engine *en, const struct input *in);
/* A planned stop: every running attempt is stopped (interrupted; does not count as a crash, N2). */
void leases_interrupt(struct engine *en, int64_t grace_ms);

/* Leases whose boot-time end has passed are stopped (lease_expired); the first such end. */
void    leases_due(struct engine *en);
int64_t leases_deadline(struct engine *en);

/* A limit may have room again: its lanes are looked at in this turn's dispatch. */
void limit_released(struct engine *en, uint8_t predicate, uint32_t on);
/* The limits that a running job counted in. */
void lease_released(struct engine *en, const struct job_state *j);

#endif
