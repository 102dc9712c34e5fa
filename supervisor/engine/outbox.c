#include "supervisor/engine/outbox.h"

#include "common/log.h"
#include "supervisor/engine/effects.h"
#include "supervisor/engine/feed.h"
#include "supervisor/engine/fleet.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/policy.h"
#include "supervisor/engine/shares.h"
#include "supervisor/engine/sinks.h"

#include <string.h>

#define PROBE_RETRY_MS   60000
#define PING_RETRY_MS    5000 /* before the second try; twice that before the third */
#define PINGS_QUEUED_MAX 10   /* of one schedule */

/* ---- delivery ----------------------------------------------------------------- */

void
outbox_document(struct engine *en, const struct effect *ef, struct view payload, struct buf *b)
{
    static const char *const said[] = {"message", "content", "metadata"};

    struct session     s = {.id = ef->session};
    struct mp_open_map m = mp_open(b);
    struct view        value;

    mp_put_u64(b, &m, "effect_id", ef->id);
    mp_put_cstr(b, &m, "kind", effect_kind_name(ef->kind));
    mp_put_i64(b, &m, "created_at", ef->created_at);
    mp_put_str(b, &m, "company", objects_name(&en->turn.objects, ef->company));
    if (ef->session && session_load(turn_txn(en), &s) == LOAD_FOUND)
        mp_put_str(b, &m, "session", s.name);
    mp_put_time(b, &m, "job", (int64_t)ef->job); /* nil for none */
    if (ef->event) mp_put_u64(b, &m, "event", ef->event);
    if (ef->event) mp_put_bool(b, &m, "autonomous", ef->autonomous);
    for (size_t i = 0; i < ARRAY_LEN(said); i++) {
        if (mp_find(payload, said[i], &value)) mp_put_raw(b, &m, said[i], value);
    }
    mp_close(b, &m);
}

void
outbox_settle(struct engine *en, struct effect *ef, enum effect_status status, struct view reason,
              enum feed_type type)
{
    ef->status = (uint8_t)status;
    ef->reason = reason;
    ef->probe = status == STATUS_UNKNOWN && /* the sink is asked before it is sent again */
                sink_doubt(&en->turn.objects, ef->sink) == DOUBT_PROBE;
    ef->token = 0;
    ef->held = 0;
    ef->updated_at = en->turn.now.wall_ms;
    effect_save(turn_txn(en), ef);
    effect_told(en, type, ef);
    if (status != STATUS_PENDING) effect_next_comes_forward(en, ef);
}

void
outbox_stays_unknown(struct engine *en, struct effect *ef, struct view reason)
{
    ef->token = 0;
    ef->probe = 0;
    ef->held = 0;
    ef->reason = reason;
    ef->updated_at = en->turn.now.wall_ms;
    effect_save(turn_txn(en), ef);
    effect_told(en, FEED_EFFECT_UNKNOWN, ef);
}

bool
outbox_is_disabled(const struct memory *m, const struct effect *ef)
{
    return ef->autonomous && ef->resends == 0 && !m->limits.session_enabled;
}

void
outbox_refuse(struct engine *en, struct effect *ef)
{
    ef->allowed_at = 0; /* nobody knows when it would be */
    outbox_settle(en, ef, STATUS_REJECTED, view_str(policy_reason(POLICY_DISABLED)),
                  FEED_EFFECT_REJECTED);
}

/* ---- outcomes ----------------------------------------------------------------- */

static bool
has_attempts_left(struct engine *en, const struct effect *ef)
{
    return ef->attempts < sink_attempts_max(&en->turn.objects, ef->sink);
}

static int64_t
ladder_wait_ms(const struct engine *en, const struct effect *ef)
{
    const struct limits *l = &en->memory.limits;
    uint32_t             step = ef->attempts ? ef->attempts - 1 : 0;

    if (l->ladder_steps == 0) return 0;
    return l->ladder_ms[step < l->ladder_steps ? step : l->ladder_steps - 1];
}

/* It is tried again; its followers wait. */
static void
send_again(struct engine *en, struct effect *ef, struct view reason, int64_t wait_ms)
{
    ef->not_before = en->turn.now.wall_ms + wait_ms;
    outbox_settle(en, ef, STATUS_PENDING, reason, FEED_EFFECT_PENDING);
}

/* A send that surely did not happen.  When its sink says when to come again, that wins over the
 * ladder. */
static void
not_sent(struct engine *en, struct effect *ef, const struct msg_effect_done *m)
{
    if (m->final || !has_attempts_left(en, ef)) {
        outbox_settle(en, ef, STATUS_FAILED, m->message, FEED_EFFECT_FAILED);
    } else {
        send_again(en, ef, m->message, m->after_ms > 0 ? m->after_ms : ladder_wait_ms(en, ef));
    }
}

/* A ping that was not delivered, or of which nobody knows: asking once more does no harm. */
static void
ping_again(struct engine *en, struct effect *ef, struct view reason)
{
    struct effect key = {.session = ef->session, .sink = ef->sink};
    struct scan   s;
    bool          is_overtaken;

    scan_open(&s, turn_txn(en), INDEX_effect_queue, &key, 2, 2);
    is_overtaken = scan_next_key(&s, &key) && scan_next_key(&s, &key);
    scan_close(&s);
    if (ef->attempts >= PING_ATTEMPTS_MAX || is_overtaken) {
        outbox_settle(en, ef, STATUS_FAILED, reason, FEED_EFFECT_FAILED);
        return;
    }
    ef->not_before = en->turn.now.wall_ms + PING_RETRY_MS * ef->attempts;
    outbox_settle(en, ef, STATUS_PENDING, reason, FEED_EFFECT_PENDING);
}

void
outbox_gives_way(struct engine *en, const struct effect *newer)
{
    struct effect key = {.session = newer->session, .sink = newer->sink}, oldest = {0};
    struct scan   s;
    unsigned      count = 0;

    scan_open(&s, turn_txn(en), INDEX_effect_queue, &key, 2, 2);
    for (; scan_next(&s, &key); count++) {
        if (oldest.id == 0 && key.status == STATUS_PENDING) oldest.id = key.id;
    }
    scan_close(&s);
    if (oldest.id == 0 || effect_load(turn_txn(en), &oldest) != LOAD_FOUND) return;
    if (oldest.attempts > 0 || count >= PINGS_QUEUED_MAX)
        outbox_settle(en, &oldest, STATUS_FAILED, view_str("newer ones took its place"),
                      FEED_EFFECT_FAILED);
}

/* It was not sent, whatever became of the attempt: it may be sent now, before those behind it that
 * are still there. */
static void
absent(struct engine *en, struct effect *ef, struct view reason)
{
    if (!has_attempts_left(en, ef)) {
        outbox_settle(en, ef, STATUS_FAILED, reason, FEED_EFFECT_FAILED);
        return;
    }
    effect_resume_place(en, ef);
    outbox_settle(en, ef, STATUS_PENDING, reason, FEED_EFFECT_PENDING);
}

/* Whether it was sent nobody knows.  It is never sent again blindly, but where that does no harm
 * (D4). */
static void
unknown(struct engine *en, struct effect *ef, struct view reason, int64_t wait_ms)
{
    if (sink_doubt(&en->turn.objects, ef->sink) == DOUBT_SEND_AGAIN && has_attempts_left(en, ef)) {
        send_again(en, ef, reason, wait_ms);
        return;
    }
    outbox_settle(en, ef, STATUS_UNKNOWN, reason, FEED_EFFECT_UNKNOWN);
}

/* The probe could not be made: it is made again later; nothing is sent meanwhile. */
static void
probe_again(struct engine *en, struct effect *ef, struct view reason)
{
    ef->token = 0;
    ef->reason = reason;
    ef->updated_at = en->turn.now.wall_ms;
    ef->not_before = en->turn.now.wall_ms + PROBE_RETRY_MS;
    effect_save(turn_txn(en), ef);
}

static void
judge(struct engine *en, const struct effect *ef)
{
    shares_judge(&en->memory, ef->sink, en->turn.now.wall_ms - ef->last_attempt_at,
                 sink_timeout_ms(&en->turn.objects, ef->sink));
}

void
outbox_done(struct engine *en, uint32_t slot, const struct msg_effect_done *m)
{
    struct effect ef = {.id = en->memory.leases[slot].id};
    uint64_t      token = en->memory.leases[slot].token;

    fleet_free(en, slot);
    if (effect_load(turn_txn(en), &ef) != LOAD_FOUND || ef.token != token) return;
    if (ef.status == STATUS_ATTEMPTING && ef.kind != EFFECT_PING) judge(en, &ef);
    if (view_is(m->outcome, "delivered")) {
        ef.receipt = m->receipt;
        outbox_settle(en, &ef, STATUS_DELIVERED, (struct view){0}, FEED_EFFECT_DELIVERED);
    } else if (ef.kind == EFFECT_PING) {
        ping_again(en, &ef, m->message);
    } else if (view_is(m->outcome, "absent") && ef.probe) {
        absent(en, &ef, view_str("a probe did not find it at the sink"));
    } else if (ef.probe && m->final) {
        outbox_stays_unknown(en, &ef, m->message);
    } else if (ef.probe) {
        probe_again(en, &ef, m->message);
    } else if (view_is(m->outcome, "failed")) {
        not_sent(en, &ef, m);
    } else {
        unknown(en, &ef, m->message, ladder_wait_ms(en, &ef));
    }
}

static void
lost(struct engine *en, uint64_t id, uint64_t token, const char *reason)
{
    struct effect ef = {.id = id};

    if (effect_load(turn_txn(en), &ef) != LOAD_FOUND || ef.token != token) return;
    if (ef.kind == EFFECT_PING) {
        ping_again(en, &ef, view_str(reason));
    } else if (ef.probe) {
        ef.token = 0;
        ef.updated_at = en->turn.now.wall_ms;
        effect_save(turn_txn(en), &ef);
    } else {
        unknown(en, &ef, view_str(reason), 0); /* the sink has no part in it */
    }
}

void
outbox_lost(struct engine *en, uint32_t slot)
{
    struct fleet_lease l = en->memory.leases[slot];

    fleet_free(en, slot);
    lost(en, l.id, l.token,
         en->memory.is_draining ? "agentd was stopped while it was being sent"
                                : "the worker that was sending it died");
}

/* ---- an earlier agentd's deliveries ------------------------------------------- */

/* Calls fn for each that some worker sent, or asked the sink of, until it returns true. */
static bool
each_held(struct engine *en, bool (*fn)(struct engine *, const struct effect *, uint64_t),
          uint64_t       token)
{
    const enum index_id indexes[] = {INDEX_effect_attempting, INDEX_effect_pending};
    bool                is_over = false;

    for (size_t i = 0; i < ARRAY_LEN(indexes) && !is_over; i++) {
        struct effect ef = {0};
        struct scan   s;

        scan_open(&s, turn_txn(en), indexes[i], &ef, 0, 0);
        while (!is_over && scan_next(&s, &ef))
            is_over = ef.token != 0 && fn(en, &ef, token);
        scan_close(&s);
    }
    return is_over;
}

static bool
ask_old_lease(struct engine *en, const struct effect *ef, uint64_t none)
{
    (void)none;
    turn_output(en, OUT_OLD_LEASE)->token = ef->token;
    en->memory.old_leases++;
    return false;
}

void
outbox_at_boot(struct engine *en)
{
    (void)each_held(en, ask_old_lease, 0);
}

static bool
lose_lease(struct engine *en, const struct effect *ef, uint64_t token)
{
    if (ef->token != token) return false;
    lost(en, ef->id, token, "agentd ended while it was being sent");
    return true;
}

bool
outbox_lease_gone(struct engine *en, uint64_t token)
{
    return each_held(en, lose_lease, token);
}

/* ---- due ---------------------------------------------------------------------- */

void
outbox_due(struct engine *en)
{
    struct effect key = {0};
    struct scan   s;

    scan_open(&s, turn_txn(en), INDEX_effect_expiry, &key, 0, 0);
    while (en->turn.due_left && scan_next_key(&s, &key) && key.not_after <= en->turn.now.wall_ms) {
        struct effect ef = {.id = key.id};

        en->turn.due_left--;
        if (effect_load(turn_txn(en), &ef) != LOAD_FOUND) continue;
        outbox_settle(en, &ef, STATUS_EXPIRED, view_str("not sent in time"), FEED_EFFECT_EXPIRED);
    }
    scan_close(&s);
}

int64_t
outbox_expiry_deadline(struct engine *en)
{
    struct effect key = {0};
    struct scan   s;
    int64_t       at = INT64_MAX;

    scan_open(&s, turn_txn(en), INDEX_effect_expiry, &key, 0, 0);
    if (scan_next_key(&s, &key)) at = key.not_after;
    scan_close(&s);
    return at;
}

static int64_t
first_later(struct engine *en, enum index_id index)
{
    struct effect key = {0};
    struct scan   s;
    int64_t       at = INT64_MAX;

    scan_open(&s, turn_txn(en), index, &key, 0, 0);
    /* What is due already waits for a worker or for the one before it: their reports wake the loop.
     */
    while (scan_next_key(&s, &key)) {
        if (key.not_before <= en->turn.now.wall_ms) {
            key.not_before = en->turn.now.wall_ms + 1;
            scan_seek(&s, &key, 1);
            continue;
        }
        at = key.not_before;
        break;
    }
    scan_close(&s);
    return at;
}

/* Those that are held are due, but for a clock that went back since. */
static int64_t
first_held_later(struct engine *en)
{
    struct effect key = {0};
    struct scan   s;
    int64_t       at = INT64_MAX;

    scan_open(&s, turn_txn(en), INDEX_effect_held, &key, 0, 0);
    while (scan_next_key(&s, &key)) {
        if (key.not_before > en->turn.now.wall_ms) at = earlier(at, key.not_before);
        key.sink++;
        scan_seek(&s, &key, 1);
    }
    scan_close(&s);
    return at;
}

int64_t
outbox_deadline(struct engine *en)
{
    int64_t at = earlier(first_later(en, INDEX_effect_pending), first_held_later(en));

    at = earlier(at, first_later(en, INDEX_effect_ping));
    return earlier(at, first_later(en, INDEX_effect_reader));
}
