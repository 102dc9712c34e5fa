#include "tools/sim/model_registry.h"

#include "tools/sim/verdict.h"

#include <inttypes.h>

/* ---- what a request should be answered ------------------------------------------------------- */

void
m_check_answer(const struct input *in, const struct output *reply, enum errc expected)
{
    enum errc got = reply->error ? reply->error->code : E_OK;

    claim(got == expected, "%s was answered %s (%s), expected %s", msg_desc(in->op)->op,
          errc_wire(got), reply->error ? reply->error->msg : "", errc_wire(expected));
}

/* The job in a reply is the job as it is now. */
void
m_check_job_reply(const struct output *reply, const struct m_job *j)
{
    static const char *const names[JOB_STATE_COUNT] = {
#define S(name, text) [JOB_##name] = text,
        JOB_STATES(S)
#undef S
    };
    struct view state;
    int64_t     id, failures;

    claim(mp_find_i64(reply->body, "id", &id) && id == (int64_t)j->id,
          "a reply names job %" PRId64 ", expected %" PRIu64, id, j->id);
    claim(mp_find_i64(reply->body, "failures", &failures) && failures == (int64_t)j->failures,
          "the reply about job %" PRIu64 " says %" PRId64 " failures, expected %u", j->id, failures,
          j->failures);
    claim(mp_find_str(reply->body, "state", &state) &&
              (view_is(state, names[j->state]) ||
               (j->state == JOB_READY && view_is(state, "parked"))),
          "the reply about job %" PRIu64 " says %.*s, expected %s", j->id, VIEW_ARG(state),
          names[j->state]);
}

/* ---- the other requests about a job ---------------------------------------------------------- */

static struct m_job *
seen_job(struct model *m, const struct input *in, uint64_t id)
{
    struct m_job *j = m_job(m, id);

    return j && m_sees(m, &in->actor, j->company) ? j : NULL;
}

void
m_cancel(struct model *m, struct m_job *j)
{
    if (j->state == JOB_RUNNING) {
        m_stop_attempt(m, j, "aborted", m->limits.kill_grace_ms);
    } else {
        j->failure = "aborted";
        m_end_job(m, j, JOB_CANCELLED);
    }
}

static enum errc
cancel(struct model *m, const struct input *in, uint64_t id, const struct output *reply)
{
    struct m_job *j = seen_job(m, in, id);
    enum errc     e = !j ? E_NOT_FOUND : m_is_end(j->state) ? E_WRONG_STATE : E_OK;

    m_check_answer(in, reply, e);
    if (e != E_OK) return e;
    m_cancel(m, j);
    m_check_job_reply(reply, j);
    return e;
}

/* What a job needs may have been taken out of the configuration since it ended. */
static bool
has_all_it_needs(struct model *m, const struct m_job *j)
{
    return !m_object(m, j->company)->is_gone && !m_object(m, j->handler)->is_gone &&
           (j->agent < 0 || !m_object(m, j->agent)->is_gone) &&
           (j->schedule < 0 || !m_object(m, j->schedule)->is_gone);
}

enum errc
m_may_retry(struct model *m, const struct m_job *j, bool is_forced)
{
    enum errc e;

    if (j->state == JOB_RUNNING || j->state == JOB_COMPLETED) return E_WRONG_STATE;
    if (j->state == JOB_READY) return is_forced ? E_OK : E_WRONG_STATE;
    if (j->state == JOB_SCHEDULED) return E_OK;
    if (j->session) return E_WRONG_STATE; /* its event is sent again, not its job */
    if (!has_all_it_needs(m, j)) return E_NOT_FOUND;
    if (m_budget_is_out(j)) return E_WRONG_STATE;
    if ((e = m_may_have_key_again(m, j)) != E_OK) return e;
    return m_queue_is_full(m, j->company, 0) ? E_QUEUE_FULL : E_OK;
}

static void
revive(struct model *m, struct m_job *j)
{
    j->is_quarantined = j->is_alone = false;
    j->expires_at = 0; /* its time to start may have passed; the operator wants it now */
    j->ended_at = 0;
    j->crashes = 0;
    m_forget(j->id, m->active.items, &m->active.count); /* one that has ended in this very turn */
    m_forget(j->id, m->finished.items, &m->finished.count);
    *LIST_ADD(&m->active) = j->id;
    m_take_key_again(m, j);
}

/* A manual retry keeps the id and resets failures (N2); a plain one takes back that it was forced.
 */
void
m_retry(struct model *m, struct m_job *j, bool is_forced)
{
    if (m_is_end(j->state)) revive(m, j);
    j->failures = 0;
    j->is_by_hand = j->schedule >= 0;
    j->is_forced = is_forced;
    j->run_at = m->now.wall_ms;
    j->run_at_high = 0;
    m_make_ready(j);
}

static enum errc
retry(struct model *m, const struct input *in, const struct msg_job_retry *q,
      const struct output *reply)
{
    struct m_job *j = seen_job(m, in, q->id);
    enum errc     e = j ? m_may_retry(m, j, q->force) : E_NOT_FOUND;

    m_check_answer(in, reply, e);
    if (e != E_OK) return e;
    m_retry(m, j, q->force);
    m->bypasses += q->force;
    m_check_job_reply(reply, j);
    return e;
}

static enum errc
set(struct model *m, const struct input *in, const struct msg_job_set *s,
    const struct output *reply)
{
    struct m_job *j = seen_job(m, in, s->id);
    enum errc     e = E_OK;

    if (!j) {
        e = E_NOT_FOUND;
    } else if (!HAS(s, job_set, priority) && !HAS(s, job_set, run_at)) {
        e = E_BAD_REQUEST;
    } else if (HAS(s, job_set, run_at) && j->expires_at && s->run_at >= j->expires_at) {
        e = E_BAD_REQUEST;
    } else if (j->state != JOB_SCHEDULED && j->state != JOB_READY) {
        e = E_WRONG_STATE;
    }
    m_check_answer(in, reply, e);
    if (e != E_OK) return e;
    if (HAS(s, job_set, priority)) j->priority = (uint8_t)s->priority;
    if (HAS(s, job_set, run_at)) {
        j->run_at = s->run_at;
        j->run_at_high = 0;
    }
    j->state = JOB_SCHEDULED;
    m_touch(j);
    if (j->run_at_high == 0 && j->run_at <= m->now.wall_ms) m_make_ready(j);
    m_check_job_reply(reply, j);
    return e;
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* Sessions, their timers, messages and readers. */
static enum errc
serve_session(struct model *m, const struct input *in, const union msg *q,
              const struct output *reply)
{
    switch (in->op) {
    case MSG_EFFECT_RESOLVE: return m_effect_resolve(m, in, &q->effect_resolve, reply);
    case MSG_EFFECT_RESEND: return m_effect_resend(m, in, &q->effect_resend, reply);
    case MSG_GATEWAY_HELLO: return m_gateway_hello(m, in, reply);
    case MSG_SESSION_ATTACH: return m_session_attach(m, in, &q->session_attach, reply);
    case MSG_SESSION_DETACH: return m_session_detach(m, in, &q->session_detach, reply);
    case MSG_EFFECT_ACK: return m_effect_ack(m, in, &q->effect_ack, reply);
    case MSG_TIMER_SET: return m_timer_op_set(m, in, &q->timer_set, reply);
    case MSG_TIMER_CANCEL: return m_timer_op_cancel(m, in, &q->timer_cancel, reply);
    case MSG_SESSION_SEND: return m_session_send(m, in, &q->session_send, reply);
    case MSG_SESSION_EVENT: return m_session_event(m, in, &q->session_event, reply);
    case MSG_SESSION_OPEN:
    case MSG_SESSION_CLOSE:
    case MSG_SESSION_RESUME:
    case MSG_SESSION_RESEND: return m_session_op(m, in, q, reply);
    default: broken("the model does not know %s", msg_desc(in->op)->op);
    }
}

static enum errc
serve(struct model *m, const struct input *in, const union msg *q, const struct output *reply)
{
    switch (in->op) {
    case MSG_JOB_SUBMIT: return m_submit(m, in, &q->job_submit, reply);
    case MSG_GOAL_ADD: return m_goal_add(m, in, &q->goal_add, reply);
    case MSG_GOAL_SET: return m_goal_set(m, in, &q->goal_set, reply);
    case MSG_GOAL_DECOMPOSE: return m_goal_decompose(m, in, &q->goal_decompose, reply);
    case MSG_TICKET_ADD: return m_ticket_add(m, in, &q->ticket_add, reply);
    case MSG_TICKET_ASSIGN: return m_ticket_assign(m, in, &q->ticket_assign, reply);
    case MSG_TICKET_SET: return m_ticket_set(m, in, &q->ticket_set, reply);
    case MSG_AGENT_WAKE: return m_agent_wake(m, in, &q->agent_wake, reply);
    case MSG_ROUTINE_ADD: return m_routine_add(m, in, &q->routine_add, reply);
    case MSG_ROUTINE_COMPLETE: return m_routine_complete(m, in, &q->routine_complete, reply);
    case MSG_APPROVAL_GRANT: return m_approval_decide(m, in, q->approval_grant.id, true, reply);
    case MSG_APPROVAL_DENY: return m_approval_decide(m, in, q->approval_deny.id, false, reply);
    case MSG_JOB_SUBMIT_MANY: return m_submit_many(m, in, &q->job_submit_many, reply);
    case MSG_JOB_CANCEL: return cancel(m, in, q->job_cancel.id, reply);
    case MSG_JOB_RETRY: return retry(m, in, &q->job_retry, reply);
    case MSG_JOB_STREAM: return m_job_stream(m, in, &q->job_stream, reply);
    case MSG_JOB_SET: return set(m, in, &q->job_set, reply);
    case MSG_SCHEDULE_ADD: return m_schedule_add(m, in, &q->schedule, reply); /* it is one */
    case MSG_SCHEDULE_SET: return m_schedule_set(m, in, &q->schedule_set, reply);
    case MSG_SCHEDULE_PAUSE: return m_schedule_pause(m, in, &q->schedule_pause, true, reply);
    case MSG_SCHEDULE_RESUME:
        return m_schedule_pause(
            m, in, &(struct msg_schedule_pause){.name = q->schedule_resume.name}, false, reply);
    case MSG_SCHEDULE_REMOVE: return m_schedule_remove(m, in, q->schedule_remove.name, reply);
    case MSG_SCHEDULE_RUN: return m_schedule_run(m, in, &q->schedule_run, reply);
    case MSG_SCHEDULE_BACKFILL: return m_schedule_backfill(m, in, &q->schedule_backfill, reply);
    case MSG_SCHEDULE_PROMOTE: return m_schedule_promote(m, in, q->schedule_promote.name, reply);
    case MSG_JOB_CANCEL_MANY: return m_cancel_many(m, in, &q->job_cancel_many, reply);
    case MSG_JOB_RETRY_MANY: return m_retry_many(m, in, &q->job_retry_many, reply);
    case MSG_JOB_PURGE: return m_purge_many(m, in, &q->job_purge, reply);
    case MSG_STOP: return m_stop(m, in, &q->stop, reply);
    case MSG_RESUME: return m_resume(m, in, reply);
    case MSG_DRAIN: return m_drain(m, in, reply);
    case MSG_COMPANY_PAUSE: return m_pause(m, in, KIND_COMPANY, q->company_pause.name, true, reply);
    case MSG_COMPANY_RESUME:
        return m_pause(m, in, KIND_COMPANY, q->company_resume.name, false, reply);
    case MSG_AGENT_PAUSE: return m_pause(m, in, KIND_AGENT, q->agent_pause.name, true, reply);
    case MSG_AGENT_RESUME: return m_pause(m, in, KIND_AGENT, q->agent_resume.name, false, reply);
    case MSG_COMPANY_ADD: return m_registry_add(m, in, KIND_COMPANY, q, reply);
    case MSG_AGENT_ADD: return m_registry_add(m, in, KIND_AGENT, q, reply);
    case MSG_PROFILE_ADD: return m_registry_add(m, in, KIND_PROFILE, q, reply);
    case MSG_COMPANY_SET: return m_registry_set(m, in, KIND_COMPANY, q, reply);
    case MSG_AGENT_SET: return m_registry_set(m, in, KIND_AGENT, q, reply);
    case MSG_PROFILE_SET: return m_registry_set(m, in, KIND_PROFILE, q, reply);
    case MSG_COMPANY_REMOVE:
        return m_registry_remove(m, in, KIND_COMPANY, q->company_remove.name,
                                 q->company_remove.cascade, reply);
    case MSG_AGENT_REMOVE:
        return m_registry_remove(m, in, KIND_AGENT, q->agent_remove.name, q->agent_remove.cascade,
                                 reply);
    case MSG_PROFILE_REMOVE:
        return m_registry_remove(m, in, KIND_PROFILE, q->profile_remove.name, false, reply);
    case MSG_BREAKER_RESET: return m_breaker_reset(m, in, q->breaker_reset.name, reply);
    case MSG_CLOCK_ACCEPT:
        m_check_answer(in, reply, E_OK);
        m->clock_is_accepted = true;
        m_believe_clock(m);
        return E_OK;
    default: return serve_session(m, in, q, reply);
    }
}

static uint64_t
answer_key(const struct input *in)
{
    return hash64(in->request_id, hash64(in->actor.id, hash64(view_str(in->actor.kind), 0)));
}

/* Whether this very turn has kept a reply to it: then the request was carried out anew. */
static bool
was_kept_now(struct model *m, const struct input *in)
{
    struct answer  row;
    struct buf key BUF_AUTO = {0};

    buf_printf(&key, "%s:%.*s:%.*s", in->actor.kind, VIEW_ARG(in->actor.id),
               VIEW_ARG(in->request_id));
    row = (struct answer){.key = hash128(buf_view(&key))};
    return answer_load(m->txn, &row) == LOAD_FOUND && row.at == m->now.wall_ms;
}

/* Whether the reply is what the first request of this id got (N39). */
static bool
was_answered_before(struct model *m, const struct input *in, const struct output *reply)
{
    for (size_t i = 0; i < m->answers.count; i++) {
        const struct m_answer *a = &m->answers.items[i];
        bool                   is_same = !reply->error && hash64(reply->body, 0) == a->reply;

        if (a->key != answer_key(in)) continue;
        claim(is_same || a->is_doubtful, "a repeated request got another reply");
        if (is_same && !(a->is_doubtful && was_kept_now(m, in))) return true;
        LIST_REMOVE(&m->answers, i);
        return false;
    }
    return false;
}

void
m_request(struct model *m, const struct input *in, const struct output *reply)
{
    union msg  q;
    struct err e = {0};

    claim(reply, "%s got no answer", msg_desc(in->op)->op);
    if (in->request_id.size && was_answered_before(m, in, reply)) return;
    if (msg_unpack(msg_desc(in->op), in->body, &q, &e)) {
        m_check_answer(in, reply, e.code);
    } else if (serve(m, in, &q, reply) == E_OK && in->request_id.size) {
        *LIST_ADD(&m->answers) = (struct m_answer){
            .key = answer_key(in), .reply = hash64(reply->body, 0), .at_ms = m->now.wall_ms};
    }
}
