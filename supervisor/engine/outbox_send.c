#include "supervisor/engine/outbox.h"

#include "supervisor/engine/effects.h"
#include "supervisor/engine/emergency.h"
#include "supervisor/engine/fleet.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/readers.h"
#include "supervisor/engine/session_close.h"
#include "supervisor/engine/shares.h"
#include "supervisor/engine/sinks.h"

#include <inttypes.h>

#define PING_TIMEOUT_MS 10000
#define EXAMINED_MAX    256 /* due effects looked at in one turn */

/* ---- one ---------------------------------------------------------------------- */

/* What bars sending it, or asking its sink; NULL: nothing. */
static const char *
obstacle(struct engine *en, const struct effect *ef)
{
    struct objects *o = &en->turn.objects;
    struct session  s = {.id = ef->session};

    if (ef->kind != EFFECT_PING && !objects_get(o, ef->sink)) {
        return ef->probe ? "its sink, which could tell, is no longer declared"
                         : "its sink is no longer declared";
    }
    if (!objects_get(o, ef->company)) {
        return ef->probe ? "its company was removed before its sink was asked"
                         : "its company was removed";
    }
    if (ef->probe && sink_doubt(o, ef->sink) != DOUBT_PROBE)
        return "its sink, which could tell, is of another kind now";
    if (ef->probe || ef->session == 0 || session_load(turn_txn(en), &s) != LOAD_FOUND) return NULL;
    return session_gone(en, &s);
}

/* It is not sent.  Whether one of unknown outcome was sent can no longer be asked: it stays
 * unknown. */
static void
give_up(struct engine *en, struct effect *ef, const char *reason)
{
    if (ef->status == STATUS_PENDING) {
        outbox_settle(en, ef, STATUS_FAILED, view_str(reason), FEED_EFFECT_FAILED);
        return;
    }
    outbox_stays_unknown(en, ef, view_str(reason));
}

/* What the worker takes for a sink: the declared one, or the URL of a ping; empty for none. */
static struct view
target(struct engine *en, const struct effect *ef, struct view payload)
{
    const struct object_entry *sink = objects_get(&en->turn.objects, ef->sink);
    struct buf b               BUF_AUTO = {0};
    struct msg_sink            ping = {.name = view_str("ping"), .kind = view_str("ping")};

    if (ef->kind != EFFECT_PING) return sink ? sink->row.spec : (struct view){0};
    if (!mp_find_str(payload, "url", &ping.path)) return (struct view){0};
    SET_HAS(&ping, sink, path);
    msg_pack(msg_desc(MSG_SINK), &ping, &b);
    return arena_copy(txn_arena(turn_txn(en)), buf_view(&b));
}

static void
send(struct engine *en, struct effect *ef, unsigned worker)
{
    const char            *reason = obstacle(en, ef);
    struct view            payload = ef->payload;
    struct buf document    BUF_AUTO = {0};
    struct msg_effect_send m = {0};
    struct fleet_lease    *l;

    if (!ef->probe && outbox_is_disabled(&en->memory, ef)) {
        outbox_refuse(en, ef);
        return;
    }
    if (reason) {
        give_up(en, ef, reason);
        return;
    }
    if (ef->payload_bytes &&
        bytes_load(turn_txn(en), BLOB_EFFECT, ef->id, ef->payload_bytes, &payload) != LOAD_FOUND) {
        outbox_settle(en, ef, STATUS_FAILED, view_str("its payload is damaged"),
                      FEED_EFFECT_FAILED);
        return;
    }
    ef->token = en->memory.meta.next_token++;
    ef->held = 0;
    if (!ef->probe) {
        ef->attempts++;
        ef->status = STATUS_ATTEMPTING;
        ef->last_attempt_at = en->turn.now.wall_ms;
    }
    ef->updated_at = en->turn.now.wall_ms;
    outbox_document(en, ef, payload, &document);
    l = &en->memory.leases[fleet_take(en, worker, LEASE_EFFECT, ef->id, ef->token, false)];
    l->sink = ef->sink;
    l->seq = fleet_next_seq(en, worker);
    m.seq = l->seq;
    m.slot = fleet_slot(en, l);
    m.token = ef->token;
    m.effect = ef->id;
    if (ef->probe) {
        m.probe = true;
        SET_HAS(&m, effect_send, probe);
        m.attempted_at = ef->last_attempt_at;
        SET_HAS(&m, effect_send, attempted_at);
    }
    m.lease = view_str(arena_printf(txn_arena(turn_txn(en)), "%016" PRIx64 "-%" PRIu64,
                                    store_incarnation(en->store), ef->token));
    m.sink = target(en, ef, payload);
    m.document = buf_view(&document);
    m.max_run_ms =
        ef->kind == EFFECT_PING ? PING_TIMEOUT_MS : sink_timeout_ms(&en->turn.objects, ef->sink);
    fleet_send(en, worker, ef->token, MSG_EFFECT_SEND, &m);
    effect_save(turn_txn(en), ef);
}

static bool
is_too_late(const struct engine *en, const struct effect *ef)
{
    return ef->status == STATUS_PENDING && ef->not_after && ef->not_after <= en->turn.now.wall_ms;
}

/* ---- all that are due ---------------------------------------------------------- */

/* What the index has at the scan's place and may be sent, into *ef; false, and *ef zeroed, when
 * nothing is left that is due. */
static bool
next_due(struct engine *en, struct scan *s, unsigned *examined, struct effect *ef)
{
    struct effect key;

    while (scan_next_key(s, &key) && key.not_before <= en->turn.now.wall_ms) {
        if (++*examined > EXAMINED_MAX) {
            en->turn.due_again = true;
            break;
        }
        *ef = (struct effect){.id = key.id};
        if (effect_load(turn_txn(en), ef) != LOAD_FOUND || ef->token != 0) continue;
        if (is_too_late(en, ef)) continue; /* it expires as soon as a turn has room */
        if (effect_comes_due(en, ef)) return true;
    }
    *ef = (struct effect){0};
    return false;
}

/* Its sink has its share: what is behind it goes before it. */
static void
hold(struct engine *en, uint64_t id)
{
    struct effect ef = {.id = id};

    if (effect_load(turn_txn(en), &ef) != LOAD_FOUND) return;
    ef.held = 1;
    effect_save(turn_txn(en), &ef);
}

static bool
is_before(const struct effect *a, const struct effect *b)
{
    if (b->id == 0 || a->not_before != b->not_before)
        return b->id == 0 || a->not_before < b->not_before;
    return a->place < b->place;
}

/* The oldest that was held and whose sink has something left of its share now.  Behind one that is
 * too late its sink's others wait until that has expired. */
static bool
oldest_held(struct engine *en, const struct shares *shares, struct effect *oldest)
{
    struct effect ef = {0};
    struct scan   s;

    *oldest = ef;
    scan_open(&s, turn_txn(en), INDEX_effect_held, &ef, 0, 0);
    while (scan_next(&s, &ef)) {
        bool is_barred = shares_bar(&en->memory, shares, ef.sink) != SHARE_LEFT;

        if (!is_barred && !is_too_late(en, &ef) && ef.not_before <= en->turn.now.wall_ms &&
            is_before(&ef, oldest)) {
            *oldest = ef;
        }
        ef.sink++;
        scan_seek(&s, &ef, 1);
    }
    scan_close(&s);
    return oldest->id != 0;
}

/* In the order of their times; what was held takes its place in it. */
static void
dispatch_messages(struct engine *en)
{
    struct effect from = {0}, next = {0}, held;
    struct shares shares;
    struct scan   s;
    unsigned      examined = 0;
    int           worker;

    scan_open(&s, turn_txn(en), INDEX_effect_pending, &from, 0, 0);
    while ((worker = fleet_pick_for_delivery(&en->memory, DELIVERIES_MAX)) >= 0) {
        struct effect ef;

        shares_count(&en->memory, &shares);
        while (next.id || next_due(en, &s, &examined, &next)) {
            if (shares_bar(&en->memory, &shares, next.sink) == SHARE_LEFT) break;
            hold(en, next.id);
            next.id = 0;
        }
        ef.id = oldest_held(en, &shares, &held) && is_before(&held, &next) ? held.id : next.id;
        if (ef.id == 0 || effect_load(turn_txn(en), &ef) != LOAD_FOUND) break;
        if (ef.id == next.id) {
            next.id = 0;
        } else if (++examined > EXAMINED_MAX) {
            en->turn.due_again = true;
            break;
        }
        send(en, &ef, (unsigned)worker);
    }
    scan_close(&s);
}

/* Servers that hang hold up pings only: half of the room is for the others. */
static void
dispatch_pings(struct engine *en)
{
    struct effect ef = {0};
    struct scan   s;
    unsigned      examined = 0;
    int           worker;

    scan_open(&s, turn_txn(en), INDEX_effect_ping, &ef, 0, 0);
    while ((worker = fleet_pick_for_delivery(&en->memory, DELIVERIES_MAX / 2)) >= 0 &&
           next_due(en, &s, &examined, &ef))
        send(en, &ef, (unsigned)worker);
    scan_close(&s);
}

void
outbox_dispatch(struct engine *en)
{
    if (!emergency_may_send(&en->memory)) return;
    dispatch_messages(en);
    dispatch_pings(en);
    readers_dispatch(en);
}
