/* stopping - the planned stop (J2): under 5 s with the default grace, also when busy.
 *
 *     RUNNING ─SIGTERM─▶ DRAINING ─grace over─▶ INTERRUPTING ─▶ ENDING_WORKERS ─▶ GOODBYE ─▶ OVER
 *                         │ nothing new starts   │ TERM, KILL    │ TERM, KILL
 *                         └──── no lease left ───┴───────────────▶
 *
 * A second signal ends the grace at once. */
#ifndef SUPERVISOR_STOPPING_H
#define SUPERVISOR_STOPPING_H

#include "supervisor/gateway.h"
#include "supervisor/inputs.h"
#include "supervisor/pool.h"

enum stop_phase {
    STOP_RUNNING,
    STOP_DRAINING,
    STOP_INTERRUPTING,
    STOP_ENDING_WORKERS,
    STOP_GOODBYE,
    STOP_OVER
};

struct stopping {
    struct engine  *engine;
    struct pool    *pool;
    struct gateway *gateway;
    struct inputs  *inputs;
    enum stop_phase phase;
    int64_t         until_boot_ms; /* the phase lasts no longer */
};

void stopping_init(struct stopping *s, struct engine *engine, struct pool *pool,
                   struct gateway *gateway, struct inputs *inputs);
/* After each turn, and when the deadline has come.  signals: how many asked for the stop. */
void    stopping_step(struct stopping *s, unsigned signals, int64_t grace_ms, int64_t boot_ms);
int64_t stopping_deadline(const struct stopping *s);

#endif
