/* feed - what happened, for those who watch (H2): events with ascending numbers, a row of them per
 * turn and page.
 *
 *     struct mp_open_map m = feed_open(en, FEED_JOB_STARTED, company);
 *     mp_put_u64(feed_buf(en), &m, "job", id);
 *     feed_close(en, &m);
 */
#ifndef ENGINE_FEED_H
#define ENGINE_FEED_H

#include "supervisor/engine/turn.h"

// clang-format off
#define FEED_TYPES(F)                              \
    F(WAKEUP_SCHEDULED,   "wakeup.scheduled")      \
    F(AGENT_WAKEUP,       "agent.wakeup")          \
    F(JOB_SUBMITTED,      "job.submitted")         \
    F(JOB_STARTED,        "job.started")           \
    F(JOB_PROGRESS,       "job.progress")          \
    F(JOB_STOPPING,       "job.stopping")          \
    F(JOB_RETRYING,       "job.retrying")          \
    F(JOB_SNOOZED,        "job.snoozed")           \
    F(JOB_CHANGED,        "job.changed")           \
    F(JOB_COMPLETED,      "job.completed")         \
    F(JOB_FAILED,         "job.failed")            \
    F(JOB_CANCELLED,      "job.cancelled")         \
    F(JOB_EXPIRED,        "job.expired")           \
    F(SCHEDULE_ADDED,     "schedule.added")        \
    F(SCHEDULE_CHANGED,   "schedule.changed")      \
    F(SCHEDULE_REMOVED,   "schedule.removed")      \
    F(SCHEDULE_PAUSED,    "schedule.paused")       \
    F(SCHEDULE_RESUMED,   "schedule.resumed")      \
    F(SCHEDULE_FIRED,     "schedule.fired")        \
    F(SCHEDULE_MISSED,    "schedule.missed")       \
    F(SCHEDULE_SUPPRESSED, "schedule.suppressed")  \
    F(EFFECT_PENDING,     "effect.pending")        \
    F(EFFECT_DELIVERED,   "effect.delivered")      \
    F(EFFECT_FAILED,      "effect.failed")         \
    F(EFFECT_UNKNOWN,     "effect.unknown")        \
    F(EFFECT_SUPPRESSED,  "effect.suppressed")     \
    F(WORKER_UP,          "worker.up")             \
    F(WORKER_LOST,        "worker.lost")           \
    F(WORKER_GONE,        "worker.gone")           \
    F(JOB_MERGED,         "job.merged")            \
    F(JOB_BUDGET_WARNING, "job.budget_warning")    \
    F(SCHEDULE_ENDED,     "schedule.ended")        \
    F(COMPANY_ADDED,      "company.added")         \
    F(COMPANY_CHANGED,    "company.changed")       \
    F(COMPANY_REMOVED,    "company.removed")       \
    F(COMPANY_PAUSED,     "company.paused")        \
    F(COMPANY_RESUMED,    "company.resumed")       \
    F(AGENT_ADDED,        "agent.added")           \
    F(AGENT_CHANGED,      "agent.changed")         \
    F(AGENT_REMOVED,      "agent.removed")         \
    F(AGENT_PAUSED,       "agent.paused")          \
    F(AGENT_RESUMED,      "agent.resumed")         \
    F(AGENT_ALIVE,        "agent.alive")           \
    F(AGENT_STALE,        "agent.stale")           \
    F(AGENT_DEAD,         "agent.dead")            \
    F(PROFILE_ADDED,      "profile.added")         \
    F(PROFILE_CHANGED,    "profile.changed")       \
    F(PROFILE_REMOVED,    "profile.removed")       \
    F(GOAL_ADDED,         "goal.added")            \
    F(GOAL_CHANGED,       "goal.changed")          \
    F(GOAL_REMOVED,       "goal.removed")          \
    F(GOAL_DECOMPOSED,    "goal.decomposed")       \
    F(TICKET_ADDED,       "ticket.added")          \
    F(TICKET_CHANGED,     "ticket.changed")        \
    F(TICKET_ASSIGNED,    "ticket.assigned")       \
    F(TICKET_DONE,        "ticket.done")           \
    F(TICKET_REMOVED,     "ticket.removed")        \
    F(BREAKER_OPENED,     "breaker.opened")        \
    F(BREAKER_PROBING,    "breaker.probing")       \
    F(BREAKER_CLOSED,     "breaker.closed")        \
    F(BUDGET_WARNING,     "budget.warning")        \
    F(BUDGET_EXHAUSTED,   "budget.exhausted")      \
    F(CHAIN_CUT,          "chain.cut")             \
    F(APPROVAL_REQUESTED, "approval.requested")    \
    F(APPROVAL_GRANTED,   "approval.granted")      \
    F(APPROVAL_DENIED,    "approval.denied")       \
    F(EFFECT_REJECTED,    "effect.rejected")       \
    F(STOPPED,            "daemon.stopped")        \
    F(DRAINED,            "daemon.draining")       \
    F(RESUMED,            "daemon.resumed")        \
    F(CONFIG_APPLIED,     "config.applied")        \
    F(CLOCK_CHANGED,      "clock.changed")         \
    F(RECORD_DAMAGED,     "record.damaged")        \
    F(SCHEDULE_PROMOTED,  "schedule.promoted")     \
    F(SCHEDULE_ALERT,     "schedule.alert")        \
    F(SCHEDULE_RECOVERED, "schedule.recovered")    \
    F(SCHEDULE_OVERDUE,   "schedule.overdue")      \
    F(SCHEDULE_WARNING,   "schedule.warning")      \
    F(SESSION_OPENED,     "session.opened")        \
    F(SESSION_EVENT,      "session.event")         \
    F(SESSION_PROCESSED,  "session.processed")     \
    F(SESSION_EVENT_DEAD, "session.event_dead")    \
    F(SESSION_HELD,       "session.held")          \
    F(SESSION_RESUMED,    "session.resumed")       \
    F(SESSION_CLOSED,     "session.closed")        \
    F(EFFECT_EXPIRED,     "effect.expired")        \
    F(TIMER_SET,          "timer.set")             \
    F(TIMER_FIRED,        "timer.fired")           \
    F(TIMER_CANCELLED,    "timer.cancelled")
// clang-format on
enum feed_type {
#define F(NAME, text) FEED_##NAME,
    FEED_TYPES(F)
#undef F
        FEED_TYPE_COUNT
};

/* company 0: of no company. */
struct mp_open_map feed_open(struct engine *en, enum feed_type type, uint32_t company);
struct buf        *feed_buf(struct engine *en);
void               feed_close(struct engine *en, struct mp_open_map *m);

/* feed_open() of an event of a job: its id, and those of its parent and of its chain's root (A15).
 * NULL for `spec` reads the job's. */
struct mp_open_map feed_open_job(struct engine *en, enum feed_type type, const struct job_state *j,
                                 const struct job_spec *spec);
/* All of an event of a job: also state, handler, agent, schedule, attempt and, when it failed,
 * class and message. */
void feed_job(struct engine *en, enum feed_type type, const struct job_state *j,
              const struct job_spec *spec);
/* wakeup.scheduled and agent.wakeup: {companyId, actorId, actorKind, payload {wakeupRequestId,
 * agentId, trigger, context}, parent, root}. */
void feed_wakeup(struct engine *en, enum feed_type type, const struct job_state *j,
                 const struct job_spec *spec);
void feed_worker(struct engine *en, enum feed_type type, uint32_t worker);
/* An event of a named object (schedule…) with an optional reason. */
void feed_object(struct engine *en, enum feed_type type, uint32_t object, const char *reason);

/* Writes the turn's events. */
void feed_flush(struct engine *en);
/* Due work: rows over the age or size limit go. */
void    feed_due(struct engine *en);
int64_t feed_deadline(struct engine *en);

/* feed.read. */
enum read_result feed_read(struct engine *en, struct txn *t, const struct actor *a,
                           const struct msg_feed_read *m, struct buf *reply, bool *ok,
                           struct err *e);

#endif
