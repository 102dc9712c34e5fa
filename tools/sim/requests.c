#include "tools/sim/daily.h"
#include "tools/sim/sim.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>
#include <stdio.h>

#define ACTIVE_MAX 120 /* jobs that have not ended: so the model's lists stay short */

/* Whoever asks; the control socket lets each only do what its role may. */
static const struct {
    const char *id;
    enum role   role;
    const char *company;
} actors[] = {
    {"uid:0",    ROLE_ADMIN,    NULL  },
    {"uid:1000", ROLE_OPERATOR, NULL  },
    {"uid:1001", ROLE_SUBMIT,   NULL  },
    {"key:acme", ROLE_OPERATOR, "acme"},
};

/* ---- asking ---------------------------------------------------------------------------------- */

static void
push(struct sim *s, enum msg_id op, struct view body, const char *request_id, unsigned actor)
{
    struct input in = {.kind = INPUT_REQUEST, .op = op, .client = ++s->clients};

    in.actor = (struct actor){.kind = "user",
                              .id = view_str(actors[actor].id),
                              .role = actors[actor].role,
                              .company = view_str(actors[actor].company)};
    in.request_id = view_str(request_id);
    waiting_push(&s->requests, &in, body);
}

static unsigned
random_actor(struct sim *s, enum role least)
{
    unsigned i;

    do {
        i = (unsigned)rng_below(&s->rng, ARRAY_LEN(actors));
    } while (actors[i].role < least);
    return i;
}

static void
ask(struct sim *s, enum msg_id op, struct view body)
{
    unsigned      actor = random_actor(s, msg_desc(op)->role);
    struct asked *a;
    char          id[24] = "";

    if (rng_chance(&s->rng, 300)) {
        snprintf(id, sizeof(id), "r%" PRIu64, ++s->request_ids);
        a = LIST_ADD(&s->asked);
        a->op = op;
        a->actor = actor;
        memcpy(a->request_id, id, sizeof(id));
        buf_add_view(&a->body, body);
    }
    push(s, op, body, id, actor);
}

void
sim_ask(struct sim *s, enum msg_id op, const void *m)
{
    struct buf body BUF_AUTO = {0};

    msg_pack(msg_desc(op), m, &body);
    ask(s, op, buf_view(&body));
}

void
sim_ask_once(struct sim *s, enum msg_id op, const void *m)
{
    struct buf body BUF_AUTO = {0};

    msg_pack(msg_desc(op), m, &body);
    push(s, op, buf_view(&body), "", random_actor(s, msg_desc(op)->role));
}

void
sim_ask_as_admin(struct sim *s, enum msg_id op, const void *m)
{
    struct buf body BUF_AUTO = {0};

    msg_pack(msg_desc(op), m, &body);
    push(s, op, buf_view(&body), "", 0);
}

uint64_t
sim_ask_as_gateway(struct sim *s, enum msg_id op, const void *m)
{
    struct buf body BUF_AUTO = {0};
    struct input    in = {.kind = INPUT_REQUEST, .op = op, .client = ++s->clients};

    in.actor = (struct actor){.kind = "gateway", .id = view_str("gateway"), .role = ROLE_GATEWAY};
    msg_pack(msg_desc(op), m, &body);
    waiting_push(&s->requests, &in, buf_view(&body));
    return in.client;
}

/* Once more, as after a reconnect: whatever became of the first. */
static void
ask_again(struct sim *s)
{
    size_t              count = s->asked.count, recent = count < 50 ? count : 50;
    const struct asked *a;

    if (count == 0) return;
    a = &s->asked.items[count - 1 - rng_below(&s->rng, recent)];
    push(s, a->op, buf_view(&a->body), a->request_id, a->actor);
}

/* Mostly one that has not ended. */
static uint64_t
random_job(struct sim *s)
{
    const struct model *m = &s->model;

    if (m->active.count && rng_chance(&s->rng, 700))
        return m->active.items[rng_below(&s->rng, m->active.count)];
    return 1 + rng_below(&s->rng, m->jobs.count + 2);
}

/* ---- job.submit ------------------------------------------------------------------------------ */

struct submit_bufs {
    struct buf payload, retry, tags, context;
    char       agent[32], trigger[32];
};

static void
bufs_done(struct submit_bufs *b)
{
    buf_done(&b->payload);
    buf_done(&b->retry);
    buf_done(&b->tags);
    buf_done(&b->context);
}

static void
fill_whom(struct sim *s, struct msg_job_submit *m, struct submit_bufs *b)
{
    int agent = (int)rng_below(&s->rng, SIM_ANY_AGENTS), company = config_agent_company(agent);

    if (rng_chance(&s->rng, 400)) { /* no agent */
        if (rng_chance(&s->rng, 700)) {
            m->company = view_str(config_company((int)rng_below(&s->rng, SIM_ANY_COMPANIES)));
            SET_HAS(m, job_submit, company);
        }
    } else if (rng_chance(&s->rng, 700)) {
        snprintf(b->agent, sizeof(b->agent), "%s/%s", config_company(company), config_agent(agent));
        m->agent = view_str(b->agent);
        SET_HAS(m, job_submit, agent);
    } else {
        m->company = view_str(config_company(company));
        m->agent = view_str(config_agent(agent));
        SET_HAS(m, job_submit, company);
        SET_HAS(m, job_submit, agent);
    }
    if (m->agent.size && rng_chance(&s->rng, 600)) return;
    m->handler = view_str(config_handler((int)rng_below(&s->rng, SIM_HANDLERS)));
    SET_HAS(m, job_submit, handler);
}

static void
fill_payload(struct sim *s, struct buf *b)
{
    static char text[9000];

    if (rng_chance(&s->rng, 100)) {
        memset(text, 'p', sizeof(text));
        mp_str(b, view_of(text, (size_t)rng_between(&s->rng, 1900, 9000)));
    } else {
        mp_u64(b, rng_next(&s->rng) >> 1);
    }
}

static void
fill_when(struct sim *s, struct msg_job_submit *m)
{
    int64_t now = s->world.now.wall_ms;

    if (rng_chance(&s->rng, 300)) {
        m->delay_ms = rng_between(&s->rng, 0, rng_chance(&s->rng, 100) ? 21600000 : 120000);
        SET_HAS(m, job_submit, delay_ms);
    } else if (rng_chance(&s->rng, 150)) {
        m->run_at = now + rng_between(&s->rng, -60000, 600000);
        SET_HAS(m, job_submit, run_at);
    }
    if (!rng_chance(&s->rng, 150)) return;
    m->expires_at = now + m->delay_ms + rng_between(&s->rng, 1, 600000);
    SET_HAS(m, job_submit, expires_at);
}

static void
fill_limits(struct sim *s, struct msg_job_submit *m, struct submit_bufs *b)
{
    if (rng_chance(&s->rng, 500)) {
        m->priority = rng_between(&s->rng, 0, 100);
        if (rng_chance(&s->rng, 500)) m->priority = m->priority / 40 * 40;
        SET_HAS(m, job_submit, priority);
    }
    if (rng_chance(&s->rng, 300)) {
        m->max_attempts = (uint64_t)rng_between(&s->rng, 1, 6);
        SET_HAS(m, job_submit, max_attempts);
    }
    if (rng_chance(&s->rng, 300)) {
        config_fill_ladder(&s->rng, &b->retry);
        m->retry = buf_view(&b->retry);
        SET_HAS(m, job_submit, retry);
    } else if (rng_chance(&s->rng, 200)) {
        m->retry_base_ms = rng_between(&s->rng, 0, 60000);
        m->retry_factor = (uint64_t)rng_between(&s->rng, 1, 5);
        m->retry_max_ms = m->retry_base_ms + rng_between(&s->rng, 0, 30000);
        SET_HAS(m, job_submit, retry_base_ms);
        if (rng_chance(&s->rng, 500)) SET_HAS(m, job_submit, retry_factor);
        if (rng_chance(&s->rng, 500)) SET_HAS(m, job_submit, retry_max_ms);
    }
    if (rng_chance(&s->rng, 300)) {
        m->max_run_ms = rng_between(&s->rng, 1, 300000);
        SET_HAS(m, job_submit, max_run_ms);
    }
    SPEND_GIVE(m, job_submit, &s->rng);
    if (rng_chance(&s->rng, 100)) {
        m->parent = random_job(s);
        SET_HAS(m, job_submit, parent);
    }
    if (rng_chance(&s->rng, 200)) {
        m->max_turns = rng_chance(&s->rng, 300) ? NO_LIMIT : rng_between(&s->rng, 1, 10000);
        SET_HAS(m, job_submit, max_turns);
    }
}

static void
fill_words(struct sim *s, struct msg_job_submit *m, struct submit_bufs *b)
{
    static const char *const triggers[] = {
        "manual", "goal_decomposed", "ticket_assigned", "routine",  "schedule",
        "timer",  "event",           "heartbeat",       "workflow", "follow_up"};

    if (rng_chance(&s->rng, 700)) {
        fill_payload(s, &b->payload);
        m->payload = buf_view(&b->payload);
        SET_HAS(m, job_submit, payload);
    }
    if (rng_chance(&s->rng, 300)) {
        m->trigger = view_str(triggers[rng_below(&s->rng, ARRAY_LEN(triggers))]);
        SET_HAS(m, job_submit, trigger);
    }
    if (rng_chance(&s->rng, 300)) {
        m->title = view_str("a title");
        SET_HAS(m, job_submit, title);
    }
    if (!rng_chance(&s->rng, 300)) return;
    struct mp_open_map tags = mp_open(&b->tags);

    mp_put_cstr(&b->tags, &tags, "kind", rng_chance(&s->rng, 500) ? "red" : "blue");
    mp_close(&b->tags, &tags);
    m->tags = buf_view(&b->tags);
    SET_HAS(m, job_submit, tags);
}

static void
fill_submit(struct sim *s, struct msg_job_submit *m, struct submit_bufs *b)
{
    fill_whom(s, m, b);
    if (!sim_fill_merge(s, m)) fill_when(s, m);
    fill_limits(s, m, b);
    fill_words(s, m, b);
}

/* One thing that must be refused. */
static void
spoil_submit(struct sim *s, struct msg_job_submit *m)
{
    switch (rng_below(&s->rng, 9)) {
    case 0:
        m->handler = view_str("nobody");
        SET_HAS(m, job_submit, handler);
        break;
    case 1:
        m->run_at = m->delay_ms = 1;
        SET_HAS(m, job_submit, run_at);
        SET_HAS(m, job_submit, delay_ms);
        break;
    case 2:
        m->expires_at = s->world.now.wall_ms - 1;
        SET_HAS(m, job_submit, expires_at);
        break;
    case 3:
        m->trigger = view_str("whim");
        SET_HAS(m, job_submit, trigger);
        break;
    case 4:
        m->agent = view_str("acme/a0");
        SET_HAS(m, job_submit, agent);
        break;
    case 5:
        m->on_conflict = view_str("shrug");
        SET_HAS(m, job_submit, on_conflict);
        break;
    case 6:
        m->retry_factor = 2; /* of no base, unless there is one by chance */
        SET_HAS(m, job_submit, retry_factor);
        break;
    case 7:
        m->company = view_str("nowhere");
        SET_HAS(m, job_submit, company);
        break;
    default:
        m->retry = view_of("\x91\xff", 2); /* [-1] */
        SET_HAS(m, job_submit, retry);
    }
}

static void
submit(struct sim *s)
{
    struct msg_job_submit m = {0};
    struct submit_bufs    b = {0};

    fill_submit(s, &m, &b);
    if (rng_chance(&s->rng, 80)) spoil_submit(s, &m);
    sim_ask(s, MSG_JOB_SUBMIT, &m);
    bufs_done(&b);
}

static void
submit_many(struct sim *s)
{
    struct buf list            BUF_AUTO = {0};
    struct msg_job_submit_many many = {0};
    uint32_t                   n = (uint32_t)rng_between(&s->rng, 1, 12);
    uint32_t                   bad = rng_chance(&s->rng, 200) ? (uint32_t)rng_below(&s->rng, n) : n;

    mp_array(&list, n);
    for (uint32_t i = 0; i < n; i++) {
        struct msg_job_submit m = {0};
        struct submit_bufs    b = {0};

        fill_submit(s, &m, &b);
        if (i == bad) spoil_submit(s, &m);
        msg_pack(msg_desc(MSG_JOB_SUBMIT), &m, &list);
        bufs_done(&b);
    }
    many.jobs = buf_view(&list);
    sim_ask(s, MSG_JOB_SUBMIT_MANY, &many);
}

/* ---- the other requests ---------------------------------------------------------------------- */

static void
cancel(struct sim *s)
{
    struct msg_job_cancel m = {.id = random_job(s)};

    sim_ask(s, MSG_JOB_CANCEL, &m);
}

static void
retry(struct sim *s)
{
    struct msg_job_retry m = {.id = random_job(s)};

    if ((m.force = rng_chance(&s->rng, 400))) SET_HAS(&m, job_retry, force);
    sim_ask(s, MSG_JOB_RETRY, &m);
}

static void
stream(struct sim *s)
{
    struct msg_job_stream m = {.id = random_job(s)};

    m.active =
        rng_chance(&s->rng, 600); /* behind it: the order within an initialiser is the compiler's */
    if (rng_chance(&s->rng, 700)) SET_HAS(&m, job_stream, active);
    sim_ask(s, MSG_JOB_STREAM, &m);
}

static void
set(struct sim *s)
{
    struct msg_job_set m = {.id = random_job(s)};

    if (rng_chance(&s->rng, 600)) {
        m.priority = rng_between(&s->rng, 0, 100);
        SET_HAS(&m, job_set, priority);
    }
    if (rng_chance(&s->rng, 500)) {
        m.run_at = s->world.now.wall_ms + rng_between(&s->rng, -60000, 600000);
        SET_HAS(&m, job_set, run_at);
    }
    sim_ask(s, MSG_JOB_SET, &m);
}

static void
nonsense(struct sim *s)
{
    static const char *const bodies[] = {"\x81\xa5where\x01", "\x80", "\x81\xa2id\xa3one"};

    ask(s, MSG_JOB_CANCEL, view_str(bodies[rng_below(&s->rng, ARRAY_LEN(bodies))]));
}

void
sim_request(struct sim *s)
{
    static const unsigned         weights[] = {45, 8, 8, 6, 6, 22, 8, 1, 1, 8, 6, 14, 9, 8, 45, 20};
    size_t                        what = rng_weighted(&s->rng, weights, ARRAY_LEN(weights));
    const struct msg_clock_accept accept = {0};

    if (s->model.active.count > 2 * ACTIVE_MAX) sim_cancel_firings(s, false);
    if ((what < 2 || what == 11) && s->model.active.count > ACTIVE_MAX) what = 2;
    switch (what) {
    case 0: submit(s); break;
    case 1:
        if (rng_chance(&s->rng, 950)) {
            submit_many(s);
        } else {
            sim_submit_flood(s);
        }
        break;
    case 2: cancel(s); break;
    case 3: retry(s); break;
    case 4: set(s); break;
    case 5: sim_request_schedule(s); break;
    case 6: ask_again(s); break;
    case 7: nonsense(s); break;
    case 8: sim_ask(s, MSG_CLOCK_ACCEPT, &accept); break;
    case 9: sim_request_hold(s); break;
    case 10: sim_request_many(s); break;
    case 11: sim_request_org(s); break;
    case 12: sim_request_registry(s); break;
    case 13: stream(s); break;
    case 14: sim_request_session(s); break;
    case 15: gateway_request(s); break;
    default: broken("no such request");
    }
}

/* ---- the configuration ----------------------------------------------------------------------- */

void
sim_ask_config(struct sim *s, bool calm)
{
    struct buf body BUF_AUTO = {0};
    struct input    in = {.kind = INPUT_CONFIG, .client = ++s->clients};

    if (s->is_config_asked) return;
    config_done(&s->next_config);
    s->config.now_ms = s->world.now.wall_ms;
    config_copy(&s->next_config, &s->config);
    if (calm) {
        config_calm(&s->next_config, &s->rng);
    } else if (s->engine && s->model.has_limits) {
        config_change(&s->next_config, &s->rng);
    }
    config_pack(&s->next_config, &body);
    in.actor = (struct actor){.kind = "daemon", .id = view_str("reload"), .role = ROLE_ADMIN};
    in.dry_run = !calm && s->model.has_limits && rng_chance(&s->rng, 100);
    s->is_config_asked = true;
    s->config_client = in.client;
    s->is_dry_run = in.dry_run;
    waiting_push(&s->daemon, &in, buf_view(&body));
}

void
sim_config_answered(struct sim *s, bool is_accepted)
{
    struct config old = s->config;

    s->is_config_asked = false;
    if (!is_accepted || s->is_dry_run) return;
    s->config = s->next_config;
    s->next_config = old;
    s->world.heartbeat_ms = s->config.heartbeat_timeout_ms / 4;
}
