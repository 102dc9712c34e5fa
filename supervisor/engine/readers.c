#include "supervisor/engine/readers.h"

#include "supervisor/engine/effects.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/sessions.h"

#include <inttypes.h>

uint32_t
readers_count(const struct memory *m, struct txn *t, uint32_t session)
{
    struct reader r = {.session = session};

    if (session == 0 || m->gateway == 0 || reader_load(t, &r) != LOAD_FOUND) return 0;
    return r.generation == m->gateway ? r.count : 0;
}

static bool
is_for_readers(struct engine *en, const struct effect *ef)
{
    const struct object_entry *sink = objects_get(&en->turn.objects, ef->sink);

    return sink && view_is(sink->spec.sink.kind, "gateway");
}

/* ---- those that are gone ------------------------------------------------------ */

void
readers_gone(struct engine *en)
{
    en->memory.gateway = 0;
    en->memory.is_releasing = true;
    en->memory.release_at = 0;
}

static void
forget_rows(struct engine *en)
{
    struct reader r = {0};
    struct scan   s;

    scan_open(&s, turn_txn(en), PRIMARY_READER, &r, 0, 0);
    while (en->turn.due_left && scan_next(&s, &r)) {
        if (r.generation == en->memory.gateway) continue;
        (void)reader_delete(turn_txn(en), &r);
        en->turn.due_left--;
    }
    scan_close(&s);
}

/* It waits for the next reader. */
static void
release(struct engine *en, struct effect *ef)
{
    ef->status = STATUS_PENDING;
    ef->not_before = BEHIND_ANOTHER;
    ef->updated_at = en->turn.now.wall_ms;
    effect_save(turn_txn(en), ef);
    effect_told(en, FEED_EFFECT_PENDING, ef);
}

static void
release_some(struct engine *en)
{
    struct effect ef = {.id = en->memory.release_at};
    struct scan   s;
    bool          is_over = false;

    scan_open(&s, turn_txn(en), INDEX_effect_attempting, &ef, 0, 1);
    while (en->turn.due_left && !(is_over = !scan_next(&s, &ef))) {
        en->turn.due_left--;
        en->memory.release_at = ef.id + 1;
        if (is_for_readers(en, &ef) && !readers_count(&en->memory, turn_txn(en), ef.session))
            release(en, &ef);
    }
    scan_close(&s);
    en->memory.is_releasing = !is_over;
}

void
readers_due(struct engine *en)
{
    if (!en->memory.is_releasing) return;
    forget_rows(en);
    release_some(en);
}

enum errc
on_gateway_hello(struct engine *en, struct buf *reply)
{
    struct mp_open_map m = mp_open(reply);

    readers_gone(en);
    en->memory.gateway = en->memory.meta.next_token++;
    mp_put_u64(reply, &m, "generation", en->memory.gateway);
    mp_close(reply, &m);
    return E_OK;
}

/* ---- those that come and go --------------------------------------------------- */

static enum errc
session_named(struct engine *en, const struct actor *a, struct view company_name, struct view key,
              uint32_t *id, struct err *e)
{
    uint32_t company;

    if (object_company(turn_txn(en), a, company_name, &company, e)) return e->code;
    *id = session_find(turn_txn(en), company, key);
    if (*id) return E_OK;
    return err_set(e, E_NOT_FOUND, "there is no session \"%.*s\"", VIEW_ARG(key));
}

static enum errc
save_count(struct engine *en, uint32_t session, uint32_t count, struct buf *reply)
{
    struct reader      r = {.session = session, .count = count, .generation = en->memory.gateway};
    struct mp_open_map m = mp_open(reply);

    if (count) {
        reader_save(turn_txn(en), &r);
    } else {
        (void)reader_delete(turn_txn(en), &r);
    }
    mp_put_u64(reply, &m, "readers", count);
    mp_close(reply, &m);
    return E_OK;
}

enum errc
on_session_attach(struct engine *en, const struct actor *a, const struct msg_session_attach *m,
                  struct buf *reply, struct err *e)
{
    uint32_t session;

    if (en->memory.gateway == 0) return err_set(e, E_WRONG_STATE, "gateway.hello comes first");
    if (session_named(en, a, m->company, m->key, &session, e)) return e->code;
    return save_count(en, session, readers_count(&en->memory, turn_txn(en), session) + 1, reply);
}

enum errc
on_session_detach(struct engine *en, const struct actor *a, const struct msg_session_detach *m,
                  struct buf *reply, struct err *e)
{
    uint32_t session, count;

    if (session_named(en, a, m->company, m->key, &session, e)) return e->code;
    count = readers_count(&en->memory, turn_txn(en), session);
    if (count == 0) {
        return err_set(e, E_WRONG_STATE, "nobody reads the session \"%.*s\"", VIEW_ARG(m->key));
    }
    return save_count(en, session, count - 1, reply);
}

/* ---- acknowledged ------------------------------------------------------------- */

static void
delivered(struct engine *en, struct effect *ef)
{
    ef->status = STATUS_DELIVERED;
    ef->receipt = view_str("read");
    ef->reason = (struct view){0};
    ef->updated_at = en->turn.now.wall_ms;
    effect_save(turn_txn(en), ef);
    effect_told(en, FEED_EFFECT_DELIVERED, ef);
    effect_next_comes_forward(en, ef);
}

/* What was handed out once is known by its id, also when its reader has lost the connection since.
 */
enum errc
on_effect_ack(struct engine *en, const struct actor *a, const struct msg_effect_ack *m,
              struct buf *reply, struct err *e)
{
    struct effect      ef = {.id = m->id};
    struct mp_open_map map;
    uint32_t           session;

    if (session_named(en, a, m->company, m->session, &session, e)) return e->code;
    if (effect_load(turn_txn(en), &ef) != LOAD_FOUND || ef.session != session) {
        return err_set(e, E_NOT_FOUND, "there is no effect %" PRIu64 " in this session", m->id);
    }
    if (!is_for_readers(en, &ef)) {
        return err_set(e, E_WRONG_STATE, "effect %" PRIu64 " is not for readers", m->id);
    }
    if (ef.status != STATUS_DELIVERED && ef.attempts == 0) {
        return err_set(e, E_WRONG_STATE, "effect %" PRIu64 " was not yet sent to a reader", m->id);
    }
    if (ef.status == STATUS_ATTEMPTING || ef.status == STATUS_PENDING) delivered(en, &ef);
    map = mp_open(reply);
    mp_put_u64(reply, &map, "id", ef.id);
    mp_put_cstr(reply, &map, "status", effect_status_name(ef.status));
    mp_close(reply, &map);
    return E_OK;
}
