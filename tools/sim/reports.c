#include "tools/sim/config.h"
#include "tools/sim/verdict.h"
#include "tools/sim/world.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- on the way ------------------------------------------------------------------------------ */

/* Behind everything that the worker has sent before. */
static void
post(struct world *w, struct sim_worker *k, struct view frame, bool may_be_late)
{
    struct letter *l;
    int64_t        at = w->now.boot_ms;

    if (may_be_late && !w->is_calm && rng_chance(w->rng, w->chances.late_report))
        at += rng_between(w->rng, 0, w->heartbeat_ms);
    if (k->reports.count && k->reports.items[k->reports.count - 1].at > at)
        at = k->reports.items[k->reports.count - 1].at;
    l = LIST_ADD(&k->reports);
    l->at = at;
    buf_add_view(&l->frame, frame);
}

static void
report(struct world *w, struct sim_worker *k, enum msg_id op, const void *m)
{
    struct buf frame BUF_AUTO = {0};

    if (k->life != LIFE_UP) return; /* nobody hears it */
    if (!w->is_calm && rng_chance(w->rng, w->chances.lost_report)) return;
    worker_pack(op, m, &frame);
    post(w, k, buf_view(&frame), true);
    if (!w->is_calm && rng_chance(w->rng, w->chances.repeated_report))
        post(w, k, buf_view(&frame), true);
}

/* ---- of the worker itself -------------------------------------------------------------------- */

void
report_hello(struct world *w, struct sim_worker *k)
{
    struct msg_hello m = {.worker = k->index,
                          .generation = k->generation,
                          .slots = k->slots,
                          .pid = 1000 + k->generation,
                          .version = view_str("sim")};

    report(w, k, MSG_HELLO, &m);
}

void
report_heartbeat(struct world *w, struct sim_worker *k)
{
    struct buf frame     BUF_AUTO = {0};
    struct buf running   BUF_AUTO = {0};
    struct msg_heartbeat m = {
        .worker = k->index, .generation = k->generation, .last_seq = k->last_seq};

    mp_array(&running, (uint32_t)k->runs.count);
    for (size_t i = 0; i < k->runs.count; i++)
        mp_u64(&running, k->runs.items[i].token);
    m.running = buf_view(&running);
    worker_pack(MSG_HEARTBEAT, &m, &frame);
    post(w, k, buf_view(&frame), false);
}

void
report_garbage(struct world *w, struct sim_worker *k)
{
    static const char *const frames[] = {"", "\xc1", "\x93\x01\xa5hello\x80", "\x81\xa1v\x02"};

    if (k->life == LIFE_UP)
        post(w, k, view_str(frames[rng_below(w->rng, ARRAY_LEN(frames))]), false);
}

/* ---- of a job -------------------------------------------------------------------------------- */

void
report_progress(struct world *w, struct sim_worker *k, struct run *r)
{
    struct msg_progress m = {.worker = k->index,
                             .generation = k->generation,
                             .slot = r->slot,
                             .token = r->token,
                             .turns = r->turns += rng_below(w->rng, 5),
                             .input_tokens = r->turns * 100,
                             .output_tokens = r->turns * 10};

    SET_HAS(&m, progress, turns);
    SET_HAS(&m, progress, input_tokens);
    SET_HAS(&m, progress, output_tokens);
    if (rng_chance(w->rng, 500)) {
        m.cost_micros = r->turns * 7;
        SET_HAS(&m, progress, cost_micros);
    }
    if (rng_chance(w->rng, 300)) SET_HAS(&m, progress, percent);
    if (rng_chance(w->rng, 300)) {
        m.message = view_str("so far so good");
        SET_HAS(&m, progress, message);
    }
    report(w, k, MSG_PROGRESS, &m);
}

static void
fill_wake(struct world *w, struct buf *list)
{
    struct mp_open_map m = mp_open(list);
    int                agent = (int)rng_below(w->rng, SIM_ANY_AGENTS);

    mp_put_cstr(list, &m, "kind", "wake_agent");
    mp_put_cstr(list, &m, "agent",
                !w->is_calm && rng_chance(w->rng, 20) ? "" : config_agent(agent));
    if (rng_chance(w->rng, 500)) mp_put_u64(list, &m, "payload", rng_next(w->rng) >> 1);
    if (rng_chance(w->rng, 300)) mp_put_i64(list, &m, "in_ms", rng_between(w->rng, 0, 60000));
    mp_close(list, &m);
}

static void
fill_ticket(struct world *w, struct buf *list)
{
    static const char *const names[] = {"open", "claimed",  "in_progress",
                                        "done", "disputed", "lost"};
    bool                     is_bad = !w->is_calm && rng_chance(w->rng, 20);
    struct mp_open_map       m = mp_open(list);

    mp_put_cstr(list, &m, "kind", "ticket");
    mp_put_cstr(list, &m, "status", is_bad ? "" : names[rng_below(w->rng, ARRAY_LEN(names))]);
    if (rng_chance(w->rng, 500)) mp_put_i64(list, &m, "ticket", rng_between(w->rng, !is_bad, 40));
    mp_close(list, &m);
}

static void
fill_schedule(struct world *w, struct buf *list)
{
    static const char *const crons[] = {"*/5 * * * *", "*/30 * * * *", "7 * * * *", "7 3 * * *",
                                        "7 3 * * 2"};
    bool                     is_bad = rng_chance(w->rng, 20);
    struct mp_open_map       m = mp_open(list);
    char                     name[8];
    bool                     is_cron = rng_chance(w->rng, 400);

    snprintf(name, sizeof(name), "as%u", (unsigned)rng_below(w->rng, 8));
    mp_put_cstr(list, &m, "kind", "add_schedule");
    mp_put_cstr(list, &m, "name", name);
    if (is_cron || is_bad)
        mp_put_cstr(list, &m, "cron", crons[rng_below(w->rng, ARRAY_LEN(crons))]);
    if (!is_cron || is_bad) mp_put_i64(list, &m, "every_ms", rng_between(w->rng, 1000, 1200000));
    if (rng_chance(w->rng, 300)) mp_put_u64(list, &m, "payload", rng_next(w->rng) >> 1);
    mp_close(list, &m);
}

/* One that fires soon or long from now, in an agent's own session or in none. */
static void
fill_timer(struct world *w, struct buf *list)
{
    bool               is_bad = !w->is_calm && rng_chance(w->rng, 20);
    bool               is_cancel = w->is_calm || rng_chance(w->rng, 250);
    struct mp_open_map m = mp_open(list);
    char               id[8];
    int64_t            in = rng_between(w->rng, 0, rng_chance(w->rng, 100) ? 172800000 : 120000);

    snprintf(id, sizeof(id), "t%u", (unsigned)rng_below(w->rng, 4));
    mp_put_cstr(list, &m, "kind", is_cancel ? "cancel_timer" : "schedule_timer");
    mp_put_cstr(list, &m, "timer_id", is_bad && is_cancel ? "" : id);
    if (!is_cancel && rng_chance(w->rng, 300)) {
        mp_put_i64(list, &m, "fire_at", w->now.wall_ms + in - 60000);
        if (is_bad) mp_put_i64(list, &m, "in_ms", in);
    } else if (!is_cancel) {
        mp_put_i64(list, &m, "in_ms", is_bad ? -1 : in);
    }
    if (!is_cancel && rng_chance(w->rng, 500))
        mp_put_u64(list, &m, "payload", rng_next(w->rng) >> 1);
    mp_close(list, &m);
}

/* What acts inside; a calm world makes no schedules, so that it comes to its end. */
static void
fill_inside(struct world *w, struct buf *list)
{
    const unsigned weights[] = {60, 25, w->is_calm ? 0 : 25};

    switch (rng_weighted(w->rng, weights, ARRAY_LEN(weights))) {
    case 0: fill_wake(w, list); break;
    case 1: fill_ticket(w, list); break;
    default: fill_schedule(w, list);
    }
}

static void
fill_message(struct world *w, struct buf *list)
{
    static const char *const sinks[] = {"s0", "s1", "s2", "s3", "gateway", "nowhere"};
    size_t                   sink = rng_below(w->rng, ARRAY_LEN(sinks) - w->is_calm);
    struct mp_open_map       m = mp_open(list);

    mp_put_cstr(list, &m, "kind", "send_message");
    mp_put_cstr(list, &m, "content", !w->is_calm && rng_chance(w->rng, 20) ? "" : "hello");
    if (rng_chance(w->rng, 400)) mp_put_cstr(list, &m, "sink", sinks[sink]);
    if (rng_chance(w->rng, 200))
        mp_put_i64(list, &m, "not_after", w->now.wall_ms + rng_between(w->rng, 1, 600000));
    mp_close(list, &m);
}

static void
fill_effects(struct world *w, const struct run *r, struct buf *list)
{
    uint32_t n = (uint32_t)rng_between(w->rng, 1, 3);

    mp_array(list, n);
    for (uint32_t i = 0; i < n; i++) {
        bool               is_bad = !w->is_calm && rng_chance(w->rng, 30);
        struct mp_open_map m;
        char               text[2400];

        if (rng_chance(w->rng, r->is_event ? 250 : 10)) {
            fill_timer(w, list);
            continue;
        }
        if (rng_chance(w->rng, r->is_event ? 150 : 600)) {
            fill_inside(w, list);
            continue;
        }
        if (rng_chance(w->rng, r->is_event ? 500 : 30)) {
            fill_message(w, list);
            continue;
        }
        m = mp_open(list);
        int length = rng_chance(w->rng, 50) ? 2300 : snprintf(text, 64, "run %" PRIu64, r->token);

        if (length == 2300) memset(text, 'x', sizeof(text));
        mp_put_cstr(list, &m, "kind", is_bad && i == 1 ? "send_message" : "notify");
        mp_put_str(list, &m, "message", view_of(text, is_bad && i == 0 ? 0 : (size_t)length));
        mp_close(list, &m);
    }
}

static void
fill_output(struct world *w, const struct run *r, struct buf *out)
{
    char text[5000];

    if (rng_chance(w->rng, 50)) {
        memset(text, 'o', sizeof(text));
        mp_str(out, view_of(text, sizeof(text)));
    } else {
        mp_u64(out, r->token);
    }
}

static void
fill_failure(struct world *w, struct msg_ended *m)
{
    static const char *const names[] = {
        "turn_limit_exceeded", "timeout",          "handler_error", "invalid_output",
        "auth_failed",         "context_exceeded", "tool_failed",   "budget_exceeded",
        "rate_limited",        "lease_expired", /* none that a handler may name */
        "interrupted",         "nonsense",
    };

    m->verdict = view_str("failed");
    m->class = view_str(names[rng_below(w->rng, ARRAY_LEN(names))]);
    SET_HAS(m, ended, class);
    m->message = view_str("it did not work out");
    SET_HAS(m, ended, message);
    if (!rng_chance(w->rng, 200)) return;
    m->after_ms = rng_between(w->rng, 0, 600000);
    SET_HAS(m, ended, after_ms);
}

static void
fill_end(struct world *w, const struct run *r, struct msg_ended *m, struct buf bufs[3])
{
    const struct chances *c = &w->chances;

    m->verdict = view_str("completed");
    if (!w->is_calm && rng_chance(w->rng, c->failed)) {
        fill_failure(w, m);
        return;
    }
    if (!w->is_calm && rng_chance(w->rng, c->snoozed)) {
        m->verdict = view_str("snoozed");
        if (rng_chance(w->rng, 700)) SET_HAS(m, ended, after_ms);
        if (HAS(m, ended, after_ms)) m->after_ms = rng_between(w->rng, 0, 600000);
        return;
    }
    if (rng_chance(w->rng, 500)) {
        fill_output(w, r, &bufs[0]);
        m->output = buf_view(&bufs[0]);
        SET_HAS(m, ended, output);
    }
    if (rng_chance(w->rng, r->is_event ? 600 : c->effects)) {
        fill_effects(w, r, &bufs[1]);
        m->effects = buf_view(&bufs[1]);
        SET_HAS(m, ended, effects);
    }
    if (rng_chance(w->rng, c->checkpoint)) {
        fill_output(w, r, &bufs[2]);
        m->checkpoint = buf_view(&bufs[2]);
        SET_HAS(m, ended, checkpoint);
    }
}

/* The command that is asked before the handler said no. */
static void
fill_nothing_to_do(struct msg_ended *m)
{
    m->verdict = view_str("completed");
    m->gated = true;
    m->message = view_str("no mail");
    SET_HAS(m, ended, gated);
    SET_HAS(m, ended, message);
}

static void
report_job_end(struct world *w, struct sim_worker *k, const struct run *r)
{
    struct buf       bufs[3] = {{0}, {0}, {0}};
    struct msg_ended m = {
        .worker = k->index, .generation = k->generation, .slot = r->slot, .token = r->token};

    if (r->has_gate && rng_chance(w->rng, w->chances.gated)) {
        fill_nothing_to_do(&m);
    } else {
        fill_end(w, r, &m, bufs);
    }
    m.turns = r->turns + rng_below(w->rng, 3);
    SET_HAS(&m, ended, turns);
    if (rng_chance(w->rng, 300)) {
        m.cost_micros = m.turns * 7;
        SET_HAS(&m, ended, cost_micros);
    }
    if (rng_chance(w->rng, 300)) {
        m.input_tokens = m.turns * 100;
        SET_HAS(&m, ended, input_tokens);
    }
    report(w, k, MSG_ENDED, &m);
    for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
        buf_done(&bufs[i]);
}

/* ---- of a delivery --------------------------------------------------------------------------- */

static bool *
in_sink(struct world *w, uint64_t effect)
{
    while (w->sink.count <= effect)
        *LIST_ADD(&w->sink) = false;
    return &w->sink.items[effect];
}

/* At most once, where coming twice would do harm (D4). */
static void
write_to_sink(struct world *w, const struct run *r)
{
    bool *is_there = in_sink(w, r->id);

    claim(!*is_there || r->is_idempotent, "effect %" PRIu64 " was delivered twice", r->id);
    *is_there = true;
}

void
world_send_again(struct world *w, uint64_t effect)
{
    *in_sink(w, effect) = false;
}

void
sink_cut_off(struct world *w, const struct run *r)
{
    if (r->is_effect && !r->is_probe && rng_chance(w->rng, 500)) write_to_sink(w, r);
}

static const char *
probe(struct world *w, const struct run *r)
{
    if (!w->is_calm && rng_chance(w->rng, 100))
        return rng_chance(w->rng, 500) ? "unknown" : "failed";
    return *in_sink(w, r->id) ? "delivered" : "absent";
}

static void
deliver(struct world *w, const struct run *r, struct msg_effect_done *m)
{
    bool is_written = w->is_calm || rng_chance(w->rng, 900);

    if (is_written) write_to_sink(w, r);
    m->outcome = view_str(is_written ? "delivered" : "failed");
    if (!w->is_calm && rng_chance(w->rng, 80)) m->outcome = view_str("unknown");
    if (r->is_file || !view_is(m->outcome, "failed")) return;
    if (rng_chance(w->rng, 300)) {
        m->final = true;
        SET_HAS(m, effect_done, final);
    } else if (rng_chance(w->rng, 400)) {
        m->after_ms = rng_between(w->rng, 0, 120000);
        SET_HAS(m, effect_done, after_ms);
    }
}

void
report_end(struct world *w, struct sim_worker *k, const struct run *r)
{
    struct msg_effect_done m = {
        .worker = k->index, .generation = k->generation, .slot = r->slot, .token = r->token};

    if (!r->is_effect) {
        report_job_end(w, k, r);
        return;
    }
    if (r->is_probe) {
        m.outcome = view_str(probe(w, r));
        if (view_is(m.outcome, "unknown") && rng_chance(w->rng, 300)) {
            m.final = true;
            SET_HAS(&m, effect_done, final);
        }
    } else {
        deliver(w, r, &m);
    }
    report(w, k, MSG_EFFECT_DONE, &m);
}
