/* Goals and tickets (B3): each that was acknowledged is there once; each assignment woke its agent
 * once; a ticket was finished by the effect of one job. */
#include "common/hash.h"
#include "tests/torture/breaks.h"
#include "tests/torture/config.h"
#include "tests/torture/items.h"
#include "tests/torture/judge.h"
#include "tests/torture/schedules.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- what is there --------------------------------------------------------------------------- */

static void
take_titled(struct model *m, struct view item)
{
    struct view title = text_of(item, "title");
    uint64_t    id = (uint64_t)number_of(item, "id");

    for (size_t i = 0; i < m->nthings; i++) {
        struct thing *t = &m->things[i];

        if (!view_is(title, t->title)) continue;
        t->found++;
        if (t->id && t->id != id) {
            breaks_add(BREAK_WORK, "%s has the id %" PRIu64 ", not %" PRIu64, t->title, id, t->id);
        }
        return;
    }
    breaks_add(BREAK_WORK, "nobody asked for %.*s", VIEW_ARG(title));
}

/* A part of a goal that was decomposed has a mark for its title. */
static void
take_goal(struct view item, void *arg)
{
    struct model  *m = arg;
    struct view    title = text_of(item, "title");
    char           text[NAME_BYTES];
    int            client;
    unsigned       number, index;
    struct intent *in;

    (void)snprintf(text, sizeof(text), "%.*s", VIEW_ARG(title)); /* a longer one is none of ours */
    if (sscanf(text, "c%d-%u-%u", &client, &number, &index) != 3) {
        take_titled(m, item);
    } else if ((in = model_intent(m, client, number))) {
        in->goals++;
    }
}

static void
take_ticket(struct view item, void *arg)
{
    struct model  *m = arg;
    struct ticket *k = model_ticket(m, (uint64_t)number_of(item, "id"));

    if (!view_is(text_of(item, "title"), CHORE)) take_titled(m, item);
    if (!k) return;
    k->is_chore = view_is(text_of(item, "title"), CHORE);
    k->is_there = true;
    k->is_done = view_is(text_of(item, "status"), "done");
    k->assignee = hash64(text_of(item, "assignee"), 0);
    k->reward = (uint64_t)number_of(item, "reward");
    k->newest = (uint64_t)number_of(item, "job");
}

/* ---- judgement ------------------------------------------------------------------------------- */

static void
judge_thing(const struct thing *t)
{
    if (t->found > 1 || (t->id && t->found == 0)) {
        breaks_add(BREAK_WORK, "%s is there %u times", t->title, t->found);
    }
}

static bool
is_of_chore(const struct job *j)
{
    return j->schedule && strcmp(schedules[j->schedule - 1].name, CHORE) == 0;
}

static void
judge_job(struct model *m, uint64_t id)
{
    const struct job    *j = &m->jobs[id];
    struct ticket       *k = model_ticket(m, j->ticket);
    const struct intent *in = model_intent(m, j->client, j->number);
    bool                 is_closed = j->is_closing && j->end == END_COMPLETED;

    if (j->closes + j->opens != is_closed) {
        breaks_add(BREAK_WORK, "job %" PRIu64 " has %" PRIu64 " effects on its ticket", id,
                   j->closes + j->opens);
    }
    if (j->is_assigned != ((in && in->kind == KIND_assigned) || is_of_chore(j)) ||
        j->is_assigned != (k != NULL) || (in && in->ticket && in->ticket != j->ticket)) {
        breaks_add(BREAK_WORK, "job %" PRIu64 " serves ticket %" PRIu64, id, j->ticket);
    }
    if (!k) return;
    k->jobs++;
    k->closes += j->closes;
    k->completed += is_closed;
    if (j->is_taken_back && k->newest <= id) {
        breaks_add(BREAK_WORK, "job %" PRIu64 " was taken back from ticket %" PRIu64 " for nobody",
                   id, j->ticket);
    }
}

static void
judge_ticket(const struct ticket *k, uint64_t id)
{
    bool must_be_done = k->completed > 0;

    if (k->is_chore && (k->jobs != 1 || k->newest == 0)) {
        breaks_add(BREAK_WORK, "ticket %" PRIu64 " of the routine has %" PRIu64 " jobs", id,
                   k->jobs);
    }
    if (k->is_done != must_be_done || k->done != must_be_done || k->closes != must_be_done) {
        breaks_add(BREAK_WORK,
                   "ticket %" PRIu64 " is %s; %" PRIu64 " of its jobs completed, %" PRIu64
                   " finished it, the feed tells that %" PRIu64 " times",
                   id, k->is_done ? "done" : "not done", k->completed, k->closes, k->done);
    }
}

/* Each part is a goal and a job, or neither. */
static void
judge_parts(const struct model *m)
{
    for (int c = 0; c < CLIENTS; c++) {
        for (size_t i = 0; i < m->clients[c].count; i++) {
            const struct intent *in = &m->clients[c].intents[i];

            if (in->kind != KIND_part || in->goals == in->found) continue;
            breaks_add(BREAK_WORK, "client %d, request %zu made %u goals and %u jobs", c, i,
                       in->goals, in->found);
        }
    }
}

void
judge_work(struct model *m, struct link *l)
{
    fetch_pages(l, MSG_GOAL_LIST, "", take_goal, m);
    fetch_pages(l, MSG_TICKET_LIST, "", take_ticket, m);
    for (size_t i = 0; i < m->nthings; i++)
        judge_thing(&m->things[i]);
    for (uint64_t id = 1; id <= m->last; id++) {
        if (m->jobs[id].is_there) judge_job(m, id);
    }
    for (uint64_t id = 1; id < m->ticket_cap; id++) {
        if (m->tickets[id].is_there) judge_ticket(&m->tickets[id], id);
    }
    judge_parts(m);
}
