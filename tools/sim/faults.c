#include "tools/sim/sim.h"
#include "tools/sim/verdict.h"
#include "tools/sim/zones.h"

#define WORKERS_DIE_MS 15000 /* how long an ended agentd's workers may go on */

/* ---- the life of agentd ---------------------------------------------------------------------- */

/* The engine is gone, and all that was on its way to it. */
static void
end_agentd(struct sim *s, bool was_clean)
{
    engine_destroy(&s->engine);
    model_crashed(&s->model);
    waiting_clear(&s->daemon);
    waiting_clear(&s->requests);
    waiting_clear(&s->held);
    gateway_die(s, false);
    s->held_until = 0;
    s->is_due_held = s->is_next_commit_failing = s->is_crash_wanted = false;
    s->clock_is_held = s->is_config_asked = s->is_turn_due = false;
    s->stall_ms = 0;
    s->was_clean = was_clean;
    s->last_life_ms = s->world.now.wall_ms;
    s->starts_at = s->world.now.boot_ms + rng_between(&s->rng, 0, s->crash_loop ? 300000 : 20000);
}

void
sim_crash(struct sim *s)
{
    s->crashes++;
    end_agentd(s, false);
    world_orphan(&s->world, WORKERS_DIE_MS);
}

/* At a start the clock may be behind, and not to be believed for a while (N27). */
static void
hold_clock(struct sim *s)
{
    if (s->world.is_calm || !rng_chance(&s->rng, 50)) return;
    s->clock_behind_ms = rng_between(&s->rng, 0, 86400000);
    s->world.now.wall_ms -= s->clock_behind_ms;
    s->clock_is_held = true;
    s->clock_held_until = s->world.now.boot_ms + rng_between(&s->rng, 1, 600000);
}

/* The shell reads them from the system before the configuration names them. */
static void
tell_zones(struct sim *s)
{
    const struct input in = {.kind = INPUT_ZONE};

    for (int i = 1; i < SIM_ALL_ZONES; i++) {
        struct buf body BUF_AUTO = {0};

        zone_pack(i, &body);
        waiting_push(&s->daemon, &in, buf_view(&body));
    }
}

/* The boot has a turn of its own, then the configuration; only then are there workers. */
void
sim_start_agentd(struct sim *s)
{
    struct input boot = {.kind = INPUT_BOOT,
                         .boot_id = s->boot_id,
                         .unclean = !s->was_clean,
                         .config_follows = rng_chance(&s->rng, 500),
                         .last_sign_of_life_ms = s->last_life_ms};

    s->engine = engine_new(s->store);
    hold_clock(s);
    s->is_crash_wanted = !s->world.is_calm && (s->crash_loop || rng_chance(&s->rng, 30));
    if (s->crash_loop) s->crash_loop--;
    waiting_push(&s->daemon, &boot, (struct view){0});
    tell_zones(s);
    sim_settle(s);
    while (s->engine && !s->model.has_limits) { /* its turn may fail */
        sim_ask_config(s, false);
        sim_pass(s, 1000);
    }
    if (s->engine) {
        sim_ask_config(s, false);
        sim_settle(s);
    }
    if (!s->engine) return;
    claim(s->model.has_limits, "the first configuration was refused");
    s->world.has_agentd = true;
}

static void
tell(struct sim *s, enum input_kind kind, int64_t grace_ms)
{
    const struct input in = {.kind = kind, .grace_ms = grace_ms};

    if (s->engine) waiting_push(&s->daemon, &in, (struct view){0});
}

static bool
is_busy(const struct sim *s)
{
    return s->engine && engine_lease_count(s->engine) > 0;
}

/* A planned stop, as the daemon makes it: drain, interrupt, end the workers, goodbye. */
static void
stop_agentd(struct sim *s)
{
    uint64_t crashes = s->crashes;

    tell(s, INPUT_DRAIN, 0);
    sim_settle(s);
    if (is_busy(s)) sim_pass(s, rng_between(&s->rng, 0, 5000));
    if (is_busy(s) && s->crashes == crashes) {
        tell(s, INPUT_INTERRUPT, rng_between(&s->rng, 0, 1000));
        sim_pass(s, 1400);
    }
    if (s->crashes != crashes) return;
    s->world.has_agentd = false;
    for (size_t i = 0; i < ARRAY_LEN(s->world.workers); i++)
        world_kill(&s->world, &s->world.workers[i], 1500);
    sim_pass(s, 1000);
    if (s->crashes == crashes) {
        tell(s, INPUT_GOODBYE, 0);
        sim_settle(s);
    }
    if (s->crashes != crashes || !s->engine) return;
    s->stops++;
    end_agentd(s, true);
    world_orphan(&s->world, 2000);
}

/* Power loss: nothing survives, and the boot clock begins anew. */
static void
reboot(struct sim *s)
{
    s->crashes++;
    end_agentd(s, false);
    world_reboot(&s->world);
    s->boot_id = rng_next(&s->rng) >> 1;
    s->world.now.boot_ms = rng_between(&s->rng, 1000, 60000);
    s->world.now.wall_ms += rng_between(&s->rng, 5000, 600000);
    s->starts_at = s->world.now.boot_ms;
    for (size_t i = 0; i < ARRAY_LEN(s->world.workers); i++)
        s->world.workers[i].acts_at = 0;
}

/* ---- clocks ---------------------------------------------------------------------------------- */

static void
jump_clock(struct sim *s)
{
    static const int64_t most[] = {60000, 3600000, 86400000, 2 * 86400000LL};
    int64_t              ms = rng_between(&s->rng, 2000, most[rng_below(&s->rng, ARRAY_LEN(most))]);

    s->world.now.wall_ms += rng_chance(&s->rng, 500) ? ms : -ms;
    s->is_turn_due = s->engine != NULL;
}

/* Nobody runs, both clocks go on. */
static void
suspend(struct sim *s)
{
    int64_t ms = rng_between(&s->rng, 100, rng_chance(&s->rng, 300) ? 8 * 3600000 : 60000);

    s->world.now.wall_ms += ms;
    s->world.now.boot_ms += ms;
    s->simulated_ms += ms;
    s->stall_ms = s->engine ? ms : 0;
    s->is_turn_due = s->engine != NULL;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static struct sim_worker *
some_worker(struct sim *s)
{
    return &s->world.workers[rng_below(&s->rng, s->world.wanted)];
}

static void
fill_disk(struct sim *s)
{
    s->can_admit = false;
    s->disk_is_short = rng_chance(&s->rng, 500);
}

static void
resize_pool(struct sim *s)
{
    struct world *w = &s->world;

    w->wanted = (uint32_t)rng_between(&s->rng, 1, s->config.is_sparse ? 2 : 5);
    for (uint32_t i = w->wanted; i < ARRAY_LEN(w->workers); i++)
        world_retire(w, &w->workers[i]);
}

void
sim_fault(struct sim *s)
{
    const struct chances *c = &s->world.chances;
    const unsigned        weights[] = {c->crash,      c->failed_commit, c->death,   c->silence,
                                       c->bad_report, c->clock_jump,    c->suspend, c->disk_full,
                                       c->stop,       c->reboot,        c->death,   20};
    struct sim_worker    *worker;

    switch (rng_weighted(&s->rng, weights, ARRAY_LEN(weights))) {
    case 0:
        s->is_crash_wanted = s->engine != NULL;
        if (rng_chance(&s->rng, 200)) s->crash_loop = 3;
        break;
    case 1: s->is_next_commit_failing = s->engine != NULL; break;
    case 2:
        s->deaths++;
        worker = some_worker(s);
        world_kill(&s->world, worker, rng_chance(&s->rng, 200) ? 20000 : 200);
        break;
    case 3:
        worker = some_worker(s);
        world_silence(&s->world, worker,
                      rng_between(&s->rng, 100, 3 * s->config.heartbeat_timeout_ms));
        break;
    case 4: report_garbage(&s->world, some_worker(s)); break;
    case 5: jump_clock(s); break;
    case 6: suspend(s); break;
    case 7: fill_disk(s); break;
    case 8: stop_agentd(s); break;
    case 9: reboot(s); break;
    case 10: gateway_die(s, s->engine && rng_chance(&s->rng, 700)); break;
    default: resize_pool(s);
    }
}
