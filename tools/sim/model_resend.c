/* Messages that an operator has sent again: one, or those of a filter (D4, N22). */
#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>
#include <stdio.h>

#define ACTS_MAX 200 /* of one request */

static const struct actor daemon_actor = {.kind = "daemon", .role = ROLE_ADMIN};

/* It was given up, refused or had no sink, and nobody has to say first what became of it. */
static bool
is_over(uint8_t status)
{
    return status == STATUS_FAILED || status == STATUS_EXPIRED || status == STATUS_SUPPRESSED ||
           status == STATUS_REJECTED;
}

/* It is put off still, of what is pending. */
static bool
waits_for_time(const struct model *m, const struct m_effect *e)
{
    return e->status == STATUS_PENDING && e->place >= M_PUT_OFF && e->earliest > m->now.wall_ms;
}

static bool
is_message(const struct m_effect *e)
{
    return strcmp(e->kind, "send_message") == 0 || strcmp(e->kind, "notify") == 0;
}

static bool
is_there(const struct m_effect *e)
{
    return !e->is_purged && !e->is_asked;
}

/* What was refused, or had nowhere to go, goes to whom it would go now; the rest to its sink. */
static uint32_t
sinks_now(struct model *m, const struct m_effect *e, int sinks[M_SINKS_MAX])
{
    const struct m_session *s = e->session < -1 ? m_session(m, (uint64_t)(-1 - e->session)) : NULL;
    int                     agent = e->agent, company = e->company;
    enum errc               error;

    sinks[0] = e->sink;
    if (e->sink >= 0 && e->status != STATUS_REJECTED) return 1;
    if (e->named[0]) {
        sinks[0] = m_ref(m, &daemon_actor, KIND_SINK, view_str(e->named), &company, &error);
        if (sinks[0] >= 0) return 1;
    }
    if (!m_job(m, e->job)) agent = s && !s->is_gone ? s->agent : -1; /* nobody knows whose it was */
    return m_message_sinks(m, e->company, agent, s != NULL, sinks);
}

/* Nobody reads a session that is gone. */
static uint32_t
with_readers(struct model *m, const struct m_effect *e, int sinks[M_SINKS_MAX], uint32_t count)
{
    const struct m_session *s = e->session < -1 ? m_session(m, (uint64_t)(-1 - e->session)) : NULL;
    uint32_t                n = 0;

    if (!s || !s->is_gone) return count;
    for (uint32_t i = 0; i < count; i++) {
        if (!m_is_gateway(m, sinks[i])) sinks[n++] = sinks[i];
    }
    return n;
}

static enum errc
judge(struct model *m, const struct m_effect *e, int sinks[M_SINKS_MAX], uint32_t *count)
{
    if (!is_message(e) || !(is_over(e->status) || waits_for_time(m, e))) return E_WRONG_STATE;
    if (!m_is_in_store(m_object(m, e->company))) return E_WRONG_STATE;
    *count = with_readers(m, e, sinks, sinks_now(m, e, sinks));
    return *count == 0 || !m_is_in_store(m_object(m, sinks[0])) ? E_WRONG_STATE : E_OK;
}

/* At the end of its queue, with all its attempts and all its time, past every gate. */
static void
begin_anew(struct model *m, struct m_effect *e, int sink)
{
    e->sink = sink;
    e->status = STATUS_PENDING;
    e->is_probe_owed = false;
    e->attempts = 0;
    e->resends++;
    e->place = ++m->places;
    e->reason = NULL;
    e->allowed_at = e->earliest = 0;
    e->not_before = m->now.wall_ms;
    e->not_after = m_not_after(m, sink);
    e->settled_at = m->now.wall_ms;
    e->is_touched = true;
    if (m->settled >= e->id) m->settled = e->id - 1;
    *LIST_ADD(&m->resent) = e->id;
}

static enum errc
send_again(struct model *m, uint64_t id)
{
    int             sinks[M_SINKS_MAX];
    uint32_t        count;
    enum errc       error = judge(m, &m->effects.items[id - 1], sinks, &count);
    struct m_effect copy;

    if (error != E_OK) return error;
    begin_anew(m, &m->effects.items[id - 1], sinks[0]);
    copy = m->effects.items[id - 1];
    for (uint32_t i = 1; i < count; i++) {
        struct m_effect *e = LIST_ADD(&m->effects);

        *e = copy;
        e->resends--;
        e->id = m->effects.count;
        begin_anew(m, e, sinks[i]);
    }
    return E_OK;
}

/* ---- many ------------------------------------------------------------------------------------ */

struct filter {
    int         company, session; /* -1: all; session -1 - N as in effects */
    uint8_t     status;
    const char *kind; /* NULL: all */
    uint64_t    after;
};

static uint8_t
status_named(struct view name)
{
    static const char *const names[] = {
        [STATUS_PENDING] = "pending",     [STATUS_ATTEMPTING] = "attempting",
        [STATUS_DELIVERED] = "delivered", [STATUS_FAILED] = "failed",
        [STATUS_UNKNOWN] = "unknown",     [STATUS_EXPIRED] = "expired",
        [STATUS_REJECTED] = "rejected",   [STATUS_SUPPRESSED] = "suppressed"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i] && view_is(name, names[i])) return (uint8_t)i;
    }
    return 0;
}

static enum errc
read_filter(struct model *m, const struct actor *a, const struct msg_effect_resend *q,
            struct filter *f)
{
    static const char *const kinds[] = {M_EFFECT_KINDS};
    enum errc                e = E_OK;

    *f = (struct filter){.company = -1, .session = -1, .status = status_named(q->status)};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (view_is(q->kind, kinds[i])) f->kind = kinds[i];
    }
    if (m_cursor(q->after, m->effects.count, &f->after)) return E_BAD_REQUEST;
    if ((q->status.size && f->status == 0) || (q->kind.size && !f->kind)) return E_BAD_REQUEST;
    if (q->company.size || q->session.size || a->company.size) {
        f->company = m_company(m, a, q->company, &e);
        if (f->company < 0) return e;
    }
    if (q->session.size) {
        struct m_session *s = m_session_named(m, f->company, q->session);

        if (!s) return E_NOT_FOUND;
        f->session = -1 - (int)(s - m->sessions.items) - 1;
    }
    return is_over(f->status) || f->status == STATUS_PENDING ? E_OK : E_BAD_REQUEST;
}

static bool
fits(const struct model *m, const struct filter *f, const struct m_effect *e)
{
    return (f->status != STATUS_PENDING || waits_for_time(m, e)) && is_there(e) && is_message(e) &&
           e->id > f->after && e->status == f->status &&
           (f->company < 0 || e->company == f->company) &&
           (f->session == -1 || e->session == f->session) &&
           (!f->kind || strcmp(e->kind, f->kind) == 0);
}

static void
check_counts(const struct output *reply, uint64_t matched, uint64_t done)
{
    int64_t told_matched, told_done;

    claim(mp_find_i64(reply->body, "matched", &told_matched) && (uint64_t)told_matched == matched &&
              mp_find_i64(reply->body, "done", &told_done) && (uint64_t)told_done == done,
          "effect.resend has sent %" PRId64 " of %" PRId64 ", expected %" PRIu64 " of %" PRIu64,
          told_done, told_matched, done, matched);
}

static enum errc
resend_many(struct model *m, const struct input *in, const struct msg_effect_resend *q,
            const struct output *reply)
{
    struct filter f;
    uint64_t      ids[ACTS_MAX], matched = 0, done = 0, max = q->dry_run ? UINT64_MAX : ACTS_MAX;
    enum errc     e = read_filter(m, &in->actor, q, &f);

    m_check_answer(in, reply, e);
    if (e != E_OK) return e;
    if (HAS(q, effect_resend, limit) && q->limit < max) max = q->limit;
    for (size_t i = 0; i < m->effects.count && matched < max; i++) {
        if (!fits(m, &f, &m->effects.items[i])) continue;
        if (!q->dry_run) ids[matched] = i + 1;
        matched++;
    }
    for (uint64_t i = 0; i < matched && !q->dry_run; i++)
        done += send_again(m, ids[i]) == E_OK;
    check_counts(reply, matched, done);
    return e;
}

enum errc
m_effect_resend(struct model *m, const struct input *in, const struct msg_effect_resend *q,
                const struct output *reply)
{
    struct m_effect *ef = q->id && q->id <= m->effects.count ? &m->effects.items[q->id - 1] : NULL;
    int              sinks[M_SINKS_MAX];
    uint32_t         count;
    enum errc        e = E_OK;

    if (!HAS(q, effect_resend, id)) return resend_many(m, in, q, reply);
    if (q->status.size || q->session.size || q->kind.size) {
        e = E_BAD_REQUEST;
    } else if (!ef || !is_there(ef) || !m_sees(m, &in->actor, ef->company)) {
        e = E_NOT_FOUND;
    } else if (!is_message(ef) || !(is_over(ef->status) || waits_for_time(m, ef))) {
        e = E_WRONG_STATE;
    } else if (!q->dry_run) {
        e = judge(m, ef, sinks, &count);
    }
    m_check_answer(in, reply, e);
    if (e != E_OK) return e;
    if (!q->dry_run) (void)send_again(m, q->id); /* judged */
    check_counts(reply, 1, !q->dry_run);
    return e;
}
