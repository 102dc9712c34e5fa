#include "supervisor/engine/audit.h"

#include "supervisor/engine/page.h"
#include "supervisor/engine/views.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- writing ------------------------------------------------------------------ */

void
audit_put(struct engine *en, const struct actor *a, const char *action, uint32_t company,
          struct view subject, struct view before, struct view after)
{
    struct audit row = {.id = en->memory.meta.next_audit++,
                        .at = en->turn.now.wall_ms,
                        .action = view_str(action),
                        .company = company,
                        .company_name = objects_name(&en->turn.objects, company),
                        .subject = subject,
                        .before = before,
                        .after = after};

    row.actor = view_str(arena_printf(&en->turn.arena, "%s:%.*s", a->kind, VIEW_ARG(a->id)));
    audit_save(turn_txn(en), &row);
}

void
audit_put_id(struct engine *en, const struct actor *a, const char *action, uint32_t company,
             const char *what, uint64_t id, struct view before, struct view after)
{
    struct view subject = view_str(arena_printf(&en->turn.arena, "%s %" PRIu64, what, id));

    audit_put(en, a, action, company, subject, before, after);
}

struct view
audit_str(struct engine *en, const char *key, struct view value)
{
    struct buf b       BUF_AUTO = {0};
    struct mp_open_map m = mp_open(&b);

    mp_put_str(&b, &m, key, value);
    mp_close(&b, &m);
    return arena_copy(&en->turn.arena, buf_view(&b));
}

struct view
audit_i64(struct engine *en, const char *key, int64_t value)
{
    struct buf b       BUF_AUTO = {0};
    struct mp_open_map m = mp_open(&b);

    mp_put_i64(&b, &m, key, value);
    mp_close(&b, &m);
    return arena_copy(&en->turn.arena, buf_view(&b));
}

struct view
audit_bool(struct engine *en, const char *key, bool value)
{
    struct buf b       BUF_AUTO = {0};
    struct mp_open_map m = mp_open(&b);

    mp_put_bool(&b, &m, key, value);
    mp_close(&b, &m);
    return arena_copy(&en->turn.arena, buf_view(&b));
}

struct view
audit_pause(struct engine *en, bool is_paused, struct view reason)
{
    struct buf b       BUF_AUTO = {0};
    struct mp_open_map m = mp_open(&b);

    mp_put_bool(&b, &m, "paused", is_paused);
    mp_put_str_or_nil(&b, &m, "reason", reason);
    mp_close(&b, &m);
    return arena_copy(&en->turn.arena, buf_view(&b));
}

/* ---- audit.list --------------------------------------------------------------- */

static void
put_packed(struct buf *b, struct mp_open_map *m, const char *key, struct view packed)
{
    if (packed.size) {
        mp_put_raw(b, m, key, packed);
    } else {
        mp_put_nil(b, m, key);
    }
}

static void
audit_item(struct reading *r, const struct audit *row)
{
    struct buf        *b = r->reply;
    struct mp_open_map m = mp_open(b);

    mp_put_u64(b, &m, "id", row->id);
    mp_put_i64(b, &m, "at", row->at);
    mp_put_str(b, &m, "who", row->actor);
    mp_put_str(b, &m, "action", row->action);
    if (row->company_name.size) {
        mp_put_str(b, &m, "company", row->company_name);
    } else {
        view_put_name(&r->objects, b, &m, "company", row->company);
    }
    mp_put_str_or_nil(b, &m, "subject", row->subject);
    put_packed(b, &m, "before", row->before);
    put_packed(b, &m, "after", row->after);
    mp_close(b, &m);
}

/* "user:uid:1000", or what stands behind its kind: "uid:1000". */
static bool
who_matches(struct view who, struct view actor)
{
    const char *colon = memchr(actor.data, ':', actor.size);

    if (who.size == 0 || view_eq(who, actor)) return true;
    return colon && view_eq(who, view_of(colon + 1, actor.size - (size_t)(colon + 1 - actor.data)));
}

/* An action, or all that begin so: "job." */
static bool
action_matches(struct view wanted, struct view action)
{
    if (wanted.size && wanted.data[wanted.size - 1] == '.') {
        return action.size > wanted.size && memcmp(action.data, wanted.data, wanted.size) == 0;
    }
    return wanted.size == 0 || view_eq(wanted, action);
}

static bool
audit_matches(struct reading *r, const struct msg_audit_list *m, const struct audit *row)
{
    return row->at >= m->since && action_matches(m->action, row->action) &&
           who_matches(m->who, row->actor) && actor_sees(r->txn, r->actor, row->company);
}

/* The oldest row that is kept; ids are dense from there on. */
static uint64_t
first_audit(struct reading *r)
{
    struct audit row = {0};
    struct scan  s;

    scan_open(&s, r->txn, PRIMARY_AUDIT, &row, 0, 0);
    if (!scan_next_key(&s, &row)) row.id = UINT64_MAX;
    scan_close(&s);
    return row.id;
}

enum errc
read_audit_list(struct reading *r, const struct msg_audit_list *m)
{
    uint64_t    before, first = first_audit(r);
    struct page p;

    if (cursor_id(r, m->after, r->engine->memory.meta.next_audit, &before)) return r->e->code;
    if (before == 0) before = r->engine->memory.meta.next_audit;
    page_open(r, &p, HAS(m, audit_list, limit), m->limit);
    while (before > first && !page_is_over(&p)) {
        struct audit row = {.id = --before};

        p.examined++;
        if (audit_load(r->txn, &row) != LOAD_FOUND || !audit_matches(r, m, &row)) continue;
        audit_item(r, &row);
        p.count++;
    }
    if (before > first) page_at(&p, before);
    page_close(r, &p);
    return E_OK;
}
