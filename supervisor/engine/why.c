#include "supervisor/engine/why.h"

#include "common/timetext.h"
#include "supervisor/engine/breakers.h"
#include "supervisor/engine/caps.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/ledger.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/pauses.h"
#include "supervisor/engine/reasons.h"
#include "supervisor/engine/views.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HOLDERS_MAX 5 /* named; of the others the number is told */

/* The answer as it grows: the first sentence is the text. */
struct why {
    const struct memory *memory;
    struct objects      *objects;
    struct buf          *reply;
    struct mp_open_map   map;
    size_t               blockers;
    uint32_t             count;
    int64_t              earliest_at; /* the latest of what the blockers are known to wait for */
    bool                 is_unknown;  /* nobody knows when some blocker ends */
    char                 text[512];
    char                 change[512]; /* of all blockers together */
};

static void
put_blocker(struct why *w, const char *predicate, const char *message, struct view holder,
            int64_t until_at, const char *change)
{
    struct buf        *b = w->reply;
    struct mp_open_map m = mp_open(b);

    mp_put_cstr(b, &m, "predicate", predicate);
    mp_put_cstr(b, &m, "message", message);
    mp_put_str_or_nil(b, &m, "holder", holder);
    mp_put_time(b, &m, "until_at", until_at);
    mp_put_cstr(b, &m, "change", change);
    mp_close(b, &m);
    if (w->count == 0) snprintf(w->text, sizeof(w->text), "%s", message);
    if (change) {
        size_t used = strlen(w->change);

        snprintf(w->change + used, sizeof(w->change) - used, "%s%s", used ? "; and " : "", change);
    }
    w->count++;
}

/* until_at 0: nobody knows. */
static void
blocker(struct why *w, const char *predicate, const char *message, struct view holder,
        int64_t until_at, const char *change)
{
    put_blocker(w, predicate, message, holder, until_at, change);
    if (until_at == 0) w->is_unknown = true;
    if (until_at > w->earliest_at) w->earliest_at = until_at;
}

/* The running jobs that count under a limit, by the end of their leases. */
struct holders {
    uint64_t ids[HOLDERS_MAX];
    uint32_t count;
    int64_t  first_end; /* when the first of them must end; 0: there is none */
    char     text[160];
};

static bool
counts_under(struct objects *o, const struct job_state *j, const struct finding *f)
{
    switch (f->predicate) {
    case HELD_NO_SLOT:
    case HELD_GLOBAL_CAP: return true;
    case HELD_SCHEDULE_CAP: return j->flags & JOB_FLAG_SCHEDULE_BORN;
    case HELD_COMPANY_CAP: return j->company == f->on;
    case HELD_AGENT_CAP: return j->agent == f->on;
    case HELD_HANDLER_CAP: return j->handler == f->on;
    case HELD_BREAKER: return breaker_of(o, j->handler) == f->on;
    default: return false;
    }
}

static void
find_holders(struct why *w, const struct finding *f, struct holders *h)
{
    struct job_state j = {0};
    struct scan      s;
    size_t           used;

    *h = (struct holders){0};
    scan_open(&s, w->objects->txn, INDEX_job_running, &j, 0, 0);
    while (scan_next(&s, &j)) {
        if (!counts_under(w->objects, &j, f)) continue;
        if (h->count < HOLDERS_MAX) h->ids[h->count] = j.id;
        if (h->first_end == 0 || j.lease_expires_at < h->first_end)
            h->first_end = j.lease_expires_at;
        h->count++;
    }
    scan_close(&s);
    if (h->count == 0) return;
    used = (size_t)snprintf(h->text, sizeof(h->text), "job%s", h->count > 1 ? "s" : "");
    for (uint32_t i = 0; i < h->count && i < HOLDERS_MAX; i++) {
        used += (size_t)snprintf(h->text + used, sizeof(h->text) - used, "%s %" PRIu64,
                                 i ? "," : "", h->ids[i]);
    }
    if (h->count > HOLDERS_MAX)
        snprintf(h->text + used, sizeof(h->text) - used, " and %" PRIu32 " more",
                 h->count - HOLDERS_MAX);
}

/* owner: whose cap it is, a word before its name; NULL: a setting. */
static void
cap_blocker(struct why *w, const struct finding *f, const char *owner, const char *setting)
{
    struct view    name = objects_ref(w->objects, f->on);
    struct holders h;
    char           cap[160], message[256], change[256];

    if (owner) {
        snprintf(cap, sizeof(cap), "%s %.*s's cap", owner, VIEW_ARG(name));
    } else {
        snprintf(cap, sizeof(cap), "%s", setting ? setting : "");
    }
    find_holders(w, f, &h);
    snprintf(message, sizeof(message), "%s: %" PRIu64 " of %" PRId64 " running", cap, f->used,
             f->limit);
    snprintf(change, sizeof(change), "raise %s from %" PRId64 " to %" PRIu64, cap, f->limit,
             f->used + 1);
    blocker(w, predicate_name(f->predicate), message, view_str(h.text), h.first_end, change);
}

static void
slot_blocker(struct why *w, const struct finding *f)
{
    struct holders h;
    char           message[160];

    find_holders(w, f, &h);
    if (h.count < f->limit) {
        snprintf(message, sizeof(message),
                 "no worker slot is free: %" PRIu32 " of %" PRId64
                 " run jobs, the others deliver or are kept beside a job that runs alone",
                 h.count, f->limit);
    } else {
        snprintf(message, sizeof(message), "all %" PRId64 " worker slots are busy", f->limit);
    }
    blocker(w, "no_slot", message, view_str(h.text), h.first_end,
            "agentctl worker scale N with a larger N");
}

/* kind: "company" or "agent". */
static void
pause_blocker(struct why *w, const struct finding *f, const char *kind)
{
    struct view  name = objects_ref(w->objects, f->on);
    struct pause row;
    char         message[448], change[160];

    (void)pause_of(w->objects->txn, f->on, &row);
    snprintf(message, sizeof(message), "%s %.*s is paused%s%.*s", kind, VIEW_ARG(name),
             row.reason.size ? ": " : "", VIEW_ARG(row.reason));
    snprintf(change, sizeof(change), "agentctl %s resume %.*s", kind, VIEW_ARG(name));
    blocker(w, "paused", message, (struct view){0}, 0, change);
}

static void
breaker_blocker(struct why *w, const struct finding *f)
{
    struct breaker b;
    struct holders h;
    struct view    name;
    char           at[40], message[384], change[192];

    (void)breaker_get(w->objects->txn, f->on, &b);
    name = breaker_name(w->objects, &b);
    snprintf(change, sizeof(change), "agentctl breaker reset %.*s", VIEW_ARG(name));
    if (b.state == BREAKER_OPEN) {
        snprintf(message, sizeof(message), "the breaker of %.*s is open until %s (%s: %.*s)",
                 VIEW_ARG(name), instant_text(b.open_until, at, sizeof(at)),
                 failure_rule(b.failure)->name, VIEW_ARG(b.message));
        blocker(w, "breaker", message, (struct view){0}, b.open_until, change);
        return;
    }
    find_holders(w, f, &h);
    snprintf(message, sizeof(message), "the breaker of %.*s is half open: one job at a time tries",
             VIEW_ARG(name));
    blocker(w, "breaker", message, view_str(h.text), h.first_end, change);
}

static void
draining_blocker(struct why *w)
{
    if (w->memory->is_draining) {
        blocker(w, "draining", "agentd is stopping: nothing new starts", (struct view){0}, 0,
                "start agentd again");
    } else {
        blocker(w, "draining", "an operator drains agentd: nothing new starts", (struct view){0}, 0,
                "agentctl resume");
    }
}

static void
budget_blocker(struct why *w, const struct finding *f, const char *owner)
{
    struct view name = objects_ref(w->objects, f->on);
    char        message[320], change[256];
    /* A limit of 0 is there tomorrow, too. */
    int64_t until_at = f->limit ? ledger_next_day(w->objects, f->on, w->objects->now_ms) : 0;

    snprintf(message, sizeof(message),
             "%s %.*s's budget of the day: %" PRIu64 " of %" PRId64
             " %s are used or reserved, a start reserves %" PRIu64,
             owner, VIEW_ARG(name), f->used, f->limit, f->dimension, f->wanted);
    snprintf(change, sizeof(change), "raise %s %.*s's daily_%s from %" PRId64 " to %" PRIu64, owner,
             VIEW_ARG(name), f->dimension, f->limit, f->enough);
    blocker(w, predicate_name(f->predicate), message, (struct view){0}, until_at, change);
}

static void
predicate_blocker(struct why *w, const struct finding *f)
{
    switch (f->predicate) {
    case HELD_DRAINING: draining_blocker(w); break;
    case HELD_NO_WORKER:
        blocker(w, "no_worker", "no worker is up", (struct view){0}, 0,
                "agentctl worker list tells why");
        break;
    case HELD_NO_SLOT: slot_blocker(w, f); break;
    case HELD_GLOBAL_CAP: cap_blocker(w, f, NULL, "limits.max_concurrent"); break;
    case HELD_SCHEDULE_CAP: cap_blocker(w, f, NULL, "limits.schedule_max_concurrent"); break;
    case HELD_COMPANY_CAP: cap_blocker(w, f, "company", NULL); break;
    case HELD_AGENT_CAP: cap_blocker(w, f, "agent", NULL); break;
    case HELD_HANDLER_CAP: cap_blocker(w, f, "handler", NULL); break;
    case HELD_ALONE:
        blocker(w, "alone", "it lost its worker before and runs alone now: no worker is empty",
                (struct view){0}, 0, "agentctl worker scale N with a larger N");
        break;
    case HELD_BREAKER: breaker_blocker(w, f); break;
    case HELD_STOPPED:
        blocker(w, "stopped", "an operator stopped agentd: nothing new starts", (struct view){0}, 0,
                "agentctl resume");
        break;
    case HELD_COMPANY_PAUSED: pause_blocker(w, f, "company"); break;
    case HELD_AGENT_PAUSED: pause_blocker(w, f, "agent"); break;
    case HELD_SCHEDULE_BUDGET: budget_blocker(w, f, "schedule"); break;
    case HELD_COMPANY_BUDGET: budget_blocker(w, f, "company"); break;
    case HELD_AGENT_BUDGET: budget_blocker(w, f, "agent"); break;
    case HELD_NOT:
    case HELD_COUNT: break;
    }
}

static void
ready_blockers(struct why *w, const struct memory *m, const struct job_state *j)
{
    struct lane     lane = {.id = j->lane};
    struct snapshot s;
    struct finding  f;

    snapshot_take(&s, m, w->objects);
    for (enum predicate after = HELD_NOT; snapshot_blocks(&s, PASS, NULL, after, &f);
         after = f.predicate) {
        predicate_blocker(w, &f);
    }
    if (lane_load(w->objects->txn, &lane) != LOAD_FOUND) return;
    for (enum predicate after = HELD_NOT; snapshot_blocks(&s, LANE, &lane, after, &f);
         after = f.predicate) {
        predicate_blocker(w, &f);
    }
    if (lane.head != j->id) {
        char head[32], message[128];

        snprintf(head, sizeof(head), "job %" PRIu64, lane.head);
        snprintf(message, sizeof(message), "%s meets the same limits and goes first", head);
        put_blocker(w, "order", message, view_str(head), 0, "raise its priority");
    }
}

static void
scheduled_blocker(struct why *w, const struct job_state *j, const struct now *now,
                  bool clock_is_held)
{
    char at[40], message[128];

    if (clock_is_held) {
        blocker(w, "clock", "the wall clock is not yet synchronised", (struct view){0}, 0,
                "agentctl clock accept");
    }
    if (j->run_at <= now->wall_ms) return;
    snprintf(message, sizeof(message), "%s until %s",
             j->flags & JOB_FLAG_RETRY ? "it waits for its retry" : "it is not due",
             instant_text(j->run_at, at, sizeof(at)));
    blocker(w, "due_later", message, (struct view){0}, j->run_at,
            "agentctl job retry starts it now");
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

static void
why_open(struct why *w, const struct memory *m, struct objects *o, struct buf *reply)
{
    *w = (struct why){.memory = m, .objects = o, .reply = reply, .map = mp_open(reply)};
}

static void
blockers_open(struct why *w)
{
    mp_key(w->reply, &w->map, "blockers");
    w->blockers = mp_array_open(w->reply);
}

static void
blockers_close(struct why *w)
{
    mp_array_close(w->reply, w->blockers, w->count);
}

/* Nothing for what has started, or when nobody knows. */
static void
put_earliest(struct why *w, const struct job_state *j, const struct now *now)
{
    int64_t at = w->earliest_at > now->wall_ms ? w->earliest_at : now->wall_ms;

    if (w->is_unknown || (j->state != JOB_SCHEDULED && j->state != JOB_READY)) at = 0;
    mp_put_time(w->reply, &w->map, "earliest_at", at);
}

enum errc
why_job(struct engine *en, struct txn *t, const struct now *now, const struct actor *a, uint64_t id,
        struct buf *reply, struct err *e)
{
    struct objects   o;
    struct job_state j;
    struct why       w;
    bool             clock_is_held = en->turn.header.clock_is_held && !en->memory.clock_accepted;

    if (job_get(t, a, id, &j, e)) return e->code;
    objects_init(&o, t);
    o.is_read = true;
    o.now_ms = now->wall_ms;
    why_open(&w, &en->memory, &o, reply);
    mp_put_u64(reply, &w.map, "id", id);
    mp_put_cstr(reply, &w.map, "state",
                view_held(&o, &en->memory, &j) ? "parked" : job_state_name(j.state));
    blockers_open(&w);
    if (j.state == JOB_SCHEDULED) scheduled_blocker(&w, &j, now, clock_is_held);
    if (j.state == JOB_READY) ready_blockers(&w, &en->memory, &j);
    blockers_close(&w);
    if (j.state == JOB_RUNNING) running_text(&w, &j);
    if (job_state_is_end(j.state)) ended_text(&w, &j);
    if (w.text[0] == '\0') snprintf(w.text, sizeof(w.text), "nothing holds it: it starts at once");
    mp_put_cstr(reply, &w.map, "text", w.text);
    put_earliest(&w, &j, now);
    mp_put_cstr(reply, &w.map, "change", w.change[0] ? w.change : NULL);
    mp_key(reply, &w.map, "history");
    reasons_put(&o, &j, now->wall_ms, reply);
    mp_close(reply, &w.map);
    return E_OK;
}

/* ---- schedules ---------------------------------------------------------------- */

static void
schedule_blockers(struct why *w, struct engine *en, const struct schedule *run,
                  const struct now *now)
{
    struct job_state j = {.id = run->last_job};
    char             at[40], holder[32], message[384], change[160];

    if (run->paused) {
        snprintf(message, sizeof(message), "it is paused%s%.*s", run->pause_reason.size ? ": " : "",
                 VIEW_ARG(run->pause_reason));
        snprintf(change, sizeof(change), "agentctl schedule resume %.*s",
                 VIEW_ARG(objects_ref(w->objects, run->id)));
        blocker(w, "paused", message, (struct view){0}, 0, change);
    }
    if (en->memory.meta.stops & STOP_NEW)
        predicate_blocker(w, &(struct finding){.predicate = HELD_STOPPED});
    if (en->memory.is_draining || en->memory.meta.stops & STOP_DRAIN)
        predicate_blocker(w, &(struct finding){.predicate = HELD_DRAINING});
    if (is_paused(w->objects->txn, run->company, 0))
        pause_blocker(w, &(struct finding){.on = run->company}, "company");
    if (is_paused(w->objects->txn, 0, run->agent))
        pause_blocker(w, &(struct finding){.on = run->agent}, "agent");
    if (en->turn.header.clock_is_held && !en->memory.clock_accepted) {
        blocker(w, "clock", "the wall clock is not yet synchronised", (struct view){0}, 0,
                "agentctl clock accept");
    }
    if (run->next_at == 0) {
        blocker(w, "never", "its expression has no further time", (struct view){0}, 0,
                "change its cron expression");
    } else if (run->next_at > now->wall_ms) {
        snprintf(message, sizeof(message), "its next time is %s",
                 instant_text(run->next_at, at, sizeof(at)));
        blocker(w, "due_later", message, (struct view){0}, run->next_at, NULL);
    }
    if (run->last_job && job_state_load(w->objects->txn, &j) == LOAD_FOUND &&
        !job_state_is_end(j.state)) {
        snprintf(holder, sizeof(holder), "job %" PRIu64, j.id);
        snprintf(message, sizeof(message), "%s of it is %s: a firing meanwhile is skipped", holder,
                 job_state_name(j.state));
        snprintf(change, sizeof(change), "agentctl job cancel %" PRIu64, j.id);
        blocker(w, "in_flight", message, view_str(holder), j.lease_expires_at, change);
    } else if (run->in_flight > 0) {
        blocker(
            w, "in_flight",
            "a job of an older firing was retried and has not ended: a firing meanwhile is skipped",
            (struct view){0}, 0, "cancel that job or wait for its end");
    }
}

enum errc
why_schedule(struct engine *en, struct txn *t, const struct now *now, const struct actor *a,
             struct view name, struct buf *reply, struct err *e)
{
    uint32_t        company = 0, id;
    struct schedule run = {0};
    struct objects  o;
    struct why      w;

    if (object_ref(t, a, KIND_SCHEDULE, name, "name", &company, &id, e)) return e->code;
    run.id = id;
    if (schedule_load(t, &run) != LOAD_FOUND)
        return err_set(e, E_DAMAGED, "the schedule's record is damaged");
    objects_init(&o, t);
    o.is_read = true;
    o.now_ms = now->wall_ms;
    why_open(&w, &en->memory, &o, reply);
    mp_put_str(reply, &w.map, "name", name);
    mp_put_cstr(reply, &w.map, "status", run.paused ? "paused" : "active");
    blockers_open(&w);
    schedule_blockers(&w, en, &run, now);
    blockers_close(&w);
    if (w.text[0] == '\0') snprintf(w.text, sizeof(w.text), "nothing holds it: it fires at once");
    mp_put_cstr(reply, &w.map, "text", w.text);
    mp_put_time(reply, &w.map, "next_fire_at", run.next_at);
    mp_close(reply, &w.map);
    return E_OK;
}
