/* Which effects a handler may ask for, and to whom a message goes (D4, D5). */
#include "tools/sim/model.h"

static const struct actor daemon_actor = {.kind = "daemon", .role = ROLE_ADMIN};

int
m_named_sink(struct model *m, const struct m_job *j, struct view effect, enum errc *e)
{
    int         company = j->company;
    struct view name;

    *e = E_OK;
    if (!mp_find_str(effect, "sink", &name)) return -1;
    return m_ref(m, &daemon_actor, KIND_SINK, name, &company, e);
}

bool
m_is_gateway(struct model *m, int sink)
{
    return sink >= 0 && view_is(m_object(m, sink)->declared.sink.kind, "gateway");
}

static bool
is_message_valid(struct model *m, const struct m_job *j, struct view effect)
{
    struct view kind, text;
    bool        is_send, is_of_session = j->session || j->schedule >= 0;
    enum errc   e;
    int         sink = m_named_sink(m, j, effect, &e);

    (void)mp_find_str(effect, "kind", &kind);
    is_send = view_is(kind, "send_message");
    if (!is_send && !view_is(kind, "notify")) return false;
    if (!mp_find_str(effect, is_send ? "content" : "message", &text) || text.size == 0)
        return false;
    return !is_send || (e == E_OK && (is_of_session || !m_is_gateway(m, sink)));
}

bool
m_effects_valid(struct model *m, const struct m_job *j, struct view effects)
{
    struct list_iter it = list_iter_of(effects);
    struct view      item;

    while (list_next(&it, &item)) {
        if (!(m_is_inside(item) ? m_inside_is_valid(item) : is_message_valid(m, j, item)))
            return false;
    }
    return true;
}
