#include "supervisor/forecast/crew.h"

#include "supervisor/engine/fleet.h"
#include <assert.h>

#define GENERATION(w) ((uint64_t)(w) + 1)

/* ---- what workers say ---------------------------------------------------------------------- */

/* Nobody sent it: it need not be packed and opened again. */
static void
apply_report(struct world *w, uint32_t worker, enum msg_id id, const union msg *m)
{
    if (!txn_failed(w->txn)) fleet_report(w->engine, worker, GENERATION(worker), id, m);
}

void
crew_start(struct world *w)
{
    for (uint32_t i = 0; i < w->fleet.workers; i++) {
        const struct input in = {.kind = INPUT_WORKER_STARTED,
                                 .worker = i,
                                 .generation = GENERATION(i),
                                 .slots = w->fleet.slots};
        const union msg    hello = {.hello = {.pid = GENERATION(i)}};

        engine_apply(w->engine, &in);
        apply_report(w, i, MSG_HELLO, &hello);
    }
}

static void
report_delivered(struct world *w, const struct world_run *r)
{
    const union msg m = {
        .effect_done = {.worker = r->worker,
                        .slot = r->slot,
                        .token = r->token,
                        .outcome = view_str("delivered")}
    };

    apply_report(w, r->worker, MSG_EFFECT_DONE, &m);
}

static void
report_ended(struct world *w, const struct world_run *r)
{
    union msg m = {
        .ended = {.worker = r->worker,
                  .slot = r->slot,
                  .token = r->token,
                  .verdict = view_str(r->is_stopped ? "failed" : "completed"),
                  .turns = r->usage.turns,
                  .input_tokens = r->usage.tokens,
                  .cost_micros = r->usage.cost_micros}
    };
    struct msg_ended *e = &m.ended;

    e->output = view_of("\xc3", 1); /* true: a heartbeat that found nothing to do would have none */
    SET_HAS(e, ended, turns);
    SET_HAS(e, ended, output);
    SET_HAS(e, ended, input_tokens);
    SET_HAS(e, ended, cost_micros);
    apply_report(w, r->worker, MSG_ENDED, &m);
}

size_t
crew_report_ends(struct world *w, struct world_run ended[SLOTS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < w->run_count;) {
        struct world_run *r = &w->runs[i];

        if (r->ends_ms > w->now_ms) {
            i++;
            continue;
        }
        if (r->is_delivery) {
            report_delivered(w, r);
        } else {
            report_ended(w, r);
            if (r->is_looked_at) w->state.busy--;
            ended[count++] = *r;
        }
        *r = w->runs[--w->run_count];
    }
    return count;
}

/* ---- what workers are told ----------------------------------------------------------------- */

/* Of a job that ran when the forecast began: as slot_eta_ms has it (room.c). */
static int64_t
rest_of_run(const struct copied_run *r, const struct model_run *usage, int64_t from_ms)
{
    int64_t end = r->claimed_at + usage->run_ms;

    if (usage->basis != ASSUME_MEASURED || end <= from_ms || end > r->lease_expires_at)
        end = r->lease_expires_at;
    return end > from_ms ? end - from_ms : 1;
}

static int64_t
rest_of(const struct world *w, uint64_t job, const struct model_run *usage)
{
    for (size_t i = 0; i < w->copied.run_count && job < w->first_job; i++) {
        const struct copied_run *r = &w->copied.runs[i];

        if (r->job == job) return rest_of_run(r, usage, w->tally.from_ms);
    }
    return usage->run_ms > 0 ? usage->run_ms : 1;
}

static void
take_start(struct world *w, struct world_run *r)
{
    struct job_spec  spec = {.id = r->id};
    struct job_state j = {.id = r->id};

    if (job_spec_load(w->txn, &spec) != LOAD_FOUND || job_state_load(w->txn, &j) != LOAD_FOUND)
        return;
    r->usage = spec.schedule ? model_firing_of(&w->model, spec.schedule, spec.company)
                             : model_run_of(&w->model, spec.handler, spec.company);
    if (spec.max_turns != NO_LIMIT && r->usage.turns > (uint64_t)spec.max_turns)
        r->usage.turns = (uint64_t)spec.max_turns;
    r->ends_ms += rest_of(w, r->id, &r->usage);
    r->company = spec.company;
    r->agent = spec.agent;
    r->schedule = spec.schedule;
    r->is_looked_at = w->company == 0 || spec.company == w->company;
    if (!r->is_looked_at) return;
    w->state.busy++;
    if (r->id >= w->first_job && spec.schedule && j.attempt == 1)
        tally_start(&w->tally, spec.schedule, w->now_ms - spec.nominal_at, w->now_ms);
}

/* A message about something that runs asks it to stop; else it starts what its lease says. */
static void
take_message(struct world *w, const struct output *o)
{
    const struct memory *m = &w->engine->memory;
    struct world_run    *r;
    uint32_t             slot = 0;

    for (size_t i = 0; i < w->run_count; i++) {
        if (w->runs[i].token != o->token) continue;
        w->runs[i].is_stopped = true;
        w->runs[i].ends_ms = w->now_ms;
        return;
    }
    while (slot < m->lease_high && m->leases[slot].token != o->token)
        slot++;
    if (slot == m->lease_high) return;
    assert(w->run_count < SLOTS_MAX);
    r = &w->runs[w->run_count++];
    *r = (struct world_run){.worker = o->worker,
                            .slot = slot,
                            .token = o->token,
                            .id = m->leases[slot].id,
                            .is_delivery = m->leases[slot].kind == LEASE_EFFECT,
                            .started_ms = w->now_ms,
                            .ends_ms = w->now_ms};
    if (!r->is_delivery) take_start(w, r);
}

void
crew_take_outputs(struct world *w)
{
    size_t               count;
    const struct output *outputs = engine_outputs(w->engine, &count);

    for (size_t i = 0; i < count; i++) {
        if (outputs[i].kind == OUT_TO_WORKER) take_message(w, &outputs[i]);
        if (outputs[i].kind != OUT_JOB_ENDED) continue;
        /* What is over is not looked at again, and would only fill the store. */
        (void)job_spec_delete(w->txn, &(struct job_spec){.id = outputs[i].job});
    }
}
