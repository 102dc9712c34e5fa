/* turn - what the engine holds: its flat memory between turns, and the scratch of one turn.
 *
 * Internal to the engine; its users see engine.h.  Every engine function takes the engine and finds
 * here the transaction, the time, the memory and the caches of the turn under way. */
#ifndef ENGINE_TURN_H
#define ENGINE_TURN_H

#include "supervisor/engine/engine.h"
#include "supervisor/engine/heap.h"
#include "supervisor/engine/idmap.h"
#include "supervisor/engine/objects.h"

/* ---- memory: the one flat struct (N7), copied before a turn and copied back on abort  */

enum worker_state { WORKER_NONE, WORKER_STARTING, WORKER_UP, WORKER_RETIRING, WORKER_LOST };

struct fleet_worker {
    uint8_t  state;
    bool     is_alone; /* runs one job that must run alone (N4) */
    uint32_t slots;
    uint32_t jobs;       /* leases of jobs it holds */
    uint32_t deliveries; /* leases of effects it holds */
    uint64_t generation;
    uint64_t pid;
    uint64_t seq; /* of the last message sent to it (N32) */
    uint64_t lag_us;
    int64_t  seen_boot_ms;
};

enum lease_kind { LEASE_FREE, LEASE_JOB, LEASE_EFFECT };

struct fleet_lease {
    uint8_t  kind;
    uint8_t  worker;
    bool     is_streaming; /* to a person (C14) */
    uint32_t sink;         /* of an effect; 0: none */
    uint64_t token;
    uint64_t id; /* of the job or the effect */
    uint64_t seq;
    int64_t  replied_at; /* its first delta came; 0: none yet */
    /* totals that the attempt has reported */
    uint64_t turns, input_tokens, output_tokens, cost_micros;
};

#define SINKS_MAX 8

/* The `limits` object, decoded (its lists too, so that it is flat). */
struct limits {
    int64_t max_concurrent, schedule_max_concurrent, company_max_concurrent, agent_max_concurrent;
    int64_t max_run_ms, max_turns, kill_grace_ms, heartbeat_timeout_ms, catch_up_ms;
    int64_t feed_age_max_ms;
    int64_t company_queue_max, chain_depth_max, chain_rate_max;
    int64_t agent_interval_min_ms, agent_schedules_max, agent_wakes_max, agent_unanswered_ms;
    int64_t breaker_base_ms, breaker_max_ms;
    int64_t reserve_turns, reserve_tokens, reserve_cost_micros;
    int64_t keep_completed_ms, keep_failed_ms, keep_effects_ms, keep_firings_ms, keep_reasons_ms;
    int64_t keep_ledgers_ms, keep_approvals_ms, keep_audit_ms;
    int64_t catch_up_stagger_ms, interactive_delay_ms, failure_pause, breach_warn, breach_pause;
    int64_t collision_turns, alert_after, alert_skips, alert_cooldown_ms;
    int64_t session_max_consecutive, session_cooldown_ms, session_timer_delay_min_ms;
    int64_t session_timers_max, session_queue_max, keep_events_ms, keep_timers_ms, keep_activity_ms;
    uint64_t stale_after, dead_after;
    uint32_t session_handler;                                /* object id; 0: none */
    uint8_t  agent_approval;                                 /* enum approval_rule */
    bool     session_enabled, session_defers, session_holds; /* on_cooldown, on_failure */
    uint64_t max_attempts, max_crashes, feed_bytes_max;
    int64_t  ladder_ms[LADDER_MAX];
    uint32_t ladder_steps;
    uint32_t sinks[SINKS_MAX]; /* object ids */
    uint32_t sink_count;
    uint32_t alert_sinks[SINKS_MAX]; /* object ids; those of sessions when none is named */
    uint32_t alert_sink_count;
};

/* A place among the limits that block lanes. */
struct block_at {
    uint8_t  predicate; /* 0: before the first */
    uint32_t on;
};

/* Sessions but the schedules' own, and what waits in them. */
struct session_counts {
    uint64_t by_status[SESSION_STATUS_COUNT];
    uint64_t waiting; /* events, those that are being processed among them */
};

/* A place in INDEX_job_due. */
struct job_state_at {
    int64_t  run_at;
    uint64_t id;
};

#define LEFT_MAX       8
#define SLOW_SINKS_MAX 16

struct memory {
    struct meta           meta;
    struct limits         limits;
    struct now            seen; /* the clocks of the last turn; 0: none yet */
    struct session_counts sessions;
    int64_t
        behind_from; /* the wall clock is behind this, and that is not believed yet; 0: it is not */
    /* sinks whose last delivery was slow (shares.h), and the place of the next to be forgotten */
    uint32_t            slow_sinks[SLOW_SINKS_MAX], slow_next;
    struct fleet_worker workers[WORKERS_MAX];
    uint32_t            slot_count; /* of the workers that are up */
    uint32_t            lease_count;
    uint32_t            streams;       /* leases that are streaming */
    int64_t             put_off_last;  /* nothing is put off for people beyond this */
    uint8_t             held_all;      /* enum predicate of the last row of lane 0 … */
    int64_t             held_all_at;   /* … and its time */
    uint32_t            open_breakers; /* that are not closed */
    uint32_t            old_leases;    /* of an earlier agentd, not yet known to be gone */
    bool                is_booted, is_draining, is_interrupted, clock_accepted;
    bool     has_limits;      /* nothing is due, starts or goes by age before they are known */
    bool     is_sweeping;     /* lanes whose objects are gone are looked for … */
    uint32_t sweep_at;        /* … from this one on */
    uint32_t clearing;        /* a schedule whose jobs are being cancelled for its next firing */
    bool     has_removals;    /* something is being removed (removal.h, goal_removal.h) */
    int64_t  started_at;      /* wall, of this agentd */
    int64_t  hold_until_boot; /* of a crash loop: until then, of the boot clock, what was due before
                                 started_at waits */
    int64_t             catch_up_at;     /* when the next firing that is caught up on may start */
    struct job_state_at removal_at;      /* how far the removals' search among waiting jobs is;
                                            INT64_MAX: at its end */
    uint32_t           left[LEFT_MAX];   /* objects gone from the file that this start left … */
    uint32_t           left_count;       /* … of so many */
    uint32_t           barred[LEFT_MAX]; /* objects that keep declared ones from being made … */
    uint32_t           barred_count;     /* … of so many */
    bool               config_waits;     /* one of them is being removed */
    int64_t            budget_day_at;    /* the first day to end whose limit may hold lanes */
    bool               recheck_limits;   /* every limit that blocks lanes is to be looked at … */
    bool               is_rechecking;    /* … as is under way, up to … */
    struct block_at    recheck_at;
    bool               recheck_unkept; /* the same, once another slot than the kept worker's … */
    uint8_t            recheck_below; /* … is free, or that is kept for less than this priority */
    bool               retry_budgets; /* all lanes that budgets block are to be tried … */
    struct lane        retry_at;      /* … as is under way, from this one on; id 0: it is not */
    bool               is_releasing;  /* what earlier ones held is being taken back … */
    uint64_t           release_at;    /* … from this effect on */
    bool               is_forgetting; /* records of agents that are gone are looked for … */
    uint32_t           forget_at;     /* … from this agent on */
    bool               is_ending;     /* messages of closed sessions whose owner is gone end … */
    uint32_t           end_at;        /* … from this session on */
    bool               is_counting;   /* sessions are being counted … */
    uint32_t           count_at;      /* … from this one on: those before it are */
    uint32_t           kept_for;      /* lane whose head waits to run alone (N4); 0: none */
    uint32_t           kept_worker;   /* takes nothing else … */
    uint8_t            kept_priority; /* … that is not above this */
    uint32_t           lease_high;    /* leases[] from here on are free; the copies stop there */
    struct fleet_lease leases[SLOTS_MAX];
};

/* ---- turn --------------------------------------------------------------------- */

struct lane_turn;
struct company_turn;
struct agent_turn;
struct session_turn;

struct released {
    uint8_t  predicate;
    uint32_t on;
};

#define LATE_MAX 64

struct turn {
    struct txn        *txn;
    struct turn_header header;
    struct now         now;
    struct arena       arena;

    struct output *outputs;
    size_t         output_count, output_cap;

    struct buf feed; /* packed events not yet in a row */
    uint32_t   feed_count;

    struct objects       objects;
    struct idmap         lanes;     /* struct lane_turn */
    struct idmap         companies; /* struct company_turn */
    struct lane_turn    *lane_list;
    struct company_turn *company_list;
    struct idmap         agents; /* struct agent_turn */
    struct agent_turn   *agent_list;
    struct idmap         sessions;     /* struct session_turn */
    struct session_turn *session_list; /* in the order in which they were read … */
    struct session_turn *session_last;
    struct session_turn *session_over; /* … and those whose next event is to be taken */
    struct session_turn *session_over_last;
    struct lane_turn    *last_lane; /* the last one that lane_of gave */
    struct company_turn *changed_companies;
    struct heap          competing;            /* companies in memory that have a lane to start */
    struct queue         stored_company;       /* the best that is not in memory; company 0: none */
    bool                 stored_company_known; /* it is looked up */
    struct idmap         blocks;               /* limits that block lanes, of blocked.c */

    struct released *released; /* limits that may have room again */
    size_t           released_count, released_cap;

    const struct input *late[LATE_MAX]; /* requests to be served after the dispatch */
    uint32_t            late_count;
    bool                is_late; /* they are being served */

    uint32_t backfill_left; /* firings that this turn may still make for past times */
    uint32_t purge_left;    /* rows that this turn may still remove (N15) */
    uint32_t due_left;      /* items of due work that this turn may still do */
    uint32_t times_left;    /* times of cron expressions that this turn may still count as missed */
    uint32_t replan_left;   /* schedules that may still be planned anew */
    uint32_t looks_left;    /* schedules and times that saves may still look at (collisions.h) */
    bool     due_again;     /* more could be done at once than one turn does */
};

struct engine {
    struct store   *store;
    struct memory   memory;
    struct memory   before;
    struct turn     turn;
    struct deadline deadline;
    struct deadline deadline_before;
    bool is_mute; /* nobody reads what it writes for others: its feed, the rows of attempts and of
                     jobs that have ended, the figures of firings, the bodies of messages to
                     workers */
};

/* Appends an output, zeroed but for its kind; the pointer is good until the next call. */
struct output *turn_output(struct engine *en, enum output_kind kind);
/* OUT_LOG; text is a constant sentence, fmt makes the logfmt pairs. */
void turn_log(struct engine *en, int level, const char *text, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* "kind:id", as rows keep who did something; in the transaction's memory. */
struct view turn_actor(struct engine *en, const struct actor *a);
/* The engine's generator (splitmix64, Steele et al. 2014), kept in meta: 0 ≤ result < bound. */
uint64_t turn_random(struct engine *en, uint64_t bound);

static inline struct txn *
turn_txn(struct engine *en)
{
    return en->turn.txn;
}

#endif
