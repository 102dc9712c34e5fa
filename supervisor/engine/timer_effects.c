#include "supervisor/engine/timer_effects.h"

#include "common/timetext.h"
#include "supervisor/engine/effects.h"
#include "supervisor/engine/sessions.h"
#include "supervisor/engine/timers.h"

#include <inttypes.h>

/* ---- what is asked -------------------------------------------------------------- */

struct timer_asked {
    struct view timer, payload;
    int64_t     fire_at, in_ms; /* one of them; the other is -1 */
};

static enum errc
read_id(enum effect_kind kind, struct view effect, struct view *id, struct err *e)
{
    bool is_text = mp_find_str(effect, "timer_id", id) && id->size > 0 && id->size <= TIMER_ID_MAX;

    for (size_t i = 0; is_text && i < id->size; i++)
        is_text = (unsigned char)id->data[i] >= 0x20 && id->data[i] != 0x7f;
    if (is_text) return E_OK;
    return err_set(e, E_BAD_REQUEST, "%s: timer_id is a text of 1 to %d bytes",
                   effect_kind_name(kind), TIMER_ID_MAX);
}

/* -1 when it is not there. */
static enum errc
read_number(struct view effect, const char *name, int64_t max, int64_t *out, struct err *e)
{
    struct view value;

    *out = -1;
    if (!mp_find(effect, name, &value)) return E_OK;
    if (mp_find_i64(effect, name, out) && *out >= 0 && *out <= max) return E_OK;
    return err_set(e, E_BAD_REQUEST, "schedule_timer: %s is not a number of ms up to %" PRId64,
                   name, max);
}

static enum errc
read_schedule_timer(struct view effect, struct timer_asked *q, struct err *e)
{
    *q = (struct timer_asked){0};
    (void)mp_find(effect, "payload", &q->payload);
    if (read_id(EFFECT_SCHEDULE_TIMER, effect, &q->timer, e) ||
        read_number(effect, "fire_at", TIME_MAX_MS, &q->fire_at, e) ||
        read_number(effect, "in_ms", YEARS_100_MS, &q->in_ms, e)) {
        return e->code;
    }
    if ((q->fire_at < 0) != (q->in_ms < 0)) {
        return timer_check(&(struct timer_order){.timer = q->timer, .payload = q->payload}, e);
    }
    return err_set(e, E_BAD_REQUEST, "schedule_timer: give exactly one of fire_at and in_ms");
}

enum errc
timer_effect_check(enum effect_kind kind, struct view effect, struct err *e)
{
    struct timer_asked q;

    return kind == EFFECT_SCHEDULE_TIMER ? read_schedule_timer(effect, &q, e)
                                         : read_id(kind, effect, &q.timer, e);
}

/* ---- what comes of it ----------------------------------------------------------- */

static enum errc
find_session(struct engine *en, const struct job_spec *from, struct session **s, struct err *e)
{
    *s = session_row(en, from->session);
    if (!*s) return err_set(e, E_DENIED, "the job is of no session");
    if (session_is_schedules((*s)->name))
        return err_set(e, E_DENIED, "a schedule's own session takes no timers");
    return E_OK;
}

/* Who speaks to nobody is not woken for it for ever (B7). */
static enum errc
check_answered(struct engine *en, const struct session *s, struct err *e)
{
    int64_t max = en->memory.limits.agent_unanswered_ms;

    if (!s->has_person || max == NO_LIMIT || en->turn.now.wall_ms - s->person_at < max) return E_OK;
    return err_set(e, E_DENIED,
                   "nobody has answered in the session for %" PRId64
                   " ms (limits.agent_unanswered is %" PRId64 ")",
                   en->turn.now.wall_ms - s->person_at, max);
}

static struct view
receipt_of(struct engine *en, int64_t asked_at, int64_t fire_at)
{
    char at[40];

    instant_text(fire_at, at, sizeof(at));
    if (fire_at == asked_at)
        return view_str(arena_printf(txn_arena(turn_txn(en)), "it fires at %s", at));
    return view_str(arena_printf(txn_arena(turn_txn(en)),
                                 "moved: it fires at %s, no sooner than %" PRId64
                                 " ms from now (sessions.min_timer_delay)",
                                 at, en->memory.limits.session_timer_delay_min_ms));
}

static struct view
who(struct engine *en, const struct job_spec *from)
{
    struct arena *a = txn_arena(turn_txn(en));
    struct view   agent = objects_name(&en->turn.objects, from->agent);

    if (from->agent == 0) return view_str(arena_printf(a, "job:%" PRIu64, from->id));
    return view_str(arena_printf(a, "agent:%.*s", VIEW_ARG(agent)));
}

static enum errc
schedule_timer(struct engine *en, const struct job_spec *from, struct session *s,
               struct view effect, struct view *receipt, struct err *e)
{
    int64_t              now = en->turn.now.wall_ms, soonest, asked_at;
    struct timer_asked   q;
    struct timer_order   o;
    struct session_timer row;

    if (read_schedule_timer(effect, &q, e) || check_answered(en, s, e) ||
        timer_admit(en, s, q.timer, e)) {
        return e->code;
    }
    asked_at = q.in_ms >= 0 ? now + q.in_ms : q.fire_at;
    soonest = now + en->memory.limits.session_timer_delay_min_ms;
    o = (struct timer_order){.timer = q.timer,
                             .payload = q.payload,
                             .fire_at = asked_at,
                             .actor = who(en, from),
                             .parent = from->id,
                             .root = from->root};
    if (en->memory.limits.session_timer_delay_min_ms && asked_at < soonest) o.fire_at = soonest;
    timer_set(en, s, &o, &row);
    *receipt = receipt_of(en, asked_at, o.fire_at);
    return E_OK;
}

enum errc
timer_effect_apply(struct engine *en, const struct job_spec *from, enum effect_kind kind,
                   struct view effect, struct view *receipt, struct err *e)
{
    struct session *s;
    struct view     timer;

    if (find_session(en, from, &s, e)) return e->code;
    if (kind == EFFECT_SCHEDULE_TIMER) return schedule_timer(en, from, s, effect, receipt, e);
    if (read_id(kind, effect, &timer, e)) return e->code;
    *receipt = view_str(timer_cancel(en, s, timer) ? "cancelled" : "nothing was pending");
    return E_OK;
}
