#include "tools/sim/model.h"

#include "tools/sim/verdict.h"

#include <inttypes.h>

static enum errc
check_ladder(struct view list)
{
    struct list_iter it = list_iter_of(list);
    struct view      item;
    uint32_t         n = 0;

    for (; list_next(&it, &item); n++) {
        struct mp_reader r = mp_reader_of(item);
        int64_t          ms;

        if (!mp_read_i64(&r, &ms) || ms < 0 || ms > YEARS_100_MS) return E_BAD_REQUEST;
    }
    return n >= 1 && n <= LADDER_MAX ? E_OK : E_BAD_REQUEST;
}

static enum errc
resolve(struct model *m, const struct actor *a, const struct msg_job_submit *s, struct m_job *j)
{
    enum errc   e = E_OK;
    int         company = -1;
    struct view handler = s->handler;

    j->agent = -1;
    if (s->company.size && (company = m_company(m, a, s->company, &e)) < 0) return e;
    if (s->agent.size && (j->agent = m_ref(m, a, KIND_AGENT, s->agent, &company, &e)) < 0) return e;
    if (company < 0 && (company = m_company(m, a, (struct view){0}, &e)) < 0) return e;
    j->company = company;
    if (handler.size == 0 && j->agent >= 0) handler = m_object(m, j->agent)->declared.agent.handler;
    if (handler.size == 0) return E_BAD_REQUEST;
    j->handler = m_ref(m, a, KIND_HANDLER, handler, &company, &e);
    return j->handler < 0 ? e : E_OK;
}

struct trigger {
    const char *name;
    uint8_t     priority;
    bool        is_born; /* counts as schedule-born (A8) */
};
/* A3, with the default priorities. */
static const struct trigger triggers[] = {
    {"manual",          80, false},
    {"goal_decomposed", 75, false},
    {"ticket_assigned", 70, false},
    {"routine",         60, false},
    {"schedule",        50, true },
    {"timer",           50, false},
    {"event",           50, false},
    {"heartbeat",       50, true },
    {"workflow",        50, false},
    {"follow_up",       50, false},
};

static const struct trigger *
find_trigger(const struct msg_job_submit *s)
{
    struct view name = HAS(s, job_submit, trigger) ? s->trigger : view_str("manual");

    for (size_t i = 0; i < ARRAY_LEN(triggers); i++) {
        if (view_is(name, triggers[i].name)) return &triggers[i];
    }
    return NULL;
}

static enum errc
take_priority(struct model *m, const struct actor *a, const struct msg_job_submit *s,
              struct m_job *j)
{
    const struct msg_company *c = &m_object(m, j->company)->declared.company;
    const struct trigger     *t = find_trigger(s);
    int64_t                   most = HAS(c, company, priority_max) ? c->priority_max : 80;

    j->is_born = t->is_born;
    j->priority = HAS(s, job_submit, priority) ? (uint8_t)s->priority : t->priority;
    return a->role < ROLE_OPERATOR && j->priority > most ? E_BAD_REQUEST : E_OK;
}

static enum errc
take_times(struct model *m, const struct msg_job_submit *s, struct m_job *j)
{
    int64_t now = m->now.wall_ms;

    j->run_at = now;
    if (HAS(s, job_submit, run_at) && HAS(s, job_submit, delay_ms)) return E_BAD_REQUEST;
    if (HAS(s, job_submit, run_at)) j->run_at = s->run_at;
    if (HAS(s, job_submit, delay_ms)) j->run_at = now + s->delay_ms;
    if (!HAS(s, job_submit, expires_at)) return E_OK;
    j->expires_at = s->expires_at;
    return j->expires_at <= now || j->expires_at <= j->run_at ? E_BAD_REQUEST : E_OK;
}

/* A whole request judged; *j is the job that it makes. */
static enum errc
judge_submit(struct model *m, const struct actor *a, const struct msg_job_submit *s,
             struct m_job *j)
{
    enum errc e;

    *j = (struct m_job){.schedule = -1};
    if (HAS(s, job_submit, session)) return E_BAD_REQUEST;
    if (!find_trigger(s)) return E_BAD_REQUEST;
    if ((e = resolve(m, a, s, j)) != E_OK) return e;
    if ((e = take_times(m, s, j)) != E_OK) return e;
    if ((e = take_priority(m, a, s, j)) != E_OK) return e;
    if (HAS(s, job_submit, retry) && (e = check_ladder(s->retry)) != E_OK) return e;
    j->max_attempts = (uint32_t)s->max_attempts;
    j->max_run_ms = s->max_run_ms;
    j->max_turns = s->max_turns;
    j->payload = s->payload.size ? hash64(s->payload, 0) : 0;
    m_ladder(s->retry, &j->ladder);
    m_defaults(m, j, HAS(s, job_submit, max_turns));
    return E_OK;
}

static struct m_job *
add(struct model *m, const struct m_job *made)
{
    struct m_job *j = m_add_job(m);
    uint64_t      id = j->id;
    int64_t       submitted_at = j->submitted_at;

    *j = *made;
    j->id = id;
    j->submitted_at = submitted_at;
    j->state = JOB_SCHEDULED;
    m_touch(j);
    if (j->run_at <= m->now.wall_ms) m_make_ready(j);
    return j;
}

enum errc
m_submit(struct model *m, const struct input *in, const struct msg_job_submit *s,
         const struct output *reply)
{
    struct m_job made;
    enum errc    e = m_admission(m);

    if (e == E_OK) e = judge_submit(m, &in->actor, s, &made);
    m_check_answer(in, reply, e);
    if (e == E_OK) m_check_job_reply(reply, add(m, &made));
    return e;
}

/* All or nothing. */
enum errc
m_submit_many(struct model *m, const struct input *in, const struct msg_job_submit_many *s,
              const struct output *reply)
{
    struct list_iter it = list_iter_of(s->jobs), ids;
    struct view      item, list;
    uint32_t         count = it.left, n = 0;
    struct m_job    *made = xcalloc(count + 1u, sizeof(*made));
    enum errc        e = m_admission(m);

    if (e == E_OK && count == 0) e = E_BAD_REQUEST;
    while (e == E_OK && list_next(&it, &item)) {
        struct msg_job_submit one;
        struct err            error = {0};

        e = msg_unpack(msg_desc(MSG_JOB_SUBMIT), item, &one, &error);
        if (e == E_OK) e = judge_submit(m, &in->actor, &one, &made[n++]);
    }
    m_check_answer(in, reply, e);
    if (e == E_OK) {
        claim(mp_find(reply->body, "ids", &list), "job.submit_many answered without ids");
        ids = list_iter_of(list);
        claim(ids.left == count, "%u jobs were submitted, %u ids answered", count, ids.left);
    }
    for (uint32_t i = 0; e == E_OK && i < n && list_next(&ids, &item); i++) {
        struct mp_reader r = mp_reader_of(item);
        uint64_t         id, expected = add(m, &made[i])->id;

        claim(mp_read_u64(&r, &id) && id == expected, "job.submit_many answered a wrong id");
    }
    mem_free_at(&made);
    return e;
}
