#include "supervisor/engine/why.h"

#include "common/timetext.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/overlap.h"
#include "supervisor/engine/pauses.h"
#include "supervisor/engine/sessions.h"
#include "supervisor/engine/why_answer.h"

#include <inttypes.h>
#include <stdio.h>

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

/* The first job that has not ended of the schedule that owns the session. */
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
    return found && overlap_first_job(t, run.id, j);
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
        run.next_at = why_next_firing(w, &run);
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

/* It can be resumed when somebody is there to process its events. */
static void
held_blocker(struct why *w, const struct session *s)
{
    struct err  e = {0};
    uint32_t    handler;
    const char *mend = "";
    char        change[448];

    if (session_handler(w->objects, &w->memory->limits, s->company, s->agent, &handler, &e)) {
        mend = s->agent ? "give its agent a handler; then " : "set sessions.handler; then ";
    }
    snprintf(change, sizeof(change), "%sagentctl session resume %.*s, or with --skip", mend,
             VIEW_ARG(s->name));
    why_blocker(w, "held",
                arena_printf(txn_arena(w->objects->txn), "it is held: %.*s", VIEW_ARG(s->reason)),
                (struct view){0}, 0, change);
}

/* What it does not process for, when it has no job. */
static void
session_blockers(struct why *w, const struct session *s)
{
    char change[384];

    if (s->status == SESSION_HELD) {
        held_blocker(w, s);
    } else if (s->status == SESSION_CLOSED) {
        snprintf(change, sizeof(change), "agentctl session open %.*s", VIEW_ARG(s->name));
        why_blocker(w, "closed", "it is closed", (struct view){0}, 0, change);
    } else {
        why_blocker(w, "no_job", "nothing waits in it: it has no unfinished job", (struct view){0},
                    0, NULL);
    }
}

/* What its job is doing; without one what it is itself. */
static const char *
session_state(const struct session *s, const struct job_state *j)
{
    if (j->id) return job_state_name(j->state);
    return s->status == SESSION_OPEN ? "idle" : session_status_name(s->status);
}

enum errc
read_session_why(struct reading *r, const struct msg_session_why *m)
{
    struct sought    s = {0};
    struct session   row;
    struct job_state j = {0};
    struct why       w;
    bool             is_found;

    if (object_company(r->txn, r->actor, m->company, &s.company, r->e)) return r->e->code;
    row = (struct session){.company = s.company, .name = m->key};
    if (rec_find(r->txn, INDEX_session_by_name, &row) != LOAD_FOUND)
        return session_unknown(m->key, r->e);
    s.session = row.id;
    j.id = row.job;
    is_found = session_is_schedules(row.name)
                   ? find_running(r->txn, &s, &j) || find_of_session(r->txn, &s, &j)
                   : row.job && job_state_load(r->txn, &j) == LOAD_FOUND;
    if (!is_found) j = (struct job_state){0};
    why_open(&w, r);
    mp_put_str(r->reply, &w.map, "key", m->key);
    mp_put_cstr(r->reply, &w.map, "state", session_state(&row, &j));
    mp_put_u64(r->reply, &w.map, "waiting", row.waiting);
    put_job(&w, &j);
    why_blockers(&w);
    if (j.id == 0) session_blockers(&w, &row);
    close_with_job(&w, &j);
    return E_OK;
}
