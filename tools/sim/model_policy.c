/* The gates for messages that no person asked for (D6, D7, N23). */
#include "tools/sim/model.h"
#include "tools/sim/model_schedules.h"

/* When the next may be sent, 0: at any time.  A last one that is further ahead than all that were
 * counted could be put off is of a clock that has gone back. */
static int64_t
next_at(const struct model *m, const struct m_session *s, int64_t now)
{
    int64_t cooldown = m->limits.session_cooldown_ms, last = s->last_autonomous_at;

    if (last == 0 || last - now > (int64_t)s->autonomous * cooldown) return 0;
    return last + cooldown;
}

/* In their order: nothing unasked, so many in a row, so far apart. */
struct m_ruling
m_judge_message(struct model *m, const struct m_job *j)
{
    const struct msg_limits *l = &m->limits;
    struct m_session        *s = m_session(m, j->session);
    struct m_ruling          r = {0};
    int64_t                  now = m->now.wall_ms, next;
    bool                     defers = view_is(l->session_on_cooldown, "defer");

    if (!s || m_is_for_person(m, j)) return r;
    r.is_autonomous = true;
    if (!l->session_enabled) r.reason = "disabled";
    if (r.reason || !s->has_person) return r;
    if (defers && l->session_quiet_hours.size) /* it goes then */
        now = m_quiet_end(l->session_quiet_hours, l->session_zone, now);
    next = next_at(m, s, now);
    if (l->session_max_consecutive != NO_LIMIT &&
        (int64_t)s->autonomous >= l->session_max_consecutive) {
        r.reason = "hard_cap_reached";
        return r;
    }
    if (next > now) r.allowed_at = next;
    if (next > now && !defers) {
        r.reason = "cooldown_active";
        return r;
    }
    s->autonomous++;
    s->last_autonomous_at = r.allowed_at ? r.allowed_at : now;
    s->is_touched = true;
    return r;
}
