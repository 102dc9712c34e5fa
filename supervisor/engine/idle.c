#include "supervisor/engine/idle.h"

#include "supervisor/engine/agents.h"
#include "supervisor/engine/fire.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/plan.h"

#define WOKEN_MAX 256 /* heartbeats of an agent that one wake-up looks at */

enum errc
idle_check(const struct msg_schedule *s, struct err *e)
{
    if (s->idle_max_ms == 0 || view_is(s->type, "heartbeat")) return E_OK;
    return err_field(e, "idle_max_ms", "is only for heartbeats: give --type heartbeat");
}

/* ---- what is left out ---------------------------------------------------------- */

int64_t
idle_first(const struct schedule *run, const struct nominal *n)
{
    int64_t at = 0;

    if (run->next_at < run->idle_until) at = nominal_after(n, run->idle_until - 1);
    return at ? at : run->next_at;
}

int64_t
idle_next(struct txn *t, const struct object_entry *o, const struct schedule *run)
{
    struct nominal n;

    if (run->next_at >= run->idle_until) return run->next_at;
    (void)nominal_open(t, &o->spec.schedule, o->row.created_at, &n);
    return nominal_after(&n, run->idle_until - 1);
}

int64_t
idle_interval(const struct msg_schedule *s, const struct schedule *run, int64_t interval_ms)
{
    int64_t longer = interval_ms;

    for (uint32_t n = 0; n < run->idle_streak && longer < s->idle_max_ms; n++)
        longer = longer > s->idle_max_ms / 2 ? s->idle_max_ms : 2 * longer;
    return longer;
}

void
idle_left_out(struct engine *en, const struct object_entry *o, struct schedule *run,
              struct firing *f)
{
    f->outcome = FIRING_SUPPRESSED;
    run->suppressed_count += f->count;
    fire_feed(en, FEED_SCHEDULE_SUPPRESSED, o, f);
}

/* ---- what it finds ------------------------------------------------------------- */

/* Of the next two nominal times; 0: there are none. */
static int64_t
interval_after(struct engine *en, const struct object_entry *o, int64_t nominal_at)
{
    struct txn *t = turn_txn(en);
    int64_t first = nominal_next(t, &o->spec.schedule, o->row.created_at, nominal_at), second = 0;

    if (first) second = nominal_next(t, &o->spec.schedule, o->row.created_at, first);
    return second ? second - first : 0;
}

/* Its times and its agent follow. */
static void
changed(struct engine *en, const struct object_entry *o, struct schedule *run, int64_t interval_ms)
{
    if (run->heartbeat_ms) run->heartbeat_ms = idle_interval(&o->spec.schedule, run, interval_ms);
    plan_due(en, o, run);
    schedule_save(turn_txn(en), run);
    if (run->heartbeat_ms) agent_beats_changed(en, run->agent);
}

void
idle_end(struct engine *en, struct schedule *run)
{
    int64_t now = en->turn.now.wall_ms;

    run->idle_streak = 0;
    if (run->idle_until > now) run->idle_until = now;
}

static void
end_now(struct engine *en, const struct object_entry *o, struct schedule *run)
{
    if (run->idle_streak == 0) return;
    idle_end(en, run);
    changed(en, o, run, interval_after(en, o, en->turn.now.wall_ms));
}

void
idle_firing_over(struct engine *en, const struct object_entry *o, struct schedule *run,
                 int64_t nominal_at, bool found_nothing)
{
    int64_t interval_ms;

    if (o->spec.schedule.idle_max_ms == 0) return;
    if (!found_nothing) {
        end_now(en, o, run);
        return;
    }
    interval_ms = interval_after(en, o, nominal_at);
    if (interval_ms == 0) return;
    run->idle_streak++;
    run->idle_until = nominal_at + idle_interval(&o->spec.schedule, run, interval_ms);
    changed(en, o, run, interval_ms);
}

/* Fired at a time of its own, it says nothing of those that are to come. */
static bool
is_by_hand(struct engine *en, uint32_t schedule, int64_t nominal_at)
{
    struct firing f = {.schedule = schedule, .nominal_at = nominal_at};

    return firing_load(turn_txn(en), &f) == LOAD_FOUND && f.kind != FIRING_REGULAR;
}

void
idle_job_over(struct engine *en, const struct job_state *j, bool found_nothing)
{
    const struct object_entry *o = j->schedule ? objects_get(&en->turn.objects, j->schedule) : NULL;
    struct schedule            run = {.id = j->schedule};
    struct job_spec            spec = {.id = j->id};

    if (!o || o->spec.schedule.idle_max_ms == 0) return;
    if (schedule_by_id(turn_txn(en), &run) != LOAD_FOUND) return;
    if (job_spec_load(turn_txn(en), &spec) != LOAD_FOUND) return; /* damaged: fsck says so */
    if (found_nothing && run.last_job != j->id) return; /* an old one that was retried by hand */
    if (found_nothing && is_by_hand(en, run.id, spec.nominal_at)) return;
    idle_firing_over(en, o, &run, spec.nominal_at, found_nothing);
}

void
idle_agent_woken(struct engine *en, uint32_t agent, uint32_t by)
{
    struct schedule key = {.agent = agent};
    struct scan     s;

    scan_open(&s, turn_txn(en), INDEX_schedule_idle, &key, 1, 1);
    for (uint32_t n = 0; n < WOKEN_MAX && scan_next_key(&s, &key); n++) {
        const struct object_entry *o = objects_get(&en->turn.objects, key.id);
        struct schedule            run = {.id = key.id};

        if (o && key.id != by && schedule_by_id(turn_txn(en), &run) == LOAD_FOUND)
            end_now(en, o, &run);
    }
    scan_close(&s);
}
