/* retention - what ages goes (N15): one table of what, for how long, and in which order.
 *
 * At most PURGE_ROWS_MAX rows a turn, those of job.purge included; the next turn goes on at once.
 * Nothing goes while the wall clock is in doubt (N27). */
#ifndef ENGINE_RETENTION_H
#define ENGINE_RETENTION_H

#include "supervisor/engine/turn.h"

/*    R(WHAT,           rows,     part,          setting)
 *
 * part: the state or status of the rows that it is about; 0: all.  setting: the field of struct
 * limits that says how long they stay. */
// clang-format off
#define RETAINED(R)                                               \
    R(COMPLETED_JOBS, job,      JOB_COMPLETED, keep_completed_ms) \
    R(CANCELLED_JOBS, job,      JOB_CANCELLED, keep_completed_ms) \
    R(FAILED_JOBS,    job,      JOB_FAILED,    keep_failed_ms)    \
    R(EXPIRED_JOBS,   job,      JOB_EXPIRED,   keep_failed_ms)    \
    R(EFFECTS,        effect,   0,             keep_effects_ms)   \
    R(FIRINGS,        firing,   0,             keep_firings_ms)   \
    R(REASONS,        reason,   0,             keep_reasons_ms)   \
    R(LEDGERS,        ledger,   0,             keep_ledgers_ms)   \
    R(APPROVALS,      approval, 0,             keep_approvals_ms) \
    R(AUDITS,         audit,    0,             keep_audit_ms)     \
    R(EVENTS,         events,   0,             keep_events_ms)    \
    R(TIMERS,         timer,    0,             keep_timers_ms)    \
    R(ACTIVITIES,     activity, 0,             keep_activity_ms)    \
    R(REPLIES,        reply,    0,             keep_firings_ms)
// clang-format on

enum retained {
#define R(WHAT, rows, part, setting) RETAINED_##WHAT,
    RETAINED(R)
#undef R
        RETAINED_COUNT
};

/* Due work. */
void retention_due(struct engine *en);
/* When the oldest of anything is over its time; INT64_MAX for never. */
int64_t retention_deadline(struct engine *en);

#endif
