/* The workers that the rig plays. */
#include "tests/unit/engine_rig.h"

/* ---- what they are told ---- */

static void
take_start(struct rig *r, const struct output *o, const struct rig_lease *new)
{
    struct rig_worker *w = &r->workers[o->worker];

    for (size_t i = 0; i < r->lease_count; i++) {
        const struct rig_lease *old = &r->leases[i];

        if (!old->is_live) continue;
        if (old->op == new->op && old->id == new->id)
            fail_msg("%s %d is begun while an attempt of it lives", msg_desc(new->op)->op,
                     (int)new->id);
        if (old->slot == new->slot && old->worker == new->worker &&
            old->generation == new->generation)
            fail_msg("slot %d is given twice", (int)new->slot);
    }
    if (new->token <= r->last_token) fail_msg("token %d is not new", (int)new->token);
    r->last_token = new->token;
    if (new->op == MSG_JOB_START && ++w->jobs > w->slots)
        fail_msg("worker %d has more jobs than slots", (int)o->worker);
    if (r->lease_count == r->lease_cap) {
        r->lease_cap = r->lease_cap ? r->lease_cap * 2 : 64;
        r->leases = xrealloc(r->leases, r->lease_cap * sizeof(*r->leases));
    }
    r->leases[r->lease_count++] = *new;
}

static void
take_stop(struct rig *r, const struct msg_job_stop *m)
{
    for (size_t i = 0; i < r->lease_count; i++) {
        struct rig_lease *l = &r->leases[i];

        if (l->token != m->token) continue;
        assert_int_equal(l->slot, m->slot);
        l->is_stopped = true;
        l->grace_ms = m->grace_ms;
        return;
    }
    fail_msg("job.stop of token %d, which no worker has", (int)m->token);
}

void
rig_take_message(struct rig *r, const struct output *o)
{
    struct rig_worker     *w = &r->workers[o->worker];
    const struct msg_desc *d;
    union msg              m;
    struct err             e = {0};
    struct view            body = arena_copy(&r->kept, o->body);
    uint64_t               seq = 0;

    if (worker_open(GROUP_TO_WORKER, body, &d, &m, &e)) fail_msg("to a worker: %s", e.msg);
    if (!w->is_up || w->generation != o->generation)
        fail_msg("%s to worker %d, which is not up", d->op, (int)o->worker);
    (void)mp_find(body, "body", &body); /* worker_open found it */
    struct rig_lease l = {.op = d->id,
                          .worker = o->worker,
                          .generation = o->generation,
                          .token = o->token,
                          .is_live = true,
                          .body = body};
    if (d->id == MSG_JOB_START) {
        seq = m.job_start.seq;
        l.id = m.job_start.job;
        l.attempt = m.job_start.attempt;
        l.slot = m.job_start.slot;
        assert_int_equal(l.token, m.job_start.token);
    } else if (d->id == MSG_EFFECT_SEND) {
        seq = m.effect_send.seq;
        l.id = m.effect_send.effect;
        l.slot = m.effect_send.slot;
        l.is_probe = m.effect_send.probe;
        assert_int_equal(l.token, m.effect_send.token);
    } else {
        seq = m.job_stop.seq;
        take_stop(r, &m.job_stop);
    }
    if (seq <= w->last_seq) fail_msg("worker %d: seq does not ascend", (int)o->worker);
    l.seq = w->last_seq = seq;
    if (d->id != MSG_JOB_STOP) take_start(r, o, &l);
}

/* ---- their life ---- */

void
rig_worker_started(struct rig *r, uint32_t worker, uint32_t slots)
{
    const struct input in = {.kind = INPUT_WORKER_STARTED,
                             .worker = worker,
                             .generation = ++r->last_generation,
                             .slots = slots};

    r->workers[worker] =
        (struct rig_worker){.is_up = true, .generation = in.generation, .slots = slots};
    rig_push(r, &in);
}

void
rig_workers(struct rig *r, uint32_t count, uint32_t slots)
{
    for (uint32_t w = 0; w < count; w++) {
        rig_worker_started(r, w, slots);
        rig_hello(r, w);
    }
    rig_turn(r);
}

void
rig_worker_gone(struct rig *r, uint32_t worker)
{
    struct rig_worker *w = &r->workers[worker];

    rig_push(r, &(struct input){
                    .kind = INPUT_WORKER_GONE, .worker = worker, .generation = w->generation});
    for (size_t i = 0; i < r->lease_count; i++) {
        struct rig_lease *l = &r->leases[i];

        if (l->worker == worker && l->generation == w->generation) l->is_live = false;
    }
    w->is_up = false;
    w->jobs = 0;
}

void
rig_retire(struct rig *r, uint32_t worker)
{
    rig_push(r, &(struct input){.kind = INPUT_WORKER_RETIRE,
                                .worker = worker,
                                .generation = r->workers[worker].generation});
}

static struct rig_lease *
find_lease(struct rig *r, enum msg_id op, uint64_t id)
{
    for (size_t i = r->lease_count; i-- > 0;)
        if (r->leases[i].op == op && r->leases[i].id == id) return &r->leases[i];
    return NULL;
}

struct rig_lease *
rig_lease(struct rig *r, uint64_t job)
{
    return find_lease(r, MSG_JOB_START, job);
}

struct rig_lease *
rig_delivery(struct rig *r, uint64_t effect)
{
    return find_lease(r, MSG_EFFECT_SEND, effect);
}

size_t
rig_running(const struct rig *r)
{
    size_t count = 0;

    for (size_t i = 0; i < r->lease_count; i++)
        if (r->leases[i].is_live && r->leases[i].op == MSG_JOB_START) count++;
    return count;
}

/* ---- what they report ---- */

void
rig_raw_report(struct rig *r, uint32_t worker, struct view frame)
{
    rig_push(r, &(struct input){.kind = INPUT_REPORT,
                                .worker = worker,
                                .generation = r->workers[worker].generation,
                                .body = frame});
}

/* {v, op, body}: the pairs of `head` and those of `body`. */
static void
push_report(struct rig *r, uint32_t worker, uint64_t generation, const char *op, struct view body)
{
    BUF_AUTO struct buf frame = {0};

    mp_map(&frame, 3);
    mp_cstr(&frame, "v");
    mp_i64(&frame, PROTO_VERSION);
    mp_cstr(&frame, "op");
    mp_cstr(&frame, op);
    mp_cstr(&frame, "body");
    mp_raw(&frame, body);
    rig_push(r, &(struct input){.kind = INPUT_REPORT,
                                .worker = worker,
                                .generation = generation,
                                .body = buf_view(&frame)});
}

void
rig_hello(struct rig *r, uint32_t worker)
{
    const struct rig_worker *w = &r->workers[worker];
    struct view              body = rig_pack(
                     r, "{'worker':%u,'generation':%llu,'slots':%u,'pid':%u,'version':'1'}", (unsigned)worker,
                     (unsigned long long)w->generation, (unsigned)w->slots, 100 + (unsigned)worker);

    push_report(r, worker, w->generation, "hello", body);
}

void
rig_heartbeat(struct rig *r, uint32_t worker)
{
    const struct rig_worker *w = &r->workers[worker];
    BUF_AUTO struct buf      running = {0};

    for (size_t i = 0; i < r->lease_count; i++) {
        const struct rig_lease *l = &r->leases[i];

        if (!l->is_live || l->worker != worker || l->generation != w->generation) continue;
        buf_printf(&running, "%s%llu", running.size > 0 ? "," : "", (unsigned long long)l->token);
    }
    struct view body = rig_pack(r, "{'worker':%u,'generation':%llu,'last_seq':%llu,'running':[%s]}",
                                (unsigned)worker, (unsigned long long)w->generation,
                                (unsigned long long)w->last_seq, buf_str(&running));
    push_report(r, worker, w->generation, "heartbeat", body);
}

__attribute__((format(printf, 4, 0))) static void
report(struct rig *r, const struct rig_lease *l, const char *op, const char *fmt, va_list ap)
{
    FREE_AUTO char *head = xasprintf("{'worker':%u,'generation':%llu,'slot':%llu,'token':%llu,",
                                     (unsigned)l->worker, (unsigned long long)l->generation,
                                     (unsigned long long)l->slot, (unsigned long long)l->token);

    push_report(r, l->worker, l->generation, op, rig_pack_between(r, head, fmt, ap, "}"));
}

void
rig_report(struct rig *r, const struct rig_lease *l, const char *op, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    report(r, l, op, fmt, ap);
    va_end(ap);
}

static void
end_lease(struct rig *r, struct rig_lease *l)
{
    struct rig_worker *w = &r->workers[l->worker];

    if (l->is_live && l->op == MSG_JOB_START && w->generation == l->generation) w->jobs--;
    l->is_live = false;
}

void
rig_ended(struct rig *r, uint64_t job, const char *fmt, ...)
{
    struct rig_lease *l = rig_lease(r, job);
    va_list           ap;

    if (!l) fail_msg("job %d was never started", (int)job);
    va_start(ap, fmt);
    report(r, l, "ended", fmt, ap);
    va_end(ap);
    end_lease(r, l);
}

void
rig_progress(struct rig *r, uint64_t job, const char *fmt, ...)
{
    struct rig_lease *l = rig_lease(r, job);
    va_list           ap;

    if (!l) fail_msg("job %d was never started", (int)job);
    va_start(ap, fmt);
    report(r, l, "progress", fmt, ap);
    va_end(ap);
}

void
rig_effect_done(struct rig *r, uint64_t effect, const char *outcome)
{
    struct rig_lease *l = rig_delivery(r, effect);

    if (!l) fail_msg("effect %d was never sent", (int)effect);
    rig_report(r, l, "effect.done", "'outcome':'%s'", outcome);
    end_lease(r, l);
}

void
rig_complete(struct rig *r, uint64_t job)
{
    rig_ended(r, job, "'verdict':'completed'");
    rig_turn(r);
}

void
rig_fail(struct rig *r, uint64_t job, const char *class)
{
    rig_ended(r, job, "'verdict':'failed','class':'%s','message':'went wrong'", class);
    rig_turn(r);
}
