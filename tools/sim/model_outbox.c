/* What becomes of effects that are sent: outcomes, order, and what is given up (D4, N22). */
#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>
#include <stdio.h>

#define SENDS_MAX 5 /* of one effect */

/* ---- outcomes -------------------------------------------------------------------------------- */

static struct m_effect *
effect_of(struct model *m, const struct m_lease *l)
{
    struct m_effect *e = l->id <= m->effects.count ? &m->effects.items[l->id - 1] : NULL;

    claim(e && (e->token == l->token || e->token == 0),
          "a lease of effect %" PRIu64 " is not its last", l->id);
    return e->token ? e : NULL; /* NULL: an operator has said meanwhile what became of it */
}

static void
settle(const struct model *m, struct m_effect *e, enum effect_status status, bool is_probe_owed)
{
    e->status = (uint8_t)status;
    e->is_probe_owed = is_probe_owed;
    e->token = 0;
    e->settled_at = m->now.wall_ms;
    e->is_touched = true;
}

static uint32_t
sends_max(struct model *m, const struct m_effect *e)
{
    const struct m_object *o = m_object(m, e->sink);

    return HAS(&o->declared.sink, sink, max_attempts) ? (uint32_t)o->declared.sink.max_attempts
                                                      : SENDS_MAX;
}

static void
try_again(struct model *m, struct m_effect *e)
{
    settle(m, e, e->attempts >= sends_max(m, e) ? STATUS_FAILED : STATUS_PENDING, false);
}

/* Nobody knows whether it came.  A file is asked; a sink that knows effects by their id gets it
 * again; for others somebody has to say (D4, D5). */
static void
doubt(struct model *m, struct m_effect *e)
{
    const struct m_object *o = m_object(m, e->sink);
    bool                   is_file = view_is(o->declared.sink.kind, "file") || o->is_gone;

    if (!is_file && o->declared.sink.idempotent && e->attempts < sends_max(m, e)) {
        try_again(m, e);
    } else {
        settle(m, e, STATUS_UNKNOWN, is_file);
    }
}

/* Of one session and sink.  A schedule's session goes by age when the schedule is removed, and one
 * of its name that is made later has another: of these the rows tell. */
static bool
shares_queue(const struct model *m, const struct m_effect *a, const struct m_effect *b)
{
    struct effect x = {.id = a->id}, y = {.id = b->id};

    if (a->session != b->session || a->sink != b->sink) return false;
    return a->session < 0 || (effect_load(m->txn, &x) == LOAD_FOUND &&
                              effect_load(m->txn, &y) == LOAD_FOUND && x.session == y.session);
}

/* It was not sent: it goes before those behind it, but for the one that is being sent, with which
 * it changes places. */
static void
resume_place(struct model *m, struct m_effect *e)
{
    for (size_t i = m->settled; i < m->effects.count; i++) {
        struct m_effect *other = &m->effects.items[i];
        uint64_t         place = e->place;

        if (other == e || other->status != STATUS_ATTEMPTING || other->place < place) continue;
        if (!shares_queue(m, other, e)) continue;
        e->place = other->place;
        other->place = place;
        return;
    }
}

/* What may have been sent is never sent again blindly (D4). */
void
m_effect_done(struct model *m, const struct m_lease *l, const struct msg_effect_done *d)
{
    struct m_effect *e = effect_of(m, l);

    m_drop_lease(m, l);
    if (!e) return;
    if (!e->is_probe_owed) m_share_judge(m, e);
    if (view_is(d->outcome, "delivered")) {
        settle(m, e, STATUS_DELIVERED, false);
    } else if (view_is(d->outcome, "absent") && e->is_probe_owed) {
        try_again(m, e);
        if (e->status == STATUS_PENDING) resume_place(m, e);
    } else if (e->is_probe_owed) {
        settle(m, e, STATUS_UNKNOWN, !d->final);
    } else if (!view_is(d->outcome, "failed")) {
        doubt(m, e);
    } else if (d->final) {
        settle(m, e, STATUS_FAILED, false);
    } else {
        try_again(m, e);
        e->earliest = m->now.wall_ms + d->after_ms;
    }
    e->not_before = -1; /* the row tells when it is tried again */
}

void
m_effect_lost(struct model *m, const struct m_lease *l)
{
    struct m_effect *e = effect_of(m, l);

    m_drop_lease(m, l);
    if (!e) return;
    if (e->is_probe_owed) {
        settle(m, e, STATUS_UNKNOWN, true);
    } else {
        doubt(m, e);
    }
    e->not_before = -1;
}

/* Of one that nobody knows about an operator says what became of it. */
enum errc
m_effect_resolve(struct model *m, const struct input *in, const struct msg_effect_resolve *q,
                 const struct output *reply)
{
    struct m_effect *ef = q->id <= m->effects.count ? &m->effects.items[q->id - 1] : NULL;
    bool             is_delivered = view_is(q->outcome, "delivered");
    enum errc        e = E_OK;

    if (!is_delivered && !view_is(q->outcome, "failed")) {
        e = E_BAD_REQUEST;
    } else if (!ef || ef->is_purged || ef->is_asked || !m_sees(m, &in->actor, ef->company)) {
        e = E_NOT_FOUND;
    } else if (ef->status != STATUS_UNKNOWN) {
        e = E_WRONG_STATE;
    }
    m_check_answer(in, reply, e);
    if (e == E_OK) settle(m, ef, is_delivered ? STATUS_DELIVERED : STATUS_FAILED, false);
    return e;
}

/* ---- sends ----------------------------------------------------------------------------------- */

static bool
is_under_way(const struct m_effect *e)
{
    return e->status == STATUS_PENDING || e->status == STATUS_ATTEMPTING;
}

/* The first of its (session, sink) that is pending or attempting (N22); what is put off and has not
 * joined holds back nobody. */
bool
m_is_head(const struct model *m, const struct m_effect *e)
{
    for (size_t i = m->settled; i < m->effects.count; i++) {
        const struct m_effect *other = &m->effects.items[i];

        if (!is_under_way(other) || other->place >= M_PUT_OFF || other->place >= e->place) continue;
        if (shares_queue(m, other, e)) return false;
    }
    return true;
}

static uint32_t
deliveries_on(const struct model *m, uint32_t worker)
{
    uint32_t n = 0;

    for (size_t i = 0; i < m->leases.count; i++) {
        const struct m_lease *l = &m->leases.items[i];

        n += l->is_effect && !l->is_old && l->worker == worker;
    }
    return n;
}

static bool
is_too_late(const struct model *m, const struct m_effect *e)
{
    return e->status == STATUS_PENDING && e->not_after && e->not_after <= m->now.wall_ms;
}

static void
sent(struct model *m, const struct m_message *msg)
{
    const struct msg_effect_send *s = &msg->m.effect_send;
    struct m_effect              *e;

    claim(s->effect > 0 && s->effect <= m->effects.count,
          "effect %" PRIu64 ", which no attempt left, was sent", s->effect);
    e = &m->effects.items[s->effect - 1];
    claim(m_may_send(m), "effect %" PRIu64 " was sent while draining or stopped", e->id);
    claim(e->token == 0, "effect %" PRIu64 " was sent twice at a time", e->id);
    claim(s->probe == e->is_probe_owed, "effect %" PRIu64 ": probe %d, expected %d", e->id,
          s->probe, e->is_probe_owed);
    claim(e->status == (s->probe ? STATUS_UNKNOWN : STATUS_PENDING),
          "effect %" PRIu64 " was sent in status %u", e->id, e->status);
    claim(!is_too_late(m, e), "effect %" PRIu64 " was sent too late", e->id);
    claim(e->not_before <= m->now.wall_ms && e->earliest <= m->now.wall_ms,
          "effect %" PRIu64 " was sent too early", e->id);
    claim(!m_is_gateway(m, e->sink), "effect %" PRIu64 ", for readers, was sent by a worker",
          e->id);
    claim(m_share_is_left(m, e->sink), "effect %" PRIu64 " was sent beyond its sink's share",
          e->id);
    claim(s->probe || !m_is_disabled(m, e), "effect %" PRIu64 ", which nobody asked for, was sent",
          e->id);
    claim(s->probe || m_is_head(m, e), "effect %" PRIu64 " was sent before an earlier one", e->id);
    claim(e->place < M_PUT_OFF, "effect %" PRIu64 " was sent and has no place", e->id);
    claim(m->workers[msg->worker].state == M_UP &&
              m->workers[msg->worker].generation == msg->generation,
          "an effect was sent to a worker that is not up");
    claim(s->token > m->last_token, "token %" PRIu64 " is not above all before it", s->token);
    m->last_token = s->token;
    e->token = s->token;
    if (!s->probe) {
        e->status = STATUS_ATTEMPTING;
        e->attempts++;
        e->earliest = 0; /* it has come; a clock that goes back does not put it off again */
        e->sent_at = m->now.wall_ms;
    }
    e->is_touched = true;
    *LIST_ADD(&m->leases) = (struct m_lease){.token = s->token,
                                             .id = e->id,
                                             .seq = s->seq,
                                             .slot = s->slot,
                                             .worker = msg->worker,
                                             .is_effect = true};
}

static bool
goes(struct model *m, int object)
{
    return object >= 0 && (!m_is_in_store(m_object(m, object)) || m_object(m, object)->is_removing);
}

/* It was closed with its agent or its company. */
static bool
is_session_gone(struct model *m, const struct m_effect *e)
{
    const struct m_session *s = e->session < -1 ? m_session(m, (uint64_t)(-1 - e->session)) : NULL;

    return s && s->status == SESSION_CLOSED && (goes(m, s->agent) || goes(m, s->company));
}

/* An effect whose sink, company or session is gone is not sent: it is failed, at the latest when
 * its turn has come, and one of unknown outcome stays so. */
static void
give_up(struct model *m, struct m_effect *e)
{
    struct effect row = {.id = e->id};

    if (e->sink < 0 || e->token != 0) return;
    if (!m_object(m, e->sink)->is_gone && m_is_in_store(m_object(m, e->company)) &&
        !is_session_gone(m, e)) {
        return;
    }
    if (!is_under_way(e) && !e->is_probe_owed) return;
    claim(effect_load(m->txn, &row) == LOAD_FOUND, "effect %" PRIu64 " is not in the store", e->id);
    if (row.status == STATUS_FAILED && is_under_way(e)) settle(m, e, STATUS_FAILED, false);
    if (row.status == STATUS_UNKNOWN && !row.probe) settle(m, e, STATUS_UNKNOWN, false);
}

bool
m_is_disabled(const struct model *m, const struct m_effect *e)
{
    return e->is_autonomous && e->resends == 0 && !m->limits.session_enabled;
}

/* While sessions are disabled, what nobody asked for is refused when it would be sent, which the
 * row tells (D7). */
static void
refuse(struct model *m, struct m_effect *e)
{
    struct effect row = {.id = e->id};

    if (e->status != STATUS_PENDING || !m_is_disabled(m, e) || e->earliest > m->now.wall_ms) return;
    if (effect_load(m->txn, &row) != LOAD_FOUND || row.status != STATUS_REJECTED) return;
    settle(m, e, STATUS_REJECTED, false);
    e->reason = "disabled";
    e->allowed_at = 0;
}

/* It expires as soon as a turn has room for it, which the row tells. */
static void
expire(struct model *m, struct m_effect *e)
{
    struct effect row = {.id = e->id};

    if (!is_too_late(m, e) || effect_load(m->txn, &row) != LOAD_FOUND) return;
    if (row.status == STATUS_EXPIRED) settle(m, e, STATUS_EXPIRED, false);
}

void
m_check_effect_deadline(const struct model *m)
{
    for (size_t i = m->settled; i < m->effects.count; i++) {
        const struct m_effect *e = &m->effects.items[i];

        claim(e->status != STATUS_PENDING || e->not_after == 0 ||
                  m->turn->deadline.wall_ms <= e->not_after,
              "the engine sleeps past not_after of effect %" PRIu64, e->id);
    }
}

static bool
some_worker_delivers(const struct model *m)
{
    for (uint32_t i = 0; i < WORKERS_MAX; i++) {
        if (m->workers[i].state == M_UP && deliveries_on(m, i) == 0) return true;
    }
    return false;
}

/* The head of a queue, and a probe, wait for their time, which the row tells, and for their sink's
 * share only. */
static void
check_waits_rightly(struct model *m, struct m_effect *e)
{
    bool waits = e->token == 0 && (e->status == STATUS_PENDING || e->is_probe_owed);

    if (m_is_gateway(m, e->sink)) return; /* no worker's */
    if (!waits || is_too_late(m, e)) return;
    claim(e->place < M_PUT_OFF || e->earliest > m->now.wall_ms,
          "the time of effect %" PRIu64 " has come, and it has no place", e->id);
    if (!e->is_probe_owed && !m_is_head(m, e)) return;
    m_compare_effect(m, e);
    claim(e->not_before > m->now.wall_ms || !m_share_is_left(m, e->sink),
          "effect %" PRIu64 " could be sent and was left waiting", e->id);
}

/* Whether it was put off and its time has come, which puts it at the end of its queue as soon as
 * somebody could send it; the row tells. */
static bool
joins(struct model *m, const struct m_effect *e)
{
    struct effect row = {.id = e->id};

    return e->status == STATUS_PENDING && e->place >= M_PUT_OFF && e->earliest <= m->now.wall_ms &&
           effect_load(m->txn, &row) == LOAD_FOUND && row.place < M_PUT_OFF;
}

/* In the order of their times. */
static void
join_queues(struct model *m)
{
    for (;;) {
        struct m_effect *first = NULL;

        for (size_t i = m->settled; i < m->effects.count; i++) {
            struct m_effect *e = &m->effects.items[i];

            if (!joins(m, e) || (first && first->earliest < e->earliest)) continue;
            if (!first || e->earliest < first->earliest || e->place < first->place) first = e;
        }
        if (!first) return;
        first->place = ++m->places;
        first->earliest = 0; /* it has come; a clock that goes back does not put it off again */
        first->is_touched = true;
    }
}

void
m_effects_dispatch(struct model *m)
{
    struct m_message *msg;
    bool              has_worker;

    for (size_t i = m->settled; i < m->effects.count; i++) {
        give_up(m, &m->effects.items[i]);
        refuse(m, &m->effects.items[i]);
        expire(m, &m->effects.items[i]);
    }
    join_queues(m);
    while ((msg = m_next_message(m, MSG_EFFECT_SEND))) {
        msg->is_explained = true;
        sent(m, msg);
    }
    m_readers_dispatch(m);
    has_worker = m_may_send(m) && some_worker_delivers(m);
    while (m->settled < m->effects.count && !is_under_way(&m->effects.items[m->settled]) &&
           !m->effects.items[m->settled].is_probe_owed)
        m->settled++;
    for (size_t i = m->settled; has_worker && i < m->effects.count; i++)
        check_waits_rightly(m, &m->effects.items[i]);
}

bool
m_effects_rest(struct model *m, char *what, size_t size)
{
    for (size_t i = m->settled; i < m->effects.count; i++) {
        const struct m_effect *e = &m->effects.items[i];

        if (!(is_under_way(e) || e->is_probe_owed)) continue;
        if (m_waits_for_reader(m, e) && !is_session_gone(m, e)) continue;
        snprintf(what, size, "effect %" PRIu64 " has status %u", e->id, e->status);
        return false;
    }
    return true;
}
