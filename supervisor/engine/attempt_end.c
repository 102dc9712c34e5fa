#include "supervisor/engine/attempt.h"

#include "common/log.h"
#include "supervisor/engine/breakers.h"
#include "supervisor/engine/budgets.h"
#include "supervisor/engine/effects.h"
#include "supervisor/engine/events.h"
#include "supervisor/engine/fleet.h"
#include "supervisor/engine/gates.h"
#include "supervisor/engine/idle.h"
#include "supervisor/engine/ladder.h"
#include "supervisor/engine/pings.h"
#include "supervisor/engine/registry.h"
#include "supervisor/engine/replies.h"
#include "supervisor/engine/shadow.h"
#include "supervisor/engine/streaks.h"
#include "supervisor/engine/tickets.h"
#include <inttypes.h>

/* ---- end ---------------------------------------------------------------------- */

/* How an attempt ended; zeroed but for what is known. */
struct ending {
    enum attempt_outcome      outcome;
    enum failure_class        failure;
    struct view               message;
    int64_t                   after_ms; /* −1: not given */
    bool                      is_planned_stop;
    const struct msg_ended   *report; /* NULL when the worker could not say */
    const struct fleet_lease *lease;  /* NULL for an earlier agentd's */
    int64_t                   at;     /* when its processes are thought to have ended */
};

/* Of an attempt whose agentd was killed only the job's sums are left: it used what the others did
 * not. */
static void
usage_from_job(struct engine *en, const struct job_state *j, struct attempt *a)
{
    struct attempt other = {.job = j->id};
    struct scan    s;

    a->turns = j->turns;
    a->input_tokens = j->input_tokens;
    a->output_tokens = j->output_tokens;
    a->cost_micros = j->cost_micros;
    scan_open(&s, turn_txn(en), PRIMARY_ATTEMPT, &other, 1, 1);
    while (scan_next(&s, &other)) {
        a->turns -= other.turns;
        a->input_tokens -= other.input_tokens;
        a->output_tokens -= other.output_tokens;
        a->cost_micros -= other.cost_micros;
    }
    scan_close(&s);
}

/* A job may come back for months.  What the rows that go had used is kept in one of number 0. */
static void
drop_oldest(struct engine *en, const struct job_state *j)
{
    struct attempt old = {.job = j->id, .attempt = j->attempt - ATTEMPTS_KEPT};
    struct attempt all = {.job = j->id};

    if (attempt_load(turn_txn(en), &old) != LOAD_FOUND) return;
    if (attempt_load(turn_txn(en), &all) != LOAD_FOUND) all = (struct attempt){.job = j->id};
    sum_add(&all.turns, old.turns);
    sum_add(&all.input_tokens, old.input_tokens);
    sum_add(&all.output_tokens, old.output_tokens);
    sum_add(&all.cost_micros, old.cost_micros);
    attempt_save(turn_txn(en), &all);
    (void)attempt_delete(turn_txn(en), &old);
}

static void
save_attempt(struct engine *en, const struct job_state *j, const struct ending *end)
{
    struct attempt a = {.job = j->id,
                        .attempt = j->attempt,
                        .token = j->token,
                        .worker = j->worker,
                        .claimed_at = j->claimed_at,
                        .ended_at = end->at,
                        .outcome = (uint8_t)end->outcome,
                        .failure = (uint8_t)end->failure,
                        .message = end->message,
                        .exit_code = -1};

    if (end->lease) {
        a.turns = end->lease->turns;
        a.input_tokens = end->lease->input_tokens;
        a.output_tokens = end->lease->output_tokens;
        a.cost_micros = end->lease->cost_micros;
    } else {
        usage_from_job(en, j, &a);
    }
    if (end->report) {
        if (HAS(end->report, ended, exit_code)) a.exit_code = end->report->exit_code;
        a.signal = (uint8_t)end->report->signal;
        a.rss_kb = end->report->rss_kb;
    }
    if (!en->is_mute) attempt_insert(turn_txn(en), &a);
    if (j->attempt > ATTEMPTS_KEPT) drop_oldest(en, j);
    if (j->ticket) tickets_charge(en, j->ticket, &a);
}

int64_t
attempt_jitter(struct engine *en, int64_t ms)
{
    if (ms < 4) return ms;
    return ms - ms / 4 + (int64_t)turn_random(en, (uint64_t)(ms / 2) + 1);
}

static void
give_up(struct engine *en, struct job_state *j)
{
    job_must_move(en, j, JOB_ON_FAIL);
    feed_job(en, FEED_JOB_FAILED, j, NULL);
}

static void
abort_job(struct engine *en, struct job_state *j)
{
    job_must_move(en, j, JOB_ON_ABORT);
    feed_job(en, FEED_JOB_CANCELLED, j, NULL);
}

/* What asked its attempt to stop came before its session was closed. */
static bool
has_closed_session(struct engine *en, const struct job_state *j)
{
    const struct session *s = j->flags & JOB_FLAG_EVENT ? session_row(en, j->session) : NULL;

    return s && s->status == SESSION_CLOSED;
}

/* A job that has used up its own budget has no other attempt: it could only be stopped. */
static void
come_back(struct engine *en, struct job_state *j, int64_t after_ms, enum feed_type type)
{
    const char *spent = budget_spent(turn_txn(en), j);

    if (spent) {
        j->failure = FAIL_BUDGET_EXCEEDED;
        j->failure_message = view_str(spent);
        j->flags &= ~JOB_FLAG_RETRY;
        give_up(en, j);
        return;
    }
    if (has_closed_session(en, j)) {
        j->failure = FAIL_ABORTED;
        j->failure_message = view_str("its session was closed");
        j->flags &= ~JOB_FLAG_RETRY;
        abort_job(en, j);
        return;
    }
    j->run_at = en->turn.now.wall_ms + after_ms;
    job_must_move(en, j, JOB_ON_COME_BACK);
    if (en->memory.has_removals) removals_begin(en); /* it may be of what is being removed */
    feed_job(en, type, j, NULL);
}

/* It left its worker alive: it may have neighbours again (N4). */
static void
ended_orderly(struct job_state *j)
{
    j->crashes = 0;
    j->flags &= ~JOB_FLAG_ALONE;
}

static void
fail_counted(struct engine *en, struct job_state *j, const struct failure_rule *rule,
             int64_t after_ms)
{
    struct job_spec spec = {.id = j->id};
    uint32_t        max_attempts = 1;

    j->failures++;
    ended_orderly(j);
    if (job_spec_load(turn_txn(en), &spec) == LOAD_FOUND) max_attempts = spec.max_attempts;
    if (rule->retry != RETRY_LADDER || j->failures >= max_attempts) {
        give_up(en, j);
        return;
    }
    if (after_ms < 0) after_ms = attempt_jitter(en, ladder_step(en, j, j->failures - 1));
    j->flags |= JOB_FLAG_RETRY;
    come_back(en, j, after_ms, FEED_JOB_RETRYING);
}

/* Not the job's fault, but one that kills its workers again and again must not take the host down
 * (A18, N4). */
static void
fail_crashed(struct engine *en, struct job_state *j, const struct ending *end)
{
    if (!end->is_planned_stop) j->crashes++;
    if (j->crashes >= en->memory.limits.max_crashes) {
        j->flags |= JOB_FLAG_QUARANTINED;
        give_up(en, j);
        return;
    }
    if (end->failure == FAIL_WORKER_LOST) j->flags |= JOB_FLAG_ALONE;
    come_back(en, j, 0, FEED_JOB_RETRYING);
}

/* Not the job's fault: it is ready again at once, and held while the breaker is open (A16). */
static void
fail_at_breaker(struct engine *en, struct job_state *j, int64_t after_ms)
{
    ended_orderly(j);
    breaker_failed(en, j, after_ms);
    come_back(en, j, 0, FEED_JOB_RETRYING);
}

static void
fail(struct engine *en, struct job_state *j, const struct ending *end)
{
    const struct failure_rule *rule = failure_rule(end->failure);

    j->failure = (uint8_t)end->failure;
    j->failure_message = end->message;
    if (end->failure == FAIL_ABORTED) {
        abort_job(en, j);
    } else if (rule->count == COUNT_CRASH) {
        fail_crashed(en, j, end);
    } else if (rule->retry == RETRY_BREAKER) {
        fail_at_breaker(en, j, end->after_ms);
    } else {
        fail_counted(en, j, rule, end->after_ms);
    }
}

static void
is_well(struct job_state *j)
{
    ended_orderly(j);
    j->failure = FAIL_NONE;
    j->failure_message = (struct view){0};
}

static bool
is_null(struct view packed)
{
    return packed.size == 0 || (packed.size == 1 && (uint8_t)packed.data[0] == 0xc0);
}

/* Returns the number of the checkpoint that its effects carry. */
static uint64_t
commit_session(struct engine *en, const struct job_state *j, struct view checkpoint)
{
    struct session *s;

    if (j->flags & JOB_FLAG_EVENT) return event_consume(en, j, checkpoint);
    s = session_row(en, j->session);
    return s ? session_commit(en, s, checkpoint, false) : 0;
}

static void
complete(struct engine *en, struct job_state *j, const struct msg_ended *m)
{
    uint64_t checkpoint_id;

    breaker_succeeded(en, j);
    is_well(j);
    j->output = m->output;
    if (m->output.size > BLOB_FROM) {
        bytes_save(turn_txn(en), BLOB_OUTPUT, j->id, m->output);
        j->output_bytes = (uint32_t)m->output.size;
        j->output = (struct view){0};
    }
    checkpoint_id = commit_session(en, j, m->checkpoint);
    if (m->effects.size) effects_commit(en, j, checkpoint_id, m->effects);
    job_must_move(en, j, JOB_ON_COMPLETE);
    feed_job(en, FEED_JOB_COMPLETED, j, NULL);
    idle_job_over(en, j, list_iter_of(m->effects).left == 0 && is_null(m->output));
}

/* Its gate's command said no: the handler never ran, so that its session and its credential know
 * nothing of it. */
static void
complete_gated(struct engine *en, struct job_state *j, const struct ending *end)
{
    is_well(j);
    job_must_move(en, j, JOB_ON_COMPLETE);
    feed_job(en, FEED_JOB_COMPLETED, j, NULL);
    gate_closed_job(en, j, end->message);
}

static void
snooze(struct engine *en, struct job_state *j, int64_t after_ms)
{
    ended_orderly(j);
    if (after_ms < 0) after_ms = ladder_step(en, j, j->failures);
    if (after_ms < SNOOZE_MIN_MS) after_ms = SNOOZE_MIN_MS;
    come_back(en, j, after_ms, FEED_JOB_SNOOZED);
}

static void
firing_over(struct engine *en, const struct job_state *j)
{
    streak_job_ended(en, j);
    shadow_job_ended(en, j);
    ping_job_ended(en, j);
    if (j->state == JOB_FAILED) idle_job_over(en, j, false);
}

/* Handlers do not outlive their agentd, however long it was away: the last sign of its life. */
static int64_t
ended_at(const struct engine *en, const struct job_state *j, const struct ending *end)
{
    int64_t now = en->turn.now.wall_ms, crash = en->memory.meta.last_crash_at;

    return !end->lease && j->claimed_at <= crash && crash < now ? crash : now;
}

/* The one place where an attempt ends. */
static void
end_attempt(struct engine *en, struct job_state *j, struct ending *end)
{
    end->at = ended_at(en, j, end);
    /* What asked it to stop fixes the class; a result that came later is refused (N1). */
    if (j->stop_reason != FAIL_NONE) {
        end->outcome = ATTEMPT_STOPPED;
        end->failure = j->stop_reason;
        end->after_ms = -1;
        end->is_planned_stop = j->stop_reason == FAIL_INTERRUPTED;
        if (j->stop_reason == FAIL_LEASE_EXPIRED)
            end->message = view_str("it ran longer than its lease");
        if (j->stop_reason == FAIL_BUDGET_EXCEEDED)
            end->message = view_str("it used more than its budget");
        if (j->stop_reason == FAIL_ABORTED) end->message = j->failure_message;
        if (j->stop_reason == FAIL_INTERRUPTED) end->message = view_str("agentd was stopped");
    }
    if (end->at > j->claimed_at) j->run_ms += (uint64_t)(end->at - j->claimed_at);
    save_attempt(en, j, end);
    budget_end(en, j, end->at);
    if (end->outcome == ATTEMPT_COMPLETED && j->schedule && end->report->gated) {
        complete_gated(en, j, end);
        return;
    }
    if (end->lease) {
        reply_count(en, j, end->lease,
                    end->outcome == ATTEMPT_COMPLETED ? end->report->effects : (struct view){0});
    }
    if (end->outcome == ATTEMPT_COMPLETED) {
        complete(en, j, end->report);
    } else if (end->outcome == ATTEMPT_SNOOZED) {
        snooze(en, j, end->after_ms);
    } else {
        fail(en, j, end);
    }
    if (j->schedule && job_state_is_end(j->state)) firing_over(en, j);
}

/* The verdict that a worker reported, judged. */
static void
judge(struct engine *en, const struct job_state *j, const struct msg_ended *m, struct ending *end,
      struct err *e)
{
    end->message = m->message;
    end->after_ms = HAS(m, ended, after_ms) ? m->after_ms : -1;
    if (view_is(m->verdict, "completed")) {
        end->outcome = ATTEMPT_COMPLETED;
        if (m->effects.size && effects_check(en, j, m->effects, e)) {
            end->outcome = ATTEMPT_FAILED;
            end->failure = FAIL_INVALID_OUTPUT;
            end->message = view_str(e->msg);
        }
    } else if (view_is(m->verdict, "snoozed")) {
        end->outcome = ATTEMPT_SNOOZED;
    } else {
        end->outcome = ATTEMPT_FAILED;
        end->failure = failure_from_report(m->class);
    }
}

/* Takes the lease's job for its end; false when the row is not what the lease says (then the lease
 * just ends). */
static bool
take_job(struct engine *en, const struct fleet_lease *l, struct job_state *j)
{
    j->id = l->id;
    if (job_state_load(turn_txn(en), j) == LOAD_FOUND && j->state == JOB_RUNNING &&
        j->token == l->token)
        return true;
    turn_log(en, LOG_LEVEL_ERROR, "a lease without its running job",
             "job=%" PRIu64 " token=%" PRIu64, l->id, l->token);
    return false;
}

void
attempt_ended(struct engine *en, uint32_t slot, const struct msg_ended *m)
{
    struct fleet_lease lease = en->memory.leases[slot];
    struct ending      end = {.report = m, .lease = &lease};
    struct amounts     totals, more;
    struct job_state   j = {0};
    struct err         e = {0};

    fleet_free(en, slot);
    if (!take_job(en, &lease, &j)) return;
    totals = (struct amounts){
        {m->turns, m->input_tokens + m->output_tokens, m->cost_micros}
    };
    if (attempt_charge(&lease, &j, &totals, m->input_tokens, &more))
        (void)budget_charge(en, &j, &more);
    judge(en, &j, m, &end, &e);
    end_attempt(en, &j, &end);
}

void
attempt_impossible(struct engine *en, struct job_state *j)
{
    j->failure = FAIL_HANDLER_ERROR;
    j->failure_message = view_str("what it needs to start cannot be read: a damaged record");
    turn_log(en, LOG_LEVEL_ERROR, "a job cannot be started: a damaged record", "job=%" PRIu64,
             j->id);
    give_up(en, j);
    if (j->schedule) firing_over(en, j);
}

void
attempt_lost(struct engine *en, uint32_t slot, const char *message)
{
    struct fleet_lease lease = en->memory.leases[slot];
    struct ending      end = {.outcome = ATTEMPT_FAILED,
                              .failure = FAIL_WORKER_LOST,
                              .message = view_str(message),
                              .after_ms = -1,
                              .lease = &lease};
    struct job_state   j = {0};

    fleet_free(en, slot);
    if (take_job(en, &lease, &j)) end_attempt(en, &j, &end);
}

void
attempt_interrupted(struct engine *en, struct job_state *j)
{
    struct ending end = {.outcome = ATTEMPT_FAILED,
                         .failure = FAIL_INTERRUPTED,
                         .message = view_str("agentd ended without a planned stop"),
                         .after_ms = -1};

    end_attempt(en, j, &end);
}
