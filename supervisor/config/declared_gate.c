#include "supervisor/config/declared_gate.h"

#include "common/name.h"
#include "common/suggest.h"

static enum errc
check_command(const struct declared *d, const struct declared_object *o, const struct yaml *gate,
              struct view handler, struct err *e)
{
    const struct yaml            *at = yaml_get(gate, "command");
    const struct declared_object *h;
    struct view                   company, name;

    if (at->count == 0 || at->first->text.size == 0)
        return yaml_refuse(at, e, "must name a program");
    if (name_split(handler, "handler", &company, &name, e)) return e->code; /* split before */
    h = declared_find(d, DECLARED_HANDLER, view_of(NULL, 0), name);
    if (!h || !view_is(h->msg.handler.kind, "exec")) {
        return yaml_refuse_key(at, e, "needs a handler of kind exec, in whose place it runs");
    }
    if (!HAS(&o->msg.schedule, schedule, ticket)) return E_OK;
    return yaml_refuse_key(at, e, "a routine's ticket is made before a command could be asked");
}

static enum errc
read_gate(const struct declared_object *o, struct msg_gate *g, struct err *e)
{
    *g = (struct msg_gate){0};
    if (!HAS(&o->msg.schedule, schedule, gate)) return E_OK;
    return msg_unpack(msg_desc(MSG_GATE), o->msg.schedule.gate, g, e);
}

/* The schedule that a gate of o's company names; NULL when none is declared. */
static const struct declared_object *
awaited(const struct declared *d, const struct declared_object *o, struct view ref)
{
    struct view company, name;
    struct err  e;

    if (name_split(ref, "gate", &company, &name, &e)) return NULL;
    if (company.size > 0 && !view_eq(company, o->company)) return NULL;
    return declared_find(d, DECLARED_SCHEDULE, o->company, name);
}

static enum errc
refuse_unknown(const struct declared *d, const struct yaml *at, struct err *e)
{
    struct suggest s = suggest_for(at->text);

    yaml_refuse_found(at, e, "no such schedule is declared in this company");
    for (size_t i = 0; i < d->of[DECLARED_SCHEDULE].count; i++)
        suggest_offer(&s, d->of[DECLARED_SCHEDULE].items[i].name);
    return suggest_hint(&s, e);
}

/* Every schedule that closes a cycle is refused by itself, so that following another's may stop at
 * what is wrong with it, and after as many links as there are schedules. */
static enum errc
check_chain(const struct declared *d, const struct declared_object *o, struct view first,
            struct err *e)
{
    const struct yaml            *at = yaml_get(yaml_get(o->body, "gate"), "completed");
    const struct declared_object *next = awaited(d, o, first);
    struct buf way                BUF_AUTO = {0};
    struct msg_gate               g;
    struct err                    other;

    if (!next) return refuse_unknown(d, at, e);
    buf_add_view(&way, o->name);
    for (size_t i = 0; next && i < d->of[DECLARED_SCHEDULE].count; i++) {
        buf_printf(&way, " → %.*s", VIEW_ARG(next->name));
        if (next == o) return yaml_refuse(at, e, "a cycle: %.*s", (int)way.size, way.data);
        if (read_gate(next, &g, &other)) return E_OK;
        next = g.completed.size ? awaited(d, next, g.completed) : NULL;
    }
    return E_OK;
}

enum errc
declared_check_gate(const struct declared *d, const struct declared_object *o, struct view handler,
                    struct err *e)
{
    const struct yaml *gate = yaml_get(o->body, "gate");
    struct msg_gate    g;
    struct err         why;
    int                tests;

    if (!HAS(&o->msg.schedule, schedule, gate)) return E_OK;
    if (read_gate(o, &g, &why)) return yaml_refuse(gate, e, "%s", why.msg);
    tests = (HAS(&g, gate, command) ? 1 : 0) + (HAS(&g, gate, completed) ? 1 : 0) + g.open_tickets;
    if (tests != 1)
        return yaml_refuse(gate, e, "needs exactly one of command, completed and open_tickets");
    if (HAS(&g, gate, command)) return check_command(d, o, gate, handler, e);
    if (HAS(&g, gate, completed)) return check_chain(d, o, g.completed, e);
    if (HAS(&o->msg.schedule, schedule, agent)) return E_OK;
    return yaml_refuse_key(yaml_get(gate, "open_tickets"), e,
                           "needs an agent, whose tickets count");
}
