/* What requests do to sessions: events from outside, jobs submitted to a session, and opening,
 * closing, resuming and sending again. */
#include "common/name.h"
#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>
#include <stdio.h>

static void
set_text(char to[M_TYPE_SIZE], struct view text)
{
    claim(text.size < M_TYPE_SIZE, "the simulation's keys are short");
    snprintf(to, M_TYPE_SIZE, "%.*s", VIEW_ARG(text));
}

struct m_session *
m_session_named(struct model *m, int company, struct view key)
{
    for (size_t i = 0; i < m->sessions.count; i++) {
        struct m_session *s = &m->sessions.items[i];

        if (!s->is_gone && s->company == company && view_is(key, s->key)) return s;
    }
    return NULL;
}

/* Its key, in the company that it names, else its agent's, else the actor's. */
static enum errc
find_target(struct model *m, const struct actor *a, struct m_target *t)
{
    enum errc e = E_OK;

    t->company_id = t->agent_id = -1;
    if (t->company.size && (t->company_id = m_company(m, a, t->company, &e)) < 0) return e;
    if (t->agent.size && (t->agent_id = m_ref(m, a, KIND_AGENT, t->agent, &t->company_id, &e)) < 0)
        return e;
    if (t->company_id < 0 && (t->company_id = m_company(m, a, (struct view){0}, &e)) < 0) return e;
    t->s = m_session_named(m, t->company_id, t->key);
    return E_OK;
}

/* One for an event: made when it is not there; for open it may be closed, and then gets the agent
 * that is named. */
enum errc
m_take_target(struct model *m, const struct actor *a, struct m_target *t, bool is_open,
              bool has_handler)
{
    enum errc e = find_target(m, a, t);
    int       handler;

    if (e != E_OK) return e;
    if (t->key.size >= 9 && memcmp(t->key.data, "schedule/", 9) == 0) return E_BAD_REQUEST;
    if (t->s) {
        bool is_closed = t->s->status == SESSION_CLOSED;

        if (is_closed && !is_open) return E_WRONG_STATE;
        if (t->agent_id < 0) {
            t->agent_id = t->s->agent;
        } else if (!is_closed && t->agent_id != t->s->agent) {
            return E_CONFLICT;
        }
    }
    if (has_handler) return m_check_owner(m, t->company_id, t->agent_id);
    return m_session_handler(m, t->company_id, t->agent_id, &handler);
}

struct m_session *
m_target_session(struct model *m, const struct m_target *t)
{
    struct m_session *s = t->s;

    if (s) return s;
    s = LIST_ADD(&m->sessions);
    s->company = t->company_id;
    s->agent = t->agent_id;
    set_text(s->key, t->key);
    s->is_touched = true;
    return s;
}

/* ---- events ---------------------------------------------------------------------------------- */

static bool
is_full(const struct model *m, const struct m_session *s)
{
    int64_t max = m->limits.session_queue_max;

    return s && max != NO_LIMIT && (int64_t)s->waiting >= max;
}

static void
check_appended(struct model *m, const struct output *reply, const struct m_session *s)
{
    int64_t seq, id, waiting, job = 0;

    claim(mp_find_i64(reply->body, "seq", &seq) && (uint64_t)seq == s->events.count &&
              mp_find_i64(reply->body, "id", &id) && (uint64_t)id == m->event_ids &&
              mp_find_i64(reply->body, "waiting", &waiting) && (uint64_t)waiting == s->waiting,
          "the answer about an event of %s says event %" PRId64 ", expected %zu", s->key, seq,
          s->events.count);
    (void)mp_find_i64(reply->body, "job", &job); /* nil: it waits */
    claim((uint64_t)job == (s->head == s->events.count ? s->job : 0),
          "the answer about event %" PRId64 " of %s names job %" PRId64, seq, s->key, job);
}

struct asked {
    struct m_target target;
    struct m_event  ev;
    bool            has_handler;
};

static void
take_chain(struct m_event *ev, int64_t depth, const int *chain, unsigned count)
{
    ev->depth = depth;
    memcpy(ev->chain, chain, sizeof(ev->chain));
    ev->chain_count = count;
}

static enum errc
judge(struct model *m, const struct actor *a, struct asked *q)
{
    struct m_job from = {0};
    enum errc    e = m_admission(m);

    if (e == E_OK) e = m_take_target(m, a, &q->target, false, q->has_handler);
    if (e != E_OK) return e;
    if (is_full(m, q->target.s)) return E_QUEUE_FULL;
    from.company = q->target.company_id;
    if (q->ev.parent && (e = m_take_parent(m, a, q->ev.parent, &from)) != E_OK) return e;
    q->ev.root = from.root;
    take_chain(&q->ev, from.depth, from.chain, from.chain_count);
    if (q->target.s && q->target.s->waiting) return E_OK;
    return m_queue_is_full(m, q->target.company_id, 0) ? E_QUEUE_FULL : E_OK;
}

/* Takes the event's payload. */
static enum errc
append(struct model *m, const struct input *in, struct asked *q, const struct output *reply)
{
    enum errc         e = judge(m, &in->actor, q);
    struct m_session *s;

    m_check_answer(in, reply, e);
    if (e != E_OK) {
        buf_done(&q->ev.payload);
        return e;
    }
    s = m_target_session(m, &q->target);
    m_event_append(m, s, &q->ev);
    check_appended(m, reply, s);
    return e;
}

enum errc
m_session_send(struct model *m, const struct input *in, const struct msg_session_send *q,
               const struct output *reply)
{
    struct asked asked = {
        .target = {.key = q->key, .company = q->company, .agent = q->agent}
    };
    struct mp_open_map map = mp_open(&asked.ev.payload);

    set_text(asked.ev.type, view_str("user_message"));
    mp_put_str(&asked.ev.payload, &map, "content", q->content);
    if (HAS(q, session_send, metadata))
        mp_put_raw(&asked.ev.payload, &map, "metadata", q->metadata);
    mp_close(&asked.ev.payload, &map);
    return append(m, in, &asked, reply);
}

enum errc
m_session_event(struct model *m, const struct input *in, const struct msg_session_event *q,
                const struct output *reply)
{
    struct asked asked = {
        .target = {.key = q->key,      .company = q->company, .agent = q->agent},
        .ev = {.parent = q->parent}
    };
    bool        is_message = view_is(q->type, "user_message");
    struct view content;

    if (view_is(q->type, "job") || !name_is_valid(q->type) ||
        (is_message && (!mp_find_str(q->payload, "content", &content) || content.size == 0))) {
        m_check_answer(in, reply, E_BAD_REQUEST);
        return E_BAD_REQUEST;
    }
    set_text(asked.ev.type, q->type);
    buf_add_view(&asked.ev.payload, q->payload);
    return append(m, in, &asked, reply);
}

/* ---- jobs ------------------------------------------------------------------------------------ */

/* What would give it another time or another place in a queue. */
static bool
is_refused(const struct msg_job_submit *q)
{
    struct msg_job_submit rest = *q;

#define MAY(field) rest.has &= ~(1ULL << msg_job_submit_BIT_##field)
    MAY(session);
    MAY(handler);
    MAY(company);
    MAY(agent);
    MAY(payload);
    MAY(context);
    MAY(title);
    MAY(priority);
    MAY(max_run_ms);
    MAY(max_turns);
    MAY(tags);
    MAY(parent);
#undef MAY
    return rest.has != 0;
}

static enum errc
judge_job(struct model *m, const struct actor *a, const struct msg_job_submit *q,
          struct m_target *t)
{
    const struct msg_company *c;
    enum errc                 e = m_take_target(m, a, t, false, q->handler.size > 0);
    int                       company = t->company_id;

    if (e != E_OK) return e;
    c = &m_object(m, company)->declared.company;
    if (q->handler.size && m_ref(m, a, KIND_HANDLER, q->handler, &company, &e) < 0) return e;
    if (HAS(q, job_submit, priority) && a->role < ROLE_OPERATOR &&
        q->priority > (HAS(c, company, priority_max) ? c->priority_max : 80))
        return E_BAD_REQUEST;
    return E_OK;
}

/* What the event keeps of the request. */
static void
pack_order(const struct msg_job_submit *q, struct buf *out)
{
    struct msg_job_submit order = {.handler = q->handler,
                                   .payload = q->payload,
                                   .context = q->context,
                                   .title = q->title,
                                   .priority = q->priority,
                                   .max_run_ms = q->max_run_ms,
                                   .max_turns = q->max_turns,
                                   .tags = q->tags};

#define KEEP(field) order.has |= q->has & 1ULL << msg_job_submit_BIT_##field
    KEEP(handler);
    KEEP(payload);
    KEEP(context);
    KEEP(title);
    KEEP(priority);
    KEEP(max_run_ms);
    KEEP(max_turns);
    KEEP(tags);
#undef KEEP
    msg_pack(msg_desc(MSG_JOB_SUBMIT), &order, out);
}

enum errc
m_session_submit(struct model *m, const struct input *in, const struct msg_job_submit *q,
                 const struct output *reply)
{
    struct asked asked = {
        .target = {.key = q->session,  .company = q->company, .agent = q->agent},
        .has_handler = q->handler.size > 0,
        .ev = {.parent = q->parent}
    };
    enum errc e = is_refused(q) ? E_BAD_REQUEST : judge_job(m, &in->actor, q, &asked.target);

    if (e != E_OK) {
        m_check_answer(in, reply, e);
        return e;
    }
    set_text(asked.ev.type, view_str("job"));
    pack_order(q, &asked.ev.payload);
    return append(m, in, &asked, reply);
}

/* ---- open, close, resume, resend ------------------------------------------------------------- */

static enum errc
check(const struct input *in, const struct output *reply, enum errc e)
{
    m_check_answer(in, reply, e);
    return e;
}

static enum errc
open(struct model *m, const struct input *in, const struct msg_session_open *q,
     const struct output *reply)
{
    struct m_target   t = {.key = q->key, .company = q->company, .agent = q->agent};
    enum errc         e = m_admission(m);
    struct m_session *s;

    if (e == E_OK) e = m_take_target(m, &in->actor, &t, true, false);
    if (e == E_OK && t.s && t.s->status == SESSION_HELD) e = E_WRONG_STATE;
    if (e == E_OK && t.s && t.s->status == SESSION_CLOSED && (t.s->is_closing || t.s->job))
        e = E_BUSY; /* what was in it is still being stopped */
    if (check(in, reply, e) != E_OK) return e;
    s = m_target_session(m, &t);
    if (s->status == SESSION_CLOSED) s->agent = t.agent_id;
    s->status = SESSION_OPEN;
    s->is_touched = true;
    return e;
}

/* One that is there. */
enum errc
m_find_session(struct model *m, const struct actor *a, struct view key, struct view company,
               struct m_target *t)
{
    enum errc e;

    *t = (struct m_target){.key = key, .company = company};
    e = find_target(m, a, t);
    return e == E_OK && !t->s ? E_NOT_FOUND : e;
}

static enum errc
close_it(struct model *m, const struct input *in, const struct msg_session_close *q,
         const struct output *reply)
{
    struct m_target t;
    enum errc       e = m_find_session(m, &in->actor, q->key, q->company, &t);

    if (e == E_OK && t.s->status == SESSION_CLOSED) e = E_WRONG_STATE;
    if (check(in, reply, e) == E_OK) m_session_close(m, t.s);
    return e;
}

static enum errc
resume(struct model *m, const struct input *in, const struct msg_session_resume *q,
       const struct output *reply)
{
    struct m_target t;
    enum errc       e = m_admission(m);
    int             handler;

    if (e == E_OK) e = m_find_session(m, &in->actor, q->key, q->company, &t);
    if (e == E_OK && t.s->status != SESSION_HELD) e = E_WRONG_STATE;
    if (e == E_OK) e = m_session_handler(m, t.s->company, t.s->agent, &handler);
    if (check(in, reply, e) == E_OK) m_session_resume(m, t.s, q->skip);
    return e;
}

static enum errc
judge_resend(struct model *m, const struct actor *a, uint64_t seq, struct m_target *t)
{
    enum errc e = m_admission(m);

    if (e == E_OK) e = m_find_session(m, a, t->key, t->company, t);
    if (e == E_OK) e = m_take_target(m, a, t, false, false);
    if (e != E_OK) return e;
    if (seq > t->s->events.count || seq <= t->s->purged) return E_NOT_FOUND;
    if (m_event(t->s, seq)->mark != EVENT_DEAD) return E_WRONG_STATE;
    return is_full(m, t->s) ? E_QUEUE_FULL : E_OK;
}

static enum errc
resend(struct model *m, const struct input *in, const struct msg_session_resend *q,
       const struct output *reply)
{
    struct m_target t = {.key = q->key, .company = q->company};
    enum errc       e = judge_resend(m, &in->actor, q->seq, &t);
    struct m_event  copy = {0};

    if (check(in, reply, e) != E_OK) return e;
    copy.parent = m_event(t.s, q->seq)->parent;
    copy.root = m_event(t.s, q->seq)->root;
    copy.copy_of = q->seq;
    memcpy(copy.type, m_event(t.s, q->seq)->type, sizeof(copy.type));
    buf_add_view(&copy.payload, buf_view(&m_event(t.s, q->seq)->payload));
    take_chain(&copy, m_event(t.s, q->seq)->depth, m_event(t.s, q->seq)->chain,
               m_event(t.s, q->seq)->chain_count);
    m_event_append(m, t.s, &copy);
    check_appended(m, reply, t.s);
    return e;
}

enum errc
m_session_op(struct model *m, const struct input *in, const union msg *q,
             const struct output *reply)
{
    switch (in->op) {
    case MSG_SESSION_OPEN: return open(m, in, &q->session_open, reply);
    case MSG_SESSION_CLOSE: return close_it(m, in, &q->session_close, reply);
    case MSG_SESSION_RESUME: return resume(m, in, &q->session_resume, reply);
    default: return resend(m, in, &q->session_resend, reply);
    }
}
