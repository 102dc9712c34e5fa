/* People go before schedules (C14): while a session streams to one, firings that come due are put
 * off, at most five minutes in all (N44). */
#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>

#define PUT_OFF_MAX_MS 300000

static struct m_lease *
lease_of(struct model *m, uint64_t job)
{
    for (size_t i = 0; i < m->leases.count; i++) {
        struct m_lease *l = &m->leases.items[i];

        if (!l->is_effect && !l->is_old && l->id == job) return l;
    }
    return NULL;
}

uint32_t
m_streams(const struct model *m)
{
    uint32_t n = 0;

    for (size_t i = 0; i < m->leases.count; i++)
        n += !m->leases.items[i].is_old && m->leases.items[i].is_streaming;
    return n;
}

/* The mark is of the attempt, and ends with it. */
enum errc
m_job_stream(struct model *m, const struct input *in, const struct msg_job_stream *q,
             const struct output *reply)
{
    const struct m_job *j = m_job(m, q->id);
    struct m_lease     *l = lease_of(m, q->id);
    enum errc           e = E_OK;

    if (!j || !m_sees(m, &in->actor, j->company)) {
        e = E_NOT_FOUND;
    } else if (!l) {
        e = E_WRONG_STATE;
    }
    m_check_answer(in, reply, e);
    if (e == E_OK) l->is_streaming = !HAS(q, job_stream, active) || q->active;
    return e;
}

bool
m_is_put_off(struct model *m, struct m_schedule *s)
{
    int64_t         now = m->now.wall_ms, delay = m->limits.interactive_delay_ms;
    int64_t         from = s->put_off_from == 0 || s->put_off_from > now ? now : s->put_off_from;
    int64_t         last = from + PUT_OFF_MAX_MS, due_at = now + delay < last ? now + delay : last;
    struct schedule row = {.id = m_object(m, s->object)->id};

    if (m_streams(m) == 0 || delay == 0 || s->is_paused || now >= last) return false;
    claim(schedule_by_id(m->txn, &row) == LOAD_FOUND, "a schedule is not in the store");
    if (row.next_at == s->next_at && row.due_at == due_at && row.put_off_from == from) {
        s->put_off_from = from;
        s->due_at = s->put_off_until = due_at;
        return true;
    }
    s->waits = true; /* it is not due yet, or left to the next turn */
    claim(row.next_at <= s->next_at &&
              (m_due(m, s, s->next_at).high > now || m->turn->deadline.wall_ms <= now),
          "schedule %.*s was not put off for people", VIEW_ARG(m_object(m, s->object)->name));
    return true;
}
