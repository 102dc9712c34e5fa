#include "supervisor/forecast/world.h"

#include "supervisor/forecast/crew.h"

#define BATCH_TURNS   64 /* that share a transaction */
#define COUNT_TURNS   1024
#define INSTANT_TURNS 10000 /* at one instant; then the clock goes on */
#define BEAT_MS       3600000

/* ---- transactions -------------------------------------------------------------------------- */

static enum errc
commit(struct world *w, struct err *e)
{
    bool outcome_unknown; /* nobody will look for it */

    w->batched = 0;
    return w->txn ? txn_commit(&w->txn, &outcome_unknown, e) : E_OK;
}

static enum errc
begin_turn(struct world *w, struct err *e)
{
    const struct turn_header h = {
        .now = {.wall_ms = w->now_ms, .boot_ms = w->now_ms},
        .space = {.can_admit = true                   },
        .stall_ms = BEAT_MS  /* nobody is silent here */
    };

    if (w->batched == BATCH_TURNS && commit(w, e)) return e->code;
    if (!w->txn && !(w->txn = txn_begin_write(w->store, e))) return e->code;
    w->batched++;
    engine_turn_begin(w->engine, w->txn, &h);
    return E_OK;
}

/* ---- budgets ------------------------------------------------------------------------------- */

/* A day on which the budget ran out; once. */
static void
note_day(struct world *w, struct tally_budget *b)
{
    struct objects o;

    if (w->now_ms < b->day_ends_at) return;
    objects_init(&o, w->txn);
    o.now_ms = w->now_ms;
    b->day_ends_at = ledger_next_day(&o, b->scope, w->now_ms);
    b->days++;
}

/* Whether what was charged on the day of that start has used the budget up. */
static void
check_budget(struct world *w, uint32_t scope, int64_t started_ms)
{
    struct tally_budget *b = tally_budget_of(&w->tally, scope);
    struct objects       o;

    if (!b) return;
    objects_init(&o, w->txn);
    o.now_ms = w->now_ms;

    struct ledger *row = ledger_row(&o, scope, ledger_date(&o, scope, started_ms));

    for (enum dimension d = 0; d < DIM_COUNT; d++) {
        int64_t  limit = ledger_limit(&o, scope, d);
        uint64_t used = *ledger_amount(row, LEDGER_CHARGED, d);

        sum_add(&used, *ledger_amount(row, LEDGER_OVERSHOOT, d));
        if (limit == NO_LIMIT || used < (uint64_t)limit) continue;
        note_day(w, b);
        if (b->spent_at) return;
        b->spent_at = w->now_ms;
        b->dimension = d;
        b->limit = limit;
        return;
    }
}

/* ---- what holds ---------------------------------------------------------------------------- */

static void
note_hold(struct world *w, uint8_t predicate, uint32_t on)
{
    struct tally_budget *b = predicate_is_budget(predicate) ? tally_budget_of(&w->tally, on) : NULL;
    size_t               at = tally_hold_of(&w->tally, predicate, on);

    for (size_t i = 0; i < w->state.held_count; i++) {
        if (w->state.held[i] == at) return; /* of those that are not told apart */
    }
    w->state.held[w->state.held_count++] = at;
    if (!b) return;
    note_day(w, b);
    if (b->held_at == 0) b->held_at = w->now_ms;
}

/* Each limit that holds a lane of those that are looked at. */
static void
note_blocked_lanes(struct world *w)
{
    struct lane key = {0};
    struct scan s;

    scan_open(&s, w->txn, INDEX_lane_blocked, &key, 0, 0);
    while (scan_next_key(&s, &key)) {
        if (w->company && key.company < w->company) {
            key.company = w->company;
            scan_seek(&s, &key, 3);
            continue;
        }
        if (w->company == 0 || key.company == w->company)
            note_hold(w, key.blocked_by, key.blocked_on);
        key.blocked_on++;
        scan_seek(&s, &key, 2);
    }
    scan_close(&s);
}

/* Whether something of what is looked at could start but for what holds everything. */
static bool
waits_for_all(struct world *w)
{
    struct queue q = {.company = w->company};

    return w->company == 0 || (queue_load(w->txn, &q) == LOAD_FOUND && q.has_head);
}

static void
note_state(struct world *w)
{
    const struct memory *m = &w->engine->memory;
    uint32_t             jobs = 0;

    for (uint32_t i = 0; i < w->fleet.workers; i++)
        jobs += m->workers[i].jobs;
    w->state.is_full = jobs >= w->fleet.workers * w->fleet.slots;
    w->state.held_count = 0;
    if (m->held_all && waits_for_all(w)) note_hold(w, m->held_all, 0);
    note_blocked_lanes(w);
}

/* ---- turns --------------------------------------------------------------------------------- */

static enum errc
end_turn(struct world *w, struct err *e)
{
    engine_turn_end(w->engine);
    if (!txn_failed(w->txn)) crew_take_outputs(w);
    if (!txn_failed(w->txn)) {
        note_state(w);
        engine_turn_done(w->engine, true);
        return E_OK;
    }
    engine_turn_done(w->engine, false);
    return commit(w, e); /* says what failed */
}

static enum errc
turn(struct world *w, struct err *e)
{
    struct world_run ended[SLOTS_MAX];
    size_t           count;

    if (begin_turn(w, e)) return e->code;
    count = crew_report_ends(w, ended);
    engine_due(w->engine);
    engine_dispatch(w->engine);
    if (end_turn(w, e)) return e->code;
    for (size_t i = 0; i < count && w->tally.budget_count; i++) {
        check_budget(w, ended[i].schedule, ended[i].started_ms);
        check_budget(w, ended[i].company, ended[i].started_ms);
        check_budget(w, ended[i].agent, ended[i].started_ms);
    }
    return E_OK;
}

enum errc
world_change(struct world *w, enum errc (*change)(struct engine *en, void *arg, struct err *e),
             void *arg, struct err *e)
{
    if (begin_turn(w, e)) return e->code;
    if (!change(w->engine, arg, e)) return end_turn(w, e);
    engine_turn_done(w->engine, false);
    txn_abort(&w->txn);
    return e->code;
}

static enum errc
boot(struct engine *en, void *arg, struct err *e)
{
    struct world      *w = arg;
    struct meta        meta = {.id = 1};
    const struct input in = {.kind = INPUT_BOOT};
    struct input       known = in;

    (void)e;
    if (meta_load(w->txn, &meta) == LOAD_FOUND) known.boot_id = meta.boot_id; /* the same boot */
    engine_apply(en, &known);
    crew_start(w);
    w->first_job = en->memory.meta.next_job;
    return E_OK;
}

enum errc
world_begin(struct world *w, struct txn *from, int64_t now_ms, int64_t until_ms,
            const struct world_fleet *fleet, struct err *e)
{
    w->now_ms = now_ms;
    w->fleet = *fleet;
    model_init(&w->model);
    tally_init(&w->tally, now_ms, until_ms);
    if (store_open_scratch(&w->store, FORECAST_STORE_MAX, e)) return e->code;
    if (!(w->txn = txn_begin_write(w->store, e))) return e->code;
    if (copy_store(from, w->txn, now_ms, until_ms, &w->copied, e) || commit(w, e)) return e->code;
    w->engine = engine_new(w->store);
    w->engine->is_mute = true;
    return world_change(w, boot, w, e);
}

void
world_end(struct world *w)
{
    txn_abort(&w->txn);
    engine_destroy(&w->engine);
    if (w->store) store_close(&w->store);
    model_done(&w->model);
    tally_done(&w->tally);
}

/* ---- time ---------------------------------------------------------------------------------- */

static int64_t
next_instant(const struct world *w)
{
    struct deadline d = engine_deadline(w->engine);
    int64_t         at = earlier(d.wall_ms, d.boot_ms);

    for (size_t i = 0; i < w->run_count; i++)
        at = earlier(at, w->runs[i].ends_ms);
    return at;
}

static enum errc
prepare(struct engine *en, void *arg, struct err *e)
{
    struct world *w = arg;
    struct object row = {0};
    struct scan   s;

    (void)e;
    model_learn(&w->model, en);
    scan_open(&s, w->txn, PRIMARY_OBJECT, &row, 0, 0);
    while (scan_next_key(&s, &row)) {
        if (ledger_is_limited(&en->turn.objects, row.id)) tally_add_budget(&w->tally, row.id);
    }
    scan_close(&s);
    return E_OK;
}

/* Nominal times that all schedules have ever decided; not soon again, the more of them there are.
 */
static uint64_t
all_decided(struct world *w)
{
    struct schedule run = {0};
    struct scan     s;
    uint64_t        sum = 0;

    w->turns_left = COUNT_TURNS;
    scan_open(&s, w->txn, PRIMARY_SCHEDULE, &run, 0, 0);
    for (; scan_next(&s, &run); w->turns_left++)
        sum += run.firing_count + run.suppressed_count + run.missed_count;
    scan_close(&s);
    return sum;
}

/* By their rows; of those that share a row all are counted, too, once in a while. */
static bool
has_enough(struct world *w)
{
    if (table_rows(w->txn, TABLE_FIRING) >= w->firings_max) return true;
    if (--w->turns_left > 0) return false;
    return all_decided(w) - w->decided_before >= w->firings_max;
}

/* A store that is full is one that has seen enough. */
static enum errc
pass_to(struct world *w, int64_t at_ms, struct err *e)
{
    tally_span(&w->tally, w->now_ms, at_ms, &w->state);
    w->now_ms = at_ms;
    if (turn(w, e) == E_OK) return E_OK;
    if (e->code != E_STORE_FULL) return e->code;
    w->is_cut = true;
    return E_OK;
}

enum errc
world_pass(struct world *w, struct err *e)
{
    int64_t  until_ms = w->tally.until_ms, at_ms = w->now_ms;
    unsigned turns = 0;

    if (world_change(w, prepare, w, e)) return e->code;
    w->decided_before = all_decided(w);
    for (size_t i = 0; i < w->tally.budget_count; i++)
        check_budget(w, w->tally.budgets[i].scope, w->now_ms);
    while (at_ms < until_ms && !w->is_cut) {
        turns = at_ms > w->now_ms ? 0 : turns + 1;
        if (turns == INSTANT_TURNS) at_ms++;
        if (pass_to(w, at_ms, e)) return e->code;
        if (!w->txn && !(w->txn = txn_begin_read(w->store, e))) return e->code;
        if (has_enough(w)) w->is_cut = true;
        at_ms = next_instant(w);
        if (at_ms < w->now_ms) at_ms = w->now_ms;
    }
    w->end_ms = w->is_cut ? w->now_ms : until_ms;
    tally_span(&w->tally, w->now_ms, w->end_ms, &w->state);
    w->now_ms = w->end_ms;
    return E_OK;
}
