/* Nominal times of the past that are fired after all (C5, C10). */
#include "tools/sim/model.h"

#include "tools/sim/verdict.h"

#include <inttypes.h>

#define FIRINGS_MAX 1000

/* The times of its expression, however often it may fire. */
static int64_t
next_time(struct model *m, const struct m_schedule *s, int64_t after)
{
    const struct m_schedule as_new = {.created_at = s->created_at};

    return m_next_nominal(&as_new, &m_object(m, s->object)->declared.schedule, after);
}

static bool
has_fired(const struct m_schedule *s, int64_t at)
{
    const struct m_span *span = m_standing(s, at);

    for (size_t i = 0; i < s->by_hand_at.count; i++) {
        if (s->by_hand_at.items[i] == at) return true;
    }
    return span && span->outcome == FIRING_FIRED && !span->is_gated;
}

/* ---- the rows that stood for them ------------------------------------------------------------ */

/* Whether its times are those of the expression as it is now. */
static bool
is_of_today(struct model *m, const struct m_schedule *s, const struct m_span *span)
{
    int64_t at = next_time(m, s, span->first - 1);

    if (at != span->first) return false;
    for (uint64_t n = 1; n < span->count && at; n++)
        at = next_time(m, s, at);
    return at == span->last;
}

static void
uncount(struct m_schedule *s, const struct m_span *span)
{
    *(span->outcome == FIRING_MISSED ? &s->missed : &s->suppressed) -= 1;
    s->gated -= span->is_gated;
}

/* The span keeps its times before `at`; those behind it have one of their own. */
static void
split(struct model *m, struct m_schedule *s, struct m_span *span, int64_t at)
{
    struct m_span rest = *span;

    rest.first = next_time(m, s, at);
    span->count = 0;
    for (int64_t t = rest.first ? span->first : 0; t && t < at; t = next_time(m, s, t)) {
        span->last = t;
        span->count++;
    }
    rest.count -= span->count + 1;
    if (rest.count) *LIST_ADD(&s->decided) = rest;
}

/* What stood for the time does so no longer; which times an older expression had nobody knows, but
 * for the first one of a row. */
static void
take_out(struct model *m, struct m_schedule *s, int64_t at)
{
    struct m_span *span = m_standing(s, at);

    if (!span) return;
    if (span->count > 1 && is_of_today(m, s, span)) {
        uncount(s, span);
        split(m, s, span, at);
    } else if (span->first == at) {
        uncount(s, span);
        span->first++;
        span->count = span->first <= span->last ? span->count - 1 : 0;
    }
}

static void
find_span_of_cursor(struct m_schedule *s)
{
    s->span = -1;
    for (size_t i = 0; i < s->decided.count; i++) {
        const struct m_span *span = &s->decided.items[i];

        if (span->count && span->last == s->cursor) s->span = (int)i;
    }
}

/* ---- the request ----------------------------------------------------------------------------- */

/* Of those up to the cursor; those behind it are decided by themselves. */
static enum errc
find_times(struct model *m, const struct m_schedule *s, const struct msg_schedule_backfill *q,
           struct m_times *out)
{
    int64_t to = q->to < s->cursor ? q->to : s->cursor;

    if (q->to <= q->from || q->to > m->now.wall_ms) return E_BAD_REQUEST;
    for (int64_t at = next_time(m, s, q->from - 1); at && at <= to; at = next_time(m, s, at)) {
        if (has_fired(s, at)) continue;
        if (out->count == FIRINGS_MAX) return E_TOO_LARGE;
        out->at[out->count++] = at;
    }
    return E_OK;
}

static void
check_reply(const struct output *reply, const struct m_times *times, uint64_t first_job)
{
    struct view      jobs, item;
    struct list_iter it;
    int64_t          count, id;

    claim(mp_find_i64(reply->body, "count", &count) && count == (int64_t)times->count &&
              mp_find(reply->body, "jobs", &jobs),
          "a backfill of %" PRId64 " times, expected %zu", count, times->count);
    for (it = list_iter_of(jobs); list_next(&it, &item); first_job++) {
        struct mp_reader r = mp_reader_of(item);

        claim(mp_read_i64(&r, &id) && id == (int64_t)first_job,
              "a backfill names job %" PRId64 ", expected %" PRIu64, id, first_job);
        count--;
    }
    claim(count == 0, "a backfill names too few jobs");
}

enum errc
m_backfill(struct model *m, struct m_schedule *s, const struct msg_schedule_backfill *q,
           struct m_times *times)
{
    enum errc e = find_times(m, s, q, times);

    if (e != E_OK || times->count == 0) return e;
    return m_queue_is_full(m, m_object(m, s->object)->company, (int64_t)times->count - 1)
               ? E_QUEUE_FULL
               : E_OK;
}

void
m_fire_past(struct model *m, struct m_schedule *s, const struct msg_schedule_backfill *q,
            const struct m_times *times, const struct output *reply)
{
    check_reply(reply, times, m->jobs.count + 1);
    for (size_t i = 0; i < times->count; i++) {
        take_out(m, s, times->at[i]);
        m_make_by_hand(m, s, FIRING_BACKFILL, times->at[i], q->force);
        *LIST_ADD(&s->decided) = (struct m_span){
            .first = times->at[i], .last = times->at[i], .count = 1, .outcome = FIRING_FIRED};
    }
    m->bypasses += times->count && q->force;
    if (times->count) find_span_of_cursor(s);
}
