/* schedule.stats: what the firings of the last week took, how soon people got a first reply, and
 * whether the cap of scheduled jobs is right (C11).  At most READ_ROWS_MAX rows are read: with
 * more, the newest of each schedule, of each that has more as many. */
#include "supervisor/engine/firings.h"

#include "common/ranks.h"
#include "supervisor/engine/page.h"
#include "supervisor/engine/replies.h"
#include "supervisor/engine/views.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define WINDOW_MS      (7 * 86400000LL)
#define SCHEDULES_MAX  1000
#define REPLY_ROWS_MAX 1000  /* of the rows that are read */
#define WAIT_GOOD_MS   60000 /* p95 of slot wait below this, … */
#define LAG_GOOD_US    50000 /* … p99 of the loop's lag below this … */
#define REPLY_GOOD_MS  2000  /* … and p99 of first replies below this are well */
#define JUDGED_MIN     20 /* fewer firings say nothing of a cap, fewer replies of people's waits */

/* What became of nominal times. */
struct tally {
    uint64_t fired, completed, failed, cancelled, missed, suppressed, gated;
};

/* A schedule, as far as its rows were read. */
struct part {
    uint32_t     id;
    bool         is_read; /* all of the week */
    int64_t      next;    /* the newest nominal time that was not read */
    struct tally tally;
};

struct week {
    struct reading *r;
    int64_t         since;
    struct part    *parts;
    uint32_t        count;
    uint32_t        open; /* parts with rows that were not read */
    uint32_t        left; /* rows that may still be read */
    bool            is_sample;
    struct tally    all;
    int64_t        *waits, *cap_waits, *lags; /* of firings that started */
    uint32_t        started;

    struct reply_tally replies; /* of all that the asker named */
};

/* What the cap is judged by. */
struct judged {
    int64_t wait_ms, cap_wait_ms, lag_us, reply_ms;
};

/* ---- which -------------------------------------------------------------------- */

static void
take_schedule(struct week *w, uint32_t id)
{
    w->parts[w->count++] = (struct part){.id = id, .next = INT64_MAX};
}

static int
by_id(const void *a, const void *b)
{
    const struct part *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

/* At most SCHEDULES_MAX, the eldest first. */
static void
find_schedules(struct week *w, uint32_t company)
{
    struct object  row = {.kind = KIND_SCHEDULE, .company = company};
    const unsigned prefix = company ? 2 : 1;
    struct scan    s;

    scan_open(&s, w->r->txn, INDEX_object_by_name, &row, prefix, prefix);
    while (!w->is_sample && scan_next(&s, &row)) {
        if (row.removing) continue;
        if (w->count == SCHEDULES_MAX) {
            w->is_sample = true;
        } else {
            take_schedule(w, row.id);
        }
    }
    scan_close(&s);
    qsort(w->parts, w->count, sizeof(*w->parts), by_id);
}

static void
read_replies(struct week *w, uint32_t company)
{
    uint32_t rows =
        replies_sum(w->r->txn, company, w->since, w->r->now->wall_ms, REPLY_ROWS_MAX, &w->replies);

    w->left -= rows;
    if (rows == REPLY_ROWS_MAX) w->is_sample = true;
}

static enum errc
choose(struct week *w, const struct msg_schedule_stats *m)
{
    const struct object_entry *o;
    uint32_t                   company = 0;

    if (read_company(w->r, m->company, &company)) return w->r->e->code;
    w->parts = arena_alloc(txn_arena(w->r->txn), SCHEDULES_MAX * sizeof(*w->parts));
    if (m->name.size) {
        if (reading_object(w->r, KIND_SCHEDULE, m->name, &o)) return w->r->e->code;
        take_schedule(w, o->row.id);
    } else {
        find_schedules(w, company);
    }
    w->left = READ_ROWS_MAX - w->count; /* a row of each, too */
    read_replies(w, company);
    return E_OK;
}

/* ---- counting ----------------------------------------------------------------- */

static void
count(struct week *w, const struct firing *f, struct tally *t)
{
    uint64_t times = f->count ? f->count : 1;

    if (f->outcome == FIRING_MISSED) {
        t->missed += times;
    } else if (f->gated) {
        t->gated += times;
    } else if (f->outcome == FIRING_SUPPRESSED) {
        t->suppressed += times;
    } else {
        t->fired++;
        t->completed += f->state == JOB_COMPLETED;
        t->failed += f->state == JOB_FAILED;
        t->cancelled += f->state == JOB_CANCELLED || f->state == JOB_EXPIRED;
    }
    if (f->claimed_at == 0 || f->kind != FIRING_REGULAR) return; /* by hand it may start later */
    w->waits[w->started] = f->claimed_at - f->fired_at;
    w->cap_waits[w->started] = f->cap_wait_ms;
    w->lags[w->started++] = (int64_t)f->lag_us;
}

static void
add(struct tally *sum, const struct tally *t)
{
    sum->fired += t->fired;
    sum->completed += t->completed;
    sum->failed += t->failed;
    sum->cancelled += t->cancelled;
    sum->missed += t->missed;
    sum->suppressed += t->suppressed;
    sum->gated += t->gated;
}

/* The newest of those that were not read, at most so many; how many it read. */
static uint32_t
read_some(struct week *w, struct part *p, uint32_t max)
{
    struct firing f = {.schedule = p->id, .nominal_at = p->next};
    struct scan   s;
    uint32_t      n = 0;

    scan_open(&s, w->r->txn, INDEX_firing_by_schedule, &f, 1, 2); /* newest first */
    for (p->is_read = true; scan_next(&s, &f) && f.nominal_at >= w->since; n++) {
        p->is_read = n < max;
        p->next = f.nominal_at;
        if (!p->is_read) break;
        count(w, &f, &p->tally);
    }
    scan_close(&s);
    w->open -= p->is_read;
    return n;
}

/* What some leave of their share goes to those that have more. */
static void
read_firings(struct week *w)
{
    w->open = w->count;
    while (w->open && w->left >= w->open) {
        uint32_t share = w->left / w->open;

        for (uint32_t i = 0; i < w->count; i++) {
            if (!w->parts[i].is_read) w->left -= read_some(w, &w->parts[i], share);
        }
    }
    if (w->open) w->is_sample = true;
    for (uint32_t i = 0; i < w->count; i++)
        add(&w->all, &w->parts[i].tally);
}

/* ---- the answer ---------------------------------------------------------------- */

static void
put_tally(struct buf *b, struct mp_open_map *m, const struct tally *t)
{
    mp_put_u64(b, m, "fired", t->fired);
    mp_put_u64(b, m, "completed", t->completed);
    mp_put_u64(b, m, "failed", t->failed);
    mp_put_u64(b, m, "cancelled", t->cancelled);
    mp_put_u64(b, m, "missed", t->missed);
    mp_put_u64(b, m, "suppressed", t->suppressed);
    mp_put_u64(b, m, "gated", t->gated);
}

static void
put_schedule(struct week *w, const struct part *p, struct buf *b)
{
    struct schedule    run = {.id = p->id};
    struct mp_open_map m = mp_open(b);

    if (schedule_by_id(w->r->txn, &run) != LOAD_FOUND) run = (struct schedule){.id = p->id};
    view_put_name(&w->r->objects, b, &m, "schedule", p->id);
    view_put_name(&w->r->objects, b, &m, "company", run.company);
    put_tally(b, &m, &p->tally);
    view_put_averages(&run, b, &m);
    mp_put_u64(b, &m, "failure_streak", run.failure_streak);
    mp_close(b, &m);
}

/* What fewer scheduled jobs at once may help against; NULL: nothing. */
static const char *
trouble(const struct week *w, const struct judged *j)
{
    if (j->lag_us >= LAG_GOOD_US) return "the loop lags";
    if (w->replies.total >= JUDGED_MIN && j->reply_ms > REPLY_GOOD_MS)
        return "people wait for a first reply";
    return NULL;
}

/* What to change, or that nothing is to be changed. */
static void
advise(const struct week *w, const struct judged *j, char *text, size_t size)
{
    int64_t     cap = w->r->engine->memory.limits.schedule_max_concurrent;
    const char *what = trouble(w, j);

    if (w->started < JUDGED_MIN) {
        snprintf(text, size, "fewer than %d firings started: too few to judge by", JUDGED_MIN);
    } else if (what && cap == NO_LIMIT) {
        snprintf(text, size, "%s: set limits.schedule_max_concurrent", what);
    } else if (what && cap > 1) {
        snprintf(text, size,
                 "%s: lower limits.schedule_max_concurrent from %" PRId64 " to %" PRId64, what, cap,
                 cap - 1);
    } else if (what) {
        snprintf(text, size, "%s, and fewer scheduled jobs at once would not help", what);
    } else if (j->wait_ms >= WAIT_GOOD_MS && cap == NO_LIMIT) {
        snprintf(text, size, "firings wait, but for no cap of scheduled jobs: there is none");
    } else if (j->wait_ms >= WAIT_GOOD_MS && j->cap_wait_ms < WAIT_GOOD_MS) {
        snprintf(text, size,
                 "firings wait, but not for limits.schedule_max_concurrent: `agentctl job why` "
                 "says for what");
    } else if (j->wait_ms >= WAIT_GOOD_MS) {
        snprintf(text, size,
                 "firings wait: raise limits.schedule_max_concurrent from %" PRId64 " to %" PRId64,
                 cap, cap + 1);
    } else {
        snprintf(text, size, "limits.schedule_max_concurrent is right as it is");
    }
}

static struct judged
judge(struct week *w)
{
    ranks_sort(w->waits, w->started);
    ranks_sort(w->cap_waits, w->started);
    ranks_sort(w->lags, w->started);
    return (struct judged){.wait_ms = rank_of(w->waits, w->started, 95),
                           .cap_wait_ms = rank_of(w->cap_waits, w->started, 95),
                           .lag_us = rank_of(w->lags, w->started, 99),
                           .reply_ms = replies_p99_ms(&w->replies)};
}

/* nil of nothing that was measured. */
static void
put_measure(struct buf *b, struct mp_open_map *m, const char *key, uint64_t of, int64_t value)
{
    if (of) {
        mp_put_i64(b, m, key, value);
    } else {
        mp_put_nil(b, m, key);
    }
}

static void
put_judgement(struct week *w, struct buf *b, struct mp_open_map *m)
{
    struct judged j = judge(w);
    char          text[160];

    advise(w, &j, text, sizeof(text));
    mp_put_u64(b, m, "started", w->started);
    put_measure(b, m, "slot_wait_p95_ms", w->started, j.wait_ms);
    put_measure(b, m, "cap_wait_p95_ms", w->started, j.cap_wait_ms);
    put_measure(b, m, "lag_p99_us", w->started, j.lag_us);
    mp_put_u64(b, m, "first_replies", w->replies.total);
    put_measure(b, m, "first_reply_p99_ms", w->replies.total, j.reply_ms);
    view_put_limit(b, m, "schedule_max_concurrent",
                   w->r->engine->memory.limits.schedule_max_concurrent);
    mp_put_cstr(b, m, "advice", text);
}

enum errc
read_schedule_stats(struct reading *r, const struct msg_schedule_stats *m)
{
    struct week        w = {.r = r, .since = r->now->wall_ms - WINDOW_MS};
    struct mp_open_map map;

    if (choose(&w, m)) return r->e->code;
    w.waits = arena_alloc(txn_arena(r->txn), READ_ROWS_MAX * sizeof(*w.waits));
    w.cap_waits = arena_alloc(txn_arena(r->txn), READ_ROWS_MAX * sizeof(*w.cap_waits));
    w.lags = arena_alloc(txn_arena(r->txn), READ_ROWS_MAX * sizeof(*w.lags));
    read_firings(&w);
    map = mp_open(r->reply);
    mp_put_i64(r->reply, &map, "since", w.since);
    mp_put_bool(r->reply, &map, "sample", w.is_sample);
    put_tally(r->reply, &map, &w.all);
    put_judgement(&w, r->reply, &map);
    mp_key(r->reply, &map, "schedules");
    mp_array(r->reply, w.count);
    for (uint32_t i = 0; i < w.count; i++)
        put_schedule(&w, &w.parts[i], r->reply);
    mp_close(r->reply, &map);
    return E_OK;
}
