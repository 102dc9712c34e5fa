#include "supervisor/engine/refs.h"

#include "supervisor/engine/gates.h"
#include "supervisor/engine/objects.h"

static void
add_id(struct refs *r, uint32_t id)
{
    if (id && r->count < REFS_MAX) r->ids[r->count++] = id;
}

static void
add_name(struct engine *en, const struct object *row, enum object_kind kind, struct view ref,
         struct refs *r)
{
    uint32_t   company = row->company, id;
    struct err e = {0};

    if (ref.size == 0) return;
    if (object_ref(turn_txn(en), &actor_daemon, kind, ref, "name", &company, &id, &e) == E_OK)
        add_id(r, id);
}

static void
add_sinks(struct engine *en, const struct object *row, struct view sinks, struct refs *r)
{
    struct list_iter it = list_iter_of(sinks);
    struct view      item;

    while (sinks.size && list_next(&it, &item)) {
        struct mp_reader reader = mp_reader_of(item);
        struct view      name;

        if (mp_read_str(&reader, &name)) add_name(en, row, KIND_SINK, name, r);
    }
}

void
refs_of(struct engine *en, const struct object *row, struct refs *r)
{
    const struct object_entry *o = objects_get(&en->turn.objects, row->id);

    *r = (struct refs){0};
    add_id(r, row->company);
    if (!o) return;
    switch ((enum object_kind)row->kind) {
    case KIND_AGENT:
        add_name(en, row, KIND_HANDLER, o->spec.agent.handler, r);
        add_name(en, row, KIND_PROFILE, o->spec.agent.profile, r);
        add_sinks(en, row, o->spec.agent.sinks, r);
        break;
    case KIND_SCHEDULE:
        add_name(en, row, KIND_AGENT, o->spec.schedule.agent, r);
        add_name(en, row, KIND_HANDLER, o->spec.schedule.handler, r);
        add_name(en, row, KIND_PROFILE, o->spec.schedule.profile, r);
        add_name(en, row, KIND_SCHEDULE, gate_awaits(&o->spec.schedule), r);
        break;
    case KIND_PROFILE: add_name(en, row, KIND_HANDLER, o->spec.profile.handler, r); break;
    case KIND_NONE:
    case KIND_COMPANY:
    case KIND_HANDLER:
    case KIND_SINK:
    case KIND_LIMITS: break;
    }
}

bool
refs_have(struct engine *en, const struct object *row, uint32_t id)
{
    struct refs r;

    refs_of(en, row, &r);
    for (uint32_t i = 0; i < r.count; i++) {
        if (r.ids[i] == id) return true;
    }
    return false;
}
