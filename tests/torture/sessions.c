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

static const char *const types[SAID_TYPES] = {"user_message", "step", "job", "bad", "timer"};

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
sessions_timer(unsigned session, unsigned n, int64_t delay_ms, struct buf *body)
{
    put_session(session, "key", body);
    buf_printf(body, ",\"timer_id\":\"t%u\",\"delay_ms\":%" PRId64 ",\"payload\":{\"n\":%u}}", n,
               delay_ms, n);
}

enum msg_id
sessions_request(unsigned session, enum said_type type, unsigned n, struct buf *body)
{
    put_session(session, type == SAID_JOB ? "session" : "key", body);
    if (type == SAID_MESSAGE) {
        buf_printf(body, ",\"content\":\"I say %u\",\"metadata\":{\"n\":%u}}", n, n);
        return MSG_SESSION_SEND;
    }
    if (type != SAID_JOB) buf_printf(body, ",\"type\":\"%s\"", types[type]);
    buf_printf(body, ",\"payload\":{\"n\":%u}}", n);
    return type == SAID_JOB ? MSG_JOB_SUBMIT : MSG_SESSION_EVENT;
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
        return strcmp(code, "queue_full") == 0 || strcmp(code, "draining") == 0;
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

struct taking {
    struct sessions *all;
    unsigned         session;
};

static uint64_t
number_in(struct view payload)
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

/* Each is one that was asked for, once, and has the number that the answer gave. */
static void
match(struct sessions *all, unsigned session, const struct row *row, uint64_t seq)
{
    uint64_t     client = (row->n - 1) / SAID_MAX, number = (row->n - 1) % SAID_MAX;
    struct said *d = NULL;

    if (match_plan(&all->talks[session], row, seq)) return;
    if (row->n && client < SAYERS && number < all->saids[client]) d = &all->said[client][number];
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

static void
take_event(struct view item, void *arg)
{
    struct taking *k = arg;
    struct talk   *t = &k->all->talks[k->session];
    struct view    status = text_of(item, "status"), payload = {0};
    uint64_t       seq = (uint64_t)number_of(item, "seq");
    struct row     row = {.is_dead = view_is(status, "dead"),
                          .is_void = view_is(status, "void"),
                          .at = number_of(item, "created_at")};

    if (seq != t->count + 1) {
        breaks_add(BREAK_EVENT, "session s%u: event %" PRIu64 " follows event %zu", k->session, seq,
                   t->count);
    }
    if (!row.is_dead && !row.is_void && !view_is(status, "processed")) {
        breaks_add(BREAK_DRAIN, "session s%u: event %" PRIu64 " is %.*s", k->session, seq,
                   VIEW_ARG(status));
    }
    (void)mp_find(item, "payload", &payload); /* without one it has no number */
    row.n = number_in(payload);
    row.job = row.is_dead ? (uint64_t)number_of(item, "job") : 0;
    while (row.type < SAID_TYPES && !view_is(text_of(item, "type"), types[row.type]))
        row.type++;
    match(k->all, k->session, &row, seq);
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
    struct talk   *t = &k->all->talks[k->session];
    enum timer     status = timer_from(text_of(item, "status"));
    char           id[32], letter;
    uint64_t       n = 0;

    t->pending += status == TIMER_PENDING;
    (void)snprintf(id, sizeof(id), "%.*s", VIEW_ARG(text_of(item, "timer_id"))); /* or cut */
    if (sscanf(id, "%c%" SCNu64, &letter, &n) != 2) letter = '?';
    uint64_t client = (n - 1) / SAID_MAX, number = (n - 1) % SAID_MAX;
    if (letter == 't' && n && client < CLIENTS && number < k->all->saids[client] &&
        k->all->said[client][number].type == SAID_TIMER) {
        struct said *d = &k->all->said[client][number];

        d->timer = status;
        d->fire_at = number_of(item, "fire_at");
        d->event = (uint64_t)number_of(item, "event");
    } else if (letter == 'e' && n >= 1 && n <= t->count) {
        t->rows[n - 1].plan = status;
        t->rows[n - 1].plan_at = number_of(item, "fire_at");
        t->rows[n - 1].plan_event = (uint64_t)number_of(item, "event");
    } else if (letter == 'x' && n >= 1 && n <= t->count) {
        t->rows[n - 1].spare = status;
    } else {
        breaks_add(BREAK_TIMER, "session s%u: nobody set timer %s", k->session, id);
    }
}

static void
count_due(struct view item, void *arg)
{
    *(bool *)arg &= number_of(item, "fire_at") > clock_now().wall_ms + SOON_AFTER_MS;
}

bool
sessions_are_drained(struct link *l)
{
    bool is_drained = true;

    for (unsigned s = 0; s < SESSIONS; s++) {
        char body[96];

        (void)snprintf(body, sizeof(body),
                       "\"key\":\"s%u\",\"company\":\"" TALK "\",\"status\":\"pending\"",
                       s); /* fits */
        fetch_pages(l, MSG_TIMER_LIST, body, count_due, &is_drained);
    }
    return is_drained;
}

void
sessions_fetch(struct model *m, struct link *l)
{
    for (unsigned s = 0; s < SESSIONS; s++) {
        struct taking k = {m->sessions, s};
        char          body[64];

        (void)snprintf(body, sizeof(body), "\"key\":\"s%u\",\"company\":\"" TALK "\"",
                       s); /* fits */
        fetch_pages(l, MSG_SESSION_EVENTS, body, take_event, &k);
        fetch_pages(l, MSG_TIMER_LIST, body, take_timer, &k);
    }
}

/* ---- what was told and sent ------------------------------------------------------------------ */

void
sessions_feed(struct model *m, struct view type, struct view event)
{
    unsigned    session = sessions_find(text_of(event, "session"));
    uint64_t    seq = (uint64_t)number_of(event, "event");
    bool        is_processed = view_is(type, "session.processed");
    struct row *row;

    if (!session || !(is_processed || view_is(type, "session.event_dead"))) return;
    struct talk *t = &m->sessions->talks[session - 1];
    while (t->told + 1 < seq && t->told < t->count && t->rows[t->told].is_void)
        t->told++;
    if (seq != t->told + 1) {
        breaks_add(BREAK_COMMIT,
                   "session s%u: event %" PRIu64 " was done with behind event %" PRIu64,
                   session - 1, seq, t->told);
    }
    t->told = seq;
    if ((row = sessions_row(m, session, seq))) *(is_processed ? &row->processed : &row->deads) += 1;
}

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
