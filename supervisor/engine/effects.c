#include "supervisor/engine/effects.h"

#include "supervisor/engine/feed.h"
#include "supervisor/engine/idmap.h"
#include "supervisor/engine/inside.h"
#include "supervisor/engine/messages.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/readers.h"
#include "supervisor/engine/sinks.h"

#include <assert.h>
#include <inttypes.h>

static const char *const kind_names[EFFECT_KIND_COUNT] = {[EFFECT_NONE] = "none",
#define E(name, text) [EFFECT_##name] = text,
                                                          EFFECT_KINDS(E)
#undef E
};
static const char *const status_names[STATUS_COUNT] = {[STATUS_NONE] = "none",
#define E(name, text) [STATUS_##name] = text,
                                                       EFFECT_STATUSES(E)
#undef E
};

const char *
effect_kind_name(enum effect_kind k)
{
    assert(k < EFFECT_KIND_COUNT);
    return kind_names[k];
}

const char *
effect_status_name(enum effect_status s)
{
    assert(s < STATUS_COUNT);
    return status_names[s];
}

enum effect_kind
effect_kind_from(struct view name)
{
    for (enum effect_kind k = EFFECT_NONE + 1; k < EFFECT_KIND_COUNT; k++) {
        if (view_is(name, kind_names[k])) return k;
    }
    return EFFECT_NONE;
}

enum effect_status
effect_status_from(struct view name)
{
    for (enum effect_status s = STATUS_NONE + 1; s < STATUS_COUNT; s++) {
        if (view_is(name, status_names[s])) return s;
    }
    return STATUS_NONE;
}

enum errc
effect_unknown(uint64_t id, struct err *e)
{
    err_set(e, E_NOT_FOUND, "there is no effect %" PRIu64, id);
    return err_hint(e, "agentctl effect list; settled ones go by age");
}

/* ---- commit ------------------------------------------------------------------- */

enum errc
effects_check(struct engine *en, const struct job_state *j, struct view effects, struct err *e)
{
    struct list_iter it = list_iter_of(effects);
    struct view      item, kind;

    while (list_next(&it, &item)) {
        if (!mp_find_str(item, "kind", &kind))
            return err_set(e, E_BAD_REQUEST, "an effect without a kind");
        if (inside_kind(kind)) {
            if (inside_check(item, e)) return e->code;
            continue;
        }
        if (message_kind(kind)) {
            if (message_check(en, j, message_kind(kind), item, e)) return e->code;
            continue;
        }
        return err_set(e, E_BAD_REQUEST, "effect \"%.*s\" is not supported by this version",
                       VIEW_ARG(kind));
    }
    return E_OK;
}

void
effect_told(struct engine *en, enum feed_type type, const struct effect *ef)
{
    struct mp_open_map m = feed_open(en, type, ef->company);
    struct buf        *b = feed_buf(en);

    mp_put_u64(b, &m, "effect", ef->id);
    mp_put_cstr(b, &m, "kind", effect_kind_name(ef->kind));
    mp_put_cstr(b, &m, "status", effect_status_name(ef->status));
    mp_put_time(b, &m, "job", (int64_t)ef->job); /* nil for none */
    mp_put_time(b, &m, "parent", (int64_t)ef->job);
    mp_put_time(b, &m, "root", (int64_t)ef->root);
    if (ef->sink) mp_put_str(b, &m, "sink", objects_name(&en->turn.objects, ef->sink));
    if (ef->reason.size) mp_put_str(b, &m, "reason", ef->reason);
    feed_close(en, &m);
}

/* The key is the hash of checkpoint, kind, payload, and the ordinal among equals, so a replay is
 * harmless (D4). */
static struct hash128
dedupe_key(const struct effect *ef, struct view payload, uint32_t ordinal)
{
    struct buf b   BUF_AUTO = {0};
    const uint64_t fixed[] = {ef->session, ef->sink, ef->checkpoint_id, ef->job, ef->kind, ordinal};

    buf_add(&b, fixed, sizeof(fixed));
    buf_add_view(&b, payload);
    return hash128(buf_view(&b));
}

bool
effect_queue_head(struct txn *t, const struct effect *ef, struct effect *head)
{
    struct effect key = {.session = ef->session, .sink = ef->sink};
    struct scan   s;
    bool          found;

    scan_open(&s, t, INDEX_effect_queue, &key, 2, 2);
    found = scan_next(&s, &key);
    *head = (struct effect){.id = key.id};
    scan_close(&s);
    return found && effect_load(t, head) == LOAD_FOUND;
}

int64_t
effect_put_off_until(const struct effect *ef)
{
    int64_t allowed_at = ef->status == STATUS_PENDING ? ef->allowed_at : 0;

    return ef->quiet_until > allowed_at ? ef->quiet_until : allowed_at;
}

static int64_t
earliest(const struct engine *en, const struct effect *ef)
{
    int64_t at = effect_put_off_until(ef);

    return at > en->turn.now.wall_ms ? at : en->turn.now.wall_ms;
}

/* When one that waits for no other may be sent. */
static int64_t
first_send(struct engine *en, const struct effect *ef)
{
    if (ef->to_reader && !readers_has(en, ef->session)) return WAITS_FOR_READER;
    return earliest(en, ef);
}

void
effect_next_comes_forward(struct engine *en, const struct effect *before)
{
    struct effect head;

    if (!effect_queue_head(turn_txn(en), before, &head) || head.not_before != BEHIND_ANOTHER)
        return;
    head.not_before = first_send(en, &head);
    effect_save(turn_txn(en), &head);
}

static uint64_t
root_of(struct engine *en, uint64_t job)
{
    struct job_spec spec = {.id = job};

    return job && job_spec_load(turn_txn(en), &spec) == LOAD_FOUND ? spec.root : job;
}

/* What its sink says, from the time at which it might be sent (D4). */
static int64_t
not_after(struct engine *en, const struct effect *ef)
{
    int64_t ms =
        ef->kind == EFFECT_PING ? NO_LIMIT : sink_not_after_ms(&en->turn.objects, ef->sink);

    return ms == NO_LIMIT ? 0 : earliest(en, ef) + ms;
}

bool
effect_is_put_off(const struct effect *ef)
{
    return ef->place >= PLACES_PUT_OFF && ef->not_before != BEHIND_ANOTHER;
}

/* The quiet hours of a schedule's messages hold back those behind them, too: in their places. */
bool
effect_may_be_released(const struct effect *ef, int64_t now_ms)
{
    return ef->status == STATUS_PENDING && effect_put_off_until(ef) > now_ms &&
           (effect_is_put_off(ef) || !ef->autonomous);
}

static bool
has_head(struct engine *en, const struct effect *ef)
{
    struct effect head;

    return effect_queue_head(turn_txn(en), ef, &head) && !effect_is_put_off(&head);
}

void
effect_take_place(struct engine *en, struct effect *ef)
{
    bool is_pending = ef->status == STATUS_PENDING;

    ef->place = en->memory.meta.next_place++;
    if (is_pending && ef->autonomous && earliest(en, ef) > en->turn.now.wall_ms) {
        ef->place += PLACES_PUT_OFF;
        ef->not_before = earliest(en, ef);
    } else {
        ef->not_before = is_pending && has_head(en, ef) ? BEHIND_ANOTHER : first_send(en, ef);
    }
}

void
effect_resume_place(struct engine *en, struct effect *ef)
{
    struct effect head;
    uint64_t      place = ef->place;

    ef->not_before = first_send(en, ef);
    if (!effect_queue_head(turn_txn(en), ef, &head) || effect_is_put_off(&head)) return;
    if (head.place < place || head.status == STATUS_ATTEMPTING) ef->not_before = BEHIND_ANOTHER;
    if (head.place < place) return;
    if (head.status == STATUS_ATTEMPTING) {
        ef->place = head.place;
        head.place = place;
    } else if (head.not_before <= en->turn.now.wall_ms) {
        head.not_before = BEHIND_ANOTHER;
    } else {
        return; /* it waits for its next try: until then, and for those before it */
    }
    effect_save(turn_txn(en), &head);
}

/* It has waited for its next try while one before it came back. */
static bool
is_overtaken(struct engine *en, const struct effect *ef)
{
    struct effect head;

    return ef->status == STATUS_PENDING && ef->attempts > 0 &&
           effect_queue_head(turn_txn(en), ef, &head) && head.id != ef->id;
}

bool
effect_comes_due(struct engine *en, struct effect *ef)
{
    if (effect_is_put_off(ef)) {
        effect_take_place(en, ef);
    } else if (is_overtaken(en, ef)) {
        ef->not_before = BEHIND_ANOTHER;
    } else {
        return true;
    }
    effect_save(turn_txn(en), ef);
    return ef->not_before <= en->turn.now.wall_ms;
}

/* At the end of its queue, or in the place that it has, with the time that its sink gives it. */
static void
take_place(struct engine *en, struct effect *ef, bool has_place)
{
    ef->to_reader = sink_is_gateway(&en->turn.objects, ef->sink);
    if (!has_place) {
        effect_take_place(en, ef);
    } else if (ef->not_before != BEHIND_ANOTHER) {
        ef->not_before = first_send(en, ef);
    }
    if (ef->status == STATUS_PENDING && ef->not_after == 0) ef->not_after = not_after(en, ef);
}

static void
write_effect(struct engine *en, struct effect *ef, struct view payload, uint32_t ordinal)
{
    if (ef->id == 0) ef->id = en->memory.meta.next_effect++;
    ef->root = root_of(en, ef->job);
    ef->created_at = en->turn.now.wall_ms;
    ef->updated_at = ef->created_at;
    take_place(en, ef, false);
    ef->dedupe = dedupe_key(ef, payload, ordinal);
    ef->payload = payload;
    if (payload.size > BLOB_FROM) {
        bytes_save(turn_txn(en), BLOB_EFFECT, ef->id, payload);
        ef->payload_bytes = (uint32_t)payload.size;
        ef->payload = (struct view){0};
    }
    effect_save(turn_txn(en), ef);
}

static const enum feed_type written_types[STATUS_COUNT] = {
    [STATUS_PENDING] = FEED_EFFECT_PENDING,
    [STATUS_DELIVERED] = FEED_EFFECT_DELIVERED,
    [STATUS_REJECTED] = FEED_EFFECT_REJECTED,
    [STATUS_SUPPRESSED] = FEED_EFFECT_SUPPRESSED,
};

void
effect_record(struct engine *en, struct effect *ef, struct view payload, uint32_t ordinal)
{
    write_effect(en, ef, payload, ordinal);
    effect_told(en, written_types[ef->status], ef);
}

void
effect_suppress(struct effect *ef, const char *reason)
{
    ef->status = STATUS_SUPPRESSED;
    ef->reason = view_str(reason);
}

void
effect_write_to(struct engine *en, struct effect *ef, struct view payload, uint32_t ordinal,
                const uint32_t *sinks, uint32_t count)
{
    int64_t own = ef->not_after;

    for (uint32_t i = 0; i < count || i == 0; i++) {
        ef->sink = count ? sinks[i] : 0;
        ef->id = 0; /* each its own */
        ef->not_after = own;
        write_effect(en, ef, payload, ordinal);
        effect_told(en, written_types[ef->status], ef);
    }
}

void
effect_again(struct engine *en, struct effect *ef)
{
    bool has_place = ef->status == STATUS_PENDING && !effect_is_put_off(ef);

    ef->status = STATUS_PENDING;
    ef->held = 0;
    ef->attempts = 0;
    ef->resends++;
    ef->reason = (struct view){0};
    ef->allowed_at = 0;
    ef->quiet_until = 0;
    ef->not_after = 0;
    ef->updated_at = en->turn.now.wall_ms;
    take_place(en, ef, has_place);
    effect_save(turn_txn(en), ef);
    effect_told(en, FEED_EFFECT_PENDING, ef);
}

/* How many equal ones came before it; `seen` counts them by their hash. */
static uint32_t
ordinal_of(struct engine *en, struct idmap *seen, struct view item)
{
    struct arena *a = txn_arena(turn_txn(en));
    uint64_t      id = hash64(item, 0) | 1; /* 0 is none */
    uint32_t     *count = idmap_get(seen, id);

    if (!count) {
        count = arena_alloc(a, sizeof(*count));
        *count = 0;
        idmap_put(seen, a, id, count);
    }
    return (*count)++;
}

void
effects_commit(struct engine *en, const struct job_state *j, uint64_t checkpoint_id,
               struct view effects)
{
    struct list_iter it = list_iter_of(effects);
    struct idmap     seen = {0};
    struct view      item, kind = {0};
    struct messages  ms;

    messages_begin(en, &ms, j, checkpoint_id);
    while (list_next(&it, &item)) {
        uint32_t      ordinal = ordinal_of(en, &seen, item);
        struct effect ef = {.company = j->company,
                            .session = j->session,
                            .job = j->id,
                            .checkpoint_id = checkpoint_id,
                            .event = ms.event,
                            .status = STATUS_PENDING};

        (void)mp_find_str(item, "kind", &kind);
        if (message_kind(kind)) {
            messages_add(en, &ms, message_kind(kind), item, ordinal);
            continue;
        }
        ef.kind = (uint8_t)inside_kind(kind);
        if (ms.is_shadow) {
            effect_suppress(&ef, "shadow mode");
            effect_write_to(en, &ef, item, ordinal, NULL, 0);
        } else {
            inside_commit(en, &ef, item, ordinal);
        }
    }
    messages_end(en, &ms);
}

void
effect_post(struct engine *en, struct effect *ef, struct view payload)
{
    write_effect(en, ef, payload, (uint32_t)en->memory.meta.next_effect);
    effect_told(en, FEED_EFFECT_PENDING, ef);
}

void
effects_note(struct engine *en, uint32_t company, uint32_t session, const uint32_t *sinks,
             uint32_t count, struct view payload)
{
    for (uint32_t i = 0; i < count; i++) {
        struct effect ef = {.company = company,
                            .session = session,
                            .sink = sinks[i],
                            .kind = EFFECT_NOTIFY,
                            .status = STATUS_PENDING};

        effect_post(en, &ef, payload);
    }
}
