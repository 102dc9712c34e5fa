#include "supervisor/engine/emergency.h"

#include "common/log.h"
#include "common/timetext.h"
#include "supervisor/engine/attempt.h"
#include "supervisor/engine/audit.h"
#include "supervisor/engine/feed.h"

#include <inttypes.h>
#include <string.h>

static const struct {
    uint8_t     bit;
    const char *name;
} stops_of[] = {
    {STOP_NEW,     "new"    },
    {STOP_EFFECTS, "effects"},
    {STOP_DRAIN,   "drain"  },
};

bool
emergency_may_send(const struct memory *m)
{
    return !m->is_draining && !(m->meta.stops & STOP_EFFECTS);
}

void
emergency_put_stops(uint8_t stops, struct buf *b)
{
    size_t   header = mp_array_open(b);
    uint32_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(stops_of); i++) {
        if (!(stops & stops_of[i].bit)) continue;
        mp_str(b, view_str(stops_of[i].name));
        n++;
    }
    mp_array_close(b, header, n);
}

void
emergency_warn(const struct memory *m, struct buf *lines)
{
    char at[40];

    if (m->meta.stops == 0) return;
    (void)instant_text(m->meta.stopped_at, at, sizeof(at));
    if (m->meta.stops & STOP_NEW)
        buf_printf(lines, "stopped since %s: nothing new starts; `agentctl resume` goes on\n", at);
    if (m->meta.stops & STOP_EFFECTS)
        buf_printf(lines, "stopped since %s: no effect is sent; `agentctl resume` goes on\n", at);
    if (m->meta.stops & STOP_DRAIN)
        buf_printf(lines, "draining since %s: nothing new starts; `agentctl resume` goes on\n", at);
}

/* ---- scopes ------------------------------------------------------------------- */

struct scope {
    uint8_t stops;
    bool    running; /* what runs is stopped, too */
};

static bool
add_scope(struct view word, struct scope *out)
{
    if (view_is(word, "new")) {
        out->stops |= STOP_NEW;
    } else if (view_is(word, "running")) {
        out->stops |= STOP_NEW;
        out->running = true;
    } else if (view_is(word, "effects")) {
        out->stops |= STOP_EFFECTS;
    } else {
        return false;
    }
    return true;
}

static enum errc
read_scope(struct view text, struct scope *out, struct err *e)
{
    const char *at = text.data, *end = at + text.size;

    *out = (struct scope){0};
    for (;;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        struct view word = view_of(at, (size_t)((comma ? comma : end) - at));

        if (!add_scope(word, out)) {
            err_field(e, "scope", "there is no scope \"%.*s\"", VIEW_ARG(word));
            return err_hint(e, "new, running, effects, or several with commas between");
        }
        if (!comma) return E_OK;
        at = comma + 1;
    }
}

/* All companies are stopped together: whoever is of one company may not. */
static enum errc
check_actor(const struct actor *a, struct err *e)
{
    if (a->company.size == 0) return E_OK;
    return err_set(e, E_DENIED, "it concerns all companies, not only \"%.*s\"",
                   VIEW_ARG(a->company));
}

/* ---- requests ----------------------------------------------------------------- */

/* Those of an earlier agentd, too: they end as aborted when their processes are gone. */
static uint32_t
stop_running(struct engine *en)
{
    struct job_state j = {0};
    struct scan      s;
    uint32_t         n = 0;

    scan_open(&s, turn_txn(en), INDEX_job_running, &j, 0, 0);
    while (scan_next_key(&s, &j)) {
        struct job_state row = {.id = j.id};

        if (job_state_load(turn_txn(en), &row) != LOAD_FOUND || row.state != JOB_RUNNING) continue;
        attempt_abort(en, &row, "stopped by an operator");
        n++;
    }
    scan_close(&s);
    return n;
}

static void
tell(struct engine *en, enum feed_type type, const struct actor *a, struct view reason)
{
    struct mp_open_map m = feed_open(en, type, 0);

    mp_key(feed_buf(en), &m, "stops");
    emergency_put_stops(en->memory.meta.stops, feed_buf(en));
    mp_put_str(feed_buf(en), &m, "by", a->id);
    if (reason.size) mp_put_str(feed_buf(en), &m, "reason", reason);
    feed_close(en, &m);
}

static void
set_stops(struct engine *en, uint8_t stops)
{
    struct meta *m = &en->memory.meta;

    if (m->stops == 0 && stops != 0) m->stopped_at = en->turn.now.wall_ms;
    if (stops == 0) m->stopped_at = 0;
    m->stops = stops;
}

/* For the audit: what is stopped, as a list. */
static struct view
stops_view(struct engine *en, uint8_t stops)
{
    struct buf b BUF_AUTO = {0};

    emergency_put_stops(stops, &b);
    return arena_copy(&en->turn.arena, buf_view(&b));
}

static void
audit_stops(struct engine *en, const struct actor *a, const char *action, struct view subject,
            uint8_t before)
{
    audit_put(en, a, action, 0, subject, stops_view(en, before),
              stops_view(en, en->memory.meta.stops));
}

static void
put_answer(struct engine *en, struct buf *reply, struct mp_open_map *map)
{
    mp_key(reply, map, "stops");
    emergency_put_stops(en->memory.meta.stops, reply);
    mp_put_time(reply, map, "stopped_at", en->memory.meta.stopped_at);
}

enum errc
on_stop(struct engine *en, const struct actor *a, const struct msg_stop *m, struct buf *reply,
        struct err *e)
{
    struct scope       scope;
    struct mp_open_map map;
    uint32_t           stopping;
    uint8_t            before = en->memory.meta.stops;

    if (check_actor(a, e) || read_scope(m->scope, &scope, e)) return e->code;
    set_stops(en, before | scope.stops);
    stopping = scope.running ? stop_running(en) : 0;
    tell(en, FEED_STOPPED, a, m->reason);
    audit_stops(en, a, "stop", m->reason.size ? m->reason : m->scope, before);
    turn_log(en, LOG_LEVEL_WARN, "an operator stopped agentd", "scope=%.*s by=%.*s",
             VIEW_ARG(m->scope), VIEW_ARG(a->id));
    map = mp_open(reply);
    put_answer(en, reply, &map);
    mp_put_u64(reply, &map, "stopping", stopping);
    mp_close(reply, &map);
    return E_OK;
}

enum errc
on_resume(struct engine *en, const struct actor *a, struct buf *reply, struct err *e)
{
    uint8_t            before = en->memory.meta.stops;
    struct mp_open_map map;

    if (check_actor(a, e)) return e->code;
    if (before) {
        set_stops(en, 0);
        tell(en, FEED_RESUMED, a, (struct view){0});
        audit_stops(en, a, "resume", view_str("daemon"), before);
        turn_log(en, LOG_LEVEL_INFO, "an operator resumed agentd", "by=%.*s", VIEW_ARG(a->id));
    }
    map = mp_open(reply);
    mp_put_bool(reply, &map, "resumed", before != 0);
    mp_key(reply, &map, "was");
    emergency_put_stops(before, reply);
    mp_close(reply, &map);
    return E_OK;
}

static uint64_t
count_running(struct engine *en)
{
    struct job_state j = {0};
    struct scan      s;
    uint64_t         n = 0;

    scan_open(&s, turn_txn(en), INDEX_job_running, &j, 0, 0);
    while (scan_next_key(&s, &j))
        n++;
    scan_close(&s);
    return n;
}

enum errc
on_drain_request(struct engine *en, const struct actor *a, const struct msg_drain *m,
                 struct buf *reply, struct err *e)
{
    uint8_t            before = en->memory.meta.stops;
    struct mp_open_map map;

    if (check_actor(a, e)) return e->code;
    if (!(before & STOP_DRAIN)) {
        set_stops(en, before | STOP_DRAIN);
        tell(en, FEED_DRAINED, a, m->reason);
        audit_stops(en, a, "drain", m->reason.size ? m->reason : view_str("daemon"), before);
        turn_log(en, LOG_LEVEL_INFO, "an operator drains agentd", "by=%.*s", VIEW_ARG(a->id));
    }
    map = mp_open(reply);
    put_answer(en, reply, &map);
    mp_put_u64(reply, &map, "running", count_running(en));
    mp_close(reply, &map);
    return E_OK;
}
