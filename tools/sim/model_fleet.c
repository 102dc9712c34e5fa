#include "tools/sim/model.h"

#include "tools/sim/verdict.h"

#include <inttypes.h>

/* ---- leases ---------------------------------------------------------------------------------- */

struct m_lease *
m_lease(struct model *m, uint64_t token)
{
    for (size_t i = 0; i < m->leases.count; i++) {
        if (m->leases.items[i].token == token) return &m->leases.items[i];
    }
    return NULL;
}

void
m_drop_lease(struct model *m, const struct m_lease *l)
{
    size_t i = (size_t)(l - m->leases.items);

    claim(i < m->leases.count, "a lease that is not in the list");
    LIST_REMOVE(&m->leases, i);
}

static void
lose(struct model *m, const struct m_lease *l, const char *class)
{
    if (l->is_effect) {
        m_effect_lost(m, l);
    } else {
        m_attempt_lost(m, l, class);
    }
}

/* The first reason wins and fixes the class; the message goes out each time (N1). */
void
m_stop_attempt(struct model *m, struct m_job *j, const char *reason, int64_t grace_ms)
{
    const struct m_lease *l = m_lease(m, j->token);

    claim(l, "running job %" PRIu64 " without a lease", j->id);
    if (j->stop_reason && strcmp(reason, "interrupted") != 0) return; /* it is told already */
    if (!j->stop_reason && strcmp(reason, "aborted") == 0) j->failure = reason; /* told at once */
    if (!j->stop_reason) j->stop_reason = reason;
    m_touch(j);
    if (l->is_old) return; /* its processes are being ended already */
    *LIST_ADD(&m->stops) = (struct m_stop){j->token, grace_ms};
}

/* ---- workers --------------------------------------------------------------------------------- */

/* NULL: of another generation, a stale input. */
static struct m_worker *
worker_of(struct model *m, const struct input *in)
{
    struct m_worker *w = &m->workers[in->worker];

    return w->state != M_NONE && w->generation == in->generation ? w : NULL;
}

static void
give_up(struct model *m, uint32_t worker)
{
    m->workers[worker].state = M_LOST;
    *LIST_ADD(&m->kills) = worker;
}

static void
lose_worker(struct model *m, uint32_t worker)
{
    for (size_t i = m->leases.count; i-- > 0;) {
        const struct m_lease l = m->leases.items[i];

        if (!l.is_old && l.worker == worker) lose(m, &m->leases.items[i], "worker_lost");
    }
    m->workers[worker] = (struct m_worker){0};
}

/* Of an earlier agentd: its attempt was interrupted, its delivery has an unknown outcome (N26). */
static void
lease_gone(struct model *m, uint64_t token)
{
    const struct m_lease *l = m_lease(m, token);

    if (l && l->is_old) lose(m, l, "interrupted");
}

/* ---- reports --------------------------------------------------------------------------------- */

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

/* Seen by the worker, not running there, not reported: lost (N32). */
static void
heartbeat(struct model *m, uint32_t worker, const struct msg_heartbeat *h)
{
    for (size_t i = m->leases.count; i-- > 0;) {
        const struct m_lease l = m->leases.items[i];

        if (l.is_old || l.worker != worker || l.seq > h->last_seq) continue;
        if (!list_has(h->running, l.token)) lose(m, &m->leases.items[i], "worker_lost");
    }
}

/* The lease that a report is about; NULL: over, the report is refused by its token (A7). */
static struct m_lease *
reported(struct model *m, uint64_t token, uint32_t worker, bool is_effect)
{
    struct m_lease *l = m_lease(m, token);

    return l && !l->is_old && l->worker == worker && l->is_effect == is_effect ? l : NULL;
}

static void
report(struct model *m, const struct input *in)
{
    struct m_worker       *w = worker_of(m, in);
    const struct msg_desc *d;
    struct m_lease        *l;
    union msg              r;
    struct err             e = {0};

    if (!w || w->state == M_LOST) return;
    if (worker_open(GROUP_FROM_WORKER, in->body, &d, &r, &e)) {
        give_up(m, in->worker); /* a bad worker message costs the worker its life */
        return;
    }
    w->seen_boot_ms = m->now.boot_ms;
    if (w->state == M_STARTING) w->state = M_UP;
    if (d->id == MSG_HEARTBEAT) heartbeat(m, in->worker, &r.heartbeat);
    if (d->id == MSG_PROGRESS && (l = reported(m, r.progress.token, in->worker, false)))
        m_attempt_progress(m, l, &r.progress);
    if (d->id == MSG_ENDED && (l = reported(m, r.ended.token, in->worker, false)))
        m_attempt_ended(m, l, &r.ended);
    if (d->id == MSG_EFFECT_DONE && (l = reported(m, r.effect_done.token, in->worker, true)))
        m_effect_done(m, l, &r.effect_done);
}

/* ---- inputs ---------------------------------------------------------------------------------- */

static void
send_failed(struct model *m, const struct input *in)
{
    struct m_worker *w = worker_of(m, in);

    if (w && w->state != M_LOST) give_up(m, in->worker);
}

static void
interrupt(struct model *m, int64_t grace_ms)
{
    m->is_draining = true;
    for (size_t i = 0; i < m->leases.count; i++) {
        const struct m_lease *l = &m->leases.items[i];

        if (!l->is_effect && !l->is_old)
            m_stop_attempt(m, m_job(m, l->id), "interrupted", grace_ms);
    }
}

/* Whoever runs or sends now belongs to an earlier agentd. */
static void
boot(struct model *m, const struct input *in)
{
    bool is_soon = in->last_sign_of_life_ms - m->last_crash_ms < 600000;

    m->crash_row = in->unclean ? (is_soon ? m->crash_row + 1 : 1) : 0;
    if (in->unclean) m->last_crash_ms = in->last_sign_of_life_ms;
    if (m->crash_row >= 3) m->hold_until_boot = m->now.boot_ms + 60000;
    m->started_at = m->now.wall_ms;
    if (m->objects.count == 0) m_builtins(m);
    m->has_limits = m->limits_spec.size > 0 && !in->config_follows;
    m->is_booted = true;
    m_gateway_gone(m);
    if (m->last_wall_ms > m->now.wall_ms) m->behind_from = m->last_wall_ms;
    m_believe_clock(m);
}

void
m_input(struct model *m, const struct input *in)
{
    struct m_worker *w = worker_of(m, in);

    switch (in->kind) {
    case INPUT_BOOT: boot(m, in); break;
    case INPUT_REPORT: report(m, in); break;
    case INPUT_WORKER_STARTED: /* the one before it is gone, though nobody may have said so yet */
        lose_worker(m, in->worker);
        m->workers[in->worker] = (struct m_worker){.state = M_STARTING,
                                                   .generation = in->generation,
                                                   .slots = in->slots,
                                                   .seen_boot_ms = m->now.boot_ms};
        break;
    case INPUT_WORKER_RETIRE:
        if (w && w->state != M_LOST) w->state = M_RETIRING;
        break;
    case INPUT_WORKER_GONE:
        if (w) lose_worker(m, in->worker);
        break;
    case INPUT_SEND_FAILED: send_failed(m, in); break;
    case INPUT_LEASE_GONE: lease_gone(m, in->token); break;
    case INPUT_DRAIN: m->is_draining = true; break;
    case INPUT_INTERRUPT: interrupt(m, in->grace_ms); break;
    case INPUT_GATEWAY_GONE: m_gateway_gone(m); break;
    case INPUT_GOODBYE:
    case INPUT_ZONE:
    case INPUT_CONFIG:
    case INPUT_REQUEST: break;
    }
}

/* ---- due ------------------------------------------------------------------------------------- */

/* Silent workers, judged after the reports were taken; a gap in the loop gives all of them a new
 * start (N26).  Then the leases whose boot-time end has passed (A7). */
void
m_fleet_due(struct model *m)
{
    int64_t timeout = m->limits.heartbeat_timeout_ms;

    for (uint32_t i = 0; i < WORKERS_MAX; i++) {
        struct m_worker *w = &m->workers[i];

        if (w->state == M_NONE || w->state == M_LOST) continue;
        if (m->turn->header.stall_ms > timeout / 2) w->seen_boot_ms = m->now.boot_ms;
        if (m->now.boot_ms - w->seen_boot_ms >= timeout) give_up(m, i);
    }
    for (size_t i = 0; i < m->leases.count; i++) {
        const struct m_lease *l = &m->leases.items[i];
        struct m_job         *j = l->is_effect || l->is_old ? NULL : m_job(m, l->id);

        if (j && !j->stop_reason && j->lease_end_boot <= m->now.boot_ms)
            m_stop_attempt(m, j, "lease_expired", m->limits.kill_grace_ms);
    }
}
