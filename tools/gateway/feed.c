#include "tools/gateway/feed.h"

#include "common/json.h"
#include "common/mp.h"
#include "tools/control/connection.h"
#include "tools/gateway/intake.h"
#include "tools/gateway/reply.h"
#include "tools/gateway/write.h"
#include <inttypes.h>
#include <stdlib.h>
#include <zmq.h>

#define READS_MAX     8   /* at agentd, of all watchers */
#define PAGE_EVENTS   200 /* of one read */
#define RING_BYTES    4096
#define LIFE_SECONDS  15
#define WRITE_SECONDS 60 /* a watcher takes something of its page in so long */
#define CURSOR_TEXT   65

struct feed {
    struct client    *client;
    struct counters  *counters;
    struct connection doorbell;
    struct buf        ring;
    uint64_t          last_seq; /* of the newest event */
    struct watcher   *first;    /* all */
    struct watcher   *due;      /* those that are to read */
    struct watcher  **last_due;
    size_t            count;
    size_t            reads;
};

struct watcher {
    struct watcher *next, *before;
    struct watcher *next_due;
    struct feed    *feed;
    struct lws     *wsi;
    char            token_hash[TOKEN_HASH_SIZE + 1];
    struct buf      cursor; /* empty: from now on */
    struct buf      topic;
    uint64_t        asked;
    struct buf      out;
    size_t          sent;
    bool            is_started; /* its head is in out */
    bool            is_due;
    bool            is_behind; /* there is, or may be, more to read */
    bool            ends;      /* when out is written */
};

/* ---- who reads next -------------------------------------------------------- */

static void ask_due(struct feed *f);

/* It reads as soon as it has nothing left to write. */
static void
look(struct watcher *w)
{
    w->is_behind = true;
    if (w->is_due || w->asked || w->out.size > 0 || w->ends) return;
    w->is_due = true;
    w->next_due = NULL;
    *w->feed->last_due = w;
    w->feed->last_due = &w->next_due;
}

/* Takes those out of the list of due ones of which `leaves` says so. */
static void
sift_due(struct feed *f, bool (*leaves)(struct watcher *w, const void *arg), const void *arg)
{
    struct watcher *w = f->due;

    f->due = NULL;
    f->last_due = &f->due;
    while (w) {
        struct watcher *next = w->next_due;

        w->is_due = !leaves(w, arg);
        if (w->is_due) {
            w->next_due = NULL;
            *f->last_due = w;
            f->last_due = &w->next_due;
        }
        w = next;
    }
}

/* ---- a page ---------------------------------------------------------------- */

static void
put_event(struct watcher *w, struct view event, struct view incarnation)
{
    struct view type = {0};
    int64_t     seq = 0;
    struct err  e;

    (void)mp_find_str(event, "type", &type); /* agentd's own words */
    (void)mp_find_i64(event, "seq", &seq);
    buf_printf(&w->out, "id: %.*s-%" PRId64 "\nevent: %.*s\ndata: ", VIEW_ARG(incarnation), seq,
               VIEW_ARG(type));
    if (json_from_mp(event, &w->out, &e)) buf_add_str(&w->out, "{}"); /* it is expressible */
    buf_add_str(&w->out, "\n\n");
    w->feed->counters->feed_events++;
}

static void
put_gap(struct watcher *w, struct view page)
{
    struct view gap;
    int64_t     first;

    if (!mp_find(page, "gap", &gap) || !mp_find_i64(gap, "first", &first)) return;
    buf_printf(&w->out, "event: gap\ndata: {\"first\": %" PRId64 "}\n\n", first);
    w->feed->counters->feed_gaps++;
}

static struct view
incarnation_of(struct view cursor)
{
    const char *dash = cursor.size ? memchr(cursor.data, '-', cursor.size) : NULL;

    return view_of(cursor.data, dash ? (size_t)(dash - cursor.data) : 0);
}

static uint64_t
seq_of(struct view cursor)
{
    char   text[CURSOR_TEXT] = "";
    size_t skip = incarnation_of(cursor).size + 1;

    if (skip < cursor.size && cursor.size - skip < sizeof(text)) {
        memcpy(text, cursor.data + skip, cursor.size - skip);
    }
    return strtoull(text, NULL, 10);
}

static void
start(struct watcher *w)
{
    const struct reply_head head = {.status = 200,
                                    .type = "text/event-stream",
                                    .length = -1,
                                    .closes = true,
                                    .more = "X-Accel-Buffering: no\r\n"};

    w->is_started = true;
    reply_head(&w->out, &head);
    buf_add_str(&w->out, "retry: 1000\n\n");
    lws_http_headers_detach(w->wsi);
}

static void
take_page(struct watcher *w, struct view page)
{
    struct view      list, next = {0}, event;
    struct list_iter it;
    size_t           count = 0;

    if (!w->is_started) start(w);
    (void)mp_find_str(page, "next", &next); /* agentd's answers have it */
    put_gap(w, page);
    if (mp_find(page, "items", &list)) {
        for (it = list_iter_of(list); list_next(&it, &event); count++)
            put_event(w, event, incarnation_of(next));
    }
    buf_printf(&w->out, "id: %.*s\n\n", VIEW_ARG(next)); /* also when nothing was for it */
    buf_clear(&w->cursor);
    buf_add_view(&w->cursor, next);
    w->is_behind = count == PAGE_EVENTS || seq_of(next) < w->feed->last_seq;
    write_start(w->wsi);
}

static void
fail(struct watcher *w, const struct err *error)
{
    BUF_AUTO struct buf body = {0};
    BUF_AUTO struct buf more = {0};
    struct reply_head head = {.status = errc_http(error->code), .type = REPLY_JSON, .closes = true};

    reply_error(&body, error);
    if (w->is_started) {
        buf_printf(&w->out, "event: error\ndata: %s\n\n", buf_str(&body));
    } else {
        reply_error_headers(&more, head.status, error);
        head.length = (int64_t)body.size;
        head.more = buf_str(&more);
        reply_head(&w->out, &head);
        buf_add_view(&w->out, buf_view(&body));
    }
    w->ends = true;
    write_start(w->wsi);
}

/* ---- reading --------------------------------------------------------------- */

/* A page, and who else is at the place from which it was read. */
struct sharing {
    const struct watcher *reader;
    struct view           from;
    struct view           page;
};

static bool
shares(struct watcher *w, const void *arg)
{
    const struct sharing *s = arg;

    if (s->from.size == 0 || !view_eq(buf_view(&w->cursor), s->from) ||
        !view_eq(buf_view(&w->topic), buf_view(&s->reader->topic)) ||
        strcmp(w->token_hash, s->reader->token_hash) != 0) {
        return false;
    }
    take_page(w, s->page);
    return true;
}

static void
on_page(void *arg, const struct err *error, struct view page)
{
    struct watcher     *w = arg;
    BUF_AUTO struct buf from = {0};

    w->asked = 0;
    w->feed->reads--;
    if (error->code == E_BUSY && w->is_started) {
        w->is_behind = true; /* until agentd is there again */
    } else if (error->code) {
        fail(w, error);
    } else {
        buf_add_view(&from, buf_view(&w->cursor));
        take_page(w, page);
        sift_due(w->feed, shares,
                 &(struct sharing){.reader = w, .from = buf_view(&from), .page = page});
    }
    ask_due(w->feed);
}

static void
ask_one(struct watcher *w)
{
    BUF_AUTO struct buf body = {0};
    struct mp_open_map  m = mp_open(&body);
    struct err          e;
    struct question     q = {
            .op = MSG_FEED_READ, .token_hash = view_str(w->token_hash), .on_answer = on_page, .arg = w};

    if (w->cursor.size) mp_put_str(&body, &m, "since", buf_view(&w->cursor));
    if (w->topic.size) mp_put_str(&body, &m, "topic", buf_view(&w->topic));
    mp_put_i64(&body, &m, "limit", PAGE_EVENTS);
    mp_close(&body, &m);
    q.body = buf_view(&body);
    w->is_behind = false;
    w->asked = client_ask(w->feed->client, &q, &e);
    if (w->asked) {
        w->feed->reads++;
    } else {
        fail(w, &e);
    }
}

static void
ask_due(struct feed *f)
{
    while (f->due && f->reads < READS_MAX) {
        struct watcher *w = f->due;

        f->due = w->next_due;
        if (!f->due) f->last_due = &f->due;
        w->is_due = false;
        ask_one(w);
    }
}

/* ---- the doorbell ---------------------------------------------------------- */

enum errc
feed_new(struct feed **out, struct client *client, struct counters *counters, void *zmq,
         const char *run_dir, struct err *e)
{
    FREE_AUTO char *path = xasprintf("%s/feed.sock", run_dir);
    struct feed    *f = xcalloc(1, sizeof(*f));

    if (connection_open(&f->doorbell, zmq, ZMQ_SUB, path, RING_BYTES, e)) {
        free(f);
        return e->code;
    }
    f->client = client;
    f->counters = counters;
    f->last_due = &f->due;
    *out = f;
    return E_OK;
}

void
feed_destroy(struct feed **p)
{
    if (!*p) return;
    connection_close(&(*p)->doorbell);
    buf_done(&(*p)->ring);
    free(*p);
    *p = NULL;
}

void
feed_fds(const struct feed *f, int fds[CONNECTION_FDS])
{
    connection_fds(&f->doorbell, fds);
}

void
feed_wake(struct feed *f)
{
    for (struct watcher *w = f->first; w; w = w->next)
        look(w);
    ask_due(f);
}

void
feed_pump(struct feed *f)
{
    bool    has_rung = false;
    int64_t seq;

    do {
        while (connection_change(&f->doorbell) != CONNECTION_SAME)
            has_rung = true; /* what rang meanwhile was not heard */
        while (connection_receive(&f->doorbell, &f->ring)) {
            if (!mp_find_i64(buf_view(&f->ring), "last_seq", &seq)) continue;
            f->last_seq = (uint64_t)seq;
            has_rung = true;
        }
    } while (connection_has_input(&f->doorbell));
    if (has_rung) feed_wake(f);
}

size_t
feed_watchers(const struct feed *f)
{
    return f->count;
}

/* ---- a watcher ------------------------------------------------------------- */

/* A browser that comes back says where it was by Last-Event-ID, and asks with the same query. */
static enum errc
take_query(struct watcher *w, const struct head *h, struct err *e)
{
    struct target_wanted wanted[] = {{.name = "since"}, {.name = "topic"}};
    struct view          last = h->headers[HEADER_LAST_EVENT_ID];
    enum errc            failed = target_take(h->target.query, wanted, ARRAY_LEN(wanted), e);

    w->cursor = wanted[0].value;
    w->topic = wanted[1].value;
    if (failed || last.size == 0) return failed;
    if (!utf8_is_valid(last)) return err_field(e, "Last-Event-ID", "must be UTF-8");
    buf_clear(&w->cursor);
    buf_add_view(&w->cursor, last);
    return E_OK;
}

struct watcher *
watcher_new(struct feed *f, struct lws *wsi, const char *token_hash)
{
    struct watcher *w = xcalloc(1, sizeof(*w));
    struct err      e;

    w->feed = f;
    w->wsi = wsi;
    memcpy(w->token_hash, token_hash, sizeof(w->token_hash));
    w->next = f->first;
    if (f->first) f->first->before = w;
    f->first = w;
    f->count++;
    lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
    if (f->count > WATCHERS_MAX) {
        err_set(&e, E_BUSY, "%d watch the feed already", WATCHERS_MAX);
        fail(w, &e);
    } else if (take_query(w, intake_head(wsi), &e)) {
        fail(w, &e);
    } else {
        look(w);
        ask_due(f);
    }
    return w;
}

static bool
is_it(struct watcher *w, const void *arg)
{
    return w == arg;
}

void
watcher_destroy(struct watcher **p)
{
    struct watcher *w = *p;

    if (!w) return;
    if (w->is_due) sift_due(w->feed, is_it, w);
    if (w->asked) {
        client_forget(w->feed->client, w->asked);
        w->feed->reads--;
    }
    if (w->before) w->before->next = w->next;
    if (w->next) w->next->before = w->before;
    if (w->feed->first == w) w->feed->first = w->next;
    w->feed->count--;
    ask_due(w->feed);
    buf_done(&w->cursor);
    buf_done(&w->topic);
    buf_done(&w->out);
    free(w);
    *p = NULL;
}

bool
watcher_on_writable(struct watcher *w)
{
    if (w->out.size == 0) return true;
    lws_set_timeout(w->wsi, PENDING_TIMEOUT_HTTP_CONTENT, WRITE_SECONDS);
    if (!write_part(w->wsi, &w->out, &w->sent)) return false;
    if (!write_is_over(w->wsi, &w->out, w->sent)) return true;
    if (w->ends) return false;
    lws_set_timeout(w->wsi, NO_PENDING_TIMEOUT, 0);
    lws_set_timer_usecs(w->wsi, LIFE_SECONDS * LWS_US_PER_SEC);
    write_hold(w->wsi);
    w->sent = 0;
    buf_clear(&w->out);
    if (w->is_behind) {
        look(w);
        ask_due(w->feed);
    }
    return true;
}

bool
watcher_on_timer(struct watcher *w)
{
    if (w->out.size > 0) return !write_is_stuck(w->wsi);
    if (w->is_started) {
        buf_add_str(&w->out, ":\n\n");
        write_start(w->wsi);
    }
    return true;
}
