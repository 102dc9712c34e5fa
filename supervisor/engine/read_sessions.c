#include "supervisor/engine/read_sessions.h"

#include "supervisor/engine/page.h"
#include "supervisor/engine/sessions.h"
#include "supervisor/engine/views.h"

static enum errc
find_status(struct reading *r, struct view name, int *status)
{
    for (enum session_status s = 0; s < SESSION_STATUS_COUNT; s++) {
        if (!view_is(name, session_status_name(s))) continue;
        *status = (int)s;
        return E_OK;
    }
    return err_field(r->e, "status", "is open, held or closed");
}

enum errc
read_session_list(struct reading *r, const struct msg_session_list *m)
{
    struct session row = {0};
    struct page    p;
    uint64_t       after;
    uint32_t       company = 0;
    int            status = -1; /* any */

    if (cursor_id(r, m->after, r->engine->memory.meta.next_object, &after) ||
        read_company(r, m->company, &company))
        return r->e->code;
    if (m->status.size && find_status(r, m->status, &status)) return r->e->code;
    page_open(r, &p, HAS(m, session_list, limit), m->limit);
    row.id = (uint32_t)after + 1;
    page_scan(r, &p, PRIMARY_SESSION, &row, 0, 1);
    while (page_next(&p, &row)) {
        page_at(&p, row.id);
        if ((company && row.company != company) || (status >= 0 && row.status != status)) continue;
        view_session(&r->objects, &row, NULL, r->reply);
        p.count++;
    }
    page_close(r, &p);
    return E_OK;
}

enum errc
reading_session(struct reading *r, struct view in_company, struct view key, struct session *s)
{
    uint32_t company;

    if (object_company(r->txn, r->actor, in_company, &company, r->e)) return r->e->code;
    *s = (struct session){.company = company, .name = key};
    if (rec_find(r->txn, INDEX_session_by_name, s) != LOAD_FOUND) return session_unknown(key, r->e);
    return E_OK;
}

enum errc
read_session_show(struct reading *r, const struct msg_session_show *m)
{
    struct session s;

    if (reading_session(r, m->company, m->key, &s)) return r->e->code;
    view_session(&r->objects, &s, &r->engine->memory, r->reply);
    return E_OK;
}

enum errc
read_session_events(struct reading *r, const struct msg_session_events *m)
{
    struct session s;
    struct event   row = {0};
    struct page    p;
    uint64_t       after;

    if (reading_session(r, m->company, m->key, &s) ||
        cursor_id(r, m->after, s.appended + 1, &after)) {
        return r->e->code;
    }
    page_open(r, &p, HAS(m, session_events, limit), m->limit);
    row.session = s.id;
    row.seq = after + 1 > m->from ? after + 1 : m->from;
    page_scan(r, &p, PRIMARY_EVENT, &row, 1, 2);
    while (page_next(&p, &row)) {
        page_at(&p, row.seq);
        if (m->dead && row.mark != EVENT_DEAD) continue;
        view_event(r->txn, &s, &row, r->reply);
        p.count++;
    }
    page_close(r, &p);
    return E_OK;
}
