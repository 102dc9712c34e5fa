/* engine_rig - an engine on a scratch store, with a clock that the test sets: no sockets, no
 * processes, no sleep.
 *
 *     uint64_t id = rig_submit(r, "'handler':'noop'");
 *     rig_ended(r, id, "'verdict':'completed'");
 *     rig_turn(r);
 *     assert_string_equal(rig_job_text(r, id, "state"), "completed");
 *
 * Bodies are written as JSON with ' for ", without the outer braces; texts and numbers of replies
 * are found by paths ("items.0.id").  The rig plays the workers: it remembers what each was sent,
 * beats for those that are up, and holds the engine to what must be true of every turn:
 *
 *   - no job is started while an attempt of it lives, no token is given twice, no worker gets more
 *     jobs than it has slots, seq ascends;
 *   - a turn that is aborted and run again does the same: it is always run twice;
 *   - the store is sound and every counter can be recounted (engine_check, store_check);
 *   - a turn leaves nothing undone: unless its deadline has come, another turn without inputs
 * writes nothing and says nothing.
 *
 * What the getters return lives until the next turn or read. */
#ifndef TESTS_ENGINE_RIG_H
#define TESTS_ENGINE_RIG_H

#include "common/mp.h"
#include "supervisor/engine/engine.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RIG_WALL_MS 1800000000000LL /* 2027-01-15T08:00:00Z */
#define RIG_BOOT_MS 5000000
#define SECOND_MS   1000LL
#define MINUTE_MS   60000LL
#define HOUR_MS     3600000LL
#define DAY_MS      86400000LL
#define RIG_NO_TEXT "(nil)" /* what the text of a nil is */

struct rig_worker {
    bool     is_up;
    uint64_t generation;
    uint32_t slots;
    uint64_t last_seq;
    uint32_t jobs;
};

/* Something that a worker was told to run. */
struct rig_lease {
    enum msg_id op; /* MSG_JOB_START or MSG_EFFECT_SEND */
    uint64_t    id; /* of the job or the effect */
    uint64_t    attempt;
    uint32_t    worker;
    uint64_t    generation;
    uint64_t    slot, token, seq;
    bool        is_probe;
    bool        is_live;    /* neither ended nor lost */
    bool        is_stopped; /* job.stop came */
    int64_t     grace_ms;
    struct view body; /* of the message */
};

struct rig {
    char                 dir[64];
    struct store_options options;
    struct store        *store;
    struct engine       *engine;

    /* what the test may set */
    struct turn_header header;
    struct actor       actor;
    struct msg_limits  limits; /* of rig_configure */
    const char        *request_id;
    uint64_t           boot_id;
    bool               is_space_set;   /* header.space is the test's, else the store's */
    bool               config_follows; /* a start's first configuration is the test's to give */
    bool               config_again;   /* configurations are those in force */
    bool               is_silent;      /* the workers do not beat */
    bool               is_unchecked;   /* the checks of every turn are left out: for big stores */

    /* of the last turn */
    struct output  *outputs;
    size_t          output_count;
    struct deadline deadline;
    bool            was_dirty;
    uint64_t        writes; /* puts and deletes */
    uint64_t        reads;  /* rows */

    /* of the last request or read */
    struct view      reply;
    struct err       error;
    enum read_result read_result;
    uint64_t         wait_on;

    /* the rig's own */
    struct input     *queue;
    size_t            queue_count, queue_cap;
    struct rig_worker workers[WORKERS_MAX];
    struct rig_lease *leases;
    size_t            lease_count, lease_cap;
    uint64_t          last_client, last_generation, last_token;
    int64_t           beat_boot_ms;
    struct arena      inputs, results, kept;
    struct txn       *writer;
};

/* What r->limits is at the beginning. */
extern const struct msg_limits rig_limits;

/* cmocka's set-up and tear-down: a booted engine with the default limits and no workers.  The
 * limits have a ladder of 2, 10, 30 and 120 min, 5 attempts, a lease of 20 min, 10 s of grace,
 * heartbeats within 30 s, and no caps but the default ones. */
int rig_begin(void **state);
/* The same, not booted. */
int rig_begin_unbooted(void **state);
int rig_end(void **state);
/* Another rig whose store is a copy of r's, of the same incarnation; not booted. */
void rig_copy(struct rig *r, void **state);

/* ---- turns ---- */
void rig_turn(struct rig *r);
/* As after a commit that failed: a transaction for each input, then one for due work and dispatch.
 */
void rig_turn_singly(struct rig *r);
/* Turns until nothing is due. */
void rig_settle(struct rig *r);
/* Both clocks go on; then rig_settle. */
void rig_advance(struct rig *r, int64_t ms);
/* Both clocks go on; no turn. */
void rig_wait(struct rig *r, int64_t ms);
void rig_push(struct rig *r, const struct input *in);
/* Whether what is due has come. */
bool rig_is_due(const struct rig *r);
/* The nth output of a kind, NULL when there are fewer. */
const struct output *rig_output(const struct rig *r, enum output_kind kind, size_t nth);
size_t               rig_output_count(const struct rig *r, enum output_kind kind);

/* ---- the life of agentd ---- */
void rig_boot(struct rig *r, bool unclean);
/* kill -9 and a new start: workers and memory are gone; the boot input is queued, no turn is run.
 */
void rig_crash(struct rig *r);
/* The same after drain, interrupt and goodbye, a turn each. */
void rig_stop(struct rig *r);
/* The processes of all leases of before are gone: queued. */
void rig_old_leases_gone(struct rig *r);

/* ---- requests ---- */
struct view rig_pack(struct rig *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Queues a request; returns its tag. */
uint64_t rig_queue(struct rig *r, const char *op, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* What the tag's request was answered in the last turn: into r->reply, or r->error. */
enum errc rig_answer(struct rig *r, uint64_t client);
/* Queues, runs one turn, takes the answer. */
enum errc rig_ask(struct rig *r, const char *op, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* rig_ask that must succeed; fails the test otherwise. */
void rig_must(struct rig *r, const char *op, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* rig_ask that must be refused and leave the state as it was; "" for no field. */
void rig_refused(struct rig *r, enum errc code, const char *field, const char *op, const char *fmt,
                 ...) __attribute__((format(printf, 5, 6)));
/* A read after the last commit. */
enum errc rig_read(struct rig *r, const char *op, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void rig_must_read(struct rig *r, const char *op, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void rig_status(struct rig *r);
/* The lines that status warns with. */
const char *rig_warnings(struct rig *r);
/* job.submit and a turn; the id. */
uint64_t rig_submit(struct rig *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- what replies say ---- */
bool        rig_has(const struct rig *r, const char *path);
bool        rig_is_nil(const struct rig *r, const char *path);
int64_t     rig_i64(struct rig *r, const char *path);
bool        rig_bool(struct rig *r, const char *path);
const char *rig_text(struct rig *r, const char *path);
size_t      rig_len(struct rig *r, const char *path); /* of a list */
/* "list.i.field", as a path for the others. */
const char *rig_path(struct rig *r, const char *list, size_t i, const char *field);
/* The reply as JSON, for messages. */
const char *rig_json(struct rig *r);
/* job.show, then the field. */
const char *rig_job_text(struct rig *r, uint64_t id, const char *path);
int64_t     rig_job_i64(struct rig *r, uint64_t id, const char *path);
#define expect_state(r, id, want) assert_string_equal(rig_job_text(r, id, "state"), want)
uint64_t rig_hash(struct rig *r);
uint64_t rig_rows(struct rig *r, enum table_id table);
/* Every feed event from the beginning, into the reply. */
void rig_feed(struct rig *r);
/* How many events of this type the feed has. */
size_t rig_feed_count(struct rig *r, const char *type);

/* ---- configuration ---- */
/* Lists of objects as JSON without the brackets; NULL for none. */
struct rig_declared {
    const char *companies, *agents, *handlers, *sinks, *schedules, *profiles;
};
/* INPUT_CONFIG of r->limits and these, and a turn. */
enum errc rig_try_configure(struct rig *r, const struct rig_declared *d, bool dry_run);
void      rig_configure(struct rig *r, const struct rig_declared *d);

/* ---- workers ---- */
/* Starts them, says hello, runs a turn. */
void rig_workers(struct rig *r, uint32_t count, uint32_t slots);
void rig_worker_started(struct rig *r, uint32_t worker, uint32_t slots);
void rig_hello(struct rig *r, uint32_t worker);
void rig_worker_gone(struct rig *r, uint32_t worker);
void rig_retire(struct rig *r, uint32_t worker);
/* Queues a report; body as JSON without worker, generation, slot and token, which come from the
 * lease. */
void rig_report(struct rig *r, const struct rig_lease *l, const char *op, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void rig_heartbeat(struct rig *r, uint32_t worker);
void rig_raw_report(struct rig *r, uint32_t worker, struct view frame);
/* The newest lease of a job; NULL when it was never started. */
struct rig_lease *rig_lease(struct rig *r, uint64_t job);
struct rig_lease *rig_delivery(struct rig *r, uint64_t effect);
/* Queues `ended` (or `progress`, `effect.done`) of the newest lease of the job (or effect). */
void rig_ended(struct rig *r, uint64_t job, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void rig_progress(struct rig *r, uint64_t job, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void rig_effect_done(struct rig *r, uint64_t effect, const char *outcome);
/* ended, and a turn. */
void rig_complete(struct rig *r, uint64_t job);
void rig_fail(struct rig *r, uint64_t job, const char *class);
/* How many jobs have a live attempt. */
size_t rig_running(const struct rig *r);

/* ---- between the rig's files ---- */
struct view rig_pack_between(struct rig *r, const char *open, const char *fmt, va_list ap,
                             const char *close) __attribute__((format(printf, 3, 0)));
void        rig_take_message(struct rig *r, const struct output *o);
struct txn *rig_begin_read(struct rig *r);

#endif
