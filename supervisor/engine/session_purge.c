#include "supervisor/engine/session_purge.h"

#include "supervisor/engine/session_close.h"
#include "supervisor/engine/sessions.h"

static bool
take_rows(struct engine *en, const struct event *ev)
{
    uint32_t rows = 1 + (ev->payload_bytes + BLOB_CHUNK - 1) / BLOB_CHUNK;

    if (rows > en->turn.purge_left && en->turn.purge_left < PURGE_ROWS_MAX) return false;
    en->turn.purge_left -= rows < en->turn.purge_left ? rows : en->turn.purge_left;
    return true;
}

/* Sets purge_at to the time of the oldest event that is left and done with; 0: there is none. False
 * when the rows that the turn may still remove do not suffice. */
static bool
purge_events(struct engine *en, struct session *s)
{
    struct event ev = {.session = s->id, .seq = s->first_event};
    struct scan  scan;
    int64_t      until = en->turn.now.wall_ms - en->memory.limits.keep_events_ms;
    bool         is_all = true;

    s->purge_at = 0;
    scan_open(&scan, turn_txn(en), PRIMARY_EVENT, &ev, 1, 2);
    while (s->purge_at == 0 && scan_next(&scan, &ev) && ev.seq <= s->event_seq) {
        is_all = ev.created_at > until || take_rows(en, &ev);
        if (ev.created_at > until || !is_all) {
            s->purge_at = ev.created_at;
            continue;
        }
        if (ev.mark == EVENT_DEAD) s->dead--;
        if (ev.payload_bytes) bytes_delete(turn_txn(en), BLOB_EVENT, ev.id);
        (void)event_delete(turn_txn(en), &ev);
        s->first_event = ev.seq + 1;
    }
    scan_close(&scan);
    if (s->purge_at == 0) s->first_event = s->event_seq + 1;
    return is_all;
}

static bool
has_rows(struct engine *en, enum index_id index, void *row)
{
    struct scan scan;
    bool        is_found;

    scan_open(&scan, turn_txn(en), index, row, 1, 1);
    is_found = scan_next_key(&scan, row);
    scan_close(&scan);
    return is_found;
}

static bool
is_empty(struct engine *en, const struct session *s)
{
    struct session_timer timer = {.session = s->id};
    struct effect        effect = {.session = s->id};

    return s->job == 0 && s->first_event > s->appended &&
           !has_rows(en, PRIMARY_SESSION_TIMER, &timer) &&
           !has_rows(en, INDEX_effect_queue, &effect);
}

bool
session_purge(struct engine *en, uint32_t id)
{
    struct session *s = session_row(en, id);
    bool            is_all;

    if (!s || session_is_closing(s)) return false;
    is_all = purge_events(en, s);
    if (s->status == SESSION_CLOSED && s->purge_at == 0) {
        session_end_messages(en, s); /* its agent may have gone since it was closed */
        if (is_empty(en, s) && en->turn.purge_left) {
            en->turn.purge_left--;
            session_forget(en, s);
            return true;
        }
        s->purge_at = en->turn.now.wall_ms; /* it is looked at again */
    }
    session_write(en, s);
    return is_all;
}
