#include "supervisor/engine/timer_ops.h"

#include "supervisor/engine/audit.h"
#include "supervisor/engine/sessions.h"
#include "supervisor/engine/submit.h"
#include "supervisor/engine/timers.h"
#include "supervisor/engine/views.h"

/* ---- set ------------------------------------------------------------------------ */

static struct view
actor_text(struct engine *en, const struct actor *a)
{
    return view_str(arena_printf(txn_arena(turn_txn(en)), "%s:%.*s", a->kind, VIEW_ARG(a->id)));
}

static enum errc
read_order(struct engine *en, const struct actor *a, const struct msg_timer_set *m,
           struct timer_order *o, struct err *e)
{
    if (HAS(m, timer_set, fire_at) == HAS(m, timer_set, delay_ms))
        return err_field(e, "fire_at", "give exactly one of fire_at and delay_ms");
    *o = (struct timer_order){
        .timer = m->timer_id,
        .payload = m->payload,
        .fire_at = HAS(m, timer_set, fire_at) ? m->fire_at : en->turn.now.wall_ms + m->delay_ms,
        .actor = actor_text(en, a)};
    return timer_check(o, e);
}

enum errc
on_timer_set(struct engine *en, const struct actor *a, const struct msg_timer_set *m,
             struct buf *reply, struct err *e)
{
    struct session_named n = {.key = m->key, .company = m->company, .agent = m->agent};
    struct session_timer t;
    struct timer_order   o;

    if (read_order(en, a, m, &o, e) || submit_admit(en, e) ||
        session_of_request(en, a, &n, SESSION_TAKE, e) || timer_admit(en, n.row, o.timer, e)) {
        return e->code;
    }
    timer_set(en, session_make(en, &n), &o, &t);
    view_timer(&en->turn.objects, session_row(en, t.session), &t, reply);
    return E_OK;
}

/* ---- cancel --------------------------------------------------------------------- */

/* Who cancels what he has set himself does nothing administrative. */
static enum errc
cancel_one(struct engine *en, const struct actor *a, struct session *s, struct view timer,
           uint32_t *count, bool *is_own, struct err *e)
{
    struct session_timer t = {.session = s->id, .timer = timer};

    if (session_timer_load(turn_txn(en), &t) != LOAD_FOUND) {
        return session_has_no_timer(s->name, timer, e);
    }
    *is_own = view_eq(t.actor, actor_text(en, a));
    *count = timer_cancel(en, s, timer);
    return E_OK;
}

enum errc
on_timer_cancel(struct engine *en, const struct actor *a, const struct msg_timer_cancel *m,
                struct buf *reply, struct err *e)
{
    struct session_named n = {.key = m->key, .company = m->company};
    struct mp_open_map   map;
    uint32_t             count = 0;
    bool                 is_own = false;

    if (session_of_request(en, a, &n, SESSION_FIND, e)) return e->code;
    if (m->timer_id.size == 0) {
        count = timers_cancel(en, n.row, TIMERS_CANCEL_MAX);
    } else if (cancel_one(en, a, n.row, m->timer_id, &count, &is_own, e)) {
        return e->code;
    }
    if (count && !is_own) {
        audit_put(en, a, "timer.cancel", n.row->company, n.row->name,
                  audit_i64(en, "cancelled", (int64_t)count), (struct view){0});
    }
    map = mp_open(reply);
    mp_put_str(reply, &map, "session", n.row->name);
    mp_put_str(reply, &map, "company", objects_name(&en->turn.objects, n.row->company));
    mp_put_u64(reply, &map, "cancelled", count);
    mp_put_u64(reply, &map, "pending", n.row->timers);
    mp_close(reply, &map);
    return E_OK;
}
