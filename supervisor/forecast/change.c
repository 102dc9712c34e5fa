#include "supervisor/forecast/change.h"

#include "common/tzfile.h"
#include "supervisor/config/settings.h"
#include "supervisor/engine/configure.h"
#include "supervisor/engine/plan.h"
#include "supervisor/engine/schedule_ops.h"

#define PLACE       "--with"
#define LIMITS_NAME "limits"

static const char *const setting_sections[] = {"limits", "budgets", "workers"};

/* ---- reading ------------------------------------------------------------------------------- */

static bool
is_known_section(struct view key)
{
    for (size_t i = 0; i < ARRAY_LEN(setting_sections); i++) {
        if (view_is(key, setting_sections[i])) return true;
    }
    return view_is(key, "schedules");
}

/* The sections of settings over *config; limits that it does not have are the defaults. */
static enum errc
read_settings(const struct change *c, struct config *config, struct err *e)
{
    struct buf warnings     BUF_AUTO = {0};
    struct declared         none = {0};
    struct settings         s;
    const struct msg_limits limits = config->limits;
    int64_t                 workers = config->workers, slots = config->slots;

    settings_init(&s, config, &none, "/", &warnings);
    if (limits.has) config->limits = limits;
    config->workers = workers;
    config->slots = slots;
    for (size_t i = 0; i < ARRAY_LEN(setting_sections); i++) {
        const struct yaml *section = yaml_get(c->root, setting_sections[i]);

        if (section && settings_from_file(&s, section, "/", e)) return e->code;
    }
    return settings_finish(&s, e);
}

enum errc
change_read(struct change *c, struct view text, const struct world_fleet *fleet, struct err *e)
{
    struct config config = {.workers = fleet->workers, .slots = fleet->slots};

    if (yaml_parse(text, PLACE, &c->arena, &c->root, e)) return e->code;
    for (const struct yaml *n = c->root->first; n; n = n->next) {
        if (!is_known_section(n->key)) {
            return yaml_refuse_key(
                n, e, "allowed here: the sections schedules, limits, budgets and workers");
        }
        if (c->is_bound && !view_is(n->key, "schedules"))
            return yaml_refuse_key(n, e, "only an actor of all companies may suppose this");
    }
    arena_init(&config.arena);
    enum errc rc = read_settings(c, &config, e);
    c->fleet =
        (struct world_fleet){.workers = (uint32_t)config.workers, .slots = (uint32_t)config.slots};
    arena_done(&config.arena);
    return rc;
}

void
change_done(struct change *c)
{
    arena_done(&c->arena);
    buf_done(&c->done);
}

/* ---- limits -------------------------------------------------------------------------------- */

static bool
has_limits(const struct change *c)
{
    return yaml_get(c->root, "limits") || yaml_get(c->root, "budgets");
}

static enum errc
apply_limits(const struct change *c, struct engine *en, struct err *e)
{
    struct objects *objects = &en->turn.objects;
    uint32_t        id = object_find(turn_txn(en), KIND_LIMITS, 0, view_str(LIMITS_NAME));
    const struct object_entry *o = objects_get(objects, id);
    struct config              config = {.workers = c->fleet.workers, .slots = c->fleet.slots};
    struct buf spec            BUF_AUTO = {0};

    if (!o || !has_limits(c)) return E_OK;
    config.limits = o->spec.limits;
    arena_init(&config.arena);
    enum errc rc = read_settings(c, &config, e);
    if (rc == E_OK) {
        struct object row = o->row;

        msg_pack(msg_desc(MSG_LIMITS), &config.limits, &spec);
        row.spec = buf_view(&spec);
        row.hash = hash64(row.spec, 0);
        objects_put(objects, &row);
        configure_load_limits(en);
    }
    arena_done(&config.arena);
    return rc;
}

/* ---- schedules ----------------------------------------------------------------------------- */

/* The engine's sentence, at the place of the body. */
static enum errc
refuse_at(const struct yaml *body, struct err *e)
{
    struct err why = *e;

    yaml_refuse_key(body, e, "%s", why.msg);
    return why.hint[0] ? err_hint(e, "%s", why.hint) : e->code;
}

/* The engine knows the zones that it was told of; UTC always. */
static void
tell_zone(struct engine *en, struct view name)
{
    struct buf body BUF_AUTO = {0};
    struct input    in = {.kind = INPUT_ZONE};

    buf_add_view(&body, name);
    buf_add(&body, "", 1);
    if (name.size == 0 || view_is(name, "UTC") || !tzfile_read(tzfile_folder(), name, &body))
        return;
    in.body = buf_view(&body);
    engine_apply(en, &in);
}

static void
note(struct change *c, const char *action, struct view ref)
{
    struct mp_open_map m = mp_open(&c->done);

    mp_put_cstr(&c->done, &m, "action", action);
    mp_put_str(&c->done, &m, "schedule", ref);
    mp_close(&c->done, &m);
    c->done_count++;
}

static struct actor
actor_of(const struct change *c)
{
    struct actor a = {.kind = "daemon", .id = view_str("forecast"), .role = ROLE_ADMIN};

    if (c->is_bound) a.company = c->company;
    return a;
}

static void
remove_schedule(struct change *c, struct engine *en, uint32_t id)
{
    note(c, "remove", objects_ref(&en->turn.objects, id));
    schedule_forget(en, id);
    objects_remove(&en->turn.objects, id);
}

/* A body that names one way to give times means it instead of the other. */
static void
choose_times(const struct yaml *body, struct msg_schedule *m)
{
    if (yaml_get(body, "cron") && !yaml_get(body, "every")) {
        m->has &= ~(UINT64_C(1) << msg_schedule_BIT_every_ms);
        m->every_ms = 0;
    }
    if (yaml_get(body, "every") && !yaml_get(body, "cron")) {
        m->has &= ~(UINT64_C(1) << msg_schedule_BIT_cron);
        m->cron = (struct view){0};
    }
}

static enum errc
change_schedule(struct change *c, struct engine *en, uint32_t id, const struct yaml *body,
                struct err *e)
{
    const struct object_entry *o = objects_get(&en->turn.objects, id);
    const struct actor         actor = actor_of(c);
    struct msg_schedule        m = o->spec.schedule, before = m;
    struct object              row = o->row;
    struct schedule_refs       refs;
    struct buf spec            BUF_AUTO = {0};

    choose_times(body, &m);
    if (declared_merge(body, DECLARED_SCHEDULE, &c->arena, &m, e)) return e->code;
    tell_zone(en, m.tz);
    tell_zone(en, m.budget_zone);
    if (schedule_check(en, &actor, &m, &refs, e)) return refuse_at(body, e);
    copy_strip(&m);
    msg_pack(msg_desc(MSG_SCHEDULE), &m, &spec);
    row.spec = arena_copy(&c->arena, buf_view(&spec));
    row.hash = hash64(row.spec, 0);
    schedule_changes(en, o, &m);
    objects_put(&en->turn.objects, &row);
    schedule_planned(en, id, false, !nominal_is_same(&before, &m));
    note(c, "change", objects_ref(&en->turn.objects, id));
    return E_OK;
}

static enum errc
add_schedule(struct change *c, struct engine *en, struct view name, const struct yaml *body,
             struct err *e)
{
    const struct actor   actor = actor_of(c);
    struct msg_schedule  m = {.name = name, .company = c->company, .max_turns = NO_LIMIT};
    struct schedule_refs refs;

    if (c->company.size) SET_HAS(&m, schedule, company);
    if (declared_merge(body, DECLARED_SCHEDULE, &c->arena, &m, e)) return e->code;
    tell_zone(en, m.tz);
    tell_zone(en, m.budget_zone);
    if (schedule_check_new(en, &actor, &m, &refs, e)) return refuse_at(body, e);
    copy_strip(&m);
    note(
        c, "add",
        objects_ref(&en->turn.objects, schedule_make(en, &actor, &m, refs.company, ORIGIN_API, 0)));
    return E_OK;
}

static enum errc
apply_schedule(struct change *c, struct engine *en, const struct yaml *body, struct err *e)
{
    const struct actor actor = actor_of(c);
    const struct yaml *named = yaml_get(body, "name"), *of = yaml_get(body, "company");
    bool               is_listed = body->parent->type == YAML_LIST;
    struct view        name = !is_listed ? body->key : named ? named->text : (struct view){0};
    uint32_t           company = 0, id;

    if (name.size == 0) return yaml_refuse(body, e, "name is missing");
    if (object_company(turn_txn(en), &actor, of ? of->text : c->company, &company, e))
        return refuse_at(body, e);
    id = object_find(turn_txn(en), KIND_SCHEDULE, company, name);
    if (body->type == YAML_NULL) {
        if (!id) return yaml_refuse_key(body, e, "there is no such schedule to remove");
        remove_schedule(c, en, id);
        return E_OK;
    }
    return id ? change_schedule(c, en, id, body, e) : add_schedule(c, en, name, body, e);
}

static enum errc
apply(struct engine *en, void *arg, struct err *e)
{
    struct change     *c = arg;
    const struct yaml *list = yaml_get(c->root, "schedules");

    if (apply_limits(c, en, e)) return e->code;
    if (list && list->type != YAML_MAP && list->type != YAML_LIST && list->type != YAML_NULL) {
        return yaml_refuse_found(list, e, "allowed: a map of name: body, or a list of bodies");
    }
    for (const struct yaml *body = list ? list->first : NULL; body; body = body->next) {
        if (apply_schedule(c, en, body, e)) return e->code;
    }
    return E_OK;
}

enum errc
change_apply(struct change *c, struct world *w, struct err *e)
{
    return world_change(w, apply, c, e);
}
