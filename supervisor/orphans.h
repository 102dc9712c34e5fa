/* orphans - what dead workers left behind.
 *
 * agentd is a subreaper and so is every worker: what a dead worker leaves behind becomes a child of
 * agentd, and every child that agentd has not started is such an orphan. */
#ifndef SUPERVISOR_ORPHANS_H
#define SUPERVISOR_ORPHANS_H

#include "proto/evidence.h"
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Kills the children that is_ours does not know, each with everything below it; how many there
 * were.  A fork may race a pass: to be called again when they have been reaped, until it says 0. */
size_t orphans_kill(bool (*is_ours)(pid_t pid, void *arg), void *arg);
/* Nothing of the worker is left: neither is its evidence. */
void orphans_clear_evidence(const struct evidence *ev, uint32_t worker);

#endif
