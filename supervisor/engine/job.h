/* job - the state machine of a job: one table, one function that moves it, and all that must follow
 * a move.
 *
 *                        ┌────────── COME_BACK (retry, snooze, lost, interrupted) ──────────┐
 *                        ▼                                                                  │
 *   SUBMIT ──▶ scheduled ──DUE──▶ ready ──START──▶ running ──COMPLETE──▶ completed          │
 *                  ▲  │             │                │  └───────────────────────────────────┘
 *                  │  │             ├──────FAIL──────┼──FAIL───▶ failed
 *                  │  ├──CANCEL─────┼──▶ cancelled ◀─┴──ABORT
 *                  │  └──EXPIRE─────┴──▶ expired
 *                  └── RETRY from failed, cancelled, expired
 *
 * `parked` is not a state: a ready job is shown so while a limit holds its lane (N18).  `stopping`
 * is a running job with a stop_reason (N1). */
#ifndef ENGINE_JOB_H
#define ENGINE_JOB_H

#include "supervisor/engine/failure.h"
#include "supervisor/engine/turn.h"

// clang-format off
/*    E(from,      event,        to) */
#define JOB_EDGES(E)                                                                                  \
    E(NONE,      SUBMIT,       SCHEDULED)                                                            \
    E(NONE,      SUBMIT_DUE,   READY)                                                                \
    E(SCHEDULED, DUE,          READY)                                                                \
    E(SCHEDULED, CHANGE,       SCHEDULED)    /* another run_at or priority */                        \
    E(SCHEDULED, CANCEL,       CANCELLED)                                                            \
    E(SCHEDULED, EXPIRE,       EXPIRED)                                                              \
    E(READY,     CHANGE,       SCHEDULED)    /* due again in the same turn when run_at has come */   \
    E(READY,     START,        RUNNING)      /* token, worker and lease are set */                   \
    E(READY,     CANCEL,       CANCELLED)                                                            \
    E(READY,     EXPIRE,       EXPIRED)                                                              \
    E(READY,     FAIL,         FAILED)       /* what it needs to start cannot be read */              \
    E(RUNNING,   STOP,         RUNNING)      /* stop_reason is set; the first one wins */            \
    E(RUNNING,   REPORT,       RUNNING)      /* usage has grown */                                   \
    E(RUNNING,   COMPLETE,     COMPLETED)                                                            \
    E(RUNNING,   COME_BACK,    SCHEDULED)    /* run_at is set */                                     \
    E(RUNNING,   FAIL,         FAILED)                                                               \
    E(RUNNING,   ABORT,        CANCELLED)                                                            \
    E(FAILED,    RETRY,        SCHEDULED)                                                            \
    E(CANCELLED, RETRY,        SCHEDULED)                                                            \
    E(EXPIRED,   RETRY,        SCHEDULED)

#define JOB_EVENTS(E)                                                                                 \
    E(SUBMIT) E(SUBMIT_DUE) E(DUE) E(CHANGE) E(CANCEL) E(EXPIRE) E(START) E(STOP) E(REPORT) E(COMPLETE) \
    E(COME_BACK) E(FAIL) E(ABORT) E(RETRY)
// clang-format on

enum job_event {
#define E(event) JOB_ON_##event,
    JOB_EVENTS(E)
#undef E
        JOB_EVENT_COUNT
};

/*  G(NAME, "text", default priority) */
#define TRIGGERS(G)                           \
    G(MANUAL, "manual", 80)                   \
    G(GOAL_DECOMPOSED, "goal_decomposed", 75) \
    G(TICKET_ASSIGNED, "ticket_assigned", 70) \
    G(ROUTINE, "routine", 60)                 \
    G(SCHEDULE, "schedule", 50)               \
    G(TIMER, "timer", 50)                     \
    G(EVENT, "event", 50)                     \
    G(HEARTBEAT, "heartbeat", 50)             \
    G(WORKFLOW, "workflow", 50)               \
    G(FOLLOW_UP, "follow_up", 50)
enum trigger {
    TRIGGER_NONE,
#define G(NAME, text, priority) TRIGGER_##NAME,
    TRIGGERS(G)
#undef G
        TRIGGER_COUNT
};

const char       *job_state_name(enum job_state_id s);
const char       *trigger_name(enum trigger t);
uint8_t           trigger_priority(enum trigger t);
enum trigger      trigger_from(struct view name);   /* TRIGGER_NONE for an unknown one */
enum job_state_id job_state_from(struct view name); /* JOB_NONE for an unknown one */
bool              job_state_is_end(enum job_state_id s);

/* The table alone: where `ev` leads from j->state, written to j->state; E_WRONG_STATE, and nothing
 * changed, for a pair that the table does not list. */
enum errc job_step(struct job_state *j, enum job_event ev, struct err *e) MUST_CHECK;

/* job_step, and what follows a move: the lane and the company's counters, limits that have room
 * again, waiters; then saves.  The caller has set the fields that go with the event. */
enum errc job_move(struct engine *en, struct job_state *j, enum job_event ev,
                   struct err *e) MUST_CHECK;
/* The same where the caller knows that the table allows it (asserted). */
void job_must_move(struct engine *en, struct job_state *j, enum job_event ev);

/* A job that is about to be removed counts no more. */
void job_uncount(struct engine *en, const struct job_state *j);

/* Loads a job's state or spec; E_NOT_FOUND, E_DAMAGED, or E_NOT_FOUND when the actor may not see
 * its company. */
enum errc job_get(struct txn *t, const struct actor *a, uint64_t id, struct job_state *j,
                  struct err *e) MUST_CHECK;
enum errc job_get_spec(struct txn *t, uint64_t id, struct job_spec *s, struct err *e) MUST_CHECK;

/* Due work: scheduled jobs whose time has come, jobs not started in time; at most `max`. */
void jobs_due(struct engine *en, uint32_t max);

/* As an operator asks: a running job is told to stop, one that has not started is cancelled with
 * `message` (a constant); E_WRONG_STATE, and nothing changed, for one that has ended. */
enum errc job_cancel(struct engine *en, struct job_state *j, const char *message,
                     struct err *e) MUST_CHECK;
/* Whether it ended without success for an event, which its session has given up: the event may be
 * tried again, not the job. */
bool job_is_of_dead_event(const struct job_state *j);
/* An ended or waiting job runs again as soon as it can; is_forced: over the caps (C10), and one
 * that is ready, too. */
enum errc job_retry(struct engine *en, struct job_state *j, bool is_forced,
                    struct err *e) MUST_CHECK;

/* Requests. */
enum errc on_job_cancel(struct engine *en, const struct actor *a, const struct msg_job_cancel *m,
                        struct buf *reply, struct err *e) MUST_CHECK;
enum errc on_job_retry(struct engine *en, const struct actor *a, const struct msg_job_retry *m,
                       struct buf *reply, struct err *e) MUST_CHECK;
enum errc on_job_set(struct engine *en, const struct actor *a, const struct msg_job_set *m,
                     struct buf *reply, struct err *e) MUST_CHECK;

#endif
