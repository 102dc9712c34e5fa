#include "supervisor/engine/emergency.h"
#include "supervisor/engine/idle.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/pressure.h"
#include "supervisor/engine/registry.h"
#include "supervisor/engine/sessions.h"
#include "supervisor/engine/views.h"

#define UNKNOWN_MAX 1000 /* more are not counted */

/* ---- status ------------------------------------------------------------------- */

static void
put_queue(struct txn *t, const struct actor *a, struct buf *b, struct mp_open_map *map)
{
    struct queue       q = {0}, sum = {0};
    struct mp_open_map m;
    struct scan        s;

    scan_open(&s, t, PRIMARY_QUEUE, &q, 0, 0);
    while (scan_next(&s, &q)) {
        if (!actor_sees(t, a, q.company)) continue;
        sum.scheduled += q.scheduled;
        sum.ready += q.ready;
        sum.running += q.running;
        sum.completed += q.completed;
        sum.failed += q.failed;
        sum.cancelled += q.cancelled;
        sum.expired += q.expired;
    }
    scan_close(&s);
    mp_key(b, map, "queue");
    m = mp_open(b);
    mp_put_u64(b, &m, "scheduled", sum.scheduled);
    mp_put_u64(b, &m, "ready", sum.ready);
    mp_put_u64(b, &m, "running", sum.running);
    mp_put_u64(b, &m, "completed", sum.completed);
    mp_put_u64(b, &m, "failed", sum.failed);
    mp_put_u64(b, &m, "cancelled", sum.cancelled);
    mp_put_u64(b, &m, "expired", sum.expired);
    mp_close(b, &m);
}

/* It has no count of its own, and is to be small. */
static uint64_t
count_unknown(struct txn *t)
{
    struct effect from = {.status = STATUS_UNKNOWN}, f = {0};
    uint64_t      n = 0;
    struct scan   s;

    scan_open(&s, t, INDEX_effect_by_status, &from, 1, 1);
    while (n < UNKNOWN_MAX && scan_next(&s, &f))
        n++;
    scan_close(&s);
    return n;
}

/* Of all companies, for it is counted at once: nothing for who sees but one. */
static void
put_outbox(struct txn *t, const struct actor *a, struct buf *b, struct mp_open_map *map)
{
    uint64_t           attempting = index_entries(t, INDEX_effect_attempting);
    struct mp_open_map m;

    if (a->company.size > 0) return;
    mp_key(b, map, "outbox");
    m = mp_open(b);
    mp_put_u64(b, &m, "pending", index_entries(t, INDEX_effect_queue) - attempting);
    mp_put_u64(b, &m, "attempting", attempting);
    mp_put_u64(b, &m, "unknown", count_unknown(t));
    mp_close(b, &m);
    mp_put_u64(b, map, "timers_pending", index_entries(t, INDEX_timer_due));
}

/* Likewise.  Nothing until all are counted, soon after the start. */
static void
put_sessions(const struct memory *mem, const struct actor *a, struct buf *b,
             struct mp_open_map *map)
{
    struct mp_open_map m;

    if (a->company.size > 0 || mem->is_counting) return;
    mp_key(b, map, "sessions");
    m = mp_open(b);
    for (enum session_status s = 0; s < SESSION_STATUS_COUNT; s++)
        mp_put_u64(b, &m, session_status_name(s), mem->sessions.by_status[s]);
    mp_close(b, &m);
    mp_put_u64(b, map, "events_waiting", mem->sessions.waiting);
}

/* As commands take it; nil for none. */
static void
put_ref(struct objects *o, struct buf *b, struct mp_open_map *m, const char *key, uint32_t id)
{
    mp_put_str_or_nil(b, m, key, id ? objects_ref(o, id) : (struct view){0});
}

static void
put_cap(struct snapshot *s, enum predicate p, uint32_t on, struct buf *b, uint32_t *count)
{
    struct mp_open_map m;
    int64_t            limit;
    uint32_t           used;

    snapshot_cap(s, p, on, &limit, &used);
    m = mp_open(b);
    mp_put_cstr(b, &m, "cap", predicate_name(p));
    put_ref(s->objects, b, &m, "on", on);
    view_put_limit(b, &m, "limit", limit);
    mp_put_u64(b, &m, "used", used);
    mp_close(b, &m);
    ++*count;
}

/* The handlers that jobs of the actor's company run with: they are of `default`, which anybody's
 * jobs may name. */
static void
find_handlers(struct objects *o, const struct actor *a, struct idmap *handlers)
{
    uint32_t         company = object_find(o->txn, KIND_COMPANY, 0, a->company);
    struct job_state j = {0};
    struct scan      s;

    scan_open(&s, o->txn, INDEX_job_running, &j, 0, 0);
    while (scan_next_key(&s, &j)) {
        if (j.company == company && j.handler && !idmap_get(handlers, j.handler))
            idmap_put(handlers, txn_arena(o->txn), j.handler, o);
    }
    scan_close(&s);
}

static bool
sees_cap(struct objects *o, const struct actor *a, const struct idmap *handlers, enum predicate p,
         uint32_t on)
{
    const struct object_entry *e = objects_get(o, on);

    if (a->company.size == 0) return true;
    if (p == HELD_HANDLER_CAP) return idmap_get(handlers, on) != NULL;
    return e && actor_sees(o->txn, a, registry_company(e));
}

/* The general caps always, those of a company, agent or handler while something runs under them. */
static void
put_caps(struct engine *en, struct objects *o, const struct actor *a, struct buf *b,
         struct mp_open_map *map)
{
    struct snapshot s;
    struct idmap    handlers = {0};
    size_t          header;
    uint32_t        n = 0;
    const struct {
        enum predicate p;
        struct idmap  *m;
    } kinds[] = {
        {HELD_COMPANY_CAP, &s.companies},
        {HELD_AGENT_CAP,   &s.agents   },
        {HELD_HANDLER_CAP, &s.handlers },
    };

    snapshot_take(&s, &en->memory, o);
    if (a->company.size) find_handlers(o, a, &handlers);
    mp_key(b, map, "caps");
    header = mp_array_open(b);
    put_cap(&s, HELD_NO_SLOT, 0, b, &n);
    put_cap(&s, HELD_GLOBAL_CAP, 0, b, &n);
    put_cap(&s, HELD_SCHEDULE_CAP, 0, b, &n);
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        for (uint32_t i = 0; i < kinds[k].m->cap; i++) {
            uint32_t on = (uint32_t)kinds[k].m->entries[i].id;

            if (on && sees_cap(o, a, &handlers, kinds[k].p, on)) put_cap(&s, kinds[k].p, on, b, &n);
        }
    }
    mp_array_close(b, header, n);
}

static void
put_next_firings(struct objects *o, const struct actor *a, struct buf *b, struct mp_open_map *map)
{
    struct schedule run = {0};
    struct scan     s;
    size_t          header;
    uint32_t        n = 0, looks = 0;

    mp_key(b, map, "next");
    header = mp_array_open(b);
    scan_open(&s, o->txn, INDEX_schedule_next, &run, 0, 0);
    while (n < 5 && looks++ < READ_ROWS_MAX && scan_next(&s, &run)) {
        const struct object_entry *sched = objects_get(o, run.id);
        int64_t                    at = sched ? idle_next(o->txn, sched, &run) : run.next_at;
        struct mp_open_map         m;

        if (run.paused || at == 0 || !actor_sees(o->txn, a, run.company)) continue;
        m = mp_open(b);
        put_ref(o, b, &m, "schedule", run.id);
        mp_put_i64(b, &m, "next_fire_at", at);
        mp_close(b, &m);
        n++;
    }
    scan_close(&s);
    mp_array_close(b, header, n);
}

void
engine_status(struct engine *en, struct txn *t, const struct actor *a, const struct now *now,
              struct buf *out, struct mp_open_map *map)
{
    struct objects o;

    objects_init(&o, t);
    o.now_ms = now->wall_ms;
    put_queue(t, a, out, map);
    put_outbox(t, a, out, map);
    put_sessions(&en->memory, a, out, map);
    put_caps(en, &o, a, out, map);
    put_next_firings(&o, a, out, map);
    pressure_put_status(&en->memory, t, a, now, out, map);
    mp_put_time(out, map, "last_crash_at", en->memory.meta.last_crash_at);
    mp_put_u64(out, map, "unclean_stops", en->memory.meta.unclean_stops);
    mp_put_bool(out, map, "draining", en->memory.is_draining);
    mp_key(out, map, "stops");
    emergency_put_stops(en->memory.meta.stops, out);
    mp_put_time(out, map, "stopped_at", en->memory.meta.stopped_at);
    mp_put_u64(out, map, "turns", en->memory.meta.turn);
    mp_put_u64(out, map, "state_hash",
               txn_state_hash(t) >> 1); /* 63 bits: JSON has no unsigned 64 */
}
