#include "supervisor/engine/agents.h"
#include "supervisor/engine/effects.h"
#include "supervisor/engine/failure.h"
#include "supervisor/engine/idle.h"
#include "supervisor/engine/ledger.h"
#include "supervisor/engine/pauses.h"
#include "supervisor/engine/plan.h"
#include "supervisor/engine/pressure.h"
#include "supervisor/engine/shadow.h"
#include "supervisor/engine/turn_hint.h"
#include "supervisor/engine/turn_limit.h"
#include "supervisor/engine/views.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- schedules ---------------------------------------------------------------- */

static void
put_next_times(struct txn *t, const struct object_entry *o, const struct schedule *run,
               struct buf *b, struct mp_open_map *map)
{
    size_t   header;
    uint32_t n = 0;
    uint64_t left = plan_firings_left(&o->spec.schedule, run);
    int64_t  at = idle_next(t, o, run);

    mp_key(b, map, "next_at");
    header = mp_array_open(b);
    for (; n < 3 && n < left && at != 0; n++) {
        mp_i64(b, at);
        at = nominal_next(t, &o->spec.schedule, o->row.created_at, at);
    }
    mp_array_close(b, header, n);
}

static void
put_declared(struct objects *o, const struct object_entry *en, struct buf *b,
             struct mp_open_map *map)
{
    const struct msg_schedule *s = &en->spec.schedule;

    mp_put_str(b, map, "name", en->row.name);
    view_put_name(o, b, map, "company", en->row.company);
    mp_put_str_or_nil(b, map, "cron", s->cron);
    mp_put_time(b, map, "every_ms", s->every_ms);
    mp_put_str_or_nil(b, map, "tz", s->tz);
    mp_put_str_or_nil(b, map, "agent", s->agent);
    mp_put_str_or_nil(b, map, "profile", s->profile);
    mp_put_str_or_nil(b, map, "handler", s->handler);
    mp_put_str_or_nil(b, map, "title", s->title);
    mp_put_str(b, map, "type", s->type.size ? s->type : view_str("schedule"));
    if (HAS(s, schedule, priority)) {
        mp_put_i64(b, map, "priority", s->priority);
    } else {
        mp_put_nil(b, map, "priority");
    }
    if (HAS(s, schedule, max_turns)) {
        view_put_limit(b, map, "max_turns", s->max_turns);
    } else {
        mp_put_nil(b, map, "max_turns");
    }
    mp_put_time(b, map, "max_run_ms", s->max_run_ms);
    mp_put_time(b, map, "max_attempts", (int64_t)s->max_attempts);
    mp_put_time(b, map, "token_budget", (int64_t)s->token_budget);
    mp_put_time(b, map, "cost_budget_micros", (int64_t)s->cost_budget_micros);
    mp_put_raw(b, map, "tags", s->tags);
    mp_put_raw(b, map, "ticket", s->ticket);
    mp_put_cstr(b, map, "origin", origin_name(en->row.origin));
    mp_put_i64(b, map, "created_at", en->row.created_at);
}

/* The limit of turns in force, and what says so. */
static void
put_turn_limit(struct objects *o, const struct memory *m, const struct object_entry *en,
               struct buf *b, struct mp_open_map *map)
{
    struct turn_limit t = turn_limit_of(o, &m->limits, en);
    struct buf from   BUF_AUTO = {0};

    buf_add_str(&from, t.place);
    if (t.name.size) buf_printf(&from, " %.*s", VIEW_ARG(t.name));
    view_put_limit(b, map, "turn_limit", t.max_turns);
    mp_put_str(b, map, "turn_limit_from", buf_view(&from));
}

/* When and how its firings come (C3–C5). */
static void
put_policies(const struct msg_schedule *s, struct buf *b, struct mp_open_map *map)
{
    mp_put_str(b, map, "overlap", s->overlap.size ? s->overlap : view_str("skip"));
    mp_put_str(b, map, "misfire", s->misfire.size ? s->misfire : view_str("latest"));
    mp_put_time(b, map, "misfire_max", (int64_t)s->misfire_max);
    mp_put_time(b, map, "catch_up_ms", s->catch_up_ms);
    mp_put_time(b, map, "spread_ms", s->spread_ms);
    mp_put_time(b, map, "jitter_ms", s->jitter_ms);
    mp_put_time(b, map, "start_at", s->start_at);
    mp_put_time(b, map, "end_at", s->end_at);
    mp_put_time(b, map, "max_firings", (int64_t)s->max_firings);
    mp_put_str_or_nil(b, map, "quiet_hours", s->quiet_hours);
    mp_put_str_or_nil(b, map, "quiet_sends", s->quiet_sends);
    mp_put_raw(b, map, "gate", s->gate);
    mp_put_time(b, map, "idle_max_ms", s->idle_max_ms);
    mp_put_bool(b, map, "shadow", s->shadow);
    mp_put_time(b, map, "shadow_runs", (int64_t)s->shadow_runs);
    mp_put_str_or_nil(b, map, "ping_start", s->ping_start);
    mp_put_str_or_nil(b, map, "ping_success", s->ping_success);
    mp_put_str_or_nil(b, map, "ping_fail", s->ping_fail);
    mp_put_time(b, map, "overdue_ms", s->overdue_ms);
}

static void
put_schedule_warnings(const struct msg_schedule *s, bool full, const struct collisions *c,
                      struct buf *b, struct mp_open_map *map)
{
    int64_t            hint = full && s->max_turns <= 0 ? turn_hint(s->payload) : 0;
    char               message[160];
    struct mp_open_map m;

    mp_key(b, map, "warnings");
    mp_array(b, (hint > 0) + (c && c->is_warned));
    if (c && c->is_warned) collisions_put_warning(c, b);
    if (hint == 0) return;
    snprintf(message, sizeof(message),
             "the payload says \"max %" PRId64
             " turns\", but max_turns is not set: a sentence in a "
             "prompt is a hint, not a limit",
             hint);
    m = mp_open(b);
    mp_put_cstr(b, &m, "type", "max_turns_in_payload");
    mp_put_i64(b, &m, "turns", hint);
    mp_put_cstr(b, &m, "message", message);
    mp_close(b, &m);
}

/* What may be used on a day. */
static void
put_daily(struct objects *o, uint32_t id, struct buf *b, struct mp_open_map *map)
{
    for (enum dimension d = 0; d < DIM_COUNT; d++) {
        char key[32];

        snprintf(key, sizeof(key), "daily_%s", dimension_name(d));
        view_put_limit(b, map, key, ledger_limit(o, id, d));
    }
    mp_put_str(b, map, "budget_zone", ledger_zone(o, id));
}

static void
put_average(const struct schedule *run, const char *key, uint64_t avg, uint64_t per, struct buf *b,
            struct mp_open_map *map)
{
    if (run->measured) {
        mp_put_u64(b, map, key, (avg + per / 2) / per);
    } else {
        mp_put_nil(b, map, key);
    }
}

void
view_put_averages(const struct schedule *run, struct buf *b, struct mp_open_map *map)
{
    put_average(run, "last_turns", run->last_turns, 1, b, map);
    put_average(run, "avg_turns", run->avg_turns_milli, 1000, b, map);
    put_average(run, "avg_turns_milli", run->avg_turns_milli, 1, b, map);
    put_average(run, "avg_run_ms", run->avg_run_us, 1000, b, map);
    put_average(run, "avg_tokens", run->avg_tokens_milli, 1000, b, map);
    put_average(run, "avg_cost_micros", run->avg_cost_milli, 1000, b, map);
}

/* What became of its firings (C0). */
static void
put_outcomes(struct objects *o, const struct schedule *run, struct buf *b, struct mp_open_map *map)
{
    struct ledger     *today = ledger_row(o, run->id, ledger_date(o, run->id, o->now_ms));
    struct mp_open_map m;

    mp_put_u64(b, map, "failure_streak", run->failure_streak);
    mp_put_u64(b, map, "turn_budget_breach_streak", run->breach_streak);
    mp_put_cstr(b, map, "last_failure",
                run->last_failure ? failure_rule(run->last_failure)->name : NULL);
    mp_put_cstr(b, map, "last_result",
                run->last_failure      ? failure_rule(run->last_failure)->name
                : run->last_success_at ? "completed"
                                       : NULL);
    mp_put_time(b, map, "last_success_at", run->last_success_at);
    mp_put_time(b, map, "max_turns_set_at", run->max_turns_set_at);
    view_put_averages(run, b, map);
    mp_put_u64(b, map, "long_runs", run->long_runs);
    mp_put_bool(b, map, "alerting", run->is_alerted);
    mp_put_time(b, map, "alerted_at", run->alerted_at);
    mp_put_bool(b, map, "overdue", run->is_overdue);
    mp_put_time(b, map, "overdue_at", run->overdue_at);
    mp_key(b, map, "spent_today");
    m = mp_open(b);
    for (enum dimension d = 0; d < DIM_COUNT; d++)
        mp_put_u64(b, &m, dimension_name(d), ledger_used(today, d));
    mp_close(b, &m);
}

/* c: NULL unless it was saved. */
static void
put_schedule(struct objects *o, const struct memory *m, const struct object_entry *en,
             const struct schedule *run, bool full, const struct collisions *c, struct buf *b)
{
    struct mp_open_map map = mp_open(b);

    put_declared(o, en, b, &map);
    if (full) put_turn_limit(o, m, en, b, &map);
    put_policies(&en->spec.schedule, b, &map);
    put_daily(o, en->row.id, b, &map);
    mp_put_cstr(b, &map, "status", plan_status(&en->spec.schedule, run, o->now_ms));
    mp_put_str_or_nil(b, &map, "pause_reason", run->pause_reason);
    mp_put_time(b, &map, "paused_at", run->paused_at);
    mp_put_time(b, &map, "pause_until", run->pause_until);
    mp_put_time(b, &map, "next_fire_at", idle_next(o->txn, en, run));
    mp_put_time(b, &map, "due_at", run->due_at);
    put_next_times(o->txn, en, run, b, &map);
    mp_put_time(b, &map, "cursor_at", run->cursor);
    mp_put_u64(b, &map, "firing_count", run->firing_count);
    mp_put_u64(b, &map, "suppressed_count", run->suppressed_count);
    mp_put_u64(b, &map, "skips", run->skips);
    mp_put_time(b, &map, "put_off_from", pressure_is_on(run) ? run->put_off_from : 0);
    mp_put_u64(b, &map, "idle_streak", run->idle_streak);
    mp_put_time(b, &map, "idle_until", run->idle_streak ? run->idle_until : 0);
    mp_put_u64(b, &map, "in_flight", run->in_flight);
    mp_put_u64(b, &map, "missed_count", run->missed_count);
    mp_put_time(b, &map, "last_job", (int64_t)run->last_job);
    mp_put_time(b, &map, "last_fired_at", run->last_fired_at);
    mp_put_u64(b, &map, "gated_count", run->gated_count);
    if (en->spec.schedule.shadow) {
        mp_put_bool(b, &map, "in_shadow", shadow_is_in(&en->spec.schedule, run));
        mp_put_u64(b, &map, "shadow_runs_done", run->shadow_runs);
    } else {
        mp_put_nil(b, &map, "in_shadow");
        mp_put_nil(b, &map, "shadow_runs_done");
    }
    put_outcomes(o, run, b, &map);
    if (full) mp_put_raw(b, &map, "payload", en->spec.schedule.payload);
    put_schedule_warnings(&en->spec.schedule, full, c, b, &map);
    if (c) collisions_put_advice(c, b, &map);
    mp_close(b, &map);
}

void
view_schedule(struct objects *o, const struct memory *m, const struct object_entry *en,
              const struct schedule *run, bool full, struct buf *b)
{
    put_schedule(o, m, en, run, full, NULL, b);
}

void
view_saved_schedule(struct objects *o, const struct memory *m, const struct object_entry *en,
                    const struct schedule *run, const struct collisions *c, struct buf *b)
{
    put_schedule(o, m, en, run, true, c, b);
}

/* ---- companies, agents, handlers ---------------------------------------------- */

static void
put_cap(struct buf *b, struct mp_open_map *map, bool is_given, int64_t cap)
{
    if (is_given) {
        view_put_limit(b, map, "max_concurrent", cap);
    } else {
        mp_put_cstr(b, map, "max_concurrent", "default");
    }
}

static void
put_company(struct objects *o, const struct object_entry *en, struct buf *b,
            struct mp_open_map *map)
{
    const struct msg_company *c = &en->spec.company;
    struct queue              q = {.company = en->row.id};

    if (queue_load(o->txn, &q) != LOAD_FOUND) q = (struct queue){.company = en->row.id};
    pause_put(o, &en->row, b, map);
    put_cap(b, map, HAS(c, company, max_concurrent), c->max_concurrent);
    put_daily(o, en->row.id, b, map);
    mp_put_i64(b, map, "priority_max", HAS(c, company, priority_max) ? c->priority_max : 80);
    mp_put_u64(b, map, "scheduled", q.scheduled);
    mp_put_u64(b, map, "ready", q.ready);
    mp_put_u64(b, map, "running", q.running);
    mp_put_u64(b, map, "completed", q.completed);
    mp_put_u64(b, map, "failed", q.failed);
    mp_put_u64(b, map, "cancelled", q.cancelled);
    mp_put_u64(b, map, "expired", q.expired);
}

static void
put_current_jobs(struct objects *o, uint32_t agent, struct buf *b, struct mp_open_map *map)
{
    struct job_state j = {0};
    struct scan      s;
    size_t           header;
    uint32_t         n = 0;

    mp_key(b, map, "current_jobs");
    header = mp_array_open(b);
    scan_open(&s, o->txn, INDEX_job_running, &j, 0, 0);
    while (scan_next_key(&s, &j)) {
        if (j.agent != agent) continue;
        mp_u64(b, j.id);
        n++;
    }
    scan_close(&s);
    mp_array_close(b, header, n);
}

static void
put_agent(struct objects *o, const struct object_entry *en, struct buf *b, struct mp_open_map *map)
{
    const struct msg_agent *a = &en->spec.agent;

    agent_put(o, en->row.id, b, map);
    pause_put(o, &en->row, b, map);
    mp_put_str_or_nil(b, map, "handler", a->handler);
    mp_put_str_or_nil(b, map, "profile", a->profile);
    mp_put_u64(b, map, "capabilities", a->capabilities);
    mp_put_raw(b, map, "sinks", a->sinks);
    put_cap(b, map, HAS(a, agent, max_concurrent), a->max_concurrent);
    put_daily(o, en->row.id, b, map);
    mp_put_raw(b, map, "data", a->data);
    put_current_jobs(o, en->row.id, b, map);
}

static void
put_profile(const struct object_entry *en, struct buf *b, struct mp_open_map *map)
{
    const struct msg_profile *p = &en->spec.profile;

    mp_put_str_or_nil(b, map, "handler", p->handler);
    mp_put_time(b, map, "max_run_ms", p->max_run_ms);
    mp_put_time(b, map, "max_turns", p->max_turns > 0 ? p->max_turns : 0);
    mp_put_time(b, map, "max_attempts", (int64_t)p->max_attempts);
    mp_put_raw(b, map, "retry", p->retry);
    mp_put_time(b, map, "retry_base_ms", p->retry_base_ms);
    mp_put_time(b, map, "token_budget", (int64_t)p->token_budget);
    mp_put_time(b, map, "cost_budget_micros", (int64_t)p->cost_budget_micros);
}

static void
put_handler(const struct object_entry *en, struct buf *b, struct mp_open_map *map)
{
    const struct msg_handler *h = &en->spec.handler;

    mp_put_str(b, map, "kind", h->kind);
    mp_put_raw(b, map, "command", h->command);
    if (HAS(h, handler, max_concurrent)) {
        view_put_limit(b, map, "max_concurrent", h->max_concurrent);
    } else {
        mp_put_nil(b, map, "max_concurrent");
    }
    mp_put_time(b, map, "max_run_ms", h->max_run_ms);
    mp_put_time(b, map, "max_turns", h->max_turns > 0 ? h->max_turns : 0);
    mp_put_time(b, map, "max_attempts", (int64_t)h->max_attempts);
}

void
view_object(struct objects *o, const struct object_entry *en, struct buf *b)
{
    struct mp_open_map map = mp_open(b);

    mp_put_str(b, &map, "name", en->row.name);
    if (en->row.kind != KIND_COMPANY) view_put_name(o, b, &map, "company", en->row.company);
    mp_put_cstr(b, &map, "origin", origin_name(en->row.origin));
    if (en->row.kind == KIND_COMPANY) put_company(o, en, b, &map);
    if (en->row.kind == KIND_AGENT) put_agent(o, en, b, &map);
    if (en->row.kind == KIND_PROFILE) put_profile(en, b, &map);
    if (en->row.kind == KIND_HANDLER) put_handler(en, b, &map);
    mp_close(b, &map);
}

/* ---- effects, workers ---------------------------------------------------------- */

void
view_effect(struct objects *o, const struct effect *ef, struct buf *b)
{
    struct mp_open_map map = mp_open(b);
    struct session     s = {.id = ef->session};
    struct view        payload = ef->payload;
    char               dedupe[33];

    mp_put_u64(b, &map, "id", ef->id);
    if (ef->session && session_load(o->txn, &s) == LOAD_FOUND) {
        mp_put_str(b, &map, "session", s.name);
    } else {
        mp_put_nil(b, &map, "session");
    }
    view_put_name(o, b, &map, "company", ef->company);
    mp_put_cstr(b, &map, "kind", effect_kind_name(ef->kind));
    mp_put_cstr(b, &map, "status", effect_status_name(ef->status));
    view_put_name(o, b, &map, "sink", ef->sink);
    mp_put_time(b, &map, "job", (int64_t)ef->job); /* nil for none */
    mp_put_time(b, &map, "root", (int64_t)ef->root);
    mp_put_time(b, &map, "checkpoint", (int64_t)ef->checkpoint_id);
    snprintf(dedupe, sizeof(dedupe), "%016" PRIx64 "%016" PRIx64, ef->dedupe.hi, ef->dedupe.lo);
    mp_put_cstr(b, &map, "dedupe_key", dedupe);
    if (ef->payload_bytes &&
        bytes_load(o->txn, BLOB_EFFECT, ef->id, ef->payload_bytes, &payload) != LOAD_FOUND) {
        payload = (struct view){0};
    }
    mp_put_raw(b, &map, "payload", payload);
    mp_put_u64(b, &map, "attempts", ef->attempts);
    mp_put_time(b, &map, "last_attempt_at", ef->last_attempt_at);
    mp_put_i64(b, &map, "created_at", ef->created_at);
    mp_put_i64(b, &map, "updated_at", ef->updated_at);
    mp_put_time(b, &map, "not_after", ef->not_after);
    mp_put_time(b, &map, "event", (int64_t)ef->event); /* nil for none */
    mp_put_bool(b, &map, "autonomous", ef->autonomous);
    mp_put_time(b, &map, "allowed_at", ef->allowed_at);
    mp_put_u64(b, &map, "resends", ef->resends);
    mp_put_str_or_nil(b, &map, "receipt", ef->receipt);
    mp_put_str_or_nil(b, &map, "reason", ef->reason);
    mp_close(b, &map);
}

static bool
sees_job(struct txn *t, const struct actor *a, uint64_t id)
{
    struct job_state j = {.id = id};

    return a->company.size == 0 ||
           (job_state_load(t, &j) == LOAD_FOUND && actor_sees(t, a, j.company));
}

void
view_worker(struct txn *t, const struct actor *a, const struct memory *m, uint32_t worker,
            int64_t now_boot_ms, struct buf *b)
{
    static const char *const   states[] = {"none", "starting", "up", "retiring", "lost"};
    const struct fleet_worker *w = &m->workers[worker];
    struct mp_open_map         map = mp_open(b);
    size_t                     header;
    uint32_t                   n = 0;

    mp_put_u64(b, &map, "worker", worker);
    mp_put_u64(b, &map, "generation", w->generation);
    mp_put_cstr(b, &map, "state", states[w->state]);
    mp_put_time(b, &map, "pid", (int64_t)w->pid);
    mp_put_u64(b, &map, "slots", w->slots);
    mp_put_u64(b, &map, "running", w->jobs);
    mp_put_u64(b, &map, "deliveries", w->deliveries);
    mp_put_i64(b, &map, "silent_ms", now_boot_ms - w->seen_boot_ms);
    mp_put_u64(b, &map, "lag_us", w->lag_us);
    mp_key(b, &map, "jobs");
    header = mp_array_open(b);
    for (uint32_t i = 0; i < m->lease_high; i++) {
        if (m->leases[i].kind != LEASE_JOB || m->leases[i].worker != worker) continue;
        if (!sees_job(t, a, m->leases[i].id)) continue;
        mp_u64(b, m->leases[i].id);
        n++;
    }
    mp_array_close(b, header, n);
    mp_close(b, &map);
}
