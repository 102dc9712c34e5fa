/* What the store says of all jobs at the end, read into the model. */
#include "common/hash.h"
#include "common/json.h"
#include "common/mp.h"
#include "tests/torture/breaks.h"
#include "tests/torture/config.h"
#include "tests/torture/items.h"
#include "tests/torture/model.h"
#include "tests/torture/schedules.h"
#include "tests/torture/sessions.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PAGES_MAX 10000000
#define FETCH_MS  20000

/* ---- pages ----------------------------------------------------------------------------------- */

static bool
take_page(struct view body, char *after, size_t size, void (*take)(struct view item, void *arg),
          void *arg)
{
    struct view items, item, next = text_of(body, "next");
    uint32_t    count = 0;

    if (mp_find(body, "items", &items)) {
        struct mp_reader r = mp_reader_of(items);

        (void)mp_read_array(&r, &count); /* what is no list has no items */
        while (count-- > 0 && mp_read_any(&r, &item))
            take(item, arg);
    }
    if (next.size == 0 || next.size >= size) return false;
    (void)snprintf(after, size, "%.*s", VIEW_ARG(next)); /* fits */
    return true;
}

void
fetch_pages(struct link *l, enum msg_id op, const char *body,
            void (*take)(struct view item, void *arg), void *arg)
{
    char after[160] = "";
    bool has_more = true;

    for (unsigned n = 0; has_more && n < PAGES_MAX; n++) {
        BUF_AUTO struct buf request = {0}, page = {0};

        buf_printf(&request, "{%s%s\"limit\":500", body, body[0] ? "," : "");
        if (after[0]) buf_printf(&request, ",\"after\":\"%s\"", after);
        buf_add_str(&request, "}");
        if (link_ask(l, op, buf_str(&request), NULL, FETCH_MS) != ANSWER_YES) {
            breaks_add(BREAK_ANSWER, "%s %s: %s", msg_desc(op)->op, buf_str(&request),
                       l->error.msg);
            return;
        }
        buf_add_view(&page, buf_view(&l->body)); /* what takes it may ask more */
        has_more = take_page(buf_view(&page), after, sizeof(after), take, arg);
    }
}

/* ---- one job --------------------------------------------------------------------------------- */

static unsigned
end_of(struct view state)
{
    static const struct {
        const char *state;
        unsigned    end;
    } ends[] = {
        {"scheduled", END_SCHEDULED},
        {"completed", END_COMPLETED},
        {"failed",    END_FAILED   },
        {"cancelled", END_CANCELLED},
        {"expired",   END_EXPIRED  },
    };

    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        if (view_is(state, ends[i].state)) return ends[i].end;
    }
    return 0;
}

static void
read_mark(struct job *j, struct view title)
{
    char text[64];

    j->client = NO_CLIENT;
    if (title.size == 0 || title.size >= sizeof(text)) return;
    memcpy(text, title.data, title.size);
    text[title.size] = '\0';
    if (sscanf(text, "c%d-%u-%u", &j->client, &j->number, &j->index) < 2) j->client = NO_CLIENT;
}

/* The attempts must be numbered from 1 on, without a hole, and only the last can have completed. */
static void
check_attempts(struct job *j, uint64_t id, struct view show)
{
    struct view attempts, item;
    uint32_t    count = 0, n;

    if (!mp_find(show, "attempts", &attempts)) return;
    struct mp_reader r = mp_reader_of(attempts);
    (void)mp_read_array(&r, &count); /* what is no list has no items */
    for (n = 1; n <= count && mp_read_any(&r, &item); n++) {
        bool is_stopped = view_is(text_of(item, "outcome"), "stopped");
        bool is_completed = view_is(text_of(item, "outcome"), "completed");

        if (number_of(item, "attempt") != n || (is_completed && n < j->attempt)) {
            breaks_add(BREAK_ATTEMPTS,
                       "job %" PRIu64 ": attempt %" PRId64 " (%.*s) stands as number %u", id,
                       number_of(item, "attempt"), VIEW_ARG(text_of(item, "outcome")), n);
        }
        j->is_stopped_otherwise |= is_stopped && !view_is(text_of(item, "class"), "aborted");
    }
    if (count != j->attempt && j->attempt <= 1000 && j->end) {
        breaks_add(BREAK_ATTEMPTS, "job %" PRIu64 ": %u attempts are kept, it had %" PRIu64, id,
                   count, j->attempt);
    }
}

static void
wrong_output(uint64_t id, struct view title, struct view output)
{
    BUF_AUTO struct buf text = {0};
    struct err          e;

    if (json_from_mp(output, &text, &e)) buf_add_str(&text, "(no JSON)");
    breaks_add(BREAK_OUTPUT, "job %" PRIu64 " (%.*s): %.200s", id, VIEW_ARG(title), buf_str(&text));
}

static bool
is_marked(struct job *j, uint64_t id, struct view show, struct view output)
{
    struct view payload = {0};

    (void)mp_find(show, "payload", &payload); /* without one it is not marked */
    j->seen_checkpoint = (uint64_t)number_of(output, "seen");
    return view_eq(text_of(output, "mark"), text_of(payload, "mark")) &&
           number_of(output, "job") == (int64_t)id &&
           number_of(output, "attempt") == (int64_t)j->attempt;
}

static bool
is_nil(struct view value)
{
    return value.size == 1 && (unsigned char)value.data[0] == 0xc0;
}

static void
check_output(struct job *j, uint64_t id, struct view show)
{
    struct view handler = text_of(show, "handler"), output = {0}, payload = {0};
    bool        is_right;

    if (!mp_find(show, "output", &output) || !mp_find(show, "payload", &payload)) {
        breaks_add(BREAK_OUTPUT, "job %" PRIu64 " has no output or payload", id);
        return;
    }
    if (j->end != END_COMPLETED || view_is(handler, "noop") || view_is(handler, "sleep")) {
        is_right = is_nil(output);
    } else if (view_is(handler, "echo")) {
        is_right = view_eq(output, payload);
    } else {
        is_right = is_marked(j, id, show, output);
    }
    if (!is_right) wrong_output(id, text_of(show, "title"), output);
}

/* ---- keys ------------------------------------------------------------------------------------ */

static uint64_t
key_of(struct view show)
{
    BUF_AUTO struct buf text = {0};
    struct view         key = text_of(show, "unique_key");

    if (key.size == 0) return 0;
    buf_printf(&text, "%.*s/%.*s", VIEW_ARG(text_of(show, "company")), VIEW_ARG(key));
    return hash64(buf_view(&text), 0);
}

static uint64_t
replacer_of(struct view show)
{
    struct view failure;
    uint64_t    id = 0;
    char        text[64];

    if (!mp_find(show, "failure", &failure)) return 0;
    (void)snprintf(text, sizeof(text), "%.*s", VIEW_ARG(text_of(failure, "message"))); /* or cut */
    return sscanf(text, "replaced by job %" SCNu64, &id) == 1 ? id : 0;
}

static void
take_cause(struct model *m, uint64_t id, struct view cause)
{
    struct view    payload = {0};
    struct job     mark;
    struct intent *in;

    (void)mp_find(cause, "payload", &payload); /* without one it has no mark */
    read_mark(&mark, text_of(payload, "mark"));
    in = model_intent(m, mark.client, mark.number);
    if (!in || in->kind != KIND_merged) {
        breaks_add(BREAK_MERGE, "job %" PRIu64 " has a cause that nobody asked for", id);
        return;
    }
    in->causes++;
    in->cause_of = id;
}

/* The first 100 are kept, and the count of all. */
static void
take_causes(struct model *m, uint64_t id, struct view show)
{
    struct view causes, items, item;
    uint32_t    count = 0;

    if (!mp_find(show, "causes", &causes) || is_nil(causes)) return;
    if (!mp_find(causes, "items", &items)) return;
    struct mp_reader r = mp_reader_of(items);
    (void)mp_read_array(&r, &count); /* what is no list has no items */
    if ((int64_t)count != number_of(causes, "count")) {
        breaks_add(BREAK_MERGE, "job %" PRIu64 " has %" PRId64 " causes and names %" PRIu32, id,
                   number_of(causes, "count"), count);
    }
    while (count-- > 0 && mp_read_any(&r, &item))
        take_cause(m, id, item);
}

/* ---- causes ---------------------------------------------------------------------------------- */

static uint64_t
name_of(struct view name)
{
    return name.size ? hash64(name, 0) : 0;
}

/* Whom the handler wakes. */
static uint64_t
called_by(struct view handler)
{
    static const char *const calls[][2] = {
        {"calls", "sleeper"},
        {"pings", "pong"   },
        {"pongs", "ping"   },
    };

    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        if (view_is(handler, calls[i][0])) return name_of(view_str(calls[i][1]));
    }
    return 0;
}

static void
take_links(struct job *j, struct view show)
{
    struct view payload = {0}, failure = {0}, trigger = text_of(show, "trigger");

    (void)mp_find(show, "payload", &payload); /* without one nothing is in it */
    (void)mp_find(show, "failure", &failure);
    j->is_telling = view_is(text_of(show, "handler"), "tells");
    j->is_closing = view_is(text_of(show, "handler"), "closes");
    j->agent = name_of(text_of(show, "agent"));
    j->is_asking = view_is(text_of(show, "agent"), ASKER);
    j->is_brief = view_is(text_of(show, "title"), BRIEF);
    j->calls = called_by(text_of(show, "handler"));
    j->parent = (uint64_t)number_of(show, "parent");
    j->root = (uint64_t)number_of(show, "root");
    j->depth = (uint64_t)number_of(show, "depth");
    j->ticket = (uint64_t)number_of(show, "ticket");
    j->from = (uint64_t)number_of(payload, "from");
    j->from_attempt = (uint64_t)number_of(payload, "attempt");
    j->is_follow_up = view_is(trigger, "follow_up");
    j->is_assigned = view_is(trigger, "ticket_assigned");
    j->is_ousted = view_is(text_of(failure, "message"),
                           "the next firing took its place (overlap cancel_running)");
    j->is_taken_back =
        view_is(text_of(failure, "message"), "the ticket was assigned to another agent");
    if (j->client == NO_CLIENT) read_mark(j, text_of(payload, "mark"));
}

/* The job of an event of a session. */
static void
take_event(struct model *m, struct job *j, uint64_t id, struct view show)
{
    struct row *row;

    j->session = sessions_find(text_of(show, "session"));
    j->event = (uint64_t)number_of(show, "event");
    if (!j->session || !(row = sessions_row(m, j->session, j->event))) return;
    row->jobs++;
    j->is_heard = row->type == SAID_MESSAGE;
    if (j->end == END_COMPLETED) row->completed = id;
}

/* ---- usage ----------------------------------------------------------------------------------- */

static struct view
usage_of(struct view map)
{
    struct view usage = {0};

    return mp_find(map, "usage", &usage) ? usage : (struct view){0};
}

static void
take_usage(struct job *j, struct view show)
{
    struct view attempts = {0}, item;
    uint32_t    count = 0;

    j->used.turns = (uint64_t)number_of(usage_of(show), "turns");
    j->used.tokens = (uint64_t)number_of(usage_of(show), "tokens");
    j->used.cost_micros = (uint64_t)number_of(usage_of(show), "cost_micros");
    j->used.attempts = j->attempt;
    if (j->is_thrift) j->turns = xcalloc(j->attempt + 1, sizeof(*j->turns));
    (void)mp_find(show, "attempts", &attempts); /* without them nothing ran */
    struct mp_reader r = mp_reader_of(attempts);
    (void)mp_read_array(&r, &count); /* what is no list has no items */
    for (uint32_t n = 1; n <= count && mp_read_any(&r, &item); n++) {
        int64_t ran_ms = number_of(item, "ended_at") - number_of(item, "claimed_at");

        j->attempt_turns += (uint64_t)number_of(usage_of(item), "turns");
        if (ran_ms > 0) j->used.run_ms += (uint64_t)ran_ms;
        if (j->turns && n <= j->attempt) {
            j->turns[n] = (uint64_t)number_of(usage_of(item), "turns");
        }
    }
}

static void
take_job(struct model *m, struct job *j, uint64_t id, struct view show)
{
    j->is_there = true;
    j->end = end_of(text_of(show, "state"));
    j->attempt = (uint64_t)number_of(show, "attempt");
    j->failures = (uint64_t)number_of(show, "failures");
    j->max_attempts = (uint64_t)number_of(show, "max_attempts");
    j->nominal_at = number_of(show, "nominal_at");
    j->schedule = schedule_number(text_of(show, "schedule"));
    (void)mp_find_bool(show, "forced", &j->is_forced); /* without it it is not */
    j->key = key_of(show);
    j->replaced_by = replacer_of(show);
    j->is_narrow = view_is(text_of(show, "company"), "narrow");
    read_mark(j, text_of(show, "title"));
    j->company = name_of(text_of(show, "company"));
    j->is_thrift = view_is(text_of(show, "company"), THRIFT);
    take_links(j, show);
    take_event(m, j, id, show);
    take_usage(j, show);
    take_causes(m, id, show);
    check_attempts(j, id, show);
    check_output(j, id, show);
}

struct fetching {
    struct model *model;
    struct link  *link;
};

static void
take_item(struct view item, void *arg)
{
    struct fetching *f = arg;
    uint64_t         id = (uint64_t)number_of(item, "id");
    struct job      *j = model_job(f->model, id);
    char             body[64];

    if (!j || j->is_there) {
        breaks_add(BREAK_UNEXPECTED, "job %" PRIu64 " is listed twice, or has no id", id);
        return;
    }
    if (id > f->model->last) f->model->last = id;
    (void)snprintf(body, sizeof(body), "{\"id\":%" PRIu64 "}", id); /* fits */
    if (link_ask(f->link, MSG_JOB_SHOW, body, NULL, FETCH_MS) != ANSWER_YES) {
        breaks_add(BREAK_LOST, "job %" PRIu64 " is listed, but: %s", id, f->link->error.msg);
        return;
    }
    take_job(f->model, j, id, buf_view(&f->link->body));
}

void
model_fetch(struct model *m, struct link *l)
{
    struct fetching f = {m, l};

    fetch_pages(l, MSG_JOB_LIST, "", take_item, &f);
}
