#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

/* What agents make by their effects (B7): wake-ups, schedules, and what becomes of a ticket. */

#define GAPS_EXAMINED 20 /* of a cron of the simulation: they repeat before */

static const struct actor daemon_actor = {.kind = "daemon", .role = ROLE_ADMIN};

static bool
is_of_kind(struct view effect, const char *kind)
{
    struct view name;

    return mp_find_str(effect, "kind", &name) && view_is(name, kind);
}

bool
m_is_inside(struct view effect)
{
    return is_of_kind(effect, "wake_agent") || is_of_kind(effect, "ticket") ||
           is_of_kind(effect, "add_schedule") || m_is_timer_effect(effect);
}

bool
m_inside_is_valid(struct view effect)
{
    struct view value;
    int64_t     id;

    if (m_is_timer_effect(effect)) return m_timer_effect_is_valid(effect);
    if (is_of_kind(effect, "wake_agent")) return m_wake_is_valid(effect);
    if (is_of_kind(effect, "add_schedule"))
        return mp_find_str(effect, "name", &value) && value.size > 0 &&
               mp_find(effect, "cron", &value) != mp_find(effect, "every_ms", &value);
    if (!mp_find_str(effect, "status", &value) || value.size == 0) return false;
    return !mp_find(effect, "ticket", &value) || (mp_find_i64(effect, "ticket", &id) && id >= 1);
}

/* ---- schedules ------------------------------------------------------------------------------- */

int64_t
m_made_schedules(const struct model *m, int agent)
{
    int64_t n = 0;

    for (size_t i = 0; i < m->objects.count; i++) {
        const struct m_object *o = &m->objects.items[i];

        n += o->kind == KIND_SCHEDULE && !o->is_gone && o->made_by == agent;
    }
    return n;
}

static int64_t
shortest_gap(struct model *m, const struct msg_schedule *d)
{
    const struct m_schedule s = {.created_at = m->now.wall_ms};
    int64_t                 at = m_next_nominal(&s, d, m->now.wall_ms), shortest = INT64_MAX;

    for (int i = 0; i < GAPS_EXAMINED; i++) {
        int64_t next = m_next_nominal(&s, d, at);

        if (next - at < shortest) shortest = next - at;
        at = next;
    }
    return shortest;
}

/* Empty when the object is gone. */
static struct view
name_of(struct model *m, int object)
{
    return m_object(m, object)->is_gone ? (struct view){0} : m_object(m, object)->name;
}

static enum errc
add_schedule(struct model *m, const struct m_job *from, struct view effect)
{
    struct msg_schedule d = {0};
    int64_t             max = m->limits.agent_schedules_max;
    int                 company = -1;
    enum errc           e;

    if (from->agent < 0) return E_DENIED;
    if (max != NO_LIMIT && m_made_schedules(m, from->agent) >= max) return E_CAPACITY_FULL;
    (void)mp_find_str(effect, "name", &d.name);
    if (mp_find_str(effect, "cron", &d.cron)) SET_HAS(&d, schedule, cron);
    if (mp_find_i64(effect, "every_ms", &d.every_ms)) SET_HAS(&d, schedule, every_ms);
    if (mp_find(effect, "payload", &d.payload)) SET_HAS(&d, schedule, payload);
    if (shortest_gap(m, &d) < m->limits.agent_interval_min_ms) return E_DENIED;
    if ((e = m_admission(m)) != E_OK) return e;
    d.company = name_of(m, from->company);
    SET_HAS(&d, schedule, company);
    d.agent = name_of(m, from->agent);
    SET_HAS(&d, schedule, agent);
    if ((e = m_judge_schedule(m, &daemon_actor, &d, &company)) != E_OK) return e;
    m_make_schedule(m, &d, company, from->agent);
    return E_OK;
}

/* ---- all ------------------------------------------------------------------------------------- */

enum errc
m_act(struct model *m, const struct m_job *from, struct view effect)
{
    if (m_is_timer_effect(effect)) return m_timer_by_effect(m, from, effect);
    if (is_of_kind(effect, "wake_agent")) return m_wake(m, from, effect);
    if (is_of_kind(effect, "ticket")) return m_ticket_by_effect(m, from, effect);
    return add_schedule(m, from, effect);
}

/* What waits for a person counts as made; what a chain forbids never comes before one. */
static enum errc
may_ask(struct model *m, const struct m_job *from, struct view effect)
{
    bool      is_wake = is_of_kind(effect, "wake_agent");
    int64_t   max = is_wake ? m->limits.agent_wakes_max : m->limits.agent_schedules_max;
    int64_t   made = is_wake ? m_made_wakes(m, from->agent) : m_made_schedules(m, from->agent);
    int       to;
    enum errc e = is_wake ? m_judge_chain(m, from, effect, &to) : E_OK;

    if (e != E_OK) return e;
    return max != NO_LIMIT && made + m_asked(m, from->agent) >= max ? E_CAPACITY_FULL : E_OK;
}

enum m_fate
m_inside(struct model *m, const struct m_job *from, uint64_t id, struct view effect)
{
    bool waits = from->agent >= 0 && !is_of_kind(effect, "ticket") && !m_is_timer_effect(effect) &&
                 m_approval_holds(m, from->agent, is_of_kind(effect, "add_schedule"));

    if (!waits) return m_act(m, from, effect) == E_OK ? M_DONE : M_REFUSED;
    if (may_ask(m, from, effect) != E_OK) return M_REFUSED;
    m_ask(m, from, id, effect);
    return M_ASKED;
}
