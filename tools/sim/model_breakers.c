#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include "common/name.h"
#include "supervisor/engine/failure.h"
#include <inttypes.h>

#define AFTER_MIN_MS 1000 /* a provider's time is at least that */

/* ---- which ----------------------------------------------------------------------------------- */

static bool
guards(struct model *m, const struct m_breaker *b, int handler)
{
    const struct m_object *h = m_object(m, handler);
    struct view            credential = h->declared.handler.credential;

    if (h->kind != KIND_HANDLER || h->is_gone) return false;
    if (credential.size == 0) return b->handler == handler;
    return b->handler < 0 && b->company == h->company && view_is(credential, b->name);
}

/* NULL: it was never open. */
static struct m_breaker *
breaker_of(struct model *m, int handler)
{
    for (size_t i = 0; i < m->breakers.count; i++) {
        if (guards(m, &m->breakers.items[i], handler)) return &m->breakers.items[i];
    }
    return NULL;
}

static struct m_breaker *
make(struct model *m, int handler)
{
    struct view       credential = m_object(m, handler)->declared.handler.credential;
    struct m_breaker *b = LIST_ADD(&m->breakers);

    b->handler = credential.size ? -1 : handler;
    b->company = m_object(m, handler)->company;
    claim(credential.size < sizeof(b->name), "a credential that is too long for the model");
    if (credential.size) memcpy(b->name, credential.data, credential.size);
    return b;
}

/* Those that guard nothing any more are forgotten. */
void
m_breakers_declared(struct model *m)
{
    for (size_t i = m->breakers.count; i-- > 0;) {
        bool is_used = false;

        for (size_t k = 0; k < m->objects.count && !is_used; k++)
            is_used = guards(m, &m->breakers.items[i], (int)k);
        if (!is_used) LIST_REMOVE(&m->breakers, i);
    }
}

/* ---- opening and closing --------------------------------------------------------------------- */

static int64_t
later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void
m_breaker_failed(struct model *m, const struct m_job *j, int64_t after_ms)
{
    struct m_breaker *b = breaker_of(m, j->handler);
    int64_t           now = m->now.wall_ms, ms = m->limits.breaker_base_ms;

    if (!b) b = make(m, j->handler);
    if (b->state == BREAKER_OPEN) {
        if (after_ms < 0) return;
        b->until_low = later(b->until_low, now + after_ms);
        b->until_high = later(b->until_high, now + after_ms);
        return;
    }
    if (b->state == BREAKER_CLOSED) b->opens = 0;
    b->state = BREAKER_OPEN;
    for (uint32_t i = 0; i < b->opens && ms < m->limits.breaker_max_ms; i++)
        ms *= 2;
    if (ms > m->limits.breaker_max_ms) ms = m->limits.breaker_max_ms;
    b->opens++;
    b->until_low = now + (after_ms >= 0 ? later(after_ms, AFTER_MIN_MS) : ms - ms / 4);
    b->until_high = now + (after_ms >= 0 ? later(after_ms, AFTER_MIN_MS) : ms + ms / 4 + 1);
}

void
m_breaker_succeeded(struct model *m, const struct m_job *j)
{
    struct m_breaker *b = breaker_of(m, j->handler);

    if (b && b->state == BREAKER_HALF_OPEN) b->state = BREAKER_CLOSED;
}

static bool
is_tried(struct model *m, const struct m_breaker *b)
{
    for (size_t i = 0; i < m->leases.count; i++) {
        const struct m_lease *l = &m->leases.items[i];

        if (!l->is_effect && l->token > b->started_before &&
            guards(m, b, m_job(m, l->id)->handler)) {
            return true;
        }
    }
    return false;
}

/* Open: none of its jobs; half open: one, the probe. */
bool
m_breaker_has_room(struct model *m, const struct m_job *j)
{
    const struct m_breaker *b = breaker_of(m, j->handler);

    if (!b || b->state == BREAKER_CLOSED) return true;
    return b->state == BREAKER_HALF_OPEN && !is_tried(m, b);
}

/* ---- time ------------------------------------------------------------------------------------ */

void
m_breakers_due(struct model *m)
{
    for (size_t i = 0; i < m->breakers.count; i++) {
        struct m_breaker *b = &m->breakers.items[i];

        if (b->state != BREAKER_OPEN || b->until_high > m->now.wall_ms) continue;
        b->state = BREAKER_HALF_OPEN;
        b->started_before = 0;
        for (size_t k = 0; k < m->leases.count; k++) {
            if (m->leases.items[k].token > b->started_before)
                b->started_before = m->leases.items[k].token;
        }
    }
}

/* The clock went back: open for no longer than before. */
void
m_breakers_replan(struct model *m, int64_t back_ms)
{
    for (size_t i = 0; i < m->breakers.count; i++) {
        m->breakers.items[i].until_low -= back_ms;
        m->breakers.items[i].until_high -= back_ms;
    }
}

/* ---- the store ------------------------------------------------------------------------------- */

static bool
load(struct model *m, const struct m_breaker *b, struct breaker *row)
{
    *row = (struct breaker){.company = m_object(m, b->company)->id, .name = view_str(b->name)};
    if (b->handler < 0) return rec_find(m->txn, INDEX_breaker_by_name, row) == LOAD_FOUND;
    *row = (struct breaker){.id = m_object(m, b->handler)->id};
    return breaker_load(m->txn, row) == LOAD_FOUND;
}

static struct view
name_of(struct model *m, const struct m_breaker *b)
{
    return b->handler < 0 ? view_str(b->name) : m_object(m, b->handler)->name;
}

const char *
m_breaker_open_since(struct model *m, const struct m_job *j, int64_t at)
{
    const struct m_breaker *b = breaker_of(m, j->handler);
    struct breaker          row;

    if (!b || b->state == BREAKER_CLOSED || !load(m, b, &row)) return NULL;
    return row.opened_at <= at ? failure_rule(row.failure)->name : NULL;
}

void
m_compare_breakers(struct model *m)
{
    for (size_t i = 0; i < m->breakers.count; i++) {
        struct m_breaker *b = &m->breakers.items[i];
        struct breaker    row;

        claim(load(m, b, &row), "the breaker of %.*s is not in the store", VIEW_ARG(name_of(m, b)));
        claim(row.state == b->state, "the breaker of %.*s is %u, expected %u",
              VIEW_ARG(name_of(m, b)), row.state, b->state);
        if (b->state != BREAKER_OPEN) continue;
        claim(row.open_until >= b->until_low && row.open_until <= b->until_high,
              "the breaker of %.*s is open until %" PRId64 ", expected %" PRId64 " to %" PRId64,
              VIEW_ARG(name_of(m, b)), row.open_until, b->until_low, b->until_high);
        b->until_low = row.open_until;
        b->until_high = row.open_until;
    }
}

void
m_check_breaker_deadline(struct model *m)
{
    for (size_t i = 0; i < m->breakers.count; i++) {
        const struct m_breaker *b = &m->breakers.items[i];

        claim(b->state != BREAKER_OPEN || m->turn->deadline.wall_ms <= b->until_high,
              "the engine sleeps past the breaker of %.*s", VIEW_ARG(name_of(m, b)));
    }
}

/* ---- breaker.reset --------------------------------------------------------------------------- */

/* By a credential's name, else a handler's; *handler is -1 then.  NULL: none was ever open. */
static struct m_breaker *
named(struct model *m, const struct actor *a, struct view ref, int *handler, enum errc *e)
{
    struct view in_company, name;
    struct err  error = {0};
    int         company;

    *handler = -1;
    if ((*e = name_split(ref, "name", &in_company, &name, &error)) != E_OK) return NULL;
    if ((company = m_company(m, a, in_company, e)) < 0) return NULL;
    for (size_t i = 0; i < m->breakers.count; i++) {
        struct m_breaker *b = &m->breakers.items[i];

        if (b->handler < 0 && b->company == company && view_is(name, b->name)) return b;
    }
    company = -1;
    *handler = m_ref(m, a, KIND_HANDLER, ref, &company, e);
    return *handler < 0 ? NULL : breaker_of(m, *handler);
}

enum errc
m_breaker_reset(struct model *m, const struct input *in, struct view name,
                const struct output *reply)
{
    int               handler;
    enum errc         e = E_OK;
    struct m_breaker *b = named(m, &in->actor, name, &handler, &e);

    if (handler >= 0 && !m_sees(m, &in->actor, m_object(m, handler)->company)) e = E_DENIED;
    m_check_answer(in, reply, e);
    if (e == E_OK && b) b->state = BREAKER_CLOSED;
    return e;
}
