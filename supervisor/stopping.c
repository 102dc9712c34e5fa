#include "supervisor/stopping.h"

#include "common/log.h"

#define TERM_TO_KILL_MS 1000 /* of running jobs */
#define INTERRUPT_MS    1400 /* for all of them to be gone */
#define WORKER_KILL_MS  300  /* workers that hold nothing any more, and the gateway */
#define WORKERS_MS      800

void
stopping_init(struct stopping *s, struct engine *engine, struct pool *pool, struct gateway *gateway,
              struct inputs *inputs)
{
    *s = (struct stopping){.engine = engine,
                           .pool = pool,
                           .gateway = gateway,
                           .inputs = inputs,
                           .until_boot_ms = INT64_MAX};
}

static void
push(struct stopping *s, enum input_kind kind, int64_t grace_ms)
{
    const struct input in = {.kind = kind, .grace_ms = grace_ms};

    inputs_push(s->inputs, &in);
}

static bool
are_children_gone(const struct stopping *s)
{
    return pool_is_empty(s->pool) && gateway_is_down(s->gateway);
}

static void
enter(struct stopping *s, enum stop_phase phase, int64_t boot_ms, int64_t grace_ms)
{
    s->phase = phase;
    switch (phase) {
    case STOP_DRAINING:
        log_info("stopping", "leases=%zu grace_ms=%lld", engine_lease_count(s->engine),
                 (long long)grace_ms);
        push(s, INPUT_DRAIN, 0);
        s->until_boot_ms = boot_ms + grace_ms;
        break;
    case STOP_INTERRUPTING:
        log_info("running jobs are stopped", "leases=%zu", engine_lease_count(s->engine));
        push(s, INPUT_INTERRUPT, TERM_TO_KILL_MS);
        s->until_boot_ms = boot_ms + INTERRUPT_MS;
        break;
    case STOP_ENDING_WORKERS:
        pool_stop(s->pool, boot_ms + WORKER_KILL_MS);
        gateway_stop(s->gateway, boot_ms + WORKER_KILL_MS);
        s->until_boot_ms = boot_ms + WORKERS_MS;
        break;
    case STOP_GOODBYE:
        if (!are_children_gone(s)) log_warn("children do not end", "they are left behind");
        push(s, INPUT_GOODBYE, 0);
        s->until_boot_ms = INT64_MAX;
        break;
    default: s->until_boot_ms = INT64_MAX;
    }
}

/* The phase that follows, or the same. */
static enum stop_phase
next_phase(const struct stopping *s, unsigned signals, int64_t boot_ms)
{
    bool is_over = boot_ms >= s->until_boot_ms;
    bool is_idle = engine_lease_count(s->engine) == 0;

    switch (s->phase) {
    case STOP_RUNNING: return signals > 0 ? STOP_DRAINING : STOP_RUNNING;
    case STOP_DRAINING:
        if (!engine_is_draining(s->engine)) return STOP_DRAINING; /* the next turn takes it in */
        if (is_idle) return STOP_ENDING_WORKERS;
        return is_over || signals > 1 ? STOP_INTERRUPTING : STOP_DRAINING;
    case STOP_INTERRUPTING: return is_idle || is_over ? STOP_ENDING_WORKERS : STOP_INTERRUPTING;
    case STOP_ENDING_WORKERS:
        return are_children_gone(s) || is_over ? STOP_GOODBYE : STOP_ENDING_WORKERS;
    default: return s->inputs->count == 0 ? STOP_OVER : s->phase;
    }
}

void
stopping_step(struct stopping *s, unsigned signals, int64_t grace_ms, int64_t boot_ms)
{
    enum stop_phase next = next_phase(s, signals, boot_ms);

    if (next != s->phase) enter(s, next, boot_ms, grace_ms);
}

int64_t
stopping_deadline(const struct stopping *s)
{
    return s->until_boot_ms;
}
