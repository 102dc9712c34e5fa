/* evidence - what is running, in a file that outlives kill -9 (N30).
 *
 * A shared mapped file in the run folder, one fixed record per worker and per lease slot.  A child
 * writes its own record between clone and exec, before the job's first instruction, so that after a
 * crash whatever survived can be found, told from a reused pid, and killed before its job is
 * dispatched again.  It need not survive power loss: then the processes are gone too. */
#ifndef PROTO_EVIDENCE_H
#define PROTO_EVIDENCE_H

#include "common/err.h"
#include "proto/messages.h"
#include <sys/types.h>

struct evidence_record {
    uint64_t pid; /* 0: free.  Written last, cleared first. */
    uint64_t start_time;
    uint64_t boot_id;
    uint64_t pgid;
    uint64_t token;  /* the lease; 0 for a worker */
    uint64_t worker; /* index of the worker that runs it */
    uint64_t incarnation;
    uint64_t reserved;
};

struct evidence {
    int                     fd;
    struct evidence_record *workers; /* WORKERS_MAX */
    struct evidence_record *leases;  /* SLOTS_MAX, by the supervisor's slot */
};

/* Maps `path`, created 0600 and zeroed when it is new or of another layout.  The fd is CLOEXEC. */
enum errc evidence_open(struct evidence *ev, const char *path, struct err *e) MUST_CHECK;
/* Maps an inherited descriptor (a worker's). */
enum errc evidence_map(struct evidence *ev, int fd, struct err *e) MUST_CHECK;
void      evidence_close(struct evidence *ev);
/* Async-signal-safe: fills the record with the calling process's own pid, start time, group; pid
 * last. */
void evidence_write_self(struct evidence_record *r, uint64_t boot_id, uint64_t token,
                         uint64_t worker, uint64_t incarnation);
/* The process of `from` works for another lease. */
void evidence_copy(struct evidence_record *r, const struct evidence_record *from, uint64_t token);
void evidence_clear(struct evidence_record *r);
/* The recorded process is alive: same boot, pid there, same start time, not a zombie. */
bool evidence_is_alive(const struct evidence_record *r);

#endif
