/* values - what the small fields of records may hold: kinds, states, flags.  Append-only, for they
 * are in stores. */
#ifndef STORE_VALUES_H
#define STORE_VALUES_H

enum object_kind {
    KIND_NONE,
    KIND_COMPANY,
    KIND_AGENT,
    KIND_HANDLER,
    KIND_SINK,
    KIND_SCHEDULE,
    KIND_LIMITS,
    KIND_PROFILE
};
enum origin { ORIGIN_BUILTIN, ORIGIN_CONFIG, ORIGIN_API, ORIGIN_AGENT };
enum blob_kind {
    BLOB_PAYLOAD = 1,
    BLOB_OUTPUT,
    BLOB_CHECKPOINT,
    BLOB_EFFECT,
    BLOB_REPLY,
    BLOB_EVENT,
    BLOB_TIMER,
    BLOB_ACTIVITY
};
enum attempt_outcome { ATTEMPT_COMPLETED = 1, ATTEMPT_FAILED, ATTEMPT_SNOOZED, ATTEMPT_STOPPED };
enum firing_outcome { FIRING_FIRED = 1, FIRING_MISSED, FIRING_SUPPRESSED };
enum firing_kind { FIRING_REGULAR, FIRING_MANUAL, FIRING_BACKFILL };

// clang-format off
#define JOB_STATES(S)         \
    S(SCHEDULED, "scheduled") \
    S(READY,     "ready")     \
    S(RUNNING,   "running")   \
    S(COMPLETED, "completed") \
    S(FAILED,    "failed")    \
    S(CANCELLED, "cancelled") \
    S(EXPIRED,   "expired")
// clang-format on
enum job_state_id {
    JOB_NONE,
#define S(name, text) JOB_##name,
    JOB_STATES(S)
#undef S
        JOB_STATE_COUNT
};

/* Those that make lanes (N18), and marks of one job. */
#define JOB_FLAG_SCHEDULE_BORN 1U
#define JOB_FLAG_FORCED        2U
#define JOB_FLAG_ALONE         4U
#define JOB_FLAG_QUARANTINED   8U
#define JOB_FLAG_RETRY         16U  /* waits for a retry (list --retrying) */
#define JOB_FLAG_UNIQUE        32U  /* has a unique key: its row goes when it ends */
#define JOB_FLAG_DEBOUNCED     64U  /* others may be merged into it until it starts or ends */
#define JOB_FLAG_AGENT_MADE    128U /* by an agent's effect: in made_wakes until it starts or ends */
#define JOB_FLAG_BY_HAND       256U /* of a schedule, whose pause does not hold it */
#define JOB_FLAG_EVENT         512U /* processes an event of its session (D1) */
#define JOB_LANE_FLAGS \
    (JOB_FLAG_SCHEDULE_BORN | JOB_FLAG_FORCED | JOB_FLAG_ALONE | JOB_FLAG_BY_HAND)

/*  E(NAME, "text") */
// clang-format off
#define EFFECT_KINDS(E)                 \
    E(SEND_MESSAGE,   "send_message")   \
    E(SCHEDULE_TIMER, "schedule_timer") \
    E(CANCEL_TIMER,   "cancel_timer")   \
    E(WAKE_AGENT,     "wake_agent")     \
    E(ADD_SCHEDULE,   "add_schedule")   \
    E(NOTIFY,         "notify")         \
    E(ACTIVITY,       "activity")       \
    E(TICKET,         "ticket")         \
    E(PING,           "ping")
// clang-format on
enum effect_kind {
    EFFECT_NONE,
#define E(name, text) EFFECT_##name,
    EFFECT_KINDS(E)
#undef E
        EFFECT_KIND_COUNT
};

// clang-format off
#define EFFECT_STATUSES(E)      \
    E(PENDING,    "pending")    \
    E(ATTEMPTING, "attempting") \
    E(DELIVERED,  "delivered")  \
    E(FAILED,     "failed")     \
    E(UNKNOWN,    "unknown")    \
    E(EXPIRED,    "expired")    \
    E(REJECTED,   "rejected")   \
    E(SUPPRESSED, "suppressed")
// clang-format on
enum effect_status {
    STATUS_NONE,
#define E(name, text) STATUS_##name,
    EFFECT_STATUSES(E)
#undef E
        STATUS_COUNT
};

/* What `agentctl stop` holds (A17); STOP_DRAIN: `agentctl drain`. */
#define STOP_NEW     1
#define STOP_EFFECTS 2
#define STOP_DRAIN   4

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

/*  V(NAME, "text") */
// clang-format off
#define GOAL_STATUSES(V)        \
    V(OPEN,      "open")        \
    V(DONE,      "done")        \
    V(CANCELLED, "cancelled")
#define TICKET_STATUSES(V)          \
    V(OPEN,        "open")          \
    V(CLAIMED,     "claimed")       \
    V(IN_PROGRESS, "in_progress")   \
    V(DONE,        "done")          \
    V(DISPUTED,    "disputed")
#define APPROVAL_STATUSES(V)    \
    V(PENDING, "pending")       \
    V(GRANTED, "granted")       \
    V(DENIED,  "denied")
#define LIVENESSES(V)   \
    V(IDLE,  "idle")    \
    V(ALIVE, "alive")   \
    V(STALE, "stale")   \
    V(DEAD,  "dead")
#define SESSION_STATUSES(V) \
    V(OPEN,   "open")       \
    V(HELD,   "held")       \
    V(CLOSED, "closed")
#define EVENT_MARKS(V)          \
    V(DEAD, "dead")             \
    V(VOID, "void")
#define TIMER_STATUSES(V)       \
    V(PENDING,   "pending")     \
    V(PROMOTED,  "promoted")    \
    V(CANCELLED, "cancelled")
// clang-format on
/* 0, as in older stores, is open. */
enum session_status {
#define V(name, text) SESSION_##name,
    SESSION_STATUSES(V)
#undef V
        SESSION_STATUS_COUNT
};
/* Given up after its attempts; cancelled before it was processed. */
enum event_mark {
    EVENT_UNMARKED,
#define V(name, text) EVENT_##name,
    EVENT_MARKS(V)
#undef V
        EVENT_MARK_COUNT
};
enum timer_status {
    TIMER_NONE,
#define V(name, text) TIMER_##name,
    TIMER_STATUSES(V)
#undef V
        TIMER_STATUS_COUNT
};
enum goal_status {
    GOAL_NONE,
#define V(name, text) GOAL_##name,
    GOAL_STATUSES(V)
#undef V
        GOAL_STATUS_COUNT
};
enum ticket_status {
    TICKET_NONE,
#define V(name, text) TICKET_##name,
    TICKET_STATUSES(V)
#undef V
        TICKET_STATUS_COUNT
};
enum approval_status {
    APPROVAL_NONE,
#define V(name, text) APPROVAL_##name,
    APPROVAL_STATUSES(V)
#undef V
        APPROVAL_STATUS_COUNT
};
enum liveness {
    LIVENESS_NONE,
#define V(name, text) LIVENESS_##name,
    LIVENESSES(V)
#undef V
        LIVENESS_COUNT
};

#endif
