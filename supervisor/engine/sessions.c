#include "supervisor/engine/sessions.h"

uint32_t
session_find(struct txn *t, uint32_t company, struct view name)
{
    struct session s = {.company = company, .name = name};

    return rec_find(t, INDEX_session_by_name, &s) == LOAD_FOUND ? s.id : 0;
}

uint32_t
session_of(struct engine *en, uint32_t company, struct view name, uint32_t agent)
{
    struct session s = {.id = session_find(turn_txn(en), company, name)};

    if (s.id) return s.id;
    s.id = (uint32_t)en->memory.meta.next_object++;
    s.company = company;
    s.name = name;
    s.agent = agent;
    s.created_at = en->turn.now.wall_ms;
    session_save(turn_txn(en), &s);
    return s.id;
}

enum load
session_checkpoint(struct txn *t, const struct session *s, struct view *out)
{
    *out = s->checkpoint;
    if (s->checkpoint_bytes) return bytes_load(t, BLOB_CHECKPOINT, s->id, s->checkpoint_bytes, out);
    return s->checkpoint.size ? LOAD_FOUND : LOAD_ABSENT;
}

static void
put_checkpoint(struct txn *t, struct session *s, struct view data)
{
    if (s->checkpoint_bytes) bytes_delete(t, BLOB_CHECKPOINT, s->id);
    s->checkpoint_bytes = 0;
    s->checkpoint = data;
    if (data.size > BLOB_FROM) {
        bytes_save(t, BLOB_CHECKPOINT, s->id, data);
        s->checkpoint_bytes = (uint32_t)data.size;
        s->checkpoint = (struct view){0};
    }
}

/* The number goes on: the keys of effects rest on it. */
void
session_begin_anew(struct engine *en, uint32_t id)
{
    struct session s = {.id = id};

    if (session_load(turn_txn(en), &s) != LOAD_FOUND) return;
    put_checkpoint(turn_txn(en), &s, (struct view){0});
    session_save(turn_txn(en), &s);
}

uint64_t
session_commit(struct engine *en, uint32_t id, struct view data)
{
    struct txn    *t = turn_txn(en);
    struct session s = {.id = id};

    if (session_load(t, &s) != LOAD_FOUND || data.size == 0) return s.checkpoint_id;
    s.checkpoint_id++;
    s.checkpoint_at = en->turn.now.wall_ms;
    put_checkpoint(t, &s, data);
    session_save(t, &s);
    return s.checkpoint_id;
}
