#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include <stdio.h>

/* Wake-ups by effects, and the chains that they make (A15). */

#define WINDOW_MS 60000 /* of chain_rate_max */

static const struct actor daemon_actor = {.kind = "daemon", .role = ROLE_ADMIN};

/* ---- chains ---------------------------------------------------------------------------------- */

void
m_follow(const struct m_job *parent, struct m_job *j)
{
    j->parent = parent->id;
    j->root = parent->root;
    j->depth = parent->depth + 1;
    memcpy(j->chain, parent->chain, sizeof(j->chain));
    j->chain_count = parent->chain_count;
    if (parent->agent >= 0 && j->chain_count < ARRAY_LEN(j->chain))
        j->chain[j->chain_count++] = parent->agent;
}

enum errc
m_take_parent(struct model *m, const struct actor *a, uint64_t id, struct m_job *j)
{
    const struct m_job *parent = m_job(m, id);

    if (!parent || parent->is_purged || !m_sees(m, a, parent->company) ||
        parent->company != j->company || parent->depth + 1 > m->limits.chain_depth_max)
        return E_BAD_REQUEST;
    m_follow(parent, j);
    return E_OK;
}

/* The count of the window that is open now, a new one when it is over. */
static struct m_window *
window_of(struct model *m, uint64_t root)
{
    struct m_window *w = NULL;

    for (size_t i = 0; !w && i < m->windows.count; i++) {
        if (m->windows.items[i].root == root) w = &m->windows.items[i];
    }
    if (!w) {
        w = LIST_ADD(&m->windows);
        w->root = root;
        w->at = m->now.wall_ms;
    }
    if (w->at > m->now.wall_ms || m->now.wall_ms - w->at >= WINDOW_MS)
        *w = (struct m_window){.root = root, .at = m->now.wall_ms};
    return w;
}

/* Whether `from` has woken `to` on the way to this job already. */
static bool
is_cycle(const struct m_job *from, int to)
{
    for (unsigned i = 0; i < from->chain_count; i++) {
        int next = i + 1 < from->chain_count ? from->chain[i + 1] : from->agent;

        if (from->chain[i] == from->agent && next == to) return true;
    }
    return false;
}

enum errc
m_judge_chain(struct model *m, const struct m_job *from, struct view effect, int *to)
{
    const struct msg_limits *l = &m->limits;
    int                      company = from->company;
    struct view              name = {0};
    enum errc                e = E_OK;

    (void)mp_find_str(effect, "agent", &name);
    if ((*to = m_ref(m, &daemon_actor, KIND_AGENT, name, &company, &e)) < 0) return e;
    if (from->agent == *to && !m_object(m, *to)->declared.agent.allow_self_wake) return E_DENIED;
    if (from->agent >= 0 && from->agent != *to && is_cycle(from, *to)) return E_CONFLICT;
    if (from->depth + 1 > l->chain_depth_max) return E_CAPACITY_FULL;
    return l->chain_rate_max != NO_LIMIT && window_of(m, from->root)->count >= l->chain_rate_max
               ? E_CAPACITY_FULL
               : E_OK;
}

int64_t
m_made_wakes(struct model *m, int agent)
{
    int64_t n = 0;

    for (size_t i = 0; i < m->active.count; i++) {
        const struct m_job *j = m_job(m, m->active.items[i]);

        n += j->is_agent_made && j->chain[j->chain_count - 1] == agent;
    }
    return n;
}

/* ---- the effect ------------------------------------------------------------------------------ */

bool
m_wake_is_valid(struct view effect)
{
    struct view agent, value;
    int64_t     ms;

    if (!mp_find_str(effect, "agent", &agent) || agent.size == 0) return false;
    return !mp_find(effect, "in_ms", &value) ||
           (mp_find_i64(effect, "in_ms", &ms) && ms >= 0 && ms <= YEARS_100_MS);
}

/* Whether it may be made; fills company, agent and handler of the job. */
static enum errc
judge(struct model *m, const struct m_job *from, struct view effect, struct m_job *j)
{
    int64_t     max = m->limits.agent_wakes_max;
    enum errc   e = m_judge_chain(m, from, effect, &j->agent);
    struct view handler;

    if (e != E_OK) return e;
    if (from->agent >= 0 && max != NO_LIMIT && m_made_wakes(m, from->agent) >= max)
        return E_CAPACITY_FULL;
    /* It is taken while agentd drains, too. */
    if (!m->turn->header.space.can_admit) return m_admission(m);
    j->company = m_object(m, j->agent)->company;
    handler = m_agent_handler(m, j->agent);
    if (handler.size == 0) return E_BAD_REQUEST;
    j->handler = m_ref(m, &daemon_actor, KIND_HANDLER, handler, &j->company, &e);
    if (j->handler < 0) return e;
    return m_queue_is_full(m, j->company, 0) ? E_QUEUE_FULL : E_OK;
}

enum errc
m_wake(struct model *m, const struct m_job *from_job, struct view effect)
{
    struct m_job from = *from_job, made = {.schedule = -1}, *j; /* the list of jobs may move */
    struct view  payload;
    int64_t      in_ms = 0;
    enum errc    e = judge(m, &from, effect, &made);

    if (e != E_OK) return e;
    (void)mp_find_i64(effect, "in_ms", &in_ms);
    if (mp_find(effect, "payload", &payload)) {
        made.payload = hash64(payload, 0);
        made.payload_bytes = payload.size;
    }
    made.trigger = "follow_up";
    made.priority = 50;
    made.run_at = m->now.wall_ms + in_ms;
    made.is_agent_made = from.agent >= 0;
    m_follow(&from, &made);
    m_defaults(m, &made, false);
    j = m_add_job(m);
    made.id = j->id;
    made.submitted_at = j->submitted_at;
    made.state = JOB_SCHEDULED;
    *j = made;
    m_touch(j);
    if (in_ms == 0) m_make_ready(j);
    m_idle_agent_woken(m, j);
    window_of(m, from.root)->count++;
    return E_OK;
}

/* ---- by requests ------------------------------------------------------------------------------
 */

enum errc
m_judge_wake(struct model *m, const struct actor *a, const struct m_call *w, struct m_job *j)
{
    const struct m_object    *o = m_object(m, w->agent);
    const struct msg_company *c = &m_object(m, o->company)->declared.company;
    struct view               handler = m_agent_handler(m, w->agent);
    enum errc                 e = E_OK;

    *j = (struct m_job){.schedule = -1, .agent = w->agent, .company = o->company};
    if (o->is_gone) return E_NOT_FOUND;
    if (handler.size == 0) return E_BAD_REQUEST;
    j->handler = m_ref(m, &daemon_actor, KIND_HANDLER, handler, &j->company, &e);
    if (j->handler < 0) return e;
    j->trigger = w->trigger;
    j->priority = (uint8_t)w->priority;
    j->payload = w->payload.size ? hash64(w->payload, 0) : 0;
    j->payload_bytes = w->payload.size;
    j->run_at = m->now.wall_ms;
    m_defaults(m, j, false);
    if (m_queue_is_full(m, j->company, 0)) return E_QUEUE_FULL;
    if (a->role < ROLE_OPERATOR &&
        j->priority > (HAS(c, company, priority_max) ? c->priority_max : 80))
        return E_BAD_REQUEST;
    return E_OK;
}

struct m_job *
m_make_wake(struct model *m, const struct m_job *made)
{
    struct m_job *j = m_add_job(m);
    uint64_t      id = j->id;
    int64_t       submitted_at = j->submitted_at;

    *j = *made;
    j->id = j->root = id;
    j->submitted_at = submitted_at;
    m_make_ready(j);
    m_idle_agent_woken(m, j);
    return j;
}

/* ---- agent.wake ------------------------------------------------------------------------------ */

/* Again and again: a schedule of the agent. */
static enum errc
wake_recurring(struct model *m, const struct input *in, const struct msg_agent_wake *w,
               const struct output *reply)
{
    struct msg_schedule d = {.cron = w->cron, .every_ms = w->every_ms, .payload = w->payload};
    enum errc           e = in->actor.role < ROLE_OPERATOR ? E_DENIED : E_OK;
    int                 company = -1, agent = -1;
    char                name[32];

    if (e == E_OK && HAS(w, agent_wake, delay_ms)) e = E_BAD_REQUEST;
    if (e == E_OK) agent = m_ref(m, &in->actor, KIND_AGENT, w->name, &company, &e);
    if (e != E_OK) {
        m_check_answer(in, reply, e);
        return e;
    }
    d.agent = m_object(m, agent)->name;
    d.company = m_object(m, company)->name;
    snprintf(name, sizeof(name), "wake-%.*s", VIEW_ARG(d.agent));
    d.name = HAS(w, agent_wake, schedule) ? w->schedule : view_str(name);
    d.priority = w->priority;
    SET_HAS(&d, schedule, agent);
    SET_HAS(&d, schedule, company);
    if (HAS(w, agent_wake, cron)) SET_HAS(&d, schedule, cron);
    if (HAS(w, agent_wake, every_ms)) SET_HAS(&d, schedule, every_ms);
    if (HAS(w, agent_wake, payload)) SET_HAS(&d, schedule, payload);
    if (HAS(w, agent_wake, priority)) SET_HAS(&d, schedule, priority);
    return m_schedule_add(m, in, &d, reply);
}

/* Once: a job of the agent, as if it had been submitted. */
enum errc
m_agent_wake(struct model *m, const struct input *in, const struct msg_agent_wake *w,
             const struct output *reply)
{
    struct msg_job_submit s = {
        .agent = w->name, .payload = w->payload, .priority = w->priority, .delay_ms = w->delay_ms};

    if (HAS(w, agent_wake, cron) || HAS(w, agent_wake, every_ms))
        return wake_recurring(m, in, w, reply);
    if (HAS(w, agent_wake, schedule)) {
        m_check_answer(in, reply, E_BAD_REQUEST);
        return E_BAD_REQUEST;
    }
    SET_HAS(&s, job_submit, agent);
    if (HAS(w, agent_wake, payload)) SET_HAS(&s, job_submit, payload);
    if (HAS(w, agent_wake, priority)) SET_HAS(&s, job_submit, priority);
    if (HAS(w, agent_wake, delay_ms)) SET_HAS(&s, job_submit, delay_ms);
    return m_submit(m, in, &s, reply);
}
