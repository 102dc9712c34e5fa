/* shell_ops - the operations that the daemon serves itself: status, ping, job.logs, fsck, reload,
 * forecast, worker.scale and worker.restart. */
#ifndef SUPERVISOR_SHELL_OPS_H
#define SUPERVISOR_SHELL_OPS_H

#include "supervisor/control.h"
#include "supervisor/forecaster.h"
#include "supervisor/fsck.h"
#include "supervisor/gateway.h"
#include "supervisor/lag.h"
#include "supervisor/pool.h"
#include "supervisor/reads.h"
#include "supervisor/reload.h"
#include "supervisor/reports.h"
#include "supervisor/survivors.h"
#include "supervisor/turns.h"

/* What they look at and act on; all of it outlives them. */
struct shell_ops {
    struct store           *store;
    struct engine          *engine;
    struct control         *control;
    struct pool            *pool;
    struct gateway         *gateway;
    struct reload          *reload;
    struct fsck            *fsck;
    struct forecaster      *forecaster;
    struct inputs          *inputs;
    const struct turns     *turns;
    const struct reads     *reads;
    const struct reports   *reports;
    const struct survivors *survivors;
    const struct lag       *lag;
    const char             *run_dir;
    const char             *state_dir;
    int64_t                 started_boot_ms;
    bool                    is_clock_held;
    struct buf              reply;
};

void shell_ops_done(struct shell_ops *o);
/* Replies, or keeps the request until a reload, fsck or forecast has ended. */
void shell_ops_serve(struct shell_ops *o, struct asked *a, const struct now *now);
/* The engine's answer to INPUT_CONFIG: why it refused, or NULL and its reply. */
void shell_ops_on_config(struct shell_ops *o, uint64_t tag, const struct err *refusal,
                         struct view engine_reply);
/* Answers a check of the store that has ended. */
void shell_ops_on_fsck(struct shell_ops *o);
/* Likewise a forecast. */
void shell_ops_on_forecast(struct shell_ops *o);
/* SIGHUP; SIGUSR1. */
void shell_ops_reload(struct shell_ops *o);
void shell_ops_dump(struct shell_ops *o, const struct now *now);

#endif
