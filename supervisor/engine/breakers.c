#include "supervisor/engine/breakers.h"

#include "common/log.h"
#include "common/name.h"
#include "common/timetext.h"
#include "supervisor/engine/attempt.h"
#include "supervisor/engine/audit.h"
#include "supervisor/engine/caps.h"
#include "supervisor/engine/feed.h"
#include "supervisor/engine/lanes.h"
#include "supervisor/engine/leases.h"
#include "supervisor/engine/page.h"
#include "supervisor/engine/views.h"

#include <inttypes.h>
#include <stdio.h>

#define AFTER_MIN_MS 1000 /* a provider that asks for less does not make a busy loop */

static const char *const state_names[] = {"closed", "open", "half_open"};

/* ---- which -------------------------------------------------------------------- */

uint32_t
breaker_of(struct objects *o, uint32_t handler)
{
    const struct object_entry *h = objects_get(o, handler);
    struct breaker             row = {0};

    if (!h) return 0;
    if (h->spec.handler.credential.size == 0) return handler;
    row.company = h->row.company;
    row.name = h->spec.handler.credential;
    return rec_find(o->txn, INDEX_breaker_by_name, &row) == LOAD_FOUND ? row.id : 0;
}

bool
breaker_get(struct txn *t, uint32_t id, struct breaker *b)
{
    *b = (struct breaker){.id = id};
    if (breaker_load(t, b) == LOAD_FOUND) return true;
    *b = (struct breaker){.id = id, .state = BREAKER_CLOSED};
    return false;
}

bool
breaker_is_tried_by(struct objects *o, const struct breaker *b, const struct job_state *j)
{
    return j->token >= b->probes_from && breaker_of(o, j->handler) == b->id;
}

struct view
breaker_name(struct objects *o, const struct breaker *b)
{
    return b->name.size ? b->name : objects_name(o, b->id);
}

/* ---- opening and closing ------------------------------------------------------ */

static void
tell(struct engine *en, enum feed_type type, const struct breaker *b)
{
    const struct object_entry *h = objects_get(&en->turn.objects, b->id);
    struct mp_open_map         m = feed_open(en, type, h ? h->row.company : b->company);
    struct buf                *f = feed_buf(en);

    mp_put_str(f, &m, "breaker", breaker_name(&en->turn.objects, b));
    if (b->state == BREAKER_OPEN) {
        mp_put_cstr(f, &m, "class", failure_rule(b->failure)->name);
        mp_put_str(f, &m, "message", b->message);
        mp_put_i64(f, &m, "open_until", b->open_until);
        mp_put_u64(f, &m, "job", b->job);
    }
    feed_close(en, &m);
}

/* base, 2·base, 4·base … at most max, ±25 %. */
static int64_t
growing_delay(struct engine *en, uint32_t opens)
{
    const struct limits *l = &en->memory.limits;
    int64_t              ms = l->breaker_base_ms;

    for (uint32_t i = 1; i < opens && ms < l->breaker_max_ms; i++)
        ms = ms > l->breaker_max_ms / 2 ? l->breaker_max_ms : ms * 2;
    if (ms > l->breaker_max_ms) ms = l->breaker_max_ms;
    return attempt_jitter(en, ms);
}

static int64_t
at_least(int64_t ms, int64_t least)
{
    return ms > least ? ms : least;
}

/* The row of the job's breaker, made when it is first needed. */
static void
row_for(struct engine *en, const struct job_state *j, struct breaker *b)
{
    const struct object_entry *h = objects_get(&en->turn.objects, j->handler);
    uint32_t                   id = breaker_of(&en->turn.objects, j->handler);

    if (id && breaker_get(turn_txn(en), id, b)) return;
    *b = (struct breaker){.id = id ? id : j->handler};
    if (!h || h->spec.handler.credential.size == 0) return;
    if (id == 0) b->id = (uint32_t)en->memory.meta.next_object++;
    b->company = h->row.company;
    b->name = h->spec.handler.credential;
}

void
breaker_failed(struct engine *en, const struct job_state *j, int64_t after_ms)
{
    int64_t        now = en->turn.now.wall_ms, until;
    struct breaker b;

    row_for(en, j, &b);
    if (b.state == BREAKER_OPEN) { /* of the same wave: only what the provider says counts */
        if (after_ms < 0 || now + after_ms <= b.open_until) return;
        b.open_until = now + after_ms;
        breaker_save(turn_txn(en), &b);
        return;
    }
    if (b.state == BREAKER_CLOSED) {
        b.opens = 0;
        b.opened_at = now;
        en->memory.open_breakers++;
    }
    b.opens++;
    until = now + (after_ms >= 0 ? at_least(after_ms, AFTER_MIN_MS) : growing_delay(en, b.opens));
    b.state = BREAKER_OPEN;
    b.failure = j->failure;
    b.message = j->failure_message;
    b.open_until = until;
    b.job = j->id;
    breaker_save(turn_txn(en), &b);
    tell(en, FEED_BREAKER_OPENED, &b);
}

static void
close_it(struct engine *en, struct breaker *b)
{
    b->state = BREAKER_CLOSED;
    b->opens = 0;
    b->open_until = 0;
    breaker_save(turn_txn(en), b);
    if (en->memory.open_breakers) en->memory.open_breakers--;
    limit_released(en, HELD_BREAKER, b->id);
    tell(en, FEED_BREAKER_CLOSED, b);
}

void
breaker_succeeded(struct engine *en, const struct job_state *j)
{
    struct breaker b;
    uint32_t       id;

    if (en->memory.open_breakers == 0) return;
    id = breaker_of(&en->turn.objects, j->handler);
    if (id && breaker_get(turn_txn(en), id, &b) && b.state == BREAKER_HALF_OPEN) close_it(en, &b);
}

void
breaker_released(struct engine *en, uint32_t handler)
{
    uint32_t id = en->memory.open_breakers ? breaker_of(&en->turn.objects, handler) : 0;

    if (id) limit_released(en, HELD_BREAKER, id);
}

/* ---- time --------------------------------------------------------------------- */

void
breakers_at_boot(struct engine *en)
{
    struct breaker b = {0};
    struct scan    s;

    scan_open(&s, turn_txn(en), PRIMARY_BREAKER, &b, 0, 0);
    while (scan_next(&s, &b))
        en->memory.open_breakers += b.state != BREAKER_CLOSED;
    scan_close(&s);
}

void
breakers_due(struct engine *en)
{
    struct breaker key = {0};
    struct scan    s;

    scan_open(&s, turn_txn(en), INDEX_breaker_due, &key, 0, 0);
    while (en->turn.due_left && scan_next_key(&s, &key) && key.open_until <= en->turn.now.wall_ms) {
        struct breaker b;

        en->turn.due_left--;
        if (!breaker_get(turn_txn(en), key.id, &b)) continue;
        b.state = BREAKER_HALF_OPEN;
        b.probes_from = en->memory.meta.next_token;
        breaker_save(turn_txn(en), &b);
        limit_released(en, HELD_BREAKER, b.id);
        tell(en, FEED_BREAKER_PROBING, &b);
    }
    scan_close(&s);
}

int64_t
breakers_deadline(struct engine *en)
{
    struct breaker key = {0};
    struct scan    s;
    int64_t        at = INT64_MAX;

    scan_open(&s, turn_txn(en), INDEX_breaker_due, &key, 0, 0);
    if (scan_next_key(&s, &key)) at = key.open_until;
    scan_close(&s);
    return at;
}

void
breakers_replan(struct engine *en, int64_t back_ms)
{
    struct breaker b = {0};
    struct scan    s;

    scan_open(&s, turn_txn(en), PRIMARY_BREAKER, &b, 0, 0);
    while (scan_next(&s, &b)) {
        if (b.state == BREAKER_CLOSED) continue;
        b.opened_at -= back_ms;
        b.open_until -= back_ms;
        breaker_save(turn_txn(en), &b);
    }
    scan_close(&s);
}

/* ---- handlers that were declared anew ----------------------------------------- */

/* The ids of the breakers that handlers have, each with something behind it. */
static void
find_used(struct engine *en, struct idmap *used)
{
    struct object row = {0};
    struct scan   s;

    scan_open(&s, turn_txn(en), PRIMARY_OBJECT, &row, 0, 0);
    while (scan_next(&s, &row)) {
        uint32_t id = row.kind == KIND_HANDLER ? breaker_of(&en->turn.objects, row.id) : 0;

        if (id && !idmap_get(used, id)) idmap_put(used, txn_arena(turn_txn(en)), id, en);
    }
    scan_close(&s);
}

static void
forget(struct engine *en, struct breaker *b)
{
    if (b->state != BREAKER_CLOSED) {
        b->state = BREAKER_CLOSED;
        if (en->memory.open_breakers) en->memory.open_breakers--;
        if (breaker_name(&en->turn.objects, b).size) tell(en, FEED_BREAKER_CLOSED, b);
    }
    (void)breaker_delete(turn_txn(en), b);
}

void
breakers_declared(struct engine *en)
{
    struct idmap   used = {0};
    struct breaker b = {0};
    struct scan    s;

    find_used(en, &used);
    scan_open(&s, turn_txn(en), PRIMARY_BREAKER, &b, 0, 0);
    while (scan_next(&s, &b)) {
        lanes_unblock_all(en, HELD_BREAKER, b.id);
        if (!idmap_get(&used, b.id)) forget(en, &b);
    }
    scan_close(&s);
}

/* ---- shown -------------------------------------------------------------------- */

static uint32_t
breaker_company(struct objects *o, const struct breaker *b)
{
    const struct object_entry *h = objects_get(o, b->id);

    return h ? h->row.company : b->company;
}

void
breakers_warn(struct txn *t, const struct actor *a, struct buf *lines)
{
    struct breaker b = {0};
    struct objects o;
    struct scan    s;

    objects_init(&o, t);
    scan_open(&s, t, PRIMARY_BREAKER, &b, 0, 0);
    while (scan_next(&s, &b)) {
        char at[40];

        if (b.state == BREAKER_CLOSED || breaker_name(&o, &b).size == 0) continue;
        if (!actor_sees(t, a, breaker_company(&o, &b))) continue;
        buf_printf(lines, "the breaker of %.*s is %s (%s)", VIEW_ARG(breaker_name(&o, &b)),
                   b.state == BREAKER_OPEN ? "open" : "half open", failure_rule(b.failure)->name);
        if (b.state == BREAKER_OPEN)
            buf_printf(lines, " until %s", instant_text(b.open_until, at, sizeof(at)));
        buf_add_str(lines, "\n");
    }
    scan_close(&s);
}

static void
put_breaker(struct objects *o, const struct breaker *b, struct buf *out)
{
    struct mp_open_map m = mp_open(out);

    mp_put_str(out, &m, "name", breaker_name(o, b));
    view_put_name(o, out, &m, "company", breaker_company(o, b));
    mp_put_cstr(out, &m, "of", b->name.size ? "credential" : "handler");
    mp_put_cstr(out, &m, "state", state_names[b->state]);
    mp_put_cstr(out, &m, "class", b->failure ? failure_rule(b->failure)->name : NULL);
    mp_put_str_or_nil(out, &m, "message", b->message);
    mp_put_time(out, &m, "opened_at", b->opened_at);
    mp_put_time(out, &m, "open_until", b->open_until);
    mp_put_u64(out, &m, "opens", b->opens);
    mp_put_time(out, &m, "job", (int64_t)b->job);
    mp_close(out, &m);
}

enum errc
read_breaker_list(struct reading *r, const struct msg_breaker_list *m)
{
    struct breaker b = {0};
    struct page    p;
    uint64_t       after;
    uint32_t       company = 0;

    if (cursor_id(r, m->after, r->engine->memory.meta.next_object, &after) ||
        read_company(r, m->company, &company))
        return r->e->code;
    page_open(r, &p, HAS(m, breaker_list, limit), m->limit);
    b.id = (uint32_t)after + 1;
    page_scan(r, &p, PRIMARY_BREAKER, &b, 0, 1);
    while (page_next(&p, &b)) {
        const struct object_entry *h = objects_get(&r->objects, b.id);

        page_at(&p, b.id);
        if (!h && b.name.size == 0) continue; /* its handler is gone */
        if (company && company != breaker_company(&r->objects, &b)) continue;
        put_breaker(&r->objects, &b, r->reply);
        p.count++;
    }
    page_close(r, &p);
    return E_OK;
}

/* ---- reset -------------------------------------------------------------------- */

/* By a credential's name, else a handler's. */
static enum errc
find_breaker(struct engine *en, const struct actor *a, struct view ref, struct breaker *b,
             struct err *e)
{
    struct txn                *t = turn_txn(en);
    struct view                in_company, name;
    uint32_t                   company, owner = 0, handler;
    const struct object_entry *h;

    if (name_split(ref, "name", &in_company, &name, e)) return e->code;
    if (object_company(t, a, in_company, &company, e)) return e->code;
    *b = (struct breaker){.company = company, .name = name};
    if (rec_find(t, INDEX_breaker_by_name, b) == LOAD_FOUND) return E_OK;
    if (object_ref(t, a, KIND_HANDLER, ref, "name", &owner, &handler, e)) return e->code;
    h = objects_get(&en->turn.objects, handler);
    if (!h) return err_set(e, E_DAMAGED, "its record is damaged");
    if (!actor_sees(t, a, h->row.company)) {
        return err_set(e, E_DENIED, "handler \"%.*s\" is shared by all companies",
                       VIEW_ARG(h->row.name));
    }
    (void)breaker_get(t, breaker_of(&en->turn.objects, handler), b);
    if (b->id == 0) {
        b->company = h->row.company;
        b->name = h->spec.handler.credential;
    }
    return E_OK;
}

enum errc
on_breaker_reset(struct engine *en, const struct actor *a, const struct msg_breaker_reset *m,
                 struct buf *reply, struct err *e)
{
    struct breaker b;

    if (find_breaker(en, a, m->name, &b, e)) return e->code;
    if (b.state != BREAKER_CLOSED) {
        const char *was = state_names[b.state];

        close_it(en, &b);
        audit_put(en, a, "breaker.reset", b.company, m->name, audit_str(en, "state", view_str(was)),
                  audit_str(en, "state", view_str("closed")));
    }
    put_breaker(&en->turn.objects, &b, reply);
    return E_OK;
}
