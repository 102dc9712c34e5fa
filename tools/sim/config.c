#include "tools/sim/config.h"

#include "common/mp.h"
#include "tools/sim/daily.h"
#include <stdio.h>

static const char *const company_names[SIM_ANY_COMPANIES] = {"default", "acme", "beta",
                                                             "gamma",   "x0",   "x1"};
static const char *const handler_names[SIM_HANDLERS] = {"noop", "echo", "sleep", "h0",
                                                        "h1",   "h2",   "h3"};
static const char *const agent_names[SIM_ANY_AGENTS] = {"a0", "a1", "a2", "a3", "a4", "a5",
                                                        "b0", "b1", "b2", "b3", "b4"};
static const int         agent_companies[SIM_ANY_AGENTS] = {0, 0, 1, 1, 2, 3, 0, 1, 4, 4, 5};
static const char *const sink_names[SIM_SINKS] = {"s0", "s1", "s2", "s3"};

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

int64_t
config_cap(const struct config *c, struct rng *r, int64_t most)
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

void
config_begin(struct declaration *d, int company)
{
    d->is_there = true;
    d->company = company;
    d->handler = d->agent = d->awaited = -1;
    d->sinks = 0;
    buf_clear(&d->spec);
}

static void
fill_company(struct config *c, struct rng *r, int i)
{
    struct msg_company m = {.name = view_str(company_names[i])};

    config_begin(&c->companies[i], -1);
    if (rng_chance(r, 500)) {
        m.max_concurrent = config_cap(c, r, 5);
        SET_HAS(&m, company, max_concurrent);
    }
    if (rng_chance(r, 200)) {
        m.priority_max = rng_between(r, 40, 100);
        SET_HAS(&m, company, priority_max);
    }
    if (rng_chance(r, 200)) {
        m.queue_max = rng_chance(r, 300) ? NO_LIMIT : rng_between(r, 0, 20);
        SET_HAS(&m, company, queue_max);
    }
    if (!c->is_calm) {
        const struct daily d = daily_random(r, 0);

        DAILY_GIVE(&m, company, &d);
    }
    msg_pack(msg_desc(MSG_COMPANY), &m, &c->companies[i].spec);
}

static void
fill_handler(struct config *c, struct rng *r, int i)
{
    struct buf ladder  BUF_AUTO = {0};
    bool               is_exec = i >= SIM_FIRST_EXEC;
    struct msg_handler m = {.name = view_str(handler_names[i]),
                            .kind = view_str(is_exec ? "exec" : "sleep")};

    config_begin(&c->handlers[i], 0);
    if (rng_chance(r, 300)) {
        m.max_concurrent = config_cap(c, r, 4);
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
    } else if (rng_chance(r, 200)) {
        m.retry_base_ms = rng_between(r, 0, 60000);
        SET_HAS(&m, handler, retry_base_ms);
    }
    if (rng_chance(r, 300)) {
        m.credential = view_str(rng_chance(r, 500) ? "c0" : "c1");
        SET_HAS(&m, handler, credential);
    }
    SPEND_GIVE(&m, handler, r);
    msg_pack(msg_desc(MSG_HANDLER), &m, &c->handlers[i].spec);
}

/* s0 and s1 are files, s2 and s3 know an effect by its id or do not. */
static void
fill_sink(struct config *c, struct rng *r, int i)
{
    static const char *const kinds[SIM_SINKS] = {"file", "file", "http", "command"};
    struct buf command       BUF_AUTO = {0};
    struct msg_sink          m = {.name = view_str(sink_names[i]), .kind = view_str(kinds[i])};

    config_begin(&c->sinks[i], 0);
    m.path = view_str("out.jsonl");
    m.url = view_str("https://example.com/hook");
    mp_array(&command, 1);
    mp_cstr(&command, "/bin/cat");
    m.command = buf_view(&command);
    if (i < 2) SET_HAS(&m, sink, path);
    if (i == 2) SET_HAS(&m, sink, url);
    if (i == 3) SET_HAS(&m, sink, command);
    m.idempotent = i >= 2 && rng_chance(r, 500);
    if (m.idempotent) SET_HAS(&m, sink, idempotent);
    if (i >= 2 && rng_chance(r, 500)) {
        m.max_attempts = (uint64_t)rng_between(r, 1, 7);
        SET_HAS(&m, sink, max_attempts);
    }
    m.not_after_ms = i % 2 == 0 ? 20000 : NO_LIMIT;
    SET_HAS(&m, sink, not_after_ms);
    msg_pack(msg_desc(MSG_SINK), &m, &c->sinks[i].spec);
}

/* ---- choosing what is there ------------------------------------------------------------------ */

int
config_random_handler(const struct config *c, struct rng *r)
{
    int i = (int)rng_below(r, SIM_HANDLERS);

    return i < SIM_BUILTINS || c->handlers[i].is_there ? i : 0;
}

unsigned
config_some_sinks(const struct config *c, struct rng *r)
{
    unsigned mask = (unsigned)rng_below(r, 1u << SIM_SINKS);

    for (unsigned i = 0; i < SIM_SINKS; i++) {
        if (!c->sinks[i].is_there) mask &= ~(1u << i);
    }
    return mask;
}

void
config_pack_sinks(unsigned mask, struct buf *list)
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

    config_begin(d, agent_companies[i]);
    m.company = view_str(company_names[d->company]);
    if (d->company || rng_chance(r, 500)) SET_HAS(&m, agent, company);
    if (rng_chance(r, 700)) {
        d->handler = config_random_handler(c, r);
        m.handler = view_str(handler_names[d->handler]);
        SET_HAS(&m, agent, handler);
    }
    if (rng_chance(r, 500)) {
        d->sinks = config_some_sinks(c, r);
        config_pack_sinks(d->sinks, &list);
        m.sinks = buf_view(&list);
        SET_HAS(&m, agent, sinks);
    }
    if (rng_chance(r, 500)) {
        m.max_concurrent = config_cap(c, r, 3);
        SET_HAS(&m, agent, max_concurrent);
    }
    if (!c->is_calm) {
        const struct daily daily = daily_random(r, 0);

        DAILY_GIVE(&m, agent, &daily);
    }
    if (rng_chance(r, 300)) {
        m.allow_self_wake = true;
        SET_HAS(&m, agent, allow_self_wake);
    }
    if (rng_chance(r, 300)) {
        m.approval = config_approval(r);
        SET_HAS(&m, agent, approval);
    }
    msg_pack(msg_desc(MSG_AGENT), &m, &d->spec);
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
        if (d->awaited >= 0 &&
            (!c->schedules[d->awaited].is_there || c->schedules[d->awaited].company != d->company))
            d->is_there = false;
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
    default: config_fill_limits(c, r);
    }
}

void
config_change(struct config *c, struct rng *r)
{
    for (int64_t n = rng_between(r, 1, 4); n > 0; n--)
        change_one(c, r);
    if (rng_chance(r, 300)) config_fill_limits(c, r); /* its sinks may have gone */
    drop_dangling(c);
    for (unsigned k = 0; k < SIM_SINKS; k++) {
        if (((c->default_sinks >> k) & 1) && !c->sinks[k].is_there) c->sinks[k].is_there = true;
    }
}

void
config_init(struct config *c, struct rng *r, bool is_sparse, int64_t now_ms)
{
    *c = (struct config){.is_sparse = is_sparse, .now_ms = now_ms};
    for (int i = 0; i < SIM_COMPANIES; i++)
        fill_company(c, r, i);
    for (int i = SIM_BUILTINS; i < SIM_HANDLERS; i++)
        fill_handler(c, r, i);
    for (int i = 0; i < SIM_SINKS; i++)
        fill_sink(c, r, i);
    for (int i = 0; i < SIM_AGENTS; i++)
        fill_agent(c, r, i);
    for (int i = 0; i < SIM_SCHEDULES; i++) {
        char name[8];

        snprintf(name, sizeof(name), "cs%d", i);
        config_fill_schedule(c, r, name, &c->schedules[i]);
        c->schedules[i].is_there = rng_chance(r, 500);
    }
    config_fill_limits(c, r);
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
    config_fill_limits(c, r);
    drop_dangling(c);
}
