/* spawn - starts one process by a vfork-like clone (N30).
 *
 * The child shares our memory until it execs, sets itself up with async-signal-safe calls only,
 * writes its own evidence, and gives an error back through that memory.  We wait meanwhile, so when
 * spawn_process returns the program runs or has failed to start.
 *
 * Inherited, because it is the same for every child, and so set once by spawn_prepare: no core
 * file, umask 077, no_new_privs, default signal dispositions. */
#ifndef WORKER_SPAWN_H
#define WORKER_SPAWN_H

#include "common/err.h"
#include "proto/evidence.h"
#include "worker/account.h"
#include <stdint.h>

/* Whom the evidence names. */
struct spawn_mark {
    struct evidence_record *record;
    uint64_t                boot_id;
    uint64_t                token;
    uint64_t                worker;
    uint64_t                incarnation;
};

struct spawn_limits { /* 0: as inherited.  Above our own hard limit, that limit counts */
    uint64_t memory_bytes;
    uint64_t cpu_seconds; /* SIGXCPU then, SIGKILL a second later */
    uint64_t files;
    uint64_t processes;
};

struct spawn_request {
    const char           *file;    /* what execve starts */
    int                   program; /* or, unless it is 0, its descriptor (CLOEXEC); file names it */
    char *const          *argv;
    char *const          *envp;
    const char           *cwd;
    int                   fds[3];  /* what become its descriptors 0, 1 and 2; each above 2 */
    const struct account *account; /* NULL, or the user to become */
    struct spawn_limits   limits;
    struct spawn_mark     mark;
};

enum errc spawn_prepare(struct err *e) MUST_CHECK;
/* Leads its own process group, has no descriptor but 0 to 2, an empty signal mask, and dies with
 * us.  On failure nothing is left of it and the message is "cannot start FILE: STEP: REASON". */
enum errc spawn_process(const struct spawn_request *rq, pid_t *pid, struct err *e) MUST_CHECK;

#endif
