#include "supervisor/engine/requests.h"

#include "common/log.h"
#include "supervisor/engine/activity.h"
#include "supervisor/engine/approvals.h"
#include "supervisor/engine/audit.h"
#include "supervisor/engine/backfill.h"
#include "supervisor/engine/breakers.h"
#include "supervisor/engine/bulk.h"
#include "supervisor/engine/configure.h"
#include "supervisor/engine/emergency.h"
#include "supervisor/engine/goal_removal.h"
#include "supervisor/engine/goals.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/manual.h"
#include "supervisor/engine/pauses.h"
#include "supervisor/engine/pressure.h"
#include "supervisor/engine/readers.h"
#include "supervisor/engine/registry.h"
#include "supervisor/engine/resolve.h"
#include "supervisor/engine/routines.h"
#include "supervisor/engine/schedule_ops.h"
#include "supervisor/engine/session_ops.h"
#include "supervisor/engine/submit.h"
#include "supervisor/engine/tickets.h"
#include "supervisor/engine/timer_ops.h"
#include "supervisor/engine/tokens.h"
#include "supervisor/engine/wakes.h"
#include "supervisor/engine/wallclock.h"

#include <inttypes.h>
#include <string.h>

#define ANSWER_AGE_MS 86400000 /* how long a repeated request gets the first one's answer */

/* ---- replies ------------------------------------------------------------------ */

static void
answer(struct engine *en, uint64_t client, struct view body, const struct err *e)
{
    struct output *o = turn_output(en, OUT_REPLY);

    o->client = client;
    if (e->code == E_OK) {
        o->body = arena_copy(&en->turn.arena, body);
    } else {
        struct err *copy = arena_alloc(&en->turn.arena, sizeof(*copy));

        *copy = *e;
        o->error = copy;
    }
}

/* One line per message that is HOW_WRITE: a new one without its function does not link. */
static enum errc
serve(struct engine *en, const struct actor *a, enum msg_id op, const union msg *m,
      struct buf *reply, struct err *e)
{
    switch (op) {
    case MSG_JOB_SUBMIT: return on_job_submit(en, a, &m->job_submit, reply, e);
    case MSG_JOB_SUBMIT_MANY: return on_job_submit_many(en, a, &m->job_submit_many, reply, e);
    case MSG_JOB_CANCEL: return on_job_cancel(en, a, &m->job_cancel, reply, e);
    case MSG_JOB_RETRY: return on_job_retry(en, a, &m->job_retry, reply, e);
    case MSG_JOB_SET: return on_job_set(en, a, &m->job_set, reply, e);
    case MSG_JOB_STREAM: return on_job_stream(en, a, &m->job_stream, reply, e);
    case MSG_SCHEDULE_ADD: return on_schedule_add(en, a, &m->schedule_add, reply, e);
    case MSG_SCHEDULE_SET: return on_schedule_set(en, a, &m->schedule_set, reply, e);
    case MSG_SCHEDULE_RUN: return on_schedule_run(en, a, &m->schedule_run, reply, e);
    case MSG_SCHEDULE_BACKFILL: return on_schedule_backfill(en, a, &m->schedule_backfill, reply, e);
    case MSG_SCHEDULE_PAUSE: return on_schedule_pause(en, a, &m->schedule_pause, reply, e);
    case MSG_SCHEDULE_RESUME: return on_schedule_resume(en, a, &m->schedule_resume, reply, e);
    case MSG_SCHEDULE_PROMOTE: return on_schedule_promote(en, a, &m->schedule_promote, reply, e);
    case MSG_SCHEDULE_REMOVE: return on_schedule_remove(en, a, &m->schedule_remove, reply, e);
    case MSG_STOP: return on_stop(en, a, &m->stop, reply, e);
    case MSG_RESUME: return on_resume(en, a, reply, e);
    case MSG_DRAIN: return on_drain_request(en, a, &m->drain, reply, e);
    case MSG_BREAKER_RESET: return on_breaker_reset(en, a, &m->breaker_reset, reply, e);
    case MSG_JOB_CANCEL_MANY: return on_job_cancel_many(en, a, &m->job_cancel_many, reply, e);
    case MSG_JOB_RETRY_MANY: return on_job_retry_many(en, a, &m->job_retry_many, reply, e);
    case MSG_JOB_PURGE: return on_job_purge(en, a, &m->job_purge, reply, e);
    case MSG_CLOCK_ACCEPT: return on_clock_accept(en, a, reply);
    case MSG_APPROVAL_GRANT: return on_approval_grant(en, a, &m->approval_grant, reply, e);
    case MSG_APPROVAL_DENY: return on_approval_deny(en, a, &m->approval_deny, reply, e);
    case MSG_GOAL_ADD: return on_goal_add(en, a, &m->goal_add, reply, e);
    case MSG_GOAL_SET: return on_goal_set(en, a, &m->goal_set, reply, e);
    case MSG_GOAL_DECOMPOSE: return on_goal_decompose(en, a, &m->goal_decompose, reply, e);
    case MSG_GOAL_REMOVE: return on_goal_remove(en, a, &m->goal_remove, reply, e);
    case MSG_TICKET_ADD: return on_ticket_add(en, a, &m->ticket_add, reply, e);
    case MSG_TICKET_SET: return on_ticket_set(en, a, &m->ticket_set, reply, e);
    case MSG_TICKET_ASSIGN: return on_ticket_assign(en, a, &m->ticket_assign, reply, e);
    case MSG_TICKET_REMOVE: return on_ticket_remove(en, a, &m->ticket_remove, reply, e);
    case MSG_AGENT_RECORD: return on_agent_record(en, a, &m->agent_record, reply, e);
    case MSG_AGENT_WAKE: return on_agent_wake(en, a, &m->agent_wake, reply, e);
    case MSG_ROUTINE_ADD: return on_routine_add(en, a, &m->routine_add, reply, e);
    case MSG_ROUTINE_COMPLETE: return on_routine_complete(en, a, &m->routine_complete, reply, e);
    case MSG_SESSION_SEND: return on_session_send(en, a, &m->session_send, reply, e);
    case MSG_SESSION_EVENT: return on_session_event(en, a, &m->session_event, reply, e);
    case MSG_SESSION_OPEN: return on_session_open(en, a, &m->session_open, reply, e);
    case MSG_SESSION_CLOSE: return on_session_close(en, a, &m->session_close, reply, e);
    case MSG_SESSION_RESUME: return on_session_resume(en, a, &m->session_resume, reply, e);
    case MSG_SESSION_RESEND: return on_session_resend(en, a, &m->session_resend, reply, e);
    case MSG_TIMER_SET: return on_timer_set(en, a, &m->timer_set, reply, e);
    case MSG_TIMER_CANCEL: return on_timer_cancel(en, a, &m->timer_cancel, reply, e);
    case MSG_COMPANY_ADD: return on_company_add(en, a, &m->company_add, reply, e);
    case MSG_COMPANY_SET: return on_company_set(en, a, &m->company_set, reply, e);
    case MSG_COMPANY_PAUSE: return on_company_pause(en, a, &m->company_pause, reply, e);
    case MSG_COMPANY_RESUME: return on_company_resume(en, a, &m->company_resume, reply, e);
    case MSG_COMPANY_REMOVE: return on_company_remove(en, a, &m->company_remove, reply, e);
    case MSG_AGENT_ADD: return on_agent_add(en, a, &m->agent_add, reply, e);
    case MSG_AGENT_SET: return on_agent_set(en, a, &m->agent_set, reply, e);
    case MSG_AGENT_PAUSE: return on_agent_pause(en, a, &m->agent_pause, reply, e);
    case MSG_AGENT_RESUME: return on_agent_resume(en, a, &m->agent_resume, reply, e);
    case MSG_AGENT_REMOVE: return on_agent_remove(en, a, &m->agent_remove, reply, e);
    case MSG_PROFILE_ADD: return on_profile_add(en, a, &m->profile_add, reply, e);
    case MSG_PROFILE_SET: return on_profile_set(en, a, &m->profile_set, reply, e);
    case MSG_TOKEN_ADD: return on_token_add(en, a, &m->token_add, reply, e);
    case MSG_TOKEN_REVOKE: return on_token_revoke(en, a, &m->token_revoke, reply, e);
    case MSG_GATEWAY_HELLO: return on_gateway_hello(en, reply);
    case MSG_SESSION_ATTACH: return on_session_attach(en, a, &m->session_attach, reply, e);
    case MSG_SESSION_DETACH: return on_session_detach(en, &m->session_detach, reply, e);
    case MSG_EFFECT_ACK: return on_effect_ack(en, a, &m->effect_ack, reply, e);
    case MSG_EFFECT_RESOLVE: return on_effect_resolve(en, a, &m->effect_resolve, reply, e);
    case MSG_EFFECT_RESEND: return on_effect_resend(en, a, &m->effect_resend, reply, e);
    case MSG_PROFILE_REMOVE: return on_profile_remove(en, a, &m->profile_remove, reply, e);
    default: return err_set(e, E_INTERNAL, "%s is not served by the engine", msg_desc(op)->op);
    }
}

/* ---- asked twice -------------------------------------------------------------- */

static struct hash128
key_by_name(const struct input *in)
{
    struct buf b BUF_AUTO = {0};

    buf_printf(&b, "%s:%.*s:", in->actor.kind, VIEW_ARG(in->actor.id));
    buf_add_view(&b, in->request_id);
    return hash128(buf_view(&b));
}

/* A token's name may be another one's later, its id may not (N34). */
static struct hash128
answer_key(const struct input *in)
{
    struct buf b BUF_AUTO = {0};

    if (in->actor.token == 0) return key_by_name(in);
    buf_printf(&b, "%s:#%" PRIu32 ":", in->actor.kind, in->actor.token); /* no name has a '#' */
    buf_add_view(&b, in->request_id);
    return hash128(buf_view(&b));
}

/* By the name of a token stand the answers of an agentd from before its id did: those from before
 * this token are of another one. */
static bool
find_answer(struct engine *en, const struct input *in, struct answer *row)
{
    struct token t = {.id = in->actor.token};

    *row = (struct answer){.key = answer_key(in)};
    if (answer_load(turn_txn(en), row) == LOAD_FOUND) return true;
    if (t.id == 0 || token_load(turn_txn(en), &t) != LOAD_FOUND) return false;
    *row = (struct answer){.key = key_by_name(in)};
    return answer_load(turn_txn(en), row) == LOAD_FOUND && row->at > t.created_at;
}

/* An id is of one request: another operation or body under it is a client's mistake. */
static uint64_t
request_hash(const struct input *in)
{
    return hash64(in->body, (uint64_t)in->op) | 1;
}

/* Success only: a refused request has changed nothing and may be asked again. */
static void
remember(struct engine *en, const struct input *in, struct view body)
{
    struct answer row = {.key = answer_key(in),
                         .at = en->turn.now.wall_ms,
                         .reply = body,
                         .request = request_hash(in)};

    if (body.size > BLOB_FROM) { /* long ones are kept beside the row, by the low half of the key */
        bytes_save(turn_txn(en), BLOB_REPLY, row.key.lo, body);
        row.reply_bytes = (uint32_t)body.size;
        row.reply = (struct view){0};
    }
    answer_save(turn_txn(en), &row);
}

static bool
answered_before(struct engine *en, const struct input *in)
{
    struct answer row;
    struct err    e = {0};

    if (!find_answer(en, in, &row)) return false;
    if (row.request && row.request != request_hash(in)) {
        (void)err_field(&e, "request_id", "was another request's within the last 24 h");
        (void)err_hint(&e, "another request takes another one (by HTTP the Idempotency-Key, by "
                           "WebSocket the message's id)");
        answer(en, in->client, (struct view){0}, &e);
        return true;
    }
    if (row.reply_bytes && bytes_load(turn_txn(en), BLOB_REPLY, row.key.lo, row.reply_bytes,
                                      &row.reply) != LOAD_FOUND) {
        return false;
    }
    answer(en, in->client, row.reply, &e);
    return true;
}

/* Until the turn has dispatched. */
static void
put_off(struct engine *en, const struct input *in)
{
    struct err e = {0};

    if (en->turn.late_count < LATE_MAX) {
        en->turn.late[en->turn.late_count++] = in;
        return;
    }
    (void)err_set(&e, E_BUSY, "more firings by hand than one turn takes: ask again");
    answer(en, in->client, (struct view){0}, &e);
}

void
requests_late(struct engine *en)
{
    en->turn.is_late = true;
    for (uint32_t i = 0; i < en->turn.late_count; i++)
        on_request(en, en->turn.late[i]);
    en->turn.late_count = 0;
    en->turn.is_late = false;
}

void
on_request(struct engine *en, const struct input *in)
{
    struct buf reply BUF_AUTO = {0};
    struct err       e = {0};
    union msg        m;

    if (in->op == MSG_SCHEDULE_RUN && !en->turn.is_late) {
        put_off(en, in);
        return;
    }
    if (in->request_id.size && answered_before(en, in)) return;
    if (msg_unpack(msg_desc(in->op), in->body, &m, &e) == E_OK &&
        serve(en, &in->actor, in->op, &m, &reply, &e) == E_OK && in->request_id.size) {
        remember(en, in, buf_view(&reply));
    }
    answer(en, in->client, buf_view(&reply), &e);
}

void
on_config(struct engine *en, const struct input *in)
{
    struct buf reply BUF_AUTO = {0};
    struct err       e = {0};

    if (configure_apply(en, in, &reply, &e) && in->client == 0) {
        turn_log(en, LOG_LEVEL_ERROR, "the configuration was refused", "error=%s",
                 log_quote(e.msg));
    }
    answer(en, in->client, buf_view(&reply), &e);
}

/* ---- forgetting --------------------------------------------------------------- */

void
answers_due(struct engine *en)
{
    struct answer key = {0};
    struct scan   s;

    scan_open(&s, turn_txn(en), INDEX_answer_by_age, &key, 0, 0);
    while (en->turn.due_left && scan_next_key(&s, &key) &&
           key.at + ANSWER_AGE_MS <= en->turn.now.wall_ms) {
        struct answer row = {.key = key.key};

        en->turn.due_left--;
        if (answer_load(turn_txn(en), &row) == LOAD_FOUND && row.reply_bytes) {
            bytes_delete(turn_txn(en), BLOB_REPLY, row.key.lo);
        }
        (void)answer_delete(turn_txn(en), &row);
    }
    scan_close(&s);
}

int64_t
answers_deadline(struct engine *en)
{
    struct answer key = {0};
    struct scan   s;
    int64_t       at = INT64_MAX;

    scan_open(&s, turn_txn(en), INDEX_answer_by_age, &key, 0, 0);
    if (scan_next_key(&s, &key)) at = key.at + ANSWER_AGE_MS;
    scan_close(&s);
    return at;
}
