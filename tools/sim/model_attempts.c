#include "tools/sim/model.h"

#include "tools/sim/verdict.h"

#include <inttypes.h>

/* ---- the classes of A6, as this version serves them ------------------------------------------ */

enum retried { NEVER, LADDER, AT_ONCE, AT_BREAKER };
struct class
{
    const char  *name;
    enum retried retried;
    bool         is_named; /* a handler may name it */
};
static const struct class classes[] = {
    {"turn_limit_exceeded", NEVER,      true },
    {"lease_expired",       LADDER,     false},
    {"timeout",             LADDER,     true },
    {"handler_error",       LADDER,     true },
    {"invalid_output",      LADDER,     true },
    {"context_exceeded",    LADDER,     true },
    {"tool_failed",         LADDER,     true },
    {"budget_exceeded",     NEVER,      true },
    {"auth_failed",         AT_BREAKER, true },
    {"rate_limited",        AT_BREAKER, true },
    {"worker_lost",         AT_ONCE,    false},
    {"interrupted",         AT_ONCE,    false},
};

static const struct class *
class_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        if (strcmp(classes[i].name, name) == 0) return &classes[i];
    }
    broken("the model does not know the class %s", name);
}

bool
m_is_class(struct view name)
{
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        if (view_is(name, classes[i].name)) return true;
    }
    return false;
}

static const char *
class_reported(struct view name)
{
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        if (classes[i].is_named && view_is(name, classes[i].name)) return classes[i].name;
    }
    return "handler_error";
}

/* ---- usage ----------------------------------------------------------------------------------- */

/* Reports carry totals of the attempt; the job counts all attempts.  How much is new. */
static uint64_t
grow(uint64_t *reported, uint64_t *job, uint64_t total)
{
    uint64_t more = total > *reported ? total - *reported : 0;

    *job += more;
    *reported += more;
    return more;
}

/* Whether it used more than it may. */
static bool
charge(struct model *m, struct m_lease *l, const struct msg_progress *p)
{
    struct m_job *j = m_job(m, l->id);
    uint64_t      turns = grow(&l->turns, &j->turns, p->turns);
    uint64_t      input = grow(&l->input_tokens, &j->input_tokens, p->input_tokens);
    uint64_t      output = grow(&l->output_tokens, &j->output_tokens, p->output_tokens);
    uint64_t      cost = grow(&l->cost_micros, &j->cost_micros, p->cost_micros);

    return m_budget_used(m, j, turns, input + output, cost);
}

void
m_attempt_progress(struct model *m, struct m_lease *l, const struct msg_progress *p)
{
    struct m_job *j = m_job(m, l->id);

    m_touch(j);
    if (charge(m, l, p)) m_stop_attempt(m, j, "budget_exceeded", m->limits.kill_grace_ms);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void
come_back(struct model *m, struct m_job *j, int64_t low_ms, int64_t high_ms)
{
    if (m_budget_is_out(j)) {
        j->failure = "budget_exceeded";
        m_end_job(m, j, JOB_FAILED);
        return;
    }
    if (j->session && m_session(m, j->session)->status == SESSION_CLOSED) {
        j->failure = "aborted";
        m_end_job(m, j, JOB_CANCELLED);
        return;
    }
    j->state = JOB_SCHEDULED;
    j->run_at = m->now.wall_ms + low_ms;
    j->run_at_high = high_ms == low_ms ? 0 : m->now.wall_ms + high_ms;
    m_touch(j);
}

/* The step after n failures, from 0; the last one repeats (N2). */
static int64_t
step(struct model *m, const struct m_job *j, uint32_t n)
{
    const struct msg_handler *h = &m_object(m, j->handler)->declared.handler;
    const struct m_retry      of_handler = M_RETRY(h, handler);
    const struct m_retry      general = {.has_list = true, .list = m->limits.retry};
    struct m_ladder           ladder = j->ladder;
    const struct msg_profile *p = m_profile(m, j->agent);

    if (ladder.count == 0 && p) {
        const struct m_retry of_profile = M_RETRY(p, profile);

        m_ladder(&of_profile, &ladder);
    }
    if (ladder.count == 0) m_ladder(&of_handler, &ladder);
    if (ladder.count == 0) m_ladder(&general, &ladder);
    if (ladder.count == 0) return 0;
    return ladder.steps[n < ladder.count ? n : ladder.count - 1];
}

static void
fail_counted(struct model *m, struct m_job *j, bool is_retried, int64_t after_ms)
{
    int64_t ms;

    j->failures++;
    j->crashes = 0;
    j->is_alone = false;
    if (!is_retried || j->failures >= j->max_attempts) {
        m_end_job(m, j, JOB_FAILED);
        return;
    }
    j->is_retry = true;
    if (after_ms >= 0) {
        come_back(m, j, after_ms, after_ms);
        return;
    }
    ms = step(m, j, j->failures - 1); /* ±25 %, in whole ms */
    come_back(m, j, ms - ms / 4, ms < 4 ? ms - ms / 4 : ms + ms / 4 + 1);
}

/* Not the job's fault, but 3 in a row and it is put aside (N2, N4, A14). */
static void
fail_crashed(struct model *m, struct m_job *j, bool is_planned)
{
    if (!is_planned) j->crashes++;
    if (j->crashes >= m->limits.max_crashes) {
        j->is_quarantined = true;
        m_end_job(m, j, JOB_FAILED);
        return;
    }
    if (strcmp(j->failure, "worker_lost") == 0) j->is_alone = true;
    come_back(m, j, 0, 0);
}

static void
fail(struct model *m, struct m_job *j, const char *class, bool is_planned, int64_t after_ms)
{
    j->failure = class;
    if (strcmp(class, "aborted") == 0) {
        m_end_job(m, j, JOB_CANCELLED);
    } else if (class_of(class)->retried == AT_ONCE) {
        fail_crashed(m, j, is_planned);
    } else if (class_of(class)->retried == AT_BREAKER) {
        j->crashes = 0;
        j->is_alone = false;
        m_breaker_failed(m, j, after_ms);
        come_back(m, j, 0, 0);
    } else {
        fail_counted(m, j, class_of(class)->retried == LADDER, after_ms);
    }
}

/* What an earlier agentd heard of an attempt's usage counts for the job, but is not kept apart. */
static void
note_attempt(struct model *m, const struct m_job *j, const struct m_lease *l, uint8_t outcome,
             const char *class)
{
    *LIST_ADD(&m->attempts) = (struct m_attempt){.job = j->id,
                                                 .token = l->token,
                                                 .attempt = j->attempt,
                                                 .outcome = outcome,
                                                 .failure = class,
                                                 .turns = l->is_old ? UINT64_MAX : l->turns};
}

/* What asked it to stop has fixed the class; what it says itself comes too late (N1). */
static void
end_stopped(struct model *m, struct m_job *j, const struct m_lease *l)
{
    const char *class = j->stop_reason;

    note_attempt(m, j, l, ATTEMPT_STOPPED, class);
    j->stop_reason = NULL;
    fail(m, j, class, strcmp(class, "interrupted") == 0, -1);
}

static void
leave(struct model *m, struct m_job *j, const struct m_lease *l)
{
    m_budget_ended(m, j, l->is_old);
    j->lease_end_boot = 0;
    j->lease_end_wall = 0;
}

static bool
is_null(struct view packed)
{
    return packed.size == 0 || (packed.size == 1 && (uint8_t)packed.data[0] == 0xc0);
}

static void
complete(struct model *m, struct m_job *j, const struct msg_ended *e)
{
    uint64_t id = j->id;

    m_breaker_succeeded(m, j);
    j->crashes = 0;
    j->is_alone = false;
    j->failure = NULL;
    j->output = e->output.size ? hash64(e->output, 0) : 0;
    j->output_bytes = e->output.size;
    if (j->schedule >= 0 && e->checkpoint.size) {
        int s = m_object(m, j->schedule)->schedule;

        m->schedules.items[s].checkpoint = hash64(e->checkpoint, 0);
    }
    if (j->session) m_event_consumed(m, j, e->checkpoint);
    if (e->effects.size) m_effects_commit(m, j->id, e->effects);
    m_end_job(m, m_job(m, id), JOB_COMPLETED);
    m_idle_job_over(m, m_job(m, id), list_iter_of(e->effects).left == 0 && is_null(e->output));
}

/* Its gate's command said no: the handler never ran. */
static void
complete_gated(struct model *m, struct m_job *j)
{
    j->crashes = 0;
    j->is_alone = false;
    j->failure = NULL;
    j->is_gated = true;
    m_end_job(m, j, JOB_COMPLETED);
}

static void
end_reported(struct model *m, struct m_job *j, const struct m_lease *l, const struct msg_ended *e)
{
    int64_t after_ms = HAS(e, ended, after_ms) ? e->after_ms : -1;
    const char *class = NULL;

    if (view_is(e->verdict, "snoozed")) {
        note_attempt(m, j, l, ATTEMPT_SNOOZED, NULL);
        j->crashes = 0;
        j->is_alone = false;
        if (after_ms < 0) after_ms = step(m, j, j->failures);
        if (after_ms < 1000) after_ms = 1000;
        come_back(m, j, after_ms, after_ms);
        return;
    }
    if (!view_is(e->verdict, "completed")) {
        class = class_reported(e->class);
    } else if (e->effects.size && !m_effects_valid(m, j, e->effects)) {
        class = "invalid_output";
    }
    note_attempt(m, j, l, class ? ATTEMPT_FAILED : ATTEMPT_COMPLETED, class);
    if (class) {
        fail(m, j, class, false, after_ms);
    } else if (j->schedule >= 0 && e->gated) {
        complete_gated(m, j);
    } else {
        complete(m, j, e);
    }
}

void
m_attempt_ended(struct model *m, const struct m_lease *lease, const struct msg_ended *e)
{
    struct m_lease l = *lease;
    struct m_job  *j = m_job(m, l.id);

    m_drop_lease(m, lease);
    (void)charge(m, &l,
                 &(struct msg_progress){.turns = e->turns,
                                        .input_tokens = e->input_tokens,
                                        .output_tokens = e->output_tokens,
                                        .cost_micros = e->cost_micros});
    leave(m, j, &l);
    if (j->stop_reason) {
        end_stopped(m, j, &l);
    } else {
        end_reported(m, j, &l, e);
    }
}

void
m_attempt_lost(struct model *m, const struct m_lease *lease, const char *class)
{
    struct m_lease l = *lease;
    struct m_job  *j = m_job(m, l.id);

    m_drop_lease(m, lease);
    leave(m, j, &l);
    if (j->stop_reason) {
        end_stopped(m, j, &l);
        return;
    }
    note_attempt(m, j, &l, ATTEMPT_FAILED, class);
    fail(m, j, class, false, -1);
}
