#include "supervisor/engine/turn_limit.h"

#include "supervisor/engine/registry.h"
#include "supervisor/engine/schedules.h"

#include <string.h>

struct turn_limit
turn_limit_inherited(struct objects *o, const struct limits *l, uint32_t schedule, uint32_t agent,
                     uint32_t handler)
{
    const struct msg_profile  *p = profile_of(o, schedule, agent);
    const struct object_entry *h = objects_get(o, handler);

    if (p && HAS(p, profile, max_turns))
        return (struct turn_limit){p->max_turns, "profile", p->name};
    if (h && HAS(&h->spec.handler, handler, max_turns))
        return (struct turn_limit){h->spec.handler.max_turns, "handler", h->row.name};
    return (struct turn_limit){.max_turns = l->max_turns, .place = "limits"};
}

struct turn_limit
turn_limit_of(struct objects *o, const struct limits *l, const struct object_entry *schedule)
{
    const struct msg_schedule *s = &schedule->spec.schedule;
    struct schedule_refs       refs;
    struct err                 e = {0};
    enum errc                  failed;

    if (HAS(s, schedule, max_turns))
        return (struct turn_limit){.max_turns = s->max_turns, .place = "schedule"};
    failed = schedule_find_objects(o, &actor_daemon, s, &refs, &e);
    (void)failed; /* what is not there says nothing */
    return turn_limit_inherited(o, l, schedule->row.id, refs.agent, refs.handler);
}

void
turn_limit_put_place(const struct turn_limit *t, struct buf *b)
{
    if (strcmp(t->place, "limits") == 0) {
        buf_add_str(b, "limits.max_turns");
    } else if (t->name.size) {
        buf_printf(b, "max_turns of %s %.*s", t->place, VIEW_ARG(t->name));
    } else {
        buf_add_str(b, "max_turns");
    }
}
