#include "tools/sim/sim.h"
#include "tools/sim/verdict.h"
#include "tools/sim/zones.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CHECK_EVERY 200 /* operations between two full checks of the store */
#define SWEEP_EVERY 50  /* … between two comparisons of all that has not ended */
#define DRAIN_MS    3600000
#define PILE_ROUNDS \
    (4 * 24) /* then firings are cancelled that daily budgets let through one by one */
#define DRAIN_ROUNDS  (12 * 24)
#define WALL_START_MS 1789000000000 /* some day of 2026 */
#define DAY_MS        ((int64_t)86400000)
#define YEAR_MS       (365 * DAY_MS)

/* ---- the store's random number --------------------------------------------- */

/* A new store draws its incarnation from the kernel, and the engine's generator begins with it;
 * here (linked with --wrap=getrandom) it comes from the seed. */
static uint64_t the_incarnation;

ssize_t __wrap_getrandom(void *out, size_t size, unsigned flags);

ssize_t
__wrap_getrandom(void *out, size_t size, unsigned flags)
{
    (void)flags;
    claim(size == sizeof(the_incarnation), "somebody draws random bytes");
    memcpy(out, &the_incarnation, size);
    return (ssize_t)size;
}

/* ---- operations ------------------------------------------------------------------------------ */

static void
let_time_pass(struct sim *s)
{
    static const int64_t  most[] = {0, 1000, 60000, 600000, 7200000};
    static const int64_t  long_most[] = {0, 60000, DAY_MS, 3 * DAY_MS, 60 * DAY_MS};
    static const unsigned weights[] = {300, 350, 200, 110, 40};
    size_t                which = rng_weighted(&s->rng, weights, ARRAY_LEN(weights));

    sim_pass(s, rng_between(&s->rng, 0, s->config.is_sparse ? long_most[which] : most[which]));
}

static void
report_some_progress(struct sim *s)
{
    struct sim_worker *k = &s->world.workers[rng_below(&s->rng, s->world.wanted)];

    if (k->life == LIFE_UP && k->runs.count) {
        struct run *r = &k->runs.items[rng_below(&s->rng, k->runs.count)];

        if (!r->is_effect) report_progress(&s->world, k, r);
    }
}

static void
operate(struct sim *s)
{
    const struct chances *c = &s->world.chances;
    const unsigned faults = c->crash + c->failed_commit + c->death + c->silence + c->bad_report +
                            c->clock_jump + c->suspend + c->disk_full + c->stop + c->reboot + 5;
    const unsigned weights[] = {450, 250, 80, 60, 15, faults};

    switch (rng_weighted(&s->rng, weights, ARRAY_LEN(weights))) {
    case 0:
        if (s->engine) sim_request(s);
        if (rng_chance(&s->rng, 300)) return; /* more in the same turn */
        sim_settle(s);
        break;
    case 1: let_time_pass(s); break;
    case 2: report_some_progress(s); break;
    case 3: sim_read(s); break;
    case 4:
        if (s->engine) sim_ask_config(s, false);
        break;
    default: sim_fault(s);
    }
}

static void
sweep(struct sim *s, bool all)
{
    struct err  e = {0};
    struct txn *t = txn_begin_read(s->store, &e);

    claim(t, "no read transaction: %s", e.msg);
    model_sweep(&s->model, t, all);
    txn_abort(&t);
}

static void
operate_all(struct sim *s, const struct run_options *o)
{
    for (uint64_t i = 1; i <= o->operations || s->simulated_ms < o->years * YEAR_MS; i++) {
        verdict_at(i);
        operate(s);
        if (rng_chance(&s->rng, 30)) s->can_admit = true;
        if (!s->engine && rng_chance(&s->rng, 500)) sim_pass(s, 20000);
        if (i % SWEEP_EVERY == 0) sweep(s, false);
        if (i % SWEEP_EVERY == 0) sim_follow_feed(s);
        if (i % CHECK_EVERY == 0) sim_check_store(s);
    }
}

/* ---- the end --------------------------------------------------------------------------------- */

static void
wait_for_end(struct sim *s, bool may_be_held)
{
    char what[128];

    for (unsigned i = 0; i < DRAIN_ROUNDS; i++) {
        sim_pause_schedules(s); /* a late report may have made another */
        if (i % PILE_ROUNDS == PILE_ROUNDS - 1) sim_cancel_firings(s, false);
        if (!may_be_held) sim_cancel_firings(s, true);
        sim_pass(s, DRAIN_MS);
        if (may_be_held ? model_rest_is_held(&s->model, what, sizeof(what))
                        : model_is_drained(&s->model, what, sizeof(what)))
            return;
    }
    broken("something never ends: %s", what);
}

/* No fault any more, everybody healthy, the clocks run: whatever can end ends; what
 * an operator holds ends when it is released. */
static void
drain(struct sim *s)
{
    s->world.is_calm = true;
    s->is_crash_wanted = s->is_next_commit_failing = false;
    s->crash_loop = 0;
    if (!s->engine) s->starts_at = s->world.now.boot_ms;
    s->can_admit = true;
    s->clock_held_until = 0;
    s->world.wanted = 4;
    gateway_die(s, s->engine != NULL);
    sim_pass(s, 30000);
    claim(s->engine, "agentd is down");
    sim_ask_config(s, true);
    sim_release_limits(s);
    gateway_read_all(s);
    sim_pause_schedules(s);
    wait_for_end(s, true);
    sim_release_holds(s);
    wait_for_end(s, false);
}

static void
choose_chances(struct sim *s)
{
    struct chances *c = &s->world.chances;
    unsigned        faults = (unsigned)rng_below(&s->rng, 4); /* 0: a quiet run */

    c->failed = (unsigned)rng_below(&s->rng, 500);
    c->snoozed = (unsigned)rng_below(&s->rng, 100);
    c->gated = (unsigned)rng_below(&s->rng, 800);
    c->effects = (unsigned)rng_below(&s->rng, 600);
    c->checkpoint = (unsigned)rng_below(&s->rng, 600);
    c->long_run = (unsigned)rng_below(&s->rng, 80);
    c->stubborn = (unsigned)rng_below(&s->rng, 400);
    c->lost_report = faults * (unsigned)rng_below(&s->rng, 10);
    c->repeated_report = faults * (unsigned)rng_below(&s->rng, 20);
    c->late_report = faults * (unsigned)rng_below(&s->rng, 60);
    c->send_failed = faults * (unsigned)rng_below(&s->rng, 3);
    c->bad_report = faults * (unsigned)rng_below(&s->rng, 3);
    c->death = faults * (unsigned)rng_below(&s->rng, 8);
    c->silence = faults * (unsigned)rng_below(&s->rng, 5);
    c->crash = faults * (unsigned)rng_below(&s->rng, 6);
    c->failed_commit = faults * (unsigned)rng_below(&s->rng, 6);
    c->clock_jump = faults * (unsigned)rng_below(&s->rng, 5);
    c->suspend = faults * (unsigned)rng_below(&s->rng, 3);
    c->disk_full = faults * (unsigned)rng_below(&s->rng, 4);
    c->stop = faults * (unsigned)rng_below(&s->rng, 3);
    c->reboot = faults * (unsigned)rng_below(&s->rng, 2);
}

/* Now and then just before the clocks change. */
static int64_t
some_day(struct rng *r)
{
    int64_t at = WALL_START_MS + rng_between(r, 0, YEAR_MS);

    return rng_chance(r, 300) ? zone_change_before(at) - rng_between(r, 0, DAY_MS) : at;
}

static void
open_run(struct sim *s, uint64_t seed, bool is_sparse, const char *folder)
{
    const struct store_options o = {
        .dir = folder, .map_bytes = 1ULL << 30, .reserve_floor_bytes = 1 << 20, .relaxed = true};
    struct err e = {0};

    memset(s, 0, sizeof(*s));
    s->rng.state = seed * 0x2545f4914f6cdd1dULL + 1;
    world_init(&s->world, &s->rng);
    model_init(&s->model);
    choose_chances(s);
    the_incarnation = rng_next(&s->rng);
    s->world.now.wall_ms = some_day(&s->rng);
    config_init(&s->config, &s->rng, is_sparse, s->world.now.wall_ms);
    claim(store_open(&s->store, &o, &e) == E_OK, "store: %s", e.msg);
    s->world.now.boot_ms = rng_between(&s->rng, 1000, 100000000);
    s->world.wanted = (uint32_t)rng_between(&s->rng, 1, is_sparse ? 2 : 4);
    s->world.slots_max = (uint32_t)rng_between(&s->rng, 1, 6);
    s->world.heartbeat_ms = s->config.heartbeat_timeout_ms / 4;
    s->can_admit = true;
    s->was_clean = true;
    s->boot_id = rng_next(&s->rng) >> 1;
}

static void
close_run(struct sim *s, const char *folder)
{
    static const char *const files[] = {"data.mdb", "lock.mdb"};

    engine_destroy(&s->engine);
    model_done(&s->model);
    world_done(&s->world);
    gateway_done(&s->gateway);
    config_done(&s->config);
    config_done(&s->next_config);
    waiting_done(&s->daemon);
    waiting_done(&s->requests);
    waiting_done(&s->held);
    for (size_t i = 0; i < s->asked.count; i++)
        buf_done(&s->asked.items[i].body);
    free(s->asked.items);
    free(s->watcher.states.items);
    store_close(&s->store);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        FREE_AUTO char *path = xasprintf("%s/%s", folder, files[i]);

        claim(unlink(path) == 0, "cannot remove %s", path);
    }
}

static void
sum_up(struct sim *s, uint64_t operations, struct run_result *out)
{
    struct err  e = {0};
    struct txn *t = txn_begin_read(s->store, &e);

    claim(t, "no read transaction: %s", e.msg);
    *out = (struct run_result){.hash = txn_state_hash(t),
                               .operations = operations,
                               .turns = s->model.turns,
                               .commits = s->commits,
                               .jobs = s->model.jobs.count,
                               .attempts = s->world.ends,
                               .events = s->model.event_ids,
                               .effects = s->model.effects.count,
                               .crashes = s->crashes,
                               .failed_commits = s->failed_commits,
                               .stops = s->stops,
                               .deaths = s->deaths,
                               .simulated_ms = s->simulated_ms};
    for (size_t i = 0; i < s->model.schedules.count; i++)
        out->firings += s->model.schedules.items[i].firings;
    txn_abort(&t);
}

void
sim_run(uint64_t seed, const struct run_options *o, const char *folder, struct run_result *out)
{
    struct sim *s = xmalloc(sizeof(*s));

    verdict_begin(seed, o->operations, o->years);
    open_run(s, seed, o->years > 0, folder);
    while (!s->engine) { /* it may crash at its very first start */
        s->world.now.boot_ms += 1000;
        sim_start_agentd(s);
    }
    operate_all(s, o);
    verdict_at(o->operations + 1);
    drain(s);
    sim_follow_feed(s);
    sweep(s, true);
    sim_check_store(s);
    sum_up(s, o->operations, out);
    close_run(s, folder);
    free(s);
}
