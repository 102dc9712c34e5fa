#include "supervisor/engine/fleet.h"
#include "supervisor/engine/leases.h"

#include "common/log.h"
#include "supervisor/engine/attempt.h"
#include "supervisor/engine/caps.h"
#include "supervisor/engine/feed.h"
#include "supervisor/engine/outbox.h"
#include "supervisor/engine/readers.h"
#include "supervisor/engine/replies.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* Deliveries take leases, too, beside the slots. */
static uint32_t
leases_left(const struct memory *m)
{
    return SLOTS_MAX - m->lease_count;
}

bool
fleet_may_use_kept(const struct memory *m, const struct lane *l)
{
    return m->kept_for == 0 || l->id == m->kept_for || l->head_priority > m->kept_priority;
}

static bool
is_kept(const struct memory *m, uint32_t worker)
{
    return m->kept_for && m->kept_worker == worker;
}

uint32_t
fleet_free_slots(const struct memory *m, bool with_kept)
{
    uint32_t n = 0;

    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        const struct fleet_worker *w = &m->workers[i];

        if (is_kept(m, i) && !with_kept) continue;
        if (w->state == WORKER_UP && !w->is_alone && w->slots > w->jobs) n += w->slots - w->jobs;
    }
    return n < leases_left(m) ? n : leases_left(m);
}

int
fleet_pick(const struct memory *m, bool alone, bool with_kept)
{
    int      best = -1;
    uint32_t best_free = 0;

    if (leases_left(m) == 0) return -1;
    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        const struct fleet_worker *w = &m->workers[i];

        if (w->state != WORKER_UP || w->is_alone || w->jobs >= w->slots || (alone && w->jobs))
            continue;
        if (is_kept(m, i) && !with_kept) continue;
        if (w->slots - w->jobs <= best_free) continue;
        best = (int)i;
        best_free = w->slots - w->jobs;
    }
    return best;
}

static uint32_t
emptiest(const struct memory *m)
{
    uint32_t best = WORKERS_MAX;

    for (uint32_t i = 0; i < WORKERS_MAX; i++) {
        if (m->workers[i].state != WORKER_UP) continue;
        if (best == WORKERS_MAX || m->workers[i].jobs < m->workers[best].jobs) best = i;
    }
    return best;
}

void
fleet_keep(struct memory *m, const struct lane *l)
{
    uint32_t worker = emptiest(m);

    if (m->kept_for || worker == WORKERS_MAX) return;
    m->kept_for = l->id;
    m->kept_worker = worker;
    m->kept_priority = l->head_priority;
}

void
fleet_review_kept(struct memory *m, const struct lane *l)
{
    bool waits = l && l->head && (l->blocked_by == HELD_NOT || l->blocked_by == HELD_ALONE);

    if (waits && m->workers[m->kept_worker].state == WORKER_UP) {
        m->kept_priority = l->head_priority;
        return;
    }
    m->kept_for = 0;
    if (waits) fleet_keep(m, l);
}

int
fleet_pick_for_delivery(const struct memory *m, uint32_t max)
{
    int best = -1;

    if (leases_left(m) == 0) return -1;
    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        const struct fleet_worker *w = &m->workers[i];

        if (w->state != WORKER_UP || w->deliveries >= max) continue;
        if (best < 0 || w->deliveries < m->workers[best].deliveries) best = (int)i;
    }
    return best;
}

/* ---- leases ------------------------------------------------------------------- */

uint32_t
fleet_take(struct engine *en, uint32_t worker, enum lease_kind kind, uint64_t id, uint64_t token,
           bool alone)
{
    struct memory       *m = &en->memory;
    struct fleet_worker *w = &m->workers[worker];
    uint32_t             slot = 0;

    while (slot < SLOTS_MAX && m->leases[slot].kind != LEASE_FREE)
        slot++;
    assert(slot < SLOTS_MAX); /* or fleet_pick… had found no worker */
    m->leases[slot] = (struct fleet_lease){
        .kind = (uint8_t)kind, .worker = (uint8_t)worker, .token = token, .id = id};
    if (slot >= m->lease_high) m->lease_high = slot + 1;
    m->lease_count++;
    if (kind == LEASE_JOB) {
        w->jobs++;
        w->is_alone = alone;
    } else {
        w->deliveries++;
    }
    return slot;
}

/* A retiring worker that has nothing left is told to the shell. */
static void
check_idle(struct engine *en, uint32_t worker)
{
    struct fleet_worker *w = &en->memory.workers[worker];
    struct output       *o;

    if (w->state != WORKER_RETIRING || w->jobs || w->deliveries) return;
    o = turn_output(en, OUT_WORKER_IDLE);
    o->worker = worker;
    o->generation = w->generation;
}

void
fleet_free(struct engine *en, uint32_t slot)
{
    struct memory       *m = &en->memory;
    struct fleet_lease  *l = &m->leases[slot];
    struct fleet_worker *w = &m->workers[l->worker];

    assert(l->kind != LEASE_FREE && m->lease_count > 0);
    if (l->kind == LEASE_JOB) {
        assert(w->jobs > 0);
        w->jobs--;
        w->is_alone = false;
    } else {
        assert(w->deliveries > 0);
        w->deliveries--;
    }
    m->lease_count--;
    m->streams -= l->is_streaming;
    check_idle(en, l->worker);
    memset(l, 0, sizeof(*l));
    while (m->lease_high && m->leases[m->lease_high - 1].kind == LEASE_FREE)
        m->lease_high--;
}

struct fleet_lease *
fleet_find(struct engine *en, uint64_t token)
{
    for (uint32_t i = 0; i < en->memory.lease_high; i++) {
        struct fleet_lease *l = &en->memory.leases[i];

        if (l->kind != LEASE_FREE && l->token == token) return l;
    }
    return NULL;
}

struct fleet_lease *
fleet_find_job(struct engine *en, uint64_t job)
{
    for (uint32_t i = 0; i < en->memory.lease_high; i++) {
        struct fleet_lease *l = &en->memory.leases[i];

        if (l->kind == LEASE_JOB && l->id == job) return l;
    }
    return NULL;
}

uint32_t
fleet_slot(const struct engine *en, const struct fleet_lease *l)
{
    return (uint32_t)(l - en->memory.leases);
}

uint64_t
fleet_next_seq(struct engine *en, uint32_t worker)
{
    return ++en->memory.workers[worker].seq;
}

void
fleet_send(struct engine *en, uint32_t worker, uint64_t token, enum msg_id op, const void *m)
{
    struct buf packed BUF_AUTO = {0};
    struct output    *o = turn_output(en, OUT_TO_WORKER);

    o->worker = worker;
    o->generation = en->memory.workers[worker].generation;
    o->token = token;
    if (en->is_mute) return;
    worker_pack(op, m, &packed);
    o->body = arena_copy(&en->turn.arena, buf_view(&packed));
}

/* ---- the life of a worker ----------------------------------------------------- */

static void
count_slots(struct engine *en)
{
    en->memory.slot_count = 0;
    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        if (en->memory.workers[i].state == WORKER_UP)
            en->memory.slot_count += en->memory.workers[i].slots;
    }
}

/* The worker that the input speaks of; NULL when it is of another generation: a stale input,
 * dropped. */
static struct fleet_worker *
worker_of(struct engine *en, uint64_t index, uint64_t generation)
{
    struct fleet_worker *w;

    if (index >= WORKERS_MAX) return NULL;
    w = &en->memory.workers[index];
    return w->state != WORKER_NONE && w->generation == generation ? w : NULL;
}

/* That the one before it is gone may still be held back, when the store refused that input. */
void
on_worker_started(struct engine *en, const struct input *in)
{
    assert(in->worker < WORKERS_MAX);
    if (en->memory.workers[in->worker].state != WORKER_NONE) {
        const struct input gone = {.kind = INPUT_WORKER_GONE,
                                   .worker = in->worker,
                                   .generation = en->memory.workers[in->worker].generation};

        on_worker_gone(en, &gone);
    }
    en->memory.workers[in->worker] = (struct fleet_worker){.state = WORKER_STARTING,
                                                           .slots = in->slots,
                                                           .generation = in->generation,
                                                           .seen_boot_ms = en->turn.now.boot_ms};
}

void
on_worker_retire(struct engine *en, const struct input *in)
{
    struct fleet_worker *w = worker_of(en, in->worker, in->generation);

    if (!w || w->state == WORKER_LOST) return;
    w->state = WORKER_RETIRING;
    count_slots(en);
    check_idle(en, in->worker);
}

/* A lease whose worker will not report its end. */
static void
lose(struct engine *en, uint32_t slot, const char *why)
{
    if (en->memory.leases[slot].kind == LEASE_JOB) {
        attempt_lost(en, slot, why);
    } else {
        outbox_lost(en, slot);
    }
}

void
on_worker_gone(struct engine *en, const struct input *in)
{
    struct fleet_worker *w = worker_of(en, in->worker, in->generation);

    if (!w) return;
    for (uint32_t slot = 0; slot < en->memory.lease_high; slot++) {
        struct fleet_lease *l = &en->memory.leases[slot];

        if (l->kind == LEASE_FREE || l->worker != in->worker) continue;
        lose(en, slot, "its worker died");
    }
    feed_worker(en, FEED_WORKER_GONE, in->worker);
    memset(w, 0, sizeof(*w));
    count_slots(en);
}

void
on_send_failed(struct engine *en, const struct input *in)
{
    struct fleet_worker *w = worker_of(en, in->worker, in->generation);
    struct output       *o;

    if (!w || w->state == WORKER_LOST) return;
    /* A worker that takes no messages while it has free slots is as good as dead: its jobs come
     * back when it is gone. */
    w->state = WORKER_LOST;
    count_slots(en);
    o = turn_output(en, OUT_WORKER_KILL);
    o->worker = in->worker;
    o->generation = in->generation;
    o->text = "it takes no messages";
}

static void
give_up(struct engine *en, uint32_t worker, const char *why)
{
    struct fleet_worker *w = &en->memory.workers[worker];
    struct output       *o = turn_output(en, OUT_WORKER_KILL);

    o->worker = worker;
    o->generation = w->generation;
    o->text = why;
    w->state = WORKER_LOST;
    count_slots(en);
    feed_worker(en, FEED_WORKER_LOST, worker);
}

void
fleet_due(struct engine *en)
{
    int64_t timeout = en->memory.limits.heartbeat_timeout_ms;

    for (uint32_t i = 0; i < WORKERS_MAX; i++) {
        struct fleet_worker *w = &en->memory.workers[i];

        if (w->state == WORKER_NONE || w->state == WORKER_LOST) continue;
        /* The loop itself was kept from its work: what the workers sent meanwhile may still be on
         * its way (N26). */
        if (en->turn.header.stall_ms > timeout / 2) w->seen_boot_ms = en->turn.now.boot_ms;
        if (en->turn.now.boot_ms - w->seen_boot_ms >= timeout) give_up(en, i, "it is silent");
    }
}

int64_t
fleet_deadline(const struct memory *m)
{
    int64_t first = INT64_MAX;

    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        const struct fleet_worker *w = &m->workers[i];
        int64_t                    at = w->seen_boot_ms + m->limits.heartbeat_timeout_ms;

        if (w->state != WORKER_NONE && w->state != WORKER_LOST && at < first) first = at;
    }
    return first;
}

/* ---- reports ------------------------------------------------------------------ */

/* Its first report: the hello, or another one when the hello came before the store took its start.
 */
static void
come_up(struct engine *en, uint32_t worker, enum msg_id id, const union msg *m)
{
    struct fleet_worker *w = &en->memory.workers[worker];

    w->state = WORKER_UP;
    if (id == MSG_HELLO) w->pid = m->hello.pid;
    count_slots(en);
    limit_released(en, HELD_ALONE, 0);
    feed_worker(en, FEED_WORKER_UP, worker);
}

static bool
list_has(struct view list, uint64_t token)
{
    struct list_iter it = list_iter_of(list);
    struct view      item;

    while (list_next(&it, &item)) {
        struct mp_reader r = mp_reader_of(item);
        uint64_t         n;

        if (mp_read_u64(&r, &n) && n == token) return true;
    }
    return false;
}

/* A lease that the worker has seen, does not run and has not reported is lost (N32). */
static void
on_heartbeat(struct engine *en, struct fleet_worker *w, const struct msg_heartbeat *m)
{
    w->lag_us = m->lag_us;
    for (uint32_t slot = 0; slot < en->memory.lease_high; slot++) {
        struct fleet_lease *l = &en->memory.leases[slot];

        if (l->kind == LEASE_FREE || l->worker != m->worker || l->seq > m->last_seq) continue;
        if (list_has(m->running, l->token)) continue;
        lose(en, slot, "its worker lost it");
    }
}

/* The lease that a report is about; NULL when it is over: a late report, refused by its token (A7).
 */
static struct fleet_lease *
lease_of(struct engine *en, uint64_t slot, uint64_t token, uint64_t worker, enum lease_kind kind)
{
    struct fleet_lease *l = &en->memory.leases[slot];

    return l->kind == kind && l->token == token && l->worker == worker ? l : NULL;
}

static void
report(struct engine *en, struct fleet_worker *w, enum msg_id id, const union msg *m)
{
    struct fleet_lease *l;

    switch (id) {
    case MSG_HELLO: break;
    case MSG_HEARTBEAT: on_heartbeat(en, w, &m->heartbeat); break;
    case MSG_PROGRESS:
        l = lease_of(en, m->progress.slot, m->progress.token, m->progress.worker, LEASE_JOB);
        if (l) attempt_progress(en, l, &m->progress);
        break;
    case MSG_DELTA:
        l = lease_of(en, m->delta.slot, m->delta.token, m->delta.worker, LEASE_JOB);
        if (!l) break;
        reply_heard(en, l);
        readers_hear(en, l->id, m->delta.piece, m->delta.text);
        break;
    case MSG_ENDED:
        l = lease_of(en, m->ended.slot, m->ended.token, m->ended.worker, LEASE_JOB);
        if (l) attempt_ended(en, (uint32_t)m->ended.slot, &m->ended);
        break;
    case MSG_EFFECT_DONE:
        l = lease_of(en, m->effect_done.slot, m->effect_done.token, m->effect_done.worker,
                     LEASE_EFFECT);
        if (l) outbox_done(en, (uint32_t)m->effect_done.slot, &m->effect_done);
        break;
    default: break;
    }
}

void
fleet_report(struct engine *en, uint32_t worker, uint64_t generation, enum msg_id id,
             const union msg *m)
{
    struct fleet_worker *w = worker_of(en, worker, generation);

    if (!w || w->state == WORKER_LOST) return;
    w->seen_boot_ms = en->turn.now.boot_ms;
    if (w->state == WORKER_STARTING) come_up(en, worker, id, m);
    report(en, w, id, m);
}

void
on_report(struct engine *en, const struct input *in)
{
    const struct msg_desc *d;
    union msg              m;
    struct err             e = {0};

    if (worker_open(GROUP_FROM_WORKER, in->body, &d, &m, &e)) {
        /* The shell names the worker that sent it by the peer's pid. */
        struct fleet_worker *w = worker_of(en, in->worker, in->generation);

        turn_log(en, LOG_LEVEL_WARN, "malformed report", "worker=%" PRIu32 " error=%s", in->worker,
                 log_quote(e.msg));
        if (w && w->state != WORKER_LOST) give_up(en, in->worker, "it sent a malformed report");
        return;
    }
    /* Every report begins with worker and generation; the shell has read them from the sender. */
    fleet_report(en, in->worker, in->generation, d->id, &m);
}
