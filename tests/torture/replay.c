#include "tests/torture/replay.h"

#include "tests/torture/breaks.h"
#include "tests/torture/config.h"
#include "tests/torture/firings.h"
#include "tests/torture/items.h"
#include "tests/torture/rig.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 16
#define KEYS_MAX  64
#define DAY_MS    86400000

enum phase { ABSENT, WAITING, RUNNING, ENDED };

enum guard { CLOSED, OPEN, PROBING };

/* What runs of an agent or a company. */
struct running {
    char     name[32];
    unsigned count;
    bool     is_paused;
};

struct holder {
    uint64_t key, job; /* job 0: nobody has it */
};

/* What the feed says of a job so far. */
struct state {
    enum phase phase;
    int64_t    day;   /* UTC, on which its attempt started */
    uint64_t   turns; /* that the attempt has reported */
    bool       is_stopping;
    size_t     stream; /* of a person's message, while it runs */
};

struct replay {
    struct model  *model;
    struct state  *states; /* by id */
    uint64_t       cap;
    struct running agents[NAMES_MAX], companies[NAMES_MAX];
    unsigned       running, scheduled; /* of all; of schedules */
    unsigned       narrow;             /* jobs of that company that have not started */
    unsigned       busy_changes, raises, reloads;
    enum guard     guard;             /* of the handler limited … */
    unsigned       limited;           /* … and how many of its jobs run */
    int64_t        day;               /* the newest one on which a job of thrift started */
    uint64_t       charged, reserved; /* on it, by attempts that ended and by those that run */
    struct holder  holders[KEYS_MAX];
    bool           is_stopped;
    unsigned       briefs; /* unfinished jobs of the brief agent */
    bool           is_brief_gone;
};

struct replay *
replay_new(struct model *m)
{
    struct replay *r = xcalloc(1, sizeof(*r));

    r->model = m;
    return r;
}

void
replay_free(struct replay *r)
{
    free(r->states);
    free(r);
}

static struct state *
state_of(struct replay *r, uint64_t id)
{
    uint64_t cap = r->cap ? r->cap : 1024;

    while (cap <= id)
        cap *= 2;
    if (cap != r->cap) {
        r->states = xrealloc(r->states, cap * sizeof(*r->states));
        memset(r->states + r->cap, 0, (cap - r->cap) * sizeof(*r->states));
        r->cap = cap;
    }
    return &r->states[id];
}

/* NULL for no name. */
static struct running *
running_of(struct running *all, struct view name)
{
    unsigned i = 0;

    if (name.size == 0 || name.size >= sizeof(all->name)) return NULL;
    while (i < NAMES_MAX - 1 && all[i].name[0] && !view_is(name, all[i].name))
        i++;
    memcpy(all[i].name, name.data, name.size); /* the rest of it is zero */
    return &all[i];
}

/* ---- starts ---------------------------------------------------------------------------------- */

static void
check_cap(uint64_t job, const char *what, unsigned count, unsigned cap)
{
    if (count <= cap) return;
    breaks_add(BREAK_CAP, "at the start of job %" PRIu64 " %u of %s run, not %u", job, count, what,
               cap);
}

/* A cap that --force passes: the job counts in it all the same (N20). */
static void
check_soft_cap(const struct job *j, uint64_t job, const char *what, unsigned count, unsigned cap)
{
    if (!j->is_forced) check_cap(job, what, count, cap);
}

static void
check_held(uint64_t job, const struct running *n)
{
    if (n && n->is_paused) {
        breaks_add(BREAK_HELD, "job %" PRIu64 " started while %s was paused", job, n->name);
    }
}

static unsigned
agent_cap(const struct replay *r, const struct running *agent)
{
    return strcmp(agent->name, "busy") == 0 ? (unsigned)busy_cap(r->busy_changes) : AGENT_CAP;
}

/* An open breaker lets nothing through, a half open one job at a time (A16). */
static void
start_limited(struct replay *r, uint64_t id)
{
    r->limited++;
    if (r->guard == OPEN) {
        breaks_add(BREAK_HELD, "job %" PRIu64 " started while its breaker was open", id);
    } else if (r->guard == PROBING) {
        check_cap(id, "a half open breaker", r->limited, 1);
    }
}

/* A routine's jobs are of their tickets: they are not counted with the schedules. */
static bool
is_counted(struct view event)
{
    struct view schedule = text_of(event, "schedule");

    return schedule.size > 0 && !view_is(schedule, CHORE);
}

static void
start(struct replay *r, uint64_t id, struct view event)
{
    struct running   *agent = running_of(r->agents, text_of(event, "agent"));
    struct running   *company = running_of(r->companies, text_of(event, "company"));
    const struct job *j = model_job(r->model, id);

    if (r->is_stopped) {
        breaks_add(BREAK_HELD, "job %" PRIu64 " started while agentd was stopped", id);
    }
    if (view_is(text_of(event, "handler"), LIMITED)) start_limited(r, id);
    if (r->is_brief_gone && j->is_brief) {
        breaks_add(BREAK_GONE, "job %" PRIu64 " started when its agent was removed", id);
    }
    check_held(id, agent);
    check_held(id, company);
    check_cap(id, "all", ++r->running, WORKERS * SLOTS);
    if (is_counted(event)) {
        check_soft_cap(j, id, "schedules", ++r->scheduled, SCHEDULE_CAP);
    }
    if (agent) check_soft_cap(j, id, agent->name, ++agent->count, agent_cap(r, agent));
    if (company) {
        check_soft_cap(j, id, company->name, ++company->count,
                       strcmp(company->name, "beta") == 0 ? (unsigned)beta_cap(r->reloads)
                                                          : COMPANY_CAP);
    }
}

static void
stop(struct replay *r, struct view event)
{
    struct running *agent = running_of(r->agents, text_of(event, "agent"));
    struct running *company = running_of(r->companies, text_of(event, "company"));

    r->running--;
    r->scheduled -= is_counted(event);
    r->limited -= view_is(text_of(event, "handler"), LIMITED);
    if (agent) agent->count--;
    if (company) company->count--;
}

/* ---- thrift ---------------------------------------------------------------------------------- */

/* Charged and reserved are never more than the limit (N25). */
static void
spend(struct replay *r, uint64_t id, struct state *s, struct view event)
{
    uint64_t limit = THRIFT_TURNS + (uint64_t)r->raises * THRIFT_RAISE;
    int64_t  at = 0;

    (void)mp_find_i64(event, "at", &at); /* every event has one */
    s->day = at / DAY_MS;
    s->turns = 0;
    if (s->day != r->day) r->charged = r->reserved = 0;
    r->day = s->day;
    r->reserved += SPEND_TURNS;
    if (r->raises <= r->model->raises && r->charged + r->reserved > limit) {
        breaks_add(BREAK_BUDGET,
                   "at the start of job %" PRIu64 " %" PRIu64 " turns are charged and %" PRIu64
                   " reserved, the limit is %" PRIu64,
                   id, r->charged, r->reserved, limit);
    }
}

static void
spent(struct replay *r, const struct job *j, const struct state *s, struct view event)
{
    int64_t  attempt = 0;
    uint64_t turns = s->turns;

    (void)mp_find_i64(event, "attempt", &attempt); /* that has started has one */
    if (j->turns && (uint64_t)attempt <= j->attempt && j->turns[attempt] > turns) {
        turns = j->turns[attempt];
    }
    if (s->day != r->day) return;
    r->reserved -= SPEND_TURNS;
    r->charged += turns;
}

/* ---- keys and queues ------------------------------------------------------------------------- */

static struct holder *
holder_of(struct replay *r, uint64_t key)
{
    unsigned i = 0;

    while (i < KEYS_MAX - 1 && r->holders[i].key && r->holders[i].key != key)
        i++;
    r->holders[i].key = key;
    return &r->holders[i];
}

static void
take_key(struct replay *r, uint64_t id, uint64_t key)
{
    struct holder *h = holder_of(r, key);

    if (h->job) {
        breaks_add(BREAK_KEY, "job %" PRIu64 " has a key that job %" PRIu64 " still has", id,
                   h->job);
    }
    h->job = id;
}

static void
give_key(struct replay *r, uint64_t id, uint64_t key)
{
    struct holder *h = holder_of(r, key);

    if (h->job == id) h->job = 0;
}

static void
queue(struct replay *r, uint64_t id)
{
    if (r->narrow >= NARROW_MAX) {
        breaks_add(BREAK_QUEUE, "job %" PRIu64 " was taken when %u were waiting", id, r->narrow);
    }
}

/* While a person's message is processed schedules may be put off (C14). */
static void
stream(struct replay *r, struct state *s, bool was_running, bool is_running, struct view event)
{
    if (!was_running && is_running) s->stream = firings_stream(r->model, number_of(event, "at"));
    if (was_running && !is_running)
        firings_stream_over(r->model, s->stream, number_of(event, "at"));
}

/* ---- events ---------------------------------------------------------------------------------- */

static enum phase
phase_from(struct view state)
{
    if (view_is(state, "scheduled") || view_is(state, "ready")) return WAITING;
    return view_is(state, "running") ? RUNNING : ENDED;
}

static void
move(struct replay *r, uint64_t id, bool is_new, struct view event)
{
    struct state     *s = state_of(r, id);
    enum phase        from = s->phase, to = phase_from(text_of(event, "state"));
    const struct job *j = model_job(r->model, id);
    bool              was_open = from == WAITING || from == RUNNING;

    if (is_new && j->is_narrow) queue(r, id);
    if (j->is_brief) r->briefs += (unsigned)(to != ENDED) - (unsigned)was_open;
    if (j->is_narrow) r->narrow += (unsigned)(to == WAITING) - (unsigned)(from == WAITING);
    if (j->key && !was_open && to != ENDED) take_key(r, id, j->key);
    if (j->key && was_open && to == ENDED) give_key(r, id, j->key);
    if (from != RUNNING && to == RUNNING) start(r, id, event);
    if (from != RUNNING && to == RUNNING && j->is_thrift) spend(r, id, s, event);
    if (from == RUNNING && to != RUNNING) stop(r, event);
    firings_job(r->model, j, id, was_open, to != ENDED, from == RUNNING, to == RUNNING);
    if (j->is_heard) stream(r, s, from == RUNNING, to == RUNNING, event);
    if (from == RUNNING && to != RUNNING && j->is_thrift) spent(r, j, s, event);
    s->phase = to;
    s->is_stopping =
        to == RUNNING && (s->is_stopping || view_is(text_of(event, "type"), "job.stopping"));
}

static bool
has_stop(struct view event, const char *stop)
{
    struct view stops, item;
    uint32_t    count = 0;

    if (!mp_find(event, "stops", &stops)) return false;
    struct mp_reader r = mp_reader_of(stops);
    (void)mp_read_array(&r, &count); /* what is no list has no items */
    while (count-- > 0 && mp_read_str(&r, &item)) {
        if (view_is(item, stop)) return true;
    }
    return false;
}

static void
set_paused(struct running *n, bool is_paused)
{
    if (n) n->is_paused = is_paused;
}

/* All that ran was told to stop in the same turn, before it is told (A10). */
static void
stop_all(struct replay *r)
{
    for (uint64_t id = 1; id < r->cap; id++) {
        struct job *j = model_job(r->model, id);

        if (r->states[id].phase != RUNNING) continue;
        if (!r->states[id].is_stopping) {
            breaks_add(BREAK_HELD, "job %" PRIu64 " ran on when all that ran was stopped", id);
        }
        j->may_be_cancelled = j->was_stopping = true;
        j->must_have_run = false;
        r->model->stopped++;
    }
}

/* Nothing of it is left when it is gone (B5). */
static void
set_brief(struct replay *r, bool is_gone)
{
    r->is_brief_gone = is_gone;
    if (is_gone && r->briefs) {
        breaks_add(BREAK_GONE, "%u unfinished jobs are left of a removed agent", r->briefs);
    }
}

static void
take_breaker(struct replay *r, struct view type)
{
    if (view_is(type, "breaker.opened")) {
        r->guard = OPEN;
        r->model->openings++;
    } else {
        r->guard = view_is(type, "breaker.probing") ? PROBING : CLOSED;
    }
}

static void
take_other(struct replay *r, struct view type, struct view event)
{
    struct running *agent = running_of(r->agents, text_of(event, "agent"));
    struct running *company = running_of(r->companies, text_of(event, "company"));
    unsigned        schedule = schedule_number(text_of(event, "schedule"));

    if (schedule) firings_event(r->model, schedule, type, event);
    if (view_is(type, "daemon.stopped") || view_is(type, "daemon.draining")) {
        r->is_stopped = has_stop(event, "new") || has_stop(event, "drain");
        if (view_is(text_of(event, "reason"), STOP_RUNNING)) stop_all(r);
    } else if (view_is(type, "daemon.resumed")) {
        r->is_stopped = false;
    } else if (view_is(type, "agent.paused") || view_is(type, "agent.resumed")) {
        set_paused(agent, view_is(type, "agent.paused"));
    } else if (view_is(type, "company.paused") || view_is(type, "company.resumed")) {
        set_paused(company, view_is(type, "company.paused"));
    } else if (view_is(text_of(event, "agent"), BRIEF) &&
               (view_is(type, "agent.added") || view_is(type, "agent.removed"))) {
        set_brief(r, view_is(type, "agent.removed"));
    } else if (view_is(type, "agent.changed")) {
        r->busy_changes += agent && strcmp(agent->name, "busy") == 0;
    } else if (view_is(type, "company.changed")) {
        r->raises += company && strcmp(company->name, THRIFT) == 0;
    } else if (view_is(type, "schedule.changed") && view_is(text_of(event, "schedule"), RELOADED)) {
        r->model->reloads = ++r->reloads;
    } else if (view_is(text_of(event, "breaker"), LIMITED)) {
        take_breaker(r, type);
    }
}

void
replay_take(struct replay *r, struct view type, struct view event)
{
    int64_t id = 0, turns = 0;

    if (view_is(type, "job.progress") && mp_find_i64(event, "job", &id) &&
        mp_find_i64(event, "turns", &turns) && model_job(r->model, (uint64_t)id)) {
        state_of(r, (uint64_t)id)->turns = (uint64_t)turns;
    } else if (mp_find_i64(event, "job", &id) && text_of(event, "state").size &&
               model_job(r->model, (uint64_t)id)) {
        move(r, (uint64_t)id, view_is(type, "job.submitted"), event);
    } else {
        take_other(r, type, event);
    }
}
