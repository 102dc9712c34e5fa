#include "supervisor/engine/events.h"
#include "supervisor/engine/readers.h"
#include "supervisor/engine/sessions.h"
#include "supervisor/engine/timers.h"
#include "supervisor/engine/views.h"

static void
put_policy(const struct session *s, struct buf *b, struct mp_open_map *map)
{
    mp_put_u64(b, map, "consecutive_autonomous_msgs", s->autonomous);
    mp_put_time(b, map, "last_autonomous_at", s->last_autonomous_at);
    mp_put_bool(b, map, "has_person", s->has_person);
}

void
view_session(struct objects *o, const struct session *s, const struct memory *full, struct buf *b)
{
    struct mp_open_map map = mp_open(b);
    struct view        checkpoint;

    mp_put_str(b, &map, "key", s->name);
    view_put_name(o, b, &map, "company", s->company);
    view_put_name(o, b, &map, "agent", s->agent);
    mp_put_cstr(b, &map, "status", session_status_name(s->status));
    mp_put_str_or_nil(b, &map, "reason", s->reason);
    mp_put_u64(b, &map, "event_seq", s->event_seq);
    mp_put_u64(b, &map, "appended", s->appended);
    mp_put_u64(b, &map, "waiting", s->waiting);
    mp_put_u64(b, &map, "dead", s->dead);
    mp_put_time(b, &map, "job", (int64_t)s->job); /* nil for none */
    mp_put_u64(b, &map, "timers", s->timers);
    mp_put_u64(b, &map, "checkpoint_id", s->checkpoint_id);
    mp_put_time(b, &map, "checkpoint_at", s->checkpoint_at);
    mp_put_time(b, &map, "active_at", s->active_at);
    mp_put_i64(b, &map, "created_at", s->created_at);
    if (full) {
        mp_put_u64(b, &map, "first_event", s->first_event);
        mp_put_u64(b, &map, "readers",
                   readers_count(full, o->txn, objects_name(o, s->company), s->name));
        put_policy(s, b, &map);
        mp_put_time(b, &map, "person_at", s->person_at);
        if (session_checkpoint(o->txn, s, &checkpoint) != LOAD_FOUND) checkpoint = (struct view){0};
        mp_put_raw(b, &map, "checkpoint", checkpoint);
    }
    mp_close(b, &map);
}

const char *
view_event_status(const struct session *s, const struct event *ev)
{
    if (ev->mark == EVENT_DEAD) return "dead";
    if (ev->mark == EVENT_VOID) return "void";
    if (ev->seq <= s->event_seq) return "processed";
    return ev->seq == s->head ? "processing" : "waiting";
}

void
view_event(struct txn *t, const struct session *row, const struct event *ev, struct buf *b)
{
    struct mp_open_map map = mp_open(b);
    struct view        payload;
    uint64_t           job = ev->seq == row->head && row->job ? row->job : ev->job;

    if (event_payload(t, ev, &payload) != LOAD_FOUND) payload = (struct view){0};
    mp_put_u64(b, &map, "seq", ev->seq);
    mp_put_u64(b, &map, "id", ev->id);
    mp_put_cstr(b, &map, "status", view_event_status(row, ev));
    mp_put_str(b, &map, "type", ev->type);
    mp_put_raw(b, &map, "payload", payload);
    mp_put_i64(b, &map, "created_at", ev->created_at);
    mp_put_str_or_nil(b, &map, "actor", ev->actor);
    mp_put_str_or_nil(b, &map, "timer_id", ev->timer);
    mp_put_time(b, &map, "job", (int64_t)job); /* nil for none */
    mp_put_time(b, &map, "parent", (int64_t)ev->parent);
    mp_put_time(b, &map, "root", (int64_t)ev->root);
    mp_put_time(b, &map, "copy_of", (int64_t)ev->copy_of);
    mp_close(b, &map);
}

void
view_timer(struct objects *o, const struct session *row, const struct session_timer *t,
           struct buf *b)
{
    struct mp_open_map map = mp_open(b);
    struct view        payload;

    if (timer_payload(o->txn, t, &payload) != LOAD_FOUND) payload = (struct view){0};
    mp_put_str(b, &map, "session", row->name);
    view_put_name(o, b, &map, "company", row->company);
    mp_put_str(b, &map, "timer_id", t->timer);
    mp_put_cstr(b, &map, "status", timer_status_name(t->status));
    mp_put_i64(b, &map, "fire_at", t->fire_at);
    mp_put_raw(b, &map, "payload", payload);
    mp_put_time(b, &map, "event", (int64_t)t->event); /* nil: it has not fired */
    mp_put_i64(b, &map, "created_at", t->created_at);
    mp_put_i64(b, &map, "updated_at", t->updated_at);
    mp_put_str_or_nil(b, &map, "actor", t->actor);
    mp_put_time(b, &map, "parent", (int64_t)t->parent);
    mp_put_time(b, &map, "root", (int64_t)t->root);
    mp_close(b, &map);
}

/* ---- the handler's document ------------------------------------------------------ */

static void
put_document_event(const struct event *ev, struct buf *b, struct mp_open_map *map)
{
    struct mp_open_map event;

    mp_key(b, map, "event");
    if (!ev) {
        mp_nil(b);
        return;
    }
    event = mp_open(b);
    mp_put_u64(b, &event, "seq", ev->seq);
    mp_put_u64(b, &event, "id", ev->id);
    mp_put_str(b, &event, "type", ev->type);
    mp_put_raw(b, &event, "payload", ev->payload);
    mp_put_i64(b, &event, "created_at", ev->created_at);
    mp_close(b, &event);
}

void
view_put_document_session(const struct document_session *s, struct buf *b, struct mp_open_map *map)
{
    struct mp_open_map session;

    mp_key(b, map, "session");
    if (s->row) {
        session = mp_open(b);
        mp_put_str(b, &session, "key", s->row->name);
        mp_put_u64(b, &session, "event_seq", s->row->event_seq);
        mp_put_u64(b, &session, "checkpoint_id", s->row->checkpoint_id);
        mp_put_u64(b, &session, "waiting", s->row->waiting);
        put_policy(s->row, b, &session);
        mp_close(b, &session);
    } else {
        mp_nil(b);
    }
    put_document_event(s->event, b, map);
}
