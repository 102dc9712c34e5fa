#include "supervisor/engine/pauses.h"

#include "supervisor/engine/agents.h"
#include "supervisor/engine/audit.h"
#include "supervisor/engine/caps.h"
#include "supervisor/engine/feed.h"
#include "supervisor/engine/leases.h"
#include "supervisor/engine/made.h"
#include "supervisor/engine/pressure.h"
#include "supervisor/engine/registry.h"
#include "supervisor/engine/views.h"

bool
pause_of(struct txn *t, uint32_t object, struct pause *out)
{
    *out = (struct pause){.object = object};
    return object != 0 && pause_load(t, out) == LOAD_FOUND;
}

bool
is_paused(struct txn *t, uint32_t company, uint32_t agent)
{
    struct pause row;

    return pause_of(t, company, &row) || pause_of(t, agent, &row);
}

void
pause_put(struct objects *o, const struct object *row, struct buf *b, struct mp_open_map *map)
{
    const struct object_entry *company = objects_get(o, row->company);
    struct pause               p;
    bool                       is = pause_of(o->txn, row->id, &p);
    bool                       goes = row->removing || (company && company->row.removing);

    mp_put_cstr(b, map, "status", goes ? "removing" : is ? "paused" : "active");
    mp_put_bool(b, map, "paused", is);
    mp_put_str_or_nil(b, map, "pause_reason", is ? p.reason : (struct view){0});
    mp_put_time(b, map, "paused_at", is ? p.at : 0);
}

void
pause_forget(struct txn *t, uint32_t object)
{
    struct pause row = {.object = object};

    (void)pause_delete(t, &row);
}

/* ---- past ones ---------------------------------------------------------------- */

/* Whether a schedule has a time that was due before it and is not decided. */
static bool
is_any_due(struct engine *en, int64_t before_ms)
{
    struct schedule key = {0};
    struct scan     s;
    bool            is;

    scan_open(&s, turn_txn(en), INDEX_schedule_next, &key, 0, 0);
    is = scan_next_key(&s, &key) && key.due_at < before_ms;
    scan_close(&s);
    return is;
}

void
pause_is_past(struct engine *en, uint32_t object, int64_t from_ms, int64_t until_ms)
{
    const struct past_pause p = {.object = object, .until_at = until_ms, .from_at = from_ms};

    if (from_ms && from_ms < until_ms && (is_any_due(en, until_ms) || pressure_is_on_any(en)))
        past_pause_save(turn_txn(en), &p);
}

static bool
has_past(struct engine *en)
{
    struct past_pause p = {0};
    struct scan       s;
    bool              has;

    scan_open(&s, turn_txn(en), PRIMARY_PAST_PAUSE, &p, 0, 0);
    has = scan_next_key(&s, &p);
    scan_close(&s);
    return has;
}

/* A row that is ahead is from before the clock went back. */
bool
pause_was(struct engine *en, const struct schedule *run, int64_t at_ms, int64_t *until_ms)
{
    const uint32_t objects[] = {run->id, run->agent, run->company};
    bool           was = false;

    *until_ms = INT64_MAX;
    if (!has_past(en)) return false; /* as mostly */
    for (size_t i = 0; i < ARRAY_LEN(objects) && !was; i++) {
        struct past_pause p = {.object = objects[i], .until_at = at_ms + 1};
        struct scan       s;

        scan_open(&s, turn_txn(en), PRIMARY_PAST_PAUSE, &p, 1, 2);
        if (scan_next(&s, &p) && p.until_at <= en->turn.now.wall_ms) {
            was = p.from_at <= at_ms;
            if (was || p.from_at < *until_ms) *until_ms = was ? p.until_at : p.from_at;
        }
        scan_close(&s);
    }
    return was;
}

void
pauses_forget_past(struct engine *en)
{
    struct past_pause p = {0};
    struct scan       s;

    if (!has_past(en) || is_any_due(en, en->turn.now.wall_ms + 1) || pressure_is_on_any(en)) return;
    scan_open(&s, turn_txn(en), PRIMARY_PAST_PAUSE, &p, 0, 0);
    for (int n = 0; n < TURN_DUE_MAX && scan_next_key(&s, &p); n++)
        (void)past_pause_delete(turn_txn(en), &p);
    en->turn.due_again |= scan_next_key(&s, &p);
    scan_close(&s);
}

void
pauses_replan(struct engine *en)
{
    struct past_pause p = {0};
    struct scan       s;

    scan_open(&s, turn_txn(en), PRIMARY_PAST_PAUSE, &p, 0, 0);
    for (int n = 0; n < TURN_DUE_MAX && scan_next_key(&s, &p); n++) {
        if (p.until_at > en->turn.now.wall_ms) (void)past_pause_delete(turn_txn(en), &p);
    }
    scan_close(&s);
}

/* ---- requests ----------------------------------------------------------------- */

static const struct {
    enum object_kind kind;
    const char      *pause, *resume;
    enum feed_type   paused, resumed;
    enum predicate   holds;
} rules[] = {
    {KIND_COMPANY, "company.pause", "company.resume", FEED_COMPANY_PAUSED, FEED_COMPANY_RESUMED,
     HELD_COMPANY_PAUSED},
    {KIND_AGENT,   "agent.pause",   "agent.resume",   FEED_AGENT_PAUSED,   FEED_AGENT_RESUMED,
     HELD_AGENT_PAUSED  },
};
enum { OF_COMPANY, OF_AGENT };

static enum errc
put_pause(struct engine *en, const struct actor *a, int rule, struct view name, struct view reason,
          struct buf *reply, struct err *e)
{
    const struct object_entry *o;
    struct pause               row;

    if (registry_find(en, a, rules[rule].kind, name, &o, e)) return e->code;
    if (pause_of(turn_txn(en), o->row.id, &row)) {
        return err_set(e, E_WRONG_STATE, "%s \"%.*s\" is paused already",
                       object_kind_name(rules[rule].kind), VIEW_ARG(name));
    }
    row = (struct pause){
        .object = o->row.id,
        .at = en->turn.now.wall_ms,
        .reason = reason,
        .actor =
            view_str(arena_printf(txn_arena(turn_txn(en)), "%s:%.*s", a->kind, VIEW_ARG(a->id))),
    };
    pause_save(turn_txn(en), &row);
    if (rule == OF_AGENT) made_answered(en, o->row.id);
    feed_object(en, rules[rule].paused, o->row.id, NULL);
    audit_put(en, a, rules[rule].pause, registry_company(o), o->row.name,
              audit_pause(en, false, (struct view){0}), audit_pause(en, true, reason));
    view_object(&en->turn.objects, o, reply);
    return E_OK;
}

static enum errc
end_pause(struct engine *en, const struct actor *a, int rule, struct view name, struct buf *reply,
          struct err *e)
{
    const struct object_entry *o;
    struct pause               row;
    struct view                before;

    if (registry_find(en, a, rules[rule].kind, name, &o, e)) return e->code;
    if (!pause_of(turn_txn(en), o->row.id, &row)) {
        return err_set(e, E_WRONG_STATE, "%s \"%.*s\" is not paused",
                       object_kind_name(rules[rule].kind), VIEW_ARG(name));
    }
    before = audit_pause(en, true, row.reason);
    pause_forget(turn_txn(en), o->row.id);
    pause_is_past(en, o->row.id, row.at, en->turn.now.wall_ms);
    if (rule == OF_AGENT) {
        agent_resumed(en, o->row.id);
        made_answered(en, o->row.id);
    }
    limit_released(en, (uint8_t)rules[rule].holds, o->row.id);
    feed_object(en, rules[rule].resumed, o->row.id, NULL);
    audit_put(en, a, rules[rule].resume, registry_company(o), o->row.name, before,
              audit_pause(en, false, (struct view){0}));
    view_object(&en->turn.objects, o, reply);
    return E_OK;
}

enum errc
on_company_pause(struct engine *en, const struct actor *a, const struct msg_company_pause *m,
                 struct buf *reply, struct err *e)
{
    return put_pause(en, a, OF_COMPANY, m->name, m->reason, reply, e);
}

enum errc
on_company_resume(struct engine *en, const struct actor *a, const struct msg_company_resume *m,
                  struct buf *reply, struct err *e)
{
    return end_pause(en, a, OF_COMPANY, m->name, reply, e);
}

enum errc
on_agent_pause(struct engine *en, const struct actor *a, const struct msg_agent_pause *m,
               struct buf *reply, struct err *e)
{
    return put_pause(en, a, OF_AGENT, m->name, m->reason, reply, e);
}

enum errc
on_agent_resume(struct engine *en, const struct actor *a, const struct msg_agent_resume *m,
                struct buf *reply, struct err *e)
{
    return end_pause(en, a, OF_AGENT, m->name, reply, e);
}
