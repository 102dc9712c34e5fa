#include "tools/sim/sim.h"

#include <stdio.h>

/* Sessions by requests (D1): a few in each company, some with an agent of it. */

#define PLAIN_KEYS 3

struct whom {
    char        agent[32], key[M_TYPE_SIZE];
    struct view company; /* empty: the actor's */
};

static void
some_session(struct sim *s, struct whom *w)
{
    /* Most of it happens in few of them, so that events wait for one another. */
    int agent = (int)rng_below(&s->rng, rng_chance(&s->rng, 600) ? 3 : SIM_ANY_AGENTS);
    int company = config_agent_company(agent);

    *w = (struct whom){.company = view_str(config_company(company))};
    /* Those of an agent have keys of their own, mostly: another agent is a conflict. */
    if (rng_chance(&s->rng, 600)) {
        snprintf(w->agent, sizeof(w->agent), "%s/%s", config_company(company), config_agent(agent));
        snprintf(w->key, sizeof(w->key), "k%s", config_agent(agent));
    } else {
        snprintf(w->key, sizeof(w->key), "k%u", (unsigned)rng_below(&s->rng, PLAIN_KEYS));
    }
    if (rng_chance(&s->rng, 30)) snprintf(w->key, sizeof(w->key), "k0");
    if (rng_chance(&s->rng, 200)) w->agent[0] = '\0';
}

#define FILL_WHOM(s, m, name, w)                                     \
    do {                                                             \
        (m)->key = view_str((w)->key);                               \
        if (rng_chance(&(s)->rng, 950)) (m)->company = (w)->company; \
        if ((m)->company.size) SET_HAS(m, name, company);            \
    } while (0)
#define FILL_AGENT(m, name, w)                      \
    do {                                            \
        (m)->agent = view_str((w)->agent);          \
        if ((w)->agent[0]) SET_HAS(m, name, agent); \
    } while (0)

static void
send(struct sim *s, const struct whom *w)
{
    struct buf metadata     BUF_AUTO = {0};
    struct msg_session_send m = {.content = view_str("how are you?")};

    FILL_WHOM(s, &m, session_send, w);
    FILL_AGENT(&m, session_send, w);
    if (rng_chance(&s->rng, 300)) {
        struct mp_open_map map = mp_open(&metadata);

        mp_put_u64(&metadata, &map, "n", rng_next(&s->rng) >> 1);
        mp_close(&metadata, &map);
        m.metadata = buf_view(&metadata);
        SET_HAS(&m, session_send, metadata);
    }
    sim_ask(s, MSG_SESSION_SEND, &m);
}

static void
event(struct sim *s, const struct whom *w)
{
    static const char *const types[] = {"tool_result", "tool_result",  "timer",  "door.opened",
                                        "job",         "user_message", "No Type"};
    static const unsigned    weights[] = {30, 30, 20, 30, 2, 2, 2};
    static char              text[6000];
    struct buf payload       BUF_AUTO = {0};
    struct msg_session_event m = {.type = view_str(types[rng_weighted(&s->rng, weights, 7)])};

    FILL_WHOM(s, &m, session_event, w);
    FILL_AGENT(&m, session_event, w);
    if (rng_chance(&s->rng, 700)) {
        memset(text, 'e', sizeof(text));
        if (rng_chance(&s->rng, 100)) {
            mp_str(&payload, view_of(text, (size_t)rng_between(&s->rng, 1000, 6000)));
        } else {
            mp_u64(&payload, rng_next(&s->rng) >> 1);
        }
        m.payload = buf_view(&payload);
        SET_HAS(&m, session_event, payload);
    }
    if (rng_chance(&s->rng, 150)) {
        m.parent = 1 + rng_below(&s->rng, s->model.jobs.count + 1);
        SET_HAS(&m, session_event, parent);
    }
    sim_ask(s, MSG_SESSION_EVENT, &m);
}

static void
submit(struct sim *s, const struct whom *w)
{
    struct buf payload    BUF_AUTO = {0};
    struct msg_job_submit m = {.session = view_str(w->key)};

    SET_HAS(&m, job_submit, session);
    if (rng_chance(&s->rng, 950)) m.company = w->company;
    if (m.company.size) SET_HAS(&m, job_submit, company);
    FILL_AGENT(&m, job_submit, w);
    if (rng_chance(&s->rng, 600)) {
        m.handler = view_str(config_handler((int)rng_below(&s->rng, SIM_HANDLERS)));
        SET_HAS(&m, job_submit, handler);
    }
    if (rng_chance(&s->rng, 600)) {
        mp_u64(&payload, rng_next(&s->rng) >> 1);
        m.payload = buf_view(&payload);
        SET_HAS(&m, job_submit, payload);
    }
    if (rng_chance(&s->rng, 300)) {
        m.priority = rng_between(&s->rng, 0, 100);
        SET_HAS(&m, job_submit, priority);
    }
    if (rng_chance(&s->rng, 300)) {
        m.max_run_ms = rng_between(&s->rng, 1, 300000);
        SET_HAS(&m, job_submit, max_run_ms);
    }
    if (rng_chance(&s->rng, 200)) {
        m.max_turns = rng_chance(&s->rng, 300) ? NO_LIMIT : rng_between(&s->rng, 1, 10000);
        SET_HAS(&m, job_submit, max_turns);
    }
    if (rng_chance(&s->rng, 50)) {
        m.delay_ms = 5;
        SET_HAS(&m, job_submit, delay_ms);
    }
    sim_ask(s, MSG_JOB_SUBMIT, &m);
}

/* ---- those that are there -------------------------------------------------------------------- */

/* Mostly one in this state. */
static void
some_there(struct sim *s, uint8_t status, struct whom *w)
{
    const struct model *m = &s->model;

    for (int i = 0; i < 20 && m->sessions.count; i++) {
        const struct m_session *one = &m->sessions.items[rng_below(&s->rng, m->sessions.count)];

        if (i < 15 && one->status != status) continue;
        *w = (struct whom){.company = m->objects.items[one->company].name};
        memcpy(w->key, one->key, sizeof(w->key));
        return;
    }
    some_session(s, w);
}

/* ---- timers ---------------------------------------------------------------------------------- */

static void
fill_timer_id(struct sim *s, char id[8])
{
    snprintf(id, 8, "t%u", (unsigned)rng_below(&s->rng, 4));
}

/* Soon, much later, or in the past. */
static void
set_timer(struct sim *s, const struct whom *w)
{
    static const int64_t most[] = {1000, 60000, 600000, 2 * 86400000LL};
    struct buf payload   BUF_AUTO = {0};
    struct msg_timer_set m = {0};
    char                 id[8], text[3000];
    int64_t              in = rng_between(&s->rng, 0, most[rng_below(&s->rng, ARRAY_LEN(most))]);

    FILL_WHOM(s, &m, timer_set, w);
    FILL_AGENT(&m, timer_set, w);
    fill_timer_id(s, id);
    m.timer_id = view_str(id);
    if (rng_chance(&s->rng, 300)) {
        m.fire_at = s->world.now.wall_ms + in - 60000;
        SET_HAS(&m, timer_set, fire_at);
    }
    if (!HAS(&m, timer_set, fire_at) || rng_chance(&s->rng, 20)) {
        m.delay_ms = in;
        SET_HAS(&m, timer_set, delay_ms);
    }
    if (rng_chance(&s->rng, 500)) {
        memset(text, 't', sizeof(text));
        mp_str(&payload, view_of(text, rng_chance(&s->rng, 100) ? sizeof(text) : 10));
        m.payload = buf_view(&payload);
        SET_HAS(&m, timer_set, payload);
    }
    sim_ask(s, MSG_TIMER_SET, &m);
}

static void
cancel_timer(struct sim *s)
{
    struct msg_timer_cancel m = {0};
    struct whom             w;
    char                    id[8];

    some_there(s, SESSION_OPEN, &w);
    FILL_WHOM(s, &m, timer_cancel, &w);
    fill_timer_id(s, id);
    m.timer_id = view_str(id);
    if (rng_chance(&s->rng, 850)) SET_HAS(&m, timer_cancel, timer_id);
    sim_ask(s, MSG_TIMER_CANCEL, &m);
}

/* ---- effects --------------------------------------------------------------------------------- */

/* Mostly one that can be meant. */
static void
resend_effect(struct sim *s)
{
    const size_t             count = s->model.effects.count;
    struct msg_effect_resend m = {.id = 1 + rng_below(&s->rng, count + 1)};

    for (int i = 0; i < 20 && count; i++) {
        const struct m_effect *e = &s->model.effects.items[rng_below(&s->rng, count)];

        if (e->is_purged || (e->status != STATUS_FAILED && e->status != STATUS_EXPIRED &&
                             e->status != STATUS_REJECTED && e->status != STATUS_SUPPRESSED &&
                             (e->status != STATUS_PENDING || e->place < M_PUT_OFF)))
            continue;
        m.id = e->id;
        break;
    }
    SET_HAS(&m, effect_resend, id);
    if ((m.dry_run = rng_chance(&s->rng, 100))) SET_HAS(&m, effect_resend, dry_run);
    sim_ask(s, MSG_EFFECT_RESEND, &m);
}

static void
resend_effects(struct sim *s, const struct whom *w)
{
    static const char *const statuses[] = {"failed",  "rejected", "expired",   "suppressed",
                                           "pending", "unknown",  "delivered", "lost"};
    static const unsigned    weights[] = {30, 30, 20, 20, 10, 2, 2, 2};
    static const char *const kinds[] = {"send_message", "notify", "wake_agent"};
    struct msg_effect_resend m = {
        .status = view_str(statuses[rng_weighted(&s->rng, weights, ARRAY_LEN(weights))])};
    char after[24];

    SET_HAS(&m, effect_resend, status);
    if (rng_chance(&s->rng, 500)) {
        m.session = view_str(w->key);
        SET_HAS(&m, effect_resend, session);
        m.company = w->company;
        SET_HAS(&m, effect_resend, company);
    }
    if (rng_chance(&s->rng, 300)) {
        m.kind = view_str(kinds[rng_below(&s->rng, ARRAY_LEN(kinds))]);
        SET_HAS(&m, effect_resend, kind);
    }
    m.limit = (uint64_t)rng_between(&s->rng, 1, 5); /* few: the sinks have other work */
    SET_HAS(&m, effect_resend, limit);
    if (rng_chance(&s->rng, 500)) {
        snprintf(after, sizeof(after), "%u",
                 (unsigned)rng_below(&s->rng, s->model.effects.count + 1));
        m.after = view_str(after);
        SET_HAS(&m, effect_resend, after);
    }
    if ((m.dry_run = rng_chance(&s->rng, 200))) SET_HAS(&m, effect_resend, dry_run);
    sim_ask(s, MSG_EFFECT_RESEND, &m);
}

/* ---- open, close, resume, resend ------------------------------------------------------------- */

static void
close_one(struct sim *s)
{
    struct msg_session_close m = {.reason = view_str("it is over")};
    struct whom              w;

    some_there(s, SESSION_OPEN, &w);
    FILL_WHOM(s, &m, session_close, &w);
    if (rng_chance(&s->rng, 500)) SET_HAS(&m, session_close, reason);
    sim_ask(s, MSG_SESSION_CLOSE, &m);
}

static void
open_one(struct sim *s)
{
    struct msg_session_open m = {0};
    struct whom             w;

    some_session(s, &w);
    if (rng_chance(&s->rng, 700)) some_there(s, SESSION_CLOSED, &w);
    FILL_WHOM(s, &m, session_open, &w);
    FILL_AGENT(&m, session_open, &w);
    sim_ask(s, MSG_SESSION_OPEN, &m);
}

static void
resume(struct sim *s)
{
    struct msg_session_resume m = {0};
    struct whom               w;

    some_there(s, SESSION_HELD, &w);
    FILL_WHOM(s, &m, session_resume, &w);
    m.skip = rng_chance(&s->rng, 500);
    if (m.skip) SET_HAS(&m, session_resume, skip);
    sim_ask(s, MSG_SESSION_RESUME, &m);
}

static void
resend(struct sim *s)
{
    struct msg_session_resend m = {.seq = 1 + rng_below(&s->rng, 4)};
    struct whom               w;

    some_there(s, SESSION_OPEN, &w);
    for (size_t i = 0; i < s->model.sessions.count; i++) {
        const struct m_session *one = &s->model.sessions.items[i];

        if (one->dead == 0 || strcmp(one->key, w.key) != 0) continue;
        for (size_t k = 0; k < one->events.count; k++) {
            if (one->events.items[k].mark == EVENT_DEAD) m.seq = k + 1;
        }
    }
    FILL_WHOM(s, &m, session_resend, &w);
    sim_ask(s, MSG_SESSION_RESEND, &m);
}

/* Mostly one that nobody knows about. */
static void
resolve(struct sim *s)
{
    static const char *const  outcomes[] = {"delivered", "failed", "lost"};
    struct msg_effect_resolve m = {.id = 1 + rng_below(&s->rng, s->model.effects.count + 1)};

    m.outcome = view_str(outcomes[rng_chance(&s->rng, 50) ? 2 : rng_below(&s->rng, 2)]);
    for (size_t i = 0; i < s->model.effects.count && !rng_chance(&s->rng, 20); i++) {
        if (s->model.effects.items[i].status == STATUS_UNKNOWN) m.id = i + 1;
    }
    sim_ask(s, MSG_EFFECT_RESOLVE, &m);
}

void
sim_request_session(struct sim *s)
{
    static const unsigned weights[] = {30, 40, 12, 6, 8, 8, 6, 6, 12, 4, 20, 12};
    struct whom           w;

    some_session(s, &w);
    if (rng_chance(&s->rng, 200)) {
        for (int64_t n = rng_between(&s->rng, 1, 6); n > 0; n--)
            event(s, &w);
    }
    if (rng_chance(&s->rng, 100)) {
        for (int64_t n = rng_between(&s->rng, 2, 6); n > 0; n--)
            set_timer(s, &w); /* some at about the same time */
    }
    switch (rng_weighted(&s->rng, weights, ARRAY_LEN(weights))) {
    case 0: send(s, &w); break;
    case 1: event(s, &w); break;
    case 2: submit(s, &w); break;
    case 3: close_one(s); break;
    case 4: open_one(s); break;
    case 5: resume(s); break;
    case 6: resend(s); break;
    case 7: resolve(s); break;
    case 8: resend_effect(s); break;
    case 9: set_timer(s, &w); break;
    case 10: cancel_timer(s); break;
    default: resend_effects(s, &w);
    }
}
