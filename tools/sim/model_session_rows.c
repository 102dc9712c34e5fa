/* What the store and a job's document say of sessions and their events. */
#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- rows ------------------------------------------------------------------------------------ */

static bool
load(struct model *m, const struct m_session *s, struct session *row)
{
    *row = (struct session){.company = m_object(m, s->company)->id, .name = view_str(s->key)};
    return rec_find(m->txn, INDEX_session_by_name, row) == LOAD_FOUND;
}

uint32_t
m_session_id(struct model *m, const struct m_session *s)
{
    struct session row;

    if (s->id) return s->id;
    return load(m, s, &row) ? row.id : 0;
}

uint8_t
m_session_status(struct model *m, const struct m_session *s)
{
    struct session row;

    return load(m, s, &row) ? row.status : s->status;
}

uint8_t
m_event_mark(struct model *m, const struct m_session *s, uint64_t seq)
{
    struct event row = {.session = m_session_id(m, s), .seq = seq};

    return event_load(m->txn, &row) == LOAD_FOUND ? row.mark : EVENT_UNMARKED;
}

/* ---- compare --------------------------------------------------------------------------------- */

static void
compare_event(struct model *m, const struct m_session *s, uint32_t id, struct m_event *ev)
{
    struct event row = {.session = id, .seq = (uint64_t)(ev - s->events.items) + 1};
    struct view  payload;

    ev->is_touched = false;
    claim(event_load(m->txn, &row) == LOAD_FOUND, "event %" PRIu64 " of %s is not in the store",
          row.seq, s->key);
    claim(row.id == ev->id && view_is(row.type, ev->type) && row.created_at == ev->created_at,
          "event %" PRIu64 " of %s is %" PRIu64 ", %.*s, expected %" PRIu64 ", %s", row.seq, s->key,
          row.id, VIEW_ARG(row.type), ev->id, ev->type);
    claim(row.mark == ev->mark && row.job == ev->job,
          "event %" PRIu64 " of %s has mark %u by job %" PRIu64 ", expected %u by %" PRIu64,
          row.seq, s->key, row.mark, row.job, ev->mark, ev->job);
    claim(row.parent == ev->parent && row.root == ev->root && row.copy_of == ev->copy_of,
          "event %" PRIu64 " of %s has other causes", row.seq, s->key);
    payload = row.payload;
    if (row.payload_bytes &&
        bytes_load(m->txn, BLOB_EVENT, row.id, row.payload_bytes, &payload) != LOAD_FOUND)
        payload = (struct view){0};
    claim(view_eq(payload, buf_view(&ev->payload)), "event %" PRIu64 " of %s has another payload",
          row.seq, s->key);
}

static void
compare_numbers(struct model *m, const struct m_session *s, const struct session *row)
{
    const struct m_object *agent = m_object(m, s->agent);
    const struct {
        const char *what;
        uint64_t    stored, expected;
    } numbers[] = {
        {"agent",              row->agent,                        agent ? agent->id : 0          },
        {"status",             row->status,                       s->status                      },
        {"appended",           row->appended,                     s->events.count                },
        {"event_seq",          row->event_seq,                    s->event_seq                   },
        {"head",               row->head,                         s->head                        },
        {"job",                row->job,                          s->job                         },
        {"waiting",            row->waiting,                      s->waiting                     },
        {"dead",               row->dead,                         s->dead                        },
        {"checkpoint_id",      row->checkpoint_id,                s->checkpoint_id               },
        {"timers",             row->timers,                       m_timers_pending(s)            },
        {"has_person",         row->has_person,                   s->has_person                  },
        {"autonomous",         row->autonomous,                   s->autonomous                  },
        {"last_autonomous_at", (uint64_t)row->last_autonomous_at, (uint64_t)s->last_autonomous_at},
    };

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        claim(numbers[i].stored == numbers[i].expected,
              "session %s: %s is %" PRIu64 ", expected %" PRIu64, s->key, numbers[i].what,
              numbers[i].stored, numbers[i].expected);
    }
}

/* One unfinished job, for the head; waiting is a recount. */
static void
check_itself(struct model *m, const struct m_session *s)
{
    const struct m_job *job = m_job(m, s->job);
    uint64_t            waiting = 0, dead = 0;

    claim(!job || (job->event == s->head && !m_is_end(job->state)),
          "session %s has job %" PRIu64 ", which is over or of another event", s->key, s->job);
    for (size_t i = s->purged; i < s->events.count; i++) {
        waiting += i >= s->event_seq && s->events.items[i].mark == EVENT_UNMARKED;
        dead += s->events.items[i].mark == EVENT_DEAD;
    }
    claim(waiting == s->waiting && dead == s->dead,
          "session %s: %" PRIu64 " wait, %" PRIu64 " are dead, expected %" PRIu64 ", %" PRIu64,
          s->key, s->waiting, s->dead, waiting, dead);
    claim(s->status != SESSION_OPEN || s->waiting == 0 || s->job,
          "session %s has events and no job", s->key);
}

static void
compare(struct model *m, struct m_session *s, bool all)
{
    struct session row;
    struct view    data;
    uint64_t       checkpoint = 0;

    s->is_touched = false;
    claim(load(m, s, &row), "session %s is not in the store", s->key);
    claim(s->id == 0 || s->id == row.id, "session %s is another one", s->key);
    s->id = row.id;
    compare_numbers(m, s, &row);
    check_itself(m, s);
    data = row.checkpoint;
    if (row.checkpoint_bytes &&
        bytes_load(m->txn, BLOB_CHECKPOINT, row.id, row.checkpoint_bytes, &data) != LOAD_FOUND)
        data = (struct view){0};
    if (data.size) checkpoint = hash64(data, 0);
    m_compare_timers(m, s, all);
    claim(checkpoint == s->checkpoint, "session %s has another checkpoint", s->key);
    for (size_t i = s->purged; i < s->events.count; i++) {
        if (all || s->events.items[i].is_touched) compare_event(m, s, row.id, &s->events.items[i]);
    }
}

void
m_compare_sessions(struct model *m, bool all)
{
    struct meta meta = {.id = 1};

    claim(meta_load(m->txn, &meta) == LOAD_FOUND && meta.next_event == m->event_ids + 1,
          "the engine has made %" PRIu64 " events, expected %" PRIu64, meta.next_event - 1,
          m->event_ids);
    for (size_t i = 0; i < m->sessions.count; i++) {
        if (m->sessions.items[i].is_gone) continue;
        if (all || m->sessions.items[i].is_touched) compare(m, &m->sessions.items[i], all);
    }
}

bool
m_sessions_rest(const struct model *m, char *what, size_t size)
{
    for (size_t i = 0; i < m->sessions.count; i++) {
        const struct m_session *s = &m->sessions.items[i];

        if (s->status == SESSION_HELD || s->waiting == 0) continue;
        snprintf(what, size, "session %s has %" PRIu64 " events", s->key, s->waiting);
        return false;
    }
    return true;
}

/* ---- documents ------------------------------------------------------------------------------- */

static bool
number_is(struct view map, const char *name, uint64_t expected)
{
    int64_t n;

    return mp_find_i64(map, name, &n) && (uint64_t)n == expected;
}

/* What a handler is told of the event and of its session. */
void
m_check_event(struct model *m, const struct m_job *j, struct view document)
{
    struct m_session     *s = m_session(m, j->session);
    const struct m_event *ev;
    struct view           event, session, type, payload;

    if (!s) return;
    claim(j->event == s->head && s->job == j->id && j->event == s->event_seq + 1,
          "job %" PRIu64 " was started for event %" PRIu64 ", the head of %s is %" PRIu64, j->id,
          j->event, s->key, s->head);
    ev = m_event(s, j->event);
    claim(mp_find(document, "event", &event) && mp_find(document, "session", &session),
          "job %" PRIu64 " was not told of its event", j->id);
    claim(number_is(event, "seq", j->event) && number_is(event, "id", ev->id) &&
              mp_find_str(event, "type", &type) && view_is(type, ev->type),
          "job %" PRIu64 " was told of another event", j->id);
    claim(!mp_find(event, "payload", &payload) || payload.size == 1 ||
              view_eq(payload, buf_view(&ev->payload)),
          "job %" PRIu64 " was given another payload of its event", j->id);
    claim(number_is(session, "event_seq", s->event_seq) &&
              number_is(session, "checkpoint_id", s->checkpoint_id) &&
              number_is(session, "waiting", s->waiting) &&
              number_is(session, "consecutive_autonomous_msgs", s->autonomous),
          "job %" PRIu64 " was told something else of session %s", j->id, s->key);
}
