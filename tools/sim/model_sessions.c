/* Sessions (D1, D2, N21): events in strict order, one unfinished job for each session's head, and
 * the event's consumption with its checkpoint and effects in one. */
#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>
#include <stdio.h>

static const struct actor daemon_actor = {.kind = "daemon", .role = ROLE_ADMIN};

struct m_session *
m_session(struct model *m, uint64_t number)
{
    return number ? &m->sessions.items[number - 1] : NULL;
}

struct m_event *
m_event(struct m_session *s, uint64_t seq)
{
    return &s->events.items[seq - 1];
}

bool
m_is_message(const struct m_event *ev)
{
    return strcmp(ev->type, "user_message") == 0;
}

bool
m_is_for_person(struct model *m, const struct m_job *j)
{
    return j->session && m_is_message(m_event(m_session(m, j->session), j->event));
}

static bool
is_job(const struct m_event *ev)
{
    return strcmp(ev->type, "job") == 0;
}

/* ---- who processes its events ---------------------------------------------------------------- */

enum errc
m_check_owner(struct model *m, int company, int agent)
{
    if (m_object(m, company)->is_gone) return E_BAD_REQUEST;
    return agent >= 0 && m_object(m, agent)->is_gone ? E_BAD_REQUEST : E_OK;
}

enum errc
m_session_handler(struct model *m, int company, int agent, int *handler)
{
    enum errc   e = m_check_owner(m, company, agent);
    struct view name = agent < 0 ? m->limits.session_handler : (struct view){0};

    if (e != E_OK) return e;
    if (agent >= 0) name = m_agent_handler(m, agent);
    if (name.size == 0) return E_BAD_REQUEST;
    *handler = m_ref(m, &daemon_actor, KIND_HANDLER, name, &company, &e);
    return *handler < 0 ? e : E_OK;
}

/* ---- the job of the head --------------------------------------------------------------------- */

/* An event of type job says what its job is. */
static enum errc
take_order(struct model *m, const struct m_session *s, const struct m_event *ev, struct m_job *j,
           bool *has_max_turns)
{
    struct msg_job_submit q;
    struct err            error = {0};
    int                   company = s->company;
    enum errc             e;

    claim(msg_unpack(msg_desc(MSG_JOB_SUBMIT), buf_view(&ev->payload), &q, &error) == E_OK,
          "an order that cannot be read: %s", error.msg);
    if (HAS(&q, job_submit, priority)) j->priority = (uint8_t)q.priority;
    j->max_run_ms = q.max_run_ms;
    j->max_turns = q.max_turns;
    j->payload = q.payload.size ? hash64(q.payload, 0) : 0;
    j->payload_bytes = q.payload.size;
    j->color = m_color_of(q.tags);
    *has_max_turns = HAS(&q, job_submit, max_turns);
    if (q.handler.size == 0) return m_session_handler(m, s->company, s->agent, &j->handler);
    if ((e = m_check_owner(m, s->company, s->agent)) != E_OK) return e;
    j->handler = m_ref(m, &daemon_actor, KIND_HANDLER, q.handler, &company, &e);
    return j->handler < 0 ? e : E_OK;
}

static enum errc
prepare(struct model *m, const struct m_session *s, const struct m_event *ev, struct m_job *j)
{
    bool      is_timer = strcmp(ev->type, "timer") == 0, has_max_turns = false;
    enum errc e;

    j->trigger = is_timer ? "timer" : "event";
    j->priority = 50;
    j->run_at = m->now.wall_ms;
    e = is_job(ev) ? take_order(m, s, ev, j, &has_max_turns)
                   : m_session_handler(m, s->company, s->agent, &j->handler);
    if (e != E_OK) return e;
    j->parent = ev->parent;
    j->root = ev->root;
    j->depth = ev->depth;
    memcpy(j->chain, ev->chain, sizeof(j->chain));
    j->chain_count = ev->chain_count;
    m_defaults(m, j, has_max_turns);
    return E_OK;
}

static void
hold(struct m_session *s, uint64_t seq)
{
    s->status = SESSION_HELD;
    s->head = seq;
    s->job = 0;
}

static void
start(struct model *m, struct m_session *s, uint64_t seq)
{
    struct m_job  made = {.schedule = -1, .company = s->company, .agent = s->agent, .event = seq};
    struct m_job *j;

    made.session = (uint64_t)(s - m->sessions.items) + 1;
    s->is_touched = true;
    if (prepare(m, s, m_event(s, seq), &made) != E_OK) {
        hold(s, seq);
        return;
    }
    j = m_add_job(m);
    made.id = j->id;
    made.submitted_at = j->submitted_at;
    made.state = JOB_SCHEDULED;
    if (made.root == 0) made.root = made.id;
    *j = made;
    m_make_ready(j);
    m_idle_agent_woken(m, j);
    s->head = seq;
    s->job = j->id;
}

void
m_event_append(struct model *m, struct m_session *s, const struct m_event *given)
{
    struct m_event *ev = LIST_ADD(&s->events);

    *ev = *given;
    ev->id = ++m->event_ids;
    ev->created_at = m->now.wall_ms;
    ev->is_touched = s->is_touched = true;
    s->waiting++;
    s->has_person |= m_is_message(ev);
    if (s->status == SESSION_OPEN && s->head == 0) start(m, s, s->events.count);
}

/* ---- the end of an event --------------------------------------------------------------------- */

/* What nobody asked for is counted anew (D6). */
static void
person_is_heard(struct m_session *s, const struct m_event *ev)
{
    if (!m_is_message(ev)) return;
    s->autonomous = 0;
    s->last_autonomous_at = 0;
}

void
m_event_consumed(struct model *m, const struct m_job *j, struct view checkpoint)
{
    struct m_session *s = m_session(m, j->session);

    claim(s->job == j->id && s->head == j->event && s->head == s->event_seq + 1,
          "job %" PRIu64 " completes event %" PRIu64 " of %s, whose head is %" PRIu64, j->id,
          j->event, s->key, s->head);
    s->event_seq = s->head;
    s->waiting--;
    s->checkpoint_id++;
    if (checkpoint.size) s->checkpoint = hash64(checkpoint, 0);
    person_is_heard(s, m_event(s, s->head));
    s->is_touched = true;
}

/* Its job ended in another way. */
static void
give_up(struct model *m, struct m_session *s, const struct m_job *j)
{
    struct m_event *ev = m_event(s, s->head);

    ev->mark = EVENT_DEAD;
    ev->job = j->id;
    ev->is_touched = true;
    s->waiting--;
    s->dead++;
    person_is_heard(s, ev);
    if (s->status == SESSION_OPEN && view_is(m->limits.session_on_failure, "hold")) {
        hold(s, s->head);
    } else {
        s->event_seq = s->head;
    }
}

void
m_session_job_over(struct model *m, const struct m_job *j)
{
    struct m_session *s = m_session(m, j->session);

    if (s->job != j->id) return;
    if (s->head > s->event_seq) give_up(m, s, j);
    s->job = 0;
    s->is_over = s->is_touched = true;
}

/* ---- the next one ---------------------------------------------------------------------------- */

/* Void events are passed over. */
static void
take_next(struct model *m, struct m_session *s)
{
    uint64_t seq = s->event_seq + 1;

    s->is_over = false;
    if (s->status == SESSION_HELD || s->job) return;
    s->head = 0;
    s->is_touched = true;
    if (s->status == SESSION_CLOSED && s->waiting) return;
    while (seq <= s->events.count && m_event(s, seq)->mark != EVENT_UNMARKED)
        seq++;
    s->event_seq = seq - 1;
    if (seq <= s->events.count) start(m, s, seq);
}

/* In which order sessions take their next event is the engine's taste: the next job's row tells
 * whose turn it was; those that make no job come at any time. */
static struct m_session *
next_over(struct model *m)
{
    struct job_spec   spec = {.id = m->jobs.count + 1};
    bool              is_there = job_spec_load(m->txn, &spec) == LOAD_FOUND;
    struct m_session *first = NULL;

    for (size_t i = 0; i < m->sessions.count; i++) {
        struct m_session *s = &m->sessions.items[i];

        if (!s->is_over) continue;
        if (is_there && spec.session && spec.session == m_session_id(m, s)) return s;
        if (!first) first = s;
    }
    return first;
}

void
m_sessions_advance(struct model *m)
{
    struct m_session *s;

    while ((s = next_over(m)))
        take_next(m, s);
}

/* ---- by an operator -------------------------------------------------------------------------- */

void
m_session_resume(struct model *m, struct m_session *s, bool skip)
{
    struct m_event *ev = m_event(s, s->head);
    bool            is_dead = ev->mark == EVENT_DEAD;

    if (ev->mark == EVENT_VOID) { /* its timer was cancelled: nothing is to be tried or skipped */
        s->status = SESSION_OPEN;
        take_next(m, s);
        return;
    }
    if (is_dead && !skip) {
        ev->mark = EVENT_UNMARKED;
        s->dead--;
        s->waiting++;
    } else if (!is_dead && skip) {
        ev->mark = EVENT_DEAD;
        s->dead++;
        s->waiting--;
    }
    if (is_dead != skip) ev->job = 0;
    ev->is_touched = true;
    if (skip) s->event_seq = s->head;
    s->status = SESSION_OPEN;
    take_next(m, s);
}

bool
m_event_void(struct model *m, struct m_session *s, uint64_t seq)
{
    struct m_event *ev = seq > s->event_seq ? m_event(s, seq) : NULL;
    struct m_job   *j = seq == s->head ? m_job(m, s->job) : NULL;

    if (!ev || ev->mark != EVENT_UNMARKED || (j && j->state == JOB_RUNNING)) return false;
    ev->mark = EVENT_VOID;
    ev->is_touched = s->is_touched = true;
    s->waiting--;
    if (seq == s->head) s->event_seq = seq;
    if (j) m_cancel(m, j);
    return true;
}

static void
cancel_head(struct model *m, struct m_session *s)
{
    struct m_job *j = m_job(m, s->job);

    if (s->head == 0 || m_event_void(m, s, s->head)) return;
    if (j && j->state == JOB_RUNNING && !j->stop_reason) m_cancel(m, j);
}

/* What waits is cancelled; in one turn as far as that has room, which the rows tell. */
static void
void_events(struct model *m, struct m_session *s)
{
    s->is_closing = !m_timers_close(m, s);
    for (uint64_t seq = (s->job ? s->head : s->event_seq) + 1; seq <= s->events.count; seq++) {
        struct m_event *ev = m_event(s, seq);

        if (ev->mark != EVENT_UNMARKED) continue;
        if (m_event_mark(m, s, seq) != EVENT_VOID && m->turn->deadline.wall_ms <= m->now.wall_ms) {
            s->is_closing = true;
            continue;
        }
        ev->mark = EVENT_VOID;
        ev->is_touched = true;
        s->waiting--;
    }
    s->is_over |= s->job == 0 && !s->is_closing;
    s->is_touched = true;
}

void
m_session_close(struct model *m, struct m_session *s)
{
    cancel_head(m, s);
    if (s->status == SESSION_HELD) s->event_seq = s->head;
    s->status = SESSION_CLOSED;
    void_events(m, s);
}

void
m_sessions_due(struct model *m)
{
    for (size_t i = 0; i < m->sessions.count; i++) {
        if (m->sessions.items[i].is_closing) void_events(m, &m->sessions.items[i]);
    }
}

bool
m_has_session(struct model *m, int object)
{
    for (size_t i = 0; i < m->sessions.count; i++) {
        const struct m_session *s = &m->sessions.items[i];

        if (!s->is_gone && s->status != SESSION_CLOSED &&
            (s->company == object || s->agent == object))
            return true;
    }
    return false;
}

void
m_sessions_removed(struct model *m)
{
    for (size_t i = 0; i < m->sessions.count; i++) {
        struct m_session *s = &m->sessions.items[i];
        bool              goes = m_check_owner(m, s->company, s->agent) != E_OK;

        if (goes && s->status != SESSION_CLOSED && m_session_status(m, s) == SESSION_CLOSED)
            m_session_close(m, s);
    }
}
