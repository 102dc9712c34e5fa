#include "supervisor/engine/registry.h"

static const struct msg_profile *
profile_named(struct objects *objects, struct view ref, uint32_t company)
{
    const struct object_entry *o;
    uint32_t                   id;
    struct err                 e = {0};

    if (ref.size == 0 ||
        object_ref(objects->txn, &actor_daemon, KIND_PROFILE, ref, "profile", &company, &id, &e)) {
        return NULL;
    }
    o = objects_get(objects, id);
    return o ? &o->spec.profile : NULL;
}

const struct msg_profile *
profile_of(struct objects *objects, uint32_t schedule, uint32_t agent)
{
    const struct object_entry *s = objects_get(objects, schedule);
    const struct object_entry *a = objects_get(objects, agent);
    const struct msg_profile  *p = NULL;

    if (s) p = profile_named(objects, s->spec.schedule.profile, s->row.company);
    if (!p && a) p = profile_named(objects, a->spec.agent.profile, a->row.company);
    return p;
}

enum errc
profile_handler(struct objects *objects, const struct actor *a, struct view profile, uint32_t agent,
                uint32_t *company, uint32_t *handler, struct err *e)
{
    const struct object_entry *o = objects_get(objects, agent);
    const struct msg_profile  *p = profile_named(objects, profile, *company);
    struct view                ref = o ? o->spec.agent.handler : (struct view){0};

    if (ref.size == 0 && p) ref = p->handler;
    if (ref.size == 0 && o) {
        p = profile_named(objects, o->spec.agent.profile, o->row.company);
        if (p) ref = p->handler;
    }
    if (ref.size == 0) return err_field(e, "handler", "missing, and no agent that names one");
    return object_ref(objects->txn, a, KIND_HANDLER, ref, "handler", company, handler, e);
}
