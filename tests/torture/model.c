#include "tests/torture/model.h"

#include "tests/torture/breaks.h"
#include "tests/torture/firings.h"
#include "tests/torture/history.h"
#include "tests/torture/sessions.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDS_MAX (1ULL << 32)

void
model_init(struct model *m, const char *folder)
{
    *m = (struct model){.folder = folder, .courses = xcalloc(SCHEDULES_MAX, sizeof(*m->courses))};
    sessions_init(m);
}

void
model_done(struct model *m)
{
    for (int c = 0; c < CLIENTS; c++) {
        for (size_t i = 0; i < m->clients[c].count; i++)
            free(m->clients[c].intents[i].ids);
        free(m->clients[c].intents);
    }
    for (uint64_t id = 0; id < m->cap; id++)
        free(m->jobs[id].turns);
    free(m->jobs);
    free(m->things);
    free(m->decisions);
    free(m->doubts);
    free(m->tickets);
    firings_free(m);
    sessions_free(m);
    deeds_free(m);
}

struct job *
model_job(struct model *m, uint64_t id)
{
    uint64_t cap = m->cap ? m->cap : 1024;

    if (id == 0 || id >= IDS_MAX) return NULL;
    while (cap <= id)
        cap *= 2;
    if (cap != m->cap) {
        m->jobs = xrealloc(m->jobs, cap * sizeof(*m->jobs));
        memset(m->jobs + m->cap, 0, (cap - m->cap) * sizeof(*m->jobs));
        m->cap = cap;
    }
    return &m->jobs[id];
}

struct ticket *
model_ticket(struct model *m, uint64_t id)
{
    uint64_t cap = m->ticket_cap ? m->ticket_cap : 64;

    if (id == 0 || id >= IDS_MAX) return NULL;
    while (cap <= id)
        cap *= 2;
    if (cap != m->ticket_cap) {
        m->tickets = xrealloc(m->tickets, cap * sizeof(*m->tickets));
        memset(m->tickets + m->ticket_cap, 0, (cap - m->ticket_cap) * sizeof(*m->tickets));
        m->ticket_cap = cap;
    }
    return &m->tickets[id];
}

struct intent *
model_intent(struct model *m, int client, unsigned number)
{
    if (client < 0 || client >= CLIENTS || number >= m->clients[client].count) return NULL;
    return &m->clients[client].intents[number];
}

bool
model_is_of_completed(const struct model *m, struct view message, uint64_t job)
{
    uint64_t id, attempt;
    char     text[64];

    (void)snprintf(text, sizeof(text), "%.*s",
                   VIEW_ARG(message)); /* a longer one is none of ours */
    return sscanf(text, "%" SCNu64 " %" SCNu64, &id, &attempt) == 2 && id == job && id < m->cap &&
           m->jobs[id].end == END_COMPLETED && m->jobs[id].attempt == attempt;
}

/* ---- histories ------------------------------------------------------------------------------- */

struct reading {
    struct model *model;
    int           client;
};

static void
malformed(const struct reading *r, const char *line)
{
    breaks_add(BREAK_ANSWER, "history of client %d: \"%s\"", r->client, line);
}

static void
take_intent(struct reading *r, const char *line)
{
    struct client_model *c = &r->model->clients[r->client];
    unsigned             number, count;
    char                 kind[16];

    if (sscanf(line, "S %u %15s %u", &number, kind, &count) != 3 || number != c->count ||
        kind_from(kind) == KIND_COUNT) {
        malformed(r, line);
        return;
    }
    c->intents = xrealloc(c->intents, (c->count + 1) * sizeof(*c->intents));
    c->intents[c->count++] = (struct intent){.kind = kind_from(kind), .count = count};
}

static void
take_ids(struct reading *r, struct intent *in, const char *text)
{
    unsigned n = 0;
    char    *end;

    in->ids = xcalloc(in->count, sizeof(*in->ids));
    in->asked = ASKED_YES;
    for (uint64_t id = strtoull(text, &end, 10); end != text; id = strtoull(text, &end, 10)) {
        struct job *j = model_job(r->model, id);

        if (n == in->count || !j) {
            breaks_add(BREAK_ANSWER, "client %d was given the job id %" PRIu64, r->client, id);
            return;
        }
        if (j->is_acknowledged) breaks_add(BREAK_TWICE, "job %" PRIu64 " was given out twice", id);
        j->is_acknowledged = true;
        in->ids[n++] = id;
        text = end;
    }
}

/* It was not asked again; the time by which it was to start passed while it was; the queue is full;
 * the key is taken; the ticket is done. */
static bool
is_refusable(enum kind k, const char *code)
{
    return strcmp(code, " draining") == 0 ||
           (k == KIND_expires && strcmp(code, " bad_request") == 0) ||
           (k == KIND_assigned && strcmp(code, " wrong_state") == 0) ||
           ((k == KIND_narrow || k == KIND_spends) && strcmp(code, " queue_full") == 0) ||
           ((k == KIND_unique_reject || k == KIND_unique_replace) &&
            strcmp(code, " conflict") == 0);
}

static void
take_joined(struct reading *r, struct intent *in, const char *text)
{
    in->joined = strtoull(text, NULL, 10);
    in->asked = ASKED_JOINED;
    if (in->kind == KIND_merged || in->kind == KIND_unique_return) return;
    breaks_add(BREAK_ANSWER, "client %d was given job %" PRIu64 " for a %s", r->client, in->joined,
               kind_rule(in->kind)->name);
}

static void
take_answer(struct reading *r, const char *line)
{
    struct client_model *c = &r->model->clients[r->client];
    unsigned             number;
    int                  used = 0;

    if (sscanf(line + 1, "%u%n", &number, &used) != 1 || number >= c->count) {
        malformed(r, line);
        return;
    }
    switch (line[0]) {
    case 'A': take_ids(r, &c->intents[number], line + 1 + used); break;
    case 'K': c->intents[number].ticket = strtoull(line + 1 + used, NULL, 10); break;
    case 'J': take_joined(r, &c->intents[number], line + 1 + used); break;
    case 'U': c->intents[number].asked = ASKED_UNKNOWN; break;
    default:
        c->intents[number].asked = ASKED_NO;
        if (is_refusable(c->intents[number].kind, line + 1 + used)) return;
        breaks_add(BREAK_ANSWER, "client %d: request %u (%s) was refused:%s", r->client, number,
                   kind_rule(c->intents[number].kind)->name, line + 1 + used);
    }
}

static void
take_change(struct reading *r, const char *line)
{
    uint64_t id;
    char     word[16];

    if (sscanf(line + 1, "%" SCNu64 " %15s", &id, word) != 2) {
        malformed(r, line);
        return;
    }
    struct job *j = model_job(r->model, id);
    bool        is_yes = strcmp(word, "yes") == 0, is_no = strcmp(word, "no") == 0;
    if (!j || is_no) return;
    if (line[0] == 'C') {
        j->may_be_cancelled = true;
        j->was_stopping |= strcmp(word, "stopping") == 0;
        j->must_be_cancelled |= is_yes;
        j->must_have_run = false;
    } else if (line[0] == 'T') {
        j->may_be_retried = true;
        j->must_be_cancelled = false;
        j->must_have_run = is_yes;
    } else {
        j->may_be_gone = true;
        j->must_be_gone |= is_yes;
    }
}

static void
take_seen(struct reading *r, const char *line)
{
    uint64_t id, attempt;
    char     state[16];

    if (sscanf(line, "V %" SCNu64 " %15s %" SCNu64, &id, state, &attempt) != 3) {
        malformed(r, line);
        return;
    }
    struct job *j = model_job(r->model, id);
    if (!j) return;
    if (attempt < j->seen_attempt) {
        breaks_add(BREAK_ATTEMPTS, "job %" PRIu64 ": attempt %" PRIu64 " was seen after %" PRIu64,
                   id, attempt, j->seen_attempt);
    }
    if (j->was_seen_completed && strcmp(state, "completed") != 0) {
        breaks_add(BREAK_OUTCOME, "job %" PRIu64 " was seen completed, then %s", id, state);
    }
    j->seen_attempt = attempt;
    j->was_seen_completed |= strcmp(state, "completed") == 0;
}

static void
take_thing(struct reading *r, const char *line)
{
    struct model *m = r->model;
    struct thing  t = {.id = 0};

    if (sscanf(line, "O %31s %" SCNu64, t.title, &t.id) != 2) {
        malformed(r, line);
        return;
    }
    m->things = xrealloc(m->things, (m->nthings + 1) * sizeof(*m->things));
    m->things[m->nthings++] = t;
}

static void
take_line(char *line, void *arg)
{
    struct reading *r = arg;

    switch (line[0]) {
    case 'S': take_intent(r, line); break;
    case 'A':
    case 'K':
    case 'J':
    case 'U':
    case 'R': take_answer(r, line); break;
    case 'C':
    case 'T':
    case 'P': take_change(r, line); break;
    case 'O': take_thing(r, line); break;
    case 'V': take_seen(r, line); break;
    case 'H':
    case 'h':
    case 'n':
    case 'f':
    case 'Z':
        if (!sessions_history(r->model, (unsigned)r->client, line)) malformed(r, line);
        break;
    case 'X': breaks_add(BREAK_ANSWER, "client %d: %s", r->client, line + 2); break;
    default: malformed(r, line);
    }
}

/* ---- the record ------------------------------------------------------------------------------ */

static void
take_start(struct job *j, uint64_t id, uint64_t attempt)
{
    if (attempt <= j->last_start) {
        breaks_add(BREAK_ATTEMPTS, "job %" PRIu64 ": attempt %" PRIu64 " started after %" PRIu64,
                   id, attempt, j->last_start);
    }
    j->last_start = attempt;
}

static void
take_end(struct job *j, uint64_t id, uint64_t attempt)
{
    if (attempt != j->last_start) {
        breaks_add(BREAK_OVERLAP,
                   "job %" PRIu64 ": attempt %" PRIu64 " ended when %" PRIu64 " had begun", id,
                   attempt, j->last_start);
    }
    j->last_end = attempt;
}

static void
take_record(char *line, void *arg)
{
    struct model *m = arg;
    uint64_t      id, attempt;
    char          what[16], lease[64];
    struct job   *j;

    if (sscanf(line, "%15s %" SCNu64 " %" SCNu64 " %63s", what, &id, &attempt, lease) != 4 ||
        !(j = model_job(m, id))) {
        breaks_add(BREAK_ANSWER, "the handlers' record: \"%s\"", line);
    } else if (strcmp(what, "start") == 0) {
        take_start(j, id, attempt);
    } else if (strcmp(what, "end") == 0) {
        take_end(j, id, attempt);
    } else if (strcmp(what, "beside") == 0) {
        j->found_another = true;
    } else {
        breaks_add(BREAK_OVERLAP,
                   "job %" PRIu64 ": attempt %" PRIu64 " (lease %s) found another alive", id,
                   attempt, lease);
    }
}

static void
take_decision(struct model *m, uint64_t approval, bool is_granted)
{
    m->decisions = xrealloc(m->decisions, (m->ndecisions + 1) * sizeof(*m->decisions));
    m->decisions[m->ndecisions++] = (struct verdict){approval, is_granted};
}

static void
take_operators(char *line, void *arg)
{
    struct model *m = arg;
    uint64_t      id;
    char          word[16];
    struct job   *j;

    if (sscanf(line, "B %u", &m->raises) == 1 || firings_history(m, line)) return;
    if (sscanf(line, "G %" SCNu64 " %15s", &id, word) == 2) {
        take_decision(m, id, strcmp(word, "yes") == 0);
        return;
    }
    if (sscanf(line, "M %" SCNu64, &id) == 1 && (j = model_job(m, id))) {
        j->is_acknowledged = true;
        m->briefs++;
        return;
    }
    breaks_add(strncmp(line, "X fsck", 6) == 0 ? BREAK_FSCK : BREAK_ANSWER, "operator: %s",
               line + 2);
}

void
model_read(struct model *m)
{
    char name[NAME_BYTES];

    for (int c = 0; c < CLIENTS; c++) {
        struct reading r = {m, c};

        load_client_name((unsigned)c, name);
        if (!history_read(m->folder, name, take_line, &r)) {
            breaks_add(BREAK_ANSWER, "client %d has left no history", c);
        }
    }
    if (!history_read(m->folder, OPERATOR, take_operators, m)) {
        breaks_add(BREAK_ANSWER, "the operator has left no history");
    }
    deeds_read(m);
    (void)history_read(m->folder, "handlers", take_record, m); /* none: no handler ever ran */
}
