#include "supervisor/engine/feed.h"

#include "supervisor/engine/job.h"
#include "supervisor/engine/objects.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A row is closed when it has grown past this: with key and envelope it then fits one page. */
#define FEED_ROW_BYTES  3600
#define FEED_CURSOR_MAX 64

static const char *const types[FEED_TYPE_COUNT] = {
#define F(NAME, text) [FEED_##NAME] = text,
    FEED_TYPES(F)
#undef F
};

static void
write_row(struct engine *en)
{
    struct buf events BUF_AUTO = {0};
    struct feed       row = {.at = en->turn.now.wall_ms, .count = en->turn.feed_count};

    if (en->turn.feed_count == 0) return;
    row.seq = en->memory.meta.feed_seq - row.count + 1;
    if (!en->is_mute) {
        mp_array(&events, row.count);
        buf_add_view(&events, buf_view(&en->turn.feed));
        row.events = buf_view(&events);
        feed_insert(turn_txn(en), &row);
        en->memory.meta.feed_bytes += events.size;
    }
    buf_clear(&en->turn.feed);
    en->turn.feed_count = 0;
}

struct mp_open_map
feed_open(struct engine *en, enum feed_type type, uint32_t company)
{
    struct buf        *b = &en->turn.feed;
    struct mp_open_map m;

    assert(type < FEED_TYPE_COUNT);
    if (b->size > FEED_ROW_BYTES) write_row(en);
    m = mp_open(b);
    mp_put_u64(b, &m, "seq", ++en->memory.meta.feed_seq);
    mp_put_cstr(b, &m, "type", types[type]);
    mp_put_i64(b, &m, "at", en->turn.now.wall_ms);
    if (company) mp_put_str(b, &m, "company", objects_name(&en->turn.objects, company));
    en->turn.feed_count++;
    return m;
}

struct buf *
feed_buf(struct engine *en)
{
    return &en->turn.feed;
}

void
feed_close(struct engine *en, struct mp_open_map *m)
{
    mp_close(&en->turn.feed, m);
}

static void
put_cause(struct buf *b, struct mp_open_map *m, uint64_t parent, uint64_t root)
{
    mp_put_time(b, m, "parent", (int64_t)parent); /* nil for none */
    mp_put_time(b, m, "root", (int64_t)root);
}

struct mp_open_map
feed_open_job(struct engine *en, enum feed_type type, const struct job_state *j,
              const struct job_spec *spec)
{
    struct mp_open_map m = feed_open(en, type, j->company);
    struct job_spec    stored = {.id = j->id};

    if (!spec && job_spec_load(turn_txn(en), &stored) != LOAD_FOUND) stored = (struct job_spec){0};
    if (!spec) spec = &stored;
    mp_put_u64(feed_buf(en), &m, "job", j->id);
    put_cause(feed_buf(en), &m, spec->parent, spec->root);
    return m;
}

void
feed_job(struct engine *en, enum feed_type type, const struct job_state *j,
         const struct job_spec *spec)
{
    struct buf        *b = feed_buf(en);
    struct mp_open_map m;

    if (en->is_mute) return; /* most events are of jobs: they are not even made */
    m = feed_open_job(en, type, j, spec);
    mp_put_cstr(b, &m, "state", job_state_name(j->state));
    mp_put_str(b, &m, "handler", objects_name(&en->turn.objects, j->handler));
    if (j->agent) mp_put_str(b, &m, "agent", objects_name(&en->turn.objects, j->agent));
    if (j->schedule) mp_put_str(b, &m, "schedule", objects_name(&en->turn.objects, j->schedule));
    if (j->attempt) mp_put_u64(b, &m, "attempt", j->attempt);
    if (j->failure && type != FEED_JOB_STARTED) {
        mp_put_cstr(b, &m, "class", failure_rule(j->failure)->name);
        mp_put_str(b, &m, "message", j->failure_message);
    }
    if (j->state == JOB_SCHEDULED) mp_put_i64(b, &m, "run_at", j->run_at);
    feed_close(en, &m);
}

/* An actor is kept as "kind:id" in one text. */
static void
put_actor(struct buf *b, struct mp_open_map *m, struct view actor)
{
    const char *colon = actor.size ? memchr(actor.data, ':', actor.size) : NULL;
    size_t      kind = colon ? (size_t)(colon - actor.data) : actor.size;

    mp_put_str(b, m, "actorKind", view_of(actor.data, kind));
    mp_put_str(b, m, "actorId",
               colon ? view_of(colon + 1, actor.size - kind - 1) : (struct view){0});
}

void
feed_wakeup(struct engine *en, enum feed_type type, const struct job_state *j,
            const struct job_spec *spec)
{
    struct buf        *b = feed_buf(en);
    struct mp_open_map m = feed_open(en, type, j->company), payload;

    mp_put_str(b, &m, "companyId", objects_name(&en->turn.objects, j->company));
    put_actor(b, &m, spec->actor);
    mp_key(b, &m, "payload");
    payload = mp_open(b);
    mp_put_u64(b, &payload, "wakeupRequestId", j->id);
    mp_put_str(b, &payload, "agentId", objects_name(&en->turn.objects, j->agent));
    mp_put_cstr(b, &payload, "trigger", trigger_name(spec->trigger));
    mp_put_raw(b, &payload, "context", spec->context);
    mp_close(b, &payload);
    put_cause(b, &m, spec->parent, spec->root);
    feed_close(en, &m);
}

void
feed_worker(struct engine *en, enum feed_type type, uint32_t worker)
{
    struct mp_open_map m = feed_open(en, type, 0);

    mp_put_u64(feed_buf(en), &m, "worker", worker);
    mp_put_u64(feed_buf(en), &m, "pid", en->memory.workers[worker].pid);
    feed_close(en, &m);
}

void
feed_object(struct engine *en, enum feed_type type, uint32_t object, const char *reason)
{
    const struct object_entry *o = objects_get(&en->turn.objects, object);
    struct mp_open_map         m = feed_open(en, type, o ? o->row.company : 0);

    if (o) mp_put_str(feed_buf(en), &m, object_kind_name(o->row.kind), o->row.name);
    if (reason) mp_put_cstr(feed_buf(en), &m, "reason", reason);
    feed_close(en, &m);
}

void
feed_flush(struct engine *en)
{
    write_row(en);
}

/* ---- retention ---------------------------------------------------------------- */

static bool
is_over(const struct engine *en, const struct feed *row)
{
    return en->memory.meta.feed_bytes > en->memory.limits.feed_bytes_max ||
           row->at + en->memory.limits.feed_age_max_ms <= en->turn.now.wall_ms;
}

void
feed_due(struct engine *en)
{
    struct feed row = {0};
    struct scan s;

    scan_open(&s, turn_txn(en), PRIMARY_FEED, &row, 0, 0);
    while (en->turn.due_left && scan_next(&s, &row) && is_over(en, &row)) {
        uint64_t bytes = row.events.size;

        en->turn.due_left--;
        (void)feed_delete(turn_txn(en), &row);
        en->memory.meta.feed_bytes -=
            bytes < en->memory.meta.feed_bytes ? bytes : en->memory.meta.feed_bytes;
    }
    scan_close(&s);
}

int64_t
feed_deadline(struct engine *en)
{
    struct feed row = {0};
    struct scan s;
    int64_t     at = INT64_MAX;

    scan_open(&s, turn_txn(en), PRIMARY_FEED, &row, 0, 0);
    if (scan_next(&s, &row)) {
        at = is_over(en, &row) ? en->turn.now.wall_ms : row.at + en->memory.limits.feed_age_max_ms;
    }
    scan_close(&s);
    return at;
}

/* ---- feed.read ---------------------------------------------------------------- */

/* "INCARNATION-SEQ", in hex and decimal (N13). */
static struct view
cursor_print(uint64_t incarnation, uint64_t seq, char text[FEED_CURSOR_MAX])
{
    int size = snprintf(text, FEED_CURSOR_MAX, "%016" PRIx64 "-%" PRIu64, incarnation, seq);

    return view_of(text, (size_t)size);
}

/* Only what cursor_print gives is a cursor. */
static enum errc
cursor_parse(const struct engine *en, struct view since, uint64_t *seq, bool *other_store,
             struct err *e)
{
    uint64_t incarnation = 0;
    char     text[FEED_CURSOR_MAX] = "", again[FEED_CURSOR_MAX];

    if (since.size < sizeof(text)) memcpy(text, since.data, since.size);
    if (sscanf(text, "%16" SCNx64 "-%20" SCNu64, &incarnation, seq) != 2 ||
        !view_eq(cursor_print(incarnation, *seq, again), since)) {
        return err_field(e, "since", "no cursor of this feed");
    }
    *other_store = incarnation != store_incarnation(en->store);
    return E_OK;
}

static bool
topic_matches(struct view topic, struct view type)
{
    if (topic.size == 0 || view_eq(topic, type)) return true;
    /* "job." and "job" both mean all of job.* */
    if (type.size <= topic.size || memcmp(type.data, topic.data, topic.size) != 0) return false;
    return topic.data[topic.size - 1] == '.' || type.data[topic.size] == '.';
}

static bool
event_is_wanted(const struct actor *a, struct view topic, struct view event)
{
    struct view type, company;

    if (!mp_find_str(event, "type", &type) || !topic_matches(topic, type)) return false;
    if (a->company.size == 0) return true;
    return mp_find_str(event, "company", &company) && view_eq(company, a->company);
}

struct feed_page {
    struct buf *reply;
    uint64_t    next; /* the last number looked at */
    uint32_t    count;
    uint32_t    limit;
    uint32_t    examined;
};

static void
take_row(struct feed_page *p, const struct actor *a, struct view topic, const struct feed *row)
{
    struct list_iter it = list_iter_of(row->events);
    struct view      event;
    uint64_t         seq = row->seq;

    for (; p->count < p->limit && list_next(&it, &event); seq++) {
        if (seq <= p->next) continue;
        p->next = seq;
        p->examined++;
        if (!event_is_wanted(a, topic, event)) continue;
        mp_raw(p->reply, event);
        p->count++;
    }
}

static void
take_page(struct txn *t, const struct actor *a, const struct msg_feed_read *m, struct feed_page *p)
{
    struct feed row = {0};
    struct scan s;

    /* The row that holds next + 1 may begin before it: rows hold at most a page of events. */
    row.seq = p->next > 256 ? p->next - 256 : 0;
    scan_open(&s, t, PRIMARY_FEED, &row, 0, 1);
    while (p->count < p->limit && p->examined < READ_ROWS_MAX && scan_next(&s, &row)) {
        if (row.seq + row.count > p->next + 1) take_row(p, a, m->topic, &row);
    }
    scan_close(&s);
}

static uint64_t
first_seq(struct txn *t, uint64_t last)
{
    struct feed row = {0};
    struct scan s;
    uint64_t    first = last + 1;

    scan_open(&s, t, PRIMARY_FEED, &row, 0, 0);
    if (scan_next(&s, &row)) first = row.seq;
    scan_close(&s);
    return first;
}

static void
put_cursor(const struct engine *en, struct buf *b, struct mp_open_map *m, uint64_t seq)
{
    char text[FEED_CURSOR_MAX];

    mp_put_str(b, m, "next", cursor_print(store_incarnation(en->store), seq, text));
}

enum read_result
feed_read(struct engine *en, struct txn *t, const struct actor *a, const struct msg_feed_read *m,
          struct buf *reply, bool *ok, struct err *e)
{
    uint64_t           last = en->memory.meta.feed_seq, first = first_seq(t, last), from = last;
    bool               other_store = false, gap;
    struct feed_page   p = {.reply = reply,
                            .limit = HAS(m, feed_read, limit) ? (uint32_t)m->limit : 100};
    struct mp_open_map map;
    size_t             header;

    *ok = true;
    if (view_is(m->since, "0")) {
        from = first - 1; /* from the oldest event that is kept */
    } else if (m->since.size && cursor_parse(en, m->since, &from, &other_store, e)) {
        *ok = false;
        return READ_DONE;
    }
    gap = other_store || from + 1 < first || from > last;
    p.next = gap ? first - 1 : from;
    map = mp_open(reply);
    mp_key(reply, &map, "items");
    header = mp_array_open(reply);
    take_page(t, a, m, &p);
    mp_array_close(reply, header, p.count);
    put_cursor(en, reply, &map, p.next);
    mp_key(reply, &map, "gap");
    if (gap) {
        struct mp_open_map g = mp_open(reply);

        mp_put_u64(reply, &g, "first", first);
        mp_close(reply, &g);
    } else {
        mp_nil(reply);
    }
    mp_close(reply, &map);
    return p.count == 0 && !gap && p.next >= last ? READ_WAIT_FEED : READ_DONE;
}
