#include "supervisor/engine/goals.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/page.h"
#include "supervisor/engine/tickets.h"
#include "supervisor/engine/views.h"

#include <inttypes.h>

#define SHOWN_MAX 100 /* children and tickets that goal.show names */

/* The ids that an index holds under one goal or ticket. */
static void
put_goals_below(struct reading *r, const struct goal *g, struct mp_open_map *m)
{
    struct goal key = {.company = g->company, .parent = g->id};
    struct scan s;
    size_t      header;
    uint32_t    n = 0;

    mp_key(r->reply, m, "children");
    header = mp_array_open(r->reply);
    scan_open(&s, r->txn, INDEX_goal_by_parent, &key, 2, 2);
    while (n < SHOWN_MAX && scan_next(&s, &key)) {
        if (key.removing) continue;
        mp_u64(r->reply, key.id);
        n++;
    }
    scan_close(&s);
    mp_array_close(r->reply, header, n);
}

static void
put_tickets_of(struct reading *r, uint64_t goal, struct mp_open_map *m)
{
    struct ticket key = {.goal = goal};
    struct scan   s;
    size_t        header;
    uint32_t      n = 0;

    mp_key(r->reply, m, "tickets");
    header = mp_array_open(r->reply);
    scan_open(&s, r->txn, INDEX_ticket_by_goal, &key, 1, 1);
    while (n < SHOWN_MAX && scan_next(&s, &key)) {
        if (key.removing) continue;
        mp_u64(r->reply, key.id);
        n++;
    }
    scan_close(&s);
    mp_array_close(r->reply, header, n);
}

enum errc
read_goal_show(struct reading *r, const struct msg_goal_show *m)
{
    struct mp_open_map map;
    struct goal        g;

    if (goal_get(r->txn, r->actor, m->id, &g, r->e)) return r->e->code;
    map = mp_open(r->reply);
    view_goal_pairs(&r->objects, &g, r->reply, &map);
    mp_key(r->reply, &map, "why");
    goals_put_why(&r->objects, g.id, r->reply);
    put_goals_below(r, &g, &map);
    put_tickets_of(r, g.id, &map);
    mp_close(r->reply, &map);
    return E_OK;
}

enum errc
read_goal_list(struct reading *r, const struct msg_goal_list *m)
{
    enum goal_status status = GOAL_NONE;
    uint32_t         company = 0;
    struct goal      row = {0};
    struct page      p;
    uint64_t         after;

    if (cursor_id(r, m->after, r->engine->memory.meta.next_goal, &after) ||
        read_company(r, m->company, &company))
        return r->e->code;
    if (HAS(m, goal_list, status) && (status = goal_status_from(m->status)) == GOAL_NONE)
        return err_field(r->e, "status", "there is no status \"%.*s\"", VIEW_ARG(m->status));
    page_open(r, &p, HAS(m, goal_list, limit), m->limit);
    row.id = after + 1;
    page_scan(r, &p, PRIMARY_GOAL, &row, 0, 1);
    while (page_next(&p, &row)) {
        page_at(&p, row.id);
        if (row.removing || (company && row.company != company) || (status && row.status != status))
            continue;
        if (HAS(m, goal_list, parent) && row.parent != m->parent) continue;
        view_goal(&r->objects, &row, r->reply);
        p.count++;
    }
    page_close(r, &p);
    return E_OK;
}

enum errc
read_ticket_show(struct reading *r, const struct msg_ticket_show *m)
{
    struct ticket k;

    if (ticket_get(r->txn, r->actor, m->id, &k, r->e)) return r->e->code;
    view_ticket(&r->objects, &k, r->reply);
    return E_OK;
}

struct ticket_filter {
    uint32_t           company, agent;
    enum ticket_status status;
    uint64_t           goal;
};

static enum errc
parse_filter(struct reading *r, const struct msg_ticket_list *m, struct ticket_filter *f)
{
    *f = (struct ticket_filter){.goal = m->goal};
    if (read_company(r, m->company, &f->company)) return r->e->code;
    if (m->agent.size &&
        object_ref(r->txn, r->actor, KIND_AGENT, m->agent, "agent", &f->company, &f->agent, r->e)) {
        return r->e->code;
    }
    if (!HAS(m, ticket_list, status)) return E_OK;
    for (f->status = TICKET_NONE + 1; f->status < TICKET_STATUS_COUNT; f->status++) {
        if (view_is(m->status, ticket_status_name(f->status))) return E_OK;
    }
    return err_field(r->e, "status", "there is no status \"%.*s\"", VIEW_ARG(m->status));
}

enum errc
read_ticket_list(struct reading *r, const struct msg_ticket_list *m)
{
    struct ticket_filter f;
    struct ticket        row = {0};
    struct page          p;
    uint64_t             after;

    if (cursor_id(r, m->after, r->engine->memory.meta.next_ticket, &after) ||
        parse_filter(r, m, &f))
        return r->e->code;
    page_open(r, &p, HAS(m, ticket_list, limit), m->limit);
    row.id = after + 1;
    page_scan(r, &p, PRIMARY_TICKET, &row, 0, 1);
    while (page_next(&p, &row)) {
        page_at(&p, row.id);
        if (row.removing || (f.company && row.company != f.company) ||
            (f.agent && row.assignee != f.agent) || (f.status && row.status != f.status) ||
            (f.goal && row.goal != f.goal)) {
            continue;
        }
        view_ticket(&r->objects, &row, r->reply);
        p.count++;
    }
    page_close(r, &p);
    return E_OK;
}
