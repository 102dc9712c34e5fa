#include "supervisor/engine/collisions.h"

#include "common/ranks.h"
#include "supervisor/engine/nominal.h"
#include "supervisor/engine/objects.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW_MS      (24 * 60 * 60 * 1000LL)
#define BUCKET_MS      (WINDOW_MS / COLLISION_BUCKETS)
#define BUCKET_MINUTES 5
#define NEAR           3 /* buckets to either side in which a better minute is looked for */

/* What fires in the same buckets as this schedule would, shifted by so many. */
struct contention {
    uint64_t turns_milli;
    uint32_t schedules;
};

struct comparison {
    struct engine    *en;
    int64_t           now_ms;
    uint32_t          company; /* 0: of all */
    uint32_t          profile; /* 0: none */
    uint32_t          self;
    int               minute; /* the one that it fires at; -1: several, none better is looked for */
    bool              own[COLLISION_BUCKETS];
    uint16_t          skip[COLLISION_BUCKETS]; /* to the next bucket worth a look; 0: it is one */
    struct contention loads[2 * NEAR + 1];     /* [NEAR]: not shifted */
    uint64_t          name_turns[COLLISION_NAMES_MAX];
    struct buf        averages; /* int64_t, thousandths, of its profile */
    struct collisions *out;
};

static unsigned
bucket_of(int64_t at_ms)
{
    return (unsigned)(at_ms / BUCKET_MS % COLLISION_BUCKETS);
}

/* The last instant of its bucket. */
static int64_t
bucket_end(int64_t at_ms)
{
    return (at_ms / BUCKET_MS + 1) * BUCKET_MS - 1;
}

static unsigned
shifted(unsigned bucket, int by)
{
    return (bucket + (unsigned)(COLLISION_BUCKETS + by)) % COLLISION_BUCKETS;
}

/* False when this turn has looked at enough. */
static bool
may_look(struct comparison *c)
{
    if (c->en->turn.looks_left == 0) c->out->is_all = false;
    if (c->out->is_all) c->en->turn.looks_left--;
    return c->out->is_all;
}

/* The first of the times after `after_ms` within the window; 0: none, or enough was looked at. */
static int64_t
next_of(struct comparison *c, const struct nominal *n, int64_t after_ms)
{
    int64_t at = may_look(c) ? nominal_after(n, after_ms) : 0;

    return at <= c->now_ms + WINDOW_MS ? at : 0;
}

/* ---- this schedule --------------------------------------------------------------- */

static uint32_t
profile_id(struct engine *en, const struct msg_schedule *s, uint32_t company)
{
    uint32_t   id = 0;
    struct err e = {0};

    if (s->profile.size == 0 || object_ref(turn_txn(en), &actor_daemon, KIND_PROFILE, s->profile,
                                           "profile", &company, &id, &e)) {
        return 0;
    }
    return id;
}

static void
mark_own(struct comparison *c, const struct nominal *n)
{
    int  reach = c->minute < 0 ? 0 : NEAR;
    bool is_near[COLLISION_BUCKETS] = {false};

    for (int64_t at = next_of(c, n, c->now_ms); at; at = next_of(c, n, bucket_end(at))) {
        c->own[bucket_of(at)] = true;
        for (int by = -reach; by <= reach; by++)
            is_near[shifted(bucket_of(at), by)] = true;
    }
    for (unsigned i = 2 * COLLISION_BUCKETS, skip = COLLISION_BUCKETS; i-- > 0; skip++) {
        if (is_near[i % COLLISION_BUCKETS]) skip = 0;
        c->skip[i % COLLISION_BUCKETS] = (uint16_t)skip;
    }
}

/* ---- the others ------------------------------------------------------------------ */

/* Keeps the names of those that use most, in that order. */
static void
keep_name(struct comparison *c, const struct object *row, uint64_t turns_milli)
{
    struct collisions *out = c->out;
    struct arena      *arena = txn_arena(turn_txn(c->en));
    uint32_t           at;
    struct view        company;

    if (out->name_count == COLLISION_NAMES_MAX) {
        out->unnamed++;
        if (turns_milli <= c->name_turns[COLLISION_NAMES_MAX - 1]) return;
        out->name_count--;
    }
    for (at = out->name_count++; at > 0 && c->name_turns[at - 1] < turns_milli; at--) {
        c->name_turns[at] = c->name_turns[at - 1];
        out->names[at] = out->names[at - 1];
    }
    c->name_turns[at] = turns_milli;
    if (row->company == COMPANY_DEFAULT_ID) {
        out->names[at] = arena_copy(arena, row->name);
    } else {
        company = objects_name(&c->en->turn.objects, row->company);
        out->names[at] =
            view_str(arena_printf(arena, "%.*s/%.*s", VIEW_ARG(company), VIEW_ARG(row->name)));
    }
}

/* Which shifts of this schedule one with a time in the bucket collides with. */
static void
meet(struct comparison *c, unsigned bucket, bool hits[2 * NEAR + 1])
{
    for (int by = -NEAR; by <= NEAR; by++) {
        if (c->own[shifted(bucket, -by)]) hits[by + NEAR] = true;
    }
    if (c->own[bucket]) c->out->shared[bucket] = true;
}

/* Whether every bucket has a time, without a look at each. */
static bool
is_everywhere(const struct nominal *n, int64_t from_ms, int64_t until_ms)
{
    const struct cron *c = &n->cron;
    const uint64_t     five = 0x1f;

    if (n->start_at > from_ms || n->end_at < until_ms) return false;
    if (c->kind == CRON_EVERY) return c->every_ms <= BUCKET_MS;
    for (unsigned minute = 0; minute < 60; minute += BUCKET_MINUTES) {
        if (!(c->minutes & five << minute)) return false;
    }
    return c->kind == CRON_FIELDS && c->hours == 0xffffff && c->days == 0xfffffffe &&
           c->months == 0x1ffe && c->weekdays == 0x7f;
}

static void
compare_times(struct comparison *c, const struct nominal *n, bool hits[2 * NEAR + 1])
{
    int64_t after = c->now_ms, end = c->now_ms + WINDOW_MS, at;

    if (is_everywhere(n, after, end)) {
        for (unsigned bucket = 0; bucket < COLLISION_BUCKETS; bucket++)
            meet(c, bucket, hits);
        return;
    }
    while (after < end) {
        uint16_t skip = c->skip[bucket_of(after + 1)];

        if (skip) after = bucket_end(after + 1) + (skip - 1) * BUCKET_MS;
        at = after < end ? next_of(c, n, after) : 0;
        if (at == 0) break;
        meet(c, bucket_of(at), hits);
        after = bucket_end(at);
    }
}

static void
compare(struct comparison *c, const struct object *row)
{
    struct schedule     run = {.id = row->id};
    struct msg_schedule s;
    struct nominal      n;
    struct err          e = {0};
    bool                hits[2 * NEAR + 1] = {false};
    uint64_t            turns;

    c->out->compared++;
    if (schedule_by_id(turn_txn(c->en), &run) != LOAD_FOUND ||
        msg_unpack(msg_desc(MSG_SCHEDULE), row->spec, &s, &e)) {
        return;
    }
    turns = run.measured ? run.avg_turns_milli : 0;
    if (c->profile && run.measured && profile_id(c->en, &s, row->company) == c->profile)
        buf_add(&c->averages, &turns, sizeof(turns));
    if (run.paused || run.next_at == 0 || !nominal_open(turn_txn(c->en), &s, row->created_at, &n)) {
        return;
    }
    compare_times(c, &n, hits);
    for (unsigned i = 0; i < ARRAY_LEN(hits); i++) {
        c->loads[i].turns_milli += hits[i] ? turns : 0;
        c->loads[i].schedules += hits[i];
    }
    if (hits[NEAR]) keep_name(c, row, turns);
}

static void
compare_all(struct comparison *c)
{
    struct object row = {.kind = KIND_SCHEDULE, .company = c->company};
    unsigned      prefix = c->company ? 2 : 1;
    struct scan   s;

    scan_open(&s, turn_txn(c->en), INDEX_object_by_name, &row, prefix, prefix);
    while (scan_next(&s, &row)) {
        if (row.id == c->self || row.removing) continue;
        if (!may_look(c)) break;
        compare(c, &row);
    }
    scan_close(&s);
}

/* ---- what is said ---------------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
    const struct view *x = a, *y = b;
    size_t             size = x->size < y->size ? x->size : y->size;
    int                order = memcmp(x->data, y->data, size);

    return order ? order : (x->size > y->size) - (x->size < y->size);
}

static void
take_median(struct comparison *c)
{
    int64_t *values = (int64_t *)(void *)c->averages.data;
    size_t   n = c->averages.size / sizeof(*values);

    if (n == 0) return;
    ranks_sort(values, n);
    c->out->median_turns = (uint64_t)(values[(n - 1) / 2] + values[n / 2]) / 2 / 1000;
    c->out->median_of = (uint32_t)n;
}

static bool
is_less(const struct contention *a, const struct contention *b)
{
    if (a->turns_milli != b->turns_milli) return a->turns_milli < b->turns_milli;
    return a->schedules < b->schedules;
}

/* The nearest minute of the hour in the least contended bucket, the later one of two. */
static void
take_minute(struct comparison *c, const struct msg_schedule *s)
{
    int                 wanted = c->minute / BUCKET_MINUTES, best = 0;
    BUF_AUTO struct buf cron = {0};

    for (int by = 1; by <= NEAR; by++) {
        if (wanted + by < 60 / BUCKET_MINUTES &&
            is_less(&c->loads[NEAR + by], &c->loads[NEAR + best]))
            best = by;
        if (wanted - by >= 0 && is_less(&c->loads[NEAR - by], &c->loads[NEAR + best])) best = -by;
    }
    if (best == 0) return;
    c->out->minute = (wanted + best) * BUCKET_MINUTES + (best < 0 ? BUCKET_MINUTES - 1 : 0);
    cron_put_minute(s->cron, c->out->minute, &cron);
    c->out->cron = arena_copy(txn_arena(turn_txn(c->en)), buf_view(&cron));
}

void
collisions_of(struct engine *en, const struct actor *a, const struct object_entry *o,
              const struct schedule *run, struct collisions *out)
{
    const struct msg_schedule *s = &o->spec.schedule;
    bool              sees_all = o->row.company == COMPANY_DEFAULT_ID && a->company.size == 0;
    struct comparison c = {.en = en,
                           .now_ms = en->turn.now.wall_ms,
                           .company = sees_all ? 0 : o->row.company,
                           .profile = profile_id(en, s, o->row.company),
                           .self = o->row.id,
                           .out = out};
    struct nominal    n;
    uint64_t          turns_milli;

    *out = (struct collisions){.is_all = true};
    if (!nominal_open(turn_txn(en), s, o->row.created_at, &n)) return;
    c.minute = cron_fixed_minute(&n.cron);
    mark_own(&c, &n);
    compare_all(&c);
    turns_milli = c.loads[NEAR].turns_milli + (run->measured ? run->avg_turns_milli : 0);
    out->turns = turns_milli / 1000;
    out->is_warned = out->name_count > 0 && en->memory.limits.collision_turns != NO_LIMIT &&
                     out->turns >= (uint64_t)en->memory.limits.collision_turns;
    qsort(out->names, out->name_count, sizeof(out->names[0]), by_name);
    take_median(&c);
    if (c.minute >= 0) take_minute(&c, s);
    buf_done(&c.averages);
}

void
collisions_put_warning(const struct collisions *c, struct buf *b)
{
    struct mp_open_map m = mp_open(b);
    size_t             header;
    uint32_t           n = 0;

    mp_put_cstr(b, &m, "type", "collision");
    mp_key(b, &m, "schedules");
    mp_array(b, c->name_count);
    for (uint32_t i = 0; i < c->name_count; i++)
        mp_str(b, c->names[i]);
    if (c->unnamed) mp_put_u64(b, &m, "more_schedules", c->unnamed);
    mp_key(b, &m, "minutes");
    header = mp_array_open(b);
    for (unsigned i = 0; i < COLLISION_BUCKETS; i++) {
        if (!c->shared[i]) continue;
        mp_u64(b, (uint64_t)i * BUCKET_MINUTES);
        n++;
    }
    mp_array_close(b, header, n);
    mp_put_u64(b, &m, "turns", c->turns);
    mp_put_cstr(b, &m, "message", "schedules will take turns; the last to run may be delayed");
    mp_close(b, &m);
}

void
collisions_put_advice(const struct collisions *c, struct buf *b, struct mp_open_map *map)
{
    struct mp_open_map m;

    mp_key(b, map, "advice");
    m = mp_open(b);
    if (c->cron.size) {
        mp_put_i64(b, &m, "minute", c->minute);
        mp_put_str(b, &m, "cron", c->cron);
    }
    if (c->median_of) {
        mp_put_u64(b, &m, "median_turns", c->median_turns);
        mp_put_u64(b, &m, "of", c->median_of);
    }
    if (!c->is_all) mp_put_u64(b, &m, "compared", c->compared);
    mp_close(b, &m);
}
