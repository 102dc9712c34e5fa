/* Who reads sessions through the gateway, and what is handed to them (D4, D5): an effect is
 * attempting at most while its session has a reader, and delivered when one acknowledges it. */
#include "supervisor/engine/effects.h"
#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>
#include <stdio.h>

#define EXAMINED_MAX 256 /* of those that are due, in one turn */

static struct m_reader *
find(struct model *m, struct view company, struct view key)
{
    for (size_t i = 0; i < m->readers.count; i++) {
        struct m_reader *r = &m->readers.items[i];

        if (view_is(company, r->company) && view_is(key, r->key)) return r;
    }
    return NULL;
}

/* Readers are of the names: of whatever session has them. */
static uint64_t
readers_of(struct model *m, const struct m_effect *e)
{
    const struct m_session *s = e->session < -1 ? m_session(m, (uint64_t)(-1 - e->session)) : NULL;
    const struct m_reader  *r = s ? find(m, m_object(m, s->company)->name, view_str(s->key)) : NULL;

    return r ? r->count : 0;
}

bool
m_waits_for_reader(struct model *m, const struct m_effect *e)
{
    return m_is_gateway(m, e->sink) && readers_of(m, e) == 0;
}

static bool
is_of(const struct m_effect *e, const struct m_session *s, const struct model *m)
{
    return e->session == -1 - (int)(s - m->sessions.items) - 1;
}

/* What is with readers is to be handed out anew. */
static void
take_back(struct model *m, const struct m_session *s)
{
    for (size_t i = m->settled; i < m->effects.count; i++) {
        struct m_effect *e = &m->effects.items[i];

        if (e->status != STATUS_ATTEMPTING || !is_of(e, s, m) || !m_is_gateway(m, e->sink))
            continue;
        e->status = STATUS_PENDING;
        e->is_touched = true;
    }
}

/* ---- the gateway ----------------------------------------------------------------------------- */

void
m_gateway_gone(struct model *m)
{
    m->has_gateway = false;
    m->readers.count = 0;
}

enum errc
m_gateway_hello(struct model *m, const struct input *in, const struct output *reply)
{
    int64_t generation;

    m_check_answer(in, reply, E_OK);
    claim(mp_find_i64(reply->body, "generation", &generation) &&
              (uint64_t)generation > m->last_token,
          "the gateway's generation is not above all tokens before it");
    m->last_token = (uint64_t)generation;
    m_gateway_gone(m);
    m->has_gateway = true;
    return E_OK;
}

/* ---- readers --------------------------------------------------------------------------------- */

/* The gateway knows from when on it has a reader. */
static bool
is_told(const struct model *m, uint64_t reader)
{
    for (size_t i = 0; i < m->turn->output_count; i++) {
        const struct output   *o = &m->turn->outputs[i];
        const struct msg_desc *d;
        union msg              msg;
        struct err             e = {0};

        if (o->kind == OUT_TO_GATEWAY &&
            worker_open(GROUP_TO_GATEWAY, o->body, &d, &msg, &e) == E_OK &&
            d->id == MSG_GATEWAY_ATTACHED && msg.gateway_attached.reader == reader)
            return true;
    }
    return false;
}

enum errc
m_session_attach(struct model *m, const struct input *in, const struct msg_session_attach *q,
                 const struct output *reply)
{
    struct m_session *s;
    struct m_reader  *r;
    enum errc         e = m->has_gateway ? E_OK : E_WRONG_STATE;
    int               company = -1;

    if (e == E_OK) company = m_company(m, &in->actor, q->company, &e);
    m_check_answer(in, reply, e);
    if (e != E_OK) return e;
    claim(is_told(m, q->reader), "the gateway was not told of reader %" PRIu64, q->reader);
    if (!(r = find(m, m_object(m, company)->name, q->key))) {
        r = LIST_ADD(&m->readers);
        claim(q->key.size < sizeof(r->key) && q->company.size < sizeof(r->company), "a long name");
        snprintf(r->key, sizeof(r->key), "%.*s", VIEW_ARG(q->key));
        snprintf(r->company, sizeof(r->company), "%.*s", VIEW_ARG(m_object(m, company)->name));
    }
    r->count++;
    if ((s = m_session_named(m, company, q->key))) take_back(m, s);
    return e;
}

/* By the names alone: what has them may be gone. */
enum errc
m_session_detach(struct model *m, const struct input *in, const struct msg_session_detach *q,
                 const struct output *reply)
{
    struct m_reader  *r = find(m, q->company, q->key);
    enum errc         e = r && r->count ? E_OK : E_WRONG_STATE;
    struct m_session *s;
    int               company;

    m_check_answer(in, reply, e);
    if (e != E_OK || --r->count) return e;
    company = m_find(m, KIND_COMPANY, -1, q->company);
    if (company >= 0 && (s = m_session_named(m, company, q->key))) take_back(m, s);
    return e;
}

/* What was handed out once is known by its id, whatever has become of its reader; else it is the
 * turn of the first of the session. */
static bool
may_be_read(const struct model *m, const struct m_effect *e)
{
    if (e->status == STATUS_DELIVERED || e->attempts > 0) return true;
    return e->status == STATUS_PENDING && e->place < M_PUT_OFF && m_is_head(m, e);
}

enum errc
m_effect_ack(struct model *m, const struct input *in, const struct msg_effect_ack *q,
             const struct output *reply)
{
    struct m_effect *ef = q->id <= m->effects.count ? &m->effects.items[q->id - 1] : NULL;
    struct m_target  t;
    enum errc        e = m_find_session(m, &in->actor, q->session, q->company, &t);
    struct view      status;

    if (e == E_OK && (!ef || ef->is_purged || ef->is_asked || !is_of(ef, t.s, m))) e = E_NOT_FOUND;
    if (e == E_OK && !m_is_gateway(m, ef->sink)) e = E_WRONG_STATE;
    if (e == E_OK && !may_be_read(m, ef)) e = E_WRONG_STATE;
    m_check_answer(in, reply, e);
    if (e != E_OK) return e;
    if (ef->status == STATUS_ATTEMPTING || ef->status == STATUS_PENDING) {
        ef->status = STATUS_DELIVERED;
        ef->settled_at = m->now.wall_ms;
        ef->is_touched = true;
    }
    claim(mp_find_str(reply->body, "status", &status) &&
              view_is(status, effect_status_name(ef->status)),
          "the answer to an acknowledgement says %.*s", VIEW_ARG(status));
    return e;
}

/* ---- turns ----------------------------------------------------------------------------------- */

/* What nobody has any more is pending again, as soon as a turn has room for it. */
void
m_readers_due(struct model *m)
{
    for (size_t i = m->settled; i < m->effects.count; i++) {
        struct m_effect *e = &m->effects.items[i];
        struct effect    row = {.id = e->id};

        if (e->status != STATUS_ATTEMPTING || !m_waits_for_reader(m, e)) continue;
        if (effect_load(m->txn, &row) != LOAD_FOUND || row.status == STATUS_ATTEMPTING) continue;
        e->status = STATUS_PENDING;
        e->is_touched = true;
    }
}

static void
handed_out(struct model *m, const struct msg_gateway_deliver *d)
{
    struct m_effect *e;

    claim(d->effect > 0 && d->effect <= m->effects.count, "effect %" PRIu64 " is handed out",
          d->effect);
    e = &m->effects.items[d->effect - 1];
    claim(m_may_send(m), "effect %" PRIu64 " was handed out while draining or stopped", e->id);
    claim(m_is_gateway(m, e->sink) && e->status == STATUS_PENDING,
          "effect %" PRIu64 " was handed out in status %u", e->id, e->status);
    claim(readers_of(m, e) > 0, "effect %" PRIu64 " was handed out to nobody", e->id);
    claim(!m_is_disabled(m, e), "effect %" PRIu64 ", which nobody asked for, was handed out",
          e->id);
    claim(m_is_head(m, e), "effect %" PRIu64 " was handed out before an earlier one", e->id);
    claim(e->earliest <= m->now.wall_ms, "effect %" PRIu64 " was handed out too early", e->id);
    claim(e->not_after == 0 || e->not_after > m->now.wall_ms,
          "effect %" PRIu64 " was handed out too late", e->id);
    claim(e->place < M_PUT_OFF, "effect %" PRIu64 " was handed out and has no place", e->id);
    e->status = STATUS_ATTEMPTING;
    e->attempts++;
    e->earliest = 0; /* it has come; a clock that goes back does not put it off again */
    e->is_touched = true;
}

/* The head of a queue waits for its time only, where somebody reads; the row tells which. */
static void
check_waits_rightly(struct model *m, struct m_effect *e)
{
    bool is_late = e->not_after && e->not_after <= m->now.wall_ms;

    if (e->status != STATUS_PENDING || is_late || !m_is_gateway(m, e->sink)) return;
    claim(e->place < M_PUT_OFF || e->earliest > m->now.wall_ms,
          "the time of effect %" PRIu64 " has come, and it has no place", e->id);
    if (m_waits_for_reader(m, e) || !m_is_head(m, e)) return;
    m_compare_effect(m, e);
    claim(e->not_before > m->now.wall_ms && e->not_before < WAITS_FOR_READER,
          "effect %" PRIu64 " has a reader and was not handed out", e->id);
}

void
m_readers_dispatch(struct model *m)
{
    unsigned count = 0;

    for (size_t i = 0; i < m->turn->output_count; i++) {
        const struct output   *o = &m->turn->outputs[i];
        const struct msg_desc *d;
        union msg              msg;
        struct err             e = {0};

        if (o->kind != OUT_TO_GATEWAY) continue;
        claim(worker_open(GROUP_TO_GATEWAY, o->body, &d, &msg, &e) == E_OK,
              "a message that no gateway can read: %s", e.msg);
        if (d->id == MSG_GATEWAY_DELIVER && ++count) handed_out(m, &msg.gateway_deliver);
    }
    for (size_t i = m->settled; m_may_send(m) && count < EXAMINED_MAX && i < m->effects.count; i++)
        check_waits_rightly(m, &m->effects.items[i]);
}

/* An effect is with readers, or a turn will soon take it back. */
void
m_check_readers(struct model *m)
{
    for (size_t i = m->settled; i < m->effects.count; i++) {
        const struct m_effect *e = &m->effects.items[i];

        claim(e->status != STATUS_ATTEMPTING || !m_waits_for_reader(m, e) ||
                  m->turn->deadline.wall_ms <= m->now.wall_ms,
              "effect %" PRIu64 " is with readers, and there are none", e->id);
    }
}
