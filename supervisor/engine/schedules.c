#include "supervisor/engine/schedules.h"

#include "supervisor/engine/agents.h"
#include "supervisor/engine/alerts.h"
#include "supervisor/engine/budgets.h"
#include "supervisor/engine/feed.h"
#include "supervisor/engine/fire.h"
#include "supervisor/engine/gates.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/ladder.h"
#include "supervisor/engine/made.h"
#include "supervisor/engine/nominal.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/overlap.h"
#include "supervisor/engine/pauses.h"
#include "supervisor/engine/pressure.h"
#include "supervisor/engine/registry.h"
#include "supervisor/engine/routines.h"
#include "supervisor/engine/sessions.h"
#include "supervisor/engine/shadow.h"
#include "supervisor/engine/streaks.h"
#include "supervisor/engine/submit.h"
#include "supervisor/engine/zones.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* ---- declarations -------------------------------------------------------------------- */

static enum errc
check_refs(struct engine *en, const struct actor *a, const struct msg_schedule *s,
           struct schedule_refs *refs, struct err *e)
{
    struct txn   *t = turn_txn(en);
    struct ladder ladder;

    memset(refs, 0, sizeof(*refs));
    if (nominal_check(t, s, e)) return e->code;
    if (HAS(s, schedule, type) && !view_is(s->type, "schedule") && !view_is(s->type, "heartbeat")) {
        return err_field(e, "type", "is schedule or heartbeat");
    }
    ladder = LADDER_OF(s, schedule);
    if (ladder_check(&ladder, e) || submit_check_tags(s->tags, e) || shadow_check(s, e) ||
        overlap_check(s, e)) {
        return e->code;
    }
    if (zone_check(t, s->budget_zone, "budget_zone", e)) return e->code;
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
    return profile_handler(en, a, s->profile, refs->agent, &refs->company, &refs->handler, e);
}

enum errc
schedule_check(struct engine *en, const struct actor *a, const struct msg_schedule *s,
               struct schedule_refs *refs, struct err *e)
{
    if (check_refs(en, a, s, refs, e) || routine_check(en, s, refs, e)) return e->code;
    return gate_check(en, a, s, refs, e);
}

/* ---- the running row ---------------------------------------------------------- */

/* The agent that the declaration names, as it is there now; 0: none. */
static uint32_t
agent_named(struct engine *en, const struct object_entry *o)
{
    const struct msg_schedule *s = &o->spec.schedule;
    const struct actor         daemon = {.kind = "daemon", .role = ROLE_ADMIN};
    uint32_t                   company = o->row.company, agent;
    struct err                 e = {0};

    if (s->agent.size == 0) return 0;
    return object_ref(turn_txn(en), &daemon, KIND_AGENT, s->agent, "agent", &company, &agent, &e)
               ? 0
               : agent;
}

static int64_t
next_after(struct engine *en, const struct object_entry *o, int64_t after_ms)
{
    return nominal_next(turn_txn(en), &o->spec.schedule, o->row.created_at, after_ms);
}

/* Now, or as soon after it as this schedule has no row of: the clock may have gone back since. */
static int64_t
first_free_time(struct engine *en, uint32_t id)
{
    struct firing seen = {.schedule = id, .nominal_at = en->turn.now.wall_ms};

    while (firing_load(turn_txn(en), &seen) == LOAD_FOUND)
        seen = (struct firing){.schedule = id, .nominal_at = seen.nominal_at + 1};
    return seen.nominal_at;
}

/* The next time behind the cursor.  What waits since the machine's boot goes on waiting. */
static void
plan(struct engine *en, const struct object_entry *o, struct schedule *run)
{
    if (!nominal_is_at_boot(&o->spec.schedule)) {
        run->next_at = next_after(en, o, run->cursor);
        run->due_at = run->next_at;
    } else if (run->next_at > en->turn.now.wall_ms) { /* the clock went back meanwhile */
        run->next_at = first_free_time(en, run->id);
        run->due_at = run->next_at;
    }
    if (run->next_at > en->turn.now.wall_ms) run->put_off_from = 0;
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
    following = next_after(en, o, run->next_at);
    if (following) run->heartbeat_ms = following - run->next_at;
}

/* Saves the row, after which the agents count whose schedules beat. */
static void
save_beats(struct engine *en, struct schedule *run, uint32_t agent_before)
{
    schedule_save(turn_txn(en), run);
    if (run->agent) agent_beats_changed(en, run->agent);
    if (agent_before && agent_before != run->agent) agent_beats_changed(en, agent_before);
}

/* An agent that went and came anew under its name is another one. */
static void
follow_agent(struct engine *en, const struct object_entry *o, struct schedule *run)
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
    const struct actor daemon = {.kind = "daemon", .role = ROLE_ADMIN};
    struct fire        how = {.schedule = o};
    struct submission  s;
    struct err         e = {0};

    if (check_refs(en, &daemon, &o->spec.schedule, &how.refs, &e)) return;
    fire_prepare(en, &how, run, &(const struct firing){0}, &s);
    streak_turn_limit(en, run, s.spec.max_turns);
}

void
schedule_planned(struct engine *en, uint32_t id, bool is_new, bool timing_changed)
{
    const struct object_entry *o = objects_get(&en->turn.objects, id);
    struct schedule            run = {.id = id};
    struct txn                *t = turn_txn(en);
    uint32_t                   agent_before = 0;

    assert(o);
    if (is_new) {
        run.company = o->row.company;
        run.session = session_of(
            en, run.company,
            view_str(arena_printf(txn_arena(t), "schedule/%.*s", VIEW_ARG(o->row.name))), 0);
        session_begin_anew(en, run.session);
        run.cursor = en->turn.now.wall_ms;
        run.max_turns_set_at = en->turn.now.wall_ms;
    } else if (schedule_load(t, &run) != LOAD_FOUND) {
        return;
    }
    agent_before = run.agent;
    if (!is_new && timing_changed) {
        run.cursor =
            en->turn.now.wall_ms; /* other times from now on; none of the new ones is overdue */
    }
    if (is_new || timing_changed) {
        run.next_at = 0;
        run.due_at = run.next_at;
        run.boot_id = en->memory.meta.boot_id;
    }
    plan(en, o, &run);
    take_agent(en, o, &run);
    take_turn_limit(en, o, &run);
    routine_take(&o->spec.schedule, &run);
    shadow_begin(&run);
    save_beats(en, &run, agent_before);
    feed_object(en, is_new ? FEED_SCHEDULE_ADDED : FEED_SCHEDULE_CHANGED, id, NULL);
}

void
schedule_forget(struct engine *en, uint32_t id)
{
    struct schedule run = {.id = id};

    feed_object(en, FEED_SCHEDULE_REMOVED, id, NULL);
    if (schedule_load(turn_txn(en), &run) != LOAD_FOUND) run = (struct schedule){.id = id};
    if (run.made_by) made_schedules(en, run.made_by, -1);
    (void)schedule_delete(turn_txn(en), &run);
    if (run.agent) agent_beats_changed(en, run.agent);
}

void
schedules_replan(struct engine *en)
{
    struct schedule run = {0};
    struct scan     s;

    scan_open(&s, turn_txn(en), PRIMARY_SCHEDULE, &run, 0, 0);
    while (scan_next(&s, &run)) {
        const struct object_entry *o = objects_get(&en->turn.objects, run.id);

        if (!o) continue;
        if (run.cursor <= en->turn.now.wall_ms && !nominal_is_at_boot(&o->spec.schedule)) continue;
        /* The clock went back: times that were decided already do not come again, their keys see to
         * that (N27). */
        run.cursor = en->turn.now.wall_ms;
        plan(en, o, &run);
        schedule_save(turn_txn(en), &run);
    }
    scan_close(&s);
}

void
schedules_zone_changed(struct engine *en, struct view name)
{
    struct schedule run = {0};
    struct scan     s;

    scan_open(&s, turn_txn(en), PRIMARY_SCHEDULE, &run, 0, 0);
    while (scan_next(&s, &run)) {
        const struct object_entry *o = objects_get(&en->turn.objects, run.id);

        if (!o || !view_eq(o->spec.schedule.tz, name)) continue;
        plan(en, o, &run);
        schedule_save(turn_txn(en), &run);
    }
    scan_close(&s);
}

void
schedules_at_boot(struct engine *en)
{
    uint64_t        boot_id = en->memory.meta.boot_id;
    struct schedule run = {0};
    struct scan     s;

    scan_open(&s, turn_txn(en), PRIMARY_SCHEDULE, &run, 0, 0);
    while (scan_next(&s, &run)) {
        const struct object_entry *o = objects_get(&en->turn.objects, run.id);

        if (!o || run.boot_id == boot_id || !nominal_is_at_boot(&o->spec.schedule)) continue;
        run.boot_id = boot_id;
        run.next_at = first_free_time(en, run.id);
        run.due_at = run.next_at;
        schedule_save(turn_txn(en), &run);
    }
    scan_close(&s);
}

/* ---- firing ------------------------------------------------------------------- */

void
schedule_count(struct engine *en, uint32_t id, int change)
{
    struct schedule run = {.id = id};

    if (schedule_load(turn_txn(en), &run) != LOAD_FOUND) return; /* damaged: fsck says so */
    if (change < 0 && run.in_flight == 0) return; /* a row from before there was a count */
    run.in_flight += (uint32_t)change;
    schedule_save(turn_txn(en), &run);
}

static void
missed(struct engine *en, const struct object_entry *o, struct schedule *run, struct firing *f,
       const char *reason)
{
    f->outcome = FIRING_MISSED;
    f->reason = view_str(reason);
    run->missed_count += f->count;
    fire_feed(en, FEED_SCHEDULE_MISSED, o, f);
}

/* before_at: the nominal time before this one. */
static void
try_to_fire(struct engine *en, const struct object_entry *o, struct schedule *run, struct firing *f,
            int64_t before_at)
{
    const struct actor   daemon = {.kind = "daemon", .role = ROLE_ADMIN};
    struct schedule_refs refs;
    struct view          why;
    struct err           e = {0};

    if (submit_admit(en, &e) || schedule_check(en, &daemon, &o->spec.schedule, &refs, &e)) {
        missed(en, o, run, f, arena_printf(txn_arena(turn_txn(en)), "%s", e.msg));
        return;
    }
    refs.company = o->row.company;
    if (run->in_flight > 0) streak_job_waits(en, run, before_at);
    if (gate_says_no(&en->turn.objects, o, run, &why)) {
        gate_closes(en, o, run, f, why);
        return;
    }
    if (overlap_suppresses(en, o, run, f)) return;
    if (submit_check_queue(en, refs.company, 0, &e)) {
        missed(en, o, run, f, arena_printf(txn_arena(turn_txn(en)), "%s", e.msg));
        return;
    }
    if (!budget_has_room(&en->turn.objects, o->row.id)) {
        missed(en, o, run, f, "its budget of the day is used up");
        return;
    }
    overlap_make_room(en, &o->spec.schedule, run);
    fire(en, &(struct fire){.schedule = o, .refs = refs}, run, f);
}

/* A schedule that an agent made, and nobody deals with the agent: it ends (B7). */
static void
end_unanswered(struct engine *en, const struct object_entry *o, struct schedule *run)
{
    static const char reason[] = "nobody has answered the agent that made it";

    if (run->paused || !run->made_by || is_paused(turn_txn(en), run->company, run->agent) ||
        !made_is_unanswered(en, run->made_by, o->row.created_at)) {
        return;
    }
    run->paused = 1;
    run->paused_at = en->turn.now.wall_ms;
    run->pause_reason = view_str(reason);
    feed_object(en, FEED_SCHEDULE_ENDED, run->id, reason);
}

/* Decides one nominal time, or all that lie before the catch-up window at once. */
static void
decide(struct engine *en, const struct object_entry *o, struct schedule *run)
{
    int64_t       now = en->turn.now.wall_ms, window = now - en->memory.limits.catch_up_ms;
    int64_t       following = next_after(en, o, run->next_at);
    struct firing f = {.schedule = run->id, .nominal_at = run->next_at, .count = 1};
    struct firing seen = f;
    int64_t       before_at = run->cursor;
    bool          is_held;

    run->cursor = run->next_at;
    if (firing_load(turn_txn(en), &seen) == LOAD_FOUND) { /* before the clock went back */
        run->next_at = following;
        run->due_at = run->next_at;
        schedule_save(turn_txn(en), run);
        return;
    }
    end_unanswered(en, o, run);
    follow_agent(en, o, run);
    is_held = run->paused || is_paused(turn_txn(en), run->company, run->agent);
    if (run->next_at < window && !nominal_is_at_boot(&o->spec.schedule)) {
        int64_t last;

        f.count = 1 + nominal_count(turn_txn(en), &o->spec.schedule, o->row.created_at,
                                    run->next_at, window, &en->turn.times_left, &last);
        run->cursor = last;
        missed(en, o, run, &f, "older than the catch-up window");
        following = next_after(en, o, last);
    } else if (is_held) {
        missed(en, o, run, &f, "paused");
    } else if (following && following <= now) {
        missed(en, o, run, &f,
               run->put_off_from
                   ? "put off for people; overtaken by its next time (misfire policy latest)"
                   : "overtaken by its next time (misfire policy latest)");
    } else {
        try_to_fire(en, o, run, &f, before_at);
    }
    if (!is_held && !f.gated) alert_expect(o, run, f.nominal_at);
    if (following == 0 || following > now) run->put_off_from = 0;
    firing_save(turn_txn(en), &f);
    run->next_at = following;
    run->due_at = run->next_at;
    schedule_save(turn_txn(en), run);
}

void
schedules_due(struct engine *en)
{
    struct schedule key = {0};
    struct scan     s;

    if (en->turn.header.clock_is_held && !en->memory.clock_accepted) return; /* N27 */
    scan_open(&s, turn_txn(en), INDEX_schedule_next, &key, 0, 0);
    while (en->turn.due_left && en->turn.times_left && scan_next_key(&s, &key) &&
           key.due_at <= en->turn.now.wall_ms) {
        const struct object_entry *o = objects_get(&en->turn.objects, key.id);
        struct schedule            run = {.id = key.id};

        en->turn.due_left--;
        if (schedule_load(turn_txn(en), &run) != LOAD_FOUND) continue;
        if (o && pressure_puts_off(en, &o->spec.schedule, &run)) {
            schedule_save(turn_txn(en), &run);
        } else if (o) {
            decide(en, o, &run);
        } else { /* its declaration is damaged: it rests until it is declared again */
            run.next_at = 0;
            run.due_at = run.next_at;
            schedule_save(turn_txn(en), &run);
        }
        memset(&key, 0,
               sizeof(key)); /* an overdue schedule may be due again: from the oldest time on */
        scan_seek(&s, &key, 1);
    }
    scan_close(&s);
}

int64_t
schedules_deadline(struct engine *en)
{
    struct schedule key = {0};
    struct scan     s;
    int64_t         at = INT64_MAX;

    scan_open(&s, turn_txn(en), INDEX_schedule_next, &key, 0, 0);
    if (scan_next_key(&s, &key)) at = key.due_at;
    scan_close(&s);
    return at;
}
