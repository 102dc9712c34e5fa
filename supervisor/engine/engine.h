/* engine - all state and all decisions, as a function of (store transaction, input) → (changes,
 * outputs).
 *
 * The engine never asks the time, never draws a random number but from the generator in the store,
 * opens no file, writes no log, sends nothing: the shell gathers inputs, gives them to one turn in
 * the order of N6, commits, and only then acts on the outputs.
 *
 *     engine_turn_begin(en, txn, &header);
 *     engine_apply(en, &input);  …      reports and exits, then signals and config
 *     engine_due(en);                   what has become due, at most TURN_DUE_MAX items
 *     engine_apply(en, &input);  …      clients' requests
 *     engine_dispatch(en);              once, last: a stop in a turn beats any start in it
 *     engine_turn_end(en);
 *     txn_commit(…)                     or, when the transaction is not dirty, txn_abort(…)
 *     engine_turn_done(en, kept);       false: the engine's memory goes back
 *     … the outputs are released …
 *
 * Besides the store the engine's state is one flat, fixed-size struct (N7), so that going back is a
 * copy.  Everything here belongs to one thread. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "common/clock.h"
#include "common/mp.h"
#include "proto/codec.h"
#include "supervisor/store/store.h"

#define TURN_INPUTS_MAX 1000
#define TURN_BYTES_MAX  16777216
#define TURN_DUE_MAX    256
#define TURN_JOBS_MAX   192 /* of these, jobs before the others: a flood must not delay a firing */
#define TURN_TIMES_MAX  10000 /* times of cron expressions that are counted as missed */
#define TURN_LOOKS_MAX  10000 /* at schedules and their times, for those that collide */
#define PURGE_ROWS_MAX  1000  /* rows that a turn removes (N15) */
#define READ_ROWS_MAX   5000  /* rows that one read examines (N8) */

struct engine;

/* Who asks (N36).  Views are borrowed for the call. */
struct actor {
    const char *kind; /* "user", "token", "agent", "daemon", "gateway" */
    struct view id;   /* "uid:1000", a token's name, … */
    enum role   role;
    struct view company; /* empty: all; else only that company's objects exist for it */
    struct view session; /* empty: all; else it speaks of the session with this key or, when it
                            ends in '/', those below, and of nothing else (the shell sees to it,
                            and the engine where a job is named beside it) */
    uint32_t token;      /* its row, whose id is not used again as its name may be; 0: it is none */
};

/* agentd itself, which sees everything. */
extern const struct actor actor_daemon;

enum input_kind {
    INPUT_BOOT, /* first input of a process: boot_id; unclean and last_sign_of_life_ms when the last
                   end was */
    INPUT_ZONE, /* body: a time zone's name, a NUL, its TZif file; before the input that names it */
    INPUT_CONFIG,  /* body: a packed `config` object; dry_run: only say what would change */
    INPUT_REQUEST, /* a client's request that is HOW_WRITE: op, body, request_id, actor, client */
    INPUT_REPORT,  /* a worker's message, whole frame in body */
    INPUT_WORKER_STARTED, /* worker, generation, slots: its process was made; its hello will follow
                           */
    INPUT_WORKER_RETIRE,  /* worker, generation: gets nothing new; OUT_WORKER_IDLE when it has
                             nothing left */
    INPUT_WORKER_GONE,    /* worker, generation: the process and everything below it are known to be
                             gone (N1) */
    INPUT_SEND_FAILED,  /* worker, token: the message of an OUT_TO_WORKER could not be sent (N32) */
    INPUT_LEASE_GONE,   /* token: the processes of a lease of an earlier agentd are known to be gone
                           (N26) */
    INPUT_GATEWAY_GONE, /* the gateway's process has ended: nobody reads */
    INPUT_DRAIN,        /* a planned stop begins: new work is refused, nothing starts */
    INPUT_INTERRUPT, /* … its grace is over: running jobs are stopped and handed back; grace_ms:
                        TERM to KILL */
    INPUT_GOODBYE    /* last input of a planned stop: the end is clean */
};

struct input {
    enum input_kind kind;
    uint64_t        client; /* the shell's tag for the reply; 0: nobody waits */
    struct actor    actor;
    enum msg_id     op;
    struct view     body;
    struct view     request_id;
    uint32_t        worker;
    uint64_t        generation;
    uint32_t        slots;
    uint64_t        token;
    uint64_t        boot_id;
    int64_t         last_sign_of_life_ms;
    int64_t         grace_ms;
    bool            unclean;
    bool            dry_run;
    bool            again;          /* INPUT_CONFIG: that in force, see engine_wants_config() */
    bool            config_follows; /* INPUT_BOOT: nothing is due before that was applied */
};

/* The physical facts of a turn (N10). */
struct turn_header {
    struct now         now;
    struct store_space space;
    int64_t stall_ms; /* how long the loop was kept from its work: over half the heartbeat time-out,
                         liveness is judged anew from now (N26) */
    uint64_t lag_us;  /* 99 % of the loop's turns of the last minute or two took no longer */
    bool     clock_is_held; /* at start, while the kernel says the clock is unsynchronised (N27) */
};

enum output_kind {
    OUT_REPLY,       /* client; body, or error when it is not NULL */
    OUT_TO_WORKER,   /* worker, generation, token; body: the packed worker message */
    OUT_WORKER_KILL, /* worker, generation, text: it is silent or spoke nonsense; KILL it and
                        everything below it */
    OUT_WORKER_IDLE, /* worker, generation: a retiring worker has nothing left */
    OUT_JOB_ENDED,   /* job: waiters of it can be answered */
    OUT_JOB_PURGED,  /* job: it is gone; its log file goes too */
    OUT_OLD_LEASE, /* job, token: running when an earlier agentd ended; answer with INPUT_LEASE_GONE
                    */
    OUT_TO_GATEWAY, /* body: the packed message; token: the effect that it delivers, or the reader
                       that it is about; 0: it may be dropped */
    OUT_LOG         /* level (enum log_level), text: a constant sentence; detail: logfmt pairs */
};

struct output {
    enum output_kind  kind;
    uint64_t          client;
    struct view       body;
    const struct err *error;
    uint32_t          worker;
    uint64_t          generation;
    uint64_t          token;
    uint64_t          job;
    int               level;
    const char       *text;
    const char       *detail;
};

/* Of an open store, which must outlive it; engine_destroy frees it and sets *en to NULL. */
struct engine *engine_new(struct store *s);
void           engine_destroy(struct engine **en);

void engine_turn_begin(struct engine *en, struct txn *t, const struct turn_header *h);
/* The input must live until engine_turn_end. */
void engine_apply(struct engine *en, const struct input *in);
void engine_due(struct engine *en);
void engine_dispatch(struct engine *en);
void engine_turn_end(struct engine *en);
/* kept: the turn was committed, or had nothing to commit; else the engine's memory goes back. */
void engine_turn_done(struct engine *en, bool kept);

/* The outputs of the last turn, in the order in which they arose; borrowed until the next
 * engine_turn_begin. */
const struct output *engine_outputs(const struct engine *en, size_t *count);

/* When the engine next has something to do by itself, INT64_MAX for never; valid after
 * engine_turn_done. */
struct deadline {
    int64_t wall_ms;
    int64_t boot_ms;
};
struct deadline engine_deadline(const struct engine *en);

uint64_t engine_feed_seq(const struct engine *en);  /* of the last committed event */
size_t engine_lease_count(const struct engine *en); /* attempts and deliveries that workers hold */
bool   engine_is_draining(const struct engine *en);
/* What kept declared objects from being made at the start is gone: the configuration in force is to
 * be given again. */
bool engine_wants_config(const struct engine *en);
/* Running jobs of an earlier agentd whose processes are not yet known to be gone. */
size_t engine_old_lease_count(const struct engine *en);
/* Lines for the warnings of status, of what the actor sees: what an operator has stopped, breakers
 * that are not closed, schedules that need attention, what the start left. */
void engine_warnings(const struct engine *en, struct txn *t, const struct actor *a,
                     struct buf *lines);

/* Who has the token of this hash; its texts are in *text, which outlives the actor.
 * E_UNAUTHENTICATED for one that is not known, has expired, or whose company is gone. */
enum errc engine_token_actor(struct txn *t, struct view hash, int64_t now_ms, struct actor *out,
                             struct buf *text, struct err *e) MUST_CHECK;

/* E_DENIED when the actor speaks of some sessions only, and that with this key (empty: none) is not
 * one of them. */
enum errc engine_check_session(const struct actor *a, struct view key, struct err *e) MUST_CHECK;

/* ---- reads: from a read transaction on the last commit, after the turn -------- */
enum read_result {
    READ_DONE,     /* *reply is the answer */
    READ_WAIT_JOB, /* *reply is the answer if nobody waits longer; worth asking again when job
                    *wait_on ends */
    READ_WAIT_FEED /* … when the feed grows */
};
/* Serves any HOW_READ request, and worker.list of the workers that are up.  On failure E_… in *e
 * and false in *ok. */
enum read_result engine_read(struct engine *en, struct txn *t, const struct now *now,
                             const struct actor *actor, enum msg_id op, struct view body,
                             struct buf *reply, uint64_t *wait_on, bool *ok, struct err *e);
/* Appends the engine's part of `status`: queue by state, caps in use, next firings; of companies,
 * what the actor sees (N36). */
void engine_status(struct engine *en, struct txn *t, const struct actor *a, const struct now *now,
                   struct buf *out, struct mp_open_map *map);
/* For job.logs: whether the actor may see the job, and whether it has ended. */
enum errc engine_job_ended(struct engine *en, struct txn *t, const struct actor *actor,
                           uint64_t job, bool *ended, struct err *e) MUST_CHECK;

/* What fsck checks beyond store_check: every counter and every lane recounted from the rows (A12).
 * Touches no engine memory, so it may run in another thread on its own read transaction. */
void engine_check(struct txn *t, void (*problem)(const char *sentence, void *arg), void *arg,
                  const bool *cancel);
/* Beside it: what was used beyond reservations (B6), a list with a map for each kind of scope in
 * which there is any, over all days that are kept. */
void engine_overshoot(struct txn *t, struct buf *out, const bool *cancel);

#endif
