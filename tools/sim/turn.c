#include "tools/sim/sim.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>
#include <stdlib.h>

#define HOLD_MS   1000
#define TURNS_MAX 100000 /* at one instant */

/* What one transaction takes: as the shell's turns do it. */
struct work {
    const struct input *before, *after;
    size_t              before_count, after_count;
    bool                has_due;
};

enum result { KEPT, FAILED, CRASHED };

/* ---- outputs --------------------------------------------------------------------------------- */

static void
release(struct sim *s)
{
    size_t               count;
    const struct output *outputs = engine_outputs(s->engine, &count);

    for (size_t i = 0; i < count; i++) {
        world_output(&s->world, &outputs[i]);
        gateway_output(s, &outputs[i]);
    }
}

/* What the configuration file says is in force, whether or not anybody hears of it. */
static void
note_config(struct sim *s)
{
    size_t               count;
    const struct output *outputs = engine_outputs(s->engine, &count);

    for (size_t i = 0; i < count && s->is_config_asked; i++) {
        if (outputs[i].kind == OUT_REPLY && outputs[i].client == s->config_client)
            sim_config_answered(s, outputs[i].error == NULL);
    }
}

static void
judge(struct sim *s, const struct work *w, const struct turn_header *h, bool was_dirty)
{
    struct turn_facts facts = {.header = *h,
                               .before = w->before,
                               .before_count = w->before_count,
                               .after = w->after,
                               .after_count = w->after_count,
                               .has_due = w->has_due,
                               .was_dirty = was_dirty,
                               .deadline = engine_deadline(s->engine)};
    struct err        e = {0};

    facts.outputs = engine_outputs(s->engine, &facts.output_count);
    facts.txn = txn_begin_read(s->store, &e);
    claim(facts.txn, "no read transaction: %s", e.msg);
    model_turn(&s->model, &facts);
    claim(txn_state_hash(facts.txn) != 0 || !was_dirty, "the state hash is 0");
    txn_abort(&facts.txn);
    for (size_t i = 0; i < s->model.resent.count; i++) {
        world_send_again(&s->world, s->model.resent.items[i]);
        gateway_send_again(s, s->model.resent.items[i]);
    }
}

/* ---- a transaction --------------------------------------------------------------------------- */

/* The turn had nothing to do: no input but heartbeats, nothing due.  Then it must write nothing
 * (N9), and a refused request changes nothing. */
static bool
is_idle(const struct sim *s, const struct work *w, const struct deadline *d)
{
    size_t               count;
    const struct output *outputs = engine_outputs(s->engine, &count);

    if (w->before_count || s->stall_ms || s->is_turn_due || !s->was_dispatched) return false;
    if (d->wall_ms <= s->world.now.wall_ms || d->boot_ms <= s->world.now.boot_ms) return false;
    for (size_t i = 0; i < count; i++) {
        if (outputs[i].kind != OUT_REPLY || !outputs[i].error) return false;
    }
    return true;
}

static enum result
end_turn(struct sim *s, struct txn **t, bool *was_dirty)
{
    bool       outcome_unknown;
    struct err e = {0};

    *was_dirty = txn_is_dirty(*t);
    claim(!txn_failed(*t), "the transaction failed");
    if (*was_dirty && (s->is_next_commit_failing || s->is_crash_wanted)) {
        bool is_crash = s->is_crash_wanted && !s->is_next_commit_failing;

        s->is_next_commit_failing = false;
        txn_abort(t);
        if (is_crash) return CRASHED;
        engine_turn_done(s->engine, false);
        s->failed_commits++;
        return FAILED;
    }
    if (*was_dirty) {
        claim(txn_commit(t, &outcome_unknown, &e) == E_OK, "commit: %s", e.msg);
        s->commits++;
    } else {
        txn_abort(t);
    }
    engine_turn_done(s->engine, true);
    return KEPT;
}

static enum result
run(struct sim *s, const struct work *w)
{
    struct turn_header h = {
        .now = s->world.now,
        .space = {.can_admit = s->can_admit, .disk_is_short = s->disk_is_short},
        .stall_ms = s->stall_ms,
        .clock_is_held = s->clock_is_held
    };
    struct deadline d = engine_deadline(s->engine);
    struct err      e = {0};
    struct txn     *t = txn_begin_write(s->store, &e);
    bool            was_dirty;
    enum result     result;

    claim(t, "no write transaction: %s", e.msg);
    engine_turn_begin(s->engine, t, &h);
    for (size_t i = 0; i < w->before_count; i++)
        engine_apply(s->engine, &w->before[i]);
    if (w->has_due) engine_due(s->engine);
    for (size_t i = 0; i < w->after_count; i++)
        engine_apply(s->engine, &w->after[i]);
    if (w->has_due) engine_dispatch(s->engine);
    engine_turn_end(s->engine);
    result = end_turn(s, &t, &was_dirty);
    if (result != KEPT) return result;
    claim(!was_dirty || !w->has_due || s->model.turns == 0 || !is_idle(s, w, &d),
          "an idle turn wrote something");
    s->was_dispatched = w->has_due;
    judge(s, w, &h, was_dirty);
    note_config(s);
    /* Half of the crashes come when the state is durable and nobody has heard of it. */
    if (was_dirty && s->is_crash_wanted && rng_chance(&s->rng, 500)) return CRASHED;
    release(s);
    return KEPT;
}

/* ---- a turn ---------------------------------------------------------------------------------- */

static struct input *
inputs_of(const struct waiting *list, struct input *at)
{
    for (size_t i = 0; i < list->list.count; i++) {
        struct waiting_input *p = &list->list.items[i];

        *at = p->in;
        at->body = buf_view(&p->body);
        if (p->in.request_id.size) at->request_id = view_str(p->request_id);
        at++;
    }
    return at;
}

/* Refused alone: a client is told so; what the daemon itself must know is tried again later. */
static void
on_failed_alone(struct sim *s, const struct input *in)
{
    if (in->kind == INPUT_CONFIG) sim_config_answered(s, false);
    if (in->client != 0) return;
    waiting_push(&s->held, in, in->body);
    s->held_until = s->world.now.boot_ms + HOLD_MS;
}

static enum result
run_one_by_one(struct sim *s, const struct input *inputs, size_t count)
{
    const struct work due = {.has_due = true};
    enum result       result;

    for (size_t i = 0; i < count; i++) {
        const struct work one = {.before = inputs[i].kind == INPUT_REQUEST ? NULL : &inputs[i],
                                 .after = inputs[i].kind == INPUT_REQUEST ? &inputs[i] : NULL,
                                 .before_count = inputs[i].kind != INPUT_REQUEST,
                                 .after_count = inputs[i].kind == INPUT_REQUEST};

        s->is_next_commit_failing = inputs[i].kind != INPUT_BOOT && rng_chance(&s->rng, 200);
        result = run(s, &one);
        if (result == FAILED) on_failed_alone(s, &inputs[i]);
        if (result == CRASHED) return CRASHED;
    }
    s->is_next_commit_failing = rng_chance(&s->rng, 200);
    result = run(s, &due);
    s->is_next_commit_failing = false;
    if (result != FAILED) return result;
    s->was_dispatched = false; /* what was due still is */
    s->is_due_held = true;
    s->held_until = s->world.now.boot_ms + HOLD_MS;
    return KEPT;
}

static void
end_hold(struct sim *s)
{
    struct waiting *first = &s->held, *all = &s->world.before;

    if (s->held_until == 0 || s->world.now.boot_ms < s->held_until) return;
    s->held_until = 0;
    s->is_due_held = false;
    /* What was held comes first again. */
    for (size_t i = 0; i < all->list.count; i++)
        waiting_push(first, &all->list.items[i].in, buf_view(&all->list.items[i].body));
    waiting_clear(all);
    struct waiting swap = *all;

    *all = *first;
    *first = swap;
}

static void
turn(struct sim *s)
{
    size_t        before, after = s->requests.list.count;
    struct input *inputs, *end;
    enum result   result;

    end_hold(s);
    before = s->world.before.list.count + s->daemon.list.count;
    inputs = xcalloc(before + after + 1, sizeof(*inputs));
    end = inputs_of(&s->world.before, inputs);
    end = inputs_of(&s->daemon, end);
    (void)inputs_of(&s->requests, end);
    const struct work w = {.before = inputs,
                           .before_count = before,
                           .after = inputs + before,
                           .after_count = after,
                           .has_due = !s->is_due_held};
    /* The lists that the inputs borrow from are put aside: the turn's outputs fill new ones. */
    struct waiting taken[3] = {s->world.before, s->daemon, s->requests};

    memset(&s->world.before, 0, sizeof(s->world.before));
    memset(&s->daemon, 0, sizeof(s->daemon));
    memset(&s->requests, 0, sizeof(s->requests));
    result = run(s, &w);
    if (result == FAILED) result = run_one_by_one(s, inputs, before + after);
    s->stall_ms = 0;
    s->is_turn_due = false;
    free(inputs);
    for (size_t i = 0; i < ARRAY_LEN(taken); i++)
        waiting_done(&taken[i]);
    if (result == CRASHED) sim_crash(s);
}

/* ---- time ------------------------------------------------------------------------------------ */

static bool
has_inputs(const struct sim *s)
{
    return s->world.before.list.count || s->daemon.list.count || s->requests.list.count;
}

static bool
is_due(const struct sim *s)
{
    struct deadline d = engine_deadline(s->engine);

    if (s->is_turn_due || (s->held_until && s->held_until <= s->world.now.boot_ms)) return true;
    return !s->is_due_held &&
           (d.wall_ms <= s->world.now.wall_ms || d.boot_ms <= s->world.now.boot_ms);
}

void
sim_settle(struct sim *s)
{
    for (unsigned n = 0;; n++) {
        if (s->clock_is_held && s->clock_held_until <= s->world.now.boot_ms) {
            s->clock_is_held = false;
            s->is_turn_due = true;
            if (rng_chance(&s->rng, 500))
                s->world.now.wall_ms += s->clock_behind_ms; /* it is set */
        }
        claim(n < TURNS_MAX, "turns without end at one instant");
        world_step(&s->world);
        if (!s->engine) return;
        gateway_step(s);
        if (!has_inputs(s) && !is_due(s)) return;
        world_beat(&s->world);
        turn(s);
    }
}

/* The first boot instant at which the world or the engine has something to do. */
static int64_t
next_event(const struct sim *s)
{
    int64_t         at = world_next(&s->world);
    struct deadline d;

    if (!s->engine) return earlier(at, s->starts_at);
    d = engine_deadline(s->engine);
    at = earlier(at, gateway_next(s));
    if (s->held_until) at = earlier(at, s->held_until);
    if (s->clock_is_held) at = earlier(at, s->clock_held_until);
    if (s->is_due_held) return at;
    at = earlier(at, d.boot_ms);
    if (d.wall_ms < s->world.now.wall_ms) return earlier(at, s->world.now.boot_ms);
    if (d.wall_ms - s->world.now.wall_ms < INT64_MAX - s->world.now.boot_ms)
        at = earlier(at, s->world.now.boot_ms + (d.wall_ms - s->world.now.wall_ms));
    return at;
}

void
sim_pass(struct sim *s, int64_t ms)
{
    int64_t until = s->world.now.boot_ms + ms;

    sim_settle(s);
    while (s->world.now.boot_ms < until) {
        int64_t at = earlier(until, next_event(s)), passed = at - s->world.now.boot_ms;

        if (passed > 0) {
            s->world.now.boot_ms += passed;
            s->world.now.wall_ms += passed;
            s->simulated_ms += passed;
        }
        if (!s->engine && s->starts_at <= s->world.now.boot_ms) sim_start_agentd(s);
        sim_settle(s);
    }
}
