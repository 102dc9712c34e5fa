/* What requests do to timers: set one, cancel one or all that are pending (D3). */
#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>

static enum errc
judge_set(struct model *m, const struct actor *a, const struct msg_timer_set *q, struct m_target *t)
{
    enum errc e = m_admission(m);

    if (HAS(q, timer_set, fire_at) == HAS(q, timer_set, delay_ms)) return E_BAD_REQUEST;
    if (e == E_OK) e = m_take_target(m, a, t, false, false);
    return e == E_OK ? m_timer_admit(m, t->s, q->timer_id) : e;
}

enum errc
m_timer_op_set(struct model *m, const struct input *in, const struct msg_timer_set *q,
               const struct output *reply)
{
    struct m_target            t = {.key = q->key, .company = q->company, .agent = q->agent};
    enum errc                  e = judge_set(m, &in->actor, q, &t);
    const struct m_timer_order o = {
        .id = q->timer_id,
        .payload = q->payload,
        .fire_at = HAS(q, timer_set, fire_at) ? q->fire_at : m->now.wall_ms + q->delay_ms};
    struct view status;
    int64_t     at;

    m_check_answer(in, reply, e);
    if (e != E_OK) return e;
    (void)m_timer_set(m, m_target_session(m, &t), &o);
    claim(mp_find_i64(reply->body, "fire_at", &at) && at == o.fire_at &&
              mp_find_str(reply->body, "status", &status) && view_is(status, "pending"),
          "the answer about a timer says it fires at %" PRId64 ", expected %" PRId64, at,
          o.fire_at);
    return e;
}

static bool
has_timer(const struct m_session *s, struct view id)
{
    for (size_t i = 0; i < s->timers.count; i++) {
        if (!s->timers.items[i].is_gone && view_is(id, s->timers.items[i].id)) return true;
    }
    return false;
}

static int64_t
cancel_all(struct model *m, struct m_session *s)
{
    int64_t n = 0;

    for (size_t i = 0; i < s->timers.count; i++) {
        const struct m_timer *t = &s->timers.items[i];

        if (t->status == TIMER_PENDING) n += m_timer_cancel(m, s, view_str(t->id));
    }
    return n;
}

enum errc
m_timer_op_cancel(struct model *m, const struct input *in, const struct msg_timer_cancel *q,
                  const struct output *reply)
{
    struct m_target t;
    enum errc       e = m_find_session(m, &in->actor, q->key, q->company, &t);
    int64_t         expected, told, pending;

    if (e == E_OK && q->timer_id.size && !has_timer(t.s, q->timer_id)) e = E_NOT_FOUND;
    m_check_answer(in, reply, e);
    if (e != E_OK) return e;
    expected = q->timer_id.size ? m_timer_cancel(m, t.s, q->timer_id) : cancel_all(m, t.s);
    claim(mp_find_i64(reply->body, "cancelled", &told) && told == expected &&
              mp_find_i64(reply->body, "pending", &pending) &&
              (uint64_t)pending == m_timers_pending(t.s),
          "%" PRId64 " timers of %s were cancelled, expected %" PRId64, told, t.s->key, expected);
    return e;
}
