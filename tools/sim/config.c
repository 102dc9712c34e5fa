#include "tools/sim/config.h"

#include "common/mp.h"
#include <stdio.h>

static const char *const company_names[SIM_COMPANIES] = {"default", "acme", "beta", "gamma"};
static const char *const handler_names[SIM_HANDLERS] = {"noop", "echo", "sleep", "h0",
                                                        "h1",   "h2",   "h3"};
static const char *const agent_names[SIM_AGENTS] = {"a0", "a1", "a2", "a3", "a4", "a5"};
static const int         agent_companies[SIM_AGENTS] = {0, 0, 1, 1, 2, 3};
static const char *const sink_names[SIM_SINKS] = {"s0", "s1"};

const char *
config_company(int i)
{
    return company_names[i];
}

const char *
config_handler(int i)
{
    return handler_names[i];
}

const char *
config_agent(int i)
{
    return agent_names[i];
}

int
config_agent_company(int i)
{
    return agent_companies[i];
}

/* ---- values ---------------------------------------------------------------------------------- */

/* A cap: a small number, now and then 0 or none at all. */
static int64_t
random_cap(const struct config *c, struct rng *r, int64_t most)
{
    if (rng_chance(r, 150)) return NO_LIMIT;
    if (!c->is_calm && rng_chance(r, 60)) return 0;
    return rng_between(r, 1, most);
}

void
config_fill_ladder(struct rng *r, struct buf *list)
{
    uint32_t n = (uint32_t)rng_between(r, 1, 4);

    buf_clear(list);
    mp_array(list, n);
    for (uint32_t i = 0; i < n; i++)
        mp_i64(list, rng_chance(r, 200) ? 0 : rng_between(r, 4, 300000));
}

static void
begin(struct declaration *d, int company)
{
    d->is_there = true;
    d->company = company;
    d->handler = d->agent = -1;
    d->sinks = 0;
    buf_clear(&d->spec);
}

static void
fill_company(struct config *c, struct rng *r, int i)
{
    struct msg_company m = {.name = view_str(company_names[i])};

    begin(&c->companies[i], -1);
    if (rng_chance(r, 500)) {
        m.max_concurrent = random_cap(c, r, 5);
        SET_HAS(&m, company, max_concurrent);
    }
    if (rng_chance(r, 200)) {
        m.priority_max = rng_between(r, 40, 100);
        SET_HAS(&m, company, priority_max);
    }
    msg_pack(msg_desc(MSG_COMPANY), &m, &c->companies[i].spec);
}

static void
fill_handler(struct config *c, struct rng *r, int i)
{
    struct buf ladder  BUF_AUTO = {0};
    struct msg_handler m = {.name = view_str(handler_names[i]), .kind = view_str("sleep")};

    begin(&c->handlers[i], 0);
    if (rng_chance(r, 300)) {
        m.max_concurrent = random_cap(c, r, 4);
        SET_HAS(&m, handler, max_concurrent);
    }
    if (rng_chance(r, 300)) {
        m.max_run_ms = rng_between(r, 1, 300000);
        SET_HAS(&m, handler, max_run_ms);
    }
    if (rng_chance(r, 300)) {
        m.max_attempts = (uint64_t)rng_between(r, 1, 6);
        SET_HAS(&m, handler, max_attempts);
    }
    if (rng_chance(r, 300)) {
        m.max_turns = rng_chance(r, 300) ? NO_LIMIT : rng_between(r, 1, 10000);
        SET_HAS(&m, handler, max_turns);
    }
    if (rng_chance(r, 300)) {
        config_fill_ladder(r, &ladder);
        m.retry = buf_view(&ladder);
        SET_HAS(&m, handler, retry);
    }
    msg_pack(msg_desc(MSG_HANDLER), &m, &c->handlers[i].spec);
}

static void
fill_sink(struct config *c, int i)
{
    struct msg_sink m = {
        .name = view_str(sink_names[i]), .kind = view_str("file"), .path = view_str("out.jsonl")};

    begin(&c->sinks[i], 0);
    SET_HAS(&m, sink, path);
    msg_pack(msg_desc(MSG_SINK), &m, &c->sinks[i].spec);
}

/* ---- choosing what is there ------------------------------------------------------------------ */

static int
random_handler(const struct config *c, struct rng *r)
{
    int i = (int)rng_below(r, SIM_HANDLERS);

    return i < SIM_BUILTINS || c->handlers[i].is_there ? i : 0;
}

static unsigned
random_sinks(const struct config *c, struct rng *r)
{
    unsigned mask = (unsigned)rng_below(r, 1u << SIM_SINKS);

    for (unsigned i = 0; i < SIM_SINKS; i++) {
        if (!c->sinks[i].is_there) mask &= ~(1u << i);
    }
    return mask;
}

static void
pack_sinks(unsigned mask, struct buf *list)
{
    uint32_t n = 0;

    for (unsigned i = 0; i < SIM_SINKS; i++)
        n += (mask >> i) & 1;
    buf_clear(list);
    mp_array(list, n);
    for (unsigned i = 0; i < SIM_SINKS; i++) {
        if ((mask >> i) & 1) mp_cstr(list, sink_names[i]);
    }
}

static void
fill_agent(struct config *c, struct rng *r, int i)
{
    struct buf list     BUF_AUTO = {0};
    struct declaration *d = &c->agents[i];
    struct msg_agent    m = {.name = view_str(agent_names[i])};

    begin(d, agent_companies[i]);
    m.company = view_str(company_names[d->company]);
    if (d->company || rng_chance(r, 500)) SET_HAS(&m, agent, company);
    if (rng_chance(r, 700)) {
        d->handler = random_handler(c, r);
        m.handler = view_str(handler_names[d->handler]);
        SET_HAS(&m, agent, handler);
    }
    if (rng_chance(r, 500)) {
        d->sinks = random_sinks(c, r);
        pack_sinks(d->sinks, &list);
        m.sinks = buf_view(&list);
        SET_HAS(&m, agent, sinks);
    }
    if (rng_chance(r, 500)) {
        m.max_concurrent = random_cap(c, r, 3);
        SET_HAS(&m, agent, max_concurrent);
    }
    msg_pack(msg_desc(MSG_AGENT), &m, &d->spec);
}

/* ---- schedules ------------------------------------------------------------------------------- */

static void
fill_times(struct rng *r, struct msg_schedule *m, char cron[32])
{
    static const int steps[] = {1, 5, 10, 15, 30};
    int              minute = (int)rng_below(r, 60), hour = (int)rng_below(r, 24);

    if (rng_chance(r, 500)) {
        m->every_ms =
            rng_chance(r, 200) ? rng_between(r, 20000, 60000) : rng_between(r, 60000, 3600000);
        SET_HAS(m, schedule, every_ms);
        return;
    }
    switch (rng_below(r, 4)) {
    case 0: snprintf(cron, 32, "*/%d * * * *", steps[rng_below(r, 5)]); break;
    case 1: snprintf(cron, 32, "%d * * * *", minute); break;
    case 2: snprintf(cron, 32, "%d %d * * *", minute, hour); break;
    default: snprintf(cron, 32, "%d %d * * %d", minute, hour, (int)rng_below(r, 7));
    }
    m->cron = view_str(cron);
    SET_HAS(m, schedule, cron);
}

static void
fill_rest(struct rng *r, struct msg_schedule *m, struct buf *ladder, struct buf *payload)
{
    if (rng_chance(r, 300)) {
        m->priority = rng_between(r, 0, 100);
        SET_HAS(m, schedule, priority);
    }
    if (rng_chance(r, 300)) {
        m->max_run_ms = rng_between(r, 1000, 300000);
        SET_HAS(m, schedule, max_run_ms);
    }
    if (rng_chance(r, 300)) {
        m->max_turns = rng_chance(r, 300) ? NO_LIMIT : rng_between(r, 1, 10000);
        SET_HAS(m, schedule, max_turns);
    }
    if (rng_chance(r, 200)) {
        m->max_attempts = (uint64_t)rng_between(r, 1, 4);
        SET_HAS(m, schedule, max_attempts);
    }
    if (rng_chance(r, 200)) {
        config_fill_ladder(r, ladder);
        m->retry = buf_view(ladder);
        SET_HAS(m, schedule, retry);
    }
    if (rng_chance(r, 300)) {
        m->type = view_str(rng_chance(r, 500) ? "heartbeat" : "schedule");
        SET_HAS(m, schedule, type);
    }
    if (!rng_chance(r, 300)) return;
    mp_u64(payload, rng_next(r) >> 1);
    m->payload = buf_view(payload);
    SET_HAS(m, schedule, payload);
}

void
config_fill_schedule(struct config *c, struct rng *r, const char *name, struct declaration *d)
{
    struct buf ladder   BUF_AUTO = {0};
    struct buf payload  BUF_AUTO = {0};
    struct msg_schedule m = {.name = view_str(name)};
    char                cron[32];
    int                 agent = (int)rng_below(r, SIM_AGENTS);

    begin(d, 0);
    if (c->agents[agent].is_there && rng_chance(r, 500)) {
        d->agent = agent;
        d->company = agent_companies[agent];
        m.agent = view_str(agent_names[agent]);
        SET_HAS(&m, schedule, agent);
    }
    if (d->company) {
        m.company = view_str(company_names[d->company]);
        SET_HAS(&m, schedule, company);
    }
    if (d->agent < 0 || c->agents[agent].handler < 0 || rng_chance(r, 500)) {
        d->handler = random_handler(c, r);
        m.handler = view_str(handler_names[d->handler]);
        SET_HAS(&m, schedule, handler);
    }
    fill_times(r, &m, cron);
    fill_rest(r, &m, &ladder, &payload);
    msg_pack(msg_desc(MSG_SCHEDULE), &m, &d->spec);
}

/* ---- limits ---------------------------------------------------------------------------------- */

/* Those that the simulation does not vary. */
static void
fill_fixed_limits(struct msg_limits *out)
{
    struct msg_limits m = *out;

    m.company_queue_max = NO_LIMIT;
    m.chain_depth_max = 8;
    m.chain_rate_max = 60;
    m.agent_interval_min_ms = 60000;
    m.agent_schedules_max = 10;
    m.agent_wakes_max = 20;
    m.agent_unanswered_ms = NO_LIMIT;
    m.breaker_base_ms = 30 * 1000;
    m.breaker_max_ms = 3600000;
    m.reserve_turns = 10;
    m.reserve_tokens = 10000;
    m.reserve_cost_micros = 100000;
    m.stale_after = 3;
    m.dead_after = 10;
    m.keep_completed_ms = NO_LIMIT;
    m.keep_failed_ms = NO_LIMIT;
    m.keep_effects_ms = NO_LIMIT;
    m.keep_firings_ms = NO_LIMIT;
    m.keep_reasons_ms = NO_LIMIT;
    m.keep_ledgers_ms = NO_LIMIT;
    m.keep_approvals_ms = NO_LIMIT;
    m.keep_audit_ms = NO_LIMIT;
    m.agent_approval = view_str("none");
    m.budget_zone = view_str("UTC");
    SET_HAS(&m, limits, company_queue_max);
    SET_HAS(&m, limits, chain_rate_max);
    SET_HAS(&m, limits, agent_schedules_max);
    SET_HAS(&m, limits, agent_wakes_max);
    SET_HAS(&m, limits, agent_unanswered_ms);
    SET_HAS(&m, limits, keep_completed_ms);
    SET_HAS(&m, limits, keep_failed_ms);
    SET_HAS(&m, limits, keep_effects_ms);
    SET_HAS(&m, limits, keep_firings_ms);
    SET_HAS(&m, limits, keep_reasons_ms);
    SET_HAS(&m, limits, keep_ledgers_ms);
    SET_HAS(&m, limits, keep_approvals_ms);
    SET_HAS(&m, limits, keep_audit_ms);
    *out = m;
}

static void
fill_limits(struct config *c, struct rng *r)
{
    struct buf ladder BUF_AUTO = {0};
    struct buf sinks  BUF_AUTO = {0};
    struct msg_limits m = {0};

    /* One after the other: the order within an initialiser is the compiler's. */
    m.max_concurrent = random_cap(c, r, 12);
    m.schedule_max_concurrent = random_cap(c, r, 4);
    m.company_max_concurrent = random_cap(c, r, 6);
    m.agent_max_concurrent = random_cap(c, r, 3);
    m.max_run_ms = rng_between(r, 10000, 1200000);
    m.max_turns = rng_chance(r, 500) ? NO_LIMIT : rng_between(r, 1, 10000);
    m.max_attempts = (uint64_t)rng_between(r, 1, 5);
    m.max_crashes = (uint64_t)rng_between(r, 1, 4);
    m.kill_grace_ms = rng_chance(r, 200) ? 0 : rng_between(r, 1, 10000);
    m.heartbeat_timeout_ms = rng_between(r, 4000, 120000);
    m.catch_up_ms = rng_chance(r, 300) ? rng_between(r, 0, 3600000) : 86400000;
    m.feed_bytes_max = (uint64_t)rng_between(r, 65536, 1 << 20);
    m.feed_age_max_ms = rng_between(r, 600000, 86400000);
    fill_fixed_limits(&m);
    c->heartbeat_timeout_ms = m.heartbeat_timeout_ms;
    config_fill_ladder(r, &ladder);
    m.retry = buf_view(&ladder);
    c->default_sinks = random_sinks(c, r);
    pack_sinks(c->default_sinks, &sinks);
    m.session_sinks = buf_view(&sinks);
    SET_HAS(&m, limits, session_sinks);
    SET_HAS(&m, limits, max_concurrent);
    SET_HAS(&m, limits, schedule_max_concurrent);
    SET_HAS(&m, limits, company_max_concurrent);
    SET_HAS(&m, limits, agent_max_concurrent);
    SET_HAS(&m, limits, max_turns);
    buf_clear(&c->limits);
    msg_pack(msg_desc(MSG_LIMITS), &m, &c->limits);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* What names something that went goes, too. */
static void
drop_dangling(struct config *c)
{
    for (int i = 0; i < SIM_AGENTS; i++) {
        struct declaration *d = &c->agents[i];

        if (!c->companies[d->company].is_there && d->company) d->is_there = false;
        if (d->handler >= SIM_BUILTINS && !c->handlers[d->handler].is_there) d->is_there = false;
        for (unsigned k = 0; k < SIM_SINKS; k++) {
            if (((d->sinks >> k) & 1) && !c->sinks[k].is_there) d->is_there = false;
        }
    }
    for (int i = 0; i < SIM_SCHEDULES; i++) {
        struct declaration *d = &c->schedules[i];

        if (!c->companies[d->company].is_there && d->company) d->is_there = false;
        if (d->handler >= SIM_BUILTINS && !c->handlers[d->handler].is_there) d->is_there = false;
        if (d->agent >= 0 && !c->agents[d->agent].is_there) d->is_there = false;
        if (d->agent >= 0 && d->handler < 0 && c->agents[d->agent].handler < 0) d->is_there = false;
    }
}

static void
change_one(struct config *c, struct rng *r)
{
    static const unsigned weights[] = {25, 20, 10, 20, 20, 30};
    size_t                what = rng_weighted(r, weights, ARRAY_LEN(weights));
    bool                  goes = !c->is_calm && rng_chance(r, 250);
    char                  name[8];
    int                   i;

    switch (what) {
    case 0:
        i = (int)rng_below(r, SIM_COMPANIES);
        fill_company(c, r, i);
        c->companies[i].is_there = i == 0 || !goes; /* the loader always declares default */
        break;
    case 1:
        i = (int)rng_between(r, SIM_BUILTINS, SIM_HANDLERS - 1);
        fill_handler(c, r, i);
        c->handlers[i].is_there = !goes;
        break;
    case 2:
        i = (int)rng_below(r, SIM_SINKS);
        c->sinks[i].is_there = !goes;
        break;
    case 3:
        i = (int)rng_below(r, SIM_AGENTS);
        fill_agent(c, r, i);
        c->agents[i].is_there = !goes;
        break;
    case 4:
        i = (int)rng_below(r, SIM_SCHEDULES);
        snprintf(name, sizeof(name), "cs%d", i);
        config_fill_schedule(c, r, name, &c->schedules[i]);
        c->schedules[i].is_there = !goes;
        break;
    default: fill_limits(c, r);
    }
}

void
config_change(struct config *c, struct rng *r)
{
    for (int64_t n = rng_between(r, 1, 4); n > 0; n--)
        change_one(c, r);
    if (rng_chance(r, 300)) fill_limits(c, r); /* its sinks may have gone */
    drop_dangling(c);
    for (unsigned k = 0; k < SIM_SINKS; k++) {
        if (((c->default_sinks >> k) & 1) && !c->sinks[k].is_there) c->sinks[k].is_there = true;
    }
}

void
config_init(struct config *c, struct rng *r)
{
    *c = (struct config){.default_sinks = 0};
    for (int i = 0; i < SIM_COMPANIES; i++)
        fill_company(c, r, i);
    for (int i = SIM_BUILTINS; i < SIM_HANDLERS; i++)
        fill_handler(c, r, i);
    for (int i = 0; i < SIM_SINKS; i++)
        fill_sink(c, i);
    for (int i = 0; i < SIM_AGENTS; i++)
        fill_agent(c, r, i);
    for (int i = 0; i < SIM_SCHEDULES; i++) {
        char name[8];

        snprintf(name, sizeof(name), "cs%d", i);
        config_fill_schedule(c, r, name, &c->schedules[i]);
        c->schedules[i].is_there = rng_chance(r, 500);
    }
    fill_limits(c, r);
    drop_dangling(c);
}

void
config_calm(struct config *c, struct rng *r)
{
    c->is_calm = true;
    for (int i = 0; i < SIM_COMPANIES; i++) {
        if (c->companies[i].is_there) fill_company(c, r, i);
    }
    for (int i = SIM_BUILTINS; i < SIM_HANDLERS; i++) {
        if (c->handlers[i].is_there) fill_handler(c, r, i);
    }
    for (int i = 0; i < SIM_AGENTS; i++) {
        /* A schedule may rely on its agent's handler. */
        while (c->agents[i].is_there && (fill_agent(c, r, i), c->agents[i].handler < 0)) {
        }
    }
    fill_limits(c, r);
    drop_dangling(c);
}

/* ---- packing --------------------------------------------------------------------------------- */

static struct view
pack_list(const struct declaration *d, int first, int count, struct buf *list)
{
    uint32_t n = 0;

    for (int i = first; i < count; i++)
        n += d[i].is_there;
    mp_array(list, n);
    for (int i = first; i < count; i++) {
        if (d[i].is_there) mp_raw(list, buf_view(&d[i].spec));
    }
    return buf_view(list);
}

void
config_pack(const struct config *c, struct buf *out)
{
    struct buf        lists[5] = {{0}, {0}, {0}, {0}, {0}};
    struct msg_config m = {.limits = buf_view(&c->limits)};

    m.companies = pack_list(c->companies, 0, SIM_COMPANIES, &lists[0]);
    m.handlers = pack_list(c->handlers, SIM_BUILTINS, SIM_HANDLERS, &lists[1]);
    m.sinks = pack_list(c->sinks, 0, SIM_SINKS, &lists[2]);
    m.agents = pack_list(c->agents, 0, SIM_AGENTS, &lists[3]);
    m.schedules = pack_list(c->schedules, 0, SIM_SCHEDULES, &lists[4]);
    msg_pack(msg_desc(MSG_CONFIG), &m, out);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        buf_done(&lists[i]);
}

/* Every declaration, as one list. */
static struct declaration *
declaration(struct config *c, size_t i)
{
    const struct {
        struct declaration *list;
        size_t              count;
    } lists[] = {
        {c->companies, SIM_COMPANIES},
        {c->handlers,  SIM_HANDLERS },
        {c->sinks,     SIM_SINKS    },
        {c->agents,    SIM_AGENTS   },
        {c->schedules, SIM_SCHEDULES},
    };

    for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
        if (i < lists[k].count) return &lists[k].list[i];
        i -= lists[k].count;
    }
    return NULL;
}

void
config_copy(struct config *to, const struct config *from)
{
    struct config source = *from;

    *to = *from;
    for (size_t i = 0; declaration(to, i); i++) {
        struct buf copy = {0};

        buf_add_view(&copy, buf_view(&declaration(&source, i)->spec));
        declaration(to, i)->spec = copy;
    }
    to->limits = (struct buf){0};
    buf_add_view(&to->limits, buf_view(&from->limits));
}

void
config_done(struct config *c)
{
    for (size_t i = 0; declaration(c, i); i++)
        buf_done(&declaration(c, i)->spec);
    buf_done(&c->limits);
}
