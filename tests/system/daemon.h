/* daemon - the real agentd in a folder of its own, and clients that talk to it.
 *
 *     struct daemon d;
 *     daemon_make(&d);                         the folder
 *     daemon_start(&d, "--set", "workers.count=2", NULL);
 *     client_open(&c, &d);
 *     must(&c, MSG_JOB_SUBMIT, "{\"handler\":\"noop\"}");
 *     expect_reply(&c, MSG_JOB_SHOW, "{\"id\":1}", "state", "\"completed\"");
 *     client_close(&c);
 *     daemon_stop(&d);                         SIGTERM, exit code 0
 *     daemon_remove(&d);
 *
 * Every wait has a deadline of DAEMON_WAIT_MS; one that is not over by then fails the test and
 * shows the log.  Bodies and values are JSON texts. */
#ifndef TESTS_DAEMON_H
#define TESTS_DAEMON_H

#include "common/buf.h"
#include "proto/codec.h"
#include <sys/types.h>

#define DAEMON_WAIT_MS 20000

struct daemon {
    char     folder[64];
    char     run[80];
    char     state[80];
    char     config[80]; /* FOLDER/agentd.yaml; passed with -c when it was written */
    char     log[80];    /* its standard error */
    bool     has_config;
    pid_t    pid;        /* 0: not running */
    pid_t    owner;      /* the test's process: only it may fail the test */
    int      out;        /* its standard output */
    char     ready[256]; /* the line that said so */
    uint64_t files_max;  /* RLIMIT_NOFILE of the next start; 0: as ours */
};

/* A program of this build: "agentd", "agent-worker". */
const char *daemon_program(const char *name);
void        file_copy(const char *from, const char *to); /* one that may be executed */

void daemon_make(struct daemon *d);
void daemon_remove(struct daemon *d); /* kills what runs */
void daemon_write_config(struct daemon *d, const char *yaml);
/* Starts it with more arguments, ended by NULL, and waits until it is ready. */
void daemon_start(struct daemon *d, ...) __attribute__((sentinel));
/* Starts two at once: one must get ready, the other end with code 1. */
void daemon_start_two(struct daemon *d);
/* Starts one that must end by itself, with this exit code; what it wrote to standard error and
 * output. */
void daemon_expect_refusal(struct daemon *d, int code, struct buf *text, ...)
    __attribute__((sentinel));
void daemon_signal(const struct daemon *d, int number);
/* Waits for its end: the exit code, or 256 plus the signal. */
int daemon_wait(struct daemon *d);
/* SIGTERM; it must end with code 0. */
void daemon_stop(struct daemon *d);
/* kill -9. */
void daemon_kill(struct daemon *d);
/* Waits until the log has the text. */
void daemon_expect_log(const struct daemon *d, const char *text);
bool daemon_log_has(const struct daemon *d, const char *text);

/* Fails the test with the daemon's log. */
_Noreturn void daemon_fail(const struct daemon *d, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Waits until check says true. */
void    daemon_wait_until(const struct daemon *d, const char *what, bool (*check)(void *arg),
                          void *arg);
int64_t daemon_now_ms(void); /* for deadlines */
void    daemon_nap(void);    /* between two looks at something */

/* ---- clients ------------------------------------------------------------------------------- */

struct client {
    const struct daemon *d;
    void                *zmq;
    void                *socket; /* DEALER */
    uint64_t             id;     /* of the last request */
    struct buf           body;   /* of the last reply, packed */
    struct buf           json;   /* and as JSON */
    struct err           error;  /* of the last refusal */
};

void client_open(struct client *c, const struct daemon *d);
void client_close(struct client *c);

/* One request and its reply. */
enum errc ask(struct client *c, enum msg_id op, const char *body);
/* Sends only; takes the reply to the request `id`, whatever else comes before it. */
uint64_t  send_request(struct client *c, enum msg_id op, const char *body);
enum errc take_reply(struct client *c, uint64_t id);
/* It must be granted; the reply as JSON, good until the next request. */
const char *must(struct client *c, enum msg_id op, const char *body);
/* It must be refused so. */
void must_refuse(struct client *c, enum msg_id op, const char *body, enum errc code);
/* The id of the job that is made. */
uint64_t must_submit(struct client *c, const char *body);

/* The value at a path ("workers.live", "items.0.pid") of the last reply, as JSON; "" when there is
 * none.  Good until the next call. */
const char *value_at(struct client *c, const char *path);
int64_t     number_at(struct client *c, const char *path);
/* Asks again and again until the reply has the value there. */
void expect_reply(struct client *c, enum msg_id op, const char *body, const char *path,
                  const char *value);
/* The same of job.show. */
void expect_job(struct client *c, uint64_t job, const char *path, const char *value);
/* The same until it is at least so much. */
void expect_at_least(struct client *c, enum msg_id op, const char *body, const char *path,
                     int64_t least);

#endif
