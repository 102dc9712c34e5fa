/* How many deliveries one sink may have at a time. */
#include "tools/sim/model.h"

#define EACH_WORKERS 4     /* deliveries */
#define SLOW_FROM_MS 10000 /* sinks here have the usual time-out, which is longer */

static bool
is_slow(const struct model *m, int sink)
{
    for (size_t i = 0; i < ARRAY_LEN(m->slow); i++) {
        if (m->slow[i] == sink + 1) return true;
    }
    return false;
}

bool
m_share_is_left(const struct model *m, int sink)
{
    uint32_t room = 0, taken = 0, own = 0, slow = 0;

    for (uint32_t i = 0; i < WORKERS_MAX; i++)
        room += m->workers[i].state == M_UP ? EACH_WORKERS : 0;
    for (size_t i = 0; i < m->leases.count; i++) {
        const struct m_lease *l = &m->leases.items[i];

        if (!l->is_effect || l->is_old) continue;
        taken += m->workers[l->worker].state == M_UP;
        own += m->effects.items[l->id - 1].sink == sink;
        slow += is_slow(m, m->effects.items[l->id - 1].sink);
    }
    if (is_slow(m, sink)) return own == 0 && slow < room / 2;
    return own + taken <= room;
}

void
m_share_judge(struct model *m, const struct m_effect *e)
{
    size_t at = ARRAY_LEN(m->slow);

    if (m->now.wall_ms - e->sent_at >= SLOW_FROM_MS && is_slow(m, e->sink)) return;
    for (size_t i = 0; i < ARRAY_LEN(m->slow); i++) {
        if (m->slow[i] == e->sink + 1) m->slow[i] = 0;
        if (m->slow[i] == 0 && at > i) at = i;
    }
    if (m->now.wall_ms - e->sent_at < SLOW_FROM_MS) return;
    if (at == ARRAY_LEN(m->slow)) at = m->slow_next++ % ARRAY_LEN(m->slow);
    m->slow[at] = e->sink + 1;
}
