/* Requests about the queue as a whole: what operators hold and release. */
#include "tools/sim/sim.h"

#include <stddef.h>
#include <stdio.h>

/* ---- submits like another -------------------------------------------------------------------- */

static void
fill_unique(struct sim *s, struct msg_job_submit *m)
{
    static const char *const keys[] = {"u0", "u1", "u2"};
    static const char *const policies[] = {"return", "reject", "replace", "replace"};

    m->unique_key = view_str(keys[rng_below(&s->rng, ARRAY_LEN(keys))]);
    SET_HAS(m, job_submit, unique_key);
    if (rng_chance(&s->rng, 800)) {
        m->on_conflict = view_str(policies[rng_below(&s->rng, ARRAY_LEN(policies))]);
        SET_HAS(m, job_submit, on_conflict);
    }
    if (!rng_chance(&s->rng, 300)) return;
    m->unique_for_ms = rng_between(&s->rng, 1, 3600000);
    SET_HAS(m, job_submit, unique_for_ms);
}

static void
fill_debounce(struct sim *s, struct msg_job_submit *m)
{
    static const char *const keys[] = {"d0", "d1"};

    m->debounce_key = view_str(keys[rng_below(&s->rng, ARRAY_LEN(keys))]);
    SET_HAS(m, job_submit, debounce_key);
    if (rng_chance(&s->rng, 800)) {
        m->debounce_ms = rng_between(&s->rng, 0, 120000);
        SET_HAS(m, job_submit, debounce_ms);
    }
    if (!rng_chance(&s->rng, 500)) return;
    m->debounce_max_ms = rng_between(&s->rng, 1, 300000);
    SET_HAS(m, job_submit, debounce_max_ms);
}

bool
sim_fill_merge(struct sim *s, struct msg_job_submit *m)
{
    if (rng_chance(&s->rng, 150)) {
        fill_unique(s, m);
        if (rng_chance(&s->rng, 970)) return false;
    } else if (!rng_chance(&s->rng, 150)) {
        return false;
    }
    fill_debounce(s, m); /* with a unique key now and then, which is refused */
    if (m->handler.size && rng_chance(&s->rng, 800)) m->handler = view_str(config_handler(0));
    return true;
}

void
sim_submit_flood(struct sim *s)
{
    struct buf list            BUF_AUTO = {0};
    struct msg_job_submit_many many = {0};
    uint32_t                   n = (uint32_t)rng_between(&s->rng, 80, 150);

    mp_array(&list, n);
    for (uint32_t i = 0; i < n; i++) {
        struct msg_job_submit m = {.handler = view_str("noop"),
                                   .debounce_key = view_str("d0"),
                                   .debounce_ms = rng_between(&s->rng, 0, 120000)};

        SET_HAS(&m, job_submit, handler);
        SET_HAS(&m, job_submit, debounce_key);
        SET_HAS(&m, job_submit, debounce_ms);
        msg_pack(msg_desc(MSG_JOB_SUBMIT), &m, &list);
    }
    many.jobs = buf_view(&list);
    sim_ask(s, MSG_JOB_SUBMIT_MANY, &many);
}

/* ---- the emergency stop ---------------------------------------------------------------------- */

static void
stop(struct sim *s)
{
    static const char *const scopes[] = {"new",     "running",     "effects",
                                         "running", "new,effects", "effects,running",
                                         "all",     "new,,effects"}; /* the last two are none */
    struct msg_stop          m = {.scope = view_str(scopes[rng_below(&s->rng, ARRAY_LEN(scopes))])};

    if (rng_chance(&s->rng, 500)) {
        m.reason = view_str("the simulation says so");
        SET_HAS(&m, stop, reason);
    }
    sim_ask(s, MSG_STOP, &m);
}

static void
drain(struct sim *s)
{
    const struct msg_drain m = {0};

    sim_ask(s, MSG_DRAIN, &m);
}

static void
resume(struct sim *s)
{
    const struct msg_resume m = {0};

    sim_ask(s, MSG_RESUME, &m);
}

/* ---- pauses, breakers ------------------------------------------------------------------------ */

static void
about_company(struct sim *s, enum msg_id op)
{
    struct msg_company_pause pause = {
        .name = view_str(config_company((int)rng_below(&s->rng, SIM_ANY_COMPANIES)))};
    const struct msg_company_resume resume = {.name = pause.name};

    if (op == MSG_COMPANY_PAUSE) {
        sim_ask(s, op, &pause);
    } else {
        sim_ask(s, op, &resume);
    }
}

static void
about_agent(struct sim *s, enum msg_id op)
{
    int                     agent = (int)rng_below(&s->rng, SIM_ANY_AGENTS);
    char                    name[32];
    struct msg_agent_pause  pause = {0};
    struct msg_agent_resume resume = {0};

    snprintf(name, sizeof(name), "%s/%s", config_company(config_agent_company(agent)),
             config_agent(agent));
    pause.name = view_str(name);
    resume.name = pause.name;
    if (op == MSG_AGENT_PAUSE) {
        sim_ask(s, op, &pause);
    } else {
        sim_ask(s, op, &resume);
    }
}

static void
breaker_reset(struct sim *s)
{
    static const char *const       credentials[] = {"c0", "c1", "default/c0", "default/c1"};
    const char *const              name = rng_chance(&s->rng, 500)
                                              ? credentials[rng_below(&s->rng, ARRAY_LEN(credentials))]
                                              : config_handler((int)rng_below(&s->rng, SIM_HANDLERS));
    const struct msg_breaker_reset m = {.name = view_str(name)};

    sim_ask(s, MSG_BREAKER_RESET, &m);
}

/* ---- many jobs at once ----------------------------------------------------------------------- */

struct filter_text {
    char agent[32], after[24];
};

static void
fill_whose(struct sim *s, struct msg_job_list *m, struct filter_text *text)
{
    int agent = (int)rng_below(&s->rng, SIM_ANY_AGENTS), company = config_agent_company(agent);

    if (rng_chance(&s->rng, 300)) {
        m->company = view_str(rng_chance(&s->rng, 950) ? config_company(company) : "nowhere");
        SET_HAS(m, job_list, company);
    }
    if (rng_chance(&s->rng, 200)) {
        snprintf(text->agent, sizeof(text->agent), "%s/%s", config_company(company),
                 config_agent(agent));
        m->agent = view_str(text->agent);
        SET_HAS(m, job_list, agent);
    }
    if (rng_chance(&s->rng, 200)) {
        m->handler = view_str(config_handler((int)rng_below(&s->rng, SIM_HANDLERS)));
        SET_HAS(m, job_list, handler);
    }
}

static void
fill_what(struct sim *s, struct msg_job_list *m)
{
    static const char *const states[] = {"scheduled", "running",   "completed", "failed",
                                         "cancelled", "completed", "expired",   "lost"};
    static const char *const triggers[] = {"manual", "schedule", "heartbeat", "event", "whim"};
    static const char *const tags[] = {"kind=red", "kind=blue", "kind"};
    static const char *const classes[] = {"aborted",     "timeout",       "expired", "worker_lost",
                                          "tool_failed", "handler_error", "malaise"};

    if (rng_chance(&s->rng, 400)) {
        m->state = view_str(states[rng_below(&s->rng, ARRAY_LEN(states))]);
        SET_HAS(m, job_list, state);
    }
    if (rng_chance(&s->rng, 150)) {
        m->trigger = view_str(triggers[rng_below(&s->rng, ARRAY_LEN(triggers))]);
        SET_HAS(m, job_list, trigger);
    }
    if (rng_chance(&s->rng, 150)) {
        m->tag = view_str(tags[rng_below(&s->rng, ARRAY_LEN(tags))]);
        SET_HAS(m, job_list, tag);
    }
    if (rng_chance(&s->rng, 150)) {
        m->class = view_str(classes[rng_below(&s->rng, ARRAY_LEN(classes))]);
        SET_HAS(m, job_list, class);
    }
}

static void
fill_which(struct sim *s, struct msg_job_list *m, struct filter_text *text)
{
    bool by_id = !view_is(m->state, "scheduled") && !view_is(m->state, "running");

    if ((m->due = rng_chance(&s->rng, 50))) SET_HAS(m, job_list, due);
    if ((m->retrying = rng_chance(&s->rng, 50))) SET_HAS(m, job_list, retrying);
    if ((m->quarantined = rng_chance(&s->rng, 50))) SET_HAS(m, job_list, quarantined);
    if (rng_chance(&s->rng, 400)) {
        m->older_ms = rng_chance(&s->rng, 200) ? 0 : rng_between(&s->rng, 0, 3600000);
        SET_HAS(m, job_list, older_ms);
    }
    if (!by_id) return; /* those pages go by another order than the ids' */
    if (rng_chance(&s->rng, 400)) {
        m->limit = (uint64_t)rng_between(&s->rng, 1, 20);
        SET_HAS(m, job_list, limit);
    }
    if (!rng_chance(&s->rng, 200)) return;
    snprintf(text->after, sizeof(text->after), "%u",
             (unsigned)rng_below(&s->rng, s->model.jobs.count + 2));
    m->after = view_str(rng_chance(&s->rng, 900) ? text->after : "x");
    SET_HAS(m, job_list, after);
}

/* The filter of many jobs is that of a list, with a dry run behind it. */
static void
ask_many(struct sim *s, enum msg_id op)
{
    struct filter_text        text = {{0}, {0}};
    struct msg_job_list       filter = {0};
    struct msg_job_retry_many m = {0}; /* the others have its fields, but `force` */

    fill_whose(s, &filter, &text);
    fill_what(s, &filter);
    fill_which(s, &filter, &text);
    memcpy(&m, &filter, offsetof(struct msg_job_list, after) + sizeof(filter.after));
    if ((m.dry_run = rng_chance(&s->rng, 300))) SET_HAS(&m, job_retry_many, dry_run);
    if (op == MSG_JOB_RETRY_MANY && (m.force = rng_chance(&s->rng, 300)))
        SET_HAS(&m, job_retry_many, force);
    sim_ask(s, op, &m);
}

/* ---- all of them ----------------------------------------------------------------------------- */

void
sim_request_many(struct sim *s)
{
    static const enum msg_id ops[] = {MSG_JOB_CANCEL_MANY, MSG_JOB_RETRY_MANY, MSG_JOB_PURGE};

    ask_many(s, ops[rng_below(&s->rng, ARRAY_LEN(ops))]);
}

/* What is held is mostly released soon: a run should see what comes of both. */
void
sim_request_hold(struct sim *s)
{
    static const unsigned weights[] = {10, 4, 10, 8, 12, 8, 12, 10};

    if (s->model.held && rng_chance(&s->rng, 500)) {
        resume(s);
        return;
    }
    switch (rng_weighted(&s->rng, weights, ARRAY_LEN(weights))) {
    case 0: stop(s); break;
    case 1: drain(s); break;
    case 2: resume(s); break;
    case 3: about_company(s, MSG_COMPANY_PAUSE); break;
    case 4: about_company(s, MSG_COMPANY_RESUME); break;
    case 5: about_agent(s, MSG_AGENT_PAUSE); break;
    case 6: about_agent(s, MSG_AGENT_RESUME); break;
    default: breaker_reset(s);
    }
}

static void
release_object(struct sim *s, const struct m_object *o)
{
    char                            name[140];
    const struct msg_company_resume company = {.name = o->name};
    struct msg_agent_resume         agent = {0};

    if (o->kind == KIND_COMPANY) {
        sim_ask_as_admin(s, MSG_COMPANY_RESUME, &company);
        return;
    }
    snprintf(name, sizeof(name), "%.*s/%.*s", VIEW_ARG(s->model.objects.items[o->company].name),
             VIEW_ARG(o->name));
    agent.name = view_str(name);
    sim_ask_as_admin(s, MSG_AGENT_RESUME, &agent);
}

void
sim_release_holds(struct sim *s)
{
    const struct msg_resume m = {0};

    sim_ask_as_admin(s, MSG_RESUME, &m);
    for (size_t i = 0; i < s->model.objects.count; i++) {
        const struct m_object *o = &s->model.objects.items[i];

        if (o->is_paused && !o->is_gone) release_object(s, o);
    }
}
