#include "supervisor/engine/effects.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/sessions.h"
#include "tools/sim/sim.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>
#include <stdio.h>

static const struct actor everybody = {
    .kind = "user", .id = {"uid:0", 5},
         .role = ROLE_ADMIN
};
static const struct actor acme = {
    .kind = "user", .id = {"key:acme", 8},
         .role = ROLE_VIEW, .company = {"acme",     4}
};

/* One read from a snapshot.  *e is what was answered; the reply is one whole value. */
static void
read_as(struct sim *s, struct txn *t, const struct actor *a, enum msg_id op, const void *m,
        struct buf *reply, struct err *e)
{
    struct buf body BUF_AUTO = {0};
    uint64_t        wait_on, hash = txn_state_hash(t);
    const char     *wrong;
    bool            ok;

    *e = (struct err){.code = E_OK};
    msg_pack(msg_desc(op), m, &body);
    buf_clear(reply);
    (void)engine_read(s->engine, t, &s->world.now, a, op, buf_view(&body), reply, &wait_on, &ok,
                      e); /* nobody waits here */
    claim(ok == (e->code == E_OK), "%s: ok %d with %s", msg_desc(op)->op, ok, errc_wire(e->code));
    claim(txn_state_hash(t) == hash, "%s changed the state", msg_desc(op)->op);
    wrong = ok ? mp_check(buf_view(reply)) : NULL;
    claim(!wrong, "%s answered nonsense: %s", msg_desc(op)->op, wrong);
}

static void
read_now(struct sim *s, struct txn *t, enum msg_id op, const void *m, struct buf *reply,
         struct err *e)
{
    read_as(s, t, &everybody, op, m, reply, e);
}

/* ---- what the model knows -------------------------------------------------------------------- */

/* The first 100 submits that were merged into it, and the count of all (A13). */
static void
check_causes(struct view reply, const struct m_job *j)
{
    struct view causes, items;
    int64_t     count;

    claim(mp_find(reply, "causes", &causes), "job.show without causes");
    if (j->causes == 0) return;
    claim(mp_find_i64(causes, "count", &count) && count == j->causes &&
              mp_find(causes, "items", &items) && list_iter_of(items).left == m_causes_kept(j),
          "job %" PRIu64 " was merged of %u submits, job.show says something else", j->id,
          j->causes);
}

/* Half of the time one that has not ended. */
static uint64_t
some_job(struct sim *s)
{
    const struct model *m = &s->model;

    if (m->active.count && rng_chance(&s->rng, 500))
        return m->active.items[rng_below(&s->rng, m->active.count)];
    return 1 + rng_below(&s->rng, m->jobs.count + 1);
}

/* A job that is ready and was not started is held by something, and `why` names all of it (A10); a
 * clock that was set may have made another day of it, which the next turn will see. */
static void
check_why(struct sim *s, struct view reply, const struct m_job *j)
{
    static const char *const names[] = {"stopped",      "draining",    "paused",    "breaker",
                                        "global_cap",   "company_cap", "agent_cap", "handler_cap",
                                        "schedule_cap", "overlap"};
    struct view              blockers, blocker, name;

    if (j->state != JOB_READY || !s->was_dispatched || s->is_turn_due) return;
    claim(mp_find(reply, "blockers", &blockers) && list_iter_of(blockers).left > 0,
          "job %" PRIu64 " waits, and why does not say what for", j->id);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct list_iter it = list_iter_of(blockers);
        bool             told = false, expected = m_is_held_by(&s->model, j, names[i]);

        while (list_next(&it, &blocker))
            told |= mp_find_str(blocker, "predicate", &name) && view_is(name, names[i]);
        claim(told == expected, "job %" PRIu64 " is %sheld by %s, why says something else", j->id,
              expected ? "" : "not ", names[i]);
    }
}

/* Purged, or never there. */
static bool
is_absent(const struct err *e)
{
    return e->code == E_GONE || e->code == E_NOT_FOUND;
}

static void
read_job(struct sim *s, struct txn *t)
{
    struct buf reply    BUF_AUTO = {0};
    struct msg_job_show m = {.id = some_job(s)};
    const struct m_job *j = m_job(&s->model, m.id);
    struct err          e;
    struct view         state;
    int64_t             attempt, crashes;

    read_now(s, t, MSG_JOB_WHY, &m, &reply, &e);
    claim(j ? e.code == E_OK : is_absent(&e), "job.why %" PRIu64 ": %s", m.id, errc_wire(e.code));
    if (j) check_why(s, buf_view(&reply), j);
    read_now(s, t, MSG_JOB_SHOW, &m, &reply, &e);
    claim(j ? e.code == E_OK : is_absent(&e), "job.show %" PRIu64 ": %s", m.id, errc_wire(e.code));
    if (!j) return;
    claim(mp_find_str(buf_view(&reply), "state", &state) &&
              (view_is(state, job_state_name(j->state)) ||
               (j->state == JOB_READY && view_is(state, "parked"))),
          "job.show %" PRIu64 " says %.*s, expected %s", m.id, VIEW_ARG(state),
          job_state_name(j->state));
    claim(mp_find_i64(buf_view(&reply), "attempt", &attempt) && attempt == j->attempt &&
              mp_find_i64(buf_view(&reply), "crashes", &crashes) && crashes == j->crashes,
          "job.show %" PRIu64 " has wrong numbers", m.id);
    check_causes(buf_view(&reply), j);
}

/* A company's own reader sees its jobs and no others (N36); whoever waits for a job is told whether
 * it has ended. */
static void
read_as_company(struct sim *s, struct txn *t)
{
    struct buf reply          BUF_AUTO = {0};
    struct msg_job_wait       m = {.id = 1 + rng_below(&s->rng, s->model.jobs.count + 1)};
    const struct m_job       *j = m_job(&s->model, m.id);
    bool                      sees = j && m_sees(&s->model, &acme, j->company), pending;
    struct err                e;
    const struct msg_job_show show = {.id = m.id};

    read_as(s, t, &acme, MSG_JOB_SHOW, &show, &reply, &e);
    claim(e.code == (sees ? E_OK : E_NOT_FOUND), "job.show %" PRIu64 " by acme: %s", m.id,
          errc_wire(e.code));
    read_as(s, t, &acme, MSG_JOB_WAIT, &m, &reply, &e);
    claim(e.code == (sees ? E_OK : E_NOT_FOUND), "job.wait %" PRIu64 " by acme: %s", m.id,
          errc_wire(e.code));
    claim(!sees || (mp_find_bool(buf_view(&reply), "pending", &pending) &&
                    pending == !m_is_end(j->state)),
          "job.wait %" PRIu64 " is wrong about its end", m.id);
}

static void
read_stats(struct sim *s, struct txn *t)
{
    struct buf reply     BUF_AUTO = {0};
    struct msg_job_stats m = {0};
    struct err           e;
    int64_t              counts[JOB_STATE_COUNT] = {0}, told;
    int                  company = -1;

    if (rng_chance(&s->rng, 500)) {
        m.company = view_str(config_company((int)rng_below(&s->rng, SIM_COMPANIES)));
        SET_HAS(&m, job_stats, company);
        company = m_find(&s->model, KIND_COMPANY, -1, m.company);
    }
    for (size_t i = 0; i < s->model.jobs.count; i++) {
        const struct m_job *j = m_job(&s->model, i + 1);

        if (j && (company < 0 || j->company == company)) counts[j->state]++;
    }
    read_now(s, t, MSG_JOB_STATS, &m, &reply, &e);
    if (m.company.size && company < 0) {
        claim(e.code == E_NOT_FOUND, "job.stats of no company: %s", errc_wire(e.code));
        return;
    }
    claim(e.code == E_OK, "job.stats: %s", e.msg);
    for (enum job_state_id i = JOB_SCHEDULED; i < JOB_STATE_COUNT; i++) {
        claim(mp_find_i64(buf_view(&reply), job_state_name(i), &told) && told == counts[i],
              "job.stats says %" PRId64 " jobs are %s, expected %" PRId64, told, job_state_name(i),
              counts[i]);
    }
}

/* Every job of a state, page after page; each once. */
static void
read_list(struct sim *s, struct txn *t)
{
    static const enum job_state_id states[] = {JOB_SCHEDULED, JOB_RUNNING, JOB_FAILED};
    enum job_state_id              state = states[rng_below(&s->rng, ARRAY_LEN(states))];
    struct buf reply               BUF_AUTO = {0};
    struct msg_job_list            m = {.limit = (uint64_t)rng_between(&s->rng, 1, 50)};
    char                           after[140] = "";
    size_t                         count = 0, expected = 0;
    struct view                    items, next;
    struct err                     e;

    for (size_t i = 0; i < s->model.jobs.count; i++)
        expected += m_job(&s->model, i + 1) && s->model.jobs.items[i].state == state;
    m.state = view_str(job_state_name(state));
    SET_HAS(&m, job_list, state);
    SET_HAS(&m, job_list, limit);
    do {
        m.after = view_str(after);
        if (after[0]) SET_HAS(&m, job_list, after);
        read_now(s, t, MSG_JOB_LIST, &m, &reply, &e);
        claim(e.code == E_OK, "job.list: %s", e.msg);
        claim(mp_find(buf_view(&reply), "items", &items), "job.list answered no items");
        count += list_iter_of(items).left;
        after[0] = '\0';
        if (mp_find_str(buf_view(&reply), "next", &next))
            snprintf(after, sizeof(after), "%.*s", VIEW_ARG(next));
    } while (after[0]);
    claim(count == expected, "job.list gives %zu jobs that are %s, expected %zu", count,
          job_state_name(state), expected);
}

static bool
has_effect(const struct model *m, uint64_t id)
{
    return id <= m->effects.count && !m->effects.items[id - 1].is_purged &&
           !m->effects.items[id - 1].is_asked;
}

/* What waits for something says for what; what does not, says what became of it. */
static void
read_why(struct sim *s, struct txn *t, uint64_t effect, struct view schedule)
{
    struct buf reply       BUF_AUTO = {0};
    char                   key[96];
    struct msg_effect_why  m = {.id = effect};
    struct msg_session_why session = {0};
    struct msg_agent_why   agent = {0};
    struct view            text, status;
    struct err             e;

    read_now(s, t, MSG_EFFECT_WHY, &m, &reply, &e);
    claim(e.code == (has_effect(&s->model, effect) ? E_OK : E_NOT_FOUND), "effect.why: %s",
          errc_wire(e.code));
    if (e.code == E_OK) {
        claim(mp_find_str(buf_view(&reply), "status", &status) &&
                  view_is(status, effect_status_name(s->model.effects.items[effect - 1].status)) &&
                  mp_find_str(buf_view(&reply), "text", &text) && text.size > 0,
              "effect.why of effect %" PRIu64 " is wrong", effect);
    }
    (void)snprintf(key, sizeof(key), "schedule/%.*s", VIEW_ARG(schedule)); /* fits */
    session.key = view_str(key);
    read_now(s, t, MSG_SESSION_WHY, &session, &reply, &e);
    claim(e.code == E_OK || e.code == E_NOT_FOUND, "session.why: %s", e.msg);
    for (size_t i = 0; i < s->model.objects.count; i++) {
        const struct m_object *o = &s->model.objects.items[i];

        if (o->kind != KIND_AGENT || o->is_gone) continue;
        if (s->model.objects.items[o->company].is_gone) continue; /* no name leads to it */
        agent.name = view_str(arena_printf(txn_arena(t), "%.*s/%.*s",
                                           VIEW_ARG(m_object(&s->model, o->company)->name),
                                           VIEW_ARG(o->name)));
        read_now(s, t, MSG_AGENT_WHY, &agent, &reply, &e);
        claim(e.code == E_OK, "agent.why: %s", e.msg);
    }
}

static void
read_something(struct sim *s, struct txn *t)
{
    static const enum msg_id    lists[] = {MSG_SCHEDULE_LIST, MSG_COMPANY_LIST, MSG_AGENT_LIST,
                                           MSG_HANDLER_LIST,  MSG_SESSION_LIST, MSG_EFFECT_LIST,
                                           MSG_WORKER_LIST};
    const union msg             none = {0};
    struct buf reply            BUF_AUTO = {0};
    struct msg_effect_show      effect = {.id = 1 + rng_below(&s->rng, s->model.effects.count + 1)};
    struct msg_schedule_firings f = {.name = view_str(rng_chance(&s->rng, 500) ? "cs0" : "as0")};
    struct err                  e;

    read_now(s, t, lists[rng_below(&s->rng, ARRAY_LEN(lists))], &none, &reply, &e);
    claim(e.code == E_OK, "a list was refused: %s", e.msg);
    read_now(s, t, MSG_EFFECT_SHOW, &effect, &reply, &e);
    claim(e.code == (has_effect(&s->model, effect.id) ? E_OK : E_NOT_FOUND), "effect.show: %s",
          errc_wire(e.code));
    read_now(s, t, MSG_SCHEDULE_FIRINGS, &f, &reply, &e);
    claim(e.code == E_OK || e.code == E_NOT_FOUND, "schedule.firings: %s", e.msg);
    struct msg_schedule_show show = {.name = f.name};

    read_now(s, t, MSG_SCHEDULE_WHY, &show, &reply, &e);
    claim(e.code == E_OK || e.code == E_NOT_FOUND, "schedule.why: %s", e.msg);
    read_why(s, t, effect.id, f.name);
}

void
sim_read(struct sim *s)
{
    struct err  e = {0};
    struct txn *t;

    if (!s->engine) return;
    t = txn_begin_read(s->store, &e);
    claim(t, "no read transaction: %s", e.msg);
    switch (rng_below(&s->rng, 6)) {
    case 0: read_stats(s, t); break;
    case 1: read_list(s, t); break;
    case 2: read_something(s, t); break;
    case 3: read_as_company(s, t); break;
    default: read_job(s, t);
    }
    txn_abort(&t);
}

/* ---- the feed -------------------------------------------------------------------------------- */

/* What may follow what, by the states that the events of one job tell (A1). */
static void
follow_job(struct watcher *w, struct view event)
{
    struct view       type, name;
    int64_t           id;
    enum job_state_id state;
    uint8_t          *last;

    if (!mp_find_str(event, "type", &type) || !mp_find_i64(event, "job", &id) ||
        !mp_find_str(event, "state", &name) || !mp_find_str(event, "handler", &name))
        return;
    (void)mp_find_str(event, "state", &name);
    state = job_state_from(name);
    while (w->states.count <= (size_t)id)
        *LIST_ADD(&w->states) = JOB_NONE;
    last = &w->states.items[id];
    if (!w->is_lost || *last != JOB_NONE) {
        bool is_first = view_is(type, "job.submitted"), was_running = *last == JOB_RUNNING;
        bool was_end = job_state_is_end(*last);

        claim(is_first == (*last == JOB_NONE), "job %" PRId64 ": %.*s after state %u", id,
              VIEW_ARG(type), *last);
        if (state == JOB_COMPLETED || state == JOB_FAILED)
            claim(was_running, "job %" PRId64 " is %.*s without having run", id, VIEW_ARG(name));
        if (view_is(type, "job.started"))
            claim(!was_running && !was_end, "job %" PRId64 " started after state %u", id, *last);
        if (was_end)
            claim(view_is(type, "job.retrying"), "job %" PRId64 ": %.*s after its end", id,
                  VIEW_ARG(type));
    }
    *last = (uint8_t)state;
}

static void
take_events(struct watcher *w, struct view items)
{
    struct list_iter it = list_iter_of(items);
    struct view      event;
    int64_t          seq;

    while (list_next(&it, &event)) {
        claim(mp_find_i64(event, "seq", &seq), "an event without a number");
        claim((uint64_t)seq == w->seq + 1, "the feed goes from %" PRIu64 " to %" PRId64, w->seq,
              seq);
        w->seq = (uint64_t)seq;
        follow_job(w, event);
    }
}

/* A watcher that comes back now and then: no hole, or it is told of the gap (N40). */
void
sim_follow_feed(struct sim *s)
{
    struct watcher      *w = &s->watcher;
    struct msg_feed_read m = {.limit = (uint64_t)rng_between(&s->rng, 20, 500)};
    struct buf reply     BUF_AUTO = {0};
    struct err           e = {0};
    struct txn          *t;
    struct view          items, gap, next;
    int64_t              first;

    if (!s->engine || engine_feed_seq(s->engine) == w->seq) return;
    t = txn_begin_read(s->store, &e);
    claim(t, "no read transaction: %s", e.msg);
    if (!w->cursor[0])
        snprintf(w->cursor, sizeof(w->cursor), "%016" PRIx64 "-0", store_incarnation(s->store));
    SET_HAS(&m, feed_read, limit);
    SET_HAS(&m, feed_read, since);
    while (w->seq < engine_feed_seq(s->engine)) {
        m.since = view_str(w->cursor);
        read_now(s, t, MSG_FEED_READ, &m, &reply, &e);
        claim(e.code == E_OK, "feed.read: %s", e.msg);
        claim(mp_find(buf_view(&reply), "gap", &gap) &&
                  mp_find(buf_view(&reply), "items", &items) &&
                  mp_find_str(buf_view(&reply), "next", &next),
              "feed.read answered something else");
        if (mp_find_i64(gap, "first", &first)) {
            claim((uint64_t)first > w->seq + 1, "a gap that is none: %" PRId64, first);
            w->seq = (uint64_t)first - 1;
            w->is_lost = true;
            w->states.count = 0;
        } else {
            claim(list_iter_of(items).left > 0, "the feed ends before its last event");
        }
        take_events(w, items);
        snprintf(w->cursor, sizeof(w->cursor), "%.*s", VIEW_ARG(next));
    }
    txn_abort(&t);
}

/* ---- counts ---------------------------------------------------------------------------------- */

/* What memory keeps of sessions, soon after a start. */
static void
check_counts(struct sim *s, struct txn *t)
{
    const struct session_counts *kept;
    struct session_counts        n = {0};
    struct session               row = {0};
    struct scan                  scan;

    if (!s->engine || s->engine->memory.is_counting) return; /* it is down, or just up */
    kept = &s->engine->memory.sessions;
    scan_open(&scan, t, PRIMARY_SESSION, &row, 0, 0);
    while (scan_next(&scan, &row)) {
        if (session_is_schedules(row.name)) continue;
        n.by_status[row.status]++;
        n.waiting += row.waiting;
    }
    scan_close(&scan);
    claim(memcmp(&n, kept, sizeof(n)) == 0,
          "%" PRIu64 " events wait in %" PRIu64 " open sessions, counted %" PRIu64 " in %" PRIu64,
          n.waiting, n.by_status[SESSION_OPEN], kept->waiting, kept->by_status[SESSION_OPEN]);
}

/* ---- fsck ------------------------------------------------------------------------------------ */

static void
on_problem(const char *sentence, void *arg)
{
    (void)arg;
    broken("fsck: %s", sentence);
}

void
sim_check_store(struct sim *s)
{
    const bool  cancel = false;
    struct err  e = {0};
    struct txn *t = txn_begin_read(s->store, &e);

    claim(t, "no read transaction: %s", e.msg);
    (void)store_check(t, on_problem, NULL, &cancel); /* how many rows does not matter */
    engine_check(t, on_problem, NULL, &cancel);
    check_counts(s, t);
    claim(!store_has_damage(s->store), "a record is damaged");
    txn_abort(&t);
}
