#include "supervisor/engine/activity.h"

#include "common/name.h"
#include "supervisor/engine/page.h"
#include "supervisor/engine/submit.h"

#include <string.h>

#define LOOKS_MAX 256 /* agents looked at in one turn, whether they are gone */

/* ---- records ------------------------------------------------------------------- */

static enum errc
load_data(struct txn *t, struct activity *row)
{
    if (row->data_bytes == 0) return E_OK;
    return bytes_load(t, BLOB_ACTIVITY, row->id, row->data_bytes, &row->data) == LOAD_FOUND
               ? E_OK
               : E_DAMAGED;
}

static void
view_activity(struct objects *o, struct activity *row, struct buf *b)
{
    struct mp_open_map m = mp_open(b);

    if (load_data(o->txn, row)) row->data = (struct view){0};
    mp_put_u64(b, &m, "id", row->id);
    mp_put_str(b, &m, "agent", objects_name(o, row->agent));
    mp_put_str(b, &m, "company", objects_name(o, row->company));
    mp_put_str(b, &m, "type", row->type);
    mp_put_i64(b, &m, "at", row->at);
    mp_put_raw(b, &m, "data", row->data);
    mp_put_time(b, &m, "job", (int64_t)row->job); /* nil for none */
    mp_put_str(b, &m, "by", row->actor);
    mp_close(b, &m);
}

static void
record(struct engine *en, struct activity *row)
{
    struct view data = row->data;

    row->id = en->memory.meta.next_event++;
    row->at = en->turn.now.wall_ms;
    if (data.size > BLOB_FROM) {
        bytes_save(turn_txn(en), BLOB_ACTIVITY, row->id, data);
        row->data_bytes = (uint32_t)data.size;
        row->data = (struct view){0};
    }
    activity_insert(turn_txn(en), row);
}

enum errc
on_agent_record(struct engine *en, const struct actor *a, const struct msg_agent_record *m,
                struct buf *reply, struct err *e)
{
    struct activity row = {.type = m->type, .data = m->data, .actor = turn_actor(en, a)};

    if (object_ref(turn_txn(en), a, KIND_AGENT, m->name, "name", &row.company, &row.agent, e) ||
        submit_admit(en, e)) {
        return e->code;
    }
    record(en, &row);
    view_activity(&en->turn.objects, &row, reply);
    return E_OK;
}

/* ---- effects ------------------------------------------------------------------- */

enum errc
activity_check(struct view effect, struct err *e)
{
    struct view type, data = {0};

    if (!mp_find_str(effect, "activity", &type) || !name_is_valid(type))
        return err_set(e, E_BAD_REQUEST, "activity: \"activity\" is no name of what was done");
    if (mp_find(effect, "data", &data) && data.size > ACTIVITY_DATA_MAX)
        return err_set(e, E_BAD_REQUEST, "activity: its data is larger than %d bytes",
                       ACTIVITY_DATA_MAX);
    return E_OK;
}

enum errc
activity_apply(struct engine *en, const struct job_spec *from, struct view effect, struct err *e)
{
    struct activity row = {.agent = from->agent, .company = from->company, .job = from->id};

    if (from->agent == 0) return err_set(e, E_DENIED, "only a job of an agent records activity");
    (void)mp_find_str(effect, "activity", &row.type);
    (void)mp_find(effect, "data", &row.data);
    row.actor = view_str(arena_printf(txn_arena(turn_txn(en)), "agent:%.*s",
                                      VIEW_ARG(objects_name(&en->turn.objects, from->agent))));
    record(en, &row);
    return E_OK;
}

/* ---- agents that are gone ------------------------------------------------------ */

void
activity_forget(struct engine *en)
{
    en->memory.is_forgetting = true;
    en->memory.forget_at = 0;
}

static void
forget(struct engine *en, uint64_t id)
{
    struct activity row = {.id = id};

    en->turn.purge_left--;
    if (activity_load(turn_txn(en), &row) != LOAD_FOUND) return;
    if (row.data_bytes) bytes_delete(turn_txn(en), BLOB_ACTIVITY, row.id);
    (void)activity_delete(turn_txn(en), &row);
}

void
activity_due(struct engine *en)
{
    struct activity key = {.agent = en->memory.forget_at};
    struct scan     s;
    uint32_t        looks = 0;
    bool            is_over = false;

    if (!en->memory.is_forgetting) return;
    scan_open(&s, turn_txn(en), INDEX_activity_by_agent, &key, 0, 1);
    while (en->turn.purge_left && looks < LOOKS_MAX && !(is_over = !scan_next_key(&s, &key))) {
        struct object o = {.id = key.agent};

        en->memory.forget_at = key.agent;
        if (object_load(turn_txn(en), &o) == LOAD_ABSENT) {
            forget(en, key.id);
            continue;
        }
        looks++;
        en->memory.forget_at = ++key.agent;
        scan_seek(&s, &key, 1);
    }
    scan_close(&s);
    en->memory.is_forgetting = !is_over;
}

/* ---- list ---------------------------------------------------------------------- */

/* The cursor is the index's key of the last row that was looked at. */
enum { AT, ID, NUMBERS };

static enum errc
read_cursor(struct reading *r, struct view after, struct activity *from)
{
    struct cursor_number n[NUMBERS] = {
        [AT] = {.least = INT64_MIN, .most = INT64_MAX                                     },
        [ID] = {.least = 1,         .most = (int64_t)r->engine->memory.meta.next_event - 1},
    };

    *from = (struct activity){.at = INT64_MAX, .id = UINT64_MAX};
    if (after.size == 0) return E_OK;
    if (cursor_key(r, after, n, NUMBERS)) return r->e->code;
    from->at = n[AT].value;
    from->id = (uint64_t)n[ID].value - 1;
    return E_OK;
}

static void
page_at_row(struct page *p, const struct activity *row)
{
    const struct cursor_number n[NUMBERS] = {
        [AT] = {.value = row->at}, [ID] = {.value = (int64_t)row->id}};

    page_at_key(p, n, NUMBERS);
}

enum errc
read_agent_activity(struct reading *r, const struct msg_agent_activity *m)
{
    struct activity row;
    uint32_t        company = 0, agent;
    struct page     p;

    if (read_cursor(r, m->after, &row) ||
        object_ref(r->txn, r->actor, KIND_AGENT, m->name, "name", &company, &agent, r->e)) {
        return r->e->code;
    }
    row.agent = agent;
    page_open(r, &p, HAS(m, agent_activity, limit), m->limit);
    page_scan(r, &p, INDEX_activity_by_agent, &row, 1, 3);
    while (page_next(&p, &row)) {
        page_at_row(&p, &row);
        if (m->type.size && !view_eq(m->type, row.type)) continue;
        view_activity(&r->objects, &row, r->reply);
        p.count++;
    }
    page_close(r, &p);
    return E_OK;
}
