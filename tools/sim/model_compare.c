#include "supervisor/engine/effects.h"
#include "supervisor/engine/failure.h"
#include "supervisor/engine/job.h"
#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>

/* ---- jobs ------------------------------------------------------------------------------------ */

static uint32_t
id_of(struct model *m, int object)
{
    const struct m_object *o = m_object(m, object);

    return o ? o->id : 0;
}

static bool
class_is(uint8_t stored, const char *expected)
{
    if (stored >= FAIL_COUNT) return false;
    return strcmp(failure_rule(stored)->name, expected ? expected : "") == 0;
}

/* What the row alone can tell, the jitter of a retry, within its bounds (A5). */
static void
learn_run_at(struct m_job *j, const struct job_state *row)
{
    if (j->run_at_high == 0) return;
    claim(row->run_at >= j->run_at && row->run_at <= j->run_at_high,
          "job %" PRIu64 " comes back at %" PRId64 ", expected %" PRId64 " to %" PRId64, j->id,
          row->run_at, j->run_at, j->run_at_high);
    j->run_at = row->run_at;
    j->run_at_high = 0;
}

static void
compare_times(const struct m_job *j, const struct job_state *row)
{
    const struct {
        const char *what;
        int64_t     stored, expected;
    } times[] = {
        {"run_at",           row->run_at,           j->run_at        },
        {"expires_at",       row->expires_at,       j->expires_at    },
        {"claimed_at",       row->claimed_at,       j->claimed_at    },
        {"ended_at",         row->ended_at,         j->ended_at      },
        {"lease_end_boot",   row->lease_end_boot,   j->lease_end_boot},
        {"lease_expires_at", row->lease_expires_at, j->lease_end_wall},
    };

    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        claim(times[i].stored == times[i].expected,
              "job %" PRIu64 ": %s is %" PRId64 ", expected %" PRId64, j->id, times[i].what,
              times[i].stored, times[i].expected);
    }
}

static void
compare_numbers(struct model *m, const struct m_job *j, const struct job_state *row)
{
    uint64_t    output = row->output_bytes ? 0 : row->output.size ? hash64(row->output, 0) : 0;
    struct view long_output;
    const struct {
        const char *what;
        uint64_t    stored, expected;
    } numbers[] = {
        {"priority",      row->priority,                               j->priority                              },
        {"attempt",       row->attempt,                                j->attempt                               },
        {"failures",      row->failures,                               j->failures                              },
        {"crashes",       row->crashes,                                j->crashes                               },
        {"token",         row->token,                                  j->token                                 },
        {"company",       row->company,                                id_of(m,                                   j->company)},
        {"agent",               row->agent,                                                    id_of(m,                                                                     j->agent)},
        {"handler",      row->handler,                                                 id_of(m,              j->handler)},
        {"schedule",        row->schedule,id_of(m,                    j->schedule)},
        {"born",!!(row->flags & JOB_FLAG_SCHEDULE_BORN),                                        j->is_born                                                 },
        {"by_hand",          !!(row->flags & JOB_FLAG_BY_HAND),                    j->is_by_hand           },
        {"forced",       !!(row->flags & JOB_FLAG_FORCED),        j->is_forced                },
        {"alone",        !!(row->flags & JOB_FLAG_ALONE),             j->is_alone                                  },
        {"quarantined",         !!(row->flags & JOB_FLAG_QUARANTINED),              j->is_quarantined                               },
        {"retrying",   !!(row->flags & JOB_FLAG_RETRY), j->is_retry           },
        {"unique",      !!(row->flags & JOB_FLAG_UNIQUE),                j->unique_key[0] && !m_is_end(j->state)                                             },
        {"debounced",        !!(row->flags & JOB_FLAG_DEBOUNCED),              j->is_debounced},
        {"turns",     row->turns,      j->turns                  },
        {"input_tokens",         row->input_tokens,                                      j->input_tokens                                                                 },
        {"output_tokens",  row->output_tokens,                    j->output_tokens        },
        {"cost_micros", row->cost_micros,                         j->cost_micros                              },
    };

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        claim(numbers[i].stored == numbers[i].expected,
              "job %" PRIu64 ": %s is %" PRIu64 ", expected %" PRIu64, j->id, numbers[i].what,
              numbers[i].stored, numbers[i].expected);
    }
    if (row->output_bytes &&
        bytes_load(m->txn, BLOB_OUTPUT, j->id, row->output_bytes, &long_output) == LOAD_FOUND)
        output = hash64(long_output, 0);
    claim(output == j->output, "job %" PRIu64 " has another output", j->id);
}

/* The row of the firing that made it; a backfill may have given its time to another job. */
static void
compare_firing(struct model *m, const struct m_job *j)
{
    struct firing row = {.schedule = id_of(m, j->schedule), .nominal_at = j->nominal_at};

    if (m_object(m, j->schedule)->is_gone) return; /* what its jobs come to is nobody's any more */
    if (firing_load(m->txn, &row) != LOAD_FOUND || row.job != j->id || row.outcome != FIRING_FIRED)
        return;
    claim(row.claimed_at == j->first_claimed_at && row.concurrent == j->concurrent &&
              row.streams == j->streams,
          "the firing of job %" PRIu64 " was claimed at %" PRId64 " beside %u, expected %" PRId64
          " beside %u",
          j->id, row.claimed_at, row.concurrent, j->first_claimed_at, j->concurrent);
    claim(j->first_claimed_at == 0 || row.max_turns == j->max_turns,
          "the firing of job %" PRIu64 " has another limit of turns", j->id);
    if (!m_is_end(j->state)) return;
    claim(row.completed_at == j->ended_at && row.state == j->state &&
              class_is(row.failure, j->failure),
          "the firing of job %" PRIu64 " completed at %" PRId64 " in state %u, class %u", j->id,
          row.completed_at, row.state, row.failure);
    claim(row.turns == j->turns && row.tokens == j->input_tokens + j->output_tokens &&
              row.cost_micros == j->cost_micros,
          "the firing of job %" PRIu64 " used %" PRIu64 " turns, %" PRIu64
          " tokens, expected %" PRIu64 ", %" PRIu64,
          j->id, row.turns, row.tokens, j->turns, j->input_tokens + j->output_tokens);
}

static void
compare_job(struct model *m, struct m_job *j)
{
    struct job_state row = {.id = j->id};

    j->is_touched = false;
    claim(job_state_load(m->txn, &row) == LOAD_FOUND, "job %" PRIu64 " is not in the store", j->id);
    claim(row.state == j->state, "job %" PRIu64 " is in state %u, expected %u", j->id, row.state,
          j->state);
    learn_run_at(j, &row);
    compare_times(j, &row);
    compare_numbers(m, j, &row);
    claim(class_is(row.failure, j->failure) && class_is(row.stop_reason, j->stop_reason),
          "job %" PRIu64 ": class %u and stop reason %u, expected %s and %s", j->id, row.failure,
          row.stop_reason, j->failure ? j->failure : "none",
          j->stop_reason ? j->stop_reason : "none");
    if (j->is_gated) {
        m_compare_gated(m, j);
    } else if (j->schedule >= 0) {
        compare_firing(m, j);
    }
}

static void
compare_spec(struct model *m, const struct m_job *j)
{
    struct job_spec spec = {.id = j->id};

    claim(job_spec_load(m->txn, &spec) == LOAD_FOUND, "job %" PRIu64 " has no declaration", j->id);
    claim(view_is(view_str(trigger_name(spec.trigger)), j->trigger),
          "job %" PRIu64 " has trigger %s, expected %s", j->id, trigger_name(spec.trigger),
          j->trigger);
    claim(spec.ticket == j->ticket, "job %" PRIu64 " is of another ticket", j->id);
    claim(spec.event == j->event &&
              (!j->session || spec.session == m_session_id(m, m_session(m, j->session))),
          "job %" PRIu64 " is of another event", j->id);
    claim(spec.goal == j->goal, "job %" PRIu64 " is of another goal", j->id);
    claim(spec.parent == j->parent && spec.root == j->root && (int64_t)spec.depth == j->depth,
          "job %" PRIu64 ": caused by %" PRIu64 ", root %" PRIu64 ", depth %u, expected %" PRIu64
          ", %" PRIu64 ", %" PRId64,
          j->id, spec.parent, spec.root, spec.depth, j->parent, j->root, j->depth);
    claim(j->parent < j->id && j->depth <= 16, "job %" PRIu64 " causes itself", j->id);
    claim(spec.token_budget == j->token_budget && spec.cost_budget_micros == j->cost_budget,
          "job %" PRIu64 ": budgets of %" PRIu64 " and %" PRIu64 ", expected %" PRIu64
          " and %" PRIu64,
          j->id, spec.token_budget, spec.cost_budget_micros, j->token_budget, j->cost_budget);
    claim(spec.max_attempts == j->max_attempts && spec.max_run_ms == j->max_run_ms &&
              spec.max_turns == j->max_turns && spec.cause_count == j->causes &&
              spec.submitted_at == j->submitted_at,
          "job %" PRIu64 ": max_attempts %u, max_run_ms %" PRId64 ", max_turns %" PRId64
          ", expected %u, %" PRId64 ", %" PRId64,
          j->id, spec.max_attempts, spec.max_run_ms, spec.max_turns, j->max_attempts, j->max_run_ms,
          j->max_turns);
}

static void
compare_attempt(struct model *m, const struct m_attempt *a)
{
    struct attempt row = {.job = a->job, .attempt = a->attempt};

    claim(attempt_load(m->txn, &row) == LOAD_FOUND, "attempt %u of job %" PRIu64 " left no row",
          a->attempt, a->job);
    claim(row.token == a->token && row.outcome == a->outcome && class_is(row.failure, a->failure),
          "attempt %u of job %" PRIu64 ": outcome %u, class %u, expected %u, %s", a->attempt,
          a->job, row.outcome, row.failure, a->outcome, a->failure ? a->failure : "none");
    claim(a->turns == UINT64_MAX || row.turns == a->turns,
          "attempt %u of job %" PRIu64 ": %" PRIu64 " turns, expected %" PRIu64, a->attempt, a->job,
          row.turns, a->turns);
}

/* ---- effects --------------------------------------------------------------------------------- */

void
m_compare_effect(struct model *m, struct m_effect *e)
{
    struct effect row = {.id = e->id};
    struct view   payload;

    e->is_touched = false;
    if (e->is_purged) return;
    if (e->is_asked) {
        claim(effect_load(m->txn, &row) == LOAD_ABSENT,
              "effect %" PRIu64 " has a row before anybody allowed it", e->id);
        return;
    }
    claim(effect_load(m->txn, &row) == LOAD_FOUND, "effect %" PRIu64 " is not in the store", e->id);
    claim(row.status == e->status && row.token == e->token && row.attempts == e->attempts &&
              row.probe == e->is_probe_owed,
          "effect %" PRIu64 ": status %u, token %" PRIu64 ", attempts %u, probe %u, expected %u, "
          "%" PRIu64 ", %u, %d",
          e->id, row.status, row.token, row.attempts, row.probe, e->status, e->token, e->attempts,
          e->is_probe_owed);
    claim(row.job == e->job && row.sink == id_of(m, e->sink),
          "effect %" PRIu64 " is of another job or for another sink", e->id);
    claim(row.resends == e->resends &&
              (e->status != STATUS_PENDING || row.not_after == e->not_after),
          "effect %" PRIu64 ": sent again %u times, until %" PRId64 ", expected %u, %" PRId64,
          e->id, row.resends, row.not_after, e->resends, e->not_after);
    claim(row.autonomous == e->is_autonomous && row.allowed_at == e->allowed_at &&
              (!e->reason || view_is(row.reason, e->reason)),
          "effect %" PRIu64 ": autonomous %u, %.*s, allowed at %" PRId64
          ", expected %d, %s, %" PRId64,
          e->id, row.autonomous, VIEW_ARG(row.reason), row.allowed_at, e->is_autonomous,
          e->reason ? e->reason : "", e->allowed_at);
    claim(e->session >= -1 || e->status != STATUS_PENDING || e->attempts ||
              row.not_before >= WAITS_FOR_READER || row.not_before <= m->latest_ms ||
              row.not_before == e->earliest,
          "effect %" PRIu64 " waits until %" PRId64 ", expected %" PRId64, e->id, row.not_before,
          e->earliest);
    e->not_before = row.not_before == BEHIND_ANOTHER ? 0 : row.not_before;
    payload = row.payload;
    if (row.payload_bytes &&
        bytes_load(m->txn, BLOB_EFFECT, row.id, row.payload_bytes, &payload) != LOAD_FOUND)
        payload = (struct view){0};
    if (e->is_note) e->payload = hash64(payload, 0);
    claim(hash64(payload, 0) == e->payload, "effect %" PRIu64 " has another payload", e->id);
}

/* ---- all ------------------------------------------------------------------------------------- */

/* What the turn concerned. */
void
m_compare_turn(struct model *m)
{
    struct meta meta = {.id = 1};

    claim(meta_load(m->txn, &meta) == LOAD_FOUND, "the engine's own row is gone");
    claim(meta.stops == m->held, "the engine has stopped %u, expected %u", meta.stops, m->held);
    claim(meta.next_job == m->jobs.count + 1,
          "the engine has made %" PRIu64 " jobs, expected %" PRIu64, meta.next_job - 1,
          (uint64_t)m->jobs.count);
    claim(meta.next_goal == m->goals.count + 1,
          "the engine has made %" PRIu64 " goals, expected %" PRIu64, meta.next_goal - 1,
          (uint64_t)m->goals.count);
    claim(meta.next_effect == m->effects.count + 1,
          "the engine has made %" PRIu64 " effects, expected %" PRIu64, meta.next_effect - 1,
          (uint64_t)m->effects.count);
    claim(meta.next_approval == m->approvals.count + 1,
          "the engine has made %" PRIu64 " approvals, expected %" PRIu64, meta.next_approval - 1,
          (uint64_t)m->approvals.count);
    for (size_t i = 0; i < m->active.count;) {
        struct m_job *j = m_job(m, m->active.items[i]);

        if (j->is_touched) compare_job(m, j);
        if (m_is_end(j->state)) {
            LIST_REMOVE(&m->active, i);
        } else {
            i++;
        }
    }
    m_compare_breakers(m);
    m_compare_schedules(m, false);
    m_compare_ledgers(m, false);
    m_compare_tickets(m, false);
    m_compare_goals(m, false);
    m_compare_approvals(m, false);
    m_compare_sessions(m, false);
    for (size_t i = m->settled; i < m->effects.count; i++) {
        if (m->effects.items[i].is_touched) m_compare_effect(m, &m->effects.items[i]);
    }
    for (size_t i = 0; i < m->attempts.count; i++) {
        if (m_job(m, m->attempts.items[i].job)) compare_attempt(m, &m->attempts.items[i]);
    }
}

void
model_sweep(struct model *m, struct txn *t, bool all)
{
    m->txn = t;
    for (size_t i = 0; all && i < m->jobs.count; i++) {
        if (m->jobs.items[i].is_purged) {
            m_compare_purged(m, &m->jobs.items[i]);
            continue;
        }
        compare_job(m, &m->jobs.items[i]);
        compare_spec(m, &m->jobs.items[i]);
    }
    for (size_t i = 0; !all && i < m->active.count; i++)
        compare_job(m, m_job(m, m->active.items[i]));
    m_compare_pauses(m);
    m_compare_keys(m);
    m_compare_schedules(m, true);
    for (size_t i = all ? 0 : m->settled; i < m->effects.count; i++)
        m_compare_effect(m, &m->effects.items[i]);
    m_compare_ledgers(m, true);
    m_compare_tickets(m, true);
    m_compare_goals(m, true);
    m_compare_approvals(m, true);
    m_compare_sessions(m, true);
    m->txn = NULL;
}
