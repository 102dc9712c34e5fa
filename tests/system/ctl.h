/* ctl - the real agentctl, run on a daemon's run folder.
 *
 *     struct ctl c;
 *     ctl_open(&c, &d);
 *     uint64_t job = ctl_submit(&c, "echo --payload '{\"a\": %d}'", 1);
 *     ctl_await(&c, job, "completed");
 *     ctl_expect(&c, "output.a", "1");
 *     ctl_refused(&c, 1, "not_found", "job 9", "job show 9");
 *     ctl_close(&c);
 *
 * A command is written as in a shell, split at spaces but within '…'; --run, --json and, where it
 * gives none, --timeout are added.  Every wait ends after DAEMON_WAIT_MS and then fails the test,
 * with the daemon's log.  Values are compared as compact JSON with sorted keys. */
#ifndef TESTS_CTL_H
#define TESTS_CTL_H

#include "tests/system/daemon.h"
#include <jansson.h>

#define CTL_FORMAT(at) __attribute__((format(printf, at, at + 1)))

struct ctl {
    const struct daemon *d;
    struct buf           line; /* the last command */
    int                  code; /* its exit code */
    struct buf           text; /* its standard output */
    struct buf           complaint;
    json_t              *out;   /* the output as JSON; NULL: there is none */
    json_t              *error; /* what the complaint says under "error"; NULL: nothing */
    struct buf           value; /* of ctl_value */
};

void ctl_open(struct ctl *c, const struct daemon *d);
/* Fails when a sanitizer has found something in agentd or a worker. */
void ctl_close(struct ctl *c);

/* Runs a command to its end; its exit code. */
int ctl_run(struct ctl *c, const char *fmt, ...) CTL_FORMAT(2);
/* It must end with this exit code. */
void ctl_ends(struct ctl *c, int code, const char *fmt, ...) CTL_FORMAT(3);
/* It must succeed. */
void ctl_must(struct ctl *c, const char *fmt, ...) CTL_FORMAT(2);
/* It must be refused with this exit code and error, and the message must speak of `about`,
 * or that be the field at fault. */
void ctl_refused(struct ctl *c, int code, const char *error, const char *about, const char *fmt,
                 ...) CTL_FORMAT(5);

/* The value at a path ("items.0.state") of the last output; "" when there is none.  Good until the
 * next call. */
const char *ctl_value(struct ctl *c, const char *path);
int64_t     ctl_number(struct ctl *c, const char *path);
/* The elements of the array at a path. */
size_t ctl_count(struct ctl *c, const char *path);
/* The string at a path is copied out. */
void ctl_copy(struct ctl *c, const char *path, char *out, size_t size);
void ctl_expect(struct ctl *c, const char *path, const char *value);
/* The string at a path has the text in it. */
void ctl_expect_text(struct ctl *c, const char *path, const char *text);
/* Repeats a command until the value stands at the path. */
void ctl_until(struct ctl *c, const char *path, const char *value, const char *fmt, ...)
    CTL_FORMAT(4);
/* Repeats it until the number there is at least so large. */
void ctl_until_least(struct ctl *c, const char *path, int64_t least, const char *fmt, ...)
    CTL_FORMAT(4);

/* `job submit …`; the job's id. */
uint64_t ctl_submit(struct ctl *c, const char *fmt, ...) CTL_FORMAT(2);
/* Waits until the job is in this state and shows it: with `job wait` for the end of a job. */
void ctl_await(struct ctl *c, uint64_t job, const char *state);
/* The store's hash, once all workers have said hello: equal when nothing was changed in between. */
int64_t ctl_state_hash(struct ctl *c);

/* ---- one that goes on in the background ---------------------------------------------------- */

struct ctl_process {
    const struct daemon *d;
    pid_t                pid; /* 0: it has ended */
    int                  out; /* its standard output */
    int                  complaint;
    struct buf           read;
    size_t               taken;
};

/* Starts `agentctl --run … COMMAND`, without --json. */
void ctl_start(struct ctl_process *p, const struct daemon *d, const char *fmt, ...) CTL_FORMAT(3);
/* The next line that it prints, good until the next call; NULL at the end. */
const char *ctl_line(struct ctl_process *p);
/* Lines are passed over until one has the text; that line. */
const char *ctl_line_with(struct ctl_process *p, const char *text);
/* Sends the signal unless it is 0, and waits for the end: the exit code.  Its standard error goes
 * into `complaint`, which may be NULL. */
int ctl_end(struct ctl_process *p, int number, struct buf *complaint);

#endif
