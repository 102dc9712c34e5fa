/* messages_objects - the lists of the declared objects, the same in the config file and in `… add`;
 * for messages.h, which explains them. */
#ifndef PROTO_MESSAGES_OBJECTS_H
#define PROTO_MESSAGES_OBJECTS_H

// clang-format off

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
    F(S, STR,  kind,            REQUIRED, 1, 16)        /* exec | persistent | noop | echo | sleep */ \
    F(S, LIST, command,         OPTIONAL, 0, 65536)     /* exec, persistent: program and arguments */ \
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
    F(S, U64,  log_max,         OPTIONAL, 1024, INT64_MAX)     /* bytes of log kept per job */  \
    F(S, U64,  jobs_max,        OPTIONAL, 1, INT64_MAX)        /* persistent: of one process */

#define SINK_FIELDS(F, S)                                                                       \
    F(S, NAME, name,            REQUIRED, 0, 0)                                                 \
    F(S, STR,  kind,            REQUIRED, 1, 16)        /* gateway | http | command | file */   \
    F(S, STR,  path,            OPTIONAL, 1, 4096)      /* file: relative: below the state folder */ \
    F(S, STR,  url,             OPTIONAL, 1, 2048)      /* http */                              \
    F(S, STR,  secret_file,     OPTIONAL, 1, 4096)      /* http: holds the key of its signatures */ \
    F(S, STR,  secret_file_old, OPTIONAL, 1, 4096)      /* http: … and the key before it */     \
    F(S, LIST, allow,           OPTIONAL, 0, 4096)      /* http: hosts and networks (CIDR) that are else refused */ \
    F(S, MAP,  headers,         OPTIONAL, 0, 16384)     /* http: name: value */                 \
    F(S, LIST, command,         OPTIONAL, 0, 65536)     /* command: program and arguments */    \
    F(S, BOOL, idempotent,      OPTIONAL, 0, 0)         /* http, command: an effect that comes twice does no harm (N22) */ \
    F(S, MS,   timeout_ms,      OPTIONAL, 1, 600000)    /* http, command: of one delivery */    \
    F(S, MS,   not_after_ms,    NULLABLE, 1, YEARS_100_MS) /* what has not been sent so long after it was made expires (D4) */ \
    F(S, U64,  max_attempts,    OPTIONAL, 1, 1000)

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
    DAILY_FIELDS(F, S)                                                                          \
    F(S, STR,  tz,              OPTIONAL, 1, 64)        /* of cron: an IANA name; UTC */        \
    F(S, STR,  overlap,         OPTIONAL, 1, 16)        /* skip | queue_one | allow | cancel_running (C4) */ \
    F(S, STR,  misfire,         OPTIONAL, 1, 16)        /* skip | latest | all (C3) */          \
    F(S, U64,  misfire_max,     OPTIONAL, 1, 1000)      /* of all: 10 */                        \
    F(S, MS,   catch_up_ms,     OPTIONAL, 0, YEARS_100_MS) /* older times are missed */         \
    F(S, MS,   spread_ms,       OPTIONAL, 0, 86400000)   /* an offset below it, the same for each firing */ \
    F(S, MS,   jitter_ms,       OPTIONAL, 0, 86400000)   /* an offset below it, drawn for each firing */ \
    F(S, TIME, start_at,        OPTIONAL, 0, TIME_MAX_MS) /* no nominal time before it */       \
    F(S, TIME, end_at,          OPTIONAL, 0, TIME_MAX_MS) /* … and none after it */             \
    F(S, U64,  max_firings,     OPTIONAL, 1, INT64_MAX) /* then it ends */                      \
    F(S, STR,  quiet_hours,     OPTIONAL, 1, 64)        /* 22:00-07:00 in tz: put off to their end */ \
    F(S, STR,  quiet_sends,     OPTIONAL, 1, 64)        /* likewise, of its messages */         \
    F(S, MAP,  gate,            OPTIONAL, 0, 65536)     /* a `gate`: may say that there is nothing to do */ \
    F(S, MS,   idle_max_ms,     OPTIONAL, 1000, YEARS_100_MS) /* heartbeats that find nothing to do come more seldom, up to this */ \
    F(S, BOOL, shadow,          OPTIONAL, 0, 0)         /* runs for real, its effects are suppressed */ \
    F(S, U64,  shadow_runs,     OPTIONAL, 1, 1000000)   /* good ones in a row that promote it */ \
    F(S, STR,  ping_start,      OPTIONAL, 1, 2048)      /* URLs of a dead-man's switch */       \
    F(S, STR,  ping_success,    OPTIONAL, 1, 2048)                                              \
    F(S, STR,  ping_fail,       OPTIONAL, 1, 2048)                                              \
    F(S, MS,   overdue_ms,      OPTIONAL, 1000, YEARS_100_MS) /* so long after a nominal time without a success it is overdue */

/* What runs before the agent: exactly one of these tests. */
#define GATE_FIELDS(F, S)                                                                       \
    F(S, LIST, command,         OPTIONAL, 0, 65536)     /* exit 0: run; 1 to 254: nothing to do; else it failed (as systemd's ExecCondition) */ \
    F(S, REF,  completed,       OPTIONAL, 0, 0)         /* a schedule that has completed since this one's last firing */ \
    F(S, BOOL, open_tickets,    OPTIONAL, 0, 0)         /* its agent has tickets that are not done */

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
    F(S, MS,   keep_audit_ms,           NULLABLE, 1000, YEARS_100_MS)                           \
    F(S, MS,   catch_up_stagger_ms,     REQUIRED, 0, 3600000) /* between starts of firings that are caught up on (C3) */ \
    F(S, MS,   interactive_delay_ms,    REQUIRED, 0, 300000) /* firings while a session streams (C14) */ \
    F(S, I64,  failure_pause,           NULLABLE, 1, 1000000) /* a schedule, after so many failed firings in a row (C8) */ \
    F(S, I64,  breach_warn,             NULLABLE, 1, 1000000) /* … breaches of its limit of turns */ \
    F(S, I64,  breach_pause,            NULLABLE, 1, 1000000)                                   \
    F(S, I64,  collision_turns,         NULLABLE, 1, INT64_MAX) /* of schedules that share minutes (C12) */ \
    F(S, I64,  alert_after,             NULLABLE, 1, 1000000) /* failed firings in a row (C15) */ \
    F(S, I64,  alert_skips,             NULLABLE, 1, 1000000) /* firings in a row that overlap suppressed (C4) */ \
    F(S, MS,   alert_cooldown_ms,       REQUIRED, 0, YEARS_100_MS)                              \
    F(S, LIST, alert_sinks,             OPTIONAL, 0, 4096)                                      \
    F(S, BOOL, session_enabled,         REQUIRED, 0, 0)       /* false: nothing is sent that no person asked for, timers stay pending (D7) */ \
    F(S, STR,  session_handler,         REQUIRED, 0, 129)     /* of sessions without an agent; empty: none */ \
    F(S, I64,  session_max_consecutive, NULLABLE, 0, 1000000) /* messages in a row that no person asked for (D6) */ \
    F(S, MS,   session_cooldown_ms,     REQUIRED, 0, YEARS_100_MS) /* between them */           \
    F(S, STR,  session_on_cooldown,     REQUIRED, 1, 16)      /* reject | defer */              \
    F(S, STR,  session_on_failure,      REQUIRED, 1, 16)      /* skip | hold: what a session does about an event that was given up */ \
    F(S, MS,   session_timer_delay_min_ms, REQUIRED, 0, YEARS_100_MS) /* of timers that agents set (B7) */ \
    F(S, I64,  session_timers_max,      NULLABLE, 0, INT64_MAX) /* pending, of one session */   \
    F(S, I64,  session_queue_max,       NULLABLE, 0, INT64_MAX) /* events of one session not yet processed */ \
    F(S, STR,  session_quiet_hours,     REQUIRED, 0, 64)      /* of messages that no person asked for; empty: none */ \
    F(S, STR,  session_zone,            REQUIRED, 1, 64)      /* of these hours */              \
    F(S, MS,   keep_events_ms,          NULLABLE, 1000, YEARS_100_MS)                           \
    F(S, MS,   keep_timers_ms,          NULLABLE, 1000, YEARS_100_MS)                           \
    F(S, MS,   keep_activity_ms,        NULLABLE, 1000, YEARS_100_MS)

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
    O(GATE,     gate)           \
    O(LIMITS,   limits)         \
    O(CONFIG,   config)

// clang-format on

#endif
