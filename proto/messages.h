/* messages - every message on every wire, and every declared object, as lists.
 *
 * The lists are data: they make the structs, the descriptors that one walker decodes by (codec.h),
 * the tables in PROTOCOL.md and schema.lock.  A field is F(struct, TYPE, name, NEED, low, high);
 * its key on the wire is its name.  Names are append-only; a change needs a new PROTO_VERSION
 * (schema.lock's test).
 *
 *   TYPE   wire               low, high           member
 *   U64    integer            least, largest      uint64_t
 *   I64    integer            least, largest      int64_t
 *   MS     integer, ms        least, largest      int64_t      a duration; the config writes it
 * without _ms, "5m" TIME   integer, Unix ms   least, largest      int64_t      an instant BOOL
 * boolean            -                   bool NAME   string             -                   struct
 * view  an object's name (common/name.h) REF    string             -                   struct view
 * a name or company/name STR    string             bytes               struct view  UTF-8 without
 * control characters TEXT   string             bytes               struct view  any UTF-8 JSON any
 * JSON value     bytes (packed)      struct view  the packed value MAP    a JSON object      bytes
 * (packed)      struct view  the packed value LIST   a JSON array       bytes (packed)      struct
 * view  the packed value
 *
 *   NEED: REQUIRED; OPTIONAL (absent or nil: the member is 0, HAS() is false); NULLABLE (nil is
 * given and means "no limit": the member is NO_LIMIT, HAS() is true).
 */
#ifndef PROTO_MESSAGES_H
#define PROTO_MESSAGES_H

#include "common/mem.h"
#include <stdbool.h>
#include <stdint.h>

#define PROTO_VERSION     1 /* of the control and worker protocols */
#define PROTO_VERSION_MIN 1 /* the oldest that the server accepts */

#define NO_LIMIT           (-1)
#define YEARS_100_MS       3155760000000LL
#define TIME_MAX_MS        253402300799999LL /* the end of the year 9999 */
#define PAYLOAD_MAX        1048576
#define OUTPUT_MAX         1048576
#define CHECKPOINT_MAX     262144
#define EFFECTS_MAX        1048576
#define CLIENT_MESSAGE_MAX 2097152
#define WORKER_MESSAGE_MAX 4194304
#define BATCH_MAX          1000
#define LADDER_MAX         32
#define SINKS_MAX          8 /* of one agent, and of those without their own */
#define WORKERS_MAX        64
#define SLOTS_MAX          1024 /* of all workers together */

// clang-format off

/* ---- declared objects: the same in the config file and in `… add` ------------------------------- */

/* What may be used on one day of budget_zone; the ledgers' limits (B6). */
#define DAILY_FIELDS(F, S)                                                                      \
    F(S, I64,  daily_turns,       NULLABLE, 0, INT64_MAX)                                       \
    F(S, I64,  daily_tokens,      NULLABLE, 0, INT64_MAX)                                       \
    F(S, I64,  daily_cost_micros, NULLABLE, 0, INT64_MAX)                                       \
    F(S, MS,   daily_run_ms,      NULLABLE, 0, YEARS_100_MS)                                    \
    F(S, STR,  budget_zone,       OPTIONAL, 1, 64)      /* an IANA name */

/* How a failed attempt comes back: a ladder of waits, or one that is worked out: base · factor^n up to max (A5). */
#define RETRY_FIELDS(F, S)                                                                      \
    F(S, U64,  max_attempts,    OPTIONAL, 1, 1000)                                              \
    F(S, LIST, retry,           OPTIONAL, 0, 4096)      /* the ladder: durations; ms on the wire */ \
    F(S, MS,   retry_base_ms,   OPTIONAL, 0, YEARS_100_MS)                                      \
    F(S, U64,  retry_factor,    OPTIONAL, 1, 100)       /* 2 */                                 \
    F(S, MS,   retry_max_ms,    OPTIONAL, 0, YEARS_100_MS)

/* What all attempts of a job may use together. */
#define SPEND_FIELDS(F, S)                                                                      \
    F(S, U64,  token_budget,       OPTIONAL, 1, INT64_MAX)                                      \
    F(S, U64,  cost_budget_micros, OPTIONAL, 1, INT64_MAX)

#define COMPANY_FIELDS(F, S)                                                                    \
    F(S, NAME, name,            REQUIRED, 0, 0)                                                 \
    F(S, I64,  max_concurrent,  NULLABLE, 0, SLOTS_MAX)                                         \
    F(S, I64,  priority_max,    OPTIONAL, 0, 100)                                               \
    F(S, I64,  queue_max,       NULLABLE, 0, INT64_MAX) /* jobs that have not started; one more is queue_full */ \
    DAILY_FIELDS(F, S)

/* Defaults that agents and schedules share. */
#define PROFILE_FIELDS(F, S)                                                                    \
    F(S, NAME, name,            REQUIRED, 0, 0)                                                 \
    F(S, NAME, company,         OPTIONAL, 0, 0)                                                 \
    F(S, REF,  handler,         OPTIONAL, 0, 0)                                                 \
    F(S, MS,   max_run_ms,      OPTIONAL, 1, YEARS_100_MS)                                      \
    F(S, I64,  max_turns,       NULLABLE, 1, 10000)                                             \
    RETRY_FIELDS(F, S)                                                                          \
    SPEND_FIELDS(F, S)

#define AGENT_FIELDS(F, S)                                                                      \
    F(S, NAME, name,            REQUIRED, 0, 0)                                                 \
    F(S, NAME, company,         OPTIONAL, 0, 0)                                                 \
    F(S, REF,  handler,         OPTIONAL, 0, 0)                                                 \
    F(S, U64,  capabilities,    OPTIONAL, 0, INT64_MAX)                                         \
    F(S, MAP,  data,            OPTIONAL, 0, 65536)                                             \
    F(S, LIST, sinks,           OPTIONAL, 0, 4096)                                              \
    F(S, I64,  max_concurrent,  NULLABLE, 0, SLOTS_MAX)                                         \
    F(S, REF,  profile,         OPTIONAL, 0, 0)                                                 \
    F(S, BOOL, allow_self_wake, OPTIONAL, 0, 0)         /* its effects may wake itself (A15) */ \
    F(S, STR,  approval,        OPTIONAL, 1, 16)        /* none | schedules | all: what of its own making waits for a person (B7) */ \
    DAILY_FIELDS(F, S)

#define HANDLER_FIELDS(F, S)                                                                    \
    F(S, NAME, name,            REQUIRED, 0, 0)                                                 \
    F(S, STR,  kind,            REQUIRED, 1, 16)        /* exec | noop | echo | sleep */        \
    F(S, LIST, command,         OPTIONAL, 0, 65536)     /* exec: program and arguments */       \
    F(S, STR,  cwd,             OPTIONAL, 0, 4096)                                              \
    F(S, LIST, env,             OPTIONAL, 0, 16384)     /* names let through from agentd's own */ \
    F(S, MAP,  set_env,         OPTIONAL, 0, 65536)     /* name: value */                       \
    F(S, STR,  user,            OPTIONAL, 0, 64)                                                \
    F(S, MS,   max_run_ms,      OPTIONAL, 1, YEARS_100_MS)                                      \
    F(S, I64,  max_turns,       NULLABLE, 1, 10000)                                             \
    RETRY_FIELDS(F, S)                                                                          \
    SPEND_FIELDS(F, S)                                                                          \
    F(S, NAME, credential,      OPTIONAL, 0, 0)         /* what rate_limited and auth_failed close (A16); by default its own */ \
    F(S, I64,  max_concurrent,  NULLABLE, 0, SLOTS_MAX)                                         \
    F(S, U64,  memory_max,      OPTIONAL, 1048576, INT64_MAX)  /* bytes of address space */     \
    F(S, MS,   cpu_max_ms,      OPTIONAL, 1000, YEARS_100_MS)                                   \
    F(S, U64,  files_max,       OPTIONAL, 8, 1048576)                                           \
    F(S, U64,  processes_max,   OPTIONAL, 1, 1048576)                                           \
    F(S, U64,  log_max,         OPTIONAL, 1024, INT64_MAX)     /* bytes of log kept per job */

#define SINK_FIELDS(F, S)                                                                       \
    F(S, NAME, name,            REQUIRED, 0, 0)                                                 \
    F(S, STR,  kind,            REQUIRED, 1, 16)        /* file */                              \
    F(S, STR,  path,            OPTIONAL, 1, 4096)      /* relative: below the state folder */

#define SCHEDULE_FIELDS(F, S)                                                                   \
    F(S, NAME, name,            REQUIRED, 0, 0)                                                 \
    F(S, NAME, company,         OPTIONAL, 0, 0)                                                 \
    F(S, STR,  cron,            OPTIONAL, 1, 256)                                               \
    F(S, MS,   every_ms,        OPTIONAL, 1000, YEARS_100_MS)                                   \
    F(S, REF,  handler,         OPTIONAL, 0, 0)         /* else the agent's */                  \
    F(S, REF,  agent,           OPTIONAL, 0, 0)                                                 \
    F(S, JSON, payload,         OPTIONAL, 0, PAYLOAD_MAX)                                       \
    F(S, STR,  title,           OPTIONAL, 0, 256)                                               \
    F(S, STR,  type,            OPTIONAL, 0, 16)        /* schedule | heartbeat */              \
    F(S, I64,  priority,        OPTIONAL, 0, 100)                                               \
    F(S, MS,   max_run_ms,      OPTIONAL, 1, YEARS_100_MS)                                      \
    F(S, I64,  max_turns,       NULLABLE, 1, 10000)                                             \
    RETRY_FIELDS(F, S)                                                                          \
    F(S, MAP,  tags,            OPTIONAL, 0, 4096)                                              \
    F(S, REF,  profile,         OPTIONAL, 0, 0)                                                 \
    F(S, MAP,  ticket,          OPTIONAL, 0, 65536)     /* a routine: the `routine` that each firing makes a ticket of (B3) */ \
    SPEND_FIELDS(F, S)                                                                          \
    DAILY_FIELDS(F, S)

/* What a routine's tickets are like. */
#define ROUTINE_FIELDS(F, S)                                                                    \
    F(S, STR,  title,           REQUIRED, 1, 256)                                               \
    F(S, U64,  goal,            OPTIONAL, 1, INT64_MAX)                                         \
    F(S, U64,  parent,          OPTIONAL, 1, INT64_MAX)                                         \
    F(S, U64,  required,        OPTIONAL, 0, INT64_MAX) /* capabilities */                      \
    F(S, U64,  reward,          OPTIONAL, 0, INT64_MAX)                                         \
    F(S, MS,   deadline_ms,     OPTIONAL, 1, YEARS_100_MS) /* after the firing */               \
    F(S, MAP,  data,            OPTIONAL, 0, 65536)

/* One part of a goal that is decomposed. */
#define GOAL_PART_FIELDS(F, S)                                                                  \
    F(S, STR,  title,           REQUIRED, 1, 256)                                               \
    F(S, REF,  agent,           OPTIONAL, 0, 0)                                                 \
    F(S, JSON, payload,         OPTIONAL, 0, PAYLOAD_MAX) /* of the wake-up */                  \
    F(S, MAP,  data,            OPTIONAL, 0, 65536)

/* The limits that the engine works by; the daemon's own settings stay in the shell. */
#define LIMITS_FIELDS(F, S)                                                                     \
    F(S, I64,  max_concurrent,          NULLABLE, 0, SLOTS_MAX)                                 \
    F(S, I64,  schedule_max_concurrent, NULLABLE, 0, SLOTS_MAX)                                 \
    F(S, I64,  company_max_concurrent,  NULLABLE, 0, SLOTS_MAX)                                 \
    F(S, I64,  agent_max_concurrent,    NULLABLE, 0, SLOTS_MAX)                                 \
    F(S, MS,   max_run_ms,              REQUIRED, 1, YEARS_100_MS)                              \
    F(S, I64,  max_turns,               NULLABLE, 1, 10000)                                     \
    F(S, U64,  max_attempts,            REQUIRED, 1, 1000)                                      \
    F(S, LIST, retry,                   REQUIRED, 0, 4096)   /* ms each */                      \
    F(S, U64,  max_crashes,             REQUIRED, 1, 1000000)                                   \
    F(S, MS,   kill_grace_ms,           REQUIRED, 0, 3600000) /* TERM to KILL at a lease's end */ \
    F(S, MS,   heartbeat_timeout_ms,    REQUIRED, 100, 3600000)                                 \
    F(S, MS,   catch_up_ms,             REQUIRED, 0, YEARS_100_MS)                              \
    F(S, U64,  feed_bytes_max,          REQUIRED, 65536, INT64_MAX)                             \
    F(S, MS,   feed_age_max_ms,         REQUIRED, 1000, YEARS_100_MS)                           \
    F(S, LIST, session_sinks,           OPTIONAL, 0, 4096)                                      \
    F(S, I64,  company_queue_max,       NULLABLE, 0, INT64_MAX)                                 \
    F(S, I64,  chain_depth_max,         REQUIRED, 1, 16)      /* wake-ups that cause wake-ups (A15) */ \
    F(S, I64,  chain_rate_max,          NULLABLE, 1, 1000000) /* wake-ups of a chain a minute */ \
    F(S, MS,   agent_interval_min_ms,   REQUIRED, 1000, YEARS_100_MS) /* of schedules made by agents (B7) */ \
    F(S, I64,  agent_schedules_max,     NULLABLE, 0, 1000000) /* made by an agent, and not yet removed */ \
    F(S, I64,  agent_wakes_max,         NULLABLE, 0, 1000000) /* made by an agent, and not yet started */ \
    F(S, STR,  agent_approval,          REQUIRED, 1, 16)      /* none | schedules | all */      \
    F(S, MS,   agent_unanswered_ms,     NULLABLE, 1000, YEARS_100_MS) /* schedules made by agents end when no person has dealt with the agent for so long */ \
    F(S, MS,   breaker_base_ms,         REQUIRED, 1, YEARS_100_MS)                              \
    F(S, MS,   breaker_max_ms,          REQUIRED, 1, YEARS_100_MS)                              \
    F(S, I64,  reserve_turns,           REQUIRED, 0, 10000)   /* reserved for jobs without a limit of their own (N25) */ \
    F(S, I64,  reserve_tokens,          REQUIRED, 0, INT64_MAX)                                 \
    F(S, I64,  reserve_cost_micros,     REQUIRED, 0, INT64_MAX)                                 \
    F(S, STR,  budget_zone,             REQUIRED, 1, 64)                                        \
    F(S, U64,  stale_after,             REQUIRED, 1, 1000)    /* heartbeat intervals of silence */ \
    F(S, U64,  dead_after,              REQUIRED, 1, 1000)                                      \
    F(S, MS,   keep_completed_ms,       NULLABLE, 1000, YEARS_100_MS) /* completed and cancelled jobs */ \
    F(S, MS,   keep_failed_ms,          NULLABLE, 1000, YEARS_100_MS) /* failed and expired jobs */ \
    F(S, MS,   keep_effects_ms,         NULLABLE, 1000, YEARS_100_MS)                           \
    F(S, MS,   keep_firings_ms,         NULLABLE, 1000, YEARS_100_MS)                           \
    F(S, MS,   keep_reasons_ms,         NULLABLE, 1000, YEARS_100_MS)                           \
    F(S, MS,   keep_ledgers_ms,         NULLABLE, 1000, YEARS_100_MS)                           \
    F(S, MS,   keep_approvals_ms,       NULLABLE, 1000, YEARS_100_MS)                           \
    F(S, MS,   keep_audit_ms,           NULLABLE, 1000, YEARS_100_MS)

/* The whole configuration as one input of the engine; each list holds the objects above. */
#define CONFIG_FIELDS(F, S)                                                                     \
    F(S, MAP,  limits,          REQUIRED, 0, 65536)                                             \
    F(S, LIST, companies,       REQUIRED, 0, WORKER_MESSAGE_MAX)                                \
    F(S, LIST, agents,          REQUIRED, 0, WORKER_MESSAGE_MAX)                                \
    F(S, LIST, handlers,        REQUIRED, 0, WORKER_MESSAGE_MAX)                                \
    F(S, LIST, sinks,           REQUIRED, 0, WORKER_MESSAGE_MAX)                                \
    F(S, LIST, schedules,       REQUIRED, 0, WORKER_MESSAGE_MAX)                                \
    F(S, LIST, profiles,        OPTIONAL, 0, WORKER_MESSAGE_MAX)

/*  O(NAME, name): an object that stands inside other messages */
#define OBJECTS(O)              \
    O(COMPANY,  company)        \
    O(AGENT,    agent)          \
    O(HANDLER,  handler)        \
    O(SINK,     sink)           \
    O(SCHEDULE, schedule)       \
    O(PROFILE,  profile)        \
    O(ROUTINE,  routine)        \
    O(GOAL_PART, goal_part)     \
    O(LIMITS,   limits)         \
    O(CONFIG,   config)

/* ---- control: from clients ------------------------------------------------------------------------- */

/* What becomes of a submit when there is a job like it (A9, A13). */
#define MERGE_FIELDS(F, S)                                                                      \
    F(S, STR,  unique_key,      OPTIONAL, 1, 256)                                               \
    F(S, STR,  on_conflict,     OPTIONAL, 1, 16)        /* return (default) | reject | replace */ \
    F(S, MS,   unique_for_ms,   OPTIONAL, 1, YEARS_100_MS) /* taken for so long, also when the job has ended */ \
    F(S, STR,  debounce_key,    OPTIONAL, 1, 256)       /* merged into the waiting job with this key */ \
    F(S, MS,   debounce_ms,     OPTIONAL, 0, YEARS_100_MS) /* it starts when so long nothing came */ \
    F(S, MS,   debounce_max_ms, OPTIONAL, 0, YEARS_100_MS) /* … but after this long in any case */

#define JOB_SUBMIT_FIELDS(F, S)                                                                 \
    F(S, REF,  handler,         OPTIONAL, 0, 0)         /* else the agent's */                  \
    F(S, REF,  agent,           OPTIONAL, 0, 0)                                                 \
    F(S, NAME, company,         OPTIONAL, 0, 0)                                                 \
    F(S, JSON, payload,         OPTIONAL, 0, PAYLOAD_MAX)                                       \
    F(S, MAP,  context,         OPTIONAL, 0, 65536)                                             \
    F(S, STR,  title,           OPTIONAL, 0, 256)                                               \
    F(S, STR,  source,          OPTIONAL, 0, 64)                                                \
    F(S, STR,  trigger,         OPTIONAL, 0, 32)                                                \
    F(S, I64,  priority,        OPTIONAL, 0, 100)                                               \
    F(S, TIME, run_at,          OPTIONAL, 0, TIME_MAX_MS)                                       \
    F(S, MS,   delay_ms,        OPTIONAL, 0, YEARS_100_MS)  /* run_at = now + delay */          \
    RETRY_FIELDS(F, S)                                                                          \
    F(S, MS,   max_run_ms,      OPTIONAL, 1, YEARS_100_MS)                                      \
    F(S, I64,  max_turns,       NULLABLE, 1, 10000)                                             \
    F(S, TIME, expires_at,      OPTIONAL, 0, TIME_MAX_MS)                                       \
    F(S, MAP,  tags,            OPTIONAL, 0, 4096)                                              \
    MERGE_FIELDS(F, S)                                                                          \
    F(S, STR,  session,         OPTIONAL, 0, 256)                                               \
    F(S, U64,  goal,            OPTIONAL, 1, INT64_MAX)                                         \
    F(S, U64,  ticket,          OPTIONAL, 1, INT64_MAX)                                         \
    F(S, U64,  parent,          OPTIONAL, 1, INT64_MAX) /* the job that caused this one */      \
    SPEND_FIELDS(F, S)

#define JOB_SUBMIT_MANY_FIELDS(F, S)                                                            \
    F(S, LIST, jobs,            REQUIRED, 0, CLIENT_MESSAGE_MAX) /* each as job.submit */

#define JOB_SHOW_FIELDS(F, S)   F(S, U64, id, REQUIRED, 1, INT64_MAX)
#define JOB_WHY_FIELDS(F, S)    F(S, U64, id, REQUIRED, 1, INT64_MAX)
#define JOB_CANCEL_FIELDS(F, S) F(S, U64, id, REQUIRED, 1, INT64_MAX)
#define JOB_RETRY_FIELDS(F, S)  F(S, U64, id, REQUIRED, 1, INT64_MAX)
#define JOB_SET_FIELDS(F, S)                                                                    \
    F(S, U64,  id,              REQUIRED, 1, INT64_MAX)                                         \
    F(S, I64,  priority,        OPTIONAL, 0, 100)                                               \
    F(S, TIME, run_at,          OPTIONAL, 0, TIME_MAX_MS)
#define JOB_WAIT_FIELDS(F, S)                                                                   \
    F(S, U64,  id,              REQUIRED, 1, INT64_MAX)                                         \
    F(S, MS,   wait_ms,         OPTIONAL, 0, 25000)     /* then it answers pending */
#define JOB_FILTER_FIELDS(F, S)                                                                 \
    F(S, STR,  state,           OPTIONAL, 0, 16)                                                \
    F(S, NAME, company,         OPTIONAL, 0, 0)                                                 \
    F(S, REF,  agent,           OPTIONAL, 0, 0)                                                 \
    F(S, REF,  handler,         OPTIONAL, 0, 0)                                                 \
    F(S, STR,  trigger,         OPTIONAL, 0, 32)                                                \
    F(S, STR,  tag,             OPTIONAL, 0, 256)       /* key=value */                         \
    F(S, STR,  class,           OPTIONAL, 0, 32)        /* of its last failure */               \
    F(S, BOOL, quarantined,     OPTIONAL, 0, 0)                                                 \
    F(S, BOOL, due,             OPTIONAL, 0, 0)         /* run_at has passed, not yet running */ \
    F(S, BOOL, retrying,        OPTIONAL, 0, 0)                                                 \
    F(S, MS,   older_ms,        OPTIONAL, 0, YEARS_100_MS)                                      \
    F(S, U64,  limit,           OPTIONAL, 1, 1000)                                              \
    F(S, STR,  after,           OPTIONAL, 0, 128)       /* a page's `next` */
#define JOB_LIST_FIELDS(F, S)   JOB_FILTER_FIELDS(F, S)
/* A part of those that the filter names, with `next` to go on; dry_run: only counted. */
#define JOB_CANCEL_MANY_FIELDS(F, S) JOB_FILTER_FIELDS(F, S) F(S, BOOL, dry_run, OPTIONAL, 0, 0)
#define JOB_RETRY_MANY_FIELDS(F, S)  JOB_FILTER_FIELDS(F, S) F(S, BOOL, dry_run, OPTIONAL, 0, 0)
#define JOB_PURGE_FIELDS(F, S)       JOB_FILTER_FIELDS(F, S) F(S, BOOL, dry_run, OPTIONAL, 0, 0)
#define JOB_STATS_FIELDS(F, S)  F(S, NAME, company, OPTIONAL, 0, 0)
#define JOB_LOGS_FIELDS(F, S)                                                                   \
    F(S, U64,  id,              REQUIRED, 1, INT64_MAX)                                         \
    F(S, U64,  offset,          OPTIONAL, 0, INT64_MAX)

#define SCHEDULE_ADD_FIELDS(F, S)      SCHEDULE_FIELDS(F, S)
#define SCHEDULE_SHOW_FIELDS(F, S)     F(S, REF, name, REQUIRED, 0, 0)
#define SCHEDULE_WHY_FIELDS(F, S)      F(S, REF, name, REQUIRED, 0, 0)
#define SCHEDULE_RESUME_FIELDS(F, S)   F(S, REF, name, REQUIRED, 0, 0)
#define SCHEDULE_REMOVE_FIELDS(F, S)   F(S, REF, name, REQUIRED, 0, 0)
#define SCHEDULE_PAUSE_FIELDS(F, S)                                                             \
    F(S, REF,  name,            REQUIRED, 0, 0)                                                 \
    F(S, STR,  reason,          OPTIONAL, 0, 256)
#define LISTING_FIELDS(F, S)                                                                    \
    F(S, NAME, company,         OPTIONAL, 0, 0)                                                 \
    F(S, U64,  limit,           OPTIONAL, 1, 1000)                                              \
    F(S, STR,  after,           OPTIONAL, 0, 128)
#define SCHEDULE_LIST_FIELDS(F, S)     LISTING_FIELDS(F, S)
#define SCHEDULE_FIRINGS_FIELDS(F, S)                                                           \
    F(S, REF,  name,            REQUIRED, 0, 0)                                                 \
    F(S, U64,  limit,           OPTIONAL, 1, 1000)                                              \
    F(S, STR,  after,           OPTIONAL, 0, 128)

#define PAUSE_FIELDS(F, S)                                                                      \
    F(S, REF,  name,            REQUIRED, 0, 0)                                                 \
    F(S, STR,  reason,          OPTIONAL, 0, 256)
#define REMOVE_FIELDS(F, S)                                                                     \
    F(S, REF,  name,            REQUIRED, 0, 0)                                                 \
    F(S, BOOL, cascade,         OPTIONAL, 0, 0)         /* cancel and remove what refers to it */
/* `set` changes the fields that it names. */
#define COMPANY_ADD_FIELDS(F, S)       COMPANY_FIELDS(F, S)
#define COMPANY_SET_FIELDS(F, S)       COMPANY_FIELDS(F, S)
#define COMPANY_SHOW_FIELDS(F, S)      F(S, REF, name, REQUIRED, 0, 0)
#define COMPANY_PAUSE_FIELDS(F, S)     PAUSE_FIELDS(F, S)
#define COMPANY_RESUME_FIELDS(F, S)    F(S, REF, name, REQUIRED, 0, 0)
#define COMPANY_REMOVE_FIELDS(F, S)    REMOVE_FIELDS(F, S)
#define AGENT_ADD_FIELDS(F, S)         AGENT_FIELDS(F, S)
#define AGENT_SET_FIELDS(F, S)         AGENT_FIELDS(F, S)
#define AGENT_PAUSE_FIELDS(F, S)       PAUSE_FIELDS(F, S)
#define AGENT_RESUME_FIELDS(F, S)      F(S, REF, name, REQUIRED, 0, 0)
#define AGENT_REMOVE_FIELDS(F, S)      REMOVE_FIELDS(F, S)
#define PROFILE_ADD_FIELDS(F, S)       PROFILE_FIELDS(F, S)
#define PROFILE_SET_FIELDS(F, S)       PROFILE_FIELDS(F, S)
#define PROFILE_SHOW_FIELDS(F, S)      F(S, REF, name, REQUIRED, 0, 0)
#define PROFILE_LIST_FIELDS(F, S)      LISTING_FIELDS(F, S)
#define PROFILE_REMOVE_FIELDS(F, S)    F(S, REF, name, REQUIRED, 0, 0)

/* The wake API (B5): a wake-up by hand, or recurring with every_ms or cron. */
#define AGENT_WAKE_FIELDS(F, S)                                                                 \
    F(S, REF,  name,            REQUIRED, 0, 0)         /* the agent */                         \
    F(S, JSON, payload,         OPTIONAL, 0, PAYLOAD_MAX)                                       \
    F(S, MAP,  context,         OPTIONAL, 0, 65536)                                             \
    F(S, STR,  title,           OPTIONAL, 0, 256)                                               \
    F(S, I64,  priority,        OPTIONAL, 0, 100)                                               \
    F(S, TIME, run_at,          OPTIONAL, 0, TIME_MAX_MS)                                       \
    F(S, MS,   delay_ms,        OPTIONAL, 0, YEARS_100_MS)                                      \
    MERGE_FIELDS(F, S)                                                                          \
    F(S, U64,  goal,            OPTIONAL, 1, INT64_MAX)                                         \
    F(S, U64,  ticket,          OPTIONAL, 1, INT64_MAX)                                         \
    F(S, STR,  cron,            OPTIONAL, 1, 256)       /* recurring: a schedule is made */     \
    F(S, MS,   every_ms,        OPTIONAL, 1000, YEARS_100_MS)                                   \
    F(S, NAME, schedule,        OPTIONAL, 0, 0)         /* its name; by default wake-AGENT */

#define GOAL_ADD_FIELDS(F, S)                                                                   \
    F(S, STR,  title,           REQUIRED, 1, 256)                                               \
    F(S, NAME, company,         OPTIONAL, 0, 0)                                                 \
    F(S, U64,  parent,          OPTIONAL, 1, INT64_MAX)                                         \
    F(S, REF,  agent,           OPTIONAL, 0, 0)                                                 \
    F(S, MAP,  data,            OPTIONAL, 0, 65536)
#define GOAL_SET_FIELDS(F, S)                                                                   \
    F(S, U64,  id,              REQUIRED, 1, INT64_MAX)                                         \
    F(S, STR,  title,           OPTIONAL, 1, 256)                                               \
    F(S, U64,  parent,          OPTIONAL, 0, INT64_MAX) /* 0: a root */                         \
    F(S, REF,  agent,           OPTIONAL, 0, 0)                                                 \
    F(S, STR,  status,          OPTIONAL, 1, 16)                                                \
    F(S, MAP,  data,            OPTIONAL, 0, 65536)
#define GOAL_SHOW_FIELDS(F, S)         F(S, U64, id, REQUIRED, 1, INT64_MAX)
#define GOAL_LIST_FIELDS(F, S)                                                                  \
    F(S, NAME, company,         OPTIONAL, 0, 0)                                                 \
    F(S, U64,  parent,          OPTIONAL, 0, INT64_MAX) /* 0: the roots */                      \
    F(S, STR,  status,          OPTIONAL, 0, 16)                                                \
    F(S, U64,  limit,           OPTIONAL, 1, 1000)                                              \
    F(S, STR,  after,           OPTIONAL, 0, 128)
/* Makes a goal below it of each part, and wakes the part's agent (goal_decomposed). */
#define GOAL_DECOMPOSE_FIELDS(F, S)                                                             \
    F(S, U64,  id,              REQUIRED, 1, INT64_MAX)                                         \
    F(S, LIST, parts,           REQUIRED, 0, 1048576)   /* {title, agent?, payload?, data?} */  \
    F(S, REF,  agent,           OPTIONAL, 0, 0)         /* of parts that name none; else the goal's */ \
    F(S, I64,  priority,        OPTIONAL, 0, 100)

#define TICKET_BODY_FIELDS(F, S)                                                                \
    F(S, U64,  goal,            OPTIONAL, 0, INT64_MAX) /* 0: none */                           \
    F(S, U64,  parent,          OPTIONAL, 0, INT64_MAX)                                         \
    F(S, U64,  required,        OPTIONAL, 0, INT64_MAX) /* capabilities */                      \
    F(S, U64,  reward,          OPTIONAL, 0, INT64_MAX)                                         \
    F(S, TIME, deadline_at,     OPTIONAL, 0, TIME_MAX_MS) /* 0: none */                         \
    F(S, MAP,  data,            OPTIONAL, 0, 65536)
#define TICKET_ADD_FIELDS(F, S)                                                                 \
    F(S, STR,  title,           REQUIRED, 1, 256)                                               \
    F(S, NAME, company,         OPTIONAL, 0, 0)                                                 \
    F(S, REF,  agent,           OPTIONAL, 0, 0)         /* assigned at once */                  \
    F(S, JSON, payload,         OPTIONAL, 0, PAYLOAD_MAX) /* of the wake-up */                  \
    TICKET_BODY_FIELDS(F, S)
#define TICKET_SET_FIELDS(F, S)                                                                 \
    F(S, U64,  id,              REQUIRED, 1, INT64_MAX)                                         \
    F(S, STR,  title,           OPTIONAL, 1, 256)                                               \
    F(S, STR,  status,          OPTIONAL, 1, 16)                                                \
    TICKET_BODY_FIELDS(F, S)
#define TICKET_SHOW_FIELDS(F, S)       F(S, U64, id, REQUIRED, 1, INT64_MAX)
#define TICKET_LIST_FIELDS(F, S)                                                                \
    F(S, NAME, company,         OPTIONAL, 0, 0)                                                 \
    F(S, STR,  status,          OPTIONAL, 0, 16)                                                \
    F(S, REF,  agent,           OPTIONAL, 0, 0)         /* its assignee */                      \
    F(S, U64,  goal,            OPTIONAL, 1, INT64_MAX)                                         \
    F(S, U64,  limit,           OPTIONAL, 1, 1000)                                              \
    F(S, STR,  after,           OPTIONAL, 0, 128)
#define TICKET_ASSIGN_FIELDS(F, S)                                                              \
    F(S, U64,  id,              REQUIRED, 1, INT64_MAX)                                         \
    F(S, REF,  agent,           REQUIRED, 0, 0)                                                 \
    F(S, JSON, payload,         OPTIONAL, 0, PAYLOAD_MAX)                                       \
    F(S, I64,  priority,        OPTIONAL, 0, 100)

/* A schedule that makes a ticket at each firing and wakes its assignee. */
#define ROUTINE_ADD_FIELDS(F, S)                                                                \
    F(S, NAME, name,            REQUIRED, 0, 0)                                                 \
    F(S, NAME, company,         OPTIONAL, 0, 0)                                                 \
    F(S, STR,  cron,            OPTIONAL, 1, 256)                                               \
    F(S, MS,   every_ms,        OPTIONAL, 1000, YEARS_100_MS)                                   \
    F(S, STR,  ticket_title,    REQUIRED, 1, 256)                                               \
    F(S, REF,  assign,          REQUIRED, 0, 0)                                                 \
    F(S, U64,  goal,            OPTIONAL, 1, INT64_MAX)                                         \
    F(S, U64,  required,        OPTIONAL, 0, INT64_MAX)                                         \
    F(S, U64,  reward,          OPTIONAL, 0, INT64_MAX)                                         \
    F(S, MS,   deadline_ms,     OPTIONAL, 1, YEARS_100_MS) /* after the firing */               \
    F(S, MAP,  data,            OPTIONAL, 0, 65536)                                             \
    F(S, JSON, payload,         OPTIONAL, 0, PAYLOAD_MAX)                                       \
    F(S, I64,  max_turns,       NULLABLE, 1, 10000)
/* A ticket of a routine is done: reward and usage are booked, and its agent is woken (trigger routine). */
#define ROUTINE_COMPLETE_FIELDS(F, S)                                                           \
    F(S, U64,  ticket,          REQUIRED, 1, INT64_MAX)                                         \
    F(S, REF,  agent,           OPTIONAL, 0, 0)         /* who is woken; by default the assignee */ \
    F(S, JSON, payload,         OPTIONAL, 0, PAYLOAD_MAX)

#define REMOVE_NUMBER_FIELDS(F, S)                                                              \
    F(S, U64,  id,              REQUIRED, 1, INT64_MAX)                                         \
    F(S, BOOL, cascade,         OPTIONAL, 0, 0)         /* cancel and remove what is unfinished, too */
/* A goal or a ticket goes with all that is below it. */
#define GOAL_REMOVE_FIELDS(F, S)       REMOVE_NUMBER_FIELDS(F, S)
#define TICKET_REMOVE_FIELDS(F, S)     REMOVE_NUMBER_FIELDS(F, S)

#define APPROVAL_LIST_FIELDS(F, S)                                                              \
    F(S, NAME, company,         OPTIONAL, 0, 0)                                                 \
    F(S, STR,  status,          OPTIONAL, 0, 16)        /* by default pending */                \
    F(S, U64,  limit,           OPTIONAL, 1, 1000)                                              \
    F(S, STR,  after,           OPTIONAL, 0, 128)
#define APPROVAL_GRANT_FIELDS(F, S)                                                             \
    F(S, U64,  id,              REQUIRED, 1, INT64_MAX)                                         \
    F(S, STR,  reason,          OPTIONAL, 0, 256)
#define APPROVAL_DENY_FIELDS(F, S)     APPROVAL_GRANT_FIELDS(F, S)

#define STOP_FIELDS(F, S)                                                                       \
    F(S, STR,  scope,           REQUIRED, 1, 64)        /* new, running, effects; several with commas */ \
    F(S, STR,  reason,          OPTIONAL, 0, 256)
#define RESUME_FIELDS(F, S)
#define DRAIN_FIELDS(F, S)             F(S, STR, reason, OPTIONAL, 0, 256)
#define BREAKER_LIST_FIELDS(F, S)      LISTING_FIELDS(F, S)
#define BREAKER_RESET_FIELDS(F, S)     F(S, REF, name, REQUIRED, 0, 0) /* a credential, or a handler without one */
#define AUDIT_LIST_FIELDS(F, S)                                                                 \
    F(S, STR,  action,          OPTIONAL, 1, 64)                                                \
    F(S, STR,  who,             OPTIONAL, 1, 128)                                               \
    F(S, TIME, since,           OPTIONAL, 0, TIME_MAX_MS)                                       \
    F(S, U64,  limit,           OPTIONAL, 1, 1000)                                              \
    F(S, STR,  after,           OPTIONAL, 0, 128)

#define USAGE_FIELDS(F, S)                                                                      \
    F(S, NAME, company,         OPTIONAL, 0, 0)         /* it, its agents and its schedules */  \
    F(S, REF,  agent,           OPTIONAL, 0, 0)         /* only this one … */                   \
    F(S, REF,  schedule,        OPTIONAL, 0, 0)         /* … and this one */                    \
    F(S, STR,  since,           OPTIONAL, 1, 10)        /* a date of the scopes' zones, 2026-11-21; by default the current day */ \
    F(S, U64,  limit,           OPTIONAL, 1, 1000)                                              \
    F(S, STR,  after,           OPTIONAL, 0, 128)

#define COMPANY_LIST_FIELDS(F, S)      LISTING_FIELDS(F, S)
#define AGENT_LIST_FIELDS(F, S)        LISTING_FIELDS(F, S)
#define HANDLER_LIST_FIELDS(F, S)      LISTING_FIELDS(F, S)
#define SESSION_LIST_FIELDS(F, S)      LISTING_FIELDS(F, S)
#define AGENT_SHOW_FIELDS(F, S)        F(S, REF, name, REQUIRED, 0, 0)
#define SESSION_SHOW_FIELDS(F, S)                                                               \
    F(S, STR,  key,             REQUIRED, 1, 256)                                               \
    F(S, NAME, company,         OPTIONAL, 0, 0)
#define EFFECT_SHOW_FIELDS(F, S)       F(S, U64, id,   REQUIRED, 1, INT64_MAX)
#define AGENT_WHY_FIELDS(F, S)         F(S, REF, name, REQUIRED, 0, 0)
#define SESSION_WHY_FIELDS(F, S)       SESSION_SHOW_FIELDS(F, S)
#define EFFECT_WHY_FIELDS(F, S)        F(S, U64, id,   REQUIRED, 1, INT64_MAX)
#define EFFECT_LIST_FIELDS(F, S)                                                                \
    F(S, STR,  status,          OPTIONAL, 0, 16)                                                \
    F(S, STR,  session,         OPTIONAL, 0, 256)                                               \
    F(S, NAME, company,         OPTIONAL, 0, 0)                                                 \
    F(S, U64,  limit,           OPTIONAL, 1, 1000)                                              \
    F(S, STR,  after,           OPTIONAL, 0, 128)

#define WORKER_LIST_FIELDS(F, S)
#define WORKER_SCALE_FIELDS(F, S)      F(S, U64, count, REQUIRED, 1, WORKERS_MAX)
#define WORKER_RESTART_FIELDS(F, S)    F(S, U64, worker, OPTIONAL, 0, WORKERS_MAX)

#define FEED_READ_FIELDS(F, S)                                                                  \
    F(S, STR,  since,           OPTIONAL, 0, 64)        /* a cursor; absent: from now on; 0: all that is kept */     \
    F(S, STR,  topic,           OPTIONAL, 0, 64)        /* a type or a prefix ending in '.' */  \
    F(S, U64,  limit,           OPTIONAL, 1, 1000)                                              \
    F(S, MS,   wait_ms,         OPTIONAL, 0, 25000)     /* how long to wait for the first */
#define STATUS_FIELDS(F, S)
#define PING_FIELDS(F, S)
#define FSCK_FIELDS(F, S)
#define RELOAD_FIELDS(F, S)            F(S, BOOL, dry_run, OPTIONAL, 0, 0)
#define CLOCK_ACCEPT_FIELDS(F, S)

/* C(op, NAME, name, how, role): how the shell serves it: WRITE (an input of the engine), READ (from the snapshot after
 * the commit), SHELL (by the daemon itself).  role: the least that may ask; the one authorisation table. */
#define CONTROL_MESSAGES(C)                                                   \
    C("job.submit",       JOB_SUBMIT,       job_submit,       WRITE, SUBMIT)   \
    C("job.submit_many",  JOB_SUBMIT_MANY,  job_submit_many,  WRITE, SUBMIT)   \
    C("job.show",         JOB_SHOW,         job_show,         READ,  VIEW)     \
    C("job.why",          JOB_WHY,          job_why,          READ,  VIEW)     \
    C("job.cancel",       JOB_CANCEL,       job_cancel,       WRITE, SUBMIT)   \
    C("job.retry",        JOB_RETRY,        job_retry,        WRITE, OPERATOR) \
    C("job.set",          JOB_SET,          job_set,          WRITE, OPERATOR) \
    C("job.wait",         JOB_WAIT,         job_wait,         READ,  VIEW)     \
    C("job.list",         JOB_LIST,         job_list,         READ,  VIEW)     \
    C("job.stats",        JOB_STATS,        job_stats,        READ,  VIEW)     \
    C("job.logs",         JOB_LOGS,         job_logs,         SHELL, VIEW)     \
    C("schedule.add",     SCHEDULE_ADD,     schedule_add,     WRITE, OPERATOR) \
    C("schedule.show",    SCHEDULE_SHOW,    schedule_show,    READ,  VIEW)     \
    C("schedule.why",     SCHEDULE_WHY,     schedule_why,     READ,  VIEW)     \
    C("schedule.list",    SCHEDULE_LIST,    schedule_list,    READ,  VIEW)     \
    C("schedule.pause",   SCHEDULE_PAUSE,   schedule_pause,   WRITE, OPERATOR) \
    C("schedule.resume",  SCHEDULE_RESUME,  schedule_resume,  WRITE, OPERATOR) \
    C("schedule.remove",  SCHEDULE_REMOVE,  schedule_remove,  WRITE, OPERATOR) \
    C("schedule.firings", SCHEDULE_FIRINGS, schedule_firings, READ,  VIEW)     \
    C("company.list",     COMPANY_LIST,     company_list,     READ,  VIEW)     \
    C("agent.list",       AGENT_LIST,       agent_list,       READ,  VIEW)     \
    C("agent.show",       AGENT_SHOW,       agent_show,       READ,  VIEW)     \
    C("handler.list",     HANDLER_LIST,     handler_list,     READ,  VIEW)     \
    C("session.list",     SESSION_LIST,     session_list,     READ,  VIEW)     \
    C("session.show",     SESSION_SHOW,     session_show,     READ,  VIEW)     \
    C("effect.list",      EFFECT_LIST,      effect_list,      READ,  VIEW)     \
    C("effect.show",      EFFECT_SHOW,      effect_show,      READ,  VIEW)     \
    C("worker.list",      WORKER_LIST,      worker_list,      READ,  VIEW)     \
    C("worker.scale",     WORKER_SCALE,     worker_scale,     SHELL, ADMIN)    \
    C("worker.restart",   WORKER_RESTART,   worker_restart,   SHELL, ADMIN)    \
    C("feed.read",        FEED_READ,        feed_read,        READ,  VIEW)     \
    C("status",           STATUS,           status,           SHELL, VIEW)     \
    C("ping",             PING,             ping,             SHELL, VIEW)     \
    C("fsck",             FSCK,             fsck,             SHELL, ADMIN)    \
    C("reload",           RELOAD,           reload,           SHELL, ADMIN)    \
    C("clock.accept",     CLOCK_ACCEPT,     clock_accept,     WRITE, ADMIN)    \
    C("job.cancel_many",  JOB_CANCEL_MANY,  job_cancel_many,  WRITE, OPERATOR) \
    C("job.retry_many",   JOB_RETRY_MANY,   job_retry_many,   WRITE, OPERATOR) \
    C("job.purge",        JOB_PURGE,        job_purge,        WRITE, OPERATOR) \
    C("company.add",      COMPANY_ADD,      company_add,      WRITE, ADMIN)    \
    C("company.set",      COMPANY_SET,      company_set,      WRITE, ADMIN)    \
    C("company.show",     COMPANY_SHOW,     company_show,     READ,  VIEW)     \
    C("company.pause",    COMPANY_PAUSE,    company_pause,    WRITE, OPERATOR) \
    C("company.resume",   COMPANY_RESUME,   company_resume,   WRITE, OPERATOR) \
    C("company.remove",   COMPANY_REMOVE,   company_remove,   WRITE, ADMIN)    \
    C("agent.add",        AGENT_ADD,        agent_add,        WRITE, OPERATOR) \
    C("agent.set",        AGENT_SET,        agent_set,        WRITE, OPERATOR) \
    C("agent.pause",      AGENT_PAUSE,      agent_pause,      WRITE, OPERATOR) \
    C("agent.resume",     AGENT_RESUME,     agent_resume,     WRITE, OPERATOR) \
    C("agent.remove",     AGENT_REMOVE,     agent_remove,     WRITE, OPERATOR) \
    C("agent.wake",       AGENT_WAKE,       agent_wake,       WRITE, SUBMIT)   \
    C("profile.add",      PROFILE_ADD,      profile_add,      WRITE, OPERATOR) \
    C("profile.set",      PROFILE_SET,      profile_set,      WRITE, OPERATOR) \
    C("profile.show",     PROFILE_SHOW,     profile_show,     READ,  VIEW)     \
    C("profile.list",     PROFILE_LIST,     profile_list,     READ,  VIEW)     \
    C("profile.remove",   PROFILE_REMOVE,   profile_remove,   WRITE, OPERATOR) \
    C("goal.add",         GOAL_ADD,         goal_add,         WRITE, SUBMIT)   \
    C("goal.set",         GOAL_SET,         goal_set,         WRITE, SUBMIT)   \
    C("goal.show",        GOAL_SHOW,        goal_show,        READ,  VIEW)     \
    C("goal.list",        GOAL_LIST,        goal_list,        READ,  VIEW)     \
    C("goal.decompose",   GOAL_DECOMPOSE,   goal_decompose,   WRITE, SUBMIT)   \
    C("ticket.add",       TICKET_ADD,       ticket_add,       WRITE, SUBMIT)   \
    C("ticket.set",       TICKET_SET,       ticket_set,       WRITE, SUBMIT)   \
    C("ticket.show",      TICKET_SHOW,      ticket_show,      READ,  VIEW)     \
    C("ticket.list",      TICKET_LIST,      ticket_list,      READ,  VIEW)     \
    C("ticket.assign",    TICKET_ASSIGN,    ticket_assign,    WRITE, SUBMIT)   \
    C("routine.add",      ROUTINE_ADD,      routine_add,      WRITE, OPERATOR) \
    C("routine.complete", ROUTINE_COMPLETE, routine_complete, WRITE, SUBMIT)   \
    C("approval.list",    APPROVAL_LIST,    approval_list,    READ,  VIEW)     \
    C("approval.grant",   APPROVAL_GRANT,   approval_grant,   WRITE, OPERATOR) \
    C("approval.deny",    APPROVAL_DENY,    approval_deny,    WRITE, OPERATOR) \
    C("stop",             STOP,             stop,             WRITE, OPERATOR) \
    C("resume",           RESUME,           resume,           WRITE, OPERATOR) \
    C("drain",            DRAIN,            drain,            WRITE, OPERATOR) \
    C("breaker.list",     BREAKER_LIST,     breaker_list,     READ,  VIEW)     \
    C("breaker.reset",    BREAKER_RESET,    breaker_reset,    WRITE, OPERATOR) \
    C("audit.list",       AUDIT_LIST,       audit_list,       READ,  OPERATOR) \
    C("usage",            USAGE,            usage,            READ,  VIEW)     \
    C("goal.remove",      GOAL_REMOVE,      goal_remove,      WRITE, OPERATOR) \
    C("ticket.remove",    TICKET_REMOVE,    ticket_remove,    WRITE, OPERATOR) \
    C("agent.why",        AGENT_WHY,        agent_why,        READ,  VIEW)     \
    C("session.why",      SESSION_WHY,      session_why,      READ,  VIEW)     \
    C("effect.why",       EFFECT_WHY,       effect_why,       READ,  VIEW)

/* ---- workers --------------------------------------------------------------------------------------------- */

/* Every message to a worker carries `seq`, ascending per worker; hello and heartbeat answer with the last one seen.
 * `slot` is the supervisor's index of the lease, echoed in every report about it. */
#define JOB_START_FIELDS(F, S)                                                                  \
    F(S, U64,  seq,             REQUIRED, 1, INT64_MAX)                                         \
    F(S, U64,  slot,            REQUIRED, 0, SLOTS_MAX - 1)                                     \
    F(S, U64,  token,           REQUIRED, 1, INT64_MAX)                                         \
    F(S, U64,  job,             REQUIRED, 1, INT64_MAX)                                         \
    F(S, U64,  attempt,         REQUIRED, 1, INT64_MAX)                                         \
    F(S, MAP,  handler,         REQUIRED, 0, 262144)    /* a `handler` object */                \
    F(S, STR,  idempotency_key, REQUIRED, 1, 64)                                                \
    F(S, STR,  lease,           REQUIRED, 1, 64)        /* AGENTD_LEASE: incarnation-token */   \
    F(S, I64,  max_turns,       NULLABLE, 1, 10000)                                             \
    F(S, RAW,  document,        REQUIRED, 0, WORKER_MESSAGE_MAX) /* what the handler gets on stdin, payload apart */ \
    F(S, JSON, payload,         OPTIONAL, 0, PAYLOAD_MAX)
#define JOB_STOP_FIELDS(F, S)                                                                   \
    F(S, U64,  seq,             REQUIRED, 1, INT64_MAX)                                         \
    F(S, U64,  slot,            REQUIRED, 0, SLOTS_MAX - 1)                                     \
    F(S, U64,  token,           REQUIRED, 1, INT64_MAX)                                         \
    F(S, MS,   grace_ms,        REQUIRED, 0, 3600000)   /* TERM, then KILL after this */
#define EFFECT_SEND_FIELDS(F, S)                                                                \
    F(S, U64,  seq,             REQUIRED, 1, INT64_MAX)                                         \
    F(S, U64,  slot,            REQUIRED, 0, SLOTS_MAX - 1)                                     \
    F(S, U64,  token,           REQUIRED, 1, INT64_MAX)                                         \
    F(S, U64,  effect,          REQUIRED, 1, INT64_MAX)                                         \
    F(S, BOOL, probe,           OPTIONAL, 0, 0)         /* do not send: say whether it is there */ \
    F(S, STR,  lease,           REQUIRED, 1, 64)                                                \
    F(S, MAP,  sink,            REQUIRED, 0, 65536)     /* a `sink` object */                   \
    F(S, RAW,  document,        REQUIRED, 0, PAYLOAD_MAX + 65536) /* the line or body that is sent */ \
    F(S, MS,   max_run_ms,      REQUIRED, 1, YEARS_100_MS)

#define HELLO_FIELDS(F, S)                                                                      \
    F(S, U64,  worker,          REQUIRED, 0, WORKERS_MAX - 1)                                   \
    F(S, U64,  generation,      REQUIRED, 1, INT64_MAX)                                         \
    F(S, U64,  slots,           REQUIRED, 1, SLOTS_MAX)                                         \
    F(S, U64,  pid,             REQUIRED, 1, INT64_MAX)                                         \
    F(S, STR,  version,         REQUIRED, 1, 64)
#define HEARTBEAT_FIELDS(F, S)                                                                  \
    F(S, U64,  worker,          REQUIRED, 0, WORKERS_MAX - 1)                                   \
    F(S, U64,  generation,      REQUIRED, 1, INT64_MAX)                                         \
    F(S, U64,  last_seq,        REQUIRED, 0, INT64_MAX)                                         \
    F(S, LIST, running,         REQUIRED, 0, 65536)     /* tokens */                            \
    F(S, U64,  lag_us,          OPTIONAL, 0, INT64_MAX) /* worst lag of its loop since the last */
#define PROGRESS_FIELDS(F, S)                                                                   \
    F(S, U64,  worker,          REQUIRED, 0, WORKERS_MAX - 1)                                   \
    F(S, U64,  generation,      REQUIRED, 1, INT64_MAX)                                         \
    F(S, U64,  slot,            REQUIRED, 0, SLOTS_MAX - 1)                                     \
    F(S, U64,  token,           REQUIRED, 1, INT64_MAX)                                         \
    F(S, U64,  turns,           OPTIONAL, 0, INT64_MAX) /* totals of the attempt, not deltas */ \
    F(S, U64,  input_tokens,    OPTIONAL, 0, INT64_MAX)                                         \
    F(S, U64,  output_tokens,   OPTIONAL, 0, INT64_MAX)                                         \
    F(S, U64,  cost_micros,     OPTIONAL, 0, INT64_MAX)                                         \
    F(S, U64,  percent,         OPTIONAL, 0, 100)                                               \
    F(S, TEXT, message,         OPTIONAL, 0, 1024)
/* The attempt is over and its whole process tree is gone (N1). */
#define ENDED_FIELDS(F, S)                                                                      \
    F(S, U64,  worker,          REQUIRED, 0, WORKERS_MAX - 1)                                   \
    F(S, U64,  generation,      REQUIRED, 1, INT64_MAX)                                         \
    F(S, U64,  slot,            REQUIRED, 0, SLOTS_MAX - 1)                                     \
    F(S, U64,  token,           REQUIRED, 1, INT64_MAX)                                         \
    F(S, STR,  verdict,         REQUIRED, 1, 16)        /* completed | failed | snoozed */      \
    F(S, STR,  class,           OPTIONAL, 0, 32)        /* failed: one that a handler may name, or handler_error … */ \
    F(S, TEXT, message,         OPTIONAL, 0, 4096)                                              \
    F(S, MS,   after_ms,        OPTIONAL, 0, YEARS_100_MS) /* retry_after of a failure, or a snooze; a snooze without it: the ladder's step */ \
    F(S, JSON, output,          OPTIONAL, 0, OUTPUT_MAX)                                        \
    F(S, LIST, effects,         OPTIONAL, 0, EFFECTS_MAX) /* maps {kind, …} as the handler wrote them */ \
    F(S, JSON, checkpoint,      OPTIONAL, 0, CHECKPOINT_MAX)                                    \
    F(S, U64,  turns,           OPTIONAL, 0, INT64_MAX)                                         \
    F(S, U64,  input_tokens,    OPTIONAL, 0, INT64_MAX)                                         \
    F(S, U64,  output_tokens,   OPTIONAL, 0, INT64_MAX)                                         \
    F(S, U64,  cost_micros,     OPTIONAL, 0, INT64_MAX)                                         \
    F(S, I64,  exit_code,       OPTIONAL, -1, 255)                                              \
    F(S, U64,  signal,          OPTIONAL, 0, 64)                                                \
    F(S, U64,  rss_kb,          OPTIONAL, 0, INT64_MAX)
#define EFFECT_DONE_FIELDS(F, S)                                                                \
    F(S, U64,  worker,          REQUIRED, 0, WORKERS_MAX - 1)                                   \
    F(S, U64,  generation,      REQUIRED, 1, INT64_MAX)                                         \
    F(S, U64,  slot,            REQUIRED, 0, SLOTS_MAX - 1)                                     \
    F(S, U64,  token,           REQUIRED, 1, INT64_MAX)                                         \
    F(S, STR,  outcome,         REQUIRED, 1, 16)        /* delivered | failed | unknown | absent (probe only) */ \
    F(S, TEXT, receipt,         OPTIONAL, 0, 1024)                                              \
    F(S, TEXT, message,         OPTIONAL, 0, 1024)

/*  W(op, NAME, name) */
#define TO_WORKER_MESSAGES(W)                   \
    W("job.start",   JOB_START,   job_start)    \
    W("job.stop",    JOB_STOP,    job_stop)     \
    W("effect.send", EFFECT_SEND, effect_send)
#define FROM_WORKER_MESSAGES(W)                 \
    W("hello",       HELLO,       hello)        \
    W("heartbeat",   HEARTBEAT,   heartbeat)    \
    W("progress",    PROGRESS,    progress)     \
    W("ended",       ENDED,       ended)        \
    W("effect.done", EFFECT_DONE, effect_done)

// clang-format on

/* ---- what the lists make --------------------------------------------------- */

enum field_need { REQUIRED, OPTIONAL, NULLABLE };
enum field_type {
    FT_U64,
    FT_I64,
    FT_MS,
    FT_TIME,
    FT_BOOL,
    FT_NAME,
    FT_REF,
    FT_STR,
    FT_TEXT,
    FT_JSON,
    FT_MAP,
    FT_LIST,
    FT_RAW
};

typedef uint64_t    field_U64;
typedef int64_t     field_I64;
typedef int64_t     field_MS;
typedef int64_t     field_TIME;
typedef bool        field_BOOL;
typedef struct view field_NAME;
typedef struct view field_REF;
typedef struct view field_STR;
typedef struct view field_TEXT;
typedef struct view field_JSON;
typedef struct view field_MAP;
typedef struct view field_LIST;
typedef struct view field_RAW;

#define FIELD_MEMBER(S, type, name, need, low, high) field_##type name;
#define FIELD_BIT(S, type, name, need, low, high)    S##_BIT_##name,

/* struct msg_<name> { uint64_t has; … } and enum { msg_<name>_BIT_<field>, … } */
#define DECLARE(NAME, name)                     \
    struct msg_##name {                         \
        uint64_t has;                           \
        NAME##_FIELDS(FIELD_MEMBER, msg_##name) \
    };                                          \
    enum { NAME##_FIELDS(FIELD_BIT, msg_##name) msg_##name##_BITS };

#define O(NAME, name) DECLARE(NAME, name)
OBJECTS(O)
#undef O
#define C(op, NAME, name, how, role) DECLARE(NAME, name)
CONTROL_MESSAGES(C)
#undef C
#define W(op, NAME, name) DECLARE(NAME, name)
TO_WORKER_MESSAGES(W)
FROM_WORKER_MESSAGES(W)
#undef W

/* HAS(m, job_submit, priority): whether the sender gave it. */
#define HAS(m, message, field)     (((m)->has >> msg_##message##_BIT_##field) & 1)
#define SET_HAS(m, message, field) ((m)->has |= 1ULL << msg_##message##_BIT_##field)

enum msg_id {
    MSG_NONE,
#define O(NAME, name) MSG_##NAME,
    OBJECTS(O)
#undef O
#define C(op, NAME, name, how, role) MSG_##NAME,
        CONTROL_MESSAGES(C)
#undef C
#define W(op, NAME, name) MSG_##NAME,
            TO_WORKER_MESSAGES(W) FROM_WORKER_MESSAGES(W)
#undef W
                MSG_COUNT
};

union msg {
#define O(NAME, name) struct msg_##name name;
    OBJECTS(O)
#undef O
#define C(op, NAME, name, how, role) struct msg_##name name;
    CONTROL_MESSAGES(C)
#undef C
#define W(op, NAME, name) struct msg_##name name;
    TO_WORKER_MESSAGES(W)
    FROM_WORKER_MESSAGES(W)
#undef W
};

enum msg_group { GROUP_OBJECT, GROUP_CONTROL, GROUP_TO_WORKER, GROUP_FROM_WORKER };
enum msg_how { HOW_NONE, HOW_WRITE, HOW_READ, HOW_SHELL };
/* Ascending: each may do what those before it may. */
enum role { ROLE_NONE, ROLE_VIEW, ROLE_SUBMIT, ROLE_OPERATOR, ROLE_ADMIN };

#endif
