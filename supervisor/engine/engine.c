#include "supervisor/engine/engine.h"

#include "common/log.h"
#include "supervisor/engine/activity.h"
#include "supervisor/engine/agents.h"
#include "supervisor/engine/alerts.h"
#include "supervisor/engine/attempt.h"
#include "supervisor/engine/backfill.h"
#include "supervisor/engine/breakers.h"
#include "supervisor/engine/budgets.h"
#include "supervisor/engine/chain.h"
#include "supervisor/engine/configure.h"
#include "supervisor/engine/dispatch.h"
#include "supervisor/engine/emergency.h"
#include "supervisor/engine/events.h"
#include "supervisor/engine/feed.h"
#include "supervisor/engine/fleet.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/lanes.h"
#include "supervisor/engine/leases.h"
#include "supervisor/engine/outbox.h"
#include "supervisor/engine/plan.h"
#include "supervisor/engine/pressure.h"
#include "supervisor/engine/readers.h"
#include "supervisor/engine/reasons.h"
#include "supervisor/engine/registry.h"
#include "supervisor/engine/requests.h"
#include "supervisor/engine/retention.h"
#include "supervisor/engine/schedules.h"
#include "supervisor/engine/session_close.h"
#include "supervisor/engine/timers.h"
#include "supervisor/engine/turn.h"
#include "supervisor/engine/unique.h"
#include "supervisor/engine/wallclock.h"
#include "supervisor/engine/zones.h"
#include "supervisor/store/schema.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

RECORD_IS_SAME(META, meta)

#define CRASH_ROW_MS  600000 /* unclean ends less than this apart are in a row … */
#define CRASH_ROW_MAX 3      /* … of so many it is a loop */
#define CRASH_HOLD_MS 60000

struct engine *
engine_new(struct store *s)
{
    struct engine *en = xcalloc(1, sizeof(*en));

    en->store = s;
    en->deadline = (struct deadline){INT64_MAX, INT64_MAX};
    en->memory.budget_day_at = INT64_MAX;
    arena_init(&en->turn.arena);
    return en;
}

void
engine_destroy(struct engine **en)
{
    if (!*en) return;
    arena_done(&(*en)->turn.arena);
    buf_done(&(*en)->turn.feed);
    free((*en)->turn.outputs);
    free(*en);
    *en = NULL;
}

/* ---- scratch ------------------------------------------------------------------ */

struct output *
turn_output(struct engine *en, enum output_kind kind)
{
    struct turn *t = &en->turn;

    if (t->output_count == t->output_cap) {
        t->output_cap = t->output_cap ? t->output_cap * 2 : 64;
        t->outputs = xrealloc(t->outputs, t->output_cap * sizeof(*t->outputs));
    }
    t->outputs[t->output_count] = (struct output){.kind = kind};
    return &t->outputs[t->output_count++];
}

void
turn_log(struct engine *en, int level, const char *text, const char *fmt, ...)
{
    struct output *o = turn_output(en, OUT_LOG);
    char           detail[1024];
    va_list        ap;

    va_start(ap, fmt);
    vsnprintf(detail, sizeof(detail), fmt, ap);
    va_end(ap);
    o->level = level;
    o->text = text;
    o->detail = arena_printf(&en->turn.arena, "%s", detail);
}

struct view
turn_actor(struct engine *en, const struct actor *a)
{
    return view_str(arena_printf(txn_arena(turn_txn(en)), "%s:%.*s", a->kind, VIEW_ARG(a->id)));
}

uint64_t
turn_random(struct engine *en, uint64_t bound)
{
    uint64_t z = en->memory.meta.rng += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return bound ? z % bound : 0;
}

/* ---- memory: copied before a turn, and back when it was aborted (N7) ---------- */

/* Leases from lease_high on are free in both, and zero. */
static void
copy_memory(struct memory *to, const struct memory *from)
{
    uint32_t used = to->lease_high > from->lease_high ? to->lease_high : from->lease_high;

    memcpy(to, from, offsetof(struct memory, leases) + used * sizeof(from->leases[0]));
}

/* ---- the turn ----------------------------------------------------------------- */

static void
report_damage(const char *table, struct view key, void *arg)
{
    struct engine     *en = arg;
    struct mp_open_map m = feed_open(en, FEED_RECORD_DAMAGED, 0);

    mp_put_cstr(feed_buf(en), &m, "table", table);
    feed_close(en, &m);
    turn_log(en, LOG_LEVEL_ERROR, "a damaged record was quarantined", "table=%s key_bytes=%zu",
             table, key.size);
    if (strcmp(table, "session_timer") == 0) timers_recount(en, store_key_u32(key));
}

void
engine_turn_begin(struct engine *en, struct txn *t, const struct turn_header *h)
{
    struct turn *turn = &en->turn;

    copy_memory(&en->before, &en->memory);
    en->deadline_before = en->deadline;
    arena_reset(&turn->arena);
    buf_clear(&turn->feed);
    turn->txn = t;
    turn->header = *h;
    turn->now = h->now;
    turn->output_count = 0;
    turn->feed_count = 0;
    objects_init(&turn->objects, t);
    turn->objects.now_ms = h->now.wall_ms;
    memset(&turn->lanes, 0, sizeof(turn->lanes));
    memset(&turn->companies, 0, sizeof(turn->companies));
    memset(&turn->agents, 0, sizeof(turn->agents));
    turn->agent_list = NULL;
    memset(&turn->sessions, 0, sizeof(turn->sessions));
    turn->session_list = NULL;
    turn->session_last = NULL;
    turn->session_over = NULL;
    turn->session_over_last = NULL;
    turn->lane_list = NULL;
    turn->company_list = NULL;
    turn->last_lane = NULL;
    turn->changed_companies = NULL;
    memset(&turn->competing, 0, sizeof(turn->competing));
    memset(&turn->stored_company, 0, sizeof(turn->stored_company));
    turn->stored_company_known = false;
    memset(&turn->blocks, 0, sizeof(turn->blocks));
    turn->released = NULL;
    turn->released_count = 0;
    turn->released_cap = 0;
    turn->late_count = 0;
    turn->is_late = false;
    turn->backfill_left = BACKFILL_MAX;
    turn->due_left = TURN_DUE_MAX;
    turn->times_left = TURN_TIMES_MAX;
    turn->replan_left = TURN_DUE_MAX;
    turn->looks_left = TURN_LOOKS_MAX;
    turn->purge_left = PURGE_ROWS_MAX;
    turn->due_again = false;
    if (store_has_damage(en->store)) (void)store_quarantine(t, report_damage, en);
    wallclock_notice(en);
}

static void
make_store(struct engine *en)
{
    struct meta *m = &en->memory.meta;

    *m = (struct meta){.id = 1,
                       .rng = store_incarnation(en->store),
                       .next_job = 1,
                       .next_object = COMPANY_DEFAULT_ID,
                       .next_effect = 1,
                       .next_token = 1,
                       .next_goal = 1,
                       .next_ticket = 1,
                       .next_approval = 1,
                       .next_audit = 1,
                       .next_place = 1,
                       .next_event = 1};
    configure_builtins(en);
}

/* An older store counted not all of these; their first number is 1 as in a new one. */
static void
begin_new_numbers(struct meta *m)
{
    uint64_t *numbers[] = {&m->next_goal, &m->next_ticket, &m->next_approval, &m->next_audit,
                           &m->next_event};

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        if (*numbers[i] == 0) *numbers[i] = 1;
    }
    if (m->next_place == 0) m->next_place = m->next_effect; /* an effect's place was its id */
}

/* Ends that follow one another soon are a loop: what agentd was to do at once may be what ends it,
 * so that in a while without it an operator can act (C3). */
static void
count_crashes(struct engine *en, const struct input *in)
{
    struct meta *m = &en->memory.meta;
    bool         is_soon = in->last_sign_of_life_ms - m->last_crash_at < CRASH_ROW_MS;

    if (!in->unclean) {
        m->crash_row = 0;
        return;
    }
    m->crash_row = is_soon ? m->crash_row + 1 : 1;
    m->unclean_stops++;
    m->last_crash_at = in->last_sign_of_life_ms;
    turn_log(en, LOG_LEVEL_WARN, "the last end was not planned",
             "last_sign_of_life_ms=%" PRId64 " unclean_stops=%" PRIu64, in->last_sign_of_life_ms,
             m->unclean_stops);
    if (m->crash_row < CRASH_ROW_MAX) return;
    en->memory.hold_until_boot = en->turn.now.boot_ms + CRASH_HOLD_MS;
    turn_log(en, LOG_LEVEL_WARN, "a crash loop: times of schedules due before this start wait",
             "unclean_stops_in_a_row=%" PRIu32 " for_ms=%d", m->crash_row, CRASH_HOLD_MS);
}

static void
on_boot(struct engine *en, const struct input *in)
{
    struct meta *m = &en->memory.meta;

    m->id = 1;
    if (meta_load(turn_txn(en), m) != LOAD_FOUND) make_store(en);
    begin_new_numbers(m);
    configure_builtin_sink(en);
    count_crashes(en, in);
    m->boot_id = in->boot_id;
    m->clean_stop = 0;
    configure_load_limits(en);
    if (in->config_follows) en->memory.has_limits = false;
    wallclock_at_boot(en);
    schedules_at_boot(en);
    leases_at_boot(en);
    outbox_at_boot(en);
    readers_gone(en);
    breakers_at_boot(en);
    reasons_at_boot(en);
    registry_at_boot(en);
    activity_forget(en);
    sessions_end_begin(en);
    sessions_count_begin(en);
    lanes_sweep_begin(en);
    en->memory.started_at = en->turn.now.wall_ms;
    pressure_begin(en);
    en->memory.is_booted = true;
    en->memory.recheck_limits = true;
}

static void
on_drain(struct engine *en)
{
    en->memory.is_draining = true;
}

static void
on_interrupt(struct engine *en, const struct input *in)
{
    en->memory.is_draining = true;
    en->memory.is_interrupted = true;
    leases_interrupt(en, in->grace_ms);
}

void
engine_apply(struct engine *en, const struct input *in)
{
    if (txn_failed(turn_txn(en))) return;
    assert(en->memory.is_booted || in->kind == INPUT_BOOT);
    switch (in->kind) {
    case INPUT_BOOT: on_boot(en, in); break;
    case INPUT_ZONE: on_zone(en, in); break;
    case INPUT_CONFIG: on_config(en, in); break;
    case INPUT_REQUEST: on_request(en, in); break;
    case INPUT_REPORT: on_report(en, in); break;
    case INPUT_WORKER_STARTED: on_worker_started(en, in); break;
    case INPUT_WORKER_RETIRE: on_worker_retire(en, in); break;
    case INPUT_WORKER_GONE: on_worker_gone(en, in); break;
    case INPUT_SEND_FAILED: on_send_failed(en, in); break;
    case INPUT_LEASE_GONE: on_lease_gone(en, in); break;
    case INPUT_GATEWAY_GONE: readers_gone(en); break;
    case INPUT_DRAIN: on_drain(en); break;
    case INPUT_INTERRUPT: on_interrupt(en, in); break;
    case INPUT_GOODBYE: en->memory.meta.clean_stop = 1; break;
    }
}

void
engine_due(struct engine *en)
{
    if (txn_failed(turn_txn(en)) || !en->memory.has_limits) return;
    schedules_replan_more(en);
    fleet_due(en);
    leases_due(en);
    breakers_due(en);
    budgets_due(en);
    if (!en->memory.is_draining) {
        jobs_due(en, TURN_JOBS_MAX);
        schedules_due(en);
        alerts_due(en);
        unique_due(en);
        agents_due(en);
        timers_due(en, en->turn.due_left / 2); /* a flood of them leaves something for the rest */
    }
    sessions_due(en);
    outbox_due(en);
    readers_due(en);
    lanes_sweep(en);
    activity_due(en);
    sessions_count(en);
    answers_due(en);
    chain_due(en);
    feed_due(en);
    retention_due(en);
    if (en->memory.is_draining) return;
    timers_due(en, TURN_DUE_MAX); /* with what the others left */
    jobs_due(en, TURN_DUE_MAX);
}

void
engine_dispatch(struct engine *en)
{
    if (txn_failed(turn_txn(en))) return;
    if (en->memory.has_limits) {
        if (!en->memory.is_draining) registry_removals(en); /* after the requests; before starts */
        (void)sessions_advance(en);
        dispatch_run(en);
    }
    requests_late(en);
    if (en->memory.has_limits) outbox_dispatch(en);
}

static int64_t
job_deadline(struct engine *en, enum index_id index)
{
    struct job_state key = {0};
    struct scan      s;
    int64_t          at = INT64_MAX;

    scan_open(&s, turn_txn(en), index, &key, 0, 0);
    if (scan_next_key(&s, &key)) at = index == INDEX_job_due ? key.run_at : key.expires_at;
    scan_close(&s);
    return at;
}

/* From the first entries of the indexes: what is not done yet is in one of them. */
static void
find_deadline(struct engine *en)
{
    struct deadline d = {INT64_MAX, INT64_MAX}, schedules = d;

    en->deadline = d;
    if (!en->memory.has_limits) return; /* nothing is due before */
    if (!en->memory.is_draining && !wallclock_is_held(en)) {
        d.wall_ms = earlier(job_deadline(en, INDEX_job_due), job_deadline(en, INDEX_job_expiry));
        schedules = schedules_deadline(en);
        d.wall_ms = earlier(d.wall_ms, schedules.wall_ms);
        d.wall_ms = earlier(d.wall_ms, alerts_deadline(en));
        d.wall_ms = earlier(d.wall_ms, unique_deadline(en));
        d.wall_ms = earlier(d.wall_ms, agents_deadline(en));
        d.wall_ms = earlier(d.wall_ms, timers_deadline(en));
    }
    d.wall_ms = earlier(d.wall_ms, outbox_expiry_deadline(en));
    if (emergency_may_send(&en->memory)) d.wall_ms = earlier(d.wall_ms, outbox_deadline(en));
    d.wall_ms = earlier(d.wall_ms, breakers_deadline(en));
    if (!en->memory.is_draining) d.wall_ms = earlier(d.wall_ms, en->memory.budget_day_at);
    d.wall_ms = earlier(d.wall_ms, sessions_deadline(en));
    d.wall_ms = earlier(d.wall_ms, answers_deadline(en));
    d.wall_ms = earlier(d.wall_ms, chain_deadline(en));
    d.wall_ms = earlier(d.wall_ms, feed_deadline(en));
    d.wall_ms = earlier(d.wall_ms, retention_deadline(en));
    if (en->turn.due_again || en->memory.is_sweeping || en->memory.is_releasing ||
        en->memory.is_forgetting || en->memory.is_counting)
        d.wall_ms = earlier(d.wall_ms, en->turn.now.wall_ms);
    d.boot_ms = earlier(leases_deadline(en), fleet_deadline(&en->memory));
    d.boot_ms = earlier(d.boot_ms, schedules.boot_ms);
    en->deadline = d;
}

void
engine_turn_end(struct engine *en)
{
    struct txn *t = turn_txn(en);

    if (!en->memory.is_booted || txn_failed(t)) return;
    if (en->turn.late_count) engine_dispatch(en);
    /* A turn without a dispatch: the next one sees to them. */
    if (en->turn.released_count) en->memory.recheck_limits = true;
    if (sessions_advance(en)) en->turn.due_again = true; /* what it made may start */
    sessions_flush(en);
    agents_flush(en);
    lanes_flush(en);
    if (en->turn.objects.has_removed) lanes_sweep_begin(en);
    ledgers_flush(&en->turn.objects);
    if (en->turn.feed_count || txn_is_dirty(t) ||
        !meta_is_same(&en->memory.meta, &en->before.meta)) {
        feed_flush(en);
        en->memory.meta.turn++;
        wallclock_keep(en);
        meta_save(t, &en->memory.meta);
    }
    find_deadline(en);
}

void
engine_turn_done(struct engine *en, bool kept)
{
    en->turn.txn = NULL;
    if (kept) return;
    copy_memory(&en->memory, &en->before);
    en->deadline = en->deadline_before;
    en->turn.output_count = 0;
}

const struct output *
engine_outputs(const struct engine *en, size_t *count)
{
    *count = en->turn.output_count;
    return en->turn.outputs;
}

struct deadline
engine_deadline(const struct engine *en)
{
    return en->deadline;
}

uint64_t
engine_feed_seq(const struct engine *en)
{
    return en->memory.meta.feed_seq;
}

size_t
engine_lease_count(const struct engine *en)
{
    return en->memory.lease_count;
}

void
engine_warnings(const struct engine *en, struct txn *t, const struct actor *a, struct buf *lines)
{
    struct objects o;

    objects_init(&o, t);
    emergency_warn(&en->memory, lines);
    breakers_warn(t, a, lines);
    alerts_warn(&en->memory, t, a, lines);
    configure_warn(&en->memory, &o, a, lines);
}

bool
engine_wants_config(const struct engine *en)
{
    return en->memory.config_waits && !en->memory.has_removals;
}

bool
engine_is_draining(const struct engine *en)
{
    return en->memory.is_draining;
}

size_t
engine_old_lease_count(const struct engine *en)
{
    return en->memory.old_leases;
}
