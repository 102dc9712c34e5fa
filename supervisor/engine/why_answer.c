#include "supervisor/engine/why_answer.h"

#include "common/timetext.h"
#include "supervisor/engine/breakers.h"
#include "supervisor/engine/budgets.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/pauses.h"
#include "supervisor/engine/reasons.h"
#include "supervisor/engine/room.h"
#include "supervisor/engine/wallclock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HOLDERS_MAX 5 /* named; of the others the number is told */

/* ---- the answer --------------------------------------------------------------- */

void
why_open(struct why *w, struct reading *r)
{
    *w = (struct why){.memory = &r->engine->memory,
                      .actor = r->actor,
                      .objects = &r->objects,
                      .now = r->now,
                      .is_clock_held = wallclock_is_held(r->engine),
                      .reply = r->reply,
                      .map = mp_open(r->reply)};
}

void
why_blockers(struct why *w)
{
    mp_key(w->reply, &w->map, "blockers");
    w->blockers = mp_array_open(w->reply);
}

void
why_note(struct why *w, const char *predicate, const char *message, struct view holder,
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

void
why_blocker(struct why *w, const char *predicate, const char *message, struct view holder,
            int64_t until_at, const char *change)
{
    why_note(w, predicate, message, holder, until_at, change);
    if (until_at == 0) w->is_unknown = true;
    if (until_at > w->earliest_at) w->earliest_at = until_at;
}

void
why_close(struct why *w, bool is_waiting, const struct job_state *history)
{
    struct buf *b = w->reply;
    int64_t     at = w->earliest_at > w->now->wall_ms ? w->earliest_at : w->now->wall_ms;

    mp_array_close(b, w->blockers, w->count);
    if (w->text[0] == '\0') snprintf(w->text, sizeof(w->text), "nothing holds it");
    mp_put_cstr(b, &w->map, "text",
                w->about ? arena_printf(txn_arena(w->objects->txn), "job %" PRIu64 ": %s", w->about,
                                        w->text)
                         : w->text);
    mp_put_time(b, &w->map, "earliest_at", is_waiting && !w->is_unknown ? at : 0);
    mp_put_cstr(b, &w->map, "change", w->change[0] ? w->change : NULL);
    mp_key(b, &w->map, "history");
    if (history) {
        reasons_put(w->objects, history, w->now->wall_ms, b);
    } else {
        mp_array(b, 0);
    }
    mp_close(b, &w->map);
}

/* ---- the dispatch's predicates ------------------------------------------------- */

/* The running jobs that count under a limit, and when they are thought to end. */
struct holders {
    uint64_t ids[HOLDERS_MAX];
    uint32_t count;
    uint64_t unstopped; /* the first that is not being stopped; 0: there is none */
    int64_t  first_end; /* when the first of them ends; 0: there is none */
    int64_t  last_end;  /* when the last of them ends */
    char     text[160];
};

static void
find_holders(struct why *w, const struct finding *f, struct holders *h)
{
    struct job_state j = {0};
    struct scan      s;
    size_t           used;

    *h = (struct holders){0};
    scan_open(&s, w->objects->txn, INDEX_job_running, &j, 0, 0);
    while (scan_next(&s, &j)) {
        int64_t end;

        if (!finding_counts(w->objects, w->memory, f, &j)) continue;
        end = room_thought_end(w->objects, w->memory, w->now, &j);
        if (h->count < HOLDERS_MAX) h->ids[h->count] = j.id;
        if (h->unstopped == 0 && !j.stop_reason) h->unstopped = j.id;
        if (h->first_end == 0 || end < h->first_end) h->first_end = end;
        if (end > h->last_end) h->last_end = end;
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
    why_blocker(w, predicate_name(f->predicate), message, view_str(h.text), h.first_end, change);
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
                 " run jobs, the others deliver or are kept for a job that runs alone",
                 h.count, f->limit);
    } else {
        snprintf(message, sizeof(message), "all %" PRId64 " worker slots are busy", f->limit);
    }
    why_blocker(w, "no_slot", message, view_str(h.text), h.first_end,
                "agentctl worker scale N with a larger N");
}

/* All that run must end: there may be more than one, of when it had another overlap. */
static void
overlap_blocker(struct why *w, const struct finding *f)
{
    struct view    name = objects_ref(w->objects, f->on);
    struct holders h;
    char           message[448], change[64];

    if (f->on == w->memory->clearing) {
        snprintf(message, sizeof(message),
                 "the jobs of schedule %.*s are being cancelled for its next firing (overlap "
                 "cancel_running)",
                 VIEW_ARG(name));
        why_blocker(w, predicate_name(f->predicate), message, (struct view){0}, 0, NULL);
        return;
    }
    find_holders(w, f, &h);
    snprintf(message, sizeof(message), "%s of schedule %.*s %s %s: the next starts when %s ended",
             h.text, VIEW_ARG(name), h.count == 1 ? "is" : "are",
             h.unstopped ? "in flight" : "being stopped", h.count == 1 ? "it has" : "they have");
    snprintf(change, sizeof(change), "agentctl job cancel %" PRIu64, h.unstopped);
    why_blocker(w, predicate_name(f->predicate), message, view_str(h.text), h.last_end,
                h.unstopped ? change : NULL);
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
    why_blocker(w, "paused", message, (struct view){0}, 0, change);
}

void
why_schedule_pause(struct why *w, const char *what, const struct schedule *run)
{
    char until[40], message[448], change[160];

    if (!run->paused) return;
    snprintf(message, sizeof(message), "%s is paused%s%s%s%.*s", what,
             run->pause_until ? " until " : "",
             run->pause_until ? instant_text(run->pause_until, until, sizeof(until)) : "",
             run->pause_reason.size ? ": " : "", VIEW_ARG(run->pause_reason));
    snprintf(change, sizeof(change), "agentctl schedule resume %.*s",
             VIEW_ARG(objects_ref(w->objects, run->id)));
    why_blocker(w, "paused", message, (struct view){0}, run->pause_until, change);
}

static void
schedule_pause_blocker(struct why *w, const struct finding *f)
{
    struct schedule run = {.id = f->on};
    char            what[160];

    if (schedule_by_id(w->objects->txn, &run) != LOAD_FOUND) return; /* it does not hold either */
    snprintf(what, sizeof(what), "schedule %.*s", VIEW_ARG(objects_ref(w->objects, f->on)));
    why_schedule_pause(w, what, &run);
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
        why_blocker(w, "breaker", message, (struct view){0}, b.open_until, change);
        return;
    }
    find_holders(w, f, &h);
    snprintf(message, sizeof(message), "the breaker of %.*s is half open: one job at a time tries",
             VIEW_ARG(name));
    why_blocker(w, "breaker", message, view_str(h.text), h.first_end, change);
}

static void
draining_blocker(struct why *w)
{
    if (w->memory->is_draining) {
        why_blocker(w, "draining", "agentd is stopping: nothing new starts", (struct view){0}, 0,
                    "start agentd again");
    } else {
        why_blocker(w, "draining", "an operator drains agentd: nothing new starts",
                    (struct view){0}, 0, "agentctl resume");
    }
}

static const char *
budget_owner(enum predicate p)
{
    if (p == HELD_SCHEDULE_BUDGET) return "schedule";
    return p == HELD_COMPANY_BUDGET ? "company" : "agent";
}

/* When it may fit: what runs gives back the rest of its reservation, else the day is over.  A limit
 * of 0 is there tomorrow, too. */
static int64_t
budget_ends_at(struct why *w, const struct budget_raise *r, const struct holders *h)
{
    if (h->first_end) return h->first_end;
    return r->limit ? ledger_next_day(w->objects, r->scope, w->objects->now_ms) : 0;
}

/* All scopes and dimensions at once: what one limit must be raised to depends on the others. */
static void
budget_blockers(struct why *w, uint64_t head)
{
    struct budget_raise all[BUDGET_RAISES_MAX];
    size_t              n = budget_raises(w->objects, &w->memory->limits, head, all);
    char                message[320], change[256];

    if (w->has_budgets) return;
    w->has_budgets = true;
    for (size_t i = 0; i < n; i++) {
        const struct budget_raise *r = &all[i];
        const char                *owner = budget_owner(r->predicate);
        const char                *d = dimension_name(r->dimension);
        struct view                name = objects_ref(w->objects, r->scope);
        struct holders             h = {0};
        const struct finding       f = {.predicate = r->predicate, .on = r->scope};

        if (r->is_held_by_running) find_holders(w, &f, &h);

        snprintf(message, sizeof(message),
                 "%s %.*s's budget of the day: %" PRIu64 " of %" PRId64
                 " %s are used or reserved, a start reserves %" PRIu64,
                 owner, VIEW_ARG(name), r->used, r->limit, d, r->wanted);
        snprintf(change, sizeof(change), "raise %s %.*s's daily_%s from %" PRId64 " to %" PRIu64,
                 owner, VIEW_ARG(name), d, r->limit, r->enough);
        why_blocker(w, predicate_name(r->predicate), message, view_str(h.text),
                    budget_ends_at(w, r, &h), change);
    }
}

/* What runs on the worker that is kept for it must end; for another there is none yet. */
static void
alone_blocker(struct why *w, const struct finding *f)
{
    bool           is_kept = f->lane && w->memory->kept_for == f->lane;
    struct holders h = {0};
    char           message[192];

    if (is_kept) find_holders(w, f, &h);
    if (is_kept) {
        snprintf(message, sizeof(message),
                 "it lost its worker before and runs alone now: worker %" PRIu32
                 " is kept for it and has %" PRIu32 " job%s left",
                 w->memory->kept_worker, h.count, h.count == 1 ? "" : "s");
    } else {
        snprintf(message, sizeof(message),
                 "it lost its worker before and runs alone now: no worker is empty");
    }
    why_blocker(w, "alone", message, view_str(h.text), h.last_end,
                "agentctl worker scale N with a larger N");
}

void
why_finding(struct why *w, const struct finding *f)
{
    switch (f->predicate) {
    case HELD_DRAINING: draining_blocker(w); break;
    case HELD_NO_WORKER:
        why_blocker(w, "no_worker", "no worker is up", (struct view){0}, 0,
                    "agentctl worker list tells why");
        break;
    case HELD_NO_SLOT: slot_blocker(w, f); break;
    case HELD_GLOBAL_CAP: cap_blocker(w, f, NULL, "limits.max_concurrent"); break;
    case HELD_SCHEDULE_CAP: cap_blocker(w, f, NULL, "limits.schedule_max_concurrent"); break;
    case HELD_COMPANY_CAP: cap_blocker(w, f, "company", NULL); break;
    case HELD_AGENT_CAP: cap_blocker(w, f, "agent", NULL); break;
    case HELD_HANDLER_CAP: cap_blocker(w, f, "handler", NULL); break;
    case HELD_ALONE: alone_blocker(w, f); break;
    case HELD_OVERLAP: overlap_blocker(w, f); break;
    case HELD_BREAKER: breaker_blocker(w, f); break;
    case HELD_STOPPED:
        why_blocker(w, "stopped", "an operator stopped agentd: nothing new starts",
                    (struct view){0}, 0, "agentctl resume");
        break;
    case HELD_COMPANY_PAUSED: pause_blocker(w, f, "company"); break;
    case HELD_AGENT_PAUSED: pause_blocker(w, f, "agent"); break;
    case HELD_SCHEDULE_PAUSED: schedule_pause_blocker(w, f); break;
    case HELD_SCHEDULE_BUDGET:
    case HELD_COMPANY_BUDGET:
    case HELD_AGENT_BUDGET: budget_blockers(w, f->head); break;
    case HELD_NOT:
    case HELD_COUNT: break;
    }
}

void
why_clock(struct why *w)
{
    if (!w->is_clock_held) return;
    why_blocker(w, "clock", "the wall clock is not yet synchronised", (struct view){0}, 0,
                "agentctl clock accept");
}

void
why_pauses(struct why *w, uint32_t company, uint32_t agent)
{
    if (is_paused(w->objects->txn, company, 0))
        pause_blocker(w, &(struct finding){.on = company}, "company");
    if (is_paused(w->objects->txn, 0, agent))
        pause_blocker(w, &(struct finding){.on = agent}, "agent");
}
