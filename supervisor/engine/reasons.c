#include "supervisor/engine/reasons.h"

#include "supervisor/engine/breakers.h"
#include "supervisor/engine/caps.h"

#include <stdio.h>
#include <stdlib.h>

#define ALL_EVERY_MS 1000 /* rows of lane 0 are at least that far apart */
#define ITEMS_MAX    100  /* of a job's history: the newest of each lane */

void
reason_lane(struct engine *en, const struct lane *row)
{
    struct reason r = {.lane = row->id,
                       .at = en->turn.now.wall_ms,
                       .predicate = row->blocked_by,
                       .on = row->blocked_on};

    reason_save(turn_txn(en), &r);
}

void
reason_all(struct engine *en, uint8_t predicate)
{
    struct memory *m = &en->memory;
    int64_t        now = en->turn.now.wall_ms;
    struct reason  r = {.lane = 0, .at = now, .predicate = predicate};

    if (m->held_all == predicate) return;
    if (now >= m->held_all_at && now - m->held_all_at < ALL_EVERY_MS) r.at = m->held_all_at;
    m->held_all = predicate;
    m->held_all_at = r.at;
    reason_save(turn_txn(en), &r);
}

void
reasons_at_boot(struct engine *en)
{
    struct reason r = {.lane = 0, .at = en->turn.now.wall_ms};

    reason_save(turn_txn(en), &r);
    en->memory.held_all = HELD_NOT;
    en->memory.held_all_at = r.at;
}

/* ---- history ------------------------------------------------------------------ */

struct span {
    int64_t  at, until;
    uint8_t  predicate;
    uint32_t on;
};

/* Newest first: what held the lane between the two instants. */
static size_t
collect(struct txn *t, uint32_t lane, int64_t from, int64_t until, struct span *spans)
{
    struct reason r = {.lane = lane, .at = until};
    struct scan   s;
    size_t        n = 0, rows = 0;

    scan_open(&s, t, PRIMARY_REASON, &r, 1, 2);
    while (until > from && rows++ < ITEMS_MAX && scan_next(&s, &r)) {
        int64_t at = r.at > from ? r.at : from;

        if (r.predicate != HELD_NOT && r.predicate < HELD_COUNT && at < until)
            spans[n++] = (struct span){at, until, r.predicate, r.on};
        until = at;
    }
    scan_close(&s);
    return n;
}

int64_t
reasons_held_ms(struct txn *t, uint32_t lane, uint8_t predicate, int64_t from, int64_t until)
{
    struct span spans[ITEMS_MAX];
    size_t      n = collect(t, lane, from, until, spans);
    int64_t     sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += spans[i].predicate == predicate ? spans[i].until - spans[i].at : 0;
    return sum;
}

static int
by_time(const void *a, const void *b)
{
    const struct span *x = a, *y = b;

    return (x->at > y->at) - (x->at < y->at);
}

static void
put_span(struct objects *o, const struct span *span, struct buf *b)
{
    struct mp_open_map m = mp_open(b);
    struct view        name = objects_name(o, span->on);
    struct breaker     br;
    char               message[256];

    if (span->predicate == HELD_BREAKER) {
        (void)breaker_get(o->txn, span->on, &br);
        name = breaker_name(o, &br);
    }
    snprintf(message, sizeof(message), "held by %s%s%.*s", predicate_name(span->predicate),
             name.size ? " of " : "", VIEW_ARG(name));
    mp_put_i64(b, &m, "at", span->at);
    mp_put_i64(b, &m, "until_at", span->until);
    mp_put_cstr(b, &m, "predicate", predicate_name(span->predicate));
    mp_put_cstr(b, &m, "message", message);
    mp_close(b, &m);
}

void
reasons_put(struct objects *o, const struct job_state *j, int64_t now_ms, struct buf *b)
{
    struct span spans[2 * ITEMS_MAX];
    int64_t     until = now_ms;
    size_t      header, n = 0;

    if (j->state != JOB_READY && j->claimed_at >= j->ready_at)
        until = j->claimed_at;
    else if (j->ended_at)
        until = j->ended_at;
    if (j->ready_at) {
        n = collect(o->txn, 0, j->ready_at, until, spans);
        n += collect(o->txn, j->lane, j->ready_at, until, spans + n);
        qsort(spans, n, sizeof(*spans), by_time);
    }
    header = mp_array_open(b);
    for (size_t i = 0; i < n; i++)
        put_span(o, &spans[i], b);
    mp_array_close(b, header, (uint32_t)n);
}
