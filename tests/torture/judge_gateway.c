/* Messages that persons read at the gateway (D4, D5, I1, I2): each comes, in the session's order,
 * one behind the other; again until it was acknowledged, and never once that is confirmed: by the
 * answer to a request, or by the next one.  What is delivered was read. */
#include "common/hash.h"
#include "common/mp.h"
#include "tests/torture/breaks.h"
#include "tests/torture/history.h"
#include "tests/torture/items.h"
#include "tests/torture/judge.h"
#include "tests/torture/sessions.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct message {
    uint64_t id, event;
    uint64_t text;       /* hash of what it says */
    unsigned connection; /* that it came on last */
    unsigned confirmed;  /* the connection at the time of the answer to a request; 0: none */
    bool     is_acknowledged, is_there;
};

struct person {
    struct model   *model;
    unsigned        number;
    struct message *all; /* as they first came */
    size_t          count;
    unsigned        connections;
};

/* ---- what was said --------------------------------------------------------------------------- */

static void
take_said(char *line, void *arg)
{
    const struct person *p = arg;

    if (line[0] == 'X') {
        breaks_add(BREAK_ANSWER, "person %u: %s", p->number, line + 2);
    } else if (strchr("Hhnf", line[0])) {
        if (sessions_history(p->model, SAYER_PERSON + p->number, line)) return;
        breaks_add(BREAK_ANSWER, "person %u: \"%s\"", p->number, line);
    }
}

void
judge_persons(struct model *m)
{
    char name[NAME_BYTES];

    for (unsigned n = 0; n < PERSONS; n++) {
        struct person p = {.model = m, .number = n};

        load_person_name(n, name);
        if (!history_read(m->folder, name, take_said, &p)) {
            breaks_add(BREAK_ANSWER, "person %u has left no history", n);
        }
    }
}

/* ---- what was read --------------------------------------------------------------------------- */

static struct message *
find(const struct person *p, uint64_t id)
{
    for (size_t i = p->count; i-- > 0;) {
        if (p->all[i].id == id) return &p->all[i];
    }
    return NULL;
}

static void
take_first(struct person *p, const struct message *first, const char *kind, const char *content)
{
    struct message   *last = p->count ? &p->all[p->count - 1] : NULL;
    const struct row *row = sessions_row(p->model, SESSIONS_READ + p->number + 1, first->event);

    if (last && !last->is_acknowledged) {
        breaks_add(BREAK_SEND_ORDER,
                   "person %u: effect %" PRIu64 " came before effect %" PRIu64 " was acknowledged",
                   p->number, first->id, last->id);
    }
    if (last && first->event <= last->event) {
        breaks_add(BREAK_SEND_ORDER,
                   "person %u: the message of event %" PRIu64 " came behind that of event %" PRIu64,
                   p->number, first->event, last->event);
    }
    if (row && (row->type == SAID_MESSAGE) != (strcmp(kind, "reply") == 0)) {
        breaks_add(BREAK_SEND_ORDER, "person %u: effect %" PRIu64 " came as %s", p->number,
                   first->id, kind);
    }
    sessions_message(p->model, view_str(content));
    p->all = xrealloc(p->all, (p->count + 1) * sizeof(*p->all));
    p->all[p->count++] = *first;
    p->model->read++;
}

static void
take_again(struct person *p, struct message *known, const struct message *now)
{
    bool is_last = known == &p->all[p->count - 1];

    /* Until the next connection it may have been on its way. */
    if (!is_last || (known->confirmed && now->connection > known->confirmed)) {
        breaks_add(BREAK_SEND_TWICE,
                   "person %u: effect %" PRIu64 " came again; it was acknowledged, and confirmed",
                   p->number, now->id);
    }
    if (known->connection == now->connection) {
        breaks_add(BREAK_SEND_TWICE, "person %u: effect %" PRIu64 " came twice without a reconnect",
                   p->number, now->id);
    }
    if (known->text != now->text || known->event != now->event) {
        breaks_add(BREAK_SEND_TWICE, "person %u: effect %" PRIu64 " came again as another one",
                   p->number, now->id);
    }
    known->connection = now->connection;
    p->model->reread++;
}

static void
take_message(struct person *p, const char *line)
{
    struct message now = {.connection = p->connections}, *known;
    char           kind[16];
    int            used = 0;

    if (sscanf(line, "D %" SCNu64 " %" SCNu64 " %15s %n", &now.id, &now.event, kind, &used) != 3) {
        breaks_add(BREAK_ANSWER, "person %u: \"%s\"", p->number, line);
        return;
    }
    now.text = hash64(view_str(line + used), 0);
    known = find(p, now.id);
    if (known) {
        take_again(p, known, &now);
    } else {
        take_first(p, &now, kind, line + used);
    }
}

static void
take_line(char *line, void *arg)
{
    struct person  *p = arg;
    uint64_t        id = 0;
    struct message *known;

    if (line[0] == 'O') p->connections++;
    if (line[0] == 'D') take_message(p, line);
    if (!strchr("Kc", line[0]) || sscanf(line + 1, "%" SCNu64, &id) != 1) return;
    if (!(known = find(p, id))) {
        breaks_add(BREAK_ANSWER, "person %u: \"%s\"", p->number, line);
    } else {
        known->is_acknowledged = true;
        if (line[0] == 'c' && !known->confirmed) known->confirmed = p->connections;
    }
}

/* ---- what the store says --------------------------------------------------------------------- */

static void
take_effect(struct view item, void *arg)
{
    struct person  *p = arg;
    uint64_t        id = (uint64_t)number_of(item, "id");
    struct view     status = text_of(item, "status");
    bool            is_delivered = view_is(status, "delivered");
    struct message *known = find(p, id);

    if (!view_is(text_of(item, "sink"), "gateway")) return;
    (void)sessions_effect(p->model, item); /* it is of one */
    if (known) known->is_there = true;
    if (is_delivered ? known && known->is_acknowledged : view_is(status, "rejected") && !known) {
        return;
    }
    breaks_add(is_delivered ? BREAK_SEND_LOST : BREAK_SEND_TWICE,
               "person %u: effect %" PRIu64 " is %.*s, and %s", p->number, id, VIEW_ARG(status),
               !known                   ? "has never come"
               : known->is_acknowledged ? "was acknowledged"
                                        : "was not acknowledged");
}

static void
judge_person(struct person *p, struct link *l)
{
    char name[NAME_BYTES], body[64];

    load_person_name(p->number, name);
    (void)history_read(p->model->folder, name, take_line, p); /* it was found missing before */
    (void)snprintf(body, sizeof(body), "\"session\":\"s%u\",\"company\":\"" TALK "\"",
                   SESSIONS_READ + p->number); /* fits */
    fetch_pages(l, MSG_EFFECT_LIST, body, take_effect, p);
    for (size_t i = 0; i < p->count; i++) {
        if (p->all[i].is_there) continue;
        breaks_add(BREAK_SEND_TWICE, "person %u: effect %" PRIu64 " came, and is not in the store",
                   p->number, p->all[i].id);
    }
    p->model->visits += p->connections;
}

void
judge_gateway(struct model *m, struct link *l)
{
    for (unsigned n = 0; n < PERSONS; n++) {
        struct person p = {.model = m, .number = n};

        judge_person(&p, l);
        free(p.all);
    }
}
