#include "tools/sim/config.h"

#include "common/mp.h"

static struct view
pack_list(const struct declaration *d, int first, int count, struct buf *list)
{
    uint32_t n = 0;

    for (int i = first; i < count; i++)
        n += d[i].is_there;
    mp_array(list, n);
    for (int i = first; i < count; i++) {
        if (d[i].is_there) mp_raw(list, buf_view(&d[i].spec));
    }
    return buf_view(list);
}

void
config_pack(const struct config *c, struct buf *out)
{
    struct buf        lists[5] = {{0}, {0}, {0}, {0}, {0}};
    struct msg_config m = {.limits = buf_view(&c->limits)};

    m.companies = pack_list(c->companies, 0, SIM_COMPANIES, &lists[0]);
    m.handlers = pack_list(c->handlers, SIM_BUILTINS, SIM_HANDLERS, &lists[1]);
    m.sinks = pack_list(c->sinks, 0, SIM_SINKS, &lists[2]);
    m.agents = pack_list(c->agents, 0, SIM_AGENTS, &lists[3]);
    m.schedules = pack_list(c->schedules, 0, SIM_SCHEDULES, &lists[4]);
    msg_pack(msg_desc(MSG_CONFIG), &m, out);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        buf_done(&lists[i]);
}

/* Every declaration, as one list. */
static struct declaration *
declaration(struct config *c, size_t i)
{
    const struct {
        struct declaration *list;
        size_t              count;
    } lists[] = {
        {c->companies, SIM_COMPANIES},
        {c->handlers,  SIM_HANDLERS },
        {c->sinks,     SIM_SINKS    },
        {c->agents,    SIM_AGENTS   },
        {c->schedules, SIM_SCHEDULES},
    };

    for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
        if (i < lists[k].count) return &lists[k].list[i];
        i -= lists[k].count;
    }
    return NULL;
}

void
config_copy(struct config *to, const struct config *from)
{
    struct config source = *from;

    *to = *from;
    for (size_t i = 0; declaration(to, i); i++) {
        struct buf copy = {0};

        buf_add_view(&copy, buf_view(&declaration(&source, i)->spec));
        declaration(to, i)->spec = copy;
    }
    to->limits = (struct buf){0};
    buf_add_view(&to->limits, buf_view(&from->limits));
}

void
config_done(struct config *c)
{
    for (size_t i = 0; declaration(c, i); i++)
        buf_done(&declaration(c, i)->spec);
    buf_done(&c->limits);
}
