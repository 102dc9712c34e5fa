#include "supervisor/engine/readers.h"

#include "common/timetext.h"
#include "supervisor/engine/effects.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/outbox.h"
#include "supervisor/engine/sessions.h"

#include <inttypes.h>

uint32_t
readers_count(const struct memory *m, struct txn *t, struct view company, struct view key)
{
    struct reader r = {.company = company, .name = key};

    if (m->meta.gateway == 0 || reader_load(t, &r) != LOAD_FOUND) return 0;
    return r.generation == m->meta.gateway ? r.count : 0;
}

bool
readers_has(struct engine *en, uint32_t session)
{
    const struct session *s = session ? session_row(en, session) : NULL;

    return s && readers_count(&en->memory, turn_txn(en),
                              objects_name(&en->turn.objects, s->company), s->name) > 0;
}

/* ---- those that are gone ------------------------------------------------------ */

void
readers_gone(struct engine *en)
{
    en->memory.meta.gateway = 0;
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
        if (r.generation == en->memory.meta.gateway) continue;
        (void)reader_delete(turn_txn(en), &r);
        en->turn.due_left--;
    }
    scan_close(&s);
}

/* It is pending again, and waits for a reader. */
static void
release(struct engine *en, struct effect *ef)
{
    bool was_attempting = ef->status == STATUS_ATTEMPTING;

    ef->status = STATUS_PENDING;
    ef->not_before = WAITS_FOR_READER;
    ef->updated_at = en->turn.now.wall_ms;
    effect_save(turn_txn(en), ef);
    if (was_attempting) effect_told(en, FEED_EFFECT_PENDING, ef);
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
        if (ef.to_reader && !readers_has(en, ef.session)) release(en, &ef);
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
    en->memory.meta.gateway = en->memory.meta.next_token++;
    mp_put_u64(reply, &m, "generation", en->memory.meta.gateway);
    mp_close(reply, &m);
    return E_OK;
}

/* ---- handed to the gateway ---------------------------------------------------- */

static void
tell_gateway(struct engine *en, enum msg_id op, const void *m, uint64_t effect)
{
    struct buf packed BUF_AUTO = {0};
    struct output    *o;

    worker_pack(op, m, &packed);
    o = turn_output(en, OUT_TO_GATEWAY);
    o->token = effect;
    o->body = arena_copy(&en->turn.arena, buf_view(&packed));
}

void
readers_hear(struct engine *en, uint64_t job, uint64_t piece, struct view text)
{
    struct job_state         j = {.id = job};
    struct session           s;
    struct msg_gateway_delta m = {.text = text, .piece = piece};

    if (job_state_load(turn_txn(en), &j) != LOAD_FOUND || j.session == 0) return;
    s = (struct session){.id = j.session};
    if (session_load(turn_txn(en), &s) != LOAD_FOUND) return;
    m.session = s.name;
    m.company = objects_name(&en->turn.objects, s.company);
    if (!readers_count(&en->memory, turn_txn(en), m.company, m.session)) return;
    tell_gateway(en, MSG_GATEWAY_DELTA, &m, 0);
}

void
readers_forget_company(struct engine *en, uint32_t id, struct view name)
{
    const struct msg_gateway_removed m = {.company = name};

    if (en->memory.meta.gateway) tell_gateway(en, MSG_GATEWAY_REMOVED, &m, id);
}

void
readers_forget_token(struct engine *en, uint32_t id, struct view hash)
{
    const struct msg_gateway_revoked m = {.token_hash = hash};

    if (en->memory.meta.gateway) tell_gateway(en, MSG_GATEWAY_REVOKED, &m, id);
}

static bool
payload_of(struct engine *en, const struct effect *ef, struct view *out)
{
    *out = ef->payload;
    return ef->payload_bytes == 0 ||
           bytes_load(turn_txn(en), BLOB_EFFECT, ef->id, ef->payload_bytes, out) == LOAD_FOUND;
}

/* What it is about is damaged or gone: the next one comes. */
static void
fail(struct engine *en, struct effect *ef, const char *reason)
{
    ef->status = STATUS_FAILED;
    ef->reason = view_str(reason);
    ef->updated_at = en->turn.now.wall_ms;
    effect_save(turn_txn(en), ef);
    effect_told(en, FEED_EFFECT_FAILED, ef);
    effect_next_comes_forward(en, ef);
}

static void
hand_over(struct engine *en, struct effect *ef)
{
    struct buf document        BUF_AUTO = {0};
    struct session             s = {.id = ef->session};
    struct msg_gateway_deliver m = {.effect = ef->id};
    struct view                payload;

    if (!readers_has(en, ef->session)) {
        release(en, ef);
    } else if (outbox_is_disabled(&en->memory, ef)) {
        outbox_refuse(en, ef);
    } else if (!objects_get(&en->turn.objects, ef->company)) {
        fail(en, ef, "its company was removed");
    } else if (!payload_of(en, ef, &payload) || session_load(turn_txn(en), &s) != LOAD_FOUND) {
        fail(en, ef, "its payload is damaged");
    } else {
        outbox_document(en, ef, payload, &document);
        m.session = s.name;
        m.company = objects_name(&en->turn.objects, ef->company);
        m.document = buf_view(&document);
        tell_gateway(en, MSG_GATEWAY_DELIVER, &m, ef->id);
        ef->status = STATUS_ATTEMPTING;
        ef->attempts++;
        ef->last_attempt_at = ef->updated_at = en->turn.now.wall_ms;
        effect_save(turn_txn(en), ef);
    }
}

void
readers_dispatch(struct engine *en)
{
    struct effect key = {0};
    struct scan   s;
    unsigned      examined = 0;

    scan_open(&s, turn_txn(en), INDEX_effect_reader, &key, 0, 0);
    while (scan_next_key(&s, &key) && key.not_before <= en->turn.now.wall_ms) {
        struct effect ef = {.id = key.id};

        if (++examined > READERS_EXAMINED_MAX) {
            en->turn.due_again = true;
            break;
        }
        if (effect_load(turn_txn(en), &ef) != LOAD_FOUND) continue;
        if (ef.not_after && ef.not_after <= en->turn.now.wall_ms) continue; /* it expires */
        if (effect_comes_due(en, &ef)) hand_over(en, &ef);
    }
    scan_close(&s);
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
    return session_unknown(key, e);
}

/* The first of what waits for the session's readers, or that they have. */
static bool
head_of(struct engine *en, uint32_t session, struct effect *head)
{
    const struct effect key = {
        .session = session,
        .sink = object_find(turn_txn(en), KIND_SINK, COMPANY_DEFAULT_ID, view_str(SINK_GATEWAY))};

    return effect_queue_head(turn_txn(en), &key, head);
}

/* What waits for the session's readers, if it is there: one more gets what the others have not
 * acknowledged; without any it waits. */
static void
readers_changed(struct engine *en, struct view company, struct view key, bool is_new)
{
    uint32_t      in = object_find(turn_txn(en), KIND_COMPANY, 0, company);
    uint32_t      session = in ? session_find(turn_txn(en), in, key) : 0;
    struct effect head;

    if (!session || !head_of(en, session, &head) || effect_is_put_off(&head)) return;
    release(en, &head);
    if (is_new) effect_next_comes_forward(en, &head);
}

/* Before anything of the session comes the gateway's way, it knows whose session that is. */
static void
tell_attached(struct engine *en, uint64_t reader, struct view company)
{
    const struct msg_gateway_attached m = {.reader = reader, .company = company};

    tell_gateway(en, MSG_GATEWAY_ATTACHED, &m, reader);
}

enum errc
on_session_attach(struct engine *en, const struct actor *a, const struct msg_session_attach *m,
                  struct buf *reply, struct err *e)
{
    struct reader      r = {.generation = en->memory.meta.gateway, .name = m->key};
    struct mp_open_map map;
    uint32_t           company;

    if (en->memory.meta.gateway == 0) return err_set(e, E_WRONG_STATE, "gateway.hello comes first");
    if (object_company(turn_txn(en), a, m->company, &company, e)) return e->code;
    r.company = objects_name(&en->turn.objects, company);
    r.count = readers_count(&en->memory, turn_txn(en), r.company, r.name) + 1;
    reader_save(turn_txn(en), &r);
    tell_attached(en, m->reader, r.company);
    readers_changed(en, r.company, r.name, true);
    map = mp_open(reply);
    mp_put_str(reply, &map, "company", r.company);
    mp_put_u64(reply, &map, "readers", r.count);
    mp_close(reply, &map);
    return E_OK;
}

/* By its names alone: session and company may be gone. */
enum errc
on_session_detach(struct engine *en, const struct msg_session_detach *m, struct buf *reply,
                  struct err *e)
{
    struct view        company = m->company.size ? m->company : view_str("default");
    uint32_t           count = readers_count(&en->memory, turn_txn(en), company, m->key);
    struct reader      r = {.company = company,
                            .name = m->key,
                            .count = count - 1,
                            .generation = en->memory.meta.gateway};
    struct mp_open_map map;

    if (count == 0) {
        return err_set(e, E_WRONG_STATE, "nobody reads the session \"%.*s\"", VIEW_ARG(m->key));
    }
    if (r.count) {
        reader_save(turn_txn(en), &r);
    } else {
        (void)reader_delete(turn_txn(en), &r);
        readers_changed(en, r.company, r.name, false);
    }
    map = mp_open(reply);
    mp_put_u64(reply, &map, "readers", r.count);
    mp_close(reply, &map);
    return E_OK;
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

/* What was handed out once is known by its id, also when its reader has lost the connection since;
 * who reads without a connection finds what is next in the list of effects. */
static bool
may_be_read(struct engine *en, const struct effect *ef)
{
    struct effect head;

    if (ef->status == STATUS_DELIVERED || ef->attempts > 0) return true;
    return ef->status == STATUS_PENDING && !effect_is_put_off(ef) &&
           effect_queue_head(turn_txn(en), ef, &head) && head.id == ef->id;
}

static enum errc
cannot_be_read(const struct effect *ef, struct err *e)
{
    const char *why = ef->quiet_until >= ef->allowed_at ? "quiet hours" : "the cool-down";
    char        at[40];

    if (effect_is_put_off(ef)) {
        err_set(e, E_WRONG_STATE,
                "effect %" PRIu64 " is put off by %s until %s, and no reader was sent it", ef->id,
                why, instant_text(ef->not_before, at, sizeof(at)));
    } else if (ef->status == STATUS_PENDING) {
        err_set(e, E_WRONG_STATE,
                "effect %" PRIu64 " is not the next of its session, and no reader was sent it",
                ef->id);
    } else {
        err_set(e, E_WRONG_STATE, "effect %" PRIu64 " is %s, and no reader was sent it", ef->id,
                effect_status_name(ef->status));
    }
    return err_hint(e, "agentctl effect why %" PRIu64, ef->id);
}

enum errc
on_effect_ack(struct engine *en, const struct actor *a, const struct msg_effect_ack *m,
              struct buf *reply, struct err *e)
{
    struct effect      ef = {.id = m->id};
    struct mp_open_map map;
    uint32_t           session;

    if (session_named(en, a, m->company, m->session, &session, e)) return e->code;
    if (effect_load(turn_txn(en), &ef) != LOAD_FOUND || ef.session != session) {
        err_set(e, E_NOT_FOUND, "there is no effect %" PRIu64 " in this session", m->id);
        return err_hint(e, "agentctl effect list --session %.*s", VIEW_ARG(m->session));
    }
    if (!ef.to_reader) {
        err_set(e, E_WRONG_STATE, "effect %" PRIu64 " is not for readers", m->id);
        return err_hint(e, "agentctl effect why %" PRIu64, m->id);
    }
    if (!may_be_read(en, &ef)) return cannot_be_read(&ef, e);
    if (ef.status == STATUS_ATTEMPTING || ef.status == STATUS_PENDING) delivered(en, &ef);
    map = mp_open(reply);
    mp_put_u64(reply, &map, "id", ef.id);
    mp_put_cstr(reply, &map, "status", effect_status_name(ef.status));
    mp_close(reply, &map);
    return E_OK;
}
