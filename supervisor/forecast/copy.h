/* copy - what a forecast needs of a store, in a scratch store of its own.
 *
 * Objects, schedules, zones, ledgers, pauses, breakers and the jobs that have not ended are taken;
 * payloads, history and what is sent to the outside (sinks, pings, gates) are not.  Jobs that run
 * are waiting jobs in the copy, which go first. */
#ifndef FORECAST_COPY_H
#define FORECAST_COPY_H

#include "proto/messages.h"
#include "supervisor/store/store.h"

#define BACKLOG_MAX   10000 /* jobs that are taken along */
#define COPY_PRIORITY 255   /* of jobs that run now: they start first */
#define RUNS_MAX      SLOTS_MAX

/* A job that runs now, since when, and until when at most. */
struct copied_run {
    uint64_t job;
    int64_t  claimed_at, lease_expires_at;
};

struct copied {
    uint64_t          backlog; /* jobs that were taken along */
    bool              is_backlog_cut;
    size_t            run_count;
    struct copied_run runs[RUNS_MAX];
};

/* What firings carry and whom they tell changes nothing of when they start: a declaration without
 * that. */
void copy_strip(struct msg_schedule *m);

/* Copies from one transaction into the other; jobs due after until_ms are left out.  E_DAMAGED when
 * a row of what is needed cannot be read. */
enum errc copy_store(struct txn *from, struct txn *to, int64_t now_ms, int64_t until_ms,
                     struct copied *out, struct err *e) MUST_CHECK;

#endif
