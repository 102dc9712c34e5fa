/* Heartbeats that find nothing to do come more seldom (C5). */
#include "tools/sim/model.h"

static int64_t
idle_max_of(struct model *m, const struct m_schedule *s)
{
    return m_object(m, s->object)->declared.schedule.idle_max_ms;
}

/* When it is due is known anew, unless people put it off. */
static void
planned_anew(struct m_schedule *s)
{
    if (s->due_at > s->put_off_until) s->due_at = 0;
    s->is_touched = true;
}

void
m_idle_end(struct model *m, struct m_schedule *s)
{
    s->idle_streak = 0;
    if (s->idle_until > m->now.wall_ms) s->idle_until = m->now.wall_ms;
}

static void
end_now(struct model *m, struct m_schedule *s)
{
    if (s->idle_streak == 0) return;
    m_idle_end(m, s);
    planned_anew(s);
}

/* Of the next two nominal times; 0: there are none. */
static int64_t
interval_after(struct model *m, const struct m_schedule *s, int64_t nominal_at)
{
    const struct msg_schedule *d = &m_object(m, s->object)->declared.schedule;
    const struct m_schedule    as_new = {.created_at = s->created_at};
    int64_t                    first = m_next_nominal(&as_new, d, nominal_at);
    int64_t                    second = first ? m_next_nominal(&as_new, d, first) : 0;

    return second ? second - first : 0;
}

/* 2^n intervals after n that found nothing, at most idle_max, at least one. */
void
m_idle_found_nothing(struct model *m, struct m_schedule *s, int64_t nominal_at)
{
    int64_t most = idle_max_of(m, s), ms = interval_after(m, s, nominal_at);

    if (most == 0 || ms == 0) return;
    s->idle_streak++;
    for (uint32_t n = 0; n < s->idle_streak && ms < most; n++)
        ms = ms > most / 2 ? most : 2 * ms;
    s->idle_until = nominal_at + ms;
    planned_anew(s);
}

/* Its job has ended.  One that a person fired, and one that is no longer the last, say nothing when
 * they found nothing. */
void
m_idle_job_over(struct model *m, const struct m_job *j, bool found_nothing)
{
    const struct m_object *o = m_object(m, j->schedule);
    struct m_schedule     *s;

    if (!o || o->is_gone) return;
    s = &m->schedules.items[o->schedule];
    if (idle_max_of(m, s) == 0) return;
    if (!found_nothing) {
        end_now(m, s);
    } else if (s->last_job == j->id && !j->is_asked_for) {
        m_idle_found_nothing(m, s, j->nominal_at);
    }
}

/* A job for the agent that is no heartbeat's: nor the ticket of a routine that is one. */
void
m_idle_agent_woken(struct model *m, const struct m_job *j)
{
    if (j->agent < 0 || strcmp(j->trigger, "heartbeat") == 0) return;
    for (size_t i = 0; i < m->schedules.count; i++) {
        struct m_schedule     *s = &m->schedules.items[i];
        const struct m_object *o = m_object(m, s->object);

        if (o->is_gone || s->object == j->schedule || s->idle_streak == 0) continue;
        if (m_firing_agent(m, o) == j->agent) end_now(m, s);
    }
}
