#include "supervisor/engine/events.h"

#include "supervisor/engine/chain.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/submit.h"

#include <assert.h>
#include <inttypes.h>

/* ---- the job of the head ------------------------------------------------------- */

static void
hold(struct engine *en, struct session *s, uint64_t seq, struct view reason)
{
    struct mp_open_map m;

    s->status = SESSION_HELD;
    s->reason = arena_copy(txn_arena(turn_txn(en)), reason);
    s->head = seq;
    s->job = 0;
    session_changed(en, s);
    m = session_feed_open(en, FEED_SESSION_HELD, s);
    mp_put_u64(feed_buf(en), &m, "event", seq);
    mp_put_str(feed_buf(en), &m, "reason", reason);
    feed_close(en, &m);
}

/* The job continues the event's chain of causes, whatever became of the job before it; an agent's
 * own timers have no depth in it (N24). */
static void
follow_cause(struct engine *en, const struct event *ev, struct job_spec *spec)
{
    struct job_spec parent = {.id = ev->parent};

    spec->parent = ev->parent;
    spec->root = ev->root;
    spec->depth = ev->depth;
    spec->chain = ev->chain;
    if (ev->depth || ev->parent == 0 || ev->timer.size) return;
    if (job_spec_load(turn_txn(en), &parent) == LOAD_FOUND) /* an event from before schema 7 */
        chain_follow(en, &parent, spec);
}

/* An event of type job says what its job is, as a request to submit one does. */
static enum errc
take_order(struct engine *en, const struct session *s, const struct event *ev,
           struct submission *sub, bool *has_max_turns, struct err *e)
{
    struct msg_job_submit m;
    struct view           payload;
    uint32_t              company = s->company;

    if (event_payload(turn_txn(en), ev, &payload) != LOAD_FOUND)
        return err_set(e, E_DAMAGED, "event %" PRIu64 ": its payload is damaged", ev->seq);
    if (msg_unpack(msg_desc(MSG_JOB_SUBMIT), payload, &m, e)) return e->code;
    if (m.title.size) sub->spec.title = m.title;
    if (HAS(&m, job_submit, priority)) sub->priority = (uint8_t)m.priority;
    sub->spec.context = m.context;
    sub->spec.tags = m.tags;
    sub->spec.max_run_ms = m.max_run_ms;
    sub->spec.max_turns = m.max_turns;
    sub->payload = m.payload;
    *has_max_turns = HAS(&m, job_submit, max_turns);
    if (m.handler.size == 0)
        return session_handler(&en->turn.objects, &en->memory.limits, s->company, s->agent,
                               &sub->spec.handler, e);
    if (session_check_owner(&en->turn.objects, s->company, s->agent, e)) return e->code;
    return object_ref(turn_txn(en), &actor_daemon, KIND_HANDLER, m.handler, "handler", &company,
                      &sub->spec.handler, e);
}

static enum errc
prepare(struct engine *en, const struct session *s, const struct event *ev, struct submission *sub,
        struct err *e)
{
    enum trigger trigger = view_is(ev->type, EVENT_TIMER) ? TRIGGER_TIMER : TRIGGER_EVENT;
    bool         has_max_turns = false;

    sub->flags = JOB_FLAG_EVENT;
    sub->run_at = en->turn.now.wall_ms;
    sub->priority = trigger_priority(trigger);
    sub->spec.trigger = (uint8_t)trigger;
    sub->spec.company = s->company;
    sub->spec.agent = s->agent;
    sub->spec.session = s->id;
    sub->spec.event = ev->seq;
    sub->spec.actor = ev->actor;
    sub->spec.source = view_str("session");
    sub->spec.title =
        view_str(arena_printf(txn_arena(turn_txn(en)), "%.*s — event #%" PRIu64 " (%.*s)",
                              VIEW_ARG(s->name), ev->seq, VIEW_ARG(ev->type)));
    if (view_is(ev->type, EVENT_JOB)) {
        if (take_order(en, s, ev, sub, &has_max_turns, e)) return e->code;
    } else if (session_handler(&en->turn.objects, &en->memory.limits, s->company, s->agent,
                               &sub->spec.handler, e)) {
        return e->code;
    }
    follow_cause(en, ev, &sub->spec);
    submit_defaults(en, sub, has_max_turns);
    return E_OK;
}

/* The event becomes the session's head, and gets its job; without somebody to process it the
 * session is held. */
static void
start(struct engine *en, struct session *s, const struct event *ev)
{
    struct submission sub = {0};
    struct job_state  j;
    struct err        e = {0};

    if (prepare(en, s, ev, &sub, &e)) {
        hold(en, s, ev->seq, view_str(err_sentence(&e)));
        return;
    }
    submit_write(en, &sub, NULL, &j);
    session_head_put(s, ev);
    s->head = ev->seq;
    s->job = j.id;
    session_changed(en, s);
}

/* ---- append -------------------------------------------------------------------- */

enum errc
event_admit(struct engine *en, struct view session, uint64_t waiting, struct err *e)
{
    int64_t max = en->memory.limits.session_queue_max;

    if (max == NO_LIMIT || waiting < (uint64_t)max) return E_OK;
    err_set(e, E_QUEUE_FULL, "session \"%.*s\": %" PRIu64 " events wait, it takes %" PRId64,
            VIEW_ARG(session), waiting, max);
    return err_hint(e, "wait until some are processed, or raise sessions.queue_max");
}

static void
tell_event(struct engine *en, const struct session *s, const struct event *ev)
{
    struct mp_open_map m = session_feed_open(en, FEED_SESSION_EVENT, s);

    mp_put_u64(feed_buf(en), &m, "event", ev->seq);
    mp_put_str(feed_buf(en), &m, "event_type", ev->type);
    mp_put_time(feed_buf(en), &m, "parent", (int64_t)ev->parent); /* nil for none */
    mp_put_time(feed_buf(en), &m, "root", (int64_t)ev->root);
    feed_close(en, &m);
}

/* With its texts, that are the request's, for as long as the turn. */
static void
start_appended(struct engine *en, struct session *s, struct event *ev)
{
    struct arena *a = txn_arena(turn_txn(en));

    ev->type = arena_copy(a, ev->type);
    ev->payload = arena_copy(a, ev->payload);
    ev->actor = arena_copy(a, ev->actor);
    ev->timer = arena_copy(a, ev->timer);
    ev->chain = arena_copy(a, ev->chain);
    start(en, s, ev);
}

void
event_append(struct engine *en, struct session *s, struct view type, struct view payload,
             const struct event_origin *from, uint64_t *seq)
{
    struct event ev = {.session = s->id,
                       .seq = ++s->appended,
                       .id = en->memory.meta.next_event++,
                       .type = type,
                       .payload = payload,
                       .created_at = en->turn.now.wall_ms,
                       .actor = from->actor,
                       .timer = from->timer,
                       .root = from->root,
                       .parent = from->parent,
                       .copy_of = from->copy_of,
                       .depth = from->depth,
                       .chain = from->chain};

    if (payload.size > BLOB_FROM) {
        bytes_save(turn_txn(en), BLOB_EVENT, ev.id, payload);
        ev.payload_bytes = (uint32_t)payload.size;
        ev.payload = (struct view){0};
    }
    event_insert(turn_txn(en), &ev);
    if (s->first_event == 0) s->first_event = ev.seq; /* made by an older version */
    s->waiting++;
    s->active_at = ev.created_at;
    if (view_is(type, EVENT_MESSAGE)) {
        s->has_person = 1;
        s->person_at = ev.created_at;
    }
    session_changed(en, s);
    tell_event(en, s, &ev);
    if (s->status == SESSION_OPEN && s->head == 0) start_appended(en, s, &ev);
    *seq = ev.seq;
}

/* ---- the end of an event -------------------------------------------------------- */

/* A person has spoken: what nobody asked for is counted anew (D6). */
static void
person_is_heard(struct session *s, const struct event *ev)
{
    if (!view_is(ev->type, EVENT_MESSAGE)) return;
    s->autonomous = 0;
    s->last_autonomous_at = 0;
}

void
session_settle(struct engine *en, struct session *s, uint64_t seq)
{
    s->event_seq = seq;
    if (s->purge_at == 0) s->purge_at = en->turn.now.wall_ms;
    session_changed(en, s);
}

static void
no_longer_waits(struct session *s, uint64_t count)
{
    s->waiting -= count < s->waiting ? count : s->waiting;
}

uint64_t
event_consume(struct engine *en, const struct job_state *j, struct view checkpoint)
{
    struct session    *s = session_row(en, j->session);
    struct event       ev;
    struct mp_open_map m;

    if (!s || s->job != j->id) return 0; /* damaged, and made anew */
    ev = (struct event){.session = s->id, .seq = s->head};
    if (event_load(turn_txn(en), &ev) == LOAD_FOUND) person_is_heard(s, &ev);
    no_longer_waits(s, 1);
    session_settle(en, s, s->head);
    m = session_feed_open(en, FEED_SESSION_PROCESSED, s);
    mp_put_u64(feed_buf(en), &m, "event", s->head);
    mp_put_u64(feed_buf(en), &m, "job", j->id);
    feed_close(en, &m);
    return session_commit(en, s, checkpoint, true);
}

static const char *
why_given_up(struct engine *en, const struct job_state *j)
{
    return arena_printf(txn_arena(turn_txn(en)), "its job %" PRIu64 " ended as %s, %s: %.*s", j->id,
                        job_state_name(j->state), failure_rule(j->failure)->name,
                        VIEW_ARG(j->failure_message));
}

/* An event whose record is damaged is passed over without a mark. */
static void
give_up(struct engine *en, struct session *s, const struct job_state *j)
{
    struct event       ev = {.session = s->id, .seq = s->head};
    const char        *reason = why_given_up(en, j);
    struct mp_open_map m;

    no_longer_waits(s, 1);
    if (event_load(turn_txn(en), &ev) == LOAD_FOUND) {
        ev.mark = EVENT_DEAD;
        ev.job = j->id;
        event_save(turn_txn(en), &ev);
        s->dead++;
        person_is_heard(s, &ev);
    }
    m = session_feed_open(en, FEED_SESSION_EVENT_DEAD, s);
    mp_put_u64(feed_buf(en), &m, "event", s->head);
    mp_put_u64(feed_buf(en), &m, "job", j->id);
    mp_put_cstr(feed_buf(en), &m, "reason", reason);
    feed_close(en, &m);
    if (en->memory.limits.session_holds && s->status == SESSION_OPEN) {
        hold(en, s, s->head, view_str(reason));
    } else {
        session_settle(en, s, s->head);
    }
}

void
session_job_over(struct engine *en, const struct job_state *j)
{
    struct session *s = session_row(en, j->session);

    if (!s || s->job != j->id) return;
    if (s->head > s->event_seq) give_up(en, s, j); /* neither consumed nor void */
    s->job = 0;
    session_changed(en, s);
    session_over_put(en, s);
}

/* ---- the next one --------------------------------------------------------------- */

/* The number of the first that waits, void ones passed over; 0 when there is none.  missing: events
 * before it whose records are gone. */
static uint64_t
next_waiting(struct engine *en, const struct session *s, uint64_t *missing)
{
    struct event ev = {.session = s->id, .seq = s->event_seq + 1};
    struct scan  scan;
    uint64_t     expected = ev.seq;
    bool         is_found = false;

    scan_open(&scan, turn_txn(en), PRIMARY_EVENT, &ev, 1, 2);
    while (!is_found && scan_next(&scan, &ev)) {
        *missing += ev.seq - expected;
        expected = ev.seq + 1;
        is_found = ev.mark == EVENT_UNMARKED;
    }
    scan_close(&scan);
    return is_found ? ev.seq : 0;
}

/* Usually it is the one behind the last. */
static bool
load_waiting(struct engine *en, const struct session *s, struct event *ev, uint64_t *missing)
{
    *ev = (struct event){.session = s->id, .seq = s->event_seq + 1};
    if (event_load(turn_txn(en), ev) == LOAD_FOUND && ev->mark == EVENT_UNMARKED) return true;
    *ev = (struct event){.session = s->id, .seq = next_waiting(en, s, missing)};
    return ev->seq && event_load(turn_txn(en), ev) == LOAD_FOUND;
}

/* Damaged events are missing, and wait no more. */
static void
take_next(struct engine *en, struct session *s)
{
    struct event ev;
    uint64_t     missing = 0;

    if (s->status == SESSION_HELD || s->job) return;
    s->head = 0;
    session_changed(en, s);
    if (s->status == SESSION_CLOSED && s->waiting) return;    /* they are being cancelled */
    if (!s->waiting || !load_waiting(en, s, &ev, &missing)) { /* the rest is void */
        s->waiting = 0;
        if (s->event_seq < s->appended) session_settle(en, s, s->appended);
        return;
    }
    no_longer_waits(s, missing);
    if (ev.seq - 1 > s->event_seq) session_settle(en, s, ev.seq - 1);
    start(en, s, &ev);
}

bool
sessions_advance(struct engine *en)
{
    struct session *s;
    bool            is_any = false;

    for (; (s = session_over_take(en)); is_any = true)
        take_next(en, s);
    return is_any;
}

/* ---- by an operator -------------------------------------------------------------- */

void
session_resume(struct engine *en, struct session *s, bool skip)
{
    struct event       ev = {.session = s->id, .seq = s->head};
    bool               is_there = event_load(turn_txn(en), &ev) == LOAD_FOUND;
    bool               is_dead = is_there && ev.mark == EVENT_DEAD;
    struct mp_open_map m;

    if (is_there && ev.mark != EVENT_VOID && is_dead != skip) {
        ev.mark = skip ? EVENT_DEAD : EVENT_UNMARKED;
        ev.job = 0;
        event_save(turn_txn(en), &ev);
        s->dead += skip ? 1 : (uint64_t)-1;
        s->waiting += skip ? (uint64_t)-1 : 1;
    }
    if (skip) session_settle(en, s, s->head);
    s->status = SESSION_OPEN;
    s->reason = (struct view){0};
    m = session_feed_open(en, FEED_SESSION_RESUMED, s);
    mp_put_u64(feed_buf(en), &m, "event", s->head);
    mp_put_bool(feed_buf(en), &m, "skipped", skip);
    feed_close(en, &m);
    take_next(en, s);
}

bool
session_void_event(struct engine *en, struct session *s, uint64_t seq)
{
    struct event     ev = {.session = s->id, .seq = seq};
    struct job_state j = {.id = seq == s->head ? s->job : 0};
    struct err       e = {0};

    if (seq <= s->event_seq || event_load(turn_txn(en), &ev) != LOAD_FOUND || ev.mark) return false;
    if (j.id && (job_state_load(turn_txn(en), &j) != LOAD_FOUND || j.state == JOB_RUNNING))
        return false;
    ev.mark = EVENT_VOID;
    event_save(turn_txn(en), &ev);
    no_longer_waits(s, 1);
    session_changed(en, s);
    if (seq == s->head) session_settle(en, s, seq);
    return j.id == 0 || job_cancel(en, &j, "its event was cancelled", &e) == E_OK;
}

enum load
event_payload(struct txn *t, const struct event *ev, struct view *out)
{
    *out = ev->payload;
    if (ev->payload_bytes) return bytes_load(t, BLOB_EVENT, ev->id, ev->payload_bytes, out);
    return LOAD_FOUND;
}
