#include "supervisor/engine/why.h"

#include "common/timetext.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/lanes.h"
#include "supervisor/engine/views.h"
#include "supervisor/engine/why_answer.h"

#include <inttypes.h>
#include <stdio.h>

static void
ready_blockers(struct why *w, const struct job_state *j)
{
    struct lane     lane = {.id = j->lane};
    struct snapshot s;
    struct finding  f;

    bool is_found = lane_load(w->objects->txn, &lane) == LOAD_FOUND;

    lane.schedule = j->schedule; /* where it will wait when it is its turn (dispatch.c) */
    snapshot_take(&s, w->memory, w->objects);
    for (enum predicate after = HELD_NOT;
         snapshot_blocks(&s, PASS, is_found ? &lane : NULL, after, &f); after = f.predicate) {
        why_finding(w, &f);
    }
    if (!is_found) return;
    for (enum predicate after = HELD_NOT; snapshot_blocks(&s, LANE, &lane, after, &f);
         after = f.predicate) {
        why_finding(w, &f);
    }
    if (lane.head != j->id) {
        char head[32], message[128];

        snprintf(head, sizeof(head), "job %" PRIu64, lane.head);
        snprintf(message, sizeof(message), "%s meets the same limits and goes first", head);
        why_note(w, "order", message, view_str(head), 0, "raise its priority");
    }
}

/* How often it snoozed, counted up to the rows that a read examines. */
static uint32_t
count_snoozes(struct txn *t, uint64_t job)
{
    struct attempt a = {.job = job};
    struct scan    s;
    uint32_t       n = 0, examined = 0;

    scan_open(&s, t, PRIMARY_ATTEMPT, &a, 1, 1);
    while (examined++ < READ_ROWS_MAX && scan_next(&s, &a))
        n += a.outcome == ATTEMPT_SNOOZED;
    scan_close(&s);
    return n;
}

static void
scheduled_blocker(struct why *w, const struct job_state *j)
{
    struct attempt last = {.job = j->id, .attempt = j->attempt};
    char           at[40], message[128], change[64];
    uint32_t       snoozes = 0;

    why_clock(w);
    if (j->run_at <= w->now->wall_ms) return;
    if (attempt_load(w->objects->txn, &last) == LOAD_FOUND && last.outcome == ATTEMPT_SNOOZED)
        snoozes = count_snoozes(w->objects->txn, j->id);
    instant_text(j->run_at, at, sizeof(at));
    if (snoozes) {
        snprintf(message, sizeof(message), "it snoozes until %s: %" PRIu32 " snooze%s so far", at,
                 snoozes, snoozes > 1 ? "s" : "");
    } else {
        snprintf(message, sizeof(message), "%s until %s",
                 j->flags & JOB_FLAG_RETRY ? "it waits for its retry" : "it is not due", at);
    }
    snprintf(change, sizeof(change), "agentctl job retry %" PRIu64 " starts it now", j->id);
    why_blocker(w, "due_later", message, (struct view){0}, j->run_at, change);
}

static void
running_text(struct why *w, const struct job_state *j)
{
    if (j->stop_reason != FAIL_NONE) {
        snprintf(w->text, sizeof(w->text),
                 "it is being stopped (%s); its processes have not all ended yet",
                 failure_rule(j->stop_reason)->name);
    } else {
        snprintf(w->text, sizeof(w->text), "it is running on worker %" PRIu32, j->worker);
    }
}

static void
ended_text(struct why *w, const struct job_state *j)
{
    if (j->failure == FAIL_NONE) {
        snprintf(w->text, sizeof(w->text), "it is over: %s", job_state_name(j->state));
    } else {
        snprintf(w->text, sizeof(w->text), "it is over: %s (%s: %.*s)", job_state_name(j->state),
                 failure_rule(j->failure)->name, VIEW_ARG(j->failure_message));
    }
}

void
why_job_blockers(struct why *w, const struct job_state *j)
{
    if (j->state == JOB_SCHEDULED) scheduled_blocker(w, j);
    if (j->state == JOB_READY) ready_blockers(w, j);
    if (j->state == JOB_RUNNING) running_text(w, j);
    if (job_state_is_end(j->state)) ended_text(w, j);
    if (w->text[0] == '\0')
        snprintf(w->text, sizeof(w->text), "nothing holds it: it starts at once");
}

enum errc
read_job_why(struct reading *r, const struct msg_job_why *m)
{
    struct job_state j;
    struct why       w;

    if (reading_job(r, m->id, &j)) return r->e->code;
    why_open(&w, r);
    mp_put_u64(r->reply, &w.map, "id", m->id);
    mp_put_cstr(r->reply, &w.map, "state",
                view_held(&r->objects, w.memory, &j) ? "parked" : job_state_name(j.state));
    why_blockers(&w);
    why_job_blockers(&w, &j);
    why_close(&w, j.state == JOB_SCHEDULED || j.state == JOB_READY, &j);
    return E_OK;
}
