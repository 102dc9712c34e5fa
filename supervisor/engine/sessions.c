#include "supervisor/engine/sessions.h"

#include "supervisor/engine/registry.h"

#include <string.h>

#define SCHEDULES_PREFIX "schedule/"

#define COUNT_ROWS_MAX 1000 /* of sessions, in one turn */

/* The row first: it is what others hold. */
struct session_turn {
    struct session       row;
    uint8_t              stored_status; /* as it is counted … */
    uint64_t             stored_waiting;
    struct event         head; /* seq 0: not known */
    bool                 is_dirty, is_gone, is_over;
    struct session_turn *next, *next_over;
};

static const char *const status_names[SESSION_STATUS_COUNT] = {
#define V(name, text) [SESSION_##name] = text,
    SESSION_STATUSES(V)
#undef V
};

const char *
session_status_name(enum session_status s)
{
    return status_names[s];
}

/* ---- how many ------------------------------------------------------------------ */

/* By 1 or, taken out again, by -1. */
static void
count(struct engine *en, const struct session *s, uint8_t status, uint64_t waiting, int by)
{
    struct memory *m = &en->memory;

    if (session_is_schedules(s->name) || (m->is_counting && s->id >= m->count_at)) return;
    m->sessions.by_status[status] += (uint64_t)(int64_t)by;
    m->sessions.waiting += by < 0 ? -waiting : waiting;
}

void
sessions_count_begin(struct engine *en)
{
    en->memory.sessions = (struct session_counts){0};
    en->memory.is_counting = true;
    en->memory.count_at = 0;
}

/* Of rows that this turn has changed the store has the old ones, which are in session_turn too. */
void
sessions_count(struct engine *en)
{
    struct session s = {.id = en->memory.count_at};
    struct scan    scan;
    unsigned       left = COUNT_ROWS_MAX;
    bool           is_over = false;

    if (!en->memory.is_counting) return;
    scan_open(&scan, turn_txn(en), PRIMARY_SESSION, &s, 0, 1);
    while (left-- > 0 && !(is_over = !scan_next(&scan, &s))) {
        en->memory.count_at = s.id + 1;
        count(en, &s, s.status, s.waiting, 1);
    }
    scan_close(&scan);
    en->memory.is_counting = !is_over;
}

/* ---- rows of the turn ---------------------------------------------------------- */

static struct session *
remember(struct engine *en, const struct session *row)
{
    struct turn         *t = &en->turn;
    struct session_turn *s = arena_alloc(txn_arena(t->txn), sizeof(*s));

    *s = (struct session_turn){
        .row = *row, .stored_status = row->status, .stored_waiting = row->waiting};
    if (t->session_last) {
        t->session_last->next = s;
    } else {
        t->session_list = s;
    }
    t->session_last = s;
    idmap_put(&t->sessions, txn_arena(t->txn), row->id, s);
    return &s->row;
}

struct session *
session_row(struct engine *en, uint32_t id)
{
    struct session_turn *s = id ? idmap_get(&en->turn.sessions, id) : NULL;
    struct session       row = {.id = id};

    if (s) return s->is_gone ? NULL : &s->row;
    if (id == 0 || session_load(turn_txn(en), &row) != LOAD_FOUND) return NULL;
    return remember(en, &row);
}

void
session_changed(struct engine *en, struct session *s)
{
    (void)en;
    ((struct session_turn *)s)->is_dirty = true;
}

void
session_head_put(struct session *s, const struct event *ev)
{
    ((struct session_turn *)s)->head = *ev;
}

enum load
session_event(struct engine *en, const struct session *s, struct event *ev)
{
    const struct event *head = &((const struct session_turn *)s)->head;

    if (head->seq != ev->seq) return event_load(turn_txn(en), ev);
    *ev = *head;
    return LOAD_FOUND;
}

void
session_over_put(struct engine *en, struct session *s)
{
    struct turn         *t = &en->turn;
    struct session_turn *over = (struct session_turn *)s;

    if (over->is_over) return;
    over->is_over = true;
    over->next_over = NULL;
    if (t->session_over) {
        t->session_over_last->next_over = over;
    } else {
        t->session_over = over;
    }
    t->session_over_last = over;
}

struct session *
session_over_take(struct engine *en)
{
    struct session_turn *over = en->turn.session_over;

    if (!over) return NULL;
    en->turn.session_over = over->next_over;
    over->is_over = false;
    return &over->row;
}

void
session_write(struct engine *en, struct session *s)
{
    struct session_turn *st = (struct session_turn *)s;

    st->is_dirty = false;
    session_save(turn_txn(en), s);
    count(en, s, st->stored_status, st->stored_waiting, -1);
    count(en, s, s->status, s->waiting, 1);
    st->stored_status = s->status;
    st->stored_waiting = s->waiting;
}

void
session_forget(struct engine *en, struct session *s)
{
    struct session_turn *st = (struct session_turn *)s;

    st->is_gone = true;
    count(en, s, st->stored_status, st->stored_waiting, -1);
    if (s->checkpoint_bytes) bytes_delete(turn_txn(en), BLOB_CHECKPOINT, s->id);
    (void)session_delete(turn_txn(en), s);
}

void
sessions_flush(struct engine *en)
{
    for (struct session_turn *s = en->turn.session_list; s; s = s->next) {
        if (s->is_dirty && !s->is_gone) session_write(en, &s->row);
    }
}

/* ---- by name ------------------------------------------------------------------- */

uint32_t
session_find(struct txn *t, uint32_t company, struct view name)
{
    struct session s = {.company = company, .name = name};

    return rec_find(t, INDEX_session_by_name, &s) == LOAD_FOUND ? s.id : 0;
}

enum errc
session_unknown(struct view key, struct err *e)
{
    err_set(e, E_NOT_FOUND, "there is no session \"%.*s\"", VIEW_ARG(key));
    return err_hint(e, "agentctl session list; of another company: --company NAME");
}

enum errc
session_has_no_timer(struct view key, struct view timer, struct err *e)
{
    err_set(e, E_NOT_FOUND, "session \"%.*s\" has no timer \"%.*s\"", VIEW_ARG(key),
            VIEW_ARG(timer));
    return err_hint(e, "agentctl timer list %.*s", VIEW_ARG(key));
}

static struct session *
find_row(struct engine *en, uint32_t company, struct view name)
{
    struct session s = {.company = company, .name = name};

    if (rec_find(turn_txn(en), INDEX_session_by_name, &s) != LOAD_FOUND) return NULL;
    if (idmap_get(&en->turn.sessions, s.id)) return session_row(en, s.id);
    return remember(en, &s);
}

static struct session *
make_row(struct engine *en, uint32_t company, struct view name, uint32_t agent)
{
    const struct session s = {.id = (uint32_t)en->memory.meta.next_object++,
                              .company = company,
                              .name = arena_copy(txn_arena(turn_txn(en)), name),
                              .agent = agent,
                              .first_event = 1,
                              .created_at = en->turn.now.wall_ms};

    session_insert(turn_txn(en), &s); /* at once: the next request finds it by its name */
    count(en, &s, s.status, s.waiting, 1);
    return remember(en, &s);
}

uint32_t
session_of(struct engine *en, uint32_t company, struct view name, uint32_t agent)
{
    uint32_t id = session_find(turn_txn(en), company, name);

    return id ? id : make_row(en, company, name, agent)->id;
}

bool
session_is_schedules(struct view name)
{
    return name.size >= strlen(SCHEDULES_PREFIX) &&
           memcmp(name.data, SCHEDULES_PREFIX, strlen(SCHEDULES_PREFIX)) == 0;
}

enum errc
session_check_owner(struct objects *o, uint32_t company, uint32_t agent, struct err *e)
{
    const struct object_entry *c = objects_get(o, company);
    const struct object_entry *a = agent ? objects_get(o, agent) : NULL;

    if (!c || c->row.removing) {
        err_set(e, E_BAD_REQUEST, "its company is being removed");
        return err_hint(e, "name another company: agentctl company list");
    }
    if (agent == 0 || (a && !a->row.removing)) return E_OK;
    err_field(e, "agent", "the session's agent is no longer there");
    return err_hint(e, "close the session, and open it with another: "
                       "agentctl session open KEY --agent A");
}

enum errc
session_handler(struct objects *o, const struct limits *l, uint32_t company, uint32_t agent,
                uint32_t *handler, struct err *e)
{
    if (session_check_owner(o, company, agent, e)) return e->code;
    if (agent)
        return profile_handler(o, &actor_daemon, (struct view){0}, agent, &company, handler, e);
    *handler = l->session_handler;
    if (*handler && objects_get(o, *handler)) return E_OK;
    err_field(e, "agent", "nobody processes the events of a session without an agent");
    return err_hint(e, "name an agent, or set sessions.handler in the configuration");
}

static enum errc
find_owner(struct engine *en, const struct actor *a, struct session_named *n, struct err *e)
{
    struct txn *t = turn_txn(en);

    if (n->company.size && object_company(t, a, n->company, &n->company_id, e)) return e->code;
    if (n->agent.size &&
        object_ref(t, a, KIND_AGENT, n->agent, "agent", &n->company_id, &n->agent_id, e)) {
        return e->code;
    }
    if (n->company_id) return E_OK;
    return object_company(t, a, (struct view){0}, &n->company_id, e);
}

/* What the row says of the request. */
static enum errc
check_row(struct engine *en, struct session_named *n, enum session_use use, struct err *e)
{
    const struct session *s = n->row;

    if (s->status == SESSION_CLOSED && use == SESSION_TAKE) {
        err_set(e, E_WRONG_STATE, "session \"%.*s\" is closed", VIEW_ARG(n->key));
        return err_hint(e, "agentctl session open %.*s", VIEW_ARG(n->key));
    }
    if (n->agent_id && s->status == SESSION_CLOSED) return E_OK; /* it may get another */
    if (n->agent_id && n->agent_id != s->agent) {
        err_set(e, E_CONFLICT, "session \"%.*s\" has %s%.*s", VIEW_ARG(n->key),
                s->agent ? "the agent " : "no agent",
                VIEW_ARG(objects_name(&en->turn.objects, s->agent)));
        return err_hint(e, "leave the agent out, or give it another one: agentctl session close "
                           "KEY, then session open KEY --agent A");
    }
    n->agent_id = s->agent;
    return E_OK;
}

enum errc
session_of_request(struct engine *en, const struct actor *a, struct session_named *n,
                   enum session_use use, struct err *e)
{
    uint32_t handler;

    if (find_owner(en, a, n, e)) return e->code;
    if (use != SESSION_FIND && session_is_schedules(n->key)) {
        err_field(e, n->key_field ? n->key_field : "key",
                  "\"" SCHEDULES_PREFIX "\" begins the schedules' own sessions");
        return err_hint(e, "take another key; agentctl schedule run NAME has a schedule fire");
    }
    n->row = find_row(en, n->company_id, n->key);
    if (!n->row && use == SESSION_FIND) return session_unknown(n->key, e);
    if (n->row && check_row(en, n, use, e)) return e->code;
    if (use == SESSION_FIND) return E_OK;
    if (n->has_handler)
        return session_check_owner(&en->turn.objects, n->company_id, n->agent_id, e);
    return session_handler(&en->turn.objects, &en->memory.limits, n->company_id, n->agent_id,
                           &handler, e);
}

struct session *
session_make(struct engine *en, struct session_named *n)
{
    struct mp_open_map m;

    if (n->row) return n->row;
    n->row = make_row(en, n->company_id, n->key, n->agent_id);
    m = session_feed_open(en, FEED_SESSION_OPENED, n->row);
    if (n->agent_id)
        mp_put_str(feed_buf(en), &m, "agent", objects_name(&en->turn.objects, n->agent_id));
    feed_close(en, &m);
    return n->row;
}

/* ---- checkpoint ---------------------------------------------------------------- */

enum load
session_checkpoint(struct txn *t, const struct session *s, struct view *out)
{
    *out = s->checkpoint;
    if (s->checkpoint_bytes) return bytes_load(t, BLOB_CHECKPOINT, s->id, s->checkpoint_bytes, out);
    return s->checkpoint.size ? LOAD_FOUND : LOAD_ABSENT;
}

static void
put_checkpoint(struct txn *t, struct session *s, struct view data)
{
    if (s->checkpoint_bytes) bytes_delete(t, BLOB_CHECKPOINT, s->id);
    s->checkpoint_bytes = 0;
    if (data.size > BLOB_FROM) {
        bytes_save(t, BLOB_CHECKPOINT, s->id, data);
        s->checkpoint_bytes = (uint32_t)data.size;
        data = (struct view){0};
    }
    s->checkpoint = arena_copy(txn_arena(t), data);
}

/* The number goes on: the keys of effects rest on it. */
void
session_begin_anew(struct engine *en, uint32_t id)
{
    struct session *s = session_row(en, id);

    if (!s) return;
    put_checkpoint(turn_txn(en), s, (struct view){0});
    s->checkpoint_at = 0;
    s->status = SESSION_OPEN;
    s->reason = (struct view){0};
    s->purge_at = 0;
    session_changed(en, s);
}

void
session_outlives(struct engine *en, uint32_t id)
{
    struct session *s = session_row(en, id);

    if (!s) return;
    session_begin_anew(en, id);
    s->status = SESSION_CLOSED;
    s->reason = view_str("its schedule was removed");
    s->purge_at = en->turn.now.wall_ms;
}

uint64_t
session_commit(struct engine *en, struct session *s, struct view data, bool advance)
{
    if (data.size == 0 && !advance) return s->checkpoint_id;
    s->checkpoint_id++;
    if (data.size) {
        s->checkpoint_at = en->turn.now.wall_ms;
        put_checkpoint(turn_txn(en), s, data);
    }
    session_changed(en, s);
    return s->checkpoint_id;
}

/* ---- feed ---------------------------------------------------------------------- */

struct mp_open_map
session_feed_open(struct engine *en, enum feed_type type, const struct session *s)
{
    struct mp_open_map m = feed_open(en, type, s->company);

    mp_put_str(feed_buf(en), &m, "session", s->name);
    return m;
}
