#include "supervisor/engine/session_ops.h"

#include "common/name.h"
#include "supervisor/engine/audit.h"
#include "supervisor/engine/chain.h"
#include "supervisor/engine/events.h"
#include "supervisor/engine/made.h"
#include "supervisor/engine/session_close.h"
#include "supervisor/engine/submit.h"
#include "supervisor/engine/views.h"

#include <inttypes.h>

/* An event that a request asks for. */
struct asked {
    struct session_named session;
    struct view          type, payload;
    uint64_t             parent; /* 0: none */
};

static enum errc
check(struct engine *en, const struct actor *a, struct asked *q, struct event_origin *from,
      struct err *e)
{
    struct job_spec spec = {0};
    uint64_t        waiting;

    if (submit_admit(en, e) || session_of_request(en, a, &q->session, SESSION_TAKE, e))
        return e->code;
    waiting = q->session.row ? q->session.row->waiting : 0;
    if (event_admit(en, q->session.key, waiting, e)) return e->code;
    spec.company = q->session.company_id;
    if (q->parent && chain_of_submit(en, a, q->parent, &spec, e)) return e->code;
    *from = (struct event_origin){.actor = turn_actor(en, a),
                                  .parent = spec.parent,
                                  .root = spec.root,
                                  .depth = spec.depth,
                                  .chain = spec.chain};
    /* One that waits in a session is no job yet, and is bounded there. */
    if (waiting) return E_OK;
    return submit_check_queue(en, q->session.company_id, 0, e);
}

static void
reply_appended(struct engine *en, const struct session *s, struct view type, struct buf *reply)
{
    struct mp_open_map map = mp_open(reply);
    bool               is_head = s->head == s->appended;

    mp_put_str(reply, &map, "session", s->name);
    mp_put_str(reply, &map, "company", objects_name(&en->turn.objects, s->company));
    mp_put_u64(reply, &map, "seq", s->appended);
    mp_put_u64(reply, &map, "id", en->memory.meta.next_event - 1);
    mp_put_str(reply, &map, "type", type);
    mp_put_u64(reply, &map, "waiting", s->waiting);
    mp_put_time(reply, &map, "job", is_head ? (int64_t)s->job : 0); /* nil: it waits */
    mp_close(reply, &map);
}

static bool
is_of_person(const struct asked *q)
{
    return view_is(q->type, EVENT_MESSAGE) || (view_is(q->type, EVENT_JOB) && q->parent == 0);
}

static enum errc
append(struct engine *en, const struct actor *a, struct asked *q, struct buf *reply, struct err *e)
{
    struct event_origin from;
    struct session     *s;
    uint64_t            seq;

    if (check(en, a, q, &from, e)) return e->code;
    s = session_make(en, &q->session);
    event_append(en, s, q->type, q->payload, &from, &seq);
    if (s->agent && is_of_person(q)) made_answered(en, s->agent);
    reply_appended(en, s, q->type, reply);
    return E_OK;
}

static enum errc
check_payload_size(struct view payload, struct err *e)
{
    if (payload.size <= PAYLOAD_MAX) return E_OK;
    err_set(e, E_TOO_LARGE, "content and metadata are larger than %d bytes together", PAYLOAD_MAX);
    return err_hint(e, "send it in parts, or where it can be read");
}

enum errc
on_session_send(struct engine *en, const struct actor *a, const struct msg_session_send *m,
                struct buf *reply, struct err *e)
{
    struct buf payload BUF_AUTO = {0};
    struct mp_open_map map = mp_open(&payload);
    struct asked       q = {
              .session = {.key = m->key, .company = m->company, .agent = m->agent},
              .type = view_str(EVENT_MESSAGE)
    };

    mp_put_str(&payload, &map, "content", m->content);
    if (m->metadata.size) mp_put_raw(&payload, &map, "metadata", m->metadata);
    mp_close(&payload, &map);
    q.payload = buf_view(&payload);
    if (check_payload_size(q.payload, e)) return e->code;
    return append(en, a, &q, reply, e);
}

static bool
has_map_or_nothing(struct view map, const char *key)
{
    struct mp_reader r;
    struct view      value;

    if (!mp_find(map, key, &value)) return true;
    r = mp_reader_of(value);
    return mp_peek(&r) == MP_MAP || mp_peek(&r) == MP_NIL;
}

enum errc
on_session_event(struct engine *en, const struct actor *a, const struct msg_session_event *m,
                 struct buf *reply, struct err *e)
{
    struct asked q = {
        .session = {.key = m->key, .company = m->company, .agent = m->agent},
        .type = m->type,
        .payload = m->payload,
        .parent = m->parent
    };
    bool        is_message = view_is(m->type, EVENT_MESSAGE);
    struct view content;

    if (!name_is_valid(m->type))
        return err_field(e, "type", "is a name: 1 to 64 of a-z, 0-9, '.', '_' and '-'");
    if (view_is(m->type, EVENT_JOB)) {
        err_field(e, "type", "events of type " EVENT_JOB " are submitted as jobs");
        return err_hint(e, "agentctl job submit HANDLER --session KEY");
    }
    if (is_message && (!mp_find_str(m->payload, "content", &content) || content.size == 0))
        return err_field(e, "payload", "a " EVENT_MESSAGE " needs a text: {\"content\": TEXT}");
    if (is_message && !has_map_or_nothing(m->payload, "metadata"))
        return err_field(e, "payload", "metadata of a " EVENT_MESSAGE " is a map");
    return append(en, a, &q, reply, e);
}

/* ---- jobs ----------------------------------------------------------------------- */

#define BIT(field) (1ULL << msg_job_submit_BIT_##field)
/* What an event of type job keeps of the request; and what else may stand in that. */
#define JOB_KEPT                                                                                 \
    (BIT(handler) | BIT(payload) | BIT(context) | BIT(title) | BIT(priority) | BIT(max_run_ms) | \
     BIT(max_turns) | BIT(tags))
#define JOB_TARGET (BIT(session) | BIT(agent) | BIT(company) | BIT(parent))

static enum errc
refuse_others(const struct msg_job_submit *m, struct err *e)
{
    const struct msg_desc *d = msg_desc(MSG_JOB_SUBMIT);

    for (size_t i = 0; i < d->nfields; i++) {
        if (!((m->has & ~(JOB_KEPT | JOB_TARGET)) >> i & 1)) continue;
        err_field(e, d->fields[i].name, "not together with session");
        return err_hint(e, "a session takes its events in their order, each by a job of its own; "
                           "for another time set a timer in it");
    }
    return E_OK;
}

static enum errc
check_job(struct engine *en, const struct actor *a, const struct msg_job_submit *m,
          const struct session_named *n, struct err *e)
{
    struct submission sub = {.priority = (uint8_t)m->priority, .spec.company = n->company_id};
    uint32_t          handler, company = n->company_id;

    if (m->handler.size &&
        object_ref(turn_txn(en), a, KIND_HANDLER, m->handler, "handler", &company, &handler, e)) {
        return e->code;
    }
    if (HAS(m, job_submit, priority) && submit_check_priority(en, a, &sub, e)) return e->code;
    return submit_check_tags(m->tags, e);
}

enum errc
session_submit(struct engine *en, const struct actor *a, const struct msg_job_submit *m,
               struct buf *reply, struct err *e)
{
    struct buf payload    BUF_AUTO = {0};
    struct msg_job_submit kept = *m;
    struct asked          q = {
                 .session = {.key = m->session,
                             .key_field = "session",
                             .company = m->company,
                             .agent = m->agent,
                             .has_handler = m->handler.size != 0},
                 .type = view_str(EVENT_JOB),
                 .parent = m->parent
    };

    if (refuse_others(m, e)) return e->code;
    if (session_of_request(en, a, &q.session, SESSION_TAKE, e)) return e->code;
    if (check_job(en, a, m, &q.session, e)) return e->code;
    kept.has &= JOB_KEPT;
    msg_pack(msg_desc(MSG_JOB_SUBMIT), &kept, &payload);
    q.payload = buf_view(&payload);
    return append(en, a, &q, reply, e);
}

/* ---- open, close, resume, resend ------------------------------------------------ */

static void
audit(struct engine *en, const struct actor *a, const char *action, const struct session *s,
      enum session_status before, struct view after)
{
    audit_put(en, a, action, s->company, s->name,
              audit_str(en, "status", view_str(session_status_name(before))), after);
}

static enum errc
reply_session(struct engine *en, const struct session *s, struct buf *reply)
{
    view_session(&en->turn.objects, s, NULL, reply);
    return E_OK;
}

static void
reopen(struct engine *en, const struct actor *a, struct session_named *n)
{
    struct session    *s = n->row;
    struct mp_open_map m;

    s->status = SESSION_OPEN;
    s->reason = (struct view){0};
    s->agent = n->agent_id;
    session_changed(en, s);
    m = session_feed_open(en, FEED_SESSION_OPENED, s);
    feed_close(en, &m);
    audit(en, a, "session.open", s, SESSION_CLOSED, (struct view){0});
}

enum errc
on_session_open(struct engine *en, const struct actor *a, const struct msg_session_open *m,
                struct buf *reply, struct err *e)
{
    struct session_named n = {.key = m->key, .company = m->company, .agent = m->agent};

    if (submit_admit(en, e) || session_of_request(en, a, &n, SESSION_REOPEN, e)) return e->code;
    if (n.row && n.row->status == SESSION_HELD) {
        err_set(e, E_WRONG_STATE, "session \"%.*s\" is held: %.*s", VIEW_ARG(m->key),
                VIEW_ARG(n.row->reason));
        return err_hint(e, "agentctl session resume %.*s", VIEW_ARG(m->key));
    }
    if (n.row && n.row->status == SESSION_CLOSED && (session_is_closing(n.row) || n.row->job)) {
        err_set(e, E_BUSY, "what waited in it is still being cancelled");
        return err_hint(e, "ask again in a moment: agentctl session show %.*s", VIEW_ARG(m->key));
    }
    if (n.row && n.row->status == SESSION_CLOSED) reopen(en, a, &n);
    return reply_session(en, session_make(en, &n), reply);
}

/* The session that is there, but a schedule's own. */
static enum errc
find(struct engine *en, const struct actor *a, struct view key, struct view company,
     struct session **s, struct err *e)
{
    struct session_named n = {.key = key, .company = company};

    if (session_of_request(en, a, &n, SESSION_FIND, e)) return e->code;
    if (session_is_schedules(key)) {
        err_field(e, "key", "is a schedule's own session");
        return err_hint(e, "it goes with its schedule: agentctl schedule remove NAME");
    }
    *s = n.row;
    return E_OK;
}

enum errc
on_session_close(struct engine *en, const struct actor *a, const struct msg_session_close *m,
                 struct buf *reply, struct err *e)
{
    struct session     *s;
    enum session_status before;

    if (find(en, a, m->key, m->company, &s, e)) return e->code;
    if (s->status == SESSION_CLOSED) {
        err_set(e, E_WRONG_STATE, "session \"%.*s\" is closed", VIEW_ARG(m->key));
        return err_hint(e, "agentctl session open %.*s opens it again", VIEW_ARG(m->key));
    }
    before = s->status;
    session_close(en, s, m->reason);
    audit(en, a, "session.close", s, before, audit_str(en, "reason", m->reason));
    return reply_session(en, s, reply);
}

enum errc
on_session_resume(struct engine *en, const struct actor *a, const struct msg_session_resume *m,
                  struct buf *reply, struct err *e)
{
    struct session *s;
    uint32_t        handler;

    if (submit_admit(en, e) || find(en, a, m->key, m->company, &s, e)) return e->code;
    if (s->status != SESSION_HELD) {
        err_set(e, E_WRONG_STATE, "session \"%.*s\" is %s, not held", VIEW_ARG(m->key),
                session_status_name(s->status));
        return err_hint(e, "agentctl session why %.*s says what it waits for", VIEW_ARG(m->key));
    }
    if (session_handler(&en->turn.objects, &en->memory.limits, s->company, s->agent, &handler, e))
        return e->code;
    session_resume(en, s, m->skip);
    audit(en, a, "session.resume", s, SESSION_HELD, audit_bool(en, "skip", m->skip));
    return reply_session(en, s, reply);
}

static enum errc
load_dead(struct engine *en, const struct session *s, struct event *ev, struct view *payload,
          struct err *e)
{
    enum load found = event_load(turn_txn(en), ev);

    if (found == LOAD_DAMAGED ||
        (found == LOAD_FOUND && event_payload(turn_txn(en), ev, payload) != LOAD_FOUND)) {
        err_set(e, E_DAMAGED, "event %" PRIu64 ": its record is damaged", ev->seq);
        return err_hint(e, "agentctl fsck; what it said is to be sent anew");
    }
    if (found == LOAD_FOUND && ev->mark == EVENT_DEAD) return E_OK;
    if (found == LOAD_FOUND) {
        err_set(e, E_WRONG_STATE, "event %" PRIu64 " was not given up", ev->seq);
    } else {
        err_set(e, E_NOT_FOUND, "session \"%.*s\" has no event %" PRIu64, VIEW_ARG(s->name),
                ev->seq);
    }
    return err_hint(e, "agentctl session events %.*s --dead lists those that were",
                    VIEW_ARG(s->name));
}

enum errc
on_session_resend(struct engine *en, const struct actor *a, const struct msg_session_resend *m,
                  struct buf *reply, struct err *e)
{
    struct session_named n = {.key = m->key, .company = m->company};
    struct event         ev = {.seq = m->seq};
    struct view          payload = {0};
    struct event_origin  from;
    uint64_t             seq;

    if (submit_admit(en, e) || session_of_request(en, a, &n, SESSION_FIND, e) ||
        session_of_request(en, a, &n, SESSION_TAKE, e)) {
        return e->code;
    }
    ev.session = n.row->id;
    if (load_dead(en, n.row, &ev, &payload, e) || event_admit(en, n.row->name, n.row->waiting, e)) {
        return e->code;
    }
    from = (struct event_origin){.actor = turn_actor(en, a),
                                 .parent = ev.parent,
                                 .root = ev.root,
                                 .depth = ev.depth,
                                 .chain = ev.chain,
                                 .timer = ev.timer,
                                 .copy_of = ev.seq};
    event_append(en, n.row, ev.type, payload, &from, &seq);
    audit_put(en, a, "session.resend", n.row->company, n.row->name,
              audit_i64(en, "event", (int64_t)ev.seq), audit_i64(en, "event", (int64_t)seq));
    reply_appended(en, n.row, ev.type, reply);
    return E_OK;
}
