/* records - every durable record, its key and its indexes, as lists.
 *
 * A record is F(TYPE, name) lines; its value in the store is a msgpack array [version, field, …]
 * with a checksum behind it.  New fields go at the end and read as 0 or empty from older records.
 * A table is T(NAME, name, version, order): order ASCENDING says that new keys are usually the
 * largest (appended pages stay full). KEY fields and the INDEX lists name fields in key order;
 * DESC(field) sorts that field downwards.  Text in a key is its 128-bit hash (N14).  An index holds
 * the records for which its predicate (<index>_holds in schema.c) is true.
 *
 * Types: U8 U32 U64 I64 HASH (16 bytes) fixed; STR text; ANY one packed msgpack value (empty reads
 * back as empty); BIN bytes. */
#ifndef STORE_RECORDS_H
#define STORE_RECORDS_H

#include "common/hash.h"
#include "common/mem.h"
#include <stdint.h>

// clang-format off

/* The engine's own scalars: one row, written once in a dirty turn. */
#define META_RECORD(F)                                                           \
    F(U64, id)                /* always 1 */                                      \
    F(U64, turn)              /* number of the last dirty turn */                 \
    F(I64, last_wall_ms)                                                          \
    F(U64, rng)               /* state of the engine's generator */               \
    F(U64, next_job)                                                              \
    F(U64, next_object)       /* ids of companies, agents, handlers, lanes, …; u32 range */ \
    F(U64, next_effect)                                                           \
    F(U64, next_token)        /* lease tokens, for attempts and locks alike */    \
    F(U64, next_served)       /* turn-taking of companies (N19) */                \
    F(U64, feed_seq)          /* of the last event */                             \
    F(U64, feed_bytes)                                                            \
    F(U64, boot_id)           /* of the machine's boot that last ran */           \
    F(U8,  clean_stop)        /* 1: the last end was planned */                   \
    F(U64, unclean_stops)                                                         \
    F(I64, last_crash_at)

/* A declared object: company, agent, handler, sink, schedule.  spec is its packed declaration. */
#define OBJECT_RECORD(F)                                                         \
    F(U32, id)                                                                    \
    F(U8,  kind)              /* enum object_kind */                              \
    F(U32, company)           /* 0 for a company itself */                        \
    F(STR, name)                                                                  \
    F(U8,  origin)            /* enum origin */                                   \
    F(U64, hash)              /* of spec */                                       \
    F(ANY, spec)                                                                  \
    F(I64, created_at)

/* What is given when a job is submitted; written once.  A payload over BLOB_FROM bytes is in blob. */
#define JOB_SPEC_RECORD(F)                                                       \
    F(U64, id)                                                                    \
    F(U32, company)                                                               \
    F(U32, agent)                                                                 \
    F(U32, handler)                                                               \
    F(U32, schedule)                                                              \
    F(U32, session)                                                               \
    F(U8,  trigger)           /* enum trigger */                                  \
    F(STR, source)                                                                \
    F(STR, title)                                                                 \
    F(ANY, payload)                                                               \
    F(U32, payload_bytes)     /* of a payload in blob; 0: inline */               \
    F(ANY, context)                                                               \
    F(ANY, tags)                                                                  \
    F(I64, submitted_at)                                                          \
    F(U32, max_attempts)                                                          \
    F(ANY, retry)             /* own ladder: list of ms; empty: the handler's or the default */ \
    F(I64, max_run_ms)                                                            \
    F(I64, max_turns)         /* -1: no limit */                                  \
    F(I64, expires_at)        /* 0: never */                                      \
    F(I64, nominal_at)        /* of a firing */                                   \
    F(U64, goal)                                                                  \
    F(U64, ticket)                                                                \
    F(U64, parent)                                                                \
    F(U64, root)                                                                  \
    F(STR, unique_key)                                                            \
    F(STR, actor)             /* who submitted it */

/* What changes as a job moves. */
#define JOB_STATE_RECORD(F)                                                      \
    F(U64, id)                                                                    \
    F(U8,  state)             /* enum job_state_id */                             \
    F(U32, lane)                                                                  \
    F(U32, company)                                                               \
    F(U32, agent)                                                                 \
    F(U32, handler)                                                               \
    F(U32, session)                                                               \
    F(U32, schedule)                                                              \
    F(U8,  flags)             /* JOB_FLAG_* */                                    \
    F(U8,  priority)                                                              \
    F(I64, run_at)                                                                \
    F(I64, expires_at)                                                            \
    F(U32, attempt)           /* starts ever made (N2) */                         \
    F(U32, failures)                                                              \
    F(U32, crashes)           /* in a row */                                      \
    F(U64, token)             /* lease token of the running or last attempt */    \
    F(U32, worker)                                                                \
    F(I64, claimed_at)                                                            \
    F(I64, lease_expires_at)  /* wall, shown */                                   \
    F(I64, lease_end_boot)    /* boot ms, enforced (N26) */                       \
    F(U8,  stop_reason)       /* enum failure_class; 0: none (N1) */              \
    F(U8,  failure)           /* enum failure_class of the last failure; 0: none */ \
    F(STR, failure_message)                                                       \
    F(I64, ended_at)                                                              \
    F(U64, turns)             /* usage of all attempts */                         \
    F(U64, input_tokens)                                                          \
    F(U64, output_tokens)                                                         \
    F(U64, cost_micros)                                                           \
    F(ANY, output)                                                                \
    F(U32, output_bytes)      /* of an output in blob; 0: inline */

/* One attempt that ended. */
#define ATTEMPT_RECORD(F)                                                        \
    F(U64, job)                                                                   \
    F(U32, attempt)                                                               \
    F(U64, token)                                                                 \
    F(U32, worker)                                                                \
    F(I64, claimed_at)                                                            \
    F(I64, ended_at)                                                              \
    F(U8,  outcome)           /* enum attempt_outcome */                          \
    F(U8,  failure)           /* enum failure_class; 0: none */                   \
    F(STR, message)                                                               \
    F(U64, turns)                                                                 \
    F(U64, input_tokens)                                                          \
    F(U64, output_tokens)                                                         \
    F(U64, cost_micros)                                                           \
    F(I64, exit_code)         /* -1: none */                                      \
    F(U8,  signal)                                                                \
    F(U64, rss_kb)

/* Bytes too long for a record, in chunks of one overflow page each (N14). */
#define BLOB_RECORD(F)                                                           \
    F(U8,  kind)              /* enum blob_kind */                                \
    F(U64, owner)                                                                 \
    F(U32, chunk)                                                                 \
    F(BIN, data)

/* The set of ready jobs that meet the same limits (N18). */
#define LANE_RECORD(F)                                                           \
    F(U32, id)                                                                    \
    F(U32, company)                                                               \
    F(U32, agent)                                                                 \
    F(U32, handler)                                                               \
    F(U32, session)                                                               \
    F(U32, credential)                                                            \
    F(U8,  flags)             /* JOB_FLAG_* that make lanes */                    \
    F(U64, head)              /* id of its first ready job; 0: empty */           \
    F(U8,  head_priority)                                                         \
    F(I64, head_run_at)                                                           \
    F(U8,  blocked_by)        /* enum predicate; 0: not blocked */                \
    F(U32, blocked_on)        /* the company, agent, … whose limit it is */       \
    F(I64, blocked_at)

/* Per company: its turn in the dispatch and its counters. */
#define QUEUE_RECORD(F)                                                          \
    F(U32, company)                                                               \
    F(U64, served)                                                                \
    F(U8,  has_head)          /* 1: some lane of it can run */                    \
    F(U8,  head_priority)     /* of its best lane */                              \
    F(U64, scheduled)                                                             \
    F(U64, ready)                                                                 \
    F(U64, running)                                                               \
    F(U64, completed)                                                             \
    F(U64, failed)                                                                \
    F(U64, cancelled)                                                             \
    F(U64, expired)

/* How a schedule runs; what is declared is its object. */
#define SCHEDULE_RECORD(F)                                                       \
    F(U32, id)                /* of its object */                                 \
    F(U32, company)                                                               \
    F(U32, session)                                                               \
    F(I64, cursor)            /* the last nominal time that was decided */        \
    F(I64, next_at)           /* the next nominal time; 0: never */               \
    F(U8,  paused)                                                                \
    F(STR, pause_reason)                                                          \
    F(I64, paused_at)                                                             \
    F(U64, firing_count)                                                          \
    F(U64, suppressed_count)                                                      \
    F(U64, missed_count)                                                          \
    F(U64, last_job)                                                              \
    F(I64, last_fired_at)                                                         \
    F(U32, failure_streak)                                                        \
    F(U8,  last_failure)                                                          \
    F(U32, in_flight)         /* its jobs that have not ended */

/* One nominal time of a schedule and what became of it. */
#define FIRING_RECORD(F)                                                         \
    F(U32, schedule)                                                              \
    F(I64, nominal_at)                                                            \
    F(U8,  outcome)           /* enum firing_outcome */                           \
    F(STR, reason)                                                                \
    F(U64, job)                                                                   \
    F(I64, fired_at)                                                              \
    F(U64, number)            /* firing #N */                                     \
    F(U64, count)             /* nominal times that a missed row stands for */

#define SESSION_RECORD(F)                                                        \
    F(U32, id)                                                                    \
    F(U32, company)                                                               \
    F(STR, name)                                                                  \
    F(U32, agent)                                                                 \
    F(U64, event_seq)                                                             \
    F(U64, checkpoint_id)     /* number of the checkpoint; 0: none yet */         \
    F(ANY, checkpoint)                                                            \
    F(U32, checkpoint_bytes)  /* of a checkpoint in blob; 0: inline */            \
    F(I64, checkpoint_at)                                                         \
    F(I64, created_at)

/* The outbox. */
#define EFFECT_RECORD(F)                                                         \
    F(U64, id)                                                                    \
    F(U64, place)             /* order of delivery within (session, sink) */      \
    F(U32, company)                                                               \
    F(U32, session)                                                               \
    F(U32, sink)              /* object id; 0: none */                            \
    F(U64, job)                                                                   \
    F(U64, checkpoint_id)                                                         \
    F(U8,  kind)              /* enum effect_kind */                              \
    F(U8,  status)            /* enum effect_status */                            \
    F(ANY, payload)                                                               \
    F(HASH, dedupe)                                                               \
    F(U32, attempts)                                                              \
    F(U64, token)             /* of the attempt under way */                      \
    F(I64, not_before)                                                            \
    F(I64, not_after)         /* 0: none */                                       \
    F(I64, last_attempt_at)                                                       \
    F(I64, created_at)                                                            \
    F(I64, updated_at)                                                            \
    F(STR, receipt)                                                               \
    F(STR, reason)                                                                \
    F(U8,  probe)             /* 1: the outcome is unknown; ask the sink before anything is sent again */ \
    F(U32, payload_bytes)     /* of a payload in blob; 0: inline */

/* Events of the feed: rows of several, each row at most about a page. */
#define FEED_RECORD(F)                                                           \
    F(U64, seq)               /* of its first event */                            \
    F(U32, count)                                                                 \
    F(I64, at)                                                                    \
    F(ANY, events)            /* a list of maps */

/* The reply to a request that carried a request_id (N39). */
#define ANSWER_RECORD(F)                                                        \
    F(HASH, key)              /* of actor and request_id */                       \
    F(I64, at)                                                                    \
    F(BIN, reply)             /* the packed reply body */                         \
    F(U32, reply_bytes)       /* of a reply in blob; 0: inline */

#define RECORDS(T)                                        \
    T(META,      meta,      1, RANDOM)                    \
    T(OBJECT,    object,    1, ASCENDING)                 \
    T(JOB_SPEC,  job_spec,  1, ASCENDING)                 \
    T(JOB_STATE, job_state, 1, ASCENDING)                 \
    T(ATTEMPT,   attempt,   1, RANDOM)                    \
    T(BLOB,      blob,      1, RANDOM)                    \
    T(LANE,      lane,      1, ASCENDING)                 \
    T(QUEUE,     queue,     1, RANDOM)                    \
    T(SCHEDULE,  schedule,  1, RANDOM)                    \
    T(FIRING,    firing,    1, RANDOM)                    \
    T(SESSION,   session,   1, ASCENDING)                 \
    T(EFFECT,    effect,    1, ASCENDING)                 \
    T(FEED,      feed,      1, ASCENDING)                 \
    T(ANSWER,    answer,    1, RANDOM)

/* Primary keys: K(TABLE, fields…) */
#define KEYS(K)                                           \
    K(META,      id)                                      \
    K(OBJECT,    id)                                      \
    K(JOB_SPEC,  id)                                      \
    K(JOB_STATE, id)                                      \
    K(ATTEMPT,   job, attempt)                            \
    K(BLOB,      kind, owner, chunk)                      \
    K(LANE,      id)                                      \
    K(QUEUE,     company)                                 \
    K(SCHEDULE,  id)                                      \
    K(FIRING,    schedule, DESC(nominal_at))              \
    K(SESSION,   id)                                      \
    K(EFFECT,    id)                                      \
    K(FEED,      seq)                                     \
    K(ANSWER,    key)

/* Secondary indexes: I(TABLE, table, INDEX, order, fields…).  Every one ends in the primary key or is unique. */
#define INDEXES(I)                                                                                        \
    I(OBJECT,    object,    object_by_name,   RANDOM,    kind, company, name)                             \
    I(JOB_STATE, job_state, job_due,          RANDOM,    run_at, id)             /* scheduled */          \
    I(JOB_STATE, job_state, job_ready,        RANDOM,    lane, DESC(priority), run_at, id) /* ready */    \
    I(JOB_STATE, job_state, job_running,      RANDOM,    lease_end_boot, id, company, agent, handler, session, flags) \
    I(JOB_STATE, job_state, job_ended,        RANDOM,    state, ended_at, id)                             \
    I(JOB_STATE, job_state, job_expiry,       RANDOM,    expires_at, id)         /* not started */        \
    I(LANE,      lane,      lane_by_limits,   RANDOM,    company, agent, handler, session, credential, flags) \
    I(LANE,      lane,      lane_runnable,    RANDOM,    company, DESC(head_priority), head_run_at, head, id) \
    I(LANE,      lane,      lane_blocked,     RANDOM,    blocked_by, blocked_on, company, DESC(head_priority), head_run_at, head, id) \
    I(QUEUE,     queue,     queue_turn,       RANDOM,    DESC(head_priority), served, company)            \
    I(SCHEDULE,  schedule,  schedule_next,    RANDOM,    next_at, id)                                     \
    I(SESSION,   session,   session_by_name,  RANDOM,    company, name)                                   \
    I(EFFECT,    effect,    effect_queue,     RANDOM,    session, sink, place)   /* pending, attempting, or probe is set */ \
    I(EFFECT,    effect,    effect_pending,   RANDOM,    not_before, place, id) /* pending, or unknown with probe */ \
    I(EFFECT,    effect,    effect_attempting, RANDOM,   id)                                              \
    I(EFFECT,    effect,    effect_expiry,    RANDOM,    not_after, id)          /* pending */            \
    I(ANSWER,    answer,    answer_by_age,    ASCENDING, at, key)

// clang-format on

#define BLOB_FROM  2000 /* bytes; longer values go to blob */
#define BLOB_CHUNK 4000 /* bytes of data in one chunk: with key and envelope one overflow page */

typedef uint8_t        record_U8;
typedef uint32_t       record_U32;
typedef uint64_t       record_U64;
typedef int64_t        record_I64;
typedef struct hash128 record_HASH;
typedef struct view    record_STR;
typedef struct view    record_ANY;
typedef struct view    record_BIN;

#define RECORD_MEMBER(type, name) record_##type name;
#define T(NAME, name, version, order) \
    struct name {                     \
        NAME##_RECORD(RECORD_MEMBER)  \
    };
RECORDS(T)
#undef T

enum table_id {
#define T(NAME, name, version, order) TABLE_##NAME,
    RECORDS(T)
#undef T
        TABLE_COUNT
};

/* Primary keys are indexes too: scans name them PRIMARY_<TABLE>. */
enum index_id {
#define T(NAME, name, version, order) PRIMARY_##NAME,
    RECORDS(T)
#undef T
#define I(NAME, name, index, order, ...) INDEX_##index,
        INDEXES(I)
#undef I
            INDEX_COUNT
};

/* ---- the values of the small fields; append-only ------------------------------ */

enum object_kind {
    KIND_NONE,
    KIND_COMPANY,
    KIND_AGENT,
    KIND_HANDLER,
    KIND_SINK,
    KIND_SCHEDULE,
    KIND_LIMITS
};
enum origin { ORIGIN_BUILTIN, ORIGIN_CONFIG, ORIGIN_API, ORIGIN_AGENT };
enum blob_kind { BLOB_PAYLOAD = 1, BLOB_OUTPUT, BLOB_CHECKPOINT, BLOB_EFFECT, BLOB_REPLY };
enum attempt_outcome { ATTEMPT_COMPLETED = 1, ATTEMPT_FAILED, ATTEMPT_SNOOZED, ATTEMPT_STOPPED };
enum firing_outcome { FIRING_FIRED = 1, FIRING_MISSED, FIRING_SUPPRESSED };

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
#define JOB_FLAG_SCHEDULE_BORN 1
#define JOB_FLAG_FORCED        2
#define JOB_FLAG_ALONE         4
#define JOB_LANE_FLAGS         7
#define JOB_FLAG_QUARANTINED   8
#define JOB_FLAG_RETRY         16 /* waits for a retry (list --retrying) */

/*  E(NAME, "text") */
// clang-format off
#define EFFECT_KINDS(E)                 \
    E(SEND_MESSAGE,   "send_message")   \
    E(SCHEDULE_TIMER, "schedule_timer") \
    E(CANCEL_TIMER,   "cancel_timer")   \
    E(WAKE_AGENT,     "wake_agent")     \
    E(ADD_SCHEDULE,   "add_schedule")   \
    E(NOTIFY,         "notify")         \
    E(ACTIVITY,       "activity")
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

#endif
