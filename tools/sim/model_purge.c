/* What is removed: ended jobs by request or by age, and effects by age (A11, N15).  Which of them a
 * turn gets to is the engine's; that it takes the oldest first, none too early, no job that has not
 * ended, at most 1,000 rows, and goes on at once when it has left some is claimed. */
#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>

#define ROWS_MAX      1000 /* that a turn removes */
#define ROWS_OF_A_JOB 2    /* and its attempts, causes and long values */

/* ---- rows ------------------------------------------------------------------------------------ */

static uint64_t
chunks(uint64_t bytes)
{
    return bytes <= BLOB_FROM ? 0 : (bytes + BLOB_CHUNK - 1) / BLOB_CHUNK;
}

/* Without its attempts, of which an earlier turn may have removed some. */
static uint64_t
rows_at_least(const struct m_job *j)
{
    return ROWS_OF_A_JOB + chunks(j->payload_bytes) + chunks(j->output_bytes) + m_causes_kept(j) +
           (j->is_purge_begun ? 0 : j->attempt);
}

static uint64_t
rows_at_most(const struct m_job *j)
{
    return rows_at_least(j) + j->attempt;
}

/* ---- jobs ------------------------------------------------------------------------------------ */

void
m_purge_begin(struct model *m)
{
    m->purged.count = 0;
    m->purged_rows = m->purged_rows_at_most = 0;
    for (size_t i = 0; i < m->turn->output_count; i++) {
        if (m->turn->outputs[i].kind == OUT_JOB_PURGED)
            *LIST_ADD(&m->purged) = m->turn->outputs[i].job;
    }
}

bool
m_purge(struct model *m, struct m_job *j)
{
    size_t before = m->purged.count;

    claim(m_is_end(j->state), "job %" PRIu64 " has not ended and was to be purged", j->id);
    m_forget(j->id, m->purged.items, &m->purged.count);
    m->purged_rows_at_most += rows_at_most(j);
    if (m->purged.count == before) { /* the turn's rows are used up */
        j->is_purge_begun = true;
        return false;
    }
    m->purged_rows += rows_at_least(j);
    j->is_purged = true;
    m_forget(j->id, m->active.items, &m->active.count); /* one that has ended in this very turn */
    m_forget(j->id, m->finished.items, &m->finished.count);
    return true;
}

static int64_t
keep_of(const struct model *m, const struct m_job *j)
{
    bool is_good = j->state == JOB_COMPLETED || j->state == JOB_CANCELLED;

    return is_good ? m->limits.keep_completed_ms : m->limits.keep_failed_ms;
}

/* When it goes by its age; INT64_MAX: never. */
static int64_t
goes_at(const struct model *m, const struct m_job *j)
{
    int64_t keep = keep_of(m, j);

    return keep == NO_LIMIT ? INT64_MAX : j->ended_at + keep;
}

static struct m_job *
oldest(struct model *m, uint8_t state)
{
    struct m_job *best = NULL;

    for (size_t i = 0; i < m->finished.count; i++) {
        struct m_job *j = m_job(m, m->finished.items[i]);

        if (j->state != state || goes_at(m, j) > m->now.wall_ms) continue;
        if (!best || j->ended_at < best->ended_at ||
            (j->ended_at == best->ended_at && j->id < best->id))
            best = j;
    }
    return best;
}

static void
jobs_due(struct model *m, uint8_t state)
{
    struct m_job *j;

    while ((j = oldest(m, state))) {
        if (m_purge(m, j)) continue;
        claim(m->purged_rows_at_most > ROWS_MAX,
              "job %" PRIu64 " has ended at %" PRId64 " and should have been removed", j->id,
              j->ended_at);
        return;
    }
}

/* ---- effects --------------------------------------------------------------------------------- */

static int64_t
effect_goes_at(const struct model *m, const struct m_effect *e)
{
    bool rests = !e->is_asked && e->status != STATUS_PENDING && e->status != STATUS_ATTEMPTING &&
                 !e->is_probe_owed;

    return !rests || m->limits.keep_effects_ms == NO_LIMIT
               ? INT64_MAX
               : e->settled_at + m->limits.keep_effects_ms;
}

static void
effects_due(struct model *m)
{
    if (m->limits.keep_effects_ms == NO_LIMIT) return;
    for (size_t i = 0; i < m->effects.count; i++) {
        struct m_effect *e = &m->effects.items[i];
        struct effect    row = {.id = e->id};

        if (e->is_purged || effect_goes_at(m, e) > m->now.wall_ms) continue;
        e->is_purged = effect_load(m->txn, &row) == LOAD_ABSENT;
    }
}

/* ---- turns ----------------------------------------------------------------------------------- */

void
m_purge_due(struct model *m)
{
    static const uint8_t states[] = {JOB_COMPLETED, JOB_CANCELLED, JOB_FAILED, JOB_EXPIRED};

    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        jobs_due(m, states[i]);
    effects_due(m);
    m_sessions_purge_due(m);
}

void
m_purge_end(struct model *m)
{
    claim(m->purged.count == 0, "job %" PRIu64 " was purged, and nobody asked for it",
          m->purged.items[0]);
    claim(m->purged_rows <= ROWS_MAX, "a turn has purged %" PRIu64 " rows", m->purged_rows);
}

void
m_check_purge_deadline(struct model *m)
{
    int64_t at = m->turn->deadline.wall_ms;

    for (size_t i = 0; i < m->finished.count; i++) {
        const struct m_job *j = m_job(m, m->finished.items[i]);

        claim(at <= goes_at(m, j), "the engine sleeps past the removal of job %" PRIu64, j->id);
    }
    for (size_t i = 0; i < m->effects.count; i++) {
        const struct m_effect *e = &m->effects.items[i];

        claim(e->is_purged || at <= effect_goes_at(m, e),
              "the engine sleeps past the removal of effect %" PRIu64, e->id);
    }
}

void
m_compare_purged(struct model *m, const struct m_job *j)
{
    struct job_state state = {.id = j->id};
    struct job_spec  spec = {.id = j->id};
    struct attempt   attempt = {.job = j->id, .attempt = j->attempt};

    claim(job_state_load(m->txn, &state) == LOAD_ABSENT &&
              job_spec_load(m->txn, &spec) == LOAD_ABSENT &&
              attempt_load(m->txn, &attempt) == LOAD_ABSENT,
          "job %" PRIu64 " was purged and is not wholly gone", j->id);
}
