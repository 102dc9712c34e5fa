#include "tools/sim/sim.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ANSWER_MS 2000 /* without an answer so long, hello is said again */

void
gateway_done(struct gateway *g)
{
    free(g->readers.items);
    free(g->handed.items);
    free(g->read.items);
}

static void
copy_name(char to[GATEWAY_NAME_SIZE], struct view name)
{
    claim(name.size < GATEWAY_NAME_SIZE, "the simulation's names are short");
    snprintf(to, GATEWAY_NAME_SIZE, "%.*s", VIEW_ARG(name));
}

/* ---- its life -------------------------------------------------------------------------------- */

static void
say_hello(struct sim *s)
{
    struct gateway                *g = &s->gateway;
    const struct msg_gateway_hello m = {.version = view_str("sim")};

    g->is_up = true;
    g->hello = sim_ask_as_gateway(s, MSG_GATEWAY_HELLO, &m);
    g->acts_at = s->world.now.boot_ms + ANSWER_MS;
}

void
gateway_die(struct sim *s, bool is_told)
{
    struct gateway    *g = &s->gateway;
    const struct input gone = {.kind = INPUT_GATEWAY_GONE};

    if (g->is_up && is_told) waiting_push(&s->daemon, &gone, (struct view){0});
    g->is_up = g->is_known = false;
    g->hello = 0;
    g->acts_at = s->world.now.boot_ms + rng_between(&s->rng, 0, s->world.is_calm ? 100 : 60000);
    g->readers.count = g->handed.count = 0;
}

static bool
is_ready(const struct handed *h)
{
    return h->ack == 0;
}

static void
acknowledge(struct sim *s, struct handed *h)
{
    struct msg_effect_ack m = {
        .id = h->effect, .session = view_str(h->key), .company = view_str(h->company)};

    SET_HAS(&m, effect_ack, company);
    if (s->world.is_calm) {
        sim_ask_as_admin(s, MSG_EFFECT_ACK, &m);
    } else {
        sim_ask_once(s, MSG_EFFECT_ACK, &m); /* not everybody may speak of every company */
    }
    h->ack = s->clients;
}

void
gateway_step(struct sim *s)
{
    struct gateway *g = &s->gateway;

    if (!s->engine) return;
    if (!g->is_known && g->acts_at <= s->world.now.boot_ms) say_hello(s);
    for (size_t i = 0; i < g->handed.count; i++) {
        struct handed *h = &g->handed.items[i];

        if (is_ready(h) && h->at <= s->world.now.boot_ms) acknowledge(s, h);
    }
}

int64_t
gateway_next(const struct sim *s)
{
    const struct gateway *g = &s->gateway;
    int64_t               at = g->is_known ? INT64_MAX : g->acts_at;

    for (size_t i = 0; i < g->handed.count; i++) {
        if (is_ready(&g->handed.items[i])) at = earlier(at, g->handed.items[i].at);
    }
    return at;
}

/* ---- what it hears --------------------------------------------------------------------------- */

static bool *
is_read(struct gateway *g, uint64_t effect)
{
    while (g->read.count <= effect)
        *LIST_ADD(&g->read) = false;
    return &g->read.items[effect];
}

void
gateway_send_again(struct sim *s, uint64_t effect)
{
    *is_read(&s->gateway, effect) = false;
}

/* A reader that has it already is given it once more when another comes. */
static void
take(struct sim *s, const struct msg_gateway_deliver *d)
{
    struct gateway *g = &s->gateway;
    struct handed  *h;

    if (!g->is_known) return; /* it was on its way to one that has died */
    claim(!*is_read(g, d->effect), "effect %" PRIu64 " was acknowledged, and handed out again",
          d->effect);
    if (!s->world.is_calm && rng_chance(&s->rng, 200)) return; /* this reader never says so */
    h = LIST_ADD(&g->handed);
    h->effect = d->effect;
    copy_name(h->key, d->session);
    copy_name(h->company, d->company);
    h->at = s->world.now.boot_ms +
            rng_between(&s->rng, 0, s->world.is_calm || rng_chance(&s->rng, 500) ? 500 : 60000);
}

static void
on_ack_answered(struct gateway *g, const struct output *o)
{
    for (size_t i = g->handed.count; i-- > 0;) {
        struct view status;

        if (g->handed.items[i].ack != o->client) continue;
        if (!o->error && mp_find_str(o->body, "status", &status) && view_is(status, "delivered"))
            *is_read(g, g->handed.items[i].effect) = true;
        LIST_REMOVE(&g->handed, i);
    }
}

static void
on_attach_answered(struct gateway *g, const struct output *o)
{
    for (size_t i = g->readers.count; i-- > 0;) {
        if (g->readers.items[i].attach != o->client) continue;
        g->readers.items[i].attach = 0;
        if (o->error) LIST_REMOVE(&g->readers, i);
    }
}

void
gateway_output(struct sim *s, const struct output *o)
{
    struct gateway        *g = &s->gateway;
    const struct msg_desc *d;
    union msg              m;
    struct err             e = {0};

    if (o->kind == OUT_REPLY && o->client) {
        if (o->client == g->hello) g->is_known = o->error == NULL;
        on_ack_answered(g, o);
        on_attach_answered(g, o);
    }
    if (o->kind != OUT_TO_GATEWAY) return;
    claim(worker_open(GROUP_TO_GATEWAY, o->body, &d, &m, &e) == E_OK, "no gateway reads this: %s",
          e.msg);
    if (d->id == MSG_GATEWAY_DELIVER) take(s, &m.gateway_deliver);
}

/* ---- readers --------------------------------------------------------------------------------- */

static void
attach(struct sim *s, const char *key, const char *company)
{
    struct msg_session_attach m = {
        .key = view_str(key), .company = view_str(company), .reader = ++s->gateway.reader_numbers};
    struct attached *r = LIST_ADD(&s->gateway.readers);

    SET_HAS(&m, session_attach, company);
    copy_name(r->key, m.key);
    copy_name(r->company, m.company);
    r->attach = sim_ask_as_gateway(s, MSG_SESSION_ATTACH, &m);
}

static void
detach(struct sim *s, const char *key, const char *company)
{
    struct msg_session_detach m = {.key = view_str(key), .company = view_str(company)};

    SET_HAS(&m, session_detach, company);
    (void)sim_ask_as_gateway(s, MSG_SESSION_DETACH, &m);
}

static void
detach_one(struct sim *s)
{
    struct gateway *g = &s->gateway;
    size_t          i = (size_t)rng_below(&s->rng, g->readers.count);
    struct attached r = g->readers.items[i];

    if (r.attach) return;
    LIST_REMOVE(&g->readers, i);
    detach(s, r.key, r.company);
}

static bool
is_unread(struct model *m, const struct m_effect *e)
{
    return e->session < -1 && e->status == STATUS_PENDING && e->attempts == 0 &&
           m_is_gateway(m, e->sink);
}

/* Of any effect, mostly one for readers that was not handed out. */
static void
acknowledge_any(struct sim *s)
{
    struct model           *m = &s->model;
    const struct m_effect  *e;
    const struct m_session *one = &m->sessions.items[0];
    char                    company[GATEWAY_NAME_SIZE];
    struct msg_effect_ack   ack = {0};
    const size_t            n = m->effects.count, from = rng_below(&s->rng, n);
    size_t                  passed = rng_chance(&s->rng, 200) ? n : 0;

    while (passed < n && !is_unread(m, &m->effects.items[(from + passed) % n]))
        passed++;
    e = &m->effects.items[(from + passed) % n];
    if (e->session < -1) one = &m->sessions.items[-1 - e->session - 1];
    copy_name(company, m->objects.items[one->company].name);
    ack.id = e->id;
    ack.session = view_str(one->key);
    ack.company = view_str(company);
    SET_HAS(&ack, effect_ack, company);
    sim_ask_as_admin(s, MSG_EFFECT_ACK, &ack);
}

void
gateway_request(struct sim *s)
{
    const struct model     *m = &s->model;
    const struct m_session *one;
    char                    company[GATEWAY_NAME_SIZE];

    if (m->effects.count && m->sessions.count && rng_chance(&s->rng, 100)) {
        acknowledge_any(s);
    } else if (s->gateway.readers.count && rng_chance(&s->rng, 300)) {
        detach_one(s);
    } else if (m->sessions.count == 0 || rng_chance(&s->rng, 50)) {
        if (rng_chance(&s->rng, 500))
            attach(s, "k9", "default"); /* there is none */
        else
            detach(s, "k0", "default"); /* which perhaps nobody reads */
    } else {
        one = &m->sessions.items[rng_below(&s->rng, m->sessions.count)];
        copy_name(company, m->objects.items[one->company].name);
        attach(s, one->key, company);
    }
}

void
gateway_read_all(struct sim *s)
{
    for (size_t i = 0; i < s->model.sessions.count; i++) {
        const struct m_session *one = &s->model.sessions.items[i];
        char                    company[GATEWAY_NAME_SIZE];

        copy_name(company, s->model.objects.items[one->company].name);
        attach(s, one->key, company);
    }
}
