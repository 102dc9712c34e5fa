/* slots - the leases that this worker runs, by the supervisor's slot number.
 *
 * A lease is here from its start until it is reported as ended, and longer when its process is kept
 * for other jobs (persistent.h).  noop and echo end as they start and never come here. */
#ifndef WORKER_SLOTS_H
#define WORKER_SLOTS_H

#include "proto/messages.h"
#include "worker/gate.h"
#include "worker/joblog.h"
#include "worker/outcome.h"
#include "worker/stream.h"
#include "worker/tree.h"

#define LEASE_NAME_MAX 64 /* bytes, as in JOB_START_FIELDS */
#define PID_BUCKETS    512

enum lease_kind {
    LEASE_SLEEP,
    LEASE_EXEC,
    LEASE_SINK,
    LEASE_IDLE /* a process of a persistent handler, which has no job and no slot */
};

struct persistent;

/* What a sink's process has answered. */
struct delivery {
    bool       is_late;     /* it was stopped at its time limit */
    bool       is_command;  /* an operator's: its exit is the answer */
    bool       is_final;    /* failed for good */
    int64_t    after_ms;    /* failed: try no sooner; -1: not said */
    char       outcome[16]; /* "" until it has answered */
    struct buf receipt;
    struct buf message;
    struct buf last_error; /* the last line of its stderr */
};

struct lease {
    enum lease_kind kind;
    uint64_t        slot;
    uint64_t        token;
    uint64_t        order;                    /* ascending in the order of their starts */
    char            name[LEASE_NAME_MAX + 1]; /* AGENTD_LEASE */
    bool            is_stop_asked;
    int64_t wake_at_ms; /* a sleep's end, a delivery's time limit, an idle process's end; NEVER */
    int64_t progress_at_ms;      /* when the next progress report is due; NEVER */
    int64_t progress_allowed_ms; /* the earliest time of one */
    int64_t delta_at_ms;         /* when what was said is reported; NEVER */

    struct tree        tree; /* exec and sink */
    struct stream      out, err;
    struct outcome     outcome; /* exec */
    struct gate        gate;    /* exec, before the handler */
    struct joblog      log;
    struct delivery    delivery;   /* sink */
    struct persistent *persistent; /* exec and idle: of a process that is kept; else NULL */

    size_t        index; /* in active */
    struct lease *next_of_pid;
};

struct slots {
    struct lease *by_slot[SLOTS_MAX];
    struct lease *active[2 * SLOTS_MAX]; /* those with a slot, and idle processes */
    size_t        count;                 /* of active */
    size_t        job_count;             /* of them jobs */
    uint64_t      order;                 /* of the last lease */
    struct lease *by_pid[PID_BUCKETS];
};

/* The slot must be free.  The rest of the lease is zero, its times NEVER, its streams closed. */
struct lease *slots_add(struct slots *s, enum lease_kind kind, uint64_t slot, uint64_t token,
                        struct view name);
void          slots_remove(struct slots *s, struct lease **lease);
/* The lease's job has ended, its process stays: the lease is idle, and leaves its slot … */
void slots_release(struct slots *s, struct lease *lease);
/* … until it is given another job. */
void slots_rebind(struct slots *s, struct lease *lease, uint64_t slot, uint64_t token);
/* NULL when that slot does not hold that token. */
struct lease *slots_find(const struct slots *s, uint64_t slot, uint64_t token);
/* The lease whose main process, not yet reaped, this is; NULL when there is none. */
struct lease *slots_find_pid(const struct slots *s, pid_t pid);
/* The lease has a main process now; it has none any more. */
void slots_put_pid(struct slots *s, struct lease *lease);
void slots_drop_pid(struct slots *s, struct lease *lease);
/* When the lease next has something to do by itself. */
int64_t lease_deadline(const struct lease *lease);

#endif
