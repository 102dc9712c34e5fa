/* pool - the worker processes: started, watched, replaced, retired, ended.
 *
 *     ABSENT ──start──▶ LIVE ──retire──▶ RETIRING ──idle──▶ ENDING ──exit──▶ ORPHANED ──▶ ABSENT
 *                        └────────────── kill ──▶ KILLED ────exit─────────────┘
 *
 * A worker's end is told to the engine (INPUT_WORKER_GONE) only when nothing of it is left: agentd
 * is a subreaper, so what a dead worker leaves behind becomes a child of agentd; every child that
 * is no worker is such an orphan and is killed, again and again until there is none (N1).
 *
 * A worker that ends unasked is replaced as deaths.h says. */
#ifndef SUPERVISOR_POOL_H
#define SUPERVISOR_POOL_H

#include "common/mp.h"
#include "supervisor/inputs.h"
#include "supervisor/poller.h"
#include "supervisor/spawn.h"
#include <signal.h>

struct pool;

/* setup outlives the pool.  Nothing is started before pool_release. */
struct pool *pool_new(void *zmq, struct poller *poller, struct inputs *inputs,
                      const struct spawn_setup *setup);
/* The processes must have ended, or are left to PDEATHSIG. */
void pool_destroy(struct pool **p);

/* What is wanted.  Live workers of another shape are replaced one by one, each when it is idle. */
void pool_set_shape(struct pool *p, int64_t slots, int64_t heartbeat_ms);
void pool_set_count(struct pool *p, uint32_t count);
/* From now on workers may be started: nothing of an earlier agentd is left in their places. */
void pool_release(struct pool *p);
/* Replaces the worker, or with -1 all, one by one, each when it is idle; how many. */
uint32_t pool_restart(struct pool *p, int64_t worker);
bool     pool_has_worker(const struct pool *p, uint64_t worker);

/* SIGCHLD: reaps, and ends what was left behind. */
void pool_on_children(struct pool *p, int64_t boot_ms);
/* Starts, ends and kills what is to be by now. */
void    pool_on_time(struct pool *p, int64_t boot_ms);
int64_t pool_deadline(const struct pool *p);

/* Outputs of the engine. */
void pool_send(struct pool *p, uint32_t worker, uint64_t generation, uint64_t token,
               struct view message);
void pool_kill(struct pool *p, uint32_t worker, uint64_t generation, const char *reason);
void pool_on_idle(struct pool *p, uint32_t worker, uint64_t generation, int64_t boot_ms);

/* A report came from process `pid`: takes the frame and tells the engine, after the worker's own
 * socket is connected, so that an answer to it can be sent.  False: no worker of ours. */
bool pool_on_report(struct pool *p, pid_t pid, zmq_msg_t *frame) MUST_CHECK;
/* The worker of process `pid` spoke nonsense. */
bool pool_on_bad_report(struct pool *p, pid_t pid) MUST_CHECK;

/* The planned stop: TERM to all now, KILL to those that are there at kill_boot_ms; none is started
 * again. */
void pool_stop(struct pool *p, int64_t kill_boot_ms);
bool pool_is_empty(const struct pool *p);

/* Children that are no workers and no orphans either; 0: there is none.  The pool reaps them. */
enum kept_child { KEPT_FORECAST, KEPT_GATEWAY, KEPT_COUNT };
void pool_keep(struct pool *p, enum kept_child which, pid_t child);
/* Whether it has ended and is reaped, since it is kept, and how. */
bool pool_kept_ended(const struct pool *p, enum kept_child which, siginfo_t *how);

bool     pool_is_degraded(const struct pool *p, int64_t boot_ms);
uint32_t pool_count_wanted(const struct pool *p);
/* Appends an item of worker.list for each place that is wanted and has no process: how the last one
 * ended, and when the next one is started; how many. */
uint32_t pool_down(const struct pool *p, const struct now *now, struct buf *out);
/* The value of `workers` in status. */
void pool_status(const struct pool *p, int64_t boot_ms, struct buf *out);

#endif
