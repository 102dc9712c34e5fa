#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>

#define AFTER_MIN_MS 1000 /* a provider's time is at least that */

/* In a simulation every handler is its own credential. */
static struct m_object *
guarded(struct model *m, const struct m_job *j)
{
    return m_object(m, j->handler);
}

static int64_t
later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void
m_breaker_failed(struct model *m, const struct m_job *j, int64_t after_ms)
{
    struct m_object *h = guarded(m, j);
    int64_t          now = m->now.wall_ms, ms = m->limits.breaker_base_ms;

    if (h->breaker == BREAKER_OPEN) {
        if (after_ms < 0) return;
        h->until_low = later(h->until_low, now + after_ms);
        h->until_high = later(h->until_high, now + after_ms);
        return;
    }
    if (h->breaker == BREAKER_CLOSED) h->opens = 0;
    h->breaker = BREAKER_OPEN;
    for (uint32_t i = 0; i < h->opens && ms < m->limits.breaker_max_ms; i++)
        ms *= 2;
    if (ms > m->limits.breaker_max_ms) ms = m->limits.breaker_max_ms;
    h->opens++;
    h->until_low = now + (after_ms >= 0 ? later(after_ms, AFTER_MIN_MS) : ms - ms / 4);
    h->until_high = now + (after_ms >= 0 ? later(after_ms, AFTER_MIN_MS) : ms + ms / 4 + 1);
}

void
m_breaker_succeeded(struct model *m, const struct m_job *j)
{
    if (guarded(m, j)->breaker == BREAKER_HALF_OPEN) guarded(m, j)->breaker = BREAKER_CLOSED;
}

int64_t
m_breaker_limit(struct model *m, const struct m_job *j)
{
    switch (guarded(m, j)->breaker) {
    case BREAKER_OPEN: return 0;
    case BREAKER_HALF_OPEN: return 1; /* the probe */
    default: return NO_LIMIT;
    }
}

void
m_breakers_due(struct model *m)
{
    for (size_t i = 0; i < m->objects.count; i++) {
        struct m_object *h = &m->objects.items[i];

        if (h->breaker == BREAKER_OPEN && h->until_high <= m->now.wall_ms)
            h->breaker = BREAKER_HALF_OPEN;
    }
}

/* The clock went back: open for no longer than before. */
void
m_breakers_replan(struct model *m, int64_t back_ms)
{
    for (size_t i = 0; i < m->objects.count; i++) {
        m->objects.items[i].until_low -= back_ms;
        m->objects.items[i].until_high -= back_ms;
    }
}

void
m_compare_breakers(struct model *m)
{
    for (size_t i = 0; i < m->objects.count; i++) {
        struct m_object *h = &m->objects.items[i];
        struct breaker   row = {.id = h->id};

        if (h->opens == 0 || h->is_gone) continue;
        claim(breaker_load(m->txn, &row) == LOAD_FOUND && row.state == h->breaker,
              "the breaker of %.*s is %u, expected %u", VIEW_ARG(h->name), row.state, h->breaker);
        if (h->breaker != BREAKER_OPEN) continue;
        claim(row.open_until >= h->until_low && row.open_until <= h->until_high,
              "the breaker of %.*s is open until %" PRId64 ", expected %" PRId64 " to %" PRId64,
              VIEW_ARG(h->name), row.open_until, h->until_low, h->until_high);
        h->until_low = row.open_until;
        h->until_high = row.open_until;
    }
}

void
m_check_breaker_deadline(struct model *m)
{
    for (size_t i = 0; i < m->objects.count; i++) {
        const struct m_object *h = &m->objects.items[i];

        claim(h->is_gone || h->breaker != BREAKER_OPEN ||
                  m->turn->deadline.wall_ms <= h->until_high,
              "the engine sleeps past the breaker of %.*s", VIEW_ARG(h->name));
    }
}
