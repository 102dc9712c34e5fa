/* bench - agentd, its peers and the machine's own limits, measured in one run, alternating.
 *
 * A figure is the median of several runs, with the least and the greatest.  Absolute figures differ
 * between machines and hours; the ratios of one run hold.  This is never a test: nothing here
 * passes or fails. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "common/buf.h"
#include "proto/codec.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PAYLOAD_BYTES 256
#define RUNS_MAX      9
#define COMPANIES     50  /* that agentd is started with: c0, c1, … */
#define PERSISTENT    256 /* processes of a persistent handler at most, of all workers together */

struct options {
    const char *build;     /* where the programs are */
    char        dir[4096]; /* scratch, on the disk that is measured */
    bool        quick;
    int         runs;
    const char *only; /* name of a group of figures; NULL: all */
};

/* ---- figures (report.c) ---- */
struct figure {
    double   values[RUNS_MAX];
    unsigned count;
};
void   figure_add(struct figure *f, double v);
double figure_median(const struct figure *f);
/* A row: what, agentd's figure, then each other's with the ratio agentd/other. */
struct other {
    const char          *name;
    const struct figure *figure;
};
void   report_head(void);
void   report_row(const char *id, const char *what, const char *unit, const struct figure *agentd,
                  const struct other *others, unsigned count);
double percentile(double *values, size_t n, double p); /* sorts */

/* ---- time ---- */
double now_s(void); /* CLOCK_MONOTONIC, seconds */

/* ---- the handler (handler.c) ----
 * `bench handler NAME`: what the persistent handler of this name runs.  One answers with the time
 * when it read the line, one sends a message with the time. */
#define HANDLER_ANSWERS "answers"
#define HANDLER_TELLS   "tells"
int     handler_run(const char *name);
int64_t now_ns(void); /* CLOCK_MONOTONIC, too */

/* ---- the flood (figures_flood.c) ----
 * `bench flood DIR NAME COUNT PORT`: so many requests of this flood to the agentd in DIR, whose
 * gateway has this port. */
int flood_run(const char *dir, const char *name, unsigned n, int port);

/* ---- programs under measurement (process.c) ---- */
struct process {
    pid_t pid;
    char  dir[4160];
    int   port; /* of a peer, or of agentd's gateway; 0: none */
};
/* Starts agentd with `slots` per worker in a fresh folder; exits the bench with a sentence when it
 * does not come up. */
void process_start_agentd(struct process *p, const struct options *o, unsigned workers,
                          unsigned slots);
/* The same with the gateway, on p->port of loopback. */
void process_start_with_gateway(struct process *p, const struct options *o, unsigned workers,
                                unsigned slots);
/* Kills agentd with SIGKILL and starts it anew in the same folder; the ms until it said ready. */
double process_restart_agentd(struct process *p, const struct options *o);
/* What the files of its state folder take on the disk, MiB. */
double process_disk_mb(const struct process *p);
/* False when the program is not installed. */
bool process_start_beanstalkd(struct process *p, const struct options *o);
bool process_start_redis(struct process *p, const struct options *o);
void process_stop(struct process *p); /* and removes its folder */
/* Of agentd: CPU seconds used, times it was woken, RssAnon and RSS in KiB, bytes given to write()
 * (what /proc counts as write_bytes is of whole folios, several pages each). */
struct usage {
    double   cpu_s;
    uint64_t wakeups;
    uint64_t rss_kb, heap_kb; /* all that is resident; of it anonymous */
    uint64_t written_bytes;
};
struct usage process_usage(pid_t pid);
pid_t        process_child(pid_t pid); /* the first child, e.g. a worker; 0: none */

/* ---- agentd's clients (client.c) ---- */
struct client {
    void    *socket;
    uint64_t next_id;
};
void client_open(struct client *c, const struct process *p);
void client_close(struct client *c);
void client_send(struct client *c, enum msg_id op, struct view body);
/* Waits for one reply and gives its body (valid until the next call); exits the bench when it is an
 * error. */
struct view client_receive(struct client *c);
/* Whether client_receive would not have to wait. */
bool        client_has_reply(const struct client *c);
struct view client_ask(struct client *c, enum msg_id op, struct view body);
/* A packed job.submit of `handler` with the 256-byte payload. */
struct view submit_body(const char *handler, int64_t delay_ms);

/* ---- the gateway's clients (http.c): requests over connections that are kept ---- */
struct http;
/* The token that they show, once in agentd's life. */
void         http_add_token(struct client *c);
struct http *http_open(int port); /* waits until the gateway serves */
void         http_close(struct http **h);
/* Over one connection after the other: the answer to its last request is read first; exits the
 * bench when that is no success. */
void http_post(struct http *h, const char *path, const char *json);

/* ---- agentd under load (load.c) ---- */
/* n single submits over `clients` connections, each with `window` unanswered; a second.  Handler
 * echo: due tomorrow. */
double load_submit(const struct process *p, unsigned n, unsigned window, unsigned clients,
                   const char *handler);
/* n jobs of `handler` from submit to done, a second. */
double   load_cycle(const struct process *p, unsigned n, const char *handler);
uint64_t load_completed(struct client *c);
/* Waits until so many jobs have completed.  It asks seldom: each answer costs agentd what dozens of
 * jobs do. */
void load_await(struct client *c, uint64_t completed);
/* Commits since agentd's start; each is two flushes. */
uint64_t load_commits(const struct process *p);
/* n times from a request that makes a job (its answer has the `id`) to the answer that the job has
 * completed and that this is on disk: two commits.  In microseconds. */
void load_latencies(const struct process *p, enum msg_id op, struct view body, unsigned n,
                    double *us);

/* ---- peers (peers.c): text protocols over loopback; each returns operations per second ---- */
double beanstalkd_put(const struct process *p, unsigned n, unsigned window, unsigned clients);
double beanstalkd_cycle(const struct process *p, unsigned n);
void   beanstalkd_latency(const struct process *p, unsigned n, double *us);
double redis_push(const struct process *p, unsigned n, unsigned window, unsigned clients);
double redis_cycle(const struct process *p, unsigned n);

/* ---- the machine (limits.c) ---- */
double limit_lmdb_commits(const struct options *o, unsigned n, unsigned per_commit);
/* LMDB with so many rows, as long as a schedule's.  A rewrite changes n of them, evenly spread, in
 * one commit: the CPU time for each, us. */
struct lmdb_rows;
struct lmdb_rows *limit_lmdb_rows_open(const struct options *o, unsigned rows);
double            limit_lmdb_rewrite(struct lmdb_rows *l, unsigned n);
void              limit_lmdb_rows_close(struct lmdb_rows *l);
double            limit_fdatasync(const struct options *o, unsigned n);
double            limit_spawn(unsigned n, unsigned parallel);
double            limit_zmq_round_trips(const struct options *o, unsigned n);

/* ---- the figures (figures.c, figures_queue.c, figures_schedules.c, figures_forecast.c,
 * figures_sessions.c, figures_timers.c, figures_messages.c, figures_flood.c) ---- */
bool figures_has(const char *name);
void figures_run(const struct options *o);
void pending_figures(const struct options *o);
void growth_figures(const struct options *o);
void wake_figures(const struct options *o);
void fairness_figure(const struct options *o);
void schedule_figures(const struct options *o);
void forecast_figures(const struct options *o);
void session_figures(const struct options *o);
void timer_figures(const struct options *o);
void persistent_figure(const struct options *o);
void message_figures(const struct options *o);
void flood_figures(const struct options *o);

#endif
