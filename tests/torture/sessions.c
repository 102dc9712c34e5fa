#include "tests/torture/sessions.h"

#include "common/clock.h"
#include "common/mem.h"
#include "common/mp.h"
#include "tests/torture/breaks.h"
#include "tests/torture/items.h"
#include "tests/torture/operator.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOON_AFTER_MS 1800000
#define ASK_MS        5000

bool sessions_hold;

static const char *const types[SAID_TYPES] = {"user_message", "step", "job", "job", "timer"};

/* ---- requests -------------------------------------------------------------------------------- */

unsigned
sessions_number(unsigned sayer, unsigned number)
{
    return sayer * SAID_MAX + number + 1;
}

/* The session, and who processes its events. */
static void
put_session(unsigned session, const char *field, struct buf *body)
{
    buf_printf(body, "{\"%s\":\"s%u\",\"company\":\"" TALK "\"", field, session);
    if (session < SESSIONS_ALONE) return;
    buf_printf(body, ",\"agent\":\"" TALK "/%s\"", session < SESSIONS_READ ? SCRIBE : VOICE);
}

void
sessions_target(unsigned session, struct buf *body)
{
    put_session(session, "key", body);
    buf_add_str(body, "}");
}

void
sessions_timer(unsigned session, unsigned n, int64_t delay_ms, struct buf *body)
{
    put_session(session, "key", body);
    buf_printf(body, ",\"timer_id\":\"t%u\",\"delay_ms\":%" PRId64 ",\"payload\":{\"n\":%u}}", n,
               delay_ms, n);
}

enum msg_id
sessions_request(unsigned session, enum said_type type, unsigned n, struct buf *body)
{
    bool is_job = type == SAID_JOB || type == SAID_BAD;

    put_session(session, is_job ? "session" : "key", body);
    if (type == SAID_MESSAGE) {
        buf_printf(body, ",\"content\":\"I say %u\",\"metadata\":{\"n\":%u}}", n, n);
        return MSG_SESSION_SEND;
    }
    if (type == SAID_BAD) buf_add_str(body, ",\"handler\":\"" CHOKES "\"");
    if (!is_job) buf_printf(body, ",\"type\":\"%s\"", types[type]);
    buf_printf(body, ",\"payload\":{\"n\":%u}}", n);
    return is_job ? MSG_JOB_SUBMIT : MSG_SESSION_EVENT;
}

void
sessions_prepare(struct link *l)
{
    for (unsigned s = 0; s < SESSIONS; s++) {
        BUF_AUTO struct buf body = {0};
        char                key[NAME_BYTES];
        enum msg_id op = sessions_request(s, SAID_MESSAGE, sessions_number(SAYER_NOBODY, s), &body);

        (void)snprintf(key, sizeof(key), "first-%u", s); /* fits */
        operator_must(l, op, buf_str(&body), key);
    }
}

/* ---- what was said --------------------------------------------------------------------------- */

static struct said *
add_said(struct sessions *all, unsigned client, unsigned session, enum said_type type)
{
    size_t n = all->saids[client]++;

    all->said[client] = xrealloc(all->said[client], (n + 1) * sizeof(*all->said[client]));
    all->said[client][n] = (struct said){.session = session, .type = type};
    return &all->said[client][n];
}

void
sessions_init(struct model *m)
{
    m->sessions = xcalloc(1, sizeof(*m->sessions));
    for (unsigned s = 0; s < SESSIONS; s++) {
        struct said *d = add_said(m->sessions, SAYER_NOBODY, s, SAID_MESSAGE);

        d->asked = ASKED_YES;
        d->seq = 1;
    }
}

void
sessions_free(struct model *m)
{
    for (unsigned c = 0; c < SAYERS; c++)
        free(m->sessions->said[c]);
    for (unsigned s = 0; s < SESSIONS; s++)
        free(m->sessions->talks[s].rows);
    free(m->sessions);
}

static bool
take_said(struct sessions *all, unsigned client, const char *line)
{
    unsigned number, session, type, late;

    if (sscanf(line, "H %u %u %u %u", &number, &session, &type, &late) != 4 ||
        number != all->saids[client] || session >= SESSIONS || type >= SAID_TYPES) {
        return false;
    }
    add_said(all, client, session, type)->is_late = late;
    return true;
}

bool
sessions_history(struct model *m, unsigned client, const char *line)
{
    struct sessions *all = m->sessions;
    uint64_t         seq = 0;
    unsigned         number;
    char             code[32] = "";

    if (line[0] == 'H') return take_said(all, client, line);
    if (sscanf(line + 1, "%u", &number) != 1 || number >= all->saids[client]) return false;
    struct said *d = &all->said[client][number];
    if (sscanf(line, "Z %u %31s", &number, code) == 2) {
        d->cancel = strcmp(code, "yes") == 0  ? ASKED_YES
                    : strcmp(code, "no") == 0 ? ASKED_NO
                                              : ASKED_UNKNOWN;
        return true;
    }
    if (sscanf(line, "h %u %" SCNu64, &number, &seq) == 2) {
        d->asked = ASKED_YES;
        d->seq = seq;
    } else if (sscanf(line, "f %u %31s", &number, code) == 2) {
        d->asked = ASKED_NO;
        d->was_closed = strcmp(code, "wrong_state") == 0;
        return d->was_closed || strcmp(code, "queue_full") == 0 || strcmp(code, "draining") == 0;
    } else {
        d->asked = ASKED_UNKNOWN;
    }
    return line[0] == 'h' || line[0] == 'n';
}

/* ---- what is there --------------------------------------------------------------------------- */

unsigned
sessions_find(struct view key)
{
    unsigned n = SESSIONS;
    char     text[16];

    (void)snprintf(text, sizeof(text), "%.*s", VIEW_ARG(key)); /* a longer one is none of ours */
    return sscanf(text, "s%u", &n) == 1 && n < SESSIONS ? n + 1 : 0;
}

struct row *
sessions_row(struct model *m, unsigned session, uint64_t seq)
{
    struct talk *t = &m->sessions->talks[session - 1];

    if (seq >= 1 && seq <= t->count) return &t->rows[seq - 1];
    breaks_add(BREAK_EVENT, "session s%u has no event %" PRIu64, session - 1, seq);
    return NULL;
}

struct said *
sessions_said(struct model *m, uint64_t n)
{
    uint64_t client = (n - 1) / SAID_MAX, number = (n - 1) % SAID_MAX;

    return n && client < SAYERS && number < m->sessions->saids[client]
               ? &m->sessions->said[client][number]
               : NULL;
}

struct taking {
    struct model *model;
    unsigned      session;
};

uint64_t
sessions_n(struct view payload)
{
    static const char *const places[] = {"metadata", "payload"};
    struct view              inner;

    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        if (mp_find(payload, places[i], &inner)) return (uint64_t)number_of(inner, "n");
    }
    return (uint64_t)number_of(payload, "n");
}

/* The timer that the handler of an earlier event set. */
static bool
match_plan(struct talk *t, const struct row *row, uint64_t seq)
{
    uint64_t by = row->n - PLANNED;

    if (row->n <= PLANNED || by >= seq || row->type != SAID_TIMER) return false;
    t->rows[by - 1].fired++;
    return true;
}

/* What the operator sent again is as it was, but for its place. */
static void
match_copy(struct talk *t, const struct row *row, unsigned session, uint64_t seq)
{
    struct row *first = row->copy_of < seq ? &t->rows[row->copy_of - 1] : NULL;

    if (first && first->n == row->n && first->type == row->type) {
        first->copies++;
        return;
    }
    breaks_add(BREAK_EVENT, "session s%u: event %" PRIu64 " is no copy of event %" PRIu64, session,
               seq, row->copy_of);
}

/* Each is one that was asked for, once, and has the number that the answer gave. */
static void
match(struct model *m, unsigned session, const struct row *row, uint64_t seq)
{
    struct talk *t = &m->sessions->talks[session];
    struct said *d = sessions_said(m, row->n);

    if (row->copy_of) {
        match_copy(t, row, session, seq);
        return;
    }
    if (match_plan(t, row, seq)) return;
    if (!d || d->session != session || d->type != row->type || d->asked == ASKED_NO) {
        breaks_add(BREAK_EVENT, "session s%u: nobody asked for event %" PRIu64 " (%" PRIu64 ")",
                   session, seq, row->n);
        return;
    }
    d->found++;
    if (d->asked == ASKED_YES && d->type != SAID_TIMER && d->seq != seq) {
        breaks_add(BREAK_EVENT, "session s%u: event %" PRIu64 " was acknowledged as %" PRIu64,
                   session, seq, d->seq);
    }
}

static enum said_type
type_of(struct view type, struct view payload)
{
    enum said_type t = SAID_MESSAGE;

    while (t < SAID_TYPES && !view_is(type, types[t]))
        t++;
    return t == SAID_JOB && view_is(text_of(payload, "handler"), CHOKES) ? SAID_BAD : t;
}

static void
take_event(struct view item, void *arg)
{
    struct taking *k = arg;
    struct talk   *t = &k->model->sessions->talks[k->session];
    struct view    status = text_of(item, "status"), payload = {0};
    uint64_t       seq = (uint64_t)number_of(item, "seq");
    struct row     row = {.is_dead = view_is(status, "dead"),
                          .is_void = view_is(status, "void"),
                          .at = number_of(item, "created_at"),
                          .copy_of = (uint64_t)number_of(item, "copy_of")};

    if (seq != t->count + 1) {
        breaks_add(BREAK_EVENT, "session s%u: event %" PRIu64 " follows event %zu", k->session, seq,
                   t->count);
    }
    if (!row.is_dead && !row.is_void && !view_is(status, "processed")) {
        breaks_add(BREAK_DRAIN, "session s%u: event %" PRIu64 " is %.*s", k->session, seq,
                   VIEW_ARG(status));
    }
    (void)mp_find(item, "payload", &payload); /* without one it has no number */
    row.n = sessions_n(payload);
    row.job = row.is_dead ? (uint64_t)number_of(item, "job") : 0;
    row.type = type_of(text_of(item, "type"), payload);
    match(k->model, k->session, &row, seq);
    t->rows = xrealloc(t->rows, (t->count + 1) * sizeof(*t->rows));
    t->rows[t->count++] = row;
}

static enum timer
timer_from(struct view status)
{
    static const char *const names[TIMER_STATES] = {"absent", "pending", "promoted", "cancelled"};
    enum timer               t = TIMER_ABSENT;

    while (t < TIMER_CANCELLED && !view_is(status, names[t]))
        t++;
    return t;
}

/* "tN" is a client's; "eSEQ" and "xSEQ" were set by the handler of that event. */
static void
take_timer(struct view item, void *arg)
{
    struct taking *k = arg;
    struct talk   *t = &k->model->sessions->talks[k->session];
    enum timer     status = timer_from(text_of(item, "status"));
    uint64_t       event = (uint64_t)number_of(item, "event");
    struct said   *d;
    struct row    *row;

    t->pending += status == TIMER_PENDING;
    if (status == TIMER_CANCELLED && event && event <= t->count)
        t->rows[event - 1].is_cancelled = true;
    switch (sessions_timer_of(k->model, k->session, text_of(item, "timer_id"), &d, &row)) {
    case 't':
        d->timer = status;
        d->fire_at = number_of(item, "fire_at");
        d->event = event;
        break;
    case 'e':
        row->plan = status;
        row->plan_at = number_of(item, "fire_at");
        row->plan_event = event;
        break;
    case 'x': row->spare = status; break;
    default:
        breaks_add(BREAK_TIMER, "session s%u: nobody set timer %.*s", k->session,
                   VIEW_ARG(text_of(item, "timer_id")));
    }
}

char
sessions_timer_of(struct model *m, unsigned session, struct view timer, struct said **d,
                  struct row **row)
{
    struct talk *t = &m->sessions->talks[session];
    char         id[32], letter = '?';
    uint64_t     n = 0;

    (void)snprintf(id, sizeof(id), "%.*s", VIEW_ARG(timer)); /* or cut */
    if (sscanf(id, "%c%" SCNu64, &letter, &n) != 2) return '?';
    *d = sessions_said(m, n);
    *row = n >= 1 && n <= t->count ? &t->rows[n - 1] : NULL;
    if (letter == 't') return *d && (*d)->type == SAID_TIMER ? 't' : '?';
    return (letter == 'e' || letter == 'x') && *row ? letter : '?';
}

static void
count_due(struct view item, void *arg)
{
    *(bool *)arg &= number_of(item, "fire_at") > clock_now().wall_ms + SOON_AFTER_MS;
}

static void
look_at_session(struct view item, void *arg)
{
    *(bool *)arg &= number_of(item, "waiting") == 0 && !view_is(text_of(item, "status"), "held");
}

bool
sessions_are_drained(struct link *l)
{
    bool is_drained = true;

    fetch_pages(l, MSG_SESSION_LIST, "\"company\":\"" TALK "\"", look_at_session, &is_drained);
    for (unsigned s = 0; s < SESSIONS && is_drained; s++) {
        char body[96];

        (void)snprintf(body, sizeof(body),
                       "\"key\":\"s%u\",\"company\":\"" TALK "\",\"status\":\"pending\"",
                       s); /* fits */
        fetch_pages(l, MSG_TIMER_LIST, body, count_due, &is_drained);
    }
    return is_drained;
}

static void
release(struct view item, void *arg)
{
    char body[96];

    (void)snprintf(body, sizeof(body), "{\"key\":\"%.*s\",\"company\":\"" TALK "\",\"skip\":true}",
                   VIEW_ARG(text_of(item, "key"))); /* fits */
    if (link_ask(arg, MSG_SESSION_RESUME, body, NULL, ASK_MS) == ANSWER_YES) return;
    breaks_add(BREAK_DRAIN, "resume %s: %s", body, ((struct link *)arg)->error.msg);
}

void
sessions_release(struct link *l)
{
    fetch_pages(l, MSG_SESSION_LIST, "\"company\":\"" TALK "\",\"status\":\"held\"", release, l);
}

void
sessions_fetch(struct model *m, struct link *l)
{
    for (unsigned s = 0; s < SESSIONS; s++) {
        struct taking k = {m, s};
        char          body[64];

        (void)snprintf(body, sizeof(body), "\"key\":\"s%u\",\"company\":\"" TALK "\"",
                       s); /* fits */
        fetch_pages(l, MSG_SESSION_EVENTS, body, take_event, &k);
        fetch_pages(l, MSG_TIMER_LIST, body, take_timer, &k);
    }
}

/* ---- what was sent -----------------------------------------------------------------------------
 */

/* "KEY SEQ COUNT JOB ATTEMPT"; false when it is none. */
static bool
read_message(struct view content, unsigned *session, uint64_t *seq, uint64_t *count, uint64_t *job,
             uint64_t *attempt)
{
    char text[128];

    (void)snprintf(text, sizeof(text), "%.*s", VIEW_ARG(content)); /* a longer one is none */
    if (sscanf(text, "s%u %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, session, seq, count, job,
               attempt) != 5 ||
        *session >= SESSIONS) {
        return false;
    }
    *session += 1;
    return true;
}

bool
sessions_effect(struct model *m, struct view item)
{
    unsigned    session = sessions_find(text_of(item, "session")), said;
    struct view payload = {0}, status = text_of(item, "status");
    uint64_t    seq, count, job, attempt;
    struct row *row;

    if (!session) return false;
    (void)mp_find(item, "payload", &payload); /* without one it has no content */
    if (!read_message(text_of(payload, "content"), &said, &seq, &count, &job, &attempt) ||
        said != session || seq != (uint64_t)number_of(item, "event") ||
        job != (uint64_t)number_of(item, "job") || !(row = sessions_row(m, session, seq))) {
        breaks_add(BREAK_SEND_TWICE, "effect %" PRId64 " is of no event of s%u",
                   number_of(item, "id"), session - 1);
        return true;
    }
    row->rows++;
    row->count = count;
    row->delivered += view_is(status, "delivered");
    row->rejected +=
        view_is(status, "rejected") && view_is(text_of(item, "reason"), "hard_cap_reached");
    if (row->completed != job || m->jobs[job].attempt != attempt) {
        breaks_add(BREAK_SEND_TWICE,
                   "effect %" PRId64 " of s%u is of attempt %" PRIu64 " of job %" PRIu64
                   ", which did not complete",
                   number_of(item, "id"), session - 1, attempt, job);
    }
    return true;
}

/* Of a completed job, and done at once. */
void
sessions_plan(struct model *m, struct view item)
{
    unsigned    session = sessions_find(text_of(item, "session"));
    uint64_t    job = (uint64_t)number_of(item, "job");
    struct row *row = session ? sessions_row(m, session, (uint64_t)number_of(item, "event")) : NULL;

    if (!row || row->completed != job || !view_is(text_of(item, "status"), "delivered")) {
        breaks_add(BREAK_TIMER, "effect %" PRId64 " of job %" PRIu64 " is %.*s",
                   number_of(item, "id"), job, VIEW_ARG(text_of(item, "status")));
        return;
    }
    row->plans++;
}

void
sessions_message(struct model *m, struct view content)
{
    unsigned    session;
    uint64_t    seq, count, job, attempt;
    struct row *row;

    if (!read_message(content, &session, &seq, &count, &job, &attempt)) return;
    if ((row = sessions_row(m, session, seq))) row->lines++;
}
