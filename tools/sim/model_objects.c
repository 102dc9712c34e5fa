#include "tools/sim/model.h"

#include "common/name.h"
#include "tools/sim/verdict.h"

struct m_object *
m_object(struct model *m, int index)
{
    return index < 0 ? NULL : &m->objects.items[index];
}

int
m_find(const struct model *m, enum object_kind kind, int company, struct view name)
{
    for (size_t i = 0; i < m->objects.count; i++) {
        const struct m_object *o = &m->objects.items[i];

        if (o->kind == kind && !o->is_gone && o->company == company && view_eq(o->name, name))
            return (int)i;
    }
    return -1;
}

/* ---- references (N34) ------------------------------------------------------------------------ */

static int
default_company(const struct model *m)
{
    return m_find(m, KIND_COMPANY, -1, view_str("default"));
}

bool
m_sees(struct model *m, const struct actor *a, int company)
{
    return a->company.size == 0 || m_find(m, KIND_COMPANY, -1, a->company) == company;
}

int
m_company(struct model *m, const struct actor *a, struct view name, enum errc *e)
{
    int i;

    if (name.size == 0) name = a->company.size ? a->company : view_str("default");
    i = m_find(m, KIND_COMPANY, -1, name);
    if (i < 0 || !m_sees(m, a, i)) {
        *e = E_NOT_FOUND;
        return -1;
    }
    return i;
}

/* Handlers, sinks and profiles are those of `default`, for every company. */
int
m_ref(struct model *m, const struct actor *a, enum object_kind kind, struct view ref, int *company,
      enum errc *e)
{
    bool        is_common = kind == KIND_HANDLER || kind == KIND_SINK || kind == KIND_PROFILE;
    struct view in_company, name;
    struct err  error = {0};
    int         owner = *company, i;

    if (name_split(ref, "ref", &in_company, &name, &error)) {
        *e = E_BAD_REQUEST;
        return -1;
    }
    if (in_company.size || owner < 0) owner = m_company(m, a, in_company, e);
    if (owner < 0) return -1;
    i = m_find(m, kind, owner, name);
    if (i < 0 && is_common) i = m_find(m, kind, default_company(m), name);
    if (*company >= 0 && owner != *company && !(is_common && owner == default_company(m))) i = -1;
    if (i < 0) {
        *e = E_NOT_FOUND;
        return -1;
    }
    if (*company < 0) *company = owner;
    return i;
}

/* ---- objects --------------------------------------------------------------------------------- */

const struct msg_desc *
m_object_desc(enum object_kind kind)
{
    switch (kind) {
    case KIND_COMPANY: return msg_desc(MSG_COMPANY);
    case KIND_AGENT: return msg_desc(MSG_AGENT);
    case KIND_HANDLER: return msg_desc(MSG_HANDLER);
    case KIND_SINK: return msg_desc(MSG_SINK);
    case KIND_SCHEDULE: return msg_desc(MSG_SCHEDULE);
    case KIND_PROFILE: return msg_desc(MSG_PROFILE);
    case KIND_LIMITS:
    case KIND_NONE: break;
    }
    return NULL;
}

void
m_set_spec(struct m_object *o, struct view spec)
{
    struct err e = {0};

    buf_clear(&o->spec);
    buf_add_view(&o->spec, spec);
    claim(msg_unpack(m_object_desc(o->kind), buf_view(&o->spec), &o->declared, &e) == E_OK,
          "a declaration that the model cannot read: %s", e.msg);
    claim(mp_find_str(buf_view(&o->spec), "name", &o->name), "a declaration without a name");
}

int
m_add_object(struct model *m, enum object_kind kind, int company, struct view spec, bool api)
{
    struct m_object *o = LIST_ADD(&m->objects);
    int              index = (int)m->objects.count - 1;

    o->kind = kind;
    o->company = company;
    o->is_api = api;
    o->is_seen = true;
    o->schedule = o->made_by = -1;
    m_set_spec(o, spec);
    if (m->txn) o->id = m_id_in_store(m, kind, company, o->name);
    if (kind == KIND_SCHEDULE) m_add_schedule(m, index);
    return index;
}

uint32_t
m_id_in_store(struct model *m, enum object_kind kind, int company, struct view name)
{
    const struct m_object *c = m_object(m, company);
    struct object          row = {.kind = (uint8_t)kind, .company = c ? c->id : 0, .name = name};

    /* What was made and removed in one turn is not there; the sweep asks for the others. */
    return rec_find(m->txn, INDEX_object_by_name, &row) == LOAD_FOUND ? row.id : 0;
}

void
m_builtins(struct model *m)
{
    static const char *const names[] = {"noop", "echo", "sleep"};
    struct buf spec          BUF_AUTO = {0};
    struct msg_company       c = {.name = view_str("default")};
    struct msg_sink          gateway = {.name = view_str("gateway"), .kind = view_str("gateway")};
    int                      company;

    msg_pack(msg_desc(MSG_COMPANY), &c, &spec);
    company = m_add_object(m, KIND_COMPANY, -1, buf_view(&spec), false);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct msg_handler h = {.name = view_str(names[i]), .kind = view_str(names[i])};

        buf_clear(&spec);
        msg_pack(msg_desc(MSG_HANDLER), &h, &spec);
        (void)m_add_object(m, KIND_HANDLER, company, buf_view(&spec), false);
    }
    buf_clear(&spec);
    msg_pack(msg_desc(MSG_SINK), &gateway, &spec);
    (void)m_add_object(m, KIND_SINK, company, buf_view(&spec), false);
}

/* ---- configuration --------------------------------------------------------------------------- */

static bool
is_builtin(const struct m_object *o)
{
    return (o->kind == KIND_COMPANY && view_is(o->name, "default")) ||
           (o->kind == KIND_SINK && view_is(o->name, "gateway")) ||
           (o->kind == KIND_HANDLER &&
            (view_is(o->name, "noop") || view_is(o->name, "echo") || view_is(o->name, "sleep")));
}

static bool
list_declares(struct view list, struct view name, struct view company)
{
    struct list_iter it = list_iter_of(list);
    struct view      item, n, c;

    while (list_next(&it, &item)) {
        if (!mp_find_str(item, "company", &c)) c = view_str("default");
        if (mp_find_str(item, "name", &n) && view_eq(n, name) && view_eq(c, company)) return true;
    }
    return false;
}

static bool
is_declared(struct model *m, const struct m_object *o, const struct msg_config *c)
{
    struct view company = o->company < 0 ? view_str("default") : m_object(m, o->company)->name;

    switch (o->kind) {
    case KIND_COMPANY: return list_declares(c->companies, o->name, view_str("default"));
    case KIND_AGENT: return list_declares(c->agents, o->name, company);
    case KIND_HANDLER: return list_declares(c->handlers, o->name, company);
    case KIND_SINK: return list_declares(c->sinks, o->name, company);
    case KIND_SCHEDULE: return list_declares(c->schedules, o->name, company);
    case KIND_PROFILE: return list_declares(c->profiles, o->name, company);
    case KIND_LIMITS:
    case KIND_NONE: break;
    }
    return false;
}

static bool
goes(struct model *m, const struct m_object *o, const struct msg_config *c)
{
    return !o->is_gone && !o->is_api && !is_builtin(o) && !is_declared(m, o, c);
}

/* A request made what the file declares, or it is still being removed. */
static bool
stands_in_the_way(struct model *m, const struct m_object *o, const struct msg_config *c)
{
    bool has_company = o->company < 0 || !m_object(m, o->company)->is_gone;

    if (o->is_gone ? !o->is_removing : !o->is_api) return false;
    return has_company && is_declared(m, o, c);
}

static bool
names(struct model *m, const struct m_object *o, enum object_kind kind, struct view ref, int index)
{
    const struct actor daemon = {.kind = "daemon", .role = ROLE_ADMIN};
    int                company = o->company;
    enum errc          e = E_OK;

    return ref.size && m_ref(m, &daemon, kind, ref, &company, &e) == index;
}

static bool
names_sink(struct model *m, const struct m_object *o, struct view sinks, int index)
{
    struct list_iter it = list_iter_of(sinks);
    struct view      item, name;

    while (sinks.size && list_next(&it, &item)) {
        struct mp_reader r = mp_reader_of(item);

        if (mp_read_str(&r, &name) && names(m, o, KIND_SINK, name, index)) return true;
    }
    return false;
}

bool
m_refers_to(struct model *m, const struct m_object *o, int index)
{
    const struct msg_schedule *s = &o->declared.schedule;
    const struct msg_agent    *a = &o->declared.agent;

    if (o->company == index) return true;
    switch (o->kind) {
    case KIND_SCHEDULE:
        return names(m, o, KIND_AGENT, s->agent, index) ||
               names(m, o, KIND_HANDLER, s->handler, index) ||
               names(m, o, KIND_PROFILE, s->profile, index) || m_gate_waits_for(m, o, index);
    case KIND_AGENT:
        return names(m, o, KIND_HANDLER, a->handler, index) ||
               names(m, o, KIND_PROFILE, a->profile, index) || names_sink(m, o, a->sinks, index);
    case KIND_PROFILE: return names(m, o, KIND_HANDLER, o->declared.profile.handler, index);
    default: return false;
    }
}

bool
m_has_work(struct model *m, int index)
{
    for (size_t i = 0; i < m->active.count; i++) {
        const struct m_job *j = m_job(m, m->active.items[i]);

        if (m_is_end(j->state)) continue;
        if (j->company == index || j->agent == index || j->handler == index || j->schedule == index)
            return true;
    }
    for (size_t i = 0; i < m->tickets.count; i++) {
        const struct m_ticket *k = &m->tickets.items[i];

        if (!k->is_gone && k->status != TICKET_DONE &&
            (k->company == index || k->assignee == index))
            return true;
    }
    for (size_t i = 0; i < m->goals.count; i++) {
        const struct m_goal *g = &m->goals.items[i];

        if (!g->is_gone && g->status == GOAL_OPEN && (g->company == index || g->agent == index))
            return true;
    }
    for (size_t i = 0; i < m->effects.count; i++) {
        const struct m_effect *ef = &m->effects.items[i];
        bool is_waiting = ef->status == STATUS_PENDING || ef->status == STATUS_ATTEMPTING;

        if (is_waiting && ef->company == index) return true;
        if ((is_waiting || ef->is_probe_owed) && ef->sink == index) return true;
    }
    for (size_t i = 0; i < m->approvals.count; i++) {
        const struct m_approval *a = &m->approvals.items[i];
        bool                     is_of = a->company == index || a->agent == index;

        if (is_of && a->status == APPROVAL_PENDING) return true;
    }
    return false;
}

/* What unfinished work needs, or what was made by requests, cannot be taken away (B1, N35, N37). */
static bool
is_in_use(struct model *m, int index)
{
    for (size_t i = 0; i < m->objects.count; i++) {
        const struct m_object *o = &m->objects.items[i];

        if (o->is_api && m_is_in_store(o) && m_refers_to(m, o, index)) return true;
    }
    return m_has_work(m, index) || m_has_session(m, index);
}

void
m_change_object(struct model *m, int index, struct view spec)
{
    struct m_object *o = m_object(m, index);
    struct buf old   BUF_AUTO = {0};
    union msg        before;
    struct err       e = {0};

    buf_add_view(&old, buf_view(&o->spec));
    claim(msg_unpack(m_object_desc(o->kind), buf_view(&old), &before, &e) == E_OK, "unreadable");
    m_set_spec(o, spec);
    if (o->kind == KIND_SCHEDULE) m_schedule_changed(m, index, &before.schedule);
}

static void
declare_again(struct model *m, int index, struct view spec)
{
    struct m_object *o = m_object(m, index);

    o->is_seen = true;
    if (!view_eq(buf_view(&o->spec), spec)) m_change_object(m, index, spec);
}

static void
declare(struct model *m, enum object_kind kind, struct view list)
{
    struct list_iter it = list_iter_of(list);
    struct view      item, name, company_name;

    while (list_next(&it, &item)) {
        int company = -1, index;

        if (kind != KIND_COMPANY) {
            if (!mp_find_str(item, "company", &company_name)) company_name = view_str("default");
            company = m_find(m, KIND_COMPANY, -1, company_name);
            claim(company >= 0, "a declaration in a company that is not there was accepted");
        }
        claim(mp_find_str(item, "name", &name), "a declaration without a name was accepted");
        index = m_find(m, kind, company, name);
        if (index >= 0) {
            declare_again(m, index, item);
        } else {
            (void)m_add_object(m, kind, company, item, false);
        }
    }
}

static void
remove_undeclared(struct model *m, const struct msg_config *c)
{
    for (size_t i = 0; i < m->objects.count; i++) {
        struct m_object *o = &m->objects.items[i];

        if (goes(m, o, c)) m_remove(m, (int)i, o->kind == KIND_COMPANY);
        if (o->is_gone || o->is_seen || !is_builtin(o) || o->kind != KIND_COMPANY) continue;
        struct buf spec    BUF_AUTO = {0}; /* back to what is built in */
        struct msg_company plain = {.name = view_str("default")};

        msg_pack(msg_desc(MSG_COMPANY), &plain, &spec);
        declare_again(m, (int)i, buf_view(&spec));
    }
}

static void
apply(struct model *m, const struct msg_config *c)
{
    struct err e = {0};

    for (size_t i = 0; i < m->objects.count; i++)
        m->objects.items[i].is_seen = false;
    declare(m, KIND_COMPANY, c->companies);
    declare(m, KIND_HANDLER, c->handlers);
    declare(m, KIND_SINK, c->sinks);
    declare(m, KIND_AGENT, c->agents);
    declare(m, KIND_SCHEDULE, c->schedules);
    remove_undeclared(m, c);
    m_breakers_declared(m);
    buf_clear(&m->limits_spec);
    buf_add_view(&m->limits_spec, c->limits);
    claim(msg_unpack(msg_desc(MSG_LIMITS), buf_view(&m->limits_spec), &m->limits, &e) == E_OK,
          "limits that the model cannot read were accepted: %s", e.msg);
    m->has_limits = true;
}

void
m_config(struct model *m, const struct input *in, const struct output *reply)
{
    struct msg_config c;
    struct err        e = {0};
    enum errc         expected = E_OK;

    claim(msg_unpack(msg_desc(MSG_CONFIG), in->body, &c, &e) == E_OK, "unreadable configuration");
    for (size_t i = 0; i < m->objects.count; i++) {
        if (goes(m, &m->objects.items[i], &c) && is_in_use(m, (int)i)) expected = E_IN_USE;
    }
    for (size_t i = 0; i < m->objects.count; i++) {
        if (stands_in_the_way(m, &m->objects.items[i], &c)) expected = E_CONFLICT;
    }
    claim(reply, "a configuration got no answer");
    claim((reply->error ? reply->error->code : E_OK) == expected,
          "a configuration was answered %s (%s), expected %s",
          errc_wire(reply->error ? reply->error->code : E_OK),
          reply->error ? reply->error->msg : "", errc_wire(expected));
    if (expected == E_OK && !in->dry_run) apply(m, &c);
}
