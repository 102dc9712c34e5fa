/* messages_worker - the lists of what agentd and its workers tell each other, and of what it tells
 * its gateway; for messages.h, which explains them. */
#ifndef PROTO_MESSAGES_WORKER_H
#define PROTO_MESSAGES_WORKER_H

// clang-format off

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
    F(S, JSON, payload,         OPTIONAL, 0, PAYLOAD_MAX)                                       \
    F(S, LIST, gate,            OPTIONAL, 0, 65536)     /* a command asked before the handler, in its place */ \
    F(S, BOOL, deltas,          OPTIONAL, 0, 0)         /* its session may have readers: what it says meanwhile is reported */
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
    F(S, MAP,  sink,            REQUIRED, 0, 131072)    /* a `sink` object */                   \
    F(S, RAW,  document,        REQUIRED, 0, PAYLOAD_MAX + 65536) /* the line or body that is sent */ \
    F(S, MS,   max_run_ms,      REQUIRED, 1, YEARS_100_MS)                                      \
    F(S, TIME, attempted_at,    OPTIONAL, 0, TIME_MAX_MS) /* with probe: when the attempt was made that it asks for */

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
    F(S, U64,  rss_kb,          OPTIONAL, 0, INT64_MAX)                                         \
    F(S, BOOL, gated,           OPTIONAL, 0, 0)         /* completed: the gate said that there is nothing to do, why in message */
#define EFFECT_DONE_FIELDS(F, S)                                                                \
    F(S, U64,  worker,          REQUIRED, 0, WORKERS_MAX - 1)                                   \
    F(S, U64,  generation,      REQUIRED, 1, INT64_MAX)                                         \
    F(S, U64,  slot,            REQUIRED, 0, SLOTS_MAX - 1)                                     \
    F(S, U64,  token,           REQUIRED, 1, INT64_MAX)                                         \
    F(S, STR,  outcome,         REQUIRED, 1, 16)        /* delivered | failed | unknown | absent (probe only) */ \
    F(S, TEXT, receipt,         OPTIONAL, 0, 1024)                                              \
    F(S, TEXT, message,         OPTIONAL, 0, 1024)                                              \
    F(S, BOOL, final,           OPTIONAL, 0, 0)         /* failed: for good, not to be tried again; unknown (probe): for good, not to be asked again */ \
    F(S, MS,   after_ms,        OPTIONAL, 0, YEARS_100_MS) /* failed: not to be tried again sooner (Retry-After) */

/* What the handler says meanwhile, for the readers of its session: gathered, and kept nowhere (N44). */
#define DELTA_FIELDS(F, S)                                                                      \
    F(S, U64,  worker,          REQUIRED, 0, WORKERS_MAX - 1)                                   \
    F(S, U64,  generation,      REQUIRED, 1, INT64_MAX)                                         \
    F(S, U64,  slot,            REQUIRED, 0, SLOTS_MAX - 1)                                     \
    F(S, U64,  token,           REQUIRED, 1, INT64_MAX)                                         \
    F(S, TEXT, text,            REQUIRED, 1, DELTA_MAX)                                         \
    F(S, U64,  piece,           REQUIRED, 1, INT64_MAX) /* its number in the attempt; that of one that was left out is not given again */

/* A message for the readers of a session: sent again until one of them acknowledges it (effect.ack). */
#define GATEWAY_DELIVER_FIELDS(F, S)                                                            \
    F(S, STR,  session,         REQUIRED, 1, 256)                                               \
    F(S, NAME, company,         REQUIRED, 0, 0)                                                 \
    F(S, U64,  effect,          REQUIRED, 1, INT64_MAX)                                         \
    F(S, RAW,  document,        REQUIRED, 0, PAYLOAD_MAX + 65536) /* {effect_id, kind, content, …} */
/* Text that a session's agent is saying; nowhere kept (N44). */
#define GATEWAY_DELTA_FIELDS(F, S)                                                              \
    F(S, STR,  session,         REQUIRED, 1, 256)                                               \
    F(S, NAME, company,         REQUIRED, 0, 0)                                                 \
    F(S, TEXT, text,            REQUIRED, 1, DELTA_MAX)                                         \
    F(S, U64,  piece,           REQUIRED, 1, INT64_MAX) /* as the worker gave it */
/* A reader of this number was attached (session.attach), to a session of this company; it comes
 * before all that the session's readers get. */
#define GATEWAY_ATTACHED_FIELDS(F, S)                                                           \
    F(S, U64,  reader,          REQUIRED, 1, INT64_MAX)                                         \
    F(S, NAME, company,         REQUIRED, 0, 0)
/* A company was removed: who reads its sessions is hung up.  What comes later under this name is of
 * another company. */
#define GATEWAY_REMOVED_FIELDS(F, S)                                                            \
    F(S, NAME, company,         REQUIRED, 0, 0)
/* A token was revoked: who showed it is hung up, and gets nothing that comes later. */
#define GATEWAY_REVOKED_FIELDS(F, S)                                                            \
    F(S, STR,  token_hash,      REQUIRED, TOKEN_HASH_SIZE, TOKEN_HASH_SIZE) /* as on_behalf_of */
/* A reload: the files of the page are to be read again. */
#define GATEWAY_PAGE_FIELDS(F, S)

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
    W("effect.done", EFFECT_DONE, effect_done) \
    W("delta",       DELTA,       delta)
#define TO_GATEWAY_MESSAGES(W)                              \
    W("gateway.deliver", GATEWAY_DELIVER, gateway_deliver) \
    W("gateway.delta",   GATEWAY_DELTA,   gateway_delta)   \
    W("gateway.attached", GATEWAY_ATTACHED, gateway_attached) \
    W("gateway.removed", GATEWAY_REMOVED, gateway_removed) \
    W("gateway.revoked", GATEWAY_REVOKED, gateway_revoked) \
    W("gateway.page",    GATEWAY_PAGE,    gateway_page)

// clang-format on

#endif
