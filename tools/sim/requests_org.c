#include "supervisor/engine/approvals.h"
#include "tools/sim/sim.h"

#include <stdio.h>

/* ---- the wake API ---------------------------------------------------------------------------- */

/* One of the few names of schedules that are made by requests. */
static void
api_name(struct sim *s, char name[8])
{
    snprintf(name, 8, "as%u", (unsigned)rng_below(&s->rng, 6));
}

static void
agent_wake(struct sim *s)
{
    int                   agent = (int)rng_below(&s->rng, SIM_ANY_AGENTS);
    struct buf payload    BUF_AUTO = {0};
    struct msg_agent_wake m = {0};
    char                  name[32], schedule[8];

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
    if (rng_chance(&s->rng, 200)) {
        m.delay_ms = rng_between(&s->rng, 0, 60000);
        SET_HAS(&m, agent_wake, delay_ms);
    }
    if (rng_chance(&s->rng, 250)) {
        m.every_ms = rng_between(&s->rng, 60000, 3600000) * (s->config.is_sparse ? 100 : 1);
        SET_HAS(&m, agent_wake, every_ms);
    }
    if (rng_chance(&s->rng, HAS(&m, agent_wake, every_ms) ? 500 : 50)) {
        api_name(s, schedule);
        m.schedule = view_str(schedule);
        SET_HAS(&m, agent_wake, schedule);
    }
    sim_ask(s, MSG_AGENT_WAKE, &m);
}

/* ---- tickets --------------------------------------------------------------------------------- */

static uint64_t
random_ticket(struct sim *s)
{
    return 1 + rng_below(&s->rng, s->model.tickets.count + 1);
}

static void
ticket_add(struct sim *s)
{
    int                   agent = (int)rng_below(&s->rng, SIM_ANY_AGENTS);
    struct buf payload    BUF_AUTO = {0};
    struct msg_ticket_add m = {.title = view_str("a ticket")};

    m.company = view_str(config_company(config_agent_company(agent)));
    SET_HAS(&m, ticket_add, company);
    if (rng_chance(&s->rng, 600)) {
        m.agent = view_str(config_agent(agent));
        SET_HAS(&m, ticket_add, agent);
    }
    if (rng_chance(&s->rng, 300)) {
        mp_u64(&payload, rng_next(&s->rng) >> 1);
        m.payload = buf_view(&payload);
        SET_HAS(&m, ticket_add, payload);
    }
    if (rng_chance(&s->rng, 400)) {
        m.parent = random_ticket(s);
        SET_HAS(&m, ticket_add, parent);
    }
    sim_ask(s, MSG_TICKET_ADD, &m);
}

static void
ticket_assign(struct sim *s)
{
    struct msg_ticket_assign m = {.id = random_ticket(s)};

    m.agent = view_str(config_agent((int)rng_below(&s->rng, SIM_ANY_AGENTS)));
    if (rng_chance(&s->rng, 300)) {
        m.priority = rng_between(&s->rng, 0, 100);
        SET_HAS(&m, ticket_assign, priority);
    }
    sim_ask(s, MSG_TICKET_ASSIGN, &m);
}

static void
ticket_set(struct sim *s)
{
    static const char *const names[] = {"open", "claimed", "in_progress", "done", "disputed"};
    struct msg_ticket_set    m = {.id = random_ticket(s)};

    SET_HAS(&m, ticket_set, id);
    if (rng_chance(&s->rng, 700)) {
        m.status = view_str(names[rng_below(&s->rng, ARRAY_LEN(names))]);
        SET_HAS(&m, ticket_set, status);
    }
    if (rng_chance(&s->rng, 400)) {
        m.parent = rng_chance(&s->rng, 200) ? 0 : random_ticket(s);
        SET_HAS(&m, ticket_set, parent);
    }
    sim_ask(s, MSG_TICKET_SET, &m);
}

/* ---- goals ----------------------------------------------------------------------------------- */

static uint64_t
random_goal(struct sim *s)
{
    return 1 + rng_below(&s->rng, s->model.goals.count + 1);
}

/* A new goal is often below the newest one, so that the tree grows deep. */
static uint64_t
goal_above(struct sim *s)
{
    uint64_t count = s->model.goals.count;

    return count && rng_chance(&s->rng, 500) ? count : random_goal(s);
}

static void
goal_add(struct sim *s)
{
    int                 agent = (int)rng_below(&s->rng, SIM_ANY_AGENTS);
    struct msg_goal_add m = {.title = view_str("a goal")};

    m.company = view_str(config_company(config_agent_company(agent)));
    SET_HAS(&m, goal_add, company);
    if (rng_chance(&s->rng, 800)) {
        m.agent = view_str(config_agent(agent));
        SET_HAS(&m, goal_add, agent);
    }
    if (rng_chance(&s->rng, 600)) {
        m.parent = goal_above(s);
        SET_HAS(&m, goal_add, parent);
    }
    sim_ask(s, MSG_GOAL_ADD, &m);
}

static void
goal_set(struct sim *s)
{
    static const char *const names[] = {"open", "done", "cancelled", "lost"};
    struct msg_goal_set      m = {.id = random_goal(s)};

    SET_HAS(&m, goal_set, id);
    if (rng_chance(&s->rng, 600)) {
        m.parent = rng_chance(&s->rng, 200) ? 0 : goal_above(s);
        SET_HAS(&m, goal_set, parent);
    }
    if (rng_chance(&s->rng, 300)) {
        m.agent = view_str(config_agent((int)rng_below(&s->rng, SIM_ANY_AGENTS)));
        SET_HAS(&m, goal_set, agent);
    }
    if (rng_chance(&s->rng, 300)) {
        m.status = view_str(names[rng_below(&s->rng, ARRAY_LEN(names))]);
        SET_HAS(&m, goal_set, status);
    }
    sim_ask(s, MSG_GOAL_SET, &m);
}

static void
goal_part(struct sim *s, struct buf *list)
{
    struct buf payload   BUF_AUTO = {0};
    struct msg_goal_part part = {.title = view_str("a part")};

    if (rng_chance(&s->rng, 80)) {
        part.agent = view_str(config_agent((int)rng_below(&s->rng, SIM_ANY_AGENTS)));
        SET_HAS(&part, goal_part, agent);
    }
    if (rng_chance(&s->rng, 500)) {
        mp_u64(&payload, rng_next(&s->rng) >> 1);
        part.payload = buf_view(&payload);
        SET_HAS(&part, goal_part, payload);
    }
    msg_pack(msg_desc(MSG_GOAL_PART), &part, list);
}

static void
goal_decompose(struct sim *s)
{
    struct msg_goal_decompose m = {.id = random_goal(s)};
    struct buf parts          BUF_AUTO = {0};
    uint32_t                  n = (uint32_t)rng_below(&s->rng, rng_chance(&s->rng, 200) ? 30 : 5);

    mp_array(&parts, n);
    for (uint32_t i = 0; i < n; i++)
        goal_part(s, &parts);
    m.parts = buf_view(&parts);
    if (rng_chance(&s->rng, 100)) {
        m.agent = view_str(config_agent((int)rng_below(&s->rng, SIM_ANY_AGENTS)));
        SET_HAS(&m, goal_decompose, agent);
    }
    if (rng_chance(&s->rng, 300)) {
        m.priority = rng_between(&s->rng, 0, 100);
        SET_HAS(&m, goal_decompose, priority);
    }
    sim_ask(s, MSG_GOAL_DECOMPOSE, &m);
}

/* ---- routines -------------------------------------------------------------------------------- */

static void
routine_add(struct sim *s)
{
    int                    agent = (int)rng_below(&s->rng, SIM_AGENTS);
    struct buf payload     BUF_AUTO = {0};
    struct msg_routine_add m = {.ticket_title = view_str("a round"),
                                .assign = view_str(config_agent(agent)),
                                .company = view_str(config_company(config_agent_company(agent)))};
    char                   name[8];

    api_name(s, name);
    m.name = view_str(name);
    SET_HAS(&m, routine_add, company);
    m.every_ms = rng_between(&s->rng, 20000, 1200000) * (s->config.is_sparse ? 300 : 1);
    SET_HAS(&m, routine_add, every_ms);
    if (rng_chance(&s->rng, 400)) {
        m.goal = random_goal(s);
        SET_HAS(&m, routine_add, goal);
    }
    if (rng_chance(&s->rng, 60)) {
        m.required = 1; /* what no agent of the simulation can do */
        SET_HAS(&m, routine_add, required);
    }
    if (rng_chance(&s->rng, 300)) {
        mp_u64(&payload, rng_next(&s->rng) >> 1);
        m.payload = buf_view(&payload);
        SET_HAS(&m, routine_add, payload);
    }
    sim_ask(s, MSG_ROUTINE_ADD, &m);
}

/* Mostly a ticket that a routine has made. */
static void
routine_complete(struct sim *s)
{
    struct msg_routine_complete m = {.ticket = random_ticket(s)};

    for (int i = 0; i < 20 && m.ticket <= s->model.tickets.count; i++) {
        if (s->model.tickets.items[m.ticket - 1].is_of_routine) break;
        m.ticket = random_ticket(s);
    }
    if (rng_chance(&s->rng, 300)) {
        m.agent = view_str(config_agent((int)rng_below(&s->rng, SIM_AGENTS)));
        SET_HAS(&m, routine_complete, agent);
    }
    sim_ask(s, MSG_ROUTINE_COMPLETE, &m);
}

/* ---- approvals ------------------------------------------------------------------------------- */

/* Mostly one that waits. */
static uint64_t
random_approval(struct sim *s)
{
    uint64_t count = s->model.approvals.count, id = 1 + rng_below(&s->rng, count + 1);

    for (int i = 0; i < 20 && id <= count; i++) {
        if (s->model.approvals.items[id - 1].status == APPROVAL_PENDING) break;
        id = 1 + rng_below(&s->rng, count);
    }
    return id;
}

static void
decide(struct sim *s)
{
    struct msg_approval_grant m = {.id = random_approval(s)};

    sim_ask(s, rng_chance(&s->rng, 600) ? MSG_APPROVAL_GRANT : MSG_APPROVAL_DENY, &m);
}

void
sim_request_org(struct sim *s)
{
    static const unsigned weights[] = {30, 25, 20, 20, 15, 15, 40, 15, 20, 25};

    switch (rng_weighted(&s->rng, weights, ARRAY_LEN(weights))) {
    case 0: agent_wake(s); break;
    case 1: ticket_add(s); break;
    case 2: ticket_assign(s); break;
    case 3: goal_add(s); break;
    case 4: goal_set(s); break;
    case 5: goal_decompose(s); break;
    case 6: decide(s); break;
    case 7: routine_add(s); break;
    case 8: routine_complete(s); break;
    default: ticket_set(s);
    }
}
