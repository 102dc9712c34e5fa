/* What of sessions goes by age (N15): events that are done with, the oldest first; timers that are
 * settled; and a closed session with the last of what it had.  When exactly is the engine's; that
 * nothing goes too early, and that all goes in the end, is claimed. */
#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>
#include <stdio.h>

#define SLACK_MS 3600000 /* behind its time, when nothing else happens */

static bool
is_old(const struct model *m, int64_t at, int64_t keep, int64_t slack)
{
    return keep != NO_LIMIT && at + keep + slack <= m->now.wall_ms;
}

/* ---- in a turn ------------------------------------------------------------------------------- */

static void
purge_timers(struct model *m, struct m_session *s)
{
    for (size_t i = 0; i < s->timers.count; i++) {
        struct m_timer *t = &s->timers.items[i];

        if (t->is_gone || t->status == TIMER_PENDING) continue;
        if (is_old(m, t->settled_at, m->limits.keep_timers_ms, 0))
            t->is_gone = !m_timer_is_stored(m, s, t);
    }
}

static bool
has_event(struct model *m, const struct m_session *s, uint64_t seq)
{
    struct event ev = {.session = s->id, .seq = seq};

    return event_load(m->txn, &ev) == LOAD_FOUND;
}

static void
purge_events(struct model *m, struct m_session *s)
{
    for (; s->purged < s->event_seq; s->purged++) {
        struct m_event *ev = m_event(s, s->purged + 1);

        if (!is_old(m, ev->created_at, m->limits.keep_events_ms, 0) ||
            has_event(m, s, s->purged + 1))
            return;
        s->dead -= ev->mark == EVENT_DEAD;
        s->is_touched = true;
    }
}

static bool
has_messages(const struct model *m, const struct m_session *s)
{
    for (size_t i = m->settled; i < m->effects.count; i++) {
        const struct m_effect *e = &m->effects.items[i];

        if (e->session == -1 - (int)(s - m->sessions.items) - 1 &&
            (e->status == STATUS_PENDING || e->status == STATUS_ATTEMPTING))
            return true;
    }
    return false;
}

static bool
is_empty(struct model *m, const struct m_session *s)
{
    for (size_t i = 0; i < s->timers.count; i++) {
        if (!s->timers.items[i].is_gone) return false;
    }
    return s->status == SESSION_CLOSED && s->job == 0 && s->purged == s->events.count &&
           !has_messages(m, s);
}

static bool
is_stored(struct model *m, const struct m_session *s)
{
    struct session row = {.id = s->id};

    return session_load(m->txn, &row) == LOAD_FOUND;
}

void
m_sessions_purge_due(struct model *m)
{
    for (size_t i = 0; i < m->sessions.count; i++) {
        struct m_session *s = &m->sessions.items[i];

        if (s->is_gone || s->id == 0) continue; /* without a row: made in this turn */
        purge_timers(m, s);
        purge_events(m, s);
        s->is_gone = is_empty(m, s) && m->limits.keep_events_ms != NO_LIMIT && !is_stored(m, s);
    }
}

/* ---- in the end ------------------------------------------------------------------------------ */

bool
m_sessions_kept_rightly(struct model *m, char *what, size_t size)
{
    for (size_t i = 0; i < m->sessions.count; i++) {
        const struct m_session *s = &m->sessions.items[i];
        const struct m_event   *oldest =
            s->purged < s->event_seq ? &s->events.items[s->purged] : NULL;

        if (s->is_gone) continue;
        for (size_t k = 0; k < s->timers.count; k++) {
            const struct m_timer *t = &s->timers.items[k];

            if (t->is_gone || t->status == TIMER_PENDING) continue;
            if (!is_old(m, t->settled_at, m->limits.keep_timers_ms, SLACK_MS)) continue;
            snprintf(what, size, "timer %s of session %s is kept", t->id, s->key);
            return false;
        }
        if (oldest && is_old(m, oldest->created_at, m->limits.keep_events_ms, SLACK_MS)) {
            snprintf(what, size, "event %" PRIu64 " of session %s is kept", s->purged + 1, s->key);
            return false;
        }
    }
    return true;
}
