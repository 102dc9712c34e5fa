#include "supervisor/engine/room.h"

#include "common/timetext.h"
#include "supervisor/engine/breakers.h"
#include "supervisor/engine/budgets.h"
#include "supervisor/engine/caps.h"
#include "supervisor/engine/overlap.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- when ------------------------------------------------------------------------ */

#define UNKNOWN INT64_MAX

int64_t
room_thought_end(struct objects *o, const struct memory *m, const struct now *now,
                 const struct job_state *j)
{
    int64_t         lease = j->lease_end_boot - now->boot_ms, left = lease;
    int64_t         ran = (j->lease_expires_at - j->claimed_at) - lease;
    struct schedule run = {.id = j->schedule};

    if (j->stop_reason) { /* it is being ended */
        left = m->limits.kill_grace_ms;
    } else if (run.id && j->attempt && schedule_by_id(o->txn, &run) == LOAD_FOUND && run.measured) {
        left = (int64_t)(run.avg_run_us / 1000) - ran;
        if (left <= 0) left = lease; /* it takes longer than the others */
    }
    return now->wall_ms + (lease > 0 && lease < left ? lease : left);
}

static int64_t
thought_end(struct engine *en, const struct job_state *j)
{
    return room_thought_end(&en->turn.objects, &en->memory, &en->turn.now, j);
}

static int
by_time(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* When so many of the jobs that count under the limit have ended that one more may start. */
static int64_t
limit_frees(struct engine *en, const struct finding *f)
{
    uint64_t         over = f->limit > 0 ? f->used - (uint64_t)f->limit : UINT64_MAX;
    int64_t         *ends = arena_alloc(&en->turn.arena, SLOTS_MAX * sizeof(*ends));
    struct job_state j = {0};
    struct scan      s;
    uint32_t         n = 0;

    scan_open(&s, turn_txn(en), INDEX_job_running, &j, 0, 0);
    while (n < SLOTS_MAX && scan_next(&s, &j)) {
        if (finding_counts(&en->turn.objects, &en->memory, f, &j)) ends[n++] = thought_end(en, &j);
    }
    scan_close(&s);
    qsort(ends, n, sizeof(*ends), by_time);
    return over < n ? ends[over] : UNKNOWN;
}

static int64_t
breaker_frees(struct engine *en, const struct finding *f)
{
    struct breaker b;

    if (breaker_get(turn_txn(en), f->on, &b) && b.state == BREAKER_OPEN) return b.open_until;
    return limit_frees(en, f);
}

/* What runs gives back what it has reserved, else the day ends; nothing is there of a limit of 0.
 */
static int64_t
budget_frees(struct engine *en, const struct finding *f)
{
    const struct finding any = {.predicate = f->predicate, .on = f->on, .limit = 1, .used = 1};
    int64_t              at = limit_frees(en, &any);

    if (f->limit == 0 || at != UNKNOWN) return f->limit == 0 ? UNKNOWN : at;
    return ledger_next_day(&en->turn.objects, f->on, en->turn.now.wall_ms);
}

static int64_t
frees_at(struct engine *en, const struct finding *f)
{
    switch (f->predicate) {
    case HELD_NO_WORKER: return UNKNOWN;
    case HELD_BREAKER: return breaker_frees(en, f);
    default: return predicate_is_budget(f->predicate) ? budget_frees(en, f) : limit_frees(en, f);
    }
}

/* ---- what ------------------------------------------------------------------------- */

/* What holds it, as far as it is known. */
struct hold {
    struct finding first; /* the one that is told: what a person holds before all else */
    uint32_t       count;
    int64_t        until; /* UNKNOWN, or when the last of all has room */
    bool           is_forceable;
};

static bool
is_forceable(enum predicate p)
{
    return p == HELD_SCHEDULE_CAP || p == HELD_COMPANY_CAP || p == HELD_AGENT_CAP ||
           p == HELD_HANDLER_CAP || p == HELD_OVERLAP;
}

/* What only a person ends. */
static bool
is_by_person(enum predicate p)
{
    return p == HELD_STOPPED || p == HELD_DRAINING || p == HELD_COMPANY_PAUSED ||
           p == HELD_AGENT_PAUSED;
}

static void
note(struct hold *h, const struct finding *f, int64_t frees_at)
{
    if (h->count++ == 0) h->is_forceable = true;
    if (h->count == 1 || (is_by_person(f->predicate) && !is_by_person(h->first.predicate)))
        h->first = *f;
    h->is_forceable &= is_forceable(f->predicate);
    if (frees_at > h->until) h->until = frees_at;
}

/* Without an id: it may not be there yet. */
static struct lane
lane_for(const struct submission *s)
{
    return (struct lane){.company = s->spec.company,
                         .agent = s->spec.agent,
                         .handler = s->spec.handler,
                         .schedule = s->spec.schedule,
                         .head_priority = s->priority,
                         .flags = s->flags & JOB_LANE_FLAGS};
}

static void
find_limits(struct engine *en, const struct submission *s, struct hold *h)
{
    const struct lane    l = lane_for(s);
    enum predicate_scope scopes[] = {PASS, LANE};
    struct snapshot      snapshot;

    snapshot_take(&snapshot, &en->memory, &en->turn.objects);
    for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
        struct finding f = {0};

        while (snapshot_blocks(&snapshot, scopes[i], &l, f.predicate, &f))
            note(h, &f, frees_at(en, &f));
    }
}

/* The job that it would wait behind, since nothing overtakes in a lane (N18); 0: none. */
static uint64_t
find_before(struct engine *en, const struct submission *s)
{
    struct lane      l = lane_for(s);
    struct job_state j = {0};
    struct scan      scan;
    bool             found;

    if (rec_find(turn_txn(en), INDEX_lane_by_limits, &l) != LOAD_FOUND) return 0;
    j.lane = l.id;
    scan_open(&scan, turn_txn(en), INDEX_job_ready, &j, 1, 1);
    found = scan_next_key(&scan, &j);
    scan_close(&scan);
    return found && j.priority >= s->priority ? j.id : 0;
}

/* Its own needs, and those of the job before it, which may be larger. */
static bool
is_held(struct engine *en, const struct submission *s, const struct job_state *j, uint64_t before,
        uint32_t scope, struct budget_finding *b)
{
    struct objects      *o = &en->turn.objects;
    const struct limits *l = &en->memory.limits;

    return budget_holds_job(o, l, j, &s->spec, scope, b) ||
           (before && budget_holds(o, l, before, scope, b));
}

static void
find_budgets(struct engine *en, const struct submission *s, struct hold *h)
{
    uint64_t               before = find_before(en, s);
    const struct job_state j = {
        .company = s->spec.company, .agent = s->spec.agent, .schedule = s->spec.schedule};
    const struct finding scopes[] = {
        {.predicate = HELD_SCHEDULE_BUDGET, .on = j.schedule},
        {.predicate = HELD_COMPANY_BUDGET,  .on = j.company },
        {.predicate = HELD_AGENT_BUDGET,    .on = j.agent   },
    };

    for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
        struct budget_finding b;
        struct finding        f = scopes[i];

        if (f.on == 0 || !is_held(en, s, &j, before, f.on, &b)) continue;
        f.limit = b.limit;
        f.used = b.used;
        note(h, &f, frees_at(en, &f));
    }
}

/* Jobs of the schedule that have not ended; when they have is known only while all of them run. */
static void
find_overlap(struct engine *en, const struct schedule *run, struct hold *h)
{
    struct finding   f = {.predicate = HELD_OVERLAP, .on = run->id};
    struct job_state key = {.schedule = run->id};
    struct scan      s;
    int64_t          until = 0;

    if (run->in_flight == 0 || overlap_limit(&en->turn.objects, run->id) == NO_LIMIT) return;
    scan_open(&s, turn_txn(en), INDEX_job_by_schedule, &key, 1, 1);
    while (until != UNKNOWN && scan_next(&s, &key)) {
        int64_t end = key.state == JOB_RUNNING ? thought_end(en, &key) : UNKNOWN;

        if (f.head == 0) f.head = key.id;
        if (end > until) until = end;
    }
    scan_close(&s);
    note(h, &f, until);
}

/* ---- the answer -------------------------------------------------------------------- */

static enum errc
full(struct engine *en, int64_t until, bool is_forceable, const char *what, struct err *e)
{
    int64_t now = en->turn.now.wall_ms, eta = until > now ? until - now : 1;
    char    in[32];

    (void)err_set(e, E_CAPACITY_FULL, "%s", what);
    if (until == UNKNOWN)
        return err_hint(e, "%s",
                        is_forceable ? "--force starts it all the same"
                                     : "nobody knows when there is room");
    e->slot_eta_ms = eta;
    (void)duration_text(eta < 1000 ? 1000 : eta / 1000 * 1000, in, sizeof(in));
    return err_hint(e, "there may be room in %s%s", in,
                    is_forceable ? "; --force starts it all the same" : "");
}

static enum errc
paused(struct engine *en, const char *kind, uint32_t id, struct err *e)
{
    struct view name = objects_ref(&en->turn.objects, id);

    (void)err_set(e, E_WRONG_STATE, "%s %.*s is paused", kind, VIEW_ARG(name));
    return err_hint(e, "agentctl %s resume %.*s", kind, VIEW_ARG(name));
}

static const char *
what_holds(struct engine *en, const struct finding *f)
{
    struct arena  *a = &en->turn.arena;
    struct breaker b;
    struct view    name;

    if (f->predicate == HELD_OVERLAP)
        return arena_printf(a, "a firing is in flight: job %" PRIu64, f->head);
    if (f->predicate == HELD_BREAKER && breaker_get(turn_txn(en), f->on, &b)) {
        name = breaker_name(&en->turn.objects, &b);
        return arena_printf(a, "no room to start now: the breaker of %.*s is %s", VIEW_ARG(name),
                            b.state == BREAKER_OPEN ? "open" : "half open, and a job tries it");
    }
    return arena_printf(a, "no room to start now: %s, %" PRIu64 " of %" PRId64 " in use",
                        predicate_name(f->predicate), f->used, f->limit);
}

enum errc
room_check(struct engine *en, const struct submission *s, const struct schedule *run, struct err *e)
{
    struct hold           h = {0};
    const struct finding *f = &h.first;

    if (!(s->flags & JOB_FLAG_FORCED)) find_overlap(en, run, &h);
    find_limits(en, s, &h);
    find_budgets(en, s, &h);
    if (h.count == 0) return E_OK;
    switch (f->predicate) {
    case HELD_STOPPED:
        (void)err_set(e, E_STOPPED, "an operator stopped agentd: nothing new starts");
        return err_hint(e, "agentctl resume");
    case HELD_DRAINING:
        (void)err_set(e, E_DRAINING, "agentd drains: nothing new starts");
        return err_hint(e, "agentctl resume");
    case HELD_COMPANY_PAUSED: return paused(en, "company", f->on, e);
    case HELD_AGENT_PAUSED: return paused(en, "agent", f->on, e);
    default: return full(en, h.until, h.is_forceable, what_holds(en, f), e);
    }
}
