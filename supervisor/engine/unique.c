#include "supervisor/engine/unique.h"

#include "supervisor/engine/feed.h"
#include "supervisor/engine/streaks.h"
#include "supervisor/engine/wallclock.h"

#include <assert.h>
#include <inttypes.h>

enum errc
unique_policy_of(struct view text, enum unique_policy *out, struct err *e)
{
    static const char *const names[] = {"return", "reject", "replace"};

    *out = UNIQUE_RETURN;
    if (text.size == 0) return E_OK;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!view_is(text, names[i])) continue;
        *out = (enum unique_policy)i;
        return E_OK;
    }
    return err_field(e, "on_conflict", "is return, reject or replace, not \"%.*s\"",
                     VIEW_ARG(text));
}

/* ---- who has it --------------------------------------------------------------- */

/* Whether somebody has the key; *j is the job, of state JOB_NONE when it is no longer kept. */
static bool
holder(struct engine *en, uint32_t company, struct view key, struct job_state *j)
{
    struct unique row = {.company = company, .key = key};

    *j = (struct job_state){0};
    if (unique_load(turn_txn(en), &row) != LOAD_FOUND) return false;
    j->id = row.job;
    if (job_state_load(turn_txn(en), j) == LOAD_FOUND && !job_state_is_end(j->state)) return true;
    return row.until_at > en->turn.now.wall_ms;
}

static bool
has_started(const struct job_state *j)
{
    return j->attempt > 0 || (j->state != JOB_SCHEDULED && j->state != JOB_READY);
}

static enum errc
refuse(const struct job_state *j, struct view key, struct err *e)
{
    if (j->state == JOB_NONE) {
        err_set(e, E_CONFLICT, "unique_key \"%.*s\" was job %" PRIu64 "'s, which is no longer kept",
                VIEW_ARG(key), j->id);
        return err_hint(e, "it is taken until its unique_for is over");
    }
    err_set(e, E_CONFLICT, "unique_key \"%.*s\" is taken by job %" PRIu64 ", which is %s",
            VIEW_ARG(key), j->id, job_state_name(j->state));
    return err_hint(e, "see `agentctl job show %" PRIu64 "`", j->id);
}

enum errc
unique_judge(struct engine *en, uint32_t company, const struct unique_claim *c, uint64_t *taken_by,
             struct err *e)
{
    struct job_state j;

    *taken_by = 0;
    if (c->key.size == 0 || !holder(en, company, c->key, &j)) return E_OK;
    if (c->policy == UNIQUE_REJECT || j.state == JOB_NONE) return refuse(&j, c->key, e);
    if (c->policy == UNIQUE_REPLACE && has_started(&j)) return refuse(&j, c->key, e);
    *taken_by = j.id;
    return E_OK;
}

/* ---- taking it ---------------------------------------------------------------- */

static void
cancel_replaced(struct engine *en, struct job_state *j, uint64_t by)
{
    j->failure = FAIL_ABORTED;
    j->failure_message =
        view_str(arena_printf(txn_arena(turn_txn(en)), "replaced by job %" PRIu64, by));
    job_must_move(en, j, JOB_ON_CANCEL);
    feed_job(en, FEED_JOB_CANCELLED, j, NULL);
    if (j->schedule) streak_job_ended(en, j);
}

void
unique_take(struct engine *en, uint32_t company, const struct unique_claim *c, uint64_t job)
{
    struct unique    row = {.company = company, .key = c->key, .job = job};
    struct job_state j;

    if (holder(en, company, c->key, &j)) {
        assert(c->policy == UNIQUE_REPLACE && !has_started(&j));
        cancel_replaced(en, &j, job);
    }
    if (c->for_ms) row.until_at = en->turn.now.wall_ms + c->for_ms;
    unique_save(turn_txn(en), &row);
}

enum errc
unique_judge_again(struct engine *en, const struct job_state *j, struct err *e)
{
    struct job_spec  spec;
    struct job_state other;

    if (job_get_spec(turn_txn(en), j->id, &spec, e)) return e->code;
    if (spec.unique_key.size == 0 || !holder(en, j->company, spec.unique_key, &other)) return E_OK;
    return other.id == j->id ? E_OK : refuse(&other, spec.unique_key, e);
}

void
unique_take_again(struct engine *en, struct job_state *j)
{
    struct job_spec spec = {.id = j->id};
    struct unique   row = {.company = j->company};

    if (job_spec_load(turn_txn(en), &spec) != LOAD_FOUND || spec.unique_key.size == 0) return;
    row.key = spec.unique_key;
    if (unique_load(turn_txn(en), &row) != LOAD_FOUND || row.job != j->id) {
        row = (struct unique){.company = j->company, .key = spec.unique_key, .job = j->id};
        unique_save(turn_txn(en), &row);
    }
    j->flags |= JOB_FLAG_UNIQUE;
}

void
unique_ended(struct engine *en, struct job_state *j)
{
    struct job_spec spec = {.id = j->id};
    struct unique   row = {.company = j->company};

    if (!(j->flags & JOB_FLAG_UNIQUE)) return;
    j->flags &= ~JOB_FLAG_UNIQUE;
    if (job_spec_load(turn_txn(en), &spec) != LOAD_FOUND) return; /* damaged: fsck says so */
    row.key = spec.unique_key;
    if (unique_load(turn_txn(en), &row) != LOAD_FOUND || row.job != j->id) return;
    if (row.until_at <= en->turn.now.wall_ms) (void)unique_delete(turn_txn(en), &row);
}

/* ---- due ---------------------------------------------------------------------- */

void
unique_due(struct engine *en)
{
    struct unique row = {0};
    struct scan   s;

    if (wallclock_is_held(en)) return; /* N27 */
    scan_open(&s, turn_txn(en), INDEX_unique_until, &row, 0, 0);
    while (en->turn.due_left && scan_next(&s, &row) && row.until_at <= en->turn.now.wall_ms) {
        struct job_state j = {.id = row.job};
        struct unique    kept = row;

        en->turn.due_left--;
        if (job_state_load(turn_txn(en), &j) == LOAD_FOUND && !job_state_is_end(j.state)) {
            kept.until_at = 0; /* until it ends */
            unique_save(turn_txn(en), &kept);
        } else {
            (void)unique_delete(turn_txn(en), &kept);
        }
    }
    scan_close(&s);
}

int64_t
unique_deadline(struct engine *en)
{
    struct unique key = {0};
    struct scan   s;
    int64_t       at = INT64_MAX;

    scan_open(&s, turn_txn(en), INDEX_unique_until, &key, 0, 0);
    if (scan_next_key(&s, &key)) at = key.until_at;
    scan_close(&s);
    return at;
}
