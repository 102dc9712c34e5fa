#include "supervisor/engine/why.h"

#include "common/timetext.h"
#include "supervisor/engine/budgets.h"
#include "supervisor/engine/gates.h"
#include "supervisor/engine/idle.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/ledger.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/overlap.h"
#include "supervisor/engine/pauses.h"
#include "supervisor/engine/plan.h"
#include "supervisor/engine/pressure.h"
#include "supervisor/engine/room.h"
#include "supervisor/engine/why_answer.h"

#include <inttypes.h>
#include <stdio.h>

#define LOOKS_MAX 100 /* rows of firings that are looked at for one that was missed */

/* ---- what holds it ------------------------------------------------------------ */

/* What its gate says now, or its gate's command said the last time that it was asked. */
static void
gate_blocker(struct why *w, const struct object_entry *o, const struct schedule *run)
{
    struct firing last = {.schedule = run->id};
    struct scan   s;
    struct view   why;
    char          message[384];
    bool          is_no = o && o->spec.schedule.gate.size && gate_says_no(w->objects, o, run, &why);

    if (is_no) {
        snprintf(message, sizeof(message),
                 "its gate says no: %.*s; a firing meanwhile is suppressed", VIEW_ARG(why));
        why_blocker(w, "gate", message, (struct view){0}, 0, NULL);
        return;
    }
    if (!o || o->spec.schedule.gate.size == 0) return;
    scan_open(&s, w->objects->txn, INDEX_firing_by_schedule, &last, 1, 1);
    if (scan_next(&s, &last) && last.gated) {
        snprintf(message, sizeof(message), "at its last time it did not run: %.*s",
                 VIEW_ARG(last.reason));
        why_note(w, "gate", message, (struct view){0}, 0, NULL);
    }
    scan_close(&s);
}

static void
put_off_blocker(struct why *w, const struct schedule *run)
{
    uint64_t job;
    uint32_t n = pressure_streams(w->memory, w->objects->txn, w->actor, &job);
    char     from[40], message[192], change[64];

    snprintf(message, sizeof(message),
             "it is put off for people since %s: %" PRIu32 " session%s to a person%s",
             instant_text(run->put_off_from, from, sizeof(from)), n,
             n == 1 ? " streams" : "s stream",
             w->memory->streams > n ? ", and others of other companies" : "");
    snprintf(change, sizeof(change), "agentctl job stream %" PRIu64 " --off", job);
    why_blocker(w, "put_off", message, (struct view){0}, run->due_at, job ? change : NULL);
}

/* So many jobs that the end of one lets nothing fire: when they have ended nobody knows. */
static void
backlog_blocker(struct why *w, const struct msg_schedule *s, const struct schedule *run,
                const struct job_state *first)
{
    char holder[32], message[256], change[192];

    snprintf(holder, sizeof(holder), "job %" PRIu64, first->id);
    snprintf(message, sizeof(message), "%" PRIu32 " jobs of it have not ended, %s is the first: %s",
             run->in_flight, holder, overlap_meanwhile(s));
    snprintf(change, sizeof(change), "agentctl job cancel-many --schedule %.*s",
             VIEW_ARG(objects_ref(w->objects, run->id)));
    why_blocker(w, "in_flight", message, view_str(holder), 0, change);
}

/* Only what would suppress the next firing holds it; of the others it is told. */
static void
in_flight_blocker(struct why *w, const struct msg_schedule *s, const struct schedule *run)
{
    const struct schedule with_one_less = {.in_flight = run->in_flight ? run->in_flight - 1 : 0};
    struct job_state      j;
    int64_t               end = 0;
    char                  holder[32], message[256], change[64];

    if (!overlap_first_job(w->objects->txn, run->id, &j)) return;
    if (overlap_holds(s, &with_one_less)) {
        backlog_blocker(w, s, run, &j);
        return;
    }
    if (j.state == JOB_RUNNING) end = room_thought_end(w->objects, w->memory, w->now, &j);
    snprintf(holder, sizeof(holder), "job %" PRIu64, j.id);
    snprintf(message, sizeof(message), "%s of it is %s: %s", holder,
             j.stop_reason ? "being stopped" : job_state_name(j.state), overlap_meanwhile(s));
    snprintf(change, sizeof(change), "agentctl job cancel %" PRIu64, j.id);
    if (overlap_holds(s, run)) {
        why_blocker(w, "in_flight", message, view_str(holder), end, j.stop_reason ? NULL : change);
    } else {
        why_note(w, "in_flight", message, view_str(holder), end, NULL);
    }
}

static void
budget_blocker(struct why *w, const struct schedule *run)
{
    char change[160];

    if (budget_has_room(w->objects, run->id)) return;
    snprintf(change, sizeof(change), "raise schedule %.*s's daily limits",
             VIEW_ARG(objects_ref(w->objects, run->id)));
    why_blocker(w, "budget", "its budget of the day is used up: a firing meanwhile is missed",
                (struct view){0}, ledger_next_day(w->objects, run->id, w->now->wall_ms), change);
}

/* ---- its times ---------------------------------------------------------------- */

int64_t
why_next_firing(struct why *w, const struct schedule *run)
{
    const struct object_entry *o = objects_get(w->objects, run->id);

    return o ? idle_next(w->objects->txn, o, run) : run->next_at;
}

static void
idle_blocker(struct why *w, const struct schedule *run, int64_t next_at)
{
    char message[160], change[160];

    if (next_at == run->next_at || run->idle_streak == 0) return;
    snprintf(message, sizeof(message), "it found nothing to do %" PRIu32 " time%s in a row: %s",
             run->idle_streak, run->idle_streak == 1 ? "" : "s",
             next_at ? "times before that are left out" : "its last times are left out");
    snprintf(change, sizeof(change), "agentctl schedule run %.*s",
             VIEW_ARG(objects_ref(w->objects, run->id)));
    why_blocker(w, "idle", message, (struct view){0}, next_at, change);
}

static void
crash_loop_blocker(struct why *w, const struct schedule *run)
{
    const struct memory *m = w->memory;
    char                 message[192];

    if (w->now->boot_ms >= m->hold_until_boot || run->due_at == 0 || run->due_at >= m->started_at)
        return;
    snprintf(message, sizeof(message),
             "agentd ended %" PRIu32
             " times in a row unplanned: times that were due before it started wait a while",
             m->meta.crash_row);
    why_blocker(w, "crash_loop", message, (struct view){0},
                w->now->wall_ms + m->hold_until_boot - w->now->boot_ms, NULL);
}

/* The next time that is to fire, which is ahead. */
static void
next_time_blocker(struct why *w, const struct object_entry *o, const struct schedule *run,
                  int64_t next_at)
{
    const struct msg_schedule *s = &o->spec.schedule;
    struct timing              ti;
    char                       at[40], due[40], message[384];

    timing_open(&ti, w->objects, o);
    instant_text(next_at, at, sizeof(at));
    instant_text(run->due_at, due, sizeof(due));
    if (run->due_at == next_at) {
        snprintf(message, sizeof(message), "its next time is %s", at);
        why_blocker(w, "due_later", message, (struct view){0}, run->due_at, NULL);
    } else if (timing_is_quiet(&ti, next_at) || run->due_at > timing_due(&ti, next_at)) {
        snprintf(message, sizeof(message),
                 "its next time, %s, is put off to the end of its quiet hours, %.*s: to %s", at,
                 VIEW_ARG(s->quiet_hours), due);
        why_blocker(w, "quiet_hours", message, (struct view){0}, run->due_at, NULL);
    } else {
        snprintf(message, sizeof(message),
                 "its next time, %s, is put off by its offset and jitter: to %s", at, due);
        why_blocker(w, "due_later", message, (struct view){0}, run->due_at, NULL);
    }
}

static void
time_blockers(struct why *w, const struct object_entry *o, const struct schedule *run)
{
    const char *end = plan_end_reason(&o->spec.schedule, run, w->now->wall_ms);
    int64_t     next_at = why_next_firing(w, run);
    char        message[192];

    if (end) {
        snprintf(message, sizeof(message), "it has ended: %s", end);
        why_blocker(w, "ended", message, (struct view){0}, 0,
                    "change its times, or run it by hand");
    } else if (run->next_at == 0) {
        why_blocker(w, "due_later", "it fires after the machine's next boot", (struct view){0}, 0,
                    NULL);
    } else if (next_at && run->due_at > w->now->wall_ms && !pressure_is_on(run)) {
        next_time_blocker(w, o, run, next_at);
    }
    idle_blocker(w, run, next_at);
    crash_loop_blocker(w, run);
}

/* ---- what became of the last ones --------------------------------------------- */

/* A row of a time that has still to come is from before the clock went back (N27). */
static void
clock_note(struct why *w, const struct firing *newest)
{
    char at[40], message[192];

    if (newest->nominal_at <= w->now->wall_ms || newest->kind != FIRING_REGULAR ||
        newest->number == 0)
        return;
    snprintf(message, sizeof(message),
             "the clock went back: what fired of its times up to %s does not come again",
             instant_text(newest->nominal_at, at, sizeof(at)));
    why_note(w, "clock", message, (struct view){0}, 0, NULL);
}

static void
missed_note(struct why *w, const struct firing *f)
{
    char from[40], until[40], message[512];

    instant_text(f->nominal_at, from, sizeof(from));
    if (f->count > 1) {
        snprintf(message, sizeof(message),
                 "the last times that were missed: %" PRIu64 " from %s to %s: %.*s", f->count, from,
                 instant_text(f->until_at, until, sizeof(until)), VIEW_ARG(f->reason));
    } else {
        snprintf(message, sizeof(message), "the last time that was missed: %s: %.*s", from,
                 VIEW_ARG(f->reason));
    }
    why_note(w, "missed", message, (struct view){0}, 0, NULL);
}

static void
history_notes(struct why *w, uint32_t schedule)
{
    struct firing row = {.schedule = schedule};
    struct scan   s;

    scan_open(&s, w->objects->txn, INDEX_firing_by_schedule, &row, 1, 1);
    for (int i = 0; i < LOOKS_MAX && scan_next(&s, &row); i++) {
        if (i == 0) clock_note(w, &row);
        if (row.outcome != FIRING_MISSED) continue;
        missed_note(w, &row);
        break;
    }
    scan_close(&s);
}

static void
schedule_blockers(struct why *w, const struct schedule *run)
{
    const struct object_entry *o = objects_get(w->objects, run->id);

    why_schedule_pause(w, "it", run);
    if (w->memory->meta.stops & STOP_NEW)
        why_finding(w, &(struct finding){.predicate = HELD_STOPPED});
    if (w->memory->is_draining || w->memory->meta.stops & STOP_DRAIN)
        why_finding(w, &(struct finding){.predicate = HELD_DRAINING});
    why_pauses(w, run->company, run->agent);
    why_clock(w);
    budget_blocker(w, run);
    gate_blocker(w, o, run);
    if (o) time_blockers(w, o, run);
    if (pressure_is_on(run)) put_off_blocker(w, run);
    if (o) in_flight_blocker(w, &o->spec.schedule, run);
    history_notes(w, run->id);
}

enum errc
read_schedule_why(struct reading *r, const struct msg_schedule_why *m)
{
    const struct object_entry *o;
    uint32_t                   company = 0;
    struct schedule            run = {0};
    struct why                 w;

    if (object_ref(r->txn, r->actor, KIND_SCHEDULE, m->name, "name", &company, &run.id, r->e))
        return r->e->code;
    if (schedule_by_id(r->txn, &run) != LOAD_FOUND)
        return err_set(r->e, E_DAMAGED, "the schedule's record is damaged");
    why_open(&w, r);
    mp_put_str(r->reply, &w.map, "name", m->name);
    o = objects_get(w.objects, run.id);
    mp_put_cstr(r->reply, &w.map, "status",
                o ? plan_status(&o->spec.schedule, &run, w.now->wall_ms) : "damaged");
    mp_put_time(r->reply, &w.map, "next_fire_at", why_next_firing(&w, &run));
    mp_put_time(r->reply, &w.map, "due_at", run.due_at);
    why_blockers(&w);
    schedule_blockers(&w, &run);
    why_close(&w, true, NULL);
    return E_OK;
}
