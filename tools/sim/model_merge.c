/* What becomes of a submit when there is a job like it: unique keys (A9), debounced jobs and a
 * company's full queue (A13). */
#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>

#define CAUSES_KEPT 100

/* ---- what a request may ask for -------------------------------------------------------------- */

static enum errc
read_policy(struct view text, enum m_policy *policy)
{
    *policy = M_RETURN;
    if (view_is(text, "reject")) *policy = M_REJECT;
    if (view_is(text, "replace")) *policy = M_REPLACE;
    return text.size == 0 || *policy != M_RETURN || view_is(text, "return") ? E_OK : E_BAD_REQUEST;
}

static void
take_key(char key[M_KEY_SIZE], struct view given)
{
    claim(given.size < M_KEY_SIZE, "a key that is too long for the model");
    if (given.size) memcpy(key, given.data, given.size);
}

enum errc
m_claims(struct model *m, const struct msg_job_submit *s, struct m_submission *out)
{
    int64_t       now = m->now.wall_ms;
    struct m_job *j = &out->job;
    bool          has_time = HAS(s, job_submit, run_at) || HAS(s, job_submit, delay_ms);

    if (s->unique_key.size == 0 && (s->on_conflict.size || s->unique_for_ms)) return E_BAD_REQUEST;
    if (s->debounce_key.size == 0 &&
        (HAS(s, job_submit, debounce_ms) || HAS(s, job_submit, debounce_max_ms)))
        return E_BAD_REQUEST;
    if (s->debounce_key.size && (s->unique_key.size || has_time)) return E_BAD_REQUEST;
    if (read_policy(s->on_conflict, &out->policy) != E_OK) return E_BAD_REQUEST;
    take_key(j->unique_key, s->unique_key);
    take_key(j->debounce_key, s->debounce_key);
    out->for_ms = s->unique_for_ms;
    out->wait_ms = s->debounce_ms;
    if (s->debounce_key.size == 0) return E_OK;
    j->latest_at = s->debounce_max_ms ? now + s->debounce_max_ms : INT64_MAX;
    j->run_at = now + s->debounce_ms < j->latest_at ? now + s->debounce_ms : j->latest_at;
    return E_OK;
}

/* ---- who has a key --------------------------------------------------------------------------- */

static struct m_key *
find_key(struct model *m, int company, const char *name)
{
    for (size_t i = 0; i < m->keys.count; i++) {
        struct m_key *k = &m->keys.items[i];

        if (k->company == company && strcmp(k->name, name) == 0) return k;
    }
    return NULL;
}

static bool
is_unfinished(struct model *m, uint64_t job)
{
    const struct m_job *j = m_job(m, job);

    return j && !m_is_end(j->state);
}

/* NULL: the key is free. */
static struct m_key *
taken_key(struct model *m, int company, const char *name)
{
    struct m_key *k = name[0] ? find_key(m, company, name) : NULL;

    return k && (is_unfinished(m, k->job) || k->until > m->now.wall_ms) ? k : NULL;
}

static bool
has_not_started(const struct m_job *j)
{
    return j->attempt == 0 && (j->state == JOB_SCHEDULED || j->state == JOB_READY);
}

static enum errc
judge_key(struct model *m, struct m_submission *s)
{
    const struct m_key *k = taken_key(m, s->job.company, s->job.unique_key);
    const struct m_job *j = k ? m_job(m, k->job) : NULL;

    if (!k) return E_OK;
    if (s->policy == M_REJECT || !j) return E_CONFLICT;
    if (s->policy == M_REPLACE && !has_not_started(j)) return E_CONFLICT;
    s->replaces = s->policy == M_REPLACE;
    if (!s->replaces) s->other = j->id;
    return E_OK;
}

static void
drop_key(struct model *m, struct m_key *k)
{
    LIST_REMOVE(&m->keys, (size_t)(k - m->keys.items));
}

static void
give_key(struct model *m, const struct m_job *j, int64_t until)
{
    struct m_key *k = find_key(m, j->company, j->unique_key);

    if (!k) k = LIST_ADD(&m->keys);
    *k = (struct m_key){.company = j->company, .job = j->id, .until = until};
    memcpy(k->name, j->unique_key, sizeof(k->name));
}

void
m_take_key(struct model *m, const struct m_job *j, int64_t for_ms)
{
    struct m_key *k = taken_key(m, j->company, j->unique_key);
    struct m_job *other = k ? m_job(m, k->job) : NULL;

    if (j->unique_key[0] == '\0') return;
    if (other) {
        other->failure = "aborted";
        m_end_job(m, other, JOB_CANCELLED);
    }
    give_key(m, j, for_ms ? m->now.wall_ms + for_ms : 0);
}

enum errc
m_may_have_key_again(struct model *m, const struct m_job *j)
{
    const struct m_key *k = taken_key(m, j->company, j->unique_key);

    return k && k->job != j->id ? E_CONFLICT : E_OK;
}

void
m_take_key_again(struct model *m, const struct m_job *j)
{
    const struct m_key *k = find_key(m, j->company, j->unique_key);

    if (j->unique_key[0] && (!k || k->job != j->id)) give_key(m, j, 0);
}

void
m_leave_key(struct model *m, const struct m_job *j)
{
    struct m_key *k = find_key(m, j->company, j->unique_key);

    if (k && k->job == j->id && k->until <= m->now.wall_ms) drop_key(m, k);
}

/* Keys whose time is over stay with their job until it ends. */
void
m_keys_due(struct model *m)
{
    for (size_t i = m->keys.count; i-- > 0;) {
        struct m_key *k = &m->keys.items[i];

        if (k->until == 0 || k->until > m->now.wall_ms) continue;
        if (is_unfinished(m, k->job)) {
            k->until = 0;
        } else {
            drop_key(m, k);
        }
    }
}

/* ---- debounced jobs -------------------------------------------------------------------------- */

static struct m_job *
waiting_job(struct model *m, int company, const char *key)
{
    for (size_t i = 0; key[0] && i < m->active.count; i++) {
        struct m_job *j = m_job(m, m->active.items[i]);

        if (j->is_debounced && j->company == company && strcmp(j->debounce_key, key) == 0) return j;
    }
    return NULL;
}

static enum errc
judge_waiting(struct m_submission *s, const struct m_job *waiting)
{
    bool is_same = waiting->handler == s->job.handler && waiting->agent == s->job.agent;

    s->is_merged = true;
    return is_same ? E_OK : E_CONFLICT;
}

/* Its payload is the last one; it starts when for a time none has come, but not after the longest
 * wait. */
struct m_job *
m_merge(struct model *m, const struct m_submission *s)
{
    struct m_job *j = waiting_job(m, s->job.company, s->job.debounce_key);
    int64_t       at = m->now.wall_ms + s->wait_ms;

    claim(j, "a debounced job is gone");
    j->payload = s->job.payload;
    j->payload_bytes = s->job.payload_bytes;
    if (s->job.depth > j->depth) j->depth = s->job.depth; /* N24 */
    j->causes++;
    m_touch(j);
    if (j->state != JOB_SCHEDULED) return j;
    j->run_at = at < j->latest_at ? at : j->latest_at;
    if (j->run_at <= m->now.wall_ms) m_make_ready(j);
    return j;
}

uint32_t
m_causes_kept(const struct m_job *j)
{
    return j->causes < CAUSES_KEPT ? j->causes : CAUSES_KEPT;
}

/* ---- the queue's limit ----------------------------------------------------------------------- */

bool
m_queue_is_full(struct model *m, int company, int64_t others)
{
    const struct msg_company *c = &m_object(m, company)->declared.company;
    int64_t                   max = m->limits.company_queue_max, n = others;

    if (HAS(c, company, queue_max)) max = c->queue_max;
    for (size_t i = 0; i < m->active.count; i++) {
        const struct m_job *j = m_job(m, m->active.items[i]);

        n += j->company == company && (j->state == JOB_SCHEDULED || j->state == JOB_READY);
    }
    return max != NO_LIMIT && n >= max;
}

/* ---- a submit among those of its batch ------------------------------------------------------- */

static bool
is_new(const struct m_submission *s)
{
    return !s->is_merged && s->other == 0 && s->twin < 0;
}

static bool
same_key(const char *a, const char *b)
{
    return a[0] && strcmp(a, b) == 0;
}

static enum errc
judge_twin(struct m_submission *s, const struct m_submission *all, int twin)
{
    if (s->job.debounce_key[0]) return judge_waiting(s, &all[twin].job);
    if (s->policy == M_REJECT) return E_CONFLICT;
    s->replaces = s->policy == M_REPLACE;
    if (!s->replaces) s->twin = twin;
    return E_OK;
}

enum errc
m_judge_claims(struct model *m, struct m_submission *all, int n)
{
    struct m_submission *s = &all[n];
    struct m_job        *waiting;
    int64_t              others = 0;
    int                  twin = -1;
    enum errc            e = E_OK;

    s->twin = -1;
    for (int i = 0; i < n; i++) {
        if (!is_new(&all[i]) || all[i].job.company != s->job.company) continue;
        others += !all[i].replaces;
        if (same_key(s->job.unique_key, all[i].job.unique_key) ||
            same_key(s->job.debounce_key, all[i].job.debounce_key))
            twin = i;
    }
    waiting = waiting_job(m, s->job.company, s->job.debounce_key);
    if (twin >= 0) {
        e = judge_twin(s, all, twin);
    } else if (waiting) {
        e = judge_waiting(s, waiting);
    } else {
        e = judge_key(m, s);
    }
    if (e != E_OK || !is_new(s) || s->replaces) return e;
    return m_queue_is_full(m, s->job.company, others) ? E_QUEUE_FULL : E_OK;
}

/* ---- the store ------------------------------------------------------------------------------- */

/* Every job that has not ended has its key, and no two have the same. */
void
m_compare_keys(struct model *m)
{
    for (size_t i = 0; i < m->active.count; i++) {
        const struct m_job *j = m_job(m, m->active.items[i]);
        struct unique       row = {.company = m_object(m, j->company)->id,
                                   .key = view_str(j->unique_key)};

        if (j->unique_key[0] == '\0') continue;
        claim(unique_load(m->txn, &row) == LOAD_FOUND && row.job == j->id,
              "job %" PRIu64 " has not its key %s: it is of job %" PRIu64, j->id, j->unique_key,
              row.job);
        for (size_t k = 0; k < i; k++) {
            const struct m_job *other = m_job(m, m->active.items[k]);

            claim(other->company != j->company || !same_key(j->unique_key, other->unique_key),
                  "jobs %" PRIu64 " and %" PRIu64 " have the key %s", other->id, j->id,
                  j->unique_key);
        }
    }
}
