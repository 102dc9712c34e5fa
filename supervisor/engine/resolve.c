#include "supervisor/engine/resolve.h"

#include "supervisor/engine/audit.h"
#include "supervisor/engine/bulk.h"
#include "supervisor/engine/effect_walk.h"
#include "supervisor/engine/effects.h"
#include "supervisor/engine/messages.h"
#include "supervisor/engine/outbox.h"
#include "supervisor/engine/sessions.h"
#include "supervisor/engine/sinks.h"
#include "supervisor/engine/views.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#define NOT_AGAIN "it cannot be sent again; agentctl effect show %" PRIu64 " says what it said"

static enum errc
find(struct engine *en, const struct actor *a, uint64_t id, struct effect *ef, struct err *e)
{
    *ef = (struct effect){.id = id};
    if (effect_load(turn_txn(en), ef) == LOAD_FOUND && actor_sees(turn_txn(en), a, ef->company))
        return E_OK;
    return effect_unknown(id, e);
}

/* ---- resolve ------------------------------------------------------------------ */

enum errc
on_effect_resolve(struct engine *en, const struct actor *a, const struct msg_effect_resolve *m,
                  struct buf *reply, struct err *e)
{
    bool          is_delivered = view_is(m->outcome, "delivered");
    struct effect ef;
    const char   *by;

    if (!is_delivered && !view_is(m->outcome, "failed"))
        return err_field(e, "outcome", "is delivered or failed");
    if (find(en, a, m->id, &ef, e)) return e->code;
    if (ef.status != STATUS_UNKNOWN) {
        err_set(e, E_WRONG_STATE,
                "effect %" PRIu64 " is %s: only one of unknown outcome is resolved", ef.id,
                effect_status_name(ef.status));
        return err_hint(e, "agentctl effect why %" PRIu64, ef.id);
    }
    by = arena_printf(txn_arena(turn_txn(en)), "resolved by %s:%.*s", a->kind, VIEW_ARG(a->id));
    if (is_delivered) ef.receipt = view_str(by);
    outbox_settle(en, &ef, is_delivered ? STATUS_DELIVERED : STATUS_FAILED,
                  m->reason.size || is_delivered ? m->reason : view_str(by),
                  is_delivered ? FEED_EFFECT_DELIVERED : FEED_EFFECT_FAILED);
    audit_put_id(en, a, "effect.resolve", ef.company, "effect", ef.id,
                 audit_str(en, "status", view_str(effect_status_name(STATUS_UNKNOWN))),
                 audit_str(en, "status", m->outcome));
    view_effect(&en->turn.objects, &ef, reply);
    return E_OK;
}

/* ---- one is sent again -------------------------------------------------------- */

/* What can be meant, as it stands in the statuses' order. */
static bool
is_over(enum effect_status s)
{
    return s == STATUS_FAILED || s == STATUS_EXPIRED || s == STATUS_SUPPRESSED ||
           s == STATUS_REJECTED;
}

static bool
is_message(const struct effect *ef)
{
    return ef->kind == EFFECT_NOTIFY || ef->kind == EFFECT_SEND_MESSAGE;
}

static enum errc
check(struct engine *en, const struct effect *ef, struct err *e)
{
    if (!is_message(ef)) {
        err_set(e, E_WRONG_STATE, "effect %" PRIu64 " is a %s, not a message", ef->id,
                effect_kind_name(ef->kind));
        return err_hint(e, "agentctl effect why %" PRIu64, ef->id);
    }
    if (ef->status == STATUS_UNKNOWN) {
        err_set(e, E_WRONG_STATE, "effect %" PRIu64 " may have been sent: nobody knows", ef->id);
        return err_hint(e, "agentctl effect resolve %" PRIu64 " --outcome delivered or failed",
                        ef->id);
    }
    if (is_over((enum effect_status)ef->status) ||
        effect_may_be_released(ef, en->turn.now.wall_ms)) {
        return E_OK;
    }
    err_set(e, E_WRONG_STATE, "effect %" PRIu64 " is %s", ef->id, effect_status_name(ef->status));
    if (ef->status == STATUS_DELIVERED)
        return err_hint(e, "what was delivered is not sent again; agentctl effect show %" PRIu64,
                        ef->id);
    return err_hint(
        e, "it is sent without that: agentctl effect why %" PRIu64 " says what it waits for",
        ef->id);
}

/* Nobody reads a session that is gone. */
static uint32_t
with_readers(struct engine *en, const struct effect *ef, uint32_t sinks[SINKS_MAX], uint32_t count)
{
    uint32_t n = 0;

    if (session_row(en, ef->session)) return count;
    for (uint32_t i = 0; i < count; i++) {
        if (!sink_is_gateway(&en->turn.objects, sinks[i])) sinks[n++] = sinks[i];
    }
    return n;
}

/* Where it goes: one that was refused, or had no sink, to all that it would go to now. */
static enum errc
find_sinks(struct engine *en, const struct effect *ef, struct view payload,
           uint32_t sinks[SINKS_MAX], uint32_t *count, struct err *e)
{
    if (!objects_get(&en->turn.objects, ef->company)) {
        err_set(e, E_WRONG_STATE, "the company of effect %" PRIu64 " was removed", ef->id);
        return err_hint(e, NOT_AGAIN, ef->id);
    }
    *count = 1;
    sinks[0] = ef->sink;
    if (ef->sink == 0 || ef->status == STATUS_REJECTED)
        *count = message_sinks_again(en, ef, payload, sinks);
    if (*count == 0) {
        err_set(e, E_WRONG_STATE, "no sink is configured for effect %" PRIu64, ef->id);
        return err_hint(e, "set the agent's sinks, or sessions.sinks in the configuration");
    }
    *count = with_readers(en, ef, sinks, *count);
    if (*count == 0) {
        err_set(e, E_WRONG_STATE, "the session of effect %" PRIu64 " is gone", ef->id);
        return err_hint(e, NOT_AGAIN, ef->id);
    }
    if (objects_get(&en->turn.objects, sinks[0])) return E_OK;
    err_set(e, E_WRONG_STATE, "the sink of effect %" PRIu64 " is no longer declared", ef->id);
    return err_hint(e, "the agent is to send it anew: a sink of the same name is another one");
}

static enum errc
send_again(struct engine *en, struct effect *ef, struct err *e)
{
    struct view   payload = ef->payload;
    struct effect other = {.company = ef->company,
                           .session = ef->session,
                           .job = ef->job,
                           .checkpoint_id = ef->checkpoint_id,
                           .kind = ef->kind,
                           .status = STATUS_PENDING,
                           .event = ef->event,
                           .autonomous = ef->autonomous,
                           .resends = ef->resends + 1};
    uint32_t      sinks[SINKS_MAX], count = 0;

    if (check(en, ef, e)) return e->code;
    if (ef->payload_bytes &&
        bytes_load(turn_txn(en), BLOB_EFFECT, ef->id, ef->payload_bytes, &payload) != LOAD_FOUND)
        return err_set(e, E_DAMAGED, "the payload of effect %" PRIu64 " is damaged", ef->id);
    if (find_sinks(en, ef, payload, sinks, &count, e)) return e->code;
    payload = arena_copy(txn_arena(turn_txn(en)), payload);
    ef->sink = sinks[0];
    effect_again(en, ef);
    if (count > 1) effect_write_to(en, &other, payload, 0, sinks + 1, count - 1);
    return E_OK;
}

/* ---- many --------------------------------------------------------------------- */

_Static_assert(offsetof(struct msg_effect_resend, dry_run) >=
                       offsetof(struct msg_effect_list, kind) + sizeof(struct view) &&
                   offsetof(struct msg_effect_resend, kind) ==
                       offsetof(struct msg_effect_list, kind) &&
                   (int)msg_effect_resend_BIT_kind == (int)msg_effect_list_BIT_kind,
               "a filter, and the rest behind it");

struct resending {
    uint64_t   matched, done;
    struct err refused; /* of the first that could not be sent again */
};

static void
put_answer(const struct resending *s, bool is_dry, const char *next, struct buf *reply)
{
    struct mp_open_map map = mp_open(reply);

    mp_put_u64(reply, &map, "matched", s->matched);
    mp_put_u64(reply, &map, "done", s->done);
    mp_put_bool(reply, &map, "dry_run", is_dry);
    mp_put_cstr(reply, &map, "refused", s->refused.code ? s->refused.msg : NULL);
    mp_put_str_or_nil(reply, &map, "next", view_str(next));
    mp_close(reply, &map);
}

static enum errc
check_filter(const struct msg_effect_list *m, const struct effect_filter *f, struct err *e)
{
    if (f->status == STATUS_NONE) {
        err_field(e, "status", "missing: say which effects, by their id or their status");
        return err_hint(e, "--dry-run counts them first");
    }
    if (is_over(f->status) || f->status == STATUS_PENDING) return E_OK;
    err_field(e, "status", "no effect that is %.*s can be meant", VIEW_ARG(m->status));
    return err_hint(e, "failed, expired, suppressed and rejected messages are sent again, and"
                       " pending ones that are put off");
}

/* Of what is pending only what is put off is meant, the rest waits for its turn. */
static bool
is_meant(struct engine *en, const struct effect *row)
{
    return is_message(row) &&
           (row->status != STATUS_PENDING || effect_may_be_released(row, en->turn.now.wall_ms));
}

/* The ids are gathered first: what is sent again leaves the index that is walked. */
static void
send_many(struct engine *en, struct page *p, const struct effect_filter *f, bool is_dry,
          struct resending *s)
{
    uint64_t      ids[BULK_ACTS_MAX] = {0};
    struct effect row = {0};

    while (effect_walk_next(p, f, &row)) {
        if (!is_meant(en, &row)) continue;
        if (!is_dry) ids[s->matched] = row.id;
        s->matched++;
        p->count++;
    }
    scan_close(&p->scan);
    for (uint64_t i = 0; i < s->matched && !is_dry; i++) {
        struct err e = {0};

        row = (struct effect){.id = ids[i]};
        if (effect_load(turn_txn(en), &row) == LOAD_FOUND && send_again(en, &row, &e) == E_OK) {
            s->done++;
        } else if (s->refused.code == E_OK) {
            s->refused = e;
        }
    }
}

static void
audit_many(struct engine *en, const struct actor *a, const struct effect_filter *f,
           const struct msg_effect_list *m, uint64_t done)
{
    struct buf filter BUF_AUTO = {0};

    if (done == 0) return;
    msg_pack(msg_desc(MSG_EFFECT_LIST), m, &filter);
    audit_put(en, a, "effect.resend", f->company,
              view_str(arena_printf(txn_arena(turn_txn(en)), "%" PRIu64 " effects", done)),
              buf_view(&filter), audit_i64(en, "done", (int64_t)done));
}

static enum errc
resend_many(struct engine *en, const struct actor *a, const struct msg_effect_resend *m,
            struct buf *reply, struct err *e)
{
    struct reading         r = {.engine = en,
                                .txn = turn_txn(en),
                                .now = &en->turn.now,
                                .actor = a,
                                .reply = reply,
                                .e = e};
    struct page            p = {.limit = m->dry_run ? READ_ROWS_MAX : BULK_ACTS_MAX};
    struct msg_effect_list list = {0};
    struct resending       s = {0};
    struct effect_filter   f;

    memcpy(&list, m, offsetof(struct msg_effect_list, kind) + sizeof(list.kind));
    list.has &= (1ULL << (msg_effect_list_BIT_kind + 1)) - 1;
    objects_init(&r.objects, r.txn);
    if (HAS(m, effect_resend, limit) && m->limit < p.limit) p.limit = (uint32_t)m->limit;
    if (effect_filter_parse(&r, &list, &f) || check_filter(&list, &f, e)) return e->code;
    effect_walk(&r, &p, &f);
    send_many(en, &p, &f, m->dry_run, &s);
    if (!page_is_over(&p)) p.next[0] = '\0';
    audit_many(en, a, &f, &list, s.done);
    put_answer(&s, m->dry_run, p.next, reply);
    return E_OK;
}

enum errc
on_effect_resend(struct engine *en, const struct actor *a, const struct msg_effect_resend *m,
                 struct buf *reply, struct err *e)
{
    struct resending s = {.matched = 1, .done = !m->dry_run};
    struct effect    ef;
    struct view      before;

    if (!HAS(m, effect_resend, id)) return resend_many(en, a, m, reply, e);
    if (m->status.size || m->session.size || m->kind.size)
        return err_field(e, "id", "an id, or a filter, not both");
    if (find(en, a, m->id, &ef, e) || check(en, &ef, e)) return e->code;
    before = audit_str(en, "status", view_str(effect_status_name(ef.status)));
    if (!m->dry_run) {
        if (send_again(en, &ef, e)) return e->code;
        audit_put_id(en, a, "effect.resend", ef.company, "effect", ef.id, before,
                     audit_i64(en, "resends", ef.resends));
    }
    put_answer(&s, m->dry_run, "", reply);
    return E_OK;
}
