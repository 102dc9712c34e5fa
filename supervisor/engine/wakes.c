#include "supervisor/engine/wakes.h"

#include "supervisor/engine/made.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/schedule_ops.h"
#include "supervisor/engine/submit.h"

#include <string.h>

static enum errc
wake_once(struct engine *en, const struct actor *a, const struct msg_agent_wake *m,
          struct buf *reply, struct err *e)
{
    struct msg_job_submit s = {0};

    if (HAS(m, agent_wake, schedule))
        return err_field(e, "schedule", "is the name of a recurring wake-up: give cron or every");
    s.agent = m->name;
    SET_HAS(&s, job_submit, agent);
#define GIVE(field)                                                    \
    do {                                                               \
        s.field = m->field;                                            \
        if (HAS(m, agent_wake, field)) SET_HAS(&s, job_submit, field); \
    } while (0)
    GIVE(payload);
    GIVE(context);
    GIVE(title);
    GIVE(priority);
    GIVE(run_at);
    GIVE(delay_ms);
    GIVE(unique_key);
    GIVE(on_conflict);
    GIVE(unique_for_ms);
    GIVE(debounce_key);
    GIVE(debounce_ms);
    GIVE(debounce_max_ms);
    GIVE(goal);
    GIVE(ticket);
#undef GIVE
    return on_job_submit(en, a, &s, reply, e);
}

/* What a schedule has no place for. */
static enum errc
refuse_single(const struct msg_agent_wake *m, struct err *e)
{
    const struct {
        const char *field;
        bool        is_given;
    } fields[] = {
        {"context",       HAS(m, agent_wake, context)      },
        {"run_at",        HAS(m, agent_wake, run_at)       },
        {"delay_ms",      HAS(m, agent_wake, delay_ms)     },
        {"unique_key",    HAS(m, agent_wake, unique_key)   },
        {"on_conflict",   HAS(m, agent_wake, on_conflict)  },
        {"unique_for_ms", HAS(m, agent_wake, unique_for_ms)},
        {"debounce_key",  HAS(m, agent_wake, debounce_key) },
        {"debounce_ms",   HAS(m, agent_wake, debounce_ms)  },
        {"goal",          HAS(m, agent_wake, goal)         },
        {"ticket",        HAS(m, agent_wake, ticket)       },
    };

    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (fields[i].is_given)
            return err_field(e, fields[i].field,
                             "is for a single wake-up, not for a recurring one");
    }
    return E_OK;
}

static enum errc
wake_again_and_again(struct engine *en, const struct actor *a, const struct msg_agent_wake *m,
                     struct buf *reply, struct err *e)
{
    struct txn                *t = turn_txn(en);
    struct msg_schedule_add    s = {0};
    uint32_t                   company = 0, agent;
    const struct object_entry *o;

    if (a->role < ROLE_OPERATOR) {
        err_set(e, E_DENIED,
                "a recurring wake-up is a schedule: making one takes the role operator");
        return err_hint(e, "wake the agent once, or ask an operator");
    }
    if (refuse_single(m, e) || object_ref(t, a, KIND_AGENT, m->name, "name", &company, &agent, e)) {
        return e->code;
    }
    o = objects_get(&en->turn.objects, agent);
    if (!o) return err_set(e, E_DAMAGED, "the agent's record is damaged");
    s.name = HAS(m, agent_wake, schedule)
                 ? m->schedule
                 : view_str(arena_printf(txn_arena(t), "wake-%.*s", VIEW_ARG(o->row.name)));
    if (s.name.size > 64)
        return err_field(e, "schedule", "\"%.*s\" is too long: give a name", VIEW_ARG(s.name));
    s.company = objects_name(&en->turn.objects, company);
    s.agent = o->row.name;
    SET_HAS(&s, schedule_add, name);
    SET_HAS(&s, schedule_add, company);
    SET_HAS(&s, schedule_add, agent);
#define GIVE(field)                                                      \
    do {                                                                 \
        s.field = m->field;                                              \
        if (HAS(m, agent_wake, field)) SET_HAS(&s, schedule_add, field); \
    } while (0)
    GIVE(cron);
    GIVE(every_ms);
    GIVE(tz);
    GIVE(payload);
    GIVE(title);
    GIVE(priority);
#undef GIVE
    if (on_schedule_add(en, a, &s, reply, e)) return e->code;
    made_answered(en, agent);
    return E_OK;
}

enum errc
on_agent_wake(struct engine *en, const struct actor *a, const struct msg_agent_wake *m,
              struct buf *reply, struct err *e)
{
    bool is_recurring = HAS(m, agent_wake, cron) || HAS(m, agent_wake, every_ms);

    return is_recurring ? wake_again_and_again(en, a, m, reply, e) : wake_once(en, a, m, reply, e);
}
