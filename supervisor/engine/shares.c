#include "supervisor/engine/shares.h"

#include <assert.h>

/* SLOW_SINKS_MAX: nowhere.  Of sink 0: the first free place. */
static uint32_t
slow_place(const struct memory *m, uint32_t sink)
{
    uint32_t i = 0;

    while (i < SLOW_SINKS_MAX && m->slow_sinks[i] != sink)
        i++;
    return i;
}

static bool
is_slow(const struct memory *m, uint32_t sink)
{
    return slow_place(m, sink) < SLOW_SINKS_MAX;
}

static void
add(struct shares *s, uint32_t sink)
{
    uint32_t i = 0;

    while (i < s->sink_count && s->sinks[i].sink != sink)
        i++;
    if (i == s->sink_count) {
        assert(s->sink_count < ARRAY_LEN(s->sinks)); /* each has a delivery of some worker */
        s->sinks[s->sink_count++] = (struct share){.sink = sink};
    }
    s->sinks[i].count++;
}

void
shares_count(const struct memory *m, struct shares *s)
{
    s->room = s->free = s->slow = s->sink_count = 0;
    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        const struct fleet_worker *w = &m->workers[i];

        if (w->state != WORKER_UP) continue;
        s->room += DELIVERIES_MAX;
        s->free += DELIVERIES_MAX - w->deliveries;
    }
    for (uint32_t i = 0; i < m->lease_high; i++) {
        const struct fleet_lease *l = &m->leases[i];

        if (l->kind != LEASE_EFFECT || l->sink == 0) continue; /* a ping has no sink */
        add(s, l->sink);
        s->slow += is_slow(m, l->sink);
    }
}

uint32_t
shares_of(const struct shares *s, uint32_t sink)
{
    for (uint32_t i = 0; i < s->sink_count; i++) {
        if (s->sinks[i].sink == sink) return s->sinks[i].count;
    }
    return 0;
}

enum share_bar
shares_bar(const struct memory *m, const struct shares *s, uint32_t sink)
{
    uint32_t count = shares_of(s, sink);

    if (!is_slow(m, sink)) return count > s->free ? SHARE_TAKEN : SHARE_LEFT;
    if (count) return SHARE_SLOW;
    return s->slow >= s->room / 2 ? SHARE_HALF : SHARE_LEFT;
}

void
shares_judge(struct memory *m, uint32_t sink, int64_t took_ms, int64_t timeout_ms)
{
    uint32_t at = slow_place(m, sink);
    bool     was_slow = at < SLOW_SINKS_MAX;

    if (took_ms < SLOW_MS && took_ms < timeout_ms) {
        if (was_slow) m->slow_sinks[at] = 0;
        return;
    }
    if (was_slow) return;
    at = slow_place(m, 0);
    if (at == SLOW_SINKS_MAX) at = m->slow_next++ % SLOW_SINKS_MAX;
    m->slow_sinks[at] = sink;
}
