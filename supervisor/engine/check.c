#include "supervisor/engine/budgets.h"
#include "supervisor/engine/chain.h"
#include "supervisor/engine/check_sessions.h"
#include "supervisor/engine/effects.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/sinks.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Everything that is derived is counted again from the rows and compared (A12). */
struct recount {
    struct txn *txn;
    void (*problem)(const char *sentence, void *arg);
    void        *arg;
    struct idmap queues, lanes, schedules, agents, goals, tickets;
    uint64_t     unique, debounced; /* jobs with the flag */
};

__attribute__((format(printf, 2, 3))) static void
problem(struct recount *r, const char *fmt, ...)
{
    char    text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    r->problem(text, r->arg);
}

static void *
row_of(struct recount *r, struct idmap *m, uint64_t id, size_t size)
{
    void *row = idmap_get(m, id);

    if (row) return row;
    row = arena_alloc(txn_arena(r->txn), size);
    memset(row, 0, size);
    idmap_put(m, txn_arena(r->txn), id, row);
    return row;
}

static void
count_state(struct queue *q, const struct job_state *j)
{
    switch (j->state) {
    case JOB_SCHEDULED: q->scheduled++; break;
    case JOB_READY: q->ready++; break;
    case JOB_RUNNING: q->running++; break;
    case JOB_COMPLETED: q->completed++; break;
    case JOB_FAILED: q->failed++; break;
    case JOB_CANCELLED: q->cancelled++; break;
    case JOB_EXPIRED: q->expired++; break;
    }
}

static bool
goes_before(const struct job_state *j, const struct lane *l)
{
    if (l->head == 0 || j->priority != l->head_priority)
        return l->head == 0 || j->priority > l->head_priority;
    if (j->run_at != l->head_run_at) return j->run_at < l->head_run_at;
    return j->id < l->head;
}

/* A wake-up that an agent's effect made and that has not started (B7). */
static void
count_made(struct recount *r, const struct job_state *j)
{
    struct job_spec spec = {.id = j->id};
    struct agent   *maker;

    if (!(j->flags & JOB_FLAG_AGENT_MADE) || job_spec_load(r->txn, &spec) != LOAD_FOUND ||
        chain_last(&spec) == 0) {
        return;
    }
    maker = row_of(r, &r->agents, chain_last(&spec), sizeof(*maker));
    maker->made_wakes++;
}

static void
count_keys(struct recount *r, const struct job_state *j)
{
    bool waits = j->state == JOB_SCHEDULED || j->state == JOB_READY;

    r->unique += (j->flags & JOB_FLAG_UNIQUE) != 0;
    r->debounced += (j->flags & JOB_FLAG_DEBOUNCED) != 0;
    if ((j->flags & JOB_FLAG_UNIQUE) && job_state_is_end(j->state))
        problem(r, "job %" PRIu64 " has ended, but says that it has a unique key", j->id);
    if ((j->flags & JOB_FLAG_DEBOUNCED) && !waits)
        problem(r, "job %" PRIu64 " does not wait, but says that it has a debounce key", j->id);
}

static void
count_job(struct recount *r, const struct job_state *j)
{
    if (j->state <= JOB_NONE || j->state >= JOB_STATE_COUNT || j->company == 0) {
        problem(r, "job %" PRIu64 " has state %u and company %" PRIu32, j->id, j->state,
                j->company);
        return;
    }
    count_made(r, j);
    count_keys(r, j);
    count_state(row_of(r, &r->queues, j->company, sizeof(struct queue)), j);
    if (j->schedule && !job_state_is_end(j->state)) {
        struct schedule *run = row_of(r, &r->schedules, j->schedule, sizeof(*run));

        run->in_flight++;
    }
    if (!job_state_is_end(j->state)) {
        if (j->agent)
            ((struct agent *)row_of(r, &r->agents, j->agent, sizeof(struct agent)))->open_jobs++;
        if (j->goal) ++*(uint64_t *)row_of(r, &r->goals, j->goal, sizeof(uint64_t));
        if (j->ticket) ++*(uint64_t *)row_of(r, &r->tickets, j->ticket, sizeof(uint64_t));
    }
    if (j->state == JOB_READY) {
        struct lane *l;

        if (j->lane == 0) {
            problem(r, "job %" PRIu64 " is ready but in no lane", j->id);
            return;
        }
        l = row_of(r, &r->lanes, j->lane, sizeof(struct lane));
        if (goes_before(j, l)) {
            l->head = j->id;
            l->head_priority = j->priority;
            l->head_run_at = j->run_at;
        }
    }
}

static void
check_queue(struct recount *r, const struct queue *q)
{
    const struct queue  none = {0};
    const struct queue *c = idmap_get(&r->queues, q->company);
    const struct {
        const char *state;
        uint64_t    stored, counted;
    } counts[] = {
        {"scheduled", q->scheduled, (c ? c : &none)->scheduled},
        {"ready",     q->ready,     (c ? c : &none)->ready    },
        {"running",   q->running,   (c ? c : &none)->running  },
        {"completed", q->completed, (c ? c : &none)->completed},
        {"failed",    q->failed,    (c ? c : &none)->failed   },
        {"cancelled", q->cancelled, (c ? c : &none)->cancelled},
        {"expired",   q->expired,   (c ? c : &none)->expired  },
    };

    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        if (counts[i].stored == counts[i].counted) continue;
        problem(r, "company %" PRIu32 ": %" PRIu64 " jobs are %s, its counter says %" PRIu64,
                q->company, counts[i].counted, counts[i].state, counts[i].stored);
    }
}

static void
check_lane(struct recount *r, const struct lane *l)
{
    const struct lane *c = idmap_get(&r->lanes, l->id);
    uint64_t           head = c ? c->head : 0;

    if (head != l->head) {
        problem(r, "lane %" PRIu32 ": its first ready job is %" PRIu64 ", its row says %" PRIu64,
                l->id, head, l->head);
    }
    if (c && (c->head_priority != l->head_priority || c->head_run_at != l->head_run_at)) {
        problem(r, "lane %" PRIu32 ": its row has another priority or time than its first job",
                l->id);
    }
}

/* Nothing is below what is gone, but for what goes, too. */
static void
check_place(struct recount *r, uint32_t company, const char *what, uint64_t id, uint64_t goal,
            uint64_t ticket)
{
    struct object c = {.id = company};
    struct goal   g = {.id = goal};
    struct ticket k = {.id = ticket};

    if (object_load(r->txn, &c) != LOAD_FOUND || c.removing) return;
    if (goal && goal_load(r->txn, &g) == LOAD_ABSENT)
        problem(r, "%s %" PRIu64 " is of goal %" PRIu64 ", which is not there", what, id, goal);
    if (ticket && ticket_load(r->txn, &k) == LOAD_ABSENT)
        problem(r, "%s %" PRIu64 " is below ticket %" PRIu64 ", which is not there", what, id,
                ticket);
}

static void
check_schedules(struct recount *r, const bool *cancel)
{
    struct schedule run = {0};
    struct scan     s;

    scan_open(&s, r->txn, PRIMARY_SCHEDULE, &run, 0, 0);
    while (!*cancel && scan_next(&s, &run)) {
        const struct schedule *c = idmap_get(&r->schedules, run.id);
        uint32_t               counted = c ? c->in_flight : 0;
        struct agent          *maker;

        if (run.made_by) {
            maker = row_of(r, &r->agents, run.made_by, sizeof(*maker));
            maker->made_schedules++;
        }
        check_place(r, run.company, "schedule", run.id, run.goal, run.ticket);
        if (counted == run.in_flight) continue;
        problem(r, "schedule %" PRIu32 ": %" PRIu32 " jobs have not ended, its row says %" PRIu32,
                run.id, counted, run.in_flight);
    }
    scan_close(&s);
}

static void
count_asked(struct recount *r, const bool *cancel)
{
    struct approval a = {.status = APPROVAL_PENDING};
    struct scan     s;

    scan_open(&s, r->txn, INDEX_approval_by_status, &a, 1, 1);
    while (!*cancel && scan_next(&s, &a))
        ((struct agent *)row_of(r, &r->agents, a.agent, sizeof(struct agent)))->asked++;
    scan_close(&s);
}

/* After the jobs and the schedules: the agents' jobs, and what they made by their effects. */
static void
check_agents(struct recount *r, const bool *cancel)
{
    struct agent row = {0};
    struct scan  s;

    count_asked(r, cancel);
    scan_open(&s, r->txn, PRIMARY_AGENT, &row, 0, 0);
    while (!*cancel && scan_next(&s, &row)) {
        const struct agent  none = {0};
        const struct agent *c = idmap_get(&r->agents, row.id);

        if (!c) c = &none;
        if (c->open_jobs != row.open_jobs) {
            problem(r, "agent %" PRIu32 ": %" PRIu64 " jobs have not ended, its row says %" PRIu64,
                    row.id, (uint64_t)c->open_jobs, (uint64_t)row.open_jobs);
        }
        if (c->made_schedules != row.made_schedules) {
            problem(r, "agent %" PRIu32 ": it made %" PRIu32 " schedules, its row says %" PRIu32,
                    row.id, c->made_schedules, row.made_schedules);
        }
        if (c->made_wakes != row.made_wakes) {
            problem(r,
                    "agent %" PRIu32 ": %" PRIu32
                    " wake-ups it made have not started, its row says %" PRIu32,
                    row.id, c->made_wakes, row.made_wakes);
        }
        if (c->asked != row.asked) {
            problem(r,
                    "agent %" PRIu32 ": %" PRIu32
                    " of its effects wait for approval, its row says %" PRIu32,
                    row.id, c->asked, row.asked);
        }
    }
    scan_close(&s);
}

static void
check_open_jobs(struct recount *r, const struct idmap *counts, const char *what, uint64_t id,
                uint64_t stored)
{
    const uint64_t *c = idmap_get(counts, id);
    uint64_t        counted = c ? *c : 0;

    if (counted == stored) return;
    problem(r, "%s %" PRIu64 ": %" PRIu64 " jobs have not ended, its row says %" PRIu64, what, id,
            counted, stored);
}

static void
check_goals(struct recount *r, const bool *cancel)
{
    struct goal   g = {0};
    struct ticket k = {0};
    struct scan   s;

    scan_open(&s, r->txn, PRIMARY_GOAL, &g, 0, 0);
    while (!*cancel && scan_next(&s, &g)) {
        check_open_jobs(r, &r->goals, "goal", g.id, g.open_jobs);
        if (!g.removing) check_place(r, g.company, "goal", g.id, g.parent, 0);
    }
    scan_close(&s);
    scan_open(&s, r->txn, PRIMARY_TICKET, &k, 0, 0);
    while (!*cancel && scan_next(&s, &k)) {
        check_open_jobs(r, &r->tickets, "ticket", k.id, k.open_jobs);
        if (!k.removing) check_place(r, k.company, "ticket", k.id, k.goal, k.parent);
    }
    scan_close(&s);
}

static void
check_rows(struct recount *r, const bool *cancel)
{
    struct queue q = {0};
    struct lane  l = {0};
    struct scan  s;
    uint32_t     queues = 0, lanes = 0;

    scan_open(&s, r->txn, PRIMARY_QUEUE, &q, 0, 0);
    while (!*cancel && scan_next(&s, &q)) {
        queues += idmap_get(&r->queues, q.company) != NULL;
        check_queue(r, &q);
    }
    scan_close(&s);
    scan_open(&s, r->txn, PRIMARY_LANE, &l, 0, 0);
    while (!*cancel && scan_next(&s, &l)) {
        lanes += idmap_get(&r->lanes, l.id) != NULL;
        check_lane(r, &l);
    }
    scan_close(&s);
    if (*cancel) return;
    if (queues != r->queues.count)
        problem(r, "%" PRIu32 " companies with jobs have no counters", r->queues.count - queues);
    if (lanes != r->lanes.count)
        problem(r, "%" PRIu32 " lanes with ready jobs have no row", r->lanes.count - lanes);
}

static void
check_feed(struct recount *r, const bool *cancel)
{
    struct feed row = {0};
    struct meta m = {.id = 1};
    struct scan s;
    uint64_t    bytes = 0, next = 0;

    if (meta_load(r->txn, &m) != LOAD_FOUND) return;
    scan_open(&s, r->txn, PRIMARY_FEED, &row, 0, 0);
    while (!*cancel && scan_next(&s, &row)) {
        bytes += row.events.size;
        if (next && row.seq != next) {
            problem(r, "the feed has a hole: event %" PRIu64 " follows event %" PRIu64, row.seq,
                    next - 1);
        }
        next = row.seq + row.count;
    }
    scan_close(&s);
    if (*cancel) return;
    if (next && next != m.feed_seq + 1)
        problem(r, "the feed ends at event %" PRIu64 ", not %" PRIu64, next - 1, m.feed_seq);
    if (bytes != m.feed_bytes) {
        problem(r, "the feed holds %" PRIu64 " bytes, its counter says %" PRIu64, bytes,
                m.feed_bytes);
    }
}

/* The first of each (session, sink) waits for nobody but a reader. */
static void
check_outbox(struct recount *r, const bool *cancel)
{
    struct meta    m = {.id = 1};
    struct effect  key = {0};
    struct objects objects;
    struct scan    s;

    if (meta_load(r->txn, &m) != LOAD_FOUND) return;
    objects_init(&objects, r->txn);
    scan_open(&s, r->txn, INDEX_effect_queue, &key, 0, 0);
    while (!*cancel && scan_next(&s, &key)) {
        bool is_unread = sink_is_gateway(&objects, key.sink) &&
                         !sink_has_reader(&objects, m.gateway, key.session);

        if (key.not_before == BEHIND_ANOTHER && !is_unread)
            problem(r, "effect %" PRIu64 " waits behind another, but it is the first", key.id);
        key.sink++;
        scan_seek(&s, &key, 2);
    }
    scan_close(&s);
}

/* A key is its job's: of one that has not ended, or is taken for some time yet. */
static void
check_unique(struct recount *r, const bool *cancel)
{
    struct unique row = {0};
    struct scan   s;
    uint64_t      count = 0;

    scan_open(&s, r->txn, PRIMARY_UNIQUE, &row, 0, 0);
    while (!*cancel && scan_next(&s, &row)) {
        struct job_state j = {.id = row.job};
        bool is_open = job_state_load(r->txn, &j) == LOAD_FOUND && !job_state_is_end(j.state);

        if (is_open && j.company == row.company && (j.flags & JOB_FLAG_UNIQUE)) {
            count++;
        } else if (is_open || row.until_at == 0) {
            problem(r, "a unique key is job %" PRIu64 "'s, which has none", row.job);
        }
    }
    scan_close(&s);
    if (!*cancel && count != r->unique)
        problem(r, "%" PRIu64 " jobs say that they have a unique key, %" PRIu64 " have one",
                r->unique, count);
}

static void
check_debounce(struct recount *r, const bool *cancel)
{
    struct debounce row = {0};
    struct scan     s;
    uint64_t        count = 0;

    scan_open(&s, r->txn, PRIMARY_DEBOUNCE, &row, 0, 0);
    while (!*cancel && scan_next(&s, &row)) {
        struct job_state j = {.id = row.job};

        count++;
        if (job_state_load(r->txn, &j) != LOAD_FOUND || j.company != row.company ||
            !(j.flags & JOB_FLAG_DEBOUNCED)) {
            problem(r, "a debounce key is job %" PRIu64 "'s, which has none", row.job);
        }
    }
    scan_close(&s);
    if (!*cancel && count != r->debounced)
        problem(r, "%" PRIu64 " jobs say that they have a debounce key, %" PRIu64 " have one",
                r->debounced, count);
}

static bool
reserves_something(const struct reservation *held)
{
    for (enum dimension d = 0; d < DIM_COUNT; d++) {
        if (budget_reserved(held, d)) return true;
    }
    return false;
}

/* What a day's row says is reserved is what its running attempts hold. */
static void
check_ledgers(struct recount *r, const bool *cancel)
{
    struct ledger      row = {0};
    struct reservation held = {0};
    struct objects     o;
    struct scan        s;

    objects_init(&o, r->txn);
    scan_open(&s, r->txn, PRIMARY_RESERVATION, &held, 0, 0);
    while (!*cancel && scan_next(&s, &held)) {
        struct ledger   *l = ledger_row(&o, held.scope, held.date);
        struct ledger    stored = {.scope = held.scope, .date = held.date};
        struct job_state j = {.id = held.job};

        if (job_state_load(r->txn, &j) != LOAD_FOUND || j.state != JOB_RUNNING ||
            (ledger_load(r->txn, &stored) != LOAD_FOUND && reserves_something(&held))) {
            problem(r, "a budget of %" PRIu32 " is reserved by job %" PRIu64 ", which does not run",
                    held.scope, held.job);
        }
        for (enum dimension d = 0; d < DIM_COUNT; d++)
            *ledger_amount(l, LEDGER_RESERVED, d) -= budget_reserved(&held, d);
    }
    scan_close(&s);
    scan_open(&s, r->txn, PRIMARY_LEDGER, &row, 0, 0);
    while (!*cancel && scan_next(&s, &row)) {
        struct ledger *l = ledger_row(&o, row.scope, row.date);

        for (enum dimension d = 0; d < DIM_COUNT; d++) {
            if (*ledger_amount(l, LEDGER_RESERVED, d) == 0) continue;
            problem(r,
                    "the ledger of %" PRIu32 " on day %" PRIu32
                    ": its reserved %s are not those of its running jobs",
                    row.scope, row.date, dimension_name(d));
        }
    }
    scan_close(&s);
}

void
engine_check(struct txn *t, void (*report)(const char *sentence, void *arg), void *arg,
             const bool *cancel)
{
    struct recount   r = {.txn = t, .problem = report, .arg = arg};
    struct job_state j = {0};
    struct scan      s;

    scan_open(&s, t, PRIMARY_JOB_STATE, &j, 0, 0);
    while (!*cancel && scan_next(&s, &j))
        count_job(&r, &j);
    scan_close(&s);
    if (!*cancel) check_rows(&r, cancel);
    if (!*cancel) check_schedules(&r, cancel);
    if (!*cancel) check_agents(&r, cancel);
    if (!*cancel) check_goals(&r, cancel);
    if (!*cancel) check_feed(&r, cancel);
    if (!*cancel) check_outbox(&r, cancel);
    if (!*cancel) check_unique(&r, cancel);
    if (!*cancel) check_debounce(&r, cancel);
    if (!*cancel) check_ledgers(&r, cancel);
    if (!*cancel) check_sessions(t, report, arg, cancel);
}
