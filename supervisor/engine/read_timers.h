/* read_timers - requests that show timers, and why one has not fired. */
#ifndef ENGINE_READ_TIMERS_H
#define ENGINE_READ_TIMERS_H

#include "supervisor/engine/reads.h"

/* A session's, by status and time, or the one that is named. */
enum errc read_timer_list(struct reading *r, const struct msg_timer_list *m) MUST_CHECK;
/* What it waits for.  E_NOT_FOUND. */
enum errc read_timer_why(struct reading *r, const struct msg_timer_why *m) MUST_CHECK;

#endif
