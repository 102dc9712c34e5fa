#include "supervisor/engine/schedule_ops.h"

#include "supervisor/engine/agents.h"
#include "supervisor/engine/audit.h"
#include "supervisor/engine/caps.h"
#include "supervisor/engine/feed.h"
#include "supervisor/engine/gates.h"
#include "supervisor/engine/leases.h"
#include "supervisor/engine/made.h"
#include "supervisor/engine/nominal.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/overlap.h"
#include "supervisor/engine/pauses.h"
#include "supervisor/engine/plan.h"
#include "supervisor/engine/registry.h"
#include "supervisor/engine/removal.h"
#include "supervisor/engine/shadow.h"
#include "supervisor/engine/submit.h"
#include "supervisor/engine/views.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

_Static_assert(sizeof(struct msg_schedule) == sizeof(struct msg_schedule_add) &&
                   sizeof(struct msg_schedule) == offsetof(struct msg_schedule_set, clear) &&
                   (int)msg_schedule_BITS == (int)msg_schedule_set_BIT_clear,
               "schedule.add is a schedule, schedule.set one with `clear` behind it");

#define UNDECLARED_REASON \
    "gone from the configuration file: a reload or start after the end of its work removes it"

static enum errc
reply_schedule(struct engine *en, uint32_t id, struct buf *reply, struct err *e)
{
    const struct object_entry *o = objects_get(&en->turn.objects, id);
    struct schedule            run = {.id = id};

    if (!o || schedule_by_id(turn_txn(en), &run) != LOAD_FOUND) {
        return err_set(e, E_DAMAGED, "the schedule's record is damaged");
    }
    view_schedule(&en->turn.objects, &en->memory, o, &run, true, reply);
    return E_OK;
}

static enum errc
check_comes(struct engine *en, const struct msg_schedule *s, int64_t created_at, struct err *e)
{
    int64_t now = en->turn.now.wall_ms;

    if (nominal_next(turn_txn(en), s, created_at, now) != 0) return E_OK;
    if (nominal_is_at_boot(s) && (!HAS(s, schedule, end_at) || s->end_at > now)) return E_OK;
    if (HAS(s, schedule, end_at)) return err_field(e, "end_at", "no time of it comes before");
    return err_field(e, "cron", "\"%.*s\" never comes", VIEW_ARG(s->cron));
}

enum errc
schedule_check_new(struct engine *en, const struct actor *a, const struct msg_schedule *s,
                   struct schedule_refs *refs, struct err *e)
{
    if (schedule_check(en, a, s, refs, e)) return e->code;
    if (object_find(turn_txn(en), KIND_SCHEDULE, refs->company, s->name)) {
        err_set(e, E_CONFLICT, "there is a schedule \"%.*s\" already", VIEW_ARG(s->name));
        return err_hint(e, "remove it first, or choose another name");
    }
    return check_comes(en, s, en->turn.now.wall_ms, e);
}

uint32_t
schedule_make(struct engine *en, const struct actor *a, const struct msg_schedule *s,
              uint32_t company, enum origin origin, uint32_t made_by)
{
    struct buf spec     BUF_AUTO = {0};
    struct object       row = {.kind = KIND_SCHEDULE, .origin = (uint8_t)origin, .name = s->name};
    struct msg_schedule own = *s;
    struct schedule     run;

    if (own.company.size == 0 && company != COMPANY_DEFAULT_ID) { /* who made it is of it */
        own.company = objects_name(&en->turn.objects, company);
        SET_HAS(&own, schedule, company);
    }
    msg_pack(msg_desc(MSG_SCHEDULE), &own, &spec);
    row.id = (uint32_t)en->memory.meta.next_object++;
    row.company = company;
    row.spec = buf_view(&spec);
    row.hash = hash64(row.spec, 0);
    row.created_at = en->turn.now.wall_ms;
    objects_put(&en->turn.objects, &row);
    schedule_planned(en, row.id, true, true);
    audit_put(en, a, "schedule.add", row.company, row.name, (struct view){0}, row.spec);
    if (made_by == 0) return row.id;
    run = (struct schedule){.id = row.id};
    if (schedule_by_id(turn_txn(en), &run) != LOAD_FOUND) return row.id;
    run.made_by = made_by;
    schedule_save(turn_txn(en), &run);
    made_schedules(en, made_by, 1);
    return row.id;
}

/* The answer to who has saved it: the schedule, with what collides with it. */
static enum errc
reply_saved(struct engine *en, const struct actor *a, uint32_t id, struct buf *reply, struct err *e)
{
    const struct object_entry *o = objects_get(&en->turn.objects, id);
    struct schedule            run = {.id = id};
    struct collisions          c;

    if (!o || schedule_by_id(turn_txn(en), &run) != LOAD_FOUND) {
        return err_set(e, E_DAMAGED, "the schedule's record is damaged");
    }
    collisions_of(en, a, o, &run, &c);
    view_saved_schedule(&en->turn.objects, &en->memory, o, &run, &c, reply);
    return E_OK;
}

enum errc
on_schedule_add(struct engine *en, const struct actor *a, const struct msg_schedule_add *m,
                struct buf *reply, struct err *e)
{
    struct msg_schedule  s;
    struct schedule_refs refs;

    memcpy(&s, m, sizeof(s));
    if (submit_admit(en, e) || schedule_check_new(en, a, &s, &refs, e)) return e->code;
    return reply_saved(en, a, schedule_make(en, a, &s, refs.company, ORIGIN_API, 0), reply, e);
}

/* ---- a change ------------------------------------------------------------------- */

static enum errc
find_named(struct engine *en, const struct actor *a, const struct msg_schedule_set *m,
           const struct object_entry **out, struct err *e)
{
    uint32_t company = 0, id;

    if (m->company.size && object_company(turn_txn(en), a, m->company, &company, e)) return e->code;
    if (object_ref(turn_txn(en), a, KIND_SCHEDULE, m->name, "name", &company, &id, e))
        return e->code;
    *out = objects_get(&en->turn.objects, id);
    return *out ? E_OK : err_set(e, E_DAMAGED, "the schedule's record is damaged");
}

/* The declaration as it is to be.  One of cron and every takes the place of the other. */
static enum errc
change(const struct msg_schedule *before, const struct msg_schedule_set *m,
       struct msg_schedule *after, struct err *e)
{
    const struct msg_desc *d = msg_desc(MSG_SCHEDULE);
    bool                   has_cron = HAS(m, schedule_set, cron);

    *after = *before;
    if (has_cron != HAS(m, schedule_set, every_ms)) {
        after->has &=
            ~(1ULL << (has_cron ? (int)msg_schedule_BIT_every_ms : (int)msg_schedule_BIT_cron));
        if (has_cron) {
            after->every_ms = 0;
        } else {
            after->cron = (struct view){0};
        }
    }
    registry_merge(d, m, after);
    return registry_clear(d, m->clear, m, after, e);
}

/* Its names mean what they mean in its own company, whoever asks. */
static enum errc
check_changed(struct engine *en, const struct actor *a, const struct object_entry *o,
              const struct msg_schedule *s, struct err *e)
{
    struct msg_schedule  own = *s;
    struct schedule_refs refs;

    own.company = objects_name(&en->turn.objects, o->row.company);
    if (schedule_check(en, a, &own, &refs, e)) return e->code;
    if (nominal_is_same(&o->spec.schedule, s)) return E_OK;
    return check_comes(en, s, o->row.created_at, e);
}

enum errc
on_schedule_set(struct engine *en, const struct actor *a, const struct msg_schedule_set *m,
                struct buf *reply, struct err *e)
{
    struct buf spec            BUF_AUTO = {0};
    const struct object_entry *o;
    struct msg_schedule        s;
    struct object              row;
    struct view                before;
    bool                       has_same_times;

    if (find_named(en, a, m, &o, e) || removal_refuse_declared(o, e)) return e->code;
    if (!registry_changes_something(msg_desc(MSG_SCHEDULE), m) && !list_iter_of(m->clear).left)
        return err_field(e, "name", "nothing to change: give what is to be set");
    if (change(&o->spec.schedule, m, &s, e) || check_changed(en, a, o, &s, e)) return e->code;
    has_same_times = nominal_is_same(&o->spec.schedule, &s);
    schedule_changes(en, o, &s);
    row = o->row;
    before = arena_copy(&en->turn.arena, row.spec);
    msg_pack(msg_desc(MSG_SCHEDULE), &s, &spec);
    row.spec = buf_view(&spec);
    row.hash = hash64(row.spec, 0);
    objects_put(&en->turn.objects, &row);
    schedule_planned(en, row.id, false, !has_same_times);
    en->memory.recheck_limits = true; /* a budget that was raised lets jobs start at once */
    audit_put(en, a, "schedule.set", row.company, row.name, before, row.spec);
    return reply_saved(en, a, row.id, reply, e);
}

/* ---- paused, resumed, removed --------------------------------------------------- */

enum errc
schedule_find(struct engine *en, const struct actor *a, struct view name, struct schedule *run,
              struct err *e)
{
    uint32_t company = 0, id;

    if (object_ref(turn_txn(en), a, KIND_SCHEDULE, name, "name", &company, &id, e)) return e->code;
    run->id = id;
    if (schedule_by_id(turn_txn(en), run) != LOAD_FOUND) {
        return err_set(e, E_DAMAGED, "the schedule's record is damaged");
    }
    return E_OK;
}

/* For the audit. */
static struct view
pause_audit(struct engine *en, const struct schedule *run)
{
    struct buf b       BUF_AUTO = {0};
    struct mp_open_map m = mp_open(&b);

    mp_put_bool(&b, &m, "paused", run->paused);
    mp_put_str_or_nil(&b, &m, "reason", run->pause_reason);
    mp_put_time(&b, &m, "until", run->pause_until);
    mp_close(&b, &m);
    return arena_copy(&en->turn.arena, buf_view(&b));
}

static void
pause_it(struct engine *en, const struct actor *a, struct schedule *run, struct view reason,
         int64_t until)
{
    struct view before = pause_audit(en, run);

    if (!run->paused) run->paused_at = en->turn.now.wall_ms;
    run->paused = 1;
    run->pause_reason = reason;
    run->pause_until = until;
    schedule_save(turn_txn(en), run);
    if (run->agent) agent_beats_changed(en, run->agent);
    feed_object(en, FEED_SCHEDULE_PAUSED, run->id, NULL);
    audit_put(en, a, "schedule.pause", run->company, objects_name(&en->turn.objects, run->id),
              before, pause_audit(en, run));
}

/* One that is paused takes another end or reason. */
enum errc
on_schedule_pause(struct engine *en, const struct actor *a, const struct msg_schedule_pause *m,
                  struct buf *reply, struct err *e)
{
    struct schedule run = {0};
    bool            has_until = HAS(m, schedule_pause, until);
    bool            has_reason = HAS(m, schedule_pause, reason);

    if (schedule_find(en, a, m->name, &run, e)) return e->code;
    if (run.paused && (view_is(run.pause_reason, UNDECLARED_REASON) || !(has_until || has_reason)))
        return err_set(e, E_WRONG_STATE, "schedule \"%.*s\" is paused already", VIEW_ARG(m->name));
    if (has_until && m->until <= en->turn.now.wall_ms)
        return err_field(e, "until", "is in the past");
    pause_it(en, a, &run, has_reason ? m->reason : run.pause_reason,
             has_until ? m->until : run.pause_until);
    return reply_schedule(en, run.id, reply, e);
}

static void
resume(struct engine *en, const struct actor *a, struct schedule *run)
{
    struct view before = pause_audit(en, run);
    int64_t     now = en->turn.now.wall_ms;

    pause_is_past(en, run->id, run->paused_at,
                  run->pause_until && run->pause_until < now ? run->pause_until : now);

    run->paused = run->paused_itself = 0;
    run->paused_at = 0;
    run->pause_until = 0;
    run->pause_reason = (struct view){0};
    schedule_save(turn_txn(en), run);
    limit_released(en, HELD_SCHEDULE_PAUSED, run->id);
    if (run->agent) agent_beats_changed(en, run->agent);
    feed_object(en, FEED_SCHEDULE_RESUMED, run->id, NULL);
    audit_put(en, a, "schedule.resume", run->company, objects_name(&en->turn.objects, run->id),
              before, pause_audit(en, run));
}

static bool
is_undeclared(const struct schedule *run)
{
    return run->paused && view_is(run->pause_reason, UNDECLARED_REASON);
}

bool
schedule_holds_jobs(struct txn *t, uint32_t id)
{
    struct schedule run = {.id = id};

    return schedule_by_id(t, &run) == LOAD_FOUND && run.paused && !is_undeclared(&run);
}

/* A pause by hand that has no end does it as well. */
void
schedule_undeclared(struct engine *en, uint32_t id)
{
    struct schedule run = {.id = id};

    if (schedule_by_id(turn_txn(en), &run) != LOAD_FOUND || (run.paused && !run.pause_until))
        return;
    pause_it(en, &actor_daemon, &run, view_str(UNDECLARED_REASON), 0);
}

void
schedule_declared(struct engine *en, uint32_t id)
{
    struct schedule run = {.id = id};

    if (schedule_by_id(turn_txn(en), &run) != LOAD_FOUND) return;
    if (is_undeclared(&run)) resume(en, &actor_daemon, &run);
}

void
schedule_pause_over(struct engine *en, struct schedule *run)
{
    resume(en, &actor_daemon, run);
}

enum errc
on_schedule_resume(struct engine *en, const struct actor *a, const struct msg_schedule_resume *m,
                   struct buf *reply, struct err *e)
{
    struct schedule run = {0};

    if (schedule_find(en, a, m->name, &run, e)) return e->code;
    if (!run.paused)
        return err_set(e, E_WRONG_STATE, "schedule \"%.*s\" is not paused", VIEW_ARG(m->name));
    resume(en, a, &run);
    if (run.made_by) made_answered(en, run.made_by);
    return reply_schedule(en, run.id, reply, e);
}

enum errc
on_schedule_promote(struct engine *en, const struct actor *a, const struct msg_schedule_promote *m,
                    struct buf *reply, struct err *e)
{
    struct schedule            run = {0};
    const struct object_entry *o;

    if (schedule_find(en, a, m->name, &run, e)) return e->code;
    o = objects_get(&en->turn.objects, run.id);
    if (!o || !shadow_is_in(&o->spec.schedule, &run)) {
        return err_set(e, E_WRONG_STATE, "schedule \"%.*s\" is not in shadow mode",
                       VIEW_ARG(m->name));
    }
    shadow_promote(en, &run, NULL);
    schedule_save(turn_txn(en), &run);
    audit_put(en, a, "schedule.promote", run.company, m->name, audit_bool(en, "in_shadow", true),
              audit_bool(en, "in_shadow", false));
    return reply_schedule(en, run.id, reply, e);
}

enum errc
on_schedule_remove(struct engine *en, const struct actor *a, const struct msg_schedule_remove *m,
                   struct buf *reply, struct err *e)
{
    struct schedule            run = {0};
    const struct object_entry *o, *waits;
    struct mp_open_map         map;

    if (schedule_find(en, a, m->name, &run, e)) return e->code;
    o = objects_get(&en->turn.objects, run.id);
    if (o && o->row.origin == ORIGIN_CONFIG) {
        err_set(e, E_DECLARED_IN_CONFIG, "schedule \"%.*s\" is declared in the config file",
                VIEW_ARG(m->name));
        return err_hint(e, "take it out of the file and reload, or pause it");
    }
    if (run.in_flight > 0) {
        struct job_state j = {0};

        (void)overlap_first_job(turn_txn(en), run.id, &j);
        err_set(e, E_IN_USE, "schedule \"%.*s\" has a job that has not ended: %" PRIu64,
                VIEW_ARG(m->name), j.id);
        return err_hint(e, "cancel the job or wait for its end");
    }
    waits = gate_waits_for(en, run.company, run.id);
    if (waits) {
        return err_set(e, E_IN_USE, "schedule \"%.*s\" waits for it in its gate",
                       VIEW_ARG(waits->row.name));
    }
    map = mp_open(reply);
    mp_put_str(reply, &map, "removed", m->name);
    mp_close(reply, &map);
    audit_put(en, a, "schedule.remove", run.company, m->name, o ? o->row.spec : (struct view){0},
              (struct view){0});
    schedule_forget(en, run.id);
    objects_remove(&en->turn.objects, run.id);
    return E_OK;
}
