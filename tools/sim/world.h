/* world - what is outside of the engine in a simulated run: the clocks, worker processes with the
 * handlers that run in them, the sinks that effects reach, and what is on its way between them and
 * the engine.
 *
 * Workers behave as agent-worker does: they take messages in order, run what they are given, stop
 * what they are told to stop (some handlers only when they are killed), and report.  Reports of one
 * worker keep their order; they may be late, lost or repeated.  A worker may fall silent or die;
 * what ran in it lives on until its end is known.  The world knows what really runs: no two
 * attempts of one job at a time, no message twice in a sink. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "supervisor/engine/engine.h"
#include "tools/sim/list.h"
#include "tools/sim/rng.h"

/* Chances per thousand, drawn anew for each seed. */
struct chances {
    unsigned failed, snoozed, gated, effects, checkpoint, long_run, stubborn;
    unsigned lost_report, repeated_report, late_report, send_failed, bad_report;
    unsigned death, silence, crash, failed_commit, clock_jump, suspend, disk_full, stop, reboot;
};

/* ---- inputs that wait for the next turn ------------------------------------ */

struct waiting_input {
    struct input in;
    struct buf   body;
    char         request_id[24];
};
struct waiting {
    LIST_OF(struct waiting_input) list;
};
/* Copies the body; in.request_id is copied, too.  The pointer is good until the next push. */
void waiting_push(struct waiting *w, const struct input *in, struct view body);
void waiting_clear(struct waiting *w);
void waiting_done(struct waiting *w);

/* ---- workers --------------------------------------------------------------- */

struct run {
    uint64_t slot, token, id;
    bool     is_effect, is_probe, is_stubborn;
    bool     has_gate;               /* a command that is asked first */
    bool     is_event;               /* of a session */
    bool     is_file, is_idempotent; /* the sink of a delivery */
    int64_t  ends_at;
    uint64_t turns;
};

struct letter { /* a frame on its way */
    struct buf frame;
    int64_t    at;
};

enum worker_life { LIFE_NONE, LIFE_STARTING, LIFE_UP, LIFE_DEAD };
struct sim_worker {
    enum worker_life life;
    uint32_t         index, slots;
    uint64_t         generation, last_seq;
    int64_t          acts_at; /* starting: says hello; dead: gone; none: is started again */
    int64_t          beat_at; /* of the last heartbeat */
    int64_t          silent_until;
    bool             is_retiring;
    LIST_OF(struct run) runs;
    LIST_OF(struct letter) mail;    /* to it */
    LIST_OF(struct letter) reports; /* from it */
};

struct late_report { /* of a worker that is gone */
    struct letter letter;
    uint32_t      worker;
    uint64_t      generation;
};

struct old_lease {
    uint64_t token;
    int64_t  answer_at;
};

struct world {
    struct rng       *rng;
    struct now        now;
    struct chances    chances;
    struct waiting    before; /* reports, and what became of workers */
    struct sim_worker workers[8];
    uint32_t          wanted;     /* workers */
    bool              has_agentd; /* that starts them */
    uint32_t          slots_max;
    uint64_t          generations;
    int64_t           heartbeat_ms;
    bool              is_calm;      /* no faults any more: the liveness phase */
    LIST_OF(struct sim_worker) old; /* of an earlier agentd, about to die */
    LIST_OF(struct old_lease) old_leases;
    LIST_OF(struct late_report) late;
    LIST_OF(bool) sink; /* effect N has reached its sink */
    uint64_t ends;      /* attempts that ended in workers */
};

void world_init(struct world *w, struct rng *rng);
void world_done(struct world *w);
/* What the engine has released for the world. */
void world_output(struct world *w, const struct output *o);
/* The first boot instant at which something happens out there; INT64_MAX: never. */
int64_t world_next(const struct world *w);
/* Lets everything happen whose time has come; its inputs are in `before`. */
void world_step(struct world *w);
/* Heartbeats that are due by now. */
void world_beat(struct world *w);
/* agentd has ended: what it left behind dies within `within_ms`, what it was sent is lost. */
void world_orphan(struct world *w, int64_t within_ms);
/* Nobody survives: the machine was started again, its boot clock with it. */
void world_reboot(struct world *w);

/* Faults. */
void world_kill(struct world *w, struct sim_worker *worker, int64_t gone_within_ms);
void world_silence(struct world *w, struct sim_worker *worker, int64_t ms);
void world_retire(struct world *w, struct sim_worker *worker);

/* What a run says at its end (reports.c). */
void report_end(struct world *w, struct sim_worker *worker, const struct run *r);
void report_progress(struct world *w, struct sim_worker *worker, struct run *r);
void report_hello(struct world *w, struct sim_worker *worker);
void report_heartbeat(struct world *w, struct sim_worker *worker);
void report_garbage(struct world *w, struct sim_worker *worker);
/* An operator wants it sent again, wherever it has come. */
void world_send_again(struct world *w, uint64_t effect);
/* A delivery that was cut off may have reached the sink. */
void sink_cut_off(struct world *w, const struct run *r);

#endif
