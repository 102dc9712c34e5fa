#include "supervisor/engine/approvals.h"

#include "supervisor/engine/audit.h"
#include "supervisor/engine/effects.h"
#include "supervisor/engine/feed.h"
#include "supervisor/engine/inside.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/made.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/page.h"
#include "supervisor/engine/views.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const rule_names[] = {
    [APPROVE_NONE] = "none",
    [APPROVE_SCHEDULES] = "schedules",
    [APPROVE_ALL] = "all",
};

static const char *const status_names[APPROVAL_STATUS_COUNT] = {[APPROVAL_NONE] = "none",
#define V(name, text) [APPROVAL_##name] = text,
                                                                APPROVAL_STATUSES(V)
#undef V
};

enum approval_rule
approval_rule_from(struct view word)
{
    for (enum approval_rule r = APPROVE_NONE; r <= APPROVE_ALL; r++) {
        if (view_is(word, rule_names[r])) return r;
    }
    return APPROVE_NONE;
}

/* ---- requests for a person's word --------------------------------------------- */

bool
approvals_holds(struct engine *en, const struct job_spec *from, enum effect_kind kind)
{
    const struct object_entry *o = objects_get(&en->turn.objects, from->agent);
    enum approval_rule         rule = en->memory.limits.agent_approval;

    if (from->agent == 0) return false;
    if (o && o->spec.agent.approval.size) rule = approval_rule_from(o->spec.agent.approval);
    if (kind == EFFECT_ADD_SCHEDULE) return rule != APPROVE_NONE;
    return kind == EFFECT_WAKE_AGENT && rule == APPROVE_ALL;
}

static void
feed_approval(struct engine *en, enum feed_type type, const struct approval *a)
{
    struct mp_open_map m = feed_open(en, type, a->company);
    struct buf        *b = feed_buf(en);

    mp_put_u64(b, &m, "approval", a->id);
    mp_put_cstr(b, &m, "kind", effect_kind_name(a->kind));
    mp_put_str(b, &m, "agent", objects_name(&en->turn.objects, a->agent));
    mp_put_u64(b, &m, "job", a->job);
    if (a->actor.size) mp_put_str(b, &m, "actor", a->actor);
    if (a->reason.size) mp_put_str(b, &m, "reason", a->reason);
    feed_close(en, &m);
}

/* A long request is kept where the effect's payload will be. */
void
approvals_request(struct engine *en, const struct job_spec *from, enum effect_kind kind,
                  struct view effect)
{
    struct approval a = {.id = en->memory.meta.next_approval++,
                         .company = from->company,
                         .agent = from->agent,
                         .job = from->id,
                         .effect = en->memory.meta.next_effect++,
                         .kind = (uint8_t)kind,
                         .request = effect,
                         .status = APPROVAL_PENDING,
                         .created_at = en->turn.now.wall_ms};

    if (effect.size > BLOB_FROM) {
        bytes_save(turn_txn(en), BLOB_EFFECT, a.effect, effect);
        a.request_bytes = (uint32_t)effect.size;
        a.request = (struct view){0};
    }
    approval_save(turn_txn(en), &a);
    made_asked(en, a.agent, 1);
    feed_approval(en, FEED_APPROVAL_REQUESTED, &a);
}

static enum errc
load_request(struct txn *t, struct approval *a, struct err *e)
{
    if (a->request_bytes &&
        bytes_load(t, BLOB_EFFECT, a->effect, a->request_bytes, &a->request) != LOAD_FOUND)
        return err_set(e, E_DAMAGED, "approval %" PRIu64 ": its request is damaged", a->id);
    return E_OK;
}

/* ---- decisions ---------------------------------------------------------------- */

static enum errc
find_pending(struct engine *en, const struct actor *actor, uint64_t id, struct approval *a,
             struct err *e)
{
    *a = (struct approval){.id = id};
    if (approval_load(turn_txn(en), a) != LOAD_FOUND ||
        !actor_sees(turn_txn(en), actor, a->company))
        return err_set(e, E_NOT_FOUND, "there is no approval %" PRIu64, id);
    if (a->status != APPROVAL_PENDING)
        return err_set(e, E_WRONG_STATE, "approval %" PRIu64 " is %s already", id,
                       status_names[a->status]);
    return load_request(turn_txn(en), a, e);
}

static void
view_approval(struct objects *o, const struct approval *a, struct buf *b)
{
    struct mp_open_map m = mp_open(b);

    mp_put_u64(b, &m, "id", a->id);
    mp_put_cstr(b, &m, "status", status_names[a->status]);
    mp_put_cstr(b, &m, "kind", effect_kind_name(a->kind));
    view_put_name(o, b, &m, "company", a->company);
    view_put_name(o, b, &m, "agent", a->agent);
    mp_put_u64(b, &m, "job", a->job);
    mp_put_u64(b, &m, "effect", a->effect);
    mp_put_raw(b, &m, "request", a->request);
    mp_put_i64(b, &m, "created_at", a->created_at);
    mp_put_time(b, &m, "decided_at", a->decided_at);
    mp_put_str_or_nil(b, &m, "actor", a->actor);
    mp_put_str_or_nil(b, &m, "reason", a->reason);
    mp_close(b, &m);
}

/* Writes the decision, the effect's row, and the answer. */
static void
decide(struct engine *en, const struct actor *actor, struct approval *a,
       enum approval_status status, struct view reason, struct buf *reply)
{
    bool            is_granted = status == APPROVAL_GRANTED;
    struct job_spec from;
    struct effect   ef = {.id = a->effect,
                          .company = a->company,
                          .job = a->job,
                          .kind = a->kind,
                          .status = is_granted ? STATUS_DELIVERED : STATUS_REJECTED};
    struct approval row;

    inside_source(en, a->job, a->company, a->agent, &from);
    ef.session = from.session;
    if (!is_granted) ef.reason = reason.size ? reason : view_str("denied by a person");
    effect_record(en, &ef, a->request, 0);
    a->status = (uint8_t)status;
    a->decided_at = en->turn.now.wall_ms;
    a->actor = view_str(
        arena_printf(txn_arena(turn_txn(en)), "%s:%.*s", actor->kind, VIEW_ARG(actor->id)));
    a->reason = reason;
    row = *a;
    if (row.request_bytes) row.request = (struct view){0};
    approval_save(turn_txn(en), &row);
    made_asked(en, a->agent, -1);
    made_answered(en, a->agent);
    audit_put_id(en, actor, is_granted ? "approval.grant" : "approval.deny", a->company, "approval",
                 a->id, audit_str(en, "status", view_str("pending")),
                 audit_str(en, "status", view_str(status_names[status])));
    feed_approval(en, is_granted ? FEED_APPROVAL_GRANTED : FEED_APPROVAL_DENIED, a);
    if (row.request_bytes)
        a->request = (struct view){0}; /* an answer may be kept: short ones only */
    view_approval(&en->turn.objects, a, reply);
}

bool
approvals_end(struct engine *en, const struct object_entry *o)
{
    const struct actor removal = {.kind = "daemon", .id = view_str("removal"), .role = ROLE_ADMIN};
    struct approval    a = {.status = APPROVAL_PENDING};
    struct scan        s;

    scan_open(&s, turn_txn(en), INDEX_approval_by_status, &a, 1, 1);
    while (en->turn.due_left && scan_next(&s, &a)) {
        struct buf answer BUF_AUTO = {0};
        struct err        e = {0};

        if (o->row.id != (o->row.kind == KIND_AGENT ? a.agent : a.company)) continue;
        if (load_request(turn_txn(en), &a, &e)) a.request = (struct view){0};
        decide(en, &removal, &a, APPROVAL_DENIED,
               view_str(o->row.kind == KIND_AGENT ? "its agent was removed"
                                                  : "its company was removed"),
               &answer);
        en->turn.due_left--;
    }
    scan_close(&s);
    return en->turn.due_left > 0;
}

enum errc
on_approval_grant(struct engine *en, const struct actor *a, const struct msg_approval_grant *m,
                  struct buf *reply, struct err *e)
{
    struct approval row;
    struct job_spec from;

    if (find_pending(en, a, m->id, &row, e)) return e->code;
    inside_source(en, row.job, row.company, row.agent, &from);
    if (inside_apply(en, &from, row.kind, row.request, e))
        return err_hint(e, "deny it, or change what stands in its way");
    decide(en, a, &row, APPROVAL_GRANTED, m->reason, reply);
    return E_OK;
}

enum errc
on_approval_deny(struct engine *en, const struct actor *a, const struct msg_approval_deny *m,
                 struct buf *reply, struct err *e)
{
    struct approval row;

    if (find_pending(en, a, m->id, &row, e)) return e->code;
    decide(en, a, &row, APPROVAL_DENIED, m->reason, reply);
    return E_OK;
}

/* ---- reads -------------------------------------------------------------------- */

static enum errc
status_from(struct view name, uint8_t *status, struct err *e)
{
    for (enum approval_status s = APPROVAL_NONE + 1; s < APPROVAL_STATUS_COUNT; s++) {
        if (!view_is(name, status_names[s])) continue;
        *status = (uint8_t)s;
        return E_OK;
    }
    return err_field(e, "status", "is pending, granted or denied");
}

enum errc
read_approval_list(struct reading *r, const struct msg_approval_list *m)
{
    struct approval row = {.status = APPROVAL_PENDING};
    struct page     p;
    uint64_t        after;
    uint32_t        company = 0;

    if (cursor_id(r, m->after, r->engine->memory.meta.next_approval, &after)) return r->e->code;
    if (m->status.size && status_from(m->status, &row.status, r->e)) return r->e->code;
    if (read_company(r, m->company, &company)) return r->e->code;
    page_open(r, &p, HAS(m, approval_list, limit), m->limit);
    row.id = after + 1;
    page_scan(r, &p, INDEX_approval_by_status, &row, 1, 2);
    while (page_next(&p, &row)) {
        page_at(&p, row.id);
        if (company && row.company != company) continue;
        if (load_request(r->txn, &row, r->e)) row.request = (struct view){0};
        view_approval(&r->objects, &row, r->reply);
        p.count++;
    }
    *r->e = (struct err){0};
    page_close(r, &p);
    return E_OK;
}
