#include "tools/sim/model.h"

#include "tools/sim/verdict.h"

#include <inttypes.h>
#include <stdio.h>

#define SENDS_MAX 5            /* of one effect */
#define PUT_OFF   (1ULL << 62) /* added to the place of what gives way to all that may go */

/* ---- commit ---------------------------------------------------------------------------------- */

static const struct actor daemon_actor = {.kind = "daemon", .role = ROLE_ADMIN};

/* The agent's own sinks, else the default ones. */
static uint32_t
sinks_of(struct model *m, const struct m_job *j, int *sinks, uint32_t max)
{
    struct m_object *agent = m_object(m, j->agent);
    bool             own = agent && agent->declared.agent.sinks.size > 0;
    struct view      list = own ? agent->declared.agent.sinks : m->limits.session_sinks;
    struct list_iter it;
    struct view      item;
    uint32_t         n = 0;

    if (list.size == 0) return 0;
    it = list_iter_of(list);
    while (n < max && list_next(&it, &item)) {
        struct mp_reader r = mp_reader_of(item);
        int              company = j->company;
        enum errc        e = E_OK;
        struct view      name;

        if (!mp_read_str(&r, &name)) continue;
        sinks[n] = m_ref(m, &daemon_actor, KIND_SINK, name, &company, &e);
        n += sinks[n] >= 0;
    }
    return n;
}

/* A schedule's session is known by its name: one made anew under that name comes to the same one.
 */
static int
session_of(struct model *m, int schedule)
{
    const struct m_object *o = m_object(m, schedule);

    for (int i = 0; i < schedule; i++) {
        const struct m_object *other = m_object(m, i);

        if (other->kind == KIND_SCHEDULE && other->company == o->company &&
            view_eq(other->name, o->name))
            return i;
    }
    return schedule;
}

/* Every sink but the gateway's says how long (D4). */
static int64_t
not_after(struct model *m, int sink)
{
    const struct m_object *o = m_object(m, sink);

    if (!o || !HAS(&o->declared.sink, sink, not_after_ms)) return 0;
    return o->declared.sink.not_after_ms == NO_LIMIT
               ? 0
               : m->now.wall_ms + o->declared.sink.not_after_ms;
}

static struct m_effect *
add(struct model *m, const struct m_job *j, struct view payload, int sink)
{
    struct m_effect *e = LIST_ADD(&m->effects);

    e->id = m->effects.count;
    e->place = ++m->places;
    e->job = j->id;
    e->company = j->company;
    e->payload = hash64(payload, 0);
    e->sink = sink;
    e->session = j->session ? -1 - (int)j->session : session_of(m, j->schedule);
    e->status = sink < 0 ? STATUS_SUPPRESSED : STATUS_PENDING;
    e->not_before = m->now.wall_ms;
    e->not_after = not_after(m, sink);
    e->settled_at = m->now.wall_ms;
    e->is_touched = true;
    return e;
}

/* With a jitter only the row tells which of two schedules that alert in one turn was the first. */
static int
schedule_of_note(struct model *m, uint64_t id, int schedule)
{
    struct effect ef = {.id = id};

    if (effect_load(m->txn, &ef) != LOAD_FOUND) return schedule;
    for (size_t i = 0; i < m->schedules.count; i++) {
        struct m_object *o = m_object(m, m->schedules.items[i].object);
        struct schedule  row = {.id = o->id};

        if (!o->is_gone && schedule_load(m->txn, &row) == LOAD_FOUND && row.session == ef.session)
            return m->schedules.items[i].object;
    }
    return schedule;
}

void
m_note(struct model *m, int schedule)
{
    struct m_job nobody = {.company = m_object(m, schedule)->company, .agent = -1};
    int          sinks[8];
    uint32_t     count = sinks_of(m, &nobody, sinks, ARRAY_LEN(sinks));

    for (uint32_t i = 0; i < count; i++) {
        nobody.schedule = schedule_of_note(m, m->effects.count + 1, schedule);
        nobody.company = m_object(m, nobody.schedule)->company;
        add(m, &nobody, (struct view){0}, sinks[i])->is_note = true;
    }
}

/* It is applied in the very commit: done, or refused; or it waits for a person. */
static void
add_inside(struct model *m, const struct m_job *j, struct view payload)
{
    struct m_effect *e = add(m, j, payload, -1);
    enum m_fate      fate = m_inside(m, j, e->id, payload);

    e->status = fate == M_DONE ? STATUS_DELIVERED : STATUS_REJECTED;
    e->is_asked = fate == M_ASKED;
}

/* Who reads the session. */
static int
gateway(struct model *m)
{
    return m_find(m, KIND_SINK, m_find(m, KIND_COMPANY, -1, view_str("default")),
                  view_str("gateway"));
}

/* A message goes to each of the sinks, unless a policy gate forbids it. */
static void
add_message(struct model *m, const struct m_job *j, struct view payload, const int *sinks,
            uint32_t count)
{
    struct m_ruling r = m_judge_message(m, j);
    enum errc       e;
    int             named = m_named_sink(m, j, payload, &e);
    int64_t         own = 0, at = r.allowed_at ? r.allowed_at : m->now.wall_ms;

    if (named >= 0) {
        sinks = &named;
        count = 1;
    }
    if (r.is_autonomous && m->limits.session_quiet_hours.size)
        at = m_quiet_end(m->limits.session_quiet_hours, m->limits.session_zone, at);
    (void)mp_find_i64(payload, "not_after", &own);
    for (uint32_t i = 0; i < count; i++) {
        struct m_effect *ef = add(m, j, payload, sinks[i]);

        ef->is_autonomous = r.is_autonomous;
        ef->reason = r.reason;
        ef->allowed_at = r.allowed_at;
        if (r.reason) {
            ef->status = STATUS_REJECTED;
            return;
        }
        ef->earliest = at > m->now.wall_ms ? at : 0;
        if (ef->earliest) ef->place += PUT_OFF;
        if (ef->not_after) ef->not_after += at - m->now.wall_ms;
        if (own) ef->not_after = own;
    }
}

void
m_effects_commit(struct model *m, uint64_t job, struct view effects)
{
    const struct m_job copy = *m_job(m, job), *j = &copy; /* the list of jobs may move */
    struct list_iter   it = list_iter_of(effects);
    struct view        item;
    int                sinks[8];
    uint32_t           count = sinks_of(m, j, sinks, ARRAY_LEN(sinks));
    bool               is_suppressed = j->schedule >= 0 && m_is_in_shadow(m, j->schedule);
    enum errc          e;
    int                named;

    if (count == 0 && j->session) sinks[count++] = gateway(m);
    while (list_next(&it, &item)) {
        if (m_is_inside(item) && !is_suppressed) {
            add_inside(m, j, item);
            continue;
        }
        if (m_is_inside(item) || (count == 0 && m_named_sink(m, j, item, &e) < 0)) {
            (void)add(m, j, item, -1);
            continue;
        }
        if (!is_suppressed) {
            add_message(m, j, item, sinks, count);
            continue;
        }
        if ((named = m_named_sink(m, j, item, &e)) >= 0) {
            add(m, j, item, named)->status = STATUS_SUPPRESSED;
            continue;
        }
        for (uint32_t i = 0; i < count; i++)
            add(m, j, item, sinks[i])->status = STATUS_SUPPRESSED;
    }
}

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

/* What may have been sent is never sent again blindly (D4). */
void
m_effect_done(struct model *m, const struct m_lease *l, const struct msg_effect_done *d)
{
    struct m_effect *e = effect_of(m, l);

    m_drop_lease(m, l);
    if (!e) return;
    if (view_is(d->outcome, "delivered")) {
        settle(m, e, STATUS_DELIVERED, false);
    } else if (view_is(d->outcome, "absent") && e->is_probe_owed) {
        try_again(m, e);
        if (e->status == STATUS_PENDING) e->place = ++m->places; /* at the end (N22) */
    } else if (e->is_probe_owed) {
        settle(m, e, STATUS_UNKNOWN, true);
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

/* The first of its (session, sink) that is pending or attempting (N22). */
static bool
is_head(const struct model *m, const struct m_effect *e)
{
    for (size_t i = m->settled; i < m->effects.count; i++) {
        const struct m_effect *other = &m->effects.items[i];

        if (other->session != e->session || other->sink != e->sink) continue;
        if (is_under_way(other) && other->place < e->place) return false;
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
    claim(s->probe || is_head(m, e), "effect %" PRIu64 " was sent before an earlier one", e->id);
    if (e->place >= PUT_OFF) e->place = ++m->places;
    claim(m->workers[msg->worker].state == M_UP &&
              m->workers[msg->worker].generation == msg->generation,
          "an effect was sent to a worker that is not up");
    claim(s->token > m->last_token, "token %" PRIu64 " is not above all before it", s->token);
    m->last_token = s->token;
    e->token = s->token;
    if (!s->probe) {
        e->status = STATUS_ATTEMPTING;
        e->attempts++;
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

/* The head of a queue, and a probe, wait for their time only, which the row tells. */
static void
check_waits_rightly(struct model *m, struct m_effect *e)
{
    bool waits = e->token == 0 && (e->status == STATUS_PENDING || e->is_probe_owed);

    if (m_is_gateway(m, e->sink)) return; /* nobody reads */
    if (!waits || is_too_late(m, e) || (!e->is_probe_owed && !is_head(m, e))) return;
    m_compare_effect(m, e);
    claim(e->not_before > m->now.wall_ms, "effect %" PRIu64 " could be sent and was left waiting",
          e->id);
}

void
m_effects_dispatch(struct model *m)
{
    struct m_message *msg;
    bool              has_worker;

    for (size_t i = m->settled; i < m->effects.count; i++) {
        give_up(m, &m->effects.items[i]);
        expire(m, &m->effects.items[i]);
    }
    while ((msg = m_next_message(m, MSG_EFFECT_SEND))) {
        msg->is_explained = true;
        sent(m, msg);
    }
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

        if (!(is_under_way(e) || e->is_probe_owed) || m_is_gateway(m, e->sink)) continue;
        snprintf(what, size, "effect %" PRIu64 " has status %u", e->id, e->status);
        return false;
    }
    return true;
}
