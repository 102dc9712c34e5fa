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
#include "supervisor/engine/sessions.h"
#include "supervisor/engine/why_answer.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- schedules ---------------------------------------------------------------- */

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
    scan_open(&s, w->objects->txn, PRIMARY_FIRING, &last, 1, 1);
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
    const struct memory *m = w->memory;
    uint64_t             job = 0;
    char                 from[40], message[192], change[64];

    for (uint32_t i = 0; i < m->lease_high && job == 0; i++) {
        if (m->leases[i].is_streaming) job = m->leases[i].id;
    }
    snprintf(message, sizeof(message),
             "it is put off for people since %s: %" PRIu32 " session%s to a person",
             instant_text(run->put_off_from, from, sizeof(from)), m->streams,
             m->streams == 1 ? " streams" : "s stream");
    snprintf(change, sizeof(change), "agentctl job stream %" PRIu64 " --off", job);
    why_blocker(w, "put_off", message, (struct view){0}, run->due_at, job ? change : NULL);
}

static void
in_flight_blocker(struct why *w, const struct msg_schedule *s, const struct schedule *run)
{
    struct job_state j = {.id = run->last_job};
    char             holder[32], message[256], change[64];

    if (run->last_job && job_state_load(w->objects->txn, &j) == LOAD_FOUND &&
        !job_state_is_end(j.state)) {
        snprintf(holder, sizeof(holder), "job %" PRIu64, j.id);
        snprintf(message, sizeof(message), "%s of it is %s: %s", holder, job_state_name(j.state),
                 overlap_meanwhile(s));
        snprintf(change, sizeof(change), "agentctl job cancel %" PRIu64, j.id);
        why_blocker(w, "in_flight", message, view_str(holder),
                    j.state == JOB_RUNNING ? j.lease_expires_at : 0, change);
    } else {
        snprintf(message, sizeof(message),
                 "a job of an older firing was retried and has not ended: %s",
                 overlap_meanwhile(s));
        why_blocker(w, "in_flight", message, (struct view){0}, 0,
                    "cancel that job or wait for its end");
    }
}

/* The next nominal time that is to fire. */
static int64_t
next_firing(struct why *w, const struct schedule *run)
{
    const struct object_entry *o = objects_get(w->objects, run->id);

    return o ? idle_next(w->objects->txn, o, run) : run->next_at;
}

static void
idle_blocker(struct why *w, const struct schedule *run, int64_t next_at)
{
    char message[160], change[160];

    snprintf(message, sizeof(message),
             "it found nothing to do %" PRIu32 " time%s in a row: times before that are left out",
             run->idle_streak, run->idle_streak == 1 ? "" : "s");
    snprintf(change, sizeof(change), "agentctl schedule run %.*s",
             VIEW_ARG(objects_ref(w->objects, run->id)));
    why_blocker(w, "idle", message, (struct view){0}, next_at, change);
}

static void
schedule_blockers(struct why *w, const struct schedule *run)
{
    const struct object_entry *o = objects_get(w->objects, run->id);
    int64_t                    next_at = next_firing(w, run);
    char                       at[40], message[384], change[160];

    if (run->paused) {
        snprintf(message, sizeof(message), "it is paused%s%.*s", run->pause_reason.size ? ": " : "",
                 VIEW_ARG(run->pause_reason));
        snprintf(change, sizeof(change), "agentctl schedule resume %.*s",
                 VIEW_ARG(objects_ref(w->objects, run->id)));
        why_blocker(w, "paused", message, (struct view){0}, 0, change);
    }
    if (w->memory->meta.stops & STOP_NEW)
        why_finding(w, &(struct finding){.predicate = HELD_STOPPED});
    if (w->memory->is_draining || w->memory->meta.stops & STOP_DRAIN)
        why_finding(w, &(struct finding){.predicate = HELD_DRAINING});
    why_pauses(w, run->company, run->agent);
    why_clock(w);
    if (!budget_has_room(w->objects, run->id)) {
        snprintf(change, sizeof(change), "raise schedule %.*s's daily limits",
                 VIEW_ARG(objects_ref(w->objects, run->id)));
        why_blocker(w, "budget", "its budget of the day is used up: a firing meanwhile is missed",
                    (struct view){0}, ledger_next_day(w->objects, run->id, w->now->wall_ms),
                    change);
    }
    gate_blocker(w, o, run);
    if (run->next_at == 0 && o && nominal_is_at_boot(&o->spec.schedule)) {
        why_blocker(w, "due_later", "it fires after the machine's next boot", (struct view){0}, 0,
                    NULL);
    } else if (run->next_at == 0) {
        why_blocker(w, "never", "its expression has no further time", (struct view){0}, 0,
                    "change its cron expression");
    } else if (next_at > w->now->wall_ms) {
        snprintf(message, sizeof(message), "its next time is %s",
                 instant_text(next_at, at, sizeof(at)));
        why_blocker(w, "due_later", message, (struct view){0}, next_at, NULL);
    }
    if (next_at != run->next_at) idle_blocker(w, run, next_at);
    if (run->put_off_from) put_off_blocker(w, run);
    if (run->in_flight > 0 && o) in_flight_blocker(w, &o->spec.schedule, run);
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
    if (schedule_load(r->txn, &run) != LOAD_FOUND)
        return err_set(r->e, E_DAMAGED, "the schedule's record is damaged");
    why_open(&w, r);
    mp_put_str(r->reply, &w.map, "name", m->name);
    o = objects_get(w.objects, run.id);
    mp_put_cstr(r->reply, &w.map, "status", o ? plan_status(&o->spec.schedule, &run) : "damaged");
    mp_put_time(r->reply, &w.map, "next_fire_at", next_firing(&w, &run));
    mp_put_time(r->reply, &w.map, "due_at", run.due_at);
    why_blockers(&w);
    schedule_blockers(&w, &run);
    why_close(&w, true, NULL);
    return E_OK;
}

/* ---- agents and sessions: of the job that they are about ----------------------- */

/* Which job is looked for: of the agent, or of the session; 0: of any. */
struct sought {
    uint32_t company, agent, session;
};

static bool
find_running(struct txn *t, const struct sought *s, struct job_state *j)
{
    struct scan scan;
    bool        found = false;

    *j = (struct job_state){0};
    scan_open(&scan, t, INDEX_job_running, j, 0, 0);
    while (!found && scan_next(&scan, j))
        found = s->agent ? j->agent == s->agent : j->session == s->session;
    scan_close(&scan);
    return found;
}

/* The head that goes first of the agent's lanes. */
static bool
find_ready(struct txn *t, const struct sought *s, struct job_state *j)
{
    struct lane l = {.company = s->company, .agent = s->agent}, best = {0};
    struct scan scan;

    scan_open(&scan, t, INDEX_lane_by_limits, &l, 2, 2);
    while (scan_next(&scan, &l)) {
        if (l.head == 0) continue;
        if (best.head == 0 || l.head_priority > best.head_priority ||
            (l.head_priority == best.head_priority && l.head_run_at < best.head_run_at))
            best = l;
    }
    scan_close(&scan);
    *j = (struct job_state){.id = best.head};
    return best.head && job_state_load(t, j) == LOAD_FOUND;
}

/* Among the first that a read may examine. */
static bool
find_scheduled(struct txn *t, const struct sought *s, struct job_state *j)
{
    struct scan scan;
    uint32_t    examined = 0;
    bool        found = false;

    *j = (struct job_state){0};
    scan_open(&scan, t, INDEX_job_due, j, 0, 0);
    while (!found && examined++ < READ_ROWS_MAX && scan_next(&scan, j))
        found = j->agent == s->agent;
    scan_close(&scan);
    return found;
}

/* The last job of the schedule that owns the session, if it has not ended. */
static bool
find_of_session(struct txn *t, const struct sought *s, struct job_state *j)
{
    struct schedule run = {0};
    struct scan     scan;
    bool            found = false;

    scan_open(&scan, t, PRIMARY_SCHEDULE, &run, 0, 0);
    while (!found && scan_next(&scan, &run))
        found = run.session == s->session;
    scan_close(&scan);
    *j = (struct job_state){.id = run.last_job};
    return found && j->id && job_state_load(t, j) == LOAD_FOUND && !job_state_is_end(j->state);
}

static void
put_job(struct why *w, const struct job_state *j)
{
    mp_put_time(w->reply, &w->map, "job", (int64_t)j->id); /* nil for none */
}

/* What holds the job that was found, or what was said before. */
static void
close_with_job(struct why *w, const struct job_state *j)
{
    w->about = j->id;
    if (j->id) why_job_blockers(w, j);
    why_close(w, j->state == JOB_SCHEDULED || j->state == JOB_READY || j->id == 0,
              j->id ? j : NULL);
}

/* Nothing waits for the agent: when its next schedule fires, if one does. */
static void
idle_blockers(struct why *w, uint32_t company, uint32_t agent)
{
    struct schedule run = {.agent = agent}, next = {0};
    struct scan     s;
    struct view     name;
    char            at[40], message[384];

    why_pauses(w, company, agent);
    scan_open(&s, w->objects->txn, INDEX_schedule_by_agent, &run, 1, 1);
    while (scan_next(&s, &run)) {
        run.next_at = next_firing(w, &run);
        if (run.paused || run.next_at == 0) continue;
        if (next.id == 0 || run.next_at < next.next_at) next = run;
    }
    scan_close(&s);
    name = objects_ref(w->objects, next.id ? next.id : agent);
    if (next.id) {
        snprintf(message, sizeof(message), "it has no job; its schedule %.*s fires next at %s",
                 VIEW_ARG(name), instant_text(next.next_at, at, sizeof(at)));
        why_blocker(w, "due_later", message, name, next.next_at, NULL);
    } else {
        snprintf(message, sizeof(message), "agentctl agent wake %.*s", VIEW_ARG(name));
        why_blocker(w, "no_job", "it has no job, and no schedule that wakes it", (struct view){0},
                    0, message);
    }
}

enum errc
read_agent_why(struct reading *r, const struct msg_agent_why *m)
{
    struct sought    s = {0};
    struct agent     row = {0};
    struct job_state j = {0};
    struct why       w;
    bool             found;

    if (object_ref(r->txn, r->actor, KIND_AGENT, m->name, "name", &s.company, &s.agent, r->e))
        return r->e->code;
    row.id = s.agent;
    if (agent_load(r->txn, &row) != LOAD_FOUND) row = (struct agent){.id = s.agent};
    if (row.company) s.company = row.company;
    found = row.open_jobs && (find_running(r->txn, &s, &j) || find_ready(r->txn, &s, &j) ||
                              find_scheduled(r->txn, &s, &j));
    if (!found) j = (struct job_state){0};
    why_open(&w, r);
    mp_put_str(r->reply, &w.map, "name", m->name);
    mp_put_cstr(r->reply, &w.map, "status", is_paused(r->txn, 0, s.agent) ? "paused" : "active");
    put_job(&w, &j);
    why_blockers(&w);
    if (!found) idle_blockers(&w, s.company, s.agent);
    close_with_job(&w, &j);
    return E_OK;
}

enum errc
read_session_why(struct reading *r, const struct msg_session_why *m)
{
    struct sought    s = {0};
    struct job_state j = {0};
    struct why       w;

    if (object_company(r->txn, r->actor, m->company, &s.company, r->e)) return r->e->code;
    s.session = session_find(r->txn, s.company, m->key);
    if (s.session == 0)
        return err_set(r->e, E_NOT_FOUND, "there is no session \"%.*s\"", VIEW_ARG(m->key));
    if (!find_running(r->txn, &s, &j) && !find_of_session(r->txn, &s, &j))
        j = (struct job_state){0};
    why_open(&w, r);
    mp_put_str(r->reply, &w.map, "key", m->key);
    mp_put_cstr(r->reply, &w.map, "state", j.id ? job_state_name(j.state) : "idle");
    put_job(&w, &j);
    why_blockers(&w);
    if (j.id == 0) {
        why_blocker(&w, "no_job", "nothing waits in it: it has no unfinished job", (struct view){0},
                    0, NULL);
    }
    close_with_job(&w, &j);
    return E_OK;
}
