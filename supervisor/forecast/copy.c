#include "supervisor/forecast/copy.h"

#include "proto/codec.h"
#include "supervisor/engine/idmap.h"

#define DAY_MS      86400000LL
#define GOALS_DEPTH 64 /* parents of a goal that are followed */
/* What a job is besides its limits, its schedule and its agent has no part in when it starts. */
#define FLAGS_KEPT (JOB_LANE_FLAGS | JOB_FLAG_RETRY | JOB_FLAG_QUARANTINED)

/* Of the copied jobs of a company, an agent or a schedule. */
struct count {
    uint32_t jobs;
};

struct copy {
    struct txn    *from, *to;
    int64_t        now_ms, until_ms;
    struct arena  *arena; /* of the transaction that reads */
    struct idmap   counts;
    struct idmap   sessions;
    struct copied *out;
};

static void
count_one(struct copy *c, uint32_t object)
{
    struct count *n = object ? idmap_get(&c->counts, object) : NULL;

    if (object && !n) {
        n = arena_alloc(c->arena, sizeof(*n));
        n->jobs = 0;
        idmap_put(&c->counts, c->arena, object, n);
    }
    if (n) n->jobs++;
}

static uint32_t
count_of(const struct copy *c, uint32_t object)
{
    const struct count *n = idmap_get(&c->counts, object);

    return n ? n->jobs : 0;
}

/* ---- rows as they are ---------------------------------------------------------------------- */

union plain {
    struct zone    zone;
    struct pause   pause;
    struct breaker breaker;
};

static void
copy_table(struct copy *c, enum table_id table)
{
    union plain row;
    struct scan s;

    memset(&row, 0, sizeof(row));
    scan_open(&s, c->from, (enum index_id)table, &row, 0, 0);
    while (scan_next(&s, &row))
        rec_insert(c->to, table, &row);
    scan_close(&s);
}

static void
copy_session(struct copy *c, uint32_t id)
{
    struct session row = {.id = id};

    if (id == 0 || idmap_get(&c->sessions, id) || session_load(c->from, &row) != LOAD_FOUND) return;
    row.checkpoint = (struct view){0};
    row.checkpoint_bytes = 0;
    session_insert(c->to, &row);
    idmap_put(&c->sessions, c->arena, id, c);
}

/* Running jobs are copied as waiting ones, so nothing is reserved. */
static void
copy_ledgers(struct copy *c)
{
    int64_t       first = c->now_ms / DAY_MS - 2; /* the earliest day that is today somewhere */
    struct ledger row = {.date = first > 0 ? (uint32_t)first : 0};
    struct scan   s;

    scan_open(&s, c->from, INDEX_ledger_by_age, &row, 0, 1);
    while (scan_next(&s, &row)) {
        row.reserved_turns = row.reserved_tokens = 0;
        row.reserved_cost_micros = row.reserved_run_ms = 0;
        ledger_insert(c->to, &row);
    }
    scan_close(&s);
}

/* ---- objects ------------------------------------------------------------------------------- */

static void
put_object(struct copy *c, struct object *row, enum msg_id kind, const void *m)
{
    struct buf spec BUF_AUTO = {0};

    msg_pack(msg_desc(kind), m, &spec);
    row->spec = buf_view(&spec);
    row->hash = hash64(row->spec, 0);
    object_insert(c->to, row);
}

void
copy_strip(struct msg_schedule *m)
{
    CLEAR_HAS(m, schedule, payload);
    CLEAR_HAS(m, schedule, tags);
    CLEAR_HAS(m, schedule, gate);
    CLEAR_HAS(m, schedule, ping_start);
    CLEAR_HAS(m, schedule, ping_success);
    CLEAR_HAS(m, schedule, ping_fail);
    CLEAR_HAS(m, schedule, overdue_ms);
}

static void
copy_schedule_object(struct copy *c, struct object *row)
{
    struct msg_schedule m;
    struct err          e;

    if (msg_unpack(msg_desc(MSG_SCHEDULE), row->spec, &m, &e)) return;
    copy_strip(&m);
    put_object(c, row, MSG_SCHEDULE, &m);
}

/* Nothing goes by age, nobody is told, and the workers need not beat every few seconds. */
static void
copy_limits(struct copy *c, struct object *row)
{
    struct msg_limits m;
    struct err        e;

    if (msg_unpack(msg_desc(MSG_LIMITS), row->spec, &m, &e)) return;
    CLEAR_HAS(&m, limits, session_sinks);
    CLEAR_HAS(&m, limits, alert_sinks);
    m.keep_completed_ms = m.keep_failed_ms = m.keep_effects_ms = m.keep_firings_ms = NO_LIMIT;
    m.session_handler = (struct view){0};
    m.keep_events_ms = m.keep_timers_ms = m.keep_activity_ms = NO_LIMIT;
    m.keep_reasons_ms = m.keep_ledgers_ms = m.keep_approvals_ms = m.keep_audit_ms = NO_LIMIT;
    m.heartbeat_timeout_ms = 3600000;
    put_object(c, row, MSG_LIMITS, &m);
}

static void
copy_objects(struct copy *c)
{
    struct object row = {0};
    struct scan   s;

    scan_open(&s, c->from, PRIMARY_OBJECT, &row, 0, 0);
    while (scan_next(&s, &row)) {
        switch (row.kind) {
        case KIND_SCHEDULE: copy_schedule_object(c, &row); break;
        case KIND_LIMITS: copy_limits(c, &row); break;
        default: object_insert(c->to, &row);
        }
    }
    scan_close(&s);
}

/* ---- jobs ---------------------------------------------------------------------------------- */

static void
strip_spec(struct job_spec *spec)
{
    spec->payload = spec->context = spec->tags = (struct view){0};
    spec->unique_key = spec->debounce_key = (struct view){0};
    spec->payload_bytes = 0;
    spec->cause_count = 0;
    spec->goal = spec->ticket = 0;
    spec->event = 0; /* its job is a job as any other; the events behind it are not foreseen */
}

/* As it would be if it were due at run_at. */
static void
make_waiting(struct job_state *j)
{
    j->state = JOB_SCHEDULED;
    j->flags &= FLAGS_KEPT;
    j->lane = j->worker = 0;
    j->claimed_at = j->lease_expires_at = j->lease_end_boot = j->ready_at = 0;
    j->stop_reason = 0;
    j->goal = j->ticket = 0;
    j->output = (struct view){0};
    j->output_bytes = 0;
}

static void
note_run(struct copy *c, struct job_state *j)
{
    struct copied *out = c->out;

    j->priority = COPY_PRIORITY;
    j->expires_at = 0; /* it has started in time */
    if (out->run_count == RUNS_MAX) return;
    out->runs[out->run_count++] = (struct copied_run){
        .job = j->id, .claimed_at = j->claimed_at, .lease_expires_at = j->lease_expires_at};
}

static void
copy_job(struct copy *c, uint64_t id)
{
    struct job_state j = {.id = id};
    struct job_spec  spec = {.id = id};

    if (job_state_load(c->from, &j) != LOAD_FOUND || job_spec_load(c->from, &spec) != LOAD_FOUND)
        return;
    if (j.state == JOB_RUNNING) note_run(c, &j);
    make_waiting(&j);
    strip_spec(&spec);
    job_state_insert(c->to, &j);
    job_spec_insert(c->to, &spec);
    copy_session(c, j.session);
    count_one(c, j.company);
    count_one(c, j.agent);
    count_one(c, j.schedule);
    c->out->backlog++;
}

static void
copy_jobs_of(struct copy *c, enum index_id index)
{
    struct job_state key = {0};
    struct scan      s;

    scan_open(&s, c->from, index, &key, 0, 0);
    while (scan_next_key(&s, &key)) {
        if (index == INDEX_job_due && key.run_at > c->until_ms) break;
        if (c->out->backlog >= BACKLOG_MAX) {
            c->out->is_backlog_cut = true;
            break;
        }
        copy_job(c, key.id);
    }
    scan_close(&s);
}

/* ---- what counts jobs ---------------------------------------------------------------------- */

static void
copy_queues(struct copy *c)
{
    struct queue row = {0};
    struct scan  s;

    scan_open(&s, c->from, PRIMARY_QUEUE, &row, 0, 0);
    while (scan_next(&s, &row)) {
        queue_insert(c->to, &(struct queue){.company = row.company,
                                            .served = row.served,
                                            .scheduled = count_of(c, row.company)});
    }
    scan_close(&s);
}

static void
copy_agents(struct copy *c)
{
    struct agent row = {0};
    struct scan  s;

    scan_open(&s, c->from, PRIMARY_AGENT, &row, 0, 0);
    while (scan_next(&s, &row)) {
        row.open_jobs = count_of(c, row.id);
        row.made_wakes = 0; /* the copied jobs are not marked as such */
        agent_insert(c->to, &row);
    }
    scan_close(&s);
}

static void
copy_goals(struct copy *c, uint64_t id)
{
    for (int depth = 0; id && depth < GOALS_DEPTH; depth++) {
        struct goal row = {.id = id};

        if (goal_load(c->to, &row) == LOAD_FOUND || goal_load(c->from, &row) != LOAD_FOUND) return;
        row.open_jobs = 0;
        goal_insert(c->to, &row);
        id = row.parent;
    }
}

static void
copy_ticket(struct copy *c, uint64_t id)
{
    struct ticket row = {.id = id};

    if (id == 0 || ticket_load(c->from, &row) != LOAD_FOUND) return;
    row.open_jobs = 0;
    row.job = 0;
    ticket_save(c->to, &row);
    copy_goals(c, row.goal);
}

static void
copy_schedules(struct copy *c)
{
    struct schedule row = {0};
    struct scan     s;

    scan_open(&s, c->from, PRIMARY_SCHEDULE, &row, 0, 0);
    while (scan_next(&s, &row)) {
        row.in_flight = count_of(c, row.id);
        row.overdue_at = 0;
        schedule_insert(c->to, &row);
        copy_session(c, row.session);
        copy_goals(c, row.goal);
        copy_ticket(c, row.ticket);
    }
    scan_close(&s);
}

enum errc
copy_store(struct txn *from, struct txn *to, int64_t now_ms, int64_t until_ms, struct copied *out,
           struct err *e)
{
    struct meta meta = {.id = 1};
    struct copy c = {.from = from,
                     .to = to,
                     .now_ms = now_ms,
                     .until_ms = until_ms,
                     .arena = txn_arena(from),
                     .out = out};

    *out = (struct copied){0};
    if (meta_load(from, &meta) != LOAD_FOUND)
        return err_set(e, E_DAMAGED, "the store's first row cannot be read");
    meta.feed_bytes = 0;
    meta_insert(to, &meta);
    copy_table(&c, TABLE_ZONE);
    copy_table(&c, TABLE_PAUSE);
    copy_table(&c, TABLE_PAST_PAUSE);
    copy_table(&c, TABLE_BREAKER);
    copy_ledgers(&c);
    copy_objects(&c);
    copy_jobs_of(&c, INDEX_job_running);
    copy_jobs_of(&c, INDEX_job_ready);
    copy_jobs_of(&c, INDEX_job_due);
    copy_queues(&c);
    copy_agents(&c);
    copy_schedules(&c);
    return E_OK;
}
