/* model_jobs - what the model keeps of jobs, tickets, goals and leases; a part of model.h. */
#ifndef SIM_MODEL_JOBS_H
#define SIM_MODEL_JOBS_H

#include "supervisor/engine/engine.h"
#include "tools/sim/list.h"

/* ---- jobs ------------------------------------------------------------------------------------ */

/* How a ladder is declared: RETRY_FIELDS without max_attempts. */
struct m_retry {
    bool        has_list, has_base, has_factor, has_max;
    struct view list;
    int64_t     base_ms, factor, max_ms;
};
#define M_RETRY(d, type)                                        \
    ((struct m_retry){.has_list = HAS(d, type, retry),          \
                      .has_base = HAS(d, type, retry_base_ms),  \
                      .has_factor = HAS(d, type, retry_factor), \
                      .has_max = HAS(d, type, retry_max_ms),    \
                      .list = (d)->retry,                       \
                      .base_ms = (d)->retry_base_ms,            \
                      .factor = (int64_t)(d)->retry_factor,     \
                      .max_ms = (d)->retry_max_ms})

#define M_KEY_SIZE 8 /* unique and debounce keys of a simulation are short */

struct m_ladder {
    uint32_t count;
    int64_t  steps[LADDER_MAX];
};

/* What an attempt has reserved in a scope, as far as it is not used up (B6). */
#define M_DIMENSIONS 4 /* turns, tokens, millionths of cost, ms */
#define M_SCOPES     3 /* schedule, company, agent */
struct m_reserve {
    int      scope; /* object */
    int64_t  day;   /* in the scope's zone, when the attempt started */
    bool     is_limited[M_DIMENSIONS];
    uint64_t rest[M_DIMENSIONS];
};

struct m_job {
    uint64_t    id;
    uint8_t     state;                             /* enum job_state_id */
    int         company, agent, handler, schedule; /* objects; -1: none */
    int64_t     nominal_at;                        /* of a firing */
    int64_t     first_claimed_at;                  /* of all its attempts */
    uint32_t    streams;                           /* to people, then */
    uint32_t    concurrent;                        /* other jobs that ran then */
    bool        is_over;                           /* it has ended once */
    bool        is_born;                           /* of a schedule: counts in its cap */
    bool        is_asked_for, is_by_hand; /* of a schedule: made by a person; or retried by one */
    bool        is_forced;                /* by hand, over the caps of its kind (C10) */
    bool        is_gated;                 /* its gate's command said no */
    bool        is_alone;                 /* runs alone in a worker from now on */
    bool        is_quarantined, is_retry;
    uint8_t     priority;
    int64_t     run_at;
    int64_t     run_at_high; /* not 0: run_at to run_at_high, the row will tell */
    int64_t     expires_at, claimed_at, ended_at, lease_end_boot, lease_end_wall, submitted_at;
    int64_t     max_run_ms, max_turns;
    uint32_t    attempt, failures, crashes, max_attempts;
    uint64_t    token;
    const char *stop_reason; /* class; NULL: not asked to stop */
    const char *failure;     /* class; NULL: none */
    uint64_t    turns, input_tokens, output_tokens, cost_micros;
    uint64_t    run_ms;          /* in which attempts ran */
    uint64_t    payload, output; /* hashes; 0: none */
    struct m_ladder ladder;      /* its own */
    bool            is_touched;
    char            unique_key[M_KEY_SIZE], debounce_key[M_KEY_SIZE]; /* empty: none */
    bool            is_debounced; /* others are merged into it until it starts or ends */
    int64_t         latest_at;    /* its longest wait ends */
    uint32_t        causes;       /* submits merged into it, the first one too */
    const char     *trigger;
    const char     *color; /* its tag "kind"; NULL: none */
    uint64_t        payload_bytes, output_bytes;
    bool            is_purged, is_purge_begun; /* some of its rows may be gone */

    uint64_t         token_budget, cost_budget; /* of all attempts; 0: none */
    struct m_reserve reserves[M_SCOPES];        /* of the attempt that runs */
    unsigned         reserve_count;

    uint64_t parent, root; /* jobs; parent 0: none */
    int64_t  depth;
    int      chain[16]; /* the agents that caused it, first to last */
    unsigned chain_count;
    bool     is_agent_made; /* by an effect, and not started yet */
    uint64_t ticket, goal;  /* 0: none */
    uint64_t session,
        event; /* session N is item N - 1; number of the event that it processes; 0: none */
};

struct m_goal {
    uint64_t id, parent;
    int      company, agent; /* objects; agent -1: nobody */
    uint8_t  status;         /* enum goal_status */
    bool     is_touched, is_gone;
};

struct m_ticket {
    uint64_t id, parent, job;   /* job: its newest wake-up; 0: none */
    int      company, assignee; /* objects; assignee -1: nobody */
    uint8_t  status;            /* enum ticket_status */
    bool     is_touched, is_gone, is_of_routine;
    uint64_t goal; /* of a routine; 0: none */
};

/* How many wake-ups a chain has made since an instant. */
struct m_window {
    uint64_t root;
    int64_t  at, count;
};

/* Who has a unique key: while the job has not ended, and until `until` in any case (A9). */
struct m_key {
    int      company;
    char     name[M_KEY_SIZE];
    uint64_t job;
    int64_t  until; /* 0: until the job ends */
};

/* A submit that was judged: the job that it makes, or one that is there already. */
enum m_policy { M_RETURN, M_REJECT, M_REPLACE };
struct m_submission {
    struct m_job  job;
    enum m_policy policy;
    int64_t       for_ms, wait_ms;
    uint64_t      other; /* this one is returned instead … */
    int           twin;  /* … or the earlier one of the batch; -1: none */
    bool          is_merged, replaces;
};

/* One thing that a worker holds, or held when an earlier agentd ended. */
struct m_lease {
    uint64_t token, id, seq, slot;
    bool     is_effect, is_old, is_streaming;
    uint32_t worker;
    uint64_t turns, input_tokens, output_tokens, cost_micros;
};

struct m_attempt { /* an attempt that ended in this turn */
    uint64_t    job, token;
    uint32_t    attempt;
    uint8_t     outcome;
    const char *failure;
    uint64_t    turns;
};

#endif
