/* What requests do to schedules. */
#include "tools/sim/model_registry.h"

#include "tools/sim/verdict.h"

#include <inttypes.h>

/* ---- what may be declared -------------------------------------------------------------------- */

/* A schedule of what is in the store, else of what is asked for. */
static enum errc
judge_fields(const struct msg_schedule *s)
{
    const struct m_retry retry = M_RETRY(s, schedule);
    bool is_every = HAS(s, schedule, every_ms) || (s->cron.size && s->cron.data[0] == 'e');

    if (HAS(s, schedule, cron) == HAS(s, schedule, every_ms)) return E_BAD_REQUEST;
    if (view_is(s->cron, "61 * * * *")) return E_BAD_REQUEST; /* the bad one of the generator */
    if (is_every && HAS(s, schedule, tz) && !HAS(s, schedule, quiet_hours)) return E_BAD_REQUEST;
    if (HAS(s, schedule, start_at) && HAS(s, schedule, end_at) && s->end_at <= s->start_at)
        return E_BAD_REQUEST;
    if (view_is(s->misfire, "perhaps")) return E_BAD_REQUEST;
    if (HAS(s, schedule, misfire_max) && !view_is(s->misfire, "all")) return E_BAD_REQUEST;
    if (m_check_ladder(&retry) != E_OK) return E_BAD_REQUEST;
    if (view_is(s->overlap, "perhaps")) return E_BAD_REQUEST; /* likewise */
    if (HAS(s, schedule, shadow_runs) && !s->shadow) return E_BAD_REQUEST;
    if (s->idle_max_ms && !view_is(s->type, "heartbeat")) return E_BAD_REQUEST;
    return E_OK;
}

/* Whether a nominal time lies ahead. */
static bool
comes(const struct model *m, const struct msg_schedule *s, int64_t created_at)
{
    const struct m_schedule none_yet = {.created_at = created_at};

    return m_next_nominal(&none_yet, s, m->now.wall_ms) != 0;
}

/* In its company; what it names is of that, for whoever asks. */
static enum errc
judge_references(struct model *m, const struct actor *a, const struct msg_schedule *s, int company)
{
    enum errc   e = E_OK;
    int         agent = -1, found;
    struct view handler = s->handler;

    if (s->agent.size && (agent = m_ref(m, a, KIND_AGENT, s->agent, &company, &e)) < 0) return e;
    if (handler.size == 0 && agent >= 0) handler = m_agent_handler(m, agent);
    if (handler.size == 0) return E_BAD_REQUEST;
    if ((found = m_ref(m, a, KIND_HANDLER, handler, &company, &e)) < 0) return e;
    if ((e = m_judge_routine(m, s, company, agent)) != E_OK) return e;
    return m_judge_gate(m, a, s, company, found, agent);
}

enum errc
m_judge_schedule(struct model *m, const struct actor *a, const struct msg_schedule *s, int *company)
{
    enum errc e = judge_fields(s);

    if (e != E_OK) return e;
    if ((*company = m_company(m, a, s->company, &e)) < 0) return e;
    if ((e = judge_references(m, a, s, *company)) != E_OK) return e;
    if (m_find(m, KIND_SCHEDULE, *company, s->name) >= 0) return E_CONFLICT;
    return comes(m, s, m->now.wall_ms) ? E_OK : E_BAD_REQUEST;
}

/* ---- add, set -------------------------------------------------------------------------------- */

void
m_make_schedule(struct model *m, const struct msg_schedule *s, int company, int made_by)
{
    struct buf spec BUF_AUTO = {0};
    int             o;

    msg_pack(msg_desc(MSG_SCHEDULE), s, &spec);
    o = m_add_object(m, KIND_SCHEDULE, company, buf_view(&spec), true);
    m_object(m, o)->made_by = made_by;
}

enum errc
m_schedule_add(struct model *m, const struct input *in, const struct msg_schedule *s,
               const struct output *reply)
{
    int       company = -1;
    enum errc e = m_admission(m);

    if (e == E_OK) e = m_judge_schedule(m, &in->actor, s, &company);
    m_check_answer(in, reply, e);
    if (e == E_OK) m_make_schedule(m, s, company, -1);
    return e;
}

static int
find_schedule(struct model *m, const struct input *in, struct view in_company, struct view name,
              enum errc *e)
{
    int company = -1;

    if (in_company.size && (company = m_company(m, &in->actor, in_company, e)) < 0) return -1;
    return m_ref(m, &in->actor, KIND_SCHEDULE, name, &company, e);
}

static struct m_schedule *
run_of(struct model *m, int object)
{
    return object < 0 ? NULL : &m->schedules.items[m_object(m, object)->schedule];
}

/* What the declaration becomes; one of cron and every takes the place of the other. */
static enum errc
judge_set(struct model *m, const struct input *in, int object, const struct msg_schedule_set *q,
          struct buf *out)
{
    const struct actor     daemon = {.kind = "daemon", .role = ROLE_ADMIN};
    const struct m_object *o = m_object(m, object);
    const char            *takes_place = HAS(q, schedule_set, cron)       ? "every_ms"
                                         : HAS(q, schedule_set, every_ms) ? "cron"
                                                                          : NULL;
    struct msg_schedule    s;
    struct err             error = {0};
    enum errc              e;

    if (!o->is_api) return E_DECLARED_IN_CONFIG;
    if (HAS(q, schedule_set, cron) && HAS(q, schedule_set, every_ms)) return E_BAD_REQUEST;
    e = m_registry_change(buf_view(&o->spec), in->body, q->clear, takes_place, out);
    if (e == E_OK) e = msg_unpack(msg_desc(MSG_SCHEDULE), buf_view(out), &s, &error);
    if (e == E_OK) e = judge_fields(&s);
    if (e == E_OK) e = judge_references(m, &daemon, &s, o->company);
    if (e == E_OK && !m_has_same_times(&o->declared.schedule, &s) &&
        !comes(m, &s, m->schedules.items[o->schedule].created_at))
        e = E_BAD_REQUEST;
    return e;
}

enum errc
m_schedule_set(struct model *m, const struct input *in, const struct msg_schedule_set *q,
               const struct output *reply)
{
    struct buf merged BUF_AUTO = {0};
    enum errc         e = E_OK;
    int               o = find_schedule(m, in, q->company, q->name, &e);

    if (o >= 0) e = judge_set(m, in, o, q, &merged);
    m_check_answer(in, reply, e);
    if (e == E_OK) m_change_object(m, o, buf_view(&merged));
    return e;
}

/* ---- pause, resume, promote, remove ---------------------------------------------------------- */

enum errc
m_schedule_pause(struct model *m, const struct input *in, const struct msg_schedule_pause *q,
                 bool pause, const struct output *reply)
{
    enum errc          e = E_OK;
    struct m_schedule *s = run_of(m, find_schedule(m, in, (struct view){0}, q->name, &e));

    bool moves = HAS(q, schedule_pause, until) || HAS(q, schedule_pause, reason);

    if (s && s->is_paused == pause && !(pause && moves)) e = E_WRONG_STATE;
    if (s && e == E_OK && pause && q->until && q->until <= m->now.wall_ms) e = E_BAD_REQUEST;
    m_check_answer(in, reply, e);
    if (e != E_OK) return e;
    if (!pause) {
        bool is_over = s->pause_until && s->pause_until < m->now.wall_ms;

        m_pause_is_past(m, s, s->paused_at, is_over ? s->pause_until : m->now.wall_ms);
    } else if (!s->is_paused) {
        s->paused_at = m->now.wall_ms;
    }
    if (!pause || !s->is_paused || HAS(q, schedule_pause, until))
        s->pause_until = pause ? q->until : 0;
    s->is_paused = pause;
    return e;
}

enum errc
m_schedule_run(struct model *m, const struct input *in, const struct msg_schedule_run *q,
               const struct output *reply)
{
    const struct actor daemon = {.kind = "daemon", .role = ROLE_ADMIN};
    enum errc          e = E_OK;
    int                o = find_schedule(m, in, (struct view){0}, q->name, &e);
    struct m_schedule *s = run_of(m, o);
    bool               is_unclear = false;
    int64_t            eta_ms = -1;

    if (s) e = m_admission(m);
    if (s && e == E_OK)
        e = judge_references(m, &daemon, &m_object(m, o)->declared.schedule,
                             m_object(m, o)->company);
    if (s && e == E_OK) e = m_judge_by_hand(m, s, q->force, &is_unclear, &eta_ms);
    if (e == E_OK && is_unclear && reply->error) e = E_CAPACITY_FULL;
    m_check_answer(in, reply, e);
    claim(e != E_CAPACITY_FULL || eta_ms < 0 || reply->error->slot_eta_ms == eta_ms,
          "schedule %.*s: a slot is thought to be free in %" PRId64 " ms, expected %" PRId64,
          VIEW_ARG(q->name), (int64_t)reply->error->slot_eta_ms, eta_ms);
    if (e == E_OK) m_fire_by_hand(m, s, q->force, is_unclear);
    m->bypasses += e == E_OK && q->force;
    return e;
}

enum errc
m_schedule_backfill(struct model *m, const struct input *in, const struct msg_schedule_backfill *q,
                    const struct output *reply)
{
    static struct m_times times;
    const struct actor    daemon = {.kind = "daemon", .role = ROLE_ADMIN};
    enum errc             e = E_OK;
    int                   o = find_schedule(m, in, (struct view){0}, q->name, &e);
    struct m_schedule    *s = run_of(m, o);

    times.count = 0;
    if (s) e = m_admission(m);
    if (s && e == E_OK)
        e = judge_references(m, &daemon, &m_object(m, o)->declared.schedule,
                             m_object(m, o)->company);
    if (s && e == E_OK) e = m_backfill(m, s, q, &times);
    m_check_answer(in, reply, e);
    if (e == E_OK) m_fire_past(m, s, q, &times, reply);
    return e;
}

enum errc
m_schedule_promote(struct model *m, const struct input *in, struct view name,
                   const struct output *reply)
{
    enum errc          e = E_OK;
    struct m_schedule *s = run_of(m, find_schedule(m, in, (struct view){0}, name, &e));

    if (s && !m_is_in_shadow(m, s->object)) e = E_WRONG_STATE;
    m_check_answer(in, reply, e);
    if (e == E_OK) s->is_promoted = true;
    return e;
}

enum errc
m_schedule_remove(struct model *m, const struct input *in, struct view name,
                  const struct output *reply)
{
    enum errc e = E_OK;
    int       o = find_schedule(m, in, (struct view){0}, name, &e);

    if (o >= 0 && !m_object(m, o)->is_api) {
        e = E_DECLARED_IN_CONFIG;
    } else if (o >= 0 && (m_firing_in_flight(m, o) || m_is_awaited(m, o))) {
        e = E_IN_USE;
    }
    m_check_answer(in, reply, e);
    if (e == E_OK) m_object(m, o)->is_gone = true;
    return e;
}
