#include "supervisor/engine/schedules.h"

#include "supervisor/engine/alerts.h"
#include "supervisor/engine/budgets.h"
#include "supervisor/engine/caps.h"
#include "supervisor/engine/fire.h"
#include "supervisor/engine/gates.h"
#include "supervisor/engine/idle.h"
#include "supervisor/engine/ladder.h"
#include "supervisor/engine/leases.h"
#include "supervisor/engine/made.h"
#include "supervisor/engine/misfire.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/overlap.h"
#include "supervisor/engine/pauses.h"
#include "supervisor/engine/pings.h"
#include "supervisor/engine/plan.h"
#include "supervisor/engine/pressure.h"
#include "supervisor/engine/registry.h"
#include "supervisor/engine/routines.h"
#include "supervisor/engine/schedule_ops.h"
#include "supervisor/engine/shadow.h"
#include "supervisor/engine/streaks.h"
#include "supervisor/engine/submit.h"
#include "supervisor/engine/wallclock.h"
#include "supervisor/engine/zones.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define STAGGER_MAX_MS 60000 /* no firing that is caught up on waits longer for its turn */

/* ---- declarations -------------------------------------------------------------------- */

enum errc
schedule_find_objects(struct objects *o, const struct actor *a, const struct msg_schedule *s,
                      struct schedule_refs *refs, struct err *e)
{
    struct txn *t = o->txn;

    memset(refs, 0, sizeof(*refs));
    if (object_company(t, a, s->company, &refs->company, e)) return e->code;
    if (s->agent.size &&
        object_ref(t, a, KIND_AGENT, s->agent, "agent", &refs->company, &refs->agent, e)) {
        return e->code;
    }
    if (s->profile.size &&
        object_ref(t, a, KIND_PROFILE, s->profile, "profile", &refs->company, &(uint32_t){0}, e)) {
        return e->code;
    }
    if (s->handler.size) {
        return object_ref(t, a, KIND_HANDLER, s->handler, "handler", &refs->company, &refs->handler,
                          e);
    }
    return profile_handler(o, a, s->profile, refs->agent, &refs->company, &refs->handler, e);
}

enum errc
schedule_find_refs(struct engine *en, const struct actor *a, const struct msg_schedule *s,
                   struct schedule_refs *refs, struct err *e)
{
    struct txn   *t = turn_txn(en);
    struct ladder ladder;

    memset(refs, 0, sizeof(*refs));
    if (nominal_check(t, s, e) || timing_check(s, e)) return e->code;
    if (HAS(s, schedule, type) && !view_is(s->type, "schedule") && !view_is(s->type, "heartbeat")) {
        return err_field(e, "type", "is schedule or heartbeat");
    }
    ladder = LADDER_OF(s, schedule);
    if (ladder_check(&ladder, e) || submit_check_tags(s->tags, e) || shadow_check(s, e) ||
        overlap_check(s, e) || ping_check(s, e) || idle_check(s, e)) {
        return e->code;
    }
    if (zone_check(t, s->budget_zone, "budget_zone", e)) return e->code;
    return schedule_find_objects(&en->turn.objects, a, s, refs, e);
}

enum errc
schedule_check(struct engine *en, const struct actor *a, const struct msg_schedule *s,
               struct schedule_refs *refs, struct err *e)
{
    if (schedule_find_refs(en, a, s, refs, e) || routine_check(en, s, refs, e)) return e->code;
    return gate_check(en, a, s, refs, e);
}

/* ---- firing ------------------------------------------------------------------- */

void
schedule_job_again(struct engine *en, uint32_t id)
{
    struct schedule run = {.id = id};

    if (schedule_by_id(turn_txn(en), &run) != LOAD_FOUND) return; /* damaged: fsck says so */
    run.in_flight++;
    schedule_save(turn_txn(en), &run);
}

void
schedule_job_over(struct schedule *run)
{
    if (run->in_flight > 0) run->in_flight--; /* 0: a row from before there was a count */
}

static void
not_made(struct engine *en, const struct object_entry *o, struct schedule *run, struct firing *f,
         const char *reason)
{
    f->reason = view_str(arena_printf(txn_arena(turn_txn(en)), "%s", reason));
    misfire_missed(en, o, run, f);
}

/* When the job of a firing may start: those that are caught up on come one after the other (C3). */
static int64_t
start_of(struct engine *en, const struct schedule *run)
{
    int64_t now = en->turn.now.wall_ms, at = en->memory.catch_up_at;

    if (en->memory.limits.catch_up_stagger_ms == 0 || !misfire_is_late(en, run)) return now;
    if (at < now) at = now;
    if (at > now + STAGGER_MAX_MS) at = now + STAGGER_MAX_MS;
    en->memory.catch_up_at = at + en->memory.limits.catch_up_stagger_ms;
    return at;
}

/* before_at: the nominal time before this one.  false: not yet, since more jobs are to be cancelled
 * for it than a turn does. */
static bool
try_to_fire(struct engine *en, const struct object_entry *o, struct schedule *run, struct firing *f,
            int64_t before_at)
{
    struct schedule_refs refs;
    struct view          why;
    struct err           e = {0};
    bool                 is_crowded = overlap_is_crowded(en, &o->spec.schedule, run);

    if (submit_admit(en, &e) || schedule_check(en, &actor_daemon, &o->spec.schedule, &refs, &e)) {
        not_made(en, o, run, f, e.msg);
        return true;
    }
    refs.company = o->row.company;
    if (run->in_flight > 0 && !is_crowded) streak_job_waits(en, run, before_at);
    if (gate_says_no(&en->turn.objects, o, run, &why)) {
        gate_closes(en, o, run, f, why);
        return true;
    }
    if (overlap_suppresses(en, o, run, f)) return true;
    if (submit_check_queue(en, refs.company, 0, &e)) {
        not_made(en, o, run, f, e.msg);
        return true;
    }
    if (!budget_has_room(&en->turn.objects, o->row.id)) {
        not_made(en, o, run, f, "its budget of the day is used up");
        return true;
    }
    overlap_make_room(en, &o->spec.schedule, run);
    if (is_crowded) {
        en->memory.clearing = run->id; /* none of those that are left starts meanwhile */
        return false;
    }
    fire(en, &(struct fire){.schedule = o, .refs = refs, .run_at = start_of(en, run)}, run, f);
    return true;
}

/* A schedule that an agent made, and nobody deals with the agent: it ends (B7). */
static void
end_unanswered(struct engine *en, const struct object_entry *o, struct schedule *run)
{
    const char *reason;

    if (run->paused || !run->made_by || is_paused(turn_txn(en), run->company, run->agent) ||
        !made_is_unanswered(en, run->made_by, o->row.created_at)) {
        return;
    }
    run->paused = 1;
    run->paused_at = en->turn.now.wall_ms;
    reason = arena_printf(txn_arena(turn_txn(en)),
                          "nobody has answered the agent that made it; `agentctl schedule resume "
                          "%.*s` lets it fire again",
                          VIEW_ARG(objects_ref(&en->turn.objects, run->id)));
    run->pause_reason = view_str(reason);
    feed_object(en, FEED_SCHEDULE_ENDED, run->id, reason);
}

/* What is late, caught up on or was put off comes in quiet hours, and waits for their end. */
static bool
quiet_hours_hold(struct engine *en, const struct timing *ti, struct schedule *run)
{
    int64_t now = en->turn.now.wall_ms, end = timing_quiet_end(ti, now);

    if (end == now) return false;
    run->due_at = end;
    pressure_is_over(run);
    return true;
}

/* Its row lies with those of the same times, also when it has got other ones: what fires together
 * is written together. */
static void
move_row(struct engine *en, const struct object_entry *o, struct schedule *run)
{
    uint32_t hash = nominal_hash(&o->spec.schedule);

    if (run->times_hash == hash) return;
    (void)schedule_delete(turn_txn(en), run);
    run->times_hash = hash;
    schedule_save(turn_txn(en), run);
}

/* Decides the next nominal time, perhaps with others behind it that are missed, too; false when the
 * turn cannot count or cancel so many. */
static bool
decide(struct engine *en, const struct object_entry *o, struct schedule *run)
{
    struct firing        f = {.schedule = run->id, .nominal_at = run->next_at, .count = 1};
    struct firing        seen;
    struct timing        ti;
    enum misfire_verdict verdict;
    int64_t              before_at = run->cursor;
    bool                 is_held, is_again;

    move_row(en, o, run);
    timing_open(&ti, &en->turn.objects, o);
    is_again = misfire_seen(en, run->id, f.nominal_at, &seen);
    if (is_again && seen.number) { /* it made a job before the clock went back */
        run->cursor = f.nominal_at;
        plan_next(en, &ti, o, run);
        schedule_save(turn_txn(en), run);
        return true;
    }
    if (run->pause_until && run->pause_until <= en->turn.now.wall_ms) schedule_pause_over(en, run);
    end_unanswered(en, o, run);
    plan_follow_agent(en, o, run);
    is_held = run->paused || is_paused(turn_txn(en), run->company, run->agent);
    verdict = misfire_judge(en, &ti, run, is_held, &f);
    if (verdict == MISFIRE_FIRES && quiet_hours_hold(en, &ti, run)) {
        schedule_save(turn_txn(en), run);
        return true;
    }
    if (is_again && verdict != MISFIRE_LATER)
        misfire_take_back(en, &ti.times, run, &seen, f.nominal_at);
    switch (verdict) {
    case MISFIRE_LATER: schedule_save(turn_txn(en), run); return false;
    case MISFIRE_PAUSED:
    case MISFIRE_MISSED: misfire_missed(en, o, run, &f); break;
    case MISFIRE_IDLE: idle_left_out(en, o, run, &f); break;
    case MISFIRE_FIRES:
        if (try_to_fire(en, o, run, &f, before_at)) break;
        schedule_save(turn_txn(en), run);
        return false;
    }
    misfire_record(en, &f, before_at);
    run->cursor = f.until_at ? f.until_at : f.nominal_at;
    if (is_held) {
        alert_excuse(run);
    } else if (!f.gated && verdict != MISFIRE_IDLE && verdict != MISFIRE_PAUSED) {
        alert_expect(o, run, run->cursor);
    }
    plan_next(en, &ti, o, run);
    schedule_save(turn_txn(en), run);
    return true;
}

/* Of times that are due: after a crash loop those of this process come before the older ones. */
static int64_t
first_due(struct engine *en)
{
    return en->turn.now.boot_ms < en->memory.hold_until_boot ? en->memory.started_at : 0;
}

/* Pauses that are over; the times that came in them may wait yet. */
static void
end_pauses(struct engine *en)
{
    struct schedule key = {0};
    struct scan     s;

    scan_open(&s, turn_txn(en), INDEX_schedule_paused_until, &key, 0, 0);
    while (en->turn.due_left && scan_next_key(&s, &key) &&
           key.pause_until <= en->turn.now.wall_ms) {
        struct schedule run = {.id = key.id};

        en->turn.due_left--;
        if (schedule_by_id(turn_txn(en), &run) != LOAD_FOUND) continue;
        schedule_pause_over(en, &run);
    }
    scan_close(&s);
}

static void
end_clearing(struct engine *en)
{
    if (en->memory.clearing) limit_released(en, HELD_OVERLAP, en->memory.clearing);
    en->memory.clearing = 0;
}

void
schedules_due(struct engine *en)
{
    const int64_t   from = first_due(en);
    struct schedule key = {.due_at = from};
    struct scan     s;

    end_clearing(en);
    if (wallclock_is_held(en) || !schedules_are_planned(en)) return; /* N27 */
    scan_open(&s, turn_txn(en), INDEX_schedule_next, &key, 0, 1);
    while (en->turn.due_left && en->turn.times_left && scan_next_key(&s, &key) &&
           key.due_at <= en->turn.now.wall_ms) {
        const struct object_entry *o = objects_get(&en->turn.objects, key.id);
        struct schedule            run = {.id = key.id};

        en->turn.due_left--;
        if (schedule_by_id(turn_txn(en), &run) != LOAD_FOUND) continue;
        if (!o) { /* its declaration is damaged: it rests until it is declared again */
            run.next_at = 0;
            run.due_at = 0;
            schedule_save(turn_txn(en), &run);
        } else if (pressure_puts_off(en, &o->spec.schedule, &run)) {
            schedule_save(turn_txn(en), &run);
        } else if (!decide(en, o, &run)) {
            break;
        }
        /* an overdue schedule may be due again: from the oldest time on */
        key = (struct schedule){.due_at = from};
        scan_seek(&s, &key, 1);
    }
    scan_close(&s);
    end_pauses(en);
    pauses_forget_past(en);
}

struct deadline
schedules_deadline(struct engine *en)
{
    struct schedule key = {.due_at = first_due(en)};
    struct scan     s;
    struct deadline d = {INT64_MAX, key.due_at ? en->memory.hold_until_boot : INT64_MAX};

    scan_open(&s, turn_txn(en), INDEX_schedule_next, &key, 0, 1);
    if (scan_next_key(&s, &key)) d.wall_ms = key.due_at;
    scan_close(&s);
    key = (struct schedule){0};
    scan_open(&s, turn_txn(en), INDEX_schedule_paused_until, &key, 0, 0);
    if (scan_next_key(&s, &key) && key.pause_until < d.wall_ms) d.wall_ms = key.pause_until;
    scan_close(&s);
    return d;
}
