/* What comes of the jobs of schedules. */
#include "tools/sim/model.h"

/* ---- the shadow (C5) ------------------------------------------------------------------------- */

bool
m_is_in_shadow(struct model *m, int object)
{
    const struct m_object *o = m_object(m, object);

    return !o->is_gone && o->declared.schedule.shadow &&
           !m->schedules.items[o->schedule].is_promoted;
}

/* Good runs in a row promote it; one that was cancelled or not started is neither good nor bad. */
static void
prove(struct model *m, struct m_schedule *s, const struct m_job *j)
{
    const struct msg_schedule *d = &m_object(m, s->object)->declared.schedule;

    if (!m_is_in_shadow(m, s->object)) return;
    if (j->state == JOB_FAILED) s->shadow_runs = 0;
    if (j->state != JOB_COMPLETED) return;
    s->shadow_runs++;
    if (HAS(d, schedule, shadow_runs) && s->shadow_runs >= d->shadow_runs) s->is_promoted = true;
}

/* ---- ends ------------------------------------------------------------------------------------ */

void
m_firing_ended(struct model *m, const struct m_job *j)
{
    const struct m_object *o = m_object(m, j->schedule);

    if (o->is_gone) return;
    prove(m, &m->schedules.items[o->schedule], j);
}
