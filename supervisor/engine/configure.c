#include "supervisor/engine/configure.h"

#include "common/quiet.h"
#include "supervisor/engine/agents.h"
#include "supervisor/engine/breakers.h"
#include "supervisor/engine/configure_plan.h"
#include "supervisor/engine/feed.h"
#include "supervisor/engine/nominal.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/plan.h"
#include "supervisor/engine/registry.h"
#include "supervisor/engine/removal.h"
#include "supervisor/engine/schedule_ops.h"
#include "supervisor/engine/zones.h"

#include <assert.h>
#include <inttypes.h>

/* ---- builtins ----------------------------------------------------------------- */

static uint32_t
put_object(struct engine *en, uint32_t id, enum object_kind kind, uint32_t company,
           struct view name, enum origin origin, struct view spec)
{
    struct object row = {.id = id,
                         .kind = (uint8_t)kind,
                         .company = company,
                         .name = name,
                         .origin = (uint8_t)origin,
                         .hash = hash64(spec, 0),
                         .spec = spec,
                         .created_at = en->turn.now.wall_ms};
    struct object old = {.id = id};

    if (id && object_load(turn_txn(en), &old) == LOAD_FOUND) row.created_at = old.created_at;
    if (id == 0) row.id = (uint32_t)en->memory.meta.next_object++;
    objects_put(&en->turn.objects, &row);
    return row.id;
}

static const char *const builtin_handlers[] = {"noop", "echo", "sleep"};

static void
pack_builtin(enum object_kind kind, struct view name, struct buf *spec)
{
    const struct msg_company company = {.name = name};
    const struct msg_handler handler = {.name = name, .kind = name};
    const struct msg_sink    sink = {.name = name, .kind = name};

    switch (kind) {
    case KIND_COMPANY: msg_pack(msg_desc(MSG_COMPANY), &company, spec); break;
    case KIND_SINK: msg_pack(msg_desc(MSG_SINK), &sink, spec); break;
    default: msg_pack(msg_desc(MSG_HANDLER), &handler, spec);
    }
}

/* Whether the object was there before a file named it. */
static bool
is_builtin(const struct object *row)
{
    if (row->id == COMPANY_DEFAULT_ID) return true;
    if (row->company != COMPANY_DEFAULT_ID) return false;
    if (row->kind == KIND_SINK) return view_is(row->name, SINK_GATEWAY);
    if (row->kind != KIND_HANDLER) return false;
    for (size_t i = 0; i < ARRAY_LEN(builtin_handlers); i++) {
        if (view_is(row->name, builtin_handlers[i])) return true;
    }
    return false;
}

void
configure_builtins(struct engine *en)
{
    struct view     name = view_str("default");
    struct buf spec BUF_AUTO = {0};
    uint32_t        id;

    pack_builtin(KIND_COMPANY, name, &spec);
    id = put_object(en, 0, KIND_COMPANY, 0, name, ORIGIN_BUILTIN, buf_view(&spec));
    assert(id == COMPANY_DEFAULT_ID);
    for (size_t i = 0; i < ARRAY_LEN(builtin_handlers); i++) {
        name = view_str(builtin_handlers[i]);
        buf_clear(&spec);
        pack_builtin(KIND_HANDLER, name, &spec);
        (void)put_object(en, 0, KIND_HANDLER, id, name, ORIGIN_BUILTIN, buf_view(&spec));
    }
}

void
configure_builtin_sink(struct engine *en)
{
    struct view     name = view_str(SINK_GATEWAY);
    struct buf spec BUF_AUTO = {0};

    if (object_find(turn_txn(en), KIND_SINK, COMPANY_DEFAULT_ID, name)) return;
    pack_builtin(KIND_SINK, name, &spec);
    (void)put_object(en, 0, KIND_SINK, COMPANY_DEFAULT_ID, name, ORIGIN_BUILTIN, buf_view(&spec));
}

/* ---- the plan ----------------------------------------------------------------- */

static struct step *
add_step(struct engine *en, struct plan *p, const struct step *s)
{
    struct step *copy = arena_alloc(txn_arena(turn_txn(en)), sizeof(*copy));

    *copy = *s;
    copy->next = NULL;
    *p->last = copy;
    p->last = &copy->next;
    return copy;
}

/* The company that a declaration names: one that stands in the store, or one that the plan makes.
 */
static bool
company_will_be(struct engine *en, const struct plan *p, struct view name, uint32_t *id)
{
    if (name.size == 0) name = view_str("default");
    *id = object_find(turn_txn(en), KIND_COMPANY, 0, name);
    if (*id) return true;
    for (const struct step *s = p->first; s; s = s->next) {
        if (s->kind == KIND_COMPANY && s->action != ACTION_REMOVE && view_eq(s->name, name))
            return true;
    }
    return false;
}

static bool
same_times(struct view old_spec, struct view new_spec)
{
    struct msg_schedule a, b;
    struct err          e = {0};

    return msg_unpack(msg_desc(MSG_SCHEDULE), old_spec, &a, &e) == E_OK &&
           msg_unpack(msg_desc(MSG_SCHEDULE), new_spec, &b, &e) == E_OK && nominal_is_same(&a, &b);
}

/* The object that bars what is declared from being made: one of the API has its name, or one that
 * is being removed, be it the company that it is to be in.  0: none. */
static uint32_t
barred_by(struct engine *en, const struct step *s, const struct object *old)
{
    struct view company = s->company_name.size ? s->company_name : view_str("default");

    if (s->id) return old->origin == ORIGIN_API || old->origin == ORIGIN_AGENT ? s->id : 0;
    if (s->kind != KIND_COMPANY && s->company == 0)
        return object_removing(turn_txn(en), KIND_COMPANY, 0, company);
    return object_removing(turn_txn(en), s->kind, s->company, s->name);
}

/* Of a reload, which somebody asked for: N35. */
static enum errc
refuse_barred(const struct step *s, struct err *e)
{
    const char *kind = object_kind_name(s->kind);

    if (s->id == 0) {
        err_set(e, E_CONFLICT, "%s %.*s is being removed", kind, VIEW_ARG(s->name));
        return err_hint(e, "reload again when it is gone");
    }
    err_set(e, E_CONFLICT, "%s %.*s was made through the API already", kind, VIEW_ARG(s->name));
    return err_hint(e, "take it out of the file, or remove the other (`agentctl %s remove`) first",
                    kind);
}

static enum errc
plan_one(struct engine *en, struct plan *p, enum object_kind kind, struct view spec, struct err *e)
{
    struct step   s = {.kind = kind,
                       .origin = ORIGIN_CONFIG,
                       .spec = spec,
                       .action = ACTION_ADD,
                       .timing_changed = true};
    struct object old = {0};

    if (!mp_find_str(spec, "name", &s.name))
        return err_field(e, "name", "missing in a %s", object_kind_name(kind));
    if (kind != KIND_COMPANY) {
        (void)mp_find_str(spec, "company", &s.company_name);
        if (!company_will_be(en, p, s.company_name, &s.company)) {
            return err_set(e, E_NOT_FOUND, "%s %.*s: there is no company \"%.*s\"",
                           object_kind_name(kind), VIEW_ARG(s.name), VIEW_ARG(s.company_name));
        }
    }
    if (kind == KIND_COMPANY || s.company)
        s.id = object_find(turn_txn(en), kind, s.company, s.name);
    old.id = s.id;
    if (s.id && object_load(turn_txn(en), &old) == LOAD_FOUND) {
        s.action = old.hash == hash64(spec, 0) ? ACTION_KEEP : ACTION_CHANGE;
        s.timing_changed = kind == KIND_SCHEDULE && !same_times(old.spec, spec);
    }
    s.barred_by = barred_by(en, &s, &old);
    if (s.barred_by && !p->is_start) return refuse_barred(&s, e);
    if (s.barred_by) s.action = ACTION_BAR;
    add_step(en, p, &s);
    return E_OK;
}

static enum errc
check_zone(struct engine *en, struct view spec, const char *field, struct err *e)
{
    struct view zone;

    return mp_find_str(spec, field, &zone) ? zone_check(turn_txn(en), zone, field, e) : E_OK;
}

static enum errc
plan_list(struct engine *en, struct plan *p, enum object_kind kind, struct view list, struct err *e)
{
    struct list_iter       it = list_iter_of(list);
    const struct msg_desc *d = msg_desc(object_kind_message(kind));
    struct view            item;

    while (list_next(&it, &item)) {
        union msg m;

        if (msg_unpack(d, item, &m, e)) return err_wrap(e, "%s", object_kind_name(kind));
        if (check_zone(en, item, "budget_zone", e) || check_zone(en, item, "tz", e))
            return err_wrap(e, "%s", object_kind_name(kind));
        if (plan_one(en, p, kind, item, e)) return e->code;
    }
    return E_OK;
}

/* What the file changed of it is undone. */
static void
restore_builtin(struct engine *en, struct step *s)
{
    struct buf spec BUF_AUTO = {0};

    pack_builtin(s->kind, s->name, &spec);
    s->action = ACTION_CHANGE;
    s->origin = ORIGIN_BUILTIN;
    s->spec = arena_copy(txn_arena(turn_txn(en)), buf_view(&spec));
}

/* It goes with its company, whatever the file says. */
static bool
goes_with_company(struct engine *en, const struct object *row)
{
    const struct object_entry *company = objects_get(&en->turn.objects, row->company);

    return company && company->row.removing;
}

/* Objects of origin config that the file no longer declares. */
static void
plan_removals(struct engine *en, struct plan *p)
{
    struct object row = {0};
    struct idmap  declared = {0};
    struct scan   s;

    for (struct step *d = p->first; d; d = d->next) {
        if (d->id && !idmap_get(&declared, d->id))
            idmap_put(&declared, txn_arena(turn_txn(en)), d->id, d);
    }
    scan_open(&s, turn_txn(en), PRIMARY_OBJECT, &row, 0, 0);
    while (scan_next(&s, &row)) {
        struct step gone = {
            .action = ACTION_REMOVE, .kind = row.kind, .id = row.id, .company = row.company};

        if (row.origin != ORIGIN_CONFIG || row.kind == KIND_LIMITS || row.removing) continue;
        if (idmap_get(&declared, row.id) || goes_with_company(en, &row)) continue;
        gone.name = arena_copy(txn_arena(turn_txn(en)), row.name);
        if (is_builtin(&row)) restore_builtin(en, &gone);
        add_step(en, p, &gone);
    }
    scan_close(&s);
}

static void
change_schedule(struct engine *en, uint32_t id, struct view spec)
{
    const struct object_entry *o = objects_get(&en->turn.objects, id);
    struct msg_schedule        to;
    struct err                 e = {0};

    if (o && msg_unpack(msg_desc(MSG_SCHEDULE), spec, &to, &e) == E_OK)
        schedule_changes(en, o, &to);
}

static void
apply_step(struct engine *en, const struct step *s)
{
    uint32_t company = s->company, id;

    if (s->action == ACTION_REMOVE) {
        if (s->kind == KIND_COMPANY) {
            removal_begin(en, s->id); /* finished goals and tickets go, too */
            return;
        }
        if (s->kind == KIND_SCHEDULE) schedule_forget(en, s->id);
        if (s->kind == KIND_AGENT) agent_forget(en, s->id);
        objects_remove(&en->turn.objects, s->id);
        return;
    }
    if (s->action == ACTION_LEAVE) {
        plan_leave(en, s);
        return;
    }
    if (s->action == ACTION_BAR) {
        plan_bar(en, s);
        return;
    }
    if (s->kind == KIND_SCHEDULE && s->id) schedule_declared(en, s->id);
    if (s->action == ACTION_KEEP) return;
    if (s->kind != KIND_COMPANY && company == 0) {
        company = object_find(turn_txn(en), KIND_COMPANY, 0,
                              s->company_name.size ? s->company_name : view_str("default"));
    }
    if (s->kind == KIND_SCHEDULE && s->id) change_schedule(en, s->id, s->spec);
    id = put_object(en, s->id, s->kind, company, s->name, s->origin, s->spec);
    if (s->kind == KIND_AGENT) (void)agent_row(en, id);
    if (s->kind == KIND_SCHEDULE) schedule_planned(en, id, s->id == 0, s->timing_changed);
}

static void
reply_plan(const struct plan *p, bool applied, struct buf *reply)
{
    static const char *const actions[] = {"keep", "add", "change", "remove", "leave", "bar"};
    struct mp_open_map       map = mp_open(reply);
    size_t                   header;
    uint32_t                 n = 0;

    mp_put_bool(reply, &map, "applied", applied);
    mp_key(reply, &map, "plan");
    header = mp_array_open(reply);
    for (const struct step *s = p->first; s; s = s->next) {
        struct mp_open_map m;

        if (s->action == ACTION_KEEP) continue;
        m = mp_open(reply);
        mp_put_cstr(reply, &m, "action", actions[s->action]);
        mp_put_cstr(reply, &m, "kind", object_kind_name(s->kind));
        mp_put_str(reply, &m, "name", s->name);
        mp_close(reply, &m);
        n++;
    }
    mp_array_close(reply, header, n);
    mp_close(reply, &map);
}

static enum errc
check_quiet_hours(struct view text, struct err *e)
{
    struct quiet q;

    return text.size ? quiet_parse(text, &q, e) : E_OK;
}

/* References between declarations are checked by the config loader, which sees the file; schedules'
 * own rules here. */
static enum errc
make_plan(struct engine *en, const struct msg_config *m, struct plan *p, struct err *e)
{
    struct msg_limits limits;

    p->last = &p->first;
    if (msg_unpack(msg_desc(MSG_LIMITS), m->limits, &limits, e) ||
        zone_check(turn_txn(en), limits.budget_zone, "budget_zone", e) ||
        zone_check(turn_txn(en), limits.session_zone, "session_zone", e) ||
        check_quiet_hours(limits.session_quiet_hours, e)) {
        return err_wrap(e, "limits");
    }
    if (plan_list(en, p, KIND_COMPANY, m->companies, e) ||
        plan_list(en, p, KIND_HANDLER, m->handlers, e) ||
        plan_list(en, p, KIND_SINK, m->sinks, e) ||
        (m->profiles.size && plan_list(en, p, KIND_PROFILE, m->profiles, e)) ||
        plan_list(en, p, KIND_AGENT, m->agents, e) ||
        plan_list(en, p, KIND_SCHEDULE, m->schedules, e)) {
        return e->code;
    }
    plan_removals(en, p);
    if (p->is_start) {
        plan_leave_needed(en, p);
        return E_OK;
    }
    return plan_check_removals(en, p, e);
}

enum errc
configure_apply(struct engine *en, const struct input *in, struct buf *reply, struct err *e)
{
    struct msg_config m;
    struct plan       p = {.is_start = !en->memory.has_limits || in->again};
    uint32_t          limits = object_find(turn_txn(en), KIND_LIMITS, 0, view_str(LIMITS_NAME));
    bool              handlers_changed = false;

    if (msg_unpack(msg_desc(MSG_CONFIG), in->body, &m, e) || make_plan(en, &m, &p, e))
        return e->code;
    if (!in->dry_run) {
        const struct object_entry *old = objects_get(&en->turn.objects, limits);

        en->memory.left_count = en->memory.barred_count = 0;
        en->memory.config_waits = false;
        for (const struct step *s = p.first; s; s = s->next) {
            apply_step(en, s);
            handlers_changed |= s->kind == KIND_HANDLER && s->action != ACTION_KEEP;
        }
        if (handlers_changed) breakers_declared(en);
        if (!old || old->row.hash != hash64(m.limits, 0)) {
            (void)put_object(en, limits, KIND_LIMITS, 0, view_str(LIMITS_NAME), ORIGIN_CONFIG,
                             m.limits);
        }
        configure_load_limits(en);
        if (txn_is_dirty(turn_txn(en))) {
            struct mp_open_map event = feed_open(en, FEED_CONFIG_APPLIED, 0);

            feed_close(en, &event);
        }
    }
    reply_plan(&p, !in->dry_run, reply);
    return E_OK;
}
