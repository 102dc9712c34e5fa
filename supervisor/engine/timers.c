#include "supervisor/engine/timers.h"

#include "supervisor/engine/events.h"
#include "supervisor/engine/feed.h"
#include "supervisor/engine/sessions.h"
#include "supervisor/engine/wallclock.h"

#include <inttypes.h>

#define EVENT_OVERHEAD 64 /* bytes at most that an event adds to payload and timer_id */

static const char *const status_names[TIMER_STATUS_COUNT] = {[TIMER_NONE] = "none",
#define V(name, text) [TIMER_##name] = text,
                                                             TIMER_STATUSES(V)
#undef V
};

static struct mp_open_map
feed_timer_open(struct engine *en, enum feed_type type, const struct session *s,
                const struct session_timer *t)
{
    struct mp_open_map m = session_feed_open(en, type, s);

    mp_put_str(feed_buf(en), &m, "timer_id", t->timer);
    mp_put_i64(feed_buf(en), &m, "fire_at", t->fire_at);
    mp_put_time(feed_buf(en), &m, "parent", (int64_t)t->parent); /* nil for none */
    mp_put_time(feed_buf(en), &m, "root", (int64_t)t->root);
    return m;
}

/* ---- set ------------------------------------------------------------------------ */

enum errc
timer_check(const struct timer_order *o, struct err *e)
{
    if (o->payload.size + o->timer.size + EVENT_OVERHEAD <= PAYLOAD_MAX) return E_OK;
    err_set(e, E_TOO_LARGE, "payload and timer_id are larger than %d bytes together",
            PAYLOAD_MAX - EVENT_OVERHEAD);
    return err_hint(e, "name in it where the rest can be read");
}

static bool
is_pending(struct txn *t, uint32_t session, struct view timer)
{
    struct session_timer row = {.session = session, .timer = timer};

    return session_timer_load(t, &row) == LOAD_FOUND && row.status == TIMER_PENDING;
}

enum errc
timer_admit(struct engine *en, const struct session *s, struct view timer, struct err *e)
{
    int64_t max = en->memory.limits.session_timers_max;

    if (max == NO_LIMIT || (s ? s->timers : 0) < (uint64_t)max) return E_OK;
    if (s && is_pending(turn_txn(en), s->id, timer)) return E_OK; /* it takes its own place */
    err_set(e, E_CAPACITY_FULL,
            "%" PRIu32 " timers of the session are pending (sessions.timers_max)",
            s ? s->timers : 0);
    return err_hint(e, "cancel some, or raise sessions.timers_max");
}

static void
put_payload(struct engine *en, struct session_timer *t, struct view payload)
{
    if (t->payload_bytes) bytes_delete(turn_txn(en), BLOB_TIMER, t->id);
    t->payload_bytes = 0;
    if (payload.size > BLOB_FROM) {
        bytes_save(turn_txn(en), BLOB_TIMER, t->id, payload);
        t->payload_bytes = (uint32_t)payload.size;
        payload = (struct view){0};
    }
    t->payload = payload;
}

void
timer_set(struct engine *en, struct session *s, const struct timer_order *o,
          struct session_timer *out)
{
    struct session_timer t = {.session = s->id, .timer = o->timer};
    struct mp_open_map   m;

    if (session_timer_load(turn_txn(en), &t) != LOAD_FOUND) {
        t.id = en->memory.meta.next_event++;
        t.created_at = en->turn.now.wall_ms;
    }
    if (t.status != TIMER_PENDING) s->timers++;
    session_changed(en, s);
    put_payload(en, &t, o->payload);
    t.status = TIMER_PENDING;
    t.fire_at = o->fire_at;
    t.updated_at = en->turn.now.wall_ms;
    t.event = 0;
    t.actor = o->actor;
    t.parent = o->parent;
    t.root = o->root;
    session_timer_save(turn_txn(en), &t);
    m = feed_timer_open(en, FEED_TIMER_SET, s, &t);
    feed_close(en, &m);
    *out = t;
}

/* ---- no longer pending ---------------------------------------------------------- */

static void
settle(struct engine *en, struct session *s, struct session_timer *t, enum timer_status status)
{
    if (s && t->status == TIMER_PENDING && s->timers > 0) {
        s->timers--;
        session_changed(en, s);
    }
    t->status = (uint8_t)status;
    t->updated_at = en->turn.now.wall_ms;
    session_timer_save(turn_txn(en), t);
}

static void
cancel(struct engine *en, struct session *s, struct session_timer *t)
{
    struct mp_open_map m;

    settle(en, s, t, TIMER_CANCELLED);
    m = feed_timer_open(en, FEED_TIMER_CANCELLED, s, t);
    feed_close(en, &m);
}

bool
timer_cancel(struct engine *en, struct session *s, struct view timer)
{
    struct session_timer t = {.session = s->id, .timer = timer};

    if (session_timer_load(turn_txn(en), &t) != LOAD_FOUND || t.status == TIMER_CANCELLED)
        return false;
    if (t.status == TIMER_PROMOTED && !session_void_event(en, s, t.event)) return false;
    cancel(en, s, &t);
    return true;
}

uint32_t
timers_cancel(struct engine *en, struct session *s, uint32_t max)
{
    struct session_timer t = {.session = s->id, .status = TIMER_PENDING};
    struct scan          scan;
    uint32_t             n = 0;

    scan_open(&scan, turn_txn(en), INDEX_timer_by_status, &t, 2, 2);
    for (; n < max && scan_next(&scan, &t); n++)
        cancel(en, s, &t);
    scan_close(&scan);
    return n;
}

void
timers_recount(struct engine *en, uint32_t session)
{
    struct session_timer t = {.session = session, .status = TIMER_PENDING};
    struct session      *s = session_row(en, session);
    struct scan          scan;
    uint32_t             n = 0;

    if (!s) return;
    scan_open(&scan, turn_txn(en), INDEX_timer_by_status, &t, 2, 2);
    for (; scan_next_key(&scan, &t); n++) {
    }
    scan_close(&scan);
    if (s->timers == n) return;
    s->timers = n;
    session_changed(en, s);
}

/* ---- due ------------------------------------------------------------------------ */

/* What its event says. */
static void
event_payload_of(struct engine *en, const struct session_timer *t, struct buf *out)
{
    struct mp_open_map m = mp_open(out);
    struct view        payload;

    if (timer_payload(turn_txn(en), t, &payload) != LOAD_FOUND) payload = (struct view){0};
    mp_put_str(out, &m, "timer_id", t->timer);
    mp_put_raw(out, &m, "payload", payload);
    mp_close(out, &m);
}

static void
promote(struct engine *en, struct session *s, struct session_timer *t)
{
    const struct event_origin from = {
        .actor = t->actor, .parent = t->parent, .root = t->root, .timer = t->timer};
    struct buf payload BUF_AUTO = {0};
    struct mp_open_map m;

    event_payload_of(en, t, &payload);
    event_append(en, s, view_str(EVENT_TIMER), buf_view(&payload), &from, &t->event);
    put_payload(en, t, (struct view){0}); /* it is its event's now */
    settle(en, s, t, TIMER_PROMOTED);
    m = feed_timer_open(en, FEED_TIMER_FIRED, s, t);
    mp_put_u64(feed_buf(en), &m, "event", t->event);
    feed_close(en, &m);
}

/* One whose session is damaged, or closed, has nowhere to fire. */
static void
fire(struct engine *en, struct session_timer *t)
{
    struct session *s = session_row(en, t->session);

    if (!s) {
        settle(en, NULL, t, TIMER_CANCELLED);
    } else if (s->status == SESSION_CLOSED) {
        cancel(en, s, t);
    } else {
        promote(en, s, t);
    }
}

static bool
may_fire(struct engine *en)
{
    return en->memory.limits.session_enabled && !wallclock_is_held(en);
}

void
timers_due(struct engine *en, uint32_t max)
{
    struct session_timer t = {0};
    struct scan          s;

    if (max > en->turn.due_left) max = en->turn.due_left;
    if (!may_fire(en)) return;
    scan_open(&s, turn_txn(en), INDEX_timer_due, &t, 0, 0);
    for (; max && scan_next(&s, &t) && t.fire_at <= en->turn.now.wall_ms; max--) {
        en->turn.due_left--;
        fire(en, &t);
    }
    scan_close(&s);
}

int64_t
timers_deadline(struct engine *en)
{
    struct session_timer key = {0};
    struct scan          s;
    int64_t              at = INT64_MAX;

    if (!may_fire(en)) return at;
    scan_open(&s, turn_txn(en), INDEX_timer_due, &key, 0, 0);
    if (scan_next_key(&s, &key)) at = key.fire_at;
    scan_close(&s);
    return at;
}

/* ---- rows ----------------------------------------------------------------------- */

enum load
timer_payload(struct txn *t, const struct session_timer *row, struct view *out)
{
    *out = row->payload;
    if (row->payload_bytes) return bytes_load(t, BLOB_TIMER, row->id, row->payload_bytes, out);
    return LOAD_FOUND;
}

const char *
timer_status_name(enum timer_status s)
{
    return s < TIMER_STATUS_COUNT ? status_names[s] : "?";
}

enum timer_status
timer_status_from(struct view name)
{
    for (enum timer_status s = TIMER_NONE + 1; s < TIMER_STATUS_COUNT; s++) {
        if (view_is(name, status_names[s])) return s;
    }
    return TIMER_NONE;
}
