#include "tools/sim/sim.h"

#include <stdio.h>

/* ---- the wake API ---------------------------------------------------------------------------- */

static void
agent_wake(struct sim *s)
{
    int                   agent = (int)rng_below(&s->rng, SIM_AGENTS);
    struct buf payload    BUF_AUTO = {0};
    struct msg_agent_wake m = {0};
    char                  name[32];

    snprintf(name, sizeof(name), "%s/%s", config_company(config_agent_company(agent)),
             config_agent(agent));
    m.name = view_str(name);
    mp_u64(&payload, rng_next(&s->rng) >> 1);
    m.payload = buf_view(&payload);
    SET_HAS(&m, agent_wake, payload);
    if (rng_chance(&s->rng, 300)) {
        m.priority = rng_between(&s->rng, 0, 100);
        SET_HAS(&m, agent_wake, priority);
    }
    if (rng_chance(&s->rng, 300)) {
        m.delay_ms = rng_between(&s->rng, 0, 60000);
        SET_HAS(&m, agent_wake, delay_ms);
    }
    if (rng_chance(&s->rng, 50)) {
        m.schedule = view_str("never");
        SET_HAS(&m, agent_wake, schedule);
    }
    sim_ask(s, MSG_AGENT_WAKE, &m);
}

void
sim_request_org(struct sim *s)
{
    agent_wake(s);
}
