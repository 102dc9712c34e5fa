#include "supervisor/forecast/answer.h"

#include "common/ranks.h"
#include <inttypes.h>
#include <stdlib.h>

/* What became of a schedule. */
struct row {
    uint32_t         id;
    uint64_t         firings, suppressed, missed, started;
    int64_t          p50_ms, p95_ms, max_ms; /* of those that started */
    int64_t          next_at;
    bool             is_paused;
    struct view      pause_reason;
    struct model_run model;
};

struct shown {
    struct world  *w;
    struct objects objects;
    struct row    *rows;
    size_t         count;
    struct row     all;                       /* the sums, and the waits of all */
    uint64_t       assumed[ASSUMPTION_COUNT]; /* schedules that fired */
};

/* ---- what became of the schedules ---------------------------------------------------------- */

void
answer_remember(struct world *w, struct answer_before **out, size_t *count)
{
    struct schedule run = {0};
    struct scan     s;
    size_t          cap = 0;

    *out = NULL;
    *count = 0;
    scan_open(&s, w->txn, INDEX_schedule_by_id, &run, 0, 0);
    while (scan_next(&s, &run)) {
        if (*count == cap) {
            cap = cap ? cap * 2 : 64;
            *out = xrealloc(*out, cap * sizeof(**out));
        }
        (*out)[(*count)++] = (struct answer_before){.id = run.id,
                                                    .firing_count = run.firing_count,
                                                    .suppressed_count = run.suppressed_count,
                                                    .missed_count = run.missed_count};
    }
    scan_close(&s);
}

/* Of n sorted waits. */
static void
take_waits(struct row *r, const int64_t *waits_ms, size_t n)
{
    r->started = n;
    r->p50_ms = rank_of(waits_ms, n, 50);
    r->p95_ms = rank_of(waits_ms, n, 95);
    r->max_ms = rank_of(waits_ms, n, 100);
}

/* Rows and waits both ascend by the schedule's id. */
static void
take_all_waits(struct shown *a)
{
    struct tally      *t = &a->w->tally;
    FREE_AUTO int64_t *waits_ms = xcalloc(t->wait_count + 1, sizeof(*waits_ms));
    size_t             at = 0;

    tally_sort(t);
    for (size_t i = 0; i < t->wait_count; i++)
        waits_ms[i] = t->waits[i].ms;
    for (size_t i = 0; i < a->count; i++) {
        size_t begin;

        while (at < t->wait_count && t->waits[at].schedule < a->rows[i].id)
            at++;
        begin = at;
        while (at < t->wait_count && t->waits[at].schedule == a->rows[i].id)
            at++;
        if (at > begin) take_waits(&a->rows[i], &waits_ms[begin], at - begin);
    }
    ranks_sort(waits_ms, t->wait_count);
    take_waits(&a->all, waits_ms, t->wait_count);
}

static const struct answer_before *
before_of(const struct answer_before *before, size_t count, uint32_t id)
{
    static const struct answer_before none;

    for (size_t low = 0, high = count; low < high;) {
        size_t middle = low + (high - low) / 2;

        if (before[middle].id == id) return &before[middle];
        if (before[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return &none; /* made by the change */
}

static void
take_row(struct shown *a, const struct schedule *run, const struct answer_before *b)
{
    struct row *r = &a->rows[a->count++];

    *r = (struct row){.id = run->id,
                      .firings = run->firing_count - b->firing_count,
                      .suppressed = run->suppressed_count - b->suppressed_count,
                      .missed = run->missed_count - b->missed_count,
                      .next_at = run->next_at,
                      .is_paused = run->paused,
                      .pause_reason = arena_copy(txn_arena(a->w->txn), run->pause_reason),
                      .model = model_firing_of(&a->w->model, run->id, run->company)};
    a->all.firings += r->firings;
    a->all.suppressed += r->suppressed;
    a->all.missed += r->missed;
    if (r->firings) a->assumed[r->model.basis]++;
}

static void
take_rows(struct shown *a, const struct answer_before *before, size_t count)
{
    struct schedule run = {0};
    struct scan     s;
    size_t          all = (size_t)table_rows(a->w->txn, TABLE_SCHEDULE);

    a->rows = xcalloc(all + 1, sizeof(*a->rows));
    scan_open(&s, a->w->txn, INDEX_schedule_by_id, &run, 0, 0);
    while (a->count < all && scan_next(&s, &run)) {
        if (a->w->company && run.company != a->w->company) continue;
        take_row(a, &run, before_of(before, count, run.id));
    }
    scan_close(&s);
    take_all_waits(a);
}

/* ---- packing ------------------------------------------------------------------------------- */

static void
put_waits(struct buf *b, struct mp_open_map *map, const struct row *r)
{
    mp_key(b, map, "wait");
    struct mp_open_map m = mp_open(b);
    mp_put_i64(b, &m, "p50_ms", r->p50_ms);
    mp_put_i64(b, &m, "p95_ms", r->p95_ms);
    mp_put_i64(b, &m, "max_ms", r->max_ms);
    mp_close(b, &m);
}

static void
put_counts(struct buf *b, struct mp_open_map *m, const struct row *r)
{
    mp_put_u64(b, m, "firings", r->firings);
    mp_put_u64(b, m, "started", r->started);
    mp_put_u64(b, m, "suppressed", r->suppressed);
    mp_put_u64(b, m, "missed", r->missed);
    put_waits(b, m, r);
}

static void
put_row(struct shown *a, struct buf *b, const struct row *r)
{
    struct mp_open_map m = mp_open(b);

    mp_put_str(b, &m, "schedule", objects_ref(&a->objects, r->id));
    put_counts(b, &m, r);
    mp_put_cstr(b, &m, "basis", assumption_name(r->model.basis));
    mp_put_i64(b, &m, "run_ms", r->model.run_ms);
    mp_put_u64(b, &m, "turns", r->model.turns);
    mp_put_u64(b, &m, "tokens", r->model.tokens);
    mp_put_u64(b, &m, "cost_micros", r->model.cost_micros);
    mp_close(b, &m);
}

static int
compare_rows(const void *left, const void *right)
{
    const struct row *a = left, *b = right;

    if (a->max_ms != b->max_ms) return a->max_ms < b->max_ms ? 1 : -1;
    return (a->id > b->id) - (a->id < b->id);
}

static void
put_schedules(struct shown *a, struct buf *b, struct mp_open_map *map)
{
    size_t   header;
    uint32_t n = 0;

    qsort(a->rows, a->count, sizeof(*a->rows), compare_rows);
    mp_key(b, map, "schedules");
    header = mp_array_open(b);
    for (size_t i = 0; i < a->count && n < ANSWER_ROWS_MAX; i++, n++)
        put_row(a, b, &a->rows[i]);
    mp_array_close(b, header, n);
    mp_put_u64(b, map, "schedules_left_out", a->count - n);
}

static const char *
why_never(struct shown *a, const struct row *r)
{
    if (r->is_paused && r->pause_reason.size) {
        return arena_printf(txn_arena(a->w->txn), "it is paused: %.*s", VIEW_ARG(r->pause_reason));
    }
    if (r->is_paused) return "it is paused";
    if (r->suppressed) return "the firing before it is in flight each time";
    if (r->missed) return "each of its times is missed";
    return r->next_at == 0 ? "it has no time any more" : "none of its times lies in these hours";
}

static void
put_never(struct shown *a, struct buf *b, struct mp_open_map *map)
{
    size_t   header;
    uint32_t n = 0;

    mp_key(b, map, "never");
    header = mp_array_open(b);
    for (size_t i = 0; i < a->count && n < ANSWER_ROWS_MAX; i++) {
        const struct row *r = &a->rows[i];

        if (r->firings) continue;
        struct mp_open_map m = mp_open(b);
        mp_put_str(b, &m, "schedule", objects_ref(&a->objects, r->id));
        mp_put_cstr(b, &m, "reason", why_never(a, r));
        mp_put_time(b, &m, "next_at", r->next_at);
        mp_close(b, &m);
        n++;
    }
    mp_array_close(b, header, n);
}

static void
put_hold_name(struct shown *a, struct buf *b, struct mp_open_map *m, const struct tally_hold *h)
{
    mp_put_cstr(b, m, "by", predicate_name(h->predicate));
    mp_put_str_or_nil(b, m, "on", h->on ? objects_ref(&a->objects, h->on) : (struct view){0});
}

static void
put_hour(struct shown *a, struct buf *b, size_t at)
{
    const struct tally      *t = &a->w->tally;
    const struct tally_hour *h = &t->hours[at];
    int64_t                  begin_ms = (t->first_hour + (int64_t)at) * TALLY_HOUR_MS;
    int64_t                  end_ms = begin_ms + TALLY_HOUR_MS;
    int64_t                  from_ms = t->from_ms > begin_ms ? t->from_ms : begin_ms;
    int64_t                  slot_ms = (t->until_ms < end_ms ? t->until_ms : end_ms) - from_ms;
    size_t                   header;
    uint32_t                 n = 0;
    struct mp_open_map       m = mp_open(b);

    slot_ms *= (int64_t)a->w->fleet.workers * a->w->fleet.slots;
    mp_put_i64(b, &m, "at", begin_ms);
    mp_put_u64(b, &m, "starts", h->starts);
    mp_put_i64(b, &m, "busy_milli", slot_ms ? 1000 * h->busy_ms / slot_ms : 0);
    if (a->w->company) {
        mp_put_nil(b, &m, "full_ms"); /* others fill them, too */
    } else {
        mp_put_i64(b, &m, "full_ms", h->full_ms);
    }
    mp_key(b, &m, "held");
    header = mp_array_open(b);
    for (size_t i = 0; i < t->hold_count; i++) {
        if (t->holds[i].hours[at] == 0) continue;
        struct mp_open_map one = mp_open(b);
        put_hold_name(a, b, &one, &t->holds[i]);
        mp_put_i64(b, &one, "ms", t->holds[i].hours[at]);
        mp_close(b, &one);
        n++;
    }
    mp_array_close(b, header, n);
    mp_close(b, &m);
}

static void
put_hours(struct shown *a, struct buf *b, struct mp_open_map *map)
{
    size_t   header;
    uint32_t n = 0;

    mp_key(b, map, "hours");
    header = mp_array_open(b);
    for (size_t i = 0; i < a->w->tally.hour_count; i++, n++)
        put_hour(a, b, i);
    mp_array_close(b, header, n);
}

static void
put_limits(struct shown *a, struct buf *b, struct mp_open_map *map)
{
    const struct tally *t = &a->w->tally;
    size_t              header;
    uint32_t            n = 0;

    mp_key(b, map, "limits");
    header = mp_array_open(b);
    for (size_t i = 0; i < t->hold_count; i++) {
        uint64_t           hours = 0;
        struct mp_open_map m;

        if (t->holds[i].ms == 0) continue;
        for (size_t h = 0; h < t->hour_count; h++)
            hours += t->holds[i].hours[h] > 0;
        m = mp_open(b);
        put_hold_name(a, b, &m, &t->holds[i]);
        mp_put_i64(b, &m, "held_ms", t->holds[i].ms);
        mp_put_u64(b, &m, "hours", hours);
        mp_close(b, &m);
        n++;
    }
    mp_array_close(b, header, n);
}

static bool
is_budget_seen(struct shown *a, const struct tally_budget *b)
{
    const struct object_entry *o = objects_get(&a->objects, b->scope);
    uint32_t                   company;

    if (!o || (b->spent_at == 0 && b->held_at == 0)) return false;
    company = o->row.kind == KIND_COMPANY ? o->row.id : o->row.company;
    return a->w->company == 0 || company == a->w->company;
}

static void
put_budgets(struct shown *a, struct buf *b, struct mp_open_map *map)
{
    const struct tally *t = &a->w->tally;
    size_t              header;
    uint32_t            n = 0;

    mp_key(b, map, "budgets");
    header = mp_array_open(b);
    for (size_t i = 0; i < t->budget_count && n < ANSWER_ROWS_MAX; i++) {
        const struct tally_budget *budget = &t->budgets[i];
        struct mp_open_map         m;

        if (!is_budget_seen(a, budget)) continue;
        m = mp_open(b);
        mp_put_cstr(b, &m, "scope",
                    object_kind_name(objects_get(&a->objects, budget->scope)->row.kind));
        mp_put_str(b, &m, "name", objects_ref(&a->objects, budget->scope));
        mp_put_cstr(b, &m, "dimension",
                    budget->spent_at ? dimension_name(budget->dimension) : NULL);
        if (budget->spent_at) mp_put_i64(b, &m, "limit", budget->limit);
        mp_put_time(b, &m, "spent_at", budget->spent_at);
        mp_put_time(b, &m, "held_at", budget->held_at);
        mp_put_u64(b, &m, "days", budget->days);
        mp_close(b, &m);
        n++;
    }
    mp_array_close(b, header, n);
}

static void
put_basis(struct shown *a, struct buf *b, struct mp_open_map *map)
{
    mp_key(b, map, "basis");
    struct mp_open_map m = mp_open(b);
    for (enum assumption i = 0; i < ASSUMPTION_COUNT; i++)
        mp_put_u64(b, &m, assumption_name(i), a->assumed[i]);
    mp_close(b, &m);
}

void
answer_pack(struct world *w, const struct answer_before *before, size_t count, struct buf *out)
{
    struct shown       a = {.w = w};
    struct mp_open_map map;

    objects_init(&a.objects, w->txn);
    a.objects.now_ms = w->now_ms;
    take_rows(&a, before, count);
    map = mp_open(out);
    mp_put_i64(out, &map, "from_at", w->tally.from_ms);
    mp_put_i64(out, &map, "until_at", w->end_ms);
    mp_put_bool(out, &map, "cut", w->is_cut);
    mp_put_u64(out, &map, "slots", (uint64_t)w->fleet.workers * w->fleet.slots);
    mp_put_u64(out, &map, "backlog", w->company ? 0 : w->copied.backlog);
    mp_put_bool(out, &map, "backlog_cut", w->copied.is_backlog_cut);
    put_counts(out, &map, &a.all);
    put_basis(&a, out, &map);
    put_hours(&a, out, &map);
    put_limits(&a, out, &map);
    put_budgets(&a, out, &map);
    put_schedules(&a, out, &map);
    put_never(&a, out, &map);
    mp_close(out, &map);
    free(a.rows);
}
