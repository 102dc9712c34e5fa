/* messages_control - the lists of what clients ask; for messages.h, which explains them. */
#ifndef PROTO_MESSAGES_CONTROL_H
#define PROTO_MESSAGES_CONTROL_H

// clang-format off

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
    F(S, U64,  goal,            OPTIONAL, 1, INT64_MAX)                                         \
    F(S, U64,  ticket,          OPTIONAL, 1, INT64_MAX)                                         \
    F(S, U64,  parent,          OPTIONAL, 1, INT64_MAX) /* the job that caused this one */      \
    SPEND_FIELDS(F, S)                                                                          \
    F(S, STR,  session,         OPTIONAL, 1, 256)       /* an event of type job of it, whose turn comes */

#define JOB_SUBMIT_MANY_FIELDS(F, S)                                                            \
    F(S, LIST, jobs,            REQUIRED, 0, CLIENT_MESSAGE_MAX) /* each as job.submit */

#define JOB_SHOW_FIELDS(F, S)   F(S, U64, id, REQUIRED, 1, INT64_MAX)
#define JOB_WHY_FIELDS(F, S)    F(S, U64, id, REQUIRED, 1, INT64_MAX)
#define JOB_CANCEL_FIELDS(F, S) F(S, U64, id, REQUIRED, 1, INT64_MAX)
#define JOB_RETRY_FIELDS(F, S)                                                                  \
    F(S, U64,  id,              REQUIRED, 1, INT64_MAX)                                         \
    F(S, BOOL, force,           OPTIONAL, 0, 0)         /* over the caps, as schedule.run */
#define JOB_STREAM_FIELDS(F, S)                                                                 \
    F(S, U64,  id,              REQUIRED, 1, INT64_MAX)                                         \
    F(S, BOOL, active,          OPTIONAL, 0, 0)         /* true when absent */
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
#define JOB_LIST_FIELDS(F, S)                                                                   \
    JOB_FILTER_FIELDS(F, S)                                                                     \
    F(S, REF,  schedule,        OPTIONAL, 0, 0)                                                 \
    F(S, STR,  session,         OPTIONAL, 0, 256)
/* A part of those that the filter names, with `next` to go on; dry_run: only counted. */
#define JOB_CANCEL_MANY_FIELDS(F, S)                                                            \
    JOB_FILTER_FIELDS(F, S)                                                                     \
    F(S, BOOL, dry_run,         OPTIONAL, 0, 0)                                                 \
    F(S, REF,  schedule,        OPTIONAL, 0, 0)                                                 \
    F(S, STR,  session,         OPTIONAL, 0, 256)
#define JOB_RETRY_MANY_FIELDS(F, S)                                                             \
    JOB_FILTER_FIELDS(F, S)                                                                     \
    F(S, BOOL, dry_run,         OPTIONAL, 0, 0)                                                 \
    F(S, BOOL, force,           OPTIONAL, 0, 0)         /* each as job.retry */                 \
    F(S, REF,  schedule,        OPTIONAL, 0, 0)                                                 \
    F(S, STR,  session,         OPTIONAL, 0, 256)
#define JOB_PURGE_FIELDS(F, S)                                                                  \
    JOB_FILTER_FIELDS(F, S)                                                                     \
    F(S, BOOL, dry_run,         OPTIONAL, 0, 0)                                                 \
    F(S, REF,  schedule,        OPTIONAL, 0, 0)                                                 \
    F(S, STR,  session,         OPTIONAL, 0, 256)
#define JOB_STATS_FIELDS(F, S)  F(S, NAME, company, OPTIONAL, 0, 0)
#define JOB_LOGS_FIELDS(F, S)                                                                   \
    F(S, U64,  id,              REQUIRED, 1, INT64_MAX)                                         \
    F(S, U64,  offset,          OPTIONAL, 0, INT64_MAX)

#define SCHEDULE_ADD_FIELDS(F, S)      SCHEDULE_FIELDS(F, S)
/* The fields that it names; `clear`: the names of those that are taken away. */
#define SCHEDULE_SET_FIELDS(F, S)      SCHEDULE_FIELDS(F, S) F(S, LIST, clear, OPTIONAL, 0, 4096)
#define SCHEDULE_RUN_FIELDS(F, S)                                                               \
    F(S, REF,  name,            REQUIRED, 0, 0)                                                 \
    F(S, BOOL, force,           OPTIONAL, 0, 0)         /* over the caps but slots, stop and budget, and the overlap */
#define SCHEDULE_BACKFILL_FIELDS(F, S)                                                          \
    F(S, REF,  name,            REQUIRED, 0, 0)                                                 \
    F(S, TIME, from,            REQUIRED, 0, TIME_MAX_MS) /* both may be nominal times */       \
    F(S, TIME, to,              REQUIRED, 0, TIME_MAX_MS)                                       \
    F(S, BOOL, force,           OPTIONAL, 0, 0)         /* as schedule.run */
#define SCHEDULE_SHOW_FIELDS(F, S)     F(S, REF, name, REQUIRED, 0, 0)
#define SCHEDULE_WHY_FIELDS(F, S)      F(S, REF, name, REQUIRED, 0, 0)
#define SCHEDULE_RESUME_FIELDS(F, S)   F(S, REF, name, REQUIRED, 0, 0)
#define SCHEDULE_REMOVE_FIELDS(F, S)   F(S, REF, name, REQUIRED, 0, 0)
#define SCHEDULE_PROMOTE_FIELDS(F, S)  F(S, REF, name, REQUIRED, 0, 0)
#define SCHEDULE_PAUSE_FIELDS(F, S)                                                             \
    F(S, REF,  name,            REQUIRED, 0, 0)                                                 \
    F(S, STR,  reason,          OPTIONAL, 0, 256)                                               \
    F(S, TIME, until,           OPTIONAL, 0, TIME_MAX_MS) /* it resumes by itself then */
#define LISTING_FIELDS(F, S)                                                                    \
    F(S, NAME, company,         OPTIONAL, 0, 0)                                                 \
    F(S, U64,  limit,           OPTIONAL, 1, 1000)                                              \
    F(S, STR,  after,           OPTIONAL, 0, 128)
#define SCHEDULE_LIST_FIELDS(F, S)     LISTING_FIELDS(F, S)
#define SCHEDULE_FIRINGS_FIELDS(F, S)                                                           \
    F(S, REF,  name,            REQUIRED, 0, 0)                                                 \
    F(S, U64,  limit,           OPTIONAL, 1, 1000)                                              \
    F(S, STR,  after,           OPTIONAL, 0, 128)
#define SCHEDULE_STATS_FIELDS(F, S)                                                             \
    F(S, REF,  name,            OPTIONAL, 0, 0)                                                 \
    F(S, NAME, company,         OPTIONAL, 0, 0)

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
    F(S, NAME, schedule,        OPTIONAL, 0, 0)         /* its name; by default wake-AGENT */   \
    F(S, STR,  tz,              OPTIONAL, 1, 64)        /* of cron */

#define AGENT_RECORD_FIELDS(F, S)                                                               \
    F(S, REF,  name,            REQUIRED, 0, 0)         /* the agent */                         \
    F(S, NAME, type,            REQUIRED, 0, 0)         /* of what it did */                    \
    F(S, JSON, data,            OPTIONAL, 0, 65536)
#define AGENT_ACTIVITY_FIELDS(F, S)                                                             \
    F(S, REF,  name,            REQUIRED, 0, 0)         /* the agent */                         \
    F(S, NAME, type,            OPTIONAL, 0, 0)                                                 \
    F(S, U64,  limit,           OPTIONAL, 1, 1000)                                              \
    F(S, STR,  after,           OPTIONAL, 0, 128)

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
    F(S, I64,  max_turns,       NULLABLE, 1, 10000)                                             \
    F(S, STR,  tz,              OPTIONAL, 1, 64)        /* of cron */
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
#define SESSION_LIST_FIELDS(F, S)                                                               \
    LISTING_FIELDS(F, S)                                                                        \
    F(S, STR,  status,          OPTIONAL, 1, 16)
#define AGENT_SHOW_FIELDS(F, S)        F(S, REF, name, REQUIRED, 0, 0)
#define SESSION_SHOW_FIELDS(F, S)                                                               \
    F(S, STR,  key,             REQUIRED, 1, 256)                                               \
    F(S, NAME, company,         OPTIONAL, 0, 0)
/* An event of a session, which is made when it is not there (D1). */
#define SESSION_TARGET_FIELDS(F, S)                                                             \
    F(S, STR,  key,             REQUIRED, 1, 256)                                               \
    F(S, NAME, company,         OPTIONAL, 0, 0)                                                 \
    F(S, REF,  agent,           OPTIONAL, 0, 0)         /* who processes its events; else sessions.handler */
#define SESSION_SEND_FIELDS(F, S)                                                               \
    SESSION_TARGET_FIELDS(F, S)                                                                 \
    F(S, TEXT, content,         REQUIRED, 1, PAYLOAD_MAX) /* a person's message */              \
    F(S, MAP,  metadata,        OPTIONAL, 0, 65536)
#define SESSION_EVENT_FIELDS(F, S)                                                              \
    SESSION_TARGET_FIELDS(F, S)                                                                 \
    F(S, STR,  type,            REQUIRED, 1, 64)        /* user_message, timer, tool_result, or another name */ \
    F(S, JSON, payload,         OPTIONAL, 0, PAYLOAD_MAX)                                       \
    F(S, U64,  parent,          OPTIONAL, 1, INT64_MAX) /* the job that caused it */
#define SESSION_EVENTS_FIELDS(F, S)                                                             \
    F(S, STR,  key,             REQUIRED, 1, 256)                                               \
    F(S, NAME, company,         OPTIONAL, 0, 0)                                                 \
    F(S, U64,  from,            OPTIONAL, 1, INT64_MAX) /* its number */                        \
    F(S, BOOL, dead,            OPTIONAL, 0, 0)         /* only those that were given up */     \
    F(S, U64,  limit,           OPTIONAL, 1, 1000)                                              \
    F(S, STR,  after,           OPTIONAL, 0, 128)
#define SESSION_OPEN_FIELDS(F, S)      SESSION_TARGET_FIELDS(F, S) /* made, or opened again */
#define SESSION_CLOSE_FIELDS(F, S)                                                              \
    F(S, STR,  key,             REQUIRED, 1, 256)                                               \
    F(S, NAME, company,         OPTIONAL, 0, 0)                                                 \
    F(S, STR,  reason,          OPTIONAL, 0, 256)
#define SESSION_RESUME_FIELDS(F, S)                                                             \
    F(S, STR,  key,             REQUIRED, 1, 256)                                               \
    F(S, NAME, company,         OPTIONAL, 0, 0)                                                 \
    F(S, BOOL, skip,            OPTIONAL, 0, 0)         /* with the next event, not the one that holds it */
#define SESSION_RESEND_FIELDS(F, S)                                                             \
    F(S, STR,  key,             REQUIRED, 1, 256)                                               \
    F(S, NAME, company,         OPTIONAL, 0, 0)                                                 \
    F(S, U64,  seq,             REQUIRED, 1, INT64_MAX) /* of a dead event */
/* A timer of a session (D3); set again, it begins anew. */
#define TIMER_SET_FIELDS(F, S)                                                                  \
    SESSION_TARGET_FIELDS(F, S)                                                                 \
    F(S, STR,  timer_id,        REQUIRED, 1, 128)       /* unique in its session */             \
    F(S, TIME, fire_at,         OPTIONAL, 0, TIME_MAX_MS) /* this, or … */                      \
    F(S, MS,   delay_ms,        OPTIONAL, 0, YEARS_100_MS) /* … now + delay */                  \
    F(S, JSON, payload,         OPTIONAL, 0, PAYLOAD_MAX) /* of its event */
#define TIMER_LIST_FIELDS(F, S)                                                                 \
    F(S, STR,  key,             REQUIRED, 1, 256)                                               \
    F(S, NAME, company,         OPTIONAL, 0, 0)                                                 \
    F(S, STR,  timer_id,        OPTIONAL, 1, 128)       /* only this one */                     \
    F(S, STR,  status,          OPTIONAL, 1, 16)        /* pending, promoted, cancelled */      \
    F(S, U64,  limit,           OPTIONAL, 1, 1000)                                              \
    F(S, STR,  after,           OPTIONAL, 0, 128)
#define TIMER_CANCEL_FIELDS(F, S)                                                               \
    F(S, STR,  key,             REQUIRED, 1, 256)                                               \
    F(S, NAME, company,         OPTIONAL, 0, 0)                                                 \
    F(S, STR,  timer_id,        OPTIONAL, 1, 128)       /* else all that are pending */
#define TIMER_WHY_FIELDS(F, S)                                                                  \
    F(S, STR,  key,             REQUIRED, 1, 256)                                               \
    F(S, NAME, company,         OPTIONAL, 0, 0)                                                 \
    F(S, STR,  timer_id,        REQUIRED, 1, 128)
#define EFFECT_SHOW_FIELDS(F, S)       F(S, U64, id,   REQUIRED, 1, INT64_MAX)
#define AGENT_WHY_FIELDS(F, S)         F(S, REF, name, REQUIRED, 0, 0)
#define SESSION_WHY_FIELDS(F, S)       SESSION_SHOW_FIELDS(F, S)
#define EFFECT_WHY_FIELDS(F, S)        F(S, U64, id,   REQUIRED, 1, INT64_MAX)
#define EFFECT_FILTER_FIELDS(F, S)                                                              \
    F(S, STR,  status,          OPTIONAL, 0, 16)                                                \
    F(S, STR,  session,         OPTIONAL, 0, 256)                                               \
    F(S, NAME, company,         OPTIONAL, 0, 0)                                                 \
    F(S, U64,  limit,           OPTIONAL, 1, 1000)                                              \
    F(S, STR,  after,           OPTIONAL, 0, 128)                                               \
    F(S, STR,  kind,            OPTIONAL, 0, 16)        /* send_message, notify, … */
#define EFFECT_LIST_FIELDS(F, S)       EFFECT_FILTER_FIELDS(F, S)
/* What an operator knows of one of unknown outcome. */
#define EFFECT_RESOLVE_FIELDS(F, S)                                                             \
    F(S, U64,  id,              REQUIRED, 1, INT64_MAX)                                         \
    F(S, STR,  outcome,         REQUIRED, 1, 16)        /* delivered | failed */                \
    F(S, STR,  reason,          OPTIONAL, 0, 256)
/* One, or a part of those that a filter with a status names, with `next` to go on; dry_run: only counted. */
#define EFFECT_RESEND_FIELDS(F, S)                                                              \
    EFFECT_FILTER_FIELDS(F, S)                                                                  \
    F(S, BOOL, dry_run,         OPTIONAL, 0, 0)                                                 \
    F(S, U64,  id,              OPTIONAL, 1, INT64_MAX)

/* A reader of the session has the message: the next one comes. */
#define EFFECT_ACK_FIELDS(F, S)                                                                 \
    F(S, U64,  id,              REQUIRED, 1, INT64_MAX)                                         \
    F(S, STR,  session,         REQUIRED, 1, 256)                                               \
    F(S, NAME, company,         OPTIONAL, 0, 0)

/* Who may speak to the gateway: whoever shows the secret of which agentd has the hash. */
#define TOKEN_ADD_FIELDS(F, S)                                                                  \
    F(S, NAME, name,            REQUIRED, 0, 0)                                                 \
    F(S, STR,  hash,            OPTIONAL, TOKEN_HASH_SIZE, TOKEN_HASH_SIZE) /* of the secret: SHA-256 in lower-case hexadecimal; agentctl adds it, and without it the request is refused */ \
    F(S, STR,  role,            REQUIRED, 1, 16)        /* view | submit | operator */          \
    F(S, NAME, company,         OPTIONAL, 0, 0)         /* only this one's; all, or default with a session */              \
    F(S, STR,  session,         OPTIONAL, 1, 256)       /* only the session with this key or, when it ends in '/', those below; nothing else */ \
    F(S, TIME, expires_at,      OPTIONAL, 1, TIME_MAX_MS)
#define TOKEN_LIST_FIELDS(F, S)                                                                 \
    F(S, U64,  limit,           OPTIONAL, 1, 1000)                                              \
    F(S, STR,  after,           OPTIONAL, 0, 128)
#define TOKEN_REVOKE_FIELDS(F, S)      F(S, NAME, name, REQUIRED, 0, 0)

/* Of the gateway itself.  Hello: it has begun; what it said before does not count any more. */
#define GATEWAY_HELLO_FIELDS(F, S)                                                              \
    F(S, STR,  version,         REQUIRED, 1, 64)
/* One more connection reads the session, which need not be there, or one less.  It is attached on
 * behalf of the token that it showed, as gateway.attached says. */
#define SESSION_ATTACH_FIELDS(F, S)                                                             \
    SESSION_SHOW_FIELDS(F, S)                                                                   \
    F(S, U64,  reader,          REQUIRED, 1, INT64_MAX) /* the gateway's number for it */
#define SESSION_DETACH_FIELDS(F, S)    SESSION_SHOW_FIELDS(F, S)

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
/* What the schedules will do, by the dispatcher on a virtual clock (C12). */
#define FORECAST_FIELDS(F, S)                                                                   \
    F(S, U64,  hours,           OPTIONAL, 1, 720)       /* 48 */                                \
    F(S, TEXT, with,            OPTIONAL, 0, 1048576)   /* a change, as a configuration's schedules and limits */ \
    F(S, NAME, company,         OPTIONAL, 0, 0)         /* whose schedules are shown; all */
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
    C("worker.list",      WORKER_LIST,      worker_list,      SHELL, VIEW)     \
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
    C("effect.why",       EFFECT_WHY,       effect_why,       READ,  VIEW)     \
    C("schedule.promote", SCHEDULE_PROMOTE, schedule_promote, WRITE, OPERATOR) \
    C("schedule.set",     SCHEDULE_SET,     schedule_set,     WRITE, OPERATOR) \
    C("job.stream",       JOB_STREAM,       job_stream,       WRITE, SUBMIT)   \
    C("schedule.run",     SCHEDULE_RUN,     schedule_run,     WRITE, OPERATOR) \
    C("forecast",         FORECAST,         forecast,         SHELL, VIEW)     \
    C("schedule.stats",   SCHEDULE_STATS,   schedule_stats,   READ,  VIEW)     \
    C("schedule.backfill", SCHEDULE_BACKFILL, schedule_backfill, WRITE, OPERATOR) \
    C("session.send",     SESSION_SEND,     session_send,     WRITE, SUBMIT)   \
    C("session.event",    SESSION_EVENT,    session_event,    WRITE, SUBMIT)   \
    C("session.events",   SESSION_EVENTS,   session_events,   READ,  VIEW)     \
    C("token.add",        TOKEN_ADD,        token_add,        WRITE, ADMIN)    \
    C("token.list",       TOKEN_LIST,       token_list,       READ,  ADMIN)    \
    C("token.revoke",     TOKEN_REVOKE,     token_revoke,     WRITE, ADMIN)    \
    C("gateway.hello",    GATEWAY_HELLO,    gateway_hello,    WRITE, GATEWAY)  \
    C("session.attach",   SESSION_ATTACH,   session_attach,   WRITE, GATEWAY)  \
    C("session.detach",   SESSION_DETACH,   session_detach,   WRITE, GATEWAY)  \
    C("effect.ack",       EFFECT_ACK,       effect_ack,       WRITE, SUBMIT) \
    C("session.open",     SESSION_OPEN,     session_open,     WRITE, SUBMIT)   \
    C("session.close",    SESSION_CLOSE,    session_close,    WRITE, SUBMIT)   \
    C("session.resume",   SESSION_RESUME,   session_resume,   WRITE, OPERATOR) \
    C("session.resend",   SESSION_RESEND,   session_resend,   WRITE, OPERATOR) \
    C("timer.set",        TIMER_SET,        timer_set,        WRITE, SUBMIT)   \
    C("timer.cancel",     TIMER_CANCEL,     timer_cancel,     WRITE, SUBMIT)   \
    C("timer.list",       TIMER_LIST,       timer_list,       READ,  VIEW)     \
    C("timer.why",        TIMER_WHY,        timer_why,        READ,  VIEW) \
    C("effect.resolve",   EFFECT_RESOLVE,   effect_resolve,   WRITE, OPERATOR) \
    C("effect.resend",    EFFECT_RESEND,    effect_resend,    WRITE, OPERATOR) \
    C("agent.record",     AGENT_RECORD,     agent_record,     WRITE, SUBMIT)   \
    C("agent.activity",   AGENT_ACTIVITY,   agent_activity,   READ,  VIEW)

// clang-format on

#endif
