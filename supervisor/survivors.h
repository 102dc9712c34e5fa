/* survivors - processes of an earlier agentd that may still run.
 *
 * Workers of an earlier agentd get SIGTERM when it dies (N31) and end what they run themselves;
 * they are given GRACE_MS for it and are then killed.  After them whatever is left is killed:
 * processes that the evidence file names, and those with a lease of this store in their environment
 * that do not descend from us.  A process is identified by a pidfd that was open before it was
 * looked at, so a pid that is used again is never signalled.
 *
 *     WAITING ──workers gone, or their grace over──▶ KILLING ──nothing found──▶ DONE
 *
 * Once the old workers are gone, leases whose processes are gone are told to the engine at once
 * (INPUT_LEASE_GONE); a process that does not die holds up only its own lease, and after OVERDUE_MS
 * the new workers no longer. */
#ifndef SUPERVISOR_SURVIVORS_H
#define SUPERVISOR_SURVIVORS_H

#include "common/buf.h"
#include "proto/evidence.h"
#include "supervisor/inputs.h"
#include "supervisor/poller.h"

#define PREY_MAX 256 /* processes watched at a time; their end brings the next pass */

enum survivors_phase { SURVIVORS_IDLE, SURVIVORS_WAITING, SURVIVORS_KILLING, SURVIVORS_DONE };

struct prey {
    struct survivors *hunt;
    struct watch      watch; /* a pidfd */
    pid_t             pid;
    pid_t             pgid; /* 0: none of its own */
    bool              is_worker;
};

struct survivors {
    struct poller         *poller;
    struct inputs         *inputs;
    const struct evidence *evidence;
    uint64_t               incarnation;
    enum survivors_phase   phase;
    int64_t                act_at_boot_ms;
    int64_t                overdue_at_boot_ms;
    bool                   is_overdue; /* the evidence file is the new workers' */
    bool                   is_pass_due;
    struct prey            prey[PREY_MAX];
    size_t                 preys;
    struct buf             tokens; /* uint64_t: old leases that the engine waits for */
    struct buf             alive;  /* uint64_t: tokens of the processes that the last pass found */
    uint64_t               killed;
};

void survivors_init(struct survivors *s, struct poller *poller, struct inputs *inputs,
                    const struct evidence *evidence, uint64_t incarnation);
void survivors_done(struct survivors *s);

/* OUT_OLD_LEASE. */
void survivors_add_lease(struct survivors *s, uint64_t token);
/* Looks for them; once, after the old leases are known. */
void    survivors_begin(struct survivors *s, int64_t boot_ms);
void    survivors_on_time(struct survivors *s, int64_t boot_ms);
int64_t survivors_deadline(const struct survivors *s);
/* Whether new workers may take the places of the old ones. */
bool survivors_leave_room(const struct survivors *s);

#endif
