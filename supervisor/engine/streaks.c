#include "supervisor/engine/streaks.h"

#include "common/log.h"
#include "supervisor/engine/agents.h"
#include "supervisor/engine/alerts.h"
#include "supervisor/engine/audit.h"
#include "supervisor/engine/breakers.h"
#include "supervisor/engine/failure.h"
#include "supervisor/engine/feed.h"
#include "supervisor/engine/firings.h"
#include "supervisor/engine/nominal.h"
#include "supervisor/engine/plan.h"
#include "supervisor/engine/schedules.h"
#include "supervisor/engine/turn_limit.h"

#include <inttypes.h>

/* ---- what the streaks say ----------------------------------------------------- */

bool
streak_reaches(uint32_t n, int64_t limit)
{
    return limit != NO_LIMIT && n >= limit;
}

void
streak_put_breaches(struct objects *o, const struct limits *l, const struct schedule *run,
                    struct buf *b)
{
    const struct object_entry *declared = objects_get(o, run->id);
    struct turn_limit          limit = {.place = "schedule"};

    if (declared) limit = turn_limit_of(o, l, declared);
    buf_printf(b,
               "%" PRIu32 " firings in a row used up their turns (on average %" PRIu64 ".%" PRIu64
               " of %" PRId64 "): raise ",
               run->breach_streak, run->avg_turns_milli / 1000, run->avg_turns_milli / 100 % 10,
               run->max_turns);
    turn_limit_put_place(&limit, b);
}

void
streak_put_drift(const struct schedule *run, struct buf *b)
{
    buf_printf(b, "%" PRIu32 " runs in a row took over 80 %% of their lease: raise max_run",
               run->long_runs);
}

void
streak_turn_limit(struct engine *en, struct schedule *run, int64_t max_turns)
{
    if (run->max_turns == max_turns) return;
    if (run->max_turns != 0) run->max_turns_set_at = en->turn.now.wall_ms;
    run->max_turns = max_turns;
}

/* ---- pausing ------------------------------------------------------------------ */

static void
pause_it(struct engine *en, const struct object_entry *o, struct schedule *run, struct buf *reason)
{
    buf_printf(reason, "; `agentctl schedule resume %.*s` lets it fire again",
               VIEW_ARG(objects_ref(&en->turn.objects, o->row.id)));
    run->paused = run->paused_itself = 1;
    run->paused_at = en->turn.now.wall_ms;
    run->pause_reason = arena_copy(&en->turn.arena, buf_view(reason));
    schedule_save(turn_txn(en), run); /* what follows reads it */
    if (run->agent) agent_beats_changed(en, run->agent);
    feed_object(en, FEED_SCHEDULE_PAUSED, run->id,
                arena_printf(&en->turn.arena, "%.*s", VIEW_ARG(run->pause_reason)));
    audit_put(en, &actor_daemon, "schedule.pause", run->company, o->row.name,
              audit_pause(en, false, (struct view){0}), audit_pause(en, true, run->pause_reason));
}

/* Pauses an active schedule whose streak of this kind is long enough; whether it did. */
static bool
pauses(struct engine *en, const struct object_entry *o, struct schedule *run,
       enum failure_streak streak)
{
    const struct limits *l = &en->memory.limits;
    struct buf reason    BUF_AUTO = {0};

    if (run->paused || plan_end_reason(&o->spec.schedule, run, en->turn.now.wall_ms)) return false;
    if (streak == STREAK_GENERIC && streak_reaches(run->failure_streak, l->failure_pause)) {
        buf_printf(&reason, "%" PRIu32 " firings in a row failed (the last: %s)",
                   run->failure_streak, failure_rule(run->last_failure)->name);
    } else if (streak == STREAK_TURN_BUDGET &&
               streak_reaches(run->breach_streak, l->breach_pause)) {
        streak_put_breaches(&en->turn.objects, l, run, &reason);
    } else {
        return false;
    }
    pause_it(en, o, run, &reason);
    return true;
}

/* ---- counting ----------------------------------------------------------------- */

static void
failed(struct engine *en, const struct object_entry *o, struct schedule *run,
       enum failure_class class)
{
    const struct limits *l = &en->memory.limits;
    enum failure_streak  streak = failure_rule(class)->streak;
    struct buf warning   BUF_AUTO = {0};

    run->last_failure = (uint8_t) class;
    run->failed_in_row++;
    if (streak == STREAK_GENERIC) {
        run->failure_streak++;
        run->breach_streak = 0;
    } else if (streak == STREAK_TURN_BUDGET) {
        run->breach_streak++;
        run->failure_streak = 0;
    }
    if (streak == STREAK_TURN_BUDGET && run->breach_streak == l->breach_warn) {
        streak_put_breaches(&en->turn.objects, l, run, &warning);
        alert_warn(en, o, "turn_budget", buf_view(&warning));
    }
    if (pauses(en, o, run, streak)) {
        if (l->alert_after != NO_LIMIT) alert_raise(en, o, run, ALERT_PAUSED);
    } else if (streak_reaches(run->failed_in_row, l->alert_after)) {
        alert_raise(en, o, run, ALERT_FAILURES);
    }
}

static void
succeeded(struct engine *en, const struct object_entry *o, struct schedule *run)
{
    run->failure_streak = 0;
    run->breach_streak = 0;
    run->failed_in_row = 0;
    run->last_failure = FAIL_NONE;
    run->last_success_at = en->turn.now.wall_ms;
    run->succeeded_before = en->memory.meta.next_job;
    alert_recovered(en, o, run);
}

/* Whether the limit of turns was set so short ago that what used it up says nothing yet: for two
 * firing intervals, with irregular times for the two firings that follow. */
static bool
is_graced(struct engine *en, const struct object_entry *o, const struct schedule *run,
          const struct job_state *j, const struct job_spec *spec)
{
    const struct msg_schedule *s = &o->spec.schedule;
    int64_t                    set_at = run->max_turns_set_at, first, second, third;

    if (failure_rule(j->failure)->streak != STREAK_TURN_BUDGET || set_at == 0) return false;
    first = nominal_next(turn_txn(en), s, o->row.created_at, set_at);
    second = first ? nominal_next(turn_txn(en), s, o->row.created_at, first) : 0;
    if (second == 0) return false;
    third = nominal_next(turn_txn(en), s, o->row.created_at, second);
    if (third && third - second != second - first) return spec->nominal_at <= second;
    return j->ended_at <= set_at + 2 * (second - first);
}

/* C9: of whatever outcome, as long as it was let run to its end. */
static void
note_length(struct engine *en, const struct object_entry *o, struct schedule *run,
            const struct job_state *j, const struct job_spec *spec)
{
    struct buf warning BUF_AUTO = {0};

    if (j->claimed_at == 0 || spec->max_run_ms == 0) return;
    if ((j->ended_at - j->claimed_at) * 5 <= spec->max_run_ms * 4) {
        run->long_runs = 0;
        return;
    }
    run->long_runs++;
    if (run->long_runs != DRIFT_RUNS) return;
    streak_put_drift(run, &warning);
    alert_warn(en, o, "drift", buf_view(&warning));
}

static void
judge(struct engine *en, const struct object_entry *o, struct schedule *run,
      const struct job_state *j, const struct job_spec *spec)
{
    bool is_first = firing_ended(en, j, spec, run);

    if (j->state == JOB_COMPLETED || j->state == JOB_FAILED) note_length(en, o, run, j, spec);
    if (j->state == JOB_COMPLETED) {
        succeeded(en, o, run);
    } else if (j->state == JOB_FAILED && is_first && is_graced(en, o, run, j, spec)) {
        run->last_failure = j->failure;
        turn_log(en, LOG_LEVEL_INFO, "a breach of a limit of turns that was set short ago",
                 "schedule=%.*s job=%" PRIu64, VIEW_ARG(objects_ref(&en->turn.objects, run->id)),
                 j->id);
    } else if (j->state == JOB_FAILED && is_first) {
        failed(en, o, run, j->failure);
    }
}

void
streak_job_ended(struct engine *en, const struct job_state *j)
{
    const struct object_entry *o = objects_get(&en->turn.objects, j->schedule);
    struct schedule            run = {.id = j->schedule};
    struct job_spec            spec = {.id = j->id};

    if (schedule_by_id(turn_txn(en), &run) != LOAD_FOUND) return; /* damaged: fsck says so */
    schedule_job_over(&run);
    if (o && job_spec_load(turn_txn(en), &spec) == LOAD_FOUND) judge(en, o, &run, j, &spec);
    schedule_save(turn_txn(en), &run);
}

void
streak_job_waits(struct engine *en, struct schedule *run, int64_t before_at)
{
    const struct object_entry *o = objects_get(&en->turn.objects, run->id);
    struct job_state           j = {.id = run->last_job};
    struct breaker             b;
    uint32_t                   id;

    if (!o || job_state_load(turn_txn(en), &j) != LOAD_FOUND) return;
    if (j.state != JOB_READY) return; /* it runs, waits for its retry, or is over */
    id = breaker_of(&en->turn.objects, j.handler);
    if (!id || !breaker_get(turn_txn(en), id, &b) || b.state == BREAKER_CLOSED) return;
    if (b.opened_at <= before_at) failed(en, o, run, b.failure);
}
