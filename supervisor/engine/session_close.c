#include "supervisor/engine/session_close.h"

#include "supervisor/engine/attempt.h"
#include "supervisor/engine/events.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/outbox.h"
#include "supervisor/engine/timers.h"

#define LOOKS_MAX   256 /* at sessions, in one turn */
#define PURGE_FIRST 1   /* purge_at of a session that is closing: before all others */

bool
session_is_closing(const struct session *s)
{
    return s->status == SESSION_CLOSED && s->purge_at == PURGE_FIRST;
}

/* Those behind the last that is settled, but the one whose job is being stopped. */
static void
void_events(struct engine *en, struct session *s)
{
    struct event ev = {.session = s->id, .seq = s->event_seq + 1};
    struct scan  scan;
    bool         is_end = false;

    if (s->job) ev.seq = s->head + 1;
    scan_open(&scan, turn_txn(en), PRIMARY_EVENT, &ev, 1, 2);
    while (!is_end && en->turn.purge_left) {
        is_end = !scan_next(&scan, &ev);
        if (is_end || ev.mark != EVENT_UNMARKED) continue;
        ev.mark = EVENT_VOID;
        event_save(turn_txn(en), &ev);
        en->turn.purge_left--;
        if (s->waiting) s->waiting--;
    }
    scan_close(&scan);
    if (is_end && s->job == 0) s->waiting = 0; /* what is damaged waits no more */
}

static bool
goes(struct engine *en, uint32_t object)
{
    const struct object_entry *o = objects_get(&en->turn.objects, object);

    return !o || o->row.removing;
}

const char *
session_gone(struct engine *en, const struct session *s)
{
    if (s->status != SESSION_CLOSED) return NULL;
    if (goes(en, s->company)) return "its session was closed with its company";
    return s->agent && goes(en, s->agent) ? "its session was closed with its agent" : NULL;
}

/* What a worker sends at the moment fails when that was in vain. */
static void
end_messages(struct engine *en, const struct session *s, const char *reason)
{
    struct effect ef = {.session = s->id};
    struct scan   scan;

    scan_open(&scan, turn_txn(en), INDEX_effect_queue, &ef, 1, 1);
    while (en->turn.purge_left && scan_next(&scan, &ef)) {
        struct effect now = {.id = ef.id}; /* the one before it may have brought it forward */

        if ((ef.status == STATUS_ATTEMPTING && !ef.to_reader) ||
            effect_load(turn_txn(en), &now) != LOAD_FOUND) {
            continue;
        }
        outbox_settle(en, &now, STATUS_FAILED, view_str(reason), FEED_EFFECT_FAILED);
        en->turn.purge_left--;
    }
    scan_close(&scan);
}

void
session_end_messages(struct engine *en, const struct session *s)
{
    const char *gone = session_gone(en, s);

    if (gone) end_messages(en, s, gone);
}

void
sessions_end_begin(struct engine *en)
{
    en->memory.is_ending = true;
    en->memory.end_at = 0;
}

/* A look at each session in which something waits to be sent. */
static void
end_some(struct engine *en)
{
    struct effect key = {.session = en->memory.end_at};
    struct scan   scan;
    unsigned      looks = 0;
    bool          is_over = false;

    if (!en->memory.is_ending) return;
    scan_open(&scan, turn_txn(en), INDEX_effect_queue, &key, 0, 1);
    while (looks++ < LOOKS_MAX && !(is_over = !scan_next_key(&scan, &key))) {
        const struct session *s = session_row(en, key.session);

        if (s) session_end_messages(en, s);
        if (en->turn.purge_left == 0) break;
        en->memory.end_at = ++key.session;
        scan_seek(&scan, &key, 1);
    }
    scan_close(&scan);
    en->memory.is_ending = !is_over;
}

static void
close_some(struct engine *en, struct session *s)
{
    en->turn.purge_left -= timers_cancel(en, s, en->turn.purge_left);
    void_events(en, s);
    session_end_messages(en, s);
    session_changed(en, s);
    if (en->turn.purge_left == 0) {
        s->purge_at = PURGE_FIRST;
        en->turn.due_again = true;
        return;
    }
    if (s->purge_at <= PURGE_FIRST) s->purge_at = en->turn.now.wall_ms;
    if (s->job == 0) session_over_put(en, s);
}

/* One that runs ends when its processes are gone, and its event is given up then. */
static void
cancel_head(struct engine *en, struct session *s)
{
    struct job_state j = {.id = s->job};

    if (s->head == 0 || session_void_event(en, s, s->head)) return;
    if (j.id && job_state_load(turn_txn(en), &j) == LOAD_FOUND && j.state == JOB_RUNNING)
        attempt_abort(en, &j, "its session was closed");
}

void
session_close(struct engine *en, struct session *s, struct view reason)
{
    struct mp_open_map m;

    cancel_head(en, s);
    if (s->status == SESSION_HELD) session_settle(en, s, s->head); /* dead, or void below */
    s->status = SESSION_CLOSED;
    s->reason = arena_copy(txn_arena(turn_txn(en)), reason);
    close_some(en, s);
    m = session_feed_open(en, FEED_SESSION_CLOSED, s);
    mp_put_str_or_nil(feed_buf(en), &m, "reason", reason);
    feed_close(en, &m);
}

bool
sessions_close_of(struct engine *en, const struct object *o)
{
    bool           is_agent = o->kind == KIND_AGENT;
    struct session row = {.agent = is_agent ? o->id : 0, .company = o->id};
    struct scan    scan;

    scan_open(&scan, turn_txn(en), is_agent ? INDEX_session_by_agent : INDEX_session_by_name, &row,
              1, 1);
    while (en->turn.due_left && scan_next(&scan, &row)) {
        struct session *s = session_row(en, row.id);

        if (!s || s->status == SESSION_CLOSED || session_is_schedules(s->name)) continue;
        session_close(en, s,
                      view_str(is_agent ? "its agent was removed" : "its company was removed"));
        en->turn.due_left--;
    }
    scan_close(&scan);
    return en->turn.due_left > 0;
}

/* ---- due ------------------------------------------------------------------------ */

static void
scan_closing(struct engine *en, struct scan *scan)
{
    const struct session key = {.purge_at = PURGE_FIRST};

    scan_open(scan, turn_txn(en), INDEX_session_purge, &key, 1, 1);
}

void
sessions_due(struct engine *en)
{
    struct session key;
    struct scan    scan;

    end_some(en);
    scan_closing(en, &scan);
    while (en->turn.purge_left && scan_next_key(&scan, &key)) {
        struct session *s = session_row(en, key.id);

        if (s) close_some(en, s);
    }
    scan_close(&scan);
}

int64_t
sessions_deadline(struct engine *en)
{
    struct session key;
    struct scan    scan;
    bool           is_any;

    if (en->memory.is_ending) return en->turn.now.wall_ms;
    scan_closing(en, &scan);
    is_any = scan_next_key(&scan, &key);
    scan_close(&scan);
    return is_any ? en->turn.now.wall_ms : INT64_MAX;
}
