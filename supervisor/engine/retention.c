#include "supervisor/engine/retention.h"

#include "supervisor/engine/bulk.h"
#include "supervisor/engine/session_purge.h"
#include "supervisor/engine/wallclock.h"

#include <stddef.h>

#define DAY_MS 86400000LL

/* ---- the oldest of each kind: when its time began, and its removal ------------- */

union aging {
    struct job_state job;
    struct effect    effect;
    struct firing    firing;
    struct reason    reason;
    struct ledger    ledger;
    struct approval  approval;
    struct audit     audit;
    struct session   session;

    struct first_reply reply;

    struct session_timer timer;
    struct activity      activity;
};

/* The first key of an index among those whose first `prefix` fields are row's. */
static bool
first_key(struct engine *en, enum index_id index, void *row, unsigned prefix)
{
    struct scan s;
    bool        is_found;

    scan_open(&s, turn_txn(en), index, row, prefix, prefix);
    is_found = scan_next_key(&s, row);
    scan_close(&s);
    return is_found;
}

static bool
oldest_job(struct engine *en, unsigned state, union aging *row, int64_t *at)
{
    row->job.state = (uint8_t)state;
    if (!first_key(en, INDEX_job_ended, &row->job, 1)) return false;
    *at = row->job.ended_at;
    return true;
}

static bool
remove_job(struct engine *en, union aging *row)
{
    struct job_state j = {.id = row->job.id};

    /* One that is damaged is quarantined as the next turn begins. */
    return job_state_load(turn_txn(en), &j) == LOAD_FOUND && job_purge(en, &j);
}

static bool
oldest_effect(struct engine *en, unsigned none, union aging *row, int64_t *at)
{
    if (!first_key(en, INDEX_effect_settled, &row->effect, none)) return false;
    *at = row->effect.updated_at;
    return true;
}

/* Its payload in blob, if any, goes with it; false when this turn may not remove so many rows. */
static bool
remove_blob(struct engine *en, enum blob_kind kind, uint64_t owner, uint32_t bytes)
{
    uint32_t rows = 1 + (bytes + BLOB_CHUNK - 1) / BLOB_CHUNK;

    if (rows > en->turn.purge_left && en->turn.purge_left < PURGE_ROWS_MAX) return false;
    en->turn.purge_left -= rows < en->turn.purge_left ? rows : en->turn.purge_left;
    if (bytes) bytes_delete(turn_txn(en), kind, owner);
    return true;
}

static bool
remove_effect(struct engine *en, union aging *row)
{
    struct effect ef = {.id = row->effect.id};

    return effect_load(turn_txn(en), &ef) == LOAD_FOUND &&
           remove_blob(en, BLOB_EFFECT, ef.id, ef.payload_bytes) &&
           effect_delete(turn_txn(en), &ef);
}

static bool
oldest_firing(struct engine *en, unsigned none, union aging *row, int64_t *at)
{
    if (!first_key(en, PRIMARY_FIRING, &row->firing, none)) return false;
    *at = row->firing.nominal_at;
    return true;
}

static bool
remove_firing(struct engine *en, union aging *row)
{
    en->turn.purge_left--;
    return firing_delete(turn_txn(en), &row->firing);
}

static bool
oldest_reason(struct engine *en, unsigned none, union aging *row, int64_t *at)
{
    if (!first_key(en, INDEX_reason_by_age, &row->reason, none)) return false;
    *at = row->reason.at;
    return true;
}

static bool
remove_reason(struct engine *en, union aging *row)
{
    en->turn.purge_left--;
    return reason_delete(turn_txn(en), &row->reason);
}

/* A day of any zone is over, and with it what ran into the next, when the day after it is. */
static bool
oldest_ledger(struct engine *en, unsigned none, union aging *row, int64_t *at)
{
    if (!first_key(en, INDEX_ledger_by_age, &row->ledger, none)) return false;
    *at = ((int64_t)row->ledger.date + 2) * DAY_MS;
    return true;
}

static bool
remove_ledger(struct engine *en, union aging *row)
{
    en->turn.purge_left--;
    return ledger_delete(turn_txn(en), &row->ledger);
}

static bool
oldest_approval(struct engine *en, unsigned none, union aging *row, int64_t *at)
{
    if (!first_key(en, INDEX_approval_by_age, &row->approval, none)) return false;
    *at = row->approval.decided_at;
    return true;
}

static bool
remove_approval(struct engine *en, union aging *row)
{
    en->turn.purge_left--;
    return approval_delete(turn_txn(en), &row->approval);
}

static bool
oldest_audit(struct engine *en, unsigned none, union aging *row, int64_t *at)
{
    if (!first_key(en, PRIMARY_AUDIT, &row->audit, none)) return false;
    if (audit_load(turn_txn(en), &row->audit) != LOAD_FOUND) return false;
    *at = row->audit.at;
    return true;
}

static bool
remove_audit(struct engine *en, union aging *row)
{
    en->turn.purge_left--;
    return audit_delete(turn_txn(en), &row->audit);
}

static bool
oldest_reply(struct engine *en, unsigned none, union aging *row, int64_t *at)
{
    if (!first_key(en, PRIMARY_FIRST_REPLY, &row->reply, none)) return false;
    *at = ((int64_t)row->reply.date + 1) * DAY_MS;
    return true;
}

static bool
remove_reply(struct engine *en, union aging *row)
{
    en->turn.purge_left--;
    return first_reply_delete(turn_txn(en), &row->reply);
}

/* Of the session whose oldest event that is done with goes first. */
static bool
oldest_events(struct engine *en, unsigned none, union aging *row, int64_t *at)
{
    if (!first_key(en, INDEX_session_purge, &row->session, none)) return false;
    *at = row->session.purge_at;
    return true;
}

static bool
remove_events(struct engine *en, union aging *row)
{
    return session_purge(en, row->session.id);
}

/* Its key has a text, so it is read whole. */
static bool
oldest_timer(struct engine *en, unsigned none, union aging *row, int64_t *at)
{
    struct scan s;
    bool        is_found;

    scan_open(&s, turn_txn(en), INDEX_timer_settled, &row->timer, none, none);
    is_found = scan_next(&s, &row->timer);
    row->timer.timer = arena_copy(txn_arena(turn_txn(en)), row->timer.timer);
    scan_close(&s);
    *at = row->timer.updated_at;
    return is_found;
}

static bool
remove_timer(struct engine *en, union aging *row)
{
    struct session_timer t = row->timer;

    return session_timer_load(turn_txn(en), &t) == LOAD_FOUND &&
           remove_blob(en, BLOB_TIMER, t.id, t.payload_bytes) &&
           session_timer_delete(turn_txn(en), &t);
}

static bool
oldest_activity(struct engine *en, unsigned none, union aging *row, int64_t *at)
{
    if (!first_key(en, PRIMARY_ACTIVITY, &row->activity, none)) return false;
    if (activity_load(turn_txn(en), &row->activity) != LOAD_FOUND) return false;
    *at = row->activity.at;
    return true;
}

static bool
remove_activity(struct engine *en, union aging *row)
{
    return remove_blob(en, BLOB_ACTIVITY, row->activity.id, row->activity.data_bytes) &&
           activity_delete(turn_txn(en), &row->activity);
}

/* ---- the table ---------------------------------------------------------------- */

static const struct {
    bool (*oldest)(struct engine *en, unsigned part, union aging *row, int64_t *at);
    bool (*remove)(struct engine *en, union aging *row);
    unsigned part;
    size_t   setting; /* in struct limits: int64_t, NO_LIMIT for ever */
} kinds[] = {
#define R(WHAT, rows, part, setting) \
    [RETAINED_##WHAT] = {oldest_##rows, remove_##rows, part, offsetof(struct limits, setting)},
    RETAINED(R)
#undef R
};

/* When the oldest of the kind goes, and which it is; INT64_MAX for never. */
static int64_t
goes_at(struct engine *en, size_t kind, union aging *row)
{
    int64_t at, keep = *(const int64_t *)((const char *)&en->memory.limits + kinds[kind].setting);

    *row = (union aging){0};
    if (keep == NO_LIMIT || !kinds[kind].oldest(en, kinds[kind].part, row, &at)) return INT64_MAX;
    return at + keep;
}

void
retention_due(struct engine *en)
{
    union aging row;

    if (wallclock_is_held(en)) return;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        while (en->turn.purge_left && goes_at(en, i, &row) <= en->turn.now.wall_ms) {
            if (!kinds[i].remove(en, &row)) break;
        }
    }
}

int64_t
retention_deadline(struct engine *en)
{
    union aging row;
    int64_t     first = INT64_MAX;

    if (wallclock_is_held(en)) return first;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        int64_t at = goes_at(en, i, &row);

        if (at < first) first = at;
    }
    return first;
}
