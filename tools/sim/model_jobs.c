#include "tools/sim/model.h"

#include "tools/sim/verdict.h"

#include <inttypes.h>

struct m_job *
m_job(struct model *m, uint64_t id)
{
    struct m_job *j = id == 0 || id > m->jobs.count ? NULL : &m->jobs.items[id - 1];

    return j && !j->is_purged ? j : NULL;
}

bool
m_is_end(uint8_t state)
{
    return state == JOB_COMPLETED || state == JOB_FAILED || state == JOB_CANCELLED ||
           state == JOB_EXPIRED;
}

void
m_touch(struct m_job *j)
{
    j->is_touched = true;
}

/* Ids are given out one after the other: a job that nobody asked for would show as a gap. */
struct m_job *
m_add_job(struct model *m)
{
    struct m_job *j = LIST_ADD(&m->jobs);

    j->id = m->jobs.count;
    j->root = j->id;
    j->submitted_at = m->now.wall_ms;
    *LIST_ADD(&m->active) = j->id;
    m_touch(j);
    return j;
}

void
m_forget(uint64_t id, uint64_t *list, size_t *count)
{
    for (size_t i = 0; i < *count; i++) {
        if (list[i] != id) continue;
        memmove(&list[i], &list[i + 1], (--*count - i) * sizeof(*list));
        return;
    }
}

void
m_make_ready(struct m_job *j)
{
    j->state = JOB_READY;
    j->is_retry = false;
    m_touch(j);
}

void
m_end_job(struct model *m, struct m_job *j, enum job_state_id state)
{
    j->state = (uint8_t)state;
    j->ended_at = m->now.wall_ms;
    j->is_retry = j->is_debounced = j->is_agent_made = false;
    *LIST_ADD(&m->ended) = j->id;
    *LIST_ADD(&m->finished) = j->id;
    m_leave_key(m, j);
    m_touch(j);
    if (j->session) m_session_job_over(m, j);
    if (j->is_gated) {
        m_gate_closed_job(m, j);
    } else if (j->schedule >= 0) {
        m_firing_ended(m, j);
        if (state == JOB_FAILED) m_idle_job_over(m, j, false);
    }
}

/* The job's own, else its agent's profile's, else its handler's, else the default. */
void
m_defaults(struct model *m, struct m_job *j, bool has_max_turns)
{
    const struct m_object    *o = m_object(m, j->handler);
    const struct msg_handler *h = &o->declared.handler;
    const struct msg_profile *p = m_profile(m, j->agent);

    if (p) {
        if (j->max_attempts == 0) j->max_attempts = (uint32_t)p->max_attempts;
        if (j->max_run_ms == 0) j->max_run_ms = p->max_run_ms;
        if (j->token_budget == 0) j->token_budget = p->token_budget;
        if (j->cost_budget == 0) j->cost_budget = p->cost_budget_micros;
        if (!has_max_turns && HAS(p, profile, max_turns)) {
            j->max_turns = p->max_turns;
            has_max_turns = true;
        }
    }
    if (j->max_attempts == 0) j->max_attempts = (uint32_t)h->max_attempts;
    if (j->max_attempts == 0) j->max_attempts = (uint32_t)m->limits.max_attempts;
    if (j->max_run_ms == 0) j->max_run_ms = h->max_run_ms;
    if (j->token_budget == 0) j->token_budget = h->token_budget;
    if (j->cost_budget == 0) j->cost_budget = h->cost_budget_micros;
    if (j->max_run_ms == 0) j->max_run_ms = m->limits.max_run_ms;
    if (has_max_turns) return;
    j->max_turns = m->limits.max_turns;
    if (HAS(h, handler, max_turns)) j->max_turns = h->max_turns;
}

#define LONGEST_WAIT_MS 86400000 /* of a ladder that is worked out and says no other */

static int64_t
longer(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

enum errc
m_check_ladder(const struct m_retry *given)
{
    struct list_iter it = list_iter_of(given->list);
    struct view      item;
    uint32_t         n = 0;

    if (given->has_list && given->has_base) return E_BAD_REQUEST;
    if (!given->has_base && (given->has_factor || given->has_max)) return E_BAD_REQUEST;
    if (given->has_max && given->max_ms < given->base_ms) return E_BAD_REQUEST;
    if (!given->has_list) return E_OK;
    for (; list_next(&it, &item); n++) {
        struct mp_reader r = mp_reader_of(item);
        int64_t          ms;

        if (!mp_read_i64(&r, &ms) || ms < 0 || ms > YEARS_100_MS) return E_BAD_REQUEST;
    }
    return n >= 1 && n <= LADDER_MAX ? E_OK : E_BAD_REQUEST;
}

/* base · factor^n, at most the longest wait, which repeats (A5). */
static void
work_out(const struct m_retry *given, struct m_ladder *out)
{
    int64_t factor = given->has_factor ? given->factor : 2, ms = given->base_ms;
    int64_t longest = longer(ms, given->has_max ? given->max_ms : LONGEST_WAIT_MS);

    while (out->count < LADDER_MAX) {
        out->steps[out->count++] = ms;
        ms = ms > longest / factor ? longest : ms * factor;
    }
}

void
m_ladder(const struct m_retry *given, struct m_ladder *out)
{
    struct list_iter it = list_iter_of(given->list);
    struct view      item;

    out->count = 0;
    if (given->has_base) work_out(given, out);
    if (given->list.size == 0) return;
    while (out->count < LADDER_MAX && list_next(&it, &item)) {
        struct mp_reader r = mp_reader_of(item);

        claim(mp_read_i64(&r, &out->steps[out->count]), "a ladder with a step that is no number");
        out->count++;
    }
}

/* Whether new work is taken; E_OK: yes. */
enum errc
m_admission(const struct model *m)
{
    const struct store_space *space = &m->turn->header.space;

    if (m->is_draining) return E_DRAINING;
    if (space->can_admit) return E_OK;
    return space->disk_is_short ? E_DISK_FULL : E_STORE_FULL;
}

/* Scheduled jobs whose time has come; jobs not started in time (N4). */
void
m_jobs_due(struct model *m)
{
    for (size_t i = 0; i < m->active.count; i++) {
        struct m_job *j = m_job(m, m->active.items[i]);
        bool          waits = j->state == JOB_SCHEDULED || j->state == JOB_READY;

        if (waits && j->expires_at != 0 && j->expires_at <= m->now.wall_ms) {
            j->failure = "expired";
            m_end_job(m, j, JOB_EXPIRED);
        } else if (j->state == JOB_SCHEDULED && j->run_at_high == 0 &&
                   j->run_at <= m->now.wall_ms) {
            m_make_ready(j);
        }
    }
}
