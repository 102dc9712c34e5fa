/* Durable timers of sessions (D3, N23): set, replaced, cancelled, and promoted in the order of
 * their times, each to an event in the same turn. */
#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- rows ------------------------------------------------------------------------------------ */

static bool
load(struct model *m, const struct m_session *s, const struct m_timer *t, struct session_timer *row)
{
    *row = (struct session_timer){.session = m_session_id(m, s), .timer = view_str(t->id)};
    return session_timer_load(m->txn, row) == LOAD_FOUND;
}

bool
m_timer_is_stored(struct model *m, const struct m_session *s, const struct m_timer *t)
{
    struct session_timer row;

    return load(m, s, t, &row) && row.id == t->number;
}

/* Whether the session's next event is this timer's. */
static bool
is_promoted(struct model *m, const struct m_session *s, const struct m_timer *t, bool at_once)
{
    struct event ev = {.session = m_session_id(m, s), .seq = s->events.count + 1};

    return event_load(m->txn, &ev) == LOAD_FOUND && view_is(ev.timer, t->id) &&
           (!at_once || ev.id == m->event_ids + 1);
}

/* ---- set ------------------------------------------------------------------------------------- */

static struct m_timer *
find(struct m_session *s, struct view id)
{
    for (size_t i = 0; s && i < s->timers.count; i++) {
        if (!s->timers.items[i].is_gone && view_is(id, s->timers.items[i].id))
            return &s->timers.items[i];
    }
    return NULL;
}

uint64_t
m_timers_pending(const struct m_session *s)
{
    uint64_t n = 0;

    for (size_t i = 0; i < s->timers.count; i++)
        n += s->timers.items[i].status == TIMER_PENDING;
    return n;
}

enum errc
m_timer_admit(const struct model *m, struct m_session *s, struct view id)
{
    const struct m_timer *t = find(s, id);
    int64_t               max = m->limits.session_timers_max;

    if (max == NO_LIMIT || (t && t->status == TIMER_PENDING)) return E_OK;
    return (s ? (int64_t)m_timers_pending(s) : 0) < max ? E_OK : E_CAPACITY_FULL;
}

struct m_timer *
m_timer_set(struct model *m, struct m_session *s, const struct m_timer_order *o)
{
    struct m_timer *t = find(s, o->id);

    if (!t) {
        t = LIST_ADD(&s->timers);
        claim(o->id.size < sizeof(t->id), "the simulation's timer ids are short");
        snprintf(t->id, sizeof(t->id), "%.*s", VIEW_ARG(o->id));
        t->number = ++m->event_ids;
    }
    t->status = TIMER_PENDING;
    t->fire_at = o->fire_at;
    t->event = 0;
    t->parent = o->parent;
    t->root = o->root;
    t->settled_at = m->now.wall_ms;
    buf_clear(&t->payload);
    buf_add_view(&t->payload, o->payload);
    t->is_touched = s->is_touched = true;
    return t;
}

/* ---- cancelled ------------------------------------------------------------------------------- */

static void
settle(struct model *m, struct m_session *s, struct m_timer *t, enum timer_status status)
{
    t->status = (uint8_t)status;
    t->settled_at = m->now.wall_ms;
    t->is_touched = s->is_touched = true;
}

/* What waits for its event, or its event that waits. */
bool
m_timer_cancel(struct model *m, struct m_session *s, struct view id)
{
    struct m_timer *t = find(s, id);

    if (!t || t->status == TIMER_CANCELLED) return false;
    if (t->status == TIMER_PROMOTED && !m_event_void(m, s, t->event)) return false;
    settle(m, s, t, TIMER_CANCELLED);
    return true;
}

/* The session is closed; false: a turn had no room for all, which the rows tell. */
bool
m_timers_close(struct model *m, struct m_session *s)
{
    bool is_all = true;

    for (size_t i = 0; i < s->timers.count; i++) {
        struct m_timer      *t = &s->timers.items[i];
        struct session_timer row;

        if (t->status != TIMER_PENDING) continue;
        if (load(m, s, t, &row) && row.status == TIMER_PENDING &&
            m->turn->deadline.wall_ms <= m->now.wall_ms) {
            is_all = false;
        } else {
            settle(m, s, t, TIMER_CANCELLED);
        }
    }
    return is_all;
}

/* ---- due ------------------------------------------------------------------------------------- */

static void
fire(struct model *m, struct m_session *s, struct m_timer *t)
{
    struct m_event     ev = {.parent = t->parent, .root = t->root};
    struct mp_open_map map = mp_open(&ev.payload);

    mp_put_str(&ev.payload, &map, "timer_id", view_str(t->id));
    mp_put_raw(&ev.payload, &map, "payload", buf_view(&t->payload));
    mp_close(&ev.payload, &map);
    snprintf(ev.type, sizeof(ev.type), "timer");
    settle(m, s, t, TIMER_PROMOTED);
    t->event = s->events.count + 1;
    m_event_append(m, s, &ev);
}

struct due {
    struct m_session *s;
    struct m_timer   *t;
};

/* The soonest; of those of one instant the one that the engine took. */
static struct due
next_due(struct model *m)
{
    struct due best = {NULL, NULL};

    for (size_t i = 0; i < m->sessions.count; i++) {
        struct m_session *s = &m->sessions.items[i];

        for (size_t k = 0; k < s->timers.count; k++) {
            struct m_timer *t = &s->timers.items[k];

            if (t->status != TIMER_PENDING || t->fire_at > m->now.wall_ms) continue;
            if (best.t && t->fire_at > best.t->fire_at) continue;
            if (best.t && t->fire_at == best.t->fire_at && !is_promoted(m, s, t, true)) continue;
            best = (struct due){s, t};
        }
    }
    return best;
}

/* As many as the turn has room for; none of a later time before one that is left. */
void
m_timers_due(struct model *m)
{
    struct due d;

    if (!m->limits.session_enabled) return;
    while ((d = next_due(m)).t && is_promoted(m, d.s, d.t, false))
        fire(m, d.s, d.t);
    claim(!d.t || m->turn->deadline.wall_ms <= m->now.wall_ms || d.t->is_touched || d.s->is_closing,
          "timer %s of session %s was due at %" PRId64 " and did not fire", d.t ? d.t->id : "",
          d.s ? d.s->key : "", d.t ? d.t->fire_at : 0);
}

void
m_check_timer_deadline(struct model *m)
{
    for (size_t i = 0; i < m->sessions.count && m->limits.session_enabled; i++) {
        const struct m_session *s = &m->sessions.items[i];

        for (size_t k = 0; k < s->timers.count; k++) {
            const struct m_timer *t = &s->timers.items[k];

            claim(t->status != TIMER_PENDING || m->turn->deadline.wall_ms <= t->fire_at,
                  "the engine sleeps past timer %s of session %s", t->id, s->key);
        }
    }
}

bool
m_timers_rest(const struct model *m, char *what, size_t size)
{
    for (size_t i = 0; i < m->sessions.count && m->limits.session_enabled; i++) {
        const struct m_session *s = &m->sessions.items[i];

        if (m_timers_pending(s) == 0) continue;
        snprintf(what, size, "session %s has %" PRIu64 " timers", s->key, m_timers_pending(s));
        return false;
    }
    return true;
}

/* ---- by effect ------------------------------------------------------------------------------- */

bool
m_is_timer_effect(struct view effect)
{
    struct view kind;

    return mp_find_str(effect, "kind", &kind) &&
           (view_is(kind, "schedule_timer") || view_is(kind, "cancel_timer"));
}

bool
m_timer_effect_is_valid(struct view effect)
{
    struct view kind, value;
    int64_t     at, in;
    bool        has_at = mp_find(effect, "fire_at", &value), has_in;

    has_in = mp_find(effect, "in_ms", &value);
    (void)mp_find_str(effect, "kind", &kind);
    if (!mp_find_str(effect, "timer_id", &value) || value.size == 0) return false;
    if (view_is(kind, "cancel_timer")) return true;
    if (has_at && (!mp_find_i64(effect, "fire_at", &at) || at < 0)) return false;
    if (has_in && (!mp_find_i64(effect, "in_ms", &in) || in < 0)) return false;
    return has_at != has_in;
}

enum errc
m_timer_by_effect(struct model *m, const struct m_job *from, struct view effect)
{
    struct m_session    *s = m_session(m, from->session);
    struct m_timer_order o = {.parent = from->id, .root = from->root};
    int64_t              in, soonest = m->now.wall_ms + m->limits.session_timer_delay_min_ms;
    struct view          kind;
    enum errc            e;

    if (!s) return E_DENIED;
    (void)mp_find_str(effect, "kind", &kind);
    (void)mp_find_str(effect, "timer_id", &o.id);
    if (view_is(kind, "cancel_timer")) {
        (void)m_timer_cancel(m, s, o.id);
        return E_OK;
    }
    if ((e = m_timer_admit(m, s, o.id)) != E_OK) return e;
    (void)mp_find(effect, "payload", &o.payload);
    if (mp_find_i64(effect, "in_ms", &in)) {
        o.fire_at = m->now.wall_ms + in;
    } else {
        (void)mp_find_i64(effect, "fire_at", &o.fire_at);
    }
    if (m->limits.session_timer_delay_min_ms && o.fire_at < soonest) o.fire_at = soonest;
    (void)m_timer_set(m, s, &o);
    return E_OK;
}

/* ---- compare --------------------------------------------------------------------------------- */

void
m_compare_timers(struct model *m, struct m_session *s, bool all)
{
    for (size_t i = 0; i < s->timers.count; i++) {
        struct m_timer      *t = &s->timers.items[i];
        struct session_timer row;
        struct view          payload;

        if (t->is_gone || (!all && !t->is_touched)) continue;
        t->is_touched = false;
        claim(load(m, s, t, &row) && row.id == t->number, "timer %s of %s is not in the store",
              t->id, s->key);
        claim(row.status == t->status && row.fire_at == t->fire_at && row.event == t->event &&
                  row.parent == t->parent && row.root == t->root,
              "timer %s of %s has status %u, at %" PRId64 ", event %" PRIu64
              ", expected %u, %" PRId64 ", %" PRIu64,
              t->id, s->key, row.status, row.fire_at, row.event, t->status, t->fire_at, t->event);
        payload = row.payload;
        if (row.payload_bytes &&
            bytes_load(m->txn, BLOB_TIMER, row.id, row.payload_bytes, &payload) != LOAD_FOUND)
            payload = (struct view){0};
        claim(t->status != TIMER_PENDING || view_eq(payload, buf_view(&t->payload)),
              "timer %s of %s has another payload", t->id, s->key);
    }
}
