#include "supervisor/engine/tickets.h"

#include "supervisor/engine/audit.h"
#include "supervisor/engine/goals.h"
#include "supervisor/engine/ledger.h"
#include "supervisor/engine/made.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/views.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

// clang-format off
static const struct {
    bool    is_listed;
    uint8_t to;
} edges[TICKET_STATUS_COUNT][TICKET_EVENT_COUNT] = {
#define E(from, event, next) [TICKET_##from][TICKET_ON_##event] = {true, TICKET_##next},
    TICKET_EDGES(E)
#undef E
};
static const char *const status_names[TICKET_STATUS_COUNT] = {
    [TICKET_NONE] = "none",
#define V(name, text) [TICKET_##name] = text,
    TICKET_STATUSES(V)
#undef V
};
static const char *const asked_as[TICKET_EVENT_COUNT] = {
#define E(event, status) [TICKET_ON_##event] = status,
    TICKET_EVENTS(E)
#undef E
};
// clang-format on

const char *
ticket_status_name(enum ticket_status s)
{
    return s < TICKET_STATUS_COUNT ? status_names[s] : status_names[TICKET_NONE];
}

enum errc
ticket_step(struct ticket *k, enum ticket_event ev, struct err *e)
{
    assert(ev < TICKET_EVENT_COUNT);
    if (k->status >= TICKET_STATUS_COUNT || !edges[k->status][ev].is_listed) {
        return err_set(e, E_WRONG_STATE, "ticket %" PRIu64 " is %s: it cannot become %s", k->id,
                       ticket_status_name(k->status), asked_as[ev]);
    }
    k->status = edges[k->status][ev].to;
    return E_OK;
}

/* ---- loads and checks ---------------------------------------------------------- */

/* The ticket that a field of a request names: there, and of this company; E_NOT_FOUND names the
 * field. */
static enum errc
ticket_ref(struct txn *t, uint32_t company, uint64_t id, const char *field, struct ticket *out,
           struct err *e)
{
    struct ticket k = {.id = id};

    if (ticket_load(t, &k) != LOAD_FOUND || k.removing || k.company != company) {
        (void)err_field(e, field, "there is no ticket %" PRIu64 " in this company", id);
        return e->code = E_NOT_FOUND;
    }
    *out = k;
    return E_OK;
}

enum errc
ticket_get(struct txn *t, const struct actor *a, uint64_t id, struct ticket *out, struct err *e)
{
    struct ticket k = {.id = id};
    enum load     l = ticket_load(t, &k);

    if (l == LOAD_DAMAGED)
        return err_set(e, E_DAMAGED, "ticket %" PRIu64 ": its record is damaged", id);
    if (l == LOAD_ABSENT || k.removing || !actor_sees(t, a, k.company))
        return err_set(e, E_NOT_FOUND, "there is no ticket %" PRIu64, id);
    *out = k;
    return E_OK;
}

enum errc
tickets_check_job(struct engine *en, uint32_t company, uint64_t goal, uint64_t ticket,
                  struct job_spec *spec, struct err *e)
{
    struct ticket k = {0};
    struct goal   g;

    if (ticket && ticket_ref(turn_txn(en), company, ticket, "ticket", &k, e)) return e->code;
    if (goal && goal_ref(turn_txn(en), company, goal, "goal", &g, e)) return e->code;
    if (goal && k.goal && goal != k.goal) {
        return err_field(e, "goal", "ticket %" PRIu64 " is of goal %" PRIu64, ticket, k.goal);
    }
    spec->ticket = ticket;
    spec->goal = goal ? goal : k.goal;
    return E_OK;
}

enum errc
ticket_check_assignee(struct engine *en, uint32_t company, uint64_t required, uint32_t agent,
                      const char *field, struct err *e)
{
    const struct object_entry *o = objects_get(&en->turn.objects, agent);

    if (!o || o->row.company != company) {
        (void)err_field(e, field, "the agent is of another company");
        return e->code = E_NOT_FOUND;
    }
    uint64_t missing = required & ~o->spec.agent.capabilities;

    if (missing == 0) return E_OK;
    (void)err_field(e, field, "\"%.*s\" lacks capabilities that the ticket requires: 0x%" PRIx64,
                    VIEW_ARG(o->row.name), missing);
    return err_hint(e, "its capabilities are 0x%" PRIx64 ", the ticket requires 0x%" PRIx64,
                    o->spec.agent.capabilities, required);
}

enum errc
ticket_check_place(struct engine *en, const struct ticket *k, struct err *e)
{
    struct txn   *t = turn_txn(en);
    struct goal   g;
    struct ticket up;
    uint64_t      parent = k->parent;

    if (k->goal && goal_ref(t, k->company, k->goal, "goal", &g, e)) return e->code;
    for (uint32_t n = 1; parent; n++) {
        if (ticket_ref(t, k->company, parent, "parent", &up, e)) return e->code;
        if (parent == k->id) {
            return err_field(e, "parent", "ticket %" PRIu64 " is below ticket %" PRIu64 ": a cycle",
                             k->parent, k->id);
        }
        if (n >= GOAL_DEPTH_MAX)
            return err_field(e, "parent", "tickets would be deeper than %d", GOAL_DEPTH_MAX);
        parent = up.parent;
    }
    return E_OK;
}

/* ---- what others are told ------------------------------------------------------ */

void
feed_ticket(struct engine *en, enum feed_type type, const struct ticket *k)
{
    struct mp_open_map m = feed_open(en, type, k->company);
    struct buf        *b = feed_buf(en);

    mp_put_u64(b, &m, "ticket", k->id);
    mp_put_str(b, &m, "title", k->title);
    mp_put_cstr(b, &m, "status", ticket_status_name(k->status));
    if (k->goal) mp_put_u64(b, &m, "goal", k->goal);
    if (k->assignee) mp_put_str(b, &m, "agent", objects_name(&en->turn.objects, k->assignee));
    if (k->job) mp_put_u64(b, &m, "job", k->job);
    feed_close(en, &m);
}

static void
put_pairs(struct objects *o, const struct ticket *k, struct buf *b, struct mp_open_map *m)
{
    mp_put_u64(b, m, "id", k->id);
    mp_put_str(b, m, "title", k->title);
    mp_put_cstr(b, m, "status", ticket_status_name(k->status));
    view_put_name(o, b, m, "company", k->company);
    mp_put_time(b, m, "goal", (int64_t)k->goal);
    mp_put_time(b, m, "parent", (int64_t)k->parent);
    view_put_name(o, b, m, "assignee", k->assignee);
    mp_put_u64(b, m, "required", k->required);
    mp_put_u64(b, m, "reward", k->reward);
    mp_put_time(b, m, "deadline_at", k->deadline_at);
    mp_put_raw(b, m, "data", k->data);
}

void
tickets_put_document(struct objects *o, uint64_t ticket, struct buf *b)
{
    struct ticket      k = {.id = ticket};
    struct mp_open_map m;

    if (ticket == 0 || ticket_load(o->txn, &k) != LOAD_FOUND) {
        mp_nil(b);
        return;
    }
    m = mp_open(b);
    put_pairs(o, &k, b, &m);
    mp_close(b, &m);
}

void
view_ticket(struct objects *o, const struct ticket *k, struct buf *b)
{
    struct mp_open_map m = mp_open(b), u;

    put_pairs(o, k, b, &m);
    view_put_name(o, b, &m, "routine", k->schedule);
    mp_put_i64(b, &m, "created_at", k->created_at);
    mp_put_i64(b, &m, "updated_at", k->updated_at);
    mp_put_time(b, &m, "claimed_at", k->claimed_at);
    mp_put_time(b, &m, "done_at", k->status == TICKET_DONE ? k->done_at : 0);
    mp_put_time(b, &m, "job", (int64_t)k->job);
    mp_put_u64(b, &m, "open_jobs", k->open_jobs);
    mp_key(b, &m, "usage");
    u = mp_open(b);
    mp_put_u64(b, &u, "turns", k->turns);
    mp_put_u64(b, &u, "tokens", k->tokens);
    mp_put_u64(b, &u, "cost_micros", k->cost_micros);
    mp_put_u64(b, &u, "run_ms", k->run_ms);
    mp_close(b, &u);
    mp_close(b, &m);
}

/* ---- changes ------------------------------------------------------------------- */

/* The reward is the assignee's on the day on which the ticket is done for the first time: not again
 * after a dispute. */
static void
book_reward(struct engine *en, const struct ticket *k)
{
    struct objects *o = &en->turn.objects;
    struct ticket   before = {.id = k->id};
    struct ledger  *row;

    if (k->assignee == 0 || ticket_load(turn_txn(en), &before) != LOAD_FOUND || before.done_at)
        return;
    row = ledger_row(o, k->assignee, ledger_date(o, k->assignee, en->turn.now.wall_ms));
    sum_add(&row->earned, k->reward);
    row->tickets_done++;
}

static void
save(struct engine *en, struct ticket *k, enum feed_type type)
{
    if (type == FEED_TICKET_DONE) book_reward(en, k);
    k->updated_at = en->turn.now.wall_ms;
    ticket_save(turn_txn(en), k);
    feed_ticket(en, type, k);
}

void
ticket_write_new(struct engine *en, struct ticket *k)
{
    k->id = en->memory.meta.next_ticket++;
    k->status = TICKET_OPEN;
    k->created_at = en->turn.now.wall_ms;
    save(en, k, FEED_TICKET_ADDED);
}

void
ticket_claimed(struct engine *en, struct ticket *k, uint32_t agent, uint64_t job)
{
    struct err e = {0};
    enum errc  code = ticket_step(k, TICKET_ON_ASSIGN, &e);

    assert(code == E_OK); /* checked by the caller */
    (void)code;
    k->assignee = agent;
    k->claimed_at = en->turn.now.wall_ms;
    k->job = job;
    save(en, k, FEED_TICKET_ASSIGNED);
}

/* Takes the status that is asked for; the caller saves. */
static enum errc
take_status(struct engine *en, struct ticket *k, struct view status, enum feed_type *type,
            struct err *e)
{
    enum ticket_event ev = 0;

    while (ev < TICKET_EVENT_COUNT && !view_is(status, asked_as[ev]))
        ev++;
    if (ev == TICKET_EVENT_COUNT)
        return err_field(e, "status", "there is no status \"%.*s\"", VIEW_ARG(status));
    if (ev == TICKET_ON_ASSIGN) {
        (void)err_field(e, "status", "a ticket becomes claimed by its assignment");
        return err_hint(e, "assign it to an agent");
    }
    if (ticket_step(k, ev, e)) return e->code;
    *type = FEED_TICKET_CHANGED;
    if (ev == TICKET_ON_REOPEN) k->assignee = 0;
    if (ev == TICKET_ON_FINISH) {
        *type = FEED_TICKET_DONE;
        k->done_at = en->turn.now.wall_ms;
    }
    return E_OK;
}

enum errc
tickets_set_status(struct engine *en, uint32_t company, uint64_t id, struct view status,
                   struct err *e)
{
    enum feed_type type;
    struct ticket  k;

    if (ticket_ref(turn_txn(en), company, id, "ticket", &k, e) ||
        take_status(en, &k, status, &type, e)) {
        return e->code;
    }
    save(en, &k, type);
    return E_OK;
}

/* ---- its jobs ------------------------------------------------------------------ */

void
tickets_job_moved(struct engine *en, const struct job_state *j, enum job_state_id before)
{
    bool          was_open = before != JOB_NONE && !job_state_is_end(before);
    bool          is_open = !job_state_is_end(j->state), starts;
    int           change = (int)is_open - (int)was_open;
    struct ticket k = {.id = j->ticket};
    struct err    e = {0};

    starts = before == JOB_READY && j->state == JOB_RUNNING;
    if (j->goal && change) goal_count(en, j->goal, change);
    if (j->ticket == 0 || (change == 0 && !starts)) return;
    if (ticket_load(turn_txn(en), &k) != LOAD_FOUND) return; /* removed, or damaged */
    if (change > 0) k.open_jobs++;
    if (change < 0 && k.open_jobs > 0) k.open_jobs--;
    if (starts && j->agent == k.assignee && ticket_step(&k, TICKET_ON_START, &e) == E_OK) {
        save(en, &k, FEED_TICKET_CHANGED);
    } else if (change) {
        ticket_save(turn_txn(en), &k);
    }
}

void
tickets_charge(struct engine *en, uint64_t ticket, const struct attempt *used)
{
    struct ticket k = {.id = ticket};

    if (ticket == 0 || ticket_load(turn_txn(en), &k) != LOAD_FOUND) return;
    sum_add(&k.turns, used->turns);
    sum_add(&k.tokens, sum_of(used->input_tokens, used->output_tokens));
    sum_add(&k.cost_micros, used->cost_micros);
    if (used->ended_at > used->claimed_at)
        k.run_ms += (uint64_t)(used->ended_at - used->claimed_at);
    ticket_save(turn_txn(en), &k);
}

/* ---- audit ---------------------------------------------------------------------- */

struct view
ticket_pack(struct engine *en, const struct ticket *k)
{
    struct buf b BUF_AUTO = {0};

    view_ticket(&en->turn.objects, k, &b);
    return arena_copy(&en->turn.arena, buf_view(&b));
}

void
ticket_audit(struct engine *en, const struct actor *a, const char *action, struct view before,
             const struct ticket *k)
{
    audit_put_id(en, a, action, k->company, "ticket", k->id, before, ticket_pack(en, k));
}

/* ---- requests ------------------------------------------------------------------ */

/* The wake-up of an assignment, judged. */
static enum errc
prepare_assignment(struct engine *en, const struct actor *a, const struct ticket *k, uint32_t agent,
                   struct view payload, int64_t priority, struct submission *s, struct err *e)
{
    const struct wake w = {.agent = agent,
                           .trigger = TRIGGER_TICKET_ASSIGNED,
                           .source = view_str("ticket"),
                           .title = k->title,
                           .payload = payload,
                           .goal = k->goal,
                           .ticket = k->id,
                           .priority = priority};

    if (ticket_check_assignee(en, k->company, k->required, agent, "agent", e) ||
        submit_prepare_wake(en, &w, s, e)) {
        return e->code;
    }
    return submit_check_priority(en, a, s, e);
}

/* Writes the wake-up that prepare_assignment judged, and who has the ticket. */
static enum errc
assign(struct engine *en, const struct actor *a, struct ticket *k, uint32_t agent,
       struct submission *s, struct err *e)
{
    struct job_state j;

    s->spec.ticket = k->id;
    submit_write(en, s, a, &j);
    if (ticket_load(turn_txn(en), k) != LOAD_FOUND)
        return err_set(e, E_DAMAGED, "its record is damaged");
    ticket_claimed(en, k, agent, j.id);
    made_answered(en, agent);
    return E_OK;
}

enum errc
on_ticket_add(struct engine *en, const struct actor *a, const struct msg_ticket_add *m,
              struct buf *reply, struct err *e)
{
    struct ticket     k = {.title = m->title,
                           .goal = m->goal,
                           .parent = m->parent,
                           .required = m->required,
                           .reward = m->reward,
                           .deadline_at = m->deadline_at,
                           .data = m->data};
    struct submission s;
    uint32_t          agent = 0;
    struct txn       *t = turn_txn(en);

    if (submit_admit(en, e) || object_company(t, a, m->company, &k.company, e)) return e->code;
    if (m->agent.size && object_ref(t, a, KIND_AGENT, m->agent, "agent", &k.company, &agent, e))
        return e->code;
    if (ticket_check_place(en, &k, e)) return e->code;
    if (m->payload.size && agent == 0) {
        return err_field(e, "payload", "is for the wake-up of an agent: give the agent, too");
    }
    if (agent && prepare_assignment(en, a, &k, agent, m->payload, -1, &s, e)) return e->code;
    ticket_write_new(en, &k);
    if (agent && assign(en, a, &k, agent, &s, e)) return e->code;
    ticket_audit(en, a, "ticket.add", (struct view){0}, &k);
    view_ticket(&en->turn.objects, &k, reply);
    return E_OK;
}

enum errc
on_ticket_set(struct engine *en, const struct actor *a, const struct msg_ticket_set *m,
              struct buf *reply, struct err *e)
{
    enum feed_type type = FEED_TICKET_CHANGED;
    struct ticket  k;
    struct view    before;

    if (ticket_get(turn_txn(en), a, m->id, &k, e)) return e->code;
    before = ticket_pack(en, &k);
    if (m->has == 1ULL << msg_ticket_set_BIT_id)
        return err_field(e, "title", "nothing to change: give title, status, goal, …");
    if (HAS(m, ticket_set, title)) k.title = m->title;
    if (HAS(m, ticket_set, goal)) k.goal = m->goal;
    if (HAS(m, ticket_set, parent)) k.parent = m->parent;
    if (HAS(m, ticket_set, reward)) k.reward = m->reward;
    if (HAS(m, ticket_set, deadline_at)) k.deadline_at = m->deadline_at;
    if (HAS(m, ticket_set, data)) k.data = m->data;
    if (HAS(m, ticket_set, required)) k.required = m->required;
    if (ticket_check_place(en, &k, e)) return e->code;
    if (HAS(m, ticket_set, status) && take_status(en, &k, m->status, &type, e)) return e->code;
    if (HAS(m, ticket_set, required) && k.assignee &&
        ticket_check_assignee(en, k.company, k.required, k.assignee, "required", e)) {
        return e->code;
    }
    save(en, &k, type);
    ticket_audit(en, a, "ticket.set", before, &k);
    view_ticket(&en->turn.objects, &k, reply);
    return E_OK;
}

/* A wake-up of the one who had it before, if it has not started: it would work on another's. */
static void
take_back(struct engine *en, const struct ticket *k, uint32_t agent)
{
    struct job_state j = {.id = k->job};
    struct err       e = {0};

    if (k->job == 0 || k->assignee == agent || job_state_load(turn_txn(en), &j) != LOAD_FOUND)
        return;
    if (j.state != JOB_SCHEDULED && j.state != JOB_READY) return;
    if (job_cancel(en, &j, "the ticket was assigned to another agent", &e)) return;
}

enum errc
on_ticket_assign(struct engine *en, const struct actor *a, const struct msg_ticket_assign *m,
                 struct buf *reply, struct err *e)
{
    struct txn       *t = turn_txn(en);
    struct submission s;
    struct ticket     k, after;
    struct view       before;
    uint32_t          agent;
    int64_t           priority = HAS(m, ticket_assign, priority) ? m->priority : -1;

    if (submit_admit(en, e) || ticket_get(t, a, m->id, &k, e)) return e->code;
    before = ticket_pack(en, &k);
    after = k;
    if (object_ref(t, a, KIND_AGENT, m->agent, "agent", &k.company, &agent, e) ||
        prepare_assignment(en, a, &k, agent, m->payload, priority, &s, e) ||
        ticket_step(&after, TICKET_ON_ASSIGN, e)) {
        return e->code;
    }
    take_back(en, &k, agent);
    if (assign(en, a, &k, agent, &s, e)) return e->code;
    ticket_audit(en, a, "ticket.assign", before, &k);
    view_ticket(&en->turn.objects, &k, reply);
    return E_OK;
}
