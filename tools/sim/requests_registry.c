#include "tools/sim/daily.h"
#include "tools/sim/sim.h"

#include <stdio.h>

/* Companies, agents and profiles by requests: mostly those that no configuration declares. */

#define PROFILES 3

static const char *const profile_names[PROFILES] = {"p0", "p1", "p2"};
static const int         profile_companies[PROFILES] = {0, 1, 4};

/* A number from first, which only requests make; now and then one that is declared. */
static int
some(struct sim *s, int first, int count)
{
    if (rng_chance(&s->rng, 50)) return (int)rng_below(&s->rng, (uint64_t)first);
    return (int)rng_between(&s->rng, first, count - 1);
}

static int64_t
cap(struct sim *s)
{
    return config_cap(&s->config, &s->rng, 3);
}

/* ---- declarations ---------------------------------------------------------------------------- */

static void
company(struct sim *s, enum msg_id op)
{
    struct msg_company m = {
        .name = view_str(config_company(some(s, SIM_COMPANIES, SIM_ANY_COMPANIES)))};
    const struct daily d = daily_random(&s->rng, 0);

    if (rng_chance(&s->rng, 500)) {
        m.max_concurrent = cap(s);
        SET_HAS(&m, company, max_concurrent);
    }
    if (rng_chance(&s->rng, 300)) {
        m.priority_max = rng_between(&s->rng, 0, 100);
        SET_HAS(&m, company, priority_max);
    }
    if (rng_chance(&s->rng, 300)) {
        m.queue_max = rng_chance(&s->rng, 300) ? NO_LIMIT : rng_between(&s->rng, 0, 10);
        SET_HAS(&m, company, queue_max);
    }
    DAILY_GIVE(&m, company, &d);
    sim_ask(s, op, &m);
}

static struct view
some_handler(struct sim *s)
{
    if (rng_chance(&s->rng, 50)) return view_str("nobody");
    return view_str(config_handler((int)rng_below(&s->rng, SIM_HANDLERS)));
}

static void
fill_agent(struct sim *s, struct msg_agent *m, struct buf *sinks, char profile[16])
{
    const struct daily d = daily_random(&s->rng, 0);
    int                p = (int)rng_below(&s->rng, PROFILES);

    if (rng_chance(&s->rng, 600)) {
        m->handler = some_handler(s);
        SET_HAS(m, agent, handler);
    }
    if (rng_chance(&s->rng, 400)) {
        snprintf(profile, 16, "%s%s", rng_chance(&s->rng, 100) ? "default/" : "", profile_names[p]);
        m->profile = view_str(profile);
        SET_HAS(m, agent, profile);
    }
    if (rng_chance(&s->rng, 300)) {
        config_pack_sinks((unsigned)rng_below(&s->rng, 1u << SIM_SINKS), sinks);
        m->sinks = buf_view(sinks);
        SET_HAS(m, agent, sinks);
    }
    if (rng_chance(&s->rng, 400)) {
        m->max_concurrent = cap(s);
        SET_HAS(m, agent, max_concurrent);
    }
    if (rng_chance(&s->rng, 200)) {
        m->allow_self_wake = rng_chance(&s->rng, 500);
        SET_HAS(m, agent, allow_self_wake);
    }
    if (rng_chance(&s->rng, 30)) {
        m->approval = view_str("perhaps");
        SET_HAS(m, agent, approval);
    }
    DAILY_GIVE(m, agent, &d);
}

static void
agent(struct sim *s, enum msg_id op)
{
    struct buf sinks BUF_AUTO = {0};
    int              i = some(s, SIM_AGENTS, SIM_ANY_AGENTS);
    struct msg_agent m = {.name = view_str(config_agent(i))};
    char             profile[16];

    m.company = view_str(config_company(config_agent_company(i)));
    SET_HAS(&m, agent, company);
    if (!rng_chance(&s->rng, 50)) fill_agent(s, &m, &sinks, profile);
    sim_ask(s, op, &m);
}

static void
fill_profile(struct sim *s, struct msg_profile *m, struct buf *ladder)
{
    if (rng_chance(&s->rng, 600)) {
        m->handler = some_handler(s);
        SET_HAS(m, profile, handler);
    }
    if (rng_chance(&s->rng, 300)) {
        m->max_run_ms = rng_between(&s->rng, 1, 300000);
        SET_HAS(m, profile, max_run_ms);
    }
    if (rng_chance(&s->rng, 300)) {
        m->max_turns = rng_chance(&s->rng, 300) ? NO_LIMIT : rng_between(&s->rng, 1, 10000);
        SET_HAS(m, profile, max_turns);
    }
    if (rng_chance(&s->rng, 300)) {
        m->max_attempts = (uint64_t)rng_between(&s->rng, 1, 6);
        SET_HAS(m, profile, max_attempts);
    }
    if (rng_chance(&s->rng, 300)) {
        config_fill_ladder(&s->rng, ladder);
        m->retry = buf_view(ladder);
        SET_HAS(m, profile, retry);
    }
    SPEND_GIVE(m, profile, &s->rng);
}

static void
profile(struct sim *s, enum msg_id op)
{
    struct buf ladder  BUF_AUTO = {0};
    int                i = (int)rng_below(&s->rng, PROFILES);
    struct msg_profile m = {.name = view_str(profile_names[i])};

    m.company = view_str(config_company(profile_companies[i]));
    SET_HAS(&m, profile, company);
    fill_profile(s, &m, &ladder);
    sim_ask(s, op, &m);
}

/* ---- removals -------------------------------------------------------------------------------- */

static void
remove_company(struct sim *s)
{
    struct msg_company_remove m = {
        .name = view_str(config_company(some(s, SIM_COMPANIES, SIM_ANY_COMPANIES)))};

    m.cascade = rng_chance(&s->rng, 600);
    if (m.cascade) SET_HAS(&m, company_remove, cascade);
    sim_ask(s, MSG_COMPANY_REMOVE, &m);
}

static void
remove_agent(struct sim *s)
{
    int                     i = some(s, SIM_AGENTS, SIM_ANY_AGENTS);
    struct msg_agent_remove m = {0};
    char                    name[32];

    snprintf(name, sizeof(name), "%s/%s", config_company(config_agent_company(i)), config_agent(i));
    m.name = view_str(name);
    m.cascade = rng_chance(&s->rng, 600);
    if (m.cascade) SET_HAS(&m, agent_remove, cascade);
    sim_ask(s, MSG_AGENT_REMOVE, &m);
}

static void
remove_profile(struct sim *s)
{
    int                       i = (int)rng_below(&s->rng, PROFILES);
    struct msg_profile_remove m = {0};
    char                      name[32];

    snprintf(name, sizeof(name), "%s/%s", config_company(profile_companies[i]), profile_names[i]);
    m.name = view_str(name);
    sim_ask(s, MSG_PROFILE_REMOVE, &m);
}

void
sim_request_registry(struct sim *s)
{
    static const unsigned weights[] = {15, 25, 15, 12, 15, 8, 12, 15, 8};

    switch (rng_weighted(&s->rng, weights, ARRAY_LEN(weights))) {
    case 0: company(s, MSG_COMPANY_ADD); break;
    case 1: agent(s, MSG_AGENT_ADD); break;
    case 2: profile(s, MSG_PROFILE_ADD); break;
    case 3: company(s, MSG_COMPANY_SET); break;
    case 4: agent(s, MSG_AGENT_SET); break;
    case 5: profile(s, MSG_PROFILE_SET); break;
    case 6: remove_company(s); break;
    case 7: remove_agent(s); break;
    default: remove_profile(s);
    }
}

/* ---- the end --------------------------------------------------------------------------------- */

void
sim_release_limits(struct sim *s)
{
    const struct daily none = {NO_LIMIT, NO_LIMIT, NO_LIMIT, NO_LIMIT, NULL};
    struct msg_company company_set = {.max_concurrent = NO_LIMIT};
    struct msg_agent   agent_set = {.max_concurrent = NO_LIMIT};

    SET_HAS(&company_set, company, max_concurrent);
    DAILY_GIVE(&company_set, company, &none);
    SET_HAS(&agent_set, agent, max_concurrent);
    SET_HAS(&agent_set, agent, company);
    DAILY_GIVE(&agent_set, agent, &none);
    for (size_t i = 0; i < s->model.objects.count; i++) {
        const struct m_object *o = &s->model.objects.items[i];

        if (!o->is_api || o->is_gone) continue;
        company_set.name = agent_set.name = o->name;
        if (o->kind == KIND_COMPANY) sim_ask_as_admin(s, MSG_COMPANY_SET, &company_set);
        if (o->kind != KIND_AGENT) continue;
        agent_set.company = s->model.objects.items[o->company].name;
        sim_ask_as_admin(s, MSG_AGENT_SET, &agent_set);
    }
}
