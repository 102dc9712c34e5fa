#include "common/hash.h"
#include "common/mp.h"
#include "tests/torture/breaks.h"
#include "tests/torture/history.h"
#include "tests/torture/judge.h"
#include "tests/torture/replay.h"
#include "tests/torture/sessions.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 20000

struct event {
    uint64_t hash;
    bool     is_job; /* of the topic "job." */
};

struct feed {
    struct model  *model;
    struct replay *replay;
    struct event  *events; /* by seq, from 1 */
    uint64_t       count, cap;
};

/* ---- the feed as it is ----------------------------------------------------------------------- */

static void
count_event(struct model *m, struct view type, struct view event)
{
    int64_t        id = 0;
    struct job    *j;
    struct ticket *k;

    if (view_is(type, "ticket.done") && mp_find_i64(event, "ticket", &id) &&
        (k = model_ticket(m, (uint64_t)id))) {
        k->done++;
    }
    if (!mp_find_i64(event, "job", &id) || !(j = model_job(m, (uint64_t)id))) return;
    if (view_is(type, "job.submitted")) j->submitted++;
    if (view_is(type, "job.completed")) j->completed++;
    if (view_is(type, "chain.cut")) j->told_cuts++;
    if (view_is(type, "approval.requested")) j->told_requests++;
    if (view_is(type, "approval.granted") || view_is(type, "approval.denied")) j->told_decisions++;
    if (!view_is(type, "job.started")) return;
    j->started++;
    if (mp_find_i64(event, "attempt", &id) && (uint64_t)id != j->started) {
        breaks_add(BREAK_ATTEMPTS, "the feed has start %" PRIu64 " of a job as attempt %" PRId64,
                   j->started, id);
    }
}

static void
take_event(struct feed *f, struct view event)
{
    struct view type = {0};
    int64_t     seq = 0;

    (void)mp_find_i64(event, "seq", &seq);   /* without one it is not the next */
    (void)mp_find_str(event, "type", &type); /* likewise no type of ours */
    if (seq != (int64_t)f->count + 1) {
        breaks_add(BREAK_FEED, "event %" PRId64 " follows event %" PRIu64, seq, f->count);
        return;
    }
    if (f->count + 1 >= f->cap) {
        f->cap = f->cap ? 2 * f->cap : 4096;
        f->events = xrealloc(f->events, f->cap * sizeof(*f->events));
    }
    f->events[++f->count] =
        (struct event){hash64(event, 0), type.size > 4 && memcmp(type.data, "job.", 4) == 0};
    count_event(f->model, type, event);
    replay_take(f->replay, type, event);
    sessions_feed(f->model, type, event);
    judge_webhooks_feed(f->model, type, event);
}

/* True while there are more. */
static bool
take_page(struct feed *f, struct view body, char *cursor, size_t size)
{
    struct view items, event, next;
    uint32_t    count = 0, n;

    if (!mp_find(body, "items", &items) || !mp_find_str(body, "next", &next) || next.size >= size) {
        breaks_add(BREAK_FEED, "a page without items or cursor");
        return false;
    }
    struct mp_reader r = mp_reader_of(items);
    (void)mp_read_array(&r, &count); /* what is no list has no items */
    for (n = 0; n < count && mp_read_any(&r, &event); n++)
        take_event(f, event);
    (void)snprintf(cursor, size, "%.*s", VIEW_ARG(next)); /* fits */
    return n > 0;
}

static void
read_feed(struct feed *f, struct link *l)
{
    char        cursor[65] = "", body[128];
    struct view next;

    if (link_ask(l, MSG_FEED_READ, "{}", NULL, WAIT_MS) != ANSWER_YES ||
        !mp_find_str(buf_view(&l->body), "next", &next) || next.size < 17) {
        breaks_add(BREAK_FEED, "no cursor: %s", l->error.msg);
        return;
    }
    (void)snprintf(cursor, sizeof(cursor), "%.16s-0", next.data); /* fits: INCARNATION-SEQ */
    do {
        (void)snprintf(body, sizeof(body), "{\"since\":\"%s\",\"limit\":1000}", cursor); /* fits */
        if (link_ask(l, MSG_FEED_READ, body, NULL, WAIT_MS) != ANSWER_YES) {
            breaks_add(BREAK_FEED, "behind %s: %s", cursor, l->error.msg);
            return;
        }
    } while (take_page(f, buf_view(&l->body), cursor, sizeof(cursor)));
}

/* ---- what the readers saw -------------------------------------------------------------------- */

struct reader {
    const struct feed *feed;
    unsigned           number;
    uint64_t           last; /* 0: nothing yet */
};

/* Whether no event of the reader's topic lies between. */
static bool
is_next(const struct reader *r, uint64_t seq, bool is_topic)
{
    if (r->last == 0) return true;
    if (seq <= r->last) return false;
    for (uint64_t s = r->last + 1; s < seq; s++) {
        if (!is_topic || r->feed->events[s].is_job) return false;
    }
    return true;
}

static void
take_line(char *line, void *arg)
{
    struct reader *r = arg;
    uint64_t       seq, hash;
    char           topic[16];

    if (line[0] == 'X') {
        breaks_add(BREAK_FEED, "reader %u: %s", r->number, line + 2);
    } else if (sscanf(line, "E %15s %" SCNu64 " %" SCNx64, topic, &seq, &hash) != 3) {
        breaks_add(BREAK_FEED, "reader %u: \"%s\"", r->number, line);
    } else if (seq == 0 || seq > r->feed->count) {
        breaks_add(BREAK_FEED, "reader %u saw event %" PRIu64 ", which is not there", r->number,
                   seq);
    } else {
        if (!is_next(r, seq, strcmp(topic, "all") != 0)) {
            breaks_add(BREAK_FEED, "reader %u saw event %" PRIu64 " behind event %" PRIu64,
                       r->number, seq, r->last);
        }
        if (hash != r->feed->events[seq].hash) {
            breaks_add(BREAK_FEED, "reader %u saw another event %" PRIu64, r->number, seq);
        }
        r->last = seq;
    }
}

void
judge_feed(struct model *m, struct link *l)
{
    struct feed f = {.model = m, .replay = replay_new(m)};
    char        name[NAME_BYTES];

    read_feed(&f, l);
    replay_free(f.replay);
    for (unsigned n = 0; n < READERS; n++) {
        struct reader r = {&f, n, 0};

        load_reader_name(n, name);
        if (!history_read(m->folder, name, take_line, &r) || r.last == 0) {
            breaks_add(BREAK_FEED, "reader %u saw nothing", n);
        }
    }
    m->events = f.count;
    free(f.events);
}
