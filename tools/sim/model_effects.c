#include "tools/sim/model.h"

#include "tools/sim/verdict.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- commit ---------------------------------------------------------------------------------- */

static const struct actor daemon_actor = {.kind = "daemon", .role = ROLE_ADMIN};

/* The agent's own sinks while it is there, else the default ones. */
static uint32_t
sinks_of(struct model *m, int of_company, int of_agent, int *sinks, uint32_t max)
{
    struct m_object *agent = m_object(m, of_agent);
    bool             own = agent && m_is_in_store(agent) && agent->declared.agent.sinks.size > 0;
    struct view      list = own ? agent->declared.agent.sinks : m->limits.session_sinks;
    struct list_iter it;
    struct view      item;
    uint32_t         n = 0;

    if (list.size == 0) return 0;
    it = list_iter_of(list);
    while (n < max && list_next(&it, &item)) {
        struct mp_reader r = mp_reader_of(item);
        int              company = of_company;
        enum errc        e = E_OK;
        struct view      name;

        if (!mp_read_str(&r, &name)) continue;
        sinks[n] = m_ref(m, &daemon_actor, KIND_SINK, name, &company, &e);
        n += sinks[n] >= 0;
    }
    return n;
}

/* To whom a message goes that names nobody: in a session, at least to who reads it. */
uint32_t
m_message_sinks(struct model *m, int company, int agent, bool is_session, int sinks[M_SINKS_MAX])
{
    uint32_t n = sinks_of(m, company, agent, sinks, M_SINKS_MAX);

    if (n == 0 && is_session)
        sinks[n++] = m_find(m, KIND_SINK, m_find(m, KIND_COMPANY, -1, view_str("default")),
                            view_str("gateway"));
    return n;
}

/* A schedule's session is known by its name: one made anew under that name comes to the same one.
 */
static int
session_of(struct model *m, int schedule)
{
    const struct m_object *o = m_object(m, schedule);

    for (int i = 0; i < schedule; i++) {
        const struct m_object *other = m_object(m, i);

        if (other->kind == KIND_SCHEDULE && other->company == o->company &&
            view_eq(other->name, o->name))
            return i;
    }
    return schedule;
}

/* Every sink but the gateway's says how long (D4). */
int64_t
m_not_after(struct model *m, int sink)
{
    const struct m_object *o = m_object(m, sink);

    if (!o || !HAS(&o->declared.sink, sink, not_after_ms)) return 0;
    return o->declared.sink.not_after_ms == NO_LIMIT
               ? 0
               : m->now.wall_ms + o->declared.sink.not_after_ms;
}

/* What is asked of it later: its kind, and the sink that it names. */
static void
keep_words(struct m_effect *e, struct view payload)
{
    static const char *const kinds[] = {M_EFFECT_KINDS};
    struct view              text;

    e->kind = "notify"; /* an alert has no payload yet */
    for (size_t i = 0; i < ARRAY_LEN(kinds) && mp_find_str(payload, "kind", &text); i++) {
        if (view_is(text, kinds[i])) e->kind = kinds[i];
    }
    if (mp_find_str(payload, "sink", &text) && strcmp(e->kind, "send_message") == 0)
        snprintf(e->named, sizeof(e->named), "%.*s", VIEW_ARG(text));
}

static struct m_effect *
add(struct model *m, const struct m_job *j, struct view payload, int sink)
{
    struct m_effect *e = LIST_ADD(&m->effects);

    e->id = m->effects.count;
    e->place = ++m->places;
    e->job = j->id;
    e->company = j->company;
    e->payload = hash64(payload, 0);
    e->agent = j->agent;
    keep_words(e, payload);
    e->sink = sink;
    e->session = j->session ? -1 - (int)j->session : session_of(m, j->schedule);
    e->status = sink < 0 ? STATUS_SUPPRESSED : STATUS_PENDING;
    e->not_before = m->now.wall_ms;
    e->not_after = m_not_after(m, sink);
    e->settled_at = m->now.wall_ms;
    e->is_touched = true;
    return e;
}

/* With a jitter only the row tells which of two schedules that alert in one turn was the first. */
static int
schedule_of_note(struct model *m, uint64_t id, int schedule)
{
    struct effect ef = {.id = id};

    if (effect_load(m->txn, &ef) != LOAD_FOUND) return schedule;
    for (size_t i = 0; i < m->schedules.count; i++) {
        struct m_object *o = m_object(m, m->schedules.items[i].object);
        struct schedule  row = {.id = o->id};

        if (!o->is_gone && schedule_by_id(m->txn, &row) == LOAD_FOUND && row.session == ef.session)
            return m->schedules.items[i].object;
    }
    return schedule;
}

void
m_note(struct model *m, int schedule)
{
    struct m_job nobody = {.company = m_object(m, schedule)->company, .agent = -1};
    int          sinks[M_SINKS_MAX];
    uint32_t     count = sinks_of(m, nobody.company, -1, sinks, ARRAY_LEN(sinks));

    for (uint32_t i = 0; i < count; i++) {
        nobody.schedule = schedule_of_note(m, m->effects.count + 1, schedule);
        nobody.company = m_object(m, nobody.schedule)->company;
        add(m, &nobody, (struct view){0}, sinks[i])->is_note = true;
    }
}

/* It is applied in the very commit: done, or refused; or it waits for a person. */
static void
add_inside(struct model *m, const struct m_job *j, struct view payload)
{
    struct m_effect *e = add(m, j, payload, -1);
    enum m_fate      fate = m_inside(m, j, e->id, payload);

    e->status = fate == M_DONE ? STATUS_DELIVERED : STATUS_REJECTED;
    e->is_asked = fate == M_ASKED;
}

/* A message goes to each of the sinks, unless a policy gate forbids it. */
static void
add_message(struct model *m, const struct m_job *j, struct view payload, const int *sinks,
            uint32_t count)
{
    struct m_ruling r = m_judge_message(m, j);
    enum errc       e;
    int             named = m_named_sink(m, j, payload, &e);
    int64_t         own = 0, at = r.allowed_at ? r.allowed_at : m->now.wall_ms;

    if (named >= 0) {
        sinks = &named;
        count = 1;
    }
    if (r.is_autonomous && m->limits.session_quiet_hours.size)
        at = m_quiet_end(m->limits.session_quiet_hours, m->limits.session_zone, at);
    (void)mp_find_i64(payload, "not_after", &own);
    for (uint32_t i = 0; i < count; i++) {
        struct m_effect *ef = add(m, j, payload, sinks[i]);

        ef->is_autonomous = r.is_autonomous;
        ef->reason = r.reason;
        ef->allowed_at = r.allowed_at;
        if (r.reason) {
            ef->status = STATUS_REJECTED;
            return;
        }
        ef->earliest = at > m->now.wall_ms ? at : 0;
        if (ef->earliest) ef->place += M_PUT_OFF;
        if (ef->not_after) ef->not_after += at - m->now.wall_ms;
        if (own) ef->not_after = own;
    }
}

void
m_effects_commit(struct model *m, uint64_t job, struct view effects)
{
    const struct m_job copy = *m_job(m, job), *j = &copy; /* the list of jobs may move */
    struct list_iter   it = list_iter_of(effects);
    struct view        item;
    int                sinks[M_SINKS_MAX];
    uint32_t           count = m_message_sinks(m, j->company, j->agent, j->session, sinks);
    bool               is_suppressed = j->schedule >= 0 && m_is_in_shadow(m, j->schedule);
    enum errc          e;
    int                named;

    while (list_next(&it, &item)) {
        if (m_is_inside(item) && !is_suppressed) {
            add_inside(m, j, item);
            continue;
        }
        if (m_is_inside(item) || (count == 0 && m_named_sink(m, j, item, &e) < 0)) {
            (void)add(m, j, item, -1);
            continue;
        }
        if (!is_suppressed) {
            add_message(m, j, item, sinks, count);
            continue;
        }
        if ((named = m_named_sink(m, j, item, &e)) >= 0) {
            add(m, j, item, named)->status = STATUS_SUPPRESSED;
            continue;
        }
        for (uint32_t i = 0; i < count; i++)
            add(m, j, item, sinks[i])->status = STATUS_SUPPRESSED;
    }
}
