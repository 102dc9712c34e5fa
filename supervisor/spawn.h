/* spawn - starts agent-worker processes, and agent-gateway.
 *
 * A program is kept open from our own start on, so that a package upgrade cannot mix versions
 * (N33).  The child sets itself up with async-signal-safe calls only: TERM when we die, a process
 * group of its own, default signals, its evidence; then it execs, with no descriptor of ours but
 * the evidence file's and, for a worker, that of the program that delivers. */
#ifndef SUPERVISOR_SPAWN_H
#define SUPERVISOR_SPAWN_H

#include "common/err.h"
#include "proto/evidence.h"
#include <stdbool.h>
#include <sys/types.h>

/* What stays the same for all workers. */
struct spawn_setup {
    int                    program;  /* from spawn_open_program */
    int                    delivery; /* likewise: what workers deliver effects by */
    int                    null;     /* /dev/null, their standard input */
    const struct evidence *evidence;
    uint64_t               boot_id;
    uint64_t               incarnation;
    const char            *run_dir;
    const char            *state_dir;
    char oom_score[16]; /* what ours was; written back in the child, "" for none */
};

struct spawn_order {
    uint32_t worker;
    uint64_t generation;
    int64_t  slots;
    int64_t  heartbeat_ms;
};

struct gateway_order {
    int         program; /* from spawn_open_program */
    const char *listen, *hosts, *origins, *page;
    const char *log_level;
    int64_t     connections_max;
    uint64_t    files_max; /* descriptors that it may have */
    bool        has_user;  /* it is to be another user than we are … */
    uid_t       uid;       /* … this one … */
    gid_t       gid;
    gid_t       socket_group; /* … who passes the run folder by this group */
};

/* What the variable names ("AGENTD_WORKER"), else the program of this name beside our own. */
enum errc spawn_open_program(const char *name, const char *variable, int *fd,
                             struct err *e) MUST_CHECK;
/* The caller reaps the child.  That its program could not be started shows as exit code 127. */
enum errc spawn_worker(const struct spawn_setup *setup, const struct spawn_order *order, pid_t *pid,
                       struct err *e) MUST_CHECK;
/* Likewise; it inherits no descriptor of ours.  Its standard output is a pipe, whose end to read
 * from, which never waits, goes to *words: the caller closes it. */
enum errc spawn_gateway(const struct spawn_setup *setup, const struct gateway_order *o, pid_t *pid,
                        int *words, struct err *e) MUST_CHECK;

#endif
