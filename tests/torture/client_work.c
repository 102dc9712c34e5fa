/* The goals and tickets of a client. */
#include "common/mp.h"
#include "tests/torture/client.h"
#include <inttypes.h>
#include <stdio.h>

#define PARTS_MAX 4

/* The title of a goal ('g') or ticket ('t'), and the request_id that makes it. */
static void
next_title(struct client *c, char letter, char title[KEY_BYTES])
{
    (void)snprintf(title, KEY_BYTES, "%c%u-%u", letter, c->number, ++c->changes); /* fits */
}

/* Its id; 0: it was refused, or nobody knows. */
static uint64_t
note_made(struct client *c, enum answer answer, const char *title)
{
    uint64_t id = answer == ANSWER_YES ? (uint64_t)client_number(c, "id") : 0;

    if (answer == ANSWER_NO && c->link.error.code != E_DRAINING) {
        history_add(&c->history, "X %s: %s", title, c->link.error.msg);
    }
    if (answer != ANSWER_NO) history_add(&c->history, "O %s %" PRIu64, title, id);
    return id;
}

static void
add_goal(struct client *c)
{
    char title[KEY_BYTES], body[128];

    next_title(c, 'g', title);
    (void)snprintf(body, sizeof(body), "{\"title\":\"%s\",\"company\":\"acme\"}", title); /* fits */
    uint64_t id = note_made(c, client_change(c, MSG_GOAL_ADD, body, title), title);
    if (id) c->goal = id;
}

static void
own_ticket(struct client *c, uint64_t id)
{
    if (id) c->tickets[c->ntickets++ % TICKETS_MAX] = id;
}

static void
add_ticket(struct client *c)
{
    char title[KEY_BYTES], body[160];

    next_title(c, 't', title);
    (void)snprintf(body, sizeof(body),
                   "{\"title\":\"%s\",\"company\":\"acme\",\"goal\":%" PRIu64 ",\"reward\":7}",
                   title, c->goal); /* fits */
    own_ticket(c, note_made(c, client_change(c, MSG_TICKET_ADD, body, title), title));
}

static const char *
pick_assignee(struct client *c)
{
    return dice_percent(&c->dice, 50) ? "acme/alice" : "acme/bob";
}

static void
take_assigned(struct client *c, unsigned number)
{
    uint64_t job = (uint64_t)client_number(c, "job");

    intent_made(c, number, 1, &job, 1);
    client_own(c, job);
}

/* Made and assigned at once. */
static void
add_assigned(struct client *c)
{
    unsigned number = intent_begin(c, KIND_assigned, 1);
    char     mark[KEY_BYTES], title[KEY_BYTES], body[256];

    intent_mark(c, number, mark);
    next_title(c, 't', title);
    (void)snprintf(body, sizeof(body),
                   "{\"title\":\"%s\",\"company\":\"acme\",\"goal\":%" PRIu64
                   ",\"agent\":\"%s\",\"payload\":{\"mark\":\"%s\"}}",
                   title, c->goal, pick_assignee(c), mark); /* fits */
    enum answer answer = intent_ask(c, number, MSG_TICKET_ADD, body);
    uint64_t    id = note_made(c, answer, title);
    if (answer != ANSWER_YES) return;
    history_add(&c->history, "K %u %" PRIu64, number, id);
    take_assigned(c, number);
    own_ticket(c, id);
}

static void
assign(struct client *c)
{
    size_t kept = c->ntickets < TICKETS_MAX ? c->ntickets : TICKETS_MAX;
    char   mark[KEY_BYTES], body[160];

    if (kept == 0) {
        add_ticket(c);
        return;
    }
    uint64_t ticket = c->tickets[dice_below(&c->dice, kept)];
    unsigned number = intent_begin(c, KIND_assigned, 1);
    intent_mark(c, number, mark);
    history_add(&c->history, "K %u %" PRIu64, number, ticket);
    (void)snprintf(body, sizeof(body),
                   "{\"id\":%" PRIu64 ",\"agent\":\"%s\",\"payload\":{\"mark\":\"%s\"}}", ticket,
                   pick_assignee(c), mark); /* fits */
    if (intent_ask(c, number, MSG_TICKET_ASSIGN, body) == ANSWER_YES) take_assigned(c, number);
}

static size_t
read_parts(const struct client *c, uint64_t ids[PARTS_MAX])
{
    struct view list, item;
    uint32_t    n = 0, i = 0;
    int64_t     job = 0;

    if (!mp_find(buf_view(&c->link.body), "parts", &list)) return 0;
    struct mp_reader r = mp_reader_of(list);
    (void)mp_read_array(&r, &n); /* what is no list has no items */
    for (; i < n && i < PARTS_MAX && mp_read_any(&r, &item); i++)
        ids[i] = mp_find_i64(item, "job", &job) ? (uint64_t)job : 0;
    return i;
}

static void
decompose(struct client *c)
{
    BUF_AUTO struct buf body = {0};
    uint64_t            ids[PARTS_MAX];
    char                mark[KEY_BYTES];

    if (c->goal == 0) {
        add_goal(c);
        return;
    }
    unsigned count = 1 + (unsigned)dice_below(&c->dice, PARTS_MAX);
    unsigned number = intent_begin(c, KIND_part, count);
    intent_mark(c, number, mark);
    buf_printf(&body, "{\"id\":%" PRIu64 ",\"agent\":\"acme/sleeper\",\"parts\":[", c->goal);
    for (unsigned i = 0; i < count; i++) {
        buf_printf(&body, "%s{\"title\":\"%s-%u\",\"payload\":{\"mark\":\"%s-%u\"}}",
                   i == 0 ? "" : ",", mark, i, mark, i);
    }
    buf_add_str(&body, "]}");
    if (intent_ask(c, number, MSG_GOAL_DECOMPOSE, buf_str(&body)) != ANSWER_YES) return;
    intent_made(c, number, count, ids, read_parts(c, ids));
}

void
work_step(struct client *c)
{
    unsigned what = (unsigned)dice_below(&c->dice, 100);

    if (what < 10) {
        add_goal(c);
    } else if (what < 25) {
        decompose(c);
    } else if (what < 40) {
        add_ticket(c);
    } else if (what < 60) {
        add_assigned(c);
    } else {
        assign(c);
    }
}
