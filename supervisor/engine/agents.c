#include "supervisor/engine/agents.h"

#include "supervisor/engine/activity.h"
#include "supervisor/engine/caps.h"
#include "supervisor/engine/feed.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/pauses.h"
#include "supervisor/engine/session_close.h"
#include "supervisor/engine/wallclock.h"
#include "supervisor/store/schema.h"

#include <string.h>

RECORD_IS_SAME(AGENT, agent)

/* ---- the turn's rows ---------------------------------------------------------- */

static struct agent_turn *
row_of(struct engine *en, uint32_t id)
{
    struct turn               *t = &en->turn;
    struct agent_turn         *a = id ? idmap_get(&t->agents, id) : NULL;
    const struct object_entry *o;

    if (a) return a->is_gone ? NULL : a;
    o = objects_get(&t->objects, id);
    if (!o || o->row.kind != KIND_AGENT) return NULL;
    a = arena_alloc(txn_arena(t->txn), sizeof(*a));
    memset(a, 0, sizeof(*a));
    a->row.id = id;
    a->is_new = agent_load(t->txn, &a->row) != LOAD_FOUND;
    if (a->is_new) a->row = (struct agent){.id = id, .company = o->row.company};
    a->stored = a->row;
    a->next = t->agent_list;
    t->agent_list = a;
    idmap_put(&t->agents, txn_arena(t->txn), id, a);
    return a;
}

struct agent *
agent_row(struct engine *en, uint32_t id)
{
    struct agent_turn *a = row_of(en, id);

    return a ? &a->row : NULL;
}

void
agent_forget(struct engine *en, uint32_t id)
{
    struct agent_turn *a = row_of(en, id);
    struct agent       row = {.id = id};

    (void)agent_delete(turn_txn(en), &row);
    pause_forget(turn_txn(en), id);
    activity_forget(en);
    sessions_end_begin(en);
    if (a) a->is_gone = true;
}

void
agents_flush(struct engine *en)
{
    for (struct agent_turn *a = en->turn.agent_list; a; a = a->next) {
        if (a->is_gone) continue;
        if (a->is_new || !agent_is_same(&a->row, &a->stored)) agent_save(turn_txn(en), &a->row);
    }
}

/* ---- what its jobs tell -------------------------------------------------------- */

static int64_t
silence_limit(const struct limits *l, const struct agent *a, bool is_dead)
{
    uint64_t n = l->stale_after;

    if (is_dead && l->dead_after > n) n = l->dead_after;
    return (int64_t)n * a->heartbeat_ms;
}

static void
watch(struct engine *en, struct agent *a)
{
    a->liveness_at =
        a->heartbeat_ms ? en->turn.now.wall_ms + silence_limit(&en->memory.limits, a, false) : 0;
}

static void
seen(struct engine *en, struct agent *a)
{
    a->last_seen = en->turn.now.wall_ms;
    if (a->liveness != LIVENESS_STALE && a->liveness != LIVENESS_DEAD) return;
    a->liveness = LIVENESS_ALIVE;
    watch(en, a);
    feed_object(en, FEED_AGENT_ALIVE, a->id, NULL);
}

void
agent_seen(struct engine *en, uint32_t id)
{
    struct agent *a = agent_row(en, id);

    if (a) seen(en, a);
}

void
agent_job_moved(struct engine *en, const struct job_state *j, enum job_state_id before)
{
    struct agent *a = agent_row(en, j->agent);
    bool          was_open = before != JOB_NONE && !job_state_is_end(before);
    bool          is_open = !job_state_is_end(j->state);

    if (!a) return;
    if (is_open && !was_open) a->open_jobs++;
    if (!is_open && was_open && a->open_jobs > 0) a->open_jobs--;
    if ((before == JOB_RUNNING) != (j->state == JOB_RUNNING)) seen(en, a);
    if (before != JOB_RUNNING || is_open) return;
    a->last_job = j->id;
    a->last_state = j->state;
    a->last_failure = j->state == JOB_COMPLETED ? FAIL_NONE : j->failure;
}

void
agent_beats_changed(struct engine *en, uint32_t id)
{
    struct agent   *a = agent_row(en, id);
    struct schedule run = {.agent = id};
    struct scan     s;
    int64_t         shortest = 0;

    if (!a) return;
    scan_open(&s, turn_txn(en), INDEX_schedule_by_agent, &run, 1, 1);
    while (scan_next(&s, &run)) {
        if (run.heartbeat_ms == 0 || run.paused) continue;
        if (shortest == 0 || run.heartbeat_ms < shortest) shortest = run.heartbeat_ms;
    }
    scan_close(&s);
    if (shortest == a->heartbeat_ms) return;
    a->heartbeat_ms = shortest;
    if (shortest == 0) a->liveness = LIVENESS_IDLE;
    watch(en, a);
}

void
agent_resumed(struct engine *en, uint32_t id)
{
    struct agent *a = agent_row(en, id);

    if (a) watch(en, a);
}

/* ---- silence ------------------------------------------------------------------- */

/* A row whose agent cannot be read is not looked at again. */
static void
leave_alone(struct engine *en, uint32_t id)
{
    struct agent row = {.id = id};

    if (agent_load(turn_txn(en), &row) != LOAD_FOUND) return;
    row.liveness_at = 0;
    agent_save(turn_txn(en), &row);
}

/* A row's time has come: what is told of it, and when it is looked at next. */
static void
judge(struct engine *en, struct agent *a, bool is_running)
{
    const struct limits *l = &en->memory.limits;
    int64_t              now = en->turn.now.wall_ms;
    int64_t since = a->last_seen > en->memory.started_at ? a->last_seen : en->memory.started_at;
    int64_t stale_at = since + silence_limit(l, a, false);
    int64_t dead_at = since + silence_limit(l, a, true);

    if (a->heartbeat_ms == 0 || is_running || is_paused(turn_txn(en), a->company, a->id)) {
        watch(en, a);
    } else if (now >= dead_at) {
        if (a->liveness != LIVENESS_DEAD) feed_object(en, FEED_AGENT_DEAD, a->id, NULL);
        a->liveness = LIVENESS_DEAD;
        a->liveness_at = 0;
    } else if (now >= stale_at) {
        if (a->liveness != LIVENESS_STALE) feed_object(en, FEED_AGENT_STALE, a->id, NULL);
        a->liveness = LIVENESS_STALE;
        a->liveness_at = dead_at;
    } else {
        a->liveness_at = a->liveness == LIVENESS_STALE ? dead_at : stale_at;
    }
}

void
agents_due(struct engine *en)
{
    struct agent    key = {0};
    struct scan     s;
    struct snapshot running;
    bool            is_taken = false;

    if (wallclock_is_held(en)) return; /* N27 */
    scan_open(&s, turn_txn(en), INDEX_agent_liveness, &key, 0, 0);
    while (en->turn.due_left && scan_next_key(&s, &key) &&
           key.liveness_at <= en->turn.now.wall_ms) {
        struct agent_turn *a = row_of(en, key.id);

        en->turn.due_left--;
        if (!a) leave_alone(en, key.id);
        if (!a || a->row.liveness_at > en->turn.now.wall_ms) continue; /* changed in this turn */
        if (!is_taken) snapshot_take(&running, &en->memory, &en->turn.objects);
        is_taken = true;
        judge(en, &a->row, idmap_get(&running.agents, key.id) != NULL);
    }
    scan_close(&s);
}

int64_t
agents_deadline(struct engine *en)
{
    struct agent key = {0};
    struct scan  s;
    int64_t      at = INT64_MAX;

    scan_open(&s, turn_txn(en), INDEX_agent_liveness, &key, 0, 0);
    if (scan_next_key(&s, &key)) at = key.liveness_at;
    scan_close(&s);
    return at;
}

/* ---- shown --------------------------------------------------------------------- */

static const char *const liveness_names[] = {[LIVENESS_NONE] = "idle",
#define V(name, text) [LIVENESS_##name] = text,
                                             LIVENESSES(V)
#undef V
};

static uint64_t
first_running(struct txn *t, uint32_t agent)
{
    struct job_state j = {0};
    struct scan      s;
    uint64_t         first = 0;

    scan_open(&s, t, INDEX_job_running, &j, 0, 0);
    while (scan_next_key(&s, &j)) {
        if (j.agent == agent && (first == 0 || j.id < first)) first = j.id;
    }
    scan_close(&s);
    return first;
}

static void
put_last_result(const struct agent *a, struct buf *b, struct mp_open_map *map)
{
    struct mp_open_map m;

    mp_key(b, map, "last_result");
    if (a->last_job == 0) {
        mp_nil(b);
        return;
    }
    m = mp_open(b);
    mp_put_u64(b, &m, "job", a->last_job);
    mp_put_cstr(b, &m, "state", job_state_name(a->last_state));
    mp_put_cstr(b, &m, "class", a->last_failure ? failure_rule(a->last_failure)->name : NULL);
    mp_close(b, &m);
}

void
agent_put(struct objects *o, uint32_t id, struct buf *b, struct mp_open_map *map)
{
    struct agent a = {.id = id};
    uint64_t     current = first_running(o->txn, id);
    uint8_t      state;

    if (agent_load(o->txn, &a) != LOAD_FOUND) a = (struct agent){.id = id};
    state = a.liveness < LIVENESS_COUNT ? a.liveness : LIVENESS_IDLE;
    if (state == LIVENESS_ALIVE) state = LIVENESS_IDLE;
    if (current) state = LIVENESS_ALIVE;
    mp_put_cstr(b, map, "state", liveness_names[state]);
    mp_put_time(b, map, "last_seen", a.last_seen);
    put_last_result(&a, b, map);
    mp_put_time(b, map, "current_job", (int64_t)current);
    mp_put_u64(b, map, "open_jobs", a.open_jobs);
    mp_put_time(b, map, "heartbeat_ms", a.heartbeat_ms);
}
