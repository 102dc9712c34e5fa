#include "supervisor/engine/attempt.h"
#include "supervisor/engine/budgets.h"
#include "supervisor/engine/debounce.h"
#include "supervisor/engine/goals.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/tickets.h"
#include "supervisor/engine/views.h"

#include <inttypes.h>

void
view_put_name(struct objects *o, struct buf *b, struct mp_open_map *m, const char *key, uint32_t id)
{
    mp_put_str_or_nil(b, m, key, objects_name(o, id));
}

void
view_put_limit(struct buf *b, struct mp_open_map *m, const char *key, int64_t limit)
{
    if (limit == NO_LIMIT) {
        mp_put_nil(b, m, key);
    } else {
        mp_put_i64(b, m, key, limit);
    }
}

static void
put_id_or_nil(struct buf *b, struct mp_open_map *m, const char *key, uint64_t id)
{
    if (id) {
        mp_put_u64(b, m, key, id);
    } else {
        mp_put_nil(b, m, key);
    }
}

static enum predicate
held_now(struct objects *o, const struct memory *m, const struct lane *lane)
{
    struct finding f = {0};

    if (!o->running) {
        o->running = arena_alloc(txn_arena(o->txn), sizeof(*o->running));
        snapshot_take(o->running, m, o);
    }
    while (snapshot_blocks(o->running, PASS, NULL, f.predicate, &f)) {
        if (predicate_parks(f.predicate)) return f.predicate;
    }
    return snapshot_blocks(o->running, LANE, lane, HELD_NOT, &f) ? f.predicate : HELD_NOT;
}

enum predicate
view_held(struct objects *o, const struct memory *m, const struct job_state *j)
{
    struct lane lane = {.id = j->lane};

    if (j->state != JOB_READY) return HELD_NOT;
    if (m->meta.stops & STOP_NEW) return HELD_STOPPED;
    if (m->is_draining || m->meta.stops & STOP_DRAIN) return HELD_DRAINING;
    if (m->slot_count == 0) return HELD_NO_WORKER;
    if (lane_load(o->txn, &lane) != LOAD_FOUND) return HELD_NOT;
    if (o->is_read) return held_now(o, m, &lane);
    return lane.blocked_by < HELD_COUNT ? lane.blocked_by : HELD_NOT;
}

static void
put_state(struct objects *o, const struct memory *m, const struct job_state *j, struct buf *b,
          struct mp_open_map *map)
{
    enum predicate held = view_held(o, m, j);

    mp_put_cstr(b, map, "state", held ? "parked" : job_state_name(j->state));
    if (held) {
        mp_put_cstr(b, map, "reason", predicate_name(held));
    } else if (j->state == JOB_SCHEDULED) {
        mp_put_cstr(b, map, "reason", j->flags & JOB_FLAG_RETRY ? "retry" : "due_later");
    } else {
        mp_put_nil(b, map, "reason");
    }
}

static void
put_failure(const struct job_state *j, struct buf *b, struct mp_open_map *map)
{
    struct mp_open_map f;

    mp_key(b, map, "failure");
    if (j->failure == FAIL_NONE) {
        mp_nil(b);
        return;
    }
    f = mp_open(b);
    mp_put_cstr(b, &f, "class", failure_rule(j->failure)->name);
    mp_put_str(b, &f, "message", j->failure_message);
    mp_put_time(b, &f, "retry_at", j->state == JOB_SCHEDULED ? j->run_at : 0);
    mp_close(b, &f);
}

static void
put_usage(struct buf *b, struct mp_open_map *map, uint64_t turns, uint64_t input, uint64_t output,
          uint64_t cost, uint64_t run_ms)
{
    struct mp_open_map u;

    mp_key(b, map, "usage");
    u = mp_open(b);
    mp_put_u64(b, &u, "turns", turns);
    mp_put_u64(b, &u, "tokens", sum_of(input, output));
    mp_put_u64(b, &u, "input_tokens", input);
    mp_put_u64(b, &u, "output_tokens", output);
    mp_put_u64(b, &u, "cost_micros", cost);
    mp_put_u64(b, &u, "run_ms", run_ms);
    mp_close(b, &u);
}

/* A value that may be in blob; nil when there is none or it cannot be read. */
static void
put_long(struct objects *o, struct buf *b, struct mp_open_map *map, const char *key,
         struct view inline_value, enum blob_kind kind, uint64_t owner, uint32_t bytes)
{
    if (bytes && bytes_load(o->txn, kind, owner, bytes, &inline_value) != LOAD_FOUND)
        inline_value = (struct view){0};
    mp_put_raw(b, map, key, inline_value);
}

static void
put_run(const struct job_state *j, const struct job_spec *spec, struct buf *b,
        struct mp_open_map *map)
{
    mp_put_u64(b, map, "priority", j->priority);
    mp_put_i64(b, map, "run_at", j->run_at);
    mp_put_i64(b, map, "submitted_at", spec->submitted_at);
    mp_put_time(b, map, "claimed_at", j->claimed_at);
    mp_put_time(b, map, "lease_expires_at", j->lease_expires_at);
    mp_put_time(b, map, "ended_at", j->ended_at);
    mp_put_time(b, map, "expires_at", j->expires_at);
    mp_put_u64(b, map, "attempt", j->attempt);
    mp_put_u64(b, map, "failures", j->failures);
    mp_put_u64(b, map, "crashes", j->crashes);
    mp_put_u64(b, map, "max_attempts", spec->max_attempts);
    mp_put_i64(b, map, "max_run_ms", spec->max_run_ms);
    view_put_limit(b, map, "max_turns", spec->max_turns);
    mp_put_bool(b, map, "stopping", j->state == JOB_RUNNING && j->stop_reason != FAIL_NONE);
    mp_put_bool(b, map, "quarantined", j->flags & JOB_FLAG_QUARANTINED);
    mp_put_bool(b, map, "forced", j->flags & JOB_FLAG_FORCED);
    mp_put_bool(b, map, "by_hand", j->flags & JOB_FLAG_BY_HAND);
    if (j->state == JOB_RUNNING) {
        mp_put_u64(b, map, "worker", j->worker);
    } else {
        mp_put_nil(b, map, "worker");
    }
}

static void
put_history(struct objects *o, const struct job_state *j, struct buf *b, struct mp_open_map *map)
{
    static const char *const outcomes[] = {"", "completed", "failed", "snoozed", "stopped"};
    struct attempt           a = {.job = j->id, .attempt = 1};
    struct scan              s;
    size_t                   header;
    uint32_t                 n = 0;

    mp_key(b, map, "attempts");
    header = mp_array_open(b);
    scan_open(&s, o->txn, PRIMARY_ATTEMPT, &a, 1, 2);
    while (n < 1000 && scan_next(&s, &a)) {
        struct mp_open_map m = mp_open(b);

        mp_put_u64(b, &m, "attempt", a.attempt);
        mp_put_i64(b, &m, "claimed_at", a.claimed_at);
        mp_put_i64(b, &m, "ended_at", a.ended_at);
        mp_put_cstr(b, &m, "outcome", a.outcome < ARRAY_LEN(outcomes) ? outcomes[a.outcome] : "");
        mp_put_cstr(b, &m, "class",
                    a.failure && a.failure < FAIL_COUNT ? failure_rule(a.failure)->name : NULL);
        mp_put_str_or_nil(b, &m, "message", a.message);
        put_usage(b, &m, a.turns, a.input_tokens, a.output_tokens, a.cost_micros,
                  a.ended_at > a.claimed_at ? (uint64_t)(a.ended_at - a.claimed_at) : 0);
        if (a.exit_code >= 0) mp_put_i64(b, &m, "exit_code", a.exit_code);
        if (a.signal) mp_put_u64(b, &m, "signal", a.signal);
        if (a.rss_kb) mp_put_u64(b, &m, "rss_kb", a.rss_kb);
        mp_put_u64(b, &m, "worker", a.worker);
        mp_close(b, &m);
        n++;
    }
    scan_close(&s);
    mp_array_close(b, header, n);
}

static void
put_session(struct objects *o, uint32_t id, struct buf *b, struct mp_open_map *map)
{
    struct session s = {.id = id};

    if (id == 0 || session_load(o->txn, &s) != LOAD_FOUND) s.name = (struct view){0};
    mp_put_str_or_nil(b, map, "session", s.name);
}

void
view_job_pairs(struct objects *o, const struct memory *m, const struct job_state *j,
               const struct job_spec *spec, enum job_view how, struct buf *b,
               struct mp_open_map *map)
{
    mp_put_u64(b, map, "id", j->id);
    put_state(o, m, j, b, map);
    mp_put_cstr(b, map, "trigger", trigger_name(spec->trigger));
    view_put_name(o, b, map, "company", j->company);
    view_put_name(o, b, map, "agent", j->agent);
    view_put_name(o, b, map, "handler", j->handler);
    put_run(j, spec, b, map);
    put_failure(j, b, map);
    mp_put_str_or_nil(b, map, "title", spec->title);
    mp_put_str_or_nil(b, map, "source", spec->source);
    view_put_name(o, b, map, "schedule", j->schedule);
    mp_put_time(b, map, "nominal_at", spec->nominal_at);
    put_usage(b, map, j->turns, j->input_tokens, j->output_tokens, j->cost_micros, j->run_ms);
    mp_put_str_or_nil(b, map, "unique_key", spec->unique_key);
    mp_put_str_or_nil(b, map, "debounce_key", spec->debounce_key);
    put_session(o, j->session, b, map);
    put_id_or_nil(b, map, "event", spec->event);
    put_id_or_nil(b, map, "goal", spec->goal);
    put_id_or_nil(b, map, "ticket", spec->ticket);
    put_id_or_nil(b, map, "parent", spec->parent);
    put_id_or_nil(b, map, "root", spec->root);
    mp_put_u64(b, map, "depth", spec->depth);
    mp_put_raw(b, map, "tags", spec->tags);
    if (how == JOB_VIEW_LIST) return;
    if (how == JOB_VIEW_ANSWER) {
        mp_put_raw(b, map, "payload", spec->payload);
        mp_put_raw(b, map, "context", spec->context);
        mp_put_raw(b, map, "output", j->output);
        return;
    }
    put_long(o, b, map, "payload", spec->payload, BLOB_PAYLOAD, j->id, spec->payload_bytes);
    mp_put_raw(b, map, "context", spec->context);
    put_long(o, b, map, "output", j->output, BLOB_OUTPUT, j->id, j->output_bytes);
    if (how != JOB_VIEW_HISTORY) return;
    debounce_put_causes(o->txn, spec, b, map);
    put_history(o, j, b, map);
}

void
view_job(struct objects *o, const struct memory *m, const struct job_state *j,
         const struct job_spec *spec, enum job_view how, struct buf *out)
{
    struct mp_open_map map = mp_open(out);

    view_job_pairs(o, m, j, spec, how, out, &map);
    mp_close(out, &map);
}

/* ---- the handler's document --------------------------------------------------- */

static void
put_document_job(struct objects *o, const struct job_state *j, const struct job_spec *spec,
                 struct buf *b, struct mp_open_map *map)
{
    struct mp_open_map job;

    mp_key(b, map, "job");
    job = mp_open(b);
    mp_put_u64(b, &job, "id", j->id);
    mp_put_str_or_nil(b, &job, "title", spec->title);
    mp_put_cstr(b, &job, "trigger", trigger_name(spec->trigger));
    mp_put_str_or_nil(b, &job, "source", spec->source);
    view_put_name(o, b, &job, "company", j->company);
    view_put_name(o, b, &job, "handler", j->handler);
    view_put_name(o, b, &job, "schedule", j->schedule);
    mp_put_time(b, &job, "nominal_at", spec->nominal_at);
    mp_put_u64(b, &job, "priority", j->priority);
    mp_put_i64(b, &job, "run_at", j->run_at);
    mp_put_i64(b, &job, "submitted_at", spec->submitted_at);
    mp_put_u64(b, &job, "attempt", j->attempt);
    mp_put_u64(b, &job, "failures", j->failures);
    mp_put_u64(b, &job, "max_attempts", spec->max_attempts);
    put_id_or_nil(b, &job, "parent", spec->parent);
    put_id_or_nil(b, &job, "root", spec->root);
    mp_put_raw(b, &job, "tags", spec->tags);
    debounce_put_causes(o->txn, spec, b, &job);
    mp_close(b, &job);
}

static void
put_document_agent(struct objects *o, uint32_t id, struct buf *b, struct mp_open_map *map)
{
    const struct object_entry *en = objects_get(o, id);
    struct mp_open_map         agent;

    mp_key(b, map, "agent");
    if (!en) {
        mp_nil(b);
        return;
    }
    agent = mp_open(b);
    mp_put_str(b, &agent, "name", en->row.name);
    view_put_name(o, b, &agent, "company", en->row.company);
    mp_put_u64(b, &agent, "capabilities", en->spec.agent.capabilities);
    mp_put_raw(b, &agent, "data", en->spec.agent.data);
    mp_close(b, &agent);
}

static void
put_document_budget(struct objects *o, const struct job_state *j, const struct job_spec *spec,
                    struct buf *b, struct mp_open_map *map)
{
    struct mp_open_map budget;
    int64_t            allowed[DIM_COUNT];

    budget_allowed(o, j, spec, allowed);
    mp_key(b, map, "budget");
    budget = mp_open(b);
    view_put_limit(b, &budget, "max_turns", allowed[DIM_TURNS]);
    view_put_limit(b, &budget, "tokens", allowed[DIM_TOKENS]);
    view_put_limit(b, &budget, "cost_micros", allowed[DIM_COST]);
    mp_put_i64(b, &budget, "deadline_at", j->lease_expires_at);
    mp_close(b, &budget);
}

void
view_document(struct objects *o, const struct job_state *j, const struct job_spec *spec,
              const struct document_session *session, struct buf *b)
{
    struct mp_open_map map = mp_open(b);

    mp_put_u64(b, &map, "v", 1);
    put_document_job(o, j, spec, b, &map);
    put_document_agent(o, j->agent, b, &map);
    mp_key(b, &map, "why");
    goals_put_why(o, spec->goal, b);
    mp_key(b, &map, "ticket");
    tickets_put_document(o, spec->ticket, b);
    view_put_document_session(session, b, &map);
    mp_put_raw(b, &map, "checkpoint", session->checkpoint);
    mp_put_nil(b, &map, "action");
    mp_key(b, &map, "context");
    if (spec->context.size) {
        mp_raw(b, spec->context);
    } else {
        mp_map(b, 0);
    }
    put_document_budget(o, j, spec, b, &map);
    mp_close(b, &map);
}
