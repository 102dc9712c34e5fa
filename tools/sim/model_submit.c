#include "tools/sim/model.h"

#include "tools/sim/verdict.h"

#include <inttypes.h>

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
    if (handler.size == 0 && j->agent >= 0) handler = m_agent_handler(m, j->agent);
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
trigger_named(struct view name)
{
    for (size_t i = 0; i < ARRAY_LEN(triggers); i++) {
        if (view_is(name, triggers[i].name)) return &triggers[i];
    }
    return NULL;
}

bool
m_is_trigger(struct view name)
{
    return trigger_named(name) != NULL;
}

static const struct trigger *
find_trigger(const struct msg_job_submit *s)
{
    return trigger_named(HAS(s, job_submit, trigger) ? s->trigger : view_str("manual"));
}

static enum errc
take_priority(struct model *m, const struct actor *a, const struct msg_job_submit *s,
              struct m_job *j)
{
    const struct msg_company *c = &m_object(m, j->company)->declared.company;
    const struct trigger     *t = find_trigger(s);
    int64_t                   most = HAS(c, company, priority_max) ? c->priority_max : 80;

    j->is_born = t->is_born;
    j->trigger = t->name;
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

/* A simulation's jobs are red, blue or untagged. */
const char *
m_color_of(struct view tags)
{
    struct view color;

    if (tags.size == 0 || !mp_find_str(tags, "kind", &color)) return NULL;
    return view_is(color, "red") ? "red" : "blue";
}

/* A request judged by itself; its job is the one that it makes. */
static enum errc
read_submit(struct model *m, const struct actor *a, const struct msg_job_submit *s,
            struct m_submission *out)
{
    const struct m_retry retry = M_RETRY(s, job_submit);
    struct m_job        *j = &out->job;
    enum errc            e;

    *out = (struct m_submission){.job = {.schedule = -1}, .twin = -1};
    if (!find_trigger(s)) return E_BAD_REQUEST;
    if ((e = resolve(m, a, s, j)) != E_OK) return e;
    if ((e = take_times(m, s, j)) != E_OK) return e;
    if (HAS(s, job_submit, parent) && (e = m_take_parent(m, a, s->parent, j)) != E_OK) return e;
    if ((e = take_priority(m, a, s, j)) != E_OK) return e;
    if ((e = m_check_ladder(&retry)) != E_OK) return e;
    if ((e = m_claims(m, s, out)) != E_OK) return e;
    j->max_attempts = (uint32_t)s->max_attempts;
    j->max_run_ms = s->max_run_ms;
    j->max_turns = s->max_turns;
    j->token_budget = s->token_budget;
    j->cost_budget = s->cost_budget_micros;
    j->payload = s->payload.size ? hash64(s->payload, 0) : 0;
    j->payload_bytes = s->payload.size;
    j->color = m_color_of(s->tags);
    m_ladder(&retry, &j->ladder);
    m_defaults(m, j, HAS(s, job_submit, max_turns));
    return E_OK;
}

static struct m_job *
add(struct model *m, const struct m_submission *s)
{
    struct m_job *j = m_add_job(m);
    uint64_t      id = j->id;
    int64_t       submitted_at = j->submitted_at;

    *j = s->job;
    j->id = id;
    j->submitted_at = submitted_at;
    if (j->root == 0) j->root = id;
    j->state = JOB_SCHEDULED;
    j->is_debounced = j->debounce_key[0] != '\0';
    j->causes = j->is_debounced;
    m_take_key(m, j, s->for_ms);
    m_touch(j);
    if (j->run_at <= m->now.wall_ms) m_make_ready(j);
    m_idle_agent_woken(m, j);
    return j;
}

/* The job that the submitter gets; `all` are those of the batch, with the ids that they got. */
static struct m_job *
settle(struct model *m, struct m_submission *all, int n)
{
    struct m_submission *s = &all[n];
    struct m_job        *j;

    if (s->is_merged) return m_merge(m, s);
    if (s->other) return m_job(m, s->other);
    if (s->twin >= 0) return m_job(m, all[s->twin].job.id);
    j = add(m, s);
    s->job.id = j->id;
    return j;
}

static void
check_flag(const struct output *reply, const char *name, bool expected)
{
    bool told;

    claim((mp_find_bool(reply->body, name, &told) && told) == expected,
          "job.submit should %ssay %s", expected ? "" : "not ", name);
}

enum errc
m_submit(struct model *m, const struct input *in, const struct msg_job_submit *s,
         const struct output *reply)
{
    struct m_submission one;
    enum errc           e;

    if (HAS(s, job_submit, session)) return m_session_submit(m, in, s, reply);
    e = m_admission(m);
    if (e == E_OK) e = read_submit(m, &in->actor, s, &one);
    if (e == E_OK) e = m_judge_claims(m, &one, 0);
    m_check_answer(in, reply, e);
    if (e != E_OK) return e;
    m_check_job_reply(reply, settle(m, &one, 0));
    check_flag(reply, "conflict", one.other != 0);
    check_flag(reply, "merged", one.is_merged);
    return e;
}

/* Each is judged as if those before it had been carried out; then all are, or none. */
static enum errc
judge_many(struct model *m, const struct actor *a, struct view jobs, struct m_submission *all)
{
    struct list_iter it = list_iter_of(jobs);
    struct view      item;
    enum errc        e = m_admission(m);

    if (e == E_OK && it.left == 0) e = E_BAD_REQUEST;
    for (int n = 0; e == E_OK && list_next(&it, &item); n++) {
        struct msg_job_submit one;
        struct err            error = {0};

        e = msg_unpack(msg_desc(MSG_JOB_SUBMIT), item, &one, &error);
        if (e == E_OK && HAS(&one, job_submit, session)) e = E_BAD_REQUEST;
        if (e == E_OK) e = read_submit(m, a, &one, &all[n]);
        if (e == E_OK) e = m_judge_claims(m, all, n);
    }
    return e;
}

enum errc
m_submit_many(struct model *m, const struct input *in, const struct msg_job_submit_many *s,
              const struct output *reply)
{
    uint32_t             count = list_iter_of(s->jobs).left;
    struct m_submission *all = xcalloc(count + 1u, sizeof(*all));
    enum errc            e = judge_many(m, &in->actor, s->jobs, all);
    struct list_iter     ids;
    struct view          item, list;

    m_check_answer(in, reply, e);
    if (e == E_OK) {
        claim(mp_find(reply->body, "ids", &list), "job.submit_many answered without ids");
        ids = list_iter_of(list);
        claim(ids.left == count, "%u jobs were submitted, %u ids answered", count, ids.left);
    }
    for (uint32_t i = 0; e == E_OK && i < count && list_next(&ids, &item); i++) {
        struct mp_reader r = mp_reader_of(item);
        uint64_t         id, expected = settle(m, all, (int)i)->id;

        claim(mp_read_u64(&r, &id) && id == expected, "job.submit_many answered a wrong id");
    }
    mem_free_at(&all);
    return e;
}
