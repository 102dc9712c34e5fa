/* records - every durable record, its key and its indexes, as lists.
 *
 * A record is F(TYPE, name) lines; its value in the store is a msgpack array [version, field, …]
 * with a checksum behind it.  New fields go at the end and read as 0 or empty from older records.
 * A table is T(NAME, name, version, order): order ASCENDING says that new keys are usually the
 * largest (appended pages stay full); HOT that it is small and changes often: all hot
 * ones share a database, so that a commit writes fewer pages.  KEY fields and the INDEX lists name
 * fields in key order; DESC(field) sorts that field downwards.  Text in a key is its 128-bit hash
 * (N14).  An index holds the records for which its predicate (<index>_holds in schema.c) is true.
 *
 * Types: U8 U32 U64 I64 HASH (16 bytes) fixed; STR text; ANY one packed msgpack value (empty reads
 * back as empty); BIN bytes. */
#ifndef STORE_RECORDS_H
#define STORE_RECORDS_H

#include "common/hash.h"
#include "common/mem.h"
#include "supervisor/store/values.h"
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
    F(I64, last_crash_at)                                                         \
    F(U64, next_goal)                                                             \
    F(U64, next_ticket)                                                           \
    F(U64, next_approval)                                                         \
    F(U64, next_audit)                                                            \
    F(U8,  stops)             /* STOP_*: what an operator has stopped (A17) */     \
    F(I64, stopped_at)                                                           \
    F(U64, next_place)        /* of effects in their queues (N22) */            \
    F(U32, crash_row)         /* unclean ends in a row, each soon after the one before */\
    F(U64, next_event)        /* ids of events, timers and activity */ \
    F(U32, replan_at)         /* the clock went back: schedules from this id on are still to be planned; 0: none */ \
    F(U32, zones_changed)     /* zones with a replan_at */ \
    F(U64, gateway)           /* number of the gateway that serves; 0: none does */

/* A declared object: company, agent, handler, sink, schedule, profile.  spec is its packed declaration. */
#define OBJECT_RECORD(F)                                                         \
    F(U32, id)                                                                    \
    F(U8,  kind)              /* enum object_kind */                              \
    F(U32, company)           /* 0 for a company itself */                        \
    F(STR, name)                                                                  \
    F(U8,  origin)            /* enum origin */                                   \
    F(U64, hash)              /* of spec */                                       \
    F(ANY, spec)                                                                  \
    F(I64, created_at)                                                            \
    F(U8,  removing)          /* 1: it goes as soon as the work that refers to it is cancelled (N37) */

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
    F(STR, actor)             /* who submitted it */                              \
    F(U32, depth)             /* of the chain of causes: 0 for its root (A15) */  \
    F(ANY, chain)             /* the agents on it, first to last: a list of ids (N24) */ \
    F(U64, token_budget)      /* of all attempts together; 0: none */             \
    F(U64, cost_budget_micros)                                                    \
    F(STR, debounce_key)                                                          \
    F(U64, cause_count)       /* submits merged into it (A13); 0 for a job without a debounce key */\
    F(U64, event)             /* number in its session of the event that it processes; 0: none */

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
    F(U32, flags)             /* JOB_FLAG_* */                                    \
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
    F(U32, output_bytes)      /* of an output in blob; 0: inline */               \
    F(U64, run_ms)            /* time of all ended attempts */                    \
    F(U64, goal)                                                                  \
    F(U64, ticket)                                                                \
    F(I64, ready_at)          /* when it last became ready */

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
    F(U32, schedule)                                                              \
    F(U32, flags)             /* JOB_FLAG_* that make lanes */                    \
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

/* How a schedule runs; what is declared is its object.  The key begins with a hash of its times, so
 * that the rows of those that fire together lie together. */
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
    F(U32, in_flight)         /* its jobs that have not ended */                  \
    F(U32, agent)                                                                 \
    F(I64, heartbeat_ms)      /* of type heartbeat: from one nominal time to the next; else 0 */ \
    F(U32, made_by)           /* the agent whose effect made it (B7), else 0 */ \
    F(U64, goal)              /* of a routine: what its tickets serve; 0: none */ \
    F(U64, ticket)            /* of a routine: the parent of its tickets; 0: none */ \
    F(U64, boot_id)           /* of @reboot: the machine's boot that was the last to count; of others 0 */ \
    F(I64, due_at)            /* when next_at is decided: it, put off by offset, jitter, quiet hours, pressure */ \
    F(I64, put_off_from)      /* when pressure first put the next firing off (C14); 0: it has not */ \
    F(I64, pause_until)       /* it resumes by itself then; 0: when it is asked to */ \
    F(U32, skips)             /* firings that overlap suppressed since the last one */ \
    F(U32, breach_streak)     /* turn_budget_breach_streak (C8) */                \
    F(I64, max_turns_set_at)  /* when the limit of turns was last set */          \
    F(U64, measured)          /* firings in the averages below */                 \
    F(U64, last_turns)                                                            \
    F(U64, avg_turns_milli)   /* thousandths (C11) */                             \
    F(U64, avg_run_us)                                                            \
    F(U64, avg_tokens_milli)                                                      \
    F(U64, avg_cost_milli)    /* thousandths of cost_micros */                    \
    F(U32, long_runs)         /* in a row over 80 % of their lease (C9) */        \
    F(I64, last_success_at)                                                       \
    F(I64, alerted_at)        /* the last alert (C15) */                          \
    F(U8,  is_alerted)        /* 1: no recovery has followed it */                \
    F(I64, overdue_at)        /* when it is overdue without a success; 0: never */ \
    F(U8,  is_overdue)        /* 1: that has been told */                         \
    F(U32, idle_streak)       /* firings in a row that found nothing to do */     \
    F(I64, idle_until)        /* heartbeats before it are left out (idle back-off) */ \
    F(U32, shadow_runs)       /* good ones in a row in shadow mode */             \
    F(U8,  promoted)          /* 1: out of the shadow */                          \
    F(U64, gated_count)       /* firings whose gate said that there is nothing to do */ \
    F(U64, by_hand_count)     /* of firing_count: fired by hand, which max_firings does not count */ \
    F(I64, max_turns)         /* the limit of turns that was last seen; -1: none, 0: not known */ \
    F(U32, failed_in_row)     /* firings, of whatever class (C15) */              \
    F(U64, succeeded_before)  /* the id that the next job had when a firing last succeeded; 0: none has */ \
    F(U8,  paused_itself)     /* 1: paused because its firings failed */          \
    F(I64, put_off_until)     /* what was due up to then is put off for people, and due then; 0: nothing is */ \
    F(U32, times_hash)        /* of its expression and zone; 0: one from before there was a hash */

/* One nominal time of a schedule and what became of it.  The key begins with the time, so that what
 * fires together is written together. */
#define FIRING_RECORD(F)                                                         \
    F(U32, schedule)                                                              \
    F(I64, nominal_at)                                                            \
    F(U8,  outcome)           /* enum firing_outcome */                           \
    F(STR, reason)                                                                \
    F(U64, job)                                                                   \
    F(I64, fired_at)                                                              \
    F(U64, number)            /* firing #N */                                     \
    F(U64, count)             /* nominal times that a missed row stands for */    \
    F(U8,  kind)              /* enum firing_kind */                              \
    F(I64, claimed_at)        /* first start of its job; 0: not yet */            \
    F(I64, completed_at)      /* end of its job; 0: not yet */                    \
    F(U8,  state)             /* enum job_state_id in which the job ended; 0: it has not */ \
    F(U8,  failure)           /* enum failure_class */                            \
    F(U64, turns)                                                                 \
    F(I64, max_turns)         /* then; -1: no limit */                            \
    F(U64, tokens)                                                                \
    F(U64, cost_micros)                                                           \
    F(U64, lag_us)            /* of agentd's loop when it was claimed */          \
    F(U64, rss_kb)            /* peak of the handler; 0: not known */             \
    F(U32, concurrent)        /* other jobs that ran when it was claimed */       \
    F(U32, streams)           /* sessions that streamed to people then */         \
    F(U8,  gated)             /* 1: its gate said that there is nothing to do */ \
    F(I64, until_at)          /* last of the nominal times that count says; 0: nominal_at */ \
    F(I64, cap_wait_ms)       /* of the time to claimed_at: while the cap of scheduled jobs held it */

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
    F(I64, created_at)                                                            \
    F(U64, appended)          /* number of the last event (D1) */                 \
    F(U64, first_event)       /* of the oldest that is kept */                    \
    F(U64, head)              /* the event that its job processes; 0: none */     \
    F(U64, job)               /* its one unfinished job (N21); 0: none */         \
    F(U64, waiting)           /* events not yet processed, the head among them */ \
    F(U64, dead)              /* events that were given up */                     \
    F(U8,  status)            /* enum session_status */                           \
    F(STR, reason)            /* of its being held or closed */                   \
    F(U32, timers)            /* pending */                                       \
    F(U8,  has_person)        /* a person takes part in it: the policy gates apply (D6) */ \
    F(I64, person_at)         /* when a person last said something */             \
    F(U32, autonomous)        /* messages in a row that nobody asked for */       \
    F(I64, last_autonomous_at) /* 0: none since a person spoke */                 \
    F(I64, active_at)         /* of its last event */                             \
    F(I64, purge_at)          /* since when its oldest processed event is there; 0: none is */ \
    F(U64, replied)           /* number of the last event that a person got a first reply to */

/* What happened in a session; one after the other, its agent processes them (D1).  Those up to
 * the session's event_seq are processed. */
#define EVENT_RECORD(F)                                                          \
    F(U32, session)                                                               \
    F(U64, seq)               /* from 1, without gaps */                          \
    F(U64, id)                                                                    \
    F(STR, type)              /* user_message, timer, tool_result, job, or what a client calls it */ \
    F(ANY, payload)                                                               \
    F(U32, payload_bytes)     /* of a payload in blob; 0: inline */               \
    F(I64, created_at)                                                            \
    F(U8,  mark)              /* enum event_mark */                               \
    F(U64, job)               /* dead: the job that gave it up */                 \
    F(STR, actor)             /* who appended it */                               \
    F(STR, timer)             /* of type timer: its timer_id */                   \
    F(U64, root)              /* of the chain of causes that it continues; 0: it begins one */ \
    F(U64, parent)            /* job that caused it; 0: none */                   \
    F(U64, copy_of)           /* sent again: the dead event's number; 0: it is none */ \
    F(U32, depth)             /* of its job in that chain; 0: that begins one */   \
    F(ANY, chain)             /* the agents on it, as of jobs */

/* A durable timer of a session (D3). */
#define SESSION_TIMER_RECORD(F)                                                  \
    F(U32, session)                                                               \
    F(STR, timer)             /* timer_id, unique in its session */               \
    F(U64, id)                /* owner of its blob */                             \
    F(I64, fire_at)                                                               \
    F(ANY, payload)                                                               \
    F(U32, payload_bytes)     /* of a payload in blob; 0: inline */               \
    F(U8,  status)            /* enum timer_status */                             \
    F(I64, created_at)                                                            \
    F(I64, updated_at)                                                            \
    F(U64, event)             /* promoted: number of its event */                 \
    F(STR, actor)                                                                 \
    F(U64, root)              /* as of events */                                  \
    F(U64, parent)

/* Sessions that somebody reads through the gateway, by the names that the gateway knows them by:
 * also such as are not there yet, or no more.  Rows of another generation are of a gateway that has
 * ended. */
#define READER_RECORD(F)                                                         \
    F(U32, session)           /* of schema 6 and before: its id; always 0 */      \
    F(U32, count)             /* connections */                                   \
    F(U64, generation)        /* of the gateway */                                \
    F(STR, company)                                                               \
    F(STR, name)              /* the session's key */

/* Who may speak to the gateway, by the hash of what it shows (I1). */
#define TOKEN_RECORD(F)                                                          \
    F(U32, id)                                                                    \
    F(STR, name)                                                                  \
    F(STR, hash)              /* of the secret: SHA-256, in hexadecimal */        \
    F(U8,  role)              /* enum role */                                     \
    F(U32, company)           /* 0: all */                                        \
    F(STR, session)           /* only this key or, with a '/' at its end, those below; empty: all it may see */ \
    F(I64, created_at)                                                            \
    F(I64, expires_at)        /* 0: never */

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
    F(U32, payload_bytes)     /* of a payload in blob; 0: inline */               \
    F(U64, root)              /* of the chain of causes that its job is in (A15) */ \
    F(I64, quiet_until)       /* end of the quiet hours for sending in which it was made; 0: none */ \
    F(U64, event)             /* number of the event whose processing made it; 0: none */ \
    F(U8,  autonomous)        /* 1: no person asked for it (N23) */               \
    F(I64, allowed_at)        /* rejected by a policy gate: when it would be allowed; 0: not by waiting */ \
    F(U32, resends)           /* how often it was sent again by hand */                       \
    F(U8,  to_reader)         /* 1: to the gateway's sink: a reader of its session gets it, no worker sends it */ \
    F(U8,  held)              /* 1: it is due, and its sink has its share of the deliveries (shares.h) */

/* Events of the feed: rows of several, each row at most about a page. */
#define FEED_RECORD(F)                                                           \
    F(U64, seq)               /* of its first event */                            \
    F(U32, count)                                                                 \
    F(I64, at)                                                                    \
    F(ANY, events)            /* a list of maps */

/* The reply to a request that carried a request_id (N39). */
#define ANSWER_RECORD(F)                                                        \
    F(HASH, key)              /* of actor (a token by its id) and request_id */                       \
    F(I64, at)                                                                    \
    F(BIN, reply)             /* the packed reply body */                         \
    F(U32, reply_bytes)       /* of a reply in blob; 0: inline */                 \
    F(U64, request)           /* hash of operation and body; 0: older than that */

/* How an agent does: what is declared is its object. */
#define AGENT_RECORD(F)                                                         \
    F(U32, id)                /* of its object */                                 \
    F(U32, company)                                                               \
    F(U64, open_jobs)         /* that have not ended */                           \
    F(I64, last_seen)         /* when a job of it last started, reported or ended; 0: never */ \
    F(U64, last_job)          /* that ended */                                    \
    F(U8,  last_state)        /* enum job_state_id that it ended in */            \
    F(U8,  last_failure)      /* enum failure_class */                            \
    F(U8,  liveness)          /* enum liveness that was last told */              \
    F(I64, liveness_at)       /* when it is looked at next; 0: never */           \
    F(I64, heartbeat_ms)      /* the shortest interval of its heartbeat schedules; 0: none */ \
    F(I64, answered_at)       /* when a person last dealt with it (B7) */         \
    F(U32, made_schedules)    /* by its effects, and not yet removed */           \
    F(U32, made_wakes)        /* by its effects, and not yet started */           \
    F(U32, asked)             /* of its effects that wait for a person's word */

/* A company or an agent that is paused: there is a row while it is. */
#define PAUSE_RECORD(F)                                                         \
    F(U32, object)                                                                \
    F(I64, at)                                                                    \
    F(STR, reason)                                                                \
    F(STR, actor)

/* Which job has a unique key (A9): while it has not ended, and until until_at. */
#define UNIQUE_RECORD(F)                                                        \
    F(U32, company)                                                               \
    F(STR, key)                                                                   \
    F(U64, job)                                                                   \
    F(I64, until_at)          /* 0: until the job ends */

/* The waiting job that submits with a debounce key are merged into (A13). */
#define DEBOUNCE_RECORD(F)                                                      \
    F(U32, company)                                                               \
    F(STR, key)                                                                   \
    F(U64, job)                                                                   \
    F(I64, latest_at)         /* the longest wait ends: run_at moves no further */

/* A submit that was merged into a job; the first CAUSES_MAX are kept. */
#define CAUSE_RECORD(F)                                                         \
    F(U64, job)                                                                   \
    F(U32, n)                                                                     \
    F(I64, at)                                                                    \
    F(U8,  trigger)                                                               \
    F(STR, source)                                                                \
    F(STR, actor)                                                                 \
    F(U64, parent)                                                                \
    F(ANY, payload)           /* empty when it is longer than BLOB_FROM */

/* What guards a credential (A16).  id: of a handler without a declared credential, or one of its own. */
#define BREAKER_RECORD(F)                                                       \
    F(U32, id)                                                                    \
    F(U32, company)           /* of a declared credential, else 0 */              \
    F(STR, name)              /* of a declared credential, else empty */          \
    F(U8,  state)             /* enum breaker_state */                            \
    F(U8,  failure)           /* enum failure_class that opened it */             \
    F(STR, message)                                                               \
    F(I64, opened_at)                                                             \
    F(I64, open_until)                                                            \
    F(U32, opens)             /* in a row, without a success between */           \
    F(U64, job)               /* the one that opened it */                        \
    F(U64, probes_from)       /* half open: attempts with this lease token or a later one try it */

/* What held a lane from an instant on (A10); lane 0: what held everything. */
#define REASON_RECORD(F)                                                        \
    F(U32, lane)                                                                  \
    F(I64, at)                                                                    \
    F(U8,  predicate)         /* enum predicate; 0: nothing any more */           \
    F(U32, on)

#define GOAL_RECORD(F)                                                          \
    F(U64, id)                                                                    \
    F(U32, company)                                                               \
    F(U64, parent)            /* 0: a root */                                     \
    F(STR, title)                                                                 \
    F(U8,  status)            /* enum goal_status */                              \
    F(U32, agent)             /* who pursues it; 0: nobody */                     \
    F(ANY, data)                                                                  \
    F(I64, created_at)                                                            \
    F(I64, updated_at)                                                            \
    F(U64, open_jobs)                                                             \
    F(U8,  removing)          /* 1: it goes as soon as its jobs have ended */

#define TICKET_RECORD(F)                                                        \
    F(U64, id)                                                                    \
    F(U32, company)                                                               \
    F(U64, goal)              /* 0: none */                                       \
    F(U64, parent)            /* a ticket; 0: none */                             \
    F(STR, title)                                                                 \
    F(U8,  status)            /* enum ticket_status */                            \
    F(U32, assignee)          /* an agent; 0: nobody */                           \
    F(U64, required)          /* capabilities, a bit mask */                      \
    F(U64, reward)                                                                \
    F(I64, deadline_at)       /* 0: none */                                       \
    F(ANY, data)                                                                  \
    F(U32, schedule)          /* the routine that made it; 0: none */             \
    F(I64, created_at)                                                            \
    F(I64, updated_at)                                                            \
    F(I64, claimed_at)                                                            \
    F(I64, done_at)                                                               \
    F(U64, job)               /* of its newest wake-up */                         \
    F(U64, open_jobs)                                                             \
    F(U64, turns)             /* usage of all its jobs */                         \
    F(U64, tokens)                                                                \
    F(U64, cost_micros)                                                           \
    F(U64, run_ms)                                                                \
    F(U8,  removing)          /* 1: it goes as soon as its jobs have ended */

/* What a schedule, agent or company used on one local day (B6). */
#define LEDGER_RECORD(F)                                                        \
    F(U32, scope)             /* object id */                                     \
    F(U32, date)              /* local days since 1970-01-01 */                   \
    F(U64, turns)             /* charged within reservations, or without a limit */ \
    F(U64, tokens)                                                                \
    F(U64, cost_micros)                                                           \
    F(U64, run_ms)                                                                \
    F(U64, reserved_turns)    /* by running attempts, not yet charged */          \
    F(U64, reserved_tokens)                                                       \
    F(U64, reserved_cost_micros)                                                  \
    F(U64, reserved_run_ms)                                                       \
    F(U64, overshoot_turns)   /* charged beyond reservations */                   \
    F(U64, overshoot_tokens)                                                      \
    F(U64, overshoot_cost_micros)                                                 \
    F(U64, overshoot_run_ms)                                                      \
    F(U8,  warned)            /* a bit for each dimension that passed 80 % */      \
    F(U64, attempts)                                                              \
    F(U64, earned)            /* rewards of tickets done */                       \
    F(U64, tickets_done)

/* What is left of a running attempt's reservation in a scope; no row where nothing is limited. */
#define RESERVATION_RECORD(F)                                                   \
    F(U64, job)                                                                   \
    F(U32, scope)                                                                 \
    F(U32, date)              /* of the ledger row: the day on which the attempt started (N25) */ \
    F(U64, turns)                                                                 \
    F(U64, tokens)                                                                \
    F(U64, cost_micros)                                                           \
    F(U64, run_ms)

/* How many wake-ups a chain of agents has made in a window (A15). */
#define CHAIN_RECORD(F)                                                         \
    F(U64, root)              /* job */                                           \
    F(I64, window_at)         /* its beginning */                                 \
    F(U32, count)

/* An effect of an agent that waits for a person's word (B7). */
#define APPROVAL_RECORD(F)                                                      \
    F(U64, id)                                                                    \
    F(U32, company)                                                               \
    F(U32, agent)                                                                 \
    F(U64, job)               /* whose effect it is */                            \
    F(U64, effect)                                                                \
    F(U8,  kind)              /* enum effect_kind */                              \
    F(ANY, request)           /* the effect as the handler wrote it */            \
    F(U8,  status)            /* enum approval_status */                          \
    F(I64, created_at)                                                            \
    F(I64, decided_at)                                                            \
    F(STR, actor)             /* who decided */                                   \
    F(STR, reason)                                                                \
    F(U32, request_bytes)     /* of a request in blob, as the effect's payload; 0: inline */

/* Administrative acts (K2). */
#define AUDIT_RECORD(F)                                                         \
    F(U64, id)                                                                    \
    F(I64, at)                                                                    \
    F(STR, actor)                                                                 \
    F(STR, action)            /* as the operation is called: agent.pause */       \
    F(U32, company)                                                               \
    F(STR, subject)           /* what it was done to */                           \
    F(ANY, before)                                                                \
    F(ANY, after)                                                                 \
    F(STR, company_name)      /* as it was called: the company may be gone */

/* A time zone's table as the system had it (N10, N28). */
#define ZONE_RECORD(F)                                                          \
    F(U32, id)                                                                    \
    F(STR, name)                                                                  \
    F(BIN, data)              /* the TZif file */                                 \
    F(U32, replan_at)         /* its rules changed: likewise of the schedules in it */

/* The pause of a company, agent or schedule that is over while times that came in it are not decided
 * yet: they are missed all the same (N37). */
#define PAST_PAUSE_RECORD(F)                                                    \
    F(U32, object)                                                                \
    F(I64, until_at)                                                              \
    F(I64, from_at)

/* How soon people got a first reply (C11), on a UTC day in a company's sessions. */
#define FIRST_REPLY_RECORD(F)                                                   \
    F(U32, date)              /* days since 1970-01-01 */                         \
    F(U32, company)                                                               \
    F(ANY, counts)            /* replies by class of how long they took, as a list (engine/replies.c) */

/* What an agent did (F0). */
#define ACTIVITY_RECORD(F)                                                       \
    F(U64, id)                                                                    \
    F(U32, company)                                                               \
    F(U32, agent)                                                                 \
    F(STR, type)                                                                  \
    F(I64, at)                                                                    \
    F(ANY, data)                                                                  \
    F(U32, data_bytes)        /* of data in blob; 0: inline */                    \
    F(U64, job)               /* whose effect it was; 0: none's */                \
    F(STR, actor)

#define RECORDS(T)                                        \
    T(META,      meta,      1, HOT)                       \
    T(OBJECT,    object,    1, HOT)                       \
    T(JOB_SPEC,  job_spec,  1, ASCENDING)                 \
    T(JOB_STATE, job_state, 1, ASCENDING)                 \
    T(ATTEMPT,   attempt,   1, RANDOM)                    \
    T(BLOB,      blob,      1, RANDOM)                    \
    T(LANE,      lane,      1, HOT)                       \
    T(QUEUE,     queue,     1, HOT)                       \
    T(SCHEDULE,  schedule,  1, HOT)                       \
    T(FIRING,    firing,    1, ASCENDING)                 \
    T(SESSION,   session,   1, HOT)                       \
    T(EFFECT,    effect,    1, ASCENDING)                 \
    T(FEED,      feed,      1, ASCENDING)                 \
    T(ANSWER,    answer,    1, RANDOM)                    \
    T(AGENT,     agent,     1, HOT)                       \
    T(PAUSE,     pause,     1, HOT)                       \
    T(UNIQUE,    unique,    1, RANDOM)                    \
    T(DEBOUNCE,  debounce,  1, HOT)                       \
    T(CAUSE,     cause,     1, RANDOM)                    \
    T(BREAKER,   breaker,   1, HOT)                       \
    T(REASON,    reason,    1, RANDOM)                    \
    T(GOAL,      goal,      1, ASCENDING)                 \
    T(TICKET,    ticket,    1, ASCENDING)                 \
    T(LEDGER,    ledger,    1, HOT)                       \
    T(RESERVATION, reservation, 1, HOT)                   \
    T(CHAIN,     chain,     1, ASCENDING)                 \
    T(APPROVAL,  approval,  1, ASCENDING)                 \
    T(AUDIT,     audit,     1, ASCENDING)                 \
    T(ZONE,      zone,      1, HOT)                       \
    T(PAST_PAUSE, past_pause, 1, HOT)                     \
    T(EVENT,     event,     1, RANDOM)                    \
    T(SESSION_TIMER, session_timer, 1, RANDOM)            \
    T(READER,    reader,    1, HOT)                       \
    T(TOKEN,     token,     1, HOT)                       \
    T(FIRST_REPLY, first_reply, 1, HOT) \
    T(ACTIVITY,  activity,  1, ASCENDING)

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
    K(SCHEDULE,  times_hash, id)                          \
    K(FIRING,    nominal_at, schedule)                    \
    K(SESSION,   id)                                      \
    K(EFFECT,    id)                                      \
    K(FEED,      seq)                                     \
    K(ANSWER,    key)                                     \
    K(AGENT,     id)                                      \
    K(PAUSE,     object)                                  \
    K(UNIQUE,    company, key)                            \
    K(DEBOUNCE,  company, key)                            \
    K(CAUSE,     job, n)                                  \
    K(BREAKER,   id)                                      \
    K(REASON,    lane, DESC(at))                                \
    K(GOAL,      id)                                      \
    K(TICKET,    id)                                      \
    K(LEDGER,    scope, date)                             \
    K(RESERVATION, job, scope)                            \
    K(CHAIN,     root)                                    \
    K(APPROVAL,  id)                                      \
    K(AUDIT,     id)                                      \
    K(ZONE,      id)                                      \
    K(PAST_PAUSE, object, until_at)                       \
    K(EVENT,     session, seq)                            \
    K(SESSION_TIMER, session, timer)                      \
    K(READER,    company, name)                           \
    K(TOKEN,     id)                                      \
    K(FIRST_REPLY, date, company) \
    K(ACTIVITY,  id)

/* Secondary indexes: I(TABLE, table, INDEX, order, fields…).  Every one ends in the primary key or is unique. */
#define INDEXES(I)                                                                                        \
    I(OBJECT,    object,    object_by_name,   HOT,       kind, company, name)                             \
    I(JOB_STATE, job_state, job_due,          RANDOM,    run_at, id)             /* scheduled */          \
    I(JOB_STATE, job_state, job_ready,        RANDOM,    lane, DESC(priority), run_at, id) /* ready */    \
    I(JOB_STATE, job_state, job_running,      RANDOM,    lease_end_boot, id, company, agent, handler, session, flags, schedule) \
    I(JOB_STATE, job_state, job_ended,        RANDOM,    state, ended_at, id)                             \
    I(JOB_STATE, job_state, job_expiry,       RANDOM,    expires_at, id)         /* not started */        \
    I(LANE,      lane,      lane_by_limits,   HOT,       company, agent, handler, session, schedule, flags) \
    I(LANE,      lane,      lane_runnable,    HOT,       company, DESC(head_priority), head_run_at, head, id) \
    I(LANE,      lane,      lane_blocked,     HOT,       blocked_by, blocked_on, company, DESC(head_priority), head_run_at, head, id) \
    I(QUEUE,     queue,     queue_turn,       HOT,       DESC(head_priority), served, company)            \
    I(SCHEDULE,  schedule,  schedule_next,    HOT,       due_at, id)                                      \
    I(SESSION,   session,   session_by_name,  HOT,       company, name)                                   \
    I(EFFECT,    effect,    effect_queue,     RANDOM,    session, sink, place)   /* pending, attempting */ \
    I(EFFECT,    effect,    effect_pending,   RANDOM,    not_before, place, id) /* pending, or unknown with probe */ \
    I(EFFECT,    effect,    effect_attempting, RANDOM,   id)                                              \
    I(EFFECT,    effect,    effect_expiry,    RANDOM,    not_after, id)          /* pending */            \
    I(ANSWER,    answer,    answer_by_age,    ASCENDING, at, key)                                         \
    I(SCHEDULE,  schedule,  schedule_by_agent, HOT,      agent, id)              /* of agents */          \
    I(FIRING,    firing,    firing_by_schedule, RANDOM,  schedule, DESC(nominal_at))                      \
    I(EFFECT,    effect,    effect_settled,   RANDOM,    updated_at, id)         /* nothing more is done about it */ \
    I(AGENT,     agent,     agent_liveness,   HOT,       liveness_at, id)        /* looked at again */    \
    I(UNIQUE,    unique,    unique_until,     RANDOM,    until_at, company, key) /* of those with a time */ \
    I(BREAKER,   breaker,   breaker_due,      HOT,       open_until, id)         /* open */               \
    I(BREAKER,   breaker,   breaker_by_name,  HOT,       company, name)          /* of declared credentials */ \
    I(REASON,    reason,    reason_by_age,    ASCENDING, at, lane)                                        \
    I(GOAL,      goal,      goal_by_parent,   RANDOM,    company, parent, id)                             \
    I(TICKET,    ticket,    ticket_by_status, RANDOM,    company, status, id)                             \
    I(TICKET,    ticket,    ticket_by_goal,   RANDOM,    goal, id)               /* of goals */           \
    I(TICKET,    ticket,    ticket_by_parent, RANDOM,    parent, id)             /* of tickets */         \
    I(TICKET,    ticket,    ticket_by_assignee, RANDOM,  assignee, status, id)   /* assigned */           \
    I(LEDGER,    ledger,    ledger_by_age,    HOT,       date, scope)                                     \
    I(CHAIN,     chain,     chain_by_age,     RANDOM,    window_at, root)                                 \
    I(APPROVAL,  approval,  approval_by_status, RANDOM,  status, id)                                      \
    I(ZONE,      zone,      zone_by_name,     HOT,       name)                                            \
    I(JOB_STATE, job_state, job_by_goal,      RANDOM,    goal, id)               /* not ended, of goals */ \
    I(JOB_STATE, job_state, job_by_ticket,    RANDOM,    ticket, id)             /* not ended, of tickets */ \
    I(SCHEDULE,  schedule,  schedule_by_goal, HOT,       goal, id)               /* routines with a goal */ \
    I(SCHEDULE,  schedule,  schedule_by_ticket, HOT,     ticket, id)             /* routines with a parent ticket */ \
    I(GOAL,      goal,      goal_removing,    HOT,       id)                                              \
    I(TICKET,    ticket,    ticket_removing,  HOT,       id)                                              \
    I(APPROVAL,  approval,  approval_by_age,  RANDOM,    decided_at, id)         /* decided */ \
    I(JOB_STATE, job_state, job_by_schedule,  RANDOM,    schedule, id)           /* not ended, of schedules */ \
    I(SCHEDULE,  schedule,  schedule_overdue, HOT,       overdue_at, id)         /* not yet told */ \
    I(SCHEDULE,  schedule,  schedule_paused_until, HOT,  pause_until, id)        /* that resume by themselves */ \
    I(EFFECT,    effect,    effect_ping,      RANDOM,    not_before, place, id)  /* pending pings, which effect_pending has not */ \
    I(SCHEDULE,  schedule,  schedule_idle,    HOT,       agent, id)              /* heartbeats that back off */ \
    I(SCHEDULE,  schedule,  schedule_streak,  HOT,       company, id)            /* that may need attention */ \
    I(SESSION,   session,   session_by_agent, HOT,       agent, id)              /* of agents, not closed, but schedules' own */ \
    I(SESSION,   session,   session_purge,    HOT,       purge_at, id)           /* with events that may go by age */ \
    I(SESSION_TIMER, session_timer, timer_due,       RANDOM,    fire_at, session, timer) /* pending */           \
    I(SESSION_TIMER, session_timer, timer_settled,    RANDOM,    updated_at, session, timer) /* not pending */    \
    I(TOKEN,     token,     token_by_name,    HOT,       name)                                            \
    I(TOKEN,     token,     token_by_hash,    HOT,       hash)                                            \
    I(EFFECT,    effect,    effect_reader,    RANDOM,    not_before, place, id)  /* pending, to readers, which effect_pending has not */ \
    I(SESSION_TIMER, session_timer, timer_by_status, RANDOM, session, status, fire_at, id) \
    I(EFFECT,    effect,    effect_by_status, RANDOM,    status, id)             /* neither attempting nor delivered */ \
    I(EFFECT,    effect,    effect_by_session, RANDOM,   session, id)            /* of sessions */ \
    I(EFFECT,    effect,    effect_held,      RANDOM,    sink, not_before, place, id) /* those that effect_pending has not because they are held */ \
    I(SCHEDULE,  schedule,  schedule_by_id,   HOT,       id) \
    I(ACTIVITY,  activity,  activity_by_agent, RANDOM,   agent, DESC(at), DESC(id))

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

#endif
