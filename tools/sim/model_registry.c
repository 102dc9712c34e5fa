#include "tools/sim/model_registry.h"

#include "tools/sim/verdict.h"

#include <stdio.h>

/* Companies, agents and profiles that requests make, change and remove (B1). */

static const struct actor daemon_actor = {.kind = "daemon", .role = ROLE_ADMIN};

/* ---- profiles -------------------------------------------------------------------------------- */

const struct msg_profile *
m_profile(struct model *m, int agent)
{
    const struct m_object *a = m_object(m, agent);
    enum errc              e = E_OK;
    int                    company, profile;

    if (!a || a->declared.agent.profile.size == 0) return NULL;
    company = a->company;
    profile = m_ref(m, &daemon_actor, KIND_PROFILE, a->declared.agent.profile, &company, &e);
    return profile < 0 ? NULL : &m_object(m, profile)->declared.profile;
}

struct view
m_agent_handler(struct model *m, int agent)
{
    struct view               own = m_object(m, agent)->declared.agent.handler;
    const struct msg_profile *p = m_profile(m, agent);

    return own.size == 0 && p ? p->handler : own;
}

/* ---- what a declaration names ---------------------------------------------------------------- */

static bool
is_there(struct model *m, const struct actor *a, enum object_kind kind, struct view ref,
         int company)
{
    enum errc e = E_OK;

    return ref.size == 0 || m_ref(m, a, kind, ref, &company, &e) >= 0;
}

static enum errc
judge_agent(struct model *m, const struct actor *a, const struct msg_agent *d, int company)
{
    struct list_iter it = list_iter_of(d->sinks);
    struct view      item, name;

    if (HAS(d, agent, approval) && !view_is(d->approval, "none")) return E_BAD_REQUEST;
    if (!is_there(m, a, KIND_HANDLER, d->handler, company)) return E_NOT_FOUND;
    if (!is_there(m, a, KIND_PROFILE, d->profile, company)) return E_NOT_FOUND;
    while (d->sinks.size && list_next(&it, &item)) {
        struct mp_reader r = mp_reader_of(item);

        if (!mp_read_str(&r, &name)) return E_BAD_REQUEST;
        if (!is_there(m, a, KIND_SINK, name, company)) return E_NOT_FOUND;
    }
    return E_OK;
}

static enum errc
judge(struct model *m, const struct actor *a, enum object_kind kind, const union msg *d,
      int company)
{
    const struct m_retry retry = M_RETRY(&d->profile, profile);
    enum errc            e;

    if (kind == KIND_AGENT) return judge_agent(m, a, &d->agent, company);
    if (kind != KIND_PROFILE) return E_OK;
    if ((e = m_check_ladder(&retry)) != E_OK) return e;
    return is_there(m, a, KIND_HANDLER, d->profile.handler, company) ? E_OK : E_NOT_FOUND;
}

/* ---- add, set -------------------------------------------------------------------------------- */

static struct view
name_of(enum object_kind kind, const union msg *d)
{
    return kind == KIND_COMPANY ? d->company.name
           : kind == KIND_AGENT ? d->agent.name
                                : d->profile.name;
}

static struct view
company_of(enum object_kind kind, const union msg *d)
{
    return kind == KIND_AGENT     ? d->agent.company
           : kind == KIND_PROFILE ? d->profile.company
                                  : (struct view){0};
}

static void
check_reply(const struct output *reply, struct view name)
{
    struct view told;

    claim(mp_find_str(reply->body, "name", &told) && view_eq(told, name),
          "an answer about %.*s names something else", VIEW_ARG(name));
}

static bool
is_being_removed(const struct model *m, enum object_kind kind, int company, struct view name)
{
    for (size_t i = 0; i < m->objects.count; i++) {
        const struct m_object *o = &m->objects.items[i];

        if (o->kind == kind && o->company == company && view_eq(o->name, name) && o->is_gone &&
            o->is_removing)
            return true;
    }
    return false;
}

enum errc
m_registry_add(struct model *m, const struct input *in, enum object_kind kind,
               const union msg *declared, const struct output *reply)
{
    struct view name = name_of(kind, declared);
    enum errc   e = m_admission(m);
    int         company = -1;

    if (e == E_OK && kind == KIND_COMPANY && in->actor.company.size) e = E_DENIED;
    if (e == E_OK && kind != KIND_COMPANY)
        company = m_company(m, &in->actor, company_of(kind, declared), &e);
    if (e == E_OK &&
        (m_find(m, kind, company, name) >= 0 || is_being_removed(m, kind, company, name)))
        e = E_CONFLICT;
    if (e == E_OK) e = judge(m, &in->actor, kind, declared, company);
    m_check_answer(in, reply, e);
    if (e != E_OK) return e;
    (void)m_add_object(m, kind, company, in->body, true);
    check_reply(reply, name);
    return e;
}

/* ---- a declaration that is changed ----------------------------------------------------------- */

static bool
is_in_list(struct view list, struct view name)
{
    struct list_iter it = list_iter_of(list);
    struct view      item, text;

    while (list.size && list_next(&it, &item)) {
        struct mp_reader r = mp_reader_of(item);

        if (mp_read_str(&r, &text) && view_eq(text, name)) return true;
    }
    return false;
}

/* Fields of a schedule that are given, and those of which nothing must be said. */
static enum errc
judge_clear(struct view clear, struct view given)
{
    struct list_iter it = list_iter_of(clear);
    struct view      item, name, value;
    char             text[64];

    while (clear.size && list_next(&it, &item)) {
        struct mp_reader r = mp_reader_of(item);

        if (!mp_read_str(&r, &name) || name.size >= sizeof(text)) return E_BAD_REQUEST;
        snprintf(text, sizeof(text), "%.*s", VIEW_ARG(name));
        if (view_is(name, "name") || view_is(name, "company") || view_is(name, "whim") ||
            mp_find(given, text, &value))
            return E_BAD_REQUEST;
    }
    return E_OK;
}

/* Whether the request gives more than what names the object. */
static bool
changes_something(struct view body, struct view clear)
{
    struct mp_reader r = mp_reader_of(body);
    struct list_iter it = list_iter_of(clear);
    uint32_t         members = 0;
    struct view      value;

    if (clear.size && list_next(&it, &value)) return true;
    (void)mp_read_map(&r, &members);
    return members > 1u + mp_find(body, "company", &value) + (clear.size > 0);
}

/* The members that `given` has replace those of `old`, or join them. */
static void
merge(struct view old, struct view given, struct view clear, const char *dropped, struct buf *out)
{
    struct mp_open_map all = mp_open(out);
    const struct view  maps[] = {old, given};

    for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
        struct mp_reader r = mp_reader_of(maps[i]);
        uint32_t         pairs;
        struct view      key, value, newer;

        claim(mp_read_map(&r, &pairs), "a declaration that is no map");
        for (; pairs; pairs--) {
            char text[64];

            claim(mp_read_str(&r, &key) && mp_read_any(&r, &value), "a declaration that is cut");
            snprintf(text, sizeof(text), "%.*s", VIEW_ARG(key));
            if (i == 0 && (mp_find(given, text, &newer) || is_in_list(clear, key))) continue;
            if (i == 0 && dropped && view_is(key, dropped)) continue;
            if (!view_is(key, "clear")) mp_put_raw(out, &all, text, value);
        }
    }
    mp_close(out, &all);
}

enum errc
m_registry_change(struct view old, struct view given, struct view clear, const char *dropped,
                  struct buf *out)
{
    if (!changes_something(given, clear)) return E_BAD_REQUEST;
    merge(old, given, clear, dropped, out);
    return judge_clear(clear, given);
}

/* Only what requests made is changed or removed by them (N35). */
static enum errc
may_change(const struct m_object *o, const struct output *reply)
{
    if (o->is_api) return E_OK;
    /* `default` is built in until a configuration says something else of it than that. */
    if (view_is(o->name, "default") && reply->error && reply->error->code == E_WRONG_STATE)
        return E_WRONG_STATE;
    return E_DECLARED_IN_CONFIG;
}

static int
find(struct model *m, const struct actor *a, enum object_kind kind, struct view company_name,
     struct view name, enum errc *e)
{
    int company = -1;

    if (kind == KIND_COMPANY) return m_company(m, a, name, e);
    if (company_name.size && (company = m_company(m, a, company_name, e)) < 0) return -1;
    return m_ref(m, a, kind, name, &company, e);
}

static enum errc
judge_merged(struct model *m, const struct input *in, int index, struct view merged)
{
    const struct m_object *o = m_object(m, index);
    union msg              d;
    struct err             error = {0};
    enum errc              e = msg_unpack(m_object_desc(o->kind), merged, &d, &error);

    return e == E_OK ? judge(m, &in->actor, o->kind, &d, o->company) : e;
}

enum errc
m_registry_set(struct model *m, const struct input *in, enum object_kind kind,
               const union msg *declared, const struct output *reply)
{
    struct buf merged BUF_AUTO = {0};
    enum errc         e = E_OK;
    int i = find(m, &in->actor, kind, company_of(kind, declared), name_of(kind, declared), &e);

    if (i >= 0) e = may_change(m_object(m, i), reply);
    if (e == E_OK) {
        e = m_registry_change(buf_view(&m_object(m, i)->spec), in->body, (struct view){0}, NULL,
                              &merged);
    }
    if (e == E_OK) e = judge_merged(m, in, i, buf_view(&merged));
    m_check_answer(in, reply, e);
    if (e != E_OK) return e;
    m_set_spec(m_object(m, i), buf_view(&merged));
    check_reply(reply, m_object(m, i)->name);
    return e;
}

/* ---- remove ---------------------------------------------------------------------------------- */

static bool
waits_for_a_person(const struct model *m, int index)
{
    for (size_t i = 0; i < m->approvals.count; i++) {
        const struct m_approval *a = &m->approvals.items[i];

        if (a->status == APPROVAL_PENDING && (a->company == index || a->agent == index))
            return true;
    }
    return false;
}

/* What refers to it: *is_declared when a configuration does, which no cascade undoes. */
static bool
is_in_use(struct model *m, int index, bool *is_declared)
{
    bool is_used = m_has_work(m, index) || waits_for_a_person(m, index) || m_has_session(m, index);

    for (size_t i = 0; i < m->objects.count; i++) {
        const struct m_object *o = &m->objects.items[i];

        if (!m_is_in_store(o) || !m_refers_to(m, o, index)) continue;
        is_used = true;
        *is_declared |= !o->is_api;
    }
    return is_used;
}

enum errc
m_registry_remove(struct model *m, const struct input *in, enum object_kind kind, struct view name,
                  bool cascade, const struct output *reply)
{
    enum errc   e = E_OK;
    int         i = find(m, &in->actor, kind, (struct view){0}, name, &e);
    struct view told;
    bool        is_used = false, stays = false, is_pending;

    if (i >= 0) e = may_change(m_object(m, i), reply);
    if (e == E_OK) is_used = is_in_use(m, i, &stays);
    if (is_used && kind == KIND_AGENT) stays |= m_holds_by_gate(m, i);
    if (is_used && (!cascade || stays)) e = E_IN_USE;
    m_check_answer(in, reply, e);
    if (e != E_OK) return e;
    claim(mp_find_str(reply->body, "removed", &told) && view_eq(told, name),
          "a removal names something else");
    claim(mp_find_bool(reply->body, "pending", &is_pending) && is_pending == is_used,
          "the removal of %.*s says that it is %sdone", VIEW_ARG(name), is_used ? "" : "not ");
    m_remove(m, i, is_used || kind == KIND_COMPANY);
    return e;
}
