#include "supervisor/engine/registry.h"

#include "supervisor/engine/agents.h"
#include "supervisor/engine/audit.h"
#include "supervisor/engine/feed.h"
#include "supervisor/engine/ladder.h"
#include "supervisor/engine/removal.h"
#include "supervisor/engine/sinks.h"
#include "supervisor/engine/submit.h"
#include "supervisor/engine/views.h"
#include "supervisor/engine/zones.h"

#include <string.h>

_Static_assert(sizeof(struct msg_company) == sizeof(struct msg_company_add) &&
                   sizeof(struct msg_company) == sizeof(struct msg_company_set) &&
                   sizeof(struct msg_agent) == sizeof(struct msg_agent_add) &&
                   sizeof(struct msg_agent) == sizeof(struct msg_agent_set) &&
                   sizeof(struct msg_profile) == sizeof(struct msg_profile_add) &&
                   sizeof(struct msg_profile) == sizeof(struct msg_profile_set),
               "add and set take the object itself");

enum errc
registry_find(struct engine *en, const struct actor *a, enum object_kind kind, struct view name,
              const struct object_entry **out, struct err *e)
{
    uint32_t company = 0, id;

    if (kind == KIND_COMPANY) {
        if (object_company(turn_txn(en), a, name, &id, e)) return e->code;
    } else if (object_ref(turn_txn(en), a, kind, name, "name", &company, &id, e)) {
        return e->code;
    }
    *out = objects_get(&en->turn.objects, id);
    return *out ? E_OK : err_set(e, E_DAMAGED, "its record is damaged");
}

uint32_t
registry_company(const struct object_entry *o)
{
    return o->row.kind == KIND_COMPANY ? o->row.id : o->row.company;
}

/* ---- a change -------------------------------------------------------------------- */

static size_t
member_size(enum field_type t)
{
    switch (t) {
    case FT_U64:
    case FT_I64:
    case FT_MS:
    case FT_TIME: return sizeof(int64_t);
    case FT_BOOL: return sizeof(bool);
    default: return sizeof(struct view);
    }
}

void
registry_merge(const struct msg_desc *d, const void *given, void *m)
{
    const uint64_t *has = given; /* the first member of every message */
    uint64_t       *all = m;

    for (size_t i = 0; i < d->nfields; i++) {
        const struct field_desc *f = &d->fields[i];

        if (!(*has >> i & 1)) continue;
        memcpy((char *)m + f->offset, (const char *)given + f->offset, member_size(f->type));
        *all |= 1ULL << i;
    }
}

static size_t
field_index(const struct msg_desc *d, struct view name)
{
    size_t i = 0;

    while (i < d->nfields && !view_is(name, d->fields[i].name))
        i++;
    return i;
}

enum errc
registry_clear(const struct msg_desc *d, struct view names, const void *given, void *m,
               struct err *e)
{
    const uint64_t  *has = given;
    uint64_t        *all = m;
    struct list_iter it = list_iter_of(names);
    struct view      item, name;

    while (names.size && list_next(&it, &item)) {
        struct mp_reader         r = mp_reader_of(item);
        size_t                   i;
        const struct field_desc *f;

        if (!mp_read_str(&r, &name)) return err_field(e, "clear", "names of fields only");
        i = field_index(d, name);
        if (i == d->nfields) return err_field(e, "clear", "no field \"%.*s\"", VIEW_ARG(name));
        f = &d->fields[i];
        if (f->need == REQUIRED || view_is(name, "company"))
            return err_field(e, "clear", "%s cannot be taken away", f->name);
        if (*has >> i & 1) return err_field(e, "clear", "%s is given, too", f->name);
        memset((char *)m + f->offset, 0, member_size(f->type));
        *all &= ~(1ULL << i);
    }
    return E_OK;
}

bool
registry_changes_something(const struct msg_desc *d, const void *given)
{
    const uint64_t *has = given;

    for (size_t i = 0; i < d->nfields; i++) {
        bool names =
            strcmp(d->fields[i].name, "name") == 0 || strcmp(d->fields[i].name, "company") == 0;

        if ((*has >> i & 1) && !names) return true;
    }
    return false;
}

/* ---- what a declaration must fulfil beyond its fields --------------------------- */

static enum errc
check_sinks(struct engine *en, const struct actor *a, struct view sinks, uint32_t company,
            struct err *e)
{
    struct list_iter it = list_iter_of(sinks);
    struct view      item;
    uint32_t         ids[SINKS_MAX], n = 0;

    while (sinks.size && list_next(&it, &item)) {
        struct mp_reader r = mp_reader_of(item);
        struct view      name;

        if (n == SINKS_MAX) return err_field(e, "sinks", "at most %d", SINKS_MAX);
        if (!mp_read_str(&r, &name)) return err_field(e, "sinks", "names only");
        if (object_ref(turn_txn(en), a, KIND_SINK, name, "sinks", &company, &ids[n], e))
            return e->code;
        if (sink_is_among(ids[n], ids, n))
            return err_field(e, "sinks", "\"%.*s\" is named twice", VIEW_ARG(name));
        n++;
    }
    return E_OK;
}

static enum errc
check_refs(struct engine *en, const struct actor *a, struct view handler, struct view profile,
           uint32_t company, struct err *e)
{
    uint32_t id;

    if (handler.size &&
        object_ref(turn_txn(en), a, KIND_HANDLER, handler, "handler", &company, &id, e)) {
        return e->code;
    }
    if (profile.size &&
        object_ref(turn_txn(en), a, KIND_PROFILE, profile, "profile", &company, &id, e)) {
        return e->code;
    }
    return E_OK;
}

static enum errc
check_agent(struct engine *en, const struct actor *a, const struct msg_agent *m, uint32_t company,
            struct err *e)
{
    if (HAS(m, agent, approval) && !view_is(m->approval, "none") &&
        !view_is(m->approval, "schedules") && !view_is(m->approval, "all")) {
        return err_field(e, "approval", "is none, schedules or all");
    }
    if (check_refs(en, a, m->handler, m->profile, company, e) ||
        zone_check(turn_txn(en), m->budget_zone, "budget_zone", e)) {
        return e->code;
    }
    return check_sinks(en, a, m->sinks, company, e);
}

static enum errc
check_profile(struct engine *en, const struct actor *a, const struct msg_profile *m,
              uint32_t company, struct err *e)
{
    const struct ladder ladder = LADDER_OF(m, profile);

    if (ladder_check(&ladder, e)) return e->code;
    return check_refs(en, a, m->handler, (struct view){0}, company, e);
}

static enum errc
check(struct engine *en, const struct actor *a, enum object_kind kind, const union msg *m,
      uint32_t company, struct err *e)
{
    switch (kind) {
    case KIND_COMPANY: return zone_check(turn_txn(en), m->company.budget_zone, "budget_zone", e);
    case KIND_AGENT: return check_agent(en, a, &m->agent, company, e);
    case KIND_PROFILE: return check_profile(en, a, &m->profile, company, e);
    default: return E_OK;
    }
}

/* ---- writing -------------------------------------------------------------------- */

static const struct {
    const char    *add, *set;
    enum feed_type added, changed;
} rules[] = {
    [KIND_COMPANY] = {"company.add", "company.set", FEED_COMPANY_ADDED, FEED_COMPANY_CHANGED},
    [KIND_AGENT] = {"agent.add",   "agent.set",   FEED_AGENT_ADDED,   FEED_AGENT_CHANGED  },
    [KIND_PROFILE] = {"profile.add", "profile.set", FEED_PROFILE_ADDED, FEED_PROFILE_CHANGED},
};

static void
put(struct engine *en, struct object *row, const union msg *m)
{
    struct buf spec BUF_AUTO = {0};

    msg_pack(msg_desc(object_kind_message(row->kind)), m, &spec);
    row->spec = buf_view(&spec);
    row->hash = hash64(row->spec, 0);
    objects_put(&en->turn.objects, row);
}

static struct view
spec_of(struct engine *en, uint32_t id)
{
    const struct object_entry *o = objects_get(&en->turn.objects, id);

    return o ? arena_copy(txn_arena(turn_txn(en)), o->row.spec) : (struct view){0};
}

static enum errc
add(struct engine *en, const struct actor *a, enum object_kind kind, const union msg *m,
    struct view company_name, struct view name, struct buf *reply, struct err *e)
{
    struct object row = {.kind = (uint8_t)kind, .origin = ORIGIN_API, .name = name};

    if (submit_admit(en, e)) return e->code;
    if (kind == KIND_COMPANY && a->company.size) {
        return err_set(e, E_DENIED, "only who is of no company may add one");
    }
    if (kind != KIND_COMPANY && object_company(turn_txn(en), a, company_name, &row.company, e)) {
        return e->code;
    }
    if (object_removing(turn_txn(en), kind, row.company, name)) {
        err_set(e, E_CONFLICT, "%s \"%.*s\" is being removed", object_kind_name(kind),
                VIEW_ARG(name));
        return err_hint(e, "the name is free again when it is gone");
    }
    if (object_find(turn_txn(en), kind, row.company, name)) {
        err_set(e, E_CONFLICT, "there is %s \"%.*s\" already", object_kind_article(kind),
                VIEW_ARG(name));
        return err_hint(e, "choose another name, or change it with set");
    }
    if (check(en, a, kind, m, row.company, e)) return e->code;
    row.id = (uint32_t)en->memory.meta.next_object++;
    row.created_at = en->turn.now.wall_ms;
    put(en, &row, m);
    if (kind == KIND_AGENT) (void)agent_row(en, row.id);
    feed_object(en, rules[kind].added, row.id, NULL);
    audit_put(en, a, rules[kind].add, kind == KIND_COMPANY ? row.id : row.company, name,
              (struct view){0}, spec_of(en, row.id));
    view_object(&en->turn.objects, objects_get(&en->turn.objects, row.id), reply);
    return E_OK;
}

static enum errc
set(struct engine *en, const struct actor *a, enum object_kind kind, const union msg *given,
    struct view company_name, struct view name, struct buf *reply, struct err *e)
{
    const struct msg_desc     *d = msg_desc(object_kind_message(kind));
    const struct object_entry *o;
    struct object              row;
    union msg                  m;
    struct view                before;
    uint32_t                   company = 0;

    if (company_name.size && object_company(turn_txn(en), a, company_name, &company, e)) {
        return e->code;
    }
    if (company) {
        uint32_t id;

        if (object_ref(turn_txn(en), a, kind, name, "name", &company, &id, e)) return e->code;
        o = objects_get(&en->turn.objects, id);
        if (!o) return err_set(e, E_DAMAGED, "its record is damaged");
    } else if (registry_find(en, a, kind, name, &o, e)) {
        return e->code;
    }
    if (removal_refuse_declared(o, e)) return e->code;
    if (!registry_changes_something(d, given)) {
        return err_field(e, "name", "nothing to change: give what is to be set");
    }
    row = o->row;
    before = spec_of(en, row.id);
    if (msg_unpack(d, before, &m, e)) return e->code;
    registry_merge(d, given, &m);
    if (check(en, a, kind, &m, row.company, e)) return e->code;
    put(en, &row, &m);
    en->memory.recheck_limits = true; /* a cap that was raised lets jobs start at once (A8) */
    feed_object(en, rules[kind].changed, row.id, NULL);
    audit_put(en, a, rules[kind].set, kind == KIND_COMPANY ? row.id : row.company, name, before,
              spec_of(en, row.id));
    view_object(&en->turn.objects, objects_get(&en->turn.objects, row.id), reply);
    return E_OK;
}

/* ---- requests ------------------------------------------------------------------- */

#define REQUESTS(noun, kind, company_of)                                                          \
    enum errc on_##noun##_add(struct engine *en, const struct actor *a,                           \
                              const struct msg_##noun##_add *m, struct buf *reply, struct err *e) \
    {                                                                                             \
        union msg all;                                                                            \
                                                                                                  \
        memset(&all, 0, sizeof(all));                                                             \
        memcpy(&all, m, sizeof(*m));                                                              \
        return add(en, a, kind, &all, company_of, m->name, reply, e);                             \
    }                                                                                             \
    enum errc on_##noun##_set(struct engine *en, const struct actor *a,                           \
                              const struct msg_##noun##_set *m, struct buf *reply, struct err *e) \
    {                                                                                             \
        union msg all;                                                                            \
                                                                                                  \
        memset(&all, 0, sizeof(all));                                                             \
        memcpy(&all, m, sizeof(*m));                                                              \
        return set(en, a, kind, &all, company_of, m->name, reply, e);                             \
    }

REQUESTS(company, KIND_COMPANY, (struct view){0})
REQUESTS(agent, KIND_AGENT, m->company)
REQUESTS(profile, KIND_PROFILE, m->company)
