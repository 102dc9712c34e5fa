#include "supervisor/engine/inside.h"

#include "common/cron.h"
#include "supervisor/engine/activity.h"
#include "supervisor/engine/approvals.h"
#include "supervisor/engine/chain.h"
#include "supervisor/engine/effects.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/made.h"
#include "supervisor/engine/nominal.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/schedule_ops.h"
#include "supervisor/engine/submit.h"
#include "supervisor/engine/tickets.h"
#include "supervisor/engine/timer_effects.h"

#include <inttypes.h>
#include <string.h>

#define TIMES_EXAMINED 400 /* of a cron expression, to find its shortest interval */

/* ---- what is asked ------------------------------------------------------------ */

struct wake_request {
    struct view agent, payload;
    int64_t     in_ms;
};

static enum errc
read_wake(struct view effect, struct wake_request *w, struct err *e)
{
    struct view value;

    memset(w, 0, sizeof(*w));
    if (!mp_find_str(effect, "agent", &w->agent) || w->agent.size == 0)
        return err_set(e, E_BAD_REQUEST, "wake_agent without an agent");
    (void)mp_find(effect, "payload", &w->payload);
    if (!mp_find(effect, "in_ms", &value)) return E_OK;
    if (!mp_find_i64(effect, "in_ms", &w->in_ms) || w->in_ms < 0 || w->in_ms > YEARS_100_MS)
        return err_set(e, E_BAD_REQUEST, "wake_agent: in_ms is not a number of ms up to 100 years");
    return E_OK;
}

/* The declaration lives as long as scratch. */
static enum errc
read_schedule(struct view effect, struct buf *scratch, struct msg_schedule *s, struct err *e)
{
    static const char *const fields[] = {"name", "cron", "every_ms", "payload"};
    struct mp_open_map       m = mp_open(scratch);
    struct cron              c;

    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        struct view value;

        if (mp_find(effect, fields[i], &value)) mp_put_raw(scratch, &m, fields[i], value);
    }
    mp_close(scratch, &m);
    if (msg_unpack(msg_desc(MSG_SCHEDULE), buf_view(scratch), s, e))
        return err_wrap(e, "add_schedule");
    if (HAS(s, schedule, cron) == HAS(s, schedule, every_ms))
        return err_set(e, E_BAD_REQUEST, "add_schedule: give exactly one of cron and every_ms");
    if (HAS(s, schedule, cron) && cron_parse(s->cron, &c, e)) return err_wrap(e, "add_schedule");
    return E_OK;
}

struct ticket_request {
    struct view status;
    int64_t     ticket; /* 0: the job's own */
};

static enum errc
read_ticket(struct view effect, struct ticket_request *k, struct err *e)
{
    struct view value;

    memset(k, 0, sizeof(*k));
    if (!mp_find_str(effect, "status", &k->status) || k->status.size == 0)
        return err_set(e, E_BAD_REQUEST, "ticket without a status");
    if (!mp_find(effect, "ticket", &value)) return E_OK;
    if (!mp_find_i64(effect, "ticket", &k->ticket) || k->ticket < 1)
        return err_set(e, E_BAD_REQUEST, "ticket: not the number of a ticket");
    return E_OK;
}

static bool
is_of_timers(enum effect_kind k)
{
    return k == EFFECT_SCHEDULE_TIMER || k == EFFECT_CANCEL_TIMER;
}

enum effect_kind
inside_kind(struct view name)
{
    if (view_is(name, effect_kind_name(EFFECT_WAKE_AGENT))) return EFFECT_WAKE_AGENT;
    if (view_is(name, effect_kind_name(EFFECT_ADD_SCHEDULE))) return EFFECT_ADD_SCHEDULE;
    if (view_is(name, effect_kind_name(EFFECT_TICKET))) return EFFECT_TICKET;
    if (view_is(name, effect_kind_name(EFFECT_SCHEDULE_TIMER))) return EFFECT_SCHEDULE_TIMER;
    if (view_is(name, effect_kind_name(EFFECT_CANCEL_TIMER))) return EFFECT_CANCEL_TIMER;
    if (view_is(name, effect_kind_name(EFFECT_ACTIVITY))) return EFFECT_ACTIVITY;
    return EFFECT_NONE;
}

enum errc
inside_check(struct view effect, struct err *e)
{
    struct buf scratch    BUF_AUTO = {0};
    struct wake_request   w;
    struct ticket_request k;
    struct msg_schedule   s;
    struct view           kind;

    if (!mp_find_str(effect, "kind", &kind))
        return err_set(e, E_BAD_REQUEST, "an effect without a kind");
    if (inside_kind(kind) == EFFECT_WAKE_AGENT) return read_wake(effect, &w, e);
    if (inside_kind(kind) == EFFECT_TICKET) return read_ticket(effect, &k, e);
    if (inside_kind(kind) == EFFECT_ACTIVITY) return activity_check(effect, e);
    if (is_of_timers(inside_kind(kind))) return timer_effect_check(inside_kind(kind), effect, e);
    return read_schedule(effect, &scratch, &s, e);
}

/* ---- wake-ups ----------------------------------------------------------------- */

static enum errc
find_woken(struct engine *en, const struct job_spec *from, struct view name, uint32_t *to,
           struct err *e)
{
    uint32_t company = from->company;

    return object_ref(turn_txn(en), &actor_daemon, KIND_AGENT, name, "agent", &company, to, e);
}

static enum errc
check_wakes(struct engine *en, const struct job_spec *from, uint32_t asked, struct err *e)
{
    int64_t max = en->memory.limits.agent_wakes_max;

    if (from->agent == 0 || max == NO_LIMIT || made_row(en, from->agent).made_wakes + asked < max)
        return E_OK;
    return err_set(e, E_CAPACITY_FULL,
                   "the agent has made %" PRId64 " wake-ups that have not started"
                   " (limits.agent_wakes_max)",
                   max);
}

static enum errc
check_schedules(struct engine *en, const struct job_spec *from, uint32_t asked, struct err *e)
{
    int64_t max = en->memory.limits.agent_schedules_max;

    if (max == NO_LIMIT || made_row(en, from->agent).made_schedules + asked < max) return E_OK;
    return err_set(e, E_CAPACITY_FULL,
                   "the agent has made %" PRId64 " schedules already (limits.agent_schedules_max)",
                   max);
}

/* What waits for a person is bounded as what has been made. */
static enum errc
check_asked(struct engine *en, const struct job_spec *from, enum effect_kind kind, struct err *e)
{
    uint32_t asked = made_row(en, from->agent).asked;

    return kind == EFFECT_WAKE_AGENT ? check_wakes(en, from, asked, e)
                                     : check_schedules(en, from, asked, e);
}

static struct actor
agent_actor(struct engine *en, const struct job_spec *from)
{
    if (from->agent == 0) return actor_daemon;
    return (struct actor){
        .kind = "agent", .id = objects_name(&en->turn.objects, from->agent), .role = ROLE_ADMIN};
}

static enum errc
apply_wake(struct engine *en, const struct job_spec *from, struct view effect, struct err *e)
{
    struct actor        actor = agent_actor(en, from);
    struct wake_request w;
    struct submission   s;
    struct job_state    j;
    struct wake         wake = {
                .trigger = TRIGGER_FOLLOW_UP, .parent = from->id, .priority = -1, .is_effect = true};

    if (read_wake(effect, &w, e) || find_woken(en, from, w.agent, &wake.agent, e)) return e->code;
    if (chain_judge(en, from, wake.agent, e)) return e->code;
    wake.source = view_str(
        from->agent ? arena_printf(txn_arena(turn_txn(en)), "agent:%.*s", VIEW_ARG(actor.id))
                    : "job");
    wake.payload = w.payload;
    wake.run_at = w.in_ms ? en->turn.now.wall_ms + w.in_ms : 0;
    if (check_wakes(en, from, 0, e) || submit_prepare_wake(en, &wake, &s, e)) return e->code;
    if (from->agent) s.flags |= JOB_FLAG_AGENT_MADE;
    chain_follow(en, from, &s.spec);
    submit_write(en, &s, &actor, &j);
    if (from->agent) made_wakes(en, from->agent, 1);
    chain_count(en, s.spec.root);
    return E_OK;
}

/* ---- schedules ---------------------------------------------------------------- */

static enum errc
check_interval(struct engine *en, const struct msg_schedule *s, struct err *e)
{
    int64_t now = en->turn.now.wall_ms, min = en->memory.limits.agent_interval_min_ms;
    int64_t at = nominal_next(turn_txn(en), s, now, now), shortest = INT64_MAX;

    for (int i = 0; at && shortest >= min && i < TIMES_EXAMINED; i++) {
        int64_t next = nominal_next(turn_txn(en), s, now, at);

        if (next && next - at < shortest) shortest = next - at;
        if (HAS(s, schedule, every_ms)) break;
        at = next;
    }
    if (shortest >= min) return E_OK;
    return err_set(e, E_DENIED,
                   "it fires every %" PRId64 " ms at times; an agent's schedule at least %" PRId64
                   " ms apart (limits.agent_interval_min)",
                   shortest, min);
}

static enum errc
apply_schedule(struct engine *en, const struct job_spec *from, struct view effect, struct err *e)
{
    struct buf scratch   BUF_AUTO = {0};
    struct msg_schedule  s;
    struct schedule_refs refs;
    struct actor         actor;

    if (from->agent == 0) return err_set(e, E_DENIED, "only a job of an agent may add a schedule");
    if (read_schedule(effect, &scratch, &s, e) || check_schedules(en, from, 0, e)) return e->code;
    s.company = objects_name(&en->turn.objects, from->company);
    SET_HAS(&s, schedule, company);
    s.agent = objects_name(&en->turn.objects, from->agent);
    SET_HAS(&s, schedule, agent);
    if (check_interval(en, &s, e) || submit_admit(en, e) ||
        schedule_check_new(en, &actor_daemon, &s, &refs, e)) {
        return e->code;
    }
    actor = agent_actor(en, from);
    (void)schedule_make(en, &actor, &s, refs.company, ORIGIN_AGENT, from->agent);
    return E_OK;
}

/* ---- tickets ------------------------------------------------------------------ */

static enum errc
apply_ticket(struct engine *en, const struct job_spec *from, struct view effect, struct err *e)
{
    struct ticket_request k;
    uint64_t              id;

    if (read_ticket(effect, &k, e)) return e->code;
    id = k.ticket ? (uint64_t)k.ticket : from->ticket;
    if (id == 0) return err_set(e, E_NOT_FOUND, "the job serves no ticket, and none is named");
    return tickets_set_status(en, from->company, id, k.status, e);
}

/* ---- all --------------------------------------------------------------------- */

void
inside_source(struct engine *en, uint64_t job, uint32_t company, uint32_t agent,
              struct job_spec *from)
{
    *from = (struct job_spec){.id = job};
    if (job_spec_load(turn_txn(en), from) == LOAD_FOUND) return;
    *from = (struct job_spec){.id = job, .company = company, .agent = agent, .root = job};
}

enum errc
inside_apply(struct engine *en, const struct job_spec *from, enum effect_kind kind,
             struct view effect, struct err *e)
{
    if (kind == EFFECT_WAKE_AGENT) return apply_wake(en, from, effect, e);
    if (kind == EFFECT_TICKET) return apply_ticket(en, from, effect, e);
    return apply_schedule(en, from, effect, e);
}

/* A wake-up that the chain's rules forbid is cut at once, whoever would have to allow it. */
static enum errc
cut(struct engine *en, const struct job_spec *from, enum effect_kind kind, struct view effect,
    struct err *e)
{
    struct wake_request w;
    uint32_t            to;

    if (kind != EFFECT_WAKE_AGENT) return E_OK;
    if (read_wake(effect, &w, e) || find_woken(en, from, w.agent, &to, e)) return e->code;
    if (chain_judge(en, from, to, e)) chain_cut(en, from, to, e->msg);
    return e->code;
}

/* Timers and activity are an agent's own: they wait for nobody's word. */
static enum errc
act(struct engine *en, const struct job_spec *from, struct effect *ef, struct view effect,
    struct err *e)
{
    if (is_of_timers(ef->kind))
        return timer_effect_apply(en, from, ef->kind, effect, &ef->receipt, e);
    if (ef->kind == EFFECT_ACTIVITY) return activity_apply(en, from, effect, e);
    return inside_apply(en, from, ef->kind, effect, e);
}

void
inside_commit(struct engine *en, const struct effect *ef, struct view effect, uint32_t ordinal)
{
    struct effect   done = *ef;
    struct job_spec from;
    struct err      e = {0};

    inside_source(en, ef->job, ef->company, 0, &from);
    done.status = STATUS_DELIVERED;
    if (cut(en, &from, done.kind, effect, &e) == E_OK && approvals_holds(en, &from, done.kind) &&
        check_asked(en, &from, done.kind, &e) == E_OK) {
        approvals_request(en, &from, done.kind, effect);
        return;
    }
    if (e.code || act(en, &from, &done, effect, &e)) {
        done.status = STATUS_REJECTED;
        done.reason = view_str(arena_printf(txn_arena(turn_txn(en)), "%s", e.msg));
    }
    effect_record(en, &done, effect, ordinal);
}
