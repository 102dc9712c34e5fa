#include "supervisor/engine/plan.h"

#include "supervisor/engine/agents.h"
#include "supervisor/engine/alerts.h"
#include "supervisor/engine/feed.h"
#include "supervisor/engine/fire.h"
#include "supervisor/engine/idle.h"
#include "supervisor/engine/made.h"
#include "supervisor/engine/misfire.h"
#include "supervisor/engine/pauses.h"
#include "supervisor/engine/pressure.h"
#include "supervisor/engine/routines.h"
#include "supervisor/engine/sessions.h"
#include "supervisor/engine/shadow.h"
#include "supervisor/engine/streaks.h"

#include <assert.h>

/* ---- its end ------------------------------------------------------------------- */

uint64_t
plan_firings_left(const struct msg_schedule *s, const struct schedule *run)
{
    uint64_t fired = run->firing_count - run->by_hand_count;

    if (!HAS(s, schedule, max_firings)) return UINT64_MAX;
    return s->max_firings > fired ? s->max_firings - fired : 0;
}

const char *
plan_end_reason(const struct msg_schedule *s, const struct schedule *run, int64_t now_ms)
{
    if (run->next_at != 0) return NULL;
    if (plan_firings_left(s, run) == 0) return "it has fired as often as max_firings says";
    if (nominal_is_at_boot(s) && (!HAS(s, schedule, end_at) || s->end_at >= now_ms)) return NULL;
    return HAS(s, schedule, end_at) ? "no time of it comes up to its end_at"
                                    : "its expression has no further time";
}

const char *
plan_status(const struct msg_schedule *s, const struct schedule *run, int64_t now_ms)
{
    if (plan_end_reason(s, run, now_ms)) return "ended";
    return run->paused ? "paused" : "active";
}

/* ---- next times ---------------------------------------------------------------- */

/* Now, or as soon after it as this schedule has no row of: the clock may have gone back since. */
static int64_t
free_time(struct engine *en, uint32_t id)
{
    struct firing seen = {.schedule = id, .nominal_at = en->turn.now.wall_ms};

    while (firing_load(turn_txn(en), &seen) == LOAD_FOUND)
        seen = (struct firing){.schedule = id, .nominal_at = seen.nominal_at + 1};
    return seen.nominal_at;
}

/* What came due while the one before it was put off for people is put off with it; so are not those
 * that came later, but the five minutes go on. */
static void
take_time(struct engine *en, const struct timing *ti, struct schedule *run, int64_t nominal_ms)
{
    run->next_at = nominal_ms;
    run->due_at = nominal_ms ? timing_due(ti, idle_first(run, &ti->times)) : 0;
    if (nominal_ms == 0 || nominal_ms > en->turn.now.wall_ms) {
        pressure_is_over(run);
    } else if (run->due_at < run->put_off_until) {
        run->due_at = run->put_off_until;
    }
}

void
plan_due(struct engine *en, const struct object_entry *o, struct schedule *run)
{
    struct timing ti;

    if (run->next_at == 0 || pressure_is_on(run)) return;
    timing_open(&ti, &en->turn.objects, o);
    take_time(en, &ti, run, run->next_at);
}

static void
tell_end(struct engine *en, const struct object_entry *o, const struct schedule *run)
{
    const char *reason = plan_end_reason(&o->spec.schedule, run, en->turn.now.wall_ms);

    if (reason) feed_object(en, FEED_SCHEDULE_ENDED, run->id, reason);
}

void
plan_next(struct engine *en, const struct timing *ti, const struct object_entry *o,
          struct schedule *run)
{
    const struct msg_schedule *s = &o->spec.schedule;
    bool                       had_next = run->next_at != 0;

    take_time(en, ti, run,
              plan_firings_left(s, run) == 0 ? 0 : nominal_after(&ti->times, run->cursor));
    if (had_next) tell_end(en, o, run);
}

/* This boot of the machine is the next time, within the dates of the schedule. */
static void
plan_boot(struct engine *en, const struct timing *ti, struct schedule *run)
{
    int64_t at = free_time(en, run->id);

    take_time(en, ti, run, at >= ti->times.start_at && at <= ti->times.end_at ? at : 0);
}

/* What waits since the machine's boot goes on waiting. */
static void
replan(struct engine *en, const struct object_entry *o, struct schedule *run)
{
    struct timing ti;

    timing_open(&ti, &en->turn.objects, o);
    idle_end(en, run);
    if (ti.times.cron.kind != CRON_REBOOT) {
        plan_next(en, &ti, o, run);
    } else if (run->next_at > en->turn.now.wall_ms) { /* the clock went back meanwhile */
        plan_boot(en, &ti, run);
    } else if (run->next_at) {
        take_time(en, &ti, run, run->next_at);
    }
}

/* ---- its agent ----------------------------------------------------------------- */

/* The agent that the declaration names, as it is there now; 0: none. */
static uint32_t
agent_named(struct engine *en, const struct object_entry *o)
{
    const struct msg_schedule *s = &o->spec.schedule;
    uint32_t                   company = o->row.company, agent;
    struct err                 e = {0};

    if (s->agent.size == 0) return 0;
    return object_ref(turn_txn(en), &actor_daemon, KIND_AGENT, s->agent, "agent", &company, &agent,
                      &e)
               ? 0
               : agent;
}

/* Whom it wakes, and how often when it is a heartbeat. */
static void
take_agent(struct engine *en, const struct object_entry *o, struct schedule *run)
{
    const struct msg_schedule *s = &o->spec.schedule;
    int64_t                    following;

    run->agent = agent_named(en, o);
    run->heartbeat_ms = 0;
    if (run->agent == 0 || !view_is(s->type, "heartbeat") || run->next_at == 0) return;
    following = nominal_next(turn_txn(en), s, o->row.created_at, run->next_at);
    if (following) run->heartbeat_ms = idle_interval(s, run, following - run->next_at);
}

/* Saves the row, after which the agents count whose schedules beat. */
static void
save_beats(struct engine *en, struct schedule *run, uint32_t agent_before)
{
    schedule_save(turn_txn(en), run);
    if (run->agent) agent_beats_changed(en, run->agent);
    if (agent_before && agent_before != run->agent) agent_beats_changed(en, agent_before);
}

void
plan_follow_agent(struct engine *en, const struct object_entry *o, struct schedule *run)
{
    uint32_t before = run->agent;

    if (agent_named(en, o) == before) return;
    take_agent(en, o, run);
    save_beats(en, run, before);
}

/* The limit of turns that its firings have as things are declared now; what cannot be found is
 * noticed at its next firing. */
static void
take_turn_limit(struct engine *en, const struct object_entry *o, struct schedule *run)
{
    struct fire       how = {.schedule = o};
    struct submission s;
    struct err        e = {0};

    if (schedule_find_refs(en, &actor_daemon, &o->spec.schedule, &how.refs, &e)) return;
    fire_prepare(en, &how, run, &(const struct firing){0}, &s);
    streak_turn_limit(en, run, s.spec.max_turns);
}

/* ---- the row's life ------------------------------------------------------------ */

static void
begin(struct engine *en, const struct object_entry *o, struct schedule *run)
{
    run->company = o->row.company;
    run->times_hash = nominal_hash(&o->spec.schedule);
    run->session = session_of(
        en, run->company,
        view_str(arena_printf(txn_arena(turn_txn(en)), "schedule/%.*s", VIEW_ARG(o->row.name))), 0);
    session_begin_anew(en, run->session);
    run->max_turns_set_at = en->turn.now.wall_ms;
}

void
schedule_changes(struct engine *en, const struct object_entry *o, const struct msg_schedule *to)
{
    const struct msg_schedule *s = &o->spec.schedule;
    struct schedule            run = {.id = o->row.id};

    if (schedule_by_id(turn_txn(en), &run) != LOAD_FOUND) return;
    if (!nominal_is_same(s, to) || plan_firings_left(to, &run) == 0) misfire_changed(en, o, &run);
    alert_overdue_changed(en, &run, s->overdue_ms, to->overdue_ms);
    schedule_save(turn_txn(en), &run);
}

void
schedule_planned(struct engine *en, uint32_t id, bool is_new, bool timing_changed)
{
    const struct object_entry *o = objects_get(&en->turn.objects, id);
    struct schedule            run = {.id = id};
    uint32_t                   agent_before = 0;
    bool                       may_end = is_new;

    assert(o);
    if (is_new) {
        begin(en, o, &run);
    } else if (schedule_by_id(turn_txn(en), &run) != LOAD_FOUND) {
        return;
    }
    agent_before = run.agent;
    if (is_new || timing_changed)
        run.boot_id = nominal_is_at_boot(&o->spec.schedule) ? en->memory.meta.boot_id : 0;
    if (is_new || timing_changed || run.next_at == 0 ||
        plan_firings_left(&o->spec.schedule, &run) == 0) {
        /* Other times from now on, or its end is another: none of the new ones is overdue. */
        may_end |= run.next_at != 0;
        run.cursor = en->turn.now.wall_ms;
        run.next_at = 0;
        run.due_at = 0;
    }
    replan(en, o, &run);
    take_agent(en, o, &run);
    take_turn_limit(en, o, &run);
    routine_take(&o->spec.schedule, &run);
    shadow_begin(&run);
    save_beats(en, &run, agent_before);
    feed_object(en, is_new ? FEED_SCHEDULE_ADDED : FEED_SCHEDULE_CHANGED, id, NULL);
    if (may_end) tell_end(en, o, &run);
}

void
schedule_forget(struct engine *en, uint32_t id)
{
    struct schedule run = {.id = id};

    feed_object(en, FEED_SCHEDULE_REMOVED, id, NULL);
    if (schedule_by_id(turn_txn(en), &run) != LOAD_FOUND) run = (struct schedule){.id = id};
    if (run.made_by) made_schedules(en, run.made_by, -1);
    session_outlives(en, run.session);
    (void)schedule_delete(turn_txn(en), &run);
    if (run.agent) agent_beats_changed(en, run.agent);
}

/* ---- of all schedules ---------------------------------------------------------- */

/* The clock went back: times that made a job do not come again, their keys see to that (N27). Those
 * that the turn cannot look at are passed over when they are due. */
static void
pass_over(struct engine *en, const struct object_entry *o, struct schedule *run)
{
    struct timing ti;
    struct firing seen;

    timing_open(&ti, &en->turn.objects, o);
    if (ti.times.cron.kind == CRON_REBOOT) return;
    while (run->next_at && en->turn.times_left > 0 &&
           misfire_seen(en, run->id, run->next_at, &seen) && seen.number) {
        en->turn.times_left--;
        run->cursor = run->next_at;
        plan_next(en, &ti, o, run);
    }
}

/* zone: the one whose rules are others; empty: the clock went back. */
static void
replan_one(struct engine *en, const struct object_entry *o, struct schedule *run, struct view zone)
{
    const struct msg_schedule *s = &o->spec.schedule;
    bool is_ahead = run->cursor > en->turn.now.wall_ms || nominal_is_at_boot(s);

    if (zone.size ? !view_eq(s->tz, zone) : !is_ahead) return;
    if (zone.size == 0) run->cursor = en->turn.now.wall_ms;
    replan(en, o, run);
    if (zone.size == 0) pass_over(en, o, run);
    schedule_save(turn_txn(en), run);
}

/* From the id on, as many as the turn lets; the first one that is left, 0: none. */
static uint32_t
replan_some(struct engine *en, uint32_t from, struct view zone)
{
    struct schedule run = {.id = from};
    struct scan     s;
    uint32_t        left = 0;

    scan_open(&s, turn_txn(en), INDEX_schedule_by_id, &run, 0, 1);
    while (left == 0 && scan_next(&s, &run)) {
        const struct object_entry *o;

        if (en->turn.replan_left == 0) {
            left = run.id;
        } else {
            en->turn.replan_left--;
            if ((o = objects_get(&en->turn.objects, run.id))) replan_one(en, o, &run, zone);
        }
    }
    scan_close(&s);
    return left;
}

void
schedules_replan(struct engine *en)
{
    en->memory.catch_up_at = 0;
    pauses_replan(en);
    en->memory.meta.replan_at = 1;
    schedules_replan_more(en);
}

void
schedules_zone_changed(struct engine *en, struct zone *z)
{
    if (z->replan_at == 0) en->memory.meta.zones_changed++;
    z->replan_at = 1;
}

static void
replan_zones(struct engine *en)
{
    struct zone z = {0};
    struct scan s;

    scan_open(&s, turn_txn(en), PRIMARY_ZONE, &z, 0, 0);
    while (en->turn.replan_left && scan_next(&s, &z)) {
        if (z.replan_at == 0) continue;
        z.replan_at = replan_some(en, z.replan_at, z.name);
        if (z.replan_at == 0) en->memory.meta.zones_changed--;
        zone_save(turn_txn(en), &z);
    }
    scan_close(&s);
}

void
schedules_replan_more(struct engine *en)
{
    struct meta *m = &en->memory.meta;

    if (m->replan_at) m->replan_at = replan_some(en, m->replan_at, (struct view){0});
    if (m->zones_changed) replan_zones(en);
    if (!schedules_are_planned(en)) en->turn.due_again = true;
}

bool
schedules_are_planned(const struct engine *en)
{
    return en->memory.meta.replan_at == 0 && en->memory.meta.zones_changed == 0;
}

void
schedules_at_boot(struct engine *en)
{
    uint64_t        boot_id = en->memory.meta.boot_id;
    struct schedule run = {0};
    struct scan     s;

    scan_open(&s, turn_txn(en), PRIMARY_SCHEDULE, &run, 0, 0);
    while (scan_next(&s, &run)) {
        const struct object_entry *o;
        struct timing              ti;

        if (run.boot_id == 0 || run.boot_id == boot_id) continue; /* most: not even decoded */
        o = objects_get(&en->turn.objects, run.id);
        if (!o || !nominal_is_at_boot(&o->spec.schedule)) continue;
        run.boot_id = boot_id;
        if (run.next_at) misfire_overtaken_boot(en, o, &run);
        timing_open(&ti, &en->turn.objects, o);
        if (plan_firings_left(&o->spec.schedule, &run)) plan_boot(en, &ti, &run);
        schedule_save(turn_txn(en), &run);
    }
    scan_close(&s);
}
