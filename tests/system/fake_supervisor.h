/* fake_supervisor - agentd as an agent-worker sees it: two sockets, an evidence file, a parent.
 *
 * Every wait has a deadline of WAIT_MS; a wait that is not over by then fails the test. */
#ifndef TESTS_FAKE_SUPERVISOR_H
#define TESTS_FAKE_SUPERVISOR_H

#include "common/buf.h"
#include "proto/codec.h"
#include "proto/evidence.h"
#include <sys/types.h>
#include <zmq.h>

#define WAIT_MS      10000
#define FAKE_SLOTS   16
#define INCARNATION  77
#define HEARTBEAT_MS 50

struct fake {
    char            folder[64]; /* run and state folder in one */
    void           *zmq;
    void           *jobs;    /* PUSH to the worker */
    void           *reports; /* PULL */
    struct evidence evidence;
    int             delivery_fd; /* of agent-delivery */
    pid_t           pid;         /* of the worker */
    uint64_t        seq;
    uint64_t        token;        /* of the last lease */
    int64_t         attempted_at; /* Unix ms: what a probe says of its attempt */
    zmq_msg_t       frame;        /* of the last report; the views of `m` borrow from it */
    union msg       m;            /* the last report */
};

/* Makes the folder and the sockets, starts a worker and takes its hello. */
void fake_start(struct fake *f);
/* The same in steps, for a worker of another parent. */
void  fake_open(struct fake *f);
pid_t fake_exec_worker(const struct fake *f);
void  fake_take_hello(struct fake *f);
/* The calling process becomes a worker that is told of this supervisor. */
_Noreturn void fake_become_worker(const struct fake *f, pid_t supervisor);
/* TERM, exit code 0; then nothing may be left: no process, no evidence. */
void fake_stop(struct fake *f);
/* The worker must end by itself with this code; the sockets and the folder are removed. */
void fake_expect_exit(struct fake *f, int code);
void fake_expect_child_exit(pid_t pid, int code);
void fake_close(struct fake *f);
/* No descendant of ours is left, and no evidence of a lease. */
void fake_expect_nothing_left(const struct fake *f);

/* What to start.  JSON texts; NULL: not given. */
struct fake_job {
    uint64_t           slot;
    uint64_t           job;      /* 0: the token serves */
    const char        *kind;     /* NULL: exec */
    const char        *script;   /* for /bin/sh -c */
    const char *const *command;  /* or this, ended by NULL */
    const char        *handler;  /* more fields of the handler, an object */
    const char        *document; /* {} when NULL */
    const char        *payload;
    struct view        packed_payload; /* or this */
    int64_t            max_turns;      /* 0: none given */
    bool               deltas;         /* what it says meanwhile is reported */
    const char        *gate;           /* for /bin/sh -c, before the handler */
    const char *const *gate_command;   /* or this, ended by NULL */
};
/* Returns the lease's token. */
uint64_t fake_job(struct fake *f, const struct fake_job *job);
void     fake_stop_job(struct fake *f, uint64_t slot, uint64_t token, int64_t grace_ms);
uint64_t fake_effect(struct fake *f, uint64_t slot, const char *sink, const char *document,
                     uint64_t effect, bool is_probe, int64_t max_run_ms);
void     fake_send(struct fake *f, enum msg_id op, const void *m);
void     fake_send_bytes(struct fake *f, struct view bytes);

/* The next report, into f->m. */
enum msg_id fake_next(struct fake *f);
/* The next report of this kind about this token (0: any), into f->m; others are passed over. */
void fake_expect(struct fake *f, enum msg_id id, uint64_t token);
/* The job's end. */
const struct msg_ended *fake_end(struct fake *f, uint64_t token);
void                    expect_completed(struct fake *f, uint64_t token, const char *output_json);
void expect_failed(struct fake *f, uint64_t token, const char *class, const char *message_part);
void expect_snoozed(struct fake *f, uint64_t token, int64_t after_ms);
void expect_delivery(struct fake *f, uint64_t token, const char *outcome, const char *receipt,
                     const char *message_part);

/* Waits until the file of the state folder is there and not empty; its text, which the caller
 * frees. */
char *fake_file(const struct fake *f, const char *name);
/* The job's log as it is now, "" when there is none; the caller frees. */
char *fake_log(const struct fake *f, uint64_t job);

#endif
