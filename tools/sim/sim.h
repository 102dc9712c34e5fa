/* sim - one simulated run: an engine on a store, the world around it, the clients that ask, and the
 * model that judges.
 *
 * A run is a sequence of operations that a seed decides (run.c): requests, configurations,
 * time that passes, faults.  Whenever something has to be done, turns of the engine follow
 * (turn.c), as the reactor would make them.  After the last operation the faults stop, and within a
 * bounded time everything must come to its end. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "tools/sim/config.h"
#include "tools/sim/gateway.h"
#include "tools/sim/model.h"
#include "tools/sim/world.h"

struct asked { /* a request with an id, to be asked again */
    enum msg_id op;
    struct buf  body;
    char        request_id[24];
    unsigned    actor;
};

struct sim {
    struct rng     rng;
    struct world   world;
    struct model   model;
    struct gateway gateway;
    struct config  config;      /* in force */
    struct config  next_config; /* asked for */
    bool           is_config_asked, is_dry_run;
    uint64_t       config_client;
    struct store  *store;
    struct engine *engine; /* NULL while agentd is down */
    struct waiting daemon; /* signals, config */
    struct waiting requests;
    struct waiting held; /* refused by the store when alone: later once more */
    int64_t        held_until;
    bool           is_due_held;

    bool     can_admit, disk_is_short;
    bool     clock_is_held;
    int64_t  clock_held_until; /* boot */
    int64_t  clock_behind_ms;  /* what is set right when it is held no longer, if anyone sets it */
    bool     is_turn_due;      /* the wall clock was set, or is believed again */
    bool     was_dispatched;   /* the last turn had its due work and dispatch */
    int64_t  stall_ms;         /* for the next turn */
    int64_t  starts_at;        /* boot, while agentd is down */
    bool     was_clean;
    int64_t  last_life_ms; /* wall, of the last agentd */
    uint64_t boot_id;
    uint64_t commits;
    bool     is_next_commit_failing;
    unsigned crash_loop;      /* so many starts more that soon end */
    bool     is_crash_wanted; /* in the next turn that has something to commit */
    uint64_t clients, request_ids;
    LIST_OF(struct asked) asked;
    struct watcher {
        char     cursor[64];
        uint64_t seq;            /* of the last event seen */
        bool     is_lost;        /* there was a gap: jobs may have events it never saw */
        LIST_OF(uint8_t) states; /* of job N, as last told */
    } watcher;

    /* for the last line */
    uint64_t crashes, failed_commits, stops, deaths;
    int64_t  simulated_ms;
};

/* What a run was; hash is of the state at its end. */
struct run_result {
    uint64_t hash, operations, turns, commits, jobs, attempts, firings, events, effects;
    uint64_t crashes, failed_commits, stops, deaths;
    int64_t  simulated_ms;
};
/* Makes the run of this seed in `folder`, which is empty and stays so. */
struct run_options {
    uint64_t operations;
    int64_t  years; /* 0: not that long; else operations until so many years have passed */
};
void sim_run(uint64_t seed, const struct run_options *o, const char *folder,
             struct run_result *out);

/* ---- what the sim's files share -------------------------------------------------------------- */

/* Makes turns until nothing is left to be done at this instant (turn.c). */
void sim_settle(struct sim *s);
/* Lets ms pass, with everything that happens meanwhile. */
void sim_pass(struct sim *s, int64_t ms);

/* faults.c */
void sim_start_agentd(struct sim *s);
void sim_crash(struct sim *s);
void sim_fault(struct sim *s);

/* requests.c */
void sim_request(struct sim *s);
void sim_ask_config(struct sim *s, bool calm);
/* A request by somebody who may ask it; some are asked again later.  m is the op's message. */
void sim_ask(struct sim *s, enum msg_id op, const void *m);
/* The same, never asked again. */
void sim_ask_once(struct sim *s, enum msg_id op, const void *m);
void sim_ask_as_admin(struct sim *s, enum msg_id op, const void *m);
/* By the gateway; the number of the request. */
uint64_t sim_ask_as_gateway(struct sim *s, enum msg_id op, const void *m);
/* The configuration asked for was answered. */
void sim_config_answered(struct sim *s, bool is_accepted);

/* requests_schedules.c */
void sim_request_schedule(struct sim *s);
void sim_pause_schedules(struct sim *s);
/* Those that wait: where firings may overlap they pile up; held_only: by a pause. */
void sim_cancel_firings(struct sim *s, bool held_only);

/* requests_queue.c */
void sim_request_hold(struct sim *s);
/* Something that is done to all jobs of a filter. */
/* The wake API, tickets and goals (requests_org.c). */
void sim_request_org(struct sim *s);
void sim_request_many(struct sim *s);
/* Companies, agents and profiles by requests (requests_registry.c). */
void sim_request_registry(struct sim *s);
/* Events of sessions, and the sessions themselves (requests_sessions.c). */
void sim_request_session(struct sim *s);
/* No company and no agent that requests made has a limit any more. */
void sim_release_limits(struct sim *s);
/* A unique or a debounce key for some submits; true: debounced, which takes no start time. */
bool sim_fill_merge(struct sim *s, struct msg_job_submit *m);
/* Many submits at once that become one job. */
void sim_submit_flood(struct sim *s);
/* All that an operator has stopped or paused goes on. */
void sim_release_holds(struct sim *s);

/* reads.c */
void sim_read(struct sim *s);
void sim_check_store(struct sim *s);
void sim_follow_feed(struct sim *s);

#endif
