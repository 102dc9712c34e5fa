/* usage - what each company, agent and schedule used on its days, against its limits (B6). */
#ifndef ENGINE_USAGE_H
#define ENGINE_USAGE_H

#include "supervisor/engine/reads.h"

/* A page of days, by scope and then date; without `since` the scopes' current days.  A scope that
 * has limits has an item of its current day also when it used nothing. */
enum errc read_usage(struct reading *r, const struct msg_usage *m) MUST_CHECK;

#endif
