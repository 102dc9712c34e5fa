#include "supervisor/engine/session_ops.h"

#include "common/name.h"
#include "supervisor/engine/chain.h"
#include "supervisor/engine/events.h"
#include "supervisor/engine/made.h"
#include "supervisor/engine/submit.h"

#include <inttypes.h>

/* An event that a request asks for. */
struct asked {
    struct session_named session;
    struct view          type, payload;
    uint64_t             parent; /* 0: none */
};

static struct view
actor_text(struct engine *en, const struct actor *a)
{
    return view_str(arena_printf(txn_arena(turn_txn(en)), "%s:%.*s", a->kind, VIEW_ARG(a->id)));
}

static enum errc
check(struct engine *en, const struct actor *a, struct asked *q, struct event_origin *from,
      struct err *e)
{
    struct job_spec spec = {0};

    if (submit_admit(en, e) || session_of_request(en, a, &q->session, true, e)) return e->code;
    if (q->session.row && event_admit(en, q->session.row, e)) return e->code;
    spec.company = q->session.company_id;
    if (q->parent && chain_of_submit(en, a, q->parent, &spec, e)) return e->code;
    *from =
        (struct event_origin){.actor = actor_text(en, a), .parent = spec.parent, .root = spec.root};
    /* One that waits in a session is no job yet, and is bounded there. */
    if (q->session.row && q->session.row->waiting) return E_OK;
    return submit_check_queue(en, q->session.company_id, 0, e);
}

static enum errc
append(struct engine *en, const struct actor *a, struct asked *q, struct buf *reply, struct err *e)
{
    struct event_origin from;
    struct mp_open_map  map;
    struct session     *s;
    uint64_t            seq;

    if (check(en, a, q, &from, e)) return e->code;
    s = session_make(en, &q->session);
    event_append(en, s, q->type, q->payload, &from, &seq);
    if (s->agent && view_is(q->type, EVENT_MESSAGE)) made_answered(en, s->agent);
    map = mp_open(reply);
    mp_put_str(reply, &map, "session", s->name);
    mp_put_str(reply, &map, "company", objects_name(&en->turn.objects, s->company));
    mp_put_u64(reply, &map, "seq", seq);
    mp_put_u64(reply, &map, "id", en->memory.meta.next_event - 1);
    mp_put_str(reply, &map, "type", q->type);
    mp_put_u64(reply, &map, "waiting", s->waiting);
    mp_put_time(reply, &map, "job", s->head == seq ? (int64_t)s->job : 0); /* nil: it waits */
    mp_close(reply, &map);
    return E_OK;
}

static enum errc
check_payload_size(struct view payload, struct err *e)
{
    if (payload.size <= PAYLOAD_MAX) return E_OK;
    return err_set(e, E_TOO_LARGE, "content and metadata are larger than %d bytes together",
                   PAYLOAD_MAX);
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
    struct view content;

    if (!name_is_valid(m->type))
        return err_field(e, "type", "is a name: 1 to 64 of a-z, 0-9, '.', '_' and '-'");
    if (view_is(m->type, EVENT_JOB)) {
        err_field(e, "type", "events of type " EVENT_JOB " are submitted as jobs");
        return err_hint(e, "agentctl job submit HANDLER --session KEY");
    }
    if (view_is(m->type, EVENT_MESSAGE) &&
        (!mp_find_str(m->payload, "content", &content) || content.size == 0))
        return err_field(e, "payload", "a " EVENT_MESSAGE " needs a text: {\"content\": TEXT}");
    return append(en, a, &q, reply, e);
}
