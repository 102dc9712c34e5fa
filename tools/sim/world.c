#include "tools/sim/world.h"

#include "tools/sim/verdict.h"

#include <inttypes.h>
#include <stdlib.h>

#define NEVER INT64_MAX

/* ---- a worker -------------------------------------------------------------------------------- */

static void
letters_clear(struct sim_worker *k)
{
    for (size_t i = 0; i < k->mail.count; i++)
        buf_done(&k->mail.items[i].frame);
    for (size_t i = 0; i < k->reports.count; i++)
        buf_done(&k->reports.items[i].frame);
    k->mail.count = k->reports.count = 0;
}

static void
worker_done(struct sim_worker *k)
{
    letters_clear(k);
    free(k->runs.items);
    free(k->mail.items);
    free(k->reports.items);
    memset(k, 0, sizeof(*k));
}

static struct input
about(const struct sim_worker *k, enum input_kind kind)
{
    return (struct input){.kind = kind, .worker = k->index, .generation = k->generation};
}

/* ---- what really runs ------------------------------------------------------------------------ */

static void
claim_nobody_runs(const struct sim_worker *k, uint64_t job)
{
    for (size_t i = 0; i < k->runs.count; i++) {
        const struct run *r = &k->runs.items[i];

        claim(r->is_effect || r->id != job,
              "job %" PRIu64 " runs twice at a time (leases %" PRIu64 " and another)", job,
              r->token);
    }
}

static int64_t
run_time(struct world *w)
{
    if (w->is_calm) return rng_between(w->rng, 0, 2000);
    if (rng_chance(w->rng, w->chances.long_run)) return rng_between(w->rng, 60000, 7200000);
    return rng_between(w->rng, 0, rng_chance(w->rng, 300) ? 60000 : 2000);
}

static void
begin_run(struct world *w, struct sim_worker *k, const struct run *r)
{
    if (!r->is_effect) {
        for (size_t i = 0; i < ARRAY_LEN(w->workers); i++)
            claim_nobody_runs(&w->workers[i], r->id);
        for (size_t i = 0; i < w->old.count; i++)
            claim_nobody_runs(&w->old.items[i], r->id);
    }
    *LIST_ADD(&k->runs) = *r;
}

/* TERM ends most handlers at once; the others are killed after the grace, some even later. */
static void
stop_run(struct world *w, struct sim_worker *k, const struct msg_job_stop *m)
{
    for (size_t i = 0; i < k->runs.count; i++) {
        struct run *r = &k->runs.items[i];
        int64_t     ends_at = w->now.boot_ms + rng_between(w->rng, 0, m->grace_ms);

        if (r->token != m->token) continue;
        if (r->is_stubborn && !w->is_calm)
            ends_at = w->now.boot_ms + m->grace_ms + rng_between(w->rng, 0, 60000);
        if (ends_at < r->ends_at) r->ends_at = ends_at;
    }
}

static void
read_mail(struct world *w, struct sim_worker *k, struct view frame)
{
    const struct msg_desc *d;
    union msg              m;
    struct view            value;
    struct err             e = {0};
    struct run             r = {.ends_at = w->now.boot_ms,
                                .is_stubborn = rng_chance(w->rng, w->chances.stubborn)};

    claim(worker_open(GROUP_TO_WORKER, frame, &d, &m, &e) == E_OK, "unreadable: %s", e.msg);
    switch (d->id) {
    case MSG_JOB_START:
        claim(m.job_start.seq > k->last_seq, "messages to a worker out of order");
        k->last_seq = m.job_start.seq;
        r.slot = m.job_start.slot;
        r.token = m.job_start.token;
        r.id = m.job_start.job;
        r.has_gate = HAS(&m.job_start, job_start, gate);
        r.is_event = mp_find(m.job_start.document, "event", &value) && value.size > 1;
        r.ends_at += run_time(w);
        begin_run(w, k, &r);
        break;
    case MSG_JOB_STOP:
        claim(m.job_stop.seq > k->last_seq, "messages to a worker out of order");
        k->last_seq = m.job_stop.seq;
        stop_run(w, k, &m.job_stop);
        break;
    default:
        claim(m.effect_send.seq > k->last_seq, "messages to a worker out of order");
        k->last_seq = m.effect_send.seq;
        r.slot = m.effect_send.slot;
        r.token = m.effect_send.token;
        r.id = m.effect_send.effect;
        r.is_effect = true;
        r.is_probe = m.effect_send.probe;
        r.is_file = mp_find_str(m.effect_send.sink, "kind", &value) && view_is(value, "file");
        if (!mp_find_bool(m.effect_send.sink, "idempotent", &r.is_idempotent))
            r.is_idempotent = false;
        claim(!r.is_probe || r.is_file, "effect %" PRIu64 ": its sink cannot be asked", r.id);
        r.ends_at += rng_between(w->rng, 0, rng_chance(w->rng, 100) && !w->is_calm ? 30000 : 300);
        begin_run(w, k, &r);
    }
}

/* Mail that has arrived, then runs that have ended. */
static void
work(struct world *w, struct sim_worker *k)
{
    while (k->mail.count && k->mail.items[0].at <= w->now.boot_ms) {
        struct letter l = k->mail.items[0];

        LIST_REMOVE(&k->mail, 0);
        read_mail(w, k, buf_view(&l.frame));
        buf_done(&l.frame);
    }
    for (size_t i = 0; i < k->runs.count;) {
        struct run r = k->runs.items[i];

        if (r.ends_at > w->now.boot_ms) {
            i++;
            continue;
        }
        LIST_REMOVE(&k->runs, i);
        w->ends += !r.is_effect;
        report_end(w, k, &r);
    }
}

static int64_t
next_work(const struct sim_worker *k)
{
    int64_t at = k->mail.count ? k->mail.items[0].at : NEVER;

    for (size_t i = 0; i < k->runs.count; i++) {
        if (k->runs.items[i].ends_at < at) at = k->runs.items[i].ends_at;
    }
    return at;
}

/* ---- life and death -------------------------------------------------------------------------- */

static bool
is_wanted(const struct world *w, const struct sim_worker *k)
{
    return w->has_agentd && k - w->workers < w->wanted;
}

static void
start_worker(struct world *w, struct sim_worker *k)
{
    struct input in;

    k->life = LIFE_STARTING;
    k->index = (uint32_t)(k - w->workers);
    k->generation = ++w->generations;
    k->slots = (uint32_t)rng_between(w->rng, 1, w->slots_max);
    k->last_seq = 0;
    k->is_retiring = false;
    k->silent_until = 0;
    k->beat_at = w->now.boot_ms;
    k->acts_at = w->now.boot_ms + rng_between(w->rng, 0, 500);
    if (!w->is_calm && rng_chance(w->rng, 20)) k->acts_at += 10 * w->heartbeat_ms; /* it hangs */
    in = about(k, INPUT_WORKER_STARTED);
    in.slots = k->slots;
    waiting_push(&w->before, &in, (struct view){0});
}

void
world_kill(struct world *w, struct sim_worker *k, int64_t gone_within_ms)
{
    if (k->life == LIFE_NONE || k->life == LIFE_DEAD) return;
    k->life = LIFE_DEAD;
    k->acts_at = w->now.boot_ms + rng_between(w->rng, 0, gone_within_ms);
    for (size_t i = 0; i < k->reports.count; i++) { /* some are in the pipe already */
        struct late_report *late;

        if (rng_chance(w->rng, 500)) continue;
        late = LIST_ADD(&w->late);
        late->worker = k->index;
        late->generation = k->generation;
        late->letter.at = w->now.boot_ms + rng_between(w->rng, 0, 2 * gone_within_ms + 1);
        buf_add_view(&late->letter.frame, buf_view(&k->reports.items[i].frame));
    }
    letters_clear(k);
}

/* The process and everything below it are known to be gone. */
static void
bury(struct world *w, struct sim_worker *k)
{
    const struct input in = about(k, INPUT_WORKER_GONE);

    for (size_t i = 0; i < k->runs.count; i++)
        sink_cut_off(w, &k->runs.items[i]);
    k->runs.count = 0;
    k->life = LIFE_NONE;
    k->acts_at = w->now.boot_ms + rng_between(w->rng, 0, 1000);
    waiting_push(&w->before, &in, (struct view){0});
}

void
world_silence(struct world *w, struct sim_worker *k, int64_t ms)
{
    if (k->life == LIFE_UP) k->silent_until = w->now.boot_ms + ms;
}

void
world_retire(struct world *w, struct sim_worker *k)
{
    const struct input in = about(k, INPUT_WORKER_RETIRE);

    if ((k->life != LIFE_UP && k->life != LIFE_STARTING) || k->is_retiring) return;
    k->is_retiring = true;
    waiting_push(&w->before, &in, (struct view){0});
}

/* ---- outputs --------------------------------------------------------------------------------- */

static void
send(struct world *w, struct sim_worker *k, const struct output *o)
{
    struct letter *l;
    int64_t        at = w->now.boot_ms;

    if (k->generation != o->generation || k->life == LIFE_NONE || k->life == LIFE_DEAD) return;
    if (!w->is_calm && rng_chance(w->rng, w->chances.send_failed)) {
        struct input in = about(k, INPUT_SEND_FAILED);

        in.token = o->token;
        waiting_push(&w->before, &in, (struct view){0});
        return;
    }
    if (rng_chance(w->rng, 200)) at += rng_between(w->rng, 0, 200);
    if (k->mail.count && k->mail.items[k->mail.count - 1].at > at)
        at = k->mail.items[k->mail.count - 1].at;
    l = LIST_ADD(&k->mail);
    l->at = at;
    buf_add_view(&l->frame, o->body);
}

void
world_output(struct world *w, const struct output *o)
{
    struct sim_worker *k = &w->workers[o->worker];
    bool               is_it = k->generation == o->generation;

    switch (o->kind) {
    case OUT_TO_WORKER: send(w, k, o); break;
    case OUT_WORKER_KILL:
        if (is_it) world_kill(w, k, rng_chance(w->rng, 100) ? 30000 : 500);
        break;
    case OUT_WORKER_IDLE:
        if (is_it) world_kill(w, k, 500);
        break;
    case OUT_OLD_LEASE:
        *LIST_ADD(&w->old_leases) =
            (struct old_lease){o->token, w->now.boot_ms + rng_between(w->rng, 0, 20000)};
        break;
    case OUT_REPLY:
    case OUT_JOB_ENDED:
    case OUT_JOB_PURGED:
    case OUT_TO_GATEWAY:
    case OUT_LOG: break;
    }
}

/* ---- time ------------------------------------------------------------------------------------ */

static int64_t
next_of_worker(const struct world *w, const struct sim_worker *k)
{
    int64_t at = NEVER, head;

    if (k->life == LIFE_NONE) return is_wanted(w, k) ? k->acts_at : NEVER;
    if (k->life != LIFE_UP) at = k->acts_at;
    if (k->life == LIFE_DEAD) return earlier(at, next_work(k));
    head = k->reports.count ? k->reports.items[0].at : NEVER;
    if (k->silent_until > w->now.boot_ms) {
        if (head != NEVER && head < k->silent_until) head = k->silent_until;
        return earlier(at, earlier(head, k->silent_until));
    }
    return earlier(at, earlier(head, next_work(k)));
}

int64_t
world_next(const struct world *w)
{
    int64_t at = NEVER;

    for (size_t i = 0; i < ARRAY_LEN(w->workers); i++)
        at = earlier(at, next_of_worker(w, &w->workers[i]));
    for (size_t i = 0; i < w->old.count; i++)
        at = earlier(at, earlier(w->old.items[i].acts_at, next_work(&w->old.items[i])));
    for (size_t i = 0; i < w->old_leases.count && w->old.count == 0; i++)
        at = earlier(at, w->old_leases.items[i].answer_at);
    for (size_t i = 0; i < w->late.count; i++)
        at = earlier(at, w->late.items[i].letter.at);
    return at;
}

static void
post_reports(struct world *w, struct sim_worker *k)
{
    const struct input in = about(k, INPUT_REPORT);

    while (k->reports.count && k->reports.items[0].at <= w->now.boot_ms) {
        struct letter l = k->reports.items[0];

        LIST_REMOVE(&k->reports, 0);
        waiting_push(&w->before, &in, buf_view(&l.frame));
        buf_done(&l.frame);
    }
}

static void
step_worker(struct world *w, struct sim_worker *k)
{
    bool is_time = k->acts_at <= w->now.boot_ms;

    if (k->life == LIFE_NONE && is_time && is_wanted(w, k)) start_worker(w, k);
    if (k->life == LIFE_NONE) return;
    if (k->life == LIFE_DEAD) {
        work(w, k); /* what it left behind goes on until it is found; nobody hears of its end */
        letters_clear(k);
        if (is_time) bury(w, k);
        return;
    }
    if (k->silent_until > w->now.boot_ms) return;
    if (k->life == LIFE_STARTING && is_time) {
        k->life = LIFE_UP;
        report_hello(w, k);
    }
    work(w, k);
    post_reports(w, k);
}

static void
step_old(struct world *w)
{
    for (size_t i = w->old.count; i-- > 0;) {
        struct sim_worker *k = &w->old.items[i];

        work(w, k);
        if (k->acts_at > w->now.boot_ms) continue;
        for (size_t n = 0; n < k->runs.count; n++)
            sink_cut_off(w, &k->runs.items[n]);
        worker_done(k);
        LIST_REMOVE(&w->old, i);
    }
    for (size_t i = w->old_leases.count; w->old.count == 0 && i-- > 0;) {
        struct input in = {.kind = INPUT_LEASE_GONE, .token = w->old_leases.items[i].token};

        if (w->old_leases.items[i].answer_at > w->now.boot_ms) continue;
        waiting_push(&w->before, &in, (struct view){0});
        if (rng_chance(w->rng, 100)) waiting_push(&w->before, &in, (struct view){0});
        LIST_REMOVE(&w->old_leases, i);
    }
}

void
world_step(struct world *w)
{
    for (size_t i = w->late.count; i-- > 0;) {
        struct late_report *l = &w->late.items[i];
        const struct input  in = {
             .kind = INPUT_REPORT, .worker = l->worker, .generation = l->generation};

        if (l->letter.at > w->now.boot_ms) continue;
        waiting_push(&w->before, &in, buf_view(&l->letter.frame));
        buf_done(&l->letter.frame);
        LIST_REMOVE(&w->late, i);
    }
    for (size_t i = 0; i < ARRAY_LEN(w->workers); i++)
        step_worker(w, &w->workers[i]);
    step_old(w);
}

void
world_beat(struct world *w)
{
    for (size_t i = 0; i < ARRAY_LEN(w->workers); i++) {
        struct sim_worker *k = &w->workers[i];

        if (k->life != LIFE_UP || k->silent_until > w->now.boot_ms) continue;
        if (w->now.boot_ms - k->beat_at < w->heartbeat_ms) continue;
        k->beat_at = w->now.boot_ms;
        report_heartbeat(w, k);
        post_reports(w, k);
    }
}

/* ---- the end of an agentd -------------------------------------------------------------------- */

void
world_orphan(struct world *w, int64_t within_ms)
{
    w->has_agentd = false;
    waiting_clear(&w->before);
    w->old_leases.count = 0;
    for (size_t i = 0; i < w->late.count; i++)
        buf_done(&w->late.items[i].letter.frame);
    w->late.count = 0;
    for (size_t i = 0; i < ARRAY_LEN(w->workers); i++) {
        struct sim_worker *k = &w->workers[i], *old;

        if (k->life == LIFE_NONE) {
            worker_done(k);
            continue;
        }
        k->acts_at = w->now.boot_ms + rng_between(w->rng, 0, within_ms);
        if (k->life == LIFE_DEAD) letters_clear(k);
        old = LIST_ADD(&w->old);
        *old = *k;
        memset(k, 0, sizeof(*k));
    }
}

void
world_reboot(struct world *w)
{
    world_orphan(w, 0);
    for (size_t i = 0; i < w->old.count; i++) {
        for (size_t n = 0; n < w->old.items[i].runs.count; n++)
            sink_cut_off(w, &w->old.items[i].runs.items[n]);
        worker_done(&w->old.items[i]);
    }
    w->old.count = 0;
}

void
world_init(struct world *w, struct rng *rng)
{
    memset(w, 0, sizeof(*w));
    w->rng = rng;
}

void
world_done(struct world *w)
{
    world_reboot(w);
    waiting_done(&w->before);
    free(w->old.items);
    free(w->old_leases.items);
    free(w->late.items);
    free(w->sink.items);
}
