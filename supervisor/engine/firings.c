#include "supervisor/engine/firings.h"

#include "common/sum.h"
#include "supervisor/engine/caps.h"
#include "supervisor/engine/failure.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/page.h"
#include "supervisor/engine/reasons.h"
#include "supervisor/engine/views.h"

/* ---- rows --------------------------------------------------------------------- */

/* The row of the firing that made this job, for its figures. */
static bool
row_of(struct engine *en, const struct job_state *j, const struct job_spec *spec, struct firing *f)
{
    if (en->is_mute) return false;
    *f = (struct firing){.schedule = j->schedule, .nominal_at = spec->nominal_at};
    return firing_load(turn_txn(en), f) == LOAD_FOUND && f->job == j->id &&
           f->outcome == FIRING_FIRED;
}

void
firing_started(struct engine *en, const struct job_state *j, const struct job_spec *spec)
{
    const struct memory *m = &en->memory;
    struct firing        f;

    if (!row_of(en, j, spec, &f) || f.claimed_at) return;
    f.claimed_at = j->claimed_at;
    if (f.claimed_at > f.fired_at)
        f.cap_wait_ms =
            reasons_held_ms(turn_txn(en), j->lane, HELD_SCHEDULE_CAP, f.fired_at, f.claimed_at);
    f.max_turns = spec->max_turns;
    f.lag_us = en->turn.header.lag_us;
    f.streams = m->streams;
    for (uint32_t i = 0; i < m->lease_high; i++)
        f.concurrent += m->leases[i].kind == LEASE_JOB && m->leases[i].id != j->id;
    firing_save(turn_txn(en), &f);
}

static uint64_t
peak_rss_kb(struct engine *en, uint64_t job)
{
    struct attempt a = {.job = job};
    struct scan    s;
    uint64_t       peak = 0;

    scan_open(&s, turn_txn(en), PRIMARY_ATTEMPT, &a, 1, 1);
    while (scan_next(&s, &a))
        peak = a.rss_kb > peak ? a.rss_kb : peak;
    scan_close(&s);
    return peak;
}

/* ---- averages ----------------------------------------------------------------- */

/* 0.7 · old + 0.3 · (x · 1000); the first is the measure itself. */
static void
average(uint64_t *avg, uint64_t x, bool is_first)
{
    uint64_t most = INT64_MAX / 10000, milli = (x < most ? x : most) * 1000;

    *avg = is_first ? milli : (*avg * 7 + milli * 3) / 10;
}

static void
measure(struct schedule *run, const struct job_state *j)
{
    bool is_first = run->measured == 0;

    average(&run->avg_turns_milli, j->turns, is_first);
    average(&run->avg_run_us, j->run_ms, is_first);
    average(&run->avg_tokens_milli, sum_of(j->input_tokens, j->output_tokens), is_first);
    average(&run->avg_cost_milli, j->cost_micros, is_first);
    run->last_turns = j->turns;
    run->measured++;
}

bool
firing_ended(struct engine *en, const struct job_state *j, const struct job_spec *spec,
             struct schedule *run)
{
    struct firing f;
    bool          is_first = true;

    if (row_of(en, j, spec, &f)) {
        is_first = f.completed_at == 0;
        f.completed_at = j->ended_at;
        f.state = j->state;
        f.failure = j->failure;
        f.turns = j->turns;
        f.tokens = sum_of(j->input_tokens, j->output_tokens);
        f.cost_micros = j->cost_micros;
        f.rss_kb = peak_rss_kb(en, j->id);
        firing_save(turn_txn(en), &f);
    }
    if (is_first && j->attempt && (j->state == JOB_COMPLETED || j->state == JOB_FAILED))
        measure(run, j);
    return is_first;
}

/* ---- schedule.firings --------------------------------------------------------- */

static void
put_span(struct buf *b, struct mp_open_map *m, const char *key, int64_t from, int64_t to)
{
    if (from && to) {
        mp_put_i64(b, m, key, to - from);
    } else {
        mp_put_nil(b, m, key);
    }
}

static void
put_figures(const struct firing *f, struct buf *b, struct mp_open_map *m)
{
    put_span(b, m, "late_ms", f->nominal_at, f->fired_at);
    put_span(b, m, "slot_wait_ms", f->fired_at, f->claimed_at);
    put_span(b, m, "duration_ms", f->claimed_at, f->completed_at);
    mp_put_u64(b, m, "turns", f->turns);
    if (f->claimed_at) {
        view_put_limit(b, m, "max_turns", f->max_turns);
    } else {
        mp_put_nil(b, m, "max_turns");
    }
    mp_put_u64(b, m, "tokens", f->tokens);
    mp_put_u64(b, m, "cost_micros", f->cost_micros);
    mp_put_u64(b, m, "lag_us", f->lag_us);
    mp_put_time(b, m, "rss_kb", (int64_t)f->rss_kb);
    mp_put_u64(b, m, "concurrent", f->concurrent);
    mp_put_u64(b, m, "streams", f->streams);
    mp_put_cstr(b, m, "class", f->failure ? failure_rule(f->failure)->name : NULL);
}

const char *
firing_kind_name(uint8_t kind)
{
    static const char *const names[] = {"regular", "manual", "backfill"};

    return kind < ARRAY_LEN(names) ? names[kind] : "";
}

static void
firing_item(struct reading *r, const struct object_entry *o, const struct firing *f)
{
    static const char *const outcomes[] = {"", "fired", "missed", "suppressed"};
    struct buf              *b = r->reply;
    struct mp_open_map       m = mp_open(b);
    struct job_state         j = {.id = f->job, .state = f->state};
    bool                     is_fired = f->outcome == FIRING_FIRED;

    if (is_fired && j.state == JOB_NONE && job_state_load(r->txn, &j) != LOAD_FOUND)
        j.state = JOB_NONE;
    mp_put_str(b, &m, "schedule", o->row.name);
    mp_put_i64(b, &m, "nominal_at", f->nominal_at);
    mp_put_cstr(b, &m, "outcome", f->outcome < ARRAY_LEN(outcomes) ? outcomes[f->outcome] : "");
    mp_put_cstr(b, &m, "kind", firing_kind_name(f->kind));
    mp_put_str_or_nil(b, &m, "reason", f->reason);
    mp_put_u64(b, &m, "count", f->count);
    mp_put_time(b, &m, "until_at", f->until_at);
    mp_put_time(b, &m, "job", (int64_t)f->job);
    mp_put_time(b, &m, "number", (int64_t)f->number);
    mp_put_time(b, &m, "fired_at", f->fired_at);
    mp_put_time(b, &m, "claimed_at", f->claimed_at);
    mp_put_time(b, &m, "completed_at", f->completed_at);
    mp_put_cstr(b, &m, "state", is_fired && j.state ? job_state_name(j.state) : NULL);
    put_figures(f, b, &m);
    mp_close(b, &m);
}

enum errc
read_schedule_firings(struct reading *r, const struct msg_schedule_firings *m)
{
    const struct object_entry *o;
    struct firing              f = {0};
    struct page                p;
    uint64_t                   after;

    if (reading_object(r, KIND_SCHEDULE, m->name, &o) || cursor_id(r, m->after, INT64_MAX, &after))
        return r->e->code;
    page_open(r, &p, HAS(m, schedule_firings, limit), m->limit);
    f.schedule = o->row.id;
    f.nominal_at = after ? (int64_t)after - 1 : INT64_MAX; /* newest first */
    page_scan(r, &p, INDEX_firing_by_schedule, &f, 1, 2);
    while (page_next(&p, &f)) {
        page_at(&p, (uint64_t)f.nominal_at);
        firing_item(r, o, &f);
        p.count++;
    }
    page_close(r, &p);
    return E_OK;
}
